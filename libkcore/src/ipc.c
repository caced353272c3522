/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipc.c -- endpoints: rendezvous of a sender and a receiver, replies, copies of strings.
 *
 * An exchange has an active side, whose system call is running, and a passive one, which waits: a
 * receiver or sender in the endpoint's queue, or a caller in the client list of its server.  It
 * happens whole or not at all:
 *
 *	1  what both offer fits		else MSG_TOO_LONG to both, or the sender is refused
 *	2  the string is copied		in steps; between two steps an interrupt may be taken
 *	3  the capability is derived	CAP_SEALED, CAP_OCCUPIED to both; else the sender is refused
 *	4  registers, reply, states	the commit point: nothing below can fail
 *
 * Between steps of a copy the two sides are linked by `transfer`; the active one is READY with
 * `restart` set, the passive one is in no queue (a caller stays in its client list).  When one of
 * them leaves (deadline, signal, stop, end) the other begins its system call again.  Whoever is
 * told nothing of a failed exchange goes on waiting: its partner's mistakes are not its own.
 *
 * A reply is named by (thread, call_generation); every way out of a call bumps the generation, so
 * that a kept reply is stale from then on.
 */
#include "sys.h"

#define WAKE_STEP	8u		/* threads woken at once */
#define CYCLE_LOOKS	128u		/* threads looked at for a call that has to queue */

#define TELL_SENDER	1u
#define TELL_RECEIVER	2u
#define TELL_BOTH	3u

struct outcome {
	enum bx_err err;		/* OK: up to the commit point; AGAIN: interrupted copy */
	unsigned tell;			/* who gets an error */
};

static uint32_t
ipc_flags(const struct bx_thread *thread)
{
	return (uint32_t)(thread->context.number >> 8);
}

/* Slot numbers of the capability that it sends along, and for the one that it would take. */
static uint32_t
sends(const struct bx_thread *thread)
{
	return thread->has_buffers != 0 ? thread->send_cap_slot : BX_CAP_SLOT_NONE;
}

static uint32_t
takes(const struct bx_thread *thread)
{
	return thread->has_buffers != 0 ? thread->receive_cap_slot : BX_CAP_SLOT_NONE;
}

static struct bx_cap_place
place_of(const struct bx_kcore *core, const struct bx_thread *thread, uint32_t slot)
{
	const struct bx_cap_space *space = &core->programs[thread->program].space;

	return (struct bx_cap_place){ .space = space, .index = slot - space->first_slot };
}

/* ---- leaving a wait */

/* All clients but the first count in the server's levels. */
static void
client_unlink(struct bx_kcore *core, struct bx_thread *client)
{
	struct bx_levels *levels = &core->client_levels[client->partner];

	if (client->next != BX_NONE)
		core->threads[client->next].previous = client->previous;
	if (client->previous != BX_NONE) {
		core->threads[client->previous].next = client->next;
		bx_levels_remove(levels, client->priority);
	} else {
		core->threads[client->partner].clients = client->next;
		if (client->next != BX_NONE)
			bx_levels_remove(levels, core->threads[client->next].priority);
	}
	client->next = BX_NONE;
	client->previous = BX_NONE;
	client->partner = BX_NONE;
	client->call_generation++;
}

static void
client_link(struct bx_kcore *core, struct bx_thread *server, struct bx_thread *client)
{
	client->partner = server->index;
	client->previous = BX_NONE;
	client->next = server->clients;
	if (server->clients != BX_NONE) {
		struct bx_thread *first = bx_thread_at(core, server->clients);

		first->previous = client->index;
		bx_levels_add(&core->client_levels[server->index], first->priority);
	}
	server->clients = client->index;
}

/* A sender has left the queue: those that are left lend what they have.  Without this a server would
 * keep the priority of one that has gone for as long as anybody else waits. */
static void
sender_unqueue(struct bx_kcore *core, struct bx_thread *sender, struct bx_endpoint *endpoint)
{
	struct bx_levels *levels = &core->sender_levels[sender->object];

	bx_queue_remove(core, &endpoint->senders, sender);
	bx_levels_remove(levels, sender->priority);
	sender->object = BX_NONE;
	if (endpoint->server_thread != BX_NONE && sender->priority > bx_levels_top(levels))
		bx_sched_unlend(core, bx_thread_at(core, endpoint->server_thread));
}

