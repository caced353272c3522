/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_elf.c -- fuzz target: the kernel's ELF file.
 */
#include <stdlib.h>

#include "boot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition) do { if (!(condition)) abort(); } while (0)

void
bx_panic(const char *where, const char *what)
{
	(void)where;
	(void)what;
	abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bx_boot_elf elf = { 0 };
	const char *where = NULL;
	uint64_t pages = 0, end = BX_KERNEL_BASE;
	bool entered = false;

	if (bx_boot_elf_check(data, size, &elf, &where) != BX_OK) {
		REQUIRE(where != NULL && elf.segment_count == 0);
		return 0;
	}
	REQUIRE(elf.segment_count > 0 && elf.segment_count <= BX_BOOT_SEGMENTS_MAX);
	for (uint32_t i = 0; i < elf.segment_count; i++) {
		const struct bx_boot_elf_segment *segment = &elf.segments[i];
		REQUIRE(segment->address >= end && segment->pages > 0);
		end = segment->address + segment->pages * BX_BOOT_PAGE;
		REQUIRE(end - BX_KERNEL_BASE <= BX_KERNEL_SIZE_MAX);
		REQUIRE(bx_range_fits(segment->file_offset, segment->file_size, size));
		REQUIRE(segment->file_size <= segment->pages * BX_BOOT_PAGE);
		REQUIRE((segment->flags & BX_BOOT_PF_W) == 0 || (segment->flags & BX_BOOT_PF_X) == 0);
		entered = entered || ((segment->flags & BX_BOOT_PF_X) != 0 &&
		    elf.entry >= segment->address && elf.entry < end);
		pages += segment->pages;
	}
	REQUIRE(entered);
	REQUIRE(pages == elf.pages);
	return 0;
}
