/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* dir.c -- names: lookup, create, link, unlink, rename. */
#include "fs-internal.h"

#define ENTRY_BYTES 9u

struct name {
	const char *bytes;
	size_t length;
};

struct found {
	uint64_t inode;
	uint8_t type;
};

enum bx_err
bx_fsi_name_check(const char *bytes, size_t length)
{
	enum bx_err err = bx_fsi_attr_name_check(bytes, length);

	if (err == BX_OK && bytes[0] == '.' && (length == 1 || (length == 2 && bytes[1] == '.')))
		err = BX_ERR_FS_NAME;
	for (size_t i = 0; i < length && err == BX_OK; i++)
		if (bytes[i] == '/')
			err = BX_ERR_FS_NAME;
	return err;
}

static enum bx_err
check_name(struct name name)
{
	return bx_fsi_name_check(name.bytes, name.length);
}

static enum bx_err
get_directory(struct bx_fs *fs, uint64_t inode, struct fs_inode *in)
{
	enum bx_err err = bx_fsi_inode_open(fs, inode, in);

	if (err != BX_OK)
		return err;
	return in->type == BX_FS_DIRECTORY ? BX_OK : BX_ERR_FS_NOT_DIR;
}

static enum bx_err
entry_decode(const struct fs_item *item, struct found *out)
{
	if (item->value_length != ENTRY_BYTES)
		return BX_ERR_CORRUPT;
	out->inode = bx_get_le64(item->value);
	out->type = item->value[8];
	if (out->inode == 0 || out->type < BX_FS_FILE || out->type > BX_FS_SYMLINK)
		return BX_ERR_CORRUPT;
	return BX_OK;
}

static enum bx_err
find(struct bx_fs *fs, uint64_t directory, struct name name, struct found *out)
{
	struct fs_item item;
	enum bx_err err = bx_fsi_tree_find(fs, directory, FS_KEY_ENTRY, name.bytes, name.length, &item);

	return err == BX_OK ? entry_decode(&item, out) : err;
}

/* The directory must exist and be one; the name must be valid. */
static enum bx_err
open_directory(struct bx_fs *fs, uint64_t directory, struct name name, struct fs_inode *dir)
{
	enum bx_err err = check_name(name);

	return err == BX_OK ? get_directory(fs, directory, dir) : err;
}

enum bx_err
bx_fs_lookup(struct bx_fs *fs, uint64_t directory, const char *name, size_t name_length,
    uint64_t *inode)
{
	struct name n = { name, name_length };
	struct fs_inode dir;
	struct found found;
	enum bx_err err = check_name(n);

	if (err != BX_OK)
		return err;
	err = find(fs, directory, n, &found);
	if (err == BX_OK)
		*inode = found.inode;
	if (err != BX_ERR_NOT_FOUND)
		return err;
	err = get_directory(fs, directory, &dir);
	return err == BX_OK ? BX_ERR_NOT_FOUND : err;
}

enum bx_err
bx_fs_walk(struct bx_fs *fs, const char *path, size_t path_length, uint64_t *inode)
{
	uint64_t at = BX_FS_ROOT;
	size_t i = 0;

	for (unsigned turn = 0; turn <= BX_FS_DEPTH_MAX; turn++) {
		struct fs_inode in;
		size_t start;
		enum bx_err err;

		while (i < path_length && path[i] == '/')
			i++;
		start = i;
		while (i < path_length && path[i] != '/')
			i++;
		if (i == start) {
			*inode = at;
			return BX_OK;
		}
		if (i - start == 1 && path[start] == '.')
			continue;
		if (i - start == 2 && path[start] == '.' && path[start + 1] == '.') {
			err = get_directory(fs, at, &in);
			if (err == BX_OK)
				at = in.parent;
		} else {
			err = bx_fs_lookup(fs, at, path + start, i - start, &at);
		}
		if (err != BX_OK)
			return err;
	}
	return BX_ERR_RANGE;
}

enum bx_err
bx_fs_next_entry(struct bx_fs *fs, uint64_t directory, const char *after, size_t after_length,
    struct bx_fs_entry *out)
{
	struct fs_inode dir;
	struct fs_key key;
	struct fs_item item;
	struct found found;
	enum bx_err err;

