/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * main.c -- the kernel binary: what lies between the bootloader and the kernel core.
 * It checks what it is given, starts the machine, gives the core its memory, and is done.
 */
#include "kernel.h"

#define CONSOLE_DEFAULT		0x3f8
#define FIRST_MIB		0x100000u
#define SYSTEM_MODULE		"system"
#define LABEL_WIDTH		12

struct bx_kernel bx_kernel;

/* From the linker script. */
extern const uint8_t bx_image_text[], bx_image_text_end[], bx_image_rodata[], bx_image_rodata_end[],
    bx_image_data[], bx_image_data_end[];

BX_NORETURN void bx_kernel_main(uint64_t boot_info);
void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memset(void *at, int value, size_t length);

/* The system cannot start, and it is not our mistake: say why, and end. */
BX_NORETURN static void
refuse(const char *what, const char *where, enum bx_err err)
{
	bx_print("[FAIL] BraiNIX cannot start: ");
	bx_print(what);
	if (where != NULL) {
		bx_print(": ");
		bx_print(where);
	}
	if (err != BX_OK) {
		bx_print(" (");
		bx_print(bx_err_text(err));
		bx_print(")");
	}
	bx_print("\n");
	if (bx_kernel.debug_exit)
		bx_machine_port_out(bx_kernel.machine, BX_DEBUG_EXIT_PORT, 4, BX_DEBUG_EXIT_PANIC);
	bx_x86_halt();
}

static bool
same_text(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Whether a word of the boot command line is `option`. */
static bool
has_option(const char *line, const char *option)
{
	while (*line != '\0') {
		const char *o = option;

		while (*line == ' ')
			line++;
		while (*o != '\0' && *line == *o) {
			line++;
			o++;
		}
		if (*o == '\0' && (*line == ' ' || *line == '\0'))
			return true;
		while (*line != '\0' && *line != ' ')
			line++;
	}
	return false;
}

static struct bx_x86_image
image(void)
{
	return (struct bx_x86_image){
		.text = (uint64_t)(uintptr_t)bx_image_text,
		.text_end = (uint64_t)(uintptr_t)bx_image_text_end,
		.rodata = (uint64_t)(uintptr_t)bx_image_rodata,
		.rodata_end = (uint64_t)(uintptr_t)bx_image_rodata_end,
		.data = (uint64_t)(uintptr_t)bx_image_data,
		.data_end = (uint64_t)(uintptr_t)bx_image_data_end,
	};
}

static void
boot_info_take(uint64_t physical)
{
	struct bx_x86_image self = image();
	const char *where = NULL;
	enum bx_err err;

	if (!bx_is_aligned(physical, BX_PAGE_SIZE) ||
	    physical > BX_DIRECT_MAP_SIZE - sizeof(bx_kernel.info))
		refuse("boot information", "address", BX_ERR_RANGE);
	memcpy(&bx_kernel.info, (const uint8_t *)(uintptr_t)BX_DIRECT_MAP + physical,
	    sizeof(bx_kernel.info));
	err = bx_bootinfo_check(&bx_kernel.info, &self, &where);
	if (err != BX_OK)
		refuse("boot information", where, err);
	bx_kernel.debug_exit = has_option(bx_kernel.info.command_line, "debug-exit");
	if (bx_kernel.info.serial_port != CONSOLE_DEFAULT)
		bx_x86_console_open(bx_kernel.machine, (uint16_t)bx_kernel.info.serial_port);
}

/* All that the bootloader's direct map shows of the memory map; neighbours joined, since a table
 * may lie across two of them. */
static size_t
acpi_ranges(struct bx_acpi_range *ranges)
{
	const struct bx_boot_info *info = &bx_kernel.info;
	size_t count = 0;

	for (uint32_t i = 0; i < info->region_count; i++) {
		uint64_t base = info->regions[i].base;
		uint64_t end = base + info->regions[i].size;

		if (end > info->direct_map_end)
			end = info->direct_map_end;
		if (base >= end)
			continue;
		if (count > 0 && ranges[count - 1].base + ranges[count - 1].size == base)
			ranges[count - 1].size += end - base;
		else
			ranges[count++] = (struct bx_acpi_range){ base, end - base };
	}
	return count;
}

static void
firmware_read(void)
{
	struct bx_acpi_view view = {
		.memory = (const uint8_t *)(uintptr_t)BX_DIRECT_MAP,
		.ranges = bx_kernel.ranges,
	};
	const char *where = NULL;
	enum bx_err err;

	view.range_count = acpi_ranges(bx_kernel.ranges);
	err = bx_acpi_parse(&view, bx_kernel.info.rsdp, &bx_kernel.acpi, &where);
	if (err != BX_OK)
		refuse("firmware's ACPI tables", where, err);
}

static void
say(const char *label)
{
	bx_print("  ");
	bx_print_padded(label, LABEL_WIDTH);
}

static void
say_machine(void)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {
		{ BX_CPU_KPTI, "KPTI" }, { BX_CPU_NX, " NX" }, { BX_CPU_WP, " WP" },
		{ BX_CPU_SMEP, " SMEP" }, { BX_CPU_SMAP, " SMAP" }, { BX_CPU_UMIP, " UMIP" },
		{ BX_CPU_CET_IBT, " IBT" }, { BX_CPU_CET_SS, " SHSTK" },
	};
	const struct bx_x86_facts *facts = &bx_kernel.facts;
	uint32_t features = bx_machine_features(bx_kernel.machine);

	say("protection");
	for (size_t i = 0; i < BX_ARRAY_COUNT(names); i++)
		if ((features & names[i].bit) != 0)
			bx_print(names[i].name);
	bx_print("\n");
	say("clock");
	bx_print_decimal((facts->ticks_per_second + 500000) / 1000000);
	bx_print(" MHz, timer ");
	bx_print_decimal((facts->timer_per_second + 500000) / 1000000);
	bx_print(" MHz\n");
}

