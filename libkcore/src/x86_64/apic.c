/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * apic.c -- the local interrupt controller with its timer, the I/O interrupt controllers, and lines.
 * Source: SDM 3A chapter 11 (APIC); 82093AA data sheet (I/O APIC); MultiProcessor Specification 1.4,
 * table 4-10 (polarity and trigger of overrides).
 */
#include <brainix/sysimage.h>

#include "x86.h"

/* Local APIC registers: indices of 32-bit words (SDM table 11-1). */
#define LAPIC_TASK_PRIORITY	(0x080 / 4)
#define LAPIC_EOI		(0x0b0 / 4)
#define LAPIC_LOGICAL		(0x0d0 / 4)
#define LAPIC_SPURIOUS		(0x0f0 / 4)
#define LAPIC_REQUESTS		(0x200 / 4)	/* 8 registers of 32 vectors, 16 bytes apart */
#define LAPIC_ID		(0x020 / 4)
#define LAPIC_COMMAND_LOW	(0x300 / 4)
#define LAPIC_TIMER		(0x320 / 4)
#define LAPIC_LINT0		(0x350 / 4)
#define LAPIC_LINT1		(0x360 / 4)
#define LAPIC_ERROR		(0x370 / 4)
#define LAPIC_TIMER_COUNT	(0x380 / 4)
#define LAPIC_TIMER_LEFT	(0x390 / 4)
#define LAPIC_TIMER_DIVIDE	(0x3e0 / 4)

#define LAPIC_ENABLE		0x100u
#define LAPIC_MASKED		0x10000u
#define LAPIC_NMI		0x400u
#define LAPIC_TO_SELF		(1u << 18)
#define LAPIC_DIVIDE_BY_16	3u

#define APIC_BASE_ENABLE	(1ull << 11)
#define APIC_BASE_ADDRESS	0x000ffffffffff000ull
#define APIC_BASE_X2		(1ull << 10)

/* I/O APIC: an index and a data register; redirection entries are pairs from 0x10 on. */
#define IOAPIC_INDEX		0
#define IOAPIC_DATA		(0x10 / 4)
#define IOAPIC_VERSION		1u
#define IOAPIC_ENTRY		0x10u
#define IOAPIC_LEVEL		(1u << 15)
#define IOAPIC_MASKED		(1u << 16)
#define IOAPIC_ACTIVE_LOW	(1u << 13)

#define PIC_MASTER		0x20
#define PIC_SLAVE		0xa0

/* ---- local ------------------------------------------------------------------------------------- */

void
bx_x86_timer_count(struct bx_machine *machine, uint32_t count)
{
	machine->lapic[LAPIC_TIMER_COUNT] = count;
}

uint32_t
bx_x86_timer_left(const struct bx_machine *machine)
{
	return machine->lapic[LAPIC_TIMER_LEFT];
}

void
bx_x86_interrupt_done(struct bx_machine *machine)
{
	machine->lapic[LAPIC_EOI] = 0;
}

bool
bx_machine_interrupt_pending(struct bx_machine *machine)
{
	for (unsigned i = 1; i < 8; i++)
		if ((machine->vectors_used >> i & 1) != 0 &&
		    machine->lapic[LAPIC_REQUESTS + 4 * i] != 0)
			return true;
	return false;
}

/* The two 8259s: moved away from the exceptions' vectors, then masked for good. */
static void
pic_silence(void)
{
	static const uint8_t words[4][2] = {
		{ 0x11, 0x11 }, { X86_VECTOR_PIC, X86_VECTOR_PIC + 8 }, { 4, 2 }, { 1, 1 },
	};

	x86_out8(PIC_MASTER, words[0][0]);
	x86_out8(PIC_SLAVE, words[0][1]);
	for (unsigned i = 1; i < 4; i++) {
		x86_out8(PIC_MASTER + 1, words[i][0]);
		x86_out8(PIC_SLAVE + 1, words[i][1]);
	}
	x86_out8(PIC_MASTER + 1, 0xff);
	x86_out8(PIC_SLAVE + 1, 0xff);
}

