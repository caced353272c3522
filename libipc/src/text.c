/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * text.c -- whether bytes are text: UTF-8, RFC 3629, section 4, without U+0000.
 */
#include <brainix/ipc.h>

/* What may follow a first byte: how many bytes, and the range of the first of them.  The others
 * are 80..BF.  Length 0: no character begins so. */
struct sequence {
	uint8_t first, last;		/* range of the leading byte */
	uint8_t length;			/* of what follows */
	uint8_t low, high;		/* range of the second byte */
};

/* RFC 3629, section 4: the ABNF of UTF8-2, UTF8-3, UTF8-4. */
static const struct sequence sequences[] = {
	{ 0x01, 0x7f, 0, 0x00, 0x00 },
	{ 0xc2, 0xdf, 1, 0x80, 0xbf },
	{ 0xe0, 0xe0, 2, 0xa0, 0xbf },
	{ 0xe1, 0xec, 2, 0x80, 0xbf },
	{ 0xed, 0xed, 2, 0x80, 0x9f },
	{ 0xee, 0xef, 2, 0x80, 0xbf },
	{ 0xf0, 0xf0, 3, 0x90, 0xbf },
	{ 0xf1, 0xf3, 3, 0x80, 0xbf },
	{ 0xf4, 0xf4, 3, 0x80, 0x8f },
};

/* Length in bytes of the character that begins at `text`, or 0: there is none. */
/*@ requires left > 0 && \valid_read(text + (0 .. left - 1));
  @ assigns \nothing;
  @ ensures 0 <= \result <= left;
  @ ensures \result != 0 ==> \forall integer i; 1 <= i < \result ==> 0x80 <= text[i] <= 0xbf ||
  @    i == 1; */
static size_t
character_length(const uint8_t *text, size_t left)
{
	const struct sequence *s;
	size_t row = 0;

	/*@ loop invariant 0 <= row <= BX_ARRAY_COUNT(sequences);
	  @ loop assigns row;
	  @ loop variant BX_ARRAY_COUNT(sequences) - row; */
	while (row < BX_ARRAY_COUNT(sequences) &&
	    (text[0] < sequences[row].first || text[0] > sequences[row].last))
		row++;
	if (row == BX_ARRAY_COUNT(sequences))
		return 0;
	s = &sequences[row];
	if (left - 1 < s->length)
		return 0;
	if (s->length > 0 && (text[1] < s->low || text[1] > s->high))
		return 0;
	/*@ loop invariant 2 <= i <= 257;
	  @ loop invariant \forall integer k; 2 <= k < i ==> 0x80 <= text[k] <= 0xbf;
	  @ loop assigns i;
	  @ loop variant 257 - i; */
	for (size_t i = 2; i <= s->length; i++)
		if (text[i] < 0x80 || text[i] > 0xbf)
			return 0;
	return (size_t)s->length + 1;
}

bool
bx_ipc_text_valid(const uint8_t *text, size_t length)
{
	size_t offset = 0;

	/*@ loop invariant 0 <= offset <= length;
	  @ loop assigns offset;
	  @ loop variant length - offset; */
	while (offset < length) {
		size_t step = character_length(text + offset, length - offset);

		if (step == 0)
			return false;
		offset += step;
	}
	return true;
}
