/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* test_fs_refusals.c -- what the calls refuse: arguments out of bounds, and a tree that holds what no call
 * of the library puts there, as a hostile volume can. */
#include "test_fs.h"

#define LARGE (BX_FS_READ_MAX + 5 * BX_FS_BLOCK)

static uint8_t bytes[LARGE];

START_TEST(ranges_and_empty_requests)
{
	uint64_t file = make(BX_FS_ROOT, "file", BX_FS_FILE), generation;
	struct bx_fs_info info;
	size_t done = 77;

	memset(bytes, 'x', sizeof bytes);
	put(file, 0, bytes, 3 * BX_FS_BLOCK);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	bx_fs_get_info(fs, &info);
	generation = info.generation;
	ck_assert_int_eq(bx_fs_write(fs, file, BX_FS_SIZE_MAX, "x", 1, 1, &done), BX_ERR_RANGE);
	ck_assert_int_eq(bx_fs_write(fs, file, UINT64_MAX, "x", 1, 1, &done), BX_ERR_RANGE);
	ck_assert_int_eq(bx_fs_truncate(fs, file, BX_FS_SIZE_MAX + 1, 1), BX_ERR_RANGE);
	ck_assert_int_eq(bx_fs_punch(fs, file, BX_FS_SIZE_MAX, 1, 1), BX_ERR_RANGE);
	ck_assert_uint_eq(done, 77);
	/* Nothing asked: nothing done, not even a time. */
	ck_assert_int_eq(bx_fs_write(fs, file, 5, "x", 0, 99, &done), BX_OK);
	ck_assert_uint_eq(done, 0);
	ck_assert_int_eq(bx_fs_punch(fs, file, 5, 0, 99), BX_OK);
	ck_assert_int_eq(bx_fs_punch(fs, file, 3 * BX_FS_BLOCK, 5, 99), BX_OK);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	bx_fs_get_info(fs, &info);
	ck_assert_uint_eq(info.generation, generation);
	/* Twice, so that the second finds the extent remembered. */
	for (unsigned turn = 0; turn < 2; turn++) {
		ck_assert_int_eq(bx_fs_read(fs, file, 0, bytes, 100, &done), BX_OK);
		ck_assert_uint_eq(done, 100);
		ck_assert_int_eq(bx_fs_read(fs, file, 3 * BX_FS_BLOCK, bytes, 100, &done), BX_OK);
		ck_assert_uint_eq(done, 0);
		ck_assert_int_eq(bx_fs_read(fs, file, 5, bytes, 0, &done), BX_OK);
		ck_assert_uint_eq(done, 0);
	}
}
END_TEST

/* A dot is only special alone, or as one of two. */
START_TEST(names_with_dots)
{
	static const char *const good[] = { ".x", "..x", "...", "x.", "x.." };
	uint64_t inode, found;

	for (size_t i = 0; i < BX_ARRAY_COUNT(good); i++) {
		inode = make(BX_FS_ROOT, good[i], BX_FS_DIRECTORY);
		ck_assert_int_eq(bx_fs_walk(fs, good[i], strlen(good[i]), &found), BX_OK);
		ck_assert_uint_eq(found, inode);
	}
	ck_assert_int_eq(bx_fs_walk(fs, ".x/../..x/.", 11, &found), BX_OK);
	ck_assert_int_eq(bx_fs_walk(fs, ".x/x.", 5, &found), BX_ERR_NOT_FOUND);
}
END_TEST

START_TEST(attribute_names_and_masks)
{
	static const struct {
		const char *name;
		size_t length;
	} bad[] = { { "", 0 }, { "a\0b", 3 }, { "\0", 1 } };
	static const uint32_t masks[] = { 0, 16, 31 };
	struct bx_fs_stat values = { .mode = 010000 }, st;
	uint64_t file = make(BX_FS_ROOT, "file", BX_FS_FILE);
	size_t length = 77;

	for (size_t i = 0; i < BX_ARRAY_COUNT(bad); i++) {
		ck_assert_int_eq(bx_fs_set_attr(fs, file, bad[i].name, bad[i].length, "v", 1, 1), BX_ERR_FS_NAME);
		ck_assert_int_eq(bx_fs_remove_attr(fs, file, bad[i].name, bad[i].length, 1), BX_ERR_FS_NAME);
		ck_assert_int_eq(bx_fs_get_attr(fs, file, bad[i].name, bad[i].length, bytes, 8, &length),
		    BX_ERR_FS_NAME);
	}
	ck_assert_uint_eq(length, 77);
	for (size_t i = 0; i < BX_ARRAY_COUNT(masks); i++)
		ck_assert_int_eq(bx_fs_set_stat(fs, file, masks[i], &values, 1), BX_ERR_INVALID);
	ck_assert_int_eq(bx_fs_set_stat(fs, file, BX_FS_SET_MODE, &values, 1), BX_ERR_INVALID);
	/* What the mask does not name is not looked at; an earlier time is taken. */
	ck_assert_int_eq(bx_fs_set_stat(fs, file, BX_FS_SET_OWNER, &values, 1), BX_OK);
	ck_assert_int_eq(bx_fs_stat(fs, file, &st), BX_OK);
	ck_assert_uint_eq(st.mode, owner.mode);
	ck_assert_uint_eq(st.changed_ns, 1);
}
END_TEST

/* In steps, from where the caller says; nothing to do for a file without blocks. */
START_TEST(verify_goes_on)
{
	uint64_t file = make(BX_FS_ROOT, "file", BX_FS_FILE), small = make(BX_FS_ROOT, "small", BX_FS_FILE);
	uint64_t offset = 0;

	put(file, 2 * BX_FS_BLOCK, bytes, LARGE);
	put(small, 0, "inline", 6);
	ck_assert_int_eq(bx_fs_verify(fs, file, &offset), BX_ERR_AGAIN);
	ck_assert_uint_gt(offset, BX_FS_READ_MAX / 2);
	ck_assert_int_eq(bx_fs_verify(fs, file, &offset), BX_OK);
	ck_assert_uint_eq(offset, LARGE + 2 * BX_FS_BLOCK);
	offset = 0;
	ck_assert_int_eq(bx_fs_verify(fs, small, &offset), BX_OK);
	ck_assert_uint_eq(offset, 6);
	ck_assert_int_eq(bx_fs_verify(fs, BX_FS_ROOT, &offset), BX_ERR_FS_IS_DIR);
}
END_TEST

