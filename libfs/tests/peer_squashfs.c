/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * peer_squashfs.c -- the rows of sealed volumes of the benchmark suite `fs' on libsquashfs, the library of squashfs-tools-ng: a
 * read-only image in memory, of the same files, made and read in this process.  Nothing in it is compressed, and nothing that is
 * read is verified: SquashFS has no checksums.  Once with its usual blocks of 128 KiB, once with blocks of 4 KiB, as ours.
 *
 * usage: peer_squashfs [--volume MIB]
 */
#include <sqfs/compressor.h>
#include <sqfs/data_reader.h>
#include <sqfs/dir_reader.h>
#include <sqfs/dir_writer.h>
#include <sqfs/error.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/io.h>
#include <sqfs/meta_writer.h>
#include <sqfs/super.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAMES 10000u
#define STORED (UINT32_C(1) << 24)	/* a block that is not compressed */
#define NO_FRAGMENT UINT32_MAX
#define NOTHING UINT64_MAX

static uint8_t *disk, *buffer;
static uint64_t disk_used, disk_size;

static void
must(int err, const char *what)
{
	if (err == 0)
		return;
	fprintf(stderr, "peer_squashfs: %s: error %d\n", what, err);
	exit(EXIT_FAILURE);
}

static void *
must_be(void *made, const char *what)
{
	must(made == NULL, what);
	return made;
}

/* ---- the device, and what compresses nothing --------------------------------------------- */

static int
device_read(sqfs_file_t *file, sqfs_u64 offset, void *to, size_t size)
{
	(void)file;
	if (offset > disk_used || size > disk_used - offset)
		return SQFS_ERROR_OUT_OF_BOUNDS;
	memcpy(to, disk + offset, size);
	return 0;
}

static int
device_write(sqfs_file_t *file, sqfs_u64 offset, const void *from, size_t size)
{
	(void)file;
	if (offset > disk_size || size > disk_size - offset)
		return SQFS_ERROR_IO;
	memcpy(disk + offset, from, size);
	if (offset + size > disk_used)
		disk_used = offset + size;
	return 0;
}

static sqfs_u64
device_size(const sqfs_file_t *file)
{
	(void)file;
	return disk_used;
}

static int
device_truncate(sqfs_file_t *file, sqfs_u64 size)
{
	(void)file;
	disk_used = size;
	return 0;
}

static void
destroy(sqfs_object_t *object)
{
	(void)object;
}

static sqfs_s32
store(sqfs_compressor_t *compressor, const sqfs_u8 *in, sqfs_u32 size, sqfs_u8 *out, sqfs_u32 room)
{
	(void)compressor;
	(void)in;
	(void)size;
	(void)out;
	(void)room;
	return 0;
}

static sqfs_file_t device = {
	.base = { .destroy = destroy },
	.read_at = device_read,
	.write_at = device_write,
	.get_size = device_size,
	.truncate = device_truncate,
};
static sqfs_compressor_t nothing = { .base = { .destroy = destroy }, .do_block = store };

/* ---- the image --------------------------------------------------------------------------- */

struct making {
	sqfs_super_t super;
	sqfs_meta_writer_t *inodes, *names;
	sqfs_dir_writer_t *directory;
};

/* An inode into the table, and its name into the directory. */
static void
add(struct making *m, const char *name, sqfs_inode_generic_t *inode)
{
	sqfs_u64 block;
	sqfs_u32 offset;

	inode->base.inode_number = ++m->super.inode_count;
	sqfs_meta_writer_get_position(m->inodes, &block, &offset);
	must(sqfs_meta_writer_write_inode(m->inodes, inode), "inode");
	must(sqfs_dir_writer_add_entry(m->directory, name, inode->base.inode_number, block << 16 | offset,
	    inode->base.mode), "name");
}

/* A file whose bytes, if it has any, begin at the start of the image's data. */
static void
add_file(struct making *m, const char *name, uint64_t start, uint64_t bytes)
{
	uint64_t block = m->super.block_size, count = (bytes + block - 1) / block;
	sqfs_inode_generic_t *inode = must_be(calloc(1, sizeof *inode + count * sizeof inode->extra[0]), "memory");

	inode->base.type = SQFS_INODE_FILE;
	inode->base.mode = SQFS_INODE_MODE_REG | 0644;
	inode->data.file.blocks_start = (sqfs_u32)start;
	inode->data.file.fragment_index = NO_FRAGMENT;
	inode->data.file.fragment_offset = NO_FRAGMENT;
	inode->data.file.file_size = (sqfs_u32)bytes;
	inode->payload_bytes_used = inode->payload_bytes_available = (sqfs_u32)(count * sizeof inode->extra[0]);
	for (uint64_t i = 0; i < count; i++)
		inode->extra[i] = STORED | (sqfs_u32)(bytes - i * block < block ? bytes - i * block : block);
	add(m, name, inode);
	free(inode);
}

static void
add_root(struct making *m)
{
	sqfs_inode_generic_t *inode;
	sqfs_u64 block;
	sqfs_u32 offset;

	inode = must_be(sqfs_dir_writer_create_inode(m->directory, 0, UINT32_MAX, NAMES + 2), "root");
	inode->base.mode = SQFS_INODE_MODE_DIR | 0755;
	inode->base.inode_number = ++m->super.inode_count;
	sqfs_meta_writer_get_position(m->inodes, &block, &offset);
	must(sqfs_meta_writer_write_inode(m->inodes, inode), "root");
	m->super.root_inode_ref = block << 16 | offset;
	sqfs_free(inode);
}

/* One file of `bytes' and 10,000 empty ones, in the root. */
static void
make_image(uint32_t block, uint64_t bytes)
{
	struct making m;
	sqfs_id_table_t *ids = must_be(sqfs_id_table_create(0), "ids");
	sqfs_u16 owner;
	char name[32];

	disk_used = 0;
	must(sqfs_super_init(&m.super, block, 0, SQFS_COMP_GZIP), "super block");
	m.super.flags = SQFS_FLAG_NO_FRAGMENTS | SQFS_FLAG_NO_XATTRS;
	m.super.fragment_table_start = m.super.export_table_start = m.super.xattr_id_table_start = NOTHING;
	must(sqfs_super_write(&m.super, &device), "super block");
	for (uint64_t at = 0; at < bytes; at += 65536)
		must(device_write(&device, sizeof m.super + at, buffer + at % (1u << 20), 65536), "content");
	must(sqfs_id_table_id_to_index(ids, 0, &owner), "owner");
	m.super.inode_table_start = disk_used;
	m.inodes = must_be(sqfs_meta_writer_create(&device, &nothing, 0), "inodes");
	m.names = must_be(sqfs_meta_writer_create(&device, &nothing, SQFS_META_WRITER_KEEP_IN_MEMORY), "names");
	m.directory = must_be(sqfs_dir_writer_create(m.names, 0), "directory");
	must(sqfs_dir_writer_begin(m.directory, 0), "directory");
	add_file(&m, "file", sizeof m.super, bytes);
	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(name, sizeof name, "name-%05u", i);
		add_file(&m, name, 0, 0);
	}
	must(sqfs_dir_writer_end(m.directory), "directory");
	add_root(&m);
	must(sqfs_meta_writer_flush(m.inodes), "inodes");
	must(sqfs_meta_writer_flush(m.names), "names");
	m.super.directory_table_start = disk_used;
	must(sqfs_meta_write_write_to_file(m.names), "names");
	must(sqfs_id_table_write(ids, &device, &m.super, &nothing), "owners");
	m.super.bytes_used = disk_used;
	must(sqfs_super_write(&m.super, &device), "super block");
	sqfs_destroy(m.directory);
	sqfs_destroy(m.names);
	sqfs_destroy(m.inodes);
	sqfs_destroy(ids);
}

