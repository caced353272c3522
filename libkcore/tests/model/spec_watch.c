/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * spec_watch.c -- ports, power, what may be observed, and what is put on record: design, sections 9 and
 * 13, and abi.h.  What a field of an answer says is left open where it is the core's own affair (frames,
 * ticks used, how often it switched): see view_same in compare.c.
 */
#include "spec.h"

void
spec_record(struct spec *spec, uint32_t kind, uint32_t program, uint32_t other, uint64_t a, uint64_t b,
    uint64_t c)
{
	spec->audit_next++;
	if (spec->record_count < SPEC_RECORDS)
		spec->records[spec->record_count++] = (struct spec_record){ kind, program, other, a, b, c };
}

/* Calls that do not exist, refusals for want of authority, and of what lies outside a range that was
 * granted (docs/audit.md). */
void
spec_record_refusal(struct spec *spec, unsigned program, const struct spec_registers *asked, int64_t err)
{
	uint64_t number = asked->number;
	bool outside = err == BX_ERR_RANGE && (number == BX_SYS_SPAWN || number == BX_SYS_KILL ||
	    number == BX_SYS_MAP || number == BX_SYS_PORT_IN || number == BX_SYS_PORT_OUT);

	if (err == BX_ERR_SYSCALL || outside ||
	    (err <= BX_ERR_CAP_EMPTY && err >= BX_ERR_CAP_NOT_CHILD))
		spec_record(spec, BX_AUDIT_REFUSED, program, BX_SLOT_NONE, asked->number & 0xff,
		    (uint64_t)err, asked->value[0]);
}

/* ---- ports and power */

static enum bx_err
port_call(struct spec *spec, unsigned thread, uint64_t *values)
{
	const struct spec_registers *regs = &spec->threads[thread].asked.regs;
	bool out = regs->number == BX_SYS_PORT_OUT;
	uint64_t port = regs->value[1], width = regs->value[2];
	const struct spec_cap *cap;
	uint16_t place;
	enum bx_err err = spec_cap_find(spec, thread, regs->value[0], BX_CAP_IOPORT,
	    out ? BX_RIGHT_WRITE : BX_RIGHT_READ, &place);

	if (err != BX_OK)
		return err;
	cap = &spec->caps[place];
	if (width != 1 && width != 2 && width != 4)
		return BX_ERR_INVALID;
	/* All bytes of the access lie in the range. */
	for (uint64_t i = 0; i < width; i++) {
		if (port + i < cap->first || port + i - cap->first >= cap->count)
			return BX_ERR_RANGE;
	}
	if (out && width < 8 && regs->word[0] >= 1ull << 8 * width)
		return BX_ERR_RANGE;
	spec_cap_use(spec, place);
	spec->port = port;
	spec->port_width = width;
	if (out) {
		spec->port_writes++;
		spec->port_written = regs->word[0];
	} else {
		spec->port_reads++;
		values[0] = spec->port_value;
	}
	return BX_OK;
}

/* The hosted machine's power does not go. */
static enum bx_err
power_call(struct spec *spec, unsigned thread)
{
	const struct spec_registers *regs = &spec->threads[thread].asked.regs;
	uint16_t place;
	enum bx_err err = spec_cap_find(spec, thread, regs->value[0], BX_CAP_DEVICE, BX_RIGHT_WRITE,
	    &place);

	if (err != BX_OK)
		return err;
	if (regs->value[1] != BX_POWER_OFF && regs->value[1] != BX_POWER_RESET)
		return BX_ERR_INVALID;
	spec_cap_use(spec, place);
	spec->power = regs->value[1];
	spec_record(spec, BX_AUDIT_POWER, spec->threads[thread].program, BX_SLOT_NONE, regs->value[1], 0, 0);
	return BX_ERR_UNSUPPORTED;
}

/* ---- what may be observed */

static void
name_put(char to[BX_NAME_MAX], const char *from)
{
	for (unsigned i = 0; i < BX_NAME_MAX - 1 && *from != 0; i++)
		to[i] = *from++;
}

