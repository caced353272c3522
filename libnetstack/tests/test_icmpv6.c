/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* test_icmpv6.c -- the IP stage: ICMPv6 echoes, and errors up and down (RFC 4443). */
#include "ipv6.h"

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
	/* But not before its sender has found it his own. */
	ck_assert_int_eq(bx_ip_path(ip, 1, &yours, &path), BX_OK);
	ck_assert_uint_eq(path.mtu, 1500);
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(out.count, 0);
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

TCase *
cases_icmpv6(void)
{
	TCase *tc = tcase_create("ICMPv6");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, echo);
	tcase_add_test(tc, echo_in_fragments);
	tcase_add_test(tc, errors_up);
	tcase_add_test(tc, errors_down);
	return tc;
}
