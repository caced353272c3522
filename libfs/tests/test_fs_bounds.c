/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_fs_bounds.c -- how much one call writes and reads: at most 64 KiB and 256 KiB beyond the caller's bytes,
 * in an arena of 64 KiB, whatever is in the volume.  A directory of thousands of names, files of
 * hundreds of extents, snapshots being taken apart, a log to replay.  BX_FS_STEPS and BX_FS_NAMES make it longer.
 * And what durable calls cost on the average, in 64 KiB and in 1 MiB; and how much stack all of it takes.
 */
#include "../src/fs-internal.h"
#include "suite.h"

#include <ucontext.h>

#define WRITTEN_MAX	65536u
#define READ_MAX	262144u
#define KINDS		32u

static uint8_t arena[65536] __attribute__((aligned(16)));
static struct model model;
static struct disk disk;
static struct bx_fs *fs;
static uint64_t written_before, read_before;
static struct {
	const char *what;
	uint64_t written, read, calls;
} worst[KINDS];

static void
begin(void)
{
	written_before = disk.bytes_written;
	read_before = disk.bytes_read;
}

static void
end(const char *what, uint64_t payload_written, uint64_t payload_read)
{
	uint64_t written = disk.bytes_written - written_before, read = disk.bytes_read - read_before;
	unsigned i = 0;

	written = written > payload_written ? written - payload_written : 0;
	read = read > payload_read ? read - payload_read : 0;
	while (worst[i].what != NULL && strcmp(worst[i].what, what) != 0)
		i++;
	worst[i].what = what;
	worst[i].calls++;
	if (written > worst[i].written)
		worst[i].written = written;
	if (read > worst[i].read)
		worst[i].read = read;
}

static void
before(struct world *w)
{
	(void)w;
	begin();
}

static void
over(struct world *w, const char *what)
{
	end(what, strcmp(what, "write") == 0 ? w->payload : 0, 0);
}

static void
mount(void)
{
	struct bx_fs_config config = {
		.device = &disk.device,
		.arena = arena,
		.arena_bytes = sizeof arena,
	};

	begin();
	ck_assert_int_eq(bx_fs_mount(&config, &fs), BX_OK);
	end("mount", 0, 0);
}

static void
sync_now(void)
{
	begin();
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	end("sync", 0, 0);
}

static void
format(uint64_t size)
{
	struct bx_fs_format options = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };

	memset(worst, 0, sizeof worst);
	disk_init(&disk, size, 512);
	ck_assert_int_eq(bx_fs_format(&disk.device, &options, arena, sizeof arena), BX_OK);
	mount();
}

static void
worst_must_be_within(void)
{
	unsigned beyond = 0;

	for (unsigned i = 0; i < KINDS && worst[i].what != NULL; i++) {
		printf("%-16s %8llu calls, at most %6llu bytes written, %6llu read\n", worst[i].what,
		    (unsigned long long)worst[i].calls, (unsigned long long)worst[i].written,
		    (unsigned long long)worst[i].read);
		beyond += worst[i].written > WRITTEN_MAX || worst[i].read > READ_MAX;
	}
	fflush(stdout);
	ck_assert_uint_eq(beyond, 0);
}

START_TEST(random_calls_stay_within)
{
	const char *text = getenv("BX_FS_STEPS");
	unsigned long steps = text != NULL ? strtoul(text, NULL, 0) : 6000;
	struct world w = {
		.model = &model,
		.rng = { .state = 77 + (uint64_t)_i },
		.file_max = 1500000,
		.files_max = 600,
		.allow_full = true,
		.before = before,
		.over = over,
		.time = 10,
		.disk = &disk,
	};

	format(96u << 20);
	model_init(&model, 0755, 0);
	w.fs = fs;
	for (unsigned long i = 0; i < steps; i++) {
		uint64_t what = rng_below(&w.rng, 100);

		world_step(&w);
		if (what < 20)
			sync_now();
		if (what < 40) {
			enum bx_err err;

			begin();
			err = bx_fs_tidy(fs);
			ck_assert(err == BX_OK || err == BX_ERR_AGAIN);
			end("tidy", 0, 0);
		}
		if (what == 99) {
			sync_now();
			mount();
			w.fs = fs;
			model_mounted(&model);
		}
	}
	worst_must_be_within();
	volume_must_check(fs);
	world_free(&w);
	disk_free(&disk);
}
END_TEST

