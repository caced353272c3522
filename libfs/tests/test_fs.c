/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* test_fs.c -- libfs, part by part: checksums against references, codecs, nodes,
 * contracts of every call. */
#include "support.h"

#include "../src/fs-internal.h"

#include <check.h>

static uint8_t arena[1u << 18] __attribute__((aligned(16)));
static uint8_t other_arena[1u << 18] __attribute__((aligned(16)));	/* of volumes beside `disk' */
static struct disk disk;
static struct bx_fs *fs;
static const struct bx_fs_owner owner = { .uid = 1, .gid = 2, .mode = 0640 };

static struct bx_fs_config
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

/* Whatever a test did, the volume is sound after it: FS-1, FS-2, FS-4. */
static void
teardown(void)
{
	struct bx_fs_info info;

	bx_fs_get_info(fs, &info);
	if (!info.failed && !info.read_only)
		volume_must_check(fs);
	disk_free(&disk);
}

static uint64_t
make(uint64_t directory, const char *name, enum bx_fs_type type)
{
	uint64_t inode;

	ck_assert_int_eq(bx_fs_create(fs, directory, name, strlen(name), type, owner, 10, &inode), BX_OK);
	return inode;
}

static void
put(uint64_t inode, uint64_t offset, const void *bytes, size_t length)
{
	size_t done;

	for (size_t at = 0; at < length; at += done)
		ck_assert_int_eq(bx_fs_write(fs, inode, offset + at, (const uint8_t *)bytes + at, length - at,
		    11, &done), BX_OK);
}

static void
remount(void)
{
	struct bx_fs_config config = config_of(&disk);

	ck_assert_int_eq(bx_fs_mount(&config, &fs), BX_OK);
}

/* ---- checksums --------------------------------------------------------------------------- */

/* Made with the reference implementation, libxxhash 0.8.1: byte i is 7 i + 3. */
static const struct {
	size_t length;
	uint64_t seed, sum;
} xxh64_vectors[] = {
	{ 0, UINT64_C(0x0), UINT64_C(0xef46db3751d8e999) },
	{ 1, UINT64_C(0x0), UINT64_C(0x1f25c8d0bc1f4bb6) },
	{ 3, UINT64_C(0x1), UINT64_C(0x2d80e074130d0176) },
	{ 4, UINT64_C(0x0), UINT64_C(0x9bb64b7d66ee9fda) },
	{ 7, UINT64_C(0x9), UINT64_C(0x577ae721bd3f5266) },
	{ 8, UINT64_C(0x0), UINT64_C(0xdab99d95c6f90092) },
	{ 31, UINT64_C(0x5), UINT64_C(0x4b620437708c3ea9) },
	{ 32, UINT64_C(0x0), UINT64_C(0x23c3c17ef790fd97) },
	{ 33, UINT64_C(0x1), UINT64_C(0x17b3df313de9a40e) },
	{ 63, UINT64_C(0x2), UINT64_C(0x3f67b6316a840564) },
	{ 100, UINT64_C(0x0), UINT64_C(0xa61f8d4c170fe531) },
	{ 4096, UINT64_C(0x0), UINT64_C(0x796398cd432797cc) },
	{ 4096, UINT64_C(0x123456789abcdef), UINT64_C(0x1474bc2f1e564253) },
};

START_TEST(xxh64_is_that_of_the_reference)
{
	uint8_t bytes[4096];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7 + 3);
	ck_assert_uint_eq(bx_fsi_xxh64(bytes, xxh64_vectors[_i].length, xxh64_vectors[_i].seed),
	    xxh64_vectors[_i].sum);
}
END_TEST

