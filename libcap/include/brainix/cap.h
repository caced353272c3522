/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/cap.h -- capability spaces, derivation and revocation.  Layer 1: needs base.h.
 * Source: docs/capability-model.md.  Invariants CAP-1..: libcap/DESIGN.md.
 *
 * A capability is the right to do some operations on one object.  Capabilities live in slots;
 * slots live in spaces; all slots of a system are one array that the caller gives, and all
 * derivations between them are one forest over that array:
 *
 *	slots:   | root region | space A            | space B      | ...
 *	          r0  r1  r2     a0 a1 a2 [replies]   b0 b1 ...
 *	forest:   r0 -> a0 -> b0        (b0 was derived from a0, a0 from r0)
 *
 * Rules that hold after every call, also after one that stopped half-way (BX_ERR_AGAIN):
 *	CAP-1  a derived capability's rights are a subset of its parent's
 *	CAP-2  its expiry and range do not exceed its parent's; uses given to it are taken from a
 *	       use-counted parent; a badge is set at most once on a path from a root
 *	CAP-3  its depth is its parent's plus one and at most BX_CAP_DEPTH_MAX
 *	CAP-4  it lives only as long as its parent: delegation is a loan.  Deleting a capability
 *	       deletes what was derived from it; who wants to pass a capability on moves it
 *	CAP-5  a sealed space gains nothing but reply capabilities, in the slots set apart for them
 *	CAP-6  an empty slot is all zero bytes but for its free mark (four links to no slot); every
 *	       used slot is linked, and its neighbours link back
 *
 * Life of a space:  bx_cap_space_init -> fill by insert/derive/move -> bx_cap_space_seal -> use.
 *
 * No function here looks at the clock or at objects: `now` is an argument, and whether the object
 * that a capability names still lives is for the caller to ask (object generation).
 */
#ifndef BRAINIX_CAP_H
#define BRAINIX_CAP_H

#include <brainix/base.h>

/* What a capability is about.  libcap itself distinguishes NONE and REPLY only; the kernel core
 * gives the others their meaning.  Part of the binary interface. */
enum bx_cap_type {
	BX_CAP_NONE = 0,	/* an empty slot */
	BX_CAP_MEMORY = 1,	/* a run of frames; range: pages */
	BX_CAP_ENDPOINT = 2,	/* a meeting point of callers and one server */
	BX_CAP_NOTIFICATION = 3,/* a word of bits; badge: the bits that a signal sets */
	BX_CAP_THREAD = 4,
	BX_CAP_CSPACE = 5,	/* a domain's capability space */
	BX_CAP_IRQ = 6,		/* an interrupt line */
	BX_CAP_DEVICE = 7,	/* a device: registers, interrupts, DMA domain */
	BX_CAP_IOPORT = 8,	/* x86 ports; range: port numbers */
	BX_CAP_UNTYPED = 9,	/* frames that are nothing yet; range: pages */
	BX_CAP_REPLY = 10,	/* the right to answer one call, once */
	BX_CAP_SPAWN = 11,	/* to start and stop programs; range: program numbers */
	BX_CAP_AUDIT_READ = 12,	/* to observe the kernel's state and its audit ring */
	BX_CAP_CLOCK = 13,	/* to read the wall clock */
	BX_CAP_TYPE_COUNT = 14
};

enum bx_cap_right {
	BX_RIGHT_READ = 1u << 0,	/* receive, wait, read, observe */
	BX_RIGHT_WRITE = 1u << 1,	/* send, call, signal, write, control */
	BX_RIGHT_GRANT = 1u << 2,	/* send capabilities along */
	BX_RIGHT_GRANT_REPLY = 1u << 3,	/* have a reply capability made for a call */
	BX_RIGHT_EXECUTE = 1u << 4,	/* memory: map executable */
	BX_RIGHT_ALL = 0x1f
};

#define BX_CAP_DEPTH_MAX	64u		/* derivations between a root and a leaf */
#define BX_CAP_USES_UNLIMITED	UINT32_MAX
#define BX_CAP_EXPIRY_NEVER	UINT64_MAX
#define BX_CAP_SLOT_NONE	UINT32_MAX	/* "no slot" as a link or an argument */
#define BX_CAP_STEP_MAX		64u		/* slots removed by one step of delete or revoke */

