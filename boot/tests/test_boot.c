/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_boot.c -- the pure parts of the bootloader.  Rules BOOT-n: boot/DESIGN.md.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tests/unit/suite.h"
#include "boot.h"

#define WINDOW			BX_KERNEL_BASE
#define MIB			0x100000ull

/*
 * mbi.c
 */
struct bytes {
	uint8_t at[16384];
	size_t size;
};

static void
append(struct bytes *b, const void *data, size_t size)
{
	ck_assert_uint_le(size, sizeof b->at - b->size);
	if (size > 0)
		memcpy(b->at + b->size, data, size);
	b->size += size;
}

static void
tag(struct bytes *b, uint32_t type, const void *body, size_t size)
{
	uint8_t header[8], zero[8] = { 0 };

	bx_put_le32(header, type);
	bx_put_le32(header + 4, (uint32_t)(8 + size));
	append(b, header, 8);
	append(b, body, size);
	append(b, zero, -b->size & 7);
}

static void
begin(struct bytes *b)
{
	memset(b, 0, sizeof *b);
	b->size = 8;
}

static void
end(struct bytes *b)
{
	tag(b, 0, NULL, 0);
	bx_put_le32(b->at, (uint32_t)b->size);
}

static void
module(struct bytes *b, uint32_t from, uint32_t to, const char *line)
{
	uint8_t body[300];

	bx_put_le32(body, from);
	bx_put_le32(body + 4, to);
	strcpy((char *)body + 8, line);
	tag(b, 3, body, 8 + strlen(line) + 1);
}

/* Parses; on a refusal the poisoned result is as it was and a reason is given. */
static enum bx_err
parse(const struct bytes *b, struct bx_boot_mbi *mbi)
{
	static struct bx_boot_mbi poison;
	const char *where = NULL;

	memset(&poison, 0xa5, sizeof poison);
	*mbi = poison;
	/* Exactly as long as it says it is, so that sanitizers see a read past it. */
	uint8_t *exact = malloc(b->size);
	ck_assert_ptr_nonnull(exact);
	memcpy(exact, b->at, b->size);
	enum bx_err err = bx_boot_mbi_parse(exact, b->size, mbi, &where);
	if (err != BX_OK) {
		ck_assert_ptr_nonnull(where);
		ck_assert_mem_eq(mbi, &poison, sizeof poison);
	}
	free(exact);
	return err;
}

/* One of everything, as GRUB gives it on a BIOS machine. */
static void
fill_typical(struct bytes *b)
{
	uint8_t map[8 + 48] = { 24 }, frame[32] = { 0 }, rsdp[36] = "RSD PTR ";

	bx_put_le64(map + 8, 0);
	bx_put_le64(map + 16, 0x9fc00);
	bx_put_le32(map + 24, 1);
	bx_put_le64(map + 32, MIB);
	bx_put_le64(map + 40, 63 * MIB);
	bx_put_le32(map + 48, 1);
	bx_put_le64(frame, 0xfd000000);
	bx_put_le32(frame + 8, 4096);
	bx_put_le32(frame + 12, 1024);
	bx_put_le32(frame + 16, 768);
	frame[20] = 32;
	frame[21] = 1;
	begin(b);
	tag(b, 1, "a b", 4);
	tag(b, 2, "GRUB", 5);
	module(b, 0x101000, 0x105001, "kernel");
	module(b, 0x106000, 0x106001, "system with words");
	tag(b, 6, map, sizeof map);
	tag(b, 8, frame, sizeof frame);
	tag(b, 14, rsdp, 20);
	tag(b, 15, rsdp, 36);
	tag(b, 99, "unknown", 7);
	end(b);
}

START_TEST(boot1_typical_information)
{
	struct bytes b;
	struct bx_boot_mbi mbi;
	const char *where;

	fill_typical(&b);
	ck_assert_int_eq(bx_boot_mbi_parse(b.at, b.size, &mbi, &where), BX_OK);
	ck_assert_str_eq((const char *)mbi.command_line, "a b");
	ck_assert_uint_eq(mbi.module_count, 2);
	ck_assert_str_eq(mbi.modules[0].name, "kernel");
	ck_assert_uint_eq(mbi.modules[0].base, 0x101000);
	ck_assert_uint_eq(mbi.modules[0].size, 0x4001);
	ck_assert_str_eq(mbi.modules[1].name, "system");
	ck_assert_ptr_eq(bx_boot_mbi_module(&mbi, "system"), &mbi.modules[1]);
	ck_assert_ptr_null(bx_boot_mbi_module(&mbi, "kern"));
	ck_assert_ptr_null(bx_boot_mbi_module(&mbi, "kernels"));
	ck_assert_uint_eq(mbi.memory_map_count, 2);
	ck_assert_uint_eq(mbi.framebuffer, 0xfd000000);
	ck_assert_uint_eq(mbi.framebuffer_width, 1024);
	ck_assert_uint_eq(mbi.framebuffer_height, 768);
	ck_assert_uint_eq(mbi.framebuffer_pitch, 4096);
	ck_assert_uint_eq(mbi.framebuffer_bits, 32);
	ck_assert_uint_eq(mbi.rsdp_size, 36);
	ck_assert_uint_eq(mbi.efi_system_table, 0);
	ck_assert(!mbi.efi_boot_services);
}
END_TEST

