/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_ipc.c -- rendezvous: messages, deadlines, replies and cycles, what each side sees; and the suite of all tests of IPC.
 */
#include "ipc.h"

/* ---- messages */

START_TEST(ipc1_call_and_reply)
{
	uint32_t generation = thread(CLIENT)->call_generation;

	if (_i == 1)
		quiet();
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	state_is(SERVER, BX_THREAD_RECEIVING);
	ask(CLIENT, BX_SYS_CALL, EP_A, 77, SOON);
	state_is(CLIENT, BX_THREAD_AWAITING_REPLY);
	received(SERVER, 0x102, 77, BX_IPC_INFO_REPLY, CLIENT);
	ck_assert_uint_eq(world_current(&world), SERVER);	/* the processor goes with the call */
	ck_assert_uint_eq(cap(1, REPLY_SLOT)->type, BX_CAP_REPLY);
	ask_with(SERVER, BX_SYS_REPLY_RECEIVE, EP_A, 78, SOON, REPLY_SLOT);
	received(CLIENT, 0, 78, 0, SERVER);
	ck_assert_uint_eq(thread(CLIENT)->call_generation, generation + 1);
	state_is(SERVER, BX_THREAD_RECEIVING);
	ck_assert_uint_eq(world_current(&world), CLIENT);
	ck_assert_uint_eq(cap(1, REPLY_SLOT)->type, BX_CAP_NONE);
	ask(CLIENT, BX_SYS_CALL, EP_A, 79, SOON);
	received(SERVER, 0x102, 79, BX_IPC_INFO_REPLY, CLIENT);
}
END_TEST

START_TEST(ipc1_senders_are_served_in_order)
{
	ask(CLIENT, BX_SYS_CALL, EP_A, 1, SOON);
	state_is(CLIENT, BX_THREAD_SENDING);
	ask(OTHER, BX_SYS_SEND, EP_A, 2, SOON);
	state_is(OTHER, BX_THREAD_SENDING);
	ck_assert_uint_eq(world.core->endpoints[0].senders.head, CLIENT);
	ck_assert_uint_eq(world.core->endpoints[0].senders.tail, OTHER);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, 0, REPLY_SLOT);
	received(SERVER, 0x102, 1, BX_IPC_INFO_REPLY, CLIENT);
	state_is(CLIENT, BX_THREAD_AWAITING_REPLY);
	ask(SERVER, BX_SYS_RECEIVE, EP_A, 0, 0);
	received(SERVER, 0x103, 2, 0, OTHER);
	state_is(OTHER, BX_THREAD_READY);
	ck_assert_int_eq(world_result(&world, OTHER), BX_OK);
	ck_assert_uint_eq(world.core->endpoints[0].messages, 2);
}
END_TEST

START_TEST(ipc1_send_needs_no_reply_slot)
{
	ask(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON);
	ask(CLIENT, BX_SYS_SEND, EP_A, 3, 0);
	received(SERVER, 0x102, 3, 0, CLIENT);
	ck_assert_int_eq(world_result(&world, CLIENT), BX_OK);
	state_is(CLIENT, BX_THREAD_READY);
}
END_TEST

/* A receiver that offers no slot for replies cannot take calls; it goes on waiting. */
START_TEST(ipc1_call_without_reply_slot_is_refused)
{
	ask(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON);
	ask(CLIENT, BX_SYS_CALL, EP_A, 3, SOON);
	failed(CLIENT, BX_ERR_STATE);
	state_is(SERVER, BX_THREAD_RECEIVING);
	world_stop(&world, 1, BX_PROGRAM_KILLED);
	ck_assert_int_eq(world_start(&world, 1), BX_OK);
	ask(CLIENT, BX_SYS_CALL, EP_A, 4, SOON);
	ask(OTHER, BX_SYS_SEND, EP_A, 5, SOON);
	ask(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON);
	received(SERVER, 0x103, 5, 0, OTHER);
	failed(CLIENT, BX_ERR_STATE);
}
END_TEST

/* ---- deadlines */

