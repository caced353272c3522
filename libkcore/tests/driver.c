/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* driver.c -- see driver.h. */
#include <string.h>

#include "driver.h"
#include "../src/thread.h"

#define REGION		(BX_PAGE_SIZE * 200ull)

static uint32_t
choose(struct driver *driver, uint32_t count)
{
	uint64_t z;

	if (driver->bytes != NULL) {
		uint32_t value = 0;

		for (uint32_t top = count - 1; top > 0; top >>= 8) {
			value = value << 8 | (driver->at < driver->size ?
			    driver->bytes[driver->at] : 0);
			driver->at++;
		}
		return value % count;
	}
	/* SplitMix64, Steele, Lea, Flood, OOPSLA 2014. */
	z = driver->seed += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ (z >> 31)) % count);
}

static bool
one_in(struct driver *driver, uint32_t count)
{
	return choose(driver, count) == 0;
}

static void
grant(struct build *build, uint32_t program, uint32_t slot, uint32_t object, uint32_t rights,
    uint64_t badge)
{
	build->grants[build_grant(build, program, slot, object, rights)].badge = badge;
}

struct build
driver_build(void)
{
	const uint32_t call = BX_RIGHT_READ | BX_RIGHT_WRITE | BX_RIGHT_GRANT | BX_RIGHT_GRANT_REPLY;
	const uint32_t both = BX_RIGHT_READ | BX_RIGHT_WRITE;
	struct build build = build_start("driver");
	static const char *const names[] = { "a", "b", "c", "d" };
	static const char *const threads[] = { "ta", "tb", "tc", "td" };
	static const char *const spaces[] = { "sa", "sb", "sc", "sd" };
	uint32_t ep[3], note[2], memory, irq, ports, spawn, audit, power, thread[4], space[4];

	build.many_holders = true;
	for (uint32_t p = 0; p < PROGRAMS; p++) {
		build_program(&build, names[p]);
		build.programs[p].threads = 2;
		build.programs[p].slots = SLOTS;
		build.programs[p].replies = REPLIES;
		build.programs[p].priority = 10 + p / 2;
		build.programs[p].priority_max = 12;
		build.programs[p].quota = 40;
		build.programs[p].stack_pages = 1;
	}
	ep[0] = build_object(&build, "ep-a", BX_OBJECT_ENDPOINT, 0, 0);
	ep[1] = build_object(&build, "ep-b", BX_OBJECT_ENDPOINT, 0, 0);
	ep[2] = build_object(&build, "ep-c", BX_OBJECT_ENDPOINT, 0, 0);
	note[0] = build_object(&build, "note", BX_OBJECT_NOTIFICATION, 0, 0);
	note[1] = build_object(&build, "exits", BX_OBJECT_NOTIFICATION, 0, 0);
	memory = build_object(&build, "memory", BX_OBJECT_MEMORY, MEMORY_PAGES, 0);
	irq = build_object(&build, "irq", BX_OBJECT_IRQ, 4, BX_IRQ_ISA);
	ports = build_object(&build, "ports", BX_OBJECT_IOPORT, 0x3f8, 8);
	spawn = build_object(&build, "spawn", BX_OBJECT_SPAWN, 0, 0);
	audit = build_object(&build, "audit", BX_OBJECT_AUDIT, 0, 0);
	power = build_object(&build, "power", BX_OBJECT_DEVICE, BX_DEVICE_PLATFORM, 0);
	for (uint32_t p = 0; p < PROGRAMS; p++) {
		thread[p] = build_object(&build, threads[p], BX_OBJECT_THREAD, p, 1);
		space[p] = build_object(&build, spaces[p], BX_OBJECT_CSPACE, p, 0);
	}
	for (uint32_t p = 0; p < PROGRAMS; p++) {
		uint32_t next = (p + 1) % PROGRAMS;

		for (uint32_t i = 0; i < 3; i++)
			grant(&build, p, EP_A + i, ep[i], call, 0x100 * (i + 1) + p);
		grant(&build, p, NOTE, note[0], both, 1u << p);
		grant(&build, p, NOTE_READ, note[1], BX_RIGHT_READ, 0);
		grant(&build, p, MEMORY, memory, BX_RIGHT_ALL & ~BX_RIGHT_GRANT &
		    ~(uint32_t)BX_RIGHT_GRANT_REPLY, 0);
		grant(&build, p, IRQ, irq, BX_RIGHT_READ, 0);
		grant(&build, p, PORTS, ports, both, 0);
		grant(&build, p, SPAWN, spawn, both, 0);
		grant(&build, p, AUDIT, audit, BX_RIGHT_READ, 0);
		grant(&build, p, POWER, power, BX_RIGHT_WRITE, 0);
		grant(&build, p, THREAD_OTHER, thread[next], BX_RIGHT_WRITE, 0);
		grant(&build, p, THREAD_OWN, thread[p], BX_RIGHT_WRITE, 0);
		grant(&build, p, CSPACE, space[next], BX_RIGHT_WRITE, 0);
		build.grants[build_grant(&build, p, COUNTED, ep[0], call)].uses = 20;
	}
	build.programs[1].fault_object = ep[2];
	build.programs[2].fault_object = ep[1];
	build.programs[3].exit_object = note[1];
	build.programs[3].exit_bits = 8;
	return build;
}

