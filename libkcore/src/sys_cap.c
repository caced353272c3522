/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sys_cap.c -- operations on capabilities in the caller's own space.  libcap knows the rules; here
 * are the arguments, the steps of long removals, and the records.
 */
#include "sys.h"

static struct bx_cap_place
own_place(const struct bx_kcore *core, const struct bx_thread *thread, uint64_t index)
{
	return (struct bx_cap_place){
		.space = &core->programs[thread->program].space,
		.index = index > BX_CAP_SLOT_NONE ? BX_CAP_SLOT_NONE : (uint32_t)index,
	};
}

/* What is in a slot of the caller's own space. */
static struct bx_audit_about
own_about(const struct bx_kcore *core, const struct bx_thread *thread, uint64_t index)
{
	uint32_t slot;

	return bx_audit_about(core, bx_cap_slot_of(own_place(core, thread, index), &slot) == BX_OK ? slot :
	    BX_NONE);
}

enum bx_err
bx_sys_cap_derive(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	uint64_t from = thread->context.value[0];
	struct bx_cap_limits limits;
	struct bx_derive derive;
	enum bx_err err;

	(void)out;
	if (!bx_is_aligned(thread->context.buffers, 8))
		return BX_ERR_ALIGN;
	err = bx_copy_in(core, thread->program, thread->context.buffers, &derive, sizeof derive);
	if (err != BX_OK)
		return err;
	if (derive.rights > UINT8_MAX || derive.uses > UINT32_MAX)
		return BX_ERR_INVALID;
	limits = (struct bx_cap_limits){
		.rights = (uint8_t)derive.rights,
		.uses = (uint32_t)derive.uses,
		.badge = derive.badge,
		.expiry = derive.expiry,
		.first = derive.first,
		.count = derive.count,
	};
	err = bx_cap_derive(&core->forest, own_place(core, thread, from), &limits,
	    own_place(core, thread, derive.to), bx_machine_now(core->machine));
	if (err == BX_OK)
		bx_audit_cap(core, BX_AUDIT_DERIVE, thread->program, BX_NONE,
		    own_about(core, thread, derive.to), from, derive.to, derive.uses);
	return err;
}

static void
copy_record(struct bx_kcore *core, const struct bx_thread *thread, uint64_t from, uint64_t to)
{
	const struct bx_cap_space *space = &core->programs[thread->program].space;

	bx_audit_cap(core, BX_AUDIT_DERIVE, thread->program, BX_NONE, own_about(core, thread, to), from, to,
	    core->forest.slots[space->first_slot + to].cap.uses);
}

enum bx_err
bx_sys_cap_copy(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	uint64_t from = thread->context.value[0], to = thread->context.value[1];
	enum bx_err err = bx_cap_copy(&core->forest, own_place(core, thread, from),
	    own_place(core, thread, to), bx_machine_now(core->machine));

	(void)out;
	if (err == BX_OK)
		copy_record(core, thread, from, to);
	return err;
}

enum bx_err
bx_sys_cap_move(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	uint64_t from = thread->context.value[0], to = thread->context.value[1];
	struct bx_cap_place place = own_place(core, thread, from);
	uint32_t slot;
	enum bx_err err = bx_cap_slot_of(own_place(core, thread, to), &slot);

	(void)out;
	if (err == BX_OK)
		err = bx_cap_slot_of(place, &slot);
	if (err != BX_OK)
		return err;		/* to no slot: not worth another try */
	/* A call is by the capability that it began with, and is found by its slot. */
	if (!place.space->sealed &&
	    bx_capability_in_use(core, &core->programs[thread->program], slot))
		return BX_ERR_BUSY;
	err = bx_cap_move(&core->forest, place, own_place(core, thread, to));
	if (err == BX_OK)
		bx_audit_cap(core, BX_AUDIT_MOVE, thread->program, BX_NONE, own_about(core, thread, to), from,
		    to, 0);
	return err;
}

