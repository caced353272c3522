/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * support.h -- what libfs's tests share: a device in memory that records and fails on
 * request, a plain model of a volume, a canonical digest of either, and random operations
 * that are applied to both.
 */
#ifndef BX_FS_TEST_SUPPORT_H
#define BX_FS_TEST_SUPPORT_H

#include <brainix/fs.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Small and repeatable. */
struct rng {
	uint64_t state;
	const uint8_t *bytes;	/* these come first: what a fuzzer chose */
	size_t left;
};
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t limit);

/* ---- device ------------------------------------------------------------------------------ */

enum event_kind { EVENT_WRITE, EVENT_FLUSH, EVENT_CALL, EVENT_DURABLE };

struct event {
	enum event_kind kind;
	uint64_t offset;	/* WRITE */
	uint32_t length;
	uint8_t *data;
	uint64_t state;		/* CALL: the call that begins; DURABLE: what is durable from here on */
};

struct disk {
	uint8_t *bytes;
	uint64_t size;
	uint32_t sector;
	struct bx_fs_device device;

	/* recording */
	bool record;
	struct event *events;
	size_t event_count, event_room;

	/* faults; counts of calls left before each, -1 never */
	int64_t fail_read, fail_write, fail_flush;
	int64_t flip_read;		/* ... until one is given with a wrong byte */
	bool fail_for_ever;
	bool write_is_error;	/* a write is a mistake of the library */

	/* what was done */
	uint64_t reads, writes, flushes, bytes_read, bytes_written;

	/* copy-on-write over another disk: blocks that differ are marked */
	const uint8_t *below;
	uint8_t *own;		/* one byte a block */
	uint32_t *own_list;
	uint32_t own_count;
};

void disk_init(struct disk *d, uint64_t size, uint32_t sector);
void disk_init_over(struct disk *d, const struct disk *below);
void disk_over_reset(struct disk *d);
/* The upper disk's own copy of a block, to be changed. */
uint8_t *disk_over_block(struct disk *d, uint64_t block);
void disk_free(struct disk *d);
void disk_event(struct disk *d, enum event_kind kind, uint64_t state);

/* ---- model ------------------------------------------------------------------------------- */

#define MODEL_INODES 8192

struct model_entry {
	char name[256];
	uint64_t inode;
};

struct model_attr {
	char name[256];
	uint8_t value[BX_FS_ATTR_MAX];
	size_t length;
};

struct model_inode {
	uint8_t type;		/* 0: none */
	uint16_t mode;
	uint32_t uid, gid, links;
	uint64_t size, mtime, parent;
	uint8_t *data;		/* size bytes of a file or link */
	uint64_t digest;	/* of data, when digest_valid */
	bool digest_valid, held;
	struct model_entry *entries;	/* sorted */
	size_t entry_count;
	struct model_attr *attrs;	/* sorted */
	size_t attr_count;
};

struct model {
	uint64_t next;
	struct model_inode inode[MODEL_INODES];	/* from `next' on: all 0; a copy has room for those before it only */
};

void model_init(struct model *m, uint16_t mode, uint64_t time_ns);
void model_free(struct model *m);
/* What is kept without a name does not survive a mount. */
void model_mounted(struct model *m);
uint64_t model_digest(struct model *m);
struct model *model_copy(const struct model *m);
/* Fill what is all 0, or was freed. */
void model_load(struct model *m, const struct model *from);

/* The state that a snapshot keeps. */
#define SNAPSHOTS_MAX 6u
struct kept {
	char name[BX_FS_SNAPSHOT_NAME_MAX + 1];
	struct model *model;
};

/* The same digest of a mounted volume; BX_OK or what a call returned. */
enum bx_err volume_digest(struct bx_fs *fs, uint64_t *digest);
/* Of one object: inode, content, attributes, entries. */
enum bx_err volume_object_digest(struct bx_fs *fs, uint64_t inode, uint64_t *digest);

/* ---- operations -------------------------------------------------------------------------- */

struct world {
	struct bx_fs *fs;
	struct model *model;
	struct rng rng;
	uint64_t time;
	uint64_t calls;			/* successful changing calls */
	uint64_t full;			/* calls that found the volume full */
	uint32_t file_max;		/* bytes of the largest file */
	uint32_t files_max;		/* objects */
	uint32_t write_max;		/* bytes of the longest write; 0: as it comes */
	bool allow_full;
	struct disk *disk;		/* of snapshots that are shown; NULL: no snapshots */
	bool transaction;
	bool committed;			/* a snapshot call has made all durable */
	struct kept kept[SNAPSHOTS_MAX];	/* the oldest first */
	unsigned kept_count;
	struct disk *failing;		/* reads of this one fail in changing calls: the call fails, no more */
	uint64_t failures;
	/* Called before a changing call, and after it when the model has changed. */
	void (*before)(struct world *w);
	void (*after)(struct world *w);
	/* Called when a changing call has returned, whatever it said. */
	void (*over)(struct world *w, const char *what);
	size_t payload;			/* bytes that the caller of the last write gave */
	void *context;
};

/* One random operation on volume and model.  Aborts with a message if they differ. */
void world_step(struct world *w);
void world_compare(struct world *w);
void world_step_snapshot(struct world *w);
/* Every snapshot, shown, against what was kept. */
void world_compare_snapshots(struct world *w);
/* Digests of all: the files, and every snapshot. */
uint64_t world_digest(struct world *w);
enum bx_err volume_digest_all(struct bx_fs *fs, const struct bx_fs_device *device, uint64_t *digest);
void world_free(struct world *w);

/* Checks the volume, data included; aborts with the findings if there are any. */
void volume_must_check(struct bx_fs *fs);
uint64_t volume_check(struct bx_fs *fs, bool loud);

void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
