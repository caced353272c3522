/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * bootinfo.c -- the bootloader's structure, checked like any input, and the frames that the kernel
 * takes from its free regions before there is a core.  Pure: no machine is touched.
 */
#include <brainix/x86_64.h>

#define FIRST_MIB	0x100000u	/* firmware's data, and where other CPUs begin */

struct check {
	const struct bx_boot_info *info;
	const char **where;
};

static enum bx_err
refuse(struct check check, enum bx_err err, const char *where)
{
	*check.where = where;
	return err;
}

static bool
is_page_run(uint64_t base, uint64_t size)
{
	return bx_is_aligned(base, BX_PAGE_SIZE) && bx_is_aligned(size, BX_PAGE_SIZE) && size != 0 &&
	    size <= UINT64_MAX - base;
}

static bool
ends_with_nul(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] == '\0')
			return true;
	return false;
}

static enum bx_err
check_regions(struct check check)
{
	uint64_t end = 0;

	if (check.info->region_count == 0 || check.info->region_count > BX_BOOT_REGIONS_MAX)
		return refuse(check, BX_ERR_RANGE, "region_count");
	for (uint32_t i = 0; i < check.info->region_count; i++) {
		const struct bx_boot_region *r = &check.info->regions[i];

		if (!is_page_run(r->base, r->size))
			return refuse(check, BX_ERR_ALIGN, "regions[]: base, size");
		if (r->base < end)
			return refuse(check, BX_ERR_FORMAT, "regions[]: order");
		if (r->kind < BX_REGION_FREE || r->kind > BX_REGION_RESERVED)
			return refuse(check, BX_ERR_FORMAT, "regions[]: kind");
		end = r->base + r->size;
	}
	return BX_OK;
}

/* Whether [base, base + size) lies in regions of `kind` and in the direct map. */
static bool
lies_in(const struct bx_boot_info *info, uint64_t base, uint64_t size, uint32_t kind)
{
	uint64_t end = base + size;

	if (size > UINT64_MAX - base || end > info->direct_map_end)
		return false;
	for (uint32_t i = 0; i < info->region_count && base < end; i++) {
		const struct bx_boot_region *r = &info->regions[i];

		if (r->kind == kind && base >= r->base && base - r->base < r->size)
			base = r->base + r->size;
	}
	return base >= end;
}

static enum bx_err
check_modules(struct check check)
{
	const struct bx_boot_info *info = check.info;

	if (info->module_count > BX_BOOT_MODULES_MAX)
		return refuse(check, BX_ERR_RANGE, "module_count");
	for (uint32_t i = 0; i < info->module_count; i++) {
		const struct bx_boot_module *m = &info->modules[i];

		if (!bx_is_aligned(m->base, BX_PAGE_SIZE))
			return refuse(check, BX_ERR_ALIGN, "modules[]: base");
		if (!lies_in(info, m->base, m->size, BX_REGION_MODULE))
			return refuse(check, BX_ERR_RANGE, "modules[]: base, size");
		if (!ends_with_nul(m->name, sizeof(m->name)))
			return refuse(check, BX_ERR_FORMAT, "modules[]: name");
	}
	return BX_OK;
}

/* Every page of [start, end) lies in a segment with exactly these flags. */
static bool
is_loaded(const struct bx_boot_info *info, uint64_t start, uint64_t end, uint32_t flags)
{
	for (uint32_t i = 0; i < info->segment_count && start < end; i++) {
		const struct bx_boot_segment *s = &info->segments[i];

		if (s->flags == flags && start >= s->virtual_address &&
		    start - s->virtual_address < s->size)
			start = s->virtual_address + s->size;
	}
	return start >= end;
}

static enum bx_err
check_segments(struct check check, const struct bx_x86_image *image)
{
	const struct bx_boot_info *info = check.info;
	uint64_t end = BX_KERNEL_BASE;

	if (info->segment_count == 0 || info->segment_count > BX_ARRAY_COUNT(info->segments))
		return refuse(check, BX_ERR_RANGE, "segment_count");
	for (uint32_t i = 0; i < info->segment_count; i++) {
		const struct bx_boot_segment *s = &info->segments[i];

		if (!is_page_run(s->virtual_address, s->size) ||
		    !is_page_run(s->physical_address, s->size))
			return refuse(check, BX_ERR_ALIGN, "segments[]");
		if (s->virtual_address < end ||
		    s->virtual_address - BX_KERNEL_BASE > BX_KERNEL_SIZE_MAX ||
		    s->size > BX_KERNEL_SIZE_MAX - (s->virtual_address - BX_KERNEL_BASE))
			return refuse(check, BX_ERR_RANGE, "segments[]: virtual_address");
		if ((s->flags & 3) == 3 || s->flags > 7)
			return refuse(check, BX_ERR_WX, "segments[]: flags");
		if (!lies_in(info, s->physical_address, s->size, BX_REGION_KERNEL))
			return refuse(check, BX_ERR_RANGE, "segments[]: physical_address");
		end = s->virtual_address + s->size;
	}
	if (!is_loaded(info, image->text, image->text_end, 4 | 1) ||
	    !is_loaded(info, image->rodata, image->rodata_end, 4) ||
	    !is_loaded(info, image->data, image->data_end, 4 | 2))
		return refuse(check, BX_ERR_FORMAT, "segments[]: not those of this kernel");
	return BX_OK;
}

enum bx_err
bx_bootinfo_check(const struct bx_boot_info *info, const struct bx_x86_image *image,
    const char **where)
{
	struct check check = { info, where };
	enum bx_err err;

	if (info->magic != BX_BOOT_MAGIC)
		return refuse(check, BX_ERR_FORMAT, "magic");
	if (info->version != BX_BOOT_VERSION)
		return refuse(check, BX_ERR_VERSION, "version");
	if (info->size != sizeof(*info))
		return refuse(check, BX_ERR_VERSION, "size");
	if (!bx_is_aligned(info->direct_map_end, BX_PAGE_SIZE) || info->direct_map_end == 0 ||
	    info->direct_map_end > BX_DIRECT_MAP_SIZE)
		return refuse(check, BX_ERR_RANGE, "direct_map_end");
	if (info->serial_port > 0xfff8)
		return refuse(check, BX_ERR_RANGE, "serial_port");
	if (!ends_with_nul(info->command_line, sizeof(info->command_line)))
		return refuse(check, BX_ERR_FORMAT, "command_line");
	err = check_regions(check);
	if (err == BX_OK)
		err = check_modules(check);
	if (err == BX_OK)
		err = check_segments(check, image);
	return err;
}

enum bx_err
bx_x86_carve(struct bx_boot_info *info, uint64_t limit, uint64_t size, uint64_t *physical)
{
	if (size == 0 || size > BX_DIRECT_MAP_SIZE)
		return BX_ERR_NO_MEMORY;
	size = bx_align_up(size, BX_PAGE_SIZE);
	for (uint32_t i = info->region_count; i > 0; i--) {
		struct bx_boot_region *r = &info->regions[i - 1];
		uint64_t first = r->base < FIRST_MIB ? FIRST_MIB : r->base;

		if (r->kind != BX_REGION_FREE || r->base + r->size > limit ||
		    r->base + r->size < first || r->base + r->size - first < size)
			continue;
		r->size -= size;
		*physical = r->base + r->size;
		return BX_OK;
	}
	return BX_ERR_NO_MEMORY;
}