/* FIPS 180-4 examples ("abc", and the empty string), and a tail after a whole block. */
START_TEST(sha256_is_that_of_the_standard)
{
	static const uint8_t abc[32] = {
		0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
		0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
	};
	static const uint8_t empty[4] = { 0xe3, 0xb0, 0xc4, 0x42 };
	/* 64 bytes "a", then "abc": 67 bytes. */
	static const uint8_t long_one[32] = {
		0x18, 0x91, 0x7c, 0x88, 0x75, 0x94, 0xf9, 0x5a, 0x0a, 0x81, 0x70, 0x1c, 0x58, 0x95, 0x33, 0xff,
		0x21, 0xc7, 0x4b, 0x1f, 0xb5, 0x67, 0xe4, 0x52, 0x12, 0x72, 0xf3, 0x78, 0x15, 0xa6, 0x42, 0x75,
	};
	uint8_t digest[32], block[64];

	bx_fsi_sha256(NULL, 0, "abc", 3, digest);
	ck_assert_mem_eq(digest, abc, 32);
	bx_fsi_sha256(NULL, 0, NULL, 0, digest);
	ck_assert_mem_eq(digest, empty, 4);
	memset(block, 'a', sizeof block);
	bx_fsi_sha256(block, sizeof block, "abc", 3, digest);
	ck_assert_mem_eq(digest, long_one, 32);
}
END_TEST

/* FS-1: the same bytes elsewhere, or of another generation, have another checksum. */
START_TEST(fs1_sum_binds_place_and_generation)
{
	struct fs_root root = { .hash = (uint8_t)_i };
	uint8_t block[BX_FS_BLOCK] = { 1 }, a[32] = { 0 }, b[32] = { 0 };
	uint32_t bytes = bx_fsi_sum_bytes(root.hash);

	bx_fsi_sum_block(&root, 5, 7, block, a);
	bx_fsi_sum_block(&root, 5, 7, block, b);
	ck_assert_mem_eq(a, b, bytes);
	bx_fsi_sum_block(&root, 6, 7, block, b);
	ck_assert_mem_ne(a, b, bytes);
	bx_fsi_sum_block(&root, 5, 8, block, b);
	ck_assert_mem_ne(a, b, bytes);
	root.uuid[0] = 1;
	bx_fsi_sum_block(&root, 5, 7, block, b);
	ck_assert_mem_ne(a, b, bytes);
}
END_TEST

/* ---- root record ------------------------------------------------------------------------- */

/* Every byte of a root record matters, and a changed one is refused and leaves the
 * output alone. */
START_TEST(root_record_refuses_every_changed_byte)
{
	uint8_t good[FS_ROOT_BYTES], bad[FS_ROOT_BYTES];
	struct fs_root root, again;

	memcpy(good, disk.bytes, sizeof good);
	ck_assert_int_eq(bx_fsi_root_decode(good, &root), BX_OK);
	bx_fsi_root_encode(&root, bad);
	ck_assert_mem_eq(good, bad, sizeof good);
	memset(&root, 0x5a, sizeof root);
	again = root;
	for (size_t i = 0; i < sizeof good; i++) {
		memcpy(bad, good, sizeof bad);
		bad[i] ^= 0x40;
		ck_assert_int_ne(bx_fsi_root_decode(bad, &root), BX_OK);
		ck_assert_mem_eq(&root, &again, sizeof root);
	}
}
END_TEST

/* Each bound, with a right checksum. */
START_TEST(root_record_refuses_what_is_out_of_bounds)
{
	static const struct {
		unsigned offset;
		uint64_t value;
	} bad[] = {
		{ 32, 0 }, { 40, 100 }, { 40, UINT64_MAX }, { 48, 1 }, { 64, 5000 }, { 72, 1u << 20 },
		{ 80, 1u << 20 }, { 56, 1 }, { 56, UINT64_MAX }, { 112, 0 }, { 112, 1023 }, { 120, 99 },
		{ 160, 9 }, { 160, 1u << 8 }, { 224, 99 }, { 264, 2 }, { 296, UINT64_MAX }, { 304, 1 },
	};
	uint8_t bytes[FS_ROOT_BYTES];
	struct fs_root root;

	memcpy(bytes, disk.bytes, sizeof bytes);
	bx_put_le64(bytes + bad[_i].offset, bad[_i].value);
	bx_put_le64(bytes + 480, bx_fsi_xxh64(bytes, 480, 0));
	ck_assert_int_ne(bx_fsi_root_decode(bytes, &root), BX_OK);
}
END_TEST

