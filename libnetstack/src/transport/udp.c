/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * udp.c -- UDP (RFC 768; RFC 1122, 4.1).
 *
 *   0 source port | 2 target port | 4 length | 6 checksum
 *
 * What waits to be taken lies in one ring of the pool, which the end has only while something waits: for each
 * datagram a head of 40 bytes (struct bx_udp_from) and its bytes.
 */
#include "transport.h"

#define PORT_FIRST	49152u
#define PORT_COUNT	16384u
#define DATAGRAM_MAX	65507u

struct udp_end *
bx_udp_end_get(const struct bx_transport *t, uint64_t handle)
{
	uint32_t index = (uint32_t)handle - UDP_BASE;
	struct udp_end *e;

	if (index >= t->config.udp_ends)
		return NULL;
	e = &t->udp_ends[index];
	return e->used && e->generation == (uint32_t)(handle >> 32) ? e : NULL;
}

uint64_t
bx_udp_handle(const struct bx_transport *t, const struct udp_end *e)
{
	return (uint64_t)e->generation << 32 | ((uint32_t)(e - t->udp_ends) + UDP_BASE);
}

/* Something has come for it. */
static void
event_add(struct bx_transport *t, struct udp_end *e)
{
	if (e->event)
		return;
	e->event = true;
	e->event_next = t->udp_event;
	t->udp_event = (uint32_t)(e - t->udp_ends);
}

static void
event_drop(struct bx_transport *t, const struct udp_end *e)
{
	uint32_t *at = &t->udp_event, index = (uint32_t)(e - t->udp_ends);

	while (*at != index)
		at = &t->udp_ends[*at].event_next;
	*at = e->event_next;
}

/* One for the very address comes before one for any. */
uint32_t
bx_udp_find(const struct bx_transport *t, const struct bx_net_addr *local, uint16_t port)
{
	uint32_t any = NONE;

	for (uint32_t i = t->udp_heads[port % PORT_HEADS]; i != NONE; i = t->udp_ends[i].next) {
		const struct udp_end *e = &t->udp_ends[i];

		if (e->port != port)
			continue;
		if (bx_net_addr_equal(&e->address, local))
			return i;
		if (bx_net_addr_is_any(&e->address))
			any = i;
	}
	return any;
}

static bool
port_is_taken(const struct bx_transport *t, const struct bx_net_addr *address, uint16_t port)
{
	for (uint32_t i = t->udp_heads[port % PORT_HEADS]; i != NONE; i = t->udp_ends[i].next) {
		if (t->udp_ends[i].port == port && bx_net_addr_equal(&t->udp_ends[i].address, address))
			return true;
	}
	return false;
}

/* RFC 6056, 3.3.1: a start that only who has the key can tell, for each port a new one, then upwards. */
static uint16_t
port_pick(struct bx_transport *t, const struct bx_net_addr *address)
{
	const struct tuple tuple = { .local = *address };
	uint32_t start = (uint32_t)bx_tcp_siphash(t->key, &tuple, (uint64_t)t->port_counter++ << 8 | 5u);

	for (uint32_t i = 0; i < PORT_COUNT; i++) {
		uint16_t port = (uint16_t)(PORT_FIRST + (start + i) % PORT_COUNT);

		/* What is heard there already, by whomever, is not taken from him. */
		if (bx_udp_port_is_free(t, address, port, ACCOUNT_NOBODY))
			return port;
	}
	return 0;
}

enum bx_err
bx_udp_open(struct bx_transport *t, const struct bx_net_addr *address, uint16_t port, uint64_t *end,
    uint16_t *bound_port)
{
	uint32_t index = t->udp_free;
	struct udp_end *e;

	if (port != 0 && port_is_taken(t, address, port))
		return BX_ERR_EXISTS;
	if (index == NONE)
		return BX_ERR_NO_MEMORY;
	if (port == 0)
		port = port_pick(t, address);
	if (port == 0)
		return BX_ERR_EXISTS;
	e = &t->udp_ends[index];
	t->udp_free = e->next;
	t->udp_used++;
	*e = (struct udp_end){
		.address = *address, .port = port, .used = true, .generation = e->generation + 1,
		.next = t->udp_heads[port % PORT_HEADS], .ring = NONE,
	};
	t->udp_heads[port % PORT_HEADS] = index;
	*end = bx_udp_handle(t, e);
	*bound_port = port;
	return BX_OK;
}

bool
bx_udp_readable(const struct bx_transport *t, uint64_t end)
{
	const struct udp_end *e = bx_udp_end_get(t, end);

	return e != NULL && (e->error != BX_OK || e->ring != NONE);
}

