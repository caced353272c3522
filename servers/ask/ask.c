/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ask.c -- a client of echod: sends its arguments, and prints what comes back.
 */
#include <brainix/sys.h>

#include "../echod/echo.h"

#define WAIT_US		2000000u

int
bx_main(const struct bx_sys *sys)
{
	uint8_t string[ECHO_STRING_MAX], answer_string[ECHO_STRING_MAX];
	struct bx_ipc_message request, answer = { .string = answer_string,
	    .string_length = sizeof answer_string, .cap_slot = BX_SLOT_NONE };
	struct bx_ipc_writer writer;
	struct bx_ipc_reader reader;
	const char *text = "";
	uint32_t echo, length = 0;
	uint64_t count = 0;
	enum bx_err err;

	if (bx_sys_find(sys->launch, "echo", &echo) != BX_OK)
		return 1;
	bx_ipc_write_begin(&writer, &request, ECHO_ECHO, string, sizeof string);
	bx_ipc_write_text(&writer, sys->argument, sys->argument_length);
	err = bx_ipc_write_end(&writer);
	if (err == BX_OK)
		err = bx_sys_message_call(echo, bx_sys_deadline_in_us(sys, WAIT_US), &request, &answer);
	if (err == BX_OK) {
		bx_ipc_read_begin(&reader, &answer, ECHO_ECHO);
		bx_ipc_read_text(&reader, ECHO_TEXT_MAX, &text, &length);
		bx_ipc_read_u64(&reader, &count);
		err = bx_ipc_read_end(&reader);
	}
	if (err != BX_OK) {
		bx_sys_print(sys, "%s: %s\n", sys->launch->name, bx_err_text(err));
		return 2;
	}
	bx_sys_print(sys, "echo %lu: %.*s\n", count, (int)length, text);
	return 0;
}
