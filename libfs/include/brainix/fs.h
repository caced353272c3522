/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/fs.h -- a verified copy-on-write file system.  Layer 1: needs base.h.
 * Source: libfs/SPEC.md (the format), libfs/DESIGN.md (the reasons, the invariants FS-1..).
 *
 * Protocol of use
 *   1. bx_fs_format() once writes an empty volume to a device.
 *   2. bx_fs_mount() gives a struct bx_fs that lives in the caller's arena.  Device and arena must
 *      stay in place until bx_fs_unmount(), which commits; or the arena may simply be dropped:
 *      the volume is then what the last commit left.
 *   3. Files are named by inode number; bx_fs_lookup() and bx_fs_walk() find one.
 *   4. bx_fs_sync() makes every completed call durable.  Without it, a crash leaves some earlier
 *      state that is not older than the last bx_fs_sync(): exactly the state between two calls.
 *
 * One struct bx_fs is used by one thread at a time; different ones are independent.
 *
 * Errors that any call may return beside those it names:
 *   BX_ERR_IO		the device failed; a reading call may simply be repeated
 *   BX_ERR_CORRUPT	a block below the object does not match its checksum or the format; other
 *			objects remain readable
 *   BX_ERR_FS_FAILED	(changing calls) a commit failed earlier.  What is on the device is the last
 *			commit that returned BX_OK, or the one that failed; mount again.
 * A changing call that returns an error has changed nothing, except BX_ERR_AGAIN (one step is
 * done).  A call whose commit fails says why, once; from then on it is BX_ERR_FS_FAILED.
 * Changing calls also return
 *   BX_ERR_FS_READ_ONLY, BX_ERR_FS_FULL and, inside a transaction that is too large for the arena,
 *   BX_ERR_NO_MEMORY.
 *
 * Cost: lookups O(log n).  No call but bx_fs_check() and bx_fs_format() does work that
 * grows with the size of the volume or of a file.
 */
#ifndef BRAINIX_FS_H
#define BRAINIX_FS_H

#include <brainix/base.h>

#define BX_FS_BLOCK		4096u
#define BX_FS_NAME_MAX		255u		/* bytes of a name */
#define BX_FS_INLINE_MAX	1024u		/* bytes of a file or link kept inside the tree */
#define BX_FS_TARGET_MAX	BX_FS_INLINE_MAX
#define BX_FS_ATTR_MAX		900u		/* bytes of an attribute's value */
#define BX_FS_SIZE_MAX		(UINT64_C(1) << 60)
#define BX_FS_WRITE_MAX		65536u		/* bytes that one bx_fs_write() takes at most */
#define BX_FS_READ_MAX		262144u		/* bytes that one bx_fs_read() gives at most */
#define BX_FS_ROOT		UINT64_C(1)	/* inode number of the root directory */
#define BX_FS_BLOCKS_MIN	UINT64_C(128)
#define BX_FS_BLOCKS_MAX	(UINT64_C(1) << 34)	/* 64 TiB: what a larger device has more is not used */
#define BX_FS_LOG_MAX		12u	/* blocks of a log that a volume gets: what a mount reads of its two copies is bounded */
#define BX_FS_DEPTH_MAX		256u		/* directories above one another that rename follows */
#define BX_FS_DIGEST		32u
#define BX_FS_SNAPSHOTS_MAX	28u
#define BX_FS_SNAPSHOT_NAME_MAX	40u		/* bytes */

/* The device.  Offsets and lengths are multiples of sector_bytes (512 or 4096). A write
 * is durable when a later flush returned BX_OK; until then it may reach the medium in
 * any order, in part, or not at all.  Each function returns BX_OK or BX_ERR_IO. */
struct bx_fs_device {
	void *context;
	enum bx_err (*read)(void *context, uint64_t offset, void *buffer, size_t length);
	enum bx_err (*write)(void *context, uint64_t offset, const void *buffer, size_t length);
	enum bx_err (*flush)(void *context);
	uint64_t size_bytes;
	uint32_t sector_bytes;
};

