/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fs-internal.h -- what the files of libfs share.  Section numbers are those of SPEC.md.
 *
 * Who calls whom, downwards only:
 *	volume.c (mount, commit)  format.c  check.c
 *	log.c (commits, replay)
 *	snapshot.c  diff.c	states that are kept
 *	dir.c  data.c  read.c  attr.c  inode.c	operations: check, prepare, act
 *	table.c  walk.c		the table of snapshots; what only one of them has
 *	edit.c			changing keys and values
 *	tree.c			finding them
 *	space.c			the map, allocation, freeing
 *	cache.c			blocks in memory, verified when read, summed when written
 *	node.c  root.c  record.c  sum.c	bytes, no state
 * with two upward calls, both to write a block out: cache.c asks edit.c and space.c to store a sum.
 */
#ifndef BX_FS_INTERNAL_H
#define BX_FS_INTERNAL_H

#include <brainix/fs.h>

/* The four that every program that links this has (base.h). */
void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int value, size_t length);
int memcmp(const void *a, const void *b, size_t length);

#define FS_SUM_MAX		32u
#define FS_LEVELS		8u	/* levels of a tree, and of the map */
#define FS_KEY_MAX		264u	/* 8 + 1 + BX_FS_NAME_MAX */
#define FS_NODE_HEAD		32u
#define FS_ITEM_MAX		1300u	/* item header, key and value */
#define FS_POINTER_MAX		(16u + FS_SUM_MAX)
#define FS_SEPARATOR_ROOM	(4u + FS_KEY_MAX + FS_POINTER_MAX + 2u)
#define FS_PENDING_BASE		96u	/* runs of blocks that can wait to become free, and 4 more a slot */
#define FS_EXTENT_SUMS		896u	/* bytes of checksums in an extent at most */
#define FS_EXTENT_MAX		(16u + FS_EXTENT_SUMS)
#define FS_INODE_BYTES		64u
#define FS_MAP_HEAD		32u
#define FS_MAP_BITS		32512u
#define FS_MAP_FANOUT		84u
#define FS_MAP_ENTRY		48u
#define FS_ROOT_BYTES		512u
#define FS_LOG_HEAD		48u
#define FS_LOG_MAX		BX_FS_BLOCK

/* The first four bytes of a block, as a little-endian number. */
#define FS_MAGIC_NODE		UINT32_C(0x444e5842)	/* "BXND" */
#define FS_MAGIC_MAP		UINT32_C(0x504d5842)	/* "BXMP" */
#define FS_MAGIC_TABLE		UINT32_C(0x4e535842)	/* "BXSN" */
#define FS_MAGIC_LOG		UINT32_C(0x474c5842)	/* "BXLG" */

#define FS_NO_SLOT		UINT32_MAX
#define FS_DIRTY_MAX		10u	/* changed blocks that wait in memory between calls, beside those of the map */
#define FS_DIRTY_MAX_FEW	7u	/* ... in a small arena */
#define FS_DIRTY_MAX_DEEP	4u	/* ... in a tree of four levels and more */
#define FS_COMMIT_MAX		14u	/* blocks that a root writes at most, beside its copies and an edited table */
#define FS_KEYS_MAX		8u	/* paths that an operation changes at most: a rename that replaces */
#define FS_SLOTS_FEW		64u	/* blocks in memory that hold so many paths for sure: 8 of 8 */
#define FS_FREES_MAX		64u	/* runs of blocks that an operation frees: 8 paths of 8 nodes, 4 and 20 extents, a walk */
#define FS_CALL_TRIM		15u	/* blocks that a call has written when it no longer writes ahead */
#define FS_MAP_TOUCH_MAX	5u	/* map leaves that may differ from the last root's before the next one is due */
#define FS_MAP_TOUCH_SLOTS	16u	/* ... that are told apart */
#define FS_STEP_ITEMS		16u	/* extents or attributes that one call removes at most */
#define FS_POOL_MAX		64u
#define FS_RESERVE		32u	/* blocks that only deleting may use */
#define FS_TURNS_A_LEVEL	4u	/* of the clock hand, more for a block with each level above the leaves */
#define FS_TURNS		32u	/* in which it meets one that is not spared: 2 and 7 levels */
#define FS_WORK_SLOTS		5u	/* clean blocks that a replay needs beside the changed ones */

enum fs_key_type {
	FS_KEY_INODE = 1,
	FS_KEY_ATTR = 2,
	FS_KEY_INLINE = 3,
	FS_KEY_EXTENT = 4,
	FS_KEY_ENTRY = 5,
	FS_KEY_ORPHAN = 7
};

struct fs_key {
	uint16_t length;
	uint8_t bytes[FS_KEY_MAX];
};

struct fs_pointer {
	uint64_t address;
	uint64_t generation;
	uint8_t sum[FS_SUM_MAX];
};

