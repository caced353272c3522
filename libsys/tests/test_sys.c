/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_sys.c -- the parts of libsys that trap nowhere: launch block, clock, text, bytes.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <brainix/sys.h>

#include "../../tests/unit/suite.h"
#include "memory.h"

/* ---- launch block --------------------------------------------------------------------------- */

static union {
	struct bx_launch launch;
	uint8_t bytes[sizeof(struct bx_launch) + 3 * sizeof(struct bx_launch_entry)];
} block;

static void
block_make(void)
{
	memset(&block, 0, sizeof block);
	block.launch.magic = BX_LAUNCH_MAGIC;
	block.launch.version = 1;
	block.launch.entry_count = 3;
	strcpy(block.launch.name, "tester");
	strcpy(block.launch.entries[0].name, "console");
	strcpy(block.launch.entries[1].name, "con");
	memcpy(block.launch.entries[2].name, "12345678901234567890123", 24);
	for (uint32_t i = 0; i < 3; i++)
		block.launch.entries[i].slot = 10 + i;
}

START_TEST(launch_block_is_checked)
{
	block_make();
	ck_assert_int_eq(bx_sys_launch_check(&block.launch, sizeof block), BX_OK);
	for (size_t size = 0; size < sizeof block; size++)
		ck_assert_int_eq(bx_sys_launch_check(&block.launch, size), BX_ERR_TRUNCATED);
	block.launch.entry_count = UINT32_MAX;
	ck_assert_int_eq(bx_sys_launch_check(&block.launch, sizeof block), BX_ERR_TRUNCATED);
	block_make();
	block.launch.magic++;
	ck_assert_int_eq(bx_sys_launch_check(&block.launch, sizeof block), BX_ERR_FORMAT);
	block_make();
	block.launch.version = 2;
	ck_assert_int_eq(bx_sys_launch_check(&block.launch, sizeof block), BX_ERR_VERSION);
	block_make();
	memset(block.launch.name, 'x', BX_NAME_MAX);
	ck_assert_int_eq(bx_sys_launch_check(&block.launch, sizeof block), BX_ERR_FORMAT);
	block_make();
	memset(block.launch.entries[2].name, 'x', BX_NAME_MAX);
	ck_assert_int_eq(bx_sys_launch_check(&block.launch, sizeof block), BX_ERR_FORMAT);
}
END_TEST

START_TEST(capabilities_are_found_by_whole_name)
{
	uint32_t slot = 0xdead;

	block_make();
	ck_assert_int_eq(bx_sys_find(&block.launch, "co", &slot), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_sys_find(&block.launch, "consoles", &slot), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_sys_find(&block.launch, "123456789012345678901234", &slot),
	    BX_ERR_NOT_FOUND);
	ck_assert_uint_eq(slot, 0xdead);
	ck_assert_int_eq(bx_sys_find(&block.launch, "con", &slot), BX_OK);
	ck_assert_uint_eq(slot, 11);
	ck_assert_int_eq(bx_sys_find(&block.launch, "console", &slot), BX_OK);
	ck_assert_uint_eq(slot, 10);
	ck_assert_int_eq(bx_sys_find(&block.launch, "12345678901234567890123", &slot), BX_OK);
	ck_assert_uint_eq(slot, 12);
}
END_TEST

/* ---- clock ---------------------------------------------------------------------------------- */

START_TEST(clock_scales_exactly)
{
	static const uint64_t rates[] = { 1, 3, 1000, 999999, 1000000, 1000001, 2445000000u,
	    1000000000u, 5000000000u };
	static const uint64_t values[] = { 0, 1, 2, 999999, 1000000, 1000001, 123456789,
	    86400000000u, UINT64_C(31557600000000), UINT64_MAX / 3, UINT64_MAX };

	for (size_t r = 0; r < BX_ARRAY_COUNT(rates); r++)
		for (size_t v = 0; v < BX_ARRAY_COUNT(values); v++) {
			unsigned __int128 ticks = (unsigned __int128)values[v] * rates[r] / 1000000;
			unsigned __int128 us = (unsigned __int128)values[v] * 1000000 / rates[r];
			uint64_t have_ticks = bx_sys_ticks_of_us(rates[r], values[v]);
			uint64_t have_us = bx_sys_us_of_ticks(rates[r], values[v]);

			/* Saturation may begin a second early. */
			if (have_ticks != UINT64_MAX || ticks < UINT64_MAX - 2 * rates[r])
				ck_assert(have_ticks == ticks);
			if (have_us != UINT64_MAX || us < UINT64_MAX - 2000000)
				ck_assert(have_us == us);
		}
}
END_TEST

/* ---- text ----------------------------------------------------------------------------------- */