/* Names an object without pointing to it: its place in the pool of its type, and which of the
 * place's successive occupants is meant. */
struct bx_object_name {
	uint32_t index;
	uint32_t generation;
};

/* A capability.  Copied by assignment, no pointer inside.  All zero bytes: none.
 * User space never sees these bits; it names capabilities by slot index. */
struct bx_cap {
	uint8_t type;			/* enum bx_cap_type */
	uint8_t rights;			/* BX_RIGHT_* */
	uint16_t depth;			/* derivations since the root, 0..BX_CAP_DEPTH_MAX */
	uint32_t uses;			/* left; BX_CAP_USES_UNLIMITED; 0: dormant until recharged */
	uint64_t badge;			/* 0: none */
	struct bx_object_name object;
	uint64_t expiry;		/* first tick at which it is no longer valid */
	uint64_t first, count;		/* range within the object, for types that have one; else 0, 0 */
};

/* One cache line.  Only libcap writes the links; indices into the forest's array. */
struct bx_cap_slot {
	struct bx_cap cap;
	uint32_t parent;		/* BX_CAP_SLOT_NONE: a root */
	uint32_t child;			/* youngest derived capability, or NONE */
	uint32_t older, younger;	/* siblings, or NONE */
};
BX_STATIC_ASSERT(sizeof(struct bx_cap) == 48, "a capability is 48 bytes");
BX_STATIC_ASSERT(sizeof(struct bx_cap_slot) == 64, "a slot is one cache line");

/* All slots of a system.  Movable; the array it points to is the caller's and outlives it. */
struct bx_cap_forest {
	struct bx_cap_slot *slots;
	uint32_t slot_count;
};

/* A contiguous run of slots with its seal.  Movable.  Slots [0, plain_count) hold ordinary
 * capabilities, slots [plain_count, slot_count) hold replies and nothing else. */
struct bx_cap_space {
	uint32_t first_slot;		/* index into the forest's array */
	uint32_t slot_count;
	uint32_t plain_count;
	bool sealed;
};

/*
 * `index` when it is below `count`, else 0, computed without a branch: a processor that runs ahead
 * of the bounds check of its caller still gets an index inside the space.  The empty asm hides
 * what the caller has already found out, from which a compiler would conclude that the factor is
 * always one.  The prover reads no asm.
 */
#ifdef __FRAMAC__
#define BX_CAP_HIDE_VALUE(value) ((void)0)
#else
#define BX_CAP_HIDE_VALUE(value) __asm__("" : "+r" (value))
#endif

/*@ assigns \nothing;
  @ ensures \result == (index < count ? index : 0); */
static inline uint32_t
bx_cap_masked_index(uint32_t index, uint32_t count)
{
	uint64_t sum, below;

	BX_CAP_HIDE_VALUE(index);
	sum = UINT64_C(0xffffffff) + count - index;	/* reaches 2^32 just when index < count */
	below = sum / (UINT64_C(1) << 32);
	//@ assert below == (index < count ? 1 : 0);
	return (uint32_t)(index * below);
}

/* What derive makes less.  bx_cap_limits_same() is the neutral element. */
struct bx_cap_limits {
	uint8_t rights;			/* kept rights: a subset of the parent's */
	uint32_t uses;			/* at most the parent's; UNLIMITED only below UNLIMITED */
	uint64_t badge;			/* 0 keeps the parent's; else the parent has none */
	uint64_t expiry;		/* at most the parent's */
	uint64_t first, count;		/* inside the parent's range */
};

/* A slot as its owner sees it: the index within a space.  Passed by value. */
struct bx_cap_place {
	const struct bx_cap_space *space;
	uint32_t index;
};

/* Takes over `slots` (slot_count of them, 1..BX_CAP_SLOT_NONE) and empties them.  O(slot_count). */
void bx_cap_forest_init(struct bx_cap_forest *forest, struct bx_cap_slot *slots, uint32_t slot_count);

/* Makes an unsealed space of slots [first_slot, first_slot + slot_count), of which the last
 * slot_count - plain_count are for replies.  That no two spaces overlap is the caller's to see to.
 * Returns BX_OK, or BX_ERR_RANGE: the run leaves the forest, or plain_count > slot_count. */
