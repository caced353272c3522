/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* test_groups.c -- the IP stage: groups of both families (RFC 3810, 3376, 2236). */
#include "ipv6.h"

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

TCase *
cases_groups(void)
{
	TCase *tc = tcase_create("groups");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, groups_ipv6);
	tcase_add_test(tc, groups_ipv4);
	tcase_add_test(tc, groups_ipv4_old);
	return tc;
}
