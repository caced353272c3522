/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * compare.c -- whether the core is in the state that the specification has, as far as a program can tell,
 * and whether whoever runs may.  Reads the core's structures, changes nothing.
 *
 * Four things are the core's to say, and are taken over: what a thread runs with between the bounds
 * of the specification, a deadline farther away than BX_DEADLINE_FAR, how far the start or the end
 * of a program has come, and from which tick of a launch its lifetimes count.
 */
#include <stdio.h>
#include <string.h>

#include "model.h"
#include "../../src/sys.h"

static bool
differ(struct model *model, const char *what, unsigned index, uint64_t core, uint64_t spec)
{
	snprintf(model->difference, sizeof model->difference,
	    "%s of %u: the core has %llu (0x%llx), the specification %llu (0x%llx)", what, index,
	    (unsigned long long)core, (unsigned long long)core, (unsigned long long)spec,
	    (unsigned long long)spec);
	return false;
}

#define SAME(what, index, core, spec) \
	do { \
		if ((uint64_t)(core) != (uint64_t)(spec)) \
			return differ(model, (what), (unsigned)(index), (uint64_t)(core), \
			    (uint64_t)(spec)); \
	} while (0)

static uint32_t
wide(uint8_t index)
{
	return index == NOBODY ? BX_NONE : index;
}

static bool
in_motion(const struct spec *spec, unsigned program)
{
	return spec->programs[program].starter != NOBODY ||
	    spec->programs[program].state == BX_PROGRAM_ENDING;
}

/* ---- threads */

static bool
registers_same(struct model *model, unsigned i)
{
	const struct bx_context *core = &model->world.core->threads[i].context;
	const struct spec_registers *spec = &model->spec.threads[i].regs;

	SAME("error register", i, core->number, spec->number);
	for (unsigned v = 0; v < 3; v++)
		SAME(v == 0 ? "value 0" : v == 1 ? "value 1" : "value 2", i, core->value[v],
		    spec->value[v]);
	for (unsigned w = 0; w < BX_IPC_WORDS; w++)
		SAME("a word", i, core->word[w], spec->word[w]);
	SAME("the reply register", i, core->reply, spec->reply);
	SAME("the buffers register", i, core->buffers, spec->buffers);
	SAME("the stack", i, core->stack, spec->stack);
	SAME("the instruction", i, core->pc, spec->pc);
	return true;
}

static bool
deadline_same(struct model *model, const struct spec *before, unsigned i)
{
	struct spec_thread *spec = &model->spec.threads[i];
	const struct bx_thread *core = &model->world.core->threads[i];
	uint64_t now = model->spec.now;

	if (spec->deadline > now + BX_DEADLINE_FAR / 2) {
		/* Far: between BX_DEADLINE_FAR and twice that from when the call was made. */
		if (core->deadline < now + BX_DEADLINE_FAR / 2 ||
		    core->deadline > now + 2 * BX_DEADLINE_FAR)
			return differ(model, "deadline", i, core->deadline, spec->deadline);
		if (before->threads[i].state != spec->state &&
		    core->deadline < now + BX_DEADLINE_FAR && spec->state != BX_THREAD_AWAITING_REPLY)
			return differ(model, "far deadline", i, core->deadline, now + BX_DEADLINE_FAR);
		return true;
	}
	SAME("deadline", i, core->deadline, spec->deadline);
	/* Somebody will wake it. */
	if (spec->deadline != 0 && model->world.machine.timer > spec->deadline &&
	    model->world.machine.timer > now)
		return differ(model, "timer set later than the deadline", i,
		    model->world.machine.timer, spec->deadline);
	return true;
}

/* Whether a priority may still be on its way along a chain: nobody runs whom it should overtake. */
static bool
priority_late(const struct model *model, unsigned i)
{
	const struct bx_kcore *core = model->world.core;

	if (core->cpu.current == BX_NONE)
		return model->spec.pending;
	return core->cpu.current != i &&
	    core->threads[core->cpu.current].priority > spec_priority_low(&model->spec, i);
}

/* The same of one that is to be lowered: nobody runs who has less than it still has. */
static bool
priority_stale(const struct model *model, unsigned i)
{
	const struct bx_kcore *core = model->world.core;

	if (core->cpu.current == BX_NONE)
		return model->spec.pending;
	return core->cpu.current != i && core->threads[core->cpu.current].priority >= core->threads[i].priority;
}

