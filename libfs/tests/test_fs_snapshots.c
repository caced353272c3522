/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* test_fs_snapshots.c -- snapshots: the contract of each call, damage in what only they have, what differs. */
#include "suite.h"

#include "../src/fs-internal.h"

static uint8_t arena[1u << 18] __attribute__((aligned(16)));
static uint8_t shown_arena[1u << 18] __attribute__((aligned(16)));
static struct disk disk;
static struct bx_fs *fs;
static const struct bx_fs_owner owner = { .uid = 1, .gid = 2, .mode = 0640 };
static uint8_t bytes[65536];

static struct bx_fs_config
config_of(void *memory, const char *snapshot)
{
	return (struct bx_fs_config){
		.device = &disk.device,
		.arena = memory,
		.arena_bytes = 65536,
		.snapshot = snapshot,
	};
}

static void
mount(void)
{
	struct bx_fs_config config = config_of(arena, NULL);

	ck_assert_int_eq(bx_fs_mount(&config, &fs), BX_OK);
}

static enum bx_err
show(const char *name, struct bx_fs **out)
{
	struct bx_fs_config config = config_of(shown_arena, name);

	return bx_fs_mount(&config, out);
}

static void
setup(void)
{
	struct bx_fs_format format = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };

	memset(bytes, 'b', sizeof bytes);
	disk_init(&disk, 16u << 20, 512);
	ck_assert_int_eq(bx_fs_format(&disk.device, &format, arena, sizeof arena), BX_OK);
	mount();
}

static void
teardown(void)
{
	volume_end(fs, &disk);
}

static uint64_t
make(const char *name, size_t length)
{
	uint64_t inode;
	size_t done;

	ck_assert_int_eq(bx_fs_create(fs, BX_FS_ROOT, name, strlen(name), BX_FS_FILE, owner, 1, &inode),
	    BX_OK);
	for (size_t at = 0; at < length; at += done)
		ck_assert_int_eq(bx_fs_write(fs, inode, at, bytes, length - at < sizeof bytes ? length - at :
		    sizeof bytes, 1, &done), BX_OK);
	return inode;
}

static enum bx_err
snap(const char *name)
{
	return bx_fs_snapshot_create(fs, name, strlen(name), 7);
}

static void
tidy_all(void)
{
	enum bx_err err;

	do {
		err = bx_fs_tidy(fs);
	} while (err == BX_ERR_AGAIN);
	ck_assert_int_eq(err, BX_OK);
}

static uint64_t
free_blocks(void)
{
	struct bx_fs_info info;

	bx_fs_get_info(fs, &info);
	return info.blocks_free;
}

