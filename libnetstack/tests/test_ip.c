/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_ip.c -- the IP stage: IPv4, fragments, ICMP, routes.
 */
#include <string.h>

#include <check.h>

#include <brainix/net_ip.h>

#include "../../tests/unit/suite.h"
#include "limits.h"

static _Alignas(64) uint8_t block[131072];
static uint8_t in_bytes[32768], out_bytes[32768], whole_bytes[32768];
static struct bx_net_buf in_bufs[16], out_bufs[16], whole_bufs[4];
static struct bx_net_batch in, out, whole;
static struct bx_ip *ip;
static struct bx_net_addr mine, yours, none;

static struct bx_ip_config
standard(void)
{
	return (struct bx_ip_config){
		.routes = 8, .destinations = 8, .reassemblies = 2, .reassembly_bytes = 8192, .seed = 1,
	};
}

static void
set_up(void)
{
	struct bx_ip_config config = standard();

	ck_assert_int_eq(bx_ip_init(block, sizeof block, &config, &ip), BX_OK);
	bx_net_batch_init(&in, in_bytes, sizeof in_bytes, in_bufs, 16, 0);
	bx_net_batch_init(&out, out_bytes, sizeof out_bytes, out_bufs, 16, 0);
	bx_net_batch_init(&whole, whole_bytes, sizeof whole_bytes, whole_bufs, 4, 0);
	mine = bx_net_ipv4(10, 0, 0, 1);
	yours = bx_net_ipv4(10, 0, 0, 2);
	none = (struct bx_net_addr){ { 0 } };
	ck_assert_int_eq(bx_ip_interface_set(ip, 0, 1500), BX_OK);
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &mine, 24), BX_OK);
}

/* A packet from the peer: head words of options, flags and offset as on the wire. */
static struct bx_net_buf *
packet(uint8_t protocol, uint16_t fragment, uint32_t options, const uint8_t *content, uint32_t length)
{
	uint32_t head = 20 + 4 * options;
	struct bx_net_buf *buf = bx_net_batch_add(&in, head + length);
	uint8_t *p = bx_net_bytes(&in, buf);

	memset(p, 0, head);
	memset(p + 20, 1, 4 * options);
	p[0] = (uint8_t)(0x45 + options);
	bx_put_be16(p + 2, (uint16_t)(head + length));
	bx_put_be16(p + 4, 77);
	bx_put_be16(p + 6, fragment);
	p[8] = 64;
	p[9] = protocol;
	memcpy(p + 12, yours.byte + 12, 4);
	memcpy(p + 16, mine.byte + 12, 4);
	if (length != 0)
		memcpy(p + head, content, length);
	buf->kind = BX_NET_IPV4;
	return buf;
}

static void
seal(struct bx_net_buf *buf)
{
	uint8_t *p = bx_net_bytes(&in, buf);

	bx_put_be16(p + 10, 0);
	bx_put_be16(p + 10, bx_net_sum_final(bx_net_sum(p, (p[0] & 15u) * 4u, 0)));
}

static void
receive(uint64_t now)
{
	for (uint32_t i = 0; i < in.count; i++)
		seal(&in.bufs[i]);
	bx_ip_receive(ip, now, &in, &out);
}

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

START_TEST(segment_up)
{
	static const uint8_t content[30] = { 1, 2, 3 };
	struct bx_net_buf *buf = packet(17, 0, 0, content, 26), *with = packet(6, 0x4000, 3, content, 30);

	/* The link pads short frames. */
	buf->length += 4;
	receive(0);
	ck_assert_uint_eq(buf->kind, BX_NET_SEGMENT);
	ck_assert_uint_eq(buf->length, 26);
	ck_assert_uint_eq(buf->protocol, 17);
	ck_assert(bx_net_addr_equal(&buf->source, &yours) && bx_net_addr_equal(&buf->destination, &mine));
	ck_assert_uint_eq(with->kind, BX_NET_SEGMENT);
	ck_assert_uint_eq(with->length, 30);
}
END_TEST

/* RFC 1122, 3.2.1.6, 3.2.1.7: TOS goes up, and a packet for us is taken whatever its TTL is, 0 and 1 included; by the long
 * way (the first, and those with options) and by the short one. */
START_TEST(tos_and_ttl_up)
{
	static const uint8_t content[30] = { 1 };
	static const uint8_t ttls[] = { 64, 0, 1, 255, 0, 1 }, classes[] = { 0, 0xb8, 0x2a, 3, 0xff, 1 };
	struct bx_net_buf *bufs[12];

	for (uint32_t i = 0; i < BX_ARRAY_COUNT(bufs); i++) {
		uint8_t *p;

		bufs[i] = packet(17, 0, i / 6, content, 30);
		p = bx_net_bytes(&in, bufs[i]);
		p[1] = classes[i % 6];
		p[8] = ttls[i % 6];
	}
	receive(0);
	for (uint32_t i = 0; i < BX_ARRAY_COUNT(bufs); i++) {
		ck_assert_uint_eq(bufs[i]->kind, BX_NET_SEGMENT);
		ck_assert_uint_eq(bufs[i]->traffic_class, classes[i % 6]);
		ck_assert_uint_eq(bufs[i]->hop_limit, ttls[i % 6]);
	}
}
END_TEST

