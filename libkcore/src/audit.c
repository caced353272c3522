/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * audit.c -- the ring of audit records.  Numbered from 0; the oldest is overwritten first, and what
 * nobody had read is counted as lost.  docs/audit.md.
 */
#include "sys.h"

#define READ_STEP	64		/* records a call gives at most: a page */

/*
 * What a program can cause as often as it likes, by its own doing alone, is paid from its share of the
 * ring: the shares of all programs together are half of it.  When its share is full the program's
 * records are counted, not kept, until all that were kept have been read.  So no program can wash away
 * another's records, nor its own.  The other records are of boot, launches, ends and power, which cost their
 * causer a launch each or the system.
 */
static bool
from_share(enum bx_audit_kind kind)
{
	const uint32_t kinds = 1u << BX_AUDIT_FAULT | 1u << BX_AUDIT_REFUSED | 1u << BX_AUDIT_QUOTA |
	    1u << BX_AUDIT_DERIVE | 1u << BX_AUDIT_TRANSFER | 1u << BX_AUDIT_REVOKE |
	    1u << BX_AUDIT_MOVE | 1u << BX_AUDIT_RECHARGE | 1u << BX_AUDIT_CONTROL;

	return (kinds >> kind & 1) != 0;
}

/* The place of the next record, with its number and time; the other fields are to be written. */
static struct bx_audit_record *
place_next(struct bx_kcore *core)
{
	uint64_t sequence = core->audit_next++;
	struct bx_audit_record *record = &core->audit[sequence & (core->audit_capacity - 1)];

	record->sequence = sequence;
	record->when = bx_machine_now(core->machine);
	if (core->audit_next - core->audit_read > core->audit_capacity) {
		core->audit_lost += core->audit_next - core->audit_capacity - core->audit_read;
		core->audit_read = core->audit_next - core->audit_capacity;
	}
	return record;
}

static void
put(struct bx_kcore *core, enum bx_audit_kind kind, uint32_t program, uint32_t other,
    struct bx_audit_about about, uint64_t a, uint64_t b, uint64_t c)
{
	struct bx_audit_record *record = place_next(core);

	record->kind = kind;
	record->program = program;
	record->other = other;
	record->object = about.object;
	record->a = a;
	record->b = b;
	record->c = c;
	record->d = about.what;
}

static void
share_tell(struct bx_kcore *core, uint32_t program, uint64_t dropped)
{
	core->programs[program].audit_last = core->audit_next;
	put(core, BX_AUDIT_SHARE, program, BX_NONE, (struct bx_audit_about){ BX_NONE, 0 }, dropped, 0, 0);
}

/* Whether the program's share has place for one more record. */
static bool
share_take(struct bx_kcore *core, uint32_t index)
{
	struct bx_program *program = &core->programs[index];

	if (program->audit_used != 0 && program->audit_last < core->audit_read) {
		program->audit_used = 0;
		if (program->audit_dropped != 0)
			share_tell(core, index, program->audit_dropped);
		program->audit_dropped = 0;
	}
	if (program->audit_used < core->audit_share) {
		program->audit_used++;
		program->audit_last = core->audit_next;
		return true;
	}
	if (program->audit_dropped++ == 0)
		share_tell(core, index, 0);
	program->audit_dropped_ever++;
	core->audit_dropped++;
	return false;
}

/* Its number in the manifest; of a thread or space, of which the manifest can have several objects or none,
 * the number of the thread or program. */
static uint32_t
object_number(const struct bx_kcore *core, const struct bx_cap *cap)
{
	uint32_t index = cap->object.index;

	switch ((enum bx_cap_type)cap->type) {
	case BX_CAP_ENDPOINT:		return core->endpoints[index].number;
	case BX_CAP_NOTIFICATION:	return core->notifications[index].number;
	case BX_CAP_MEMORY:		return core->memories[index].number;
	case BX_CAP_IRQ:		return core->irqs[index].object;
	case BX_CAP_THREAD:
	case BX_CAP_REPLY:
	case BX_CAP_CSPACE:		return index;
	default:			return core->plains[index].number;
	}
}

struct bx_audit_about
bx_audit_about(const struct bx_kcore *core, uint32_t number)
{
	const struct bx_cap *cap;

	if (number >= core->forest.slot_count || core->forest.slots[number].cap.type == BX_CAP_NONE)
		return (struct bx_audit_about){ BX_NONE, 0 };
	cap = &core->forest.slots[number].cap;
	return (struct bx_audit_about){ object_number(core, cap), cap->type |
	    (uint32_t)cap->rights << 8 };
}

void
bx_audit_cap(struct bx_kcore *core, enum bx_audit_kind kind, uint32_t program, uint32_t other,
    struct bx_audit_about about, uint64_t a, uint64_t b, uint64_t c)
{
	if (!from_share(kind) || share_take(core, program))
		put(core, kind, program, other, about, a, b, c);
}

void
bx_audit(struct bx_kcore *core, enum bx_audit_kind kind, uint32_t program, uint32_t other,
    uint64_t a, uint64_t b, uint64_t c)
{
	bx_audit_cap(core, kind, program, other, (struct bx_audit_about){ BX_NONE, 0 }, a, b, c);
}

void
bx_audit_transfer(struct bx_kcore *core, const struct bx_thread *sender,
    const struct bx_thread *receiver)
{
	bx_audit_cap(core, BX_AUDIT_TRANSFER, sender->program, receiver->program,
	    bx_audit_about(core, receiver->receive_cap_slot),
	    sender->send_cap_slot - core->programs[sender->program].space.first_slot,
	    receiver->receive_cap_slot - core->programs[receiver->program].space.first_slot, 0);
}

void
bx_audit_refusal(struct bx_kcore *core, uint32_t program, uint64_t number, uint64_t slot, int64_t err)
{
	enum bx_audit_kind kind = err == BX_ERR_QUOTA ? BX_AUDIT_QUOTA : BX_AUDIT_REFUSED;
	const struct bx_cap_space *space = &core->programs[program].space;

	bx_audit_cap(core, kind, program, BX_NONE, bx_audit_about(core, slot < space->slot_count ?
	    space->first_slot + (uint32_t)slot : BX_NONE), number, (uint64_t)err, slot);
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
	/* Whoever begins behind what has been read has not read what is between. */
	if (first <= core->audit_read && first + count > core->audit_read)
		core->audit_read = first + count;
	out->value[0] = count;
	out->value[1] = first;
	return BX_OK;
}
