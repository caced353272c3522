/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_link.c -- the link stage: frames, ARP, conflict detection.
 */
#include <string.h>

#include <check.h>

#include <brainix/net_link.h>

#include "../../tests/unit/suite.h"
#include "limits.h"

static const uint8_t me[6] = { 2, 0, 0, 0, 0, 1 }, you[6] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static _Alignas(64) uint8_t block[65536];
static uint8_t in_bytes[16384], out_bytes[32768];
static struct bx_net_buf in_bufs[8], out_bufs[16];
static struct bx_net_batch in, out;
static struct bx_link *link_stage;
static struct bx_net_addr mine, yours;

static struct bx_link_config
config_of(uint16_t vlan)
{
	return (struct bx_link_config){
		.mac = { 2, 0, 0, 0, 0, 1 }, .mtu = 1500, .vlan = vlan, .neighbours = 8, .waiting = 4, .seed = 7,
	};
}

static void
start(uint16_t vlan)
{
	struct bx_link_config config = config_of(vlan);

	ck_assert_int_eq(bx_link_init(block, sizeof block, &config, &link_stage), BX_OK);
	bx_net_batch_init(&in, in_bytes, sizeof in_bytes, in_bufs, 8, 0);
	bx_net_batch_init(&out, out_bytes, sizeof out_bytes, out_bufs, 16, 0);
	mine = bx_net_ipv4(10, 0, 0, 1);
	yours = bx_net_ipv4(10, 0, 0, 2);
}

static void
set_up(void)
{
	start(0);
	ck_assert_int_eq(bx_link_address_add(link_stage, 0, &mine, false), BX_OK);
	bx_link_poll(link_stage, 0, &out);
	bx_link_poll(link_stage, 2000000, &out);
	bx_net_batch_clear(&out);
}

/* A frame as it would come in; its descriptor. */
static struct bx_net_buf *
frame(const uint8_t *to, const uint8_t *from, uint16_t type, const uint8_t *content, uint32_t length)
{
	struct bx_net_buf *buf = bx_net_batch_add(&in, 14 + length);
	uint8_t *p = bx_net_bytes(&in, buf);

	buf->kind = BX_NET_FRAME;
	memcpy(p, to, 6);
	memcpy(p + 6, from, 6);
	bx_put_be16(p + 12, type);
	if (length != 0)
		memcpy(p + 14, content, length);
	return buf;
}

static struct bx_net_buf *
arp(const uint8_t *to, const uint8_t *from, uint16_t op, uint32_t sender, uint32_t target)
{
	uint8_t m[28] = { 0, 1, 8, 0, 6, 4 };

	bx_put_be16(m + 6, op);
	memcpy(m + 8, from, 6);
	bx_put_be32(m + 14, sender);
	bx_put_be32(m + 24, target);
	return frame(to, from, 0x0806, m, 28);
}

static void
receive(uint64_t now)
{
	bx_link_receive(link_stage, now, &in, &out);
}

/* What ARP message we sent as number i. */
static void
sent_arp(uint32_t i, uint16_t op, uint32_t sender, uint32_t target, const uint8_t *to)
{
	const uint8_t *p = bx_net_bytes(&out, &out.bufs[i]);

	ck_assert_uint_gt(out.count, i);
	ck_assert_uint_eq(out.bufs[i].kind, BX_NET_FRAME);
	ck_assert_uint_eq(out.bufs[i].length, 42);
	ck_assert_mem_eq(p, to, 6);
	ck_assert_mem_eq(p + 6, me, 6);
	ck_assert_uint_eq(bx_get_be16(p + 20), op);
	ck_assert_uint_eq(bx_get_be32(p + 28), sender);
	ck_assert_uint_eq(bx_get_be32(p + 38), target);
}

static struct bx_net_buf *
packet_down(uint8_t fill)
{
	struct bx_net_buf *buf;

	bx_net_batch_clear(&in);
	buf = bx_net_batch_add(&in, 100);
	memset(bx_net_bytes(&in, buf), fill, 100);
	buf->kind = BX_NET_IPV4;
	buf->destination = yours;
	return buf;
}

