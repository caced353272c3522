/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * peer_ext2fs.c -- the benchmark suite `fs' on libext2fs, the library of e2fsprogs, over a device in memory of the
 * same size, 4 KiB blocks, extents and metadata checksums.  It has no checksums of data and no
 * commits: `sync' is ext2fs_flush(), after which a cut may still leave half a change.  Its directories are
 * searched from the front.
 *
 * usage: peer_ext2fs [--volume MIB]
 */
#include <ext2fs/ext2fs.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCK 4096u

static uint8_t *disk, *buffer;
static uint64_t written;
static ext2_filsys fs;

static void
must(errcode_t err, const char *what)
{
	if (err == 0)
		return;
	fprintf(stderr, "peer_ext2fs: %s: error %ld\n", what, (long)err);
	exit(EXIT_FAILURE);
}

/* ---- the device -------------------------------------------------------------------------- */

static struct struct_io_manager manager;

static errcode_t
device_open(const char *name, int flags, io_channel *channel)
{
	static struct struct_io_channel c;

	(void)flags;
	c = (struct struct_io_channel){
		.magic = EXT2_ET_MAGIC_IO_CHANNEL,
		.manager = &manager,
		.name = strdup(name),
		.block_size = (int)BLOCK,
		.refcount = 1,
	};
	*channel = &c;
	return 0;
}

static errcode_t
device_close(io_channel channel)
{
	(void)channel;
	return 0;
}

static errcode_t
device_set_block(io_channel channel, int size)
{
	channel->block_size = size;
	return 0;
}

/* A negative count is one of bytes. */
static size_t
bytes_of(io_channel channel, int count)
{
	return count < 0 ? (size_t)-count : (size_t)count * (size_t)channel->block_size;
}

static errcode_t
device_read(io_channel channel, unsigned long long block, int count, void *to)
{
	memcpy(to, disk + block * (unsigned)channel->block_size, bytes_of(channel, count));
	return 0;
}

static errcode_t
device_write(io_channel channel, unsigned long long block, int count, const void *from)
{
	memcpy(disk + block * (unsigned)channel->block_size, from, bytes_of(channel, count));
	written += bytes_of(channel, count);
	return 0;
}

static errcode_t
device_read_short(io_channel channel, unsigned long block, int count, void *to)
{
	return device_read(channel, block, count, to);
}

static errcode_t
device_write_short(io_channel channel, unsigned long block, int count, const void *from)
{
	return device_write(channel, block, count, from);
}

static errcode_t
device_flush(io_channel channel)
{
	(void)channel;
	return 0;
}

/* ---- rows -------------------------------------------------------------------------------- */

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
row(const char *name, const char *unit, double value, double each)
{
	printf("%-24s %14.0f %-6s %7.0f B written each\n", name, value, unit, each);
	fflush(stdout);
}

static void
format(uint64_t volume)
{
	struct ext2_super_block parameters = { .s_log_block_size = 2 };

	ext2fs_blocks_count_set(&parameters, volume / BLOCK);
	parameters.s_rev_level = EXT2_DYNAMIC_REV;
	parameters.s_inode_size = 256;
	parameters.s_inodes_count = 65536;
	ext2fs_set_feature_filetype(&parameters);
	ext2fs_set_feature_extents(&parameters);
	ext2fs_set_feature_metadata_csum(&parameters);
	must(ext2fs_initialize("memory", 0, &parameters, &manager, &fs), "initialize");
	must(ext2fs_allocate_tables(fs), "tables");
	for (dgrp_t group = 0; group < fs->group_desc_count; group++)
		must(ext2fs_zero_blocks2(fs, ext2fs_inode_table_loc(fs, group), (int)fs->inode_blocks_per_group,
		    NULL, NULL), "inode tables");
	must(ext2fs_mkdir(fs, EXT2_ROOT_INO, EXT2_ROOT_INO, NULL), "root");
	for (ext2_ino_t i = EXT2_ROOT_INO + 1; i < EXT2_FIRST_INODE(fs->super); i++)
		ext2fs_inode_alloc_stats2(fs, i, 1, 0);
	must(ext2fs_flush(fs), "flush");
}

