/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_image.c -- hostile volumes.  The input edits a small volume; then every checksum above
 * an edit is made right again, from the leaves to the root, so that only the checks of the
 * format stand between the edit and the library.  Whatever it says, every call must return: no
 * panic, no access outside, no loop.
 *
 * Input: one byte of flags (bit 0 writable, bits 1 to 5 how many edits, bit 6 nothing in the
 * log, bit 7 the free bytes of nodes are counted again), edits of 4 bytes: block, place (2), value; then calls of 2 bytes: which, and its
 * argument.  The block counts in the list of blocks that are in use.
 *
 * The volume is made once.  An input changes copies of the blocks that it touches, and what was
 * not touched keeps its checksum.
 */
#include "support.h"

#include "../src/fs-internal.h"

#define VOLUME_BYTES (BX_FS_BLOCKS_MIN * BX_FS_BLOCK)
#define NODES_MAX 256u		/* those that two trees share are counted twice */
#define CALLS_MAX 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct node {
	uint64_t address, generation;
	unsigned level, entry;		/* offset of the pointer in the parent */
	uint64_t parent;		/* 0: the root record */
};

static struct disk base, disk;		/* as it was made; as an input changed it */
static struct fs_root root;
static struct node nodes[NODES_MAX];
static unsigned node_count;
static uint64_t interesting[NODES_MAX];
static uint64_t table;			/* of snapshots */
static unsigned interesting_count;
static uint64_t log_start[2];
static uint32_t log_sectors_used;
static uint8_t arena[BX_FS_ARENA_MIN] __attribute__((aligned(16)));

static const struct bx_fs_owner owner = { .uid = 1, .gid = 2, .mode = 0644 };

static void
must(enum bx_err err)
{
	if (err != BX_OK)
		die("building the volume: %s", bx_err_name(err));
}

static uint64_t
make(struct bx_fs *fs, const char *name, enum bx_fs_type type)
{
	uint64_t inode;

	must(bx_fs_create(fs, BX_FS_ROOT, name, strlen(name), type, owner, 1, &inode));
	return inode;
}

/* Find every node from the root down, breadth first. */
static void
list_nodes(void)
{
	nodes[node_count++] = (struct node){
		.address = root.tree.pointer.address,
		.generation = root.tree.pointer.generation,
		.level = root.tree.level,
		.entry = 128,
	};
	for (unsigned i = 0; i < bx_get_le16(base.bytes + table * BX_FS_BLOCK + 4); i++) {
		unsigned at = FS_TABLE_HEAD + FS_TABLE_RECORD * i;
		const uint8_t *r = base.bytes + table * BX_FS_BLOCK + at;

		nodes[node_count++] = (struct node){
			.address = bx_get_le64(r + 8),
			.generation = bx_get_le64(r + 16),
			.level = r[80],
			.entry = at + 24,
			.parent = table,
		};
	}
	for (unsigned n = 0; n < node_count; n++) {
		const uint8_t *node = base.bytes + nodes[n].address * BX_FS_BLOCK;

		interesting[interesting_count++] = nodes[n].address;
		for (unsigned i = 0; nodes[n].level > 0 && i < bx_fsi_node_count(node); i++) {
			unsigned length;
			const uint8_t *value = bx_fsi_node_value(node, i, &length);

			if (node_count == NODES_MAX)
				die("too many nodes");
			nodes[node_count++] = (struct node){
				.address = bx_get_le64(value),
				.generation = bx_get_le64(value + 8),
				.level = nodes[n].level - 1,
				.entry = (unsigned)(value - node) + 16,
				.parent = nodes[n].address,
			};
		}
	}
}

