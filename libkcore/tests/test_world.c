/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_world.c -- the whole core on the hosted machine, driven by system calls, timer, interrupts and
 * faults.  The test is the user code of every program.
 */
#include <stdlib.h>

#include "fixture.h"

static struct world world;

/* init spawns everybody; server answers on `port`; client calls it; hog holds memory; all may be
 * stopped by init through their threads. */
enum { INIT, SERVER, CLIENT, HOG };
enum { PORT, EXITS, MEMORY, IRQ, SIGNAL, PORTS, SPAWN, AUDIT, POWER, HOG_THREAD, HOG_SPACE, CLOCK };
#define MEMORY_PAGES	96
#define FREE_ADDRESS	0x10000000ull

/* Slots, the same in every program that has them. */
#define SLOT_PORT	1
#define SLOT_EXITS	2
#define SLOT_MEMORY	3
#define SLOT_IRQ	4
#define SLOT_SIGNAL	5
#define SLOT_PORTS	6
#define SLOT_SPAWN	7
#define SLOT_AUDIT	8
#define SLOT_POWER	9
#define SLOT_THREAD	10
#define SLOT_SPACE	11
#define SLOT_CLOCK	12
#define SLOT_REPLY	16
#define SLOTS		20

static struct build
build_world(void)
{
	static const char *const names[] = { "init", "server", "client", "hog" };
	struct build build = build_start("world");

	for (unsigned i = 0; i < 4; i++) {
		uint32_t program = build_program(&build, names[i]);

		build.programs[program].slots = SLOTS;
		build.programs[program].exit_object = EXITS;
		build.programs[program].exit_bits = 1u << i;
		build.programs[program].threads = 2;
	}
	build_object(&build, "port", BX_OBJECT_ENDPOINT, 0, 0);
	build_object(&build, "exits", BX_OBJECT_NOTIFICATION, 0, 0);
	build_object(&build, "memory", BX_OBJECT_MEMORY, MEMORY_PAGES, 0);
	build_object(&build, "irq", BX_OBJECT_IRQ, 4, BX_IRQ_ISA);
	build_object(&build, "signal", BX_OBJECT_NOTIFICATION, 0, 0);
	build_object(&build, "ports", BX_OBJECT_IOPORT, 0x3f8, 8);
	build_object(&build, "spawn", BX_OBJECT_SPAWN, 0, 0);
	build_object(&build, "audit", BX_OBJECT_AUDIT, 0, 0);
	build_object(&build, "power", BX_OBJECT_DEVICE, BX_DEVICE_PLATFORM, 0);
	build_object(&build, "hog", BX_OBJECT_THREAD, HOG, 1);
	build_object(&build, "hog", BX_OBJECT_CSPACE, HOG, 0);
	build_object(&build, "clock", BX_OBJECT_CLOCK, 0, 0);

	build.programs[INIT].priority = 20;
	build.programs[SERVER].priority = 15;
	build_grant(&build, INIT, SLOT_EXITS, EXITS, BX_RIGHT_READ);
	build_grant(&build, INIT, SLOT_SPAWN, SPAWN, BX_RIGHT_READ | BX_RIGHT_WRITE);
	build_grant(&build, INIT, SLOT_THREAD, HOG_THREAD, BX_RIGHT_WRITE);
	build_grant(&build, INIT, SLOT_SPACE, HOG_SPACE, BX_RIGHT_WRITE);
	build_grant(&build, INIT, SLOT_CLOCK, CLOCK, BX_RIGHT_READ);
	build_grant(&build, SERVER, SLOT_PORT, PORT, BX_RIGHT_READ);
	build_grant(&build, SERVER, SLOT_IRQ, IRQ, BX_RIGHT_READ);
	build.grants[build_grant(&build, SERVER, SLOT_SIGNAL, SIGNAL,
	    BX_RIGHT_READ | BX_RIGHT_WRITE)].badge = 0x80;
	build_grant(&build, SERVER, SLOT_PORTS, PORTS, BX_RIGHT_READ | BX_RIGHT_WRITE);
	build.grants[build_grant(&build, CLIENT, SLOT_PORT, PORT,
	    BX_RIGHT_WRITE | BX_RIGHT_GRANT_REPLY)].badge = 0xc11e;
	build_grant(&build, CLIENT, SLOT_AUDIT, AUDIT, BX_RIGHT_READ);
	build.grants[build_grant(&build, HOG, SLOT_PORT, PORT,
	    BX_RIGHT_WRITE | BX_RIGHT_GRANT_REPLY | BX_RIGHT_GRANT)].badge = 0x406;
	build_grant(&build, HOG, SLOT_MEMORY, MEMORY,
	    BX_RIGHT_READ | BX_RIGHT_WRITE | BX_RIGHT_EXECUTE);
	build_grant(&build, HOG, SLOT_THREAD, HOG_THREAD, BX_RIGHT_WRITE);
	build_grant(&build, HOG, SLOT_SPAWN, SPAWN, BX_RIGHT_WRITE);
	return build;
}

