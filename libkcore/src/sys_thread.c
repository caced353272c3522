/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sys_thread.c -- starting, stopping, resuming threads, and their priority.
 */
#include "sys.h"

/* The thread named by the first argument, with the right to control it. */
static enum bx_err
thread_check(struct bx_kcore *core, const struct bx_thread *thread, uint32_t *slot,
    struct bx_thread **other)
{
	enum bx_err err = bx_sys_cap(core, thread, thread->context.value[0], BX_CAP_THREAD,
	    BX_RIGHT_WRITE, slot);

	if (err == BX_OK)
		*other = bx_thread_at(core, core->forest.slots[*slot].cap.object.index);
	return err;
}

/* It is done: the use is spent, and who did it is on record.  `slot` stays what it is: it was looked up
 * with the call's first argument. */
static void
control_record(struct bx_kcore *core, const struct bx_thread *thread, uint32_t slot, uint64_t call,
    uint64_t what)
{
	const struct bx_thread *other = bx_thread_at(core, core->forest.slots[slot].cap.object.index);

	bx_cap_use(&core->forest, slot);
	bx_audit_cap(core, BX_AUDIT_CONTROL, thread->program, other->program, bx_audit_about(core, slot),
	    thread->context.value[0], call, what);
}

enum bx_err
bx_sys_thread_start(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	uint64_t entry = thread->context.value[1], stack = thread->context.value[2];
	const uint64_t argument[4] = { thread->context.word[0], 0, 0, 0 };
	struct bx_thread *other;
	uint32_t slot;
	enum bx_err err = thread_check(core, thread, &slot, &other);

	(void)out;
	if (err != BX_OK)
		return err;
	if (entry < BX_USER_START || entry >= BX_USER_END || stack > BX_USER_END)
		return BX_ERR_ADDRESS;
	if (other->state != BX_THREAD_STOPPED ||
	    core->programs[other->program].state != BX_PROGRAM_RUNNING)
		return BX_ERR_STATE;
	control_record(core, thread, slot, BX_SYS_THREAD_START, entry);
	bx_machine_context_start(&other->context, entry, stack, argument);
	other->context.root = core->programs[other->program].root;
	other->context.fpu = (core->programs[other->program].flags & BX_PROGRAM_FPU) != 0;
	bx_thread_ready(core, other);
	return BX_OK;
}

enum bx_err
bx_sys_thread_stop(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	struct bx_thread *other;
	uint32_t slot;
	enum bx_err err = thread_check(core, thread, &slot, &other);

	(void)out;
	if (err != BX_OK)
		return err;
	if (other->state == BX_THREAD_STOPPED)
		return BX_ERR_STATE;
	err = bx_map_give_up(core, other);
	if (err != BX_OK)
		return err;
	control_record(core, thread, slot, BX_SYS_THREAD_STOP, 0);
	bx_thread_stop(core, other);
	return BX_OK;
}

enum bx_err
bx_sys_thread_resume(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	struct bx_thread *other;
	uint32_t slot;
	enum bx_err err = thread_check(core, thread, &slot, &other);

	(void)out;
	if (err != BX_OK)
		return err;
	if (other->state != BX_THREAD_STOPPED || other->context.pc == 0 ||
	    core->programs[other->program].state != BX_PROGRAM_RUNNING)
		return BX_ERR_STATE;			/* not stopped, or never started */
	control_record(core, thread, slot, BX_SYS_THREAD_RESUME, 0);
	bx_thread_ready(core, other);
	return BX_OK;
}

enum bx_err
bx_sys_thread_priority(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	uint64_t priority = thread->context.value[1];
	struct bx_thread *other;
	uint32_t slot;
	enum bx_err err = thread_check(core, thread, &slot, &other);

	(void)out;
	if (err != BX_OK)
		return err;
	if (priority > core->programs[other->program].priority_max)
		return BX_ERR_RANGE;
	control_record(core, thread, slot, BX_SYS_THREAD_PRIORITY, priority);
	other->priority_base = (uint8_t)priority;
	bx_sched_unlend(core, other);
	return BX_OK;
}
