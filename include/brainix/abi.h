/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/abi.h -- the binary interface between the kernel and user programs.  Layer 0.
 * The kernel core and libsys both include this file and nothing else of each other.
 * Also included by assembly: only #defines outside the __ASSEMBLER__ guard.
 *
 * A system call is the SYSCALL instruction.  Registers by role (x86-64):
 *
 *	in				out
 *	rax  number | flags << 8	error (enum bx_err, sign-extended to 64 bits)
 *	rdi  slot			value 0; IPC: badge of what was received
 *	rsi  argument 1; IPC: label	value 1; IPC: label
 *	rdx  argument 2; IPC: deadline	value 2; IPC: BX_IPC_INFO_* | string length << 32
 *	r8 r9 r10 r12 r13 r14		arguments 3..8 / words 0..5; on return words 0..5 of what was
 *					received, else as they were
 *	rbx  IPC: reply slot		as it was
 *	r15  IPC: struct bx_ipc_buffers *	as it was
 *	rcx r11  (taken by SYSCALL)	the caller's own rip and rflags, as SYSCALL and SYSRET leave them
 *	rbp rsp  untouched		as they were
 *
 * On an error value 0..2 are 0 and words 0..5 as they were; what a receive buffer holds after an
 * error of the call that offered it is unspecified.  A register that carries no result never carries anything of the kernel.
 *
 * Time is counted in ticks of the processor's time stamp counter since it was reset
 * (RDTSC in user mode reads it); BX_SYS_CLOCK_INFO tells how many make a second.
 * A deadline is an absolute tick; 0 means "do not block".  There is no infinite wait:
 * a later deadline than BX_DEADLINE_FAR from now is treated as one between that and twice that.
 */
#ifndef BRAINIX_ABI_H
#define BRAINIX_ABI_H

/* System call numbers.  Never reused. */
#define BX_SYS_NULL		0	/* does nothing; to measure the way in and out */
#define BX_SYS_CALL		1	/* send, then wait for the answer: endpoint(WRITE, GRANT_REPLY) */
#define BX_SYS_SEND		2	/* send without answer: endpoint(WRITE) */
#define BX_SYS_RECEIVE		3	/* endpoint(READ); reply slot or BX_SLOT_NONE in rbx */
#define BX_SYS_REPLY		4	/* slot: the reply capability, spent by it */
#define BX_SYS_REPLY_RECEIVE	5	/* reply to rbx, then receive on rdi with the same rbx */
#define BX_SYS_SIGNAL		6	/* notification(WRITE): sets the bits of the badge */
#define BX_SYS_WAIT		7	/* notification(READ), rdx deadline -> value 0: bits, cleared */
#define BX_SYS_NOTIFICATION_BIND 8	/* notification(READ): receive by this thread also ends on it */
#define BX_SYS_YIELD		9	/* give the rest of the time slice to an equal */
#define BX_SYS_EXIT		10	/* rdi: exit code; ends the whole process */
#define BX_SYS_SLEEP		11	/* rdx deadline */

#define BX_SYS_CAP_DERIVE	16	/* rdi slot, r15 struct bx_derive *  (source, limits, target) */
#define BX_SYS_CAP_COPY		17	/* rdi from, rsi to */
#define BX_SYS_CAP_MOVE		18	/* rdi from, rsi to */
#define BX_SYS_CAP_DELETE	19	/* rdi slot */
#define BX_SYS_CAP_REVOKE	20	/* rdi slot */
#define BX_SYS_CAP_RECHARGE	21	/* rdi parent slot, rsi cspace slot, rdx child slot there, r8 uses */
#define BX_SYS_CAP_INFO		22	/* rdi slot -> value 0: type | rights << 8 | uses << 32, 1: badge */

#define BX_SYS_MAP		32	/* rdi memory, rsi address, rdx first page, r8 pages, r9 BX_MAP_* */
#define BX_SYS_UNMAP		33	/* rdi memory, rdx first page, r8 pages */

#define BX_SYS_THREAD_START	40	/* rdi thread(WRITE), rsi entry, rdx stack, r8 argument */
#define BX_SYS_THREAD_STOP	41	/* rdi thread(WRITE) */
#define BX_SYS_THREAD_RESUME	42	/* rdi thread(WRITE) */
#define BX_SYS_THREAD_PRIORITY	43	/* rdi thread(WRITE), rsi priority <= the program's maximum */