/* A tree: of the files, or of a snapshot of them. */
struct fs_top {
	struct fs_pointer pointer;	/* to the root node */
	uint8_t level;
};

/* A root record, decoded (section 4). */
struct fs_root {
	uint8_t uuid[16];
	char label[32];
	uint8_t hash;
	bool sealed;
	uint64_t generation;
	uint64_t blocks;
	uint32_t log_blocks;
	uint32_t replay_blocks;
	uint64_t next_inode;
	uint64_t free;
	uint64_t node_hint;
	uint64_t data_hint;
	uint64_t orphans;
	uint64_t inodes;
	uint64_t time_ns;
	struct fs_top tree;
	uint64_t map_generation;
	uint8_t map_sum[FS_SUM_MAX];
	uint8_t map_side;
	/* the table of snapshots */
	uint64_t table_generation;	/* 0: none was ever written */
	uint8_t table_sum[FS_SUM_MAX];
	uint8_t table_side;
	bool dying;			/* a snapshot is being taken apart */
	uint8_t snapshots;		/* those that have a name */
	uint64_t newest;		/* generation of the newest in the table, 0 none */
};

enum fs_slot_state { FS_SLOT_FREE, FS_SLOT_CLEAN, FS_SLOT_DIRTY };
enum fs_slot_kind { FS_KIND_NODE, FS_KIND_MAP, FS_KIND_DATA, FS_KIND_TABLE };

/* One block in memory.  Invariant: the parent of a dirty node or map block is dirty and
 * in memory. */
struct fs_slot {
	uint64_t address;
	uint64_t generation;
	uint64_t pin;		/* the operation that would like to find it again */
	uint32_t chain;		/* next slot of the same hash bucket */
	uint32_t older, newer;	/* in the list of dirty slots */
	uint8_t state, kind, level;
	uint8_t used;		/* how often the clock hand passes by, if nobody uses it again */
	uint8_t held;		/* how many running descents have it on their path: stays, and stays dirty */
};

struct fs_run {
	uint64_t address;
	uint64_t count;
};

struct fs_map_shape {
	uint32_t levels;
	uint64_t count[FS_LEVELS];
	uint64_t base[FS_LEVELS];
	uint64_t nodes;
};

/* The last extent that a read used. */
struct fs_read_hint {
	uint64_t version;	/* of the volume; 0 none */
	uint64_t inode;
	uint64_t size;
	uint64_t blocks;
	uint64_t first, count;	/* file blocks; count 0: no extent yet */
	uint64_t address, generation;
	uint8_t sums[FS_EXTENT_SUMS];
};

/*
 * A walk over what only one snapshot has: its tree without what `next`, the state after it,
 * still uses, and without what was born before `older`.  `at` moves on through its keys.
 */
struct fs_walk {
	struct fs_top tree, next;	/* next.pointer.address 0: the files as they are now */
	uint64_t older;
	struct fs_key at;		/* what is below is done */
	uint64_t end_inode, end_block;	/* an extent that began below `at` may reach to here */
	uint64_t entered[FS_LEVELS];	/* addresses of nodes that only this snapshot has */
};

/* The snapshot that is being taken apart. */
struct fs_dying {
	uint64_t generation;		/* 0: none */
	struct fs_walk walk;
	bool moved;			/* since the last root */
	bool done;			/* nothing is left of it */
};

/* What the next root does to the table of snapshots.  A function, so that a program that makes none
 * does not link it. */
struct fs_table_edit {
	void (*change)(struct bx_fs *fs, uint8_t *table, const struct fs_table_edit *edit); /* or NULL */
	const char *name;
	size_t length;
	uint64_t time_ns;
	uint64_t generation;		/* of the one to remove or to go back to */
};

struct bx_fs {
	struct bx_fs_device device;
	struct fs_root committed;	/* the newest root on the device */
	struct fs_root root;		/* with the changes since */
	uint64_t current;		/* generation being built: committed + 1 */
	uint64_t log_seed;		/* from the committed root record's checksum */
	uint8_t root_hash[BX_FS_DIGEST];
	struct fs_map_shape shape;
	uint32_t sum_bytes;
	uint32_t extent_blocks;		/* at most in one extent */
	bool read_only, failed, commit_failed, root_damaged;
	bool second_damaged[2];		/* of the roots of even and odd generation: the copy at the end */
	bool snapshot;			/* shows one, not the files */
	bool replaying;			/* operations come from the log */
	bool looking;			/* paths are looked at before they are changed, not changed yet */
	bool mounting;			/* ... of an earlier mount, whose kept files are not kept now */

