/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * editor.c -- the line editor.  See editor.h.
 *
 * After every key the terminal shows prompt and line (or the part of it around the cursor), with
 * the terminal's cursor where ours is.  One function, refresh, makes that true; typing at the end
 * of a line that fits takes a shortcut.
 */
#include "editor.h"

#define KEY_CTRL(letter)	((letter) & 0x1f)
#define KEY_CANCEL		0x18		/* also what a terminal says that has lost input */
#define KEY_ESCAPE		0x1b
#define KEY_DELETE		0x7f
#define BELL			"\a"

/* Columns for the line.  Behind it is room for "^C", and one stays free at the right, where terminals
 * differ in wrapping. */
static uint32_t
columns(const struct editor *editor)
{
	return EDITOR_COLUMNS - editor->prompt_length - 3;
}

/* Moves the window so that the cursor is in it, then draws everything. */
static void
refresh(struct editor *editor, struct bx_text *out)
{
	uint32_t shown;

	if (editor->cursor < editor->first)
		editor->first = editor->cursor;
	if (editor->cursor > editor->first + columns(editor))
		editor->first = editor->cursor - columns(editor);
	if (editor->length <= columns(editor))
		editor->first = 0;
	shown = editor->length - editor->first;
	if (shown > columns(editor))
		shown = columns(editor);
	bx_text_add(out, "\r%s", editor->prompt);
	bx_text_add_bytes(out, editor->line + editor->first, shown);
	bx_text_add(out, "\x1b[K\r\x1b[%uC",
	    editor->prompt_length + editor->cursor - editor->first);
}

void
editor_init(struct editor *editor, const char *prompt)
{
	*editor = (struct editor){ .prompt = prompt };
	while (prompt[editor->prompt_length] != '\0')
		editor->prompt_length++;
	BX_ASSERT(editor->prompt_length > 0);
	BX_ASSERT(editor->prompt_length < EDITOR_COLUMNS / 2);
}

static void
clear(struct editor *editor)
{
	editor->length = 0;
	editor->cursor = 0;
	editor->first = 0;
	editor->line[0] = '\0';
	editor->history_back = 0;
	editor->escape = ESCAPE_NONE;
	editor->tab_again = false;
	editor->cut = false;
}

void
editor_begin(struct editor *editor, struct bx_text *out)
{
	clear(editor);
	refresh(editor, out);
}

void
editor_redraw(struct editor *editor, struct bx_text *out)
{
	refresh(editor, out);
}

void
editor_interrupt(struct editor *editor, struct bx_text *out)
{
	if (editor->cursor != editor->length) {
		editor->cursor = editor->length;
		refresh(editor, out);
	}
	bx_text_add(out, "^C\n");
	editor_begin(editor, out);
}

/* ---- changing the line ---------------------------------------------------------------------- */

/* Puts `count` bytes in at the cursor.  Returns false when they do not fit. */
static bool
insert(struct editor *editor, const char *bytes, uint32_t count)
{
	if (count > EDITOR_LINE_MAX - editor->length)
		return false;
	__builtin_memmove(editor->line + editor->cursor + count, editor->line + editor->cursor,
	    editor->length - editor->cursor + 1);
	__builtin_memcpy(editor->line + editor->cursor, bytes, count);
	editor->length += count;
	editor->cursor += count;
	return true;
}

/* Takes out [from, to), which the cursor is at an end of or in. */
static void
cut(struct editor *editor, uint32_t from, uint32_t to)
{
	__builtin_memmove(editor->line + from, editor->line + to, editor->length - to + 1);
	editor->length -= to - from;
	editor->cursor = from;
}

static void
type(struct editor *editor, char c, struct bx_text *out)
{
	bool at_end = editor->cursor == editor->length;

	if (!insert(editor, &c, 1)) {
		editor->cut = true;
		bx_text_add(out, BELL);
	} else if (at_end && editor->length <= columns(editor)) {
		bx_text_add_bytes(out, &c, 1);
	} else {
		refresh(editor, out);
	}
}

uint32_t
editor_word_start(const struct editor *editor)
{
	uint32_t start = editor->cursor;

	while (start > 0 && editor->line[start - 1] != ' ')
		start--;
	return start;
}

static void
cut_word(struct editor *editor)
{
	uint32_t end = editor->cursor;

	while (editor->cursor > 0 && editor->line[editor->cursor - 1] == ' ')
		editor->cursor--;
	cut(editor, editor_word_start(editor), end);
}

