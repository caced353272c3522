/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_sys.c -- the system calls that answer at once: what each does, and every error of each.  A
 * refused call leaves no trace but its record in the audit ring.  The system is driver.h's.
 */
#include <stdlib.h>

#include "driver.h"
#include "../src/sys.h"

#define WHO		2u		/* first thread of program 1, who makes the calls */
#define AT		(ELF_DATA + 0x2000)
#define NOWHERE		0x20000000ull
#define RING		2048u		/* audit records */

static struct world world;

static void
setup(void)
{
	struct build build = driver_build();

	for (uint32_t p = 0; p < PROGRAMS; p++)
		build.programs[p].priority = 10;
	build.grants[1 * 15 + PORTS].first = 2;
	build.grants[1 * 15 + PORTS].count = 4;
	build.grants[1 * 15 + SPAWN].first = 2;
	build.grants[1 * 15 + SPAWN].count = 2;
	build.grants[1 * 15 + MEMORY].first = 4;
	build.grants[1 * 15 + MEMORY].count = 20;
	build.audit_records = RING;
	driver_world(&world, &build);
	for (uint32_t p = 1; p < PROGRAMS; p++)
		ck_assert_int_eq(world_start(&world, p), BX_OK);
}

static void
teardown(void)
{
	world.machine.interrupt_every = 0;
	world_end(&world);
}

static struct bx_cap *
cap(uint32_t program, uint32_t slot)
{
	return &world.core->forest.slots[world.core->programs[program].space.first_slot + slot].cap;
}

static const struct bx_context *
result(void)
{
	return &world.core->threads[WHO].context;
}

static enum bx_err
ask(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	struct bx_context *context;

	world_run_until(&world, WHO);
	context = world.context;
	memset(context->word, 0x77, sizeof context->word);
	context->word[0] = d;
	context->word[1] = e;
	context->buffers = AT;
	(void)world_call(&world, number, a, b, c);
	for (unsigned n = 0; n < 1000 && world.core->threads[WHO].restart != 0; n++)
		world_pass(&world, 1);			/* it goes on in steps */
	return (enum bx_err)(int64_t)context->number;
}

#define REFUSED(err, number, a, b, c, d, e) do { \
	ck_assert_str_eq(bx_err_name(ask(number, a, b, c, d, e)), #err); \
	ck_assert_uint_eq(result()->value[0] | result()->value[1] | result()->value[2], 0); \
} while (0)
#define DONE(number, a, b, c, d, e) \
	ck_assert_str_eq(bx_err_name(ask(number, a, b, c, d, e)), "BX_OK")

/* The last record but `n`. */
static const struct bx_audit_record *
record_before(uint64_t n)
{
	const struct bx_kcore *core = world.core;

	return &core->audit[(core->audit_next - 1 - n) & (core->audit_capacity - 1)];
}

static const struct bx_audit_record *
last_record(void)
{
	return record_before(0);
}

/* The last record is of this kind, by program 1, about what is in its slot `about` (or SLOTS: about
 * nothing that is there any more). */
#define RECORDED(what, on, x, y, z) do { \
	const struct bx_audit_record *record_ = last_record(); \
	ck_assert_uint_eq(record_->kind, what); \
	ck_assert_uint_eq(record_->program, 1); \
	ck_assert_uint_eq(record_->a, (uint64_t)(x)); \
	ck_assert_uint_eq(record_->b, (uint64_t)(y)); \
	ck_assert_uint_eq(record_->c, (uint64_t)(z)); \
	ck_assert_uint_eq(record_->d, (on) == SLOTS ? 0u : cap(1, (on))->type | \
	    (unsigned)cap(1, (on))->rights << 8); \
	ck_assert_uint_eq(record_->object, (on) == SLOTS ? BX_NONE : (on) == CSPACE ? 2 : \
	    bx_state_object(world.core, world.core->programs[1].space.first_slot + (on))); \
} while (0)

/* The last record is of what program 1 did to thread `index` by the capability in its slot. */
static void
controlled(uint32_t slot, uint32_t index, uint64_t number, uint64_t what)
{
	const struct bx_audit_record *record = last_record();

	ck_assert_uint_eq(record->kind, BX_AUDIT_CONTROL);
	ck_assert_uint_eq(record->program, 1);
	ck_assert_uint_eq(record->other, world.core->threads[index].program);
	ck_assert_uint_eq(record->object, index);
	ck_assert_uint_eq(record->a, slot);
	ck_assert_uint_eq(record->b, number);
	ck_assert_uint_eq(record->c, what);
	ck_assert_uint_eq(record->d, BX_CAP_THREAD | BX_RIGHT_WRITE << 8);
}

/* ---- numbers and slots */

START_TEST(sys1_unknown_numbers)
{
	uint64_t before;

	for (uint64_t number = 0; number < 300; number++) {
		bool known = number <= BX_SYS_SLEEP || (number >= BX_SYS_CAP_DERIVE &&
		    number <= BX_SYS_CAP_INFO) || number == BX_SYS_MAP ||
		    number == BX_SYS_UNMAP || (number >= BX_SYS_THREAD_START &&
		    number <= BX_SYS_THREAD_PRIORITY) || (number >= BX_SYS_IRQ_BIND &&
		    number <= BX_SYS_PORT_OUT) || (number >= BX_SYS_SPAWN &&
		    number <= BX_SYS_PROGRAM_INFO) || (number >= BX_SYS_INSPECT &&
		    number <= BX_SYS_POWER);

		if (known || number > 255)
			continue;
		before = world.core->audit_next;
		REFUSED(BX_ERR_SYSCALL, number, 1, 2, 3, 4, 5);
		ck_assert_uint_eq(world.core->audit_next, before + 1);
		ck_assert_uint_eq(last_record()->kind, BX_AUDIT_REFUSED);
		ck_assert_uint_eq(last_record()->program, 1);
		ck_assert_uint_eq(last_record()->a, number);
	}
	REFUSED(BX_ERR_SYSCALL, UINT64_MAX, 0, 0, 0, 0, 0);
	REFUSED(BX_ERR_INVALID, BX_SYS_NULL | 0x100, 0, 0, 0, 0, 0);
	REFUSED(BX_ERR_INVALID, BX_SYS_YIELD | 1ull << 63, 0, 0, 0, 0, 0);
	DONE(BX_SYS_NULL, 1, 2, 3, 4, 5);
	ck_assert_uint_eq(result()->value[0] | result()->value[1] | result()->value[2], 0);
}
END_TEST

/* The generation of the object that a capability names. */
static uint32_t *
generation_of(const struct bx_cap *held)
{
	struct bx_kcore *core = world.core;
	uint32_t index = held->object.index;

	switch ((enum bx_cap_type)held->type) {
	case BX_CAP_ENDPOINT:		return &core->endpoints[index].generation;
	case BX_CAP_NOTIFICATION:	return &core->notifications[index].generation;
	case BX_CAP_MEMORY:		return &core->memories[index].generation;
	case BX_CAP_IRQ:		return &core->irqs[index].generation;
	default:			return &core->plains[index].generation;
	}
}