static void
setup(void)
{
	struct build build = build_world();

	world_make(&world, &build);
}

static void
teardown(void)
{
	world_end(&world);
}

static uint32_t
thread_of(uint32_t program)
{
	return world.core->programs[program].first_thread;
}

/* The current program starts another; the spawner's result is returned. */
static enum bx_err
spawn(uint32_t program)
{
	world.context->word[0] = 0;
	return world_call(&world, BX_SYS_SPAWN, SLOT_SPAWN, program, 0);
}

static uint64_t
soon(uint64_t us)
{
	return world.machine.now + us * (WORLD_TICKS / 1000000);
}

/* ---- the system as it is meant to run ------------------------------------------------------- */

START_TEST(first_program_runs_alone)
{
	ck_assert_uint_eq(world_current(&world), thread_of(INIT));
	ck_assert_ptr_eq(world.context, &world.core->threads[thread_of(INIT)].context);
	ck_assert_int_eq(world_call(&world, BX_SYS_NULL, 0, 0, 0), BX_OK);
	ck_assert_uint_eq(bx_kcore_current_program(world.core), INIT);
	ck_assert_str_eq(bx_kcore_program_name(world.core, INIT), "init");
	ck_assert_str_eq(bx_kcore_program_name(world.core, 99), "");
}
END_TEST

/* Spawn, call, receive, reply between three programs, words and badge with them. */
START_TEST(client_and_server_talk)
{
	ck_assert_int_eq(spawn(SERVER), BX_OK);
	ck_assert_int_eq(spawn(CLIENT), BX_OK);
	(void)world_call(&world, BX_SYS_WAIT, SLOT_EXITS, 0, soon(1000000));
	ck_assert_uint_eq(world_current(&world), thread_of(SERVER));
	world.context->reply = SLOT_REPLY;
	(void)world_call(&world, BX_SYS_RECEIVE, SLOT_PORT, 0, soon(500000));

	ck_assert_uint_eq(world_current(&world), thread_of(CLIENT));
	for (unsigned i = 0; i < 6; i++)
		world.context->word[i] = 100 + i;
	(void)world_call(&world, BX_SYS_CALL, SLOT_PORT, 77, soon(100000));

	ck_assert_uint_eq(world_current(&world), thread_of(SERVER));
	ck_assert_int_eq(world_result(&world, thread_of(SERVER)), BX_OK);
	ck_assert_uint_eq(world.context->value[0], 0xc11e);
	ck_assert_uint_eq(world.context->value[1], 77);
	ck_assert_uint_eq(world.context->value[2] & 0xffffffff, BX_IPC_INFO_REPLY);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(world.context->word[i], 100 + i);
	world.context->word[0] = 7;
	(void)world_call(&world, BX_SYS_REPLY, SLOT_REPLY, 78, 0);
	world_run_until(&world, thread_of(SERVER));
	world.context->reply = SLOT_REPLY;
	(void)world_call(&world, BX_SYS_RECEIVE, SLOT_PORT, 0, soon(500000));

	ck_assert_uint_eq(world_current(&world), thread_of(CLIENT));
	ck_assert_int_eq(world_result(&world, thread_of(CLIENT)), BX_OK);
	ck_assert_uint_eq(world.context->value[1], 78);
	ck_assert_uint_eq(world.context->word[0], 7);
	/* The client exits; init, which waits, is told and told by whom. */
	(void)world_call(&world, BX_SYS_EXIT, 5, 0, 0);
	ck_assert_uint_eq(world_current(&world), thread_of(INIT));
	ck_assert_int_eq(world_result(&world, thread_of(INIT)), BX_OK);
	ck_assert_uint_eq(world.context->value[0], 1u << CLIENT);
	ck_assert_uint_eq(world.core->programs[CLIENT].state, BX_PROGRAM_EXITED);
	ck_assert_int_eq(world.core->programs[CLIENT].exit_code, 5);
}
END_TEST

