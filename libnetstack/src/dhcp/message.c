/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * message.c -- DHCP messages, made and parsed: pure functions.
 */
#include "dhcp.h"

#define OP_REQUEST	1u
#define OP_REPLY	2u
#define FLAG_BROADCAST	0x8000u

/* Where an option's content is; length 0: not given.  The first of a kind counts. */
struct field {
	const uint8_t *bytes;
	uint32_t length;
};

enum { MASK, ROUTER, DNS, MTU, LIFETIME, OVERLOAD, TYPE, SERVER, RENEW, REBIND, ROUTES, FIELDS };

struct fields {
	struct field of[FIELDS];
};

static uint32_t
field_of(uint32_t code)
{
	static const uint8_t codes[FIELDS] = {
		OPTION_MASK, OPTION_ROUTER, OPTION_DNS, OPTION_MTU, OPTION_LIFETIME, OPTION_OVERLOAD,
		OPTION_TYPE, OPTION_SERVER, OPTION_RENEW, OPTION_REBIND, OPTION_ROUTES,
	};

	for (uint32_t i = 0; i < FIELDS; i++) {
		if (codes[i] == code)
			return i;
	}
	return FIELDS;
}

/* Walks one area of options (RFC 2132, 2); false if one goes beyond it. */
static bool
options_take(const uint8_t *p, uint32_t length, struct fields *fields)
{
	uint32_t at = 0;

	while (at < length && p[at] != OPTION_END) {
		uint32_t size, i;

		if (p[at] == OPTION_PAD) {
			at++;
			continue;
		}
		if (length - at < 2 || p[at + 1] > length - at - 2)
			return false;
		size = p[at + 1];
		i = field_of(p[at]);
		if (i != FIELDS && fields->of[i].length == 0)
			fields->of[i] = (struct field){ p + at + 2, size };
		at += 2 + size;
	}
	return true;
}

/* The options, and what overflowed into the other two fields (RFC 2131, 4.1). */
static bool
fields_take(const uint8_t *bytes, uint32_t length, struct fields *fields)
{
	uint32_t overload;

	*fields = (struct fields){ 0 };
	if (!options_take(bytes + HEAD, length - HEAD, fields))
		return false;
	if (fields->of[OVERLOAD].length != 1)
		return fields->of[OVERLOAD].length == 0;
	overload = fields->of[OVERLOAD].bytes[0];
	if ((overload & 1) != 0 && !options_take(bytes + FILE_AT, FILE_BYTES, fields))
		return false;
	return (overload & 2) == 0 || options_take(bytes + SNAME_AT, SNAME_BYTES, fields);
}

/* A number of four bytes, or what stands for its absence. */
static uint32_t
number(const struct fields *f, uint32_t i, uint32_t absent)
{
	return f->of[i].length == 4 ? bx_get_be32(f->of[i].bytes) : absent;
}

static bool
is_unicast(uint32_t address)
{
	return address >> 24 != 0 && address >> 24 != 127 && address < 0xe0000000u;
}

static bool
prefix_take(const struct fields *f, uint32_t address, uint8_t *prefix)
{
	uint32_t mask = number(f, MASK, address < 0x80000000u ? 0xff000000u : address < 0xc0000000u ? 0xffff0000u :
	    0xffffff00u);	/* RFC 950's classes, for a server that says nothing */

	if ((~mask & (~mask + 1)) != 0 || mask == 0)
		return false;
	for (*prefix = 0; *prefix < 32 && (mask << *prefix & 0x80000000u) != 0;)
		++*prefix;
	return true;
}

/* RFC 3442: width, the significant bytes of the network, the gateway.  They stand in place of the router option. */
static bool
routes_take(const struct fields *f, struct bx_dhcp_lease *lease)
{
	const uint8_t *p = f->of[ROUTES].bytes;
	uint32_t left = f->of[ROUTES].length;

	while (left != 0) {
		struct bx_dhcp_route route = { .network = bx_net_ipv4(0, 0, 0, 0) };
		uint32_t significant = (p[0] + 7u) / 8u;

		if (p[0] > 32 || left < 1 + significant + 4)
			return false;
		route.prefix = p[0];
		memcpy(route.network.byte + 12, p + 1, significant);
		/* RFC 3442: bits beyond the mask are to be ignored. */
		if (p[0] % 8 != 0)
			route.network.byte[11 + significant] &= (uint8_t)(0xff00u >> p[0] % 8);
		if (bx_get_be32(p + 1 + significant) != 0)
			route.gateway = bx_net_ipv4_from(p + 1 + significant);
		if (lease->route_count < BX_DHCP_ROUTES)
			lease->routes[lease->route_count++] = route;
		p += 1 + significant + 4;
		left -= 1 + significant + 4;
	}
	return true;
}

static bool
router_take(const struct fields *f, struct bx_dhcp_lease *lease)
{
	if (f->of[ROUTES].length != 0)
		return routes_take(f, lease);
	if (f->of[ROUTER].length < 4 || !is_unicast(bx_get_be32(f->of[ROUTER].bytes)))
		return f->of[ROUTER].length == 0 || f->of[ROUTER].length >= 4;
	lease->routes[0] = (struct bx_dhcp_route){
		.network = bx_net_ipv4(0, 0, 0, 0), .gateway = bx_net_ipv4_from(f->of[ROUTER].bytes),
	};
	lease->route_count = 1;
	return true;
}