/* Every part of a configuration that can be wrong; *out is left alone. */
START_TEST(mount_and_format_refuse_the_configuration)
{
	static const uint8_t hash[BX_FS_DIGEST];
	struct bx_fs_format format = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };
	struct bx_fs_device device = disk.device;
	struct bx_fs_config config = {
		.device = &device, .arena = other_arena, .arena_bytes = sizeof other_arena,
	};
	struct bx_fs *out = NULL;

	for (unsigned i = 0; i < 4; i++) {
		device = disk.device;
		if (i == 0)
			device.read = NULL;
		else if (i == 1)
			device.write = NULL;
		else if (i == 2)
			device.flush = NULL;
		else
			device.sector_bytes = 1024;
		ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_INVALID);
		ck_assert_int_eq(bx_fs_format(&device, &format, other_arena, sizeof other_arena), BX_ERR_INVALID);
	}
	device = disk.device;
	config.device = NULL;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_INVALID);
	config.device = &device;
	config.arena = other_arena + 8;
	config.arena_bytes -= 8;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_INVALID);
	config.arena = other_arena;
	config.flags = 4;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_INVALID);
	config.flags = 0;
	config.arena_bytes = BX_FS_ARENA_MIN - 1;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_NO_MEMORY);
	config.arena_bytes = sizeof other_arena;
	config.root_hash = hash;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_CORRUPT);
	config.root_hash = NULL;
	ck_assert_int_eq(bx_fs_mount_sealed(&config, &out), BX_ERR_STATE);
	device.size_bytes = (BX_FS_BLOCKS_MIN - 1) * BX_FS_BLOCK;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_FORMAT);
	ck_assert_int_eq(bx_fs_format(&device, &format, other_arena, sizeof other_arena), BX_ERR_RANGE);
	ck_assert_ptr_null(out);
}
END_TEST

struct progress {
	uint64_t calls, findings;
	uint32_t kinds;		/* a bit for each enum bx_fs_problem */
};

static void
note_progress(void *context, uint64_t done, uint64_t all)
{
	struct progress *p = context;

	ck_assert_uint_le(done, all);
	p->calls++;
}

static void
note_finding(void *context, const struct bx_fs_finding *finding)
{
	struct progress *p = context;

	ck_assert_int_ge((int)finding->problem, BX_FS_BAD_ROOT_COPY);
	p->kinds |= 1u << finding->problem;
	p->findings++;
}

/* A check of all; how many findings, of which *p has the kinds. */
static uint64_t
check_all(struct progress *p)
{
	static uint8_t bits[128];
	const struct bx_fs_checker checker = {
		.context = p, .report = note_finding, .bits = bits, .bits_bytes = sizeof bits, .data = true,
	};
	uint64_t findings;

	*p = (struct progress){ .calls = 0 };
	ck_assert_int_eq(bx_fs_check(fs, &checker, &findings), BX_OK);
	ck_assert_uint_eq(findings, p->findings);
	return findings;
}

START_TEST(check_says_what_it_needs)
{
	static uint8_t bits[128];	/* of 1,024 blocks */
	struct progress p = { .calls = 0 };
	struct bx_fs_checker checker = {
		.context = &p, .report = note_finding, .progress = note_progress, .bits = bits,
		.bits_bytes = sizeof bits - 1,
	};
	struct bx_fs_config config = config_of(&disk);
	struct bx_fs *shown;
	uint64_t findings = 77;

	put(make(BX_FS_ROOT, "file", BX_FS_FILE), 0, bytes, 3 * BX_FS_BLOCK);
	ck_assert_int_eq(bx_fs_check(fs, &checker, &findings), BX_ERR_NO_MEMORY);
	checker.bits_bytes++;
	ck_assert_int_eq(bx_fs_begin(fs), BX_OK);
	ck_assert_int_eq(bx_fs_check(fs, &checker, &findings), BX_ERR_STATE);
	ck_assert_int_eq(bx_fs_end(fs), BX_OK);
	ck_assert_int_eq(bx_fs_snapshot_create(fs, "kept", 4, 1), BX_OK);
	config.arena = other_arena;
	config.snapshot = "kept";
	ck_assert_int_eq(bx_fs_mount(&config, &shown), BX_OK);
	ck_assert_uint_eq(findings, 77);
	ck_assert_int_eq(bx_fs_check(shown, &checker, &findings), BX_OK);
	ck_assert_uint_eq(findings, 0);
	/* Without the content of files. */
	ck_assert_int_eq(bx_fs_check(fs, &checker, &findings), BX_OK);
	ck_assert_uint_eq(findings, 0);
	ck_assert_uint_gt(p.calls, 0);
	ck_assert_uint_eq(p.findings, 0);
}
END_TEST

/* ---- what no call puts into the tree ------------------------------------------------------ */

/* The items are put in a transaction and undone, so that the volume is sound after the test. */
static void
plant(uint64_t inode, enum fs_key_type type, const void *rest, size_t rest_length, const void *value,
    size_t length)
{
	struct fs_key key;

	bx_fsi_key(&key, inode, type, rest, rest_length);
	ck_assert_int_eq(bx_fsi_op_begin(fs, 2, 2, 0, FS_OP_NORMAL), BX_OK);
	ck_assert_int_eq(bx_fsi_tree_touch(fs, &key), BX_OK);
	ck_assert_int_eq(bx_fsi_tree_put(fs, &key, value, length), BX_OK);
	ck_assert_int_eq(bx_fsi_op_end(fs, 1, BX_OK, FS_LOG_NOTHING, NULL), BX_OK);
}

