/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_batch.c -- fuzz target: a hostile neighbour stage.  The input is a packed batch; what bx_net_batch_unpack
 * accepts is given to each stage from below and from above, and packed again.
 */
#include "fuzz_stages.h"

#define FEATURES	0x1fu

static uint8_t in_bytes[65536], out_bytes[65536], packed[131072];
static struct bx_net_buf in_bufs[16], out_bufs[32];
static struct bx_stack stack;
static struct prepared prepared;

static void
start(struct bx_stack *s, struct prepared *p)
{
	struct bx_net_addr me = bx_net_ipv4(10, 0, 0, 1), any = { { 0 } };
	uint64_t handle;
	uint16_t port;

	stages_start(s, FEATURES, 0, &me);
	must(bx_tcp_listen(s->transport, &any, 80, 2, &handle) == BX_OK);
	must(bx_udp_open(s->transport, &any, 53, &handle, &port) == BX_OK);
	stages_prepared(p, FEATURES);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bx_stack *s = &stack;
	struct bx_net_batch in, out;
	uint32_t length;
	uint8_t which = size != 0 ? data[0] : 0;

	if (size < 2 || size > sizeof in_bytes)
		return 0;
	bx_net_batch_init(&in, in_bytes, sizeof in_bytes, in_bufs, 16, 0);
	bx_net_batch_init(&out, out_bytes, sizeof out_bytes, out_bufs, 32, 0);
	if (bx_net_batch_unpack(&in, data + 1, (uint32_t)size - 1) != BX_OK) {
		must(in.count == 0);
		return 0;
	}
	if (prepared.made)
		prepared_restore(&prepared);
	else
		start(s, &prepared);
	switch (which % 5) {
	case 0: bx_link_receive(s->link, 1, &in, &out); break;
	case 1: bx_ip_receive(s->ip, 1, &in, &out); break;
	case 2: bx_transport_receive(s->transport, 1, &in, &out); break;
	case 3: (void)bx_ip_send(s->ip, 1, &in, &out); break;
	case 4: bx_link_send(s->link, 1, &in, &out); break;
	}
	must(bx_net_batch_check(&in) == BX_OK && bx_net_batch_check(&out) == BX_OK);
	must(bx_net_batch_pack(&in, packed, sizeof packed, &length) == BX_OK);
	must(bx_net_batch_pack(&out, packed, sizeof packed, &length) == BX_OK);
	return 0;
}
