/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * mbi.c -- reads the multiboot2 boot information.  Pure; see boot.h.
 * Multiboot2 Specification 2.0, section 3.6; tag numbers as there.
 */
#include "boot.h"

#define TAG_END			0
#define TAG_COMMAND_LINE	1
#define TAG_MODULE		3
#define TAG_MEMORY_MAP		6
#define TAG_FRAMEBUFFER		8
#define TAG_EFI64_TABLE		12
#define TAG_RSDP_1		14
#define TAG_RSDP_2		15
#define TAG_EFI_SERVICES	18
#define TAG_EFI64_IMAGE		20
#define TAG_COUNT		32	/* higher ones are not looked at */

#define TAG_HEADER		8u	/* type, size */
#define FRAMEBUFFER_RGB		1
#define RSDP_1_SIZE		20u	/* ACPI 6.5, 5.2.5.3 */
#define RSDP_2_SIZE		36u

/* Whether [text, text + size) holds a NUL. */
static bool
is_terminated(const uint8_t *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] == 0)
			return true;
	return false;
}

/* Letters, digits, '-', '_' and '.': what a module may be called. */
static bool
is_name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '_' || c == '.';
}

static bool
is_name_equal(const char *a, const char *b)
{
	for (size_t i = 0; i < sizeof(((struct bx_boot_module *)0)->name); i++) {
		if (a[i] != b[i])
			return false;
		if (a[i] == 0)
			return true;
	}
	return true;
}

const struct bx_boot_module *
bx_boot_mbi_module(const struct bx_boot_mbi *mbi, const char *name)
{
	for (uint32_t i = 0; i < mbi->module_count; i++)
		if (is_name_equal(mbi->modules[i].name, name))
			return &mbi->modules[i];
	return NULL;
}

/* 3.6.6: start, end, command line, of which the first word is the name. */
static enum bx_err
parse_module(const uint8_t *body, uint32_t size, struct bx_boot_mbi *mbi, const char **where)
{
	struct bx_boot_module module = { 0 };

	*where = "a module tag is cut short";
	if (size < 8 || !is_terminated(body + 8, size - 8))
		return BX_ERR_TRUNCATED;
	uint64_t start = bx_get_le32(body), end = bx_get_le32(body + 4);
	const uint8_t *text = body + 8;

	size_t length = 0;
	while (is_name_byte(text[length])) {
		*where = "a module's name is longer than 31 bytes";
		if (length == sizeof module.name - 1)
			return BX_ERR_RANGE;
		module.name[length] = (char)text[length];
		length++;
	}
	*where = "a module has no proper name";
	if (length == 0 || (text[length] != 0 && text[length] != ' '))
		return BX_ERR_FORMAT;
	*where = "a module is empty or ends before it begins";
	if (end <= start)
		return BX_ERR_FORMAT;
	*where = "a module is not page-aligned";
	if (!bx_is_aligned(start, BX_BOOT_PAGE))
		return BX_ERR_ALIGN;
	*where = "two modules have the same name";
	if (bx_boot_mbi_module(mbi, module.name) != NULL)
		return BX_ERR_EXISTS;
	*where = "there are more than 64 modules";
	if (mbi->module_count == BX_BOOT_MODULES_MAX)
		return BX_ERR_NO_MEMORY;

	module.base = start;
	module.size = end - start;
	mbi->modules[mbi->module_count++] = module;
	return BX_OK;
}

/* 3.6.8: entry size, entry version, entries. */
static enum bx_err
parse_memory_map(const uint8_t *body, uint32_t size, struct bx_boot_mbi *mbi, const char **where)
{
	*where = "the memory map is malformed";
	if (size < 8)
		return BX_ERR_TRUNCATED;
	uint32_t entry = bx_get_le32(body);
	if (entry < 24 || !bx_is_aligned(entry, 8) || (size - 8) % entry != 0)
		return BX_ERR_FORMAT;
	mbi->memory_map = body + 8;
	mbi->memory_map_entry = entry;
	mbi->memory_map_count = (size - 8) / entry;
	return BX_OK;
}

