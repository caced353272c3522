/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * spec_threads.c -- threads, notifications, programs, memory, the interrupt line: design, sections 4, 5,
 * 8, 9 and abi.h.
 */
#include "spec.h"

/* On an error values 0..2 are 0 and the words as they were. */
void
spec_result(struct spec_thread *thread, enum bx_err err)
{
	thread->regs = thread->asked.regs;
	thread->regs.number = (uint64_t)(int64_t)err;
	for (unsigned i = 0; i < 3; i++)
		thread->regs.value[i] = 0;
	thread->shown = true;
}

/* ---- notifications */

static void
take(struct spec *spec, unsigned note, unsigned thread, uint64_t info)
{
	struct spec_thread *taker = &spec->threads[thread];

	spec_result(taker, BX_OK);
	taker->regs.value[0] = spec->notes[note].bits;
	taker->regs.value[2] = info;
	taker->spent = taker->retries = false;
	spec->notes[note].bits = 0;
}

/* Whoever waits first takes all bits; else, in a receive, the bound thread. */
void
spec_deliver(struct spec *spec, unsigned note)
{
	const struct spec_note *to = &spec->notes[note];
	unsigned thread = to->waiters.count > 0 ? to->waiters.thread[0] : to->bound;
	uint64_t info = to->waiters.count > 0 ? 0 : BX_IPC_INFO_SIGNAL;

	if (to->bits == 0 || thread == NOBODY || spec_dying(spec, thread))
		return;
	if (info != 0 && (spec->threads[thread].state != BX_THREAD_RECEIVING ||
	    spec->threads[thread].copy != NOBODY))
		return;
	take(spec, note, thread, info);
	spec_detach(spec, thread);
	spec->threads[thread].state = BX_THREAD_READY;
}

void
spec_signal(struct spec *spec, unsigned note, uint64_t bits)
{
	spec->notes[note].signals++;
	spec->notes[note].bits |= bits;
	spec_deliver(spec, note);
}

bool
spec_bound_take(struct spec *spec, unsigned thread)
{
	unsigned note = spec->threads[thread].bound;

	if (note == NOBODY || spec->notes[note].bits == 0)
		return false;
	take(spec, note, thread, BX_IPC_INFO_SIGNAL);
	return true;
}

void
spec_wait(struct spec *spec, unsigned thread)
{
	struct spec_thread *waiter = &spec->threads[thread];
	uint64_t deadline = waiter->asked.regs.value[2];
	struct spec_note *note;
	uint16_t place;
	enum bx_err err = spec_cap_find(spec, thread, waiter->asked.regs.value[0],
	    BX_CAP_NOTIFICATION, BX_RIGHT_READ, &place);

	if (err == BX_OK && spec->notes[spec->caps[place].object].bits == 0 && deadline <= spec->now)
		err = deadline == 0 ? BX_ERR_WOULD_BLOCK : BX_ERR_TIMEOUT;
	if (err != BX_OK) {
		spec_result(waiter, err);
		return;
	}
	note = &spec->notes[spec->caps[place].object];
	spec_cap_use(spec, place);
	if (note->bits != 0) {
		take(spec, spec->caps[place].object, thread, 0);
		return;
	}
	waiter->state = BX_THREAD_WAITING;
	waiter->object = (uint8_t)spec->caps[place].object;
	waiter->deadline = deadline;
	spec_queue_add(&note->waiters, thread);
}

static enum bx_err
signal_call(struct spec *spec, unsigned thread)
{
	uint16_t place;
	enum bx_err err = spec_cap_find(spec, thread, spec->threads[thread].asked.regs.value[0],
	    BX_CAP_NOTIFICATION, BX_RIGHT_WRITE, &place);

	if (err != BX_OK)
		return err;
	if (spec->caps[place].badge == 0)
		return BX_ERR_INVALID;
	spec_cap_use(spec, place);
	spec_signal(spec, spec->caps[place].object, spec->caps[place].badge);
	return BX_OK;
}