/* A string of many pages, in steps that interrupts cut. */
START_TEST(strings_cross_in_steps)
{
	static uint8_t text[60000], got[sizeof(text)];
	struct bx_ipc_buffers buffers = {
		.send_address = FREE_ADDRESS, .send_length = sizeof(text), .send_slot = BX_SLOT_NONE,
		.receive_slot = BX_SLOT_NONE,
	};
	struct build build = build_world();

	world_end(&world);
	build.many_holders = true;
	build_grant(&build, SERVER, SLOT_MEMORY, MEMORY, BX_RIGHT_READ | BX_RIGHT_WRITE);
	for (unsigned i = 0; i < build.grant_count; i++) {
		if (build.grants[i].object == MEMORY)
			build.grants[i].count = MEMORY_PAGES / 2;
		if (build.grants[i].object == MEMORY && build.grants[i].program == SERVER)
			build.grants[i].first = MEMORY_PAGES / 2;
	}
	world_make(&world, &build);
	world.machine.interrupt_every = (uint32_t)_i;
	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 31 + i / 4096);
	(void)spawn(SERVER);
	world_run_until(&world, thread_of(INIT));
	(void)spawn(HOG);
	world_run_until(&world, thread_of(INIT));
	ck_assert_uint_eq(world.core->programs[HOG].state, BX_PROGRAM_RUNNING);
	(void)world_call(&world, BX_SYS_WAIT, SLOT_EXITS, 0, soon(1000000));
	for (unsigned i = 0; i < 2; i++) {
		uint32_t program = i == 0 ? SERVER : HOG;

		world_run_until(&world, thread_of(program));
		world.context->word[0] = 16;
		world.context->word[1] = BX_MAP_READ | BX_MAP_WRITE;
		(void)world_call(&world, BX_SYS_MAP, SLOT_MEMORY, FREE_ADDRESS, 0);
		world_run_until(&world, thread_of(program));
		ck_assert_int_eq(world_result(&world, thread_of(program)), BX_OK);
		if (program == HOG)
			break;
		buffers.receive_address = FREE_ADDRESS;
		buffers.receive_capacity = 65536;
		buffers.send_length = 0;
		user_put(&world, SERVER, ELF_DATA, &buffers, sizeof(buffers));
		world.context->buffers = ELF_DATA;
		world.context->reply = SLOT_REPLY;
		(void)world_call(&world, BX_SYS_RECEIVE | BX_IPC_BUFFERS << 8, SLOT_PORT, 0,
		    soon(900000));
	}
	user_put(&world, HOG, FREE_ADDRESS, text, sizeof(text));
	buffers.send_length = sizeof(text);
	buffers.receive_capacity = 0;
	user_put(&world, HOG, ELF_DATA, &buffers, sizeof(buffers));
	world.context->buffers = ELF_DATA;
	(void)world_call(&world, BX_SYS_SEND | BX_IPC_BUFFERS << 8, SLOT_PORT, 1, soon(900000));
	world_run_until(&world, thread_of(SERVER));
	ck_assert_int_eq(world_result(&world, thread_of(SERVER)), BX_OK);
	ck_assert_uint_eq(world.context->value[2] >> 32, sizeof(text));
	user_get(&world, SERVER, FREE_ADDRESS, got, sizeof(got));
	ck_assert_mem_eq(got, text, sizeof(text));
}
END_TEST

