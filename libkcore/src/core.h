/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * core.h -- the kernel core's structures and what its files offer each other.  Internal.
 *
 *	init.c      plan, carve pools, make objects and root capabilities
 *	sysimage.c  decode and validate the compiled manifest      (pure)
 *	sysimage_single.c  what it may have, or give, once only    (pure)
 *	state.c     the state that a launch ends in, and its digest
 *	elf.c       decode and validate an ELF64 program           (pure)
 *	frame.c     physical frames: types, owners, free list, quota
 *	space.c     user address spaces: map, unmap, W^X, one mapping a frame; copies from and to users
 *	program.c   start (load in steps), end (take apart in steps)
 *	thread.c    thread life cycle      sched.c  ready queues, time slices
 *	lend.c      what a call lends      dispatch.c  who runs next, and work that was put off
 *	budget.c    what an account may use, and whose account a server runs on
 *	timer.c     deadlines
 *	ipc.c       endpoints: sends, calls, receives, and their queues
 *	ipc_reply.c answers                ipc_exchange.c  what passes between two; string copies
 *	ipc_wait.c  how a wait ends        ipc_cycle.c     which waits are refused
 *	ipc_fast.c, ipc_buffers.c, ipc_short.c      the same in straight lines, where nothing is in between
 *	notify.c    notifications, interrupts as signals
 *	syscall.c   numbers -> handlers    sys_*.c  pairs: sys_x_check, sys_x_act
 *	inspect.c   what may be observed   audit.c  the ring of records
 *	sound.c     whole-structure checks
 *
 * Names: pool objects are named by (index, generation); a generation is odd while the object lives
 * and even while its place is free, and never 0 for a living one.  Links are indices, never
 * pointers; BX_NONE ends them.
 */
#ifndef BRAINIX_KCORE_CORE_H
#define BRAINIX_KCORE_CORE_H

#include <brainix/abi.h>
#include <brainix/base.h>
#include <brainix/cap.h>
#include <brainix/kcore.h>
#include <brainix/machine.h>
#include <brainix/sha256.h>
#include <brainix/sysimage.h>

#define BX_NONE			UINT32_MAX

/* The compiler's own four; the final program has them. */
void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int byte, size_t length);
int memcmp(const void *a, const void *b, size_t length);

/* ---- frames ------------------------------------------------------------------------------- */

enum bx_frame_type {
	BX_FRAME_NONE = 0,		/* not RAM that the core may use */
	BX_FRAME_FREE = 1,
	BX_FRAME_KERNEL = 2,		/* pools */
	BX_FRAME_TABLE = 3,		/* page table of `owner` */
	BX_FRAME_USER = 4,		/* page of `owner` */
	BX_FRAME_DEVICE = 5
};

#define BX_FRAME_DIRTY		0x80	/* never handed out since boot: zeroed when it is */
#define BX_FRAME_MEMORY_NONE	0xffff

/* One per physical frame.  A frame lies in the list of its owner (or the free list).
 * A frame of a memory object lies in no list and counts in no quota; its owner is the program that
 * mapped it last, whose content it holds, until that program's capability for it goes. */
struct bx_frame {
	uint8_t type;			/* enum bx_frame_type */
	uint8_t flags;			/* BX_PAGE_* of its mapping, BX_FRAME_DIRTY */
	uint16_t memory;		/* memory object it belongs to, or BX_FRAME_MEMORY_NONE */
	uint32_t owner;			/* program, or BX_NONE */
	uint32_t next, previous;	/* list of the owner, or free list (next only) */
	uint64_t address;		/* where its owner maps it; 0: nowhere (page 0 is never mapped) */
};
BX_STATIC_ASSERT(sizeof(struct bx_frame) == 24, "frame table cost per 4 KiB");

/* Progress of a removal of capabilities in steps.  Before each step `left` is BX_REMOVAL_STEP. */
struct bx_removal {
	uint32_t leaf, index;		/* whose waits are cancelled, and how many threads were seen, ... */
	int32_t left;			/* of the step, in entries of a table looked at */
	uint64_t disarmed;		/* ... since the holder's `disarmed` was this */
};
#define BX_REMOVAL_STEP	384

/* ---- programs ----------------------------------------------------------------------------- */

#define BX_PROGRAM_WALKS	2u	/* its stack and its data, most often */