/*
 * Names in one directory, made in no order, each third durable at once, renamed, removed.  Long ones that have most
 * in common make a tree of many levels of few names.  `aged': free blocks are found all over the volume, so that what
 * an operation changes is in many parts of the map.  BX_FS_NAMES: so many short names more.
 */
struct names {
	uint32_t count;
	unsigned prefix;	/* bytes that all names begin with */
	uint64_t volume;
	bool aged;
	bool durable;		/* what replaces is made durable, each third one */
	unsigned levels;	/* of the tree at least */
};

static struct rng hints;

static void
age(const struct names *n)
{
	if (!n->aged)
		return;
	fs->root.node_hint = rng_below(&hints, fs->root.blocks);
	fs->root.data_hint = rng_below(&hints, fs->root.blocks);
}

static size_t
name_of(const struct names *n, const char *what, uint64_t number, char name[256])
{
	memset(name, 'p', n->prefix);
	return n->prefix + (size_t)snprintf(name + n->prefix, 256 - n->prefix, "%s-%05u", what, (uint32_t)(number % n->count));
}

static void
over_directory(const struct names *n)
{
	const struct bx_fs_owner owner = { .mode = 0644 };
	char name[256], other[256];
	size_t length, other_length;
	uint64_t inode;

	format(n->volume);
	for (unsigned i = 0; i < n->count; i++) {
		age(n);
		length = name_of(n, "some-file-name", i * UINT64_C(7919), name);
		begin();
		ck_assert_int_eq(bx_fs_create(fs, BX_FS_ROOT, name, length, BX_FS_FILE, owner, 1, &inode), BX_OK);
		end("create", 0, 0);
		if (i % 3 == 0)
			sync_now();
	}
	ck_assert_uint_ge(fs->root.tree.level + 1u, n->levels);
	begin();
	ck_assert_int_eq(bx_fs_snapshot_create(fs, "all", 3, 1), BX_OK);
	end("snapshot", 0, 0);
	for (unsigned i = 0; i < n->count; i++) {
		age(n);
		length = name_of(n, "some-file-name", i * UINT64_C(4801), name);
		other_length = name_of(n, "another", i, other);
		begin();
		ck_assert_int_eq(bx_fs_rename(fs, BX_FS_ROOT, name, length, BX_FS_ROOT, other, other_length, 0, 2), BX_OK);
		end("rename", 0, 0);
		if (i % 5 == 0)
			sync_now();
	}
	begin();
	ck_assert_int_eq(bx_fs_snapshot_remove(fs, "all", 3), BX_OK);
	end("remove snapshot", 0, 0);
	/* Half of them over another: of all calls that change names the one that changes most.  From some time on
	 * nothing is made durable but by what has to. */
	for (unsigned i = 0; i + 1 < n->count; i += 2) {
		age(n);
		length = name_of(n, "another", i * UINT64_C(7919), name);
		other_length = name_of(n, "another", (i + 1) * UINT64_C(7919), other);
		begin();
		ck_assert_int_eq(bx_fs_rename(fs, BX_FS_ROOT, name, length, BX_FS_ROOT, other, other_length, 0, 2), BX_OK);
		end("replace", 0, 0);
		if (i % 3 == 0 && (n->durable || i < n->count / 2))
			sync_now();
	}
	for (unsigned i = 1; i < n->count; i += 2) {
		age(n);
		length = name_of(n, "another", i * UINT64_C(7919), name);
		begin();
		ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, name, length, 0, 3), BX_OK);
		end("unlink", 0, 0);
		if (i % 4 == 1)
			sync_now();
	}
	worst_must_be_within();
	volume_must_check(fs);
	disk_free(&disk);
}

static const struct names directories[] = {
	{ 4000, 0, 64u << 20, false, false, 3 },
	{ 4000, 0, 1200u << 20, true, false, 3 },
	{ 3000, 200, 64u << 20, false, false, 4 },
	{ 3000, 200, 380u << 20, true, false, 4 },
	{ 3000, 200, 1200u << 20, true, true, 4 },
};