#define BX_SYS_IRQ_BIND		48	/* rdi irq(READ), rsi notification(WRITE): its badge is signalled */
#define BX_SYS_IRQ_ACK		49	/* rdi irq(READ): unmask; the next interrupt may come */
#define BX_SYS_PORT_IN		50	/* rdi ioport(READ), rsi port, rdx width 1 2 4 -> value 0 */
#define BX_SYS_PORT_OUT		51	/* rdi ioport(WRITE), rsi port, rdx width, r8 value */

#define BX_SYS_SPAWN		56	/* rdi spawn(WRITE), rsi program, rdx argument bytes, r8 length */
#define BX_SYS_KILL		57	/* rdi spawn(WRITE), rsi program */
#define BX_SYS_PROGRAM_INFO	58	/* rdi spawn(READ), rsi program, rdx struct bx_info_program * */

#define BX_SYS_INSPECT		60	/* rdi audit(READ), rsi BX_INSPECT_*, rdx index, r8 buffer, r9 its
					 * length, r10 second index -> value 0: bytes written */
#define BX_SYS_AUDIT_READ	61	/* rdi audit(READ), rsi first sequence number, rdx buffer, r8 its
					 * length -> value 0: records, 1: sequence number of the first */
#define BX_SYS_CLOCK_INFO	62	/* -> value 0: ticks per second, 1: tick at which the bootloader began */
#define BX_SYS_POWER		63	/* rdi device(WRITE) of BX_DEVICE_PLATFORM, rsi BX_POWER_* */
#define BX_SYS_COUNT		64

/* Ticks: an hour and more on any processor of today. */
#define BX_DEADLINE_FAR		(1ull << 44)

/* Flags of IPC calls, in bits 8.. of rax. */
#define BX_IPC_BUFFERS		0x1	/* r15 is the address of a struct bx_ipc_buffers */

/* Info of a received message (rdx). */
#define BX_IPC_INFO_SIGNAL	0x1	/* no message: bits of the bound notification, in the badge */
#define BX_IPC_INFO_REPLY	0x2	/* a reply capability was put into the reply slot: a call */
#define BX_IPC_INFO_CAP		0x4	/* a capability was put into receive_slot */
#define BX_IPC_INFO_FAULT	0x8	/* from the kernel, for a faulting thread: words per BX_FAULT_* */

#define BX_IPC_WORDS		6
#define BX_IPC_STRING_MAX	65536
#define BX_SLOT_NONE		0xffffffff

#define BX_MAP_READ		0x1
#define BX_MAP_WRITE		0x2
#define BX_MAP_EXECUTE		0x4

#define BX_POWER_OFF		1
#define BX_POWER_RESET		2

/* A faulting thread's message: word 0 the kind, 1 the address at fault, 2 the instruction, 3 the
 * hardware's error code, 4 the stack pointer. */
#define BX_FAULT_PAGE		1
#define BX_FAULT_INSTRUCTION	2	/* undefined, privileged, breakpoint, ... */
#define BX_FAULT_ARITHMETIC	3
#define BX_FAULT_PROTECTION	4	/* #GP, #SS, alignment */
#define BX_FAULT_FPU		5	/* SSE or x87 in a program without `fpu` */

#define BX_PAGE_SIZE		4096
#define BX_PAGE_SHIFT		12
/* User addresses: [BX_USER_START, BX_USER_END).  The last page below the canonical hole stays
 * unmapped so that no SYSCALL can return to a non-canonical address. */
#define BX_USER_START		0x10000
#define BX_USER_END		0x7fffffffe000

/* Where a process finds its launch block (see struct bx_launch), besides in rdi at its start. */
#define BX_LAUNCH_ADDRESS	(BX_USER_END - 4 * BX_PAGE_SIZE)

#define BX_PRIORITY_COUNT	64	/* 0 the lowest */
#define BX_NAME_MAX		24	/* bytes of a name, the closing NUL included */
#define BX_SPAWN_ARGUMENT_MAX	1024

#ifndef __ASSEMBLER__

#include <brainix/base.h>

