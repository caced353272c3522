/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_fs_fault.c -- what is not a power cut: decayed, zeroed, stale and misdirected
 * blocks, devices that refuse to read, write or flush, full volumes.
 *
 * A volume is made twice with one seed: `old` at some root, `now` some roots later.  Each
 * block of `now` that is in use is replaced in turn.  Then every object is either exactly
 * as it was, or an error: never other bytes, never a crash.
 */
#include "suite.h"

#define VOLUME_BYTES (2u << 20)
#define BLOCKS (VOLUME_BYTES / BX_FS_BLOCK)
#define OBJECTS_MAX 512u

static uint8_t arena[65536] __attribute__((aligned(16)));
static struct model model;

/* What every object of the volume is like, by inode number. */
struct truth {
	uint64_t count;
	uint64_t digest[OBJECTS_MAX];	/* 0: no such object */
};

static uint64_t
fold(uint64_t h, const void *data, size_t length)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < length; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001B3);
	return h | 1;
}

/* Digest of one object's inode and content. */
static enum bx_err
object_digest(struct bx_fs *fs, uint64_t inode, uint64_t *digest)
{
	static uint8_t bytes[BX_FS_READ_MAX];
	struct bx_fs_stat st;
	uint64_t h;
	size_t done = 0;
	enum bx_err err = bx_fs_stat(fs, inode, &st);

	if (err != BX_OK)
		return err;
	h = fold(3, &st.size, sizeof st.size);
	h = fold(h, &st.modified_ns, sizeof st.modified_ns);
	h = fold(h, &st.links, sizeof st.links);
	h = fold(h, &st.mode, sizeof st.mode);
	h = fold(h, &st.type, sizeof st.type);
	if (st.type == BX_FS_FILE) {
		for (uint64_t at = 0; at < st.size; at += done) {
			err = bx_fs_read(fs, inode, at, bytes, sizeof bytes, &done);
			if (err != BX_OK)
				return err;
			h = fold(h, bytes, done);
		}
	} else if (st.type == BX_FS_SYMLINK) {
		err = bx_fs_read_link(fs, inode, (char *)bytes, sizeof bytes, &done);
		if (err != BX_OK)
			return err;
		h = fold(h, bytes, done);
	} else {
		struct bx_fs_entry e = { .name_length = 0 };

		while ((err = bx_fs_next_entry(fs, inode, e.name, e.name_length, &e)) == BX_OK)
			h = fold(fold(h, e.name, e.name_length), &e.inode, sizeof e.inode);
		if (err != BX_ERR_NOT_FOUND)
			return err;
	}
	*digest = h;
	return BX_OK;
}

static enum bx_err
mount(struct disk *d, uint32_t flags, struct bx_fs **fs)
{
	struct bx_fs_config config = {
		.device = &d->device,
		.arena = arena,
		.arena_bytes = sizeof arena,
		.flags = flags,
	};

	return bx_fs_mount(&config, fs);
}

static void
learn(struct disk *d, struct truth *t)
{
	struct bx_fs *fs;

	ck_assert_int_eq(mount(d, BX_FS_MOUNT_READ_ONLY, &fs), BX_OK);
	for (uint64_t i = 1; i < t->count; i++) {
		enum bx_err err = object_digest(fs, i, &t->digest[i]);

		if (err == BX_ERR_NOT_FOUND)
			t->digest[i] = 0;
		else
			ck_assert_int_eq(err, BX_OK);
	}
}

