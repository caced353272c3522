/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_fs_sequences.c -- every sequence of one and of two calls on a small volume, and every subset of the writes in
 * flight at each moment of it.  The tree has siblings and several names of one file; also with one copy of the
 * newest root damaged at the start, so that its repair is cut too.
 *
 * BX_FS_SEQUENCES: of how many sequences one is tried (1: all).
 */
#include "cuts.h"

static struct bx_fs *fs;
static uint64_t directory[2], file, small;
static uint8_t bytes[3 * BX_FS_BLOCK];
static const struct bx_fs_owner owner = { .mode = 0640 };
static size_t done;

static enum bx_err
do_create(void)
{
	uint64_t inode;

	return bx_fs_create(fs, directory[0], "new", 3, BX_FS_FILE, owner, 9, &inode);
}

static enum bx_err
do_mkdir(void)
{
	uint64_t inode;

	return bx_fs_create(fs, directory[1], "sub", 3, BX_FS_DIRECTORY, owner, 9, &inode);
}

static enum bx_err
do_symlink(void)
{
	uint64_t inode;

	return bx_fs_symlink(fs, directory[0], "sym", 3, "target", 6, owner, 9, &inode);
}

static enum bx_err
do_link(void)
{
	return bx_fs_link(fs, file, directory[1], "linked", 6, 9);
}

static enum bx_err
do_unlink(void)
{
	return bx_fs_unlink(fs, directory[0], "big", 3, 0, 9);
}

static enum bx_err
do_unlink_kept(void)
{
	return bx_fs_unlink(fs, directory[0], "small", 5, BX_FS_KEEP, 9);
}

static enum bx_err
do_rmdir(void)
{
	return bx_fs_remove_directory(fs, BX_FS_ROOT, "empty", 5, 9);
}

static enum bx_err
do_rename_across(void)
{
	return bx_fs_rename(fs, directory[0], "big", 3, directory[1], "moved", 5, 0, 9);
}

static enum bx_err
do_rename_over(void)
{
	return bx_fs_rename(fs, directory[1], "victim", 6, directory[0], "big", 3, 0, 9);
}

static enum bx_err
do_rename_directory(void)
{
	return bx_fs_rename(fs, BX_FS_ROOT, "empty", 5, directory[1], "empty", 5, 0, 9);
}

static enum bx_err
do_write_blocks(void)
{
	return bx_fs_write(fs, file, BX_FS_BLOCK, bytes, 2 * BX_FS_BLOCK, 9, &done);
}

static enum bx_err
do_write_part(void)
{
	return bx_fs_write(fs, file, 5000, bytes, 300, 9, &done);
}

static enum bx_err
do_append(void)
{
	return bx_fs_write(fs, small, 100, bytes, 128, 9, &done);
}

static enum bx_err
do_leave_inline(void)
{
	return bx_fs_write(fs, small, 2000, bytes, 500, 9, &done);
}

static enum bx_err
do_truncate(void)
{
	return bx_fs_truncate(fs, file, 4500, 9);
}

static enum bx_err
do_punch(void)
{
	return bx_fs_punch(fs, file, 100, 6000, 9);
}

static enum bx_err
do_set_attr(void)
{
	return bx_fs_set_attr(fs, file, "user.a", 6, "value", 5, 9);
}

static enum bx_err
do_remove_attr(void)
{
	return bx_fs_remove_attr(fs, small, "user.b", 6, 9);
}

static enum bx_err
do_set_stat(void)
{
	const struct bx_fs_stat values = { .mode = 0600, .modified_ns = 77 };

	return bx_fs_set_stat(fs, file, BX_FS_SET_MODE | BX_FS_SET_MODIFIED, &values, 9);
}

static enum bx_err
do_tidy(void)
{
	return bx_fs_tidy(fs);
}

static enum bx_err
do_sync(void)
{
	return bx_fs_sync(fs);
}

static enum bx_err
do_snapshot(void)
{
	return bx_fs_snapshot_create(fs, "second", 6, 9);
}

