/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * commands.c -- the table of the shell's commands, and those that act.
 */
#include "init-client.h"
#include "names.h"
#include "shell.h"

#define RUN_WAIT_US	20000u		/* at most, between two looks at a program that runs */
#define KILL_WAIT_US	1000000u	/* at most, until it has been taken apart */
#define POWER_WAIT_US	5000000u

static void
help(struct shell *shell, const struct words *words, const char *line)
{
	(void)words;
	(void)line;
	for (const struct command *command = shell_commands; command->name != NULL; command++)
		shell_print(shell, "  %-9s %-18s %s\n", command->name, command->arguments,
		    command->text);
}

static void
echo(struct shell *shell, const struct words *words, const char *line)
{
	shell_print(shell, "%s\n", words->count > 1 ? line + words->offset[1] : "");
}

/* The number of the program that this shell may start, by name. */
static enum bx_err
program_find(struct shell *shell, const char *name, uint32_t *number)
{
	struct bx_info_program info;

	for (uint32_t i = 0; i < SHELL_PROGRAMS_MAX; i++)
		if (bx_sys_program_info(shell->spawn, i, &info) == BX_OK &&
		    words_equal(info.name, name)) {
			*number = i;
			return BX_OK;
		}
	return BX_ERR_NOT_FOUND;
}

static void
not_found_tell(struct shell *shell, const char *name)
{
	shell_print(shell, "%s: no program that this shell may start\n", name);
}

/* How a program ended, in one line; nothing when all went well. */
static void
end_tell(struct shell *shell, const struct bx_info_program *info)
{
	switch (info->state) {
	case BX_PROGRAM_EXITED:
		if (info->exit_code != 0)
			shell_print(shell, "%s: exit code %d\n", info->name, info->exit_code);
		break;
	case BX_PROGRAM_KILLED:
		shell_print(shell, "%s: killed\n", info->name);
		break;
	case BX_PROGRAM_FAULTED:
		shell_print(shell, "%s: %s at 0x%lx, instruction 0x%lx\n", info->name,
		    name_of_fault(info->fault_kind), info->fault_address, info->fault_instruction);
		break;
	default:
		shell_print(shell, "%s: %s\n", info->name, name_of_program_state(info->state));
		break;
	}
}

/* Until the program has ended; Ctrl-C ends it. */
static void
run_wait(struct shell *shell, uint32_t number)
{
	struct bx_info_program info;
	uint32_t wait_us = 500;
	enum bx_err err;

	for (;;) {
		uint64_t deadline = bx_sys_deadline_in_us(shell->sys, wait_us);

		wait_us = wait_us < RUN_WAIT_US / 2 ? 2 * wait_us : RUN_WAIT_US;
		err = bx_sys_program_info(shell->spawn, number, &info);
		if (err != BX_OK) {
			shell_complain(shell, "run", err);
			return;
		}
		if (info.state != BX_PROGRAM_RUNNING && info.state != BX_PROGRAM_ENDING)
			break;
		err = bx_console_interrupt(shell->console, deadline);
		if (err == BX_OK) {
			shell_print(shell, "^C\n");
			err = bx_sys_kill(shell->spawn, number);
			if (err != BX_OK && err != BX_ERR_STATE)
				shell_complain(shell, info.name, err);
		} else if (err != BX_ERR_TIMEOUT) {
			bx_sys_sleep(deadline);
		}
	}
	end_tell(shell, &info);
}

static void
run(struct shell *shell, const struct words *words, const char *line)
{
	bool wait = !words_equal(words->word[words->count - 1], "&");
	const char *argument = "";
	uint32_t number, length = 0;
	enum bx_err err = program_find(shell, words->word[1], &number);

	if (words->count > 2)
		argument = line + words->offset[2];
	while (argument[length] != '\0')
		length++;
	if (!wait && words->count > 2) {
		length = words->offset[words->count - 1] - words->offset[2];
		while (length > 0 && argument[length - 1] == ' ')
			length--;
	}
	if (err == BX_OK)
		err = bx_sys_spawn(shell->spawn, number, argument, length);
	if (err == BX_ERR_NOT_FOUND)
		not_found_tell(shell, words->word[1]);
	else if (err == BX_ERR_STATE)
		shell_print(shell, "%s: it runs already\n", words->word[1]);
	else if (err != BX_OK)
		shell_complain(shell, words->word[1], err);
	else if (wait)
		run_wait(shell, number);
}

