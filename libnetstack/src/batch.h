/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * batch.h -- inside the library: a further buffer of a batch, in line.
 */
#ifndef NETSTACK_BATCH_H
#define NETSTACK_BATCH_H

#include <brainix/net_buf.h>

/* As bx_net_batch_add for a buffer of that kind, flags and so on, but the addresses are not cleared: they are the
 * caller's to write. */
static inline struct bx_net_buf *
batch_add_as(struct bx_net_batch *batch, uint32_t length, enum bx_net_kind kind, uint32_t flags, uint32_t protocol,
    uint32_t traffic_class, uint32_t hop_limit)
{
	struct bx_net_buf *buf = &batch->bufs[batch->count];
	uint32_t take = batch->slot, begin = batch->used;

	if (!bx_net_batch_fits(batch, length))
		return NULL;
	if (take == 0)
		take = (BX_NET_HEADROOM + length + 7u) & ~7u;
	batch->used = begin + take;
	batch->count++;
	buf->begin = begin;
	buf->end = begin + take;
	buf->offset = begin + BX_NET_HEADROOM;
	buf->length = length;
	buf->kind = (uint8_t)kind;
	buf->interface = 0;
	buf->flags = (uint16_t)flags;
	buf->segment_size = 0;
	buf->mtu = 0;
	buf->sum_start = 0;
	buf->sum_offset = 0;
	buf->protocol = (uint8_t)protocol;
	buf->traffic_class = (uint8_t)traffic_class;
	buf->hop_limit = (uint8_t)hop_limit;
	buf->error = BX_NET_ERROR_NONE;
	buf->zero = 0;
	return buf;
}

static inline struct bx_net_buf *
batch_add(struct bx_net_batch *batch, uint32_t length)
{
	return batch_add_as(batch, length, BX_NET_NONE, 0, 0, 0, 0);
}

#endif
