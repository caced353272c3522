/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* sentences.c -- see sentences.h.  Reads the core, changes nothing in it. */
#include <string.h>

#include "sentences.h"
#include "../../src/thread.h"

#define LABEL_FIRST	0x1000u		/* system.c: what thread 0 sends has this label */

/* ---- capabilities, by name */

static const struct bx_cap *
cap_at(const struct bx_kcore *core, uint32_t program, uint32_t slot)
{
	return &core->forest.slots[core->programs[program].space.first_slot + slot].cap;
}

/* Whether it is the same one, as far as can be seen: while it is being removed it has no rights. */
static bool
same_cap(const struct bx_cap *before, const struct bx_cap *now)
{
	return before->type == now->type && (now->rights & ~before->rights) == 0 &&
	    before->badge == now->badge && before->object.index == now->object.index &&
	    before->object.generation == now->object.generation && before->expiry == now->expiry &&
	    before->first == now->first && before->count == now->count && before->depth == now->depth;
}

static bool
call_of(const struct spec_event *event, uint64_t number)
{
	return event->kind == EVENT_CALL && (event->request.regs.number & 0xff) == number;
}

/* A move takes the name along; whatever else is new in a slot has a new one. */
static void
names_follow(struct sentences *said, const struct bx_kcore *core, const struct spec_event *event)
{
	const struct spec_registers *asked = &event->request.regs;

	if (call_of(event, BX_SYS_CAP_MOVE) && core->threads[said->current].context.number == BX_OK &&
	    asked->value[0] < SPEC_SLOTS && asked->value[1] < SPEC_SLOTS) {
		uint32_t program = core->threads[said->current].program;

		said->id[program][asked->value[1]] = said->id[program][asked->value[0]];
		said->cap[program][asked->value[1]] = said->cap[program][asked->value[0]];
		said->cap[program][asked->value[0]].type = BX_CAP_NONE;
	}
	for (uint32_t p = 0; p < core->program_count; p++) {
		for (uint32_t s = 0; s < core->programs[p].space.slot_count; s++) {
			const struct bx_cap *now = cap_at(core, p, s);

			if (now->type == BX_CAP_NONE)
				said->id[p][s] = 0;
			else if (!same_cap(&said->cap[p][s], now))
				said->id[p][s] = ++said->ids;
		}
	}
}

static bool
is_there(const struct sentences *said, uint32_t program, uint32_t id)
{
	for (uint32_t s = 0; s < SPEC_SLOTS; s++) {
		if (said->id[program][s] == id)
			return true;
	}
	return false;
}

/* ---- what is being said */

/* The capability that lies where the call says becomes one of those that it names. */
static void
name_it(struct speech_of *speech, uint32_t id, const struct bx_cap *cap)
{
	if (id == 0 || cap->type != BX_CAP_ENDPOINT)
		return;
	for (unsigned i = 0; i < speech->count; i++) {
		if (speech->named[i].id == id) {
			speech->named[i].usable |= cap->uses != 0;
			return;
		}
	}
	if (speech->count == SENTENCE_CAPS) {
		speech->many = true;
		return;
	}
	speech->named[speech->count++] = (struct named_cap){ .id = id, .endpoint = cap->object.index,
	    .badge = cap->badge, .rights = cap->rights, .usable = cap->uses != 0 };
}

static void
speech_begin(struct sentences *said, const struct bx_kcore *core, const struct spec_event *event)
{
	struct speech_of *speech = &said->speech[said->current];
	uint32_t program = core->threads[said->current].program;

	*speech = (struct speech_of){ .kind = SPEECH_NONE, .server = BX_NONE,
	    .slot = event->request.regs.value[0] };
	if (call_of(event, BX_SYS_SEND))
		speech->kind = SPEECH_SEND;
	else if (call_of(event, BX_SYS_CALL))
		speech->kind = SPEECH_CALL;
	else if (call_of(event, BX_SYS_RECEIVE) || call_of(event, BX_SYS_REPLY_RECEIVE))
		speech->kind = SPEECH_RECEIVE;
	if (speech->kind != SPEECH_NONE && speech->slot < SPEC_SLOTS)
		name_it(speech, said->id[program][speech->slot], &said->cap[program][speech->slot]);
}