	if (after_length > BX_FS_NAME_MAX)
		return BX_ERR_FS_NAME;
	err = get_directory(fs, directory, &dir);
	if (err != BX_OK)
		return err;
	bx_fsi_key(&key, directory, FS_KEY_ENTRY, after, after_length);
	err = bx_fsi_tree_next(fs, &key, false, &item);
	if (err == BX_OK)
		err = entry_decode(&item, &found);
	if (err == BX_OK && bx_fsi_name_check((const char *)item.key + 9, item.key_length - 9) != BX_OK)
		err = BX_ERR_CORRUPT;
	if (err != BX_OK)
		return err;
	out->inode = found.inode;
	out->type = found.type;
	out->name_length = (uint8_t)(item.key_length - 9);
	memcpy(out->name, item.key + 9, out->name_length);
	out->name[out->name_length] = '\0';
	return BX_OK;
}

static enum bx_err
put_entry(struct bx_fs *fs, uint64_t directory, struct name name, struct found to)
{
	uint8_t value[ENTRY_BYTES];
	struct fs_key key;

	bx_put_le64(value, to.inode);
	value[8] = to.type;
	bx_fsi_key(&key, directory, FS_KEY_ENTRY, name.bytes, name.length);
	return bx_fsi_tree_put(fs, &key, value, sizeof value);
}

static enum bx_err
delete_entry(struct bx_fs *fs, uint64_t directory, struct name name)
{
	struct fs_key key;

	bx_fsi_key(&key, directory, FS_KEY_ENTRY, name.bytes, name.length);
	return bx_fsi_tree_delete(fs, &key);
}

static enum bx_err
touch_name(struct bx_fs *fs, uint64_t directory, struct name name)
{
	enum bx_err err = bx_fsi_touch(fs, directory, FS_KEY_ENTRY, name.bytes, name.length);

	return err == BX_OK ? bx_fsi_touch_inode(fs, directory) : err;
}

/* The keys that bx_fsi_drop_link() may change. */
static enum bx_err
touch_victim(struct bx_fs *fs, uint64_t inode)
{
	enum bx_err err = bx_fsi_touch_inode(fs, inode);

	if (err == BX_OK)
		err = bx_fsi_touch_inline(fs, inode);
	if (err == BX_OK)
		err = bx_fsi_touch_orphan(fs, inode);
	return err;
}

static enum bx_err
make(struct bx_fs *fs, uint64_t directory, struct name name, uint8_t type, struct name target,
    struct bx_fs_owner owner, uint64_t time_ns, uint64_t *out)
{
	struct fs_inode dir, in;
	struct found found;
	uint64_t inode = fs->root.next_inode;
	enum bx_err err = open_directory(fs, directory, name, &dir);

	if (err == BX_OK && owner.mode > 07777)
		err = BX_ERR_INVALID;
	if (err != BX_OK)
		return err;
	err = find(fs, directory, name, &found);
	if (err != BX_ERR_NOT_FOUND)
		return err == BX_OK ? BX_ERR_EXISTS : err;
	err = bx_fsi_op_begin(fs, target.length > 0 ? 4 : 3, 0, 0, FS_OP_NORMAL);
	if (err == BX_OK)
		err = touch_name(fs, directory, name);
	if (err == BX_OK)
		err = bx_fsi_touch_inode(fs, inode);
	if (err != BX_OK)
		return err;

	in = (struct fs_inode){
		.type = type,
		.mode = owner.mode,
		.links = type == BX_FS_DIRECTORY ? 2 : 1,
		.size = target.length,
		.modified = time_ns,
		.changed = time_ns,
		.created = time_ns,
		.parent = type == BX_FS_DIRECTORY ? directory : 0,
		.uid = owner.uid,
		.gid = owner.gid,
	};
	err = bx_fsi_inode_put(fs, inode, &in);
	if (err == BX_OK && target.length > 0)
		err = bx_fsi_inline_put(fs, inode, target.bytes, target.length);
	if (err == BX_OK)
		err = put_entry(fs, directory, name, (struct found){ inode, type });
	dir.size++;
	if (type == BX_FS_DIRECTORY)
		dir.links++;
	err = bx_fsi_content_changed(fs, err, directory, &dir, time_ns);
	fs->root.next_inode++;
	fs->root.inodes++;
	err = bx_fsi_op_end(fs, time_ns, err, FS_LOG_CREATE, &(struct fs_log_entry){
		.field = {
			directory, inode, time_ns, owner.uid | (uint64_t)owner.gid << 32,
			owner.mode | (uint64_t)type << 16 | (uint64_t)name.length << 32 |
			    (uint64_t)target.length << 48,
		},
		.first = name.bytes,
		.first_length = name.length,
		.second = target.bytes,
		.second_length = target.length,
	});
	if (err == BX_OK)
		*out = inode;
	return err;
}