static enum bx_err
bind_call(struct spec *spec, unsigned thread)
{
	struct spec_thread *binder = &spec->threads[thread];
	struct spec_note *note;
	uint16_t place;
	enum bx_err err = spec_cap_find(spec, thread, binder->asked.regs.value[0],
	    BX_CAP_NOTIFICATION, BX_RIGHT_READ, &place);

	if (err != BX_OK)
		return err;
	note = &spec->notes[spec->caps[place].object];
	if (note->bound != NOBODY && note->bound != thread)
		return BX_ERR_BUSY;
	spec_cap_use(spec, place);
	if (binder->bound != NOBODY)
		spec->notes[binder->bound].bound = NOBODY;
	binder->bound = (uint8_t)spec->caps[place].object;
	note->bound = (uint8_t)thread;
	return BX_OK;
}

/* ---- threads */

/* What it was doing is cancelled; those whose calls it serves wait on. */
void
spec_stop(struct spec *spec, unsigned thread)
{
	struct spec_thread *stopped = &spec->threads[thread];
	bool in_call = stopped->state != BX_THREAD_READY || stopped->again;

	spec_detach(spec, thread);
	for (unsigned i = 0; i < spec->program_count; i++) {
		if (stopped->starts && spec->programs[i].starter == thread)
			spec_program_end(spec, i, spec->programs[i].state);
	}
	if (in_call && stopped->state != BX_THREAD_STOPPED && stopped->says != SAYS_FAULT)
		spec_result(stopped, BX_ERR_CANCELLED);
	stopped->says = SAYS_NOTHING;
	stopped->again = stopped->unheard = stopped->starts = stopped->spent = stopped->retries = false;
	stopped->done = 0;
	stopped->undo = 0;
	stopped->state = BX_THREAD_STOPPED;
}

static void
thread_end(struct spec *spec, unsigned thread)
{
	struct spec_thread *ended = &spec->threads[thread];

	if (ended->state == BX_THREAD_FREE)
		return;
	spec_account_split(spec, thread);
	if (ended->state != BX_THREAD_STOPPED)
		spec_stop(spec, thread);
	spec_server_gone(spec, thread);
	if (ended->bound != NOBODY)
		spec->notes[ended->bound].bound = NOBODY;
	ended->bound = NOBODY;
	ended->serves = NOBODY;
	ended->state = BX_THREAD_FREE;
}

static void
thread_start(struct spec *spec, unsigned thread, uint64_t entry, uint64_t stack)
{
	struct spec_thread *started = &spec->threads[thread];

	started->regs = (struct spec_registers){ .pc = entry, .stack = stack };
	started->state = BX_THREAD_READY;
	started->begun = true;
	started->shown = true;
}

static enum bx_err
thread_call(struct spec *spec, unsigned thread)
{
	const struct spec_registers *regs = &spec->threads[thread].asked.regs;
	uint64_t number = regs->number, entry = regs->value[1], stack = regs->value[2];
	struct spec_thread *other;
	uint16_t place;
	enum bx_err err = spec_cap_find(spec, thread, regs->value[0], BX_CAP_THREAD, BX_RIGHT_WRITE,
	    &place);

	if (err != BX_OK)
		return err;
	other = &spec->threads[spec->caps[place].object];
	if (number == BX_SYS_THREAD_START &&
	    (entry < BX_USER_START || entry >= BX_USER_END || stack > BX_USER_END))
		return BX_ERR_ADDRESS;
	if (number == BX_SYS_THREAD_PRIORITY) {
		if (entry > spec->programs[other->program].most)
			return BX_ERR_RANGE;
		other->base = (uint8_t)entry;
	} else if (number == BX_SYS_THREAD_STOP) {
		if (other->state == BX_THREAD_STOPPED || spec->programs[other->program].starter != NOBODY)
			return BX_ERR_STATE;
		if (other->again && other->asked.regs.number == BX_SYS_MAP && other->done > 0) {
			other->undo = (int8_t)(other->undo != 0 ? other->undo : BX_ERR_CANCELLED);
			if (!spec_map_undo(spec, spec->caps[place].object))
				return BX_ERR_AGAIN;
		}
		spec_stop(spec, spec->caps[place].object);
	} else {
		if (other->state != BX_THREAD_STOPPED ||
		    spec->programs[other->program].state != BX_PROGRAM_RUNNING ||
		    (number == BX_SYS_THREAD_RESUME && !other->begun))
			return BX_ERR_STATE;
		if (number == BX_SYS_THREAD_START) {
			thread_start(spec, spec->caps[place].object, entry, stack);
			other->regs.value[0] = regs->word[0];
		}
		other->state = BX_THREAD_READY;
	}
	spec_cap_use(spec, place);
	/* Of a start its entry is told, of a priority which. */
	spec_record(spec, BX_AUDIT_CONTROL, spec->threads[thread].program, other->program,
	    regs->value[0], number, number == BX_SYS_THREAD_START || number == BX_SYS_THREAD_PRIORITY ?
	    entry : 0);
	return BX_OK;
}