static ext2_ino_t
create(ext2_ino_t directory, const char *name)
{
	struct ext2_inode inode = { .i_mode = LINUX_S_IFREG | 0644, .i_links_count = 1 };
	ext2_extent_handle_t handle;
	ext2_ino_t number;
	errcode_t err;

	must(ext2fs_new_inode(fs, directory, LINUX_S_IFREG, NULL, &number), "new inode");
	err = ext2fs_link(fs, directory, name, number, EXT2_FT_REG_FILE);
	if (err == EXT2_ET_DIR_NO_SPACE) {
		must(ext2fs_expand_dir(fs, directory), "expanding a directory");
		err = ext2fs_link(fs, directory, name, number, EXT2_FT_REG_FILE);
	}
	must(err, "link");
	ext2fs_inode_alloc_stats2(fs, number, 1, 0);
	must(ext2fs_write_new_inode(fs, number, &inode), "inode");
	must(ext2fs_extent_open2(fs, number, &inode, &handle), "extents");
	ext2fs_extent_free(handle);
	must(ext2fs_write_inode(fs, number, &inode), "inode");
	return number;
}

static void
put(ext2_file_t file, uint64_t at, const void *from, unsigned length)
{
	unsigned done;

	must(ext2fs_file_llseek(file, at, EXT2_SEEK_SET, NULL), "seek");
	must(ext2fs_file_write(file, from, length, &done), "write");
}

static void
get(ext2_file_t file, uint64_t at, unsigned length)
{
	unsigned done;

	must(ext2fs_file_llseek(file, at, EXT2_SEEK_SET, NULL), "seek");
	must(ext2fs_file_read(file, buffer + (2u << 20), length, &done), "read");
}

static void
bench_sequential(uint64_t bytes, unsigned unit, const char *write_name, const char *read_name,
    ext2_file_t *file)
{
	uint64_t before = written;
	double t = now(), best = 0;

	must(ext2fs_file_open(fs, create(EXT2_ROOT_INO, write_name), EXT2_FILE_WRITE, file), "open");
	for (uint64_t at = 0; at < bytes; at += unit)
		put(*file, at, buffer + at % (1u << 20), unit);
	must(ext2fs_file_flush(*file), "flush");
	must(ext2fs_flush(fs), "flush");
	row(write_name, "MB/s", (double)bytes / (now() - t) / 1e6, (double)(written - before));
	for (unsigned turn = 0; turn < 3; turn++) {
		double rate;

		t = now();
		for (uint64_t at = 0; at < bytes; at += unit)
			get(*file, at, unit);
		rate = (double)bytes / (now() - t) / 1e6;
		best = rate > best ? rate : best;
	}
	row(read_name, "MB/s", best, 0);
}

static void
bench_random(ext2_file_t file, uint64_t bytes)
{
	const unsigned reads = 100000, writes = 2000;
	uint64_t state = 1, before = written;
	double t = now();

	for (unsigned i = 0; i < reads; i++) {
		state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		get(file, (state >> 33) % (bytes / BLOCK) * BLOCK, BLOCK);
	}
	row("random_read_4k", "ops/s", reads / (now() - t), 0);
	t = now();
	for (unsigned i = 0; i < writes; i++) {
		state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		put(file, (state >> 33) % (bytes / BLOCK) * BLOCK, buffer, BLOCK);
		must(ext2fs_file_flush(file), "flush");
		must(ext2fs_flush(fs), "flush");
	}
	row("random_write_4k_sync", "ops/s", writes / (now() - t), (double)(written - before) / writes);
}