enum bx_err
bx_fs_create(struct bx_fs *fs, uint64_t directory, const char *name, size_t name_length,
    enum bx_fs_type type, struct bx_fs_owner owner, uint64_t time_ns, uint64_t *inode)
{
	if (type != BX_FS_FILE && type != BX_FS_DIRECTORY)
		return BX_ERR_INVALID;
	return make(fs, directory, (struct name){ name, name_length }, (uint8_t)type,
	    (struct name){ NULL, 0 }, owner, time_ns, inode);
}

enum bx_err
bx_fs_symlink(struct bx_fs *fs, uint64_t directory, const char *name, size_t name_length,
    const char *target, size_t target_length, struct bx_fs_owner owner, uint64_t time_ns,
    uint64_t *inode)
{
	if (target_length == 0 || target_length > BX_FS_TARGET_MAX)
		return BX_ERR_RANGE;
	return make(fs, directory, (struct name){ name, name_length }, BX_FS_SYMLINK,
	    (struct name){ target, target_length }, owner, time_ns, inode);
}

enum bx_err
bx_fs_link(struct bx_fs *fs, uint64_t inode, uint64_t directory, const char *name,
    size_t name_length, uint64_t time_ns)
{
	struct name n = { name, name_length };
	struct fs_inode dir, in;
	struct found found;
	enum bx_err err = open_directory(fs, directory, n, &dir);

	if (err == BX_OK)
		err = bx_fsi_inode_open(fs, inode, &in);
	if (err != BX_OK)
		return err;
	if (in.type == BX_FS_DIRECTORY)
		return BX_ERR_FS_IS_DIR;
	if (in.links == 0)
		return BX_ERR_NOT_FOUND;
	if (in.links == UINT32_MAX)
		return BX_ERR_OVERFLOW;
	err = find(fs, directory, n, &found);
	if (err != BX_ERR_NOT_FOUND)
		return err == BX_OK ? BX_ERR_EXISTS : err;
	err = bx_fsi_op_begin(fs, 3, 0, 0, FS_OP_NORMAL);
	if (err == BX_OK)
		err = touch_name(fs, directory, n);
	if (err == BX_OK)
		err = bx_fsi_touch_inode(fs, inode);
	if (err != BX_OK)
		return err;

	err = put_entry(fs, directory, n, (struct found){ inode, in.type });
	in.links++;
	in.changed = time_ns;
	if (err == BX_OK)
		err = bx_fsi_inode_put(fs, inode, &in);
	dir.size++;
	err = bx_fsi_content_changed(fs, err, directory, &dir, time_ns);
	return bx_fsi_op_end(fs, time_ns, err, FS_LOG_LINK, &(struct fs_log_entry){
		.field = { inode, directory, time_ns },
		.first = name,
		.first_length = name_length,
	});
}

/* The common part of unlink and remove_directory: the checks are done. */
static enum bx_err
remove_name(struct bx_fs *fs, uint64_t directory, struct name name, struct fs_inode *dir,
    uint64_t inode, struct fs_inode *in, uint32_t flags, uint64_t time_ns)
{
	enum bx_err err = bx_fsi_op_begin(fs, 5, 0, 0, FS_OP_DELETING);

	if (err == BX_OK)
		err = touch_name(fs, directory, name);
	if (err == BX_OK)
		err = touch_victim(fs, inode);
	if (err != BX_OK)
		return err;

	err = delete_entry(fs, directory, name);
	dir->size--;
	if (in->type == BX_FS_DIRECTORY)
		dir->links--;
	err = bx_fsi_content_changed(fs, err, directory, dir, time_ns);
	in->changed = time_ns;
	if (err == BX_OK)
		err = bx_fsi_drop_link(fs, inode, in, (flags & BX_FS_KEEP) != 0);
	return bx_fsi_op_end(fs, time_ns, err, FS_LOG_UNLINK, &(struct fs_log_entry){
		.field = { directory, time_ns, flags },
		.first = name.bytes,
		.first_length = name.length,
	});
}