START_TEST(boot1_uefi_information)
{
	struct bytes b;
	struct bx_boot_mbi mbi;
	uint8_t word[8];

	begin(&b);
	bx_put_le64(word, 0x123456789a);
	tag(&b, 12, word, 8);
	tag(&b, 18, NULL, 0);
	bx_put_le64(word, 0xabcdef);
	tag(&b, 20, word, 8);
	end(&b);
	ck_assert_int_eq(parse(&b, &mbi), BX_OK);
	ck_assert_uint_eq(mbi.efi_system_table, 0x123456789a);
	ck_assert_uint_eq(mbi.efi_image, 0xabcdef);
	ck_assert(mbi.efi_boot_services);
	ck_assert_ptr_null(mbi.memory_map);
}
END_TEST

/* Cut off after every byte, with the size in the first word true to it or not. */
START_TEST(boot1_every_truncation_is_refused)
{
	struct bytes whole, b;
	struct bx_boot_mbi mbi;

	fill_typical(&whole);
	for (size_t size = 8; size < whole.size; size++) {
		b = whole;
		b.size = size;
		ck_assert_int_eq(parse(&b, &mbi), BX_ERR_TRUNCATED);
		bx_put_le32(b.at, (uint32_t)size);
		ck_assert_int_ne(parse(&b, &mbi), BX_OK);
	}
}
END_TEST

/* Every length field of every tag, set to each small value and to large ones. */
START_TEST(boot1_every_tag_length_is_bounded)
{
	static const uint32_t lengths[] = {
		0, 1, 7, 8, 9, 12, 16, 20, 28, 31, 32, 0x7fffffff, 0xfffffff8, 0xffffffff
	};
	struct bytes whole, b;
	struct bx_boot_mbi mbi;

	fill_typical(&whole);
	for (size_t at = 8; at < whole.size;) {
		uint32_t length = bx_get_le32(whole.at + at + 4);
		for (size_t i = 0; i < BX_ARRAY_COUNT(lengths); i++) {
			b = whole;
			bx_put_le32(b.at + at + 4, lengths[i]);
			enum bx_err err = parse(&b, &mbi);
			if (lengths[i] < 8)
				ck_assert_int_eq(err, BX_ERR_FORMAT);
			if (lengths[i] > whole.size)
				ck_assert_int_eq(err, BX_ERR_TRUNCATED);
		}
		at = bx_align_up(at + length, 8);
	}
}
END_TEST

START_TEST(boot1_no_tag_twice)
{
	static const uint32_t types[] = { 1, 6, 8, 12, 14, 15, 18, 20 };
	struct bytes b;
	struct bx_boot_mbi mbi;
	uint8_t body[40] = { 24 };

	begin(&b);
	for (int i = 0; i < 2; i++)
		tag(&b, types[_i], body, types[_i] == 6 ? 8 : 36);
	end(&b);
	ck_assert_int_eq(parse(&b, &mbi), BX_ERR_EXISTS);
}
END_TEST

static const struct {
	uint32_t from, to;
	const char *line;
	enum bx_err err;
} modules[] = {
	{ 0x1000, 0x1001, "a", BX_OK },
	{ 0xfffff000, 0xffffffff, "abcdefghijklmnopqrstuvwxyz-_.09", BX_OK },
	{ 0x1000, 0x1001, "abcdefghijklmnopqrstuvwxyz-_.09a", BX_ERR_RANGE },
	{ 0x1000, 0x1000, "a", BX_ERR_FORMAT },
	{ 0x2000, 0x1000, "a", BX_ERR_FORMAT },
	{ 0x1001, 0x2000, "a", BX_ERR_ALIGN },
	{ 0x1800, 0x2000, "a", BX_ERR_ALIGN },
	{ 0x1000, 0x2000, "", BX_ERR_FORMAT },
	{ 0x1000, 0x2000, " a", BX_ERR_FORMAT },
	{ 0x1000, 0x2000, "a\nb", BX_ERR_FORMAT },
	{ 0x1000, 0x2000, "a/b", BX_ERR_FORMAT },
	{ 0x1000, 0x2000, "a\x1b[2J", BX_ERR_FORMAT },
};

START_TEST(boot1_module)
{
	struct bytes b;
	struct bx_boot_mbi mbi;

	begin(&b);
	module(&b, modules[_i].from, modules[_i].to, modules[_i].line);
	end(&b);
	ck_assert_int_eq(parse(&b, &mbi), modules[_i].err);
}
END_TEST

START_TEST(boot1_modules_are_counted_and_told_apart)
{
	struct bytes b;
	struct bx_boot_mbi mbi;
	char name[8];

	for (unsigned count = 63; count <= 65; count++) {
		begin(&b);
		for (unsigned i = 0; i < count; i++) {
			snprintf(name, sizeof name, "m%u", i);
			module(&b, (i + 1) * 4096, (i + 1) * 4096 + 1, name);
		}
		end(&b);
		ck_assert_int_eq(parse(&b, &mbi), count <= 64 ? BX_OK : BX_ERR_NO_MEMORY);
	}
	begin(&b);
	module(&b, 0x1000, 0x1001, "same x");
	module(&b, 0x2000, 0x2001, "same y");
	end(&b);
	ck_assert_int_eq(parse(&b, &mbi), BX_ERR_EXISTS);
}
END_TEST

