/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * record.c -- the bytes of a log record (SPEC.md 9): its head, and its operations, put one after
 * the other and taken again.  What is taken may say anything: a record that was written as this says
 * is not one that this library wrote.
 */
#include "fs-internal.h"

/* How many fixed fields an operation has (SPEC.md 9); short ones are taken together. */
static const uint8_t fields_of[] = {
	[FS_LOG_CREATE] = 5, [FS_LOG_LINK] = 3, [FS_LOG_UNLINK] = 3, [FS_LOG_RENAME] = 4, [FS_LOG_WRITE] = 3,
	[FS_LOG_MAP] = 6, [FS_LOG_TRUNCATE] = 3, [FS_LOG_PUNCH] = 4, [FS_LOG_SET] = 5, [FS_LOG_SET_ATTR] = 2,
	[FS_LOG_REMOVE_ATTR] = 2, [FS_LOG_TIDY] = 1, [FS_LOG_FORGET] = 1,
};

/* Whether the length of the first byte string stands before it. */
static bool
has_first_length(unsigned code)
{
	return code == FS_LOG_RENAME || code == FS_LOG_SET_ATTR;
}

/* An operation is done: keep it for the next record.  One that does not fit makes the
 * next commit a root. */
void
bx_fsi_log_add(struct bx_fs *fs, enum fs_log_code code, const struct fs_log_entry *entry)
{
	size_t length = 8u * fields_of[code] + (has_first_length(code) ? 2 : 0) + entry->first_length +
	    entry->second_length;
	uint8_t *to = fs->log + fs->log_length;

	if (!fs->log_whole)
		return;
	if (length > FS_LOG_MAX - 8 || fs->log_length > FS_LOG_MAX - 8 - length) {
		fs->log_whole = false;
		return;
	}
	bx_put_le32(to, code);
	bx_put_le32(to + 4, (uint32_t)length);
	to += 8;
	for (unsigned i = 0; i < fields_of[code]; i++, to += 8)
		bx_put_le64(to, entry->field[i]);
	if (has_first_length(code)) {
		bx_put_le16(to, (uint16_t)entry->first_length);
		to += 2;
	}
	if (entry->first_length > 0)
		memcpy(to, entry->first, entry->first_length);
	to += entry->first_length;
	if (entry->second_length > 0)
		memcpy(to, entry->second, entry->second_length);
	fs->log_length += 8 + (uint32_t)length;
	fs->log_ops++;
}

/* Whether a record of this volume, of `*bytes` bytes, begins here; it may be torn all the same. */
bool
bx_fsi_record_head(const uint8_t *record, uint64_t generation, uint64_t seed, uint32_t sector,
    uint32_t *bytes)
{
	*bytes = bx_get_le32(record + 4);
	return bx_get_le32(record) == FS_MAGIC_LOG && *bytes >= FS_LOG_HEAD && *bytes <= FS_LOG_MAX &&
	    bx_get_le64(record + 8) == generation && bx_get_le32(record + 16) == sector &&
	    bx_get_le64(record + 24) == seed;
}

/* The operation at *at, which moves on; false: it does not fit. */
bool
bx_fsi_operation_take(const uint8_t *record, uint32_t length, uint32_t *at, struct fs_operation *op)
{
	const uint8_t *from = record + *at;
	uint32_t bytes, fixed;

	if (length - *at < 8)
		return false;
	op->code = bx_get_le32(from);
	bytes = bx_get_le32(from + 4);
	if (bytes > length - *at - 8 || op->code >= BX_ARRAY_COUNT(fields_of))
		return false;
	fixed = fields_of[op->code];
	if (fixed == 0 || bytes < 8 * fixed)
		return false;
	/*@ loop invariant 0 <= i <= fixed;
	  @ loop assigns i, op->field[0 .. 5];
	  @ loop variant fixed - i; */
	for (uint32_t i = 0; i < fixed; i++)
		op->field[i] = bx_get_le64(from + 8 + 8 * i);
	op->rest = (const char *)from + 8 + 8 * fixed;
	op->left = bytes - 8 * fixed;
	*at += 8 + bytes;
	return true;
}

/* The first of two byte strings.  False: it does not fit. */
bool
bx_fsi_operation_first(const struct fs_operation *op, const char **first, size_t *length)
{
	if (op->left < 2)
		return false;
	*length = bx_get_le16((const uint8_t *)op->rest);
	*first = op->rest + 2;
	return *length <= op->left - 2;
}

/* A mapping that a record names, checked.  The sums remain in the record. */
enum bx_err
bx_fsi_operation_mapping(const struct bx_fs *fs, const struct fs_operation *op, struct fs_extent *e)
{
	e->first = op->field[1];
	e->address = op->field[2];
	e->generation = op->field[3];
	e->count = op->left / fs->sum_bytes;
	e->sums = (const uint8_t *)op->rest;
	if (op->left % fs->sum_bytes != 0 || e->count == 0 ||
	    e->count > BX_FS_WRITE_MAX / BX_FS_BLOCK || e->generation != fs->current ||
	    op->field[4] > BX_FS_SIZE_MAX ||
	    !bx_range_fits(e->first, e->count, BX_FS_SIZE_MAX / BX_FS_BLOCK) ||
	    !bx_fsi_address_valid(fs, e->address, e->count))
		return BX_ERR_CORRUPT;
	return BX_OK;
}
