/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_ipc_event.c -- partners that die, notifications, faults.
 */
#include "ipc.h"

/* ---- partners that die */

START_TEST(ipc8_server_dies)
{
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, BX_SYS_CALL, EP_A, 1, SOON);
	ask(OTHER, BX_SYS_CALL, EP_A, 1, SOON);
	ask(0, BX_SYS_RECEIVE, EP_C, 1, SOON);
	ask(SERVER, BX_SYS_EXIT, 3, 0, 0);
	failed(CLIENT, BX_ERR_PEER_DIED);
	failed(OTHER, BX_ERR_PEER_DIED);
	/* While it is gone calls fail at once; when it is back they wait for it. */
	ask(CLIENT, BX_SYS_CALL, EP_A, 1, SOON);
	failed(CLIENT, BX_ERR_PEER_DIED);
	ck_assert_uint_eq(world.core->programs[1].state, BX_PROGRAM_EXITED);
	ck_assert_int_eq(world.core->programs[1].exit_code, 3);
	ck_assert_int_eq(world_start(&world, 1), BX_OK);
	ask(CLIENT, BX_SYS_CALL, EP_A, 1, SOON);
	state_is(CLIENT, BX_THREAD_SENDING);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	received(SERVER, 0x102, 1, BX_IPC_INFO_REPLY, CLIENT);
}
END_TEST

START_TEST(ipc8_clients_die)
{
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, BX_SYS_CALL, EP_A, 1, SOON);
	ask(OTHER, BX_SYS_CALL, EP_A, 1, SOON);
	world_stop(&world, 2, BX_PROGRAM_KILLED);
	world_stop(&world, 3, BX_PROGRAM_KILLED);
	ck_assert_uint_eq(thread(SERVER)->clients, BX_NONE);
	ck_assert_uint_eq(world.core->endpoints[0].senders.head, BX_NONE);
	ck_assert_int_eq(ask(SERVER, BX_SYS_REPLY, REPLY_SLOT, 0, 0), BX_ERR_CAP_STALE);
}
END_TEST

/* ---- notifications */

START_TEST(ipc9_signal_and_wait)
{
	ck_assert_int_eq(ask(CLIENT, BX_SYS_SIGNAL, NOTE, 0, 0), BX_OK);
	ck_assert_int_eq(ask(OTHER, BX_SYS_SIGNAL, NOTE, 0, 0), BX_OK);
	ck_assert_int_eq(ask(SERVER, BX_SYS_WAIT, NOTE, 0, SOON), BX_OK);
	ck_assert_uint_eq(thread(SERVER)->context.value[0], 1u << 2 | 1u << 3);
	ask(SERVER, BX_SYS_WAIT, NOTE, 0, SOON);
	state_is(SERVER, BX_THREAD_WAITING);
	ck_assert_int_eq(ask(CLIENT, BX_SYS_SIGNAL, NOTE, 0, 0), BX_OK);
	state_is(SERVER, BX_THREAD_READY);
	ck_assert_uint_eq(thread(SERVER)->context.value[0], 1u << 2);
	ck_assert_uint_eq(world.core->notifications[0].bits, 0);
	ck_assert_int_eq(ask(CLIENT, BX_SYS_SIGNAL, NOTE_READ, 0, 0), BX_ERR_CAP_RIGHTS);
}
END_TEST

START_TEST(ipc9_bound_notification_ends_a_receive)
{
	ck_assert_int_eq(ask(SERVER, BX_SYS_NOTIFICATION_BIND, NOTE, 0, 0), BX_OK);
	ck_assert_int_eq(ask(CLIENT, BX_SYS_NOTIFICATION_BIND, NOTE, 0, 0), BX_ERR_BUSY);
	ck_assert_int_eq(ask(SERVER, BX_SYS_NOTIFICATION_BIND, NOTE, 0, 0), BX_OK);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ck_assert_int_eq(ask(CLIENT, BX_SYS_SIGNAL, NOTE, 0, 0), BX_OK);
	state_is(SERVER, BX_THREAD_READY);
	ck_assert_int_eq(world_result(&world, SERVER), BX_OK);
	ck_assert_uint_eq(thread(SERVER)->context.value[0], 1u << 2);
	ck_assert_uint_eq(thread(SERVER)->context.value[2], BX_IPC_INFO_SIGNAL);
	ck_assert_uint_eq(thread(SERVER)->context.word[0], 1000 * SERVER);
	ck_assert_uint_eq(world.core->endpoints[0].receivers.head, BX_NONE);
	/* Pending bits go before a queued message. */
	ask(CLIENT, BX_SYS_SIGNAL, NOTE, 0, 0);
	ask(OTHER, BX_SYS_SEND, EP_A, 8, SOON);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ck_assert_uint_eq(thread(SERVER)->context.value[2], BX_IPC_INFO_SIGNAL);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	received(SERVER, 0x103, 8, 0, OTHER);
	/* Binding another lets the first go. */
	ck_assert_int_eq(ask(SERVER, BX_SYS_NOTIFICATION_BIND, NOTE_READ, 0, 0), BX_OK);
	ck_assert_int_eq(ask(CLIENT, BX_SYS_NOTIFICATION_BIND, NOTE, 0, 0), BX_OK);
	/* The end of a thread does so too. */
	world_stop(&world, 2, BX_PROGRAM_KILLED);
	ck_assert_uint_eq(world.core->notifications[0].bound_thread, BX_NONE);
}
END_TEST

