/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* test_fs_mount.c -- making and mounting volumes, what they tell of themselves. */
#include "test_fs.h"

START_TEST(format_refuses_bad_options)
{
	struct bx_fs_format good = { .hash = BX_FS_HASH_XXH64, .mode = 0755 }, f;
	struct disk d;

	disk_init(&d, 1u << 20, 512);
	f = good;
	f.hash = (enum bx_fs_hash)3;
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_ERR_INVALID);
	f = good;
	f.mode = 010000;
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_ERR_INVALID);
	f = good;
	f.label = "12345678901234567890123456789012";
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_ERR_INVALID);
	f = good;
	f.log_blocks = BX_FS_LOG_MAX + 1;
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_ERR_INVALID);
	f = good;
	f.arena_bytes = 10000;
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_ERR_INVALID);
	f = good;
	f.log_blocks = BX_FS_LOG_MAX;
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_OK);
	d.device.size_bytes = BX_FS_BLOCKS_MIN * BX_FS_BLOCK;
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_OK);
	d.device.size_bytes = 127 * BX_FS_BLOCK;
	ck_assert_int_eq(bx_fs_format(&d.device, &good, other_arena, sizeof other_arena), BX_ERR_RANGE);
	d.device.size_bytes = 190 * BX_FS_BLOCK;
	ck_assert_int_eq(bx_fs_format(&d.device, &good, other_arena, 65535), BX_ERR_NO_MEMORY);
	d.device.sector_bytes = 1024;
	ck_assert_int_eq(bx_fs_format(&d.device, &good, other_arena, sizeof other_arena), BX_ERR_INVALID);
	d.device.sector_bytes = 512;
	d.device.flush = NULL;
	ck_assert_int_eq(bx_fs_format(&d.device, &good, other_arena, sizeof other_arena), BX_ERR_INVALID);
	disk_free(&d);
}
END_TEST

/* Every device call of a format fails in turn: an error, and no volume. */
START_TEST(format_passes_failures_up)
{
	struct bx_fs_format f = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };

	for (int64_t n = 0; n < 18; n++) {
		struct disk d;

		disk_init(&d, 1u << 20, 512);
		if (_i == 0)
			d.fail_write = n;
		else
			d.fail_flush = n;
		if (bx_fs_format(&d.device, &f, other_arena, sizeof other_arena) == BX_OK) {
			ck_assert_int_ge(n, _i == 0 ? 14 : 3);
		} else {
			struct bx_fs_config config = config_of(&d);
			struct bx_fs *other;

			d.fail_write = d.fail_flush = -1;
			if (_i == 0 && n < 12)
				ck_assert_int_ne(bx_fs_mount(&config, &other), BX_OK);
		}
		disk_free(&d);
	}
}
END_TEST

/* Records of a volume that was there before count for nothing, even if all else is the
 * same. */
START_TEST(fs3_format_forgets_the_log)
{
	struct bx_fs_format f = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };
	struct bx_fs_config config;
	struct disk d;
	struct bx_fs *v;
	uint64_t inode;

	disk_init(&d, 1u << 20, 512);
	config = config_of(&d);
	for (unsigned turn = 0; turn < 2; turn++) {
		ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_OK);
		ck_assert_int_eq(bx_fs_mount(&config, &v), BX_OK);
		ck_assert_int_eq(bx_fs_create(v, BX_FS_ROOT, "a", 1, BX_FS_FILE, owner, 1, &inode), BX_OK);
		ck_assert_int_eq(bx_fs_sync(v), BX_OK);
		if (turn == 1)
			break;
		ck_assert_int_eq(bx_fs_create(v, BX_FS_ROOT, "b", 1, BX_FS_FILE, owner, 1, &inode), BX_OK);
		ck_assert_int_eq(bx_fs_sync(v), BX_OK);
		ck_assert_uint_eq(v->log_records, 1);
	}
	ck_assert_int_eq(bx_fs_mount(&config, &v), BX_OK);
	ck_assert_int_eq(bx_fs_lookup(v, BX_FS_ROOT, "a", 1, &inode), BX_OK);
	ck_assert_int_eq(bx_fs_lookup(v, BX_FS_ROOT, "b", 1, &inode), BX_ERR_NOT_FOUND);
	disk_free(&d);
}
END_TEST