START_TEST(map_shape_covers_every_size)
{
	static const uint64_t sizes[] = {
		128, 32512, 32513, 32512 * 84, 32512 * 84 + 1, UINT64_C(1) << 40, UINT64_C(1) << 50,
	};

	for (size_t i = 0; i < BX_ARRAY_COUNT(sizes); i++) {
		struct fs_map_shape s;

		bx_fsi_map_shape(sizes[i], &s);
		ck_assert_uint_ge(s.count[0] * FS_MAP_BITS, sizes[i]);
		ck_assert_uint_eq(s.count[s.levels - 1], 1);
		ck_assert_uint_le(s.levels, FS_LEVELS);
	}
}
END_TEST

/* ---- nodes ------------------------------------------------------------------------------- */

/* A split leaves room for the item where it belongs, for every place and the largest
 * sizes. */
START_TEST(node_split_always_leaves_room)
{
	struct rng rng = { .state = (uint64_t)_i };

	for (unsigned turn = 0; turn < 400; turn++) {
		static uint8_t left[BX_FS_BLOCK], right[BX_FS_BLOCK], value[FS_ITEM_MAX];
		unsigned count = 0, at, stay, item, mode = (unsigned)rng_below(&rng, 3);
		bool goes_left;

		bx_fsi_node_init(left, 0, 1, 1);
		bx_fsi_node_init(right, 0, 2, 1);
		for (;;) {
			uint8_t key[10] = { 0 };
			unsigned length = mode == 0 ? 1280 : (unsigned)rng_below(&rng, mode == 1 ? 60 : 1280);

			key[8] = (uint8_t)(count >> 8);
			key[9] = (uint8_t)count;
			if (bx_fsi_node_room(left) < 4 + 10 + length + 2)
				break;
			bx_fsi_node_insert(left, count++, key, 10, value, length);
		}
		ck_assert_int_eq(bx_fsi_node_check(left, 0, 1, 1, 8), BX_OK);
		at = (unsigned)rng_below(&rng, count + 1);
		item = bx_fsi_node_room(left) - 1;
		item = item + (unsigned)rng_below(&rng, FS_ITEM_MAX - (item < FS_ITEM_MAX ? item : 0));
		if (item > FS_ITEM_MAX)
			item = FS_ITEM_MAX;
		stay = bx_fsi_node_split(left, right, at, item, &goes_left);
		ck_assert_uint_eq(bx_fsi_node_count(left), stay);
		ck_assert_uint_eq(bx_fsi_node_count(left) + bx_fsi_node_count(right), count);
		ck_assert_uint_ge(bx_fsi_node_room(goes_left ? left : right), item + 2);
		ck_assert(goes_left ? at <= stay : at >= stay);
	}
}
END_TEST

/* ---- format and mount -------------------------------------------------------------------- */

START_TEST(format_refuses_bad_options)
{
	struct bx_fs_format good = { .hash = BX_FS_HASH_XXH64, .mode = 0755 }, f;
	struct disk d;

	disk_init(&d, 1u << 20, 512);
	f = good;
	f.hash = (enum bx_fs_hash)3;
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_ERR_INVALID);
	f = good;
	f.mode = 010000;
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_ERR_INVALID);
	f = good;
	f.label = "12345678901234567890123456789012";
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_ERR_INVALID);
	f = good;
	f.log_blocks = 65;
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_ERR_INVALID);
	f = good;
	f.arena_bytes = 10000;
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_ERR_INVALID);
	f = good;
	f.log_blocks = 64;
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_OK);
	d.device.size_bytes = 127 * BX_FS_BLOCK;
	ck_assert_int_eq(bx_fs_format(&d.device, &good, other_arena, sizeof other_arena), BX_ERR_RANGE);
	d.device.size_bytes = 190 * BX_FS_BLOCK;
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_ERR_RANGE);
	ck_assert_int_eq(bx_fs_format(&d.device, &good, other_arena, 65535), BX_ERR_NO_MEMORY);
	d.device.sector_bytes = 1024;
	ck_assert_int_eq(bx_fs_format(&d.device, &good, other_arena, sizeof other_arena), BX_ERR_INVALID);
	d.device.sector_bytes = 512;
	d.device.flush = NULL;
	ck_assert_int_eq(bx_fs_format(&d.device, &good, other_arena, sizeof other_arena), BX_ERR_INVALID);
	disk_free(&d);
}
END_TEST