START_TEST(names_are_checked)
{
	char longest[BX_FS_SNAPSHOT_NAME_MAX + 2];
	struct bx_fs_snapshot s;
	struct bx_fs *shown = NULL;

	memset(longest, 'n', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	ck_assert_int_eq(snap(""), BX_ERR_FS_NAME);
	ck_assert_int_eq(snap("a/b"), BX_ERR_FS_NAME);
	ck_assert_int_eq(bx_fs_snapshot_create(fs, "a\0b", 3, 1), BX_ERR_FS_NAME);
	ck_assert_int_eq(snap(longest), BX_ERR_FS_NAME);
	ck_assert_int_eq(show(longest, &shown), BX_ERR_FS_NAME);
	longest[sizeof longest - 2] = '\0';
	ck_assert_int_eq(snap(longest), BX_OK);
	ck_assert_int_eq(snap(longest), BX_ERR_EXISTS);
	ck_assert_int_eq(show(longest, &shown), BX_OK);
	ck_assert_int_eq(show("none", &shown), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(show("", &shown), BX_ERR_FS_NAME);
	ck_assert_int_eq(bx_fs_snapshot_remove(fs, "none", 4), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_fs_snapshot_rollback(fs, "none", 4), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_fs_snapshot_remove(fs, "", 0), BX_ERR_FS_NAME);
	ck_assert_int_eq(bx_fs_snapshot_next(fs, 0, &s), BX_OK);
	ck_assert_str_eq(s.name, longest);
	ck_assert_uint_eq(s.time_ns, 7);
	ck_assert_int_eq(bx_fs_snapshot_next(fs, s.generation, &s), BX_ERR_NOT_FOUND);
}
END_TEST

START_TEST(there_is_a_last_one)
{
	struct bx_fs_info info;
	char name[16];

	for (unsigned i = 0; i < BX_FS_SNAPSHOTS_MAX; i++) {
		snprintf(name, sizeof name, "s%u", i);
		make(name, 5000);
		ck_assert_int_eq(snap(name), BX_OK);
	}
	ck_assert_int_eq(snap("more"), BX_ERR_NO_MEMORY);
	bx_fs_get_info(fs, &info);
	ck_assert_uint_eq(info.snapshots, BX_FS_SNAPSHOTS_MAX);
	/* The one place more is for what a rollback leaves. */
	make("new", 5000);
	ck_assert_int_eq(bx_fs_snapshot_rollback(fs, "s27", 3), BX_OK);
	ck_assert_int_eq(bx_fs_snapshot_rollback(fs, "s27", 3), BX_ERR_NO_MEMORY);
	bx_fs_get_info(fs, &info);
	ck_assert(info.removing);
	tidy_all();
	bx_fs_get_info(fs, &info);
	ck_assert(!info.removing);
	ck_assert_int_eq(bx_fs_snapshot_rollback(fs, "s3", 2), BX_OK);
	bx_fs_get_info(fs, &info);
	ck_assert_uint_eq(info.snapshots, 4);
	tidy_all();
	for (unsigned i = 0; i < 4; i++) {
		snprintf(name, sizeof name, "s%u", i);
		ck_assert_int_eq(bx_fs_snapshot_remove(fs, name, strlen(name)), BX_OK);
	}
	mount();
	tidy_all();
}
END_TEST

/* FS-9: all space comes back. */
START_TEST(fs9_what_was_kept_comes_free)
{
	uint64_t at_first = free_blocks(), inode;

	inode = make("file", 3000000);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	ck_assert_int_eq(snap("a"), BX_OK);
	for (unsigned i = 0; i < 200; i++) {
		size_t done;

		ck_assert_int_eq(bx_fs_write(fs, inode, (uint64_t)i * 12288, bytes, 4096, 2, &done), BX_OK);
	}
	ck_assert_int_eq(snap("b"), BX_OK);
	ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, "file", 4, 0, 3), BX_OK);
	tidy_all();
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	ck_assert_uint_lt(free_blocks() + 700, at_first);
	ck_assert_int_eq(bx_fs_snapshot_remove(fs, _i == 0 ? "a" : "b", 1), BX_OK);
	tidy_all();
	ck_assert_int_eq(bx_fs_snapshot_remove(fs, _i == 0 ? "b" : "a", 1), BX_OK);
	tidy_all();
	ck_assert_int_eq(bx_fs_unmount(fs), BX_OK);
	mount();
	ck_assert_uint_eq(free_blocks(), at_first);
}
END_TEST