/* Every call that takes a capability: no such slot, empty, of another type, expired, used up, stale. */
START_TEST(sys1_every_capability_is_checked)
{
	static const struct {
		uint64_t number;
		uint32_t slot;
	} calls[] = {
		{ BX_SYS_CALL, EP_A }, { BX_SYS_SEND, EP_A }, { BX_SYS_RECEIVE, EP_A },
		{ BX_SYS_SIGNAL, NOTE }, { BX_SYS_WAIT, NOTE }, { BX_SYS_NOTIFICATION_BIND, NOTE },
		{ BX_SYS_MAP, MEMORY }, { BX_SYS_UNMAP, MEMORY },
		{ BX_SYS_THREAD_START, THREAD_OTHER }, { BX_SYS_THREAD_STOP, THREAD_OTHER },
		{ BX_SYS_THREAD_RESUME, THREAD_OTHER }, { BX_SYS_THREAD_PRIORITY, THREAD_OTHER },
		{ BX_SYS_IRQ_BIND, IRQ }, { BX_SYS_IRQ_ACK, IRQ }, { BX_SYS_PORT_IN, PORTS },
		{ BX_SYS_PORT_OUT, PORTS }, { BX_SYS_SPAWN, SPAWN }, { BX_SYS_KILL, SPAWN },
		{ BX_SYS_PROGRAM_INFO, SPAWN }, { BX_SYS_INSPECT, AUDIT }, { BX_SYS_AUDIT_READ, AUDIT },
		{ BX_SYS_POWER, POWER },
	};

	for (unsigned i = 0; i < BX_ARRAY_COUNT(calls); i++) {
		uint64_t number = calls[i].number, d = 1, e = BX_MAP_READ;
		struct bx_cap *held = cap(1, calls[i].slot), was = *held;

		REFUSED(BX_ERR_CAP_SLOT, number, SLOTS, 0, 0, d, e);
		REFUSED(BX_ERR_CAP_SLOT, number, 1ull << 32, 0, 0, d, e);
		REFUSED(BX_ERR_CAP_SLOT, number, UINT64_MAX, 0, 0, d, e);
		REFUSED(BX_ERR_CAP_EMPTY, number, FREE_SLOT, 0, 0, d, e);
		REFUSED(BX_ERR_CAP_TYPE, number, CSPACE, 0, 0, d, e);
		ck_assert_uint_eq(last_record()->kind, BX_AUDIT_REFUSED);
		ck_assert_uint_eq(last_record()->b, (uint64_t)BX_ERR_CAP_TYPE);
		RECORDED(BX_AUDIT_REFUSED, CSPACE, number, BX_ERR_CAP_TYPE, CSPACE);
		held->rights = 0;
		REFUSED(BX_ERR_CAP_RIGHTS, number, calls[i].slot, 0, 0, d, e);
		*held = was;
		held->expiry = world.machine.now;
		REFUSED(BX_ERR_CAP_EXPIRED, number, calls[i].slot, 0, 0, d, e);
		*held = was;
		held->uses = 0;
		REFUSED(BX_ERR_CAP_USED_UP, number, calls[i].slot, 0, 0, d, e);
		*held = was;
		if (held->type == BX_CAP_THREAD)
			continue;		/* sys1_names_of_a_program */
		*generation_of(held) += 2;
		REFUSED(BX_ERR_CAP_STALE, number, calls[i].slot, 0, 0, d, e);
		*generation_of(held) -= 2;
	}
}
END_TEST

/* A thread or space of a program that is not there. */
START_TEST(sys1_names_of_a_program)
{
	static const uint64_t calls[] = { BX_SYS_THREAD_START, BX_SYS_THREAD_STOP,
	    BX_SYS_THREAD_RESUME, BX_SYS_THREAD_PRIORITY };

	world_run_until(&world, WHO);
	for (unsigned n = 0; n < 2; n++) {
		world_stop(&world, 2, BX_PROGRAM_KILLED);
		for (unsigned i = 0; i < BX_ARRAY_COUNT(calls); i++)
			REFUSED(BX_ERR_CAP_STALE, calls[i], THREAD_OTHER, 0, 0, 0, 0);
		REFUSED(BX_ERR_CAP_STALE, BX_SYS_CAP_RECHARGE, COUNTED, CSPACE, COUNTED, 1, 0);
		ck_assert_int_eq(world_start(&world, 2), BX_OK);
		DONE(BX_SYS_THREAD_PRIORITY, THREAD_OTHER, 11, 0, 0, 0);
	}
}
END_TEST

/* ---- capabilities */

START_TEST(sys2_derive_copy_move)
{
	struct bx_derive derive = {
		.to = FREE_SLOT, .rights = BX_RIGHT_READ, .uses = 3, .badge = 0,
		.expiry = BX_CAP_EXPIRY_NEVER,
	};

	user_put(&world, 1, AT, &derive, sizeof derive);
	REFUSED(BX_ERR_CAP_SEALED, BX_SYS_CAP_DERIVE, NOTE_READ, 0, 0, 0, 0);
	REFUSED(BX_ERR_CAP_SEALED, BX_SYS_CAP_COPY, NOTE, FREE_SLOT, 0, 0, 0);
	REFUSED(BX_ERR_CAP_SEALED, BX_SYS_CAP_MOVE, NOTE, FREE_SLOT, 0, 0, 0);
	REFUSED(BX_ERR_CAP_EMPTY, BX_SYS_CAP_DERIVE, FREE_SLOT, 0, 0, 0, 0);
	REFUSED(BX_ERR_CAP_SLOT, BX_SYS_CAP_COPY, 1ull << 40, FREE_SLOT, 0, 0, 0);
	derive.rights = 0x101;
	user_put(&world, 1, AT, &derive, sizeof derive);
	REFUSED(BX_ERR_INVALID, BX_SYS_CAP_DERIVE, NOTE_READ, 0, 0, 0, 0);
	derive.rights = 1;
	derive.uses = 1ull << 32;
	user_put(&world, 1, AT, &derive, sizeof derive);
	REFUSED(BX_ERR_INVALID, BX_SYS_CAP_DERIVE, NOTE_READ, 0, 0, 0, 0);
	world_run_until(&world, WHO);
	world.context->buffers = AT + 1;
	ck_assert_int_eq(world_call(&world, BX_SYS_CAP_DERIVE, NOTE, 0, 0), BX_ERR_ALIGN);
	world.context->buffers = NOWHERE;
	ck_assert_int_eq(world_call(&world, BX_SYS_CAP_DERIVE, NOTE, 0, 0), BX_ERR_ADDRESS);
}
END_TEST

/* Only tests have spaces that are not sealed while their program runs. */
START_TEST(sys2_unsealed_space)
{
	struct bx_derive derive = {
		.to = FREE_SLOT, .rights = BX_RIGHT_READ, .uses = 3, .expiry = BX_CAP_EXPIRY_NEVER,
	};
	struct bx_context *context;

	user_put(&world, 1, AT, &derive, sizeof derive);
	world_run_until(&world, WHO);
	context = world.context;
	world.core->programs[1].space.sealed = false;
	context->buffers = AT;
	context->number = BX_SYS_CAP_DERIVE;
	context->value[0] = NOTE;
	world.context = bx_kcore_system_call(world.core);
	ck_assert_uint_eq(context->number, BX_OK);
	ck_assert_uint_eq(cap(1, FREE_SLOT)->uses, 3);
	ck_assert_uint_eq(cap(1, FREE_SLOT)->rights, BX_RIGHT_READ);
	RECORDED(BX_AUDIT_DERIVE, FREE_SLOT, NOTE, FREE_SLOT, 3);
	context->number = BX_SYS_CAP_MOVE;
	context->value[0] = FREE_SLOT;
	context->value[1] = FREE_SLOT + 1;
	world.context = bx_kcore_system_call(world.core);
	ck_assert_uint_eq(context->number, BX_OK);
	RECORDED(BX_AUDIT_MOVE, FREE_SLOT + 1, FREE_SLOT, FREE_SLOT + 1, 0);
	context->number = BX_SYS_CAP_COPY;
	context->value[0] = NOTE;
	context->value[1] = FREE_SLOT;
	world.context = bx_kcore_system_call(world.core);
	ck_assert_uint_eq(context->number, BX_OK);
	RECORDED(BX_AUDIT_DERIVE, FREE_SLOT, NOTE, FREE_SLOT, BX_CAP_USES_UNLIMITED);
	context->number = BX_SYS_CAP_REVOKE;
	context->value[0] = NOTE;
	world.context = bx_kcore_system_call(world.core);
	ck_assert_uint_eq(context->number, BX_OK);
	ck_assert_uint_eq(cap(1, FREE_SLOT)->type, BX_CAP_NONE);
	ck_assert_uint_eq(cap(1, FREE_SLOT + 1)->type, BX_CAP_NONE);
	ck_assert_uint_eq(cap(1, NOTE)->type, BX_CAP_NOTIFICATION);
	RECORDED(BX_AUDIT_REVOKE, NOTE, NOTE, 2, 0);
	world.core->programs[1].space.sealed = true;
}
END_TEST

