/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_fs_calls.c -- every call with every failure: each device read, write and flush that it makes fails once, or
 * gives a wrong byte; and the volume has 0, 1, 2 .. blocks left, so that each of its allocations is
 * once the one that finds none (ENOSPC).
 *
 * A call that fails has changed nothing, or says that writing ended and the device has the last
 * commit; nothing is ever half done, and the volume is sound.
 */
#include "suite.h"

static struct disk base, over;
static uint8_t arena[65536] __attribute__((aligned(16)));
static struct bx_fs *fs;
static const struct bx_fs_owner owner = { .uid = 1, .gid = 2, .mode = 0644 };
static uint8_t bytes[BX_FS_READ_MAX];
static uint64_t big, small, kept, dir;		/* inode numbers in the volume */

/* ---- the calls --------------------------------------------------------------------------- */

static enum bx_err
call_create(void)
{
	uint64_t inode;

	return bx_fs_create(fs, dir, "a new file", 10, BX_FS_FILE, owner, 9, &inode);
}

static enum bx_err
call_mkdir(void)
{
	uint64_t inode;

	return bx_fs_create(fs, BX_FS_ROOT, "new dir", 7, BX_FS_DIRECTORY, owner, 9, &inode);
}

static enum bx_err
call_symlink(void)
{
	uint64_t inode;

	return bx_fs_symlink(fs, dir, "a link", 6, (const char *)bytes + 1, 900, owner, 9, &inode);
}

static enum bx_err
call_link(void)
{
	return bx_fs_link(fs, big, dir, "another name", 12, 9);
}

static enum bx_err
call_unlink_small(void)
{
	return bx_fs_unlink(fs, BX_FS_ROOT, "small", 5, 0, 9);
}

static enum bx_err
call_unlink_big(void)
{
	return bx_fs_unlink(fs, BX_FS_ROOT, "big", 3, 0, 9);
}

static enum bx_err
call_unlink_keep(void)
{
	return bx_fs_unlink(fs, BX_FS_ROOT, "big", 3, BX_FS_KEEP, 9);
}

static enum bx_err
call_rmdir(void)
{
	return bx_fs_remove_directory(fs, BX_FS_ROOT, "empty", 5, 9);
}

static enum bx_err
call_rename(void)
{
	return bx_fs_rename(fs, BX_FS_ROOT, "small", 5, dir, "moved", 5, 0, 9);
}

static enum bx_err
call_rename_dir(void)
{
	return bx_fs_rename(fs, BX_FS_ROOT, "empty", 5, dir, "inside", 6, 0, 9);
}

static enum bx_err
call_replace(void)
{
	return bx_fs_rename(fs, BX_FS_ROOT, "small", 5, BX_FS_ROOT, "big", 3, 0, 9);
}

static enum bx_err
call_write_small(void)
{
	size_t done;

	return bx_fs_write(fs, small, 50, bytes, 100, 9, &done);
}

static enum bx_err
call_write_out(void)
{
	size_t done;

	return bx_fs_write(fs, small, 1000, bytes, 2000, 9, &done);
}

static enum bx_err
call_write_part(void)
{
	size_t done;

	return bx_fs_write(fs, big, 70000, bytes, 1000, 9, &done);
}

static enum bx_err
call_write_blocks(void)
{
	size_t done;

	return bx_fs_write(fs, big, 40960, bytes, 65536, 9, &done);
}

static enum bx_err
call_write_hole(void)
{
	size_t done;

	return bx_fs_write(fs, big, 50u << 20, bytes, 300, 9, &done);
}

static enum bx_err
call_truncate(void)
{
	return bx_fs_truncate(fs, big, 5000, 9);
}

static enum bx_err
call_truncate_small(void)
{
	return bx_fs_truncate(fs, small, 20, 9);
}

static enum bx_err
call_extend(void)
{
	return bx_fs_truncate(fs, small, 1u << 20, 9);
}

