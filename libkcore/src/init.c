/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * init.c -- from a validated manifest to a core: how much memory, pools, frames, objects, root
 * capabilities, program 0.
 *
 * All pools lie behind each other in the memory that the caller gives.  pools_place lays them out
 * once with no memory, which is the plan, and once for good; so the two cannot disagree.
 */
#include "core.h"

#define SLICE_US_DEFAULT	10000u
#define AUDIT_SHARE_LEAST 4u
#define POOL_ALIGN		64u	/* a cache line: what threads and slots are made for */

static enum bx_err
refuse(const char **where, enum bx_err err, const char *text)
{
	*where = text;
	return err;
}

/* ---- plan --------------------------------------------------------------------------------- */

/* Counts what the image holds into a core that has no pools yet. */
static void
pools_count(struct bx_kcore *core, const struct bx_kcore_config *config,
    const struct bx_sysimage *image)
{
	uint32_t slots = image->object_count;

	core->program_count = image->program_count;
	core->object_count = image->object_count;
	core->grant_count = image->grant_count;
	core->audit_capacity = image->audit_records;
	for (uint32_t i = 0; i < image->program_count; i++) {
		core->thread_count += bx_get_le32(image->programs[i].thread_count);
		slots += bx_get_le32(image->programs[i].slot_count);
	}
	core->forest.slot_count = slots > 0 ? slots : 1;
	for (uint32_t i = 0; i < image->object_count; i++) {
		switch (bx_get_le32(image->objects[i].kind)) {
		case BX_OBJECT_ENDPOINT:
			core->endpoint_count++;
			break;
		case BX_OBJECT_NOTIFICATION:
			core->notification_count++;
			break;
		case BX_OBJECT_MEMORY:
			core->memory_count++;
			core->memory_page_count += bx_get_le64(image->objects[i].a);
			break;
		case BX_OBJECT_IRQ:
			core->irq_count++;
			break;
		case BX_OBJECT_THREAD:
		case BX_OBJECT_CSPACE:
			break;
		default:
			core->plain_count++;
			break;
		}
	}
	if (config->region_count > 0) {
		const struct bx_kcore_region *last = &config->regions[config->region_count - 1];

		core->frame_count = (uint32_t)((last->base + last->size) >> BX_PAGE_SHIFT);
	}
}

/* The next `count` objects of `size` bytes; NULL when there is no memory yet. */
static void *
place(uint8_t *memory, size_t *at, uint64_t count, size_t size)
{
	uint8_t *placed = memory == NULL ? NULL : memory + *at;

	*at += (size_t)bx_align_up(count * size, POOL_ALIGN);
	return placed;
}

/* Lays out the pools whose counts stand in *core; returns the bytes they take. */
static size_t
pools_place(struct bx_kcore *core, uint8_t *memory)
{
	size_t at = 0;

	(void)place(memory, &at, 1, sizeof(*core));
#define PLACE(pool, count) \
	(core->pool = place(memory, &at, (count), sizeof(*core->pool)))
	PLACE(threads, core->thread_count);
	PLACE(accounts, core->thread_count);
	PLACE(client_levels, core->thread_count);
	PLACE(sender_levels, core->endpoint_count);
	PLACE(forest.slots, core->forest.slot_count);
	PLACE(frames, core->frame_count);
	PLACE(programs, core->program_count);
	PLACE(endpoints, core->endpoint_count);
	PLACE(notifications, core->notification_count);
	PLACE(memories, core->memory_count);
	PLACE(memory_pages, core->memory_page_count);
	PLACE(irqs, core->irq_count);
	PLACE(plains, core->plain_count);
	PLACE(objects, core->object_count);
	PLACE(grants, core->grant_count);
	PLACE(timers, core->thread_count);
	PLACE(audit, core->audit_capacity);
#undef PLACE
	return (size_t)bx_align_up(at, BX_PAGE_SIZE);
}

static uint32_t
module_find(const struct bx_kcore_config *config, const uint8_t name[BX_NAME_MAX])
{
	for (uint32_t i = 0; i < config->module_count; i++) {
		size_t length = 0;

		while (length < BX_NAME_MAX && config->modules[i].name[length] != 0 &&
		    (uint8_t)config->modules[i].name[length] == name[length])
			length++;
		if (length < BX_NAME_MAX && config->modules[i].name[length] == 0 && name[length] == 0)
			return i;
	}
	return BX_NONE;
}

/* Regions in order, page-aligned, below memory_end; the frame of address 0 is never handed out,
 * because 0 means "none". */
