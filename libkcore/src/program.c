/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * program.c -- programs of the manifest as processes: start and end, both in bounded steps.
 *
 *	work_state	does				step			then
 *	NONE		check the ELF file, root table,	at once			SEGMENTS
 *			argument and launch pages
 *	SEGMENTS	text and data			STEP_PAGES pages	STACK
 *	STACK		the first thread's stack	STEP_PAGES pages	THREADS
 *	THREADS		its threads, stopped		STEP_THREADS threads	GRANTS
 *	GRANTS		capabilities of the manifest	STEP_GRANTS grants	SEAL
 *	SEAL		nothing more comes		at once			STATE
 *	STATE		the digest of what it holds	bx_state_step		FINISH
 *	FINISH		the first thread is ready	at once			NONE: it runs
 *
 *	END_THREADS	its threads, their clients	STEP_THREADS, _SCAN	END_SENDERS
 *	END_SENDERS	who is queued for it		one endpoint, _SCAN	END_SLOTS
 *	END_SLOTS	its capabilities, and theirs	BX_REMOVAL_STEP		END_PAGES
 *	END_PAGES	its user pages			STEP_PAGES, _SCAN	END_TABLES
 *	END_TABLES	its page tables			STEP_PAGES		NONE: it is gone
 *
 * bx_program_end turns any of the upper into END_THREADS.  The commit point of a start is the last
 * step: until then no thread of the program is ready.  Its space is sealed when it has its
 * capabilities, and before their digest is taken, but for a program that the manifest gives an open
 * space.  From the first
 * step of an end no thread of it runs (dispatch takes the program apart instead) or is spoken to
 * (bx_thread_dying).
 *
 * Until END_SENDERS is over, those who wait for the program are waiting for its end, which has the highest
 * priority that its threads have or are lent; the rest has its own.
 *
 * A capability for a thread or space of a program names the program's, whichever process that has:
 * the manifest's authority is over the program.  It is stale while there is no process.
 */
#include "thread.h"

enum work_state {
	WORK_NONE = 0,
	WORK_SEGMENTS, WORK_STACK, WORK_THREADS, WORK_GRANTS, WORK_SEAL, WORK_STATE, WORK_FINISH,
	WORK_END_THREADS, WORK_END_SENDERS, WORK_END_SLOTS, WORK_END_PAGES, WORK_END_TABLES
};

#define STEP_PAGES	3u
#define STEP_GRANTS	8u
#define STEP_THREADS	4u
#define STEP_SCAN	256u	/* entries looked at, in a table where most need nothing */
/* What a removal costs, in such entries. */
#define COST_LEAF	16
#define COST_PAGE	64	/* unmapped and zeroed */
#define COST_LOOK	2	/* closer, at a thread whose registers name the slot */
#define COST_WAKE	128	/* of a thread, with those that it waited for */
#define USE_LOOKS	64u	/* threads looked at closely before a capability counts as in use */

static bool
starting(const struct bx_program *program)
{
	return program->work_state != WORK_NONE && program->work_state < WORK_END_THREADS;
}

/* ---- start -------------------------------------------------------------------------------- */

/* Takes a frame and maps it, with up to a page of content; the rest stays zero. */
static enum bx_err
page_make(struct bx_kcore *core, uint32_t program, uint64_t address, uint32_t flags,
    const uint8_t *bytes, size_t offset, size_t length)
{
	uint32_t frame;
	enum bx_err err = bx_frame_take(core, program, BX_FRAME_USER, &frame);

	if (err != BX_OK)
		return err;
	if (length > 0)
		memcpy((uint8_t *)bx_core_frame_bytes(core, frame) + offset, bytes, length);
	err = bx_space_map(core, program, address, frame, flags);
	if (err != BX_OK)
		bx_frame_give(core, frame);
	return err;
}

static uint64_t
segment_pages(const struct bx_elf_segment *segment)
{
	return (bx_align_up(segment->address + segment->memory_size, BX_PAGE_SIZE) -
	    bx_align_down(segment->address, BX_PAGE_SIZE)) >> BX_PAGE_SHIFT;
}