/* Byte string and capability of an IPC call, in user memory, 8-aligned; read once when the call
 * begins.  The length received comes back in a register, so this is never written. */
struct bx_ipc_buffers {
	uint64_t send_address;		/* the string to send */
	uint32_t send_length;		/* 0..BX_IPC_STRING_MAX; 0: no string */
	uint32_t send_slot;		/* capability to send along, or BX_SLOT_NONE; needs GRANT */
	uint64_t receive_address;
	uint32_t receive_capacity;	/* a longer string is refused: BX_ERR_MSG_TOO_LONG to both */
	uint32_t receive_slot;		/* where a capability may be put, or BX_SLOT_NONE */
};
BX_STATIC_ASSERT(sizeof(struct bx_ipc_buffers) == 32, "part of the binary interface");

/* Arguments of BX_SYS_CAP_DERIVE; slots in the caller's own space. */
struct bx_derive {
	uint64_t to;			/* target slot */
	uint64_t rights;
	uint64_t uses;
	uint64_t badge;
	uint64_t expiry;
	uint64_t first, count;
};

/* What a new process finds: rdi address and rsi length of its launch block, rdx address and r8
 * length of the arguments given by its spawner.  The launch block is read-only and is the table
 * below, in the manifest's order, so that programs find their capabilities by name. */
#define BX_LAUNCH_MAGIC		0x48434e4c4e495842ull	/* "BXINLNCH" as bytes */
struct bx_launch_entry {
	char name[BX_NAME_MAX];
	uint32_t slot;
	uint32_t type;			/* enum bx_cap_type */
};
struct bx_launch {
	uint64_t magic;
	uint32_t version;		/* 1 */
	uint32_t program;		/* this program's number in the manifest */
	char name[BX_NAME_MAX];
	uint32_t reply_first;		/* slots set apart for replies */
	uint32_t reply_count;
	uint32_t entry_count;
	uint32_t reserved;
	struct bx_launch_entry entries[];
};
BX_STATIC_ASSERT(sizeof(struct bx_launch_entry) == 32, "part of the binary interface");
BX_STATIC_ASSERT(sizeof(struct bx_launch) == 56, "part of the binary interface");

/* What BX_SYS_INSPECT shows.  The second index is used by BX_INSPECT_CAP only.  Names are
 * NUL-terminated.  Past the last index: BX_ERR_RANGE; an unused entry: BX_ERR_NOT_FOUND. */
enum bx_inspect {
	BX_INSPECT_SYSTEM = 1,		/* struct bx_info_system */
	BX_INSPECT_PROGRAM = 2,		/* index: program; struct bx_info_program */
	BX_INSPECT_THREAD = 3,		/* index: thread; struct bx_info_thread */
	BX_INSPECT_CAP = 4,		/* index: program, second: slot; struct bx_info_cap */
	BX_INSPECT_ENDPOINT = 5,	/* index: endpoint; struct bx_info_endpoint */
	BX_INSPECT_NOTIFICATION = 6,	/* index: notification; struct bx_info_endpoint */
	BX_INSPECT_POOL = 7		/* index: pool; struct bx_info_pool */
};

enum bx_program_state {
	BX_PROGRAM_ABSENT = 0,		/* not started yet */
	BX_PROGRAM_RUNNING = 1,
	BX_PROGRAM_EXITED = 2,		/* ended by itself; exit_code */
	BX_PROGRAM_KILLED = 3,
	BX_PROGRAM_FAULTED = 4,		/* fault_*; no fault handler took it */
	BX_PROGRAM_ENDING = 5		/* being taken apart */
};

enum bx_thread_state {
	BX_THREAD_FREE = 0,
	BX_THREAD_STOPPED = 1,
	BX_THREAD_READY = 2,		/* running or waiting for the processor */
	BX_THREAD_SENDING = 3,		/* in the queue of an endpoint, to send or call */
	BX_THREAD_RECEIVING = 4,
	BX_THREAD_AWAITING_REPLY = 5,
	BX_THREAD_WAITING = 6,		/* for a notification */
	BX_THREAD_SLEEPING = 7,
	BX_THREAD_FAULTED = 8
};

