/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* attr.c -- small named values beside an object. */
#include "fs-internal.h"

enum bx_err
bx_fsi_attr_name_check(const char *name, size_t length)
{
	if (length == 0 || length > BX_FS_NAME_MAX)
		return BX_ERR_FS_NAME;
	for (size_t i = 0; i < length; i++)
		if (name[i] == '\0')
			return BX_ERR_FS_NAME;
	return BX_OK;
}

enum bx_err
bx_fs_get_attr(struct bx_fs *fs, uint64_t inode, const char *name, size_t name_length,
    void *buffer, size_t buffer_length, size_t *length)
{
	struct fs_item item;
	enum bx_err err = bx_fsi_attr_name_check(name, name_length);

	if (err == BX_OK)
		err = bx_fsi_tree_find(fs, inode, FS_KEY_ATTR, name, name_length, &item);
	if (err != BX_OK)
		return err;
	if (item.value_length > buffer_length)
		return BX_ERR_OVERFLOW;
	if (item.value_length > 0)
		memcpy(buffer, item.value, item.value_length);
	*length = item.value_length;
	return BX_OK;
}

enum bx_err
bx_fs_set_attr(struct bx_fs *fs, uint64_t inode, const char *name, size_t name_length,
    const void *value, size_t value_length, uint64_t time_ns)
{
	struct fs_inode in;
	struct fs_key key;
	enum bx_err err = bx_fsi_attr_name_check(name, name_length);

	if (err == BX_OK && value_length > BX_FS_ATTR_MAX)
		err = BX_ERR_RANGE;
	if (err == BX_OK)
		err = bx_fsi_inode_open(fs, inode, &in);
	if (err == BX_OK)
		err = bx_fsi_op_begin_on(fs, inode, 2, FS_OP_NORMAL);
	if (err != BX_OK)
		return err;
	bx_fsi_key(&key, inode, FS_KEY_ATTR, name, name_length);
	err = bx_fsi_tree_touch(fs, &key);
	if (err != BX_OK)
		return err;
	in.flags |= FS_INODE_HAS_ATTR;
	in.changed = time_ns;
	err = bx_fsi_tree_put(fs, &key, value, value_length);
	if (err == BX_OK)
		err = bx_fsi_inode_put(fs, inode, &in);
	return bx_fsi_op_end(fs, time_ns, err, FS_LOG_SET_ATTR, &(struct fs_log_entry){
		.field = { inode, time_ns },
		.first = name,
		.first_length = name_length,
		.second = value,
		.second_length = value_length,
	});
}

enum bx_err
bx_fs_remove_attr(struct bx_fs *fs, uint64_t inode, const char *name, size_t name_length,
    uint64_t time_ns)
{
	struct fs_inode in;
	struct fs_key key;
	struct fs_item item;
	enum bx_err err = bx_fsi_attr_name_check(name, name_length);

	if (err != BX_OK)
		return err;
	bx_fsi_key(&key, inode, FS_KEY_ATTR, name, name_length);
	err = bx_fsi_tree_get(fs, &key, &item);
	if (err == BX_OK)
		err = bx_fsi_inode_open(fs, inode, &in);
	if (err == BX_OK)
		err = bx_fsi_op_begin_on(fs, inode, 2, FS_OP_DELETING);
	if (err == BX_OK)
		err = bx_fsi_tree_touch(fs, &key);
	if (err != BX_OK)
		return err;
	in.changed = time_ns;
	err = bx_fsi_tree_delete(fs, &key);
	if (err == BX_OK)
		err = bx_fsi_inode_put(fs, inode, &in);
	return bx_fsi_op_end(fs, time_ns, err, FS_LOG_REMOVE_ATTR, &(struct fs_log_entry){
		.field = { inode, time_ns },
		.first = name,
		.first_length = name_length,
	});
}

enum bx_err
bx_fs_next_attr(struct bx_fs *fs, uint64_t inode, const char *after, size_t after_length,
    char name[BX_FS_NAME_MAX + 1], size_t *name_length)
{
	struct fs_inode in;
	struct fs_key key;
	struct fs_item item;
	enum bx_err err;

	if (after_length > BX_FS_NAME_MAX)
		return BX_ERR_FS_NAME;
	err = bx_fsi_inode_open(fs, inode, &in);
	if (err != BX_OK)
		return err;
	bx_fsi_key(&key, inode, FS_KEY_ATTR, after, after_length);
	err = bx_fsi_tree_next(fs, &key, false, &item);
	if (err != BX_OK)
		return err;
	if (item.key_length < 10)
		return BX_ERR_CORRUPT;
	*name_length = item.key_length - 9;
	memcpy(name, item.key + 9, *name_length);
	name[*name_length] = '\0';
	return BX_OK;
}