void
driver_open(struct build *build)
{
	build->flags = BX_SYSTEM_RESEARCH;
	build->programs[1].flags |= BX_PROGRAM_OPEN_SPACE;
	build->programs[2].flags |= BX_PROGRAM_OPEN_SPACE;
}

void
driver_world(struct world *world, struct build *build)
{
	static const struct elf_spec specs[] = {
		{ 0x400000, 64, 64, 4 | 1 },
		{ ELF_DATA, 16, DATA_PAGES * BX_PAGE_SIZE, 4 | 2 },
	};
	const char *where = "";
	enum bx_err err;

	world_prepare(world, build);
	world->elf_bytes = elf_make(world->elf, ELF_ENTRY, specs, 2);
	/* Few frames, so that they run out, and so that every step can look at them all. */
	world->regions[0].size = REGION / 2;
	world->regions[1].size = REGION / 2;
	err = world_boot(world, &where);
	want_msg(err == BX_OK, where);
	world->context = bx_kcore_start(world->core);
}

/* Budgets that run out within a few steps, as if the manifest said so: program 2 has a tenth of the
 * processor, program 3 none of it. */
static void
budgets_set(struct bx_kcore *core)
{
	core->programs[2].budget_ticks = 60;
	core->programs[2].period_ticks = 600;
	core->programs[3].budget_ticks = 0;
	core->programs[3].slice_ticks = 500;
	for (uint32_t i = 4; i < 8; i++)
		bx_budget_init(core, &core->threads[i]);
}

void
driver_make(struct driver *driver, const uint8_t *bytes, size_t size, uint64_t seed)
{
	struct build build = driver_build();

	if ((seed & 1) != 0)
		driver_open(&build);
	memset(driver, 0, sizeof *driver);
	driver->bytes = bytes;
	driver->size = size;
	driver->seed = seed;
	driver->entry = 0x400000;
	driver_world(&driver->world, &build);
	driver->world.machine.now_step = 3;
	if (bytes != NULL || (seed & 2) != 0)
		budgets_set(driver->world.core);
}

/* ---- arguments */

static uint64_t
any_slot(struct driver *driver, uint32_t usual)
{
	static const uint64_t odd[] = { SLOTS, BX_SLOT_NONE, 1ull << 32, UINT64_MAX, 1ull << 63 };

	if (!one_in(driver, 12))
		return usual;
	if (one_in(driver, 4))
		return odd[choose(driver, BX_ARRAY_COUNT(odd))];
	return choose(driver, SLOTS);
}

static uint64_t
any_deadline(struct driver *driver)
{
	uint64_t now = driver->world.machine.now;

	switch (driver->calm && !one_in(driver, 8) ? 10 : choose(driver, 10)) {
	case 0: return 0;
	case 1: return now - choose(driver, 100);
	case 2: return UINT64_MAX - choose(driver, 2);
	case 3: return now + BX_DEADLINE_FAR + choose(driver, 100);
	case 10: return now + 10000 + choose(driver, 50000);
	default: return now + 1 + choose(driver, 5000);
	}
}

static uint64_t
any_address(struct driver *driver)
{
	static const uint64_t odd[] = {
		0, 1, 0x400000, BX_USER_END - 8, BX_USER_END, UINT64_MAX - 7, 0x7ffffffff000,
		0xffff800000000000, ELF_DATA + DATA_PAGES * BX_PAGE_SIZE - 8,
	};

	if (one_in(driver, 10))
		return odd[choose(driver, BX_ARRAY_COUNT(odd))];
	return ELF_DATA + 0x1000 + choose(driver, 4096);
}

