/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/bootinfo.h -- what the bootloader hands to the kernel.  Layer 0.
 *
 * One structure, in one page-aligned run of frames of its own, whose physical address is in rdi
 * when the kernel's entry point is called.  The kernel checks it as it checks any input.
 *
 * State at the kernel's entry point:
 *   - 64-bit mode, interrupts off, paging on by the bootloader's tables: the kernel's segments at
 *     their addresses with their permissions (4 KiB pages, never writable and executable), all
 *     memory below `direct_map_end` at BX_DIRECT_MAP (no-execute), and the bootloader's own code
 *     where it runs (identity), which the kernel must not rely on after it has loaded its own CR3;
 *   - CR0.WP and EFER.NXE are set (NXE when the CPU has it);
 *   - rsp points to the end of a bootloader stack of at least 8 KiB, 16-aligned minus 8;
 *   - no boot services of firmware are left running.
 */
#ifndef BRAINIX_BOOTINFO_H
#define BRAINIX_BOOTINFO_H

#define BX_KERNEL_BASE		0xffffffff80000000	/* link address: the top 2 GiB */
#define BX_KERNEL_SIZE_MAX	0x02000000		/* 32 MiB with its .bss */
#define BX_DIRECT_MAP		0xffff800000000000	/* physical address 0 */
#define BX_DIRECT_MAP_SIZE	0x0000008000000000	/* 512 GiB: one PML4 entry */

#define BX_BOOT_MAGIC		0x4f464e49544f4258	/* "XBOTINFO" as bytes */
#define BX_BOOT_VERSION		1
#define BX_BOOT_REGIONS_MAX	128
#define BX_BOOT_MODULES_MAX	64

#ifndef __ASSEMBLER__

#include <brainix/base.h>

enum bx_boot_region_kind {
	BX_REGION_FREE = 1,		/* RAM that nobody uses */
	BX_REGION_KERNEL = 2,		/* the kernel's loaded segments */
	BX_REGION_MODULE = 3,		/* modules; free after the kernel has copied what it needs */
	BX_REGION_LOADER = 4,		/* bootloader and this structure; free once the kernel is done */
	BX_REGION_FIRMWARE = 5,		/* ACPI tables, runtime services: readable, never handed out */
	BX_REGION_RESERVED = 6		/* not RAM, or not to be touched */
};

/* Sorted by base, page-aligned, not overlapping. */
struct bx_boot_region {
	uint64_t base, size;		/* bytes */
	uint32_t kind;			/* enum bx_boot_region_kind */
	uint32_t reserved;
};

struct bx_boot_module {
	uint64_t base, size;		/* physical, page-aligned base; exact size in bytes */
	char name[32];			/* NUL-terminated: first word of the module's command line */
};

struct bx_boot_segment {
	uint64_t virtual_address, physical_address, size;	/* page multiples */
	uint32_t flags;			/* ELF PF_X 1, PF_W 2, PF_R 4; never W and X */
	uint32_t reserved;
};

struct bx_boot_info {
	uint64_t magic;
	uint32_t version;
	uint32_t size;			/* of this structure, bytes */
	uint64_t entry_ticks;		/* time stamp counter at the bootloader's first instruction */
	uint64_t direct_map_end;	/* bytes mapped at BX_DIRECT_MAP */
	uint64_t rsdp;			/* physical address of the ACPI RSDP copy or original, 0: none */
	uint64_t efi_system_table;	/* physical, 0: booted by BIOS */
	uint64_t framebuffer;		/* physical, 0: none */
	uint32_t framebuffer_width, framebuffer_height, framebuffer_pitch, framebuffer_bits;
	uint32_t region_count, module_count, segment_count;
	uint32_t serial_port;		/* I/O port of the console UART, 0x3f8 */
	char command_line[256];		/* NUL-terminated */
	struct bx_boot_region regions[BX_BOOT_REGIONS_MAX];
	struct bx_boot_module modules[BX_BOOT_MODULES_MAX];
	struct bx_boot_segment segments[8];
};

#endif
#endif