void
sentences_before(struct sentences *said, const struct bx_kcore *core, const struct spec_event *event)
{
	said->current = core->cpu.current;
	said->account = core->cpu.account;
	said->timer = core->cpu.timer_at;
	for (uint32_t i = 0; i < core->thread_count; i++) {
		said->thread[i].state = core->threads[i].state;
		said->thread[i].call_kind = core->threads[i].call_kind;
		said->thread[i].restart = core->threads[i].restart;
		said->thread[i].partner = core->threads[i].partner;
	}
	for (uint32_t p = 0; p < core->program_count; p++)
		said->program_state[p] = core->programs[p].state;
	for (uint32_t e = 0; e < core->endpoint_count; e++)
		said->server[e] = core->endpoints[e].server;
	if (event->kind == EVENT_CALL)
		speech_begin(said, core, event);
}

/* Its call is over, whatever came of it. */
static bool
is_over(const struct bx_thread *thread)
{
	return (thread->state == BX_THREAD_READY && thread->restart == 0) ||
	    thread->state == BX_THREAD_STOPPED || thread->state == BX_THREAD_FREE;
}

/* Slots may have been filled anew, and who was dormant recharged. */
static void
speeches_follow(struct sentences *said, const struct bx_kcore *core)
{
	for (uint32_t i = 0; i < core->thread_count; i++) {
		struct speech_of *speech = &said->speech[i];
		uint32_t program = core->threads[i].program;

		if (speech->kind == SPEECH_NONE)
			continue;
		if (speech->slot < SPEC_SLOTS)
			name_it(speech, said->id[program][speech->slot],
			    cap_at(core, program, (uint32_t)speech->slot));
		for (uint32_t s = 0; s < core->programs[program].space.slot_count; s++) {
			for (unsigned n = 0; n < speech->count; n++) {
				/* Before the step, or after it: its last use may be gone by now. */
				if (speech->named[n].id == said->id[program][s] &&
				    (said->cap[program][s].uses != 0 ||
				    cap_at(core, program, s)->uses != 0))
					speech->named[n].usable = true;
			}
		}
	}
}

static bool
by(const struct named_cap *named, uint8_t right)
{
	return named->usable && !named->gone && (named->rights & right) != 0;
}

/* ---- badge, dormant, revoked, once */

static const char *
message_broken(struct sentences *said, const struct bx_kcore *core, uint32_t receiver)
{
	const struct bx_context *context = &core->threads[receiver].context;
	const struct speech_of *taker = &said->speech[receiver];
	uint64_t sender = context->value[1] - LABEL_FIRST;
	struct speech_of *speech;

	if (sender >= core->thread_count)
		return "a message that nobody has sent";
	speech = &said->speech[sender];
	if (speech->taken || (speech->kind != SPEECH_SEND && speech->kind != SPEECH_CALL))
		return "once: a message whose sender does not send";
	speech->taken = true;
	if (((context->value[2] & BX_IPC_INFO_REPLY) != 0) != (speech->kind == SPEECH_CALL))
		return "once: a reply for who does not call, or none for who does";
	if (taker->many || speech->many)
		return NULL;
	for (unsigned n = 0; n < speech->count; n++) {
		if (!by(&speech->named[n], BX_RIGHT_WRITE) || speech->named[n].badge != context->value[0])
			continue;
		for (unsigned m = 0; m < taker->count; m++) {
			if (by(&taker->named[m], BX_RIGHT_READ) &&
			    taker->named[m].endpoint == speech->named[n].endpoint)
				return NULL;
		}
	}
	return "badge, dormant or revoked: a message by no capability that the sender's call has named for the "
	    "endpoint";
}

