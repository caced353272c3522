/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_ipc.c -- rendezvous, replies, deadlines, strings, capabilities, deaths, faults, notifications:
 * what each side sees.  The system is driver.h's with all programs at one priority; thread 2p is the
 * first of program p.
 */
#include <stdlib.h>

#include "driver.h"
#include "../src/sys.h"
#include "../src/thread.h"

#define SERVER		2u		/* program 1 */
#define CLIENT		4u		/* program 2 */
#define OTHER		6u		/* program 3 */
#define SERVER2		3u		/* second thread of the server's program */
#define STRING_OUT	(ELF_DATA + 0x1000)
#define STRING_IN	(ELF_DATA + 0x1000)
#define BUFFERS		(ELF_DATA + 0x40)
#define SOON		(world.machine.now + 1000000)

static struct world world;
static struct build build;

static void
start_all(void)
{
	driver_world(&world, &build);
	for (uint32_t p = 1; p < PROGRAMS; p++)
		ck_assert_int_eq(world_start(&world, p), BX_OK);
}

static void
prepare(void)
{
	build = driver_build();
	for (uint32_t p = 0; p < PROGRAMS; p++)
		build.programs[p].priority = 10;
}

static void
setup(void)
{
	prepare();
	start_all();
}

static void
setup_open(void)
{
	prepare();
	driver_open(&build);
	start_all();
}

static void
teardown(void)
{
	world.machine.interrupt_every = 0;
	world_end(&world);
}

static struct bx_thread *
thread(uint32_t index)
{
	return &world.core->threads[index];
}

static struct bx_cap *
cap(uint32_t program, uint32_t slot)
{
	return &world.core->forest.slots[world.core->programs[program].space.first_slot + slot].cap;
}

/* The thread makes a call with words that are its own; returns its result register. */
static enum bx_err
ask_with(uint32_t who, uint64_t number, uint64_t slot, uint64_t label, uint64_t deadline,
    uint64_t reply)
{
	world_run_until(&world, who);
	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		world.context->word[i] = 1000 * who + i;
	world.context->reply = reply;
	world.context->buffers = BUFFERS;
	return world_call(&world, number, slot, label, deadline);
}

static enum bx_err
ask(uint32_t who, uint64_t number, uint64_t slot, uint64_t label, uint64_t deadline)
{
	return ask_with(who, number, slot, label, deadline, BX_SLOT_NONE);
}

static void
state_is(uint32_t who, enum bx_thread_state state)
{
	ck_assert_uint_eq(thread(who)->state, state);
}

/* What `who` has received: from whom, how. */
static void
received(uint32_t who, uint64_t badge, uint64_t label, uint64_t info, uint32_t from)
{
	const struct bx_context *context = &thread(who)->context;

	state_is(who, BX_THREAD_READY);
	ck_assert_int_eq(world_result(&world, who), BX_OK);
	ck_assert_uint_eq(context->value[0], badge);
	ck_assert_uint_eq(context->value[1], label);
	ck_assert_uint_eq(context->value[2], info);
	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		ck_assert_uint_eq(context->word[i], 1000 * from + i);
}

/* It got an error, and its registers are otherwise as it left them. */
static void
failed(uint32_t who, enum bx_err err)
{
	const struct bx_context *context = &thread(who)->context;

	ck_assert_str_eq(bx_err_name(world_result(&world, who)), bx_err_name(err));
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(context->value[i], 0);
	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		ck_assert_uint_eq(context->word[i], 1000 * who + i);
}

static void
offer(uint32_t program, struct bx_ipc_buffers buffers)
{
	user_put(&world, program, BUFFERS, &buffers, sizeof buffers);
}

static struct bx_ipc_buffers
no_buffers(void)
{
	return (struct bx_ipc_buffers){
		.send_address = STRING_OUT, .receive_address = STRING_IN,
		.send_slot = BX_SLOT_NONE, .receive_slot = BX_SLOT_NONE,
	};
}

