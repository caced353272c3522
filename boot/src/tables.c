/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tables.c -- the page tables of the hand-over.  Pure; see boot.h.
 * SDM 3A, 4.5 "4-level paging", tables 4-15 to 4-20.
 *
 *	root		[0] identity   [256] direct map   [511] kernel
 *	identity	one page directory pointer, directory and table: one page, executable
 *	direct map	a directory for each GiB, 2 MiB pages, writable, not executable
 *	kernel		the window's directory, a table for each 2 MiB of it
 */
#include "boot.h"

#define ENTRIES			512u
#define LARGE_PAGE		0x200000u
#define GIB			0x40000000u

#define PRESENT			0x001u
#define WRITABLE		0x002u
#define LARGE			0x080u
#define NO_EXECUTE		0x8000000000000000u
#define TABLE			(PRESENT | WRITABLE)

/* Tables of the whole window; an index into a level (2: directory, 1: table). */
#define KERNEL_TABLES		(BX_KERNEL_SIZE_MAX / LARGE_PAGE)
#define INDEX(address, level)	(((address) >> (3 + 9 * (level))) % ENTRIES)

BX_STATIC_ASSERT(BX_KERNEL_SIZE_MAX % LARGE_PAGE == 0, "whole tables");
BX_STATIC_ASSERT(INDEX(BX_KERNEL_BASE, 2) == 0, "the window lies in one directory");
BX_STATIC_ASSERT(KERNEL_TABLES <= ENTRIES, "the window lies in one directory");
BX_STATIC_ASSERT(BX_DIRECT_MAP_SIZE == (uint64_t)ENTRIES * GIB, "one root entry");

/* Order of the pages: root, 3 identity, direct map pointers, kernel pointers, kernel directory,
 * kernel tables, direct map directories. */
enum {
	PAGE_ROOT, PAGE_ID_POINTERS, PAGE_ID_DIRECTORY, PAGE_ID_TABLE, PAGE_DIRECT_POINTERS,
	PAGE_KERNEL_POINTERS, PAGE_KERNEL_DIRECTORY, PAGE_KERNEL_TABLES,
	PAGE_DIRECT_DIRECTORIES = PAGE_KERNEL_TABLES + KERNEL_TABLES
};

static uint64_t
direct_gibs(const struct bx_boot_tables *tables)
{
	return (tables->direct_map_end + GIB - 1) / GIB;
}

uint64_t
bx_boot_tables_pages(const struct bx_boot_tables *tables)
{
	return PAGE_DIRECT_DIRECTORIES + direct_gibs(tables);
}

static uint64_t *
entry_of(uintptr_t view, uint64_t table, uint64_t index)
{
	return (uint64_t *)(view + table) + index;
}

static void
build_segment(const struct bx_boot_segment *segment, uint64_t kernel_tables, uintptr_t view)
{
	uint64_t flags = PRESENT;

	if ((segment->flags & BX_BOOT_PF_W) != 0)
		flags |= WRITABLE;
	if ((segment->flags & BX_BOOT_PF_X) == 0)
		flags |= NO_EXECUTE;
	BX_ASSERT((flags & WRITABLE) == 0 || (flags & NO_EXECUTE) != 0);
	for (uint64_t done = 0; done < segment->size; done += BX_BOOT_PAGE) {
		/* Tables of the window lie one after the other. */
		uint64_t page = (segment->virtual_address - BX_KERNEL_BASE + done) / BX_BOOT_PAGE;
		BX_ASSERT(page < (uint64_t)KERNEL_TABLES * ENTRIES);
		*entry_of(view, kernel_tables, page) = (segment->physical_address + done) | flags;
	}
}

void
bx_boot_tables_build(const struct bx_boot_tables *tables, uint64_t base, uintptr_t view)
{
	BX_ASSERT(bx_is_aligned(base, BX_BOOT_PAGE));
	BX_ASSERT(bx_is_aligned(tables->direct_map_end, LARGE_PAGE));
	BX_ASSERT(tables->direct_map_end <= BX_DIRECT_MAP_SIZE);
	BX_ASSERT(tables->trampoline < BX_BOOT_LOW_END);

#define PAGE(number) (base + (uint64_t)(number) * BX_BOOT_PAGE)
	memset((void *)(view + base), 0, bx_boot_tables_pages(tables) * BX_BOOT_PAGE);
	*entry_of(view, base, 0) = PAGE(PAGE_ID_POINTERS) | TABLE;
	*entry_of(view, base, INDEX(BX_DIRECT_MAP, 4)) = PAGE(PAGE_DIRECT_POINTERS) | TABLE;
	*entry_of(view, base, INDEX(BX_KERNEL_BASE, 4)) = PAGE(PAGE_KERNEL_POINTERS) | TABLE;

	uint64_t page = tables->trampoline;
	*entry_of(view, PAGE(PAGE_ID_POINTERS), INDEX(page, 3)) = PAGE(PAGE_ID_DIRECTORY) | TABLE;
	*entry_of(view, PAGE(PAGE_ID_DIRECTORY), INDEX(page, 2)) = PAGE(PAGE_ID_TABLE) | TABLE;
	*entry_of(view, PAGE(PAGE_ID_TABLE), INDEX(page, 1)) = page | PRESENT;

	for (uint64_t gib = 0; gib < direct_gibs(tables); gib++)
		*entry_of(view, PAGE(PAGE_DIRECT_POINTERS), gib) =
		    PAGE(PAGE_DIRECT_DIRECTORIES + gib) | TABLE;
	/* Directories lie one after the other too. */
	for (uint64_t at = 0; at < tables->direct_map_end; at += LARGE_PAGE)
		*entry_of(view, PAGE(PAGE_DIRECT_DIRECTORIES), at / LARGE_PAGE) =
		    at | PRESENT | WRITABLE | LARGE | NO_EXECUTE;

	*entry_of(view, PAGE(PAGE_KERNEL_POINTERS), INDEX(BX_KERNEL_BASE, 3)) =
	    PAGE(PAGE_KERNEL_DIRECTORY) | TABLE;
	for (uint64_t i = 0; i < KERNEL_TABLES; i++)
		*entry_of(view, PAGE(PAGE_KERNEL_DIRECTORY), i) =
		    PAGE(PAGE_KERNEL_TABLES + i) | TABLE;
	for (uint32_t i = 0; i < tables->segment_count; i++)
		build_segment(&tables->segments[i], PAGE(PAGE_KERNEL_TABLES), view);
#undef PAGE
}