START_TEST(a_large_directory_stays_within)
{
	over_directory(&directories[_i]);
}
END_TEST

START_TEST(as_many_names_as_asked_stay_within)
{
	const char *asked = getenv("BX_FS_NAMES");
	struct names n = { .levels = 1 };

	if (asked == NULL)
		return;
	n.count = (uint32_t)strtoul(asked, NULL, 0);
	n.volume = (64u << 20) + (uint64_t)n.count * 1024;
	n.aged = _i > 0;
	over_directory(&n);
}
END_TEST

/* A mount reads the roots and the log, never the volume: as much at 16 MiB as at 1 GiB. */
START_TEST(mount_reads_no_more_of_a_large_volume)
{
	const struct bx_fs_owner owner = { .mode = 0644 };
	struct bx_fs_info info;
	uint64_t inode;

	format((uint64_t)(16u << (2 * _i)) << 20);
	sync_now();
	mount();
	begin();
	bx_fs_get_info(fs, &info);
	end("info", 0, 0);
	ck_assert_uint_eq(disk.bytes_read - read_before, 0);
	begin();
	ck_assert_int_eq(bx_fs_create(fs, BX_FS_ROOT, "first", 5, BX_FS_FILE, owner, 1, &inode), BX_OK);
	end("first create", 0, 0);
	ck_assert_uint_le(disk.bytes_read - read_before, 8u * BX_FS_BLOCK);
	disk_free(&disk);
}
END_TEST

/* The longest log, full of the shortest records, of several leaves; then with one copy damaged all over, so that both
 * are read twice. */
START_TEST(mount_with_a_full_log_stays_within)
{
	const struct bx_fs_owner owner = { .mode = 0644 };
	const unsigned records = BX_FS_LOG_MAX * BX_FS_BLOCK / 512;
	uint64_t inode[200];
	struct bx_fs_info info;
	char name[16];

	format(16u << 20);
	for (unsigned i = 0; i < BX_ARRAY_COUNT(inode); i++) {
		snprintf(name, sizeof name, "file-%u", i);
		ck_assert_int_eq(bx_fs_create(fs, BX_FS_ROOT, name, strlen(name), BX_FS_FILE, owner, 1, &inode[i]), BX_OK);
	}
	ck_assert_int_eq(bx_fs_unmount(fs), BX_OK);
	mount();
	do {
		const struct bx_fs_stat values = { .mode = 0600 };

		bx_fs_get_info(fs, &info);
		ck_assert_int_eq(bx_fs_set_stat(fs, inode[info.log_records * 67 % 200], BX_FS_SET_MODE, &values, 1), BX_OK);
		sync_now();
	} while (info.log_records + 1 < records);
	mount();
	bx_fs_get_info(fs, &info);
	ck_assert_uint_eq(info.log_records, records);
	for (unsigned i = 0; i < records; i++)
		disk.bytes[(2 + 2 * fs->shape.nodes) * BX_FS_BLOCK + (uint64_t)i * 512 + 60] ^= 1;
	mount();
	bx_fs_get_info(fs, &info);
	ck_assert_uint_eq(info.log_records, records);
	worst_must_be_within();
	disk_free(&disk);
}
END_TEST

/* What leads to many blocks stays in a small memory before any of these: of 10,000 names in one directory, taken from all
 * over it, a lookup and a stat read little more than the leaf of the name and that of the inode. */
