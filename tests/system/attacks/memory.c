/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* memory.c -- attacks on memory: INV-MEM.  All but the last few must end by a page fault. */
#include "attack.h"

/* A pointer that the compiler cannot reason about: it would refuse null. */
static volatile uint64_t *
pointer_to(uint64_t address)
{
	__asm__("" : "+r" (address));
	return (volatile uint64_t *)address;
}

static void
read_at(struct attacker *attacker, uint64_t address)
{
	volatile const uint64_t *pointer = pointer_to(address);
	uint64_t value;

	touches(attacker, address);
	value = *pointer;
	say(attacker, "BREACH: read 0x%lx at 0x%lx", value, address);
}

static void
write_at(struct attacker *attacker, uint64_t address)
{
	volatile uint64_t *pointer = pointer_to(address);

	touches(attacker, address);
	*pointer = 0x6b6f6f6861706cull;
	say(attacker, "BREACH: wrote at 0x%lx", address);
}

static void
run_at(struct attacker *attacker, uint64_t address)
{
	touches(attacker, address);
	__asm__ volatile("call *%0" : : "r" (address) : "memory");
}

static void read_kernel_text(struct attacker *a)	{ read_at(a, KERNEL_TEXT); }
static void read_direct_map(struct attacker *a)		{ read_at(a, DIRECT_MAP + 0x100000); }
static void read_kernel_end(struct attacker *a)		{ read_at(a, 0xfffffffffffff000ull); }
static void write_kernel_text(struct attacker *a)	{ write_at(a, KERNEL_TEXT); }
static void write_direct_map(struct attacker *a)	{ write_at(a, DIRECT_MAP + 0x100000); }
static void run_kernel_text(struct attacker *a)		{ run_at(a, KERNEL_TEXT); }
static void read_null(struct attacker *a)		{ read_at(a, 0); }
static void write_null(struct attacker *a)		{ write_at(a, 8); }
static void run_null(struct attacker *a)		{ run_at(a, 0); }
static void read_victim(struct attacker *a)		{ read_at(a, VICTIM_ADDRESS); }
static void write_victim(struct attacker *a)		{ write_at(a, VICTIM_ADDRESS); }
static void read_noncanonical(struct attacker *a)	{ read_at(a, 0x0000900000000000ull); }
static void run_noncanonical(struct attacker *a)	{ run_at(a, 0x0000800000000000ull); }
static void read_last_page(struct attacker *a)		{ read_at(a, BX_USER_END); }
static void write_stack_guard(struct attacker *a)	{ write_at(a, STACK_BOTTOM - 8); }
static void write_launch(struct attacker *a)	{ write_at(a, (uint64_t)(uintptr_t)a->sys->launch); }

static void
write_text(struct attacker *attacker)
{
	write_at(attacker, (uint64_t)(uintptr_t)&run_at);
}

static void
write_rodata(struct attacker *attacker)
{
	write_at(attacker, (uint64_t)(uintptr_t)attacks_memory);
}

/* 0xc3: RET. */
static void
run_stack(struct attacker *attacker)
{
	volatile uint8_t code[16] = { 0xc3 };

	run_at(attacker, (uint64_t)(uintptr_t)code);
}

static void
run_data(struct attacker *attacker)
{
	uint32_t memory = slot_of(attacker, "memory");

	if (bx_sys_map(memory, 0x20000000, 0, 1, BX_MAP_READ | BX_MAP_WRITE) != BX_OK) {
		say(attacker, "attack: cannot map");
		return;
	}
	*(volatile uint8_t *)0x20000000 = 0xc3;
	run_at(attacker, 0x20000000);
}

/* At an address that the test knows from the kernel's symbols: its entry code and tables, which are
 * mapped here for the processor, not for us. */
static void read_address(struct attacker *a)	{ read_at(a, a->parameter); }
static void write_address(struct attacker *a)	{ write_at(a, a->parameter); }
static void run_address(struct attacker *a)	{ run_at(a, a->parameter); }

