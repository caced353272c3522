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
	uint64_t inodes, orphans, unlinked;
	uint64_t snapshot;		/* generation of the one that is looked at */
	uint64_t named, linked;		/* weighted by inode number */
	bool has_root;

	/* the inode whose items are being read */
	uint64_t inode;			/* 0: none yet */
	struct fs_inode in;
	uint64_t blocks, entries, directories, next_block, data_end;
	unsigned inline_bytes;
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

/* Mark a block; false: it was marked.  Addresses of a read-only replay lie beyond the volume and are nobody's. */
static bool
use(struct check *c, uint64_t address, uint64_t inode, uint64_t position)
{
	uint8_t mask = (uint8_t)(1u << address % 8);
	bool before;

	if (address >= c->fs->root.blocks)
		return true;
	before = (c->user->bits[address / 8] & mask) != 0;
	if (before)
		report(c, BX_FS_SHARED, inode, address, position);
	c->user->bits[address / 8] |= mask;
	return !before;
}

static void
use_fixed(struct check *c)
{
	const struct bx_fs *fs = c->fs;
	uint64_t front = 2 + 2 * fs->shape.nodes + fs->root.log_blocks;
	uint64_t back = fs->root.blocks - 2 - fs->root.log_blocks;

	for (uint64_t i = 0; i < front; i++)
		(void)use(c, i, 0, 0);
	for (uint64_t i = back; i < fs->root.blocks; i++)
		(void)use(c, i, 0, 0);
}

/* Whether the way up from a directory comes back to it: then no name leads there from the root. */
static bool
is_in_a_loop(struct check *c)
{
	struct fs_inode in = c->in;

	for (unsigned turn = 0; turn < BX_FS_DEPTH_MAX && in.parent != BX_FS_ROOT; turn++) {
		if (in.parent == c->inode)
			return true;
		if (bx_fsi_inode_get(c->fs, in.parent, &in) != BX_OK)
			return false;
	}
	return false;
}

static void
finish_directory(struct check *c)
{
	const struct fs_inode *in = &c->in;

	if (in->size != c->entries || in->links != 2 + c->directories)
		report(c, BX_FS_BAD_LINKS, c->inode, 0, c->entries);
	if (c->inode == BX_FS_ROOT) {
		c->has_root = in->parent == BX_FS_ROOT;
		return;
	}
	c->linked += weight(c->inode);
	if (is_in_a_loop(c))
		report(c, BX_FS_BAD_PARENT, c->inode, 0, in->parent);
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
	if (c->has_inline && (c->blocks > 0 || in->type == BX_FS_DIRECTORY || c->inline_bytes > in->size))
		bad = true;
	if (in->type == BX_FS_SYMLINK && c->inline_bytes != in->size)
		bad = true;
	if (in->type != BX_FS_DIRECTORY && in->parent != 0)
		bad = true;
	if (in->type != BX_FS_DIRECTORY && c->entries > 0)
		bad = true;
	if (bad)
		report(c, BX_FS_BAD_INODE, c->inode, 0, 0);
	if (in->type != BX_FS_DIRECTORY)
		c->linked += in->links * weight(c->inode);
	else if (in->links > 0)
		finish_directory(c);
	c->unlinked += in->links == 0;
	/* The next one that is made would take its place. */
	if (c->inode >= c->fs->root.next_inode)
		report(c, BX_FS_BAD_COUNT, c->inode, 0, c->fs->root.next_inode);
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
	c->inline_bytes = 0;
	c->has_attr = c->has_inline = c->have = false;
}

/* Nothing stands behind the end of the file. */
static bool
tail_is_zero(const struct check *c, uint64_t block, const uint8_t *bytes)
{
	size_t end = (size_t)(c->in.size % BX_FS_BLOCK);

	if (!c->have || c->in.size / BX_FS_BLOCK != block)
		return true;
	/* The first is, and each is as the one before it. */
	return bytes[end] == 0 && memcmp(bytes + end, bytes + end + 1, BX_FS_BLOCK - 1 - end) == 0;
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
	else if (inode == c->inode && !tail_is_zero(c, e->first + i, bx_fsi_block(c->fs, slot)))
		report(c, BX_FS_BAD_INODE, inode, p.address, e->first + i);
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
		(void)use(c, e.address + i, c->inode, e.first + i);
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

	if (item->value_length != 9 ||
	    bx_fsi_name_check((const char *)item->key + 9, item->key_length - 9) != BX_OK) {
		report(c, BX_FS_BAD_ENTRY, c->inode, 0, 0);
		return;
	}
	inode = bx_get_le64(item->value);
	type = item->value[8];
	c->entries++;
	c->directories += type == BX_FS_DIRECTORY;
	c->named += weight(inode);
	err = bx_fsi_inode_get(c->fs, inode, &in);
	if (err != BX_OK || in.type != type)
		report(c, BX_FS_BAD_ENTRY, c->inode, 0, inode);
	else if (type == BX_FS_DIRECTORY && in.parent != c->inode)
		report(c, BX_FS_BAD_PARENT, inode, 0, c->inode);
}

