/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipc_fast.h -- what the short ways of IPC are made of: ipc_fast.c, ipc_buffers.c, ipc_short.c.  Each
 * does what ipc*.c and sched.c do in general, in a straight line, or has changed nothing.  Internal.
 *
 * Of a running thread is known, and not written again: it is in no queue (next, previous and object
 * are BX_NONE), its `work` and `deadline` are 0.  From call to answer time is not looked at: the
 * account stays the same, so nothing is charged, and the timer stays set.
 */
#ifndef BRAINIX_KCORE_IPC_FAST_H
#define BRAINIX_KCORE_IPC_FAST_H

#include "thread.h"

#define BX_NOBODY	UINT64_MAX	/* BX_NONE twice */
#define BX_INLINE	inline __attribute__((always_inline))	/* at the price of more copies */

/* Both at once; no phase is 0. */
static inline uint32_t
state_and_phase(const struct bx_thread *thread)
{
	return (uint32_t)thread->state | (uint32_t)thread->phase << 8;
}

/* Whether a capability with this head may be called through without another look at rights or count. */
static inline bool
head_calls(uint64_t head)
{
	const uint64_t wanted = BX_CAP_ENDPOINT + 0x100u * (BX_RIGHT_WRITE | BX_RIGHT_GRANT_REPLY);

	return (head & (0xff | wanted)) == wanted && head >> 32 == BX_CAP_USES_UNLIMITED;
}

/*
 * Whether the thread's entry in the timer heap is early enough for a wait until `deadline`, and the
 * deadline no farther from it than a deadline may be; when the entry comes due, timer.c looks at the
 * deadline itself.  A deadline that has passed is not before an entry that has not.  No deadline is
 * above the floor of a thread without an entry.
 */
static inline bool
deadline_fits(const struct bx_thread *thread, uint64_t deadline)
{
	if (deadline <= thread->timer_floor)
		return false;
	return deadline - thread->timer_floor < BX_DEADLINE_FAR;
}

/* A call that can be taken at once: what is known of it when nothing can fail any more. */
struct bx_taking {
	const struct bx_cap *cap;	/* through which */
	struct bx_endpoint *endpoint;
	struct bx_thread *server;
	uint32_t first;			/* its number */
	struct bx_cap_slot *reply;
};

/* Whether the call of `thread` is taken at once by who waits, and runs next. */
static BX_INLINE bool
call_check(struct bx_kcore *core, struct bx_thread *thread, uint64_t index, uint64_t deadline,
    struct bx_taking *taking)
{
	struct bx_thread *server;
	struct bx_cap_slot *slot, *reply;
	struct bx_endpoint *endpoint;
	uint32_t first;
	uint64_t head;

	if (BX_UNLIKELY(!bx_thread_slot(thread, index, &slot)))
		return false;
	head = bx_cap_head(&slot->cap);
	if (BX_UNLIKELY(head != thread->call_head)) {
		if (!head_calls(head))
			return false;
		thread->call_head = head;
	}
	endpoint = &core->endpoints[slot->cap.object.index];
	if (BX_UNLIKELY(endpoint->generation != slot->cap.object.generation ||
	    slot->cap.expiry != BX_CAP_EXPIRY_NEVER || !deadline_fits(thread, deadline)))
		return false;
	first = endpoint->receivers.head;
	if (BX_UNLIKELY(first == BX_NONE))
		return false;
	server = bx_thread_at(core, first);
	reply = &core->forest.slots[server->reply_place];
	if (BX_UNLIKELY(reply->cap.type != BX_CAP_NONE || core->cpu.busy > server->priority ||
	    thread->priority > server->priority))
		return false;
	*taking = (struct bx_taking){ &slot->cap, endpoint, server, first, reply };
	return true;
}

/* The server, which is in no queue any more, has the call of `thread`, its first client. */
static BX_INLINE void
call_begin(struct bx_thread *thread, const struct bx_taking *taking)
{
	struct bx_thread *server = taking->server;
	uint64_t name;

	taking->endpoint->messages++;
	server->state = BX_THREAD_READY;
	server->phase = 0;
	server->call_kind = BX_CALL_NONE;
	server->has_buffers = 0;
	server->account = thread->account;
	name = BX_PAIR(bx_thread, thread, index);
	server->clients = (uint32_t)name;
	thread->partner = taking->first;
	bx_cap_reply_put(taking->reply, server->reply_head, name);
}

/* Takes one of several receivers out of the queue, and puts the call before those of other clients. */
void bx_ipc_call_among_others(struct bx_kcore *core, struct bx_thread *thread,
    struct bx_endpoint *endpoint, struct bx_thread *server);

