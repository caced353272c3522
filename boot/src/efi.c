/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * efi.c -- what the loader asks of UEFI.  UEFI Specification 2.10; structures by offset, section
 * 4.3 (system table), 4.4 (boot services), 4.6 (configuration table).
 */
#include "boot.h"

#define SYSTEM_BOOT_SERVICES	96
#define SYSTEM_TABLE_COUNT	104
#define SYSTEM_TABLES		112
#define SERVICE_GET_MEMORY_MAP	56
#define SERVICE_EXIT		232
#define TABLE_ENTRY		24u	/* GUID, pointer */
#define TABLES_MAX		256u

#define STATUS_ERROR		0x8000000000000000u
#define STATUS_INVALID		(STATUS_ERROR | 2)
#define MAP_BYTES		0x10000u
#define EXIT_TRIES		4

typedef uint64_t (__attribute__((ms_abi)) *get_memory_map_fn)(uint64_t *size, void *map,
    uint64_t *key, uint64_t *descriptor_size, uint32_t *descriptor_version);
typedef uint64_t (__attribute__((ms_abi)) *exit_fn)(uint64_t image, uint64_t key);

/* EFI_ACPI_20_TABLE_GUID 8868e871-e4f1-11d3-bc22-0080c73c8881 and ACPI_TABLE_GUID
 * eb9d2d30-2d88-11d3-9a16-0090273fc14d, as stored. */
static const uint8_t acpi_2[16] = {
	0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11, 0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81
};
static const uint8_t acpi_1[16] = {
	0x30, 0x2d, 0x9d, 0xeb, 0x88, 0x2d, 0xd3, 0x11, 0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d
};

static uint64_t
word_at(uint64_t address)
{
	return bx_get_le64((const uint8_t *)address);
}

static uint64_t
find_table(uint64_t system_table, const uint8_t guid[16])
{
	uint64_t count = word_at(system_table + SYSTEM_TABLE_COUNT);
	uint64_t entry = word_at(system_table + SYSTEM_TABLES);

	for (uint64_t i = 0; i < count && i < TABLES_MAX; i++, entry += TABLE_ENTRY)
		if (memcmp((const void *)entry, guid, 16) == 0)
			return word_at(entry + 16);
	return 0;
}

uint64_t
bx_boot_efi_rsdp(uint64_t system_table)
{
	uint64_t rsdp = find_table(system_table, acpi_2);

	return rsdp != 0 ? rsdp : find_table(system_table, acpi_1);
}

enum bx_err
bx_boot_efi_exit(uint64_t system_table, uint64_t image, const uint8_t **bytes, size_t *size,
    size_t *descriptor_size, const char **where)
{
	/* The firmware writes it; it must outlive this call and is too large for the stack. */
	static _Alignas(16) uint8_t map[MAP_BYTES];
	uint64_t services = word_at(system_table + SYSTEM_BOOT_SERVICES);
	get_memory_map_fn get_memory_map =
	    (get_memory_map_fn)word_at(services + SERVICE_GET_MEMORY_MAP);
	exit_fn exit_boot_services = (exit_fn)word_at(services + SERVICE_EXIT);

	/* The key is stale when a timer event of the firmware changed the map in between: once, as
	 * a rule (UEFI 2.10, 7.4.6). */
	for (int tries = 0; tries < EXIT_TRIES; tries++) {
		uint64_t map_size = MAP_BYTES, key = 0, entry_size = 0;
		uint32_t version = 0;

		*where = "UEFI does not tell its memory map";
		if (get_memory_map(&map_size, map, &key, &entry_size, &version) != 0 ||
		    map_size > MAP_BYTES)
			return BX_ERR_IO;
		uint64_t status = exit_boot_services(image, key);
		if (status == 0) {
			*bytes = map;
			*size = map_size;
			*descriptor_size = entry_size;
			return BX_OK;
		}
		*where = "UEFI refuses to end its boot services";
		if (status != STATUS_INVALID)
			return BX_ERR_IO;
	}
	return BX_ERR_IO;
}