/* The newer root pointer wins in either order. */
START_TEST(boot1_newer_root_pointer)
{
	static const uint32_t order[2][2] = { { 14, 15 }, { 15, 14 } };
	struct bytes b;
	struct bx_boot_mbi mbi;
	const uint8_t rsdp[36] = "RSD PTR ";

	begin(&b);
	for (int i = 0; i < 2; i++)
		tag(&b, order[_i][i], rsdp, order[_i][i] == 14 ? 20 : 36);
	end(&b);
	ck_assert_int_eq(parse(&b, &mbi), BX_OK);
	ck_assert_uint_eq(mbi.rsdp_size, 36);
}
END_TEST

/* Entry size and whole entries of the memory map. */
START_TEST(boot1_memory_map_entries)
{
	struct bytes b;
	struct bx_boot_mbi mbi;
	uint8_t body[8 + 96] = { 0 };

	for (uint32_t entry = 0; entry <= 48; entry++)
		for (uint32_t size = 0; size <= 96; size++) {
			begin(&b);
			bx_put_le32(body, entry);
			tag(&b, 6, body, 8 + size);
			end(&b);
			bool good = entry >= 24 && entry % 8 == 0 && size % entry == 0;
			ck_assert_int_eq(parse(&b, &mbi), good ? BX_OK : BX_ERR_FORMAT);
			if (good)
				ck_assert_uint_eq(mbi.memory_map_count, size / entry);
		}
}
END_TEST

/* A name that ends with the tag but without a NUL; words shorter than their tags say. */
START_TEST(boot1_short_bodies)
{
	static const struct { uint32_t type; size_t size; } bodies[] = {
		{ 1, 0 }, { 1, 3 }, { 3, 7 }, { 3, 8 }, { 3, 11 }, { 6, 7 }, { 8, 23 }, { 12, 7 },
		{ 14, 19 }, { 15, 35 }, { 20, 4 },
	};
	struct bytes b;
	struct bx_boot_mbi mbi;
	uint8_t body[40];

	for (size_t i = 0; i < BX_ARRAY_COUNT(bodies); i++) {
		memset(body, 'a', sizeof body);
		begin(&b);
		tag(&b, bodies[i].type, body, bodies[i].size);
		end(&b);
		ck_assert_int_eq(parse(&b, &mbi), BX_ERR_TRUNCATED);
	}
}
END_TEST

START_TEST(boot1_text_framebuffer_is_none)
{
	struct bytes b;
	struct bx_boot_mbi mbi;
	uint8_t frame[24] = { 0, 0x80, 0x0b };

	frame[21] = 2;				/* EGA text */
	begin(&b);
	tag(&b, 8, frame, sizeof frame);
	end(&b);
	ck_assert_int_eq(parse(&b, &mbi), BX_OK);
	ck_assert_uint_eq(mbi.framebuffer, 0);
}
END_TEST

/*
 * map.c
 */
static struct bx_boot_map map;

/* An assertion of Check costs a message to the runner; inner loops count what is wrong instead. */
static void
require_sound(void)
{
	size_t wrong = 0;

	for (size_t i = 0; i < map.count; i++) {
		const struct bx_boot_span *span = &map.spans[i];
		wrong += span->base >= span->end;
		if (i == 0)
			continue;
		wrong += span[-1].end > span->base;
		wrong += span[-1].end == span->base && span[-1].kind == span->kind;
	}
	ck_assert_uint_eq(wrong, 0);
}

/* BOOT-2, against a model: one byte for each of 64 pages, thousands of random sets. */
START_TEST(boot2_map_is_what_was_set)
{
	uint8_t model[64];
	uint32_t random = 1 + (uint32_t)_i;

	memset(model, 0, sizeof model);
	memset(&map, 0, sizeof map);
	for (int step = 0; step < 1000; step++) {
		random = random * 1664525 + 1013904223;
		size_t from = random >> 8 & 63, to = random >> 16 & 63;
		uint32_t kind = 1 + (random >> 24) % 5;
		if (from > to)
			continue;
		ck_assert_int_eq(bx_boot_map_set(&map, from * 4096, to * 4096, kind), BX_OK);
		memset(model + from, (int)kind, to - from);
		require_sound();
		size_t wrong = 0;
		for (size_t page = 0; page < 64; page++) {
			uint8_t is = 0;
			for (size_t i = 0; i < map.count; i++)
				if (page * 4096 >= map.spans[i].base &&
				    page * 4096 < map.spans[i].end)
					is = (uint8_t)map.spans[i].kind;
			wrong += is != model[page];
		}
		ck_assert_uint_eq(wrong, 0);
	}
}
END_TEST

START_TEST(boot2_full_map_refuses_and_stays)
{
	static struct bx_boot_map before;

	memset(&map, 0, sizeof map);
	for (uint64_t i = 0; i < BX_BOOT_SPANS_MAX; i++)
		ck_assert_int_eq(bx_boot_map_set(&map, i * 8192, i * 8192 + 4096, 1), BX_OK);
	before = map;
	ck_assert_int_eq(bx_boot_map_set(&map, 4096, 8192, 2), BX_ERR_NO_MEMORY);
	ck_assert_mem_eq(&before, &map, sizeof map);
	/* What needs no more spans still goes. */
	ck_assert_int_eq(bx_boot_map_set(&map, 4096, 8192, 1), BX_OK);
	require_sound();
}
END_TEST

