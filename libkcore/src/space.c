/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * space.c -- user address spaces, and the only ways in which the kernel touches user memory.
 *
 * Held here, for every frame and not only for every mapping:
 *	one mapping	a user frame is mapped at most once in the whole system; where, its entry of
 *			the frame table says
 *	W^X		a mapping is never writable and executable, and while a frame is executable
 *			its alias in the kernel's direct map is read-only too
 *	one domain	a frame's content is seen by one program; it is zeroed on the way to another
 * Page tables are frames of the program, taken from its quota.
 */
#include "core.h"

static enum bx_err
map_check(const struct bx_kcore *core, uint32_t program, uint64_t address, uint32_t frame,
    uint32_t flags, unsigned *needed)
{
	bool exists;

	if ((flags & BX_PAGE_WRITE) != 0 && (flags & BX_PAGE_EXECUTE) != 0)
		return BX_ERR_WX;
	if (!bx_is_aligned(address, BX_PAGE_SIZE))
		return BX_ERR_ALIGN;
	if (address < BX_USER_START || !bx_range_fits(address, BX_PAGE_SIZE, BX_USER_END))
		return BX_ERR_RANGE;
	if (core->frames[frame].address != 0)
		return BX_ERR_MAPPED;
	*needed = bx_machine_tables_needed(core->machine, core->programs[program].root, address,
	    &exists);
	return exists ? BX_ERR_EXISTS : BX_OK;
}

enum bx_err
bx_space_map(struct bx_kcore *core, uint32_t program, uint64_t address, uint32_t frame,
    uint32_t flags)
{
	uint64_t root = core->programs[program].root, tables[BX_TABLES_MAX];
	struct bx_frame *mapped = &core->frames[frame];
	uint32_t taken[BX_TABLES_MAX];
	unsigned needed = 0;
	enum bx_err err = map_check(core, program, address, frame, flags, &needed);

	BX_ASSERT((flags & ~(uint32_t)(BX_PAGE_WRITE | BX_PAGE_EXECUTE)) == 0);
	BX_ASSERT(mapped->type == BX_FRAME_USER);
	BX_ASSERT(mapped->owner == program || mapped->memory != BX_FRAME_MEMORY_NONE);
	if (err != BX_OK)
		return err;
	for (unsigned i = 0; i < needed; i++) {
		err = bx_frame_take(core, program, BX_FRAME_TABLE, &taken[i]);
		if (err != BX_OK) {
			while (i-- > 0)
				bx_frame_give(core, taken[i]);
			return err;
		}
		tables[i] = (uint64_t)taken[i] << BX_PAGE_SHIFT;
	}

	/* Nothing below can fail. */
	if (mapped->owner != program) {
		if (mapped->owner != BX_NONE)
			mapped->flags |= BX_FRAME_DIRTY;
		mapped->owner = program;
	}
	if ((mapped->flags & BX_FRAME_DIRTY) != 0)
		bx_frame_clean(core, frame);
	mapped->address = address;
	mapped->flags = (uint8_t)flags;
	if ((flags & BX_PAGE_EXECUTE) != 0)
		bx_machine_frame_writable(core->machine, (uint64_t)frame << BX_PAGE_SHIFT, false);
	bx_machine_page_map(core->machine, root, address, (uint64_t)frame << BX_PAGE_SHIFT, flags,
	    tables);
	return BX_OK;
}

void
bx_space_unmap(struct bx_kcore *core, uint32_t frame)
{
	struct bx_frame *mapped = &core->frames[frame];

	if (mapped->address == 0)
		return;
	bx_machine_page_unmap(core->machine, core->programs[mapped->owner].root, mapped->address);
	if ((mapped->flags & BX_PAGE_EXECUTE) != 0)
		bx_machine_frame_writable(core->machine, (uint64_t)frame << BX_PAGE_SHIFT, true);
	mapped->address = 0;
	mapped->flags = 0;
}

bool
bx_space_disown(struct bx_kcore *core, uint32_t program, uint32_t frame)
{
	struct bx_frame *page = &core->frames[frame];

	BX_ASSERT(page->memory != BX_FRAME_MEMORY_NONE);
	if (page->owner != program)
		return false;
	bx_space_unmap(core, frame);
	memset(bx_core_frame_bytes(core, frame), 0, BX_PAGE_SIZE);
	page->owner = BX_NONE;
	return true;
}

/* Where the kernel sees the byte at a user address, or NULL; *length is cut at the page's end. */
static uint8_t *
user_bytes(const struct bx_kcore *core, uint32_t program, uint64_t address, bool write,
    size_t *length)
{
	uint64_t offset = address & (BX_PAGE_SIZE - 1), frame;
	uint32_t flags;

	if (!bx_machine_page_lookup(core->machine, core->programs[program].root, address - offset,
	    &frame, &flags))
		return NULL;
	if (write && (flags & BX_PAGE_WRITE) == 0)
		return NULL;
	BX_INVARIANT(core->frames[frame >> BX_PAGE_SHIFT].owner == program);
	if (*length > BX_PAGE_SIZE - offset)
		*length = BX_PAGE_SIZE - offset;
	return core->memory + frame + offset;
}

static bool
user_range(uint64_t address, size_t length)
{
	return length == 0 || (address >= BX_USER_START &&
	    bx_range_fits(address, length, BX_USER_END));
}

enum bx_err
bx_copy_in(struct bx_kcore *core, uint32_t program, uint64_t address, void *to, size_t length)
{
	uint8_t *at = to;

	if (!user_range(address, length))
		return BX_ERR_ADDRESS;
	while (length > 0) {
		size_t part = length;
		const uint8_t *from = user_bytes(core, program, address, false, &part);

		if (from == NULL)
			return BX_ERR_ADDRESS;
		memcpy(at, from, part);
		at += part;
		address += part;
		length -= part;
	}
	return BX_OK;
}

enum bx_err
bx_copy_out(struct bx_kcore *core, uint32_t program, uint64_t address, const void *from,
    size_t length)
{
	const uint8_t *at = from;

	if (!user_range(address, length))
		return BX_ERR_ADDRESS;
	while (length > 0) {
		size_t part = length;
		uint8_t *to = user_bytes(core, program, address, true, &part);

		if (to == NULL)
			return BX_ERR_ADDRESS;
		memcpy(to, at, part);
		at += part;
		address += part;
		length -= part;
	}
	return BX_OK;
}

enum bx_err
bx_copy_across(struct bx_kcore *core, uint32_t from_program, uint64_t from, uint32_t to_program,
    uint64_t to, uint32_t length, uint32_t *done, bool *sender_fault)
{
	uint32_t end = length - *done > BX_COPY_STEP ? *done + BX_COPY_STEP : length;

	BX_ASSERT(*done <= length);
	*sender_fault = !user_range(from, length);
	if (*sender_fault || !user_range(to, length))
		return BX_ERR_ADDRESS;
	while (*done < end) {
		size_t part = end - *done;
		uint8_t *source, *target;

		source = user_bytes(core, from_program, from + *done, false, &part);
		target = user_bytes(core, to_program, to + *done, true, &part);
		*sender_fault = source == NULL;
		if (source == NULL || target == NULL)
			return BX_ERR_ADDRESS;
		/* One frame is mapped once, but a program may send to itself. */
		memmove(target, source, part);
		*done += (uint32_t)part;
	}
	return end == length ? BX_OK : BX_ERR_AGAIN;
}
