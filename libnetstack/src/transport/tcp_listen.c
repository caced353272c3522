/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_listen.c -- LISTEN and SYN-RECEIVED of a passive open (RFC 9293, 3.10.7.2 and 3.10.7.4).
 *
 * A SYN costs a half-open entry of about a hundred bytes; a connection is made when the handshake is complete and
 * the listener's backlog has room. Without a free entry the answer is a cookie (RFC 4987, 3.6), which costs nothing.
 *
 *   half-open --ACK of our SYN--> a connection, ESTABLISHED, in the accept queue
 *             --RST, exact--> gone     --SYN-ACK unanswered RETRIES times--> gone
 */
#include "transport.h"

#define RETRIES	7u	/* RFC 9293, 3.8.3, MUST-23: at least 3 minutes; 1 + 2 + ... + 32 + 60 + 60 s */
#define WAIT_MAX_US	((uint64_t)60 * SECOND_US)	/* RFC 6298, 2.5 */

static uint32_t
half_index(const struct bx_transport *t, uint32_t id)
{
	return id - t->config.connections;
}

/* Our window in a SYN-ACK is never scaled. */
static uint16_t
first_window(const struct bx_transport *t)
{
	return (uint16_t)min_u32(t->config.ring_bytes, 0xffff);
}

static uint32_t
flags_of_half(uint32_t flags)
{
	return ((flags & H_SACK) != 0 ? F_SACK : 0) | ((flags & H_TIMESTAMPS) != 0 ? F_TIMESTAMPS : 0) |
	    ((flags & H_SCALE) != 0 ? F_SCALE : 0) | ((flags & H_ECN) != 0 ? F_ECN : 0);
}

/* What both sides speak. */
static uint8_t
agree(const struct bx_transport *t, const struct segment *s)
{
	uint32_t features = t->config.features, flags = 0;

	if (s->sack_permitted && (features & BX_TCP_SACK) != 0)
		flags |= H_SACK;
	if (s->has_timestamp && (features & BX_TCP_TIMESTAMPS) != 0)
		flags |= H_TIMESTAMPS;
	if (s->has_scale && (features & BX_TCP_WINDOW_SCALE) != 0)
		flags |= H_SCALE;
	/* RFC 3168, 6.1.1: an ECN-setup SYN has both bits. */
	if ((s->flags & (ECE | CWR)) == (ECE | CWR))
		flags |= H_ECN;
	return (uint8_t)flags;
}

static bool
half_answer(struct bx_transport *t, uint64_t now_us, struct half *h, struct bx_net_batch *out)
{
	uint32_t options[OPTIONS_SYN];
	struct bare bare = {
		.who = &h->entry.who,
		.seq = h->iss, .ack = h->irs + 1, .window = first_window(t), .options = options,
		.flags = (uint8_t)(SYN | ACK | ((h->flags & H_ECN) != 0 ? ECE : 0)),
	};

	bare.option_words = bx_tcp_options_syn(options, bx_tcp_mss_of_mtu(&h->entry.who.local, h->mtu),
	    flags_of_half(h->flags), bx_tcp_receive_scale(t), ms_of(now_us) + h->ts_offset, h->ts_recent);
	return bx_tcp_bare(t, &bare, out);
}

/* Out of the hash it is already. */
static void
half_free(struct bx_transport *t, uint32_t id)
{
	struct half *h = &t->halves[half_index(t, id)];

	bx_tcp_timer_clear(t, id);
	h->listener = NONE;
	/* In the list of those to be answered it goes when its turn comes. */
	if (!h->ready) {
		h->entry.next = t->half_free;
		t->half_free = half_index(t, id);
	}
	t->half_used--;
}

void
bx_tcp_half_drop(struct bx_transport *t, uint32_t id)
{
	bx_tcp_hash_remove(t, id);
	half_free(t, id);
}

static uint64_t
half_due(uint64_t now_us, const struct half *h)
{
	return now_us + min_u64((uint64_t)SECOND_US << (h->tries - 1u), WAIT_MAX_US);
}

