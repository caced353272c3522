/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* system.c -- the system of model.h, built twice, and what happens to it, done twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "../../src/thread.h"

#define LIFETIME_US	1u
#define TICKS_PER_US	1000u		/* WORLD_TICKS of them are a second */
#define LIFETIME_TICKS	(LIFETIME_US * TICKS_PER_US)
#define PORT_FIRST	0x2f0u
#define PORT_COUNT	4u
#define AUDIT_RECORDS	64u
#define SLICE_US	10000u		/* a time slice, for which a passive program starts up */
#define SHORT_LENGTH	40u
#define LONG_LENGTH	40000u		/* more than two steps of a copy */
#define STRING_PAGES	10u
#define SEND_ADDRESS	(ELF_DATA + 0x1000u)
#define EXPIRE_LOOKS	6u		/* of one timer event */
#define BAD_ADDRESS	0x700000000000u
#define MAP_ADDRESS	0x10000000u

static const uint32_t every = BX_RIGHT_READ | BX_RIGHT_WRITE | BX_RIGHT_GRANT | BX_RIGHT_GRANT_REPLY;
static const uint32_t both = BX_RIGHT_READ | BX_RIGHT_WRITE;

/* ---- the manifest, for the core and for the specification */

struct builder {
	struct build build;
	struct spec *spec;
	uint32_t program;
};

static void
grant(struct builder *builder, uint32_t slot, uint32_t object, uint8_t type, uint32_t index,
    uint32_t rights, uint64_t badge, uint32_t uses, uint64_t count)
{
	struct build_grant *given = &builder->build.grants[build_grant(&builder->build,
	    builder->program, slot, object, rights)];

	given->badge = badge;
	given->uses = uses;
	builder->spec->programs[builder->program].grants[slot] = (struct spec_cap){
		.type = type, .rights = (uint8_t)rights, .parent = NOWHERE, .uses = uses,
		.badge = badge, .count = count, .object = index,
	};
	if (slot == TIMED) {
		given->lifetime_us = LIFETIME_US;
		builder->spec->programs[builder->program].grants[slot].expiry = LIFETIME_TICKS;
	}
}

static void
grants(struct builder *builder, const struct model_shape *shape, const uint32_t *object,
    const uint32_t *thread, const uint32_t *space)
{
	const uint32_t p = builder->program, next = (p + 1) % shape->programs;
	const uint32_t last = p * shape->threads + shape->threads - 1u;
	const uint32_t always = BX_CAP_USES_UNLIMITED;

	grant(builder, EP_A, object[0], BX_CAP_ENDPOINT, 0, every, 0x100 + p, always, 0);
	grant(builder, EP_B, object[1], BX_CAP_ENDPOINT, 1, every, 0x200 + p, always, 0);
	grant(builder, NOTE, object[2], BX_CAP_NOTIFICATION, 0, both, 1u << p, always, 0);
	grant(builder, EXITS, object[3], BX_CAP_NOTIFICATION, 1, BX_RIGHT_READ, 0, always, 0);
	grant(builder, MEMORY, object[4], BX_CAP_MEMORY, 0, both | BX_RIGHT_EXECUTE, 0, always, SPEC_PAGES);
	grant(builder, IRQ, object[5], BX_CAP_IRQ, 0, BX_RIGHT_READ, 0, always, 0);
	grant(builder, SPAWN, object[6], BX_CAP_SPAWN, 0, both, 0, always, shape->programs);
	grant(builder, THREAD_NEXT, thread[next * shape->threads], BX_CAP_THREAD,
	    next * shape->threads, BX_RIGHT_WRITE, 0, always, 0);
	grant(builder, THREAD_OWN, thread[last], BX_CAP_THREAD, last, BX_RIGHT_WRITE, 0, always, 0);
	grant(builder, CSPACE_NEXT, space[next], BX_CAP_CSPACE, next, BX_RIGHT_WRITE, 0, always, 0);
	grant(builder, COUNTED, object[0], BX_CAP_ENDPOINT, 0, every, 0, 2, 0);
	grant(builder, TIMED, object[0], BX_CAP_ENDPOINT, 0, every, 0x400 + p, always, 0);
	grant(builder, MUTE, object[0], BX_CAP_ENDPOINT, 0, both, 0x500 + p, always, 0);
	grant(builder, PORT, object[7], BX_CAP_IOPORT, 1, both, 0, 3, PORT_COUNT);
	builder->spec->programs[p].grants[PORT].first = PORT_FIRST;
	grant(builder, POWER, object[8], BX_CAP_DEVICE, 2, BX_RIGHT_WRITE, 0, always, 0);
	grant(builder, AUDIT, object[9], BX_CAP_AUDIT_READ, 3, BX_RIGHT_READ, 0, always, 0);
	grant(builder, COUNTED_NOTE, object[2], BX_CAP_NOTIFICATION, 0, both, 0x100u << p, 3, 0);
}