static void
build(void)
{
	struct bx_fs_format format = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };
	struct bx_fs_config config = { .device = &base.device, .arena = arena, .arena_bytes = sizeof arena };
	static uint8_t bytes[20000];
	struct bx_fs *fs;
	uint64_t inode;
	size_t done;
	char name[16];

	disk_init(&base, VOLUME_BYTES, 512);
	must(bx_fs_format(&base.device, &format, arena, sizeof arena));
	must(bx_fs_mount(&config, &fs));
	for (unsigned i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "file-%02u", i);
		inode = make(fs, name, BX_FS_FILE);
		must(bx_fs_write(fs, inode, 0, bytes, 20 + i, 1, &done));
	}
	make(fs, "dir", BX_FS_DIRECTORY);
	inode = make(fs, "big", BX_FS_FILE);
	for (unsigned i = 0; i < 6; i++)
		must(bx_fs_write(fs, inode, i * 8192, bytes, 4096 + i % 2 * 4096, 1, &done));
	must(bx_fs_write(fs, inode, 60000, bytes, 100, 1, &done));
	must(bx_fs_set_attr(fs, inode, "user.note", 9, "hello", 5, 1));
	must(bx_fs_symlink(fs, BX_FS_ROOT, "link", 4, "dir/target", 10, owner, 1, &inode));
	must(bx_fs_snapshot_create(fs, "first", 5, 1));
	must(bx_fs_unlink(fs, BX_FS_ROOT, "file-40", 7, 0, 1));
	must(bx_fs_write(fs, 2, 5, bytes, 9, 1, &done));
	must(bx_fs_snapshot_create(fs, "second", 6, 1));
	must(bx_fs_unlink(fs, BX_FS_ROOT, "file-41", 7, 0, 1));
	must(bx_fs_snapshot_create(fs, "third", 5, 1));
	must(bx_fs_snapshot_remove(fs, "second", 6));
	must(bx_fs_unmount(fs));
	/* Operations of every kind in the log. */
	must(bx_fs_mount(&config, &fs));
	inode = make(fs, "extra", BX_FS_FILE);
	must(bx_fsi_commit_root(fs));
	must(bx_fs_write(fs, inode, 0, bytes, 50, 2, &done));
	must(bx_fs_write(fs, inode, 4096, bytes, 8192, 2, &done));
	must(bx_fs_truncate(fs, inode, 9000, 3));
	must(bx_fs_punch(fs, inode, 10, 100, 3));
	must(bx_fs_link(fs, inode, BX_FS_ROOT, "again", 5, 4));
	must(bx_fs_rename(fs, BX_FS_ROOT, "file-01", 7, BX_FS_ROOT, "file-02", 7, 0, 5));
	must(bx_fs_unlink(fs, BX_FS_ROOT, "file-03", 7, 0, 6));
	must(bx_fs_set_attr(fs, inode, "a", 1, "b", 1, 7));
	must(bx_fs_remove_attr(fs, inode, "a", 1, 8));
	must(bx_fs_sync(fs));
	must(bx_fs_unlink(fs, BX_FS_ROOT, "file-04", 7, BX_FS_KEEP, 9));
	must(bx_fs_unlink(fs, BX_FS_ROOT, "big", 3, 0, 9));
	while (bx_fs_tidy(fs) == BX_ERR_AGAIN)
		continue;
	must(bx_fs_sync(fs));
	root = fs->committed;
	log_start[0] = 2 + 2 * fs->shape.nodes;
	log_start[1] = root.blocks - 2 - root.log_blocks;
	log_sectors_used = fs->log_sector;
	table = 2 * fs->shape.nodes + root.table_side;
	list_nodes();
	interesting[interesting_count++] = root.generation & 1;
	interesting[interesting_count++] = table;
	interesting[interesting_count++] = table;
	interesting[interesting_count++] = 2 + root.map_side;
	interesting[interesting_count++] = log_start[0];
	interesting[interesting_count++] = log_start[0];
}

static void
sum_block(uint64_t address, uint64_t generation, uint8_t *to)
{
	uint8_t sum[FS_SUM_MAX];

	bx_fsi_sum_block(&root, address, generation, disk.bytes + address * BX_FS_BLOCK, sum);
	memcpy(to, sum, 8);
}

/* The records go on from the root as it is now, in both copies of the log. */
static void
sum_log(uint64_t seed)
{
	const uint32_t bytes = log_sectors_used * 512;

	for (uint32_t block = 0; block * BX_FS_BLOCK < bytes; block++)
		(void)disk_over_block(&disk, log_start[0] + block);
	for (uint32_t sector = 0; sector < log_sectors_used; sector++) {
		uint8_t *r = disk.bytes + log_start[0] * BX_FS_BLOCK + sector * 512;
		uint32_t length = bx_get_le32(r + 4);

		if (memcmp(r, "BXLG", 4) != 0 || length < FS_LOG_HEAD || length > bytes - sector * 512)
			continue;
		bx_put_le64(r + 24, seed);
		bx_put_le64(r + 32, 0);
		bx_put_le64(r + 32, bx_fsi_xxh64(r, length, seed));
	}
	for (uint32_t block = 0; block * BX_FS_BLOCK < bytes; block++)
		memcpy(disk_over_block(&disk, log_start[1] + block),
		    disk.bytes + (log_start[0] + block) * BX_FS_BLOCK, BX_FS_BLOCK);
}