START_TEST(init_refuses)
{
	struct bx_link_config config = config_of(0);
	struct bx_link *untouched = (struct bx_link *)(uintptr_t)0x1234, *l = untouched;
	size_t size = bx_link_size(&config);

	ck_assert_int_eq(bx_link_init(block, size - 1, &config, &l), BX_ERR_NO_MEMORY);
	ck_assert_int_eq(bx_link_init(block + 1, size, &config, &l), BX_ERR_ALIGN);
	config.mac[0] = 3;
	ck_assert_uint_eq(bx_link_size(&config), 0);
	ck_assert_int_eq(bx_link_init(block, size, &config, &l), BX_ERR_INVALID);
	config = config_of(4095);
	ck_assert_int_eq(bx_link_init(block, size, &config, &l), BX_ERR_INVALID);
	config = config_of(0);
	config.neighbours = 6;
	ck_assert_int_eq(bx_link_init(block, size, &config, &l), BX_ERR_INVALID);
	ck_assert_ptr_eq(l, untouched);
}
END_TEST

/* Each bound of the configuration: on it is good, beyond is not. */
START_TEST(limits)
{
	static const struct limit limit[] = {
		LIMIT(struct bx_link_config, mtu, 576, true),
		LIMIT(struct bx_link_config, mtu, 9216, true),
		LIMIT(struct bx_link_config, mtu, 9217, false),
		LIMIT(struct bx_link_config, mtu, 575, false),
		LIMIT(struct bx_link_config, vlan, 4094, true),
		LIMIT(struct bx_link_config, vlan, 4095, false),
		LIMIT(struct bx_link_config, neighbours, 4, true),
		LIMIT(struct bx_link_config, neighbours, 2, false),
		LIMIT(struct bx_link_config, neighbours, 32768, true),
		LIMIT(struct bx_link_config, neighbours, 40000, false),
		LIMIT(struct bx_link_config, neighbours, 12, false),
		LIMIT(struct bx_link_config, waiting, 1, true),
		LIMIT(struct bx_link_config, waiting, 1024, true),
		LIMIT(struct bx_link_config, waiting, 1025, false),
		LIMIT(struct bx_link_config, waiting, 0, false),
	};

	for (uint32_t i = 0; i < BX_ARRAY_COUNT(limit); i++) {
		struct bx_link_config config = config_of(0);

		limit_set(&config, &limit[i]);
		ck_assert_msg((bx_link_size(&config) != 0) == limit[i].good, "limit %u", i);
	}
}
END_TEST

START_TEST(frames_up)
{
	static const uint8_t content[46] = { 0x45 };
	struct bx_net_buf *a = frame(me, you, 0x0800, content, 46), *b = frame(all, you, 0x86dd, content, 46);

	receive(0);
	ck_assert_uint_eq(a->kind, BX_NET_IPV4);
	ck_assert_uint_eq(a->length, 46);
	ck_assert_uint_eq(a->mtu, 1500);
	ck_assert_uint_eq(a->flags, 0);
	ck_assert_uint_eq(b->kind, BX_NET_IPV6);
	ck_assert_uint_eq(b->flags, BX_NET_F_BROADCAST);
}
END_TEST

/* Every reason counts in its own place, and the frame ends here. */
START_TEST(frames_refused)
{
	const struct bx_link_stats *stats = bx_link_stats(link_stage);
	static const uint8_t other[6] = { 2, 9, 9, 9, 9, 9 }, zero[6] = { 0 }, tag[4] = { 0, 5, 8, 0 };
	struct bx_net_buf *buf;

	frame(other, you, 0x0800, NULL, 0);
	frame(me, all, 0x0800, NULL, 0);
	frame(me, zero, 0x0800, NULL, 0);
	frame(all, me, 0x0800, NULL, 0);
	frame(me, you, 0x1234, NULL, 0);
	frame(me, you, 0x8100, tag, 4);
	frame(me, you, 0x8100, tag, 3);
	buf = frame(me, you, 0x0800, NULL, 0);
	buf->length = 13;
	receive(0);
	ck_assert_uint_eq(stats->other_host, 1);
	ck_assert_uint_eq(stats->bad_source, 3);
	ck_assert_uint_eq(stats->unknown_type, 1);
	ck_assert_uint_eq(stats->other_vlan, 1);
	ck_assert_uint_eq(stats->short_frame, 2);
	for (uint32_t i = 0; i < in.count; i++)
		ck_assert_uint_eq(in.bufs[i].kind, BX_NET_NONE);
	ck_assert_uint_eq(out.count, 0);
}
END_TEST