START_TEST(ipc2_zero_does_not_block)
{
	ask(CLIENT, BX_SYS_CALL, EP_A, 0, 0);
	failed(CLIENT, BX_ERR_WOULD_BLOCK);
	ask(CLIENT, BX_SYS_SEND, EP_A, 0, 0);
	failed(CLIENT, BX_ERR_WOULD_BLOCK);
	ask(SERVER, BX_SYS_RECEIVE, EP_A, 0, 0);
	failed(SERVER, BX_ERR_WOULD_BLOCK);
	ask(SERVER, BX_SYS_WAIT, NOTE, 0, 0);
	failed(SERVER, BX_ERR_WOULD_BLOCK);
	/* A call waits for its answer: with zero it is never made. */
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, BX_SYS_CALL, EP_A, 0, 0);
	failed(CLIENT, BX_ERR_WOULD_BLOCK);
	state_is(SERVER, BX_THREAD_RECEIVING);
}
END_TEST

START_TEST(ipc2_past_deadline_is_a_timeout)
{
	ask(CLIENT, BX_SYS_CALL, EP_A, 0, 1);
	failed(CLIENT, BX_ERR_TIMEOUT);
	ask(CLIENT, BX_SYS_SEND, EP_A, 0, world.machine.now);
	failed(CLIENT, BX_ERR_TIMEOUT);
	ask(SERVER, BX_SYS_RECEIVE, EP_A, 0, world.machine.now - 1);
	failed(SERVER, BX_ERR_TIMEOUT);
	ask(SERVER, BX_SYS_WAIT, NOTE, 0, 1);
	failed(SERVER, BX_ERR_TIMEOUT);
}
END_TEST

START_TEST(ipc2_every_wait_ends)
{
	ask(CLIENT, BX_SYS_CALL, EP_A, 0, world.machine.now + 300);
	ask(OTHER, BX_SYS_SEND, EP_A, 0, world.machine.now + 200);
	ask(SERVER, BX_SYS_RECEIVE, EP_B, 0, world.machine.now + 100);
	ask(0, BX_SYS_WAIT, NOTE, 0, world.machine.now + 50);
	ck_assert_ptr_null(world.context);
	ck_assert_uint_eq(world.machine.timer, world.machine.now + 50);
	world_pass(&world, 49);
	ck_assert_ptr_null(world.context);
	world_pass(&world, 1);
	failed(0, BX_ERR_TIMEOUT);
	ask(0, BX_SYS_SLEEP, 0, 0, world.machine.now + 400);
	ck_assert_ptr_null(world.context);
	world_pass(&world, 50);
	failed(SERVER, BX_ERR_TIMEOUT);
	world_pass(&world, 250);
	failed(OTHER, BX_ERR_TIMEOUT);
	failed(CLIENT, BX_ERR_TIMEOUT);
	state_is(0, BX_THREAD_SLEEPING);
	world_pass(&world, 100);
	state_is(0, BX_THREAD_READY);
	ck_assert_int_eq(world_result(&world, 0), BX_OK);
	ck_assert_uint_eq(world.core->endpoints[0].senders.head, BX_NONE);
}
END_TEST

START_TEST(ipc2_no_wait_is_infinite)
{
	ask(CLIENT, BX_SYS_RECEIVE, EP_A, 0, UINT64_MAX);
	ck_assert_uint_le(thread(CLIENT)->deadline, world.machine.now + BX_DEADLINE_FAR);
	ask(OTHER, BX_SYS_SLEEP, 0, 0, UINT64_MAX);
	ck_assert_uint_le(thread(OTHER)->deadline, world.machine.now + BX_DEADLINE_FAR);
	world_pass(&world, BX_DEADLINE_FAR);
	failed(CLIENT, BX_ERR_TIMEOUT);
	ck_assert_int_eq(world_result(&world, OTHER), BX_OK);
}
END_TEST

/* A wait begun by a short way may be too long until its timer entry comes due, and is not after it; the
 * words are the waiting thread's own again when it fails. */
