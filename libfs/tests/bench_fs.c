/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * bench_fs.c -- the benchmark suite `fs`: libfs on a device in memory, one thread, every
 * read verified.
 *
 * usage: bench_fs [--arena BYTES] [--volume MIB] [--json FILE]
 * Prints a table; with --json also appends one JSON line for each row.
 */
#include <brainix/fs.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct disk {
	uint8_t *bytes;
	uint64_t read, written, flushes;
	uint64_t call_read, call_written;	/* in the running call */
	uint64_t worst_read, worst_written;
	const char *worst_reader, *worst_writer;	/* which calls these were */
};

static struct disk disk;
static struct bx_fs *fs;
static struct bx_fs_config config;
static uint8_t *buffer;
static const char *json;
static const struct bx_fs_owner owner = { .mode = 0644 };

void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "panic at %s: %s\n", where, what);
	abort();
}

static enum bx_err
disk_read(void *context, uint64_t offset, void *to, size_t length)
{
	struct disk *d = context;

	memcpy(to, d->bytes + offset, length);
	d->read += length;
	return BX_OK;
}

static enum bx_err
disk_write(void *context, uint64_t offset, const void *from, size_t length)
{
	struct disk *d = context;

	memcpy(d->bytes + offset, from, length);
	d->written += length;
	return BX_OK;
}

static enum bx_err
disk_flush(void *context)
{
	((struct disk *)context)->flushes++;
	return BX_OK;
}

/* Around every call that is measured: the largest amount of one call, payload taken off. */
static void
call_begin(void)
{
	disk.call_read = disk.read;
	disk.call_written = disk.written;
}

static void
call_end(enum bx_err err, const char *what, uint64_t payload_read, uint64_t payload_written)
{
	uint64_t r = disk.read - disk.call_read, w = disk.written - disk.call_written;

	if (err != BX_OK) {
		fprintf(stderr, "%s: %s\n", what, bx_err_text(err));
		exit(EXIT_FAILURE);
	}
	r = r > payload_read ? r - payload_read : 0;
	w = w > payload_written ? w - payload_written : 0;
	if (r > disk.worst_read) {
		disk.worst_read = r;
		disk.worst_reader = what;
	}
	if (w > disk.worst_written) {
		disk.worst_written = w;
		disk.worst_writer = what;
	}
}