enum bx_fs_hash {
	BX_FS_HASH_XXH64 = 1,	/* fast: finds every accident, no attacker */
	BX_FS_HASH_SHA256 = 2	/* for volumes that will be sealed under a signed root */
};

struct bx_fs_format {
	uint8_t uuid[16];	/* any; different volumes should differ */
	const char *label;	/* NUL-terminated, at most 31 bytes; NULL none */
	enum bx_fs_hash hash;
	uint32_t log_blocks;	/* 2..BX_FS_LOG_MAX; 0 chooses by the size of the volume */
	size_t arena_bytes;	/* the smallest arena that must be able to mount it; 0: 64 KiB */
	uint64_t time_ns;
	uint32_t uid, gid;	/* of the root directory */
	uint16_t mode;
};

#define BX_FS_MOUNT_READ_ONLY	1u	/* nothing is written */
#define BX_FS_MOUNT_SALVAGE	2u	/* for a volume that is damaged: the state of the newest root that is valid, which need not
					 * be the last commit, without the log; read-only */

struct bx_fs_config {
	const struct bx_fs_device *device;
	void *arena;		/* aligned to 16 */
	size_t arena_bytes;	/* >= BX_FS_ARENA_MIN; more is faster */
	const uint8_t *root_hash;	/* BX_FS_DIGEST bytes that the root of a sealed volume must match, or NULL */
	uint32_t flags;		/* BX_FS_MOUNT_* */
	const char *snapshot;	/* show this one, read-only; NULL: the files as they are */
};

#define BX_FS_ARENA_MIN		((size_t)65536)

struct bx_fs;			/* lives in the arena; pinned */

enum bx_fs_type { BX_FS_FILE = 1, BX_FS_DIRECTORY = 2, BX_FS_SYMLINK = 3 };

struct bx_fs_stat {
	uint64_t inode;
	uint64_t size;		/* bytes; of a directory: its entries */
	uint64_t blocks;	/* data blocks of BX_FS_BLOCK bytes */
	uint64_t parent;	/* of a directory */
	uint64_t modified_ns, changed_ns, created_ns;
	uint32_t links;
	uint32_t uid, gid;
	uint16_t mode;		/* 12 permission bits; stored, not enforced */
	uint8_t type;		/* enum bx_fs_type */
};

struct bx_fs_entry {
	uint64_t inode;
	uint8_t type;
	uint8_t name_length;
	char name[BX_FS_NAME_MAX + 1];	/* NUL-terminated for convenience */
};

struct bx_fs_info {
	uint8_t uuid[16];
	char label[32];
	uint64_t blocks;	/* of the volume */
	uint64_t blocks_free;	/* now, or at the next commit */
	uint64_t blocks_reserved;	/* of the free ones, kept for deleting and committing */
	uint64_t inodes;
	uint64_t generation;	/* of the newest root */
	uint64_t orphans;	/* deleted files whose blocks are not all free yet */
	uint32_t log_records;	/* commits on top of that root */
	uint32_t snapshots;
	bool removing;		/* blocks of removed snapshots are not all free yet */
	uint8_t hash;
	bool sealed;
	bool read_only;
	bool failed;		/* BX_ERR_FS_FAILED from every changing call */
	bool root_damaged;	/* one of the two copies of the newest root was not valid at mount */
	uint8_t root_hash[BX_FS_DIGEST];
};

/* What a volume has done since it was mounted. */
struct bx_fs_counters {
	uint64_t blocks_read, blocks_written;	/* tree and map blocks, and file data through the cache */
	uint64_t commits_log, commits_root;
	uint64_t hits, misses;
};

struct bx_fs_owner {		/* who creates */
	uint32_t uid, gid;
	uint16_t mode;
};

/* ---- volumes ------------------------------------------------------------------------------ */