static void
budget(struct build_program *program, struct spec_program *spec, const struct model_times *times,
    uint32_t index)
{
	program->budget_us = times->budget_us[index];
	program->period_us = times->period_us[index];
	if (times->budget_us[index] != 0) {
		spec->budget = times->budget_us[index] * (uint64_t)TICKS_PER_US;
		spec->period = times->period_us[index] * (uint64_t)TICKS_PER_US;
	}
	if (times->passive[index]) {
		program->flags |= BX_PROGRAM_PASSIVE;
		spec->passive = true;
		spec->budget = 0;
		spec->start_budget = SLICE_US * TICKS_PER_US;
	}
}

static struct build
build(struct spec *spec, const struct model_shape *shape)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	static const char *const threads[] = { "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7" };
	static const char *const spaces[] = { "sa", "sb", "sc", "sd" };
	struct builder builder = { .build = build_start("model"), .spec = spec };
	uint32_t object[10], thread[SPEC_THREADS], space[SPEC_PROGRAMS];

	*spec = (struct spec){ .program_count = shape->programs, .endpoint_count = 2, .note_count = 2,
	    .thread_count = (uint32_t)shape->programs * shape->threads, .name = "model",
	    .ticks_per_second = WORLD_TICKS, .boot_ticks = WORLD_TICKS, .audit_capacity = AUDIT_RECORDS,
	    .slice = SLICE_US * TICKS_PER_US, .object_name = {
		[BX_CAP_ENDPOINT] = { "ep-a", "ep-b" }, [BX_CAP_NOTIFICATION] = { "note", "exits" },
		[BX_CAP_MEMORY] = { "memory", "" }, [BX_CAP_IRQ] = { "irq", "" },
		[BX_CAP_SPAWN] = { "spawn", "" }, [BX_CAP_IOPORT] = { "ports", "" },
		[BX_CAP_DEVICE] = { "power", "" }, [BX_CAP_AUDIT_READ] = { "audit", "" },
	    } };
	builder.build.audit_records = AUDIT_RECORDS;
	builder.build.many_holders = true;
	builder.build.flags = shape->open ? BX_SYSTEM_RESEARCH : 0;
	for (uint32_t p = 0; p < shape->programs; p++) {
		struct build_program *program = &builder.build.programs[
		    build_program(&builder.build, names[p])];

		program->threads = shape->threads;
		program->slots = PAST_END;
		program->replies = MODEL_REPLIES;
		program->priority = shape->priority[p];
		program->priority_max = 20;
		program->quota = shape->strings ? 60 : 16;
		program->stack_pages = 1;
		if (shape->open)
			program->flags |= BX_PROGRAM_OPEN_SPACE;
		spec->programs[p] = (struct spec_program){
			.name = names[p], .base = shape->priority[p], .most = 20, .threads = shape->threads,
			.first_thread = (uint8_t)(p * shape->threads), .fault_endpoint = NOBODY,
			.exit_note = NOBODY, .plain = REPLY_1, .slots = PAST_END, .open = shape->open,
			.entry = ELF_ENTRY, .stack = BX_STACK_TOP, .budget = SPEC_NO_LIMIT,
		};
		if (shape->times != NULL)
			budget(program, &spec->programs[p], shape->times, p);
	}
	object[0] = build_object(&builder.build, "ep-a", BX_OBJECT_ENDPOINT, 0, 0);
	object[1] = build_object(&builder.build, "ep-b", BX_OBJECT_ENDPOINT, 0, 0);
	object[2] = build_object(&builder.build, "note", BX_OBJECT_NOTIFICATION, 0, 0);
	object[3] = build_object(&builder.build, "exits", BX_OBJECT_NOTIFICATION, 0, 0);
	object[4] = build_object(&builder.build, "memory", BX_OBJECT_MEMORY, SPEC_PAGES, 0);
	object[5] = build_object(&builder.build, "irq", BX_OBJECT_IRQ, 4, BX_IRQ_ISA);
	object[6] = build_object(&builder.build, "spawn", BX_OBJECT_SPAWN, 0, 0);
	object[7] = build_object(&builder.build, "ports", BX_OBJECT_IOPORT, PORT_FIRST, PORT_COUNT);
	object[8] = build_object(&builder.build, "power", BX_OBJECT_DEVICE, BX_DEVICE_PLATFORM, 0);
	object[9] = build_object(&builder.build, "audit", BX_OBJECT_AUDIT, 0, 0);
	for (uint32_t i = 0; i < spec->thread_count; i++)
		thread[i] = build_object(&builder.build, threads[i], BX_OBJECT_THREAD,
		    i / shape->threads, i % shape->threads);
	for (uint32_t p = 0; p < shape->programs; p++)
		space[p] = build_object(&builder.build, spaces[p], BX_OBJECT_CSPACE, p, 0);
	for (uint32_t p = 0; p < shape->programs; p++) {
		builder.program = p;
		grants(&builder, shape, object, thread, space);
		builder.build.programs[p].exit_object = object[3];
		builder.build.programs[p].exit_bits = 0x10u << p;
		spec->programs[p].exit_note = 1;
		spec->programs[p].exit_bits = 0x10u << p;
		if (shape->fault_endpoint[p] != 0) {
			builder.build.programs[p].fault_object = object[shape->fault_endpoint[p] - 1];
			spec->programs[p].fault_endpoint = (uint8_t)(shape->fault_endpoint[p] - 1u);
		}
	}
	return builder.build;
}