/* ---- programs */

/* Its threads and its space come to be, and all that names them is good again. */
void
spec_program_make(struct spec *spec, unsigned program)
{
	struct spec_program *made = &spec->programs[program];

	made->made = true;
	for (unsigned i = 0; i < made->threads; i++) {
		struct spec_thread *thread = &spec->threads[made->first_thread + i];
		uint32_t call = thread->call;

		*thread = (struct spec_thread){
			.program = (uint8_t)program, .state = BX_THREAD_STOPPED, .base = made->base,
			.priority = made->base, .object = NOBODY, .partner = NOBODY, .copy = NOBODY,
			.serves = NOBODY, .bound = NOBODY, .send_place = NOWHERE,
			.receive_place = NOWHERE, .reply_place = NOWHERE, .call = call,
		};
		spec_account_begin(spec, made->first_thread + i);
	}
}

void
spec_program_runs(struct spec *spec, unsigned program)
{
	struct spec_program *begun = &spec->programs[program];
	unsigned by = begun->starter;

	for (unsigned i = 0; i < begun->slots; i++) {
		struct spec_cap *cap = &spec->caps[program * SPEC_SLOTS + i];

		*cap = begun->grants[i];
		cap->parent = NOWHERE;
		cap->expiry = cap->type == BX_CAP_NONE ? 0 : cap->expiry == 0 ? BX_CAP_EXPIRY_NEVER :
		    spec->now + cap->expiry;
	}
	begun->launch_ticks = spec->now - begun->began;
	begun->starter = NOBODY;
	begun->state = BX_PROGRAM_RUNNING;
	begun->sealed = !begun->open;
	begun->starts++;
	spec_record(spec, BX_AUDIT_SPAWN, by == NOBODY ? BX_SLOT_NONE : spec->threads[by].program, program,
	    begun->entry, 0, begun->starts);
	begun->exit_code = 0;
	for (unsigned i = 0; i < 3; i++)
		begun->fault[i] = 0;
	thread_start(spec, begun->first_thread, begun->entry, begun->stack);
	spec->threads[begun->first_thread].shown = false;	/* registers: see abi.h, at the launch block */
}

bool
spec_dying(const struct spec *spec, unsigned thread)
{
	return spec->programs[spec->threads[thread].program].state == BX_PROGRAM_ENDING;
}

/* No thread of it runs any more. */
void
spec_program_end(struct spec *spec, unsigned program, uint8_t state)
{
	struct spec_program *ended = &spec->programs[program];

	if (ended->state != BX_PROGRAM_RUNNING && ended->starter == NOBODY)
		return;
	ended->ran = ended->state == BX_PROGRAM_RUNNING;
	ended->end_state = state;
	ended->state = BX_PROGRAM_ENDING;
	ended->starter = NOBODY;
	ended->made = false;
	ended->undone = 0;
	ended->hurry = ended->base;
	for (unsigned i = 0; i < ended->threads; i++) {
		if (ended->ran && spec->threads[ended->first_thread + i].priority > ended->hurry)
			ended->hurry = spec->threads[ended->first_thread + i].priority;
	}
}

/* Its threads go, with an error for each partner; who queues where it served; its capabilities; then all that it
 * had has come back.  A part of that at a time: in between others may be above it. */