/* Write an empty volume over the whole device.  Uses the arena only during the call.
 *   BX_ERR_INVALID	an option is outside its domain, or the label too long
 *   BX_ERR_RANGE	the device is smaller than BX_FS_BLOCKS_MIN blocks, or its log and map leave no room
 *   BX_ERR_NO_MEMORY	arena_bytes < BX_FS_ARENA_MIN */
BX_MUST_USE enum bx_err bx_fs_format(const struct bx_fs_device *device,
    const struct bx_fs_format *options, void *arena, size_t arena_bytes);

/* Mount: choose the newest valid root, then replay the log over it in memory.  Changes nothing of what the volume holds.
 * *out is set on success.  A sealed volume is always read-only.
 *   BX_ERR_INVALID	the configuration: sector size, alignment
 *   BX_ERR_NO_MEMORY	the arena is smaller than the volume was formatted for
 *   BX_ERR_FORMAT	no root record: not a volume
 *   BX_ERR_VERSION	a root of a later version
 *   BX_ERR_RANGE	the device is smaller than the volume
 *   BX_ERR_CORRUPT	no root is valid, the root hash differs, or the log is damaged
 *   BX_ERR_NOT_FOUND, BX_ERR_FS_NAME	the snapshot
 * A snapshot can be shown beside the volume mounted for writing, with an arena of its own.  When it is
 * removed, what is read there may be an error, never something else. */
BX_MUST_USE enum bx_err bx_fs_mount(const struct bx_fs_config *config, struct bx_fs **out);

/* The same for a sealed volume and nothing else (BX_ERR_STATE), not for a snapshot in it.  A program that
 * mounts only so, and only reads, links none of what changes a volume (with --gc-sections). */
BX_MUST_USE enum bx_err bx_fs_mount_sealed(const struct bx_fs_config *config, struct bx_fs **out);

/* Commit what is not durable yet.  The volume remains mounted, whether or not it
 * succeeds. */
BX_MUST_USE enum bx_err bx_fs_sync(struct bx_fs *fs);

/* Make what was done to one file, directory or link durable, as bx_fs_sync(); when no call changed it since the last
 * commit, nothing is written or flushed.  (All that was done before comes with it: a state is never a mixture.  One in 64
 * other objects is taken for the one that changed, which costs a commit.)   BX_ERR_STATE  in a transaction */
BX_MUST_USE enum bx_err bx_fs_sync_file(struct bx_fs *fs, uint64_t inode);

/* Commit with a full root, so that the next mount has nothing to replay; *fs must not be
 * used afterwards. */
BX_MUST_USE enum bx_err bx_fs_unmount(struct bx_fs *fs);

/* Commit and make the volume read-only for ever.  root_hash is what a manifest signs (SHA-256 volumes).
 *   BX_ERR_STATE	in a transaction */
BX_MUST_USE enum bx_err bx_fs_seal(struct bx_fs *fs, uint8_t root_hash[BX_FS_DIGEST]);

void bx_fs_get_info(const struct bx_fs *fs, struct bx_fs_info *out);
void bx_fs_get_counters(const struct bx_fs *fs, struct bx_fs_counters *out);

/* ---- transactions ------------------------------------------------------------------------- */

/* Group the changing calls until bx_fs_end() into one: a crash leaves all of them or none.
 * Begin commits what came before, as bx_fs_sync().
 *   BX_ERR_STATE	one is open already */
BX_MUST_USE enum bx_err bx_fs_begin(struct bx_fs *fs);

/* Close the transaction; the next commit contains it whole.
 *   BX_ERR_STATE	none is open */
BX_MUST_USE enum bx_err bx_fs_end(struct bx_fs *fs);

/* Undo everything since bx_fs_begin().  Also possible after BX_ERR_FS_FAILED inside one, when no
 * commit failed.   BX_ERR_STATE  none is open */
