/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipc_fast.c -- the short way of a call and of a reply_receive that carry registers only, when the
 * partner waits, nothing stands in between, and the processor goes from one to the other: the same
 * as ipc.c and sched.c do in general, in a straight line.  Each either does the whole exchange but for
 * the words, which the machine moves, and returns who runs next, or returns NULL and has changed
 * nothing; then the general way is taken.
 *
 * Of a running thread is known, and not written again here: it is in no queue (next, previous and
 * object are BX_NONE), its `work` and `deadline` are 0.  Time is not looked at: the account stays the
 * same, so nothing is charged, and the timer stays set.
 */
#include "thread.h"

#define NOBODY		UINT64_MAX	/* BX_NONE twice */
#define BX_INLINE	inline __attribute__((always_inline))	/* at the price of a second copy */

const struct bx_context bx_kcore_declined = { .resume = BX_RESUME_NOT };

static __attribute__((noinline)) struct bx_exchange
decline(uint64_t index, struct bx_thread *thread, uint64_t deadline)
{
	thread->context.value[0] = index;
	thread->context.value[2] = deadline;
	return (struct bx_exchange){ &bx_kcore_declined, 0 };
}

static __attribute__((noinline)) const struct bx_context *
declined(void)
{
	return &bx_kcore_declined;
}

/* Both at once; no phase is 0. */
static inline uint32_t
state_and_phase(const struct bx_thread *thread)
{
	return (uint32_t)thread->state | (uint32_t)thread->phase << 8;
}

/* Whether a capability with this head may be called through without another look at rights or count. */
static bool
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

/* The processor goes to the thread number `next`, on the same account. */
static inline const struct bx_context *
go_to(struct bx_kcore *core, const struct bx_thread *thread, uint32_t next)
{
	core->cpu.current = next;
	core->cpu.exchanges++;
	BX_INVARIANT(core->cpu.account == thread->account);
	BX_INVARIANT(bx_sched_sound(core, &(const char *){ NULL }));
	return &thread->context;
}

/* `server`, the first receiver and thread number `first`, has the call of `thread`, all but its
 * registers and the state of the caller. */
static BX_INLINE void
call_taken(struct bx_kcore *core, struct bx_endpoint *endpoint, struct bx_thread *thread,
    struct bx_thread *server, uint32_t first, struct bx_cap_slot *reply)
{
	uint64_t name;

	if (BX_UNLIKELY(server->next != BX_NONE)) {
		endpoint->receivers.head = server->next;
		core->threads[server->next].previous = BX_NONE;
		server->next = BX_NONE;
	} else {
		endpoint->receivers.head = BX_NONE;
		endpoint->receivers.tail = BX_NONE;
	}
	if (BX_UNLIKELY(server->clients != BX_NONE)) {
		bx_levels_add(&core->client_levels[server->index],
		    core->threads[server->clients].priority);
		thread->next = server->clients;
		core->threads[server->clients].previous = thread->index;
	}
	endpoint->messages++;
	server->state = BX_THREAD_READY;
	server->phase = 0;
	server->call_kind = BX_CALL_NONE;
	server->has_buffers = 0;
	server->account = thread->account;
	name = BX_PAIR(bx_thread, thread, index);
	server->clients = (uint32_t)name;
	thread->partner = first;
	bx_cap_reply_put(reply, server->reply_head, name);
}

BX_DIRECT struct bx_exchange
bx_kcore_call_fast(uint64_t index, struct bx_context *current, uint64_t deadline,
    struct bx_kcore *core)
{
	struct bx_thread *thread = (struct bx_thread *)(void *)current, *server;
	struct bx_cap_slot *slot, *reply;
	struct bx_endpoint *endpoint;
	uint32_t first;
	uint64_t head;

	if (BX_UNLIKELY(!bx_thread_slot(thread, index, &slot)))
		return decline(index, thread, deadline);
	head = bx_cap_head(&slot->cap);
	if (BX_UNLIKELY(head != thread->call_head)) {
		if (!head_calls(head))
			return decline(index, thread, deadline);
		thread->call_head = head;
	}
	endpoint = &core->endpoints[slot->cap.object.index];
	if (BX_UNLIKELY(endpoint->generation != slot->cap.object.generation ||
	    slot->cap.expiry != BX_CAP_EXPIRY_NEVER || !deadline_fits(thread, deadline)))
		return decline(index, thread, deadline);
	first = endpoint->receivers.head;
	if (BX_UNLIKELY(first == BX_NONE))
		return decline(index, thread, deadline);
	server = bx_thread_at(core, first);
	reply = &core->forest.slots[server->reply_place];
	if (BX_UNLIKELY(reply->cap.type != BX_CAP_NONE || core->cpu.busy > server->priority ||
	    thread->priority > server->priority))
		return decline(index, thread, deadline);

	/* Nothing below can fail. */
	call_taken(core, endpoint, thread, server, first, reply);
	thread->state = BX_THREAD_AWAITING_REPLY;
	thread->phase = 0;
	thread->call_kind = BX_CALL_CALL;
	thread->has_buffers = 0;
	thread->deadline = deadline;
	return (struct bx_exchange){ go_to(core, server, first), slot->cap.badge };
}

/* The answer to the caller, which is in `state`, but for its registers, and the receive.  Returns the
 * caller; NULL: nothing has changed. */