static bool
in_motion(const struct spec *spec, unsigned program)
{
	return spec->programs[program].starter != NOBODY ||
	    spec->programs[program].state == BX_PROGRAM_ENDING;
}

static uint32_t
slots_used(const struct spec *spec, unsigned program)
{
	uint32_t used = 0;

	for (unsigned i = 0; i < spec->programs[program].slots; i++)
		used += spec->caps[program * SPEC_SLOTS + i].type != BX_CAP_NONE;
	return used;
}

static void
program_view(struct spec *spec, unsigned index)
{
	const struct spec_program *program = &spec->programs[index];
	struct bx_info_program *view = &spec->view.program;

	spec->view_kind = in_motion(spec, index) ? SPEC_VIEW_OPEN : BX_INSPECT_PROGRAM;
	spec->view_size = sizeof *view;
	*view = (struct bx_info_program){
		.state = program->state, .priority = program->base, .starts = program->starts,
		.flags = (program->open ? BX_PROGRAM_OPEN_SPACE : 0) |
		    (program->passive ? BX_PROGRAM_PASSIVE : 0),
		.slots_used = slots_used(spec, index), .slot_count = program->slots,
		.exit_code = program->exit_code, .fault_kind = (uint32_t)program->fault[0],
		.fault_address = program->fault[1], .fault_instruction = program->fault[2],
	};
	for (unsigned i = 0; i < program->threads; i++)
		view->threads += spec->threads[program->first_thread + i].state != BX_THREAD_FREE;
	name_put(view->name, program->name);
}

static enum bx_err
thread_view(struct spec *spec, uint64_t index)
{
	const struct spec_thread *thread;
	bool waits;

	if (index >= spec->thread_count)
		return BX_ERR_RANGE;
	thread = &spec->threads[index];
	waits = thread->state != BX_THREAD_READY && thread->state != BX_THREAD_STOPPED;
	spec->view_kind = BX_INSPECT_THREAD;
	spec->view_size = sizeof spec->view.thread;
	if (in_motion(spec, thread->program)) {
		spec->view_kind = SPEC_VIEW_OPEN;
		return spec_choose(spec, 2) == 0 ? BX_OK : BX_ERR_NOT_FOUND;
	}
	if (thread->state == BX_THREAD_FREE)
		return BX_ERR_NOT_FOUND;
	spec->view.thread = (struct bx_info_thread){
		.program = thread->program, .state = thread->state, .priority = thread->priority,
		.partner = thread->partner == NOBODY ? BX_SLOT_NONE : thread->partner,
		.object = thread->object == NOBODY ? BX_SLOT_NONE : thread->object,
		.deadline = waits ? thread->deadline : 0,
		.budget_ticks = spec->accounts[index].budget, .period_ticks = spec->accounts[index].period,
	};
	return BX_OK;
}

static bool
reply_lives(const struct spec *spec, const struct spec_cap *cap)
{
	return spec->threads[cap->object].partner != NOBODY && spec->threads[cap->object].call == cap->call;
}

