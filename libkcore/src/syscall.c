/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * syscall.c -- from a number in a register to the function that does it, and its result back.
 */
#include "sys.h"

bool
bx_cap_stale(const struct bx_kcore *core, const struct bx_cap *cap)
{
	uint32_t index = cap->object.index;
	uint32_t generation = cap->object.generation;

	if (cap->type != BX_CAP_REPLY && (generation & 1) == 0)
		return true;			/* no living object has such a name */
	switch ((enum bx_cap_type)cap->type) {
	case BX_CAP_ENDPOINT:
		return core->endpoints[index].generation != generation;
	case BX_CAP_NOTIFICATION:
		return core->notifications[index].generation != generation;
	case BX_CAP_MEMORY:
		return core->memories[index].generation != generation;
	case BX_CAP_THREAD:
		return (core->threads[index].generation & 1) == 0 ||
		    (core->programs[core->threads[index].program].generation & 1) == 0;
	case BX_CAP_CSPACE:
		return (core->programs[index].generation & 1) == 0;
	case BX_CAP_IRQ:
		return core->irqs[index].generation != generation;
	case BX_CAP_REPLY:
		return core->threads[index].call_generation != generation;
	case BX_CAP_DEVICE:
	case BX_CAP_IOPORT:
	case BX_CAP_SPAWN:
	case BX_CAP_AUDIT_READ:
	case BX_CAP_CLOCK:
		return core->plains[index].generation != generation;
	case BX_CAP_NONE:
	case BX_CAP_UNTYPED:
	case BX_CAP_TYPE_COUNT:
		break;
	}
	return true;
}

/* What bx_cap_lookup says of a plain capability that never expires, without asking for the time;
 * false: look closer. */
static inline bool
cap_is_plain(const struct bx_kcore *core, const struct bx_thread *thread, uint64_t index,
    enum bx_cap_type type, uint8_t rights, uint32_t *slot)
{
	const struct bx_cap *cap;
	struct bx_cap_slot *found;

	if (BX_UNLIKELY(!bx_thread_slot(thread, index, &found)))
		return false;
	*slot = (uint32_t)(found - core->forest.slots);
	cap = &found->cap;
	return cap->type == type && (cap->rights & rights) == rights && cap->uses != 0 &&
	    cap->expiry == BX_CAP_EXPIRY_NEVER;
}

enum bx_err
bx_sys_cap(struct bx_kcore *core, const struct bx_thread *thread, uint64_t index,
    enum bx_cap_type type, uint8_t rights, uint32_t *slot)
{
	struct bx_cap_place place = { .space = &core->programs[thread->program].space };
	uint32_t found;
	enum bx_err err;

	if (BX_LIKELY(cap_is_plain(core, thread, index, type, rights, &found))) {
		*slot = found;
		return bx_cap_stale(core, &core->forest.slots[found].cap) ? BX_ERR_CAP_STALE : BX_OK;
	}

	if (index > UINT32_MAX)
		return BX_ERR_CAP_SLOT;
	place.index = (uint32_t)index;
	err = bx_cap_lookup(&core->forest, place, type, rights, bx_machine_now(core->machine), slot);
	if (err != BX_OK)
		return err;
	/* A stale reply is for the replier to deal with (ipc_reply.c). */
	if (type != BX_CAP_REPLY && bx_cap_stale(core, &core->forest.slots[*slot].cap))
		return BX_ERR_CAP_STALE;
	return BX_OK;
}

enum bx_err
bx_sys_put(struct bx_kcore *core, const struct bx_thread *thread, uint64_t address, uint64_t room,
    const void *from, size_t size, struct bx_sys_values *out)
{
	enum bx_err err;

	if (size > room)
		size = (size_t)room;
	err = bx_copy_out(core, thread->program, address, from, size);
	if (err == BX_OK)
		out->value[0] = size;
	return err;
}

static enum bx_err
clock_info(const struct bx_kcore *core, struct bx_sys_values *out)
{
	out->value[0] = core->ticks_per_second;
	out->value[1] = core->boot_ticks;
	return BX_OK;
}

static enum bx_err
yield(struct bx_kcore *core)
{
	bx_sched_yield(core);
	return BX_OK;
}