/* A deleted file: its inode is still there, and has no name. */
static void
check_orphan(struct check *c, const struct fs_item *item)
{
	struct fs_inode in;
	uint64_t inode = 0;

	if (item->key[8] == FS_KEY_ORPHAN && item->key_length == 17 && item->value_length == 8)
		inode = bx_get_be64(item->key + 9);
	c->orphans++;
	if (inode == 0 || bx_fsi_inode_get(c->fs, inode, &in) != BX_OK || in.links > 0)
		report(c, BX_FS_BAD_INODE, inode, 0, 0);
}

static void
check_attr(struct check *c, const struct fs_item *item)
{
	c->has_attr = true;
	if (item->value_length > BX_FS_ATTR_MAX ||
	    bx_fsi_attr_name_check((const char *)item->key + 9, item->key_length - 9) != BX_OK)
		report(c, BX_FS_BAD_INODE, c->inode, 0, 0);
}

static void
check_inline(struct check *c, const struct fs_item *item)
{
	c->has_inline = true;
	c->inline_bytes = item->value_length;
	if (item->key_length != 9 || item->value_length == 0 || item->value_length > BX_FS_INLINE_MAX)
		report(c, BX_FS_BAD_INODE, c->inode, 0, 0);
}

static void
check_item(struct check *c, const struct fs_item *item)
{
	uint64_t inode = bx_get_be64(item->key);

	if (inode == 0) {
		check_orphan(c, item);
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
		check_attr(c, item);
		break;
	case FS_KEY_INLINE:
		check_inline(c, item);
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

static void
check_leaf(struct check *c, uint32_t slot)
{
	for (unsigned i = 0; i < bx_fsi_node_count(bx_fsi_block(c->fs, slot)); i++) {
		struct fs_item item;

		bx_fsi_item_at(c->fs, slot, i, &item);
		check_item(c, &item);
	}
}

/* The node that the path leads to; false: it has nothing below it, and the path ends above it as before. */
static bool
check_node(struct check *c, struct fs_path *path, uint64_t address, unsigned level)
{
	uint32_t slot;

	if (bx_fsi_path_step(c->fs, path) != BX_OK) {
		report(c, BX_FS_BAD_NODE, c->inode, address, level);
		return false;
	}
	slot = path->slot[path->depth - 1];
	if (!bx_fsi_node_disjoint(bx_fsi_block(c->fs, slot)))
		report(c, BX_FS_BAD_NODE, c->inode, address, level);
	if (level > 0)
		return true;
	check_leaf(c, slot);
	c->fs->slots[path->slot[--path->depth]].held--;
	return false;
}

/* Every node of the tree, depth first, with the path held in memory. */
static void
check_tree(struct check *c)
{
	struct bx_fs *fs = c->fs;
	struct fs_path path = { .top = &fs->root.tree };

	do {
		struct fs_pointer pointer;
		unsigned level = fs->root.tree.level - path.depth;

		bx_fsi_path_pointer(fs, &path, &pointer);
		/* One that was seen already is not gone through again: there may be more ways to it than there is time. */
		if (use(c, pointer.address, 0, level) && check_node(c, &path, pointer.address, level))
			continue;
		/* Up to a node with a child left. */
		while (path.depth > 0 && ++path.index[path.depth - 1] ==
		    bx_fsi_node_count(bx_fsi_block(fs, path.slot[path.depth - 1])))
			fs->slots[path.slot[--path.depth]].held--;
	} while (path.depth > 0);
	start_inode(c, 0);
	if (!c->has_root)
		report(c, BX_FS_BAD_INODE, BX_FS_ROOT, 0, 0);
}

/* How many blocks a node of the map says are free below it; false: it is damaged. */
static bool
free_below(struct bx_fs *fs, unsigned level, uint64_t index, uint64_t *free)
{
	uint32_t slot;
	const uint8_t *block;

	if (bx_fsi_map_load(fs, level, index, &slot) != BX_OK)
		return false;
	block = bx_fsi_block(fs, slot);
	*free = level == 0 ? bx_get_le32(block + 12) : 0;
	for (unsigned i = 0; level > 0 && i < FS_MAP_FANOUT; i++)
		*free += bx_get_le32(block + FS_MAP_HEAD + FS_MAP_ENTRY * i + 8);
	return true;
}

/* What the index nodes say of their children is what those say: else free blocks are not found. */
static void
check_map_index(struct check *c)
{
	struct bx_fs *fs = c->fs;

	for (unsigned level = 1; level < fs->shape.levels; level++)
		for (uint64_t child = 0; child < fs->shape.count[level - 1]; child++) {
			uint64_t below;
			uint32_t slot;

			if (!free_below(fs, level - 1, child, &below) ||
			    bx_fsi_map_load(fs, level, child / FS_MAP_FANOUT, &slot) != BX_OK)
				continue;	/* reported, or below what is */
			if (below != bx_get_le32(bx_fsi_block(fs, slot) + FS_MAP_HEAD +
			    FS_MAP_ENTRY * (child % FS_MAP_FANOUT) + 8))
				report(c, BX_FS_BAD_MAP, 0, 0, child);
		}
}

/* Which of 64 blocks are in use; those beyond the volume are. */
static uint64_t
used_of(const struct check *c, uint64_t first)
{
	uint64_t blocks = c->fs->root.blocks, used = UINT64_MAX;

	for (unsigned i = 0; i < 64 && first + i < blocks; i += 8)
		used ^= (uint64_t)(uint8_t)~c->user->bits[(first + i) / 8] << i;
	if (first < blocks && blocks - first < 64)
		used |= UINT64_MAX << (blocks - first);
	return used;
}

/* 64 bits of a leaf against what was found.  How many are free. */
static unsigned
check_map_word(struct check *c, uint64_t first, uint64_t marked)
{
	unsigned free = 0;

	for (uint64_t left = ~marked; left != 0; left &= left - 1)
		free++;
	for (uint64_t wrong = marked ^ used_of(c, first); wrong != 0; wrong &= wrong - 1) {
		unsigned bit = (unsigned)__builtin_ctzll(wrong);

		report(c, (marked >> bit & 1) != 0 ? BX_FS_LEAKED : BX_FS_NOT_MARKED, 0, first + bit, 0);
	}
	return free;
}

static void
check_map(struct check *c)
{
	struct bx_fs *fs = c->fs;
	uint64_t free = 0;

	for (uint64_t leaf = 0; leaf < fs->shape.count[0]; leaf++) {
		uint64_t first = leaf * FS_MAP_BITS, before = free;
		uint32_t slot;
		const uint8_t *bits;

		if (bx_fsi_map_load(fs, 0, leaf, &slot) != BX_OK) {
			report(c, BX_FS_BAD_MAP, 0, 0, leaf);
			continue;
		}
		bits = bx_fsi_block(fs, slot) + FS_MAP_HEAD;
		for (unsigned i = 0; i < FS_MAP_BITS; i += 64)
			free += check_map_word(c, first + i, bx_get_le64(bits + i / 8));
		if (bx_get_le32(bx_fsi_block(fs, slot) + 12) != free - before)
			report(c, BX_FS_BAD_MAP, 0, 0, leaf);
	}
	check_map_index(c);
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
		(void)use(c, address + i, inode, e == NULL ? c->snapshot : e->first + i);
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
	bool map = !fs->read_only || (fs->log_records == 0 && !fs->root.dying && !fs->snapshot);

	if (checker->bits_bytes < (fs->root.blocks + 7) / 8)
		return BX_ERR_NO_MEMORY;
	if (fs->transaction)
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
	if (c.named != c.linked || c.unlinked != c.orphans)
		report(&c, BX_FS_BAD_LINKS, 0, 0, 0);
	if (c.inodes != fs->root.inodes)
		report(&c, BX_FS_BAD_COUNT, 0, 0, c.inodes);
	if (c.orphans != fs->root.orphans)
		report(&c, BX_FS_BAD_COUNT, 0, 0, c.orphans);
	*findings = c.findings;
	return BX_OK;
}