static void
empty_log(void)
{
	for (unsigned copy = 0; copy < 2; copy++)
		memset(disk_over_block(&disk, log_start[copy]), 0, FS_LOG_HEAD);
}

/* Make every checksum right: a block that was changed changes its parents, up to the root. */
static void
sum_all(void)
{
	const uint64_t record_block = root.generation & 1, map = 2 + root.map_side;
	uint8_t *record;

	for (unsigned n = node_count; n-- > 0;) {
		uint64_t parent = nodes[n].parent == 0 ? record_block : nodes[n].parent, generation = nodes[n].generation;

		/* An edit of the pointer makes the node of another generation, that being built as well. */
		if (disk.own[parent] != 0)
			generation = bx_get_le64(disk.bytes + parent * BX_FS_BLOCK + nodes[n].entry - 8);
		if (generation != nodes[n].generation)
			bx_put_le64(disk_over_block(&disk, nodes[n].address) + 16, generation);
		if (disk.own[nodes[n].address] != 0)
			sum_block(nodes[n].address, generation, disk_over_block(&disk, parent) + nodes[n].entry);
	}
	record = disk_over_block(&disk, record_block);
	if (disk.own[table] != 0)
		sum_block(table, root.table_generation, record + 176);
	if (disk.own[map] != 0)
		sum_block(map, root.map_generation, record + 232);
	bx_put_le64(record + 480, bx_fsi_xxh64(record, 480, 0));
	memcpy(disk_over_block(&disk, root.blocks - 2 + record_block), record, FS_ROOT_BYTES);
	sum_log(bx_get_le64(record + 480));
}

/* ---- edits ------------------------------------------------------------------------------- */

/* Where in the block: the lower 12 bits of the place; or, with bit 15, a part as it was before all edits (bits 14 and
 * 7 to 11) and a byte of it: an item of a node with its lengths, a record of the table, a quarter of the root, the
 * start of a sector of the log. */
static unsigned
offset_of(uint64_t block, unsigned place)
{
	const uint8_t *node = base.bytes + block * BX_FS_BLOCK, *key;
	unsigned key_length, value_length, part = (place >> 7 & 31) | (place >> 9 & 32), byte = place & 127;

	if ((place & 0x8000) == 0)
		return place % BX_FS_BLOCK;
	if (block == table)
		return FS_TABLE_HEAD + FS_TABLE_RECORD * (part % 3) + byte;
	if (block < 2)
		return part % 4 * 128 + byte;
	if (bx_get_le32(node) != FS_MAGIC_NODE || bx_fsi_node_count(node) == 0)
		return part % 8 * 512 + byte;
	key = bx_fsi_node_key(node, part % bx_fsi_node_count(node), &key_length);
	(void)bx_fsi_node_value(node, part % bx_fsi_node_count(node), &value_length);
	return (unsigned)(key - 4 - node) + byte % (4 + key_length + value_length);
}

/* Make the bytes of a node that are no item's what the lengths of its items leave, which may be others now. */
static void
count_garbage(uint8_t *node)
{
	unsigned left = BX_FS_BLOCK - bx_get_le16(node + 24);

	for (unsigned i = 0; i < bx_fsi_node_count(node) && FS_NODE_HEAD + 2 * i + 2 <= BX_FS_BLOCK; i++) {
		unsigned offset = bx_get_le16(node + FS_NODE_HEAD + 2 * i);

		if (offset <= BX_FS_BLOCK - 4)
			left -= 4u + bx_get_le16(node + offset) + bx_get_le16(node + offset + 2);
	}
	bx_put_le16(node + 26, (uint16_t)left);
}

/* What, by bits 12 and 13: a byte; 8 bytes on an edge; a little more or less in 8 bytes; 8 bytes from elsewhere in
 * the block. */