/* A program of the manifest and, while it runs, its process: one domain of protection. */
struct bx_program {
	uint32_t state;			/* enum bx_program_state */
	uint32_t generation;		/* of the process: bumped at start and at end; odd: its
					 * threads and capability space exist */
	uint64_t root;			/* page-table root, 0: none */
	struct bx_machine_walk walks[BX_PROGRAM_WALKS];	/* by region: where it was reached last */
	struct bx_cap_space space;
	uint32_t frames;		/* first of its list of frames (tables and pages) */
	uint32_t frames_used;
	uint32_t first_thread;		/* its threads are [first_thread, + thread_count) of the pool */
	uint32_t threads_alive;
	uint32_t starts;
	int32_t exit_code;
	uint32_t fault_kind;
	uint64_t fault_address, fault_instruction;
	uint64_t cpu_ticks;		/* of ended threads; living ones count their own */
	/* load and teardown in steps: where the work stands */
	uint32_t work_state;		/* private to program.c */
	uint32_t work_index;
	uint64_t work_offset;
	struct bx_removal removal;
	uint32_t strays;		/* how many of its threads are astray */
	uint64_t disarmed;		/* how often a capability here lost its rights to a removal */
	uint32_t work_thread;		/* who is starting it, or BX_NONE: the kernel */
	uint32_t argument_length;
	uint32_t end_state;		/* enum bx_program_state it is ending for */
	uint8_t end_priority;		/* at which it is taken apart now */
	bool signals_exit;		/* it has run: its end is worth a signal */
	uint32_t audit_used;		/* private to audit.c: records kept from its share, ... */
	uint64_t audit_last;		/* ... the last of them; when that was read, it is whole again */
	uint64_t audit_dropped;		/* records not kept since it was full */
	uint64_t audit_dropped_ever;
	uint64_t launched;		/* tick from which the lifetimes of its capabilities count */
	struct bx_sha256 digest;	/* of its capabilities, while its launch takes it */
	uint8_t state_hash[BX_SHA256_SIZE];	/* at the end of its last launch; zeroes: none yet */
	/* from the manifest, constant */
	char name[BX_NAME_MAX];
	uint32_t module;		/* index of its boot module */
	uint32_t flags;
	uint32_t priority, priority_max;
	uint32_t rank;			/* its place among all programs, the highest priority last */
	uint32_t thread_count, reply_count;
	uint32_t frame_quota, stack_pages;
	uint32_t fault_endpoint;	/* endpoint index, or BX_NONE */
	uint32_t exit_notification;	/* notification index, or BX_NONE */
	uint64_t exit_bits;
	uint64_t slice_ticks;		/* time slice */
	uint64_t budget_ticks, period_ticks;	/* of each of its threads; budget 0: passive */
	uint32_t restart_times, restart_within_us, restart_backoff_us, restart_exhausted; /* only shown */
	const uint8_t *launch;
	uint32_t launch_size;
	uint32_t first_grant;		/* index into core->grants */
};

/* Whether its capability space stays unsealed: a system for research may say so. */
static inline bool
bx_program_is_open(const struct bx_program *program)
{
	return (program->flags & BX_PROGRAM_OPEN_SPACE) != 0;
}

/* ---- threads ------------------------------------------------------------------------------ */

