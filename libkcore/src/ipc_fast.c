/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipc_fast.c -- the short way of a call and of a reply_receive that carry registers only, when the
 * partner waits, nothing stands in between, and the processor goes from one to the other: the same
 * as ipc.c and sched.c do in general, in a straight line.  Each either does the whole exchange and
 * returns who runs next, or returns NULL and has changed nothing; then the general way is taken.
 */
#include "thread.h"

/* The endpoint of a capability without count, by the same checks as bx_sys_cap; NULL: look closer. */
static inline struct bx_endpoint *
endpoint_find(struct bx_kcore *core, const struct bx_cap_space *space, uint64_t index,
    uint8_t rights, uint64_t now, const struct bx_cap **cap)
{
	const struct bx_cap *found;
	struct bx_endpoint *endpoint;

	if (index >= space->plain_count)
		return NULL;
	found = &core->forest.slots[space->first_slot +
	    bx_cap_masked_index((uint32_t)index, space->plain_count)].cap;
	if (found->type != BX_CAP_ENDPOINT || (found->rights & rights) != rights ||
	    found->uses != BX_CAP_USES_UNLIMITED || now >= found->expiry)
		return NULL;
	endpoint = &core->endpoints[found->object.index];
	if (endpoint->generation != found->object.generation)
		return NULL;
	*cap = found;
	return endpoint;
}

static inline void
words_put(struct bx_context *to, const struct bx_context *from, uint64_t badge, uint64_t info)
{
	to->number = BX_OK;
	to->value[0] = badge;
	to->value[1] = from->value[1];
	to->value[2] = info;
	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		to->word[i] = from->word[i];
}

/* Nothing but registers is offered. */
static inline void
offer_nothing(struct bx_thread *thread)
{
	thread->has_buffers = 0;
	thread->send_cap_slot = BX_CAP_SLOT_NONE;
	thread->receive_cap_slot = BX_CAP_SLOT_NONE;
}

/* The processor goes from the current thread to `next`, on the same account. */
static inline struct bx_context *
go_to(struct bx_kcore *core, struct bx_thread *from, struct bx_thread *next, uint64_t now)
{
	struct bx_cpu *cpu = &core->cpu;

	from->cpu_ticks += now - cpu->since;
	cpu->since = now;
	cpu->current = next->index;
	cpu->switches++;
	if (next->program != cpu->last_program) {
		cpu->last_program = next->program;
		bx_machine_domain_switch(core->machine);
	}
	BX_INVARIANT(cpu->account == next->account);
	BX_INVARIANT(bx_sched_sound(core, &(const char *){ NULL }));
	return &next->context;
}

struct bx_context *
bx_ipc_fast_call(struct bx_kcore *core, struct bx_thread *thread)
{
	const struct bx_cap_space *space = &core->programs[thread->program].space;
	uint64_t now = bx_machine_now(core->machine);
	uint64_t deadline = bx_deadline_clamp(thread->context.value[2], now);
	const struct bx_cap_space *server_space;
	const struct bx_cap *cap;
	struct bx_endpoint *endpoint;
	struct bx_thread *server;
	uint8_t priority;

	endpoint = endpoint_find(core, space, thread->context.value[0],
	    BX_RIGHT_WRITE | BX_RIGHT_GRANT_REPLY, now, &cap);
	if (endpoint == NULL || endpoint->receivers.head == BX_NONE || deadline < thread->timer_key)
		return NULL;
	server = bx_thread_at(core, endpoint->receivers.head);
	if (server->reply_slot == BX_CAP_SLOT_NONE ||
	    core->forest.slots[server->reply_slot].cap.type != BX_CAP_NONE)
		return NULL;
	priority = thread->priority > server->priority ? thread->priority : server->priority;
	if (core->cpu.ready_mask >> priority != 0 || core->ending_count != 0)
		return NULL;

	/* Nothing below can fail. */
	bx_queue_remove(core, &endpoint->receivers, server);
	server->object = BX_NONE;
	server->state = BX_THREAD_READY;
	server->deadline = 0;
	server->work = 0;
	server->priority = priority;
	server->account = thread->account;
	words_put(&server->context, &thread->context, cap->badge, BX_IPC_INFO_REPLY);
	endpoint->messages++;

	offer_nothing(thread);
	thread->call_kind = BX_CALL_CALL;
	thread->work = 0;
	thread->state = BX_THREAD_AWAITING_REPLY;
	thread->deadline = deadline;
	thread->partner = server->index;
	thread->previous = BX_NONE;
	thread->next = server->clients;
	if (server->clients != BX_NONE)
		core->threads[server->clients].previous = thread->index;
	server->clients = thread->index;

	server_space = &core->programs[server->program].space;
	if (bx_cap_reply_insert(&core->forest, (struct bx_cap_place){ .space = server_space,
	    .index = server->reply_slot - server_space->first_slot }, &(const struct bx_cap){
	    .type = BX_CAP_REPLY, .rights = (uint8_t)(BX_RIGHT_WRITE | server->may_grant),
	    .uses = BX_CAP_USES_UNLIMITED, .expiry = BX_CAP_EXPIRY_NEVER,
	    .object = { thread->index, thread->call_generation } }) != BX_OK)
		bx_panic(BX_WHERE, "the reply slot was empty");
	return go_to(core, thread, server, now);
}

