/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * spec.c -- events of the specification, and who runs: design, sections 4 and 8.
 */
#include "spec.h"

/* ---- what is left open */

unsigned
spec_choose(struct spec *spec, unsigned count)
{
	unsigned at = spec->chosen;

	if (count < 2 || at == SPEC_CHOICES)
		return 0;
	spec->chosen++;
	spec->width[at] = (uint8_t)count;
	return spec->choice[at];
}

bool
spec_choice_next(struct spec *spec)
{
	while (spec->chosen > 0) {
		unsigned last = --spec->chosen;

		if (++spec->choice[last] < spec->width[last])
			return true;
		spec->choice[last] = 0;
	}
	return false;
}

/* ---- queues */

void
spec_queue_add(struct spec_queue *queue, unsigned thread)
{
	queue->thread[queue->count++] = (uint8_t)thread;
}

void
spec_queue_drop(struct spec_queue *queue, unsigned thread)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < queue->count; i++) {
		if (queue->thread[i] != thread)
			queue->thread[kept++] = queue->thread[i];
	}
	queue->count = (uint8_t)kept;
}

/* ---- priorities: the least that satisfy all sentences, found by going over them until none changes.
 *
 * A server runs with at least the priority of each of its clients, and of those who queue at the
 * endpoint that it serves, if it was the last to receive there, unless it waits there itself; and who makes a
 * copy of many steps with that of the other side.  It may keep what
 * those lend who queue where it was last to receive, also when it has turned to another endpoint; and who
 * waits for itself, what it lends itself. */
static uint8_t
priority_of(const struct spec *spec, unsigned thread, bool high)
{
	uint8_t priority[SPEC_THREADS];
	bool changed = true;

	for (unsigned i = 0; i < spec->thread_count; i++)
		priority[i] = spec->threads[i].base;
	while (changed) {
		changed = false;
		for (unsigned i = 0; i < spec->thread_count; i++) {
			const struct spec_thread *from = &spec->threads[i];
			unsigned to = from->partner;

			if (to == NOBODY && from->state == BX_THREAD_SENDING && from->object != NOBODY) {
				to = spec->endpoints[from->object].server_thread;
				if (to != NOBODY && !high && (spec->threads[to].serves != from->object ||
				    (spec->threads[to].state == BX_THREAD_RECEIVING &&
				    spec->threads[to].copy == NOBODY)))
					to = NOBODY;
			}
			if (from->copy != NOBODY && from->state != BX_THREAD_READY &&
			    priority[from->copy] < priority[i]) {
				priority[from->copy] = priority[i];
				changed = true;
			}
			if (to != NOBODY && spec->threads[to].state != BX_THREAD_FREE &&
			    priority[to] < priority[i]) {
				priority[to] = priority[i];
				changed = true;
			}
		}
	}
	return priority[thread];
}

uint8_t
spec_priority_low(const struct spec *spec, unsigned thread)
{
	return priority_of(spec, thread, false);
}

uint8_t
spec_priority_high(const struct spec *spec, unsigned thread)
{
	return spec_circular(spec, thread) ? BX_PRIORITY_COUNT - 1 : priority_of(spec, thread, true);
}

/* ---- who runs */

static bool
may_run(const struct spec *spec, unsigned thread)
{
	return spec->threads[thread].state == BX_THREAD_READY &&
	    spec_has_time(spec, spec_account_of(spec, thread));
}

/* One of those that may: READY, with time, and nobody like that is surely above it. */
static uint8_t
pick(struct spec *spec)
{
	uint8_t may[SPEC_THREADS], least = 0;
	unsigned count = 0;

	for (unsigned i = 0; i < spec->thread_count; i++) {
		if (may_run(spec, i) && spec_priority_low(spec, i) > least)
			least = spec_priority_low(spec, i);
	}
	if (spec->current != NOBODY && may_run(spec, spec->current) &&
	    spec_priority_high(spec, spec->current) >= least)
		may[count++] = spec->current;
	for (uint8_t i = 0; i < spec->thread_count; i++) {
		if (i != spec->current && may_run(spec, i) && spec_priority_high(spec, i) >= least)
			may[count++] = i;
	}
	return count == 0 ? NOBODY : may[spec_choose(spec, count)];
}