void
spec_program_apart(struct spec *spec, unsigned program)
{
	struct spec_program *gone = &spec->programs[program];
	const unsigned senders = gone->threads + spec->endpoint_count;
	/* After all senders have been told, one more to find that out. */
	unsigned steps = gone->undone <= senders ? senders + 1 - gone->undone : 1;

	steps -= spec_choose(spec, spec->pending ? steps + 1 : steps);
	for (; steps > 0; steps--, gone->undone++) {
		if (gone->undone < gone->threads)
			thread_end(spec, gone->first_thread + gone->undone);
		else if (gone->undone < senders)
			spec_senders_end(spec, program, gone->undone - gone->threads);
		else if (gone->undone > senders)
			spec_caps_end(spec, program);
	}
	if (gone->undone <= senders + 1)
		return;
	gone->state = gone->end_state;
	if (gone->ran && gone->exit_note != NOBODY)
		spec_signal(spec, gone->exit_note, gone->exit_bits);
}

/* The program that the second argument names, in the range of the capability. */
enum bx_err
spec_spawn_find(struct spec *spec, unsigned thread, uint8_t right, uint16_t *place)
{
	const struct spec_registers *regs = &spec->threads[thread].asked.regs;
	enum bx_err err = spec_cap_find(spec, thread, regs->value[0], BX_CAP_SPAWN, right, place);
	const struct spec_cap *cap;

	if (err != BX_OK)
		return err;
	cap = &spec->caps[*place];
	return regs->value[1] < cap->first || regs->value[1] - cap->first >= cap->count ||
	    regs->value[1] >= spec->program_count ? BX_ERR_RANGE : BX_OK;
}

/* A step; the last one makes it run. */
static enum bx_err
start_step(struct spec *spec, unsigned program)
{
	if (spec->pending && spec_choose(spec, 2) == 1)
		return BX_ERR_AGAIN;
	spec_program_make(spec, program);
	spec_program_runs(spec, program);
	return BX_OK;
}

static enum bx_err
spawn_call(struct spec *spec, unsigned thread)
{
	struct spec_thread *starter = &spec->threads[thread];
	const struct spec_registers *regs = &starter->asked.regs;
	unsigned program = (unsigned)regs->value[1];
	uint16_t place;
	enum bx_err err;

	if (starter->starts)
		return spec->programs[program].starter != thread ? BX_ERR_CANCELLED :
		    start_step(spec, program);
	err = spec_spawn_find(spec, thread, BX_RIGHT_WRITE, &place);
	if (err != BX_OK)
		return err;
	if (regs->word[0] > BX_SPAWN_ARGUMENT_MAX)
		return BX_ERR_RANGE;
	if (spec->programs[program].state == BX_PROGRAM_RUNNING ||
	    spec->programs[program].state == BX_PROGRAM_ENDING)
		return BX_ERR_STATE;
	if (spec->programs[program].starter != NOBODY)
		return BX_ERR_BUSY;
	spec_cap_use(spec, place);
	starter->starts = true;
	spec->programs[program].starter = (uint8_t)thread;
	spec->programs[program].began = spec->now;
	return start_step(spec, program);
}

static enum bx_err
kill_call(struct spec *spec, unsigned thread)
{
	unsigned program = (unsigned)spec->threads[thread].asked.regs.value[1];
	uint16_t place;
	enum bx_err err = spec_spawn_find(spec, thread, BX_RIGHT_WRITE, &place);

	if (err != BX_OK)
		return err;
	if (spec->programs[program].state != BX_PROGRAM_RUNNING &&
	    spec->programs[program].starter == NOBODY)
		return BX_ERR_STATE;
	spec_cap_use(spec, place);
	spec_record(spec, BX_AUDIT_KILL, spec->threads[thread].program, program,
	    spec->threads[thread].asked.regs.value[0], 0, 0);
	spec_program_end(spec, program, BX_PROGRAM_KILLED);
	return BX_OK;
}

/* ---- memory: one mapping a page, never writable and executable */

void
spec_page_leave(struct spec *spec, unsigned page)
{
	spec->pages[page].address = 0;
	spec->pages[page].flags = 0;
}

