/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * spec_caps.c -- capabilities as design, section 6, and the contracts of <brainix/cap.h> have them.
 * A capability names the place that it came from; descendants are found by searching all places.
 */
#include "spec.h"

enum bx_err
spec_place(const struct spec *spec, unsigned program, uint64_t slot, uint16_t *place)
{
	if (slot >= spec->programs[program].slots)
		return BX_ERR_CAP_SLOT;
	*place = (uint16_t)(program * SPEC_SLOTS + slot);
	return BX_OK;
}

/* A thread or space is there while its program has a process. */
bool
spec_cap_lives(struct spec *spec, const struct spec_cap *cap)
{
	const struct spec_program *program;

	if (cap->type == BX_CAP_THREAD)
		program = &spec->programs[spec->threads[cap->object].program];
	else if (cap->type == BX_CAP_CSPACE)
		program = &spec->programs[cap->object];
	else
		return true;
	/* It comes to be in the course of a start. */
	if (program->starter != NOBODY)
		return spec_choose(spec, 2) == 0;
	return program->made;
}

enum bx_err
spec_cap_find(struct spec *spec, unsigned thread, uint64_t slot, uint8_t type, uint8_t rights,
    uint16_t *place)
{
	const struct spec_cap *cap;

	if (spec_place(spec, spec->threads[thread].program, slot, place) != BX_OK)
		return BX_ERR_CAP_SLOT;
	cap = &spec->caps[*place];
	if (cap->type == BX_CAP_NONE)
		return BX_ERR_CAP_EMPTY;
	if (cap->type != type)
		return BX_ERR_CAP_TYPE;
	if ((cap->rights & rights) != rights)
		return BX_ERR_CAP_RIGHTS;
	if (spec->now >= cap->expiry)
		return BX_ERR_CAP_EXPIRED;
	if (cap->uses == 0)
		return BX_ERR_CAP_USED_UP;
	return spec_cap_lives(spec, cap) ? BX_OK : BX_ERR_CAP_STALE;
}

void
spec_cap_use(struct spec *spec, uint16_t place)
{
	struct spec_cap *cap = &spec->caps[place];

	if (cap->uses != BX_CAP_USES_UNLIMITED && cap->uses > 0)
		cap->uses--;
}

unsigned
spec_depth(const struct spec *spec, uint16_t place)
{
	unsigned depth = 1;			/* the manifest's own is 0 */

	if (spec->caps[place].type == BX_CAP_REPLY)
		return 0;
	for (; spec->caps[place].parent != NOWHERE; place = spec->caps[place].parent)
		depth++;
	return depth;
}

static bool
descends(const struct spec *spec, uint16_t place, uint16_t ancestor)
{
	for (place = spec->caps[place].parent; place != NOWHERE; place = spec->caps[place].parent) {
		if (place == ancestor)
			return true;
	}
	return false;
}

/* Whether something may be put there now. */
static enum bx_err
target_check(const struct spec *spec, uint16_t to)
{
	if (spec->programs[to / SPEC_SLOTS].sealed)
		return BX_ERR_CAP_SEALED;
	if (to % SPEC_SLOTS >= spec->programs[to / SPEC_SLOTS].plain)
		return BX_ERR_CAP_SLOT;
	return spec->caps[to].type != BX_CAP_NONE ? BX_ERR_CAP_OCCUPIED : BX_OK;
}

static enum bx_err
limits_check(const struct spec *spec, uint16_t from, const struct spec_cap *child)
{
	const struct spec_cap *parent = &spec->caps[from];

	if ((child->rights & ~parent->rights) != 0)
		return BX_ERR_CAP_RIGHTS;
	if (child->badge != 0 && parent->badge != 0)
		return BX_ERR_CAP_BADGE;
	if (parent->uses != BX_CAP_USES_UNLIMITED && child->uses > parent->uses)
		return BX_ERR_CAP_USED_UP;
	if (child->expiry > parent->expiry)
		return BX_ERR_CAP_EXPIRED;
	if (child->first < parent->first || child->first - parent->first > parent->count ||
	    child->count > parent->count - (child->first - parent->first))
		return BX_ERR_RANGE;
	return spec_depth(spec, from) >= BX_CAP_DEPTH_MAX ? BX_ERR_CAP_DEPTH : BX_OK;
}