/* A volume of many map leaves: two levels of map, on a device that is mostly not there. */
START_TEST(map_of_two_levels)
{
	struct bx_fs_format f = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };
	struct bx_fs_config config;
	static uint8_t bytes[65536];
	struct disk d;
	struct bx_fs *big;
	uint32_t slot;
	uint64_t inode, at = 0;
	size_t done;
	enum bx_err err;

	disk_init(&d, 160u << 20, 512);
	config = config_of(&d);
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_OK);
	ck_assert_int_eq(bx_fs_mount(&config, &big), BX_OK);
	ck_assert_uint_eq(big->shape.levels, 2);
	ck_assert_int_eq(bx_fs_create(big, BX_FS_ROOT, "f", 1, BX_FS_FILE, owner, 1, &inode), BX_OK);
	do {
		err = bx_fs_write(big, inode, at, bytes, sizeof bytes, 1, &done);
		if (err == BX_OK)
			at += done;
	} while (err == BX_OK);
	ck_assert_int_eq(err, BX_ERR_FS_FULL);
	ck_assert_uint_gt(at, 158u << 20);
	volume_must_check(big);
	do {
		err = bx_fs_truncate(big, inode, 4096, 2);
	} while (err == BX_ERR_AGAIN);
	ck_assert_int_eq(err, BX_OK);
	volume_must_check(big);
	ck_assert_int_eq(bx_fs_unmount(big), BX_OK);
	ck_assert_int_eq(bx_fs_mount(&config, &big), BX_OK);
	volume_must_check(big);
	/* The index says that nothing is free in its second leaf: nothing would be found there. */
	ck_assert_int_eq(bx_fsi_mark(big, FS_MAP_BITS + 9, 1, true), BX_OK);
	ck_assert_int_eq(bx_fsi_mark(big, FS_MAP_BITS + 9, 1, false), BX_OK);
	ck_assert_int_eq(bx_fsi_map_load(big, 1, 0, &slot), BX_OK);
	bx_put_le32(bx_fsi_block(big, slot) + FS_MAP_HEAD + FS_MAP_ENTRY + 8, 0);
	ck_assert_uint_eq(volume_check(big, false), 1);
	disk_free(&d);
}
END_TEST

/* A device of many gigabytes of which only both ends exist: the rest is never looked at. */
static uint8_t ends[2][1u << 20];

static uint8_t *
end_of(uint64_t offset, size_t length)
{
	uint64_t size = UINT64_C(87) * FS_MAP_BITS * BX_FS_BLOCK;

	if (offset + length <= sizeof ends[0])
		return ends[0] + offset;
	return offset >= size - sizeof ends[1] ? ends[1] + (offset - (size - sizeof ends[1])) : NULL;
}

static enum bx_err
ends_read(void *context, uint64_t offset, void *to, size_t length)
{
	const uint8_t *from = end_of(offset, length);

	(void)context;
	if (from == NULL)
		return BX_ERR_IO;
	memcpy(to, from, length);
	return BX_OK;
}

static enum bx_err
ends_write(void *context, uint64_t offset, const void *from, size_t length)
{
	uint8_t *to = end_of(offset, length);

	(void)context;
	if (to == NULL)
		return BX_ERR_IO;
	memcpy(to, from, length);
	return BX_OK;
}

/* A map of three levels, the first nodes full: what is free is found from every place, and the search
 * goes around the end. */
START_TEST(map_of_three_levels)
{
	struct bx_fs_format f = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };
	struct bx_fs_device device = disk.device;
	struct bx_fs_config config = { .device = &device, .arena = other_arena, .arena_bytes = 65536 };
	struct bx_fs *big;
	struct fs_run run;
	uint64_t leaves;

	device.read = ends_read;
	device.write = ends_write;
	device.size_bytes = UINT64_C(87) * FS_MAP_BITS * BX_FS_BLOCK;
	ck_assert_int_eq(bx_fs_format(&device, &f, other_arena, sizeof other_arena), BX_OK);
	ck_assert_int_eq(bx_fs_mount(&config, &big), BX_OK);
	ck_assert_uint_eq(big->shape.levels, 3);
	leaves = big->shape.count[0];
	ck_assert_uint_eq(leaves, 87);
	/* All leaves but the second and the last are taken, each by one run. */
	for (uint64_t leaf = 0; leaf < leaves; leaf++) {
		if (leaf == 1 || leaf == leaves - 1)
			continue;
		big->op++;
		big->root.data_hint = leaf * FS_MAP_BITS;
		while (big->root.data_hint / FS_MAP_BITS == leaf) {
			ck_assert_int_eq(bx_fsi_alloc_run(big, FS_MAP_BITS, &run), BX_OK);
			if (run.address / FS_MAP_BITS == leaf)
				continue;
			ck_assert_int_eq(bx_fsi_mark(big, run.address, run.count, false), BX_OK);
			break;
		}
	}
	for (uint64_t from = 0; from < leaves; from++) {
		big->op++;
		big->root.data_hint = from * FS_MAP_BITS;
		ck_assert_int_eq(bx_fsi_alloc_run(big, 10, &run), BX_OK);
		ck_assert_uint_eq(run.count, 10);
		ck_assert_uint_eq(run.address / FS_MAP_BITS, from < 2 ? 1 : leaves - 1);
		ck_assert_int_eq(bx_fsi_mark(big, run.address, run.count, false), BX_OK);
	}
}
END_TEST