static bool
thread_same(struct model *model, const struct spec *before, unsigned i)
{
	struct spec_thread *spec = &model->spec.threads[i];
	const struct bx_thread *core = &model->world.core->threads[i];

	if (model->spec.programs[spec->program].starter != NOBODY) {
		if (core->state != BX_THREAD_FREE && core->state != BX_THREAD_STOPPED)
			return differ(model, "state, in a start,", i, core->state, spec->state);
		return true;
	}
	if (spec_dying(&model->spec, i) && !model->spec.programs[spec->program].ran)
		return true;			/* its start had come some way */
	SAME("state", i, core->state, spec->state);
	if (spec->state == BX_THREAD_FREE)
		return true;
	/* Not to be seen from outside: what is to be taken up again, ... */
	SAME("call to be taken up again", i, core->restart, spec->again);
	/* ... whether its fault has been given back to it, ... */
	if (spec->again && core->call_kind == BX_CALL_FAULT)
		SAME("fault given back", i, core->work, spec->unheard);
	/* ... or how far a call on many pages has come: but it goes on from there. */
	if (spec->again && core->call_kind != BX_CALL_FAULT && (spec->asked.regs.number == BX_SYS_MAP ||
	    spec->asked.regs.number == BX_SYS_UNMAP)) {
		SAME("pages done", i, core->work & UINT32_MAX, spec->done);
		SAME("pages to be taken back", i, core->work >> 63, spec->undo != 0);
	}
	SAME("own priority", i, core->priority_base, spec->base);
	if (core->priority < spec_priority_low(&model->spec, i) && !priority_late(model, i))
		return differ(model, "priority, too low,", i, core->priority,
		    spec_priority_low(&model->spec, i));
	if (core->priority > spec_priority_high(&model->spec, i) && !priority_stale(model, i))
		return differ(model, "priority, too high,", i, core->priority,
		    spec_priority_high(&model->spec, i));
	spec->priority = core->priority;
	if (bx_thread_queued(core))
		SAME("object waited for", i, core->object, wide(spec->object));
	if (bx_thread_awaits(core))
		SAME("partner", i, core->partner, wide(spec->partner));
	SAME("other side of a copy", i, core->transfer, wide(spec->copy));
	SAME("endpoint served", i, core->serves, wide(spec->serves));
	SAME("bound notification", i, core->bound_notification, wide(spec->bound));
	if (spec->state != BX_THREAD_READY && spec->state != BX_THREAD_STOPPED &&
	    !deadline_same(model, before, i))
		return false;
	if ((spec->state == BX_THREAD_READY || spec->state == BX_THREAD_STOPPED) && spec->shown &&
	    !spec->again && spec->begun)
		return registers_same(model, i);
	return true;
}

/* ---- endpoints, notifications */

static bool
queue_same(struct model *model, const char *what, unsigned i, const struct bx_queue *core,
    const struct spec_queue *spec)
{
	uint32_t at = core->head;

	for (unsigned n = 0; n < spec->count; n++) {
		SAME(what, i, at, spec->thread[n]);
		at = model->world.core->threads[at].next;
	}
	SAME(what, i, at, BX_NONE);
	return true;
}

static bool
meeting_points_same(struct model *model)
{
	const struct bx_kcore *core = model->world.core;

	for (unsigned i = 0; i < model->spec.endpoint_count; i++) {
		const struct spec_endpoint *spec = &model->spec.endpoints[i];

		SAME("server of endpoint", i, core->endpoints[i].server, wide(spec->server));
		SAME("serving thread of endpoint", i, core->endpoints[i].server_thread,
		    wide(spec->server_thread));
		SAME("messages of endpoint", i, core->endpoints[i].messages, spec->messages);
		SAME("bytes of endpoint", i, core->endpoints[i].bytes, spec->bytes);
		if (!queue_same(model, "senders of endpoint", i, &core->endpoints[i].senders,
		    &spec->senders) || !queue_same(model, "receivers of endpoint", i,
		    &core->endpoints[i].receivers, &spec->receivers))
			return false;
	}
	for (unsigned i = 0; i < model->spec.note_count; i++) {
		const struct spec_note *spec = &model->spec.notes[i];

		SAME("bits of notification", i, core->notifications[i].bits, spec->bits);
		SAME("signals of notification", i, core->notifications[i].signals, spec->signals);
		SAME("thread bound to notification", i, core->notifications[i].bound_thread,
		    wide(spec->bound));
		if (!queue_same(model, "waiters of notification", i, &core->notifications[i].waiters,
		    &spec->waiters))
			return false;
	}
	return true;
}

