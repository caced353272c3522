/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ask.c -- a client of echod: sends its arguments, and prints what comes back.
 */
#include <brainix/sys.h>

#include "echo-client.h"

#define WAIT_US		2000000u

int
bx_main(const struct bx_sys *sys)
{
	struct bx_if_echo_echo_request request = { sys->argument, sys->argument_length };
	struct bx_if_echo_echo_answer answer;
	uint8_t string[BX_IF_ECHO_ECHO_STRING_MAX];
	uint32_t echo;
	enum bx_err err;

	if (bx_sys_find(sys->launch, "echo", &echo) != BX_OK)
		return 1;
	err = bx_if_echo_echo(echo, bx_sys_deadline_in_us(sys, WAIT_US), &request, string,
	    sizeof string, &answer);
	if (err != BX_OK) {
		bx_sys_print(sys, "%s: %s\n", sys->launch->name, bx_err_text(err));
		return 2;
	}
	bx_sys_print(sys, "echo %lu: %.*s\n", answer.count, (int)answer.text_length, answer.text);
	return 0;
}
