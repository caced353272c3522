/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * shell.c -- reads lines from the console and runs them.
 *
 * Capabilities: console (write, grant-reply; its badge allows input), spawn (endpoint of spawnd; write,
 * grant-reply; its badge allows control and power), audit (read), ready (notification, write).  What is
 * missing is missed only by the commands that need it.
 */
#include "shell.h"
#include "spawn-client.h"

#define PROMPT		"brainix> "
#define WRITE_US	10000000u
#define BOOTED_US	30000000u
#define RETRY_US	100000u
#define PAUSE_US	50000u		/* within a line that comes at once there is none */
#define FAILURES_MAX	100u		/* of the console, one after the other: ten seconds */

/* ---- output --------------------------------------------------------------------------------- */

void
shell_flush(struct shell *shell)
{
	bx_err_ignore(bx_console_write(shell->console, bx_sys_deadline_in_us(shell->sys, WRITE_US),
	    shell->out_bytes, shell->out.length));
	bx_text_init(&shell->out, shell->out_bytes, sizeof shell->out_bytes);
}

void
shell_print(struct shell *shell, const char *format, ...)
{
	va_list list;

	if (shell->out.capacity - shell->out.length < SHELL_LINE_ROOM)
		shell_flush(shell);
	va_start(list, format);
	bx_text_add_list(&shell->out, format, list);
	va_end(list);
}

void
shell_complain(struct shell *shell, const char *name, enum bx_err err)
{
	shell_print(shell, "%s: %s\n", name, bx_err_text(err));
}

const char *
shell_program_name(const struct shell *shell, uint32_t program)
{
	if (program == BX_SLOT_NONE)
		return "kernel";
	return program < shell->program_count ? shell->programs[program] : "?";
}

/* ---- start ---------------------------------------------------------------------------------- */

static uint32_t
slot_named(const struct shell *shell, const char *name)
{
	uint32_t slot;

	return bx_sys_find(shell->sys->launch, name, &slot) == BX_OK ? slot : BX_SLOT_NONE;
}

/* Names of all programs, which the manifest has fixed. */
static void
programs_read(struct shell *shell, const struct bx_info_system *system)
{
	struct bx_info_program info;

	while (shell->program_count < system->program_count &&
	    shell->program_count < SHELL_PROGRAMS_MAX) {
		if (bx_sys_inspect(shell->audit, BX_INSPECT_PROGRAM, shell->program_count, 0, &info,
		    sizeof info) != BX_OK)
			info.name[0] = '\0';
		__builtin_memcpy(shell->programs[shell->program_count++], info.name, BX_NAME_MAX);
	}
}

/* Whether another shell was here before, since boot. */
static bool
started_again(const struct shell *shell)
{
	struct bx_info_program info;

	return shell->audit != BX_SLOT_NONE && bx_sys_inspect(shell->audit, BX_INSPECT_PROGRAM,
	    shell->sys->launch->program, 0, &info, sizeof info) == BX_OK && info.starts > 1;
}

