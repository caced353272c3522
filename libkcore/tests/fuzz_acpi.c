/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_acpi.c -- the reader of the firmware's tables on any bytes.  The first byte says whether the
 * checksums are made right, so that mutations get past them; the rest is memory from address 0.
 */
#include <stdlib.h>

#include "acpi-tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bx_acpi_range range = { 0, size - 1 };
	struct bx_acpi_view view = { NULL, &range, 1 };
	struct bx_acpi_info info;
	const char *where = NULL;
	uint8_t *memory;

	if (size < 2)
		return 0;
	/* On the heap and exactly as long, so that a sanitizer sees the first byte too much. */
	memory = malloc(size - 1);
	if (memory == NULL)
		return 0;
	memcpy(memory, data + 1, size - 1);
	if ((data[0] & 1) != 0)
		acpi_repair(memory, size - 1);
	view.memory = memory;
	if (bx_acpi_parse(&view, 0, &info, &where) == BX_OK) {
		if (info.ioapic_count > BX_ACPI_IOAPICS_MAX || info.s5_type_a > 7)
			abort();
	} else if (where == NULL) {
		abort();
	}
	free(memory);
	return 0;
}
