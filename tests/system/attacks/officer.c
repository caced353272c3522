/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * officer.c -- a hostile program with authority of every kind: audit, spawn, ports, an interrupt, memory, a
 * thread, its own space; all over things that nobody else has.  So its calls get past the capability
 * check, and what lies behind meets every kind of argument.
 *
 *	run officer calls SEED	a million random calls, most of them nearly right; none that would end
 *				the program or take something from it
 *	run officer wild SEED	these too, until it has nothing left, or has faulted, or ended
 *	run officer flood	more records than the audit ring holds
 *	run officer ports	every port around those that it has
 *	run officer spawns	every program but those that it may start
 *	run officer irq		an interrupt, bound to what it may not signal
 *	run officer peer-dies	calls of a program that ends instead of answering
 *
 * Whatever must not happen is reported by a line that begins with "BREACH"; "officer: contained" is
 * the last line of a run that was not ended by a fault, or by the loss of the console.
 */
#include "attack.h"

#define CALLS		1000000u
#define WILD_CALLS	300000u
#define BUFFER_SIZE	8192u
#define RECORDS		4096u		/* of the audit ring, in the manifest */

/* What an argument is when it is nearly right. */
enum kind {
	ANY, CAPABILITY, REPLY, POINTER, LENGTH, SMALL, PROGRAM, PORT, WIDTH, DEADLINE, ADDRESS, FLAGS,
	ENTRY, STACK
};

/* Where the kernel may write at will.  Nothing else is in the program's variables. */
struct playground {
	_Alignas(16) uint8_t buffer[BUFFER_SIZE];
	uint8_t beyond[0x11000];	/* lengths up to 64 KiB, from anywhere in the buffer */
	_Alignas(16) uint8_t stack[4096];
};

struct officer {
	struct attacker attacker;
	struct playground *playground;
	uint64_t structure;		/* the last one made in the buffer */
	bool wild;
	unsigned accepted[BX_SYS_COUNT];
};

/* A call, the name of the capability it takes, and its arguments: values 1 and 2, words 0 to 2. */
struct shape {
	uint8_t number;
	bool wild;			/* may end the program, or take something from it */
	const char *capability;		/* NULL: any */
	uint8_t kinds[5];
};