static const char *
fault_message_broken(const struct bx_kcore *core, uint32_t receiver)
{
	const struct bx_context *context = &core->threads[receiver].context;
	const struct bx_thread *faulty;

	if (context->value[0] >= core->program_count ||
	    context->value[1] >= core->programs[context->value[0]].thread_count)
		return "fault: of nobody";
	faulty = &core->threads[core->programs[context->value[0]].first_thread + context->value[1]];
	return faulty->state != BX_THREAD_FAULTED || faulty->partner != receiver ?
	    "fault: its handler does not have it" : NULL;
}

static const char *
messages_broken(struct sentences *said, const struct bx_kcore *core)
{
	for (uint32_t i = 0; i < core->thread_count; i++) {
		const struct bx_thread *thread = &core->threads[i];
		const char *what = NULL;

		if (said->speech[i].kind != SPEECH_RECEIVE || thread->state == BX_THREAD_FREE ||
		    !is_over(thread) || thread->context.number != BX_OK ||
		    (thread->context.value[2] & BX_IPC_INFO_SIGNAL) != 0)
			continue;
		what = (thread->context.value[2] & BX_IPC_INFO_FAULT) != 0 ?
		    fault_message_broken(core, i) : message_broken(said, core, i);
		if (what != NULL)
			return what;
	}
	return NULL;
}

/* What the sender was told. */
static const char *
results_broken(const struct sentences *said, const struct bx_kcore *core)
{
	for (uint32_t i = 0; i < core->thread_count; i++) {
		const struct speech_of *speech = &said->speech[i];
		const struct bx_thread *thread = &core->threads[i];
		uint64_t label = thread->context.value[1] - LABEL_FIRST;
		bool good = thread->context.number == BX_OK;

		if (thread->state == BX_THREAD_FREE || !is_over(thread))
			continue;
		if (speech->kind == SPEECH_SEND && good != speech->taken)
			return "once: a send is told what did not happen";
		if (speech->kind != SPEECH_CALL || !good)
			continue;
		if (!speech->taken)
			return "once: an answer to a call that nobody took";
		if (label >= core->thread_count || (speech->server != BX_NONE &&
		    core->threads[label].program != speech->server))
			return "once: an answer by another than who took the call";
	}
	return NULL;
}

/* Nobody waits by what is gone, or is dormant. */
static const char *
waits_broken(struct sentences *said, const struct bx_kcore *core)
{
	for (uint32_t i = 0; i < core->thread_count; i++) {
		struct speech_of *speech = &said->speech[i];
		const struct bx_thread *thread = &core->threads[i];
		bool sends = thread->state == BX_THREAD_SENDING, some = false;

		for (unsigned n = 0; n < speech->count; n++) {
			struct named_cap *named = &speech->named[n];

			named->gone |= !is_there(said, thread->program, named->id);
			some |= by(named, sends ? BX_RIGHT_WRITE : BX_RIGHT_READ) &&
			    (thread->object == BX_NONE || named->endpoint == thread->object) &&
			    (!sends || named->badge == thread->badge);
		}
		if (!some && !speech->many && thread->call_kind != BX_CALL_FAULT &&
		    core->programs[thread->program].state == BX_PROGRAM_RUNNING &&
		    (sends || thread->state == BX_THREAD_RECEIVING))
			return "revoked or dormant: who waits at an endpoint has no capability for it";
	}
	return NULL;
}

static void
speeches_end(struct sentences *said, const struct bx_kcore *core)
{
	for (uint32_t i = 0; i < core->thread_count; i++) {
		const struct bx_thread *thread = &core->threads[i];

		if (is_over(thread))
			said->speech[i] = (struct speech_of){ .kind = SPEECH_NONE, .server = BX_NONE };
		else if (thread->state == BX_THREAD_AWAITING_REPLY)
			said->speech[i].server = core->threads[thread->partner].program;
	}
}

/* ---- fault */

