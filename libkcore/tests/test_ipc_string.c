/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_ipc_string.c -- rendezvous: strings, and copies that an interrupt stops.
 */
#include "ipc.h"

/* ---- strings */

START_TEST(ipc5_string_of_any_length)
{
	static const uint32_t lengths[] = { 1, 8, 4095, 4096, 4097, 16384, 16385, 60000, 65536 };

	for (unsigned i = 0; i < BX_ARRAY_COUNT(lengths); i++) {
		uint64_t length = lengths[i];

		offer_receive(SERVER / 2, (uint32_t)length);
		offer_send(CLIENT / 2, (uint32_t)length);
		ask_with(SERVER, WITH_BUFFERS(BX_SYS_RECEIVE), EP_A, 0, SOON, REPLY_SLOT);
		ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
		received(SERVER, 0x102, 1, BX_IPC_INFO_REPLY | length << 32, CLIENT);
		string_is(SERVER / 2, (uint32_t)length, CLIENT / 2);
		ck_assert_int_eq(ask(SERVER, BX_SYS_REPLY, REPLY_SLOT, 0, 0), BX_OK);
		/* Queued first, received later. */
		offer_send(OTHER / 2, (uint32_t)length);
		ask(OTHER, WITH_BUFFERS(BX_SYS_SEND), EP_A, 1, SOON);
		ask_with(SERVER, WITH_BUFFERS(BX_SYS_RECEIVE), EP_A, 0, SOON, REPLY_SLOT);
		received(SERVER, 0x103, 1, length << 32, OTHER);
		string_is(SERVER / 2, (uint32_t)length, OTHER / 2);
	}
}
END_TEST

START_TEST(ipc5_string_in_reply)
{
	struct bx_ipc_buffers buffers = no_buffers();

	offer_receive(CLIENT / 2, 65536);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
	offer_send(SERVER / 2, 50000);
	world.machine.interrupt_every = 1;
	ask_with(SERVER, WITH_BUFFERS(BX_SYS_REPLY_RECEIVE), EP_A, 2, SOON, REPLY_SLOT);
	ck_assert_uint_eq(thread(SERVER)->restart, 1);
	state_is(CLIENT, BX_THREAD_AWAITING_REPLY);
	settle();
	received(CLIENT, 0, 2, 50000ull << 32, SERVER);
	string_is(CLIENT / 2, 50000, SERVER / 2);
	state_is(SERVER, BX_THREAD_RECEIVING);
	(void)buffers;
}
END_TEST

START_TEST(ipc5_too_long_is_told_to_both)
{
	offer_receive(SERVER / 2, 99);
	offer_send(CLIENT / 2, 100);
	ask_with(SERVER, WITH_BUFFERS(BX_SYS_RECEIVE), EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
	failed(SERVER, BX_ERR_MSG_TOO_LONG);
	failed(CLIENT, BX_ERR_MSG_TOO_LONG);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_SEND), EP_A, 1, SOON);
	ask_with(SERVER, WITH_BUFFERS(BX_SYS_RECEIVE), EP_A, 0, SOON, REPLY_SLOT);
	failed(SERVER, BX_ERR_MSG_TOO_LONG);
	failed(CLIENT, BX_ERR_MSG_TOO_LONG);
	/* To an answer that does not fit, too; the reply is spent. */
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, BX_SYS_CALL, EP_A, 1, SOON);
	offer_send(SERVER / 2, 1);
	ask_with(SERVER, WITH_BUFFERS(BX_SYS_REPLY_RECEIVE), EP_A, 2, SOON, REPLY_SLOT);
	failed(SERVER, BX_ERR_MSG_TOO_LONG);
	failed(CLIENT, BX_ERR_MSG_TOO_LONG);
	ck_assert_uint_eq(cap(1, REPLY_SLOT)->type, BX_CAP_NONE);
}
END_TEST

