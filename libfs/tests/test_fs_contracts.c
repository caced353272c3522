/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* test_fs_contracts.c -- what the calls do, one by one. */
#include "test_fs.h"

START_TEST(names_are_checked)
{
	static char long_name[257];
	static const struct {
		const char *name;
		size_t length;
	} bad[] = { { "", 0 }, { ".", 1 }, { "..", 2 }, { "a/b", 3 }, { "a\0b", 3 }, { long_name, 256 } };
	uint64_t inode = 77;
	const char *name = bad[_i].name;
	size_t length = bad[_i].length;

	memset(long_name, 'x', 256);
	make(BX_FS_ROOT, "ok", BX_FS_FILE);
	ck_assert_int_eq(bx_fs_create(fs, BX_FS_ROOT, name, length, BX_FS_FILE, owner, 1, &inode),
	    BX_ERR_FS_NAME);
	ck_assert_int_eq(bx_fs_lookup(fs, BX_FS_ROOT, name, length, &inode), BX_ERR_FS_NAME);
	ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, name, length, 0, 1), BX_ERR_FS_NAME);
	ck_assert_int_eq(bx_fs_remove_directory(fs, BX_FS_ROOT, name, length, 1), BX_ERR_FS_NAME);
	ck_assert_int_eq(bx_fs_link(fs, 2, BX_FS_ROOT, name, length, 1), BX_ERR_FS_NAME);
	ck_assert_int_eq(bx_fs_symlink(fs, BX_FS_ROOT, name, length, "t", 1, owner, 1, &inode),
	    BX_ERR_FS_NAME);
	ck_assert_int_eq(bx_fs_rename(fs, BX_FS_ROOT, "ok", 2, BX_FS_ROOT, name, length, 0, 1),
	    BX_ERR_FS_NAME);
	ck_assert_int_eq(bx_fs_rename(fs, BX_FS_ROOT, name, length, BX_FS_ROOT, "n", 1, 0, 1),
	    BX_ERR_FS_NAME);
	ck_assert_uint_eq(inode, 77);
}
END_TEST

