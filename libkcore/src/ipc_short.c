/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipc_short.c -- short ways by which the processor changes hands, and accounts with it: a signal or a
 * send to a receiver that runs next, a receive that finds nothing, a yield, a fault and its answer.
 * NULL: nothing has changed, and the general way is taken.
 */
#include "ipc_fast.h"

/* Whether a capability may be used for ever for what is asked, by the checks of bx_sys_cap
 * but for the object's generation. */
static inline bool
cap_allows(const struct bx_cap *cap, enum bx_cap_type type, uint8_t rights)
{
	return cap->type == type && (cap->rights & rights) == rights &&
	    cap->uses == BX_CAP_USES_UNLIMITED && cap->expiry == BX_CAP_EXPIRY_NEVER;
}

/* Whether `waiter`, once READY, would run instead of the current thread and of all that are READY. */
static inline bool
runs_next(const struct bx_kcore *core, const struct bx_thread *thread,
    const struct bx_thread *waiter)
{
	return waiter->state == BX_THREAD_RECEIVING && waiter->transfer == BX_NONE &&
	    bx_budget_has_time(core, waiter->account) &&
	    waiter->priority > thread->priority && waiter->priority >= core->cpu.busy;
}

/* A receiver gets what it waited for, but for the words, and runs; the current thread has its result. */
static struct bx_context *
receiver_runs(struct bx_kcore *core, struct bx_thread *thread, struct bx_thread *receiver,
    uint64_t badge, uint64_t label, uint64_t info)
{
	bx_queue_remove(core, &core->endpoints[receiver->object].receivers, receiver);
	receiver->state = BX_THREAD_READY;
	receiver->phase = 0;
	receiver->object = BX_NONE;
	receiver->context.number = BX_OK;
	receiver->context.value[0] = badge;
	receiver->context.value[1] = label;
	receiver->context.value[2] = info;
	bx_thread_result(thread, BX_OK);
	bx_sched_preempt(core, thread);
	return bx_sched_hand_over(core, receiver);
}

struct bx_context *
bx_signal_short(struct bx_kcore *core, struct bx_thread *thread)
{
	struct bx_notification *notification;
	struct bx_thread *waiter;
	struct bx_cap_slot *slot;
	uint64_t bits;

	if (!bx_thread_slot(thread, thread->context.value[0], &slot) ||
	    !cap_allows(&slot->cap, BX_CAP_NOTIFICATION, BX_RIGHT_WRITE) || slot->cap.badge == 0)
		return NULL;
	notification = &core->notifications[slot->cap.object.index];
	if (notification->generation != slot->cap.object.generation ||
	    notification->waiters.head != BX_NONE || core->put_off != 0)
		return NULL;
	bits = notification->bits | slot->cap.badge;
	if (notification->bound_thread != BX_NONE) {
		waiter = bx_thread_at(core, notification->bound_thread);
		if (waiter->state == BX_THREAD_RECEIVING) {
			if (!runs_next(core, thread, waiter))
				return NULL;
			notification->signals++;
			notification->bits = 0;
			return receiver_runs(core, thread, waiter, bits, 0, BX_IPC_INFO_SIGNAL);
		}
		waiter->signalled = 1;
	}
	/* Nobody waits: the current thread goes on, as when it was chosen. */
	notification->signals++;
	notification->bits = bits;
	bx_thread_result(thread, BX_OK);
	return &thread->context;
}

struct bx_context *
bx_send_short(struct bx_kcore *core, struct bx_thread *thread)
{
	struct bx_endpoint *endpoint;
	struct bx_thread *receiver;
	struct bx_cap_slot *slot;

	if (!bx_thread_slot(thread, thread->context.value[0], &slot) ||
	    !cap_allows(&slot->cap, BX_CAP_ENDPOINT, BX_RIGHT_WRITE))
		return NULL;
	endpoint = &core->endpoints[slot->cap.object.index];
	if (endpoint->generation != slot->cap.object.generation || endpoint->receivers.head == BX_NONE)
		return NULL;
	receiver = bx_thread_at(core, endpoint->receivers.head);
	if (!runs_next(core, thread, receiver))
		return NULL;

	/* Nothing below can fail. */
	endpoint->messages++;
	receiver->has_buffers = 0;
	thread->has_buffers = 0;
	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		receiver->context.word[i] = thread->context.word[i];
	return receiver_runs(core, thread, receiver, slot->cap.badge, thread->context.value[1], 0);
}

static __attribute__((noinline)) void
rotate(struct bx_kcore *core, struct bx_queue *queue, struct bx_thread *last,
    struct bx_thread *first)
{
	bx_queue_append(core, queue, last);
	bx_queue_remove(core, queue, first);
}

