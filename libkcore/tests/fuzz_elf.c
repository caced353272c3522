/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* fuzz_elf.c -- any bytes are refused with a named field, or are a program whose segments can be
 * loaded: inside the file, inside the user's range, in order, on pages of their own. */
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
	struct bx_elf elf;
	const char *where = NULL;
	uint64_t end = BX_USER_START;
	bool entry = false;

	if (bx_elf_open(data, size, &elf, &where) != BX_OK) {
		BX_ASSERT(where != NULL);
		return 0;
	}
	BX_ASSERT(elf.segment_count > 0 && elf.segment_count <= BX_ELF_SEGMENTS_MAX);
	for (uint32_t i = 0; i < elf.segment_count; i++) {
		const struct bx_elf_segment *segment = &elf.segments[i];

		BX_ASSERT(bx_range_fits(segment->file_offset, segment->file_size, size));
		BX_ASSERT(segment->file_size <= segment->memory_size);
		BX_ASSERT(bx_align_down(segment->address, BX_PAGE_SIZE) >= end);
		BX_ASSERT(bx_range_fits(segment->address, segment->memory_size, BX_IMAGE_END));
		BX_ASSERT(segment->flags != (BX_PAGE_WRITE | BX_PAGE_EXECUTE));
		end = bx_align_up(segment->address + segment->memory_size, BX_PAGE_SIZE);
		entry |= elf.entry >= segment->address &&
		    elf.entry - segment->address < segment->memory_size;
	}
	BX_ASSERT(entry);
	return 0;
}
