/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_ipc.c -- libipc against SPEC.md and its contract.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <brainix/ipc.h>

#include "../../tests/unit/suite.h"

#define HEAD	BX_IPC_LABEL(0x1234, 7, 3)

static struct bx_ipc_message message;
static struct bx_ipc_writer writer;
static struct bx_ipc_reader reader;
static uint8_t string[256];

static void
begin(uint32_t capacity)
{
	memset(string, 0xee, sizeof string);
	bx_ipc_write_begin(&writer, &message, HEAD, string, capacity);
}

/* The layout of a label is written down in SPEC.md: here by number, not by macro. */
START_TEST(label_layout)
{
	ck_assert_uint_eq(HEAD, 0x12340703u);
	ck_assert_uint_eq(BX_IPC_WORD_KIND(0, BX_IPC_BOOL), 0x0000000300000000u);
	ck_assert_uint_eq(BX_IPC_WORD_KIND(5, BX_IPC_SIGNED), 0x0000080000000000u);
	ck_assert_uint_eq(bx_ipc_label_answer(0x0000000112340703u, BX_ERR_INVALID),
	    0xffff000012340703u);
	ck_assert_uint_eq(bx_ipc_label_protocol(HEAD), 0x1234);
	ck_assert_uint_eq(bx_ipc_label_version(HEAD), 7);
	ck_assert_uint_eq(bx_ipc_label_method(HEAD), 3);
}
END_TEST

/* Every 16-bit number: an error comes out as itself, anything else as BX_ERR_FORMAT. */
START_TEST(label_error_is_one_of_ours)
{
	unsigned known = 0;

	for (int n = INT16_MIN; n <= INT16_MAX; n++) {
		enum bx_err err = bx_ipc_label_error((uint64_t)(uint16_t)n << 48 | HEAD);

		if ((int)err == n) {
			ck_assert_str_ne(bx_err_name(err), "BX_ERR_?");
			known++;
		} else {
			ck_assert_int_eq(err, BX_ERR_FORMAT);
		}
	}
	ck_assert_uint_ge(known, 40);
}
END_TEST

START_TEST(scalars_go_through_words_then_string)
{
	uint8_t u8 = 0;
	uint16_t u16 = 0;
	uint32_t u32 = 0;
	uint64_t u64 = 0, more = 0;
	int64_t i64 = 0;
	bool truth = false, last = true;

	begin(sizeof string);
	bx_ipc_write_u8(&writer, 0xff);
	bx_ipc_write_u16(&writer, 0xffff);
	bx_ipc_write_u32(&writer, 0xffffffff);
	bx_ipc_write_u64(&writer, UINT64_MAX);
	bx_ipc_write_i64(&writer, INT64_MIN);
	bx_ipc_write_bool(&writer, true);
	bx_ipc_write_u64(&writer, 0x1122334455667788u);
	bx_ipc_write_bool(&writer, false);
	ck_assert_int_eq(bx_ipc_write_end(&writer), BX_OK);
	ck_assert_uint_eq(message.label, HEAD | 0x00000e5500000000u);
	ck_assert_uint_eq(message.word[4], 0x8000000000000000u);
	ck_assert_uint_eq(message.string_length, 18);
	ck_assert_mem_eq(string, "\1\x88\x77\x66\x55\x44\x33\x22\x11\3\0\0\0\0\0\0\0\0", 18);
	ck_assert_uint_eq(string[18], 0xee);

	bx_ipc_read_begin(&reader, &message, HEAD);
	bx_ipc_read_u8(&reader, &u8);
	bx_ipc_read_u16(&reader, &u16);
	bx_ipc_read_u32(&reader, &u32);
	bx_ipc_read_u64(&reader, &u64);
	bx_ipc_read_i64(&reader, &i64);
	bx_ipc_read_bool(&reader, &truth);
	bx_ipc_read_u64(&reader, &more);
	bx_ipc_read_bool(&reader, &last);
	ck_assert_int_eq(bx_ipc_read_end(&reader), BX_OK);
	ck_assert_uint_eq(u8, 0xff);
	ck_assert_uint_eq(u16, 0xffff);
	ck_assert_uint_eq(u32, 0xffffffff);
	ck_assert_uint_eq(u64, UINT64_MAX);
	ck_assert_int_eq(i64, INT64_MIN);
	ck_assert(truth && !last);
	ck_assert_uint_eq(more, 0x1122334455667788u);
}
END_TEST

