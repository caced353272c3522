/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * mkfs.bxfs -- make a volume, empty or from a directory tree, sealed or not.
 *
 * From a tree the result depends on the tree alone: names are taken in byte order, owner
 * and group are 0, times are those of the files but not later than SOURCE_DATE_EPOCH, the
 * identifier is zero unless given.
 */
#include "../bxfs/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LENGTH 4096
#define DEPTH_MAX 128

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

struct totals {
	uint64_t files, directories, links, bytes;
};

/* Files with several names: which inode the first one became. */
struct linked {
	dev_t device;
	ino_t from;
	uint64_t inode;
};
static void *linked;
static struct stat volume;	/* where the result goes, which is not part of itself */

static int
by_origin(const void *a, const void *b)
{
	const struct linked *x = a, *y = b;

	if (x->device != y->device)
		return x->device > y->device ? 1 : -1;
	return (x->from > y->from) - (x->from < y->from);
}

/* What the file that these names have in common became; a new entry says 0. */
static struct linked *
find_linked(const struct stat *st)
{
	struct linked *new = malloc(sizeof *new), **found;

	if (new == NULL)
		fail("out of memory");
	*new = (struct linked){ .device = st->st_dev, .from = st->st_ino };
	found = tsearch(new, &linked, by_origin);
	if (found == NULL)
		fail("out of memory");
	if (*found != new)
		free(new);
	return *found;
}

static uint64_t
time_limit(void)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");

	return epoch != NULL ? strtoull(epoch, NULL, 10) : UINT64_MAX / 2000000000u;
}

static uint64_t
time_of(const struct stat *st)
{
	uint64_t limit = time_limit();
	uint64_t seconds = st->st_mtim.tv_sec > 0 ? (uint64_t)st->st_mtim.tv_sec : 0;

	if (seconds >= limit)
		return limit * 1000000000u;
	return seconds * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;
}

static int
by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
not_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static void
copy_file(struct image *image, const char *path, uint64_t inode, uint64_t time_ns,
    struct totals *totals)
{
	static uint8_t buffer[BX_FS_WRITE_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t offset = 0;
	ssize_t n;

	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	/* What is zero is a hole, whether it is one here or not: the same bytes make the same volume. */
	while ((n = read(fd, buffer, sizeof buffer)) > 0) {
		bool hole = buffer[0] == 0 && memcmp(buffer, buffer + 1, (size_t)n - 1) == 0;
		size_t done;

		for (size_t at = 0; !hole && at < (size_t)n; at += done)
			must(bx_fs_write(image->fs, inode, offset + at, buffer + at, (size_t)n - at, time_ns,
			    &done), "%s", path);
		offset += (uint64_t)n;
	}
	if (n < 0)
		fail("%s: %s", path, strerror(errno));
	if (offset > 0)
		must(bx_fs_truncate(image->fs, inode, offset, time_ns), "%s", path);
	totals->bytes += offset;
	close(fd);
}

/* How far a long copy is, for somebody who looks. */
static void
progress(const struct totals *t, bool last)
{
	uint64_t done = t->files + t->directories + t->links;

	if (isatty(STDERR_FILENO) != 0 && (last || done % 256 == 0))
		fprintf(stderr, "\r%llu files, directories and links, %s%s", (unsigned long long)done,
		    human_size(t->bytes), last ? "\n" : "");
}

/* One entry of the tree; returns the inode of a directory, else 0. */
static uint64_t
copy_entry(struct image *image, const char *path, const char *name, uint64_t directory,
    struct totals *totals)
{
	struct bx_fs_owner owner = { .uid = 0 };
	struct linked *first = NULL;
	struct stat st;
	uint64_t inode;
	char target[BX_FS_TARGET_MAX + 1];

	if (lstat(path, &st) != 0)
		fail("%s: %s", path, strerror(errno));
	owner.mode = (uint16_t)(st.st_mode & 07777);
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlink(path, target, sizeof target);

		if (n < 0)
			fail("%s: %s", path, strerror(errno));
		must(bx_fs_symlink(image->fs, directory, name, strlen(name), target, (size_t)n, owner,
		    time_of(&st), &inode), "%s", path);
		totals->links++;
		return 0;
	}
	if (st.st_dev == volume.st_dev && st.st_ino == volume.st_ino) {
		fprintf(stderr, "%s: %s: the volume itself: left out\n", tool_name, path);
		return 0;
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		fprintf(stderr, "%s: %s: not a file, directory or symbolic link: left out\n", tool_name, path);
		return 0;
	}
	if (S_ISREG(st.st_mode) && st.st_nlink > 1)
		first = find_linked(&st);
	if (first != NULL && first->inode != 0) {
		must(bx_fs_link(image->fs, first->inode, directory, name, strlen(name), time_of(&st)), "%s", path);
		return 0;
	}
	must(bx_fs_create(image->fs, directory, name, strlen(name),
	    S_ISDIR(st.st_mode) ? BX_FS_DIRECTORY : BX_FS_FILE, owner, time_of(&st), &inode), "%s", path);
	if (S_ISDIR(st.st_mode)) {
		totals->directories++;
		return inode;
	}
	if (first != NULL)
		first->inode = inode;
	totals->files++;
	copy_file(image, path, inode, time_of(&st), totals);
	return 0;
}

struct level {
	struct dirent **names;
	int count, next;
	uint64_t inode;
	size_t path_length;
	uint64_t time_ns;
};