BX_MUST_USE enum bx_err bx_fs_abort(struct bx_fs *fs);

/* ---- snapshots ---------------------------------------------------------------------------- */

struct bx_fs_snapshot {
	uint64_t generation;	/* of the root that made it: grows */
	uint64_t time_ns;
	uint64_t inodes;
	uint8_t name_length;
	char name[BX_FS_SNAPSHOT_NAME_MAX + 1];	/* NUL-terminated for convenience */
};

/* Keep the files as they are now under a name, 1..BX_FS_SNAPSHOT_NAME_MAX bytes without '/' and NUL
 * (else BX_ERR_FS_NAME).  Commits; costs one root and one block written, whatever the volume holds.
 * Blocks that a snapshot uses are not freed, so that even unlink can find a volume full.
 *   BX_ERR_EXISTS	the name is taken
 *   BX_ERR_NO_MEMORY	there are BX_FS_SNAPSHOTS_MAX, those being removed included
 *   BX_ERR_STATE	in a transaction; so the other calls that change snapshots */
BX_MUST_USE enum bx_err bx_fs_snapshot_create(struct bx_fs *fs, const char *name,
    size_t name_length, uint64_t time_ns);

/* Remove a snapshot: the name at once and durably; its blocks come free over the following
 * calls, or of bx_fs_tidy().  Needs no space.   BX_ERR_NOT_FOUND */
BX_MUST_USE enum bx_err bx_fs_snapshot_remove(struct bx_fs *fs, const char *name,
    size_t name_length);

/* Make the files again what they were, at once, durably and atomically; snapshots that are newer
 * are removed.  Inode numbers from before that are no longer there are BX_ERR_NOT_FOUND, and what was
 * kept by BX_FS_KEEP is gone.  Commits.   BX_ERR_NOT_FOUND   BX_ERR_NO_MEMORY as above */
BX_MUST_USE enum bx_err bx_fs_snapshot_rollback(struct bx_fs *fs, const char *name,
    size_t name_length);

/* The oldest snapshot newer than generation `after` (0: the oldest of all).
 * BX_ERR_NOT_FOUND: there is none. */
BX_MUST_USE enum bx_err bx_fs_snapshot_next(struct bx_fs *fs, uint64_t after,
    struct bx_fs_snapshot *out);

/* Two states of one volume, for instance a snapshot that is shown and the volume itself: what differs, in
 * the order of inode numbers. */
enum bx_fs_what {
	BX_FS_WHAT_INODE = 1,	/* the object: size, links, mode, owner, times */
	BX_FS_WHAT_ATTR = 2,
	BX_FS_WHAT_INLINE = 3,	/* the content of a small file or of a link */
	BX_FS_WHAT_EXTENT = 4,	/* content from `offset` on */
	BX_FS_WHAT_ENTRY = 5	/* a name in a directory */
};
enum bx_fs_how { BX_FS_ADDED = 1, BX_FS_REMOVED, BX_FS_CHANGED };
struct bx_fs_change {
	uint64_t inode;
	uint64_t offset;			/* of an extent, bytes */
	uint64_t old_entry, new_entry;		/* inode numbers that an entry leads to, 0 none */
	uint8_t what, how;			/* enum bx_fs_what, enum bx_fs_how */
	uint8_t name_length;			/* of an entry or attribute */
	char name[BX_FS_NAME_MAX + 1];		/* with a NUL */
};
struct bx_fs_diff {		/* all zero: at the start.  Copy freely. */
	uint8_t key[264];
	uint16_t key_length;
	bool after;
};

/* The next difference.  Neither volume may be changed between the calls.
 *   BX_ERR_NOT_FOUND	there is no other
 *   BX_ERR_AGAIN	nothing found in a bounded number of steps; call again
 *   BX_ERR_INVALID	different volumes, or a cursor that is none */
BX_MUST_USE enum bx_err bx_fs_diff_next(struct bx_fs *older, struct bx_fs *newer,
    struct bx_fs_diff *cursor, struct bx_fs_change *out);

