/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_api.c -- the application's calls (RFC 9293, 3.9.1 and 3.10.1 to 3.10.6).
 */
#include "transport.h"

#define PORT_FIRST	49152u	/* RFC 6335, 6; RFC 6056, 3.2 */
#define PORT_COUNT	16384u
#define FIN_WAIT_US	((uint64_t)60 * SECOND_US)

/* The smallest shift that lets the field say the whole ring (RFC 7323, 2.3). */
uint8_t
bx_tcp_receive_scale(const struct bx_transport *t)
{
	uint8_t scale = 0;

	while ((t->config.ring_bytes >> scale) > 0xffffu)
		scale++;
	return scale;
}

/* ---- listeners ---- */

struct listener *
bx_tcp_listener_get(const struct bx_transport *t, uint64_t handle)
{
	uint32_t index = (uint32_t)handle - LISTENER_BASE;
	struct listener *l;

	if (index >= t->config.listeners)
		return NULL;
	l = &t->listeners[index];
	return l->used && l->generation == (uint32_t)(handle >> 32) ? l : NULL;
}

static uint64_t
listener_handle(const struct bx_transport *t, const struct listener *l)
{
	return (uint64_t)l->generation << 32 | ((uint32_t)(l - t->listeners) + LISTENER_BASE);
}

enum bx_err
bx_tcp_listen(struct bx_transport *t, const struct bx_net_addr *address, uint16_t port,
    uint16_t backlog, uint64_t *listener)
{
	uint32_t index = t->listener_free, *head = &t->listener_heads[port % PORT_HEADS];
	struct listener *l;

	if (port == 0 || backlog == 0 || bx_net_addr_is_group(address))
		return BX_ERR_INVALID;
	for (uint32_t i = *head; i != NONE; i = t->listeners[i].next) {
		l = &t->listeners[i];
		if (l->port == port && bx_net_addr_equal(&l->address, address))
			return BX_ERR_EXISTS;
	}
	if (index == NONE)
		return BX_ERR_NO_MEMORY;
	l = &t->listeners[index];
	t->listener_free = l->next;
	t->listener_used++;
	*l = (struct listener){
		.address = *address, .port = port, .backlog = backlog, .used = true,
		.generation = l->generation + 1, .next = *head, .first = NONE, .last = NONE,
		.event_next = NONE,
	};
	*head = index;
	*listener = listener_handle(t, l);
	return BX_OK;
}

enum bx_err
bx_tcp_accept(struct bx_transport *t, uint64_t listener, uint64_t *connection)
{
	struct listener *l = bx_tcp_listener_get(t, listener);
	struct conn *c;

	if (l == NULL)
		return BX_ERR_NOT_FOUND;
	if (l->first == NONE)
		return BX_ERR_WOULD_BLOCK;
	c = &t->conns[l->first];
	l->first = c->accept_next;
	if (l->first == NONE)
		l->last = NONE;
	l->waiting--;
	c->flags &= ~F_QUEUED;
	c->listener = NONE;
	if (c->events != 0)
		bx_tcp_conn_event(t, c, c->events);
	*connection = bx_tcp_conn_handle(t, c);
	return BX_OK;
}

bool
bx_tcp_acceptable(const struct bx_transport *t, uint64_t listener)
{
	const struct listener *l = bx_tcp_listener_get(t, listener);

	return l != NULL && l->first != NONE;
}

static void
listener_event_drop(struct bx_transport *t, const struct listener *l)
{
	uint32_t *at = &t->listener_event, index = (uint32_t)(l - t->listeners);

	while (*at != index)
		at = &t->listeners[*at].event_next;
	*at = l->event_next;
}

