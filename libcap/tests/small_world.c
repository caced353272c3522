/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * small_world.c -- libcap beside a specification, over every sequence of operations in a small world.
 *
 *	small_world [--depth N]
 *
 * The world: two spaces, each of two plain slots and one for replies, two moments in time.  The
 * operations: all of cap.h with every place, one place that is none, and arguments that are just
 * allowed and just not allowed.  Every operation can be tried in every state; most are refused.
 *
 * The specification is written from design, section 6, and the contracts of cap.h: capabilities
 * lie in places and name the place that they came from; there are no links to keep right, and what
 * comes from something is found by searching.  After each step result and state must be what the
 * specification says, and some sentences of section 6 must hold of the step as they stand.
 *
 * States that were reached before are not gone on from again: what follows depends on the state
 * alone.  So all sequences up to the depth are covered, though each state is visited once.  A state
 * is remembered by a 128-bit fingerprint.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <brainix/cap.h>

#define SPACES		2u
#define PLAIN		2u
#define PLACES_EACH	3u			/* PLAIN and one for replies */
#define PLACES		(SPACES * PLACES_EACH)
#define NO_PLACE	PLACES			/* index PLACES_EACH of space 0 */
#define ROOT		255u
#define DEPTH_DEFAULT	4u

_Noreturn void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "%s: %s\n", where, what);
	abort();
}

/* The real thing. */
struct world {
	struct bx_cap_slot slots[PLACES];
	struct bx_cap_space spaces[SPACES];
	uint64_t now;
};

/* What section 6 talks about.  `from` is a place, or ROOT. */
struct spec_cap {
	struct bx_cap cap;		/* type NONE: nothing here */
	uint32_t from;
};

struct spec {
	struct spec_cap at[PLACES];
	bool sealed[SPACES];
	uint64_t now;
};

enum verb { INSERT, REPLY, DERIVE, COPY, MOVE, RECHARGE, USE, DELETE, REVOKE, SEAL, TICK };

struct operation {
	enum verb verb;
	uint8_t a, b;			/* places; SEAL: a space */
	uint8_t variant;
};

static const char *const verb_names[] = { "insert", "reply", "derive", "copy", "move", "recharge", "use",
	"delete", "revoke", "seal", "tick" };

/* Root capabilities: an unlimited one and a counted one with a badge. */
static const struct bx_cap roots[] = {
	{ .type = BX_CAP_MEMORY, .rights = BX_RIGHT_READ | BX_RIGHT_WRITE,
	  .uses = BX_CAP_USES_UNLIMITED, .object = { 1, 1 }, .expiry = BX_CAP_EXPIRY_NEVER, .count = 2 },
	{ .type = BX_CAP_ENDPOINT, .rights = BX_RIGHT_WRITE, .uses = 2, .badge = 9, .object = { 2, 1 },
	  .expiry = BX_CAP_EXPIRY_NEVER },
};
static const struct bx_cap reply_cap = { .type = BX_CAP_REPLY, .uses = 1, .object = { 3, 1 },
	.expiry = BX_CAP_EXPIRY_NEVER };

#define LIMIT_VARIANTS	6u

/* What a derivation asks for: what the source has, but for one thing. */
static struct bx_cap_limits
limits_of(const struct bx_cap *source, uint8_t variant)
{
	struct bx_cap_limits limits = { .rights = source->rights, .uses = source->uses,
	    .expiry = source->expiry, .first = source->first, .count = source->count };

	switch (variant) {
	case 0: limits.rights = BX_RIGHT_WRITE; break;
	case 1: limits.rights = BX_RIGHT_WRITE | BX_RIGHT_GRANT; break;	/* too much */
	case 2: limits.uses = 1; break;
	case 3: limits.expiry = 1; limits.uses = 0; break;
	case 4: limits.badge = 5; break;			/* once only */
	case 5: limits.first = 1; limits.count = 1; break;	/* once only */
	}
	return limits;
}

/*
 * The specification.
 */
static bool
no_slot(uint32_t place)
{
	return place >= PLACES;
}

static bool
for_replies(uint32_t place)
{
	return place % PLACES_EACH >= PLAIN;
}

static bool
sealed(const struct spec *s, uint32_t place)
{
	return s->sealed[place / PLACES_EACH];
}

static bool
empty(const struct spec *s, uint32_t place)
{
	return s->at[place].cap.type == BX_CAP_NONE;
}

