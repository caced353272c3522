/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* history.c -- see history.h. */
#include "history.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

void
list_snapshots(struct image *image, bool json)
{
	struct bx_fs_snapshot s = { .generation = 0 };
	struct bx_fs_info info;
	enum bx_err err;

	while ((err = bx_fs_snapshot_next(image->fs, s.generation, &s)) == BX_OK) {
		time_t seconds = (time_t)(s.time_ns / 1000000000u);
		struct tm tm;
		char text[32] = "";

		if (gmtime_r(&seconds, &tm) != NULL)
			strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
		if (json) {
			printf("{\"name\":");
			print_json_string(stdout, s.name);
			printf(",\"generation\":%llu,\"time_ns\":%llu,\"objects\":%llu}\n",
			    (unsigned long long)s.generation, (unsigned long long)s.time_ns,
			    (unsigned long long)s.inodes);
		} else {
			printf("%s  root %llu, %llu objects  ", text, (unsigned long long)s.generation,
			    (unsigned long long)s.inodes);
			print_name(stdout, s.name);
			putchar('\n');
		}
	}
	if (err != BX_ERR_NOT_FOUND)
		must(err, "%s: the table of snapshots", image->path);
	bx_fs_get_info(image->fs, &info);
	if (info.removing && !json)
		printf("the blocks of removed snapshots are not all free yet: they come with further use\n");
}

/* ---- paths ------------------------------------------------------------------------------- */

/* The first path of every inode of one state, found in one walk. */
struct paths {
	struct place *places;
	size_t count, room;
};

static void
add_path(struct paths *paths, uint64_t inode, const char *path)
{
	if (paths->count == paths->room) {
		paths->room = paths->room == 0 ? 1024 : 2 * paths->room;
		paths->places = realloc(paths->places, paths->room * sizeof *paths->places);
	}
	if (paths->places == NULL || (paths->places[paths->count].path = strdup(path)) == NULL)
		fail("out of memory");
	paths->places[paths->count++].inode = inode;
}

static bool
keep_path(void *context, const char *path, size_t depth, const struct bx_fs_entry *e, enum bx_err err)
{
	(void)depth;
	/* Without the names, nobody knows what changed below. */
	if (e == NULL)
		must(err, "%s", path[0] != '\0' ? path : "/");
	add_path(context, e->inode, path);
	return true;
}

static void
find_paths(struct image *image, struct paths *paths)
{
	add_path(paths, BX_FS_ROOT, "/");
	image_walk(image, BX_FS_ROOT, keep_path, paths);
	qsort(paths->places, paths->count, sizeof *paths->places, place_compare);
}

static const char *
path_of(const struct paths *paths, uint64_t inode)
{
	const struct place key = { .inode = inode };
	const struct place *found = bsearch(&key, paths->places, paths->count, sizeof key, place_compare);

	return found != NULL ? found->path : NULL;
}

static void
free_paths(struct paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->places[i].path);
	free(paths->places);
}

/* ---- differences ------------------------------------------------------------------------- */

struct changed {
	uint64_t inode;
	bool content, object;		/* of a file or link; mode, owner, times, attributes */
};

struct differing {
	struct paths old_paths, new_paths;
	bool json;
};

static void
print_change(const struct differing *d, const char *what, const char *path, const char *to)
{
	if (d->json) {
		printf("{\"change\":\"%s\",\"path\":", what);
		print_json_string(stdout, path);
		if (to != NULL) {
			printf(",\"to\":");
			print_json_string(stdout, to);
		}
		printf("}\n");
	} else {
		printf("%-9s ", what);
		print_name(stdout, path);
		if (to != NULL) {
			printf(" -> ");
			print_name(stdout, to);
		}
		putchar('\n');
	}
}

/* A name that came or went.  One that came for an object that was there before is a rename or another
 * link. */
static void
print_entry(const struct differing *d, const struct bx_fs_change *c)
{
	const char *old_dir = path_of(&d->old_paths, c->inode), *new_dir = path_of(&d->new_paths, c->inode);
	char path[8192];

	if (c->old_entry != 0 && c->new_entry != 0 && new_dir != NULL &&
	    path_of(&d->new_paths, c->old_entry) == NULL &&
	    path_of(&d->old_paths, c->new_entry) == NULL) {
		snprintf(path, sizeof path, "%s/%s", strcmp(new_dir, "/") == 0 ? "" : new_dir, c->name);
		print_change(d, "replaced", path, NULL);
		return;
	}
	if (c->old_entry != 0 && old_dir != NULL) {
		const char *to = path_of(&d->new_paths, c->old_entry);

		snprintf(path, sizeof path, "%s/%s", strcmp(old_dir, "/") == 0 ? "" : old_dir, c->name);
		if (to != NULL && strcmp(to, path) != 0)
			print_change(d, "renamed", path, to);
		else if (c->old_entry != c->new_entry)
			print_change(d, "removed", path, NULL);
	}
	if (c->new_entry != 0 && c->new_entry != c->old_entry && new_dir != NULL) {
		snprintf(path, sizeof path, "%s/%s", strcmp(new_dir, "/") == 0 ? "" : new_dir, c->name);
		if (path_of(&d->old_paths, c->new_entry) == NULL)
			print_change(d, "added", path, NULL);
		else if (strcmp(path_of(&d->new_paths, c->new_entry), path) != 0)
			print_change(d, "linked", path, path_of(&d->new_paths, c->new_entry));
	}
}

static void
print_object(const struct differing *d, const struct changed *c)
{
	const char *path = path_of(&d->new_paths, c->inode);

	/* One that is in one state only is told by its name. */
	if (path == NULL || path_of(&d->old_paths, c->inode) == NULL || c->inode == 0)
		return;
	if (c->content)
		print_change(d, "content", path, NULL);
	else if (c->object)
		print_change(d, "object", path, NULL);
}

void
print_diff(struct image *older, struct image *newer, bool json)
{
	struct differing d = { .json = json };
	struct bx_fs_diff cursor = { .key_length = 0 };
	struct bx_fs_change c;
	struct changed now = { .inode = 0 };
	enum bx_err err;

	find_paths(older, &d.old_paths);
	find_paths(newer, &d.new_paths);
	do {
		err = bx_fs_diff_next(older->fs, newer->fs, &cursor, &c);
		if (err == BX_ERR_AGAIN)
			continue;
		if (err != BX_OK)
			break;
		if (c.inode != now.inode) {
			print_object(&d, &now);
			now = (struct changed){ .inode = c.inode };
		}
		if (c.what == BX_FS_WHAT_ENTRY)
			print_entry(&d, &c);
		else if (c.what == BX_FS_WHAT_EXTENT || c.what == BX_FS_WHAT_INLINE)
			now.content = true;
		else
			now.object = true;
	} while (err == BX_OK || err == BX_ERR_AGAIN);
	print_object(&d, &now);
	if (err != BX_ERR_NOT_FOUND)
		must(err, "comparing, after %s", path_of(&d.new_paths, now.inode) != NULL ? path_of(&d.new_paths, now.inode) : "/");
	free_paths(&d.old_paths);
	free_paths(&d.new_paths);
}