/* Wrong kinds and numbers; outputs stay as they were. */
START_TEST(wrong_objects_are_refused)
{
	uint64_t file = make(BX_FS_ROOT, "file", BX_FS_FILE), dir = make(BX_FS_ROOT, "dir", BX_FS_DIRECTORY);
	uint64_t link, out = 77;
	struct bx_fs_entry entry = { .inode = 77 };
	struct bx_fs_stat st = { .inode = 77 };
	size_t done = 77;
	char bytes[16];

	ck_assert_int_eq(bx_fs_symlink(fs, BX_FS_ROOT, "link", 4, "target", 6, owner, 1, &link), BX_OK);
	ck_assert_int_eq(bx_fs_create(fs, file, "x", 1, BX_FS_FILE, owner, 1, &out), BX_ERR_FS_NOT_DIR);
	ck_assert_int_eq(bx_fs_create(fs, 99, "x", 1, BX_FS_FILE, owner, 1, &out), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_fs_create(fs, dir, "x", 1, BX_FS_SYMLINK, owner, 1, &out), BX_ERR_INVALID);
	ck_assert_int_eq(bx_fs_create(fs, BX_FS_ROOT, "file", 4, BX_FS_FILE, owner, 1, &out), BX_ERR_EXISTS);
	ck_assert_int_eq(bx_fs_create(fs, dir, "x", 1, BX_FS_FILE, (struct bx_fs_owner){ .mode = 010000 }, 1,
	    &out), BX_ERR_INVALID);
	ck_assert_int_eq(bx_fs_symlink(fs, dir, "x", 1, "", 0, owner, 1, &out), BX_ERR_RANGE);
	ck_assert_int_eq(bx_fs_lookup(fs, file, "x", 1, &out), BX_ERR_FS_NOT_DIR);
	ck_assert_int_eq(bx_fs_lookup(fs, 99, "x", 1, &out), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_fs_link(fs, dir, BX_FS_ROOT, "x", 1, 1), BX_ERR_FS_IS_DIR);
	ck_assert_int_eq(bx_fs_link(fs, file, BX_FS_ROOT, "dir", 3, 1), BX_ERR_EXISTS);
	ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, "dir", 3, 0, 1), BX_ERR_FS_IS_DIR);
	ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, "file", 4, 4, 1), BX_ERR_INVALID);
	ck_assert_int_eq(bx_fs_remove_directory(fs, BX_FS_ROOT, "file", 4, 1), BX_ERR_FS_NOT_DIR);
	ck_assert_int_eq(bx_fs_rename(fs, BX_FS_ROOT, "file", 4, BX_FS_ROOT, "x", 1, 8, 1), BX_ERR_INVALID);
	ck_assert_int_eq(bx_fs_next_entry(fs, file, "", 0, &entry), BX_ERR_FS_NOT_DIR);
	ck_assert_int_eq(bx_fs_next_entry(fs, dir, "", 0, &entry), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_fs_next_entry(fs, dir, "", 256, &entry), BX_ERR_FS_NAME);
	ck_assert_int_eq(bx_fs_stat(fs, 99, &st), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_fs_read(fs, dir, 0, bytes, 1, &done), BX_ERR_FS_IS_DIR);
	ck_assert_int_eq(bx_fs_read(fs, link, 0, bytes, 1, &done), BX_ERR_INVALID);
	ck_assert_int_eq(bx_fs_write(fs, dir, 0, bytes, 1, 1, &done), BX_ERR_FS_IS_DIR);
	ck_assert_int_eq(bx_fs_write(fs, file, BX_FS_SIZE_MAX, bytes, 1, 1, &done), BX_ERR_RANGE);
	ck_assert_int_eq(bx_fs_truncate(fs, file, BX_FS_SIZE_MAX + 1, 1), BX_ERR_RANGE);
	ck_assert_int_eq(bx_fs_truncate(fs, dir, 1, 1), BX_ERR_FS_IS_DIR);
	ck_assert_int_eq(bx_fs_punch(fs, file, 1, BX_FS_SIZE_MAX, 1), BX_ERR_RANGE);
	ck_assert_int_eq(bx_fs_punch(fs, dir, 1, 1, 1), BX_ERR_FS_IS_DIR);
	ck_assert_int_eq(bx_fs_read_link(fs, file, bytes, sizeof bytes, &done), BX_ERR_INVALID);
	ck_assert_int_eq(bx_fs_read_link(fs, link, bytes, 5, &done), BX_ERR_OVERFLOW);
	ck_assert_int_eq(bx_fs_set_stat(fs, file, 16, &st, 1), BX_ERR_INVALID);
	ck_assert_int_eq(bx_fs_set_stat(fs, file, 0, &st, 1), BX_ERR_INVALID);
	ck_assert_int_eq(bx_fs_forget(fs, file), BX_ERR_NOT_FOUND);
	ck_assert_uint_eq(done, 77);
	ck_assert_uint_eq(out, 77);
	ck_assert_uint_eq(entry.inode, 77);
	ck_assert_uint_eq(st.inode, 77);
	ck_assert_int_eq(bx_fs_read_link(fs, link, bytes, sizeof bytes, &done), BX_OK);
	ck_assert_mem_eq(bytes, "target", 6);
	ck_assert_uint_eq(done, 6);
}
END_TEST

