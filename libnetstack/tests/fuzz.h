/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz.h -- what the fuzz targets share: reading an input piece by piece.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <brainix/net_buf.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

BX_NORETURN void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "panic: %s: %s\n", where, what);
	abort();
}

struct input {
	const uint8_t *data;
	size_t size;
};

static inline uint32_t
take(struct input *in, uint32_t bytes)
{
	uint32_t v = 0;

	for (; bytes > 0; bytes--) {
		v = v << 8 | (in->size != 0 ? *in->data : 0);
		if (in->size != 0) {
			in->data++;
			in->size--;
		}
	}
	return v;
}

/* The next piece: its length stands before it. */
static inline uint32_t
take_bytes(struct input *in, uint8_t *to, uint32_t most)
{
	uint32_t n = take(in, 2) % (most + 1);

	if (n > in->size)
		n = (uint32_t)in->size;
	if (n != 0)
		memcpy(to, in->data, n);
	in->data += n;
	in->size -= n;
	return n;
}

static inline void
must(bool condition)
{
	if (!condition)
		abort();
}

#endif
