/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sys_memory.c -- mapping pages of memory objects into the caller's own space.
 */
#include "sys.h"

#define MAP_STEP	3		/* pages between two looks at the interrupts */

/* The frame of page `page` of what the capability covers; false past its end. */
static bool
page_frame(const struct bx_kcore *core, const struct bx_cap *cap, uint64_t page, uint32_t *frame)
{
	const struct bx_memory *memory = &core->memories[cap->object.index];

	if (page >= cap->count || cap->first + page >= memory->page_count)
		return false;
	*frame = core->memory_pages[memory->first_page + cap->first + page];
	return true;
}

static enum bx_err
range_check(const struct bx_kcore *core, const struct bx_cap *cap, uint64_t first, uint64_t count)
{
	uint32_t frame;

	if (count == 0 || !bx_range_fits(first, count, cap->count))
		return BX_ERR_RANGE;
	return page_frame(core, cap, first + count - 1, &frame) ? BX_OK : BX_ERR_RANGE;
}

static enum bx_err
map_rights(uint64_t map, uint8_t *rights, uint32_t *flags)
{
	if ((map & ~(uint64_t)(BX_MAP_READ | BX_MAP_WRITE | BX_MAP_EXECUTE)) != 0 ||
	    (map & BX_MAP_READ) == 0)
		return BX_ERR_INVALID;
	if ((map & BX_MAP_WRITE) != 0 && (map & BX_MAP_EXECUTE) != 0)
		return BX_ERR_WX;
	*rights = BX_RIGHT_READ;
	*flags = 0;
	if ((map & BX_MAP_WRITE) != 0) {
		*rights |= BX_RIGHT_WRITE;
		*flags |= BX_PAGE_WRITE;
	}
	if ((map & BX_MAP_EXECUTE) != 0) {
		*rights |= BX_RIGHT_EXECUTE;
		*flags |= BX_PAGE_EXECUTE;
	}
	return BX_OK;
}

/* thread->work of a map call: pages mapped so far; or, when one was refused or the capability has
 * gone, UNDO, the error, and how many have still to go again. */
#define UNDO		(1ull << 63)
#define UNDO_ERR(work)	((enum bx_err)-(int)((work) >> 32 & 0xff))
#define UNDO_COUNT(work) ((work) & UINT32_MAX)

/* By the address, not by the capability, which may not be there any more; then its pages have been
 * taken away already, and nothing is found. */
static enum bx_err
map_undo(struct bx_kcore *core, struct bx_thread *thread, uint64_t address)
{
	uint64_t physical;
	uint32_t flags;

	for (unsigned n = 0; n < MAP_STEP && UNDO_COUNT(thread->work) > 0; n++) {
		thread->work--;
		if (bx_machine_page_lookup(core->machine, core->programs[thread->program].root,
		    address + (UNDO_COUNT(thread->work) << BX_PAGE_SHIFT), &physical, &flags) &&
		    core->frames[physical >> BX_PAGE_SHIFT].memory != BX_FRAME_MEMORY_NONE)
			bx_space_unmap(core, (uint32_t)(physical >> BX_PAGE_SHIFT));
	}
	return UNDO_COUNT(thread->work) > 0 ? BX_ERR_AGAIN : UNDO_ERR(thread->work);
}

static enum bx_err
map_fail(struct bx_kcore *core, struct bx_thread *thread, enum bx_err err)
{
	thread->work |= UNDO | (uint64_t)-(int64_t)err << 32;
	return map_undo(core, thread, thread->context.value[1]);
}

enum bx_err
bx_map_give_up(struct bx_kcore *core, struct bx_thread *thread)
{
	if (thread->restart == 0 || thread->call_kind == BX_CALL_FAULT || thread->work == 0 ||
	    thread->context.number != BX_SYS_MAP)
		return BX_OK;
	if ((thread->work & UNDO) == 0)
		return map_fail(core, thread, BX_ERR_CANCELLED) == BX_ERR_AGAIN ? BX_ERR_AGAIN : BX_OK;
	return map_undo(core, thread, thread->context.value[1]) == BX_ERR_AGAIN ? BX_ERR_AGAIN : BX_OK;
}

static enum bx_err
map_check(struct bx_kcore *core, const struct bx_thread *thread, uint32_t *slot, uint32_t *flags)
{
	uint64_t address = thread->context.value[1], count = thread->context.word[0];
	uint8_t rights;
	enum bx_err err = map_rights(thread->context.word[1], &rights, flags);

	if (err == BX_OK)
		err = bx_sys_cap(core, thread, thread->context.value[0], BX_CAP_MEMORY, rights, slot);
	if (err == BX_OK)
		err = range_check(core, &core->forest.slots[*slot].cap, thread->context.value[2], count);
	if (err != BX_OK)
		return err;
	if (!bx_is_aligned(address, BX_PAGE_SIZE))
		return BX_ERR_ALIGN;
	if (address < BX_USER_START ||
	    !bx_range_fits(address, count << BX_PAGE_SHIFT, BX_USER_END))
		return BX_ERR_RANGE;
	return BX_OK;
}

/* All pages or none: each step looks at the capability, and when it does not serve any more, what was
 * done is undone, as it is when the thread is stopped in between (bx_map_give_up).  It goes by what is in
 * the slot then, which in an open space need not be what it began with. */
enum bx_err
bx_sys_map(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	uint64_t address = thread->context.value[1], first = thread->context.value[2];
	uint32_t slot, flags, frame;
	enum bx_err err;

	(void)out;
	if ((thread->work & UNDO) != 0)
		return map_undo(core, thread, address);
	err = map_check(core, thread, &slot, &flags);
	for (unsigned n = 0; err == BX_OK && n < MAP_STEP && thread->work < thread->context.word[0];
	    n++) {
		err = page_frame(core, &core->forest.slots[slot].cap, first + thread->work, &frame) ?
		    bx_space_map(core, thread->program,
		    address + (thread->work << BX_PAGE_SHIFT), frame, flags) : BX_ERR_RANGE;
		thread->work += err == BX_OK;
	}
	if (err != BX_OK)
		return map_fail(core, thread, err);
	if (thread->work < thread->context.word[0])
		return BX_ERR_AGAIN;
	bx_cap_use(&core->forest, slot);
	return BX_OK;
}

/* All pages are mapped by the caller, or none is touched.  thread->work: pages looked at, then
 * pages unmapped. */
enum bx_err
bx_sys_unmap(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	uint64_t first = thread->context.value[2], count = thread->context.word[0];
	const struct bx_cap *cap;
	uint32_t slot, frame;
	enum bx_err err = bx_sys_cap(core, thread, thread->context.value[0], BX_CAP_MEMORY,
	    BX_RIGHT_READ, &slot);

	(void)out;
	if (err != BX_OK)
		return err;
	cap = &core->forest.slots[slot].cap;
	err = range_check(core, cap, first, count);
	if (err != BX_OK)
		return err;
	for (unsigned n = 0; n < MAP_STEP && thread->work < 2 * count; n++, thread->work++) {
		bool mapped = page_frame(core, cap, first + thread->work % count, &frame) &&
		    core->frames[frame].owner == thread->program &&
		    core->frames[frame].address != 0;

		if (thread->work < count && !mapped)
			return BX_ERR_NOT_MAPPED;
		if (thread->work >= count && mapped)
			bx_space_unmap(core, frame);
	}
	if (thread->work < 2 * count)
		return BX_ERR_AGAIN;
	bx_cap_use(&core->forest, slot);
	return BX_OK;
}