static void
plant_extent(uint64_t inode, uint64_t first, const uint8_t *value, size_t length)
{
	uint8_t rest[8];

	bx_put_be64(rest, first);
	plant(inode, FS_KEY_EXTENT, rest, 8, value, length);
}

START_TEST(extents_that_cannot_be)
{
	uint64_t file = make(BX_FS_ROOT, "file", BX_FS_FILE), first = 0, offset = 0;
	uint8_t value[16 + 8 * 65] = { 0 };
	size_t length = 24, done = 77;

	put(file, 0, bytes, 2 * BX_FS_BLOCK);
	ck_assert_int_eq(bx_fs_begin(fs), BX_OK);
	bx_put_le64(value, 100);
	bx_put_le64(value + 8, 1);
	switch (_i) {
	case 0:		/* no checksum */
		length = 16;
		break;
	case 1:		/* a part of one */
		length = 23;
		break;
	case 2:		/* more blocks than an extent has */
		length = 16 + 8 * 65;
		break;
	case 3:		/* beyond the largest file */
		first = BX_FS_SIZE_MAX / BX_FS_BLOCK;
		break;
	case 4:		/* younger than the node that names it */
		bx_put_le64(value + 8, UINT64_MAX);
		break;
	case 5:		/* the root record's block */
		bx_put_le64(value, 0);
		break;
	case 6:		/* beyond the volume */
		bx_put_le64(value, disk.size / BX_FS_BLOCK);
		break;
	default:	/* far beyond */
		bx_put_le64(value, UINT64_MAX);
	}
	plant_extent(file, first, value, length);
	if (first > 0) {
		offset = first * BX_FS_BLOCK - 1;
		ck_assert_int_eq(bx_fs_verify(fs, file, &offset), BX_ERR_CORRUPT);
	} else {
		ck_assert_int_eq(bx_fs_read(fs, file, 0, bytes, 100, &done), BX_ERR_CORRUPT);
		ck_assert_int_eq(bx_fs_verify(fs, file, &offset), BX_ERR_CORRUPT);
		ck_assert_int_eq(bx_fs_write(fs, file, 5, "x", 1, 1, &done), BX_ERR_CORRUPT);
		ck_assert_int_eq(bx_fs_write(fs, file, 0, bytes, BX_FS_BLOCK, 1, &done), BX_ERR_CORRUPT);
		ck_assert_int_eq(bx_fs_truncate(fs, file, 10, 1), BX_ERR_CORRUPT);
		ck_assert_int_eq(bx_fs_punch(fs, file, 0, BX_FS_BLOCK, 1), BX_ERR_CORRUPT);
	}
	ck_assert_uint_eq(done, 77);
	ck_assert_int_eq(bx_fs_abort(fs), BX_OK);
	ck_assert_int_eq(bx_fs_read(fs, file, 0, bytes, 100, &done), BX_OK);
}
END_TEST

START_TEST(inodes_that_cannot_be)
{
	uint64_t file = make(BX_FS_ROOT, "file", BX_FS_FILE);
	uint8_t value[FS_INODE_BYTES] = { BX_FS_FILE };
	struct bx_fs_stat st = { .inode = 77 };
	size_t length = FS_INODE_BYTES;

	ck_assert_int_eq(bx_fs_begin(fs), BX_OK);
	switch (_i) {
	case 0:
		length--;
		break;
	case 1:
		value[0] = 0;
		break;
	case 2:
		value[0] = 4;
		break;
	case 3:
		value[1] = 2;
		break;
	case 4:
		bx_put_le16(value + 2, 010000);
		break;
	default:
		bx_put_le64(value + 8, BX_FS_SIZE_MAX + 1);
	}
	plant(file, FS_KEY_INODE, NULL, 0, value, length);
	ck_assert_int_eq(bx_fs_stat(fs, file, &st), BX_ERR_CORRUPT);
	ck_assert_uint_eq(st.inode, 77);
	ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, "file", 4, 0, 1), BX_ERR_CORRUPT);
	ck_assert_int_eq(bx_fs_truncate(fs, file, 1, 1), BX_ERR_CORRUPT);
	ck_assert_int_eq(bx_fs_abort(fs), BX_OK);
	ck_assert_int_eq(bx_fs_stat(fs, file, &st), BX_OK);
}
END_TEST

/* As many links as there can be; none, although there is a name. */
START_TEST(counts_of_links_that_cannot_be)
{
	uint64_t file = make(BX_FS_ROOT, "file", BX_FS_FILE);
	uint8_t value[FS_INODE_BYTES] = { BX_FS_FILE };

	ck_assert_int_eq(bx_fs_begin(fs), BX_OK);
	bx_put_le32(value + 4, UINT32_MAX);
	plant(file, FS_KEY_INODE, NULL, 0, value, sizeof value);
	ck_assert_int_eq(bx_fs_link(fs, file, BX_FS_ROOT, "more", 4, 1), BX_ERR_OVERFLOW);
	bx_put_le32(value + 4, 0);
	plant(file, FS_KEY_INODE, NULL, 0, value, sizeof value);
	ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, "file", 4, 0, 1), BX_ERR_CORRUPT);
	ck_assert_int_eq(bx_fs_abort(fs), BX_OK);
}
END_TEST