/* Every device call of a format fails in turn: an error, and no volume. */
START_TEST(format_passes_failures_up)
{
	struct bx_fs_format f = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };

	for (int64_t n = 0; n < 18; n++) {
		struct disk d;

		disk_init(&d, 1u << 20, 512);
		if (_i == 0)
			d.fail_write = n;
		else
			d.fail_flush = n;
		if (bx_fs_format(&d.device, &f, other_arena, sizeof other_arena) == BX_OK) {
			ck_assert_int_ge(n, _i == 0 ? 14 : 3);
		} else {
			struct bx_fs_config config = config_of(&d);
			struct bx_fs *other;

			d.fail_write = d.fail_flush = -1;
			if (_i == 0 && n < 12)
				ck_assert_int_ne(bx_fs_mount(&config, &other), BX_OK);
		}
		disk_free(&d);
	}
}
END_TEST

/* Records of a volume that was there before count for nothing, even if all else is the
 * same. */
START_TEST(fs3_format_forgets_the_log)
{
	struct bx_fs_format f = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };
	struct bx_fs_config config;
	struct disk d;
	struct bx_fs *v;
	uint64_t inode;

	disk_init(&d, 1u << 20, 512);
	config = config_of(&d);
	for (unsigned turn = 0; turn < 2; turn++) {
		ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_OK);
		ck_assert_int_eq(bx_fs_mount(&config, &v), BX_OK);
		ck_assert_int_eq(bx_fs_create(v, BX_FS_ROOT, "a", 1, BX_FS_FILE, owner, 1, &inode), BX_OK);
		ck_assert_int_eq(bx_fs_sync(v), BX_OK);
		if (turn == 1)
			break;
		ck_assert_int_eq(bx_fs_create(v, BX_FS_ROOT, "b", 1, BX_FS_FILE, owner, 1, &inode), BX_OK);
		ck_assert_int_eq(bx_fs_sync(v), BX_OK);
		ck_assert_uint_eq(v->log_records, 1);
	}
	ck_assert_int_eq(bx_fs_mount(&config, &v), BX_OK);
	ck_assert_int_eq(bx_fs_lookup(v, BX_FS_ROOT, "a", 1, &inode), BX_OK);
	ck_assert_int_eq(bx_fs_lookup(v, BX_FS_ROOT, "b", 1, &inode), BX_ERR_NOT_FOUND);
	disk_free(&d);
}
END_TEST

/* A volume of many map leaves: two levels of map, on a device that is mostly not there. */
START_TEST(map_of_two_levels)
{
	struct bx_fs_format f = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };
	struct bx_fs_config config;
	static uint8_t bytes[65536];
	struct disk d;
	struct bx_fs *big;
	uint64_t inode, at = 0;
	size_t done;
	enum bx_err err;

	disk_init(&d, 160u << 20, 512);
	config = config_of(&d);
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_OK);
	ck_assert_int_eq(bx_fs_mount(&config, &big), BX_OK);
	ck_assert_uint_eq(big->shape.levels, 2);
	ck_assert_int_eq(bx_fs_create(big, BX_FS_ROOT, "f", 1, BX_FS_FILE, owner, 1, &inode), BX_OK);
	do {
		err = bx_fs_write(big, inode, at, bytes, sizeof bytes, 1, &done);
		if (err == BX_OK)
			at += done;
	} while (err == BX_OK);
	ck_assert_int_eq(err, BX_ERR_FS_FULL);
	ck_assert_uint_gt(at, 158u << 20);
	volume_must_check(big);
	do {
		err = bx_fs_truncate(big, inode, 4096, 2);
	} while (err == BX_ERR_AGAIN);
	ck_assert_int_eq(err, BX_OK);
	volume_must_check(big);
	ck_assert_int_eq(bx_fs_unmount(big), BX_OK);
	ck_assert_int_eq(bx_fs_mount(&config, &big), BX_OK);
	volume_must_check(big);
	disk_free(&d);
}
END_TEST

/* A device of many gigabytes of which only both ends exist: the rest is never looked at. */
static uint8_t ends[2][1u << 20];

static uint8_t *
end_of(uint64_t offset, size_t length)
{
	uint64_t size = UINT64_C(87) * FS_MAP_BITS * BX_FS_BLOCK;

	if (offset + length <= sizeof ends[0])
		return ends[0] + offset;
	return offset >= size - sizeof ends[1] ? ends[1] + (offset - (size - sizeof ends[1])) : NULL;
}