/* ---- what a call offers */

static const struct offer {
	uint8_t buffers;
	uint8_t send_slot, receive_slot;	/* PAST_END: none */
	bool send_bad, receive_bad;
	uint32_t length, capacity;
} offers[OFFER_COUNT] = {
	[OFFER_NOTHING]	   = { MEMORY_NONE, PAST_END, PAST_END, false, false, 0, 0 },
	[OFFER_SHORT]	   = { MEMORY_GOOD, PAST_END, PAST_END, false, false, SHORT_LENGTH, SHORT_LENGTH },
	[OFFER_LONG]	   = { MEMORY_GOOD, PAST_END, PAST_END, false, false, LONG_LENGTH, LONG_LENGTH },
	[OFFER_SMALL_ROOM] = { MEMORY_GOOD, PAST_END, PAST_END, false, false, 0, SHORT_LENGTH - 1 },
	[OFFER_BAD_STRING] = { MEMORY_GOOD, PAST_END, PAST_END, true, false, SHORT_LENGTH, SHORT_LENGTH },
	[OFFER_BAD_ROOM]   = { MEMORY_GOOD, PAST_END, PAST_END, false, true, 0, LONG_LENGTH },
	[OFFER_CAP]	   = { MEMORY_GOOD, NOTE, FREE_1, false, false, 0, 0 },
	[OFFER_CAP_NO_ROOM] = { MEMORY_GOOD, NOTE, PAST_END, false, false, 0, 0 },
	[OFFER_CAP_TAKEN]  = { MEMORY_GOOD, PAST_END, EP_B, false, false, 0, 0 },
	[OFFER_CAP_OTHER]  = { MEMORY_GOOD, COUNTED, FREE_2, false, false, SHORT_LENGTH, LONG_LENGTH },
	[OFFER_CAP_FREE]   = { MEMORY_GOOD, FREE_1, FREE_2, false, false, 0, SHORT_LENGTH },
	[OFFER_UNALIGNED]  = { MEMORY_UNALIGNED, PAST_END, PAST_END, false, false, 0, 0 },
	[OFFER_BAD_BUFFERS] = { MEMORY_BAD, PAST_END, PAST_END, false, false, 0, 0 },
	[OFFER_TOO_LONG]   = { MEMORY_GOOD, PAST_END, PAST_END, false, false, BX_IPC_STRING_MAX + 1, 0 },
	[OFFER_NO_SLOT]	   = { MEMORY_GOOD, PAST_END, REPLY_1, false, false, 0, 0 },
	[OFFER_EMPTY_SLOT] = { MEMORY_GOOD, FREE_2, PAST_END, false, false, 0, 0 },
};

