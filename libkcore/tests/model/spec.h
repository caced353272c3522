/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * spec.h -- what the kernel core promises, as a program: a specification that can be run.
 *
 * Written from the design, <brainix/abi.h>, <brainix/cap.h> and the tables of libkcore/DESIGN.md.  It
 * shares no line with the core: everything is a small array, what belongs together is found by searching
 * it, priorities and cycles are worked out anew whenever they are asked for.  There is no list, no
 * generation, no lazy timer, no short way.
 *
 *	spec_boot(&spec)		after the tables below have been filled; program 0 runs
 *	spec_event(&spec, &event)	the next state
 *
 * Where the interface leaves something open (which of two equals runs, whether a step was the last one
 * before an interrupt), the specification asks spec_choose.  The driver tries the choices one after
 * the other until the state is the one that the core is in; when none is, the core is wrong, or this
 * is.
 */
#ifndef BRAINIX_KCORE_SPEC_H
#define BRAINIX_KCORE_SPEC_H

#include <brainix/abi.h>
#include <brainix/cap.h>

#define SPEC_PROGRAMS	4u
#define SPEC_THREADS	8u
#define SPEC_ENDPOINTS	3u
#define SPEC_NOTES	2u
#define SPEC_SLOTS	24u		/* of each program */
#define SPEC_PAGES	24u		/* of the one memory object */
#define SPEC_CHOICES	24u
#define SPEC_REFILLS	4u
#define SPEC_RECORDS	16u		/* of one event */
#define SPEC_POOLS	10u		/* that can be observed */
#define SPEC_NO_LIMIT	UINT64_MAX
#define NOBODY		0xffu
#define NOWHERE		0xffffu

/* ---- capabilities: place = program * SPEC_SLOTS + slot */

struct spec_cap {
	uint8_t type;			/* NONE: an empty slot */
	uint8_t rights;
	uint16_t parent;		/* place, or NOWHERE: given by the manifest, or a reply */
	uint32_t uses;
	uint64_t badge, expiry, first, count;
	uint32_t object;		/* a reply: the thread that waits */
	uint32_t call;			/* a reply: which call of it */
};

/* ---- system calls and their registers */

struct spec_registers {
	uint64_t number, value[3], word[BX_IPC_WORDS];
	uint64_t reply, buffers, stack, pc;
};

enum spec_memory { MEMORY_NONE, MEMORY_GOOD, MEMORY_BAD, MEMORY_UNALIGNED };

/* What a thread asks: its registers, and what lies in its memory where they point. */
struct spec_request {
	struct spec_registers regs;
	uint8_t buffers;		/* enum spec_memory: at regs.buffers */
	bool send_bad, receive_bad;	/* the string, the room for one: not mapped */
	bool room_bad;			/* the room for what is observed: not mapped */
	struct bx_ipc_buffers offer;
	struct bx_derive derive;
};

enum spec_event_kind { EVENT_CALL, EVENT_TIMER, EVENT_INTERRUPT, EVENT_FAULT };

struct spec_event {
	uint8_t kind;
	bool pending;			/* an interrupt waits all the time */
	bool overdue;			/* the timer's own event is due, and did not come yet */
	bool unsettled;			/* told by the core: afterwards priorities are still on their way */
	uint8_t end_priority[SPEC_PROGRAMS];	/* told by the core: afterwards, of each that is being taken apart */
	uint8_t left;			/* told by the core: accounts that have time again, and are left for the next event */
	uint8_t late;			/* EVENT_TIMER: more is due than one takes up: by so much, at most */
	uint64_t now;
	struct spec_request request;	/* EVENT_CALL */
	uint64_t fault[3];		/* EVENT_FAULT: kind, address, error code */
};

/* ---- objects */

enum spec_saying { SAYS_NOTHING, SAYS_SEND, SAYS_CALL, SAYS_FAULT };

struct spec_thread {
	uint8_t program, state;		/* enum bx_thread_state */
	uint8_t base;			/* own priority */
	uint8_t priority;		/* effective: told by the core, between spec_priority_low and _high */
	bool begun;			/* has been started since its program was: can be resumed */
	bool again;			/* READY, and first its call or fault is to be taken up again */
	bool unheard;			/* its fault was refused: its program is to end */
	bool starts;			/* its SPAWN is under way */
	bool spent;			/* its present call has cost a use already */
	bool retries;			/* it has met somebody who could not, or would not to the end */
	uint8_t done;			/* pages that its MAP has mapped, or looks and pages of its UNMAP */
	int8_t undo;			/* error for which its MAP takes them back, or 0 */
	bool shown;			/* regs are what the user sees, and known */
	bool offers, may_grant;
	uint8_t says;			/* enum spec_saying */
	uint8_t object;			/* endpoint or notification where it queues, or NOBODY */
	uint8_t partner;		/* who serves its call or fault, or NOBODY */
	uint8_t copy;			/* other side of a string copy under way, or NOBODY */
	uint8_t serves;			/* endpoint where it received last, or NOBODY */
	uint8_t bound;			/* notification, or NOBODY */
	uint16_t send_place, receive_place, reply_place;	/* offered, or NOWHERE */
	uint32_t call;			/* number of its present call */
	uint64_t deadline, badge;
	uint64_t fault[3];
	struct spec_request asked;
	struct spec_registers regs;
};