START_TEST(interrupts_become_signals)
{
	ck_assert_int_eq(spawn(SERVER), BX_OK);
	(void)world_call(&world, BX_SYS_WAIT, SLOT_EXITS, 0, soon(1000000));
	ck_assert_int_eq(world_call(&world, BX_SYS_IRQ_BIND, SLOT_IRQ, SLOT_SIGNAL, 0), BX_OK);
	ck_assert(world.machine.irq_unmasked[4]);
	(void)world_call(&world, BX_SYS_WAIT, SLOT_SIGNAL, 0, soon(500000));
	ck_assert_ptr_null(world.context);	/* idle */
	world.context = bx_kcore_interrupt(world.core, 4);
	ck_assert_uint_eq(world_current(&world), thread_of(SERVER));
	ck_assert_uint_eq(world.context->value[0], 0x80);
	world.machine.port_value = 'x';
	ck_assert_int_eq(world_call(&world, BX_SYS_PORT_IN, SLOT_PORTS, 0x3f8, 1), BX_OK);
	ck_assert_uint_eq(world.context->value[0], 'x');
	ck_assert_uint_eq(world.machine.port, 0x3f8);
	ck_assert_int_eq(world_call(&world, BX_SYS_PORT_IN, SLOT_PORTS, 0x3f7, 1), BX_ERR_RANGE);
	ck_assert_int_eq(world_call(&world, BX_SYS_PORT_IN, SLOT_PORTS, 0x3ff, 2), BX_ERR_RANGE);
	ck_assert_int_eq(world_call(&world, BX_SYS_PORT_IN, SLOT_PORTS, 0x403, 1), BX_ERR_RANGE);
	ck_assert_uint_eq(world.machine.port_reads, 1);
}
END_TEST

/* ---- attacks -------------------------------------------------------------------------------- */

/* A start that an interrupt cuts after each step goes on where it stood; nothing of it shows before. */
START_TEST(spawn_in_steps)
{
	uint32_t events = 0;

	world.machine.interrupt_every = 1;
	world.context->word[0] = 0;
	(void)world_call(&world, BX_SYS_SPAWN, SLOT_SPAWN, HOG, 0);
	while (world.core->programs[HOG].state != BX_PROGRAM_RUNNING) {
		ck_assert_uint_lt(events++, 100);
		ck_assert_uint_ne(world_current(&world), thread_of(HOG));
		world.context = bx_kcore_timer(world.core);
		world_sound(&world);
	}
	ck_assert_uint_gt(events, 2);
	world.machine.interrupt_every = 0;
	world_run_until(&world, thread_of(INIT));
	ck_assert_int_eq(world_result(&world, thread_of(INIT)), BX_OK);
}
END_TEST

/* A spawner that ends in the middle (after _i events) takes what it was starting with it. */
START_TEST(spawner_dies_in_the_middle)
{
	struct bx_kcore *core = world.core;

	ck_assert_int_eq(spawn(HOG), BX_OK);
	(void)world_call(&world, BX_SYS_WAIT, SLOT_EXITS, 0, soon(1000000));
	ck_assert_uint_eq(world_current(&world), thread_of(HOG));
	world.machine.interrupt_every = 1;
	(void)spawn(CLIENT);
	for (int i = 0; i < _i && core->programs[CLIENT].state != BX_PROGRAM_RUNNING; i++)
		world.context = bx_kcore_timer(core);
	world.machine.interrupt_every = 0;
	bx_program_end(core, HOG, BX_PROGRAM_KILLED);
	world.context = bx_sched_dispatch(core);
	world_sound(&world);
	world_run_until(&world, thread_of(INIT));
	ck_assert_uint_eq(core->put_off, 0);
	if (core->programs[CLIENT].state == BX_PROGRAM_ABSENT) {
		ck_assert_uint_eq(core->programs[CLIENT].root, 0);
		ck_assert_int_eq(spawn(CLIENT), BX_OK);
	}
	ck_assert_uint_eq(core->programs[CLIENT].state, BX_PROGRAM_RUNNING);
}
END_TEST