enum bx_err
bx_tcp_unlisten(struct bx_transport *t, uint64_t now_us, uint64_t listener)
{
	struct listener *l = bx_tcp_listener_get(t, listener);
	uint32_t index, *at;
	uint64_t connection;

	if (l == NULL)
		return BX_ERR_NOT_FOUND;
	index = (uint32_t)(l - t->listeners);
	while (bx_tcp_accept(t, listener, &connection) == BX_OK) {
		enum bx_err err = bx_tcp_abort(t, now_us, connection);

		BX_ASSERT(err == BX_OK);
	}
	for (uint32_t i = 0; i < t->config.half_open; i++) {
		if (t->halves[i].listener == index)
			bx_tcp_half_drop(t, t->config.connections + i);
	}
	if (l->event)
		listener_event_drop(t, l);
	for (at = &t->listener_heads[l->port % PORT_HEADS]; *at != index;)
		at = &t->listeners[*at].next;
	*at = l->next;
	l->used = false;
	l->next = t->listener_free;
	t->listener_free = index;
	t->listener_used--;
	return BX_OK;
}

/* ---- connections ---- */

/* RFC 6056, 3.3.3: a start that the key gives for this destination, then upwards. */
static bool
port_pick(struct bx_transport *t, struct tuple *tuple, uint32_t *bucket)
{
	uint16_t remote_port = tuple->remote_port;
	uint32_t start;

	tuple->ports = ports_of(0, remote_port);
	if (!tuple_equal(&t->port_for, tuple)) {
		t->port_for = *tuple;
		t->port_start = (uint32_t)bx_tcp_siphash(t->key, tuple, 4);
	}
	start = t->port_start + t->port_counter++;
	for (uint32_t i = 0; i < PORT_COUNT; i++) {
		tuple->ports = ports_of((uint16_t)(PORT_FIRST + (start + i) % PORT_COUNT), remote_port);
		if (bx_tcp_find(t, tuple, bucket) == NONE)
			return true;
	}
	return false;
}

static bool
address_is_usable(const struct bx_net_addr *a)
{
	return !bx_net_addr_is_any(a) && !bx_net_addr_is_group(a);
}

enum bx_err
bx_tcp_connect(struct bx_transport *t, uint64_t now_us, const struct bx_net_addr *local,
    uint16_t local_port, const struct bx_net_addr *remote, uint16_t remote_port, uint16_t mtu,
    uint64_t *connection)
{
	struct tuple tuple = { .local = *local, .remote = *remote, .ports = ports_of(local_port, remote_port) };
	uint32_t bucket = NONE;
	struct conn *c;

	if (!address_is_usable(local) || !address_is_usable(remote) || remote_port == 0 ||
	    bx_net_addr_is_ipv4(local) != bx_net_addr_is_ipv4(remote) || mtu < 576)
		return BX_ERR_INVALID;
	if (t->conn_free == NONE)
		return BX_ERR_NO_MEMORY;
	if (local_port == 0 ? !port_pick(t, &tuple, &bucket) : bx_tcp_find(t, &tuple, &bucket) != NONE)
		return BX_ERR_EXISTS;
	c = bx_tcp_conn_make(t, now_us, &tuple, mtu);
	bx_tcp_hash_add(t, conn_id(t, c), bucket);
	t->last = conn_id(t, c);
	c->state = BX_TCP_SYN_SENT;
	c->iss = bx_tcp_isn(t, now_us, &tuple);
	c->snd_una = c->iss;
	c->snd_nxt = c->snd_end = c->iss + 1;
	c->recover = c->ecn_high = c->rack_dsack_end = c->snd_una;
	c->cwnd = c->mss;
	c->receive_scale = bx_tcp_receive_scale(t);
	c->flags |= ((t->config.features & BX_TCP_SACK) != 0 ? F_SACK : 0) |
	    ((t->config.features & BX_TCP_TIMESTAMPS) != 0 ? F_TIMESTAMPS : 0) |
	    ((t->config.features & BX_TCP_WINDOW_SCALE) != 0 ? F_SCALE : 0) |
	    ((t->config.features & BX_TCP_ECN) != 0 ? F_ECN : 0);
	c->single = (struct record){ c->iss, c->iss + 1, (uint32_t)now_us, R_SYN | R_LOST };
	c->single_count = 1;
	c->lost = 1;
	bx_tcp_conn_ready(t, c);
	*connection = bx_tcp_conn_handle(t, c);
	return BX_OK;
}