static uint64_t
buffers_at(const struct model *model, unsigned thread)
{
	return ELF_DATA + 0x800u + 128u * (thread % model->shape->threads);
}

static uint64_t
receive_at(const struct model *model, unsigned thread)
{
	uint64_t number = thread % model->shape->threads;

	return SEND_ADDRESS + (model->shape->strings ? (1 + number) * STRING_PAGES * BX_PAGE_SIZE :
	    0x800 + number * 0x100);
}

/* Room for what is observed. */
static uint64_t
view_at(const struct model *model)
{
	return SEND_ADDRESS + (model->shape->strings ?
	    (1u + model->shape->threads) * STRING_PAGES * BX_PAGE_SIZE : 0xa00);
}

static void
offer_make(const struct model *model, unsigned thread, unsigned which, struct spec_request *request)
{
	const struct offer *offer = &offers[which];

	request->buffers = offer->buffers;
	request->send_bad = offer->send_bad;
	request->receive_bad = offer->receive_bad;
	request->offer = (struct bx_ipc_buffers){
		.send_address = offer->send_bad ? BAD_ADDRESS : SEND_ADDRESS,
		.send_length = offer->length,
		.send_slot = offer->send_slot == PAST_END ? BX_SLOT_NONE : offer->send_slot,
		.receive_address = offer->receive_bad ? BAD_ADDRESS : receive_at(model, thread),
		.receive_capacity = offer->capacity,
		.receive_slot = offer->receive_slot == PAST_END ? BX_SLOT_NONE : offer->receive_slot,
	};
	if (offer->buffers == MEMORY_NONE)
		return;
	request->regs.number |= (uint64_t)BX_IPC_BUFFERS << 8;
	request->regs.buffers = offer->buffers == MEMORY_BAD ? BAD_ADDRESS :
	    buffers_at(model, thread) + (offer->buffers == MEMORY_UNALIGNED ? 4 : 0);
}

static uint64_t
unit(const struct model *model)
{
	return model->shape->times != NULL ? model->shape->times->unit : 10;
}

static uint64_t
when(const struct model *model, unsigned kind)
{
	uint64_t now = model->world.machine.now;

	switch (kind) {
	case AT_ONCE:	return 0;
	case PAST:	return now - 5;
	case SOON:	return now + 3 * unit(model);
	case LATER:	return now + 7 * unit(model);
	case FAR:	return now + 2 * BX_DEADLINE_FAR;
	default:	return UINT64_MAX;
	}
}

/* The slots from REPLY_1 on are also meant by how many replies the program holds: so that sequences
 * of ops, chosen without a look at the state, do answer. */
static uint64_t
reply_slot(const struct model *model, unsigned thread, unsigned slot)
{
	unsigned program = model->spec.threads[thread].program;

	if (slot != REPLY_1)
		return slot == PAST_END ? BX_SLOT_NONE : slot;
	for (unsigned i = REPLY_1; i < PAST_END; i++) {
		if (model->spec.caps[program * SPEC_SLOTS + i].type == BX_CAP_REPLY)
			return i;
	}
	return slot;
}

