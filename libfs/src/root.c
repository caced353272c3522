/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* root.c -- the root record (SPEC.md 4) and what follows from the size of a volume
 * (SPEC.md 3, 8). */
#include "fs-internal.h"

#define ROOT_SUMMED 480u
#define VERSION 2u

static const uint8_t magic[8] = { 'B', 'X', 'F', 'S', 'R', 'O', 'O', 'T' };

static void
sum_root(const uint8_t *bytes, uint8_t hash, uint8_t sum[FS_SUM_MAX])
{
	memset(sum, 0, FS_SUM_MAX);
	if (hash == BX_FS_HASH_SHA256)
		bx_fsi_sha256(bytes, 448, bytes + 448, ROOT_SUMMED - 448, sum);
	else
		bx_put_le64(sum, bx_fsi_xxh64(bytes, ROOT_SUMMED, 0));
}

/*@ requires from <= to <= FS_ROOT_BYTES;
  @ requires \valid_read(bytes + (0 .. to - 1));
  @ assigns \nothing;
  @ ensures \result <==> (\forall integer i; from <= i < to ==> bytes[i] == 0); */
static bool
all_zero(const uint8_t *bytes, size_t from, size_t to)
{
	/*@ loop invariant from <= i <= to;
	  @ loop invariant \forall integer j; from <= j < i ==> bytes[j] == 0;
	  @ loop assigns i;
	  @ loop variant to - i; */
	for (size_t i = from; i < to; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* The fields from byte 16 on, in order; what lies between them is zero.  Numbers are of 8, 4 or 1
 * bytes, everything else is taken as it is. */
static const struct field {
	uint16_t at, bytes, in;		/* in the record; in struct fs_root */
} fields[] = {
#define FIELD(at, member) { at, sizeof ((struct fs_root *)0)->member, offsetof(struct fs_root, member) }
	FIELD(16, uuid), FIELD(32, generation), FIELD(40, blocks), FIELD(48, log_blocks),
	FIELD(52, replay_blocks), FIELD(56, next_inode), FIELD(64, free), FIELD(72, node_hint),
	FIELD(80, data_hint), FIELD(88, orphans), FIELD(96, inodes), FIELD(104, time_ns),
	FIELD(112, tree.pointer.address), FIELD(120, tree.pointer.generation), FIELD(128, tree.pointer.sum),
	FIELD(160, tree.level), FIELD(168, table_generation), FIELD(176, table_sum), FIELD(208, table_side),
	FIELD(209, dying), FIELD(210, snapshots), FIELD(216, newest), FIELD(224, map_generation),
	FIELD(232, map_sum), FIELD(264, map_side), FIELD(272, label),
#undef FIELD
};

void
bx_fsi_root_encode(const struct fs_root *root, uint8_t bytes[FS_ROOT_BYTES])
{
	memset(bytes, 0, FS_ROOT_BYTES);
	memcpy(bytes, magic, sizeof magic);
	bx_put_le32(bytes + 8, VERSION);
	bytes[12] = root->hash;
	bytes[13] = root->sealed;
	bytes[14] = 12;
	for (unsigned i = 0; i < BX_ARRAY_COUNT(fields); i++) {
		const struct field *f = &fields[i];
		const uint8_t *from = (const uint8_t *)root + f->in;
		uint64_t wide;
		uint32_t narrow;

		if (f->bytes == 8) {
			memcpy(&wide, from, 8);
			bx_put_le64(bytes + f->at, wide);
		} else if (f->bytes == 4) {
			memcpy(&narrow, from, 4);
			bx_put_le32(bytes + f->at, narrow);
		} else {
			memcpy(bytes + f->at, from, f->bytes);
		}
	}
	sum_root(bytes, root->hash, bytes + ROOT_SUMMED);
}

/* False: a byte that has no meaning is not zero. */
static bool
decode_fields(const uint8_t *bytes, struct fs_root *root)
{
	unsigned end = 16;

	for (unsigned i = 0; i < BX_ARRAY_COUNT(fields); i++) {
		const struct field *f = &fields[i];
		uint8_t *to = (uint8_t *)root + f->in;
		uint64_t wide = bx_get_le64(bytes + f->at);
		uint32_t narrow = bx_get_le32(bytes + f->at);

		if (!all_zero(bytes, end, f->at))
			return false;
		end = f->at + (unsigned)f->bytes;
		memcpy(to, f->bytes == 8 ? (const uint8_t *)&wide : f->bytes == 4 ?
		    (const uint8_t *)&narrow : bytes + f->at, f->bytes);
	}
	return all_zero(bytes, end, ROOT_SUMMED);
}

/* Every bound that the rest of the library relies on. */
/*@ requires \valid_read(root);
  @ assigns \nothing;
  @ ensures \result ==> 1 <= root->generation <= 0x7fffffffffffffff;
  @ ensures \result ==> BX_FS_BLOCKS_MIN <= root->blocks <= BX_FS_BLOCKS_MAX;
  @ ensures \result ==> 2 <= root->log_blocks <= 64;
  @ ensures \result ==> 1 <= root->replay_blocks <= 0x1000000;
  @ ensures \result ==> root->free < root->blocks;
  @ ensures \result ==> root->node_hint < root->blocks && root->data_hint < root->blocks;
  @ ensures \result ==> BX_FS_ROOT < root->next_inode <= 0x7fffffffffffffff;
  @ ensures \result ==> root->tree.level < FS_LEVELS && root->tree.pointer.generation <= root->generation;
  @ ensures \result ==> 2 < root->tree.pointer.address < root->blocks - 2 - root->log_blocks;
  @ ensures \result ==> root->map_side <= 1 && root->table_side <= 1;
  @ ensures \result ==> root->newest <= root->table_generation <= root->generation;
  @ ensures \result ==> root->label[31] == 0; */
static bool
bounds_hold(const struct fs_root *root)
{
	struct fs_map_shape shape;
	uint64_t fixed;

	if (root->generation == 0 || root->generation > UINT64_MAX / 2)
		return false;
	if (root->blocks < BX_FS_BLOCKS_MIN || root->blocks > BX_FS_BLOCKS_MAX)
		return false;
	if (root->log_blocks < 2 || root->log_blocks > 64)
		return false;
	if (root->replay_blocks == 0 || root->replay_blocks > 1u << 24)
		return false;
	bx_fsi_map_shape(root->blocks, &shape);
	fixed = 4 + 2 * shape.nodes + 2 * (uint64_t)root->log_blocks;
	if (fixed >= root->blocks || root->free > root->blocks - fixed)
		return false;
	if (root->node_hint >= root->blocks || root->data_hint >= root->blocks)
		return false;
	if (root->next_inode <= BX_FS_ROOT || root->next_inode > UINT64_MAX / 2)
		return false;
	if (root->tree.level >= FS_LEVELS || root->tree.pointer.generation > root->generation)
		return false;
	if (root->tree.pointer.address < 2 + 2 * shape.nodes + root->log_blocks ||
	    root->tree.pointer.address >= root->blocks - 2 - root->log_blocks)
		return false;
	if (root->table_generation > root->generation || root->newest > root->table_generation)
		return false;
	return root->map_side <= 1 && root->table_side <= 1 && root->map_generation <= root->generation &&
	    root->label[sizeof root->label - 1] == '\0';
}

enum bx_err
bx_fsi_root_decode(const uint8_t bytes[FS_ROOT_BYTES], struct fs_root *root)
{
	uint8_t sum[FS_SUM_MAX];
	struct fs_root r = { 0 };

	if (memcmp(bytes, magic, sizeof magic) != 0)
		return BX_ERR_FORMAT;
	if (bx_get_le32(bytes + 8) != VERSION)
		return BX_ERR_VERSION;
	r.hash = bytes[12];
	if (r.hash != BX_FS_HASH_XXH64 && r.hash != BX_FS_HASH_SHA256)
		return BX_ERR_VERSION;
	sum_root(bytes, r.hash, sum);
	if (memcmp(sum, bytes + ROOT_SUMMED, FS_SUM_MAX) != 0)
		return BX_ERR_CORRUPT;
	/* Before they become bool. */
	if (bytes[13] > 1 || bytes[14] != 12 || bytes[15] != 0 || bytes[209] > 1)
		return BX_ERR_VERSION;
	r.sealed = bytes[13] == 1;
	if (!decode_fields(bytes, &r))
		return BX_ERR_VERSION;
	if (!bounds_hold(&r))
		return BX_ERR_CORRUPT;
	*root = r;
	return BX_OK;
}

void
bx_fsi_map_shape(uint64_t blocks, struct fs_map_shape *shape)
{
	uint64_t count = (blocks + FS_MAP_BITS - 1) / FS_MAP_BITS, nodes = 0;

	*shape = (struct fs_map_shape){ .levels = 0 };
	/* 2^50 blocks need 5 levels: 2^50 / 32512 / 84^4 < 1000, / 84^5 < 9, / 84^6 < 1. */
	/*@ loop invariant 0 <= level <= FS_LEVELS;
	  @ loop invariant 1 <= count <= 0x1000000000;
	  @ loop invariant level <= nodes <= level * 0x1000000000;
	  @ loop invariant level > 0 ==> shape->levels == level;
	  @ loop assigns level, count, nodes, *shape;
	  @ loop variant FS_LEVELS - level; */
	for (uint32_t level = 0; level < FS_LEVELS; level++) {
		shape->count[level] = count;
		shape->base[level] = nodes;
		nodes += count;
		shape->levels = level + 1;
		if (count == 1)
			break;
		count = (count + FS_MAP_FANOUT - 1) / FS_MAP_FANOUT;
	}
	shape->nodes = nodes + 1;	/* the table of snapshots has its places after them */
}
