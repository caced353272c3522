/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * notify.c -- notifications: one word of bits each.  A signal sets bits and never waits; a wait
 * takes all bits.  A notification bound to a thread also ends that thread's receive.  Interrupts
 * arrive as signals.
 */
#include "sys.h"

/* The bits are these now; the thread that is bound to them knows whether there are any. */
static void
bits_set(struct bx_kcore *core, struct bx_notification *notification, uint64_t bits)
{
	notification->bits = bits;
	if (notification->bound_thread != BX_NONE)
		bx_thread_at(core, notification->bound_thread)->signalled = bits != 0;
}

/* All pending bits, as what a wait returns. */
static void
take(struct bx_kcore *core, struct bx_notification *notification, struct bx_thread *thread,
    uint64_t info)
{
	bx_thread_result(thread, BX_OK);
	thread->context.value[0] = notification->bits;
	thread->context.value[2] = info;
	bits_set(core, notification, 0);
}

void
bx_notification_unbind(struct bx_kcore *core, struct bx_notification *notification)
{
	struct bx_thread *thread = bx_thread_at(core, notification->bound_thread);

	thread->bound_notification = BX_NONE;
	thread->signalled = 0;
	notification->bound_thread = BX_NONE;
}

void
bx_notification_deliver(struct bx_kcore *core, uint32_t index)
{
	struct bx_notification *notification = &core->notifications[index];
	struct bx_thread *thread;
	uint64_t info = 0;

	if (notification->bits == 0)
		return;
	if (notification->waiters.head != BX_NONE) {
		thread = bx_thread_at(core, notification->waiters.head);
	} else if (notification->bound_thread != BX_NONE) {
		thread = bx_thread_at(core, notification->bound_thread);
		if (thread->state != BX_THREAD_RECEIVING || thread->transfer != BX_NONE)
			return;				/* its next receive finds the bits */
		info = BX_IPC_INFO_SIGNAL;
	} else {
		return;
	}
	if (bx_thread_dying(core, thread))
		return;				/* when it is out of the queue the next gets them */
	take(core, notification, thread, info);
	bx_ipc_detach(core, thread);
	thread->phase = 0;
	bx_thread_ready(core, thread);
}

void
bx_notification_signal(struct bx_kcore *core, uint32_t index, uint64_t bits)
{
	struct bx_notification *notification = &core->notifications[index];

	notification->signals++;
	bits_set(core, notification, notification->bits | bits);
	bx_notification_deliver(core, index);
}

bool
bx_notification_take_bound(struct bx_kcore *core, struct bx_thread *thread)
{
	struct bx_notification *notification;

	if (thread->signalled == 0)
		return false;
	notification = &core->notifications[thread->bound_notification];
	take(core, notification, thread, BX_IPC_INFO_SIGNAL);
	return true;
}

enum bx_err
bx_sys_signal(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	const struct bx_cap *cap;
	uint32_t slot;
	enum bx_err err = bx_sys_cap(core, thread, thread->context.value[0], BX_CAP_NOTIFICATION,
	    BX_RIGHT_WRITE, &slot);

	(void)out;
	if (err != BX_OK)
		return err;
	cap = &core->forest.slots[slot].cap;
	if (cap->badge == 0)
		return BX_ERR_INVALID;		/* no bits to set */
	bx_cap_use(&core->forest, slot);
	bx_notification_signal(core, cap->object.index, cap->badge);
	return BX_OK;
}

void
bx_sys_wait(struct bx_kcore *core, struct bx_thread *thread)
{
	uint64_t now = bx_machine_now(core->machine);
	uint64_t deadline = bx_deadline_clamp(thread->context.value[2], now);
	struct bx_notification *notification;
	uint32_t slot;
	enum bx_err err = bx_sys_cap(core, thread, thread->context.value[0], BX_CAP_NOTIFICATION,
	    BX_RIGHT_READ, &slot);

	if (err != BX_OK) {
		bx_thread_result(thread, err);
		return;
	}
	notification = &core->notifications[core->forest.slots[slot].cap.object.index];
	if (notification->bits != 0) {
		bx_cap_use(&core->forest, slot);
		take(core, notification, thread, 0);
	} else if (deadline <= now) {
		bx_thread_result(thread, deadline == 0 ? BX_ERR_WOULD_BLOCK : BX_ERR_TIMEOUT);
	} else {
		bx_cap_use(&core->forest, slot);
		bx_thread_move(thread, BX_EVENT_WAIT);
		thread->object = core->forest.slots[slot].cap.object.index;
		bx_queue_append(core, &notification->waiters, thread);
		bx_timer_add(core, thread, deadline);
	}
}

enum bx_err
bx_sys_notification_bind(struct bx_kcore *core, struct bx_thread *thread,
    struct bx_sys_values *out)
{
	struct bx_notification *notification;
	uint32_t slot, index;
	enum bx_err err = bx_sys_cap(core, thread, thread->context.value[0], BX_CAP_NOTIFICATION,
	    BX_RIGHT_READ, &slot);

	(void)out;
	if (err != BX_OK)
		return err;
	index = core->forest.slots[slot].cap.object.index;
	notification = &core->notifications[index];
	if (notification->bound_thread != BX_NONE && notification->bound_thread != thread->index)
		return BX_ERR_BUSY;
	bx_cap_use(&core->forest, slot);
	if (thread->bound_notification != BX_NONE)
		bx_notification_unbind(core, &core->notifications[thread->bound_notification]);
	thread->bound_notification = index;
	notification->bound_thread = thread->index;
	bits_set(core, notification, notification->bits);
	return BX_OK;
}

/* A line signals by the capability that it was bound with: it falls silent when that one has gone,
 * whoever took it, has expired, or has made room for another object's. */
static void
irq_signal(struct bx_kcore *core, const struct bx_irq *irq)
{
	const struct bx_cap *cap = &core->forest.slots[irq->slot].cap;

	if (cap->type != BX_CAP_NOTIFICATION || cap->object.index != irq->notification ||
	    (cap->rights & BX_RIGHT_WRITE) == 0)
		return;
	if (cap->expiry != BX_CAP_EXPIRY_NEVER && cap->expiry <= bx_machine_now(core->machine))
		return;
	bx_notification_signal(core, irq->notification, cap->badge);
}

struct bx_context *
bx_kcore_interrupt(struct bx_kcore *core, uint32_t number)
{
	core->cpu.interrupts++;
	if (number < BX_IRQ_NUMBERS && core->irq_of[number] != BX_IRQ_NUMBERS) {
		struct bx_irq *irq = &core->irqs[core->irq_of[number]];

		irq->count++;
		if (irq->notification != BX_NONE)
			irq_signal(core, irq);
	}
	return bx_sched_dispatch(core);
}