static void
edit(const uint8_t *what, bool counted)
{
	static const uint64_t edges[] = {
		0, 1, 2, 63, 64, 127, 128, 255, 256, 4095, 4096, UINT16_MAX, UINT32_MAX,
		UINT64_C(1) << 32, INT64_MAX, UINT64_MAX,
	};
	uint64_t number = interesting[what[0] % interesting_count];
	uint8_t *block = disk_over_block(&disk, number);
	unsigned place = bx_get_le16(what + 1), value = what[3], at = offset_of(number, place);

	switch (at > BX_FS_BLOCK - 8 ? 0 : place >> 12 & 3) {
	case 0:
		block[at] = (uint8_t)value;
		break;
	case 1:
		bx_put_le64(block + at, edges[value % 16]);
		break;
	case 2:
		bx_put_le64(block + at, bx_get_le64(block + at) + value - 128);
		break;
	default:
		memmove(block + at, block + (size_t)value * 16, 8);
	}
	if (counted && bx_get_le32(block) == FS_MAGIC_NODE)
		count_garbage(block);
}

/* ---- calls ------------------------------------------------------------------------------- */

/* What the calls of one input share; what they return does not matter but where it is used. */
struct use {
	struct bx_fs_config config;
	struct bx_fs *fs;
	struct bx_fs_entry e;		/* found last */
	uint64_t directory;		/* in which */
	bool checked;
};

static uint8_t buffer[BX_FS_READ_MAX];

static void
ignore(enum bx_err err)
{
	(void)err;
}

static void
ignore_finding(void *context, const struct bx_fs_finding *finding)
{
	(void)context;
	(void)finding;
}

static void
call_find(struct use *u, unsigned arg)
{
	static const char *const after[] = {
		"", "again", "big", "extra", "file-0", "file-02", "file-1", "file-2", "file-30", "file-39",
		"file-41", "file-45", "link", "moved", "new", "z",
	};
	const char *name = after[arg % 16];

	ignore(bx_fs_next_entry(u->fs, u->directory, name, strlen(name), &u->e));
	if (arg >= 128)
		u->directory = u->directory == BX_FS_ROOT ? u->e.inode : BX_FS_ROOT;
}

static void
call_list(struct use *u, unsigned arg)
{
	struct bx_fs_stat st;

	for (unsigned i = 0; i <= arg % 16; i++) {
		if (bx_fs_next_entry(u->fs, u->directory, u->e.name, u->e.name_length, &u->e) != BX_OK)
			return;
		if (bx_fs_stat(u->fs, u->e.inode, &st) == BX_OK && st.size > BX_FS_SIZE_MAX)
			die("an inode beyond its size");
	}
}

static void
call_data(struct use *u, unsigned arg)
{
	struct bx_fs_stat st;
	uint64_t from = arg * 512, length = 0;

	if (bx_fs_stat(u->fs, u->e.inode, &st) != BX_OK)
		return;
	for (unsigned i = 0; i < 20 && bx_fs_next_data(u->fs, u->e.inode, &from, &length) == BX_OK; i++) {
		if (length == 0 || from > st.size || length > st.size - from)
			die("content outside of the file");
		from += length;
	}
}

static void
call_read(struct use *u, unsigned arg)
{
	size_t done = 0, length = arg < 128 ? 16384 : sizeof buffer;

	if (bx_fs_read(u->fs, u->e.inode, arg % 64 * 1024, buffer, length, &done) == BX_OK && done > length)
		die("more is read than there is room for");
}

static void
call_read_link(struct use *u, unsigned arg)
{
	static char target[BX_FS_TARGET_MAX];
	size_t done = 0, length = arg < 128 ? sizeof target : arg;

	if (bx_fs_read_link(u->fs, u->e.inode, target, length, &done) == BX_OK && done > length)
		die("more of a link than there is room for");
	ignore(bx_fs_walk(u->fs, "dir/../link", 3 + arg % 9, &u->e.inode));
}

static void
call_verify(struct use *u, unsigned arg)
{
	uint64_t offset = arg * 1024;

	ignore(bx_fs_verify(u->fs, u->e.inode, &offset));
}

static void
call_attr(struct use *u, unsigned arg)
{
	char name[BX_FS_NAME_MAX + 1];
	size_t length = 0, done = 0;

	for (unsigned i = 0; i <= arg % 4; i++) {
		if (bx_fs_next_attr(u->fs, u->e.inode, name, length, name, &length) != BX_OK)
			return;
		if (bx_fs_get_attr(u->fs, u->e.inode, name, length, buffer, 300, &done) == BX_OK && done > 300)
			die("more of an attribute than there is room for");
	}
}