/* Who offered bad memory is told; the other goes on waiting. */
START_TEST(ipc5_bad_memory_is_its_owners)
{
	struct bx_ipc_buffers buffers = no_buffers();

	offer_receive(SERVER / 2, 65536);
	ask_with(SERVER, WITH_BUFFERS(BX_SYS_RECEIVE), EP_A, 0, SOON, REPLY_SLOT);
	buffers.send_address = ELF_DATA + DATA_PAGES * BX_PAGE_SIZE - 10;
	buffers.send_length = 11;
	offer(CLIENT / 2, buffers);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
	failed(CLIENT, BX_ERR_ADDRESS);
	state_is(SERVER, BX_THREAD_RECEIVING);
	ask(OTHER, BX_SYS_SEND, EP_A, 6, SOON);
	received(SERVER, 0x103, 6, 0, OTHER);
	/* The receiver's. */
	offer_send(CLIENT / 2, 100);
	buffers = no_buffers();
	buffers.receive_address = 0x400000;		/* text */
	buffers.receive_capacity = 100;
	offer(SERVER / 2, buffers);
	ask_with(SERVER, WITH_BUFFERS(BX_SYS_RECEIVE), EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
	failed(SERVER, BX_ERR_ADDRESS);
	state_is(CLIENT, BX_THREAD_SENDING);
	offer_receive(SERVER / 2, 100);
	ask_with(SERVER, WITH_BUFFERS(BX_SYS_RECEIVE), EP_A, 0, SOON, REPLY_SLOT);
	received(SERVER, 0x102, 1, BX_IPC_INFO_REPLY | 100ull << 32, CLIENT);
	/* The caller's, found when it is answered: the call is over, the server is not concerned. */
	ck_assert_int_eq(ask(SERVER, BX_SYS_REPLY, REPLY_SLOT, 0, 0), BX_OK);
	buffers.receive_address = 0x1000;
	offer(CLIENT / 2, buffers);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
	offer_send(SERVER / 2, 10);
	ck_assert_int_eq(ask(SERVER, WITH_BUFFERS(BX_SYS_REPLY), REPLY_SLOT, 0, 0), BX_OK);
	failed(CLIENT, BX_ERR_ADDRESS);
	/* The replier's: the caller still waits, the reply is still there. */
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	offer_receive(CLIENT / 2, 100);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
	buffers.send_address = 0x1000;
	buffers.send_length = 10;
	offer(SERVER / 2, buffers);
	ck_assert_int_eq(ask(SERVER, WITH_BUFFERS(BX_SYS_REPLY), REPLY_SLOT, 0, 0), BX_ERR_ADDRESS);
	state_is(CLIENT, BX_THREAD_AWAITING_REPLY);
	ck_assert_int_eq(ask(SERVER, BX_SYS_REPLY, REPLY_SLOT, 0, 0), BX_OK);
}
END_TEST

/* A message that its first receiver cannot take goes to the next one only as long as its deadline, _i 0
 * passed, 1 none, 2 to come, says so.  Else a server could hold it for ever by bad buffers in turn. */
START_TEST(ipc5_bad_buffer_and_a_deadline)
{
	const uint64_t deadlines[] = { world.machine.now - 5, 0, SOON };
	struct bx_ipc_buffers buffers = no_buffers();

	bx_machine_context_start(&thread(SERVER2)->context, ELF_ENTRY, 0x1000, (uint64_t[4]){ 0 });
	thread(SERVER2)->context.root = world.core->programs[SERVER2 / 2].root;
	bx_thread_ready(world.core, thread(SERVER2));
	buffers.receive_address = 0x400000;		/* text */
	buffers.receive_capacity = 100;
	offer(SERVER / 2, buffers);
	ask(SERVER, WITH_BUFFERS(BX_SYS_RECEIVE), EP_A, 0, SOON);
	offer_receive(SERVER2 / 2, 100);
	ask(SERVER2, WITH_BUFFERS(BX_SYS_RECEIVE), EP_A, 0, SOON);
	offer_send(CLIENT / 2, 100);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_SEND), EP_A, 1, deadlines[_i]);
	failed(SERVER, BX_ERR_ADDRESS);
	if (_i < 2) {
		failed(CLIENT, _i == 0 ? BX_ERR_TIMEOUT : BX_ERR_WOULD_BLOCK);
		state_is(SERVER2, BX_THREAD_RECEIVING);
	} else {
		ck_assert_int_eq(world_result(&world, CLIENT), BX_OK);
		received(SERVER2, 0x102, 1, 100ull << 32, CLIENT);
	}
}
END_TEST