/* Whether the thread waits for an answer of the program, in a queue that it serves, or for its copy. */
static bool
waits_for(const struct spec *spec, unsigned thread, unsigned program)
{
	const struct spec_thread *from = &spec->threads[thread];

	if (from->partner != NOBODY)
		return spec->threads[from->partner].program == program;
	if (from->state == BX_THREAD_SENDING && from->object != NOBODY)
		return spec->endpoints[from->object].server == program;
	return from->copy != NOBODY && from->state != BX_THREAD_READY &&
	    spec->threads[from->copy].program == program;
}

/* Whether it lends its priority to whom it waits for: of those who receive somewhere else by now a queue has it not. */
static bool
lends(const struct spec *spec, unsigned thread)
{
	const struct spec_thread *from = &spec->threads[thread];
	unsigned server;

	if (from->partner != NOBODY || from->state != BX_THREAD_SENDING)
		return true;
	server = spec->endpoints[from->object].server_thread;
	return server != NOBODY && spec->threads[server].serves == from->object;
}

bool
spec_end_told(const struct spec_program *ended, unsigned endpoints)
{
	return ended->undone > ended->threads + endpoints;
}

/* The highest priority that those may have who wait for a program. */
static uint8_t
waited_high(const struct spec *spec, unsigned program)
{
	uint8_t most = 0;

	for (unsigned i = 0; i < spec->thread_count; i++) {
		if (waits_for(spec, i, program) && spec_priority_high(spec, i) > most)
			most = spec_priority_high(spec, i);
	}
	return most;
}

/* The priority at which a program is taken apart: until they have been told, the highest that any of those who wait
 * for it has had since it ended, and its threads had; then the program's own.  Of a chain that comes apart who waits
 * for it may have any of the priorities that were lent along it, for a moment. */
static unsigned
end_priority(struct spec *spec, unsigned program)
{
	struct spec_program *ended = &spec->programs[program];
	uint8_t told = spec->end_priority[program], least = ended->hurry, most = waited_high(spec, program);

	if (spec_end_told(ended, spec->endpoint_count))
		return ended->base;
	for (unsigned i = 0; i < spec->thread_count; i++) {
		if (waits_for(spec, i, program) && lends(spec, i) && spec_priority_low(spec, i) > least)
			least = spec_priority_low(spec, i);
	}
	if (spec->waited[program] > most)
		most = spec->waited[program];
	if (told > least && told < most)
		most = told;
	ended->hurry = least < most && spec_choose(spec, 2) == 1 ? most : least;
	return ended->hurry;
}

/* The program to be taken apart next: of whoever was to run, or one when nobody above the priority of
 * its end wants to. */
static unsigned
ending(struct spec *spec)
{
	unsigned best = NOBODY, highest = 0, current = spec->current;

	for (unsigned i = 0; i < spec->program_count; i++) {
		if (spec->programs[i].state == BX_PROGRAM_ENDING) {
			unsigned priority = end_priority(spec, i);

			if (best != NOBODY && (priority < highest || (priority == highest &&
			    spec->programs[i].base <= spec->programs[best].base)))
				continue;
			best = i;
			highest = priority;
		}
	}
	if (current != NOBODY && spec_dying(spec, current))
		return spec->threads[current].program;
	if (best != NOBODY && current != NOBODY) {
		if (spec_priority_low(spec, current) > highest)
			return NOBODY;
		if (spec_priority_high(spec, current) > highest)
			return spec_choose(spec, 2) == 0 ? best : NOBODY;
	}
	return best;
}

static void run_call(struct spec *spec, unsigned thread);

static void
run_on(struct spec *spec)
{
	spec_processor_to(spec, spec->current == NOBODY ? NOBODY : spec_account_of(spec, spec->current));
}

/* Whether somebody may wait for one that waits: what is lent along such a chain is passed on in steps, and taken back
 * in steps when it comes apart. */
static bool
chained(const struct spec *spec)
{
	unsigned waiting = 0;

	for (unsigned i = 0; i < spec->thread_count; i++)
		waiting += spec->threads[i].partner != NOBODY || spec->threads[i].copy != NOBODY ||
		    spec->threads[i].state == BX_THREAD_SENDING;
	return waiting >= 2;
}

/* After what has happened: work that was put off, one step of it in any case (a system call was one),
 * more while no interrupt waits; then somebody runs. */