static enum bx_err
do_unsnapshot(void)
{
	return bx_fs_snapshot_remove(fs, "first", 5);
}

static enum bx_err
do_rollback(void)
{
	return bx_fs_snapshot_rollback(fs, "first", 5);
}

static enum bx_err
do_repair(void)
{
	return bx_fs_repair_root(fs);
}

static const struct {
	enum bx_err (*call)(void);
	bool commits;		/* what it returns BX_OK for is durable, and what was before */
} calls[] = {
	{ do_create, false }, { do_mkdir, false }, { do_symlink, false }, { do_link, false }, { do_unlink, false },
	{ do_unlink_kept, false }, { do_rmdir, false }, { do_rename_across, false }, { do_rename_over, false },
	{ do_rename_directory, false }, { do_write_blocks, false }, { do_write_part, false }, { do_append, false },
	{ do_leave_inline, false }, { do_truncate, false }, { do_punch, false }, { do_set_attr, false },
	{ do_remove_attr, false }, { do_set_stat, false }, { do_tidy, false }, { do_sync, true },
	{ do_snapshot, true }, { do_unsnapshot, true }, { do_rollback, true }, { do_repair, false },
};
#define CALLS BX_ARRAY_COUNT(calls)

static void
must(enum bx_err err)
{
	if (err != BX_OK)
		die("building the volume: %s", bx_err_name(err));
}

static uint64_t
make(uint64_t in, const char *name, enum bx_fs_type type, size_t length)
{
	uint64_t inode;

	must(bx_fs_create(fs, in, name, strlen(name), type, owner, 1, &inode));
	if (length > 0)
		must(bx_fs_write(fs, inode, 0, bytes, length, 1, &done));
	return inode;
}

static uint8_t arena[65536] __attribute__((aligned(16)));

static void
build(struct disk *d)
{
	const struct bx_fs_format format = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };
	const struct bx_fs_config config = { .device = &d->device, .arena = arena, .arena_bytes = sizeof arena };

	memset(bytes, 'b', sizeof bytes);
	must(bx_fs_format(&d->device, &format, arena, sizeof arena));
	must(bx_fs_mount(&config, &fs));
	directory[0] = make(BX_FS_ROOT, "one", BX_FS_DIRECTORY, 0);
	directory[1] = make(BX_FS_ROOT, "two", BX_FS_DIRECTORY, 0);
	(void)make(BX_FS_ROOT, "empty", BX_FS_DIRECTORY, 0);
	file = make(directory[0], "big", BX_FS_FILE, 2 * BX_FS_BLOCK);
	small = make(directory[0], "small", BX_FS_FILE, 100);
	(void)make(directory[0], "a", BX_FS_FILE, 10);
	(void)make(directory[0], "z", BX_FS_FILE, 10);
	(void)make(directory[1], "victim", BX_FS_FILE, 20);
	must(bx_fs_set_attr(fs, small, "user.b", 6, "old", 3, 1));
	must(bx_fs_link(fs, small, directory[1], "second name", 11, 1));
	must(bx_fs_snapshot_create(fs, "first", 5, 1));
	must(bx_fs_write(fs, file, 0, "changed", 7, 2, &done));
	must(bx_fs_unmount(fs));
}

/* The state that the last call left; what it returns may be an error, and then it is the one before. */
static void
note(struct recording *r)
{
	if (volume_digest_all(fs, &r->disk.device, &r->digest[++r->states]) != BX_OK)
		die("walking the volume");
}

/* Record the calls, with a commit after each or after the last.  `damaged': a copy of the newest root, 2 none. */
static void
record(struct recording *r, const uint8_t *volume, unsigned damaged, const unsigned *call, unsigned count, bool sync_each)
{
	const struct bx_fs_config config = { .device = &r->disk.device, .arena = arena, .arena_bytes = sizeof arena };
	uint64_t odd;