static enum bx_err
call_punch(void)
{
	return bx_fs_punch(fs, big, 9000, 30000, 9);
}

static enum bx_err
call_punch_inside(void)
{
	return bx_fs_punch(fs, big, 9000, 100, 9);
}

static enum bx_err
call_set_stat(void)
{
	const struct bx_fs_stat values = { .mode = 0600, .uid = 7 };

	return bx_fs_set_stat(fs, big, BX_FS_SET_MODE | BX_FS_SET_OWNER, &values, 9);
}

static enum bx_err
call_set_attr(void)
{
	return bx_fs_set_attr(fs, small, "user.new", 8, bytes, 800, 9);
}

static enum bx_err
call_remove_attr(void)
{
	return bx_fs_remove_attr(fs, small, "user.one", 8, 9);
}

static enum bx_err
call_tidy(void)
{
	return bx_fs_tidy(fs);
}

static enum bx_err
call_forget(void)
{
	enum bx_err err = bx_fs_unlink(fs, BX_FS_ROOT, "kept", 4, BX_FS_KEEP, 9);

	return err == BX_OK ? bx_fs_forget(fs, kept) : err;
}

static enum bx_err
call_snapshot(void)
{
	return bx_fs_snapshot_create(fs, "new", 3, 9);
}

static enum bx_err
call_unsnapshot(void)
{
	return bx_fs_snapshot_remove(fs, "old", 3);
}

static enum bx_err
call_rollback(void)
{
	return bx_fs_snapshot_rollback(fs, "old", 3);
}

static enum bx_err
call_sync(void)
{
	enum bx_err err = call_write_small();

	return err == BX_OK ? bx_fs_sync(fs) : err;
}

static enum bx_err
call_transaction(void)
{
	enum bx_err err = bx_fs_begin(fs);

	if (err != BX_OK)
		return err;
	err = call_write_small();
	if (err == BX_OK)
		err = call_create();
	if (err != BX_OK) {
		enum bx_err undo = bx_fs_abort(fs);

		return undo == BX_OK ? err : undo;
	}
	return bx_fs_end(fs);
}

static enum bx_err
call_abort(void)
{
	enum bx_err err = bx_fs_begin(fs), undo;

	if (err != BX_OK)
		return err;
	err = call_write_blocks();
	undo = bx_fs_abort(fs);
	return undo != BX_OK ? undo : err == BX_ERR_FS_FULL ? BX_OK : err;
}

static enum bx_err
call_verify(void)
{
	uint64_t offset = 0;
	enum bx_err err;

	do {
		err = bx_fs_verify(fs, big, &offset);
	} while (err == BX_ERR_AGAIN);
	return err;
}

static enum bx_err
call_read_attr(void)
{
	char name[BX_FS_NAME_MAX + 1];
	size_t length = 0;
	enum bx_err err = bx_fs_next_attr(fs, small, "", 0, name, &length);

	return err == BX_OK ? bx_fs_get_attr(fs, small, name, length, bytes, sizeof bytes, &length) : err;
}

static enum bx_err
call_walk(void)
{
	uint64_t inode;
	struct bx_fs_entry e;
	enum bx_err err = bx_fs_walk(fs, "dir/../dir/file-100", 19, &inode);

	return err == BX_OK ? bx_fs_next_entry(fs, dir, "file-200", 8, &e) : err;
}

static enum bx_err
call_diff(void)
{
	static uint8_t shown_arena[65536] __attribute__((aligned(16)));
	struct bx_fs_config config = {
		.device = &over.device,
		.arena = shown_arena,
		.arena_bytes = sizeof shown_arena,
		.snapshot = "old",
	};
	struct bx_fs_diff cursor = { .key_length = 0 };
	struct bx_fs_change change;
	struct bx_fs *shown;
	enum bx_err err = bx_fs_mount(&config, &shown);

	while (err == BX_OK || err == BX_ERR_AGAIN)
		err = bx_fs_diff_next(shown, fs, &cursor, &change);
	return err == BX_ERR_NOT_FOUND ? BX_OK : err;
}