static void
call_set_attr(struct use *u, unsigned arg)
{
	const char *name = arg % 2 == 0 ? "user.note" : "k";

	if (arg % 4 == 0)
		ignore(bx_fs_remove_attr(u->fs, u->e.inode, name, strlen(name), 9));
	else
		ignore(bx_fs_set_attr(u->fs, u->e.inode, name, strlen(name), buffer, arg * 3, 9));
}

static void
call_set_stat(struct use *u, unsigned arg)
{
	const struct bx_fs_stat values = { .mode = 0700, .uid = arg, .gid = 3, .modified_ns = arg };

	ignore(bx_fs_set_stat(u->fs, u->e.inode, 1 + arg % 15, &values, 9));
}

static void
call_write(struct use *u, unsigned arg)
{
	size_t done;

	ignore(bx_fs_write(u->fs, u->e.inode, arg % 64 * 1000, buffer, arg < 64 ? 9000 : arg, 9, &done));
}

static void
call_truncate(struct use *u, unsigned arg)
{
	ignore(bx_fs_truncate(u->fs, u->e.inode, arg * 300, 9));
}

static void
call_punch(struct use *u, unsigned arg)
{
	ignore(bx_fs_punch(u->fs, u->e.inode, arg % 16 * 1000, (arg + 1) * 500, 9));
}

static void
call_unlink(struct use *u, unsigned arg)
{
	const struct bx_fs_entry *e = &u->e;
	uint32_t flags = arg % 4 == 1 ? BX_FS_KEEP : 0;

	if (arg % 4 == 0)
		ignore(bx_fs_remove_directory(u->fs, u->directory, e->name, e->name_length, 9));
	else
		ignore(bx_fs_unlink(u->fs, u->directory, e->name, e->name_length, flags, 9));
	if (flags != 0 && arg >= 128)
		ignore(bx_fs_forget(u->fs, e->inode));
}

static void
call_rename(struct use *u, unsigned arg)
{
	static const char *const to[] = { "moved", "file-05", "dir", "link" };
	uint64_t directory = arg < 128 ? BX_FS_ROOT : u->e.inode;

	ignore(bx_fs_rename(u->fs, u->directory, u->e.name, u->e.name_length, directory, to[arg % 4],
	    strlen(to[arg % 4]), (arg >> 2) % 3, 9));
}

static void
call_link(struct use *u, unsigned arg)
{
	ignore(bx_fs_link(u->fs, u->e.inode, arg < 128 ? u->directory : u->e.inode, "linked", 6, 9));
}

static void
call_create(struct use *u, unsigned arg)
{
	static const char *const names[] = { "new", "file-04", "newer", "dir" };
	const char *name = names[arg % 4];
	enum bx_fs_type type = arg % 16 < 8 ? BX_FS_DIRECTORY : BX_FS_FILE;
	uint64_t inode;

	if (arg % 16 < 4)
		ignore(bx_fs_symlink(u->fs, u->directory, name, strlen(name), "target", 6, owner, 9, &inode));
	else
		ignore(bx_fs_create(u->fs, u->directory, name, strlen(name), type, owner, 9, &inode));
}

static void
call_sync(struct use *u, unsigned arg)
{
	if (arg % 4 == 0)
		ignore(bx_fs_begin(u->fs));
	else if (arg % 4 == 1)
		ignore(arg < 128 ? bx_fs_end(u->fs) : bx_fs_abort(u->fs));
	else
		ignore(bx_fs_sync(u->fs));
}

static void
call_tidy(struct use *u, unsigned arg)
{
	for (unsigned i = 0; i <= arg % 32 && bx_fs_tidy(u->fs) == BX_ERR_AGAIN; i++)
		continue;
}

/* Again, as the library has left it; whole if it can be, else what can be read of it. */
static void
call_mount(struct use *u, unsigned arg)
{
	if (arg < 192 && bx_fs_unmount(u->fs) != BX_OK)
		return;
	u->fs = NULL;
	if (bx_fs_mount(&u->config, &u->fs) == BX_OK)
		return;
	u->config.flags = BX_FS_MOUNT_READ_ONLY | BX_FS_MOUNT_SALVAGE;
	if (bx_fs_mount(&u->config, &u->fs) != BX_OK)
		u->fs = NULL;
}