static void
offer_send(uint32_t program, uint32_t length)
{
	struct bx_ipc_buffers buffers = no_buffers();
	static uint8_t bytes[BX_IPC_STRING_MAX];

	for (uint32_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256 + program);
	user_put(&world, program, STRING_OUT, bytes, length);
	buffers.send_length = length;
	offer(program, buffers);
}

static void
offer_receive(uint32_t program, uint32_t capacity)
{
	struct bx_ipc_buffers buffers = no_buffers();

	buffers.receive_capacity = capacity;
	offer(program, buffers);
}

static void
string_is(uint32_t program, uint32_t length, uint32_t from)
{
	static uint8_t bytes[BX_IPC_STRING_MAX];

	user_get(&world, program, STRING_IN, bytes, length);
	for (uint32_t i = 0; i < length; i++)
		ck_assert_uint_eq(bytes[i], (uint8_t)(i * 7 + i / 256 + from));
}

#define WITH_BUFFERS(number)	((number) | (uint64_t)BX_IPC_BUFFERS << 8)

/* Lets the machine take its interrupts until nobody's system call is half done. */
static void
settle(void)
{
	for (unsigned n = 0; n < 100; n++) {
		bool half = false;

		for (uint32_t i = 0; i < world.core->thread_count; i++)
			half = half || thread(i)->restart != 0;
		if (!half)
			return;
		/* The results of these two are looked at later. */
		if (world.context == NULL || world_current(&world) == SERVER ||
		    world_current(&world) == CLIENT)
			world_pass(&world, 1);
		else
			world_call(&world, BX_SYS_YIELD, 0, 0, 0);
	}
	ck_abort_msg("a system call does not end");
}

/* Leaves a copy of what is offered from CLIENT to SERVER interrupted after its first step; `first` makes it. */
static void
copy_begun(uint32_t first)
{
	world_run_until(&world, first == CLIENT ? SERVER : CLIENT);
	if (first == CLIENT) {
		(void)ask_with(SERVER, WITH_BUFFERS(BX_SYS_RECEIVE), EP_A, 0, SOON, REPLY_SLOT);
		world_run_until(&world, CLIENT);
	} else {
		(void)ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 5, SOON);
		world_run_until(&world, SERVER);
	}
	world.machine.interrupt_every = 1;
	if (first == CLIENT)
		(void)ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 5, SOON);
	else
		(void)ask_with(SERVER, WITH_BUFFERS(BX_SYS_RECEIVE), EP_A, 0, SOON, REPLY_SLOT);
	ck_assert_uint_eq(thread(first)->restart, 1);
	ck_assert_uint_eq(thread(CLIENT)->transfer, SERVER);
	ck_assert_uint_eq(thread(SERVER)->transfer, CLIENT);
	ck_assert_uint_gt(thread(first)->copied, 0);
	ck_assert_uint_lt(thread(first)->copied, 60000);
}

static void
half_copied(uint32_t first)
{
	offer_send(CLIENT / 2, 60000);
	offer_receive(SERVER / 2, 65536);
	copy_begun(first);
}

/* Everybody else sleeps, and both have a timer entry that comes due before any deadline below: so
 * that exchanges between CLIENT and SERVER take the short way (ipc_fast.c). */
static void
quiet(void)
{
	ask(OTHER, BX_SYS_SLEEP, 0, 0, UINT64_MAX);
	ask(0, BX_SYS_SLEEP, 0, 0, UINT64_MAX);
	ask(CLIENT, BX_SYS_WAIT, NOTE, 0, world.machine.now + 10);
	ask(SERVER, BX_SYS_WAIT, NOTE, 0, world.machine.now + 10);
	for (unsigned i = 0; i < 2; i++)
		bx_notification_signal(world.core, 0, 1);
	world.context = bx_sched_dispatch(world.core);
}

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

/* ---- capabilities in messages */

static void
offer_cap(uint32_t program, uint32_t send, uint32_t receive)
{
	struct bx_ipc_buffers buffers = no_buffers();

	buffers.send_slot = send;
	buffers.receive_slot = receive;
	offer(program, buffers);
}