/* ---- names -------------------------------------------------------------------------------- */

/* Names are 1..BX_FS_NAME_MAX bytes without '/' and NUL, not "." and "..": else
 * BX_ERR_FS_NAME. `directory` that is none: BX_ERR_FS_NOT_DIR; that does not exist:
 * BX_ERR_NOT_FOUND. */
BX_MUST_USE enum bx_err bx_fs_lookup(struct bx_fs *fs, uint64_t directory, const char *name,
    size_t name_length, uint64_t *inode);

/* Follow a path of names separated by '/', from the root; empty components and "." are
 * skipped, ".." goes to the parent, symbolic links are not followed.  At most
 * BX_FS_DEPTH_MAX components: BX_ERR_RANGE. */
BX_MUST_USE enum bx_err bx_fs_walk(struct bx_fs *fs, const char *path, size_t path_length,
    uint64_t *inode);

/* The first entry of `directory` whose name is greater than `after` (memcmp order;
 * length 0: the very first).  BX_ERR_NOT_FOUND: there is none.  Entries made or removed
 * in between do no harm. */
BX_MUST_USE enum bx_err bx_fs_next_entry(struct bx_fs *fs, uint64_t directory, const char *after,
    size_t after_length, struct bx_fs_entry *out);

/* Make an empty file or directory.   BX_ERR_EXISTS  the name is taken */
BX_MUST_USE enum bx_err bx_fs_create(struct bx_fs *fs, uint64_t directory, const char *name,
    size_t name_length, enum bx_fs_type type, struct bx_fs_owner owner, uint64_t time_ns,
    uint64_t *inode);

/* Make a symbolic link.  target_length 1..BX_FS_TARGET_MAX, else BX_ERR_RANGE. */
BX_MUST_USE enum bx_err bx_fs_symlink(struct bx_fs *fs, uint64_t directory, const char *name,
    size_t name_length, const char *target, size_t target_length, struct bx_fs_owner owner,
    uint64_t time_ns, uint64_t *inode);

/* Another name for a file or symbolic link.   BX_ERR_FS_IS_DIR   BX_ERR_OVERFLOW  too many links */
BX_MUST_USE enum bx_err bx_fs_link(struct bx_fs *fs, uint64_t inode, uint64_t directory,
    const char *name, size_t name_length, uint64_t time_ns);

#define BX_FS_NO_REPLACE	1u	/* rename: BX_ERR_EXISTS if the new name is taken */
#define BX_FS_KEEP		2u	/* unlink, rename: a file that loses its last name stays readable and
					 * writable by its number until bx_fs_forget() or the next mount */

/* Remove a name, and the file with the last one.  Works on a full volume.  A large file's blocks come
 * free over the following calls.   BX_ERR_FS_IS_DIR */
BX_MUST_USE enum bx_err bx_fs_unlink(struct bx_fs *fs, uint64_t directory, const char *name,
    size_t name_length, uint32_t flags, uint64_t time_ns);

/* Remove an empty directory.   BX_ERR_FS_NOT_DIR   BX_ERR_FS_NOT_EMPTY */
BX_MUST_USE enum bx_err bx_fs_remove_directory(struct bx_fs *fs, uint64_t directory,
    const char *name, size_t name_length, uint64_t time_ns);

/* Give an object another name, in any directory; replaces what has the new name, atomically: a file by a
 * file or link, an empty directory by a directory.  Two names of one file: nothing happens.
 *   BX_ERR_FS_IS_DIR, BX_ERR_FS_NOT_DIR   old and new are of different kinds
 *   BX_ERR_FS_NOT_EMPTY   the directory to replace is not empty
 *   BX_ERR_FS_LOOP   the new directory is the object itself or below it
 *   BX_ERR_RANGE   more than BX_FS_DEPTH_MAX directories above the new one */