/* The caller of the reply capability in the slot, if it waits for this very thread and is its only
 * client; NULL: look closer. */
static inline struct bx_thread *
caller_find(struct bx_kcore *core, const struct bx_thread *thread, const struct bx_cap *reply)
{
	struct bx_thread *caller;

	if (reply->type != BX_CAP_REPLY)
		return NULL;
	caller = bx_thread_at(core, reply->object.index);
	if (caller->call_generation != reply->object.generation ||
	    caller->state != BX_THREAD_AWAITING_REPLY || caller->transfer != BX_NONE ||
	    thread->clients != caller->index || caller->next != BX_NONE ||
	    caller->account != thread->account)
		return NULL;
	return caller;
}

struct bx_context *
bx_ipc_fast_reply_receive(struct bx_kcore *core, struct bx_thread *thread)
{
	const struct bx_cap_space *space = &core->programs[thread->program].space;
	uint64_t now = bx_machine_now(core->machine), index = thread->context.reply;
	uint64_t deadline = bx_deadline_clamp(thread->context.value[2], now);
	const struct bx_cap *cap;
	struct bx_endpoint *endpoint;
	struct bx_thread *caller;
	uint32_t slot;

	endpoint = endpoint_find(core, space, thread->context.value[0], BX_RIGHT_READ, now, &cap);
	if (endpoint == NULL || endpoint->senders.head != BX_NONE ||
	    endpoint->server_thread != thread->index || deadline < thread->timer_key ||
	    deadline <= now)
		return NULL;
	if (index < space->plain_count || index >= space->slot_count)
		return NULL;
	slot = space->first_slot + bx_cap_masked_index((uint32_t)index, space->slot_count);
	caller = caller_find(core, thread, &core->forest.slots[slot].cap);
	if (caller == NULL || core->cpu.ready_mask >> caller->priority != 0 ||
	    core->ending_count != 0 || thread->serves != (uint32_t)(endpoint - core->endpoints))
		return NULL;
	if (thread->bound_notification != BX_NONE &&
	    core->notifications[thread->bound_notification].bits != 0)
		return NULL;

	/* Nothing below can fail. */
	(void)bx_cap_leaf_remove(&core->forest, slot);
	words_put(&caller->context, &thread->context, 0, 0);
	caller->state = BX_THREAD_READY;
	caller->call_kind = BX_CALL_NONE;
	caller->call_generation++;
	caller->partner = BX_NONE;
	caller->deadline = 0;

	offer_nothing(thread);
	thread->clients = BX_NONE;
	thread->account = thread->index;
	thread->priority = thread->priority_base;
	thread->reply_slot = slot;
	thread->may_grant = cap->rights & BX_RIGHT_GRANT;
	thread->context.number = BX_SYS_RECEIVE;	/* what would begin again (ipc.c) */
	thread->state = BX_THREAD_RECEIVING;
	thread->object = thread->serves;
	thread->deadline = deadline;
	bx_queue_append(core, &endpoint->receivers, thread);
	return go_to(core, thread, caller, now);
}