static const struct {
	const char *name;
	enum bx_err (*run)(void);
} calls[] = {
#define CALL(name) { #name, call_ ## name }
	CALL(create), CALL(mkdir), CALL(symlink), CALL(link), CALL(unlink_small), CALL(unlink_big),
	CALL(unlink_keep), CALL(rmdir), CALL(rename), CALL(rename_dir), CALL(replace), CALL(write_small),
	CALL(write_out), CALL(write_part), CALL(write_blocks), CALL(write_hole), CALL(truncate),
	CALL(truncate_small), CALL(extend), CALL(punch), CALL(punch_inside), CALL(set_stat), CALL(set_attr),
	CALL(remove_attr), CALL(tidy), CALL(forget), CALL(snapshot), CALL(unsnapshot), CALL(rollback),
	CALL(sync), CALL(transaction), CALL(abort), CALL(verify), CALL(read_attr), CALL(walk), CALL(diff),
#undef CALL
};

/* ---- the volume -------------------------------------------------------------------------- */

static uint64_t
make(uint64_t directory, const char *name, enum bx_fs_type type)
{
	uint64_t inode;

	ck_assert_int_eq(bx_fs_create(fs, directory, name, strlen(name), type, owner, 1, &inode), BX_OK);
	return inode;
}

static void
put(uint64_t inode, uint64_t offset, size_t length)
{
	size_t done;

	for (size_t at = 0; at < length; at += done)
		ck_assert_int_eq(bx_fs_write(fs, inode, offset + at, bytes + at, length - at, 2, &done), BX_OK);
}

static enum bx_err
mount_on(struct disk *d, uint32_t flags)
{
	struct bx_fs_config config = {
		.device = &d->device,
		.arena = arena,
		.arena_bytes = sizeof arena,
		.flags = flags,
	};

	return bx_fs_mount(&config, &fs);
}

/* Three levels of tree, a file of hundreds of extents, snapshots of which one is half removed, a deleted
 * file whose blocks are not free yet, and a log to replay. */
static void
build(uint64_t size, enum bx_fs_hash hash)
{
	struct bx_fs_format format = { .hash = hash, .mode = 0755 };
	char name[32];
	uint64_t gone;

	memset(bytes, 'x', sizeof bytes);
	disk_init(&base, size, 512);
	ck_assert_int_eq(bx_fs_format(&base.device, &format, arena, sizeof arena), BX_OK);
	ck_assert_int_eq(mount_on(&base, 0), BX_OK);
	dir = make(BX_FS_ROOT, "dir", BX_FS_DIRECTORY);
	make(BX_FS_ROOT, "empty", BX_FS_DIRECTORY);
	big = make(BX_FS_ROOT, "big", BX_FS_FILE);
	gone = make(BX_FS_ROOT, "gone", BX_FS_FILE);
	for (unsigned i = 0; i < 60; i++) {
		put(big, (uint64_t)i * 8192, 4096);
		put(gone, (uint64_t)i * 8192, 4096);
	}
	small = make(BX_FS_ROOT, "small", BX_FS_FILE);
	put(small, 0, 300);
	ck_assert_int_eq(bx_fs_set_attr(fs, small, "user.one", 8, "1", 1, 1), BX_OK);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "file-%03u", i);
		put(make(dir, name, BX_FS_FILE), 0, 200);
	}
	ck_assert_int_eq(bx_fs_snapshot_create(fs, "old", 3, 1), BX_OK);
	kept = make(BX_FS_ROOT, "kept", BX_FS_FILE);
	put(kept, 0, 9000);
	put(big, 100000, 9000);
	for (unsigned i = 0; i < 300; i += 7) {
		snprintf(name, sizeof name, "file-%03u", i);
		ck_assert_int_eq(bx_fs_unlink(fs, dir, name, strlen(name), 0, 2), BX_OK);
	}
	ck_assert_int_eq(bx_fs_snapshot_create(fs, "going", 5, 1), BX_OK);
	put(big, 200000, 9000);
	ck_assert_int_eq(bx_fs_snapshot_remove(fs, "going", 5), BX_OK);
	ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, "gone", 4, 0, 3), BX_OK);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	put(small, 10, 20);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	put(small, 20, 30);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	disk_init_over(&over, &base);
}