START_TEST(attributes)
{
	uint64_t file = make(BX_FS_ROOT, "file", BX_FS_FILE);
	uint8_t value[BX_FS_ATTR_MAX + 1] = { 5 }, got[BX_FS_ATTR_MAX];
	char name[BX_FS_NAME_MAX + 1] = "keep";
	size_t length = 77;

	ck_assert_int_eq(bx_fs_set_attr(fs, file, "", 0, "x", 1, 1), BX_ERR_FS_NAME);
	ck_assert_int_eq(bx_fs_set_attr(fs, file, "a\0", 2, "x", 1, 1), BX_ERR_FS_NAME);
	ck_assert_int_eq(bx_fs_set_attr(fs, file, "a", 1, value, sizeof value, 1), BX_ERR_RANGE);
	ck_assert_int_eq(bx_fs_set_attr(fs, 99, "a", 1, value, 1, 1), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_fs_get_attr(fs, file, "a", 1, got, sizeof got, &length), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_fs_get_attr(fs, file, "", 0, got, sizeof got, &length), BX_ERR_FS_NAME);
	ck_assert_int_eq(bx_fs_remove_attr(fs, file, "a", 1, 1), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_fs_remove_attr(fs, file, "", 0, 1), BX_ERR_FS_NAME);
	ck_assert_int_eq(bx_fs_next_attr(fs, file, "", 0, name, &length), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_fs_next_attr(fs, file, "", 256, name, &length), BX_ERR_FS_NAME);
	ck_assert_uint_eq(length, 77);
	ck_assert_str_eq(name, "keep");
	ck_assert_int_eq(bx_fs_set_attr(fs, file, "b", 1, value, BX_FS_ATTR_MAX, 1), BX_OK);
	ck_assert_int_eq(bx_fs_set_attr(fs, file, "a", 1, NULL, 0, 1), BX_OK);
	ck_assert_int_eq(bx_fs_get_attr(fs, file, "b", 1, got, 10, &length), BX_ERR_OVERFLOW);
	ck_assert_int_eq(bx_fs_get_attr(fs, file, "b", 1, got, sizeof got, &length), BX_OK);
	ck_assert_uint_eq(length, BX_FS_ATTR_MAX);
	ck_assert_mem_eq(got, value, BX_FS_ATTR_MAX);
	ck_assert_int_eq(bx_fs_next_attr(fs, file, "", 0, name, &length), BX_OK);
	ck_assert_str_eq(name, "a");
	ck_assert_int_eq(bx_fs_next_attr(fs, file, "b", 1, name, &length), BX_ERR_NOT_FOUND);
	/* A file with attributes goes in steps. */
	for (unsigned i = 0; i < 40; i++) {
		snprintf(name, sizeof name, "attr%u", i);
		ck_assert_int_eq(bx_fs_set_attr(fs, file, name, strlen(name), value, 200, 1), BX_OK);
	}
	ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, "file", 4, 0, 1), BX_OK);
	ck_assert_int_eq(bx_fs_tidy(fs), BX_ERR_AGAIN);
	while (bx_fs_tidy(fs) == BX_ERR_AGAIN)
		continue;
	ck_assert_int_eq(bx_fs_tidy(fs), BX_OK);
}
END_TEST

START_TEST(paths_are_followed)
{
	uint64_t a = make(BX_FS_ROOT, "a", BX_FS_DIRECTORY), b = make(a, "b", BX_FS_DIRECTORY);
	uint64_t f = make(b, "f", BX_FS_FILE), inode = 77;
	static char deep[600];

	ck_assert_int_eq(bx_fs_walk(fs, "", 0, &inode), BX_OK);
	ck_assert_uint_eq(inode, BX_FS_ROOT);
	ck_assert_int_eq(bx_fs_walk(fs, "/a/b/f", 6, &inode), BX_OK);
	ck_assert_uint_eq(inode, f);
	ck_assert_int_eq(bx_fs_walk(fs, "a//./b/../../a/", 15, &inode), BX_OK);
	ck_assert_uint_eq(inode, a);
	ck_assert_int_eq(bx_fs_walk(fs, "../..", 5, &inode), BX_OK);
	ck_assert_uint_eq(inode, BX_FS_ROOT);
	ck_assert_int_eq(bx_fs_walk(fs, "a/b/f/x", 7, &inode), BX_ERR_FS_NOT_DIR);
	ck_assert_int_eq(bx_fs_walk(fs, "a/b/f/..", 8, &inode), BX_ERR_FS_NOT_DIR);
	ck_assert_int_eq(bx_fs_walk(fs, "a/none", 6, &inode), BX_ERR_NOT_FOUND);
	memset(deep, '.', sizeof deep);
	for (size_t i = 1; i < sizeof deep; i += 2)
		deep[i] = '/';
	ck_assert_int_eq(bx_fs_walk(fs, deep, sizeof deep, &inode), BX_ERR_RANGE);
	ck_assert_uint_eq(inode, BX_FS_ROOT);
}
END_TEST