static const struct shape shapes[] = {
	{ BX_SYS_NULL, false, NULL, { ANY, ANY, ANY, ANY, ANY } },
	{ BX_SYS_CALL, false, "echo", { SMALL, DEADLINE, ANY, ANY, ANY } },
	{ BX_SYS_CALL, false, "inbox", { ANY, DEADLINE, ANY, ANY, ANY } },
	{ BX_SYS_SEND, false, "echo", { SMALL, DEADLINE, ANY, ANY, ANY } },
	{ BX_SYS_RECEIVE, false, "inbox", { ANY, DEADLINE, ANY, ANY, ANY } },
	{ BX_SYS_REPLY, false, NULL, { ANY, ANY, ANY, ANY, ANY } },
	{ BX_SYS_REPLY_RECEIVE, false, "inbox", { ANY, DEADLINE, ANY, ANY, ANY } },
	{ BX_SYS_SIGNAL, false, "bell", { ANY, ANY, ANY, ANY, ANY } },
	{ BX_SYS_WAIT, false, "bell", { ANY, DEADLINE, ANY, ANY, ANY } },
	{ BX_SYS_NOTIFICATION_BIND, false, "bell", { ANY, ANY, ANY, ANY, ANY } },
	{ BX_SYS_EXIT, true, NULL, { ANY, ANY, ANY, ANY, ANY } },
	{ BX_SYS_SLEEP, false, NULL, { ANY, DEADLINE, ANY, ANY, ANY } },
	{ BX_SYS_CAP_DERIVE, false, NULL, { ANY, ANY, ANY, ANY, ANY } },
	{ BX_SYS_CAP_COPY, false, NULL, { CAPABILITY, ANY, ANY, ANY, ANY } },
	{ BX_SYS_CAP_MOVE, true, NULL, { CAPABILITY, ANY, ANY, ANY, ANY } },
	{ BX_SYS_CAP_DELETE, true, NULL, { ANY, ANY, ANY, ANY, ANY } },
	{ BX_SYS_CAP_REVOKE, false, NULL, { ANY, ANY, ANY, ANY, ANY } },
	{ BX_SYS_CAP_RECHARGE, false, NULL, { CAPABILITY, CAPABILITY, SMALL, ANY, ANY } },
	{ BX_SYS_CAP_INFO, false, NULL, { ANY, ANY, ANY, ANY, ANY } },
	{ BX_SYS_MAP, false, "memory", { ADDRESS, SMALL, SMALL, FLAGS, ANY } },
	{ BX_SYS_UNMAP, false, "memory", { ANY, SMALL, SMALL, ANY, ANY } },
	{ BX_SYS_THREAD_START, false, "worker", { ENTRY, STACK, ANY, ANY, ANY } },
	{ BX_SYS_THREAD_START, true, "worker", { ADDRESS, ANY, ANY, ANY, ANY } },
	{ BX_SYS_THREAD_STOP, false, "worker", { ANY, ANY, ANY, ANY, ANY } },
	{ BX_SYS_THREAD_RESUME, false, "worker", { ANY, ANY, ANY, ANY, ANY } },
	{ BX_SYS_THREAD_PRIORITY, false, "worker", { SMALL, ANY, ANY, ANY, ANY } },
	{ BX_SYS_IRQ_BIND, false, "line", { CAPABILITY, ANY, ANY, ANY, ANY } },
	{ BX_SYS_IRQ_ACK, false, "line", { ANY, ANY, ANY, ANY, ANY } },
	{ BX_SYS_PORT_IN, false, "ports", { PORT, WIDTH, ANY, ANY, ANY } },
	{ BX_SYS_PORT_OUT, false, "ports", { PORT, WIDTH, ANY, ANY, ANY } },
	{ BX_SYS_SPAWN, false, "spawn", { PROGRAM, POINTER, LENGTH, ANY, ANY } },
	{ BX_SYS_KILL, false, "spawn", { PROGRAM, ANY, ANY, ANY, ANY } },
	{ BX_SYS_PROGRAM_INFO, false, "spawn", { PROGRAM, POINTER, ANY, ANY, ANY } },
	{ BX_SYS_INSPECT, false, "audit", { SMALL, SMALL, POINTER, LENGTH, SMALL } },
	{ BX_SYS_INSPECT, false, "audit", { SMALL, SMALL, POINTER, LENGTH, SMALL } },
	{ BX_SYS_AUDIT_READ, false, "audit", { ANY, POINTER, LENGTH, ANY, ANY } },
	{ BX_SYS_CLOCK_INFO, false, NULL, { ANY, ANY, ANY, ANY, ANY } },
	{ BX_SYS_POWER, false, NULL, { SMALL, ANY, ANY, ANY, ANY } },
};

BX_NORETURN static void
worker(uint64_t argument)
{
	(void)argument;
	for (;;)
		bx_sys_sleep(bx_sys_deadline_far());
}

static uint64_t
nearly_right(struct officer *officer, enum kind kind)
{
	uint64_t random = random_next(&officer->attacker);

	switch (kind) {
	case CAPABILITY:
		return random % (officer->attacker.sys->launch->entry_count + 3u);
	case REPLY:
		return officer->attacker.sys->launch->reply_first + random % 3;
	case POINTER:
		return (random & 1) != 0 ? (uint64_t)(uintptr_t)officer->playground->buffer +
		    ((random >> 8) & 0x1ff8) : odd_value(&officer->attacker);
	case LENGTH:
		return (random >> 8) & ((random & 1) != 0 ? 0x3ff : 0xffff);
	case SMALL:
		return random % 12;
	case PROGRAM:
		return officer->attacker.sys->launch->program + random % 4;
	case PORT:
		return 0xe000 + random % 18 - 1;
	case WIDTH:
		return 1ull << random % 4;
	case DEADLINE:
		/* Who waits, waits for all others of its priority. */
		return (random & 0xf) == 0 ? soon(&officer->attacker) : random >> 63;
	case ADDRESS:
		return 0x20000000 + ((random & 0xf) << 12);
	case FLAGS:
		return random & 7;
	case ENTRY:
		return (uint64_t)(uintptr_t)worker;
	case STACK:
		return (uint64_t)(uintptr_t)officer->playground->stack +
		    sizeof officer->playground->stack - 8;
	case ANY:
		break;
	}
	return odd_value(&officer->attacker);
}

static uint64_t
argument(struct officer *officer, enum kind kind)
{
	return (random_next(&officer->attacker) & 7) != 0 ? nearly_right(officer, kind) :
	    odd_value(&officer->attacker);
}