#define BX_PROGRAM_AUTOSTART	0x1	/* spawnd starts it at boot */
#define BX_PROGRAM_RESTART	0x2	/* has a restart policy: what spawnd does when it ends unasked */
#define BX_PROGRAM_FPU		0x4	/* its threads may use x87/SSE/AVX */
#define BX_PROGRAM_SIGNALS_READY 0x8	/* boot is complete only when it has signalled "ready" */
#define BX_PROGRAM_PASSIVE	0x20	/* its threads have no time of their own, but their callers' */
#define BX_PROGRAM_OPEN_SPACE	0x10	/* its capability space is not sealed: research systems only */

#define BX_EXHAUSTED_STOP	0	/* its restarts are used up: it stays down */
#define BX_EXHAUSTED_HALT	1	/* and the machine is switched off */

#define BX_SYSTEM_RESEARCH	0x1	/* programs of it may have open capability spaces */

struct bx_info_system {
	uint64_t ticks_per_second;
	uint64_t now;			/* ticks */
	uint64_t boot_ticks;		/* tick at which the bootloader began */
	uint64_t frames_total, frames_free, frames_kernel, frames_table, frames_user;
	uint64_t slots_total, slots_used;
	uint64_t system_calls, interrupts, switches, faults;
	uint64_t idle_ticks;
	uint64_t audit_next;		/* sequence number of the next record */
	uint64_t audit_lost;		/* overwritten before anybody read them */
	uint64_t audit_dropped;		/* not kept: the share of their program was full */
	uint32_t program_count, thread_count, endpoint_count, notification_count;
	uint32_t cpu_features;		/* BX_CPU_* that are switched on */
	uint32_t flags;			/* BX_SYSTEM_* */
	char system_name[BX_NAME_MAX];
	char version[BX_NAME_MAX];
};

#define BX_CPU_NX		0x001
#define BX_CPU_WP		0x002
#define BX_CPU_SMEP		0x004
#define BX_CPU_SMAP		0x008
#define BX_CPU_UMIP		0x010
#define BX_CPU_PCID		0x020
#define BX_CPU_CET_IBT		0x040
#define BX_CPU_CET_SS		0x080
#define BX_CPU_KPTI		0x100

struct bx_info_program {
	char name[BX_NAME_MAX];
	uint32_t state;			/* enum bx_program_state */
	uint32_t flags;			/* BX_PROGRAM_* */
	uint32_t priority;
	uint32_t starts;		/* how often it has been started */
	uint64_t cpu_ticks;		/* used since its last start */
	uint32_t frames_used, frames_quota;
	uint32_t slots_used, slot_count;
	uint32_t threads;		/* living ones */
	int32_t exit_code;
	uint32_t fault_kind;		/* BX_FAULT_*, when it ended by one */
	uint32_t reserved;
	uint64_t fault_address, fault_instruction;
	/* Restart policy (sysimage.h); all 0 without BX_PROGRAM_RESTART. */
	uint32_t restart_times, restart_within_us, restart_backoff_us;
	uint32_t restart_exhausted;	/* BX_EXHAUSTED_* */
	uint64_t audit_dropped;		/* of its records, that its share of the ring had no place for */
	uint8_t state_hash[32];		/* SHA-256 of its capabilities at the end of its last launch (struct
					 * bx_state_cap in sysimage.h); zeroes: not launched yet */
};

struct bx_info_thread {
	uint32_t program;
	uint32_t state;			/* enum bx_thread_state */
	uint32_t priority;		/* effective: own, or lent by a caller */
	uint32_t partner;		/* thread it waits for, or BX_SLOT_NONE */
	uint32_t object;		/* endpoint or notification it waits on, or BX_SLOT_NONE */
	uint32_t account;		/* thread on whose time it runs: itself, or a caller */
	uint64_t cpu_ticks;		/* that passed on its account, also for others */
	uint64_t deadline;		/* of its wait, 0: none */
	uint64_t budget_ticks;		/* that its account may use in period_ticks; UINT64_MAX: any */
	uint64_t period_ticks;
	int64_t budget_left;		/* ticks; what the account has used since it runs is still in it */
	uint32_t throttled;		/* 1: the account has no time until its next refill */
	uint32_t throttles;		/* how often that has been so */
};

