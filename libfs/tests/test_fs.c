/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* test_fs.c -- libfs, part by part and call by call: the volume that each test gets, and main(). */
#include "test_fs.h"

uint8_t arena[1u << 18] __attribute__((aligned(16)));
uint8_t other_arena[1u << 18] __attribute__((aligned(16)));
struct disk disk;
struct bx_fs *fs;
const struct bx_fs_owner owner = { .uid = 1, .gid = 2, .mode = 0640 };

struct bx_fs_config
config_of(struct disk *d)
{
	return (struct bx_fs_config){
		.device = &d->device,
		.arena = d == &disk ? arena : other_arena,
		.arena_bytes = 65536,
	};
}

static void
setup(void)
{
	struct bx_fs_format format = { .hash = BX_FS_HASH_XXH64, .mode = 0755, .label = "test" };
	struct bx_fs_config config;

	disk_init(&disk, 4u << 20, 512);
	config = config_of(&disk);
	ck_assert_int_eq(bx_fs_format(&disk.device, &format, arena, sizeof arena), BX_OK);
	ck_assert_int_eq(bx_fs_mount(&config, &fs), BX_OK);
}

static void
teardown(void)
{
	volume_end(fs, &disk);
}

uint64_t
make(uint64_t directory, const char *name, enum bx_fs_type type)
{
	uint64_t inode;

	ck_assert_int_eq(bx_fs_create(fs, directory, name, strlen(name), type, owner, 10, &inode), BX_OK);
	return inode;
}

void
put(uint64_t inode, uint64_t offset, const void *bytes, size_t length)
{
	size_t done;

	for (size_t at = 0; at < length; at += done)
		ck_assert_int_eq(bx_fs_write(fs, inode, offset + at, (const uint8_t *)bytes + at, length - at,
		    11, &done), BX_OK);
}

void
remount(void)
{
	struct bx_fs_config config = config_of(&disk);

	ck_assert_int_eq(bx_fs_mount(&config, &fs), BX_OK);
}

int
main(void)
{
	Suite *suite = suite_create("fs");
	TCase *tc = tcase_create("volume");

	tcase_set_timeout(tc, 0);
	tcase_add_checked_fixture(tc, setup, teardown);
	add_parts(tc);
	add_mount(tc);
	add_contracts(tc);
	add_refusals(tc);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
