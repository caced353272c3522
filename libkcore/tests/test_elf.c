/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* test_elf.c -- the validator of ELF files, and that a refused file takes nothing. */
#include <stdlib.h>

#include "fixture.h"

static uint8_t file[ELF_SIZE];
static size_t file_size;

static void
setup(void)
{
	file_size = elf_default(file);
}

#define PH(i, offset)	(64 + 56 * (i) + (offset))

static const struct wrong {
	size_t at;
	unsigned width;
	uint64_t value;
	enum bx_err err;
	const char *where;
} wrongs[] = {
	{ 0, 1, 0, BX_ERR_FORMAT, "identification" },
	{ 4, 1, 1, BX_ERR_FORMAT, "identification" },		/* 32-bit */
	{ 5, 1, 2, BX_ERR_FORMAT, "identification" },		/* big-endian */
	{ 6, 1, 0, BX_ERR_FORMAT, "identification" },
	{ 7, 1, 3, BX_ERR_FORMAT, "identification" },		/* Linux ABI */
	{ 16, 2, 3, BX_ERR_UNSUPPORTED, "type" },		/* ET_DYN */
	{ 18, 2, 183, BX_ERR_UNSUPPORTED, "machine" },
	{ 20, 4, 2, BX_ERR_VERSION, "version" },
	{ 52, 2, 52, BX_ERR_FORMAT, "header size" },
	{ 54, 2, 32, BX_ERR_FORMAT, "header size" },
	{ 56, 2, 0, BX_ERR_RANGE, "program header count" },
	{ 56, 2, 33, BX_ERR_RANGE, "program header count" },
	{ 56, 2, 65535, BX_ERR_RANGE, "program header count" },
	{ 32, 8, ELF_SIZE, BX_ERR_TRUNCATED, "program headers" },
	{ 32, 8, UINT64_MAX, BX_ERR_TRUNCATED, "program headers" },
	{ 32, 8, UINT64_MAX - 100, BX_ERR_TRUNCATED, "program headers" },
	{ 24, 8, 0, BX_ERR_RANGE, "entry" },
	{ 24, 8, 0x400000 + 3000, BX_ERR_RANGE, "entry" },
	{ 24, 8, 0x401000, BX_ERR_RANGE, "entry" },		/* not executable */
	{ 24, 8, ELF_DATA, BX_ERR_RANGE, "entry" },
	{ 24, 8, 0xffff800000400010, BX_ERR_RANGE, "entry" },
	{ PH(0, 0), 4, 2, BX_ERR_UNSUPPORTED, "segment type" },	/* PT_DYNAMIC */
	{ PH(0, 0), 4, 3, BX_ERR_UNSUPPORTED, "segment type" },	/* PT_INTERP */
	{ PH(0, 0), 4, 7, BX_ERR_UNSUPPORTED, "segment type" },	/* PT_TLS */
	{ PH(0, 0), 4, 0x70000001, BX_ERR_UNSUPPORTED, "segment type" },
	{ PH(0, 0), 4, 0x6474e551, BX_ERR_WX, "stack flags" },	/* PT_GNU_STACK, executable */
	{ PH(0, 0), 4, 0, BX_ERR_RANGE, "entry" },		/* no text */
	{ PH(0, 4), 4, 7, BX_ERR_WX, "segment flags" },
	{ PH(2, 4), 4, 3, BX_ERR_WX, "segment flags" },
	{ PH(0, 4), 4, 8, BX_ERR_FORMAT, "segment flags" },
	{ PH(0, 32), 8, 3001, BX_ERR_FORMAT, "segment file size" },
	{ PH(0, 40), 8, 2999, BX_ERR_FORMAT, "segment file size" },
	{ PH(0, 8), 8, ELF_SIZE, BX_ERR_TRUNCATED, "segment offset" },
	{ PH(0, 8), 8, UINT64_MAX - 4095, BX_ERR_TRUNCATED, "segment offset" },
	{ PH(0, 48), 8, 3, BX_ERR_FORMAT, "segment alignment" },
	{ PH(0, 48), 8, 0x800000, BX_ERR_ALIGN, "segment alignment" },
	{ PH(0, 16), 8, 0x400001, BX_ERR_ALIGN, "segment alignment" },
	{ PH(0, 16), 8, 0, BX_ERR_RANGE, "segment address" },
	{ PH(0, 16), 8, BX_USER_START - 4096, BX_ERR_RANGE, "segment address" },
	{ PH(2, 16), 8, BX_IMAGE_END, BX_ERR_RANGE, "segment address" },
	{ PH(2, 16), 8, BX_IMAGE_END - 4096, BX_ERR_RANGE, "segment address" },
	{ PH(2, 16), 8, 0xffff800000000000, BX_ERR_RANGE, "segment address" },
	{ PH(2, 16), 8, 0xfffffffffffff000, BX_ERR_RANGE, "segment address" },
	{ PH(2, 40), 8, UINT64_MAX, BX_ERR_RANGE, "segment address" },
	{ PH(2, 40), 8, BX_IMAGE_END - ELF_DATA + 1, BX_ERR_RANGE, "segment address" },
	{ PH(0, 40), 8, 4097, BX_ERR_FORMAT, "segment order" },	/* runs into the next page */
	{ PH(1, 16), 8, 0x400000, BX_ERR_FORMAT, "segment order" },
	{ PH(1, 16), 8, 0x3ff000, BX_ERR_FORMAT, "segment order" },
};