START_TEST(ipc7_sealed_space_takes_no_capability)
{
	offer_cap(CLIENT / 2, NOTE, BX_SLOT_NONE);
	offer_cap(SERVER / 2, BX_SLOT_NONE, FREE_SLOT);
	ask_with(SERVER, WITH_BUFFERS(BX_SYS_RECEIVE), EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
	failed(SERVER, BX_ERR_CAP_SEALED);
	failed(CLIENT, BX_ERR_CAP_SEALED);
	ck_assert_uint_eq(cap(1, FREE_SLOT)->type, BX_CAP_NONE);
	ck_assert_uint_eq(cap(1, REPLY_SLOT)->type, BX_CAP_NONE);
}
END_TEST

/* A receiver that offers no place is not concerned. */
START_TEST(ipc7_no_place_is_told_to_the_sender)
{
	offer_cap(CLIENT / 2, NOTE, BX_SLOT_NONE);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
	failed(CLIENT, BX_ERR_CAP_SLOT);
	state_is(SERVER, BX_THREAD_RECEIVING);
}
END_TEST

/* The last record but `n`: this program was refused this call, with its endpoint in slot EP_A. */
static void
refusal_told(uint64_t n, uint32_t program, uint64_t number, enum bx_err err)
{
	const struct bx_kcore *core = world.core;
	const struct bx_audit_record *record =
	    &core->audit[(core->audit_next - 1 - n) & (core->audit_capacity - 1)];

	ck_assert_uint_eq(record->kind, BX_AUDIT_REFUSED);
	ck_assert_uint_eq(record->program, program);
	ck_assert_uint_eq(record->other, BX_NONE);
	ck_assert_uint_eq(record->a, number);
	ck_assert_int_eq((int64_t)record->b, err);
	ck_assert_uint_eq(record->c, EP_A);
	ck_assert_uint_eq(record->d & 0xff, BX_CAP_ENDPOINT);
}

/* Who waited, and is told by who comes to meet it, has a record of its own; before that of who came, if
 * that is refused as well.  A sender (called or not), and a receiver, by receive or by reply_receive. */
START_TEST(ipc7_a_refusal_of_who_waits_is_recorded)
{
	const uint64_t number = _i == 0 ? BX_SYS_CALL : BX_SYS_SEND;
	uint64_t next;

	offer_cap(CLIENT / 2, NOTE, BX_SLOT_NONE);
	ask(CLIENT, WITH_BUFFERS(number), EP_A, 1, SOON);
	state_is(CLIENT, BX_THREAD_SENDING);
	/* No place: the sender alone is refused, and the receiver waits on. */
	next = world.core->audit_next;
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	settle();
	failed(CLIENT, BX_ERR_CAP_SLOT);
	state_is(SERVER, BX_THREAD_RECEIVING);
	ck_assert_uint_eq(world.core->audit_next, next + 1);
	refusal_told(0, CLIENT / 2, number, BX_ERR_CAP_SLOT);
	/* The other way round it is the sender that comes. */
	ask(CLIENT, WITH_BUFFERS(number), EP_A, 1, SOON);
	ck_assert_uint_eq(world.core->audit_next, next + 2);
	refusal_told(0, CLIENT / 2, number, BX_ERR_CAP_SLOT);
	state_is(SERVER, BX_THREAD_RECEIVING);
}
END_TEST

START_TEST(ipc7_a_refusal_of_both_is_recorded_twice)
{
	uint64_t next;

	offer_cap(CLIENT / 2, NOTE, BX_SLOT_NONE);
	offer_cap(SERVER / 2, BX_SLOT_NONE, FREE_SLOT);
	ask_with(SERVER, WITH_BUFFERS(BX_SYS_RECEIVE), EP_A, 0, SOON, REPLY_SLOT);
	next = world.core->audit_next;
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
	failed(SERVER, BX_ERR_CAP_SEALED);
	ck_assert_uint_eq(world.core->audit_next, next + 2);
	refusal_told(1, SERVER / 2, BX_SYS_RECEIVE, BX_ERR_CAP_SEALED);
	refusal_told(0, CLIENT / 2, BX_SYS_CALL, BX_ERR_CAP_SEALED);
	/* What a string is too long for is no question of authority. */
	offer_cap(SERVER / 2, BX_SLOT_NONE, BX_SLOT_NONE);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	offer_send(CLIENT / 2, 100);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
	failed(CLIENT, BX_ERR_MSG_TOO_LONG);
	ck_assert_uint_eq(world.core->audit_next, next + 2);
}
END_TEST

/* An answer with a capability for a client whose space is sealed: both are told. */
START_TEST(ipc7_a_refusal_of_an_answer_is_recorded_twice)
{
	uint64_t next;

	offer_cap(CLIENT / 2, BX_SLOT_NONE, FREE_SLOT);
	offer_cap(SERVER / 2, NOTE, BX_SLOT_NONE);
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
	received(SERVER, 0x102, 1, BX_IPC_INFO_REPLY, CLIENT);
	next = world.core->audit_next;
	ask_with(SERVER, WITH_BUFFERS(BX_SYS_REPLY_RECEIVE), EP_A, 0, SOON, REPLY_SLOT);
	failed(CLIENT, BX_ERR_CAP_SEALED);
	failed(SERVER, BX_ERR_CAP_SEALED);
	ck_assert_uint_eq(world.core->audit_next, next + 2);
	refusal_told(1, CLIENT / 2, BX_SYS_CALL, BX_ERR_CAP_SEALED);
	refusal_told(0, SERVER / 2, BX_SYS_REPLY_RECEIVE, BX_ERR_CAP_SEALED);
}
END_TEST

/* Offers to send a string of `length`, and to receive one of `capacity`. */
static void
offer_both(uint32_t program, uint32_t length, uint32_t capacity)
{
	struct bx_ipc_buffers buffers = no_buffers();

	offer_send(program, length);
	buffers.send_length = length;
	buffers.receive_capacity = capacity;
	offer(program, buffers);
}

/* CLIENT calls, or SERVER answers and receives: by the general way, or as it comes.  Only that one keeps
 * the badge of a caller. */
static void
say(uint32_t who, bool generally)
{
	thread(who)->badge = 0;
	ck_assert_uint_eq(world_current(&world), who);
	if (generally)
		world.core->cpu.busy = BX_BUSY_ALWAYS;
	if (who == CLIENT)
		ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 7, SOON);
	else
		ask_with(SERVER, WITH_BUFFERS(BX_SYS_REPLY_RECEIVE), EP_A, 8, SOON, REPLY_SLOT);
}