static void
drop(void)
{
	disk_free(&over);
	disk_free(&base);
}

static void
heal(void)
{
	over.fail_read = over.fail_write = over.fail_flush = over.flip_read = -1;
}

static uint64_t
digest_now(void)
{
	uint64_t digest = 0;
	enum bx_err err = volume_digest(fs, &digest);

	if (err != BX_OK)
		die("walking: %s", bx_err_name(err));
	return digest;
}

/* ---- tests ------------------------------------------------------------------------------- */

enum failure { READ, FLIP, WRITE, FLUSH, FAILURES };

static const char *const failure_name[FAILURES] = { "read", "wrong byte", "write", "flush" };

static uint64_t failed_calls, tried;

/* The n-th device operation of one call fails.  False: it makes no n. */
static bool
try_failure(unsigned call, enum failure failure, int64_t n, uint64_t before, uint64_t after)
{
	int64_t *left[] = { &over.fail_read, &over.flip_read, &over.fail_write, &over.fail_flush };
	struct bx_fs_info info;
	uint64_t now;
	bool happened;
	enum bx_err err;

	disk_over_reset(&over);
	heal();
	ck_assert_int_eq(mount_on(&over, 0), BX_OK);
	*left[failure] = n;
	err = calls[call].run();
	happened = *left[failure] < 0;
	heal();
	tried++;
	failed_calls += err != BX_OK && err != BX_ERR_AGAIN;
	bx_fs_get_info(fs, &info);
	if (err != BX_OK && err != BX_ERR_AGAIN && err != BX_ERR_IO && err != BX_ERR_CORRUPT &&
	    err != BX_ERR_FS_FAILED)
		die("%s, %s %lld: %s", calls[call].name, failure_name[failure], (long long)n, bx_err_name(err));
	if (!info.failed) {
		now = digest_now();
		/* A call of two parts may have done the first; "forget" says so by its name. */
		if (now != before && now != after && calls[call].run != call_forget)
			die("%s, %s %lld: half done", calls[call].name, failure_name[failure], (long long)n);
		if (err == BX_OK && now != after)
			die("%s, %s %lld: not done, and says it is", calls[call].name, failure_name[failure],
			    (long long)n);
		/* It can be called again, unless it was done after all. */
		if (err != BX_OK && now == before && bx_fs_sync(fs) != BX_OK)
			die("%s, %s %lld: sync after it", calls[call].name, failure_name[failure], (long long)n);
	}
	ck_assert_int_eq(mount_on(&over, 0), BX_OK);
	now = digest_now();
	if (now != before && now != after && calls[call].run != call_forget)
		die("%s, %s %lld: half done on the device", calls[call].name, failure_name[failure],
		    (long long)n);
	if (n % 4 == 0)
		volume_must_check(fs);
	return happened;
}

START_TEST(fs6_every_call_with_every_failure)
{
	enum failure failure = (enum failure)(_i % FAILURES);

	build(12u << 20, _i < FAILURES ? BX_FS_HASH_XXH64 : BX_FS_HASH_SHA256);
	tried = failed_calls = 0;
	for (unsigned call = 0; call < BX_ARRAY_COUNT(calls); call++) {
		uint64_t before, after;
		enum bx_err err;

		disk_over_reset(&over);
		ck_assert_int_eq(mount_on(&over, 0), BX_OK);
		before = digest_now();
		err = calls[call].run();
		if (err != BX_OK && err != BX_ERR_AGAIN)
			die("%s: %s", calls[call].name, bx_err_name(err));
		after = digest_now();
		for (int64_t n = 0; n < 200; n++)
			if (!try_failure(call, failure, n, before, after))
				break;
	}
	printf("%s: %llu calls tried, %llu failed, none half done\n", failure_name[failure],
	    (unsigned long long)tried, (unsigned long long)failed_calls);
	ck_assert_uint_gt(tried, BX_ARRAY_COUNT(calls));
	drop();
}
END_TEST