	/* operations */
	uint64_t op;			/* number of the running one: what pins */
	uint64_t written_before;	/* blocks, by counters.blocks_written, when it began */
	uint64_t version;		/* changes with every one that may change something */
	uint64_t mount_id;
	uint64_t held;			/* orphans kept open by this mount */
	uint64_t held_before;		/* ... when the transaction began */
	uint64_t tidy_after;		/* where the next tidy looks for an orphan */
	uint64_t unsynced;		/* bx_fsi_unsynced_bit() of each inode that something not committed is of */
	bool changed;			/* something is not committed */
	bool transaction;

	/* log */
	uint8_t *log;			/* the record being built, FS_LOG_MAX bytes */
	uint32_t log_length, log_ops, log_sector, log_records;
	bool log_whole;			/* the record holds everything since the last commit */
	bool unflushed;			/* file data was written that a record refers to */

	/* space */
	struct fs_run *pending;		/* freed; usable after the next root */
	uint32_t pending_count, pending_max;
	uint64_t pending_blocks;
	uint64_t touched[FS_MAP_TOUCH_SLOTS];	/* map leaves that change with the next root */
	uint32_t touched_count;
	uint64_t pool[FS_POOL_MAX];	/* taken from the map for tree blocks of this operation */
	uint32_t pool_count;
	uint64_t next_virtual;		/* read-only replay: addresses that are not on the device */

	/* cache */
	struct fs_slot *slots;
	uint8_t *blocks;		/* slot_count blocks */
	uint32_t *buckets;
	uint32_t slot_count, bucket_mask, hand;
	enum bx_err (*write_oldest)(struct bx_fs *fs, bool spare_pinned);	/* NULL: read-only */
	uint32_t dirty_oldest, dirty_newest, dirty_count;
	uint32_t dirty_of[4];		/* of each enum fs_slot_kind */
	uint32_t epoch_dirty;		/* blocks changed since the last root */

	/* the leaves that were used last: often the next ones too, of an inode and of its content or names */
	uint64_t shape_version;		/* changes when nodes come or go */
	struct fs_finger {
		uint64_t version;	/* shape_version when it was remembered */
		uint64_t address;
		uint32_t slot;
		bool is_last;		/* there is no leaf after it */
	} finger[2];
	uint32_t newest_finger;

	const struct fs_top *view;	/* the tree that is read, NULL: root.tree */
	struct fs_dying dying;
	struct fs_table_edit edit;

	struct fs_read_hint hint;
	struct bx_fs_counters counters;
};

/* ---- sum.c, xxh64.c, sha256.c ---- */
uint64_t bx_fsi_xxh64(const void *data, size_t length, uint64_t seed);
void bx_fsi_sha256(const void *data, size_t length, const void *tail, size_t tail_length,
    uint8_t digest[32]);
void bx_fsi_sum_block(const struct fs_root *root, uint64_t address, uint64_t generation,
    const uint8_t *block, uint8_t sum[FS_SUM_MAX]);
static inline uint32_t
bx_fsi_sum_bytes(uint8_t hash)
{
	return hash == BX_FS_HASH_SHA256 ? 32u : 8u;
}

/* ---- root.c ---- */
void bx_fsi_root_encode(const struct fs_root *root, uint8_t bytes[FS_ROOT_BYTES]);
enum bx_err bx_fsi_root_decode(const uint8_t bytes[FS_ROOT_BYTES], struct fs_root *root);
/* Of a volume of at most 2^50 blocks, far more than there can be. */
/*@ requires 1 <= blocks <= 0x4000000000000;
  @ requires \valid(shape);
  @ assigns *shape;
  @ ensures 1 <= shape->levels <= FS_LEVELS;
  @ ensures 2 <= shape->nodes <= 0x8000000001; */
void bx_fsi_map_shape(uint64_t blocks, struct fs_map_shape *shape);

/* ---- node.c: one tree block ---- */
void bx_fsi_node_init(uint8_t *node, unsigned level, uint64_t address, uint64_t generation);
/* An item's header, key and value lie between the heap's start and the block's end. */
/*@ predicate item_inside(uint8_t *node, integer i) =
  @   \let offset = node[32 + 2 * i] + 256 * node[33 + 2 * i];
  @   \let heap = node[24] + 256 * node[25];
  @   heap <= offset <= 4092 &&
  @   4 + (node[offset] + 256 * node[offset + 1]) + (node[offset + 2] + 256 * node[offset + 3])
  @     <= 4096 - offset; */
/* What node.c relies on: every item inside, the offsets before the heap. */
/*@ predicate node_inside(uint8_t *node) =
  @   \let count = node[6] + 256 * node[7];
  @   \let heap = node[24] + 256 * node[25];
  @   heap <= 4096 && 32 + 2 * count <= heap &&
  @   (\forall integer i; 0 <= i < count ==> item_inside(node, i)); */
/*@ requires \valid_read(node + (0 .. 4095));
  @ requires sum_bytes <= 32;
  @ assigns \nothing;
  @ ensures \result == BX_OK ==> node_inside(node); */