static enum bx_err
lapic_start(struct bx_machine *machine, struct bx_boot_info *info)
{
	uint64_t base = x86_rdmsr(X86_MSR_APIC_BASE);
	enum bx_err err;

	/* Out of x2APIC mode, in which firmware may have left it, by way of off (SDM 11.12.5). */
	if ((base & APIC_BASE_X2) != 0)
		x86_wrmsr(X86_MSR_APIC_BASE, base & ~(APIC_BASE_X2 | APIC_BASE_ENABLE));
	base &= ~APIC_BASE_X2;
	x86_wrmsr(X86_MSR_APIC_BASE, base | APIC_BASE_ENABLE);

	err = bx_x86_mmio_map(machine, info, base & APIC_BASE_ADDRESS, &machine->lapic);
	if (err != BX_OK)
		return err;
	machine->lapic[LAPIC_LINT0] = LAPIC_MASKED;
	machine->lapic[LAPIC_LINT1] = LAPIC_NMI;
	machine->lapic[LAPIC_ERROR] = LAPIC_MASKED;
	machine->lapic[LAPIC_TIMER_DIVIDE] = LAPIC_DIVIDE_BY_16;
	machine->lapic[LAPIC_TIMER_COUNT] = 0;
	machine->lapic[LAPIC_TIMER] = X86_VECTOR_TIMER;		/* one-shot */
	machine->lapic[LAPIC_TASK_PRIORITY] = 0;
	machine->lapic[LAPIC_SPURIOUS] = LAPIC_ENABLE | X86_VECTOR_SPURIOUS;
	machine->vectors_used = 1u << (X86_VECTOR_TIMER / 32);
	return BX_OK;
}

/* ---- I/O --------------------------------------------------------------------------------------- */

static uint32_t
ioapic_read(const struct bx_x86_ioapic *ioapic, uint32_t index)
{
	ioapic->registers[IOAPIC_INDEX] = index;
	return ioapic->registers[IOAPIC_DATA];
}

static void
ioapic_write(const struct bx_x86_ioapic *ioapic, uint32_t index, uint32_t value)
{
	ioapic->registers[IOAPIC_INDEX] = index;
	ioapic->registers[IOAPIC_DATA] = value;
}

static enum bx_err
ioapics_start(struct bx_machine *machine, struct bx_boot_info *info)
{
	for (uint32_t i = 0; i < machine->acpi.ioapic_count; i++) {
		struct bx_x86_ioapic *ioapic = &machine->ioapics[i];
		enum bx_err err = bx_x86_mmio_map(machine, info, machine->acpi.ioapics[i].address,
		    &ioapic->registers);

		if (err != BX_OK)
			return err;
		ioapic->first_line = machine->acpi.ioapics[i].first_line;
		ioapic->line_count = (ioapic_read(ioapic, IOAPIC_VERSION) >> 16 & 0xff) + 1;
		for (uint32_t pin = 0; pin < ioapic->line_count; pin++)
			ioapic_write(ioapic, IOAPIC_ENTRY + 2 * pin, IOAPIC_MASKED);
	}
	machine->ioapic_count = machine->acpi.ioapic_count;
	return BX_OK;
}

enum bx_err
bx_x86_apic_start(struct bx_machine *machine, struct bx_boot_info *info, const char **where)
{
	enum bx_err err;

	if (machine->acpi.ioapic_count == 0) {
		*where = "the firmware names no I/O APIC";
		return BX_ERR_UNSUPPORTED;
	}
	pic_silence();
	err = lapic_start(machine, info);
	if (err == BX_OK)
		err = ioapics_start(machine, info);
	if (err != BX_OK)
		*where = "no memory for page tables";
	return err;
}

/* ---- lines ------------------------------------------------------------------------------------- */

/* The pin that a line arrives at. */
static bool
line_find(const struct bx_machine *machine, uint32_t line, struct bx_x86_line *found)
{
	for (uint32_t i = 0; i < machine->ioapic_count; i++) {
		const struct bx_x86_ioapic *ioapic = &machine->ioapics[i];

		if (line >= ioapic->first_line && line - ioapic->first_line < ioapic->line_count) {
			found->ioapic = (uint8_t)i;
			found->pin = (uint8_t)(line - ioapic->first_line);
			return true;
		}
	}
	return false;
}

static void
line_mask_set(struct bx_machine *machine, const struct bx_x86_line *line, bool masked)
{
	const struct bx_x86_ioapic *ioapic = &machine->ioapics[line->ioapic];
	uint32_t index = IOAPIC_ENTRY + 2u * line->pin;
	uint32_t entry = ioapic_read(ioapic, index);

	ioapic_write(ioapic, index, masked ? entry | IOAPIC_MASKED : entry & ~IOAPIC_MASKED);
}

