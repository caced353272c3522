/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* ipc.c -- see ipc.h. */
#include "ipc.h"

struct world world;
struct build build;

void
start_all(void)
{
	driver_world(&world, &build);
	for (uint32_t p = 1; p < PROGRAMS; p++)
		ck_assert_int_eq(world_start(&world, p), BX_OK);
}

void
prepare(void)
{
	build = driver_build();
	for (uint32_t p = 0; p < PROGRAMS; p++)
		build.programs[p].priority = 10;
}

void
setup(void)
{
	prepare();
	start_all();
}

void
setup_open(void)
{
	prepare();
	driver_open(&build);
	start_all();
}

void
teardown(void)
{
	world.machine.interrupt_every = 0;
	world_end(&world);
}

struct bx_thread *
thread(uint32_t index)
{
	return &world.core->threads[index];
}

struct bx_cap *
cap(uint32_t program, uint32_t slot)
{
	return &world.core->forest.slots[world.core->programs[program].space.first_slot + slot].cap;
}

enum bx_err
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

enum bx_err
ask(uint32_t who, uint64_t number, uint64_t slot, uint64_t label, uint64_t deadline)
{
	return ask_with(who, number, slot, label, deadline, BX_SLOT_NONE);
}

void
state_is(uint32_t who, enum bx_thread_state state)
{
	ck_assert_uint_eq(thread(who)->state, state);
}

void
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

void
failed(uint32_t who, enum bx_err err)
{
	const struct bx_context *context = &thread(who)->context;

	ck_assert_str_eq(bx_err_name(world_result(&world, who)), bx_err_name(err));
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(context->value[i], 0);
	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		ck_assert_uint_eq(context->word[i], 1000 * who + i);
}

void
offer(uint32_t program, struct bx_ipc_buffers buffers)
{
	user_put(&world, program, BUFFERS, &buffers, sizeof buffers);
}

struct bx_ipc_buffers
no_buffers(void)
{
	return (struct bx_ipc_buffers){
		.send_address = STRING_OUT, .receive_address = STRING_IN,
		.send_slot = BX_SLOT_NONE, .receive_slot = BX_SLOT_NONE,
	};
}

void
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

void
offer_receive(uint32_t program, uint32_t capacity)
{
	struct bx_ipc_buffers buffers = no_buffers();

	buffers.receive_capacity = capacity;
	offer(program, buffers);
}

void
string_is(uint32_t program, uint32_t length, uint32_t from)
{
	static uint8_t bytes[BX_IPC_STRING_MAX];

	user_get(&world, program, STRING_IN, bytes, length);
	for (uint32_t i = 0; i < length; i++)
		ck_assert_uint_eq(bytes[i], (uint8_t)(i * 7 + i / 256 + from));
}

void
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

void
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

void
half_copied(uint32_t first)
{
	offer_send(CLIENT / 2, 60000);
	offer_receive(SERVER / 2, 65536);
	copy_begun(first);
}

void
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