/* Holes read as zeros and cost nothing; the largest offset works. */
START_TEST(sparse_files)
{
	uint64_t file = make(BX_FS_ROOT, "sparse", BX_FS_FILE), offset = 0;
	static uint8_t bytes[BX_FS_READ_MAX], zeros[BX_FS_READ_MAX];
	struct bx_fs_stat st;
	size_t done;

	ck_assert_int_eq(bx_fs_truncate(fs, file, 100000, 1), BX_OK);
	ck_assert_int_eq(bx_fs_read(fs, file, 0, bytes, 100000, &done), BX_OK);
	ck_assert_mem_eq(bytes, zeros, 100000);
	put(file, BX_FS_SIZE_MAX - 4096, "end", 3);
	put(file, UINT64_C(1) << 40, "middle", 6);
	put(file, 8192, "start", 5);
	ck_assert_int_eq(bx_fs_stat(fs, file, &st), BX_OK);
	ck_assert_uint_eq(st.size, BX_FS_SIZE_MAX - 4093);
	ck_assert_uint_eq(st.blocks, 3);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	remount();
	ck_assert_int_eq(bx_fs_read(fs, file, 0, bytes, sizeof bytes, &done), BX_OK);
	ck_assert_uint_eq(done, sizeof bytes);
	ck_assert_mem_eq(bytes + 8192, "start", 5);
	memset(bytes + 8192, 0, 5);
	ck_assert_mem_eq(bytes, zeros, sizeof bytes);
	ck_assert_int_eq(bx_fs_read(fs, file, UINT64_C(1) << 40, bytes, 6, &done), BX_OK);
	ck_assert_mem_eq(bytes, "middle", 6);
	ck_assert_int_eq(bx_fs_read(fs, file, BX_FS_SIZE_MAX - 4096, bytes, 100, &done), BX_OK);
	ck_assert_uint_eq(done, 3);
	ck_assert_int_eq(bx_fs_read(fs, file, BX_FS_SIZE_MAX, bytes, 100, &done), BX_OK);
	ck_assert_uint_eq(done, 0);
	ck_assert_int_eq(bx_fs_verify(fs, file, &offset), BX_OK);
	ck_assert_int_eq(bx_fs_punch(fs, file, 0, BX_FS_SIZE_MAX, 5), BX_OK);
	ck_assert_int_eq(bx_fs_stat(fs, file, &st), BX_OK);
	ck_assert_uint_eq(st.blocks, 0);
}
END_TEST

static void
must_find(uint64_t file, uint64_t offset, uint64_t from, uint64_t end)
{
	uint64_t length = 77;

	ck_assert_int_eq(bx_fs_next_data(fs, file, &offset, &length), BX_OK);
	ck_assert_uint_eq(offset, from);
	ck_assert_uint_eq(offset + length, end);
}

START_TEST(content_is_found_between_holes)
{
	uint64_t file = make(BX_FS_ROOT, "sparse", BX_FS_FILE), small = make(BX_FS_ROOT, "small", BX_FS_FILE);
	uint64_t link, offset = 3, length = 77;

	ck_assert_int_eq(bx_fs_next_data(fs, small, &offset, &length), BX_ERR_NOT_FOUND);
	put(small, 0, "inline", 6);
	must_find(small, 0, 0, 6);
	ck_assert_int_eq(bx_fs_truncate(fs, small, BX_FS_SIZE_MAX, 1), BX_OK);
	must_find(small, 0, 0, BX_FS_INLINE_MAX);
	must_find(small, 5, 5, BX_FS_INLINE_MAX);
	offset = BX_FS_INLINE_MAX;
	ck_assert_int_eq(bx_fs_next_data(fs, small, &offset, &length), BX_ERR_NOT_FOUND);
	put(file, 8192, arena, 5000);
	put(file, UINT64_C(1) << 40, "middle", 6);
	put(file, BX_FS_SIZE_MAX - 4096, "end", 3);
	must_find(file, 0, 8192, 12288);
	must_find(file, 9000, 9000, 12288);
	must_find(file, 12288, 12288, 16384);
	must_find(file, 16384, UINT64_C(1) << 40, (UINT64_C(1) << 40) + 4096);
	must_find(file, (UINT64_C(1) << 40) + 4096, BX_FS_SIZE_MAX - 4096, BX_FS_SIZE_MAX - 4093);
	offset = BX_FS_SIZE_MAX - 4093;
	ck_assert_int_eq(bx_fs_next_data(fs, file, &offset, &length), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_fs_truncate(fs, file, UINT64_C(1) << 50, 1), BX_OK);
	offset = (UINT64_C(1) << 40) + 4096;
	ck_assert_int_eq(bx_fs_next_data(fs, file, &offset, &length), BX_ERR_NOT_FOUND);
	offset = UINT64_MAX;
	ck_assert_int_eq(bx_fs_next_data(fs, file, &offset, &length), BX_ERR_NOT_FOUND);
	ck_assert_uint_eq(offset, UINT64_MAX);
	ck_assert_uint_eq(length, 77);
	ck_assert_int_eq(bx_fs_next_data(fs, BX_FS_ROOT, &offset, &length), BX_ERR_FS_IS_DIR);
	ck_assert_int_eq(bx_fs_symlink(fs, BX_FS_ROOT, "l", 1, "t", 1, owner, 1, &link), BX_OK);
	ck_assert_int_eq(bx_fs_next_data(fs, link, &offset, &length), BX_ERR_INVALID);
	ck_assert_int_eq(bx_fs_next_data(fs, 999, &offset, &length), BX_ERR_NOT_FOUND);
}
END_TEST