START_TEST(ipc2_short_way_is_not_infinite)
{
	uint64_t exchanges, far;

	quiet();
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	world_run_until(&world, CLIENT);
	exchanges = world.core->cpu.exchanges;
	far = thread(CLIENT)->timer_floor + BX_DEADLINE_FAR - 1;
	ck_assert_uint_gt(far, world.machine.now + BX_DEADLINE_FAR);
	ask(CLIENT, BX_SYS_CALL, EP_A, 1, far);
	ck_assert_uint_eq(world.core->cpu.exchanges, exchanges + 1);
	ck_assert_uint_eq(thread(CLIENT)->deadline, far);
	received(SERVER, 0x102, 1, BX_IPC_INFO_REPLY, CLIENT);
	far = thread(SERVER)->timer_floor + BX_DEADLINE_FAR - 1;
	ask_with(SERVER, BX_SYS_REPLY_RECEIVE, EP_A, 2, far, REPLY_SLOT);
	ck_assert_uint_eq(world.core->cpu.exchanges, exchanges + 2);
	received(CLIENT, 0, 2, 0, SERVER);
	ask(CLIENT, BX_SYS_SLEEP, 0, 0, UINT64_MAX);
	world_pass(&world, 20);
	ck_assert_uint_le(thread(SERVER)->deadline, world.machine.now + BX_DEADLINE_FAR);
	world.machine.now = thread(SERVER)->deadline;
	world_pass(&world, 0);
	failed(SERVER, BX_ERR_TIMEOUT);
}
END_TEST

/* The same for a caller; and without a timer entry the general way is taken. */
START_TEST(ipc2_short_way_call_is_not_infinite)
{
	uint64_t exchanges;

	quiet();
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	world_run_until(&world, CLIENT);
	exchanges = world.core->cpu.exchanges;
	if (_i == 1)
		world_pass(&world, 20);		/* its entry comes due, and it does not wait */
	ck_assert_int_eq(thread(CLIENT)->timer_key == UINT64_MAX, _i == 1);
	ask(CLIENT, BX_SYS_CALL, EP_A, 1, _i == 1 ? UINT64_MAX :
	    thread(CLIENT)->timer_floor + BX_DEADLINE_FAR - 1);
	ck_assert_uint_eq(world.core->cpu.exchanges, exchanges + (_i == 0));
	received(SERVER, 0x102, 1, BX_IPC_INFO_REPLY, CLIENT);
	ask(SERVER, BX_SYS_SLEEP, 0, 0, UINT64_MAX);
	world_pass(&world, 20);
	ck_assert_uint_le(thread(CLIENT)->deadline, world.machine.now + BX_DEADLINE_FAR);
	world.machine.now = thread(CLIENT)->deadline;
	world_pass(&world, 0);
	failed(CLIENT, BX_ERR_TIMEOUT);
}
END_TEST

/* A caller that waits no longer: its reply is stale, and spent by the attempt. */
START_TEST(ipc2_late_reply_is_stale)
{
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, BX_SYS_CALL, EP_A, 0, world.machine.now + 100);
	world_pass(&world, 100);
	failed(CLIENT, BX_ERR_TIMEOUT);
	ck_assert_int_eq(ask(SERVER, BX_SYS_REPLY, REPLY_SLOT, 0, 0), BX_ERR_CAP_STALE);
	ck_assert_int_eq(ask(SERVER, BX_SYS_REPLY, REPLY_SLOT, 0, 0), BX_ERR_CAP_EMPTY);
	/* A later call of the same thread is another call. */
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, BX_SYS_CALL, EP_A, 0, world.machine.now + 100);
	world_pass(&world, 100);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT + 1);
	ask(CLIENT, BX_SYS_CALL, EP_A, 0, SOON);
	ck_assert_int_eq(ask(SERVER, BX_SYS_REPLY, REPLY_SLOT, 0, 0), BX_ERR_CAP_STALE);
	state_is(CLIENT, BX_THREAD_AWAITING_REPLY);
	ck_assert_int_eq(ask(SERVER, BX_SYS_REPLY, REPLY_SLOT + 1, 9, 0), BX_OK);
	ck_assert_uint_eq(thread(CLIENT)->context.value[1], 9);
}
END_TEST

/* For a server's loop a caller that went away is no event: it goes on to receive. */
START_TEST(ipc2_reply_receive_to_nobody_receives)
{
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, BX_SYS_CALL, EP_A, 0, world.machine.now + 100);
	world_pass(&world, 100);
	ask_with(SERVER, BX_SYS_REPLY_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	state_is(SERVER, BX_THREAD_RECEIVING);
	ask(OTHER, BX_SYS_CALL, EP_A, 4, SOON);
	received(SERVER, 0x103, 4, BX_IPC_INFO_REPLY, OTHER);
}
END_TEST

