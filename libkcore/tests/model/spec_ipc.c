/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * spec_ipc.c -- rendezvous, replies, refusals: design, section 7, abi.h, and the tables "what happens"
 * and "Answers" of libkcore/DESIGN.md.
 */
#include "spec.h"

#define LONG_STRING	4096u		/* a longer one may be copied in more than one step */

/* ---- leaving a wait */

/* Any reply made for its call is stale from here on. */
static void
call_over(struct spec *spec, unsigned thread)
{
	spec->threads[thread].partner = NOBODY;
	spec->threads[thread].call = ++spec->calls;
}

static void
unqueue(struct spec *spec, unsigned thread)
{
	struct spec_thread *leaver = &spec->threads[thread];

	if (leaver->object == NOBODY)
		return;
	if (leaver->state == BX_THREAD_WAITING) {
		unsigned note = leaver->object;

		spec_queue_drop(&spec->notes[note].waiters, thread);
		leaver->object = NOBODY;
		/* What came while it was the first, and dying, is for the next. */
		spec_deliver(spec, note);
	} else {
		spec_queue_drop(&spec->endpoints[leaver->object].senders, thread);
		spec_queue_drop(&spec->endpoints[leaver->object].receivers, thread);
	}
	leaver->object = NOBODY;
}

/* Its call begins again, from what it asked. */
static void
begin_again(struct spec *spec, unsigned thread)
{
	struct spec_thread *other = &spec->threads[thread];

	unqueue(spec, thread);
	other->deadline = 0;
	other->copy = NOBODY;
	other->state = BX_THREAD_READY;
	other->again = true;
	other->retries = true;
}

/* Out of all that it waits for.  Whoever copied with it begins again. */
void
spec_detach(struct spec *spec, unsigned thread)
{
	struct spec_thread *leaver = &spec->threads[thread];
	unsigned other = leaver->copy;

	leaver->copy = NOBODY;
	if (other != NOBODY) {
		spec->threads[other].copy = NOBODY;
		spec->threads[other].retries = true;
		if (spec->threads[other].state == BX_THREAD_SENDING ||
		    spec->threads[other].state == BX_THREAD_RECEIVING)
			begin_again(spec, other);
	}
	unqueue(spec, thread);
	if (leaver->partner != NOBODY)
		call_over(spec, thread);
	leaver->deadline = 0;
}

/* The running call is over, with an error; a fault that nobody takes ends its program in its turn. */
static void
finish(struct spec *spec, unsigned thread, enum bx_err err)
{
	struct spec_thread *done = &spec->threads[thread];

	spec_detach(spec, thread);
	if (done->says == SAYS_FAULT) {
		done->again = true;
		done->unheard = true;
		return;
	}
	done->says = SAYS_NOTHING;
	done->spent = done->retries = false;
	spec_result(done, err);
}

void
spec_wake(struct spec *spec, unsigned thread, enum bx_err err)
{
	finish(spec, thread, err);
	spec->threads[thread].state = BX_THREAD_READY;
}

/* A server has ended: its clients are told. */
void
spec_server_gone(struct spec *spec, unsigned thread)
{
	for (unsigned i = 0; i < spec->thread_count; i++) {
		if (spec->threads[i].partner == thread)
			spec_wake(spec, i, BX_ERR_PEER_DIED);
	}
}

/* All threads of a program have ended: who queues where it served is told, and none of them counts as the
 * one that received last. */
void
spec_senders_end(struct spec *spec, unsigned program, unsigned endpoint)
{
	struct spec_endpoint *at = &spec->endpoints[endpoint];

	if (at->server != program)
		return;
	at->server_thread = NOBODY;
	while (at->senders.count > 0)
		spec_wake(spec, at->senders.thread[0], BX_ERR_PEER_DIED);
}

/* ---- what a call offers */

static enum bx_err
plain_place(const struct spec *spec, unsigned program, uint32_t slot, uint16_t *place)
{
	*place = NOWHERE;
	if (slot == BX_SLOT_NONE)
		return BX_OK;
	if (slot >= spec->programs[program].plain)
		return BX_ERR_CAP_SLOT;
	return spec_place(spec, program, slot, place);
}