/* Take all free blocks but `left`, in a file that the tests do not touch. */
static void
fill(uint64_t left)
{
	struct bx_fs_info info;
	uint64_t filler = 0, at = 0;
	size_t done;

	if (bx_fs_lookup(fs, BX_FS_ROOT, "filler", 6, &filler) != BX_OK &&
	    bx_fs_create(fs, BX_FS_ROOT, "filler", 6, BX_FS_FILE, owner, 1, &filler) != BX_OK)
		return;
	for (;;) {
		size_t want = sizeof bytes;

		bx_fs_get_info(fs, &info);
		if (info.blocks_free <= info.blocks_reserved + left)
			return;
		if ((info.blocks_free - info.blocks_reserved - left) * BX_FS_BLOCK < want)
			want = (size_t)(info.blocks_free - info.blocks_reserved - left) * BX_FS_BLOCK;
		if (bx_fs_write(fs, filler, at, bytes, want, 1, &done) != BX_OK)
			return;
		at += done;
		if (bx_fs_sync(fs) != BX_OK)
			die("sync while filling");
	}
}

/* FS-4, FS-6: each call with 0, 1, 2 .. blocks left. */
START_TEST(fs4_every_call_on_a_full_volume)
{
	uint64_t full = 0, done = 0;

	build(4u << 20, BX_FS_HASH_XXH64);
	for (unsigned call = 0; call < BX_ARRAY_COUNT(calls); call++) {
		for (uint64_t left = 0; left < 60; left += left < 12 ? 1 : 5) {
			uint64_t before;
			enum bx_err err;

			disk_over_reset(&over);
			ck_assert_int_eq(mount_on(&over, 0), BX_OK);
			do {
				err = bx_fs_tidy(fs);
			} while (err == BX_ERR_AGAIN);
			fill(left);
			before = digest_now();
			err = calls[call].run();
			if (err == BX_ERR_FS_FULL) {
				full++;
				if (digest_now() != before && calls[call].run != call_forget)
					die("%s with %llu blocks left: half done", calls[call].name,
					    (unsigned long long)left);
			} else if (err == BX_OK || err == BX_ERR_AGAIN) {
				done++;
			} else {
				die("%s with %llu blocks left: %s", calls[call].name, (unsigned long long)left,
				    bx_err_name(err));
			}
			volume_must_check(fs);
			/* Deleting what the snapshot does not have works always. */
			err = bx_fs_unlink(fs, BX_FS_ROOT, "filler", 6, 0, 9);
			if (err != BX_OK && err != BX_ERR_NOT_FOUND)
				die("%s with %llu blocks left: unlink: %s", calls[call].name,
				    (unsigned long long)left, bx_err_name(err));
			do {
				err = bx_fs_tidy(fs);
			} while (err == BX_ERR_AGAIN);
			ck_assert_int_eq(err, BX_OK);
			volume_must_check(fs);
		}
	}
	printf("full: %llu calls found the volume full, %llu were done\n", (unsigned long long)full,
	    (unsigned long long)done);
	ck_assert_uint_gt(full, 50);
	drop();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("fs-calls");
	TCase *tc = tcase_create("calls");

	tcase_set_timeout(tc, 0);
	tcase_add_loop_test(tc, fs6_every_call_with_every_failure, 0, FAILURES + 1);
	tcase_add_test(tc, fs4_every_call_on_a_full_volume);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