BX_MUST_USE enum bx_err bx_fs_rename(struct bx_fs *fs, uint64_t old_directory, const char *old_name,
    size_t old_length, uint64_t new_directory, const char *new_name, size_t new_length,
    uint32_t flags, uint64_t time_ns);

/* A file kept by BX_FS_KEEP is no longer in use.   BX_ERR_NOT_FOUND  it is not kept */
BX_MUST_USE enum bx_err bx_fs_forget(struct bx_fs *fs, uint64_t inode);

/* Free the blocks of deleted files and removed snapshots, one bounded step.  BX_ERR_AGAIN: more to do.
 * Changing calls do such a step by themselves. */
BX_MUST_USE enum bx_err bx_fs_tidy(struct bx_fs *fs);

/* ---- files -------------------------------------------------------------------------------- */

BX_MUST_USE enum bx_err bx_fs_stat(struct bx_fs *fs, uint64_t inode, struct bx_fs_stat *out);

#define BX_FS_SET_MODE		1u
#define BX_FS_SET_OWNER		2u
#define BX_FS_SET_GROUP		4u
#define BX_FS_SET_MODIFIED	8u

/* Set what `mask` names from *values. */
BX_MUST_USE enum bx_err bx_fs_set_stat(struct bx_fs *fs, uint64_t inode, uint32_t mask,
    const struct bx_fs_stat *values, uint64_t time_ns);

/* Read up to `length` bytes; *done is how many there were, at most BX_FS_READ_MAX a call; 0 at the end.
 * Every byte was verified.  On error *done is untouched and `buffer` holds nothing that failed to verify.
 *   BX_ERR_FS_IS_DIR   BX_ERR_INVALID  a symbolic link */
BX_MUST_USE enum bx_err bx_fs_read(struct bx_fs *fs, uint64_t inode, uint64_t offset, void *buffer,
    size_t length, size_t *done);

/* Where content is: the first bytes at or after *offset that are no hole, as *offset and *length; more may follow at once.  What
 * is not told is zero; of a file without blocks, the first BX_FS_INLINE_MAX bytes are told whether they are zero or not.
 * On error both are untouched.   BX_ERR_NOT_FOUND  there are none up to the end   BX_ERR_FS_IS_DIR   BX_ERR_INVALID  a
 * symbolic link */
BX_MUST_USE enum bx_err bx_fs_next_data(struct bx_fs *fs, uint64_t inode, uint64_t *offset, uint64_t *length);

/* Write up to `length` bytes; *done is how many were taken, at least 1, at most BX_FS_WRITE_MAX a call.
 * What is taken is one atomic change.   BX_ERR_RANGE  beyond BX_FS_SIZE_MAX */
BX_MUST_USE enum bx_err bx_fs_write(struct bx_fs *fs, uint64_t inode, uint64_t offset,
    const void *buffer, size_t length, uint64_t time_ns, size_t *done);

/* Set the size.  Growing makes a hole.  Shrinking much is done from the end in steps:
 * BX_ERR_AGAIN, the size is smaller than it was; call again. */
BX_MUST_USE enum bx_err bx_fs_truncate(struct bx_fs *fs, uint64_t inode, uint64_t size,
    uint64_t time_ns);

/* Make [offset, offset + length) zero and free its whole blocks.  BX_ERR_AGAIN: a part
 * is done; call again. */
BX_MUST_USE enum bx_err bx_fs_punch(struct bx_fs *fs, uint64_t inode, uint64_t offset,
    uint64_t length, uint64_t time_ns);

/* The target of a symbolic link, not NUL-terminated.   BX_ERR_INVALID  not a link
 * BX_ERR_OVERFLOW  the buffer is too small */
BX_MUST_USE enum bx_err bx_fs_read_link(struct bx_fs *fs, uint64_t inode, char *buffer,
    size_t buffer_length, size_t *length);

/* ---- attributes --------------------------------------------------------------------------- */