/* ---- rows -------------------------------------------------------------------------------- */

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct reading {
	sqfs_super_t super;
	sqfs_dir_reader_t *names;
	sqfs_data_reader_t *content;
	sqfs_inode_generic_t *root;
};

/* Nothing is in memory.  The readers keep a pointer to the super block. */
static void
open_image(struct reading *r)
{
	must(sqfs_super_read(&r->super, &device), "super block");
	r->names = must_be(sqfs_dir_reader_create(&r->super, &nothing, &device, 0), "reader of names");
	r->content = must_be(sqfs_data_reader_create(&device, r->super.block_size, &nothing, 0), "reader of content");
	must(sqfs_dir_reader_get_root_inode(r->names, &r->root), "root");
}

static void
close_image(struct reading *r)
{
	sqfs_free(r->root);
	sqfs_destroy(r->content);
	sqfs_destroy(r->names);
}

static sqfs_inode_generic_t *
find(struct reading *r, const char *name)
{
	sqfs_inode_generic_t *inode;

	must(sqfs_dir_reader_find_by_path(r->names, r->root, name, &inode), name);
	return inode;
}

static void
get(struct reading *r, const sqfs_inode_generic_t *file, uint64_t at, uint32_t unit)
{
	must(sqfs_data_reader_read(r->content, file, at, buffer + (2u << 20), unit) != (sqfs_s32)unit, "read");
}