struct spec_queue {
	uint8_t count, thread[SPEC_THREADS];
};

struct spec_endpoint {
	uint8_t server, server_thread;	/* program and thread that received last, or NOBODY */
	struct spec_queue senders, receivers;
	uint64_t messages, bytes;
};

struct spec_note {
	uint64_t bits, signals;
	uint8_t bound;			/* thread, or NOBODY */
	struct spec_queue waiters;
};

struct spec_page {
	uint8_t owner;			/* program whose content it has, or NOBODY */
	uint8_t flags;			/* BX_MAP_* of its mapping */
	uint64_t address;		/* 0: not mapped */
};

struct spec_program {
	uint8_t state;			/* enum bx_program_state */
	uint8_t end_state;
	uint8_t starter;		/* thread whose SPAWN starts it, or NOBODY */
	bool made;			/* its threads and space can be named */
	uint8_t hurry;			/* the highest priority that its threads, or those who wait for its end, had */
	uint8_t undone;			/* steps of its end that are done: see spec_program_apart */
	bool ran;			/* it has got as far as running: its end is signalled */
	bool sealed;
	uint32_t starts;
	uint64_t began, launch_ticks;	/* its last start: when it began, how long it took */
	int32_t exit_code;
	uint64_t fault[3];
	/* given */
	uint8_t base, most, first_thread, threads, fault_endpoint, exit_note;
	const char *name;
	bool open;			/* its space is not sealed */
	bool passive;			/* it has no time but its callers', once it serves */
	uint64_t budget, period;	/* ticks, of each of its threads; budget SPEC_NO_LIMIT: none */
	uint64_t start_budget;		/* of a passive one, until it serves */
	uint32_t plain, slots;
	uint64_t exit_bits, entry, stack;
	struct spec_cap grants[SPEC_SLOTS];	/* expiry: lifetime in ticks, 0: for ever */
};

/* The time of one thread, whoever uses it. */
struct spec_account {
	uint64_t budget, period;	/* ticks */
	int64_t left;			/* when its present go began */
	uint8_t count;
	struct {
		uint64_t at, ticks;
	} refill[SPEC_REFILLS];
};

/* ---- what is told: records of what has happened, and answers that lie in the caller's memory */

struct spec_record {
	uint32_t kind, program, other;
	uint64_t a, b, c;
};

union spec_view {
	struct bx_info_system system;
	struct bx_info_program program;
	struct bx_info_thread thread;
	struct bx_info_cap cap;
	struct bx_info_endpoint endpoint;	/* and notification */
};
#define SPEC_VIEW_OPEN	100u		/* of a program that starts or ends: the core's to say */
#define SPEC_VIEW_AUDIT	101u		/* view_size: records */

struct spec {
	uint64_t now;
	uint32_t program_count, thread_count, endpoint_count, note_count;
	struct spec_program programs[SPEC_PROGRAMS];
	struct spec_thread threads[SPEC_THREADS];
	struct spec_endpoint endpoints[SPEC_ENDPOINTS];
	struct spec_note notes[SPEC_NOTES];
	struct spec_page pages[SPEC_PAGES];
	struct spec_cap caps[SPEC_PROGRAMS * SPEC_SLOTS];
	uint8_t irq_note, irq_binder;	/* of the one line; NOBODY: none */
	uint16_t irq_place;		/* of the capability that it signals by */
	bool irq_open;			/* unmasked */
	uint8_t current;		/* thread, or NOBODY */
	struct spec_account accounts[SPEC_THREADS];
	uint8_t account;		/* whose time runs, or NOBODY */
	uint64_t since;			/* tick at which it began to */
	uint8_t unheard;		/* accounts that have time again, which the timer's next event tells */
	bool went_on;			/* no call was taken up again since the event began */
	bool slice_given;		/* a YIELD has given the slice away */
	uint32_t slice_of;		/* whose: told by the core */
	uint64_t used[SPEC_THREADS];	/* of each one's time, in its present turn among equals */
	bool pending, overdue, unsettled;	/* of the event */
	uint8_t end_priority[SPEC_PROGRAMS];	/* of the event */
	uint8_t waited[SPEC_PROGRAMS];	/* the most that who waited for each one had, when it came */
	bool chained;			/* somebody has waited for one that waits since all priorities were settled */
	uint32_t calls;			/* made so far: names of calls */
	/* ports, power */
	uint64_t port, port_width, port_written, port_reads, port_writes, power;
	/* of the last event */
	uint32_t record_count, view_kind;	/* BX_INSPECT_*, SPEC_VIEW_*; 0: nothing is told */
	struct spec_record records[SPEC_RECORDS];
	uint64_t view_address, view_size;
	union spec_view view;
	uint64_t audit_next;		/* number of the next record */
	/* given */
	uint64_t ticks_per_second, boot_ticks, audit_capacity, port_value, slice;
	const char *name, *object_name[BX_CAP_TYPE_COUNT][2];
	/* choices */
	uint8_t choice[SPEC_CHOICES], width[SPEC_CHOICES], chosen;
};

