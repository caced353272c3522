/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * start.c -- from the first instruction to bx_main, and out again.
 */
#include <brainix/sys.h>

/* From entry.S. */
BX_NORETURN void bx_sys_enter(const struct bx_launch *launch, size_t launch_size,
    const char *argument, size_t argument_length);

void
bx_sys_enter(const struct bx_launch *launch, size_t launch_size, const char *argument,
    size_t argument_length)
{
	uint64_t clock[2];
	struct bx_sys sys = {
		.launch = launch,
		.argument = argument,
		.argument_length = (uint32_t)argument_length,
	};
	enum bx_err err;

	err = bx_sys_launch_check(launch, launch_size);
	if (err == BX_OK)
		err = bx_sys_trap(BX_SYS_CLOCK_INFO, 0, 0, 0, 0, 0, 0, clock);
	if (err != BX_OK)
		bx_sys_exit(err);
	sys.ticks_per_second = clock[0];
	sys.boot_ticks = clock[1];
	bx_sys_exit(bx_main(&sys));
}