START_TEST(what_may_not_be_changed)
{
	struct bx_fs_config config = config_of(arena, NULL);
	struct bx_fs_checker checker = { .bits = bytes, .bits_bytes = sizeof bytes };
	struct bx_fs *shown;
	uint64_t inode = make("file", 100), findings;
	size_t done;

	ck_assert_int_eq(snap("a"), BX_OK);
	ck_assert_int_eq(bx_fs_begin(fs), BX_OK);
	ck_assert_int_eq(snap("b"), BX_ERR_STATE);
	ck_assert_int_eq(bx_fs_snapshot_remove(fs, "a", 1), BX_ERR_STATE);
	ck_assert_int_eq(bx_fs_snapshot_rollback(fs, "a", 1), BX_ERR_STATE);
	ck_assert_int_eq(bx_fs_end(fs), BX_OK);
	ck_assert_int_eq(show("a", &shown), BX_OK);
	ck_assert_int_eq(bx_fs_write(shown, inode, 0, bytes, 10, 1, &done), BX_ERR_FS_READ_ONLY);
	ck_assert_int_eq(bx_fs_snapshot_create(shown, "c", 1, 1), BX_ERR_FS_READ_ONLY);
	ck_assert_int_eq(bx_fs_check(shown, &checker, &findings), BX_OK);
	ck_assert_int_eq(bx_fs_unmount(shown), BX_OK);
	config.flags = BX_FS_MOUNT_READ_ONLY;
	ck_assert_int_eq(bx_fs_unmount(fs), BX_OK);
	ck_assert_int_eq(bx_fs_mount(&config, &fs), BX_OK);
	ck_assert_int_eq(snap("b"), BX_ERR_FS_READ_ONLY);
	ck_assert_int_eq(bx_fs_snapshot_remove(fs, "a", 1), BX_ERR_FS_READ_ONLY);
	ck_assert_uint_eq(volume_check(fs, true), 0);
}
END_TEST

/* A file that was open when the state was kept, and one that is open when it comes back. */
START_TEST(rollback_ends_what_was_held)
{
	uint64_t before = make("before", 9000), after;
	struct bx_fs_stat st;

	ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, "before", 6, BX_FS_KEEP, 2), BX_OK);
	ck_assert_int_eq(snap("a"), BX_OK);
	after = make("after", 9000);
	ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, "after", 5, BX_FS_KEEP, 2), BX_OK);
	ck_assert_int_eq(bx_fs_snapshot_rollback(fs, "a", 1), BX_OK);
	ck_assert_int_eq(bx_fs_stat(fs, before, &st), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_fs_stat(fs, after, &st), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_fs_forget(fs, before), BX_ERR_NOT_FOUND);
	tidy_all();
	ck_assert_uint_gt(make("next", 10), after);
}
END_TEST

/* A volume that is sealed keeps its snapshots, under the same root. */
START_TEST(a_sealed_volume_has_its_snapshots)
{
	struct bx_fs_format format = { .hash = BX_FS_HASH_SHA256, .mode = 0755 };
	struct bx_fs_config config;
	uint8_t hash[BX_FS_DIGEST];
	struct bx_fs *sealed = NULL;
	uint64_t inode;

	ck_assert_int_eq(bx_fs_format(&disk.device, &format, arena, sizeof arena), BX_OK);
	mount();
	make("one", 100);
	ck_assert_int_eq(snap("a"), BX_OK);
	make("two", 100);
	ck_assert_int_eq(snap("b"), BX_OK);
	ck_assert_int_eq(bx_fs_snapshot_remove(fs, "b", 1), BX_OK);
	ck_assert_int_eq(bx_fs_seal(fs, hash), BX_ERR_STATE);
	config = config_of(shown_arena, NULL);
	ck_assert_int_eq(bx_fs_mount_sealed(&config, &sealed), BX_ERR_STATE);
	tidy_all();
	ck_assert_int_eq(bx_fs_seal(fs, hash), BX_OK);
	config.root_hash = hash;
	ck_assert_int_eq(bx_fs_mount_sealed(&config, &sealed), BX_OK);
	ck_assert_int_eq(bx_fs_lookup(sealed, BX_FS_ROOT, "two", 3, &inode), BX_OK);
	config.snapshot = "a";
	ck_assert_int_eq(bx_fs_mount_sealed(&config, &sealed), BX_ERR_STATE);
	ck_assert_int_eq(bx_fs_mount(&config, &sealed), BX_OK);
	ck_assert_int_eq(bx_fs_lookup(sealed, BX_FS_ROOT, "one", 3, &inode), BX_OK);
	ck_assert_int_eq(bx_fs_lookup(sealed, BX_FS_ROOT, "two", 3, &inode), BX_ERR_NOT_FOUND);
	config.snapshot = NULL;
	hash[0] ^= 1;
	ck_assert_int_eq(bx_fs_mount_sealed(&config, &sealed), BX_ERR_CORRUPT);
}
END_TEST

