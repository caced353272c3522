/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * page_table.h -- x86-64 page tables, shared by both machines.  Internal.
 *
 * page_table.c implements the page-table functions of machine.h except bx_machine_root_init and
 * bx_machine_frame_writable, which differ; for those it offers bx_page_entry.  A machine gives it
 * the two functions at the end.
 */
#ifndef BRAINIX_KCORE_PAGE_TABLE_H
#define BRAINIX_KCORE_PAGE_TABLE_H

#include <brainix/abi.h>
#include <brainix/machine.h>

/* Bits of an entry (SDM 3A, 4.5.4, table 4-20). */
#define BX_PTE_PRESENT		0x001ull
#define BX_PTE_WRITE		0x002ull
#define BX_PTE_USER		0x004ull
#define BX_PTE_ACCESSED		0x020ull
#define BX_PTE_DIRTY		0x040ull
#define BX_PTE_LARGE		0x080ull
#define BX_PTE_GLOBAL		0x100ull
#define BX_PTE_NO_EXECUTE	0x8000000000000000ull
#define BX_PTE_ADDRESS		0x000ffffffffff000ull
#define BX_TABLE_ENTRIES	512u

/* Entry number of `address` in a table of `level`: 4 the root, 1 the one that holds pages. */
static inline unsigned
bx_table_index(uint64_t address, unsigned level)
{
	return (unsigned)(address >> (BX_PAGE_SHIFT + 9 * (level - 1))) & (BX_TABLE_ENTRIES - 1);
}

/* The level-1 entry of any address, of a user or the kernel, or NULL: a table on the way is missing
 * or the address lies in a large page. */
uint64_t *bx_page_entry(struct bx_machine *machine, uint64_t root, uint64_t address);

/* ---- given by the machine ------------------------------------------------------------------ */

/* Where the table at a physical address is seen. */
uint64_t *bx_machine_table(struct bx_machine *machine, uint64_t table);
/* No CPU goes on using what it remembers of this page of this address space. */
void bx_machine_page_forget(struct bx_machine *machine, uint64_t root, uint64_t address);

#endif
