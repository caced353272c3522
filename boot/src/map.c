/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * map.c -- the memory map.  Pure; see boot.h.
 */
#include "boot.h"

/* Multiboot2, 3.6.8. */
#define MBI_RAM			1
#define MBI_ACPI		3
#define MBI_NVS			4

/* UEFI 2.10, 7.2.1, EFI_MEMORY_TYPE. */
#define EFI_LOADER_CODE		1
#define EFI_LOADER_DATA		2
#define EFI_BOOT_CODE		3
#define EFI_BOOT_DATA		4
#define EFI_RUNTIME_CODE	5
#define EFI_RUNTIME_DATA	6
#define EFI_CONVENTIONAL	7
#define EFI_ACPI_RECLAIM	9
#define EFI_ACPI_NVS		10
#define EFI_DESCRIPTOR_SIZE	40u	/* 7.2.3: at least */

/* Index of the first span that ends after `address`. */
static size_t
find(const struct bx_boot_map *map, uint64_t address)
{
	size_t i = 0;

	while (i < map->count && map->spans[i].end <= address)
		i++;
	return i;
}

enum bx_err
bx_boot_map_set(struct bx_boot_map *map, uint64_t base, uint64_t end, uint32_t kind)
{
	BX_ASSERT(bx_is_aligned(base | end, BX_BOOT_PAGE));
	BX_ASSERT(base <= end);

	if (base == end)
		return BX_OK;

	/* Spans [first, last) are touched; what sticks out on either side stays. */
	struct bx_boot_span fresh[3];
	size_t fresh_count = 0, first = find(map, base), last = first;

	/* A neighbour of the same kind that only touches is swallowed too. */
	if (first > 0 && map->spans[first - 1].end == base && map->spans[first - 1].kind == kind)
		first--;
	while (last < map->count && (map->spans[last].base < end ||
	    (map->spans[last].base == end && map->spans[last].kind == kind)))
		last++;

	struct bx_boot_span middle = { base, end, kind };
	struct bx_boot_span before = { 0, 0, 0 }, after = { 0, 0, 0 };
	if (first < last) {
		before = map->spans[first];
		after = map->spans[last - 1];
	}
	if (before.base < before.end && before.base < base) {
		if (before.kind == kind)
			middle.base = before.base;
		else
			fresh[fresh_count++] = (struct bx_boot_span){ before.base, base, before.kind };
	}
	size_t middle_at = fresh_count++;
	if (after.end > end) {
		if (after.kind == kind)
			middle.end = after.end;
		else
			fresh[fresh_count++] = (struct bx_boot_span){ end, after.end, after.kind };
	}
	fresh[middle_at] = middle;

	size_t kept = map->count - (last - first);
	if (fresh_count > BX_BOOT_SPANS_MAX - kept)
		return BX_ERR_NO_MEMORY;
	memmove(&map->spans[first + fresh_count], &map->spans[last],
	    (map->count - last) * sizeof map->spans[0]);
	memcpy(&map->spans[first], fresh, fresh_count * sizeof fresh[0]);
	map->count = kept + fresh_count;
	return BX_OK;
}

/* Adds one entry of firmware's map.  RAM inwards, all else outwards. */
static enum bx_err
add(struct bx_boot_map *map, uint64_t base, uint64_t size, uint32_t kind, const char **where)
{
	*where = "an entry of the memory map wraps";
	if (size > UINT64_MAX - base || base + size > UINT64_MAX - BX_BOOT_PAGE)
		return BX_ERR_FORMAT;
	uint64_t end = base + size;

	if (kind == BX_REGION_FREE || kind == BX_BOOT_LATER) {
		base = bx_align_up(base, BX_BOOT_PAGE);
		end = bx_align_down(end, BX_BOOT_PAGE);
		if (base >= end)
			return BX_OK;
	} else {
		base = bx_align_down(base, BX_BOOT_PAGE);
		end = bx_align_up(end, BX_BOOT_PAGE);
	}
	*where = "the memory map has too many entries";
	return bx_boot_map_set(map, base, end, kind);
}

/* Later passes overwrite earlier ones: what allows less comes last. */
static const uint8_t passes[] = {
	BX_REGION_FREE, BX_BOOT_LATER, BX_REGION_FIRMWARE, BX_REGION_RESERVED
};

static uint32_t
mbi_kind(uint32_t type)
{
	switch (type) {
	case MBI_RAM:
		return BX_REGION_FREE;
	case MBI_ACPI:
	case MBI_NVS:
		return BX_REGION_FIRMWARE;
	default:
		return BX_REGION_RESERVED;
	}
}

