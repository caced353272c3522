/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * inode.c -- inodes (SPEC.md 7), the frame in which every operation runs, and deleted
 * files.
 *
 * An operation checks (reads only), then begins (space, memory), touches every key that it
 * will change (loads), and then acts, which cannot fail for want of anything; then it ends,
 * which puts it into the log.
 */
#include "fs-internal.h"

enum bx_err
bx_fsi_inode_decode(const uint8_t *b, unsigned length, struct fs_inode *out)
{
	if (length != FS_INODE_BYTES)
		return BX_ERR_CORRUPT;
	*out = (struct fs_inode){
		.type = b[0],
		.flags = b[1],
		.mode = bx_get_le16(b + 2),
		.links = bx_get_le32(b + 4),
		.size = bx_get_le64(b + 8),
		.blocks = bx_get_le64(b + 16),
		.modified = bx_get_le64(b + 24),
		.changed = bx_get_le64(b + 32),
		.created = bx_get_le64(b + 40),
		.parent = bx_get_le64(b + 48),
		.uid = bx_get_le32(b + 56),
		.gid = bx_get_le32(b + 60),
	};
	if (out->type < BX_FS_FILE || out->type > BX_FS_SYMLINK || out->mode > 07777 ||
	    out->size > BX_FS_SIZE_MAX || out->flags > FS_INODE_HAS_ATTR)
		return BX_ERR_CORRUPT;
	return BX_OK;
}

/* BX_ERR_NOT_FOUND: no such inode. */
enum bx_err
bx_fsi_inode_get(struct bx_fs *fs, uint64_t inode, struct fs_inode *out)
{
	struct fs_item item;
	enum bx_err err = bx_fsi_tree_find(fs, inode, FS_KEY_INODE, NULL, 0, &item);

	if (err != BX_OK)
		return err;
	return bx_fsi_inode_decode(item.value, item.value_length, out);
}

enum bx_err
bx_fsi_inode_put(struct bx_fs *fs, uint64_t inode, const struct fs_inode *in)
{
	uint8_t b[FS_INODE_BYTES];
	struct fs_key key;

	b[0] = in->type;
	b[1] = in->flags;
	bx_put_le16(b + 2, in->mode);
	bx_put_le32(b + 4, in->links);
	bx_put_le64(b + 8, in->size);
	bx_put_le64(b + 16, in->blocks);
	bx_put_le64(b + 24, in->modified);
	bx_put_le64(b + 32, in->changed);
	bx_put_le64(b + 40, in->created);
	bx_put_le64(b + 48, in->parent);
	bx_put_le32(b + 56, in->uid);
	bx_put_le32(b + 60, in->gid);
	bx_fsi_key(&key, inode, FS_KEY_INODE, NULL, 0);
	return bx_fsi_tree_put(fs, &key, b, sizeof b);
}

enum bx_err
bx_fsi_content_changed(struct bx_fs *fs, enum bx_err err, uint64_t inode, struct fs_inode *in,
    uint64_t time_ns)
{
	in->modified = time_ns;
	in->changed = time_ns;
	return err == BX_OK ? bx_fsi_inode_put(fs, inode, in) : err;
}

enum bx_err
bx_fsi_touch(struct bx_fs *fs, uint64_t inode, enum fs_key_type type, const void *rest,
    size_t rest_length)
{
	struct fs_key key;

	bx_fsi_key(&key, inode, type, rest, rest_length);
	return bx_fsi_tree_touch(fs, &key);
}

static bool
something_to_tidy(const struct bx_fs *fs)
{
	return fs->root.orphans > fs->held || fs->dying.generation != 0;
}

enum bx_err
bx_fsi_touch_inode(struct bx_fs *fs, uint64_t inode)
{
	fs->unsynced |= bx_fsi_unsynced_bit(inode);
	return bx_fsi_touch(fs, inode, FS_KEY_INODE, NULL, 0);
}

enum bx_err
bx_fsi_touch_inline(struct bx_fs *fs, uint64_t inode)
{
	return bx_fsi_touch(fs, inode, FS_KEY_INLINE, NULL, 0);
}

enum bx_err
bx_fsi_touch_orphan(struct bx_fs *fs, uint64_t inode)
{
	struct fs_key key;

	bx_fsi_key_u64(&key, 0, FS_KEY_ORPHAN, inode);
	return bx_fsi_tree_touch(fs, &key);
}