enum bx_err bx_fsi_node_check(const uint8_t *node, unsigned level, uint64_t address,
    uint64_t generation, uint32_t sum_bytes);
/* Whether no two items have a byte in common.  Reading does not need that; changing one would change the other. */
bool bx_fsi_node_disjoint(const uint8_t *node);
/*@ requires \valid_read(node + (6 .. 7));
  @ assigns \nothing;
  @ ensures \result == node[6] + 256 * node[7]; */
static inline unsigned
bx_fsi_node_count(const uint8_t *node)
{
	return bx_get_le16(node + 6);
}
const uint8_t *bx_fsi_node_key(const uint8_t *node, unsigned index, unsigned *length);
const uint8_t *bx_fsi_node_value(const uint8_t *node, unsigned index, unsigned *length);
/*@ requires \valid_read(a + (0 .. a_length - 1));
  @ requires \valid_read(b + (0 .. b_length - 1));
  @ assigns \nothing; */
int bx_fsi_key_compare(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length);
void bx_fsi_node_copy_key(const uint8_t *node, unsigned index, struct fs_key *key);
unsigned bx_fsi_node_lower(const uint8_t *node, const struct fs_key *key, bool *found);
unsigned bx_fsi_node_child(const uint8_t *node, const struct fs_key *key, bool strict);
unsigned bx_fsi_node_room(const uint8_t *node);
void bx_fsi_node_insert(uint8_t *node, unsigned index, const uint8_t *key, unsigned key_length,
    const uint8_t *value, unsigned value_length);
void bx_fsi_node_remove(uint8_t *node, unsigned index);
void bx_fsi_node_append(uint8_t *to, const uint8_t *from, unsigned first);
unsigned bx_fsi_node_split(uint8_t *left, uint8_t *right, unsigned at, unsigned item_bytes,
    bool *goes_left);
static inline unsigned
bx_fsi_node_item_bytes(const uint8_t *node, unsigned index)
{
	unsigned key_length, value_length;

	(void)bx_fsi_node_key(node, index, &key_length);
	(void)bx_fsi_node_value(node, index, &value_length);
	return 4 + key_length + value_length;
}

/* ---- cache.c ---- */
enum bx_err bx_fsi_device_read(const struct bx_fs *fs, uint64_t offset, void *to, size_t length);
enum bx_err bx_fsi_device_write(const struct bx_fs *fs, uint64_t offset, const void *from, size_t length);
enum bx_err bx_fsi_device_flush(const struct bx_fs *fs);
void bx_fsi_cache_init(struct bx_fs *fs);
static inline uint8_t *
bx_fsi_block(const struct bx_fs *fs, uint32_t slot)
{
	return fs->blocks + (size_t)slot * BX_FS_BLOCK;
}
uint32_t bx_fsi_cache_find(const struct bx_fs *fs, uint64_t address);
bool bx_fsi_cache_is_dirty(const struct bx_fs *fs, uint64_t address);
enum bx_err bx_fsi_cache_take(struct bx_fs *fs, uint64_t address, enum fs_slot_kind kind,
    uint32_t *slot);
enum bx_err bx_fsi_cache_load(struct bx_fs *fs, const struct fs_pointer *pointer,
    enum fs_slot_kind kind, unsigned level, uint32_t *slot, bool *missed);
void bx_fsi_cache_rekey(struct bx_fs *fs, uint32_t slot, uint64_t address);
void bx_fsi_cache_drop(struct bx_fs *fs, uint64_t address);
void bx_fsi_cache_dirty(struct bx_fs *fs, uint32_t slot);
enum bx_err bx_fsi_cache_write_oldest(struct bx_fs *fs, bool spare_pinned);
enum bx_err bx_fsi_cache_trim(struct bx_fs *fs);
enum bx_err bx_fsi_cache_clean_all(struct bx_fs *fs);

/* ---- space.c ---- */
/*@ requires \valid_read(fs) && \valid_read(block + (0 .. 4095));
  @ requires level < FS_LEVELS;
  @ assigns \nothing; */
enum bx_err bx_fsi_map_check(const struct bx_fs *fs, const uint8_t *block, unsigned level,
    uint64_t address, uint64_t generation);
enum bx_err bx_fsi_map_load(struct bx_fs *fs, unsigned level, uint64_t index, uint32_t *slot);
enum bx_err bx_fsi_map_store_sum(struct bx_fs *fs, uint32_t slot, const uint8_t *sum);
bool bx_fsi_map_has_dirty_child(const struct bx_fs *fs, uint32_t slot);
/* Blocks for files and the tree: behind the map and the log, before the other log and the roots. */
/*@ requires \valid_read(fs);
  @ requires fs->shape.nodes <= 0x1000000000000 && fs->root.log_blocks <= 64 && fs->root.blocks >= 128;
  @ assigns \nothing;
  @ ensures \result ==> 2 <= address && address + count <= fs->root.blocks - 2 - fs->root.log_blocks; */