/* The calls that answer at once. */
static enum bx_err
plain_call(struct bx_kcore *core, struct bx_thread *thread, uint64_t number,
    struct bx_sys_values *out)
{
	switch (number) {
	case BX_SYS_NULL:		return BX_OK;
	case BX_SYS_SIGNAL:		return bx_sys_signal(core, thread, out);
	case BX_SYS_NOTIFICATION_BIND:	return bx_sys_notification_bind(core, thread, out);
	case BX_SYS_YIELD:		return yield(core);
	case BX_SYS_CAP_DERIVE:		return bx_sys_cap_derive(core, thread, out);
	case BX_SYS_CAP_COPY:		return bx_sys_cap_copy(core, thread, out);
	case BX_SYS_CAP_MOVE:		return bx_sys_cap_move(core, thread, out);
	case BX_SYS_CAP_DELETE:		return bx_sys_cap_delete(core, thread, out);
	case BX_SYS_CAP_REVOKE:		return bx_sys_cap_revoke(core, thread, out);
	case BX_SYS_CAP_RECHARGE:	return bx_sys_cap_recharge(core, thread, out);
	case BX_SYS_CAP_INFO:		return bx_sys_cap_info(core, thread, out);
	case BX_SYS_MAP:		return bx_sys_map(core, thread, out);
	case BX_SYS_UNMAP:		return bx_sys_unmap(core, thread, out);
	case BX_SYS_THREAD_START:	return bx_sys_thread_start(core, thread, out);
	case BX_SYS_THREAD_STOP:	return bx_sys_thread_stop(core, thread, out);
	case BX_SYS_THREAD_RESUME:	return bx_sys_thread_resume(core, thread, out);
	case BX_SYS_THREAD_PRIORITY:	return bx_sys_thread_priority(core, thread, out);
	case BX_SYS_IRQ_BIND:		return bx_sys_irq_bind(core, thread, out);
	case BX_SYS_IRQ_ACK:		return bx_sys_irq_ack(core, thread, out);
	case BX_SYS_PORT_IN:		return bx_sys_port_in(core, thread, out);
	case BX_SYS_PORT_OUT:		return bx_sys_port_out(core, thread, out);
	case BX_SYS_SPAWN:		return bx_sys_spawn(core, thread, out);
	case BX_SYS_KILL:		return bx_sys_kill(core, thread, out);
	case BX_SYS_PROGRAM_INFO:	return bx_sys_program_info(core, thread, out);
	case BX_SYS_INSPECT:		return bx_sys_inspect(core, thread, out);
	case BX_SYS_AUDIT_READ:		return bx_sys_audit_read(core, thread, out);
	case BX_SYS_CLOCK_INFO:		return clock_info(core, out);
	case BX_SYS_POWER:		return bx_sys_power(core, thread, out);
	default:			return BX_ERR_SYSCALL;
	}
}

static void
sleep(struct bx_kcore *core, struct bx_thread *thread)
{
	uint64_t now = bx_machine_now(core->machine);
	uint64_t deadline = bx_deadline_clamp(thread->context.value[2], now);

	bx_thread_result(thread, BX_OK);
	if (deadline > now) {
		bx_thread_move(thread, BX_EVENT_SLEEP);
		bx_timer_add(core, thread, deadline);
	}
}

static void
exit_program(struct bx_kcore *core, struct bx_thread *thread)
{
	int32_t code = (int32_t)(uint32_t)thread->context.value[0];

	core->programs[thread->program].exit_code = code;
	bx_audit(core, BX_AUDIT_EXIT, thread->program, BX_NONE, (uint64_t)(int64_t)code, 0, 0);
	bx_program_end(core, thread->program, BX_PROGRAM_EXITED);
}

/* The calls that may wait, or do not come back.  False: it is none of them. */
static bool
waiting_call(struct bx_kcore *core, struct bx_thread *thread, uint64_t number)
{
	switch (number) {
	case BX_SYS_CALL:		bx_sys_call(core, thread); return true;
	case BX_SYS_REPLY_RECEIVE:	bx_sys_reply_receive(core, thread); return true;
	case BX_SYS_RECEIVE:		bx_sys_receive(core, thread); return true;
	case BX_SYS_REPLY:		bx_sys_reply(core, thread); return true;
	case BX_SYS_SEND:		bx_sys_send(core, thread); return true;
	case BX_SYS_WAIT:		bx_sys_wait(core, thread); return true;
	case BX_SYS_SLEEP:		sleep(core, thread); return true;
	case BX_SYS_EXIT:		exit_program(core, thread); return true;
	default:			return false;
	}
}

void
bx_syscall_run(struct bx_kcore *core)
{
	struct bx_thread *thread = bx_core_current(core);
	uint32_t program = thread->program;
	uint64_t number = thread->context.number & 0xff;
	uint64_t flags = thread->context.number >> 8;
	uint64_t slot = thread->context.value[0];
	struct bx_sys_values out = { { 0, 0 } };
	enum bx_err err;

	if (number >= BX_SYS_CALL && number <= BX_SYS_REPLY_RECEIVE ?
	    (flags & ~(uint64_t)BX_IPC_BUFFERS) != 0 : flags != 0) {
		err = number < BX_SYS_COUNT ? BX_ERR_INVALID : BX_ERR_SYSCALL;
	} else if (waiting_call(core, thread, number)) {
		if (thread->state == BX_THREAD_READY && thread->restart == 0 &&
		    bx_audit_is_refusal(number, (int64_t)thread->context.number))
			bx_audit_refusal(core, program, number, slot, (int64_t)thread->context.number);
		return;
	} else {
		do
			err = plain_call(core, thread, number, &out);
		while (err == BX_ERR_AGAIN && !bx_machine_interrupt_pending(core->machine));
	}
	if (err == BX_ERR_AGAIN) {
		thread->restart = 1;
		return;
	}
	thread->work = 0;
	if (bx_audit_is_refusal(number, err))
		bx_audit_refusal(core, program, number, slot, err);
	bx_thread_result(thread, err);
	if (err == BX_OK) {
		thread->context.value[0] = out.value[0];
		thread->context.value[1] = out.value[1];
	}
}
