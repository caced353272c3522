/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_ipv6.c -- the IP stage: IPv6, its extension headers and fragments, ICMPv6, neighbour discovery, addresses made
 * from prefixes, groups of both families.
 */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include <brainix/net_ip.h>

#include "../../tests/unit/suite.h"

#define S	((uint64_t)1000000)

static _Alignas(64) uint8_t block[262144];
static uint8_t in_bytes[32768], out_bytes[65536], whole_bytes[32768];
static struct bx_net_buf in_bufs[16], out_bufs[32], whole_bufs[4];
static struct bx_net_batch in, out, whole;
static struct bx_ip *ip;
static struct bx_net_addr mine, yours, router, all_nodes;
static const struct bx_net_addr any;
static const uint8_t my_mac[6] = { 2, 0, 0, 0, 0, 1 }, your_mac[6] = { 2, 0, 0, 0, 0, 2 };

/* "fd00::1" and its like: eight groups, "::" once. */
static struct bx_net_addr
addr(const char *text)
{
	struct bx_net_addr a = { { 0 } }, tail = { { 0 } };
	uint32_t n = 0, after = 0;
	bool gap = false;

	while (*text != 0) {
		if (*text == ':') {
			text++;
			if (*text == ':') {
				gap = true;
				text++;
			}
			continue;
		}
		if (gap)
			bx_put_be16(tail.byte + 2 * after++, (uint16_t)strtoul(text, (char **)&text, 16));
		else
			bx_put_be16(a.byte + 2 * n++, (uint16_t)strtoul(text, (char **)&text, 16));
	}
	for (uint32_t i = 0; i < 2 * after; i++)
		a.byte[16 - 2 * after + i] = tail.byte[i];
	return a;
}

static struct bx_ip_config
standard(void)
{
	return (struct bx_ip_config){
		.routes = 12, .destinations = 8, .reassemblies = 2, .reassembly_bytes = 8192, .neighbours = 8,
		.waiting = 4, .waiting_bytes = 1536, .seed = 1, .stable = { 7, 8 },
	};
}

static void
make(uint32_t flags)
{
	struct bx_ip_config config = standard();

	ck_assert_int_eq(bx_ip_init(block, sizeof block, &config, &ip), BX_OK);
	ck_assert_int_eq(bx_ip_interface_set(ip, 0, 1500), BX_OK);
	ck_assert_int_eq(bx_ip_ipv6_start(ip, 0, 0, my_mac, flags), BX_OK);
	bx_net_batch_clear(&in);
	bx_net_batch_clear(&out);
}

/* Past the reports that a new address makes. */
static void
settle(uint64_t now)
{
	bx_ip_poll(ip, now, &out);
	bx_ip_poll(ip, now + S, &out);
	bx_net_batch_clear(&out);
}

static void
set_up(void)
{
	bx_net_batch_init(&in, in_bytes, sizeof in_bytes, in_bufs, 16, 0);
	bx_net_batch_init(&out, out_bytes, sizeof out_bytes, out_bufs, 32, 0);
	bx_net_batch_init(&whole, whole_bytes, sizeof whole_bytes, whole_bufs, 4, 0);
	mine = addr("fd00::1");
	yours = addr("fd00::2");
	router = addr("fe80::99");
	all_nodes = addr("ff02::1");
	make(BX_IP_IPV6_SURE | BX_IP_IPV6_ROUTERS);
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &mine, 64), BX_OK);
	settle(0);
}

/* A packet in the batch `in`. */
static struct bx_net_buf *
packet(const struct bx_net_addr *from, const struct bx_net_addr *to, uint8_t next, uint8_t hops,
    const uint8_t *content, uint32_t length)
{
	struct bx_net_buf *buf = bx_net_batch_add(&in, 40 + length);
	uint8_t *p = bx_net_bytes(&in, buf);

	bx_put_be32(p, 0x60000000);
	bx_put_be16(p + 4, (uint16_t)length);
	p[6] = next;
	p[7] = hops;
	memcpy(p + 8, from->byte, 16);
	memcpy(p + 24, to->byte, 16);
	if (length != 0)
		memcpy(p + 40, content, length);
	buf->kind = BX_NET_IPV6;
	buf->flags = bx_net_addr_is_group(to) ? BX_NET_F_MULTICAST : 0;
	return buf;
}

/* An ICMPv6 message, its sum made. */
static struct bx_net_buf *
icmp(const struct bx_net_addr *from, const struct bx_net_addr *to, uint8_t hops, uint8_t *m, uint32_t length)
{
	bx_put_be16(m + 2, 0);
	bx_put_be16(m + 2, bx_net_sum_final(bx_net_sum(m, length, bx_net_sum_pseudo(from, to, 58, length))));
	return packet(from, to, 58, hops, m, length);
}

static void
receive(uint64_t now)
{
	bx_ip_receive(ip, now, &in, &out);
	for (uint32_t i = 0; i < in.count; i++)
		ck_assert(in.bufs[i].kind != BX_NET_IPV6);
}

static void
clear(void)
{
	bx_net_batch_clear(&in);
	bx_net_batch_clear(&out);
}

/* Checks that packet i of `out` is a sound ICMPv6 message, and returns it; `hop`: a hop-by-hop header before it. */
static const uint8_t *
message(uint32_t i, uint32_t hop, struct bx_net_addr *from, struct bx_net_addr *to)
{
	const struct bx_net_buf *buf = &out.bufs[i];
	const uint8_t *p = bx_net_bytes(&out, buf);
	uint32_t length;

	ck_assert_uint_lt(i, out.count);
	ck_assert_uint_eq(buf->kind, BX_NET_IPV6);
	ck_assert_uint_eq(p[0] >> 4, 6);
	ck_assert_uint_eq(p[6], hop != 0 ? 0 : 58);
	ck_assert_uint_eq(bx_get_be16(p + 4), buf->length - 40);
	memcpy(from->byte, p + 8, 16);
	memcpy(to->byte, p + 24, 16);
	length = buf->length - 40 - hop;
	ck_assert_uint_eq(bx_net_sum(p + 40 + hop, length, bx_net_sum_pseudo(from, to, 58, length)), 0xffff);
	return p + 40 + hop;
}

/* The first message of a type in `out`, or -1. */
static int
find(uint8_t type)
{
	for (uint32_t i = 0; i < out.count; i++) {
		const uint8_t *p = bx_net_bytes(&out, &out.bufs[i]);

		if (out.bufs[i].kind == BX_NET_IPV6 && p[p[6] == 0 ? 48 : 40] == type)
			return (int)i;
	}
	return -1;
}

static bool
same(const struct bx_net_addr *a, const char *text)
{
	struct bx_net_addr b = addr(text);

	return bx_net_addr_equal(a, &b);
}

static struct bx_net_addr
solicited(const struct bx_net_addr *a)
{
	struct bx_net_addr g = addr("ff02::1:ff00:0");

	memcpy(g.byte + 13, a->byte + 13, 3);
	return g;
}

static void
solicit(const struct bx_net_addr *from, const struct bx_net_addr *target)
{
	uint8_t m[32] = { 135 };
	struct bx_net_addr to = solicited(target);
	bool anonymous = bx_net_addr_is_any(from);

	memcpy(m + 8, target->byte, 16);
	m[24] = 1;
	m[25] = 1;
	memcpy(m + 26, your_mac, 6);
	icmp(from, &to, 255, m, anonymous ? 24 : 32);
}

static void
advertise(const struct bx_net_addr *target, uint32_t flags, const uint8_t *mac, const struct bx_net_addr *to)
{
	uint8_t m[32] = { 136 };

	bx_put_be32(m + 4, flags);
	memcpy(m + 8, target->byte, 16);
	m[24] = 2;
	m[25] = 1;
	if (mac != NULL)
		memcpy(m + 26, mac, 6);
	icmp(target, to, 255, m, mac != NULL ? 32 : 24);
}

/* A segment of ours in `in`, on its way down. */
static struct bx_net_buf *
segment(uint32_t length, const struct bx_net_addr *to)
{
	struct bx_net_buf *buf;

	bx_net_batch_clear(&in);
	buf = bx_net_batch_add(&in, length);
	for (uint32_t i = 0; i < length; i++)
		bx_net_bytes(&in, buf)[i] = (uint8_t)(i * 3);
	buf->kind = BX_NET_SEGMENT;
	buf->protocol = 17;
	buf->source = mine;
	buf->destination = *to;
	return buf;
}

/* The peer is known from now on. */
static void
acquaint(uint64_t now)
{
	clear();
	solicit(&yours, &mine);
	receive(now);
	clear();
}

/* ---- packets up ---- */

START_TEST(segment_up)
{
	static const uint8_t content[30] = { 1, 2, 3 };
	struct bx_net_buf *buf = packet(&yours, &mine, 17, 63, content, 26);

	bx_put_be32(bx_net_bytes(&in, buf), 0x6ab12345);
	buf->length += 4;	/* the link pads short frames */
	receive(0);
	ck_assert_uint_eq(buf->kind, BX_NET_SEGMENT);
	ck_assert_uint_eq(buf->length, 26);
	ck_assert_uint_eq(buf->protocol, 17);
	ck_assert_uint_eq(buf->traffic_class, 0xab);
	ck_assert_uint_eq(buf->hop_limit, 63);
	ck_assert(bx_net_addr_equal(&buf->source, &yours) && bx_net_addr_equal(&buf->destination, &mine));
	/* Nothing follows: no error either (RFC 8200, 4.7). */
	packet(&yours, &mine, 59, 64, content, 10);
	receive(0);
	ck_assert_uint_eq(out.count, 0);
}
END_TEST

START_TEST(headers_refused)
{
	const struct bx_ip_stats *stats = bx_ip_stats(ip);
	struct bx_net_buf *buf;

#define REFUSED(change, counter) do { \
		uint64_t before = stats->counter; \
		uint8_t *p; \
		clear(); \
		buf = packet(&yours, &mine, 17, 64, (const uint8_t *)"12345678", 8); \
		p = bx_net_bytes(&in, buf); \
		change; \
		(void)p; \
		receive(0); \
		ck_assert_uint_eq(buf->kind, BX_NET_NONE); \
		ck_assert_uint_eq(stats->counter, before + 1); \
		ck_assert_uint_eq(out.count, 0); \
	} while (0)
	REFUSED(buf->length = 39, bad_length);
	REFUSED(p[0] = 0x40, bad_version);
	REFUSED(p[5] = 9, bad_length);
	REFUSED(p[8] = 0xff, bad_source);
	REFUSED(memcpy(p + 8, mine.byte, 16), bad_source);
	REFUSED((memset(p + 8, 0, 16), p[23] = 1), bad_source);			/* ::1 */
	REFUSED((memset(p + 8, 0, 16), p[18] = p[19] = 0xff, p[20] = 10), bad_source);	/* ::ffff:10.0.0.0 */
	REFUSED(p[39] = 77, not_for_us);
	REFUSED(buf->flags = BX_NET_F_MULTICAST, not_for_us);
	REFUSED(p[24] = 0xff, not_for_us);
	REFUSED((memcpy(p + 24, all_nodes.byte, 16), p[25] = 1, buf->flags = BX_NET_F_MULTICAST), not_for_us);
	REFUSED(buf->interface = 1, not_for_us);
	REFUSED(buf->interface = 200, not_for_us);
}
END_TEST

