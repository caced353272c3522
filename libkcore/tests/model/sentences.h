/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sentences.h -- sentences of the design, sections 6 and 7, asked of the core's state after every step.
 *
 * The specification (spec.h) may have the core's own faults: then nothing differs.  These sentences
 * share nothing with it.  They look at what has happened and at the core's structures, and remember
 * what a bystander would: which capability came to lie where, what each thread has begun to say and
 * by which capabilities, what a space held when it was sealed, how much time was used.
 *
 *	badge	a message has the badge of a capability for the endpoint that it was taken at, which its
 *		sender's call has named; who takes it has named one, too
 *	dormant	nothing is sent, queued or received by a capability that has had no use to give
 *	revoked	nothing is sent or received by a capability that is gone, and nobody waits by it
 *	once	who sends is told that it was taken when it was, once; an answer is given by who took the call
 *	fault	a fault that waits ends its program only when its handler is gone, or does not want it
 *	sealed	a sealed space holds what it held when it was sealed, less what went, and replies
 *	replies	who waits for an answer is known to one server, which holds the one reply there is
 *	queues	who is queued is in one queue, that of what it waits for, and nobody else is in it
 *	runs	nobody who has time is READY above who runs
 *	budget	who runs has not used more than its periods gave
 */
#ifndef BRAINIX_KCORE_SENTENCES_H
#define BRAINIX_KCORE_SENTENCES_H

#include "../../src/core.h"
#include "spec.h"

#define SENTENCE_CAPS	6u		/* that one call may name, when its slot is filled anew */

/* A capability that the call of a thread has named, as it was then. */
struct named_cap {
	uint32_t id;
	uint32_t endpoint;
	uint64_t badge;
	uint8_t rights;
	bool usable;			/* it has had a use to give since it was named */
	bool gone;			/* since the end of an earlier step */
};

enum speech { SPEECH_NONE, SPEECH_SEND, SPEECH_CALL, SPEECH_RECEIVE };

/* A system call under way. */
struct speech_of {
	uint8_t kind, count;
	bool taken, many;		/* many: more than can be remembered */
	uint32_t server;		/* program that has taken the call, or BX_NONE */
	uint64_t slot;			/* index in its space */
	struct named_cap named[SENTENCE_CAPS];
};

struct sentences {
	uint32_t ids;			/* given so far */
	uint32_t id[SPEC_PROGRAMS][SPEC_SLOTS];	/* of the capability in each slot; it moves with it */
	struct bx_cap cap[SPEC_PROGRAMS][SPEC_SLOTS];
	struct speech_of speech[SPEC_THREADS];
	struct bx_cap frozen[SPEC_PROGRAMS][SPEC_SLOTS];	/* type NONE: empty, and stays so */
	uint32_t frozen_generation[SPEC_PROGRAMS];
	uint32_t current, account;
	uint64_t now, timer, used[SPEC_THREADS], began;
	struct {
		uint8_t state, call_kind, restart;
		uint32_t partner;
	} thread[SPEC_THREADS];		/* before the step */
	uint32_t program_state[SPEC_PROGRAMS], server[SPEC_ENDPOINTS];
};

void sentences_begin(struct sentences *said, const struct bx_kcore *core, uint64_t now);
/* Before the step, and after it: NULL, or the sentence that does not hold. */
void sentences_before(struct sentences *said, const struct bx_kcore *core,
    const struct spec_event *event);
const char *sentences_broken(struct sentences *said, const struct bx_kcore *core,
    const struct spec_event *event);
/* What it remembers of calls under way, for the fingerprint of a state. */
uint64_t sentences_print(const struct sentences *said, uint64_t hash,
    uint64_t (*mix_word)(uint64_t, uint64_t));

#endif