static void
dispatch(struct spec *spec, bool stepped)
{
	for (;; stepped = true) {
		bool poor = spec_time_short(spec), again, late;
		unsigned gone;

		/* It may have been, for no time at all, with an account that turned out to have none. */
		if (poor && spec_choose(spec, 2) == 1)
			spec_processor_to(spec, NOBODY);
		spec->current = poor && spec->pending && spec_choose(spec, 2) == 1 ? NOBODY : pick(spec);
		run_on(spec);
		gone = ending(spec);
		again = spec->current != NOBODY && spec->threads[spec->current].again;
		late = spec->pending && spec->unsettled && (spec->chained || chained(spec)) && spec_choose(spec, 2) == 1;
		if (gone == NOBODY && !again && !late)
			return;
		if ((stepped || late) && spec->pending) {
			if (again || (spec->current != NOBODY && spec_dying(spec, spec->current)) ||
			    (late && spec_choose(spec, 2) == 1))
				spec->current = NOBODY;
			run_on(spec);
			return;
		}
		spec->went_on = false;
		if (gone == NOBODY) {
			struct spec_thread *thread = &spec->threads[spec->current];

			thread->again = false;
			if (thread->says == SAYS_FAULT)
				spec_fault(spec, spec->current);
			else
				run_call(spec, spec->current);
		} else {
			/* It pays for its own end. */
			spec_processor_to(spec, spec->programs[gone].first_thread);
			spec_program_apart(spec, gone);
		}
	}
}

/* ---- system calls */

/* True: it is one of those that may wait, or do not come back. */
static bool
waiting_call(struct spec *spec, unsigned thread)
{
	struct spec_thread *asker = &spec->threads[thread];

	switch (asker->asked.regs.number & 0xff) {
	case BX_SYS_CALL:
	case BX_SYS_SEND:
	case BX_SYS_RECEIVE:
	case BX_SYS_REPLY:
	case BX_SYS_REPLY_RECEIVE:
		spec_ipc_call(spec, thread);
		return true;
	case BX_SYS_WAIT:
		spec_wait(spec, thread);
		return true;
	case BX_SYS_SLEEP:
		spec_result(asker, BX_OK);
		if (asker->asked.regs.value[2] > spec->now) {
			asker->state = BX_THREAD_SLEEPING;
			asker->deadline = asker->asked.regs.value[2];
		}
		return true;
	case BX_SYS_EXIT:
		spec->programs[asker->program].exit_code = (int32_t)(uint32_t)asker->asked.regs.value[0];
		spec_record(spec, BX_AUDIT_EXIT, asker->program, BX_SLOT_NONE,
		    (uint64_t)(int64_t)spec->programs[asker->program].exit_code, 0, 0);
		spec_program_end(spec, asker->program, BX_PROGRAM_EXITED);
		return true;
	default:
		return false;
	}
}

static void
run_call(struct spec *spec, unsigned thread)
{
	struct spec_thread *asker = &spec->threads[thread];
	const struct spec_registers asked = asker->asked.regs;
	uint64_t number = asked.number & 0xff, flags = asked.number >> 8;
	uint64_t values[2] = { 0, 0 };
	enum bx_err err;

	asker->shown = false;
	if (number >= BX_SYS_CALL && number <= BX_SYS_REPLY_RECEIVE ? flags > BX_IPC_BUFFERS :
	    flags != 0) {
		err = number < BX_SYS_COUNT ? BX_ERR_INVALID : BX_ERR_SYSCALL;
	} else if (waiting_call(spec, thread)) {
		/* Refused at once, and not in the course of an end. */
		if (asker->state == BX_THREAD_READY && !asker->again && asker->shown)
			spec_record_refusal(spec, asker->program, &asked, (int64_t)asker->regs.number);
		return;
	} else {
		err = spec_plain_call(spec, thread, values);
	}
	if (err == BX_ERR_AGAIN) {
		asker->again = true;
		return;
	}
	asker->starts = false;
	asker->done = 0;
	asker->undo = 0;
	spec_record_refusal(spec, asker->program, &asked, err);
	spec_result(asker, err);
	if (err == BX_OK) {
		asker->regs.value[0] = values[0];
		asker->regs.value[1] = values[1];
	}
}

/* ---- events */

