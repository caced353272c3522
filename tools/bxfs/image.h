/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * image.h -- what the bxfs tools share: a volume in a file or block device, and messages.
 */
#ifndef BX_TOOLS_BXFS_IMAGE_H
#define BX_TOOLS_BXFS_IMAGE_H

#include <brainix/fs.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct image {
	int fd;
	const char *path;
	struct bx_fs_device device;
	void *arena;
	size_t arena_bytes;
	const char *snapshot;	/* to show instead of the files; set it before image_mount() */
	uint32_t flags;		/* BX_FS_MOUNT_SALVAGE; likewise */
	bool writable;
	struct bx_fs *fs;
};

/* The name that messages begin with, and the status that fail() ends with. */
extern const char *tool_name;
extern int tool_status;

/* Print "tool: message" and end. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* End as fail() if err is not BX_OK, with its text. */
void must(enum bx_err err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Open the file.  No volume is mounted yet.  A volume has one writer: who would write while another program uses it, or read what
 * another one writes, waits some seconds and fails. */
void image_open(struct image *image, const char *path, bool writable);
/* The same of a file that is open; size_bytes > 0 makes it that long. */
void image_use(struct image *image, const char *path, int fd, bool writable, uint64_t size_bytes);
/* Mount with enough memory for what the volume was formatted for.  A snapshot is shown beside a writer, too. */
enum bx_err image_mount(struct image *image, const uint8_t *root_hash);
void image_close(struct image *image);

uint64_t now_ns(void);
/* "64M", "1G", "4096": bytes; 0 if it is none. */
uint64_t parse_size(const char *text);
/* 2 * bytes hex digits. */
bool parse_hex(const char *text, uint8_t *out, size_t bytes);
void print_hex(FILE *to, const uint8_t *bytes, size_t count);
/* "12.3 MiB" in a buffer that the next call but three uses again. */
const char *human_size(uint64_t bytes);
/* A JSON string, quoted.  A byte that is not of UTF-8 is \udc80 .. \udcff, from which it can be had again. */
void print_json_string(FILE *to, const char *text);
/* A name as a terminal can show it: control characters, backslashes and what is not UTF-8 as \ooo. */
void print_name(FILE *to, const char *text);

/* Called with every name below a directory, depth first in byte order; `path' begins with '/'.  e NULL: what the rest
 * of the directory of that path says instead.  False: no further. */
typedef bool image_visit(void *context, const char *path, size_t depth, const struct bx_fs_entry *e, enum bx_err err);
void image_walk(struct image *image, uint64_t top, image_visit *visit, void *context);

/* What findings are of: one walk over all names gives each inode its first path, from malloc(), or NULL.  places[] is
 * ascending by inode. */
struct place {
	uint64_t inode;
	char *path;
};
void image_find_paths(struct image *image, struct place *places, size_t count);
int place_compare(const void *a, const void *b);

#endif
