/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * mkfs.bxfs -- make a volume, empty or from a directory tree, sealed or not.
 *
 * From a tree the result depends on the tree alone (tree.h); the identifier is zero unless given.  A volume of a size that was
 * asked for is there whole or not at all: it is made beside what was there before.  A device, or a file that keeps its size, is
 * written where it is.
 */
#include "../bxfs/image.h"
#include "../bxfs/output.h"
#include "tree.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define LABEL_MAX (sizeof ((struct bx_fs_info *)NULL)->label - 1)

static const char usage_text[] =
    "Usage: mkfs.bxfs [OPTION...] FILE\n"
    "Make a bxfs volume in FILE, a regular file or a block device.\n\n"
    "  -s, --size SIZE       size of the volume (64M, 1G); a file is made that long\n"
    "  -L, --label TEXT      at most 31 bytes\n"
    "  -U, --uuid HEX        32 hex digits; otherwise random, zero with --directory\n"
    "  -d, --directory DIR   fill the volume with a copy of DIR, reproducibly\n"
    "      --sha256          SHA-256 checksums, for a volume that a signature will cover\n"
    "      --seal            no further change; prints the root hash (implies --sha256)\n"
    "      --memory SIZE     least memory of a mount (default 64K; more makes random writes cheaper)\n"
    "      --json            print the result as JSON\n"
    "  -h, --help\n";

struct options {
	const char *file, *directory;
	uint64_t size, memory;
	bool seal, sha256, json, have_uuid;
	struct bx_fs_format format;
};

static struct options
parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "size", required_argument, NULL, 's' }, { "label", required_argument, NULL, 'L' },
		{ "uuid", required_argument, NULL, 'U' }, { "directory", required_argument, NULL, 'd' },
		{ "sha256", no_argument, NULL, '2' }, { "seal", no_argument, NULL, 'S' },
		{ "memory", required_argument, NULL, 'm' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	struct options o = { .file = NULL };
	int c;

	while ((c = getopt_long(argc, argv, "s:L:U:d:h", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			o.size = parse_size(optarg);
			if (o.size == 0)
				fail("%s: not a size", optarg);
			break;
		case 'L':
			if (strlen(optarg) > LABEL_MAX)
				fail("%s: a label has at most %zu bytes, this one %zu", optarg, LABEL_MAX, strlen(optarg));
			o.format.label = optarg;
			break;
		case 'U':
			o.have_uuid = true;
			if (!parse_hex(optarg, o.format.uuid, 16))
				fail("%s: not 32 hex digits", optarg);
			break;
		case 'd':
			o.directory = optarg;
			break;
		case '2':
			o.sha256 = true;
			break;
		case 'S':
			o.seal = o.sha256 = true;
			break;
		case 'm':
			o.memory = parse_size(optarg);
			if (o.memory < BX_FS_ARENA_MIN)
				fail("%s: not a size of at least 64K", optarg);
			break;
		case 'j':
			o.json = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			exit(EXIT_SUCCESS);
		default:
			fputs(usage_text, stderr);
			exit(EXIT_FAILURE);
		}
	}
	if (optind + 1 != argc) {
		fputs(usage_text, stderr);
		exit(EXIT_FAILURE);
	}
	o.file = argv[optind];
	return o;
}

static void
result(const struct options *o, const struct bx_fs_info *info, const struct totals *t,
    const uint8_t *hash)
{
	if (o->json) {
		printf("{\"blocks\":%llu,\"free\":%llu,\"files\":%llu,\"directories\":%llu,\"links\":%llu,"
		    "\"bytes\":%llu,\"sealed\":%s,\"root_hash\":\"", (unsigned long long)info->blocks,
		    (unsigned long long)info->blocks_free, (unsigned long long)t->files,
		    (unsigned long long)t->directories, (unsigned long long)t->links,
		    (unsigned long long)t->bytes, o->seal ? "true" : "false");
		if (o->seal)
			print_hex(stdout, hash, BX_FS_DIGEST);
		printf("\"}\n");
		return;
	}
	printf("%s: %s, %s free\n", o->file, human_size(info->blocks * BX_FS_BLOCK),
	    human_size(info->blocks_free * BX_FS_BLOCK));
	if (o->directory != NULL)
		printf("%llu files with %s, %llu directories, %llu symbolic links\n",
		    (unsigned long long)t->files, human_size(t->bytes), (unsigned long long)t->directories,
		    (unsigned long long)t->links);
	if (o->seal) {
		printf("root hash ");
		print_hex(stdout, hash, BX_FS_DIGEST);
		putchar('\n');
	}
}

/* Open what is to become a volume, *old being what is there, which nobody else may use meanwhile. */
static void
open_volume(struct options *o, struct image *old, struct image *image)
{
	struct stat st;
	bool exists = stat(o->file, &st) == 0;
	int fd;

	if (exists) {
		image_open(old, o->file, true);
		tree_leave_out(&st, true);
	}
	if (o->directory != NULL && o->size == 0)
		o->size = tree_measure(o->directory);
	fd = o->size > 0 ? output_file(o->file) : -1;
	if (fd < 0 && exists) {
		image_use(image, o->file, old->fd, true, 0);
		return;
	}
	if (fd < 0)
		fail("%s: %s: a new file needs a size (--size)", o->file, strerror(ENOENT));
	if (fstat(fd, &st) != 0)
		fail("%s: %s", o->file, strerror(errno));
	tree_leave_out(&st, false);
	image_use(image, o->file, fd, true, o->size);
}

static void
format(struct image *image, const struct options *o)
{
	void *arena = aligned_alloc(4096, BX_FS_ARENA_MIN);
	enum bx_err err;

	if (arena == NULL)
		fail("out of memory");
	err = bx_fs_format(&image->device, &o->format, arena, BX_FS_ARENA_MIN);
	free(arena);
	if (err == BX_ERR_RANGE)
		fail("%s: %s is too small for a volume", o->file, human_size(image->device.size_bytes));
	must(err, "%s", o->file);
}

int
main(int argc, char **argv)
{
	struct options o;
	struct image image, old = { .fd = -1 };
	struct bx_fs_info info;
	struct totals totals = { .files = 0 };
	uint8_t hash[BX_FS_DIGEST];

	tool_name = "mkfs.bxfs";
	o = parse(argc, argv);
	if (!o.have_uuid && o.directory == NULL &&
	    getrandom(o.format.uuid, sizeof o.format.uuid, 0) != sizeof o.format.uuid)
		fail("no random identifier: %s", strerror(errno));
	o.format.hash = o.sha256 ? BX_FS_HASH_SHA256 : BX_FS_HASH_XXH64;
	o.format.arena_bytes = (size_t)o.memory;
	o.format.mode = 0755;
	if (o.directory == NULL)
		o.format.time_ns = now_ns();
	open_volume(&o, &old, &image);
	format(&image, &o);
	must(image_mount(&image, NULL), "%s", o.file);
	if (o.directory != NULL)
		tree_copy(&image, o.directory, &totals);
	if (o.seal)
		must(bx_fs_seal(image.fs, hash), "%s: sealing", o.file);
	bx_fs_get_info(image.fs, &info);
	must(bx_fs_unmount(image.fs), "%s", o.file);
	result(&o, &info, &totals, hash);
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		fail("writing: %s", strerror(errno));
	output_keep();
	image_close(&image);
	return EXIT_SUCCESS;
}