/* What was found for the packet before holds for the next one only as long as the tables stay. */
START_TEST(memory_ends_with_the_tables)
{
	static const uint8_t content[30] = { 1, 2, 3 };
	struct bx_net_addr gateway = bx_net_ipv4(10, 0, 0, 9);
	struct bx_net_buf *buf, *fragment;

	packet(17, 0, 0, content, 30);
	buf = packet(17, 0, 0, content, 30);
	fragment = packet(17, 0x2000, 0, content, 24);
	receive(0);
	ck_assert_uint_eq(buf->kind, BX_NET_SEGMENT);
	ck_assert_uint_eq(fragment->kind, BX_NET_NONE);
	ck_assert_uint_eq(bx_ip_stats(ip)->fragments_in, 1);
	/* A broken sum, and one that came as a broadcast of the link. */
	bx_net_batch_clear(&in);
	buf = packet(17, 0, 0, content, 30);
	seal(buf);
	bx_net_bytes(&in, buf)[8]--;
	bx_ip_receive(ip, 0, &in, &out);
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	ck_assert_uint_eq(bx_ip_stats(ip)->bad_checksum, 1);
	bx_net_batch_clear(&in);
	buf = packet(17, 0, 0, content, 30);
	buf->flags = BX_NET_F_BROADCAST;
	receive(0);
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	ck_assert_uint_eq(bx_ip_stats(ip)->not_for_us, 1);
	/* The way down is another one when a route says so. */
	for (uint32_t i = 0; i < 2; i++) {
		buf = segment(8, &yours);
		ck_assert(!bx_ip_send(ip, 0, &in, &out));
		ck_assert(bx_net_addr_equal(&buf->destination, &yours));
	}
	ck_assert_int_eq(bx_ip_route_add(ip, &yours, 32, &gateway, 0), BX_OK);
	buf = segment(8, &yours);
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert(bx_net_addr_equal(&buf->destination, &gateway));
	/* An address that is gone is not ours for the next packet either. */
	ck_assert_int_eq(bx_ip_address_remove(ip, &mine), BX_OK);
	bx_net_batch_clear(&in);
	buf = packet(17, 0, 0, content, 30);
	receive(0);
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	ck_assert_uint_eq(bx_ip_stats(ip)->not_for_us, 2);
}
END_TEST

/* One thing wrong at a time; each counted in its own place. */
START_TEST(headers_refused)
{
	const struct bx_ip_stats *stats = bx_ip_stats(ip);
	struct bx_net_buf *buf;

#define REFUSED(change, counter) do { \
		uint64_t before = stats->counter; \
		uint8_t *p; \
		bx_net_batch_clear(&in); \
		buf = packet(17, 0, 1, NULL, 0); \
		p = bx_net_bytes(&in, buf); \
		change; \
		(void)p; \
		receive(0); \
		ck_assert_uint_eq(buf->kind, BX_NET_NONE); \
		ck_assert_uint_eq(stats->counter, before + 1); \
		ck_assert_uint_eq(out.count, 0); \
	} while (0)
	REFUSED(buf->length = 19, bad_length);
	REFUSED(p[0] = 0x65, bad_version);
	REFUSED(p[0] = 0x44, bad_header);
	REFUSED(p[0] = 0x47, bad_header);
	REFUSED(bx_put_be16(p + 2, 23), bad_length);
	REFUSED(bx_put_be16(p + 2, 25), bad_length);
	REFUSED((p[20] = 7, p[21] = 1), bad_option);
	REFUSED((p[20] = 7, p[21] = 5), bad_option);
	REFUSED(p[23] = 7, bad_option);
	REFUSED((p[20] = 131, p[21] = 3), source_routed);
	REFUSED((p[20] = 137, p[21] = 3), source_routed);
	REFUSED(p[12] = 127, bad_source);
	REFUSED(p[12] = 224, bad_source);
	REFUSED(memcpy(p + 12, mine.byte + 12, 4), bad_source);
	REFUSED(p[15] = 255, bad_source);
	REFUSED(memset(p + 12, 0, 4), bad_source);
	REFUSED(p[19] = 9, not_for_us);
	REFUSED(buf->flags = BX_NET_F_BROADCAST, not_for_us);
	REFUSED(memset(p + 16, 255, 4), not_for_us);
	bx_net_batch_clear(&in);
	buf = packet(17, 0, 0, NULL, 0);
	seal(buf);
	bx_net_bytes(&in, buf)[8]--;
	bx_ip_receive(ip, 0, &in, &out);
	ck_assert_uint_eq(stats->bad_checksum, 1);
}
END_TEST

START_TEST(broadcasts_up)
{
	struct bx_net_buf *a = packet(17, 0, 0, NULL, 0), *b = packet(17, 0, 0, NULL, 0), *c = packet(17, 0, 0, NULL, 0);

	memset(bx_net_bytes(&in, a) + 16, 255, 4);
	bx_net_bytes(&in, b)[19] = 255;
	bx_put_be32(bx_net_bytes(&in, c) + 16, 0xe0000001);
	a->flags = b->flags = BX_NET_F_BROADCAST;
	c->flags = BX_NET_F_MULTICAST;
	receive(0);
	ck_assert_uint_eq(a->kind, BX_NET_SEGMENT);
	ck_assert_uint_eq(b->kind, BX_NET_SEGMENT);
	ck_assert_uint_eq(c->kind, BX_NET_SEGMENT);
}
END_TEST

/* Three fragments in every order make the datagram. */
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
		bx_net_batch_clear(&in);
		packet(17, (uint16_t)(at / 8 | (part == 2 ? 0 : 0x2000)), 0, content + at, n);
		receive(0);
	}
	ck_assert(bx_ip_whole_ready(ip));
	bx_ip_whole_take(ip, 0, &whole, &out);
	ck_assert_uint_eq(whole.count, 1);
	ck_assert_uint_eq(whole.bufs[0].kind, BX_NET_SEGMENT);
	ck_assert_uint_eq(whole.bufs[0].length, 3000);
	ck_assert_mem_eq(bx_net_bytes(&whole, &whole.bufs[0]), content, 3000);
	ck_assert(!bx_ip_whole_ready(ip));
}
END_TEST

/* RFC 5722: what overlaps is forgotten, all of it; and the other ways to be wrong. */
START_TEST(fragments_refused)
{
	const struct bx_ip_stats *stats = bx_ip_stats(ip);
	static const uint8_t content[2048];

	packet(17, 0x2000, 0, content, 1024);
	packet(17, 0x2000 | 127, 0, content, 1024);
	receive(0);
	ck_assert_uint_eq(stats->fragment_overlap, 1);
	bx_net_batch_clear(&in);
	packet(17, 0x2000, 0, content, 1023);		/* not a multiple of eight */
	packet(17, 0x2001, 0, content, 0);
	packet(17, 0x1fff, 0, content, 8);		/* beyond 64 KiB */
	receive(0);
	ck_assert_uint_eq(stats->fragment_bad, 3);
	bx_net_batch_clear(&in);
	packet(17, 8192 / 8, 0, content, 8);
	receive(0);
	ck_assert_uint_eq(stats->fragment_too_big, 1);
	bx_net_batch_clear(&in);
	packet(17, 10, 0, content, 8);			/* the end, */
	packet(17, 0x2000 | 20, 0, content, 8);		/* and something behind it */
	receive(0);
	ck_assert_uint_eq(stats->fragment_overlap, 2);
	ck_assert(!bx_ip_whole_ready(ip));
}
END_TEST