static uint64_t
empty_reply_slot(const struct model *model, unsigned thread, unsigned slot)
{
	unsigned program = model->spec.threads[thread].program;

	if (slot != REPLY_1)
		return slot == PAST_END ? BX_SLOT_NONE : slot;
	for (unsigned i = REPLY_1; i < PAST_END; i++) {
		if (model->spec.caps[program * SPEC_SLOTS + i].type == BX_CAP_NONE)
			return i;
	}
	return slot;
}

static void
ipc_request(const struct model *model, const struct model_op *op, unsigned thread,
    struct spec_request *request)
{
	struct spec_registers *regs = &request->regs;

	regs->value[1] = 0x1000 + thread;
	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		regs->word[i] = model->serial << 16 | thread << 8 | i;
	regs->reply = op->verb == BX_SYS_REPLY || op->verb == BX_SYS_REPLY_RECEIVE ?
	    reply_slot(model, thread, op->b) : op->verb == BX_SYS_RECEIVE ?
	    empty_reply_slot(model, thread, op->b) : BX_SLOT_NONE;
	if (op->verb == BX_SYS_REPLY)
		regs->value[0] = regs->reply;
	if (op->c != 0)
		regs->number |= 0x200;		/* a flag that means nothing */
	offer_make(model, thread, op->offer, request);
}

static void
other_request(const struct model *model, const struct model_op *op, unsigned thread,
    struct spec_request *request)
{
	struct spec_registers *regs = &request->regs;

	regs->value[1] = op->b;
	switch (op->verb) {
	case BX_SYS_MAP:
		regs->value[1] = MAP_ADDRESS + op->b * (uint64_t)BX_PAGE_SIZE / 2;
		regs->value[2] = op->c;
		regs->word[0] = (op->d & 15u) + (op->offer != 0 ? 16 : 0);
		regs->word[1] = op->d >> 4;
		break;
	case BX_SYS_UNMAP:
		regs->value[2] = op->c;
		regs->word[0] = op->d + (op->offer != 0 ? 16u : 0);
		break;
	case BX_SYS_THREAD_START:
		regs->value[1] = op->b == 0 ? ELF_ENTRY : op->b == 1 ? 0 : BX_USER_END;
		regs->value[2] = op->c == 0 ? ELF_DATA + 0x700 : BX_USER_END + 1;
		regs->word[0] = 77;
		break;
	case BX_SYS_CAP_DELETE:
		regs->value[0] = reply_slot(model, thread, op->a);
		break;
	case BX_SYS_CAP_RECHARGE:
		regs->value[2] = op->c;
		regs->word[0] = op->d;
		break;
	case BX_SYS_CAP_DERIVE:
		request->derive = (struct bx_derive){ .to = op->b, .rights = op->c & 31u,
		    .uses = op->d == 0 ? BX_CAP_USES_UNLIMITED : op->d - 1u,
		    .badge = op->c >> 5, .expiry = when(model, op->when) };
		if (op->a == MEMORY)
			request->derive.count = 4;
		request->buffers = op->offer == OFFER_UNALIGNED ? MEMORY_UNALIGNED :
		    op->offer == OFFER_BAD_BUFFERS ? MEMORY_BAD : MEMORY_GOOD;
		regs->buffers = request->buffers == MEMORY_BAD ? BAD_ADDRESS :
		    buffers_at(model, thread) + (request->buffers == MEMORY_UNALIGNED ? 4 : 0);
		break;
	case BX_SYS_SPAWN:
		regs->value[2] = ELF_DATA;
		regs->word[0] = op->c;
		break;
	case BX_SYS_PORT_IN:
	case BX_SYS_PORT_OUT:
		regs->value[1] = PORT_FIRST - 1 + op->b % 6;
		regs->value[2] = op->c == 0 ? 1 : op->c == 1 ? 2 : op->c == 2 ? 4 : 3;
		regs->word[0] = op->d == 0 ? 0x12 : op->d == 1 ? 0x1234 : op->d == 2 ? 0x12345678 :
		    1ull << 40;
		break;
	case BX_SYS_PROGRAM_INFO:
		request->room_bad = op->offer == OFFER_BAD_ROOM;
		regs->value[2] = request->room_bad ? BAD_ADDRESS : view_at(model);
		break;
	case BX_SYS_INSPECT:
		request->room_bad = op->offer == OFFER_BAD_ROOM;
		regs->value[2] = op->c;
		regs->word[0] = request->room_bad ? BAD_ADDRESS : view_at(model);
		regs->word[1] = op->when == SOON ? 8 : 256;
		regs->word[2] = op->d;
		break;
	case BX_SYS_AUDIT_READ:
		request->room_bad = op->offer == OFFER_BAD_ROOM;
		regs->value[1] = op->b > 200 ? model->spec.audit_next + 1 :
		    op->b > model->spec.audit_next ? 0 : model->spec.audit_next - op->b;
		regs->value[2] = request->room_bad ? BAD_ADDRESS : view_at(model);
		regs->word[0] = op->c * sizeof(struct bx_audit_record) + 5;
		break;
	default:
		break;
	}
}

