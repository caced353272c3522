/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* fuzz_sysimage.c -- any bytes are refused with a named field, or are an image whose every record can
 * be looked at. */
#include <stdio.h>
#include <stdlib.h>

#include "../src/core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "%s: %s\n", where, what);
	abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bx_sysimage image;
	const char *where = NULL;

	if (bx_sysimage_open(data, size, &image, &where) != BX_OK) {
		BX_ASSERT(where != NULL);
		return 0;
	}
	for (uint32_t i = 0; i < image.grant_count; i++) {
		uint32_t object = bx_get_le32(image.grants[i].object);
		uint64_t first, count, end;

		BX_ASSERT(object < image.object_count);
		BX_ASSERT(bx_get_le32(image.grants[i].program) < image.program_count);
		bx_sysimage_object_range(&image, object, &first, &count);
		end = bx_get_le64(image.grants[i].first) + bx_get_le64(image.grants[i].count);
		BX_ASSERT(end <= count);
	}
	for (uint32_t i = 0; i < image.program_count; i++) {
		BX_ASSERT(bx_range_fits(bx_get_le32(image.programs[i].launch_offset),
		    bx_get_le32(image.programs[i].launch_size), size));
		BX_ASSERT(image.programs[i].name[BX_NAME_MAX - 1] == 0);
	}
	return 0;
}