static enum bx_err
cap_view(struct spec *spec, uint64_t program, uint64_t slot)
{
	const struct spec_cap *cap;
	struct bx_info_cap *view = &spec->view.cap;
	unsigned named;

	if (program >= spec->program_count || slot >= spec->programs[program].slots)
		return BX_ERR_RANGE;
	spec->view_kind = BX_INSPECT_CAP;
	spec->view_size = sizeof *view;
	if (in_motion(spec, (unsigned)program)) {
		spec->view_kind = SPEC_VIEW_OPEN;
		return spec_choose(spec, 2) == 0 ? BX_OK : BX_ERR_NOT_FOUND;
	}
	cap = &spec->caps[program * SPEC_SLOTS + slot];
	if (cap->type == BX_CAP_NONE)
		return BX_ERR_NOT_FOUND;
	*view = (struct bx_info_cap){
		.type = cap->type, .rights = cap->rights, .uses = cap->uses, .badge = cap->badge,
		.depth = spec_depth(spec, (uint16_t)(program * SPEC_SLOTS + slot)),
		.expiry = cap->expiry, .first = cap->first, .count = cap->count, .object = cap->object,
		.stale = cap->type == BX_CAP_REPLY ? !reply_lives(spec, cap) : !spec_cap_lives(spec, cap),
		.parent_program = cap->parent == NOWHERE ? BX_SLOT_NONE : cap->parent / SPEC_SLOTS,
		.parent_slot = cap->parent == NOWHERE ? BX_SLOT_NONE : cap->parent % SPEC_SLOTS,
	};
	named = cap->type == BX_CAP_CSPACE ? cap->object : cap->type == BX_CAP_THREAD ||
	    cap->type == BX_CAP_REPLY ? spec->threads[cap->object].program : NOBODY;
	name_put(view->object_name, named != NOBODY ? spec->programs[named].name :
	    spec->object_name[cap->type][cap->type == BX_CAP_ENDPOINT ||
	    cap->type == BX_CAP_NOTIFICATION ? cap->object : 0]);
	/* The tests' manifests call slot n "cn". */
	if (spec->programs[program].grants[slot].type != BX_CAP_NONE) {
		view->name[0] = 'c';
		if (slot >= 10)
			view->name[1] = (char)('0' + slot / 10);
		view->name[slot >= 10 ? 2 : 1] = (char)('0' + slot % 10);
	}
	return BX_OK;
}

static enum bx_err
meeting_view(struct spec *spec, uint64_t index, bool endpoint)
{
	struct bx_info_endpoint *view = &spec->view.endpoint;

	if (index >= (endpoint ? spec->endpoint_count : spec->note_count))
		return BX_ERR_RANGE;
	spec->view_kind = BX_INSPECT_ENDPOINT;
	spec->view_size = sizeof *view;
	*view = (struct bx_info_endpoint){ .server = BX_SLOT_NONE };
	name_put(view->name,
	    spec->object_name[endpoint ? BX_CAP_ENDPOINT : BX_CAP_NOTIFICATION][index]);
	if (endpoint) {
		const struct spec_endpoint *at = &spec->endpoints[index];

		view->senders = at->senders.count;
		view->receivers = at->receivers.count;
		view->messages = at->messages;
		view->bytes = at->bytes;
		if (at->server != NOBODY)
			view->server = at->server;
	} else {
		const struct spec_note *note = &spec->notes[index];

		view->receivers = note->waiters.count;
		view->messages = note->signals;
		view->bits = note->bits;
		if (note->bound != NOBODY)
			view->server = spec->threads[note->bound].program;
	}
	return BX_OK;
}

static enum bx_err
system_view(struct spec *spec, uint64_t index)
{
	struct bx_info_system *view = &spec->view.system;

	if (index != 0)
		return BX_ERR_RANGE;
	spec->view_kind = BX_INSPECT_SYSTEM;
	spec->view_size = sizeof *view;
	*view = (struct bx_info_system){
		.ticks_per_second = spec->ticks_per_second, .now = spec->now,
		.boot_ticks = spec->boot_ticks, .audit_next = spec->audit_next,
		.program_count = spec->program_count, .thread_count = spec->thread_count,
		.endpoint_count = spec->endpoint_count, .notification_count = spec->note_count,
		.flags = spec->programs[0].open ? BX_SYSTEM_RESEARCH : 0,
	};
	name_put(view->system_name, spec->name);
	return BX_OK;
}

/* The answer goes to the caller's memory, as much of it as there is room for. */
static enum bx_err
view_put(struct spec *spec, unsigned thread, uint64_t address, uint64_t room, uint16_t place,
    uint64_t *values)
{
	spec->view_address = address;
	if (spec->view_size > room)
		spec->view_size = room;
	if (spec->threads[thread].asked.room_bad && spec->view_size > 0)
		return BX_ERR_ADDRESS;
	spec_cap_use(spec, place);
	values[0] = spec->view_size;
	return BX_OK;
}