static bool
reply_names(const struct bx_kcore *core, const struct bx_cap *cap, uint32_t thread)
{
	return cap->type == BX_CAP_REPLY && cap->object.index == thread &&
	    cap->object.generation == core->threads[thread].call_generation;
}

/* Whether somebody of the server's does not want what needs an answer. */
static bool
is_unwanted(const struct sentences *said, const struct bx_kcore *core, uint32_t server)
{
	for (uint32_t i = 0; i < core->thread_count; i++) {
		if (core->threads[i].program == server && said->speech[i].kind == SPEECH_RECEIVE &&
		    core->threads[i].reply_slot == BX_CAP_SLOT_NONE)
			return true;
	}
	return false;
}

/* Whether its handler is there, has been all the time, and wants what needs an answer. */
static bool
is_handled(const struct sentences *said, const struct bx_kcore *core, uint32_t program)
{
	uint32_t handler = core->programs[program].fault_endpoint, server;

	if (handler == BX_NONE)
		return false;
	server = core->endpoints[handler].server;
	return server != BX_NONE && server == said->server[handler] &&
	    core->programs[server].state == BX_PROGRAM_RUNNING &&
	    said->program_state[server] == BX_PROGRAM_RUNNING && !is_unwanted(said, core, server);
}

/* A fault that was queued waits on, is taken, or goes with its thread; else nobody can take it. */
static const char *
faults_broken(const struct sentences *said, const struct bx_kcore *core)
{
	for (uint32_t i = 0; i < core->thread_count; i++) {
		const struct bx_thread *thread = &core->threads[i];

		if (said->thread[i].call_kind == BX_CALL_FAULT &&
		    said->thread[i].state == BX_THREAD_SENDING && thread->state == BX_THREAD_READY &&
		    is_handled(said, core, thread->program))
			return "fault: it waits no more, though its handler is there";
	}
	return NULL;
}

/* A program ends for a fault that nobody takes: of a thread that has faulted just now, or whose fault was
 * given back to it. */
static const char *
fault_ends_broken(const struct sentences *said, const struct bx_kcore *core,
    const struct spec_event *event)
{
	for (uint32_t p = 0; p < core->program_count; p++) {
		const struct bx_program *program = &core->programs[p];
		bool faulted = event->kind == EVENT_FAULT && core->threads[said->current].program == p;

		if (said->program_state[p] != BX_PROGRAM_RUNNING ||
		    (program->state == BX_PROGRAM_ENDING ? program->end_state : program->state) !=
		    BX_PROGRAM_FAULTED)
			continue;
		for (uint32_t n = 0; n < program->thread_count; n++) {
			uint32_t i = program->first_thread + n;

			faulted |= said->thread[i].call_kind == BX_CALL_FAULT &&
			    (said->thread[i].state != BX_THREAD_SENDING || !is_handled(said, core, p));
		}
		if (!faulted)
			return "fault: it waited for a handler that is there, and has ended its program";
	}
	return NULL;
}

/* ---- sealed */

static const char *
seals_broken(struct sentences *said, const struct bx_kcore *core)
{
	for (uint32_t p = 0; p < core->program_count; p++) {
		const struct bx_program *program = &core->programs[p];
		bool first = said->frozen_generation[p] != program->generation;

		if (program->state != BX_PROGRAM_RUNNING || !program->space.sealed)
			continue;
		said->frozen_generation[p] = program->generation;
		for (uint32_t s = 0; s < program->space.slot_count; s++) {
			const struct bx_cap *now = cap_at(core, p, s);
			struct bx_cap *frozen = &said->frozen[p][s];

			if (s >= program->space.plain_count) {
				if (now->type != BX_CAP_NONE && now->type != BX_CAP_REPLY)
					return "sealed: what is no reply lies in a slot for replies";
			} else if (first || now->type == BX_CAP_NONE) {
				*frozen = *now;
			} else if (!same_cap(frozen, now)) {
				return "sealed: a space has gained a capability";
			}
		}
	}
	return NULL;
}

/* ---- replies */

