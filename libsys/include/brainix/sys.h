/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/sys.h -- what a program on BraiNIX needs: start-up, system calls, time, a service loop, text.
 * Layer 2: needs base.h abi.h ipc.h.  The only library that traps.  Design: libsys/DESIGN.md.
 *
 * A program defines bx_main and links with libbrainix-sys.a by the linker script server.ld:
 *
 *	int
 *	bx_main(const struct bx_sys *sys)
 *	{
 *		bx_sys_print(sys, "hello from %s\n", sys->launch->name);
 *		return 0;
 *	}
 *
 * It keeps its state in one struct on the stack of bx_main and passes it down: no mutable globals.
 */
#ifndef BRAINIX_SYS_H
#define BRAINIX_SYS_H

#include <stdarg.h>

#include <brainix/abi.h>
#include <brainix/base.h>
#include <brainix/ipc.h>

/* ---- start-up --------------------------------------------------------------------------------- */

/* What a program knows of itself.  Read-only; lives as long as the program. */
struct bx_sys {
	const struct bx_launch *launch;		/* name, number, capabilities by name */
	const char *argument;			/* given by the spawner; not NUL-terminated */
	uint32_t argument_length;
	uint64_t ticks_per_second;
	uint64_t boot_ticks;			/* tick at which the bootloader began */
};

/* Written by the program.  Its return value is the exit code. */
int bx_main(const struct bx_sys *sys);

/* Whether `size` bytes are a launch block that this library understands.
 * Returns BX_OK, BX_ERR_TRUNCATED, BX_ERR_FORMAT, BX_ERR_VERSION. */
BX_MUST_USE enum bx_err bx_sys_launch_check(const struct bx_launch *launch, size_t size);

/* The slot of the capability that the manifest calls `name`, in *slot.
 * Returns BX_OK or BX_ERR_NOT_FOUND. */
BX_MUST_USE enum bx_err bx_sys_find(const struct bx_launch *launch, const char *name,
    uint32_t *slot);

/* For the few places where an error cannot matter. */
static inline void
bx_err_ignore(enum bx_err err)
{
	(void)err;
}

/* ---- the trap --------------------------------------------------------------------------------- */

/* A message that travels in registers alone: the shape of every fast call. */
struct bx_sys_words {
	uint64_t label;
	uint64_t word[BX_IPC_WORDS];
};

/* Whom a message came from and what came with it. */
struct bx_sys_origin {
	uint64_t badge;			/* of the sender's capability; bits of a signal */
	uint64_t info;			/* BX_IPC_INFO_* | string length << 32 */
};

static inline uint32_t
bx_sys_origin_length(const struct bx_sys_origin *origin)
{
	return (uint32_t)(origin->info >> 32);
}

/* All IPC without byte string and capability.  Registers as in abi.h; with everything in line the
 * compiler keeps *words and *origin in them.  Memory is not clobbered: nobody else can write it. */
static inline enum bx_err
bx_sys_trap_words(uint64_t number, uint64_t slot, uint64_t reply, uint64_t deadline,
    struct bx_sys_words *words, struct bx_sys_origin *origin)
{
	register uint64_t w0 __asm__("r8") = words->word[0];
	register uint64_t w1 __asm__("r9") = words->word[1];
	register uint64_t w2 __asm__("r10") = words->word[2];
	register uint64_t w3 __asm__("r12") = words->word[3];
	register uint64_t w4 __asm__("r13") = words->word[4];
	register uint64_t w5 __asm__("r14") = words->word[5];

	__asm__ volatile("syscall"
	    : "+a" (number), "+D" (slot), "+S" (words->label), "+d" (deadline), "+r" (w0),
	      "+r" (w1), "+r" (w2), "+r" (w3), "+r" (w4), "+r" (w5)
	    : "b" (reply)
	    : "rcx", "r11", "cc");
	words->word[0] = w0;
	words->word[1] = w1;
	words->word[2] = w2;
	words->word[3] = w3;
	words->word[4] = w4;
	words->word[5] = w5;
	origin->badge = slot;
	origin->info = deadline;
	return (enum bx_err)(int64_t)number;
}