static enum bx_err
regions_check(const struct bx_kcore_config *config, uint64_t *frames, const char **where)
{
	uint64_t end = BX_PAGE_SIZE;

	*frames = 0;
	for (size_t i = 0; i < config->region_count; i++) {
		const struct bx_kcore_region *region = &config->regions[i];

		if (!bx_is_aligned(region->base | region->size, BX_PAGE_SIZE))
			return refuse(where, BX_ERR_ALIGN, "memory region");
		if (region->base < end || !bx_range_fits(region->base, region->size, config->memory_end))
			return refuse(where, BX_ERR_RANGE, "memory region");
		end = region->base + region->size;
		*frames += region->size >> BX_PAGE_SHIFT;
	}
	if ((end >> BX_PAGE_SHIFT) >= BX_NONE)
		return refuse(where, BX_ERR_RANGE, "memory region");
	return BX_OK;
}

/* Validates everything the core is told, and counts it. */
static enum bx_err
config_open(const struct bx_kcore_config *config, struct bx_sysimage *image, struct bx_kcore *counts,
    const char **where)
{
	uint64_t frames, promised;
	enum bx_err err;

	if (config->ticks_per_second == 0)
		return refuse(where, BX_ERR_INVALID, "ticks per second");
	err = bx_sysimage_open(config->system, config->system_size, image, where);
	if (err != BX_OK)
		return err;
	err = regions_check(config, &frames, where);
	if (err != BX_OK)
		return err;
	for (uint32_t i = 0; i < image->program_count; i++) {
		if (module_find(config, image->programs[i].module) == BX_NONE)
			return refuse(where, BX_ERR_NOT_FOUND, "program module");
	}
	pools_count(counts, config, image);

	/* A quota is a promise: frames that a program has not taken yet are nobody else's. */
	promised = counts->memory_page_count;
	for (uint32_t i = 0; i < image->program_count; i++)
		promised += bx_get_le32(image->programs[i].frame_quota);
	if (promised > frames)
		return refuse(where, BX_ERR_NO_MEMORY, "frame quotas and memory objects");
	return BX_OK;
}

enum bx_err
bx_kcore_plan(const struct bx_kcore_config *config, size_t *bytes, const char **where)
{
	struct bx_sysimage image;
	struct bx_kcore counts = { .program_count = 0 };
	enum bx_err err = config_open(config, &image, &counts, where);

	if (err == BX_OK)
		*bytes = pools_place(&counts, NULL);
	return err;
}

/* ---- init --------------------------------------------------------------------------------- */

/* Saturates instead of wrapping: "later than ever". */
static uint64_t
ticks_of_us(const struct bx_kcore *core, uint64_t us)
{
	uint64_t seconds = us / 1000000, rest = us % 1000000;

	if (seconds >= UINT64_MAX / core->ticks_per_second ||
	    rest > UINT64_MAX / core->ticks_per_second)
		return UINT64_MAX;
	return seconds * core->ticks_per_second + rest * core->ticks_per_second / 1000000;
}

static uint32_t
object_index_or_none(const struct bx_kcore *core, const uint8_t field[4])
{
	uint32_t object = bx_get_le32(field);

	return object == BX_SYSIMAGE_NONE ? BX_NONE : core->objects[object].index;
}

static void
programs_init(struct bx_kcore *core, const struct bx_kcore_config *config,
    const struct bx_sysimage *image)
{
	uint32_t slot = core->object_count, thread = 0, grant = 0;

	for (uint32_t i = 0; i < core->program_count; i++) {
		const struct bx_sysimage_program *from = &image->programs[i];
		struct bx_program *program = &core->programs[i];
		uint32_t slots = bx_get_le32(from->slot_count);
		uint32_t replies = bx_get_le32(from->reply_count);
		uint32_t budget_us = bx_get_le32(from->budget_us);
		enum bx_err err = bx_cap_space_init(&core->forest, slot, slots, slots - replies,
		    &program->space);

		BX_ASSERT(err == BX_OK);	/* the forest was counted from these */
		memcpy(program->name, from->name, BX_NAME_MAX);
		bx_space_forget(program);
		program->frames = BX_NONE;
		program->work_thread = BX_NONE;
		program->module = module_find(config, from->module);
		program->flags = bx_get_le32(from->flags);
		program->priority = bx_get_le32(from->priority);
		program->priority_max = bx_get_le32(from->priority_max);
		program->first_thread = thread;
		program->thread_count = bx_get_le32(from->thread_count);
		program->reply_count = replies;
		program->frame_quota = bx_get_le32(from->frame_quota);
		program->stack_pages = bx_get_le32(from->stack_pages);
		program->fault_endpoint = object_index_or_none(core, from->fault_object);
		program->exit_notification = object_index_or_none(core, from->exit_object);
		program->exit_bits = bx_get_le64(from->exit_bits);
		program->slice_ticks = ticks_of_us(core, SLICE_US_DEFAULT);
		program->budget_ticks = budget_us != 0 ? ticks_of_us(core, budget_us) :
		    (program->flags & BX_PROGRAM_PASSIVE) != 0 ? 0 : BX_BUDGET_NONE;
		program->period_ticks = ticks_of_us(core, bx_get_le32(from->period_us));
		program->restart_times = bx_get_le32(from->restart_times);
		program->restart_within_us = bx_get_le32(from->restart_within_us);
		program->restart_backoff_us = bx_get_le32(from->restart_backoff_us);
		program->restart_exhausted = bx_get_le32(from->restart_exhausted);
		program->launch = image->bytes + bx_get_le32(from->launch_offset);
		program->launch_size = bx_get_le32(from->launch_size);
		program->first_grant = grant;
		while (grant < core->grant_count && bx_get_le32(image->grants[grant].program) == i)
			grant++;
		slot += slots;
		thread += program->thread_count;
	}
}

