/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipc.c -- endpoints: the calls of who sends and who receives, what they are checked for, and the queues
 * in which they wait.  Answers: ipc_reply.c; what passes between two that meet: ipc_exchange.c; how a
 * wait ends: ipc_wait.c; which waits are refused: ipc_cycle.c.
 */
#include "ipc.h"

/* ---- checks that do not depend on the partner */

static enum bx_err
plain_slot(const struct bx_kcore *core, const struct bx_thread *thread, uint32_t index, uint32_t *slot)
{
	const struct bx_cap_space *space = &core->programs[thread->program].space;

	*slot = BX_CAP_SLOT_NONE;
	if (index == BX_SLOT_NONE)
		return BX_OK;
	if (index >= space->plain_count)
		return BX_ERR_CAP_SLOT;
	return bx_cap_slot_of((struct bx_cap_place){ .space = space, .index = index }, slot);
}

static uint32_t
ipc_flags(const struct bx_thread *thread)
{
	return (uint32_t)(thread->context.number >> 8);
}

/* Reads what the call offers besides registers; a copy under way goes on with what was read. */
enum bx_err
bx_ipc_offer_check(struct bx_kcore *core, struct bx_thread *thread)
{
	struct bx_ipc_buffers *buffers = &thread->buffers;
	enum bx_err err;

	if (thread->transfer != BX_NONE)
		return BX_OK;
	thread->has_buffers = 0;
	if (ipc_flags(thread) == 0)
		return BX_OK;
	if (!bx_is_aligned(thread->context.buffers, 8))
		return BX_ERR_ALIGN;
	err = bx_copy_in(core, thread->program, thread->context.buffers, buffers, sizeof *buffers);
	if (err != BX_OK)
		return err;
	if (buffers->send_length > BX_IPC_STRING_MAX)
		return BX_ERR_RANGE;
	err = plain_slot(core, thread, buffers->send_slot, &thread->send_cap_slot);
	if (err != BX_OK)
		return err;
	err = plain_slot(core, thread, buffers->receive_slot, &thread->receive_cap_slot);
	if (err != BX_OK)
		return err;
	if (thread->send_cap_slot != BX_CAP_SLOT_NONE &&
	    core->forest.slots[thread->send_cap_slot].cap.type == BX_CAP_NONE)
		return BX_ERR_CAP_EMPTY;
	thread->has_buffers = 1;
	return BX_OK;
}

/* Finds the endpoint named by the first argument.  The last use of a call that was queued and begins
 * again (BX_PHASE_SPENT) is its own. */
enum bx_err
bx_ipc_endpoint_check(struct bx_kcore *core, struct bx_thread *thread, uint8_t rights, uint32_t *slot,
    struct bx_endpoint **endpoint)
{
	uint64_t index = thread->context.value[0];
	enum bx_err err = bx_sys_cap(core, thread, index, BX_CAP_ENDPOINT, rights, slot);

	/* Uses are what the look-up asks for last. */
	if (err == BX_ERR_CAP_USED_UP && (thread->phase & BX_PHASE_SPENT) != 0) {
		err = bx_cap_slot_of((struct bx_cap_place){
		    .space = &core->programs[thread->program].space, .index = (uint32_t)index }, slot);
		if (err == BX_OK && bx_cap_stale(core, &core->forest.slots[*slot].cap))
			err = BX_ERR_CAP_STALE;
	}
	if (err != BX_OK)
		return err;
	*endpoint = &core->endpoints[core->forest.slots[*slot].cap.object.index];
	return BX_OK;
}

/* One use is spent when the call is taken or queued: once, also for a call that was queued and had
 * to begin again (BX_PHASE_SPENT). */
static void
spend(struct bx_kcore *core, struct bx_thread *thread, uint32_t slot, bool spent)
{
	bool queued = thread->state == BX_THREAD_SENDING || thread->state == BX_THREAD_RECEIVING;

	if (!queued && thread->state == BX_THREAD_READY && thread->context.number != BX_OK)
		return;				/* refused, or to begin again */
	/* The message may have brought the very capability: all its uses went along, this one's, too. */
	if (!spent && core->forest.slots[slot].cap.uses != 0)
		bx_cap_use(&core->forest, slot);
	thread->phase = queued ? BX_PHASE_SPENT : 0;
	if (spent)
		bx_thread_astray_set(core, thread);
}

/* ---- sending */

/* Whether a sender may wait until its deadline, or go on to the next receiver. */
static enum bx_err
deadline_check(const struct bx_kcore *core, const struct bx_thread *sender, uint64_t deadline)
{
	if (sender->call_kind == BX_CALL_FAULT)
		return BX_OK;			/* who handles faults holds the program in any case */
	if (deadline == 0)
		return BX_ERR_WOULD_BLOCK;
	return deadline <= bx_machine_now(core->machine) ? BX_ERR_TIMEOUT : BX_OK;
}

