/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sched.c -- who runs: fixed priorities, preemptive, round robin among equals by time slice.
 *
 * The current thread is in no queue; every other READY thread is in cpu.ready[its priority].  A
 * preempted thread goes back first among its equals and keeps its slice; one whose slice has
 * ended goes last and gets a new one.  A slice ends only when an equal waits for the processor.
 *
 * A slice belongs to a thread, and `account` says whose is used up: a server that has taken a call
 * runs on its caller's.  So the rest of a slice goes with a call and comes back with the reply, and
 * nothing is moved: cpu.slice_end is touched only when the processor goes to another account.  The
 * same holds for a budget and cpu.budget_end; budget.c keeps the books.
 *
 * Priority: own, raised to that of every client, of every sender queued where it serves, and of who waits
 * for the rest of a copy that it makes.
 */
#include "thread.h"

#define CHAIN_STEP	16		/* threads settled at once, one for another */

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

/* READY, in no queue: there is no time on its account. */
static bool
is_parked(const struct bx_kcore *core, const struct bx_thread *thread)
{
	return core->threads[thread->account].parked == thread->index;
}

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
	if (is_parked(core, thread)) {
		core->threads[thread->account].parked = BX_NONE;
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
	bx_thread_move(thread, BX_EVENT_READY);
	if (thread->index != core->cpu.current)
		bx_sched_enqueue(core, thread, true);
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
	core->cpu.slice_end = 0;
}

static inline uint64_t
slice_left(const struct bx_cpu *cpu, uint64_t now)
{
	return cpu->slice_end > now ? cpu->slice_end - now : 0;
}

/* Puts the rest of the running slice back to its owner, which pays for what has passed. */
static void
account_leave(struct bx_kcore *core, uint64_t now)
{
	struct bx_cpu *cpu = &core->cpu;

	bx_sched_charge(core, now);
	if (cpu->account == BX_NONE)
		return;
	core->threads[cpu->account].slice_left = slice_left(cpu, now);
	cpu->account = BX_NONE;
	cpu->budget_end = UINT64_MAX;
}

/* The next slice of the running account is a whole one. */
static void
slice_forfeit(struct bx_kcore *core, uint64_t now)
{
	core->cpu.slice_end = 0;
	account_leave(core, now);
}

static inline void
slice_begin(struct bx_cpu *cpu, struct bx_thread *owner, uint64_t now)
{
	if (owner->slice_left == 0)
		owner->slice_left = owner->slice_ticks;
	cpu->slice_end = now + owner->slice_left;
}

static void
account_enter(struct bx_kcore *core, uint32_t account, uint64_t now)
{
	struct bx_cpu *cpu = &core->cpu;
	struct bx_thread *owner = bx_thread_at(core, account);

	if (cpu->account == account)
		return;
	account_leave(core, now);
	slice_begin(cpu, owner, now);
	if (BX_UNLIKELY(owner->limited != 0))
		cpu->budget_end = bx_budget_until(core, owner, now);
	cpu->account = account;
}

/* ---- what a call lends */

/* Where a thread counts that waits for the service of another, or NULL. */
static struct bx_levels *
levels_of(struct bx_kcore *core, const struct bx_thread *thread)
{
	if (thread->state == BX_THREAD_SENDING && thread->object != BX_NONE)
		return &core->sender_levels[thread->object];
	if (bx_thread_awaits(thread) && thread->partner != BX_NONE &&
	    core->threads[thread->partner].clients != thread->index)
		return &core->client_levels[thread->partner];
	return NULL;
}

void
bx_sched_priority_set(struct bx_kcore *core, struct bx_thread *thread, uint32_t priority)
{
	struct bx_levels *levels;
	bool queued;

	if (thread->priority == priority)
		return;
	queued = thread->state == BX_THREAD_READY && thread->index != core->cpu.current &&
	    !is_parked(core, thread);
	levels = levels_of(core, thread);
	if (queued)
		bx_thread_unready(core, thread);
	if (levels != NULL) {
		bx_levels_remove(levels, thread->priority);
		bx_levels_add(levels, priority);
	}
	thread->priority = (uint8_t)priority;
	if (queued)
		bx_sched_enqueue(core, thread, true);
}