struct bx_context *
bx_yield_short(struct bx_kcore *core, struct bx_thread *thread)
{
	struct bx_queue *equals = &core->cpu.ready[thread->priority];
	struct bx_thread *next;

	/* An equal waits, nobody above it, and nothing is put off; the slice that is given away is the
	 * thread's own, and the equal has another one. */
	if (core->cpu.busy != thread->priority + 1 || core->cpu.account != thread->index)
		return NULL;
	next = bx_thread_at(core, equals->head);
	if (next->restart != 0 || next->account == core->cpu.account ||
	    !bx_budget_has_time(core, next->account))
		return NULL;

	/* Nothing below can fail. */
	if (BX_LIKELY(next->next == BX_NONE)) {
		__builtin_memcpy(equals, &thread->index_twice, sizeof *equals);
	} else {
		rotate(core, equals, thread, next);
	}
	bx_thread_result(thread, BX_OK);
	core->cpu.slice_end = BX_SLICE_GIVEN;
	return bx_sched_hand_over(core, next);
}

struct bx_context *
bx_receive_short(struct bx_kcore *core, struct bx_thread *thread)
{
	uint64_t deadline = thread->context.value[2];
	struct bx_endpoint *endpoint;
	struct bx_cap_slot *slot;
	struct bx_thread *next;

	/* As bx_kcore_reply_receive_fast, and nothing was lent. */
	if (!bx_thread_slot(thread, thread->context.value[0], &slot) ||
	    bx_cap_head(&slot->cap) != thread->receive_head ||
	    slot->cap.expiry != BX_CAP_EXPIRY_NEVER ||
	    BX_PAIR(bx_cap, &slot->cap, object) != BX_PAIR(bx_thread, thread, serves))
		return NULL;
	endpoint = &core->endpoints[thread->serves];
	if (BX_PAIR(bx_endpoint, endpoint, generation) != BX_PAIR(bx_thread, thread, serves_generation) ||
	    BX_PAIR(bx_endpoint, endpoint, receivers.tail) != BX_NOBODY ||
	    !deadline_fits(thread, deadline) || thread->reply_index != thread->context.reply ||
	    core->forest.slots[thread->reply_slot].cap.type != BX_CAP_NONE || thread->signalled != 0 ||
	    thread->clients != BX_NONE || thread->account != thread->index ||
	    thread->priority != thread->priority_base || core->put_off != 0)
		return NULL;
	next = bx_sched_first_take(core);
	if (next == NULL)
		return NULL;

	/* Nothing below can fail. */
	thread->state = BX_THREAD_RECEIVING;
	thread->phase = BX_PHASE_SPENT;
	thread->has_buffers = 0;
	thread->object = thread->serves;
	thread->deadline = deadline;
	__builtin_memcpy(&endpoint->receivers, &thread->index_twice, sizeof endpoint->receivers);
	return bx_sched_hand_over(core, next);
}

struct bx_context *
bx_fault_short(struct bx_kcore *core, struct bx_thread *thread)
{
	uint32_t handler = core->programs[thread->program].fault_endpoint;
	struct bx_endpoint *endpoint;
	struct bx_cap_slot *reply;
	struct bx_thread *server;

	if (handler == BX_NONE || core->endpoints[handler].receivers.head == BX_NONE)
		return NULL;
	endpoint = &core->endpoints[handler];
	server = bx_thread_at(core, endpoint->receivers.head);
	reply = &core->forest.slots[server->reply_place];
	if (reply->cap.type != BX_CAP_NONE || core->cpu.busy > server->priority ||
	    thread->priority > server->priority)
		return NULL;

	/* Nothing below can fail. */
	call_taken(core, thread, &(struct bx_taking){ NULL, endpoint, server, endpoint->receivers.head,
	    reply });
	server->object = BX_NONE;
	thread->state = BX_THREAD_FAULTED;
	thread->phase = 0;
	thread->call_kind = BX_CALL_FAULT;
	thread->has_buffers = 0;
	bx_ipc_fault_put(core, server, thread);
	return bx_sched_hand_over(core, server);
}

struct bx_context *
bx_fault_reply_short(struct bx_kcore *core, struct bx_thread *thread)
{
	uint64_t deadline = thread->context.value[2];
	struct bx_answering answering;

	if (!answer_check(core, thread, thread->context.value[0], deadline, BX_THREAD_FAULTED,
	    &answering))
		return NULL;
	answer_given(thread, deadline, 0, &answering);
	return bx_sched_hand_over(core, answering.caller);
}