/* The ELF file of a program.  Validated at each step anew: that is cheaper than keeping it. */
static enum bx_err
elf_of(const struct bx_kcore *core, const struct bx_program *program, struct bx_elf *elf)
{
	const struct bx_kcore_module *module = &core->modules[program->module];
	const char *where;

	return bx_elf_open(module->bytes, module->size, elf, &where);
}

/* Nothing is taken before the file is known to be good and its pages to be within the quota. */
static enum bx_err
start_begin(struct bx_kcore *core, uint32_t index, const uint8_t *argument, size_t length)
{
	struct bx_program *program = &core->programs[index];
	uint64_t pages = 2u + (length > 0 ? 1u : 0u) + program->stack_pages;
	struct bx_elf elf;
	uint32_t root;
	enum bx_err err = elf_of(core, program, &elf);

	if (err != BX_OK)
		return err;
	for (uint32_t i = 0; i < elf.segment_count; i++)
		pages += segment_pages(&elf.segments[i]);
	if (pages > program->frame_quota)
		return BX_ERR_QUOTA;
	err = bx_frame_take(core, index, BX_FRAME_TABLE, &root);
	if (err != BX_OK)
		return err;

	program->root = (uint64_t)root << BX_PAGE_SHIFT;
	bx_machine_root_init(core->machine, program->root);
	bx_space_forget(program);
	program->work_state = WORK_SEGMENTS;
	program->work_index = 0;
	program->work_offset = 0;
	program->work_thread = core->cpu.current;
	program->argument_length = (uint32_t)length;
	err = page_make(core, index, BX_LAUNCH_ADDRESS, 0, program->launch, 0, program->launch_size);
	if (err == BX_OK && length > 0)
		err = page_make(core, index, BX_ARGUMENT_ADDRESS, 0, argument, 0, length);
	return err;
}

static enum bx_err
segment_page(struct bx_kcore *core, uint32_t index, const struct bx_elf_segment *segment,
    uint64_t page)
{
	const struct bx_kcore_module *module = &core->modules[core->programs[index].module];
	uint64_t address = bx_align_down(segment->address, BX_PAGE_SIZE) + (page << BX_PAGE_SHIFT);
	uint64_t from = address < segment->address ? segment->address : address;
	uint64_t file_end = segment->address + segment->file_size;
	uint64_t length = 0;

	if (from < file_end) {
		length = address + BX_PAGE_SIZE - from;
		if (length > file_end - from)
			length = file_end - from;
	}
	return page_make(core, index, address, segment->flags,
	    length == 0 ? NULL : module->bytes + segment->file_offset + (from - segment->address),
	    (size_t)(from - address), (size_t)length);
}

static enum bx_err
segments_step(struct bx_kcore *core, uint32_t index)
{
	struct bx_program *program = &core->programs[index];
	struct bx_elf elf;
	enum bx_err err = elf_of(core, program, &elf);

	for (unsigned i = 0; err == BX_OK && i < STEP_PAGES; i++) {
		const struct bx_elf_segment *segment = &elf.segments[program->work_index];

		err = segment_page(core, index, segment, program->work_offset);
		if (++program->work_offset < segment_pages(segment))
			continue;
		program->work_offset = 0;
		if (++program->work_index == elf.segment_count) {
			program->work_state = WORK_STACK;
			program->work_index = 0;
			break;
		}
	}
	return err;
}

/* The stack, and then everything that others may name. */
static enum bx_err
stack_step(struct bx_kcore *core, uint32_t index)
{
	struct bx_program *program = &core->programs[index];
	enum bx_err err;

	for (unsigned i = 0; i < STEP_PAGES && program->work_index < program->stack_pages; i++) {
		err = page_make(core, index,
		    BX_STACK_TOP - ((uint64_t)++program->work_index << BX_PAGE_SHIFT),
		    BX_PAGE_WRITE, NULL, 0, 0);
		if (err != BX_OK)
			return err;
	}
	if (program->work_index < program->stack_pages)
		return BX_OK;

	BX_ASSERT((program->generation & 1) == 0);
	program->generation++;
	err = bx_cap_space_init(&core->forest, program->space.first_slot, program->space.slot_count,
	    program->space.plain_count, &program->space);
	BX_ASSERT(err == BX_OK);	/* as at boot */
	program->work_state = WORK_THREADS;
	program->work_index = 0;
	return BX_OK;
}