static void
call_snapshot(struct use *u, unsigned arg)
{
	static const char *const names[] = { "first", "third", "new", "second" };
	const char *name = names[arg % 4];

	switch (arg >> 2 & 3) {
	case 0:
		ignore(bx_fs_snapshot_create(u->fs, name, strlen(name), 9));
		break;
	case 1:
		ignore(bx_fs_snapshot_rollback(u->fs, name, strlen(name)));
		break;
	default:
		ignore(bx_fs_snapshot_remove(u->fs, name, strlen(name)));
	}
}

/* A snapshot, shown beside the files, and what has changed since. */
static void
call_show(struct use *u, unsigned arg)
{
	static uint8_t shown_arena[BX_FS_ARENA_MIN] __attribute__((aligned(16)));
	struct bx_fs_snapshot s = { .generation = 0 };
	const struct bx_fs_config config = {
		.device = &disk.device,
		.arena = shown_arena,
		.arena_bytes = sizeof shown_arena,
		.snapshot = s.name,
	};
	struct bx_fs_entry e = { .name_length = 0 };
	struct bx_fs_diff cursor = { .key_length = 0 };
	struct bx_fs_change change;
	struct bx_fs *shown;
	enum bx_err err = BX_OK;

	for (unsigned i = 0; i <= arg % 3; i++)
		if (bx_fs_snapshot_next(u->fs, s.generation, &s) != BX_OK)
			return;
	if (bx_fs_mount(&config, &shown) != BX_OK)
		return;
	for (unsigned i = 0; i < 8 && err == BX_OK; i++)
		err = bx_fs_next_entry(shown, BX_FS_ROOT, e.name, e.name_length, &e);
	err = BX_OK;
	for (unsigned i = 0; i < arg && (err == BX_OK || err == BX_ERR_AGAIN); i++)
		err = bx_fs_diff_next(shown, u->fs, &cursor, &change);
}

static void
call_check(struct use *u, unsigned arg)
{
	static uint8_t bits[BX_FS_BLOCKS_MIN / 8];
	const struct bx_fs_checker checker = {
		.report = ignore_finding,
		.bits = bits,
		.bits_bytes = sizeof bits,
		.data = arg < 64,
	};
	uint64_t findings;

	/* Once: it takes as long as all else. */
	if (!u->checked)
		ignore(bx_fs_check(u->fs, &checker, &findings));
	u->checked = true;
}

static void
use(struct use *u, const uint8_t *data, size_t size)
{
	static void (*const calls[])(struct use *u, unsigned arg) = {
		call_find, call_list, call_data, call_read, call_read_link, call_verify, call_attr,
		call_set_attr, call_set_stat, call_write, call_truncate, call_punch, call_unlink,
		call_rename, call_link, call_create, call_sync, call_tidy, call_mount, call_snapshot,
		call_show, call_check,
	};

	u->directory = BX_FS_ROOT;
	call_list(u, 0);
	for (unsigned i = 0; i < CALLS_MAX && size >= 2 && u->fs != NULL; i++, data += 2, size -= 2)
		calls[data[0] % (sizeof calls / sizeof calls[0])](u, data[1]);
	if (u->fs != NULL)
		ignore(bx_fs_unmount(u->fs));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct use u = {
		.config = { .device = &disk.device, .arena = arena, .arena_bytes = sizeof arena },
	};
	size_t at = 1;

	if (base.bytes == NULL) {
		build();
		disk_init_over(&disk, &base);
	}
	if (size < 1)
		return 0;
	disk_over_reset(&disk);
	for (unsigned i = data[0] >> 1 & 31; i > 0 && size - at >= 4; i--, at += 4)
		edit(data + at, (data[0] & 128) != 0);
	if (disk.own_count > 0)
		sum_all();
	if ((data[0] & 64) != 0)
		empty_log();
	u.config.flags = (data[0] & 1) != 0 ? 0 : BX_FS_MOUNT_READ_ONLY;
	if (bx_fs_mount(&u.config, &u.fs) == BX_OK)
		use(&u, data + at, size - at);
	return 0;
}
