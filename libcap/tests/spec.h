/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * spec.h -- what capabilities are, as an executable specification.  For tests.
 *
 * Written from design, section 6, and the contracts of <brainix/cap.h>, not from libcap's code: a
 * capability lies in a place and remembers the place that it came from.  There are no links to
 * keep right; what comes from something is found by searching, what goes is swept.
 *
 * A step is a request; spec_do says what it must return and does it.  The order in which leaves
 * go when a removal stops half-way is nobody's business: there spec_do is told which places have
 * been emptied, and says whether they may be.
 *
 * spec_do answers BX_ERR_CORRUPT when they may not.
 *
 * The includer says how big the world is: SPACES, PLAIN and REPLIES (slots of each space).
 */
#ifndef BRAINIX_CAP_TESTS_SPEC_H
#define BRAINIX_CAP_TESTS_SPEC_H

#include <string.h>

#include <brainix/cap.h>

#define EACH		(PLAIN + REPLIES)
#define PLACES		(SPACES * EACH)
#define NO_PLACE	PLACES			/* the first that is none: index EACH of space 0 */
#define ROOT		UINT32_MAX
#define COUNTED_OBJECT	2u			/* capabilities for it are inserted with counted uses */

/* `from` is a place, or ROOT. */
struct spec_cap {
	struct bx_cap cap;			/* type NONE: nothing here */
	uint32_t from;
};

struct spec {
	struct spec_cap at[PLACES];
	bool sealed[SPACES];
	uint64_t now;
};

enum verb { INSERT, REPLY, DERIVE, COPY, MOVE, RECHARGE, USE, DELETE, REVOKE, LEAF, SEAL, TICK };

static const char *const verb_names[] = { "insert", "reply", "derive", "copy", "move", "recharge", "use",
	"delete", "revoke", "leaf", "seal", "tick" };

struct request {
	enum verb verb;
	uint32_t a, b;			/* places; SEAL: a space */
	struct bx_cap cap;		/* INSERT, REPLY */
	struct bx_cap_limits limits;	/* DERIVE */
	uint32_t uses;			/* RECHARGE */
	enum bx_cap_type type;		/* USE */
	uint8_t rights;			/* USE */
	uint64_t now;			/* TICK: the time from here on */
};

static inline bool
no_slot(uint32_t place)
{
	return place >= PLACES;
}

static inline bool
for_replies(uint32_t place)
{
	return place % EACH >= PLAIN;
}

static inline bool
sealed(const struct spec *s, uint32_t place)
{
	return s->sealed[place / EACH];
}

static inline bool
empty(const struct spec *s, uint32_t place)
{
	return s->at[place].cap.type == BX_CAP_NONE;
}

static inline bool
comes_from(const struct spec *s, uint32_t place, uint32_t origin)
{
	while (!empty(s, place) && s->at[place].from != ROOT) {
		place = s->at[place].from;
		if (place == origin)
			return true;
	}
	return false;
}

static inline bool
has_offspring(const struct spec *s, uint32_t place)
{
	for (uint32_t p = 0; p < PLACES; p++)
		if (!empty(s, p) && s->at[p].from == place)
			return true;
	return false;
}

static inline void
forget(struct spec *s, uint32_t place)
{
	s->at[place] = (struct spec_cap){ .from = ROOT };
}

static inline enum bx_err
spec_root(struct spec *s, const struct request *r, bool reply)
{
	const struct bx_cap *cap = &r->cap;

	if (!reply && (cap->type == BX_CAP_NONE || cap->type == BX_CAP_REPLY ||
	    cap->type >= BX_CAP_TYPE_COUNT || cap->rights > BX_RIGHT_ALL ||
	    cap->first + cap->count < cap->first))
		return BX_ERR_INVALID;
	if (no_slot(r->a) || for_replies(r->a) != reply)
		return BX_ERR_CAP_SLOT;
	if (!reply && sealed(s, r->a))
		return BX_ERR_CAP_SEALED;
	if (!empty(s, r->a))
		return BX_ERR_CAP_OCCUPIED;
	s->at[r->a] = (struct spec_cap){ *cap, ROOT };
	s->at[r->a].cap.depth = 0;
	return BX_OK;
}