START_TEST(fragments_time_out)
{
	static const uint8_t content[8];

	packet(17, 0x2000, 0, content, 8);
	receive(5);
	ck_assert_uint_eq(bx_ip_next(ip), 60000005);
	bx_ip_poll(ip, 60000004, &out);
	ck_assert_uint_eq(bx_ip_stats(ip)->reassembly_timeout, 0);
	bx_ip_poll(ip, 60000005, &out);
	ck_assert_uint_eq(bx_ip_stats(ip)->reassembly_timeout, 1);
	ck_assert_uint_eq(bx_ip_next(ip), BX_IP_NEVER);
	/* RFC 1122, 3.3.2: the sender is told, with the first fragment. */
	ck_assert_uint_eq(out.count, 1);
	ck_assert_uint_eq(bx_get_be16(bx_net_bytes(&out, &out.bufs[0]) + 20), 0x0b01);
}
END_TEST

/* The oldest of too many gives way; memory is bounded. */
START_TEST(fragments_bounded)
{
	static const uint8_t content[8];

	for (uint16_t i = 0; i < 5; i++) {
		bx_net_batch_clear(&in);
		bx_put_be16(bx_net_bytes(&in, packet(17, 0x2000, 0, content, 8)) + 4, i);
		receive(i);
	}
	ck_assert_uint_eq(bx_ip_stats(ip)->fragment_no_room, 3);
}
END_TEST

START_TEST(echo)
{
	uint8_t ping[64] = { 8, 0, 0, 0, 0x12, 0x34, 0, 1 };
	const uint8_t *p;

	memset(ping + 8, 0x5a, 56);
	bx_put_be16(ping + 2, bx_net_sum_final(bx_net_sum(ping, 64, 0)));
	packet(1, 0, 0, ping, 64);
	receive(0);
	ck_assert_uint_eq(out.count, 1);
	ck_assert_uint_eq(out.bufs[0].kind, BX_NET_IPV4);
	ck_assert(bx_net_addr_equal(&out.bufs[0].destination, &yours));
	p = bx_net_bytes(&out, &out.bufs[0]);
	ck_assert_uint_eq(bx_net_sum(p, 20, 0), 0xffff);
	ck_assert_uint_eq(p[20], 0);
	ck_assert_uint_eq(bx_net_sum(p + 20, 64, 0), 0xffff);
	ck_assert_mem_eq(p + 24, ping + 4, 60);
	/* A bad checksum is not answered, nor is a broadcast. */
	ping[9] ^= 1;
	bx_net_batch_clear(&in);
	packet(1, 0, 0, ping, 64);
	ping[9] ^= 1;
	packet(1, 0, 0, ping, 64)->flags = BX_NET_F_BROADCAST;
	memset(bx_net_bytes(&in, &in.bufs[1]) + 16, 255, 4);
	receive(0);
	ck_assert_uint_eq(out.count, 1);
	ck_assert_uint_eq(bx_ip_stats(ip)->icmp_bad, 1);
	ck_assert_uint_eq(bx_ip_stats(ip)->icmp_ignored, 1);
}
END_TEST

/* An error about a segment of ours: type, code, MTU. */
static struct bx_net_buf *
icmp_error(uint8_t type, uint8_t code, uint16_t mtu, const struct bx_net_addr *from)
{
	uint8_t m[8 + 20 + 8] = { type, code };

	bx_put_be16(m + 6, mtu);
	m[8] = 0x45;
	bx_put_be16(m + 10, 1500);
	m[17] = 6;
	memcpy(m + 20, from->byte + 12, 4);
	memcpy(m + 24, yours.byte + 12, 4);
	bx_put_be32(m + 28, 0x00500051);
	bx_put_be16(m + 2, bx_net_sum_final(bx_net_sum(m, sizeof m, 0)));
	bx_net_batch_clear(&in);
	return packet(1, 0, 0, m, sizeof m);
}

START_TEST(errors_up)
{
	struct bx_net_buf *buf = icmp_error(3, 3, 0, &mine);
	struct bx_ip_path path;

	receive(0);
	ck_assert_uint_eq(buf->kind, BX_NET_UNREACHABLE);
	ck_assert_uint_eq(buf->error, BX_NET_ERROR_PORT);
	ck_assert_uint_eq(buf->protocol, 6);
	ck_assert_uint_eq(buf->length, 8);
	ck_assert_uint_eq(bx_get_be32(bx_net_bytes(&in, buf)), 0x00500051);
	ck_assert(bx_net_addr_equal(&buf->source, &mine) && bx_net_addr_equal(&buf->destination, &yours));
	/* About somebody else's segment, or of no known kind. */
	buf = icmp_error(3, 3, 0, &yours);
	receive(0);
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	buf = icmp_error(3, 16, 0, &mine);
	receive(0);
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	ck_assert_uint_eq(bx_ip_stats(ip)->icmp_error_stray, 2);
	/* RFC 1191: the path narrows, for ten minutes; one too narrow is not believed. */
	buf = icmp_error(3, 4, 1400, &mine);
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
	icmp_error(3, 4, 68, &mine);
	receive(0);
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_int_eq(bx_ip_path(ip, 1, &yours, &path), BX_OK);
	ck_assert_uint_eq(path.mtu, BX_IP_MTU_MIN);
	ck_assert_int_eq(bx_ip_path(ip, 600000001, &yours, &path), BX_OK);
	ck_assert_uint_eq(path.mtu, 1500);
	/* A router of before RFC 1191: the next plateau. */
	icmp_error(3, 4, 0, &mine);
	receive(600000001);
	ck_assert(!bx_ip_send(ip, 600000001, &in, &out));
	ck_assert_int_eq(bx_ip_path(ip, 600000001, &yours, &path), BX_OK);
	ck_assert_uint_eq(path.mtu, 1492);
}
END_TEST

START_TEST(segment_down)
{
	struct bx_net_buf *buf = segment(100, &yours);
	const uint8_t *p;

	buf->traffic_class = 0x28;
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(buf->kind, BX_NET_IPV4);
	p = bx_net_bytes(&in, buf);
	ck_assert_uint_eq(bx_get_be32(p), 0x45280078);
	ck_assert_uint_eq(bx_get_be32(p + 4), 0x4000);
	ck_assert_uint_eq(p[8], 64);
	ck_assert_uint_eq(bx_net_sum(p, 20, 0), 0xffff);
	ck_assert(bx_net_addr_equal(&buf->destination, &yours));
}
END_TEST