/* How often the lists of clients name the thread, in all and that of its partner; neither list is longer than
 * there are threads. */
static const char *
client_broken(const struct bx_kcore *core, const struct bx_thread *thread)
{
	unsigned listed = 0;

	for (uint32_t s = 0; s < core->thread_count; s++) {
		uint32_t at = core->threads[s].clients;

		for (uint32_t n = 0; at != BX_NONE && n <= core->thread_count; n++) {
			if (at == thread->index) {
				listed++;
				if (s != thread->partner)
					return "replies: a thread is the client of another than its server";
			}
			at = core->threads[at].next;
		}
	}
	return listed != (bx_thread_awaits(thread) ? 1 : 0) ?
	    "replies: who waits for an answer is known to no server, or to two" : NULL;
}

static const char *
replies_broken(const struct bx_kcore *core)
{
	for (uint32_t i = 0; i < core->thread_count; i++) {
		const struct bx_thread *thread = &core->threads[i];
		const char *what = thread->state == BX_THREAD_FREE ? NULL : client_broken(core, thread);
		unsigned kept = 0;

		if (what != NULL)
			return what;
		for (uint32_t p = 0; p < core->program_count; p++) {
			for (uint32_t s = 0; s < core->programs[p].space.slot_count; s++) {
				if (!reply_names(core, cap_at(core, p, s), i))
					continue;
				kept++;
				if (bx_thread_awaits(thread) &&
				    core->threads[thread->partner].program != p)
					return "replies: one lies with another than the server";
			}
		}
		if (kept > 1 || (bx_thread_awaits(thread) && kept == 0 &&
		    core->programs[core->threads[thread->partner].program].state == BX_PROGRAM_RUNNING))
			return "replies: there is none to who waits, or there are two";
		if (kept == 1 && !bx_thread_awaits(thread))
			return "replies: one to a thread that waits for none";
	}
	return NULL;
}

/* ---- queues */

static const char *
queue_count(const struct bx_kcore *core, const struct bx_queue *queue, unsigned *times,
    enum bx_thread_state state, uint32_t object)
{
	uint32_t at = queue->head;

	for (uint32_t n = 0; at != BX_NONE; n++) {
		const struct bx_thread *thread = &core->threads[at];

		if (n > core->thread_count)
			return "queues: one without an end";
		if (thread->state != state || (state != BX_THREAD_READY && thread->object != object))
			return "queues: a thread is in one in which it does not wait";
		times[at]++;
		at = thread->next;
	}
	return NULL;
}

static const char *
queues_broken(const struct bx_kcore *core)
{
	unsigned times[SPEC_THREADS] = { 0 };
	const char *what = NULL;

	for (uint32_t i = 0; i < core->endpoint_count && what == NULL; i++) {
		what = queue_count(core, &core->endpoints[i].senders, times, BX_THREAD_SENDING, i);
		if (what == NULL)
			what = queue_count(core, &core->endpoints[i].receivers, times,
			    BX_THREAD_RECEIVING, i);
	}
	for (uint32_t i = 0; i < core->notification_count && what == NULL; i++)
		what = queue_count(core, &core->notifications[i].waiters, times, BX_THREAD_WAITING, i);
	for (uint32_t i = 0; i < BX_PRIORITY_COUNT && what == NULL; i++)
		what = queue_count(core, &core->cpu.ready[i], times, BX_THREAD_READY, 0);
	for (uint32_t i = 0; i < core->thread_count && what == NULL; i++) {
		const struct bx_thread *thread = &core->threads[i];
		bool waits = bx_thread_queued(thread) && thread->transfer == BX_NONE;
		bool ready = thread->state == BX_THREAD_READY && core->cpu.current != i &&
		    core->threads[thread->account].parked != i;

		if (times[i] != (waits || ready ? 1u : 0u))
			what = "queues: a thread that is queued is in none, or in two";
	}
	return what;
}

/* ---- runs, budget */

