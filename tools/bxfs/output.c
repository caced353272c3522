/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* output.c -- see output.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE		/* nftw() */
#endif
#include "output.h"
#include "image.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *volatile making;	/* what goes again, NULL nothing; a signal looks at it */
static char *place;		/* where it goes when it is whole, NULL it is there */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* Nothing is being made any more. */
static void
forget(void)
{
	char *name = making;

	making = NULL;			/* first: a signal may come */
	free(name);
	free(place);
	place = NULL;
}

void
output_drop(void)
{
	if (making != NULL)
		(void)nftw(making, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	forget();
}

static void
on_signal(int number)
{
	if (making != NULL)
		(void)unlink(making);
	signal(number, SIG_DFL);
	raise(number);
}

static void
prepare(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGTERM };
	static bool prepared;

	if (prepared)
		return;
	prepared = true;
	atexit(output_drop);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (signal(numbers[i], on_signal) == SIG_IGN)
			signal(numbers[i], SIG_IGN);
}

int
output_file(const char *path)
{
	mode_t mask = umask(0);
	struct stat st = { .st_mode = S_IFREG | (0666 & ~mask) };
	char *name;
	size_t room;
	int fd;

	umask(mask);
	if (stat(path, &st) != 0 && errno != ENOENT)
		fail("%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return -1;
	/* Through a link, to what it leads to. */
	place = realpath(path, NULL);
	if (place == NULL)
		place = strdup(path);
	room = place != NULL ? strlen(place) + sizeof ".XXXXXX" : 0;
	name = malloc(room);
	if (place == NULL || name == NULL)
		fail("out of memory");
	snprintf(name, room, "%s.XXXXXX", place);
	prepare();
	fd = mkstemp(name);
	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	making = name;
	if (fchmod(fd, st.st_mode & 0777) != 0)
		fail("%s: %s", path, strerror(errno));
	return fd;
}

void
output_directory(const char *path)
{
	prepare();
	if (mkdir(path, 0777) != 0)
		fail("%s: %s", path, strerror(errno));
	making = strdup(path);
	if (making == NULL)
		fail("out of memory");
}

void
output_keep(void)
{
	if (making != NULL && place != NULL && rename(making, place) != 0)
		fail("%s: %s", place, strerror(errno));
	forget();
}