/* With every quota (_i), as a system call: works or says so, and a second try with enough works. */
START_TEST(spawn_fails_at_every_frame)
{
	struct bx_kcore *core = world.core;
	enum bx_err err;

	core->programs[HOG].frame_quota = (uint32_t)_i;
	err = spawn(HOG);
	ck_assert_int_eq(err, _i >= 15 ? BX_OK : BX_ERR_QUOTA);
	world_sound(&world);
	if (err != BX_OK) {
		/* What was taken has been given back at the lower priority's turn. */
		(void)world_call(&world, BX_SYS_SLEEP, 0, 0, soon(1000));
		world_run_until(&world, thread_of(INIT));
		ck_assert_uint_eq(core->programs[HOG].state, BX_PROGRAM_ABSENT);
		core->programs[HOG].frame_quota = 64;
		ck_assert_int_eq(spawn(HOG), BX_OK);
	}
}
END_TEST

/* A program that maps its memory all over its space runs into its own quota and nobody else's. */
START_TEST(hog_exhausts_its_quota)
{
	struct bx_kcore *core = world.core;
	uint32_t before, mapped = 0;
	enum bx_err err = BX_OK;

	ck_assert_int_eq(spawn(HOG), BX_OK);
	ck_assert_int_eq(spawn(CLIENT), BX_OK);
	(void)world_call(&world, BX_SYS_WAIT, SLOT_EXITS, 0, soon(1000000));
	world_run_until(&world, thread_of(HOG));
	before = core->programs[CLIENT].frames_used;
	for (uint32_t page = 0; page < MEMORY_PAGES && err == BX_OK; page++) {
		world.context->word[0] = 1;
		world.context->word[1] = BX_MAP_READ | BX_MAP_WRITE;
		err = world_call(&world, BX_SYS_MAP, SLOT_MEMORY, ((uint64_t)page + 1) << 39, page);
		mapped += err == BX_OK;
	}
	ck_assert_int_eq(err, BX_ERR_QUOTA);
	ck_assert_uint_gt(mapped, 10);
	ck_assert_uint_le(core->programs[HOG].frames_used, core->programs[HOG].frame_quota);
	ck_assert_uint_eq(core->programs[CLIENT].frames_used, before);
	/* All or none: 64 pages at once over a boundary that needs more tables than there are. */
	world.context->word[0] = 20;
	world.context->word[1] = BX_MAP_READ;
	ck_assert_int_eq(world_call(&world, BX_SYS_MAP, SLOT_MEMORY, (120ull << 39) - 8 * 4096, mapped),
	    BX_ERR_QUOTA);
	world_sound(&world);
	for (uint32_t page = mapped; page < MEMORY_PAGES; page++)
		ck_assert_uint_eq(core->frames[core->memory_pages[page]].address, 0);
	(void)world_call(&world, BX_SYS_EXIT, 0, 0, 0);
	world_sound(&world);
}
END_TEST