/* The answer when there is no entry: all that will be needed is in the number (RFC 4987, 3.6). */
static void
cookie_answer(struct bx_transport *t, uint64_t now_us, const struct segment *s,
    const struct tuple *tuple, struct bx_net_batch *replies)
{
	uint32_t options[OPTIONS_SYN];
	struct bare bare = {
		.who = tuple, .seq = bx_tcp_cookie_make(t, now_us, s, tuple), .ack = s->seq + 1,
		.window = first_window(t), .flags = SYN | ACK, .options = options,
	};

	t->stats.tcp_syn_full++;
	t->cookies = true;
	t->cookie_ms = ms_of(now_us);
	bare.option_words = bx_tcp_options_syn(options, bx_tcp_mss_of_mtu(&tuple->local, t->config.mtu),
	    0, 0, 0, 0);
	if (bx_tcp_bare(t, &bare, replies))
		t->stats.tcp_cookies_out++;
}

/* A connection of the same four was in TIME-WAIT (RFC 9293, 3.6.1, MAY-2): all that it has sent lies below our first number,
 * and what it was is kept until this one is certain. */
static void
half_follows(struct half *h, const struct time_wait *w)
{
	h->iss = seq_max(h->iss, w->snd_nxt + 1);
	h->old_snd_nxt = w->snd_nxt;
	h->old_rcv_nxt = w->rcv_nxt;
	h->old_ts_recent = w->ts_recent;
	h->flags |= H_REUSED | (w->timestamps != 0 ? H_OLD_STAMPS : 0);
}

static void
syn_arrives(struct bx_transport *t, uint64_t now_us, struct listener *l, const struct segment *s,
    struct bx_net_batch *replies)
{
	struct tuple tuple = { .local = s->buf->destination, .remote = s->buf->source, .ports = s->ports };
	uint32_t index = t->half_free, id = t->config.connections + index;
	struct half *h;

	if (l->waiting >= l->backlog) {
		t->stats.tcp_accept_full++;
		return;
	}
	if (index == NONE) {
		cookie_answer(t, now_us, s, &tuple, replies);
		return;
	}
	h = &t->halves[index];
	t->half_free = h->entry.next;
	t->half_used++;
	h->entry.who = tuple;
	h->ready_next = NONE;
	h->listener = (uint32_t)(l - t->listeners);
	h->iss = bx_tcp_isn(t, now_us, &tuple);
	h->irs = s->seq;
	h->ts_recent = h->ts_offset = 0;
	h->sent_us = (uint32_t)now_us;
	h->mss = s->mss;
	h->mtu = s->buf->mtu != 0 ? s->buf->mtu : t->config.mtu;
	h->window = (uint16_t)s->window;
	h->scale = s->has_scale ? s->scale : 0;
	h->flags = agree(t, s);
	h->tries = 1;
	h->ready = false;
	if ((h->flags & H_TIMESTAMPS) != 0) {
		h->ts_recent = s->ts_value;
		h->ts_offset = (uint32_t)bx_tcp_siphash(t->key, &tuple, 2);
	}
	if (BX_UNLIKELY(s->reused != NULL))
		half_follows(h, s->reused);
	bx_tcp_hash_add(t, id, s->bucket);
	bx_tcp_timer_set(t, id, half_due(now_us, h));
	/* If the batch is full, the timer sends it. */
	(void)half_answer(t, now_us, h, replies);
}

static bool
conn_has_place(struct bx_transport *t, const struct listener *l)
{
	if (l->waiting < l->backlog && t->conn_free != NONE)
		return true;
	t->stats.tcp_accept_full++;
	return false;
}

/* A connection out of the handshake, in the queue of its listener, where it has a place.  Its maker puts it into the
 * hash. */
