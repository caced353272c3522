/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * acpi-tables.h -- a small memory with firmware tables in it, for the tests of the ACPI reader.
 */
#ifndef BRAINIX_TESTS_ACPI_TABLES_H
#define BRAINIX_TESTS_ACPI_TABLES_H

#include <string.h>

#include <brainix/x86_64.h>

enum {
	ACPI_RSDP = 0x00, ACPI_RSDT = 0x40, ACPI_XSDT = 0x80, ACPI_MADT = 0x100, ACPI_FADT = 0x200,
	ACPI_HPET = 0x320, ACPI_DSDT = 0x380, ACPI_MEMORY = 0x400
};

static inline void
acpi_sum(uint8_t *bytes, size_t length, uint8_t *place)
{
	uint8_t sum = 0;

	*place = 0;
	for (size_t i = 0; i < length; i++)
		sum = (uint8_t)(sum + bytes[i]);
	*place = (uint8_t)-sum;
}

static inline void
acpi_table(uint8_t *memory, uint32_t at, const char *signature, uint32_t length)
{
	memcpy(memory + at, signature, 4);
	bx_put_le32(memory + at + 4, length);
	acpi_sum(memory + at, length, memory + at + 9);
}

/* Checksums of all tables right again, as far as their lengths let them be. */
static inline void
acpi_repair(uint8_t *memory, size_t size)
{
	static const uint32_t places[] = { ACPI_RSDT, ACPI_XSDT, ACPI_MADT, ACPI_FADT, ACPI_HPET,
		ACPI_DSDT };

	for (size_t i = 0; i < BX_ARRAY_COUNT(places); i++) {
		uint32_t length;

		if (places[i] + 36 > size)
			break;
		length = bx_get_le32(memory + places[i] + 4);
		if (length <= size - places[i])
			acpi_sum(memory + places[i], length, memory + places[i] + 9);
	}
	if (size < 36)
		return;
	acpi_sum(memory, 20, memory + 8);
	acpi_sum(memory, 36, memory + 32);
}

/* Tables like those of a PC with two processors, one I/O APIC, line 0 at 2, line 9 level. */
static inline void
acpi_build(uint8_t memory[ACPI_MEMORY])
{
	static const uint8_t madt[] = {
		0, 0, 0xe0, 0xfe, 1, 0, 0, 0,
		0, 8, 0, 0, 1, 0, 0, 0,
		0, 8, 1, 1, 0, 0, 0, 0,
		0, 8, 2, 2, 1, 0, 0, 0,
		1, 12, 5, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0,
		2, 10, 0, 0, 2, 0, 0, 0, 0, 0,
		2, 10, 0, 9, 9, 0, 0, 0, 0x0d, 0,
	};
	static const uint8_t s5[] = {
		0x08, '_', 'S', '5', '_', 0x12, 0x07, 0x04, 0x0a, 0x05, 0x01, 0x00, 0x00,
	};

	memset(memory, 0, ACPI_MEMORY);
	memcpy(memory, "RSD PTR ", 8);
	memory[15] = 2;
	bx_put_le32(memory + 16, ACPI_RSDT);
	bx_put_le32(memory + 20, 36);
	bx_put_le64(memory + 24, ACPI_XSDT);

	bx_put_le32(memory + ACPI_RSDT + 36, ACPI_FADT);
	bx_put_le32(memory + ACPI_RSDT + 40, ACPI_MADT);
	acpi_table(memory, ACPI_RSDT, "RSDT", 44);
	bx_put_le64(memory + ACPI_XSDT + 36, ACPI_FADT);
	bx_put_le64(memory + ACPI_XSDT + 44, ACPI_MADT);
	bx_put_le64(memory + ACPI_XSDT + 52, ACPI_HPET);
	acpi_table(memory, ACPI_XSDT, "XSDT", 60);

	memcpy(memory + ACPI_MADT + 36, madt, sizeof(madt));
	acpi_table(memory, ACPI_MADT, "APIC", 36 + sizeof(madt));

	bx_put_le32(memory + ACPI_FADT + 40, ACPI_DSDT);
	bx_put_le32(memory + ACPI_FADT + 48, 0xb2);
	memory[ACPI_FADT + 52] = 2;
	bx_put_le32(memory + ACPI_FADT + 64, 0x604);
	bx_put_le32(memory + ACPI_FADT + 76, 0x608);
	bx_put_le32(memory + ACPI_FADT + 112, 1u << 10);
	memory[ACPI_FADT + 116] = 1;
	memory[ACPI_FADT + 117] = 8;
	bx_put_le64(memory + ACPI_FADT + 120, 0xcf9);
	memory[ACPI_FADT + 128] = 0x0f;
	acpi_table(memory, ACPI_FADT, "FACP", 244);

	bx_put_le64(memory + ACPI_HPET + 44, 0xfed00000);
	acpi_table(memory, ACPI_HPET, "HPET", 56);
	memcpy(memory + ACPI_DSDT + 40, s5, sizeof(s5));
	acpi_table(memory, ACPI_DSDT, "DSDT", 60);
	acpi_repair(memory, ACPI_MEMORY);
}

#endif
