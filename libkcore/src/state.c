/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * state.c -- what a program holds, as the bytes of struct bx_state_cap, and the digest of that at the end of
 * its launch.  Everything is read from the slots and the space themselves, not from the manifest: a
 * grant that went wrong shows.
 */
#include "core.h"

#define STEP_CAPS	1u		/* hashed between two looks at the interrupts */
#define STEP_SLOTS	128u		/* looked at, when most are empty */

/* Rounded up, which gives back the microseconds that the manifest says from ticks rounded down, when a
 * tick is not longer than one.  Saturates. */
static uint64_t
us_of_ticks(const struct bx_kcore *core, uint64_t ticks)
{
	uint64_t rate = core->ticks_per_second, rest = ticks % rate;

	if (ticks / rate >= UINT64_MAX / 1000000 || rest > UINT64_MAX / 1000000 - 1)
		return UINT64_MAX;
	return ticks / rate * 1000000 + (rest * 1000000 + rate - 1) / rate;
}

/* The manifest's number of the object: its root capability's slot, which every capability but a reply
 * is derived from.  As many steps as it is deep. */
uint32_t
bx_state_object(const struct bx_kcore *core, uint32_t number)
{
	while (core->forest.slots[number].parent != BX_CAP_SLOT_NONE)
		number = core->forest.slots[number].parent;
	return number < core->object_count ? number : BX_SYSIMAGE_NONE;
}

uint64_t
bx_state_lifetime(const struct bx_kcore *core, uint32_t program, uint32_t number)
{
	const struct bx_cap_slot *slot = &core->forest.slots[number];
	uint64_t above = slot->parent == BX_CAP_SLOT_NONE ? BX_CAP_EXPIRY_NEVER :
	    core->forest.slots[slot->parent].cap.expiry;

	if (slot->cap.expiry >= above || slot->cap.expiry < core->programs[program].launched)
		return 0;
	return us_of_ticks(core, slot->cap.expiry - core->programs[program].launched);
}

void
bx_state_parent(const struct bx_kcore *core, uint32_t number, uint32_t *program, uint32_t *slot)
{
	uint32_t parent = core->forest.slots[number].parent;

	*program = *slot = BX_NONE;
	if (parent == BX_CAP_SLOT_NONE || parent < core->object_count)
		return;
	*program = bx_program_of_slot(core, parent);
	*slot = parent - core->programs[*program].space.first_slot;
}

static void
state_cap(const struct bx_kcore *core, uint32_t program, uint32_t slot, struct bx_state_cap *to)
{
	uint32_t number = core->programs[program].space.first_slot + slot, lender, lent;
	const struct bx_cap *cap = &core->forest.slots[number].cap;

	memset(to, 0, sizeof *to);
	bx_state_parent(core, number, &lender, &lent);
	bx_put_le32(to->program, program);
	bx_put_le32(to->slot, slot);
	bx_put_le32(to->object, bx_state_object(core, number));
	bx_put_le32(to->parent, lender == BX_NONE ? BX_SYSIMAGE_NONE : lender << 16 | lent);
	to->type[0] = cap->type;
	to->rights[0] = cap->rights;
	bx_put_le16(to->depth, cap->depth);
	bx_put_le32(to->uses, cap->uses);
	bx_put_le64(to->badge, cap->badge);
	bx_put_le64(to->lifetime_us, bx_state_lifetime(core, program, number));
	bx_put_le64(to->first, cap->first);
	bx_put_le64(to->count, cap->count);
}

void
bx_state_begin(struct bx_kcore *core, uint32_t index)
{
	struct bx_program *program = &core->programs[index];
	struct bx_state_program header;

	memset(&header, 0, sizeof header);
	bx_put_le64(header.magic, BX_STATE_MAGIC);
	bx_put_le32(header.program, index);
	bx_put_le32(header.sealed, program->space.sealed);
	memcpy(header.name, program->name, BX_NAME_MAX);
	bx_put_le32(header.slot_count, program->space.slot_count);
	bx_put_le32(header.plain_count, program->space.plain_count);
	bx_put_le32(header.thread_count, program->thread_count);
	bx_sha256_begin(&program->digest);
	bx_sha256_blocks(&program->digest, (const uint8_t *)&header, 1);
}

bool
bx_state_step(struct bx_kcore *core, uint32_t index, uint32_t *slot)
{
	struct bx_program *program = &core->programs[index];
	struct bx_state_cap record;
	unsigned caps = 0;

	for (unsigned i = 0; i < STEP_SLOTS && *slot < program->space.slot_count; i++, ++*slot) {
		if (core->forest.slots[program->space.first_slot + *slot].cap.type == BX_CAP_NONE)
			continue;
		if (caps++ == STEP_CAPS)
			return false;
		state_cap(core, index, *slot, &record);
		bx_sha256_blocks(&program->digest, (const uint8_t *)&record, 1);
	}
	if (*slot < program->space.slot_count || caps == STEP_CAPS)
		return false;
	bx_sha256_end(&program->digest, NULL, 0, program->state_hash);
	return true;
}