START_TEST(inner_nodes_stay_in_a_small_memory)
{
	const struct bx_fs_owner owner = { .mode = 0644 };
	const struct bx_fs_format options = { .hash = BX_FS_HASH_XXH64, .mode = 0755, .arena_bytes = sizeof arena };
	const unsigned names = 10000;
	struct bx_fs_counters first, last;
	uint64_t directory, inode;
	char name[16];

	disk_init(&disk, 32u << 20, 512);
	ck_assert_int_eq(bx_fs_format(&disk.device, &options, arena, sizeof arena), BX_OK);
	mount();
	ck_assert_int_eq(bx_fs_create(fs, BX_FS_ROOT, "d", 1, BX_FS_DIRECTORY, owner, 1, &directory), BX_OK);
	for (unsigned i = 0; i < names; i++) {
		snprintf(name, sizeof name, "file-%05u", i * 7919u % names);
		ck_assert_int_eq(bx_fs_create(fs, directory, name, strlen(name), BX_FS_FILE, owner, 1, &inode), BX_OK);
	}
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	bx_fs_get_counters(fs, &first);
	for (unsigned i = 0; i < names; i++) {
		struct bx_fs_stat st;

		snprintf(name, sizeof name, "file-%05u", i * 4801u % names);
		ck_assert_int_eq(bx_fs_lookup(fs, directory, name, strlen(name), &inode), BX_OK);
		ck_assert_int_eq(bx_fs_stat(fs, inode, &st), BX_OK);
	}
	bx_fs_get_counters(fs, &last);
	printf("%-16s %6.2f blocks read each\n", "stat", (double)(last.misses - first.misses) / names);
	fflush(stdout);
	ck_assert_uint_le(last.misses - first.misses, names * 22 / 10);
	disk_free(&disk);
}
END_TEST

/* What a durable call costs on the average: bytes written, and flushes in hundredths. */
static void
cost(const char *what, unsigned calls, uint64_t flushes_before, uint64_t bytes_max, uint64_t flushes_max)
{
	uint64_t bytes = (disk.bytes_written - written_before) / calls;
	uint64_t flushes = 100 * (disk.flushes - flushes_before) / calls;

	printf("%-16s %6llu bytes written, %llu.%02llu flushes each\n", what, (unsigned long long)bytes,
	    (unsigned long long)flushes / 100, (unsigned long long)flushes % 100);
	fflush(stdout);
	ck_assert_uint_le(bytes, bytes_max);
	ck_assert_uint_le(flushes, flushes_max);
}

/* FS-8, and the same of other calls.  Scattered writes have a mark of their own in a small arena, which
 * can keep fewer changed blocks in memory. */
START_TEST(fs8_durable_calls_cost_no_more_than_their_marks)
{
	static uint8_t large_arena[1u << 20] __attribute__((aligned(16)));
	static const struct {
		uint8_t *arena;
		size_t bytes;
		uint64_t random;
	} marks[] = { { arena, sizeof arena, 16384 }, { large_arena, sizeof large_arena, 12288 } };
	const struct bx_fs_owner owner = { .mode = 0644 };
	struct bx_fs_format options = { .hash = BX_FS_HASH_XXH64, .mode = 0755, .arena_bytes = marks[_i].bytes };
	struct bx_fs_config config = {
		.device = &disk.device, .arena = marks[_i].arena, .arena_bytes = marks[_i].bytes,
	};
	static uint8_t block[BX_FS_BLOCK];
	const unsigned calls = 4000;
	struct rng rng = { .state = 1 };
	uint64_t file, other, flushes;
	char name[16];
	size_t done;

	disk_init(&disk, 128u << 20, 512);
	ck_assert_int_eq(bx_fs_format(&disk.device, &options, marks[_i].arena, marks[_i].bytes), BX_OK);
	ck_assert_int_eq(bx_fs_mount(&config, &fs), BX_OK);
	ck_assert_int_eq(bx_fs_create(fs, BX_FS_ROOT, "file", 4, BX_FS_FILE, owner, 1, &file), BX_OK);
	for (unsigned i = 0; i < 8192; i++)
		ck_assert_int_eq(bx_fs_write(fs, file, (uint64_t)i * BX_FS_BLOCK, block, sizeof block, 1, &done), BX_OK);
	ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	begin();
	flushes = disk.flushes;
	for (unsigned i = 0; i < calls; i++) {
		ck_assert_int_eq(bx_fs_write(fs, file, rng_below(&rng, 8192) * BX_FS_BLOCK, block, sizeof block, 1,
		    &done), BX_OK);
		ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	}
	cost("random 4 KiB", calls, flushes, marks[_i].random, 205);
	ck_assert_int_eq(bx_fs_create(fs, BX_FS_ROOT, "log", 3, BX_FS_FILE, owner, 1, &other), BX_OK);
	begin();
	flushes = disk.flushes;
	for (unsigned i = 0; i < calls; i++) {
		ck_assert_int_eq(bx_fs_write(fs, other, (uint64_t)i * 128, block, 128, 1, &done), BX_OK);
		ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	}
	cost("append 128", calls, flushes, 4096, 110);
	begin();
	flushes = disk.flushes;
	for (unsigned i = 0; i < calls; i++) {
		snprintf(name, sizeof name, "n%05u", i);
		ck_assert_int_eq(bx_fs_create(fs, BX_FS_ROOT, name, strlen(name), BX_FS_FILE, owner, 1, &other), BX_OK);
		ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	}
	cost("create", calls, flushes, 8192, 110);
	begin();
	flushes = disk.flushes;
	for (unsigned i = 0; i < calls; i++) {
		ck_assert_int_eq(bx_fs_create(fs, BX_FS_ROOT, "new", 3, BX_FS_FILE, owner, 1, &other), BX_OK);
		ck_assert_int_eq(bx_fs_write(fs, other, 0, block, 1000, 1, &done), BX_OK);
		ck_assert_int_eq(bx_fs_rename(fs, BX_FS_ROOT, "new", 3, BX_FS_ROOT, "n00000", 6, 0, 1), BX_OK);
		ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	}
	cost("replace", calls, flushes, 8192, 110);
	begin();
	flushes = disk.flushes;
	for (unsigned i = 0; i < calls; i++) {
		snprintf(name, sizeof name, "n%05u", i);
		ck_assert_int_eq(bx_fs_unlink(fs, BX_FS_ROOT, name, strlen(name), 0, 1), BX_OK);
		ck_assert_int_eq(bx_fs_sync(fs), BX_OK);
	}
	cost("unlink", calls, flushes, 8192, 205);
	volume_must_check(fs);
	disk_free(&disk);
}
END_TEST