/* Strings by the general way (0) and by the short one. */
START_TEST(ipc7_strings_go_either_way)
{
	static const uint32_t lengths[] = { 0, 1, 64, 4096, 5000, BX_COPY_STEP, BX_COPY_STEP + 1 };
	bool generally = _i == 0;

	quiet();
	offer_receive(SERVER / 2, 65536);
	ask_with(SERVER, WITH_BUFFERS(BX_SYS_RECEIVE), EP_A, 0, SOON, REPLY_SLOT);
	for (unsigned i = 0; i < BX_ARRAY_COUNT(lengths); i++) {
		uint32_t length = lengths[i];

		offer_both(CLIENT / 2, length, 65536);
		say(CLIENT, generally);
		received(SERVER, 0x102, 7, BX_IPC_INFO_REPLY | (uint64_t)length << 32, CLIENT);
		string_is(SERVER / 2, length, CLIENT / 2);
		ck_assert_int_eq(thread(CLIENT)->badge == 0, !generally && length <= BX_COPY_STEP);
		offer_both(SERVER / 2, length, i + 1 < BX_ARRAY_COUNT(lengths) ? 65536 : 100);
		say(SERVER, generally);
		received(CLIENT, 0, 8, (uint64_t)length << 32, SERVER);
		string_is(CLIENT / 2, length, SERVER / 2);
	}
	/* Each is told of its own mistakes, and both of what does not fit. */
	offer_both(CLIENT / 2, 100, 0);
	thread(CLIENT)->badge = 0;
	world.context->buffers = BUFFERS;
	(void)world_call(&world, WITH_BUFFERS(BX_SYS_CALL), EP_A, 7, 0);
	ck_assert_int_eq(world_result(&world, CLIENT), BX_ERR_WOULD_BLOCK);
	offer(CLIENT / 2, (struct bx_ipc_buffers){ .send_address = BX_USER_END - 8, .send_length = 8,
	    .send_slot = BX_SLOT_NONE, .receive_slot = BX_SLOT_NONE });
	say(CLIENT, generally);
	failed(CLIENT, BX_ERR_ADDRESS);
	state_is(SERVER, BX_THREAD_RECEIVING);
	offer_both(CLIENT / 2, 101, 0);
	say(CLIENT, generally);
	failed(CLIENT, BX_ERR_MSG_TOO_LONG);
	failed(SERVER, BX_ERR_MSG_TOO_LONG);
}
END_TEST