/* While an interrupt waits nobody may run: it is taken, and then whoever is READY. */
static const char *
runner_broken(const struct bx_kcore *core, const struct spec_event *event)
{
	uint32_t current = core->cpu.current;

	if (current == BX_NONE && event->pending)
		return NULL;
	for (uint32_t i = 0; i < core->thread_count; i++) {
		const struct bx_thread *thread = &core->threads[i];

		if (thread->state != BX_THREAD_READY || core->threads[thread->account].throttled != 0 ||
		    (current != BX_NONE && thread->priority <= core->threads[current].priority))
			continue;
		return "runs: somebody who has time is READY above who runs";
	}
	return NULL;
}

/* In t ticks from its beginning an account has what one period gives, and as much for each that has
 * passed; whoever runs has some of it left.  What passes while the timer's event is late does not count. */
static const char *
budget_broken(struct sentences *said, const struct bx_kcore *core, uint64_t now)
{
	uint32_t running = core->cpu.account;

	if (said->account != BX_NONE && said->timer > said->now)
		said->used[said->account] += (now < said->timer ? now : said->timer) - said->now;
	said->now = now;
	if (running != BX_NONE && core->cpu.current != BX_NONE) {
		const struct bx_program *program = &core->programs[core->threads[running].program];

		if (program->budget_ticks != BX_BUDGET_NONE && program->budget_ticks != 0 &&
		    said->used[running] >= program->budget_ticks +
		    program->budget_ticks * (now - said->began) / program->period_ticks)
			return "budget: more time was used than there was";
	}
	return NULL;
}

/* ---- all of them */

static void
caps_keep(struct sentences *said, const struct bx_kcore *core)
{
	for (uint32_t p = 0; p < core->program_count; p++) {
		for (uint32_t s = 0; s < core->programs[p].space.slot_count; s++)
			said->cap[p][s] = *cap_at(core, p, s);
	}
}

void
sentences_begin(struct sentences *said, const struct bx_kcore *core, uint64_t now)
{
	memset(said, 0, sizeof *said);
	said->now = said->began = now;
	said->current = said->account = BX_NONE;
	names_follow(said, core, &(struct spec_event){ .kind = EVENT_TIMER });
	caps_keep(said, core);
	(void)seals_broken(said, core);
}

const char *
sentences_broken(struct sentences *said, const struct bx_kcore *core, const struct spec_event *event)
{
	const char *what;

	names_follow(said, core, event);
	speeches_follow(said, core);
	what = messages_broken(said, core);
	if (what == NULL)
		what = results_broken(said, core);
	if (what == NULL)
		what = waits_broken(said, core);
	if (what == NULL)
		what = faults_broken(said, core);
	if (what == NULL)
		what = fault_ends_broken(said, core, event);
	if (what == NULL)
		what = seals_broken(said, core);
	if (what == NULL)
		what = replies_broken(core);
	if (what == NULL)
		what = queues_broken(core);
	if (what == NULL)
		what = runner_broken(core, event);
	if (what == NULL)
		what = budget_broken(said, core, event->now);
	speeches_end(said, core);
	caps_keep(said, core);
	return what;
}

uint64_t
sentences_print(const struct sentences *said, uint64_t hash, uint64_t (*mix_word)(uint64_t, uint64_t))
{
	for (unsigned i = 0; i < SPEC_THREADS; i++) {
		const struct speech_of *speech = &said->speech[i];

		if (speech->kind == SPEECH_NONE)
			continue;
		hash = mix_word(hash, i | (uint64_t)speech->kind << 8 | (uint64_t)speech->count << 16 |
		    (uint64_t)speech->taken << 24 | speech->slot << 32);
		for (unsigned n = 0; n < speech->count; n++) {
			const struct named_cap *named = &speech->named[n];

			hash = mix_word(mix_word(hash, named->badge), named->endpoint |
			    (uint64_t)named->rights << 32 | (uint64_t)named->usable << 40 |
			    (uint64_t)named->gone << 41);
		}
	}
	return hash;
}