bool bx_fsi_address_valid(const struct bx_fs *fs, uint64_t address, uint64_t count);
uint64_t bx_fsi_available(const struct bx_fs *fs);
enum bx_err bx_fsi_alloc_run(struct bx_fs *fs, uint64_t want, struct fs_run *run);
enum bx_err bx_fsi_mark(struct bx_fs *fs, uint64_t address, uint64_t count, bool set);
enum bx_err bx_fsi_pool_fill(struct bx_fs *fs, uint32_t count);
enum bx_err bx_fsi_pool_take(struct bx_fs *fs, uint64_t *address);
enum bx_err bx_fsi_free_later(struct bx_fs *fs, uint64_t address, uint64_t count);
void bx_fsi_free_node(struct bx_fs *fs, uint64_t address, uint64_t generation, enum bx_err *err);
enum bx_err bx_fsi_space_settle(struct bx_fs *fs);
/* Blocks that a root would write now, beside its copies. */
uint32_t bx_fsi_commit_cost(const struct bx_fs *fs);
/* Whether the next operation begins with a root. */
bool bx_fsi_root_due(const struct bx_fs *fs);

/* ---- tree.c, edit.c ---- */
void bx_fsi_key(struct fs_key *key, uint64_t inode, enum fs_key_type type, const void *rest,
    size_t rest_length);
void bx_fsi_key_u64(struct fs_key *key, uint64_t inode, enum fs_key_type type, uint64_t rest);
/* Results point into the cache: valid until the next call that may load or change a
 * block. */
struct fs_item {
	const uint8_t *key, *value;
	unsigned key_length, value_length;
	uint64_t generation;		/* of the leaf */
};
enum bx_err bx_fsi_tree_get(struct bx_fs *fs, const struct fs_key *key, struct fs_item *item);
enum bx_err bx_fsi_tree_find(struct bx_fs *fs, uint64_t inode, enum fs_key_type type, const void *rest,
    size_t rest_length, struct fs_item *item);
/* The first item above the key, or at it; the last one at or below it.  BX_ERR_NOT_FOUND: that is of another
 * object or type, or there is none. */
enum bx_err bx_fsi_tree_next(struct bx_fs *fs, const struct fs_key *key, bool inclusive,
    struct fs_item *item);
enum bx_err bx_fsi_tree_last(struct bx_fs *fs, const struct fs_key *key, struct fs_item *item);
enum bx_err bx_fsi_tree_touch(struct bx_fs *fs, const struct fs_key *key);
enum bx_err bx_fsi_tree_put(struct bx_fs *fs, const struct fs_key *key, const void *value,
    size_t length);
enum bx_err bx_fsi_tree_delete(struct bx_fs *fs, const struct fs_key *key);
enum bx_err bx_fsi_tree_store_sum(struct bx_fs *fs, uint32_t slot, const uint8_t *sum);
bool bx_fsi_tree_has_dirty_child(const struct bx_fs *fs, uint32_t slot);
struct fs_path {
	const struct fs_top *top;	/* of which tree */
	uint32_t slot[FS_LEVELS + 1];	/* held */
	unsigned index[FS_LEVELS + 1];	/* of the child that was taken */
	unsigned depth;
};
void bx_fsi_item_at(const struct bx_fs *fs, uint32_t slot, unsigned index, struct fs_item *item);
void bx_fsi_path_pointer(struct bx_fs *fs, const struct fs_path *path, struct fs_pointer *pointer);
enum bx_err bx_fsi_path_step(struct bx_fs *fs, struct fs_path *path);
enum bx_err bx_fsi_path_to(struct bx_fs *fs, const struct fs_top *top, const struct fs_key *key,
    unsigned level, struct fs_path *path);
void bx_fsi_path_release(struct bx_fs *fs, struct fs_path *path);
enum bx_err bx_fsi_descend(struct bx_fs *fs, const struct fs_key *key, unsigned level, bool strict,
    enum bx_err (*step)(struct bx_fs *, struct fs_path *), struct fs_path *path);
uint8_t *bx_fsi_node_value_of(struct bx_fs *fs, uint32_t slot, unsigned index);
void bx_fsi_finger_set(struct bx_fs *fs, const struct fs_path *path);
/* The slot of a remembered leaf where the key belongs, or FS_NO_SLOT. */
uint32_t bx_fsi_finger_at(struct bx_fs *fs, const struct fs_key *key);
void bx_fsi_tree_view(struct bx_fs *fs, const struct fs_top *top);
void bx_fsi_pointer_get(const struct bx_fs *fs, const uint8_t *bytes, struct fs_pointer *pointer);