START_TEST(ipc5_offers_are_checked)
{
	struct bx_ipc_buffers buffers = no_buffers();

	buffers.send_length = BX_IPC_STRING_MAX + 1;
	offer(CLIENT / 2, buffers);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
	failed(CLIENT, BX_ERR_RANGE);
	buffers.send_length = 0;
	buffers.send_slot = REPLY_SLOT;
	offer(CLIENT / 2, buffers);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
	failed(CLIENT, BX_ERR_CAP_SLOT);
	buffers.send_slot = FREE_SLOT;
	offer(CLIENT / 2, buffers);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
	failed(CLIENT, BX_ERR_CAP_EMPTY);
	buffers.send_slot = BX_SLOT_NONE;
	buffers.receive_slot = REPLY_SLOT;
	offer(CLIENT / 2, buffers);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
	failed(CLIENT, BX_ERR_CAP_SLOT);
	world_run_until(&world, CLIENT);
	world.context->buffers = BUFFERS + 4;
	ck_assert_int_eq(world_call(&world, WITH_BUFFERS(BX_SYS_SEND), EP_A, 0, SOON), BX_ERR_ALIGN);
	world.context->buffers = 0x8000;
	ck_assert_int_eq(world_call(&world, WITH_BUFFERS(BX_SYS_SEND), EP_A, 0, SOON),
	    BX_ERR_ADDRESS);
	ck_assert_int_eq(world_call(&world, 0x200 | BX_SYS_SEND, EP_A, 0, SOON), BX_ERR_INVALID);
}
END_TEST

/* ---- copies that an interrupt stops */

START_TEST(ipc6_interrupted_copy_goes_on)
{
	half_copied(_i == 0 ? CLIENT : SERVER);
	settle();
	received(SERVER, 0x102, 5, BX_IPC_INFO_REPLY | 60000ull << 32, CLIENT);
	string_is(SERVER / 2, 60000, CLIENT / 2);
	state_is(CLIENT, BX_THREAD_AWAITING_REPLY);
}
END_TEST

/* The capability of the active side (_i 0: the sender) goes in the middle of a copy, and one of another
 * endpoint comes into its slot: the call begins afresh by that one, and what was begun goes to nobody. */
START_TEST(ipc6_another_capability_comes_in_a_copy)
{
	uint32_t side = _i == 0 ? CLIENT : SERVER, parent;
	struct bx_cap_space *space = &world.core->programs[side / 2].space;
	struct bx_removal removal = { .left = BX_REMOVAL_STEP };

	half_copied(side);
	ck_assert_int_eq(bx_capability_remove_leaf(world.core, space->first_slot + EP_A, &parent, &removal),
	    BX_OK);
	ck_assert_uint_eq(thread(side)->transfer, BX_NONE);
	ck_assert_int_eq(bx_cap_move(&world.core->forest, (struct bx_cap_place){ space, EP_B },
	    (struct bx_cap_place){ space, EP_A }), BX_OK);
	settle();
	state_is(SERVER, BX_THREAD_RECEIVING);
	state_is(CLIENT, BX_THREAD_SENDING);
	ck_assert_uint_eq(thread(SERVER)->object, _i == 0 ? 0 : 1);
	ck_assert_uint_eq(thread(CLIENT)->object, _i == 0 ? 1 : 0);
	ck_assert_uint_eq(thread(CLIENT)->badge, _i == 0 ? 0x202 : 0x102);
}
END_TEST

/* A capability that a call goes by stays where it is: _i 0 and 1 in a copy, for the active side and the
 * passive one; 2 in a queue; 3 in a call that has cost its use and begins again. */
