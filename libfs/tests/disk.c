/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* disk.c -- a device in memory that records what is done to it and fails on request (support.h). */
#include "support-internal.h"

static bool
fails(struct disk *d, int64_t *left)
{
	if (*left < 0)
		return false;
	if (*left > 0) {
		(*left)--;
		return false;
	}
	if (!d->fail_for_ever)
		*left = -1;
	return true;
}

static enum bx_err
disk_read(void *context, uint64_t offset, void *buffer, size_t length)
{
	struct disk *d = context;
	uint8_t *to = buffer;
	bool flip;

	if (offset % d->sector != 0 || length % d->sector != 0 || length == 0 ||
	    !bx_range_fits(offset, length, d->size))
		die("bad read of %zu at %llu", length, (unsigned long long)offset);
	d->reads++;
	d->bytes_read += length;
	if (fails(d, &d->fail_read)) {
		memset(buffer, 0xA5, length);
		return BX_ERR_IO;
	}
	flip = fails(d, &d->flip_read);
	if (d->below == NULL) {
		memcpy(buffer, d->bytes + offset, length);
		to[length / 2] ^= flip;
		return BX_OK;
	}
	while (length > 0) {
		size_t part = BX_FS_BLOCK - offset % BX_FS_BLOCK;
		const uint8_t *from = d->own[offset / BX_FS_BLOCK] ? d->bytes : d->below;

		if (part > length)
			part = length;
		memcpy(to, from + offset, part);
		to += part;
		offset += part;
		length -= part;
	}
	to[-2] ^= flip;
	return BX_OK;
}

uint8_t *
disk_over_block(struct disk *d, uint64_t block)
{
	uint8_t *bytes = d->bytes + block * BX_FS_BLOCK;

	if (d->own[block] == 0) {
		d->own[block] = 1;
		d->own_list[d->own_count++] = (uint32_t)block;
		memcpy(bytes, d->below + block * BX_FS_BLOCK, BX_FS_BLOCK);
	}
	return bytes;
}

static enum bx_err
disk_write(void *context, uint64_t offset, const void *buffer, size_t length)
{
	struct disk *d = context;

	if (d->write_is_error)
		die("write where none may be");
	if (offset % d->sector != 0 || length % d->sector != 0 || length == 0 ||
	    !bx_range_fits(offset, length, d->size))
		die("bad write of %zu at %llu", length, (unsigned long long)offset);
	d->writes++;
	d->bytes_written += length;
	if (fails(d, &d->fail_write))
		return BX_ERR_IO;
	for (uint64_t b = offset / BX_FS_BLOCK; d->below != NULL && b * BX_FS_BLOCK < offset + length;
	    b++)
		(void)disk_over_block(d, b);
	memcpy(d->bytes + offset, buffer, length);
	if (d->record) {
		disk_event(d, EVENT_WRITE, 0);
		struct event *e = &d->events[d->event_count - 1];

		e->offset = offset;
		e->length = (uint32_t)length;
		e->data = must(malloc(length));
		memcpy(e->data, buffer, length);
	}
	return BX_OK;
}

static enum bx_err
disk_flush(void *context)
{
	struct disk *d = context;

	d->flushes++;
	if (fails(d, &d->fail_flush))
		return BX_ERR_IO;
	if (d->record)
		disk_event(d, EVENT_FLUSH, 0);
	return BX_OK;
}

void
disk_event(struct disk *d, enum event_kind kind, uint64_t state)
{
	if (d->event_count == d->event_room) {
		d->event_room = d->event_room == 0 ? 1024 : 2 * d->event_room;
		d->events = must(realloc(d->events, d->event_room * sizeof *d->events));
	}
	d->events[d->event_count++] = (struct event){ .kind = kind, .state = state };
}

void
disk_init(struct disk *d, uint64_t size, uint32_t sector)
{
	*d = (struct disk){
		.size = size,
		.sector = sector,
		.fail_read = -1,
		.fail_write = -1,
		.fail_flush = -1,
		.flip_read = -1,
		.bytes = must(calloc(1, size)),
	};
	d->device = (struct bx_fs_device){
		.context = d,
		.read = disk_read,
		.write = disk_write,
		.flush = disk_flush,
		.size_bytes = size,
		.sector_bytes = sector,
	};
}

void
disk_init_over(struct disk *d, const struct disk *below)
{
	disk_init(d, below->size, below->sector);
	d->below = below->bytes;
	d->own = must(calloc(1, below->size / BX_FS_BLOCK));
	d->own_list = must(calloc(below->size / BX_FS_BLOCK, sizeof *d->own_list));
}

void
disk_over_reset(struct disk *d)
{
	while (d->own_count > 0)
		d->own[d->own_list[--d->own_count]] = 0;
}

void
disk_free(struct disk *d)
{
	for (size_t i = 0; i < d->event_count; i++)
		free(d->events[i].data);
	free(d->events);
	free(d->bytes);
	free(d->own);
	free(d->own_list);
}