static void
threads_step(struct bx_kcore *core, uint32_t index)
{
	struct bx_program *program = &core->programs[index];

	for (unsigned i = 0; i < STEP_THREADS && program->work_index < program->thread_count; i++)
		bx_thread_make(core, program->first_thread + program->work_index++, index);
	if (program->work_index == program->thread_count) {
		program->work_state = WORK_GRANTS;
		program->work_index = program->first_grant;
		program->launched = bx_machine_now(core->machine);
	}
}

/* Where the lender of a grant has what it lends, if it has; it may have deleted it, or, in an open
 * space, put something else there. */
static bool
lender_place(const struct bx_kcore *core, const struct bx_grant *grant, struct bx_cap_place *from)
{
	const struct bx_grant *above = &core->grants[grant->lender];
	const struct bx_object *object = &core->objects[grant->object];
	const struct bx_program *lender = &core->programs[above->program];
	const struct bx_cap *held = &core->forest.slots[lender->space.first_slot + above->slot].cap;

	*from = (struct bx_cap_place){ &lender->space, above->slot };
	return lender->state == BX_PROGRAM_RUNNING &&
	    held->type == bx_object_cap_type(object->kind) && held->object.index == object->index;
}

static void
grant_record(struct bx_kcore *core, const struct bx_grant *grant)
{
	uint32_t number = core->programs[grant->program].space.first_slot + grant->slot;
	const struct bx_cap *cap = &core->forest.slots[number].cap;

	bx_audit_cap(core, BX_AUDIT_GRANT, grant->program, grant->lender == BX_NONE ? BX_NONE :
	    core->grants[grant->lender].program, bx_audit_about(core, number), grant->slot, cap->badge,
	    cap->uses);
}

/* What one grant gives, at its place.  What the lender has not, or not so much of, is not lent. */
static enum bx_err
grant_derive(struct bx_kcore *core, const struct bx_grant *grant, uint64_t now)
{
	struct bx_cap_place from = { &core->root_space, core->objects[grant->object].root_slot };
	struct bx_cap_place to = { &core->programs[grant->program].space, grant->slot };
	struct bx_cap_limits limits = grant->limits;
	const struct bx_cap *source;
	enum bx_err err;

	if (grant->lender != BX_NONE && !lender_place(core, grant, &from))
		return BX_OK;
	source = &core->forest.slots[from.space->first_slot + from.index].cap;
	limits.expiry = source->expiry;
	if (grant->lifetime_ticks != 0 && now < limits.expiry &&
	    grant->lifetime_ticks < limits.expiry - now)
		limits.expiry = now + grant->lifetime_ticks;
	err = bx_cap_derive(&core->forest, from, &limits, to, now);
	if (err == BX_OK)
		grant_record(core, grant);
	return grant->lender == BX_NONE ? err : BX_OK;
}

/* All that it will ever have from the manifest is there: nothing more comes. */
static void
seal_step(struct bx_kcore *core, uint32_t index)
{
	struct bx_program *program = &core->programs[index];

	if (!bx_program_is_open(program))
		bx_cap_space_seal(&program->space);
	bx_state_begin(core, index);
	program->work_state = WORK_STATE;
	program->work_index = 0;
}

/* Lifetimes count from one tick, however long the steps take. */
static enum bx_err
grants_step(struct bx_kcore *core, uint32_t index)
{
	struct bx_program *program = &core->programs[index];

	for (unsigned i = 0; i < STEP_GRANTS && program->work_index < core->grant_count; i++) {
		const struct bx_grant *grant = &core->grants[program->work_index];
		enum bx_err err;

		if (grant->program != index)
			break;
		err = grant_derive(core, grant, program->launched);
		if (err != BX_OK)
			return err;
		program->work_index++;
	}
	if (program->work_index == core->grant_count ||
	    core->grants[program->work_index].program != index)
		program->work_state = WORK_SEAL;
	return BX_OK;
}