START_TEST(entries_that_cannot_be)
{
	static const uint8_t to_root[9] = { BX_FS_ROOT, 0, 0, 0, 0, 0, 0, 0, BX_FS_DIRECTORY };
	uint8_t value[10] = { 99 }, long_one[10] = { 0, 0, 0, 0, 0, 0, 0, 0, BX_FS_FILE };
	struct bx_fs_entry entry = { .inode = 77 };
	uint64_t inode = 77;

	long_one[0] = (uint8_t)make(BX_FS_ROOT, "file", BX_FS_FILE);
	ck_assert_int_eq(bx_fs_begin(fs), BX_OK);
	plant(BX_FS_ROOT, FS_KEY_ENTRY, "a long one", 10, long_one, 10);
	ck_assert_int_eq(bx_fs_lookup(fs, BX_FS_ROOT, "a long one", 10, &inode), BX_ERR_CORRUPT);
	ck_assert_int_eq(bx_fs_next_entry(fs, BX_FS_ROOT, "", 0, &entry), BX_ERR_CORRUPT);
	ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, "a long one", 10, 0, 1), BX_ERR_CORRUPT);
	ck_assert_int_eq(bx_fs_abort(fs), BX_OK);
	ck_assert_int_eq(bx_fs_begin(fs), BX_OK);
	plant(BX_FS_ROOT, FS_KEY_ENTRY, "nothing", 7, value, 9);
	ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, "nothing", 7, 0, 1), BX_ERR_CORRUPT);
	ck_assert_int_eq(bx_fs_abort(fs), BX_OK);
	ck_assert_int_eq(bx_fs_begin(fs), BX_OK);
	plant(BX_FS_ROOT, FS_KEY_ENTRY, "root", 4, to_root, 9);
	ck_assert_int_eq(bx_fs_remove_directory(fs, BX_FS_ROOT, "root", 4, 1), BX_ERR_CORRUPT);
	ck_assert_int_eq(bx_fs_abort(fs), BX_OK);
	ck_assert_uint_eq(entry.inode, 77);
	ck_assert_uint_eq(inode, 77);
}
END_TEST

START_TEST(inline_content_that_cannot_be)
{
	uint64_t file = make(BX_FS_ROOT, "file", BX_FS_FILE);
	size_t done = 77;

	put(file, 0, "small", 5);
	ck_assert_int_eq(bx_fs_begin(fs), BX_OK);
	plant(file, FS_KEY_INLINE, NULL, 0, bytes, 1280);
	ck_assert_int_eq(bx_fs_write(fs, file, 2, "x", 1, 1, &done), BX_ERR_CORRUPT);
	ck_assert_int_eq(bx_fs_abort(fs), BX_OK);
	ck_assert_int_eq(bx_fs_read(fs, file, 0, bytes, 5, &done), BX_OK);
	ck_assert_mem_eq(bytes, "small", 5);
}
END_TEST

START_TEST(orphans_that_cannot_be)
{
	uint8_t rest[8] = { 0 }, value[9] = { 0 };

	ck_assert_int_eq(bx_fs_begin(fs), BX_OK);
	bx_put_be64(rest, 99);
	plant(0, FS_KEY_ORPHAN, rest, 8, value, 9);
	fs->root.orphans++;
	ck_assert_int_eq(bx_fs_tidy(fs), BX_ERR_CORRUPT);
	ck_assert_int_eq(bx_fs_forget(fs, 99), BX_ERR_CORRUPT);
	ck_assert_int_eq(bx_fs_abort(fs), BX_OK);
	ck_assert_int_eq(bx_fs_tidy(fs), BX_OK);
}
END_TEST

/* An inode as the library writes it, with one thing changed. */
static void
change_inode(uint64_t inode, size_t offset, uint64_t field)
{
	uint8_t value[FS_INODE_BYTES];
	struct fs_key key;
	struct fs_item item;

	bx_fsi_key(&key, inode, FS_KEY_INODE, NULL, 0);
	ck_assert_int_eq(bx_fsi_tree_get(fs, &key, &item), BX_OK);
	memcpy(value, item.value, sizeof value);
	bx_put_le64(value + offset, field);
	plant(inode, FS_KEY_INODE, NULL, 0, value, sizeof value);
}

/* A file that is there, under a name that cannot be, or with another name than its links say. */
static void
plant_name(const char *name, size_t length, uint64_t inode)
{
	uint8_t value[9] = { 0 };

	bx_put_le64(value, inode);
	value[8] = BX_FS_FILE;
	change_inode(BX_FS_ROOT, 8, 3);
	plant(BX_FS_ROOT, FS_KEY_ENTRY, name, length, value, 9);
}