/* What verify and read say of a damaged block, and that the rest of the file remains. */
START_TEST(fs1_damage_has_a_place)
{
	uint64_t file = make(BX_FS_ROOT, "file", BX_FS_FILE), offset = 0;
	static uint8_t bytes[40 * BX_FS_BLOCK];
	uint8_t zeros[BX_FS_BLOCK] = { 0 };
	size_t done = 77;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i / BX_FS_BLOCK + 100);
	put(file, 0, bytes, sizeof bytes);
	ck_assert_int_eq(bx_fs_unmount(fs), BX_OK);
	for (uint64_t b = 0; b < 1024; b++)
		if (memcmp(disk.bytes + b * BX_FS_BLOCK, bytes + 33 * BX_FS_BLOCK, BX_FS_BLOCK) == 0)
			disk.bytes[b * BX_FS_BLOCK + 5] ^= 1;
	remount();
	ck_assert_int_eq(bx_fs_verify(fs, file, &offset), BX_ERR_CORRUPT);
	ck_assert_uint_eq(offset, 33 * BX_FS_BLOCK);
	memset(bytes, 0xee, sizeof bytes);
	ck_assert_int_eq(bx_fs_read(fs, file, 33 * BX_FS_BLOCK, bytes, BX_FS_BLOCK, &done), BX_ERR_CORRUPT);
	ck_assert_uint_eq(done, 77);
	ck_assert_mem_eq(bytes, zeros, BX_FS_BLOCK);
	ck_assert_int_eq(bx_fs_read(fs, file, 33 * BX_FS_BLOCK + 1, bytes, 9, &done), BX_ERR_CORRUPT);
	ck_assert_int_eq(bx_fs_read(fs, file, 34 * BX_FS_BLOCK, bytes, BX_FS_BLOCK, &done), BX_OK);
	ck_assert_uint_eq(volume_check(fs, false), 1);
	/* Deleting it needs no read of its content. */
	ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, "file", 4, 0, 3), BX_OK);
	while (bx_fs_tidy(fs) == BX_ERR_AGAIN)
		continue;
	ck_assert_int_eq(bx_fs_tidy(fs), BX_OK);
}
END_TEST