static enum bx_err
offer(struct spec *spec, unsigned thread)
{
	struct spec_thread *asker = &spec->threads[thread];
	const struct spec_request *asked = &asker->asked;
	enum bx_err err;

	if (asker->copy != NOBODY)
		return BX_OK;			/* what was read at the beginning counts */
	asker->offers = false;
	asker->send_place = NOWHERE;
	asker->receive_place = NOWHERE;
	if (asked->buffers == MEMORY_NONE)
		return BX_OK;
	if (asked->buffers == MEMORY_UNALIGNED)
		return BX_ERR_ALIGN;
	if (asked->buffers == MEMORY_BAD)
		return BX_ERR_ADDRESS;
	if (asked->offer.send_length > BX_IPC_STRING_MAX)
		return BX_ERR_RANGE;
	err = plain_place(spec, asker->program, asked->offer.send_slot, &asker->send_place);
	if (err == BX_OK)
		err = plain_place(spec, asker->program, asked->offer.receive_slot,
		    &asker->receive_place);
	if (err != BX_OK)
		return err;
	if (asker->send_place != NOWHERE && spec->caps[asker->send_place].type == BX_CAP_NONE)
		return BX_ERR_CAP_EMPTY;
	asker->offers = true;
	return BX_OK;
}

/* The endpoint of the first argument.  A call that has cost its use already may begin again without. */
static enum bx_err
endpoint_find(struct spec *spec, unsigned thread, uint8_t rights, uint16_t *place, unsigned *endpoint)
{
	uint64_t slot = spec->threads[thread].asked.regs.value[0];
	enum bx_err err = spec_cap_find(spec, thread, slot, BX_CAP_ENDPOINT, rights, place);

	if (err == BX_ERR_CAP_USED_UP && spec->threads[thread].spent)
		err = BX_OK;
	if (err == BX_OK)
		*endpoint = spec->caps[*place].object;
	return err;
}

static void
spend(struct spec *spec, unsigned thread, uint16_t place)
{
	if (!spec->threads[thread].spent)
		spec_cap_use(spec, place);
	spec->threads[thread].spent = true;
}

/* ---- the exchange */

enum tell { TELL_NOBODY, TELL_SENDER, TELL_RECEIVER, TELL_BOTH };

static uint32_t
length_of(const struct spec_thread *sender)
{
	return sender->offers ? sender->asked.offer.send_length : 0;
}

/* All of an exchange that can fail.  BX_ERR_AGAIN: the copy stopped for an interrupt. */
static enum bx_err
exchange(struct spec *spec, const struct spec_thread *sender, const struct spec_thread *receiver,
    enum tell *tell)
{
	uint32_t length = length_of(sender);
	enum bx_err err;

	*tell = TELL_BOTH;
	if (length > (receiver->offers ? receiver->asked.offer.receive_capacity : 0))
		return BX_ERR_MSG_TOO_LONG;
	*tell = TELL_SENDER;
	if (sender->send_place != NOWHERE && receiver->receive_place == NOWHERE)
		return BX_ERR_CAP_SLOT;
	if (length > 0 && sender->asked.send_bad)
		return BX_ERR_ADDRESS;
	*tell = TELL_RECEIVER;
	if (length > 0 && receiver->asked.receive_bad)
		return BX_ERR_ADDRESS;
	*tell = TELL_NOBODY;
	if (length > LONG_STRING && spec->pending && spec_choose(spec, 2) == 1)
		return BX_ERR_AGAIN;
	if (sender->send_place == NOWHERE)
		return BX_OK;
	err = spec_cap_copy(spec, sender->send_place, receiver->receive_place);
	if (err == BX_OK)
		spec_record(spec, BX_AUDIT_TRANSFER, sender->program, receiver->program,
		    sender->send_place % SPEC_SLOTS, receiver->receive_place % SPEC_SLOTS, 0);
	else
		*tell = err == BX_ERR_CAP_SEALED || err == BX_ERR_CAP_OCCUPIED ? TELL_BOTH : TELL_SENDER;
	return err;
}

