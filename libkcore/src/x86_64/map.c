/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * map.c -- the kernel's own address space, and the part of it that every other one has.
 *
 *	PML4 256	direct map: RAM in 4 KiB pages, no-execute
 *			free, loader	read, write
 *			modules, firmware	read
 *			kernel, reserved	not there: the kernel's frames have no second address
 *	PML4 257	device registers: read, write, uncached, no-execute
 *	PML4 511	the image: text R-X, rodata R--, data RW-, stacks RW- between holes
 *
 * A user's root has its own lower half and, as PML4 511, a second, shared set of three tables that
 * maps the entry pages and nothing else, at the addresses they have in the kernel.
 * No global pages, no large pages, no identity map.
 */
#include "x86.h"

#define READ_ONLY	(X86_PTE_PRESENT | X86_PTE_ACCESSED | X86_PTE_NX)
#define READ_WRITE	(READ_ONLY | X86_PTE_WRITE | X86_PTE_DIRTY)
#define READ_EXECUTE	(X86_PTE_PRESENT | X86_PTE_ACCESSED)
#define DEVICE		(READ_WRITE | X86_PTE_UNCACHED | X86_PTE_WRITE_THROUGH)
#define TABLE		(X86_PTE_PRESENT | X86_PTE_WRITE | X86_PTE_ACCESSED)

#define ROOT_ENTRY_IMAGE	(BX_KERNEL_BASE >> 39 & (X86_TABLE_ENTRIES - 1))

static uint64_t *
table_at(const struct bx_machine *machine, uint64_t physical)
{
	return (uint64_t *)(void *)(machine->memory + (physical & X86_PTE_FRAME));
}

/* A zeroed frame for a table. */
static enum bx_err
table_take(struct bx_machine *machine, struct bx_boot_info *info, uint64_t *physical)
{
	enum bx_err err = bx_x86_carve(info, machine->memory_end, BX_PAGE_SIZE, physical);

	if (err != BX_OK)
		return err;
	memset(table_at(machine, *physical), 0, BX_PAGE_SIZE);
	machine->table_frames++;
	return BX_OK;
}

static unsigned
index_of(uint64_t address, unsigned level)
{
	return (unsigned)(address >> (BX_PAGE_SHIFT + 9 * level)) & (X86_TABLE_ENTRIES - 1);
}

/* The entry of `address` in the last-level table, making the tables above it. */
static enum bx_err
entry_make(struct bx_machine *machine, struct bx_boot_info *info, uint64_t root, uint64_t address,
    uint64_t **entry)
{
	uint64_t *table = table_at(machine, root);
	uint64_t physical;
	enum bx_err err;

	for (unsigned level = 3; level > 0; level--) {
		uint64_t *place = &table[index_of(address, level)];

		if (*place == 0) {
			err = table_take(machine, info, &physical);
			if (err != BX_OK)
				return err;
			*place = physical | TABLE;
		}
		table = table_at(machine, *place);
	}
	*entry = &table[index_of(address, 0)];
	return BX_OK;
}

static enum bx_err
map_run(struct bx_machine *machine, struct bx_boot_info *info, uint64_t root, uint64_t address,
    uint64_t physical, uint64_t size, uint64_t bits)
{
	uint64_t *entry = NULL;
	enum bx_err err;

	for (uint64_t done = 0; done < size; done += BX_PAGE_SIZE) {
		/* One walk for each table, not for each page. */
		if (entry == NULL || index_of(address + done, 0) == 0) {
			err = entry_make(machine, info, root, address + done, &entry);
			if (err != BX_OK)
				return err;
		}
		*entry++ = (physical + done) | bits;
	}
	return BX_OK;
}

static uint64_t
region_bits(uint32_t kind)
{
	switch (kind) {
	case BX_REGION_FREE:
	case BX_REGION_LOADER:
		return READ_WRITE;
	case BX_REGION_MODULE:
	case BX_REGION_FIRMWARE:
		return READ_ONLY;
	default:
		return 0;
	}
}

/* From the bootloader's own list of regions, before anything is carved from them. */
static enum bx_err
map_memory(struct bx_machine *machine, struct bx_boot_info *info)
{
	struct { uint64_t base, size, bits; } runs[BX_BOOT_REGIONS_MAX];
	uint32_t count = info->region_count;
	enum bx_err err;

	for (uint32_t i = 0; i < count; i++) {
		runs[i].base = info->regions[i].base;
		runs[i].size = info->regions[i].size;
		runs[i].bits = region_bits(info->regions[i].kind);
	}
	for (uint32_t i = 0; i < count; i++) {
		if (runs[i].bits == 0 || runs[i].base >= machine->memory_end)
			continue;
		if (runs[i].size > machine->memory_end - runs[i].base)
			runs[i].size = machine->memory_end - runs[i].base;
		err = map_run(machine, info, machine->root, BX_DIRECT_MAP + runs[i].base,
		    runs[i].base, runs[i].size, runs[i].bits);
		if (err != BX_OK)
			return err;
	}
	return BX_OK;
}

/* Physical address of an address in the image.  bx_bootinfo_check has seen that it has one. */
static uint64_t
image_physical(const struct bx_boot_info *info, uint64_t address)
{
	for (uint32_t i = 0; i < info->segment_count; i++) {
		const struct bx_boot_segment *s = &info->segments[i];

		if (address >= s->virtual_address && address - s->virtual_address < s->size)
			return s->physical_address + (address - s->virtual_address);
	}
	bx_panic(BX_WHERE, "an address of the image lies in no segment");
}

