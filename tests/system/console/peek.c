/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * peek.c -- a client that may write to the console, and tries everything else with it: to read what
 * is typed, to wait for Ctrl-C, and to send what the protocol does not know.
 *
 * Prints one line for each attempt: its name, and the console's answer.
 */
#include <brainix/console.h>

#include "console-ipc.h"

#define WAIT_US	2000000u

static void
tell(const struct bx_sys *sys, const char *what, enum bx_err err)
{
	bx_sys_print(sys, "peek %s: %s\n", what, bx_err_name(err));
}

/* Sends a message as it is; returns the error of the call, or else the answer's. */
static enum bx_err
attempt(const struct bx_sys *sys, uint32_t console, struct bx_ipc_message *message)
{
	uint8_t string[BX_IF_CONSOLE_REQUEST_STRING_MAX];
	struct bx_ipc_message answer = { .string = string, .string_length = sizeof string,
	    .cap_slot = BX_SLOT_NONE };
	enum bx_err err = bx_sys_message_call(console, bx_sys_deadline_in_us(sys, WAIT_US), message,
	    &answer);

	return err != BX_OK ? err : bx_ipc_label_error(answer.label);
}

static void
malformed(const struct bx_sys *sys, uint32_t console)
{
	uint8_t string[2 * BX_IF_CONSOLE_REQUEST_STRING_MAX] = { BX_IPC_BYTES, 4, 0, 0, 0, 'x', 'y' };
	struct bx_ipc_message message = { .label = BX_IF_CONSOLE_WRITE, .string = string,
	    .string_length = 7, .cap_slot = BX_SLOT_NONE };

	tell(sys, "cut", attempt(sys, console, &message));
	string[1] = 1;
	tell(sys, "extra", attempt(sys, console, &message));
	string[0] = BX_IPC_TEXT;
	tell(sys, "kind", attempt(sys, console, &message));
	message.string_length = sizeof string;
	tell(sys, "long", attempt(sys, console, &message));
	message.string_length = 0;
	tell(sys, "empty", attempt(sys, console, &message));
	message.label = BX_IPC_LABEL(BX_IF_CONSOLE_PROTOCOL, 1, 99);
	tell(sys, "method", attempt(sys, console, &message));
	message.label = BX_IPC_LABEL(BX_IF_CONSOLE_PROTOCOL, 2, 1);
	tell(sys, "version", attempt(sys, console, &message));
	message.label = bx_ipc_label_answer(BX_IF_CONSOLE_READ, BX_ERR_IO);
	tell(sys, "answer", attempt(sys, console, &message));
}

int
bx_main(const struct bx_sys *sys)
{
	uint8_t bytes[BX_CONSOLE_READ_MAX];
	uint32_t console, length = 0;
	bool interrupt = false;
	enum bx_err err;

	if (bx_sys_find(sys->launch, "console", &console) != BX_OK)
		return 1;
	err = bx_console_read(console, bx_sys_deadline_in_us(sys, WAIT_US), bytes, &length, &interrupt);
	tell(sys, "read", err);
	tell(sys, "interrupt", bx_console_interrupt(console, bx_sys_deadline_in_us(sys, WAIT_US)));
	malformed(sys, console);
	return 0;
}