static void
map_entry(uint8_t *entry, uint64_t base, uint64_t size, uint32_t type)
{
	bx_put_le64(entry, base);
	bx_put_le64(entry + 8, size);
	bx_put_le32(entry + 16, type);
	bx_put_le32(entry + 20, 0);
}

static enum bx_err
from_mbi(const uint8_t *entries, uint32_t count)
{
	struct bx_boot_mbi mbi = {
		.memory_map = entries, .memory_map_count = count, .memory_map_entry = 24,
	};
	const char *where = NULL;

	memset(&map, 0, sizeof map);
	enum bx_err err = bx_boot_map_from_mbi(&map, &mbi, &where);
	ck_assert(err == BX_OK || where != NULL);
	return err;
}

START_TEST(boot2_ram_shrinks_and_the_rest_grows_to_pages)
{
	uint8_t entries[3 * 24];

	/* In no order; a reserved piece within RAM; edges off the page. */
	map_entry(entries, 0x500200, 0x100, 2);
	map_entry(entries + 24, MIB + 1, 16 * MIB, 1);
	map_entry(entries + 48, 0x600fff, 2, 3);
	ck_assert_int_eq(from_mbi(entries, 3), BX_OK);
	require_sound();
	ck_assert_uint_eq(map.count, 6);
	ck_assert_uint_eq(map.spans[0].end, 4096);		/* page 0 */
	ck_assert_uint_eq(map.spans[0].kind, BX_REGION_RESERVED);
	ck_assert_uint_eq(map.spans[1].base, MIB + 4096);
	ck_assert_uint_eq(map.spans[1].end, 0x500000);
	ck_assert_uint_eq(map.spans[2].kind, BX_REGION_RESERVED);
	ck_assert_uint_eq(map.spans[2].end, 0x501000);
	ck_assert_uint_eq(map.spans[4].base, 0x600000);
	ck_assert_uint_eq(map.spans[4].end, 0x602000);
	ck_assert_uint_eq(map.spans[4].kind, BX_REGION_FIRMWARE);
	ck_assert_uint_eq(map.spans[5].end, 17 * MIB);
}
END_TEST

START_TEST(boot2_wrapping_entry_is_refused)
{
	uint8_t entry[24];

	map_entry(entry, UINT64_MAX - 0x1000, 0x2000, 1 + (uint32_t)_i);
	ck_assert_int_eq(from_mbi(entry, 1), BX_ERR_FORMAT);
	map_entry(entry, UINT64_MAX - 0x1000, 0x1000, 1 + (uint32_t)_i);
	ck_assert_int_eq(from_mbi(entry, 1), BX_ERR_FORMAT);
	map_entry(entry, 4096, UINT64_MAX, 1 + (uint32_t)_i);
	ck_assert_int_eq(from_mbi(entry, 1), BX_ERR_FORMAT);
}
END_TEST

static void
efi_entry(uint8_t *entry, uint32_t type, uint64_t base, uint64_t pages)
{
	memset(entry, 0, 48);
	bx_put_le32(entry, type);
	bx_put_le64(entry + 8, base);
	bx_put_le64(entry + 24, pages);
}

START_TEST(boot2_uefi_types)
{
	/* EFI_MEMORY_TYPE 0..15 -> what it becomes (UEFI 2.10, 7.2). */
	static const uint32_t kinds[16] = {
		BX_REGION_RESERVED, BX_BOOT_LATER, BX_BOOT_LATER, BX_BOOT_LATER, BX_BOOT_LATER,
		BX_REGION_FIRMWARE, BX_REGION_FIRMWARE, BX_REGION_FREE, BX_REGION_RESERVED,
		BX_REGION_FIRMWARE, BX_REGION_FIRMWARE, BX_REGION_RESERVED, BX_REGION_RESERVED,
		BX_REGION_RESERVED, BX_REGION_RESERVED, BX_REGION_RESERVED,
	};
	uint8_t entry[48];
	const char *where;

	efi_entry(entry, (uint32_t)_i, MIB, 3);
	memset(&map, 0, sizeof map);
	ck_assert_int_eq(bx_boot_map_from_efi(&map, entry, 48, 48, &where), BX_OK);
	ck_assert_uint_eq(map.count, 2);
	ck_assert_uint_eq(map.spans[1].kind, kinds[_i]);
	ck_assert_uint_eq(map.spans[1].end - map.spans[1].base, 3 * 4096);
}
END_TEST

