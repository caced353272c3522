/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * notify.c -- notifications: one word of bits each.  A signal sets bits and never waits; a wait
 * takes all bits.  A notification bound to a thread also ends that thread's receive.  Interrupts
 * arrive as signals.
 */
#include "sys.h"

/* All pending bits, as what a wait returns. */
static void
take(struct bx_notification *notification, struct bx_thread *thread, uint64_t info)
{
	bx_thread_result(thread, BX_OK);
	thread->context.value[0] = notification->bits;
	thread->context.value[2] = info;
	notification->bits = 0;
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
	take(notification, thread, info);
	bx_ipc_detach(core, thread);
	thread->work = 0;
	bx_thread_ready(core, thread);
}

void
bx_notification_signal(struct bx_kcore *core, uint32_t index, uint64_t bits)
{
	core->notifications[index].signals++;
	core->notifications[index].bits |= bits;
	bx_notification_deliver(core, index);
}

bool
bx_notification_take_bound(struct bx_kcore *core, struct bx_thread *thread)
{
	struct bx_notification *notification;

	if (thread->bound_notification == BX_NONE)
		return false;
	notification = &core->notifications[thread->bound_notification];
	if (notification->bits == 0)
		return false;
	take(notification, thread, BX_IPC_INFO_SIGNAL);
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
		take(notification, thread, 0);
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
		core->notifications[thread->bound_notification].bound_thread = BX_NONE;
	thread->bound_notification = index;
	notification->bound_thread = thread->index;
	return BX_OK;
}

struct bx_context *
bx_kcore_interrupt(struct bx_kcore *core, uint32_t number)
{
	core->cpu.interrupts++;
	if (number < BX_IRQ_NUMBERS && core->irq_of[number] != BX_IRQ_NUMBERS) {
		struct bx_irq *irq = &core->irqs[core->irq_of[number]];

		irq->count++;
		if (irq->notification != BX_NONE)
			bx_notification_signal(core, irq->notification, irq->bits);
	}
	return bx_sched_dispatch(core);
}