BX_MUST_USE enum bx_err bx_cap_space_init(const struct bx_cap_forest *forest, uint32_t first_slot,
    uint32_t slot_count, uint32_t plain_count, struct bx_cap_space *space);

/* From now on nothing can be put into the plain slots (CAP-5).  There is no way back. */
void bx_cap_space_seal(struct bx_cap_space *space);

/* The slot number in the forest's array of an index that a user gave.
 * Returns BX_OK, or BX_ERR_CAP_SLOT: the space has no such slot.  The index is masked against
 * speculative out-of-bounds reads (hardening: Spectre variant 1). */
BX_MUST_USE enum bx_err bx_cap_slot_of(struct bx_cap_place place, uint32_t *slot);

/* Finds the capability at `place` and checks that it may be used now for what is asked.
 *   type    the wanted enum bx_cap_type        rights  all of these are needed
 *   now     present time, in the ticks that expiry times are given in
 * Returns, in this order of checks
 *   BX_OK			*slot is its slot number
 *   BX_ERR_CAP_SLOT		no such slot
 *   BX_ERR_CAP_EMPTY		the slot is empty
 *   BX_ERR_CAP_TYPE		it is of another type
 *   BX_ERR_CAP_RIGHTS		it lacks one of `rights`
 *   BX_ERR_CAP_EXPIRED		now >= its expiry
 *   BX_ERR_CAP_USED_UP		it has no uses left
 * Changes nothing; a use is spent by bx_cap_use when the operation is sure to happen.  O(1). */
BX_MUST_USE enum bx_err bx_cap_lookup(const struct bx_cap_forest *forest, struct bx_cap_place place,
    enum bx_cap_type type, uint8_t rights, uint64_t now, uint32_t *slot);

/* Spends one use of the capability in `slot`, which bx_cap_lookup has just accepted. */
void bx_cap_use(struct bx_cap_forest *forest, uint32_t slot);

/* Puts a first capability (a root of the forest) into an empty plain slot of an unsealed space.
 * `cap.depth` is set to 0; its type is neither NONE nor REPLY.
 * Returns BX_OK, BX_ERR_INVALID (bad type, unknown rights, a range that wraps), BX_ERR_CAP_SLOT (none,
 * or a reply slot), BX_ERR_CAP_SEALED, BX_ERR_CAP_OCCUPIED.  O(1). */
BX_MUST_USE enum bx_err bx_cap_insert(struct bx_cap_forest *forest, struct bx_cap_place to,
    const struct bx_cap *cap);

/* The limits under which a derived capability equals *parent. */
struct bx_cap_limits bx_cap_limits_same(const struct bx_cap *parent);

/* Derives a capability with `limits` from the one at `from` into the empty plain slot `to`.
 * Returns, in this order of checks
 *   BX_ERR_CAP_SLOT		`from` or `to` is no slot
 *   BX_ERR_CAP_EMPTY		nothing at `from`
 *   BX_ERR_CAP_TYPE		it is a reply, which cannot be derived from
 *   BX_ERR_CAP_EXPIRED		it has expired at `now`
 *   BX_ERR_CAP_SEALED		the space of `to` is sealed				(CAP-5)
 *   BX_ERR_CAP_SLOT		`to` is a slot for replies
 *   BX_ERR_CAP_OCCUPIED	`to` holds a capability
 *   BX_ERR_CAP_RIGHTS		limits.rights has a bit that the parent lacks		(CAP-1)
 *   BX_ERR_CAP_BADGE		limits.badge != 0 and the parent has a badge		(CAP-2)
 *   BX_ERR_CAP_USED_UP		limits.uses exceeds what the parent has left		(CAP-2)
 *   BX_ERR_CAP_EXPIRED		limits.expiry is later than the parent's		(CAP-2)
 *   BX_ERR_RANGE		the range is not inside the parent's			(CAP-2)
 *   BX_ERR_CAP_DEPTH		the parent is BX_CAP_DEPTH_MAX deep			(CAP-3)
 * With a use-counted parent the child's uses are taken from it, so that no derivation makes more
 * uses than there were.  On error nothing has changed.  O(1). */
BX_MUST_USE enum bx_err bx_cap_derive(struct bx_cap_forest *forest, struct bx_cap_place from,
    const struct bx_cap_limits *limits, struct bx_cap_place to, uint64_t now);