/* Puts the programs in the order of their priorities. */
static void
programs_rank(struct bx_kcore *core)
{
	for (uint32_t i = 0; i < core->program_count; i++) {
		uint32_t rank = 0;

		for (uint32_t j = 0; j < core->program_count; j++)
			rank += core->programs[j].priority < core->programs[i].priority ||
			    (core->programs[j].priority == core->programs[i].priority && j > i);
		core->programs[i].rank = rank;
		core->ranked[rank] = (uint8_t)i;
	}
}

static void
memory_init(struct bx_kcore *core, uint32_t index, uint64_t pages, uint64_t *page)
{
	struct bx_memory *memory = &core->memories[index];

	memory->generation = BX_GENERATION_STATIC;
	memory->page_count = (uint32_t)pages;
	memory->first_page = *page;
	for (uint64_t i = 0; i < pages; i++)
		core->memory_pages[(*page)++] = bx_frame_reserve(core, index);
}

/* Fills the pools of objects, each in the manifest's order. */
static enum bx_err
objects_init(struct bx_kcore *core, const struct bx_sysimage *image, const char **where)
{
	uint32_t endpoints = 0, notifications = 0, memories = 0, irqs = 0, plains = 0;
	uint64_t page = 0;

	memset(core->irq_of, BX_IRQ_NUMBERS, sizeof core->irq_of);
	for (uint32_t i = 0; i < core->object_count; i++) {
		const struct bx_sysimage_object *from = &image->objects[i];
		struct bx_object *object = &core->objects[i];
		uint64_t a = bx_get_le64(from->a), b = bx_get_le64(from->b);
		char *name = NULL;

		object->kind = bx_get_le32(from->kind);
		object->root_slot = i;
		switch (object->kind) {
		case BX_OBJECT_ENDPOINT:
			object->index = endpoints++;
			core->endpoints[object->index].generation = BX_GENERATION_STATIC;
			core->endpoints[object->index].number = i;
			name = core->endpoints[object->index].name;
			break;
		case BX_OBJECT_NOTIFICATION:
			object->index = notifications++;
			core->notifications[object->index].generation = BX_GENERATION_STATIC;
			core->notifications[object->index].number = i;
			name = core->notifications[object->index].name;
			break;
		case BX_OBJECT_MEMORY:
			object->index = memories++;
			core->memories[object->index].number = i;
			memory_init(core, object->index, a, &page);
			name = core->memories[object->index].name;
			break;
		case BX_OBJECT_IRQ:
			object->index = irqs++;
			core->irqs[object->index].generation = BX_GENERATION_STATIC;
			core->irqs[object->index].notification = BX_NONE;
			core->irqs[object->index].object = i;
			if (bx_machine_irq_open(core->machine, (uint32_t)a, (uint32_t)b,
			    &core->irqs[object->index].number) != BX_OK)
				return refuse(where, BX_ERR_RANGE, "interrupt line");
			core->irq_of[core->irqs[object->index].number] = (uint8_t)object->index;
			name = core->irqs[object->index].name;
			break;
		case BX_OBJECT_THREAD:
			/* first_thread of the program is known only later: programs_init. */
			object->index = (uint32_t)b;
			for (uint32_t p = 0; p < a; p++)
				object->index += bx_get_le32(image->programs[p].thread_count);
			break;
		case BX_OBJECT_CSPACE:
			object->index = (uint32_t)a;
			break;
		default:
			object->index = plains++;
			core->plains[object->index].generation = BX_GENERATION_STATIC;
			core->plains[object->index].kind = object->kind;
			core->plains[object->index].number = i;
			core->plains[object->index].a = a;
			core->plains[object->index].b = b;
			name = core->plains[object->index].name;
			break;
		}
		if (name != NULL)
			memcpy(name, from->name, BX_NAME_MAX);
	}
	return BX_OK;
}

