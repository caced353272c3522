/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * acpi.c -- the few facts that the kernel wants from the firmware's tables.  Pure: it reads the view
 * that it is given and nothing else; no interpreter, the DSDT is only searched for one object.
 * Source: ACPI 6.4 (section numbers below).
 */
#include <brainix/x86_64.h>

#define HEADER_SIZE	36u		/* 5.2.6 */
#define TABLE_SIZE_MAX	(4u << 20)
#define TABLES_MAX	256u

void *memset(void *at, int value, size_t length);

/* ---- reading ---------------------------------------------------------------------------------- */

/* The `length` bytes at a physical address, or NULL when the view does not hold them all. */
static const uint8_t *
bytes_at(const struct bx_acpi_view *view, uint64_t physical, uint64_t length)
{
	for (size_t i = 0; i < view->range_count; i++) {
		const struct bx_acpi_range *r = &view->ranges[i];

		if (physical >= r->base && bx_range_fits(physical - r->base, length, r->size))
			return view->memory + physical;
	}
	return NULL;
}

static bool
sums_to_zero(const uint8_t *bytes, size_t length)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < length; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return sum == 0;
}

static bool
same_bytes(const uint8_t *a, const char *b, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (a[i] != (uint8_t)b[i])
			return false;
	return true;
}

struct table {
	const uint8_t *bytes;		/* NULL: none */
	uint32_t length;		/* >= HEADER_SIZE */
};

/* 5.2.6: a table whose header, length and checksum are right, or none. */
static struct table
table_at(const struct bx_acpi_view *view, uint64_t physical, const char *signature)
{
	const uint8_t *header = bytes_at(view, physical, HEADER_SIZE);
	uint32_t length;

	if (header == NULL || !same_bytes(header, signature, 4))
		return (struct table){ NULL, 0 };
	length = bx_get_le32(header + 4);
	if (length < HEADER_SIZE || length > TABLE_SIZE_MAX ||
	    bytes_at(view, physical, length) == NULL || !sums_to_zero(header, length))
		return (struct table){ NULL, 0 };
	return (struct table){ header, length };
}

/* Fields beyond a table's length are absent, and read as zero. */
static uint64_t
field(struct table table, uint32_t offset, unsigned bytes)
{
	uint64_t value = 0;

	if (!bx_range_fits(offset, bytes, table.length))
		return 0;
	for (unsigned i = bytes; i > 0; i--)
		value = value << 8 | table.bytes[offset + i - 1];
	return value;
}

/* ---- root --------------------------------------------------------------------------------------- */

struct root {
	struct table table;
	unsigned entry_size;		/* 4: RSDT, 8: XSDT */
};

/* 5.2.5.3, 5.2.7, 5.2.8 */
static enum bx_err
root_find(const struct bx_acpi_view *view, uint64_t rsdp, struct root *root, const char **where)
{
	const uint8_t *pointer = bytes_at(view, rsdp, 20);
	const uint8_t *whole;

	if (pointer == NULL) {
		*where = "RSDP";
		return BX_ERR_TRUNCATED;
	}
	if (!same_bytes(pointer, "RSD PTR ", 8) || !sums_to_zero(pointer, 20)) {
		*where = "RSDP";
		return BX_ERR_FORMAT;
	}
	whole = bytes_at(view, rsdp, 36);
	if (pointer[15] >= 2 && whole != NULL && sums_to_zero(whole, 36)) {
		root->table = table_at(view, bx_get_le64(whole + 24), "XSDT");
		root->entry_size = 8;
		if (root->table.bytes != NULL)
			return BX_OK;
	}
	root->table = table_at(view, bx_get_le32(pointer + 16), "RSDT");
	root->entry_size = 4;
	if (root->table.bytes != NULL)
		return BX_OK;
	*where = "XSDT, RSDT";
	return BX_ERR_FORMAT;
}

static struct table
root_lookup(const struct bx_acpi_view *view, const struct root *root, const char *signature)
{
	uint32_t count = (root->table.length - HEADER_SIZE) / root->entry_size;

	if (count > TABLES_MAX)
		count = TABLES_MAX;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t address = field(root->table, HEADER_SIZE + i * root->entry_size,
		    root->entry_size);
		struct table table = table_at(view, address, signature);

		if (table.bytes != NULL)
			return table;
	}
	return (struct table){ NULL, 0 };
}

/* ---- MADT: 5.2.12 --------------------------------------------------------------------------------- */

static void
madt_entry(const uint8_t *entry, uint8_t size, struct bx_acpi_info *info)
{
	switch (entry[0]) {
	case 0:					/* processor local APIC: 5.2.12.2 */
		if (size >= 8 && (entry[4] & 1) != 0)
			info->cpu_count++;
		break;
	case 1:					/* I/O APIC: 5.2.12.3 */
		if (size >= 12 && info->ioapic_count < BX_ACPI_IOAPICS_MAX)
			info->ioapics[info->ioapic_count++] = (struct bx_acpi_ioapic){
				.id = entry[2],
				.address = bx_get_le32(entry + 4),
				.first_line = bx_get_le32(entry + 8),
			};
		break;
	case 2:					/* interrupt source override: 5.2.12.5 */
		if (size >= 10 && entry[2] == 0 && entry[3] < BX_ACPI_ISA_LINES)
			info->isa[entry[3]] = (struct bx_acpi_isa_line){
				.line = bx_get_le32(entry + 4),
				.flags = bx_get_le16(entry + 8),
			};
		break;
	case 5:					/* local APIC address override: 5.2.12.8 */
		if (size >= 12)
			info->lapic = bx_get_le64(entry + 4);
		break;
	default:
		break;
	}
}