/* Derives with bx_cap_limits_same: an equal, revocable capability.  Of a use-counted one all uses
 * go to the copy.  Errors as bx_cap_derive. */
BX_MUST_USE enum bx_err bx_cap_copy(struct bx_cap_forest *forest, struct bx_cap_place from,
    struct bx_cap_place to, uint64_t now);

/* Moves a capability, with its place in the forest, into the empty plain slot `to`.
 * Returns BX_OK, BX_ERR_CAP_SLOT (none, or `to` is a reply slot), BX_ERR_CAP_EMPTY, BX_ERR_CAP_TYPE
 * (a reply), BX_ERR_CAP_SEALED (either space), BX_ERR_CAP_OCCUPIED, or BX_ERR_BUSY: others were derived from it, whose links
 * would all have to follow (O(1) is kept by refusing).  On error nothing has changed. */
BX_MUST_USE enum bx_err bx_cap_move(struct bx_cap_forest *forest, struct bx_cap_place from,
    struct bx_cap_place to);

/* Gives `uses` more uses to the capability at `child`, a direct or indirect derivation of the one at
 * `parent`; taken from the parent when that is counted.  Works into sealed spaces: this is how
 * authority that was granted at launch, dormant, is woken for one action.
 * Returns BX_OK, BX_ERR_CAP_SLOT, BX_ERR_CAP_EMPTY, BX_ERR_CAP_EXPIRED (parent), BX_ERR_CAP_NOT_CHILD,
 * BX_ERR_CAP_USED_UP (the parent has fewer left), BX_ERR_OVERFLOW (the sum would reach
 * BX_CAP_USES_UNLIMITED), BX_ERR_INVALID (the child is not use-counted, or uses is 0).
 * O(BX_CAP_DEPTH_MAX). */
BX_MUST_USE enum bx_err bx_cap_recharge(struct bx_cap_forest *forest, struct bx_cap_place parent,
    struct bx_cap_place child, uint32_t uses, uint64_t now);

/* Puts a reply capability into an empty reply slot; a sealed space takes it too.
 * `reply.type` is BX_CAP_REPLY.  Returns BX_OK, BX_ERR_CAP_SLOT (none, or a plain slot),
 * BX_ERR_CAP_OCCUPIED. */
BX_MUST_USE enum bx_err bx_cap_reply_insert(struct bx_cap_forest *forest, struct bx_cap_place to,
    const struct bx_cap *reply);

/* Type, rights, depth and uses of a capability in one word: what it begins with.  A compiler makes
 * one load of it. */
/*@ requires \valid_read(cap);
  @ assigns \nothing;
  @ ensures \result == cap->type + 0x100 * cap->rights + 0x10000 * cap->depth +
  @    0x100000000 * cap->uses; */
static inline uint64_t
bx_cap_head(const struct bx_cap *cap)
{
	return (uint64_t)cap->type + ((uint64_t)cap->rights << 8) + ((uint64_t)cap->depth << 16) +
	    ((uint64_t)cap->uses << 32);
}
#define BX_CAP_HEAD_NONE	UINT64_MAX	/* no capability has it */

/* The head of a reply with these rights. */
/*@ assigns \nothing;
  @ ensures \result == BX_CAP_REPLY + 0x100 * rights + 0x100000000 * BX_CAP_USES_UNLIMITED; */
static inline uint64_t
bx_cap_reply_head(uint8_t rights)
{
	return BX_CAP_REPLY + 0x100u * (uint64_t)rights + 0x100000000u * (uint64_t)BX_CAP_USES_UNLIMITED;
}

/* bx_cap_reply_insert, in line, for who knows that *slot is an empty reply slot (all zero but the
 * links, CAP-6).  `object` is its index, and its generation in the upper half.  A compiler makes
 * three stores of it. */
/*@ requires \valid(slot);
  @ assigns slot->cap.type, slot->cap.rights, slot->cap.depth, slot->cap.uses,
  @    slot->cap.object.index, slot->cap.object.generation, slot->cap.expiry;
  @ ensures slot->cap.type == head % 0x100 && slot->cap.rights == (head / 0x100) % 0x100 &&
  @    slot->cap.depth == (head / 0x10000) % 0x10000 && slot->cap.uses == head / 0x100000000;
  @ ensures head == slot->cap.type + 0x100 * slot->cap.rights + 0x10000 * slot->cap.depth +
  @    0x100000000 * slot->cap.uses;
  @ ensures object == slot->cap.object.index + 0x100000000 * slot->cap.object.generation;
  @ ensures slot->cap.expiry == BX_CAP_EXPIRY_NEVER; */
