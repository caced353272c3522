/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sound.c -- whole-structure checks: frames, programs, capabilities.  Threads, queues and timers are
 * checked by their own files (bx_sched_sound).  Reads only; no loop follows a link further than
 * there are elements.
 */
#include "core.h"

static bool
broken(const char **what, const char *text)
{
	*what = text;
	return false;
}

/* Every frame by itself, and the counts of each type. */
static bool
frames_sound(const struct bx_kcore *core, const char **what)
{
	uint32_t table = 0, user = 0, free_count = 0;

	for (uint32_t i = 0; i < core->frame_count; i++) {
		const struct bx_frame *frame = &core->frames[i];
		uint32_t mapping = frame->flags & (uint32_t)~BX_FRAME_DIRTY;

		table += frame->type == BX_FRAME_TABLE;
		user += frame->type == BX_FRAME_USER;
		free_count += frame->type == BX_FRAME_FREE;
		if (mapping == (BX_PAGE_WRITE | BX_PAGE_EXECUTE))
			return broken(what, "W^X of a frame");
		if (mapping != 0 && frame->address == 0)
			return broken(what, "flags of an unmapped frame");
		if (frame->address != 0 && (frame->type != BX_FRAME_USER ||
		    frame->owner >= core->program_count))
			return broken(what, "mapped frame");
		if (frame->type == BX_FRAME_TABLE && frame->owner >= core->program_count)
			return broken(what, "table without owner");
		if (frame->type == BX_FRAME_USER && frame->owner == BX_NONE &&
		    frame->memory == BX_FRAME_MEMORY_NONE)
			return broken(what, "user frame without owner");
	}
	if (table != core->frames_table_count || user != core->frames_user_count ||
	    free_count != core->frames_free_count)
		return broken(what, "frame counts");
	return true;
}

#define ZERO_CHECKED	64u	/* frames given back last that are looked at whole */

/* The free list has all free frames, and they are zero or never used. */
static bool
free_sound(const struct bx_kcore *core, const char **what)
{
	uint32_t count = 0;

	for (uint32_t i = core->frame_free; i != BX_NONE; i = core->frames[i].next) {
		const uint64_t *words = bx_core_frame_bytes(core, i);

		if (i >= core->frame_count || core->frames[i].type != BX_FRAME_FREE ||
		    count++ == core->frames_free_count)
			return broken(what, "free list");
		if ((core->frames[i].flags & BX_FRAME_DIRTY) != 0)
			continue;
		/* All words are equal, and the first is zero. */
		if (words[0] != 0 || (count <= ZERO_CHECKED &&
		    memcmp(words, words + 1, BX_PAGE_SIZE - sizeof(*words)) != 0))
			return broken(what, "a free frame is not zero");
	}
	return count == core->frames_free_count || broken(what, "free list");
}

/* What the frame table says about a mapping is what the page tables say. */
static bool
mapping_sound(struct bx_kcore *core, uint32_t index)
{
	const struct bx_frame *frame = &core->frames[index];
	uint64_t found;
	uint32_t flags;

	return frame->address == 0 || (bx_machine_page_lookup(core->machine,
	    core->programs[frame->owner].root, frame->address, &found, &flags) &&
	    found == (uint64_t)index << BX_PAGE_SHIFT && flags == frame->flags);
}

/* What is remembered of its tables is what a walk finds. */
static bool
walks_sound(const struct bx_kcore *core, const struct bx_program *program)
{
	for (unsigned i = 0; i < BX_PROGRAM_WALKS; i++) {
		const struct bx_machine_walk *kept = &program->walks[i];
		struct bx_machine_walk found;

		if (kept->region != BX_MACHINE_REGION_NONE && (program->root == 0 ||
		    !bx_machine_walk(core->memory, program->root,
		    kept->region * BX_MACHINE_REGION_SIZE, &found) || found.pages != kept->pages))
			return false;
	}
	return true;
}

