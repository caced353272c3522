/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * map.c -- the kernel's own address space, and the part of it that every other one has.
 *
 *	PML4 256	direct map: RAM in 4 KiB pages, no-execute
 *			free, loader	read, write
 *			modules, firmware	read
 *			kernel, reserved	not there: the kernel's frames have no second address
 *	PML4 257	device registers: read, write, uncached, no-execute
 *	PML4 511	the image: text R-X, rodata R--, data RW-, stacks RW- between holes, shadow
 *			stacks R-- and dirty
 *
 * A user's root has its own lower half and, as PML4 511, a second, shared set of three tables that
 * maps the entry pages and nothing else, at the addresses they have in the kernel.
 * No global pages, no large pages, no identity map.
 */
#include "page_table.h"
#include "x86.h"

#define PTE_WRITE_THROUGH	0x008ull
#define PTE_UNCACHED	0x010ull	/* with WRITE_THROUGH: PAT entry 3, strong uncacheable */

#define READ_ONLY	(BX_PTE_PRESENT | BX_PTE_ACCESSED | BX_PTE_NO_EXECUTE)
#define READ_WRITE	(READ_ONLY | BX_PTE_WRITE | BX_PTE_DIRTY)
#define READ_EXECUTE	(BX_PTE_PRESENT | BX_PTE_ACCESSED)
#define SHADOW_STACK	(READ_ONLY | BX_PTE_DIRTY)	/* SDM 3A, 4.6: no other entry is both */
#define DEVICE		(READ_WRITE | PTE_UNCACHED | PTE_WRITE_THROUGH)
#define TABLE		(BX_PTE_PRESENT | BX_PTE_WRITE | BX_PTE_ACCESSED)

#define ROOT_ENTRY_IMAGE	bx_table_index(BX_KERNEL_BASE, 4)

uint64_t *
bx_machine_table(struct bx_machine *machine, uint64_t table)
{
	return (uint64_t *)(void *)(machine->memory + table);
}

/* A user's page is only ever reached with that user's CR3, which is written on every way back to it,
 * and there are no global pages and no PCIDs: nothing remembers it while the kernel runs. */
void
bx_machine_page_forget(struct bx_machine *machine, uint64_t root, uint64_t address)
{
	(void)machine;
	(void)root;
	(void)address;
}

/* A zeroed frame for a table. */
static enum bx_err
table_take(struct bx_machine *machine, struct bx_boot_info *info, uint64_t *physical)
{
	enum bx_err err = bx_x86_carve(info, machine->memory_end, BX_PAGE_SIZE, physical);

	if (err != BX_OK)
		return err;
	memset(bx_machine_table(machine, *physical), 0, BX_PAGE_SIZE);
	machine->table_frames++;
	return BX_OK;
}