enum bx_err
bx_udp_close(struct bx_transport *t, uint64_t end)
{
	struct udp_end *e = bx_udp_end_get(t, end);
	uint32_t index, *at;

	if (e == NULL)
		return BX_ERR_NOT_FOUND;
	index = (uint32_t)(e - t->udp_ends);
	for (at = &t->udp_heads[e->port % PORT_HEADS]; *at != index;)
		at = &t->udp_ends[*at].next;
	*at = e->next;
	if (e->ring != NONE)
		bx_tcp_ring_give(t, e->ring);
	if (e->event)
		event_drop(t, e);
	e->event = false;
	e->used = false;
	e->next = t->udp_free;
	t->udp_free = index;
	t->udp_used--;
	return BX_OK;
}

enum bx_err
bx_udp_option_set(struct bx_transport *t, uint64_t end, enum bx_udp_option option, uint32_t value)
{
	struct udp_end *e = bx_udp_end_get(t, end);

	if (e == NULL)
		return BX_ERR_NOT_FOUND;
	if (!bx_udp_option_is_valid(option, value))
		return BX_ERR_INVALID;
	if (option == BX_UDP_OPTION_TRAFFIC_CLASS)
		e->traffic_class = (uint8_t)value;
	else
		e->hop_limit = (uint8_t)value;
	return BX_OK;
}

enum bx_err
bx_udp_send(struct bx_transport *t, uint64_t end, const struct bx_net_addr *local,
    const struct bx_net_addr *remote, uint16_t remote_port, const uint8_t *bytes, uint32_t length,
    struct bx_net_batch *out)
{
	const struct udp_end *e = bx_udp_end_get(t, end);
	uint32_t total = UDP_HEAD + length;
	struct bx_net_buf *buf;
	uint64_t sum;
	uint8_t *p;

	if (e == NULL)
		return BX_ERR_NOT_FOUND;
	if (remote_port == 0 || bx_net_addr_is_any(remote))
		return BX_ERR_INVALID;
	if (length > DATAGRAM_MAX)
		return BX_ERR_OVERFLOW;
	buf = batch_add(out, total);
	if (buf == NULL)
		return BX_ERR_WOULD_BLOCK;
	buf->kind = BX_NET_SEGMENT;
	buf->protocol = PROTOCOL_UDP;
	buf->traffic_class = e->traffic_class;
	buf->hop_limit = e->hop_limit;
	buf->source = *local;
	buf->destination = *remote;
	p = bx_net_bytes(out, buf);
	bx_put_be32(p, (uint32_t)e->port << 16 | remote_port);
	bx_put_be32(p + 4, total << 16);
	if (bx_net_addr_is_any(local) && bx_net_addr_is_ipv4(remote))
		buf->source = bx_net_ipv4(0, 0, 0, 0);
	sum = sum_pseudo(&buf->source, remote, PROTOCOL_UDP) + sum_of16(total);
	if ((t->config.features & BX_TRANSPORT_SUM_LATER) != 0) {
		memcpy(p + UDP_HEAD, bytes, length);
		bx_put_be16(p + 6, (uint16_t)sum_of16(sum_fold(sum)));
		buf->flags = BX_NET_F_SUM_NEEDED;
		buf->sum_offset = 6;
	} else {
		sum += (uint64_t)sum_load32(p) + sum_load32(p + 4);
		sum_put(p + 6, bx_net_raw_copy(p + UDP_HEAD, bytes, length, sum));
		/* RFC 768: a sum of zero is sent as all ones. */
		if ((p[6] | p[7]) == 0)
			bx_put_be16(p + 6, 0xffff);
	}
	t->stats.udp_out++;
	t->stats.segments_out++;
	return BX_OK;
}

/* The ring of an end that has none yet, or NONE. */
static bool
ring_ready(struct bx_transport *t, struct udp_end *e)
{
	if (e->ring == NONE) {
		e->ring = bx_tcp_ring_take(t, e->account);
		e->head = e->tail = 0;
	}
	return e->ring != NONE;
}

/* Copies the datagram behind a head, summing it; it counts only if the sum is good. */
static void
queue(struct bx_transport *t, struct udp_end *e, const struct bx_net_buf *buf, const uint8_t *p,
    uint32_t total)
{
	struct bx_udp_from from = {
		.remote = buf->source, .local = buf->destination, .remote_port = bx_get_be16(p),
		.length = (uint16_t)(total - UDP_HEAD),
	};
	uint32_t room = t->config.ring_bytes - (e->tail - e->head), need = (uint32_t)sizeof from + from.length;
	uint8_t *ring;
	uint64_t sum;

	if (need > room) {
		t->stats.udp_full++;
		return;
	}
	ring = receive_bytes_of(t, e->ring);
	if (bx_get_be16(p + 6) == 0 && !bx_net_addr_is_ipv4(&buf->source)) {
		/* RFC 8200, 8.1: over IPv6 there is always one. */
		t->stats.bad_checksum++;
		return;
	}
	if (bx_get_be16(p + 6) == 0 || (buf->flags & BX_NET_F_SUM_GOOD) != 0) {
		/* RFC 768: no checksum, over IPv4 only. */
		bx_tcp_ring_write(t->config.ring_bytes, ring, e->tail + (uint32_t)sizeof from, p + UDP_HEAD, from.length);
	} else {
		sum = sum_pseudo(&buf->source, &buf->destination, PROTOCOL_UDP) + sum_of16(total);
		sum += (uint64_t)sum_load32(p) + sum_load32(p + 4);
		sum = bx_tcp_ring_write_sum(t->config.ring_bytes, ring, e->tail + (uint32_t)sizeof from, p + UDP_HEAD,
		    from.length, sum);
		if (sum_fold(sum) != 0xffffu) {
			t->stats.bad_checksum++;
			return;
		}
	}
	bx_tcp_ring_write(t->config.ring_bytes, ring, e->tail, (const uint8_t *)&from, sizeof from);
	e->tail += need;
	event_add(t, e);
	t->stats.udp_in++;
}