static inline bool
rights_within(uint8_t some, uint8_t all)
{
	for (unsigned right = 1; right <= UINT8_MAX; right *= 2)
		if ((some & right) != 0 && (all & right) == 0)
			return false;
	return true;
}

/* What is asked of `source` is at most what it has. */
static inline enum bx_err
less_or_equal(const struct bx_cap_limits *want, const struct bx_cap *source)
{
	uint64_t end;

	if (!rights_within(want->rights, source->rights))
		return BX_ERR_CAP_RIGHTS;
	if (want->badge != 0 && source->badge != 0)
		return BX_ERR_CAP_BADGE;
	if (source->uses != BX_CAP_USES_UNLIMITED &&
	    (want->uses == BX_CAP_USES_UNLIMITED || want->uses > source->uses))
		return BX_ERR_CAP_USED_UP;
	if (want->expiry > source->expiry)
		return BX_ERR_CAP_EXPIRED;
	if (want->first < source->first || __builtin_add_overflow(want->first, want->count, &end) ||
	    end > source->first + source->count)
		return BX_ERR_RANGE;
	return BX_OK;
}

static inline enum bx_err
spec_derive(struct spec *s, uint32_t from, const struct bx_cap_limits *want, uint32_t to)
{
	struct bx_cap *source, made;
	enum bx_err err;

	if (no_slot(from) || no_slot(to))
		return BX_ERR_CAP_SLOT;
	source = &s->at[from].cap;
	if (empty(s, from))
		return BX_ERR_CAP_EMPTY;
	if (source->type == BX_CAP_REPLY)
		return BX_ERR_CAP_TYPE;
	if (source->expiry <= s->now)
		return BX_ERR_CAP_EXPIRED;
	if (sealed(s, to))
		return BX_ERR_CAP_SEALED;
	if (for_replies(to))
		return BX_ERR_CAP_SLOT;
	if (!empty(s, to))
		return BX_ERR_CAP_OCCUPIED;
	err = less_or_equal(want, source);
	if (err != BX_OK)
		return err;
	if (source->depth == BX_CAP_DEPTH_MAX)
		return BX_ERR_CAP_DEPTH;
	made = *source;
	made.rights = want->rights;
	made.uses = want->uses;
	made.expiry = want->expiry;
	made.first = want->first;
	made.count = want->count;
	made.badge = source->badge != 0 ? source->badge : want->badge;
	made.depth++;
	if (source->uses != BX_CAP_USES_UNLIMITED)
		source->uses -= want->uses;
	s->at[to] = (struct spec_cap){ made, from };
	return BX_OK;
}

/* All that there is, under the same badge. */
static inline enum bx_err
spec_copy(struct spec *s, uint32_t from, uint32_t to)
{
	struct bx_cap_limits all = { 0 };

	if (!no_slot(from)) {
		const struct bx_cap *c = &s->at[from].cap;

		all = (struct bx_cap_limits){ .rights = c->rights, .uses = c->uses, .expiry = c->expiry,
		    .first = c->first, .count = c->count };
	}
	return spec_derive(s, from, &all, to);
}

static inline enum bx_err
spec_move(struct spec *s, uint32_t from, uint32_t to)
{
	if (no_slot(from) || no_slot(to))
		return BX_ERR_CAP_SLOT;
	if (empty(s, from))
		return BX_ERR_CAP_EMPTY;
	if (s->at[from].cap.type == BX_CAP_REPLY)
		return BX_ERR_CAP_TYPE;
	if (sealed(s, from) || sealed(s, to))
		return BX_ERR_CAP_SEALED;
	if (for_replies(to))
		return BX_ERR_CAP_SLOT;
	if (!empty(s, to))
		return BX_ERR_CAP_OCCUPIED;
	if (has_offspring(s, from))
		return BX_ERR_BUSY;
	s->at[to] = s->at[from];
	forget(s, from);
	return BX_OK;
}