static enum bx_err
map_step(struct spec *spec, unsigned thread)
{
	struct spec_thread *mapper = &spec->threads[thread];
	const struct spec_registers *regs = &mapper->asked.regs;
	uint64_t flags = regs->word[1], count = regs->word[0], upto;
	uint8_t rights = BX_RIGHT_READ;
	const struct spec_cap *cap;
	uint16_t place;
	enum bx_err err;

	if ((flags & ~7ull) != 0 || (flags & BX_MAP_READ) == 0)
		return BX_ERR_INVALID;
	if ((flags & BX_MAP_WRITE) != 0 && (flags & BX_MAP_EXECUTE) != 0)
		return BX_ERR_WX;
	if ((flags & BX_MAP_WRITE) != 0)
		rights |= BX_RIGHT_WRITE;
	if ((flags & BX_MAP_EXECUTE) != 0)
		rights |= BX_RIGHT_EXECUTE;
	err = spec_cap_find(spec, thread, regs->value[0], BX_CAP_MEMORY, rights, &place);
	if (err != BX_OK)
		return err;
	cap = &spec->caps[place];
	if (count == 0 || regs->value[2] >= cap->count || count > cap->count - regs->value[2])
		return BX_ERR_RANGE;
	if (regs->value[1] % BX_PAGE_SIZE != 0)
		return BX_ERR_ALIGN;
	if (regs->value[1] < BX_USER_START || regs->value[1] > BX_USER_END - count * BX_PAGE_SIZE)
		return BX_ERR_RANGE;
	/* While an interrupt waits it may stop after any page. */
	upto = count - (spec->pending ? spec_choose(spec, (unsigned)count - mapper->done) : 0);
	while (mapper->done < upto) {
		struct spec_page *page = &spec->pages[cap->first + regs->value[2] + mapper->done];
		uint64_t address = regs->value[1] + mapper->done * (uint64_t)BX_PAGE_SIZE;

		if (page->address != 0)
			return BX_ERR_MAPPED;
		for (unsigned j = 0; j < SPEC_PAGES; j++) {
			if (spec->pages[j].owner == mapper->program && spec->pages[j].address == address)
				return BX_ERR_EXISTS;
		}
		*page = (struct spec_page){ .owner = mapper->program, .address = address,
		    .flags = (uint8_t)flags };
		mapper->done++;
	}
	if (mapper->done < count)
		return BX_ERR_AGAIN;
	spec_cap_use(spec, place);
	return BX_OK;
}

/* From the last one back; what went away meanwhile is not found. */
bool
spec_map_undo(struct spec *spec, unsigned thread)
{
	struct spec_thread *mapper = &spec->threads[thread];
	unsigned left = spec->pending ? spec_choose(spec, mapper->done + 1u) : 0;

	while (mapper->done > left) {
		uint64_t address = mapper->asked.regs.value[1] + --mapper->done * (uint64_t)BX_PAGE_SIZE;

		for (unsigned i = 0; i < SPEC_PAGES; i++) {
			if (spec->pages[i].owner == mapper->program && spec->pages[i].address == address)
				spec_page_leave(spec, i);
		}
	}
	return left == 0;
}

/* All or none; but a page that was another's has lost its content. */
static enum bx_err
map_call(struct spec *spec, unsigned thread)
{
	struct spec_thread *mapper = &spec->threads[thread];
	enum bx_err err = mapper->undo == 0 ? map_step(spec, thread) : (enum bx_err)mapper->undo;

	if (err == BX_OK || err == BX_ERR_AGAIN)
		return err;
	mapper->undo = (int8_t)err;
	return spec_map_undo(spec, thread) ? err : BX_ERR_AGAIN;
}