/* Each case by our formatter and by the C library's, at every capacity. */
#define BOTH(...) do { \
		char want[256], have[256]; \
		int length = snprintf(want, sizeof want, __VA_ARGS__); \
		for (size_t size = 1; size < sizeof have; size += size < 40 ? 1 : 71) { \
			size_t fits = (size_t)length < size ? (size_t)length : size - 1; \
			memset(have, 0x55, sizeof have); \
			ck_assert_uint_eq(bx_sys_format(have, size, __VA_ARGS__), fits); \
			ck_assert_mem_eq(have, want, fits); \
			ck_assert_int_eq(have[fits], 0); \
			for (size_t i = size; i < sizeof have; i++) \
				ck_assert_int_eq(have[i], 0x55); \
		} \
	} while (0)

START_TEST(text_is_as_printf_has_it)
{
	BOTH("plain");
	BOTH("%s|%10s|%-10s|%.2s|%-6.3s|%.*s", "abc", "abc", "abc", "abc", "abcdef", 2, "xyz");
	BOTH("%d|%5d|%-5d|%05d|%d|%d", 42, 42, 42, 42, -42, 0);
	BOTH("%05d|%6d|%-6d|%i", -42, -42, -42, 7);
	BOTH("%u|%8u|%08u|%x|%08x|%-8x|", 4000000000u, 7u, 7u, 0xdeadbeefu, 0xbeefu, 0xbeefu);
	BOTH("%lu|%lx|%20lu|%ld", UINT64_MAX, UINT64_MAX, UINT64_MAX, INT64_MIN);
	BOTH("%zu|%c|%3c|%-3c|%%", (size_t)77, 'x', 'y', 'z');
	BOTH("%*d|%*d|", 6, 1, -6, 1);
	BOTH("%s%s", "", "");
}
END_TEST

START_TEST(text_shows_what_it_does_not_know)
{
	char have[64];
	struct bx_text text;
	const char *volatile odd = "%q %5y %";	/* the compiler would warn of it */

	bx_text_init(&text, have, sizeof have);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
	bx_text_add(&text, odd);
#pragma GCC diagnostic pop
	ck_assert_str_eq(have, "%q %5y %");
	ck_assert(!text.cut);
}
END_TEST

START_TEST(text_tells_that_it_was_cut)
{
	char have[8];
	struct bx_text text;

	bx_text_init(&text, have, sizeof have);
	bx_text_add(&text, "1234567");
	ck_assert(!text.cut);
	bx_text_add(&text, "8");
	ck_assert(text.cut);
	bx_text_add(&text, "%999999999d", 1);
	ck_assert_str_eq(have, "1234567");
	ck_assert_uint_eq(text.length, 7);
}
END_TEST

/* ---- bytes ---------------------------------------------------------------------------------- */

/* Every length and every overlap in a small array, against the C library. */
START_TEST(bytes_are_moved_like_memmove)
{
	uint8_t have[48], want[48];

	for (size_t length = 0; length <= 20; length++)
		for (size_t from = 0; from <= 24; from++)
			for (size_t to = 0; to <= 24; to++) {
				for (size_t i = 0; i < sizeof have; i++)
					have[i] = want[i] = (uint8_t)(i * 7 + 1);
				copy_any(have + to, have + from, length);
				memmove(want + to, want + from, length);
				if (memcmp(have, want, sizeof have) != 0)
					ck_abort_msg("%zu bytes from %zu to %zu", length, from, to);
			}
}
END_TEST

START_TEST(bytes_are_filled_and_compared)
{
	uint8_t have[40], want[40], other[40];

	for (size_t length = 0; length <= 32; length++)
		for (int value = -1; value <= 256; value += 43) {
			memset(have, 0x5a, sizeof have);
			memset(want, 0x5a, sizeof want);
			fill(have + 3, value, length);
			memset(want + 3, value, length);
			ck_assert_mem_eq(have, want, sizeof have);
		}
	memset(have, 0x80, sizeof have);
	for (size_t i = 0; i < sizeof have; i++)
		for (unsigned v = 0; v <= 0xff; v++) {
			int got, is;

			memcpy(other, have, sizeof other);
			other[i] = (uint8_t)v;
			got = compare(have, other, sizeof have);
			is = memcmp(have, other, sizeof have);
			ck_assert_int_eq((got > 0) - (got < 0), (is > 0) - (is < 0));
			ck_assert_int_eq(compare(have, other, i), 0);
		}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("libsys");
	TCase *tc = tcase_create("pure");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, launch_block_is_checked);
	tcase_add_test(tc, capabilities_are_found_by_whole_name);
	tcase_add_test(tc, clock_scales_exactly);
	tcase_add_test(tc, text_is_as_printf_has_it);
	tcase_add_test(tc, text_shows_what_it_does_not_know);
	tcase_add_test(tc, text_tells_that_it_was_cut);
	tcase_add_test(tc, bytes_are_moved_like_memmove);
	tcase_add_test(tc, bytes_are_filled_and_compared);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