static void
engage(struct spec *spec, unsigned active, unsigned passive)
{
	spec->threads[active].copy = (uint8_t)passive;
	spec->threads[passive].copy = (uint8_t)active;
	spec->threads[active].again = true;
	if (spec->threads[passive].partner == NOBODY)
		unqueue(spec, passive);
}

static void
part(struct spec *spec, unsigned a, unsigned b)
{
	spec->threads[a].copy = NOBODY;
	spec->threads[b].copy = NOBODY;
}

/* Who waited is refused, as if it had come later (docs/audit.md). */
static void
wake_refused(struct spec *spec, unsigned passive, enum bx_err err)
{
	struct spec_thread *thread = &spec->threads[passive];

	if (thread->says != SAYS_FAULT)
		spec_record_refusal(spec, thread->program, &thread->asked.regs, err);
	spec_wake(spec, passive, err);
}

/* Each side gets its error, waits on, or begins again. */
static void
refuse(struct spec *spec, unsigned active, bool tell_active, unsigned passive, bool tell_passive,
    enum bx_err err)
{
	bool engaged = spec->threads[active].copy != NOBODY;

	part(spec, active, passive);
	if (tell_passive)
		wake_refused(spec, passive, err);
	else if (engaged && spec->threads[passive].partner == NOBODY)
		begin_again(spec, passive);
	if (tell_active)
		finish(spec, active, err);
	else
		spec->threads[active].again = spec->threads[active].retries = true;
}

static void
message_give(struct spec_thread *to, const struct spec_thread *from, uint64_t badge, uint64_t info)
{
	spec_result(to, BX_OK);
	if (from->send_place != NOWHERE)
		info |= BX_IPC_INFO_CAP;
	to->regs.value[0] = badge;
	to->regs.value[1] = from->asked.regs.value[1];
	to->regs.value[2] = info | (uint64_t)length_of(from) << 32;
	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		to->regs.word[i] = from->asked.regs.word[i];
}

static void
fault_give(const struct spec *spec, struct spec_thread *to, unsigned thread)
{
	const struct spec_thread *from = &spec->threads[thread];

	spec_result(to, BX_OK);
	to->regs.value[0] = from->program;
	to->regs.value[1] = thread - spec->programs[from->program].first_thread;
	to->regs.value[2] = BX_IPC_INFO_FAULT | BX_IPC_INFO_REPLY;
	to->regs.word[0] = from->fault[0];
	to->regs.word[1] = from->fault[1];
	to->regs.word[2] = from->regs.pc;
	to->regs.word[3] = from->fault[2];
	to->regs.word[4] = from->regs.stack;
	to->regs.word[5] = 0;
}

static void
meet(struct spec *spec, unsigned sending, unsigned receiving, unsigned endpoint)
{
	struct spec_thread *sender = &spec->threads[sending], *receiver = &spec->threads[receiving];

	part(spec, sending, receiving);
	unqueue(spec, sending);
	unqueue(spec, receiving);
	if (sender->says == SAYS_FAULT)
		fault_give(spec, receiver, sending);
	else
		message_give(receiver, sender, sender->badge,
		    sender->says == SAYS_CALL ? BX_IPC_INFO_REPLY : 0);
	spec->endpoints[endpoint].messages++;
	spec->endpoints[endpoint].bytes += length_of(sender);
	receiver->state = BX_THREAD_READY;
	receiver->deadline = 0;
	receiver->spent = receiver->retries = false;
	sender->spent = sender->retries = false;
	if (sender->says == SAYS_SEND) {
		spec_result(sender, BX_OK);
		sender->says = SAYS_NOTHING;
		sender->state = BX_THREAD_READY;
		sender->deadline = 0;
		return;
	}
	if (sender->says == SAYS_CALL)
		sender->deadline = sender->asked.regs.value[2];
	sender->state = sender->says == SAYS_FAULT ? BX_THREAD_FAULTED : BX_THREAD_AWAITING_REPLY;
	sender->partner = (uint8_t)receiving;
	sender->call = ++spec->calls;
	spec->caps[receiver->reply_place] = (struct spec_cap){
		.type = BX_CAP_REPLY, .parent = NOWHERE, .uses = BX_CAP_USES_UNLIMITED,
		.rights = (uint8_t)(BX_RIGHT_WRITE | (receiver->may_grant ? BX_RIGHT_GRANT : 0)),
		.expiry = BX_CAP_EXPIRY_NEVER, .object = sending, .call = sender->call,
	};
}