START_TEST(runs_point_into_the_string)
{
	const uint8_t *bytes = NULL;
	const char *text = NULL;
	uint32_t bytes_length = 9, text_length = 9, slot = 9, empty = 9;

	begin(sizeof string);
	bx_ipc_write_text(&writer, "h\xc3\xa9!", 4);
	bx_ipc_write_cap(&writer, 5);
	bx_ipc_write_bytes(&writer, "\0\xff", 2);
	bx_ipc_write_bytes(&writer, NULL, 0);
	ck_assert_int_eq(bx_ipc_write_end(&writer), BX_OK);
	ck_assert_uint_eq(message.label, HEAD);
	ck_assert_uint_eq(message.string_length, 21);
	ck_assert_mem_eq(string, "\5\4\0\0\0h\xc3\xa9!\4\2\0\0\0\0\xff\4\0\0\0\0", 21);

	bx_ipc_read_begin(&reader, &message, HEAD);
	bx_ipc_read_text(&reader, 4, &text, &text_length);
	bx_ipc_read_bytes(&reader, 2, &bytes, &bytes_length);
	ck_assert_ptr_eq(text, string + 5);
	ck_assert_ptr_eq(bytes, string + 14);
	bx_ipc_read_bytes(&reader, 0, &bytes, &empty);
	bx_ipc_read_cap(&reader, &slot);
	ck_assert_int_eq(bx_ipc_read_end(&reader), BX_OK);
	ck_assert_uint_eq(text_length, 4);
	ck_assert_uint_eq(bytes_length, 2);
	ck_assert_uint_eq(empty, 0);
	ck_assert_uint_eq(slot, 5);
}
END_TEST

/* IPC-FMT-2: every capacity from nothing to enough; what does not fit leaves an empty message, and
 * no byte past the capacity is touched. */
START_TEST(fmt2_writer_stays_inside)
{
	for (uint32_t capacity = 0; capacity <= 40; capacity++) {
		enum bx_err err;

		begin(capacity);
		for (int i = 0; i < 7; i++)
			bx_ipc_write_u64(&writer, 1);		/* 9 bytes */
		bx_ipc_write_bytes(&writer, "abcdef", 6);	/* 11 bytes */
		bx_ipc_write_text(&writer, "abcdef", 6);	/* 11 bytes */
		err = bx_ipc_write_end(&writer);
		ck_assert_int_eq(err, capacity < 31 ? BX_ERR_OVERFLOW : BX_OK);
		for (size_t i = capacity; i < sizeof string; i++)
			ck_assert_uint_eq(string[i], 0xee);
		if (err == BX_OK)
			continue;
		ck_assert_uint_eq(message.label, HEAD);
		ck_assert_uint_eq(message.string_length, 0);
		for (int i = 0; i < BX_IPC_WORDS; i++)
			ck_assert_uint_eq(message.word[i], 0);
	}
	begin(sizeof string);
	bx_ipc_write_bytes(&writer, string, UINT32_MAX);
	ck_assert_int_eq(bx_ipc_write_end(&writer), BX_ERR_OVERFLOW);
	begin(sizeof string);
	bx_ipc_write_bytes(&writer, string, UINT32_MAX - 4);
	ck_assert_int_eq(bx_ipc_write_end(&writer), BX_ERR_OVERFLOW);
}
END_TEST

START_TEST(writer_keeps_the_first_error)
{
	begin(sizeof string);
	bx_ipc_write_text(&writer, "\xc3", 1);
	bx_ipc_write_bytes(&writer, string, 65000);
	bx_ipc_write_cap(&writer, 1);
	bx_ipc_write_u8(&writer, 1);
	ck_assert_int_eq(bx_ipc_write_end(&writer), BX_ERR_FORMAT);
	ck_assert_uint_eq(message.cap_slot, BX_SLOT_NONE);
	begin(0);
	bx_ipc_write_cap(&writer, 1);
	bx_ipc_write_cap(&writer, 2);
	ck_assert_int_eq(bx_ipc_write_end(&writer), BX_ERR_EXISTS);
	ck_assert_uint_eq(message.cap_slot, BX_SLOT_NONE);
}
END_TEST