/* One header after the other, and what each kind of unknown thing gets for an answer. */
START_TEST(extensions)
{
	static const struct {
		const char *what;
		uint8_t next, bytes[24];
		uint32_t length;
		int up, code;		/* code of the parameter problem, -1: silence */
		uint32_t pointer;
	} cases[] = {
		{ "options to the host", 60, { 17, 0, 1, 4 }, 16, 1, -1, 0 },
		{ "hop by hop, router alert", 0, { 17, 0, 5, 2, 0, 0, 1, 0 }, 16, 1, -1, 0 },
		{ "a routing header that is done", 43, { 17, 0, 0, 0 }, 16, 1, -1, 0 },
		{ "two headers", 0, { 60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4 }, 24, 1, -1, 0 },
		{ "source routing", 43, { 17, 0, 0, 1 }, 16, 0, 0, 42 },
		{ "hop by hop, not first", 60, { 0, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4 }, 24, 0, 1, 40 },
		{ "an unknown header", 200, { 0 }, 16, 0, 1, 6 },
		{ "an option to be passed over", 60, { 17, 0, 0x1e, 4 }, 16, 1, -1, 0 },
		{ "an option that drops", 60, { 17, 0, 0x5e, 4 }, 16, 0, -1, 0 },
		{ "an option that complains", 60, { 17, 0, 0x9e, 4 }, 16, 0, 2, 42 },
		{ "an option that complains to one", 60, { 17, 0, 0, 0xde, 3 }, 16, 0, 2, 43 },
		{ "an option beyond its header", 60, { 17, 0, 1, 5 }, 16, 0, -1, 0 },
		{ "an option without a length", 60, { 17, 0, 1, 3, 0, 0, 0, 1 }, 16, 0, -1, 0 },
		{ "a header beyond the packet", 60, { 17, 2, 1, 4 }, 16, 0, -1, 0 },
		{ "half a header", 60, { 17, 0, 1, 4 }, 7, 0, -1, 0 },
	};
	struct bx_net_addr from, to;

	acquaint(0);
	for (uint32_t i = 0; i < BX_ARRAY_COUNT(cases); i++) {
		struct bx_net_buf *buf;
		const uint8_t *p;

		clear();
		buf = packet(&yours, &mine, cases[i].next, 64, cases[i].bytes, cases[i].length);
		receive(S * (i + 1));
		ck_assert_msg((buf->kind == BX_NET_SEGMENT) == cases[i].up, "%s", cases[i].what);
		ck_assert_msg((out.count != 0) == (cases[i].code >= 0), "%s", cases[i].what);
		if (out.count == 0)
			continue;
		p = message(0, 0, &from, &to);
		ck_assert_uint_eq(p[0], 4);
		ck_assert_int_eq(p[1], cases[i].code);
		ck_assert_uint_eq(bx_get_be32(p + 4), cases[i].pointer);
		ck_assert(bx_net_addr_equal(&from, &mine) && bx_net_addr_equal(&to, &yours));
		ck_assert_mem_eq(p + 8 + 40, cases[i].bytes, cases[i].length);
	}
}
END_TEST

/* RFC 8504, 5.3: there is an end to headers and to options. */
START_TEST(extensions_bounded)
{
	uint8_t chain[8 * 12] = { 0 }, options[32] = { 17, 3 };
	struct bx_net_buf *buf;

	for (uint32_t i = 0; i < 12; i++) {
		chain[8 * i] = 60;
		chain[8 * i + 2] = 1;
		chain[8 * i + 3] = 4;
	}
	chain[8 * 11] = 17;
	packet(&yours, &mine, 60, 64, chain, sizeof chain);
	buf = packet(&yours, &mine, 60, 64, options, sizeof options);
	receive(0);
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	ck_assert_uint_eq(bx_ip_stats(ip)->extension_bad, 2);
	ck_assert_uint_eq(out.count, 0);
}
END_TEST

/* ---- fragments ---- */

static struct bx_net_buf *
fragment(uint32_t offset, bool more, uint32_t id, const uint8_t *content, uint32_t length)
{
	static uint8_t bytes[8 + 2048];

	memset(bytes, 0, 8);
	bytes[0] = 17;
	bx_put_be16(bytes + 2, (uint16_t)(offset | more));
	bx_put_be32(bytes + 4, id);
	if (length != 0)
		memcpy(bytes + 8, content, length);
	return packet(&yours, &mine, 44, 64, bytes, 8 + length);
}