/* Somewhere in the buffer, what the kernel reads by a pointer. */
static void
structures_make(struct officer *officer)
{
	uint8_t *at = officer->playground->buffer + (random_next(&officer->attacker) & 0x1f80);

	if ((random_next(&officer->attacker) & 1) != 0) {
		struct bx_ipc_buffers *buffers = (struct bx_ipc_buffers *)(void *)at;

		buffers->send_address = argument(officer, POINTER);
		buffers->send_length = (uint32_t)argument(officer, LENGTH);
		buffers->send_slot = (random_next(&officer->attacker) & 1) != 0 ? BX_SLOT_NONE :
		    (uint32_t)argument(officer, CAPABILITY);
		buffers->receive_address = argument(officer, POINTER);
		buffers->receive_capacity = (uint32_t)argument(officer, LENGTH);
		buffers->receive_slot = (random_next(&officer->attacker) & 1) != 0 ? BX_SLOT_NONE :
		    (uint32_t)argument(officer, CAPABILITY);
	} else {
		*(struct bx_derive *)(void *)at = (struct bx_derive){
			.to = argument(officer, CAPABILITY), .rights = argument(officer, SMALL),
			.uses = argument(officer, SMALL), .badge = argument(officer, ANY),
			.expiry = argument(officer, ANY), .first = argument(officer, SMALL),
			.count = argument(officer, SMALL),
		};
	}
	officer->structure = (uint64_t)(uintptr_t)at;
}

static void
random_call(struct officer *officer, const struct shape *shape, uint32_t slot)
{
	struct registers r = { .number = shape->number };
	int64_t err;

	if ((random_next(&officer->attacker) & 7) == 0)
		structures_make(officer);
	if (shape->capability != NULL && (random_next(&officer->attacker) & 15) != 0)
		r.value[0] = slot;
	else
		r.value[0] = argument(officer, CAPABILITY);
	for (unsigned i = 0; i < 5; i++) {
		enum kind kind = (enum kind)shape->kinds[i];
		bool exact = kind == DEADLINE || (!officer->wild && (kind == ENTRY || kind == STACK));
		uint64_t value = exact ? nearly_right(officer, kind) : argument(officer, kind);

		if (i < 2)
			r.value[i + 1] = value;
		else
			r.word[i - 2] = value;
	}
	r.reply = argument(officer, REPLY);
	r.buffers = (random_next(&officer->attacker) & 1) != 0 ? officer->structure :
	    argument(officer, POINTER);
	if ((random_next(&officer->attacker) & 1) != 0)
		r.number |= (uint64_t)BX_IPC_BUFFERS << 8;
	err = call(&r);
	if (err == BX_OK)
		officer->accepted[shape->number]++;
	else if ((r.value[0] | r.value[1] | r.value[2]) != 0)
		breach(&officer->attacker, "a refused call returned values");
}

/* Whether any of the slots that the manifest filled still holds something. */
static bool
has_something(const struct bx_sys *sys)
{
	for (uint32_t i = 0; i < sys->launch->entry_count; i++)
		if (bx_sys_trap(BX_SYS_CAP_INFO, sys->launch->entries[i].slot, 0, 0, 0, 0, 0, NULL) == BX_OK)
			return true;
	return false;
}

static void
random_calls(struct officer *officer)
{
	static struct playground playground;
	uint32_t slots[BX_ARRAY_COUNT(shapes)];
	unsigned all = officer->wild ? WILD_CALLS : CALLS;

	officer->attacker.random ^= officer->attacker.parameter * 0x9e3779b97f4a7c15ull;
	officer->playground = &playground;
	structures_make(officer);
	for (size_t i = 0; i < BX_ARRAY_COUNT(shapes); i++)
		slots[i] = shapes[i].capability == NULL ? BX_SLOT_NONE :
		    slot_of(&officer->attacker, shapes[i].capability);
	for (unsigned done = 0; done < all;) {
		size_t i = random_next(&officer->attacker) % BX_ARRAY_COUNT(shapes);

		/* What ends things comes seldom, so that much else comes before. */
		if (shapes[i].wild && (!officer->wild ||
		    (random_next(&officer->attacker) & 0x3f) != 0))
			continue;
		/* A program is made and ended in a thousand times the time of other calls. */
		if ((shapes[i].number == BX_SYS_SPAWN || shapes[i].number == BX_SYS_KILL) &&
		    (random_next(&officer->attacker) & 0xf) != 0)
			continue;
		random_call(officer, &shapes[i], slots[i]);
		done++;
		if (officer->wild && done % 1000 == 0 && !has_something(officer->attacker.sys))
			return;
	}
	/* In a run that takes nothing away, each kind of authority must have been used; but nobody calls
	 * the officer, so that it has no reply to give. */
	for (size_t i = 0; !officer->wild && i < BX_ARRAY_COUNT(shapes); i++)
		if (shapes[i].capability != NULL && !shapes[i].wild &&
		    shapes[i].number != BX_SYS_REPLY_RECEIVE &&
		    officer->accepted[shapes[i].number] == 0)
			say(&officer->attacker, "BREACH: call %u was never accepted, so nothing was tested",
			    shapes[i].number);
}

