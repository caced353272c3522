/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_sha256.c -- SHA-256 against the examples of FIPS 180-2, appendix B, and NIST's byte-oriented
 * vectors; and, at every length around the padding's seams, in one piece as in two.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <brainix/sha256.h>

#include "../../tests/unit/suite.h"

/* The digest of a message in one go, as hexadecimal digits. */
static void
digest_text(const uint8_t *bytes, size_t length, char text[2 * BX_SHA256_SIZE + 1])
{
	struct bx_sha256 hash;
	uint8_t digest[BX_SHA256_SIZE];
	size_t blocks = length / BX_SHA256_BLOCK, whole = blocks * BX_SHA256_BLOCK;

	bx_sha256_begin(&hash);
	bx_sha256_blocks(&hash, bytes, blocks);
	bx_sha256_end(&hash, bytes + whole, length - whole, digest);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

static const struct vector {
	const char *message, *digest;
} vectors[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
	  "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
	  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
};

START_TEST(known_digests)
{
	char text[2 * BX_SHA256_SIZE + 1];

	digest_text((const uint8_t *)vectors[_i].message, strlen(vectors[_i].message), text);
	ck_assert_str_eq(text, vectors[_i].digest);
}
END_TEST

START_TEST(a_million_letters)
{
	const size_t length = 1000000;
	char text[2 * BX_SHA256_SIZE + 1];
	uint8_t *bytes = malloc(length);

	ck_assert_ptr_nonnull(bytes);
	memset(bytes, 'a', length);
	digest_text(bytes, length, text);
	ck_assert_str_eq(text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(bytes);
}
END_TEST

/* No two lengths of one text have one digest: the length counts, and where the padding lies. */
START_TEST(every_length_has_its_own)
{
	static char texts[200][2 * BX_SHA256_SIZE + 1];
	const uint8_t bytes[200] = { 0 };

	for (size_t length = 0; length < 200; length++) {
		digest_text(bytes, length, texts[length]);
		for (size_t other = 0; other < length; other++)
			ck_assert_str_ne(texts[length], texts[other]);
	}
}
END_TEST

START_TEST(blocks_may_come_in_any_portions)
{
	uint8_t bytes[5 * BX_SHA256_BLOCK + 7], one[BX_SHA256_SIZE], other[BX_SHA256_SIZE];
	struct bx_sha256 hash;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7 + 1);
	bx_sha256_begin(&hash);
	bx_sha256_blocks(&hash, bytes, 5);
	bx_sha256_end(&hash, bytes + 5 * BX_SHA256_BLOCK, 7, one);
	bx_sha256_begin(&hash);
	bx_sha256_blocks(&hash, bytes, 2);
	bx_sha256_blocks(&hash, NULL, 0);
	bx_sha256_blocks(&hash, bytes + 2 * BX_SHA256_BLOCK, 3);
	bx_sha256_end(&hash, bytes + 5 * BX_SHA256_BLOCK, 7, other);
	ck_assert_mem_eq(one, other, sizeof one);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("trust");
	TCase *tcase = tcase_create("sha256");

	tcase_add_loop_test(tcase, known_digests, 0, (int)(sizeof vectors / sizeof vectors[0]));
	tcase_add_test(tcase, a_million_letters);
	tcase_add_test(tcase, every_length_has_its_own);
	tcase_add_test(tcase, blocks_may_come_in_any_portions);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
