/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * pair.h -- two stacks in one process, joined by a wire in virtual time that can lose, duplicate, reorder, corrupt and
 * delay by a seed.  For tests and benchmarks; it uses malloc, the library does not.
 */
#ifndef PAIR_H
#define PAIR_H

#include <brainix/net_socket.h>
#include <brainix/net_stack.h>

#include "wire.h"

#define PAIR_FRAME	WIRE_FRAME
#define PAIR_BATCH	64u
#define PAIR_GATHER	8u	/* frames that a device hands over at once, each of which it may have coalesced */
#define PAIR_MTU	1500u
#define PAIR_WHOLE	66000u	/* what a device is to cut */

struct host {
	struct bx_stack stack;
	void *memory[3];
	struct bx_net_batch out, whole;
	uint8_t *out_bytes, *whole_bytes;
	struct bx_net_buf out_bufs[PAIR_BATCH], whole_bufs[4];
	struct bx_net_addr address, address6;
	uint8_t mac[6];
};

struct pair {
	struct host host[2];
	struct wire wire;
	uint64_t now_us;
	bool packed;			/* every seam crosses as a byte string */
	/* Both hosts have a device that makes sums, cuts, and coalesces what comes within so many microseconds. */
	bool device;
	uint64_t gather_us;
	const char *fault;		/* of the frames that the device was given */
	/* Sees every frame before the wire does; false: it is lost. */
	bool (*tap)(struct pair *pair, uint32_t from, uint8_t *frame, uint32_t length);
	/* The application of a host that has received something: called before its stack answers. */
	void (*reader)(struct pair *pair, uint32_t i);
};

/* The configuration that the tests start from. */
struct bx_transport_config pair_transport(void);

/* Two hosts, 10.0.0.1 and 10.0.0.2, on one link.  config may be NULL. */
void pair_init(struct pair *pair, uint64_t seed, const struct bx_transport_config *config);
/* All zero bytes: nothing is there; and so it is left. */
void pair_free(struct pair *pair);

/* From now on they speak IPv6, fd00::1 and fd00::2. */
void pair_ipv6(struct pair *pair);

/* Lets host i say what it has to say. */
void pair_output(struct pair *pair, uint32_t i);

/* Puts a frame on the wire from host i. */
void pair_send(struct pair *pair, uint32_t i, const uint8_t *frame, uint32_t length);

/* Delivers what is due next, or lets a timer expire; false: nothing will ever happen any more before until_us. */
bool pair_step(struct pair *pair, uint64_t until_us);

/* Steps until then. */
void pair_run(struct pair *pair, uint64_t until_us);

/* A UDP datagram by host i. */
enum bx_err pair_udp_send(struct pair *pair, uint32_t i, uint64_t end, const struct bx_net_addr *to,
    uint16_t port, const uint8_t *bytes, uint32_t length);

enum bx_err pair_connect(struct pair *pair, uint32_t i, uint16_t port, uint64_t *connection);

uint32_t pair_random(struct pair *pair);

/* A host as the socket layer over its transport stage sees it. */
struct bx_socket_net pair_net(struct pair *pair, uint32_t host);

#endif