START_TEST(fragments_in_every_order)
{
	static const uint32_t orders[6][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	static uint8_t content[3000];

	for (uint32_t i = 0; i < sizeof content; i++)
		content[i] = (uint8_t)(i * 7);
	for (uint32_t k = 0; k < 3; k++) {
		uint32_t part = orders[_i][k], at = part * 1024, n = part == 2 ? 952 : 1024;

		ck_assert(!bx_ip_whole_ready(ip));
		fragment(at, part != 2, 5, content + at, n);
	}
	receive(0);
	ck_assert(bx_ip_whole_ready(ip));
	bx_ip_whole_take(ip, 0, &whole, &out);
	ck_assert_uint_eq(whole.bufs[0].kind, BX_NET_SEGMENT);
	ck_assert_uint_eq(whole.bufs[0].protocol, 17);
	ck_assert_uint_eq(whole.bufs[0].length, 3000);
	ck_assert_mem_eq(bx_net_bytes(&whole, &whole.bufs[0]), content, 3000);
}
END_TEST

START_TEST(fragments_refused)
{
	const struct bx_ip_stats *stats = bx_ip_stats(ip);
	static const uint8_t content[2048];
	struct bx_net_addr from, to;
	struct bx_net_buf *buf;
	const uint8_t *p;

	acquaint(0);
	/* RFC 5722: what overlaps is forgotten. */
	fragment(0, true, 1, content, 1024);
	fragment(1016, true, 1, content, 1024);
	receive(S);
	ck_assert_uint_eq(stats->fragment_overlap, 1);
	ck_assert_uint_eq(out.count, 0);
	/* RFC 8200, 4.5: a length that is no multiple of eight, and an end beyond 64 KiB. */
	clear();
	fragment(0, true, 2, content, 1023);
	fragment(0xfff8, false, 2, content, 1024);
	receive(S);
	ck_assert_uint_eq(stats->fragment_bad, 2);
	p = message(0, 0, &from, &to);
	ck_assert_uint_eq(bx_get_be16(p), 0x400);
	ck_assert_uint_eq(bx_get_be32(p + 4), 4);
	p = message(1, 0, &from, &to);
	ck_assert_uint_eq(bx_get_be16(p), 0x400);
	ck_assert_uint_eq(bx_get_be32(p + 4), 42);
	/* RFC 7112: the first has all headers. */
	clear();
	fragment(0, true, 3, content, 0);
	receive(S);
	ck_assert_uint_eq(stats->fragment_chain, 1);
	p = message(0, 0, &from, &to);
	ck_assert_uint_eq(bx_get_be16(p), 0x403);
	/* RFC 6946: the only one is not held against others of its number. */
	clear();
	fragment(0, true, 4, content, 1024);
	buf = fragment(0, false, 4, content, 40);
	receive(S);
	ck_assert_uint_eq(buf->kind, BX_NET_SEGMENT);
	ck_assert_uint_eq(buf->length, 40);
	ck_assert_uint_eq(stats->fragment_overlap, 1);
	clear();
	packet(&yours, &mine, 44, 64, content, 7);
	receive(S);
	ck_assert_uint_eq(stats->extension_bad, 1);
}
END_TEST

START_TEST(fragments_time_out)
{
	static const uint8_t content[1024] = { 9, 9 };
	struct bx_net_addr from, to;
	const uint8_t *p;

	acquaint(0);
	fragment(0, true, 7, content, 1024);
	receive(5 * S);
	bx_ip_poll(ip, 64 * S, &out);
	ck_assert_uint_eq(bx_ip_stats(ip)->reassembly_timeout, 0);
	clear();
	bx_ip_poll(ip, 65 * S, &out);
	ck_assert_uint_eq(bx_ip_stats(ip)->reassembly_timeout, 1);
	ck_assert_int_ge(find(3), 0);
	p = message((uint32_t)find(3), 0, &from, &to);
	ck_assert_uint_eq(p[1], 1);
	ck_assert(bx_net_addr_equal(&to, &yours));
	ck_assert_uint_eq(p[8 + 6], 44);
	ck_assert_uint_eq(p[8 + 40 + 8], 9);
}
END_TEST

/* ---- ICMPv6 ---- */

START_TEST(echo)
{
	uint8_t ping[64] = { 128, 0, 0, 0, 0x12, 0x34, 0, 1, 5, 6 };
	struct bx_net_addr from, to;
	const uint8_t *p;

	acquaint(0);
	icmp(&yours, &mine, 64, ping, 64);
	receive(0);
	ck_assert_uint_eq(out.count, 1);
	p = message(0, 0, &from, &to);
	ck_assert_uint_eq(p[0], 129);
	ck_assert_mem_eq(p + 4, ping + 4, 60);
	ck_assert(bx_net_addr_equal(&from, &mine) && bx_net_addr_equal(&to, &yours));
	ck_assert((out.bufs[0].flags & BX_NET_F_LINK_KNOWN) != 0);
	ck_assert_mem_eq(out.bufs[0].source.byte, your_mac, 6);
	/* One for all is answered from an address of ours. */
	clear();
	icmp(&yours, &all_nodes, 64, ping, 64);
	receive(0);
	message(0, 0, &from, &to);
	ck_assert(bx_net_addr_equal(&from, &mine));
	/* A bad sum is not, nor is one without a sender. */
	clear();
	icmp(&yours, &mine, 64, ping, 64);
	bx_net_bytes(&in, &in.bufs[0])[50] ^= 1;
	icmp(&any, &mine, 64, ping, 64);
	receive(0);
	ck_assert_uint_eq(out.count, 0);
	ck_assert_uint_eq(bx_ip_stats(ip)->icmp_bad, 1);
	ck_assert_uint_eq(bx_ip_stats(ip)->icmp_ignored, 1);
	/* Replies go up to who asked; unknown informational types to nobody. */
	clear();
	ping[0] = 129;
	icmp(&yours, &mine, 64, ping, 64);
	ping[0] = 200;
	icmp(&yours, &mine, 64, ping, 64);
	receive(0);
	ck_assert_uint_eq(in.bufs[0].kind, BX_NET_SEGMENT);
	ck_assert_uint_eq(in.bufs[1].kind, BX_NET_NONE);
}
END_TEST

/* One that came in fragments goes back in fragments. */
START_TEST(echo_in_fragments)
{
	static uint8_t ping[3000] = { 128, 0, 0, 0, 1, 2 };
	uint32_t got = 0;

	acquaint(0);
	bx_put_be16(ping + 2, bx_net_sum_final(bx_net_sum(ping, 3000, bx_net_sum_pseudo(&yours, &mine, 58, 3000))));
	for (uint32_t at = 0; at < 3000; at += 1024) {
		struct bx_net_buf *buf = fragment(at, at < 2048, 9, ping + at, at < 2048 ? 1024 : 952);

		bx_net_bytes(&in, buf)[40] = 58;
	}
	receive(0);
	bx_ip_whole_take(ip, 0, &whole, &out);
	for (uint32_t i = 0; i < out.count; i++) {
		const uint8_t *p = bx_net_bytes(&out, &out.bufs[i]);

		ck_assert_uint_eq(out.bufs[i].kind, BX_NET_IPV6);
		ck_assert_uint_le(out.bufs[i].length, 1500);
		ck_assert_uint_eq(p[6], 44);
		ck_assert_uint_eq(p[40], 58);
		got += out.bufs[i].length - 48;
	}
	ck_assert_uint_eq(out.count, 3);
	ck_assert_uint_eq(got, 3000);
	ck_assert_uint_eq(bx_net_bytes(&out, &out.bufs[0])[48], 129);
}
END_TEST

/* An error about a segment of ours, with headers between if need be. */
static struct bx_net_buf *
error(uint8_t type, uint8_t code, uint32_t word, const struct bx_net_addr *from, uint32_t extra)
{
	uint8_t m[8 + 40 + 16 + 8] = { type, code };

	bx_put_be32(m + 4, word);
	m[8] = 0x60;
	m[14] = extra != 0 ? 60 : 6;
	memcpy(m + 16, from->byte, 16);
	memcpy(m + 32, yours.byte, 16);
	if (extra != 0) {
		m[48] = 44;
		m[56] = 6;
	}
	bx_put_be32(m + 48 + extra, 0x00500051);
	clear();
	return icmp(&yours, &mine, 64, m, 56 + extra);
}

START_TEST(errors_up)
{
	static const struct {
		uint8_t type, code;
		enum bx_net_error error;
	} cases[] = {
		{ 1, 0, BX_NET_ERROR_ROUTE }, { 1, 1, BX_NET_ERROR_PROHIBITED }, { 1, 3, BX_NET_ERROR_ROUTE },
		{ 1, 4, BX_NET_ERROR_PORT }, { 1, 5, BX_NET_ERROR_PROHIBITED }, { 1, 99, BX_NET_ERROR_ROUTE },
		{ 3, 0, BX_NET_ERROR_ROUTE }, { 4, 0, BX_NET_ERROR_ROUTE }, { 4, 1, BX_NET_ERROR_PROTOCOL },
		{ 100, 0, BX_NET_ERROR_ROUTE }, { 127, 9, BX_NET_ERROR_ROUTE },
	};
	struct bx_net_buf *buf;
	struct bx_ip_path path;

	for (uint32_t extra = 0; extra <= 16; extra += 16) {
		for (uint32_t i = 0; i < BX_ARRAY_COUNT(cases); i++) {
			buf = error(cases[i].type, cases[i].code, 0, &mine, extra);
			receive(0);
			ck_assert_uint_eq(buf->kind, BX_NET_UNREACHABLE);
			ck_assert_uint_eq(buf->error, cases[i].error);
			ck_assert_uint_eq(buf->protocol, 6);
			ck_assert_uint_eq(buf->length, 8);
			ck_assert_uint_eq(bx_get_be32(bx_net_bytes(&in, buf)), 0x00500051);
			ck_assert(bx_net_addr_equal(&buf->source, &mine) && bx_net_addr_equal(&buf->destination, &yours));
		}
	}
	buf = error(1, 4, 0, &yours, 0);	/* not about ours */
	receive(0);
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	/* RFC 8201: the path narrows for ten minutes, never below 1280. */
	buf = error(2, 0, 1400, &mine, 0);
	receive(0);
	ck_assert_uint_eq(buf->error, BX_NET_ERROR_TOO_BIG);
	ck_assert_uint_eq(buf->segment_size, 1400);
	ck_assert_int_eq(bx_ip_path(ip, 1, &yours, &path), BX_OK);
	ck_assert_uint_eq(path.mtu, 1400);
	buf = error(2, 0, 1279, &mine, 0);
	receive(0);
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	ck_assert_int_eq(bx_ip_path(ip, 1, &yours, &path), BX_OK);
	ck_assert_uint_eq(path.mtu, 1400);
	ck_assert_uint_eq(bx_ip_stats(ip)->icmp_error_stray, 2);
	ck_assert_int_eq(bx_ip_path(ip, 601 * S, &yours, &path), BX_OK);
	ck_assert_uint_eq(path.mtu, 1500);
}
END_TEST

START_TEST(errors_down)
{
	struct bx_net_addr from, to;
	struct bx_net_buf *buf;
	const uint8_t *p;

	acquaint(0);
	buf = segment(100, &mine);
	buf->kind = BX_NET_UNREACHABLE;
	buf->error = BX_NET_ERROR_PORT;
	buf->source = yours;
	ck_assert(!bx_ip_send(ip, S, &in, &out));
	p = message(0, 0, &from, &to);
	ck_assert_uint_eq(bx_get_be16(p), 0x104);
	ck_assert(bx_net_addr_equal(&from, &mine) && bx_net_addr_equal(&to, &yours));
	/* None about an error, about a group, about nobody. */
	for (uint32_t i = 0; i < 3; i++) {
		clear();
		if (i == 0)
			packet(&yours, &mine, 60, 64, (const uint8_t[16]){ 17, 0, 0x9e, 4 }, 16);
		else if (i == 1)
			packet(&yours, &all_nodes, 200, 64, (const uint8_t *)"12345678", 8);
		else
			packet(&any, &mine, 200, 64, (const uint8_t *)"12345678", 8);
		receive(2 * S);
		ck_assert_uint_eq(out.count, i == 0);
	}
	/* Fifty at once, then as the bucket fills. */
	clear();
	for (uint32_t i = 0; i < 60; i++) {
		clear();
		packet(&yours, &mine, 200, 64, (const uint8_t *)"12345678", 8);
		receive(10 * S);
	}
	ck_assert_uint_ge(bx_ip_stats(ip)->icmp_limited, 9);
}
END_TEST

/* ---- packets down ---- */

START_TEST(segment_down)
{
	struct bx_net_buf *buf;
	const uint8_t *p;
	uint32_t flow;

	acquaint(0);
	buf = segment(100, &yours);
	buf->traffic_class = 0x28;
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(buf->kind, BX_NET_IPV6);
	p = bx_net_bytes(&in, buf);
	ck_assert_uint_eq(bx_get_be32(p) >> 20, 0x628);
	flow = bx_get_be32(p) & 0xfffff;
	ck_assert_uint_eq(bx_get_be32(p + 4), 100 << 16 | 17 << 8 | 64);
	ck_assert_mem_eq(p + 8, mine.byte, 16);
	ck_assert_mem_eq(p + 24, yours.byte, 16);
	ck_assert_mem_eq(buf->source.byte, your_mac, 6);
	ck_assert((buf->flags & BX_NET_F_LINK_KNOWN) != 0);
	/* One label for one flow. */
	buf = segment(200, &yours);
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(bx_get_be32(bx_net_bytes(&in, buf)) & 0xfffff, flow);
	/* To a group: the link maps it, and it stays on the link. */
	buf = segment(100, &all_nodes);
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(buf->kind, BX_NET_IPV6);
	ck_assert_uint_eq(bx_net_bytes(&in, buf)[7], 1);
	ck_assert((buf->flags & BX_NET_F_LINK_KNOWN) == 0);
}
END_TEST

START_TEST(down_without_a_way)
{
	struct bx_net_addr far = addr("2001:db8::1");
	struct bx_net_buf *buf = segment(100, &far);

	ck_assert(bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(buf->kind, BX_NET_UNREACHABLE);
	ck_assert_uint_eq(buf->error, BX_NET_ERROR_ROUTE);
	buf = segment(1461, &yours);
	buf->flags = BX_NET_F_WHOLE;
	ck_assert(bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(buf->error, BX_NET_ERROR_TOO_BIG);
	ck_assert_uint_eq(buf->segment_size, 1500);
	/* No headroom left: it cannot be sent, and that is counted. */
	acquaint(0);
	buf = segment(100, &yours);
	buf->begin = buf->offset;
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(bx_ip_stats(ip)->no_headroom, 1);
}
END_TEST

START_TEST(fragments_down_and_up)
{
	static uint8_t content[4000];
	struct bx_net_buf *buf;

	acquaint(0);
	buf = segment(4000, &yours);
	memcpy(content, bx_net_bytes(&in, buf), 4000);
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	ck_assert_uint_eq(out.count, 3);
	bx_net_batch_clear(&in);
	for (uint32_t i = 0; i < 3; i++) {
		const uint8_t *p = bx_net_bytes(&out, &out.bufs[i]);

		ck_assert_uint_le(out.bufs[i].length, 1500);
		packet(&yours, &mine, p[6], 64, p + 40, out.bufs[i].length - 40);
	}
	receive(0);
	bx_ip_whole_take(ip, 0, &whole, &out);
	ck_assert_uint_eq(whole.count, 1);
	ck_assert_uint_eq(whole.bufs[0].length, 4000);
	ck_assert_mem_eq(bx_net_bytes(&whole, &whole.bufs[0]), content, 4000);
}
END_TEST

/* ---- neighbours ---- */

START_TEST(resolution)
{
	struct bx_net_addr from, to;
	struct bx_net_buf *buf = segment(100, &yours);
	const uint8_t *p;

	ck_assert(!bx_ip_send(ip, 10 * S, &in, &out));
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	ck_assert_uint_eq(out.count, 1);
	p = message(0, 0, &from, &to);
	ck_assert_uint_eq(p[0], 135);
	ck_assert_mem_eq(p + 8, yours.byte, 16);
	ck_assert_mem_eq(p + 24, ((const uint8_t[8]){ 1, 1, 2, 0, 0, 0, 0, 1 }), 8);
	ck_assert(same(&to, "ff02::1:ff00:2") && bx_net_addr_equal(&from, &mine));
	ck_assert_uint_eq(bx_net_bytes(&out, &out.bufs[0])[7], 255);
	/* A second packet waits too, and is not asked for again. */
	segment(200, &yours);
	ck_assert(!bx_ip_send(ip, 10 * S, &in, &out));
	ck_assert_uint_eq(out.count, 1);
	clear();
	advertise(&yours, 0x60000000, your_mac, &mine);
	receive(10 * S + 1);
	ck_assert_uint_eq(out.count, 2);
	for (uint32_t i = 0; i < 2; i++) {
		ck_assert_uint_eq(out.bufs[i].length, 40 + 100 * (i + 1));
		ck_assert((out.bufs[i].flags & BX_NET_F_LINK_KNOWN) != 0);
		ck_assert_mem_eq(out.bufs[i].source.byte, your_mac, 6);
	}
	buf = segment(100, &yours);
	ck_assert(!bx_ip_send(ip, 11 * S, &in, &out));
	ck_assert_uint_eq(buf->kind, BX_NET_IPV6);
}
END_TEST

/* Three questions, then what waited is given back; and never more than its share waits. */
START_TEST(resolution_gives_up)
{
	uint32_t asked = 1, told = 0;

	for (uint32_t i = 0; i < 6; i++) {
		segment(100, &yours);
		ck_assert(!bx_ip_send(ip, 10 * S, &in, &out));
	}
	ck_assert_uint_eq(bx_ip_stats(ip)->waiting_full, 2);
	for (uint64_t t = 11; t < 20; t++) {
		clear();
		if (bx_ip_poll(ip, t * S, &out)) {
			ck_assert_uint_eq(t, 13);
			told = out.count;
			for (uint32_t i = 0; i < out.count; i++) {
				const struct bx_net_buf *buf = &out.bufs[i];

				ck_assert_uint_eq(buf->kind, BX_NET_UNREACHABLE);
				ck_assert_uint_eq(buf->error, BX_NET_ERROR_ROUTE);
				ck_assert_uint_eq(buf->protocol, 17);
				ck_assert_uint_eq(buf->length, 64);
				ck_assert(bx_net_addr_equal(&buf->source, &mine));
				ck_assert(bx_net_addr_equal(&buf->destination, &yours));
			}
		} else {
			asked += find(135) >= 0;
		}
	}
	ck_assert_uint_eq(asked, 3);
	ck_assert_uint_eq(told, 4);
	ck_assert_uint_eq(bx_ip_stats(ip)->unresolved, 4);
	/* What is no transport's, or finds no room, is only counted. */
	segment(100, &yours)->protocol = 58;
	ck_assert(!bx_ip_send(ip, 30 * S, &in, &out));
	for (uint64_t t = 31; t < 35; t++) {
		clear();
		ck_assert(!bx_ip_poll(ip, t * S, &out));
	}
	segment(100, &yours);
	ck_assert(!bx_ip_send(ip, 40 * S, &in, &out));
	clear();
	out.capacity = 0;
	for (uint64_t t = 41; t < 45; t++)
		ck_assert(!bx_ip_poll(ip, t * S, &out));
	ck_assert_uint_eq(bx_ip_stats(ip)->unresolved, 6);
}
END_TEST

/* What waited and finds no room goes with the next poll. */
START_TEST(waiting_finds_no_room)
{
	struct bx_net_batch small;

	make(BX_IP_IPV6_SURE);
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &mine, 64), BX_OK);
	settle(0);
	for (uint32_t i = 0; i < 3; i++) {
		segment(100, &yours);
		ck_assert(!bx_ip_send(ip, 10 * S, &in, &out));
	}
	clear();
	advertise(&yours, 0x60000000, your_mac, &mine);
	bx_net_batch_init(&small, out_bytes, 256, out_bufs, 32, 0);
	bx_ip_receive(ip, 10 * S, &in, &small);
	ck_assert_uint_eq(small.count, 1);
	ck_assert_uint_le(bx_ip_next(ip), 10 * S);
	bx_net_batch_clear(&out);
	bx_ip_poll(ip, 10 * S, &out);
	ck_assert_uint_eq(out.count, 2);
}
END_TEST

/* RFC 4861, 7.3: in use and not heard of: after five seconds asked by unicast, after three more it is gone. */
START_TEST(unreachable)
{
	struct bx_net_addr from, to;
	struct bx_net_buf *buf;
	uint32_t asked = 0;
	uint64_t t = 100 * S;

	segment(10, &yours);
	ck_assert(!bx_ip_send(ip, 10 * S, &in, &out));
	clear();
	advertise(&yours, 0x60000000, your_mac, &mine);
	receive(10 * S);
	bx_ip_poll(ip, t, &out);		/* REACHABLE has ended */
	clear();
	segment(10, &yours);
	ck_assert(!bx_ip_send(ip, t, &in, &out));
	for (uint32_t i = 0; i < 12; i++) {
		clear();
		bx_ip_poll(ip, t + i * S, &out);
		if (find(135) < 0)
			continue;
		asked++;
		ck_assert_uint_ge(i, 5);
		message((uint32_t)find(135), 0, &from, &to);
		ck_assert(bx_net_addr_equal(&to, &yours));
		ck_assert_mem_eq(out.bufs[find(135)].source.byte, your_mac, 6);
		if (_i == 1) {
			clear();
			advertise(&yours, 0x40000000, NULL, &mine);
			receive(t + i * S);
		}
	}
	ck_assert_uint_eq(asked, _i == 1 ? 1 : 3);
	buf = segment(10, &yours);
	ck_assert(!bx_ip_send(ip, t + 12 * S, &in, &out));
	ck_assert_uint_eq(buf->kind, _i == 1 ? BX_NET_IPV6 : BX_NET_NONE);
}
END_TEST

/* RFC 4861, 7.2.5: which advertisement changes what. */
START_TEST(advertisements)
{
	static const uint8_t other[6] = { 2, 0, 0, 0, 0, 9 };
	struct bx_net_buf *buf;

	acquaint(0);
	advertise(&yours, 0x40000000, other, &mine);		/* no override: not believed */
	receive(0);
	buf = segment(10, &yours);
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_mem_eq(buf->source.byte, your_mac, 6);
	clear();
	advertise(&yours, 0x20000000, other, &all_nodes);	/* a new card */
	receive(0);
	buf = segment(10, &yours);
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_mem_eq(buf->source.byte, other, 6);
	/* Unasked about somebody unknown: nothing is learnt. */
	clear();
	{
		struct bx_net_addr third = addr("fd00::3");

		advertise(&third, 0x60000000, other, &mine);
		receive(0);
		buf = segment(10, &third);
		ck_assert(!bx_ip_send(ip, 0, &in, &out));
		ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	}
	/* Another host has our address: counted. */
	clear();
	advertise(&mine, 0x20000000, other, &all_nodes);
	in.bufs[0].flags = BX_NET_F_MULTICAST;
	memcpy(bx_net_bytes(&in, &in.bufs[0]) + 8, yours.byte, 16);
	{
		uint8_t *m = bx_net_bytes(&in, &in.bufs[0]) + 40;

		bx_put_be16(m + 2, 0);
		bx_put_be16(m + 2, bx_net_sum_final(bx_net_sum(m, 32, bx_net_sum_pseudo(&yours, &all_nodes, 58, 32))));
	}
	receive(0);
	ck_assert_uint_eq(bx_ip_stats(ip)->duplicates, 1);
}
END_TEST

START_TEST(solicitations_answered)
{
	struct bx_net_addr from, to;
	const uint8_t *p;

	solicit(&yours, &mine);
	receive(0);
	ck_assert_uint_eq(out.count, 1);
	p = message(0, 0, &from, &to);
	ck_assert_uint_eq(p[0], 136);
	ck_assert_uint_eq(bx_get_be32(p + 4), 0x60000000);
	ck_assert_mem_eq(p + 8, mine.byte, 16);
	ck_assert_mem_eq(p + 24, ((const uint8_t[8]){ 2, 1, 2, 0, 0, 0, 0, 1 }), 8);
	ck_assert(bx_net_addr_equal(&to, &yours));
	ck_assert_mem_eq(out.bufs[0].source.byte, your_mac, 6);
	/* Who tests whether the address is free has none: all are told. */
	clear();
	solicit(&any, &mine);
	receive(0);
	p = message(0, 0, &from, &to);
	ck_assert_uint_eq(bx_get_be32(p + 4), 0x20000000);
	ck_assert(bx_net_addr_equal(&to, &all_nodes));
	/* Not ours. */
	clear();
	solicit(&yours, &yours);
	receive(0);
	ck_assert_uint_eq(out.count, 0);
}
END_TEST

/* RFC 4861, 6.1.2, 7.1.1, 7.1.2, 8.1: one thing wrong at a time. */
START_TEST(discovery_refused)
{
	const struct bx_ip_stats *stats = bx_ip_stats(ip);
	struct bx_net_addr group = solicited(&mine), third = addr("fe80::3");
	uint8_t m[64];
	uint64_t bad = 0;

#define BAD(type, from, to, hops, length, change) do { \
		clear(); \
		memset(m, 0, sizeof m); \
		m[0] = type; \
		memcpy(m + 8, (type) == 136 ? yours.byte : mine.byte, 16); \
		change; \
		icmp(from, to, hops, m, length); \
		receive(0); \
		ck_assert_uint_eq(stats->nd_bad, ++bad); \
		ck_assert_uint_eq(out.count, 0); \
	} while (0)
	BAD(135, &yours, &mine, 254, 24, (void)0);
	BAD(135, &yours, &mine, 255, 24, m[1] = 1);
	BAD(135, &yours, &mine, 255, 23, (void)0);
	BAD(135, &yours, &mine, 255, 24, m[8] = 0xff);
	BAD(135, &yours, &mine, 255, 32, m[24] = 1);			/* an option of length 0 */
	BAD(135, &yours, &mine, 255, 32, (m[24] = 1, m[25] = 2));	/* beyond the message */
	BAD(135, &yours, &mine, 255, 30, (m[24] = 1, m[25] = 1));
	BAD(135, &any, &mine, 255, 24, (void)0);			/* not to the group */
	BAD(135, &any, &group, 255, 32, (m[24] = 1, m[25] = 1));	/* tells its link address */
	BAD(136, &yours, &mine, 255, 23, (void)0);
	BAD(136, &yours, &mine, 255, 24, m[8] = 0xff);
	BAD(136, &yours, &all_nodes, 255, 24, m[4] = 0x40);
	BAD(136, &yours, &mine, 255, 32, m[24] = 2);
	BAD(134, &yours, &all_nodes, 255, 16, (void)0);			/* not link-local */
	BAD(134, &router, &all_nodes, 255, 15, (void)0);
	BAD(134, &router, &all_nodes, 254, 16, (void)0);
	BAD(134, &router, &all_nodes, 255, 24, m[16] = 3);
	BAD(137, &yours, &mine, 255, 40, (void)0);
	BAD(137, &router, &mine, 255, 39, (void)0);
	BAD(137, &router, &mine, 255, 40, m[24] = 0xff);		/* destination a group */
	BAD(137, &router, &mine, 255, 40, (memcpy(m + 24, yours.byte, 16), m[15] = 9));	/* a target elsewhere */
	BAD(137, &third, &mine, 255, 40, (memcpy(m + 8, yours.byte, 16), memcpy(m + 24, yours.byte, 16)));
	/* A router solicitation is no fault, and nothing to a host. */
	clear();
	memset(m, 0, sizeof m);
	m[0] = 133;
	icmp(&yours, &all_nodes, 255, m, 8);
	receive(0);
	ck_assert_uint_eq(stats->nd_bad, bad);
}
END_TEST

