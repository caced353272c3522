/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_editor.c -- the shell's line editor against a small terminal, and what people type.
 */
#include <check.h>

#include "../../tests/unit/suite.h"
#include "editor_screen.h"

static struct editor editor;
static struct screen screen;

static enum editor_event
key(uint8_t k)
{
	return screen_key(&screen, &editor, k);
}

static enum editor_event
keys(const char *text)
{
	enum editor_event event = EDITOR_NOTHING;

	while (*text != '\0')
		event = key((uint8_t)*text++);
	return event;
}

static void
ck_line(const char *line, uint32_t cursor)
{
	ck_assert_str_eq(editor.line, line);
	ck_assert_uint_eq(editor.cursor, cursor);
	ck_assert_msg(screen_shows(&screen, &editor), "the screen shows \"%s\", cursor %u",
	    screen.row, screen.column);
}

static void
setup(void)
{
	editor_init(&editor, "brainix> ");
	screen_begin(&screen, &editor);
}

/* Presses Enter and begins the next line. */
static void
ck_enter(const char *line)
{
	ck_assert_int_eq(key('\r'), EDITOR_LINE);
	ck_assert_str_eq(editor.line, line);
	screen_begin(&screen, &editor);
}

START_TEST(typing_and_moving)
{
	ck_line("", 0);
	keys("helo");
	ck_line("helo", 4);
	keys("\x1b[D");
	ck_line("helo", 3);
	keys("l");
	ck_line("hello", 4);
	keys("\x1b[H");
	ck_line("hello", 0);
	keys("\x1b[D\x1b[C");
	ck_line("hello", 1);
	keys("\x1b[F\x1b[C");
	ck_line("hello", 5);
	keys("\x1bOH");
	ck_line("hello", 0);
	keys("\x1bOF");
	ck_line("hello", 5);
	keys("\x1b[1~");
	ck_line("hello", 0);
	keys("\x1b[4~");
	ck_line("hello", 5);
	keys("\x01");
	ck_line("hello", 0);
	keys("\x05\x02\x02\x06");
	ck_line("hello", 4);
	ck_enter("hello");
	ck_line("", 0);
}
END_TEST

START_TEST(deleting)
{
	keys("abc def ghi");
	keys("\x7f");
	ck_line("abc def gh", 10);
	keys("\b");
	ck_line("abc def g", 9);
	keys("\x1b[H\x1b[3~");
	ck_line("bc def g", 0);
	keys("\x7f");
	ck_line("bc def g", 0);
	keys("\x04");
	ck_line("c def g", 0);
	keys("\x05\x1b[3~\x04");
	ck_line("c def g", 7);
	keys("\x17");
	ck_line("c def ", 6);
	keys("\x17");
	ck_line("c ", 2);
	keys("xyz\x1b[D\x15");
	ck_line("z", 0);
	keys("\x05qrs\x02\x02\x0b");
	ck_line("zq", 2);
	keys("\x15\x17\x0b");
	ck_line("", 0);
}
END_TEST

START_TEST(history)
{
	keys("\x1b[A");
	ck_line("", 0);
	keys("one");
	ck_enter("one");
	keys("two");
	ck_enter("two");
	keys("two");
	ck_enter("two");				/* not kept twice */
	ck_enter("");					/* not kept */
	keys("dra\x1b[A");
	ck_line("two", 3);
	keys("\x1b[A");
	ck_line("one", 3);
	keys("\x1b[A");
	ck_line("one", 3);
	keys("\x1b[B\x1b[B");
	ck_line("dra", 3);
	keys("\x1b[B");
	ck_line("dra", 3);
	keys("\x10\x10!");
	ck_line("one!", 4);
	ck_enter("one!");
	keys("\x10\x10\x10");
	ck_line("one", 3);
	keys("\x0e");
	ck_line("two", 3);
}
END_TEST

START_TEST(history_keeps_the_last_lines)
{
	char line[16];

	for (int i = 0; i < 40; i++) {
		snprintf(line, sizeof line, "n%d", i);
		keys(line);
		ck_enter(line);
	}
	for (int i = 0; i < 16; i++)
		keys("\x1b[A");
	ck_line("n24", 3);
	keys("\x1b[A");
	ck_line("n24", 3);
}
END_TEST

START_TEST(long_lines_scroll_and_end)
{
	char line[EDITOR_LINE_MAX + 1];

	for (uint32_t i = 0; i < EDITOR_LINE_MAX; i++) {
		line[i] = (char)('a' + i % 26);
		line[i + 1] = '\0';
		key((uint8_t)line[i]);
		ck_line(line, i + 1);
	}
	key('!');
	ck_line(line, EDITOR_LINE_MAX);
	ck_assert_uint_eq(screen.bells, 1);
	for (uint32_t i = EDITOR_LINE_MAX; i-- > 0; ) {
		keys("\x1b[D");
		ck_line(line, i);
	}
	keys("\x1b[F");
	ck_line(line, EDITOR_LINE_MAX);
}
END_TEST

/* Types a line of one byte more than there is room for. */
static void
type_too_much(void)
{
	for (uint32_t i = 0; i <= EDITOR_LINE_MAX; i++)
		key('w');
	ck_assert_uint_eq(screen.bells, 1);
}