START_TEST(sys2_delete_and_info)
{
	DONE(BX_SYS_CAP_INFO, EP_B, 0, 0, 0, 0);
	ck_assert_uint_eq(result()->value[0] & 0xff, BX_CAP_ENDPOINT);
	ck_assert_uint_eq(result()->value[0] >> 8 & 0xff, cap(1, EP_B)->rights);
	ck_assert_uint_eq(result()->value[0] >> 32, BX_CAP_USES_UNLIMITED);
	ck_assert_uint_eq(result()->value[1], 0x201);
	REFUSED(BX_ERR_CAP_EMPTY, BX_SYS_CAP_INFO, FREE_SLOT, 0, 0, 0, 0);
	REFUSED(BX_ERR_CAP_SLOT, BX_SYS_CAP_INFO, SLOTS, 0, 0, 0, 0);
	DONE(BX_SYS_CAP_DELETE, EP_B, 0, 0, 0, 0);
	/* About what was there. */
	ck_assert_uint_eq(last_record()->kind, BX_AUDIT_REVOKE);
	ck_assert_uint_eq(last_record()->object, bx_state_object(world.core,
	    world.core->programs[2].space.first_slot + EP_B));
	ck_assert_uint_eq(last_record()->d & 0xff, BX_CAP_ENDPOINT);
	ck_assert_uint_eq(cap(1, EP_B)->type, BX_CAP_NONE);
	REFUSED(BX_ERR_CAP_EMPTY, BX_SYS_CAP_DELETE, EP_B, 0, 0, 0, 0);
	REFUSED(BX_ERR_CAP_EMPTY, BX_SYS_CAP_REVOKE, EP_B, 0, 0, 0, 0);
	REFUSED(BX_ERR_CAP_SLOT, BX_SYS_CAP_DELETE, SLOTS, 0, 0, 0, 0);
	REFUSED(BX_ERR_CAP_SLOT, BX_SYS_CAP_REVOKE, UINT64_MAX, 0, 0, 0, 0);
	DONE(BX_SYS_CAP_REVOKE, EP_A, 0, 0, 0, 0);
	ck_assert_uint_eq(last_record()->b, 0);
}
END_TEST

/* Waking a dormant capability of another program. */
START_TEST(sys2_recharge)
{
	REFUSED(BX_ERR_CAP_NOT_CHILD, BX_SYS_CAP_RECHARGE, EP_A, CSPACE, COUNTED, 2, 0);
	REFUSED(BX_ERR_CAP_EMPTY, BX_SYS_CAP_RECHARGE, EP_A, CSPACE, FREE_SLOT, 2, 0);
	REFUSED(BX_ERR_CAP_SLOT, BX_SYS_CAP_RECHARGE, EP_A, CSPACE, 1ull << 32, 2, 0);
	REFUSED(BX_ERR_OVERFLOW, BX_SYS_CAP_RECHARGE, EP_A, CSPACE, COUNTED, 1ull << 32, 0);
	REFUSED(BX_ERR_CAP_TYPE, BX_SYS_CAP_RECHARGE, EP_A, EP_A, COUNTED, 1, 0);
}
END_TEST

/* ---- memory */

START_TEST(sys3_map_and_unmap)
{
	uint64_t byte = 0x1122334455667788;

	DONE(BX_SYS_MAP, MEMORY, NOWHERE, 0, 20, BX_MAP_READ | BX_MAP_WRITE);
	user_put(&world, 1, NOWHERE + 19 * BX_PAGE_SIZE, &byte, 8);
	REFUSED(BX_ERR_MAPPED, BX_SYS_MAP, MEMORY, NOWHERE + 0x100000, 19, 1, BX_MAP_READ);
	DONE(BX_SYS_UNMAP, MEMORY, 0, 2, 18, 0);
	REFUSED(BX_ERR_NOT_MAPPED, BX_SYS_UNMAP, MEMORY, 0, 1, 2, 0);
	DONE(BX_SYS_UNMAP, MEMORY, 0, 0, 2, 0);
	/* All or none: page 3 is mapped elsewhere, so 0..2 go again. */
	DONE(BX_SYS_MAP, MEMORY, NOWHERE + 0x100000, 18, 1, BX_MAP_READ);
	REFUSED(BX_ERR_MAPPED, BX_SYS_MAP, MEMORY, NOWHERE, 0, 20, BX_MAP_READ);
	ck_assert_uint_eq(world.core->frames[world.core->memory_pages[4]].address, 0);
	DONE(BX_SYS_MAP, MEMORY, NOWHERE, 0, 18, BX_MAP_READ | BX_MAP_EXECUTE);
	REFUSED(BX_ERR_EXISTS, BX_SYS_MAP, MEMORY, NOWHERE + BX_PAGE_SIZE, 19, 1, BX_MAP_READ);
}
END_TEST

/* The same in steps that interrupts stop. */
START_TEST(sys3_map_in_steps)
{
	world_run_until(&world, WHO);
	world.machine.interrupt_every = 1;
	DONE(BX_SYS_MAP, MEMORY, NOWHERE, 0, 20, BX_MAP_READ);
	DONE(BX_SYS_UNMAP, MEMORY, 0, 0, 19, 0);
	REFUSED(BX_ERR_MAPPED, BX_SYS_MAP, MEMORY, NOWHERE + 0x100000, 0, 20, BX_MAP_READ);
	for (unsigned i = 4; i < 23; i++)
		ck_assert_uint_eq(world.core->frames[world.core->memory_pages[i]].address, 0);
}
END_TEST

/* Leaves a map of 20 pages after its first step. */
static void
half_mapped(void)
{
	world_run_until(&world, WHO);
	world.context->number = BX_SYS_MAP;
	world.context->value[0] = MEMORY;
	world.context->value[1] = NOWHERE;
	world.context->value[2] = 0;
	world.context->word[0] = 20;
	world.context->word[1] = BX_MAP_READ;
	world.machine.interrupt_every = 1;
	bx_syscall_run(world.core);
	world.machine.interrupt_every = 0;
	ck_assert_uint_eq(world.core->threads[WHO].restart, 1);
	ck_assert_uint_ne(world.core->frames[world.core->memory_pages[4]].address, 0);
	ck_assert_uint_eq(world.core->frames[world.core->memory_pages[23]].address, 0);
}

/* All or none, also when the capability goes, or is another's, between two steps. */
START_TEST(sys3_map_loses_its_right)
{
	static const enum bx_err errs[] = { BX_ERR_CAP_EXPIRED, BX_ERR_CAP_USED_UP,
	    BX_ERR_CAP_RIGHTS, BX_ERR_RANGE, BX_ERR_CAP_EMPTY };
	uint32_t slot = world.core->programs[1].space.first_slot + MEMORY, parent;
	struct bx_removal removal = { .left = 0 };

	half_mapped();
	switch (_i) {
	case 0:
		cap(1, MEMORY)->expiry = 1;
		break;
	case 1:
		cap(1, MEMORY)->uses = 0;
		break;
	case 2:
		cap(1, MEMORY)->rights = BX_RIGHT_WRITE;
		break;
	case 3:
		cap(1, MEMORY)->count = 18;
		break;
	default:
		do
			removal.left = BX_REMOVAL_STEP;
		while (bx_capability_remove_leaf(world.core, slot, &parent, &removal) != BX_OK);
		break;
	}
	world.context = bx_sched_dispatch(world.core);
	ck_assert_str_eq(bx_err_name(world_result(&world, WHO)), bx_err_name(errs[_i]));
	for (unsigned i = 4; i < 24; i++)
		ck_assert_uint_eq(world.core->frames[world.core->memory_pages[i]].address, 0);
}
END_TEST