/* ---- programs, capabilities, memory, the interrupt line */

static bool
program_same(struct model *model, unsigned i)
{
	const struct spec_program *spec = &model->spec.programs[i];
	const struct bx_program *core = &model->world.core->programs[i];

	SAME("state of program", i, core->state, spec->state);
	/* Not to be seen from outside, but who runs before the rest of it is. */
	if (spec->state == BX_PROGRAM_ENDING)
		SAME("priority of the end of program", i, core->end_priority,
		    spec_end_told(spec, model->spec.endpoint_count) ? spec->base : spec->hurry);
	SAME("who starts program", i, core->work_thread, wide(spec->starter));
	SAME("starts of program", i, core->starts, spec->starts);
	SAME("exit code of program", i, (uint32_t)core->exit_code, (uint32_t)spec->exit_code);
	SAME("fault of program", i, core->fault_kind, spec->fault[0]);
	SAME("fault address of program", i, core->fault_address, spec->fault[1]);
	SAME("faulting instruction of program", i, core->fault_instruction, spec->fault[2]);
	return true;
}

/* The place of a slot number, or NOWHERE: one of the kernel's own. */
static uint16_t
place_of(const struct model *model, uint32_t slot)
{
	uint32_t program = slot == BX_CAP_SLOT_NONE ? BX_NONE :
	    bx_program_of_slot(model->world.core, slot);

	return program == BX_NONE ? NOWHERE : (uint16_t)(program * SPEC_SLOTS + slot -
	    model->world.core->programs[program].space.first_slot);
}

/* Whether what the capability names is there, without a choice. */
static bool
lives(const struct spec *spec, const struct spec_cap *cap)
{
	const struct spec_program *program;

	if (cap->type == BX_CAP_REPLY)
		return spec->threads[cap->object].partner != NOBODY &&
		    spec->threads[cap->object].call == cap->call;
	if (cap->type != BX_CAP_THREAD && cap->type != BX_CAP_CSPACE)
		return true;
	program = &spec->programs[cap->type == BX_CAP_CSPACE ? cap->object :
	    spec->threads[cap->object].program];
	return program->made;
}

static bool
cap_same(struct model *model, unsigned program, unsigned slot)
{
	const struct bx_kcore *kcore = model->world.core;
	const struct bx_cap_slot *at = &kcore->forest.slots[
	    kcore->programs[program].space.first_slot + slot];
	const struct bx_cap *core = &at->cap;
	unsigned place = program * SPEC_SLOTS + slot;
	struct spec_cap *spec = &model->spec.caps[place];

	SAME("type of capability", place, core->type, spec->type);
	if (spec->type == BX_CAP_NONE)
		return true;
	SAME("rights of capability", place, core->rights, spec->rights);
	SAME("uses of capability", place, core->uses, spec->uses);
	SAME("badge of capability", place, core->badge, spec->badge);
	/* The lifetimes of what a launch gives count from one tick of the launch. */
	if (spec->parent == NOWHERE && spec->expiry != BX_CAP_EXPIRY_NEVER &&
	    core->expiry <= spec->expiry &&
	    spec->expiry - core->expiry <= model->spec.programs[program].launch_ticks)
		spec->expiry = core->expiry;
	SAME("expiry of capability", place, core->expiry, spec->expiry);
	SAME("object of capability", place, core->object.index, spec->object);
	SAME("first of capability", place, core->first, spec->first);
	SAME("count of capability", place, core->count, spec->count);
	SAME("parent of capability", place, place_of(model, at->parent), spec->parent);
	if ((spec->type == BX_CAP_THREAD &&
	    in_motion(&model->spec, model->spec.threads[spec->object].program)) ||
	    (spec->type == BX_CAP_CSPACE && in_motion(&model->spec, spec->object)))
		return true;
	SAME("life of what is named by capability", place, !bx_cap_stale(kcore, core),
	    lives(&model->spec, spec));
	return true;
}