/* A frame is taken for what its own header says, whatever header the one before had: each bit of it counts. */
START_TEST(header_of_the_one_before)
{
	static const uint8_t content[46] = { 0x45 }, zero[6] = { 0 };
	struct bx_net_buf *buf = frame(zero, zero, 0, content, 46);

	receive(0);
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	for (uint32_t bit = 0; bit < 14 * 8; bit++) {
		uint8_t head[14] = { 0 }, kind;
		uint16_t flags;

		memcpy(head, me, 6);
		memcpy(head + 6, you, 6);
		head[12] = 8;
		head[bit / 8] = (uint8_t)(head[bit / 8] ^ 1u << bit % 8);
		start(0);
		buf = frame(head, head + 6, bx_get_be16(head + 12), content, 46);
		receive(0);
		kind = buf->kind;
		flags = buf->flags;
		start(0);
		for (uint32_t i = 0; i < 2; i++) {
			bx_net_batch_clear(&in);
			buf = frame(me, you, 0x0800, content, 46);
			receive(0);
			ck_assert_uint_eq(buf->kind, BX_NET_IPV4);
		}
		bx_net_batch_clear(&in);
		buf = frame(head, head + 6, bx_get_be16(head + 12), content, 46);
		receive(0);
		ck_assert_uint_eq(buf->kind, kind);
		ck_assert_uint_eq(buf->flags, flags);
	}
}
END_TEST

START_TEST(vlan_both_ways)
{
	static const uint8_t ours[8] = { 0x60, 5, 8, 0 }, priority[8] = { 0xe0, 0, 8, 0 };
	struct bx_net_buf *buf;

	start(5);
	buf = frame(me, you, 0x8100, ours, 8);
	frame(me, you, 0x0800, ours, 8);
	frame(me, you, 0x8100, priority, 8);
	receive(0);
	ck_assert_uint_eq(buf->kind, BX_NET_IPV4);
	ck_assert_uint_eq(buf->length, 4);
	ck_assert_uint_eq(bx_link_stats(link_stage)->other_vlan, 2);
	ck_assert_int_eq(bx_link_neighbour_set(link_stage, 0, &yours, you), BX_OK);
	buf = packet_down(1);
	bx_link_send(link_stage, 0, &in, &out);
	ck_assert_uint_eq(buf->kind, BX_NET_FRAME);
	ck_assert_uint_eq(buf->length, 118);
	ck_assert_uint_eq(bx_get_be32(bx_net_bytes(&in, buf) + 12), 0x81000005);
}
END_TEST

START_TEST(arp_answers_for_us_only)
{
	arp(all, you, 1, 0x0a000002, 0x0a000001);
	arp(all, you, 1, 0x0a000002, 0x0a000009);
	receive(0);
	ck_assert_uint_eq(out.count, 1);
	sent_arp(0, 2, 0x0a000001, 0x0a000002, you);
	ck_assert_uint_eq(bx_link_stats(link_stage)->arp_not_for_us, 1);
}
END_TEST

/* RFC 826: a request for us teaches us who asks; then a packet goes at once. */
START_TEST(arp_learns_from_request)
{
	struct bx_net_buf *buf;

	arp(all, you, 1, 0x0a000002, 0x0a000001);
	receive(0);
	bx_net_batch_clear(&out);
	buf = packet_down(1);
	bx_link_send(link_stage, 10, &in, &out);
	ck_assert_uint_eq(buf->kind, BX_NET_FRAME);
	ck_assert_mem_eq(bx_net_bytes(&in, buf), you, 6);
	ck_assert_uint_eq(out.count, 0);
}
END_TEST