/* ---- replies */

START_TEST(ipc3_kept_replies_in_any_order)
{
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, BX_SYS_CALL, EP_A, 1, SOON);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT + 1);
	ask(OTHER, BX_SYS_CALL, EP_A, 2, SOON);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT + 3);
	ask(0, BX_SYS_CALL, EP_A, 3, SOON);
	ck_assert_int_eq(ask(SERVER, BX_SYS_REPLY, REPLY_SLOT + 1, 12, 0), BX_OK);
	received(OTHER, 0, 12, 0, SERVER);
	ck_assert_int_eq(ask(SERVER, BX_SYS_REPLY, REPLY_SLOT + 3, 13, 0), BX_OK);
	received(0, 0, 13, 0, SERVER);
	ck_assert_int_eq(ask(SERVER, BX_SYS_REPLY, REPLY_SLOT, 11, 0), BX_OK);
	received(CLIENT, 0, 11, 0, SERVER);
	ck_assert_uint_eq(thread(SERVER)->clients, BX_NONE);
}
END_TEST

START_TEST(ipc3_reply_is_single_use)
{
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, BX_SYS_CALL, EP_A, 1, SOON);
	ck_assert_int_eq(ask(SERVER, BX_SYS_REPLY, REPLY_SLOT, 0, 0), BX_OK);
	ck_assert_int_eq(ask(SERVER, BX_SYS_REPLY, REPLY_SLOT, 0, 0), BX_ERR_CAP_EMPTY);
	ck_assert_int_eq(ask_with(SERVER, BX_SYS_REPLY_RECEIVE, EP_A, 0, SOON, REPLY_SLOT),
	    BX_ERR_CAP_EMPTY);
}
END_TEST

START_TEST(ipc3_reply_slots_are_checked)
{
	ck_assert_int_eq(ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, FREE_SLOT), BX_ERR_CAP_SLOT);
	ck_assert_int_eq(ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, SLOTS), BX_ERR_CAP_SLOT);
	ck_assert_int_eq(ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, 1ull << 32 | REPLY_SLOT),
	    BX_ERR_CAP_SLOT);
	ck_assert_int_eq(ask(SERVER, BX_SYS_REPLY, EP_A, 0, 0), BX_ERR_CAP_TYPE);
	ck_assert_int_eq(ask(SERVER, BX_SYS_REPLY, SLOTS, 0, 0), BX_ERR_CAP_SLOT);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, BX_SYS_CALL, EP_A, 1, SOON);
	ck_assert_int_eq(ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT),
	    BX_ERR_CAP_OCCUPIED);
}
END_TEST

/* Two receivers offer one slot: the second to be served is told that it is taken. */
START_TEST(ipc3_reply_slot_taken_in_between)
{
	world_run_until(&world, SERVER);
	ck_assert_int_eq(ask(SERVER, BX_SYS_THREAD_START, THREAD_OWN, 0x400000, ELF_DATA), BX_OK);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask_with(SERVER2, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, BX_SYS_CALL, EP_A, 1, SOON);
	received(SERVER, 0x102, 1, BX_IPC_INFO_REPLY, CLIENT);
	ask(OTHER, BX_SYS_CALL, EP_A, 2, SOON);
	failed(SERVER2, BX_ERR_CAP_OCCUPIED);
	ck_assert_uint_eq(world.core->audit[(world.core->audit_next - 1) &
	    (world.core->audit_capacity - 1)].a, BX_SYS_RECEIVE);
	state_is(OTHER, BX_THREAD_SENDING);
	ask_with(SERVER2, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT + 1);
	received(SERVER2, 0x103, 2, BX_IPC_INFO_REPLY, OTHER);
	/* Any thread of the program may give an answer. */
	ck_assert_int_eq(ask(SERVER2, BX_SYS_REPLY, REPLY_SLOT, 21, 0), BX_OK);
	received(CLIENT, 0, 21, 0, SERVER2);
}
END_TEST

