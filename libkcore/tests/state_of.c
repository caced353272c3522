/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * state_of.c -- boots a compiled manifest on the hosted machine, launches every program of it, and prints what
 * the core then says of each, as `authority --state' and `authority --hash' do.
 *
 *	state_of --state IMAGE | --hash IMAGE
 *
 * What a program lends is there before those are launched that it is lent to; all run the same ELF file, of
 * which nothing is ever executed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"

#define MEMORY_SIZE	(512u << 20)

struct machine_room {
	uint8_t image[BX_SYSIMAGE_SIZE_MAX];
	uint8_t elf[ELF_SIZE];
	struct bx_machine hosted;
	struct bx_kcore_module modules[BX_SYSIMAGE_PROGRAMS_MAX];
	struct bx_kcore_region region;
	struct bx_kcore_config config;
	struct bx_kcore *core;
};

static void
give_up(const char *what, const char *detail)
{
	fprintf(stderr, "state_of: %s: %s\n", what, detail);
	exit(1);
}

/* A module for each program, whatever the manifest calls it. */
static void
modules_make(struct machine_room *room, size_t image_size)
{
	/* One page of text: it fits every quota. */
	const struct elf_spec text = { 0x400000, 64, 64, 5 };
	size_t elf_size = elf_make(room->elf, ELF_ENTRY, &text, 1);
	struct bx_sysimage image;
	const char *where = "";

	if (bx_sysimage_open(room->image, image_size, &image, &where) != BX_OK)
		give_up("refused", where);
	for (uint32_t i = 0; i < image.program_count; i++)
		room->modules[i] = (struct bx_kcore_module){
			(const char *)image.programs[i].module, room->elf, elf_size,
		};
	room->config.module_count = image.program_count;
}

static void
boot(struct machine_room *room, size_t image_size)
{
	uint8_t *memory = aligned_alloc(BX_PAGE_SIZE, MEMORY_SIZE);
	const char *where = "";
	size_t size;
	void *pools;

	if (memory == NULL)
		give_up("memory", "none");
	modules_make(room, image_size);
	bx_hosted_init(&room->hosted, memory, MEMORY_SIZE);
	room->hosted.now = 5 * WORLD_TICKS;
	room->region = (struct bx_kcore_region){ BX_HOSTED_RESERVED, MEMORY_SIZE - BX_HOSTED_RESERVED };
	room->config.machine = &room->hosted;
	room->config.memory = memory;
	room->config.memory_end = MEMORY_SIZE;
	room->config.regions = &room->region;
	room->config.region_count = 1;
	room->config.modules = room->modules;
	room->config.system = room->image;
	room->config.system_size = image_size;
	room->config.ticks_per_second = WORLD_TICKS;
	if (bx_kcore_plan(&room->config, &size, &where) != BX_OK)
		give_up("plan", where);
	pools = aligned_alloc(BX_PAGE_SIZE, size);
	if (pools == NULL)
		give_up("memory", "none for pools");
	memset(pools, 0, size);
	if (bx_kcore_init(&room->config, pools, size, &room->core, &where) != BX_OK)
		give_up("init", where);
	(void)bx_kcore_start(room->core);
}

/* Whether all who lend something to the program run. */
static bool
lenders_run(const struct bx_kcore *core, uint32_t program)
{
	for (uint32_t i = 0; i < core->grant_count; i++)
		if (core->grants[i].program == program && core->grants[i].lender != BX_NONE &&
		    core->programs[core->grants[core->grants[i].lender].program].state !=
		    BX_PROGRAM_RUNNING)
			return false;
	return true;
}

static void
launch(struct bx_kcore *core, uint32_t program)
{
	enum bx_err err;

	do
		err = bx_program_start(core, program, NULL, 0);
	while (err == BX_ERR_AGAIN);
	if (err != BX_OK)
		give_up(core->programs[program].name, bx_err_text(err));
}

static void
launch_all(struct bx_kcore *core)
{
	for (uint32_t round = 0; round < core->program_count; round++)
		for (uint32_t i = 0; i < core->program_count; i++)
			if (core->programs[i].state == BX_PROGRAM_ABSENT && lenders_run(core, i))
				launch(core, i);
	for (uint32_t i = 0; i < core->program_count; i++)
		if (core->programs[i].state != BX_PROGRAM_RUNNING)
			give_up(core->programs[i].name, "not launched");
}

/* As a holder of an audit capability sees it, but that nobody has to hold one. */
static void
print_state(const struct bx_kcore *core, uint32_t program)
{
	static const char *const types[] = {
		[BX_CAP_MEMORY] = "memory", [BX_CAP_ENDPOINT] = "endpoint",
		[BX_CAP_NOTIFICATION] = "notification", [BX_CAP_THREAD] = "thread",
		[BX_CAP_CSPACE] = "cspace", [BX_CAP_IRQ] = "irq", [BX_CAP_DEVICE] = "device",
		[BX_CAP_IOPORT] = "ioport", [BX_CAP_SPAWN] = "spawn", [BX_CAP_AUDIT_READ] = "audit",
		[BX_CAP_CLOCK] = "clock",
	};
	static const char letters[] = "rwgax";
	static const uint8_t rights[] = { BX_RIGHT_READ, BX_RIGHT_WRITE, BX_RIGHT_GRANT,
		BX_RIGHT_GRANT_REPLY, BX_RIGHT_EXECUTE };
	const struct bx_program *of = &core->programs[program];

	for (uint32_t slot = 0; slot < of->space.slot_count; slot++) {
		struct bx_info_cap cap;

		if (bx_inspect_cap(core, program, slot, &cap) != BX_OK)
			continue;
		printf("%s %u %s %s ", of->name, slot, cap.name, types[cap.type]);
		for (size_t i = 0; i < sizeof rights; i++)
			putchar((cap.rights & rights[i]) != 0 ? letters[i] : '-');
		printf(" %s ", cap.object_name);
		printf(cap.count != 0 ? "%" PRIu64 "+%" PRIu64 : "-", cap.first, cap.count);
		printf(cap.uses != BX_CAP_USES_UNLIMITED ? " %" PRIu32 : " -", cap.uses);
		printf(cap.badge != 0 ? " 0x%" PRIx64 : " -", cap.badge);
		printf(cap.lifetime_us != 0 ? " %" PRIu64 : " -", cap.lifetime_us);
		if (cap.parent_program != BX_NONE)
			printf(" %s/%u\n", core->programs[cap.parent_program].name, cap.parent_slot);
		else
			printf(" -\n");
	}
}

static void
print_hash(const struct bx_kcore *core, uint32_t program)
{
	printf("%s ", core->programs[program].name);
	for (size_t i = 0; i < BX_SHA256_SIZE; i++)
		printf("%02x", core->programs[program].state_hash[i]);
	putchar('\n');
}

int
main(int argc, char **argv)
{
	static struct machine_room room;
	FILE *file = argc == 3 ? fopen(argv[2], "rb") : NULL;
	size_t size;

	if (file == NULL)
		give_up("usage", "state_of --state IMAGE | --hash IMAGE");
	size = fread(room.image, 1, sizeof room.image, file);
	fclose(file);
	boot(&room, size);
	launch_all(room.core);
	for (uint32_t i = 0; i < room.core->program_count; i++) {
		if (strcmp(argv[1], "--hash") == 0)
			print_hash(room.core, i);
		else
			print_state(room.core, i);
	}
	return 0;
}