/* Who is stopped in between (BX_SYS_THREAD_STOP) keeps nothing of it. */
START_TEST(sys3_map_is_stopped)
{
	half_mapped();
	ck_assert_int_eq(bx_map_give_up(world.core, &world.core->threads[WHO]), BX_OK);
	bx_thread_stop(world.core, &world.core->threads[WHO]);
	ck_assert_int_eq(world_result(&world, WHO), BX_ERR_CANCELLED);
	bx_thread_ready(world.core, &world.core->threads[WHO]);
	world.context = bx_sched_dispatch(world.core);
	REFUSED(BX_ERR_NOT_MAPPED, BX_SYS_UNMAP, MEMORY, 0, 0, 1, 0);
	DONE(BX_SYS_MAP, MEMORY, NOWHERE, 0, 20, BX_MAP_READ);
}
END_TEST

START_TEST(sys3_map_refusals)
{
	REFUSED(BX_ERR_WX, BX_SYS_MAP, MEMORY, NOWHERE, 0, 1, 7);
	REFUSED(BX_ERR_WX, BX_SYS_MAP, MEMORY, NOWHERE, 0, 1, BX_MAP_READ | 6);
	REFUSED(BX_ERR_INVALID, BX_SYS_MAP, MEMORY, NOWHERE, 0, 1, 0);
	REFUSED(BX_ERR_INVALID, BX_SYS_MAP, MEMORY, NOWHERE, 0, 1, BX_MAP_WRITE);
	REFUSED(BX_ERR_INVALID, BX_SYS_MAP, MEMORY, NOWHERE, 0, 1, 9);
	REFUSED(BX_ERR_RANGE, BX_SYS_MAP, MEMORY, NOWHERE, 0, 0, 1);
	REFUSED(BX_ERR_RANGE, BX_SYS_MAP, MEMORY, NOWHERE, 0, 21, 1);
	REFUSED(BX_ERR_RANGE, BX_SYS_MAP, MEMORY, NOWHERE, 20, 1, 1);
	REFUSED(BX_ERR_RANGE, BX_SYS_MAP, MEMORY, NOWHERE, UINT64_MAX, 2, 1);
	REFUSED(BX_ERR_RANGE, BX_SYS_MAP, MEMORY, NOWHERE, 1, UINT64_MAX, 1);
	REFUSED(BX_ERR_ALIGN, BX_SYS_MAP, MEMORY, NOWHERE + 8, 0, 1, 1);
	REFUSED(BX_ERR_RANGE, BX_SYS_MAP, MEMORY, 0, 0, 1, 1);
	REFUSED(BX_ERR_RANGE, BX_SYS_MAP, MEMORY, BX_USER_END - BX_PAGE_SIZE, 0, 2, 1);
	REFUSED(BX_ERR_RANGE, BX_SYS_MAP, MEMORY, 0xffff800000000000, 0, 1, 1);
	REFUSED(BX_ERR_EXISTS, BX_SYS_MAP, MEMORY, ELF_DATA, 0, 1, 1);
	REFUSED(BX_ERR_RANGE, BX_SYS_UNMAP, MEMORY, 0, 0, 0, 0);
	REFUSED(BX_ERR_RANGE, BX_SYS_UNMAP, MEMORY, 0, 0, 21, 0);
	REFUSED(BX_ERR_NOT_MAPPED, BX_SYS_UNMAP, MEMORY, 0, 0, 20, 0);
	cap(1, MEMORY)->rights = BX_RIGHT_READ;
	REFUSED(BX_ERR_CAP_RIGHTS, BX_SYS_MAP, MEMORY, NOWHERE, 0, 1, 3);
	REFUSED(BX_ERR_CAP_RIGHTS, BX_SYS_MAP, MEMORY, NOWHERE, 0, 1, 5);
	/* Page tables count against the quota. */
	world.core->programs[1].frame_quota = world.core->programs[1].frames_used;
	REFUSED(BX_ERR_QUOTA, BX_SYS_MAP, MEMORY, 0x7f0000000000, 0, 1, 1);
	ck_assert_uint_eq(last_record()->kind, BX_AUDIT_QUOTA);
}
END_TEST

/* ---- threads */

START_TEST(sys4_threads)
{
	struct bx_thread *other = &world.core->threads[3];

	REFUSED(BX_ERR_STATE, BX_SYS_THREAD_RESUME, THREAD_OWN, 0, 0, 0, 0);
	REFUSED(BX_ERR_STATE, BX_SYS_THREAD_STOP, THREAD_OWN, 0, 0, 0, 0);
	REFUSED(BX_ERR_ADDRESS, BX_SYS_THREAD_START, THREAD_OWN, 0, ELF_DATA, 0, 0);
	REFUSED(BX_ERR_ADDRESS, BX_SYS_THREAD_START, THREAD_OWN, BX_USER_END, ELF_DATA, 0, 0);
	REFUSED(BX_ERR_ADDRESS, BX_SYS_THREAD_START, THREAD_OWN, 0x400000, 1ull << 63, 0, 0);
	DONE(BX_SYS_THREAD_START, THREAD_OWN, 0x400000, ELF_DATA + 64, 77, 0);
	ck_assert_uint_eq(other->context.pc, 0x400000);
	ck_assert_uint_eq(other->context.stack, ELF_DATA + 64);
	ck_assert_uint_eq(other->context.value[0], 77);
	ck_assert_uint_eq(other->context.root, world.core->programs[1].root);
	REFUSED(BX_ERR_STATE, BX_SYS_THREAD_START, THREAD_OWN, 0x400000, ELF_DATA, 0, 0);
	REFUSED(BX_ERR_STATE, BX_SYS_THREAD_RESUME, THREAD_OWN, 0, 0, 0, 0);
	DONE(BX_SYS_THREAD_STOP, THREAD_OWN, 0, 0, 0, 0);
	ck_assert_uint_eq(other->state, BX_THREAD_STOPPED);
	DONE(BX_SYS_THREAD_RESUME, THREAD_OWN, 0, 0, 0, 0);
	ck_assert_uint_eq(other->state, BX_THREAD_READY);
	DONE(BX_SYS_THREAD_PRIORITY, THREAD_OWN, 12, 0, 0, 0);
	ck_assert_uint_eq(other->priority, 12);
	ck_assert_uint_eq(world_current(&world), 3);
	ck_assert_int_eq(world_call(&world, BX_SYS_THREAD_PRIORITY, THREAD_OWN, 9, 0), BX_OK);
	REFUSED(BX_ERR_RANGE, BX_SYS_THREAD_PRIORITY, THREAD_OWN, 13, 0, 0, 0);
	REFUSED(BX_ERR_RANGE, BX_SYS_THREAD_PRIORITY, THREAD_OWN, 1ull << 32, 0, 0, 0);
}
END_TEST

/* What is done with a thread is on record, its own or another's, also by its last use, and nothing is when
 * nothing was done. */
