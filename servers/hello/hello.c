/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * hello.c -- the smallest program: greets, and shows what it was given.
 */
#include <brainix/sys.h>

int
bx_main(const struct bx_sys *sys)
{
	bx_sys_print(sys, "Hello from %s, program %u, with %u capabilit%s.\n", sys->launch->name,
	    sys->launch->program, sys->launch->entry_count,
	    sys->launch->entry_count == 1 ? "y" : "ies");
	if (sys->argument_length > 0)
		bx_sys_print(sys, "Arguments: %.*s\n", (int)sys->argument_length, sys->argument);
	return 0;
}
