/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * kernel.c -- the boot-contract test kernel: holds the bootloader to every sentence of
 * brainix/bootinfo.h.  Prints one line for each check and ends the machine through QEMU's
 * isa-debug-exit with status 33 (all passed) or 35.
 */
#include <brainix/bootinfo.h>

#define COM1			0x3f8
#define DEBUG_EXIT		0xf4
#define PAGE			4096u
#define CODE64			0x08
#define VECTOR_PAGE_FAULT	14

#define TRY_READ		0
#define TRY_WRITE		1
#define TRY_EXECUTE		2

void bx_check(uint64_t info_address, uint64_t stack);
uint64_t bx_try(uint64_t address, uint64_t kind);
void bx_fault(void);

static unsigned failed;
static volatile uint64_t zeroed[3 * PAGE / 8];		/* .bss: must arrive as zeros */
static volatile uint64_t filled = 0x1122334455667788;	/* .data: must arrive as written */
static const uint8_t constant[16] = { 0xc3 };		/* a RET that must not be executable */

static inline void
port_write(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t
port_read(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void
print(const char *text)
{
	for (; *text != 0; text++) {
		while ((port_read(COM1 + 5) & 0x20) == 0)
			;
		port_write(COM1, (uint8_t)*text);
	}
}

static void
print_hex(uint64_t value)
{
	char digits[19] = "0x";

	for (int i = 0; i < 16; i++)
		digits[2 + i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
	digits[18] = 0;
	print(digits);
}

static void
expect(bool ok, const char *what)
{
	print(ok ? "PASS " : "FAIL ");
	print(what);
	print("\r\n");
	if (!ok)
		failed++;
}

BX_NORETURN static void
finish(void)
{
	print(failed == 0 ? "boot contract: all passed\r\n" : "boot contract: FAILED\r\n");
	port_write(DEBUG_EXIT, failed == 0 ? 16 : 17);
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* One gate: a page fault comes back out of bx_try. */
static void
catch_page_faults(void)
{
	static uint64_t idt[2 * (VECTOR_PAGE_FAULT + 1)];
	struct {
		uint16_t pad[3], limit;
		uint64_t base;
	} pointer = { { 0 }, sizeof idt - 1, (uint64_t)idt };
	uint64_t at = (uint64_t)bx_fault;
	uint16_t cs;

	/* SDM 3A, 6.14.1: a present 64-bit interrupt gate to the code segment that runs now. */
	__asm__("mov %%cs, %0" : "=r"(cs));
	idt[2 * VECTOR_PAGE_FAULT] = (at & 0xffff) | (uint64_t)cs << 16 | 0x8e00ull << 32 |
	    (at >> 16 & 0xffff) << 48;
	idt[2 * VECTOR_PAGE_FAULT + 1] = at >> 32;
	__asm__ volatile("lidt %0" : : "m"(pointer.limit));
}

static void
check_processor(uint64_t info, uint64_t stack)
{
	uint64_t cr0, cr4, flags;
	uint32_t low, high;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("pushfq; pop %0" : "=r"(flags));
	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(0xc0000080));
	expect((cr0 & 1u << 16) != 0, "CR0.WP is set");
	expect((low & 1u << 11) != 0, "EFER.NXE is set");
	expect((low & 1u << 10) != 0, "the processor is in long mode");
	expect((cr4 & 1u << 5) != 0, "CR4.PAE is set");
	expect((flags & 1u << 9) == 0, "interrupts are off");
	expect((flags & 1u << 10) == 0, "the direction flag is clear");
	expect(stack % 16 == 8, "rsp is 16-aligned minus 8");
	expect(info % PAGE == 0, "the structure is page-aligned");
	bool stack_ok = true;
	for (uint64_t at = stack + 8 - 8192; at < stack; at += PAGE / 2)
		stack_ok = stack_ok && bx_try(at, TRY_WRITE) == 0;
	expect(stack_ok, "8 KiB of stack can be written");
	expect(bx_try(stack, TRY_EXECUTE) == 1, "the stack cannot be executed");
}

static void
check_image(void)
{
	bool ok = true;

	for (size_t i = 0; i < BX_ARRAY_COUNT(zeroed); i++)
		ok = ok && zeroed[i] == 0;
	expect(ok, ".bss is zero");
	expect(filled == 0x1122334455667788, ".data is as in the file");
	expect(constant[0] == 0xc3, ".rodata is as in the file");
	expect(bx_try((uint64_t)constant, TRY_WRITE) == 1, ".rodata cannot be written");
	expect(bx_try((uint64_t)constant, TRY_EXECUTE) == 1, ".rodata cannot be executed");
	expect(bx_try((uint64_t)bx_check, TRY_READ) == 0, ".text can be read");
	expect(bx_try((uint64_t)bx_check, TRY_WRITE) == 1, ".text cannot be written");
	*(volatile uint8_t *)&zeroed[1] = 0xc3;
	expect(bx_try((uint64_t)&zeroed[1], TRY_EXECUTE) == 1, ".bss cannot be executed");
	expect(bx_try((uint64_t)&filled, TRY_WRITE) == 0, ".data can be written");
	expect(bx_try((uint64_t)&filled & ~(uint64_t)(PAGE - 1), TRY_READ) == 0, ".data is mapped");
	expect(bx_try(((uint64_t)&filled & ~(uint64_t)(PAGE - 1)) - PAGE, TRY_READ) == 1,
	    "what lies between segments is not mapped");
	expect(bx_try(0, TRY_READ) == 1, "address 0 is not mapped");
	expect(bx_try(BX_KERNEL_BASE - PAGE, TRY_READ) == 1, "nothing is mapped below the kernel");
}

static const struct bx_boot_region *
region_of(const struct bx_boot_info *info, uint64_t address)
{
	for (uint32_t i = 0; i < info->region_count; i++)
		if (address >= info->regions[i].base &&
		    address - info->regions[i].base < info->regions[i].size)
			return &info->regions[i];
	return NULL;
}

/* Whether all of [base, base + size) lies in one region of that kind. */
static bool
lies_in(const struct bx_boot_info *info, uint64_t base, uint64_t size, uint32_t kind)
{
	const struct bx_boot_region *region = region_of(info, base);

	return region != NULL && region->kind == kind &&
	    bx_range_fits(base - region->base, size, region->size);
}

static void
check_regions(const struct bx_boot_info *info)
{
	uint64_t end = 0, free = 0;
	bool sorted = true, aligned = true, kinds = true, mapped = true;

	for (uint32_t i = 0; i < info->region_count; i++) {
		const struct bx_boot_region *region = &info->regions[i];
		sorted = sorted && region->base >= end && region->size > 0;
		end = region->base + region->size;
		aligned = aligned && (region->base | region->size) % PAGE == 0;
		kinds = kinds && region->kind >= BX_REGION_FREE &&
		    region->kind <= BX_REGION_RESERVED && region->reserved == 0;
		if (region->kind != BX_REGION_RESERVED)
			mapped = mapped && end <= info->direct_map_end;
		if (region->kind == BX_REGION_FREE)
			free += region->size;
		if (region->kind == BX_REGION_FREE) {
			uint64_t last = BX_DIRECT_MAP + end - PAGE;
			mapped = mapped && bx_try(BX_DIRECT_MAP + region->base, TRY_WRITE) == 0 &&
			    bx_try(last, TRY_WRITE) == 0;
		}
	}
	expect(info->region_count > 0 && info->region_count <= BX_BOOT_REGIONS_MAX,
	    "the number of regions is within its bound");
	expect(sorted, "regions are sorted and do not overlap");
	expect(aligned, "regions are page-aligned");
	expect(kinds, "regions have a known kind");
	expect(mapped, "all memory is in the direct map, free memory can be written there");
	expect(region_of(info, 0) == NULL || region_of(info, 0)->kind != BX_REGION_FREE,
	    "page 0 is not free");
	print("free memory ");
	print_hex(free);
	print("\r\n");
}

static uint64_t
length_of(const char *text, uint64_t limit)
{
	uint64_t length = 0;

	while (length < limit && text[length] != 0)
		length++;
	return length;
}

static void
check_modules(const struct bx_boot_info *info)
{
	bool placed = true, named = true, apart = true, kernel = false, content = true;

	for (uint32_t i = 0; i < info->module_count; i++) {
		const struct bx_boot_module *module = &info->modules[i];
		const uint8_t *bytes = (const uint8_t *)(BX_DIRECT_MAP + module->base);
		uint64_t length = length_of(module->name, sizeof module->name);
		placed = placed && module->base % PAGE == 0 && module->size > 0 &&
		    lies_in(info, module->base, module->size, BX_REGION_MODULE);
		named = named && length > 0 && length < sizeof module->name;
		if (module->name[0] == 'k' && module->name[1] == 'e') {
			kernel = true;
			content = content && bytes[0] == 0x7f && bytes[1] == 'E';
		} else {
			/* The tests fill others with the first letter of their name, whole. */
			for (uint64_t j = 0; j < module->size; j++)
				content = content && bytes[j] == (uint8_t)module->name[0];
		}
		for (uint32_t j = 0; j < i; j++) {
			const struct bx_boot_module *other = &info->modules[j];
			apart = apart && (module->base + module->size <= other->base ||
			    other->base + other->size <= module->base);
		}
		print("module ");
		print(module->name);
		print(" ");
		print_hex(module->size);
		print("\r\n");
	}
	expect(placed, "modules are page-aligned, in module regions");
	expect(named, "modules have names");
	expect(apart, "modules do not overlap");
	expect(kernel, "the kernel is a module too");
	expect(content, "modules are as in the image");
}

static void
check_segments(const struct bx_boot_info *info)
{
	bool bounded = info->segment_count > 0 && info->segment_count <= 8, strict = true;
	bool placed = true, same = true, text = false;

	for (uint32_t i = 0; bounded && i < info->segment_count; i++) {
		const struct bx_boot_segment *segment = &info->segments[i];
		strict = strict && (segment->flags & 3) != 3;
		placed = placed && (segment->virtual_address | segment->physical_address |
		    segment->size) % PAGE == 0 && lies_in(info, segment->physical_address,
		    segment->size, BX_REGION_KERNEL);
		same = same && *(volatile uint8_t *)segment->virtual_address ==
		    *(volatile uint8_t *)(BX_DIRECT_MAP + segment->physical_address);
		text = text || ((segment->flags & 1) != 0 &&
		    (uint64_t)bx_check - segment->virtual_address < segment->size);
	}
	expect(bounded, "the number of segments is within its bound");
	expect(strict, "no segment is writable and executable");
	expect(placed, "segments are whole pages in kernel regions");
	expect(same, "segments are where the structure says");
	expect(text, "the running code is in an executable segment");
}

static void
check_rsdp(const struct bx_boot_info *info)
{
	const uint8_t *rsdp = (const uint8_t *)(BX_DIRECT_MAP + info->rsdp);
	uint8_t sum = 0;

	expect(info->rsdp != 0 && info->rsdp < info->direct_map_end - 20,
	    "there is an ACPI root pointer");
	if (info->rsdp == 0)
		return;
	expect(rsdp[0] == 'R' && rsdp[1] == 'S' && rsdp[2] == 'D' && rsdp[7] == ' ',
	    "it has its signature");
	for (int i = 0; i < 20; i++)
		sum = (uint8_t)(sum + rsdp[i]);
	expect(sum == 0, "it has its checksum");
}

void
bx_check(uint64_t info_address, uint64_t stack)
{
	const struct bx_boot_info *info = (const void *)(BX_DIRECT_MAP + info_address);
	uint64_t now;
	uint32_t low, high;

	print("boot contract\r\n");
	catch_page_faults();
	check_processor(info_address, stack);
	check_image();

	expect(info->magic == BX_BOOT_MAGIC, "magic");
	expect(info->version == BX_BOOT_VERSION, "version");
	expect(info->size == sizeof *info, "size");
	if (failed != 0)
		finish();
	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	now = (uint64_t)high << 32 | low;
	expect(info->entry_ticks > 0 && info->entry_ticks < now, "entry ticks lie in the past");
	expect(info->direct_map_end % 0x200000 == 0 && info->direct_map_end <= BX_DIRECT_MAP_SIZE,
	    "the end of the direct map is sensible");
	expect(bx_try(BX_DIRECT_MAP + info->direct_map_end, TRY_READ) == 1,
	    "nothing is mapped behind the direct map");
	expect(bx_try(BX_DIRECT_MAP + info_address, TRY_EXECUTE) == 1,
	    "the direct map cannot be executed");
	expect(lies_in(info, info_address, sizeof *info, BX_REGION_LOADER),
	    "the structure is in a loader region");
	expect(lies_in(info, stack - BX_DIRECT_MAP, 8, BX_REGION_LOADER),
	    "the stack is in a loader region");
	expect(info->serial_port == COM1, "the serial port is COM1");
	expect(length_of(info->command_line, sizeof info->command_line) <
	    sizeof info->command_line, "the command line ends");
	print("command line \"");
	print(info->command_line);
	print("\"\r\nfirmware ");
	print(info->efi_system_table != 0 ? "uefi" : "bios");
	print("\r\nframebuffer ");
	print_hex(info->framebuffer_width);
	print("\r\nentry ticks ");
	print_hex(now - info->entry_ticks);
	print("\r\n");
	check_regions(info);
	check_modules(info);
	check_segments(info);
	check_rsdp(info);
	finish();
}
