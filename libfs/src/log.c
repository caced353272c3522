/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * log.c -- commits between roots (SPEC.md 9): operations in a record that is written twice,
 * and their replay at mount.  A record counts from the moment one copy is whole on the
 * medium.
 */
#include "fs-internal.h"

void
bx_fsi_log_u64(struct fs_log_entry *entry, uint64_t v)
{
	bx_put_le64(entry->fixed + entry->fixed_length, v);
	entry->fixed_length += 8;
}

void
bx_fsi_log_u32(struct fs_log_entry *entry, uint32_t v)
{
	bx_put_le32(entry->fixed + entry->fixed_length, v);
	entry->fixed_length += 4;
}

void
bx_fsi_log_u16(struct fs_log_entry *entry, uint16_t v)
{
	bx_put_le16(entry->fixed + entry->fixed_length, v);
	entry->fixed_length += 2;
}

/* An operation is done: keep it for the next record.  One that does not fit makes the
 * next commit a root. */
void
bx_fsi_log_add(struct bx_fs *fs, enum fs_log_code code, const struct fs_log_entry *entry)
{
	size_t length = entry->fixed_length + entry->first_length + entry->second_length;
	uint8_t *to = fs->log + fs->log_length;

	if (!fs->log_whole)
		return;
	if (length > FS_LOG_MAX - 8 || fs->log_length > FS_LOG_MAX - 8 - length) {
		fs->log_whole = false;
		return;
	}
	memset(to, 0, 8);
	to[0] = (uint8_t)code;
	bx_put_le32(to + 4, (uint32_t)length);
	to += 8;
	memcpy(to, entry->fixed, entry->fixed_length);
	to += entry->fixed_length;
	if (entry->first_length > 0)
		memcpy(to, entry->first, entry->first_length);
	to += entry->first_length;
	if (entry->second_length > 0)
		memcpy(to, entry->second, entry->second_length);
	fs->log_length += 8 + (uint32_t)length;
	fs->log_ops++;
}

/* After a root: an empty record, at the start of the log. */
void
bx_fsi_log_restart(struct bx_fs *fs, bool usable)
{
	fs->log_length = FS_LOG_HEAD;
	fs->log_ops = 0;
	fs->log_sector = 0;
	fs->log_records = 0;
	fs->log_whole = usable;
	fs->unflushed = false;
}

static uint32_t
sectors_for(const struct bx_fs *fs, uint32_t bytes)
{
	return (bytes + fs->device.sector_bytes - 1) / fs->device.sector_bytes;
}

static uint32_t
log_sectors(const struct bx_fs *fs)
{
	return fs->root.log_blocks * (BX_FS_BLOCK / fs->device.sector_bytes);
}

/* Byte offset of a sector of a copy. */
static uint64_t
log_offset(const struct bx_fs *fs, unsigned copy, uint32_t sector)
{
	uint64_t block = copy == 0 ? 2 + 2 * fs->shape.nodes : fs->root.blocks - 2 - fs->root.log_blocks;

	return block * BX_FS_BLOCK + (uint64_t)sector * fs->device.sector_bytes;
}

/* Whether what changed since the last commit can be committed by a record. */
bool
bx_fsi_log_fits(const struct bx_fs *fs)
{
	return fs->log_whole && fs->epoch_dirty <= fs->root.replay_blocks &&
	    sectors_for(fs, fs->log_length) <= log_sectors(fs) - fs->log_sector;
}