/* Deleting a reply tells the caller that nobody will answer. */
START_TEST(ipc3_deleted_reply_ends_the_call)
{
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, BX_SYS_CALL, EP_A, 1, SOON);
	ck_assert_int_eq(ask(SERVER, BX_SYS_CAP_DELETE, REPLY_SLOT, 0, 0), BX_OK);
	failed(CLIENT, BX_ERR_PEER_DIED);
}
END_TEST

/* ---- cycles */

START_TEST(ipc4_cycles_are_refused)
{
	/* Nobody serves himself. */
	ask(CLIENT, BX_SYS_RECEIVE, EP_B, 0, 0);
	ask(CLIENT, BX_SYS_CALL, EP_B, 0, SOON);
	failed(CLIENT, BX_ERR_WOULD_DEADLOCK);
	ask(CLIENT, BX_SYS_SEND, EP_B, 0, SOON);
	failed(CLIENT, BX_ERR_WOULD_DEADLOCK);
	/* OTHER waits for CLIENT's answer, CLIENT for SERVER's; SERVER may not wait for OTHER. */
	ask(OTHER, BX_SYS_RECEIVE, EP_C, 0, 0);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask_with(CLIENT, BX_SYS_RECEIVE, EP_B, 0, SOON, REPLY_SLOT);
	ask(OTHER, BX_SYS_CALL, EP_B, 0, SOON);
	ask(CLIENT, BX_SYS_CALL, EP_A, 0, SOON);
	state_is(CLIENT, BX_THREAD_AWAITING_REPLY);
	ask(SERVER, BX_SYS_CALL, EP_C, 0, SOON);
	failed(SERVER, BX_ERR_WOULD_DEADLOCK);
	/* Nor for CLIENT itself. */
	ask(SERVER, BX_SYS_CALL, EP_B, 0, SOON);
	failed(SERVER, BX_ERR_WOULD_DEADLOCK);
	/* A line that does not close is fine. */
	ask(0, BX_SYS_CALL, EP_C, 0, SOON);
	state_is(0, BX_THREAD_SENDING);
}
END_TEST

/* A cycle through a queue: nobody has taken the call yet. */
START_TEST(ipc4_queued_cycles_are_refused)
{
	ask(SERVER, BX_SYS_RECEIVE, EP_A, 0, 0);
	ask(CLIENT, BX_SYS_RECEIVE, EP_B, 0, 0);
	ask(CLIENT, BX_SYS_CALL, EP_A, 0, SOON);
	state_is(CLIENT, BX_THREAD_SENDING);
	ask(SERVER, BX_SYS_CALL, EP_B, 0, SOON);
	failed(SERVER, BX_ERR_WOULD_DEADLOCK);
}
END_TEST

/* Who received last is forgotten with its program: its number is its successor's, which has not received
 * anywhere yet, and waits for nobody. */
START_TEST(ipc4_ended_server_closes_no_cycle)
{
	ask(SERVER, BX_SYS_RECEIVE, EP_A, 0, 0);
	ask(CLIENT, BX_SYS_RECEIVE, EP_B, 0, 0);
	world_stop(&world, CLIENT / 2, BX_PROGRAM_KILLED);
	ck_assert_int_eq(world_start(&world, CLIENT / 2), BX_OK);
	if (_i == 1) {
		/* By way of one that it waits for; that one is not its own server any more. */
		ask(CLIENT, BX_SYS_CALL, EP_A, 0, SOON);
		state_is(CLIENT, BX_THREAD_SENDING);
		ask(SERVER, BX_SYS_CALL, EP_B, 0, SOON);
		state_is(SERVER, BX_THREAD_SENDING);
	} else {
		ask(CLIENT, BX_SYS_CALL, EP_B, 0, SOON);
		state_is(CLIENT, BX_THREAD_SENDING);
	}
	world_pass(&world, 2000000);
	failed(CLIENT, BX_ERR_TIMEOUT);
}
END_TEST

/* Where another thread of the server receives too, a call of the one that received last, or of who
 * serves it, is no cycle; it is one when that other waits for the caller as well. */
