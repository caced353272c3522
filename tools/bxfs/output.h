/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * output.h -- what a tool makes on the host is there whole or not at all: until output_keep() it goes again, however the
 * program ends (of a directory, unless a signal ends it).
 */
#ifndef BX_TOOLS_BXFS_OUTPUT_H
#define BX_TOOLS_BXFS_OUTPUT_H

#include <stdbool.h>
#include <sys/stat.h>

/* A new file that output_keep() puts in the place of `path`, with the mode of what is there.  Other than a regular file, or
 * nothing, at `path`: -1, it can only be written as it is. */
int output_file(const char *path);
/* A new directory. */
void output_directory(const char *path);
/* It is whole.  A directory stays where it is. */
void output_keep(void);
/* It is not: it goes now. */
void output_drop(void);

#endif