START_TEST(head_must_match)
{
	static const struct {
		uint64_t label;
		enum bx_err answer, request;
	} cases[] = {
		{ HEAD, BX_OK, BX_OK },
		{ BX_IPC_LABEL(0x1235, 7, 3), BX_ERR_FORMAT, BX_ERR_FORMAT },
		{ BX_IPC_LABEL(0x1235, 8, 4), BX_ERR_FORMAT, BX_ERR_FORMAT },
		{ BX_IPC_LABEL(0x1234, 8, 4), BX_ERR_VERSION, BX_ERR_VERSION },
		{ BX_IPC_LABEL(0x1234, 7, 4), BX_ERR_NOT_FOUND, BX_ERR_NOT_FOUND },
		{ HEAD | 1ull << 44, BX_ERR_FORMAT, BX_ERR_FORMAT },
		{ HEAD | 1ull << 47, BX_ERR_FORMAT, BX_ERR_FORMAT },
		{ HEAD | 0xfff4ull << 48, BX_ERR_TIMEOUT, BX_ERR_FORMAT },
		{ HEAD | 1ull << 48, BX_ERR_FORMAT, BX_ERR_FORMAT },
		{ HEAD | 1ull << 32, BX_ERR_MSG_EXTRA, BX_ERR_MSG_EXTRA },
	};

	for (size_t i = 0; i < BX_ARRAY_COUNT(cases); i++) {
		message = (struct bx_ipc_message){ .label = cases[i].label,
		    .cap_slot = BX_SLOT_NONE };
		bx_ipc_read_begin(&reader, &message, HEAD);
		ck_assert_int_eq(bx_ipc_read_end(&reader), cases[i].answer);
		bx_ipc_read_request(&reader, &message, HEAD);
		ck_assert_int_eq(bx_ipc_read_end(&reader), cases[i].request);
	}
}
END_TEST

/* Reads one field of the kind and width `what` into a poisoned place; returns whether it was
 * written. */
static bool
read_poisoned(int what)
{
	uint8_t u8 = 0xaa;
	uint16_t u16 = 0xaaaa;
	uint32_t u32 = 0xaaaa;
	uint64_t u64 = 0xaaaa;
	int64_t i64 = 0xaaaa;
	bool truth[2] = { false, true };
	const uint8_t *bytes = string;
	const char *text = (const char *)string;
	uint32_t length = 0xaaaa;

	switch (what) {
	case 0: bx_ipc_read_u8(&reader, &u8); return u8 != 0xaa;
	case 1: bx_ipc_read_u16(&reader, &u16); return u16 != 0xaaaa;
	case 2: bx_ipc_read_u32(&reader, &u32); return u32 != 0xaaaa;
	case 3: bx_ipc_read_u64(&reader, &u64); return u64 != 0xaaaa;
	case 4: bx_ipc_read_i64(&reader, &i64); return i64 != 0xaaaa;
	case 5: bx_ipc_read_bool(&reader, &truth[0]); return truth[0];
	case 6: bx_ipc_read_bytes(&reader, 8, &bytes, &length);
		return bytes != string || length != 0xaaaa;
	default: bx_ipc_read_text(&reader, 8, &text, &length);
		return text != (const char *)string || length != 0xaaaa;
	}
}

static void
write_kind(int what)
{
	switch (what) {
	case 0: case 1: case 2: case 3: bx_ipc_write_u8(&writer, 1); break;
	case 4: bx_ipc_write_i64(&writer, 1); break;
	case 5: bx_ipc_write_bool(&writer, true); break;
	case 6: bx_ipc_write_bytes(&writer, "x", 1); break;
	default: bx_ipc_write_text(&writer, "x", 1); break;
	}
}

/* IPC-FMT-1, every kind written against every kind read, in a word (_i = 0) and in the string. */
START_TEST(fmt1_types_must_match)
{
	static const int class_of[8] = { 0, 0, 0, 0, 1, 2, 3, 4 };

	for (int w = 0; w < 8; w++)
		for (int r = 0; r < 8; r++) {
			uint8_t ignored;

			begin(sizeof string);
			for (int i = 0; i < (_i ? 6 : 0); i++)
				bx_ipc_write_u8(&writer, 0);
			write_kind(w);
			ck_assert_int_eq(bx_ipc_write_end(&writer), BX_OK);
			bx_ipc_read_begin(&reader, &message, HEAD);
			for (int i = 0; i < (_i ? 6 : 0); i++)
				bx_ipc_read_u8(&reader, &ignored);
			if (class_of[w] == class_of[r]) {
				ck_assert(read_poisoned(r));
				ck_assert_int_eq(bx_ipc_read_end(&reader), BX_OK);
				continue;
			}
			ck_assert(!read_poisoned(r));
			ck_assert_int_ne(bx_ipc_read_end(&reader), BX_OK);
			if (_i)
				ck_assert_int_eq(bx_ipc_read_end(&reader), BX_ERR_MSG_TYPE);
			ck_assert(!read_poisoned(w));		/* the error stays */
		}
}
END_TEST