START_TEST(mount_says_why_not)
{
	struct bx_fs_config config = config_of(&disk);
	struct bx_fs *out = fs;
	struct disk d;

	config.arena_bytes = 65535;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_NO_MEMORY);
	config = config_of(&disk);
	config.flags = 4;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_INVALID);
	config = config_of(&disk);
	config.arena = arena + 1;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_INVALID);
	config = config_of(&disk);
	disk.device.size_bytes = 2u << 20;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_RANGE);
	disk.device.size_bytes = 4096;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_FORMAT);
	disk_init(&d, 1u << 20, 512);
	config = config_of(&d);
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_FORMAT);
	/* A later version is not mistaken for damage. */
	for (unsigned slot = 0; slot < 4; slot++) {
		uint8_t *record = d.bytes + (slot < 2 ? slot : 252 + slot) * BX_FS_BLOCK;

		memcpy(record, "BXFSROOT", 8);
		record[8] = 2;
	}
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_VERSION);
	ck_assert_ptr_eq(out, fs);
	disk.device.size_bytes = disk.size;
	remount();
	disk_free(&d);
}
END_TEST

/* A volume that was formatted for more memory is not mounted with less. */
START_TEST(mount_needs_the_arena_of_the_format)
{
	struct bx_fs_format f = { .hash = BX_FS_HASH_XXH64, .mode = 0755, .arena_bytes = sizeof arena };
	struct bx_fs_config config;
	struct bx_fs *out;
	struct disk d;

	disk_init(&d, 1u << 20, 4096);
	config = config_of(&d);
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_OK);
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_NO_MEMORY);
	config.arena_bytes = sizeof arena;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_OK);
	disk_free(&d);
	remount();
}
END_TEST

/* A mount that never changes anything keeps what it uses: a walk through more leaves than fit reads each about
 * once, and the nodes above them not again and again. */
START_TEST(a_read_only_mount_keeps_what_it_uses)
{
	struct bx_fs_config config = config_of(&disk);
	struct bx_fs_counters counters;
	uint64_t inode, leaves;
	char name[200];

	for (unsigned i = 0; i < 400; i++) {
		snprintf(name, sizeof name, "%04u%*s", i, 150, "x");
		(void)make(BX_FS_ROOT, name, BX_FS_FILE);
	}
	ck_assert_int_eq(bx_fs_unmount(fs), BX_OK);
	config.flags = BX_FS_MOUNT_READ_ONLY;
	ck_assert_int_eq(bx_fs_mount(&config, &fs), BX_OK);
	ck_assert_uint_gt(fs->root.tree.level, 0);
	leaves = 400 * (sizeof name + 64) / BX_FS_BLOCK;
	ck_assert_uint_gt(leaves, fs->slot_count);
	for (unsigned i = 0; i < 400; i++) {
		snprintf(name, sizeof name, "%04u%*s", i, 150, "x");
		ck_assert_int_eq(bx_fs_lookup(fs, BX_FS_ROOT, name, strlen(name), &inode), BX_OK);
		ck_assert_int_eq(bx_fs_lookup(fs, BX_FS_ROOT, "0000", 4, &inode), BX_ERR_NOT_FOUND);
	}
	bx_fs_get_counters(fs, &counters);
	ck_assert_uint_le(counters.misses, 2 * leaves);
	remount();
}
END_TEST