START_TEST(sys4_control_is_recorded)
{
	uint64_t next = world.core->audit_next;

	DONE(BX_SYS_THREAD_START, THREAD_OWN, 0x400000, ELF_DATA + 64, 77, 0);
	controlled(THREAD_OWN, 3, BX_SYS_THREAD_START, 0x400000);
	DONE(BX_SYS_THREAD_STOP, THREAD_OWN, 0, 0, 0, 0);
	controlled(THREAD_OWN, 3, BX_SYS_THREAD_STOP, 0);
	DONE(BX_SYS_THREAD_PRIORITY, THREAD_OTHER, 9, 0, 0, 0);
	controlled(THREAD_OTHER, 5, BX_SYS_THREAD_PRIORITY, 9);
	DONE(BX_SYS_THREAD_START, THREAD_OTHER, 0x400010, ELF_DATA, 0, 0);
	controlled(THREAD_OTHER, 5, BX_SYS_THREAD_START, 0x400010);
	DONE(BX_SYS_THREAD_STOP, THREAD_OTHER, 0, 0, 0, 0);
	controlled(THREAD_OTHER, 5, BX_SYS_THREAD_STOP, 0);
	cap(1, THREAD_OTHER)->uses = 1;
	DONE(BX_SYS_THREAD_RESUME, THREAD_OTHER, 0x77, 0, 0, 0);
	controlled(THREAD_OTHER, 5, BX_SYS_THREAD_RESUME, 0);
	ck_assert_uint_eq(world.core->audit_next, next + 6);
	REFUSED(BX_ERR_STATE, BX_SYS_THREAD_STOP, THREAD_OWN, 0, 0, 0, 0);
	ck_assert_uint_eq(world.core->audit_next, next + 6);
	REFUSED(BX_ERR_CAP_USED_UP, BX_SYS_THREAD_STOP, THREAD_OTHER, 0, 0, 0, 0);
	ck_assert_uint_eq(last_record()->kind, BX_AUDIT_REFUSED);
	cap(1, THREAD_OTHER)->uses = BX_CAP_USES_UNLIMITED;
}
END_TEST

/* ---- devices */

START_TEST(sys5_ports_and_power)
{
	/* The grant covers 0x3fa..0x3fd. */
	world.machine.port_value = 0x12345678;
	DONE(BX_SYS_PORT_IN, PORTS, 0x3fa, 4, 0, 0);
	ck_assert_uint_eq(world.machine.port, 0x3fa);
	ck_assert_uint_eq(result()->value[0], 0x12345678);
	DONE(BX_SYS_PORT_OUT, PORTS, 0x3fd, 1, 0xab, 0);
	ck_assert_uint_eq(world.machine.port_written, 0xab);
	ck_assert_uint_eq(world.machine.port_width, 1);
	REFUSED(BX_ERR_RANGE, BX_SYS_PORT_IN, PORTS, 0x3f9, 1, 0, 0);
	REFUSED(BX_ERR_RANGE, BX_SYS_PORT_IN, PORTS, 0x3fe, 1, 0, 0);
	REFUSED(BX_ERR_RANGE, BX_SYS_PORT_IN, PORTS, 0x3fd, 2, 0, 0);
	REFUSED(BX_ERR_RANGE, BX_SYS_PORT_IN, PORTS, 0x103fa, 1, 0, 0);
	REFUSED(BX_ERR_RANGE, BX_SYS_PORT_IN, PORTS, UINT64_MAX, 4, 0, 0);
	REFUSED(BX_ERR_INVALID, BX_SYS_PORT_IN, PORTS, 0x3fa, 3, 0, 0);
	REFUSED(BX_ERR_INVALID, BX_SYS_PORT_OUT, PORTS, 0x3fa, 0, 0, 0);
	REFUSED(BX_ERR_INVALID, BX_SYS_PORT_OUT, PORTS, 0x3fa, 8, 0, 0);
	REFUSED(BX_ERR_RANGE, BX_SYS_PORT_OUT, PORTS, 0x3fa, 1, 0x100, 0);
	REFUSED(BX_ERR_RANGE, BX_SYS_PORT_OUT, PORTS, 0x3fa, 4, 1ull << 32, 0);
	ck_assert_uint_eq(world.machine.port_reads, 1);
	ck_assert_uint_eq(world.machine.port_writes, 1);
	REFUSED(BX_ERR_INVALID, BX_SYS_POWER, POWER, 0, 0, 0, 0);
	REFUSED(BX_ERR_INVALID, BX_SYS_POWER, POWER, 3, 0, 0, 0);
	ck_assert_uint_eq(world.machine.power, 0);
	REFUSED(BX_ERR_UNSUPPORTED, BX_SYS_POWER, POWER, BX_POWER_RESET, 0, 0, 0);
	ck_assert_uint_eq(world.machine.power, BX_POWER_RESET);
	ck_assert_uint_eq(last_record()->kind, BX_AUDIT_POWER);
	REFUSED(BX_ERR_CAP_EMPTY, BX_SYS_IRQ_BIND, IRQ, FREE_SLOT, 0, 0, 0);
	cap(1, NOTE)->badge = 0;
	REFUSED(BX_ERR_INVALID, BX_SYS_IRQ_BIND, IRQ, NOTE, 0, 0, 0);
	REFUSED(BX_ERR_INVALID, BX_SYS_SIGNAL, NOTE, 0, 0, 0, 0);
}
END_TEST

/* A line is silenced by the end of its binder's right, not by that of another holder. */
START_TEST(sys5_irq_is_its_binders)
{
	uint32_t first = world.core->programs[2].space.first_slot, parent;
	struct bx_removal removal = { .left = BX_REMOVAL_STEP };

	DONE(BX_SYS_IRQ_BIND, IRQ, NOTE, 0, 0, 0);
	ck_assert_int_eq(bx_capability_remove_leaf(world.core, first + IRQ, &parent, &removal),
	    BX_OK);
	world_stop(&world, 3, BX_PROGRAM_KILLED);
	ck_assert(world.machine.irq_unmasked[4]);
	DONE(BX_SYS_IRQ_ACK, IRQ, 0, 0, 0, 0);
	DONE(BX_SYS_CAP_DELETE, IRQ, 0, 0, 0, 0);
	ck_assert(!world.machine.irq_unmasked[4]);
	ck_assert_uint_eq(world.core->irqs[0].notification, BX_NONE);
}
END_TEST

/* ---- programs */

START_TEST(sys6_spawn_and_kill)
{
	struct bx_info_program info;
	char text[] = "hello";

	/* The grant covers programs 2 and 3. */
	REFUSED(BX_ERR_RANGE, BX_SYS_KILL, SPAWN, 1, 0, 0, 0);
	REFUSED(BX_ERR_RANGE, BX_SYS_KILL, SPAWN, 4, 0, 0, 0);
	REFUSED(BX_ERR_RANGE, BX_SYS_SPAWN, SPAWN, 1ull << 32, 0, 0, 0);
	REFUSED(BX_ERR_STATE, BX_SYS_SPAWN, SPAWN, 3, 0, 0, 0);
	DONE(BX_SYS_KILL, SPAWN, 3, 0, 0, 0);
	ck_assert_uint_eq(world.core->programs[3].state, BX_PROGRAM_KILLED);
	REFUSED(BX_ERR_STATE, BX_SYS_KILL, SPAWN, 3, 0, 0, 0);
	REFUSED(BX_ERR_RANGE, BX_SYS_SPAWN, SPAWN, 3, AT, BX_SPAWN_ARGUMENT_MAX + 1, 0);
	REFUSED(BX_ERR_ADDRESS, BX_SYS_SPAWN, SPAWN, 3, NOWHERE, 1, 0);
	user_put(&world, 1, AT, text, sizeof text);
	world.machine.interrupt_every = 1;
	DONE(BX_SYS_SPAWN, SPAWN, 3, AT, sizeof text, 0);
	world.machine.interrupt_every = 0;
	ck_assert_uint_eq(world.core->programs[3].state, BX_PROGRAM_RUNNING);
	user_get(&world, 3, world.core->threads[6].context.value[2], text, 1);
	DONE(BX_SYS_PROGRAM_INFO, SPAWN, 3, AT, 0, 0);
	ck_assert_uint_eq(result()->value[0], sizeof info);
	user_get(&world, 1, AT, &info, sizeof info);
	ck_assert_str_eq(info.name, "d");
	ck_assert_uint_eq(info.starts, 2);
	ck_assert_uint_eq(info.slots_used, 15);
	ck_assert_uint_eq(info.threads, 2);
	REFUSED(BX_ERR_ADDRESS, BX_SYS_PROGRAM_INFO, SPAWN, 3, 0x400000, 0, 0);
	/* A program that does not fit is refused, and everything is taken back. */
	DONE(BX_SYS_KILL, SPAWN, 3, 0, 0, 0);
	world.core->programs[3].frame_quota = 10;
	REFUSED(BX_ERR_QUOTA, BX_SYS_SPAWN, SPAWN, 3, AT, 0, 0);
	world.core->programs[3].frame_quota = 40;
	world.core->programs[3].frame_quota = 27;
	REFUSED(BX_ERR_QUOTA, BX_SYS_SPAWN, SPAWN, 3, AT, 0, 0);
}
END_TEST

