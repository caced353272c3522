/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_ipc_capability.c -- rendezvous: capabilities that go along, what one needs to send them, uses that are spent.
 */
#include "ipc.h"

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

void
cases_capability(Suite *suite)
{
	TCase *all = tcase_create("capabilities"), *rights = tcase_create("rights");

	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, ipc7_sealed_space_takes_no_capability);
	tcase_add_test(all, ipc7_no_place_is_told_to_the_sender);
	tcase_add_loop_test(all, ipc7_a_refusal_of_who_waits_is_recorded, 0, 2);
	tcase_add_test(all, ipc7_a_refusal_of_both_is_recorded_twice);
	tcase_add_test(all, ipc7_a_refusal_of_an_answer_is_recorded_twice);
	tcase_add_loop_test(all, ipc7_strings_go_either_way, 0, 2);
	tcase_add_loop_test(all, ipc7_capability_goes_along, 0, 2);
	tcase_add_test(all, ipc7_counted_is_not_sent_through_itself);
	tcase_add_test(all, ipc7_uses_are_counted);
	suite_add_tcase(suite, all);
	tcase_add_checked_fixture(rights, setup_rights, teardown);
	tcase_add_test(rights, ipc7_rights_to_send_along);
	tcase_add_test(rights, ipc7_short_way_checks_capabilities);
	suite_add_tcase(suite, rights);
}