void
bx_sched_lend(struct bx_kcore *core, struct bx_thread *server, const struct bx_thread *client)
{
	server->account = client->account;
	if (server->helper != BX_NONE || core->threads[server->account].throttled != 0)
		bx_budget_account(core, server);
	if (client->priority > server->priority)
		bx_sched_priority_set(core, server, client->priority);
}

/* The priority a thread has by itself, its clients and the senders that wait for it. */
static uint32_t
priority_due(const struct bx_kcore *core, const struct bx_thread *thread)
{
	uint32_t priority = thread->priority_base, lent;

	if (thread->clients != BX_NONE) {
		lent = bx_levels_top(&core->client_levels[thread->index]);
		if (core->threads[thread->clients].priority > lent)
			lent = core->threads[thread->clients].priority;
		if (lent > priority)
			priority = lent;
	}
	if (thread->serves != BX_NONE &&
	    (thread->state != BX_THREAD_RECEIVING || thread->transfer != BX_NONE) &&
	    core->endpoints[thread->serves].server_thread == thread->index) {
		lent = bx_levels_top(&core->sender_levels[thread->serves]);
		if (lent > priority)
			priority = lent;
	}
	/* The other side waits for the copy that this one makes. */
	if (thread->transfer != BX_NONE && thread->state == BX_THREAD_READY &&
	    core->threads[thread->transfer].priority > priority)
		priority = core->threads[thread->transfer].priority;
	return priority;
}

/* As bx_budget_account; most often nobody is served any more, and it has time of its own. */
static void
account_again(struct bx_kcore *core, struct bx_thread *thread)
{
	if (thread->clients == BX_NONE && thread->throttled == 0 && thread->helper == BX_NONE &&
	    !is_parked(core, thread))
		thread->account = thread->index;
	else
		bx_budget_account(core, thread);
}

/* Works out what one thread is lent.  Returns whom it waits for, and so passes on to, or BX_NONE.  The
 * highest priority that it found or made is kept in *highest. */
static uint32_t
settle(struct bx_kcore *core, struct bx_thread *server, uint32_t *highest, bool line)
{
	uint32_t before = server->priority, account = server->account;
	uint32_t priority = priority_due(core, server);

	bx_sched_priority_set(core, server, priority);
	account_again(core, server);
	if (before == priority && server->account == account && !line)
		return BX_NONE;
	if (*highest < before)
		*highest = before;
	if (*highest < priority)
		*highest = priority;
	return server->state == BX_THREAD_RECEIVING ? server->transfer :
	    bx_budget_served_by(core, server);
}

/* Goes along the chain of those that wait, as far as something changes, or the whole line; what is left
 * of a long one is put off, and of the highest priority met so far, not below `highest`. */
static void
settle_chain(struct bx_kcore *core, uint32_t next, uint32_t highest, bool line)
{
	struct bx_thread *thread;

	for (unsigned n = 0; n < CHAIN_STEP && next != BX_NONE; n++)
		next = settle(core, bx_thread_at(core, next), &highest, line);
	if (next == BX_NONE)
		return;
	if (core->unsettled == BX_NONE || core->settle_priority < highest)
		core->settle_priority = highest;
	thread = bx_thread_at(core, next);
	thread->settle_line |= line;
	if (thread->unsettled != 0)
		return;
	thread->unsettled = 1;
	thread->settle_next = core->unsettled;
	core->unsettled = next;
	core->put_off++;
}

void
bx_sched_unlend(struct bx_kcore *core, struct bx_thread *server)
{
	/* Most often nothing was lent: it serves nobody and begins to wait. */
	if (server->clients == BX_NONE && server->state == BX_THREAD_RECEIVING &&
	    server->account == server->index && server->priority == server->priority_base &&
	    server->transfer == BX_NONE)
		return;
	core->settle_left = core->thread_count;
	settle_chain(core, server->index, 0, false);
}

