/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * discovery.c -- runs scripts against the IP stage, in virtual time: neighbour and router discovery, addresses of
 * prefixes, groups, path MTU.
 *
 *   discovery FILE...    runs these
 *   discovery            runs all of $BX_SRCDIR/libnetstack/tests/discovery
 *
 * A script is one case, a line one step; `#` begins a comment.  `+N` before a step lets N ms pass first.
 *
 *   < KIND FROM > TO [KEY VALUE]...    the link brings this; `<!`: with a bad checksum
 *   > KIND FROM > TO [KEY VALUE]...    we have sent this, next, since the last `+N`
 *   nothing                            we have sent nothing that was not named
 *   settle                             3 s pass, and what is sent in them is not looked at
 *
 *   KIND  rs  ra  ns  na  redirect  query (MLD)  report (MLDv2)  report1, done1 (MLDv1)  big (packet too big)  echo  reply  data (UDP)
 *         fragment (of `>`)
 *   KEY of both   target A   for A (destination of a redirect)   link N (option with 02:00:00:00:00:N)   flags rso
 *                 len N   code N
 *         of `<`  hoplimit N   life S   pref high|low   hops N   reachable MS   retrans MS   mtu N   about A
 *                 prefix A/N   use la (on link, autonomous)   valid S   preferred S   group A   delay MS   cut N
 *         of `>`  nolink   via A (next hop)   mac N (the link address it goes to)   unresolved   join A   leave A   is A
 *                 hops N (of the header)
 *   A query is of MLDv2; with `cut 4` it is of MLDv1.
 *   What a `>` does not write is not compared; FROM and TO may be `*`.
 *   A     fd00::1   ll (our link-local)   auto:fd01:: (ours of that prefix)   sn:A (its solicited-node group)
 *         all   routers   mld
 *
 *   start [routers] [sure]   add A/N   remove A   join A   leave A   route A/N via A   mtu N (before start)
 *   send A len N [error route|big]
 *   address A none|tentative|preferred|deprecated|duplicate   valid A S   preferred A S (what is left; `never`)
 *   path A [mtu N] [source A]   path A none   stat NAME N
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <brainix/net_ip.h>

#define WORDS_MAX	48u
#define SENT_MAX	64u
#define FRAME_MAX	2048u

/* A packet of ours. */
struct sent {
	uint8_t bytes[FRAME_MAX];
	uint32_t length;
	struct bx_net_addr next_hop;
	uint8_t mac;
	bool resolved;
	uint64_t at_us;
};

struct script {
	const char *name;
	uint32_t line;
	bool failed;
	struct bx_ip *ip;
	void *memory;
	uint64_t now_us, began_us;
	uint16_t mtu;
	struct sent sent[SENT_MAX];
	uint32_t sent_count, sent_next;
	struct bx_net_batch in, out;
	struct bx_net_buf in_bufs[4], out_bufs[32];
	uint8_t in_bytes[4 * FRAME_MAX], out_bytes[32 * FRAME_MAX];
	char text[256];
	const char *words[WORDS_MAX];
	uint32_t word_count;
};

static const struct {
	const char *name;
	uint8_t type;			/* of ICMPv6; 0: UDP, 1: a fragment */
} kinds[] = {
	{ "rs", 133 }, { "ra", 134 }, { "ns", 135 }, { "na", 136 }, { "redirect", 137 }, { "query", 130 },
	{ "report", 143 }, { "report1", 131 }, { "done1", 132 }, { "big", 2 }, { "echo", 128 }, { "reply", 129 }, { "data", 0 }, { "fragment", 1 },
};

static void
fail(struct script *s, const char *what)
{
	if (!s->failed)
		printf("%s:%u: %s\n", s->name, s->line, what);
	s->failed = true;
}

/* ---- words ---- */