enum bx_err
bx_fsi_log_commit(struct bx_fs *fs)
{
	uint8_t *r = fs->log;
	uint32_t sectors = sectors_for(fs, fs->log_length);
	size_t bytes = (size_t)sectors * fs->device.sector_bytes;

	memset(r + fs->log_length, 0, bytes - fs->log_length);
	memset(r, 0, FS_LOG_HEAD);
	memcpy(r, "BXLG", 4);
	bx_put_le32(r + 4, fs->log_length);
	bx_put_le64(r + 8, fs->current - 1);
	bx_put_le32(r + 16, fs->log_sector);
	bx_put_le32(r + 20, fs->log_ops);
	bx_put_le64(r + 24, fs->log_seed);
	bx_put_le64(r + 32, bx_fsi_xxh64(r, fs->log_length, fs->log_seed));
	/* What the record refers to must be there before it. */
	if (fs->unflushed && fs->device.flush(fs->device.context) != BX_OK)
		return BX_ERR_IO;
	fs->unflushed = false;
	for (unsigned copy = 0; copy < 2; copy++)
		if (fs->device.write(fs->device.context, log_offset(fs, copy, fs->log_sector), r,
		    bytes) != BX_OK)
			return BX_ERR_IO;
	/* The commit point. */
	if (fs->device.flush(fs->device.context) != BX_OK)
		return BX_ERR_IO;
	fs->log_sector += sectors;
	fs->log_records++;
	fs->log_length = FS_LOG_HEAD;
	fs->log_ops = 0;
	fs->counters.commits_log++;
	return BX_OK;
}

/* ---- replay ------------------------------------------------------------------------------ */

/* Read the record at a sector of one copy into fs->log.  BX_ERR_NOT_FOUND: there is no
 * valid one. */
static enum bx_err
read_record(struct bx_fs *fs, unsigned copy, uint32_t sector, uint32_t *length)
{
	uint8_t *r = fs->log;
	uint32_t bytes, sectors;
	uint64_t sum;

	if (fs->device.read(fs->device.context, log_offset(fs, copy, sector), r,
	    fs->device.sector_bytes) != BX_OK)
		return BX_ERR_IO;
	bytes = bx_get_le32(r + 4);
	if (memcmp(r, "BXLG", 4) != 0 || bytes < FS_LOG_HEAD || bytes > FS_LOG_MAX ||
	    bx_get_le64(r + 8) != fs->root.generation || bx_get_le32(r + 16) != sector ||
	    bx_get_le64(r + 24) != fs->log_seed)
		return BX_ERR_NOT_FOUND;
	sectors = sectors_for(fs, bytes);
	if (sectors > log_sectors(fs) - sector)
		return BX_ERR_NOT_FOUND;
	if (fs->device.read(fs->device.context, log_offset(fs, copy, sector), r,
	    (size_t)sectors * fs->device.sector_bytes) != BX_OK)
		return BX_ERR_IO;
	sum = bx_get_le64(r + 32);
	bx_put_le64(r + 32, 0);
	if (bx_get_le32(r + 4) != bytes || bx_fsi_xxh64(r, bytes, fs->log_seed) != sum)
		return BX_ERR_NOT_FOUND;
	*length = bytes;
	return BX_OK;
}

/* The record at a sector, from either copy. */
static enum bx_err
find_record(struct bx_fs *fs, uint32_t sector, uint32_t *length)
{
	enum bx_err first, second;

	if (sector >= log_sectors(fs))
		return BX_ERR_NOT_FOUND;
	first = read_record(fs, 0, sector, length);
	if (first == BX_OK)
		return BX_OK;
	second = read_record(fs, 1, sector, length);
	if (second == BX_OK)
		return BX_OK;
	return first == BX_ERR_IO || second == BX_ERR_IO ? BX_ERR_IO : BX_ERR_NOT_FOUND;
}

/* A cursor over the fields of one operation.  Reading beyond its end sets `bad` and
 * gives zeros. */
