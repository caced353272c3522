/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * info.c -- fills struct bx_boot_info.  Pure; see boot.h.
 */
#include "boot.h"

enum bx_err
bx_boot_info_set_regions(struct bx_boot_info *info, const struct bx_boot_map *map)
{
	uint32_t count = 0;

	for (size_t i = 0; i < map->count; i++) {
		const struct bx_boot_span *span = &map->spans[i];
		uint32_t kind = span->kind == BX_BOOT_LATER ? (uint32_t)BX_REGION_FREE : span->kind;
		uint64_t end = span->end < BX_DIRECT_MAP_SIZE ? span->end : BX_DIRECT_MAP_SIZE;
		if (span->base >= end)
			break;
		struct bx_boot_region *last = &info->regions[count == 0 ? 0 : count - 1];
		if (count > 0 && last->kind == kind && last->base + last->size == span->base) {
			last->size += end - span->base;
			continue;
		}
		if (count == BX_BOOT_REGIONS_MAX)
			return BX_ERR_NO_MEMORY;
		info->regions[count++] = (struct bx_boot_region){
			.base = span->base, .size = end - span->base, .kind = kind,
		};
	}
	info->region_count = count;
	return BX_OK;
}

enum bx_err
bx_boot_info_set_mbi(struct bx_boot_info *info, const struct bx_boot_mbi *mbi)
{
	size_t length = 0;

	if (mbi->command_line != NULL)
		while (mbi->command_line[length] != 0) {
			if (length == sizeof info->command_line - 1)
				return BX_ERR_RANGE;
			length++;
		}
	/* Nothing below can fail. */
	memcpy(info->command_line, mbi->command_line != NULL ? mbi->command_line :
	    (const uint8_t *)"", length);
	info->command_line[length] = 0;
	info->framebuffer = mbi->framebuffer;
	info->framebuffer_width = mbi->framebuffer_width;
	info->framebuffer_height = mbi->framebuffer_height;
	info->framebuffer_pitch = mbi->framebuffer_pitch;
	info->framebuffer_bits = mbi->framebuffer_bits;
	info->module_count = mbi->module_count;
	memcpy(info->modules, mbi->modules, mbi->module_count * sizeof info->modules[0]);
	return BX_OK;
}