/* One step of removing what descends from `root`; how many have gone is in thread->work. */
static enum bx_err
descendants_remove(struct bx_kcore *core, struct bx_thread *thread, uint32_t root)
{
	uint32_t leaf = BX_CAP_SLOT_NONE;

	for (thread->removal.left = BX_REMOVAL_STEP; thread->removal.left > 0;) {
		enum bx_err err;

		leaf = bx_cap_leaf_next(&core->forest, root, leaf);
		if (leaf == BX_CAP_SLOT_NONE)
			return BX_OK;
		err = bx_capability_remove_leaf(core, leaf, &leaf, &thread->removal);
		if (err != BX_OK)
			return err;
		thread->work++;
	}
	return BX_ERR_AGAIN;
}

/* The slot number of the first argument, which must hold something. */
static enum bx_err
held_check(struct bx_kcore *core, const struct bx_thread *thread, uint32_t *slot)
{
	enum bx_err err = bx_cap_slot_of(own_place(core, thread, thread->context.value[0]), slot);

	if (err == BX_OK && core->forest.slots[*slot].cap.type == BX_CAP_NONE)
		return BX_ERR_CAP_EMPTY;
	return err;
}

enum bx_err
bx_sys_cap_revoke(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	uint32_t slot;
	enum bx_err err = held_check(core, thread, &slot);

	(void)out;
	if (err == BX_OK)
		err = descendants_remove(core, thread, slot);
	if (err == BX_OK)
		bx_audit_cap(core, BX_AUDIT_REVOKE, thread->program, BX_NONE, bx_audit_about(core, slot),
		    thread->context.value[0], thread->work, 0);
	return err;
}

enum bx_err
bx_sys_cap_delete(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	struct bx_audit_about about = own_about(core, thread, thread->context.value[0]);
	uint32_t slot, parent;
	enum bx_err err = held_check(core, thread, &slot);

	(void)out;
	if (err == BX_OK)
		err = descendants_remove(core, thread, slot);
	if (err == BX_OK)
		err = bx_capability_remove_leaf(core, slot, &parent, &thread->removal);
	if (err == BX_OK)
		bx_audit_cap(core, BX_AUDIT_REVOKE, thread->program, BX_NONE, about,
		    thread->context.value[0], thread->work + 1, 0);
	return err;
}

enum bx_err
bx_sys_cap_recharge(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	uint64_t index = thread->context.value[2], uses = thread->context.word[0];
	const struct bx_cap *space;
	struct bx_cap_place child;
	uint32_t slot;
	enum bx_err err = bx_sys_cap(core, thread, thread->context.value[1], BX_CAP_CSPACE,
	    BX_RIGHT_WRITE, &slot);

	(void)out;
	if (err != BX_OK)
		return err;
	if (uses > UINT32_MAX)
		return BX_ERR_OVERFLOW;
	space = &core->forest.slots[slot].cap;
	/* It may be what gives, too: one use stays for this call. */
	if (thread->context.value[0] == thread->context.value[1] &&
	    space->uses != BX_CAP_USES_UNLIMITED && uses >= space->uses)
		return BX_ERR_CAP_USED_UP;
	child.space = &core->programs[space->object.index].space;
	child.index = index > BX_CAP_SLOT_NONE ? BX_CAP_SLOT_NONE : (uint32_t)index;
	err = bx_cap_recharge(&core->forest, own_place(core, thread, thread->context.value[0]),
	    child, (uint32_t)uses, bx_machine_now(core->machine));
	if (err == BX_OK) {
		bx_audit_cap(core, BX_AUDIT_RECHARGE, thread->program,
		    core->forest.slots[slot].cap.object.index,
		    bx_audit_about(core, child.space->first_slot + child.index), thread->context.value[0], index,
		    uses);
		bx_cap_use(&core->forest, slot);
	}
	return err;
}

enum bx_err
bx_sys_cap_info(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	const struct bx_cap *cap;
	uint32_t slot;
	enum bx_err err = held_check(core, thread, &slot);

	if (err != BX_OK)
		return err;
	cap = &core->forest.slots[slot].cap;
	out->value[0] = cap->type | (uint64_t)cap->rights << 8 | (uint64_t)cap->uses << 32;
	out->value[1] = cap->badge;
	return BX_OK;
}