START_TEST(numbers_must_fit)
{
	static const uint64_t greatest[] = { UINT8_MAX, UINT16_MAX, UINT32_MAX };

	for (int what = 0; what < 3; what++)
		for (uint64_t over = 0; over < 2; over++) {
			begin(0);
			bx_ipc_write_u64(&writer, greatest[what] + over);
			ck_assert_int_eq(bx_ipc_write_end(&writer), BX_OK);
			bx_ipc_read_begin(&reader, &message, HEAD);
			ck_assert_int_eq(read_poisoned(what), over == 0);
			ck_assert_int_eq(bx_ipc_read_end(&reader), over ? BX_ERR_RANGE : BX_OK);
		}
	begin(0);
	bx_ipc_write_bool(&writer, true);
	ck_assert_int_eq(bx_ipc_write_end(&writer), BX_OK);
	message.word[0] = 2;
	bx_ipc_read_begin(&reader, &message, HEAD);
	ck_assert(!read_poisoned(5));
	ck_assert_int_eq(bx_ipc_read_end(&reader), BX_ERR_FORMAT);
}
END_TEST

/* IPC-FMT-1: a message cut at every length is refused, and one byte more is, too. */
START_TEST(fmt1_every_cut_is_refused)
{
	uint32_t whole;

	begin(sizeof string);
	for (int i = 0; i < 7; i++)
		bx_ipc_write_u8(&writer, 1);
	bx_ipc_write_bytes(&writer, "abcd", 4);
	bx_ipc_write_text(&writer, "abcd", 4);
	ck_assert_int_eq(bx_ipc_write_end(&writer), BX_OK);
	whole = message.string_length;
	for (uint32_t length = 0; length <= whole + 3; length++) {
		uint8_t *exact = malloc(length ? length : 1);	/* for the sanitizer to watch */
		const uint8_t *bytes;
		const char *text;
		uint32_t n;
		uint8_t u8;

		memcpy(exact, string, length);
		message.string = exact;
		message.string_length = length;
		bx_ipc_read_begin(&reader, &message, HEAD);
		for (int i = 0; i < 7; i++)
			bx_ipc_read_u8(&reader, &u8);
		bx_ipc_read_bytes(&reader, 4, &bytes, &n);
		bx_ipc_read_text(&reader, 4, &text, &n);
		ck_assert_int_eq(bx_ipc_read_end(&reader), length < whole ? BX_ERR_TRUNCATED :
		    length > whole ? BX_ERR_MSG_EXTRA : BX_OK);
		free(exact);
	}
}
END_TEST

START_TEST(runs_are_bounded_by_the_reader)
{
	begin(sizeof string);
	bx_ipc_write_bytes(&writer, "123456789", 9);
	ck_assert_int_eq(bx_ipc_write_end(&writer), BX_OK);
	bx_ipc_read_begin(&reader, &message, HEAD);
	ck_assert(!read_poisoned(6));
	ck_assert_int_eq(bx_ipc_read_end(&reader), BX_ERR_MSG_TOO_LONG);
	for (uint32_t length = 10; length != 0; length = length << 3 | 7) {
		bx_put_le32(string + 1, length);		/* it lies */
		bx_ipc_read_begin(&reader, &message, HEAD);
		ck_assert(!read_poisoned(6));
		ck_assert_int_eq(bx_ipc_read_end(&reader), BX_ERR_TRUNCATED);
		if (length == UINT32_MAX)
			break;
	}
}
END_TEST

START_TEST(unknown_kinds_are_refused)
{
	for (unsigned kind = 0; kind <= 0xff; kind++) {
		begin(sizeof string);
		bx_ipc_write_bytes(&writer, "12345678", 8);
		ck_assert_int_eq(bx_ipc_write_end(&writer), BX_OK);
		string[0] = (uint8_t)kind;
		bx_ipc_read_begin(&reader, &message, HEAD);
		ck_assert_int_eq(read_poisoned(6), kind == BX_IPC_BYTES);
		ck_assert_int_eq(bx_ipc_read_end(&reader), kind == BX_IPC_BYTES ? BX_OK :
		    kind == 0 || kind > BX_IPC_TEXT ? BX_ERR_FORMAT : BX_ERR_MSG_TYPE);
	}
}
END_TEST

