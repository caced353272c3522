/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_buf.c -- batches and checksums: NET-1, NET-3.
 */
#include <string.h>

#include <check.h>

#include <brainix/net_buf.h>

#include "../../tests/unit/suite.h"

static uint8_t memory[4096], other[4096], bytes[8192];
static struct bx_net_buf bufs[8], other_bufs[8];
static struct bx_net_batch batch;

/* Two buffers of 100 and 200 bytes. */
static void
set_up(void)
{
	bx_net_batch_init(&batch, memory, sizeof memory, bufs, 8, 0);
	for (uint32_t i = 0; i < 2; i++) {
		struct bx_net_buf *buf = bx_net_batch_add(&batch, 100 * (i + 1));

		ck_assert_ptr_nonnull(buf);
		buf->kind = BX_NET_SEGMENT;
		memset(bx_net_bytes(&batch, buf), (int)(i + 1), buf->length);
	}
}

START_TEST(add_stops_when_full)
{
	bx_net_batch_init(&batch, memory, 1000, bufs, 8, 0);
	ck_assert_ptr_nonnull(bx_net_batch_add(&batch, 900));
	ck_assert_ptr_null(bx_net_batch_add(&batch, 1));
	bx_net_batch_undo(&batch);
	ck_assert_uint_eq(batch.used, 0);
	ck_assert_ptr_null(bx_net_batch_add(&batch, 940));
	ck_assert_ptr_nonnull(bx_net_batch_add(&batch, 936));
	bx_net_batch_init(&batch, memory, 4096, bufs, 2, 0);
	ck_assert_ptr_nonnull(bx_net_batch_add(&batch, 1));
	ck_assert_ptr_nonnull(bx_net_batch_add(&batch, 1));
	ck_assert_ptr_null(bx_net_batch_add(&batch, 1));
}
END_TEST

START_TEST(add_takes_whole_slots)
{
	bx_net_batch_init(&batch, memory, 4096, bufs, 8, 2048);
	ck_assert_ptr_null(bx_net_batch_add(&batch, 2048 - BX_NET_HEADROOM + 1));
	ck_assert_uint_eq(bx_net_batch_add(&batch, 1)->begin, 0);
	ck_assert_uint_eq(bx_net_batch_add(&batch, 1)->begin, 2048);
	ck_assert_ptr_null(bx_net_batch_add(&batch, 1));
	ck_assert_ptr_null(bx_net_batch_add(&batch, BX_NET_LENGTH_MAX));
	ck_assert_ptr_null(bx_net_batch_add(&batch, UINT32_MAX));
}
END_TEST

START_TEST(push_stays_in_the_headroom)
{
	set_up();
	ck_assert_ptr_nonnull(bx_net_push(&batch, &bufs[0], BX_NET_HEADROOM));
	ck_assert_uint_eq(bufs[0].offset, bufs[0].begin);
	ck_assert_ptr_null(bx_net_push(&batch, &bufs[0], 1));
	ck_assert_uint_eq(bufs[0].length, 100 + BX_NET_HEADROOM);
}
END_TEST

/* Each bound of a descriptor, broken alone. */
START_TEST(net1_check_refuses_each_bound)
{
	struct bx_net_buf good;

	set_up();
	ck_assert_int_eq(bx_net_batch_check(&batch), BX_OK);
	good = bufs[1];
#define BREAKS(field, value, error) do { \
		bufs[1] = good; \
		bufs[1].field = (value); \
		ck_assert_int_eq(bx_net_batch_check(&batch), error); \
	} while (0)
	BREAKS(end, batch.used + 1, BX_ERR_RANGE);
	BREAKS(begin, good.offset + 1, BX_ERR_RANGE);
	BREAKS(offset, good.end + 1, BX_ERR_RANGE);
	BREAKS(offset, UINT32_MAX, BX_ERR_RANGE);
	BREAKS(length, good.end - good.offset + 1, BX_ERR_RANGE);
	BREAKS(length, UINT32_MAX, BX_ERR_RANGE);
	BREAKS(kind, BX_NET_KIND_COUNT, BX_ERR_FORMAT);
	BREAKS(error, BX_NET_ERROR_COUNT, BX_ERR_FORMAT);
	BREAKS(flags, BX_NET_F_ALL + 1, BX_ERR_FORMAT);
	BREAKS(zero, 1, BX_ERR_FORMAT);
	BREAKS(flags, BX_NET_F_CUT, BX_ERR_RANGE);
	good.flags = BX_NET_F_SUM_NEEDED;
	good.sum_offset = 16;
	BREAKS(sum_start, 200, BX_ERR_RANGE);
	bufs[1] = good;
	ck_assert_int_eq(bx_net_batch_check(&batch), BX_OK);
	batch.count = 9;
	ck_assert_int_eq(bx_net_batch_check(&batch), BX_ERR_RANGE);
}
END_TEST