static void
words_read(struct script *s, const char *line)
{
	char *p = s->text;

	snprintf(s->text, sizeof s->text, "%s", line);
	s->text[strcspn(s->text, "#\n")] = 0;
	s->word_count = 0;
	for (char *w = strtok(p, " \t"); w != NULL && s->word_count < WORDS_MAX; w = strtok(NULL, " \t"))
		s->words[s->word_count++] = w;
}

static const char *
word(struct script *s, uint32_t i)
{
	if (i < s->word_count)
		return s->words[i];
	fail(s, "a word is missing");
	return "";
}

/* The place of a key's value, or 0. */
static uint32_t
key(const struct script *s, const char *name)
{
	for (uint32_t i = 1; i < s->word_count; i++) {
		if (strcmp(s->words[i], name) == 0)
			return i + 1;
	}
	return 0;
}

static uint32_t
number_at(struct script *s, uint32_t i)
{
	char *end;
	const char *w = word(s, i);
	uint32_t n = (uint32_t)strtoul(w, &end, 0);

	if (end == w || *end != 0)
		fail(s, "this is no number");
	return n;
}

static uint32_t
number(struct script *s, const char *name, uint32_t otherwise)
{
	uint32_t i = key(s, name);

	return i == 0 ? otherwise : number_at(s, i);
}

static bool
is_link_local(const struct bx_net_addr *a)
{
	return a->byte[0] == 0xfe && (a->byte[1] & 0xc0) == 0x80;
}

/* The first own address that is link-local, or made of a prefix. */
static bool
own_find(const struct script *s, const struct bx_net_addr *prefix, struct bx_net_addr *to)
{
	struct bx_ip_address own;

	for (uint32_t i = 0; bx_ip_address_at(s->ip, s->now_us, i, &own); i++) {
		if (prefix == NULL ? is_link_local(&own.address) : own.learnt && memcmp(own.address.byte, prefix->byte, 8) == 0) {
			*to = own.address;
			return true;
		}
	}
	return false;
}

static struct bx_net_addr
address(struct script *s, const char *text)
{
	static const struct {
		const char *name;
		const char *text;
	} names[] = { { "all", "ff02::1" }, { "routers", "ff02::2" }, { "mld", "ff02::16" } };
	struct bx_net_addr a = { { 0 } }, inner;

	for (uint32_t i = 0; i < BX_ARRAY_COUNT(names); i++) {
		if (strcmp(names[i].name, text) == 0)
			text = names[i].text;
	}
	if (strncmp(text, "sn:", 3) == 0) {
		inner = address(s, text + 3);
		a = (struct bx_net_addr){ { 0xff, 2, [11] = 1, [12] = 0xff } };
		memcpy(a.byte + 13, inner.byte + 13, 3);
		return a;
	}
	if (strcmp(text, "ll") == 0) {
		if (!own_find(s, NULL, &a))
			fail(s, "there is no link-local address");
	} else if (strncmp(text, "auto:", 5) == 0) {
		if (inet_pton(AF_INET6, text + 5, inner.byte) != 1 || !own_find(s, &inner, &a))
			fail(s, "there is no address of this prefix");
	} else if (inet_pton(AF_INET6, text, a.byte) != 1) {
		fail(s, "this is no address");
	}
	return a;
}

static struct bx_net_addr
address_at(struct script *s, uint32_t i)
{
	return address(s, word(s, i));
}

/* `fd00::/64` */
static struct bx_net_addr
network_at(struct script *s, uint32_t i, uint8_t *prefix)
{
	char text[64];
	char *slash;

	snprintf(text, sizeof text, "%s", word(s, i));
	slash = strchr(text, '/');
	if (slash == NULL) {
		fail(s, "a prefix is missing");
		return (struct bx_net_addr){ { 0 } };
	}
	*slash = 0;
	*prefix = (uint8_t)strtoul(slash + 1, NULL, 10);
	return address(s, text);
}

/* ---- what we send ---- */

