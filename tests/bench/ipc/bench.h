/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* bench.h -- what the parts of the benchmark share.  See bench.c. */
#ifndef BENCH_H
#define BENCH_H

#include <brainix/sys.h>

#include "protocol.h"

#define ROUNDS		1000u
#define WARM_UP		32u

struct bench {
	const struct bx_sys *sys;
	uint32_t uart, power, spawn, service, bell, answer, memory, faults, report;
	uint8_t string[BX_IPC_STRING_MAX];
};

/* One line of the result. */
void row(struct bench *bench, const char *name, uint64_t ticks, uint64_t rounds);
/* Around what a row measures: tells the time at its begin; takes it at its end, and prints the row.  Each
 * also makes a system call that nothing else makes, so that who watches the kernel's instructions
 * sees where a row begins and ends (run-bench: CR3 writes). */
uint64_t begin(struct bench *bench);
void end(struct bench *bench, const char *name, uint64_t from, uint64_t rounds);
/* Ends the benchmark when something failed. */
void need(struct bench *bench, const char *what, enum bx_err err);
/* Tells the server which kind of messages come next: SERVICE_*. */
void mode(struct bench *bench, uint64_t label);

/* Rows of capabilities: bench_cap.c; of switches: bench_switch.c. */
void bench_capabilities(struct bench *bench);
void bench_switches(struct bench *bench);

#endif