static enum bx_err
unmap_call(struct spec *spec, unsigned thread)
{
	struct spec_thread *unmapper = &spec->threads[thread];
	const struct spec_registers *regs = &unmapper->asked.regs;
	const struct spec_cap *cap;
	uint64_t upto;
	uint16_t place;
	enum bx_err err = spec_cap_find(spec, thread, regs->value[0], BX_CAP_MEMORY, BX_RIGHT_READ,
	    &place);

	if (err != BX_OK)
		return err;
	cap = &spec->caps[place];
	if (regs->word[0] == 0 || regs->value[2] >= cap->count ||
	    regs->word[0] > cap->count - regs->value[2])
		return BX_ERR_RANGE;
	/* It looks at all of them, then takes them; while an interrupt waits it may stop anywhere. */
	upto = 2 * regs->word[0];
	if (spec->pending)
		upto -= spec_choose(spec, (unsigned)upto - unmapper->done);
	for (; unmapper->done < upto; unmapper->done++) {
		uint64_t page = cap->first + regs->value[2] + unmapper->done % regs->word[0];
		bool mine = spec->pages[page].owner == unmapper->program && spec->pages[page].address != 0;

		if (unmapper->done < regs->word[0] && !mine)
			return BX_ERR_NOT_MAPPED;
		if (unmapper->done >= regs->word[0] && mine)
			spec_page_leave(spec, (unsigned)page);
	}
	if (upto < 2 * regs->word[0])
		return BX_ERR_AGAIN;
	spec_cap_use(spec, place);
	return BX_OK;
}

/* ---- the interrupt line */

static enum bx_err
irq_call(struct spec *spec, unsigned thread)
{
	const struct spec_registers *regs = &spec->threads[thread].asked.regs;
	uint16_t line, place = NOWHERE;
	enum bx_err err = spec_cap_find(spec, thread, regs->value[0], BX_CAP_IRQ, BX_RIGHT_READ, &line);

	if (err == BX_OK && regs->number == BX_SYS_IRQ_BIND) {
		err = spec_cap_find(spec, thread, regs->value[1], BX_CAP_NOTIFICATION, BX_RIGHT_WRITE,
		    &place);
		if (err == BX_OK && spec->caps[place].badge == 0)
			err = BX_ERR_INVALID;
	}
	if (err != BX_OK)
		return err;
	if (regs->number == BX_SYS_IRQ_ACK && (spec->irq_note == NOBODY ||
	    (spec->programs[spec->irq_binder].state == BX_PROGRAM_ENDING && spec_choose(spec, 2) == 1)))
		return BX_ERR_STATE;
	spec_cap_use(spec, line);
	if (regs->number == BX_SYS_IRQ_BIND) {
		spec_cap_use(spec, place);
		spec->irq_note = (uint8_t)spec->caps[place].object;
		spec->irq_place = place;
		spec->irq_binder = spec->threads[thread].program;
	}
	spec->irq_open = true;
	return BX_OK;
}

enum bx_err
spec_plain_call(struct spec *spec, unsigned thread, uint64_t *values)
{
	switch (spec->threads[thread].asked.regs.number) {
	case BX_SYS_NULL:
		return BX_OK;
	case BX_SYS_YIELD:
		spec->slice_given = true;
		return BX_OK;
	case BX_SYS_SIGNAL:
		return signal_call(spec, thread);
	case BX_SYS_NOTIFICATION_BIND:
		return bind_call(spec, thread);
	case BX_SYS_CAP_DERIVE:
	case BX_SYS_CAP_COPY:
	case BX_SYS_CAP_MOVE:
	case BX_SYS_CAP_DELETE:
	case BX_SYS_CAP_REVOKE:
	case BX_SYS_CAP_RECHARGE:
	case BX_SYS_CAP_INFO:
		return spec_caps_call(spec, thread, values);
	case BX_SYS_MAP:
		return map_call(spec, thread);
	case BX_SYS_UNMAP:
		return unmap_call(spec, thread);
	case BX_SYS_THREAD_START:
	case BX_SYS_THREAD_STOP:
	case BX_SYS_THREAD_RESUME:
	case BX_SYS_THREAD_PRIORITY:
		return thread_call(spec, thread);
	case BX_SYS_IRQ_BIND:
	case BX_SYS_IRQ_ACK:
		return irq_call(spec, thread);
	case BX_SYS_SPAWN:
		return spawn_call(spec, thread);
	case BX_SYS_KILL:
		return kill_call(spec, thread);
	default:
		return spec_watch_call(spec, thread, values);
	}
}
