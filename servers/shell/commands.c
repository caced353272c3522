/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * commands.c -- the table of the shell's commands, and those that act.
 */
#include "names.h"
#include "shell.h"
#include "spawn-client.h"

#define RUN_WAIT_US	20000u		/* at most, between two looks at a program that runs */
#define KILL_WAIT_US	5000000u	/* at most, until it has been taken apart */
#define ASK_WAIT_US	5000000u	/* for an answer of spawnd, which may be at work for others */
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

/* ---- programs, by way of spawnd ------------------------------------------------------------- */

static uint32_t
length_of(const char *text)
{
	uint32_t length = 0;

	while (text[length] != '\0')
		length++;
	return length;
}

static uint64_t
ask_deadline(const struct shell *shell)
{
	return bx_sys_deadline_in_us(shell->sys, ASK_WAIT_US);
}

enum bx_err
shell_status(struct shell *shell, const char *name, struct bx_if_spawn_status_answer *answer)
{
	uint8_t string[BX_IF_SPAWN_STATUS_STRING_MAX];

	return bx_if_spawn_status(shell->spawn, ask_deadline(shell),
	    &(struct bx_if_spawn_status_request){ name, length_of(name) }, string,
	    sizeof string, answer);
}

static enum bx_err
stop_ask(struct shell *shell, const char *name)
{
	uint8_t string[BX_IF_SPAWN_STOP_STRING_MAX];

	return bx_if_spawn_stop(shell->spawn, ask_deadline(shell),
	    &(struct bx_if_spawn_stop_request){ name, length_of(name) }, string,
	    sizeof string);
}

static enum bx_err
kill_ask(struct shell *shell, const char *name)
{
	uint8_t string[BX_IF_SPAWN_KILL_STRING_MAX];

	return bx_if_spawn_kill(shell->spawn, ask_deadline(shell),
	    &(struct bx_if_spawn_kill_request){ name, length_of(name) }, string,
	    sizeof string);
}

void
shell_spawn_complain(struct shell *shell, const char *name, enum bx_err err)
{
	if (err == BX_ERR_PEER_DIED)
		shell_print(shell, "%s: spawnd has ended: until the machine is reset nothing is started, ended or "
		    "switched off\n", name);
	else
		shell_complain(shell, name, err);
}

/* What spawnd says of a name that it does not offer, of a program that is in the wrong state for it, `state`,
 * and all else. */
static void
refusal_tell(struct shell *shell, const char *name, enum bx_err err, const char *state)
{
	if (err == BX_ERR_NOT_FOUND)
		shell_print(shell, "%s: no program that this shell may start\n", name);
	else if (err == BX_ERR_STATE)
		shell_print(shell, "%s: %s\n", name, state);
	else
		shell_spawn_complain(shell, name, err);
}

/* How a program ended, in one line; nothing when all went well. */
static void
end_tell(struct shell *shell, const char *name, const struct bx_if_spawn_status_answer *answer)
{
	switch (answer->ended) {
	case BX_PROGRAM_EXITED:
		if (answer->code != 0)
			shell_print(shell, "%s: exit code %ld\n", name, answer->code);
		break;
	case BX_PROGRAM_KILLED:
		shell_print(shell, "%s: killed\n", name);
		break;
	case BX_PROGRAM_FAULTED:
		shell_print(shell, "%s: %s at 0x%lx, instruction 0x%lx\n", name,
		    name_of_fault(answer->fault), answer->address, answer->instruction);
		break;
	default:
		shell_print(shell, "%s: %s\n", name, name_of_program_state(answer->state));
		break;
	}
}

/* Until the process that was start number `starts` has ended; Ctrl-C ends it for good. */
static void
run_wait(struct shell *shell, const char *name, uint32_t starts)
{
	struct bx_if_spawn_status_answer answer;
	uint32_t wait_us = 500;
	enum bx_err err;

	for (;;) {
		uint64_t deadline = bx_sys_deadline_in_us(shell->sys, wait_us);

		wait_us = wait_us < RUN_WAIT_US / 2 ? 2 * wait_us : RUN_WAIT_US;
		err = shell_status(shell, name, &answer);
		if (err != BX_OK) {
			shell_spawn_complain(shell, "run", err);
			return;
		}
		if ((answer.state != BX_PROGRAM_RUNNING && answer.state != BX_PROGRAM_ENDING) ||
		    answer.starts != starts)
			break;
		err = bx_console_interrupt(shell->console, deadline);
		if (err == BX_OK) {
			shell_print(shell, "^C\n");
			err = stop_ask(shell, name);
			if (err != BX_OK && err != BX_ERR_STATE)
				shell_spawn_complain(shell, name, err);
		} else if (err != BX_ERR_TIMEOUT) {
			bx_sys_sleep(deadline);
		}
	}
	end_tell(shell, name, &answer);
}