/* A start is one act, and spends one use, however many steps it takes. */
START_TEST(sys6_one_use_starts_one_program)
{
	DONE(BX_SYS_KILL, SPAWN, 3, 0, 0, 0);
	cap(1, SPAWN)->uses = 1;
	world.machine.interrupt_every = (unsigned)_i;
	DONE(BX_SYS_SPAWN, SPAWN, 3, AT, 0, 0);
	world.machine.interrupt_every = 0;
	ck_assert_uint_eq(world.core->programs[3].state, BX_PROGRAM_RUNNING);
	ck_assert_uint_eq(cap(1, SPAWN)->uses, 0);
	REFUSED(BX_ERR_CAP_USED_UP, BX_SYS_KILL, SPAWN, 3, 0, 0, 0);
}
END_TEST

/* What was allowed at the first step is finished: nothing is left half started, busy for all others,
 * by a right that goes on the way. */
START_TEST(sys6_spawner_loses_its_right)
{
	DONE(BX_SYS_KILL, SPAWN, 3, 0, 0, 0);
	world_run_until(&world, WHO);
	world.machine.interrupt_every = 1;
	(void)world_call(&world, BX_SYS_SPAWN, SPAWN, 3, AT);
	ck_assert_uint_eq(world.core->threads[WHO].restart, 1);
	if (_i == 0)
		cap(1, SPAWN)->expiry = 1;
	else
		(void)bx_cap_leaf_remove(&world.core->forest,
		    world.core->programs[1].space.first_slot + SPAWN);
	world.machine.interrupt_every = 0;
	world_run_until(&world, WHO);
	ck_assert_int_eq(world_result(&world, WHO), BX_OK);
	ck_assert_uint_eq(world.core->programs[3].state, BX_PROGRAM_RUNNING);
}
END_TEST

/* A program that is being started can be killed: its starter is told, and does not begin anew. */
START_TEST(sys6_kill_during_a_start)
{
	struct bx_kcore *core = world.core;

	DONE(BX_SYS_KILL, SPAWN, 3, 0, 0, 0);
	world_run_until(&world, WHO);
	world.machine.interrupt_every = 1;
	(void)world_call(&world, BX_SYS_SPAWN, SPAWN, 3, AT);
	ck_assert_uint_eq(core->threads[WHO].restart, 1);
	world.machine.interrupt_every = 0;
	/* Program 2 kills it: by a system call of its own before the starter's goes on. */
	core->cpu.current = BX_NONE;
	bx_thread_unready(core, &core->threads[4]);
	core->cpu.current = 4;
	core->threads[4].context.number = BX_SYS_KILL;
	core->threads[4].context.value[0] = SPAWN;
	core->threads[4].context.value[1] = 3;
	bx_syscall_run(core);
	ck_assert_str_eq(bx_err_name(world_result(&world, 4)), "BX_OK");
	ck_assert_uint_eq(core->programs[3].state, BX_PROGRAM_ENDING);
	world.context = bx_sched_dispatch(core);
	world_run_until(&world, WHO);
	ck_assert_str_eq(bx_err_name(world_result(&world, WHO)), "BX_ERR_CANCELLED");
	ck_assert_uint_eq(core->programs[3].state, BX_PROGRAM_KILLED);
	ck_assert_uint_eq(core->programs[3].starts, 1);
	DONE(BX_SYS_SPAWN, SPAWN, 3, AT, 0, 0);
	ck_assert_uint_eq(core->programs[3].state, BX_PROGRAM_RUNNING);
}
END_TEST

/* Killing oneself does not come back. */
START_TEST(sys6_kill_and_exit_oneself)
{
	cap(1, SPAWN)->first = 0;
	cap(1, SPAWN)->count = 4;
	world_run_until(&world, WHO);
	if (_i == 0)
		world_call(&world, BX_SYS_KILL, SPAWN, 1, 0);
	else
		world_call(&world, BX_SYS_EXIT, (uint64_t)-5, 0, 0);
	ck_assert_uint_ne(world_current(&world), WHO);
	ck_assert_uint_eq(world.core->programs[1].state,
	    _i == 0 ? BX_PROGRAM_KILLED : BX_PROGRAM_EXITED);
	if (_i == 1)
		ck_assert_int_eq(world.core->programs[1].exit_code, -5);
	ck_assert_uint_eq(record_before(1)->kind, _i == 0 ? BX_AUDIT_KILL : BX_AUDIT_EXIT);
	ck_assert_uint_eq(record_before(1)->program, 1);
	ck_assert_uint_eq(last_record()->kind, BX_AUDIT_END);
	ck_assert_uint_eq(last_record()->program, 1);
	ck_assert_uint_eq(last_record()->a, _i == 0 ? BX_PROGRAM_KILLED : BX_PROGRAM_EXITED);
	ck_assert_uint_eq(last_record()->b, 15);
}
END_TEST

/* ---- observation */

/* What INSPECT may show, one at a time. */
union shown {
	struct bx_info_system system;
	struct bx_info_program program;
	struct bx_info_thread thread;
	struct bx_info_cap cap;
	struct bx_info_endpoint endpoint;
	struct bx_info_pool pool;
};

START_TEST(sys7_inspect_system)
{
	union shown info;
	uint32_t used = 0;

	world.machine.interrupt_every = 1;
	DONE(BX_SYS_INSPECT, AUDIT, BX_INSPECT_SYSTEM, 0, AT, sizeof info);
	world.machine.interrupt_every = 0;
	user_get(&world, 1, AT, &info, sizeof info);
	ck_assert_uint_eq(result()->value[0], sizeof info.system);
	ck_assert_str_eq(info.system.system_name, "driver");
	ck_assert_str_eq(info.system.version, BX_VERSION);
	ck_assert_uint_eq(info.system.program_count, PROGRAMS);
	ck_assert_uint_eq(info.system.frames_free, world.core->frames_free_count);
	ck_assert_uint_eq(info.system.ticks_per_second, WORLD_TICKS);
	for (uint32_t i = 0; i < world.core->forest.slot_count; i++)
		used += world.core->forest.slots[i].cap.type != BX_CAP_NONE;
	ck_assert_uint_eq(info.system.slots_used, used);
	REFUSED(BX_ERR_RANGE, BX_SYS_INSPECT, AUDIT, BX_INSPECT_SYSTEM, 1, AT, 500);
	/* A smaller buffer gets the beginning. */
	DONE(BX_SYS_INSPECT, AUDIT, BX_INSPECT_SYSTEM, 0, AT, 8);
	ck_assert_uint_eq(result()->value[0], 8);
}
END_TEST

START_TEST(sys7_inspect_programs_and_threads)
{
	union shown info;

	DONE(BX_SYS_INSPECT, AUDIT, BX_INSPECT_PROGRAM, 2, AT, sizeof info);
	user_get(&world, 1, AT, &info, sizeof info);
	ck_assert_str_eq(info.program.name, "c");
	ck_assert_uint_eq(info.program.state, BX_PROGRAM_RUNNING);
	ck_assert_uint_eq(info.program.slots_used, 15);
	REFUSED(BX_ERR_RANGE, BX_SYS_INSPECT, AUDIT, BX_INSPECT_PROGRAM, PROGRAMS, AT, 500);

	DONE(BX_SYS_INSPECT, AUDIT, BX_INSPECT_THREAD, WHO, AT, sizeof info);
	user_get(&world, 1, AT, &info, sizeof info);
	ck_assert_uint_eq(info.thread.program, 1);
	ck_assert_uint_eq(info.thread.state, BX_THREAD_READY);
	ck_assert_uint_eq(info.thread.partner, BX_SLOT_NONE);
	REFUSED(BX_ERR_RANGE, BX_SYS_INSPECT, AUDIT, BX_INSPECT_THREAD, 8, AT, 500);
	world_stop(&world, 3, BX_PROGRAM_KILLED);
	REFUSED(BX_ERR_NOT_FOUND, BX_SYS_INSPECT, AUDIT, BX_INSPECT_THREAD, 6, AT, 500);
}
END_TEST

