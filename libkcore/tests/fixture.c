/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* fixture.c -- see fixture.h. */
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "../src/x86_64/page_table.h"

void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "%s: %s\n", where, what);
	abort();
}

/* ---- manifests ---------------------------------------------------------------------------- */

struct build
build_start(const char *name)
{
	return (struct build){ .name = name, .audit_records = 64 };
}

uint32_t
build_program(struct build *build, const char *name)
{
	want_lt(build->program_count, BUILD_PROGRAMS_MAX);
	build->programs[build->program_count] = (struct build_program){
		.name = name, .module = "m", .priority = 10, .priority_max = 20,
		.slots = 12, .replies = 4, .threads = 1, .quota = 64, .stack_pages = 2,
		.fault_object = BX_SYSIMAGE_NONE, .exit_object = BX_SYSIMAGE_NONE,
	};
	return build->program_count++;
}

uint32_t
build_object(struct build *build, const char *name, uint32_t kind, uint64_t a, uint64_t b)
{
	want_lt(build->object_count, BUILD_OBJECTS_MAX);
	build->objects[build->object_count] = (struct build_object){ name, kind, a, b };
	return build->object_count++;
}

uint32_t
build_grant(struct build *build, uint32_t program, uint32_t slot, uint32_t object, uint32_t rights)
{
	want_lt(build->grant_count, BUILD_GRANTS_MAX);
	build->grants[build->grant_count] = (struct build_grant){
		.program = program, .slot = slot, .object = object, .rights = rights,
		.uses = BX_CAP_USES_UNLIMITED,
	};
	return build->grant_count++;
}

