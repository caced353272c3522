/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_decode.c -- the decoders of what is on a device, without the device: the root record, a tree node,
 * the table of snapshots, an inode, an extent, a map node, a log record with its operations.  Whatever the
 * bytes are, a decoder returns; what it accepts can be used by everything that relies on it.
 *
 * Input: one byte that chooses the decoder, then bytes that are put over a sound example of 4,096: the
 * offset (2), the count (1), as many bytes; so on to the end.
 */
#include "support.h"

#include "../src/fs-internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ADDRESS		50u
#define GENERATION	9u
#define MAP_ADDRESS	2u	/* of the only map node */
#define SECTOR		3u
#define SEED		77u

enum { LEAF, INNER, ROOT, TABLE, MAP, RECORD, EXAMPLES };

/* A leaf with keys of every type, or an inner node. */
static void
example_node(uint8_t *node, unsigned level)
{
	uint8_t value[64] = { 1 };
	struct fs_key key;

	bx_fsi_node_init(node, level, ADDRESS, GENERATION);
	for (unsigned i = 0; i < 12; i++) {
		bx_fsi_key(&key, 1 + i / 4, (enum fs_key_type)(1 + i % 5), "name", 4);
		if (i > 0 && i % 4 == 0)
			continue;
		bx_fsi_node_insert(node, bx_fsi_node_count(node), key.bytes, key.length, value,
		    level > 0 ? 24u : 8 + 5 * (i % 4));
		if (i % 4 == 3)
			bx_fsi_node_remove(node, bx_fsi_node_count(node) - 1);
	}
}

static void
example_root(uint8_t *bytes)
{
	struct fs_root root = {
		.hash = BX_FS_HASH_XXH64,
		.generation = 2,
		.blocks = 1000,
		.log_blocks = 4,
		.replay_blocks = 8,
		.next_inode = 10,
		.inodes = 1,
		.free = 900,
		.tree.pointer = { .address = 100, .generation = 1 },
	};

	bx_fsi_root_encode(&root, bytes);
}

static void
example_table(uint8_t *table)
{
	memcpy(table, "BXSN", 4);
	bx_put_le16(table + 4, 3);
	bx_put_le64(table + 8, ADDRESS);
	bx_put_le64(table + 16, GENERATION);
	bx_put_le64(table + 24, 5);
	for (unsigned i = 0; i < 3; i++) {
		uint8_t *r = table + FS_TABLE_HEAD + FS_TABLE_RECORD * i;

		bx_put_le64(r, 3 + 2 * i);
		bx_put_le64(r + 8, 40 + i);
		bx_put_le64(r + 16, 2 + i);
		r[81] = i == 1;
		r[82] = 3;
		memcpy(r + 88, "one", 3);
	}
}

static const struct bx_fs *
volume(void)
{
	static struct bx_fs fs;

	fs.sum_bytes = 8;
	fs.extent_blocks = 64;
	fs.root.blocks = fs.next_virtual = 1000;
	fs.root.log_blocks = 4;
	fs.current = GENERATION;
	bx_fsi_map_shape(1000, &fs.shape);
	return &fs;
}

static void
example_map(uint8_t *map)
{
	bx_put_le32(map, FS_MAGIC_MAP);
	bx_put_le32(map + 12, 900);
	bx_put_le64(map + 16, GENERATION);
	bx_put_le64(map + 24, MAP_ADDRESS);
}

/* One operation of each code, as the library puts them. */
static void
example_record(uint8_t *record)
{
	static struct bx_fs writer;
	const struct fs_log_entry one = { .field = { 1, 2, 100, GENERATION, 5, 6 }, .first = "8 bytes.", .first_length = 8 };

	writer.log = record;
	bx_fsi_log_restart(&writer, true);
	for (unsigned code = FS_LOG_CREATE; code <= FS_LOG_FORGET; code++)
		bx_fsi_log_add(&writer, (enum fs_log_code)code, &one);
	bx_put_le32(record, FS_MAGIC_LOG);
	bx_put_le32(record + 4, writer.log_length);
	bx_put_le64(record + 8, GENERATION);
	bx_put_le32(record + 16, SECTOR);
	bx_put_le32(record + 20, writer.log_ops);
	bx_put_le64(record + 24, SEED);
}

static void
use_record(const uint8_t *record)
{
	uint32_t bytes, at = FS_LOG_HEAD;

	if (!bx_fsi_record_head(record, GENERATION, SEED, SECTOR, &bytes))
		return;
	for (uint32_t i = 0; i < bx_get_le32(record + 20); i++) {
		struct fs_operation op;
		struct fs_extent e;
		const char *first;
		size_t length;

		if (!bx_fsi_operation_take(record, bytes, &at, &op))
			return;
		if (at > bytes || (const uint8_t *)op.rest + op.left != record + at)
			die("operation %u ends outside of the record", i);
		if (bx_fsi_operation_first(&op, &first, &length) && length + 2 > op.left)
			die("a name outside of operation %u", i);
		if (op.code == FS_LOG_MAP && bx_fsi_operation_mapping(volume(), &op, &e) == BX_OK &&
		    !bx_range_fits(e.address, e.count, 1000))
			die("operation %u maps blocks beyond the volume", i);
	}
}