/* ---- inode.c: inodes, and how an operation runs ---- */
struct fs_inode {
	uint8_t type, flags;
	uint16_t mode;
	uint32_t links;
	uint64_t size, blocks, modified, changed, created, parent;
	uint32_t uid, gid;
};
#define FS_INODE_HAS_ATTR	1u
enum bx_err bx_fsi_inode_get(struct bx_fs *fs, uint64_t inode, struct fs_inode *out);
enum bx_err bx_fsi_inode_open(struct bx_fs *fs, uint64_t inode, struct fs_inode *out);
enum bx_err bx_fsi_inode_put(struct bx_fs *fs, uint64_t inode, const struct fs_inode *in);
/* The end of an act that changed content or entries, if `err' says that it went well so far. */
enum bx_err bx_fsi_content_changed(struct bx_fs *fs, enum bx_err err, uint64_t inode,
    struct fs_inode *in, uint64_t time_ns);
/*@ requires \valid_read(bytes + (0 .. length - 1));
  @ requires \valid(out);
  @ requires \separated(bytes + (0 .. length - 1), out);
  @ assigns *out;
  @ ensures \result == BX_OK ==> 1 <= out->type <= 3 && out->size <= BX_FS_SIZE_MAX && out->mode <= 4095; */
enum bx_err bx_fsi_inode_decode(const uint8_t *bytes, unsigned length, struct fs_inode *out);

enum fs_op_class { FS_OP_NORMAL, FS_OP_DELETING, FS_OP_TIDYING };
struct fs_log_entry;
enum fs_log_code {
	FS_LOG_NOTHING = 0, FS_LOG_CREATE, FS_LOG_LINK, FS_LOG_UNLINK, FS_LOG_RENAME, FS_LOG_WRITE,
	FS_LOG_MAP, FS_LOG_TRUNCATE, FS_LOG_PUNCH, FS_LOG_SET, FS_LOG_SET_ATTR, FS_LOG_REMOVE_ATTR,
	FS_LOG_TIDY, FS_LOG_FORGET
};
/* What an operation may need at most: tree paths, runs of blocks that it frees, blocks
 * for data. */
enum bx_err bx_fsi_op_begin(struct bx_fs *fs, unsigned keys, unsigned frees, unsigned data,
    enum fs_op_class class);
/* As above, and the inode's key is touched. */
enum bx_err bx_fsi_op_begin_on(struct bx_fs *fs, uint64_t inode, unsigned keys,
    enum fs_op_class class);
enum bx_err bx_fsi_touch(struct bx_fs *fs, uint64_t inode, enum fs_key_type type, const void *rest,
    size_t rest_length);
enum bx_err bx_fsi_touch_inode(struct bx_fs *fs, uint64_t inode);
static inline uint64_t
bx_fsi_unsynced_bit(uint64_t inode)
{
	return UINT64_C(1) << (inode % 64);
}
enum bx_err bx_fsi_touch_orphan(struct bx_fs *fs, uint64_t inode);
enum bx_err bx_fsi_touch_inline(struct bx_fs *fs, uint64_t inode);
/* The end of an operation's act.  `err` should be impossible; if it is not BX_OK,
 * writing ends. */
enum bx_err bx_fsi_op_end(struct bx_fs *fs, uint64_t time_ns, enum bx_err err,
    enum fs_log_code code, const struct fs_log_entry *entry);
enum bx_err bx_fsi_drop_link(struct bx_fs *fs, uint64_t inode, struct fs_inode *in, bool keep);
enum bx_err bx_fsi_tidy_step(struct bx_fs *fs, uint64_t inode);
enum bx_err bx_fsi_find_orphan(struct bx_fs *fs, uint64_t *inode);

/* ---- dir.c, attr.c ---- */
/* What a name must be: BX_ERR_FS_NAME, also where one is read. */
enum bx_err bx_fsi_name_check(const char *bytes, size_t length);
enum bx_err bx_fsi_attr_name_check(const char *name, size_t length);

/* ---- data.c, read.c, extent.c ---- */
static inline uint64_t
bx_fsi_blocks_for(uint64_t bytes)
{
	return (bytes + BX_FS_BLOCK - 1) / BX_FS_BLOCK;
}
/* The inode of a file.  BX_ERR_FS_IS_DIR, BX_ERR_INVALID: it is something else. */
enum bx_err bx_fsi_file_get(struct bx_fs *fs, uint64_t inode, struct fs_inode *in);
enum bx_err bx_fsi_data_load(struct bx_fs *fs, uint64_t address, uint64_t generation,
    const uint8_t *sum, uint32_t *slot);
enum bx_err bx_fsi_inline_get(struct bx_fs *fs, uint64_t inode, uint8_t bytes[BX_FS_INLINE_MAX],
    size_t *have);