/* A volume with some history: `old` is the medium at an earlier root. */
static void
make_volume(struct disk *d, uint8_t *old, struct truth *t, uint64_t seed, enum bx_fs_hash hash,
    bool leave_log)
{
	struct bx_fs_format format = { .hash = hash, .mode = 0755 };
	struct world w = {
		.model = &model,
		.rng = { .state = seed },
		.file_max = 40000,
		.files_max = 40,
		.allow_full = true,
		.time = 5,
	};

	disk_init(d, VOLUME_BYTES, 512);
	ck_assert_int_eq(bx_fs_format(&d->device, &format, arena, sizeof arena), BX_OK);
	ck_assert_int_eq(mount(d, 0, &w.fs), BX_OK);
	model_init(&model, 0755, 0);
	for (unsigned i = 0; i < 400; i++) {
		world_step(&w);
		if (i % 40 == 39)
			ck_assert_int_eq(bx_fs_sync(w.fs), BX_OK);
		if (i == 300) {
			ck_assert_int_eq(bx_fs_unmount(w.fs), BX_OK);
			memcpy(old, d->bytes, VOLUME_BYTES);
			ck_assert_int_eq(mount(d, 0, &w.fs), BX_OK);
			model_mounted(&model);
		}
	}
	ck_assert_int_eq(bx_fs_unmount(w.fs), BX_OK);
	if (leave_log) {
		uint64_t inode;
		size_t done;
		struct bx_fs_owner owner = { .mode = 0600 };

		ck_assert_int_eq(mount(d, 0, &w.fs), BX_OK);
		ck_assert_int_eq(bx_fs_create(w.fs, BX_FS_ROOT, "x0", 2, BX_FS_FILE, owner, 1, &inode),
		    BX_OK);
		ck_assert_int_eq(bx_fs_sync(w.fs), BX_OK);
		for (unsigned i = 0; i < 3; i++) {
			ck_assert_int_eq(bx_fs_write(w.fs, inode, i * 10, "abcdefghij", 10, 1, &done), BX_OK);
			ck_assert_int_eq(bx_fs_sync(w.fs), BX_OK);
		}
	}
	t->count = OBJECTS_MAX;
	model_free(&model);
	learn(d, t);
}

static struct {
	uint64_t effective, contained, refused;
} tally;

/* Mount with one fault and look at everything. */
static void
judge(struct disk *d, const struct truth *t, const char *what, uint64_t block)
{
	struct bx_fs *fs;
	uint64_t errors = 0;
	enum bx_err err = mount(d, BX_FS_MOUNT_READ_ONLY, &fs);

	if (err != BX_OK) {
		tally.refused++;
		tally.effective++;
		return;
	}
	for (uint64_t i = 1; i < t->count; i++) {
		uint64_t digest;

		err = object_digest(fs, i, &digest);
		if (err == BX_OK && digest != t->digest[i])
			die("%s of block %llu: object %llu has other content and no error", what,
			    (unsigned long long)block, (unsigned long long)i);
		if (err == BX_ERR_NOT_FOUND && t->digest[i] != 0)
			die("%s of block %llu: object %llu is missing without an error", what,
			    (unsigned long long)block, (unsigned long long)i);
		errors += err != BX_OK && err != BX_ERR_NOT_FOUND;
	}
	if (errors > 0) {
		tally.effective++;
		tally.contained++;
	}
}

enum damage { FLIP, ZERO_SECTOR, GARBAGE, STALE, MISDIRECTED, DAMAGES };

static const char *const damage_name[DAMAGES] = {
	"bit flip", "zeroed sector", "garbage", "stale block", "misdirected write",
};

/* FS-1: what is read is what was written there last, or an error. */
START_TEST(fs1_damage_is_never_silent)
{
	static struct disk d, over;
	static struct truth t;
	static uint8_t old[VOLUME_BYTES];
	bool leave_log = _i % 2 == 1;
	struct rng rng = { .state = (uint64_t)_i };

	memset(&tally, 0, sizeof tally);
	make_volume(&d, old, &t, 100 + (uint64_t)_i, _i == 4 ? BX_FS_HASH_SHA256 : BX_FS_HASH_XXH64,
	    leave_log);
	disk_init_over(&over, &d);
	for (uint64_t block = 0; block < BLOCKS; block++) {
		for (unsigned damage = 0; damage < DAMAGES; damage++) {
			uint8_t bytes[BX_FS_BLOCK];

			memcpy(bytes, d.bytes + block * BX_FS_BLOCK, BX_FS_BLOCK);
			switch (damage) {
			case FLIP:
				bytes[rng_below(&rng, BX_FS_BLOCK)] ^= (uint8_t)(1u << rng_below(&rng, 8));
				break;
			case ZERO_SECTOR:
				memset(bytes + rng_below(&rng, 8) * 512, 0, 512);
				break;
			case GARBAGE:
				for (unsigned i = 0; i < BX_FS_BLOCK; i++)
					bytes[i] = (uint8_t)rng_next(&rng);
				break;
			case STALE:
				memcpy(bytes, old + block * BX_FS_BLOCK, BX_FS_BLOCK);
				break;
			default:
				memcpy(bytes, d.bytes + rng_below(&rng, BLOCKS) * BX_FS_BLOCK, BX_FS_BLOCK);
			}
			if (memcmp(bytes, d.bytes + block * BX_FS_BLOCK, BX_FS_BLOCK) == 0)
				continue;
			disk_over_reset(&over);
			(void)over.device.write(&over, block * BX_FS_BLOCK, bytes, BX_FS_BLOCK);
			judge(&over, &t, damage_name[damage], block);
		}
	}
	printf("damage: %llu effective, of them %llu contained, %llu refused at mount, 0 silent\n",
	    (unsigned long long)tally.effective, (unsigned long long)tally.contained,
	    (unsigned long long)tally.refused);
	ck_assert_uint_gt(tally.effective, 50);
	disk_free(&over);
	disk_free(&d);
}
END_TEST