static struct conn *
conn_of(struct bx_transport *t, uint64_t now_us, struct listener *l, const struct half *h)
{
	struct conn *c = bx_tcp_conn_make(t, now_us, &h->entry.who, h->mtu);

	c->state = BX_TCP_ESTABLISHED;
	c->iss = h->iss;
	c->snd_una = c->snd_nxt = c->snd_end = h->iss + 1;
	c->recover = c->ecn_high = c->rack_dsack_end = c->snd_una;
	c->rcv_nxt = c->rcv_read = c->rcv_acked = h->irs + 1;
	c->rcv_adv = c->rcv_nxt + first_window(t);
	c->snd_wnd = c->max_wnd = h->window;
	c->snd_wl1 = h->irs;
	c->snd_wl2 = c->snd_una;
	c->receive_scale = bx_tcp_receive_scale(t);
	bx_tcp_conn_options(t, now_us, c, flags_of_half(h->flags), h->mss, h->scale, h->ts_recent);
	if (h->tries == 1)
		bx_tcp_rtt_sample(c, (uint32_t)now_us - h->sent_us);
	else if (h->tries > 1)
		bx_tcp_conn_syn_lost(c);
	c->listener = (uint32_t)(l - t->listeners);
	c->account = l->account;
	c->flags |= F_QUEUED;
	if (l->first == NONE)
		l->first = conn_id(t, c);
	else
		t->conns[l->last].accept_next = conn_id(t, c);
	l->last = conn_id(t, c);
	l->waiting++;
	t->stats.tcp_accepted++;
	bx_tcp_listener_event(t, l);
	return c;
}

/* The ACK of a cookie. */
static void
cookie_arrives(struct bx_transport *t, uint64_t now_us, struct listener *l, struct segment *s,
    struct bx_net_batch *replies)
{
	struct tuple tuple = { .local = s->buf->destination, .remote = s->buf->source, .ports = s->ports };
	struct half h = {
		.entry.who = tuple, .iss = s->ack - 1, .irs = s->seq - 1,
		.window = (uint16_t)s->window, .mtu = t->config.mtu,
	};
	struct conn *c;

	if (!bx_tcp_cookie_read(t, now_us, s, &tuple, &h.mss)) {
		t->stats.tcp_cookies_bad += t->cookies;
		bx_tcp_reset_reply(t, s, replies);
		return;
	}
	t->stats.tcp_cookies_in++;
	if (!conn_has_place(t, l))
		return;
	c = conn_of(t, now_us, l, &h);
	bx_tcp_hash_add(t, conn_id(t, c), s->bucket);
	bx_tcp_conn_segment(t, now_us, c, s);
}

void
bx_tcp_listen_segment(struct bx_transport *t, uint64_t now_us, struct listener *l,
    struct segment *s, struct bx_net_batch *replies)
{
	if ((s->flags & RST) != 0)
		return;
	if ((s->flags & ACK) != 0)
		cookie_arrives(t, now_us, l, s, replies);
	else if ((s->flags & SYN) != 0)
		syn_arrives(t, now_us, l, s, replies);
}

/* Whether a segment that completes the handshake is the bare acknowledgement that most are. */
static bool
is_bare(const struct conn *c, const struct segment *s)
{
	return s->length == 0 && (s->flags & ~PSH) == ACK && s->seq == c->rcv_nxt && s->sack_count == 0 &&
	    (s->buf->traffic_class & 3) != ECN_CE;
}

/* It brings a window and a stamp (RFC 9293, 3.10.7.4, fifth; RFC 7323, 4.3), and nothing else. */
static void
bare_arrives(struct conn *c, const struct segment *s)
{
	c->snd_wnd = s->window << c->send_scale;
	c->max_wnd = max_u32(c->max_wnd, c->snd_wnd);
	c->snd_wl1 = s->seq;
	c->snd_wl2 = s->ack;
	if ((c->flags & F_TIMESTAMPS) != 0)
		c->ts_recent = s->ts_value;
}