/* Only tests have spaces that are not sealed while their program runs.  By the general way, and by the
 * short one. */
START_TEST(ipc7_capability_goes_along)
{
	if (_i == 1)
		quiet();
	offer_cap(CLIENT / 2, NOTE, FREE_SLOT);
	offer_cap(SERVER / 2, BX_SLOT_NONE, FREE_SLOT);
	world_run_until(&world, SERVER);
	world.core->programs[1].space.sealed = false;
	world.core->programs[2].space.sealed = false;
	world.context->reply = REPLY_SLOT;
	world.context->buffers = BUFFERS;
	world.context->number = WITH_BUFFERS(BX_SYS_RECEIVE);
	world.context->value[0] = EP_A;
	world.context->value[2] = SOON;
	world.context = bx_kcore_system_call(world.core);
	while (world_current(&world) != CLIENT) {
		world.context->number = BX_SYS_YIELD;
		world.context = bx_kcore_system_call(world.core);
	}
	world.context->buffers = BUFFERS;
	world.context->number = WITH_BUFFERS(BX_SYS_CALL);
	world.context->value[0] = EP_A;
	world.context->value[2] = SOON;
	world.context = bx_kcore_system_call(world.core);
	ck_assert_uint_eq(thread(SERVER)->context.value[2], BX_IPC_INFO_REPLY | BX_IPC_INFO_CAP);
	ck_assert_uint_eq(cap(1, FREE_SLOT)->type, BX_CAP_NOTIFICATION);
	ck_assert_uint_eq(cap(1, FREE_SLOT)->badge, 1u << 2);
	ck_assert_uint_eq(cap(1, FREE_SLOT)->depth, cap(2, NOTE)->depth + 1u);
	ck_assert_int_eq(thread(CLIENT)->badge == 0, _i == 1);
	/* The slot is taken now. */
	offer_cap(SERVER / 2, MEMORY, FREE_SLOT);
	ck_assert_uint_eq(world_current(&world), SERVER);
	world.context->number = WITH_BUFFERS(_i == 1 ? BX_SYS_REPLY_RECEIVE : BX_SYS_REPLY);
	world.context->value[0] = _i == 1 ? EP_A : REPLY_SLOT;
	world.context->value[2] = SOON;
	world.context = bx_kcore_system_call(world.core);
	ck_assert_uint_eq(thread(CLIENT)->context.number, BX_OK);
	ck_assert_uint_eq(thread(CLIENT)->context.value[2], BX_IPC_INFO_CAP);
	ck_assert_uint_eq(cap(2, FREE_SLOT)->type, BX_CAP_MEMORY);
	world.core->programs[1].space.sealed = true;
	world.core->programs[2].space.sealed = true;
	ck_assert(bx_sched_sound(world.core, &(const char *){ NULL }));
}
END_TEST

START_TEST(ipc7_rights_to_send_along)
{
	offer_cap(CLIENT / 2, NOTE, BX_SLOT_NONE);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_CALL), EP_A, 1, SOON);
	failed(CLIENT, BX_ERR_CAP_RIGHTS);
	ask(CLIENT, BX_SYS_RECEIVE, EP_A, 1, SOON);
	failed(CLIENT, BX_ERR_CAP_RIGHTS);
	ask(CLIENT, BX_SYS_CALL, EP_B, 1, SOON);
	failed(CLIENT, BX_ERR_CAP_RIGHTS);
	ask(CLIENT, BX_SYS_SEND, EP_B, 1, 0);
	failed(CLIENT, BX_ERR_WOULD_BLOCK);
	/* The server's own capability lacks GRANT: its replies carry none. */
	ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
	ask(CLIENT, BX_SYS_CALL, EP_A, 1, SOON);
	offer_cap(SERVER / 2, NOTE, BX_SLOT_NONE);
	ask(SERVER, WITH_BUFFERS(BX_SYS_REPLY), REPLY_SLOT, 0, 0);
	failed(SERVER, BX_ERR_CAP_RIGHTS);
	state_is(CLIENT, BX_THREAD_AWAITING_REPLY);
}
END_TEST

