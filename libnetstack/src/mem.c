/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * mem.c -- what is not to be in line.
 */
#include "mem.h"

void
bx_net_clear(void *p, size_t size)
{
	memset(p, 0, size);
}
