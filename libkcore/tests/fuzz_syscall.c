/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_syscall.c -- sequences of system calls and other events, chosen by the input's bytes; see
 * driver.h.  At most STEPS_MAX events an input.
 */
#include "driver.h"

#define STEPS_MAX	400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct driver driver;
	unsigned n = 0;

	driver_make(&driver, data, size, 0);
	while (n++ < STEPS_MAX && driver_step(&driver))
		;
	driver_end(&driver);
	return 0;
}
