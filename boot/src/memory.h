/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * memory.h -- numbers that start.S, boot.ld and the C code share.
 */
#ifndef BOOT_MEMORY_H
#define BOOT_MEMORY_H

#define BX_BOOT_LINK_BASE	0x100000	/* GRUB moves the image: nothing relies on this */
#define BX_BOOT_STACK_SIZE	0x20000		/* UEFI 2.10, 2.3.4.1: 128 KiB for boot services */

#endif
