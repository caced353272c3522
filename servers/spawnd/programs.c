/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * programs.c -- the programs that spawnd starts: what it knows of each, starts, ends, restarts.
 *
 * One notification tells of both ends and readiness: the kernel sets a program's bit when it has been taken
 * apart completely, the program itself when it is ready.  Which of the two it was the kernel's own record says.
 * The bits are cleared before a start, so that what comes after it is of the new process.
 *
 * Words to people come last (programs_tell): whoever has to be started again does not wait for the console.
 */
#include "spawnd.h"

#define READY_US	5000000u	/* a program that signals it must do so within */

/* ---- what there is ------------------------------------------------------------------------------- */

static void
program_add(struct spawnd *spawnd, uint32_t spawn, bool offered, const struct bx_info_program *info,
    uint32_t number)
{
	struct program *program = &spawnd->programs[spawnd->count++];

	*program = (struct program){
		.number = number, .spawn = spawn, .offered = offered, .flags = info->flags,
		.policy = {
			.times = info->restart_times,
			.within_us = info->restart_within_us,
			.backoff_us = info->restart_backoff_us,
			.halts = info->restart_exhausted == BX_EXHAUSTED_HALT,
		},
	};
	__builtin_memcpy(program->name, info->name, BX_NAME_MAX);
}

/* A capability's programs lie side by side: behind the last of them nothing is asked any more. */
struct range {
	uint32_t spawn;
	bool begun, over;
};

static bool
range_has(struct range *range, uint32_t number, struct bx_info_program *info)
{
	bool has = !range->over && bx_sys_program_info(range->spawn, number, info) == BX_OK;

	range->over |= range->begun && !has;
	range->begun |= has;
	return has;
}

void
programs_find(struct spawnd *spawnd)
{
	struct range offer = { .spawn = spawnd->offer, .over = spawnd->offer == BX_SLOT_NONE };
	struct range own = { .spawn = spawnd->spawn };
	struct bx_info_program info;

	for (uint32_t number = 0; number < PROGRAMS_MAX && !(offer.over && own.over); number++) {
		bool has = range_has(&own, number, &info), offered = range_has(&offer, number, &info);

		if (has || offered)
			program_add(spawnd, offered ? offer.spawn : own.spawn, offered, &info, number);
	}
}

static bool
name_is(const char name[BX_NAME_MAX], const char *wanted, uint32_t length)
{
	if (length >= BX_NAME_MAX || name[length] != '\0')
		return false;
	for (uint32_t i = 0; i < length; i++)
		if (name[i] != wanted[i])
			return false;
	return true;
}

struct program *
program_named(struct spawnd *spawnd, const char *name, uint32_t length)
{
	for (uint32_t i = 0; i < spawnd->count; i++)
		if (name_is(spawnd->programs[i].name, name, length))
			return &spawnd->programs[i];
	return NULL;
}

/* ---- ends, and readiness ------------------------------------------------------------------------- */

/* The start of a program has come to its end: well, or as `tell` says. */
static void
program_started(struct spawnd *spawnd, struct program *program, enum tell tell)
{
	program->phase = PHASE_UP;
	program->up = bx_sys_now();
	program->tell = tell;
	if (program->by == BY_BOOT && tell != TELL_STARTED)
		spawnd->boot_failed++;
}

/* It is down, for whatever reason: when will it be started again, if at all? */
static void
program_down(struct spawnd *spawnd, struct program *program)
{
	uint64_t now_us = bx_sys_us_of_ticks(spawnd->sys->ticks_per_second, bx_sys_now());
	uint32_t wait_us;

	program->phase = PHASE_DOWN;
	if (program->stopping) {
		program->stopping = false;
		program->stopped = true;
		return;
	}
	if ((program->flags & BX_PROGRAM_RESTART) == 0)
		return;
	if (policy_again(&program->policy, &program->history, now_us, &wait_us)) {
		program->phase = PHASE_WAITING;
		program->due = bx_sys_deadline_in_us(spawnd->sys, wait_us);
		return;
	}
	program->exhausted = true;
	program->tell = TELL_LAST;
	spawnd->halt |= program->policy.halts;
}