static bool
comes_from(const struct spec *s, uint32_t place, uint32_t origin)
{
	while (!empty(s, place) && s->at[place].from != ROOT) {
		place = s->at[place].from;
		if (place == origin)
			return true;
	}
	return false;
}

static void
forget(struct spec *s, uint32_t place)
{
	s->at[place] = (struct spec_cap){ .from = ROOT };
}

static enum bx_err
spec_root(struct spec *s, uint32_t to, const struct bx_cap *cap, bool reply)
{
	if (no_slot(to) || for_replies(to) != reply)
		return BX_ERR_CAP_SLOT;
	if (!reply && sealed(s, to))
		return BX_ERR_CAP_SEALED;
	if (!empty(s, to))
		return BX_ERR_CAP_OCCUPIED;
	s->at[to] = (struct spec_cap){ *cap, ROOT };
	return BX_OK;
}

static enum bx_err
spec_derive(struct spec *s, uint32_t from, const struct bx_cap_limits *want, uint32_t to)
{
	struct bx_cap *source, made;

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
	for (uint8_t right = 1; right <= BX_RIGHT_ALL; right = (uint8_t)(right * 2))
		if ((want->rights & right) && !(source->rights & right))
			return BX_ERR_CAP_RIGHTS;
	if (want->badge != 0 && source->badge != 0)
		return BX_ERR_CAP_BADGE;
	if (source->uses != BX_CAP_USES_UNLIMITED &&
	    (want->uses == BX_CAP_USES_UNLIMITED || want->uses > source->uses))
		return BX_ERR_CAP_USED_UP;
	if (want->expiry > source->expiry)
		return BX_ERR_CAP_EXPIRED;
	if (want->first < source->first || want->first + want->count > source->first + source->count)
		return BX_ERR_RANGE;
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

static enum bx_err
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
	for (uint32_t p = 0; p < PLACES; p++)
		if (comes_from(s, p, from))
			return BX_ERR_BUSY;
	s->at[to] = s->at[from];
	forget(s, from);
	return BX_OK;
}

static enum bx_err
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
	if (taker->uses == BX_CAP_USES_UNLIMITED)
		return BX_ERR_INVALID;
	if (giver->uses != BX_CAP_USES_UNLIMITED) {
		if (giver->uses < uses)
			return BX_ERR_CAP_USED_UP;
		giver->uses -= uses;
	}
	taker->uses += uses;
	return BX_OK;
}

static enum bx_err
spec_use(struct spec *s, uint32_t place, uint8_t right)
{
	struct bx_cap *cap;

	if (no_slot(place))
		return BX_ERR_CAP_SLOT;
	cap = &s->at[place].cap;
	if (empty(s, place))
		return BX_ERR_CAP_EMPTY;
	if (cap->type != BX_CAP_MEMORY)
		return BX_ERR_CAP_TYPE;
	if (!(cap->rights & right))
		return BX_ERR_CAP_RIGHTS;
	if (cap->expiry <= s->now)
		return BX_ERR_CAP_EXPIRED;
	if (cap->uses == 0)
		return BX_ERR_CAP_USED_UP;
	if (cap->uses != BX_CAP_USES_UNLIMITED)
		cap->uses--;
	return BX_OK;
}

static enum bx_err
spec_remove(struct spec *s, uint32_t place, bool itself)
{
	bool goes[PLACES];

	if (no_slot(place))
		return BX_ERR_CAP_SLOT;
	if (empty(s, place))
		return BX_ERR_CAP_EMPTY;
	for (uint32_t p = 0; p < PLACES; p++)
		goes[p] = comes_from(s, p, place) || (itself && p == place);
	for (uint32_t p = 0; p < PLACES; p++)
		if (goes[p])
			forget(s, p);
	return BX_OK;
}

static enum bx_err
spec_step(struct spec *s, const struct operation *o)
{
	struct bx_cap_limits limits = { 0 };

	if (!no_slot(o->a))
		limits = limits_of(&s->at[o->a].cap, o->verb == COPY ? LIMIT_VARIANTS : o->variant);
	switch (o->verb) {
	case INSERT: return spec_root(s, o->a, &roots[o->variant], false);
	case REPLY: return spec_root(s, o->a, &reply_cap, true);
	case DERIVE:
	case COPY: return spec_derive(s, o->a, &limits, o->b);
	case MOVE: return spec_move(s, o->a, o->b);
	case RECHARGE: return spec_recharge(s, o->a, o->b, 1);
	case USE: return spec_use(s, o->a, o->variant);
	case DELETE: return spec_remove(s, o->a, true);
	case REVOKE: return spec_remove(s, o->a, false);
	case SEAL: s->sealed[o->a] = true; return BX_OK;
	case TICK: s->now = 1; return BX_OK;
	}
	return BX_ERR_INVALID;
}

