/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * batch.h -- inside the library: a further buffer of a batch, in line.
 */
#ifndef NETSTACK_BATCH_H
#define NETSTACK_BATCH_H

#include <brainix/net_buf.h>

/* As bx_net_batch_add, but the addresses are not cleared: they are the caller's to write. */
static inline struct bx_net_buf *
batch_add(struct bx_net_batch *batch, uint32_t length)
{
	struct bx_net_buf *buf = &batch->bufs[batch->count];
	uint32_t take = batch->slot;

	if (!bx_net_batch_fits(batch, length))
		return NULL;
	if (take == 0)
		take = (BX_NET_HEADROOM + length + 7u) & ~7u;
	buf->begin = batch->used;
	buf->end = batch->used + take;
	buf->offset = batch->used + BX_NET_HEADROOM;
	buf->length = length;
	buf->kind = BX_NET_NONE;
	buf->interface = 0;
	buf->flags = 0;
	buf->segment_size = 0;
	buf->mtu = 0;
	buf->sum_start = 0;
	buf->sum_offset = 0;
	buf->protocol = 0;
	buf->traffic_class = 0;
	buf->hop_limit = 0;
	buf->error = BX_NET_ERROR_NONE;
	buf->zero = 0;
	batch->used += take;
	batch->count++;
	return buf;
}

#endif