static enum bx_err
ends_read(void *context, uint64_t offset, void *to, size_t length)
{
	const uint8_t *from = end_of(offset, length);

	(void)context;
	if (from == NULL)
		return BX_ERR_IO;
	memcpy(to, from, length);
	return BX_OK;
}

static enum bx_err
ends_write(void *context, uint64_t offset, const void *from, size_t length)
{
	uint8_t *to = end_of(offset, length);

	(void)context;
	if (to == NULL)
		return BX_ERR_IO;
	memcpy(to, from, length);
	return BX_OK;
}

/* A map of three levels, the first nodes full: what is free is found from every place, and the search
 * goes around the end. */
START_TEST(map_of_three_levels)
{
	struct bx_fs_format f = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };
	struct bx_fs_device device = disk.device;
	struct bx_fs_config config = { .device = &device, .arena = other_arena, .arena_bytes = 65536 };
	struct bx_fs *big;
	struct fs_run run;
	uint64_t leaves;

	device.read = ends_read;
	device.write = ends_write;
	device.size_bytes = UINT64_C(87) * FS_MAP_BITS * BX_FS_BLOCK;
	ck_assert_int_eq(bx_fs_format(&device, &f, other_arena, sizeof other_arena), BX_OK);
	ck_assert_int_eq(bx_fs_mount(&config, &big), BX_OK);
	ck_assert_uint_eq(big->shape.levels, 3);
	leaves = big->shape.count[0];
	ck_assert_uint_eq(leaves, 87);
	/* All leaves but the second and the last are taken, each by one run. */
	for (uint64_t leaf = 0; leaf < leaves; leaf++) {
		if (leaf == 1 || leaf == leaves - 1)
			continue;
		big->op++;
		big->root.data_hint = leaf * FS_MAP_BITS;
		while (big->root.data_hint / FS_MAP_BITS == leaf) {
			ck_assert_int_eq(bx_fsi_alloc_run(big, FS_MAP_BITS, &run), BX_OK);
			if (run.address / FS_MAP_BITS == leaf)
				continue;
			ck_assert_int_eq(bx_fsi_mark(big, run.address, run.count, false), BX_OK);
			break;
		}
	}
	for (uint64_t from = 0; from < leaves; from++) {
		big->op++;
		big->root.data_hint = from * FS_MAP_BITS;
		ck_assert_int_eq(bx_fsi_alloc_run(big, 10, &run), BX_OK);
		ck_assert_uint_eq(run.count, 10);
		ck_assert_uint_eq(run.address / FS_MAP_BITS, from < 2 ? 1 : leaves - 1);
		ck_assert_int_eq(bx_fsi_mark(big, run.address, run.count, false), BX_OK);
	}
}
END_TEST

START_TEST(mount_says_why_not)
{
	struct bx_fs_config config = config_of(&disk);
	struct bx_fs *out = fs;
	struct disk d;

	config.arena_bytes = 65535;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_NO_MEMORY);
	config = config_of(&disk);
	config.flags = 2;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_INVALID);
	config = config_of(&disk);
	config.arena = arena + 1;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_INVALID);
	config = config_of(&disk);
	disk.device.size_bytes = 2u << 20;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_RANGE);
	disk.device.size_bytes = 4096;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_FORMAT);
	disk_init(&d, 1u << 20, 512);
	config = config_of(&d);
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_FORMAT);
	/* A later version is not mistaken for damage. */
	for (unsigned slot = 0; slot < 4; slot++) {
		uint8_t *record = d.bytes + (slot < 2 ? slot : 252 + slot) * BX_FS_BLOCK;

		memcpy(record, "BXFSROOT", 8);
		record[8] = 2;
	}
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_VERSION);
	ck_assert_ptr_eq(out, fs);
	disk.device.size_bytes = disk.size;
	remount();
	disk_free(&d);
}
END_TEST