void
bx_sched_payers_changed(struct bx_kcore *core, const struct bx_thread *owner)
{
	core->settle_left = core->thread_count;
	settle_chain(core, owner->index, 0, true);
}

void
bx_sched_serve(struct bx_kcore *core, struct bx_endpoint *endpoint, struct bx_thread *thread)
{
	uint32_t before = endpoint->server_thread;

	endpoint->server = thread->program;
	endpoint->server_thread = thread->index;
	thread->serves = (uint32_t)(endpoint - core->endpoints);
	bx_budget_give_up(core, thread);
	/* Who queues here pays for no other thread, and who queues elsewhere not for this one; what they lend
	 * is this one's, also when it has served others in between. */
	bx_budget_help_drop(core, thread);
	if (before != BX_NONE && before != thread->index) {
		bx_budget_help_drop(core, bx_thread_at(core, before));
		bx_sched_unlend(core, bx_thread_at(core, before));
	}
	bx_sched_unlend(core, thread);
}

void
bx_sched_help_end(struct bx_kcore *core, struct bx_thread *sender)
{
	struct bx_thread *server = bx_thread_at(core, sender->helps);

	bx_budget_help_drop(core, server);
	bx_sched_unlend(core, server);
}

/* One step of what was put off.  Threads that wait in a ring (only a deadline ends that) could pass a
 * change round it for ever: after as many steps as there are threads it is dropped. */
static void
settle_step(struct bx_kcore *core)
{
	struct bx_thread *thread = bx_thread_at(core, core->unsettled);
	uint32_t priority = core->settle_priority;
	bool line = thread->settle_line != 0;

	core->unsettled = thread->settle_next;
	thread->unsettled = 0;
	thread->settle_line = 0;
	core->put_off--;
	if (core->settle_left == 0)
		return;
	core->settle_left--;
	settle_chain(core, thread->index, priority, line);
}

/* ---- dispatch */

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
		bool ended = top == thread->priority && now >= cpu->slice_end;

		if (top < thread->priority || (top == thread->priority && !ended))
			return cpu->current;
		if (ended)
			slice_forfeit(core, now);
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
		account_leave(core, now);
		return;
	}
	account_enter(core, bx_core_current(core)->account, now);
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

	account_leave(core, now);
	if (bx_budget_until(core, owner, now) == now)
		bx_budget_throttle(core, owner);
	cpu->last_program = thread->program;
	cpu->current = BX_NONE;
	if (thread->account == owner->index && owner->throttled != 0) {
		BX_ASSERT(owner->parked == BX_NONE);
		owner->parked = thread->index;
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

static void
timer_set(struct bx_kcore *core, uint64_t tick)
{
	if (tick == core->cpu.timer_at)
		return;
	core->cpu.timer_at = tick;
	bx_machine_timer_set(core->machine, tick);
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

/* The program to take apart: of the thread that was chosen, or one when nobody above its priority
 * wants to run; or BX_NONE. */
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
	    core->threads[core->cpu.current].priority > core->programs[ending].priority)
		return BX_NONE;
	return ending;
}

/* Whether priorities and accounts are to be worked out before the thread that was chosen, if one was,
 * runs: it may be touched by that, or has no time, and has to make way for whoever has. */
