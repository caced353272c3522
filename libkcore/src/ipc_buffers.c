/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipc_buffers.c -- the short way of a call and of a reply_receive with buffers: as ipc_fast.c, and a
 * string of at most one step or a capability goes along.  NULL: nothing has changed but what the
 * receive buffer holds, and the copy of the offer in the thread, at which nobody looks while it runs; the
 * general way reads and copies both again.  So a call copies two steps at most before it looks whether an
 * interrupt waits.
 */
#include "ipc_fast.h"

/* The slot of a capability in an offer, as slot number; false: look closer. */
static inline bool
offered_slot(const struct bx_kcore *core, const struct bx_thread *thread, uint32_t index,
    uint32_t *slot)
{
	struct bx_cap_slot *found;

	*slot = BX_CAP_SLOT_NONE;
	if (BX_LIKELY(index == BX_SLOT_NONE))
		return true;
	if (!bx_thread_slot(thread, index, &found))
		return false;
	*slot = (uint32_t)(found - core->forest.slots);
	return true;
}

/* Reads what the call offers, when it lies on one page; false: look closer. */
static inline bool
offer_read(struct bx_kcore *core, struct bx_thread *thread)
{
	struct bx_ipc_buffers *buffers = &thread->buffers;
	uint64_t address = thread->context.buffers;
	const uint8_t *bytes;

	if (BX_UNLIKELY(!bx_is_aligned(address, 8) ||
	    (address & (BX_PAGE_SIZE - 1)) > BX_PAGE_SIZE - sizeof *buffers))
		return false;
	bytes = bx_user_byte(core, thread->program, address, false);
	if (BX_UNLIKELY(bytes == NULL))
		return false;
	__builtin_memcpy(buffers, bytes, sizeof *buffers);
	return buffers->send_length <= BX_COPY_STEP &&
	    offered_slot(core, thread, buffers->send_slot, &thread->send_cap_slot) &&
	    offered_slot(core, thread, buffers->receive_slot, &thread->receive_cap_slot);
}

/* A string on one page of either side, or in general. */
static inline bool
string_copy(struct bx_kcore *core, const struct bx_thread *from, const struct bx_thread *to,
    uint32_t length)
{
	uint64_t source = from->buffers.send_address, target = to->buffers.receive_address;
	uint32_t done = 0;
	bool sender_fault;

	if (bx_page_part(source, length) == length && bx_page_part(target, length) == length) {
		const uint8_t *read = bx_user_byte(core, from->program, source, false);
		uint8_t *written = bx_user_byte(core, to->program, target, true);

		if (BX_UNLIKELY(read == NULL || written == NULL))
			return false;
		memmove(written, read, length);
		return true;
	}
	return bx_copy_across(core, from->program, source, to->program, target, length, &done,
	    &sender_fault) == BX_OK;
}

/* String and capability: what of an exchange can still fail. */
static inline bool
carry(struct bx_kcore *core, const struct bx_thread *from, const struct bx_thread *to,
    bool grant)
{
	uint32_t length = from->buffers.send_length;

	if (length == 0 && from->send_cap_slot == BX_CAP_SLOT_NONE)
		return true;
	if (to->has_buffers == 0 || length > to->buffers.receive_capacity)
		return false;
	if (length != 0 && !string_copy(core, from, to, length))
		return false;
	if (from->send_cap_slot == BX_CAP_SLOT_NONE)
		return true;
	return grant && to->receive_cap_slot != BX_CAP_SLOT_NONE &&
	    bx_ipc_capability_copy(core, from, to) == BX_OK;
}

/* The registers of a message, which `from` has sent with its offer; `to` runs, on the same account. */
static inline struct bx_context *
deliver(struct bx_kcore *core, struct bx_thread *from, struct bx_thread *to, uint64_t badge,
    uint64_t info)
{
	struct bx_context *context = &to->context;

	if (from->send_cap_slot != BX_CAP_SLOT_NONE)
		info |= BX_IPC_INFO_CAP;
	context->number = BX_OK;
	context->value[0] = badge;
	context->value[1] = from->context.value[1];
	context->value[2] = info | (uint64_t)from->buffers.send_length << 32;
	__builtin_memcpy(context->word, from->context.word, sizeof context->word);
	core->cpu.current = to->index;
	core->cpu.switches++;
	BX_INVARIANT(core->cpu.account == to->account);
	BX_INVARIANT(bx_sched_sound(core, &(const char *){ NULL }));
	if (to->program != from->program)
		bx_machine_domain_switch(core->machine);
	return context;
}

struct bx_context *
bx_call_short(struct bx_kcore *core, struct bx_thread *thread)
{
	uint64_t deadline = thread->context.value[2];
	struct bx_taking taking;

	if (!call_check(core, thread, thread->context.value[0], deadline, &taking) ||
	    !offer_read(core, thread) ||
	    !carry(core, thread, taking.server, (taking.cap->rights & BX_RIGHT_GRANT) != 0))
		return NULL;

	/* Nothing below can fail. */
	taking.endpoint->bytes += thread->buffers.send_length;
	call_taken(core, thread, &taking);
	call_awaits(thread, deadline, 1);
	return deliver(core, thread, taking.server, taking.cap->badge, BX_IPC_INFO_REPLY);
}

struct bx_context *
bx_reply_receive_short(struct bx_kcore *core, struct bx_thread *thread)
{
	uint64_t deadline = thread->context.value[2];
	struct bx_answering answering;

	if (!answer_check(core, thread, thread->context.value[0], deadline,
	    BX_THREAD_AWAITING_REPLY, &answering) || !offer_read(core, thread) ||
	    !carry(core, thread, answering.caller,
	    (answering.reply->cap.rights & BX_RIGHT_GRANT) != 0))
		return NULL;

	/* Nothing below can fail. */
	answer_given(thread, deadline, 1, &answering);
	return deliver(core, thread, answering.caller, 0, 0);
}