static int
grant_order(const void *a, const void *b)
{
	const struct build_grant *x = a, *y = b;

	if (x->program != y->program)
		return x->program < y->program ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static void
put_name(uint8_t field[BX_NAME_MAX], const char *name)
{
	memset(field, 0, BX_NAME_MAX);
	for (size_t i = 0; i < BX_NAME_MAX && name[i] != 0; i++)
		field[i] = (uint8_t)name[i];
}

/* The launch block of a program: one entry per grant, called c0, c1, ... by slot. */
static size_t
put_launch(const struct build *build, uint32_t index, uint8_t *bytes)
{
	const struct build_program *program = &build->programs[index];
	struct bx_launch launch = {
		.magic = BX_LAUNCH_MAGIC, .version = 1, .program = index,
		.reply_first = program->slots - program->replies, .reply_count = program->replies,
	};
	size_t at = sizeof(launch);

	put_name((uint8_t *)launch.name, program->name);
	for (uint32_t i = 0; i < build->grant_count; i++) {
		const struct build_grant *grant = &build->grants[i];
		struct bx_launch_entry entry = { .slot = grant->slot };

		if (grant->program != index)
			continue;
		entry.type = grant->object < build->object_count ?
		    bx_object_cap_type(build->objects[grant->object].kind) : 0;
		snprintf(entry.name, sizeof(entry.name), "c%u", grant->slot);
		memcpy(bytes + at, &entry, sizeof(entry));
		at += sizeof(entry);
		launch.entry_count++;
	}
	memcpy(bytes, &launch, sizeof(launch));
	return at;
}

/* Each writes one entry of its table, and returns its size. */
static size_t
put_program(const struct build_program *from, size_t launch, size_t launch_size, uint8_t *bytes)
{
	struct bx_sysimage_program to;

	memset(&to, 0, sizeof(to));
	put_name(to.name, from->name);
	put_name(to.module, from->module);
	bx_put_le32(to.flags, from->flags);
	bx_put_le32(to.priority, from->priority);
	bx_put_le32(to.priority_max, from->priority_max);
	bx_put_le32(to.slot_count, from->slots);
	bx_put_le32(to.reply_count, from->replies);
	bx_put_le32(to.thread_count, from->threads);
	bx_put_le32(to.frame_quota, from->quota);
	bx_put_le32(to.stack_pages, from->stack_pages);
	bx_put_le32(to.fault_object, from->fault_object);
	bx_put_le32(to.exit_object, from->exit_object);
	bx_put_le64(to.exit_bits, from->exit_bits);
	bx_put_le32(to.budget_us, from->budget_us);
	bx_put_le32(to.period_us, from->period_us);
	bx_put_le32(to.restart_times, from->restart_times);
	bx_put_le32(to.restart_within_us, from->restart_within_us);
	bx_put_le32(to.restart_backoff_us, from->restart_backoff_us);
	bx_put_le32(to.restart_exhausted, from->restart_exhausted);
	bx_put_le32(to.launch_offset, (uint32_t)launch);
	bx_put_le32(to.launch_size, (uint32_t)launch_size);
	memcpy(bytes, &to, sizeof(to));
	return sizeof(to);
}

static size_t
put_object(const struct build_object *from, uint8_t *bytes)
{
	struct bx_sysimage_object to;

	memset(&to, 0, sizeof(to));
	put_name(to.name, from->name);
	bx_put_le32(to.kind, from->kind);
	bx_put_le64(to.a, from->a);
	bx_put_le64(to.b, from->b);
	memcpy(bytes, &to, sizeof(to));
	return sizeof(to);
}

static size_t
put_grant(const struct build_grant *from, uint8_t *bytes)
{
	struct bx_sysimage_grant to;

	memset(&to, 0, sizeof(to));
	bx_put_le32(to.program, from->program);
	bx_put_le32(to.slot, from->slot);
	bx_put_le32(to.object, from->object);
	bx_put_le32(to.rights, from->rights);
	bx_put_le64(to.badge, from->badge);
	bx_put_le32(to.uses, from->uses);
	bx_put_le32(to.lender, from->lender);
	bx_put_le64(to.lifetime_us, from->lifetime_us);
	bx_put_le64(to.first, from->first);
	bx_put_le64(to.count, from->count);
	memcpy(bytes, &to, sizeof(to));
	return sizeof(to);
}

size_t
build_image(struct build *build, uint8_t bytes[IMAGE_SIZE])
{
	struct bx_sysimage_header header;
	size_t at = sizeof(header), launch;

	memset(bytes, 0, IMAGE_SIZE);
	memset(&header, 0, sizeof(header));
	qsort(build->grants, build->grant_count, sizeof(build->grants[0]), grant_order);
	bx_put_le64(header.magic, BX_SYSIMAGE_MAGIC);
	bx_put_le32(header.version, BX_SYSIMAGE_VERSION);
	put_name(header.name, build->name);
	bx_put_le32(header.audit_records, build->audit_records);
	bx_put_le32(header.flags, build->flags);
	bx_put_le32(header.program_offset, (uint32_t)at);
	bx_put_le32(header.program_count, build->program_count);
	launch = at + build->program_count * sizeof(struct bx_sysimage_program) +
	    build->object_count * sizeof(struct bx_sysimage_object) +
	    build->grant_count * sizeof(struct bx_sysimage_grant);

	for (uint32_t i = 0; i < build->program_count; i++) {
		size_t size = put_launch(build, i, bytes + launch);

		at += put_program(&build->programs[i], launch, size, bytes + at);
		launch += size;
		want_le(launch, IMAGE_SIZE);
	}
	bx_put_le32(header.object_offset, (uint32_t)at);
	bx_put_le32(header.object_count, build->object_count);
	for (uint32_t i = 0; i < build->object_count; i++)
		at += put_object(&build->objects[i], bytes + at);
	bx_put_le32(header.grant_offset, (uint32_t)at);
	bx_put_le32(header.grant_count, build->grant_count);
	for (uint32_t i = 0; i < build->grant_count; i++)
		at += put_grant(&build->grants[i], bytes + at);
	bx_put_le32(header.size, (uint32_t)launch);
	memcpy(bytes, &header, sizeof(header));
	return launch;
}

/* ---- ELF files ---------------------------------------------------------------------------- */

size_t
elf_make(uint8_t bytes[ELF_SIZE], uint64_t entry, const struct elf_spec *specs, unsigned count)
{
	static const uint8_t ident[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	size_t at = 4096;

	memset(bytes, 0, ELF_SIZE);
	memcpy(bytes, ident, sizeof(ident));
	bx_put_le16(bytes + 16, 2);
	bx_put_le16(bytes + 18, 62);
	bx_put_le32(bytes + 20, 1);
	bx_put_le64(bytes + 24, entry);
	bx_put_le64(bytes + 32, 64);
	bx_put_le16(bytes + 52, 64);
	bx_put_le16(bytes + 54, 56);
	bx_put_le16(bytes + 56, (uint16_t)count);
	for (unsigned i = 0; i < count; i++) {
		uint8_t *header = bytes + 64 + 56 * i;

		at = (size_t)bx_align_up(at, 4096) + specs[i].address % 4096;
		want_le(at + specs[i].file_size, ELF_SIZE);
		bx_put_le32(header, 1);
		bx_put_le32(header + 4, specs[i].flags);
		bx_put_le64(header + 8, at);
		bx_put_le64(header + 16, specs[i].address);
		bx_put_le64(header + 32, specs[i].file_size);
		bx_put_le64(header + 40, specs[i].memory_size);
		bx_put_le64(header + 48, 4096);
		for (size_t j = 0; j < specs[i].file_size; j++)
			bytes[at++] = (uint8_t)(i * 16 + j);
	}
	return at;
}

size_t
elf_default(uint8_t bytes[ELF_SIZE])
{
	static const struct elf_spec specs[] = {
		{ 0x400000, 3000, 3000, 4 | 1 },
		{ 0x401000, 100, 100, 4 },
		{ ELF_DATA, 200, 3 * 4096, 4 | 2 },
	};

	return elf_make(bytes, ELF_ENTRY, specs, 3);
}

/* ---- worlds ------------------------------------------------------------------------------- */

static void *
pages_new(size_t bytes)
{
	void *memory = aligned_alloc(BX_PAGE_SIZE, bytes);

	want(memory != NULL);
	return memset(memory, 0, bytes);
}

static bool
held_before(const struct build *build, uint32_t index)
{
	const struct build_grant *grant = &build->grants[index];

	switch (build->objects[grant->object].kind) {
	case BX_OBJECT_MEMORY:
	case BX_OBJECT_IRQ:
	case BX_OBJECT_IOPORT:
	case BX_OBJECT_DEVICE:
		break;
	default:
		return false;
	}
	for (uint32_t i = 0; i < index; i++) {
		if (build->grants[i].object == grant->object && build->grants[i].lender == 0 &&
		    build->grants[i].program != grant->program)
			return grant->lender == 0;
	}
	return false;
}

/* An image that the validator takes: every holder but the first has object 0, an endpoint, instead. */
static size_t
single_image(struct world *world, struct build *build)
{
	struct build single;

	want_eq(build->objects[0].kind, BX_OBJECT_ENDPOINT);
	qsort(build->grants, build->grant_count, sizeof(build->grants[0]), grant_order);
	single = *build;
	for (uint32_t i = 0; i < build->grant_count; i++) {
		if (held_before(build, i)) {
			single.grants[i].object = 0;
			single.grants[i].first = 0;
			single.grants[i].count = 0;
		}
	}
	world->many = malloc(sizeof(*world->many));
	want(world->many != NULL);
	*world->many = *build;
	return build_image(&single, world->image);
}

/* Puts into the image, and into the core, what the other holders are to have. */
static void
many_give(struct world *world)
{
	const struct build *build = world->many;

	(void)build_image(world->many, world->image);
	for (uint32_t i = 0; i < build->grant_count; i++) {
		const struct build_grant *from = &build->grants[i];
		const struct build_object *object = &build->objects[from->object];
		struct bx_grant *grant = &world->core->grants[i];
		uint64_t all = object->kind == BX_OBJECT_MEMORY ? object->a :
		    object->kind == BX_OBJECT_IOPORT ? object->b : 0;

		if (!held_before(build, i))
			continue;
		grant->object = from->object;
		grant->limits.first = from->first + (object->kind == BX_OBJECT_IOPORT ? object->a : 0);
		grant->limits.count = from->count != 0 ? from->count : all;
	}
}

void
world_prepare(struct world *world, struct build *build)
{
	*world = (struct world){ .core = NULL };
	world->memory = pages_new(WORLD_MEMORY);
	/* What nobody has had since boot is not zero: the core has to see to it. */
	memset(world->memory + BX_HOSTED_RESERVED, 0xa5, WORLD_MEMORY - BX_HOSTED_RESERVED);
	world->image = pages_new(IMAGE_SIZE);
	world->elf = pages_new(ELF_SIZE);
	world->elf_bytes = elf_default(world->elf);
	world->image_bytes = build->many_holders ? single_image(world, build) :
	    build_image(build, world->image);
	bx_hosted_init(&world->machine, world->memory, WORLD_MEMORY);
	world->machine.now = 5 * WORLD_TICKS;
	world->modules[0] = (struct bx_kcore_module){ "other", world->elf, 0 };
	world->modules[1] = (struct bx_kcore_module){ "m", world->elf, world->elf_bytes };
	/* Two regions with a hole between. */
	world->regions[0] = (struct bx_kcore_region){ BX_HOSTED_RESERVED, 0xc0000 };
	world->regions[1] = (struct bx_kcore_region){ 0x100000, WORLD_MEMORY - 0x100000 };
	world->config = (struct bx_kcore_config){
		.machine = &world->machine, .memory = world->memory, .memory_end = WORLD_MEMORY,
		.regions = world->regions, .region_count = 2,
		.modules = world->modules, .module_count = 2,
		.system = world->image, .system_size = world->image_bytes,
		.ticks_per_second = WORLD_TICKS, .boot_ticks = WORLD_TICKS, .kernel_frames = 100,
	};
}

void
world_free(struct world *world)
{
	free(world->memory);
	free(world->pools);
	free(world->elf);
	free(world->image);
	free(world->many);
	*world = (struct world){ .core = NULL };
}

enum bx_err
world_boot(struct world *world, const char **where)
{
	enum bx_err err;

	world->modules[1].size = world->elf_bytes;
	world->config.system_size = world->image_bytes;
	err = bx_kcore_plan(&world->config, &world->pool_bytes, where);
	if (err != BX_OK)
		return err;
	world->pools = pages_new(world->pool_bytes);
	err = bx_kcore_init(&world->config, world->pools, world->pool_bytes, &world->core, where);
	if (err != BX_OK)
		return err;
	if (world->many != NULL)
		many_give(world);
	world->frames = (uint32_t)((world->regions[0].size + world->regions[1].size) / BX_PAGE_SIZE -
	    world->core->memory_page_count);
	world_sound(world);
	return BX_OK;
}

enum bx_err
world_try(struct world *world, struct build *build, const char **where)
{
	world_prepare(world, build);
	return world_boot(world, where);
}

void
world_make(struct world *world, struct build *build)
{
	const char *where = "";
	enum bx_err err = world_try(world, build, &where);

	want_msg(err == BX_OK, where);
	world->context = bx_kcore_start(world->core);
	world_sound(world);
}

void
world_end(struct world *world)
{
	struct bx_kcore *core = world->core;
	const char *what = "";

	/* All at once: a busy program would keep one of lower priority from being taken apart. */
	for (uint32_t i = 0; i < core->program_count; i++)
		bx_program_end(core, i, BX_PROGRAM_KILLED);
	for (uint32_t i = 0; i < core->program_count; i++)
		world_stop(world, i, BX_PROGRAM_KILLED);
	want_msg(bx_kcore_sound(core, &what), what);
	want_eq(core->frames_free_count, world->frames);
	want_eq(core->frames_table_count, 0);
	want_eq(core->frames_user_count, core->memory_page_count);
	for (uint32_t i = core->object_count; i < core->forest.slot_count; i++)
		want_eq(core->forest.slots[i].cap.type, BX_CAP_NONE);
	for (uint32_t i = 0; i < core->thread_count; i++)
		want_eq(core->threads[i].state, BX_THREAD_FREE);
	for (uint64_t i = 0; i < core->memory_page_count; i++)
		want_eq(core->frames[core->memory_pages[i]].owner, BX_NONE);
	for (uint32_t i = 0; i < core->frame_count; i++)
		want(bx_hosted_frame_writable(&world->machine, (uint64_t)i << BX_PAGE_SHIFT));
	world_free(world);
}

/* ---- soundness ---------------------------------------------------------------------------- */

/* One table of a user's half, independent of the core's own bookkeeping: every table and page is
 * the program's, no frame is met twice, no page is writable and executable, no alias of an executable
 * page is writable. */
static void
walk_table(struct world *world, uint32_t program, uint64_t table, unsigned level, uint64_t base,
    uint8_t *met)
{
	const uint64_t *entries = (const uint64_t *)(void *)(world->memory + table);
	unsigned count = level == 4 ? BX_TABLE_ENTRIES / 2 : BX_TABLE_ENTRIES;

	want_eq(met[table >> BX_PAGE_SHIFT]++, 0);
	for (unsigned i = 0; i < count; i++) {
		uint64_t address, frame;
		const struct bx_frame *record;

		if (entries[i] == 0)
			continue;
		address = base + ((uint64_t)i << (BX_PAGE_SHIFT + 9 * (level - 1)));
		frame = entries[i] & BX_PTE_ADDRESS;
		record = &world->core->frames[frame >> BX_PAGE_SHIFT];
		want_lt(frame, WORLD_MEMORY);
		want(entries[i] & BX_PTE_USER);
		want_eq(record->owner, program);
		if (level > 1) {
			want_eq(record->type, BX_FRAME_TABLE);
			walk_table(world, program, frame, level - 1, address, met);
			continue;
		}
		want_eq(record->type, BX_FRAME_USER);
		want_eq(record->address, address);
		want_eq(met[frame >> BX_PAGE_SHIFT]++, 0);
		want_lt(address, BX_USER_END);
		if ((entries[i] & BX_PTE_NO_EXECUTE) == 0) {
			want_eq(entries[i] & BX_PTE_WRITE, 0);
			want(!bx_hosted_frame_writable(&world->machine, frame));
		}
	}
}

static void
walk_all(struct world *world)
{
	static uint8_t met[WORLD_MEMORY / BX_PAGE_SIZE];

	memset(met, 0, sizeof(met));
	for (uint32_t i = 0; i < world->core->program_count; i++) {
		uint64_t root = world->core->programs[i].root;
		const uint64_t *entries = (const uint64_t *)(void *)(world->memory + root);

		if (root == 0)
			continue;
		walk_table(world, i, root, 4, 0, met);
		/* The kernel's half: the trampoline's entry and nothing else. */
		for (unsigned j = BX_TABLE_ENTRIES / 2; j < BX_TABLE_ENTRIES; j++)
			want((entries[j] != 0) == (j == bx_table_index(BX_HOSTED_TRAMPOLINE, 4)));
	}
}

void
world_sound(struct world *world)
{
	const char *what = "";

	want_msg(bx_kcore_sound(world->core, &what), what);
	walk_all(world);
}

static void
event_done(struct world *world)
{
#ifdef BX_VERIFY
	world_sound(world);
#else
	(void)world;
#endif
}

/* ---- events ------------------------------------------------------------------------------- */

uint32_t
world_current(const struct world *world)
{
	return world->core->cpu.current;
}

enum bx_err
world_result(const struct world *world, uint32_t thread)
{
	return (enum bx_err)(int64_t)world->core->threads[thread].context.number;
}

enum bx_err
world_call(struct world *world, uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
	uint32_t thread = world_current(world);

	want_ne(thread, BX_NONE);
	world->context->number = number;
	world->context->value[0] = a;
	world->context->value[1] = b;
	world->context->value[2] = c;
	world->context = bx_kcore_system_call(world->core);
	event_done(world);
	return world_result(world, thread);
}

void
world_run_until(struct world *world, uint32_t thread)
{
	for (unsigned i = 0; i < 1000 && world_current(world) != thread; i++) {
		if (world_current(world) == BX_NONE)
			world_pass(world, WORLD_TICKS / 1000);
		else
			(void)world_call(world, BX_SYS_YIELD, 0, 0, 0);
	}
	want_eq(world_current(world), thread);
}

void
world_pass(struct world *world, uint64_t ticks)
{
	world->machine.now += ticks;
	world->context = bx_kcore_timer(world->core);
	event_done(world);
}

enum bx_err
world_start(struct world *world, uint32_t program)
{
	enum bx_err err;

	do {
		err = bx_program_start(world->core, program, NULL, 0);
		event_done(world);
	} while (err == BX_ERR_AGAIN);
	return err;
}

void
world_stop(struct world *world, uint32_t program, enum bx_program_state state)
{
	uint32_t every = world->machine.interrupt_every;

	/* An interrupt waits whenever the core asks: one step an event.  The dispatcher leaves the rest
	 * alone as long as somebody above the program's priority runs; here nobody does. */
	world->machine.interrupt_every = 1;
	bx_program_end(world->core, program, state);
	world->context = bx_sched_dispatch(world->core);
	event_done(world);
	while (world->core->programs[program].state == BX_PROGRAM_ENDING) {
		(void)!bx_program_end_step(world->core, program);
		event_done(world);
	}
	if (world->context == NULL)
		world->context = bx_sched_dispatch(world->core);	/* what idles with work does */
	world->machine.interrupt_every = every;
}

void
user_put(struct world *world, uint32_t program, uint64_t address, const void *from, size_t length)
{
	want_eq(bx_hosted_user_write(&world->machine, world->core->programs[program].root,
	    address, from, length), BX_OK);
}

void
user_get(struct world *world, uint32_t program, uint64_t address, void *to, size_t length)
{
	want_eq(bx_hosted_user_read(&world->machine, world->core->programs[program].root,
	    address, to, length), BX_OK);
}