enum bx_err bx_fsi_inline_put(struct bx_fs *fs, uint64_t inode, const void *bytes, size_t length);
struct fs_extent {
	uint64_t first, count, address, generation;
	const uint8_t *sums;	/* as struct fs_item */
};
/*@ requires \valid_read(fs) && \valid_read(item) && \valid(out);
  @ requires \separated(fs, out) && \separated(item, out);
  @ requires (fs->sum_bytes == 8 || fs->sum_bytes == 32) && fs->extent_blocks <= 64;
  @ requires fs->shape.nodes <= 0x1000000000000 && fs->root.log_blocks <= 64 && fs->root.blocks >= 128;
  @ requires item->key_length <= FS_KEY_MAX && item->value_length <= FS_ITEM_MAX;
  @ requires \valid_read(item->key + (0 .. item->key_length - 1));
  @ requires \valid_read(item->value + (0 .. item->value_length - 1));
  @ requires \separated(out, item->key + (0 .. item->key_length - 1), item->value + (0 .. item->value_length - 1));
  @ assigns *out;
  @ ensures \result == BX_OK ==> 1 <= out->count <= fs->extent_blocks;
  @ ensures \result == BX_OK ==> out->first + out->count <= BX_FS_SIZE_MAX / BX_FS_BLOCK;
  @ ensures \result == BX_OK ==> out->generation <= item->generation;
  @ ensures \result == BX_OK && fs->sum_bytes == 8 ==> 16 + 8 * out->count == item->value_length;
  @ ensures \result == BX_OK && fs->sum_bytes == 32 ==> 16 + 32 * out->count == item->value_length; */
enum bx_err bx_fsi_extent_decode(const struct bx_fs *fs, const struct fs_item *item,
    struct fs_extent *out);
enum bx_err bx_fsi_extent_at(struct bx_fs *fs, uint64_t inode, uint64_t block,
    struct fs_extent *out);
struct fs_plan {
	unsigned items;		/* extents that may be removed now */
	bool all;		/* there are no more */
};
enum bx_err bx_fsi_extent_prepare(struct bx_fs *fs, uint64_t inode, uint64_t first, uint64_t end,
    struct fs_plan *plan);
enum bx_err bx_fsi_extent_remove(struct bx_fs *fs, uint64_t inode, struct fs_inode *in,
    uint64_t first, uint64_t *end, unsigned items);
enum bx_err bx_fsi_extent_insert(struct bx_fs *fs, uint64_t inode, struct fs_inode *in,
    const struct fs_extent *extent);
enum bx_err bx_fsi_extent_set_sum(struct bx_fs *fs, uint64_t inode, uint64_t block,
    const uint8_t *sum);
enum bx_err bx_fsi_map_blocks(struct bx_fs *fs, uint64_t inode, const struct fs_extent *extent,
    uint64_t size, uint64_t time_ns);

/* ---- record.c ---- */
/* An operation for the log (SPEC.md 9): fixed fields, as many as its code has, then up to two byte
 * strings. */
struct fs_log_entry {
	uint64_t field[6];
	const void *first, *second;
	size_t first_length, second_length;
};
void bx_fsi_log_add(struct bx_fs *fs, enum fs_log_code code, const struct fs_log_entry *entry);
/* An operation of a record: its fixed fields, eight bytes each, and what follows them. */
struct fs_operation {
	unsigned code;
	uint64_t field[6];
	const char *rest;
	size_t left;
};
/*@ requires \valid_read(record + (0 .. 31));
  @ requires \valid(bytes);
  @ requires \separated(bytes, record + (0 .. 31));
  @ assigns *bytes;
  @ ensures \result ==> FS_LOG_HEAD <= *bytes <= FS_LOG_MAX; */
bool bx_fsi_record_head(const uint8_t *record, uint64_t generation, uint64_t seed, uint32_t sector,
    uint32_t *bytes);
/*@ requires length <= FS_LOG_MAX;
  @ requires \valid_read(record + (0 .. length - 1));
  @ requires \valid(at) && *at <= length;
  @ requires \valid(op);
  @ requires \separated(record + (0 .. length - 1), at, op);
  @ assigns *at, *op;
  @ ensures *at <= length;
  @ ensures \result ==> \old(*at) + 8 <= *at;
  @ ensures \result ==> 1 <= op->code < 14;
  @ ensures \result ==> op->left <= *at;
  @ ensures \result ==> (uint8_t *)op->rest == record + (*at - op->left); */
bool bx_fsi_operation_take(const uint8_t *record, uint32_t length, uint32_t *at, struct fs_operation *op);
/*@ requires \valid_read(op);
  @ requires op->left <= FS_LOG_MAX;
  @ requires \valid_read((uint8_t *)op->rest + (0 .. op->left - 1));
  @ requires \valid(first) && \valid(length);
  @ requires \separated(first, length, op, (uint8_t *)op->rest + (0 .. op->left - 1));
  @ assigns *first, *length;
  @ ensures \result ==> *first == op->rest + 2 && *length + 2 <= op->left; */