static uint32_t
free_slot(struct driver *driver)
{
	return FREE_SLOT + choose(driver, REPLY_SLOT - FREE_SLOT);
}

/* Offers a string, a capability, buffers; the struct lies in the thread's own memory. */
static void
offer(struct driver *driver, const struct bx_thread *thread, struct bx_context *context)
{
	struct bx_ipc_buffers buffers = {
		.send_address = any_address(driver),
		.receive_address = any_address(driver),
		.send_slot = BX_SLOT_NONE,
		.receive_slot = BX_SLOT_NONE,
	};
	uint64_t at = ELF_DATA + 64 * (uint64_t)thread->index;

	switch (choose(driver, 4)) {
	case 0: buffers.send_length = 0; break;
	case 1: buffers.send_length = choose(driver, 200); break;
	case 2: buffers.send_length = choose(driver, 70000); break;
	default: buffers.send_length = 17000 + choose(driver, 40000); break;
	}
	buffers.receive_capacity = one_in(driver, 3) ? choose(driver, 60000) : BX_IPC_STRING_MAX;
	if (driver->wordy && buffers.send_length >= 200)
		buffers.send_length %= one_in(driver, 3) ? BX_COPY_STEP + 1000 : 4096;
	if (one_in(driver, driver->wordy ? 30 : 6))
		buffers.send_slot = (uint32_t)any_slot(driver, choose(driver, SLOTS));
	if (one_in(driver, 4))
		buffers.receive_slot = (uint32_t)any_slot(driver, free_slot(driver));
	user_put(&driver->world, thread->program, at, &buffers, sizeof buffers);
	context->buffers = one_in(driver, 30) ? any_address(driver) : at;
	context->number |= (uint64_t)BX_IPC_BUFFERS << 8;
}

static void
derive_arguments(struct driver *driver, const struct bx_thread *thread, struct bx_context *context)
{
	struct bx_derive derive = {
		.to = any_slot(driver, free_slot(driver)),
		.rights = one_in(driver, 2) ? 0 : choose(driver, 40),
		.uses = one_in(driver, 2) ? BX_CAP_USES_UNLIMITED : choose(driver, 5),
		.badge = choose(driver, 3), .expiry = any_deadline(driver),
		.first = one_in(driver, 2) ? 0 : choose(driver, 3),
		.count = one_in(driver, 2) ? 0 : choose(driver, 10),
	};
	uint64_t at = ELF_DATA + 64 * (uint64_t)thread->index;

	user_put(&driver->world, thread->program, at, &derive, sizeof derive);
	context->buffers = one_in(driver, 10) ? any_address(driver) : at;
}

/* A reply that the program holds, if there is one. */
static uint32_t
held_reply(struct driver *driver, const struct bx_thread *thread)
{
	const struct bx_kcore *core = driver->world.core;
	uint32_t first = core->programs[thread->program].space.first_slot;
	uint32_t start = choose(driver, REPLIES);

	for (uint32_t i = 0; i < REPLIES; i++) {
		uint32_t slot = REPLY_SLOT + (start + i) % REPLIES;

		if (core->forest.slots[first + slot].cap.type == BX_CAP_REPLY)
			return slot;
	}
	return REPLY_SLOT;
}

static void
ipc_arguments(struct driver *driver, const struct bx_thread *thread, struct bx_context *context)
{
	context->value[0] = any_slot(driver, one_in(driver, 20) ? COUNTED : choose(driver, 3));
	context->value[1] = choose(driver, 1000);
	context->value[2] = any_deadline(driver);
	context->reply = any_slot(driver, REPLY_SLOT + choose(driver, REPLIES));
	if (context->number == BX_SYS_REPLY || context->number == BX_SYS_REPLY_RECEIVE)
		context->reply = any_slot(driver, held_reply(driver, thread));
	if (context->number == BX_SYS_REPLY)
		context->value[0] = context->reply;
	if (context->number == BX_SYS_RECEIVE && one_in(driver, 5))
		context->reply = BX_SLOT_NONE;
	if (driver->wordy ? !one_in(driver, 4) : one_in(driver, driver->calm ? 12 : 3))
		offer(driver, thread, context);
	if (one_in(driver, 50))
		context->number |= (uint64_t)choose(driver, 256) << 8;
}

