/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sched.c -- who runs: fixed priorities, preemptive, round robin among equals by time slice.  What is
 * done often; what a call lends is lend.c, the choice of the next thread in general dispatch.c.
 *
 * The current thread is in no queue; every other READY thread is in cpu.ready[its priority].  A
 * preempted thread goes back first among its equals and keeps what is left of its slice, even if that is
 * nothing; one whose slice has ended goes last and gets a new one.  A slice ends only when an equal waits
 * for the processor.
 *
 * A slice belongs to a thread, and `account` says whose is used up: a server that has taken a call
 * runs on its caller's.  So the rest of a slice goes with a call and comes back with the reply, and
 * nothing is moved: cpu.slice_end is touched only when the processor goes to another account.  The
 * same holds for a budget and cpu.budget_end; budget.c keeps the books.
 */
#include "thread.h"

/* ---- queues */

void
bx_queue_append(struct bx_kcore *core, struct bx_queue *queue, struct bx_thread *thread)
{
	thread->next = BX_NONE;
	thread->previous = queue->tail;
	if (queue->tail == BX_NONE)
		queue->head = thread->index;
	else
		core->threads[queue->tail].next = thread->index;
	queue->tail = thread->index;
}

void
bx_queue_prepend(struct bx_kcore *core, struct bx_queue *queue, struct bx_thread *thread)
{
	thread->previous = BX_NONE;
	thread->next = queue->head;
	if (queue->head == BX_NONE)
		queue->tail = thread->index;
	else
		core->threads[queue->head].previous = thread->index;
	queue->head = thread->index;
}

void
bx_queue_remove(struct bx_kcore *core, struct bx_queue *queue, struct bx_thread *thread)
{
	BX_ASSERT(queue->head != BX_NONE);
	if (thread->previous == BX_NONE)
		queue->head = thread->next;
	else
		core->threads[thread->previous].next = thread->next;
	if (thread->next == BX_NONE)
		queue->tail = thread->previous;
	else
		core->threads[thread->next].previous = thread->previous;
	thread->next = BX_NONE;
	thread->previous = BX_NONE;
}

/* ---- the ready queues */

void
bx_sched_enqueue(struct bx_kcore *core, struct bx_thread *thread, bool first)
{
	struct bx_cpu *cpu = &core->cpu;

	if (first)
		bx_queue_prepend(core, &cpu->ready[thread->priority], thread);
	else
		bx_queue_append(core, &cpu->ready[thread->priority], thread);
	cpu->ready_mask |= 1ull << thread->priority;
}

void
bx_thread_unready(struct bx_kcore *core, struct bx_thread *thread)
{
	struct bx_cpu *cpu = &core->cpu;

	if (thread->index == cpu->current)
		return;
	if (bx_thread_parked(core, thread)) {
		bx_thread_unpark(core, thread);
		return;
	}
	bx_queue_remove(core, &cpu->ready[thread->priority], thread);
	if (cpu->ready[thread->priority].head == BX_NONE)
		cpu->ready_mask &= ~(1ull << thread->priority);
}

void
bx_thread_ready(struct bx_kcore *core, struct bx_thread *thread)
{
	bx_thread_move(thread, BX_EVENT_READY);
	if (thread->index != core->cpu.current)
		bx_sched_enqueue(core, thread, false);
}

void
bx_thread_ready_first(struct bx_kcore *core, struct bx_thread *thread)
{
	/* A server has used up its slice, and let equals of its own by for that. */
	bool last = thread->lets_by != 0 && core->cpu.ready[thread->priority].head != BX_NONE;

	bx_thread_move(thread, BX_EVENT_READY);
	if (last)
		thread->lets_by = 0;
	if (thread->index != core->cpu.current)
		bx_sched_enqueue(core, thread, !last);
}

/* ---- time */

/* What has passed is the owner's of the running account. */
static inline void
charge(struct bx_kcore *core, struct bx_thread *owner, uint64_t now)
{
	struct bx_cpu *cpu = &core->cpu;
	uint64_t since = cpu->since;

	cpu->since = now;
	if (BX_UNLIKELY(owner->state == BX_THREAD_FREE))
		core->programs[owner->program].cpu_ticks += now - since;
	else
		owner->cpu_ticks += now - since;
	if (BX_UNLIKELY(cpu->budget_end != UINT64_MAX))
		bx_budget_used(&core->accounts[owner->index], since, now);
}