static bool
things_same(struct model *model)
{
	const struct bx_kcore *core = model->world.core;
	const struct spec *spec = &model->spec;

	for (unsigned p = 0; p < spec->program_count; p++) {
		if (!program_same(model, p))
			return false;
		if (in_motion(spec, p))
			continue;
		SAME("seal of program", p, core->programs[p].space.sealed &&
		    spec->programs[p].state == BX_PROGRAM_RUNNING, spec->programs[p].sealed &&
		    spec->programs[p].state == BX_PROGRAM_RUNNING);
		for (unsigned s = 0; s < spec->programs[p].slots; s++) {
			if (!cap_same(model, p, s))
				return false;
		}
	}
	for (unsigned i = 0; i < SPEC_PAGES; i++) {
		const struct bx_frame *frame = &core->frames[core->memory_pages[i]];

		if (spec->pages[i].owner != NOBODY && in_motion(spec, spec->pages[i].owner))
			continue;
		SAME("owner of page", i, frame->owner, wide(spec->pages[i].owner));
		SAME("address of page", i, frame->address, spec->pages[i].address);
		if (frame->address != 0)
			SAME("access to page", i, frame->flags, spec->pages[i].flags >> 1);
	}
	if (spec->irq_note != NOBODY && in_motion(spec, spec->irq_binder))
		return true;
	SAME("notification of line", 0, core->irqs[0].notification, wide(spec->irq_note));
	SAME("mask of line", 0, model->world.machine.irq_unmasked[core->irqs[0].number],
	    spec->irq_open);
	if (spec->irq_note != NOBODY) {
		SAME("capability of line", 0, place_of(model, core->irqs[0].slot), spec->irq_place);
		SAME("binder of line", 0, core->irqs[0].binder, spec->irq_binder);
	}
	return true;
}

/* ---- strings */

/* Whoever has just come back with a string has the sender's pattern where it wanted it. */
static bool
strings_same(struct model *model, const struct spec *before)
{
	for (unsigned i = 0; i < model->spec.thread_count; i++) {
		const struct spec_thread *thread = &model->spec.threads[i];
		uint64_t length = thread->regs.value[2] >> 32, label = thread->regs.value[1];
		unsigned sender;

		if (thread->state != BX_THREAD_READY || thread->again || !thread->shown ||
		    thread->regs.number != BX_OK || length == 0 || label < 0x1000 ||
		    memcmp(&thread->regs, &before->threads[i].regs, sizeof thread->regs) == 0)
			continue;
		sender = model->spec.threads[label - 0x1000].program;
		for (uint64_t at = 0; at < length; at += at + 997 < length ? 997 : length - at == 1 ? 1 :
		    length - at - 1) {
			uint8_t byte = 0;

			user_get(&model->world, thread->program,
			    thread->asked.offer.receive_address + at, &byte, 1);
			SAME("a byte of the string", i, byte,
			    (uint8_t)(sender * 37 + at * 7 + (at >> 8)));
		}
	}
	return true;
}

/* ---- what is told */

/* What is not the specification's business: how a launch and an end go, and that a share is full. */
static bool
record_is_known(uint32_t kind)
{
	return kind != BX_AUDIT_BOOT && kind != BX_AUDIT_GRANT && kind != BX_AUDIT_SHARE &&
	    kind != BX_AUDIT_END;
}

/* Kinds that are counted and not kept when the share of their program is full. */
static bool
record_may_drop(uint32_t kind)
{
	return kind != BX_AUDIT_SPAWN && kind != BX_AUDIT_EXIT && kind != BX_AUDIT_KILL &&
	    kind != BX_AUDIT_POWER;
}

static bool
record_same(struct model *model, unsigned i, const struct bx_audit_record *record)
{
	const struct spec_record *told = &model->spec.records[i];

	SAME("kind of record", i, record->kind, told->kind);
	SAME("program of record", i, record->program, told->program);
	SAME("other program of record", i, record->other, told->other);
	SAME("a of record", i, record->a, told->a);
	if (record->kind != BX_AUDIT_SPAWN)	/* a digest */
		SAME("b of record", i, record->b, told->b);
	SAME("c of record", i, record->c, told->c);
	SAME("tick of record", i, record->when, model->spec.now);
	return true;
}