START_TEST(ipc6_capability_in_use_stays)
{
	struct bx_thread *mover = thread(CLIENT + 1);
	struct bx_sys_values out;

	if (_i == 2)
		ask(CLIENT, BX_SYS_CALL, EP_A, 5, SOON);
	else
		half_copied(_i == 0 ? CLIENT : SERVER);
	if (_i == 3) {
		bx_thread_stop(world.core, thread(SERVER));
		ck_assert_uint_eq(thread(CLIENT)->restart, 1);
	}
	mover->context.value[0] = EP_A;
	mover->context.value[1] = FREE_SLOT;
	ck_assert_int_eq(bx_sys_cap_move(world.core, mover, &out), BX_ERR_BUSY);
	mover->context.value[1] = world.core->programs[mover->program].space.slot_count;
	ck_assert_int_eq(bx_sys_cap_move(world.core, mover, &out), BX_ERR_CAP_SLOT);	/* never, so not BUSY */
	mover->context.value[1] = FREE_SLOT;
	mover->context.value[0] = EP_B;
	ck_assert_int_eq(bx_sys_cap_move(world.core, mover, &out), BX_OK);
	if (_i == 3)
		bx_thread_ready(world.core, thread(SERVER));
}
END_TEST

/* With its capability a call that has cost its use and begins again has cost none, and counts no more (_i 0); nor
 * does one that then has no time left (_i 1). */
START_TEST(ipc6_capability_goes_before_a_call_begins_again)
{
	struct bx_program *program = &world.core->programs[CLIENT / 2];
	struct bx_removal removal = { .left = BX_REMOVAL_STEP };
	uint32_t parent;

	half_copied(SERVER);
	bx_thread_stop(world.core, thread(SERVER));
	ck_assert_uint_eq(thread(CLIENT)->restart, 1);
	ck_assert_uint_eq(program->strays, 1);
	if (_i == 0)
		ck_assert_int_eq(bx_capability_remove_leaf(world.core, program->space.first_slot + EP_A, &parent,
		    &removal), BX_OK);
	else
		world.machine.now = thread(CLIENT)->context.value[2] + 1;
	ck_assert_uint_eq(program->strays, (unsigned)_i);
	settle();
	failed(CLIENT, _i == 0 ? BX_ERR_CAP_EMPTY : BX_ERR_TIMEOUT);
	ck_assert_uint_eq(program->strays, 0);
	bx_thread_ready(world.core, thread(SERVER));
}
END_TEST

/* The look for such calls has an end: with 64 threads whose last calls named the slot it counts as used.  While
 * nobody waits at the object (_i 0), or when it is of another type (_i 1), there is none, but for one of the program
 * that is astray. */
START_TEST(ipc6_use_looks_have_an_end)
{
	static struct bx_thread threads[65];
	static struct bx_cap_slot slots[FREE_SLOT];
	struct bx_program program = { .thread_count = BX_ARRAY_COUNT(threads) };
	struct bx_endpoint endpoint = { .senders = { BX_NONE, BX_NONE }, .receivers = { BX_NONE, BX_NONE } };
	static struct bx_kcore core;

	core.threads = threads;
	core.endpoints = &endpoint;
	core.forest.slots = slots;
	slots[EP_A].cap.type = _i == 1 ? BX_CAP_MEMORY : BX_CAP_ENDPOINT;
	for (uint32_t i = 0; i < BX_ARRAY_COUNT(threads); i++) {
		threads[i].state = BX_THREAD_READY;
		threads[i].transfer = BX_NONE;
		threads[i].context.value[0] = EP_A;
	}
	ck_assert(!bx_capability_in_use(&core, &program, EP_A));
	if (_i < 2)
		program.strays = 1;
	else if (_i == 2)
		endpoint.senders.head = 7;
	else
		endpoint.receivers.head = 7;
	ck_assert(bx_capability_in_use(&core, &program, EP_A));
	threads[3].context.value[0] = threads[5].context.value[0] = EP_B;
	ck_assert(!bx_capability_in_use(&core, &program, EP_A));
	threads[3].context.value[0] = EP_A;
	ck_assert(bx_capability_in_use(&core, &program, EP_A));
	program.thread_count = 64;
	ck_assert(!bx_capability_in_use(&core, &program, EP_A));
}
END_TEST

/* A wait is by one capability, not by all for the same object. */
START_TEST(ipc6_another_capability_goes)
{
	const uint32_t slots[] = { COUNTED, EP_A };
	struct bx_removal removal = { .left = BX_REMOVAL_STEP };
	uint32_t first = world.core->programs[CLIENT / 2].space.first_slot, parent;

	ask(CLIENT, BX_SYS_CALL, EP_A, 5, SOON);
	ck_assert_int_eq(bx_capability_remove_leaf(world.core, first + slots[_i], &parent, &removal), BX_OK);
	if (_i == 0)
		state_is(CLIENT, BX_THREAD_SENDING);
	else
		failed(CLIENT, BX_ERR_CANCELLED);
}
END_TEST

