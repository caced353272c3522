/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * volume.c -- a Linux program that uses libfs as installed: see check-install.sh.  A volume in a byte array; a
 * write, a commit, a write that the power cut takes away; what was committed is there afterwards.
 */
#include <brainix/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t disk[1 << 20], arena[BX_FS_ARENA_MIN] __attribute__((aligned(16)));

void bx_panic(const char *where, const char *what) { fprintf(stderr, "%s: %s\n", where, what); abort(); }

static enum bx_err
disk_read(void *context, uint64_t offset, void *to, size_t length)
{
	memcpy(to, (uint8_t *)context + offset, length);
	return BX_OK;
}

static enum bx_err
disk_write(void *context, uint64_t offset, const void *from, size_t length)
{
	memcpy((uint8_t *)context + offset, from, length);
	return BX_OK;
}

static enum bx_err disk_flush(void *context) { (void)context; return BX_OK; }

static void must(enum bx_err err)
{
	if (err != BX_OK)
		exit((fprintf(stderr, "%s\n", bx_err_text(err)), 1));
}

int
main(void)
{
	const struct bx_fs_device device = { disk, disk_read, disk_write, disk_flush, sizeof disk, 512 };
	const struct bx_fs_format format = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };
	const struct bx_fs_config config = { .device = &device, .arena = arena, .arena_bytes = sizeof arena };
	const struct bx_fs_owner owner = { .mode = 0644 };
	char text[16] = "";
	struct bx_fs *fs;
	uint64_t file;
	size_t done;

	must(bx_fs_format(&device, &format, arena, sizeof arena));
	must(bx_fs_mount(&config, &fs));
	must(bx_fs_create(fs, BX_FS_ROOT, "note", 4, BX_FS_FILE, owner, 1, &file));
	must(bx_fs_write(fs, file, 0, "committed", 9, 2, &done));
	must(bx_fs_sync(fs));
	must(bx_fs_write(fs, file, 0, "forgotten", 9, 3, &done));
	memset(arena, 0, sizeof arena);		/* the power cut: only the array remains */
	must(bx_fs_mount(&config, &fs));
	must(bx_fs_walk(fs, "/note", 5, &file));
	must(bx_fs_read(fs, file, 0, text, sizeof text - 1, &done));
	return puts(text) < 0 || strcmp(text, "committed") != 0;
}