START_TEST(boot2_uefi_map_is_checked)
{
	uint8_t entry[96];
	const char *where;

	efi_entry(entry, 7, MIB, 3);
	efi_entry(entry + 48, 7, MIB, UINT64_MAX / 4096 + 1);
	memset(&map, 0, sizeof map);
	ck_assert_int_eq(bx_boot_map_from_efi(&map, entry, 96, 48, &where), BX_ERR_FORMAT);
	memset(&map, 0, sizeof map);
	ck_assert_int_eq(bx_boot_map_from_efi(&map, entry, 47, 48, &where), BX_ERR_FORMAT);
	ck_assert_int_eq(bx_boot_map_from_efi(&map, entry, 48, 32, &where), BX_ERR_FORMAT);
	ck_assert_int_eq(bx_boot_map_from_efi(&map, entry, 48, 0, &where), BX_ERR_FORMAT);
	ck_assert_uint_eq(map.count, 0);
}
END_TEST

START_TEST(boot2_take_only_what_is_free)
{
	uint64_t base = 0x5a;

	memset(&map, 0, sizeof map);
	ck_assert_int_eq(bx_boot_map_set(&map, 0, 4 * MIB, BX_REGION_FREE), BX_OK);
	ck_assert_int_eq(bx_boot_map_set(&map, MIB + 4096, 3 * MIB, BX_BOOT_LATER), BX_OK);
	ck_assert(bx_boot_map_is_ram(&map, 0, 4 * MIB));
	ck_assert(!bx_boot_map_is_ram(&map, 0, 4 * MIB + 4096));
	ck_assert_int_eq(bx_boot_map_take(&map, 1, MIB, BX_BOOT_LOW_END, BX_REGION_KERNEL, &base), BX_OK);
	ck_assert_uint_eq(base, MIB);
	ck_assert(!bx_boot_map_is_ram(&map, 0, 4 * MIB));
	ck_assert_int_eq(bx_boot_map_take(&map, 2, MIB, BX_BOOT_LOW_END, BX_REGION_KERNEL, &base), BX_OK);
	ck_assert_uint_eq(base, 3 * MIB);
	base = 0x5a;
	ck_assert_int_eq(bx_boot_map_take(&map, 255, MIB, BX_BOOT_LOW_END, 1, &base), BX_ERR_NO_MEMORY);
	ck_assert_int_eq(bx_boot_map_take(&map, 1, MIB, 2 * MIB, 1, &base), BX_ERR_NO_MEMORY);
	ck_assert_uint_eq(base, 0x5a);
	ck_assert_int_eq(bx_boot_map_take(&map, 254, MIB, BX_BOOT_LOW_END, 2, &base), BX_OK);
}
END_TEST

START_TEST(boot2_regions_of_the_kernel)
{
	static struct bx_boot_info info;
	uint64_t end = BX_DIRECT_MAP_SIZE;

	memset(&map, 0, sizeof map);
	ck_assert_int_eq(bx_boot_map_set(&map, MIB, 2 * MIB, BX_REGION_FREE), BX_OK);
	ck_assert_int_eq(bx_boot_map_set(&map, 2 * MIB, 3 * MIB, BX_BOOT_LATER), BX_OK);
	ck_assert_int_eq(bx_boot_map_set(&map, 3 * MIB, 4 * MIB, BX_REGION_FIRMWARE), BX_OK);
	ck_assert_int_eq(bx_boot_map_set(&map, end - MIB, end + MIB, BX_REGION_FREE), BX_OK);
	ck_assert_int_eq(bx_boot_map_set(&map, end + 2 * MIB, end + 3 * MIB, BX_REGION_FREE), BX_OK);
	ck_assert_int_eq(bx_boot_info_set_regions(&info, &map), BX_OK);
	ck_assert_uint_eq(info.region_count, 3);
	ck_assert_uint_eq(info.regions[0].base, MIB);
	ck_assert_uint_eq(info.regions[0].size, 2 * MIB);
	ck_assert_uint_eq(info.regions[0].kind, BX_REGION_FREE);
	ck_assert_uint_eq(info.regions[2].size, MIB);
	ck_assert_uint_eq(bx_boot_map_memory_end(&map), end);

	memset(&map, 0, sizeof map);
	for (uint64_t i = 0; i < 128; i++)
		ck_assert_int_eq(bx_boot_map_set(&map, i * 8192, i * 8192 + 4096, 1), BX_OK);
	ck_assert_int_eq(bx_boot_info_set_regions(&info, &map), BX_OK);
	ck_assert_uint_eq(info.region_count, 128);
	ck_assert_int_eq(bx_boot_map_set(&map, 128 * 8192, 128 * 8192 + 4096, 1), BX_OK);
	ck_assert_int_eq(bx_boot_info_set_regions(&info, &map), BX_ERR_NO_MEMORY);
}
END_TEST

START_TEST(boot1_command_line_has_its_bound)
{
	static struct bx_boot_info info;
	struct bx_boot_mbi mbi = { 0 };
	uint8_t line[300];

	memset(line, 'x', sizeof line);
	line[255] = 0;
	mbi.command_line = line;
	ck_assert_int_eq(bx_boot_info_set_mbi(&info, &mbi), BX_OK);
	ck_assert_uint_eq(strlen(info.command_line), 255);
	line[255] = 'x';
	line[256] = 0;
	memset(&info, 0xa5, sizeof info);
	ck_assert_int_eq(bx_boot_info_set_mbi(&info, &mbi), BX_ERR_RANGE);
	ck_assert_uint_eq((uint8_t)info.command_line[0], 0xa5);
	mbi.command_line = NULL;
	ck_assert_int_eq(bx_boot_info_set_mbi(&info, &mbi), BX_OK);
	ck_assert_str_eq(info.command_line, "");
}
END_TEST