static enum bx_err
open_entry(struct bx_fs *fs, uint64_t directory, struct name name, struct fs_inode *dir,
    struct found *found, struct fs_inode *in)
{
	enum bx_err err = open_directory(fs, directory, name, dir);

	if (err == BX_OK)
		err = find(fs, directory, name, found);
	if (err != BX_OK)
		return err;
	err = bx_fsi_inode_open(fs, found->inode, in);
	if (err == BX_ERR_NOT_FOUND || (err == BX_OK && in->type != found->type))
		return BX_ERR_CORRUPT;
	/* An entry counts in its directory, a link in its object. */
	if (err == BX_OK && (dir->size == 0 || in->links == 0 || found->inode == BX_FS_ROOT))
		return BX_ERR_CORRUPT;
	return err;
}

enum bx_err
bx_fs_unlink(struct bx_fs *fs, uint64_t directory, const char *name, size_t name_length,
    uint32_t flags, uint64_t time_ns)
{
	struct name n = { name, name_length };
	struct fs_inode dir, in;
	struct found found;
	enum bx_err err;

	if ((flags & ~BX_FS_KEEP) != 0)
		return BX_ERR_INVALID;
	err = open_entry(fs, directory, n, &dir, &found, &in);
	if (err != BX_OK)
		return err;
	if (in.type == BX_FS_DIRECTORY)
		return BX_ERR_FS_IS_DIR;
	return remove_name(fs, directory, n, &dir, found.inode, &in, flags, time_ns);
}

enum bx_err
bx_fs_remove_directory(struct bx_fs *fs, uint64_t directory, const char *name,
    size_t name_length, uint64_t time_ns)
{
	struct name n = { name, name_length };
	struct fs_inode dir, in;
	struct found found;
	enum bx_err err = open_entry(fs, directory, n, &dir, &found, &in);

	if (err != BX_OK)
		return err;
	if (in.type != BX_FS_DIRECTORY)
		return BX_ERR_FS_NOT_DIR;
	if (in.size > 0)
		return BX_ERR_FS_NOT_EMPTY;
	return remove_name(fs, directory, n, &dir, found.inode, &in, 0, time_ns);
}

/* Whether `inode` is `directory` or above it. */
static enum bx_err
check_not_above(struct bx_fs *fs, uint64_t inode, uint64_t directory)
{
	for (unsigned turn = 0; turn < BX_FS_DEPTH_MAX; turn++) {
		struct fs_inode in;
		enum bx_err err;

		if (directory == inode)
			return BX_ERR_FS_LOOP;
		if (directory == BX_FS_ROOT)
			return BX_OK;
		err = get_directory(fs, directory, &in);
		if (err != BX_OK)
			return err == BX_ERR_IO ? err : BX_ERR_CORRUPT;
		directory = in.parent;
	}
	return BX_ERR_RANGE;
}

struct renaming {
	uint64_t from, to;		/* directories */
	struct name old_name, new_name;
	struct fs_inode from_dir, to_dir;	/* to_dir is unused when both are one */
	struct found object, victim;	/* victim.inode 0: none */
	struct fs_inode object_in, victim_in;
	bool same;
};

