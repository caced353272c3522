/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * thread.h -- what the files about threads share: thread.c sched.c timer.c ipc*.c
 * notify.c fault.c and the system calls.  Internal; the state table is in thread.c.
 */
#ifndef BRAINIX_KCORE_THREAD_H
#define BRAINIX_KCORE_THREAD_H

#include "core.h"

/* What moves a thread from one state to another. */
enum bx_thread_event {
	BX_EVENT_MAKE,			/* bx_thread_make */
	BX_EVENT_READY,			/* started, resumed, woken, answered */
	BX_EVENT_SEND,			/* queued at an endpoint, to send */
	BX_EVENT_RECEIVE,		/* queued at an endpoint, to receive */
	BX_EVENT_CALL,			/* its call was taken by a server */
	BX_EVENT_FAULT,			/* its fault was taken by a handler */
	BX_EVENT_WAIT,			/* queued at a notification */
	BX_EVENT_SLEEP,
	BX_EVENT_STOP,
	BX_EVENT_END,
	BX_EVENT_COUNT
};
#define BX_THREAD_STATE_COUNT	9
#define BX_THREAD_STATE_NO	0xff	/* cannot happen */

/* [state][event] -> next state, or BX_THREAD_STATE_NO. */
extern const uint8_t bx_thread_next[BX_THREAD_STATE_COUNT][BX_EVENT_COUNT];

/* thread.call_kind: what a thread that waits for a partner has said. */
enum bx_call_kind {
	BX_CALL_NONE = 0,
	BX_CALL_SEND = 1,		/* wants no answer */
	BX_CALL_CALL = 2,
	BX_CALL_FAULT = 3		/* the kernel says it for the thread; answer: resume */
};

/* thread.phase. */
#define BX_PHASE_SPENT		1u	/* queued; the capability has had its use */
#define BX_PHASE_ENGAGED	2u	/* it waits, and a copy from or to it is under way */
#define BX_PHASE_AGAIN		4u	/* an exchange has failed by its partner: it begins again */

static inline struct bx_thread *
bx_thread_at(const struct bx_kcore *core, uint32_t index)
{
	return &core->threads[index];
}

/* The ordinary slot that its user calls `index`; false: there is none. */
static inline bool
bx_thread_slot(const struct bx_thread *thread, uint64_t index, struct bx_cap_slot **slot)
{
	uint64_t masked;

	if (BX_UNLIKELY(!bx_machine_index_below(index, thread->plain_count, &masked)))
		return false;
	*slot = thread->slots + masked;
	return true;
}

/* Moves a thread along the table; a move that the table does not know is a bug here. */
static inline void
bx_thread_move(struct bx_thread *thread, enum bx_thread_event event)
{
	uint8_t next = bx_thread_next[thread->state][event];

	BX_ASSERT(next != BX_THREAD_STATE_NO);
	thread->state = next;
}

/* The result of a system call that has no values, or failed. */
static inline void
bx_thread_result(struct bx_thread *thread, enum bx_err err)
{
	thread->context.number = (uint64_t)(int64_t)err;
	thread->context.value[0] = 0;
	thread->context.value[1] = 0;
	thread->context.value[2] = 0;
}

/* Whether it waits for the answer to a call, or to a fault, that a server has taken. */
static inline bool
bx_thread_awaits(const struct bx_thread *thread)
{
	return thread->state == BX_THREAD_AWAITING_REPLY || thread->state == BX_THREAD_FAULTED;
}

/* Whether it waits in the queue of its `object` (or a copy under way has taken it out, and there is
 * none); `partner` means something while it awaits an answer, `deadline` while it is not READY. */
static inline bool
bx_thread_queued(const struct bx_thread *thread)
{
	return thread->state == BX_THREAD_SENDING || thread->state == BX_THREAD_RECEIVING ||
	    thread->state == BX_THREAD_WAITING;
}

/* Works out again whether a call of it may go by a capability though it is in no queue: a copy is under
 * way, or it has cost its use and begins again.  Whoever changes `transfer`, or the phase of who is READY,
 * says so. */
static inline void
bx_thread_astray_set(struct bx_kcore *core, struct bx_thread *thread)
{
	uint32_t astray = thread->transfer != BX_NONE || (thread->state == BX_THREAD_READY &&
	    (thread->phase & BX_PHASE_SPENT) != 0);

	core->programs[thread->program].strays += astray - thread->astray;
	thread->astray = astray;
}