/* What is left of a line is not run, however it was changed since, and is not in the history. */
START_TEST(a_line_that_was_cut_is_none)
{
	keys("before");
	ck_enter("before");
	for (int i = 0; i < 2; i++) {
		type_too_much();
		if (i == 1)
			keys("\x7f\x7f\x01\x0b" "ps");
		ck_assert_int_eq(key('\r'), EDITOR_CUT);
		screen_begin(&screen, &editor);
		ck_line("", 0);
	}
	keys("\x1b[A");
	ck_line("before", 6);
	ck_enter("before");
}
END_TEST

/* History shows other lines, which are whole; the one that was typed is still cut. */
START_TEST(history_keeps_that_a_line_was_cut)
{
	keys("before");
	ck_enter("before");
	type_too_much();
	keys("\x1b[A");
	ck_enter("before");
	type_too_much();
	keys("\x1b[A\x1b[B");
	ck_assert_int_eq(key('\r'), EDITOR_CUT);
	screen_begin(&screen, &editor);
	keys("\x1b[A");			/* one of the history that grows too long */
	for (uint32_t i = 6; i <= EDITOR_LINE_MAX; i++)
		key('w');
	ck_assert_int_eq(key('\r'), EDITOR_CUT);
}
END_TEST

START_TEST(a_line_after_one_that_was_cut_is_whole)
{
	static const char ends[] = { '\r', 0x18 };

	for (size_t i = 0; i < sizeof ends; i++) {
		type_too_much();
		key((uint8_t)ends[i]);
		screen_begin(&screen, &editor);
		keys("ps");
		ck_enter("ps");
	}
	type_too_much();
	screen_interrupt(&screen, &editor);
	keys("ps");
	ck_enter("ps");
}
END_TEST

START_TEST(newlines_of_every_kind)
{
	keys("a");
	ck_assert_int_eq(key('\r'), EDITOR_LINE);
	screen_begin(&screen, &editor);
	ck_assert_int_eq(key('\n'), EDITOR_NOTHING);	/* of the pair */
	ck_assert_int_eq(key('\n'), EDITOR_LINE);
}
END_TEST

START_TEST(strange_keys_do_no_harm)
{
	keys("ab");
	keys("\x1b[99~\x1b[1;5C\x1b[?25h\x1bx\x1b[Z\x1bOq\x1b[ ~");
	ck_line("ab", 2);
	keys("\x1b[1;2H");
	ck_line("ab", 0);
	for (unsigned k = 0x80; k <= 0xff; k++)
		key((uint8_t)k);
	keys("\x07\x0f\x1f");
	ck_line("ab", 0);
	ck_assert_uint_eq(screen.bells, 128 + 3);
}
END_TEST

START_TEST(interrupt_begins_again)
{
	keys("abc\x1b[");
	screen_interrupt(&screen, &editor);
	ck_line("", 0);
	keys("Dx");
	ck_line("Dx", 2);
}
END_TEST

START_TEST(cancel_gives_up_the_line)
{
	keys("one");
	ck_enter("one");
	keys("two\x18");
	ck_line("", 0);
	keys("\x1b[\x18" "Dx");		/* of an escape sequence, too */
	ck_line("Dx", 2);
	keys("\x1b[A\x1b[B");
	ck_line("Dx", 2);
	keys("\x1b[A");
	ck_line("one", 3);
}
END_TEST

START_TEST(completion)
{
	static const char *const names[] = { "help", "hello", "ps", "reboot" };
	char bytes[EDITOR_OUT_MIN + 1];
	struct bx_text out;

#define COMPLETE(expect) do { \
		ck_assert_int_eq(key('\t'), EDITOR_COMPLETE); \
		bx_text_init(&out, bytes, sizeof bytes); \
		ck_assert_int_eq(editor_complete(&editor, names, 4, &out), expect); \
		screen_put(&screen, &out); \
	} while (0)
	keys("r");
	COMPLETE(false);
	ck_line("reboot ", 7);
	keys("\x15h");
	COMPLETE(false);
	ck_line("hel", 3);
	COMPLETE(false);
	COMPLETE(true);
	keys("p");
	COMPLETE(false);
	ck_line("help ", 5);
	keys("x");
	COMPLETE(false);
	ck_line("help x", 6);
	keys("\x15ps one\x01\x06");
	COMPLETE(false);
	ck_line("ps s one", 3);
#undef COMPLETE
	ck_assert_uint_eq(editor_word_start(&editor), 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("shell editor");
	TCase *tc = tcase_create("editor");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, typing_and_moving);
	tcase_add_test(tc, deleting);
	tcase_add_test(tc, history);
	tcase_add_test(tc, history_keeps_the_last_lines);
	tcase_add_test(tc, long_lines_scroll_and_end);
	tcase_add_test(tc, a_line_that_was_cut_is_none);
	tcase_add_test(tc, history_keeps_that_a_line_was_cut);
	tcase_add_test(tc, a_line_after_one_that_was_cut_is_whole);
	tcase_add_test(tc, newlines_of_every_kind);
	tcase_add_test(tc, strange_keys_do_no_harm);
	tcase_add_test(tc, interrupt_begins_again);
	tcase_add_test(tc, cancel_gives_up_the_line);
	tcase_add_test(tc, completion);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