/* The same with a byte string or a capability: `buffers` says where. */
static inline enum bx_err
bx_sys_trap_buffers(uint64_t number, uint64_t slot, uint64_t reply, uint64_t deadline,
    const struct bx_ipc_buffers *buffers, struct bx_sys_words *words,
    struct bx_sys_origin *origin)
{
	register uint64_t w0 __asm__("r8") = words->word[0];
	register uint64_t w1 __asm__("r9") = words->word[1];
	register uint64_t w2 __asm__("r10") = words->word[2];
	register uint64_t w3 __asm__("r12") = words->word[3];
	register uint64_t w4 __asm__("r13") = words->word[4];
	register uint64_t w5 __asm__("r14") = words->word[5];
	register const struct bx_ipc_buffers *b __asm__("r15") = buffers;

	number |= BX_IPC_BUFFERS << 8;
	__asm__ volatile("syscall"
	    : "+a" (number), "+D" (slot), "+S" (words->label), "+d" (deadline), "+r" (w0),
	      "+r" (w1), "+r" (w2), "+r" (w3), "+r" (w4), "+r" (w5)
	    : "b" (reply), "r" (b)
	    : "rcx", "r11", "cc", "memory");
	words->word[0] = w0;
	words->word[1] = w1;
	words->word[2] = w2;
	words->word[3] = w3;
	words->word[4] = w4;
	words->word[5] = w5;
	origin->badge = slot;
	origin->info = deadline;
	return (enum bx_err)(int64_t)number;
}

/* All other system calls: slot and up to five arguments, up to two values (`value` may be NULL). */
static inline enum bx_err
bx_sys_trap(uint64_t number, uint64_t slot, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
    uint64_t a5, uint64_t value[2])
{
	register uint64_t w0 __asm__("r8") = a3;
	register uint64_t w1 __asm__("r9") = a4;
	register uint64_t w2 __asm__("r10") = a5;

	__asm__ volatile("syscall"
	    : "+a" (number), "+D" (slot), "+S" (a1), "+d" (a2), "+r" (w0), "+r" (w1), "+r" (w2)
	    :
	    : "rcx", "r11", "cc", "memory");
	if (value != NULL) {
		value[0] = slot;
		value[1] = a1;
	}
	return (enum bx_err)(int64_t)number;
}

/* ---- IPC in registers ------------------------------------------------------------------------- */

/* Errors of all of these: abi.h.  On an error *words and *origin are unspecified. */

/* Sends *words and waits for the answer, which replaces it. */
BX_MUST_USE static inline enum bx_err
bx_sys_call(uint32_t endpoint, uint64_t deadline, struct bx_sys_words *words)
{
	struct bx_sys_origin origin;

	return bx_sys_trap_words(BX_SYS_CALL, endpoint, 0, deadline, words, &origin);
}

BX_MUST_USE static inline enum bx_err
bx_sys_send(uint32_t endpoint, uint64_t deadline, struct bx_sys_words *words)
{
	struct bx_sys_origin origin;

	return bx_sys_trap_words(BX_SYS_SEND, endpoint, 0, deadline, words, &origin);
}

/* reply: an empty reply slot for the sender's reply, or BX_SLOT_NONE: callers are refused. */
BX_MUST_USE static inline enum bx_err
bx_sys_receive(uint32_t endpoint, uint32_t reply, uint64_t deadline, struct bx_sys_words *words,
    struct bx_sys_origin *origin)
{
	return bx_sys_trap_words(BX_SYS_RECEIVE, endpoint, reply, deadline, words, origin);
}

BX_MUST_USE static inline enum bx_err
bx_sys_reply(uint32_t reply, struct bx_sys_words *words)
{
	struct bx_sys_origin origin;

	return bx_sys_trap_words(BX_SYS_REPLY, reply, 0, 0, words, &origin);
}