static void
madt_read(struct table madt, struct bx_acpi_info *info)
{
	uint32_t at = HEADER_SIZE + 8;

	info->lapic = field(madt, HEADER_SIZE, 4);
	for (uint32_t i = 0; i < BX_ACPI_ISA_LINES; i++)
		info->isa[i].line = i;
	/* An entry takes at least two bytes, so this ends. */
	while (at + 2 <= madt.length) {
		uint8_t size = madt.bytes[at + 1];

		if (size < 2 || size > madt.length - at)
			break;
		madt_entry(madt.bytes + at, size, info);
		at += size;
	}
}

/* ---- FADT: 5.2.9 ----------------------------------------------------------------------------------- */

/* A generic address (5.2.3.2) that is an I/O port, or the older field beside it. */
static uint16_t
port_of(struct table fadt, uint32_t extended, uint32_t old)
{
	uint64_t address = field(fadt, extended + 4, 8);

	if (field(fadt, extended, 1) == 1 && address != 0 && address <= 0xfffc)
		return (uint16_t)address;
	address = field(fadt, old, 4);
	return address <= 0xfffc ? (uint16_t)address : 0;
}

static void
fadt_read(struct table fadt, struct bx_acpi_info *info)
{
	uint64_t smi = field(fadt, 48, 4);

	info->smi_command = smi <= 0xffff ? (uint16_t)smi : 0;
	info->acpi_enable = (uint8_t)field(fadt, 52, 1);
	info->pm1a_control = port_of(fadt, 172, 64);
	info->pm1b_control = port_of(fadt, 184, 68);
	info->pm_timer = port_of(fadt, 208, 76);
	if ((field(fadt, 112, 4) & 1u << 10) != 0) {	/* RESET_REG_SUP */
		info->reset.space = (uint8_t)field(fadt, 116, 1);
		info->reset.bits = (uint8_t)field(fadt, 117, 1);
		info->reset.address = field(fadt, 120, 8);
		info->reset_value = (uint8_t)field(fadt, 128, 1);
	}
}

/* ---- DSDT: the package _S5_ (7.4.2.5), in AML (20.2) ------------------------------------------------ */

/* One small integer: ZeroOp, OneOp, or BytePrefix and a byte.  Returns the bytes read, 0: neither. */
static uint32_t
aml_small(const uint8_t *aml, uint32_t left, uint8_t *value)
{
	if (left >= 1 && aml[0] <= 1) {
		*value = aml[0];
		return 1;
	}
	if (left >= 2 && aml[0] == 0x0a) {
		*value = aml[1];
		return 2;
	}
	return 0;
}

/* Name(_S5_, Package(){ a, b, ... }):  08 [5c] "_S5_" 12 PkgLength count a b */
static bool
s5_read(const uint8_t *aml, uint32_t left, struct bx_acpi_info *info)
{
	uint32_t at = 4;
	uint32_t used;
	uint8_t a = 0;
	uint8_t b = 0;

	if (left < at + 2 || aml[at] != 0x12)
		return false;
	at += 2u + (aml[at + 1] >> 6);		/* 20.2.4: bytes that follow the first */
	if (left <= at || aml[at] < 2)
		return false;
	at++;
	used = aml_small(aml + at, left - at, &a);
	if (used == 0)
		return false;
	at += used;
	if (aml_small(aml + at, left - at, &b) == 0)
		return false;
	info->s5_type_a = a & 7;
	info->s5_type_b = b & 7;
	info->has_s5 = 1;
	return true;
}

static void
dsdt_read(struct table dsdt, struct bx_acpi_info *info)
{
	for (uint32_t at = HEADER_SIZE + 2; at + 4 <= dsdt.length; at++) {
		const uint8_t *aml = dsdt.bytes + at;

		if (!same_bytes(aml, "_S5_", 4))
			continue;
		if (aml[-1] != 0x08 && !(aml[-1] == 0x5c && aml[-2] == 0x08))
			continue;
		if (s5_read(aml, dsdt.length - at, info))
			return;
	}
}

/* ---- all of it -------------------------------------------------------------------------------------- */

enum bx_err
bx_acpi_parse(const struct bx_acpi_view *view, uint64_t rsdp, struct bx_acpi_info *info,
    const char **where)
{
	struct bx_acpi_info found;
	struct root root;
	struct table table;
	enum bx_err err;

	memset(&found, 0, sizeof(found));
	err = root_find(view, rsdp, &root, where);
	if (err != BX_OK)
		return err;

	table = root_lookup(view, &root, "APIC");
	if (table.bytes == NULL) {
		*where = "MADT";
		return BX_ERR_NOT_FOUND;
	}
	madt_read(table, &found);

	table = root_lookup(view, &root, "FACP");
	if (table.bytes != NULL) {
		uint64_t dsdt = field(table, 140, 8);

		fadt_read(table, &found);
		if (dsdt == 0)
			dsdt = field(table, 40, 4);
		table = table_at(view, dsdt, "DSDT");
		if (table.bytes != NULL)
			dsdt_read(table, &found);
	}

	table = root_lookup(view, &root, "HPET");
	if (table.bytes != NULL && field(table, 40, 1) == 0)
		found.hpet = field(table, 44, 8);
	*info = found;
	return BX_OK;
}
