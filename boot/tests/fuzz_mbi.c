/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_mbi.c -- fuzz target: the multiboot2 boot information, and the memory map made of it.
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

static void
require_sound(const struct bx_boot_map *map)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct bx_boot_span *span = &map->spans[i];
		REQUIRE(span->base < span->end);
		REQUIRE(bx_is_aligned(span->base | span->end, BX_BOOT_PAGE));
		if (i == 0)
			continue;
		REQUIRE(span[-1].end <= span->base);
		REQUIRE(span[-1].end < span->base || span[-1].kind != span->kind);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bx_boot_mbi mbi;
	static struct bx_boot_map map;
	static struct bx_boot_info info;
	const char *where = NULL;

	mbi = (struct bx_boot_mbi){ 0 };
	if (bx_boot_mbi_parse(data, size, &mbi, &where) != BX_OK) {
		REQUIRE(where != NULL && mbi.module_count == 0 && mbi.memory_map == NULL);
		return 0;
	}
	for (uint32_t i = 0; i < mbi.module_count; i++) {
		REQUIRE(mbi.modules[i].size > 0 && mbi.modules[i].name[0] != 0);
		REQUIRE(mbi.modules[i].name[sizeof mbi.modules[i].name - 1] == 0);
		REQUIRE(bx_boot_mbi_module(&mbi, mbi.modules[i].name) == &mbi.modules[i]);
	}
	info = (struct bx_boot_info){ 0 };
	if (bx_boot_info_set_mbi(&info, &mbi) == BX_OK)
		REQUIRE(info.command_line[sizeof info.command_line - 1] == 0);

	map.count = 0;
	if (bx_boot_map_from_mbi(&map, &mbi, &where) == BX_OK) {
		uint64_t base;
		require_sound(&map);
		if (bx_boot_map_take(&map, 3, 0x100000, BX_BOOT_LOW_END, BX_REGION_KERNEL,
		    &base) == BX_OK)
			REQUIRE(base >= 0x100000 && base < BX_BOOT_LOW_END);
		require_sound(&map);
		if (bx_boot_info_set_regions(&info, &map) == BX_OK)
			REQUIRE(info.region_count <= BX_BOOT_REGIONS_MAX);
		REQUIRE(bx_boot_map_memory_end(&map) <= BX_DIRECT_MAP_SIZE);
	}

	/* The same bytes as a UEFI memory map. */
	map.count = 0;
	if (bx_boot_map_from_efi(&map, data, size - size % 48, 48, &where) == BX_OK)
		require_sound(&map);
	return 0;
}