/* ---- routers ---- */

/* An advertisement: prefix fd01::/64 if valid is not 0, MTU if it is not 0. */
static void
router_says(const struct bx_net_addr *who, uint8_t flags, uint16_t lifetime, uint32_t valid, uint32_t preferred,
    uint32_t mtu, uint64_t now)
{
	struct bx_net_addr prefix = addr("fd01::");
	uint8_t m[64] = { 134, 0, 0, 0, 33, flags };
	uint32_t length = 24;

	bx_put_be16(m + 6, lifetime);
	m[16] = 1;
	m[17] = 1;
	memcpy(m + 18, who->byte + 10, 6);
	m[18] = 2;
	if (valid != 0 || preferred != 0) {
		m[length] = 3;
		m[length + 1] = 4;
		m[length + 2] = 64;
		m[length + 3] = 0xc0;
		bx_put_be32(m + length + 4, valid);
		bx_put_be32(m + length + 8, preferred);
		memcpy(m + length + 16, prefix.byte, 16);
		length += 32;
	}
	if (mtu != 0) {
		m[length] = 5;
		m[length + 1] = 1;
		bx_put_be32(m + length + 4, mtu);
		length += 8;
	}
	clear();
	icmp(who, &all_nodes, 255, m, length);
	receive(now);
	clear();
}