static void
inspect(struct officer *officer, struct bx_info_system *info)
{
	if (bx_sys_trap(BX_SYS_INSPECT, slot_of(&officer->attacker, "audit"), BX_INSPECT_SYSTEM, 0,
	    (uint64_t)(uintptr_t)info, sizeof *info, 0, NULL) != BX_OK)
		breach(&officer->attacker, "the system could not be inspected");
}

/* Reads all that nobody has read, so that the officer's share of the ring is free. */
static void
read_all(struct officer *officer)
{
	static struct bx_audit_record records[8];
	uint64_t read[2] = { 1, 0 }, next = 0;

	for (unsigned i = 0; i < RECORDS && read[0] != 0; i++) {
		if (bx_sys_trap(BX_SYS_AUDIT_READ, slot_of(&officer->attacker, "audit"), next,
		    (uint64_t)(uintptr_t)records, sizeof records, 0, 0, read) != BX_OK) {
			breach(&officer->attacker, "the records could not be read");
			return;
		}
		next = read[1] + read[0];
	}
}

/* Two rings of refusals: those that the officer's share of the ring has place for are there, in order, the
 * others are counted, and nothing that was there before has gone. */
static void
flood(struct officer *officer)
{
	static struct bx_info_system before, after;
	static struct bx_audit_record records[8];
	uint64_t read[2], kept, dropped;

	read_all(officer);
	/* The next one tells first how many were not kept before. */
	if (bx_sys_signal(0xfff) == BX_OK)
		breach(&officer->attacker, "a forged slot was taken");
	inspect(officer, &before);
	for (unsigned i = 0; i < 2 * RECORDS; i++)
		if (bx_sys_signal(0xfff) == BX_OK)
			breach(&officer->attacker, "a forged slot was taken");
	inspect(officer, &after);
	kept = after.audit_next - before.audit_next;
	dropped = after.audit_dropped - before.audit_dropped;
	if (kept + dropped < 2 * RECORDS)
		breach(&officer->attacker, "a refusal left no record and was not counted");
	if (kept > RECORDS / 2)
		breach(&officer->attacker, "a flood took more than its share of the ring");
	if (after.audit_lost != before.audit_lost)
		breach(&officer->attacker, "a flood washed records away");
	if (bx_sys_trap(BX_SYS_AUDIT_READ, slot_of(&officer->attacker, "audit"), before.audit_next,
	    (uint64_t)(uintptr_t)records, sizeof records, 0, 0, read) != BX_OK ||
	    read[0] != BX_ARRAY_COUNT(records))
		breach(&officer->attacker, "the records could not be read");
	for (size_t i = 0; i < BX_ARRAY_COUNT(records); i++)
		if (records[i].sequence != before.audit_next + i || records[i].kind != BX_AUDIT_REFUSED)
			breach(&officer->attacker, "a record is not what was recorded");
	say(&officer->attacker, "officer: %lu records kept, %lu only counted", kept, dropped);
}

#define PORT_FIRST	0xe000u		/* in the manifest */
#define PORT_COUNT	16u

/* Read only: what is out there must not be disturbed.  Wide reads at the edge reach beyond it, too. */
static void
ports(struct officer *officer)
{
	uint32_t slot = slot_of(&officer->attacker, "ports"), value;

	for (uint32_t port = 0xdf00; port < 0xe100; port++)
		for (uint32_t width = 1; width <= 4; width *= 2) {
			bool inside = port >= PORT_FIRST && port + width <= PORT_FIRST + PORT_COUNT;

			if (bx_sys_port_in(slot, (uint16_t)port, width, &value) != (inside ? BX_OK : BX_ERR_RANGE)) {
				breach(&officer->attacker, inside ? "a port of its own was refused" :
				    "a port that is not its own was read");
				return;
			}
		}
}

