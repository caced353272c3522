/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * words.c -- command lines and numbers.  See words.h.
 */
#include "words.h"

enum bx_err
words_split(char *line, struct words *words)
{
	uint32_t at = 0;

	words->count = 0;
	for (;;) {
		while (line[at] == ' ')
			at++;
		if (line[at] == '\0')
			return BX_OK;
		if (words->count == WORDS_MAX)
			return BX_ERR_OVERFLOW;
		words->offset[words->count] = at;
		words->word[words->count++] = line + at;
		while (line[at] != ' ' && line[at] != '\0')
			at++;
		if (line[at] == ' ')
			line[at++] = '\0';
	}
}

enum bx_err
words_number(const char *word, uint64_t *number)
{
	uint64_t value = 0;

	if (*word == '\0')
		return BX_ERR_FORMAT;
	for (; *word != '\0'; word++) {
		unsigned digit = (unsigned char)*word - '0';

		if (digit > 9)
			return BX_ERR_FORMAT;
		if (value > (UINT64_MAX - digit) / 10)
			return BX_ERR_OVERFLOW;
		value = value * 10 + digit;
	}
	*number = value;
	return BX_OK;
}

bool
words_equal(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

void
words_add_duration(struct bx_text *text, uint64_t us)
{
	uint64_t ms = us / 1000, s = ms / 1000, days = s / 86400;

	if (days > 0)
		bx_text_add(text, "%lu d ", days);
	bx_text_add(text, "%02lu:%02lu:%02lu.%03lu", s / 3600 % 24, s / 60 % 60, s % 60, ms % 1000);
}

void
words_add_size(struct bx_text *text, uint64_t bytes)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned power = 0;
	uint64_t whole = bytes, rest = 0;

	while (whole >= 1024) {
		rest = whole % 1024;
		whole /= 1024;
		power++;
	}
	if (power == 0)
		bx_text_add(text, "%lu B", whole);
	else
		bx_text_add(text, "%lu.%lu %s", whole, rest * 10 / 1024, unit[power]);
}