START_TEST(info_and_counters_tell)
{
	struct bx_fs_info info;
	struct bx_fs_counters counters;

	bx_fs_get_info(fs, &info);
	ck_assert_str_eq(info.label, "test");
	ck_assert_uint_eq(info.blocks, 1024);
	ck_assert_uint_eq(info.inodes, 1);
	ck_assert_uint_eq(info.generation, 2);
	make(BX_FS_ROOT, "a", BX_FS_FILE);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	make(BX_FS_ROOT, "b", BX_FS_FILE);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	bx_fs_get_counters(fs, &counters);
	ck_assert_uint_eq(counters.commits_root, 1);
	ck_assert_uint_eq(counters.commits_log, 1);
	bx_fs_get_info(fs, &info);
	ck_assert_uint_eq(info.log_records, 1);
	ck_assert_uint_eq(info.inodes, 3);
}
END_TEST

/* FS-8: what a small durable change costs. */
START_TEST(fs8_a_durable_append_is_small)
{
	uint64_t inode = make(BX_FS_ROOT, "log", BX_FS_FILE), before, flushes;

	put(inode, 0, arena, 5000);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	before = disk.bytes_written;
	flushes = disk.flushes;
	put(inode, 5000, "x", 1);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	ck_assert_uint_eq(disk.bytes_written - before, 1024);
	ck_assert_uint_eq(disk.flushes - flushes, 1);
}
END_TEST

/* FS-8: what is durable already costs nothing, whatever else is not. */
START_TEST(fs8_a_file_that_did_not_change_is_not_synced)
{
	uint64_t quiet = make(BX_FS_ROOT, "quiet", BX_FS_FILE), busy = make(BX_FS_ROOT, "busy", BX_FS_FILE), before, flushes;
	struct bx_fs_stat st;

	/* One that cannot be told from another is no use here. */
	ck_assert_uint_ne(quiet % 64, busy % 64);
	put(quiet, 0, arena, 5000);
	ck_assert_int_eq(bx_fs_sync_file(fs, quiet), BX_OK);
	put(busy, 0, "x", 1);
	before = disk.bytes_written;
	flushes = disk.flushes;
	ck_assert_int_eq(bx_fs_sync_file(fs, quiet), BX_OK);
	ck_assert_uint_eq(disk.bytes_written, before);
	ck_assert_uint_eq(disk.flushes, flushes);
	ck_assert_int_eq(bx_fs_sync_file(fs, busy), BX_OK);
	ck_assert_uint_gt(disk.flushes, flushes);
	/* A power cut: what was synced is there. */
	remount();
	ck_assert_int_eq(bx_fs_stat(fs, busy, &st), BX_OK);
	ck_assert_uint_eq(st.size, 1);
	ck_assert_int_eq(bx_fs_begin(fs), BX_OK);
	ck_assert_int_eq(bx_fs_sync_file(fs, quiet), BX_ERR_STATE);
	put(quiet, 0, "y", 1);
	ck_assert_int_eq(bx_fs_abort(fs), BX_OK);
	before = disk.bytes_written;
	ck_assert_int_eq(bx_fs_sync_file(fs, quiet), BX_OK);
	ck_assert_uint_eq(disk.bytes_written, before);
	/* Each kind of change makes the file one that has to be synced. */
	for (unsigned kind = 0; kind < 6; kind++) {
		const struct bx_fs_stat values = { .mode = 0600 };
		enum bx_err err = BX_OK;

		if (kind == 0)
			err = bx_fs_truncate(fs, quiet, 100, 5);
		else if (kind == 1)
			err = bx_fs_punch(fs, quiet, 5, 6, 5);
		else if (kind == 2)
			err = bx_fs_set_stat(fs, quiet, BX_FS_SET_MODE, &values, 5);
		else if (kind == 3)
			err = bx_fs_set_attr(fs, quiet, "a", 1, "b", 1, 5);
		else if (kind == 4)
			err = bx_fs_link(fs, quiet, BX_FS_ROOT, "again", 5, 5);
		else
			err = bx_fs_rename(fs, BX_FS_ROOT, "quiet", 5, BX_FS_ROOT, "moved", 5, 0, 5);
		ck_assert_int_eq(err, BX_OK);
		flushes = disk.flushes;
		ck_assert_int_eq(bx_fs_sync_file(fs, quiet), BX_OK);
		ck_assert_uint_gt(disk.flushes, flushes);
	}
	/* A commit that failed is not forgotten because the file is another one. */
	put(busy, 0, "z", 1);
	disk.fail_flush = 0;
	ck_assert_int_eq(bx_fs_sync_file(fs, busy), BX_ERR_IO);
	disk.fail_flush = -1;
	ck_assert_int_eq(bx_fs_sync_file(fs, quiet), BX_ERR_FS_FAILED);
	remount();
}
END_TEST