START_TEST(down_without_a_way)
{
	struct bx_net_addr far = bx_net_ipv4(192, 0, 2, 1);
	struct bx_net_buf *buf = segment(100, &far);

	ck_assert(bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(buf->kind, BX_NET_UNREACHABLE);
	ck_assert_uint_eq(buf->error, BX_NET_ERROR_ROUTE);
	buf = segment(1481, &yours);
	buf->flags = BX_NET_F_WHOLE;
	ck_assert(bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(buf->kind, BX_NET_UNREACHABLE);
	ck_assert_uint_eq(buf->error, BX_NET_ERROR_TOO_BIG);
	ck_assert_uint_eq(buf->segment_size, 1500);
}
END_TEST

/* RFC 1122, 3.2.1.3: nobody speaks from an address that is not ours, also not behind one who may; 0.0.0.0 is for a host that
 * asks for its address. */
START_TEST(down_from_whom)
{
	const struct bx_net_addr all = bx_net_ipv4(255, 255, 255, 255), nobody = bx_net_ipv4(0, 0, 0, 0), zero = { { 0 } };
	struct bx_net_addr six = { { 0xfd, 0 } };
	const struct {
		struct bx_net_addr source, destination;
		uint32_t ports;
		uint8_t protocol;
		bool good;
	} cases[] = {
		{ yours, yours, 0, 17, false }, { mine, yours, 0, 17, true }, { yours, yours, 0, 17, false },
		{ mine, yours, 0, 17, true }, { nobody, yours, 0, 17, false }, { zero, yours, 0, 17, false },
		{ nobody, all, 68u << 16 | 67u, 17, true }, { nobody, all, 68u << 16 | 67u, 17, true },
		{ nobody, all, 68u << 16 | 68u, 17, false }, { nobody, all, 67u << 16 | 67u, 17, false },
		{ nobody, all, 68u << 16 | 67u, 6, false }, { nobody, yours, 68u << 16 | 67u, 17, false },
		{ mine, all, 68u << 16 | 67u, 17, true }, { nobody, all, 1, 17, false }, { all, yours, 0, 17, false },
		{ six, yours, 0, 17, false },
	};
	uint64_t refused = 0;

	for (uint32_t i = 0; i < BX_ARRAY_COUNT(cases); i++) {
		struct bx_net_buf *buf = segment(100, &cases[i].destination);

		buf->source = cases[i].source;
		buf->protocol = cases[i].protocol;
		bx_put_be32(bx_net_bytes(&in, buf), cases[i].ports);
		ck_assert_msg(bx_ip_send(ip, 0, &in, &out) != cases[i].good, "case %u", i);
		ck_assert_uint_eq(buf->kind, cases[i].good ? BX_NET_IPV4 : BX_NET_UNREACHABLE);
		if (!cases[i].good)
			ck_assert_uint_eq(buf->error, BX_NET_ERROR_ROUTE);
		refused += !cases[i].good;
		ck_assert_uint_eq(bx_ip_stats(ip)->no_source, refused);
	}
	/* An address that is gone is not ours any more. */
	segment(100, &yours);
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_int_eq(bx_ip_address_remove(ip, &mine), BX_OK);
	ck_assert_int_eq(bx_ip_route_add(ip, &yours, 32, &(struct bx_net_addr){ { 0 } }, 0), BX_OK);
	segment(100, &yours);
	ck_assert(bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(bx_ip_stats(ip)->no_source, refused + 1);
}
END_TEST

/* RFC 1122, 3.2.1.3 (g): what is for the host itself never goes out, whatever the routes say; when the address is given up,
 * it is somebody else's. */
START_TEST(no_way_inside)
{
	const struct bx_net_addr inside[] = { mine, bx_net_ipv4(127, 0, 0, 1), bx_net_ipv4(127, 255, 255, 254) };
	const struct bx_net_addr zero = bx_net_ipv4(0, 0, 0, 0);
	struct bx_ip_path path, poison;

	memset(&poison, 0xee, sizeof poison);
	ck_assert_int_eq(bx_ip_route_add(ip, &zero, 0, &yours, 0), BX_OK);
	for (uint32_t i = 0; i < BX_ARRAY_COUNT(inside); i++) {
		struct bx_net_buf *buf = segment(100, &inside[i]);

		memcpy(&path, &poison, sizeof path);
		ck_assert_int_eq(bx_ip_path(ip, 0, &inside[i], &path), BX_ERR_NET_UNREACHABLE);
		ck_assert_mem_eq(&path, &poison, sizeof path);
		ck_assert(bx_ip_send(ip, 0, &in, &out));
		ck_assert_uint_eq(buf->kind, BX_NET_UNREACHABLE);
		ck_assert_uint_eq(buf->error, BX_NET_ERROR_ROUTE);
	}
	ck_assert_uint_eq(out.count, 0);
	{
		const struct bx_net_addr second = bx_net_ipv4(10, 0, 0, 7);

		ck_assert_int_eq(bx_ip_address_add(ip, 0, &second, 24), BX_OK);
		ck_assert_int_eq(bx_ip_path(ip, 0, &second, &path), BX_ERR_NET_UNREACHABLE);
		ck_assert_int_eq(bx_ip_address_remove(ip, &second), BX_OK);
		ck_assert_int_eq(bx_ip_path(ip, 0, &second, &path), BX_OK);
	}
}
END_TEST

/* What is cut here comes together again there. */
START_TEST(fragments_down_and_up)
{
	static uint8_t content[4000];
	struct bx_net_buf *buf = segment(4000, &yours);

	memcpy(content, bx_net_bytes(&in, buf), 4000);
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	ck_assert_uint_eq(out.count, 3);
	bx_net_batch_clear(&in);
	for (uint32_t i = 0; i < 3; i++) {
		struct bx_net_buf *part = bx_net_batch_add(&in, out.bufs[i].length);
		uint8_t *p = bx_net_bytes(&in, part);

		ck_assert_uint_le(out.bufs[i].length, 1500);
		memcpy(p, bx_net_bytes(&out, &out.bufs[i]), out.bufs[i].length);
		ck_assert_uint_eq(bx_net_sum(p, 20, 0), 0xffff);
		memcpy(p + 12, yours.byte + 12, 4);
		memcpy(p + 16, mine.byte + 12, 4);
		part->kind = BX_NET_IPV4;
	}
	receive(0);
	bx_ip_whole_take(ip, 0, &whole, &out);
	ck_assert_uint_eq(whole.count, 1);
	ck_assert_uint_eq(whole.bufs[0].length, 4000);
	ck_assert_mem_eq(bx_net_bytes(&whole, &whole.bufs[0]), content, 4000);
}
END_TEST

START_TEST(unreachable_down)
{
	uint32_t i;

	/* RFC 1812, 4.3.2.8: fifty at once, then as the bucket fills. */
	for (i = 0; i < 60; i++) {
		struct bx_net_buf *buf = segment(100, &mine);

		bx_net_batch_clear(&out);
		buf->kind = BX_NET_UNREACHABLE;
		buf->error = BX_NET_ERROR_PORT;
		buf->source = yours;
		ck_assert(!bx_ip_send(ip, 1000000, &in, &out));
		ck_assert_uint_eq(buf->kind, BX_NET_NONE);
		if (out.count == 0)
			break;
		ck_assert_uint_eq(bx_net_bytes(&out, &out.bufs[0])[20], 3);
		ck_assert_uint_eq(bx_net_bytes(&out, &out.bufs[0])[21], 3);
		ck_assert_uint_eq(bx_net_sum(bx_net_bytes(&out, &out.bufs[0]) + 20, out.bufs[0].length - 20, 0), 0xffff);
	}
	ck_assert_uint_eq(i, 50);
	ck_assert_uint_eq(bx_ip_stats(ip)->icmp_limited, 1);
}
END_TEST

/* About which segments there is no error, and which error it is. */
START_TEST(errors_down)
{
	static const struct {
		enum bx_net_error error;
		uint8_t code;
	} cases[] = {
		{ BX_NET_ERROR_PORT, 3 }, { BX_NET_ERROR_PROTOCOL, 2 }, { BX_NET_ERROR_PROHIBITED, 13 },
	};
	struct bx_net_buf *buf;

	for (uint32_t i = 0; i < BX_ARRAY_COUNT(cases) + 4; i++) {
		bool silent = i >= BX_ARRAY_COUNT(cases);

		buf = segment(i == 3 ? 7 : 100, i == 4 ? &yours : &mine);
		bx_net_batch_clear(&out);
		buf->kind = BX_NET_UNREACHABLE;
		buf->error = (uint8_t)(silent ? BX_NET_ERROR_PORT : cases[i].error);
		buf->source = yours;
		buf->flags = i == 5 ? BX_NET_F_BROADCAST : i == 6 ? BX_NET_F_MULTICAST : 0;
		ck_assert(!bx_ip_send(ip, 1000000, &in, &out));
		ck_assert_uint_eq(out.count, !silent);
		if (!silent)
			ck_assert_uint_eq(bx_net_bytes(&out, &out.bufs[0])[21], cases[i].code);
	}
	/* To somebody whom no route leads to: it cannot be sent. */
	buf = segment(100, &mine);
	bx_net_batch_clear(&out);
	buf->kind = BX_NET_UNREACHABLE;
	buf->error = BX_NET_ERROR_PORT;
	buf->source = bx_net_ipv4(9, 9, 9, 9);
	ck_assert(!bx_ip_send(ip, 1000000, &in, &out));
	ck_assert_uint_eq(out.bufs[0].kind, BX_NET_NONE);
	/* No room for it. */
	bx_net_batch_init(&out, out_bytes, sizeof out_bytes, out_bufs, 0, 0);
	buf = segment(100, &mine);
	buf->kind = BX_NET_UNREACHABLE;
	buf->error = BX_NET_ERROR_PORT;
	buf->source = yours;
	ck_assert(!bx_ip_send(ip, 1000000, &in, &out));
	ck_assert_uint_eq(bx_ip_stats(ip)->no_room_out, 1);
}
END_TEST

/* A full batch, a buffer without headroom, a sum that was left to the device: one at a time. */
START_TEST(down_with_too_little)
{
	struct bx_net_batch none_left;
	struct bx_net_buf *buf;
	uint8_t ping[64] = { 8 };
	uint32_t sum;

	bx_net_batch_init(&none_left, out_bytes, sizeof out_bytes, out_bufs, 0, 0);
	buf = segment(3000, &yours);
	ck_assert(!bx_ip_send(ip, 0, &in, &none_left));
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	ck_assert_uint_eq(bx_ip_stats(ip)->no_room_out, 1);
	bx_net_batch_clear(&in);
	bx_put_be16(ping + 2, bx_net_sum_final(bx_net_sum(ping, 64, 0)));
	packet(1, 0, 0, ping, 64);
	seal(&in.bufs[0]);
	bx_ip_receive(ip, 0, &in, &none_left);
	ck_assert_uint_eq(bx_ip_stats(ip)->no_room_out, 2);
	buf = segment(100, &yours);
	buf->begin = buf->offset;
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(bx_ip_stats(ip)->no_headroom, 1);
	/* The sum is made before it is cut in pieces. */
	buf = segment(3000, &yours);
	memset(bx_net_bytes(&in, buf) + 6, 0, 2);
	sum = bx_net_sum(bx_net_bytes(&in, buf), 3000, 0);
	buf->flags = BX_NET_F_SUM_NEEDED;
	buf->sum_offset = 6;
	bx_net_batch_clear(&out);
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(out.count, 3);
	ck_assert_uint_eq(bx_get_be16(bx_net_bytes(&out, &out.bufs[0]) + 26), bx_net_sum_final(sum));
	/* A sum of zero would say that there is none. */
	buf = segment(3000, &yours);
	memset(bx_net_bytes(&in, buf) + 6, 0, 4);
	bx_put_be16(bx_net_bytes(&in, buf) + 8, bx_net_sum_final(bx_net_sum(bx_net_bytes(&in, buf), 3000, 0)));
	buf->flags = BX_NET_F_SUM_NEEDED;
	buf->sum_offset = 6;
	bx_net_batch_clear(&out);
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(out.count, 3);
	ck_assert_uint_eq(bx_get_be16(bx_net_bytes(&out, &out.bufs[0]) + 26), 0xffff);
	/* What the device is to cut goes if the pieces fit the path, with the header of 32 bytes that each has. */
	for (uint32_t i = 0; i < 2; i++) {
		buf = segment(5000, &yours);
		buf->protocol = 6;
		bx_net_bytes(&in, buf)[12] = 0x80;
		buf->flags = BX_NET_F_CUT | BX_NET_F_WHOLE;
		buf->segment_size = (uint16_t)(1460 - 12 + i);
		bx_net_batch_clear(&out);
		ck_assert_int_eq(bx_ip_send(ip, 0, &in, &out), i == 1);
		ck_assert_int_eq(buf->kind, i == 0 ? BX_NET_IPV4 : BX_NET_UNREACHABLE);
	}
	ck_assert_uint_eq(buf->error, BX_NET_ERROR_TOO_BIG);
	ck_assert_uint_eq(buf->segment_size, 1500);
	/* More than an IPv4 packet holds. */
	bx_net_batch_clear(&in);
	buf = segment(100, &yours);
	buf->length = 65530;
	ck_assert(bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(buf->error, BX_NET_ERROR_TOO_BIG);
}
END_TEST

/* Messages that a host passes over, and errors that quote too little. */
START_TEST(icmp_passed_over)
{
	static const uint8_t types[] = { 4, 5, 13, 17, 255 };
	const struct bx_ip_stats *stats = bx_ip_stats(ip);
	struct bx_net_buf *buf;
	uint8_t m[64];

	for (uint32_t i = 0; i < sizeof types; i++) {
		memset(m, 0, sizeof m);
		m[0] = types[i];
		bx_put_be16(m + 2, bx_net_sum_final(bx_net_sum(m, 16, 0)));
		bx_net_batch_clear(&in);
		packet(1, 0, 0, m, 16);
		receive(0);
		ck_assert_uint_eq(stats->icmp_ignored, i + 1);
	}
	/* Too short, no header in it, half a header, a fragment, about a group, parameter problem. */
	for (uint32_t i = 0; i < 7; i++) {
		static const uint8_t lengths[7] = { 7, 20, 36, 36, 36, 36, 36 };

		memset(m, 0, sizeof m);
		m[0] = i == 6 ? 12 : 3;
		m[1] = i == 6 ? 0 : 3;
		m[8] = i == 2 ? 0x4f : i == 3 ? 0x44 : 0x45;
		m[17] = 17;
		m[14] = 0;
		m[15] = i == 4 ? 1 : 0;
		memcpy(m + 20, mine.byte + 12, 4);
		memcpy(m + 24, yours.byte + 12, 4);
		if (i == 5)
			m[24] = 224;
		bx_put_be16(m + 2, bx_net_sum_final(bx_net_sum(m, lengths[i], 0)));
		bx_net_batch_clear(&in);
		buf = packet(1, 0, 0, m, lengths[i]);
		receive(0);
		ck_assert_uint_eq(buf->kind, i == 6 ? BX_NET_UNREACHABLE : BX_NET_NONE);
	}
	ck_assert_uint_eq(stats->icmp_bad, 1);
	ck_assert_uint_eq(stats->icmp_error_stray, 5);
	/* A reply goes up to who asked. */
	memset(m, 0, sizeof m);
	bx_put_be16(m + 2, bx_net_sum_final(bx_net_sum(m, 16, 0)));
	bx_net_batch_clear(&in);
	buf = packet(1, 0, 0, m, 16);
	receive(0);
	ck_assert_uint_eq(buf->kind, BX_NET_SEGMENT);
}
END_TEST

/* Of datagrams that are ready the batch takes what fits; one that never fits is dropped. */
START_TEST(whole_finds_no_room)
{
	static const uint8_t content[1024];
	struct bx_net_batch small;

	for (uint16_t i = 0; i < 2; i++) {
		bx_put_be16(bx_net_bytes(&in, packet(17, 0x2000, 0, content, 1024)) + 4, i);
		bx_put_be16(bx_net_bytes(&in, packet(17, 128, 0, content, 100)) + 4, i);
	}
	receive(0);
	bx_net_batch_init(&small, whole_bytes, 1300, whole_bufs, 4, 0);
	bx_ip_whole_take(ip, 0, &small, &out);
	ck_assert_uint_eq(small.count, 1);
	ck_assert(bx_ip_whole_ready(ip));
	bx_net_batch_init(&small, whole_bytes, 500, whole_bufs, 4, 0);
	bx_ip_whole_take(ip, 0, &small, &out);
	ck_assert_uint_eq(small.count, 0);
	ck_assert(!bx_ip_whole_ready(ip));
	ck_assert_uint_eq(bx_ip_stats(ip)->fragment_too_big, 1);
}
END_TEST

/* RFC 3168, 5.3: every mixture of the four codepoints in three fragments: congestion that one met is met by all; with a
 * Not-ECT beside it the datagram goes, and nothing of it stays. */
START_TEST(fragments_and_ecn)
{
	static const uint8_t content[512];
	uint64_t dropped = 0;

	for (uint32_t mix = 0; mix < 64; mix++) {
		const uint8_t mark[3] = { mix & 3, mix >> 2 & 3, mix >> 4 & 3 };
		uint32_t seen = 1u << mark[0] | 1u << mark[1] | 1u << mark[2];
		uint8_t want = (seen & 8) != 0 ? 3 : (seen & 1) != 0 ? 0 : (seen & 2) != 0 ? 1 : 2;

		bx_net_batch_clear(&in);
		bx_net_batch_clear(&whole);
		for (uint16_t part = 0; part < 3; part++) {
			uint8_t *p = bx_net_bytes(&in, packet(17, (uint16_t)(part * 64 | (part < 2 ? 0x2000 : 0)), 0, content, 512));

			p[1] = (uint8_t)(0xb8 | mark[part]);
		}
		receive(0);
		bx_ip_whole_take(ip, 0, &whole, &out);
		dropped += (seen & 9) == 9;
		ck_assert_uint_eq(whole.count, (seen & 9) != 9);
		ck_assert_uint_eq(bx_ip_stats(ip)->fragment_ecn, dropped);
		if (whole.count != 0)
			ck_assert_uint_eq(whole.bufs[0].traffic_class, 0xb8 | want);
	}
	/* What was dropped does not time out as well. */
	bx_net_batch_clear(&out);
	bx_ip_poll(ip, 61000000, &out);
	ck_assert_uint_eq(bx_ip_stats(ip)->reassembly_timeout, 0);
}
END_TEST

/* The identification of the next datagram, which goes in fragments; all of them have the same. */
static uint16_t
identification(void)
{
	uint16_t id;

	bx_net_batch_clear(&out);
	segment(3000, &yours);
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(out.count, 3);
	id = bx_get_be16(bx_net_bytes(&out, &out.bufs[0]) + 4);
	for (uint32_t i = 1; i < 3; i++)
		ck_assert_uint_eq(bx_get_be16(bx_net_bytes(&out, &out.bufs[i]) + 4), id);
	return id;
}

/* RFC 6864, 4.1: none comes again before all the others; and where it begins is not the same for every seed. */
START_TEST(identifications_differ)
{
	static bool seen[65536];
	struct bx_ip_config config = standard();
	uint16_t first = 0;

	memset(seen, 0, sizeof seen);
	for (uint32_t i = 0; i < 65536; i++) {
		uint16_t id = identification();

		ck_assert(!seen[id]);
		seen[id] = true;
		if (i == 0)
			first = id;
	}
	config.seed++;
	ck_assert_int_eq(bx_ip_init(block, sizeof block, &config, &ip), BX_OK);
	ck_assert_int_eq(bx_ip_interface_set(ip, 0, 1500), BX_OK);
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &mine, 24), BX_OK);
	ck_assert_uint_ne(identification(), first);
}
END_TEST

/* RFC 1122, 3.3.4: two interfaces, each with its network: the source is the interface's that the packet leaves by, and so
 * is the MTU; a packet for an address of one is taken from the other as well (the weak model). */
START_TEST(several_interfaces)
{
	const struct bx_net_addr other = bx_net_ipv4(10, 1, 0, 1), there = bx_net_ipv4(10, 1, 0, 2);
	const struct bx_net_addr far = bx_net_ipv4(192, 0, 2, 1), zero = bx_net_ipv4(0, 0, 0, 0);
	const struct {
		struct bx_net_addr to, source, hop;
		uint16_t mtu;
		uint8_t interface;
	} ways[] = {
		{ yours, mine, yours, 1500, 0 }, { there, other, there, 1400, 1 }, { far, other, there, 1400, 1 },
	};
	static const uint8_t content[30] = { 1 };
	struct bx_ip_path path;

	ck_assert_int_eq(bx_ip_interface_set(ip, 1, 1400), BX_OK);
	ck_assert_int_eq(bx_ip_address_add(ip, 1, &other, 24), BX_OK);
	ck_assert_int_eq(bx_ip_route_add(ip, &zero, 0, &there, 1), BX_OK);
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < BX_ARRAY_COUNT(ways); i++) {
			struct bx_net_buf *buf;

			ck_assert_int_eq(bx_ip_path(ip, 0, &ways[i].to, &path), BX_OK);
			ck_assert(bx_net_addr_equal(&path.source, &ways[i].source));
			ck_assert_uint_eq(path.mtu, ways[i].mtu);
			ck_assert_uint_eq(path.interface, ways[i].interface);
			buf = segment(100, &ways[i].to);
			buf->source = path.source;
			ck_assert(!bx_ip_send(ip, 0, &in, &out));
			ck_assert_uint_eq(buf->interface, ways[i].interface);
			ck_assert(bx_net_addr_equal(&buf->destination, &ways[i].hop));
		}
	}
	for (uint8_t i = 0; i < 2; i++) {
		struct bx_net_buf *buf;

		bx_net_batch_clear(&in);
		buf = packet(17, 0, 0, content, 30);
		buf->interface = i;
		receive(0);
		ck_assert_uint_eq(buf->kind, BX_NET_SEGMENT);
		ck_assert_uint_eq(buf->interface, i);
	}
}
END_TEST

