/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * dispatch.c -- the end of every event that no short way has ended: who runs next, work that was put
 * off or begins again, the timer.
 */
#include "thread.h"

/* The next slice of the running account is a whole one.  Its owner, if a server uses it for `thread`, has
 * yet to go last among its own equals. */
static void
slice_forfeit(struct bx_kcore *core, const struct bx_thread *thread, uint64_t now)
{
	if (thread->account != thread->index)
		core->threads[thread->account].lets_by = 1;
	core->cpu.slice_end = BX_SLICE_GIVEN;
	bx_sched_account_leave(core, now);
}

/* The thread that is to run, or BX_NONE; takes it out of its queue. */
static uint32_t
choose(struct bx_kcore *core, uint64_t now)
{
	struct bx_cpu *cpu = &core->cpu;
	bool ready = cpu->current != BX_NONE && bx_core_current(core)->state == BX_THREAD_READY;
	uint32_t top, first;

	if (cpu->ready_mask == 0)
		return ready ? cpu->current : BX_NONE;
	top = 63u - (uint32_t)__builtin_clzll(cpu->ready_mask);
	if (ready) {
		struct bx_thread *thread = bx_core_current(core);
		bool ended = top == thread->priority && thread->account == cpu->account &&
		    now >= cpu->slice_end;

		if (top < thread->priority || (top == thread->priority && !ended))
			return cpu->current;
		if (ended)
			slice_forfeit(core, thread, now);
		bx_sched_enqueue(core, thread, !ended);
	}
	first = cpu->ready[top].head;
	bx_queue_remove(core, &cpu->ready[top], bx_thread_at(core, first));
	if (cpu->ready[top].head == BX_NONE)
		cpu->ready_mask &= ~(1ull << top);
	return first;
}

/* Makes `next` the current thread, or none. */
static void
switch_to(struct bx_kcore *core, uint32_t next, uint64_t now)
{
	struct bx_cpu *cpu = &core->cpu;

	if (cpu->current != BX_NONE)
		cpu->last_program = bx_core_current(core)->program;
	if (next != cpu->current) {
		cpu->current = next;
		cpu->switches++;
	}
	if (next == BX_NONE) {
		bx_sched_account_leave(core, now);
		return;
	}
	bx_sched_account_enter(core, bx_core_current(core)->account, now);
	if (bx_core_current(core)->program != cpu->last_program) {
		cpu->last_program = bx_core_current(core)->program;
		bx_machine_domain_switch(core->machine);
	}
}

/* There is no time left on the account that runs.  It is throttled, and the current thread parked; but
 * it goes on if another account pays for it. */
static void
out_of_time(struct bx_kcore *core, uint64_t now)
{
	struct bx_cpu *cpu = &core->cpu;
	struct bx_thread *thread = bx_core_current(core);
	struct bx_thread *owner = bx_thread_at(core, cpu->account);

	bx_sched_account_leave(core, now);
	if (bx_budget_until(core, owner, now) == now)
		bx_budget_throttle(core, owner);
	cpu->last_program = thread->program;
	cpu->current = BX_NONE;
	if (thread->account == owner->index && owner->throttled != 0) {
		BX_ASSERT(owner->parked == BX_NONE);
		bx_thread_park(core, thread);
	} else {
		bx_sched_enqueue(core, thread, true);
	}
}

/* The processor is wanted by an interrupt: the current thread waits for it to be taken. */
static void
put_back(struct bx_kcore *core, uint64_t now)
{
	struct bx_thread *thread = bx_core_current(core);

	bx_sched_enqueue(core, thread, true);
	switch_to(core, BX_NONE, now);
}

/* The next tick at which something may have to change. */
static uint64_t
timer_due(struct bx_kcore *core)
{
	struct bx_cpu *cpu = &core->cpu;
	uint64_t tick = bx_timer_next(core);

	if (cpu->current != BX_NONE && cpu->slice_end < tick &&
	    cpu->ready[bx_core_current(core)->priority].head != BX_NONE)
		tick = cpu->slice_end;
	return cpu->budget_end < tick ? cpu->budget_end : tick;
}

/* The program to take apart: of the thread that was chosen, or one when nobody above the priority of its
 * end wants to run; or BX_NONE. */
static uint32_t
ending_due(const struct bx_kcore *core)
{
	uint32_t ending;

	if (core->put_off == 0)
		return BX_NONE;
	if (core->cpu.current != BX_NONE) {
		const struct bx_thread *thread = bx_thread_at(core, core->cpu.current);

		if (bx_thread_dying(core, thread))
			return thread->program;
	}
	ending = bx_program_ending(core);
	if (ending != BX_NONE && core->cpu.current != BX_NONE &&
	    core->threads[core->cpu.current].priority > core->programs[ending].end_priority)
		return BX_NONE;
	return ending;
}