/* In the manifest pawn and rook come after the officer; the system has a dozen programs. */
static void
spawns(struct officer *officer)
{
	uint32_t own = officer->attacker.sys->launch->program;

	for (uint32_t program = 0; program < 40; program++) {
		enum bx_err err;

		if (program == own + 1 || program == own + 2)
			continue;
		err = bx_sys_spawn(slot_of(&officer->attacker, "spawn"), program, NULL, 0);
		if (err != BX_ERR_RANGE)
			say(&officer->attacker, "BREACH: starting program %u: %s", program,
			    bx_err_name(err));
		err = bx_sys_kill(slot_of(&officer->attacker, "spawn"), program);
		if (err != BX_ERR_RANGE) {
			say(&officer->attacker, "BREACH: ending program %u: %s", program,
			    bx_err_name(err));
			return;
		}
	}
}

/* `ear' is the notification of `bell', to wait for only. */
static void
irq(struct officer *officer)
{
	enum bx_err err = bx_sys_irq_bind(slot_of(&officer->attacker, "line"),
	    slot_of(&officer->attacker, "ear"));

	if (err != BX_ERR_CAP_RIGHTS)
		say(&officer->attacker, "BREACH: bound without the right: %s", bx_err_name(err));
}

/* A caller is told that the pawn has died before it is taken apart, and can be started again. */
static enum bx_err
pawn_start(struct officer *officer, const char argument[4])
{
	const struct bx_sys *sys = officer->attacker.sys;
	uint64_t end = bx_sys_deadline_in_us(sys, LONG_US);
	enum bx_err err;

	for (;;) {
		err = bx_sys_spawn(slot_of(&officer->attacker, "spawn"), sys->launch->program + 1, argument, 4);
		if (err != BX_ERR_STATE || bx_sys_now() >= end)
			return err;
		bx_sys_sleep(bx_sys_deadline_in_us(sys, 1000));
	}
}

/* Starts the pawn and calls it; how the call ended. */
static enum bx_err
pawn_call(struct officer *officer, const char argument[4])
{
	struct bx_sys_words words = { .label = 1 };
	enum bx_err err = pawn_start(officer, argument);

	if (err != BX_OK)
		say(&officer->attacker, "BREACH: %s: the pawn was not started: %s", argument, bx_err_name(err));
	return bx_sys_call(slot_of(&officer->attacker, "door"),
	    bx_sys_deadline_in_us(officer->attacker.sys, LONG_US), &words);
}

/* Once in the queue, once taken and never answered.  When the host was held up the pawn that waits may have ended before
 * it was called, and nobody is there to be called: then once more. */
static void
peer_dies(struct officer *officer)
{
	static const char *const arguments[] = { "wait", "take" };

	for (size_t i = 0; i < BX_ARRAY_COUNT(arguments); i++) {
		enum bx_err err = pawn_call(officer, arguments[i]);

		if (err == BX_ERR_TIMEOUT)
			err = pawn_call(officer, arguments[i]);
		if (err != BX_ERR_PEER_DIED)
			say(&officer->attacker, "BREACH: %s: the call ended with %s", arguments[i],
			    bx_err_name(err));
	}
}

static const struct {
	const char *name;
	void (*run)(struct officer *officer);
} commands[] = {
	{ "flood", flood }, { "ports", ports }, { "spawns", spawns }, { "irq", irq },
	{ "peer-dies", peer_dies }, { "calls", random_calls }, { "wild", random_calls },
};

int
bx_main(const struct bx_sys *sys)
{
	struct officer officer = { .attacker = { .sys = sys, .random = 0x6f66666963657221ull,
		.parameter = argument_number(sys) }, .wild = argument_is(sys, "wild") };

	for (size_t i = 0; i < BX_ARRAY_COUNT(commands); i++)
		if (argument_is(sys, commands[i].name)) {
			say(&officer.attacker, "officer %s: begins", commands[i].name);
			commands[i].run(&officer);
		}
	if (officer.attacker.breaches == 0)
		say(&officer.attacker, "officer: contained");
	return officer.attacker.breaches == 0 ? 0 : 1;
}
