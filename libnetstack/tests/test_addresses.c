/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* test_addresses.c -- the IP stage: its own addresses, made from prefixes, proved single, and chosen from (RFC 4862, 6724, 7217). */
#include "ipv6.h"

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

TCase *
cases_addresses(void)
{
	TCase *tc = tcase_create("addresses");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, starting);
	tcase_add_loop_test(tc, duplicates, 0, 2);
	tcase_add_test(tc, stable_identifiers);
	tcase_add_test(tc, source_addresses);
	tcase_add_test(tc, calls_refused);
	tcase_add_test(tc, addresses_bounded);
	return tc;
}