/* The commit point: from here on it runs. */
static void
start_finish(struct bx_kcore *core, uint32_t index)
{
	struct bx_program *program = &core->programs[index];
	struct bx_thread *thread = &core->threads[program->first_thread];
	const uint64_t argument[4] = {
		BX_LAUNCH_ADDRESS, program->launch_size,
		program->argument_length > 0 ? BX_ARGUMENT_ADDRESS : 0, program->argument_length,
	};
	uint32_t starter = program->work_thread == BX_NONE ? BX_NONE :
	    core->threads[program->work_thread].program;
	struct bx_elf elf = { .entry = 0 };
	enum bx_err err = elf_of(core, program, &elf);

	BX_ASSERT(err == BX_OK);	/* it was good at the first step and is immutable */
	program->work_state = WORK_NONE;
	program->work_thread = BX_NONE;
	program->state = BX_PROGRAM_RUNNING;
	program->starts++;
	program->cpu_ticks = 0;
	program->exit_code = 0;
	program->fault_kind = 0;
	program->fault_address = 0;
	program->fault_instruction = 0;
	bx_machine_context_start(&thread->context, elf.entry, BX_STACK_TOP, argument);
	thread->context.root = program->root;
	thread->context.fpu = (program->flags & BX_PROGRAM_FPU) != 0;
	bx_audit(core, BX_AUDIT_SPAWN, starter, index, elf.entry, bx_get_be64(program->state_hash),
	    program->starts);
	bx_thread_ready(core, thread);
}

enum bx_err
bx_program_start(struct bx_kcore *core, uint32_t index, const uint8_t *argument, size_t length)
{
	struct bx_program *program = &core->programs[index];
	enum bx_err err = BX_OK;

	BX_ASSERT(length <= BX_SPAWN_ARGUMENT_MAX);
	if (program->state == BX_PROGRAM_RUNNING || program->state == BX_PROGRAM_ENDING)
		return BX_ERR_STATE;
	if (program->work_state != WORK_NONE && program->work_thread != core->cpu.current)
		return BX_ERR_BUSY;

	switch (program->work_state) {
	case WORK_NONE:
		err = start_begin(core, index, argument, length);
		break;
	case WORK_SEGMENTS:
		err = segments_step(core, index);
		break;
	case WORK_STACK:
		err = stack_step(core, index);
		break;
	case WORK_THREADS:
		threads_step(core, index);
		break;
	case WORK_GRANTS:
		err = grants_step(core, index);
		break;
	case WORK_SEAL:
		seal_step(core, index);
		break;
	case WORK_STATE:
		if (bx_state_step(core, index, &program->work_index))
			program->work_state = WORK_FINISH;
		break;
	case WORK_FINISH:
		start_finish(core, index);
		return BX_OK;
	}
	if (err == BX_OK)
		return BX_ERR_AGAIN;
	bx_program_end(core, index, (enum bx_program_state)program->state);
	return err;
}

/* ---- end ---------------------------------------------------------------------------------- */

/* Its bit among the programs that are being taken apart, at its present priority. */
static void
ending_mark(struct bx_kcore *core, const struct bx_program *program)
{
	core->ending[program->end_priority][program->rank / 64] |= 1ull << program->rank % 64;
	core->ending_mask |= 1ull << program->end_priority;
}

static void
ending_clear(struct bx_kcore *core, const struct bx_program *program)
{
	uint64_t *words = core->ending[program->end_priority], left = 0;

	words[program->rank / 64] &= ~(1ull << program->rank % 64);
	for (unsigned i = 0; i < BX_ENDING_WORDS; i++)
		left |= words[i];
	if (left == 0)
		core->ending_mask &= ~(1ull << program->end_priority);
}

static void
ending_move(struct bx_kcore *core, struct bx_program *program, uint32_t priority)
{
	ending_clear(core, program);
	program->end_priority = (uint8_t)priority;
	ending_mark(core, program);
}