static bool
settle_due(struct bx_kcore *core, uint64_t now)
{
	return core->unsettled != BX_NONE && (core->cpu.current == BX_NONE ||
	    now >= core->cpu.budget_end ||
	    bx_core_current(core)->priority <= core->settle_priority);
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

/* Back to user mode: who waits for the processor and what was put off do not change until the next
 * event but one of the short ways. */
static void
busy_set(struct bx_kcore *core)
{
	struct bx_cpu *cpu = &core->cpu;

	if (core->put_off != 0)
		cpu->busy = BX_BUSY_ALWAYS;
	else
		cpu->busy = cpu->ready_mask == 0 ? 0 :
		    (uint8_t)(64u - (unsigned)__builtin_clzll(cpu->ready_mask));
}

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
	if (first->restart != 0 || core->threads[first->account].limited != 0)
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
	if (cpu->account != next->account) {
		uint64_t now = bx_machine_now(core->machine);
		struct bx_thread *owner = bx_thread_at(core, cpu->account);

		charge(core, owner, now);
		owner->slice_left = slice_left(cpu, now);
		cpu->budget_end = UINT64_MAX;
		cpu->account = next->account;
		slice_begin(cpu, bx_thread_at(core, next->account), now);
	}
	if (next->program != before->program)
		bx_machine_domain_switch(core->machine);
	BX_INVARIANT(cpu->budget_end == UINT64_MAX);
	/* As timer_due: the heap has not changed since the timer was set, and a timer that goes off too
	 * early is set anew then, which is cheaper than to do it now. */
	if (cpu->slice_end < cpu->timer_at && cpu->ready[next->priority].head != BX_NONE)
		timer_set(core, cpu->slice_end);
	busy_set(core);
	BX_INVARIANT(bx_sched_sound(core, &(const char *){ NULL }));
	return &next->context;
}

/* Each turn of the loop does a bounded step of work that was put off.  After the first, which an event
 * gets so that no storm of interrupts stops the work, an interrupt that waits goes first; when the
 * event was a system call, that was the step. */
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
		timer_set(core, timer_due(core));
		if (unsettled)
			settle_step(core);
		else if (ending != BX_NONE)
			(void)!bx_program_end_step(core, ending);
		else
			run_again(core, bx_core_current(core));
	}
	BX_INVARIANT(bx_sched_sound(core, &(const char *){ NULL }));
	if (cpu->current != BX_NONE) {
		BX_INVARIANT(bx_core_current(core)->state == BX_THREAD_READY);
		timer_set(core, timer_due(core));
		busy_set(core);
		return &bx_core_current(core)->context;
	}
	/* What was put off is taken up again at once, whatever comes. */
	timer_set(core, cpu->ready_mask != 0 || core->put_off != 0 ? now : timer_due(core));
	return NULL;
}

struct bx_context *
bx_sched_dispatch(struct bx_kcore *core)
{
	return dispatch(core, true);
}

/* ---- events */

struct bx_context *
bx_kcore_start(struct bx_kcore *core)
{
	core->cpu.since = bx_machine_now(core->machine);
	return bx_sched_dispatch(core);
}

/* Whether dispatch would find that the current thread just goes on: it is ready, on the account that
 * runs, nobody of its priority or above waits, and no work was put off.  The timer stays as it is:
 * only a thread that waits can have made it due earlier. */
static bool
goes_on(const struct bx_kcore *core, const struct bx_thread *thread)
{
	const struct bx_cpu *cpu = &core->cpu;

	return cpu->current == thread->index && thread->state == BX_THREAD_READY &&
	    thread->restart == 0 && cpu->ready_mask >> thread->priority == 0 &&
	    cpu->account == thread->account && core->put_off == 0;
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
		busy_set(core);
		return &thread->context;
	}
	return dispatch(core, false);
}

struct bx_context *
bx_kcore_system_call_general(struct bx_kcore *core)
{
	struct bx_thread *thread = bx_core_current(core);
	struct bx_context *next = NULL;

	core->cpu.system_calls++;
	if (thread->context.number == BX_SYS_NULL && core->put_off == 0) {
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

struct bx_context *
bx_kcore_timer(struct bx_kcore *core)
{
	core->cpu.interrupts++;
	core->cpu.timer_at = UINT64_MAX;	/* it has fired */
	bx_timer_expire(core, bx_machine_now(core->machine));
	return bx_sched_dispatch(core);
}