#define CALL(expression, payload_read, payload_written) do { \
	call_begin(); \
	call_end((expression), #expression, (payload_read), (payload_written)); \
} while (0)

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
row(const char *name, const char *unit, double value, const char *note, ...)
{
	va_list arguments;
	char host[65] = "";
	FILE *f;

	printf("%-24s %14.0f %-6s ", name, value, unit);
	va_start(arguments, note);
	vprintf(note, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
	if (json == NULL)
		return;
	f = fopen(json, "a");
	if (f == NULL)
		return;
	gethostname(host, sizeof host - 1);
	fprintf(f, "{\"suite\":\"fs\",\"name\":\"%s\",\"unit\":\"%s\",\"value\":%.3f,\"system\":\"brainix-fs\","
	    "\"commit\":\"%s\",\"host\":\"%s\"}\n", name, unit, value,
	    getenv("BX_COMMIT") != NULL ? getenv("BX_COMMIT") : "", host);
	fclose(f);
}

static uint64_t
create(uint64_t directory, const char *name, enum bx_fs_type type)
{
	uint64_t inode;

	CALL(bx_fs_create(fs, directory, name, strlen(name), type, owner, 1, &inode), 0, 0);
	return inode;
}

static void
write_all(uint64_t inode, uint64_t offset, const void *bytes, size_t length)
{
	size_t done;

	for (size_t at = 0; at < length; at += done)
		CALL(bx_fs_write(fs, inode, offset + at, (const uint8_t *)bytes + at, length - at, 1, &done),
		    0, length);
}

static void
sync_now(void)
{
	CALL(bx_fs_sync(fs), 0, 0);
}

struct mark {
	double time;
	uint64_t written, read, flushes;
};

static struct mark
start(void)
{
	return (struct mark){ .time = now(), .written = disk.written, .read = disk.read,
	    .flushes = disk.flushes };
}

static uint64_t
next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

static void
ops_row(const char *name, struct mark m, double ops)
{
	double seconds = now() - m.time;

	row(name, "ops/s", ops / seconds, "%7.0f B written, %7.0f B read, %.2f flushes each",
	    (double)(disk.written - m.written) / ops, (double)(disk.read - m.read) / ops,
	    (double)(disk.flushes - m.flushes) / ops);
}

static void
remove_all(const char *name)
{
	enum bx_err err;

	CALL(bx_fs_unlink(fs, BX_FS_ROOT, name, strlen(name), 0, 1), 0, 0);
	do {
		err = bx_fs_tidy(fs);
	} while (err == BX_ERR_AGAIN);
	if (err != BX_OK)
		exit(EXIT_FAILURE);
	CALL(bx_fs_sync(fs), 0, 0);
}

static void
bench_sequential(uint64_t bytes, size_t unit, const char *write_name, const char *read_name)
{
	uint64_t inode = 0;
	double best = 0, written = 0;

	/* A new file each time: the one before goes, with all its blocks. */
	for (unsigned turn = 0; turn < 3; turn++) {
		struct mark m;
		double rate;

		if (turn > 0)
			remove_all(write_name);
		inode = create(BX_FS_ROOT, write_name, BX_FS_FILE);
		m = start();
		for (uint64_t at = 0; at < bytes; at += unit)
			write_all(inode, at, buffer + at % (1u << 20), unit);
		sync_now();
		rate = (double)bytes / (now() - m.time) / 1e6;
		if (rate > best)
			best = rate;
		written = (double)(disk.written - m.written) / (double)bytes;
	}
	row(write_name, "MB/s", best, "%.4f bytes written a byte, best of 3", written);
	best = 0;
	for (unsigned turn = 0; turn < 3; turn++) {
		double t = now(), rate;

		for (uint64_t at = 0; at < bytes; at += unit) {
			size_t done;

			CALL(bx_fs_read(fs, inode, at, buffer + (2u << 20), unit, &done), unit, 0);
		}
		rate = (double)bytes / (now() - t) / 1e6;
		if (rate > best)
			best = rate;
	}
	row(read_name, "MB/s", best, "best of 3");
}

static void
bench_random(uint64_t inode, uint64_t bytes)
{
	uint64_t blocks = bytes / BX_FS_BLOCK, state = 1;
	const unsigned reads = 200000, writes = 50000;
	struct mark m = start();

	for (unsigned i = 0; i < reads; i++) {
		size_t done;

		CALL(bx_fs_read(fs, inode, next_random(&state) % blocks * BX_FS_BLOCK, buffer, BX_FS_BLOCK,
		    &done), BX_FS_BLOCK, 0);
	}
	ops_row("random_read_4k", m, reads);
	m = start();
	for (unsigned i = 0; i < writes; i++) {
		write_all(inode, next_random(&state) % blocks * BX_FS_BLOCK, buffer, BX_FS_BLOCK);
		sync_now();
	}
	ops_row("random_write_4k_sync", m, writes);
}

static void
bench_names(unsigned count)
{
	uint64_t directory = create(BX_FS_ROOT, "names", BX_FS_DIRECTORY);
	char name[32], other[32];
	struct mark m = start();

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof name, "file-%05u", i * 7919u % count);
		create(directory, name, BX_FS_FILE);
	}
	sync_now();
	ops_row("create_one_dir", m, count);
	m = start();
	for (unsigned turn = 0; turn < 5; turn++)
		for (unsigned i = 0; i < count; i++) {
			uint64_t inode;
			struct bx_fs_stat st;

			snprintf(name, sizeof name, "file-%05u", i * 4801u % count);
			CALL(bx_fs_lookup(fs, directory, name, strlen(name), &inode), 0, 0);
			CALL(bx_fs_stat(fs, inode, &st), 0, 0);
		}
	ops_row("stat_one_dir", m, 5.0 * count);
	m = start();
	for (unsigned turn = 0; turn < 5; turn++)
		for (unsigned i = 0; i < count; i++) {
			uint64_t inode;

			snprintf(name, sizeof name, "none-%05u", i);
			if (bx_fs_lookup(fs, directory, name, strlen(name), &inode) != BX_ERR_NOT_FOUND)
				exit(EXIT_FAILURE);
		}
	ops_row("stat_missing_one_dir", m, 5.0 * count);
	m = start();
	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof name, "file-%05u", i);
		snprintf(other, sizeof other, "name-%05u", i);
		CALL(bx_fs_rename(fs, directory, name, strlen(name), directory, other, strlen(other), 0, 2),
		    0, 0);
	}
	sync_now();
	ops_row("rename", m, count);
	m = start();
	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof name, "name-%05u", i * 7919u % count);
		CALL(bx_fs_unlink(fs, directory, name, strlen(name), 0, 3), 0, 0);
	}
	sync_now();
	ops_row("unlink_one_dir", m, count);
	m = start();
	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof name, "sync-%05u", i);
		create(directory, name, BX_FS_FILE);
		sync_now();
	}
	ops_row("create_sync", m, count);
	m = start();
	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof name, "sync-%05u", i);
		CALL(bx_fs_unlink(fs, directory, name, strlen(name), 0, 3), 0, 0);
		sync_now();
	}
	ops_row("unlink_sync", m, count);
}