static enum bx_err
inspect_call(struct spec *spec, unsigned thread, uint64_t *values)
{
	const struct spec_registers *regs = &spec->threads[thread].asked.regs;
	uint64_t index = regs->value[2];
	uint16_t place;
	enum bx_err err = spec_cap_find(spec, thread, regs->value[0], BX_CAP_AUDIT_READ, BX_RIGHT_READ,
	    &place);

	if (err != BX_OK)
		return err;
	switch (regs->value[1]) {
	case BX_INSPECT_SYSTEM:
		err = system_view(spec, index);
		break;
	case BX_INSPECT_PROGRAM:
		if (index >= spec->program_count)
			err = BX_ERR_RANGE;
		else
			program_view(spec, (unsigned)index);
		break;
	case BX_INSPECT_THREAD:
		err = thread_view(spec, index);
		break;
	case BX_INSPECT_CAP:
		err = cap_view(spec, index, regs->word[2]);
		break;
	case BX_INSPECT_ENDPOINT:
	case BX_INSPECT_NOTIFICATION:
		err = meeting_view(spec, index, regs->value[1] == BX_INSPECT_ENDPOINT);
		break;
	case BX_INSPECT_POOL:
		if (index >= SPEC_POOLS)
			err = BX_ERR_RANGE;
		spec->view_kind = SPEC_VIEW_OPEN;
		spec->view_size = sizeof(struct bx_info_pool);
		break;
	default:
		err = BX_ERR_INVALID;
		break;
	}
	return err != BX_OK ? err : view_put(spec, thread, regs->word[0], regs->word[1], place, values);
}

static enum bx_err
program_info_call(struct spec *spec, unsigned thread, uint64_t *values)
{
	const struct spec_registers *regs = &spec->threads[thread].asked.regs;
	uint16_t place;
	enum bx_err err = spec_spawn_find(spec, thread, BX_RIGHT_READ, &place);

	if (err != BX_OK)
		return err;
	program_view(spec, (unsigned)regs->value[1]);
	return view_put(spec, thread, regs->value[2], sizeof spec->view.program, place, values);
}

/* Whole records, from the wanted one or the oldest that is left on; a page of them at most. */
static enum bx_err
audit_call(struct spec *spec, unsigned thread, uint64_t *values)
{
	const struct spec_registers *regs = &spec->threads[thread].asked.regs;
	uint64_t first = regs->value[1], count = regs->word[0] / sizeof(struct bx_audit_record);
	uint16_t place;
	enum bx_err err = spec_cap_find(spec, thread, regs->value[0], BX_CAP_AUDIT_READ, BX_RIGHT_READ,
	    &place);

	if (err != BX_OK)
		return err;
	if (first > spec->audit_next)
		return BX_ERR_RANGE;
	if (spec->audit_next - first > spec->audit_capacity)
		first = spec->audit_next - spec->audit_capacity;
	if (count > spec->audit_next - first)
		count = spec->audit_next - first;
	if (count > BX_PAGE_SIZE / sizeof(struct bx_audit_record))
		count = BX_PAGE_SIZE / sizeof(struct bx_audit_record);
	if (spec->threads[thread].asked.room_bad && count > 0)
		return BX_ERR_ADDRESS;
	spec_cap_use(spec, place);
	spec->view_kind = SPEC_VIEW_AUDIT;
	spec->view_address = regs->value[2];
	spec->view_size = count;
	values[0] = count;
	values[1] = first;
	return BX_OK;
}

enum bx_err
spec_watch_call(struct spec *spec, unsigned thread, uint64_t *values)
{
	switch (spec->threads[thread].asked.regs.number) {
	case BX_SYS_PORT_IN:
	case BX_SYS_PORT_OUT:
		return port_call(spec, thread, values);
	case BX_SYS_POWER:
		return power_call(spec, thread);
	case BX_SYS_INSPECT:
		return inspect_call(spec, thread, values);
	case BX_SYS_PROGRAM_INFO:
		return program_info_call(spec, thread, values);
	case BX_SYS_AUDIT_READ:
		return audit_call(spec, thread, values);
	case BX_SYS_CLOCK_INFO:
		values[0] = spec->ticks_per_second;
		values[1] = spec->boot_ticks;
		return BX_OK;
	default:
		return BX_ERR_SYSCALL;
	}
}