static void
take_batch(struct script *s, const struct bx_net_batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++) {
		const struct bx_net_buf *buf = &batch->bufs[i];
		struct sent *p = &s->sent[s->sent_count];

		if (buf->kind != BX_NET_IPV6)
			continue;
		if (s->sent_count == SENT_MAX || buf->length > FRAME_MAX) {
			fail(s, "more packets than the runner holds");
			return;
		}
		memcpy(p->bytes, bx_net_bytes(batch, buf), buf->length);
		p->length = buf->length;
		p->next_hop = buf->destination;
		p->resolved = (buf->flags & BX_NET_F_LINK_KNOWN) != 0;
		p->mac = p->resolved ? buf->source.byte[5] : 0;
		p->at_us = s->now_us;
		s->sent_count++;
	}
}

static void
take_sent(struct script *s)
{
	take_batch(s, &s->out);
	bx_net_batch_clear(&s->out);
}

static void
pass_time(struct script *s, uint64_t us)
{
	uint64_t end = s->now_us + us, next;

	s->began_us = s->now_us;
	/* One that is due at once and stays so is a fault of the stage, not of the script. */
	for (uint32_t i = 0; (next = bx_ip_next(s->ip)) <= end; i++) {
		if (i == 100000) {
			fail(s, "the stage is due for ever");
			break;
		}
		s->now_us = next > s->now_us ? next : s->now_us;
		bx_ip_poll(s->ip, s->now_us, &s->out);
		take_sent(s);
	}
	s->now_us = end;
}

static void
start(struct script *s)
{
	const struct bx_ip_config config = {
		.routes = 12, .destinations = 8, .reassemblies = 2, .reassembly_bytes = 8192, .neighbours = 8,
		.waiting = 4, .waiting_bytes = 1536, .seed = 1, .stable = { 7, 8 },
	};
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	uint32_t flags = (key(s, "routers") != 0 ? BX_IP_IPV6_ROUTERS : 0) | (key(s, "sure") != 0 ? BX_IP_IPV6_SURE : 0);
	size_t size = bx_ip_size(&config);

	s->memory = aligned_alloc(64, size);
	if (s->memory == NULL || bx_ip_init(s->memory, size, &config, &s->ip) != BX_OK ||
	    bx_ip_interface_set(s->ip, 0, s->mtu) != BX_OK || bx_ip_ipv6_start(s->ip, s->now_us, 0, mac, flags) != BX_OK)
		exit(99);
}

/* ---- what the link brings ---- */

static uint32_t
put_link(struct script *s, uint8_t *p, uint8_t type, const char *name)
{
	uint32_t i = key(s, name);

	if (i == 0)
		return 0;
	memcpy(p, (const uint8_t[8]){ type, 1, 2, 0, 0, 0, 0, (uint8_t)number_at(s, i) }, 8);
	return 8;
}

static uint32_t
put_router_advert(struct script *s, uint8_t *p)
{
	uint32_t i = key(s, "pref"), n = 16;
	const char *use;
	uint8_t bits;

	p[4] = (uint8_t)number(s, "hops", 0);
	if (i != 0)
		p[5] = strcmp(word(s, i), "high") == 0 ? 0x08 : 0x18;
	bx_put_be16(p + 6, (uint16_t)number(s, "life", 1800));
	bx_put_be32(p + 8, number(s, "reachable", 0));
	bx_put_be32(p + 12, number(s, "retrans", 0));
	n += put_link(s, p + n, 1, "link");
	i = key(s, "prefix");
	if (i != 0) {
		struct bx_net_addr network = network_at(s, i, &bits);

		use = key(s, "use") != 0 ? word(s, key(s, "use")) : "la";
		p[n] = 3;
		p[n + 1] = 4;
		p[n + 2] = bits;
		p[n + 3] = (uint8_t)((strchr(use, 'l') != NULL ? 0x80 : 0) | (strchr(use, 'a') != NULL ? 0x40 : 0));
		bx_put_be32(p + n + 4, number(s, "valid", 86400));
		bx_put_be32(p + n + 8, number(s, "preferred", 14400));
		memcpy(p + n + 16, network.byte, 16);
		n += 32;
	}
	if (key(s, "mtu") != 0) {
		p[n] = 5;
		p[n + 1] = 1;
		bx_put_be32(p + n + 4, number(s, "mtu", 0));
		n += 8;
	}
	return n;
}