static unsigned
deeper(volatile unsigned *depth)
{
	volatile uint8_t frame[512];

	frame[0] = (uint8_t)(*depth)++;
	return deeper(depth) + frame[0];
}

static void
stack_overflow(struct attacker *attacker)
{
	volatile unsigned depth = 0;

	say(attacker, "attack: touches the page before 0x%lx", STACK_BOTTOM);
	(void)deeper(&depth);
}

/* Every way to ask for a page that is writable and executable, or a frame mapped twice. */
static void
map_wx(struct attacker *attacker)
{
	uint32_t memory = slot_of(attacker, "memory");

	if (bx_sys_map(memory, 0x20000000, 0, 1, BX_MAP_READ | BX_MAP_WRITE | BX_MAP_EXECUTE) !=
	    BX_ERR_WX)
		breach(attacker, "a writable and executable mapping was not refused with BX_ERR_WX");
	if (bx_sys_map(memory, 0x20000000, 0, 1, BX_MAP_WRITE | BX_MAP_EXECUTE) == BX_OK)
		breach(attacker, "a writable and executable mapping was made");
	if (bx_sys_map(memory, 0x20000000, 0, 1, BX_MAP_READ | BX_MAP_WRITE) != BX_OK)
		breach(attacker, "an honest mapping was refused");
	if (bx_sys_map(memory, 0x20001000, 0, 1, BX_MAP_READ | BX_MAP_EXECUTE) == BX_OK)
		breach(attacker, "one frame is mapped twice");
	if (bx_sys_map(memory, 0x20001000, 0, 1, BX_MAP_READ) == BX_OK)
		breach(attacker, "one frame is mapped twice");
	if (bx_sys_map(memory, 0x20000000, 1, 1, BX_MAP_READ) == BX_OK)
		breach(attacker, "one address holds two frames");
	bx_err_ignore(bx_sys_unmap(memory, 0, 1));
}

/* One frame at two addresses.  If that goes, it stays so until somebody has looked at the tables. */
static void
map_twice(struct attacker *attacker)
{
	uint32_t memory = slot_of(attacker, "memory");

	if (bx_sys_map(memory, 0x20000000, 0, 1, BX_MAP_READ | BX_MAP_WRITE) != BX_OK)
		breach(attacker, "an honest mapping was refused");
	if (bx_sys_map(memory, 0x20001000, 0, 1, BX_MAP_READ) == BX_OK) {
		breach(attacker, "one frame is mapped twice");
		bx_sys_sleep(bx_sys_deadline_far());
	}
	bx_err_ignore(bx_sys_unmap(memory, 0, 1));
}

/* Mappings where none may be. */
static void
map_anywhere(struct attacker *attacker)
{
	static const uint64_t addresses[] = { 0, 0x1000, 0xf000, BX_USER_END - 0x1000 + 0x1000,
		0x0000800000000000ull, DIRECT_MAP, KERNEL_TEXT, 0xfffffffffffff000ull, 0x20000800 };
	uint32_t memory = slot_of(attacker, "memory");

	for (size_t i = 0; i < BX_ARRAY_COUNT(addresses); i++)
		if (bx_sys_map(memory, addresses[i], 0, 1, BX_MAP_READ | BX_MAP_WRITE) == BX_OK)
			breach(attacker, "a mapping was made outside of the user's addresses");
	if (bx_sys_map(memory, 0x20000000, 0, UINT64_MAX, BX_MAP_READ) == BX_OK)
		breach(attacker, "more pages were mapped than the capability has");
	if (bx_sys_map(memory, 0x20000000, UINT64_MAX, 2, BX_MAP_READ) == BX_OK)
		breach(attacker, "pages before the first were mapped");
	if (bx_sys_map(memory, (uint64_t)(uintptr_t)attacks_memory & ~0xfffull, 0, 1, BX_MAP_READ) ==
	    BX_OK)
		breach(attacker, "the program's own constants were mapped over");
}

/* Whether `count` words are zero; after that they are not. */
static bool
spoil(volatile uint64_t *word, size_t count)
{
	bool zero = true;

	for (size_t i = 0; i < count; i++) {
		zero = zero && word[i] == 0;
		word[i] = 0x7365637265740000ull + i;
	}
	return zero;
}

