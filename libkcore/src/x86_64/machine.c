/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * machine.c -- start of the machine, the way into the first thread, and the small parts of
 * machine.h: contexts, console, ports, random words, power.
 * Source: 16550 data sheet; ACPI 6.4, 4.8.3.2 and 4.8.3.6.
 */
#include "x86.h"

struct bx_machine *
bx_x86_machine(struct bx_x86_memory *memory)
{
	return (struct bx_machine *)(void *)memory->bytes;
}

/* ---- start ------------------------------------------------------------------------------------- */

enum bx_err
bx_x86_start(struct bx_machine *machine, struct bx_boot_info *info, const struct bx_x86_image *image,
    const struct bx_acpi_info *acpi, struct bx_x86_facts *facts, const char **where)
{
	enum bx_err err;

	machine->memory = (uint8_t *)(uintptr_t)BX_DIRECT_MAP;
	machine->memory_end = info->direct_map_end;
	machine->acpi = *acpi;
	err = bx_x86_cpu_check(machine, where);
	if (err != BX_OK)
		return err;
	err = bx_x86_map_build(machine, info, image);
	if (err != BX_OK) {
		*where = "no memory for page tables";
		return err;
	}
	x86_cr3_set(machine->root);
	bx_x86_cpu_start(machine);
	bx_x86_map_seal(machine);
	err = bx_x86_apic_start(machine, info, where);
	if (err != BX_OK)
		return err;
	err = bx_x86_clock_start(machine, where);
	if (err != BX_OK)
		return err;
	*facts = (struct bx_x86_facts){
		.memory = machine->memory,
		.memory_end = machine->memory_end,
		.ticks_per_second = machine->ticks_per_second,
		.timer_per_second = machine->timer_per_second,
		.table_frames = machine->table_frames,
	};
	return BX_OK;
}

void
bx_x86_run(struct bx_machine *machine, struct bx_kcore *core)
{
	bx_x86_cpu.core = core;
	bx_machine_domain_switch(machine);
	if ((machine->features & BX_CPU_CET_SS) != 0)
		bx_entry_first_shadowed(bx_kcore_start(core));
	bx_entry_first(bx_kcore_start(core));
}

void
bx_x86_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* ---- contexts ---------------------------------------------------------------------------------- */

void
bx_machine_context_start(struct bx_context *context, uint64_t entry, uint64_t stack,
    const uint64_t argument[4])
{
	uint64_t root = context->root;
	uint64_t fs_base = context->fs_base;
	uint32_t fpu = context->fpu;

	*context = (struct bx_context){
		.value = { argument[0], argument[1], argument[2] },
		.word = { argument[3] },
		.stack = stack,
		.pc = entry,
		.flags = X86_FLAGS_FIXED | X86_FLAGS_IF,
		.root = root,
		.fs_base = fs_base,
		.fpu = fpu,
		.resume = BX_RESUME_FULL,
	};
}

uint32_t
bx_machine_features(const struct bx_machine *machine)
{
	return machine->features;
}

/* ---- console: 16550 ---------------------------------------------------------------------------- */

#define UART_DATA		0
#define UART_INTERRUPTS		1
#define UART_FIFO		2
#define UART_LINE		3
#define UART_MODEM		4
#define UART_STATUS		5
#define UART_DIVISOR_ACCESS	0x80
#define UART_8N1		0x03
#define UART_HOLDING_EMPTY	0x20
#define UART_POLLS_MAX		100000u	/* a character takes 87 us; a missing UART must not hang us */

void
bx_x86_console_open(struct bx_machine *machine, uint16_t port)
{
	machine->console_port = port;
	if (port == 0)
		return;
	x86_out8((uint16_t)(port + UART_INTERRUPTS), 0);
	x86_out8((uint16_t)(port + UART_LINE), UART_DIVISOR_ACCESS);
	x86_out8((uint16_t)(port + UART_DATA), 1);		/* 115200 */
	x86_out8((uint16_t)(port + UART_INTERRUPTS), 0);
	x86_out8((uint16_t)(port + UART_LINE), UART_8N1);
	x86_out8((uint16_t)(port + UART_FIFO), 0x07);		/* on, both emptied */
	x86_out8((uint16_t)(port + UART_MODEM), 0x0b);		/* DTR RTS OUT2 */
}

static void
console_put(uint16_t port, char c)
{
	for (uint32_t i = 0; i < UART_POLLS_MAX; i++) {
		if ((x86_in8((uint16_t)(port + UART_STATUS)) & UART_HOLDING_EMPTY) != 0)
			break;
		x86_pause();
	}
	x86_out8((uint16_t)(port + UART_DATA), (uint8_t)c);
}