START_TEST(sys7_inspect_capabilities)
{
	union shown info;

	world_run_until(&world, WHO);
	world.context->word[0] = AT;
	world.context->word[1] = sizeof info;
	world.context->word[2] = NOTE;
	ck_assert_int_eq(world_call(&world, BX_SYS_INSPECT, AUDIT, BX_INSPECT_CAP, 2), BX_OK);
	user_get(&world, 1, AT, &info, sizeof info);
	ck_assert_uint_eq(info.cap.type, BX_CAP_NOTIFICATION);
	ck_assert_uint_eq(info.cap.badge, 1u << 2);
	ck_assert_uint_eq(info.cap.stale, 0);
	ck_assert_str_eq(info.cap.object_name, "note");
	ck_assert_str_eq(info.cap.name, "c3");
	world.context->word[2] = FREE_SLOT;
	ck_assert_int_eq(world_call(&world, BX_SYS_INSPECT, AUDIT, BX_INSPECT_CAP, 2),
	    BX_ERR_NOT_FOUND);
	world.context->word[2] = SLOTS;
	ck_assert_int_eq(world_call(&world, BX_SYS_INSPECT, AUDIT, BX_INSPECT_CAP, 2), BX_ERR_RANGE);
	world.context->word[2] = 0;
	ck_assert_int_eq(world_call(&world, BX_SYS_INSPECT, AUDIT, BX_INSPECT_CAP, PROGRAMS),
	    BX_ERR_RANGE);
}
END_TEST

START_TEST(sys7_inspect_queues)
{
	union shown info;

	DONE(BX_SYS_INSPECT, AUDIT, BX_INSPECT_ENDPOINT, 1, AT, sizeof info);
	user_get(&world, 1, AT, &info, sizeof info);
	ck_assert_str_eq(info.endpoint.name, "ep-b");
	ck_assert_uint_eq(info.endpoint.server, BX_SLOT_NONE);
	REFUSED(BX_ERR_RANGE, BX_SYS_INSPECT, AUDIT, BX_INSPECT_ENDPOINT, 3, AT, 500);
	DONE(BX_SYS_SIGNAL, NOTE, 0, 0, 0, 0);
	DONE(BX_SYS_INSPECT, AUDIT, BX_INSPECT_NOTIFICATION, 0, AT, sizeof info);
	user_get(&world, 1, AT, &info, sizeof info);
	ck_assert_uint_eq(info.endpoint.bits, 1u << 1);
	ck_assert_uint_eq(info.endpoint.messages, 1);
	REFUSED(BX_ERR_RANGE, BX_SYS_INSPECT, AUDIT, BX_INSPECT_NOTIFICATION, 2, AT, 500);
}
END_TEST

START_TEST(sys7_inspect_pools)
{
	union shown info;
	uint32_t pools = 0;

	while (ask(BX_SYS_INSPECT, AUDIT, BX_INSPECT_POOL, pools, AT, sizeof info) == BX_OK) {
		user_get(&world, 1, AT, &info, sizeof info);
		ck_assert_uint_le(info.pool.used, info.pool.total);
		ck_assert_str_ne(info.pool.name, "");
		ck_assert_uint_ne(info.pool.object_size, 0);
		pools++;
	}
	ck_assert_uint_eq(pools, 10);
	ck_assert_int_eq(world_result(&world, WHO), BX_ERR_RANGE);
	REFUSED(BX_ERR_INVALID, BX_SYS_INSPECT, AUDIT, 0, 0, AT, 500);
	REFUSED(BX_ERR_INVALID, BX_SYS_INSPECT, AUDIT, 8, 0, AT, 500);
	REFUSED(BX_ERR_ADDRESS, BX_SYS_INSPECT, AUDIT, BX_INSPECT_SYSTEM, 0, NOWHERE, 500);
}
END_TEST

/* Reads on, from record `from`, until there is no more; returns the number of the next. */
static uint64_t
read_all(uint64_t from)
{
	do {
		DONE(BX_SYS_AUDIT_READ, AUDIT, from, AT, 64 * sizeof(struct bx_audit_record), 0);
		from = result()->value[1] + result()->value[0];
	} while (result()->value[0] > 0);
	return from;
}

/* A launch: each capability that is granted, then the start, by whom. */
START_TEST(sys7_launches_are_recorded)
{
	struct bx_audit_record records[64];
	uint32_t program = 0;

	DONE(BX_SYS_AUDIT_READ, AUDIT, 0, AT, sizeof records, 0);
	ck_assert_uint_eq(result()->value[0], 64);
	user_get(&world, 1, AT, records, sizeof records);
	ck_assert_uint_eq(records[0].kind, BX_AUDIT_BOOT);
	for (unsigned i = 1; i < 64; i++) {
		const struct bx_audit_record *record = &records[i];
		uint32_t slot = (i - 1) % 16;

		ck_assert_uint_eq(record->sequence, i);
		if (slot == 15) {
			ck_assert_uint_eq(record->kind, BX_AUDIT_SPAWN);
			ck_assert_uint_eq(record->other, program);
			ck_assert_uint_eq(record->a, ELF_ENTRY);
			ck_assert_uint_eq(record->b, bx_get_be64(world.core->programs[program].state_hash));
			ck_assert_uint_eq(record->c, 1);
			program++;
			continue;
		}
		ck_assert_uint_eq(record->kind, BX_AUDIT_GRANT);
		ck_assert_uint_eq(record->program, program);
		ck_assert_uint_eq(record->other, BX_NONE);
		ck_assert_uint_eq(record->a, slot);
		ck_assert_uint_eq(record->b, cap(program, slot)->badge);
		ck_assert_uint_eq(record->c, cap(program, slot)->uses);
		ck_assert_uint_eq(record->d, cap(program, slot)->type |
		    (unsigned)cap(program, slot)->rights << 8);
	}
	ck_assert_uint_eq(program, 3);
}
END_TEST

/* More than the ring holds: the oldest go, and what nobody had read is counted. */
START_TEST(sys7_audit_ring)
{
	struct bx_audit_record records[3];
	uint64_t next = read_all(0);

	ck_assert_uint_eq(next, world.core->audit_next);
	ck_assert_uint_eq(world.core->audit_read, next);
	REFUSED(BX_ERR_RANGE, BX_SYS_AUDIT_READ, AUDIT, next + 1, AT, 64, 0);
	for (unsigned i = 0; i < RING + 72; i++)
		bx_audit(world.core, BX_AUDIT_END, 2, BX_NONE, i, 0, 0);
	ck_assert_uint_eq(world.core->audit_lost, 72);
	DONE(BX_SYS_AUDIT_READ, AUDIT, 0, AT, sizeof records, 0);
	ck_assert_uint_eq(result()->value[0], 3);
	ck_assert_uint_eq(result()->value[1], next + 72);
	user_get(&world, 1, AT, records, sizeof records);
	ck_assert_uint_eq(records[2].sequence, next + 74);
	ck_assert_uint_eq(records[2].a, 74);
	ck_assert_uint_eq(world.core->audit_read, next + 75);
	REFUSED(BX_ERR_ADDRESS, BX_SYS_AUDIT_READ, AUDIT, next + 90, NOWHERE, 64, 0);
	ck_assert_uint_eq(world.core->audit_read, next + 75);
	/* Who looks at the newest has not read those before. */
	DONE(BX_SYS_AUDIT_READ, AUDIT, next + 90, AT, sizeof records, 0);
	ck_assert_uint_eq(world.core->audit_read, next + 75);
	/* A call gives a page of records at most. */
	DONE(BX_SYS_AUDIT_READ, AUDIT, 0, AT, 6400, 0);
	ck_assert_uint_eq(result()->value[0], 64);
}
END_TEST