/* The packet that an error is about: a datagram of ours. */
static uint32_t
put_quote(struct script *s, uint8_t *p, const struct bx_net_addr *ours)
{
	struct bx_net_addr about = address_at(s, key(s, "about"));

	bx_put_be32(p + 4, number(s, "mtu", 0));
	p[8] = 0x60;
	bx_put_be16(p + 12, 1400);
	p[14] = 17;
	p[15] = 64;
	memcpy(p + 16, ours->byte, 16);
	memcpy(p + 32, about.byte, 16);
	return 8 + 40 + 64;
}

/* The message behind the header; its length. */
static uint32_t
put_message(struct script *s, uint8_t type, const struct bx_net_addr *to, uint8_t *p)
{
	struct bx_net_addr a;
	const char *flags;

	p[0] = type;
	p[1] = (uint8_t)number(s, "code", 0);
	switch (type) {
	case 133:
		return 8 + put_link(s, p + 8, 1, "link");
	case 134:
		return put_router_advert(s, p);
	case 135:
	case 136:
		a = address_at(s, key(s, "target"));
		memcpy(p + 8, a.byte, 16);
		flags = key(s, "flags") != 0 ? word(s, key(s, "flags")) : "";
		p[4] = (uint8_t)((strchr(flags, 'r') != NULL ? 0x80 : 0) | (strchr(flags, 's') != NULL ? 0x40 : 0) |
		    (strchr(flags, 'o') != NULL ? 0x20 : 0));
		return 24 + put_link(s, p + 24, type == 135 ? 1 : 2, "link");
	case 137:
		a = address_at(s, key(s, "target"));
		memcpy(p + 8, a.byte, 16);
		a = address_at(s, key(s, "for"));
		memcpy(p + 24, a.byte, 16);
		return 40 + put_link(s, p + 40, 2, "link");
	case 130:
		bx_put_be16(p + 4, (uint16_t)number(s, "delay", 1000));
		if (key(s, "group") != 0) {
			a = address_at(s, key(s, "group"));
			memcpy(p + 8, a.byte, 16);
		}
		return 28;
	case 131:
		a = address_at(s, key(s, "target"));
		memcpy(p + 8, a.byte, 16);
		return 24;
	case 2:
		return put_quote(s, p, to);
	default:
		return number(s, "len", 16);
	}
}

static int
kind_of(const char *name)
{
	for (uint32_t i = 0; i < BX_ARRAY_COUNT(kinds); i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].type;
	}
	return -1;
}

static void
step_in(struct script *s, bool corrupt)
{
	int type = kind_of(word(s, 1));
	struct bx_net_addr from = address_at(s, 2), to = address_at(s, 4);
	bool local = (type >= 133 && type <= 137), listeners = type == 130 || type == 131;
	struct bx_net_buf *buf;
	uint32_t length;
	uint8_t *p;

	if (type < 0 || s->failed) {
		fail(s, "this is no packet");
		return;
	}
	bx_net_batch_clear(&s->in);
	buf = bx_net_batch_add(&s->in, 1600);
	p = bx_net_bytes(&s->in, buf);
	memset(p, 0, 1600);
	length = put_message(s, (uint8_t)type, &to, p + 40) - number(s, "cut", 0);
	p[0] = 0x60;
	bx_put_be16(p + 4, (uint16_t)length);
	p[6] = type == 0 ? 17 : 58;
	p[7] = (uint8_t)number(s, "hoplimit", listeners ? 1 : local ? 255 : 64);
	memcpy(p + 8, from.byte, 16);
	memcpy(p + 24, to.byte, 16);
	if (type != 0)
		bx_put_be16(p + 42, bx_net_sum_final(bx_net_sum(p + 40, length, bx_net_sum_pseudo(&from, &to, 58, length))));
	p[42] ^= corrupt ? 1 : 0;
	buf->length = 40 + length;
	buf->kind = BX_NET_IPV6;
	buf->flags = bx_net_addr_is_group(&to) ? BX_NET_F_MULTICAST : 0;
	bx_ip_receive(s->ip, s->now_us, &s->in, &s->out);
	/* The transport stage believes what it is told about packets that are too big. */
	if (buf->kind == BX_NET_UNREACHABLE && buf->error == BX_NET_ERROR_TOO_BIG)
		(void)bx_ip_send(s->ip, s->now_us, &s->in, &s->out);
	s->began_us = s->now_us;
	take_sent(s);
}