/* Two by two. */
static bool
any_overlap(const uint8_t *node)
{
	for (unsigned i = 0; i < bx_fsi_node_count(node); i++)
		for (unsigned j = 0; j < i; j++) {
			unsigned a = bx_get_le16(node + FS_NODE_HEAD + 2 * i);
			unsigned b = bx_get_le16(node + FS_NODE_HEAD + 2 * j);

			if (a < b + bx_fsi_node_item_bytes(node, j) && b < a + bx_fsi_node_item_bytes(node, i))
				return true;
		}
	return false;
}

static void
use_node(uint8_t *node, unsigned level)
{
	static uint8_t right[BX_FS_BLOCK];
	struct fs_key key;
	bool found;
	unsigned count = bx_fsi_node_count(node);

	if (bx_fsi_node_disjoint(node) == any_overlap(node))
		die("items of %u that overlap, or not", count);
	for (unsigned i = 0; i < count; i++) {
		struct fs_item item = { .generation = GENERATION };
		struct fs_inode in;
		struct fs_extent e;

		bx_fsi_node_copy_key(node, i, &key);
		if (bx_fsi_node_lower(node, &key, &found) != i || !found)
			die("item %u is not found", i);
		if (bx_fsi_node_child(node, &key, false) != i)
			die("item %u is not the child", i);
		item.key = bx_fsi_node_key(node, i, &item.key_length);
		item.value = bx_fsi_node_value(node, i, &item.value_length);
		if (level > 0)
			continue;
		if (bx_fsi_extent_decode(volume(), &item, &e) == BX_OK &&
		    !bx_range_fits(e.address, e.count, 1000))
			die("an extent beyond the volume");
		if (bx_fsi_inode_decode(item.value, item.value_length, &in) == BX_OK &&
		    in.size > BX_FS_SIZE_MAX)
			die("an inode beyond its size");
	}
	if (count > 1) {
		bool goes_left;

		bx_fsi_node_init(right, level, ADDRESS, GENERATION);
		(void)bx_fsi_node_split(node, right, count / 2, 100, &goes_left);
	}
	if (bx_fsi_node_count(node) > 0)
		bx_fsi_node_remove(node, 0);
	if (bx_fsi_node_room(node) >= 32)
		bx_fsi_node_insert(node, 0, key.bytes, 1, right, 20);
}

/* Which decoder: the two lowest bits, as ever; with the highest, those that came later. */
static unsigned
choice(uint8_t byte)
{
	return (byte & 0x80) != 0 ? MAP + (byte & 1) : byte & 3;
}

static const uint8_t *
example(unsigned which)
{
	static uint8_t examples[EXAMPLES][BX_FS_BLOCK];
	static bool made;

	if (!made) {
		example_node(examples[LEAF], 0);
		example_node(examples[INNER], 1);
		example_root(examples[ROOT]);
		example_table(examples[TABLE]);
		example_map(examples[MAP]);
		example_record(examples[RECORD]);
		made = true;
	}
	return examples[which];
}

static void
decode_root(uint8_t *bytes)
{
	struct fs_root root;

	bx_put_le64(bytes + 480, bx_fsi_xxh64(bytes, 480, 0));
	memset(bytes + 488, 0, 24);
	if (bx_fsi_root_decode(bytes, &root) == BX_OK && root.free > root.blocks)
		die("more free than there are");
}

static void
decode_table(const uint8_t *bytes)
{
	if (bx_fsi_table_check(bytes, ADDRESS, GENERATION) != BX_OK)
		return;
	for (unsigned i = 0; i < bx_get_le16(bytes + 4); i++) {
		struct fs_snapshot s;

		bx_fsi_table_get(volume(), bytes, i, &s);
		if (s.generation > GENERATION || s.tree.level >= FS_LEVELS)
			die("a snapshot out of bounds");
	}
}

static void
decode(unsigned which, uint8_t *bytes)
{
	switch (which) {
	case LEAF:
	case INNER:
		if (bx_fsi_node_check(bytes, which, ADDRESS, GENERATION, 8) == BX_OK)
			use_node(bytes, which);
		break;
	case ROOT:
		decode_root(bytes);
		break;
	case TABLE:
		decode_table(bytes);
		break;
	case MAP:
		if (bx_fsi_map_check(volume(), bytes, 0, MAP_ADDRESS, GENERATION) == BX_OK &&
		    bx_get_le32(bytes + 8) != 0)
			die("a map node that is not there");
		break;
	default:
		use_record(bytes);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[BX_FS_BLOCK];
	unsigned which;

	if (size < 1)
		return 0;
	which = choice(data[0]);
	memcpy(bytes, example(which), BX_FS_BLOCK);
	for (size_t i = 1; i + 3 <= size;) {
		size_t at = bx_get_le16(data + i) % BX_FS_BLOCK, count = data[i + 2];

		i += 3;
		if (count > size - i)
			count = size - i;
		if (count > BX_FS_BLOCK - at)
			count = BX_FS_BLOCK - at;
		if (count > 0)
			memcpy(bytes + at, data + i, count);
		i += count;
	}
	decode(which, bytes);
	return 0;
}