void
bx_sched_charge(struct bx_kcore *core, uint64_t now)
{
	struct bx_cpu *cpu = &core->cpu;

	if (cpu->account != BX_NONE) {
		charge(core, bx_thread_at(core, cpu->account), now);
		return;
	}
	cpu->idle_ticks += now - cpu->since;
	cpu->since = now;
}

void
bx_sched_yield(struct bx_kcore *core)
{
	core->cpu.slice_end = BX_SLICE_ENDED;
}

/* What the owner has after a slice that is used up.  Whoever waits now, and not for what somebody does on
 * its account, comes back with a whole one; one that is preempted with nothing left lets its equals by first, as
 * soon as it runs. */
static __attribute__((noinline, cold)) uint64_t
slice_after(const struct bx_thread *owner)
{
	bool works = owner->state == BX_THREAD_READY || owner->state == BX_THREAD_SENDING ||
	    bx_thread_awaits(owner);

	return works ? 0 : owner->slice_ticks;
}

static inline uint64_t
slice_left(const struct bx_cpu *cpu, const struct bx_thread *owner, uint64_t now)
{
	if (BX_LIKELY(cpu->slice_end > now))
		return cpu->slice_end - now;
	return cpu->slice_end == BX_SLICE_GIVEN ? owner->slice_ticks : slice_after(owner);
}

/* Puts the rest of the running slice back to its owner, which pays for what has passed. */
void
bx_sched_account_leave(struct bx_kcore *core, uint64_t now)
{
	struct bx_cpu *cpu = &core->cpu;
	struct bx_thread *owner;

	bx_sched_charge(core, now);
	if (cpu->account == BX_NONE)
		return;
	owner = bx_thread_at(core, cpu->account);
	owner->slice_left = slice_left(cpu, owner, now);
	cpu->account = BX_NONE;
	cpu->budget_end = UINT64_MAX;
}

void
bx_sched_account_enter(struct bx_kcore *core, uint32_t account, uint64_t now)
{
	struct bx_cpu *cpu = &core->cpu;
	struct bx_thread *owner = bx_thread_at(core, account);

	if (cpu->account == account)
		return;
	bx_sched_account_leave(core, now);
	cpu->slice_end = now + owner->slice_left;
	if (BX_UNLIKELY(owner->limited != 0))
		cpu->budget_end = bx_budget_until(core, owner, now);
	cpu->account = account;
}

/* ---- the processor goes to another thread at once */

void
bx_sched_preempt(struct bx_kcore *core, struct bx_thread *thread)
{
	bx_sched_enqueue(core, thread, true);
}

struct bx_thread *
bx_sched_first_take(struct bx_kcore *core)
{
	struct bx_cpu *cpu = &core->cpu;
	struct bx_thread *first;
	uint32_t top;

	if (cpu->ready_mask == 0)
		return NULL;
	top = 63u - (uint32_t)__builtin_clzll(cpu->ready_mask);
	first = bx_thread_at(core, cpu->ready[top].head);
	if (first->restart != 0 || !bx_budget_has_time(core, first->account))
		return NULL;
	bx_queue_remove(core, &cpu->ready[top], first);
	if (cpu->ready[top].head == BX_NONE)
		cpu->ready_mask &= ~(1ull << top);
	return first;
}

struct bx_context *
bx_sched_hand_over(struct bx_kcore *core, struct bx_thread *next)
{
	struct bx_thread *before = bx_core_current(core);
	struct bx_cpu *cpu = &core->cpu;

	/* As switch_to. */
	cpu->last_program = next->program;
	cpu->current = next->index;
	cpu->switches++;
	if (next->program != before->program)
		bx_machine_domain_switch(core->machine);
	if (cpu->account != next->account) {
		uint64_t now = bx_machine_now(core->machine);
		struct bx_thread *owner = bx_thread_at(core, cpu->account);

		charge(core, owner, now);
		owner->slice_left = slice_left(cpu, owner, now);
		owner = bx_thread_at(core, next->account);
		cpu->budget_end = UINT64_MAX;
		cpu->account = next->account;
		cpu->slice_end = now + owner->slice_left;
		if (BX_UNLIKELY(owner->limited != 0)) {
			cpu->budget_end = bx_budget_until(core, owner, now);
			if (cpu->budget_end < cpu->timer_at)
				bx_sched_timer_set(core, cpu->budget_end);
		}
	}
	/* As timer_due: the heap has not changed since the timer was set, on the same account no budget
	 * ends earlier, and a timer that goes off too early is set anew then, which is cheaper than to do
	 * it now. */
	if (cpu->slice_end < cpu->timer_at && cpu->ready[next->priority].head != BX_NONE)
		bx_sched_timer_set(core, cpu->slice_end);
	bx_sched_busy_set(core);
	BX_INVARIANT(bx_sched_sound(core, &(const char *){ NULL }));
	return &next->context;
}