/* What is free now, the bootloader's own memory included: nothing of it is in use any more. */
static size_t
regions_fill(void)
{
	const struct bx_boot_info *info = &bx_kernel.info;
	size_t count = 0;

	for (uint32_t i = 0; i < info->region_count; i++) {
		const struct bx_boot_region *r = &info->regions[i];
		uint64_t base = r->base < FIRST_MIB ? FIRST_MIB : r->base;
		uint64_t end = r->base + r->size;

		if (end > info->direct_map_end)
			end = info->direct_map_end;
		if ((r->kind != BX_REGION_FREE && r->kind != BX_REGION_LOADER) || base >= end)
			continue;
		bx_kernel.regions[count++] = (struct bx_kcore_region){ base, end - base };
	}
	return count;
}

static void
config_fill(struct bx_kcore_config *config)
{
	const struct bx_boot_info *info = &bx_kernel.info;
	const uint8_t *memory = bx_kernel.facts.memory;

	*config = (struct bx_kcore_config){
		.machine = bx_kernel.machine,
		.memory = bx_kernel.facts.memory,
		.memory_end = bx_kernel.facts.memory_end,
		.regions = bx_kernel.regions,
		.modules = bx_kernel.modules,
		.module_count = info->module_count,
		.ticks_per_second = bx_kernel.facts.ticks_per_second,
		.boot_ticks = info->entry_ticks,
		.kernel_frames = bx_kernel.facts.table_frames +
		    (uint64_t)(bx_image_data_end - bx_image_text) / BX_PAGE_SIZE,
	};
	for (uint32_t i = 0; i < info->module_count; i++) {
		const struct bx_boot_module *m = &info->modules[i];

		bx_kernel.modules[i] = (struct bx_kcore_module){ m->name, memory + m->base,
			m->size };
		if (same_text(m->name, SYSTEM_MODULE)) {
			config->system = memory + m->base;
			config->system_size = m->size;
		}
	}
	if (config->system == NULL)
		refuse("the image has no module \"" SYSTEM_MODULE "\"", NULL, BX_OK);
}

static void
core_make(void)
{
	struct bx_kcore_config config;
	const char *where = NULL;
	uint64_t physical = 0;
	uint64_t bytes = 0;
	size_t size = 0;
	enum bx_err err;

	config_fill(&config);
	config.region_count = regions_fill();
	err = bx_kcore_plan(&config, &size, &where);
	if (err != BX_OK)
		refuse("system manifest", where, err);
	err = bx_x86_carve(&bx_kernel.info, bx_kernel.facts.memory_end, size, &physical);
	if (err != BX_OK)
		refuse("kernel objects", "no run of memory is long enough", err);
	memset(bx_kernel.facts.memory + physical, 0, bx_align_up(size, BX_PAGE_SIZE));

	config.region_count = regions_fill();
	for (size_t i = 0; i < config.region_count; i++)
		bytes += bx_kernel.regions[i].size;
	say("memory");
	bx_print_decimal(bytes >> 20);
	bx_print(" MiB free, ");
	bx_print_decimal((size + (config.kernel_frames << BX_PAGE_SHIFT)) >> 10);
	bx_print(" KiB kernel, ");
	bx_print_decimal(config.module_count);
	bx_print(" modules\n");
	err = bx_kcore_init(&config, bx_kernel.facts.memory + physical, size, &bx_kernel.core,
	    &where);
	if (err != BX_OK)
		refuse("system manifest", where, err);
}

void
bx_kernel_main(uint64_t boot_info)
{
	struct bx_x86_image self = image();
	const char *where = NULL;
	enum bx_err err;

	bx_kernel.machine = bx_x86_machine(&bx_kernel.machine_memory);
	bx_x86_console_open(bx_kernel.machine, CONSOLE_DEFAULT);
	boot_info_take(boot_info);
	bx_print("BraiNIX " BX_VERSION ", x86-64\n");
	firmware_read();
	err = bx_x86_start(bx_kernel.machine, &bx_kernel.info, &self, &bx_kernel.acpi, &bx_kernel.facts,
	    &where);
	if (err != BX_OK)
		refuse("this machine", where, BX_OK);
	say_machine();
	core_make();
	bx_x86_run(bx_kernel.machine, bx_kernel.core);
}
