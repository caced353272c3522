/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * spawnd.h -- the spawn server's state, and what its files offer each other.
 *
 *	policy.c	how often, and when (pure)
 *	programs.c	the programs: starts, ends, restarts
 *	spawnd.c	boot, requests, the one place in which it waits
 */
#ifndef BRAINIX_SPAWND_H
#define BRAINIX_SPAWND_H

#include <brainix/sys.h>

#include "policy.h"
#include "spawn-ipc.h"

#define PROGRAMS_MAX	64u		/* bits of a notification */

/*
 *	phase		is					left by
 *	DOWN		not started yet, or ended and not to	program_start
 *			be started again
 *	STARTING	started; its ready bit is awaited	ready, the end of its time: UP; its end
 *	UP		started					its end
 *	WAITING		ended; to be started again at `due`	the time, a start: STARTING or UP; a stop: DOWN
 */
enum phase { PHASE_DOWN, PHASE_STARTING, PHASE_UP, PHASE_WAITING };

/* Who wanted the last start. */
enum by { BY_BOOT, BY_CLIENT, BY_POLICY };

/* What is still to be told to people. */
enum tell { TELL_NOTHING, TELL_STARTED, TELL_LATE, TELL_FAILED, TELL_EARLY, TELL_LAST };

/* How a program ended: of struct bx_info_program.  State ABSENT: it has not yet. */
struct end {
	uint32_t state, fault_kind;
	int32_t exit_code;
	uint64_t fault_address, fault_instruction;
};

struct program {
	uint32_t number;		/* in the manifest */
	uint32_t spawn;			/* slot of the capability that it is started by */
	uint32_t flags;			/* BX_PROGRAM_* */
	bool offered;			/* clients may have it started, stopped, killed */
	enum phase phase;
	enum tell tell;
	enum by by;
	bool stopping;			/* its end was asked for */
	bool stopped;			/* and has been done */
	bool exhausted;			/* its restarts are used up */
	enum bx_err err;		/* of its last start */
	uint64_t began, up;		/* its last start, and when that was done */
	uint64_t due;			/* WAITING: the next start; STARTING: when it must be ready */
	struct policy policy;
	struct history history;
	struct end last;
	char name[BX_NAME_MAX];
};

struct spawnd {
	const struct bx_sys *sys;
	uint32_t spawn, offer, life, power, endpoint;	/* slots; offer may be BX_SLOT_NONE */
	uint32_t count;
	uint32_t boot_next;		/* place of the one that boot starts next */
	uint32_t boot_failed;
	bool booted;
	bool halt;			/* a program's end demands it */
	uint32_t held_count;		/* replies of those that wait for the end of boot */
	uint32_t held[BX_SYS_REPLIES_MAX];
	struct program programs[PROGRAMS_MAX];
	struct bx_sys_service service;
	uint8_t string[BX_IF_SPAWN_REQUEST_STRING_MAX];
	uint8_t answer_string[BX_IF_SPAWN_ANSWER_STRING_MAX];
};

/* All programs that its capabilities may start, in the manifest's order. */
void programs_find(struct spawnd *spawnd);

/* By name; NULL when there is none. */
struct program *program_named(struct spawnd *spawnd, const char *name, uint32_t length);

/* Present state; takes note of an end that no signal tells.  As bx_sys_program_info. */
BX_MUST_USE enum bx_err program_look(struct spawnd *spawnd, struct program *program,
    struct bx_info_program *info);

/* Starts it, which does not run, without waiting for it to be ready.  What bx_sys_spawn says; what follows an
 * error its policy says, or the client that wanted it. */
enum bx_err program_start(struct spawnd *spawnd, struct program *program, enum by by,
    const void *argument, size_t length);

/* Ends it, of which `info` is what program_look found, for good when `stop`; what a client asks for. */
BX_MUST_USE enum bx_err program_end(struct program *program, const struct bx_info_program *info,
    bool stop);

/* Bits of the life notification: each program that is ready or has ended. */
void programs_heard(struct spawnd *spawnd, uint64_t bits);

/* Those whose time has come: to be started again, or to have been ready. */
void programs_due(struct spawnd *spawnd);

/* The earliest of those times. */
uint64_t programs_next(const struct spawnd *spawnd);

/* What has happened since the last time, to people. */
void programs_tell(struct spawnd *spawnd);

#endif