/* ---- damage ------------------------------------------------------------------------------ */

/* Every block that only a snapshot has, damaged in turn: the check names it, removing the snapshot
 * passes over it, the files are as they were. */
START_TEST(damage_in_a_snapshot_stays_there)
{
	static uint8_t keep[16u << 20];
	uint64_t inode = make("file", 400000), before, digest, damaged = 0;
	char name[16];

	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "f%03u", i);
		make(name, 100);
	}
	ck_assert_int_eq(snap("a"), BX_OK);
	for (unsigned i = 0; i < 200; i++) {
		size_t done;

		snprintf(name, sizeof name, "f%03u", i);
		ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, name, 4, 0, 2), BX_OK);
		ck_assert_int_eq(bx_fs_write(fs, inode, i * 2000, bytes, 1000, 2, &done), BX_OK);
	}
	ck_assert_int_eq(bx_fs_unmount(fs), BX_OK);
	mount();
	ck_assert_int_eq(volume_digest(fs, &before), BX_OK);
	memcpy(keep, disk.bytes, sizeof keep);
	for (uint64_t block = 3; block < disk.size / BX_FS_BLOCK - 20; block++) {
		static const uint8_t never_used[BX_FS_BLOCK];

		if (memcmp(keep + block * BX_FS_BLOCK, never_used, BX_FS_BLOCK) == 0)
			continue;
		memcpy(disk.bytes, keep, sizeof keep);
		disk.bytes[block * BX_FS_BLOCK + 700] ^= 4;
		mount();
		/* A block of the files themselves: another test's. */
		if (volume_check(fs, false) == 0 || volume_digest(fs, &digest) != BX_OK)
			continue;
		damaged++;
		ck_assert_uint_eq(digest, before);
		mount();
		if (bx_fs_snapshot_remove(fs, "a", 1) != BX_OK)
			continue;		/* the table, or the map */
		tidy_all();
		ck_assert_int_eq(volume_digest(fs, &digest), BX_OK);
		ck_assert_uint_eq(digest, before);
	}
	ck_assert_uint_gt(damaged, 50);
	memcpy(disk.bytes, keep, sizeof keep);
	mount();
}
END_TEST

/* The table is one block; a damaged one costs the snapshots, not the files. */
START_TEST(a_damaged_table_says_so)
{
	struct bx_fs_snapshot s = { .generation = 5 };
	struct bx_fs *shown;
	uint64_t table;

	make("file", 100);
	ck_assert_int_eq(snap("a"), BX_OK);
	ck_assert_int_eq(bx_fs_unmount(fs), BX_OK);
	mount();
	table = (2 * fs->shape.nodes + fs->root.table_side) * BX_FS_BLOCK;
	disk.bytes[table + 400] ^= 1;
	mount();
	ck_assert_int_eq(bx_fs_snapshot_next(fs, 0, &s), BX_ERR_CORRUPT);
	ck_assert_uint_eq(s.generation, 5);
	ck_assert_int_eq(show("a", &shown), BX_ERR_CORRUPT);
	ck_assert_int_eq(snap("b"), BX_ERR_CORRUPT);
	ck_assert_int_eq(bx_fs_snapshot_remove(fs, "a", 1), BX_ERR_CORRUPT);
	make("more", 100);
	ck_assert_uint_gt(volume_check(fs, false), 0);
	disk.bytes[table + 400] ^= 1;
	mount();
	ck_assert_int_eq(bx_fs_snapshot_remove(fs, "a", 1), BX_OK);
	/* Half removed, and then the table is damaged: no mount for writing. */
	table = (2 * fs->shape.nodes + fs->root.table_side) * BX_FS_BLOCK;
	disk.bytes[table + 400] ^= 1;
	{
		struct bx_fs_config config = config_of(shown_arena, NULL);

		ck_assert_int_eq(bx_fs_mount(&config, &shown), BX_ERR_CORRUPT);
		config.flags = BX_FS_MOUNT_READ_ONLY;
		ck_assert_int_eq(bx_fs_mount(&config, &shown), BX_OK);
	}
	disk.bytes[table + 400] ^= 1;
}
END_TEST

