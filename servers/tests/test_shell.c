/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_shell.c -- the shell's pure parts besides the editor, and the console's queues.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <brainix/cap.h>

#include "../../tests/unit/suite.h"
#include "../consoled/terminal.h"
#include "../shell/names.h"
#include "../shell/words.h"

START_TEST(lines_are_split_at_spaces)
{
	char line[] = "  run  hello   a b ";
	char many[64] = "";
	struct words words;

	ck_assert_int_eq(words_split(line, &words), BX_OK);
	ck_assert_uint_eq(words.count, 4);
	ck_assert_str_eq(words.word[0], "run");
	ck_assert_str_eq(words.word[1], "hello");
	ck_assert_str_eq(words.word[3], "b");
	ck_assert_uint_eq(words.offset[1], 7);
	line[0] = '\0';
	ck_assert_int_eq(words_split(line, &words), BX_OK);
	ck_assert_uint_eq(words.count, 0);
	for (uint32_t i = 0; i < WORDS_MAX; i++)
		strcat(many, "x ");
	ck_assert_int_eq(words_split(many, &words), BX_OK);
	ck_assert_uint_eq(words.count, WORDS_MAX);
	many[0] = '\0';
	for (uint32_t i = 0; i <= WORDS_MAX; i++)
		strcat(many, "x ");
	ck_assert_int_eq(words_split(many, &words), BX_ERR_OVERFLOW);
}
END_TEST

START_TEST(numbers_are_whole_words)
{
	static const char *const wrong[] = { "", "-1", "+1", "1x", " 1", "0x10", "1.0" };
	uint64_t number = 77;

	for (size_t i = 0; i < BX_ARRAY_COUNT(wrong); i++)
		ck_assert_int_eq(words_number(wrong[i], &number), BX_ERR_FORMAT);
	ck_assert_int_eq(words_number("18446744073709551616", &number), BX_ERR_OVERFLOW);
	ck_assert_int_eq(words_number("99999999999999999999", &number), BX_ERR_OVERFLOW);
	ck_assert_uint_eq(number, 77);
	ck_assert_int_eq(words_number("18446744073709551615", &number), BX_OK);
	ck_assert_uint_eq(number, UINT64_MAX);
	ck_assert_int_eq(words_number("007", &number), BX_OK);
	ck_assert_uint_eq(number, 7);
}
END_TEST

static const char *
text_of(void (*add)(struct bx_text *, uint64_t), uint64_t value)
{
	static char bytes[64];
	struct bx_text text;

	bx_text_init(&text, bytes, sizeof bytes);
	add(&text, value);
	return bytes;
}

START_TEST(numbers_for_people)
{
	ck_assert_str_eq(text_of(words_add_duration, 0), "00:00:00.000");
	ck_assert_str_eq(text_of(words_add_duration, 3723004999), "01:02:03.004");
	ck_assert_str_eq(text_of(words_add_duration, 86400000000u * 3 + 1000), "3 d 00:00:00.001");
	ck_assert_str_eq(text_of(words_add_size, 0), "0 B");
	ck_assert_str_eq(text_of(words_add_size, 1023), "1023 B");
	ck_assert_str_eq(text_of(words_add_size, 1024), "1.0 KiB");
	ck_assert_str_eq(text_of(words_add_size, 1536 * 1024), "1.5 MiB");
	ck_assert_str_eq(text_of(words_add_size, UINT64_MAX), "15.9 EiB");
}
END_TEST

/* Every number of the interface has a name; no other has one. */
START_TEST(names_are_complete)
{
	char rights[NAME_RIGHTS_SIZE];

	for (uint32_t i = 0; i < BX_CAP_TYPE_COUNT; i++)
		ck_assert_str_ne(name_of_cap_type(i), "?");
	ck_assert_str_eq(name_of_cap_type(BX_CAP_TYPE_COUNT), "?");
	ck_assert_str_eq(name_of_cap_type(UINT32_MAX), "?");
	for (uint32_t i = 0; i <= BX_PROGRAM_ENDING; i++)
		ck_assert_str_ne(name_of_program_state(i), "?");
	for (uint32_t i = BX_FAULT_PAGE; i <= BX_FAULT_FPU; i++)
		ck_assert_str_ne(name_of_fault(i), "?");
	ck_assert_str_eq(name_of_fault(0), "?");
	for (uint32_t i = BX_AUDIT_BOOT; i < BX_AUDIT_KINDS; i++)
		ck_assert_str_ne(name_of_audit_kind(i), "?");
	ck_assert_str_eq(name_of_system_call(BX_SYS_POWER), "power");
	ck_assert_str_eq(name_of_system_call(BX_SYS_COUNT), "?");
	ck_assert_str_eq(name_of_system_call(UINT64_MAX), "?");
	name_of_rights(BX_RIGHT_READ | BX_RIGHT_GRANT_REPLY, rights);
	ck_assert_str_eq(rights, "r--a-");
	name_of_rights(BX_RIGHT_ALL, rights);
	ck_assert_str_eq(rights, "rwgax");
	ck_assert_ptr_null(name_of_cpu_feature(9));
	ck_assert_str_eq(name_of_cpu_feature(8), "KPTI");
}
END_TEST

