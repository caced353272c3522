/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * thread.c -- the life of a thread.
 *
 *	transition			made by
 *	FREE -> STOPPED			bx_thread_make
 *	STOPPED -> READY		bx_thread_ready: started, resumed
 *	READY -> SENDING, RECEIVING	bx_ipc_send, bx_sys_receive: no partner is there
 *	READY, SENDING -> AWAITING_REPLY  ipc_exchange.c: a server has taken the call
 *	READY, SENDING -> FAULTED	ipc_exchange.c: a handler has taken the fault
 *	READY -> WAITING		bx_sys_wait
 *	READY -> SLEEPING		bx_sys_sleep
 *	any wait -> READY		bx_thread_ready: partner, signal, deadline, error
 *	any but FREE, STOPPED -> STOPPED  bx_thread_stop
 *	STOPPED -> FREE			bx_thread_end
 */
#include "thread.h"

#define NO	BX_THREAD_STATE_NO
#define FREE	BX_THREAD_FREE
#define STOP	BX_THREAD_STOPPED
#define READY	BX_THREAD_READY
#define SEND	BX_THREAD_SENDING
#define RECV	BX_THREAD_RECEIVING
#define CALL	BX_THREAD_AWAITING_REPLY
#define WAIT	BX_THREAD_WAITING
#define SLEEP	BX_THREAD_SLEEPING
#define FAULT	BX_THREAD_FAULTED

const uint8_t bx_thread_next[BX_THREAD_STATE_COUNT][BX_EVENT_COUNT] = {
	/*	     MAKE  READY  SEND  RECEIVE CALL  FAULT  WAIT  SLEEP  STOP  END */
	[FREE]	 = { STOP, NO,	  NO,	NO,	NO,   NO,    NO,   NO,	  NO,	NO },
	[STOP]	 = { NO,   READY, NO,	NO,	NO,   NO,    NO,   NO,	  NO,	FREE },
	[READY]	 = { NO,   NO,	  SEND, RECV,	CALL, FAULT, WAIT, SLEEP, STOP, NO },
	[SEND]	 = { NO,   READY, NO,	NO,	CALL, FAULT, NO,   NO,	  STOP, NO },
	[RECV]	 = { NO,   READY, NO,	NO,	NO,   NO,    NO,   NO,	  STOP, NO },
	[CALL]	 = { NO,   READY, NO,	NO,	NO,   NO,    NO,   NO,	  STOP, NO },
	[WAIT]	 = { NO,   READY, NO,	NO,	NO,   NO,    NO,   NO,	  STOP, NO },
	[SLEEP]	 = { NO,   READY, NO,	NO,	NO,   NO,    NO,   NO,	  STOP, NO },
	[FAULT]	 = { NO,   READY, NO,	NO,	NO,   NO,    NO,   NO,	  STOP, NO },
};

#undef FREE
#undef STOP
#undef READY
#undef SEND
#undef RECV
#undef CALL
#undef WAIT
#undef SLEEP
#undef FAULT

/* The links of a thread that has no partner. */
static void
links_clear(struct bx_thread *thread)
{
	thread->next = BX_NONE;
	thread->previous = BX_NONE;
	thread->object = BX_NONE;
	thread->partner = BX_NONE;
	thread->clients = BX_NONE;
	thread->account = thread->index;
	thread->serves = BX_NONE;
	thread->call_head = BX_CAP_HEAD_NONE;
	thread->receive_head = BX_CAP_HEAD_NONE;
	thread->transfer = BX_NONE;
	thread->bound_notification = BX_NONE;
	thread->reply_slot = BX_CAP_SLOT_NONE;
	thread->reply_place = BX_ROOT_SLOT;
	thread->has_buffers = 0;
	thread->call_kind = BX_CALL_NONE;
	thread->phase = 0;
	thread->signalled = 0;
	thread->restart = 0;
	thread->copied = 0;
	thread->work = 0;
	thread->lets_by = 0;
	thread->deadline = 0;
	thread->fault_kind = 0;
}

void
bx_sched_init(struct bx_kcore *core)
{
	const struct bx_queue empty = { .head = BX_NONE, .tail = BX_NONE };

	for (uint32_t p = 0; p < core->program_count; p++) {
		const struct bx_program *program = &core->programs[p];

		for (uint32_t i = 0; i < program->thread_count; i++)
			core->threads[program->first_thread + i].program = p;
	}
	for (uint32_t i = 0; i < core->thread_count; i++) {
		struct bx_thread *thread = &core->threads[i];

		thread->index = i;
		thread->index_twice = (uint64_t)i << 32 | i;
		thread->settle_next = BX_NONE;
		thread->state = BX_THREAD_FREE;
		thread->timer_key = UINT64_MAX;
		thread->timer_floor = UINT64_MAX;
		links_clear(thread);
		bx_budget_init(core, thread);
	}
	for (uint32_t i = 0; i < core->endpoint_count; i++) {
		core->endpoints[i].server = BX_NONE;
		core->endpoints[i].server_thread = BX_NONE;
		core->endpoints[i].senders = empty;
		core->endpoints[i].receivers = empty;
	}
	for (uint32_t i = 0; i < core->notification_count; i++) {
		core->notifications[i].bound_thread = BX_NONE;
		core->notifications[i].waiters = empty;
	}
	for (uint32_t p = 0; p < BX_PRIORITY_COUNT; p++)
		core->cpu.ready[p] = empty;
	core->unsettled = BX_NONE;
	core->cpu.current = BX_NONE;
	core->cpu.account = BX_NONE;
	core->cpu.last_program = BX_NONE;
	core->cpu.budget_end = UINT64_MAX;
	core->cpu.timer_at = UINT64_MAX;
}

