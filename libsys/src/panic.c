/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * panic.c -- how a program ends when its own rules are broken: it says so, and exits.
 *
 * The launch block has a fixed address (abi.h), so that this needs no argument and no global.
 * A program that wants something else defines its own bx_panic, and this file is not linked.
 */
#include <brainix/console.h>

#define PANIC_EXIT	(-1000)
#define PANIC_WAIT	(1ull << 31)		/* ticks: a second or so */

void
bx_panic(const char *where, const char *what)
{
	const struct bx_launch *launch = (const struct bx_launch *)(uintptr_t)BX_LAUNCH_ADDRESS;
	char bytes[256];
	uint32_t console;
	size_t length;

	if (bx_sys_launch_check(launch, BX_PAGE_SIZE) == BX_OK &&
	    bx_sys_find(launch, "console", &console) == BX_OK) {
		length = bx_sys_format(bytes, sizeof bytes, "%s: panic: %s (%s)\n", launch->name, what,
		    where);
		bx_err_ignore(bx_console_write(console, bx_sys_now() + PANIC_WAIT, bytes, length));
	}
	bx_sys_exit(PANIC_EXIT);
}