/* Out of the queue of an endpoint or notification, if it is in one. */
static void
unqueue(struct bx_kcore *core, struct bx_thread *thread)
{
	uint32_t object = thread->object;

	if (!bx_thread_queued(thread) || object == BX_NONE)
		return;
	if (thread->state == BX_THREAD_WAITING)
		bx_queue_remove(core, &core->notifications[object].waiters, thread);
	else if (thread->state == BX_THREAD_RECEIVING)
		bx_queue_remove(core, &core->endpoints[object].receivers, thread);
	else
		sender_unqueue(core, thread, &core->endpoints[object]);
	thread->object = BX_NONE;
	/* What came while it was the first, and dying, is for the next. */
	if (thread->state == BX_THREAD_WAITING)
		bx_notification_deliver(core, object);
}

/* No copy between the two is under way. */
static void
disengage(struct bx_thread *active, struct bx_thread *passive)
{
	active->transfer = BX_NONE;
	active->phase &= (uint8_t)~BX_PHASE_ENGAGED;
	passive->transfer = BX_NONE;
	passive->phase &= (uint8_t)~BX_PHASE_ENGAGED;
	active->copied = 0;
}

/* Somebody leaves a copy: the other side begins its system call again. */
static void
copy_leave(struct bx_kcore *core, struct bx_thread *thread)
{
	struct bx_thread *other = bx_thread_at(core, thread->transfer);
	struct bx_thread *active = thread->state == BX_THREAD_READY ? thread : other;

	disengage(thread, other);
	other->copied = 0;
	if (other->state == BX_THREAD_READY)
		other->phase |= BX_PHASE_AGAIN;
	else if (!bx_thread_awaits(other))
		bx_thread_again(core, other);
	bx_sched_unlend(core, active);
}

void
bx_ipc_detach(struct bx_kcore *core, struct bx_thread *thread)
{
	if (thread->transfer != BX_NONE)
		copy_leave(core, thread);
	if (bx_thread_awaits(thread)) {
		if (thread->partner != BX_NONE) {
			struct bx_thread *server = bx_thread_at(core, thread->partner);

			client_unlink(core, thread);
			bx_sched_unlend(core, server);
		}
	} else {
		unqueue(core, thread);
	}
	if (thread->helps != BX_NONE)
		bx_sched_help_end(core, thread);
	bx_timer_cancel(core, thread);
}

void
bx_ipc_timeout(struct bx_kcore *core, struct bx_thread *thread)
{
	bx_thread_wake(core, thread,
	    thread->state == BX_THREAD_SLEEPING ? BX_OK : BX_ERR_TIMEOUT);
}

bool
bx_ipc_clients_release(struct bx_kcore *core, struct bx_thread *thread)
{
	for (unsigned n = 0; n < WAKE_STEP && thread->clients != BX_NONE; n++) {
		struct bx_thread *client = bx_thread_at(core, thread->clients);

		client_unlink(core, client);
		bx_thread_wake(core, client, BX_ERR_PEER_DIED);
	}
	bx_sched_unlend(core, thread);
	return thread->clients == BX_NONE;
}

bool
bx_ipc_senders_release(struct bx_kcore *core, struct bx_endpoint *endpoint)
{
	for (unsigned n = 0; n < WAKE_STEP && endpoint->senders.head != BX_NONE; n++)
		bx_thread_wake(core, bx_thread_at(core, endpoint->senders.head), BX_ERR_PEER_DIED);
	return endpoint->senders.head == BX_NONE;
}

/* Whether the partner's program is being taken apart.  Then the partner is taken out of what it does,
 * and the call of the active side begins again. */
static bool
partner_dies(struct bx_kcore *core, struct bx_thread *active, struct bx_thread *partner)
{
	if (BX_LIKELY(!bx_thread_dying(core, partner)))
		return false;
	bx_thread_stop(core, partner);
	active->restart = 1;
	return true;
}

/* The running system call of the current thread is over, without a message. */
static void
finish(struct bx_kcore *core, struct bx_thread *thread, enum bx_err err)
{
	bx_ipc_detach(core, thread);
	if (thread->call_kind == BX_CALL_FAULT) {
		thread->restart = 1;
		thread->work = 1;		/* nobody takes it: fault.c ends the program */
		return;
	}
	thread->call_kind = BX_CALL_NONE;
	thread->phase = 0;
	bx_thread_result(thread, err);
}

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