/*
 * elf.c
 */
#define TEXT			0
#define RODATA			1
#define DATA			2

/* A small kernel: text, read-only data, data with .bss; file bytes from 0x1000 on. */
static void
make_elf(struct bytes *b)
{
	static const struct {
		uint32_t flags;
		uint64_t offset, address, file, memory;
	} segments[] = {
		{ 5, 0x1000, WINDOW, 0x800, 0x800 },
		{ 4, 0x1800, WINDOW + 0x1000, 0x400, 0x400 },
		{ 6, 0x1c00, WINDOW + 0x3000, 0x100, 0x2001 },
	};

	memset(b, 0, sizeof *b);
	b->size = 0x1d00;
	memcpy(b->at, "\x7f" "ELF\2\1\1", 7);
	bx_put_le16(b->at + 16, 2);
	bx_put_le16(b->at + 18, 62);
	bx_put_le32(b->at + 20, 1);
	bx_put_le64(b->at + 24, WINDOW + 0x10);
	bx_put_le64(b->at + 32, 64);
	bx_put_le16(b->at + 54, 56);
	bx_put_le16(b->at + 56, 3);
	for (size_t i = 0; i < 3; i++) {
		uint8_t *header = b->at + 64 + 56 * i;
		bx_put_le32(header, 1);
		bx_put_le32(header + 4, segments[i].flags);
		bx_put_le64(header + 8, segments[i].offset);
		bx_put_le64(header + 16, segments[i].address);
		bx_put_le64(header + 32, segments[i].file);
		bx_put_le64(header + 40, segments[i].memory);
	}
}

static enum bx_err
check_elf(const struct bytes *b)
{
	struct bx_boot_elf elf, poison;
	const char *where = NULL;
	uint8_t *exact = malloc(b->size);

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, b->at, b->size);
	memset(&poison, 0xa5, sizeof poison);
	elf = poison;
	enum bx_err err = bx_boot_elf_check(exact, b->size, &elf, &where);
	if (err != BX_OK) {
		ck_assert_ptr_nonnull(where);
		ck_assert_mem_eq(&elf, &poison, sizeof elf);
	}
	free(exact);
	return err;
}

START_TEST(boot3_good_kernel)
{
	struct bytes b;
	struct bx_boot_elf elf;
	const char *where;

	make_elf(&b);
	ck_assert_int_eq(bx_boot_elf_check(b.at, b.size, &elf, &where), BX_OK);
	ck_assert_uint_eq(elf.entry, WINDOW + 0x10);
	ck_assert_uint_eq(elf.segment_count, 3);
	ck_assert_uint_eq(elf.pages, 5);
	ck_assert_uint_eq(elf.segments[DATA].pages, 3);
	ck_assert_uint_eq(elf.segments[DATA].file_size, 0x100);
	ck_assert_uint_eq(elf.segments[TEXT].flags, 5);
}
END_TEST

START_TEST(boot3_every_truncation_is_refused)
{
	struct bytes b;

	make_elf(&b);
	while (b.size > 1) {
		b.size--;
		ck_assert_int_eq(check_elf(&b), BX_ERR_TRUNCATED);
	}
}
END_TEST

/* All 16 sets of permission bits (and one beyond them) on each segment. */
START_TEST(boot3_permissions)
{
	struct bytes b;

	for (size_t segment = TEXT; segment <= DATA; segment++)
		for (uint32_t flags = 0; flags < 16; flags++) {
			make_elf(&b);
			bx_put_le32(b.at + 64 + 56 * segment + 4, flags);
			enum bx_err err = check_elf(&b);
			if ((flags & 3) == 3)
				ck_assert_int_eq(err, BX_ERR_WX);
			else if (flags < 4 || flags > 7)
				ck_assert_int_eq(err, BX_ERR_FORMAT);
			else if (segment == TEXT && (flags & 1) == 0)
				ck_assert_int_eq(err, BX_ERR_RANGE);	/* the entry point */
			else
				ck_assert_int_eq(err, BX_OK);
		}
}
END_TEST