/* ---- cycles: nobody may wait for itself */

/* Whom a thread waits for, as far as that is known, and where it queues for it. */
static unsigned
waits_on(const struct spec *spec, unsigned thread, unsigned *endpoint)
{
	const struct spec_thread *waiter = &spec->threads[thread];

	*endpoint = NOBODY;
	if (waiter->partner != NOBODY)
		return waiter->partner;
	if (waiter->state != BX_THREAD_SENDING || waiter->object == NOBODY)
		return NOBODY;
	*endpoint = waiter->object;
	return spec->endpoints[waiter->object].server_thread;
}

static bool
comes_to(const struct spec *spec, unsigned from, unsigned thread)
{
	unsigned endpoint;

	for (unsigned n = 0; from != NOBODY && n <= spec->thread_count; n++) {
		if (from == thread)
			return true;
		if (spec_dying(spec, from))
			return false;			/* who waits for it is about to be told */
		from = waits_on(spec, from, &endpoint);
	}
	return from != NOBODY;
}

bool
spec_circular(const struct spec *spec, unsigned thread)
{
	unsigned endpoint, next = waits_on(spec, thread, &endpoint);

	return next != NOBODY && comes_to(spec, next, thread);
}

/* Somebody else, who has received there before and is free to do it again. */
static bool
another_takes(const struct spec *spec, unsigned endpoint, unsigned thread)
{
	for (unsigned i = 0; i < spec->thread_count; i++) {
		if (spec->threads[i].program == spec->endpoints[endpoint].server &&
		    spec->threads[i].serves == endpoint && spec->threads[i].state != BX_THREAD_FREE &&
		    spec->threads[i].state != BX_THREAD_STOPPED && !comes_to(spec, i, thread))
			return true;
	}
	return false;
}

static bool
closes_cycle(const struct spec *spec, unsigned thread, unsigned endpoint)
{
	unsigned at = spec->endpoints[endpoint].server_thread;

	if (!comes_to(spec, at, thread))
		return false;
	for (unsigned n = 0; n <= spec->thread_count && at != NOBODY; n++) {
		if (endpoint != NOBODY && another_takes(spec, endpoint, thread))
			return false;
		if (at == thread)
			return true;
		at = waits_on(spec, at, &endpoint);
	}
	return true;
}

/* ---- sending */

static enum bx_err
deadline_check(const struct spec *spec, const struct spec_thread *sender)
{
	uint64_t deadline = sender->asked.regs.value[2];

	if (sender->says == SAYS_FAULT)
		return BX_OK;
	if (deadline == 0)
		return BX_ERR_WOULD_BLOCK;
	return deadline <= spec->now ? BX_ERR_TIMEOUT : BX_OK;
}

static enum bx_err
queue_check(const struct spec *spec, unsigned thread, unsigned endpoint)
{
	const struct spec_thread *sender = &spec->threads[thread];
	unsigned server = spec->endpoints[endpoint].server;

	if (server != NOBODY && spec->programs[server].state != BX_PROGRAM_RUNNING)
		return BX_ERR_PEER_DIED;
	if (closes_cycle(spec, thread, endpoint))
		return BX_ERR_WOULD_DEADLOCK;
	if (sender->says == SAYS_FAULT && server == NOBODY)
		return BX_ERR_PEER_DIED;
	return deadline_check(spec, sender);
}

