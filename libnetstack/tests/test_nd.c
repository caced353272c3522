/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* test_nd.c -- the IP stage: neighbours, routers and redirects (RFC 4861). */
#include "ipv6.h"

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

/* ---- routers ---- */

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

TCase *
cases_discovery(void)
{
	TCase *tc = tcase_create("discovery");

	tcase_add_checked_fixture(tc, set_up, NULL);
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
	return tc;
}