/* The queues with their indices just below the point where they wrap. */
static void
terminal_at(struct terminal *terminal, uint32_t index)
{
	terminal_init(terminal, false);
	terminal->out_head = terminal->out_tail = index;
	terminal->in_head = terminal->in_tail = index;
}

START_TEST(terminal_output_is_bounded_and_in_order)
{
	static struct terminal terminal;
	uint8_t byte, sent = 0;

	for (uint32_t start = UINT32_MAX - 5; start != 5; start++) {
		uint32_t total = 0;

		terminal_at(&terminal, start);
		sent = 0;
		for (;;) {
			uint8_t piece[3] = { (uint8_t)(0x80 | sent), (uint8_t)(0x80 | (sent + 1)),
			    (uint8_t)(0x80 | (sent + 2)) };
			uint32_t taken = terminal_write(&terminal, piece, 3);

			total += taken;
			sent = (uint8_t)(sent + taken);
			if (taken < 3)
				break;
		}
		ck_assert_uint_eq(total, TERMINAL_OUT_MAX);
		for (uint32_t i = 0; i < total; i++) {
			if (!terminal_out(&terminal, &byte) || byte != (0x80 | (i & 0xff)))
				ck_abort_msg("byte %u is %02x", i, byte);
		}
		ck_assert(terminal_out_empty(&terminal));
		ck_assert(!terminal_out(&terminal, &byte));
	}
}
END_TEST

START_TEST(terminal_newline_becomes_two)
{
	static struct terminal terminal;
	const char *want = "a\r\n\r\nb\r\r\n";
	uint8_t byte;

	terminal_init(&terminal, false);
	ck_assert_uint_eq(terminal_write(&terminal, (const uint8_t *)"a\n\nb\r\n", 6), 6);
	for (; *want != '\0'; want++) {
		ck_assert(terminal_out(&terminal, &byte));
		ck_assert_uint_eq(byte, (uint8_t)*want);
	}
	ck_assert(terminal_out_empty(&terminal));
}
END_TEST

START_TEST(terminal_input_is_bounded_and_interrupted)
{
	static struct terminal terminal;
	uint8_t bytes[TERMINAL_IN_MAX + 8];

	for (uint32_t start = UINT32_MAX - 5; start != 5; start++) {
		terminal_at(&terminal, start);
		for (uint32_t i = 0; i < TERMINAL_IN_MAX + 7; i++)
			terminal_in(&terminal, (uint8_t)(0x80 | i));
		ck_assert_uint_eq(terminal.in_lost, 8);		/* one place is the CANCEL's */
		ck_assert(terminal_out(&terminal, bytes));
		ck_assert_uint_eq(bytes[0], '\a');
		ck_assert(terminal_out_empty(&terminal));
		ck_assert_uint_eq(terminal_read(&terminal, bytes, 2), 2);
		ck_assert_uint_eq(bytes[1], 0x81);
		ck_assert_uint_eq(terminal_read(&terminal, bytes, sizeof bytes), TERMINAL_IN_MAX - 2);
		ck_assert_uint_eq(bytes[0], 0x82);
		ck_assert_uint_eq(bytes[TERMINAL_IN_MAX - 3], TERMINAL_CANCEL);
		ck_assert(terminal_in_empty(&terminal));
		terminal_in(&terminal, 'x');
		terminal_in(&terminal, TERMINAL_INTERRUPT);
		ck_assert(terminal.interrupt);
		ck_assert(terminal_in_empty(&terminal));
		terminal_in(&terminal, 'y');
		ck_assert_uint_eq(terminal_read(&terminal, bytes, 9), 1);
		ck_assert_uint_eq(bytes[0], 'y');
	}
}
END_TEST