/* Reads what the call offers besides registers; a copy under way goes on with what was read. */
static enum bx_err
offer_check(struct bx_kcore *core, struct bx_thread *thread)
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
static enum bx_err
endpoint_check(struct bx_kcore *core, struct bx_thread *thread, uint8_t rights, uint32_t *slot,
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
}

/* ---- the exchange */

static uint32_t
string_length(const struct bx_thread *sender)
{
	return sender->has_buffers != 0 ? sender->buffers.send_length : 0;
}

/* Copies the string; stops between two steps when an interrupt waits. */
static struct outcome
string_copy(struct bx_kcore *core, struct bx_thread *active, const struct bx_thread *sender,
    const struct bx_thread *receiver)
{
	uint32_t length = string_length(sender);
	bool sender_fault = false;
	enum bx_err err;

	if (length == 0)
		return (struct outcome){ BX_OK, 0 };
	do {
		err = bx_copy_across(core, sender->program, sender->buffers.send_address,
		    receiver->program, receiver->buffers.receive_address, length,
		    &active->copied, &sender_fault);
	} while (err == BX_ERR_AGAIN && !bx_machine_interrupt_pending(core->machine));
	if (err == BX_OK || err == BX_ERR_AGAIN)
		return (struct outcome){ err, 0 };
	return (struct outcome){ err, sender_fault ? TELL_SENDER : TELL_RECEIVER };
}

enum bx_err
bx_ipc_capability_copy(struct bx_kcore *core, const struct bx_thread *from,
    const struct bx_thread *to)
{
	struct bx_cap_place source = place_of(core, from, from->send_cap_slot);
	struct bx_cap_place target = place_of(core, to, to->receive_cap_slot);
	enum bx_err err = bx_cap_copy(&core->forest, source, target, bx_machine_now(core->machine));

	if (err == BX_OK)
		bx_audit_transfer(core, from, to);
	return err;
}

static struct outcome
capability_send(struct bx_kcore *core, const struct bx_thread *sender,
    const struct bx_thread *receiver)
{
	enum bx_err err = bx_ipc_capability_copy(core, sender, receiver);

	if (err == BX_ERR_CAP_SEALED || err == BX_ERR_CAP_OCCUPIED)
		return (struct outcome){ err, TELL_BOTH };
	return (struct outcome){ err, err == BX_OK ? 0 : TELL_SENDER };
}

/* Everything of an exchange that can fail. */
static struct outcome
exchange(struct bx_kcore *core, struct bx_thread *active, struct bx_thread *sender,
    struct bx_thread *receiver)
{
	struct outcome outcome;

	if (string_length(sender) > (receiver->has_buffers != 0 ?
	    receiver->buffers.receive_capacity : 0))
		return (struct outcome){ BX_ERR_MSG_TOO_LONG, TELL_BOTH };
	if (sends(sender) != BX_CAP_SLOT_NONE && takes(receiver) == BX_CAP_SLOT_NONE)
		return (struct outcome){ BX_ERR_CAP_SLOT, TELL_SENDER };
	outcome = string_copy(core, active, sender, receiver);
	if (outcome.err == BX_OK && sends(sender) != BX_CAP_SLOT_NONE)
		outcome = capability_send(core, sender, receiver);
	return outcome;
}

/* The copy stops here for an interrupt; the active side's system call goes on with it. */
static void
engage(struct bx_kcore *core, struct bx_thread *active, struct bx_thread *passive)
{
	active->transfer = passive->index;
	passive->transfer = active->index;
	passive->phase |= BX_PHASE_ENGAGED;
	active->restart = 1;
	unqueue(core, passive);
	bx_sched_unlend(core, active);		/* with the priority of who waits for it */
}

/* It waited, and hears from who came to meet it that what it asked for is refused: on record as its own.
 * Of a reply_receive it is the receive that waits. */
static void
wake_refused(struct bx_kcore *core, struct bx_thread *passive, enum bx_err err)
{
	uint64_t number = passive->state == BX_THREAD_RECEIVING ? BX_SYS_RECEIVE :
	    passive->call_kind == BX_CALL_SEND ? BX_SYS_SEND : BX_SYS_CALL;

	if (passive->call_kind != BX_CALL_FAULT && bx_audit_is_refusal(number, err))
		bx_audit_refusal(core, passive->program, number, passive->context.value[0], err);
	bx_thread_wake(core, passive, err);
}