/*
 * The real one.
 */
static struct bx_cap_place
real_place(const struct world *w, uint32_t place)
{
	if (place == NO_PLACE)
		return (struct bx_cap_place){ &w->spaces[0], PLACES_EACH };
	return (struct bx_cap_place){ &w->spaces[place / PLACES_EACH], place % PLACES_EACH };
}

static enum bx_err
real_step(struct world *w, const struct operation *o)
{
	struct bx_cap_forest forest = { w->slots, PLACES };
	struct bx_cap_place a = real_place(w, o->a), b = real_place(w, o->b);
	struct bx_cap_limits limits = { 0 };
	uint32_t slot;
	enum bx_err err;

	if (o->verb == DERIVE && o->a != NO_PLACE)
		limits = limits_of(&w->slots[o->a].cap, o->variant);
	switch (o->verb) {
	case INSERT: return bx_cap_insert(&forest, a, &roots[o->variant]);
	case REPLY: return bx_cap_reply_insert(&forest, a, &reply_cap);
	case DERIVE: return bx_cap_derive(&forest, a, &limits, b, w->now);
	case COPY: return bx_cap_copy(&forest, a, b, w->now);
	case MOVE: return bx_cap_move(&forest, a, b);
	case RECHARGE: return bx_cap_recharge(&forest, a, b, 1, w->now);
	case USE:
		err = bx_cap_lookup(&forest, a, BX_CAP_MEMORY, o->variant, w->now, &slot);
		if (err == BX_OK)
			bx_cap_use(&forest, slot);
		return err;
	case DELETE: return bx_cap_delete(&forest, a);
	case REVOKE: return bx_cap_revoke(&forest, a);
	case SEAL: bx_cap_space_seal(&w->spaces[o->a]); return BX_OK;
	case TICK: w->now = 1; return BX_OK;
	}
	return BX_ERR_INVALID;
}

/* What the specification would call this world. */
static void
abstract(const struct world *w, struct spec *s)
{
	memset(s, 0, sizeof *s);
	for (uint32_t p = 0; p < PLACES; p++) {
		s->at[p].cap = w->slots[p].cap;
		s->at[p].from = w->slots[p].parent == BX_CAP_SLOT_NONE ? ROOT : w->slots[p].parent;
	}
	for (uint32_t i = 0; i < SPACES; i++)
		s->sealed[i] = w->spaces[i].sealed;
	s->now = w->now;
}

static bool
same(const struct spec *a, const struct spec *b)
{
	for (uint32_t p = 0; p < PLACES; p++)
		if (memcmp(&a->at[p].cap, &b->at[p].cap, sizeof a->at[p].cap) != 0 ||
		    a->at[p].from != b->at[p].from)
			return false;
	return a->sealed[0] == b->sealed[0] && a->sealed[1] == b->sealed[1] && a->now == b->now;
}

/* Sentences of section 6, of one step from `before` to `after`; NULL, or the one that is broken. */
static const char *
broken_sentence(const struct spec *before, const struct spec *after, const struct operation *o,
    enum bx_err err)
{
	uint64_t uses_before = 0, uses_after = 0;