/* A reply kept until the generation came round ends no call to another program. */
START_TEST(ipc6_stale_reply_is_deleted)
{
	uint32_t generation;

	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask_with(OTHER, BX_SYS_RECEIVE, EP_C, 0, SOON, REPLY_SLOT);
	generation = thread(CLIENT)->call_generation;
	ask(CLIENT, BX_SYS_CALL, EP_A, 1, SOON);
	state_is(CLIENT, BX_THREAD_AWAITING_REPLY);
	bx_ipc_timeout(world.core, thread(CLIENT));
	ck_assert_uint_eq(cap(SERVER / 2, REPLY_SLOT)->object.generation, generation);
	thread(CLIENT)->call_generation = generation;
	ask(CLIENT, BX_SYS_CALL, EP_C, 2, SOON);
	state_is(CLIENT, BX_THREAD_AWAITING_REPLY);
	ck_assert_int_eq(ask(SERVER, BX_SYS_CAP_DELETE, REPLY_SLOT, 0, 0), BX_OK);
	state_is(CLIENT, BX_THREAD_AWAITING_REPLY);
	ck_assert_int_eq(ask(OTHER, BX_SYS_CAP_DELETE, REPLY_SLOT, 0, 0), BX_OK);
	failed(CLIENT, BX_ERR_PEER_DIED);
}
END_TEST

/* A fault goes to its handler by no capability of the program. */
START_TEST(ipc8_fault_outlives_a_capability)
{
	struct bx_removal removal = { .left = BX_REMOVAL_STEP };
	uint32_t parent;

	ask_with(OTHER, BX_SYS_RECEIVE, EP_C, 0, 0, REPLY_SLOT);
	world_run_until(&world, SERVER);
	world.context->value[0] = EP_C;
	world.context = bx_kcore_fault(world.core, BX_FAULT_PAGE, 0x1234, 4);
	state_is(SERVER, BX_THREAD_SENDING);
	ck_assert_int_eq(bx_capability_remove_leaf(world.core,
	    world.core->programs[SERVER / 2].space.first_slot + EP_C, &parent, &removal), BX_OK);
	state_is(SERVER, BX_THREAD_SENDING);
	ask_with(OTHER, BX_SYS_RECEIVE, EP_C, 0, 0, REPLY_SLOT);
	state_is(SERVER, BX_THREAD_FAULTED);
}
END_TEST

/* What was offered is read once: another thread of the program cannot change it under way. */
START_TEST(ipc6_offer_is_read_once)
{
	half_copied(CLIENT);
	offer_send(CLIENT / 2, 60000);
	offer(CLIENT / 2, no_buffers());
	settle();
	received(SERVER, 0x102, 5, BX_IPC_INFO_REPLY | 60000ull << 32, CLIENT);
}
END_TEST

/* A queued call that has to begin again has spent its use already. */
START_TEST(ipc6_use_is_spent_once)
{
	offer_send(CLIENT / 2, 60000);
	offer_receive(SERVER / 2, 65536);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_SEND), COUNTED, 5, SOON);
	ck_assert_uint_eq(cap(2, COUNTED)->uses, 19);
	world_run_until(&world, SERVER);
	world.machine.interrupt_every = 1;
	ask_with(SERVER, WITH_BUFFERS(BX_SYS_RECEIVE), EP_A, 0, SOON, REPLY_SLOT);
	ck_assert_uint_eq(thread(SERVER)->transfer, CLIENT);
	bx_thread_stop(world.core, thread(SERVER));
	settle();
	state_is(CLIENT, BX_THREAD_SENDING);
	ck_assert_uint_eq(cap(2, COUNTED)->uses, 19);
	bx_thread_ready(world.core, thread(SERVER));
}
END_TEST