/* True: it has been taken or queued, and costs a use. */
static bool
send(struct spec *spec, unsigned thread, unsigned endpoint)
{
	struct spec_thread *sender = &spec->threads[thread], *receiver;
	struct spec_endpoint *at = &spec->endpoints[endpoint];
	unsigned first = sender->copy != NOBODY ? sender->copy :
	    at->receivers.count > 0 ? at->receivers.thread[0] : NOBODY;
	enum tell tell;
	enum bx_err err;

	if (first == NOBODY) {
		err = queue_check(spec, thread, endpoint);
		if (err != BX_OK) {
			finish(spec, thread, err);
			return false;
		}
		sender->state = BX_THREAD_SENDING;
		sender->object = (uint8_t)endpoint;
		sender->deadline = sender->says == SAYS_FAULT ? 0 : sender->asked.regs.value[2];
		spec_queue_add(&at->senders, thread);
		sender->retries = false;
		return true;
	}
	/* Late is not too late for the first one that waits, but for the next. */
	err = sender->retries && sender->copy == NOBODY ? deadline_check(spec, sender) : BX_OK;
	if (err != BX_OK) {
		finish(spec, thread, err);
		return false;
	}
	receiver = &spec->threads[first];
	if (spec_dying(spec, first)) {
		spec_stop(spec, first);
		sender->again = true;
		return false;
	}
	if (sender->says != SAYS_SEND && receiver->reply_place == NOWHERE) {
		refuse(spec, thread, true, first, false, BX_ERR_STATE);
		return false;
	}
	if (sender->says != SAYS_SEND && spec->caps[receiver->reply_place].type != BX_CAP_NONE) {
		refuse(spec, thread, false, first, true, BX_ERR_CAP_OCCUPIED);
		return false;
	}
	err = exchange(spec, sender, receiver, &tell);
	if (err == BX_OK)
		meet(spec, thread, first, endpoint);
	else if (err == BX_ERR_AGAIN)
		engage(spec, thread, first);
	else
		refuse(spec, thread, (tell & TELL_SENDER) != 0, first, (tell & TELL_RECEIVER) != 0, err);
	return err == BX_OK;
}

static void
send_call(struct spec *spec, unsigned thread, bool call)
{
	struct spec_thread *sender = &spec->threads[thread];
	uint8_t rights = BX_RIGHT_WRITE;
	unsigned endpoint = NOBODY;
	uint16_t place = NOWHERE;
	bool spent = sender->spent;
	enum bx_err err = offer(spec, thread);

	if (call)
		rights |= BX_RIGHT_GRANT_REPLY;
	if (err == BX_OK && sender->send_place != NOWHERE)
		rights |= BX_RIGHT_GRANT;
	if (err == BX_OK)
		err = endpoint_find(spec, thread, rights, &place, &endpoint);
	if (err == BX_OK && call && sender->asked.regs.value[2] == 0)
		err = BX_ERR_WOULD_BLOCK;
	/* A counted capability cannot go along through itself: no use would be left for the call. */
	if (err == BX_OK && sender->send_place == place &&
	    spec->caps[place].uses != BX_CAP_USES_UNLIMITED)
		err = BX_ERR_CAP_USED_UP;
	sender->says = SAYS_NOTHING;
	if (err != BX_OK) {
		finish(spec, thread, err);
		return;
	}
	sender->says = call ? SAYS_CALL : SAYS_SEND;
	sender->badge = spec->caps[place].badge;
	if (send(spec, thread, endpoint) && !spent) {
		spec_cap_use(spec, place);
		sender->spent = sender->state == BX_THREAD_SENDING;
	}
}

void
spec_fault(struct spec *spec, unsigned thread)
{
	struct spec_thread *faulter = &spec->threads[thread];
	struct spec_program *program = &spec->programs[faulter->program];

	if (program->fault_endpoint == NOBODY || faulter->unheard) {
		for (unsigned i = 0; i < 3; i++)
			program->fault[i] = faulter->fault[i];
		program->fault[2] = faulter->regs.pc;
		spec_program_end(spec, faulter->program, BX_PROGRAM_FAULTED);
		return;
	}
	faulter->says = SAYS_FAULT;
	faulter->offers = false;
	faulter->send_place = NOWHERE;
	(void)send(spec, thread, program->fault_endpoint);
}

/* ---- receiving */

