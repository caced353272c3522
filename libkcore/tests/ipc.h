/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipc.h -- rendezvous between programs, for the tests of IPC: what each asks for, and what it gets.  The system is driver.h's
 * with all programs at one priority; thread 2p is the first of program p.
 */
#ifndef BX_KCORE_TEST_IPC_H
#define BX_KCORE_TEST_IPC_H

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
#define WITH_BUFFERS(number)	((number) | (uint64_t)BX_IPC_BUFFERS << 8)

extern struct world world;
extern struct build build;

/*
 * Before each case: all programs run, in setup_open() with open spaces.  prepare() and start_all() are its halves: between them
 * a test changes the system.
 */
void setup(void);
void setup_open(void);
void prepare(void);
void start_all(void);
void teardown(void);

struct bx_thread *thread(uint32_t index);

/* What lies in that slot of the program's space. */
struct bx_cap *cap(uint32_t program, uint32_t slot);

/* The thread makes a call with words that are its own; returns its result register. */
enum bx_err ask_with(uint32_t who, uint64_t number, uint64_t slot, uint64_t label,
    uint64_t deadline, uint64_t reply);

/* The same without a reply slot. */
enum bx_err ask(uint32_t who, uint64_t number, uint64_t slot, uint64_t label, uint64_t deadline);

void state_is(uint32_t who, enum bx_thread_state state);

/* What `who` has received: from whom, how. */
void received(uint32_t who, uint64_t badge, uint64_t label, uint64_t info, uint32_t from);

/* It got an error, and its registers are otherwise as it left them. */
void failed(uint32_t who, enum bx_err err);

/* The program offers these buffers with its next call that says WITH_BUFFERS. */
void offer(uint32_t program, struct bx_ipc_buffers buffers);

/* Buffers at the places that all use, of no length, and no slots. */
struct bx_ipc_buffers no_buffers(void);

/* A string of that length to send, its bytes made of the program's number; or room for one. */
void offer_send(uint32_t program, uint32_t length);
void offer_receive(uint32_t program, uint32_t capacity);

/* The string that offer_send() of `from` made has come. */
void string_is(uint32_t program, uint32_t length, uint32_t from);

/* Lets the machine take its interrupts until nobody's system call is half done. */
void settle(void);

/* Leaves a copy of what is offered from CLIENT to SERVER interrupted after its first step; `first` makes it. */
void copy_begun(uint32_t first);

/* The same with a string of 60,000 bytes. */
void half_copied(uint32_t first);

/* Everybody else sleeps, and both have a timer entry that comes due before any deadline below: so
 * that exchanges between CLIENT and SERVER take the short way (ipc_fast.c). */
void quiet(void);

/* Adds the cases of each file. */
void cases_string(Suite *suite);
void cases_capability(Suite *suite);
void cases_event(Suite *suite);

#endif