/* Writable and executable: not at once, not by two mappings, not by an alias. */
START_TEST(no_page_is_writable_and_executable)
{
	struct bx_kcore *core = world.core;
	uint8_t code = 0xc3;

	ck_assert_int_eq(spawn(HOG), BX_OK);
	(void)world_call(&world, BX_SYS_WAIT, SLOT_EXITS, 0, soon(1000000));
	world.context->word[0] = 1;
	world.context->word[1] = BX_MAP_READ | BX_MAP_WRITE | BX_MAP_EXECUTE;
	ck_assert_int_eq(world_call(&world, BX_SYS_MAP, SLOT_MEMORY, FREE_ADDRESS, 0), BX_ERR_WX);
	world.context->word[1] = BX_MAP_READ | BX_MAP_EXECUTE;
	ck_assert_int_eq(world_call(&world, BX_SYS_MAP, SLOT_MEMORY, FREE_ADDRESS, 0), BX_OK);
	world.context->word[1] = BX_MAP_READ | BX_MAP_WRITE;
	ck_assert_int_eq(world_call(&world, BX_SYS_MAP, SLOT_MEMORY, FREE_ADDRESS + 4096, 0),
	    BX_ERR_MAPPED);
	ck_assert_int_eq(bx_hosted_user_write(&world.machine, core->programs[HOG].root, FREE_ADDRESS,
	    &code, 1), BX_ERR_ADDRESS);
	ck_assert_int_eq(bx_copy_out(core, HOG, FREE_ADDRESS, &code, 1), BX_ERR_ADDRESS);
	ck_assert(!bx_hosted_frame_writable(&world.machine,
	    (uint64_t)core->memory_pages[0] << BX_PAGE_SHIFT));
}
END_TEST

/* The capability is the only way to the memory, and takes the mappings along when it goes. */
START_TEST(deleting_memory_takes_it_away)
{
	ck_assert_int_eq(spawn(HOG), BX_OK);
	(void)world_call(&world, BX_SYS_WAIT, SLOT_EXITS, 0, soon(1000000));
	world.machine.interrupt_every = 2;
	world.context->word[0] = MEMORY_PAGES;
	world.context->word[1] = BX_MAP_READ | BX_MAP_WRITE;
	(void)world_call(&world, BX_SYS_MAP, SLOT_MEMORY, FREE_ADDRESS, 0);
	world_run_until(&world, thread_of(HOG));
	ck_assert_int_eq(world_result(&world, thread_of(HOG)), BX_OK);
	(void)world_call(&world, BX_SYS_CAP_DELETE, SLOT_MEMORY, 0, 0);
	world_run_until(&world, thread_of(HOG));
	ck_assert_int_eq(world_result(&world, thread_of(HOG)), BX_OK);
	for (uint32_t page = 0; page < MEMORY_PAGES; page++)
		ck_assert_uint_eq(world.core->frames[world.core->memory_pages[page]].address, 0);
	world.machine.interrupt_every = 0;
	ck_assert_int_eq(world_call(&world, BX_SYS_UNMAP, SLOT_MEMORY, 0, 0), BX_ERR_CAP_EMPTY);
}
END_TEST

START_TEST(sealed_spaces_gain_nothing)
{
	static const uint64_t calls[] = { BX_SYS_CAP_COPY, BX_SYS_CAP_MOVE };
	struct bx_derive derive = { .to = 13, .rights = 0, .uses = 0, .expiry = 0 };

	ck_assert_int_eq(spawn(HOG), BX_OK);
	(void)world_call(&world, BX_SYS_WAIT, SLOT_EXITS, 0, soon(1000000));
	for (unsigned i = 0; i < BX_ARRAY_COUNT(calls); i++)
		ck_assert_int_eq(world_call(&world, calls[i], SLOT_MEMORY, 13, 0), BX_ERR_CAP_SEALED);
	user_put(&world, HOG, ELF_DATA, &derive, sizeof(derive));
	world.context->buffers = ELF_DATA;
	ck_assert_int_eq(world_call(&world, BX_SYS_CAP_DERIVE, SLOT_MEMORY, 0, 0), BX_ERR_CAP_SEALED);
}
END_TEST

