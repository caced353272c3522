/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * boot.h -- the parts of the bootloader to each other.  Private to boot/.
 *
 * Pure parts, which also run in tests and fuzzers on the build machine:
 *	mbi.c		what GRUB hands over: the multiboot2 boot information
 *	map.c		the memory map: who uses what
 *	elf.c		the kernel's ELF file
 *	tables.c	the page tables of the hand-over
 *	info.c		struct bx_boot_info
 * Parts that touch the machine:
 *	start.S		the two entry points and the jump to the kernel
 *	efi.c		UEFI boot services
 *	serial.c	the serial line
 *	main.c		the order of things
 *
 * GRUB may put the loader anywhere below 4 GiB and does not relocate it: there is no initialised
 * pointer anywhere in it, which boot.ld asserts.
 */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include "memory.h"

#ifndef __ASSEMBLER__

#include <brainix/base.h>
#include <brainix/bootinfo.h>

/* Supplied by mem.c, and by the C library in tests: compilers call them on their own. */
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#define BX_BOOT_PAGE		4096u
#define BX_BOOT_LOW_END		0x100000000u	/* the loader works below 4 GiB only */

/* Functions that judge input return an error for programs and set *where to a static line for
 * people; on success *where means nothing. */

/*
 * mbi.c -- Multiboot2 Specification 2.0, section 3.6 "Boot information format".
 */
#define BX_BOOT_MBI_MAGIC	0x36d76289u	/* in eax at entry */
#define BX_BOOT_MBI_SIZE_MAX	0x100000u

struct bx_boot_mbi {
	const uint8_t *command_line;	/* NUL-terminated, in the information; NULL: none */
	const uint8_t *memory_map;	/* tag 6: entries; NULL: none */
	uint32_t memory_map_count, memory_map_entry;	/* how many, bytes of one */
	const uint8_t *rsdp;		/* ACPI root pointer, a copy; NULL: none */
	uint32_t rsdp_size;		/* 20 or 36 */
	uint32_t module_count;
	uint64_t efi_system_table;	/* 0: none */
	uint64_t efi_image;		/* image handle, 0: none */
	bool efi_boot_services;		/* still running */
	uint64_t framebuffer;		/* 0: none that is linear */
	uint32_t framebuffer_width, framebuffer_height, framebuffer_pitch, framebuffer_bits;
	struct bx_boot_module modules[BX_BOOT_MODULES_MAX];
};

/* Reads the whole boot information at `bytes`, which are at least 8 and, past those, as many as the
 * first word of them says but never more than `size`.  Pointers in *mbi point into `bytes`.
 * Returns BX_OK, or with *where set: BX_ERR_TRUNCATED, BX_ERR_FORMAT, BX_ERR_RANGE (too long),
 * BX_ERR_EXISTS (a tag or module name twice), BX_ERR_NO_MEMORY (more modules than
 * BX_BOOT_MODULES_MAX).  On error *mbi is untouched. */
BX_MUST_USE enum bx_err bx_boot_mbi_parse(const uint8_t *bytes, size_t size,
    struct bx_boot_mbi *mbi, const char **where);

/* The module of that name, or NULL. */
const struct bx_boot_module *bx_boot_mbi_module(const struct bx_boot_mbi *mbi, const char *name);

/*
 * map.c -- the memory map: sorted, disjoint, page-aligned spans, neighbours of different kind.
 * What no span covers is nothing that anybody knows of.
 */
#define BX_BOOT_SPANS_MAX	1024
#define BX_BOOT_LATER		16	/* RAM in use by firmware or GRUB until the hand-over */

struct bx_boot_span {
	uint64_t base, end;
	uint32_t kind;			/* enum bx_boot_region_kind, or BX_BOOT_LATER */
};

/* All zero: empty. */
struct bx_boot_map {
	size_t count;
	struct bx_boot_span spans[BX_BOOT_SPANS_MAX];
};

/* [base, end) is `kind` from now on, whatever it was; both page-aligned, base <= end.
 * BX_ERR_NO_MEMORY: it would need too many spans; the map is then untouched. */
BX_MUST_USE enum bx_err bx_boot_map_set(struct bx_boot_map *map, uint64_t base, uint64_t end,
    uint32_t kind);

/* Fills an empty map from the entries of multiboot2 tag 6 (section 3.6.8).  Where entries overlap,
 * the one that allows less wins.  RAM is rounded inwards to pages, all else outwards.
 * BX_ERR_FORMAT: an entry wraps; BX_ERR_NO_MEMORY; *where set. */
BX_MUST_USE enum bx_err bx_boot_map_from_mbi(struct bx_boot_map *map,
    const struct bx_boot_mbi *mbi, const char **where);

/* The same from a UEFI memory map (UEFI 2.10, section 7.2.3).  Only conventional memory is free at
 * once: the processor still runs on page tables in boot services memory. */
BX_MUST_USE enum bx_err bx_boot_map_from_efi(struct bx_boot_map *map, const uint8_t *bytes,
    size_t size, size_t descriptor_size, const char **where);

/* Whether all of [base, end) is RAM that nothing keeps: free or BX_BOOT_LATER. */
bool bx_boot_map_is_ram(const struct bx_boot_map *map, uint64_t base, uint64_t end);

