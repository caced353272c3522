/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * extract.c -- see extract.h.
 *
 * The volume may be hostile: everything that is made on the host is new (O_EXCL, and `to' itself is), so that
 * no link that the volume planted is followed, and no mode has more than the nine bits.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE		/* tdestroy() */
#endif
#include "extract.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOST_MAX	(UINT64_C(1) << 32)	/* bytes in a row that cannot be read, after which a file is given up */

struct extraction {
	struct image *image;
	const char *to;
	bool json, progress;
	void *linked;		/* files with several names: where the first one is, a tree of struct linked */
	uint64_t objects, bytes, lost, problems;
};

struct linked {
	uint64_t inode;
	char *path;		/* on the host */
};

static int
by_number(const void *a, const void *b)
{
	const struct linked *x = a, *y = b;

	return (x->inode > y->inode) - (x->inode < y->inode);
}

/* A part of a file from..end - 1, or with end 0 the whole object. */
static void
tell(struct extraction *x, const char *path, const char *why, uint64_t from, uint64_t end)
{
	x->problems++;
	x->lost += end - from;
	if (x->json) {
		printf("{\"path\":");
		print_json_string(stdout, path);
		if (end > 0)
			printf(",\"from\":%llu,\"to\":%llu", (unsigned long long)from, (unsigned long long)end - 1);
		printf(",\"problem\":");
		print_json_string(stdout, why);
		printf("}\n");
		return;
	}
	print_name(stdout, path);
	if (end > 0)
		printf(": bytes %llu to %llu", (unsigned long long)from, (unsigned long long)end - 1);
	printf(": %s\n", why);
}

static bool
is_zero(const uint8_t *bytes, size_t length)
{
	return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

/* All of it; what is zero stays a hole. */
static bool
write_out(int fd, const uint8_t *bytes, size_t length, uint64_t offset)
{
	size_t at = 0;

	if (is_zero(bytes, length))
		return true;
	while (at < length) {
		ssize_t n = pwrite(fd, bytes + at, length - at, (off_t)(offset + at));

		if (n < 0 && errno != EINTR)
			return false;
		at += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* Over a hole, of which a hostile file can have more than there is time for.  False: there is nothing more. */
static bool
skip_hole(struct image *image, uint64_t inode, uint64_t *offset)
{
	uint64_t length;

	return bx_fs_next_data(image->fs, inode, offset, &length) != BX_ERR_NOT_FOUND;
}

/* False: the host does not take it. */
static bool
copy_content(struct extraction *x, const char *path, const struct bx_fs_stat *st, int fd)
{
	static uint8_t buffer[BX_FS_READ_MAX];
	uint64_t offset = 0, lost = 0;		/* bytes before offset that could not be read */
	enum bx_err why = BX_OK;

	while (lost > 0 ? offset < st->size : skip_hole(x->image, st->inode, &offset)) {
		size_t want = lost > 0 ? BX_FS_BLOCK : sizeof buffer, done = 0;
		enum bx_err err = bx_fs_read(x->image->fs, st->inode, offset, buffer, want, &done);

		/* What is damaged is found block by block. */
		if (err != BX_OK && want > BX_FS_BLOCK)
			err = bx_fs_read(x->image->fs, st->inode, offset, buffer, BX_FS_BLOCK, &done);
		if (err != BX_OK) {
			uint64_t left = st->size - offset, step = BX_FS_BLOCK - offset % BX_FS_BLOCK;

			why = err;
			step = left < step ? left : step;
			lost += step;
			offset += step;
			/* A whole part of the tree: nobody knows where content would be. */
			if (lost >= LOST_MAX)
				break;
			continue;
		}
		if (lost > 0)
			tell(x, path, bx_err_text(why), offset - lost, offset);
		lost = 0;
		if (!write_out(fd, buffer, done, offset))
			return false;
		x->bytes += done;
		offset += done;
	}
	if (lost > 0)
		tell(x, path, bx_err_text(why), offset - lost, lost >= LOST_MAX ? st->size : offset);
	return ftruncate(fd, (off_t)st->size) == 0;
}

/* A name of a file whose content is there already under another: that one too. */
static bool
linked_before(struct extraction *x, const struct bx_fs_stat *st, const char *host)
{
	struct linked key = { .inode = st->inode }, *new;
	void *found;

	if (st->links < 2)
		return false;
	found = tfind(&key, &x->linked, by_number);
	if (found != NULL)
		return link((*(struct linked **)found)->path, host) == 0;
	new = malloc(sizeof *new);
	if (new == NULL || (new->path = strdup(host)) == NULL)
		fail("out of memory");
	new->inode = st->inode;
	if (tsearch(new, &x->linked, by_number) == NULL)
		fail("out of memory");
	return false;
}

static void
copy_out(struct extraction *x, const char *path, const struct bx_fs_stat *st, const char *host)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, {
		.tv_sec = (time_t)(st->modified_ns / 1000000000u),
		.tv_nsec = (long)(st->modified_ns % 1000000000u),
	} };
	int fd;
	bool good;

	if (linked_before(x, st, host))
		return;
	fd = open(host, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		tell(x, path, strerror(errno), 0, 0);
		return;
	}
	good = copy_content(x, path, st, fd) && futimens(fd, times) == 0 && fchmod(fd, st->mode & 0777) == 0;
	if (close(fd) != 0 || !good)
		tell(x, path, strerror(errno), 0, 0);
}

static void
copy_link(struct extraction *x, const char *path, uint64_t inode, const char *host)
{
	char target[BX_FS_TARGET_MAX + 1];
	size_t length;
	enum bx_err err = bx_fs_read_link(x->image->fs, inode, target, sizeof target - 1, &length);

	if (err != BX_OK) {
		tell(x, path, bx_err_text(err), 0, 0);
		return;
	}
	target[length] = '\0';
	if (strlen(target) != length || symlink(target, host) != 0)
		tell(x, path, strlen(target) != length ? "a target with a zero byte" : strerror(errno), 0, 0);
}

static void
show_progress(const struct extraction *x, bool last)
{
	if (x->progress && (last || x->objects % 256 == 0))
		fprintf(stderr, "\r%llu files, directories and links, %s%s", (unsigned long long)x->objects,
		    human_size(x->bytes), last ? "\n" : "");
}

static bool
take(void *context, const char *path, size_t depth, const struct bx_fs_entry *e, enum bx_err err)
{
	struct extraction *x = context;
	char host[PATH_MAX];
	struct bx_fs_stat st;
	int length = snprintf(host, sizeof host, "%s%s", x->to, path);

	(void)depth;
	if (e == NULL) {
		tell(x, path[0] != '\0' ? path : "/", bx_err_text(err), 0, 0);
		return true;
	}
	x->objects++;
	show_progress(x, false);
	err = bx_fs_stat(x->image->fs, e->inode, &st);
	if (err != BX_OK)
		tell(x, path, bx_err_text(err), 0, 0);
	else if (length < 0 || (size_t)length >= sizeof host)
		tell(x, path, strerror(ENAMETOOLONG), 0, 0);
	else if (st.type == BX_FS_SYMLINK)
		copy_link(x, path, e->inode, host);
	else if (st.type == BX_FS_FILE)
		copy_out(x, path, &st, host);
	else if (mkdir(host, (st.mode & 0777) | 0700) != 0)
		tell(x, path, strerror(errno), 0, 0);
	return true;
}

static void
free_linked(void *entry)
{
	struct linked *l = entry;

	free(l->path);
	free(l);
}

bool
extract_tree(struct image *image, uint64_t directory, const char *to, bool json, bool progress)
{
	struct extraction x = { .image = image, .to = to, .json = json, .progress = progress };

	output_directory(to);
	image_walk(image, directory, take, &x);
	show_progress(&x, true);
	tdestroy(x.linked, free_linked);
	if (json)
		printf("{\"objects\":%llu,\"bytes\":%llu,\"lost_bytes\":%llu,\"problems\":%llu}\n",
		    (unsigned long long)x.objects, (unsigned long long)x.bytes, (unsigned long long)x.lost,
		    (unsigned long long)x.problems);
	else
		printf("%llu files, directories and links, %s; %llu problems, %s of content lost\n",
		    (unsigned long long)x.objects, human_size(x.bytes), (unsigned long long)x.problems,
		    human_size(x.lost));
	return x.problems == 0;
}