/* Why a call on a connection that is over fails. */
static enum bx_err
ended_with(const struct conn *c)
{
	return c->error != BX_OK ? (enum bx_err)c->error : BX_ERR_STATE;
}

/* No room: the caller is told when there is; without a ring to drain, the slow timer looks again. */
static enum bx_err
no_room(struct bx_transport *t, struct conn *c)
{
	c->flags |= F_WANTS_ROOM;
	if (c->send_ring == NONE) {
		c->slow_us = min_u64(c->slow_us, (t->tick << 10) + 10 * MS_US);
		bx_tcp_conn_arm(t, c);
	}
	return BX_ERR_WOULD_BLOCK;
}

/* Bytes of the application that have been taken over. */
static inline void
given(struct bx_transport *t, struct conn *c, uint32_t id, uint32_t n, size_t *sent)
{
	c->snd_end += n;
	*sent = n;
	/* Who has spoken last is the most likely to be answered next. */
	t->last = id;
	bx_tcp_conn_ready_as(t, c, id);
}

/* To what waits already, or with more than a small ring takes. */
static APART enum bx_err
send_more(struct bx_transport *t, struct conn *c, const uint8_t *bytes, size_t length, size_t *sent)
{
	struct send_ring *ring;
	uint32_t room, n;

	if (length == 0) {
		*sent = 0;
		return BX_OK;
	}
	if (!bx_tcp_send_ring_attach(t, c, length))
		return no_room(t, c);
	ring = send_ring_of(t, c->send_ring);
	/* While the SYN is out it counts as a byte before the first. */
	room = ring->bytes - (c->snd_end - c->snd_una);
	if (room == 0)
		return no_room(t, c);
	n = (uint32_t)min_u64(length, room);
	if ((c->flags & F_BBR) != 0)
		bx_tcp_rate_look(t, c);
	bx_tcp_ring_write(ring->bytes, send_bytes_of(ring), c->snd_end - ring->base, bytes, n);
	given(t, c, conn_id(t, c), n, sent);
	/* A ring that is full now is news when it no longer is; one that is not, for who found none before. */
	if (n == room && ring->bytes == t->config.ring_bytes)
		c->flags |= F_WANTS_ROOM;
	else if ((c->flags & F_WANTS_ROOM) != 0)
		bx_tcp_wake_writer(t, c);
	return BX_OK;
}

/* Nothing is out or waits, so there is no ring yet: one of the small ones takes it all. */
static inline bool
begins_small(const struct bx_transport *t, const struct conn *c, size_t length)
{
	return c->send_ring == NONE && length - 1 < BX_TCP_SMALL_RING && c->single_count == 0 && bx_tcp_small_is_there(t);
}

enum bx_err
bx_tcp_send(struct bx_transport *t, uint64_t connection, const uint8_t *bytes, size_t length, size_t *sent)
{
	struct conn *c = bx_tcp_conn_get(t, connection);

	if (c == NULL)
		return BX_ERR_NOT_FOUND;
	conn_fetch_rest(c);
	if (c->state == BX_TCP_CLOSED)
		return ended_with(c);
	if ((c->flags & F_FIN_QUEUED) != 0)
		return BX_ERR_STATE;
	if (!begins_small(t, c, length))
		return send_more(t, c, bytes, length, sent);
	copy_short(send_bytes_of(bx_tcp_small_begin(t, c)), bytes, length);
	given(t, c, (uint32_t)connection - 1u, (uint32_t)length, sent);
	return BX_OK;
}

/* The reader has made room: the peer is told if it is worth it (RFC 9293, 3.8.6.2.2). */
static APART void
window_update(struct bx_transport *t, struct conn *c)
{
	uint32_t now = c->rcv_adv - c->rcv_nxt, new = bx_tcp_window(t, c);

	if ((c->flags & F_FIN_RECEIVED) != 0 || c->state == BX_TCP_CLOSED)
		return;
	if (new - now >= t->config.ring_bytes / 2 || (now < 2u * c->mss && new != now)) {
		c->flags |= F_ACK_NOW;
		bx_tcp_conn_ready(t, c);
	}
}