/* A frame that comes back must be zero: what the last one wrote that did this is not to be seen, be
 * it in a memory object, in variables that begin as zero, or on a stack.  So it is run twice: the
 * first run fills all that it has. */
static void
memory_reuse(struct attacker *attacker)
{
	static uint64_t variables[4 * BX_PAGE_SIZE / 8];

	if (bx_sys_map(slot_of(attacker, "memory"), 0x20000000, 0, LOOT_PAGES,
	    BX_MAP_READ | BX_MAP_WRITE) != BX_OK) {
		breach(attacker, "an honest mapping was refused");
		return;
	}
	if (!spoil(pointer_to(0x20000000), LOOT_PAGES * BX_PAGE_SIZE / 8))
		breach(attacker, "a fresh page of memory holds somebody's data");
	if (!spoil(variables, BX_ARRAY_COUNT(variables)))
		breach(attacker, "variables that begin as zero hold somebody's data");
	if (!spoil(pointer_to(STACK_BOTTOM), 2 * BX_PAGE_SIZE / 8))
		breach(attacker, "a fresh stack holds somebody's data");
}

static void
use_after_unmap(struct attacker *attacker)
{
	uint32_t memory = slot_of(attacker, "memory");
	volatile uint64_t *page = (volatile uint64_t *)0x20000000;

	if (bx_sys_map(memory, 0x20000000, 0, 1, BX_MAP_READ | BX_MAP_WRITE) != BX_OK)
		return;
	*page = 1;
	bx_err_ignore(bx_sys_unmap(memory, 0, 1));
	read_at(attacker, 0x20000000);
}

const struct attack attacks_memory[] = {
	{ "read-kernel-text", ENDS_PAGE_FAULT, read_kernel_text },
	{ "read-direct-map", ENDS_PAGE_FAULT, read_direct_map },
	{ "read-kernel-end", ENDS_PAGE_FAULT, read_kernel_end },
	{ "read-address", ENDS_PAGE_FAULT, read_address },
	{ "write-address", ENDS_PAGE_FAULT, write_address },
	{ "run-address", ENDS_PAGE_FAULT, run_address },
	{ "write-kernel-text", ENDS_PAGE_FAULT, write_kernel_text },
	{ "write-direct-map", ENDS_PAGE_FAULT, write_direct_map },
	{ "run-kernel-text", ENDS_PAGE_FAULT, run_kernel_text },
	{ "read-null", ENDS_PAGE_FAULT, read_null },
	{ "write-null", ENDS_PAGE_FAULT, write_null },
	{ "run-null", ENDS_PAGE_FAULT, run_null },
	{ "read-victim", ENDS_PAGE_FAULT, read_victim },
	{ "write-victim", ENDS_PAGE_FAULT, write_victim },
	{ "read-noncanonical", ENDS_PROTECTION, read_noncanonical },
	{ "run-noncanonical", ENDS_PROTECTION, run_noncanonical },
	{ "read-last-page", ENDS_PAGE_FAULT, read_last_page },
	{ "write-text", ENDS_PAGE_FAULT, write_text },
	{ "write-rodata", ENDS_PAGE_FAULT, write_rodata },
	{ "write-launch", ENDS_PAGE_FAULT, write_launch },
	{ "run-stack", ENDS_PAGE_FAULT, run_stack },
	{ "run-data", ENDS_PAGE_FAULT, run_data },
	{ "write-stack-guard", ENDS_PAGE_FAULT, write_stack_guard },
	{ "stack-overflow", ENDS_PAGE_FAULT, stack_overflow },
	{ "use-after-unmap", ENDS_PAGE_FAULT, use_after_unmap },
	{ "map-wx", ENDS_REFUSED, map_wx },
	{ "map-twice", ENDS_REFUSED, map_twice },
	{ "map-anywhere", ENDS_REFUSED, map_anywhere },
	{ "memory-reuse", ENDS_REFUSED, memory_reuse },
	{ NULL, ENDS_REFUSED, NULL },
};