void
bx_thread_make(struct bx_kcore *core, uint32_t index, uint32_t program)
{
	struct bx_thread *thread = bx_thread_at(core, index);
	struct bx_program *owner = &core->programs[program];

	BX_ASSERT(thread->program == program);
	bx_thread_move(thread, BX_EVENT_MAKE);
	memset(&thread->context, 0, offsetof(struct bx_context, machine));
	thread->context.root = owner->root;
	thread->context.fpu = (owner->flags & BX_PROGRAM_FPU) != 0;
	thread->slots = &core->forest.slots[owner->space.first_slot];
	thread->plain_count = owner->space.plain_count;
	thread->slice_ticks = owner->slice_ticks;
	links_clear(thread);
	thread->generation++;
	thread->priority_base = (uint8_t)owner->priority;
	thread->priority = thread->priority_base;
	thread->slice_left = thread->slice_ticks;
	thread->cpu_ticks = 0;
	bx_budget_start(core, thread);
	owner->threads_alive++;
}

void
bx_thread_wake(struct bx_kcore *core, struct bx_thread *thread, enum bx_err err)
{
	bx_ipc_detach(core, thread);
	if (thread->call_kind == BX_CALL_FAULT) {
		/* Its registers are the user's.  Nobody takes the fault: when it is chosen, its
		 * program ends (fault.c); not here, where a chain of handlers would recurse. */
		thread->restart = 1;
		thread->work = 1;
	} else {
		bx_thread_result(thread, err);
		thread->call_kind = BX_CALL_NONE;
		thread->work = 0;
		thread->phase = 0;
	}
	bx_thread_ready(core, thread);
}

void
bx_thread_again(struct bx_kcore *core, struct bx_thread *thread)
{
	/* Of a reply_receive the receive is left. */
	if (thread->state == BX_THREAD_RECEIVING)
		thread->context.number = BX_SYS_RECEIVE |
		    (uint64_t)(thread->has_buffers != 0 ? BX_IPC_BUFFERS : 0) << 8;
	bx_ipc_detach(core, thread);
	thread->phase |= BX_PHASE_AGAIN;
	thread->restart = 1;
	bx_thread_ready(core, thread);
	bx_thread_astray_set(core, thread);
}

/* Takes a living thread out of everything but its client list. */
static void
withdraw(struct bx_kcore *core, struct bx_thread *thread)
{
	bool in_call = thread->state != BX_THREAD_READY || thread->restart != 0;

	bx_ipc_detach(core, thread);
	if (thread->work != 0)
		bx_program_starter_gone(core, thread);
	if (thread->state == BX_THREAD_READY)
		bx_thread_unready(core, thread);
	if (in_call && thread->state != BX_THREAD_STOPPED && thread->call_kind != BX_CALL_FAULT)
		bx_thread_result(thread, BX_ERR_CANCELLED);
	thread->call_kind = BX_CALL_NONE;
	thread->restart = 0;
	thread->work = 0;
	thread->phase = 0;
	bx_thread_astray_set(core, thread);
}

void
bx_thread_stop(struct bx_kcore *core, struct bx_thread *thread)
{
	withdraw(core, thread);
	bx_thread_move(thread, BX_EVENT_STOP);
}

bool
bx_thread_end(struct bx_kcore *core, uint32_t index)
{
	struct bx_thread *thread = bx_thread_at(core, index);
	struct bx_program *program = &core->programs[thread->program];

	if (thread->state == BX_THREAD_FREE)
		return true;
	if (core->cpu.account == index)
		bx_sched_charge(core, bx_machine_now(core->machine));
	if (thread->state != BX_THREAD_STOPPED)
		bx_thread_stop(core, thread);
	if (!bx_ipc_clients_release(core, thread))
		return false;
	if (thread->bound_notification != BX_NONE)
		bx_notification_unbind(core, &core->notifications[thread->bound_notification]);
	BX_ASSERT(program->threads_alive > 0);
	program->threads_alive--;
	bx_budget_help_drop(core, thread);
	program->cpu_ticks += thread->cpu_ticks;
	thread->cpu_ticks = 0;
	bx_thread_move(thread, BX_EVENT_END);
	links_clear(thread);
	thread->generation++;
	return true;
}