/* The highest priority of its threads: who waits for one has lent it theirs. */
static uint32_t
waited_priority(const struct bx_kcore *core, const struct bx_program *program)
{
	const struct bx_thread *thread = &core->threads[program->first_thread];
	const struct bx_thread *end = thread + program->thread_count;
	uint32_t priority = program->priority;

	for (; thread != end; thread++)
		priority = thread->priority > priority ? thread->priority : priority;
	return priority;
}

/* Begins the taking apart. */
static void
end_begin(struct bx_kcore *core, uint32_t index, uint32_t state)
{
	struct bx_program *program = &core->programs[index];

	program->signals_exit = program->state == BX_PROGRAM_RUNNING;
	program->end_state = state;
	program->state = BX_PROGRAM_ENDING;
	program->work_state = WORK_END_THREADS;
	program->end_priority = (uint8_t)(program->signals_exit ? waited_priority(core, program) : program->priority);
	program->work_index = 0;
	program->work_offset = 0;		/* capabilities that went */
	program->work_thread = BX_NONE;
	ending_mark(core, program);
	core->put_off++;
	program->generation += program->generation & 1;	/* even: no process */
}

void
bx_program_end(struct bx_kcore *core, uint32_t index, enum bx_program_state state)
{
	const struct bx_program *program = &core->programs[index];

	if (program->state == BX_PROGRAM_RUNNING || starting(program))
		end_begin(core, index, state);
}

void
bx_program_starter_gone(struct bx_kcore *core, const struct bx_thread *thread)
{
	uint64_t index = thread->context.value[1];	/* if it is in a BX_SYS_SPAWN */

	if (index < core->program_count && starting(&core->programs[index]) &&
	    core->programs[index].work_thread == thread->index)
		end_begin(core, (uint32_t)index, core->programs[index].state);
}

void
bx_program_end_hasten(struct bx_kcore *core, uint32_t index, uint32_t priority)
{
	struct bx_program *program = &core->programs[index];

	if (priority > program->end_priority &&
	    (program->work_state == WORK_END_THREADS || program->work_state == WORK_END_SENDERS))
		ending_move(core, program, priority);
}

static bool
end_threads_step(struct bx_kcore *core, struct bx_program *program)
{
	unsigned ended = 0;

	for (unsigned i = 0; i < STEP_SCAN && program->work_index < program->thread_count; i++) {
		uint32_t index = program->first_thread + program->work_index;
		bool clients = core->threads[index].clients != BX_NONE;

		if (core->threads[index].state != BX_THREAD_FREE && ended++ == STEP_THREADS)
			return false;
		if (clients && ended > 1)
			return false;		/* whose clients have to be told has a step for itself */
		if (!bx_thread_end(core, index))
			return false;
		program->work_index++;
		if (clients)
			return program->work_index == program->thread_count;
	}
	return program->work_index == program->thread_count;
}

/* The threads have gone, so nobody is queued for the program anew; whoever has their numbers next has
 * received nowhere. */
static bool
end_senders_step(struct bx_kcore *core, uint32_t index)
{
	struct bx_program *program = &core->programs[index];

	for (unsigned i = 0; i < STEP_SCAN && program->work_index < core->endpoint_count; i++) {
		struct bx_endpoint *endpoint = &core->endpoints[program->work_index];

		if (endpoint->server == index) {
			endpoint->server_thread = BX_NONE;
			if (endpoint->senders.head != BX_NONE) {
				program->work_index += bx_ipc_senders_release(core, endpoint);
				return false;
			}
		}
		program->work_index++;
	}
	return program->work_index == core->endpoint_count;
}

/* Removes slots of the program, each with what was derived from it, deepest first. */
static enum bx_err
end_slots_step(struct bx_kcore *core, struct bx_program *program)
{
	struct bx_removal *removal = &program->removal;

	removal->left = BX_REMOVAL_STEP;
	while (program->work_index < program->space.slot_count) {
		uint32_t slot = program->space.first_slot + program->work_index;
		uint32_t leaf = BX_CAP_SLOT_NONE;

		while (core->forest.slots[slot].cap.type != BX_CAP_NONE) {
			if (removal->left <= 0)
				return BX_ERR_AGAIN;
			leaf = bx_cap_leaf_next(&core->forest, slot, leaf);
			if (bx_capability_remove_leaf(core, leaf == BX_CAP_SLOT_NONE ? slot : leaf,
			    &leaf, removal) != BX_OK)
				return BX_ERR_AGAIN;
			program->work_offset++;
		}
		program->work_index++;
		if (--removal->left <= 0)
			return BX_ERR_AGAIN;
	}
	return BX_OK;
}