static bool
program_sound(struct bx_kcore *core, uint32_t index, const char **what)
{
	const struct bx_program *program = &core->programs[index];
	uint32_t count = 0, previous = BX_NONE;

	for (uint32_t i = program->frames; i != BX_NONE; i = core->frames[i].next) {
		const struct bx_frame *frame = &core->frames[i];

		if (i >= core->frame_count || frame->owner != index || frame->previous != previous ||
		    frame->memory != BX_FRAME_MEMORY_NONE || count++ == program->frames_used)
			return broken(what, "frame list of a program");
		previous = i;
	}
	if (count != program->frames_used || count > program->frame_quota)
		return broken(what, "frame quota");
	if ((program->root == 0) != (count == 0) &&
	    (program->root != 0 || program->state != BX_PROGRAM_ENDING))
		return broken(what, "root of a program");
	if (program->state == BX_PROGRAM_RUNNING && ((program->generation & 1) == 0 ||
	    program->space.sealed == bx_program_is_open(program) || program->work_state != 0))
		return broken(what, "a running program");
	if (!walks_sound(core, program))
		return broken(what, "what is remembered of page tables");
	if (program->root == 0 && (program->generation & 1) != 0)
		return broken(what, "generation of an ended program");
	return true;
}

/* A memory frame that is somebody's is covered by a capability of his. */
static bool
memory_covered(const struct bx_kcore *core, const struct bx_program *program, uint32_t memory,
    uint64_t page)
{
	for (uint32_t i = 0; i < program->space.slot_count; i++) {
		const struct bx_cap *cap = &core->forest.slots[program->space.first_slot + i].cap;

		if (cap->type == BX_CAP_MEMORY && cap->object.index == memory &&
		    page >= cap->first && page - cap->first < cap->count)
			return true;
	}
	return false;
}

static bool
memories_sound(const struct bx_kcore *core, const char **what)
{
	for (uint32_t i = 0; i < core->memory_count; i++) {
		const struct bx_memory *memory = &core->memories[i];

		for (uint32_t page = 0; page < memory->page_count; page++) {
			const struct bx_frame *frame =
			    &core->frames[core->memory_pages[memory->first_page + page]];

			if (frame->type != BX_FRAME_USER || frame->memory != i)
				return broken(what, "frame of a memory object");
			if (frame->owner != BX_NONE &&
			    !memory_covered(core, &core->programs[frame->owner], i, page))
				return broken(what, "memory held without a capability");
		}
	}
	return true;
}

/* A sealed plain slot holds what the manifest granted there, or less, or nothing. */
static bool
grants_sound(const struct bx_kcore *core, const char **what)
{
	for (uint32_t i = 0; i < core->grant_count; i++) {
		const struct bx_grant *grant = &core->grants[i];
		const struct bx_cap *cap = &core->forest.slots[
		    core->programs[grant->program].space.first_slot + grant->slot].cap;

		if (cap->type == BX_CAP_NONE || bx_program_is_open(&core->programs[grant->program]))
			continue;
		if (cap->type != bx_object_cap_type(core->objects[grant->object].kind) ||
		    cap->object.index != core->objects[grant->object].index ||
		    (cap->rights & ~grant->limits.rights) != 0)
			return broken(what, "more authority than the manifest gives");
	}
	return true;
}

/* Among those that are being taken apart at one priority, its own, or at none. */
static bool
ending_sound(const struct bx_kcore *core, const struct bx_program *program)
{
	for (uint32_t p = 0; p < BX_PRIORITY_COUNT; p++) {
		const uint64_t *words = core->ending[p];
		uint64_t any = 0;

		for (unsigned i = 0; i < BX_ENDING_WORDS; i++)
			any |= words[i];
		if ((any != 0) != (core->ending_mask >> p & 1) ||
		    (words[program->rank / 64] >> program->rank % 64 & 1) !=
		    (program->state == BX_PROGRAM_ENDING && program->end_priority == p))
			return false;
	}
	return true;
}

bool
bx_kcore_sound(struct bx_kcore *core, const char **what)
{
	uint32_t ending = 0, bad_slot;

	if (!frames_sound(core, what) || !free_sound(core, what))
		return false;
	for (uint32_t i = 0; i < core->frame_count; i++) {
		if (!mapping_sound(core, i))
			return broken(what, "page tables and frame table differ");
	}
	for (uint32_t i = 0; i < core->program_count; i++) {
		ending += core->programs[i].state == BX_PROGRAM_ENDING;
		if (!ending_sound(core, &core->programs[i]))
			return broken(what, "which programs are ending");
		if (!program_sound(core, i, what))
			return false;
	}
	for (uint32_t i = 0; i < core->thread_count; i++)
		ending += core->threads[i].unsettled;
	if (ending != core->put_off)
		return broken(what, "count of what was put off");
	if (!bx_cap_forest_sound(&core->forest, &bad_slot))
		return broken(what, "capability forest");
	return memories_sound(core, what) && grants_sound(core, what) &&
	    bx_sched_sound(core, what);
}
