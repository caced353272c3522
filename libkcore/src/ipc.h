/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipc.h -- what the files about endpoints share: ipc.c ipc_reply.c ipc_exchange.c ipc_wait.c
 * ipc_cycle.c.  Internal; what others use of them is in thread.h.
 */
#ifndef BRAINIX_KCORE_IPC_H
#define BRAINIX_KCORE_IPC_H

#include "sys.h"

#define BX_TELL_SENDER		1u
#define BX_TELL_RECEIVER	2u
#define BX_TELL_BOTH		3u

struct bx_outcome {
	enum bx_err err;		/* OK: up to the commit point; AGAIN: interrupted copy */
	unsigned tell;			/* who gets an error: BX_TELL_* */
};

/* Slot numbers of the capability that it sends along, and for the one that it would take. */
static inline uint32_t
bx_ipc_sends(const struct bx_thread *thread)
{
	return thread->has_buffers != 0 ? thread->send_cap_slot : BX_CAP_SLOT_NONE;
}

static inline uint32_t
bx_ipc_takes(const struct bx_thread *thread)
{
	return thread->has_buffers != 0 ? thread->receive_cap_slot : BX_CAP_SLOT_NONE;
}

static inline uint32_t
bx_ipc_string_length(const struct bx_thread *sender)
{
	return sender->has_buffers != 0 ? sender->buffers.send_length : 0;
}

/* No copy between the two is under way. */
static inline void
bx_ipc_disengage(struct bx_kcore *core, struct bx_thread *active, struct bx_thread *passive)
{
	bool engaged = active->transfer != BX_NONE;

	active->transfer = BX_NONE;
	active->phase &= (uint8_t)~BX_PHASE_ENGAGED;
	passive->transfer = BX_NONE;
	passive->phase &= (uint8_t)~BX_PHASE_ENGAGED;
	active->copied = 0;
	if (engaged) {
		bx_thread_astray_set(core, active);
		bx_thread_astray_set(core, passive);
	}
}

/* Where the reply to what it receives will be, by number and by name. */
static inline void
bx_ipc_reply_offer(struct bx_thread *thread, uint32_t slot)
{
	thread->reply_slot = slot;
	thread->reply_place = slot != BX_CAP_SLOT_NONE ? slot : BX_ROOT_SLOT;
	thread->reply_index = thread->context.reply;
}

/* Whether the partner's program is being taken apart.  Then the partner is taken out of what it does,
 * and the call of the active side begins again. */
static inline bool
bx_ipc_partner_dies(struct bx_kcore *core, struct bx_thread *active, struct bx_thread *partner)
{
	if (BX_LIKELY(!bx_thread_dying(core, partner)))
		return false;
	bx_thread_stop(core, partner);
	active->restart = 1;
	return true;
}

/* ---- ipc.c */

/* Reads what the call offers besides registers; a copy under way goes on with what was read.
 * BX_ERR_ALIGN, errors of bx_copy_in, BX_ERR_RANGE, BX_ERR_CAP_SLOT, BX_ERR_CAP_EMPTY. */
BX_MUST_USE enum bx_err bx_ipc_offer_check(struct bx_kcore *core, struct bx_thread *thread);
/* Finds the endpoint named by the first argument.  Errors of bx_sys_cap. */
BX_MUST_USE enum bx_err bx_ipc_endpoint_check(struct bx_kcore *core, struct bx_thread *thread,
    uint8_t rights, uint32_t *slot, struct bx_endpoint **endpoint);
/* Everything is checked, `slot` has the capability: takes a signal or a message, or waits. */
void bx_ipc_receive(struct bx_kcore *core, struct bx_thread *receiver,
    struct bx_endpoint *endpoint, uint32_t slot);

/* ---- ipc_exchange.c */

/* Everything of an exchange that can fail.  `active` is one of the two others. */
BX_MUST_USE struct bx_outcome bx_ipc_exchange(struct bx_kcore *core, struct bx_thread *active,
    struct bx_thread *sender, struct bx_thread *receiver);
/* The copy stops here for an interrupt; the active side's system call goes on with it. */
void bx_ipc_engage(struct bx_kcore *core, struct bx_thread *active, struct bx_thread *passive);
/* The passive side alone gets its error. */
void bx_ipc_wake_refused(struct bx_kcore *core, struct bx_thread *passive, enum bx_err err);
/* An exchange failed: each side gets its error, waits on, or begins again. */
void bx_ipc_refuse(struct bx_kcore *core, struct bx_thread *active, bool tell_active,
    struct bx_thread *passive, bool tell_passive, enum bx_err err);
/* The commit point of a message: it is the receiver's from here on.  `deadline` is that of a call. */
void bx_ipc_rendezvous(struct bx_kcore *core, struct bx_thread *sender,
    struct bx_thread *receiver, struct bx_endpoint *endpoint, uint64_t deadline);
/* The registers of a message. */
void bx_ipc_message_put(struct bx_thread *to, const struct bx_thread *from, uint64_t badge,
    uint64_t info);

/* ---- ipc_wait.c */

/* The call of a client is over, whatever became of it. */
void bx_ipc_client_unlink(struct bx_kcore *core, struct bx_thread *client);
/* Out of the queue of an endpoint or notification, if it is in one. */
void bx_ipc_unqueue(struct bx_kcore *core, struct bx_thread *thread);
/* The running system call of the current thread is over, without a message. */
void bx_ipc_finish(struct bx_kcore *core, struct bx_thread *thread, enum bx_err err);

#endif