/* What a thread is doing besides its user code; see the state table in thread.c. */
struct bx_thread {
	struct bx_context context;	/* first: the machine knows it */
	/* ipc_fast.c sets these four by one store ... */
	uint8_t state;			/* enum bx_thread_state */
	uint8_t phase;			/* BX_PHASE_*: private to ipc*.c */
	uint8_t call_kind;		/* private to ipc*.c */
	uint8_t has_buffers;		/* `buffers` is valid */
	uint8_t priority;		/* effective */
	uint8_t priority_base;
	uint8_t restart;		/* 1: run the system call again before user mode */
	uint8_t signalled;		/* its bound notification has bits */
	/* ... and compares neighbours of these, two at once (BX_PAIR). */
	uint32_t next;			/* ready queue or queue of `object` */
	uint32_t account;		/* on whose time it runs: its own, or a caller's */
	uint32_t serves;		/* endpoint it received on last, or BX_NONE */
	uint32_t serves_generation;
	uint32_t index;			/* own place in the pool */
	uint32_t call_generation;	/* names its present call: replies made for an earlier one are stale */
	uint64_t call_head;		/* heads (bx_cap_head) of the capability it called through last, ... */
	uint64_t receive_head;		/* ... it received through last, BX_CAP_HEAD_NONE: look closer; */
	uint64_t reply_head;		/* of the replies made for it */
	uint64_t index_twice;		/* a queue of itself */
	uint32_t reply_place;		/* as reply_slot, or that of a capability that is always there */
	uint64_t reply_index;		/* user's name of reply_slot */
	uint32_t previous;
	uint32_t generation;
	uint32_t program;
	uint32_t object;		/* endpoint or notification waited on, or BX_NONE */
	uint32_t partner;		/* who serves its call (AWAITING_REPLY, FAULTED), or BX_NONE */
	uint32_t clients;		/* first of those whose calls it serves, linked by next/previous */
	uint32_t transfer;		/* other side of a string copy under way, or BX_NONE */
	uint32_t bound_notification;	/* or BX_NONE */
	uint64_t deadline;		/* of its wait; 0: none */
	uint64_t timer_key;		/* tick of its entry in the timer heap; UINT64_MAX: no entry */
	uint64_t timer_floor;		/* the tick before it, or UINT64_MAX: for later deadlines it serves */
	uint32_t timer_place;		/* private to timer.c */
	uint32_t copied;		/* bytes of the string copied so far: progress of a long copy */
	uint64_t work;			/* progress of a system call that runs in steps, 0 at its start */
	struct bx_removal removal;	/* and of the removal of capabilities in it */
	uint64_t slice_left;		/* ticks; 0: it lets its equals by when it runs */
	uint64_t cpu_ticks;		/* that passed on its account */
	uint64_t badge;			/* of the capability it sends through */
	struct bx_ipc_buffers buffers;	/* copied in once, when its call began */
	uint32_t send_cap_slot;		/* slot number of a capability it sends along, or BX_CAP_SLOT_NONE */
	uint32_t receive_cap_slot;	/* slot number for a capability, or BX_CAP_SLOT_NONE */
	uint32_t reply_slot;		/* slot number for the reply it asks for, or BX_CAP_SLOT_NONE */
	uint32_t fault_kind;		/* while BX_THREAD_FAULTED */
	uint64_t fault_address, fault_code;
	uint64_t plain_count;		/* its program's space, constant: slots that are not replies */
	struct bx_cap_slot *slots;	/* the first */
	uint32_t settle_next;		/* private to lend.c: of core->unsettled */
	uint32_t unsettled;		/* 1: what it is lent is to be worked out again */
	uint8_t settle_line;		/* 1: and so for all behind it */
	uint8_t limited;		/* its account has a budget */
	uint8_t throttled;		/* there is no time on its account, until the refill */
	uint8_t lets_by;		/* 1: with its answer it goes last among equals */
	uint32_t parked;		/* READY on its account while there is no time, or BX_NONE */
	uint32_t helps;			/* server that it pays for while it queues, or BX_NONE */
	uint32_t helper;		/* the sender that pays for it, or BX_NONE */
	uint64_t slice_ticks;		/* its program's time slice, constant */
	uint32_t astray;		/* 1: its call may go by a capability, and it is in no queue */
};
BX_STATIC_ASSERT(sizeof(struct bx_thread) == 512, "to find one by its index is a shift");

#define BX_BUDGET_NONE		UINT64_MAX	/* no limit */
#define BX_REFILLS		4u

/* Time that was used, and comes back. */
struct bx_refill {
	uint64_t at;			/* tick */
	uint64_t ticks;
};

/* The time of a thread, whoever uses it; private to budget.c. */
struct bx_account {
	uint64_t budget;		/* ticks a period; BX_BUDGET_NONE; 0: never any */
	uint64_t period;		/* ticks */
	int64_t left;			/* ticks it may use now; below 0: it used too many */
	struct bx_refill refills[BX_REFILLS];	/* in the order in which they come */
	uint32_t refill_count;
	uint32_t throttles;		/* how often it has run out */
};

