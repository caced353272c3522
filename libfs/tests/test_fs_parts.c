/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* test_fs_parts.c -- checksums against references, the root record, nodes. */
#include "test_fs.h"

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

/* Offsets and widths by hand, from the table in SPEC.md 4: the code has them in one place, for both ways. */
START_TEST(root_record_is_laid_out_as_specified)
{
	static const struct {
		unsigned offset, bytes;
	} where[] = {
		{ 32, 8 }, { 40, 8 }, { 48, 4 }, { 52, 4 }, { 56, 8 }, { 64, 8 }, { 72, 8 }, { 80, 8 }, { 88, 8 },
		{ 96, 8 }, { 104, 8 }, { 112, 8 }, { 120, 8 }, { 160, 1 }, { 168, 8 }, { 208, 1 }, { 209, 1 },
		{ 210, 1 }, { 216, 8 }, { 224, 8 }, { 264, 1 },
	};
	const struct fs_root want = {
		.hash = BX_FS_HASH_SHA256, .sealed = true, .generation = 0x1122, .blocks = 0x12345, .log_blocks = 9,
		.replay_blocks = 0x123, .next_inode = 0x334455, .free = 0x4433, .node_hint = 0x5544,
		.data_hint = 0x6655, .orphans = 0x7766, .inodes = 0x8877, .time_ns = UINT64_C(0x99887766554433),
		.tree = { .pointer = { .address = 0x3322, .generation = 0x1121 }, .level = 5 },
		.table_generation = 0x1120, .table_side = 1, .dying = true, .snapshots = 7, .newest = 0x1119,
		.map_generation = 0x1118, .map_side = 1,
	};
	const uint64_t value[BX_ARRAY_COUNT(where)] = {
		want.generation, want.blocks, want.log_blocks, want.replay_blocks, want.next_inode, want.free,
		want.node_hint, want.data_hint, want.orphans, want.inodes, want.time_ns, want.tree.pointer.address,
		want.tree.pointer.generation, want.tree.level, want.table_generation, 1, 1, want.snapshots, want.newest,
		want.map_generation, 1,
	};
	struct fs_root root = want, got;
	uint8_t hand[FS_ROOT_BYTES] = "BXFSROOT", made[FS_ROOT_BYTES];

	hand[8] = 2;
	hand[12] = 2;
	hand[13] = 1;
	hand[14] = 12;
	for (unsigned i = 0; i < BX_ARRAY_COUNT(where); i++)
		for (unsigned b = 0; b < where[i].bytes; b++)
			hand[where[i].offset + b] = (uint8_t)(value[i] >> 8 * b);
	for (unsigned i = 0; i < 32; i++) {
		hand[128 + i] = root.tree.pointer.sum[i] = (uint8_t)(1 + i);
		hand[176 + i] = root.table_sum[i] = (uint8_t)(50 + i);
		hand[232 + i] = root.map_sum[i] = (uint8_t)(100 + i);
		hand[272 + i] = (uint8_t)(root.label[i] = i < 31 ? (char)('a' + i % 26) : '\0');
	}
	for (unsigned i = 0; i < 16; i++)
		hand[16 + i] = root.uuid[i] = (uint8_t)(200 + i);
	bx_fsi_sha256(hand, 448, hand + 448, 32, hand + 480);
	bx_fsi_root_encode(&root, made);
	ck_assert_mem_eq(made, hand, sizeof hand);
	memset(&got, 0x5a, sizeof got);
	ck_assert_int_eq(bx_fsi_root_decode(hand, &got), BX_OK);
	bx_fsi_root_encode(&got, made);
	ck_assert_mem_eq(made, hand, sizeof hand);
	ck_assert(got.sealed && got.dying && got.map_side == 1 && got.table_side == 1);
	ck_assert_uint_eq(got.tree.level, 5);
	ck_assert_uint_eq(got.replay_blocks, 0x123);
}
END_TEST

/* 2^34 blocks and no more: a count of free blocks in the map has four bytes. */
START_TEST(root_record_bounds_the_volume)
{
	struct fs_root root;
	uint8_t bytes[FS_ROOT_BYTES];

	ck_assert_int_eq(bx_fsi_root_decode(disk.bytes, &root), BX_OK);
	root.blocks = BX_FS_BLOCKS_MAX;
	root.tree.pointer.address = root.blocks / 2;
	bx_fsi_root_encode(&root, bytes);
	ck_assert_int_eq(bx_fsi_root_decode(bytes, &root), BX_OK);
	root.blocks++;
	bx_fsi_root_encode(&root, bytes);
	ck_assert_int_eq(bx_fsi_root_decode(bytes, &root), BX_ERR_CORRUPT);
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

/* An extent that grew may lie in two leaves of the map: a root changes both, and its cost is known before. */
START_TEST(fs10_a_freed_run_in_two_leaves)
{
	ck_assert_uint_eq(fs->touched_count, 0);
	fs->root.blocks = 2 * FS_MAP_BITS;
	ck_assert_int_eq(bx_fsi_free_later(fs, FS_MAP_BITS - 1, 2), BX_OK);
	ck_assert_uint_eq(fs->touched_count, 2);
	ck_assert_uint_eq(fs->touched[0], 0);
	ck_assert_uint_eq(fs->touched[1], 1);
	ck_assert_int_eq(bx_fsi_free_later(fs, FS_MAP_BITS + 1, 3), BX_OK);
	ck_assert_uint_eq(fs->pending_count, 1);
	ck_assert_uint_eq(fs->pending_blocks, 5);
	ck_assert_uint_eq(fs->touched_count, 2);
	fs->failed = true;
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

void
add_parts(TCase *tc)
{
	tcase_add_loop_test(tc, xxh64_is_that_of_the_reference, 0, (int)BX_ARRAY_COUNT(xxh64_vectors));
	tcase_add_test(tc, sha256_is_that_of_the_standard);
	tcase_add_loop_test(tc, fs1_sum_binds_place_and_generation, 1, 3);
	tcase_add_test(tc, map_shape_covers_every_size);
	tcase_add_test(tc, fs10_a_freed_run_in_two_leaves);
	tcase_add_loop_test(tc, node_split_always_leaves_room, 0, 4);
	tcase_add_test(tc, root_record_refuses_every_changed_byte);
	tcase_add_test(tc, root_record_is_laid_out_as_specified);
	tcase_add_test(tc, root_record_bounds_the_volume);
	tcase_add_loop_test(tc, root_record_refuses_what_is_out_of_bounds, 0, 18);
}