static inline enum bx_err
spec_recharge(struct spec *s, uint32_t parent, uint32_t child, uint32_t uses)
{
	struct bx_cap *giver, *taker;

	if (no_slot(parent) || no_slot(child))
		return BX_ERR_CAP_SLOT;
	giver = &s->at[parent].cap;
	taker = &s->at[child].cap;
	if (empty(s, parent) || empty(s, child))
		return BX_ERR_CAP_EMPTY;
	if (giver->expiry <= s->now)
		return BX_ERR_CAP_EXPIRED;
	if (!comes_from(s, child, parent))
		return BX_ERR_CAP_NOT_CHILD;
	if (uses == 0 || taker->uses == BX_CAP_USES_UNLIMITED)
		return BX_ERR_INVALID;
	if (giver->uses != BX_CAP_USES_UNLIMITED && giver->uses < uses)
		return BX_ERR_CAP_USED_UP;
	if ((uint64_t)taker->uses + uses >= BX_CAP_USES_UNLIMITED)
		return BX_ERR_OVERFLOW;
	if (giver->uses != BX_CAP_USES_UNLIMITED)
		giver->uses -= uses;
	taker->uses += uses;
	return BX_OK;
}

static inline enum bx_err
spec_use(struct spec *s, const struct request *r)
{
	struct bx_cap *cap;

	if (no_slot(r->a))
		return BX_ERR_CAP_SLOT;
	cap = &s->at[r->a].cap;
	if (empty(s, r->a))
		return BX_ERR_CAP_EMPTY;
	if (cap->type != r->type)
		return BX_ERR_CAP_TYPE;
	if (!rights_within(r->rights, cap->rights))
		return BX_ERR_CAP_RIGHTS;
	if (cap->expiry <= s->now)
		return BX_ERR_CAP_EXPIRED;
	if (cap->uses == 0)
		return BX_ERR_CAP_USED_UP;
	if (cap->uses != BX_CAP_USES_UNLIMITED)
		cap->uses--;
	return BX_OK;
}

/*
 * All that comes from `place`, and with `itself` that too: at once when it is at most `step`, else
 * `step` of it, such as `gone` says, and nothing is left whose origin has gone.
 */
static inline enum bx_err
spec_remove(struct spec *s, uint32_t place, bool itself, uint32_t step, const bool gone[PLACES])
{
	uint32_t below = 0, went = 0;
	bool goes[PLACES];

	if (no_slot(place))
		return BX_ERR_CAP_SLOT;
	if (empty(s, place))
		return BX_ERR_CAP_EMPTY;
	for (uint32_t p = 0; p < PLACES; p++) {
		goes[p] = comes_from(s, p, place) || (itself && p == place);
		below += goes[p];
		went += goes[p] && gone[p];
	}
	for (uint32_t p = 0; p < PLACES; p++) {
		bool orphan = below > step && goes[p] && !gone[p] && s->at[p].from != ROOT &&
		    gone[s->at[p].from];

		if (orphan)
			return BX_ERR_CORRUPT;
	}
	for (uint32_t p = 0; p < PLACES; p++)
		if (goes[p] && (below <= step || gone[p]))
			forget(s, p);
	if (below <= step)
		return BX_OK;
	return went == step ? BX_ERR_AGAIN : BX_ERR_CORRUPT;
}

