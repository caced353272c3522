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

#define CAP_TYPE	0xffu
#define CAP_RIGHTS(r)	((uint32_t)(r) << 8)

/* Type and rights, which a capability begins with, in one word. */
static inline uint32_t
cap_head(const struct bx_cap *cap)
{
	return (uint32_t)cap->type | CAP_RIGHTS(cap->rights);
}

/* The slot `index` of the thread's slots [from, to), if it is one. */
static inline bool
slot_find(const struct bx_kcore *core, const struct bx_thread *thread, uint64_t index,
    uint32_t from, uint32_t to, struct bx_cap_slot **slot)
{
	if (BX_UNLIKELY(index >= to || index < from))
		return false;
	*slot = &core->forest.slots[thread->first_slot + bx_cap_masked_index((uint32_t)index, to)];
	return true;
}

/* The endpoint of a capability without count, by the same checks as bx_sys_cap; NULL: look closer. */
static inline struct bx_endpoint *
endpoint_find(struct bx_kcore *core, const struct bx_cap_slot *slot, uint8_t rights)
{
	const struct bx_cap *cap = &slot->cap;
	struct bx_endpoint *endpoint;

	if (BX_UNLIKELY((cap_head(cap) & (CAP_TYPE | CAP_RIGHTS(rights))) !=
	    (BX_CAP_ENDPOINT | CAP_RIGHTS(rights)) || cap->uses != BX_CAP_USES_UNLIMITED))
		return NULL;
	if (BX_UNLIKELY(cap->expiry != BX_CAP_EXPIRY_NEVER))
		return NULL;
	endpoint = &core->endpoints[cap->object.index];
	return BX_LIKELY(endpoint->generation == cap->object.generation) ? endpoint : NULL;
}

/*
 * Whether the thread's entry in the timer heap is early enough for a wait until `deadline`, and the
 * deadline no farther from it than a deadline may be; when the entry comes due, timer.c looks at the
 * deadline itself.  A deadline that has passed is not before an entry that has not.
 */
static inline bool
deadline_fits(const struct bx_thread *thread, uint64_t deadline)
{
	/* Without an entry the key is UINT64_MAX, and nothing fits: that deadline neither. */
	return deadline + 1 > thread->timer_key && deadline - thread->timer_key < BX_DEADLINE_FAR;
}

/* Nothing but registers is offered. */
static inline void
offer_nothing(struct bx_thread *thread)
{
	thread->has_buffers = 0;
	thread->send_cap_slot = BX_CAP_SLOT_NONE;
	thread->receive_cap_slot = BX_CAP_SLOT_NONE;
}

/* The processor goes to `next`, on the same account. */
static inline struct bx_context *
go_to(struct bx_kcore *core, struct bx_thread *next)
{
	struct bx_cpu *cpu = &core->cpu;

	cpu->current = next->index;
	cpu->last_program = next->program;
	cpu->switches++;
	cpu->system_calls++;
	BX_INVARIANT(cpu->account == next->account);
	BX_INVARIANT(bx_sched_sound(core, &(const char *){ NULL }));
	return &next->context;
}

/* The first receiver, which is offered a call, leaves its queue. */
static inline void
receiver_take(struct bx_kcore *core, struct bx_endpoint *endpoint, struct bx_thread *server)
{
	endpoint->receivers.count--;
	if (BX_UNLIKELY(server->next != BX_NONE)) {
		endpoint->receivers.head = server->next;
		core->threads[server->next].previous = BX_NONE;
		server->next = BX_NONE;
		return;
	}
	endpoint->receivers.head = BX_NONE;
	endpoint->receivers.tail = BX_NONE;
}

struct bx_context *
bx_kcore_call_fast(uint64_t index, struct bx_context *current, uint64_t deadline,
    struct bx_kcore *core)
{
	struct bx_thread *thread = (struct bx_thread *)(void *)current, *server;
	struct bx_cap_slot *slot, *reply;
	struct bx_endpoint *endpoint;
	uint8_t priority;

	if (BX_UNLIKELY(!slot_find(core, thread, index, 0, thread->plain_count, &slot)))
		return NULL;
	endpoint = endpoint_find(core, slot, BX_RIGHT_WRITE | BX_RIGHT_GRANT_REPLY);
	if (BX_UNLIKELY(endpoint == NULL || endpoint->receivers.head == BX_NONE ||
	    !deadline_fits(thread, deadline)))
		return NULL;
	server = bx_thread_at(core, endpoint->receivers.head);
	if (BX_UNLIKELY(server->reply_slot == BX_CAP_SLOT_NONE))
		return NULL;
	reply = &core->forest.slots[server->reply_slot];
	priority = thread->priority > server->priority ? thread->priority : server->priority;
	if (BX_UNLIKELY(reply->cap.type != BX_CAP_NONE || core->cpu.ready_mask >> priority != 0 ||
	    core->put_off != 0))
		return NULL;