/* ---- what is expected ---- */

static void
show(const struct sent *p)
{
	char from[64], to[64];
	uint32_t at = p->bytes[6] == 0 ? 48 : 40;

	inet_ntop(AF_INET6, p->bytes + 8, from, sizeof from);
	inet_ntop(AF_INET6, p->bytes + 24, to, sizeof to);
	printf("  sent: next header %u, type %u, %s > %s, %u bytes, to 02:..:%u, at %llu ms\n  ", p->bytes[6], p->bytes[at], from, to,
	    p->length, p->mac, (unsigned long long)p->at_us / 1000);
	for (uint32_t i = at; i < p->length && i < at + 64; i++)
		printf("%02x%s", p->bytes[i], i % 4 == 3 ? " " : "");
	printf("\n");
}

/* A link address option behind the fixed part; its last byte, or 0. */
static uint32_t
link_of(const struct sent *p, uint32_t at, uint32_t fixed)
{
	return p->length >= at + fixed + 8 ? p->bytes[at + fixed + 7] : 0;
}

static bool
records_match(struct script *s, const uint8_t *m)
{
	static const struct {
		const char *name;
		uint8_t kind;
	} names[] = { { "join", 4 }, { "leave", 3 }, { "is", 2 } };
	uint32_t wanted = 0, found = 0;

	for (uint32_t i = 5; i + 1 < s->word_count; i++) {
		for (uint32_t k = 0; k < BX_ARRAY_COUNT(names); k++) {
			struct bx_net_addr group;

			if (strcmp(s->words[i], names[k].name) != 0)
				continue;
			group = address_at(s, i + 1);
			wanted++;
			for (uint32_t r = 0; r < bx_get_be16(m + 6); r++)
				found += m[8 + 20 * r] == names[k].kind && memcmp(m + 12 + 20 * r, group.byte, 16) == 0;
		}
	}
	return wanted == found && wanted == bx_get_be16(m + 6);
}

static bool
content_matches(struct script *s, const struct sent *p, uint8_t type, uint32_t at)
{
	const uint8_t *m = p->bytes + at;
	uint32_t fixed = type == 133 ? 8 : 24, i;
	struct bx_net_addr a;

	if ((i = key(s, "target")) != 0) {
		a = address_at(s, i);
		if (memcmp(m + 8, a.byte, 16) != 0)
			return false;
	}
	if ((i = key(s, "flags")) != 0) {
		const char *w = word(s, i);
		uint8_t bits = (uint8_t)((strchr(w, 'r') != NULL ? 0x80 : 0) | (strchr(w, 's') != NULL ? 0x40 : 0) |
		    (strchr(w, 'o') != NULL ? 0x20 : 0));

		if (m[4] != bits)
			return false;
	}
	if ((i = key(s, "link")) != 0 && link_of(p, at, fixed) != number_at(s, i))
		return false;
	if (key(s, "nolink") != 0 && p->length != at + fixed)
		return false;
	if ((i = key(s, "code")) != 0 && m[1] != number_at(s, i))
		return false;
	return type != 143 || records_match(s, m);
}

