/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_ack.c -- an acknowledgement arrives: what it covers leaves the records, the window moves, the round trip is
 * measured (RFC 6298), losses are found and answered (RFC 5681, 6582, 6675, 6937, 8985).
 */
#include "transport.h"

#define DUPLICATES	3u		/* RFC 5681, 3.2 */

/* RFC 6298, 2: alpha 1/8, beta 1/4. */
void
bx_tcp_rtt_sample(struct conn *c, uint32_t rtt_us)
{
	rtt_us = max_u32(rtt_us, 1);
	if (c->srtt_us != 0) {
		bx_tcp_rtt_smooth(c, rtt_us);
		return;
	}
	c->srtt_us = rtt_us;
	c->rttvar_us = rtt_us / 2;
	c->rto_us = bx_tcp_rto(c);
}

/* Without SACK, what duplicates stand for never exceeds what can have been delivered. */
static void
clamp_sacked(struct conn *c)
{
	c->sacked = min_u32(c->sacked, c->snd_nxt - c->snd_una - c->lost);
}

/* Part of the oldest record is acknowledged: a piece of a segment that was cut on the way down. */
static void
acknowledge_part(const struct bx_transport *t, uint32_t now_us, struct conn *c, struct record *x, uint32_t ack,
    struct acked *a)
{
	uint32_t n = ack - x->start;

	if ((c->flags & F_BBR) != 0 && (x->flags & R_MARKED) != 0)
		bx_tcp_rate_part(t, now_us, c, n, &a->sample);
	if ((x->flags & R_LOST) != 0)
		c->lost -= n;
	if ((x->flags & R_SACKED) != 0 && (c->flags & F_SACK) != 0)
		c->sacked -= n;
	else
		a->delivered += n;
	x->start = ack;
}

/* snd_una moves to ack. */
static void
cumulative(struct bx_transport *t, uint32_t now_us, struct conn *c, uint32_t ack, struct acked *a)
{
	struct records r = bx_tcp_records(t, c);

	for (uint32_t n = r.count; n > 0; n--) {
		struct record *x = record_at(&r, 0);
		uint32_t length = x->end - x->start;

		if (seq_lt(ack, x->end)) {
			if (seq_lt(x->start, ack))
				acknowledge_part(t, now_us, c, x, ack, a);
			break;
		}
		if ((x->flags & R_SACKED) != 0) {
			c->sacked -= length;
		} else {
			if ((x->flags & R_LOST) != 0)
				c->lost -= length;
			if ((c->flags & F_BBR) != 0)
				bx_tcp_rate_delivered(t, now_us, c, x, &a->sample);
			bx_tcp_delivered(c, now_us, x, a);
		}
		bx_tcp_record_pop(t, c);
		r.head = r.head + 1 < r.capacity ? r.head + 1 : 0;
		r.count--;
	}
	a->bytes = ack - c->snd_una;
	c->snd_una = ack;
	c->backoff = 0;
	c->duplicates = 0;
	if ((c->flags & F_SACK) == 0) {
		/* RFC 6582, 3.2 (3): a partial acknowledgement takes back what duplicates had added. */
		c->sacked -= min_u32(c->sacked, a->bytes);
		clamp_sacked(c);
	}
}

/* All is acknowledged and nothing waits: the ring goes back to the pool. */
static void
ring_leave(struct bx_transport *t, struct conn *c)
{
	if (c->send_ring == NONE || c->snd_una != c->snd_nxt || seq_lt(c->snd_una, c->snd_end))
		return;
	bx_tcp_ring_give(t, c->send_ring);
	c->send_ring = NONE;
}

/* RFC 9293, 3.10.7.4, fifth: the window of the latest segment; true: it has changed. */
static bool
window_take(struct conn *c, const struct segment *s)
{
	uint32_t window = s->window << ((s->flags & SYN) != 0 ? 0 : c->send_scale);
	bool changed;

	if (!seq_lt(c->snd_wl1, s->seq) && !(c->snd_wl1 == s->seq && seq_leq(c->snd_wl2, s->ack)))
		return false;
	changed = window != c->snd_wnd;
	c->snd_wnd = window;
	c->snd_wl1 = s->seq;
	c->snd_wl2 = s->ack;
	c->max_wnd = max_u32(c->max_wnd, window);
	return changed;
}