/* The decoder of the table refuses every value out of its domain. */
START_TEST(table_refuses_what_is_out_of_bounds)
{
	static const struct {
		unsigned at, value;
	} bad[] = {
		{ 0, 'Y' }, { 4, FS_TABLE_MAX + 1 }, { 6, 10 }, { 7, 2 }, { 8, 1 }, { 16, 1 }, { 24, 77 },
		{ FS_TABLE_HEAD, 0 }, { FS_TABLE_HEAD, 200 }, { FS_TABLE_HEAD + FS_TABLE_RECORD, 1 },
		{ FS_TABLE_HEAD + 16, 200 }, { FS_TABLE_HEAD + 80, FS_LEVELS }, { FS_TABLE_HEAD + 81, 2 },
		{ FS_TABLE_HEAD + 82, 0 }, { FS_TABLE_HEAD + 82, BX_FS_SNAPSHOT_NAME_MAX + 1 },
		{ FS_TABLE_HEAD + 88, 0 }, { FS_TABLE_HEAD + 88, '/' },
	};
	uint8_t table[BX_FS_BLOCK], copy[BX_FS_BLOCK];
	uint64_t address, generation;

	ck_assert_int_eq(snap("a"), BX_OK);
	ck_assert_int_eq(snap("b"), BX_OK);
	address = 2 * fs->shape.nodes + fs->root.table_side;
	generation = fs->root.table_generation;
	memcpy(table, disk.bytes + address * BX_FS_BLOCK, sizeof table);
	ck_assert_int_eq(bx_fsi_table_check(table, address, generation), BX_OK);
	for (unsigned i = 0; i < BX_ARRAY_COUNT(bad); i++) {
		memcpy(copy, table, sizeof copy);
		copy[bad[i].at] = (uint8_t)bad[i].value;
		if (bad[i].at == 6)
			copy[7] = 2;
		ck_assert_msg(bx_fsi_table_check(copy, address, generation) == BX_ERR_CORRUPT, "case %u", i);
	}
}
END_TEST

/* ---- what differs ------------------------------------------------------------------------ */

#define OBJECTS 600u

/* Which inodes the library says differ. */
static void
collect(struct bx_fs *older, struct bx_fs *newer, bool *differs)
{
	struct bx_fs_diff cursor = { .key_length = 0 };
	struct bx_fs_change c;
	enum bx_err err;

	memset(differs, 0, OBJECTS);
	for (unsigned i = 0; i < 100000; i++) {
		err = bx_fs_diff_next(older, newer, &cursor, &c);
		if (err == BX_ERR_AGAIN)
			continue;
		if (err == BX_ERR_NOT_FOUND)
			return;
		ck_assert_int_eq(err, BX_OK);
		ck_assert(c.how >= BX_FS_ADDED && c.how <= BX_FS_CHANGED);
		ck_assert_uint_lt(c.inode, OBJECTS);
		differs[c.inode] = true;
	}
	ck_abort_msg("no end");
}

static uint64_t
object_digest(struct bx_fs *volume, uint64_t inode)
{
	static uint8_t content[262144];
	struct bx_fs_stat st;
	struct bx_fs_entry e = { .name_length = 0 };
	uint64_t h;
	size_t done;

	/* What is held open has no name, and is held by one mount only. */
	if (bx_fs_stat(volume, inode, &st) != BX_OK || st.links == 0)
		return 0;
	h = bx_fsi_xxh64(&st.size, sizeof st.size, st.links) ^ bx_fsi_xxh64(&st.modified_ns, 8, st.mode);
	if (st.type == BX_FS_FILE)
		for (uint64_t at = 0; at < st.size; at += done) {
			ck_assert_int_eq(bx_fs_read(volume, inode, at, content, sizeof content, &done), BX_OK);
			h = bx_fsi_xxh64(content, done, h);
		}
	while (st.type == BX_FS_DIRECTORY &&
	    bx_fs_next_entry(volume, inode, e.name, e.name_length, &e) == BX_OK)
		h = bx_fsi_xxh64(e.name, e.name_length, h ^ e.inode);
	return h;
}