/* User pages first: unmapping needs the tables.  work_index: where to go on in the list. */
static enum bx_err
end_pages_step(struct bx_kcore *core, struct bx_program *program)
{
	unsigned given = 0;

	for (unsigned i = 0; i < STEP_SCAN && program->work_index != BX_NONE; i++) {
		uint32_t frame = program->work_index;

		if (core->frames[frame].type == BX_FRAME_USER && given++ == STEP_PAGES)
			return BX_ERR_AGAIN;
		program->work_index = core->frames[frame].next;
		if (core->frames[frame].type == BX_FRAME_USER) {
			bx_space_unmap(core, frame);
			bx_frame_give(core, frame);
		}
	}
	return program->work_index == BX_NONE ? BX_OK : BX_ERR_AGAIN;
}

static enum bx_err
end_tables_step(struct bx_kcore *core, struct bx_program *program)
{
	for (unsigned i = 0; i < STEP_PAGES && program->frames != BX_NONE; i++)
		bx_frame_give(core, program->frames);
	return program->frames == BX_NONE ? BX_OK : BX_ERR_AGAIN;
}

static void
end_finish(struct bx_kcore *core, struct bx_program *program)
{
	BX_ASSERT(program->frames_used == 0);
	program->work_state = WORK_NONE;
	program->state = program->end_state;
	bx_audit(core, BX_AUDIT_END, (uint32_t)(program - core->programs), BX_NONE, program->end_state,
	    program->work_offset, 0);
	ending_clear(core, program);
	core->put_off--;
	if (program->signals_exit && program->exit_notification != BX_NONE)
		bx_notification_signal(core, program->exit_notification, program->exit_bits);
}

enum bx_err
bx_program_end_step(struct bx_kcore *core, uint32_t index)
{
	struct bx_program *program = &core->programs[index];

	BX_ASSERT(program->state == BX_PROGRAM_ENDING);
	switch (program->work_state) {
	case WORK_END_THREADS:
		if (end_threads_step(core, program)) {
			program->work_state = WORK_END_SENDERS;
			program->work_index = 0;
		}
		return BX_ERR_AGAIN;
	case WORK_END_SENDERS:
		if (end_senders_step(core, index)) {
			program->work_state = WORK_END_SLOTS;
			program->work_index = 0;
			ending_move(core, program, program->priority);
		}
		return BX_ERR_AGAIN;
	case WORK_END_SLOTS:
		if (end_slots_step(core, program) == BX_OK) {
			program->work_state = WORK_END_PAGES;
			program->work_index = program->frames;
		}
		return BX_ERR_AGAIN;
	case WORK_END_PAGES:
		if (end_pages_step(core, program) == BX_OK) {
			program->work_state = WORK_END_TABLES;
			program->root = 0;	/* its tables go one by one: none is followed any more */
			bx_space_forget(program);
		}
		return BX_ERR_AGAIN;
	default:
		BX_ASSERT(program->work_state == WORK_END_TABLES);
		if (end_tables_step(core, program) != BX_OK)
			return BX_ERR_AGAIN;
		end_finish(core, program);
		return BX_OK;
	}
}

uint32_t
bx_program_ending(const struct bx_kcore *core)
{
	const uint64_t *words;

	if (core->ending_mask == 0)
		return BX_NONE;
	words = core->ending[63u - (uint32_t)__builtin_clzll(core->ending_mask)];
	for (uint32_t word = BX_ENDING_WORDS; word-- > 0;) {
		if (words[word] != 0)
			return core->ranked[64 * word + 63 - (uint32_t)__builtin_clzll(words[word])];
	}
	return BX_NONE;
}