/* A fault without a handler ends its program; the rest of the system goes on. */
START_TEST(a_fault_ends_its_program_only)
{
	ck_assert_int_eq(spawn(HOG), BX_OK);
	(void)world_call(&world, BX_SYS_WAIT, SLOT_EXITS, 0, soon(1000000));
	ck_assert_uint_eq(world_current(&world), thread_of(HOG));
	world.context = bx_kcore_fault(world.core, BX_FAULT_PAGE, 0xffff800000000000ull, 5);
	world_sound(&world);
	world_run_until(&world, thread_of(INIT));
	ck_assert_uint_eq(world.context->value[0], 1u << HOG);
	ck_assert_uint_eq(world.core->programs[HOG].state, BX_PROGRAM_FAULTED);
	ck_assert_uint_eq(world.core->programs[HOG].fault_kind, BX_FAULT_PAGE);
	ck_assert_uint_eq(world.core->programs[HOG].fault_address, 0xffff800000000000ull);
	ck_assert_int_eq(spawn(HOG), BX_OK);	/* and it may start again */
	ck_assert_uint_eq(world.core->programs[HOG].starts, 2);
}
END_TEST

/* ---- what a capability holds up goes with it ------------------------------------------------- */

/* The hog's second thread runs beside its first one. */
static void
second_thread(void)
{
	(void)world_call(&world, BX_SYS_THREAD_START, SLOT_THREAD, ELF_ENTRY, BX_STACK_TOP - 4096);
	world_run_until(&world, thread_of(HOG) + 1);
}

START_TEST(deleting_an_endpoint_cancels_waits)
{
	ck_assert_int_eq(spawn(SERVER), BX_OK);
	ck_assert_int_eq(spawn(HOG), BX_OK);
	(void)world_call(&world, BX_SYS_WAIT, SLOT_EXITS, 0, soon(1000000));
	(void)world_call(&world, BX_SYS_SLEEP, 0, 0, soon(900000));	/* the server is away */
	ck_assert_uint_eq(world_current(&world), thread_of(HOG));
	second_thread();
	(void)world_call(&world, BX_SYS_CALL, SLOT_PORT, 0, soon(500000));
	ck_assert_uint_eq(world.core->threads[thread_of(HOG) + 1].state, BX_THREAD_SENDING);
	ck_assert_uint_eq(world_current(&world), thread_of(HOG));
	ck_assert_int_eq(world_call(&world, BX_SYS_CAP_DELETE, SLOT_PORT, 0, 0), BX_OK);
	ck_assert_uint_eq(world.core->threads[thread_of(HOG) + 1].state, BX_THREAD_READY);
	ck_assert_int_eq(world_result(&world, thread_of(HOG) + 1), BX_ERR_CANCELLED);
	ck_assert_uint_eq(world.core->endpoints[0].senders.head, BX_NONE);
}
END_TEST

START_TEST(deleting_a_notification_cancels_waits_and_unbinds)
{
	struct build build = build_world();
	struct bx_notification *signal;

	world_end(&world);
	build_grant(&build, HOG, SLOT_SIGNAL, SIGNAL, BX_RIGHT_READ);
	world_make(&world, &build);
	signal = &world.core->notifications[1];
	ck_assert_int_eq(spawn(HOG), BX_OK);
	(void)world_call(&world, BX_SYS_WAIT, SLOT_EXITS, 0, soon(1000000));
	ck_assert_int_eq(world_call(&world, BX_SYS_NOTIFICATION_BIND, SLOT_SIGNAL, 0, 0), BX_OK);
	ck_assert_uint_eq(signal->bound_thread, thread_of(HOG));
	second_thread();
	(void)world_call(&world, BX_SYS_WAIT, SLOT_SIGNAL, 0, soon(500000));
	world_run_until(&world, thread_of(HOG));
	ck_assert_int_eq(world_call(&world, BX_SYS_CAP_DELETE, SLOT_SIGNAL, 0, 0), BX_OK);
	ck_assert_uint_eq(signal->bound_thread, BX_NONE);
	ck_assert_uint_eq(world.core->threads[thread_of(HOG)].bound_notification, BX_NONE);
	ck_assert_uint_eq(signal->waiters.head, BX_NONE);
	ck_assert_uint_eq(world.core->threads[thread_of(HOG) + 1].state, BX_THREAD_READY);
	world_sound(&world);
}
END_TEST

