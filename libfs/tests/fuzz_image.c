/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_image.c -- hostile volumes.  The input edits a small volume; then every checksum is
 * made right again, from the leaves to the root, so that only the checks of the format
 * stand between the edit and the library.  Whatever it says, every call must return: no
 * panic, no access outside, no loop.
 *
 * Input: one byte of flags (bit 0 writable), then edits of 4 bytes: block, offset (2),
 * value.  The block counts in the list of blocks that are in use; offset 4095 and above
 * exchanges two bytes with the value before.
 */
#include "support.h"

#include "../src/fs-internal.h"

#define VOLUME_BYTES (BX_FS_BLOCKS_MIN * BX_FS_BLOCK)
#define NODES_MAX 256u		/* those that two trees share are counted twice */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct node {
	uint64_t address, generation;
	unsigned level, entry;		/* offset of the pointer in the parent */
	uint64_t parent;		/* 0: the root record */
};

static struct disk base;
static struct fs_root root;
static struct node nodes[NODES_MAX];
static unsigned node_count;
static uint64_t interesting[NODES_MAX];
static uint64_t table;			/* of snapshots */
static unsigned interesting_count;
static uint64_t log_start[2];
static uint32_t log_sectors_used;
static uint8_t arena[65536] __attribute__((aligned(16)));

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
sum_block(uint8_t *image, uint64_t address, uint64_t generation, uint8_t *to)
{
	uint8_t sum[FS_SUM_MAX];

	bx_fsi_sum_block(&root, address, generation, image + address * BX_FS_BLOCK, sum);
	memcpy(to, sum, 8);
}

/* Make every checksum right. */
static void
sum_all(uint8_t *image)
{
	uint8_t *record = image + (root.generation & 1) * BX_FS_BLOCK;
	uint64_t seed;

	for (unsigned n = node_count; n-- > 0;) {
		uint8_t *parent = nodes[n].parent == 0 ? record : image + nodes[n].parent * BX_FS_BLOCK;

		sum_block(image, nodes[n].address, nodes[n].generation, parent + nodes[n].entry);
	}
	sum_block(image, table, root.table_generation, record + 176);
	sum_block(image, 2 + root.map_side, root.map_generation, record + 232);
	bx_put_le64(record + 480, bx_fsi_xxh64(record, 480, 0));
	memcpy(image + (root.blocks - 2 + (root.generation & 1)) * BX_FS_BLOCK, record, FS_ROOT_BYTES);
	seed = bx_get_le64(record + 480);
	for (uint32_t sector = 0; sector < log_sectors_used; sector++) {
		uint8_t *r = image + log_start[0] * BX_FS_BLOCK + sector * 512;
		uint32_t length = bx_get_le32(r + 4);

		if (memcmp(r, "BXLG", 4) != 0 || length < FS_LOG_HEAD ||
		    length > (log_sectors_used - sector) * 512)
			continue;
		bx_put_le64(r + 24, seed);
		bx_put_le64(r + 32, 0);
		bx_put_le64(r + 32, bx_fsi_xxh64(r, length, seed));
	}
	memcpy(image + log_start[1] * BX_FS_BLOCK, image + log_start[0] * BX_FS_BLOCK,
	    log_sectors_used * 512);
}

static void
ignore_finding(void *context, const struct bx_fs_finding *finding)
{
	(void)context;
	(void)finding;
}

static void
use_snapshots(struct bx_fs *fs)
{
	static uint8_t shown_arena[65536] __attribute__((aligned(16)));
	struct bx_fs_snapshot s = { .generation = 0 };
	struct bx_fs_config config = {
		.device = &fs->device,
		.arena = shown_arena,
		.arena_bytes = sizeof shown_arena,
		.snapshot = s.name,
	};
	struct bx_fs *shown;
	enum bx_err err = BX_OK;

	while (err == BX_OK && bx_fs_snapshot_next(fs, s.generation, &s) == BX_OK) {
		struct bx_fs_entry e = { .name_length = 0 };
		struct bx_fs_diff cursor = { .key_length = 0 };
		struct bx_fs_change change;

		if (bx_fs_mount(&config, &shown) != BX_OK)
			continue;
		for (unsigned i = 0; i < 100 && err == BX_OK; i++)
			err = bx_fs_next_entry(shown, BX_FS_ROOT, e.name, e.name_length, &e);
		err = BX_OK;
		for (unsigned i = 0; i < 400 && (err == BX_OK || err == BX_ERR_AGAIN); i++)
			err = bx_fs_diff_next(shown, fs, &cursor, &change);
		err = BX_OK;
	}
	if (bx_fs_snapshot_create(fs, "new", 3, 9) != BX_OK || bx_fs_snapshot_remove(fs, "third", 5) != BX_OK ||
	    bx_fs_snapshot_rollback(fs, "first", 5) != BX_OK)
		return;
	for (unsigned i = 0; i < 200 && bx_fs_tidy(fs) == BX_ERR_AGAIN; i++)
		continue;
}