static void
refuse_check(size_t size, enum bx_err err, const char *expect)
{
	struct bx_elf elf, poison;
	const char *where = NULL;

	memset(&poison, 0x5a, sizeof(poison));
	elf = poison;
	ck_assert_int_eq(bx_elf_open(file, size, &elf, &where), err);
	ck_assert_str_eq(where, expect);
	ck_assert_mem_eq(&elf, &poison, sizeof(elf));
}

START_TEST(opens_a_good_file)
{
	struct bx_elf elf;
	const char *where;

	ck_assert_int_eq(bx_elf_open(file, file_size, &elf, &where), BX_OK);
	ck_assert_uint_eq(elf.entry, ELF_ENTRY);
	ck_assert_uint_eq(elf.segment_count, 3);
	ck_assert_uint_eq(elf.segments[0].flags, BX_PAGE_EXECUTE);
	ck_assert_uint_eq(elf.segments[1].flags, 0);
	ck_assert_uint_eq(elf.segments[2].flags, BX_PAGE_WRITE);
	ck_assert_uint_eq(elf.segments[2].address, ELF_DATA);
	ck_assert_uint_eq(elf.segments[2].file_size, 200);
	ck_assert_uint_eq(elf.segments[2].memory_size, 3 * 4096);
}
END_TEST

/* What the link script and the tools leave in a file besides segments does no harm. */
START_TEST(overlooks_what_needs_nothing)
{
	static const uint32_t types[] = { 0, 4, 6, 0x6474e550, 0x6474e552, 0x6474e553 };
	struct bx_elf elf;
	const char *where;

	for (unsigned i = 0; i < BX_ARRAY_COUNT(types); i++) {
		bx_put_le32(file + PH(1, 0), types[i]);
		ck_assert_int_eq(bx_elf_open(file, file_size, &elf, &where), BX_OK);
		ck_assert_uint_eq(elf.segment_count, 2);
	}
	setup();
	bx_put_le64(file + PH(1, 32), 0);	/* an empty segment */
	bx_put_le64(file + PH(1, 40), 0);
	ck_assert_int_eq(bx_elf_open(file, file_size, &elf, &where), BX_OK);
	ck_assert_uint_eq(elf.segment_count, 2);
	bx_put_le32(file + PH(1, 0), 0x6474e551);	/* PT_GNU_STACK, not executable */
	ck_assert_int_eq(bx_elf_open(file, file_size, &elf, &where), BX_OK);
}
END_TEST

START_TEST(refuses_each_wrong_field)
{
	const struct wrong *wrong = &wrongs[_i];

	for (unsigned i = 0; i < wrong->width; i++)
		file[wrong->at + i] = (uint8_t)(wrong->value >> (8 * i));
	refuse_check(file_size, wrong->err, wrong->where);
}
END_TEST

START_TEST(refuses_nine_segments)
{
	struct elf_spec specs[9];
	struct bx_elf elf;
	const char *where;

	for (unsigned i = 0; i < 9; i++)
		specs[i] = (struct elf_spec){ 0x400000 + i * 0x1000, 16, 16, 4 | 1 };
	file_size = elf_make(file, 0x400000, specs, 8);
	ck_assert_int_eq(bx_elf_open(file, file_size, &elf, &where), BX_OK);
	file_size = elf_make(file, 0x400000, specs, 9);
	refuse_check(file_size, BX_ERR_RANGE, "segment count");
}
END_TEST

