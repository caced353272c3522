/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * kernel.h -- the kernel binary's own state and words.
 */
#ifndef BRAINIX_KERNEL_KERNEL_H
#define BRAINIX_KERNEL_KERNEL_H

#include <brainix/kcore.h>
#include <brainix/x86_64.h>

/* All of the binary's state; zero at start. */
struct bx_kernel {
	struct bx_x86_memory machine_memory;
	struct bx_machine *machine;
	struct bx_x86_facts facts;
	struct bx_boot_info info;	/* private copy, checked before use */
	struct bx_acpi_range ranges[BX_ACPI_RANGES_MAX];
	struct bx_acpi_info acpi;
	struct bx_kcore_region regions[BX_BOOT_REGIONS_MAX];
	struct bx_kcore_module modules[BX_BOOT_MODULES_MAX];
	struct bx_kcore *core;		/* NULL until it is made */
	bool debug_exit;		/* end the emulator after a panic */
	bool panicking;
};

extern struct bx_kernel bx_kernel;

/* Ports and values of QEMU's isa-debug-exit: its exit status is value * 2 + 1. */
#define BX_DEBUG_EXIT_PORT	0xf4
#define BX_DEBUG_EXIT_PANIC	0x10	/* status 33 */

/* print.c: words on the console. */
void bx_print(const char *text);
void bx_print_decimal(uint64_t value);
void bx_print_hex(uint64_t value, unsigned digits);
void bx_print_padded(const char *text, unsigned width);

#endif
