/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_x86_64.c -- the parts of the x86-64 machine that touch no machine: ACPI tables, the
 * bootloader's structure, frames taken from it.
 */
#include <check.h>
#include <stdlib.h>

#include "../../tests/unit/suite.h"
#include "acpi-tables.h"

/* ---- ACPI -------------------------------------------------------------------------------------- */

static uint8_t memory[ACPI_MEMORY];

static enum bx_err
parse(struct bx_acpi_info *info)
{
	const struct bx_acpi_range range = { 0, sizeof(memory) };
	const struct bx_acpi_view view = { memory, &range, 1 };
	const char *where = NULL;
	enum bx_err err = bx_acpi_parse(&view, ACPI_RSDP, info, &where);

	ck_assert((err == BX_OK) == (where == NULL));
	return err;
}

START_TEST(acpi_reads_what_is_there)
{
	struct bx_acpi_info info;

	acpi_build(memory);
	ck_assert_int_eq(parse(&info), BX_OK);
	ck_assert_uint_eq(info.lapic, 0xfee00000);
	ck_assert_uint_eq(info.cpu_count, 2);		/* one of three is disabled */
	ck_assert_uint_eq(info.ioapic_count, 1);
	ck_assert_uint_eq(info.ioapics[0].address, 0xfec00000);
	ck_assert_uint_eq(info.ioapics[0].id, 5);
	ck_assert_uint_eq(info.isa[0].line, 2);
	ck_assert_uint_eq(info.isa[4].line, 4);
	ck_assert_uint_eq(info.isa[9].flags, 0x0d);
	ck_assert_uint_eq(info.pm_timer, 0x608);
	ck_assert_uint_eq(info.pm1a_control, 0x604);
	ck_assert_uint_eq(info.pm1b_control, 0);
	ck_assert_uint_eq(info.smi_command, 0xb2);
	ck_assert_uint_eq(info.has_s5, 1);
	ck_assert_uint_eq(info.s5_type_a, 5);
	ck_assert_uint_eq(info.s5_type_b, 1);
	ck_assert_uint_eq(info.reset.address, 0xcf9);
	ck_assert_uint_eq(info.reset_value, 0x0f);
	ck_assert_uint_eq(info.hpet, 0xfed00000);
}
END_TEST

START_TEST(acpi_falls_back_to_rsdt)
{
	struct bx_acpi_info info;

	acpi_build(memory);
	memory[ACPI_XSDT + 9] ^= 1;
	ck_assert_int_eq(parse(&info), BX_OK);
	ck_assert_uint_eq(info.ioapic_count, 1);
	ck_assert_uint_eq(info.hpet, 0);		/* the RSDT does not have it */
}
END_TEST

/* Any byte of a table changed: its checksum is wrong, and what must be there is missed. */
START_TEST(acpi_refuses_broken_required_tables)
{
	struct bx_acpi_info poison, info;

	memset(&poison, 0xa5, sizeof(poison));
	info = poison;
	acpi_build(memory);
	memory[ACPI_MADT + _i] ^= 0x10;
	ck_assert_int_eq(parse(&info), BX_ERR_NOT_FOUND);
	ck_assert_mem_eq(&info, &poison, sizeof(info));

	acpi_build(memory);
	memory[ACPI_RSDP + _i % 20] ^= 0x10;
	ck_assert_int_eq(parse(&info), BX_ERR_FORMAT);
	ck_assert_mem_eq(&info, &poison, sizeof(info));
}
END_TEST

START_TEST(acpi_takes_broken_optional_tables_as_absent)
{
	struct bx_acpi_info info;

	acpi_build(memory);
	memory[ACPI_FADT + 100] ^= 1;
	memory[ACPI_HPET + 50] ^= 1;
	ck_assert_int_eq(parse(&info), BX_OK);
	ck_assert_uint_eq(info.pm_timer, 0);
	ck_assert_uint_eq(info.has_s5, 0);
	ck_assert_uint_eq(info.hpet, 0);

	acpi_build(memory);
	memory[ACPI_DSDT + 45] = 0x11;			/* no package */
	acpi_repair(memory, sizeof(memory));
	ck_assert_int_eq(parse(&info), BX_OK);
	ck_assert_uint_eq(info.has_s5, 0);
}
END_TEST

/* A view that ends anywhere, on the heap so that a sanitizer sees a read beyond it. */
START_TEST(acpi_reads_nothing_outside_the_view)
{
	acpi_build(memory);
	for (size_t size = 0; size <= sizeof(memory); size++) {
		uint8_t *part = malloc(size == 0 ? 1 : size);
		struct bx_acpi_range range = { 0, size };
		struct bx_acpi_view view = { part, &range, 1 };
		struct bx_acpi_info info;
		const char *where = NULL;

		ck_assert_ptr_nonnull(part);
		memcpy(part, memory, size);
		if (bx_acpi_parse(&view, 0, &info, &where) == BX_OK)
			ck_assert_uint_ge(size, ACPI_MADT + 88);
		else
			ck_assert_ptr_nonnull(where);
		free(part);
	}
}
END_TEST

