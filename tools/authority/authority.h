/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * authority.h -- authority: who can ever reach what in a system, computed from its manifest.
 *
 *	mksystem's read.c, check.c -> struct system_model -> closure.c (struct reach)
 *		-> assertions.c (what the manifest says must hold), show.c (table, graph, state)
 *
 * What "reach" means, rule by rule, stands in closure.c.
 */
#ifndef AUTHORITY_H
#define AUTHORITY_H

#include "../mksystem/mksystem.h"

/* How a program comes to an object: the rule, and from whom. */
enum reach_rule {
	REACH_NOT,
	REACH_OWN,			/* its manifest entry grants it */
	REACH_SENT,			/* another may send it along with a message */
	REACH_REPLIED,			/* a server may send it along with a reply */
	REACH_CONTROL,			/* it controls a thread of a program that reaches it */
	REACH_DMA			/* it drives what may be a bus master */
};

struct reach_way {
	uint8_t rights;			/* BX_RIGHT_*; 0 and REACH_NOT: it never reaches the object */
	uint8_t held;			/* those of them that can be in its own space */
	uint8_t rule;			/* enum reach_rule, of the right that came last */
	uint16_t from;			/* program, unless REACH_OWN */
};

struct reach {
	const struct system_model *model;
	struct reach_way *ways;		/* [program][object] */
	bool *starts;			/* [program][program]: may start and end it */
	bool *calls;			/* [program][program]: may wait for it, directly */
};

/* Returns false when memory ran out. */
bool reach_compute(struct reach *reach, const struct system_model *model);
void reach_free(struct reach *reach);

static inline const struct reach_way *
reach_way(const struct reach *reach, uint32_t program, uint32_t object)
{
	return &reach->ways[program * reach->model->object_count + object];
}

/* What must hold in every system, and what the manifest asserts of this one; complains.
 * Returns false when memory ran out. */
bool assertions_check(const struct reach *reach, struct diagnostics *diagnostics);

/* For people: each program, what it reaches, and how. */
void show_table(const struct reach *reach, FILE *out);
/* For Graphviz. */
void show_graph(const struct reach *reach, FILE *out);
/* The capabilities of every program right after its launch, one a line:
 * PROGRAM SLOT NAME TYPE RIGHTS OBJECT RANGE USES BADGE LIFETIME PARENT, and the digest of that, a program a
 * line: PROGRAM DIGEST; what the running kernel must say of itself. */
void show_state(const struct system_model *model, FILE *out);
void show_hash(const struct system_model *model, FILE *out);

/* "rwx", with '-' for each right that is not there: read, write, grant, grant-reply (a), execute. */
#define RIGHTS_TEXT	6
const char *rights_text(uint32_t rights, char text[RIGHTS_TEXT]);

#endif