/* Answers through `reply`, then receives with the same slot. */
BX_MUST_USE static inline enum bx_err
bx_sys_reply_receive(uint32_t endpoint, uint32_t reply, uint64_t deadline,
    struct bx_sys_words *words, struct bx_sys_origin *origin)
{
	return bx_sys_trap_words(BX_SYS_REPLY_RECEIVE, endpoint, reply, deadline, words, origin);
}

/* ---- IPC with strings and capabilities -------------------------------------------------------- */

/* Sends *request and waits for the answer.
 *   answer	string, string_length: where its string may go and how long it may be; cap_slot: where a
 *		capability may go, or BX_SLOT_NONE.  On BX_OK it is the answer (cap_slot: BX_SLOT_NONE when
 *		none came); on an error its string is unspecified, the rest untouched.  May be
 *		*request itself. */
BX_MUST_USE enum bx_err bx_sys_message_call(uint32_t endpoint, uint64_t deadline,
    const struct bx_ipc_message *request, struct bx_ipc_message *answer);

BX_MUST_USE enum bx_err bx_sys_message_send(uint32_t endpoint, uint64_t deadline,
    const struct bx_ipc_message *message);

/* ---- a server's loop -------------------------------------------------------------------------- */

#define BX_SYS_REPLIES_MAX	64u

/*
 * Receives on one endpoint; keeps book of reply slots, so that a server may answer now, later, in any
 * order.  The answer to the last event travels with the next receive in one system call.
 * Pinned once events are out (they point into `string`).
 *
 *	bx_sys_service_init(&service, launch, endpoint, buffer, sizeof buffer);
 *	for (;;) {
 *		err = bx_sys_service_next(&service, deadline, &event);
 *		...on BX_OK look at the event; bx_sys_service_answer(&service, event.reply, &answer),
 *		or keep event.reply and answer later...
 *	}
 */
struct bx_sys_service {
	uint32_t endpoint;
	uint32_t reply_first, reply_count;
	uint32_t string_capacity;
	uint8_t *string;
	uint64_t taken;				/* bit i: reply slot reply_first + i holds a reply */
	struct bx_ipc_message answer;		/* goes out with the next receive, if answer_reply says so */
	uint32_t answer_reply;			/* or BX_SLOT_NONE */
};

enum bx_sys_event_kind {
	BX_SYS_EVENT_MESSAGE = 1,
	BX_SYS_EVENT_SIGNAL = 2,		/* of the bound notification: bits in badge */
	BX_SYS_EVENT_FAULT = 3			/* a thread's fault: words per BX_FAULT_* */
};

struct bx_sys_event {
	enum bx_sys_event_kind kind;
	uint32_t reply;				/* what answers it, or BX_SLOT_NONE: nobody waits */
	uint64_t badge;
	struct bx_ipc_message message;		/* its string is overwritten by the next event */
};

/* Of a message: what a dispatch is to know of it besides the message. */
static inline struct bx_ipc_call
bx_sys_event_call(const struct bx_sys_event *event)
{
	return (struct bx_ipc_call){ .badge = event->badge, .reply = event->reply };
}

/* Takes all reply slots of the program (at most BX_SYS_REPLIES_MAX of them); `string` is where byte
 * strings of up to string_capacity bytes come in. */
void bx_sys_service_init(struct bx_sys_service *service, const struct bx_launch *launch,
    uint32_t endpoint, uint8_t *string, uint32_t string_capacity);

/* Whether another caller could be taken now. */
bool bx_sys_service_has_room(const struct bx_sys_service *service);

/* Waits for the next event.
 * Returns BX_OK; BX_ERR_TIMEOUT: nothing came by `deadline`; BX_ERR_AGAIN: a client's message was
 * refused, or went away, and nothing else happened; any other error: the endpoint cannot be
 * received from any more. */
BX_MUST_USE enum bx_err bx_sys_service_next(struct bx_sys_service *service, uint64_t deadline,
    struct bx_sys_event *event);

