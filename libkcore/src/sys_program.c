/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sys_program.c -- starting and ending programs of the manifest, for a holder of a spawn capability.
 */
#include "sys.h"

/* The program named by the second argument lies within the capability's range. */
static enum bx_err
program_check(struct bx_kcore *core, const struct bx_thread *thread, uint8_t rights,
    uint32_t *slot, uint32_t *program)
{
	uint64_t index = thread->context.value[1];
	const struct bx_cap *cap;
	enum bx_err err = bx_sys_cap(core, thread, thread->context.value[0], BX_CAP_SPAWN, rights,
	    slot);

	if (err != BX_OK)
		return err;
	cap = &core->forest.slots[*slot].cap;
	if (index < cap->first || !bx_range_fits(index - cap->first, 1, cap->count) ||
	    index >= core->program_count)
		return BX_ERR_RANGE;
	*program = (uint32_t)index;
	return BX_OK;
}

/* thread->work: 1 when the start is under way.  Its first step looks at the capability, spends the
 * use and reads the argument; the others finish what was allowed, so that a start is never left half
 * done by a capability that is used up or goes meanwhile.  Who kills the program meanwhile ends it:
 * BX_ERR_CANCELLED. */
enum bx_err
bx_sys_spawn(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	uint8_t argument[BX_SPAWN_ARGUMENT_MAX];
	uint64_t length = thread->context.word[0];
	uint32_t slot, program = (uint32_t)thread->context.value[1];
	enum bx_err err;

	(void)out;
	if (thread->work != 0)
		return core->programs[program].work_thread != thread->index ? BX_ERR_CANCELLED :
		    bx_program_start(core, program, NULL, 0);
	err = program_check(core, thread, BX_RIGHT_WRITE, &slot, &program);
	if (err != BX_OK)
		return err;
	if (length > sizeof argument)
		return BX_ERR_RANGE;
	err = bx_copy_in(core, thread->program, thread->context.value[2], argument, (size_t)length);
	if (err != BX_OK)
		return err;
	err = bx_program_start(core, program, argument, (size_t)length);
	if (err == BX_OK || err == BX_ERR_AGAIN)
		bx_cap_use(&core->forest, slot);
	thread->work = 1;
	return err;
}

enum bx_err
bx_sys_kill(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	uint32_t slot, program;
	enum bx_err err = program_check(core, thread, BX_RIGHT_WRITE, &slot, &program);

	(void)out;
	if (err != BX_OK)
		return err;
	if (core->programs[program].state != BX_PROGRAM_RUNNING &&
	    core->programs[program].work_thread == BX_NONE)
		return BX_ERR_STATE;			/* neither running nor being started */
	bx_cap_use(&core->forest, slot);
	bx_audit_cap(core, BX_AUDIT_KILL, thread->program, program, bx_audit_about(core, slot),
	    thread->context.value[0], 0, 0);
	bx_program_end(core, program, BX_PROGRAM_KILLED);
	return BX_OK;
}

enum bx_err
bx_sys_program_info(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	struct bx_info_program info;
	uint32_t slot, program;
	enum bx_err err = program_check(core, thread, BX_RIGHT_READ, &slot, &program);

	if (err != BX_OK)
		return err;
	err = bx_inspect_slots(core, thread, program);
	if (err != BX_OK)
		return err;
	bx_inspect_program(core, thread, program, &info);
	err = bx_sys_put(core, thread, thread->context.value[2], sizeof info, &info, sizeof info,
	    out);
	if (err == BX_OK)
		bx_cap_use(&core->forest, slot);
	return err;
}
