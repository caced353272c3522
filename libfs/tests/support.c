/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* support.c -- see support.h: what goes wrong, chance, and the check of a volume. */
#include "support-internal.h"

#include <stdarg.h>

void
bx_panic(const char *where, const char *what)
{
	die("panic at %s: %s", where, what);
}

void
die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	abort();
}

uint64_t
rng_next(struct rng *r)
{
	uint64_t z = (r->state += UINT64_C(0x9E3779B97F4A7C15));

	if (r->left >= 2) {
		r->left -= 2;
		r->bytes += 2;
		return bx_get_le16(r->bytes - 2);
	}
	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

uint64_t
rng_below(struct rng *r, uint64_t limit)
{
	return rng_next(r) % limit;
}

void *
must(void *p)
{
	if (p == NULL)
		die("out of memory");
	return p;
}

static void
print_finding(void *context, const struct bx_fs_finding *f)
{
	if (*(bool *)context)
		fprintf(stderr, "finding %d: inode %llu, address %llu, position %llu\n", (int)f->problem,
		    (unsigned long long)f->inode, (unsigned long long)f->address,
		    (unsigned long long)f->position);
}

uint64_t
volume_check(struct bx_fs *fs, bool loud)
{
	static uint8_t bits[1u << 16];
	struct bx_fs_checker checker = {
		.context = &loud,
		.report = print_finding,
		.bits = bits,
		.data = true,
	};
	struct bx_fs_info info;
	uint64_t findings;
	enum bx_err err;

	bx_fs_get_info(fs, &info);
	checker.bits_bytes = (info.blocks + 7) / 8;
	if (checker.bits_bytes > sizeof bits)
		die("check: no room for %llu blocks", (unsigned long long)info.blocks);
	err = bx_fs_check(fs, &checker, &findings);
	if (err != BX_OK)
		die("check: %s", bx_err_name(err));
	return findings;
}

void
volume_must_check(struct bx_fs *fs)
{
	if (volume_check(fs, true) != 0)
		die("the check found something");
}