/* Two neighbouring words of an object as one. */
static inline uint64_t
bx_pair(const void *object, size_t offset)
{
	uint64_t pair;

	__builtin_memcpy(&pair, (const uint8_t *)object + offset, sizeof pair);
	return pair;
}
#define BX_PAIR(type, object, member)	bx_pair((object), offsetof(struct type, member))
#define BX_NEIGHBOURS(type, a, b) \
	BX_STATIC_ASSERT(offsetof(struct type, b) == offsetof(struct type, a) + 4, #a)
BX_STATIC_ASSERT(offsetof(struct bx_thread, phase) == offsetof(struct bx_thread, state) + 1, "word");
BX_NEIGHBOURS(bx_thread, next, account);
BX_NEIGHBOURS(bx_thread, serves, serves_generation);
BX_NEIGHBOURS(bx_thread, serves_generation, index);
BX_NEIGHBOURS(bx_thread, index, call_generation);

/* ---- objects ------------------------------------------------------------------------------ */

struct bx_queue {
	uint32_t head, tail;		/* threads */
};

/* How many threads wait somewhere, by priority, so that the highest is found without a look at
 * each: the senders of an endpoint; the clients of a thread but the first. */
struct bx_levels {
	uint64_t mask;			/* bit p: count[p] is not 0 */
	uint16_t count[BX_PRIORITY_COUNT];
};
#define BX_THREADS_MAX	BX_SYSIMAGE_THREADS_MAX

struct bx_endpoint {
	uint32_t generation;
	uint32_t server_thread;		/* thread that received last, while its program is there, or BX_NONE */
	struct bx_queue receivers, senders;
	uint32_t server;		/* program that receives, or BX_NONE */
	uint64_t messages, bytes;
	char name[BX_NAME_MAX];
	uint32_t number;		/* of the manifest's object */
	uint32_t unused[12];
};
BX_STATIC_ASSERT(sizeof(struct bx_endpoint) == 128, "likewise");
BX_NEIGHBOURS(bx_endpoint, generation, server_thread);
BX_NEIGHBOURS(bx_endpoint, receivers.head, receivers.tail);
BX_NEIGHBOURS(bx_endpoint, receivers.tail, senders.head);

struct bx_notification {
	uint32_t generation;
	uint32_t bound_thread;		/* or BX_NONE */
	struct bx_queue waiters;
	uint64_t bits;
	uint64_t signals;
	char name[BX_NAME_MAX];
	uint32_t number;		/* of the manifest's object */
};

/* A run of frames given by the manifest; mapped by its holder in its own space. */
struct bx_memory {
	uint32_t generation;
	uint32_t number;		/* of the manifest's object */
	uint32_t page_count;
	uint64_t first_page;		/* index into core->memory_pages, which holds frame numbers */
	char name[BX_NAME_MAX];
};

struct bx_irq {
	uint32_t generation;
	uint32_t number;		/* the machine's */
	uint32_t notification;		/* bound one, or BX_NONE */
	uint32_t binder;		/* program that bound it */
	uint32_t slot;			/* of the binder's capability for the notification */
	uint32_t object;		/* the manifest's number of it */
	uint64_t count;
	char name[BX_NAME_MAX];
};

/* Objects without state of their own: ports, devices, audit, clock, spawn. */
struct bx_plain_object {
	uint32_t generation;
	uint32_t number;		/* of the manifest's object */
	uint32_t kind;			/* enum bx_sysimage_object_kind */
	uint64_t a, b;
	char name[BX_NAME_MAX];
};

/* Manifest object -> its pool, place and root capability. */
struct bx_object {
	uint32_t kind;
	uint32_t index;			/* in the pool of its kind */
	uint32_t root_slot;		/* slot number of its root capability in the root region */
};

/* Generation in the names of objects that the manifest makes; whether a thread or space is there,
 * which its name does not say, its program does. */
#define BX_GENERATION_STATIC	1u

/* One capability of one program, as decoded from the manifest. */
struct bx_grant {
	uint32_t program, slot, object;
	uint32_t lender;		/* grant of another program that it is derived from, or BX_NONE */
	struct bx_cap_limits limits;	/* rights, badge, range */
	uint64_t lifetime_ticks;	/* 0: for ever */
};

/* ---- per CPU and the core ----------------------------------------------------------------- */

struct bx_cpu {
	uint32_t current;		/* thread, or BX_NONE: idle */
	uint32_t account;		/* thread whose time runs, or BX_NONE */
	uint32_t last_program;		/* idle: whose state the CPU may still hold */
	uint8_t busy;			/* in user mode: 1 + the highest priority that is READY, 0: none,
					 * BX_BUSY_ALWAYS: something is put off; a dying thread may wait */
	uint64_t ready_mask;		/* bit p: ready[p] is not empty */
	struct bx_queue ready[BX_PRIORITY_COUNT];
	uint64_t since;			/* tick at which the present accounting span began */
	uint64_t slice_end;		/* tick at which its slice ends */
	uint64_t budget_end;		/* tick at which it has no time left, or UINT64_MAX */
	uint64_t timer_at;		/* what the machine's timer is set to */
	uint64_t idle_ticks;
	uint64_t switches, system_calls, interrupts, faults;
	uint64_t exchanges;		/* by the short ways: each a switch and a system call more */
};

/* cpu.slice_end, before every tick at which somebody runs: it has let its equals by, ... */
#define BX_SLICE_GIVEN	0u
#define BX_SLICE_ENDED	1u		/* ... or would, when one comes */

#define BX_BUSY_ALWAYS	0xffu		/* above every priority */
BX_STATIC_ASSERT(BX_PRIORITY_COUNT < BX_BUSY_ALWAYS, "busy");

#define BX_ROOT_SLOT	0u		/* of the first object, if there is one: never empty */

#define BX_ENDING_WORDS	(BX_SYSIMAGE_PROGRAMS_MAX / 64)

struct bx_kcore {
	struct bx_machine *machine;
	uint8_t *memory;		/* direct map */
	uint64_t memory_end;
	uint64_t ticks_per_second, boot_ticks;
	const struct bx_kcore_module *modules;
	uint32_t module_count;

	struct bx_frame *frames;	/* by frame number */
	uint32_t frame_count;
	uint32_t frame_free;		/* head of the free list */
	uint32_t frames_free_count, frames_kernel_count, frames_table_count, frames_user_count;

	struct bx_cap_forest forest;
	struct bx_cap_space root_space;	/* root capabilities, never a user's */

	struct bx_program *programs;	uint32_t program_count;
	uint64_t ending_mask;		/* bit p: ending[p] is not empty */
	uint64_t ending[BX_PRIORITY_COUNT][BX_ENDING_WORDS];	/* bit: program.rank, by end_priority */
	uint8_t ranked[BX_SYSIMAGE_PROGRAMS_MAX];	/* program of each rank */
	struct bx_thread *threads;	uint32_t thread_count;
	uint32_t put_off;		/* programs being taken apart, and unsettled threads */
	uint32_t unsettled;		/* first of those; lend.c */
	uint32_t settle_left, settle_priority;
	struct bx_levels parked;		/* threads that are */
	struct bx_account *accounts;	/* of each thread */
	struct bx_levels *client_levels;	/* of each thread */
	struct bx_levels *sender_levels;	/* of each endpoint */
	struct bx_endpoint *endpoints;	uint32_t endpoint_count;
	struct bx_notification *notifications;	uint32_t notification_count;
	struct bx_memory *memories;	uint32_t memory_count;
	uint32_t *memory_pages;		uint64_t memory_page_count;
	struct bx_irq *irqs;		uint32_t irq_count;
	uint8_t irq_of[BX_IRQ_NUMBERS];	/* by the machine's number; BX_IRQ_NUMBERS: none */
	struct bx_plain_object *plains;	uint32_t plain_count;
	struct bx_object *objects;	uint32_t object_count;
	struct bx_grant *grants;	uint32_t grant_count;	/* sorted by program */

	uint32_t *timers;		/* binary heap of threads by deadline: timer.c */
	uint32_t timer_count;

	struct bx_audit_record *audit;	/* ring */
	uint32_t audit_capacity;	/* power of two */
	uint32_t audit_share;		/* records that each program may have unread */
	uint64_t audit_next;		/* sequence number of the next record */
	uint64_t audit_read;		/* first sequence number not read yet */
	uint64_t audit_lost;
	uint64_t audit_dropped;		/* not kept: their program's share was full */

	struct bx_cpu cpu;		/* one; per-CPU from the first day */
	uint32_t flags;			/* BX_SYSTEM_* */
	char system_name[BX_NAME_MAX];
};

static inline struct bx_thread *
bx_core_current(struct bx_kcore *core)
{
	return &core->threads[core->cpu.current];
}

static inline void *
bx_core_frame_bytes(const struct bx_kcore *core, uint32_t frame)
{
	return core->memory + ((uint64_t)frame << BX_PAGE_SHIFT);
}

/* ---- frame.c ------------------------------------------------------------------------------ */

/* Takes a zeroed frame of `type` for `program` and counts it against its quota.
 * BX_ERR_QUOTA, BX_ERR_NO_MEMORY.  O(1) but for the zeroing done when frames are given back. */
BX_MUST_USE enum bx_err bx_frame_take(struct bx_kcore *core, uint32_t program,
    enum bx_frame_type type, uint32_t *frame);
/* Gives an unmapped frame back: zeroes it, unlinks it from its owner. */
void bx_frame_give(struct bx_kcore *core, uint32_t frame);
/* Boot only.  Frames of a region become free; one becomes part of a memory object for ever. */
void bx_frame_add(struct bx_kcore *core, uint64_t base, uint64_t size);
uint32_t bx_frame_reserve(struct bx_kcore *core, uint32_t memory);
/* Zeroes a frame that was not handed out since boot. */
void bx_frame_clean(struct bx_kcore *core, uint32_t frame);

/* ---- space.c ------------------------------------------------------------------------------ */

/* Maps a frame that is mapped nowhere, at a page address of its owner's space; flags BX_PAGE_*.
 * A frame of a memory object becomes the program's with it, zeroed if it was another's.
 * BX_ERR_WX, _RANGE, _ALIGN, _MAPPED (the frame), _EXISTS (the address), _QUOTA, _NO_MEMORY. */
BX_MUST_USE enum bx_err bx_space_map(struct bx_kcore *core, uint32_t program, uint64_t address,
    uint32_t frame, uint32_t flags);
/* Undoes it; the frame stays its owner's.  Nothing happens to a frame that is not mapped. */
void bx_space_unmap(struct bx_kcore *core, uint32_t frame);
/* Takes a frame of a memory object from `program` if it is its owner: unmapped, zeroed, nobody's.
 * Returns whether it was. */
bool bx_space_disown(struct bx_kcore *core, uint32_t program, uint32_t frame);

/* Of the program's address space nothing is known any more; or yet. */
void bx_space_forget(struct bx_program *program);
/* Where the kernel sees the byte at a user address, and so the rest of its page; NULL: it is not
 * mapped or, with `write`, not writable. */
static inline uint8_t *
bx_user_byte(struct bx_kcore *core, uint32_t index, uint64_t address, bool write)
{
	struct bx_program *program = &core->programs[index];
	uint8_t *byte = bx_machine_user_byte(core->memory, program->root, address, write,
	    &program->walks[BX_MACHINE_REGION(address) % BX_PROGRAM_WALKS]);

	BX_INVARIANT(byte == NULL || core->frames[(uint64_t)(byte - core->memory) >>
	    BX_PAGE_SHIFT].owner == index);
	return byte;
}
/* How much of [address, + length) lies in the page of its first byte. */
static inline size_t
bx_page_part(uint64_t address, size_t length)
{
	size_t rest = BX_PAGE_SIZE - (address & (BX_PAGE_SIZE - 1));

	return length < rest ? length : rest;
}
/* Copies between kernel memory and a program's, by software walk, page by page.  A user address is
 * an allegation.  BX_ERR_ADDRESS: not mapped (or not writable) over the whole length; nothing is
 * promised about how much was written.  length <= BX_IPC_STRING_MAX. */
BX_MUST_USE enum bx_err bx_copy_in(struct bx_kcore *core, uint32_t program, uint64_t address,
    void *to, size_t length);
BX_MUST_USE enum bx_err bx_copy_out(struct bx_kcore *core, uint32_t program, uint64_t address,
    const void *from, size_t length);
/* Copies at most one step (BX_COPY_STEP bytes) of a string between two programs; advances *done.
 * BX_OK: all done; BX_ERR_AGAIN: more to do; BX_ERR_ADDRESS with *sender_fault telling whose. */
#define BX_COPY_STEP	16384u
BX_MUST_USE enum bx_err bx_copy_across(struct bx_kcore *core, uint32_t from_program,
    uint64_t from, uint32_t to_program, uint64_t to, uint32_t length, uint32_t *done,
    bool *sender_fault);

/* ---- program.c ---------------------------------------------------------------------------- */

/* What a program finds in its space besides its segments, which end below BX_IMAGE_END; between
 * any two of these lies an unmapped page. */
#define BX_ARGUMENT_ADDRESS	(BX_USER_END - 2 * BX_PAGE_SIZE)
#define BX_STACK_TOP		(BX_USER_END - 5 * BX_PAGE_SIZE)
#define BX_STACK_PAGES_MAX	4096u
#define BX_IMAGE_END		(BX_USER_END - (BX_STACK_PAGES_MAX + 6) * BX_PAGE_SIZE)

/* One bounded step of starting `program` for the current thread: space, pages, capabilities, seal,
 * first thread made ready.  `argument` (length <= BX_SPAWN_ARGUMENT_MAX) is kernel memory; used at
 * the first step only.
 * BX_OK: it runs; BX_ERR_AGAIN; BX_ERR_STATE: it runs already or is ending; BX_ERR_BUSY: another
 * thread is starting it; BX_ERR_FORMAT and the like: its ELF is refused, nothing was taken;
 * BX_ERR_QUOTA, _NO_MEMORY: it is ending, bx_program_end_step takes back what was taken. */
BX_MUST_USE enum bx_err bx_program_start(struct bx_kcore *core, uint32_t program,
    const uint8_t *argument, size_t length);
/* Marks it as ending for `state` (EXITED, KILLED, FAULTED): no thread of it runs any more.  The
 * taking apart is done by bx_program_end_step.  Nothing happens to a program that neither runs nor is
 * being started.  One look at each of its threads. */
void bx_program_end(struct bx_kcore *core, uint32_t program, enum bx_program_state state);
/* A thread whose system call ran in steps gives it up: what it was starting is taken apart. */
void bx_program_starter_gone(struct bx_kcore *core, const struct bx_thread *thread);
/* One bounded step: threads, with an error for each partner, capabilities, pages, tables.  BX_OK when nothing is left: the exit notification
 * has been signalled and the program may be started again; BX_ERR_AGAIN. */
BX_MUST_USE enum bx_err bx_program_end_step(struct bx_kcore *core, uint32_t program);
/* The program that is being taken apart at the highest priority, or BX_NONE: the dispatcher works on it
 * before it idles or, at that priority (end_priority), between others.  O(1). */
uint32_t bx_program_ending(const struct bx_kcore *core);
/* Somebody who waits for an ending program, or a thread of it by what it is lent, has this priority
 * now: until those who wait have been told it is taken apart at that one at least. */
void bx_program_end_hasten(struct bx_kcore *core, uint32_t program, uint32_t priority);
/* The program in whose space slot number `slot` lies, or BX_NONE: the root region. */
uint32_t bx_program_of_slot(const struct bx_kcore *core, uint32_t slot);

/* Whether a call of a thread of the program goes by the capability in slot number `slot`, of its space.
 * While somebody waits at that one's object it counts so, too, when the last calls of 64 threads named
 * the slot, whatever became of these calls. */
bool bx_capability_in_use(const struct bx_kcore *core, const struct bx_program *program,
    uint32_t slot);
/* Removes the leaf capability in slot number `leaf`, first undoing what it holds up (mappings made
 * through memory, waits).  BX_OK, BX_ERR_AGAIN after a bounded part.  *parent as
 * bx_cap_leaf_remove.  *removal is kept between the parts of a removal, and may be that of any earlier
 * one when it begins; what was done is taken off its `left`. */
BX_MUST_USE enum bx_err bx_capability_remove_leaf(struct bx_kcore *core, uint32_t leaf,
    uint32_t *parent, struct bx_removal *removal);

/* ---- thread.c, sched.c, timer.c ------------------------------------------------------------ */

/*
 * Where a thread is, by state (the table is in thread.c):
 *   READY      in cpu.ready[priority]; but the current thread is in no queue
 *   SENDING    in endpoints[object].senders; RECEIVING: in .receivers; WAITING: in the waiters of
 *              notification `object`; but a passive side of a copy under way is in no queue
 *   AWAITING_REPLY, FAULTED   in the client list of thread `partner`
 *   FREE, STOPPED, SLEEPING   in none
 */

/* Readies what these files keep: every thread FREE (index, program and links set), empty queues of
 * endpoints, notifications and CPU, no timer.  Called once by init, when the pools are carved and
 * `first_thread` and `thread_count` of every program are known; core->timers has room for
 * thread_count entries. */
void bx_sched_init(struct bx_kcore *core);
/* Whether the invariants of threads, scheduler, timers, endpoints and notifications hold; *what
 * names the first that does not.  Part of bx_kcore_sound. */
BX_MUST_USE bool bx_sched_sound(const struct bx_kcore *core, const char **what);

/* Takes the free thread `index`, stopped, for `program`: registers zero, root and fpu of the
 * program.  The start of a program makes all its threads and readies the first; the others are
 * started by BX_SYS_THREAD_START. */
void bx_thread_make(struct bx_kcore *core, uint32_t index, uint32_t program);
/* One step of ending a thread wherever it waits; its partners get BX_ERR_PEER_DIED.  True: it has
 * ended, or was free. */
bool bx_thread_end(struct bx_kcore *core, uint32_t index);
void bx_thread_ready(struct bx_kcore *core, struct bx_thread *thread);	/* into the ready queue */
void bx_thread_unready(struct bx_kcore *core, struct bx_thread *thread);
/* Wakes a waiting thread with an error in its result register. */
void bx_thread_wake(struct bx_kcore *core, struct bx_thread *thread, enum bx_err err);
void bx_queue_append(struct bx_kcore *core, struct bx_queue *queue, struct bx_thread *thread);
void bx_queue_remove(struct bx_kcore *core, struct bx_queue *queue, struct bx_thread *thread);

/* Chooses who runs next, finishes system calls that asked to be restarted, sets the timer; what
 * every event function returns. */
struct bx_context *bx_sched_dispatch(struct bx_kcore *core);

void bx_timer_add(struct bx_kcore *core, struct bx_thread *thread, uint64_t deadline);
void bx_timer_cancel(struct bx_kcore *core, struct bx_thread *thread);
/* Has the thread looked at, as an account, at `tick` or before. */
void bx_timer_wake(struct bx_kcore *core, struct bx_thread *thread, uint64_t tick);
uint64_t bx_timer_next(struct bx_kcore *core);		/* UINT64_MAX: none */
/* A bounded number a time; returns whether there was one. */
bool bx_timer_expire(struct bx_kcore *core, uint64_t now);

/* ---- ipc_wait.c, notify.c ------------------------------------------------------------------ */

void bx_ipc_timeout(struct bx_kcore *core, struct bx_thread *thread);
void bx_notification_signal(struct bx_kcore *core, uint32_t index, uint64_t bits);
/* Nobody is bound to the notification any more; a thread was. */
void bx_notification_unbind(struct bx_kcore *core, struct bx_notification *notification);

/* ---- syscall.c ----------------------------------------------------------------------------- */

/* Runs the system call that the current thread's registers ask for.  Its result is in the
 * registers, or the thread waits, or `restart` is set. */
void bx_syscall_run(struct bx_kcore *core);

/* ---- state.c ------------------------------------------------------------------------------- */

/* The digest of what a program holds, in steps: begin, when its space has all it gets; then step, with
 * *slot 0 at first, until it says that program->state_hash is there. */
void bx_state_begin(struct bx_kcore *core, uint32_t index);
bool bx_state_step(struct bx_kcore *core, uint32_t index, uint32_t *slot);
/* Of slot number `number`, which holds a capability of `program`: microseconds from the launch to its
 * expiry, 0: that of its parent; its object's number in the manifest, BX_NONE: a reply; whose capability it is derived from, BX_NONE: the root. */
uint64_t bx_state_lifetime(const struct bx_kcore *core, uint32_t program, uint32_t number);
uint32_t bx_state_object(const struct bx_kcore *core, uint32_t number);
void bx_state_parent(const struct bx_kcore *core, uint32_t number, uint32_t *program, uint32_t *slot);

/* ---- audit.c, inspect.c -------------------------------------------------------------------- */

void bx_audit(struct bx_kcore *core, enum bx_audit_kind kind, uint32_t program, uint32_t other,
    uint64_t a, uint64_t b, uint64_t c);
/* The same about a capability; which is that in slot number `number`, if there is one. */
struct bx_audit_about {
	uint32_t object;		/* as in struct bx_audit_record */
	uint32_t what;			/* type | rights << 8, or 0 */
};
struct bx_audit_about bx_audit_about(const struct bx_kcore *core, uint32_t number);
void bx_audit_cap(struct bx_kcore *core, enum bx_audit_kind kind, uint32_t program, uint32_t other,
    struct bx_audit_about about, uint64_t a, uint64_t b, uint64_t c);
/* Records that `sender' has sent a capability along, which `receiver' has now. */
void bx_audit_transfer(struct bx_kcore *core, const struct bx_thread *sender,
    const struct bx_thread *receiver);
/* Whether an error of a system call says that the caller has not the authority, or the quota, or asked for
 * a call that does not exist.  That a range is missed says so where the range is what was granted. */
static inline bool
bx_audit_is_refusal(uint64_t number, int64_t err)
{
	const uint64_t by_range = 1ull << BX_SYS_SPAWN | 1ull << BX_SYS_KILL | 1ull << BX_SYS_PORT_IN |
	    1ull << BX_SYS_PORT_OUT | 1ull << BX_SYS_MAP;

	if (err <= BX_ERR_CAP_EMPTY && err >= BX_ERR_CAP_NOT_CHILD)
		return true;
	return err == BX_ERR_SYSCALL || err == BX_ERR_QUOTA ||
	    (err == BX_ERR_RANGE && number < BX_SYS_COUNT && (by_range >> number & 1) != 0);
}
/* Records that a system call with `slot` as its first argument was refused so. */
void bx_audit_refusal(struct bx_kcore *core, uint32_t program, uint64_t number, uint64_t slot,
    int64_t err);

/* What is shown of a slot of a program.  BX_ERR_RANGE: there is none; BX_ERR_NOT_FOUND: it is empty. */
enum bx_err bx_inspect_cap(const struct bx_kcore *core, uint64_t program, uint64_t slot,
    struct bx_info_cap *info);

/* ---- sysimage.c, elf.c (pure) --------------------------------------------------------------- */

struct bx_sysimage {			/* validated view */
	const uint8_t *bytes;
	const struct bx_sysimage_header *header;
	const struct bx_sysimage_program *programs;	uint32_t program_count;
	const struct bx_sysimage_object *objects;	uint32_t object_count;
	const struct bx_sysimage_grant *grants;		uint32_t grant_count;
	uint32_t audit_records;
};

/* Validates an image; *image is a view into `bytes`.  BX_ERR_FORMAT, _VERSION, _TRUNCATED, _RANGE,
 * _INVALID, _EXISTS, _NOT_FOUND: refused, *where names the field. */
BX_MUST_USE enum bx_err bx_sysimage_open(const uint8_t *bytes, size_t size,
    struct bx_sysimage *image, const char **where);
/* Questions of bx_sysimage_open, of what has been decoded and is in bounds. */
bool bx_sysimage_ports_of_platform(uint64_t first, uint64_t count);
/* Whether its ports, line or device are another's before it, too.  O(objects). */
bool bx_sysimage_object_overlaps(const struct bx_sysimage *image, uint32_t index);
/* Whether what has one holder (memory, line, ports, device) is held from the root by one program only.
 * O(grants * objects / 256): at most 262,144 grants are looked at. */
bool bx_sysimage_holders_single(const struct bx_sysimage *image);
/* The range of a validated object's root capability, and enum bx_cap_type of an object kind. */
void bx_sysimage_object_range(const struct bx_sysimage *image, uint32_t index, uint64_t *first,
    uint64_t *count);
uint8_t bx_object_cap_type(uint32_t kind);
#define BX_PROGRAM_FLAGS	0x3fu	/* all BX_PROGRAM_* */
#define BX_SYSTEM_FLAGS		((uint32_t)BX_SYSTEM_RESEARCH)

#define BX_ELF_SEGMENTS_MAX	8
struct bx_elf_segment {
	uint64_t address, file_offset, file_size, memory_size;
	uint32_t flags;			/* BX_PAGE_WRITE, BX_PAGE_EXECUTE */
};
struct bx_elf {
	uint64_t entry;
	uint32_t segment_count;
	struct bx_elf_segment segments[BX_ELF_SEGMENTS_MAX];	/* sorted, on disjoint pages */
};

/* Validates a static x86-64 ELF64 executable for user space before anything is mapped.
 * BX_ERR_FORMAT, BX_ERR_TRUNCATED, BX_ERR_RANGE, BX_ERR_WX, BX_ERR_UNSUPPORTED. */
BX_MUST_USE enum bx_err bx_elf_open(const uint8_t *bytes, size_t size, struct bx_elf *elf,
    const char **where);

#endif