/* An exchange failed: each side gets its error, waits on, or begins again. */
static void
refuse(struct bx_kcore *core, struct bx_thread *active, bool tell_active,
    struct bx_thread *passive, bool tell_passive, enum bx_err err)
{
	bool engaged = active->transfer != BX_NONE;

	disengage(active, passive);
	if (engaged)
		bx_sched_unlend(core, active);
	if (tell_passive)
		wake_refused(core, passive, err);
	else if (engaged && !bx_thread_awaits(passive))
		bx_thread_again(core, passive);
	if (tell_active) {
		finish(core, active, err);
	} else {
		active->phase |= BX_PHASE_AGAIN;
		active->restart = 1;
	}
}

/* The registers of a message. */
static void
message_put(struct bx_thread *to, const struct bx_thread *from, uint64_t badge, uint64_t info)
{
	if (sends(from) != BX_CAP_SLOT_NONE)
		info |= BX_IPC_INFO_CAP;
	to->context.number = BX_OK;
	to->context.value[0] = badge;
	to->context.value[1] = from->context.value[1];
	to->context.value[2] = info | (uint64_t)string_length(from) << 32;
	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		to->context.word[i] = from->context.word[i];
}

void
bx_ipc_fault_put(const struct bx_kcore *core, struct bx_thread *to, const struct bx_thread *from)
{
	const struct bx_context *context = &from->context;

	to->context.number = BX_OK;
	to->context.value[0] = from->program;
	to->context.value[1] = from->index - core->programs[from->program].first_thread;
	to->context.value[2] = BX_IPC_INFO_FAULT | BX_IPC_INFO_REPLY;
	to->context.word[0] = from->fault_kind;
	to->context.word[1] = from->fault_address;
	to->context.word[2] = context->pc;
	to->context.word[3] = from->fault_code;
	to->context.word[4] = context->stack;
	to->context.word[5] = 0;
}

/* Makes the reply capability for the present call of `client` in the slot its server offered. */
static void
reply_make(struct bx_kcore *core, const struct bx_thread *server, const struct bx_thread *client)
{
	const struct bx_cap reply = {
		.type = BX_CAP_REPLY,
		.rights = (uint8_t)(server->reply_head >> 8),
		.uses = BX_CAP_USES_UNLIMITED,
		.object = { .index = client->index, .generation = client->call_generation },
		.expiry = BX_CAP_EXPIRY_NEVER,
	};
	enum bx_err err = bx_cap_reply_insert(&core->forest,
	    place_of(core, server, server->reply_slot), &reply);

	BX_ASSERT(err == BX_OK);
}

/* The commit point of a message: it is the receiver's from here on. */
static void
rendezvous(struct bx_kcore *core, struct bx_thread *sender, struct bx_thread *receiver,
    struct bx_endpoint *endpoint, uint64_t deadline)
{
	bool sender_waits = sender->state == BX_THREAD_SENDING;
	bool engaged = sender->transfer != BX_NONE;
	uint32_t kind = sender->call_kind;

	sender->transfer = BX_NONE;
	receiver->transfer = BX_NONE;
	if (engaged)
		bx_sched_unlend(core, sender_waits ? receiver : sender);
	sender->copied = 0;
	receiver->copied = 0;
	sender->phase = 0;
	receiver->phase = 0;
	receiver->has_buffers = 0;
	if (sender_waits)
		unqueue(core, sender);
	if (sender->helps != BX_NONE)
		bx_sched_help_end(core, sender);
	if (kind == BX_CALL_FAULT)
		bx_ipc_fault_put(core, receiver, sender);
	else
		message_put(receiver, sender, sender->badge,
		    kind == BX_CALL_CALL ? BX_IPC_INFO_REPLY : 0);
	endpoint->messages++;
	endpoint->bytes += string_length(sender);
	if (receiver->state == BX_THREAD_RECEIVING) {
		unqueue(core, receiver);
		bx_timer_cancel(core, receiver);
		if (kind == BX_CALL_SEND)
			bx_thread_ready(core, receiver);
		else
			bx_thread_ready_first(core, receiver);
	}
	if (kind == BX_CALL_SEND) {
		sender->call_kind = BX_CALL_NONE;
		bx_thread_result(sender, BX_OK);
		bx_timer_cancel(core, sender);
		if (sender_waits)
			bx_thread_ready(core, sender);
		return;
	}
	bx_thread_move(sender, kind == BX_CALL_FAULT ? BX_EVENT_FAULT : BX_EVENT_CALL);
	if (!sender_waits && kind == BX_CALL_CALL)
		bx_timer_add(core, sender, deadline);
	client_link(core, receiver, sender);
	reply_make(core, receiver, sender);
	bx_sched_lend(core, receiver, sender);
}