START_TEST(longest_prefix_wins)
{
	struct bx_net_addr net8 = bx_net_ipv4(20, 0, 0, 0), net16 = bx_net_ipv4(20, 1, 0, 0), gateway;
	struct bx_net_addr zero = bx_net_ipv4(0, 0, 0, 0), to;
	static const struct {
		uint8_t to[4], hop;
	} cases[] = {
		{ { 20, 1, 2, 3 }, 16 }, { { 20, 2, 2, 3 }, 8 }, { { 30, 0, 0, 1 }, 99 }, { { 20, 1, 255, 255 }, 16 },
	};

	gateway = bx_net_ipv4(10, 0, 0, 99);
	ck_assert_int_eq(bx_ip_route_add(ip, &zero, 0, &gateway, 0), BX_OK);
	gateway = bx_net_ipv4(10, 0, 0, 16);
	ck_assert_int_eq(bx_ip_route_add(ip, &net16, 16, &gateway, 0), BX_OK);
	gateway = bx_net_ipv4(10, 0, 0, 8);
	ck_assert_int_eq(bx_ip_route_add(ip, &net8, 8, &gateway, 0), BX_OK);
	ck_assert_int_eq(bx_ip_route_add(ip, &net8, 8, &gateway, 0), BX_ERR_EXISTS);
	ck_assert_int_eq(bx_ip_route_add(ip, &net16, 8, &gateway, 0), BX_ERR_INVALID);
	ck_assert_int_eq(bx_ip_route_add(ip, &net8, 9, &gateway, 3), BX_ERR_RANGE);
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < BX_ARRAY_COUNT(cases); i++) {
			struct bx_net_buf *buf;

			to = bx_net_ipv4_from(cases[i].to);
			buf = segment(10, &to);
			ck_assert(!bx_ip_send(ip, 0, &in, &out));
			ck_assert_uint_eq(buf->destination.byte[15], cases[i].hop);
		}
	}
	/* A route that goes takes the remembered paths with it. */
	ck_assert_int_eq(bx_ip_route_remove(ip, &net16, 16), BX_OK);
	ck_assert_int_eq(bx_ip_route_remove(ip, &net16, 16), BX_ERR_NOT_FOUND);
	to = bx_net_ipv4(20, 1, 2, 3);
	segment(10, &to);
	ck_assert(!bx_ip_send(ip, 0, &in, &out));
	ck_assert_uint_eq(in.bufs[0].destination.byte[15], 8);
}
END_TEST