static struct spec_request
request_make(const struct model *model, const struct model_op *op)
{
	const unsigned thread = model->spec.current;
	struct spec_request request = { .buffers = MEMORY_NONE };
	struct spec_registers *regs = &request.regs;
	const struct bx_context *context = model->world.context;

	regs->number = op->verb;
	regs->value[0] = op->a;
	regs->value[2] = when(model, op->when);
	regs->reply = BX_SLOT_NONE;
	regs->buffers = 0xb0b0;
	regs->stack = context->stack;
	regs->pc = context->pc;
	if (op->verb >= BX_SYS_CALL && op->verb <= BX_SYS_REPLY_RECEIVE)
		ipc_request(model, op, thread, &request);
	else
		other_request(model, op, thread, &request);
	return request;
}

/* ---- what happens, done to the core */

/* Memory of the caller as its call wants it: the struct, and a receive buffer that holds no message. */
static void
memory_put(struct model *model, unsigned thread, const struct spec_request *request)
{
	unsigned program = model->spec.threads[thread].program;
	const struct bx_ipc_buffers *offer = &request->offer;
	uint64_t number = request->regs.number & 0xff, none = 0x5a5a5a5a5a5a5a5a;

	if (request->buffers != MEMORY_GOOD)
		return;
	if (number == BX_SYS_CAP_DERIVE) {
		user_put(&model->world, program, request->regs.buffers, &request->derive,
		    sizeof request->derive);
		return;
	}
	user_put(&model->world, program, request->regs.buffers, offer, sizeof *offer);
	if (request->receive_bad || offer->receive_capacity < SHORT_LENGTH || !model->shape->strings)
		return;
	for (uint32_t at = 0; at + 8 <= offer->receive_capacity; at += 1000)
		user_put(&model->world, program, offer->receive_address + at, &none, sizeof none);
}

/* The way of entry.S: the short one first; when it declines, nothing has changed. */
static struct bx_context *
system_call(struct model *model)
{
	static uint8_t *before;
	static size_t room;
	struct bx_kcore *core = model->world.core;
	struct bx_thread *thread = bx_core_current(core);
	struct bx_context *context = model->world.context, *next;
	struct bx_exchange done = { &bx_kcore_declined, 0 };
	uint64_t number = context->number;

	if (number != BX_SYS_CALL && number != BX_SYS_REPLY_RECEIVE)
		return bx_kcore_system_call_general(core);
	if (room < model->world.pool_bytes) {
		free(before);
		room = model->world.pool_bytes;
		before = malloc(room);
		want(before != NULL);
	}
	memcpy(before, model->world.pools, model->world.pool_bytes);
	if (number == BX_SYS_CALL)
		done = bx_kcore_call_fast(context->value[0], context, context->value[2], core);
	else
		done.next = bx_kcore_reply_receive_fast(context->value[0], context, context->value[2],
		    core);
	if (done.next == &bx_kcore_declined) {
		/* But what an earlier look at a capability has found may be kept. */
		((struct bx_thread *)(void *)(before + ((uint8_t *)thread -
		    (uint8_t *)model->world.pools)))->call_head = thread->call_head;
		want_msg(memcmp(before, model->world.pools, model->world.pool_bytes) == 0,
		    "the short way declined and has changed something");
		return bx_kcore_system_call_general(core);
	}
	model->fast++;
	next = &bx_core_current(core)->context;
	want(done.next == next);
	next->value[0] = done.badge;
	next->value[1] = context->value[1];
	next->value[2] = number == BX_SYS_CALL ? BX_IPC_INFO_REPLY : 0;
	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		next->word[i] = context->word[i];
	next->number = BX_OK;
	if (bx_core_current(core)->program != thread->program)
		bx_machine_domain_switch(core->machine);
	return next;
}