enum what { READ_4K, READ_64K, RANDOM, STAT };

/* In MB or operations a second. */
static double
run(enum what what, uint64_t bytes)
{
	const unsigned reads = 20000, stats = 500;
	struct reading r;
	sqfs_inode_generic_t *file;
	uint32_t unit = what == READ_64K ? 65536 : 4096;
	uint64_t state = 1;
	double t, seconds;
	char name[32];

	open_image(&r);
	file = find(&r, "file");
	get(&r, file, bytes - 4096, 4096);
	must(memcmp(buffer + (2u << 20), buffer + (bytes - 4096) % (1u << 20), 4096) != 0, "another content");
	t = now();
	for (uint64_t at = 0; what <= READ_64K && at < bytes; at += unit)
		get(&r, file, at, unit);
	for (unsigned i = 0; what == RANDOM && i < reads; i++) {
		state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		get(&r, file, (state >> 33) % (bytes / unit) * unit, unit);
	}
	for (unsigned i = 0; what == STAT && i < stats; i++) {
		snprintf(name, sizeof name, "name-%05u", i * (NAMES / stats));
		sqfs_free(find(&r, name));
	}
	seconds = now() - t;
	sqfs_free(file);
	close_image(&r);
	return (what == STAT ? stats : what == RANDOM ? reads : (double)bytes / 1e6) / seconds;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name, *unit;
	} rows[] = {
		[READ_4K] = { "sealed_read_4k", "MB/s" },
		[READ_64K] = { "sealed_read_64k", "MB/s" },
		[RANDOM] = { "sealed_random_read_4k", "ops/s" },
		[STAT] = { "sealed_stat", "ops/s" },
	};
	static const struct {
		uint32_t bytes;
		const char *suffix;
	} blocks[] = { { 131072, "" }, { 4096, "_blocks_4k" } };
	uint64_t bytes = (UINT64_C(256) << 20) / 8;

	if (argc == 3 && strcmp(argv[1], "--volume") == 0)
		bytes = (strtoull(argv[2], NULL, 0) << 20) / 8;
	disk_size = bytes + (8u << 20);
	disk = must_be(malloc(disk_size), "memory");
	buffer = must_be(malloc(4u << 20), "memory");
	memset(disk, 0xff, disk_size);
	for (size_t i = 0; i < 4u << 20; i++)
		buffer[i] = (uint8_t)(i * 2654435761u >> 13);
	for (size_t b = 0; b < sizeof blocks / sizeof blocks[0]; b++) {
		make_image(blocks[b].bytes, bytes);
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			char name[64];
			double best = 0;

			for (unsigned turn = 0; turn < 3; turn++) {
				double rate = run((enum what)i, bytes);

				best = rate > best ? rate : best;
			}
			snprintf(name, sizeof name, "%s%s", rows[i].name, blocks[b].suffix);
			printf("%-31s %7.0f %-6s nothing verified, best of 3\n", name, best, rows[i].unit);
			fflush(stdout);
		}
	}
	return EXIT_SUCCESS;
}
