/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * cuts.h -- calls that are recorded with what they do to the device, and the states in which a power cut, or a device
 * that lies, can leave it.
 */
#ifndef BX_FS_TEST_CUTS_H
#define BX_FS_TEST_CUTS_H

#include "suite.h"

#define VOLUME_BYTES (2u << 20)
#define STATES_MAX 4096u
#define OBJECTS_MAX 256u

struct recording {
	struct disk disk;
	uint8_t *start;			/* the medium before the first recorded event */
	uint64_t digest[STATES_MAX];	/* after call k; 0 is the state at the start */
	uint64_t states;
	uint64_t (*object)[OBJECTS_MAX];	/* digest of each object after call k, 0 none; or NULL: not asked for */
};

/* What was tried since the beginning. */
extern uint64_t states_tried, states_deep;

unsigned long setting(const char *name, unsigned long otherwise);
/* Random calls.  `objects': with the digest of each object. */
void make_recording(struct recording *r, uint64_t seed, unsigned steps, size_t arena_bytes, enum bx_fs_hash hash,
    bool snapshots, bool objects);
void free_recording(struct recording *r);
struct bx_fs *must_mount(struct disk *d, uint32_t flags, const char *when);
uint64_t which_state(const struct recording *r, struct bx_fs *fs, struct disk *d, uint64_t low, uint64_t high,
    const char *when);
/* Every position of a recording; `subsets' states of the random modes at each.  `all': every subset of the
 * writes in flight, where they are at most ten. */
void explore(const struct recording *r, struct rng *rng, unsigned subsets, unsigned deep_every, bool all);

/* States of a device whose flush does nothing. */
struct lies {
	uint64_t tried, refused, whole, partly, continued;
};
void explore_lies(const struct recording *r, struct rng *rng, unsigned states, struct lies *lies);

/* test_fs_sequences.c */
void add_sequences(TCase *tc);

#endif