/* RFC 6582: the oldest segment is taken for lost. */
static void
newreno_mark_first(struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	struct records r = bx_tcp_records(t, c);
	const struct record *x = record_at(&r, 0);

	/* Of what a device has cut, the first piece. */
	if (r.count != 0 && x->end - x->start - ((x->flags & R_FIN) != 0) > c->mss)
		bx_tcp_record_split(t, c, x->start + c->mss);
	if (r.count != 0 && (x->flags & R_LOST) == 0) {
		bx_tcp_lose(t, now_us, c, record_at(&r, 0));
		clamp_sacked(c);
	}
}

/* A duplicate (RFC 5681, 2) of a peer without SACK. */
static void
newreno_duplicate(struct bx_transport *t, uint64_t now_us, struct conn *c, struct acked *a)
{
	c->duplicates++;
	c->sacked += c->mss;
	clamp_sacked(c);
	a->delivered += c->mss;
	/* RFC 6582, 3.2 (2): not again for a loss before `recover`. */
	if (c->duplicates == DUPLICATES && (c->flags & (F_RECOVERY | F_LOSS)) == 0)
		newreno_mark_first(t, now_us, c);
}

/* RFC 6937: in recovery the window lets out what deliveries allow. */
static void
prr(struct conn *c, const struct acked *a)
{
	uint32_t flight = conn_in_flight(c), allowed;

	c->prr_delivered += a->delivered;
	if (flight > c->ssthresh) {
		uint64_t share = ((uint64_t)c->prr_delivered * c->ssthresh + c->prr_flight - 1) /
		    max_u32(c->prr_flight, 1);

		allowed = share > c->prr_out ? (uint32_t)(share - c->prr_out) : 0;
	} else {
		/* The slow-start part of the reduction bound. */
		uint32_t owed = c->prr_delivered > c->prr_out ? c->prr_delivered - c->prr_out : 0;

		allowed = min_u32(c->ssthresh - flight, max_u32(owed, a->delivered) + c->mss);
	}
	/* The first retransmission always goes. */
	if (c->prr_out == 0)
		allowed = max_u32(allowed, c->mss);
	c->cwnd = flight + allowed;
}

/* Recovery, of either kind, is over when what was out at its start is acknowledged. */
static void
recovery_leave(struct conn *c)
{
	if (seq_lt(c->snd_una, c->recover))
		return;
	if ((c->flags & F_BBR) != 0)
		bx_tcp_bbr_recovered(c);
	else if ((c->flags & F_RECOVERY) != 0)
		c->cwnd = c->ssthresh;
	c->flags &= ~(F_RECOVERY | F_LOSS);
	c->duplicates = 0;
	if ((c->flags & F_SACK) == 0)
		c->sacked = 0;
	if (c->rack_persist != 0 && --c->rack_persist == 0)
		c->rack_mult = 1;
}

/* RFC 3168, 6.1.2: congestion without loss, answered once in a window. */
static void
ecn_echo(struct bx_transport *t, uint64_t now_us, struct conn *c, uint32_t acked)
{
	if (seq_lt(c->snd_una, c->ecn_high) || (c->flags & (F_RECOVERY | F_LOSS)) != 0)
		return;
	if ((c->flags & F_BBR) != 0) {
		bx_tcp_bbr_marked(t, now_us, c);
	} else {
		bx_tcp_congestion_loss(c, acked);
		c->cwnd = c->ssthresh;
	}
	c->ecn_high = c->snd_nxt;
	c->flags |= F_CWR;
}

/* RFC 8985, 7.4: a probe that repeated a lost tail hid a loss from congestion control. */
static void
probe_check(const struct bx_transport *t, struct conn *c, const struct segment *s, const struct acked *a)
{
	if ((c->flags & F_PROBE_AGAIN) != 0 && !a->duplicate_report) {
		if (!seq_lt(c->probe_end, s->ack))
			return;
		if ((c->flags & F_BBR) != 0) {
			if (c->send_ring != NONE)
				bx_tcp_bbr_note(&c->bbr, flight_of(t, c));
		} else if ((c->flags & (F_RECOVERY | F_LOSS)) == 0) {
			bx_tcp_congestion_loss(c, a->bytes);
			c->cwnd = c->ssthresh;
		}
	} else if (seq_lt(s->ack, c->probe_end) && !a->duplicate_report) {
		return;
	}
	c->flags &= ~(F_PROBED | F_PROBE_AGAIN);
}