/* A server that throws the reply away, or (_i) ends with it, leaves no caller hanging. */
START_TEST(a_lost_reply_answers_its_caller)
{
	ck_assert_int_eq(spawn(SERVER), BX_OK);
	ck_assert_int_eq(spawn(CLIENT), BX_OK);
	(void)world_call(&world, BX_SYS_WAIT, SLOT_EXITS, 0, soon(1000000));
	world.context->reply = SLOT_REPLY;
	(void)world_call(&world, BX_SYS_RECEIVE, SLOT_PORT, 0, soon(500000));
	(void)world_call(&world, BX_SYS_CALL, SLOT_PORT, 77, soon(400000));
	ck_assert_uint_eq(world_current(&world), thread_of(SERVER));
	ck_assert_uint_eq(world.core->threads[thread_of(CLIENT)].state, BX_THREAD_AWAITING_REPLY);
	if (_i == 0)
		ck_assert_int_eq(world_call(&world, BX_SYS_CAP_DELETE, SLOT_REPLY, 0, 0), BX_OK);
	else
		(void)world_call(&world, BX_SYS_EXIT, 0, 0, 0);
	ck_assert_uint_eq(world.core->threads[thread_of(CLIENT)].state, BX_THREAD_READY);
	ck_assert_int_eq(world_result(&world, thread_of(CLIENT)), BX_ERR_PEER_DIED);
}
END_TEST

/* A thread capability of an ended process is stale; the manifest's holder controls the next one. */
START_TEST(names_follow_the_manifest_not_the_process)
{
	ck_assert_int_eq(world_call(&world, BX_SYS_THREAD_STOP, SLOT_THREAD, 0, 0), BX_ERR_CAP_STALE);
	ck_assert_int_eq(spawn(HOG), BX_OK);
	ck_assert_int_eq(world_call(&world, BX_SYS_THREAD_START, SLOT_THREAD, ELF_ENTRY, BX_STACK_TOP),
	    BX_OK);
	ck_assert_int_eq(world_call(&world, BX_SYS_KILL, SLOT_SPAWN, HOG, 0), BX_OK);
	ck_assert_int_eq(world_call(&world, BX_SYS_THREAD_STOP, SLOT_THREAD, 0, 0), BX_ERR_CAP_STALE);
	(void)world_call(&world, BX_SYS_WAIT, SLOT_EXITS, 0, soon(1000000));
	world_run_until(&world, thread_of(INIT));
	ck_assert_int_eq(spawn(HOG), BX_OK);
	ck_assert_int_eq(world_call(&world, BX_SYS_THREAD_START, SLOT_THREAD, ELF_ENTRY, BX_STACK_TOP),
	    BX_OK);
}
END_TEST

Suite *
suite_world(void)
{
	Suite *suite = suite_create("kcore-world");
	TCase *tcase = tcase_create("world");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, first_program_runs_alone);
	tcase_add_test(tcase, client_and_server_talk);
	tcase_add_loop_test(tcase, strings_cross_in_steps, 0, 4);
	tcase_add_test(tcase, interrupts_become_signals);
	tcase_add_test(tcase, spawn_in_steps);
	tcase_add_loop_test(tcase, spawner_dies_in_the_middle, 0, 12);
	tcase_add_loop_test(tcase, spawn_fails_at_every_frame, 0, 18);
	tcase_add_test(tcase, hog_exhausts_its_quota);
	tcase_add_test(tcase, no_page_is_writable_and_executable);
	tcase_add_test(tcase, deleting_memory_takes_it_away);
	tcase_add_test(tcase, sealed_spaces_gain_nothing);
	tcase_add_test(tcase, a_fault_ends_its_program_only);
	tcase_add_test(tcase, deleting_an_endpoint_cancels_waits);
	tcase_add_test(tcase, deleting_a_notification_cancels_waits_and_unbinds);
	tcase_add_loop_test(tcase, a_lost_reply_answers_its_caller, 0, 2);
	tcase_add_test(tcase, names_follow_the_manifest_not_the_process);
	suite_add_tcase(suite, tcase);
	return suite;
}