/* ---- capabilities and what they hold up ---------------------------------------------------- */

uint32_t
bx_program_of_slot(const struct bx_kcore *core, uint32_t slot)
{
	uint32_t low = 0, high = core->program_count;

	/* Spaces lie in the order of programs, behind the root region. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct bx_cap_space *space = &core->programs[middle].space;

		if (slot < space->first_slot)
			high = middle;
		else if (slot - space->first_slot < space->slot_count)
			return middle;
		else
			low = middle + 1;
	}
	return BX_NONE;
}

/* Pages of the range, from its end; the leaf's own count keeps the place between steps. */
static enum bx_err
memory_release(struct bx_kcore *core, struct bx_cap *cap, uint32_t program,
    struct bx_removal *removal)
{
	const uint32_t *pages = &core->memory_pages[core->memories[cap->object.index].first_page];

	while (cap->count > 0 && removal->left > 0) {
		bool was = bx_space_disown(core, program, pages[cap->first + cap->count - 1]);

		removal->left -= was ? COST_PAGE : 1;
		cap->count--;
	}
	return cap->count == 0 ? BX_OK : BX_ERR_AGAIN;
}

/* The line falls silent with its binder's right to it, not with that of another holder. */
static void
irq_release(struct bx_kcore *core, uint32_t index, uint32_t program)
{
	struct bx_irq *irq = &core->irqs[index];

	if (irq->notification == BX_NONE || irq->binder != program)
		return;
	bx_machine_irq_mask(core->machine, irq->number);
	irq->notification = BX_NONE;
}

/* Whether a call of the thread goes by the capability in slot `index` of its space: it waits by it, or makes
 * a copy, or has cost its use and begins again.  A fault goes by none. */
static bool
goes_by(const struct bx_thread *thread, uint32_t index)
{
	if (thread->context.value[0] != index || thread->call_kind == BX_CALL_FAULT)
		return false;
	return bx_thread_queued(thread) || (thread->state == BX_THREAD_READY &&
	    (thread->transfer != BX_NONE || (thread->phase & BX_PHASE_SPENT) != 0));
}

/* Whether a call of somebody in the program may go by the capability: somebody is in a queue of its
 * object, or a thread of the program astray.  Nobody waits by a capability for anything else. */
static bool
waits_possible(const struct bx_kcore *core, const struct bx_cap *cap, const struct bx_program *program)
{
	const struct bx_endpoint *endpoint;

	if (program->strays != 0)
		return true;
	switch (cap->type) {
	case BX_CAP_NOTIFICATION:
		return core->notifications[cap->object.index].waiters.head != BX_NONE;
	case BX_CAP_ENDPOINT:
		endpoint = &core->endpoints[cap->object.index];
		return endpoint->senders.head != BX_NONE || endpoint->receivers.head != BX_NONE;
	default:
		return false;
	}
}

bool
bx_capability_in_use(const struct bx_kcore *core, const struct bx_program *program, uint32_t slot)
{
	const struct bx_thread *thread = &core->threads[program->first_thread];
	const struct bx_thread *end = thread + program->thread_count;
	uint32_t index = slot - program->space.first_slot;
	unsigned looks = 0;

	if (!waits_possible(core, &core->forest.slots[slot].cap, program))
		return false;
	for (; thread != end; thread++) {
		if (thread->context.value[0] != index)
			continue;
		if (goes_by(thread, index) || ++looks == USE_LOOKS)
			return true;
	}
	return false;
}

/* A wait is over; a call that is under way begins afresh, by what is in the slot then. */
static void
use_cancel(struct bx_kcore *core, struct bx_thread *thread)
{
	if (thread->state != BX_THREAD_READY) {
		bx_thread_wake(core, thread, BX_ERR_CANCELLED);
		return;
	}
	bx_ipc_detach(core, thread);
	thread->phase = 0;
	bx_thread_astray_set(core, thread);
}

/* Each thread of the program is looked at, in steps.  Most have nothing to do with the slot: each
 * instruction of such a look counts. */
static enum bx_err
users_cancel(struct bx_kcore *core, const struct bx_program *program, uint32_t index,
    struct bx_removal *removal)
{
	struct bx_thread *thread = &core->threads[program->first_thread + removal->index];
	struct bx_thread *end = &core->threads[program->first_thread + program->thread_count];
	int32_t left = removal->left;

	for (; thread != end && left > 0; thread++, left--) {
		if (thread->context.value[0] != index)
			continue;
		left -= COST_LOOK;
		if (goes_by(thread, index)) {
			use_cancel(core, thread);
			left -= COST_WAKE;
		}
	}
	removal->left = left;
	removal->index = program->thread_count - (uint32_t)(end - thread);
	return thread != end ? BX_ERR_AGAIN : BX_OK;
}

/* Threads of the program whose calls go by this capability.
 * Before the first is looked at it loses its rights, so that none begins to wait anew.  A place is kept
 * only while no capability of the program loses its rights: then what is in the slot is what was there,
 * or never had any there. */
static enum bx_err
waits_cancel(struct bx_kcore *core, uint32_t leaf, struct bx_program *program,
    struct bx_removal *removal)
{
	struct bx_cap *cap = &core->forest.slots[leaf].cap;

	if (program->state == BX_PROGRAM_ENDING)
		return BX_OK;			/* none waits for long */
	if (!waits_possible(core, cap, program))
		return BX_OK;
	if (cap->rights != 0) {
		cap->rights = 0;
		program->disarmed++;
	}
	if (removal->leaf != leaf || removal->disarmed != program->disarmed) {
		removal->leaf = leaf;
		removal->index = 0;
		removal->disarmed = program->disarmed;
	}
	return users_cancel(core, program, leaf - program->space.first_slot, removal);
}

static void
notification_release(struct bx_kcore *core, const struct bx_program *program, uint32_t index)
{
	struct bx_notification *notification = &core->notifications[index];
	uint32_t bound = notification->bound_thread;

	if (bound - program->first_thread >= program->thread_count)
		return;
	bx_notification_unbind(core, notification);
}

enum bx_err
bx_capability_remove_leaf(struct bx_kcore *core, uint32_t leaf, uint32_t *parent,
    struct bx_removal *removal)
{
	struct bx_cap *cap = &core->forest.slots[leaf].cap;
	uint32_t owner = bx_program_of_slot(core, leaf);
	struct bx_thread *caller;

	BX_ASSERT(owner != BX_NONE);
	removal->left -= COST_LEAF;
	switch (cap->type) {
	case BX_CAP_MEMORY:
		if (memory_release(core, cap, owner, removal) != BX_OK)
			return BX_ERR_AGAIN;
		break;
	case BX_CAP_IRQ:
		irq_release(core, cap->object.index, owner);
		break;
	case BX_CAP_NOTIFICATION:
		notification_release(core, &core->programs[owner], cap->object.index);
		if (waits_cancel(core, leaf, &core->programs[owner], removal) != BX_OK)
			return BX_ERR_AGAIN;
		break;
	case BX_CAP_ENDPOINT:
		if (waits_cancel(core, leaf, &core->programs[owner], removal) != BX_OK)
			return BX_ERR_AGAIN;
		break;
	case BX_CAP_REPLY:
		/* Nobody can answer that call any more.  The program is compared, as in ipc_reply.c. */
		caller = &core->threads[cap->object.index];
		if (caller->call_generation == cap->object.generation && bx_thread_awaits(caller) &&
		    core->threads[caller->partner].program == owner)
			bx_thread_wake(core, caller, BX_ERR_PEER_DIED);
		break;
	default:
		break;
	}
	*parent = bx_cap_leaf_remove(&core->forest, leaf);
	return BX_OK;
}

/* ---- for panic messages --------------------------------------------------------------------- */

uint32_t
bx_kcore_current_program(const struct bx_kcore *core)
{
	return core->cpu.current < core->thread_count ? core->threads[core->cpu.current].program :
	    BX_SLOT_NONE;
}

const char *
bx_kcore_program_name(const struct bx_kcore *core, uint32_t program)
{
	return program < core->program_count ? core->programs[program].name : "";
}