static bool
learnt(uint64_t now, struct bx_ip_address *a)
{
	struct bx_net_addr prefix = addr("fd01::");

	for (uint32_t i = 0; bx_ip_address_at(ip, now, i, a); i++) {
		if (memcmp(a->address.byte, prefix.byte, 8) == 0)
			return true;
	}
	return false;
}

START_TEST(routers)
{
	struct bx_net_addr far = addr("2001:db8::1"), near = addr("fd01::77");
	struct bx_ip_address a;
	struct bx_ip_path path;
	struct bx_net_buf *buf;

	router_says(&router, 0, 1800, 7200, 3600, 1400, 10 * S);
	ck_assert(learnt(10 * S, &a));
	ck_assert(a.learnt && a.state == BX_IP_ADDRESS_PREFERRED && a.prefix == 64);
	ck_assert_int_eq(bx_ip_path(ip, 10 * S, &far, &path), BX_OK);
	ck_assert_uint_eq(path.mtu, 1400);
	/* By way of the router, whose link address it said; hop limit as it said. */
	buf = segment(10, &far);
	ck_assert(!bx_ip_send(ip, 10 * S, &in, &out));
	ck_assert(bx_net_addr_equal(&buf->destination, &router));
	ck_assert_uint_eq(buf->source.byte[5], 0x99);
	ck_assert_uint_eq(bx_net_bytes(&in, buf)[7], 33);
	/* The prefix is on the link. */
	buf = segment(10, &near);
	ck_assert(!bx_ip_send(ip, 10 * S, &in, &out));
	ck_assert_int_eq(bx_ip_path(ip, 10 * S, &near, &path), BX_OK);
	ck_assert(bx_net_addr_equal(&path.source, &a.address));
	/* Lifetimes end. */
	bx_ip_poll(ip, 10 * S + 3600 * S, &out);
	ck_assert(learnt(10 * S + 3600 * S, &a) && a.state == BX_IP_ADDRESS_DEPRECATED);
	ck_assert_int_eq(bx_ip_path(ip, 10 * S + 3600 * S, &far, &path), BX_ERR_NET_UNREACHABLE);
	bx_ip_poll(ip, 10 * S + 7200 * S, &out);
	ck_assert(!learnt(10 * S + 7200 * S, &a));
	ck_assert_int_eq(bx_ip_path(ip, 10 * S + 7200 * S, &near, &path), BX_ERR_NET_UNREACHABLE);
}
END_TEST

/* RFC 4862, 5.5.3 (e): who forges a short life gets two hours. */
START_TEST(two_hours)
{
	struct bx_ip_address a;

	router_says(&router, 0, 1800, 86400, 86400, 0, 10 * S);
	router_says(&router, 0, 1800, 60, 60, 0, 10 * S);
	ck_assert(learnt(10 * S, &a));
	ck_assert_uint_eq(a.valid_until_us, 7210 * S);
	router_says(&router, 0, 1800, 60, 0, 0, 20 * S);
	ck_assert(learnt(20 * S, &a));
	ck_assert_uint_eq(a.valid_until_us, 7210 * S);
	bx_ip_poll(ip, 20 * S, &out);
	ck_assert(learnt(20 * S, &a) && a.state == BX_IP_ADDRESS_DEPRECATED);
	/* It may grow again. */
	router_says(&router, 0, 1800, UINT32_MAX, UINT32_MAX, 0, 30 * S);
	ck_assert(learnt(30 * S, &a) && a.state == BX_IP_ADDRESS_PREFERRED);
	ck_assert_uint_eq(a.valid_until_us, BX_IP_NEVER);
	/* Preferred beyond valid is nonsense. */
	router_says(&router, 0, 1800, 100, 200, 0, 40 * S);
	ck_assert(learnt(40 * S, &a));
	ck_assert_uint_eq(a.valid_until_us, BX_IP_NEVER);
}
END_TEST

static struct bx_net_addr
next_hop(uint64_t now)
{
	struct bx_net_addr far = addr("2001:db8::1");
	struct bx_net_buf *buf = segment(10, &far);

	bx_net_batch_clear(&out);
	if (bx_ip_send(ip, now, &in, &out))
		return any;
	return buf->destination;
}

/* RFC 4191: by preference; RFC 4861, 6.3.6: one that is silent comes last; 7.2.5: one that is no router any more goes. */
START_TEST(several_routers)
{
	struct bx_net_addr second = addr("fe80::98"), hop;

	router_says(&router, 0, 1800, 3600, 3600, 0, 10 * S);
	router_says(&second, 0x08, 1800, 0, 0, 0, 10 * S);
	hop = next_hop(10 * S);
	ck_assert(bx_net_addr_equal(&hop, &second));
	/* It does not answer: within nine seconds the other is taken. */
	for (uint32_t i = 0; i < 10; i++) {
		hop = next_hop(11 * S + i * S);
		bx_ip_poll(ip, 11 * S + i * S, &out);
	}
	hop = next_hop(25 * S);
	ck_assert(bx_net_addr_equal(&hop, &router));
	/* Heard of again. */
	router_says(&second, 0x08, 1800, 0, 0, 0, 26 * S);
	hop = next_hop(26 * S);
	ck_assert(bx_net_addr_equal(&hop, &second));
	clear();
	advertise(&second, 0x20000000, (const uint8_t[6]){ 2, 0, 0, 0, 0, 0x98 }, &mine);
	receive(26 * S);
	hop = next_hop(26 * S);
	ck_assert(bx_net_addr_equal(&hop, &router));
	/* A lifetime of zero: it steps down. */
	router_says(&router, 0, 0, 0, 0, 0, 27 * S);
	hop = next_hop(27 * S);
	ck_assert(bx_net_addr_is_any(&hop));
	/* Five of them: four are kept. */
	for (uint32_t i = 0; i < 5; i++) {
		second.byte[15] = (uint8_t)(0x50 + i);
		router_says(&second, 0, 1800, 0, 0, 0, 28 * S);
	}
	/* A route that was given is not theirs. */
	ck_assert_int_eq(bx_ip_route_remove(ip, &any, 0), BX_OK);
	ck_assert_int_eq(bx_ip_route_add(ip, &any, 0, &yours, 0), BX_OK);
	router_says(&router, 0x08, 1800, 0, 0, 0, 29 * S);
	acquaint(29 * S);
	hop = next_hop(29 * S);
	ck_assert(bx_net_addr_equal(&hop, &yours));
}
END_TEST

/* RFC 4861, 6.3.6: a router that was silent and answers again is as good as before. */
START_TEST(silent_router_answers_again)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0x98 };
	struct bx_net_addr second = addr("fe80::98"), hop;

	router_says(&router, 0, 1800, 3600, 3600, 0, 10 * S);
	router_says(&second, 0x08, 1800, 0, 0, 0, 10 * S);
	for (uint32_t i = 0; i < 15; i++) {
		hop = next_hop(11 * S + i * S);
		bx_ip_poll(ip, 11 * S + i * S, &out);
	}
	hop = next_hop(26 * S);
	ck_assert(bx_net_addr_equal(&hop, &router));
	/* Someone speaks to it, and it answers. */
	segment(10, &second);
	bx_net_batch_clear(&out);
	(void)bx_ip_send(ip, 27 * S, &in, &out);
	clear();
	advertise(&second, 0xe0000000, mac, &mine);
	receive(27 * S);
	hop = next_hop(27 * S);
	ck_assert(bx_net_addr_equal(&hop, &second));
}
END_TEST