/* Whether its program is being taken apart: it does not run any more, and whoever meets it takes it
 * out of what it does (bx_thread_stop) before going on. */
static inline bool
bx_thread_dying(const struct bx_kcore *core, const struct bx_thread *thread)
{
	return core->programs[thread->program].state == BX_PROGRAM_ENDING;
}

static inline void
bx_levels_add(struct bx_levels *levels, uint32_t priority)
{
	levels->count[priority]++;
	levels->mask |= 1ull << priority;
}

static inline void
bx_levels_remove(struct bx_levels *levels, uint32_t priority)
{
	BX_ASSERT(levels->count[priority] > 0);
	if (--levels->count[priority] == 0)
		levels->mask &= ~(1ull << priority);
}

/* The highest priority there, or 0. */
static inline uint32_t
bx_levels_top(const struct bx_levels *levels)
{
	return levels->mask == 0 ? 0 : 63u - (uint32_t)__builtin_clzll(levels->mask);
}

/* ---- thread.c */

/* Takes a thread out of whatever it waits for or does, for STOP; its call is cancelled. */
void bx_thread_stop(struct bx_kcore *core, struct bx_thread *thread);
/* Puts a passive side of a copy back to the start of its own system call. */
void bx_thread_again(struct bx_kcore *core, struct bx_thread *thread);

/* ---- sched.c, lend.c, dispatch.c */

void bx_queue_prepend(struct bx_kcore *core, struct bx_queue *queue, struct bx_thread *thread);
/* As bx_thread_ready, but first among equals: it goes on with a time slice that runs already. */
void bx_thread_ready_first(struct bx_kcore *core, struct bx_thread *thread);
void bx_sched_charge(struct bx_kcore *core, uint64_t now);
/* Ends the current time slice: an equal that waits runs next. */
void bx_sched_yield(struct bx_kcore *core);
/* Sets the effective priority, wherever the thread is. */
void bx_sched_priority_set(struct bx_kcore *core, struct bx_thread *thread, uint32_t priority);
/* `server` has taken a call of `client`: it runs with the client's priority and on its slice. */
void bx_sched_lend(struct bx_kcore *core, struct bx_thread *server, const struct bx_thread *client);
/* Somebody has come to or left the clients of `server` (or the queue it serves), or its own priority
 * is another: what it runs with is worked out again, for it and for those that it waits for in turn;
 * along a long chain in steps, before any thread runs. */
void bx_sched_unlend(struct bx_kcore *core, struct bx_thread *server);
/* The current thread, which goes on being READY, is the first of its priority to run again. */
void bx_sched_preempt(struct bx_kcore *core, struct bx_thread *thread);
/* One step of what was put off. */
void bx_sched_settle_step(struct bx_kcore *core);
/* The processor leaves the account that runs, if one does; goes to an account. */
void bx_sched_account_leave(struct bx_kcore *core, uint64_t now);
void bx_sched_account_enter(struct bx_kcore *core, uint32_t account, uint64_t now);
/* As bx_sched_dispatch, when a step of work has been done already. */
struct bx_context *bx_sched_dispatch_after_call(struct bx_kcore *core);
/* READY, in no queue: there is no time on its account. */
static inline bool
bx_thread_parked(const struct bx_kcore *core, const struct bx_thread *thread)
{
	return core->threads[thread->account].parked == thread->index;
}
static inline void
bx_thread_park(struct bx_kcore *core, struct bx_thread *thread)
{
	core->threads[thread->account].parked = thread->index;
	bx_levels_add(&core->parked, thread->priority);
}
static inline void
bx_thread_unpark(struct bx_kcore *core, struct bx_thread *thread)
{
	core->threads[thread->account].parked = BX_NONE;
	bx_levels_remove(&core->parked, thread->priority);
}
static inline void
bx_sched_timer_set(struct bx_kcore *core, uint64_t tick)
{
	if (tick == core->cpu.timer_at)
		return;
	core->cpu.timer_at = tick;
	bx_machine_timer_set(core->machine, tick);
}
/* Whether some of what was put off goes before a READY thread of this priority. */
static inline bool
bx_sched_put_off_first(const struct bx_kcore *core, uint32_t priority)
{
	return BX_UNLIKELY(core->put_off != 0) &&
	    (core->unsettled != BX_NONE || core->ending_mask >> priority != 0);
}
/* Back to user mode: who waits for the processor and what was put off do not change until the next
 * event but one of the short ways. */