static BX_INLINE struct bx_thread *
reply_receive(struct bx_kcore *core, struct bx_thread *thread, uint64_t index, uint64_t deadline,
    enum bx_thread_state state)
{
	struct bx_thread *caller;
	struct bx_cap_slot *slot, *reply;
	struct bx_endpoint *endpoint;
	uint64_t served, name, self;

	/* The capability is the one of the last receive, and that was good for ever; the endpoint is
	 * still the one that it named, lives, and this thread was the last to receive there. */
	if (BX_UNLIKELY(!bx_thread_slot(thread, index, &slot)))
		return NULL;
	served = BX_PAIR(bx_cap, &slot->cap, object);
	if (BX_UNLIKELY(bx_cap_head(&slot->cap) != thread->receive_head ||
	    slot->cap.expiry != BX_CAP_EXPIRY_NEVER || served != BX_PAIR(bx_thread, thread, serves)))
		return NULL;
	endpoint = &core->endpoints[(uint32_t)served];
	if (BX_UNLIKELY(BX_PAIR(bx_endpoint, endpoint, generation) !=
	    BX_PAIR(bx_thread, thread, serves_generation) ||
	    BX_PAIR(bx_endpoint, endpoint, receivers.tail) != NOBODY ||
	    !deadline_fits(thread, deadline) || thread->reply_index != thread->context.reply ||
	    thread->signalled != 0))
		return NULL;

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
		return NULL;

	/* Nothing below can fail. */
	bx_cap_reply_take(reply);
	caller->state = BX_THREAD_READY;
	caller->phase = 0;
	caller->call_kind = BX_CALL_NONE;
	caller->has_buffers = 0;
	caller->call_generation++;

	self = thread->index_twice;
	thread->state = BX_THREAD_RECEIVING;
	thread->phase = BX_PHASE_SPENT;
	thread->call_kind = BX_CALL_NONE;
	thread->has_buffers = 0;
	thread->clients = BX_NONE;
	thread->account = (uint32_t)self;
	thread->priority = thread->priority_base;
	thread->object = (uint32_t)served;
	thread->deadline = deadline;
	__builtin_memcpy(&endpoint->receivers, &self, sizeof endpoint->receivers);
	return caller;
}

BX_DIRECT const struct bx_context *
bx_kcore_reply_receive_fast(uint64_t index, struct bx_context *current, uint64_t deadline,
    struct bx_kcore *core)
{
	struct bx_thread *thread = (struct bx_thread *)(void *)current, *caller;

	caller = reply_receive(core, thread, index, deadline, BX_THREAD_AWAITING_REPLY);
	return BX_LIKELY(caller != NULL) ? go_to(core, caller, caller->index) : declined();
}

/* ---- the processor changes hands, and accounts with it */

/* Whether a capability may be used for ever for what is asked, by the checks of bx_sys_cap
 * but for the object's generation. */
static inline bool
cap_allows(const struct bx_cap *cap, enum bx_cap_type type, uint8_t rights)
{
	return cap->type == type && (cap->rights & rights) == rights &&
	    cap->uses == BX_CAP_USES_UNLIMITED && cap->expiry == BX_CAP_EXPIRY_NEVER;
}

/* Whether `waiter`, once READY, needs no budget and would run instead of the current thread and of all that are READY. */
static inline bool
runs_next(const struct bx_kcore *core, const struct bx_thread *thread,
    const struct bx_thread *waiter)
{
	return waiter->state == BX_THREAD_RECEIVING && waiter->transfer == BX_NONE &&
	    core->threads[waiter->account].limited == 0 &&
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

	/* An equal waits, nobody above it, and nothing is put off; it has another time slice. */
	if (core->cpu.busy != thread->priority + 1)
		return NULL;
	next = bx_thread_at(core, equals->head);
	if (next->restart != 0 || next->account == core->cpu.account ||
	    core->threads[next->account].limited != 0)
		return NULL;

	/* Nothing below can fail. */
	if (BX_LIKELY(next->next == BX_NONE)) {
		__builtin_memcpy(equals, &thread->index_twice, sizeof *equals);
	} else {
		rotate(core, equals, thread, next);
	}
	bx_thread_result(thread, BX_OK);
	core->cpu.slice_end = 0;		/* bx_sched_yield */
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
	    BX_PAIR(bx_endpoint, endpoint, receivers.tail) != NOBODY ||
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

	if (handler == BX_NONE || core->endpoints[handler].receivers.head == BX_NONE ||
	    core->cpu.budget_end != UINT64_MAX)
		return NULL;
	endpoint = &core->endpoints[handler];
	server = bx_thread_at(core, endpoint->receivers.head);
	reply = &core->forest.slots[server->reply_place];
	if (reply->cap.type != BX_CAP_NONE || core->cpu.busy > server->priority ||
	    thread->priority > server->priority)
		return NULL;

	/* Nothing below can fail. */
	call_taken(core, endpoint, thread, server, endpoint->receivers.head, reply);
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
	struct bx_thread *caller;

	if (core->cpu.budget_end != UINT64_MAX)
		return NULL;
	caller = reply_receive(core, thread, thread->context.value[0], thread->context.value[2],
	    BX_THREAD_FAULTED);
	return caller != NULL ? bx_sched_hand_over(core, caller) : NULL;
}
