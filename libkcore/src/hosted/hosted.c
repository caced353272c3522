/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * hosted.c -- the hosted machine; see <brainix/kcore-hosted.h>.  Page tables: x86_64/page_table.c.
 *
 * The first pages of memory are the machine's own:
 *	page 0		nothing
 *	pages 1..3	tables of levels 3..1 on the way to the trampoline, shared by all address spaces
 *	page 4		the trampoline: a supervisor page, as on the real machine
 *	pages 8..15	which frames are read-only in the direct map, one bit each (1 GiB)
 */
#include <brainix/kcore-hosted.h>

#include "../core.h"
#include "../x86_64/page_table.h"

#define TRAMPOLINE_TABLE	(1 * BX_PAGE_SIZE)
#define TRAMPOLINE_PAGE		(4 * BX_PAGE_SIZE)
#define READ_ONLY_BITS		(8 * BX_PAGE_SIZE)
#define MEMORY_MAX		(8ull * BX_PAGE_SIZE * 8 * BX_PAGE_SIZE)

uint64_t *
bx_machine_table(struct bx_machine *machine, uint64_t table)
{
	BX_ASSERT(bx_is_aligned(table, BX_PAGE_SIZE));
	BX_ASSERT(table != 0 && table < machine->memory_size);
	return (uint64_t *)(void *)(machine->memory + table);
}

void
bx_machine_page_forget(struct bx_machine *machine, uint64_t root, uint64_t address)
{
	(void)root;
	(void)address;
	machine->forgets++;
}

void
bx_hosted_init(struct bx_machine *machine, uint8_t *memory, uint64_t size)
{
	BX_ASSERT(bx_is_aligned((uintptr_t)memory | size, BX_PAGE_SIZE));
	BX_ASSERT(size > BX_HOSTED_RESERVED && size <= MEMORY_MAX);
	*machine = (struct bx_machine){
		.memory = memory, .memory_size = size, .read_only = memory + READ_ONLY_BITS,
		.timer = UINT64_MAX, .random = 0x9e3779b97f4a7c15ull,
	};
	for (unsigned level = 3; level > 0; level--) {
		uint64_t table = TRAMPOLINE_TABLE + (3 - level) * (uint64_t)BX_PAGE_SIZE;

		bx_machine_table(machine, table)[bx_table_index(BX_HOSTED_TRAMPOLINE, level)] =
		    (table + BX_PAGE_SIZE) | BX_PTE_PRESENT | BX_PTE_ACCESSED;
	}
}

void
bx_machine_root_init(struct bx_machine *machine, uint64_t root)
{
	bx_machine_table(machine, root)[bx_table_index(BX_HOSTED_TRAMPOLINE, 4)] =
	    TRAMPOLINE_TABLE | BX_PTE_PRESENT | BX_PTE_ACCESSED;
}

void
bx_machine_frame_writable(struct bx_machine *machine, uint64_t frame, bool writable)
{
	uint64_t number = frame >> BX_PAGE_SHIFT;
	uint8_t bit = (uint8_t)(1u << (number % 8));

	BX_ASSERT(frame < machine->memory_size);
	if (writable)
		machine->read_only[number / 8] &= (uint8_t)~bit;
	else
		machine->read_only[number / 8] |= bit;
}

bool
bx_hosted_frame_writable(const struct bx_machine *machine, uint64_t frame)
{
	uint64_t number = frame >> BX_PAGE_SHIFT;

	return (machine->read_only[number / 8] >> (number % 8) & 1) == 0;
}

/* The part of [address, + length) that lies in one page, as the kernel's pointer, or NULL. */
static uint8_t *
user_part(struct bx_machine *machine, uint64_t root, uint64_t address, bool write, size_t *length)
{
	uint64_t offset = address % BX_PAGE_SIZE, frame;
	uint32_t flags;

	if (!bx_machine_page_lookup(machine, root, address - offset, &frame, &flags) ||
	    (write && (flags & BX_PAGE_WRITE) == 0))
		return NULL;
	if (*length > BX_PAGE_SIZE - offset)
		*length = BX_PAGE_SIZE - offset;
	return machine->memory + frame + offset;
}