static void
core_do(struct model *model, const struct spec_event *event)
{
	struct world *world = &model->world;
	const struct spec_registers *regs = &event->request.regs;
	struct bx_context *context = world->context;

	world->machine.interrupt_every = event->pending ? 1 : 0;
	switch (event->kind) {
	case EVENT_CALL:
		memory_put(model, model->spec.current, &event->request);
		context->number = regs->number;
		for (unsigned i = 0; i < 3; i++)
			context->value[i] = regs->value[i];
		for (unsigned i = 0; i < BX_IPC_WORDS; i++)
			context->word[i] = regs->word[i];
		context->reply = regs->reply;
		context->buffers = regs->buffers;
		world->context = system_call(model);
		break;
	case EVENT_TIMER:
		world->context = bx_kcore_timer(world->core);
		break;
	case EVENT_INTERRUPT:
		bx_machine_irq_mask(&world->machine, world->core->irqs[0].number);
		world->context = bx_kcore_interrupt(world->core, world->core->irqs[0].number);
		break;
	default:
		world->context = bx_kcore_fault(world->core, (uint32_t)event->fault[0],
		    event->fault[1], event->fault[2]);
		break;
	}
}

/* What a program sends is its own pattern. */
static void
patterns_put(struct model *model, unsigned program)
{
	uint8_t bytes[LONG_LENGTH];

	for (uint32_t i = 0; i < LONG_LENGTH; i++)
		bytes[i] = (uint8_t)(program * 37 + i * 7 + (i >> 8));
	user_put(&model->world, program, SEND_ADDRESS, bytes,
	    model->shape->strings ? LONG_LENGTH : SHORT_LENGTH);
}

/* By how much more is due than one event of the timer takes up: six entries of its heap, and an account that has time again
 * counts twice. */
static uint8_t
late_looks(const struct model *model)
{
	const struct bx_kcore *core = model->world.core;
	uint64_t now = model->world.machine.now;
	unsigned looks = 0;

	for (unsigned i = 0; i < core->thread_count; i++) {
		if (core->threads[i].timer_key <= now)
			looks += bx_budget_due(core, &core->threads[i]) <= now ? 2u : 1u;
	}
	return (uint8_t)(looks > EXPIRE_LOOKS ? looks - EXPIRE_LOOKS : 0);
}

static uint8_t
accounts_left(const struct model *model)
{
	const struct bx_kcore *core = model->world.core;
	unsigned left = 0;

	for (unsigned i = 0; i < core->thread_count; i++)
		left |= (unsigned)(bx_budget_due(core, &core->threads[i]) <= model->world.machine.now) << i;
	return (uint8_t)left;
}