/* RFC 1122, 4.1.3.1: the sender is told, by an error that the IP stage builds. */
static void
nobody(struct bx_transport *t, const struct bx_net_batch *batch, const struct bx_net_buf *buf,
    struct bx_net_batch *replies)
{
	uint32_t quote = min_u32(buf->length, 64);
	struct bx_net_buf *error;

	t->stats.udp_no_end++;
	if (bx_net_addr_is_group(&buf->destination) ||
	    (buf->flags & (BX_NET_F_BROADCAST | BX_NET_F_MULTICAST)) != 0)
		return;
	error = bx_net_batch_add(replies, quote);
	if (error == NULL) {
		t->stats.no_room_out++;
		return;
	}
	memcpy(bx_net_bytes(replies, error), bx_net_bytes(batch, buf), quote);
	error->kind = BX_NET_UNREACHABLE;
	error->error = BX_NET_ERROR_PORT;
	error->protocol = PROTOCOL_UDP;
	error->traffic_class = buf->traffic_class;
	error->hop_limit = buf->hop_limit;
	error->source = buf->source;
	error->destination = buf->destination;
}

void
bx_udp_segment(struct bx_transport *t, const struct bx_net_batch *batch, const struct bx_net_buf *buf,
    struct bx_net_batch *replies)
{
	const uint8_t *p = bx_net_bytes(batch, buf);
	uint32_t total, index;
	struct udp_end *e;

	if (buf->length < UDP_HEAD) {
		t->stats.short_header++;
		return;
	}
	total = bx_get_be16(p + 4);
	if (total < UDP_HEAD || total > buf->length) {
		t->stats.udp_bad_length++;
		return;
	}
	index = bx_udp_find(t, &buf->destination, bx_get_be16(p + 2));
	if (index == NONE) {
		nobody(t, batch, buf, replies);
		return;
	}
	e = &t->udp_ends[index];
	if (!ring_ready(t, e)) {
		t->stats.udp_full++;
		return;
	}
	queue(t, e, buf, p, total);
	if (e->head == e->tail) {
		bx_tcp_ring_give(t, e->ring);
		e->ring = NONE;
	}
}

/* RFC 1122, 4.1.3.3: every error that the IP stage tells of goes up. */
static enum bx_err
error_of(const struct bx_net_buf *buf)
{
	switch (buf->error) {
	case BX_NET_ERROR_PORT:
	case BX_NET_ERROR_PROTOCOL:
		return BX_ERR_NET_REFUSED;
	case BX_NET_ERROR_TOO_BIG:
		return BX_ERR_OVERFLOW;
	default:
		return BX_ERR_NET_UNREACHABLE;
	}
}

bool
bx_udp_error(struct bx_transport *t, const struct bx_net_batch *batch, const struct bx_net_buf *buf)
{
	uint32_t index = bx_udp_find(t, &buf->source, bx_get_be16(bx_net_bytes(batch, buf)));

	if (index == NONE)
		return false;
	t->udp_ends[index].error = (int16_t)error_of(buf);
	event_add(t, &t->udp_ends[index]);
	return true;
}

enum bx_err
bx_udp_receive(struct bx_transport *t, uint64_t end, uint8_t *bytes, uint32_t size,
    uint32_t *received, struct bx_udp_from *from)
{
	struct udp_end *e = bx_udp_end_get(t, end);
	const uint8_t *ring;
	uint32_t n;

	if (e == NULL)
		return BX_ERR_NOT_FOUND;
	if (e->error != BX_OK) {
		enum bx_err err = (enum bx_err)e->error;

		e->error = BX_OK;
		return err;
	}
	if (e->ring == NONE)
		return BX_ERR_WOULD_BLOCK;
	ring = receive_bytes_of(t, e->ring);
	bx_tcp_ring_read(t->config.ring_bytes, ring, e->head, (uint8_t *)from, sizeof *from);
	n = min_u32(size, from->length);
	bx_tcp_ring_read(t->config.ring_bytes, ring, e->head + (uint32_t)sizeof *from, bytes, n);
	e->head += (uint32_t)sizeof *from + from->length;
	*received = n;
	if (e->head == e->tail) {
		bx_tcp_ring_give(t, e->ring);
		e->ring = NONE;
	}
	return BX_OK;
}