/* What nobody asked for is not believed. */
START_TEST(arp_gratuitous_makes_nothing)
{
	struct bx_net_buf *buf;

	arp(all, you, 2, 0x0a000002, 0x0a000002);
	arp(all, you, 1, 0x0a000002, 0x0a000002);
	arp(all, you, 1, 0x0a000002, 0x0a000009);
	receive(0);
	buf = packet_down(1);
	bx_link_send(link_stage, 10, &in, &out);
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	sent_arp(0, 1, 0x0a000001, 0x0a000002, all);
}
END_TEST

START_TEST(arp_malformed_each)
{
	static const struct {
		uint8_t at, value;
	} breaks[] = { { 1, 6 }, { 2, 9 }, { 4, 8 }, { 5, 16 }, { 7, 3 }, { 8, 3 }, { 14, 0xe0 } };

	for (uint32_t i = 0; i < BX_ARRAY_COUNT(breaks); i++) {
		bx_net_batch_clear(&in);
		arp(all, you, 1, 0x0a000002, 0x0a000001);
		bx_net_bytes(&in, &in.bufs[0])[14 + breaks[i].at] = breaks[i].value;
		receive(0);
		ck_assert_uint_eq(bx_link_stats(link_stage)->arp_malformed, i + 1);
	}
	bx_net_batch_clear(&in);
	arp(all, you, 1, 0x0a000002, 0x0a000001)->length = 41;
	receive(0);
	ck_assert_uint_eq(bx_link_stats(link_stage)->arp_malformed, BX_ARRAY_COUNT(breaks) + 1);
	ck_assert_uint_eq(out.count, 0);
}
END_TEST

/* RFC 1122, 2.3.2.2: packets wait for the answer and go in order. */
START_TEST(packets_wait_for_the_answer)
{
	for (uint8_t i = 1; i <= 3; i++) {
		packet_down(i);
		bx_link_send(link_stage, 0, &in, &out);
	}
	ck_assert_uint_eq(out.count, 1);
	bx_net_batch_clear(&out);
	bx_net_batch_clear(&in);
	arp(me, you, 2, 0x0a000002, 0x0a000001);
	receive(1000);
	ck_assert_uint_eq(out.count, 3);
	for (uint8_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(out.bufs[i].length, 114);
		ck_assert_uint_eq(bx_net_bytes(&out, &out.bufs[i])[14], i + 1);
	}
}
END_TEST

/* What the device is to do with a packet it is to do after the wait, too: the fields of the descriptor wait with the bytes. */
START_TEST(work_of_the_device_waits)
{
	struct bx_net_buf *buf = packet_down(1);

	buf->flags = BX_NET_F_SUM_NEEDED | BX_NET_F_CUT | BX_NET_F_WHOLE;
	buf->sum_start = 20;
	buf->sum_offset = 16;
	buf->segment_size = 60;
	bx_link_send(link_stage, 0, &in, &out);
	bx_net_batch_clear(&out);
	bx_net_batch_clear(&in);
	arp(me, you, 2, 0x0a000002, 0x0a000001);
	receive(1000);
	ck_assert_uint_eq(out.count, 1);
	ck_assert_uint_eq(out.bufs[0].length, 114);
	ck_assert_uint_eq(out.bufs[0].flags, BX_NET_F_SUM_NEEDED | BX_NET_F_CUT | BX_NET_F_WHOLE);
	ck_assert_uint_eq(out.bufs[0].sum_start, 34);
	ck_assert_uint_eq(out.bufs[0].sum_offset, 16);
	ck_assert_uint_eq(out.bufs[0].segment_size, 60);
	ck_assert_int_eq(bx_net_batch_check(&out), BX_OK);
}
END_TEST

/* The newest of more than there is room for stay. */
START_TEST(waiting_is_bounded)
{
	for (uint8_t i = 1; i <= 10; i++) {
		packet_down(i);
		bx_link_send(link_stage, 0, &in, &out);
	}
	ck_assert_uint_eq(bx_link_stats(link_stage)->waiting_full, 6);
	bx_net_batch_clear(&out);
	bx_net_batch_clear(&in);
	arp(me, you, 2, 0x0a000002, 0x0a000001);
	receive(1000);
	ck_assert_uint_eq(out.count, 4);
	ck_assert_uint_eq(bx_net_bytes(&out, &out.bufs[0])[14], 7);
}
END_TEST

