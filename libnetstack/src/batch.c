/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * batch.c -- batches of buffers: filling, checking, and the packed form that crosses a process boundary.
 */
#include "batch.h"
#include "mem.h"

/* The head of the packed form: version, then counts, in wire order; descriptors follow as they are in
 * memory (sender and receiver are the same machine), offsets relative to the contents. */
#define PACK_VERSION	1u
#define PACK_HEAD	8u

void
bx_net_batch_init(struct bx_net_batch *batch, uint8_t *memory, uint32_t size,
    struct bx_net_buf *bufs, uint16_t capacity, uint32_t slot)
{
	BX_ASSERT(slot == 0 || slot >= BX_NET_HEADROOM);

	*batch = (struct bx_net_batch){
		.memory = memory, .bufs = bufs, .size = size, .slot = slot, .capacity = capacity,
	};
}

struct bx_net_buf *
bx_net_batch_add(struct bx_net_batch *batch, uint32_t length)
{
	struct bx_net_buf *buf = batch_add(batch, length);

	if (buf != NULL)
		buf->source = buf->destination = (struct bx_net_addr){ { 0 } };
	return buf;
}

void
bx_net_batch_undo(struct bx_net_batch *batch)
{
	BX_ASSERT(batch->count != 0);
	batch->count--;
	batch->used = batch->bufs[batch->count].begin;
}

static enum bx_err
buf_check(const struct bx_net_buf *buf, uint32_t size)
{
	if (buf->kind >= BX_NET_KIND_COUNT || buf->error >= BX_NET_ERROR_COUNT)
		return BX_ERR_FORMAT;
	if ((buf->flags & ~BX_NET_F_ALL) != 0 || buf->zero != 0)
		return BX_ERR_FORMAT;
	if (buf->end > size || buf->begin > buf->offset || buf->offset > buf->end)
		return BX_ERR_RANGE;
	if (buf->length > buf->end - buf->offset || buf->length > BX_NET_LENGTH_MAX)
		return BX_ERR_RANGE;
	if ((buf->flags & BX_NET_F_SUM_NEEDED) != 0 &&
	    (uint32_t)buf->sum_start + buf->sum_offset + 2u > buf->length)
		return BX_ERR_RANGE;
	if ((buf->flags & BX_NET_F_CUT) != 0 && buf->segment_size == 0)
		return BX_ERR_RANGE;
	return BX_OK;
}

enum bx_err
bx_net_batch_check(const struct bx_net_batch *batch)
{
	if (batch->count > batch->capacity || batch->used > batch->size)
		return BX_ERR_RANGE;
	for (uint32_t i = 0; i < batch->count; i++) {
		enum bx_err err;

		if (batch->bufs[i].kind == BX_NET_NONE)
			continue;
		err = buf_check(&batch->bufs[i], batch->used);
		if (err != BX_OK)
			return err;
	}
	return BX_OK;
}

/* What one buffer takes of the packed contents: headroom, content, rounded up. */
static uint32_t
packed_room(const struct bx_net_buf *buf)
{
	return (BX_NET_HEADROOM + buf->length + 7u) & ~7u;
}

enum bx_err
bx_net_batch_pack(const struct bx_net_batch *batch, uint8_t *bytes, uint32_t size, uint32_t *length)
{
	uint32_t live = 0, at = 0, contents;

	for (uint32_t i = 0; i < batch->count; i++)
		live += batch->bufs[i].kind != BX_NET_NONE;
	contents = PACK_HEAD + live * (uint32_t)sizeof(struct bx_net_buf);
	if (contents > size)
		return BX_ERR_OVERFLOW;
	live = 0;
	for (uint32_t i = 0; i < batch->count; i++) {
		struct bx_net_buf buf = batch->bufs[i];
		uint32_t room = packed_room(&buf);

		if (buf.kind == BX_NET_NONE)
			continue;
		if (room > size - contents - at)
			return BX_ERR_OVERFLOW;
		memset(bytes + contents + at, 0, BX_NET_HEADROOM);
		memcpy(bytes + contents + at + BX_NET_HEADROOM, bx_net_bytes(batch, &batch->bufs[i]), buf.length);
		memset(bytes + contents + at + BX_NET_HEADROOM + buf.length, 0,
		    room - BX_NET_HEADROOM - buf.length);
		buf.begin = at;
		buf.end = at + room;
		buf.offset = at + BX_NET_HEADROOM;
		memcpy(bytes + PACK_HEAD + live * sizeof buf, &buf, sizeof buf);
		at += room;
		live++;
	}
	bx_put_be16(bytes, PACK_VERSION);
	bx_put_be16(bytes + 2, (uint16_t)live);
	bx_put_be32(bytes + 4, at);
	*length = contents + at;
	return BX_OK;
}

enum bx_err
bx_net_batch_unpack(struct bx_net_batch *batch, const uint8_t *bytes, uint32_t length)
{
	uint32_t live, used, contents;
	enum bx_err err;

	bx_net_batch_clear(batch);
	if (length < PACK_HEAD)
		return BX_ERR_TRUNCATED;
	if (bx_get_be16(bytes) != PACK_VERSION)
		return BX_ERR_FORMAT;
	live = bx_get_be16(bytes + 2);
	used = bx_get_be32(bytes + 4);
	contents = PACK_HEAD + live * (uint32_t)sizeof(struct bx_net_buf);
	if (contents > length || used != length - contents)
		return BX_ERR_TRUNCATED;
	if (live > batch->capacity || used > batch->size)
		return BX_ERR_OVERFLOW;
	/* A size with nothing to copy may come with no array. */
	if (live != 0)
		memcpy(batch->bufs, bytes + PACK_HEAD, live * sizeof(struct bx_net_buf));
	if (used != 0)
		memcpy(batch->memory, bytes + contents, used);
	batch->count = (uint16_t)live;
	batch->used = used;
	err = bx_net_batch_check(batch);
	if (err != BX_OK)
		bx_net_batch_clear(batch);
	return err;
}