/* An empty volume where a damaged one was. */
static void
reformat(void)
{
	const struct bx_fs_format format = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };

	ck_assert_int_eq(bx_fs_format(&disk.device, &format, arena, sizeof arena), BX_OK);
	remount();
}

/* Both copies of the newest root are gone, or the log has a hole: refused, and then salvaged: all of an earlier state. */
START_TEST(fs1_salvage_shows_an_earlier_state)
{
	struct bx_fs_config config = config_of(&disk);
	uint64_t first = make(BX_FS_ROOT, "first", BX_FS_FILE), inode;
	struct bx_fs_info info;
	struct bx_fs *out = NULL;
	char text[8] = "";
	size_t done;

	put(first, 0, "one", 3);
	ck_assert_int_eq(bx_fsi_commit_root(fs), BX_OK);
	(void)make(BX_FS_ROOT, "second", BX_FS_FILE);
	ck_assert_int_eq(bx_fsi_commit_root(fs), BX_OK);
	for (unsigned copy = 0; copy < 2; copy++)
		memset(disk.bytes + bx_fsi_root_block(fs->root.blocks, (unsigned)(fs->committed.generation & 1) + 2 * copy) *
		    BX_FS_BLOCK, 0x55, 512);
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_CORRUPT);
	ck_assert_ptr_null(out);
	config.flags = BX_FS_MOUNT_SALVAGE;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_OK);
	bx_fs_get_info(out, &info);
	ck_assert(info.read_only);
	ck_assert_uint_eq(info.generation, 3);
	ck_assert_int_eq(bx_fs_lookup(out, BX_FS_ROOT, "second", 6, &inode), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_fs_read(out, first, 0, text, sizeof text, &done), BX_OK);
	ck_assert_str_eq(text, "one");
	ck_assert_int_eq(bx_fs_unlink(out, BX_FS_ROOT, "first", 5, 0, 1), BX_ERR_FS_READ_ONLY);
	/* No root at all is still none. */
	for (unsigned slot = 0; slot < FS_ROOT_SLOTS; slot++)
		disk.bytes[bx_fsi_root_block(info.blocks, slot) * BX_FS_BLOCK + 40] ^= 1;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_CORRUPT);
	reformat();
	/* A hole in the log. */
	first = make(BX_FS_ROOT, "first", BX_FS_FILE);
	ck_assert_int_eq(bx_fsi_commit_root(fs), BX_OK);
	for (unsigned i = 0; i < 3; i++) {
		put(first, i, "x", 1);
		ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	}
	for (unsigned copy = 0; copy < 2; copy++)
		memset(disk.bytes + (copy == 0 ? 2 + 2 * fs->shape.nodes : fs->root.blocks - 2 - fs->root.log_blocks) *
		    BX_FS_BLOCK, 0x55, 512);
	config.flags = 0;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_CORRUPT);
	config.flags = BX_FS_MOUNT_SALVAGE;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_OK);
	ck_assert_int_eq(bx_fs_read(out, first, 0, text, sizeof text, &done), BX_OK);
	ck_assert_uint_eq(done, 0);
	reformat();
}
END_TEST

void
add_mount(TCase *tc)
{
	tcase_add_test(tc, fs8_a_file_that_did_not_change_is_not_synced);
	tcase_add_test(tc, fs1_salvage_shows_an_earlier_state);
	tcase_add_test(tc, format_refuses_bad_options);
	tcase_add_loop_test(tc, format_passes_failures_up, 0, 2);
	tcase_add_test(tc, fs3_format_forgets_the_log);
	tcase_add_test(tc, map_of_two_levels);
	tcase_add_test(tc, map_of_three_levels);
	tcase_add_test(tc, mount_says_why_not);
	tcase_add_test(tc, mount_needs_the_arena_of_the_format);
	tcase_add_test(tc, a_read_only_mount_keeps_what_it_uses);
	tcase_add_test(tc, info_and_counters_tell);
	tcase_add_test(tc, fs8_a_durable_append_is_small);
}