/* Three requests, a second apart, then the packets are given up. */
START_TEST(resolution_gives_up)
{
	uint64_t now = 0;

	packet_down(1);
	bx_link_send(link_stage, 0, &in, &out);
	for (uint32_t i = 1; i < 3; i++) {
		ck_assert_uint_eq(bx_link_next(link_stage), now + 1000000);
		now += 1000000;
		bx_link_poll(link_stage, now - 1, &out);
		ck_assert_uint_eq(out.count, i);
		bx_link_poll(link_stage, now, &out);
		ck_assert_uint_eq(out.count, i + 1);
	}
	bx_link_poll(link_stage, now + 1000000, &out);
	ck_assert_uint_eq(out.count, 3);
	ck_assert_uint_eq(bx_link_stats(link_stage)->unresolved, 1);
	ck_assert_uint_eq(bx_link_next(link_stage), BX_LINK_NEVER);
}
END_TEST

/* RFC 1122, 2.3.2.1 (2): an old entry is asked again by unicast, and used meanwhile. */
START_TEST(old_entries_are_polled)
{
	struct bx_net_buf *buf;

	arp(all, you, 1, 0x0a000002, 0x0a000001);
	receive(0);
	bx_net_batch_clear(&out);
	buf = packet_down(1);
	bx_link_send(link_stage, 61000000, &in, &out);
	ck_assert_uint_eq(buf->kind, BX_NET_FRAME);
	bx_link_poll(link_stage, 61000000, &out);
	sent_arp(0, 1, 0x0a000001, 0x0a000002, you);
	for (uint32_t i = 1; i <= 3; i++)
		bx_link_poll(link_stage, 61000000 + i * 1000000, &out);
	ck_assert_uint_eq(out.count, 3);
	buf = packet_down(1);
	bx_link_send(link_stage, 65000000, &in, &out);
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
}
END_TEST