/* 3.6.12: address, pitch, width, height, bits, type. */
static enum bx_err
parse_framebuffer(const uint8_t *body, uint32_t size, struct bx_boot_mbi *mbi, const char **where)
{
	*where = "the framebuffer tag is cut short";
	if (size < 24)
		return BX_ERR_TRUNCATED;
	if (body[21] != FRAMEBUFFER_RGB)
		return BX_OK;
	mbi->framebuffer = bx_get_le64(body);
	mbi->framebuffer_pitch = bx_get_le32(body + 8);
	mbi->framebuffer_width = bx_get_le32(body + 12);
	mbi->framebuffer_height = bx_get_le32(body + 16);
	mbi->framebuffer_bits = body[20];
	return BX_OK;
}

static enum bx_err
parse_rsdp(const uint8_t *body, uint32_t size, uint32_t want, struct bx_boot_mbi *mbi,
    const char **where)
{
	*where = "the ACPI root pointer is cut short";
	if (size < want)
		return BX_ERR_TRUNCATED;
	if (want < mbi->rsdp_size)		/* the newer form is here already */
		return BX_OK;
	mbi->rsdp = body;
	mbi->rsdp_size = want;
	return BX_OK;
}

static enum bx_err
parse_word(const uint8_t *body, uint32_t size, uint64_t *word, const char **where)
{
	*where = "a UEFI tag is cut short";
	if (size < 8)
		return BX_ERR_TRUNCATED;
	*word = bx_get_le64(body);
	return BX_OK;
}

static enum bx_err
parse_tag(uint32_t type, const uint8_t *body, uint32_t size, struct bx_boot_mbi *mbi,
    const char **where)
{
	switch (type) {
	case TAG_COMMAND_LINE:
		*where = "the command line does not end";
		if (!is_terminated(body, size))
			return BX_ERR_TRUNCATED;
		mbi->command_line = body;
		return BX_OK;
	case TAG_MODULE:
		return parse_module(body, size, mbi, where);
	case TAG_MEMORY_MAP:
		return parse_memory_map(body, size, mbi, where);
	case TAG_FRAMEBUFFER:
		return parse_framebuffer(body, size, mbi, where);
	case TAG_EFI64_TABLE:
		return parse_word(body, size, &mbi->efi_system_table, where);
	case TAG_RSDP_1:
		return parse_rsdp(body, size, RSDP_1_SIZE, mbi, where);
	case TAG_RSDP_2:
		return parse_rsdp(body, size, RSDP_2_SIZE, mbi, where);
	case TAG_EFI_SERVICES:
		mbi->efi_boot_services = true;
		return BX_OK;
	case TAG_EFI64_IMAGE:
		return parse_word(body, size, &mbi->efi_image, where);
	default:
		return BX_OK;
	}
}

enum bx_err
bx_boot_mbi_parse(const uint8_t *bytes, size_t size, struct bx_boot_mbi *mbi, const char **where)
{
	struct bx_boot_mbi found = { 0 };
	uint32_t seen = 0;			/* bit n: a tag of type n */

	*where = "the boot information is cut short";
	if (size < 8)
		return BX_ERR_TRUNCATED;
	uint32_t total = bx_get_le32(bytes);
	if (total > size)
		return BX_ERR_TRUNCATED;

	/* Every turn advances by 8 or more. */
	for (uint32_t offset = 8;;) {
		*where = "the boot information has no end tag";
		if (!bx_range_fits(offset, TAG_HEADER, total))
			return BX_ERR_TRUNCATED;
		uint32_t type = bx_get_le32(bytes + offset);
		uint32_t length = bx_get_le32(bytes + offset + 4);
		*where = "a tag of the boot information is malformed";
		if (length < TAG_HEADER)
			return BX_ERR_FORMAT;
		if (length > total - offset)
			return BX_ERR_TRUNCATED;
		if (type == TAG_END)
			break;
		if (type < TAG_COUNT && type != TAG_MODULE) {
			*where = "a tag of the boot information is there twice";
			if ((seen & 1u << type) != 0)
				return BX_ERR_EXISTS;
			seen |= 1u << type;
		}
		enum bx_err err = parse_tag(type, bytes + offset + TAG_HEADER, length - TAG_HEADER,
		    &found, where);
		if (err != BX_OK)
			return err;
		uint64_t next = bx_align_up((uint64_t)offset + length, 8);
		*where = "the boot information has no end tag";
		if (next > total)
			return BX_ERR_TRUNCATED;
		offset = (uint32_t)next;
	}

	*mbi = found;
	return BX_OK;
}