static bool
has_ended(const struct bx_info_program *info)
{
	return info->state == BX_PROGRAM_EXITED || info->state == BX_PROGRAM_KILLED ||
	    info->state == BX_PROGRAM_FAULTED;
}

static void
program_ended(struct spawnd *spawnd, struct program *program, const struct bx_info_program *info)
{
	program->last = (struct end){
		.state = info->state, .fault_kind = info->fault_kind, .exit_code = info->exit_code,
		.fault_address = info->fault_address, .fault_instruction = info->fault_instruction,
	};
	if (program->phase == PHASE_STARTING)
		program_started(spawnd, program, TELL_EARLY);
	program_down(spawnd, program);
}

enum bx_err
program_look(struct spawnd *spawnd, struct program *program, struct bx_info_program *info)
{
	enum bx_err err = bx_sys_program_info(program->spawn, program->number, info);

	if (err == BX_OK && has_ended(info) &&
	    (program->phase == PHASE_UP || program->phase == PHASE_STARTING))
		program_ended(spawnd, program, info);
	return err;
}

static void
program_heard(struct spawnd *spawnd, struct program *program)
{
	struct bx_info_program info;

	if (program_look(spawnd, program, &info) == BX_OK && info.state == BX_PROGRAM_RUNNING &&
	    program->phase == PHASE_STARTING)
		program_started(spawnd, program, TELL_STARTED);
}

void
programs_heard(struct spawnd *spawnd, uint64_t bits)
{
	for (uint32_t i = 0; i < spawnd->count; i++)
		if ((bits >> spawnd->programs[i].number & 1) != 0)
			program_heard(spawnd, &spawnd->programs[i]);
}

/* ---- what is wanted of them ---------------------------------------------------------------------- */

/* What is set in the notification now; does not wait. */
static uint64_t
bits_now(uint32_t notification)
{
	uint64_t bits = 0;

	return bx_sys_wait(notification, 0, &bits) == BX_OK ? bits : 0;
}

enum bx_err
program_start(struct spawnd *spawnd, struct program *program, enum by by, const void *argument,
    size_t length)
{
	/* The others' bits count; its own is of an earlier process, whose end is known. */
	programs_heard(spawnd, bits_now(spawnd->life) & ~(1ull << program->number));
	program->by = by;
	program->stopping = program->stopped = program->exhausted = false;
	if (by == BY_CLIENT)
		program->history = (struct history){ 0, 0 };
	program->began = bx_sys_now();
	program->err = bx_sys_spawn(program->spawn, program->number, argument, length);
	if (program->err != BX_OK) {
		program_started(spawnd, program, TELL_FAILED);
		program->phase = PHASE_DOWN;
		if (by != BY_CLIENT)			/* who is told, and may ask again */
			program_down(spawnd, program);
	} else if ((program->flags & BX_PROGRAM_SIGNALS_READY) == 0) {
		program_started(spawnd, program, TELL_STARTED);
	} else {
		program->phase = PHASE_STARTING;
		program->due = bx_sys_deadline_in_us(spawnd->sys, READY_US);
	}
	return program->err;
}

enum bx_err
program_end(struct program *program, const struct bx_info_program *info, bool stop)
{
	enum bx_err err;

	if (program->phase == PHASE_WAITING && stop) {
		program->phase = PHASE_DOWN;
		program->stopped = true;
		return BX_OK;
	}
	if (info->state != BX_PROGRAM_RUNNING)
		return BX_ERR_STATE;
	err = bx_sys_kill(program->spawn, program->number);
	if (err == BX_OK)
		program->stopping = stop;
	return err;
}