/* A step of tidying on the way.  An orphan that is damaged is passed over: it costs its
 * space, no more. */
static enum bx_err
tidy_by_the_way(struct bx_fs *fs)
{
	uint64_t inode;
	enum bx_err err;

	if (bx_fsi_find_orphan(fs, &inode) == BX_OK) {
		if (bx_fsi_tidy_step(fs, inode) == BX_ERR_CORRUPT)
			fs->tidy_after = inode;
	} else {
		err = bx_fsi_dying_step(fs);
		if (err != BX_OK && err != BX_ERR_NOT_FOUND && !fs->failed)
			return err;
	}
	return fs->failed ? BX_ERR_FS_FAILED : BX_OK;
}

/* One step of tidying and a root: the only ways to get space back. */
static enum bx_err
make_space(struct bx_fs *fs)
{
	enum bx_err err = tidy_by_the_way(fs);

	return err == BX_OK ? bx_fsi_commit_root(fs) : err;
}

enum bx_err
bx_fsi_op_begin(struct bx_fs *fs, unsigned keys, unsigned frees, unsigned data,
    enum fs_op_class class)
{
	unsigned depth = fs->root.tree.level + 1u;
	/* Every node of every path gets a new address; each level may split, and the
	 * root grow. */
	unsigned blocks = class == FS_OP_NORMAL ? keys * (2 * depth + 1) : (keys + 1) * depth + 4;
	unsigned entries = keys * depth + frees;
	uint64_t reserve = class == FS_OP_NORMAL ? FS_RESERVE : 0;
	enum bx_err err = BX_OK;

	if (blocks > FS_POOL_MAX)
		blocks = FS_POOL_MAX;
	if (fs->read_only && !fs->replaying)
		return BX_ERR_FS_READ_ONLY;
	if (fs->failed)
		return BX_ERR_FS_FAILED;
	fs->op++;
	fs->version++;
	if (class != FS_OP_TIDYING)
		fs->written_before = fs->counters.blocks_written;
	if (fs->replaying)
		return bx_fsi_pool_fill(fs, blocks < bx_fsi_available(fs) ? blocks :
		    (uint32_t)bx_fsi_available(fs));
	/* What changes most itself leaves to others what can wait. */
	if (!fs->transaction && (fs->pending_count + entries > fs->pending_max ||
	    (keys < FS_KEYS_MAX && bx_fsi_root_due(fs))))
		err = bx_fsi_commit_root(fs);
	else if (class == FS_OP_NORMAL && keys < FS_KEYS_MAX && !fs->transaction && something_to_tidy(fs))
		err = tidy_by_the_way(fs);
	if (err != BX_OK)
		return err;
	for (unsigned turn = 0; turn < 4 && !fs->transaction && class != FS_OP_TIDYING; turn++) {
		/* Content does not come from what is kept for the tree. */
		bool enough = bx_fsi_available(fs) >= blocks + reserve + data &&
		    (data == 0 || fs->root.free > FS_RESERVE);

		if (enough || (fs->pending_blocks == 0 && !something_to_tidy(fs)) ||
		    fs->counters.blocks_written - fs->written_before >= FS_COMMIT_MAX)
			break;
		err = make_space(fs);
		if (err != BX_OK)
			return err;
	}
	if (bx_fsi_available(fs) < blocks + reserve + data)
		return BX_ERR_FS_FULL;
	if (fs->pending_count + entries > fs->pending_max)
		return BX_ERR_NO_MEMORY;
	fs->op++;
	return bx_fsi_pool_fill(fs, blocks);
}

enum bx_err
bx_fsi_op_begin_on(struct bx_fs *fs, uint64_t inode, unsigned keys, enum fs_op_class class)
{
	enum bx_err err = bx_fsi_op_begin(fs, keys, 0, 0, class);

	return err == BX_OK ? bx_fsi_touch_inode(fs, inode) : err;
}