	for (uint32_t p = 0; p < PLACES; p++) {
		const struct bx_cap *cap = &after->at[p].cap, *parent;

		if (before->sealed[p / PLACES_EACH] && !after->sealed[p / PLACES_EACH])
			return "a seal is for ever";
		if (sealed(before, p) && !for_replies(p) && !empty(after, p) &&
		    (empty(before, p) || before->at[p].cap.rights != cap->rights ||
		    before->at[p].cap.object.index != cap->object.index))
			return "a sealed space gains nothing";
		if (for_replies(p) && !empty(after, p) && cap->type != BX_CAP_REPLY)
			return "slots for replies hold replies";
		if (cap->type == BX_CAP_ENDPOINT)
			uses_after += cap->uses;
		if (before->at[p].cap.type == BX_CAP_ENDPOINT)
			uses_before += before->at[p].cap.uses;
		if (empty(after, p) || after->at[p].from == ROOT)
			continue;
		parent = &after->at[after->at[p].from].cap;
		if (parent->type != cap->type || parent->object.index != cap->object.index)
			return "derived from something of the same object";
		if ((cap->rights | parent->rights) != parent->rights || cap->expiry > parent->expiry ||
		    cap->first < parent->first ||
		    cap->first + cap->count > parent->first + parent->count ||
		    (parent->uses != BX_CAP_USES_UNLIMITED && cap->uses == BX_CAP_USES_UNLIMITED) ||
		    (parent->badge != 0 && cap->badge != parent->badge))
			return "monotonic in every dimension";
	}
	if (o->verb != INSERT && uses_after > uses_before)
		return "no operation makes counted uses";
	if ((o->verb == DELETE || o->verb == REVOKE) && err == BX_OK)
		for (uint32_t p = 0; p < PLACES; p++)
			if (comes_from(before, p, o->a) && !empty(after, p))
				return "revoke takes the whole subtree";
	if (err != BX_OK && !same(before, after))
		return "a refused operation changes nothing";
	return NULL;
}

/*
 * The search.
 */
#define OPERATIONS_MAX	1024u

static struct operation operations[OPERATIONS_MAX];
static uint32_t operation_count;

static void
add(enum verb verb, uint32_t a, uint32_t b, uint32_t variant)
{
	if (operation_count == OPERATIONS_MAX)
		abort();
	operations[operation_count++] = (struct operation){ verb, (uint8_t)a, (uint8_t)b,
	    (uint8_t)variant };
}

static void
make_operations(void)
{
	for (uint32_t a = 0; a <= NO_PLACE; a++) {
		for (uint32_t v = 0; v < BX_ARRAY_COUNT(roots); v++)
			add(INSERT, a, 0, v);
		add(REPLY, a, 0, 0);
		add(USE, a, 0, BX_RIGHT_READ);
		add(USE, a, 0, BX_RIGHT_WRITE);
		add(DELETE, a, 0, 0);
		add(REVOKE, a, 0, 0);
		for (uint32_t b = 0; b <= NO_PLACE; b++) {
			for (uint32_t v = 0; v < LIMIT_VARIANTS; v++)
				add(DERIVE, a, b, v);
			add(COPY, a, b, 0);
			add(MOVE, a, b, 0);
			add(RECHARGE, a, b, 0);
		}
	}
	add(SEAL, 0, 0, 0);
	add(SEAL, 1, 0, 0);
	add(TICK, 0, 0, 0);
}

struct fingerprint {
	uint64_t low, high;
};

static struct fingerprint *seen;
static uint64_t seen_count, seen_room;

static void *
room_for(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (memory == NULL) {
		fputs("small_world: no memory\n", stderr);
		exit(99);
	}
	return memory;
}

static struct fingerprint
fingerprint_of(const struct world *w)
{
	struct fingerprint f = { 0x9e3779b97f4a7c15u, 0xc2b2ae3d27d4eb4fu };
	uint64_t words[sizeof w->slots / 8 + 1];

	memcpy(words, w->slots, sizeof w->slots);
	words[sizeof w->slots / 8] = (uint64_t)w->spaces[0].sealed | (uint64_t)w->spaces[1].sealed << 1 |
	    w->now << 2;
	for (size_t i = 0; i < BX_ARRAY_COUNT(words); i++) {
		f.low = (f.low ^ words[i]) * 0xff51afd7ed558ccdu;
		f.low ^= f.low >> 32;
		f.high = (f.high + words[i]) * 0xc4ceb9fe1a85ec53u;
		f.high ^= f.high >> 29;
	}
	f.low |= f.low == 0;
	return f;
}

static bool
seen_put(struct fingerprint *table, uint64_t room, struct fingerprint f)
{
	uint64_t i = f.low & (room - 1);

	for (; table[i].low != 0; i = (i + 1) & (room - 1))
		if (table[i].low == f.low && table[i].high == f.high)
			return false;
	table[i] = f;
	return true;
}