	/* Nothing below can fail. */
	receiver_take(core, endpoint, server);
	server->object = BX_NONE;
	server->state = BX_THREAD_READY;
	server->deadline = 0;
	server->work = 0;
	server->priority = priority;
	server->account = thread->account;
	server->context.value[0] = slot->cap.badge;
	server->context.value[2] = BX_IPC_INFO_REPLY;
	endpoint->messages++;

	offer_nothing(thread);
	thread->call_kind = BX_CALL_CALL;
	thread->state = BX_THREAD_AWAITING_REPLY;
	thread->deadline = deadline;
	thread->partner = server->index;
	if (BX_UNLIKELY(server->clients != BX_NONE)) {
		bx_levels_add(&core->client_levels[server->index],
		    core->threads[server->clients].priority);
		thread->next = server->clients;
		core->threads[server->clients].previous = thread->index;
	}
	server->clients = thread->index;
	bx_cap_reply_put(reply, (uint8_t)(BX_RIGHT_WRITE | server->may_grant),
	    (struct bx_object_name){ thread->index, thread->call_generation });
	return go_to(core, server);
}

/* The caller that a reply capability names, if it waits for this very thread and is its only
 * client; NULL: look closer. */
static inline struct bx_thread *
caller_find(struct bx_kcore *core, const struct bx_thread *thread, const struct bx_cap *reply)
{
	struct bx_thread *caller;

	if (BX_UNLIKELY((cap_head(reply) & (CAP_TYPE | CAP_RIGHTS(BX_RIGHT_WRITE))) !=
	    (BX_CAP_REPLY | CAP_RIGHTS(BX_RIGHT_WRITE)) || thread->clients != reply->object.index))
		return NULL;
	caller = bx_thread_at(core, reply->object.index);
	if (BX_UNLIKELY(caller->call_generation != reply->object.generation ||
	    caller->state != BX_THREAD_AWAITING_REPLY || caller->transfer != BX_NONE ||
	    caller->next != BX_NONE || caller->account != thread->account))
		return NULL;
	return caller;
}

/* At the end of the queue of receivers. */
static inline void
receiver_put(struct bx_kcore *core, struct bx_endpoint *endpoint, struct bx_thread *thread)
{
	uint32_t last = endpoint->receivers.tail;

	endpoint->receivers.tail = thread->index;
	endpoint->receivers.count++;
	if (BX_UNLIKELY(last != BX_NONE)) {
		thread->previous = last;
		core->threads[last].next = thread->index;
		return;
	}
	endpoint->receivers.head = thread->index;
}

struct bx_context *
bx_kcore_reply_receive_fast(uint64_t index, struct bx_context *current, uint64_t deadline,
    struct bx_kcore *core, uint64_t reply_index)
{
	struct bx_thread *thread = (struct bx_thread *)(void *)current, *caller;
	struct bx_cap_slot *slot, *reply;
	struct bx_endpoint *endpoint;

	if (BX_UNLIKELY(!slot_find(core, thread, index, 0, thread->plain_count, &slot) ||
	    !slot_find(core, thread, reply_index, thread->plain_count, thread->slot_count, &reply)))
		return NULL;
	endpoint = endpoint_find(core, slot, BX_RIGHT_READ);
	if (BX_UNLIKELY(endpoint == NULL || endpoint->senders.head != BX_NONE ||
	    endpoint->server_thread != thread->index || thread->serves != slot->cap.object.index ||
	    !deadline_fits(thread, deadline)))
		return NULL;
	caller = caller_find(core, thread, &reply->cap);
	if (BX_UNLIKELY(caller == NULL || core->cpu.ready_mask >> caller->priority != 0 ||
	    core->put_off != 0))
		return NULL;
	if (thread->bound_notification != BX_NONE &&
	    core->notifications[thread->bound_notification].bits != 0)
		return NULL;

	/* Nothing below can fail. */
	bx_cap_reply_take(reply);
	caller->context.value[0] = 0;
	caller->context.value[2] = 0;
	caller->state = BX_THREAD_READY;
	caller->call_kind = BX_CALL_NONE;
	caller->call_generation++;
	caller->partner = BX_NONE;
	caller->deadline = 0;

	offer_nothing(thread);
	thread->clients = BX_NONE;
	thread->account = thread->index;
	thread->priority = thread->priority_base;
	thread->reply_slot = (uint32_t)(reply - core->forest.slots);
	thread->may_grant = slot->cap.rights & BX_RIGHT_GRANT;
	thread->context.number = BX_SYS_RECEIVE;	/* what would begin again (ipc.c) */
	thread->state = BX_THREAD_RECEIVING;
	thread->object = thread->serves;
	thread->deadline = deadline;
	receiver_put(core, endpoint, thread);
	return go_to(core, caller);
}