/* ---- sending */

bool
bx_ipc_server_dead(const struct bx_kcore *core, const struct bx_endpoint *endpoint)
{
	return endpoint->server != BX_NONE &&
	    core->programs[endpoint->server].state != BX_PROGRAM_RUNNING;
}

/* Whether `from` is `thread`, or waits for it: by way of answers, and of those who received last
 * where one is queued.  *left threads may be looked at; when they are used up it counts as waiting, as
 * does a ring of others: they wait in it because somebody else was there to take what is queued. */
static bool
waits_for(const struct bx_kcore *core, uint32_t from, const struct bx_thread *thread, uint32_t *left)
{
	uint32_t met = BX_NONE;			/* each 1st, 2nd, 4th, 8th, ... of the walk: Brent */

	for (uint32_t n = 1; from != BX_NONE; n++) {
		const struct bx_thread *other = bx_thread_at(core, from);

		if (other == thread || from == met || *left == 0)
			return true;
		--*left;
		if ((n & (n - 1)) == 0)
			met = from;
		if (bx_thread_dying(core, other))
			return false;		/* its partners are about to be told */
		if (bx_thread_awaits(other))
			from = other->partner;
		else if (other->state == BX_THREAD_SENDING && other->object != BX_NONE)
			from = core->endpoints[other->object].server_thread;
		else
			return false;
	}
	return false;
}

/* Whether another thread of the server's, which has received there before, does not wait for
 * `thread`: it may take what is queued. */
static bool
another_serves(const struct bx_kcore *core, const struct bx_endpoint *endpoint,
    const struct bx_thread *thread, uint32_t *left)
{
	const struct bx_program *server;

	if (endpoint->server == BX_NONE)
		return false;
	server = &core->programs[endpoint->server];
	for (uint32_t i = 0; i < server->thread_count && *left > 0; i++) {
		const struct bx_thread *other = bx_thread_at(core, server->first_thread + i);

		--*left;
		if (other->serves == (uint32_t)(endpoint - core->endpoints) &&
		    other->state != BX_THREAD_STOPPED && !waits_for(core, other->index, thread, left))
			return true;
	}
	return false;
}

/* The way of waits_for, with the other threads where it leads through a queue.  Only when that one
 * closes: the usual answer costs one walk. */