enum bx_err
bx_fsi_op_end(struct bx_fs *fs, uint64_t time_ns, enum bx_err err, enum fs_log_code code,
    const struct fs_log_entry *entry)
{
	fs->changed = true;
	if (err != BX_OK || fs->failed) {
		fs->failed = true;
		return BX_ERR_FS_FAILED;
	}
	if (time_ns > fs->root.time_ns)
		fs->root.time_ns = time_ns;
	if (code != FS_LOG_NOTHING)
		bx_fsi_log_add(fs, code, entry);
	/* What cannot be written now stays changed in memory, and is the next one's trouble. */
	fs->op++;
	if (!fs->read_only && !fs->replaying)
		(void)bx_fsi_cache_trim(fs);
	return BX_OK;
}

static enum bx_err
put_orphan(struct bx_fs *fs, uint64_t inode, bool held)
{
	uint8_t value[8];
	struct fs_key key;

	bx_put_le64(value, held && !fs->mounting ? fs->mount_id : 0);
	bx_fsi_key_u64(&key, 0, FS_KEY_ORPHAN, inode);
	return bx_fsi_tree_put(fs, &key, value, sizeof value);
}

/* The inode, and what is kept beside it. */
static enum bx_err
delete_inode(struct bx_fs *fs, uint64_t inode)
{
	struct fs_key key;
	enum bx_err err = bx_fsi_inline_put(fs, inode, NULL, 0);

	bx_fsi_key(&key, inode, FS_KEY_INODE, NULL, 0);
	if (err == BX_OK)
		err = bx_fsi_tree_delete(fs, &key);
	fs->root.inodes--;
	return err;
}

/* Part of an act: the inode has one link less; *in is current and gets written.  Paths
 * of its inode, inline and orphan keys were touched. */
enum bx_err
bx_fsi_drop_link(struct bx_fs *fs, uint64_t inode, struct fs_inode *in, bool keep)
{
	enum bx_err err;

	if (in->type == BX_FS_DIRECTORY)
		in->links = 0;
	else if (in->links > 0)
		in->links--;
	if (in->links > 0)
		return bx_fsi_inode_put(fs, inode, in);
	if (!keep && in->blocks == 0 && in->flags == 0)
		return delete_inode(fs, inode);
	err = put_orphan(fs, inode, keep);
	if (err != BX_OK)
		return err;
	fs->root.orphans++;
	if (keep && !fs->mounting)
		fs->held++;
	return bx_fsi_inode_put(fs, inode, in);
}

static enum bx_err
get_orphan(struct bx_fs *fs, uint64_t inode, uint64_t *holder)
{
	struct fs_key key;
	struct fs_item item;
	enum bx_err err;

	bx_fsi_key_u64(&key, 0, FS_KEY_ORPHAN, inode);
	err = bx_fsi_tree_get(fs, &key, &item);
	if (err != BX_OK)
		return err;
	if (item.value_length != 8)
		return BX_ERR_CORRUPT;
	*holder = bx_get_le64(item.value);
	return BX_OK;
}

/* An inode for a caller: one that has a name, or is kept.  A replay repeats what was
 * allowed once. */
enum bx_err
bx_fsi_inode_open(struct bx_fs *fs, uint64_t inode, struct fs_inode *out)
{
	struct fs_inode in;
	uint64_t holder;
	enum bx_err err = bx_fsi_inode_get(fs, inode, &in);

	if (err == BX_OK && in.links == 0 && !fs->replaying) {
		err = get_orphan(fs, inode, &holder);
		if (err == BX_OK && holder != fs->mount_id)
			err = BX_ERR_NOT_FOUND;
	}
	if (err == BX_OK)
		*out = in;
	return err;
}

/* A deleted file that nobody keeps.  Looks at a bounded number; the next call goes on
 * from there. */
enum bx_err
bx_fsi_find_orphan(struct bx_fs *fs, uint64_t *inode)
{
	if (fs->root.orphans <= fs->held)
		return BX_ERR_NOT_FOUND;
	for (unsigned turn = 0; turn < FS_STEP_ITEMS; turn++) {
		struct fs_key key;
		struct fs_item item;
		uint64_t found;
		enum bx_err err;

		bx_fsi_key_u64(&key, 0, FS_KEY_ORPHAN, fs->tidy_after);
		err = bx_fsi_tree_next(fs, &key, false, &item);
		if (err != BX_OK && err != BX_ERR_NOT_FOUND)
			return err;
		if (err == BX_ERR_NOT_FOUND) {
			if (fs->tidy_after == 0)
				return BX_ERR_NOT_FOUND;
			fs->tidy_after = 0;
			continue;
		}
		if (item.key_length != 17 || item.value_length != 8)
			return BX_ERR_CORRUPT;
		found = bx_get_be64(item.key + 9);
		if (bx_get_le64(item.value) != fs->mount_id) {
			*inode = found;
			return BX_OK;
		}
		fs->tidy_after = found;
	}
	return BX_ERR_NOT_FOUND;
}