/* Each is in the ring, or counted for a program whose share is full. */
static bool
records_same(struct model *model)
{
	const struct bx_kcore *core = model->world.core;
	struct spec *spec = &model->spec;
	uint64_t at = model->audit_next, dropped = 0;

	for (unsigned i = 0; i < spec->record_count; i++) {
		const struct spec_record *told = &spec->records[i];
		const struct bx_audit_record *record = &core->audit[at & (core->audit_capacity - 1)];

		for (; at != core->audit_next && !record_is_known(record->kind); at++)
			record = &core->audit[(at + 1) & (core->audit_capacity - 1)];
		/* Of two of one program the first may have been the last that its share had place for. */
		if (record_may_drop(told->kind) && core->programs[told->program].audit_dropped != 0 &&
		    (at == core->audit_next || record->kind != told->kind ||
		    record->program != told->program)) {
			dropped++;
			continue;
		}
		if (at == core->audit_next)
			return differ(model, "kind of record, missing,", i, 0, told->kind);
		SAME("sequence of record", i, record->sequence, at);
		if (!record_same(model, i, record))
			return false;
		at++;
	}
	for (; at != core->audit_next; at++)
		if (record_is_known(core->audit[at & (core->audit_capacity - 1)].kind))
			return differ(model, "kind of record, too many,", spec->record_count,
			    core->audit[at & (core->audit_capacity - 1)].kind, 0);
	SAME("records that were dropped", 0, core->audit_dropped - model->audit_dropped, dropped);
	spec->audit_next = core->audit_next;
	return true;
}

/* What is the core's own affair is taken over from what it told. */
static void
view_open(union spec_view *view, const union spec_view *told, uint32_t kind)
{
	switch (kind) {
	case BX_INSPECT_SYSTEM:
		memcpy(&view->system.frames_total, &told->system.frames_total,
		    offsetof(struct bx_info_system, audit_next) -
		    offsetof(struct bx_info_system, frames_total));
		view->system.audit_lost = told->system.audit_lost;
		view->system.audit_dropped = told->system.audit_dropped;
		view->system.cpu_features = told->system.cpu_features;
		memcpy(view->system.version, told->system.version, BX_NAME_MAX);
		break;
	case BX_INSPECT_PROGRAM:
		view->program.cpu_ticks = told->program.cpu_ticks;
		view->program.frames_used = told->program.frames_used;
		view->program.frames_quota = told->program.frames_quota;
		view->program.audit_dropped = told->program.audit_dropped;
		memcpy(view->program.state_hash, told->program.state_hash,
		    sizeof view->program.state_hash);
		break;
	case BX_INSPECT_CAP:
		view->cap.lifetime_us = told->cap.lifetime_us;
		break;
	case BX_INSPECT_THREAD:
		view->thread.account = told->thread.account;
		view->thread.cpu_ticks = told->thread.cpu_ticks;
		view->thread.budget_left = told->thread.budget_left;
		view->thread.throttled = told->thread.throttled;
		view->thread.throttles = told->thread.throttles;
		if (view->thread.deadline > BX_DEADLINE_FAR / 2)
			view->thread.deadline = told->thread.deadline;
		break;
	default:
		break;
	}
}

static bool
view_same(struct model *model, const struct spec *before)
{
	const struct bx_kcore *core = model->world.core;
	const struct spec *spec = &model->spec;
	union spec_view told, view = spec->view;
	unsigned program;

	if (spec->view_kind == 0 || spec->view_kind == SPEC_VIEW_OPEN || spec->view_size == 0 ||
	    spec->threads[before->current].regs.number != BX_OK)
		return true;
	program = before->threads[before->current].program;
	if (spec->view_kind == SPEC_VIEW_AUDIT) {
		const struct bx_audit_record *kept;
		struct bx_audit_record record;
		uint64_t first = spec->threads[before->current].regs.value[1];

		for (uint64_t i = 0; i < spec->view_size; i++) {
			user_get(&model->world, program, spec->view_address + i * sizeof record, &record,
			    sizeof record);
			SAME("number of a record that was read", i, record.sequence, first + i);
			/* What came after the call, in the same event, may have taken its place. */
			kept = &core->audit[(first + i) & (core->audit_capacity - 1)];
			if (kept->sequence == first + i)
				SAME("a record that was read", i, memcmp(&record, kept, sizeof record), 0);
		}
		return true;
	}
	memset(&told, 0, sizeof told);
	user_get(&model->world, program, spec->view_address, &told, spec->view_size);
	view_open(&view, &told, spec->view_kind);
	for (unsigned i = 0; i < spec->view_size; i++)
		SAME("a byte of what is observed", i, ((const uint8_t *)&told)[i],
		    ((const uint8_t *)&view)[i]);
	return true;
}