bool
bx_ipc_would_deadlock(const struct bx_kcore *core, const struct bx_thread *thread,
    const struct bx_endpoint *endpoint)
{
	uint32_t left = CYCLE_LOOKS;

	if (!waits_for(core, endpoint->server_thread, thread, &left))
		return false;
	while (left > 0) {
		const struct bx_thread *other;

		if (another_serves(core, endpoint, thread, &left))
			return false;
		other = bx_thread_at(core, endpoint->server_thread);
		for (; other != thread && bx_thread_awaits(other) && left > 0; left--)
			other = bx_thread_at(core, other->partner);
		if (other == thread || other->state != BX_THREAD_SENDING || other->object == BX_NONE)
			return true;
		endpoint = &core->endpoints[other->object];
	}
	return true;
}

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
	struct outcome outcome;

	if (first == BX_NONE)
		err = queue_check(core, sender, endpoint, deadline);
	else if ((sender->phase & BX_PHASE_AGAIN) != 0 && sender->transfer == BX_NONE)
		err = deadline_check(core, sender, deadline);
	if (err != BX_OK) {
		finish(core, sender, err);
		return;
	}
	if (first == BX_NONE) {
		sender_queue(core, sender, endpoint, deadline);
		return;
	}
	receiver = bx_thread_at(core, first);
	if (partner_dies(core, sender, receiver))
		return;
	if (sender->call_kind != BX_CALL_SEND) {
		if (receiver->reply_slot == BX_CAP_SLOT_NONE) {
			refuse(core, sender, true, receiver, false, BX_ERR_STATE);
			return;
		}
		if (core->forest.slots[receiver->reply_slot].cap.type != BX_CAP_NONE) {
			refuse(core, sender, false, receiver, true, BX_ERR_CAP_OCCUPIED);
			return;
		}
	}
	outcome = exchange(core, sender, sender, receiver);
	if (outcome.err == BX_OK)
		rendezvous(core, sender, receiver, endpoint, deadline);
	else if (outcome.err == BX_ERR_AGAIN)
		engage(core, sender, receiver);
	else
		refuse(core, sender, (outcome.tell & TELL_SENDER) != 0, receiver,
		    (outcome.tell & TELL_RECEIVER) != 0, outcome.err);
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
	err = offer_check(core, thread);
	if (err == BX_OK && sends(thread) != BX_CAP_SLOT_NONE)
		rights |= BX_RIGHT_GRANT;
	if (err == BX_OK)
		err = endpoint_check(core, thread, rights, &slot, &endpoint);
	if (err == BX_OK && kind == BX_CALL_CALL && deadline == 0)
		err = BX_ERR_WOULD_BLOCK;
	/* A counted capability that is sent through itself takes all its uses along, and this call's. */
	if (err == BX_OK && sends(thread) == slot &&
	    core->forest.slots[slot].cap.uses != BX_CAP_USES_UNLIMITED)
		err = BX_ERR_CAP_USED_UP;
	if (err != BX_OK) {
		finish(core, thread, err);
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

/* Where the reply to what it receives will be, by number and by name. */
static void
reply_offer(struct bx_thread *thread, uint32_t slot)
{
	thread->reply_slot = slot;
	thread->reply_place = slot != BX_CAP_SLOT_NONE ? slot : BX_ROOT_SLOT;
	thread->reply_index = thread->context.reply;
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
	struct outcome outcome;

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
			finish(core, receiver, deadline == 0 ? BX_ERR_WOULD_BLOCK : BX_ERR_TIMEOUT);
		else
			receiver_queue(core, receiver, endpoint, deadline);
		return;
	}
	sender = bx_thread_at(core, first);
	if (partner_dies(core, receiver, sender))
		return;
	if (sender->call_kind != BX_CALL_SEND && receiver->reply_slot == BX_CAP_SLOT_NONE) {
		refuse(core, receiver, false, sender, true, BX_ERR_STATE);
		return;
	}
	outcome = exchange(core, receiver, sender, receiver);
	if (outcome.err == BX_OK)
		rendezvous(core, sender, receiver, endpoint, 0);
	else if (outcome.err == BX_ERR_AGAIN)
		engage(core, receiver, sender);
	else
		refuse(core, receiver, (outcome.tell & TELL_RECEIVER) != 0, sender,
		    (outcome.tell & TELL_SENDER) != 0, outcome.err);
}

static void
receive_spending(struct bx_kcore *core, struct bx_thread *receiver, struct bx_endpoint *endpoint,
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

	err = offer_check(core, thread);
	if (err == BX_OK)
		err = endpoint_check(core, thread, BX_RIGHT_READ, &slot, &endpoint);
	if (err == BX_OK)
		err = reply_slot_check(core, thread, &reply);
	if (err == BX_OK && reply != BX_CAP_SLOT_NONE &&
	    core->forest.slots[reply].cap.type != BX_CAP_NONE)
		err = BX_ERR_CAP_OCCUPIED;
	if (err != BX_OK) {
		finish(core, thread, err);
		return;
	}
	reply_offer(thread, reply);
	receive_spending(core, thread, endpoint, slot);
}

/* ---- replying */

/* Whether the reply still has somebody to go to.  The program is compared too: a reply kept until
 * the generation came round could only reach a call to its own holder. */
static bool
reply_live(const struct bx_kcore *core, const struct bx_thread *thread, const struct bx_cap *reply)
{
	const struct bx_thread *client = bx_thread_at(core, reply->object.index);

	return client->call_generation == reply->object.generation && bx_thread_awaits(client) &&
	    core->threads[client->partner].program == thread->program;
}