/* Also when it was the last. */
START_TEST(ipc6_last_use_is_spent_once)
{
	cap(2, COUNTED)->uses = 1;
	offer_send(CLIENT / 2, 60000);
	offer_receive(SERVER / 2, 65536);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_SEND), COUNTED, 5, SOON);
	ck_assert_uint_eq(cap(2, COUNTED)->uses, 0);
	world_run_until(&world, SERVER);
	world.machine.interrupt_every = 1;
	ask_with(SERVER, WITH_BUFFERS(BX_SYS_RECEIVE), EP_A, 0, SOON, REPLY_SLOT);
	ck_assert_uint_eq(thread(SERVER)->transfer, CLIENT);
	bx_thread_stop(world.core, thread(SERVER));
	settle();
	state_is(CLIENT, BX_THREAD_SENDING);
	ck_assert_uint_eq(cap(2, COUNTED)->uses, 0);
	bx_thread_ready(world.core, thread(SERVER));
}
END_TEST

/* The passive side's deadline passes: it is told, the active side begins again. */
START_TEST(ipc6_deadline_in_a_copy)
{
	uint32_t active = _i == 0 ? CLIENT : SERVER, passive = _i == 0 ? SERVER : CLIENT;

	half_copied(active);
	world.machine.now = thread(passive)->deadline;
	world.context = bx_kcore_timer(world.core);
	failed(passive, BX_ERR_TIMEOUT);
	settle();
	/* Its own deadline has come too. */
	failed(active, BX_ERR_TIMEOUT);
}
END_TEST

START_TEST(ipc6_death_in_a_copy)
{
	uint32_t active = _i & 1 ? CLIENT : SERVER;
	uint32_t dies = _i & 2 ? CLIENT : SERVER;

	half_copied(active);
	bx_program_end(world.core, dies / 2, BX_PROGRAM_KILLED);
	settle();
	if (dies == SERVER) {
		failed(CLIENT, BX_ERR_PEER_DIED);
	} else {
		/* The receiver waits on as if nothing had been. */
		state_is(SERVER, BX_THREAD_RECEIVING);
		ask(OTHER, BX_SYS_CALL, EP_A, 7, SOON);
		received(SERVER, 0x103, 7, BX_IPC_INFO_REPLY, OTHER);
	}
}
END_TEST

/* The string, or the room for it, ends before its length does: _i & 1 which side makes the copy, _i & 2 whose
 * mistake it is.  That one is told, and the other waits as if nothing had been. */
START_TEST(ipc6_bad_end_in_a_copy)
{
	const uint64_t end = ELF_DATA + DATA_PAGES * BX_PAGE_SIZE;
	uint32_t active = _i & 1 ? CLIENT : SERVER, wrong = _i & 2 ? CLIENT : SERVER;
	struct bx_ipc_buffers buffers = no_buffers();

	offer_send(CLIENT / 2, 60000);
	offer_receive(SERVER / 2, 65536);
	if (wrong == CLIENT) {
		buffers.send_address = end - 40000;
		buffers.send_length = 60000;
		offer(CLIENT / 2, buffers);
	} else {
		buffers.receive_address = end - 40000;
		buffers.receive_capacity = 65536;
		offer(SERVER / 2, buffers);
	}
	copy_begun(active);
	for (unsigned n = 0; n < 10 && thread(active)->restart != 0; n++)
		world_pass(&world, 1);
	failed(wrong, BX_ERR_ADDRESS);
	if (wrong == active)
		ask(active, BX_SYS_YIELD, 0, 0, 0);
	settle();
	if (wrong == CLIENT) {
		state_is(SERVER, BX_THREAD_RECEIVING);
		ask(OTHER, BX_SYS_CALL, EP_A, 7, SOON);
		received(SERVER, 0x103, 7, BX_IPC_INFO_REPLY, OTHER);
	} else {
		state_is(CLIENT, BX_THREAD_SENDING);
		world.machine.interrupt_every = 0;
		offer_receive(SERVER / 2, 65536);
		ask_with(SERVER, WITH_BUFFERS(BX_SYS_RECEIVE), EP_A, 0, SOON, REPLY_SLOT);
		received(SERVER, 0x102, 5, BX_IPC_INFO_REPLY | 60000ull << 32, CLIENT);
		string_is(SERVER / 2, 60000, CLIENT / 2);
	}
}
END_TEST