START_TEST(redirects)
{
	struct bx_net_addr far = addr("2001:db8::1"), better = addr("fe80::55"), hop;
	uint8_t m[48] = { 137 };

	router_says(&router, 0, 1800, 3600, 3600, 0, 10 * S);
	memcpy(m + 8, better.byte, 16);
	memcpy(m + 24, far.byte, 16);
	m[40] = 2;
	m[41] = 1;
	m[42] = 2;
	m[47] = 0x55;
	clear();
	icmp(&router, &mine, 255, m, 48);
	receive(10 * S);
	hop = next_hop(10 * S);
	ck_assert(bx_net_addr_equal(&hop, &better));
	ck_assert_uint_eq(in.bufs[0].source.byte[5], 0x55);
	/* Only who it goes by may say so. */
	clear();
	icmp(&router, &mine, 255, m, 48);
	receive(10 * S);
	ck_assert_uint_eq(bx_ip_stats(ip)->nd_bad, 1);
}
END_TEST

/* ---- own addresses ---- */

START_TEST(starting)
{
	struct bx_net_addr from, to;
	struct bx_ip_address a;
	const uint8_t *p;
	uint32_t asked = 0;

	make(BX_IP_IPV6_ROUTERS);
	ck_assert(bx_ip_address_at(ip, 0, 0, &a));
	ck_assert(!bx_ip_address_at(ip, 0, 1, &a));
	ck_assert_uint_eq(a.state, BX_IP_ADDRESS_TENTATIVE);
	ck_assert_uint_eq(bx_get_be64(a.address.byte), 0xfe80000000000000u);
	ck_assert(!bx_ip_is_own(ip, &a.address));
	/* The report first (RFC 4862, 5.4.2), from nobody, then the solicitation, from nobody. */
	bx_ip_poll(ip, S, &out);
	p = message((uint32_t)find(143), 8, &from, &to);
	ck_assert(bx_net_addr_is_any(&from) && same(&to, "ff02::16"));
	ck_assert_uint_eq(bx_get_be16(p + 6), 1);
	ck_assert_uint_eq(p[8], 4);
	ck_assert_int_lt(find(143), find(135));
	p = message((uint32_t)find(135), 0, &from, &to);
	ck_assert(bx_net_addr_is_any(&from));
	ck_assert_mem_eq(p + 8, a.address.byte, 16);
	ck_assert_uint_eq(out.bufs[find(135)].length, 64);
	bx_ip_poll(ip, 2 * S, &out);
	ck_assert_uint_eq(bx_ip_address_state(ip, 2 * S, &a.address), BX_IP_ADDRESS_PREFERRED);
	/* Three solicitations for routers, four seconds apart. */
	for (uint64_t t = 2; t < 30; t++) {
		clear();
		bx_ip_poll(ip, t * S, &out);
		if (find(133) < 0)
			continue;
		asked++;
		message((uint32_t)find(133), 0, &from, &to);
		ck_assert(bx_net_addr_equal(&from, &a.address) && same(&to, "ff02::2"));
	}
	ck_assert_uint_eq(asked, 3);
	ck_assert_uint_eq(bx_ip_next(ip), BX_IP_NEVER);
}
END_TEST

/* RFC 4862, 5.4.3 to 5.4.5: somebody tests the same, or has it.  Ours are made again, given ones end. */
START_TEST(duplicates)
{
	struct bx_net_addr given = addr("fd00::1:1");
	struct bx_ip_address a, b;

	make(0);
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &given, 64), BX_OK);
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &given, 64), BX_ERR_EXISTS);
	bx_ip_poll(ip, S, &out);
	ck_assert(bx_ip_address_at(ip, S, 0, &a));
	for (uint32_t i = 0; i < 5; i++) {
		ck_assert(bx_ip_address_at(ip, S, i == 0 ? 0 : 1, &a));
		if (bx_net_addr_equal(&a.address, &given))
			ck_assert(bx_ip_address_at(ip, S, 0, &a));
		clear();
		if (_i == 0)
			solicit(&any, &a.address);
		else
			advertise(&a.address, 0x20000000, your_mac, &all_nodes);
		receive(S);
		if (a.state == BX_IP_ADDRESS_DUPLICATE)
			break;
		ck_assert_uint_eq(bx_ip_stats(ip)->duplicates, i + 1);
		if (i < 3)
			ck_assert_uint_eq(bx_ip_address_state(ip, S, &a.address), BX_IP_ADDRESS_NONE);
		else
			ck_assert_uint_eq(bx_ip_address_state(ip, S, &a.address), BX_IP_ADDRESS_DUPLICATE);
		if (i == 3)
			break;
	}
	clear();
	solicit(&any, &given);
	receive(S);
	ck_assert_uint_eq(bx_ip_address_state(ip, S, &given), BX_IP_ADDRESS_DUPLICATE);
	ck_assert_uint_eq(out.count, 0);
	bx_ip_poll(ip, 10 * S, &out);
	ck_assert(!bx_ip_is_own(ip, &given));
	ck_assert_int_eq(bx_ip_address_remove(ip, &given), BX_OK);
	ck_assert_uint_eq(bx_ip_address_state(ip, S, &given), BX_IP_ADDRESS_NONE);
	ck_assert(bx_ip_address_at(ip, S, 0, &b));
	/* Who merely looks for a tentative address gets no answer (RFC 4862, 5.4.3). */
	make(0);
	bx_ip_poll(ip, S, &out);
	ck_assert(bx_ip_address_at(ip, S, 0, &a));
	clear();
	solicit(&yours, &a.address);
	receive(S);
	ck_assert_uint_eq(out.count, 0);
	ck_assert_uint_eq(bx_ip_address_state(ip, S, &a.address), BX_IP_ADDRESS_TENTATIVE);
}
END_TEST

/* RFC 7217: the same here after a restart, another elsewhere. */
START_TEST(stable_identifiers)
{
	struct bx_ip_config config = standard();
	struct bx_ip_address a, b;

	make(0);
	ck_assert(bx_ip_address_at(ip, 0, 0, &a));
	make(0);
	ck_assert(bx_ip_address_at(ip, 0, 0, &b));
	ck_assert(bx_net_addr_equal(&a.address, &b.address));
	config.stable[0]++;
	ck_assert_int_eq(bx_ip_init(block, sizeof block, &config, &ip), BX_OK);
	ck_assert_int_eq(bx_ip_interface_set(ip, 0, 1500), BX_OK);
	ck_assert_int_eq(bx_ip_ipv6_start(ip, 0, 0, my_mac, 0), BX_OK);
	ck_assert(bx_ip_address_at(ip, 0, 0, &b));
	ck_assert(!bx_net_addr_equal(&a.address, &b.address));
	/* Each prefix has its own. */
	set_up();
	router_says(&router, 0, 1800, 3600, 3600, 0, S);
	ck_assert(learnt(S, &b));
	ck_assert(memcmp(a.address.byte + 8, b.address.byte + 8, 8) != 0);
}
END_TEST

/* RFC 6724, 5: scope, then what is not deprecated, then kind, then the longest prefix. */
START_TEST(source_addresses)
{
	struct bx_net_addr global = addr("2001:db8:1::1"), other = addr("2001:db8:2::1"), group = addr("ff02::1:2");
	struct bx_net_addr to = addr("2001:db8:2::77"), local = addr("fe80::7"), unique = addr("fd77::1");
	struct bx_ip_path path;

	ck_assert_int_eq(bx_ip_address_add(ip, 0, &global, 64), BX_OK);
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &other, 64), BX_OK);
	ck_assert_int_eq(bx_ip_route_add(ip, &any, 0, &yours, 0), BX_OK);
	ck_assert_int_eq(bx_ip_path(ip, 0, &to, &path), BX_OK);
	ck_assert(bx_net_addr_equal(&path.source, &other));
	ck_assert_int_eq(bx_ip_path(ip, 0, &local, &path), BX_OK);
	ck_assert_uint_eq(path.source.byte[0], 0xfe);
	ck_assert_int_eq(bx_ip_path(ip, 0, &group, &path), BX_OK);
	ck_assert_uint_eq(path.source.byte[0], 0xfe);
	ck_assert_int_eq(bx_ip_path(ip, 0, &unique, &path), BX_OK);
	ck_assert(bx_net_addr_equal(&path.source, &mine));
	ck_assert_int_eq(bx_ip_path(ip, 0, &global, &path), BX_OK);
	ck_assert(bx_net_addr_equal(&path.source, &global));
}
END_TEST