/* `child` says rights, uses, badge, expiry and range. */
static enum bx_err
derive(struct spec *spec, uint16_t from, struct spec_cap child, uint16_t to)
{
	struct spec_cap *parent = &spec->caps[from];
	enum bx_err err;

	if (parent->type == BX_CAP_NONE)
		return BX_ERR_CAP_EMPTY;
	if (parent->type == BX_CAP_REPLY)
		return BX_ERR_CAP_TYPE;
	if (spec->now >= parent->expiry)
		return BX_ERR_CAP_EXPIRED;
	err = target_check(spec, to);
	if (err == BX_OK)
		err = limits_check(spec, from, &child);
	if (err != BX_OK)
		return err;
	child.type = parent->type;
	child.object = parent->object;
	child.parent = from;
	if (child.badge == 0)
		child.badge = parent->badge;
	if (parent->uses != BX_CAP_USES_UNLIMITED)
		parent->uses -= child.uses;
	spec->caps[to] = child;
	return BX_OK;
}

enum bx_err
spec_cap_copy(struct spec *spec, uint16_t from, uint16_t to)
{
	struct spec_cap same = spec->caps[from];

	same.badge = 0;				/* as the parent's */
	return derive(spec, from, same, to);
}

/* Whether a call of the thread goes by the capability in this very place: it waits, copies, or has cost
 * its use and begins again. */
static bool
goes_by(const struct spec *spec, unsigned thread, uint16_t place)
{
	const struct spec_thread *user = &spec->threads[thread];
	bool waits = user->state == BX_THREAD_SENDING || user->state == BX_THREAD_RECEIVING ||
	    user->state == BX_THREAD_WAITING;
	bool begun = user->state == BX_THREAD_READY && user->again && (user->copy != NOBODY || user->spent);

	return (waits || begun) && user->says != SAYS_FAULT && user->program == place / SPEC_SLOTS &&
	    user->asked.regs.value[0] == place % SPEC_SLOTS;
}

/* A wait is over; what was begun begins afresh. */
static void
uses_end(struct spec *spec, uint16_t place)
{
	for (unsigned i = 0; i < spec->thread_count; i++) {
		if (!goes_by(spec, i, place))
			continue;
		if (spec->threads[i].state == BX_THREAD_READY) {
			spec_detach(spec, i);
			spec->threads[i].spent = spec->threads[i].retries = false;
		} else {
			spec_wake(spec, i, BX_ERR_CANCELLED);
		}
	}
}

static enum bx_err
move(struct spec *spec, uint16_t from, uint16_t to)
{
	enum bx_err err;

	for (unsigned i = 0; !spec->programs[from / SPEC_SLOTS].sealed && i < spec->thread_count; i++) {
		if (goes_by(spec, i, from))
			return BX_ERR_BUSY;
	}
	if (spec->caps[from].type == BX_CAP_NONE)
		return BX_ERR_CAP_EMPTY;
	if (spec->caps[from].type == BX_CAP_REPLY)
		return BX_ERR_CAP_TYPE;
	if (spec->programs[from / SPEC_SLOTS].sealed)
		return BX_ERR_CAP_SEALED;
	err = target_check(spec, to);
	if (err != BX_OK)
		return err;
	for (unsigned i = 0; i < SPEC_PROGRAMS * SPEC_SLOTS; i++) {
		if (spec->caps[i].type != BX_CAP_NONE && spec->caps[i].parent == from)
			return BX_ERR_BUSY;
	}
	spec->caps[to] = spec->caps[from];
	spec->caps[from] = (struct spec_cap){ .parent = NOWHERE };
	return BX_OK;
}

