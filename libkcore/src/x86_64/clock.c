/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * clock.c -- the time stamp counter as clock and the local APIC's counter as alarm, both measured
 * against a reference whose frequency is fixed by a standard: the ACPI power management timer
 * (ACPI 6.4, 4.8.3.3), or channel 2 of the 8254 (its input clock is that of the PC).  When neither
 * counts, there is no guess: the machine is refused.
 */
#include "x86.h"

#define PM_TIMER_HZ		3579545u
#define PM_TIMER_MASK		0xffffffu	/* 24 bits are there in every implementation */
#define PIT_HZ			1193182u
#define PIT_CHANNEL_2		0x42
#define PIT_COMMAND		0x43
#define PIT_GATE		0x61
#define PIT_GATE_ON		0x01
#define PIT_SPEAKER		0x02
#define PIT_OUTPUT		0x20

#define SPAN_PER_SECOND		100u		/* measure for a hundredth of a second */
#define POLLS_MAX		4000000u	/* a port read takes 1 us or so: a few seconds */
#define TRIES			8u

/* A reading of all three clocks at (nearly) one time. */
struct reading {
	uint64_t ticks;			/* TSC */
	uint32_t timer;			/* local APIC, counts down */
	uint32_t reference;
};

/* The one of a few readings which the fewest ticks passed in: least likely to be disturbed. */
static struct reading
read_all(const struct bx_machine *machine, uint16_t port)
{
	struct reading best = { 0, 0, 0 };
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < TRIES; i++) {
		struct reading r;
		uint64_t before = x86_rdtsc();
		uint64_t after;

		r.reference = x86_in32(port) & PM_TIMER_MASK;
		r.timer = bx_x86_timer_left(machine);
		after = x86_rdtsc();
		r.ticks = before;
		if (after - before < least) {
			least = after - before;
			best = r;
		}
	}
	return best;
}

static bool
measure_pm_timer(struct bx_machine *machine)
{
	const uint32_t span = PM_TIMER_HZ / SPAN_PER_SECOND;
	uint16_t port = machine->acpi.pm_timer;
	struct reading first, last;
	uint64_t passed;
	uint32_t polls;

	if (port == 0)
		return false;
	first = read_all(machine, port);
	for (polls = 0; polls < POLLS_MAX; polls++)
		if (((x86_in32(port) - first.reference) & PM_TIMER_MASK) >= span)
			break;
	if (polls == POLLS_MAX)
		return false;
	last = read_all(machine, port);
	passed = (last.reference - first.reference) & PM_TIMER_MASK;
	machine->ticks_per_second = (last.ticks - first.ticks) * PM_TIMER_HZ / passed;
	machine->timer_per_second = (uint64_t)(first.timer - last.timer) * PM_TIMER_HZ / passed;
	return true;
}

static bool
measure_pit(struct bx_machine *machine)
{
	const uint32_t span = PIT_HZ / SPAN_PER_SECOND;
	uint8_t gate = (uint8_t)(x86_in8(PIT_GATE) & ~(PIT_SPEAKER | PIT_GATE_ON));
	struct reading first, last;
	uint32_t polls;

	x86_out8(PIT_GATE, gate);
	x86_out8(PIT_COMMAND, 0xb0);		/* channel 2, both bytes, mode 0: output rises at 0 */
	x86_out8(PIT_CHANNEL_2, (uint8_t)span);
	x86_out8(PIT_CHANNEL_2, (uint8_t)(span >> 8));
	x86_out8(PIT_GATE, gate | PIT_GATE_ON);
	first.ticks = x86_rdtsc();
	first.timer = bx_x86_timer_left(machine);
	for (polls = 0; polls < POLLS_MAX; polls++)
		if ((x86_in8(PIT_GATE) & PIT_OUTPUT) != 0)
			break;
	last.ticks = x86_rdtsc();
	last.timer = bx_x86_timer_left(machine);
	x86_out8(PIT_GATE, gate);
	if (polls == POLLS_MAX || polls == 0)
		return false;
	machine->ticks_per_second = (last.ticks - first.ticks) * PIT_HZ / span;
	machine->timer_per_second = (uint64_t)(first.timer - last.timer) * PIT_HZ / span;
	return true;
}

enum bx_err
bx_x86_clock_start(struct bx_machine *machine, const char **where)
{
	bool measured;

	/* Interrupts are off, and the count does not end within the measurement: 2^32 is long. */
	bx_x86_timer_count(machine, UINT32_MAX);
	measured = measure_pm_timer(machine) || measure_pit(machine);
	bx_x86_timer_count(machine, 0);
	if (!measured || machine->ticks_per_second == 0 || machine->timer_per_second == 0) {
		*where = "no clock of known frequency runs (ACPI PM timer, 8254)";
		return BX_ERR_UNSUPPORTED;
	}
	if (machine->timer_per_second >= machine->ticks_per_second) {
		*where = "the timer counts faster than the clock";
		return BX_ERR_UNSUPPORTED;
	}
	/* timer_per_second < 2^32 * SPAN_PER_SECOND, shifted by 24: below 2^63.  The result is below
	 * 2^32. */
	machine->timer_scale = (machine->timer_per_second << 24) / machine->ticks_per_second << 8;
	machine->timer_tick = UINT64_MAX;
	return BX_OK;
}

uint64_t
bx_machine_now(struct bx_machine *machine)
{
	(void)machine;
	return x86_rdtsc();
}

/* An alarm farther away than the counter reaches goes off early; bx_x86_trap sets it again. */
void
bx_machine_timer_set(struct bx_machine *machine, uint64_t tick)
{
	uint64_t now, wait, count;

	machine->timer_tick = tick;
	if (tick == UINT64_MAX) {
		bx_x86_timer_count(machine, 0);
		return;
	}
	now = x86_rdtsc();
	wait = tick > now ? tick - now : 0;
	if (wait > UINT32_MAX)
		wait = UINT32_MAX;
	/* One more: the alarm is never before its tick by rounding. */
	count = (wait * machine->timer_scale >> 32) + 1;
	bx_x86_timer_count(machine, count > UINT32_MAX ? UINT32_MAX : (uint32_t)count);
}