static bool
machine_same(struct model *model)
{
	const struct bx_machine *core = &model->world.machine;
	const struct spec *spec = &model->spec;

	SAME("port", 0, core->port, spec->port);
	SAME("width at port", core->port, core->port_width, spec->port_width);
	SAME("value at port", core->port, core->port_written, spec->port_written);
	SAME("reads of port", core->port, core->port_reads, spec->port_reads);
	SAME("writes of port", core->port, core->port_writes, spec->port_writes);
	SAME("power", 0, core->power, spec->power);
	return true;
}

/* ---- who runs */

static bool
runner_may(struct model *model, const struct spec *before)
{
	const struct spec *spec = &model->spec;
	unsigned current = spec->current, last = before->current;

	SAME("thread that runs, at", 0, model->world.core->cpu.current, wide(spec->current));
	SAME("account that runs, at", 0, model->world.core->cpu.account, wide(spec->account));
	if (current == NOBODY)
		return true;
	for (unsigned i = 0; i < spec->thread_count; i++) {
		if (spec->threads[i].state == BX_THREAD_READY &&
		    spec->threads[i].priority > spec->threads[current].priority &&
		    spec_has_time(spec, spec_account_of(spec, i)))
			return differ(model, "priority of who runs", current,
			    spec->threads[current].priority, spec->threads[i].priority);
	}
	if (last == NOBODY || last == current || spec->threads[last].state != BX_THREAD_READY ||
	    !spec->went_on || spec->threads[last].again ||
	    spec->threads[last].priority < spec->threads[current].priority ||
	    spec->now >= model->slice_end || !spec_has_time(spec, spec_account_of(spec, last)))
		return true;
	/* An equal runs: only when the slice was given away or has ended, or the time of whose slice it was. */
	if (!spec->slice_given && (before->account == NOBODY || spec_has_time(spec, before->account)))
		return differ(model, "preempted by an equal: thread, at", 0, current, last);
	return true;
}

/* A turn is over when its owner waits, and not for an answer, gives the rest away, or lets an equal by. */
static void
turns_count(struct spec *spec, const struct spec *before, const struct spec_event *event)
{
	unsigned current = spec->current;

	if (before->account != NOBODY)
		spec->used[before->account] += spec->now - before->now;
	for (unsigned i = 0; i < spec->thread_count; i++) {
		const struct spec_thread *thread = &spec->threads[i];
		bool waits = thread->state != BX_THREAD_READY && thread->state != BX_THREAD_SENDING &&
		    thread->partner == NOBODY;

		if (waits || (thread->state == BX_THREAD_READY && current != NOBODY && current != i &&
		    spec->threads[current].priority == thread->priority))
			spec->used[i] = 0;
	}
	if (before->account != NOBODY && event->kind == EVENT_CALL &&
	    event->request.regs.number == BX_SYS_YIELD)
		spec->used[before->account] = 0;
}

/* Who has had its slice lets an equal by at once. */
static bool
turns_end(struct model *model)
{
	const struct spec *spec = &model->spec;
	unsigned current = spec->current;
	uint64_t timer = model->world.machine.timer;

	if (current == NOBODY || spec->account != current || spec->used[current] < spec->slice ||
	    timer <= spec->now)
		return true;
	for (unsigned i = 0; i < spec->thread_count; i++) {
		if (i != current && spec->threads[i].state == BX_THREAD_READY &&
		    spec->threads[i].priority == spec->threads[current].priority &&
		    spec_has_time(spec, spec_account_of(spec, i)))
			return differ(model, "slice goes on: thread, timer at", current, timer, spec->now);
	}
	return true;
}

