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

static bool
user_range(uint64_t address, size_t length)
{
	return length == 0 || (address >= BX_USER_START &&
	    bx_range_fits(address, length, BX_USER_END));
}

void
bx_space_forget(struct bx_program *program)
{
	for (unsigned i = 0; i < BX_PROGRAM_WALKS; i++)
		program->walks[i] = (struct bx_machine_walk){ NULL, BX_MACHINE_REGION_NONE };
}

/* Between kernel memory and a program's: into it, when `write`. */
static enum bx_err
copy(struct bx_kcore *core, uint32_t program, uint64_t address, void *bytes, size_t length,
    bool write)
{
	uint8_t *at = bytes;

	if (!user_range(address, length))
		return BX_ERR_ADDRESS;
	while (length > 0) {
		size_t part = bx_page_part(address, length);
		uint8_t *user = bx_user_byte(core, program, address, write);

		if (user == NULL)
			return BX_ERR_ADDRESS;
		memcpy(write ? user : at, write ? at : user, part);
		at += part;
		address += part;
		length -= part;
	}
	return BX_OK;
}

enum bx_err
bx_copy_in(struct bx_kcore *core, uint32_t program, uint64_t address, void *to, size_t length)
{
	return copy(core, program, address, to, length, false);
}

enum bx_err
bx_copy_out(struct bx_kcore *core, uint32_t program, uint64_t address, const void *from,
    size_t length)
{
	return copy(core, program, address, (void *)(uintptr_t)from, length, true);
}

enum bx_err
bx_copy_across(struct bx_kcore *core, uint32_t from_program, uint64_t from, uint32_t to_program,
    uint64_t to, uint32_t length, uint32_t *done, bool *sender_fault)
{
	uint32_t at = *done, end = length - at > BX_COPY_STEP ? at + BX_COPY_STEP : length;
	size_t source_left = 0, target_left = 0, part;	/* of the page */
	const uint8_t *source = NULL;
	uint8_t *target = NULL;

	BX_ASSERT(at <= length);
	*sender_fault = !user_range(from, length);
	if (*sender_fault || !user_range(to, length))
		return BX_ERR_ADDRESS;
	for (; at < end; at += (uint32_t)part) {
		*done = at;
		if (source_left == 0) {
			source = bx_user_byte(core, from_program, from + at, false);
			source_left = bx_page_part(from + at, end - at);
			*sender_fault = source == NULL;
			if (source == NULL)
				return BX_ERR_ADDRESS;
		}
		if (target_left == 0) {
			target = bx_user_byte(core, to_program, to + at, true);
			target_left = bx_page_part(to + at, end - at);
			if (target == NULL)
				return BX_ERR_ADDRESS;
		}
		part = source_left < target_left ? source_left : target_left;
		/* One frame is mapped once, but a program may send to itself. */
		memmove(target, source, part);
		source += part;
		target += part;
		source_left -= part;
		target_left -= part;
	}
	*done = at;
	return end == length ? BX_OK : BX_ERR_AGAIN;
}
