/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * audit.c -- the ring of audit records.  Numbered from 0; the oldest is overwritten first, and what
 * nobody had read is counted as lost.
 */
#include "sys.h"

#define READ_STEP	64		/* records a call gives at most: a page */

void
bx_audit(struct bx_kcore *core, enum bx_audit_kind kind, uint32_t program, uint32_t other,
    uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t sequence = core->audit_next++;

	core->audit[sequence & (core->audit_capacity - 1)] = (struct bx_audit_record){
		.sequence = sequence,
		.when = bx_machine_now(core->machine),
		.kind = kind,
		.program = program,
		.other = other,
		.a = a,
		.b = b,
		.c = c,
	};
	if (core->audit_next - core->audit_read > core->audit_capacity) {
		core->audit_lost += core->audit_next - core->audit_capacity - core->audit_read;
		core->audit_read = core->audit_next - core->audit_capacity;
	}
}

/* Records from the wanted number on, or from the oldest that is left. */
enum bx_err
bx_sys_audit_read(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	uint64_t first = thread->context.value[1];
	uint64_t address = thread->context.value[2];
	uint64_t count = thread->context.word[0] / sizeof(struct bx_audit_record);
	uint64_t oldest = core->audit_next > core->audit_capacity ?
	    core->audit_next - core->audit_capacity : 0;
	uint32_t slot;
	enum bx_err err = bx_sys_cap(core, thread, thread->context.value[0], BX_CAP_AUDIT_READ,
	    BX_RIGHT_READ, &slot);

	if (err != BX_OK)
		return err;
	if (first > core->audit_next)
		return BX_ERR_RANGE;
	if (first < oldest)
		first = oldest;
	if (count > core->audit_next - first)
		count = core->audit_next - first;
	if (count > READ_STEP)
		count = READ_STEP;
	for (uint64_t i = 0; i < count; i++) {
		err = bx_copy_out(core, thread->program, address + i * sizeof(struct bx_audit_record),
		    &core->audit[(first + i) & (core->audit_capacity - 1)],
		    sizeof(struct bx_audit_record));
		if (err != BX_OK)
			return err;
	}
	bx_cap_use(&core->forest, slot);
	if (first + count > core->audit_read)
		core->audit_read = first + count;
	out->value[0] = count;
	out->value[1] = first;
	return BX_OK;
}