START_TEST(ipc4_another_thread_serves)
{
	bx_machine_context_start(&thread(SERVER2)->context, ELF_ENTRY, 0x1000, (uint64_t[4]){ 0 });
	thread(SERVER2)->context.root = world.core->programs[SERVER2 / 2].root;
	bx_thread_ready(world.core, thread(SERVER2));
	ask_with(SERVER2, BX_SYS_RECEIVE, EP_A, 0, world.machine.now + 10, REPLY_SLOT);
	world_pass(&world, 10);
	state_is(SERVER2, BX_THREAD_READY);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, BX_SYS_RECEIVE, EP_B, 0, 0);
	ask(CLIENT, BX_SYS_CALL, EP_A, 0, SOON);
	state_is(CLIENT, BX_THREAD_AWAITING_REPLY);
	/* Its own endpoint: SERVER2 may take it, and does. */
	ask(SERVER, BX_SYS_CALL, EP_A, 7, SOON);
	state_is(SERVER, BX_THREAD_SENDING);
	ask_with(SERVER2, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT + 1);
	state_is(SERVER, BX_THREAD_AWAITING_REPLY);
	/* Now SERVER2, by way of OTHER, is the one that everybody waits for. */
	ask(SERVER2, BX_SYS_CALL, EP_B, 0, SOON);
	failed(SERVER2, BX_ERR_WOULD_DEADLOCK);
	ask(SERVER2, BX_SYS_CALL, EP_A, 0, SOON);
	failed(SERVER2, BX_ERR_WOULD_DEADLOCK);
	ask(OTHER, BX_SYS_CALL, EP_A, 0, SOON);
	state_is(OTHER, BX_THREAD_SENDING);
}
END_TEST

/* SERVER waits at its own endpoint, since SERVER2 may take that: and what others queue there. */
START_TEST(ipc4_ring_refuses_nobody_else)
{
	bx_machine_context_start(&thread(SERVER2)->context, ELF_ENTRY, 0x1000, (uint64_t[4]){ 0 });
	thread(SERVER2)->context.root = world.core->programs[SERVER2 / 2].root;
	bx_thread_ready(world.core, thread(SERVER2));
	ask_with(SERVER2, BX_SYS_RECEIVE, EP_A, 0, 0, REPLY_SLOT);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, 0, REPLY_SLOT);
	ask(SERVER, BX_SYS_CALL, EP_A, 0, SOON);
	state_is(SERVER, BX_THREAD_SENDING);
	ask(CLIENT, BX_SYS_CALL, EP_A, 0, SOON);
	state_is(CLIENT, BX_THREAD_SENDING);
}
END_TEST

Suite *
suite_ipc(void)
{
	Suite *suite = suite_create("kcore-ipc");
	TCase *all = tcase_create("messages");

	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_loop_test(all, ipc1_call_and_reply, 0, 2);
	tcase_add_test(all, ipc1_senders_are_served_in_order);
	tcase_add_test(all, ipc1_send_needs_no_reply_slot);
	tcase_add_test(all, ipc1_call_without_reply_slot_is_refused);
	tcase_add_test(all, ipc2_zero_does_not_block);
	tcase_add_test(all, ipc2_past_deadline_is_a_timeout);
	tcase_add_test(all, ipc2_every_wait_ends);
	tcase_add_test(all, ipc2_no_wait_is_infinite);
	tcase_add_test(all, ipc2_short_way_is_not_infinite);
	tcase_add_loop_test(all, ipc2_short_way_call_is_not_infinite, 0, 2);
	tcase_add_test(all, ipc2_late_reply_is_stale);
	tcase_add_test(all, ipc2_reply_receive_to_nobody_receives);
	tcase_add_test(all, ipc3_kept_replies_in_any_order);
	tcase_add_test(all, ipc3_reply_is_single_use);
	tcase_add_test(all, ipc3_reply_slots_are_checked);
	tcase_add_test(all, ipc3_reply_slot_taken_in_between);
	tcase_add_test(all, ipc3_deleted_reply_ends_the_call);
	tcase_add_test(all, ipc4_cycles_are_refused);
	tcase_add_test(all, ipc4_queued_cycles_are_refused);
	tcase_add_loop_test(all, ipc4_ended_server_closes_no_cycle, 0, 2);
	tcase_add_test(all, ipc4_another_thread_serves);
	tcase_add_test(all, ipc4_ring_refuses_nobody_else);
	suite_add_tcase(suite, all);
	cases_string(suite);
	cases_capability(suite);
	cases_event(suite);
	return suite;
}