START_TEST(acpi_pointers_outside_the_ranges_find_nothing)
{
	const struct bx_acpi_range ranges[] = { { 0, 0x100 }, { 0x200, 0x200 } };
	const struct bx_acpi_view view = { memory, ranges, 2 };	/* all but the MADT */
	struct bx_acpi_info info;
	const char *where = NULL;

	acpi_build(memory);
	ck_assert_int_eq(bx_acpi_parse(&view, 0, &info, &where), BX_ERR_NOT_FOUND);
	ck_assert_str_eq(where, "MADT");
	ck_assert_int_eq(bx_acpi_parse(&view, UINT64_MAX - 10, &info, &where), BX_ERR_TRUNCATED);
	ck_assert_int_eq(bx_acpi_parse(&view, 0x3f0, &info, &where), BX_ERR_TRUNCATED);
}
END_TEST

/* An entry of size 0 or 1 would never end; one longer than the table would be read beyond it. */
START_TEST(acpi_stops_at_a_bad_madt_entry)
{
	static const uint8_t sizes[] = { 0, 1, 0xff };
	struct bx_acpi_info info;

	acpi_build(memory);
	memory[ACPI_MADT + 36 + 8 + 1] = sizes[_i];
	acpi_repair(memory, sizeof(memory));
	ck_assert_int_eq(parse(&info), BX_OK);
	ck_assert_uint_eq(info.cpu_count, 0);
	ck_assert_uint_eq(info.ioapic_count, 0);
}
END_TEST

/* ---- boot information -------------------------------------------------------------------------- */

static const struct bx_x86_image image = {
	.text = BX_KERNEL_BASE, .text_end = BX_KERNEL_BASE + 0x3000,
	.rodata = BX_KERNEL_BASE + 0x3000, .rodata_end = BX_KERNEL_BASE + 0x4000,
	.data = BX_KERNEL_BASE + 0x4000, .data_end = BX_KERNEL_BASE + 0x8000,
};

static struct bx_boot_info
good_info(void)
{
	struct bx_boot_info info;

	memset(&info, 0, sizeof(info));
	info.magic = BX_BOOT_MAGIC;
	info.version = BX_BOOT_VERSION;
	info.size = sizeof(info);
	info.direct_map_end = 0x800000;
	info.serial_port = 0x3f8;
	info.region_count = 5;
	info.regions[0] = (struct bx_boot_region){ 0x1000, 0x9e000, BX_REGION_FREE, 0 };
	info.regions[1] = (struct bx_boot_region){ 0x100000, 0x8000, BX_REGION_KERNEL, 0 };
	info.regions[2] = (struct bx_boot_region){ 0x108000, 0x8000, BX_REGION_MODULE, 0 };
	info.regions[3] = (struct bx_boot_region){ 0x200000, 0x10000, BX_REGION_FREE, 0 };
	info.regions[4] = (struct bx_boot_region){ 0x300000, 0x500000, BX_REGION_RESERVED, 0 };
	info.module_count = 1;
	info.modules[0] = (struct bx_boot_module){ 0x108000, 0x7fff, "system" };
	info.segment_count = 3;
	info.segments[0] = (struct bx_boot_segment){ image.text, 0x100000, 0x3000, 5, 0 };
	info.segments[1] = (struct bx_boot_segment){ image.rodata, 0x103000, 0x1000, 4, 0 };
	info.segments[2] = (struct bx_boot_segment){ image.data, 0x104000, 0x4000, 6, 0 };
	return info;
}

static enum bx_err
check(const struct bx_boot_info *info)
{
	const char *where = NULL;
	enum bx_err err = bx_bootinfo_check(info, &image, &where);

	ck_assert((err == BX_OK) == (where == NULL));
	return err;
}

START_TEST(bootinfo_accepts_a_good_one)
{
	struct bx_boot_info info = good_info();

	ck_assert_int_eq(check(&info), BX_OK);
}
END_TEST