START_TEST(groups_are_mapped)
{
	static const uint8_t want4[6] = { 1, 0, 0x5e, 1, 2, 3 }, want6[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	struct bx_net_buf *buf = packet_down(1);

	buf->destination = bx_net_ipv4(224, 0x81, 2, 3);
	bx_link_send(link_stage, 0, &in, &out);
	ck_assert_mem_eq(bx_net_bytes(&in, buf), want4, 6);
	buf = packet_down(1);
	buf->kind = BX_NET_IPV6;
	buf->destination = (struct bx_net_addr){ { 0xff, 2, [15] = 1 } };
	bx_link_send(link_stage, 0, &in, &out);
	ck_assert_mem_eq(bx_net_bytes(&in, buf), want6, 6);
	buf = packet_down(1);
	buf->destination = bx_net_ipv4(255, 255, 255, 255);
	bx_link_send(link_stage, 0, &in, &out);
	ck_assert_mem_eq(bx_net_bytes(&in, buf), all, 6);
}
END_TEST

/* RFC 5227, 2.1.1: three probes one to two seconds apart, two seconds of silence, two announcements. */
START_TEST(probing_then_ours)
{
	uint64_t now = 0, last = 0;

	start(0);
	ck_assert_int_eq(bx_link_address_add(link_stage, 0, &mine, true), BX_OK);
	for (uint32_t i = 0; i < 5; i++) {
		ck_assert_int_eq(bx_link_address_state(link_stage, &mine),
		    i < 4 ? BX_LINK_ADDRESS_PROBING : BX_LINK_ADDRESS_OURS);
		now = bx_link_next(link_stage);
		if (i == 0)
			ck_assert_uint_lt(now, 1000000);
		else
			ck_assert(now - last >= 1000000 && now - last <= 2000000);
		last = now;
		bx_link_poll(link_stage, now, &out);
		sent_arp(i, 1, i < 3 ? 0 : 0x0a000001, 0x0a000001, all);
	}
	ck_assert_int_eq(bx_link_address_state(link_stage, &mine), BX_LINK_ADDRESS_OURS);
	ck_assert_uint_eq(bx_link_next(link_stage), BX_LINK_NEVER);
}
END_TEST

/* Another host has it, or probes for it too. */
START_TEST(probing_finds_conflict)
{
	for (uint32_t i = 0; i < 2; i++) {
		start(0);
		ck_assert_int_eq(bx_link_address_add(link_stage, 0, &mine, true), BX_OK);
		bx_link_poll(link_stage, 1000000, &out);
		arp(all, you, i == 0 ? 2 : 1, i == 0 ? 0x0a000001 : 0, 0x0a000001);
		receive(1100000);
		ck_assert_int_eq(bx_link_address_state(link_stage, &mine), BX_LINK_ADDRESS_CONFLICT);
		ck_assert_uint_eq(bx_link_stats(link_stage)->conflicts, 1);
	}
}
END_TEST

/* RFC 5227, 2.4 (b): defended once in ten seconds, then given up. */
START_TEST(defence)
{
	arp(all, you, 1, 0x0a000001, 0x0a000005);
	receive(20000000);
	sent_arp(0, 1, 0x0a000001, 0x0a000001, all);
	receive(20000000);
	bx_net_batch_clear(&in);
	arp(all, you, 1, 0x0a000001, 0x0a000005);
	receive(31000000);
	ck_assert_int_eq(bx_link_address_state(link_stage, &mine), BX_LINK_ADDRESS_OURS);
	ck_assert_uint_eq(out.count, 2);
	bx_net_batch_clear(&in);
	arp(all, you, 1, 0x0a000001, 0x0a000005);
	receive(35000000);
	ck_assert_int_eq(bx_link_address_state(link_stage, &mine), BX_LINK_ADDRESS_CONFLICT);
	ck_assert_uint_eq(out.count, 2);
}
END_TEST

START_TEST(addresses_refused)
{
	struct bx_net_addr a = bx_net_ipv4(224, 0, 0, 1), six = { { 0xfe, 0x80 } };

	ck_assert_int_eq(bx_link_address_add(link_stage, 0, &a, false), BX_ERR_INVALID);
	ck_assert_int_eq(bx_link_address_add(link_stage, 0, &six, false), BX_ERR_INVALID);
	ck_assert_int_eq(bx_link_address_add(link_stage, 0, &mine, false), BX_ERR_EXISTS);
	for (uint8_t i = 1; i < BX_LINK_ADDRESSES; i++) {
		a = bx_net_ipv4(10, 0, 1, i);
		ck_assert_int_eq(bx_link_address_add(link_stage, 0, &a, false), BX_OK);
	}
	a = bx_net_ipv4(10, 0, 2, 1);
	ck_assert_int_eq(bx_link_address_add(link_stage, 0, &a, false), BX_ERR_NO_MEMORY);
	bx_link_address_remove(link_stage, &mine);
	ck_assert_int_eq(bx_link_address_state(link_stage, &mine), BX_LINK_ADDRESS_NONE);
	ck_assert_int_eq(bx_link_address_add(link_stage, 0, &a, false), BX_OK);
}
END_TEST

/* A full batch loses the answer, counts it, and breaks nothing. */
START_TEST(full_batch)
{
	bx_net_batch_init(&out, out_bytes, sizeof out_bytes, out_bufs, 0, 0);
	arp(all, you, 1, 0x0a000002, 0x0a000001);
	receive(0);
	ck_assert_uint_eq(bx_link_stats(link_stage)->no_room_out, 1);
}
END_TEST

/* A set of fixed neighbours has no place for another; an old neighbour gives way, and what waited for it is dropped. */
START_TEST(neighbours_are_bounded)
{
	const struct bx_link_stats *stats = bx_link_stats(link_stage);
	struct bx_net_addr a;
	uint32_t fixed = 0;

	for (uint32_t i = 2; i < 60; i++) {
		bx_net_batch_clear(&in);
		bx_net_batch_clear(&out);
		packet_down(1)->destination = bx_net_ipv4(10, 0, 0, (uint8_t)i);
		bx_link_send(link_stage, i, &in, &out);
	}
	ck_assert_uint_gt(stats->unresolved, 0);
	for (uint32_t i = 2; i < 200; i++) {
		a = bx_net_ipv4(10, 0, 0, (uint8_t)i);
		fixed += bx_link_neighbour_set(link_stage, 0, &a, you) == BX_OK;
	}
	ck_assert_uint_eq(fixed, 8);
	/* Nobody can be learnt, nobody asked for. */
	bx_net_batch_clear(&in);
	bx_net_batch_clear(&out);
	packet_down(1)->destination = bx_net_ipv4(10, 0, 0, 222);
	bx_link_send(link_stage, 0, &in, &out);
	ck_assert_uint_eq(in.bufs[0].kind, BX_NET_NONE);
	bx_net_batch_clear(&in);
	arp(all, you, 1, 0x0a0000de, 0x0a000001);
	receive(0);
	a = bx_net_ipv4(10, 0, 0, 200);
	ck_assert_int_eq(bx_link_neighbour_set(link_stage, 0, &a, you), BX_ERR_NO_MEMORY);
	ck_assert_int_eq(bx_link_neighbour_set(link_stage, 0, &a, all), BX_ERR_INVALID);
	a = bx_net_ipv4(224, 0, 0, 1);
	ck_assert_int_eq(bx_link_neighbour_set(link_stage, 0, &a, you), BX_ERR_INVALID);
	a = bx_net_ipv4(0, 0, 0, 0);
	ck_assert_int_eq(bx_link_neighbour_set(link_stage, 0, &a, you), BX_ERR_INVALID);
}
END_TEST

/* What a fixed neighbour is waited for goes at the next poll, as much as there is room for. */
START_TEST(waiting_finds_no_room)
{
	struct bx_net_batch small;

	for (uint32_t i = 0; i < 3; i++) {
		bx_net_batch_clear(&in);
		packet_down(100);
		bx_link_send(link_stage, 0, &in, &out);
	}
	ck_assert_int_eq(bx_link_neighbour_set(link_stage, 5, &yours, you), BX_OK);
	bx_net_batch_init(&small, out_bytes, 256, out_bufs, 16, 0);
	bx_link_poll(link_stage, 5, &small);
	ck_assert_uint_eq(small.count, 1);
	ck_assert_uint_le(bx_link_next(link_stage), 5);
	bx_net_batch_clear(&out);
	bx_link_poll(link_stage, 6, &out);
	ck_assert_uint_eq(out.count, 2);
}
END_TEST

START_TEST(too_big_and_no_headroom)
{
	struct bx_net_buf *buf;

	ck_assert_int_eq(bx_link_neighbour_set(link_stage, 0, &yours, you), BX_OK);
	bx_net_batch_clear(&in);
	buf = bx_net_batch_add(&in, 1501);
	buf->kind = BX_NET_IPV4;
	buf->destination = yours;
	bx_link_send(link_stage, 0, &in, &out);
	ck_assert_uint_eq(bx_link_stats(link_stage)->too_big, 1);
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
	buf = packet_down(1);
	buf->begin = buf->offset - 13;
	bx_link_send(link_stage, 0, &in, &out);
	ck_assert_uint_eq(bx_link_stats(link_stage)->no_headroom, 1);
	ck_assert_uint_eq(buf->kind, BX_NET_NONE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("net_link");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, init_refuses);
	tcase_add_test(tc, limits);
	tcase_add_test(tc, frames_up);
	tcase_add_test(tc, frames_refused);
	tcase_add_test(tc, header_of_the_one_before);
	tcase_add_test(tc, vlan_both_ways);
	tcase_add_test(tc, arp_answers_for_us_only);
	tcase_add_test(tc, arp_learns_from_request);
	tcase_add_test(tc, arp_gratuitous_makes_nothing);
	tcase_add_test(tc, arp_malformed_each);
	tcase_add_test(tc, packets_wait_for_the_answer);
	tcase_add_test(tc, work_of_the_device_waits);
	tcase_add_test(tc, waiting_is_bounded);
	tcase_add_test(tc, resolution_gives_up);
	tcase_add_test(tc, old_entries_are_polled);
	tcase_add_test(tc, groups_are_mapped);
	tcase_add_test(tc, probing_then_ours);
	tcase_add_test(tc, probing_finds_conflict);
	tcase_add_test(tc, defence);
	tcase_add_test(tc, addresses_refused);
	tcase_add_test(tc, full_batch);
	tcase_add_test(tc, neighbours_are_bounded);
	tcase_add_test(tc, waiting_finds_no_room);
	tcase_add_test(tc, too_big_and_no_headroom);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