struct bx_info_cap {
	uint32_t type;			/* enum bx_cap_type; NONE: empty slot */
	uint32_t rights;
	uint32_t depth;
	uint32_t uses;
	uint64_t badge;
	uint64_t expiry;
	uint64_t first, count;
	uint32_t object;		/* index in the pool of its type */
	uint32_t stale;			/* 1: the object it named is gone */
	uint64_t lifetime_us;		/* of expiry, from the launch of its program on; 0: its parent's */
	uint32_t parent_program;	/* whose capability it is derived from, or BX_SLOT_NONE: the root */
	uint32_t parent_slot;
	char object_name[BX_NAME_MAX];
	char name[BX_NAME_MAX];		/* what the manifest calls the slot, or "" */
};

struct bx_info_endpoint {
	char name[BX_NAME_MAX];
	uint32_t senders, receivers;	/* threads in its queue */
	uint32_t server;		/* program that receives on it, or BX_SLOT_NONE */
	uint32_t reserved;
	uint64_t messages;		/* exchanged (or signals) since boot */
	uint64_t bytes;			/* of strings copied */
	uint64_t bits;			/* pending, of a notification */
};

struct bx_info_pool {
	char name[BX_NAME_MAX];
	uint32_t used, total, object_size, reserved;
};

/* Audit records: fixed size, numbered, oldest overwritten first and counted.  docs/audit.md says when
 * each is made, who pays for its place in the ring, and what an observer may conclude.
 * "About": the capability concerned, in `object` and d. */
enum bx_audit_kind {
	BX_AUDIT_BOOT = 1,		/* a: frames, b: ticks per second, c: BX_SYSTEM_* */
	BX_AUDIT_SPAWN = 2,		/* program: who started, other: what; a: entry address, b: the first 8
					 * bytes of its state_hash, c: how often it has been started */
	BX_AUDIT_EXIT = 3,		/* a: exit code */
	BX_AUDIT_KILL = 4,		/* other: who was killed, a: slot; about the spawn capability */
	BX_AUDIT_FAULT = 5,		/* a: BX_FAULT_* , b: address, c: instruction */
	BX_AUDIT_REFUSED = 6,		/* a: system call, b: error, c: slot; about what is in it; also one
					 * that waited, and was told by who came to meet it */
	BX_AUDIT_QUOTA = 7,		/* likewise: the quota was exhausted */
	BX_AUDIT_DERIVE = 8,		/* a: from, b: to, c: uses; about the new one */
	BX_AUDIT_TRANSFER = 9,		/* other: receiver, a: from, b: to; about what it got */
	BX_AUDIT_REVOKE = 10,		/* a: slot, b: how many went; about what is, or was, in it */
	BX_AUDIT_POWER = 11,		/* a: BX_POWER_*; about the device */
	BX_AUDIT_GRANT = 12,		/* at a launch; other: lender, or BX_SLOT_NONE: the manifest; a: slot,
					 * b: badge, c: uses; about it */
	BX_AUDIT_MOVE = 13,		/* a: from, b: to; about it */
	BX_AUDIT_RECHARGE = 14,		/* other: whose, a: parent slot, b: slot there, c: uses; about it */
	BX_AUDIT_SHARE = 15,		/* a: records of `program` that were not kept since its share of the
					 * ring was full; 0: it is full from here on */
	BX_AUDIT_END = 16,		/* taken apart; a: enum bx_program_state, b: capabilities that went */
	BX_AUDIT_CONTROL = 17,		/* other: whose thread, a: slot, b: system call (BX_SYS_THREAD_*),
					 * c: entry of a start, priority of a priority; about the thread */
	BX_AUDIT_KINDS = 18
};

struct bx_audit_record {
	uint64_t sequence;
	uint64_t when;			/* tick */
	uint32_t kind;			/* enum bx_audit_kind */
	uint32_t program;		/* who did it, or BX_SLOT_NONE: the kernel */
	uint32_t other;			/* another program concerned, or BX_SLOT_NONE */
	uint32_t object;		/* about: its number in the manifest; of a thread or reply the thread's,
					 * of a cspace the program's; BX_SLOT_NONE: nothing */
	uint64_t a, b, c;
	uint64_t d;			/* about: enum bx_cap_type | BX_RIGHT_* << 8; 0: nothing */
};
BX_STATIC_ASSERT(sizeof(struct bx_audit_record) == 64, "part of the binary interface");

#endif
#endif
