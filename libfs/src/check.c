/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * check.c -- the full check of a volume: every block is verified, used once and marked so;
 * every count is right; every name leads to an inode of its type and every directory lies
 * where it says.
 *
 * Links are compared by a sum over all names and a sum over all inodes, which needs no
 * memory for each inode.
 */
#include "fs-internal.h"

struct check {
	struct bx_fs *fs;
	const struct bx_fs_checker *user;
	uint64_t findings;
	uint64_t inodes, orphans;
	uint64_t snapshot;		/* generation of the one that is looked at */
	uint64_t named, linked;		/* weighted by inode number */

	/* the inode whose items are being read */
	uint64_t inode;			/* 0: none yet */
	struct fs_inode in;
	uint64_t blocks, entries, directories, next_block, data_end;
	bool has_attr, has_inline, have;
};

static void
report(struct check *c, enum bx_fs_problem problem, uint64_t inode, uint64_t address,
    uint64_t position)
{
	const struct bx_fs_finding f = {
		.problem = problem,
		.inode = inode,
		.address = address,
		.position = position,
	};

	c->findings++;
	c->user->report(c->user->context, &f);
}

/* A weight of an inode number, so that different mistakes do not cancel. */
static uint64_t
weight(uint64_t inode)
{
	uint8_t bytes[8];

	bx_put_le64(bytes, inode);
	return bx_fsi_xxh64(bytes, sizeof bytes, 0);
}

/* Mark a block; addresses of a read-only replay lie beyond the volume and are nobody's. */
static void
use(struct check *c, uint64_t address, uint64_t inode, uint64_t position)
{
	uint8_t mask = (uint8_t)(1u << address % 8);

	if (address >= c->fs->root.blocks)
		return;
	if ((c->user->bits[address / 8] & mask) != 0)
		report(c, BX_FS_SHARED, inode, address, position);
	c->user->bits[address / 8] |= mask;
}

static void
use_fixed(struct check *c)
{
	const struct bx_fs *fs = c->fs;
	uint64_t front = 2 + 2 * fs->shape.nodes + fs->root.log_blocks;
	uint64_t back = fs->root.blocks - 2 - fs->root.log_blocks;

	for (uint64_t i = 0; i < front; i++)
		use(c, i, 0, 0);
	for (uint64_t i = back; i < fs->root.blocks; i++)
		use(c, i, 0, 0);
}

static void
finish_inode(struct check *c)
{
	const struct fs_inode *in = &c->in;
	bool bad = false;

	if (c->inode == 0)
		return;
	if (!c->have) {
		report(c, BX_FS_BAD_INODE, c->inode, 0, 0);
		return;
	}
	if (in->blocks != c->blocks || (c->has_attr && (in->flags & FS_INODE_HAS_ATTR) == 0))
		bad = true;
	if (in->type != BX_FS_FILE && c->blocks > 0)
		bad = true;
	if (in->type == BX_FS_SYMLINK && !c->has_inline)
		bad = true;
	if (in->type == BX_FS_FILE && c->data_end > 0 &&
	    c->data_end > (in->size + BX_FS_BLOCK - 1) / BX_FS_BLOCK)
		bad = true;
	if (c->has_inline && (c->blocks > 0 || in->type == BX_FS_DIRECTORY))
		bad = true;
	if (in->type != BX_FS_DIRECTORY && c->entries > 0)
		bad = true;
	if (bad)
		report(c, BX_FS_BAD_INODE, c->inode, 0, 0);
	if (in->type == BX_FS_DIRECTORY && in->links > 0 &&
	    (in->size != c->entries || in->links != 2 + c->directories))
		report(c, BX_FS_BAD_LINKS, c->inode, 0, c->entries);
	if (in->type != BX_FS_DIRECTORY)
		c->linked += in->links * weight(c->inode);
	c->inodes++;
	if (c->user->progress != NULL)
		c->user->progress(c->user->context, c->inodes, c->fs->root.inodes);
}

static void
start_inode(struct check *c, uint64_t inode)
{
	finish_inode(c);
	c->inode = inode;
	c->blocks = c->entries = c->directories = c->next_block = c->data_end = 0;
	c->has_attr = c->has_inline = c->have = false;
}

static void
check_data(struct check *c, const struct fs_extent *e, uint64_t i, uint64_t inode)
{
	struct fs_pointer p = { .address = e->address + i, .generation = e->generation };
	uint32_t slot;
	bool missed;

	memcpy(p.sum, e->sums + i * c->fs->sum_bytes, c->fs->sum_bytes);
	if (bx_fsi_cache_load(c->fs, &p, FS_KIND_DATA, 0, &slot, &missed) != BX_OK)
		report(c, BX_FS_BAD_DATA, inode, p.address, e->first + i);
}