/* What the request must return.  `gone`: the places that it has emptied. */
static inline enum bx_err
spec_do(struct spec *s, const struct request *r, const bool gone[PLACES])
{
	switch (r->verb) {
	case INSERT: return spec_root(s, r, false);
	case REPLY: return spec_root(s, r, true);
	case DERIVE: return spec_derive(s, r->a, &r->limits, r->b);
	case COPY: return spec_copy(s, r->a, r->b);
	case MOVE: return spec_move(s, r->a, r->b);
	case RECHARGE: return spec_recharge(s, r->a, r->b, r->uses);
	case USE: return spec_use(s, r);
	case DELETE: return spec_remove(s, r->a, true, BX_CAP_STEP_MAX, gone);
	case REVOKE: return spec_remove(s, r->a, false, BX_CAP_STEP_MAX, gone);
	case LEAF: return spec_remove(s, r->a, false, 1, gone);
	case SEAL: s->sealed[r->a] = true; return BX_OK;
	case TICK: s->now = r->now; return BX_OK;
	}
	return BX_ERR_CORRUPT;
}

static inline bool
same_state(const struct spec *a, const struct spec *b)
{
	for (uint32_t p = 0; p < PLACES; p++)
		if (memcmp(&a->at[p].cap, &b->at[p].cap, sizeof a->at[p].cap) != 0 ||
		    a->at[p].from != b->at[p].from)
			return false;
	return memcmp(a->sealed, b->sealed, sizeof a->sealed) == 0 && a->now == b->now;
}

/* What comes from `parent` against it: a sentence of section 6 that is broken, or NULL. */
static inline const char *
broken_between(const struct bx_cap *parent, const struct bx_cap *cap)
{
	if (parent->type != cap->type || parent->object.index != cap->object.index ||
	    parent->object.generation != cap->object.generation)
		return "derived from something of the same object";
	if ((cap->rights | parent->rights) != parent->rights || cap->expiry > parent->expiry ||
	    cap->first < parent->first ||
	    cap->first + cap->count > parent->first + parent->count ||
	    (parent->uses != BX_CAP_USES_UNLIMITED && cap->uses == BX_CAP_USES_UNLIMITED) ||
	    (parent->badge != 0 && cap->badge != parent->badge))
		return "monotonic in every dimension";
	return NULL;
}

/* The uses of all that is there for the object which is inserted with counted uses only. */
static inline uint64_t
counted_uses(const struct spec *s)
{
	uint64_t sum = 0;

	for (uint32_t p = 0; p < PLACES; p++)
		if (!empty(s, p) && s->at[p].cap.object.index == COUNTED_OBJECT)
			sum += s->at[p].cap.uses;
	return sum;
}

/* Sentences of section 6, of one step from `before` to `after`; NULL, or the one that is broken. */
static inline const char *
broken_sentence(const struct spec *before, const struct spec *after, const struct request *r,
    enum bx_err err)
{
	for (uint32_t p = 0; p < PLACES; p++) {
		const struct bx_cap *cap = &after->at[p].cap, *had = &before->at[p].cap;
		const char *broken;

		if (before->sealed[p / EACH] && !after->sealed[p / EACH])
			return "a seal is for ever";
		if (sealed(before, p) && !for_replies(p) && !empty(after, p) &&
		    (empty(before, p) || had->rights != cap->rights || had->type != cap->type ||
		    had->object.index != cap->object.index || had->expiry != cap->expiry))
			return "a sealed space gains nothing";
		if (!empty(after, p) && for_replies(p) != (cap->type == BX_CAP_REPLY))
			return "slots for replies hold replies, and no others do";
		if (empty(after, p) || after->at[p].from == ROOT)
			continue;
		broken = broken_between(&after->at[after->at[p].from].cap, cap);
		if (broken != NULL)
			return broken;
	}
	if (r->verb != INSERT && counted_uses(after) > counted_uses(before))
		return "no operation makes counted uses";
	if ((r->verb == DELETE || r->verb == REVOKE) && err == BX_OK)
		for (uint32_t p = 0; p < PLACES; p++)
			if (comes_from(before, p, r->a) && !empty(after, p))
				return "revoke takes the whole subtree";
	if (err != BX_OK && err != BX_ERR_AGAIN && !same_state(before, after))
		return "a refused operation changes nothing";
	return NULL;
}

#endif
