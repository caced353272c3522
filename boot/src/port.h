/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * port.h -- the machine instructions that the loader's C code needs.  Private to boot/.
 */
#ifndef BOOT_PORT_H
#define BOOT_PORT_H

#include <brainix/base.h>

static inline void
bx_boot_port_write(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t
bx_boot_port_read(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline uint32_t
bx_boot_cpuid_edx(uint32_t leaf)
{
	uint32_t a, b, c, d;

	__asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(leaf), "c"(0));
	return d;
}

static inline uint64_t
bx_boot_cr4(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

#endif