/* A name is 1..BX_FS_NAME_MAX bytes without NUL (BX_ERR_FS_NAME), a value
 * 0..BX_FS_ATTR_MAX bytes (BX_ERR_RANGE). */
BX_MUST_USE enum bx_err bx_fs_get_attr(struct bx_fs *fs, uint64_t inode, const char *name,
    size_t name_length, void *buffer, size_t buffer_length, size_t *length);
BX_MUST_USE enum bx_err bx_fs_set_attr(struct bx_fs *fs, uint64_t inode, const char *name,
    size_t name_length, const void *value, size_t value_length, uint64_t time_ns);
BX_MUST_USE enum bx_err bx_fs_remove_attr(struct bx_fs *fs, uint64_t inode, const char *name,
    size_t name_length, uint64_t time_ns);
/* The first attribute whose name is greater than `after`.  name[] gets a NUL.
 * BX_ERR_NOT_FOUND: none. */
BX_MUST_USE enum bx_err bx_fs_next_attr(struct bx_fs *fs, uint64_t inode, const char *after,
    size_t after_length, char name[BX_FS_NAME_MAX + 1], size_t *name_length);

/* ---- checking ----------------------------------------------------------------------------- */

enum bx_fs_problem {
	BX_FS_BAD_ROOT_COPY = 1,	/* one of the two copies of the newest root */
	BX_FS_BAD_NODE,		/* a tree block */
	BX_FS_BAD_MAP,		/* a map block */
	BX_FS_BAD_DATA,		/* a file's block */
	BX_FS_BAD_INODE,	/* an inode that contradicts its items */
	BX_FS_BAD_ENTRY,	/* an entry that names no inode, or one of another type */
	BX_FS_BAD_LINKS,	/* a count of links or entries */
	BX_FS_BAD_PARENT,	/* a directory that is not where it says */
	BX_FS_SHARED,		/* a block that two objects use */
	BX_FS_LEAKED,		/* a block marked in use that nothing uses */
	BX_FS_NOT_MARKED,	/* a block in use that is marked free */
	BX_FS_BAD_COUNT,	/* a total in the root */
	BX_FS_BAD_TABLE		/* the table of snapshots */
};

struct bx_fs_finding {
	enum bx_fs_problem problem;
	uint64_t inode;		/* 0: none */
	uint64_t address;	/* block, 0: none */
	uint64_t position;	/* of the file block, or a count */
};

struct bx_fs_checker {
	void *context;
	void (*report)(void *context, const struct bx_fs_finding *finding);
	void (*progress)(void *context, uint64_t inodes_done, uint64_t inodes_all);	/* or NULL */
	uint8_t *bits;		/* (blocks + 7) / 8 bytes of scratch */
	size_t bits_bytes;
	bool data;		/* read and verify the content of files too */
};

/* Check the whole volume and its snapshots: every block, every count, every name.  Commits first, and frees what removed
 * snapshots held, unless read-only.  *findings is the number of
 * reports.  BX_OK also when there are findings.  Work grows with the volume.
 * A snapshot that is shown is checked as far as it can be alone: its names, links and content, not which blocks are marked.
 *   BX_ERR_NO_MEMORY  bits_bytes   BX_ERR_STATE  in a transaction */
BX_MUST_USE enum bx_err bx_fs_check(struct bx_fs *fs, const struct bx_fs_checker *checker,
    uint64_t *findings);

/* Verify the content of one file, from *offset on, at most BX_FS_READ_MAX bytes; *offset
 * moves on. BX_ERR_AGAIN: more to do.  BX_ERR_CORRUPT: *offset is the damaged block. */
BX_MUST_USE enum bx_err bx_fs_verify(struct bx_fs *fs, uint64_t inode, uint64_t *offset);

/* Write both copies of the newest root again, if one was damaged. */
BX_MUST_USE enum bx_err bx_fs_repair_root(struct bx_fs *fs);

#endif
