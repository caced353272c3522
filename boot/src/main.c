/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * main.c -- the order of things.  Every step either succeeds or ends in one line on the serial
 * port and a stopped machine; no step looks at what a later one produces.
 */
#include "boot.h"
#include "port.h"

#define STACK_PAGES		4u
#define CPUID_EXTENDED		0x80000001u
#define CPUID_NX		(1u << 20)
#define CR4_LA57		(1u << 12)
#define LARGE_PAGE		0x200000u
#define KIB			1024u
#define MIB			(1024u * KIB)
#define RSDP_SIZE_MAX		36u

/* All that the loader knows. */
struct boot {
	uint64_t mbi_address;
	struct bx_boot_mbi mbi;
	const struct bx_boot_module *kernel;
	struct bx_boot_elf elf;
	struct bx_boot_map map;
	uint64_t kernel_base;		/* physical, of all segments one after the other */
	uint64_t root, stack_end;	/* physical */
	struct bx_boot_info *info;	/* in the hand-over block */
};

/* The same frame run holds the structure and, behind it, a copy of the ACPI root pointer. */
struct handed_over {
	struct bx_boot_info info;
	_Alignas(16) uint8_t rsdp[RSDP_SIZE_MAX];
};

#define INFO_PAGES ((sizeof(struct handed_over) + BX_BOOT_PAGE - 1) / BX_BOOT_PAGE)

static BX_NORETURN void
refuse(const char *what, const char *name)
{
	bx_boot_print("\nBraiNIX boot: ");
	bx_boot_print(what);
	if (name != NULL) {
		bx_boot_print(": ");
		bx_boot_print(name);
	}
	bx_boot_print("; stopped\n");
	bx_boot_stop();
}

void
bx_panic(const char *where, const char *what)
{
	bx_boot_print("\nBraiNIX boot: ");
	bx_boot_print(where);
	refuse(what, NULL);
}

/* What the kernel relies on and the 32-bit entry point has not made sure of. */
static void
check_machine(void)
{
	if ((bx_boot_cpuid_edx(CPUID_EXTENDED) & CPUID_NX) == 0)
		refuse("this processor cannot forbid execution (NX)", NULL);
	if ((bx_boot_cr4() & CR4_LA57) != 0)
		refuse("the firmware runs with 5-level page tables", NULL);
}

static void
read_information(struct boot *boot, uint32_t magic, uint32_t efi)
{
	const char *where;

	if (magic != BX_BOOT_MBI_MAGIC)
		refuse("not started by a multiboot2 loader", NULL);
	if (bx_boot_mbi_parse((const uint8_t *)boot->mbi_address, BX_BOOT_MBI_SIZE_MAX, &boot->mbi,
	    &where) != BX_OK)
		refuse(where, NULL);
	if (efi != 0 && (!boot->mbi.efi_boot_services || boot->mbi.efi_system_table == 0 ||
	    boot->mbi.efi_image == 0))
		refuse("the UEFI boot services are not there", NULL);
	if (efi == 0 && boot->mbi.memory_map == NULL)
		refuse("there is no memory map", NULL);
}

static void
check_kernel(struct boot *boot)
{
	const char *where;

	boot->kernel = bx_boot_mbi_module(&boot->mbi, "kernel");
	if (boot->kernel == NULL)
		refuse("there is no module \"kernel\"", NULL);
	if (bx_boot_elf_check((const uint8_t *)boot->kernel->base, boot->kernel->size, &boot->elf,
	    &where) != BX_OK)
		refuse(where, NULL);
}

/* After this the machine is ours alone. */
static void
take_memory_map(struct boot *boot, uint32_t efi)
{
	const uint8_t *bytes;
	size_t size, descriptor_size;
	const char *where;
	enum bx_err err;

	if (efi == 0) {
		err = bx_boot_map_from_mbi(&boot->map, &boot->mbi, &where);
	} else {
		err = bx_boot_efi_exit(boot->mbi.efi_system_table, boot->mbi.efi_image, &bytes, &size,
		    &descriptor_size, &where);
		if (err == BX_OK)
			err = bx_boot_map_from_efi(&boot->map, bytes, size, descriptor_size, &where);
	}
	if (err != BX_OK)
		refuse(where, NULL);
}

/* [base, base + size), which must be RAM, is `kind` from now on. */
static void
claim(struct boot *boot, uint64_t base, uint64_t size, uint32_t kind, const char *name)
{
	uint64_t end = bx_align_up(base + size, BX_BOOT_PAGE);

	base = bx_align_down(base, BX_BOOT_PAGE);
	if (!bx_boot_map_is_ram(&boot->map, base, end))
		refuse("memory that is not free is used by", name);
	if (bx_boot_map_set(&boot->map, base, end, kind) != BX_OK)
		refuse("the memory map has too many entries", NULL);
}

static void
claim_all(struct boot *boot)
{
	uint64_t image = (uint64_t)bx_boot_image_start;

	claim(boot, boot->mbi_address, bx_get_le32((const uint8_t *)boot->mbi_address), BX_BOOT_LATER,
	    "the boot information");
	claim(boot, image, (uint64_t)bx_boot_image_end - image, BX_REGION_LOADER, "the bootloader");
	for (uint32_t i = 0; i < boot->mbi.module_count; i++) {
		const struct bx_boot_module *module = &boot->mbi.modules[i];
		claim(boot, module->base, module->size, BX_REGION_MODULE, module->name);
	}
}

static uint64_t
take(struct boot *boot, uint64_t pages, uint32_t kind)
{
	uint64_t base;

	if (bx_boot_map_take(&boot->map, pages, MIB, BX_BOOT_LOW_END, kind, &base) != BX_OK)
		refuse("there is not enough memory", NULL);
	return base;
}