/* ---- history -------------------------------------------------------------------------------- */

static char *
history_line(struct editor *editor, uint32_t back)
{
	return editor->history[(editor->history_count - back) % EDITOR_HISTORY_MAX];
}

static bool
same_text(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static void
copy_text(char *to, const char *from)
{
	while ((*to++ = *from++) != '\0')
		;
}

static void
history_add(struct editor *editor)
{
	if (editor->length == 0)
		return;
	if (editor->history_count > 0 && same_text(history_line(editor, 1), editor->line))
		return;
	copy_text(editor->history[editor->history_count++ % EDITOR_HISTORY_MAX], editor->line);
}

/* Shows the line `back` lines ago; 0 is the one being typed. */
static void
history_show(struct editor *editor, uint32_t back, struct bx_text *out)
{
	uint32_t oldest = editor->history_count < EDITOR_HISTORY_MAX ? editor->history_count :
	    EDITOR_HISTORY_MAX;

	if (back > oldest) {
		bx_text_add(out, BELL);
		return;
	}
	if (editor->history_back == 0) {
		copy_text(editor->kept, editor->line);
		editor->kept_cut = editor->cut;
	}
	editor->history_back = back;
	editor->cut = back == 0 && editor->kept_cut;
	copy_text(editor->line, back == 0 ? editor->kept : history_line(editor, back));
	for (editor->length = 0; editor->line[editor->length] != '\0'; editor->length++)
		;
	editor->cursor = editor->length;
	refresh(editor, out);
}

/* ---- keys ----------------------------------------------------------------------------------- */

static void
move(struct editor *editor, uint32_t cursor, struct bx_text *out)
{
	editor->cursor = cursor;
	refresh(editor, out);
}

static void
key_left(struct editor *editor, struct bx_text *out)
{
	if (editor->cursor > 0)
		move(editor, editor->cursor - 1, out);
}

static void
key_right(struct editor *editor, struct bx_text *out)
{
	if (editor->cursor < editor->length)
		move(editor, editor->cursor + 1, out);
}

static void
key_up(struct editor *editor, struct bx_text *out)
{
	history_show(editor, editor->history_back + 1, out);
}

static void
key_down(struct editor *editor, struct bx_text *out)
{
	if (editor->history_back > 0)
		history_show(editor, editor->history_back - 1, out);
}

static void
key_delete(struct editor *editor, struct bx_text *out)
{
	if (editor->cursor == editor->length)
		return;
	cut(editor, editor->cursor, editor->cursor + 1);
	refresh(editor, out);
}

static void
key_backspace(struct editor *editor, struct bx_text *out)
{
	if (editor->cursor == 0)
		return;
	cut(editor, editor->cursor - 1, editor->cursor);
	refresh(editor, out);
}

/* The last byte of a control sequence (ECMA-48, 5.4; the keys as terminals send them). */
static void
sequence_end(struct editor *editor, uint8_t final, struct bx_text *out)
{
	switch (final) {
	case 'A':
		key_up(editor, out);
		break;
	case 'B':
		key_down(editor, out);
		break;
	case 'C':
		key_right(editor, out);
		break;
	case 'D':
		key_left(editor, out);
		break;
	case 'H':
		move(editor, 0, out);
		break;
	case 'F':
		move(editor, editor->length, out);
		break;
	case '~':
		if (editor->parameter == 1 || editor->parameter == 7)
			move(editor, 0, out);
		else if (editor->parameter == 4 || editor->parameter == 8)
			move(editor, editor->length, out);
		else if (editor->parameter == 3)
			key_delete(editor, out);
		break;
	}
}

static void
escape_key(struct editor *editor, uint8_t key, struct bx_text *out)
{
	switch (editor->escape) {
	case ESCAPE_NONE:
	case ESCAPE_START:
		editor->parameter = 0;
		editor->escape = key == '[' ? ESCAPE_CSI : key == 'O' ? ESCAPE_SS3 : ESCAPE_NONE;
		return;
	case ESCAPE_SS3:
		editor->escape = ESCAPE_NONE;
		sequence_end(editor, key, out);
		return;
	case ESCAPE_CSI:
		if (key >= '0' && key <= '9' && editor->parameter < 1000)
			editor->parameter = editor->parameter * 10 + (key - '0');
		if (key >= 0x20 && key < 0x40)
			return;				/* parameters and intermediates go on */
		editor->escape = ESCAPE_NONE;
		if (key >= 0x40 && key < 0x7f)
			sequence_end(editor, key, out);
		return;
	}
}

static enum editor_event
enter(struct editor *editor, struct bx_text *out)
{
	if (editor->cursor != editor->length)
		move(editor, editor->length, out);
	bx_text_add(out, "\n");
	if (editor->cut)
		return EDITOR_CUT;
	history_add(editor);
	return EDITOR_LINE;
}

static enum editor_event
control_key(struct editor *editor, uint8_t key, struct bx_text *out)
{
	switch (key) {
	case '\r':
		editor->after_return = true;
		return enter(editor, out);
	case '\n':
		return enter(editor, out);
	case '\t':
		return EDITOR_COMPLETE;
	case KEY_ESCAPE:
		editor->escape = ESCAPE_START;
		break;
	case '\b':
	case KEY_DELETE:
		key_backspace(editor, out);
		break;
	case KEY_CTRL('A'):
		move(editor, 0, out);
		break;
	case KEY_CTRL('B'):
		key_left(editor, out);
		break;
	case KEY_CTRL('D'):
		key_delete(editor, out);
		break;
	case KEY_CTRL('E'):
		move(editor, editor->length, out);
		break;
	case KEY_CTRL('F'):
		key_right(editor, out);
		break;
	case KEY_CTRL('K'):
		editor->length = editor->cursor;
		editor->line[editor->length] = '\0';
		refresh(editor, out);
		break;
	case KEY_CTRL('L'):
		bx_text_add(out, "\x1b[H\x1b[2J");
		refresh(editor, out);
		break;
	case KEY_CTRL('N'):
		key_down(editor, out);
		break;
	case KEY_CTRL('P'):
		key_up(editor, out);
		break;
	case KEY_CTRL('U'):
		cut(editor, 0, editor->cursor);
		refresh(editor, out);
		break;
	case KEY_CTRL('W'):
		cut_word(editor);
		refresh(editor, out);
		break;
	default:
		bx_text_add(out, BELL);
		break;
	}
	return EDITOR_NOTHING;
}

enum editor_event
editor_key(struct editor *editor, uint8_t key, struct bx_text *out)
{
	bool after_return = editor->after_return;

	editor->after_return = false;
	if (key != '\t')
		editor->tab_again = false;
	if (key == KEY_CANCEL) {
		editor_begin(editor, out);
		return EDITOR_NOTHING;
	}
	if (editor->escape != ESCAPE_NONE) {
		escape_key(editor, key, out);
		return EDITOR_NOTHING;
	}
	if (key == '\n' && after_return)
		return EDITOR_NOTHING;
	if (key < 0x20 || key >= 0x7f)
		return control_key(editor, key, out);
	type(editor, (char)key, out);
	return EDITOR_NOTHING;
}

/* ---- completion ----------------------------------------------------------------------------- */

bool
editor_fits(const struct editor *editor, const char *name)
{
	uint32_t start = editor_word_start(editor);

	for (uint32_t i = 0; i < editor->cursor - start; i++)
		if (name[i] == '\0' || name[i] != editor->line[start + i])
			return false;
	return true;
}

/* How many bytes `a` and `b` have in common, at most `most`. */
static uint32_t
common(const char *a, const char *b, uint32_t most)
{
	uint32_t n = 0;

	while (n < most && a[n] != '\0' && a[n] == b[n])
		n++;
	return n;
}

bool
editor_complete(struct editor *editor, const char *const *names, uint32_t count,
    struct bx_text *out)
{
	uint32_t typed = editor->cursor - editor_word_start(editor);
	uint32_t fitting = 0, length = EDITOR_LINE_MAX;
	const char *found = "";
	bool again = editor->tab_again;

	for (uint32_t i = 0; i < count; i++) {
		if (!editor_fits(editor, names[i]))
			continue;
		length = common(names[i], fitting == 0 ? names[i] : found, length);
		found = names[i];
		fitting++;
	}
	editor->tab_again = false;
	if (fitting == 0) {
		bx_text_add(out, BELL);
		return false;
	}
	if (fitting == 1 || length > typed) {
		if (!insert(editor, found + typed, length - typed) ||
		    (fitting == 1 && !insert(editor, " ", 1)))
			bx_text_add(out, BELL);
		refresh(editor, out);
		return false;
	}
	if (again)
		return true;
	editor->tab_again = true;
	bx_text_add(out, BELL);
	return false;
}
