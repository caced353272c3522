/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * message.c -- DNS messages (RFC 1035, 4).
 *
 *   0 id | 2 QR, opcode, AA, TC, RD; RA, Z, RCODE | 4 questions | 6 answers | 8 authorities | 10 additional
 *   record: name | type 2 | class 2 | lifetime 4 | length 2 | data
 */
#include <brainix/net_dns.h>

#include "../mem.h"

#define HEAD		12u
#define FLAG_TC		0x0200u
#define QR_OPCODE	0xf800u
#define QR		0x8000u
#define TYPE_CNAME	5u
#define TYPE_SOA	6u
#define CLASS_IN	1u
#define RCODE_NO_NAME	3u

struct message {
	const uint8_t *bytes;
	uint32_t length;
};

struct record {
	struct bx_dns_name owner;
	uint16_t type, class;
	uint32_t lifetime_s;
	uint32_t data, length;
};

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool
name_equal(const struct bx_dns_name *a, const struct bx_dns_name *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/*
 * Reads the name at *at and steps over it (RFC 1035, 4.1.4).  A pointer must lead before the piece that it
 * stands in: so pieces come ever earlier and a loop cannot be.
 */
static bool
name_get(const struct message *m, uint32_t *at, struct bx_dns_name *name)
{
	uint32_t pos = *at, piece = *at, used = 0, after = 0;

	while (pos < m->length) {
		uint8_t b = m->bytes[pos];

		if (b >= 0xc0) {
			uint32_t target;

			if (m->length - pos < 2)
				return false;
			target = bx_get_be16(m->bytes + pos) & 0x3fffu;
			if (target >= piece)
				return false;
			if (after == 0)
				after = pos + 2;
			piece = pos = target;
			continue;
		}
		/* 63 is the longest label, 255 the longest name with its root. */
		if (b > 63 || b >= m->length - pos || used + b + 1u > 255 || (b != 0 && used + b + 1u > 254))
			return false;
		name->bytes[used++] = b;
		for (uint32_t i = 1; i <= b; i++)
			name->bytes[used++] = lower(m->bytes[pos + i]);
		pos += b + 1u;
		if (b == 0) {
			name->length = (uint8_t)used;
			*at = after != 0 ? after : pos;
			return true;
		}
	}
	return false;
}

static bool
record_get(const struct message *m, uint32_t *at, struct record *r)
{
	const uint8_t *b;

	if (!name_get(m, at, &r->owner) || m->length - *at < 10)
		return false;
	b = m->bytes + *at;
	r->type = bx_get_be16(b);
	r->class = bx_get_be16(b + 2);
	r->lifetime_s = bx_get_be32(b + 4);
	if (r->lifetime_s > INT32_MAX)		/* RFC 2181, 8 */
		r->lifetime_s = 0;
	r->length = bx_get_be16(b + 8);
	r->data = *at + 10;
	if (r->length > m->length - r->data)
		return false;
	*at = r->data + r->length;
	return true;
}

enum bx_err
bx_dns_name_set(const char *text, size_t length, struct bx_dns_name *name)
{
	struct bx_dns_name n = { 0 };
	uint32_t label = 0, used = 1;

	if (length != 0 && text[length - 1] == '.')
		length--;
	if (length == 0 || length > 253)
		return BX_ERR_FORMAT;
	for (size_t i = 0; i < length; i++) {
		uint8_t c = lower((uint8_t)text[i]);
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';

		if (c == '.' ? n.bytes[label] == 0 : !plain || n.bytes[label] == 63)
			return BX_ERR_FORMAT;
		if (c == '.')
			label = used;
		else
			n.bytes[label]++;
		n.bytes[used++] = c == '.' ? 0 : c;
	}
	if (n.bytes[label] == 0)
		return BX_ERR_FORMAT;
	n.length = (uint8_t)(used + 1);		/* the root; at most 255 */
	*name = n;
	return BX_OK;
}

bool
bx_dns_message_matches(const uint8_t *bytes, uint32_t length, uint16_t id, const struct bx_dns_name *name,
    uint16_t type)
{
	struct message m = { bytes, length };
	struct bx_dns_name asked;
	uint32_t at = HEAD;

	if (length < HEAD || bx_get_be16(bytes) != id || (bx_get_be16(bytes + 2) & QR_OPCODE) != QR ||
	    bx_get_be16(bytes + 4) != 1)
		return false;
	return name_get(&m, &at, &asked) && name_equal(&asked, name) && length - at >= 4 &&
	    bx_get_be16(bytes + at) == type && bx_get_be16(bytes + at + 2) == CLASS_IN;
}

/* A negative answer lives as long as the SOA and its last field say (RFC 2308, 5). */
static bool
soa_lifetime(const struct message *m, const struct record *r, uint32_t *lifetime_s)
{
	struct bx_dns_name skipped;
	uint32_t at = r->data, end = r->data + r->length;

	if (!name_get(m, &at, &skipped) || !name_get(m, &at, &skipped) || at > end || end - at != 20)
		return false;
	*lifetime_s = min_u32(r->lifetime_s, bx_get_be32(m->bytes + at + 16));
	return true;
}

/* All answers and authorities are whole; finds the SOA. */
static bool
records_check(const struct message *m, uint32_t at, uint32_t answers, uint32_t authorities, bool *soa,
    uint32_t *negative_s)
{
	struct record r;

	for (uint32_t i = 0; i < answers + authorities; i++) {
		if (!record_get(m, &at, &r))
			return false;
		if (i < answers || r.type != TYPE_SOA || r.class != CLASS_IN)
			continue;
		if (!soa_lifetime(m, &r, negative_s))
			return false;
		*soa = true;
	}
	return true;
}

static bool
address_add(const struct message *m, const struct record *r, struct bx_dns_answer *a)
{
	const uint8_t *data = m->bytes + r->data;

	if (r->length != (r->type == BX_DNS_A ? 4u : 16u))
		return false;
	a->lifetime_s = min_u32(a->lifetime_s, r->lifetime_s);
	if (a->count == BX_DNS_ADDRESSES)
		return true;
	if (r->type == BX_DNS_A)
		a->addresses[a->count] = bx_net_ipv4_from(data);
	else
		memcpy(a->addresses[a->count].byte, data, 16);
	a->count++;
	return true;
}

/* Adds the addresses of a->name.  If it is an alias, *alias is its target. */
static bool
name_look(const struct message *m, uint32_t at, uint32_t answers, uint16_t type, struct bx_dns_answer *a,
    struct bx_dns_name *alias)
{
	struct record r;

	alias->length = 0;
	for (uint32_t i = 0; i < answers; i++) {
		if (!record_get(m, &at, &r))
			return false;
		if (r.class != CLASS_IN || !name_equal(&r.owner, &a->name))
			continue;
		if (r.type == type && !address_add(m, &r, a))
			return false;
		if (r.type == TYPE_CNAME && alias->length == 0) {
			uint32_t data = r.data;

			if (!name_get(m, &data, alias) || data != r.data + r.length)
				return false;
			a->lifetime_s = min_u32(a->lifetime_s, r.lifetime_s);
		}
	}
	return true;
}

enum bx_err
bx_dns_message_parse(const uint8_t *bytes, uint32_t length, const struct bx_dns_name *name, uint16_t type,
    struct bx_dns_answer *answer)
{
	struct message m = { bytes, length };
	struct bx_dns_answer a = { .name = *name, .lifetime_s = INT32_MAX };
	struct bx_dns_name alias;
	uint32_t at = HEAD, answers, rcode, negative_s = 0, chain = 0;
	bool soa = false;

	if (length < HEAD)
		return BX_ERR_FORMAT;
	if ((bx_get_be16(bytes + 2) & FLAG_TC) != 0)
		return BX_ERR_TRUNCATED;
	rcode = bytes[3] & 0xfu;
	if (rcode != 0 && rcode != RCODE_NO_NAME)
		return BX_ERR_NET_REFUSED;
	answers = bx_get_be16(bytes + 6);
	if (!name_get(&m, &at, &alias) || length - at < 4)
		return BX_ERR_FORMAT;
	at += 4;
	if (!records_check(&m, at, answers, bx_get_be16(bytes + 8), &soa, &negative_s))
		return BX_ERR_FORMAT;

	for (;; chain++) {
		if (!name_look(&m, at, answers, type, &a, &alias))
			return BX_ERR_FORMAT;
		if (a.count != 0 || alias.length == 0)
			break;
		if (chain == BX_DNS_CHAIN)
			return BX_ERR_OVERFLOW;
		a.name = alias;
	}
	if (a.count == 0 && chain != 0 && rcode == 0 && !soa) {
		a.count = chain;
		*answer = a;
		return BX_ERR_AGAIN;
	}
	if (a.count == 0)
		a.lifetime_s = soa ? min_u32(a.lifetime_s, negative_s) : 0;
	*answer = a;
	return a.count != 0 ? BX_OK : BX_ERR_NOT_FOUND;
}
