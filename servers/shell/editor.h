/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * editor.h -- a line editor as a state machine: bytes typed go in, bytes for the terminal come out.
 * Pure: no system call, no clock.  Terminal: ECMA-48 (CSI sequences), at least EDITOR_COLUMNS wide.
 *
 *	editor_init, then for each line: editor_begin, editor_key for each byte until it returns
 *	EDITOR_LINE; the line is then in editor.line, and editor_begin starts the next.  After EDITOR_CUT
 *	there is no line: it had more than EDITOR_LINE_MAX bytes, and what is left of it is not what was typed.
 *
 * Keys: arrows, Home, End, Delete, Backspace, Tab, Enter; Ctrl-A E B F P N to move, Ctrl-D delete,
 * Ctrl-K U W cut to the end, to the start, a word back; Ctrl-X gives up the line; Ctrl-L clears the screen.
 */
#ifndef BRAINIX_SHELL_EDITOR_H
#define BRAINIX_SHELL_EDITOR_H

#include <brainix/sys.h>

#define EDITOR_LINE_MAX		200u	/* bytes, without NUL */
#define EDITOR_HISTORY_MAX	16u	/* lines */
#define EDITOR_COLUMNS		80u
#define EDITOR_OUT_MIN		256u	/* room that one key can need in its output */

enum editor_event {
	EDITOR_NOTHING = 0,
	EDITOR_LINE,			/* Enter: a line is complete */
	EDITOR_CUT,			/* Enter: a line is not, bytes of it found no room */
	EDITOR_COMPLETE			/* Tab: call editor_complete with what could stand here */
};

enum editor_escape {
	ESCAPE_NONE,			/* -> START on ESC */
	ESCAPE_START,			/* -> CSI on '[', -> SS3 on 'O', else -> NONE */
	ESCAPE_CSI,			/* -> NONE on a final byte, 40..7E; ECMA-48, 5.4 */
	ESCAPE_SS3			/* -> NONE on any byte */
};

/* Movable.  The prompt is the caller's and outlives it. */
struct editor {
	const char *prompt;
	uint32_t prompt_length;
	uint32_t length, cursor;	/* cursor: 0..length */
	uint32_t first;			/* leftmost byte of the line that is shown */
	uint32_t history_count;		/* lines ever put in; the last EDITOR_HISTORY_MAX are there */
	uint32_t history_back;		/* 0: the new line; n: the n-th last line is shown */
	uint32_t parameter;		/* of a CSI sequence */
	enum editor_escape escape;
	bool after_return;		/* the newline of a return-newline pair is not another Enter */
	bool tab_again;			/* the last key was a Tab that could not go on */
	bool cut, kept_cut;		/* bytes typed into `line`, into `kept`, found no room */
	char line[EDITOR_LINE_MAX + 1];		/* NUL-terminated */
	char kept[EDITOR_LINE_MAX + 1];		/* the new line, while history is shown */
	char history[EDITOR_HISTORY_MAX][EDITOR_LINE_MAX + 1];
};

/* `prompt`: plain ASCII, shorter than EDITOR_COLUMNS / 2. */
void editor_init(struct editor *editor, const char *prompt);

/* Begins an empty line: shows the prompt. */
void editor_begin(struct editor *editor, struct bx_text *out);

/* One byte was typed.  `out` has room for EDITOR_OUT_MIN bytes. */
enum editor_event editor_key(struct editor *editor, uint8_t key, struct bx_text *out);

/* Shows prompt and line again, on a fresh terminal line. */
void editor_redraw(struct editor *editor, struct bx_text *out);

/* Gives up the line: Ctrl-C. */
void editor_interrupt(struct editor *editor, struct bx_text *out);

/* Where the word before the cursor begins. */
uint32_t editor_word_start(const struct editor *editor);

/* Completes the word before the cursor from `names` (count of them, NUL-terminated): the rest of the
 * only one that fits and a space, or as much as all that fit have in common.
 * Returns true when that changes nothing, several fit, and it is the second time: show them. */
bool editor_complete(struct editor *editor, const char *const *names, uint32_t count,
    struct bx_text *out);

/* Whether `name` begins with the word before the cursor. */
bool editor_fits(const struct editor *editor, const char *name);

#endif