/* Whether that can be: the window is short, or its edge may move by half a ring. */
static inline bool
window_may_open(const struct bx_transport *t, const struct conn *c)
{
	return c->rcv_adv - c->rcv_nxt < 2u * c->mss ||
	    c->rcv_read + t->config.ring_bytes - c->rcv_adv >= t->config.ring_bytes / 2;
}

static enum bx_err
nothing_to_read(const struct conn *c)
{
	if (c->state == BX_TCP_CLOSED && c->error != BX_OK)
		return (enum bx_err)c->error;
	if ((c->flags & F_FIN_RECEIVED) != 0 || c->state == BX_TCP_CLOSED)
		return BX_ERR_NET_CLOSED;
	return BX_ERR_WOULD_BLOCK;
}

enum bx_err
bx_tcp_receive(struct bx_transport *t, uint64_t connection, uint8_t *bytes, size_t size, size_t *received)
{
	struct conn *c = bx_tcp_conn_get(t, connection);
	uint32_t unread, n;

	if (c == NULL)
		return BX_ERR_NOT_FOUND;
	unread = c->rcv_nxt - c->rcv_read - ((c->flags & F_FIN_RECEIVED) != 0);
	if (unread == 0 || c->receive_ring == NONE)
		return nothing_to_read(c);
	n = (uint32_t)min_u64(size, unread);
	bx_tcp_ring_read(t->config.ring_bytes, receive_bytes_of(t, c->receive_ring), c->rcv_read, bytes, n);
	c->rcv_read += n;
	*received = n;
	if (n == unread && receive_ring_of(t, c->receive_ring)->count == 0) {
		bx_tcp_whole_give(t, c->receive_ring);
		c->receive_ring = NONE;
	}
	if (window_may_open(t, c))
		window_update(t, c);
	return BX_OK;
}

/* RFC 9293, 3.10.4. */
static void
fin_queue(struct bx_transport *t, struct conn *c)
{
	c->flags |= F_FIN_QUEUED;
	bx_tcp_conn_ready(t, c);
}

enum bx_err
bx_tcp_shutdown(struct bx_transport *t, uint64_t now_us, uint64_t connection)
{
	struct conn *c = bx_tcp_conn_get(t, connection);

	(void)now_us;
	if (c == NULL)
		return BX_ERR_NOT_FOUND;
	if (c->state == BX_TCP_CLOSED || (c->flags & F_FIN_QUEUED) != 0)
		return BX_ERR_STATE;
	fin_queue(t, c);
	return BX_OK;
}

enum bx_err
bx_tcp_close(struct bx_transport *t, uint64_t now_us, uint64_t connection)
{
	struct conn *c = bx_tcp_conn_get(t, connection);
	bool unread;

	if (c == NULL)
		return BX_ERR_NOT_FOUND;
	bx_tcp_conn_orphan(t, c);
	if (c->state == BX_TCP_CLOSED || c->state == BX_TCP_SYN_SENT) {
		bx_tcp_conn_free(t, c);
		return BX_OK;
	}
	unread = c->rcv_nxt - c->rcv_read != ((c->flags & F_FIN_RECEIVED) != 0 ? 1u : 0u);
	if (unread) {
		c->flags |= F_RESET;
		bx_tcp_conn_ready(t, c);
		return BX_OK;
	}
	if ((c->flags & F_FIN_QUEUED) == 0)
		fin_queue(t, c);
	/* A peer whose window is shut has the whole of an orphan's time from now on. */
	if (c->retransmit_kind == PERSIST)
		c->backoff = 0;
	if (c->state == BX_TCP_FIN_WAIT_2) {
		c->slow_us = now_us + FIN_WAIT_US;
		bx_tcp_conn_arm(t, c);
	}
	return BX_OK;
}