/* One wrong field each. */
START_TEST(bootinfo_refuses_each_wrong_field)
{
#define WRONG(field, value, error) do {						\
		struct bx_boot_info info = good_info();				\
		info.field = value;						\
		ck_assert_msg(check(&info) == error, "%s = %s", #field, #value);	\
	} while (0)
	WRONG(magic, 1, BX_ERR_FORMAT);
	WRONG(version, 2, BX_ERR_VERSION);
	WRONG(size, 8, BX_ERR_VERSION);
	WRONG(direct_map_end, 0, BX_ERR_RANGE);
	WRONG(direct_map_end, 0x800001, BX_ERR_RANGE);
	WRONG(direct_map_end, BX_DIRECT_MAP_SIZE + 0x1000, BX_ERR_RANGE);
	WRONG(direct_map_end, 0x100000, BX_ERR_RANGE);		/* modules are not shown */
	WRONG(serial_port, 0xffff, BX_ERR_RANGE);
	WRONG(region_count, 0, BX_ERR_RANGE);
	WRONG(region_count, BX_BOOT_REGIONS_MAX + 1, BX_ERR_RANGE);
	WRONG(regions[0].size, 0, BX_ERR_ALIGN);
	WRONG(regions[0].base, 0x1001, BX_ERR_ALIGN);
	WRONG(regions[4].size, UINT64_MAX - 0xfff, BX_ERR_ALIGN);
	WRONG(regions[1].base, 0x9e000, BX_ERR_FORMAT);		/* overlaps */
	WRONG(regions[2].kind, 0, BX_ERR_FORMAT);
	WRONG(regions[2].kind, 7, BX_ERR_FORMAT);
	WRONG(module_count, BX_BOOT_MODULES_MAX + 1, BX_ERR_RANGE);
	WRONG(modules[0].base, 0x108001, BX_ERR_ALIGN);
	WRONG(modules[0].size, 0x8001, BX_ERR_RANGE);
	WRONG(modules[0].size, UINT64_MAX, BX_ERR_RANGE);
	WRONG(modules[0].base, 0x200000, BX_ERR_RANGE);		/* free memory */
	WRONG(segment_count, 0, BX_ERR_RANGE);
	WRONG(segment_count, 9, BX_ERR_RANGE);
	WRONG(segment_count, 2, BX_ERR_FORMAT);
	WRONG(segments[0].virtual_address, BX_KERNEL_BASE - 0x1000, BX_ERR_RANGE);
	WRONG(segments[0].flags, 7, BX_ERR_WX);
	WRONG(segments[0].flags, 4, BX_ERR_FORMAT);
	WRONG(segments[1].flags, 6, BX_ERR_FORMAT);
	WRONG(segments[1].physical_address, 0x200000, BX_ERR_RANGE);
	WRONG(segments[1].virtual_address, BX_KERNEL_BASE + 0x2000, BX_ERR_RANGE);
	WRONG(segments[2].size, BX_KERNEL_SIZE_MAX, BX_ERR_RANGE);
#undef WRONG
	struct bx_boot_info info = good_info();

	memset(info.command_line, 'x', sizeof(info.command_line));
	ck_assert_int_eq(check(&info), BX_ERR_FORMAT);
	info = good_info();
	memset(info.modules[0].name, 'x', sizeof(info.modules[0].name));
	ck_assert_int_eq(check(&info), BX_ERR_FORMAT);
}
END_TEST

START_TEST(carve_takes_the_end_of_the_last_free_region)
{
	struct bx_boot_info info = good_info();
	uint64_t at = 7;

	ck_assert_int_eq(bx_x86_carve(&info, 0x800000, 1, &at), BX_OK);
	ck_assert_uint_eq(at, 0x20f000);
	ck_assert_uint_eq(info.regions[3].size, 0xf000);
	ck_assert_int_eq(bx_x86_carve(&info, 0x800000, 0xf000, &at), BX_OK);
	ck_assert_uint_eq(at, 0x200000);
	ck_assert_uint_eq(info.regions[3].size, 0);

	/* What is left is below the first MiB, or beyond the limit. */
	at = 7;
	ck_assert_int_eq(bx_x86_carve(&info, 0x800000, 1, &at), BX_ERR_NO_MEMORY);
	info = good_info();
	ck_assert_int_eq(bx_x86_carve(&info, 0x20f000, 1, &at), BX_ERR_NO_MEMORY);
	ck_assert_int_eq(bx_x86_carve(&info, 0x800000, 0x11000, &at), BX_ERR_NO_MEMORY);
	ck_assert_int_eq(bx_x86_carve(&info, 0x800000, 0, &at), BX_ERR_NO_MEMORY);
	ck_assert_int_eq(bx_x86_carve(&info, 0x800000, UINT64_MAX, &at), BX_ERR_NO_MEMORY);
	ck_assert_uint_eq(at, 7);
	ck_assert_uint_eq(info.regions[3].size, 0x10000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("x86_64");
	TCase *acpi = tcase_create("acpi");
	TCase *boot = tcase_create("boot information");

	tcase_add_test(acpi, acpi_reads_what_is_there);
	tcase_add_test(acpi, acpi_falls_back_to_rsdt);
	tcase_add_loop_test(acpi, acpi_refuses_broken_required_tables, 0, 88);
	tcase_add_test(acpi, acpi_takes_broken_optional_tables_as_absent);
	tcase_add_test(acpi, acpi_reads_nothing_outside_the_view);
	tcase_add_test(acpi, acpi_pointers_outside_the_ranges_find_nothing);
	tcase_add_loop_test(acpi, acpi_stops_at_a_bad_madt_entry, 0, 3);
	tcase_add_test(boot, bootinfo_accepts_a_good_one);
	tcase_add_test(boot, bootinfo_refuses_each_wrong_field);
	tcase_add_test(boot, carve_takes_the_end_of_the_last_free_region);
	suite_add_tcase(suite, acpi);
	suite_add_tcase(suite, boot);
	return suite_run(suite);
}