/* One damaged copy of a root, of a record: nothing is lost, and a check says so.  Two:
 * refused. */
START_TEST(fs3_one_copy_is_enough)
{
	static struct disk d;
	static struct truth t, now;
	static uint8_t old[VOLUME_BYTES];
	uint8_t keep[BX_FS_BLOCK];
	struct bx_fs_info info;
	struct bx_fs *fs;

	make_volume(&d, old, &t, 7, BX_FS_HASH_XXH64, false);
	ck_assert_int_eq(mount(&d, 0, &fs), BX_OK);
	bx_fs_get_info(fs, &info);
	for (unsigned copy = 0; copy < 2; copy++) {
		uint64_t slot = copy == 0 ? info.generation & 1 : BLOCKS - 2 + (info.generation & 1);

		memcpy(keep, d.bytes + slot * BX_FS_BLOCK, BX_FS_BLOCK);
		d.bytes[slot * BX_FS_BLOCK + 40] ^= 1;
		now.count = t.count;
		learn(&d, &now);
		ck_assert_mem_eq(&now, &t, sizeof t);
		ck_assert_int_eq(mount(&d, BX_FS_MOUNT_READ_ONLY, &fs), BX_OK);
		bx_fs_get_info(fs, &info);
		ck_assert(info.root_damaged);
		ck_assert_uint_eq(volume_check(fs, false), 1);
		memcpy(d.bytes + slot * BX_FS_BLOCK, keep, BX_FS_BLOCK);
	}
	/* Repair writes a new root, both copies. */
	d.bytes[(info.generation & 1) * BX_FS_BLOCK + 40] ^= 1;
	ck_assert_int_eq(mount(&d, 0, &fs), BX_OK);
	ck_assert_int_eq(bx_fs_repair_root(fs), BX_OK);
	ck_assert_int_eq(mount(&d, 0, &fs), BX_OK);
	bx_fs_get_info(fs, &info);
	ck_assert(!info.root_damaged);
	ck_assert_int_eq(bx_fs_repair_root(fs), BX_OK);
	d.bytes[(info.generation & 1) * BX_FS_BLOCK + 40] ^= 1;
	d.bytes[(BLOCKS - 2 + (info.generation & 1)) * BX_FS_BLOCK + 40] ^= 1;
	ck_assert_int_eq(mount(&d, 0, &fs), BX_ERR_CORRUPT);
	disk_free(&d);
}
END_TEST

/* A record in the middle of the log with both copies damaged is not the end of the log. */
START_TEST(fs3_a_hole_in_the_log_is_found)
{
	static struct disk d;
	static struct truth t;
	static uint8_t old[VOLUME_BYTES];
	struct bx_fs *fs;
	unsigned copies = 0;

	make_volume(&d, old, &t, 8, BX_FS_HASH_XXH64, true);
	for (uint64_t at = 0; at < VOLUME_BYTES; at += 512)
		if (memcmp(d.bytes + at, "BXLG", 4) == 0 && bx_get_le32(d.bytes + at + 16) == 1) {
			d.bytes[at + 60] ^= 1;
			copies++;
		}
	ck_assert_uint_eq(copies, 2);
	ck_assert_int_eq(mount(&d, BX_FS_MOUNT_READ_ONLY, &fs), BX_ERR_CORRUPT);
	ck_assert_int_eq(mount(&d, 0, &fs), BX_ERR_CORRUPT);
	disk_free(&d);
}
END_TEST