/* Takes `pages` pages of free memory in [low, high), lowest first, for `kind`.
 * BX_ERR_NO_MEMORY: there is no such run. */
BX_MUST_USE enum bx_err bx_boot_map_take(struct bx_boot_map *map, uint64_t pages, uint64_t low,
    uint64_t high, uint32_t kind, uint64_t *base);

/* First address above all memory (RAM and firmware's), not above BX_DIRECT_MAP_SIZE. */
uint64_t bx_boot_map_memory_end(const struct bx_boot_map *map);

/*
 * elf.c -- the kernel's file: ELF-64 (System V ABI, chapters 4 and 5; x86-64 supplement).
 */
#define BX_BOOT_SEGMENTS_MAX	8

struct bx_boot_elf_segment {
	uint64_t address;		/* virtual, page-aligned */
	uint64_t pages;			/* > 0 */
	uint64_t file_offset, file_size; /* what is not in the file is zero */
	uint32_t flags;			/* PF_* */
};

struct bx_boot_elf {
	uint64_t entry;			/* in an executable segment */
	uint64_t pages;			/* of all segments */
	uint32_t segment_count;		/* sorted by address, no page in two */
	struct bx_boot_elf_segment segments[BX_BOOT_SEGMENTS_MAX];
};

#define BX_BOOT_PF_X		1u
#define BX_BOOT_PF_W		2u
#define BX_BOOT_PF_R		4u

/* Validates everything that loading will rely on.
 * Returns BX_OK, or with *where set: BX_ERR_TRUNCATED, BX_ERR_FORMAT, BX_ERR_UNSUPPORTED (not a
 * static x86-64 executable), BX_ERR_RANGE (outside the kernel's window), BX_ERR_ALIGN,
 * BX_ERR_EXISTS (overlap), BX_ERR_WX, BX_ERR_NO_MEMORY (too many segments).
 * On error *elf is untouched. */
BX_MUST_USE enum bx_err bx_boot_elf_check(const uint8_t *bytes, size_t size,
    struct bx_boot_elf *elf, const char **where);

/*
 * tables.c -- x86-64 page tables (SDM 3A, 4.5): kernel segments in 4 KiB pages, the direct map in
 * 2 MiB pages, and one page of the loader where it runs, for the jump.
 */
struct bx_boot_tables {
	uint64_t direct_map_end;	/* multiple of 2 MiB, <= BX_DIRECT_MAP_SIZE */
	uint64_t trampoline;		/* physical page of the jump, below 4 GiB */
	uint32_t segment_count;
	const struct bx_boot_segment *segments;	/* in the kernel's window, W or X */
};

/* How many pages of tables it takes. */
uint64_t bx_boot_tables_pages(const struct bx_boot_tables *tables);

/* Builds them in bx_boot_tables_pages() pages at physical `base`; the first is the root.
 * Physical address p is seen at `view` + p. */
void bx_boot_tables_build(const struct bx_boot_tables *tables, uint64_t base, uintptr_t view);

/*
 * info.c -- what the kernel gets.
 */
/* Fills info's regions from the map: BX_BOOT_LATER becomes free, what lies above
 * BX_DIRECT_MAP_SIZE is left out.  BX_ERR_NO_MEMORY: more than BX_BOOT_REGIONS_MAX. */
BX_MUST_USE enum bx_err bx_boot_info_set_regions(struct bx_boot_info *info,
    const struct bx_boot_map *map);

/* Command line, framebuffer, modules.  BX_ERR_RANGE: the command line is too long. */
BX_MUST_USE enum bx_err bx_boot_info_set_mbi(struct bx_boot_info *info,
    const struct bx_boot_mbi *mbi);

/*
 * efi.c
 */
/* Physical address of the ACPI root pointer in the configuration table, or 0. */
uint64_t bx_boot_efi_rsdp(uint64_t system_table);

/* Takes the memory map and ends the boot services: after it nothing of the firmware runs.
 * *bytes stay in the loader's memory. */
BX_MUST_USE enum bx_err bx_boot_efi_exit(uint64_t system_table, uint64_t image,
    const uint8_t **bytes, size_t *size, size_t *descriptor_size, const char **where);

/*
 * serial.c -- COM1, 115200 8N1.
 */
#define BX_BOOT_SERIAL_PORT	0x3f8

void bx_boot_serial_init(void);
void bx_boot_print(const char *text);
void bx_boot_print_number(uint64_t value);

/*
 * start.S
 */
/* Hidden: reached without a global offset table, which nobody would fill. */
extern const uint8_t bx_boot_image_start[] __attribute__((visibility("hidden")));
extern const uint8_t bx_boot_image_end[] __attribute__((visibility("hidden")));
extern const uint8_t bx_boot_trampoline[] __attribute__((visibility("hidden")));

/* Loads the tables at `root`, then calls `entry` with rdi = info and the stack that ends at `stack`
 * (an address in those tables). */
BX_NORETURN void bx_boot_jump(uint64_t root, uint64_t info, uint64_t stack, uint64_t entry);

BX_NORETURN void bx_boot_stop(void);

/* From start.S, in 64-bit mode on the loader's stack.  `efi` is 1 at the UEFI entry point. */
BX_NORETURN void bx_boot_main(uint64_t entry_ticks, uint64_t mbi_address, uint32_t magic,
    uint32_t efi);

#endif
#endif
