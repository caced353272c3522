/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * limits.h -- for tests of configurations: one member at, and one step beyond, what its header allows.
 */
#ifndef LIMITS_H
#define LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct limit {
	size_t at, size;		/* of the member */
	uint32_t value;
	bool good;
};

#define LIMIT(type, member, value, good) { offsetof(type, member), sizeof(((type *)0)->member), value, good }

/* Writes the value into its member; members have 16 or 32 bits. */
static inline void
limit_set(void *config, const struct limit *l)
{
	uint16_t narrow = (uint16_t)l->value;

	memcpy((uint8_t *)config + l->at, l->size == 2 ? (const void *)&narrow : &l->value, l->size);
}

#endif