START_TEST(ipc9_signal_during_a_copy_waits)
{
	ck_assert_int_eq(ask(SERVER, BX_SYS_NOTIFICATION_BIND, NOTE, 0, 0), BX_OK);
	half_copied(CLIENT);
	bx_notification_signal(world.core, 0, 4);
	ck_assert_uint_eq(world.core->notifications[0].bits, 4);
	settle();
	received(SERVER, 0x102, 5, BX_IPC_INFO_REPLY | 60000ull << 32, CLIENT);
	ask(SERVER, BX_SYS_RECEIVE, EP_A, 0, 0);
	ck_assert_uint_eq(thread(SERVER)->context.value[2], BX_IPC_INFO_SIGNAL);
}
END_TEST

START_TEST(ipc9_interrupt_is_a_signal)
{
	uint32_t number = world.core->irqs[0].number;

	ck_assert_int_eq(ask(SERVER, BX_SYS_IRQ_ACK, IRQ, 0, 0), BX_ERR_STATE);
	ck_assert_int_eq(ask(SERVER, BX_SYS_IRQ_BIND, IRQ, NOTE_READ, 0), BX_ERR_CAP_RIGHTS);
	ck_assert(!world.machine.irq_unmasked[4]);
	ck_assert_int_eq(ask(SERVER, BX_SYS_IRQ_BIND, IRQ, NOTE, 0), BX_OK);
	ck_assert(world.machine.irq_unmasked[4]);
	for (uint32_t i = 0; i < 8; i += 2)
		ask(i, BX_SYS_WAIT, i == SERVER ? NOTE : NOTE_READ, 0, SOON);
	ck_assert_ptr_null(world.context);
	world.machine.irq_unmasked[4] = false;		/* as the machine does */
	world.context = bx_kcore_interrupt(world.core, number);
	ck_assert_uint_eq(world_current(&world), SERVER);	/* woken from idle */
	ck_assert_uint_eq(thread(SERVER)->context.value[0], 1u << 1);
	ck_assert_int_eq(ask(SERVER, BX_SYS_IRQ_ACK, IRQ, 0, 0), BX_OK);
	ck_assert(world.machine.irq_unmasked[4]);
	world.context = bx_kcore_interrupt(world.core, number + 1);	/* nobody's */
	ck_assert_uint_eq(world.core->irqs[0].count, 1);
}
END_TEST

/* ---- faults */

static struct bx_context *
fault(uint32_t who)
{
	world_run_until(&world, who);
	world.context->pc = 0x400123;
	world.context = bx_kcore_fault(world.core, BX_FAULT_PAGE, 0xdead000, 6);
	return world.context;
}

/* Program 1's faults go to EP_C, which program 3 serves here. */
START_TEST(ipc10_fault_is_a_call)
{
	struct bx_context before;

	ask_with(OTHER, BX_SYS_RECEIVE, EP_C, 0, SOON, REPLY_SLOT);
	world_run_until(&world, SERVER);
	before = *world.context;
	before.pc = 0x400123;
	fault(SERVER);
	state_is(SERVER, BX_THREAD_FAULTED);
	ck_assert_uint_eq(world_current(&world), OTHER);
	ck_assert_uint_eq(thread(OTHER)->context.value[0], 1);
	ck_assert_uint_eq(thread(OTHER)->context.value[1], 0);
	ck_assert_uint_eq(thread(OTHER)->context.value[2], BX_IPC_INFO_REPLY | BX_IPC_INFO_FAULT);
	ck_assert_uint_eq(thread(OTHER)->context.word[0], BX_FAULT_PAGE);
	ck_assert_uint_eq(thread(OTHER)->context.word[1], 0xdead000);
	ck_assert_uint_eq(thread(OTHER)->context.word[2], 0x400123);
	ck_assert_uint_eq(thread(OTHER)->context.word[3], 6);
	ck_assert_uint_eq(thread(OTHER)->context.word[4], before.stack);
	ck_assert_uint_eq(thread(OTHER)->context.word[5], 0);
	world_pass(&world, BX_DEADLINE_FAR * 2);		/* a fault has no deadline */
	state_is(SERVER, BX_THREAD_FAULTED);
	ck_assert_int_eq(ask(OTHER, BX_SYS_REPLY, REPLY_SLOT, 1, 0), BX_OK);
	state_is(SERVER, BX_THREAD_READY);
	ck_assert_mem_eq(&thread(SERVER)->context, &before, sizeof before);
}
END_TEST