START_TEST(transactions)
{
	struct bx_fs_config config = config_of(&disk);
	uint64_t file = make(BX_FS_ROOT, "file", BX_FS_FILE), inode, kept;
	uint8_t bytes[8192] = { 1 };
	struct bx_fs_stat st;
	struct bx_fs_info info;
	size_t done;

	kept = make(BX_FS_ROOT, "kept", BX_FS_FILE);
	put(kept, 0, "k", 1);
	ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, "kept", 4, BX_FS_KEEP, 1), BX_OK);
	ck_assert_int_eq(bx_fs_end(fs), BX_ERR_STATE);
	ck_assert_int_eq(bx_fs_abort(fs), BX_ERR_STATE);
	ck_assert_int_eq(bx_fs_begin(fs), BX_OK);
	ck_assert_int_eq(bx_fs_begin(fs), BX_ERR_STATE);
	ck_assert_int_eq(bx_fs_sync(fs), BX_ERR_STATE);
	ck_assert_int_eq(bx_fs_unmount(fs), BX_ERR_STATE);
	ck_assert_int_eq(bx_fs_repair_root(fs), BX_ERR_STATE);
	ck_assert_int_eq(bx_fs_seal(fs, bytes), BX_ERR_STATE);
	put(file, 0, bytes, sizeof bytes);
	make(BX_FS_ROOT, "other", BX_FS_FILE);
	ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, "file", 4, 0, 2), BX_OK);
	ck_assert_int_eq(bx_fs_forget(fs, kept), BX_OK);
	ck_assert_int_eq(bx_fs_abort(fs), BX_OK);
	ck_assert_int_eq(bx_fs_stat(fs, file, &st), BX_OK);
	ck_assert_uint_eq(st.size, 0);
	ck_assert_int_eq(bx_fs_lookup(fs, BX_FS_ROOT, "other", 5, &inode), BX_ERR_NOT_FOUND);
	/* What was kept open before it is kept open after it. */
	ck_assert_int_eq(bx_fs_read(fs, kept, 0, bytes, 1, &done), BX_OK);
	ck_assert_uint_eq(bytes[0], 'k');
	ck_assert_int_eq(bx_fs_forget(fs, kept), BX_OK);
	ck_assert_int_eq(bx_fs_read(fs, kept, 0, bytes, 1, &done), BX_ERR_NOT_FOUND);
	/* One that is not closed is not there after a crash; one that is, is there
	 * whole. */
	ck_assert_int_eq(bx_fs_begin(fs), BX_OK);
	make(BX_FS_ROOT, "one", BX_FS_FILE);
	make(BX_FS_ROOT, "two", BX_FS_FILE);
	ck_assert_int_eq(bx_fs_mount(&config, &fs), BX_OK);
	ck_assert_int_eq(bx_fs_lookup(fs, BX_FS_ROOT, "one", 3, &inode), BX_ERR_NOT_FOUND);
	ck_assert_int_eq(bx_fs_begin(fs), BX_OK);
	make(BX_FS_ROOT, "one", BX_FS_FILE);
	make(BX_FS_ROOT, "two", BX_FS_FILE);
	ck_assert_int_eq(bx_fs_end(fs), BX_OK);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	ck_assert_int_eq(bx_fs_mount(&config, &fs), BX_OK);
	ck_assert_int_eq(bx_fs_lookup(fs, BX_FS_ROOT, "one", 3, &inode), BX_OK);
	ck_assert_int_eq(bx_fs_lookup(fs, BX_FS_ROOT, "two", 3, &inode), BX_OK);
	/* One that is too large for the arena says so, and can be undone. */
	ck_assert_int_eq(bx_fs_begin(fs), BX_OK);
	{
		enum bx_err err = BX_OK;

		for (unsigned i = 0; i < 100000 && err == BX_OK; i++)
			err = bx_fs_write(fs, inode, (i * (7 + i / 300 * 4) % 300) * 8192, bytes, 4096, 1, &done);
		ck_assert(err == BX_ERR_NO_MEMORY || err == BX_ERR_FS_FULL);
	}
	ck_assert_int_eq(bx_fs_abort(fs), BX_OK);
	bx_fs_get_info(fs, &info);
	ck_assert_int_eq(bx_fs_stat(fs, inode, &st), BX_OK);
	ck_assert_uint_eq(st.size, 0);
}
END_TEST