/* Losses, windows, timers: after the records are up to date. */
static void
react(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct segment *s, struct acked *a)
{
	bool recovering = (c->flags & F_RECOVERY) != 0;

	if (a->bytes != 0 && (c->flags & (F_RECOVERY | F_LOSS)) != 0) {
		if (c->undo_stage == UNDO_SENT)
			bx_tcp_undo_check(t, now_us, c, s, a);
		recovery_leave(c);
	}
	if ((c->flags & F_SACK) != 0) {
		if (c->sacked != 0 || (c->flags & (F_RECOVERY | F_LOSS)) != 0)
			(void)bx_tcp_rack_detect(t, now_us, c);
	} else if (a->bytes != 0 && (c->flags & F_RECOVERY) != 0) {
		newreno_mark_first(t, now_us, c);
	}
	if ((c->flags & F_PROBED) != 0)
		probe_check(t, c, s, a);
	if (c->lost != 0 && (c->flags & (F_RECOVERY | F_LOSS)) == 0)
		bx_tcp_recovery_enter(t, c);
	if ((c->flags & F_BBR) != 0)
		bx_tcp_bbr_acked(t, now_us, c, &a->sample);
	else if ((c->flags & F_RECOVERY) != 0)
		prr(c, a);
	/* RFC 5681, 3.2, step 6: the one that ends recovery sets the window, and does not open it: most of what it covers was
	 * delivered before. */
	else if (a->bytes != 0 && !recovering)
		bx_tcp_congestion_acked(c, now_us, a->bytes, a->rtt_us);
	if (a->rtt_us != 0)
		bx_tcp_rtt_sample(c, a->rtt_us);
	/* A look for losses that found no more to wait for has taken the timer away. */
	if (a->bytes != 0 || a->delivered != 0 || c->retransmit_us == NEVER)
		bx_tcp_retransmit_arm(now_us, c);
}

void
bx_tcp_wake_writer(struct bx_transport *t, struct conn *c)
{
	uint32_t used = c->snd_end - c->snd_una;

	if (used <= t->config.ring_bytes / 2 && seq_leq(c->snd_una, c->snd_end)) {
		c->flags &= ~F_WANTS_ROOM;
		bx_tcp_conn_event(t, c, BX_TCP_WRITABLE);
	}
}

void
bx_tcp_ack(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct segment *s)
{
	struct acked a = { 0 };
	uint32_t una = c->snd_una;
	bool window_changed, duplicate;

	if ((c->flags & F_BBR) != 0) {
		bx_tcp_rate_look(t, c);
		bx_tcp_rate_shut(t, now_us, c);
	}
	window_changed = window_take(c, s);
	if (s->has_timestamp && (c->flags & F_TIMESTAMPS) != 0)
		a.echo_age_us = (uint64_t)(ms_of(now_us) + c->ts_offset - s->ts_echo) * MS_US;
	/* What was cut off to fit the window was data all the same. */
	duplicate = s->ack == una && s->buf->length == s->head_length && !window_changed && una != c->snd_nxt &&
	    (s->flags & (SYN | FIN)) == 0;
	if (seq_lt(una, s->ack))
		cumulative(t, (uint32_t)now_us, c, s->ack, &a);
	if (s->sack_count != 0 && (c->flags & F_SACK) != 0)
		bx_tcp_sack(t, now_us, c, s, &a);
	else if (duplicate && (c->flags & F_SACK) == 0)
		newreno_duplicate(t, now_us, c, &a);
	if (a.bytes != 0 || a.delivered != 0 || a.duplicate_report)
		react(t, now_us, c, s, &a);
	/* In a SYN-ACK it grants ECN, and tells of no congestion (RFC 3168, 6.1.1). */
	if ((s->flags & (SYN | ECE)) == ECE && (c->flags & F_ECN) != 0)
		ecn_echo(t, now_us, c, a.bytes);
	if (a.bytes != 0)
		ring_leave(t, c);
	if (a.bytes != 0 && (c->flags & F_WANTS_ROOM) != 0)
		bx_tcp_wake_writer(t, c);
	if (window_changed && c->retransmit_kind == PERSIST && c->retransmit_us != NEVER) {
		c->backoff = 0;
		c->retransmit_us = NEVER;
	}
	/* Something may be sent now. */
	if (c->lost != 0 || seq_lt(c->snd_nxt, c->snd_end + ((c->flags & F_FIN_QUEUED) != 0)))
		bx_tcp_conn_ready(t, c);
}