static void
check_extent(struct check *c, const struct fs_item *item)
{
	struct bx_fs *fs = c->fs;
	uint8_t sums[FS_EXTENT_SUMS];
	struct fs_extent e;

	if (bx_fsi_extent_decode(fs, item, &e) != BX_OK || e.first < c->next_block) {
		report(c, BX_FS_BAD_INODE, c->inode, 0, 0);
		return;
	}
	memcpy(sums, e.sums, (size_t)e.count * fs->sum_bytes);
	c->next_block = e.first + e.count;
	c->data_end = c->next_block;
	c->blocks += e.count;
	e.sums = sums;
	for (uint64_t i = 0; i < e.count; i++) {
		use(c, e.address + i, c->inode, e.first + i);
		if (c->user->data)
			check_data(c, &e, i, c->inode);
	}
}

static void
check_entry(struct check *c, const struct fs_item *item)
{
	struct fs_inode in;
	uint64_t inode;
	uint8_t type;
	enum bx_err err;

	if (item->value_length != 9 || item->key_length < 10) {
		report(c, BX_FS_BAD_ENTRY, c->inode, 0, 0);
		return;
	}
	inode = bx_get_le64(item->value);
	type = item->value[8];
	c->entries++;
	if (type == BX_FS_DIRECTORY)
		c->directories++;
	else
		c->named += weight(inode);
	err = bx_fsi_inode_get(c->fs, inode, &in);
	if (err != BX_OK || in.type != type)
		report(c, BX_FS_BAD_ENTRY, c->inode, 0, inode);
	else if (type == BX_FS_DIRECTORY && in.parent != c->inode)
		report(c, BX_FS_BAD_PARENT, inode, 0, c->inode);
}

static void
check_item(struct check *c, const struct fs_item *item)
{
	uint64_t inode = bx_get_be64(item->key);

	if (inode == 0) {
		if (item->key[8] == FS_KEY_ORPHAN && item->key_length == 17 && item->value_length == 8)
			c->orphans++;
		else
			report(c, BX_FS_BAD_INODE, 0, 0, 0);
		return;
	}
	if (inode != c->inode)
		start_inode(c, inode);
	switch (item->key[8]) {
	case FS_KEY_INODE:
		c->have = item->key_length == 9 &&
		    bx_fsi_inode_decode(item->value, item->value_length, &c->in) == BX_OK;
		break;
	case FS_KEY_ATTR:
		c->has_attr = true;
		break;
	case FS_KEY_INLINE:
		c->has_inline = true;
		break;
	case FS_KEY_EXTENT:
		check_extent(c, item);
		break;
	case FS_KEY_ENTRY:
		check_entry(c, item);
		break;
	default:
		report(c, BX_FS_BAD_INODE, inode, 0, 0);
	}
}

/* Every node of the tree, depth first, with the path held in memory. */
static void
check_tree(struct check *c)
{
	struct bx_fs *fs = c->fs;
	uint32_t slot[FS_LEVELS];
	unsigned index[FS_LEVELS];
	unsigned depth = 0;
	struct fs_pointer pointer = fs->root.tree.pointer;

	for (;;) {
		unsigned level = fs->root.tree.level - depth;
		bool missed;
		enum bx_err err = bx_fsi_cache_load(fs, &pointer, FS_KIND_NODE, level, &slot[depth],
		    &missed);

		use(c, pointer.address, 0, level);
		if (err != BX_OK) {
			report(c, BX_FS_BAD_NODE, c->inode, pointer.address, level);
		} else {
			fs->slots[slot[depth]].held++;
			index[depth++] = 0;
		}
		/* Leaves at once; then up to a node with a child left. */
		while (depth > 0) {
			uint32_t top = slot[depth - 1];
			const uint8_t *node = bx_fsi_block(fs, top);
			unsigned length;

			if (fs->slots[top].level == 0) {
				for (unsigned i = 0; i < bx_fsi_node_count(node); i++) {
					struct fs_item item;

					item.key = bx_fsi_node_key(node, i, &item.key_length);
					item.value = bx_fsi_node_value(node, i, &item.value_length);
					item.generation = fs->slots[top].generation;
					check_item(c, &item);
				}
			} else if (index[depth - 1] < bx_fsi_node_count(node)) {
				bx_fsi_pointer_get(fs, bx_fsi_node_value(node, index[depth - 1]++, &length),
				    &pointer);
				break;
			}
			fs->slots[top].held--;
			depth--;
		}
		if (depth == 0)
			break;
	}
	start_inode(c, 0);
}

static void
check_map(struct check *c)
{
	struct bx_fs *fs = c->fs;
	uint64_t free = 0;

	for (uint64_t leaf = 0; leaf < fs->shape.count[0]; leaf++) {
		uint64_t first = leaf * FS_MAP_BITS;
		uint32_t slot;
		const uint8_t *bits;

		if (bx_fsi_map_load(fs, 0, leaf, &slot) != BX_OK) {
			report(c, BX_FS_BAD_MAP, 0, 0, leaf);
			continue;
		}
		bits = bx_fsi_block(fs, slot) + FS_MAP_HEAD;
		for (uint64_t i = 0; i < FS_MAP_BITS; i++) {
			uint64_t a = first + i;
			bool marked = (bits[i / 8] >> i % 8 & 1) != 0;
			bool used = a >= fs->root.blocks || (c->user->bits[a / 8] >> a % 8 & 1) != 0;

			free += !marked;
			if (marked && !used)
				report(c, BX_FS_LEAKED, 0, a, 0);
			if (!marked && used)
				report(c, BX_FS_NOT_MARKED, 0, a, 0);
		}
	}
	if (free != fs->root.free)
		report(c, BX_FS_BAD_COUNT, 0, 0, free);
}

