/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* panic.c -- what the libraries call when their caller is wrong: a test program ends there. */
#include <stdio.h>
#include <stdlib.h>

#include <brainix/base.h>

BX_NORETURN void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "panic: %s: %s\n", where, what);
	abort();
}