/* A read-only mount refuses every change and writes nothing. */
START_TEST(read_only_mount)
{
	struct bx_fs_config config = config_of(&disk);
	uint64_t file = make(BX_FS_ROOT, "file", BX_FS_FILE), out = 77;
	struct bx_fs_stat st = { .mode = 1 };
	uint8_t hash[32];
	size_t done = 77;

	put(file, 0, arena, 9000);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	put(file, 9000, arena, 100);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	config.flags = BX_FS_MOUNT_READ_ONLY;
	disk.write_is_error = true;
	ck_assert_int_eq(bx_fs_mount(&config, &fs), BX_OK);
	ck_assert_int_eq(bx_fs_stat(fs, file, &st), BX_OK);
	ck_assert_uint_eq(st.size, 9100);
	ck_assert_int_eq(bx_fs_create(fs, BX_FS_ROOT, "x", 1, BX_FS_FILE, owner, 1, &out),
	    BX_ERR_FS_READ_ONLY);
	ck_assert_int_eq(bx_fs_write(fs, file, 0, "x", 1, 1, &done), BX_ERR_FS_READ_ONLY);
	ck_assert_int_eq(bx_fs_truncate(fs, file, 0, 1), BX_ERR_FS_READ_ONLY);
	ck_assert_int_eq(bx_fs_punch(fs, file, 0, 1, 1), BX_ERR_FS_READ_ONLY);
	ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, "file", 4, 0, 1), BX_ERR_FS_READ_ONLY);
	ck_assert_int_eq(bx_fs_rename(fs, BX_FS_ROOT, "file", 4, BX_FS_ROOT, "y", 1, 0, 1),
	    BX_ERR_FS_READ_ONLY);
	ck_assert_int_eq(bx_fs_link(fs, file, BX_FS_ROOT, "y", 1, 1), BX_ERR_FS_READ_ONLY);
	ck_assert_int_eq(bx_fs_set_attr(fs, file, "a", 1, "b", 1, 1), BX_ERR_FS_READ_ONLY);
	ck_assert_int_eq(bx_fs_set_stat(fs, file, 1, &st, 1), BX_ERR_FS_READ_ONLY);
	ck_assert_int_eq(bx_fs_tidy(fs), BX_ERR_FS_READ_ONLY);
	ck_assert_int_eq(bx_fs_begin(fs), BX_ERR_FS_READ_ONLY);
	ck_assert_int_eq(bx_fs_seal(fs, hash), BX_ERR_FS_READ_ONLY);
	ck_assert_int_eq(bx_fs_repair_root(fs), BX_ERR_FS_READ_ONLY);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	ck_assert_uint_eq(volume_check(fs, true), 0);
	ck_assert_int_eq(bx_fs_unmount(fs), BX_OK);
	ck_assert_uint_eq(out, 77);
	ck_assert_uint_eq(done, 77);
	disk.write_is_error = false;
}
END_TEST

START_TEST(renames_that_make_a_loop_are_refused)
{
	uint64_t a = make(BX_FS_ROOT, "a", BX_FS_DIRECTORY), b = make(a, "b", BX_FS_DIRECTORY);
	uint64_t at = b;

	ck_assert_int_eq(bx_fs_rename(fs, BX_FS_ROOT, "a", 1, b, "x", 1, 0, 1), BX_ERR_FS_LOOP);
	ck_assert_int_eq(bx_fs_rename(fs, BX_FS_ROOT, "a", 1, a, "x", 1, 0, 1), BX_ERR_FS_LOOP);
	ck_assert_int_eq(bx_fs_rename(fs, a, "b", 1, a, "b", 1, 0, 1), BX_OK);
	for (unsigned i = 0; i < BX_FS_DEPTH_MAX; i++)
		at = make(at, "d", BX_FS_DIRECTORY);
	make(BX_FS_ROOT, "m", BX_FS_DIRECTORY);
	ck_assert_int_eq(bx_fs_rename(fs, BX_FS_ROOT, "m", 1, at, "x", 1, 0, 1), BX_ERR_RANGE);
}
END_TEST

/* FS-4: a volume is not full while what was deleted waits for the next root, whatever is kept for tree blocks. */
START_TEST(fs4_what_was_deleted_can_be_written_again)
{
	static uint8_t bytes[BX_FS_WRITE_MAX];
	const uint64_t all = disk.size * 3 / 8;
	enum bx_err err;

	for (uint64_t at = 0, file = make(BX_FS_ROOT, "stays", BX_FS_FILE); at < all; at += sizeof bytes)
		put(file, at, bytes, sizeof bytes);
	for (unsigned turn = 0; turn < 40; turn++) {
		size_t unit = turn % 2 == 0 ? sizeof bytes : 5 * BX_FS_BLOCK;
		uint64_t file = make(BX_FS_ROOT, "comes and goes", BX_FS_FILE);

		for (uint64_t at = 0; at < all + turn * BX_FS_BLOCK; at += unit)
			put(file, at, bytes, unit);
		ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
		ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, "comes and goes", 14, 0, 1), BX_OK);
		do {
			err = bx_fs_tidy(fs);
		} while (err == BX_ERR_AGAIN);
		ck_assert_int_eq(err, BX_OK);
		ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	}
}
END_TEST