/* With the partner waiting: the short way looks at the same things. */
START_TEST(ipc7_short_way_checks_capabilities)
{
	struct bx_cap was;

	quiet();
	ask_with(SERVER, BX_SYS_RECEIVE, EP_C, 0, SOON, REPLY_SLOT);
	was = *cap(2, EP_C);
	cap(2, EP_C)->rights &= (uint8_t)~BX_RIGHT_GRANT_REPLY;
	ask(CLIENT, BX_SYS_CALL, EP_C, 1, SOON);
	failed(CLIENT, BX_ERR_CAP_RIGHTS);
	cap(2, EP_C)->rights = was.rights;
	cap(2, EP_C)->expiry = world.machine.now;
	ask(CLIENT, BX_SYS_CALL, EP_C, 1, SOON);
	failed(CLIENT, BX_ERR_CAP_EXPIRED);
	cap(2, EP_C)->expiry = was.expiry;
	cap(2, EP_C)->uses = 0;
	ask(CLIENT, BX_SYS_CALL, EP_C, 1, SOON);
	failed(CLIENT, BX_ERR_CAP_USED_UP);
	cap(2, EP_C)->uses = was.uses;
	world.core->endpoints[2].generation += 2;
	ask(CLIENT, BX_SYS_CALL, EP_C, 1, SOON);
	failed(CLIENT, BX_ERR_CAP_STALE);
	world.core->endpoints[2].generation -= 2;
	ask(CLIENT, BX_SYS_CALL, EP_C, 1, SOON);
	received(SERVER, 0x302, 1, BX_IPC_INFO_REPLY, CLIENT);
	*cap(2, EP_C) = was;
	cap(1, EP_C)->rights &= (uint8_t)~BX_RIGHT_READ;
	ask_with(SERVER, BX_SYS_REPLY_RECEIVE, EP_C, 0, SOON, REPLY_SLOT);
	failed(SERVER, BX_ERR_CAP_RIGHTS);
	state_is(CLIENT, BX_THREAD_AWAITING_REPLY);
	cap(1, EP_C)->rights |= BX_RIGHT_READ;
	ask_with(SERVER, BX_SYS_REPLY_RECEIVE, EP_C, 0, SOON, EP_A);
	failed(SERVER, BX_ERR_CAP_TYPE);
	ask_with(SERVER, BX_SYS_REPLY_RECEIVE, EP_C, 0, SOON, SLOTS);
	failed(SERVER, BX_ERR_CAP_SLOT);
	state_is(CLIENT, BX_THREAD_AWAITING_REPLY);
}
END_TEST

static void
setup_rights(void)
{
	prepare();
	for (uint32_t i = 0; i < build.grant_count; i++) {
		struct build_grant *grant = &build.grants[i];

		if (grant->slot == EP_A && grant->program == 2)
			grant->rights = BX_RIGHT_WRITE | BX_RIGHT_GRANT_REPLY;
		if (grant->slot == EP_A && grant->program == 1)
			grant->rights = BX_RIGHT_READ;
		if (grant->slot == EP_B && grant->program == 2)
			grant->rights = BX_RIGHT_WRITE;
	}
	start_all();
}

/* Each call that is taken or queued spends one use; one that is refused spends none. */
/* Sent along through itself it would take all its uses away, and the one that the call needs. */
START_TEST(ipc7_counted_is_not_sent_through_itself)
{
	struct bx_ipc_buffers buffers = no_buffers();

	buffers.send_slot = COUNTED;
	offer(CLIENT / 2, buffers);
	ask(CLIENT, WITH_BUFFERS(BX_SYS_SEND), COUNTED, 0, SOON);
	failed(CLIENT, BX_ERR_CAP_USED_UP);
	ck_assert_uint_eq(cap(2, COUNTED)->uses, 20);
}
END_TEST