enum bx_err
bx_hosted_user_read(struct bx_machine *machine, uint64_t root, uint64_t address, void *to,
    size_t length)
{
	uint8_t *at = to;

	while (length > 0) {
		size_t part = length;
		const uint8_t *from = user_part(machine, root, address, false, &part);

		if (from == NULL)
			return BX_ERR_ADDRESS;
		memcpy(at, from, part);
		at += part;
		address += part;
		length -= part;
	}
	return BX_OK;
}

enum bx_err
bx_hosted_user_write(struct bx_machine *machine, uint64_t root, uint64_t address,
    const void *from, size_t length)
{
	const uint8_t *at = from;

	while (length > 0) {
		size_t part = length;
		uint8_t *to = user_part(machine, root, address, true, &part);

		if (to == NULL)
			return BX_ERR_ADDRESS;
		memcpy(to, at, part);
		at += part;
		address += part;
		length -= part;
	}
	return BX_OK;
}

void
bx_machine_context_start(struct bx_context *context, uint64_t entry, uint64_t stack,
    const uint64_t argument[4])
{
	*context = (struct bx_context){
		.value = { argument[0], argument[1], argument[2] }, .word = { argument[3] },
		.stack = stack, .pc = entry, .flags = 0x202, .resume = BX_RESUME_FULL,
	};
}

uint64_t
bx_machine_now(struct bx_machine *machine)
{
	machine->now += machine->now_step;
	return machine->now;
}

void
bx_machine_timer_set(struct bx_machine *machine, uint64_t tick)
{
	machine->timer = tick;
}

/* xorshift64 (Marsaglia, "Xorshift RNGs", 2003): every run the same. */
uint64_t
bx_machine_random(struct bx_machine *machine)
{
	machine->random ^= machine->random << 13;
	machine->random ^= machine->random >> 7;
	machine->random ^= machine->random << 17;
	return machine->random;
}

uint32_t
bx_machine_features(const struct bx_machine *machine)
{
	return machine->features;
}

bool
bx_machine_interrupt_pending(struct bx_machine *machine)
{
	machine->interrupt_asked++;
	if (machine->timer_interrupts) {
		machine->now += machine->now_step;
		if (machine->timer <= machine->now)
			return true;
	}
	return machine->interrupt_every != 0 &&
	    machine->interrupt_asked % machine->interrupt_every == 0;
}

void
bx_machine_console_write(struct bx_machine *machine, const char *text, size_t length)
{
	size_t room = BX_HOSTED_CONSOLE_SIZE - machine->console_length;

	if (length > room)
		length = room;
	memcpy(machine->console + machine->console_length, text, length);
	machine->console_length += length;
}

enum bx_err
bx_machine_irq_open(struct bx_machine *machine, uint32_t line, uint32_t irq_flags,
    uint32_t *number)
{
	(void)irq_flags;
	if (line >= BX_HOSTED_IRQS)
		return BX_ERR_RANGE;
	if (machine->irq_open[line])
		return BX_ERR_BUSY;
	machine->irq_open[line] = true;
	*number = line;
	return BX_OK;
}

void
bx_machine_irq_unmask(struct bx_machine *machine, uint32_t number)
{
	machine->irq_unmasked[number] = true;
}

void
bx_machine_irq_mask(struct bx_machine *machine, uint32_t number)
{
	machine->irq_unmasked[number] = false;
}

uint32_t
bx_machine_port_in(struct bx_machine *machine, uint16_t port, unsigned width)
{
	machine->port = port;
	machine->port_width = width;
	machine->port_reads++;
	return machine->port_value;
}

void
bx_machine_port_out(struct bx_machine *machine, uint16_t port, unsigned width, uint32_t value)
{
	machine->port = port;
	machine->port_width = width;
	machine->port_written = value;
	machine->port_writes++;
}

void
bx_machine_power(struct bx_machine *machine, unsigned how)
{
	machine->power = how;
}

void
bx_machine_domain_switch(struct bx_machine *machine)
{
	machine->domain_switches++;
}