/* Answers a caller; the answer leaves with the next call of any bx_sys_service function, until which its
 * string must stay.  A caller that has gone is no error.  `reply` may be BX_SLOT_NONE: nothing. */
void bx_sys_service_answer(struct bx_sys_service *service, uint32_t reply,
    const struct bx_ipc_message *answer);

/* Answers with an error (or BX_OK) and nothing else. */
void bx_sys_service_answer_error(struct bx_sys_service *service, uint32_t reply, uint64_t request_label,
    enum bx_err err);

/* ---- notifications, processes, devices -------------------------------------------------------- */

BX_MUST_USE static inline enum bx_err
bx_sys_null(void)
{
	return bx_sys_trap(BX_SYS_NULL, 0, 0, 0, 0, 0, 0, NULL);
}

BX_MUST_USE static inline enum bx_err
bx_sys_signal(uint32_t notification)
{
	return bx_sys_trap(BX_SYS_SIGNAL, notification, 0, 0, 0, 0, 0, NULL);
}

/* *bits are what has been signalled since the last wait; never 0 with BX_OK. */
BX_MUST_USE static inline enum bx_err
bx_sys_wait(uint32_t notification, uint64_t deadline, uint64_t *bits)
{
	uint64_t value[2];
	enum bx_err err = bx_sys_trap(BX_SYS_WAIT, notification, 0, deadline, 0, 0, 0, value);

	if (err == BX_OK)
		*bits = value[0];
	return err;
}

BX_MUST_USE static inline enum bx_err
bx_sys_notification_bind(uint32_t notification)
{
	return bx_sys_trap(BX_SYS_NOTIFICATION_BIND, notification, 0, 0, 0, 0, 0, NULL);
}

static inline void
bx_sys_yield(void)
{
	(void)bx_sys_trap(BX_SYS_YIELD, 0, 0, 0, 0, 0, 0, NULL);
}

BX_NORETURN static inline void
bx_sys_exit(int code)
{
	for (;;)
		(void)bx_sys_trap(BX_SYS_EXIT, (uint64_t)(int64_t)code, 0, 0, 0, 0, 0, NULL);
}

static inline void
bx_sys_sleep(uint64_t deadline)
{
	(void)bx_sys_trap(BX_SYS_SLEEP, 0, 0, deadline, 0, 0, 0, NULL);
}

BX_MUST_USE static inline enum bx_err
bx_sys_cap_derive(uint32_t slot, const struct bx_derive *derive)
{
	register const struct bx_derive *buffers __asm__("r15") = derive;
	uint64_t number = BX_SYS_CAP_DERIVE, from = slot, a1 = 0, a2 = 0;

	__asm__ volatile("syscall"
	    : "+a" (number), "+D" (from), "+S" (a1), "+d" (a2)
	    : "r" (buffers)
	    : "rcx", "r11", "cc", "memory");
	return (enum bx_err)(int64_t)number;
}

BX_MUST_USE static inline enum bx_err
bx_sys_cap_copy(uint32_t from, uint32_t to)
{
	return bx_sys_trap(BX_SYS_CAP_COPY, from, to, 0, 0, 0, 0, NULL);
}

BX_MUST_USE static inline enum bx_err
bx_sys_cap_move(uint32_t from, uint32_t to)
{
	return bx_sys_trap(BX_SYS_CAP_MOVE, from, to, 0, 0, 0, 0, NULL);
}

BX_MUST_USE static inline enum bx_err
bx_sys_cap_delete(uint32_t slot)
{
	return bx_sys_trap(BX_SYS_CAP_DELETE, slot, 0, 0, 0, 0, 0, NULL);
}

BX_MUST_USE static inline enum bx_err
bx_sys_cap_revoke(uint32_t slot)
{
	return bx_sys_trap(BX_SYS_CAP_REVOKE, slot, 0, 0, 0, 0, 0, NULL);
}

BX_MUST_USE static inline enum bx_err
bx_sys_cap_recharge(uint32_t parent, uint32_t cspace, uint32_t child, uint32_t uses)
{
	return bx_sys_trap(BX_SYS_CAP_RECHARGE, parent, cspace, child, uses, 0, 0, NULL);
}