/* Calls of every kind; what they say does not matter. */
static void
use(struct bx_fs *fs)
{
	static uint8_t bits[BX_FS_BLOCKS_MIN / 8];
	static uint8_t bytes[BX_FS_READ_MAX];
	const struct bx_fs_checker checker = {
		.report = ignore_finding,
		.bits = bits,
		.bits_bytes = sizeof bits,
		.data = true,
	};
	struct bx_fs_entry e = { .name_length = 0 };
	uint64_t inode = 0, findings;
	size_t done;
	enum bx_err err = BX_OK;

	for (unsigned i = 0; i < 100 && err == BX_OK; i++) {
		struct bx_fs_stat st;
		uint64_t offset = 0, from = 0, length = 0;
		char name[BX_FS_NAME_MAX + 1];

		err = bx_fs_next_entry(fs, BX_FS_ROOT, e.name, e.name_length, &e);
		if (err != BX_OK)
			break;
		if (bx_fs_stat(fs, e.inode, &st) != BX_OK)
			continue;
		for (unsigned piece = 0; piece < 20 && bx_fs_next_data(fs, e.inode, &from, &length) == BX_OK; piece++) {
			if (length == 0 || from + length > st.size)
				die("content outside of the file");
			from += length;
		}
		if (bx_fs_read(fs, e.inode, 0, bytes, sizeof bytes, &done) != BX_OK)
			done = 0;
		if (bx_fs_read_link(fs, e.inode, (char *)bytes, sizeof bytes, &done) != BX_OK ||
		    bx_fs_verify(fs, e.inode, &offset) != BX_OK)
			done = 0;
		if (bx_fs_next_attr(fs, e.inode, "", 0, name, &done) == BX_OK &&
		    bx_fs_get_attr(fs, e.inode, name, done, bytes, sizeof bytes, &done) != BX_OK)
			done = 0;
		inode = e.inode;
		switch (i % 8) {
		case 0:
			err = bx_fs_unlink(fs, BX_FS_ROOT, e.name, e.name_length, 0, 9);
			break;
		case 1:
			err = bx_fs_write(fs, inode, i * 1000, bytes, 9000, 9, &done);
			break;
		case 2:
			err = bx_fs_truncate(fs, inode, i * 50, 9);
			break;
		case 3:
			err = bx_fs_rename(fs, BX_FS_ROOT, e.name, e.name_length, BX_FS_ROOT, "moved", 5, 0, 9);
			break;
		case 4:
			err = bx_fs_punch(fs, inode, 5, 70000, 9);
			break;
		case 5:
			err = bx_fs_set_attr(fs, inode, "k", 1, "v", 1, 9);
			break;
		case 6:
			err = bx_fs_sync(fs);
			break;
		default:
			err = bx_fs_create(fs, BX_FS_ROOT, "new", 3, BX_FS_FILE, owner, 9, &inode);
		}
		err = BX_OK;
	}
	use_snapshots(fs);
	if (bx_fs_tidy(fs) != BX_OK || bx_fs_check(fs, &checker, &findings) != BX_OK ||
	    bx_fs_unmount(fs) != BX_OK)
		done = 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct disk disk;
	struct bx_fs_config config = { .device = &disk.device, .arena = arena, .arena_bytes = sizeof arena };
	struct bx_fs *fs;

	if (base.bytes == NULL) {
		build();
		disk_init(&disk, VOLUME_BYTES, 512);
	}
	if (size < 1)
		return 0;
	memcpy(disk.bytes, base.bytes, VOLUME_BYTES);
	for (size_t i = 1; i + 4 <= size; i += 4) {
		uint64_t block = interesting[data[i] % interesting_count];

		disk.bytes[block * BX_FS_BLOCK + bx_get_le16(data + i + 1) % BX_FS_BLOCK] = data[i + 3];
	}
	sum_all(disk.bytes);
	config.flags = (data[0] & 1) != 0 ? 0 : BX_FS_MOUNT_READ_ONLY;
	if (bx_fs_mount(&config, &fs) == BX_OK)
		use(fs);
	return 0;
}