static void
dns_take(const struct fields *f, struct bx_dhcp_lease *lease)
{
	for (uint32_t at = 0; at + 4 <= f->of[DNS].length && lease->dns_count < BX_DHCP_SERVERS; at += 4) {
		if (is_unicast(bx_get_be32(f->of[DNS].bytes + at)))
			lease->dns[lease->dns_count++] = bx_net_ipv4_from(f->of[DNS].bytes + at);
	}
}

/* RFC 2131, 4.4.5: half of the time, and seven eighths, if the server does not say; and in that order. */
static void
times_take(const struct fields *f, struct bx_dhcp_lease *lease)
{
	uint32_t whole = lease->lifetime_s;

	lease->renew_s = number(f, RENEW, whole == UINT32_MAX ? UINT32_MAX : whole / 2);
	lease->rebind_s = number(f, REBIND, whole == UINT32_MAX ? UINT32_MAX : whole - whole / 8);
	if (lease->rebind_s > whole)
		lease->rebind_s = whole - whole / 8;
	if (lease->renew_s > lease->rebind_s)
		lease->renew_s = lease->rebind_s / 2;
}

/* What an offer or an acknowledgement gives. */
static bool
lease_take(const uint8_t *bytes, const struct fields *f, struct bx_dhcp_lease *lease)
{
	uint32_t address = bx_get_be32(bytes + 16);

	if (!is_unicast(address) || f->of[LIFETIME].length != 4 || !prefix_take(f, address, &lease->prefix))
		return false;
	lease->address = bx_net_ipv4_from(bytes + 16);
	lease->lifetime_s = number(f, LIFETIME, 0);
	if (lease->lifetime_s == 0)
		return false;
	times_take(f, lease);
	dns_take(f, lease);
	/* RFC 2132, 5.1: at least 68; what no host here can use is left out. */
	if (f->of[MTU].length == 2 && bx_get_be16(f->of[MTU].bytes) >= 576)
		lease->mtu = bx_get_be16(f->of[MTU].bytes);
	return router_take(f, lease);
}

enum bx_err
bx_dhcp_message_parse(const uint8_t *bytes, uint32_t length, uint32_t xid, const uint8_t mac[6],
    struct bx_dhcp_message *message)
{
	struct bx_dhcp_message m = { .type = 0 };
	struct fields f;

	if (length < HEAD || bytes[0] != OP_REPLY || bx_get_be32(bytes + 236) != COOKIE)
		return BX_ERR_FORMAT;
	if (bytes[1] != 1 || bytes[2] != 6 || bx_get_be32(bytes + 4) != xid || memcmp(bytes + 28, mac, 6) != 0)
		return BX_ERR_NOT_FOUND;
	if (!fields_take(bytes, length, &f) || f.of[TYPE].length != 1)
		return BX_ERR_FORMAT;
	m.type = f.of[TYPE].bytes[0];
	if (m.type != BX_DHCP_OFFER && m.type != BX_DHCP_ACK && m.type != BX_DHCP_NAK)
		return BX_ERR_FORMAT;
	/* Table 3: each of the three has to say who speaks. */
	if (f.of[SERVER].length != 4 || !is_unicast(bx_get_be32(f.of[SERVER].bytes)))
		return BX_ERR_FORMAT;
	if (m.type != BX_DHCP_NAK && !lease_take(bytes, &f, &m.lease))
		return BX_ERR_FORMAT;
	m.lease.server = bx_net_ipv4_from(f.of[SERVER].bytes);
	*message = m;
	return BX_OK;
}

/* ---- made ---- */

static uint8_t *
option(uint8_t *p, uint32_t code, const uint8_t *content, uint32_t length)
{
	p[0] = (uint8_t)code;
	p[1] = (uint8_t)length;
	memcpy(p + 2, content, length);
	return p + 2 + length;
}

void
bx_dhcp_message_make(const struct request *r, uint8_t bytes[MESSAGE_MIN])
{
	static const uint8_t parameters[] = {
		OPTION_MASK, OPTION_ROUTES, OPTION_ROUTER, OPTION_DNS, OPTION_MTU, OPTION_RENEW, OPTION_REBIND,
	};
	uint8_t id[7] = { 1 }, size[2];
	uint8_t *p = bytes + HEAD;

	memset(bytes, 0, MESSAGE_MIN);
	bytes[0] = OP_REQUEST;
	bytes[1] = 1;
	bytes[2] = 6;
	bx_put_be32(bytes + 4, r->xid);
	bx_put_be16(bytes + 8, r->secs);
	bx_put_be16(bytes + 10, r->broadcast ? FLAG_BROADCAST : 0);
	if (r->ciaddr != NULL)
		memcpy(bytes + 12, r->ciaddr->byte + 12, 4);
	memcpy(bytes + 28, r->mac, 6);
	bx_put_be32(bytes + 236, COOKIE);
	p = option(p, OPTION_TYPE, &r->type, 1);
	memcpy(id + 1, r->mac, 6);
	p = option(p, OPTION_CLIENT, id, sizeof id);
	if (r->requested != NULL)
		p = option(p, OPTION_REQUESTED, r->requested->byte + 12, 4);
	if (r->server != NULL)
		p = option(p, OPTION_SERVER, r->server->byte + 12, 4);
	if (r->type == BX_DHCP_DISCOVER || r->type == BX_DHCP_REQUEST) {
		bx_put_be16(size, BX_DHCP_MESSAGE_MAX + 28);
		p = option(p, OPTION_SIZE, size, 2);
		p = option(p, OPTION_PARAMETERS, parameters, sizeof parameters);
	}
	*p = OPTION_END;
}
