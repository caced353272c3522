/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* tree.c -- see tree.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE		/* SEEK_DATA */
#endif
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_LENGTH 4096
#define DEPTH_MAX 128

/* Files with several names: which inode the first one became. */
struct linked {
	dev_t device;
	ino_t from;
	uint64_t inode;
	bool measured;
};
static void *linked;

/* Where the result goes, and what was there before: neither is part of it. */
static struct left_out {
	dev_t device;
	ino_t number;
	bool told;
} left_out[2];
static unsigned left_out_count;

void
tree_leave_out(const struct stat *st, bool tell)
{
	left_out[left_out_count++] = (struct left_out){ .device = st->st_dev, .number = st->st_ino, .told = tell };
}

static const struct left_out *
find_left_out(const struct stat *st)
{
	for (unsigned i = 0; i < left_out_count; i++)
		if (left_out[i].device == st->st_dev && left_out[i].number == st->st_ino)
			return &left_out[i];
	return NULL;
}

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

/* ---- the content of a file --------------------------------------------------------------- */

typedef void run_visit(void *context, uint64_t offset, const uint8_t *bytes, size_t length);

static bool
is_zero(const uint8_t *bytes, size_t length)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

/* What is zero is a hole, block by block, whether it is one here or not: the same bytes make the same volume. */
static void
visit_runs(uint64_t offset, const uint8_t *bytes, size_t length, run_visit *visit, void *context)
{
	size_t start = 0;		/* of the run */

	for (size_t at = 0, step; at < length; at += step) {
		step = length - at < BX_FS_BLOCK ? length - at : BX_FS_BLOCK;
		if (!is_zero(bytes + at, step))
			continue;
		if (at > start)
			visit(context, offset + start, bytes + start, at - start);
		start = at + step;
	}
	if (length > start)
		visit(context, offset + start, bytes + start, length - start);
}

/* As much as there is of `length' bytes. */
static size_t
read_all(int fd, const char *path, uint8_t *to, size_t length, uint64_t offset)
{
	size_t done = 0;
	ssize_t n;

	do {
		n = pread(fd, to + done, length - done, (off_t)(offset + done));
		if (n < 0 && errno != EINTR)
			fail("%s: %s", path, strerror(errno));
		done += n > 0 ? (size_t)n : 0;
	} while (n != 0 && done < length);
	return done;
}

/* Calls with every run of blocks that are not zero, in parts of at most BX_FS_WRITE_MAX; the size of the file.  Its holes are not
 * read, where the host tells where they are (lseek(2), SEEK_DATA). */
static uint64_t
read_file(const char *path, run_visit *visit, void *context)
{
	static uint8_t buffer[BX_FS_WRITE_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t offset = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		fail("%s: %s", path, strerror(errno));
	for (size_t done = sizeof buffer; done == sizeof buffer; offset += done) {
		off_t data = lseek(fd, (off_t)offset, SEEK_DATA);

		if (data < 0 && errno == ENXIO)
			break;
		if (data > 0)
			offset = (uint64_t)data / BX_FS_BLOCK * BX_FS_BLOCK;
		done = read_all(fd, path, buffer, sizeof buffer, offset);
		visit_runs(offset, buffer, done, visit, context);
	}
	close(fd);
	return offset > (uint64_t)st.st_size ? offset : (uint64_t)st.st_size;
}

struct copy {
	struct image *image;
	const char *path;
	uint64_t inode, time_ns;
};

static void
copy_run(void *context, uint64_t offset, const uint8_t *bytes, size_t length)
{
	const struct copy *c = context;

	for (size_t at = 0, done; at < length; at += done)
		must(bx_fs_write(c->image->fs, c->inode, offset + at, bytes + at, length - at, c->time_ns, &done), "%s",
		    c->path);
}

static void
copy_file(struct image *image, const char *path, uint64_t inode, uint64_t time_ns, struct totals *totals)
{
	struct copy c = { .image = image, .path = path, .inode = inode, .time_ns = time_ns };
	uint64_t size = read_file(path, copy_run, &c);

	if (size > 0)
		must(bx_fs_truncate(image->fs, inode, size, time_ns), "%s", path);
	totals->bytes += size;
}

/* ---- copying ----------------------------------------------------------------------------- */

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
	if (find_left_out(&st) != NULL) {
		if (find_left_out(&st)->told)
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
void
tree_copy(struct image *image, const char *top, struct totals *totals)
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
	progress(totals, true);
}

/* ---- measuring --------------------------------------------------------------------------- */

/* What a tree needs: blocks of content, runs of them, names, bytes of targets. */
struct need {
	uint64_t blocks, runs, entries, targets;
};

static void
measure_run(void *context, uint64_t offset, const uint8_t *bytes, size_t length)
{
	struct need *need = context;

	(void)offset;
	(void)bytes;
	need->blocks += (length + BX_FS_BLOCK - 1) / BX_FS_BLOCK;
	need->runs++;
}

/* Content is counted once for all names that a file has, and as far as it is not zero. */
static void
measure_entry(struct need *need, const char *path, const struct stat *st)
{
	struct linked *first = S_ISREG(st->st_mode) && st->st_nlink > 1 ? find_linked(st) : NULL;

	if (find_left_out(st) != NULL)
		return;
	need->entries++;
	if (S_ISLNK(st->st_mode))
		need->targets += (uint64_t)st->st_size;
	if (!S_ISREG(st->st_mode) || (first != NULL && first->measured))
		return;
	if (first != NULL)
		first->measured = true;
	(void)read_file(path, measure_run, need);
}

uint64_t
tree_measure(const char *top)
{
	static struct level levels[DEPTH_MAX];
	char path[PATH_LENGTH];
	size_t depth = 1;
	struct need need = { .blocks = 0 };

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
		measure_entry(&need, path, &st);
		if (!S_ISDIR(st.st_mode))
			continue;
		if (depth == DEPTH_MAX)
			fail("%s: too deep", path);
		enter(&levels[depth++], path, 0);
	}
	/* A leaf of the tree may be half full, or hold two targets of a thousand bytes where three do not fit; an extent of one block
	 * with a SHA-256 checksum is 71 bytes. */
	return (need.blocks + need.blocks / 32 + need.runs / 24 + need.entries / 4 + need.targets / 1024 + 512) * BX_FS_BLOCK;
}