/* IPC-FMT-3: nothing travels that no field announces. */
START_TEST(fmt3_extras_are_refused)
{
	uint32_t slot = 0xaaaa;

	for (int i = 0; i < BX_IPC_WORDS; i++) {
		begin(0);
		message.word[i] = 1;
		bx_ipc_read_begin(&reader, &message, HEAD);
		ck_assert_int_eq(bx_ipc_read_end(&reader), BX_ERR_MSG_EXTRA);
		message.word[i] = 0;
		message.label |= BX_IPC_WORD_KIND(i, BX_IPC_UNSIGNED);
		bx_ipc_read_begin(&reader, &message, HEAD);
		ck_assert_int_eq(bx_ipc_read_end(&reader), BX_ERR_MSG_EXTRA);
	}
	begin(0);
	bx_ipc_read_begin(&reader, &message, HEAD);
	bx_ipc_read_cap(&reader, &slot);
	ck_assert_int_eq(bx_ipc_read_end(&reader), BX_ERR_TRUNCATED);
	ck_assert_uint_eq(slot, 0xaaaa);
	message.cap_slot = 4;
	bx_ipc_read_begin(&reader, &message, HEAD);
	ck_assert_int_eq(bx_ipc_read_end(&reader), BX_ERR_MSG_EXTRA);
	bx_ipc_read_cap(&reader, &slot);
	ck_assert_int_eq(bx_ipc_read_end(&reader), BX_OK);
	bx_ipc_read_cap(&reader, &slot);
	ck_assert_int_eq(bx_ipc_read_end(&reader), BX_ERR_TRUNCATED);
}
END_TEST

/* UTF-8 by another way: decode arithmetically, encode again, compare. */
static bool
utf8_by_encoding(const uint8_t *t, size_t n)
{
	while (n > 0) {
		uint32_t lead = t[0], size, code;
		uint8_t again[4];

		size = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
		if (size == 0 || size > n)
			return false;
		code = size == 1 ? lead : lead & (0x7fu >> size);
		for (uint32_t i = 1; i < size; i++)
			code = code << 6 | (t[i] & 0x3fu);
		if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
			return false;
		if (size != (code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4))
			return false;
		for (uint32_t i = size; i-- > 1; code >>= 6)
			again[i] = (uint8_t)(0x80 | (code & 0x3f));
		again[0] = (uint8_t)(size == 1 ? code : (0xf00u >> size & 0xff) | code);
		if (memcmp(again, t, size) != 0)
			return false;
		t += size;
		n -= size;
	}
	return true;
}

/* All sequences of one to three bytes, and of four with a first byte of F0..FF, sampled. */
START_TEST(text_is_utf8)
{
	uint8_t t[4];

	for (uint32_t v = 0; v < 1u << 24; v++) {
		t[0] = (uint8_t)(v >> 16);
		t[1] = (uint8_t)(v >> 8);
		t[2] = (uint8_t)v;
		if (bx_ipc_text_valid(t, 3) != utf8_by_encoding(t, 3))
			ck_abort_msg("%02x %02x %02x", t[0], t[1], t[2]);
		t[3] = (uint8_t)(0x80 | (v * 2654435761u >> 26));
		t[0] = (uint8_t)(0xf0 | t[0]);
		if (bx_ipc_text_valid(t, 4) != utf8_by_encoding(t, 4))
			ck_abort_msg("%02x %02x %02x %02x", t[0], t[1], t[2], t[3]);
	}
	for (uint32_t v = 0; v < 1u << 16; v++) {
		t[0] = (uint8_t)(v >> 8);
		t[1] = (uint8_t)v;
		if (bx_ipc_text_valid(t, 2) != utf8_by_encoding(t, 2) ||
		    bx_ipc_text_valid(t, 1) != utf8_by_encoding(t, 1))
			ck_abort_msg("%02x %02x", t[0], t[1]);
	}
	ck_assert(bx_ipc_text_valid(t, 0));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("libipc");
	TCase *tc = tcase_create("format");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, label_layout);
	tcase_add_test(tc, label_error_is_one_of_ours);
	tcase_add_test(tc, scalars_go_through_words_then_string);
	tcase_add_test(tc, runs_point_into_the_string);
	tcase_add_test(tc, fmt2_writer_stays_inside);
	tcase_add_test(tc, writer_keeps_the_first_error);
	tcase_add_test(tc, head_must_match);
	tcase_add_loop_test(tc, fmt1_types_must_match, 0, 2);
	tcase_add_test(tc, numbers_must_fit);
	tcase_add_test(tc, fmt1_every_cut_is_refused);
	tcase_add_test(tc, runs_are_bounded_by_the_reader);
	tcase_add_test(tc, unknown_kinds_are_refused);
	tcase_add_test(tc, fmt3_extras_are_refused);
	tcase_add_test(tc, text_is_utf8);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