static bool
matches(struct script *s, const struct sent *p)
{
	int type = kind_of(word(s, 1));
	uint32_t at = p->bytes[6] == 0 ? 48 : 40, i;
	uint8_t next = p->bytes[6] == 0 ? p->bytes[40] : p->bytes[6];
	struct bx_net_addr a;

	if (type < 0 || next != (type == 0 ? 17 : type == 1 ? 44 : 58) || (type > 1 && p->bytes[at] != type))
		return false;
	if (strcmp(word(s, 2), "*") != 0) {
		a = address_at(s, 2);
		if (memcmp(p->bytes + 8, a.byte, 16) != 0)
			return false;
	}
	if (strcmp(word(s, 4), "*") != 0) {
		a = address_at(s, 4);
		if (memcmp(p->bytes + 24, a.byte, 16) != 0)
			return false;
	}
	if ((i = key(s, "via")) != 0) {
		a = address_at(s, i);
		if (!bx_net_addr_equal(&p->next_hop, &a))
			return false;
	}
	if ((i = key(s, "mac")) != 0 && (!p->resolved || p->mac != number_at(s, i)))
		return false;
	if (key(s, "unresolved") != 0 && p->resolved)
		return false;
	if ((i = key(s, "len")) != 0 && p->length - at != number_at(s, i))
		return false;
	if ((i = key(s, "hops")) != 0 && p->bytes[7] != number_at(s, i))
		return false;
	return content_matches(s, p, (uint8_t)type, at);
}

static bool
sum_is_good(const struct sent *p)
{
	uint32_t at = p->bytes[6] == 0 ? 48 : 40, n = p->length - at;
	struct bx_net_addr from, to;

	memcpy(from.byte, p->bytes + 8, 16);
	memcpy(to.byte, p->bytes + 24, 16);
	return (at == 48 ? p->bytes[40] : p->bytes[6]) != 58 ||
	    bx_net_sum(p->bytes + at, n, bx_net_sum_pseudo(&from, &to, 58, n)) == 0xffff;
}

static void
step_out(struct script *s)
{
	const struct sent *p = &s->sent[s->sent_next];

	if (s->sent_next == s->sent_count) {
		fail(s, "nothing was sent");
		return;
	}
	s->sent_next++;
	if (!matches(s, p))
		fail(s, "another packet was sent");
	else if (!sum_is_good(p) || bx_get_be16(p->bytes + 4) != p->length - 40)
		fail(s, "it is malformed");
	else if (p->at_us < s->began_us)
		fail(s, "it was sent earlier");
	if (s->failed)
		show(p);
}

/* ---- steps of the owner ---- */

static void
want(struct script *s, enum bx_err err)
{
	if (err == BX_OK)
		return;
	fail(s, "an error");
	printf("  %s\n", bx_err_name(err));
}

static void
step_send(struct script *s)
{
	struct bx_net_addr to = address_at(s, 1);
	struct bx_ip_path path = { .mtu = 0 };
	uint32_t n = number(s, "len", 100), i = key(s, "error");
	struct bx_net_buf *buf;
	bool left;

	(void)!bx_ip_path(s->ip, s->now_us, &to, &path);
	bx_net_batch_clear(&s->in);
	buf = bx_net_batch_add(&s->in, n);
	memset(bx_net_bytes(&s->in, buf), 'x', n);
	buf->kind = BX_NET_SEGMENT;
	buf->protocol = 17;
	buf->source = path.source;
	buf->destination = to;
	left = bx_ip_send(s->ip, s->now_us, &s->in, &s->out);
	s->began_us = s->now_us;
	take_sent(s);
	take_batch(s, &s->in);
	if (left != (i != 0))
		fail(s, left ? "it could not be sent" : "it was sent");
	else if (left && buf->error != (strcmp(word(s, i), "big") == 0 ? BX_NET_ERROR_TOO_BIG : BX_NET_ERROR_ROUTE))
		fail(s, "another error");
}