/* ---- stack -------------------------------------------------------------------------------- */

/* Of code as it is used: optimized by GCC, and without what sanitizers add. */
#if defined(__OPTIMIZE__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define STACK_MAX	8192u
#else
#define STACK_MAX	65536u
#endif
#define PAINT		0xa5u

static uint8_t stack[131072] __attribute__((aligned(16)));
static ucontext_t here, there;
static uint8_t bits[1024];

static void
ignore(void *context, const struct bx_fs_finding *finding)
{
	(void)context;
	(void)finding;
}

static void
ok(enum bx_err err)
{
	if (err != BX_OK)
		die("%s", bx_err_name(err));
}

/* Calls of every kind on a volume with a tree of several levels, a log and snapshots. */
static void
all_calls(void)
{
	static const struct bx_fs_owner owner = { .mode = 0644 };
	static struct bx_fs_config config = { .device = &disk.device, .arena = arena, .arena_bytes = sizeof arena };
	static struct bx_fs_format options = { .hash = BX_FS_HASH_SHA256, .mode = 0755 };
	static const struct bx_fs_checker checker = { .report = ignore, .bits = bits, .bits_bytes = sizeof bits, .data = true };
	static uint8_t bytes[BX_FS_WRITE_MAX], sum[BX_FS_DIGEST];
	static char name[201];
	static struct bx_fs_stat st;
	static struct bx_fs_entry e;
	uint64_t inode = 0, other, offset = 0;
	size_t done;

	ok(bx_fs_format(&disk.device, &options, arena, sizeof arena));
	ok(bx_fs_mount(&config, &fs));
	memset(name, 'n', sizeof name - 1);
	for (unsigned i = 0; i < 600; i++) {
		name[0] = (char)('a' + i % 26);
		name[1] = (char)('a' + i / 26);
		ok(bx_fs_create(fs, BX_FS_ROOT, name, 200, BX_FS_FILE, owner, 1, &inode));
		ok(bx_fs_write(fs, inode, 0, bytes, 1 + i, 1, &done));
		ok(i % 50 == 0 ? bx_fs_sync(fs) : BX_OK);
		ok(i % 200 == 0 ? bx_fs_snapshot_create(fs, name, 2, 1) : BX_OK);
	}
	ok(bx_fs_create(fs, BX_FS_ROOT, "d", 1, BX_FS_DIRECTORY, owner, 1, &other));
	for (unsigned i = 0; i < 40; i++)
		ok(bx_fs_write(fs, inode, (uint64_t)i * 200000 + 77, bytes, sizeof bytes - i * 1000, 1, &done));
	ok(bx_fs_punch(fs, inode, 4097, 1000000, 2));
	ok(bx_fs_set_attr(fs, inode, "a", 1, bytes, BX_FS_ATTR_MAX, 1));
	ok(bx_fs_link(fs, inode, other, "l", 1, 1));
	ok(bx_fs_rename(fs, BX_FS_ROOT, name, 200, other, "l2", 2, 0, 1));
	ok(bx_fs_sync(fs));
	ok(bx_fs_mount(&config, &fs));
	ok(bx_fs_read(fs, inode, 0, bytes, sizeof bytes, &done));
	ok(bx_fs_verify(fs, inode, &offset));
	ok(bx_fs_stat(fs, inode, &st));
	ok(bx_fs_next_entry(fs, BX_FS_ROOT, "b", 1, &e));
	while (bx_fs_truncate(fs, inode, 5, 1) == BX_ERR_AGAIN)
		continue;
	ok(bx_fs_unlink(fs, other, "l", 1, 0, 1));
	ok(bx_fs_unlink(fs, other, "l2", 2, 0, 1));
	ok(bx_fs_remove_directory(fs, BX_FS_ROOT, "d", 1, 1));
	ok(bx_fs_begin(fs));
	for (unsigned i = 0; i < 26; i++) {
		name[0] = (char)('a' + i);
		name[1] = 'a';
		ok(bx_fs_unlink(fs, BX_FS_ROOT, name, 200, 0, 1));
	}
	ok(bx_fs_abort(fs));
	name[0] = 'a';
	ok(bx_fs_snapshot_remove(fs, name, 2));
	while (bx_fs_tidy(fs) == BX_ERR_AGAIN)
		continue;
	ok(bx_fs_check(fs, &checker, &other));
	ok(bx_fs_seal(fs, sum));
	config.root_hash = sum;
	ok(bx_fs_mount_sealed(&config, &fs));
	ok(bx_fs_walk(fs, "/d", 2, &inode) == BX_ERR_NOT_FOUND ? BX_OK : BX_ERR_STATE);
}