static void
bench_small(void)
{
	uint64_t inode = create(BX_FS_ROOT, "journal", BX_FS_FILE);
	const unsigned appends = 50000, replaces = 20000, files = 10000;
	uint64_t directory = create(BX_FS_ROOT, "small", BX_FS_DIRECTORY);
	struct bx_fs_info before, after;
	struct mark m = start();

	for (unsigned i = 0; i < appends; i++) {
		write_all(inode, (uint64_t)i * 128, buffer, 128);
		sync_now();
	}
	ops_row("append_128_sync", m, appends);
	create(BX_FS_ROOT, "config", BX_FS_FILE);
	sync_now();
	m = start();
	for (unsigned i = 0; i < replaces; i++) {
		uint64_t next = create(BX_FS_ROOT, "config.new", BX_FS_FILE);

		write_all(next, 0, buffer, 1000);
		CALL(bx_fs_rename(fs, BX_FS_ROOT, "config.new", 10, BX_FS_ROOT, "config", 6, 0, 2), 0, 0);
		sync_now();
	}
	ops_row("replace", m, replaces);
	sync_now();
	bx_fs_get_info(fs, &before);
	m = start();
	for (unsigned i = 0; i < files; i++) {
		char name[32];

		snprintf(name, sizeof name, "f%05u", i);
		write_all(create(directory, name, BX_FS_FILE), 0, buffer, 100);
	}
	CALL(bx_fs_unmount(fs), 0, 0);
	ops_row("create_100_bytes", m, files);
	CALL(bx_fs_mount(&config, &fs), 0, 0);
	bx_fs_get_info(fs, &after);
	row("space_10000_100_bytes", "bytes",
	    (double)(before.blocks_free - after.blocks_free) * BX_FS_BLOCK, "");
}