START_TEST(ipc10_fault_without_handler_ends_the_program)
{
	const struct bx_program *program = &world.core->programs[3];

	ck_assert_int_eq(ask(0, BX_SYS_WAIT, NOTE_READ, 0, SOON), BX_SYS_WAIT);
	fault(OTHER);
	ck_assert_uint_eq(program->state, BX_PROGRAM_FAULTED);
	ck_assert_uint_eq(program->fault_kind, BX_FAULT_PAGE);
	ck_assert_uint_eq(program->fault_address, 0xdead000);
	ck_assert_uint_eq(program->fault_instruction, 0x400123);
	ck_assert_uint_eq(thread(0)->context.value[0], 8);	/* who waits for its end knows */
}
END_TEST

/* The handler dies with the fault in its queue, or in its hands; or it takes no calls. */
START_TEST(ipc10_fault_whose_handler_dies)
{
	if (_i == 1)
		ask(OTHER, BX_SYS_RECEIVE, EP_C, 0, 0);
	else if (_i == 0)
		ask_with(OTHER, BX_SYS_RECEIVE, EP_C, 0, SOON, REPLY_SLOT);
	else
		ask(OTHER, BX_SYS_RECEIVE, EP_C, 0, SOON);
	fault(SERVER);
	if (_i < 2) {
		state_is(SERVER, _i == 0 ? BX_THREAD_FAULTED : BX_THREAD_SENDING);
		world_run_until(&world, OTHER);
		world_call(&world, BX_SYS_EXIT, 0, 0, 0);
		/* It ends when its turn comes. */
		for (unsigned n = 0; n < 2; n++) {
			world_run_until(&world, 0);
			world_run_until(&world, CLIENT);
		}
	}
	ck_assert_uint_eq(world.core->programs[1].state, BX_PROGRAM_FAULTED);
}
END_TEST

START_TEST(ipc10_nobody_ever_served)
{
	fault(SERVER);
	ck_assert_uint_eq(world.core->programs[1].state, BX_PROGRAM_FAULTED);
}
END_TEST

/* A program that handles its own faults in the faulting thread would wait for itself. */
START_TEST(ipc10_own_handler)
{
	ask(SERVER, BX_SYS_RECEIVE, EP_C, 0, 0);
	fault(SERVER);
	ck_assert_uint_eq(world.core->programs[1].state, BX_PROGRAM_FAULTED);
}
END_TEST

START_TEST(ipc10_faulting_thread_is_stopped)
{
	ask_with(OTHER, BX_SYS_RECEIVE, EP_C, 0, SOON, REPLY_SLOT);
	fault(SERVER);
	bx_thread_stop(world.core, thread(SERVER));
	ck_assert_uint_eq(thread(SERVER)->context.pc, 0x400123);
	ck_assert_int_eq(ask(OTHER, BX_SYS_REPLY, REPLY_SLOT, 0, 0), BX_ERR_CAP_STALE);
	bx_thread_ready(world.core, thread(SERVER));
	world_run_until(&world, SERVER);
}
END_TEST

void
cases_event(Suite *suite)
{
	TCase *all = tcase_create("events");

	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, ipc8_server_dies);
	tcase_add_test(all, ipc8_clients_die);
	tcase_add_test(all, ipc9_signal_and_wait);
	tcase_add_test(all, ipc9_bound_notification_ends_a_receive);
	tcase_add_test(all, ipc9_signal_during_a_copy_waits);
	tcase_add_test(all, ipc9_interrupt_is_a_signal);
	tcase_add_test(all, ipc10_fault_is_a_call);
	tcase_add_test(all, ipc10_fault_without_handler_ends_the_program);
	tcase_add_loop_test(all, ipc10_fault_whose_handler_dies, 0, 3);
	tcase_add_test(all, ipc10_nobody_ever_served);
	tcase_add_test(all, ipc10_own_handler);
	tcase_add_test(all, ipc10_faulting_thread_is_stopped);
	suite_add_tcase(suite, all);
}