/* Of too many that are due some may be left for the next event, which comes at once. */
static void
deadlines(struct spec *spec, unsigned late)
{
	for (unsigned i = 0; i < spec->thread_count; i++) {
		const struct spec_thread *thread = &spec->threads[i];

		if (thread->deadline == 0 || thread->deadline > spec->now)
			continue;
		if (late > 0 && spec_choose(spec, 2) == 1) {
			late--;
			continue;
		}
		spec_wake(spec, i, thread->state == BX_THREAD_SLEEPING ? BX_OK : BX_ERR_TIMEOUT);
	}
}

/* A line signals by the capability that it was bound with, as long as that one is there and may. */
static void
interrupt(struct spec *spec)
{
	const struct spec_cap *cap = &spec->caps[spec->irq_place];

	if (spec->irq_note != NOBODY && cap->type == BX_CAP_NOTIFICATION &&
	    cap->object == spec->irq_note && (cap->rights & BX_RIGHT_WRITE) != 0 &&
	    spec->now < cap->expiry)
		spec_signal(spec, spec->irq_note, cap->badge);
}

void
spec_event(struct spec *spec, const struct spec_event *event)
{
	struct spec_thread *thread = spec->current == NOBODY ? NULL : &spec->threads[spec->current];

	spec->now = event->now;
	spec->pending = event->pending;
	spec->overdue = event->overdue;
	spec->unsettled = event->unsettled;
	spec->chained = spec->chained || chained(spec);
	for (unsigned p = 0; p < spec->program_count; p++) {
		spec->end_priority[p] = event->end_priority[p];
		spec->waited[p] = waited_high(spec, p);
	}
	spec->went_on = true;
	spec->record_count = 0;
	spec->view_kind = 0;
	switch (event->kind) {
	case EVENT_CALL:
		thread->asked = event->request;
		run_call(spec, spec->current);
		break;
	case EVENT_TIMER:
		deadlines(spec, spec_time_heard(spec, event->left, event->late));
		break;
	case EVENT_INTERRUPT:
		interrupt(spec);
		break;
	case EVENT_FAULT:
		thread->unheard = false;
		for (unsigned i = 0; i < 3; i++)
			thread->fault[i] = event->fault[i];
		spec_record(spec, BX_AUDIT_FAULT, thread->program, BX_SLOT_NONE, event->fault[0],
		    event->fault[1], thread->regs.pc);
		spec_fault(spec, spec->current);
		break;
	default:
		break;
	}
	/* So is a timer event by which somebody was woken, or an account had time again. */
	dispatch(spec, event->kind == EVENT_CALL || (event->kind == EVENT_TIMER && event->pending &&
	    spec_choose(spec, 2) == 1));
	spec->chained = spec->chained && spec->unsettled;
}

void
spec_boot(struct spec *spec)
{
	spec->irq_note = NOBODY;
	spec->irq_binder = NOBODY;
	spec->current = spec->account = NOBODY;
	for (unsigned i = 0; i < SPEC_PROGRAMS * SPEC_SLOTS; i++)
		spec->caps[i] = (struct spec_cap){ .parent = NOWHERE };
	for (unsigned i = 0; i < SPEC_PAGES; i++)
		spec->pages[i].owner = NOBODY;
	for (unsigned i = 0; i < SPEC_ENDPOINTS; i++)
		spec->endpoints[i].server = spec->endpoints[i].server_thread = NOBODY;
	for (unsigned i = 0; i < SPEC_NOTES; i++)
		spec->notes[i].bound = NOBODY;
	for (unsigned i = 0; i < SPEC_THREADS; i++)
		spec->threads[i].object = spec->threads[i].partner = spec->threads[i].copy =
		    spec->threads[i].serves = spec->threads[i].bound = NOBODY;
	for (unsigned p = 0; p < spec->program_count; p++) {
		spec->programs[p].starter = NOBODY;
		for (unsigned i = 0; i < spec->programs[p].threads; i++) {
			unsigned thread = spec->programs[p].first_thread + i;

			spec->threads[thread].program = (uint8_t)p;
			spec->accounts[thread] = (struct spec_account){ .budget = spec->programs[p].budget,
			    .period = spec->programs[p].period, .left = (int64_t)(spec->programs[p].passive ?
			    spec->programs[p].start_budget : spec->programs[p].budget) };
		}
	}
	spec_program_make(spec, 0);
	spec_program_runs(spec, 0);
	dispatch(spec, false);
}
