/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * lender.c -- capabilities at work between programs with open spaces, on the real machine: `run lend
 * NAME' tries the case of that name.  What must not happen is reported by a line that begins
 * with "BREACH", for which the test looks; "lend NAME: holds" is the last line of a case that went as it
 * must.  When the program ends, all that it has lent ends with it.
 */
#include "../attacks/attack.h"
#include "lending.h"

#define CHAIN		60u		/* copies of copies: the deepest there may be is 64 */
#define CHAIN_LIMIT	80u		/* where a chain without end is given up */
#define VAULT_PROGRAM	4u		/* its number in the manifest */
#define MANY		200u		/* copies beside each other: more than one step of a revocation */

struct lender {
	struct attacker attacker;	/* words and counting, common.c */
	const struct bx_sys *sys;
	uint32_t friend;		/* the borrower's inbox, with every right */
	uint32_t plain;			/* the same without grant */
	uint32_t mute;			/* the same without grant-reply */
	uint32_t vault;			/* the sealed one's inbox, with every right */
	uint32_t bell;			/* notification: read, write */
	uint32_t page;			/* memory */
	uint32_t space;			/* the borrower's space */
	uint32_t free;
};

static void
must(struct lender *l, const char *what, enum bx_err have, enum bx_err want)
{
	if (have != want)
		say(&l->attacker, "BREACH: %s: %s, not %s", what, bx_err_name(have), bx_err_name(want));
}

static void
must_be(struct lender *l, const char *what, uint64_t have, uint64_t want)
{
	if (have != want)
		say(&l->attacker, "BREACH: %s: 0x%lx, not 0x%lx", what, have, want);
}

/* A call to a borrower, with a capability; the answer's words in *words. */
static enum bx_err
ask_with(struct lender *l, uint32_t whom, uint32_t cap, struct bx_sys_words *words)
{
	struct bx_ipc_message message = { .label = words->label, .cap_slot = cap };
	struct bx_ipc_message answer = { .cap_slot = BX_SLOT_NONE };
	enum bx_err err;

	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		message.word[i] = words->word[i];
	err = bx_sys_message_call(whom, bx_sys_deadline_in_us(l->sys, LONG_US), &message, &answer);
	for (unsigned i = 0; err == BX_OK && i < BX_IPC_WORDS; i++)
		words->word[i] = answer.word[i];
	return err;
}

/* What the borrower's own call came to. */
static enum bx_err
ask(struct lender *l, uint64_t label, uint64_t word0, struct bx_sys_words *words)
{
	enum bx_err err;

	*words = (struct bx_sys_words){ .label = label, .word = { word0, word0 } };
	err = ask_with(l, l->friend, BX_SLOT_NONE, words);
	if (err != BX_OK) {
		must(l, "a call", err, BX_OK);
		return err;
	}
	return (enum bx_err)(int64_t)words->word[0];
}

static enum bx_err
borrower(struct lender *l, uint64_t label)
{
	struct bx_sys_words words;

	return ask(l, label, 0, &words);
}

static void
lend(struct lender *l, uint32_t cap)
{
	struct bx_sys_words words = { .label = BORROW_TAKE };

	must(l, "lending", ask_with(l, l->friend, cap, &words), BX_OK);
	must_be(l, "a capability came along", words.word[1], 1);
}

/* What `cap` has, but for what is then changed. */
static struct bx_derive
same(const struct lender *l, uint32_t cap, uint32_t to)
{
	uint64_t value[2] = { 0, 0 };
	struct bx_derive derive = { .to = to, .expiry = BX_CAP_EXPIRY_NEVER,
		.count = cap == l->page ? 1 : 0 };

	bx_err_ignore(bx_sys_cap_info(cap, value));
	derive.rights = value[0] >> 8 & 0xff;
	derive.uses = value[0] >> 32;
	return derive;
}

/* ---- transfer */

static void
needs_grant(struct lender *l)
{
	struct bx_sys_words words = { .label = BORROW_TAKE };

	must(l, "a call that carries a capability, without grant", ask_with(l, l->plain, l->bell, &words),
	    BX_ERR_CAP_RIGHTS);
	must(l, "a call without grant-reply", ask_with(l, l->mute, BX_SLOT_NONE, &words),
	    BX_ERR_CAP_RIGHTS);
	must(l, "an empty slot sent along", ask_with(l, l->friend, l->free, &words), BX_ERR_CAP_EMPTY);
	must(l, "what the borrower has", borrower(l, BORROW_INFO), BX_ERR_CAP_EMPTY);
	must(l, "a call of words, without grant", ask_with(l, l->plain, BX_SLOT_NONE, &words), BX_OK);
	must(l, "sending without grant", bx_sys_message_send(l->plain, bx_sys_deadline_in_us(l->sys,
	    LONG_US), &(struct bx_ipc_message){ .label = BORROW_TAKE, .cap_slot = l->bell }),
	    BX_ERR_CAP_RIGHTS);
}

static void
sealed_takes_none(struct lender *l)
{
	struct bx_sys_words words = { .label = BORROW_TAKE };

	must(l, "lending to a sealed space", ask_with(l, l->vault, l->bell, &words), BX_ERR_CAP_SEALED);
	words = (struct bx_sys_words){ .label = BORROW_INFO };
	must(l, "asking the sealed one", ask_with(l, l->vault, BX_SLOT_NONE, &words), BX_OK);
	must(l, "what it has", (enum bx_err)(int64_t)words.word[0], BX_ERR_CAP_EMPTY);
}

/* An answer carries a capability when the server's own capability for the endpoint has grant. */
static void
answers_carry(struct lender *l)
{
	struct bx_ipc_message message = { .label = BORROW_GIVE, .cap_slot = BX_SLOT_NONE }, answer;
	uint64_t deadline = bx_sys_deadline_in_us(l->sys, LONG_US);
	uint64_t bits;

	answer = (struct bx_ipc_message){ .cap_slot = l->free };
	must(l, "an answer with a capability", bx_sys_message_call(l->friend, deadline, &message, &answer),
	    BX_OK);
	must_be(l, "it came", answer.cap_slot, l->free);
	must(l, "signal by what came", bx_sys_signal(l->free), BX_OK);
	must(l, "wait by what came", bx_sys_wait(l->free, 0, &bits), BX_ERR_CAP_RIGHTS);
	answer = (struct bx_ipc_message){ .cap_slot = l->free };
	must(l, "into a slot that is taken", bx_sys_message_call(l->friend, deadline, &message, &answer),
	    BX_ERR_CAP_OCCUPIED);
	must(l, "giving it back", bx_sys_cap_delete(l->free), BX_OK);
	answer = (struct bx_ipc_message){ .cap_slot = l->free };
	must(l, "an answer of one without grant", bx_sys_message_call(l->vault, deadline, &message,
	    &answer), BX_ERR_PEER_DIED);
	must(l, "what is here", bx_sys_signal(l->free), BX_ERR_CAP_EMPTY);
}

/* ---- derivation */

static void
derived_is_less(struct lender *l)
{
	struct bx_derive derive;
	struct bx_sys_words words;
	uint64_t value[2], bits;

	for (uint64_t rights = 0; rights < 64; rights++) {
		bool within = (rights & ~(uint64_t)(BX_RIGHT_READ | BX_RIGHT_WRITE)) == 0;

		derive = same(l, l->bell, l->free);
		derive.rights = rights;
		must(l, "a set of rights", bx_sys_cap_derive(l->bell, &derive), within ? BX_OK :
		    BX_ERR_CAP_RIGHTS);
		if (within)
			must(l, "its end", bx_sys_cap_delete(l->free), BX_OK);
	}
	derive = same(l, l->page, l->free);
	derive.count = 2;
	must(l, "a page more", bx_sys_cap_derive(l->page, &derive), BX_ERR_RANGE);
	derive = same(l, l->bell, l->free);
	derive.badge = 4;
	must(l, "a second badge", bx_sys_cap_derive(l->bell, &derive), BX_ERR_CAP_BADGE);

	derive = same(l, l->bell, l->free);
	derive.rights = BX_RIGHT_WRITE;
	derive.uses = 5;
	derive.expiry = bx_sys_deadline_in_us(l->sys, 60000000);
	must(l, "a lesser one", bx_sys_cap_derive(l->bell, &derive), BX_OK);
	lend(l, l->free);
	must(l, "trying to widen it", ask(l, BORROW_WIDEN, 0, &words), BX_OK);
	must_be(l, "times it could", words.word[1], 0);
	must(l, "what it is", ask(l, BORROW_INFO, 0, &words), BX_OK);
	must_be(l, "type, rights, uses", words.word[1], BX_CAP_NOTIFICATION | BX_RIGHT_WRITE << 8 |
	    5ull << 32);
	must(l, "what is left here", bx_sys_cap_info(l->free, value), BX_OK);
	must_be(l, "uses here", value[0] >> 32, 0);
	must(l, "use of what was given on", bx_sys_signal(l->free), BX_ERR_CAP_USED_UP);
	must(l, "use of it there", borrower(l, BORROW_SIGNAL), BX_OK);
	must(l, "the signal", bx_sys_wait(l->bell, 0, &bits), BX_OK);
}

static void
moves(struct lender *l)
{
	must(l, "a copy", bx_sys_cap_copy(l->bell, l->free), BX_OK);
	must(l, "a copy over it", bx_sys_cap_copy(l->bell, l->free), BX_ERR_CAP_OCCUPIED);
	must(l, "moving a parent", bx_sys_cap_move(l->bell, l->free + 1), BX_ERR_BUSY);
	must(l, "moving", bx_sys_cap_move(l->free, l->free + 1), BX_OK);
	must(l, "where it was", bx_sys_signal(l->free), BX_ERR_CAP_EMPTY);
	must(l, "where it is", bx_sys_signal(l->free + 1), BX_OK);
	must(l, "into a slot for replies", bx_sys_cap_move(l->free + 1, l->sys->launch->reply_first),
	    BX_ERR_CAP_SLOT);
	must(l, "copy there", bx_sys_cap_copy(l->bell, l->sys->launch->reply_first), BX_ERR_CAP_SLOT);
	must(l, "out of the space", bx_sys_cap_move(l->free + 1, 0xffff), BX_ERR_CAP_SLOT);
	must(l, "it goes with its parent", bx_sys_cap_revoke(l->bell), BX_OK);
	must(l, "it is gone", bx_sys_signal(l->free + 1), BX_ERR_CAP_EMPTY);
	must(l, "its parent is not", bx_sys_signal(l->bell), BX_OK);
}

/* ---- revocation */

static void
revoke_at_once(struct lender *l)
{
	struct bx_sys_words words;
	uint64_t bits;

	lend(l, l->bell);
	must(l, "use", borrower(l, BORROW_SIGNAL), BX_OK);
	must(l, "copies", ask(l, BORROW_CHAIN, CHAIN, &words), BX_OK);
	must_be(l, "copies made", words.word[1], CHAIN);
	must(l, "the deepest", ask(l, BORROW_INFO, CHAIN, &words), BX_OK);
	must(l, "revocation", bx_sys_cap_revoke(l->bell), BX_OK);
	for (uint64_t i = 0; i <= CHAIN; i++)
		must(l, "a copy after it", ask(l, BORROW_INFO, i, &words), BX_ERR_CAP_EMPTY);
	must(l, "use after it", borrower(l, BORROW_SIGNAL), BX_ERR_CAP_EMPTY);
	must(l, "own use", bx_sys_signal(l->bell), BX_OK);
	must(l, "own wait", bx_sys_wait(l->bell, 0, &bits), BX_OK);
}

/* More than a step removes, each of another depth or a sibling of another. */
static void
revoke_many(struct lender *l)
{
	struct bx_sys_words words;
	uint64_t value[2];

	lend(l, l->bell);
	for (uint32_t i = 0; i < MANY; i++)
		must(l, "a copy", bx_sys_cap_copy(i % 7 == 6 ? l->free + i - 1 : l->bell, l->free + i),
		    BX_OK);
	must(l, "copies there", ask(l, BORROW_CHAIN, CHAIN, &words), BX_OK);
	must(l, "revocation", bx_sys_cap_revoke(l->bell), BX_OK);
	for (uint32_t i = 0; i < MANY; i++)
		must(l, "a copy after it", bx_sys_cap_info(l->free + i, value), BX_ERR_CAP_EMPTY);
	must(l, "the last there", ask(l, BORROW_INFO, CHAIN, &words), BX_ERR_CAP_EMPTY);
}

/* Who waits by what is taken back waits no longer. */
static void
revoke_wakes(struct lender *l)
{
	struct bx_sys_words words;
	uint64_t bits;

	bx_err_ignore(bx_sys_wait(l->bell, 0, &bits));	/* what another case has left */
	lend(l, l->bell);
	must(l, "waiting", borrower(l, BORROW_WAIT), BX_OK);
	bx_sys_sleep(bx_sys_deadline_in_us(l->sys, 20000));
	must(l, "revocation", bx_sys_cap_revoke(l->bell), BX_OK);
	must(l, "the end of the wait", ask(l, BORROW_WAITED, 0, &words), BX_ERR_CANCELLED);
	if (words.word[1] > WAIT_US / 2)
		breach(&l->attacker, "it waited to its own deadline");
}

static void
revoke_unmaps(struct lender *l)
{
	struct bx_sys_words words;

	lend(l, l->page);
	must(l, "mapping", ask(l, BORROW_MAP, 0xfeedface, &words), BX_OK);
	must(l, "the page", borrower(l, BORROW_TOUCH), BX_ERR_CAP_SLOT);	/* read, and wrong */
	must(l, "it is mapped once", bx_sys_map(l->page, 0x50000000, 0, 1, BX_MAP_READ), BX_ERR_MAPPED);
	must(l, "revocation", bx_sys_cap_revoke(l->page), BX_OK);
	must(l, "the page after it", borrower(l, BORROW_TOUCH), BX_ERR_ADDRESS);
	must(l, "own mapping", bx_sys_map(l->page, 0x50000000, 0, 1, BX_MAP_READ), BX_OK);
	must_be(l, "what is on it", *(volatile uint64_t *)0x50000000u, 0);
	must(l, "unmapping", bx_sys_unmap(l->page, 0, 1), BX_OK);
}

/* ---- time and uses */

#define LIFE_US		2500000u	/* long enough that it is used before, be the host held up or not */

static void
expires(struct lender *l)
{
	struct bx_derive derive = same(l, l->bell, l->free);
	struct bx_sys_words words;

	derive.expiry = bx_sys_deadline_in_us(l->sys, LIFE_US);
	must(l, "for a while", bx_sys_cap_derive(l->bell, &derive), BX_OK);
	lend(l, l->free);
	must(l, "in time", borrower(l, BORROW_SIGNAL), BX_OK);
	derive.to = l->free + 1;
	derive.expiry++;
	must(l, "a longer life", bx_sys_cap_derive(l->free, &derive), BX_ERR_CAP_EXPIRED);
	bx_sys_sleep(derive.expiry);
	must(l, "after it", borrower(l, BORROW_SIGNAL), BX_ERR_CAP_EXPIRED);
	must(l, "here, too", bx_sys_signal(l->free), BX_ERR_CAP_EXPIRED);
	must(l, "copies of it", ask(l, BORROW_CHAIN, 1, &words), BX_ERR_CAP_EXPIRED);
	derive.expiry = 0;
	must(l, "derivations of it", bx_sys_cap_derive(l->free, &derive), BX_ERR_CAP_EXPIRED);
}

/* The borrower's first free slot: the manifest gives it two capabilities, from slot 1 on. */
#define LENT_THERE	3u

static void
recharges(struct lender *l)
{
	struct bx_derive derive = same(l, l->bell, l->free);
	uint32_t there = LENT_THERE;
	uint64_t value[2];

	derive.uses = 10;
	must(l, "ten uses", bx_sys_cap_derive(l->bell, &derive), BX_OK);
	derive.to = l->free + 1;
	derive.uses = 2;
	must(l, "two of them", bx_sys_cap_derive(l->free, &derive), BX_OK);
	lend(l, l->free + 1);
	must(l, "once", borrower(l, BORROW_SIGNAL), BX_OK);
	must(l, "twice", borrower(l, BORROW_SIGNAL), BX_OK);
	must(l, "thrice", borrower(l, BORROW_SIGNAL), BX_ERR_CAP_USED_UP);
	must(l, "recharge by one above it", bx_sys_cap_recharge(l->free, l->space, there, 1), BX_OK);
	must(l, "once more", borrower(l, BORROW_SIGNAL), BX_OK);
	must(l, "not twice more", borrower(l, BORROW_SIGNAL), BX_ERR_CAP_USED_UP);
	must(l, "more than there are", bx_sys_cap_recharge(l->free, l->space, there, 8),
	    BX_ERR_CAP_USED_UP);
	must(l, "all that there are", bx_sys_cap_recharge(l->free, l->space, there, 7), BX_OK);
	must(l, "what is left", bx_sys_cap_info(l->free, value), BX_OK);
	must_be(l, "none", value[0] >> 32, 0);
	must(l, "from nothing", bx_sys_cap_recharge(l->free, l->space, there, 1), BX_ERR_CAP_USED_UP);
	must(l, "from without end", bx_sys_cap_recharge(l->bell, l->space, there, 1), BX_OK);
	must(l, "of a stranger", bx_sys_cap_recharge(l->page, l->space, there, 1),
	    BX_ERR_CAP_NOT_CHILD);
	must(l, "of nothing", bx_sys_cap_recharge(l->bell, l->space, there + 1, 1), BX_ERR_CAP_EMPTY);
	must(l, "without a space", bx_sys_cap_recharge(l->bell, l->bell, there, 1), BX_ERR_CAP_TYPE);
	must(l, "use of it", borrower(l, BORROW_SIGNAL), BX_OK);
}

/* As soon as its process before has been taken apart. */
static enum bx_err
vault_start(struct lender *l, uint32_t spawn)
{
	uint64_t end = bx_sys_deadline_in_us(l->sys, LONG_US);
	enum bx_err err = bx_sys_spawn(spawn, VAULT_PROGRAM, NULL, 0);

	while (err != BX_OK && bx_sys_now() < end) {
		bx_sys_sleep(bx_sys_deadline_in_us(l->sys, 1000));
		err = bx_sys_spawn(spawn, VAULT_PROGRAM, NULL, 0);
	}
	return err;
}

/* A sealed program has, from its launch, a dormant capability that this one lends by the manifest.  It
 * is woken for one action, and sleeps again: that is consent. */
static void
consents(struct lender *l)
{
	uint32_t spawn = slot_of(&l->attacker, "spawn"), space = slot_of(&l->attacker, "vault-space");
	struct bx_sys_words words = { .label = BORROW_FAVOUR };
	uint64_t bits, value[2];
	uint32_t favour;

	/* Its process is older than this one: it could not be lent anything. */
	must(l, "asking the older", ask_with(l, l->vault, BX_SLOT_NONE, &words), BX_OK);
	must(l, "its favour", (enum bx_err)(int64_t)words.word[0], BX_ERR_CAP_EMPTY);
	must(l, "its end", bx_sys_kill(spawn, VAULT_PROGRAM), BX_OK);
	must(l, "its new process", vault_start(l, spawn), BX_OK);

	words = (struct bx_sys_words){ .label = BORROW_FAVOUR };
	must(l, "asking the new", ask_with(l, l->vault, BX_SLOT_NONE, &words), BX_OK);
	must(l, "dormant", (enum bx_err)(int64_t)words.word[0], BX_ERR_CAP_USED_UP);
	favour = (uint32_t)words.word[1];
	must(l, "consent", bx_sys_cap_recharge(l->bell, space, favour, 1), BX_OK);
	words = (struct bx_sys_words){ .label = BORROW_FAVOUR };
	must(l, "asking once", ask_with(l, l->vault, BX_SLOT_NONE, &words), BX_OK);
	must(l, "the one action", (enum bx_err)(int64_t)words.word[0], BX_OK);
	must(l, "it was done", bx_sys_wait(l->bell, 0, &bits), BX_OK);
	words = (struct bx_sys_words){ .label = BORROW_FAVOUR };
	must(l, "asking twice", ask_with(l, l->vault, BX_SLOT_NONE, &words), BX_OK);
	must(l, "no second action", (enum bx_err)(int64_t)words.word[0], BX_ERR_CAP_USED_UP);
	must(l, "consent by another capability", bx_sys_cap_recharge(l->page, space, favour, 1),
	    BX_ERR_CAP_NOT_CHILD);
	must(l, "what is here", bx_sys_cap_info(l->bell, value), BX_OK);
	must_be(l, "it is without count", value[0] >> 32, BX_SLOT_NONE);
}

/* The borrower deletes what it was lent: only its own goes. */
static void
gives_back(struct lender *l)
{
	struct bx_sys_words words;

	lend(l, l->bell);
	must(l, "copies", ask(l, BORROW_CHAIN, 3, &words), BX_OK);
	must(l, "giving back", borrower(l, BORROW_DROP), BX_OK);
	must(l, "a copy after it", ask(l, BORROW_INFO, 3, &words), BX_ERR_CAP_EMPTY);
	must(l, "own use", bx_sys_signal(l->bell), BX_OK);
	lend(l, l->bell);		/* its place is free again; the end of this program takes it back */
}

/* A copy of a copy of a copy, until that is deep enough. */
static void
deep_chain(struct lender *l)
{
	enum bx_err err = bx_sys_cap_copy(l->bell, l->free);
	uint32_t made = 0;

	while (err == BX_OK && made < CHAIN_LIMIT) {
		made++;
		err = bx_sys_cap_copy(l->free + made - 1, l->free + made);
	}
	must(l, "a chain too deep", err, BX_ERR_CAP_DEPTH);
	must(l, "its end", bx_sys_cap_revoke(l->bell), BX_OK);
}

/* A signal sets the bits of its capability's badge, and no others.  One with a count goes the long way. */
static void
signals_own_bits(struct lender *l)
{
	struct bx_derive derive = same(l, l->bell, l->free);
	uint64_t value[2], bits = 0;

	derive.uses = 2;
	must(l, "two uses", bx_sys_cap_derive(l->bell, &derive), BX_OK);
	must(l, "its badge", bx_sys_cap_info(l->free, value), BX_OK);
	bx_err_ignore(bx_sys_wait(l->bell, 0, &bits));
	must(l, "signal", bx_sys_signal(l->free), BX_OK);
	must(l, "wait", bx_sys_wait(l->bell, 0, &bits), BX_OK);
	must_be(l, "bits", bits, value[1]);
	must(l, "signal the short way", bx_sys_signal(l->bell), BX_OK);
	must(l, "wait", bx_sys_wait(l->bell, 0, &bits), BX_OK);
	must_be(l, "bits", bits, value[1]);
}

/* The name of a program's space is worth nothing while there is no process. */
static void
stale_space(struct lender *l)
{
	uint32_t space = slot_of(&l->attacker, "vault-space"), spawn = slot_of(&l->attacker, "spawn");
	struct bx_derive derive = same(l, l->bell, l->free);
	uint64_t end = bx_sys_deadline_in_us(l->sys, LONG_US);
	enum bx_err err;

	derive.uses = 1;
	must(l, "one use", bx_sys_cap_derive(l->bell, &derive), BX_OK);
	must(l, "what is no descendant", bx_sys_cap_recharge(l->free, space, 1, 1),
	    BX_ERR_CAP_NOT_CHILD);
	must(l, "the end of it", bx_sys_kill(spawn, VAULT_PROGRAM), BX_OK);
	do {
		bx_sys_sleep(bx_sys_deadline_in_us(l->sys, 1000));
		err = bx_sys_cap_recharge(l->free, space, 1, 1);
	} while (err != BX_ERR_CAP_STALE && bx_sys_now() < end);
	must(l, "the space of nobody", err, BX_ERR_CAP_STALE);
	must(l, "its new process", vault_start(l, spawn), BX_OK);
	must(l, "the space of that", bx_sys_cap_recharge(l->free, space, 1, 1), BX_ERR_CAP_NOT_CHILD);
}

static const struct lending {
	const char *name;
	void (*run)(struct lender *l);
} lendings[] = {
	{ "needs-grant", needs_grant },
	{ "sealed-takes-none", sealed_takes_none },
	{ "answers-carry", answers_carry },
	{ "derived-is-less", derived_is_less },
	{ "moves", moves },
	{ "revoke-at-once", revoke_at_once },
	{ "revoke-many", revoke_many },
	{ "revoke-wakes", revoke_wakes },
	{ "revoke-unmaps", revoke_unmaps },
	{ "expires", expires },
	{ "recharges", recharges },
	{ "gives-back", gives_back },
	{ "consents", consents },
	{ "deep-chain", deep_chain },
	{ "signals-own-bits", signals_own_bits },
	{ "stale-space", stale_space },
};

int
bx_main(const struct bx_sys *sys)
{
	struct lender l = { .attacker = { .sys = sys }, .sys = sys, .free = first_free(sys) };

	l.friend = slot_of(&l.attacker, "friend");
	l.plain = slot_of(&l.attacker, "plain");
	l.mute = slot_of(&l.attacker, "mute");
	l.vault = slot_of(&l.attacker, "vault");
	l.bell = slot_of(&l.attacker, "bell");
	l.page = slot_of(&l.attacker, "page");
	l.space = slot_of(&l.attacker, "space");
	for (size_t i = 0; i < BX_ARRAY_COUNT(lendings); i++) {
		if (!argument_is(sys, lendings[i].name))
			continue;
		lendings[i].run(&l);
		if (l.attacker.breaches == 0)
			say(&l.attacker, "lend %s: holds", lendings[i].name);
		return l.attacker.breaches == 0 ? 0 : 1;
	}
	say(&l.attacker, "lend: there is no case of that name");
	return 2;
}