/* ---- times -------------------------------------------------------------------------------------------- */

void
programs_due(struct spawnd *spawnd)
{
	uint64_t now = bx_sys_now();

	for (uint32_t i = 0; i < spawnd->count; i++) {
		struct program *program = &spawnd->programs[i];

		if (now < program->due)
			continue;
		if (program->phase == PHASE_STARTING)
			program_started(spawnd, program, TELL_LATE);	/* it goes on running */
		else if (program->phase == PHASE_WAITING)
			(void)program_start(spawnd, program, BY_POLICY, NULL, 0);
	}
}

uint64_t
programs_next(const struct spawnd *spawnd)
{
	uint64_t next = bx_sys_deadline_far();

	for (uint32_t i = 0; i < spawnd->count; i++) {
		const struct program *program = &spawnd->programs[i];

		if ((program->phase == PHASE_STARTING || program->phase == PHASE_WAITING) &&
		    program->due < next)
			next = program->due;
	}
	return next;
}

/* ---- words -------------------------------------------------------------------------------------------- */

/* How a program ended, for people. */
static const char *
end_text(const struct program *program)
{
	switch (program->last.state) {
	case BX_PROGRAM_ABSENT:
		return "could not be started";
	case BX_PROGRAM_EXITED:
		return "ended";
	case BX_PROGRAM_KILLED:
		return "was killed";
	default:
		return "faulted";
	}
}

static const char *
trouble_text(const struct program *program, enum tell tell)
{
	switch (tell) {
	case TELL_LATE:
		return bx_err_text(BX_ERR_TIMEOUT);
	case TELL_EARLY:
		return "it ended before it was ready";
	default:
		return bx_err_text(program->err);
	}
}

/* One line for a program that boot has started, or not. */
static void
boot_tell(const struct spawnd *spawnd, const struct program *program, enum tell tell)
{
	uint64_t us = bx_sys_us_of_ticks(spawnd->sys->ticks_per_second, program->up - program->began);
	struct bx_info_program info;

	if (tell != TELL_STARTED) {
		bx_sys_print(spawnd->sys, "[!!] %-12s %s\n", program->name, trouble_text(program, tell));
		return;
	}
	if (bx_sys_program_info(program->spawn, program->number, &info) != BX_OK)
		return;
	bx_sys_print(spawnd->sys, "[ok] %-12s priority %2u  %3u frames  %s after %lu.%03lu ms\n",
	    program->name, info.priority, info.frames_used,
	    (program->flags & BX_PROGRAM_SIGNALS_READY) != 0 ? "ready  " : "started",
	    us / 1000, us % 1000);
}

static void
restart_tell(const struct spawnd *spawnd, const struct program *program, enum tell tell)
{
	const struct bx_sys *sys = spawnd->sys;

	if (tell == TELL_LAST)
		bx_sys_print(sys, "spawnd: %s %s and stays down%s\n", program->name, end_text(program),
		    program->policy.halts ? "; the machine cannot be without it" : "");
	else if (program->by == BY_CLIENT)
		return;					/* who knows */
	else if (tell == TELL_STARTED)
		bx_sys_print(sys, "spawnd: %s %s; started again (%u of %u)\n", program->name,
		    end_text(program), program->history.restarts, program->policy.times);
	else
		bx_sys_print(sys, "spawnd: %s %s; starting it again failed: %s\n", program->name,
		    end_text(program), trouble_text(program, tell));
}

void
programs_tell(struct spawnd *spawnd)
{
	for (uint32_t i = 0; i < spawnd->count; i++) {
		struct program *program = &spawnd->programs[i];
		enum tell tell = program->tell;

		program->tell = TELL_NOTHING;
		if (tell == TELL_NOTHING)
			continue;
		if (program->by == BY_BOOT && tell != TELL_LAST)
			boot_tell(spawnd, program, tell);
		else
			restart_tell(spawnd, program, tell);
	}
}