/* The entry of `address` in the last-level table, making the tables above it. */
static enum bx_err
entry_make(struct bx_machine *machine, struct bx_boot_info *info, uint64_t root, uint64_t address,
    uint64_t **entry)
{
	uint64_t *table = bx_machine_table(machine, root);
	uint64_t physical;
	enum bx_err err;

	for (unsigned level = 4; level > 1; level--) {
		uint64_t *place = &table[bx_table_index(address, level)];

		if (*place == 0) {
			err = table_take(machine, info, &physical);
			if (err != BX_OK)
				return err;
			*place = physical | TABLE;
		}
		table = bx_machine_table(machine, *place & BX_PTE_ADDRESS);
	}
	*entry = &table[bx_table_index(address, 1)];
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
		if (entry == NULL || bx_table_index(address + done, 1) == 0) {
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

/* `regions` is the bootloader's own list, from before anything was carved: what was carved is mapped
 * too. */
static enum bx_err
map_memory(struct bx_machine *machine, struct bx_boot_info *info,
    const struct bx_boot_region *regions)
{
	for (uint32_t i = 0; i < info->region_count; i++) {
		uint64_t base = regions[i].base;
		uint64_t size = regions[i].size;
		uint64_t bits = region_bits(regions[i].kind);
		enum bx_err err;

		if (bits == 0 || base >= machine->memory_end)
			continue;
		if (size > machine->memory_end - base)
			size = machine->memory_end - base;
		err = map_run(machine, info, machine->root, BX_DIRECT_MAP + base, base, size, bits);
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

/* The page of the shadow stacks: the processor alone writes it, or nobody. */
static uint64_t
shadow_bits(const struct bx_machine *machine)
{
	return (machine->features & BX_CPU_CET_SS) != 0 ? SHADOW_STACK : READ_ONLY;
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
	err = map_image_part(machine, info, root, address_of(bx_entry_tables),
	    address_of(bx_entry_tables) + X86_ENTRY_TABLES_SIZE, READ_ONLY);
	if (err != BX_OK)
		return err;
	err = map_image_part(machine, info, root, address_of(bx_entry_data_start),
	    address_of(bx_entry_data_end), READ_WRITE);
	if (err != BX_OK)
		return err;
	return map_image_part(machine, info, root, address_of(bx_entry_shadow_start),
	    address_of(bx_entry_shadow_end), shadow_bits(machine));
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
	struct bx_boot_region regions[BX_BOOT_REGIONS_MAX];
	uint64_t entry_root;
	enum bx_err err;

	memcpy(regions, info->regions, sizeof(regions));
	err = table_take(machine, info, &machine->root);
	if (err == BX_OK)
		err = map_memory(machine, info, regions);
	if (err == BX_OK)
		err = map_image(machine, info, image);
	if (err == BX_OK)
		err = table_take(machine, info, &entry_root);
	if (err == BX_OK)
		err = map_entry_pages(machine, info, entry_root);
	if (err != BX_OK)
		return err;
	machine->entry_table = bx_machine_table(machine, entry_root)[ROOT_ENTRY_IMAGE];
	machine->mmio_next = BX_X86_MMIO;
	return BX_OK;
}

static void
seal(struct bx_machine *machine, uint64_t start, uint64_t end, uint64_t bits)
{
	for (uint64_t address = start; address < end; address += BX_PAGE_SIZE) {
		uint64_t *entry = bx_page_entry(machine, machine->root, address);

		*entry = (*entry & BX_PTE_ADDRESS) | bits;
		x86_page_forget(address);
	}
}

/* After the processor's tables are loaded (LTR writes to one): in the kernel's own page table as
 * in all others. */
void
bx_x86_map_seal(struct bx_machine *machine)
{
	seal(machine, address_of(bx_entry_tables),
	    address_of(bx_entry_tables) + X86_ENTRY_TABLES_SIZE, READ_ONLY);
	seal(machine, address_of(bx_entry_shadow_start), address_of(bx_entry_shadow_end),
	    shadow_bits(machine));
}

enum bx_err
bx_x86_mmio_map(struct bx_machine *machine, struct bx_boot_info *info, uint64_t physical,
    volatile uint32_t **registers)
{
	uint64_t address = machine->mmio_next;
	enum bx_err err;

	err = map_run(machine, info, machine->root, address, physical & BX_PTE_ADDRESS, BX_PAGE_SIZE,
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
	bx_machine_table(machine, root)[ROOT_ENTRY_IMAGE] = machine->entry_table;
}

void
bx_machine_frame_writable(struct bx_machine *machine, uint64_t frame, bool writable)
{
	uint64_t address = BX_DIRECT_MAP + frame;
	uint64_t *entry = bx_page_entry(machine, machine->root, address);

	BX_ASSERT(entry != NULL);
	BX_ASSERT((*entry & BX_PTE_PRESENT) != 0);
	if (writable)
		*entry |= BX_PTE_WRITE | BX_PTE_DIRTY;
	else
		*entry &= ~(BX_PTE_WRITE | BX_PTE_DIRTY);
	x86_page_forget(address);
}