/* spec.c: events, and who runs. */
void spec_boot(struct spec *spec);
void spec_event(struct spec *spec, const struct spec_event *event);
unsigned spec_choose(struct spec *spec, unsigned count);
/* Advances spec->choice to the next possibility; false: there is none. */
bool spec_choice_next(struct spec *spec);
/* Whether all who waited for a program that ends have been told. */
bool spec_end_told(const struct spec_program *ended, unsigned endpoints);
/* Bounds of what a thread runs with: own, its clients', those who queue where it serves. */
uint8_t spec_priority_low(const struct spec *spec, unsigned thread);
uint8_t spec_priority_high(const struct spec *spec, unsigned thread);

/* spec_budget.c */
int64_t spec_time_left(const struct spec *spec, unsigned account);
bool spec_has_time(const struct spec *spec, unsigned account);
/* When there is time again on an account that has none; UINT64_MAX: never by itself. */
uint64_t spec_time_again(const struct spec *spec, unsigned account);
unsigned spec_account_of(const struct spec *spec, unsigned thread);
bool spec_time_short(const struct spec *spec);
/* The timer's event tells of accounts that have time again, but for those that the core left, when more is due than
 * one takes up; returns by how much there is still too much. */
unsigned spec_time_heard(struct spec *spec, unsigned left, unsigned late);
void spec_processor_to(struct spec *spec, unsigned account);
void spec_account_split(struct spec *spec, unsigned account);
void spec_account_begin(struct spec *spec, unsigned thread);
void spec_account_serves(struct spec *spec, unsigned thread);

/* spec_caps.c */
enum bx_err spec_place(const struct spec *spec, unsigned program, uint64_t slot, uint16_t *place);
enum bx_err spec_cap_find(struct spec *spec, unsigned thread, uint64_t slot, uint8_t type,
    uint8_t rights, uint16_t *place);
bool spec_cap_lives(struct spec *spec, const struct spec_cap *cap);
unsigned spec_depth(const struct spec *spec, uint16_t place);
void spec_cap_use(struct spec *spec, uint16_t place);
enum bx_err spec_cap_copy(struct spec *spec, uint16_t from, uint16_t to);
void spec_cap_take(struct spec *spec, uint16_t place);		/* with all that it holds up */
void spec_caps_end(struct spec *spec, unsigned program);
enum bx_err spec_caps_call(struct spec *spec, unsigned thread, uint64_t *values);

/* spec_ipc.c */
void spec_detach(struct spec *spec, unsigned thread);
void spec_wake(struct spec *spec, unsigned thread, enum bx_err err);
void spec_server_gone(struct spec *spec, unsigned thread);
void spec_senders_end(struct spec *spec, unsigned program, unsigned endpoint);
/* Its program is being taken apart: it runs no more, and whoever meets it stops it first. */
bool spec_dying(const struct spec *spec, unsigned thread);
void spec_fault(struct spec *spec, unsigned thread);
/* Whether it waits, by way of those who received last, for itself; another may take its message. */
bool spec_circular(const struct spec *spec, unsigned thread);
void spec_ipc_call(struct spec *spec, unsigned thread);

/* spec_threads.c: threads, notifications, programs, memory. */
void spec_result(struct spec_thread *thread, enum bx_err err);
void spec_stop(struct spec *spec, unsigned thread);
void spec_signal(struct spec *spec, unsigned note, uint64_t bits);
void spec_deliver(struct spec *spec, unsigned note);
bool spec_bound_take(struct spec *spec, unsigned thread);
void spec_wait(struct spec *spec, unsigned thread);
void spec_program_end(struct spec *spec, unsigned program, uint8_t state);
void spec_program_apart(struct spec *spec, unsigned program);
void spec_program_runs(struct spec *spec, unsigned program);
void spec_program_make(struct spec *spec, unsigned program);
/* Some of what a MAP under way has mapped is taken back; false: there is more. */
bool spec_map_undo(struct spec *spec, unsigned thread);
void spec_page_leave(struct spec *spec, unsigned page);
enum bx_err spec_plain_call(struct spec *spec, unsigned thread, uint64_t *values);

enum bx_err spec_spawn_find(struct spec *spec, unsigned thread, uint8_t right, uint16_t *place);

/* spec_watch.c */
enum bx_err spec_watch_call(struct spec *spec, unsigned thread, uint64_t *values);
void spec_record(struct spec *spec, uint32_t kind, uint32_t program, uint32_t other, uint64_t a,
    uint64_t b, uint64_t c);
void spec_record_refusal(struct spec *spec, unsigned program, const struct spec_registers *asked,
    int64_t err);

/* spec.c: queues */
void spec_queue_add(struct spec_queue *queue, unsigned thread);
void spec_queue_drop(struct spec_queue *queue, unsigned thread);

#endif