/* What is found. */
static enum bx_fs_problem
plant_name_or_number(int number, uint64_t file, uint64_t dir)
{
	static const enum bx_fs_problem found[] = {
		BX_FS_BAD_ENTRY, BX_FS_BAD_ENTRY, BX_FS_BAD_ENTRY, BX_FS_BAD_LINKS, BX_FS_BAD_INODE, BX_FS_BAD_INODE,
		BX_FS_BAD_INODE, BX_FS_BAD_INODE, BX_FS_BAD_INODE, BX_FS_BAD_INODE, BX_FS_BAD_LINKS, BX_FS_BAD_INODE,
		BX_FS_BAD_COUNT, BX_FS_BAD_INODE, BX_FS_BAD_PARENT, BX_FS_BAD_NODE, BX_FS_BAD_MAP,
	};
	static uint8_t large[FS_ITEM_MAX];
	struct fs_key key;
	uint32_t slot;
	uint8_t *node;
	unsigned length;
	uint64_t inside, link;
	uint8_t rest[8] = { 0 }, value[9] = { 0 };

	switch (number) {
	case 11:
		plant_name("a/b", 3, file);
		break;
	case 12:
		plant_name("a\0b", 3, file);
		break;
	case 13:
		plant_name("..", 2, file);
		break;
	case 14:	/* one name too many */
		plant_name("more", 4, file);
		break;
	case 15:	/* an attribute without a name */
		change_inode(file, 0, UINT64_C(0x1000001a00101));
		plant(file, FS_KEY_ATTR, NULL, 0, value, 1);
		break;
	case 16:	/* and one that is too large */
		change_inode(file, 0, UINT64_C(0x1000001a00101));
		plant(file, FS_KEY_ATTR, "a", 1, large, BX_FS_ATTR_MAX + 1);
		break;
	case 17:	/* more content than the file is long */
		inside = make(BX_FS_ROOT, "small", BX_FS_FILE);
		put(inside, 0, "small", 5);
		change_inode(inside, 8, 4);
		break;
	case 18:	/* a link that is longer than its target */
		ck_assert_int_eq(bx_fs_symlink(fs, BX_FS_ROOT, "link", 4, "to", 2, owner, 1, &link), BX_OK);
		change_inode(link, 8, 4);
		break;
	case 19:	/* the root is its own parent */
		change_inode(BX_FS_ROOT, 48, dir);
		break;
	case 20:	/* a file has no parent */
		change_inode(file, 48, BX_FS_ROOT);
		break;
	case 21:	/* a deleted file that nobody remembers */
		change_inode(make(BX_FS_ROOT, "gone", BX_FS_FILE), 0, UINT64_C(0x1a00001));
		break;
	case 22:	/* one that is remembered and was never there */
		bx_put_be64(rest, 99);
		plant(0, FS_KEY_ORPHAN, rest, 8, value, 8);
		fs->root.orphans++;
		break;
	case 23:	/* the next one takes the place of this one */
		fs->root.next_inode = dir;
		break;
	case 24:	/* something behind the end of the file */
		put(file, 2 * BX_FS_BLOCK, "end", 3);
		change_inode(file, 8, 2 * BX_FS_BLOCK + 1);
		break;
	case 25:	/* two directories that only lead to one another */
		inside = make(dir, "inside", BX_FS_DIRECTORY);
		bx_put_le64(value, dir);
		value[8] = BX_FS_DIRECTORY;
		plant(inside, FS_KEY_ENTRY, "up", 2, value, 9);
		change_inode(inside, 0, UINT64_C(0x3000001a00002));
		change_inode(inside, 8, 1);
		change_inode(dir, 48, inside);
		bx_fsi_key(&key, BX_FS_ROOT, FS_KEY_ENTRY, "dir", 3);
		ck_assert_int_eq(bx_fsi_tree_delete(fs, &key), BX_OK);
		change_inode(BX_FS_ROOT, 8, 1);
		break;
	case 26:	/* a leaf with keys that its parent gives to another one */
		for (unsigned i = 0; fs->root.tree.level == 0; i++) {
			char name[16];

			snprintf(name, sizeof name, "many-%u", i);
			(void)make(BX_FS_ROOT, name, BX_FS_FILE);
		}
		ck_assert_int_eq(bx_fsi_commit_root(fs), BX_OK);
		change_inode(BX_FS_ROOT, 40, 1);
		slot = bx_fsi_cache_find(fs, fs->root.tree.pointer.address);
		node = bx_fsi_block(fs, slot);
		node += bx_fsi_node_key(node, 1, &length) - node;
		node[length - 1]++;
		break;
	default:	/* a leaf of the map that tells of less than it has */
		ck_assert_int_eq(bx_fsi_mark(fs, 900, 1, true), BX_OK);
		ck_assert_int_eq(bx_fsi_mark(fs, 900, 1, false), BX_OK);
		ck_assert_int_eq(bx_fsi_map_load(fs, 0, 0, &slot), BX_OK);
		bx_fsi_block(fs, slot)[12]--;
	}
	return found[number - 11];
}


/* The check names each contradiction, and only the object that has it. */
START_TEST(check_finds_what_cannot_be)
{
	struct progress p;
	enum bx_fs_problem problem = 0;
	uint64_t file, dir;
	uint8_t value[24] = { 0 };

	file = make(BX_FS_ROOT, "file", BX_FS_FILE);
	dir = make(BX_FS_ROOT, "dir", BX_FS_DIRECTORY);
	put(file, 0, bytes, 2 * BX_FS_BLOCK);
	value[0] = 99;
	switch (_i) {
	case 0:		/* an entry that is too long */
		plant(BX_FS_ROOT, FS_KEY_ENTRY, "long", 4, value, 10);
		break;
	case 1:		/* an entry in a file, which leads nowhere */
		plant(file, FS_KEY_ENTRY, "in", 2, value, 9);
		break;
	case 2:		/* an inode that says less than it should */
		plant(file, FS_KEY_INODE, NULL, 0, value, 24);
		break;
	case 3:		/* an inode with a longer key */
		plant(file, FS_KEY_INODE, "x", 1, value, 24);
		break;
	case 4:		/* an extent in a directory */
		plant_extent(dir, 0, value, 24);
		break;
	case 5:		/* an extent inside another */
		plant_extent(file, 1, value, 24);
		break;
	case 6:		/* an attribute that the inode does not know of */
		plant(file, FS_KEY_ATTR, "a", 1, value, 5);
		break;
	case 7:		/* inline content of a directory */
		plant(dir, FS_KEY_INLINE, NULL, 0, value, 5);
		break;
	case 8:		/* an orphan of another length */
		plant(0, FS_KEY_ORPHAN, "12345678", 8, value, 9);
		break;
	case 9:		/* a second way to a directory that says where it is */
		value[0] = (uint8_t)dir;
		value[8] = BX_FS_DIRECTORY;
		plant(dir, FS_KEY_ENTRY, "loop", 4, value, 9);
		break;
	case 10:	/* an entry of another type */
		value[0] = (uint8_t)dir;
		value[8] = BX_FS_FILE;
		plant(BX_FS_ROOT, FS_KEY_ENTRY, "type", 4, value, 9);
		break;
	default:
		problem = plant_name_or_number(_i, file, dir);
	}
	ck_assert_uint_gt(check_all(&p), 0);
	ck_assert(problem == 0 || (p.kinds & 1u << problem) != 0);
	/* The teardown would find it too. */
	fs->failed = true;
}
END_TEST