static void
step_address(struct script *s)
{
	static const char *const names[] = { "none", "tentative", "preferred", "deprecated", "duplicate" };
	struct bx_net_addr a = address_at(s, 1);
	enum bx_ip_address_state state = bx_ip_address_state(s->ip, s->now_us, &a);

	if (strcmp(names[state], word(s, 2)) != 0) {
		fail(s, "another state");
		printf("  wanted %s, is %s\n", word(s, 2), names[state]);
	}
}

static void
step_left(struct script *s, bool valid)
{
	struct bx_net_addr a = address_at(s, 1);
	uint64_t until, wanted;
	struct bx_ip_address own;

	wanted = strcmp(word(s, 2), "never") == 0 ? BX_IP_NEVER : s->now_us + number_at(s, 2) * (uint64_t)1000000;
	for (uint32_t i = 0; bx_ip_address_at(s->ip, s->now_us, i, &own); i++) {
		if (!bx_net_addr_equal(&own.address, &a))
			continue;
		until = valid ? own.valid_until_us : own.preferred_until_us;
		if (until != wanted) {
			fail(s, "another lifetime");
			printf("  %lld s are left\n", (long long)(until - s->now_us) / 1000000);
		}
		return;
	}
	fail(s, "it is not ours");
}

static void
step_path(struct script *s)
{
	struct bx_net_addr to = address_at(s, 1), source;
	struct bx_ip_path path;
	enum bx_err err = bx_ip_path(s->ip, s->now_us, &to, &path);

	if ((err != BX_OK) != (key(s, "none") != 0)) {
		fail(s, err != BX_OK ? "there is no path" : "there is a path");
		return;
	}
	if (key(s, "mtu") != 0 && path.mtu != number(s, "mtu", 0)) {
		fail(s, "another MTU");
		printf("  %u\n", path.mtu);
	}
	if (key(s, "source") != 0) {
		source = address_at(s, key(s, "source"));
		if (!bx_net_addr_equal(&source, &path.source))
			fail(s, "another source");
	}
}

static void
step_stat(struct script *s)
{
	const struct bx_ip_stats *x = bx_ip_stats(s->ip);
	const struct {
		const char *name;
		uint64_t value;
	} stats[] = {
		{ "nd-bad", x->nd_bad }, { "duplicates", x->duplicates }, { "unresolved", x->unresolved },
		{ "waiting-full", x->waiting_full }, { "stray", x->icmp_error_stray }, { "ignored", x->icmp_ignored },
		{ "icmp-bad", x->icmp_bad }, { "groups-in", x->groups_in }, { "not-for-us", x->not_for_us },
		{ "bad-source", x->bad_source },
	};

	for (uint32_t i = 0; i < BX_ARRAY_COUNT(stats); i++) {
		if (strcmp(stats[i].name, word(s, 1)) != 0)
			continue;
		if (stats[i].value != number_at(s, 2)) {
			fail(s, "another count");
			printf("  %s is %llu\n", stats[i].name, (unsigned long long)stats[i].value);
		}
		return;
	}
	fail(s, "no such statistic");
}

static void
step_tables(struct script *s, const char *w)
{
	uint8_t prefix = 0;
	struct bx_net_addr a, gateway;

	if (strcmp(w, "add") == 0) {
		a = network_at(s, 1, &prefix);
		want(s, bx_ip_address_add(s->ip, 0, &a, prefix));
	} else if (strcmp(w, "route") == 0) {
		a = network_at(s, 1, &prefix);
		gateway = address_at(s, key(s, "via"));
		want(s, bx_ip_route_add(s->ip, &a, prefix, &gateway, 0));
	} else if (strcmp(w, "remove") == 0) {
		a = address_at(s, 1);
		want(s, bx_ip_address_remove(s->ip, &a));
	} else if (strcmp(w, "join") == 0) {
		a = address_at(s, 1);
		want(s, bx_ip_group_join(s->ip, s->now_us, 0, &a));
	} else if (strcmp(w, "leave") == 0) {
		a = address_at(s, 1);
		want(s, bx_ip_group_leave(s->ip, s->now_us, 0, &a));
	} else {
		fail(s, "no such step");
	}
}