/* Ready; then waits until boot is complete, so that the prompt is the last thing on the screen. */
static void
start(struct shell *shell)
{
	struct bx_info_system system;
	uint32_t ready = slot_named(shell, "ready");

	if (ready != BX_SLOT_NONE)
		bx_err_ignore(bx_sys_signal(ready));
	if (shell->spawn != BX_SLOT_NONE)
		bx_err_ignore(bx_if_spawn_booted(shell->spawn,
		    bx_sys_deadline_in_us(shell->sys, BOOTED_US)));
	if (shell->audit == BX_SLOT_NONE ||
	    bx_sys_inspect(shell->audit, BX_INSPECT_SYSTEM, 0, 0, &system, sizeof system) != BX_OK)
		return;
	programs_read(shell, &system);
	shell_print(shell, "BraiNIX %s, system \"%s\".  Type help for the commands.\n", system.version,
	    system.system_name);
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* What may stand where the cursor is: a command, or a program after a command that takes one. */
static uint32_t
candidates(const struct shell *shell, const char *names[SHELL_PROGRAMS_MAX])
{
	char line[EDITOR_LINE_MAX + 1];
	uint32_t start = editor_word_start(&shell->editor), count = 0;
	struct words words;

	__builtin_memcpy(line, shell->editor.line, start);
	line[start] = '\0';
	if (words_split(line, &words) != BX_OK || words.count > 1)
		return 0;
	if (words.count == 0) {
		while (shell_commands[count].name != NULL) {
			names[count] = shell_commands[count].name;
			count++;
		}
	} else if (words_equal(words.word[0], "run") || words_equal(words.word[0], "kill") ||
	    words_equal(words.word[0], "stop") || words_equal(words.word[0], "status") ||
	    words_equal(words.word[0], "caps") ||
	    words_equal(words.word[0], "state") || words_equal(words.word[0], "hash")) {
		while (count < shell->program_count) {
			names[count] = shell->programs[count];
			count++;
		}
	}
	return count;
}

static void
complete(struct shell *shell)
{
	const char *names[SHELL_PROGRAMS_MAX];
	uint32_t count = candidates(shell, names);

	if (!editor_complete(&shell->editor, names, count, &shell->out))
		return;
	shell_print(shell, "\n");
	for (uint32_t i = 0; i < count; i++)
		if (editor_fits(&shell->editor, names[i]))
			shell_print(shell, "%s  ", names[i]);
	shell_print(shell, "\n");
	editor_redraw(&shell->editor, &shell->out);
}

static void
key(struct shell *shell, uint8_t byte)
{
	char line[EDITOR_LINE_MAX + 1], whole[EDITOR_LINE_MAX + 1];

	if (shell->out.capacity - shell->out.length < 2 * EDITOR_OUT_MIN)
		shell_flush(shell);
	switch (editor_key(&shell->editor, byte, &shell->out)) {
	case EDITOR_NOTHING:
		break;
	case EDITOR_COMPLETE:
		complete(shell);
		break;
	case EDITOR_CUT:
		shell_print(shell, "The line has more than %u bytes: nothing of it was run.\n",
		    EDITOR_LINE_MAX);
		editor_begin(&shell->editor, &shell->out);
		break;
	case EDITOR_LINE:
		__builtin_memcpy(line, shell->editor.line, shell->editor.length + 1);
		__builtin_memcpy(whole, shell->editor.line, shell->editor.length + 1);
		shell_flush(shell);
		shell_run_line(shell, line, whole);
		shell_flush(shell);
		editor_begin(&shell->editor, &shell->out);
		break;
	}
}

/* What comes from here on begins a line. */
static void
begin(struct shell *shell)
{
	shell->unbegun = false;
	editor_begin(&shell->editor, &shell->out);
}

/* What has been typed.  The rest of a line whose beginning went to another shell is no line: it is thrown away,
 * up to its end, or to a pause, and only then is there a prompt. */
static void
keys(struct shell *shell, const uint8_t *bytes, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++) {
		if (!shell->unbegun)
			key(shell, bytes[i]);
		else if (bytes[i] == '\r' || bytes[i] == '\n')
			begin(shell);
	}
}

static uint64_t
keys_deadline(const struct shell *shell)
{
	return shell->unbegun ? bx_sys_deadline_in_us(shell->sys, PAUSE_US) : bx_sys_deadline_far();
}

int
bx_main(const struct bx_sys *sys)
{
	struct shell shell = { .sys = sys };
	uint8_t bytes[BX_CONSOLE_READ_MAX];
	uint32_t length = 0, failures = 0;
	bool interrupt = false;
	enum bx_err err;

	shell.console = slot_named(&shell, "console");
	shell.spawn = slot_named(&shell, "spawn");
	shell.audit = slot_named(&shell, "audit");
	if (shell.console == BX_SLOT_NONE)
		return 1;
	bx_text_init(&shell.out, shell.out_bytes, sizeof shell.out_bytes);
	editor_init(&shell.editor, PROMPT);
	start(&shell);
	shell.unbegun = started_again(&shell);
	if (!shell.unbegun)
		begin(&shell);
	while (failures < FAILURES_MAX) {
		shell_flush(&shell);
		err = bx_console_read(shell.console, keys_deadline(&shell), bytes, &length, &interrupt);
		if (err == BX_ERR_TIMEOUT && shell.unbegun) {
			begin(&shell);
			continue;
		}
		if (err != BX_OK) {
			failures += err != BX_ERR_TIMEOUT;
			bx_sys_sleep(bx_sys_deadline_in_us(sys, RETRY_US));
			continue;
		}
		failures = 0;
		if (interrupt) {
			shell.unbegun = false;
			editor_interrupt(&shell.editor, &shell.out);
		}
		keys(&shell, bytes, length);
	}
	return 2;
}