/* A console that is started again: clients may have read half a line from the one before. */
START_TEST(terminal_begins_again_with_a_line)
{
	static struct terminal terminal;
	uint8_t bytes[8];

	terminal_init(&terminal, false);
	terminal_in(&terminal, 'x');
	ck_assert_uint_eq(terminal_read(&terminal, bytes, sizeof bytes), 1);

	for (int end = 0; end < 3; end++) {
		uint8_t from = 0;

		terminal_init(&terminal, true);
		ck_assert(!terminal_in_empty(&terminal));
		ck_assert(terminal_out_empty(&terminal));
		terminal_in(&terminal, 'x');
		ck_assert_uint_eq(terminal.in_lost, 1);
		if (end == 0)
			terminal_in(&terminal, '\r');
		else if (end == 1)
			terminal_in_pause(&terminal);
		else
			terminal_in(&terminal, TERMINAL_INTERRUPT);
		terminal_in(&terminal, 'y');
		terminal_in(&terminal, 'z');
		terminal_in_pause(&terminal);
		terminal_in(&terminal, '\r');
		ck_assert_uint_eq(terminal_read(&terminal, bytes, sizeof bytes), end == 2 ? 3 : 4);
		if (end != 2)
			ck_assert_uint_eq(bytes[from++], TERMINAL_CANCEL);
		ck_assert_int_eq(memcmp(bytes + from, "yz\r", 3), 0);
	}
}
END_TEST

/* What is lost later is lost up to the end of its line, whatever pauses there are. */
START_TEST(terminal_loss_outlives_a_pause)
{
	static struct terminal terminal;
	uint8_t bytes[8];

	for (int again = 0; again < 2; again++) {
		terminal_init(&terminal, again == 1);
		terminal_in_lost(&terminal);
		terminal_in_pause(&terminal);
		terminal_in(&terminal, 'x');
		terminal_in(&terminal, '\r');
		terminal_in(&terminal, 'y');
		ck_assert_uint_eq(terminal_read(&terminal, bytes, sizeof bytes), 2);
		ck_assert_uint_eq(bytes[0], TERMINAL_CANCEL);
		ck_assert_uint_eq(bytes[1], 'y');
	}
}
END_TEST

/* A reader of lines, as the editor is: those that it has had are whole, one after the other. */
struct lines {
	char line[64];
	uint32_t length, next, count;
};

static void
lines_take(struct lines *lines, const uint8_t *bytes, uint32_t count)
{
	char wanted[64];

	for (uint32_t i = 0; i < count; i++) {
		if (bytes[i] == TERMINAL_CANCEL) {
			lines->length = 0;
		} else if (bytes[i] != '\r') {
			ck_assert_uint_lt(lines->length, sizeof lines->line - 1);
			lines->line[lines->length++] = (char)bytes[i];
		} else {
			unsigned number;

			lines->line[lines->length] = '\0';
			lines->length = 0;
			ck_assert_int_eq(sscanf(lines->line, "line %u", &number), 1);
			snprintf(wanted, sizeof wanted, "line %u of many", number);
			ck_assert_str_eq(lines->line, wanted);
			ck_assert_uint_ge(number, lines->next);
			lines->next = number + 1;
			lines->count++;
		}
	}
}

/* Whatever the queue or the device loses, and whenever somebody reads: a line that comes out is one that
 * went in, never what is left of two. */
START_TEST(terminal_lines_are_whole_or_lost)
{
	static struct terminal terminal;
	struct lines lines = { .next = 0 };
	uint8_t bytes[TERMINAL_IN_MAX];
	char line[64];

	srand((unsigned)_i + 1);
	terminal_at(&terminal, UINT32_MAX - 1000);
	for (unsigned n = 0; n < 2000; n++) {
		int length = snprintf(line, sizeof line, "line %u of many\r", n);

		for (int i = 0; i < length; i++) {
			if (rand() % 5000 == 0) {
				terminal_in_lost(&terminal);	/* the device has lost the rest */
				if (rand() % 2 == 0)
					break;
			}
			terminal_in(&terminal, (uint8_t)line[i]);
			if (rand() % 200 == 0)
				lines_take(&lines, bytes, terminal_read(&terminal, bytes, (uint32_t)rand() % 200));
		}
	}
	lines_take(&lines, bytes, terminal_read(&terminal, bytes, sizeof bytes));
	ck_assert_uint_gt(lines.count, 200);
	ck_assert_uint_lt(lines.count, 2000);
	ck_assert_uint_gt(terminal.in_lost, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("shell and console");
	TCase *tc = tcase_create("pure");

	tcase_add_test(tc, lines_are_split_at_spaces);
	tcase_add_test(tc, numbers_are_whole_words);
	tcase_add_test(tc, numbers_for_people);
	tcase_add_test(tc, names_are_complete);
	tcase_add_test(tc, terminal_output_is_bounded_and_in_order);
	tcase_add_test(tc, terminal_newline_becomes_two);
	tcase_add_test(tc, terminal_input_is_bounded_and_interrupted);
	tcase_add_test(tc, terminal_begins_again_with_a_line);
	tcase_add_test(tc, terminal_loss_outlives_a_pause);
	tcase_add_loop_test(tc, terminal_lines_are_whole_or_lost, 0, 50);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