/* A program fills its share of the ring and no more, until all of that has been read; every record that
 * was not kept is counted, and nobody else's share is touched. */
START_TEST(sys7_a_flood_washes_nothing_away)
{
	const uint64_t share = RING / 2 / PROGRAMS;
	uint64_t next = read_all(0);

	for (unsigned i = 0; i < 3 * RING; i++)
		REFUSED(BX_ERR_SYSCALL, 12, 0, 0, 0, 0, 0);
	ck_assert_uint_eq(world.core->audit_next, next + share + 1);
	ck_assert_uint_eq(world.core->audit_dropped, 3 * RING - share);
	ck_assert_uint_eq(world.core->programs[1].audit_dropped_ever, 3 * RING - share);
	ck_assert_uint_eq(world.core->audit_lost, 0);
	ck_assert_uint_eq(world.core->audit[next & (RING - 1)].kind, BX_AUDIT_REFUSED);
	RECORDED(BX_AUDIT_SHARE, SLOTS, 0, 0, 0);
	/* Another's refusals are kept, and so are ends. */
	bx_audit_refusal(world.core, 2, BX_SYS_SIGNAL, NOTE, BX_ERR_CAP_RIGHTS);
	ck_assert_uint_eq(last_record()->program, 2);
	ck_assert_uint_eq(last_record()->kind, BX_AUDIT_REFUSED);
	ck_assert_uint_eq(last_record()->d & 0xff, BX_CAP_NOTIFICATION);
	bx_audit(world.core, BX_AUDIT_EXIT, 1, BX_NONE, 0, 0, 0);
	ck_assert_uint_eq(last_record()->kind, BX_AUDIT_EXIT);
	/* All but the last of its records read: nothing is kept yet. */
	DONE(BX_SYS_AUDIT_READ, AUDIT, next, AT, 64 * sizeof(struct bx_audit_record), 0);
	next = world.core->audit_next;
	REFUSED(BX_ERR_SYSCALL, 12, 0, 0, 0, 0, 0);
	ck_assert_uint_eq(world.core->audit_next, next);
	/* All of them: it is told how many there were, and then the next. */
	(void)read_all(world.core->audit_read);
	REFUSED(BX_ERR_SYSCALL, 12, 0, 0, 0, 0, 0);
	RECORDED(BX_AUDIT_REFUSED, EP_A, 12, BX_ERR_SYSCALL, 0);
	ck_assert_uint_eq(record_before(1)->kind, BX_AUDIT_SHARE);
	ck_assert_uint_eq(record_before(1)->a, 3 * RING - share + 1);
}
END_TEST

/* Who controls threads all day pays from its share, too. */
START_TEST(sys7_a_flood_of_control)
{
	const uint64_t share = RING / 2 / PROGRAMS;
	uint64_t next = read_all(0);

	for (unsigned i = 0; i < share; i++)
		DONE(BX_SYS_THREAD_PRIORITY, THREAD_OTHER, 9 + i % 2, 0, 0, 0);
	ck_assert_uint_eq(world.core->audit_next, next + share);
	ck_assert_uint_eq(world.core->audit_dropped, 0);
	DONE(BX_SYS_THREAD_PRIORITY, THREAD_OTHER, 10, 0, 0, 0);
	RECORDED(BX_AUDIT_SHARE, SLOTS, 0, 0, 0);
	ck_assert_uint_eq(world.core->audit_dropped, 1);
}
END_TEST

/* That a range is missed is a refusal where the range is what was granted, and only there. */
START_TEST(sys7_missed_ranges_are_refusals)
{
	uint64_t next = world.core->audit_next;

	REFUSED(BX_ERR_RANGE, BX_SYS_SPAWN, SPAWN, 1, 0, 0, 0);
	RECORDED(BX_AUDIT_REFUSED, SPAWN, BX_SYS_SPAWN, BX_ERR_RANGE, SPAWN);
	REFUSED(BX_ERR_RANGE, BX_SYS_KILL, SPAWN, 1, 0, 0, 0);
	RECORDED(BX_AUDIT_REFUSED, SPAWN, BX_SYS_KILL, BX_ERR_RANGE, SPAWN);
	REFUSED(BX_ERR_RANGE, BX_SYS_PORT_IN, PORTS, 1, 1, 0, 0);
	RECORDED(BX_AUDIT_REFUSED, PORTS, BX_SYS_PORT_IN, BX_ERR_RANGE, PORTS);
	ck_assert_uint_eq(world.core->audit_next, next + 3);
	REFUSED(BX_ERR_RANGE, BX_SYS_PROGRAM_INFO, SPAWN, 1, AT, 0, 0);
	REFUSED(BX_ERR_RANGE, BX_SYS_INSPECT, AUDIT, BX_INSPECT_PROGRAM, 99, AT, 500);
	ck_assert_uint_eq(world.core->audit_next, next + 3);
}
END_TEST

START_TEST(sys7_clock)
{
	DONE(BX_SYS_CLOCK_INFO, 0, 0, 0, 0, 0);
	ck_assert_uint_eq(result()->value[0], WORLD_TICKS);
	ck_assert_uint_eq(result()->value[1], world.core->boot_ticks);
}
END_TEST

Suite *
suite_sys(void)
{
	Suite *suite = suite_create("kcore-sys");
	TCase *tcase = tcase_create("all");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, sys1_unknown_numbers);
	tcase_add_test(tcase, sys1_every_capability_is_checked);
	tcase_add_test(tcase, sys1_names_of_a_program);
	tcase_add_test(tcase, sys2_derive_copy_move);
	tcase_add_test(tcase, sys2_unsealed_space);
	tcase_add_test(tcase, sys2_delete_and_info);
	tcase_add_test(tcase, sys2_recharge);
	tcase_add_test(tcase, sys3_map_and_unmap);
	tcase_add_loop_test(tcase, sys3_map_loses_its_right, 0, 5);
	tcase_add_test(tcase, sys3_map_is_stopped);
	tcase_add_test(tcase, sys3_map_in_steps);
	tcase_add_test(tcase, sys3_map_refusals);
	tcase_add_test(tcase, sys4_threads);
	tcase_add_test(tcase, sys4_control_is_recorded);
	tcase_add_test(tcase, sys5_ports_and_power);
	tcase_add_test(tcase, sys5_irq_is_its_binders);
	tcase_add_test(tcase, sys6_spawn_and_kill);
	tcase_add_loop_test(tcase, sys6_one_use_starts_one_program, 0, 2);
	tcase_add_loop_test(tcase, sys6_spawner_loses_its_right, 0, 2);
	tcase_add_test(tcase, sys6_kill_during_a_start);
	tcase_add_loop_test(tcase, sys6_kill_and_exit_oneself, 0, 2);
	tcase_add_test(tcase, sys7_inspect_system);
	tcase_add_test(tcase, sys7_inspect_programs_and_threads);
	tcase_add_test(tcase, sys7_inspect_capabilities);
	tcase_add_test(tcase, sys7_inspect_queues);
	tcase_add_test(tcase, sys7_inspect_pools);
	tcase_add_test(tcase, sys7_launches_are_recorded);
	tcase_add_test(tcase, sys7_audit_ring);
	tcase_add_test(tcase, sys7_a_flood_washes_nothing_away);
	tcase_add_test(tcase, sys7_a_flood_of_control);
	tcase_add_test(tcase, sys7_missed_ranges_are_refusals);
	tcase_add_test(tcase, sys7_clock);
	suite_add_tcase(suite, tcase);
	return suite;
}