static enum bx_err
reply_check(struct bx_kcore *core, struct bx_thread *thread, uint64_t index, uint32_t *slot)
{
	const struct bx_cap *reply;
	struct bx_thread *client;
	enum bx_err err = offer_check(core, thread);

	if (err == BX_OK)
		err = bx_sys_cap(core, thread, index, BX_CAP_REPLY, BX_RIGHT_WRITE, slot);
	if (err != BX_OK)
		return err;
	reply = &core->forest.slots[*slot].cap;
	if (sends(thread) != BX_CAP_SLOT_NONE && (reply->rights & BX_RIGHT_GRANT) == 0)
		return BX_ERR_CAP_RIGHTS;
	if (!reply_live(core, thread, reply))
		return BX_OK;
	client = bx_thread_at(core, reply->object.index);
	if (client->transfer != BX_NONE && client->transfer != thread->index)
		return BX_ERR_BUSY;		/* another thread is giving this answer */
	if (bx_thread_dying(core, client))
		bx_thread_stop(core, client);	/* the reply is stale from here on */
	return BX_OK;
}

/* The commit point of a reply: the call is over. */
static void
answer(struct bx_kcore *core, struct bx_thread *server, struct bx_thread *client, uint32_t slot)
{
	struct bx_thread *taker = bx_thread_at(core, client->partner);

	disengage(server, client);
	(void)bx_cap_leaf_remove(&core->forest, slot);
	if (client->call_kind != BX_CALL_FAULT)
		message_put(client, server, 0, 0);
	client->call_kind = BX_CALL_NONE;
	client->work = 0;
	client->phase = 0;
	client->has_buffers = 0;
	client_unlink(core, client);
	bx_timer_cancel(core, client);
	bx_sched_unlend(core, taker);
	if (taker != server)
		bx_sched_unlend(core, server);
	bx_thread_ready_first(core, client);
}

/* OK: the reply is gone, to its caller or to nobody; AGAIN: a copy was interrupted. */
static enum bx_err
reply_send(struct bx_kcore *core, struct bx_thread *server, uint32_t slot)
{
	const struct bx_cap *reply = &core->forest.slots[slot].cap;
	struct bx_thread *client = bx_thread_at(core, reply->object.index);
	struct outcome outcome = { BX_OK, 0 };

	if (client->call_kind != BX_CALL_FAULT)
		outcome = exchange(core, server, server, client);
	if (outcome.err == BX_OK) {
		answer(core, server, client, slot);
		return BX_OK;
	}
	if (outcome.err == BX_ERR_AGAIN) {
		engage(core, server, client);
		return BX_ERR_AGAIN;
	}
	disengage(server, client);
	bx_sched_unlend(core, server);
	if ((outcome.tell & TELL_RECEIVER) != 0) {
		(void)bx_cap_leaf_remove(&core->forest, slot);
		wake_refused(core, client, outcome.err);
	}
	return (outcome.tell & TELL_SENDER) != 0 ? outcome.err : BX_OK;
}

void
bx_sys_reply(struct bx_kcore *core, struct bx_thread *thread)
{
	uint32_t slot;
	enum bx_err err = reply_check(core, thread, thread->context.value[0], &slot);

	if (err == BX_OK) {
		if (reply_live(core, thread, &core->forest.slots[slot].cap)) {
			err = reply_send(core, thread, slot);
			if (err == BX_ERR_AGAIN)
				return;
		} else {
			(void)bx_cap_leaf_remove(&core->forest, slot);
			err = BX_ERR_CAP_STALE;
		}
	}
	finish(core, thread, err);
}

void
bx_sys_reply_receive(struct bx_kcore *core, struct bx_thread *thread)
{
	struct bx_endpoint *endpoint;
	uint32_t reply, slot;
	enum bx_err err = reply_check(core, thread, thread->context.reply, &reply);

	if (err == BX_OK)
		err = endpoint_check(core, thread, BX_RIGHT_READ, &slot, &endpoint);
	if (err != BX_OK) {
		finish(core, thread, err);
		return;
	}
	/* A caller that has gone away is none of the server's business: it goes on to receive. */
	if (!reply_live(core, thread, &core->forest.slots[reply].cap)) {
		(void)bx_cap_leaf_remove(&core->forest, reply);
	} else {
		err = reply_send(core, thread, reply);
		if (err == BX_ERR_AGAIN)
			return;
		if (err != BX_OK) {
			finish(core, thread, err);
			return;
		}
	}
	/* The reply is made.  What is left, and what begins again, is a receive. */
	thread->context.number = BX_SYS_RECEIVE | (thread->context.number & ~0xffull);
	reply_offer(thread, reply);
	receive_spending(core, thread, endpoint, slot);
}