static inline bool
call_is_alone(const struct bx_thread *server)
{
	return BX_LIKELY(server->next == BX_NONE && server->clients == BX_NONE);
}

/* The server has the call of `thread`, all but its registers and the state of the caller. */
static BX_INLINE void
call_taken(struct bx_kcore *core, struct bx_thread *thread, const struct bx_taking *taking)
{
	if (call_is_alone(taking->server)) {
		taking->endpoint->receivers.head = BX_NONE;
		taking->endpoint->receivers.tail = BX_NONE;
	} else {
		bx_ipc_call_among_others(core, thread, taking->endpoint, taking->server);
	}
	call_begin(thread, taking);
}

/* The caller waits for the answer. */
static BX_INLINE void
call_awaits(struct bx_thread *thread, uint64_t deadline, uint8_t has_buffers)
{
	thread->state = BX_THREAD_AWAITING_REPLY;
	thread->phase = 0;
	thread->call_kind = BX_CALL_CALL;
	thread->has_buffers = has_buffers;
	thread->deadline = deadline;
}

/* An answer that can be given at once, and the receive after it. */
struct bx_answering {
	struct bx_thread *caller;
	struct bx_cap_slot *reply;
	struct bx_endpoint *endpoint;
	uint32_t served;		/* its number */
};

/* Whether a reply_receive gives its answer to a caller in `state`, which runs next, and waits. */
static BX_INLINE bool
answer_check(struct bx_kcore *core, struct bx_thread *thread, uint64_t index, uint64_t deadline,
    enum bx_thread_state state, struct bx_answering *answering)
{
	struct bx_thread *caller;
	struct bx_cap_slot *slot, *reply;
	struct bx_endpoint *endpoint;
	uint64_t served, name;

	/* The capability is the one of the last receive, and that was good for ever; the endpoint is
	 * still the one that it named, lives, and this thread was the last to receive there. */
	if (BX_UNLIKELY(!bx_thread_slot(thread, index, &slot)))
		return false;
	served = BX_PAIR(bx_cap, &slot->cap, object);
	if (BX_UNLIKELY(bx_cap_head(&slot->cap) != thread->receive_head ||
	    slot->cap.expiry != BX_CAP_EXPIRY_NEVER || served != BX_PAIR(bx_thread, thread, serves)))
		return false;
	endpoint = &core->endpoints[(uint32_t)served];
	if (BX_UNLIKELY(BX_PAIR(bx_endpoint, endpoint, generation) !=
	    BX_PAIR(bx_thread, thread, serves_generation) ||
	    BX_PAIR(bx_endpoint, endpoint, receivers.tail) != BX_NOBODY ||
	    !deadline_fits(thread, deadline) || thread->reply_index != thread->context.reply ||
	    thread->signalled != 0))
		return false;

	/* The reply in the slot of the last receive names a caller that waits for this very thread, and
	 * is its only client.  A thread that runs is in no queue: its next is BX_NONE. */
	reply = &core->forest.slots[thread->reply_slot];
	name = BX_PAIR(bx_cap, &reply->cap, object);
	caller = bx_thread_at(core, (uint32_t)name);
	if (BX_UNLIKELY(bx_cap_head(&reply->cap) != thread->reply_head ||
	    thread->clients != (uint32_t)name || BX_PAIR(bx_thread, caller, index) != name ||
	    state_and_phase(caller) != (uint32_t)state ||
	    BX_PAIR(bx_thread, caller, next) != BX_PAIR(bx_thread, thread, next) ||
	    core->cpu.busy > caller->priority))
		return false;
	*answering = (struct bx_answering){ caller, reply, endpoint, (uint32_t)served };
	return true;
}

/* The answer but for the caller's registers, and the receive. */
static BX_INLINE void
answer_given(struct bx_thread *thread, uint64_t deadline, uint8_t has_buffers,
    const struct bx_answering *answering)
{
	struct bx_thread *caller = answering->caller;
	uint64_t self;

	bx_cap_reply_take(answering->reply);
	caller->state = BX_THREAD_READY;
	caller->phase = 0;
	caller->call_kind = BX_CALL_NONE;
	caller->has_buffers = 0;
	caller->call_generation++;

	self = thread->index_twice;
	thread->state = BX_THREAD_RECEIVING;
	thread->phase = BX_PHASE_SPENT;
	thread->call_kind = BX_CALL_NONE;
	thread->has_buffers = has_buffers;
	thread->clients = BX_NONE;
	thread->account = (uint32_t)self;
	thread->priority = thread->priority_base;
	thread->object = answering->served;
	thread->deadline = deadline;
	__builtin_memcpy(&answering->endpoint->receivers, &self, sizeof self);
}

#endif