/* Whether priorities and accounts are to be worked out before the thread that was chosen, if one was,
 * runs: it may be touched by that, since somebody has a lower priority or lends it an account; or has no
 * time, and has to make way for whoever has; or somebody above it may be found to have time. */
static bool
settle_due(struct bx_kcore *core, uint64_t now)
{
	const struct bx_thread *thread;

	if (core->unsettled == BX_NONE)
		return false;
	if (core->cpu.current == BX_NONE || now >= core->cpu.budget_end)
		return true;
	thread = bx_core_current(core);
	return thread->clients != BX_NONE || thread->helper != BX_NONE ||
	    thread->priority <= core->settle_priority ||
	    thread->priority < bx_levels_top(&core->parked);
}

/* Whether the thread that was chosen, if one was, may go on before what was put off is done. */
static bool
may_run(struct bx_kcore *core, uint64_t now)
{
	const struct bx_thread *thread;

	if (core->cpu.current == BX_NONE)
		return true;
	thread = bx_core_current(core);
	return thread->restart == 0 && !settle_due(core, now) && !bx_thread_dying(core, thread);
}

/* Runs a system call again, or raises a fault again. */
static void
run_again(struct bx_kcore *core, struct bx_thread *thread)
{
	thread->restart = 0;
	if (thread->call_kind == BX_CALL_FAULT)
		bx_fault_raise(core, thread);
	else
		bx_syscall_run(core);
}

/* One step of an end, on the time of the program's first thread, whether there is any left: it may be missing
 * when the program starts again.  Whoever was chosen has its own account back in the next turn. */
static void
end_step(struct bx_kcore *core, uint32_t program, uint64_t now)
{
	bx_sched_account_enter(core, core->programs[program].first_thread, now);
	(void)!bx_program_end_step(core, program);
}

/* Each turn of the loop does a bounded step of work that was put off.  After the first, which an event
 * gets so that no storm of interrupts stops the work, an interrupt that waits goes first; when the
 * event was a system call, or a deadline that was due, that was the step. */
static struct bx_context *
dispatch(struct bx_kcore *core, bool first)
{
	struct bx_cpu *cpu = &core->cpu;
	uint64_t now = bx_machine_now(core->machine);

	for (;; first = false, now = bx_machine_now(core->machine)) {
		bool restart, unsettled;
		uint32_t ending;

		switch_to(core, choose(core, now), now);
		if (BX_UNLIKELY(now >= cpu->budget_end) && core->unsettled == BX_NONE) {
			out_of_time(core, now);
			if (!first && bx_machine_interrupt_pending(core->machine))
				break;
			continue;
		}
		unsettled = settle_due(core, now);
		ending = ending_due(core);
		restart = cpu->current != BX_NONE && bx_core_current(core)->restart != 0;
		if (ending == BX_NONE && !restart && !unsettled)
			break;
		if (!first && bx_machine_interrupt_pending(core->machine)) {
			if (!may_run(core, now))
				put_back(core, now);
			break;
		}
		/* Whoever went to sleep meanwhile is to be heard during the work. */
		bx_sched_timer_set(core, timer_due(core));
		if (unsettled)
			bx_sched_settle_step(core);
		else if (ending != BX_NONE)
			end_step(core, ending, now);
		else
			run_again(core, bx_core_current(core));
	}
	BX_INVARIANT(bx_sched_sound(core, &(const char *){ NULL }));
	if (cpu->current != BX_NONE) {
		BX_INVARIANT(bx_core_current(core)->state == BX_THREAD_READY);
		bx_sched_timer_set(core, timer_due(core));
		bx_sched_busy_set(core);
		return &bx_core_current(core)->context;
	}
	/* What was put off is taken up again at once, whatever comes. */
	bx_sched_timer_set(core, cpu->ready_mask != 0 || core->put_off != 0 ? now : timer_due(core));
	return NULL;
}

struct bx_context *
bx_sched_dispatch(struct bx_kcore *core)
{
	return dispatch(core, true);
}

struct bx_context *
bx_sched_dispatch_after_call(struct bx_kcore *core)
{
	return dispatch(core, false);
}

struct bx_context *
bx_kcore_start(struct bx_kcore *core)
{
	core->cpu.since = bx_machine_now(core->machine);
	return bx_sched_dispatch(core);
}

struct bx_context *
bx_kcore_timer(struct bx_kcore *core)
{
	bool woke;

	core->cpu.interrupts++;
	core->cpu.timer_at = UINT64_MAX;	/* it has fired */
	woke = bx_timer_expire(core, bx_machine_now(core->machine));
	/* What is due by now is to be heard before the next step. */
	if (woke)
		bx_sched_timer_set(core, bx_timer_next(core));
	return dispatch(core, !woke);
}
