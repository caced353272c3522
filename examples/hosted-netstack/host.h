/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * host.h -- a stack on a tap device of Linux: the device, the memory, the clock, and the loop that the library leaves
 * to its user.
 */
#ifndef HOSTED_NETSTACK_HOST_H
#define HOSTED_NETSTACK_HOST_H

#include <brainix/net_stack.h>

#define HOST_BATCH	64u
#define HOST_FRAME	2048u

struct host {
	struct bx_stack stack;
	int tap;
	struct bx_net_addr address;
	struct bx_net_batch in, out, whole;
	uint8_t in_bytes[HOST_BATCH * HOST_FRAME], out_bytes[HOST_BATCH * HOST_FRAME], whole_bytes[70000];
	struct bx_net_buf in_bufs[HOST_BATCH], out_bufs[HOST_BATCH], whole_bufs[4];
};

/* Microseconds of a steady clock. */
uint64_t host_now(void);

/* Opens tap device `name` and makes a stack on it.  Ends the program with a message if it cannot. */
void host_start(struct host *host, const char *name, const struct bx_net_addr *address, uint8_t prefix,
    const struct bx_net_addr *gateway);

/* Waits for frames or for time, at most until `until_us`, and lets the stack work on them. */
void host_turn(struct host *host, uint64_t until_us);

/* Sends what the application's calls have queued. */
void host_flush(struct host *host);

/* Reads "a.b.c.d" up to any other character; false if it is none. */
bool host_address(const char *text, struct bx_net_addr *address, const char **end);

/* Prints a message and ends the program. */
BX_NORETURN void host_die(const char *what, const char *why);

#endif
