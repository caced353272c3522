/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * words.h -- a command line taken apart, and numbers as people read them.  Pure.
 */
#ifndef BRAINIX_SHELL_WORDS_H
#define BRAINIX_SHELL_WORDS_H

#include <brainix/sys.h>

#define WORDS_MAX	16u

/* Words of a line, in the line itself; the line is changed: a NUL ends each word. */
struct words {
	uint32_t count;
	const char *word[WORDS_MAX];
	uint32_t offset[WORDS_MAX];	/* where each begins in the line */
};

/* Takes `line` apart at its spaces.  Returns BX_OK, or BX_ERR_OVERFLOW: more than WORDS_MAX words. */
BX_MUST_USE enum bx_err words_split(char *line, struct words *words);

/* A decimal number, all of `word`.  Returns BX_OK, BX_ERR_FORMAT, BX_ERR_OVERFLOW. */
BX_MUST_USE enum bx_err words_number(const char *word, uint64_t *number);

bool words_equal(const char *a, const char *b);

/* "3 d 04:05:06.789", without the days when there are none. */
void words_add_duration(struct bx_text *text, uint64_t us);

/* "12.3 KiB", "4 B", "1.0 GiB". */
void words_add_size(struct bx_text *text, uint64_t bytes);

#endif