/* The root of all authority: one capability per object, in a space of its own. */
static void
roots_init(struct bx_kcore *core, const struct bx_sysimage *image)
{
	enum bx_err err = bx_cap_space_init(&core->forest, 0, core->object_count,
	    core->object_count, &core->root_space);

	BX_ASSERT(err == BX_OK);
	for (uint32_t i = 0; i < core->object_count; i++) {
		const struct bx_object *object = &core->objects[i];
		struct bx_cap root = {
			.type = bx_object_cap_type(object->kind), .rights = BX_RIGHT_ALL,
			.uses = BX_CAP_USES_UNLIMITED, .expiry = BX_CAP_EXPIRY_NEVER,
			.object = { object->index, BX_GENERATION_STATIC },
		};

		bx_sysimage_object_range(image, i, &root.first, &root.count);
		err = bx_cap_insert(&core->forest, (struct bx_cap_place){ &core->root_space, i }, &root);
		BX_ASSERT(err == BX_OK);
	}
	bx_cap_space_seal(&core->root_space);
}

static void
grants_init(struct bx_kcore *core, const struct bx_sysimage *image)
{
	for (uint32_t i = 0; i < core->grant_count; i++) {
		const struct bx_sysimage_grant *from = &image->grants[i];
		struct bx_grant *grant = &core->grants[i];
		uint64_t first, count;

		grant->program = bx_get_le32(from->program);
		grant->slot = bx_get_le32(from->slot);
		grant->object = bx_get_le32(from->object);
		grant->limits.rights = (uint8_t)bx_get_le32(from->rights);
		grant->limits.uses = bx_get_le32(from->uses);
		grant->limits.badge = bx_get_le64(from->badge);
		grant->lender = bx_get_le32(from->lender) - 1;	/* 0: BX_NONE */
		grant->lifetime_ticks = ticks_of_us(core, bx_get_le64(from->lifetime_us));
		bx_sysimage_object_range(image, grant->object, &first, &count);
		grant->limits.first = first + bx_get_le64(from->first);
		grant->limits.count = bx_get_le64(from->count) != 0 ? bx_get_le64(from->count) : count;
	}
}

/* Starts program 0, all steps at once: nothing else runs yet. */
static enum bx_err
first_start(struct bx_kcore *core, const char **where)
{
	enum bx_err err;

	do
		err = bx_program_start(core, 0, NULL, 0);
	while (err == BX_ERR_AGAIN);
	return err == BX_OK ? BX_OK : refuse(where, err, "program 0");
}

enum bx_err
bx_kcore_init(const struct bx_kcore_config *config, void *memory, size_t bytes,
    struct bx_kcore **made, const char **where)
{
	struct bx_sysimage image;
	struct bx_kcore counts = { .program_count = 0 }, *core = memory;
	enum bx_err err = config_open(config, &image, &counts, where);
	size_t size;

	if (err != BX_OK)
		return err;
	size = pools_place(&counts, memory);
	if (size > bytes)
		return refuse(where, BX_ERR_NO_MEMORY, "core memory");

	*core = counts;
	core->machine = config->machine;
	core->memory = config->memory;
	core->memory_end = config->memory_end;
	core->ticks_per_second = config->ticks_per_second;
	core->boot_ticks = config->boot_ticks;
	core->modules = config->modules;
	core->module_count = (uint32_t)config->module_count;
	core->flags = bx_get_le32(image.header->flags);
	core->audit_share = core->audit_capacity / 2 / core->program_count;
	if (core->audit_share < AUDIT_SHARE_LEAST)
		core->audit_share = AUDIT_SHARE_LEAST;
	memcpy(core->system_name, image.header->name, BX_NAME_MAX);

	core->frame_free = BX_NONE;
	core->frames_kernel_count = (uint32_t)(config->kernel_frames + (size >> BX_PAGE_SHIFT));
	for (size_t i = config->region_count; i-- > 0;)
		bx_frame_add(core, config->regions[i].base, config->regions[i].size);

	bx_cap_forest_init(&core->forest, core->forest.slots, core->forest.slot_count);
	err = objects_init(core, &image, where);
	if (err != BX_OK)
		return err;
	programs_init(core, config, &image);
	programs_rank(core);
	roots_init(core, &image);
	grants_init(core, &image);
	bx_sched_init(core);
	bx_audit(core, BX_AUDIT_BOOT, BX_NONE, BX_NONE, core->frames_free_count,
	    core->ticks_per_second, core->flags);
	err = first_start(core, where);
	if (err == BX_OK)
		*made = core;
	return err;
}