static size_t
stack_used(void)
{
	size_t untouched = 0;

	while (untouched < sizeof stack && stack[untouched] == PAINT)
		untouched++;
	return sizeof stack - untouched;
}

START_TEST(the_stack_is_small)
{
	disk_init(&disk, 32u << 20, 512);
	memset(stack, PAINT, sizeof stack);
	ck_assert_int_eq(getcontext(&there), 0);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = sizeof stack;
	there.uc_link = &here;
	makecontext(&there, all_calls, 0);
	ck_assert_int_eq(swapcontext(&here, &there), 0);
	printf("stack: %zu bytes, the caller's and the device's included\n", stack_used());
	ck_assert_uint_le(stack_used(), STACK_MAX);
	disk_free(&disk);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("fs-bounds");
	TCase *tc = tcase_create("bounds");

	tcase_set_timeout(tc, 0);
	tcase_add_loop_test(tc, random_calls_stay_within, 0, 2);
	tcase_add_loop_test(tc, a_large_directory_stays_within, 0, (int)BX_ARRAY_COUNT(directories));
	tcase_add_loop_test(tc, as_many_names_as_asked_stay_within, 0, 2);
	tcase_add_loop_test(tc, mount_reads_no_more_of_a_large_volume, 0, 4);
	tcase_add_test(tc, mount_with_a_full_log_stays_within);
	tcase_add_test(tc, inner_nodes_stay_in_a_small_memory);
	tcase_add_loop_test(tc, fs8_durable_calls_cost_no_more_than_their_marks, 0, 2);
	tcase_add_test(tc, the_stack_is_small);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