/* A volume that was formatted for more memory is not mounted with less. */
START_TEST(mount_needs_the_arena_of_the_format)
{
	struct bx_fs_format f = { .hash = BX_FS_HASH_XXH64, .mode = 0755, .arena_bytes = sizeof arena };
	struct bx_fs_config config;
	struct bx_fs *out;
	struct disk d;

	disk_init(&d, 1u << 20, 4096);
	config = config_of(&d);
	ck_assert_int_eq(bx_fs_format(&d.device, &f, other_arena, sizeof other_arena), BX_OK);
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_ERR_NO_MEMORY);
	config.arena_bytes = sizeof arena;
	ck_assert_int_eq(bx_fs_mount(&config, &out), BX_OK);
	disk_free(&d);
	remount();
}
END_TEST

START_TEST(info_and_counters_tell)
{
	struct bx_fs_info info;
	struct bx_fs_counters counters;

	bx_fs_get_info(fs, &info);
	ck_assert_str_eq(info.label, "test");
	ck_assert_uint_eq(info.blocks, 1024);
	ck_assert_uint_eq(info.inodes, 1);
	ck_assert_uint_eq(info.generation, 2);
	make(BX_FS_ROOT, "a", BX_FS_FILE);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	make(BX_FS_ROOT, "b", BX_FS_FILE);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	bx_fs_get_counters(fs, &counters);
	ck_assert_uint_eq(counters.commits_root, 1);
	ck_assert_uint_eq(counters.commits_log, 1);
	bx_fs_get_info(fs, &info);
	ck_assert_uint_eq(info.log_records, 1);
	ck_assert_uint_eq(info.inodes, 3);
}
END_TEST

/* FS-8: what a small durable change costs. */
START_TEST(fs8_a_durable_append_is_small)
{
	uint64_t inode = make(BX_FS_ROOT, "log", BX_FS_FILE), before, flushes;

	put(inode, 0, arena, 5000);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	before = disk.bytes_written;
	flushes = disk.flushes;
	put(inode, 5000, "x", 1);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	ck_assert_uint_eq(disk.bytes_written - before, 1024);
	ck_assert_uint_eq(disk.flushes - flushes, 1);
}
END_TEST

/* ---- contracts --------------------------------------------------------------------------- */

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

int
main(void)
{
	Suite *suite = suite_create("fs");
	TCase *sums = tcase_create("sums"), *tc = tcase_create("volume");
	SRunner *runner;
	int failed, run;

	tcase_add_loop_test(sums, xxh64_is_that_of_the_reference, 0, (int)BX_ARRAY_COUNT(xxh64_vectors));
	tcase_add_test(sums, sha256_is_that_of_the_standard);
	tcase_add_loop_test(sums, fs1_sum_binds_place_and_generation, 1, 3);
	tcase_add_test(sums, map_shape_covers_every_size);
	tcase_add_loop_test(sums, node_split_always_leaves_room, 0, 4);
	suite_add_tcase(suite, sums);
	tcase_set_timeout(tc, 0);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, root_record_refuses_every_changed_byte);
	tcase_add_loop_test(tc, root_record_refuses_what_is_out_of_bounds, 0, 18);
	tcase_add_test(tc, format_refuses_bad_options);
	tcase_add_loop_test(tc, format_passes_failures_up, 0, 2);
	tcase_add_test(tc, fs3_format_forgets_the_log);
	tcase_add_test(tc, map_of_two_levels);
	tcase_add_test(tc, map_of_three_levels);
	tcase_add_test(tc, mount_says_why_not);
	tcase_add_test(tc, mount_needs_the_arena_of_the_format);
	tcase_add_test(tc, info_and_counters_tell);
	tcase_add_test(tc, fs8_a_durable_append_is_small);
	tcase_add_loop_test(tc, names_are_checked, 0, 6);
	tcase_add_test(tc, wrong_objects_are_refused);
	tcase_add_test(tc, attributes);
	tcase_add_test(tc, paths_are_followed);
	tcase_add_test(tc, sparse_files);
	tcase_add_test(tc, fs1_damage_has_a_place);
	tcase_add_test(tc, transactions);
	tcase_add_test(tc, read_only_mount);
	tcase_add_test(tc, renames_that_make_a_loop_are_refused);
	tcase_add_test(tc, a_large_directory);
	tcase_add_test(tc, sealing_without_a_signature);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	run = srunner_ntests_run(runner);
	srunner_free(runner);
	printf("%d passed, %d failed\n", run - failed, failed);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