static inline void
bx_sched_busy_set(struct bx_kcore *core)
{
	struct bx_cpu *cpu = &core->cpu;

	if (core->put_off != 0)
		cpu->busy = BX_BUSY_ALWAYS;
	else
		cpu->busy = cpu->ready_mask == 0 ? 0 :
		    (uint8_t)(64u - (unsigned)__builtin_clzll(cpu->ready_mask));
}
/* The first of the highest READY ones, taken out of its queue; NULL: there is none, or a call of it is
 * to begin again, or there may be no time on its account. */
struct bx_thread *bx_sched_first_take(struct bx_kcore *core);
/* `next`, which is READY, in no queue, has time on its account, and has no call to begin again, runs
 * instead of the current thread; nothing is put off, and no READY one is above it. */
struct bx_context *bx_sched_hand_over(struct bx_kcore *core, struct bx_thread *next);
/* The system call of the current thread, by no short way. */
struct bx_context *bx_sched_system_call_long(struct bx_kcore *core);

/* ---- ipc_short.c: short ways of the system calls of these names, without buffers, by which the
 * processor goes to another thread at once.  NULL: nothing has changed. */

struct bx_context *bx_signal_short(struct bx_kcore *core, struct bx_thread *thread);
struct bx_context *bx_send_short(struct bx_kcore *core, struct bx_thread *thread);
struct bx_context *bx_yield_short(struct bx_kcore *core, struct bx_thread *thread);
struct bx_context *bx_receive_short(struct bx_kcore *core, struct bx_thread *thread);
/* The recorded fault of the current thread goes to its handler; a reply_receive answers a fault. */
struct bx_context *bx_fault_short(struct bx_kcore *core, struct bx_thread *thread);
struct bx_context *bx_fault_reply_short(struct bx_kcore *core, struct bx_thread *thread);

/* ---- ipc_buffers.c: likewise of a call and a reply_receive with buffers. */

struct bx_context *bx_call_short(struct bx_kcore *core, struct bx_thread *thread);
struct bx_context *bx_reply_receive_short(struct bx_kcore *core, struct bx_thread *thread);

/* ---- lend.c again */

/* Whether the account of `owner` can pay has changed: for the owner, those who run on it, or could, and
 * for all behind them in the line, it is worked out again whose account they run on. */
void bx_sched_payers_changed(struct bx_kcore *core, const struct bx_thread *owner);
/* Puts a READY thread that is in no queue into its ready queue, first or last among equals. */
void bx_sched_enqueue(struct bx_kcore *core, struct bx_thread *thread, bool first);
/* `thread` receives on `endpoint`, and has not been the last to do so, or serves another. */
void bx_sched_serve(struct bx_kcore *core, struct bx_endpoint *endpoint, struct bx_thread *thread);
/* A sender that pays for a server waits no longer. */
void bx_sched_help_end(struct bx_kcore *core, struct bx_thread *sender);

/* ---- budget.c */

/* What its program's budget says: once at boot.  Whoever starts again gets no new budget, and no new time to
 * start up on. */
void bx_budget_init(struct bx_kcore *core, struct bx_thread *thread);
/* A thread of a passive program may use some time of its own until it serves for the first time; then
 * it has none but its callers'. */
void bx_budget_start(struct bx_kcore *core, struct bx_thread *thread);
void bx_budget_give_up(struct bx_kcore *core, struct bx_thread *thread);
/* The account has been used from `since` to `now`. */
void bx_budget_used(struct bx_account *account, uint64_t since, uint64_t now);
/* The tick at which the account has no time left, if it is used from `now` on; UINT64_MAX: never. */
uint64_t bx_budget_until(struct bx_kcore *core, const struct bx_thread *owner, uint64_t now);
/* Whether there is time on an account on which nothing runs; what has come back since it was left may be
 * overlooked. */