/* ---- system calls */

/* Whether dispatch would find that the current thread just goes on: it is ready, on the account that
 * runs, nobody of its priority or above waits, and no such work was put off.  The timer stays as it is:
 * only a thread that waits can have made it due earlier. */
static bool
goes_on(const struct bx_kcore *core, const struct bx_thread *thread)
{
	const struct bx_cpu *cpu = &core->cpu;

	return cpu->current == thread->index && thread->state == BX_THREAD_READY &&
	    thread->restart == 0 && cpu->ready_mask >> thread->priority == 0 &&
	    cpu->account == thread->account && !bx_sched_put_off_first(core, thread->priority);
}

struct bx_context *
bx_kcore_system_call(struct bx_kcore *core)
{
	struct bx_thread *thread = bx_core_current(core);
	struct bx_context *context = &thread->context;
	struct bx_exchange done = { &bx_kcore_declined, 0 };
	struct bx_context *next;

	if (context->number == BX_SYS_CALL)
		done = bx_kcore_call_fast(context->value[0], context, context->value[2], core);
	else if (context->number == BX_SYS_REPLY_RECEIVE)
		done.next = bx_kcore_reply_receive_fast(context->value[0], context,
		    context->value[2], core);
	if (done.next == &bx_kcore_declined)
		return bx_kcore_system_call_general(core);
	next = &bx_core_current(core)->context;
	next->value[0] = done.badge;
	next->value[1] = context->value[1];
	next->value[2] = context->number == BX_SYS_CALL ? BX_IPC_INFO_REPLY : 0;
	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		next->word[i] = context->word[i];
	next->number = BX_OK;
	if (bx_core_current(core)->program != thread->program)
		bx_machine_domain_switch(core->machine);
	return next;
}

struct bx_context *
bx_sched_system_call_long(struct bx_kcore *core)
{
	struct bx_thread *thread = bx_core_current(core);

	bx_syscall_run(core);
	if (BX_LIKELY(goes_on(core, thread))) {
		bx_sched_busy_set(core);
		return &thread->context;
	}
	return bx_sched_dispatch_after_call(core);
}

struct bx_context *
bx_kcore_system_call_general(struct bx_kcore *core)
{
	struct bx_thread *thread = bx_core_current(core);
	struct bx_context *next = NULL;

	core->cpu.system_calls++;
	if (thread->context.number == BX_SYS_NULL && !bx_sched_put_off_first(core, thread->priority)) {
		/* Nothing has changed since the thread was chosen. */
		bx_thread_result(thread, BX_OK);
		return &thread->context;
	}
	switch (thread->context.number) {
	case BX_SYS_SIGNAL:
		next = bx_signal_short(core, thread);
		break;
	case BX_SYS_SEND:
		next = bx_send_short(core, thread);
		break;
	case BX_SYS_RECEIVE:
		next = bx_receive_short(core, thread);
		break;
	case BX_SYS_REPLY_RECEIVE:
		next = bx_fault_reply_short(core, thread);
		break;
	case BX_SYS_CALL | BX_IPC_BUFFERS << 8:
		next = bx_call_short(core, thread);
		break;
	case BX_SYS_REPLY_RECEIVE | BX_IPC_BUFFERS << 8:
		next = bx_reply_receive_short(core, thread);
		break;
	case BX_SYS_YIELD:
		next = bx_yield_short(core, thread);
		break;
	default:
		break;
	}
	return next != NULL ? next : bx_sched_system_call_long(core);
}