static void
step(struct script *s, const char *line)
{
	uint32_t ms;
	const char *w;

	words_read(s, line);
	if (s->word_count != 0 && s->words[0][0] == '+') {
		ms = (uint32_t)strtoul(s->words[0] + 1, NULL, 10);
		pass_time(s, (uint64_t)ms * 1000);
		s->word_count--;
		memmove(s->words, s->words + 1, s->word_count * sizeof s->words[0]);
	}
	if (s->word_count == 0)
		return;
	w = s->words[0];
	if (strcmp(w, "mtu") == 0)
		s->mtu = (uint16_t)number_at(s, 1);
	else if (strcmp(w, "start") == 0)
		start(s);
	else if (s->ip == NULL)
		fail(s, "it has not been started");
	else if (strcmp(w, "<") == 0 || strcmp(w, "<!") == 0)
		step_in(s, w[1] == '!');
	else if (strcmp(w, ">") == 0)
		step_out(s);
	else if (strcmp(w, "send") == 0)
		step_send(s);
	else if (strcmp(w, "address") == 0)
		step_address(s);
	else if (strcmp(w, "valid") == 0 || strcmp(w, "preferred") == 0)
		step_left(s, w[0] == 'v');
	else if (strcmp(w, "path") == 0)
		step_path(s);
	else if (strcmp(w, "stat") == 0)
		step_stat(s);
	else if (strcmp(w, "settle") == 0) {
		pass_time(s, 3000000);
		s->sent_count = s->sent_next = 0;
	} else if (strcmp(w, "nothing") == 0) {
		if (s->sent_next != s->sent_count) {
			fail(s, "something was sent");
			show(&s->sent[s->sent_next]);
		}
		s->sent_count = s->sent_next = 0;
	} else {
		step_tables(s, w);
	}
}

static bool
run_file(const char *name)
{
	static struct script s;
	char line[256];
	FILE *file = fopen(name, "r");

	if (file == NULL) {
		perror(name);
		exit(99);
	}
	memset(&s, 0, sizeof s);
	s.name = name;
	s.now_us = 10000000;
	s.mtu = 1500;
	bx_net_batch_init(&s.in, s.in_bytes, sizeof s.in_bytes, s.in_bufs, 4, 0);
	bx_net_batch_init(&s.out, s.out_bytes, sizeof s.out_bytes, s.out_bufs, 32, 0);
	while (!s.failed && fgets(line, sizeof line, file) != NULL) {
		s.line++;
		step(&s, line);
	}
	if (!s.failed && s.sent_next != s.sent_count) {
		fail(&s, "at the end something was sent that the script does not name");
		show(&s.sent[s.sent_next]);
	}
	fclose(file);
	free(s.memory);
	return !s.failed;
}

static int
is_script(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 4 && strcmp(entry->d_name + n - 4, ".pkt") == 0;
}

int
main(int argc, char **argv)
{
	const char *source = getenv("BX_SRCDIR");
	uint32_t passed = 0, failed = 0;
	struct dirent **entries;
	char folder[4096];
	int n;

	for (int i = 1; i < argc; i++)
		run_file(argv[i]) ? passed++ : failed++;
	if (argc == 1) {
		snprintf(folder, sizeof folder, "%s/libnetstack/tests/discovery", source != NULL ? source : ".");
		n = scandir(folder, &entries, is_script, alphasort);
		if (n <= 0) {
			perror(folder);
			return 99;
		}
		for (int i = 0; i < n; i++) {
			char path[8192];

			snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
			run_file(path) ? passed++ : failed++;
			free(entries[i]);
		}
		free(entries);
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
