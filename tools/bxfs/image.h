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
	struct bx_fs_device device;
	void *arena;
	size_t arena_bytes;
	const char *snapshot;	/* to show instead of the files; set it before image_mount() */
	struct bx_fs *fs;
};

/* The name that messages begin with. */
extern const char *tool_name;

/* Print "tool: message" and end with status 1. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* End as fail() if err is not BX_OK, with its text. */
void must(enum bx_err err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Open the file; size_bytes > 0 makes or resizes it.  No volume is mounted yet. */
void image_open(struct image *image, const char *path, bool writable, uint64_t size_bytes);
/* Mount with enough memory for what the volume was formatted for. */
enum bx_err image_mount(struct image *image, bool writable, const uint8_t *root_hash);
void image_close(struct image *image);

uint64_t now_ns(void);
/* "64M", "1G", "4096": bytes; 0 if it is none. */
uint64_t parse_size(const char *text);
/* 2 * bytes hex digits. */
bool parse_hex(const char *text, uint8_t *out, size_t bytes);
void print_hex(FILE *to, const uint8_t *bytes, size_t count);
/* "12.3 MiB" in a buffer that the next call but three uses again. */
const char *human_size(uint64_t bytes);
/* A JSON string, quoted. */
void print_json_string(FILE *to, const char *text);

/* Called with every name below a directory, depth first in byte order; `path' begins with '/'.  e NULL: what the rest
 * of the directory of that path says instead.  False: no further. */
typedef bool image_visit(void *context, const char *path, size_t depth, const struct bx_fs_entry *e, enum bx_err err);
void image_walk(struct image *image, uint64_t top, image_visit *visit, void *context);

/* The path of an inode, from a walk over all names; false if it has none. */
bool image_path_of(struct image *image, uint64_t inode, char *path, size_t size);

#endif