void
bx_tcp_conn_reset(struct bx_transport *t, struct conn *c)
{
	/* RFC 9293, 3.10.5: nothing to reset yet, or both ends have been said. */
	if (c->state == BX_TCP_CLOSED || c->state == BX_TCP_SYN_SENT || c->state == BX_TCP_CLOSING ||
	    c->state == BX_TCP_LAST_ACK) {
		bx_tcp_conn_free(t, c);
		return;
	}
	c->flags |= F_RESET;
	bx_tcp_conn_ready(t, c);
}

enum bx_err
bx_tcp_abort(struct bx_transport *t, uint64_t now_us, uint64_t connection)
{
	struct conn *c = bx_tcp_conn_get(t, connection);

	(void)now_us;
	if (c == NULL)
		return BX_ERR_NOT_FOUND;
	bx_tcp_conn_orphan(t, c);
	bx_tcp_conn_reset(t, c);
	return BX_OK;
}

bool
bx_tcp_control_is_there(const struct bx_transport *t, uint32_t control)
{
	return control < BX_TCP_BBR_CONTROL || (control == BX_TCP_BBR_CONTROL && t->mark_at != 0);
}

/* What the control before knew of the path does not help another; the window stays. */
static void
control_set(struct bx_transport *t, uint64_t now_us, struct conn *c, enum bx_tcp_control control)
{
	bool was_bbr = (c->flags & F_BBR) != 0;

	c->flags &= ~(F_CUBIC | F_BBR);
	c->undo_stage = UNDO_NONE;
	if (control == BX_TCP_BBR_CONTROL) {
		bx_tcp_bbr_begin(t, now_us, c);
		return;
	}
	c->flags |= control == BX_TCP_CUBIC_CONTROL ? F_CUBIC : 0;
	c->cubic = (struct cubic){ 0 };
	c->cubic_acked = 0;
	if (!was_bbr)
		return;
	/* It had no bound to slow start; a recovery that is under way ends with what it let out. */
	c->hystart = (struct hystart){ 0 };
	c->ssthresh = (c->flags & (F_RECOVERY | F_LOSS)) != 0 ? max_u32(c->cwnd, 2u * c->mss) : UINT32_MAX;
}

enum bx_err
bx_tcp_option_set(struct bx_transport *t, uint64_t now_us, uint64_t connection,
    enum bx_tcp_option option, uint32_t value)
{
	struct conn *c = bx_tcp_conn_get(t, connection);

	if (c == NULL)
		return BX_ERR_NOT_FOUND;
	switch (option) {
	case BX_TCP_OPTION_NODELAY:
		if (value > 1)
			return BX_ERR_INVALID;
		c->flags = value != 0 ? c->flags | F_NODELAY : c->flags & ~F_NODELAY;
		bx_tcp_conn_ready(t, c);
		return BX_OK;
	case BX_TCP_OPTION_CONTROL:
		if (!bx_tcp_control_is_there(t, value))
			return BX_ERR_INVALID;
		control_set(t, now_us, c, (enum bx_tcp_control)value);
		bx_tcp_conn_ready(t, c);
		return BX_OK;
	case BX_TCP_OPTION_KEEPALIVE_S:
		if (value > UINT16_MAX)
			return BX_ERR_INVALID;
		c->keepalive_s = (uint16_t)value;
		if (value != 0) {
			c->slow_us = min_u64(c->slow_us, now_us + (uint64_t)value * SECOND_US);
			bx_tcp_conn_arm(t, c);
		}
		return BX_OK;
	case BX_TCP_OPTION_TRAFFIC_CLASS:
		if (value > UINT8_MAX || (value & 3) != 0)
			return BX_ERR_INVALID;
		c->traffic_class = (uint8_t)value;
		return BX_OK;
	case BX_TCP_OPTION_RETRIES:
		if (value > BX_TCP_RETRIES_FOR_EVER)
			return BX_ERR_INVALID;
		c->retries = (uint8_t)value;
		return BX_OK;
	case BX_TCP_OPTION_HOP_LIMIT:
		if (value > UINT8_MAX)
			return BX_ERR_INVALID;
		c->hop_limit = (uint8_t)value;
		return BX_OK;
	}
	return BX_ERR_INVALID;
}

