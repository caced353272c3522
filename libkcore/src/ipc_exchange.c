/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipc_exchange.c -- endpoints: what passes between a sender and a receiver: registers, a string, a
 * capability; and the reply that is made for a call.
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
 */
#include "ipc.h"

static struct bx_cap_place
place_of(const struct bx_kcore *core, const struct bx_thread *thread, uint32_t slot)
{
	const struct bx_cap_space *space = &core->programs[thread->program].space;

	return (struct bx_cap_place){ .space = space, .index = slot - space->first_slot };
}

/* Copies the string; stops between two steps when an interrupt waits. */
static struct bx_outcome
string_copy(struct bx_kcore *core, struct bx_thread *active, const struct bx_thread *sender,
    const struct bx_thread *receiver)
{
	uint32_t length = bx_ipc_string_length(sender);
	bool sender_fault = false;
	enum bx_err err;

	if (length == 0)
		return (struct bx_outcome){ BX_OK, 0 };
	do {
		err = bx_copy_across(core, sender->program, sender->buffers.send_address,
		    receiver->program, receiver->buffers.receive_address, length,
		    &active->copied, &sender_fault);
	} while (err == BX_ERR_AGAIN && !bx_machine_interrupt_pending(core->machine));
	if (err == BX_OK || err == BX_ERR_AGAIN)
		return (struct bx_outcome){ err, 0 };
	return (struct bx_outcome){ err, sender_fault ? BX_TELL_SENDER : BX_TELL_RECEIVER };
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

static struct bx_outcome
capability_send(struct bx_kcore *core, const struct bx_thread *sender,
    const struct bx_thread *receiver)
{
	enum bx_err err = bx_ipc_capability_copy(core, sender, receiver);

	if (err == BX_ERR_CAP_SEALED || err == BX_ERR_CAP_OCCUPIED)
		return (struct bx_outcome){ err, BX_TELL_BOTH };
	return (struct bx_outcome){ err, err == BX_OK ? 0 : BX_TELL_SENDER };
}

/* Everything of an exchange that can fail. */
struct bx_outcome
bx_ipc_exchange(struct bx_kcore *core, struct bx_thread *active, struct bx_thread *sender,
    struct bx_thread *receiver)
{
	struct bx_outcome outcome;

	if (bx_ipc_string_length(sender) > (receiver->has_buffers != 0 ?
	    receiver->buffers.receive_capacity : 0))
		return (struct bx_outcome){ BX_ERR_MSG_TOO_LONG, BX_TELL_BOTH };
	if (bx_ipc_sends(sender) != BX_CAP_SLOT_NONE && bx_ipc_takes(receiver) == BX_CAP_SLOT_NONE)
		return (struct bx_outcome){ BX_ERR_CAP_SLOT, BX_TELL_SENDER };
	outcome = string_copy(core, active, sender, receiver);
	if (outcome.err == BX_OK && bx_ipc_sends(sender) != BX_CAP_SLOT_NONE)
		outcome = capability_send(core, sender, receiver);
	return outcome;
}

/* The copy stops here for an interrupt; the active side's system call goes on with it. */
void
bx_ipc_engage(struct bx_kcore *core, struct bx_thread *active, struct bx_thread *passive)
{
	active->transfer = passive->index;
	passive->transfer = active->index;
	passive->phase |= BX_PHASE_ENGAGED;
	active->restart = 1;
	bx_thread_astray_set(core, active);
	bx_thread_astray_set(core, passive);
	bx_ipc_unqueue(core, passive);
	bx_sched_unlend(core, active);		/* with the priority of who waits for it */
}

/* It waited, and hears from who came to meet it that what it asked for is refused: on record as its own.
 * Of a reply_receive it is the receive that waits. */
void
bx_ipc_wake_refused(struct bx_kcore *core, struct bx_thread *passive, enum bx_err err)
{
	uint64_t number = passive->state == BX_THREAD_RECEIVING ? BX_SYS_RECEIVE :
	    passive->call_kind == BX_CALL_SEND ? BX_SYS_SEND : BX_SYS_CALL;

	if (passive->call_kind != BX_CALL_FAULT && bx_audit_is_refusal(number, err))
		bx_audit_refusal(core, passive->program, number, passive->context.value[0], err);
	bx_thread_wake(core, passive, err);
}

/* An exchange failed: each side gets its error, waits on, or begins again. */
void
bx_ipc_refuse(struct bx_kcore *core, struct bx_thread *active, bool tell_active,
    struct bx_thread *passive, bool tell_passive, enum bx_err err)
{
	bool engaged = active->transfer != BX_NONE;

	bx_ipc_disengage(core, active, passive);
	if (engaged)
		bx_sched_unlend(core, active);
	if (tell_passive)
		bx_ipc_wake_refused(core, passive, err);
	else if (engaged && !bx_thread_awaits(passive))
		bx_thread_again(core, passive);
	if (tell_active) {
		bx_ipc_finish(core, active, err);
	} else {
		active->phase |= BX_PHASE_AGAIN;
		active->restart = 1;
	}
}

/* The registers of a message. */
void
bx_ipc_message_put(struct bx_thread *to, const struct bx_thread *from, uint64_t badge, uint64_t info)
{
	if (bx_ipc_sends(from) != BX_CAP_SLOT_NONE)
		info |= BX_IPC_INFO_CAP;
	to->context.number = BX_OK;
	to->context.value[0] = badge;
	to->context.value[1] = from->context.value[1];
	to->context.value[2] = info | (uint64_t)bx_ipc_string_length(from) << 32;
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
void
bx_ipc_rendezvous(struct bx_kcore *core, struct bx_thread *sender, struct bx_thread *receiver,
    struct bx_endpoint *endpoint, uint64_t deadline)
{
	bool sender_waits = sender->state == BX_THREAD_SENDING;
	bool engaged = sender->transfer != BX_NONE;
	uint32_t kind = sender->call_kind;

	sender->transfer = BX_NONE;
	receiver->transfer = BX_NONE;
	sender->phase = 0;
	receiver->phase = 0;
	if (engaged) {
		bx_thread_astray_set(core, sender);
		bx_thread_astray_set(core, receiver);
		bx_sched_unlend(core, sender_waits ? receiver : sender);
	}
	sender->copied = 0;
	receiver->copied = 0;
	receiver->has_buffers = 0;
	if (sender_waits)
		bx_ipc_unqueue(core, sender);
	if (sender->helps != BX_NONE)
		bx_sched_help_end(core, sender);
	if (kind == BX_CALL_FAULT)
		bx_ipc_fault_put(core, receiver, sender);
	else
		bx_ipc_message_put(receiver, sender, sender->badge,
		    kind == BX_CALL_CALL ? BX_IPC_INFO_REPLY : 0);
	endpoint->messages++;
	endpoint->bytes += bx_ipc_string_length(sender);
	if (receiver->state == BX_THREAD_RECEIVING) {
		bx_ipc_unqueue(core, receiver);
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