/* One byte of each block of a sealed volume in turn: nothing wrong is ever read. */
START_TEST(fs5_a_sealed_volume_is_what_was_signed)
{
	static struct disk d, over;
	struct bx_fs_format format = { .hash = BX_FS_HASH_SHA256, .mode = 0755 };
	struct bx_fs_owner owner = { .mode = 0644 };
	struct bx_fs_config config = { .device = &d.device, .arena = arena, .arena_bytes = sizeof arena };
	uint8_t hash[BX_FS_DIGEST], other[BX_FS_DIGEST];
	static struct truth t;
	struct bx_fs_info info;
	struct bx_fs *fs;
	uint64_t inode;
	size_t done;

	disk_init(&d, 1u << 20, 512);
	ck_assert_int_eq(bx_fs_format(&d.device, &format, arena, sizeof arena), BX_OK);
	ck_assert_int_eq(mount(&d, 0, &fs), BX_OK);
	for (unsigned i = 0; i < 20; i++) {
		char name[8];

		snprintf(name, sizeof name, "f%u", i);
		ck_assert_int_eq(bx_fs_create(fs, BX_FS_ROOT, name, strlen(name), BX_FS_FILE, owner, 1,
		    &inode), BX_OK);
		for (unsigned j = 0; j < i; j++)
			ck_assert_int_eq(bx_fs_write(fs, inode, j * 1000, arena, 1000, 1, &done), BX_OK);
	}
	ck_assert_int_eq(bx_fs_seal(fs, hash), BX_OK);
	ck_assert_int_eq(bx_fs_create(fs, BX_FS_ROOT, "no", 2, BX_FS_FILE, owner, 1, &inode),
	    BX_ERR_FS_READ_ONLY);
	config.root_hash = hash;
	ck_assert_int_eq(bx_fs_mount(&config, &fs), BX_OK);
	bx_fs_get_info(fs, &info);
	ck_assert(info.sealed && info.read_only);
	ck_assert_mem_eq(info.root_hash, hash, sizeof hash);
	ck_assert_int_eq(bx_fs_seal(fs, other), BX_ERR_FS_READ_ONLY);
	memcpy(other, hash, sizeof other);
	other[31] ^= 1;
	config.root_hash = other;
	ck_assert_int_eq(bx_fs_mount(&config, &fs), BX_ERR_CORRUPT);
	config.root_hash = hash;
	t.count = 64;
	learn(&d, &t);
	disk_init_over(&over, &d);
	config.device = &over.device;
	memset(&tally, 0, sizeof tally);
	for (uint64_t at = 0; at < d.size; at += 509) {
		uint8_t sector[512];
		uint64_t base = at / 512 * 512;

		disk_over_reset(&over);
		memcpy(sector, d.bytes + base, 512);
		sector[at - base] ^= 0x10;
		(void)over.device.write(&over, base, sector, 512);
		if (bx_fs_mount(&config, &fs) == BX_OK)
			judge(&over, &t, "a changed byte", at);
	}
	ck_assert_uint_gt(tally.contained, 20);
	disk_free(&over);
	disk_free(&d);
}
END_TEST

/* Reads that fail once: the call fails, nothing is poisoned, the next one works. */
START_TEST(fs6_a_failed_read_can_be_repeated)
{
	static struct disk d;
	static struct truth t;
	static uint8_t old[VOLUME_BYTES];
	uint64_t failed = 0;

	make_volume(&d, old, &t, 11, BX_FS_HASH_XXH64, true);
	for (int64_t n = 0; n < 400; n++) {
		struct bx_fs *fs;
		enum bx_err err;

		d.fail_read = n;
		err = mount(&d, BX_FS_MOUNT_READ_ONLY, &fs);
		if (err != BX_OK) {
			ck_assert_int_eq(err, BX_ERR_IO);
			continue;
		}
		for (uint64_t i = 1; i < t.count; i++) {
			uint64_t digest;

			err = object_digest(fs, i, &digest);
			if (err == BX_ERR_IO) {
				failed++;
				err = object_digest(fs, i, &digest);
			}
			if (t.digest[i] == 0) {
				ck_assert_int_eq(err, BX_ERR_NOT_FOUND);
				continue;
			}
			ck_assert_int_eq(err, BX_OK);
			ck_assert_uint_eq(digest, t.digest[i]);
		}
	}
	d.fail_read = -1;
	ck_assert_uint_gt(failed, 20);
	disk_free(&d);
}
END_TEST

