/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * transport.c -- the life of the transport stage, and its doors: receive, output, poll.
 */
#include "transport.h"

#define QUOTE	8u	/* of a segment of ours that an error is about: it names who sent it (net_buf.h) */

static bool
within(uint32_t v, uint32_t low, uint32_t high)
{
	return v >= low && v <= high;
}

/* Small segments need records too: one for 512 bytes, at least 32; so many that the bytes begin at a line. */
static uint32_t
records_for(uint32_t ring_bytes)
{
	return max_u32(32, ring_bytes / 512) | 3u;
}

static uint32_t
buckets_for(const struct bx_transport_config *c)
{
	uint32_t n = 64;

	while (n < c->connections + c->half_open + c->time_waits)
		n *= 2;
	return n;
}

static uint32_t
round_64(size_t n)
{
	return (uint32_t)bx_align_up(n, 64);
}

/* Of a whole ring: what comes before the bytes that it sends, where in it BBR's part begins and its marks (0: there are
 * none), and all of it. */
struct layout {
	uint32_t send_head, flight_at, mark_at, stride;
};

static struct layout
layout_of(const struct bx_transport_config *c)
{
	uint32_t records = records_for(c->ring_bytes);
	struct layout l = { .send_head = round_64(sizeof(struct send_ring) + records * sizeof(struct record)) };

	if ((c->features & BX_TCP_BBR) != 0) {
		l.flight_at = l.send_head;
		l.mark_at = l.flight_at + (uint32_t)sizeof(struct flight);
		l.send_head = round_64(l.mark_at + records * sizeof(struct mark));
	}
	l.stride = max_u32(l.send_head, round_64(sizeof(struct receive_ring))) + c->ring_bytes;
	return l;
}

/* Of all rings. */
static uint64_t
lines_for(const struct bx_transport_config *c)
{
	return ((uint64_t)c->rings * layout_of(c).stride + (uint64_t)c->small_rings * SMALL_STRIDE) / LINE;
}

static bool
config_is_valid(const struct bx_transport_config *c)
{
	const uint32_t many = 1u << 20;

	if (!within(c->connections, 1, many) || !within(c->half_open, 1, many) ||
	    !within(c->time_waits, 1, many) || !within(c->rings, 1, 2 * many) || c->small_rings > 2 * many)
		return false;
	if (!within(c->ring_bytes, 4096, many) || (c->ring_bytes & (c->ring_bytes - 1)) != 0)
		return false;
	if (c->listeners > 1024 || c->udp_ends > 1024 || c->accounts > 1024 || c->cut_bytes > 65000)
		return false;
	/* A ring is named by 32 bits. */
	if (lines_for(c) >= NONE)
		return false;
	return within(c->mtu, 576, 9216) && (c->features & ~BX_TRANSPORT_FEATURES) == 0;
}

/* Lays the stage out in a block; with none it only measures. */
static struct bx_transport *
transport_carve(struct carve *c, const struct bx_transport_config *config)
{
	struct bx_transport *t = carve_take(c, 1, sizeof *t);
	struct conn *conns = carve_take(c, config->connections, sizeof *conns);
	struct half *halves = carve_take(c, config->half_open, sizeof *halves);
	struct time_wait *waits = carve_take(c, config->time_waits, sizeof *waits);
	struct listener *listeners = carve_take(c, config->listeners, sizeof *listeners);
	struct udp_end *ends = carve_take(c, config->udp_ends, sizeof *ends);
	struct timer *timers = carve_take(c, config->connections + config->half_open, sizeof *timers);
	uint32_t *buckets = carve_take(c, buckets_for(config), sizeof *buckets);
	struct layout layout = layout_of(config);
	uint8_t *rings = carve_take(c, (size_t)lines_for(config), LINE);
	uint32_t charged = config->accounts != 0 ? config->rings : 0;
	struct account *accounts = carve_take(c, config->accounts + 1u, sizeof *accounts);
	uint16_t *ring_accounts = carve_take(c, charged, sizeof *ring_accounts);

	if (t != NULL) {
		*t = (struct bx_transport){
			.config = *config, .conns = conns, .halves = halves, .time_waits = waits,
			.listeners = listeners, .udp_ends = ends, .timers = timers, .buckets = buckets,
			.rings = rings, .bucket_mask = buckets_for(config) - 1, .ring_lines = layout.stride / LINE,
			.small_first = config->rings * (layout.stride / LINE), .receive_head = round_64(sizeof(struct receive_ring)),
			.record_count = records_for(config->ring_bytes), .send_lines = (uint16_t)(layout.send_head / LINE),
			.flight_at = layout.flight_at, .mark_at = layout.mark_at,
			.accounts = accounts, .ring_accounts = charged != 0 ? ring_accounts : NULL,
		};
	}
	return t;
}