void
bx_machine_console_write(struct bx_machine *machine, const char *text, size_t length)
{
	if (machine->console_port == 0)
		return;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n')
			console_put(machine->console_port, '\r');
		console_put(machine->console_port, text[i]);
	}
}

/* ---- ports ------------------------------------------------------------------------------------- */

uint32_t
bx_machine_port_in(struct bx_machine *machine, uint16_t port, unsigned width)
{
	(void)machine;
	switch (width) {
	case 1:
		return x86_in8(port);
	case 2:
		return x86_in16(port);
	default:
		return x86_in32(port);
	}
}

void
bx_machine_port_out(struct bx_machine *machine, uint16_t port, unsigned width, uint32_t value)
{
	(void)machine;
	switch (width) {
	case 1:
		x86_out8(port, (uint8_t)value);
		break;
	case 2:
		x86_out16(port, (uint16_t)value);
		break;
	default:
		x86_out32(port, value);
		break;
	}
}

/* ---- random words ------------------------------------------------------------------------------ */

/* SDM 1, 7.3.17.1: ten tries mean a broken generator. */
static bool
rdrand(uint64_t *value)
{
	for (unsigned i = 0; i < 10; i++) {
		bool ok;

		__asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(ok));
		if (ok)
			return true;
	}
	return false;
}

uint64_t
bx_machine_random(struct bx_machine *machine)
{
	uint64_t value;

	if (machine->has_rdrand != 0 && rdrand(&value))
		return value;
	/* The finalizer of a 64-bit mixer over jitter: scatters, promises nothing. */
	machine->random += x86_rdtsc() * 0x9e3779b97f4a7c15u;
	value = machine->random;
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
	value = (value ^ value >> 27) * 0x94d049bb133111ebu;
	return value ^ value >> 31;
}

/* ---- power ------------------------------------------------------------------------------------- */

#define PM1_SCI_ENABLE		0x0001u
#define PM1_SLEEP_TYPE(type)	((uint32_t)(type) << 10)
#define PM1_SLEEP_TYPE_MASK	(7u << 10)
#define PM1_SLEEP_ENABLE	0x2000u
#define POWER_POLLS_MAX		1000000u
#define RESET_CONTROL		0xcf9
#define KEYBOARD_COMMAND	0x64

/* Takes the chipset over from firmware when it has not been yet: only then sleep registers work. */
static void
acpi_enable(const struct bx_acpi_info *acpi)
{
	if (acpi->smi_command == 0 || acpi->acpi_enable == 0)
		return;
	if ((x86_in16(acpi->pm1a_control) & PM1_SCI_ENABLE) != 0)
		return;
	x86_out8(acpi->smi_command, acpi->acpi_enable);
	for (uint32_t i = 0; i < POWER_POLLS_MAX; i++)
		if ((x86_in16(acpi->pm1a_control) & PM1_SCI_ENABLE) != 0)
			break;
}

static void
sleep_write(uint16_t port, uint8_t type)
{
	uint32_t control = x86_in16(port);

	control = (control & ~PM1_SLEEP_TYPE_MASK) | PM1_SLEEP_TYPE(type);
	x86_out16(port, (uint16_t)control);
	x86_out16(port, (uint16_t)(control | PM1_SLEEP_ENABLE));
}

static void
power_off(const struct bx_acpi_info *acpi)
{
	if (acpi->has_s5 == 0 || acpi->pm1a_control == 0)
		return;
	acpi_enable(acpi);
	sleep_write(acpi->pm1a_control, acpi->s5_type_a);
	if (acpi->pm1b_control != 0)
		sleep_write(acpi->pm1b_control, acpi->s5_type_b);
	for (uint32_t i = 0; i < POWER_POLLS_MAX; i++)
		x86_pause();
}

/* The FADT's register when it is a port, the chipset's reset register, the keyboard controller, and
 * at last a fault with no handler. */
static void
reset(const struct bx_acpi_info *acpi)
{
	static const uint8_t no_idt[10];

	if (acpi->reset.space == 1 && acpi->reset.address != 0 && acpi->reset.address <= 0xffff)
		x86_out8((uint16_t)acpi->reset.address, acpi->reset_value);
	x86_out8(RESET_CONTROL, 0x02);
	x86_out8(RESET_CONTROL, 0x06);
	for (uint32_t i = 0; i < POWER_POLLS_MAX; i++)
		x86_pause();
	x86_out8(KEYBOARD_COMMAND, 0xfe);
	for (uint32_t i = 0; i < POWER_POLLS_MAX; i++)
		x86_pause();
	__asm__ volatile("lidt %0; int3" : : "m"(no_idt));
}

void
bx_machine_power(struct bx_machine *machine, unsigned how)
{
	if (how == BX_POWER_OFF)
		power_off(&machine->acpi);
	else if (how == BX_POWER_RESET)
		reset(&machine->acpi);
}