/* An item inside the value of another: reading does no harm, but who owns the file would decide how long the key is. */
START_TEST(items_that_overlap)
{
	struct progress p;
	struct bx_fs_stat st = { .uid = 9, .gid = UINT32_MAX };		/* a key of 9 bytes that begins so */
	uint64_t file = make(BX_FS_ROOT, "file", BX_FS_FILE);
	struct fs_key key;
	struct fs_item item;
	uint8_t *node;
	unsigned count;

	ck_assert_int_eq(bx_fs_set_attr(fs, file, "a", 1, bytes, 100, 1), BX_OK);
	make(BX_FS_ROOT, "other", BX_FS_FILE);
	ck_assert_int_eq(bx_fs_remove_attr(fs, file, "a", 1, 1), BX_OK);
	ck_assert_int_eq(bx_fs_set_stat(fs, file, BX_FS_SET_OWNER | BX_FS_SET_GROUP, &st, 1), BX_OK);
	node = bx_fsi_block(fs, bx_fsi_cache_find(fs, fs->root.tree.pointer.address));
	bx_fsi_key(&key, file, FS_KEY_INODE, NULL, 0);
	ck_assert_int_eq(bx_fsi_tree_get(fs, &key, &item), BX_OK);
	count = bx_fsi_node_count(node);
	bx_put_le16(node + FS_NODE_HEAD + 2 * count, (uint16_t)(item.value + 56 - node));
	bx_put_le16(node + 6, (uint16_t)(count + 1));
	bx_put_le16(node + 26, (uint16_t)(bx_get_le16(node + 26) - 13));
	ck_assert_int_eq(bx_fs_unmount(fs), BX_OK);
	remount();
	ck_assert_int_eq(bx_fs_stat(fs, file, &st), BX_OK);
	ck_assert_uint_eq(st.uid, 9);
	st.uid = UINT16_MAX;
	ck_assert_int_eq(bx_fs_set_stat(fs, file, BX_FS_SET_OWNER, &st, 1), BX_ERR_CORRUPT);
	ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, "other", 5, 0, 1), BX_ERR_CORRUPT);
	check_all(&p);
	ck_assert((p.kinds & 1u << BX_FS_BAD_NODE) != 0);
	fs->failed = true;
}
END_TEST

/* The path of the last leaf, all of it changed and in memory; the tree has `level` levels above its leaves. */
static void
path_to_last(unsigned level, struct fs_path *path)
{
	struct fs_key key;
	char name[16];

	for (unsigned i = 0; fs->root.tree.level < level; i++) {
		snprintf(name, sizeof name, "name-%06u", i);
		make(BX_FS_ROOT, name, BX_FS_FILE);
	}
	memset(key.bytes, 0xff, FS_KEY_MAX);
	key.length = FS_KEY_MAX;
	ck_assert_int_eq(bx_fsi_tree_touch(fs, &key), BX_OK);
	ck_assert_int_eq(bx_fsi_path_to(fs, &fs->root.tree, &key, 0, path), BX_OK);
	ck_assert_uint_eq(path->depth, level + 1);
	bx_fsi_path_release(fs, path);
}

/* A pointer to a block that was free, and that the allocator has given to another node since: it does not mean
 * that one, and what becomes small is not joined with itself. */
START_TEST(neighbours_that_are_no_more)
{
	struct fs_path path;
	struct fs_key key;
	uint8_t *neighbour, *leaf;

	path_to_last(1, &path);
	leaf = bx_fsi_block(fs, path.slot[1]);
	neighbour = bx_fsi_node_value_of(fs, path.slot[0], path.index[0] - 1);
	bx_put_le64(neighbour, fs->slots[path.slot[1]].address);
	bx_put_le64(neighbour + 8, fs->current - 1);
	while (bx_fsi_node_count(leaf) > 1) {
		unsigned count = bx_fsi_node_count(leaf);

		bx_fsi_node_copy_key(leaf, 1, &key);
		ck_assert_int_eq(bx_fsi_tree_delete(fs, &key), BX_OK);
		ck_assert_uint_eq(bx_fsi_node_count(leaf), count - 1);
	}
	fs->failed = true;
}
END_TEST

/* The checksum of a node on the device, in the pointer to it. */
static void
sum_node(const struct fs_root *root, uint64_t address, uint64_t generation, uint8_t *pointer)
{
	uint8_t sum[FS_SUM_MAX];

	bx_fsi_sum_block(root, address, generation, disk.bytes + address * BX_FS_BLOCK, sum);
	bx_put_le64(pointer, address);
	bx_put_le64(pointer + 8, generation);
	memcpy(pointer + 16, sum, 8);
}

/* Both copies of the root, with another tree, and a mount of that. */
static void
remount_with(struct fs_root *root)
{
	uint64_t address = root->tree.pointer.address;
	unsigned slot = root->generation & 1;

	bx_fsi_sum_block(root, address, root->tree.pointer.generation, disk.bytes + address * BX_FS_BLOCK,
	    root->tree.pointer.sum);
	bx_fsi_root_encode(root, disk.bytes + slot * BX_FS_BLOCK);
	bx_fsi_root_encode(root, disk.bytes + bx_fsi_root_block(root->blocks, slot + 2) * BX_FS_BLOCK);
	remount();
}

/* A leaf that says that it is of the generation that is only being built: changed, it would be taken for one that has its place
 * and was looked at already.  What is above it is of that generation after the first change. */
START_TEST(children_that_are_not_born)
{
	struct fs_path path;
	struct fs_root root;
	struct bx_fs_stat st;
	uint8_t *top, *pointer, *child;
	uint64_t last;
	unsigned length;

	path_to_last(1, &path);
	last = fs->root.next_inode - 1;
	ck_assert_int_eq(bx_fs_unmount(fs), BX_OK);
	root = fs->committed;
	top = disk.bytes + root.tree.pointer.address * BX_FS_BLOCK;
	pointer = top + (bx_fsi_node_value(top, bx_fsi_node_count(top) - 1, &length) - top);
	child = disk.bytes + bx_get_le64(pointer) * BX_FS_BLOCK;
	bx_put_le64(child + 16, root.generation + 1);
	sum_node(&root, bx_get_le64(pointer), root.generation + 1, pointer);
	remount_with(&root);
	ck_assert_int_eq(bx_fs_set_attr(fs, BX_FS_ROOT, "a", 1, "b", 1, 1), BX_ERR_CORRUPT);
	ck_assert_int_eq(bx_fs_stat(fs, last, &st), BX_ERR_CORRUPT);
	fs->failed = true;
}
END_TEST