size_t
bx_transport_size(const struct bx_transport_config *config)
{
	struct carve c = { 0 };

	if (!config_is_valid(config))
		return 0;
	transport_carve(&c, config);
	return (size_t)bx_align_up(c.used, 64);
}

/* All places free, each list from the first to the last. */
static void
free_lists(struct bx_transport *t)
{
	const struct bx_transport_config *c = &t->config;

	for (uint32_t i = c->connections; i-- > 0;) {
		t->conns[i] = (struct conn){ .entry.next = t->conn_free };
		t->conn_free = i;
	}
	for (uint32_t i = c->half_open; i-- > 0;) {
		t->halves[i] = (struct half){ .entry.next = t->half_free, .listener = NONE };
		t->half_free = i;
	}
	for (uint32_t i = 0; i < c->time_waits; i++)
		t->time_waits[i] = (struct time_wait){ 0 };
	for (uint32_t i = c->listeners; i-- > 0;) {
		t->listeners[i] = (struct listener){ .next = t->listener_free };
		t->listener_free = i;
	}
	for (uint32_t i = c->udp_ends; i-- > 0;) {
		t->udp_ends[i] = (struct udp_end){ .next = t->udp_free };
		t->udp_free = i;
	}
	for (uint32_t i = 0; i <= c->accounts; i++)
		t->accounts[i] = (struct account){ 0 };
	for (uint32_t i = 0; t->ring_accounts != NULL && i < c->rings; i++)
		t->ring_accounts[i] = 0;
	for (uint32_t i = c->rings; i-- > 0;)
		bx_tcp_ring_give(t, i * t->ring_lines);
	for (uint32_t i = c->small_rings; i-- > 0;)
		bx_tcp_ring_give(t, t->small_first + i * (SMALL_STRIDE / LINE));
	t->ring_used = t->small_used = 0;
	for (uint32_t i = 0; i < c->connections + c->half_open; i++)
		t->timers[i] = (struct timer){ 0 };
	for (uint32_t i = 0; i <= t->bucket_mask; i++)
		t->buckets[i] = NONE;
}

enum bx_err
bx_transport_init(void *memory, size_t size, const struct bx_transport_config *config,
    struct bx_transport **out)
{
	struct carve c = { .block = memory };
	enum bx_err e = carve_check(memory, size, bx_transport_size(config));
	struct bx_transport *t;

	if (e != BX_OK)
		return e;
	t = transport_carve(&c, config);
	t->key[0] = mix64(config->seed[0]);
	t->key[1] = mix64(config->seed[1] ^ 3u);
	bx_tcp_bucket_keys(t);
	t->port_counter = (uint32_t)mix64(config->seed[0] ^ config->seed[1]);
	t->conn_free = t->half_free = t->ring_free = t->small_free = t->listener_free = t->udp_free = NONE;
	t->ready_first = t->ready_last = t->half_first = t->half_last = NONE;
	t->event_first = t->event_last = t->listener_event = t->udp_event = t->last = NONE;
	for (uint32_t i = 0; i < PORT_HEADS; i++)
		t->listener_heads[i] = t->udp_heads[i] = NONE;
	for (uint32_t i = 0; i < WHEEL_LEVELS * WHEEL_SLOTS; i++)
		t->wheel[i] = NONE;
	free_lists(t);
	*out = t;
	return BX_OK;
}

/* RFC 5927, 7; RFC 8201, 4: the IP stage is told that a path is as narrow as somebody on the way has said. */
static void
confirm(struct bx_transport *t, const struct bx_net_batch *segments, const struct bx_net_buf *buf,
    struct bx_net_batch *replies)
{
	struct bx_net_buf *told = bx_net_batch_add(replies, QUOTE);

	if (told == NULL) {
		t->stats.no_room_out++;
		return;
	}
	memcpy(bx_net_bytes(replies, told), bx_net_bytes(segments, buf), QUOTE);
	told->kind = BX_NET_UNREACHABLE;
	told->error = BX_NET_ERROR_TOO_BIG;
	told->segment_size = buf->segment_size;
	told->protocol = buf->protocol;
	told->source = buf->source;
	told->destination = buf->destination;
}

static void
error_arrives(struct bx_transport *t, uint64_t now_us, const struct bx_net_batch *segments, const struct bx_net_buf *buf,
    struct bx_net_batch *replies)
{
	bool believed = false;

	t->stats.errors_in++;
	if (buf->length >= QUOTE && buf->protocol == PROTOCOL_TCP)
		believed = bx_tcp_error(t, now_us, segments, buf);
	else if (buf->length >= QUOTE && buf->protocol == PROTOCOL_UDP)
		believed = bx_udp_error(t, segments, buf);
	if (!believed)
		t->stats.errors_stray++;
	else if (buf->error == BX_NET_ERROR_TOO_BIG)
		confirm(t, segments, buf, replies);
}