START_TEST(ipc7_uses_are_counted)
{
	ask(CLIENT, BX_SYS_SEND, COUNTED, 0, 0);
	failed(CLIENT, BX_ERR_WOULD_BLOCK);
	ck_assert_uint_eq(cap(2, COUNTED)->uses, 20);
	for (uint32_t i = 0; i < 20; i++) {
		if (i % 2 == 0) {
			ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
			ask(CLIENT, BX_SYS_SEND, COUNTED, i, SOON);
		} else {
			ask(CLIENT, BX_SYS_SEND, COUNTED, i, SOON);
			ck_assert_uint_eq(cap(2, COUNTED)->uses, 19 - i);
			ask_with(SERVER, BX_SYS_RECEIVE, EP_A, 0, SOON, REPLY_SLOT);
		}
		received(SERVER, 0, i, 0, CLIENT);
		ck_assert_uint_eq(cap(2, COUNTED)->uses, 19 - i);
	}
	ask(CLIENT, BX_SYS_SEND, COUNTED, 0, SOON);
	failed(CLIENT, BX_ERR_CAP_USED_UP);
}
END_TEST

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

Suite *
suite_ipc(void)
{
	Suite *suite = suite_create("kcore-ipc");
	TCase *all = tcase_create("all"), *rights = tcase_create("rights"),
	    *open = tcase_create("open");

	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_checked_fixture(rights, setup_rights, teardown);
	tcase_add_checked_fixture(open, setup_open, teardown);
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
	tcase_add_test(all, ipc5_string_of_any_length);
	tcase_add_test(all, ipc5_string_in_reply);
	tcase_add_test(all, ipc5_too_long_is_told_to_both);
	tcase_add_test(all, ipc5_bad_memory_is_its_owners);
	tcase_add_loop_test(all, ipc5_bad_buffer_and_a_deadline, 0, 3);
	tcase_add_test(all, ipc5_offers_are_checked);
	tcase_add_loop_test(all, ipc6_interrupted_copy_goes_on, 0, 2);
	tcase_add_loop_test(all, ipc6_copy_is_made_at_the_priority_of_who_waits, 0, 4);
	tcase_add_loop_test(all, ipc6_capability_goes_in_a_copy, 0, 2);
	tcase_add_loop_test(open, ipc6_another_capability_comes_in_a_copy, 0, 2);
	tcase_add_loop_test(open, ipc6_capability_goes_before_a_call_begins_again, 0, 2);
	tcase_add_loop_test(open, ipc6_capability_in_use_stays, 0, 4);
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
	tcase_add_loop_test(all, ipc6_caller_leaves_its_answer, 0, 2);
	tcase_add_test(all, ipc6_server_leaves_its_answer);
	tcase_add_test(all, ipc6_one_answer_at_a_time);
	tcase_add_test(all, ipc7_sealed_space_takes_no_capability);
	tcase_add_test(all, ipc7_no_place_is_told_to_the_sender);
	tcase_add_loop_test(all, ipc7_a_refusal_of_who_waits_is_recorded, 0, 2);
	tcase_add_test(all, ipc7_a_refusal_of_both_is_recorded_twice);
	tcase_add_test(all, ipc7_a_refusal_of_an_answer_is_recorded_twice);
	tcase_add_loop_test(all, ipc7_capability_goes_along, 0, 2);
	tcase_add_loop_test(all, ipc7_strings_go_either_way, 0, 2);
	tcase_add_test(rights, ipc7_rights_to_send_along);
	tcase_add_test(rights, ipc7_short_way_checks_capabilities);
	tcase_add_test(all, ipc7_counted_is_not_sent_through_itself);
	tcase_add_test(all, ipc7_uses_are_counted);
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
	suite_add_tcase(suite, open);
	suite_add_tcase(suite, rights);
	return suite;
}
