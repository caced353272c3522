/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * model.h -- the kernel core on the hosted machine and the specification (spec.h), side by side.
 *
 * A system has two to four programs of one or two threads, each with the same capabilities in the same
 * slots (enum model_slot).  An op is something that happens: a system call of the current thread, time
 * that passes, an interrupt, a fault.  It is done to both; then every choice that the specification leaves
 * open is tried until its state is the core's, and every invariant of the core is asked for; before that,
 * the sentences of sentences.h.
 */
#ifndef BRAINIX_KCORE_MODEL_H
#define BRAINIX_KCORE_MODEL_H

#include "../fixture.h"
#include "sentences.h"
#include "spec.h"

enum model_slot {
	EP_A, EP_B,			/* every right; badge 0x100 * (1 + which) + program */
	NOTE,				/* read, write; badge 1 << program */
	EXITS,				/* another, read: what an end signals */
	MEMORY, IRQ, SPAWN,
	THREAD_NEXT,			/* first thread of the next program */
	THREAD_OWN,			/* own last thread */
	CSPACE_NEXT,
	COUNTED,			/* EP_A, two uses, no badge */
	TIMED,				/* EP_A, for 1000 ticks */
	MUTE,				/* EP_A: no grant, no grant-reply */
	COUNTED_NOTE,			/* NOTE, three uses */
	PORT,				/* four ports, three uses */
	POWER, AUDIT,
	FREE_1, FREE_2,
	REPLY_1, REPLY_2, REPLY_3, PAST_END
};
#define MODEL_REPLIES	(PAST_END - REPLY_1)

/* What happens besides system calls. */
#define OP_TICK		200u		/* time passes; the timer's event */
#define OP_INTERRUPT	201u
#define OP_FAULT	202u

enum model_when { AT_ONCE, PAST, SOON, LATER, FAR, NEVER };

/* What a call offers in memory; see offers[] in system.c. */
enum model_offer {
	OFFER_NOTHING, OFFER_SHORT, OFFER_LONG, OFFER_SMALL_ROOM, OFFER_BAD_STRING, OFFER_BAD_ROOM,
	OFFER_CAP, OFFER_CAP_NO_ROOM, OFFER_CAP_TAKEN, OFFER_CAP_OTHER, OFFER_CAP_FREE, OFFER_UNALIGNED,
	OFFER_BAD_BUFFERS, OFFER_TOO_LONG, OFFER_NO_SLOT, OFFER_EMPTY_SLOT, OFFER_COUNT
};

/* A small thing to write down: a sequence of them is a test. */
struct model_op {
	uint8_t verb;			/* BX_SYS_* or OP_* */
	uint8_t a, b;			/* first argument (a slot), second */
	uint8_t c, d;			/* further ones, by verb */
	uint8_t when;			/* enum model_when */
	uint8_t offer;			/* enum model_offer */
	uint8_t pending;		/* an interrupt waits while it happens */
};

/* Budgets; without them time passes in units of 10 ticks, and nobody runs out of it. */
struct model_times {
	uint32_t unit;			/* ticks */
	uint32_t budget_us[SPEC_PROGRAMS], period_us[SPEC_PROGRAMS];	/* 0: no limit */
	bool passive[SPEC_PROGRAMS];
	bool slices;			/* the unit is a good part of a time slice: states differ by them */
};

struct model_shape {
	uint8_t programs, threads;	/* threads of each program */
	uint8_t priority[SPEC_PROGRAMS];
	bool strings;			/* room for long strings */
	bool open;			/* spaces are not sealed */
	uint8_t fault_endpoint[SPEC_PROGRAMS];	/* 0: none, else endpoint + 1 */
	const struct model_times *times;	/* or NULL */
};

struct model {
	struct world world;
	struct spec spec;
	struct sentences said;
	const struct model_shape *shape;
	uint64_t serial;		/* goes into messages; 0: all are alike */
	uint64_t steps, tries, fast;
	uint64_t slice_end, audit_next, audit_dropped;	/* the core's, before what happened */
	char difference[256];
};

/* Boots it, starts all programs and their second threads.  False: see model->difference. */
bool model_make(struct model *model, const struct model_shape *shape);
void model_end(struct model *model);

enum model_result { MODEL_SAME, MODEL_IDLE, MODEL_DIFFERS };
/* MODEL_IDLE: the op needs somebody who runs, and nobody does; nothing happened. */
enum model_result model_do(struct model *model, const struct model_op *op);

/* compare.c: false, with model->difference set, or true and what is open is taken over from the core. */
bool model_same(struct model *model, const struct spec *before, const struct spec_event *event);

#endif
