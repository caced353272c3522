/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_fs_model.c -- random operations on a volume and on a plain model, compared after
 * every one, after remounts, on full volumes, with small and large arenas.  BX_FS_STEPS and
 * BX_FS_SEED make it longer or other.
 */
#include "suite.h"

static struct model model;

static unsigned long
setting(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value != NULL ? strtoul(value, NULL, 0) : otherwise;
}

struct shape {
	uint64_t size;
	size_t arena;
	uint32_t file_max, files_max, sector;
	enum bx_fs_hash hash;
	bool full, snapshots;
	unsigned share;		/* percent of the steps */
};

static const struct shape shapes[] = {
	{ 8u << 20, 65536, 200000, 40, 512, BX_FS_HASH_XXH64, false, false, 100 },
	{ 32u << 20, 1u << 20, 400000, 400, 512, BX_FS_HASH_XXH64, false, false, 60 },
	{ 1u << 20, 65536, 100000, 60, 512, BX_FS_HASH_XXH64, true, false, 100 },
	{ 4u << 20, 262144, 150000, 60, 4096, BX_FS_HASH_XXH64, true, false, 50 },
	{ 8u << 20, 65536, 60000, 40, 512, BX_FS_HASH_SHA256, false, false, 10 },
	{ 64u << 20, 65536, 200000, 40, 512, BX_FS_HASH_XXH64, false, true, 100 },
	{ 64u << 20, 262144, 400000, 300, 512, BX_FS_HASH_XXH64, false, true, 50 },
	{ 3u << 20, 65536, 60000, 60, 512, BX_FS_HASH_XXH64, true, true, 100 },
	{ 32u << 20, 65536, 60000, 40, 512, BX_FS_HASH_SHA256, false, true, 10 },
};

static void
after_call(struct world *w)
{
	world_compare(w);
}

START_TEST(model_agrees_after_every_call)
{
	const struct shape *s = &shapes[_i];
	unsigned long steps = setting("BX_FS_STEPS", 1500) * s->share / 100;
	struct bx_fs_format format = { .hash = s->hash, .mode = 0755, .arena_bytes = s->arena };
	struct world w = {
		.model = &model,
		.rng = { .state = setting("BX_FS_SEED", 1) + (uint64_t)_i * 1000 },
		.file_max = s->file_max,
		.files_max = s->files_max,
		.allow_full = s->full,
		.after = after_call,
		.time = 100,
	};
	void *arena = aligned_alloc(16, s->arena);
	struct disk disk;
	struct bx_fs_config config = { .device = &disk.device, .arena = arena, .arena_bytes = s->arena };

	disk_init(&disk, s->size, s->sector);
	ck_assert_int_eq(bx_fs_format(&disk.device, &format, arena, s->arena), BX_OK);
	w.disk = s->snapshots ? &disk : NULL;
	model_init(&model, 0755, 0);
	ck_assert_int_eq(bx_fs_mount(&config, &w.fs), BX_OK);
	for (unsigned long i = 0; i < steps; i++) {
		uint64_t what = rng_below(&w.rng, 100);

		world_step(&w);
		if (what < 20)
			ck_assert_int_eq(bx_fs_sync(w.fs), BX_OK);
		if (what == 99) {
			if (rng_below(&w.rng, 2) == 0)
				ck_assert_int_eq(bx_fs_unmount(w.fs), BX_OK);
			else
				ck_assert_int_eq(bx_fs_sync(w.fs), BX_OK);
			ck_assert_int_eq(bx_fs_mount(&config, &w.fs), BX_OK);
			model_mounted(&model);
			world_compare(&w);
		}
		if (what == 98 && (!s->snapshots || rng_below(&w.rng, 4) == 0))
			volume_must_check(w.fs);
		if (what >= 96 && s->snapshots)
			world_compare_snapshots(&w);
	}
	if (s->snapshots)
		world_compare_snapshots(&w);
	volume_must_check(w.fs);
	ck_assert_int_eq(bx_fs_unmount(w.fs), BX_OK);
	world_free(&w);
	disk_free(&disk);
	free(arena);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("fs-model");
	TCase *tc = tcase_create("model");

	tcase_set_timeout(tc, 0);
	tcase_add_loop_test(tc, model_agrees_after_every_call, 0, (int)BX_ARRAY_COUNT(shapes));
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