/* Whether the state is new; it is not the next time. */
static bool
is_new(const struct world *w)
{
	if (seen_count * 2 >= seen_room) {
		uint64_t room = seen_room == 0 ? 1u << 16 : seen_room * 2;
		struct fingerprint *table = room_for(room, sizeof *table);

		for (uint64_t i = 0; i < seen_room; i++)
			if (seen[i].low != 0)
				(void)seen_put(table, room, seen[i]);
		free(seen);
		seen = table;
		seen_room = room;
	}
	if (!seen_put(seen, seen_room, fingerprint_of(w)))
		return false;
	seen_count++;
	return true;
}

static void
show(const struct spec *s)
{
	for (uint32_t p = 0; p < PLACES; p++) {
		const struct bx_cap *cap = &s->at[p].cap;

		if (!empty(s, p))
			fprintf(stderr, "  place %u: type %u rights %x uses %u badge %llu expiry %llx "
			    "range %llu+%llu depth %u from %u\n", p, cap->type, cap->rights, cap->uses,
			    (unsigned long long)cap->badge, (unsigned long long)cap->expiry,
			    (unsigned long long)cap->first, (unsigned long long)cap->count, cap->depth,
			    s->at[p].from);
	}
	fprintf(stderr, "  sealed %d %d, now %llu\n", s->sealed[0], s->sealed[1],
	    (unsigned long long)s->now);
}

/* One operation from one state.  Returns whether both sides agree; *next is the world after it. */
static bool
try(const struct world *start, const struct operation *o, struct world *next)
{
	struct spec before, want, have;
	enum bx_err want_err, have_err;
	const char *broken;
	uint32_t bad;

	abstract(start, &before);
	want = before;
	*next = *start;
	want_err = spec_step(&want, o);
	have_err = real_step(next, o);
	abstract(next, &have);
	broken = broken_sentence(&before, &have, o, have_err);
	if (broken == NULL && want_err == have_err && same(&want, &have) &&
	    bx_cap_forest_sound(&(struct bx_cap_forest){ next->slots, PLACES }, &bad))
		return true;
	fprintf(stderr, "%s %u %u %u: %s, the specification says %s%s%s\nbefore\n",
	    verb_names[o->verb], o->a, o->b, o->variant, bx_err_name(have_err), bx_err_name(want_err),
	    broken != NULL ? "; broken: " : "", broken != NULL ? broken : "");
	show(&before);
	fprintf(stderr, "after\n");
	show(&have);
	fprintf(stderr, "specified\n");
	show(&want);
	return false;
}

int
main(int argc, char **argv)
{
	unsigned depth = DEPTH_DEFAULT;
	struct world *level, *next, after;
	uint64_t level_count = 1, next_count, next_room, steps = 0;
	double sequences = 0, of_length = 1;
	clock_t begin = clock();
	struct bx_cap_forest forest;

	if (argc == 3 && strcmp(argv[1], "--depth") == 0)
		depth = (unsigned)strtoul(argv[2], NULL, 10);
	else if (argc != 1) {
		fputs("usage: small_world [--depth N]\n", stderr);
		return 2;
	}
	make_operations();
	level = room_for(1, sizeof *level);
	bx_cap_forest_init(&forest, level->slots, PLACES);
	for (uint32_t i = 0; i < SPACES; i++)
		if (bx_cap_space_init(&forest, i * PLACES_EACH, PLACES_EACH, PLAIN, &level->spaces[i]) != BX_OK)
			return 1;
	(void)is_new(level);
	for (unsigned length = 1; length <= depth; length++) {
		of_length *= operation_count;
		sequences += of_length;
		next = NULL;
		next_count = next_room = 0;
		for (uint64_t i = 0; i < level_count; i++)
			for (uint32_t o = 0; o < operation_count; o++) {
				steps++;
				if (!try(&level[i], &operations[o], &after)) {
					printf("libcap small world: disagreement after %u operations\n", length);
					return 1;
				}
				if (!is_new(&after) || length == depth)
					continue;
				if (next_count == next_room) {
					next_room = next_room == 0 ? 1024 : next_room * 2;
					next = realloc(next, next_room * sizeof *next);
					if (next == NULL)
						return 99;
				}
				next[next_count++] = after;
			}
		free(level);
		level = next;
		level_count = next_count;
		printf("libcap small world: depth %u, %u operations: %.4g sequences, %llu states, %llu steps, %.1f s\n",
		    length, operation_count, sequences, (unsigned long long)seen_count,
		    (unsigned long long)steps, (double)(clock() - begin) / CLOCKS_PER_SEC);
		fflush(stdout);
	}
	free(level);
	free(seen);
	return 0;
}