/* ---- time */

/* What has come back counts, whether it has been collected or not. */
static bool
account_same(struct model *model, unsigned i)
{
	const struct bx_account *core = &model->world.core->accounts[i];
	const struct spec *spec = &model->spec;
	const struct spec_account *of = &spec->accounts[i];
	int64_t left = core->left;
	unsigned at = 0, kept = 0;

	SAME("budget", i, core->budget, of->budget);
	if (of->budget == SPEC_NO_LIMIT)
		return true;
	for (; at < core->refill_count && core->refills[at].at <= spec->now; at++)
		left += (int64_t)core->refills[at].ticks;
	if (spec->account == i)
		left -= (int64_t)(spec->now - spec->since);
	SAME("time left", i, left, spec_time_left(spec, i));
	while (kept < of->count && of->refill[kept].at <= spec->now)
		kept++;
	SAME("refills", i, core->refill_count - at, of->count - kept);
	for (; kept < of->count; kept++, at++) {
		SAME("tick of a refill", i, core->refills[at].at, of->refill[kept].at);
		SAME("ticks of a refill", i, core->refills[at].ticks, of->refill[kept].ticks);
	}
	return true;
}

/* The timer comes when whoever runs has no time left, when somebody above has some again, and at once when
 * somebody could run and nobody does. */
static bool
timer_serves(struct model *model)
{
	const struct spec *spec = &model->spec;
	uint64_t timer = model->world.machine.timer, due = UINT64_MAX;

	if (spec->current != NOBODY && spec->accounts[spec->account].budget != SPEC_NO_LIMIT)
		due = spec->since + (uint64_t)spec->accounts[spec->account].left;
	for (unsigned i = 0; i < spec->thread_count; i++) {
		unsigned account = spec_account_of(spec, i);
		uint64_t at = spec->now;

		if (spec->threads[i].state != BX_THREAD_READY || (spec->current != NOBODY &&
		    spec->threads[i].priority <= spec->threads[spec->current].priority))
			continue;
		if (!spec_has_time(spec, account))
			at = spec_time_again(spec, account);
		due = at < due ? at : due;
	}
	if (spec->unheard != 0)
		due = spec->now < due ? spec->now : due;
	if (timer > due)
		return differ(model, "timer set too late, at", spec->current, timer, due);
	return true;
}

static bool
times_same(struct model *model)
{
	for (unsigned i = 0; i < model->spec.thread_count; i++) {
		if (model->spec.threads[i].state != BX_THREAD_FREE &&
		    !in_motion(&model->spec, model->spec.threads[i].program) && !account_same(model, i))
			return false;
	}
	return timer_serves(model);
}

/* YIELD gives the processor to an equal that waits. */
static bool
yield_yields(struct model *model, const struct spec *before, const struct spec_event *event)
{
	const struct spec *spec = &model->spec;

	if (!spec->went_on || event->kind != EVENT_CALL || event->request.regs.number != BX_SYS_YIELD ||
	    spec->current != before->current)
		return true;
	for (unsigned i = 0; i < spec->thread_count; i++) {
		if (i != spec->current && before->threads[i].state == BX_THREAD_READY &&
		    before->threads[i].priority == before->threads[before->current].priority &&
		    spec_has_time(spec, spec_account_of(spec, i)))
			return differ(model, "yields to nobody: thread, at", 0, spec->current, i);
	}
	return true;
}

bool
model_same(struct model *model, const struct spec *before, const struct spec_event *event)
{
	for (unsigned i = 0; i < model->spec.thread_count; i++) {
		if (!thread_same(model, before, i))
			return false;
	}
	turns_count(&model->spec, before, event);
	if (!turns_end(model) || !meeting_points_same(model) || !things_same(model) || !runner_may(model, before) ||
	    !times_same(model) || !records_same(model) || !machine_same(model) || !view_same(model, before) ||
	    !yield_yields(model, before, event) || !strings_same(model, before))
		return false;
	/* Whose slice runs is the core's to say; a YIELD is over when it is another's. */
	if (model->spec.slice_given && !before->slice_given)
		model->spec.slice_of = model->world.core->cpu.account;
	if (model->world.core->cpu.account != model->spec.slice_of)
		model->spec.slice_given = false;
	return true;
}