static void
check_roots(struct check *c)
{
	struct bx_fs *fs = c->fs;
	unsigned odd = (unsigned)(fs->committed.generation & 1);

	for (unsigned copy = 0; copy < 2; copy++) {
		uint64_t address = copy == 0 ? odd : fs->root.blocks - 2 + odd;
		struct fs_root root;

		if (fs->device.read(fs->device.context, address * BX_FS_BLOCK, fs->log,
		    fs->device.sector_bytes) != BX_OK ||
		    bx_fsi_root_decode(fs->log, &root) != BX_OK ||
		    root.generation != fs->committed.generation)
			report(c, BX_FS_BAD_ROOT_COPY, 0, address, copy);
	}
}

static enum bx_err
check_run(struct bx_fs *fs, void *context, uint64_t address, uint64_t count, uint64_t inode,
    const struct fs_extent *e)
{
	struct check *c = context;

	(void)fs;
	if (count == 0)
		report(c, BX_FS_BAD_NODE, 0, address, c->snapshot);
	for (uint64_t i = 0; i < count; i++) {
		use(c, address + i, inode, e == NULL ? c->snapshot : e->first + i);
		if (e != NULL && c->user->data)
			check_data(c, e, i, inode);
	}
	return BX_OK;
}

/* What only a snapshot has, and no later state. */
static enum bx_err
check_snapshots(struct check *c)
{
	struct bx_fs *fs = c->fs;
	const uint8_t *table;
	unsigned count = 0;
	enum bx_err err = bx_fsi_table_load(fs, &table, &count);

	if (err == BX_ERR_CORRUPT)
		report(c, BX_FS_BAD_TABLE, 0, 0, 0);
	for (unsigned i = 0; i < count && err == BX_OK; i++) {
		struct fs_walk walk = { .older = 0 };
		struct fs_snapshot s;

		err = bx_fsi_table_load(fs, &table, &count);
		if (err != BX_OK)
			break;
		bx_fsi_table_get(fs, table, i, &s);
		walk.tree = s.tree;
		c->snapshot = s.generation;
		if (i + 1 < count) {
			bx_fsi_table_get(fs, table, i + 1, &s);
			walk.next = s.tree;
		}
		while (err == BX_OK) {
			fs->op++;
			err = bx_fsi_walk_step(fs, &walk, check_run, c);
		}
		if (err == BX_ERR_NOT_FOUND)
			err = BX_OK;
	}
	return err == BX_ERR_CORRUPT ? BX_OK : err;
}

/* What is left of removed snapshots is nobody's. */
static enum bx_err
finish_removing(struct bx_fs *fs)
{
	enum bx_err err = BX_OK;

	while (err == BX_OK)
		err = bx_fsi_dying_step(fs);
	return err == BX_ERR_NOT_FOUND ? BX_OK : err;
}

enum bx_err
bx_fs_check(struct bx_fs *fs, const struct bx_fs_checker *checker, uint64_t *findings)
{
	struct check c = { .fs = fs, .user = checker };
	enum bx_err err;
	/* What a replay in memory or a half removed snapshot uses is not what the map says. */
	bool map = !fs->read_only || (fs->log_records == 0 && !fs->root.dying);

	if (checker->bits_bytes < (fs->root.blocks + 7) / 8)
		return BX_ERR_NO_MEMORY;
	if (fs->snapshot || fs->transaction)
		return BX_ERR_STATE;
	if (!fs->read_only) {
		err = fs->failed ? BX_ERR_FS_FAILED : finish_removing(fs);
		if (err == BX_OK)
			err = bx_fsi_commit_root(fs);
		if (err != BX_OK)
			return err;
	}
	/* What is judged is what the device holds. */
	if (fs->dirty_count == 0)
		bx_fsi_cache_init(fs);
	memset(checker->bits, 0, checker->bits_bytes);
	fs->op++;
	check_roots(&c);
	bx_fsi_log_restart(fs, !fs->read_only);
	use_fixed(&c);
	check_tree(&c);
	if (map) {
		err = check_snapshots(&c);
		if (err != BX_OK)
			return err;
		check_map(&c);
	}
	if (c.named != c.linked)
		report(&c, BX_FS_BAD_LINKS, 0, 0, 0);
	if (c.inodes != fs->root.inodes)
		report(&c, BX_FS_BAD_COUNT, 0, 0, c.inodes);
	if (c.orphans != fs->root.orphans)
		report(&c, BX_FS_BAD_COUNT, 0, 0, c.orphans);
	*findings = c.findings;
	return BX_OK;
}