static enum bx_err
map_image_part(struct bx_machine *machine, struct bx_boot_info *info, uint64_t root, uint64_t start,
    uint64_t end, uint64_t bits)
{
	for (uint64_t address = start; address < end; address += BX_PAGE_SIZE) {
		enum bx_err err = map_run(machine, info, root, address,
		    image_physical(info, address), BX_PAGE_SIZE, bits);

		if (err != BX_OK)
			return err;
	}
	return BX_OK;
}

static uint64_t
address_of(const uint8_t *symbol)
{
	return (uint64_t)(uintptr_t)symbol;
}

/* The pages that all have, into `root`. */
static enum bx_err
map_entry_pages(struct bx_machine *machine, struct bx_boot_info *info, uint64_t root)
{
	enum bx_err err;

	err = map_image_part(machine, info, root, address_of(bx_entry_text_start),
	    address_of(bx_entry_text_end), READ_EXECUTE);
	if (err != BX_OK)
		return err;
	err = map_image_part(machine, info, root, address_of(bx_entry_rodata_start),
	    address_of(bx_entry_rodata_end), READ_ONLY);
	if (err != BX_OK)
		return err;
	return map_image_part(machine, info, root, address_of(bx_entry_data_start),
	    address_of(bx_entry_data_end), READ_WRITE);
}

static enum bx_err
map_image(struct bx_machine *machine, struct bx_boot_info *info, const struct bx_x86_image *image)
{
	static const uint8_t *const guards[] = { bx_stack_guard_0, bx_stack_guard_1,
		bx_stack_guard_2, bx_stack_guard_3, bx_stack_guard_4, bx_stack_guard_5 };
	uint64_t *entry;
	enum bx_err err;

	err = map_image_part(machine, info, machine->root, image->text, image->text_end,
	    READ_EXECUTE);
	if (err != BX_OK)
		return err;
	err = map_image_part(machine, info, machine->root, image->rodata, image->rodata_end,
	    READ_ONLY);
	if (err != BX_OK)
		return err;
	err = map_image_part(machine, info, machine->root, image->data, image->data_end,
	    READ_WRITE);
	if (err != BX_OK)
		return err;
	for (size_t i = 0; i < BX_ARRAY_COUNT(guards); i++) {
		err = entry_make(machine, info, machine->root, address_of(guards[i]), &entry);
		if (err != BX_OK)
			return err;
		*entry = 0;
	}
	return BX_OK;
}

enum bx_err
bx_x86_map_build(struct bx_machine *machine, struct bx_boot_info *info,
    const struct bx_x86_image *image)
{
	uint64_t entry_root;
	enum bx_err err;

	err = table_take(machine, info, &machine->root);
	if (err == BX_OK)
		err = map_memory(machine, info);
	if (err == BX_OK)
		err = map_image(machine, info, image);
	if (err == BX_OK)
		err = table_take(machine, info, &entry_root);
	if (err == BX_OK)
		err = map_entry_pages(machine, info, entry_root);
	if (err != BX_OK)
		return err;
	machine->entry_table = table_at(machine, entry_root)[ROOT_ENTRY_IMAGE];
	machine->mmio_next = BX_X86_MMIO;
	return BX_OK;
}

/* After the processor's tables are loaded (LTR writes to one): read-only in the kernel too. */
void
bx_x86_map_seal(struct bx_machine *machine)
{
	for (uint64_t address = address_of(bx_entry_rodata_start);
	    address < address_of(bx_entry_rodata_end); address += BX_PAGE_SIZE) {
		uint64_t *table = table_at(machine, machine->root);

		for (unsigned level = 3; level > 0; level--)
			table = table_at(machine, table[index_of(address, level)]);
		table[index_of(address, 0)] &= ~(X86_PTE_WRITE | X86_PTE_DIRTY);
		x86_page_forget(address);
	}
}

enum bx_err
bx_x86_mmio_map(struct bx_machine *machine, struct bx_boot_info *info, uint64_t physical,
    volatile uint32_t **registers)
{
	uint64_t address = machine->mmio_next;
	enum bx_err err;

	err = map_run(machine, info, machine->root, address, physical & X86_PTE_FRAME, BX_PAGE_SIZE,
	    DEVICE);
	if (err != BX_OK)
		return err;
	machine->mmio_next += BX_PAGE_SIZE;
	*registers = (volatile uint32_t *)(uintptr_t)(address + (physical & (BX_PAGE_SIZE - 1)));
	return BX_OK;
}

void
bx_machine_root_init(struct bx_machine *machine, uint64_t root)
{
	table_at(machine, root)[ROOT_ENTRY_IMAGE] = machine->entry_table;
}

void
bx_machine_frame_writable(struct bx_machine *machine, uint64_t frame, bool writable)
{
	uint64_t address = BX_DIRECT_MAP + frame;
	uint64_t *table = table_at(machine, machine->root);
	uint64_t *entry;

	for (unsigned level = 3; level > 0; level--) {
		BX_ASSERT(table[index_of(address, level)] != 0);
		table = table_at(machine, table[index_of(address, level)]);
	}
	entry = &table[index_of(address, 0)];
	BX_ASSERT((*entry & X86_PTE_PRESENT) != 0);
	if (writable)
		*entry |= X86_PTE_WRITE | X86_PTE_DIRTY;
	else
		*entry &= ~(X86_PTE_WRITE | X86_PTE_DIRTY);
	x86_page_forget(address);
}