static void
cap_arguments(struct driver *driver, const struct bx_thread *thread, struct bx_context *context)
{
	uint64_t *value = context->value, *word = context->word;

	switch (context->number) {
	case BX_SYS_CAP_DERIVE:
		value[0] = any_slot(driver, choose(driver, SLOTS));
		derive_arguments(driver, thread, context);
		break;
	case BX_SYS_CAP_COPY:
	case BX_SYS_CAP_MOVE:
		value[0] = any_slot(driver, choose(driver, SLOTS));
		value[1] = any_slot(driver, free_slot(driver));
		break;
	case BX_SYS_CAP_DELETE:
		value[0] = any_slot(driver, one_in(driver, 8) ? choose(driver, SLOTS) :
		    REPLY_SLOT + choose(driver, REPLIES));
		break;
	case BX_SYS_CAP_REVOKE:
	case BX_SYS_CAP_INFO:
		value[0] = any_slot(driver, choose(driver, SLOTS));
		break;
	case BX_SYS_CAP_RECHARGE:
		value[0] = any_slot(driver, choose(driver, SLOTS));
		value[1] = any_slot(driver, CSPACE);
		value[2] = any_slot(driver, one_in(driver, 2) ? COUNTED : free_slot(driver));
		word[0] = choose(driver, 4);
		break;
	default:
		break;
	}
}

static void
memory_arguments(struct driver *driver, struct bx_context *context)
{
	uint64_t *value = context->value, *word = context->word;

	switch (context->number) {
	case BX_SYS_MAP:
		value[0] = any_slot(driver, MEMORY);
		value[1] = 0x10000000 + choose(driver, 64) * (uint64_t)BX_PAGE_SIZE;
		if (one_in(driver, 8))
			value[1] = any_address(driver);
		value[2] = choose(driver, MEMORY_PAGES);
		word[0] = choose(driver, MEMORY_PAGES + 2);
		word[1] = 1 + 2 * choose(driver, 4);
		break;
	case BX_SYS_UNMAP:
		value[0] = any_slot(driver, MEMORY);
		value[2] = choose(driver, MEMORY_PAGES);
		word[0] = choose(driver, 6);
		break;
	default:
		break;
	}
}

static void
thread_arguments(struct driver *driver, struct bx_context *context)
{
	uint64_t *value = context->value;

	switch (context->number) {
	case BX_SYS_THREAD_START:
		driver->entry += 16;
		value[0] = any_slot(driver, THREAD_OTHER + choose(driver, 2));
		value[1] = driver->entry;
		value[2] = ELF_DATA + 0x1000;
		break;
	case BX_SYS_THREAD_STOP:
	case BX_SYS_THREAD_RESUME:
		value[0] = any_slot(driver, THREAD_OTHER + choose(driver, 2));
		break;
	case BX_SYS_THREAD_PRIORITY:
		value[0] = any_slot(driver, THREAD_OTHER + choose(driver, 2));
		value[1] = 8 + choose(driver, 6);
		break;
	default:
		break;
	}
}

static void
device_arguments(struct driver *driver, struct bx_context *context)
{
	uint64_t *value = context->value, *word = context->word;

	switch (context->number) {
	case BX_SYS_IRQ_BIND:
	case BX_SYS_IRQ_ACK:
		value[0] = any_slot(driver, IRQ);
		value[1] = any_slot(driver, NOTE);
		break;
	case BX_SYS_PORT_IN:
	case BX_SYS_PORT_OUT:
		value[0] = any_slot(driver, PORTS);
		value[1] = 0x3f6 + choose(driver, 12);
		value[2] = choose(driver, 6);
		word[0] = choose(driver, 300);
		break;
	case BX_SYS_POWER:
		value[0] = any_slot(driver, POWER);
		value[1] = choose(driver, 4);
		break;
	default:
		break;
	}
}