static void
load_kernel(struct boot *boot)
{
	const uint8_t *file = (const uint8_t *)boot->kernel->base;

	boot->kernel_base = take(boot, boot->elf.pages, BX_REGION_KERNEL);
	memset((void *)boot->kernel_base, 0, boot->elf.pages * BX_BOOT_PAGE);
	uint64_t to = boot->kernel_base;
	for (uint32_t i = 0; i < boot->elf.segment_count; i++) {
		const struct bx_boot_elf_segment *segment = &boot->elf.segments[i];
		memcpy((void *)to, file + segment->file_offset, segment->file_size);
		to += segment->pages * BX_BOOT_PAGE;
	}
}

static void
describe_segments(const struct boot *boot, struct bx_boot_info *info)
{
	uint64_t physical = boot->kernel_base;

	for (uint32_t i = 0; i < boot->elf.segment_count; i++) {
		const struct bx_boot_elf_segment *segment = &boot->elf.segments[i];
		info->segments[i] = (struct bx_boot_segment){
			.virtual_address = segment->address,
			.physical_address = physical,
			.size = segment->pages * BX_BOOT_PAGE,
			.flags = segment->flags,
		};
		physical += segment->pages * BX_BOOT_PAGE;
	}
	info->segment_count = boot->elf.segment_count;
}

/* Hand-over block: the structure, the kernel's first stack, the page tables. */
static void
prepare_handover(struct boot *boot, uint64_t entry_ticks, uint64_t efi_rsdp)
{
	uint64_t memory_end = bx_boot_map_memory_end(&boot->map);
	/* Devices below 4 GiB too, so that the kernel can speak to them before it has own tables. */
	struct bx_boot_tables tables = {
		.direct_map_end = bx_align_up(memory_end > BX_BOOT_LOW_END ? memory_end :
		    BX_BOOT_LOW_END, LARGE_PAGE),
		.trampoline = (uint64_t)bx_boot_trampoline,
	};
	uint64_t pages = INFO_PAGES + STACK_PAGES + bx_boot_tables_pages(&tables);
	uint64_t block = take(boot, pages, BX_REGION_LOADER);
	struct handed_over *handed = (struct handed_over *)block;
	struct bx_boot_info *info = &handed->info;

	memset(handed, 0, (INFO_PAGES + STACK_PAGES) * BX_BOOT_PAGE);
	info->magic = BX_BOOT_MAGIC;
	info->version = BX_BOOT_VERSION;
	info->size = sizeof *info;
	info->entry_ticks = entry_ticks;
	info->direct_map_end = tables.direct_map_end;
	info->efi_system_table = boot->mbi.efi_system_table;
	info->serial_port = BX_BOOT_SERIAL_PORT;
	info->rsdp = efi_rsdp;
	if (info->rsdp == 0 && boot->mbi.rsdp != NULL) {
		memcpy(handed->rsdp, boot->mbi.rsdp, boot->mbi.rsdp_size);
		info->rsdp = (uint64_t)handed->rsdp;
	}
	if (bx_boot_info_set_mbi(info, &boot->mbi) != BX_OK)
		refuse("the command line is longer than 255 bytes", NULL);
	if (bx_boot_info_set_regions(info, &boot->map) != BX_OK)
		refuse("the memory map has more than 128 regions", NULL);
	describe_segments(boot, info);

	boot->info = info;
	boot->stack_end = block + (INFO_PAGES + STACK_PAGES) * BX_BOOT_PAGE;
	boot->root = boot->stack_end;
	tables.segment_count = info->segment_count;
	tables.segments = info->segments;
	bx_boot_tables_build(&tables, boot->root, 0);
}

static void
say_ready(const struct boot *boot)
{
	uint64_t free = 0;

	for (uint32_t i = 0; i < boot->info->region_count; i++)
		if (boot->info->regions[i].kind == BX_REGION_FREE)
			free += boot->info->regions[i].size;
	bx_boot_print("BraiNIX boot: kernel ");
	bx_boot_print_number(boot->elf.pages * BX_BOOT_PAGE / KIB);
	bx_boot_print(" KiB, ");
	bx_boot_print_number(boot->mbi.module_count);
	bx_boot_print(boot->mbi.module_count == 1 ? " module, " : " modules, ");
	bx_boot_print_number(free / MIB);
	bx_boot_print(" MiB free\n");
}

void
bx_boot_main(uint64_t entry_ticks, uint64_t mbi_address, uint32_t magic, uint32_t efi)
{
	static struct boot boot;		/* too large for the stack */
	uint64_t efi_rsdp = 0;

	bx_boot_serial_init();
	/* UEFI and GRUB leave the terminal in their colours. */
	bx_boot_print("\033[0m\nBraiNIX boot: started by ");
	bx_boot_print(efi != 0 ? "UEFI\n" : "BIOS\n");
	boot.mbi_address = mbi_address;

	/*
	 * The order matters.  While the firmware still runs, everything that came from the disk is
	 * judged: whatever decides about trust (a signature over the modules, the TPM) belongs
	 * behind check_kernel and before take_memory_map, which ends the firmware's services.
	 * Only after that is memory written that is not the loader's own.
	 */
	check_machine();
	read_information(&boot, magic, efi);
	check_kernel(&boot);
	if (efi != 0)
		efi_rsdp = bx_boot_efi_rsdp(boot.mbi.efi_system_table);
	take_memory_map(&boot, efi);
	claim_all(&boot);
	load_kernel(&boot);
	prepare_handover(&boot, entry_ticks, efi_rsdp);
	say_ready(&boot);
	bx_boot_jump(boot.root, (uint64_t)boot.info, BX_DIRECT_MAP + boot.stack_end, boot.elf.entry);
}