static inline void
bx_cap_reply_put(struct bx_cap_slot *slot, uint64_t head, uint64_t object)
{
	slot->cap.type = (uint8_t)(head % 0x100);
	slot->cap.rights = (uint8_t)(head / 0x100 % 0x100);
	slot->cap.depth = (uint16_t)(head / 0x10000 % 0x10000);
	slot->cap.uses = (uint32_t)(head / 0x100000000);
	slot->cap.object.index = (uint32_t)(object % 0x100000000);
	slot->cap.object.generation = (uint32_t)(object / 0x100000000);
	slot->cap.expiry = BX_CAP_EXPIRY_NEVER;
}

/* Empties a slot that holds a reply, which is a root and a leaf: badge, range and links are those of
 * an empty slot (CAP-6). */
/*@ requires \valid(slot);
  @ assigns slot->cap.type, slot->cap.rights, slot->cap.depth, slot->cap.uses,
  @    slot->cap.object.index, slot->cap.object.generation, slot->cap.expiry;
  @ ensures slot->cap.type == BX_CAP_NONE && slot->cap.rights == 0 && slot->cap.depth == 0 &&
  @    slot->cap.uses == 0 && slot->cap.object.index == 0 && slot->cap.object.generation == 0 &&
  @    slot->cap.expiry == 0; */
static inline void
bx_cap_reply_take(struct bx_cap_slot *slot)
{
	slot->cap.type = BX_CAP_NONE;
	slot->cap.rights = 0;
	slot->cap.depth = 0;
	slot->cap.uses = 0;
	slot->cap.object.index = 0;
	slot->cap.object.generation = 0;
	slot->cap.expiry = 0;
}

/*
 * Removal.  One leaf at a time, deepest first, so that the forest is whole after each; an owner of
 * objects acts on a leaf (unmaps, cancels) before it removes it:
 *
 *	uint32_t leaf = BX_CAP_SLOT_NONE;
 *	while ((leaf = bx_cap_leaf_next(forest, root, leaf)) != BX_CAP_SLOT_NONE) {
 *		...act on forest->slots[leaf].cap; stop here when the step is used up...
 *		leaf = bx_cap_leaf_remove(forest, leaf);
 *	}
 */

/* A leaf below `root` (a slot number), or BX_CAP_SLOT_NONE when `root` has no descendant.
 * `near` is BX_CAP_SLOT_NONE, or what bx_cap_leaf_remove returned with no other change to the
 * forest in between: the search then goes on from there, which makes a whole revocation linear. */
uint32_t bx_cap_leaf_next(const struct bx_cap_forest *forest, uint32_t root, uint32_t near);

/* Empties a slot that has no children; returns its parent's slot number, or BX_CAP_SLOT_NONE. */
uint32_t bx_cap_leaf_remove(struct bx_cap_forest *forest, uint32_t slot);

/* One step of removing all that was derived from the capability at `place`, in every space.
 * Returns BX_OK when nothing is left, BX_ERR_AGAIN after BX_CAP_STEP_MAX removals with more to do,
 * BX_ERR_CAP_SLOT, BX_ERR_CAP_EMPTY.  For users whose capabilities need no action on removal. */
BX_MUST_USE enum bx_err bx_cap_revoke(struct bx_cap_forest *forest, struct bx_cap_place place);

/* One step of removing the capability at `place` and all that was derived from it (CAP-4); a sealed
 * space may be emptied.  Returns as bx_cap_revoke. */
BX_MUST_USE enum bx_err bx_cap_delete(struct bx_cap_forest *forest, struct bx_cap_place place);

/* Whether CAP-1 to CAP-6 and all links hold over the whole array.  O(slot_count); for tests,
 * BX_VERIFY builds and post-mortem tools.  Returns true, or false with *bad_slot set: a slot number,
 * or BX_CAP_SLOT_NONE when siblings form a ring that hangs on no parent. */
BX_MUST_USE bool bx_cap_forest_sound(const struct bx_cap_forest *forest, uint32_t *bad_slot);

#endif