/* value[0]: type | rights << 8 | uses << 32, value[1]: badge. */
BX_MUST_USE static inline enum bx_err
bx_sys_cap_info(uint32_t slot, uint64_t value[2])
{
	return bx_sys_trap(BX_SYS_CAP_INFO, slot, 0, 0, 0, 0, 0, value);
}

BX_MUST_USE static inline enum bx_err
bx_sys_map(uint32_t memory, uint64_t address, uint64_t first_page, uint64_t pages, uint32_t flags)
{
	return bx_sys_trap(BX_SYS_MAP, memory, address, first_page, pages, flags, 0, NULL);
}

BX_MUST_USE static inline enum bx_err
bx_sys_unmap(uint32_t memory, uint64_t first_page, uint64_t pages)
{
	return bx_sys_trap(BX_SYS_UNMAP, memory, 0, first_page, pages, 0, 0, NULL);
}

BX_MUST_USE static inline enum bx_err
bx_sys_thread_start(uint32_t thread, uint64_t entry, uint64_t stack, uint64_t argument)
{
	return bx_sys_trap(BX_SYS_THREAD_START, thread, entry, stack, argument, 0, 0, NULL);
}

BX_MUST_USE static inline enum bx_err
bx_sys_thread_stop(uint32_t thread)
{
	return bx_sys_trap(BX_SYS_THREAD_STOP, thread, 0, 0, 0, 0, 0, NULL);
}

BX_MUST_USE static inline enum bx_err
bx_sys_thread_resume(uint32_t thread)
{
	return bx_sys_trap(BX_SYS_THREAD_RESUME, thread, 0, 0, 0, 0, 0, NULL);
}

BX_MUST_USE static inline enum bx_err
bx_sys_thread_priority(uint32_t thread, uint32_t priority)
{
	return bx_sys_trap(BX_SYS_THREAD_PRIORITY, thread, priority, 0, 0, 0, 0, NULL);
}

BX_MUST_USE static inline enum bx_err
bx_sys_irq_bind(uint32_t irq, uint32_t notification)
{
	return bx_sys_trap(BX_SYS_IRQ_BIND, irq, notification, 0, 0, 0, 0, NULL);
}

BX_MUST_USE static inline enum bx_err
bx_sys_irq_ack(uint32_t irq)
{
	return bx_sys_trap(BX_SYS_IRQ_ACK, irq, 0, 0, 0, 0, 0, NULL);
}

BX_MUST_USE static inline enum bx_err
bx_sys_port_in(uint32_t ioport, uint16_t port, unsigned width, uint32_t *value)
{
	uint64_t values[2];
	enum bx_err err = bx_sys_trap(BX_SYS_PORT_IN, ioport, port, width, 0, 0, 0, values);

	if (err == BX_OK)
		*value = (uint32_t)values[0];
	return err;
}

BX_MUST_USE static inline enum bx_err
bx_sys_port_out(uint32_t ioport, uint16_t port, unsigned width, uint32_t value)
{
	return bx_sys_trap(BX_SYS_PORT_OUT, ioport, port, width, value, 0, 0, NULL);
}

BX_MUST_USE static inline enum bx_err
bx_sys_spawn(uint32_t spawn, uint32_t program, const void *argument, size_t length)
{
	return bx_sys_trap(BX_SYS_SPAWN, spawn, program, (uint64_t)(uintptr_t)argument, length, 0,
	    0, NULL);
}

BX_MUST_USE static inline enum bx_err
bx_sys_kill(uint32_t spawn, uint32_t program)
{
	return bx_sys_trap(BX_SYS_KILL, spawn, program, 0, 0, 0, 0, NULL);
}

BX_MUST_USE static inline enum bx_err
bx_sys_program_info(uint32_t spawn, uint32_t program, struct bx_info_program *info)
{
	return bx_sys_trap(BX_SYS_PROGRAM_INFO, spawn, program, (uint64_t)(uintptr_t)info, 0, 0, 0,
	    NULL);
}