/* FS-6: reads fail within changing calls of every kind: the call fails and changes
 * nothing, and the next one works. */
START_TEST(fs6_a_failed_read_stops_one_call_only)
{
	static struct disk d;
	struct bx_fs_format format = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };
	struct world w = {
		.model = &model,
		.rng = { .state = 900 + (uint64_t)_i },
		.file_max = 200000,
		.files_max = 300,
		.allow_full = true,
		.failing = &d,
		.time = 5,
	};

	disk_init(&d, 4u << 20, 512);
	ck_assert_int_eq(bx_fs_format(&d.device, &format, arena, sizeof arena), BX_OK);
	ck_assert_int_eq(mount(&d, 0, &w.fs), BX_OK);
	model_init(&model, 0755, 0);
	for (unsigned i = 0; i < 3000; i++) {
		world_step(&w);
		d.fail_read = -1;
		if (i % 16 == 0) {
			world_compare(&w);
			ck_assert_int_eq(bx_fs_sync(w.fs), BX_OK);
		}
	}
	volume_must_check(w.fs);
	ck_assert_uint_gt(w.failures, 50);
	model_free(&model);
	disk_free(&d);
}
END_TEST

/* Device calls that fail at every n in a changing volume: the call fails, the volume in
 * memory is as before, or it refuses to go on; what the device holds is a state not
 * older than the last sync. */
START_TEST(fs6_failures_while_changing)
{
	uint64_t refused = 0, recovered = 0;
	bool flush = _i == 1;

	for (int64_t n = 0; n < 100; n++) {
		static struct disk d;
		struct bx_fs_format format = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };
		struct bx_fs_owner owner = { .mode = 0600 };
		static uint8_t bytes[40000];
		struct bx_fs *fs;
		uint64_t inode, durable = 0, count = 0;
		char name[16];
		size_t done;
		enum bx_err err = BX_OK;

		disk_init(&d, VOLUME_BYTES, 512);
		ck_assert_int_eq(bx_fs_format(&d.device, &format, arena, sizeof arena), BX_OK);
		ck_assert_int_eq(mount(&d, 0, &fs), BX_OK);
		if (flush)
			d.fail_flush = n / 4;
		else if (_i == 0)
			d.fail_write = n;
		else
			d.fail_read = n / 4;
		for (unsigned i = 0; i < 300 && err != BX_ERR_FS_FAILED; i++) {
			snprintf(name, sizeof name, "file%04u", i);
			err = bx_fs_create(fs, BX_FS_ROOT, name, strlen(name), BX_FS_FILE, owner, i, &inode);
			if (err == BX_ERR_IO) {
				/* It is as if it had not been called, so that it can be
				 * again. */
				uint64_t other;

				recovered++;
				if (bx_fs_lookup(fs, BX_FS_ROOT, name, strlen(name), &other) == BX_OK)
					die("a failed create left a name");
				err = bx_fs_create(fs, BX_FS_ROOT, name, strlen(name), BX_FS_FILE, owner, i,
				    &inode);
			}
			if (err != BX_OK)
				break;
			count++;
			if (i % 3 == 0) {
				err = bx_fs_write(fs, inode, 0, bytes, 8192 + i * 7, i, &done);
				if (err == BX_ERR_IO)
					recovered++;
			}
			if (i % 5 == 0) {
				err = bx_fs_sync(fs);
				if (err != BX_OK)
					break;
				durable = count;
			}
		}
		if (err == BX_ERR_FS_FAILED || err == BX_ERR_IO) {
			refused++;
			ck_assert_int_eq(bx_fs_create(fs, BX_FS_ROOT, "z", 1, BX_FS_FILE, owner, 1, &inode),
			    BX_ERR_FS_FAILED);
			ck_assert_int_eq(bx_fs_sync(fs), BX_ERR_FS_FAILED);
		}
		d.fail_write = d.fail_flush = d.fail_read = -1;
		/* What the device holds. */
		ck_assert_int_eq(mount(&d, 0, &fs), BX_OK);
		for (uint64_t i = 0; i < durable; i++) {
			snprintf(name, sizeof name, "file%04u", (unsigned)i);
			ck_assert_int_eq(bx_fs_lookup(fs, BX_FS_ROOT, name, strlen(name), &inode), BX_OK);
		}
		volume_must_check(fs);
		disk_free(&d);
	}
	if (_i < 2)
		ck_assert_uint_gt(refused, 10);
	printf("failing device: %llu refused from then on, %llu calls repeated\n",
	    (unsigned long long)refused, (unsigned long long)recovered);
}
END_TEST