START_TEST(ipc6_stop_in_a_copy)
{
	uint32_t active = _i & 1 ? CLIENT : SERVER;
	uint32_t stops = _i & 2 ? CLIENT : SERVER;

	half_copied(active);
	bx_thread_stop(world.core, thread(stops));
	failed(stops, BX_ERR_CANCELLED);
	settle();
	state_is(stops == SERVER ? CLIENT : SERVER,
	    stops == SERVER ? BX_THREAD_SENDING : BX_THREAD_RECEIVING);
	bx_thread_ready(world.core, thread(stops));
}
END_TEST

static void
priority_is(uint32_t who, uint32_t priority)
{
	ck_assert_uint_eq(thread(who)->priority, priority);
}

static void
priority_set(uint32_t who, uint8_t priority)
{
	thread(who)->priority_base = priority;
	bx_sched_unlend(world.core, thread(who));
}

/* Whoever waits for the rest of a copy lends its priority to the one that makes it, and so do those who queue
 * meanwhile; until it is over. */
START_TEST(ipc6_copy_is_made_at_the_priority_of_who_waits)
{
	uint32_t active = _i & 1 ? CLIENT : SERVER, passive = _i & 1 ? SERVER : CLIENT;

	half_copied(active);
	priority_set(passive, 30);
	priority_is(active, 30);
	priority_set(OTHER, 40);
	world.context = bx_sched_dispatch(world.core);
	world.machine.interrupt_every = 0;
	ck_assert_uint_eq(world_current(&world), OTHER);
	world.machine.interrupt_every = 1;
	ask(OTHER, BX_SYS_CALL, EP_A, 7, SOON);
	state_is(OTHER, BX_THREAD_SENDING);
	priority_is(SERVER, 40);
	if (active == CLIENT)
		priority_is(CLIENT, 40);
	if (_i & 2)
		bx_thread_stop(world.core, thread(passive));
	else
		settle();
	if (_i & 2) {
		priority_is(active, active == SERVER ? 40 : 10);
		bx_thread_ready(world.core, thread(passive));
	} else {
		priority_is(SERVER, 40);
		priority_is(CLIENT, passive == CLIENT ? 30 : 10);
	}
}
END_TEST

/* What the passive side waits by is taken from it: nothing of it is seen afterwards. */
START_TEST(ipc6_capability_goes_in_a_copy)
{
	uint32_t active = _i == 0 ? CLIENT : SERVER, passive = _i == 0 ? SERVER : CLIENT;
	uint32_t slot = world.core->programs[passive / 2].space.first_slot + EP_A, parent;
	struct bx_removal removal = { .left = BX_REMOVAL_STEP };

	half_copied(active);
	ck_assert_int_eq(bx_capability_remove_leaf(world.core, slot, &parent, &removal), BX_OK);
	failed(passive, BX_ERR_CANCELLED);
	settle();
	state_is(active, active == CLIENT ? BX_THREAD_SENDING : BX_THREAD_RECEIVING);
}
END_TEST

/* A caller dies, or waits no longer, while its answer is being copied. */
START_TEST(ipc6_caller_leaves_its_answer)
{
	offer_receive(CLIENT / 2, 65536);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, world.machine.now + 5000);
	offer_send(SERVER / 2, 50000);
	world.machine.interrupt_every = 1;
	ask(SERVER, WITH_BUFFERS(BX_SYS_REPLY), REPLY_SLOT, 2, SOON);
	ck_assert_uint_eq(thread(SERVER)->restart, 1);
	if (_i == 0) {
		world.machine.now = thread(CLIENT)->deadline;
		world.context = bx_kcore_timer(world.core);
		failed(CLIENT, BX_ERR_TIMEOUT);
	} else {
		bx_program_end(world.core, CLIENT / 2, BX_PROGRAM_KILLED);
	}
	settle();
	failed(SERVER, BX_ERR_CAP_STALE);
}
END_TEST

/* The server dies in the middle of its answer. */
START_TEST(ipc6_server_leaves_its_answer)
{
	offer_receive(CLIENT / 2, 65536);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
	offer_send(SERVER / 2, 50000);
	world.machine.interrupt_every = 1;
	ask(SERVER, WITH_BUFFERS(BX_SYS_REPLY), REPLY_SLOT, 2, SOON);
	world_stop(&world, SERVER / 2, BX_PROGRAM_KILLED);
	failed(CLIENT, BX_ERR_PEER_DIED);
}
END_TEST

