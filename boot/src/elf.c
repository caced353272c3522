/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * elf.c -- validates the kernel's ELF file.  Pure; see boot.h.
 * System V ABI, chapter 4 "Object files" and 5 "Program loading"; x86-64 supplement, chapter 4.
 */
#include "boot.h"

#define EHDR_SIZE		64u
#define PHDR_SIZE		56u
#define PHDR_COUNT_MAX		32u

#define ET_EXEC			2
#define EM_X86_64		62
#define PT_LOAD			1
#define PT_DYNAMIC		2
#define PT_INTERP		3
#define PT_TLS			7
#define PT_GNU_STACK		0x6474e551u

/* One loadable segment, of which `before` come first in the file. */
static enum bx_err
check_segment(const uint8_t *phdr, size_t size, const struct bx_boot_elf *before,
    struct bx_boot_elf_segment *segment, const char **where)
{
	uint32_t flags = bx_get_le32(phdr + 4);
	uint64_t offset = bx_get_le64(phdr + 8), address = bx_get_le64(phdr + 16);
	uint64_t file_size = bx_get_le64(phdr + 32), memory_size = bx_get_le64(phdr + 40);

	*where = "a kernel segment is writable and executable";
	if ((flags & BX_BOOT_PF_W) != 0 && (flags & BX_BOOT_PF_X) != 0)
		return BX_ERR_WX;
	*where = "a kernel segment has odd permissions";
	if ((flags & BX_BOOT_PF_R) == 0 ||
	    (flags & ~(BX_BOOT_PF_R | BX_BOOT_PF_W | BX_BOOT_PF_X)) != 0)
		return BX_ERR_FORMAT;
	*where = "a kernel segment is cut short in the file";
	if (!bx_range_fits(offset, file_size, size))
		return BX_ERR_TRUNCATED;
	*where = "a kernel segment is empty or larger in the file than in memory";
	if (memory_size == 0 || file_size > memory_size)
		return BX_ERR_FORMAT;
	*where = "a kernel segment lies outside the kernel's window";
	if (address < BX_KERNEL_BASE ||
	    !bx_range_fits(address - BX_KERNEL_BASE, memory_size, BX_KERNEL_SIZE_MAX))
		return BX_ERR_RANGE;
	*where = "a kernel segment does not begin on a page";
	if (!bx_is_aligned(address, BX_BOOT_PAGE))
		return BX_ERR_ALIGN;
	*where = "kernel segments overlap or are not in order";
	if (before->segment_count > 0) {
		const struct bx_boot_elf_segment *last =
		    &before->segments[before->segment_count - 1];
		/* Both in the window: no wrap. */
		if (address < last->address + last->pages * BX_BOOT_PAGE)
			return BX_ERR_EXISTS;
	}
	*where = "the kernel has more than 8 segments";
	if (before->segment_count == BX_BOOT_SEGMENTS_MAX)
		return BX_ERR_NO_MEMORY;

	*segment = (struct bx_boot_elf_segment){
		.address = address,
		.pages = bx_align_up(memory_size, BX_BOOT_PAGE) / BX_BOOT_PAGE,
		.file_offset = offset,
		.file_size = file_size,
		.flags = flags,
	};
	return BX_OK;
}

static bool
is_executable_at(const struct bx_boot_elf *elf, uint64_t address)
{
	for (uint32_t i = 0; i < elf->segment_count; i++) {
		const struct bx_boot_elf_segment *segment = &elf->segments[i];
		if ((segment->flags & BX_BOOT_PF_X) != 0 && address >= segment->address &&
		    address - segment->address < segment->file_size)
			return true;
	}
	return false;
}

enum bx_err
bx_boot_elf_check(const uint8_t *bytes, size_t size, struct bx_boot_elf *elf, const char **where)
{
	struct bx_boot_elf found = { 0 };

	*where = "the kernel's file is too short for ELF";
	if (size < EHDR_SIZE)
		return BX_ERR_TRUNCATED;
	*where = "the kernel's file is not ELF";
	if (bytes[0] != 0x7f || bytes[1] != 'E' || bytes[2] != 'L' || bytes[3] != 'F')
		return BX_ERR_FORMAT;
	/* e_ident: class 64, little-endian, version 1; e_version 1. */
	*where = "the kernel is not a static x86-64 executable";
	if (bytes[4] != 2 || bytes[5] != 1 || bytes[6] != 1 || bx_get_le32(bytes + 20) != 1)
		return BX_ERR_UNSUPPORTED;
	if (bx_get_le16(bytes + 16) != ET_EXEC || bx_get_le16(bytes + 18) != EM_X86_64)
		return BX_ERR_UNSUPPORTED;

	uint64_t table = bx_get_le64(bytes + 32);
	uint32_t entry_size = bx_get_le16(bytes + 54), count = bx_get_le16(bytes + 56);
	*where = "the kernel's program headers are malformed";
	if (entry_size != PHDR_SIZE || count == 0 || count > PHDR_COUNT_MAX)
		return BX_ERR_FORMAT;
	if (!bx_range_fits(table, (uint64_t)count * PHDR_SIZE, size))
		return BX_ERR_TRUNCATED;

	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *phdr = bytes + table + (size_t)i * PHDR_SIZE;
		uint32_t type = bx_get_le32(phdr);

		*where = "the kernel is not a static x86-64 executable";
		if (type == PT_DYNAMIC || type == PT_INTERP || type == PT_TLS)
			return BX_ERR_UNSUPPORTED;
		*where = "the kernel asks for an executable stack";
		if (type == PT_GNU_STACK && (bx_get_le32(phdr + 4) & BX_BOOT_PF_X) != 0)
			return BX_ERR_WX;
		if (type != PT_LOAD)
			continue;
		struct bx_boot_elf_segment segment;
		enum bx_err err = check_segment(phdr, size, &found, &segment, where);
		if (err != BX_OK)
			return err;
		found.segments[found.segment_count++] = segment;
		found.pages += segment.pages;
	}

	found.entry = bx_get_le64(bytes + 24);
	*where = "the kernel's entry point is not in its code";
	if (!is_executable_at(&found, found.entry))
		return BX_ERR_RANGE;

	*elf = found;
	return BX_OK;
}