static enum bx_err
rename_check(struct bx_fs *fs, struct renaming *r, uint32_t flags)
{
	enum bx_err err = open_entry(fs, r->from, r->old_name, &r->from_dir, &r->object, &r->object_in);

	if (err == BX_OK)
		err = open_directory(fs, r->to, r->new_name, &r->to_dir);
	if (err != BX_OK)
		return err;
	r->same = r->from == r->to;
	err = find(fs, r->to, r->new_name, &r->victim);
	if (err == BX_ERR_NOT_FOUND) {
		r->victim.inode = 0;
	} else if (err == BX_OK) {
		if ((flags & BX_FS_NO_REPLACE) != 0)
			return BX_ERR_EXISTS;
		err = open_entry(fs, r->to, r->new_name, &r->to_dir, &r->victim, &r->victim_in);
		if (err != BX_OK)
			return err;
		if (r->victim.inode == r->object.inode)
			return BX_OK;
		if (r->victim.type == BX_FS_DIRECTORY && r->object.type != BX_FS_DIRECTORY)
			return BX_ERR_FS_IS_DIR;
		if (r->victim.type != BX_FS_DIRECTORY && r->object.type == BX_FS_DIRECTORY)
			return BX_ERR_FS_NOT_DIR;
		if (r->victim.type == BX_FS_DIRECTORY && r->victim_in.size > 0)
			return BX_ERR_FS_NOT_EMPTY;
	} else {
		return err;
	}
	if (r->object.type == BX_FS_DIRECTORY && !r->same)
		return check_not_above(fs, r->object.inode, r->to);
	return BX_OK;
}

static enum bx_err
rename_touch(struct bx_fs *fs, const struct renaming *r)
{
	enum bx_err err = bx_fsi_op_begin(fs, r->victim.inode != 0 ? FS_KEYS_MAX : 5, 0, 0, FS_OP_NORMAL);

	/* So many paths may not be in memory at once, and what is written before it changes is written
	 * twice.  So they are looked at; in this order, so that what changes first is read last. */
	fs->looking = fs->slot_count < FS_SLOTS_FEW;
	if (err == BX_OK && r->victim.inode != 0)
		err = touch_victim(fs, r->victim.inode);
	if (err == BX_OK)
		err = bx_fsi_touch_inode(fs, r->object.inode);
	if (err == BX_OK)
		err = touch_name(fs, r->to, r->new_name);
	if (err == BX_OK)
		err = touch_name(fs, r->from, r->old_name);
	fs->looking = false;
	return err;
}

static enum bx_err
rename_act(struct bx_fs *fs, struct renaming *r, uint32_t flags, uint64_t time_ns)
{
	struct fs_inode *to_dir = r->same ? &r->from_dir : &r->to_dir;
	bool directory = r->object.type == BX_FS_DIRECTORY;
	enum bx_err err = delete_entry(fs, r->from, r->old_name);

	if (err == BX_OK)
		err = put_entry(fs, r->to, r->new_name, r->object);
	r->from_dir.size--;
	if (directory)
		r->from_dir.links--;
	if (r->victim.inode == 0)
		to_dir->size++;
	if (directory && r->victim.inode == 0)
		to_dir->links++;
	err = bx_fsi_content_changed(fs, err, r->from, &r->from_dir, time_ns);
	if (!r->same)
		err = bx_fsi_content_changed(fs, err, r->to, to_dir, time_ns);
	r->object_in.changed = time_ns;
	if (directory)
		r->object_in.parent = r->to;
	if (err == BX_OK)
		err = bx_fsi_inode_put(fs, r->object.inode, &r->object_in);
	r->victim_in.changed = time_ns;
	if (err == BX_OK && r->victim.inode != 0)
		err = bx_fsi_drop_link(fs, r->victim.inode, &r->victim_in, (flags & BX_FS_KEEP) != 0);
	return err;
}

enum bx_err
bx_fs_rename(struct bx_fs *fs, uint64_t old_directory, const char *old_name, size_t old_length,
    uint64_t new_directory, const char *new_name, size_t new_length, uint32_t flags,
    uint64_t time_ns)
{
	struct renaming r = {
		.from = old_directory,
		.to = new_directory,
		.old_name = { old_name, old_length },
		.new_name = { new_name, new_length },
	};
	enum bx_err err;

	if ((flags & ~(BX_FS_NO_REPLACE | BX_FS_KEEP)) != 0)
		return BX_ERR_INVALID;
	err = rename_check(fs, &r, flags);
	if (err != BX_OK || r.victim.inode == r.object.inode)
		return err;
	err = rename_touch(fs, &r);
	if (err != BX_OK)
		return err;
	err = rename_act(fs, &r, flags, time_ns);
	return bx_fsi_op_end(fs, time_ns, err, FS_LOG_RENAME, &(struct fs_log_entry){
		.field = { old_directory, new_directory, time_ns, flags },
		.first = old_name,
		.first_length = old_length,
		.second = new_name,
		.second_length = new_length,
	});
}