static enum bx_err
queue_check(struct bx_kcore *core, const struct bx_thread *sender,
    const struct bx_endpoint *endpoint, uint64_t deadline)
{
	if (bx_ipc_server_dead(core, endpoint))
		return BX_ERR_PEER_DIED;
	if (bx_ipc_would_deadlock(core, sender, endpoint))
		return BX_ERR_WOULD_DEADLOCK;
	if (sender->call_kind == BX_CALL_FAULT && endpoint->server == BX_NONE)
		return BX_ERR_PEER_DIED;
	return deadline_check(core, sender, deadline);
}

static void
sender_queue(struct bx_kcore *core, struct bx_thread *sender, struct bx_endpoint *endpoint,
    uint64_t deadline)
{
	bx_thread_move(sender, BX_EVENT_SEND);
	sender->object = (uint32_t)(endpoint - core->endpoints);
	bx_queue_append(core, &endpoint->senders, sender);
	if (sender->call_kind != BX_CALL_FAULT)
		bx_timer_add(core, sender, deadline);
	bx_levels_add(&core->sender_levels[sender->object], sender->priority);
	/* Whoever keeps it waiting runs with at least its priority. */
	if (endpoint->server_thread != BX_NONE)
		bx_sched_unlend(core, bx_thread_at(core, endpoint->server_thread));
}

void
bx_ipc_send(struct bx_kcore *core, struct bx_thread *sender, struct bx_endpoint *endpoint,
    uint64_t deadline)
{
	uint32_t first = sender->transfer != BX_NONE ? sender->transfer : endpoint->receivers.head;
	enum bx_err err = BX_OK;
	struct bx_thread *receiver;
	struct bx_outcome outcome;

	if (first == BX_NONE)
		err = queue_check(core, sender, endpoint, deadline);
	else if ((sender->phase & BX_PHASE_AGAIN) != 0 && sender->transfer == BX_NONE)
		err = deadline_check(core, sender, deadline);
	if (err != BX_OK) {
		bx_ipc_finish(core, sender, err);
		return;
	}
	if (first == BX_NONE) {
		sender_queue(core, sender, endpoint, deadline);
		return;
	}
	receiver = bx_thread_at(core, first);
	if (bx_ipc_partner_dies(core, sender, receiver))
		return;
	if (sender->call_kind != BX_CALL_SEND) {
		if (receiver->reply_slot == BX_CAP_SLOT_NONE) {
			bx_ipc_refuse(core, sender, true, receiver, false, BX_ERR_STATE);
			return;
		}
		if (core->forest.slots[receiver->reply_slot].cap.type != BX_CAP_NONE) {
			bx_ipc_refuse(core, sender, false, receiver, true, BX_ERR_CAP_OCCUPIED);
			return;
		}
	}
	outcome = bx_ipc_exchange(core, sender, sender, receiver);
	if (outcome.err == BX_OK)
		bx_ipc_rendezvous(core, sender, receiver, endpoint, deadline);
	else if (outcome.err == BX_ERR_AGAIN)
		bx_ipc_engage(core, sender, receiver);
	else
		bx_ipc_refuse(core, sender, (outcome.tell & BX_TELL_SENDER) != 0, receiver,
		    (outcome.tell & BX_TELL_RECEIVER) != 0, outcome.err);
}

static void
send_or_call(struct bx_kcore *core, struct bx_thread *thread, enum bx_call_kind kind)
{
	uint8_t rights = BX_RIGHT_WRITE;
	uint64_t deadline = bx_deadline_clamp(thread->context.value[2],
	    bx_machine_now(core->machine));
	struct bx_endpoint *endpoint;
	uint32_t slot;
	enum bx_err err;
	bool spent;

	thread->call_kind = BX_CALL_NONE;
	if (kind == BX_CALL_CALL)
		rights |= BX_RIGHT_GRANT_REPLY;
	err = bx_ipc_offer_check(core, thread);
	if (err == BX_OK && bx_ipc_sends(thread) != BX_CAP_SLOT_NONE)
		rights |= BX_RIGHT_GRANT;
	if (err == BX_OK)
		err = bx_ipc_endpoint_check(core, thread, rights, &slot, &endpoint);
	if (err == BX_OK && kind == BX_CALL_CALL && deadline == 0)
		err = BX_ERR_WOULD_BLOCK;
	/* A counted capability that is sent through itself takes all its uses along, and this call's. */
	if (err == BX_OK && bx_ipc_sends(thread) == slot &&
	    core->forest.slots[slot].cap.uses != BX_CAP_USES_UNLIMITED)
		err = BX_ERR_CAP_USED_UP;
	if (err != BX_OK) {
		bx_ipc_finish(core, thread, err);
		return;
	}
	thread->call_kind = (uint8_t)kind;
	thread->badge = core->forest.slots[slot].cap.badge;
	spent = (thread->phase & BX_PHASE_SPENT) != 0;
	bx_ipc_send(core, thread, endpoint, deadline);
	spend(core, thread, slot, spent);
}

void
bx_sys_call(struct bx_kcore *core, struct bx_thread *thread)
{
	send_or_call(core, thread, BX_CALL_CALL);
}