/* Its memory and capabilities are given back in steps: waits, a while, until they are. */
static void
kill_wait(struct shell *shell, uint32_t number)
{
	uint64_t end = bx_sys_deadline_in_us(shell->sys, KILL_WAIT_US);
	struct bx_info_program info;

	while (bx_sys_program_info(shell->spawn, number, &info) == BX_OK &&
	    info.state == BX_PROGRAM_ENDING && bx_sys_now() < end)
		bx_sys_sleep(bx_sys_deadline_in_us(shell->sys, 500));
}

static void
kill(struct shell *shell, const struct words *words, const char *line)
{
	uint32_t number;
	enum bx_err err = program_find(shell, words->word[1], &number);

	(void)line;
	if (err == BX_OK)
		err = bx_sys_kill(shell->spawn, number);
	if (err == BX_ERR_NOT_FOUND)
		not_found_tell(shell, words->word[1]);
	else if (err == BX_ERR_STATE)
		shell_print(shell, "%s: it does not run\n", words->word[1]);
	else if (err != BX_OK)
		shell_complain(shell, words->word[1], err);
	else
		kill_wait(shell, number);
}

/* The machine obeys within the time, or it does not: `err` is what init answered. */
static void
power_wait(struct shell *shell, const char *name, uint64_t deadline, enum bx_err err)
{
	if (err == BX_OK)
		bx_sys_sleep(deadline);
	shell_complain(shell, name, err == BX_OK ? BX_ERR_TIMEOUT : err);
}

static void
reboot(struct shell *shell, const struct words *words, const char *line)
{
	uint64_t deadline = bx_sys_deadline_in_us(shell->sys, POWER_WAIT_US);

	(void)line;
	shell_flush(shell);
	power_wait(shell, words->word[0], deadline, bx_if_init_reboot(shell->init, deadline));
}

static void
shutdown(struct shell *shell, const struct words *words, const char *line)
{
	uint64_t deadline = bx_sys_deadline_in_us(shell->sys, POWER_WAIT_US);

	(void)line;
	shell_flush(shell);
	power_wait(shell, words->word[0], deadline, bx_if_init_shutdown(shell->init, deadline));
}

const struct command shell_commands[] = {
	{ "help", "", "what can be typed here", 0, 0, help },
	{ "ps", "", "programs, their state, and what they use", 0, 0, show_ps },
	{ "threads", "", "threads: whose time they run on, and how much there is", 0, 0, show_threads },
	{ "caps", "[PROGRAM]", "capabilities: who may do what", 0, 1, show_caps },
	{ "state", "[PROGRAM]", "the same, in the words of authority --state", 0, 1, show_state },
	{ "hash", "[PROGRAM]", "digest of that, taken at the launch", 0, 1, show_hash },
	{ "mem", "", "frames of memory, and the kernel's pools", 0, 0, show_mem },
	{ "ipc", "", "endpoints and notifications", 0, 0, show_ipc },
	{ "uptime", "", "time, load, and the processor's protections", 0, 0, show_uptime },
	{ "log", "[COUNT]", "the last audit records", 0, 1, show_log },
	{ "echo", "[WORD...]", "the words", 0, WORDS_MAX, echo },
	{ "run", "PROGRAM [WORD...]", "starts a program; waits, unless the last word is &", 1,
	    WORDS_MAX, run },
	{ "kill", "PROGRAM", "ends a program", 1, 1, kill },
	{ "reboot", "", "starts the machine again", 0, 0, reboot },
	{ "shutdown", "", "switches the machine off", 0, 0, shutdown },
	{ NULL, NULL, NULL, 0, 0, NULL }
};

void
shell_run_line(struct shell *shell, char *line, const char *whole)
{
	const struct command *command = shell_commands;
	struct words words;

	if (words_split(line, &words) != BX_OK) {
		shell_print(shell, "shell: more than %u words\n", WORDS_MAX);
		return;
	}
	if (words.count == 0)
		return;
	while (command->name != NULL && !words_equal(command->name, words.word[0]))
		command++;
	if (command->name == NULL)
		shell_print(shell, "%s: no such command; try help\n", words.word[0]);
	else if (words.count - 1 < command->least || words.count - 1 > command->most)
		shell_print(shell, "usage: %s%s%s\n", command->name, *command->arguments != '\0' ? " " : "",
		    command->arguments);
	else
		command->run(shell, &words, whole);
}