static void
program_arguments(struct driver *driver, struct bx_context *context)
{
	uint64_t *value = context->value, *word = context->word;

	switch (context->number) {
	case BX_SYS_SPAWN:
	case BX_SYS_KILL:
	case BX_SYS_PROGRAM_INFO:
		value[0] = any_slot(driver, SPAWN);
		value[1] = choose(driver, PROGRAMS + 1);
		value[2] = any_address(driver);
		word[0] = choose(driver, 2000);
		break;
	case BX_SYS_INSPECT:
	case BX_SYS_AUDIT_READ:
		value[0] = any_slot(driver, AUDIT);
		value[1] = choose(driver, 10);
		value[2] = context->number == BX_SYS_INSPECT ? choose(driver, 12) :
		    any_address(driver);
		word[0] = context->number == BX_SYS_INSPECT ? any_address(driver) :
		    choose(driver, 5000);
		word[1] = choose(driver, 400);
		word[2] = choose(driver, SLOTS + 1);
		break;
	default:
		break;
	}
}

static void
notification_arguments(struct driver *driver, struct bx_context *context)
{
	uint64_t *value = context->value;

	switch (context->number) {
	case BX_SYS_SIGNAL:
	case BX_SYS_NOTIFICATION_BIND:
		value[0] = any_slot(driver, NOTE);
		break;
	case BX_SYS_WAIT:
	case BX_SYS_SLEEP:
		value[0] = any_slot(driver, NOTE + choose(driver, 2));
		value[2] = any_deadline(driver);
		break;
	default:
		break;
	}
}

/* Each knows the calls of its kind, and leaves all others alone. */
static void
other_arguments(struct driver *driver, const struct bx_thread *thread, struct bx_context *context)
{
	notification_arguments(driver, context);
	cap_arguments(driver, thread, context);
	memory_arguments(driver, context);
	thread_arguments(driver, context);
	device_arguments(driver, context);
	program_arguments(driver, context);
}

/* ---- events */

static uint64_t
any_number(struct driver *driver)
{
	static const uint8_t ipc[] = {
		BX_SYS_CALL, BX_SYS_CALL, BX_SYS_RECEIVE, BX_SYS_RECEIVE, BX_SYS_REPLY_RECEIVE,
		BX_SYS_REPLY_RECEIVE, BX_SYS_REPLY, BX_SYS_SEND,
	};

	switch (choose(driver, driver->calm && !one_in(driver, 8) ? 4 : 8)) {
	case 0:
	case 1:
	case 2:
	case 3:
		return ipc[choose(driver, sizeof ipc)];
	case 4:
		/* What ends programs and takes capabilities away comes seldom. */
		if (one_in(driver, 30))
			return one_in(driver, 2) ? BX_SYS_EXIT : BX_SYS_KILL;
		return BX_SYS_SPAWN;
	default:
		break;
	}
	for (;;) {
		uint64_t number = choose(driver, BX_SYS_COUNT + 2);

		/* Of the numbers that are no call, a few will do. */
		if (((number > BX_SYS_CAP_INFO && number < BX_SYS_MAP) || (number > BX_SYS_UNMAP &&
		    number < BX_SYS_THREAD_START) || (number > BX_SYS_PORT_OUT &&
		    number < BX_SYS_SPAWN)) && !one_in(driver, 20))
			continue;
		if (number != BX_SYS_EXIT && number != BX_SYS_KILL && !(number > BX_SYS_SLEEP &&
		    number < BX_SYS_CAP_DERIVE))
			return number;
	}
}

static void
system_call(struct driver *driver)
{
	struct world *world = &driver->world;
	struct bx_thread *thread = bx_core_current(world->core);
	struct bx_context *context = world->context;

	want_eq(context, &thread->context);
	context->number = any_number(driver);
	for (unsigned i = 0; i < 3; i++)
		context->value[i] = 0x1111111111111111ull * i;
	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		context->word[i] = driver->steps << 8 | i;
	context->reply = BX_SLOT_NONE;
	context->buffers = 0xb0b0;
	context->frame = driver->steps;
	if (context->number >= BX_SYS_CALL && context->number <= BX_SYS_REPLY_RECEIVE)
		ipc_arguments(driver, thread, context);
	else
		other_arguments(driver, thread, context);
	driver->asked[thread->index] = *context;
	driver->generation[thread->index] = thread->generation;
	driver->in_call[thread->index] = true;
	if (driver->before_call != NULL)
		driver->before_call(world);
	world->context = bx_kcore_system_call(world->core);
	if (thread->state != BX_THREAD_READY && thread->state != BX_THREAD_FREE)
		driver->waits++;
	if (thread->restart != 0)
		driver->interrupted++;
}