void
bx_sys_send(struct bx_kcore *core, struct bx_thread *thread)
{
	send_or_call(core, thread, BX_CALL_SEND);
}

/* ---- receiving */

/* The slot for replies that the caller offers. */
static enum bx_err
reply_slot_check(const struct bx_kcore *core, const struct bx_thread *thread, uint32_t *slot)
{
	const struct bx_cap_space *space = &core->programs[thread->program].space;
	uint64_t index = thread->context.reply;

	*slot = BX_CAP_SLOT_NONE;
	if (index == BX_SLOT_NONE)
		return BX_OK;
	if (index < space->plain_count || index >= space->slot_count)
		return BX_ERR_CAP_SLOT;
	return bx_cap_slot_of((struct bx_cap_place){ .space = space, .index = (uint32_t)index },
	    slot);
}

static void
receiver_queue(struct bx_kcore *core, struct bx_thread *receiver, struct bx_endpoint *endpoint,
    uint64_t deadline)
{
	bx_thread_move(receiver, BX_EVENT_RECEIVE);
	receiver->object = (uint32_t)(endpoint - core->endpoints);
	bx_queue_append(core, &endpoint->receivers, receiver);
	bx_timer_add(core, receiver, deadline);
	bx_sched_unlend(core, receiver);
}

/* Everything is checked: takes a signal or a message, or waits. */
static void
receive(struct bx_kcore *core, struct bx_thread *receiver, struct bx_endpoint *endpoint)
{
	uint64_t now = bx_machine_now(core->machine);
	uint64_t deadline = bx_deadline_clamp(receiver->context.value[2], now);
	uint32_t first = receiver->transfer;
	struct bx_thread *sender;
	struct bx_outcome outcome;

	if (endpoint->server_thread != receiver->index ||
	    receiver->serves != (uint32_t)(endpoint - core->endpoints))
		bx_sched_serve(core, endpoint, receiver);
	receiver->serves_generation = endpoint->generation;
	if (first == BX_NONE) {
		if (bx_notification_take_bound(core, receiver)) {
			receiver->phase = 0;
			return;
		}
		first = endpoint->senders.head;
	}
	if (first == BX_NONE) {
		if (deadline <= now)
			bx_ipc_finish(core, receiver, deadline == 0 ? BX_ERR_WOULD_BLOCK : BX_ERR_TIMEOUT);
		else
			receiver_queue(core, receiver, endpoint, deadline);
		return;
	}
	sender = bx_thread_at(core, first);
	if (bx_ipc_partner_dies(core, receiver, sender))
		return;
	if (sender->call_kind != BX_CALL_SEND && receiver->reply_slot == BX_CAP_SLOT_NONE) {
		bx_ipc_refuse(core, receiver, false, sender, true, BX_ERR_STATE);
		return;
	}
	outcome = bx_ipc_exchange(core, receiver, sender, receiver);
	if (outcome.err == BX_OK)
		bx_ipc_rendezvous(core, sender, receiver, endpoint, 0);
	else if (outcome.err == BX_ERR_AGAIN)
		bx_ipc_engage(core, receiver, sender);
	else
		bx_ipc_refuse(core, receiver, (outcome.tell & BX_TELL_RECEIVER) != 0, sender,
		    (outcome.tell & BX_TELL_SENDER) != 0, outcome.err);
}

void
bx_ipc_receive(struct bx_kcore *core, struct bx_thread *receiver, struct bx_endpoint *endpoint,
    uint32_t slot)
{
	const struct bx_cap *cap = &core->forest.slots[slot].cap;
	bool spent = (receiver->phase & BX_PHASE_SPENT) != 0;

	receiver->reply_head = bx_cap_reply_head((uint8_t)(BX_RIGHT_WRITE |
	    (cap->rights & BX_RIGHT_GRANT)));
	receiver->receive_head = cap->uses == BX_CAP_USES_UNLIMITED &&
	    receiver->reply_slot != BX_CAP_SLOT_NONE ? bx_cap_head(cap) : BX_CAP_HEAD_NONE;
	receive(core, receiver, endpoint);
	spend(core, receiver, slot, spent);
}

void
bx_sys_receive(struct bx_kcore *core, struct bx_thread *thread)
{
	struct bx_endpoint *endpoint;
	uint32_t slot, reply;
	enum bx_err err;

	err = bx_ipc_offer_check(core, thread);
	if (err == BX_OK)
		err = bx_ipc_endpoint_check(core, thread, BX_RIGHT_READ, &slot, &endpoint);
	if (err == BX_OK)
		err = reply_slot_check(core, thread, &reply);
	if (err == BX_OK && reply != BX_CAP_SLOT_NONE &&
	    core->forest.slots[reply].cap.type != BX_CAP_NONE)
		err = BX_ERR_CAP_OCCUPIED;
	if (err != BX_OK) {
		bx_ipc_finish(core, thread, err);
		return;
	}
	bx_ipc_reply_offer(thread, reply);
	bx_ipc_receive(core, thread, endpoint, slot);
}