/* Random work between two states: every object that is another is reported, and nothing when there
 * was no work. */
START_TEST(diff_finds_every_change)
{
	static struct model model;
	static bool differs[OBJECTS];
	struct world w = {
		.fs = fs,
		.model = &model,
		.rng = { .state = 40 + (uint64_t)_i },
		.file_max = 200000,
		.files_max = 200,
		.allow_full = true,
		.time = 100,
	};
	struct bx_fs *shown;
	unsigned changed = 0;

	model_init(&model, 0755, 0);
	for (unsigned i = 0; i < 500; i++)
		world_step(&w);
	ck_assert_int_eq(snap("a"), BX_OK);
	ck_assert_int_eq(show("a", &shown), BX_OK);
	collect(shown, fs, differs);
	for (unsigned i = 0; i < OBJECTS; i++)
		ck_assert(!differs[i]);
	for (unsigned i = 0; i < 5u << _i; i++)
		world_step(&w);
	collect(shown, fs, differs);
	for (uint64_t i = 1; i < OBJECTS; i++) {
		if (object_digest(shown, i) == object_digest(fs, i))
			continue;
		changed++;
		ck_assert_msg(differs[i], "object %u", (unsigned)i);
	}
	ck_assert_uint_gt(changed, 0);
	/* The other way round as well. */
	collect(fs, shown, differs);
	for (uint64_t i = 1; i < OBJECTS; i++)
		ck_assert(object_digest(shown, i) == object_digest(fs, i) || differs[i]);
	model_free(&model);
}
END_TEST

START_TEST(diff_refuses_other_volumes)
{
	struct bx_fs_format format = { .hash = BX_FS_HASH_XXH64, .mode = 0755, .uuid = { 9 } };
	struct bx_fs_diff cursor = { .key_length = 0 };
	struct bx_fs_change change = { .inode = 77 };
	struct bx_fs_config config = config_of(shown_arena, NULL);
	struct disk second;
	struct bx_fs *other;

	disk_init(&second, 4u << 20, 512);
	ck_assert_int_eq(bx_fs_format(&second.device, &format, shown_arena, 65536), BX_OK);
	config.device = &second.device;
	ck_assert_int_eq(bx_fs_mount(&config, &other), BX_OK);
	ck_assert_int_eq(bx_fs_diff_next(other, fs, &cursor, &change), BX_ERR_INVALID);
	cursor.key_length = 265;
	ck_assert_int_eq(bx_fs_diff_next(fs, fs, &cursor, &change), BX_ERR_INVALID);
	cursor.key_length = 0;
	ck_assert_int_eq(bx_fs_diff_next(fs, fs, &cursor, &change), BX_ERR_NOT_FOUND);
	ck_assert_uint_eq(change.inode, 77);
	disk_free(&second);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("fs-snapshots");
	TCase *tc = tcase_create("snapshots");

	tcase_set_timeout(tc, 0);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, names_are_checked);
	tcase_add_test(tc, there_is_a_last_one);
	tcase_add_loop_test(tc, fs9_what_was_kept_comes_free, 0, 2);
	tcase_add_test(tc, what_may_not_be_changed);
	tcase_add_test(tc, rollback_ends_what_was_held);
	tcase_add_test(tc, a_sealed_volume_has_its_snapshots);
	tcase_add_test(tc, damage_in_a_snapshot_stays_there);
	tcase_add_test(tc, a_damaged_table_says_so);
	tcase_add_test(tc, table_refuses_what_is_out_of_bounds);
	tcase_add_loop_test(tc, diff_finds_every_change, 0, 8);
	tcase_add_test(tc, diff_refuses_other_volumes);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