enum model_result
model_do(struct model *model, const struct model_op *op)
{
	struct spec_event event = { .pending = op->pending != 0 };
	struct spec before = model->spec;
	const char *what = "", *broken;

	if (op->verb == OP_TICK) {
		event.kind = EVENT_TIMER;
		model->world.machine.now += op->a * unit(model);
		event.late = late_looks(model);
	} else if (op->verb == OP_INTERRUPT) {
		/* In the course of its binder's end the line falls silent. */
		if (!model->spec.irq_open || (model->spec.irq_binder != NOBODY &&
		    model->spec.programs[model->spec.irq_binder].state == BX_PROGRAM_ENDING))
			return MODEL_IDLE;
		event.kind = EVENT_INTERRUPT;
		before.irq_open = false;
	} else if (model->spec.current == NOBODY) {
		return MODEL_IDLE;
	} else if (op->verb == OP_FAULT) {
		event.kind = EVENT_FAULT;
		event.fault[0] = BX_FAULT_PAGE;
		event.fault[1] = 0x1234;
		event.fault[2] = 6;
	} else {
		event.kind = EVENT_CALL;
		event.request = request_make(model, op);
	}
	event.now = model->world.machine.now;
	event.overdue = model->world.machine.timer <= event.now;
	model->steps++;
	model->slice_end = model->world.core->cpu.slice_end;
	model->audit_next = model->world.core->audit_next;
	model->audit_dropped = model->world.core->audit_dropped;
	sentences_before(&model->said, model->world.core, &event);
	core_do(model, &event);
	event.unsettled = model->world.core->unsettled != BX_NONE;
	event.left = accounts_left(model);
	for (unsigned p = 0; p < model->spec.program_count; p++)
		event.end_priority[p] = model->world.core->programs[p].end_priority;
	broken = sentences_broken(&model->said, model->world.core, &event);
	if (broken != NULL) {
		snprintf(model->difference, sizeof model->difference, "a sentence: %s", broken);
		return MODEL_DIFFERS;
	}
	if (!bx_kcore_sound(model->world.core, &what)) {
		snprintf(model->difference, sizeof model->difference, "not sound: %s", what);
		return MODEL_DIFFERS;
	}
	memset(before.choice, 0, sizeof before.choice);
	for (;;) {
		model->spec = before;
		model->spec.chosen = 0;
		spec_event(&model->spec, &event);
		model->tries++;
		if (model_same(model, &before, &event)) {
			for (unsigned p = 0; p < model->spec.program_count; p++) {
				if (model->spec.programs[p].starts != before.programs[p].starts &&
				    model->spec.programs[p].state == BX_PROGRAM_RUNNING)
					patterns_put(model, p);
			}
			return MODEL_SAME;
		}
		if (!spec_choice_next(&model->spec))
			return MODEL_DIFFERS;
		memcpy(before.choice, model->spec.choice, sizeof before.choice);
	}
}

/* ---- begin and end */

bool
model_make(struct model *model, const struct model_shape *shape)
{
	const struct elf_spec segments[] = {
		{ 0x400000, 64, 64, 4 | 1 },
		{ ELF_DATA, 16, (shape->strings ? (2u + shape->threads) * STRING_PAGES : 2u) * BX_PAGE_SIZE,
		  4 | 2 },
	};
	struct build manifest = build(&model->spec, shape);
	const char *where = "";
	enum bx_err err;

	model->shape = shape;
	model->steps = model->tries = model->fast = model->serial = 0;
	world_prepare(&model->world, &manifest);
	model->world.elf_bytes = elf_make(model->world.elf, ELF_ENTRY, segments, 2);
	model->world.regions[0].size = 80 * BX_PAGE_SIZE;
	model->world.regions[1].size = (shape->strings ? 220u : 20u) * BX_PAGE_SIZE;
	err = world_boot(&model->world, &where);
	want_msg(err == BX_OK, where);
	model->world.context = bx_kcore_start(model->world.core);
	model->world.machine.port_value = 0xab;
	model->spec.port_value = 0xab;
	model->spec.now = model->world.machine.now;
	spec_boot(&model->spec);
	sentences_begin(&model->said, model->world.core, model->world.machine.now);
	model->spec.audit_next = model->world.core->audit_next;
	patterns_put(model, 0);
	return true;
}

void
model_end(struct model *model)
{
	model->world.machine.interrupt_every = 0;
	world_end(&model->world);
}