/* The other use of the format, in place of the volume: one file and a directory of names under a root hash. */
static void
bench_sealed(const struct bx_fs_device *device, size_t arena)
{
	const struct bx_fs_format format = { .hash = BX_FS_HASH_SHA256, .mode = 0755, .arena_bytes = arena };
	const uint64_t bytes = device->size_bytes / 8;
	const unsigned names = 10000;
	uint8_t root_hash[BX_FS_DIGEST];
	double best[4] = { 0 };
	char name[32];
	uint64_t inode;

	CALL(bx_fs_format(device, &format, config.arena, arena), UINT64_MAX, UINT64_MAX);
	CALL(bx_fs_mount(&config, &fs), 0, 0);
	inode = create(BX_FS_ROOT, "file", BX_FS_FILE);
	for (uint64_t at = 0; at < bytes; at += 65536)
		write_all(inode, at, buffer + at % (1u << 20), 65536);
	for (unsigned i = 0; i < names; i++) {
		snprintf(name, sizeof name, "name-%05u", i);
		create(BX_FS_ROOT, name, BX_FS_FILE);
	}
	CALL(bx_fs_seal(fs, root_hash), 0, 0);
	config.root_hash = root_hash;
	for (unsigned turn = 0; turn < 12; turn++) {
		const unsigned what = turn % 4, reads = 20000;
		const size_t unit = what == 0 ? 4096 : 65536;
		uint64_t state = 1;
		double t, rate;

		/* Nothing is in memory. */
		CALL(bx_fs_mount_sealed(&config, &fs), 0, 0);
		t = now();
		for (uint64_t at = 0; what < 2 && at < bytes; at += unit) {
			size_t done;

			CALL(bx_fs_read(fs, inode, at, buffer + (2u << 20), unit, &done), unit, 0);
		}
		for (unsigned i = 0; what == 2 && i < names; i++) {
			struct bx_fs_stat st;
			uint64_t found;

			snprintf(name, sizeof name, "name-%05u", i);
			CALL(bx_fs_lookup(fs, BX_FS_ROOT, name, strlen(name), &found), 0, 0);
			CALL(bx_fs_stat(fs, found, &st), 0, 0);
		}
		for (unsigned i = 0; what == 3 && i < reads; i++) {
			size_t done;

			CALL(bx_fs_read(fs, inode, next_random(&state) % (bytes / BX_FS_BLOCK) * BX_FS_BLOCK, buffer,
			    BX_FS_BLOCK, &done), BX_FS_BLOCK, 0);
		}
		rate = (what == 2 ? names : what == 3 ? reads : (double)bytes / 1e6) / (now() - t);
		if (rate > best[what])
			best[what] = rate;
	}
	row("sealed_read_4k", "MB/s", best[0], "best of 3, nothing in memory before");
	row("sealed_read_64k", "MB/s", best[1], "the same");
	row("sealed_stat", "ops/s", best[2], "the same");
	row("sealed_random_read_4k", "ops/s", best[3], "the same");
}

int
main(int argc, char **argv)
{
	size_t arena = 1u << 20;
	uint64_t volume = 256u << 20, file;
	struct bx_fs_device device = {
		.context = &disk,
		.read = disk_read,
		.write = disk_write,
		.flush = disk_flush,
		.sector_bytes = 512,
	};
	struct bx_fs_format format = { .hash = BX_FS_HASH_XXH64, .mode = 0755 };
	uint64_t inode;
	double t;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--arena") == 0)
			arena = strtoull(argv[i + 1], NULL, 0);
		else if (strcmp(argv[i], "--volume") == 0)
			volume = strtoull(argv[i + 1], NULL, 0) << 20;
		else if (strcmp(argv[i], "--json") == 0)
			json = argv[i + 1];
		else
			return EXIT_FAILURE;
	}
	disk.bytes = malloc(volume);
	buffer = malloc(4u << 20);
	if (disk.bytes == NULL || buffer == NULL)
		return EXIT_FAILURE;
	memset(disk.bytes, 0xff, volume);
	for (size_t i = 0; i < 4u << 20; i++)
		buffer[i] = (uint8_t)(i * 2654435761u >> 13);
	device.size_bytes = volume;
	format.arena_bytes = arena;
	config = (struct bx_fs_config){
		.device = &device,
		.arena = aligned_alloc(4096, arena),
		.arena_bytes = arena,
	};
	CALL(bx_fs_format(&device, &format, config.arena, arena), UINT64_MAX, UINT64_MAX);
	CALL(bx_fs_mount(&config, &fs), 0, 0);
	file = volume / 8 * 3;
	bench_sequential(file, 4096, "seq_write_4k", "seq_read_4k");
	bench_sequential(file, 65536, "seq_write_64k", "seq_read_64k");
	CALL(bx_fs_lookup(fs, BX_FS_ROOT, "seq_write_64k", 13, &inode), 0, 0);
	bench_random(inode, file);
	bench_names(10000);
	bench_small();
	CALL(bx_fs_unmount(fs), 0, 0);
	t = now();
	CALL(bx_fs_mount(&config, &fs), 0, 0);
	row("mount", "us", (now() - t) * 1e6, "");
	t = now();
	write_all(inode, 0, buffer, 100);
	sync_now();
	row("first_write", "us", (now() - t) * 1e6, "");
	row("worst_call_written", "bytes", (double)disk.worst_written, "beyond the caller's bytes: %s",
	    disk.worst_writer);
	row("worst_call_read", "bytes", (double)disk.worst_read, "beyond the caller's bytes: %s",
	    disk.worst_reader);
	row("memory", "bytes", (double)arena, "");
	bench_sealed(&device, arena);
	return EXIT_SUCCESS;
}