START_TEST(net3_pack_round_trip)
{
	struct bx_net_batch copy;
	uint32_t length = 7;

	set_up();
	ck_assert_ptr_nonnull(bx_net_batch_add(&batch, 5));	/* of no kind: does not cross */
	bx_net_batch_init(&copy, other, sizeof other, other_bufs, 8, 0);
	for (uint32_t size = 0; size < 8 + 2 * 64 + 168 + 264; size++) {
		ck_assert_int_eq(bx_net_batch_pack(&batch, bytes, size, &length), BX_ERR_OVERFLOW);
		ck_assert_uint_eq(length, 7);
	}
	ck_assert_int_eq(bx_net_batch_pack(&batch, bytes, sizeof bytes, &length), BX_OK);
	ck_assert_uint_eq(length, 8 + 2 * 64 + 168 + 264);
	ck_assert_int_eq(bx_net_batch_unpack(&copy, bytes, length), BX_OK);
	ck_assert_uint_eq(copy.count, 2);
	for (uint32_t i = 0; i < 2; i++) {
		ck_assert_uint_eq(copy.bufs[i].length, bufs[i].length);
		ck_assert_mem_eq(bx_net_bytes(&copy, &copy.bufs[i]), bx_net_bytes(&batch, &bufs[i]),
		    bufs[i].length);
		ck_assert_ptr_nonnull(bx_net_push(&copy, &copy.bufs[i], BX_NET_HEADROOM));
	}
}
END_TEST

START_TEST(unpack_refuses_each_truncation)
{
	struct bx_net_batch copy;
	uint32_t length = 0;

	set_up();
	ck_assert_int_eq(bx_net_batch_pack(&batch, bytes, sizeof bytes, &length), BX_OK);
	bx_net_batch_init(&copy, other, sizeof other, other_bufs, 8, 0);
	for (uint32_t n = 0; n < length; n++) {
		ck_assert_int_eq(bx_net_batch_unpack(&copy, bytes, n), BX_ERR_TRUNCATED);
		ck_assert_uint_eq(copy.count, 0);
	}
	bx_net_batch_init(&copy, other, sizeof other, other_bufs, 1, 0);
	ck_assert_int_eq(bx_net_batch_unpack(&copy, bytes, length), BX_ERR_OVERFLOW);
	bytes[1] = 2;
	ck_assert_int_eq(bx_net_batch_unpack(&copy, bytes, length), BX_ERR_FORMAT);
}
END_TEST

/* RFC 1071, 3: the example, and its word order. */
START_TEST(sum_of_the_standard)
{
	static const uint8_t example[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	ck_assert_uint_eq(bx_net_sum(example, sizeof example, 0), 0xddf2);
}
END_TEST

/* The simplest form of the sum, as the standard states it. */
static uint32_t
plain_sum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* Every length up to 200, every alignment of source and target. */
START_TEST(sum_exhaustive)
{
	static uint8_t source[256], target[256];

	for (uint32_t i = 0; i < sizeof source; i++)
		source[i] = (uint8_t)(i * 167 + (i >> 3) + 200);
	for (size_t n = 0; n <= 200; n++) {
		for (size_t at = 0; at < 8; at++) {
			uint32_t want = plain_sum(source + at, n);

			ck_assert_uint_eq(bx_net_sum(source + at, n, 0), want);
			memset(target, 0xee, sizeof target);
			ck_assert_uint_eq(bx_net_sum_copy(target + 8 - at, source + at, n, 0), want);
			ck_assert_mem_eq(target + 8 - at, source + at, n);
			ck_assert_uint_eq(target[8 - at + n], 0xee);
			ck_assert_uint_eq(target[7 - at], 0xee);
		}
	}
	/* All ones never become zero: the sum of something is not the sum of nothing. */
	memset(source, 0xff, sizeof source);
	ck_assert_uint_eq(bx_net_sum(source, 200, 0), 0xffff);
}
END_TEST

START_TEST(addresses)
{
	struct bx_net_addr a = bx_net_ipv4(10, 1, 2, 3), six = { { 0xfe, 0x80 } }, any = { { 0 } };
	struct bx_net_addr any4 = bx_net_ipv4(0, 0, 0, 0), group = bx_net_ipv4(224, 0, 0, 1);
	struct bx_net_addr all = bx_net_ipv4(255, 255, 255, 255), e = bx_net_ipv4(240, 0, 0, 1);
	struct bx_net_addr group6 = { { 0xff, 2 } };

	ck_assert(bx_net_addr_is_ipv4(&a) && !bx_net_addr_is_ipv4(&six) && !bx_net_addr_is_ipv4(&any));
	ck_assert(bx_net_addr_is_any(&any) && bx_net_addr_is_any(&any4) && !bx_net_addr_is_any(&a));
	ck_assert(bx_net_addr_is_group(&group) && bx_net_addr_is_group(&all) && bx_net_addr_is_group(&group6));
	ck_assert(!bx_net_addr_is_group(&a) && !bx_net_addr_is_group(&e) && !bx_net_addr_is_group(&six));
	ck_assert(bx_net_addr_equal(&a, &a) && !bx_net_addr_equal(&a, &any4));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("net_buf");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, add_stops_when_full);
	tcase_add_test(tc, add_takes_whole_slots);
	tcase_add_test(tc, push_stays_in_the_headroom);
	tcase_add_test(tc, net1_check_refuses_each_bound);
	tcase_add_test(tc, net3_pack_round_trip);
	tcase_add_test(tc, unpack_refuses_each_truncation);
	tcase_add_test(tc, sum_of_the_standard);
	tcase_add_test(tc, sum_exhaustive);
	tcase_add_test(tc, addresses);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
