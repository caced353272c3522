/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_operations.c -- a fuzzer chooses operations; volume and model must agree, and the
 * volume must check.
 *
 * Input: one byte that chooses the volume to begin with and (bit 6) whether files may be large,
 * then two bytes for each choice (support.h, struct rng): of each step what comes after it, then
 * what world_step() draws.
 */
#include "support.h"

#define VOLUME_BYTES	(BX_FS_BLOCKS_MIN * BX_FS_BLOCK)
#define STEPS_MAX	16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What an input begins with, made once: an input changes copies of the blocks that it writes. */
struct start {
	struct disk disk, over;
	struct model model;
};

enum { EMPTY, GROWN, FULL, STARTS };
static struct start starts[STARTS];
static uint8_t arena[BX_FS_ARENA_MIN] __attribute__((aligned(16)));

/* Small files and short writes, so that little is to be compared; or as they come. */
static struct world
world_of(struct model *model, struct bx_fs *fs, bool large)
{
	return (struct world){
		.fs = fs,
		.model = model,
		.file_max = large ? 80000 : 8192,
		.write_max = large ? 0 : 2500,
		.files_max = 40,
		.allow_full = true,
		.time = 1,
	};
}

static struct bx_fs *
mount(const struct disk *disk)
{
	const struct bx_fs_config config = {
		.device = &disk->device,
		.arena = arena,
		.arena_bytes = sizeof arena,
	};
	struct bx_fs *fs;

	if (bx_fs_mount(&config, &fs) != BX_OK)
		die("mount");
	return fs;
}

/* `full`: nearly so, by a long log and large files, so that an input of a few operations finds it full. */
static void
start_make(struct start *s, unsigned steps, bool full)
{
	const struct bx_fs_format format = { .hash = BX_FS_HASH_XXH64, .mode = 0755, .log_blocks = full ? BX_FS_LOG_MAX : 0 };
	struct bx_fs_info info;
	struct world w;

	disk_init(&s->disk, VOLUME_BYTES, 512);
	if (bx_fs_format(&s->disk.device, &format, arena, sizeof arena) != BX_OK)
		die("format");
	model_init(&s->model, 0755, 0);
	w = world_of(&s->model, mount(&s->disk), full);
	for (unsigned i = 0; i < steps; i++) {
		world_step(&w);
		bx_fs_get_info(w.fs, &info);
		if (full && info.blocks_free <= info.blocks_reserved + 24)
			break;
		if (full && i + 1 == steps)
			die("too much room");
	}
	if (bx_fs_unmount(w.fs) != BX_OK)
		die("unmount");
	model_mounted(&s->model);
	(void)model_digest(&s->model);		/* that of a file that stays as it is need not be made again */
	disk_init_over(&s->over, &s->disk);
}

static struct start *
start_choose(uint8_t byte)
{
	if (starts[EMPTY].disk.bytes == NULL) {
		start_make(&starts[EMPTY], 0, false);
		start_make(&starts[GROWN], 60, false);		/* several leaves */
		start_make(&starts[FULL], 5000, true);
	}
	return &starts[byte % 16 == 15 ? FULL : byte % 2 == 1 ? GROWN : EMPTY];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct model model;
	struct start *start;
	struct world w;

	if (size == 0)
		return 0;
	start = start_choose(data[0]);
	disk_over_reset(&start->over);
	model_load(&model, &start->model);
	w = world_of(&model, mount(&start->over), (data[0] & 64) != 0);
	w.disk = &start->over;
	w.rng.bytes = data + 1;
	w.rng.left = size - 1;
	for (unsigned i = 0; i < STEPS_MAX && w.rng.left >= 2; i++) {
		uint64_t what = rng_below(&w.rng, 16);

		world_step(&w);
		if ((what < 3 || what == 15) && bx_fs_sync(w.fs) != BX_OK)
			die("sync");
		if (what == 15) {
			w.fs = mount(&start->over);
			model_mounted(&model);
		}
	}
	world_compare_snapshots(&w);		/* and the files */
	volume_must_check(w.fs);
	world_free(&w);
	return 0;
}
