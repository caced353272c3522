/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* scenarios.h -- systems, how they get going, and what can happen in them. */
#ifndef BRAINIX_KCORE_SCENARIOS_H
#define BRAINIX_KCORE_SCENARIOS_H

#include "model.h"

struct scenario {
	const char *name;
	struct model_shape shape;
	const struct model_op *first;	/* done once, at the beginning */
	unsigned first_ops;
	const struct model_op *op;	/* the alphabet of the short sequences */
	unsigned ops, depth;		/* depth 0: no short ones */
	bool memory;			/* frames and page tables change */
	bool random;			/* long ones too */
};

extern const struct scenario scenarios[];
extern const unsigned scenario_count;

/* Draws an op; `draw` gives a number below its argument. */
struct model_op scenario_draw(const struct scenario *scenario, uint32_t (*draw)(uint32_t));

#endif
