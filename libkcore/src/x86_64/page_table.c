/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * page_table.c -- four-level x86-64 page tables (SDM 3A, 4.5).  Freestanding; no instruction of the
 * machine, so that a Linux process builds and walks the very same tables.
 *
 * User pages are 4 KiB; upper entries allow everything and the page's own entry decides.  Accessed
 * and dirty are set beforehand: nobody looks at them, and the CPU need not write them.
 */
#include "page_table.h"

#define TABLE_BITS	(BX_PTE_PRESENT | BX_PTE_WRITE | BX_PTE_USER | BX_PTE_ACCESSED)

/* The table of the next level on the way to `address`, or NULL.  `memory` is where all tables lie. */
static inline uint64_t *
table_below(uint8_t *memory, const uint64_t *table, uint64_t address, unsigned level)
{
	uint64_t entry = table == NULL ? 0 : table[bx_table_index(address, level)];

	if ((entry & (BX_PTE_PRESENT | BX_PTE_LARGE)) != BX_PTE_PRESENT)
		return NULL;
	return (uint64_t *)(void *)(memory + (entry & BX_PTE_ADDRESS));
}

/* The table of level `level` on the way to `address`, or NULL. */
static uint64_t *
table_find(struct bx_machine *machine, uint64_t root, uint64_t address, unsigned level)
{
	uint64_t *table = bx_machine_table(machine, root);
	uint8_t *memory = (uint8_t *)table - root;

	for (unsigned i = 4; i > level && table != NULL; i--)
		table = table_below(memory, table, address, i);
	return table;
}

uint64_t *
bx_page_entry(struct bx_machine *machine, uint64_t root, uint64_t address)
{
	uint64_t *table = bx_machine_table(machine, root);
	uint8_t *memory = (uint8_t *)table - root;

	table = table_below(memory, table, address, 4);
	table = table_below(memory, table, address, 3);
	table = table_below(memory, table, address, 2);
	return table == NULL ? NULL : &table[bx_table_index(address, 1)];
}

/* How many tables are missing on the way to an address that has no entry. */
static unsigned
tables_missing(struct bx_machine *machine, uint64_t root, uint64_t address)
{
	unsigned missing = 1;

	while (missing < BX_TABLES_MAX && table_find(machine, root, address, missing + 1) == NULL)
		missing++;
	return missing;
}

unsigned
bx_machine_tables_needed(struct bx_machine *machine, uint64_t root, uint64_t address, bool *exists)
{
	const uint64_t *entry = bx_page_entry(machine, root, address);

	*exists = entry != NULL && *entry != 0;
	return BX_LIKELY(entry != NULL) ? 0 : tables_missing(machine, root, address);
}

void
bx_machine_page_map(struct bx_machine *machine, uint64_t root, uint64_t address, uint64_t frame,
    uint32_t flags, const uint64_t *tables)
{
	uint64_t *place = bx_page_entry(machine, root, address), *table;
	uint64_t entry = frame | BX_PTE_PRESENT | BX_PTE_USER | BX_PTE_ACCESSED;

	BX_ASSERT(address < BX_USER_END);
	BX_ASSERT(flags != (BX_PAGE_WRITE | BX_PAGE_EXECUTE));
	if (place == NULL) {
		unsigned level = tables_missing(machine, root, address) + 1;

		table = table_find(machine, root, address, level);
		for (; level > 1; level--) {
			table[bx_table_index(address, level)] = *tables | TABLE_BITS;
			table = bx_machine_table(machine, *tables++);
		}
		place = &table[bx_table_index(address, 1)];
	}
	BX_ASSERT(*place == 0);
	if ((flags & BX_PAGE_WRITE) != 0)
		entry |= BX_PTE_WRITE | BX_PTE_DIRTY;
	if ((flags & BX_PAGE_EXECUTE) == 0)
		entry |= BX_PTE_NO_EXECUTE;
	/* Not present before: no CPU can remember it (SDM 3A, 4.10.2.3). */
	*place = entry;
}

void
bx_machine_page_unmap(struct bx_machine *machine, uint64_t root, uint64_t address)
{
	uint64_t *entry = bx_page_entry(machine, root, address);

	BX_ASSERT(address < BX_USER_END);
	BX_ASSERT(entry != NULL && (*entry & BX_PTE_USER) != 0);
	*entry = 0;
	bx_machine_page_forget(machine, root, address);
}

bool
bx_machine_page_lookup(struct bx_machine *machine, uint64_t root, uint64_t address,
    uint64_t *frame, uint32_t *flags)
{
	const uint64_t *entry;

	if (address >= BX_USER_END)
		return false;
	entry = bx_page_entry(machine, root, address);
	if (entry == NULL || (*entry & BX_PTE_PRESENT) == 0 || (*entry & BX_PTE_USER) == 0)
		return false;
	*frame = *entry & BX_PTE_ADDRESS;
	*flags = ((*entry & BX_PTE_WRITE) != 0 ? BX_PAGE_WRITE : 0u) |
	    ((*entry & BX_PTE_NO_EXECUTE) == 0 ? BX_PAGE_EXECUTE : 0u);
	return true;
}

/* In a user's half all tables are the core's, and nothing is a large page. */
bool
bx_machine_walk(uint8_t *memory, uint64_t root, uint64_t address, struct bx_machine_walk *walk)
{
	if (address >= BX_USER_END)
		return false;
	for (unsigned level = 4; level > 1; level--) {
		const uint64_t *table = (const uint64_t *)(void *)(memory + root);

		root = table[bx_table_index(address, level)];
		if ((root & BX_PTE_PRESENT) == 0)
			return false;
		root &= BX_PTE_ADDRESS;
	}
	walk->pages = (const uint64_t *)(void *)(memory + root);
	walk->region = BX_MACHINE_REGION(address);
	return true;
}