/* Two threads of one program cannot give one answer: the first is preempted in the middle of it. */
START_TEST(ipc6_one_answer_at_a_time)
{
	uint64_t then;

	ck_assert_int_eq(ask(SERVER, BX_SYS_THREAD_START, THREAD_OWN, 0x400000, ELF_DATA), BX_OK);
	offer_receive(CLIENT / 2, 65536);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, UINT64_MAX, REPLY_SLOT);
	world_run_until(&world, SERVER2);
	then = world.machine.now + 1000;
	world_call(&world, BX_SYS_THREAD_PRIORITY, THREAD_OWN, 12, 0);
	world_call(&world, BX_SYS_SLEEP, 0, 0, then);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, UINT64_MAX);
	offer_send(SERVER / 2, 65536);
	world_run_until(&world, SERVER);
	world.machine.interrupt_every = 1;
	ask(SERVER, WITH_BUFFERS(BX_SYS_REPLY), REPLY_SLOT, 2, 0);
	ck_assert_uint_eq(thread(SERVER)->restart, 1);
	world.machine.now = then;
	world.context = bx_kcore_timer(world.core);
	ck_assert_uint_eq(world_current(&world), SERVER2);
	ck_assert_uint_eq(thread(SERVER)->restart, 1);
	ck_assert_int_eq(ask(SERVER2, BX_SYS_REPLY, REPLY_SLOT, 3, 0), BX_ERR_BUSY);
	ask(SERVER2, BX_SYS_SLEEP, 0, 0, UINT64_MAX);
	settle();
	received(CLIENT, 0, 2, 65536ull << 32, SERVER);
}
END_TEST

void
cases_string(Suite *suite)
{
	TCase *all = tcase_create("strings"), *open = tcase_create("strings in open spaces");

	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, ipc5_string_of_any_length);
	tcase_add_test(all, ipc5_string_in_reply);
	tcase_add_test(all, ipc5_too_long_is_told_to_both);
	tcase_add_test(all, ipc5_bad_memory_is_its_owners);
	tcase_add_loop_test(all, ipc5_bad_buffer_and_a_deadline, 0, 3);
	tcase_add_test(all, ipc5_offers_are_checked);
	tcase_add_loop_test(all, ipc6_interrupted_copy_goes_on, 0, 2);
	tcase_add_loop_test(all, ipc6_use_looks_have_an_end, 0, 4);
	tcase_add_loop_test(all, ipc6_another_capability_goes, 0, 2);
	tcase_add_test(all, ipc6_stale_reply_is_deleted);
	tcase_add_test(all, ipc8_fault_outlives_a_capability);
	tcase_add_test(all, ipc6_offer_is_read_once);
	tcase_add_test(all, ipc6_use_is_spent_once);
	tcase_add_test(all, ipc6_last_use_is_spent_once);
	tcase_add_loop_test(all, ipc6_deadline_in_a_copy, 0, 2);
	tcase_add_loop_test(all, ipc6_death_in_a_copy, 0, 4);
	tcase_add_loop_test(all, ipc6_bad_end_in_a_copy, 0, 4);
	tcase_add_loop_test(all, ipc6_stop_in_a_copy, 0, 4);
	tcase_add_loop_test(all, ipc6_copy_is_made_at_the_priority_of_who_waits, 0, 4);
	tcase_add_loop_test(all, ipc6_capability_goes_in_a_copy, 0, 2);
	tcase_add_loop_test(all, ipc6_caller_leaves_its_answer, 0, 2);
	tcase_add_test(all, ipc6_server_leaves_its_answer);
	tcase_add_test(all, ipc6_one_answer_at_a_time);
	suite_add_tcase(suite, all);
	tcase_add_checked_fixture(open, setup_open, teardown);
	tcase_add_loop_test(open, ipc6_another_capability_comes_in_a_copy, 0, 2);
	tcase_add_loop_test(open, ipc6_capability_in_use_stays, 0, 4);
	tcase_add_loop_test(open, ipc6_capability_goes_before_a_call_begins_again, 0, 2);
	suite_add_tcase(suite, open);
}