static uint32_t
efi_kind(uint32_t type)
{
	switch (type) {
	case EFI_CONVENTIONAL:
		return BX_REGION_FREE;
	case EFI_LOADER_CODE:
	case EFI_LOADER_DATA:
	case EFI_BOOT_CODE:
	case EFI_BOOT_DATA:
		return BX_BOOT_LATER;
	case EFI_RUNTIME_CODE:
	case EFI_RUNTIME_DATA:
	case EFI_ACPI_RECLAIM:
	case EFI_ACPI_NVS:
		return BX_REGION_FIRMWARE;
	default:
		return BX_REGION_RESERVED;
	}
}

/* Page 0 is never handed out: it holds the BIOS data area, and 0 means "none" in many places. */
static enum bx_err
reserve_first_page(struct bx_boot_map *map, const char **where)
{
	*where = "the memory map has too many entries";
	return bx_boot_map_set(map, 0, BX_BOOT_PAGE, BX_REGION_RESERVED);
}

enum bx_err
bx_boot_map_from_mbi(struct bx_boot_map *map, const struct bx_boot_mbi *mbi, const char **where)
{
	BX_ASSERT(map->count == 0);

	for (size_t pass = 0; pass < BX_ARRAY_COUNT(passes); pass++)
		for (uint32_t i = 0; i < mbi->memory_map_count; i++) {
			const uint8_t *entry = mbi->memory_map + (size_t)i * mbi->memory_map_entry;
			uint32_t kind = mbi_kind(bx_get_le32(entry + 16));
			if (kind != passes[pass])
				continue;
			enum bx_err err = add(map, bx_get_le64(entry), bx_get_le64(entry + 8), kind,
			    where);
			if (err != BX_OK)
				return err;
		}
	return reserve_first_page(map, where);
}

enum bx_err
bx_boot_map_from_efi(struct bx_boot_map *map, const uint8_t *bytes, size_t size,
    size_t descriptor_size, const char **where)
{
	BX_ASSERT(map->count == 0);

	*where = "the UEFI memory map is malformed";
	if (descriptor_size < EFI_DESCRIPTOR_SIZE || size % descriptor_size != 0)
		return BX_ERR_FORMAT;
	for (size_t pass = 0; pass < BX_ARRAY_COUNT(passes); pass++)
		for (size_t offset = 0; offset < size; offset += descriptor_size) {
			const uint8_t *entry = bytes + offset;
			uint32_t kind = efi_kind(bx_get_le32(entry));
			if (kind != passes[pass])
				continue;
			uint64_t pages = bx_get_le64(entry + 24);
			*where = "an entry of the memory map wraps";
			if (pages > UINT64_MAX / BX_BOOT_PAGE)
				return BX_ERR_FORMAT;
			enum bx_err err = add(map, bx_get_le64(entry + 8), pages * BX_BOOT_PAGE,
			    kind, where);
			if (err != BX_OK)
				return err;
		}
	return reserve_first_page(map, where);
}

bool
bx_boot_map_is_ram(const struct bx_boot_map *map, uint64_t base, uint64_t end)
{
	for (size_t i = find(map, base); base < end; i++) {
		if (i == map->count || map->spans[i].base > base)
			return false;
		if (map->spans[i].kind != BX_REGION_FREE && map->spans[i].kind != BX_BOOT_LATER)
			return false;
		base = map->spans[i].end;
	}
	return true;
}

enum bx_err
bx_boot_map_take(struct bx_boot_map *map, uint64_t pages, uint64_t low, uint64_t high,
    uint32_t kind, uint64_t *base)
{
	BX_ASSERT(pages > 0 && pages <= UINT64_MAX / BX_BOOT_PAGE);
	BX_ASSERT(bx_is_aligned(low | high, BX_BOOT_PAGE));

	for (size_t i = 0; i < map->count; i++) {
		const struct bx_boot_span *span = &map->spans[i];
		uint64_t start = span->base > low ? span->base : low;
		uint64_t end = span->end < high ? span->end : high;
		if (span->kind != BX_REGION_FREE || start >= end)
			continue;
		if (end - start < pages * BX_BOOT_PAGE)
			continue;
		enum bx_err err = bx_boot_map_set(map, start, start + pages * BX_BOOT_PAGE, kind);
		if (err == BX_OK)
			*base = start;
		return err;
	}
	return BX_ERR_NO_MEMORY;
}

uint64_t
bx_boot_map_memory_end(const struct bx_boot_map *map)
{
	uint64_t end = 0;

	for (size_t i = 0; i < map->count; i++)
		if (map->spans[i].kind != BX_REGION_RESERVED)
			end = map->spans[i].end;
	return end < BX_DIRECT_MAP_SIZE ? end : BX_DIRECT_MAP_SIZE;
}