/* A leaf that is in a place that the map called free: joined with its neighbour, it would be given its own place. */
START_TEST(neighbours_in_free_places)
{
	struct fs_path path;
	struct fs_key key;
	struct fs_slot *s;
	uint8_t *neighbour, *pointer, *leaf;
	uint32_t slot;

	path_to_last(1, &path);
	pointer = bx_fsi_node_value_of(fs, path.slot[0], path.index[0] - 1);
	slot = bx_fsi_cache_find(fs, bx_get_le64(pointer));
	ck_assert_uint_ne(slot, FS_NO_SLOT);
	neighbour = bx_fsi_block(fs, slot);
	leaf = bx_fsi_block(fs, path.slot[1]);
	while (bx_fsi_node_count(neighbour) > 4)
		bx_fsi_node_remove(neighbour, 0);
	ck_assert_uint_gt(fs->pool_count, 0);
	bx_fsi_cache_rekey(fs, slot, fs->pool[fs->pool_count - 1]);
	s = &fs->slots[slot];
	s->generation = fs->current - 1;
	bx_put_le64(pointer, s->address);
	bx_put_le64(pointer + 8, s->generation);
	while (bx_fsi_node_count(leaf) > 1) {
		bx_fsi_node_copy_key(leaf, 1, &key);
		ck_assert_int_eq(bx_fsi_tree_delete(fs, &key), BX_OK);
	}
	ck_assert_uint_eq(bx_fsi_cache_find(fs, s->address), slot);
	fs->failed = true;
}
END_TEST

/* One block a level, which every item of the one above leads to: more ways than there is time. */
START_TEST(more_ways_than_blocks)
{
	struct progress p;
	uint64_t below, generation;
	struct fs_root root;

	ck_assert_int_eq(bx_fs_unmount(fs), BX_OK);
	root = fs->committed;
	below = root.tree.pointer.address;
	generation = root.tree.pointer.generation;
	for (unsigned level = 1; level < FS_LEVELS; level++) {
		uint64_t address = root.blocks / 2 + level;
		uint8_t *node = disk.bytes + address * BX_FS_BLOCK, pointer[24], key[2] = { (uint8_t)(level << 4), 0 };

		bx_fsi_node_init(node, level, address, generation);
		sum_node(&root, below, generation, pointer);
		for (unsigned i = 0; i < 120; i++, key[1]++)
			bx_fsi_node_insert(node, i, key, i == 0 ? 0 : 2, pointer, sizeof pointer);
		below = address;
	}
	root.tree.pointer.address = below;
	root.tree.level = FS_LEVELS - 1;
	remount_with(&root);
	ck_assert_uint_lt(check_all(&p), 2000);
	ck_assert((p.kinds & 1u << BX_FS_SHARED) != 0);
	fs->failed = true;
}
END_TEST

/* The same above: what is there now is content of a file, which is not a node, however much it looks like the one
 * that is there no more, and does not get the checksum of a leaf. */
START_TEST(parents_that_are_no_more)
{
	static const uint8_t sum[FS_SUM_MAX];
	struct fs_path path;
	uint8_t *top;
	uint32_t data;

	path_to_last(2, &path);
	ck_assert_int_eq(bx_fsi_tree_store_sum(fs, path.slot[2], sum), BX_OK);
	ck_assert_int_eq(bx_fsi_cache_take(fs, 1, FS_KIND_DATA, &data), BX_OK);
	memcpy(bx_fsi_block(fs, data), bx_fsi_block(fs, path.slot[1]), BX_FS_BLOCK);
	top = bx_fsi_node_value_of(fs, path.slot[0], path.index[0]);
	bx_put_le64(top, 1);
	ck_assert_int_eq(bx_fsi_tree_store_sum(fs, path.slot[2], sum), BX_ERR_CORRUPT);
	fs->failed = true;
}
END_TEST

/* A leaf in memory begins below what its parent says: it is asked, as the one that was used last, and knows of no
 * extent where the way from the root leads to one.  That is neither a hole nor the extent that was read before. */
START_TEST(extents_in_two_minds)
{
	const uint64_t far = UINT64_C(1) << 40;
	uint64_t file = make(BX_FS_ROOT, "file", BX_FS_FILE);
	struct fs_path path;
	unsigned length;
	uint8_t *leaf, *first;
	char name[16];
	size_t done;

	/* So many that the file is not in the last leaf. */
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "before-%u", i);
		make(BX_FS_ROOT, name, BX_FS_FILE);
	}
	put(file, far, bytes, 2 * BX_FS_BLOCK);
	path_to_last(1, &path);
	ck_assert_int_eq(bx_fs_read(fs, file, 0, bytes, 1, &done), BX_OK);
	path.depth = 2;
	bx_fsi_finger_set(fs, &path);
	leaf = bx_fsi_block(fs, path.slot[1]);
	first = leaf + (bx_fsi_node_key(leaf, 0, &length) - leaf);
	bx_put_be64(first, file);
	first[8] = FS_KEY_ATTR;
	ck_assert_int_eq(bx_fs_read(fs, file, far, bytes, BX_FS_BLOCK, &done), BX_ERR_CORRUPT);
	ck_assert_uint_eq(done, 1);
	fs->failed = true;
}
END_TEST

/* ---- decoders alone ----------------------------------------------------------------------- */