/* The first attribute above `key`, which becomes its key.  BX_ERR_NOT_FOUND: none. */
static enum bx_err
next_attr(struct bx_fs *fs, struct fs_key *key)
{
	struct fs_item item;
	enum bx_err err = bx_fsi_tree_next(fs, key, false, &item);

	if (err != BX_OK)
		return err;
	memcpy(key->bytes, item.key, item.key_length);
	key->length = (uint16_t)item.key_length;
	return BX_OK;
}

/* Make up to FS_STEP_ITEMS attributes removable; fewer when space or memory ends early. */
static enum bx_err
prepare_attrs(struct bx_fs *fs, uint64_t inode, struct fs_plan *plan)
{
	struct fs_key key;

	*plan = (struct fs_plan){ .items = 0 };
	bx_fsi_key(&key, inode, FS_KEY_ATTR, NULL, 0);
	while (plan->items < FS_STEP_ITEMS) {
		enum bx_err err = next_attr(fs, &key);

		plan->all = err == BX_ERR_NOT_FOUND;
		if (plan->all)
			return BX_OK;
		if (err == BX_OK)
			err = bx_fsi_tree_touch(fs, &key);
		if ((err == BX_ERR_FS_FULL || err == BX_ERR_NO_MEMORY) && plan->items > 0)
			return BX_OK;
		if (err != BX_OK)
			return err;
		plan->items++;
	}
	return BX_OK;
}

static enum bx_err
remove_attrs(struct bx_fs *fs, uint64_t inode, unsigned items)
{
	enum bx_err err = BX_OK;

	for (unsigned turn = 0; turn < items && err == BX_OK; turn++) {
		struct fs_key key;

		bx_fsi_key(&key, inode, FS_KEY_ATTR, NULL, 0);
		err = next_attr(fs, &key);
		if (err == BX_OK)
			err = bx_fsi_tree_delete(fs, &key);
	}
	return err;
}

/* The act of a step: extents first, then attributes, then the inode itself.  *more: it
 * is not the last one. */
static enum bx_err
take_apart(struct bx_fs *fs, uint64_t inode, struct fs_inode *in, const struct fs_plan *plan,
    bool *more)
{
	uint64_t end = BX_FS_SIZE_MAX / BX_FS_BLOCK;
	struct fs_key key;
	enum bx_err err;

	*more = true;
	if (in->blocks > 0) {
		err = bx_fsi_extent_remove(fs, inode, in, 0, &end, plan->items);
		return err == BX_OK ? bx_fsi_inode_put(fs, inode, in) : err;
	}
	err = remove_attrs(fs, inode, plan->items);
	if (err != BX_OK || !plan->all)
		return err;
	*more = false;
	err = delete_inode(fs, inode);
	bx_fsi_key_u64(&key, 0, FS_KEY_ORPHAN, inode);
	if (err == BX_OK)
		err = bx_fsi_tree_delete(fs, &key);
	fs->root.orphans--;
	return err;
}

/* Take one bounded part of a deleted file apart.  What remains is a sound orphan. */
enum bx_err
bx_fsi_tidy_step(struct bx_fs *fs, uint64_t inode)
{
	struct fs_inode in;
	struct fs_plan plan;
	uint64_t holder;
	bool more;
	enum bx_err err = get_orphan(fs, inode, &holder);

	if (err == BX_OK)
		err = bx_fsi_inode_get(fs, inode, &in);
	if (err == BX_OK)
		err = bx_fsi_op_begin(fs, 4, FS_STEP_ITEMS, 0, FS_OP_TIDYING);
	if (err == BX_OK)
		err = bx_fsi_touch_orphan(fs, inode);
	if (err == BX_OK)
		err = bx_fsi_touch_inode(fs, inode);
	if (err == BX_OK)
		err = bx_fsi_touch_inline(fs, inode);
	if (err == BX_OK && in.blocks > 0)
		err = bx_fsi_extent_prepare(fs, inode, 0, BX_FS_SIZE_MAX / BX_FS_BLOCK, &plan);
	else if (err == BX_OK)
		err = prepare_attrs(fs, inode, &plan);
	/* Blocks without an extent: a step would get nowhere. */
	if (err == BX_OK && in.blocks > 0 && plan.items == 0)
		err = BX_ERR_CORRUPT;
	if (err != BX_OK)
		return err;
	err = take_apart(fs, inode, &in, &plan, &more);
	err = bx_fsi_op_end(fs, 0, err, FS_LOG_TIDY, &(struct fs_log_entry){
		.field = { inode },
	});
	return err == BX_OK && more ? BX_ERR_AGAIN : err;
}

