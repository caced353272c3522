/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * batch.h -- inside the library: a further buffer of a batch, in line.
 */
#ifndef NETSTACK_BATCH_H
#define NETSTACK_BATCH_H

#include <brainix/net_buf.h>

/* As bx_net_batch_add; the descriptor begins as `start`, with its bounds, offset and length filled in. */
static inline struct bx_net_buf *
batch_add(struct bx_net_batch *batch, uint32_t length, struct bx_net_buf start)
{
	struct bx_net_buf *buf = &batch->bufs[batch->count];
	uint32_t take = batch->slot;

	if (!bx_net_batch_fits(batch, length))
		return NULL;
	if (take == 0)
		take = (BX_NET_HEADROOM + length + 7u) & ~7u;
	start.begin = batch->used;
	start.end = batch->used + take;
	start.offset = batch->used + BX_NET_HEADROOM;
	start.length = length;
	*buf = start;
	batch->used += take;
	batch->count++;
	return buf;
}

#endif
