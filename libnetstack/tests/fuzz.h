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

/*
 * A state as it was when it was ready for the first step.  To make one takes longer than most inputs run, so it is made once and
 * copied back for each input: whatever points into it does so with the same addresses as before.
 */
#define FUZZ_PARTS	8u

struct prepared {
	bool made;
	uint32_t count;
	struct {
		void *at;
		void *copy;
		size_t size;
	} part[FUZZ_PARTS];
};

/* 256 bytes, copied as one. */
struct __attribute__((may_alias)) line {
	uint8_t byte[256];
};

/*
 * A copy that no sanitizer looks at, of blocks of this program's own.  memcpy would look at the shadow of each byte, which took
 * longer than all else that most inputs do; the barriers keep the compiler from making it one.
 */
__attribute__((no_sanitize("address", "undefined")))
static inline void
lines_copy(void *to, const void *from, size_t size)
{
	uint8_t *a = to;
	const uint8_t *b = from;
	size_t i = 0;

	for (; size - i >= sizeof(struct line); i += sizeof(struct line)) {
		*(struct line *)(a + i) = *(const struct line *)(b + i);
		__asm__ volatile("" ::: "memory");
	}
	for (; i < size; i++) {
		a[i] = b[i];
		__asm__ volatile("" ::: "memory");
	}
}

static inline void
prepared_add(struct prepared *p, void *at, size_t size)
{
	must(p->count < FUZZ_PARTS);
	p->part[p->count].at = at;
	p->part[p->count].size = size;
	p->part[p->count].copy = malloc(size);
	must(p->part[p->count].copy != NULL);
	lines_copy(p->part[p->count].copy, at, size);
	p->count++;
	p->made = true;
}

static inline void
prepared_restore(const struct prepared *p)
{
	for (uint32_t i = 0; i < p->count; i++)
		lines_copy(p->part[i].at, p->part[i].copy, p->part[i].size);
}

#endif