static enum bx_err
recharge(struct spec *spec, uint16_t from, uint16_t to, uint64_t uses)
{
	struct spec_cap *giver = &spec->caps[from], *taker = &spec->caps[to];

	if (giver->type == BX_CAP_NONE || taker->type == BX_CAP_NONE)
		return BX_ERR_CAP_EMPTY;
	if (spec->now >= giver->expiry)
		return BX_ERR_CAP_EXPIRED;
	if (!descends(spec, to, from))
		return BX_ERR_CAP_NOT_CHILD;
	if (uses == 0 || taker->uses == BX_CAP_USES_UNLIMITED)
		return BX_ERR_INVALID;
	if (giver->uses != BX_CAP_USES_UNLIMITED && uses > giver->uses)
		return BX_ERR_CAP_USED_UP;
	if (taker->uses + uses >= BX_CAP_USES_UNLIMITED)
		return BX_ERR_OVERFLOW;
	if (giver->uses != BX_CAP_USES_UNLIMITED)
		giver->uses -= (uint32_t)uses;
	taker->uses += (uint32_t)uses;
	return BX_OK;
}

/* ---- removal: what was held by the right of a capability goes with it */

void
spec_cap_take(struct spec *spec, uint16_t place)
{
	struct spec_cap cap = spec->caps[place];
	unsigned program = place / SPEC_SLOTS;

	spec->caps[place] = (struct spec_cap){ .parent = NOWHERE };
	switch (cap.type) {
	case BX_CAP_MEMORY:
		for (uint64_t page = cap.first; page < cap.first + cap.count; page++) {
			if (spec->pages[page].owner == program) {
				spec_page_leave(spec, (unsigned)page);
				spec->pages[page].owner = NOBODY;
			}
		}
		break;
	case BX_CAP_IRQ:
		if (spec->irq_note != NOBODY && spec->irq_binder == program) {
			spec->irq_note = NOBODY;
			spec->irq_open = false;
		}
		break;
	case BX_CAP_NOTIFICATION:
		if (spec->notes[cap.object].bound != NOBODY &&
		    spec->threads[spec->notes[cap.object].bound].program == program) {
			spec->threads[spec->notes[cap.object].bound].bound = NOBODY;
			spec->notes[cap.object].bound = NOBODY;
		}
		uses_end(spec, place);
		break;
	case BX_CAP_ENDPOINT:
		uses_end(spec, place);
		break;
	case BX_CAP_REPLY:
		/* Nobody can answer that call any more. */
		if (spec->threads[cap.object].partner != NOBODY &&
		    spec->threads[cap.object].call == cap.call)
			spec_wake(spec, cap.object, BX_ERR_PEER_DIED);
		break;
	default:
		break;
	}
}

/* Delegation is a loan: what came from a capability goes before it. */
static unsigned
revoke(struct spec *spec, uint16_t place)
{
	for (unsigned gone = 0;; gone++) {
		uint16_t deepest = NOWHERE;

		for (uint16_t i = 0; i < SPEC_PROGRAMS * SPEC_SLOTS; i++) {
			if (spec->caps[i].type != BX_CAP_NONE && descends(spec, i, place) &&
			    (deepest == NOWHERE || spec_depth(spec, i) > spec_depth(spec, deepest)))
				deepest = i;
		}
		if (deepest == NOWHERE)
			return gone;
		spec_cap_take(spec, deepest);
	}
}

void
spec_caps_end(struct spec *spec, unsigned program)
{
	for (uint16_t i = 0; i < SPEC_SLOTS; i++) {
		uint16_t place = (uint16_t)(program * SPEC_SLOTS + i);

		if (spec->caps[place].type == BX_CAP_NONE)
			continue;
		(void)revoke(spec, place);
		spec_cap_take(spec, place);
	}
}

/* ---- system calls */

static enum bx_err
derive_call(struct spec *spec, unsigned thread)
{
	const struct spec_request *asked = &spec->threads[thread].asked;
	const struct bx_derive *want = &asked->derive;
	unsigned program = spec->threads[thread].program;
	uint16_t from, to;
	enum bx_err err;

	if (asked->buffers == MEMORY_UNALIGNED)
		return BX_ERR_ALIGN;
	if (asked->buffers != MEMORY_GOOD)
		return BX_ERR_ADDRESS;
	if (want->rights > UINT8_MAX || want->uses > UINT32_MAX)
		return BX_ERR_INVALID;
	if (spec_place(spec, program, asked->regs.value[0], &from) != BX_OK ||
	    spec_place(spec, program, want->to, &to) != BX_OK)
		return BX_ERR_CAP_SLOT;
	err = derive(spec, from, (struct spec_cap){ .rights = (uint8_t)want->rights,
	    .uses = (uint32_t)want->uses, .badge = want->badge, .expiry = want->expiry,
	    .first = want->first, .count = want->count }, to);
	if (err == BX_OK)
		spec_record(spec, BX_AUDIT_DERIVE, program, BX_SLOT_NONE, asked->regs.value[0], want->to,
		    spec->caps[to].uses);
	return err;
}