/* The third step of the handshake. */
static void
half_completes(struct bx_transport *t, uint64_t now_us, uint32_t id, struct segment *s)
{
	const struct half *h = &t->halves[half_index(t, id)];
	struct listener *l = &t->listeners[h->listener];
	struct conn *c;

	/* Without a place, the peer's data, or our SYN-ACK again, brings it back. */
	if (!conn_has_place(t, l))
		return;
	c = conn_of(t, now_us, l, h);
	bx_tcp_hash_replace(t, id, conn_id(t, c));
	t->last = conn_id(t, c);
	half_free(t, id);
	if (is_bare(c, s))
		bare_arrives(c, s);
	else
		bx_tcp_conn_segment(t, now_us, c, s);
}

/* The peer knows nothing of it. */
static void
half_reset(struct bx_transport *t, uint64_t now_us, uint32_t id)
{
	const struct half *h = &t->halves[half_index(t, id)];

	if ((h->flags & H_REUSED) == 0) {
		bx_tcp_half_drop(t, id);
		return;
	}
	bx_tcp_time_wait_again(t, now_us, id, h);
	half_free(t, id);
}

void
bx_tcp_half_segment(struct bx_transport *t, uint64_t now_us, uint32_t id, struct segment *s,
    struct bx_net_batch *replies)
{
	struct half *h = &t->halves[half_index(t, id)];

	if ((s->flags & RST) != 0) {
		/* RFC 5961, 3.2. */
		if (s->seq == h->irs + 1) {
			t->stats.tcp_resets_in++;
			half_reset(t, now_us, id);
		}
		return;
	}
	if ((s->flags & SYN) != 0) {
		struct listener *l = &t->listeners[h->listener];

		if (s->seq == h->irs && (s->flags & ACK) == 0) {
			(void)half_answer(t, now_us, h, replies);	/* if not now, the timer */
		} else if ((s->flags & ACK) == 0) {
			/* The same four, begun anew: the old attempt is dead. */
			bx_tcp_half_drop(t, id);
			bx_tcp_listen_segment(t, now_us, l, s, replies);
		}
		return;
	}
	if ((s->flags & ACK) == 0)
		return;
	if (s->ack != h->iss + 1) {
		t->stats.tcp_bad_ack++;
		bx_tcp_reset_reply(t, s, replies);
		return;
	}
	if (s->seq - (h->irs + 1) >= first_window(t)) {
		t->stats.tcp_out_of_window++;
		return;
	}
	if ((h->flags & H_TIMESTAMPS) != 0 && (!s->has_timestamp || seq_lt(s->ts_value, h->ts_recent))) {
		t->stats.tcp_paws++;
		return;
	}
	half_completes(t, now_us, id, s);
}

void
bx_tcp_half_timer(struct bx_transport *t, uint64_t now_us, uint32_t id)
{
	struct half *h = &t->halves[half_index(t, id)];

	if (h->listener == NONE)
		return;
	if (h->tries > RETRIES) {
		bx_tcp_half_drop(t, id);
		return;
	}
	h->tries++;
	bx_tcp_timer_set(t, id, half_due(now_us, h));
	if (h->ready)
		return;
	h->ready = true;
	h->ready_next = NONE;
	if (t->half_first == NONE)
		t->half_first = half_index(t, id);
	else
		t->halves[t->half_last].ready_next = half_index(t, id);
	t->half_last = half_index(t, id);
}

bool
bx_tcp_half_output(struct bx_transport *t, uint64_t now_us, struct bx_net_batch *out)
{
	while (t->half_first != NONE) {
		uint32_t index = t->half_first;
		struct half *h = &t->halves[index];

		if (h->listener != NONE) {
			if (!half_answer(t, now_us, h, out))
				return false;
			t->stats.tcp_retransmits++;
		}
		t->half_first = h->ready_next;
		if (t->half_first == NONE)
			t->half_last = NONE;
		h->ready = false;
		if (h->listener == NONE) {
			h->entry.next = t->half_free;
			t->half_free = index;
		}
	}
	return true;
}
