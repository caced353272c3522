/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * shell.h -- the shell's state and what its files offer each other.
 *
 *	shell.c		start, input, lines, completion
 *	commands.c	the table of commands; those that act
 *	show.c		those that show the kernel's state
 *	log.c		the audit ring
 *	state.c		those that show it as authority(1) predicts it
 *	editor.c words.c names.c	pure
 */
#ifndef BRAINIX_SHELL_H
#define BRAINIX_SHELL_H

#include <brainix/console.h>

#include "editor.h"
#include "spawn-ipc.h"
#include "words.h"

#define SHELL_PROGRAMS_MAX	64u	/* that completion and names know */
#define SHELL_OUT_SIZE		1024u
#define SHELL_LINE_ROOM		256u	/* longest piece that is printed at once */

struct shell {
	const struct bx_sys *sys;
	uint32_t console, spawn, audit;		/* slots, or BX_SLOT_NONE */
	uint32_t program_count;
	bool unbegun;				/* what comes belongs to a line that a shell before us began */
	char programs[SHELL_PROGRAMS_MAX][BX_NAME_MAX];
	struct editor editor;
	struct bx_text out;
	char out_bytes[SHELL_OUT_SIZE];
};

struct command {
	const char *name;
	const char *arguments;			/* for people */
	const char *text;
	uint32_t least, most;			/* words after the name */
	void (*run)(struct shell *shell, const struct words *words, const char *line);
};

/* Adds to what goes to the console with the next flush. */
void shell_print(struct shell *shell, const char *format, ...) BX_PRINTF(2, 3);
void shell_flush(struct shell *shell);

/* One line: "NAME: text of the error". */
void shell_complain(struct shell *shell, const char *name, enum bx_err err);

/* The name of a program by its number, "kernel" for BX_SLOT_NONE. */
const char *shell_program_name(const struct shell *shell, uint32_t program);

/* Commands, ended by one without a name. */
extern const struct command shell_commands[];

/* Runs a line: `line` is taken apart, `whole` is the same line untouched. */
void shell_run_line(struct shell *shell, char *line, const char *whole);

/* As shell_complain, of a call to spawnd, which is never started again. */
void shell_spawn_complain(struct shell *shell, const char *name, enum bx_err err);

/* What spawnd says of a program.  As bx_if_spawn_status. */
BX_MUST_USE enum bx_err shell_status(struct shell *shell, const char *name,
    struct bx_if_spawn_status_answer *answer);

/* show.c */
void show_ps(struct shell *shell, const struct words *words, const char *line);
void show_status(struct shell *shell, const struct words *words, const char *line);
void show_threads(struct shell *shell, const struct words *words, const char *line);
void show_caps(struct shell *shell, const struct words *words, const char *line);
void show_state(struct shell *shell, const struct words *words, const char *line);
void show_hash(struct shell *shell, const struct words *words, const char *line);
void show_mem(struct shell *shell, const struct words *words, const char *line);
void show_ipc(struct shell *shell, const struct words *words, const char *line);
void show_uptime(struct shell *shell, const struct words *words, const char *line);
void show_log(struct shell *shell, const struct words *words, const char *line);

#endif
