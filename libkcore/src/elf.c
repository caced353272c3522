/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * elf.c -- decodes and validates an ELF64 program.  Pure; all of it before anything is mapped.
 *
 * Source: System V ABI, chapters 4 and 5 (ELF header, program header); AMD64 supplement 4.1.
 * Accepted is what the servers' link script makes: a static executable (ET_EXEC) whose PT_LOAD
 * segments ascend and share no page, none of them writable and executable.  A file that needs more
 * (an interpreter, relocation, thread-local storage) is refused, not half obeyed.
 */
#include "core.h"

#define HEADER_SIZE	64u
#define PHEADER_SIZE	56u
#define PHEADERS_MAX	32u

#define ET_EXEC		2u
#define EM_X86_64	62u

#define PT_NULL		0u
#define PT_LOAD		1u
#define PT_NOTE		4u
#define PT_PHDR		6u
#define PT_GNU_EH_FRAME	0x6474e550u
#define PT_GNU_STACK	0x6474e551u
#define PT_GNU_RELRO	0x6474e552u
#define PT_GNU_PROPERTY	0x6474e553u

#define PF_X		1u
#define PF_W		2u
#define PF_R		4u

static enum bx_err
refuse(const char **where, enum bx_err err, const char *text)
{
	*where = text;
	return err;
}

static enum bx_err
load_check(const uint8_t *header, size_t size, struct bx_elf *elf, const char **where)
{
	uint32_t flags = bx_get_le32(header + 4);
	uint64_t offset = bx_get_le64(header + 8), address = bx_get_le64(header + 16);
	uint64_t file_size = bx_get_le64(header + 32), memory_size = bx_get_le64(header + 40);
	uint64_t align = bx_get_le64(header + 48);

	if (memory_size == 0 && file_size == 0)
		return BX_OK;
	if (elf->segment_count == BX_ELF_SEGMENTS_MAX)
		return refuse(where, BX_ERR_RANGE, "segment count");
	if ((flags & ~(PF_R | PF_W | PF_X)) != 0)
		return refuse(where, BX_ERR_FORMAT, "segment flags");
	if ((flags & PF_W) != 0 && (flags & PF_X) != 0)
		return refuse(where, BX_ERR_WX, "segment flags");
	if (file_size > memory_size)
		return refuse(where, BX_ERR_FORMAT, "segment file size");
	if (!bx_range_fits(offset, file_size, size))
		return refuse(where, BX_ERR_TRUNCATED, "segment offset");
	if (align > 1 && (align & (align - 1)) != 0)
		return refuse(where, BX_ERR_FORMAT, "segment alignment");
	if (!bx_is_aligned(address - offset, align > BX_PAGE_SIZE ? align : BX_PAGE_SIZE))
		return refuse(where, BX_ERR_ALIGN, "segment alignment");
	if (address < BX_USER_START || !bx_range_fits(address, memory_size, BX_IMAGE_END))
		return refuse(where, BX_ERR_RANGE, "segment address");
	if (elf->segment_count > 0) {
		const struct bx_elf_segment *last = &elf->segments[elf->segment_count - 1];

		if (bx_align_down(address, BX_PAGE_SIZE) <
		    bx_align_up(last->address + last->memory_size, BX_PAGE_SIZE))
			return refuse(where, BX_ERR_FORMAT, "segment order");
	}
	elf->segments[elf->segment_count++] = (struct bx_elf_segment){
		.address = address, .file_offset = offset,
		.file_size = file_size, .memory_size = memory_size,
		.flags = ((flags & PF_W) != 0 ? BX_PAGE_WRITE : 0u) |
		    ((flags & PF_X) != 0 ? BX_PAGE_EXECUTE : 0u),
	};
	return BX_OK;
}

static enum bx_err
pheader_check(const uint8_t *header, size_t size, struct bx_elf *elf, const char **where)
{
	switch (bx_get_le32(header)) {
	case PT_LOAD:
		return load_check(header, size, elf, where);
	case PT_GNU_STACK:
		if ((bx_get_le32(header + 4) & PF_X) != 0)
			return refuse(where, BX_ERR_WX, "stack flags");
		return BX_OK;
	case PT_NULL:
	case PT_NOTE:
	case PT_PHDR:
	case PT_GNU_EH_FRAME:
	case PT_GNU_RELRO:
	case PT_GNU_PROPERTY:
		return BX_OK;
	default:
		return refuse(where, BX_ERR_UNSUPPORTED, "segment type");
	}
}

enum bx_err
bx_elf_open(const uint8_t *bytes, size_t size, struct bx_elf *elf, const char **where)
{
	/* Magic, 64-bit, little-endian, version 1, System V. */
	static const uint8_t ident[8] = { 0x7f, 'E', 'L', 'F', 2, 1, 1, 0 };
	struct bx_elf found = { .segment_count = 0 };
	uint64_t pheader_offset;
	uint32_t pheader_count;
	bool entry_good = false;

	if (size < HEADER_SIZE)
		return refuse(where, BX_ERR_TRUNCATED, "header");
	if (memcmp(bytes, ident, sizeof(ident)) != 0)
		return refuse(where, BX_ERR_FORMAT, "identification");
	if (bx_get_le16(bytes + 16) != ET_EXEC)
		return refuse(where, BX_ERR_UNSUPPORTED, "type");
	if (bx_get_le16(bytes + 18) != EM_X86_64)
		return refuse(where, BX_ERR_UNSUPPORTED, "machine");
	if (bx_get_le32(bytes + 20) != 1)
		return refuse(where, BX_ERR_VERSION, "version");
	if (bx_get_le16(bytes + 52) != HEADER_SIZE || bx_get_le16(bytes + 54) != PHEADER_SIZE)
		return refuse(where, BX_ERR_FORMAT, "header size");
	found.entry = bx_get_le64(bytes + 24);
	pheader_offset = bx_get_le64(bytes + 32);
	pheader_count = bx_get_le16(bytes + 56);
	if (pheader_count == 0 || pheader_count > PHEADERS_MAX)
		return refuse(where, BX_ERR_RANGE, "program header count");
	if (!bx_range_fits(pheader_offset, pheader_count * PHEADER_SIZE, size))
		return refuse(where, BX_ERR_TRUNCATED, "program headers");

	for (uint32_t i = 0; i < pheader_count; i++) {
		enum bx_err err = pheader_check(bytes + pheader_offset + i * PHEADER_SIZE, size,
		    &found, where);

		if (err != BX_OK)
			return err;
	}
	for (uint32_t i = 0; i < found.segment_count; i++) {
		const struct bx_elf_segment *segment = &found.segments[i];

		if ((segment->flags & BX_PAGE_EXECUTE) != 0 && found.entry >= segment->address &&
		    found.entry - segment->address < segment->memory_size)
			entry_good = true;
	}
	if (!entry_good)
		return refuse(where, BX_ERR_RANGE, "entry");
	*elf = found;
	return BX_OK;
}
