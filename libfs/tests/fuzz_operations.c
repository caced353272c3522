/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* fuzz_operations.c -- a fuzzer chooses operations; volume and model must agree, and the
 * volume must check. */
#include "support.h"

#define VOLUME_BYTES (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t arena[65536] __attribute__((aligned(16)));
	static struct model model;
	static struct disk disk;
	struct bx_fs_format format = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };
	struct bx_fs_config config = { .device = &disk.device, .arena = arena, .arena_bytes = sizeof arena };
	struct world w = {
		.model = &model,
		.rng = { .bytes = data, .left = size },
		.file_max = 80000,
		.files_max = 40,
		.allow_full = true,
		.disk = &disk,
		.time = 1,
	};

	if (disk.bytes == NULL)
		disk_init(&disk, VOLUME_BYTES, 512);
	if (bx_fs_format(&disk.device, &format, arena, sizeof arena) != BX_OK)
		die("format");
	model_init(&model, 0755, 0);
	if (bx_fs_mount(&config, &w.fs) != BX_OK)
		die("mount");
	for (unsigned i = 0; i < 200 && w.rng.left >= 2; i++) {
		uint64_t what = rng_below(&w.rng, 16);

		world_step(&w);
		if (what < 3 && bx_fs_sync(w.fs) != BX_OK)
			die("sync");
		if (what == 15) {
			if (bx_fs_sync(w.fs) != BX_OK || bx_fs_mount(&config, &w.fs) != BX_OK)
				die("mount again");
			model_mounted(&model);
		}
	}
	world_compare(&w);
	world_compare_snapshots(&w);
	volume_must_check(w.fs);
	world_free(&w);
	return 0;
}