static void
receive(struct spec *spec, unsigned thread, unsigned endpoint, uint16_t place)
{
	struct spec_thread *receiver = &spec->threads[thread];
	struct spec_endpoint *at = &spec->endpoints[endpoint];
	uint64_t deadline = receiver->asked.regs.value[2];
	unsigned first = receiver->copy;
	enum tell tell;
	enum bx_err err;

	at->server = receiver->program;
	at->server_thread = (uint8_t)thread;
	receiver->serves = (uint8_t)endpoint;
	spec_account_serves(spec, thread);
	receiver->may_grant = (spec->caps[place].rights & BX_RIGHT_GRANT) != 0;
	if (first == NOBODY && receiver->bound != NOBODY && spec->notes[receiver->bound].bits != 0) {
		spend(spec, thread, place);
		(void)spec_bound_take(spec, thread);
		return;
	}
	if (first == NOBODY && at->senders.count > 0)
		first = at->senders.thread[0];
	if (first == NOBODY) {
		/* Whether a deadline has passed is looked at by the timer's event, too: when that is due, the
		 * wait may begin and end by it. */
		if (deadline == 0 || (deadline <= spec->now && !(spec->overdue && spec_choose(spec, 2) == 1))) {
			finish(spec, thread, deadline == 0 ? BX_ERR_WOULD_BLOCK : BX_ERR_TIMEOUT);
			return;
		}
		spend(spec, thread, place);
		receiver->state = BX_THREAD_RECEIVING;
		receiver->object = (uint8_t)endpoint;
		receiver->deadline = deadline;
		spec_queue_add(&at->receivers, thread);
		return;
	}
	if (spec_dying(spec, first)) {
		spec_stop(spec, first);
		receiver->again = true;
		return;
	}
	if (spec->threads[first].says != SAYS_SEND && receiver->reply_place == NOWHERE) {
		refuse(spec, thread, false, first, true, BX_ERR_STATE);
		return;
	}
	err = exchange(spec, &spec->threads[first], receiver, &tell);
	if (err == BX_OK) {
		spend(spec, thread, place);
		meet(spec, first, thread, endpoint);
	} else if (err == BX_ERR_AGAIN) {
		engage(spec, thread, first);
	} else {
		refuse(spec, thread, (tell & TELL_RECEIVER) != 0, first, (tell & TELL_SENDER) != 0, err);
	}
}

static void
receive_call(struct spec *spec, unsigned thread)
{
	struct spec_thread *receiver = &spec->threads[thread];
	const struct spec_program *program = &spec->programs[receiver->program];
	uint64_t reply = receiver->asked.regs.reply;
	uint16_t place = NOWHERE;
	unsigned endpoint = NOBODY;
	enum bx_err err = offer(spec, thread);

	if (err == BX_OK)
		err = endpoint_find(spec, thread, BX_RIGHT_READ, &place, &endpoint);
	receiver->reply_place = NOWHERE;
	if (err == BX_OK && reply != BX_SLOT_NONE) {
		if (reply < program->plain || reply >= program->slots)
			err = BX_ERR_CAP_SLOT;
		else
			err = spec_place(spec, receiver->program, reply, &receiver->reply_place);
		if (err == BX_OK && spec->caps[receiver->reply_place].type != BX_CAP_NONE)
			err = BX_ERR_CAP_OCCUPIED;
	}
	if (err != BX_OK)
		finish(spec, thread, err);
	else
		receive(spec, thread, endpoint, place);
}

/* ---- replying */

/* The thread that waits for this answer, or NOBODY. */
static unsigned
caller_of(const struct spec *spec, uint16_t place)
{
	const struct spec_cap *cap = &spec->caps[place];
	const struct spec_thread *caller = &spec->threads[cap->object];

	return caller->partner != NOBODY && caller->call == cap->call ? cap->object : NOBODY;
}