START_TEST(map_nodes_that_cannot_be)
{
	static uint8_t map[BX_FS_BLOCK], changed[BX_FS_BLOCK];
	static const uint16_t at[] = { 0, 4, 8, 14, 16, 24 };

	memcpy(map, disk.bytes + (2 + (size_t)fs->root.map_side) * BX_FS_BLOCK, sizeof map);
	ck_assert_int_eq(bx_fsi_map_check(fs, map, 0, 2 + fs->root.map_side, fs->root.map_generation), BX_OK);
	for (size_t i = 0; i < BX_ARRAY_COUNT(at); i++) {
		memcpy(changed, map, sizeof map);
		changed[at[i]] ^= 1;
		ck_assert_int_eq(bx_fsi_map_check(fs, changed, 0, 2 + fs->root.map_side, fs->root.map_generation),
		    BX_ERR_CORRUPT);
	}
}
END_TEST

/* A log record of one operation with one thing wrong is damage, however right its checksum is. */
START_TEST(operations_that_cannot_be)
{
	static const struct {
		enum fs_log_code code;
		uint64_t field[6];
		const char *first;
		size_t length;
		const char *second;	/* of one byte, or NULL */
	} bad[] = {
		{ FS_LOG_CREATE, { 1, 99, 1, 0, 0644 | BX_FS_FILE << 16 | UINT64_C(1) << 32 }, "n", 1, NULL },	/* number */
		{ FS_LOG_CREATE, { 1, 2, 1, 0, 0644 | BX_FS_FILE << 16 }, "name", 4, NULL },	/* length */
		{ FS_LOG_UNLINK, { 1, 1, UINT64_C(1) << 32 }, "file", 4, NULL },
		{ FS_LOG_RENAME, { 1, 1, 1, UINT64_C(1) << 32 }, "file", 4, "n" },
		{ FS_LOG_WRITE, { 2, 0, 1 }, "", 0, NULL },
		{ FS_LOG_WRITE, { 99, 0, 1 }, "x", 1, NULL },
		{ FS_LOG_MAP, { 2, 0, 100, 2, 4096, 1 }, "", 0, NULL },		/* no blocks */
		{ FS_LOG_MAP, { 2, 0, 100, 2, 4096, 1 }, "1234567", 7, NULL },	/* part of one */
		{ FS_LOG_MAP, { 2, 0, 100, 1, 4096, 1 }, "12345678", 8, NULL },	/* generation */
		{ FS_LOG_MAP, { 2, 0, 0, 2, 4096, 1 }, "12345678", 8, NULL },		/* place */
		{ FS_LOG_MAP, { 2, BX_FS_SIZE_MAX, 100, 2, 4096, 1 }, "12345678", 8, NULL },
		{ FS_LOG_MAP, { 2, 0, 100, 2, BX_FS_SIZE_MAX + 1, 1 }, "12345678", 8, NULL },
		{ FS_LOG_SET, { 2, 1, BX_FS_SET_MODE | UINT64_C(010000) << 32 }, "", 0, NULL },
		{ FS_LOG_SET, { 2, 1, 0 }, "", 0, NULL },
		{ FS_LOG_TRUNCATE, { 99, 1, 1 }, "", 0, NULL },
		{ FS_LOG_PUNCH, { 99, 1, 1, 1 }, "", 0, NULL },
		{ FS_LOG_REMOVE_ATTR, { 99, 1 }, "a", 1, NULL },
		{ FS_LOG_FORGET, { 99 }, "", 0, NULL },
	};
	struct bx_fs_config config = config_of(&disk);
	struct fs_log_entry entry = {
		.first = bad[_i].first, .first_length = bad[_i].length,
		.second = bad[_i].second, .second_length = bad[_i].second != NULL,
	};
	struct bx_fs *out = NULL;

	ck_assert_uint_eq(make(BX_FS_ROOT, "file", BX_FS_FILE), 2);
	ck_assert_int_eq(bx_fs_unmount(fs), BX_OK);
	remount();
	ck_assert_int_eq(bx_fs_stat(fs, 2, &(struct bx_fs_stat){ .inode = 0 }), BX_OK);
	memcpy(entry.field, bad[_i].field, sizeof entry.field);
	if (bad[_i].code == FS_LOG_MAP && entry.field[3] == 2)
		entry.field[3] = fs->current;
	bx_fsi_log_restart(fs, true);
	bx_fsi_log_add(fs, bad[_i].code, &entry);
	ck_assert_int_eq(bx_fsi_log_commit(fs), BX_OK);
	config.arena = other_arena;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_CORRUPT);
	config.flags = BX_FS_MOUNT_READ_ONLY;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_CORRUPT);
	ck_assert_ptr_null(out);
	/* What the log says is gone with the next root. */
	fs->changed = true;
	ck_assert_int_eq(bx_fs_unmount(fs), BX_OK);
	remount();
}
END_TEST

void
add_refusals(TCase *tc)
{
	tcase_add_test(tc, ranges_and_empty_requests);
	tcase_add_test(tc, names_with_dots);
	tcase_add_test(tc, attribute_names_and_masks);
	tcase_add_test(tc, verify_goes_on);
	tcase_add_test(tc, mount_and_format_refuse_the_configuration);
	tcase_add_test(tc, check_says_what_it_needs);
	tcase_add_loop_test(tc, extents_that_cannot_be, 0, 8);
	tcase_add_loop_test(tc, inodes_that_cannot_be, 0, 6);
	tcase_add_test(tc, counts_of_links_that_cannot_be);
	tcase_add_test(tc, entries_that_cannot_be);
	tcase_add_test(tc, inline_content_that_cannot_be);
	tcase_add_test(tc, orphans_that_cannot_be);
	tcase_add_loop_test(tc, check_finds_what_cannot_be, 0, 28);
	tcase_add_test(tc, items_that_overlap);
	tcase_add_test(tc, neighbours_that_are_no_more);
	tcase_add_test(tc, children_that_are_not_born);
	tcase_add_test(tc, neighbours_in_free_places);
	tcase_add_test(tc, more_ways_than_blocks);
	tcase_add_test(tc, parents_that_are_no_more);
	tcase_add_test(tc, extents_in_two_minds);
	tcase_add_test(tc, map_nodes_that_cannot_be);
	tcase_add_loop_test(tc, operations_that_cannot_be, 0, 18);
}