static const struct {
	unsigned offset, width;
	uint64_t value;
	enum bx_err err;
} damages[] = {
	{ 0, 1, 0, BX_ERR_FORMAT },
	{ 4, 1, 1, BX_ERR_UNSUPPORTED },		/* 32 bits */
	{ 5, 1, 2, BX_ERR_UNSUPPORTED },		/* big-endian */
	{ 6, 1, 0, BX_ERR_UNSUPPORTED },
	{ 16, 2, 3, BX_ERR_UNSUPPORTED },		/* shared object */
	{ 18, 2, 3, BX_ERR_UNSUPPORTED },		/* i386 */
	{ 20, 4, 2, BX_ERR_UNSUPPORTED },
	{ 24, 8, 0, BX_ERR_RANGE },			/* entry */
	{ 24, 8, WINDOW - 1, BX_ERR_RANGE },
	{ 24, 8, WINDOW + 0x7ff, BX_OK },
	{ 24, 8, WINDOW + 0x800, BX_ERR_RANGE },
	{ 24, 8, WINDOW + 0x1000, BX_ERR_RANGE },
	{ 32, 8, UINT64_MAX, BX_ERR_TRUNCATED },	/* program headers */
	{ 32, 8, 0x1d00 - 3 * 56 + 1, BX_ERR_TRUNCATED },
	{ 54, 2, 32, BX_ERR_FORMAT },
	{ 56, 2, 0, BX_ERR_FORMAT },
	{ 56, 2, 33, BX_ERR_FORMAT },
	{ 56, 2, 0xffff, BX_ERR_FORMAT },
	{ 64, 4, 0, BX_ERR_RANGE },			/* no text: the entry is nowhere */
	{ 64, 4, 2, BX_ERR_UNSUPPORTED },		/* PT_DYNAMIC */
	{ 64, 4, 3, BX_ERR_UNSUPPORTED },		/* PT_INTERP */
	{ 64, 4, 7, BX_ERR_UNSUPPORTED },		/* PT_TLS */
	{ 64, 4, 0x6474e551, BX_ERR_WX },		/* PT_GNU_STACK, executable */
	{ 72, 8, UINT64_MAX, BX_ERR_TRUNCATED },	/* offset of the text */
	{ 72, 8, 0x1501, BX_ERR_TRUNCATED },
	{ 80, 8, 0, BX_ERR_RANGE },			/* its address */
	{ 80, 8, WINDOW - 0x1000, BX_ERR_RANGE },
	{ 80, 8, WINDOW + 0x10, BX_ERR_ALIGN },
	{ 80, 8, WINDOW + BX_KERNEL_SIZE_MAX, BX_ERR_RANGE },
	{ 80, 8, WINDOW + 0x1000, BX_ERR_EXISTS },	/* that of the next */
	{ 80, 8, WINDOW + 0x8000, BX_ERR_EXISTS },	/* out of order */
	{ 96, 8, 0x801, BX_ERR_FORMAT },		/* more in the file than in memory */
	{ 96, 8, UINT64_MAX, BX_ERR_TRUNCATED },
	{ 104, 8, 0, BX_ERR_FORMAT },			/* no memory */
	{ 104, 8, 0x1001, BX_ERR_EXISTS },
	{ 104, 8, UINT64_MAX, BX_ERR_RANGE },
	{ 104, 8, BX_KERNEL_SIZE_MAX + 1, BX_ERR_RANGE },
};

START_TEST(boot3_damaged_kernel)
{
	struct bytes b;

	make_elf(&b);
	for (unsigned i = 0; i < damages[_i].width; i++)
		b.at[damages[_i].offset + i] = (uint8_t)(damages[_i].value >> (8 * i));
	ck_assert_int_eq(check_elf(&b), damages[_i].err);
}
END_TEST

START_TEST(boot3_number_of_segments)
{
	struct bytes b;

	for (uint16_t count = 8; count <= 9; count++) {
		make_elf(&b);
		bx_put_le16(b.at + 56, count);
		for (uint16_t i = 3; i < count; i++) {
			uint8_t *header = b.at + 64 + 56 * (size_t)i;
			bx_put_le32(header, 1);
			bx_put_le32(header + 4, 4);
			bx_put_le64(header + 16, WINDOW + 0x10000 + i * 0x1000);
			bx_put_le64(header + 40, 1);
		}
		ck_assert_int_eq(check_elf(&b), count <= 8 ? BX_OK : BX_ERR_NO_MEMORY);
	}
}
END_TEST

/*
 * tables.c: a walk as the processor does it (SDM 3A, 4.5.4), over tables in an array.
 */
#define TABLES_BASE		0x200000ull

struct leaf {
	bool present, writable, executable, user;
	uint64_t physical;
};

static struct leaf
walk(const uint8_t *memory, uint64_t root, uint64_t address)
{
	struct leaf leaf = { true, true, true, true, 0 };
	uint64_t table = root;

	for (int level = 4; level >= 1; level--) {
		uint64_t index = address >> (3 + 9 * level) & 511;
		uint64_t entry = bx_get_le64(memory + (table - TABLES_BASE) + index * 8);
		if ((entry & 1) == 0)
			return (struct leaf){ 0 };
		leaf.user = leaf.user && (entry & 4) != 0;
		leaf.writable = leaf.writable && (entry & 2) != 0;
		leaf.executable = leaf.executable && entry >> 63 == 0;
		table = entry & 0x000ffffffffff000;
		if (level == 1 || (entry & 0x80) != 0) {
			uint64_t mask = (1ull << (3 + 9 * level)) - 1;
			leaf.physical = (table & ~mask) | (address & mask);
			return leaf;
		}
	}
	return leaf;
}

