/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* image.c -- see image.h. */
#include "image.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEPTH_MAX 512
#define LOCK_TURNS 60		/* of 50 ms */

const char *tool_name = "bxfs";
int tool_status = EXIT_FAILURE;

void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "%s: internal error at %s: %s\n", tool_name, where, what);
	abort();
}

static void
say(const char *format, va_list arguments)
{
	fprintf(stderr, "%s: ", tool_name);
	vfprintf(stderr, format, arguments);
}

void
fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(tool_status);
}

void
must(enum bx_err err, const char *format, ...)
{
	va_list arguments;

	if (err == BX_OK)
		return;
	va_start(arguments, format);
	say(format, arguments);
	va_end(arguments);
	fprintf(stderr, ": %s\n", bx_err_text(err));
	exit(tool_status);
}

static enum bx_err
image_read(void *context, uint64_t offset, void *buffer, size_t length)
{
	const struct image *image = context;
	uint8_t *to = buffer;

	while (length > 0) {
		ssize_t n = pread(image->fd, to, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return BX_ERR_IO;
		to += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return BX_OK;
}

static enum bx_err
image_write(void *context, uint64_t offset, const void *buffer, size_t length)
{
	const struct image *image = context;
	const uint8_t *from = buffer;

	while (length > 0) {
		ssize_t n = pwrite(image->fd, from, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return BX_ERR_IO;
		from += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return BX_OK;
}

static enum bx_err
image_flush(void *context)
{
	const struct image *image = context;

	return fdatasync(image->fd) == 0 ? BX_OK : BX_ERR_IO;
}

/* One writer, or readers; the lock ends with the program, however that ends.  A program that is about to end, as one that was
 * unmounted, is waited for. */
static void
lock(struct image *image, bool alone)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	int status = flock(image->fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB);

	for (unsigned turn = 0; status != 0 && errno == EWOULDBLOCK && turn < LOCK_TURNS; turn++) {
		nanosleep(&pause, NULL);
		status = flock(image->fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB);
	}
	if (status != 0 && errno == EWOULDBLOCK)
		fail("%s: another program uses it", image->path);
}

void
image_use(struct image *image, const char *path, int fd, bool writable, uint64_t size_bytes)
{
	off_t end;

	*image = (struct image){ .fd = fd, .path = path, .writable = writable };
	if (writable)
		lock(image, true);
	if (size_bytes > 0 && ftruncate(fd, (off_t)size_bytes) != 0)
		fail("%s: %s", path, strerror(errno));
	end = lseek(fd, 0, SEEK_END);
	if (end < 0)
		fail("%s: %s", path, strerror(errno));
	image->device = (struct bx_fs_device){
		.context = image,
		.read = image_read,
		.write = image_write,
		.flush = image_flush,
		.size_bytes = (uint64_t)end,
		.sector_bytes = 512,
	};
}

void
image_open(struct image *image, const char *path, bool writable)
{
	int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);

	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	image_use(image, path, fd, writable, 0);
}

enum bx_err
image_mount(struct image *image, const uint8_t *root_hash)
{
	enum bx_err err = BX_ERR_NO_MEMORY;

	if (!image->writable && image->snapshot == NULL)
		lock(image, false);
	/* What the volume was formatted for is not known yet: more, until it is enough. */
	for (size_t bytes = 16u << 20; err == BX_ERR_NO_MEMORY && bytes <= 1u << 30; bytes *= 4) {
		struct bx_fs_config config = {
			.device = &image->device,
			.root_hash = root_hash,
			.snapshot = image->snapshot,
			.flags = image->writable ? 0 : BX_FS_MOUNT_READ_ONLY | image->flags,
			.arena_bytes = bytes,
		};

		free(image->arena);
		image->arena = aligned_alloc(4096, bytes);
		if (image->arena == NULL)
			fail("out of memory");
		image->arena_bytes = bytes;
		config.arena = image->arena;
		err = bx_fs_mount(&config, &image->fs);
	}
	return err;
}

void
image_close(struct image *image)
{
	free(image->arena);
	close(image->fd);
}

uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t
parse_size(const char *text)
{
	static const char units[] = "KMGT";
	char *end;
	const char *unit;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno != 0 || end == text || !isdigit((unsigned char)*text))
		return 0;
	if (*end == '\0')
		return value;
	unit = strchr(units, toupper((unsigned char)*end));
	if (unit == NULL || (end[1] != '\0' && strcmp(end + 1, "iB") != 0 && strcmp(end + 1, "B") != 0))
		return 0;
	for (const char *u = units; u <= unit; u++) {
		if (value > UINT64_MAX / 1024)
			return 0;
		value *= 1024;
	}
	return value;
}

bool
parse_hex(const char *text, uint8_t *out, size_t bytes)
{
	for (size_t i = 0; i < 2 * bytes; i++) {
		char c = (char)tolower((unsigned char)text[i]);
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a' + 10);
		else
			return false;
		out[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : out[i / 2] | digit);
	}
	return text[2 * bytes] == '\0';
}

void
print_hex(FILE *to, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fprintf(to, "%02x", bytes[i]);
}

const char *
human_size(uint64_t bytes)
{
	static char text[4][32];
	static unsigned turn;
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	unsigned unit = 0;

	turn = (turn + 1) % 4;
	while (value >= 1024 && unit < 6) {
		value /= 1024;
		unit++;
	}
	snprintf(text[turn], sizeof text[turn], unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
	return text[turn];
}

/* Bytes of the character of UTF-8 there (RFC 3629, section 4), 0 if it is none. */
static size_t
character(const unsigned char *s)
{
	size_t more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : 1;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	for (size_t i = 1; i <= more; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return 1 + more;
}

void
print_json_string(FILE *to, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', to);
	while (*s != '\0') {
		size_t length = character(s);

		if (length == 0)
			fprintf(to, "\\udc%02x", *s);
		else if (*s == '"' || *s == '\\')
			fprintf(to, "\\%c", *s);
		else if (*s < 0x20)
			fprintf(to, "\\u%04x", *s);
		else
			fwrite(s, 1, length, to);
		s += length == 0 ? 1 : length;
	}
	fputc('"', to);
}

void
print_name(FILE *to, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s != '\0') {
		size_t length = character(s);
		/* U+0080 to U+009F control terminals, too. */
		bool shown = length > 0 && *s >= 0x20 && *s != 0x7f && *s != '\\' && !(*s == 0xc2 && s[1] < 0xa0);

		if (shown)
			fwrite(s, 1, length, to);
		else
			fprintf(to, "\\%03o", *s);
		s += shown ? length : 1;
	}
}

/* ---- all names --------------------------------------------------------------------------- */

/* Inode numbers; open addressing. */
struct numbers {
	uint64_t *slot;		/* 0 free */
	size_t room, count;
};

static bool
put_number(struct numbers *n, uint64_t number)
{
	size_t at = (size_t)(number * UINT64_C(0x9E3779B185EBCA87) >> 20) % n->room;

	while (n->slot[at] != 0 && n->slot[at] != number)
		at = at + 1 == n->room ? 0 : at + 1;
	if (n->slot[at] == number)
		return false;
	n->slot[at] = number;
	n->count++;
	return true;
}

/* False: it was there. */
static bool
add_number(struct numbers *n, uint64_t number)
{
	if (2 * n->count >= n->room) {
		struct numbers larger = { .room = n->room == 0 ? 1024 : 2 * n->room };

		larger.slot = calloc(larger.room, sizeof *larger.slot);
		if (larger.slot == NULL)
			fail("out of memory");
		for (size_t i = 0; i < n->room; i++)
			if (n->slot[i] != 0)
				(void)put_number(&larger, n->slot[i]);
		free(n->slot);
		*n = larger;
	}
	return put_number(n, number);
}

void
image_walk(struct image *image, uint64_t top, image_visit *visit, void *context)
{
	static struct bx_fs_entry last[DEPTH_MAX];
	static char path[DEPTH_MAX * (BX_FS_NAME_MAX + 1) + 1];
	struct numbers seen = { .room = 0 };
	uint64_t directory[DEPTH_MAX];
	size_t length[DEPTH_MAX], depth = 1;
	bool more = true;

	(void)add_number(&seen, top);
	directory[0] = top;
	length[0] = 0;
	last[0].name_length = 0;
	while (depth > 0 && more) {
		struct bx_fs_entry *e = &last[depth - 1];
		size_t at = length[depth - 1];
		enum bx_err err = bx_fs_next_entry(image->fs, directory[depth - 1], e->name, e->name_length, e);

		if (err != BX_OK) {
			path[at] = '\0';
			more = err == BX_ERR_NOT_FOUND || visit(context, path, depth, NULL, err);
			depth--;
			continue;
		}
		path[at] = '/';
		memcpy(path + at + 1, e->name, e->name_length + 1u);
		more = visit(context, path, depth, e, BX_OK);
		if (e->type != BX_FS_DIRECTORY || !more)
			continue;
		/* Once each: a hostile volume can have directories that contain one another. */
		err = depth == DEPTH_MAX ? BX_ERR_RANGE : add_number(&seen, e->inode) ? BX_OK : BX_ERR_CORRUPT;
		if (err != BX_OK) {
			more = visit(context, path, depth + 1, NULL, err);
			continue;
		}
		directory[depth] = e->inode;
		length[depth] = at + 1 + e->name_length;
		last[depth++].name_length = 0;
	}
	free(seen.slot);
}

int
place_compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->inode > y->inode) - (x->inode < y->inode);
}

struct search {
	struct place *places;
	size_t count, left;
};

static bool
note_path(void *context, const char *path, size_t depth, const struct bx_fs_entry *e, enum bx_err err)
{
	struct search *s = context;
	struct place key = { .inode = e != NULL ? e->inode : 0 }, *place;

	(void)depth;
	(void)err;
	place = bsearch(&key, s->places, s->count, sizeof key, place_compare);
	if (place == NULL || place->path != NULL)
		return true;
	place->path = strdup(path);
	if (place->path == NULL)
		fail("out of memory");
	return --s->left > 0;
}

void
image_find_paths(struct image *image, struct place *places, size_t count)
{
	struct search s = { .places = places, .count = count, .left = count };
	const struct bx_fs_entry root = { .inode = BX_FS_ROOT };

	if (count > 0 && note_path(&s, "/", 0, &root, BX_OK))
		image_walk(image, BX_FS_ROOT, note_path, &s);
}