enum bx_err
bx_fs_tidy(struct bx_fs *fs)
{
	uint64_t inode;
	enum bx_err err;

	if (fs->read_only)
		return BX_ERR_FS_READ_ONLY;
	err = bx_fsi_find_orphan(fs, &inode);
	if (err == BX_OK)
		err = bx_fsi_tidy_step(fs, inode);
	else if (err == BX_ERR_NOT_FOUND && !fs->transaction)
		err = fs->failed ? BX_ERR_FS_FAILED : bx_fsi_dying_step(fs);
	if (err == BX_ERR_NOT_FOUND)
		return BX_OK;
	return err == BX_OK && something_to_tidy(fs) ? BX_ERR_AGAIN : err;
}

enum bx_err
bx_fs_forget(struct bx_fs *fs, uint64_t inode)
{
	uint64_t holder;
	enum bx_err err = get_orphan(fs, inode, &holder);

	if (err == BX_OK && holder != fs->mount_id && !fs->mounting)
		err = BX_ERR_NOT_FOUND;
	if (err == BX_OK)
		err = bx_fsi_op_begin(fs, 1, 0, 0, FS_OP_DELETING);
	if (err == BX_OK)
		err = bx_fsi_touch_orphan(fs, inode);
	if (err != BX_OK)
		return err;
	err = put_orphan(fs, inode, false);
	if (!fs->mounting)
		fs->held--;
	return bx_fsi_op_end(fs, 0, err, FS_LOG_FORGET, &(struct fs_log_entry){
		.field = { inode },
	});
}

enum bx_err
bx_fs_stat(struct bx_fs *fs, uint64_t inode, struct bx_fs_stat *out)
{
	struct fs_inode in;
	enum bx_err err = bx_fsi_inode_open(fs, inode, &in);

	if (err != BX_OK)
		return err;
	*out = (struct bx_fs_stat){
		.inode = inode,
		.size = in.size,
		.blocks = in.blocks,
		.parent = in.parent,
		.modified_ns = in.modified,
		.changed_ns = in.changed,
		.created_ns = in.created,
		.links = in.links,
		.uid = in.uid,
		.gid = in.gid,
		.mode = in.mode,
		.type = in.type,
	};
	return BX_OK;
}

enum bx_err
bx_fs_set_stat(struct bx_fs *fs, uint64_t inode, uint32_t mask, const struct bx_fs_stat *values,
    uint64_t time_ns)
{
	struct fs_inode in;
	enum bx_err err;

	if (mask == 0 || mask > 15 || ((mask & BX_FS_SET_MODE) != 0 && values->mode > 07777))
		return BX_ERR_INVALID;
	err = bx_fsi_inode_open(fs, inode, &in);
	if (err == BX_OK)
		err = bx_fsi_op_begin_on(fs, inode, 1, FS_OP_NORMAL);
	if (err != BX_OK)
		return err;
	if ((mask & BX_FS_SET_MODE) != 0)
		in.mode = values->mode;
	if ((mask & BX_FS_SET_OWNER) != 0)
		in.uid = values->uid;
	if ((mask & BX_FS_SET_GROUP) != 0)
		in.gid = values->gid;
	if ((mask & BX_FS_SET_MODIFIED) != 0)
		in.modified = values->modified_ns;
	in.changed = time_ns;
	err = bx_fsi_inode_put(fs, inode, &in);
	return bx_fsi_op_end(fs, time_ns, err, FS_LOG_SET, &(struct fs_log_entry){
		.field = {
			inode, time_ns, mask | (uint64_t)in.mode << 32, in.uid | (uint64_t)in.gid << 32,
			in.modified,
		},
	});
}