START_TEST(calls_refused)
{
	struct bx_ip_config config = standard();
	struct bx_net_addr net = addr("2001:db8::"), odd = addr("2001:db8::1"), group = addr("ff05::5"), four;
	struct bx_net_addr host = addr("ff01::5"), v4 = bx_net_ipv4(10, 0, 0, 9);
	struct bx_ip *other;

	four = bx_net_ipv4(239, 0, 0, 1);
	ck_assert_int_eq(bx_ip_ipv6_start(ip, 0, 0, my_mac, 0), BX_ERR_EXISTS);
	ck_assert_int_eq(bx_ip_ipv6_start(ip, 0, 1, my_mac, 0), BX_ERR_RANGE);
	ck_assert_int_eq(bx_ip_interface_set(ip, 1, 1279), BX_OK);
	ck_assert_int_eq(bx_ip_ipv6_start(ip, 0, 1, my_mac, 0), BX_ERR_INVALID);
	ck_assert_int_eq(bx_ip_interface_set(ip, 1, 1280), BX_OK);
	ck_assert_int_eq(bx_ip_ipv6_start(ip, 0, 1, (const uint8_t[6]){ 1 }, 0), BX_ERR_INVALID);
	ck_assert_int_eq(bx_ip_ipv6_start(ip, 0, 1, my_mac, 4), BX_ERR_INVALID);
	ck_assert_int_eq(bx_ip_address_add(ip, 1, &odd, 64), BX_ERR_UNSUPPORTED);
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &odd, 129), BX_ERR_INVALID);
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &group, 64), BX_ERR_INVALID);
	ck_assert_int_eq(bx_ip_route_add(ip, &net, 129, &yours, 0), BX_ERR_INVALID);
	ck_assert_int_eq(bx_ip_route_add(ip, &odd, 64, &yours, 0), BX_ERR_INVALID);
	ck_assert_int_eq(bx_ip_route_add(ip, &net, 64, &v4, 0), BX_ERR_INVALID);
	ck_assert_int_eq(bx_ip_route_add(ip, &net, 64, &yours, 1), BX_ERR_UNSUPPORTED);
	ck_assert_int_eq(bx_ip_interface_set(ip, BX_IP_INTERFACES, 1500), BX_ERR_RANGE);
	ck_assert_int_eq(bx_ip_interface_set(ip, 0, 575), BX_ERR_INVALID);
	ck_assert_int_eq(bx_ip_interface_set(ip, 0, 9217), BX_ERR_INVALID);
	ck_assert_int_eq(bx_ip_address_add(ip, BX_IP_INTERFACES, &odd, 64), BX_ERR_RANGE);
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &any, 64), BX_ERR_INVALID);
	ck_assert_int_eq(bx_ip_route_add(ip, &net, 64, &yours, BX_IP_INTERFACES), BX_ERR_RANGE);
	ck_assert_int_eq(bx_ip_route_add(ip, &net, 64, &group, 0), BX_ERR_INVALID);
	ck_assert_int_eq(bx_ip_ipv6_start(ip, 0, BX_IP_INTERFACES, my_mac, 0), BX_ERR_RANGE);
	ck_assert_int_eq(bx_ip_group_join(ip, 0, BX_IP_INTERFACES, &group), BX_ERR_RANGE);
	ck_assert_int_eq(bx_ip_group_join(ip, 0, 0, &yours), BX_ERR_INVALID);
	ck_assert_int_eq(bx_ip_group_join(ip, 0, 0, &host), BX_ERR_INVALID);
	ck_assert_int_eq(bx_ip_group_join(ip, 0, 3, &four), BX_ERR_RANGE);
	ck_assert_int_eq(bx_ip_group_join(ip, 0, 1, &group), BX_ERR_UNSUPPORTED);
	ck_assert_int_eq(bx_ip_group_leave(ip, 0, 0, &group), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_ip_group_join(ip, 0, 0, &all_nodes), BX_OK);
	ck_assert_int_eq(bx_ip_group_leave(ip, 0, 0, &all_nodes), BX_OK);
	for (uint32_t i = 0; i < BX_IP_GROUPS; i++) {
		group.byte[15] = (uint8_t)i;
		if (bx_ip_group_join(ip, 0, 0, &group) != BX_OK)
			break;
	}
	ck_assert_int_eq(bx_ip_group_join(ip, 0, 0, &four), BX_ERR_NO_MEMORY);
	config.neighbours = 6;
	ck_assert_uint_eq(bx_ip_size(&config), 0);
	config = standard();
	config.waiting_bytes = 9217;
	ck_assert_uint_eq(bx_ip_size(&config), 0);
	config = standard();
	config.neighbours = 0;
	ck_assert_int_eq(bx_ip_init(block, sizeof block, &config, &other), BX_OK);
	ck_assert_int_eq(bx_ip_interface_set(other, 0, 1500), BX_OK);
	ck_assert_int_eq(bx_ip_ipv6_start(other, 0, 0, my_mac, 0), BX_ERR_UNSUPPORTED);
}
END_TEST

/* Sixteen addresses and eight under test, no more. */
START_TEST(addresses_bounded)
{
	struct bx_net_addr a = addr("fd00::a00");
	uint32_t n = 0;

	while (bx_ip_address_add(ip, 0, &a, 128) == BX_OK && n < 40) {
		a.byte[15]++;
		n++;
	}
	ck_assert_uint_lt(n, BX_IP_ADDRESSES);
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &a, 128), BX_ERR_NO_MEMORY);
	make(0);
	for (n = 0; bx_ip_address_add(ip, 0, &a, 64) == BX_OK && n < 40; n++)
		a.byte[15]++;
	ck_assert_uint_eq(n, BX_IP_TENTATIVE - 1);
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &a, 64), BX_ERR_NO_MEMORY);
}
END_TEST

/* ---- too little room ---- */

/* Each thing that is said on its own account, with a batch that has no room: lost, counted, and nothing breaks. */
START_TEST(no_room)
{
	const struct bx_ip_stats *stats;
	struct bx_net_batch none_left;
	uint8_t ping[64] = { 128 };
	uint64_t before;

	acquaint(0);
	stats = bx_ip_stats(ip);
	bx_net_batch_init(&none_left, out_bytes, sizeof out_bytes, out_bufs, 0, 0);
#define LOST(what) do { \
		before = stats->no_room_out; \
		bx_net_batch_clear(&in); \
		what; \
		bx_ip_receive(ip, 90 * S, &in, &none_left); \
		ck_assert_uint_eq(stats->no_room_out, before + 1); \
	} while (0)
	LOST(icmp(&yours, &mine, 64, ping, 64));
	LOST(solicit(&yours, &mine));
	LOST(packet(&yours, &mine, 200, 64, (const uint8_t *)"12345678", 8));
	/* A question for a neighbour, and a datagram in fragments. */
	before = stats->no_room_out;
	{
		struct bx_net_addr third = addr("fd00::3");

		segment(100, &third);
		ck_assert(!bx_ip_send(ip, 90 * S, &in, &none_left));
		ck_assert_uint_eq(stats->no_room_out, before + 1);
		segment(3000, &yours);
		ck_assert(!bx_ip_send(ip, 90 * S, &in, &none_left));
		ck_assert_uint_eq(stats->no_room_out, before + 2);
	}
	/* All that a start says: reports, tests, solicitations; it is said again later. */
	make(BX_IP_IPV6_ROUTERS);
	ck_assert_int_eq(bx_ip_group_join(ip, 0, 0, &(struct bx_net_addr){ { [10] = 0xff, 0xff, 239, 0, 0, 1 } }), BX_OK);
	for (uint64_t t = 0; t < 5; t++)
		bx_ip_poll(ip, t * S, &none_left);
	ck_assert_uint_ge(stats->no_room_out, 4);
	bx_net_batch_clear(&out);
	bx_ip_poll(ip, 6 * S, &out);
	ck_assert_int_ge(find(143), 0);
}
END_TEST

/* The sum that was left to the device is made before the datagram is cut; the headers do not fit any more. */
START_TEST(down_with_too_little)
{
	struct bx_net_buf *buf;
	uint32_t sum;

	acquaint(0);
	buf = segment(3000, &yours);
	memset(bx_net_bytes(&in, buf) + 6, 0, 2);
	sum = bx_net_sum(bx_net_bytes(&in, buf), 3000, 0);
	buf->flags = BX_NET_F_SUM_NEEDED;
	buf->sum_offset = 6;
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(out.count, 3);
	ck_assert_uint_eq(bx_get_be16(bx_net_bytes(&out, &out.bufs[0]) + 54), bx_net_sum_final(sum));
	buf = segment(100, &yours);
	buf->length = 65540;
	ck_assert(bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(buf->error, BX_NET_ERROR_TOO_BIG);
	/* One that waits and is longer than what may wait. */
	{
		struct bx_net_addr third = addr("fd00::3");

		buf = segment(1450, &third);
		buf->length = 1600;
		buf->flags = BX_NET_F_CUT;
		buf->segment_size = 1400;
		ck_assert(!bx_ip_send(ip, 0, &in, &out));
		ck_assert_uint_eq(bx_ip_stats(ip)->waiting_full, 1);
	}
}
END_TEST

/* ---- groups ---- */

START_TEST(groups_ipv6)
{
	struct bx_net_addr group = addr("ff05::1234"), from, to;
	uint8_t query[28] = { 130, 0, 0, 0, 0x03, 0xe8 };
	struct bx_net_buf *buf;
	const uint8_t *p;

	buf = packet(&yours, &group, 17, 64, (const uint8_t *)"12345678", 8);
	receive(10 * S);
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	ck_assert_int_eq(bx_ip_group_join(ip, 10 * S, 0, &group), BX_OK);
	ck_assert_int_eq(bx_ip_group_join(ip, 10 * S, 0, &group), BX_OK);
	clear();
	buf = packet(&yours, &group, 17, 64, (const uint8_t *)"12345678", 8);
	receive(10 * S);
	ck_assert_uint_eq(buf->kind, BX_NET_SEGMENT);
	/* Told twice (robustness). */
	for (uint32_t i = 0; i < 2; i++) {
		clear();
		bx_ip_poll(ip, (10 + i) * S, &out);
		p = message((uint32_t)find(143), 8, &from, &to);
		ck_assert(same(&to, "ff02::16") && from.byte[0] == 0xfe);
		ck_assert_uint_eq(p[8], 4);
		ck_assert_mem_eq(p + 12, group.byte, 16);
		p = bx_net_bytes(&out, &out.bufs[find(143)]);
		ck_assert_uint_eq(p[7], 1);
		ck_assert_mem_eq(p + 40, ((const uint8_t[8]){ 58, 0, 5, 2, 0, 0, 1, 0 }), 8);
	}
	/* A query of a router of this link is answered within its second; of others not. */
	clear();
	icmp(&yours, &all_nodes, 1, query, sizeof query);
	icmp(&router, &all_nodes, 64, query, sizeof query);
	receive(20 * S);
	bx_ip_poll(ip, 22 * S, &out);
	ck_assert_int_lt(find(143), 0);
	clear();
	icmp(&router, &all_nodes, 1, query, sizeof query);
	receive(22 * S);
	bx_ip_poll(ip, 23 * S, &out);
	p = message((uint32_t)find(143), 8, &from, &to);
	ck_assert_uint_eq(p[8], 2);
	ck_assert_uint_ge(bx_get_be16(p + 6), 2);
	/* Left by the last user only. */
	ck_assert_int_eq(bx_ip_group_leave(ip, 30 * S, 0, &group), BX_OK);
	clear();
	bx_ip_poll(ip, 30 * S, &out);
	ck_assert_int_lt(find(143), 0);
	ck_assert_int_eq(bx_ip_group_leave(ip, 31 * S, 0, &group), BX_OK);
	ck_assert_int_eq(bx_ip_group_leave(ip, 31 * S, 0, &group), BX_ERR_NOT_FOUND);
	bx_ip_poll(ip, 31 * S, &out);
	p = message((uint32_t)find(143), 8, &from, &to);
	ck_assert_uint_eq(p[8], 3);
	clear();
	buf = packet(&yours, &group, 17, 64, (const uint8_t *)"12345678", 8);
	receive(31 * S);
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	/* A time in floating point: 8 s and more. */
	query[4] = 0x80;
	clear();
	icmp(&router, &all_nodes, 1, query, sizeof query);
	receive(40 * S);
	ck_assert_uint_eq(bx_ip_stats(ip)->groups_in, 2);
}
END_TEST

/* A message of so many bytes: a query of version 3 has 12, all of the versions before have 8. */
static void
igmp_sized(uint8_t type, uint8_t code, uint32_t group, uint32_t n, bool good)
{
	uint8_t *p;
	struct bx_net_buf *buf;

	clear();
	buf = bx_net_batch_add(&in, 24 + n);
	p = bx_net_bytes(&in, buf);
	memset(p, 0, 24 + n);
	bx_put_be32(p, 0x46000000 + 24 + n);
	p[8] = 1;
	p[9] = 2;
	bx_put_be32(p + 12, 0x0a000002);
	bx_put_be32(p + 16, 0xe0000001);
	bx_put_be32(p + 20, 0x94040000);
	bx_put_be16(p + 10, bx_net_sum_final(bx_net_sum(p, 24, 0)));
	p[24] = type;
	p[25] = code;
	bx_put_be32(p + 28, group);
	bx_put_be16(p + 26, (uint16_t)(bx_net_sum_final(bx_net_sum(p + 24, n, 0)) ^ !good));
	buf->kind = BX_NET_IPV4;
	buf->flags = BX_NET_F_MULTICAST;
}

static void
igmp(uint8_t type, uint8_t code, bool good)
{
	igmp_sized(type, code, 0, type == 0x11 ? 12 : 8, good);
}

START_TEST(groups_ipv4)
{
	struct bx_net_addr group = bx_net_ipv4(239, 1, 2, 3), own = bx_net_ipv4(10, 0, 0, 1);
	const uint8_t *p;

	make(BX_IP_IPV6_SURE);
	settle(0);
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &own, 24), BX_OK);
	ck_assert_int_eq(bx_ip_group_join(ip, 10 * S, 0, &group), BX_OK);
	clear();
	bx_ip_poll(ip, 10 * S, &out);
	ck_assert_uint_eq(out.count, 1);
	p = bx_net_bytes(&out, &out.bufs[0]);
	ck_assert_uint_eq(out.bufs[0].kind, BX_NET_IPV4);
	ck_assert_uint_eq(bx_get_be32(p), 0x46c00028);
	ck_assert_uint_eq(p[8], 1);
	ck_assert_uint_eq(bx_net_sum(p, 24, 0), 0xffff);
	ck_assert_uint_eq(bx_get_be32(p + 12), 0x0a000001);
	ck_assert_uint_eq(bx_get_be32(p + 16), 0xe0000016);
	ck_assert_uint_eq(bx_get_be32(p + 20), 0x94040000);
	ck_assert_uint_eq(p[24], 0x22);
	ck_assert_uint_eq(bx_net_sum(p + 24, 16, 0), 0xffff);
	ck_assert_uint_eq(bx_get_be16(p + 30), 1);
	ck_assert_uint_eq(p[32], 4);
	ck_assert_uint_eq(bx_get_be32(p + 36), 0xef010203);
	clear();
	bx_ip_poll(ip, 11 * S, &out);
	ck_assert_uint_eq(out.count, 1);
	/* Bad sums are not believed; queries are answered in their time. */
	igmp(0x11, 10, false);
	receive(20 * S);
	ck_assert_uint_eq(bx_ip_stats(ip)->icmp_bad, 1);
	igmp(0x16, 0, true);
	receive(20 * S);
	igmp(0x11, 10, true);
	receive(20 * S);
	ck_assert_uint_eq(bx_ip_stats(ip)->groups_in, 1);
	bx_ip_poll(ip, 21 * S, &out);
	ck_assert_uint_eq(out.count, 1);
	ck_assert_uint_eq(bx_net_bytes(&out, &out.bufs[0])[32], 2);
	igmp(0x11, 0x80, true);
	receive(30 * S);
	ck_assert_uint_eq(bx_ip_stats(ip)->groups_in, 2);
	/* To the group: up. */
	clear();
	igmp(0x11, 10, true);
	p = bx_net_bytes(&in, &in.bufs[0]);
	bx_put_be32((uint8_t *)(uintptr_t)p + 16, 0xef010203);
	((uint8_t *)(uintptr_t)p)[9] = 17;
	bx_put_be16((uint8_t *)(uintptr_t)p + 10, 0);
	bx_put_be16((uint8_t *)(uintptr_t)p + 10, bx_net_sum_final(bx_net_sum(p, 24, 0)));
	receive(40 * S);
	ck_assert_uint_eq(in.bufs[0].kind, BX_NET_SEGMENT);
	ck_assert_int_eq(bx_ip_group_leave(ip, 50 * S, 0, &group), BX_OK);
	clear();
	bx_ip_poll(ip, 50 * S, &out);
	ck_assert_uint_eq(bx_net_bytes(&out, &out.bufs[0])[32], 3);
}
END_TEST