static inline bool
bx_budget_has_time(const struct bx_kcore *core, uint32_t account)
{
	const struct bx_thread *owner = bx_thread_at(core, account);

	return BX_LIKELY(owner->limited == 0) ||
	    (owner->throttled == 0 && core->accounts[account].left > 0);
}
/* The account has no time left: stops it, until its refill. */
void bx_budget_throttle(struct bx_kcore *core, struct bx_thread *owner);
/* When the next refill of a throttled account is due; UINT64_MAX: never, or it is not throttled. */
uint64_t bx_budget_due(const struct bx_kcore *core, const struct bx_thread *owner);
/* That tick has come: who waits for it goes on. */
void bx_budget_refill(struct bx_kcore *core, struct bx_thread *owner, uint64_t now);
/* Works out again on whose account a thread runs. */
void bx_budget_account(struct bx_kcore *core, struct bx_thread *thread);
/* The next in the line of those on one account, from its owner on: who serves the thread, or who is
 * paid by it while it queues, or would be; or BX_NONE. */
uint32_t bx_budget_served_by(const struct bx_kcore *core, const struct bx_thread *thread);
/* Undoes the link of a server and the sender that pays for it, if there is one. */
void bx_budget_help_drop(struct bx_kcore *core, struct bx_thread *server);

/* ---- ipc.c, ipc_reply.c, ipc_exchange.c, ipc_wait.c, ipc_cycle.c */

/* The system calls; each leaves its result in the registers, or the thread waiting, or restarted. */
void bx_sys_call(struct bx_kcore *core, struct bx_thread *thread);
void bx_sys_send(struct bx_kcore *core, struct bx_thread *thread);
void bx_sys_receive(struct bx_kcore *core, struct bx_thread *thread);
void bx_sys_reply(struct bx_kcore *core, struct bx_thread *thread);
void bx_sys_reply_receive(struct bx_kcore *core, struct bx_thread *thread);

/* Hands what `sender` says through `endpoint` to a receiver, or queues the sender.  The caller has
 * checked everything that does not depend on the partner. */
void bx_ipc_send(struct bx_kcore *core, struct bx_thread *sender, struct bx_endpoint *endpoint,
    uint64_t deadline);
/* Wakes some of the clients of an ending thread, or senders queued for an ending program, with
 * BX_ERR_PEER_DIED.  False: there are more. */
bool bx_ipc_clients_release(struct bx_kcore *core, struct bx_thread *thread);
bool bx_ipc_senders_release(struct bx_kcore *core, struct bx_endpoint *endpoint);
/* The capability that `from` offers is copied into the slot that `to` offers, and recorded.  Errors of
 * bx_cap_copy. */
BX_MUST_USE enum bx_err bx_ipc_capability_copy(struct bx_kcore *core, const struct bx_thread *from,
    const struct bx_thread *to);
/* The registers of a fault message. */
void bx_ipc_fault_put(const struct bx_kcore *core, struct bx_thread *to,
    const struct bx_thread *from);
/* Takes a thread out of its wait: queue, client list, copy under way, deadline. */
void bx_ipc_detach(struct bx_kcore *core, struct bx_thread *thread);
/* Whether a thread that waited for `endpoint` would wait for itself; or the answer is farther than a
 * bounded look. */
bool bx_ipc_would_deadlock(const struct bx_kcore *core, const struct bx_thread *thread,
    const struct bx_endpoint *endpoint);
/* Whether the server of the endpoint has ended; one that never began is waited for. */
bool bx_ipc_server_dead(const struct bx_kcore *core, const struct bx_endpoint *endpoint);
/* A deadline as it is kept: never farther than BX_DEADLINE_FAR. */
static inline uint64_t
bx_deadline_clamp(uint64_t deadline, uint64_t now)
{
	return deadline > now + BX_DEADLINE_FAR ? now + BX_DEADLINE_FAR : deadline;
}

/* ---- notify.c */

void bx_sys_wait(struct bx_kcore *core, struct bx_thread *thread);
/* Gives pending bits to whoever waits for them. */
void bx_notification_deliver(struct bx_kcore *core, uint32_t index);
/* Delivers what is pending on the notification bound to `thread`; false when nothing is. */
bool bx_notification_take_bound(struct bx_kcore *core, struct bx_thread *thread);

/* ---- fault.c */

/* Says the recorded fault of the current thread to its handler, or ends its program. */
void bx_fault_raise(struct bx_kcore *core, struct bx_thread *thread);

#endif