bool bx_fsi_operation_first(const struct fs_operation *op, const char **first, size_t *length);
/*@ requires \valid_read(fs) && \valid_read(op) && \valid(e);
  @ requires \separated(fs, e) && \separated(op, e);
  @ requires 0 < fs->sum_bytes <= 32;
  @ requires fs->shape.nodes <= 0x1000000000000 && fs->root.log_blocks <= 64 && fs->root.blocks >= 128;
  @ assigns *e;
  @ ensures \result == BX_OK ==> 1 <= e->count <= BX_FS_WRITE_MAX / BX_FS_BLOCK;
  @ ensures \result == BX_OK ==> 2 <= e->address && e->address + e->count <= fs->root.blocks; */
enum bx_err bx_fsi_operation_mapping(const struct bx_fs *fs, const struct fs_operation *op,
    struct fs_extent *e);

/* ---- log.c ---- */
void bx_fsi_log_restart(struct bx_fs *fs, bool usable);
bool bx_fsi_log_fits(const struct bx_fs *fs);
enum bx_err bx_fsi_log_commit(struct bx_fs *fs);
enum bx_err bx_fsi_log_replay(struct bx_fs *fs);

/* ---- table.c, snapshot.c, walk.c ---- */
#define FS_TABLE_HEAD		320u
#define FS_TABLE_RECORD		128u
#define FS_TABLE_MAX		(BX_FS_SNAPSHOTS_MAX + 1u)	/* and what a rollback left behind */
struct fs_snapshot {
	uint64_t generation;
	struct fs_top tree;
	uint64_t inodes, orphans, time_ns;
	bool dying;
	uint8_t name_length;
	char name[BX_FS_SNAPSHOT_NAME_MAX];
};
/*@ requires \valid_read(table + (0 .. 4095));
  @ assigns \nothing;
  @ ensures \result == BX_OK ==> table[4] + 256 * table[5] <= 29;
  @ ensures \result == BX_OK ==> table[6] + 256 * table[7] <= 264; */
enum bx_err bx_fsi_table_check(const uint8_t *table, uint64_t address, uint64_t generation);
void bx_fsi_table_get(const struct bx_fs *fs, const uint8_t *table, unsigned index,
    struct fs_snapshot *out);
/* NULL in *table: there is none yet. */
enum bx_err bx_fsi_table_load(struct bx_fs *fs, const uint8_t **table, unsigned *count);
/* In a root commit, when all else is written. */
enum bx_err bx_fsi_table_commit(struct bx_fs *fs);
enum bx_err bx_fsi_table_find(struct bx_fs *fs, const char *name, size_t length,
    struct fs_snapshot *out);
void bx_fsi_table_add(struct bx_fs *fs, uint8_t *table, const struct fs_table_edit *edit);
void bx_fsi_table_remove(struct bx_fs *fs, uint8_t *table, const struct fs_table_edit *edit);
void bx_fsi_table_rollback(struct bx_fs *fs, uint8_t *table, const struct fs_table_edit *edit);
enum bx_err bx_fsi_dying_load(struct bx_fs *fs);
enum bx_err bx_fsi_dying_step(struct bx_fs *fs);

/* Whether a block of that generation must stay although the files no longer use it: its
 * key tells whether the taking apart of a snapshot has passed it. */
bool bx_fsi_snapshot_holds(const struct bx_fs *fs, uint64_t generation, const uint8_t *key,
    unsigned key_length);
bool bx_fsi_snapshot_holds_data(const struct bx_fs *fs, uint64_t generation, uint64_t inode,
    uint64_t block);

/* A run of blocks that only this snapshot has: a tree node (e NULL), or blocks of e. */
typedef enum bx_err fs_walk_each(struct bx_fs *fs, void *context, uint64_t address, uint64_t count,
    uint64_t inode, const struct fs_extent *e);
/* One node or a few items.  BX_ERR_NOT_FOUND: the walk is over. */
enum bx_err bx_fsi_walk_step(struct bx_fs *fs, struct fs_walk *walk, fs_walk_each *each,
    void *context);

/* ---- volume.c, format.c ---- */
#define FS_ROOT_SLOTS		4u
uint64_t bx_fsi_root_block(uint64_t blocks, unsigned slot);
size_t bx_fsi_slots_of(size_t arena_bytes);
enum bx_err bx_fsi_check_device(const struct bx_fs_device *device);
enum bx_err bx_fsi_may_commit(const struct bx_fs *fs);
enum bx_err bx_fsi_commit_root(struct bx_fs *fs);

#endif
