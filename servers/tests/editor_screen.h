/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * editor_screen.h -- one row of a terminal, for the tests of the line editor.  It understands
 * exactly what the editor sends; anything else is a failure.
 */
#ifndef BRAINIX_EDITOR_SCREEN_H
#define BRAINIX_EDITOR_SCREEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../shell/editor.h"

struct screen {
	char row[EDITOR_COLUMNS + 1];		/* spaces where nothing was written */
	uint32_t column, bells, rows;
};

_Noreturn void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "%s: %s\n", where, what);
	abort();
}

static inline void
screen_fail(const char *what)
{
	fprintf(stderr, "screen: %s\n", what);
	abort();
}

static inline void
screen_row(struct screen *screen)
{
	memset(screen->row, ' ', EDITOR_COLUMNS);
	screen->row[EDITOR_COLUMNS] = '\0';
	screen->column = 0;
}

static inline void
screen_put(struct screen *screen, const struct bx_text *out)
{
	if (out->cut)
		screen_fail("one key needed more than EDITOR_OUT_MIN");
	for (size_t i = 0; i < out->length; i++) {
		char c = out->bytes[i];
		uint32_t n = 0;

		if (c == '\r') {
			screen->column = 0;
		} else if (c == '\n') {
			screen->rows++;
			screen_row(screen);
		} else if (c == '\a') {
			screen->bells++;
		} else if (c != '\x1b') {
			if ((unsigned char)c < 0x20 || (unsigned char)c > 0x7e)
				screen_fail("an unprintable byte");
			if (screen->column >= EDITOR_COLUMNS - 1)
				screen_fail("past the last column but one");
			screen->row[screen->column++] = c;
		} else {
			if (out->bytes[++i] != '[')
				screen_fail("no control sequence");
			for (i++; out->bytes[i] >= '0' && out->bytes[i] <= '9'; i++)
				n = n * 10 + (uint32_t)(out->bytes[i] - '0');
			if (out->bytes[i] == 'C')
				screen->column += n;
			else if (out->bytes[i] == 'K' && n == 0)
				memset(screen->row + screen->column, ' ',
				    EDITOR_COLUMNS - screen->column);
			else if (out->bytes[i] == 'H' || (out->bytes[i] == 'J' && n == 2))
				screen_row(screen);
			else
				screen_fail("an unknown control sequence");
			if (screen->column >= EDITOR_COLUMNS)
				screen_fail("moved off the screen");
		}
	}
}

/* Whether the row is prompt and line, as much of it as fits, with the cursor in its place. */
static inline bool
screen_shows(const struct screen *screen, const struct editor *editor)
{
	uint32_t room = EDITOR_COLUMNS - editor->prompt_length - 3;
	char want[EDITOR_COLUMNS + 1];
	uint32_t n = 0;

	if (editor->length > EDITOR_LINE_MAX || editor->cursor > editor->length ||
	    strlen(editor->line) != editor->length || editor->first > editor->cursor)
		return false;
	if (editor->length <= room && editor->first != 0)
		return false;
	memset(want, ' ', EDITOR_COLUMNS);
	want[EDITOR_COLUMNS] = '\0';
	memcpy(want, editor->prompt, editor->prompt_length);
	for (uint32_t i = editor->first; i < editor->length && n < room; i++)
		want[editor->prompt_length + n++] = editor->line[i];
	return strcmp(want, screen->row) == 0 &&
	    screen->column == editor->prompt_length + editor->cursor - editor->first;
}

static inline void
screen_begin(struct screen *screen, struct editor *editor)
{
	char bytes[EDITOR_OUT_MIN + 1];
	struct bx_text out;

	screen_row(screen);
	screen->bells = 0;
	bx_text_init(&out, bytes, sizeof bytes);
	editor_begin(editor, &out);
	screen_put(screen, &out);
}

static inline void
screen_interrupt(struct screen *screen, struct editor *editor)
{
	char bytes[EDITOR_OUT_MIN + 1];
	struct bx_text out;

	bx_text_init(&out, bytes, sizeof bytes);
	editor_interrupt(editor, &out);
	screen_put(screen, &out);
}

static inline enum editor_event
screen_key(struct screen *screen, struct editor *editor, uint8_t key)
{
	char bytes[EDITOR_OUT_MIN + 1];
	struct bx_text out;
	enum editor_event event;

	bx_text_init(&out, bytes, sizeof bytes);
	event = editor_key(editor, key, &out);
	screen_put(screen, &out);
	return event;
}

#endif