/* 20,000 names in one directory, in an order that is none, with the smallest arena. */
START_TEST(a_large_directory)
{
	uint64_t dir = make(BX_FS_ROOT, "dir", BX_FS_DIRECTORY), inode;
	struct bx_fs_entry e = { .name_length = 0 };
	struct bx_fs_stat st;
	char name[32], before[256] = "";
	unsigned seen = 0;
	enum bx_err err;

	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof name, "%x-%u", i * 2654435761u, i);
		make(dir, name, BX_FS_FILE);
	}
	while ((err = bx_fs_next_entry(fs, dir, e.name, e.name_length, &e)) == BX_OK) {
		ck_assert_int_lt(strcmp(before, e.name), 0);
		strcpy(before, e.name);
		seen++;
	}
	ck_assert_int_eq(err, BX_ERR_NOT_FOUND);
	ck_assert_uint_eq(seen, 20000);
	ck_assert_int_eq(bx_fs_stat(fs, dir, &st), BX_OK);
	ck_assert_uint_eq(st.size, 20000);
	ck_assert_int_eq(bx_fs_remove_directory(fs, BX_FS_ROOT, "dir", 3, 1), BX_ERR_FS_NOT_EMPTY);
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof name, "%x-%u", i * 2654435761u, i);
		ck_assert_int_eq(bx_fs_lookup(fs, dir, name, strlen(name), &inode), BX_OK);
		if (i % 2 == 0)
			ck_assert_int_eq(bx_fs_unlink(fs, dir, name, strlen(name), 0, 1), BX_OK);
	}
	volume_must_check(fs);
	for (unsigned i = 1; i < 20000; i += 2) {
		snprintf(name, sizeof name, "%x-%u", i * 2654435761u, i);
		ck_assert_int_eq(bx_fs_unlink(fs, dir, name, strlen(name), 0, 1), BX_OK);
	}
	ck_assert_int_eq(bx_fs_remove_directory(fs, BX_FS_ROOT, "dir", 3, 1), BX_OK);
}
END_TEST

START_TEST(sealing_without_a_signature)
{
	struct bx_fs_config config = config_of(&disk);
	uint8_t hash[32];
	uint64_t file = make(BX_FS_ROOT, "f", BX_FS_FILE);
	size_t done;

	put(file, 0, "abc", 3);
	ck_assert_int_eq(bx_fs_seal(fs, hash), BX_OK);
	ck_assert_int_eq(bx_fs_mount(&config, &fs), BX_OK);
	ck_assert_int_eq(bx_fs_write(fs, file, 0, "x", 1, 1, &done), BX_ERR_FS_READ_ONLY);
	/* A hash can only vouch for a SHA-256 volume. */
	config.root_hash = hash;
	ck_assert_int_eq(bx_fs_mount(&config, &fs), BX_ERR_CORRUPT);
	remount();
}
END_TEST

void
add_contracts(TCase *tc)
{
	tcase_add_loop_test(tc, names_are_checked, 0, 6);
	tcase_add_test(tc, wrong_objects_are_refused);
	tcase_add_test(tc, attributes);
	tcase_add_test(tc, paths_are_followed);
	tcase_add_test(tc, sparse_files);
	tcase_add_test(tc, content_is_found_between_holes);
	tcase_add_test(tc, fs1_damage_has_a_place);
	tcase_add_test(tc, transactions);
	tcase_add_test(tc, read_only_mount);
	tcase_add_test(tc, renames_that_make_a_loop_are_refused);
	tcase_add_test(tc, fs4_what_was_deleted_can_be_written_again);
	tcase_add_test(tc, a_large_directory);
	tcase_add_test(tc, sealing_without_a_signature);
}
