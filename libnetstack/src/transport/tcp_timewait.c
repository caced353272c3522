/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_timewait.c -- TIME-WAIT (RFC 9293, 3.6.1 and 3.10.7.4): a queue in order of expiry, since all wait alike.
 * When it is full the oldest gives way (counted): then a late segment gets a reset, as after a reboot.
 */
#include "transport.h"

#define WAIT_MS	60000u	/* two maximum segment lifetimes of 30 s */

static uint32_t
id_of(const struct bx_transport *t, uint32_t index)
{
	return t->config.connections + t->config.half_open + index;
}

static void
entry_remove(struct bx_transport *t, uint32_t index)
{
	bx_tcp_hash_remove(t, id_of(t, index));
	t->time_waits[index].live = 0;
	t->tw_used--;
}

static void
head_pop(struct bx_transport *t)
{
	if (t->time_waits[t->tw_head].live != 0)
		entry_remove(t, t->tw_head);
	t->tw_head = t->tw_head + 1 < t->config.time_waits ? t->tw_head + 1 : 0;
	t->tw_count--;
}

/* The place behind the last; there is one. */
static uint32_t
tail_push(struct bx_transport *t)
{
	uint32_t index = t->tw_head + t->tw_count;

	if (index >= t->config.time_waits)
		index -= t->config.time_waits;
	t->tw_count++;
	t->tw_used++;
	return index;
}

/* The last in the queue, with the whole wait before it. */
static inline uint32_t
wait_push(struct bx_transport *t, uint64_t now_us, const struct tuple *who, uint32_t snd_nxt, uint32_t rcv_nxt,
    uint32_t ts_recent, bool timestamps)
{
	uint32_t index;

	if (t->tw_count == t->config.time_waits) {
		t->stats.time_wait_evicted += t->time_waits[t->tw_head].live;
		head_pop(t);
	}
	index = tail_push(t);
	t->time_waits[index] = (struct time_wait){
		.entry.who = *who, .snd_nxt = snd_nxt, .rcv_nxt = rcv_nxt, .ts_recent = ts_recent,
		.expire_ms = ms_of(now_us) + WAIT_MS, .live = 1, .timestamps = timestamps,
	};
	return index;
}

void
bx_tcp_time_wait_add(struct bx_transport *t, uint64_t now_us, const struct conn *c)
{
	uint32_t index = wait_push(t, now_us, &c->entry.who, c->snd_nxt, c->rcv_nxt, c->ts_recent,
	    (c->flags & F_TIMESTAMPS) != 0);

	bx_tcp_hash_replace(t, conn_id(t, c), id_of(t, index));
}

void
bx_tcp_time_wait_again(struct bx_transport *t, uint64_t now_us, uint32_t id, const struct half *h)
{
	uint32_t index = wait_push(t, now_us, &h->entry.who, h->old_snd_nxt, h->old_rcv_nxt, h->old_ts_recent,
	    (h->flags & H_OLD_STAMPS) != 0);

	bx_tcp_hash_replace(t, id, id_of(t, index));
}

static void
answer(struct bx_transport *t, uint64_t now_us, const struct time_wait *w, struct bx_net_batch *replies)
{
	struct bare bare = {
		.who = &w->entry.who, .seq = w->snd_nxt, .ack = w->rcv_nxt, .flags = ACK,
	};
	uint32_t options[3];

	if (w->timestamps != 0) {
		options[0] = 0x0101080au;	/* RFC 7323, appendix A */
		options[1] = ms_of(now_us) + (uint32_t)bx_tcp_siphash(t->key, bare.who, 2);
		options[2] = w->ts_recent;
		bare.options = options;
		bare.option_words = 3;
	}
	(void)bx_tcp_bare(t, &bare, replies);	/* if there is no room, the peer asks again */
}

bool
bx_tcp_time_wait_segment(struct bx_transport *t, uint64_t now_us, uint32_t id,
    struct segment *s, struct bx_net_batch *replies)
{
	uint32_t index = id - t->config.connections - t->config.half_open;
	struct time_wait *w = &t->time_waits[index];

	/* RFC 1337: a reset does not end it early. */
	if ((s->flags & RST) != 0)
		return false;
	/* RFC 6191, 2; RFC 9293, MAY-2: a SYN that is certainly new.  A cookie could not lie above what was sent. */
	if ((s->flags & (SYN | ACK)) == SYN && t->half_free != NONE && (seq_lt(w->rcv_nxt, s->seq) ||
	    (w->timestamps != 0 && s->has_timestamp && seq_lt(w->ts_recent, s->ts_value)))) {
		t->stats.time_wait_reused++;
		entry_remove(t, index);
		s->reused = w;
		return true;
	}
	if (s->length == 0 && (s->flags & (SYN | FIN)) == 0)
		return false;
	/* The peer's FIN again: our last acknowledgement was lost; the wait starts anew (3.10.7.4). */
	if ((s->flags & FIN) != 0)
		w->expire_ms = ms_of(now_us) + WAIT_MS;
	answer(t, now_us, w, replies);
	return false;
}

void
bx_tcp_time_wait_poll(struct bx_transport *t, uint64_t now_us)
{
	uint32_t now_ms = ms_of(now_us);

	/* Entries that started anew are moved behind those that did not: each at most once here. */
	for (uint32_t n = t->tw_count; n > 0; n--) {
		struct time_wait w = t->time_waits[t->tw_head];
		bool due = seq_leq(w.expire_ms, now_ms);

		if (w.live != 0 && !due) {
			const struct time_wait *next;
			uint32_t after = t->tw_head + 1 < t->config.time_waits ? t->tw_head + 1 : 0;

			next = &t->time_waits[after];
			if (t->tw_count == 1 || next->live == 0 || seq_leq(w.expire_ms, next->expire_ms))
				return;
		}
		head_pop(t);
		if (w.live != 0 && !due) {
			uint32_t index = tail_push(t);

			t->time_waits[index] = w;
			bx_tcp_hash_add(t, id_of(t, index), w.entry.bucket);
		}
	}
}

uint64_t
bx_tcp_time_wait_next(const struct bx_transport *t)
{
	/* The low half of the clock is all that an entry keeps: the tick of the wheel gives the rest. */
	uint64_t now_us = t->tick << 10;
	uint32_t left;

	if (t->tw_count == 0)
		return NEVER;
	left = t->time_waits[t->tw_head].expire_ms - ms_of(now_us);
	return t->time_waits[t->tw_head].live == 0 || (int32_t)left <= 0 ? now_us :
	    now_us + ((uint64_t)left + 1) * MS_US;
}