/* An ISA line is edge-triggered and active high unless the firmware says otherwise. */
static void
isa_line_apply(const struct bx_machine *machine, uint32_t *line, uint32_t *flags)
{
	const struct bx_acpi_isa_line *isa = &machine->acpi.isa[*line];

	*line = isa->line;
	if ((isa->flags & 3) == 3)
		*flags |= BX_IRQ_ACTIVE_LOW;
	else if ((isa->flags & 3) == 1)
		*flags &= ~(uint32_t)BX_IRQ_ACTIVE_LOW;
	if ((isa->flags >> 2 & 3) == 3)
		*flags |= BX_IRQ_LEVEL;
	else if ((isa->flags >> 2 & 3) == 1)
		*flags &= ~(uint32_t)BX_IRQ_LEVEL;
}

enum bx_err
bx_machine_irq_open(struct bx_machine *machine, uint32_t line, uint32_t irq_flags, uint32_t *number)
{
	struct bx_x86_line opened = { .open = 1, .waiting = 1 };
	const struct bx_x86_ioapic *ioapic;
	uint32_t vector, entry;

	if ((irq_flags & BX_IRQ_ISA) != 0) {
		if (line >= BX_ACPI_ISA_LINES)
			return BX_ERR_RANGE;
		isa_line_apply(machine, &line, &irq_flags);
	}
	if (line >= BX_X86_LINES || !line_find(machine, line, &opened))
		return BX_ERR_RANGE;
	if (machine->lines[line].open != 0)
		return BX_ERR_BUSY;

	opened.level = (irq_flags & BX_IRQ_LEVEL) != 0;
	machine->lines[line] = opened;
	vector = X86_VECTOR_LINE + line;
	machine->vectors_used |= 1u << (vector / 32);
	entry = vector | IOAPIC_MASKED;
	if (opened.level != 0)
		entry |= IOAPIC_LEVEL;
	if ((irq_flags & BX_IRQ_ACTIVE_LOW) != 0)
		entry |= IOAPIC_ACTIVE_LOW;
	ioapic = &machine->ioapics[opened.ioapic];
	ioapic_write(ioapic, IOAPIC_ENTRY + 2u * opened.pin + 1, machine->lapic[LAPIC_ID]);
	ioapic_write(ioapic, IOAPIC_ENTRY + 2u * opened.pin, entry);
	*number = line;
	return BX_OK;
}

/*
 * A level-triggered line is masked in the controller until it is unmasked again.  An edge-triggered
 * one is not, at first: an edge at a masked pin would be lost.  A second edge before the unmasking
 * is remembered and masks the pin, so a storm costs one interrupt.
 *
 *	waiting again	hardware	arrived			unmask
 *	   0      0	open		-> 1 0, tell the core	(nothing)
 *	   1      0	level: masked	-> 1 1, mask (edge)	-> 0 0, open
 *	   1      1	masked		(late: nothing)		-> 0 0, open, send it to itself again
 */
bool
bx_x86_line_arrived(struct bx_machine *machine, uint32_t line)
{
	struct bx_x86_line *l = &machine->lines[line];

	if (l->open == 0)
		return false;
	if (l->waiting == 0) {
		l->waiting = 1;
		if (l->level != 0)
			line_mask_set(machine, l, true);
		return true;
	}
	if (l->level == 0) {
		l->again = 1;
		line_mask_set(machine, l, true);
	}
	return false;
}

void
bx_machine_irq_mask(struct bx_machine *machine, uint32_t number)
{
	struct bx_x86_line *l;

	BX_ASSERT(number < BX_X86_LINES);
	l = &machine->lines[number];
	BX_ASSERT(l->open != 0);
	l->waiting = 1;
	l->again = 0;
	line_mask_set(machine, l, true);
}

void
bx_machine_irq_unmask(struct bx_machine *machine, uint32_t number)
{
	struct bx_x86_line *l;
	bool again;

	BX_ASSERT(number < BX_X86_LINES);
	l = &machine->lines[number];
	BX_ASSERT(l->open != 0);
	again = l->again != 0;
	l->waiting = 0;
	l->again = 0;
	line_mask_set(machine, l, false);
	if (again)
		machine->lapic[LAPIC_COMMAND_LOW] = LAPIC_TO_SELF | (X86_VECTOR_LINE + number);
}