static enum bx_err
reply_find(struct spec *spec, unsigned thread, uint64_t slot, uint16_t *place)
{
	struct spec_thread *server = &spec->threads[thread];
	enum bx_err err = offer(spec, thread);
	unsigned caller;

	if (err == BX_OK)
		err = spec_cap_find(spec, thread, slot, BX_CAP_REPLY, BX_RIGHT_WRITE, place);
	if (err != BX_OK)
		return err;
	if (server->send_place != NOWHERE && (spec->caps[*place].rights & BX_RIGHT_GRANT) == 0)
		return BX_ERR_CAP_RIGHTS;
	caller = caller_of(spec, *place);
	if (caller != NOBODY && spec->threads[caller].copy != NOBODY &&
	    spec->threads[caller].copy != thread)
		return BX_ERR_BUSY;
	if (caller != NOBODY && spec_dying(spec, caller))
		spec_stop(spec, caller);		/* the reply is stale from here on */
	return BX_OK;
}

/* BX_OK: the reply is gone, to its caller or to nobody. */
static enum bx_err
reply_give(struct spec *spec, unsigned thread, uint16_t place, unsigned to)
{
	struct spec_thread *server = &spec->threads[thread], *caller = &spec->threads[to];
	enum tell tell = TELL_NOBODY;
	enum bx_err err = BX_OK;

	if (caller->says != SAYS_FAULT)
		err = exchange(spec, server, caller, &tell);
	if (err == BX_ERR_AGAIN) {
		engage(spec, thread, to);
		return err;
	}
	part(spec, thread, to);
	if (err == BX_OK) {
		spec->caps[place] = (struct spec_cap){ .parent = NOWHERE };
		if (caller->says != SAYS_FAULT)
			message_give(caller, server, 0, 0);
		caller->says = SAYS_NOTHING;
		caller->spent = caller->retries = false;
		caller->deadline = 0;
		caller->state = BX_THREAD_READY;
		call_over(spec, to);
		return BX_OK;
	}
	if ((tell & TELL_RECEIVER) != 0) {
		spec->caps[place] = (struct spec_cap){ .parent = NOWHERE };
		wake_refused(spec, to, err);
	}
	return (tell & TELL_SENDER) != 0 ? err : BX_OK;
}

static void
reply_call(struct spec *spec, unsigned thread)
{
	uint16_t place = NOWHERE;
	enum bx_err err = reply_find(spec, thread, spec->threads[thread].asked.regs.value[0], &place);

	if (err == BX_OK && caller_of(spec, place) == NOBODY) {
		spec->caps[place] = (struct spec_cap){ .parent = NOWHERE };
		err = BX_ERR_CAP_STALE;
	} else if (err == BX_OK) {
		err = reply_give(spec, thread, place, caller_of(spec, place));
	}
	if (err != BX_ERR_AGAIN)
		finish(spec, thread, err);
}

static void
reply_receive_call(struct spec *spec, unsigned thread)
{
	struct spec_thread *server = &spec->threads[thread];
	uint16_t reply = NOWHERE, place = NOWHERE;
	unsigned endpoint = NOBODY;
	enum bx_err err = reply_find(spec, thread, server->asked.regs.reply, &reply);

	if (err == BX_OK)
		err = endpoint_find(spec, thread, BX_RIGHT_READ, &place, &endpoint);
	if (err == BX_OK && caller_of(spec, reply) == NOBODY)
		spec->caps[reply] = (struct spec_cap){ .parent = NOWHERE };
	else if (err == BX_OK)
		err = reply_give(spec, thread, reply, caller_of(spec, reply));
	if (err == BX_ERR_AGAIN)
		return;
	if (err != BX_OK) {
		finish(spec, thread, err);
		return;
	}
	/* What is left, and what begins again, is a receive. */
	server->asked.regs.number = BX_SYS_RECEIVE | (server->asked.regs.number & ~0xffull);
	server->reply_place = reply;
	receive(spec, thread, endpoint, place);
}

void
spec_ipc_call(struct spec *spec, unsigned thread)
{
	switch (spec->threads[thread].asked.regs.number & 0xff) {
	case BX_SYS_CALL:
		send_call(spec, thread, true);
		break;
	case BX_SYS_SEND:
		send_call(spec, thread, false);
		break;
	case BX_SYS_RECEIVE:
		receive_call(spec, thread);
		break;
	case BX_SYS_REPLY:
		reply_call(spec, thread);
		break;
	default:
		reply_receive_call(spec, thread);
		break;
	}
}