static void
bench_names(unsigned count)
{
	ext2_ino_t directory;
	char name[32];
	uint64_t before = written;
	double t;

	must(ext2fs_mkdir(fs, EXT2_ROOT_INO, 0, "names"), "mkdir");
	must(ext2fs_lookup(fs, EXT2_ROOT_INO, "names", 5, NULL, &directory), "lookup");
	t = now();
	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof name, "file-%05u", i * 7919u % count);
		create(directory, name);
	}
	must(ext2fs_flush(fs), "flush");
	row("create_one_dir", "ops/s", count / (now() - t), (double)(written - before) / count);
	t = now();
	for (unsigned i = 0; i < count; i++) {
		struct ext2_inode inode;
		ext2_ino_t number;

		snprintf(name, sizeof name, "file-%05u", i * 4801u % count);
		must(ext2fs_lookup(fs, directory, name, (int)strlen(name), NULL, &number), "lookup");
		must(ext2fs_read_inode(fs, number, &inode), "inode");
	}
	row("stat_one_dir", "ops/s", count / (now() - t), 0);
	before = written;
	t = now();
	for (unsigned i = 0; i < count; i++) {
		struct ext2_inode inode;
		ext2_ino_t number;

		snprintf(name, sizeof name, "file-%05u", i * 7919u % count);
		must(ext2fs_lookup(fs, directory, name, (int)strlen(name), NULL, &number), "lookup");
		must(ext2fs_unlink(fs, directory, name, number, 0), "unlink");
		must(ext2fs_read_inode(fs, number, &inode), "inode");
		inode.i_links_count = 0;
		inode.i_dtime = 1;
		must(ext2fs_write_inode(fs, number, &inode), "inode");
		ext2fs_inode_alloc_stats2(fs, number, -1, 0);
	}
	must(ext2fs_flush(fs), "flush");
	row("unlink_one_dir", "ops/s", count / (now() - t), (double)(written - before) / count);
}

static void
bench_append(void)
{
	const unsigned appends = 5000;
	uint64_t before;
	ext2_file_t file;
	double t;

	must(ext2fs_file_open(fs, create(EXT2_ROOT_INO, "journal"), EXT2_FILE_WRITE, &file), "open");
	before = written;
	t = now();
	for (unsigned i = 0; i < appends; i++) {
		put(file, (uint64_t)i * 128, buffer, 128);
		must(ext2fs_file_flush(file), "flush");
		must(ext2fs_flush(fs), "flush");
	}
	row("append_128_sync", "ops/s", appends / (now() - t), (double)(written - before) / appends);
	must(ext2fs_file_close(file), "close");
}

int
main(int argc, char **argv)
{
	uint64_t volume = 256u << 20, bytes;
	ext2_file_t first, second;

	if (argc == 3 && strcmp(argv[1], "--volume") == 0)
		volume = strtoull(argv[2], NULL, 0) << 20;
	disk = calloc(1, volume);
	buffer = malloc(4u << 20);
	if (disk == NULL || buffer == NULL)
		return EXIT_FAILURE;
	for (size_t i = 0; i < 4u << 20; i++)
		buffer[i] = (uint8_t)(i * 2654435761u >> 13);
	manager = (struct struct_io_manager){
		.magic = EXT2_ET_MAGIC_IO_MANAGER,
		.name = "memory",
		.open = device_open,
		.close = device_close,
		.set_blksize = device_set_block,
		.read_blk = device_read_short,
		.write_blk = device_write_short,
		.flush = device_flush,
		.read_blk64 = device_read,
		.write_blk64 = device_write,
	};
	format(volume);
	bytes = volume / 8 * 3;
	bench_sequential(bytes, BLOCK, "seq_write_4k", "seq_read_4k", &first);
	must(ext2fs_file_close(first), "close");
	bench_sequential(bytes, 65536, "seq_write_64k", "seq_read_64k", &second);
	bench_random(second, bytes);
	must(ext2fs_file_close(second), "close");
	bench_names(10000);
	bench_append();
	return EXIT_SUCCESS;
}