	memset(r, 0, sizeof *r);
	disk_init(&r->disk, VOLUME_BYTES, 512);
	memcpy(r->disk.bytes, volume, VOLUME_BYTES);
	odd = bx_get_le64(r->disk.bytes + 32) > bx_get_le64(r->disk.bytes + BX_FS_BLOCK + 32) ? 0 : 1;
	if (damaged < 2)
		r->disk.bytes[(damaged == 0 ? odd : VOLUME_BYTES / BX_FS_BLOCK - 2 + odd) * BX_FS_BLOCK + 100] ^= 1;
	r->start = malloc(VOLUME_BYTES);
	memcpy(r->start, r->disk.bytes, VOLUME_BYTES);
	must(bx_fs_mount(&config, &fs));
	must(volume_digest_all(fs, &r->disk.device, &r->digest[0]));
	r->disk.record = true;
	disk_event(&r->disk, EVENT_DURABLE, 0);
	for (unsigned i = 0; i < count; i++) {
		enum bx_err err;

		disk_event(&r->disk, EVENT_CALL, r->states + 1);
		err = calls[call[i]].call();
		r->disk.record = false;
		note(r);
		r->disk.record = true;
		if (err == BX_OK && calls[call[i]].commits)
			disk_event(&r->disk, EVENT_DURABLE, r->states);
		if (!sync_each && i + 1 < count)
			continue;
		must(bx_fs_sync(fs));
		disk_event(&r->disk, EVENT_DURABLE, r->states);
	}
	must(bx_fs_unmount(fs));
	r->disk.record = false;
}

START_TEST(fs3_every_sequence_of_two_calls)
{
	static struct recording r;
	static struct disk d;
	unsigned long every = setting("BX_FS_SEQUENCES", 23), sequences = 0;
	uint64_t before = states_tried;
	struct rng rng = { .state = 1 };

	if (every == 0)
		die("BX_FS_SEQUENCES: 1 is all of them");
	disk_init(&d, VOLUME_BYTES, 512);
	build(&d);
	/* One call, or two; committed together or one by one; with both copies of the root, or one. */
	for (unsigned n = 0; n < 3 * 2 * CALLS * (CALLS + 1); n++) {
		unsigned damaged = n % 3;
		unsigned call[2] = { n / 6 % CALLS, n / 6 / CALLS };
		unsigned count = call[1] < CALLS ? 2 : 1;

		if (n % every != 0 || (count == 1 && n % 6 / 3 == 1))
			continue;
		record(&r, d.bytes, damaged, call, count, n % 6 / 3 == 1);
		explore(&r, &rng, 1, 5, true);
		free_recording(&r);
		sequences++;
	}
	disk_free(&d);
	printf("%lu sequences of one and two calls: %llu states\n", sequences,
	    (unsigned long long)(states_tried - before));
}
END_TEST

/* The device says that it has flushed, and has not: an older state or an error, never a mixture. */
START_TEST(fs1_a_device_that_lies_about_flushes)
{
	static struct recording r;
	unsigned long want = setting("BX_FS_LIES", 3000);
	struct lies lies = { .tried = 0 };
	uint64_t seed = setting("BX_FS_SEED", 1) * 500;

	for (unsigned turn = 0; lies.tried < want; turn++) {
		struct rng rng = { .state = seed + turn };

		make_recording(&r, seed + turn, 60, 65536, turn % 5 == 4 ? BX_FS_HASH_SHA256 : BX_FS_HASH_XXH64,
		    turn % 2 == 1, true);
		explore_lies(&r, &rng, 300, &lies);
		free_recording(&r);
	}
	ck_assert_uint_gt(lies.refused + lies.partly, 0);
	ck_assert_uint_gt(lies.whole, 0);
	printf("flushes that do nothing: %llu states, %llu refused, %llu whole, %llu with errors, %llu continued\n",
	    (unsigned long long)lies.tried, (unsigned long long)lies.refused, (unsigned long long)lies.whole,
	    (unsigned long long)lies.partly, (unsigned long long)lies.continued);
}
END_TEST

void
add_sequences(TCase *tc)
{
	tcase_add_test(tc, fs3_every_sequence_of_two_calls);
	tcase_add_test(tc, fs1_a_device_that_lies_about_flushes);
}