static void
run(struct shell *shell, const struct words *words, const char *line)
{
	uint8_t string[BX_IF_SPAWN_START_STRING_MAX];
	bool wait = !words_equal(words->word[words->count - 1], "&");
	const char *name = words->word[1], *argument = "";
	struct bx_if_spawn_start_request request = { name, length_of(name), NULL, 0 };
	struct bx_if_spawn_status_answer before;
	enum bx_err err;

	if (words->count > 2)
		argument = line + words->offset[2];
	request.argument = (const uint8_t *)argument;
	request.argument_length = length_of(argument);
	if (!wait && words->count > 2) {
		request.argument_length = words->offset[words->count - 1] - words->offset[2];
		while (request.argument_length > 0 && argument[request.argument_length - 1] == ' ')
			request.argument_length--;
	}
	err = shell_status(shell, name, &before);
	if (err == BX_OK)
		err = bx_if_spawn_start(shell->spawn, ask_deadline(shell), &request, string,
		    sizeof string);
	if (err != BX_OK)
		refusal_tell(shell, name, err, "it runs already");
	else if (wait)
		run_wait(shell, name, before.starts + 1);
}

/* Its memory and capabilities are given back in steps: waits, a while, until they are. */
static void
end_wait(struct shell *shell, const char *name)
{
	uint64_t end = bx_sys_deadline_in_us(shell->sys, KILL_WAIT_US);
	struct bx_if_spawn_status_answer answer;

	while (shell_status(shell, name, &answer) == BX_OK && answer.state == BX_PROGRAM_ENDING &&
	    bx_sys_now() < end)
		bx_sys_sleep(bx_sys_deadline_in_us(shell->sys, 500));
}

/* A program was asked to be ended: what came of that. */
static void
end_asked(struct shell *shell, const char *name, enum bx_err err)
{
	if (err != BX_OK)
		refusal_tell(shell, name, err, "it does not run");
	else
		end_wait(shell, name);
}

static void
kill(struct shell *shell, const struct words *words, const char *line)
{
	(void)line;
	end_asked(shell, words->word[1], kill_ask(shell, words->word[1]));
}

static void
stop(struct shell *shell, const struct words *words, const char *line)
{
	(void)line;
	end_asked(shell, words->word[1], stop_ask(shell, words->word[1]));
}

/* ---- the machine --------------------------------------------------------------------------------- */

/* The machine obeys within the time, or it does not: `err` is what spawnd answered. */
static void
power_wait(struct shell *shell, const char *name, uint64_t deadline, enum bx_err err)
{
	if (err == BX_OK)
		bx_sys_sleep(deadline);
	shell_spawn_complain(shell, name, err == BX_OK ? BX_ERR_TIMEOUT : err);
}

static void
reboot(struct shell *shell, const struct words *words, const char *line)
{
	uint64_t deadline = bx_sys_deadline_in_us(shell->sys, POWER_WAIT_US);

	(void)line;
	shell_flush(shell);
	power_wait(shell, words->word[0], deadline, bx_if_spawn_reboot(shell->spawn, deadline));
}

static void
shutdown(struct shell *shell, const struct words *words, const char *line)
{
	uint64_t deadline = bx_sys_deadline_in_us(shell->sys, POWER_WAIT_US);

	(void)line;
	shell_flush(shell);
	power_wait(shell, words->word[0], deadline, bx_if_spawn_shutdown(shell->spawn, deadline));
}

const struct command shell_commands[] = {
	{ "help", "", "what can be typed here", 0, 0, help },
	{ "ps", "", "programs, their state, and what they use", 0, 0, show_ps },
	{ "status", "[PROGRAM]", "programs: how often started again, how they ended last", 0, 1, show_status },
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
	{ "kill", "PROGRAM", "ends a program, as a fault of its own would", 1, 1, kill },
	{ "stop", "PROGRAM", "ends a program for good: it is not started again", 1, 1, stop },
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