/* Of whatever else may come. */
static APART void
receive_other(struct bx_transport *t, uint64_t now_us, const struct bx_net_batch *segments, const struct bx_net_buf *buf,
    uint32_t kind, struct bx_net_batch *replies)
{
	if (kind == BX_NET_UNREACHABLE) {
		error_arrives(t, now_us, segments, buf, replies);
		return;
	}
	t->stats.segments_in++;
	if (buf->protocol == PROTOCOL_UDP)
		bx_udp_segment(t, segments, buf, replies);
	else
		t->stats.unknown_protocol++;
}

/* Takes it out of the batch. */
static IN_LINE void
receive_one(struct bx_transport *t, uint64_t now_us, struct bx_net_batch *segments, struct bx_net_buf *buf,
    struct bx_net_batch *replies)
{
	uint32_t kind = buf->kind;

	if (BX_LIKELY(kind == BX_NET_SEGMENT && buf->protocol == PROTOCOL_TCP)) {
		buf->kind = BX_NET_NONE;
		t->stats.segments_in++;
		t->stats.tcp_in++;
		bx_tcp_usual(t, now_us, segments, buf, replies);
	} else if (kind == BX_NET_SEGMENT || kind == BX_NET_UNREACHABLE) {
		buf->kind = BX_NET_NONE;
		receive_other(t, now_us, segments, buf, kind, replies);
	}
}

static APART void
receive_many(struct bx_transport *t, uint64_t now_us, struct bx_net_batch *segments, struct bx_net_batch *replies)
{
	for (uint32_t i = 0; i < segments->count; i++) {
		if (i % FETCH_AHEAD == 0)
			bx_tcp_fetch(t, segments, i, min_u32(i + FETCH_AHEAD, segments->count));
		receive_one(t, now_us, segments, &segments->bufs[i], replies);
	}
}

void
bx_transport_receive(struct bx_transport *t, uint64_t now_us, struct bx_net_batch *segments,
    struct bx_net_batch *replies)
{
	if (segments->count == 1)
		receive_one(t, now_us, segments, segments->bufs, replies);
	else
		receive_many(t, now_us, segments, replies);
}

/* Half-open ones first; then the connections, in turn. */
static APART bool
output_all(struct bx_transport *t, uint64_t now_us, struct bx_net_batch *out)
{
	if (t->half_first != NONE && !bx_tcp_half_output(t, now_us, out))
		return true;
	while (t->ready_first != NONE) {
		/* Off the list first: sending may end the connection. */
		if (bx_tcp_output(t, now_us, bx_tcp_conn_unready_first(t), out))
			return true;
	}
	return false;
}

bool
bx_transport_output(struct bx_transport *t, uint64_t now_us, struct bx_net_batch *out)
{
	if (t->half_first != NONE || t->ready_first != t->ready_last)
		return output_all(t, now_us, out);
	/* One alone, or none. */
	return t->ready_first != NONE && bx_tcp_output(t, now_us, bx_tcp_conn_unready_only(t), out);
}

void
bx_transport_poll(struct bx_transport *t, uint64_t now_us)
{
	uint32_t id;

	while ((id = bx_tcp_timer_expired(t, now_us)) != NONE) {
		if (id < t->config.connections)
			bx_tcp_conn_timer(t, now_us, &t->conns[id]);
		else
			bx_tcp_half_timer(t, now_us, id);
	}
	bx_tcp_time_wait_poll(t, now_us);
}

uint64_t
bx_transport_next(const struct bx_transport *t)
{
	return min_u64(bx_tcp_timer_next(t), bx_tcp_time_wait_next(t));
}

const struct bx_transport_stats *
bx_transport_stats(const struct bx_transport *t)
{
	return &t->stats;
}

struct bx_transport_usage
bx_transport_usage(const struct bx_transport *t)
{
	return (struct bx_transport_usage){
		.connections = t->conn_used, .half_open = t->half_used, .time_waits = t->tw_used,
		.listeners = t->listener_used, .udp_ends = t->udp_used,
		.rings = t->ring_used + t->small_used,
		.timers = t->timer_used,
	};
}

uint32_t
bx_tcp_connection_bytes(void)
{
	return (uint32_t)(sizeof(struct conn) + sizeof(struct timer) + 2 * sizeof(uint32_t));
}

uint32_t
bx_tcp_half_open_bytes(void)
{
	return (uint32_t)(sizeof(struct half) + sizeof(struct timer) + 2 * sizeof(uint32_t));
}

uint32_t
bx_tcp_time_wait_bytes(void)
{
	return (uint32_t)sizeof(struct time_wait);
}