START_TEST(addresses_and_paths)
{
	struct bx_net_addr second = bx_net_ipv4(10, 0, 0, 7), far = bx_net_ipv4(9, 9, 9, 9);
	struct bx_ip_path path = { .mtu = 1 };

	ck_assert_int_eq(bx_ip_address_add(ip, 0, &mine, 24), BX_ERR_EXISTS);
	ck_assert_int_eq(bx_ip_address_add(ip, 1, &second, 24), BX_ERR_RANGE);
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &second, 33), BX_ERR_INVALID);
	ck_assert_int_eq(bx_ip_path(ip, 0, &far, &path), BX_ERR_NET_UNREACHABLE);
	ck_assert_uint_eq(path.mtu, 1);
	ck_assert_int_eq(bx_ip_path(ip, 0, &yours, &path), BX_OK);
	ck_assert(bx_net_addr_equal(&path.source, &mine));
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &second, 24), BX_OK);
	ck_assert_int_eq(bx_ip_address_remove(ip, &mine), BX_OK);
	ck_assert_int_eq(bx_ip_path(ip, 0, &yours, &path), BX_OK);
	ck_assert(bx_net_addr_equal(&path.source, &second));
	ck_assert_int_eq(bx_ip_address_remove(ip, &second), BX_OK);
	ck_assert_int_eq(bx_ip_path(ip, 0, &yours, &path), BX_ERR_NET_UNREACHABLE);
	ck_assert_int_eq(bx_ip_address_remove(ip, &second), BX_ERR_NOT_FOUND);
}
END_TEST