/* Copies what BX_SYS_INSPECT shows of `what`, `index`, `second` into buffer (size bytes). */
BX_MUST_USE static inline enum bx_err
bx_sys_inspect(uint32_t audit, enum bx_inspect what, uint32_t index, uint32_t second, void *buffer,
    size_t size)
{
	return bx_sys_trap(BX_SYS_INSPECT, audit, what, index, (uint64_t)(uintptr_t)buffer, size,
	    second, NULL);
}

/* Up to `room` records from number `first` on; *count of them came, the first is number *from. */
BX_MUST_USE static inline enum bx_err
bx_sys_audit_read(uint32_t audit, uint64_t first, struct bx_audit_record *records, size_t room,
    uint64_t *count, uint64_t *from)
{
	uint64_t value[2];
	enum bx_err err = bx_sys_trap(BX_SYS_AUDIT_READ, audit, first, (uint64_t)(uintptr_t)records,
	    room * sizeof *records, 0, 0, value);

	if (err == BX_OK) {
		*count = value[0];
		*from = value[1];
	}
	return err;
}

BX_MUST_USE static inline enum bx_err
bx_sys_power(uint32_t device, unsigned how)
{
	return bx_sys_trap(BX_SYS_POWER, device, how, 0, 0, 0, 0, NULL);
}

/* ---- time ------------------------------------------------------------------------------------- */

/* Present time in ticks (RDTSC; SDM 2B). */
static inline uint64_t
bx_sys_now(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a" (low), "=d" (high));
	return (uint64_t)high << 32 | low;
}

/* Ticks in `us` microseconds; UINT64_MAX when they do not fit. */
uint64_t bx_sys_ticks_of_us(uint64_t ticks_per_second, uint64_t us);
/* Microseconds in `ticks`, rounded down. */
uint64_t bx_sys_us_of_ticks(uint64_t ticks_per_second, uint64_t ticks);

/* The deadline `us` microseconds from now; at most BX_DEADLINE_FAR ticks away. */
static inline uint64_t
bx_sys_deadline_in_us(const struct bx_sys *sys, uint64_t us)
{
	uint64_t ticks = bx_sys_ticks_of_us(sys->ticks_per_second, us);

	return bx_sys_now() + (ticks < BX_DEADLINE_FAR ? ticks : BX_DEADLINE_FAR);
}

/* The farthest deadline there is. */
static inline uint64_t
bx_sys_deadline_far(void)
{
	return bx_sys_now() + BX_DEADLINE_FAR;
}

/* ---- text ------------------------------------------------------------------------------------- */

/* Text being made in memory that the caller gave.  Always NUL-terminated.  Movable. */
struct bx_text {
	char *bytes;
	size_t capacity;			/* > 0; the closing NUL included */
	size_t length;
	bool cut;				/* something did not fit */
};

void bx_text_init(struct bx_text *text, char *bytes, size_t capacity);
void bx_text_add_bytes(struct bx_text *text, const char *bytes, size_t length);

/* Conversions: %s %c %d %i %u %x %%, with - 0 width precision * and the lengths l ll z.  A
 * precision bounds %s; it is ignored elsewhere.  Anything else appears as it is written. */
void bx_text_add(struct bx_text *text, const char *format, ...) BX_PRINTF(2, 3);
void bx_text_add_list(struct bx_text *text, const char *format, va_list list);

/* The same into bytes[size], size > 0; returns the length without the NUL, at most size - 1. */
size_t bx_sys_format(char *bytes, size_t size, const char *format, ...) BX_PRINTF(3, 4);

/* Prints to the capability named "console", if the program has one; at most BX_SYS_PRINT_MAX bytes,
 * waits at most a second.  For servers' few words; errors are not told. */
#define BX_SYS_PRINT_MAX	480u
void bx_sys_print(const struct bx_sys *sys, const char *format, ...) BX_PRINTF(2, 3);

#endif