/* What has been said since: one IGMP message of an older version of a type, about a group, to an address; or, with type 0, nothing. */
static void
said_old(uint64_t now_us, uint8_t type, uint32_t group, uint32_t to)
{
	const uint8_t *p;

	clear();
	bx_ip_poll(ip, now_us, &out);
	ck_assert_uint_eq(out.count, type != 0);
	if (type == 0)
		return;
	p = bx_net_bytes(&out, &out.bufs[0]);
	ck_assert_uint_eq(out.bufs[0].length, 32);
	ck_assert_uint_eq(bx_get_be32(p), 0x46c00020);
	ck_assert_uint_eq(p[8], 1);
	ck_assert_uint_eq(bx_get_be32(p + 16), to);
	ck_assert_uint_eq(bx_get_be32(out.bufs[0].destination.byte + 12), to);
	ck_assert_uint_eq(bx_get_be32(p + 20), 0x94040000);
	ck_assert_uint_eq(p[24], type);
	ck_assert_uint_eq(bx_net_sum(p + 24, 8, 0), 0xffff);
	ck_assert_uint_eq(bx_get_be32(p + 28), group);
}

/* RFC 3376, 7.2: where a router speaks an older version, so do we, until 260 s after its last query. */
START_TEST(groups_ipv4_old)
{
	struct bx_net_addr group = bx_net_ipv4(239, 1, 2, 3), own = bx_net_ipv4(10, 0, 0, 1);
	const uint32_t g = 0xef010203, all_routers = 0xe0000002;

	make(0);
	settle(0);
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &own, 24), BX_OK);
	ck_assert_int_eq(bx_ip_group_join(ip, 10 * S, 0, &group), BX_OK);
	clear();
	bx_ip_poll(ip, 10 * S, &out);
	ck_assert_uint_eq(bx_net_bytes(&out, &out.bufs[0])[24], 0x22);
	/* A query of 9 to 11 bytes is of no version. */
	igmp_sized(0x11, 10, 0, 10, true);
	receive(10 * S);
	ck_assert_uint_eq(bx_ip_stats(ip)->groups_in, 0);
	ck_assert_uint_eq(bx_ip_stats(ip)->icmp_ignored, 1);
	/* Version 2: what version 3 had still to say is void; about another group nothing is said. */
	igmp_sized(0x11, 10, 0xef010204, 8, true);
	receive(10 * S);
	said_old(15 * S, 0, 0, 0);
	igmp_sized(0x11, 10, g, 8, true);
	receive(20 * S);
	said_old(21 * S, 0x16, g, g);
	said_old(40 * S, 0, 0, 0);
	/* Another member's report serves. */
	igmp_sized(0x11, 100, 0, 8, true);
	receive(40 * S);
	igmp_sized(0x16, 0, g, 8, true);
	receive(40 * S);
	said_old(60 * S, 0, 0, 0);
	/* So does the answer to version 3, as long as a router of version 2 is about. */
	igmp(0x11, 10, true);
	receive(60 * S);
	said_old(61 * S, 0x16, g, g);
	ck_assert_int_eq(bx_ip_group_leave(ip, 70 * S, 0, &group), BX_OK);
	said_old(70 * S, 0x17, g, all_routers);
	said_old(90 * S, 0, 0, 0);
	/* Version 1: no leave. */
	ck_assert_int_eq(bx_ip_group_join(ip, 90 * S, 0, &group), BX_OK);
	said_old(90 * S, 0x16, g, g);
	igmp_sized(0x11, 0, 0, 8, true);
	receive(90 * S);
	said_old(100 * S, 0x12, g, g);
	ck_assert_int_eq(bx_ip_group_leave(ip, 110 * S, 0, &group), BX_OK);
	said_old(110 * S, 0, 0, 0);
	/* Version 2 was heard until 40 s, version 1 until 90 s. */
	ck_assert_int_eq(bx_ip_group_join(ip, 349 * S, 0, &group), BX_OK);
	said_old(349 * S, 0x12, g, g);
	clear();
	bx_ip_poll(ip, 360 * S, &out);
	ck_assert_uint_eq(out.count, 1);
	ck_assert_uint_eq(bx_net_bytes(&out, &out.bufs[0])[24], 0x22);
	/* No room: said when there is. */
	igmp_sized(0x11, 10, g, 8, true);
	receive(400 * S);
	clear();
	out.capacity = 0;
	bx_ip_poll(ip, 402 * S, &out);
	ck_assert_uint_eq(out.count, 0);
	out.capacity = 32;
	said_old(403 * S, 0x16, g, g);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("net_ipv6");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, segment_up);
	tcase_add_test(tc, headers_refused);
	tcase_add_test(tc, extensions);
	tcase_add_test(tc, extensions_bounded);
	tcase_add_loop_test(tc, fragments_in_every_order, 0, 6);
	tcase_add_test(tc, fragments_refused);
	tcase_add_test(tc, fragments_time_out);
	tcase_add_test(tc, echo);
	tcase_add_test(tc, echo_in_fragments);
	tcase_add_test(tc, errors_up);
	tcase_add_test(tc, errors_down);
	tcase_add_test(tc, segment_down);
	tcase_add_test(tc, down_without_a_way);
	tcase_add_test(tc, fragments_down_and_up);
	tcase_add_test(tc, resolution);
	tcase_add_test(tc, resolution_gives_up);
	tcase_add_test(tc, waiting_finds_no_room);
	tcase_add_loop_test(tc, unreachable, 0, 2);
	tcase_add_test(tc, advertisements);
	tcase_add_test(tc, solicitations_answered);
	tcase_add_test(tc, discovery_refused);
	tcase_add_test(tc, routers);
	tcase_add_test(tc, two_hours);
	tcase_add_test(tc, several_routers);
	tcase_add_test(tc, silent_router_answers_again);
	tcase_add_test(tc, redirects);
	tcase_add_test(tc, starting);
	tcase_add_loop_test(tc, duplicates, 0, 2);
	tcase_add_test(tc, stable_identifiers);
	tcase_add_test(tc, source_addresses);
	tcase_add_test(tc, calls_refused);
	tcase_add_test(tc, addresses_bounded);
	tcase_add_test(tc, no_room);
	tcase_add_test(tc, down_with_too_little);
	tcase_add_test(tc, groups_ipv6);
	tcase_add_test(tc, groups_ipv4);
	tcase_add_test(tc, groups_ipv4_old);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
