/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_ipv6.c -- the IP stage: IPv6 packets up and down, extension headers and fragments (RFC 8200); and the program of all
 * tests of IPv6.
 */
#include "../../tests/unit/suite.h"
#include "ipv6.h"

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

/* Own addresses and ::1: RFC 4291, 2.5.3. */
START_TEST(no_way_inside)
{
	const struct bx_net_addr inside[] = { mine, addr("::1") }, all = addr("::");
	struct bx_ip_path path;

	ck_assert_int_eq(bx_ip_route_add(ip, &all, 0, &router, 0), BX_OK);
	for (uint32_t i = 0; i < BX_ARRAY_COUNT(inside); i++)
		ck_assert_int_eq(bx_ip_path(ip, S, &inside[i], &path), BX_ERR_NET_UNREACHABLE);
	ck_assert_int_eq(bx_ip_path(ip, S, &yours, &path), BX_OK);
}
END_TEST

/* RFC 3168, 5.3, as over IPv4: the whole table is in test_ip.c. */
START_TEST(fragments_and_ecn)
{
	static const uint8_t content[512];
	static const struct {
		uint8_t first, second, whole;
	} mixes[] = {
		{ 3, 0, 9 }, { 0, 3, 9 }, { 3, 2, 3 }, { 1, 3, 3 }, { 2, 0, 0 }, { 1, 0, 0 }, { 2, 1, 1 }, { 2, 2, 2 },
		{ 0, 0, 0 }, { 3, 3, 3 },
	};
	uint64_t dropped = 0;

	for (uint32_t i = 0; i < BX_ARRAY_COUNT(mixes); i++) {
		clear();
		bx_net_batch_clear(&whole);
		bx_net_bytes(&in, fragment(0, true, i, content, 512))[1] |= (uint8_t)(mixes[i].first << 4);
		bx_net_bytes(&in, fragment(512, false, i, content, 100))[1] |= (uint8_t)(mixes[i].second << 4);
		receive(0);
		bx_ip_whole_take(ip, 0, &whole, &out);
		dropped += mixes[i].whole == 9;
		ck_assert_uint_eq(whole.count, mixes[i].whole != 9);
		ck_assert_uint_eq(bx_ip_stats(ip)->fragment_ecn, dropped);
		if (whole.count != 0)
			ck_assert_uint_eq(whole.bufs[0].traffic_class, mixes[i].whole);
	}
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

/* The table of paths is one for both families, and small: where a packet of IPv4 went by leads one of IPv6 the next time. */
START_TEST(down_by_turns)
{
	struct bx_net_addr ours = bx_net_ipv4(10, 0, 0, 1), theirs = bx_net_ipv4(10, 0, 0, 2), group = all_nodes;
	struct bx_net_buf *buf;

	ck_assert_int_eq(bx_ip_address_add(ip, 0, &ours, 24), BX_OK);
	buf = segment(100, &theirs);
	buf->source = ours;
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(buf->kind, BX_NET_IPV4);
	for (uint32_t i = 0; i < 64; i++) {
		group.byte[14] = (uint8_t)(i / 2);
		buf = segment(100, &group);
		ck_assert(!bx_ip_send(ip, 0, &in, &out));
		ck_assert_uint_eq(buf->kind, BX_NET_IPV6);
	}
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

/* RFC 1122, 3.2.1.3, holds here too: not another's address, none, nor one of the other family. */
START_TEST(down_from_whom)
{
	const struct bx_net_addr bad[] = { yours, { { 0 } }, bx_net_ipv4(0, 0, 0, 0), bx_net_ipv4(10, 0, 0, 9) };
	struct bx_net_buf *buf;

	acquaint(0);
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &bad[3], 24), BX_OK);
	for (uint32_t i = 0; i < BX_ARRAY_COUNT(bad); i++) {
		buf = segment(100, &yours);
		buf->source = bad[i];
		ck_assert(bx_ip_send(ip, 0, &in, &out));
		ck_assert_uint_eq(buf->kind, BX_NET_UNREACHABLE);
		ck_assert_uint_eq(buf->error, BX_NET_ERROR_ROUTE);
		ck_assert_uint_eq(bx_ip_stats(ip)->no_source, i + 1);
		segment(100, &yours);
		ck_assert(!bx_ip_send(ip, 0, &in, &out));
	}
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

/* RFC 7739, 5.3: who sees some identifications cannot tell the next one: neither they nor their differences come again, so
 * they are no counter of any step.  The seed is fixed: what holds once holds always. */
START_TEST(fragment_numbers_are_secret)
{
	uint32_t ids[65];

	acquaint(0);
	for (uint32_t i = 0; i < 65; i++) {
		bx_net_batch_clear(&out);
		segment(2000, &yours);
		ck_assert(!bx_ip_send(ip, 0, &in, &out));
		ck_assert_uint_eq(out.count, 2);
		ids[i] = bx_get_be32(bx_net_bytes(&out, &out.bufs[0]) + 44);
		ck_assert_uint_eq(bx_get_be32(bx_net_bytes(&out, &out.bufs[1]) + 44), ids[i]);
	}
	for (uint32_t i = 0; i < 64; i++) {
		for (uint32_t k = 0; k < i; k++) {
			ck_assert_uint_ne(ids[i], ids[k]);
			ck_assert_uint_ne(ids[i + 1] - ids[i], ids[k + 1] - ids[k]);
		}
	}
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
	/* A sum of zero would say that there is none. */
	buf = segment(3000, &yours);
	memset(bx_net_bytes(&in, buf) + 6, 0, 4);
	bx_put_be16(bx_net_bytes(&in, buf) + 8, bx_net_sum_final(bx_net_sum(bx_net_bytes(&in, buf), 3000, 0)));
	buf->flags = BX_NET_F_SUM_NEEDED;
	buf->sum_offset = 6;
	bx_net_batch_clear(&out);
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(out.count, 3);
	ck_assert_uint_eq(bx_get_be16(bx_net_bytes(&out, &out.bufs[0]) + 54), 0xffff);
	/* What the device is to cut goes if the pieces fit the path, with the header of 32 bytes that each has. */
	for (uint32_t i = 0; i < 2; i++) {
		buf = segment(5000, &yours);
		buf->protocol = 6;
		bx_net_bytes(&in, buf)[12] = 0x80;
		buf->flags = BX_NET_F_CUT | BX_NET_F_WHOLE;
		buf->segment_size = (uint16_t)(1440 - 12 + i);
		bx_net_batch_clear(&out);
		ck_assert_int_eq(bx_ip_send(ip, 0, &in, &out), i == 1);
		ck_assert_int_eq(buf->kind, i == 0 ? BX_NET_IPV6 : BX_NET_UNREACHABLE);
	}
	ck_assert_uint_eq(buf->error, BX_NET_ERROR_TOO_BIG);
	ck_assert_uint_eq(buf->segment_size, 1500);
	buf = segment(100, &yours);
	buf->length = 65540;
	ck_assert(bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(buf->error, BX_NET_ERROR_TOO_BIG);
	/* One that waits and is longer than what may wait. */
	{
		struct bx_net_addr third = addr("fd00::3");

		buf = segment(1450, &third);
		buf->length = 1600;
		buf->protocol = 6;
		bx_net_bytes(&in, buf)[12] = 0x50;
		buf->flags = BX_NET_F_CUT;
		buf->segment_size = 1400;
		ck_assert(!bx_ip_send(ip, 0, &in, &out));
		ck_assert_uint_eq(bx_ip_stats(ip)->waiting_full, 1);
	}
}
END_TEST

static TCase *
cases_packets(void)
{
	TCase *tc = tcase_create("packets");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, segment_up);
	tcase_add_test(tc, headers_refused);
	tcase_add_test(tc, extensions);
	tcase_add_test(tc, extensions_bounded);
	tcase_add_loop_test(tc, fragments_in_every_order, 0, 6);
	tcase_add_test(tc, fragments_refused);
	tcase_add_test(tc, fragments_and_ecn);
	tcase_add_test(tc, no_way_inside);
	tcase_add_test(tc, fragment_numbers_are_secret);
	tcase_add_test(tc, fragments_time_out);
	tcase_add_test(tc, segment_down);
	tcase_add_test(tc, down_by_turns);
	tcase_add_test(tc, down_without_a_way);
	tcase_add_test(tc, down_from_whom);
	tcase_add_test(tc, fragments_down_and_up);
	tcase_add_test(tc, no_room);
	tcase_add_test(tc, down_with_too_little);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("net_ipv6");

	suite_add_tcase(suite, cases_packets());
	suite_add_tcase(suite, cases_icmpv6());
	suite_add_tcase(suite, cases_discovery());
	suite_add_tcase(suite, cases_addresses());
	suite_add_tcase(suite, cases_groups());
	return suite_run(suite);
}