START_TEST(boot4_tables_map_what_they_should)
{
	static const struct bx_boot_segment segments[] = {
		{ WINDOW, 0x800000, 0x3000, 5, 0 },
		{ WINDOW + 0x1ff000, 0x803000, 0x2000, 4, 0 },	/* across a table's end */
		{ WINDOW + BX_KERNEL_SIZE_MAX - 0x1000, 0x900000, 0x1000, 6, 0 },
	};
	static const uint64_t ends[] = { 4096 * MIB, 4096 * MIB + 2 * MIB, 5120 * MIB, 6 * MIB };
	struct bx_boot_tables tables = {
		.direct_map_end = ends[_i], .trampoline = 0x7fbff000,
		.segment_count = 3, .segments = segments,
	};
	uint64_t pages = bx_boot_tables_pages(&tables);
	uint8_t *memory = malloc(pages * 4096);
	ck_assert_ptr_nonnull(memory);
	memset(memory, 0xa5, pages * 4096);

	bx_boot_tables_build(&tables, TABLES_BASE, (uintptr_t)memory - TABLES_BASE);

	/* The kernel window, page by page: exactly the segments. */
	size_t wrong = 0;
	for (uint64_t at = 0; at < BX_KERNEL_SIZE_MAX; at += 4096) {
		struct leaf leaf = walk(memory, TABLES_BASE, WINDOW + at), want = { 0 };
		for (size_t i = 0; i < 3; i++)
			if (WINDOW + at >= segments[i].virtual_address &&
			    WINDOW + at - segments[i].virtual_address < segments[i].size)
				want = (struct leaf){
					true, (segments[i].flags & 2) != 0, (segments[i].flags & 1) != 0,
					false, segments[i].physical_address + WINDOW + at -
					segments[i].virtual_address,
				};
		wrong += leaf.present != want.present || leaf.writable != want.writable ||
		    leaf.executable != want.executable || leaf.user ||
		    leaf.physical != want.physical || (leaf.writable && leaf.executable);
	}
	ck_assert(!walk(memory, TABLES_BASE, WINDOW - 4096).present);
	ck_assert(!walk(memory, TABLES_BASE, WINDOW + BX_KERNEL_SIZE_MAX).present);

	/* The direct map: whole, writable, never executable, ends where it says. */
	for (uint64_t at = 0; at < tables.direct_map_end; at += 2 * MIB) {
		struct leaf leaf = walk(memory, TABLES_BASE, BX_DIRECT_MAP + at + 123);
		wrong += !leaf.present || !leaf.writable || leaf.executable || leaf.user ||
		    leaf.physical != at + 123;
	}
	ck_assert_uint_eq(wrong, 0);
	ck_assert(!walk(memory, TABLES_BASE, BX_DIRECT_MAP + tables.direct_map_end).present);

	/* Identity: one page, executable and read-only. */
	struct leaf leaf = walk(memory, TABLES_BASE, tables.trampoline);
	ck_assert(leaf.present && !leaf.writable && leaf.executable && !leaf.user);
	ck_assert_uint_eq(leaf.physical, tables.trampoline);
	ck_assert(!walk(memory, TABLES_BASE, tables.trampoline - 4096).present);
	ck_assert(!walk(memory, TABLES_BASE, tables.trampoline + 4096).present);
	ck_assert(!walk(memory, TABLES_BASE, 0).present);

	/* And nothing else in the root. */
	for (size_t i = 0; i < 512; i++)
		wrong += i != 0 && i != 256 && i != 511 && bx_get_le64(memory + i * 8) != 0;
	ck_assert_uint_eq(wrong, 0);
	free(memory);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("boot");
	TCase *tc = tcase_create("boot");

	tcase_set_timeout(tc, 60);		/* under sanitizers, on a busy machine */
	tcase_add_test(tc, boot1_typical_information);
	tcase_add_test(tc, boot1_uefi_information);
	tcase_add_test(tc, boot1_every_truncation_is_refused);
	tcase_add_test(tc, boot1_every_tag_length_is_bounded);
	tcase_add_loop_test(tc, boot1_no_tag_twice, 0, 8);
	tcase_add_loop_test(tc, boot1_module, 0, (int)BX_ARRAY_COUNT(modules));
	tcase_add_test(tc, boot1_modules_are_counted_and_told_apart);
	tcase_add_test(tc, boot1_text_framebuffer_is_none);
	tcase_add_loop_test(tc, boot1_newer_root_pointer, 0, 2);
	tcase_add_test(tc, boot1_memory_map_entries);
	tcase_add_test(tc, boot1_short_bodies);
	tcase_add_test(tc, boot1_command_line_has_its_bound);
	tcase_add_loop_test(tc, boot2_map_is_what_was_set, 0, 8);
	tcase_add_test(tc, boot2_full_map_refuses_and_stays);
	tcase_add_test(tc, boot2_ram_shrinks_and_the_rest_grows_to_pages);
	tcase_add_loop_test(tc, boot2_wrapping_entry_is_refused, 0, 4);
	tcase_add_loop_test(tc, boot2_uefi_types, 0, 16);
	tcase_add_test(tc, boot2_uefi_map_is_checked);
	tcase_add_test(tc, boot2_take_only_what_is_free);
	tcase_add_test(tc, boot2_regions_of_the_kernel);
	tcase_add_test(tc, boot3_good_kernel);
	tcase_add_test(tc, boot3_every_truncation_is_refused);
	tcase_add_test(tc, boot3_permissions);
	tcase_add_loop_test(tc, boot3_damaged_kernel, 0, (int)BX_ARRAY_COUNT(damages));
	tcase_add_test(tc, boot3_number_of_segments);
	tcase_add_loop_test(tc, boot4_tables_map_what_they_should, 0, 4);
	suite_add_tcase(suite, tc);

	return suite_run(suite);
}
