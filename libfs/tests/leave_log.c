/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* leave_log.c -- write a volume with random content, and with records in its log, to a file: for test-reader.sh.
 * usage: leave_log SEED FILE */
#include "support.h"

#define VOLUME_BYTES (2u << 20)

static uint8_t arena[65536] __attribute__((aligned(16)));
static struct model model;

int
main(int argc, char **argv)
{
	uint64_t seed = argc == 3 ? strtoull(argv[1], NULL, 0) : 0;
	const struct bx_fs_format format = {
		.hash = seed % 4 == 3 ? BX_FS_HASH_SHA256 : BX_FS_HASH_XXH64,
		.mode = 0755,
		.uuid = { 1, 2, 3, 4, 5, 6, 7, 8, 9, (uint8_t)seed },
	};
	struct disk disk;
	struct bx_fs_config config = { .device = &disk.device, .arena = arena, .arena_bytes = sizeof arena };
	struct world w = {
		.model = &model, .rng = { .state = seed }, .file_max = 60000, .files_max = 25, .allow_full = true,
		.time = 100, .disk = seed % 2 == 1 ? &disk : NULL,
	};
	struct bx_fs_info info;
	FILE *file;

	if (argc != 3)
		return EXIT_FAILURE;
	disk_init(&disk, VOLUME_BYTES, 512);
	if (bx_fs_format(&disk.device, &format, arena, sizeof arena) != BX_OK ||
	    bx_fs_mount(&config, &w.fs) != BX_OK)
		die("no volume");
	model_init(&model, 0755, 0);
	/* Until there are a few commits on top of a root. */
	for (unsigned i = 0; i < 4000; i++) {
		world_step(&w);
		if (i % 3 == 0 && bx_fs_sync(w.fs) != BX_OK)
			die("sync");
		bx_fs_get_info(w.fs, &info);
		if (i > 150 && info.log_records >= 2 + seed % 5)
			break;
	}
	if (bx_fs_sync(w.fs) != BX_OK)
		die("sync");
	file = fopen(argv[2], "wb");
	if (file == NULL || fwrite(disk.bytes, VOLUME_BYTES, 1, file) != 1 || fclose(file) != 0)
		die("%s: cannot be written", argv[2]);
	bx_fs_get_info(w.fs, &info);
	printf("%u records\n", info.log_records);
	world_free(&w);
	disk_free(&disk);
	return EXIT_SUCCESS;
}