START_TEST(init_refuses)
{
	struct bx_ip_config config = standard();
	struct bx_ip *untouched = (struct bx_ip *)(uintptr_t)0x1234, *i = untouched;

	ck_assert_int_eq(bx_ip_init(block, bx_ip_size(&config) - 1, &config, &i), BX_ERR_NO_MEMORY);
	ck_assert_int_eq(bx_ip_init(block + 8, sizeof block - 8, &config, &i), BX_ERR_ALIGN);
	config.destinations = 9;
	ck_assert_int_eq(bx_ip_init(block, sizeof block, &config, &i), BX_ERR_INVALID);
	config = standard();
	config.reassembly_bytes = 65535;
	ck_assert_int_eq(bx_ip_init(block, sizeof block, &config, &i), BX_ERR_INVALID);
	ck_assert_ptr_eq(i, untouched);
}
END_TEST

/* Each bound of the configuration: on it is good, beyond is not. */
START_TEST(limits)
{
	static const struct limit limit[] = {
		LIMIT(struct bx_ip_config, routes, 1, true),
		LIMIT(struct bx_ip_config, routes, 1024, true),
		LIMIT(struct bx_ip_config, routes, 1025, false),
		LIMIT(struct bx_ip_config, routes, 0, false),
		LIMIT(struct bx_ip_config, destinations, 4, true),
		LIMIT(struct bx_ip_config, destinations, 32768, true),
		LIMIT(struct bx_ip_config, destinations, 2, false),
		LIMIT(struct bx_ip_config, destinations, 12, false),
		LIMIT(struct bx_ip_config, destinations, 65535, false),
		LIMIT(struct bx_ip_config, reassemblies, 0, true),
		LIMIT(struct bx_ip_config, reassemblies, 1024, true),
		LIMIT(struct bx_ip_config, reassemblies, 1025, false),
		LIMIT(struct bx_ip_config, reassembly_bytes, 576, true),
		LIMIT(struct bx_ip_config, reassembly_bytes, 568, false),
		LIMIT(struct bx_ip_config, reassembly_bytes, 65528, true),
		LIMIT(struct bx_ip_config, reassembly_bytes, 65536, false),
		LIMIT(struct bx_ip_config, reassembly_bytes, 1001, false),
		LIMIT(struct bx_ip_config, neighbours, 0, true),
		LIMIT(struct bx_ip_config, neighbours, 4, true),
		LIMIT(struct bx_ip_config, neighbours, 2, false),
		LIMIT(struct bx_ip_config, neighbours, 32768, true),
		LIMIT(struct bx_ip_config, neighbours, 40000, false),
		LIMIT(struct bx_ip_config, waiting, 0, true),
		LIMIT(struct bx_ip_config, waiting, 1024, true),
		LIMIT(struct bx_ip_config, waiting, 1025, false),
		LIMIT(struct bx_ip_config, waiting_bytes, 0, true),
		LIMIT(struct bx_ip_config, waiting_bytes, 9216, true),
		LIMIT(struct bx_ip_config, waiting_bytes, 9217, false),
	};

	for (uint32_t i = 0; i < BX_ARRAY_COUNT(limit); i++) {
		struct bx_ip_config config = standard();

		limit_set(&config, &limit[i]);
		ck_assert_msg((bx_ip_size(&config) != 0) == limit[i].good, "limit %u", i);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("net_ip");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, segment_up);
	tcase_add_test(tc, memory_ends_with_the_tables);
	tcase_add_test(tc, headers_refused);
	tcase_add_test(tc, broadcasts_up);
	tcase_add_loop_test(tc, fragments_in_every_order, 0, 6);
	tcase_add_test(tc, fragments_refused);
	tcase_add_test(tc, fragments_time_out);
	tcase_add_test(tc, fragments_bounded);
	tcase_add_test(tc, echo);
	tcase_add_test(tc, errors_up);
	tcase_add_test(tc, segment_down);
	tcase_add_test(tc, down_without_a_way);
	tcase_add_test(tc, down_from_whom);
	tcase_add_test(tc, fragments_down_and_up);
	tcase_add_test(tc, unreachable_down);
	tcase_add_test(tc, errors_down);
	tcase_add_test(tc, down_with_too_little);
	tcase_add_test(tc, icmp_passed_over);
	tcase_add_test(tc, whole_finds_no_room);
	tcase_add_test(tc, fragments_and_ecn);
	tcase_add_test(tc, no_way_inside);
	tcase_add_test(tc, tos_and_ttl_up);
	tcase_add_test(tc, identifications_differ);
	tcase_add_test(tc, several_interfaces);
	tcase_add_test(tc, longest_prefix_wins);
	tcase_add_test(tc, addresses_and_paths);
	tcase_add_test(tc, init_refuses);
	tcase_add_test(tc, limits);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