enum bx_err
bx_tcp_info(const struct bx_transport *t, uint64_t connection, struct bx_tcp_info *info)
{
	const struct conn *c = bx_tcp_conn_get(t, connection);

	if (c == NULL)
		return BX_ERR_NOT_FOUND;
	*info = (struct bx_tcp_info){
		.local = c->entry.who.local, .remote = c->entry.who.remote,
		.local_port = c->entry.who.local_port, .remote_port = c->entry.who.remote_port, .state = (enum bx_tcp_state)c->state,
		.error = (enum bx_err)c->error, .mss = c->mss, .cwnd = c->cwnd, .ssthresh = c->ssthresh,
		.in_flight = conn_in_flight(c),
		.unsent = seq_lt(c->snd_nxt, c->snd_end) ? c->snd_end - c->snd_nxt : 0,
		.unread = c->rcv_nxt - c->rcv_read - ((c->flags & F_FIN_RECEIVED) != 0),
		.room = t->config.ring_bytes - (c->snd_end - c->snd_una),
		.fin_received = (c->flags & F_FIN_RECEIVED) != 0, .fin_queued = (c->flags & F_FIN_QUEUED) != 0,
		.wants_room = (c->flags & F_WANTS_ROOM) != 0,
		.send_window = c->snd_wnd, .receive_window = c->rcv_adv - c->rcv_nxt,
		.srtt_us = c->srtt_us, .rttvar_us = c->rttvar_us, .rto_us = c->rto_us,
		.sack = (c->flags & F_SACK) != 0, .timestamps = (c->flags & F_TIMESTAMPS) != 0,
		.window_scale = (c->flags & F_SCALE) != 0, .ecn = (c->flags & F_ECN) != 0,
		.in_recovery = (c->flags & (F_RECOVERY | F_LOSS)) != 0,
		.control = (c->flags & F_BBR) != 0 ? BX_TCP_BBR_CONTROL :
		    (c->flags & F_CUBIC) != 0 ? BX_TCP_CUBIC_CONTROL : BX_TCP_NEWRENO_CONTROL,
		.pacing_rate = (c->flags & F_BBR) != 0 ? (uint64_t)c->bbr.pacing_rate * SECOND_US / RATE_US : 0,
	};
	return BX_OK;
}

bool
bx_tcp_event(struct bx_transport *t, uint64_t *handle, uint32_t *events)
{
	while (t->event_first != NONE) {
		struct conn *c = &t->conns[t->event_first];

		bx_tcp_conn_uneventful(t, c);
		if (c->events == 0)
			continue;	/* its handle has been given back meanwhile */
		*handle = bx_tcp_conn_handle(t, c);
		*events = c->events;
		c->events = 0;
		return true;
	}
	if (t->listener_event != NONE) {
		struct listener *l = &t->listeners[t->listener_event];

		t->listener_event = l->event_next;
		l->event = false;
		*handle = listener_handle(t, l);
		*events = BX_TCP_ACCEPTABLE;
		return true;
	}
	if (t->udp_event != NONE) {
		struct udp_end *e = &t->udp_ends[t->udp_event];

		t->udp_event = e->event_next;
		e->event = false;
		*handle = bx_udp_handle(t, e);
		*events = BX_TCP_READABLE;
		return true;
	}
	return false;
}

enum bx_transport_kind
bx_transport_handle(uint64_t handle, uint32_t *index)
{
	uint32_t low = (uint32_t)handle;

	if (low >= UDP_BASE) {
		*index = low - UDP_BASE;
		return BX_TRANSPORT_UDP;
	}
	if (low >= LISTENER_BASE) {
		*index = low - LISTENER_BASE;
		return BX_TRANSPORT_LISTENER;
	}
	*index = low - 1u;
	return BX_TRANSPORT_CONNECTION;
}