static void
fault(struct driver *driver)
{
	struct world *world = &driver->world;
	uint32_t kind = 1 + choose(driver, 5);
	uint64_t address = any_address(driver), code = choose(driver, 32);

	if (driver->before_fault != NULL)
		driver->before_fault(world, kind, address, code);
	world->context = bx_kcore_fault(world->core, kind, address, code);
}

static void
idle(struct driver *driver)
{
	struct world *world = &driver->world;
	uint32_t program = choose(driver, PROGRAMS);

	/* Somebody has to be there. */
	if (one_in(driver, 3) && world->core->programs[program].state != BX_PROGRAM_RUNNING)
		(void)world_start(world, program);
	if (world->machine.timer > world->machine.now && world->machine.timer != UINT64_MAX &&
	    one_in(driver, 2))
		world->machine.now = world->machine.timer;
	world->machine.now += choose(driver, 3000);
	world->context = bx_kcore_timer(world->core);
}

/* What came back to user mode is what abi.h says. */
static void
result_check(struct driver *driver)
{
	struct bx_kcore *core = driver->world.core;
	uint32_t index = core->cpu.current;
	const struct bx_context *context = driver->world.context, *asked;
	uint64_t number, info;
	int64_t err;
	bool message;

	if (index == BX_NONE || !driver->in_call[index])
		return;
	driver->in_call[index] = false;
	asked = &driver->asked[index];
	if (core->threads[index].generation != driver->generation[index] || context->pc != asked->pc)
		return;				/* another life */
	number = asked->number & 0xff;
	err = (int64_t)context->number;
	want_le(err, 0);
	want_gt(err, -DRIVER_ERRORS);
	want(strcmp(bx_err_name((enum bx_err)err), "BX_ERR_?") != 0);
	want_ne(err, BX_ERR_AGAIN);
	if (number < BX_SYS_COUNT)
		driver->results[number][-err]++;
	want_eq(context->reply, asked->reply);
	want_eq(context->buffers, asked->buffers);
	want_eq(context->frame, asked->frame);
	want_eq(context->stack, asked->stack);
	want_eq(context->flags, asked->flags);
	message = err == BX_OK && (number == BX_SYS_CALL || number == BX_SYS_RECEIVE ||
	    number == BX_SYS_REPLY_RECEIVE);
	info = context->value[2];
	if (message && (info & BX_IPC_INFO_SIGNAL) == 0) {
		want_le(info >> 32, BX_IPC_STRING_MAX);
		want_eq(info & 0xffffffff & ~(uint64_t)(BX_IPC_INFO_REPLY |
		    BX_IPC_INFO_CAP | BX_IPC_INFO_FAULT), 0);
		driver->strings += info >> 32 != 0;
		driver->faults += (info & BX_IPC_INFO_FAULT) != 0;
		return;
	}
	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		want_eq(context->word[i], asked->word[i]);
	if (message) {
		want_eq(info, BX_IPC_INFO_SIGNAL);
		want_eq(context->value[1], 0);
		want_ne(context->value[0], 0);
		driver->signals++;
		return;
	}
	want_eq(context->value[2], 0);
	if (err != BX_OK) {
		want_eq(context->value[0], 0);
		want_eq(context->value[1], 0);
	}
}

bool
driver_step(struct driver *driver)
{
	struct world *world = &driver->world;
	const char *what = "";

	if (driver->bytes != NULL && driver->at >= driver->size)
		return false;
	driver->steps++;
	world->machine.interrupt_every = choose(driver, 4);
	if (world->context == NULL)
		idle(driver);
	else if (one_in(driver, 16))
		world->context = bx_kcore_interrupt(world->core, world->core->irqs[0].number);
	else if (one_in(driver, 16))
		world->context = bx_kcore_timer(world->core);
	else if (one_in(driver, driver->before_fault != NULL ? 30 : 100))
		fault(driver);
	else
		system_call(driver);
	if (world->context != NULL)
		want_eq(world->context, &bx_core_current(world->core)->context);
	want((world->context == NULL) == (world->core->cpu.current == BX_NONE));
	want_msg(bx_kcore_sound(world->core, &what), what);
	result_check(driver);
	return true;
}

void
driver_end(struct driver *driver)
{
	driver->world.machine.interrupt_every = 0;
	world_end(&driver->world);
}