START_TEST(refuses_every_truncation)
{
	struct bx_elf elf;
	const char *where;

	for (size_t size = 0; size < file_size; size++) {
		uint8_t *copy = malloc(size + 1);

		memcpy(copy, file, size);
		ck_assert_int_eq(bx_elf_open(copy, size, &elf, &where), BX_ERR_TRUNCATED);
		free(copy);
	}
}
END_TEST

/* A program whose file is bad takes nothing, stays absent, and can be tried again. */
START_TEST(refused_files_take_nothing)
{
	struct build build = build_start("bad");
	struct world world;
	uint32_t before;

	build_program(&build, "init");
	build_program(&build, "bad");
	build.programs[1].module = "other";
	world_make(&world, &build);
	before = world.core->frames_free_count;
	world.modules[0].bytes = file;
	world.modules[0].size = file_size;
	for (unsigned i = 0; i < BX_ARRAY_COUNT(wrongs); i++) {
		setup();
		for (unsigned j = 0; j < wrongs[i].width; j++)
			file[wrongs[i].at + j] = (uint8_t)(wrongs[i].value >> (8 * j));
		ck_assert_int_eq(bx_program_start(world.core, 1, NULL, 0), wrongs[i].err);
		ck_assert_uint_eq(world.core->frames_free_count, before);
		ck_assert_uint_eq(world.core->programs[1].state, BX_PROGRAM_ABSENT);
	}
	setup();
	ck_assert_int_eq(world_start(&world, 1), BX_OK);
	world_end(&world);
}
END_TEST

/* Segments anywhere in a page, spanning pages, without file content: memory is what the file says. */
START_TEST(odd_segments_load_whole)
{
	static const struct elf_spec specs[] = {
		{ 0x400123, 5000, 5000, 4 | 1 },
		{ 0x403fff, 2, 2, 4 },
		{ 0x405800, 0, 9000, 4 | 2 },
		{ 0x409001, 1, 4097, 4 | 2 },
	};
	static uint8_t got[5 * 4096];
	struct build build = build_start("odd");
	struct world world;
	const char *where = "";

	build_program(&build, "init");
	world_prepare(&world, &build);
	world.elf_bytes = elf_make(world.elf, 0x400123 + 4999, specs, 4);
	ck_assert_int_eq(world_boot(&world, &where), BX_OK);
	world.context = bx_kcore_start(world.core);
	user_get(&world, 0, 0x400000, got, 2 * 4096);
	for (unsigned i = 0; i < 2 * 4096; i++)
		ck_assert_uint_eq(got[i], i >= 0x123 && i < 0x123 + 5000 ? (uint8_t)(i - 0x123) : 0);
	user_get(&world, 0, 0x403000, got, 2 * 4096);
	for (unsigned i = 0; i < 2 * 4096; i++)
		ck_assert_uint_eq(got[i], i == 0xfff ? 16 : i == 0x1000 ? 17 : 0);
	user_get(&world, 0, 0x405000, got, 3 * 4096);
	for (unsigned i = 0; i < 3 * 4096; i++)
		ck_assert_uint_eq(got[i], 0);
	user_get(&world, 0, 0x409000, got, 2 * 4096);
	for (unsigned i = 0; i < 2 * 4096; i++)
		ck_assert_uint_eq(got[i], i == 1 ? 48 : 0);
	world_end(&world);
}
END_TEST

Suite *
suite_elf(void)
{
	Suite *suite = suite_create("kcore-elf");
	TCase *tcase = tcase_create("elf");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, opens_a_good_file);
	tcase_add_test(tcase, overlooks_what_needs_nothing);
	tcase_add_loop_test(tcase, refuses_each_wrong_field, 0, (int)BX_ARRAY_COUNT(wrongs));
	tcase_add_test(tcase, refuses_nine_segments);
	tcase_add_test(tcase, refuses_every_truncation);
	tcase_add_test(tcase, refused_files_take_nothing);
	tcase_add_test(tcase, odd_segments_load_whole);
	suite_add_tcase(suite, tcase);
	return suite;
}