/* FS-4: a volume filled to the last block: deleting works, all space comes back, the
 * volume is sound throughout. */
START_TEST(fs4_full_and_empty_again)
{
	static struct disk d;
	struct bx_fs_format format = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };
	struct bx_fs_owner owner = { .mode = 0600 };
	static uint8_t bytes[65536];
	struct bx_fs_info info;
	struct bx_fs *fs;
	uint64_t free_at_first, inode;
	unsigned step[] = { 100, 900, 4096, 10000, 65536 };

	disk_init(&d, VOLUME_BYTES, 512);
	ck_assert_int_eq(bx_fs_format(&d.device, &format, arena, sizeof arena), BX_OK);
	ck_assert_int_eq(mount(&d, 0, &fs), BX_OK);
	bx_fs_get_info(fs, &info);
	free_at_first = info.blocks_free;
	for (unsigned round = 0; round < 6; round++) {
		unsigned made = 0;
		char name[16];
		enum bx_err err = BX_OK;

		for (; err == BX_OK; made++) {
			size_t length = step[round % 5], done = 0;

			snprintf(name, sizeof name, "f%u", made);
			err = bx_fs_create(fs, BX_FS_ROOT, name, strlen(name), BX_FS_FILE, owner, 1, &inode);
			for (size_t at = 0; err == BX_OK && at < length; at += done)
				err = bx_fs_write(fs, inode, at, bytes, length - at, 1, &done);
			if (round % 2 == 0 && made % 16 == 0 && err == BX_OK)
				err = bx_fs_sync(fs);
		}
		ck_assert_int_eq(err, BX_ERR_FS_FULL);
		volume_must_check(fs);
		bx_fs_get_info(fs, &info);
		ck_assert_uint_lt(info.blocks_free, info.blocks_reserved + 64);
		for (unsigned i = 0; i < made; i++) {
			snprintf(name, sizeof name, "f%u", i * 7 % made);
			err = bx_fs_lookup(fs, BX_FS_ROOT, name, strlen(name), &inode);
			if (err == BX_ERR_NOT_FOUND)
				continue;
			ck_assert_int_eq(err, BX_OK);
			ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, name, strlen(name), 0, 1), BX_OK);
			if (i % 64 == 0)
				ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
		}
		for (unsigned i = 0; i < made; i++) {
			snprintf(name, sizeof name, "f%u", i);
			err = bx_fs_unlink(fs, BX_FS_ROOT, name, strlen(name), 0, 1);
			ck_assert(err == BX_OK || err == BX_ERR_NOT_FOUND);
		}
		do {
			err = bx_fs_tidy(fs);
		} while (err == BX_ERR_AGAIN);
		ck_assert_int_eq(err, BX_OK);
		volume_must_check(fs);
		bx_fs_get_info(fs, &info);
		ck_assert_uint_eq(info.blocks_free, free_at_first);
		ck_assert_uint_eq(info.inodes, 1);
	}
	disk_free(&d);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("fs-fault");
	TCase *tc = tcase_create("fault");

	tcase_set_timeout(tc, 0);
	tcase_add_loop_test(tc, fs1_damage_is_never_silent, 0, 5);
	tcase_add_test(tc, fs3_one_copy_is_enough);
	tcase_add_test(tc, fs3_a_hole_in_the_log_is_found);
	tcase_add_test(tc, fs5_a_sealed_volume_is_what_was_signed);
	tcase_add_test(tc, fs6_a_failed_read_can_be_repeated);
	tcase_add_loop_test(tc, fs6_a_failed_read_stops_one_call_only, 0, 2);
	tcase_add_loop_test(tc, fs6_failures_while_changing, 0, 3);
	tcase_add_test(tc, fs4_full_and_empty_again);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
