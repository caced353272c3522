/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * frame.c -- physical frames: types, owners, free list, quota.
 *
 * A free frame is all zero bytes, so that taking one needs no clearing and giving one away reveals
 * nothing.  Frames that nobody has had since boot are the exception: they are marked dirty and
 * cleared when first taken, which spares boot a walk over all memory.
 */
#include "core.h"

void
bx_frame_clean(struct bx_kcore *core, uint32_t frame)
{
	if ((core->frames[frame].flags & BX_FRAME_DIRTY) == 0)
		return;
	memset(bx_core_frame_bytes(core, frame), 0, BX_PAGE_SIZE);
	core->frames[frame].flags = 0;
}

static void
free_push(struct bx_kcore *core, uint32_t frame, uint8_t flags)
{
	core->frames[frame] = (struct bx_frame){
		.type = BX_FRAME_FREE, .flags = flags, .memory = BX_FRAME_MEMORY_NONE,
		.owner = BX_NONE, .next = core->frame_free, .previous = BX_NONE,
	};
	core->frame_free = frame;
	core->frames_free_count++;
}

static uint32_t
free_pop(struct bx_kcore *core)
{
	uint32_t frame = core->frame_free;

	BX_ASSERT(core->frames[frame].type == BX_FRAME_FREE);
	core->frame_free = core->frames[frame].next;
	core->frames_free_count--;
	return frame;
}

static uint32_t *
count_of(struct bx_kcore *core, uint8_t type)
{
	return type == BX_FRAME_TABLE ? &core->frames_table_count : &core->frames_user_count;
}

void
bx_frame_add(struct bx_kcore *core, uint64_t base, uint64_t size)
{
	/* Downwards, so that the lowest frame is taken first. */
	for (uint64_t i = size >> BX_PAGE_SHIFT; i-- > 0;)
		free_push(core, (uint32_t)((base >> BX_PAGE_SHIFT) + i), BX_FRAME_DIRTY);
}

uint32_t
bx_frame_reserve(struct bx_kcore *core, uint32_t memory)
{
	uint32_t frame = free_pop(core);

	core->frames[frame].type = BX_FRAME_USER;
	core->frames[frame].memory = (uint16_t)memory;
	core->frames[frame].next = BX_NONE;
	core->frames_user_count++;
	return frame;
}

enum bx_err
bx_frame_take(struct bx_kcore *core, uint32_t program, enum bx_frame_type type, uint32_t *frame)
{
	struct bx_program *owner = &core->programs[program];
	struct bx_frame *taken;
	uint32_t found;

	BX_ASSERT(type == BX_FRAME_TABLE || type == BX_FRAME_USER);
	if (owner->frames_used >= owner->frame_quota)
		return BX_ERR_QUOTA;
	if (core->frame_free == BX_NONE)
		return BX_ERR_NO_MEMORY;

	found = free_pop(core);
	bx_frame_clean(core, found);
	taken = &core->frames[found];
	taken->type = (uint8_t)type;
	taken->owner = program;
	taken->next = owner->frames;
	if (owner->frames != BX_NONE)
		core->frames[owner->frames].previous = found;
	owner->frames = found;
	owner->frames_used++;
	++*count_of(core, taken->type);
	*frame = found;
	return BX_OK;
}

void
bx_frame_give(struct bx_kcore *core, uint32_t frame)
{
	struct bx_frame *given = &core->frames[frame];
	struct bx_program *owner = &core->programs[given->owner];

	BX_ASSERT(given->type == BX_FRAME_TABLE || given->type == BX_FRAME_USER);
	BX_ASSERT(given->address == 0);
	BX_ASSERT(given->memory == BX_FRAME_MEMORY_NONE);
	BX_ASSERT(owner->frames_used > 0);

	if (given->previous != BX_NONE)
		core->frames[given->previous].next = given->next;
	else
		owner->frames = given->next;
	if (given->next != BX_NONE)
		core->frames[given->next].previous = given->previous;
	owner->frames_used--;
	--*count_of(core, given->type);
	memset(bx_core_frame_bytes(core, frame), 0, BX_PAGE_SIZE);
	free_push(core, frame, 0);
}