static void
enter(struct level *level, const char *path, uint64_t inode)
{
	struct stat st;

	level->count = scandir(path, &level->names, not_dots, by_bytes);
	if (level->count < 0 || stat(path, &st) != 0)
		fail("%s: %s", path, strerror(errno));
	level->next = 0;
	level->inode = inode;
	level->path_length = strlen(path);
	level->time_ns = time_of(&st);
}

/* Depth first, in byte order. */
static void
copy_tree(struct image *image, const char *top, struct totals *totals)
{
	static struct level levels[DEPTH_MAX];
	char path[PATH_LENGTH];
	size_t depth = 1;

	snprintf(path, sizeof path, "%s", top);
	enter(&levels[0], path, BX_FS_ROOT);
	while (depth > 0) {
		struct level *level = &levels[depth - 1];
		uint64_t inode;

		path[level->path_length] = '\0';
		if (level->next == level->count) {
			/* Its entries have changed its time. */
			struct bx_fs_stat st = { .modified_ns = level->time_ns };

			must(bx_fs_set_stat(image->fs, level->inode, BX_FS_SET_MODIFIED, &st, level->time_ns),
			    "%s", path);
			free(level->names);
			depth--;
			continue;
		}
		if (level->path_length + 1 + strlen(level->names[level->next]->d_name) >= sizeof path)
			fail("%s: path too long", path);
		path[level->path_length] = '/';
		strcpy(path + level->path_length + 1, level->names[level->next]->d_name);
		inode = copy_entry(image, path, level->names[level->next]->d_name, level->inode, totals);
		progress(totals, false);
		free(level->names[level->next++]);
		if (inode == 0)
			continue;
		if (depth == DEPTH_MAX)
			fail("%s: too deep", path);
		enter(&levels[depth++], path, inode);
	}
}

/* Bytes that a tree needs, with some to spare. */
static uint64_t
measure_tree(const char *top)
{
	static struct level levels[DEPTH_MAX];
	char path[PATH_LENGTH];
	size_t depth = 1;
	uint64_t blocks = 0, entries = 0, targets = 0;

	snprintf(path, sizeof path, "%s", top);
	enter(&levels[0], path, 0);
	while (depth > 0) {
		struct level *level = &levels[depth - 1];
		struct stat st;

		path[level->path_length] = '\0';
		if (level->next == level->count) {
			free(level->names);
			depth--;
			continue;
		}
		if (level->path_length + 1 + strlen(level->names[level->next]->d_name) >= sizeof path)
			fail("%s: path too long", path);
		path[level->path_length] = '/';
		strcpy(path + level->path_length + 1, level->names[level->next]->d_name);
		free(level->names[level->next++]);
		if (lstat(path, &st) != 0)
			fail("%s: %s", path, strerror(errno));
		entries++;
		if (S_ISREG(st.st_mode))
			blocks += ((uint64_t)st.st_size + BX_FS_BLOCK - 1) / BX_FS_BLOCK;
		if (S_ISLNK(st.st_mode))
			targets += (uint64_t)st.st_size;
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
			enter(&levels[depth++], path, 0);
	}
	/* A leaf of the tree may be half full, or hold two targets of a thousand bytes where three do not fit. */
	return (blocks + blocks / 32 + entries / 4 + targets / 1024 + 512) * BX_FS_BLOCK;
}

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

int
main(int argc, char **argv)
{
	struct options o;
	struct image image;
	struct bx_fs_info info;
	struct totals totals = { .files = 0 };
	uint8_t hash[BX_FS_DIGEST];
	void *arena;
	enum bx_err err;

	tool_name = "mkfs.bxfs";
	o = parse(argc, argv);
	if (o.directory != NULL && o.size == 0)
		o.size = measure_tree(o.directory);
	if (!o.have_uuid && o.directory == NULL &&
	    getrandom(o.format.uuid, sizeof o.format.uuid, 0) != sizeof o.format.uuid)
		fail("no random identifier: %s", strerror(errno));
	o.format.hash = o.sha256 ? BX_FS_HASH_SHA256 : BX_FS_HASH_XXH64;
	o.format.arena_bytes = (size_t)o.memory;
	o.format.mode = 0755;
	if (o.directory == NULL)
		o.format.time_ns = now_ns();
	image_open(&image, o.file, true, o.size);
	if (fstat(image.fd, &volume) != 0)
		fail("%s: %s", o.file, strerror(errno));
	arena = aligned_alloc(4096, BX_FS_ARENA_MIN);
	if (arena == NULL)
		fail("out of memory");
	err = bx_fs_format(&image.device, &o.format, arena, BX_FS_ARENA_MIN);
	free(arena);
	if (err == BX_ERR_RANGE)
		fail("%s: %s is too small for a volume", o.file, human_size(image.device.size_bytes));
	must(err, "%s", o.file);
	must(image_mount(&image, NULL), "%s", o.file);
	if (o.directory != NULL) {
		copy_tree(&image, o.directory, &totals);
		progress(&totals, true);
	}
	if (o.seal)
		must(bx_fs_seal(image.fs, hash), "%s: sealing", o.file);
	bx_fs_get_info(image.fs, &info);
	must(bx_fs_unmount(image.fs), "%s", o.file);
	result(&o, &info, &totals, hash);
	image_close(&image);
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		fail("writing: %s", strerror(errno));
	return EXIT_SUCCESS;
}