static enum bx_err
recharge_call(struct spec *spec, unsigned thread)
{
	const struct spec_registers *regs = &spec->threads[thread].asked.regs;
	uint16_t from, space, to;
	enum bx_err err = spec_cap_find(spec, thread, regs->value[1], BX_CAP_CSPACE, BX_RIGHT_WRITE,
	    &space);

	if (err != BX_OK)
		return err;
	if (regs->word[0] > UINT32_MAX)
		return BX_ERR_OVERFLOW;
	/* What gives may be what is called through: one use stays for the call. */
	if (regs->value[0] == regs->value[1] && spec->caps[space].uses != BX_CAP_USES_UNLIMITED &&
	    regs->word[0] >= spec->caps[space].uses)
		return BX_ERR_CAP_USED_UP;
	if (spec_place(spec, spec->threads[thread].program, regs->value[0], &from) != BX_OK ||
	    spec_place(spec, spec->caps[space].object, regs->value[2], &to) != BX_OK)
		return BX_ERR_CAP_SLOT;
	err = recharge(spec, from, to, regs->word[0]);
	if (err != BX_OK)
		return err;
	spec_record(spec, BX_AUDIT_RECHARGE, spec->threads[thread].program, spec->caps[space].object,
	    regs->value[0], regs->value[2], regs->word[0]);
	spec_cap_use(spec, space);
	return BX_OK;
}

enum bx_err
spec_caps_call(struct spec *spec, unsigned thread, uint64_t *values)
{
	const struct spec_registers *regs = &spec->threads[thread].asked.regs;
	unsigned program = spec->threads[thread].program;
	const struct spec_cap *cap;
	uint16_t from, to;
	unsigned gone;
	enum bx_err err;

	if (regs->number == BX_SYS_CAP_DERIVE)
		return derive_call(spec, thread);
	if (regs->number == BX_SYS_CAP_RECHARGE)
		return recharge_call(spec, thread);
	if (spec_place(spec, program, regs->value[0], &from) != BX_OK)
		return BX_ERR_CAP_SLOT;
	if (regs->number == BX_SYS_CAP_COPY || regs->number == BX_SYS_CAP_MOVE) {
		if (spec_place(spec, program, regs->value[1], &to) != BX_OK)
			return BX_ERR_CAP_SLOT;
		if (regs->number == BX_SYS_CAP_MOVE) {
			err = move(spec, from, to);
			if (err == BX_OK)
				spec_record(spec, BX_AUDIT_MOVE, program, BX_SLOT_NONE, regs->value[0],
				    regs->value[1], 0);
			return err;
		}
		err = spec_cap_copy(spec, from, to);
		if (err == BX_OK)
			spec_record(spec, BX_AUDIT_DERIVE, program, BX_SLOT_NONE, regs->value[0],
			    regs->value[1], spec->caps[to].uses);
		return err;
	}
	cap = &spec->caps[from];
	if (cap->type == BX_CAP_NONE)
		return BX_ERR_CAP_EMPTY;
	if (regs->number == BX_SYS_CAP_INFO) {
		values[0] = cap->type | (uint64_t)cap->rights << 8 | (uint64_t)cap->uses << 32;
		values[1] = cap->badge;
		return BX_OK;
	}
	gone = revoke(spec, from);
	if (regs->number == BX_SYS_CAP_DELETE) {
		spec_cap_take(spec, from);
		gone++;
	}
	spec_record(spec, BX_AUDIT_REVOKE, program, BX_SLOT_NONE, regs->value[0], gone, 0);
	return BX_OK;
}