struct reader {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static const uint8_t *
take(struct reader *r, size_t length)
{
	static const uint8_t nothing[16];
	const uint8_t *at = r->at;

	if (length > r->left) {
		r->bad = true;
		return nothing;
	}
	r->at += length;
	r->left -= length;
	return at;
}

static uint64_t
take_u64(struct reader *r)
{
	return bx_get_le64(take(r, 8));
}

static uint32_t
take_u32(struct reader *r)
{
	return bx_get_le32(take(r, 4));
}

static uint16_t
take_u16(struct reader *r)
{
	return bx_get_le16(take(r, 2));
}

/* Bytes whose length was read before. */
static const char *
take_bytes(struct reader *r, size_t length)
{
	const uint8_t *at = r->at;

	if (length > r->left) {
		r->bad = true;
		return NULL;
	}
	r->at += length;
	r->left -= length;
	return (const char *)at;
}

static enum bx_err
replay_create(struct bx_fs *fs, struct reader *r)
{
	struct bx_fs_owner owner;
	uint64_t directory = take_u64(r), inode = take_u64(r), time_ns = take_u64(r), made;
	uint16_t type, name_length, target_length;
	const char *name, *target;
	enum bx_err err;

	owner.uid = take_u32(r);
	owner.gid = take_u32(r);
	owner.mode = take_u16(r);
	type = take_u16(r);
	name_length = take_u16(r);
	target_length = take_u16(r);
	name = take_bytes(r, name_length);
	target = take_bytes(r, target_length);
	if (r->bad || r->left != 0 || inode != fs->root.next_inode)
		return BX_ERR_CORRUPT;
	if (type == BX_FS_SYMLINK)
		err = bx_fs_symlink(fs, directory, name, name_length, target, target_length, owner,
		    time_ns, &made);
	else
		err = bx_fs_create(fs, directory, name, name_length, (enum bx_fs_type)type, owner,
		    time_ns, &made);
	return err;
}

static enum bx_err
replay_unlink(struct bx_fs *fs, struct reader *r)
{
	uint64_t directory = take_u64(r), time_ns = take_u64(r), flags = take_u64(r);
	size_t length = r->left;
	const char *name = take_bytes(r, length);
	enum bx_err err;

	if (r->bad || flags > UINT32_MAX)
		return BX_ERR_CORRUPT;
	err = bx_fs_unlink(fs, directory, name, length, (uint32_t)flags, time_ns);
	if (err == BX_ERR_FS_IS_DIR)
		err = bx_fs_remove_directory(fs, directory, name, length, time_ns);
	return err;
}

static enum bx_err
replay_rename(struct bx_fs *fs, struct reader *r)
{
	uint64_t from = take_u64(r), to = take_u64(r), time_ns = take_u64(r), flags = take_u64(r);
	size_t old_length = take_u16(r);
	const char *old_name = take_bytes(r, old_length);
	size_t new_length = r->left;
	const char *new_name = take_bytes(r, new_length);

	if (r->bad || flags > UINT32_MAX)
		return BX_ERR_CORRUPT;
	return bx_fs_rename(fs, from, old_name, old_length, to, new_name, new_length,
	    (uint32_t)flags, time_ns);
}

static enum bx_err
replay_write(struct bx_fs *fs, struct reader *r)
{
	uint64_t inode = take_u64(r), offset = take_u64(r), time_ns = take_u64(r);
	size_t length = r->left, done = 0;
	const char *bytes = take_bytes(r, length);
	enum bx_err err;

	if (r->bad || length == 0 || length >= BX_FS_BLOCK)
		return BX_ERR_CORRUPT;
	err = bx_fs_write(fs, inode, offset, bytes, length, time_ns, &done);
	return err == BX_OK && done != length ? BX_ERR_CORRUPT : err;
}

/* A mapping that a record names, checked.  The sums remain in the record. */
static enum bx_err
take_mapping(const struct bx_fs *fs, struct reader *r, struct fs_extent *e)
{
	e->first = take_u64(r);
	e->address = take_u64(r);
	e->generation = take_u64(r);
	(void)take_u64(r);
	(void)take_u64(r);
	e->count = r->left / fs->sum_bytes;
	e->sums = r->at;
	if (r->bad || r->left % fs->sum_bytes != 0 || e->count == 0 ||
	    e->count > BX_FS_WRITE_MAX / BX_FS_BLOCK || e->generation != fs->current ||
	    !bx_range_fits(e->first, e->count, BX_FS_SIZE_MAX / BX_FS_BLOCK) ||
	    !bx_fsi_address_valid(fs, e->address, e->count))
		return BX_ERR_CORRUPT;
	return BX_OK;
}

static enum bx_err
replay_map(struct bx_fs *fs, struct reader *r)
{
	uint64_t inode = take_u64(r);
	struct reader again = *r;
	struct fs_extent e;
	uint64_t size, time_ns;
	enum bx_err err = take_mapping(fs, r, &e);

	if (err != BX_OK)
		return err;
	(void)take(&again, 24);
	size = take_u64(&again);
	time_ns = take_u64(&again);
	if (size > BX_FS_SIZE_MAX)
		return BX_ERR_CORRUPT;
	return bx_fsi_map_blocks(fs, inode, &e, size, time_ns);
}

/* Steps that were several may be fewer now, or the other way round. */
static enum bx_err
replay_truncate(struct bx_fs *fs, struct reader *r)
{
	uint64_t inode = take_u64(r), size = take_u64(r), time_ns = take_u64(r);
	enum bx_err err = BX_ERR_AGAIN;

	if (r->bad)
		return BX_ERR_CORRUPT;
	for (unsigned turn = 0; turn <= FS_STEP_ITEMS && err == BX_ERR_AGAIN; turn++)
		err = bx_fs_truncate(fs, inode, size, time_ns);
	return err;
}

static enum bx_err
replay_punch(struct bx_fs *fs, struct reader *r)
{
	uint64_t inode = take_u64(r), offset = take_u64(r), length = take_u64(r), time_ns = take_u64(r);
	enum bx_err err = BX_ERR_AGAIN;

	if (r->bad)
		return BX_ERR_CORRUPT;
	for (unsigned turn = 0; turn <= FS_STEP_ITEMS && err == BX_ERR_AGAIN; turn++)
		err = bx_fs_punch(fs, inode, offset, length, time_ns);
	return err;
}

static enum bx_err
replay_set(struct bx_fs *fs, struct reader *r)
{
	uint64_t inode = take_u64(r), time_ns = take_u64(r);
	uint32_t mask = take_u32(r), mode = take_u32(r);
	struct bx_fs_stat values = { .mode = (uint16_t)mode };

	values.uid = take_u32(r);
	values.gid = take_u32(r);
	values.modified_ns = take_u64(r);
	if (r->bad || mode > 07777)
		return BX_ERR_CORRUPT;
	return bx_fs_set_stat(fs, inode, mask, &values, time_ns);
}

static enum bx_err
replay_attr(struct bx_fs *fs, struct reader *r, bool set)
{
	uint64_t inode = take_u64(r), time_ns = take_u64(r);
	size_t name_length = set ? take_u16(r) : r->left;
	const char *name = take_bytes(r, name_length);
	size_t length = r->left;
	const char *value = take_bytes(r, length);

	if (r->bad)
		return BX_ERR_CORRUPT;
	return set ? bx_fs_set_attr(fs, inode, name, name_length, value, length, time_ns) :
	    bx_fs_remove_attr(fs, inode, name, name_length, time_ns);
}

static enum bx_err
replay_link(struct bx_fs *fs, struct reader *r)
{
	uint64_t inode = take_u64(r), directory = take_u64(r), time_ns = take_u64(r);
	size_t length = r->left;
	const char *name = take_bytes(r, length);

	return r->bad ? BX_ERR_CORRUPT : bx_fs_link(fs, inode, directory, name, length, time_ns);
}

static enum bx_err
replay_one(struct bx_fs *fs, unsigned code, struct reader *r)
{
	uint64_t inode;
	enum bx_err err;

	switch (code) {
	case FS_LOG_CREATE:
		return replay_create(fs, r);
	case FS_LOG_LINK:
		return replay_link(fs, r);
	case FS_LOG_UNLINK:
		return replay_unlink(fs, r);
	case FS_LOG_RENAME:
		return replay_rename(fs, r);
	case FS_LOG_WRITE:
		return replay_write(fs, r);
	case FS_LOG_MAP:
		return replay_map(fs, r);
	case FS_LOG_TRUNCATE:
		return replay_truncate(fs, r);
	case FS_LOG_PUNCH:
		return replay_punch(fs, r);
	case FS_LOG_SET:
		return replay_set(fs, r);
	case FS_LOG_SET_ATTR:
		return replay_attr(fs, r, true);
	case FS_LOG_REMOVE_ATTR:
		return replay_attr(fs, r, false);
	case FS_LOG_TIDY:
		inode = take_u64(r);
		if (r->bad)
			return BX_ERR_CORRUPT;
		err = bx_fsi_tidy_step(fs, inode);
		return err == BX_ERR_AGAIN || err == BX_ERR_NOT_FOUND ? BX_OK : err;
	case FS_LOG_FORGET:
		inode = take_u64(r);
		return r->bad ? BX_ERR_CORRUPT : bx_fs_forget(fs, inode);
	default:
		return BX_ERR_CORRUPT;
	}
}

/* Go through the operations of the record in fs->log: apply them, or mark the blocks
 * that they map as in use. */
static enum bx_err
each_operation(struct bx_fs *fs, uint32_t length, bool apply)
{
	struct reader record = { .at = fs->log + FS_LOG_HEAD, .left = length - FS_LOG_HEAD };
	uint32_t ops = bx_get_le32(fs->log + 20);

	for (uint32_t i = 0; i < ops; i++) {
		unsigned code = take_u32(&record);
		size_t bytes = take_u32(&record);
		struct reader r = { .at = record.at, .left = bytes };
		enum bx_err err = BX_OK;

		(void)take_bytes(&record, bytes);
		if (record.bad)
			return BX_ERR_CORRUPT;
		if (apply) {
			err = replay_one(fs, code, &r);
		} else if (code == FS_LOG_MAP) {
			struct fs_extent e;

			(void)take_u64(&r);
			err = take_mapping(fs, &r, &e);
			if (err == BX_OK)
				err = bx_fsi_mark(fs, e.address, e.count);
		}
		if (err != BX_OK)
			return err == BX_ERR_IO || err == BX_ERR_NO_MEMORY ? err : BX_ERR_CORRUPT;
	}
	return record.left == 0 ? BX_OK : BX_ERR_CORRUPT;
}

static enum bx_err
each_record(struct bx_fs *fs, bool apply, bool search)
{
	uint32_t sector = 0, length;
	enum bx_err err = find_record(fs, sector, &length);

	fs->log_records = 0;
	while (err == BX_OK) {
		err = each_operation(fs, length, apply);
		if (err != BX_OK)
			return err;
		fs->log_records++;
		sector += sectors_for(fs, length);
		err = find_record(fs, sector, &length);
	}
	/* The end of the log, or a damaged record: then a later one of the same root is
	 * there. */
	for (sector++; err == BX_ERR_NOT_FOUND && search && sector < log_sectors(fs); sector++)
		if (find_record(fs, sector, &length) == BX_OK)
			return BX_ERR_CORRUPT;
	return err == BX_ERR_NOT_FOUND ? BX_OK : err;
}

/* Bring the tree in memory to the state that the log says.  First all blocks that
 * records name are taken out of the map, so that replaying cannot use them for something
 * else. */
enum bx_err
bx_fsi_log_replay(struct bx_fs *fs)
{
	uint32_t length;
	enum bx_err err = find_record(fs, 0, &length);

	bx_fsi_log_restart(fs, false);
	if (err == BX_ERR_NOT_FOUND)
		return each_record(fs, false, true);
	if (err != BX_OK)
		return err;
	fs->replaying = true;
	fs->op++;
	if (!fs->read_only)
		err = each_record(fs, false, true);
	if (err == BX_OK)
		err = each_record(fs, true, fs->read_only);
	fs->replaying = false;
	fs->changed = false;
	return err;
}
