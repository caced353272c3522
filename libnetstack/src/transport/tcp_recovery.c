/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_recovery.c -- which segments are lost: selective acknowledgements (RFC 2018, 2883, 6675), RACK and tail loss
 * probes (RFC 8985); and the one retransmission timer.
 *
 *   nothing out --send--> PROBE (if RACK-TLP) or TIMEOUT --acknowledged--> again, or off
 *   PROBE --fires--> a probe is sent, TIMEOUT        REORDER --fires--> losses marked, TIMEOUT
 *   TIMEOUT --fires--> all is lost, TIMEOUT doubled   PERSIST: nothing out, window shut: probes of the window
 */
#include "transport.h"

#define DSACK_PERSIST		16u	/* RFC 8985, 6.2: recoveries that a wider window lasts */

/* A record is delivered, cumulatively or selectively (RFC 8985, 6.2, steps 1 to 3). */
void
bx_tcp_delivered(struct conn *c, uint32_t now_us, const struct record *x, struct acked *a)
{
	uint32_t rtt = record_age(x, now_us);

	a->delivered += x->end - x->start;
	if ((x->flags & R_AGAIN) != 0) {
		/* Too early for the second sending, or with an echo from before it: it answers the first, and says nothing. */
		if (rtt < c->min_rtt_us || a->echo_age_us > rtt + MS_US)
			return;
	} else {
		if (a->rtt_us == 0)
			a->rtt_us = rtt;
		c->min_rtt_us = min_u32(c->min_rtt_us, rtt);
		if (seq_lt(x->end, c->rack_fack) && c->rack_rtt_us != 0)
			c->flags |= F_REORDERING;
	}
	if (c->rack_rtt_us == 0) {
		c->rack_fack = x->end;
	} else {
		c->rack_fack = seq_max(c->rack_fack, x->end);
		if (seq_lt(x->sent_us, c->rack_us) ||
		    (x->sent_us == c->rack_us && seq_leq(x->end, c->rack_end)))
			return;
	}
	c->rack_us = x->sent_us;
	c->rack_end = x->end;
	c->rack_rtt_us = rtt;
	a->advanced = true;
}

/* RFC 2883, 4: the first block reports a duplicate if it lies below the acknowledgement or inside the second. */
static bool
is_duplicate_report(const struct segment *s)
{
	if (seq_lt(s->sack[0][0], s->ack))
		return true;
	return s->sack_count > 1 && seq_leq(s->sack[1][0], s->sack[0][0]) &&
	    seq_leq(s->sack[0][1], s->sack[1][1]);
}

/* RFC 8985, 6.2, step 4: a retransmission was not needed, so reordering reaches further than assumed; once a
 * round trip. */
static void
duplicate_report(struct conn *c, const struct segment *s, struct acked *a)
{
	a->duplicate_report = true;
	if (seq_lt(s->ack, c->rack_dsack_end))
		return;
	c->rack_dsack_end = c->snd_nxt;
	if (c->rack_mult < UINT8_MAX)
		c->rack_mult++;
	c->rack_persist = DSACK_PERSIST;
}

/* The first record that ends behind seq. */
static uint32_t
record_search(const struct records *r, uint32_t seq)
{
	uint32_t low = 0, high = r->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (seq_leq(record_at(r, middle)->end, seq))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
sack_block(struct bx_transport *t, uint64_t now_us, struct conn *c, uint32_t start, uint32_t end,
    struct acked *a)
{
	struct records r;

	/* A long record that is covered in part is cut, so that only the rest is sent again. */
	bx_tcp_record_split(t, c, start);
	bx_tcp_record_split(t, c, end);
	r = bx_tcp_records(t, c);
	for (uint32_t i = record_search(&r, start); i < r.count; i++) {
		struct record *x = record_at(&r, i);

		if (seq_lt(end, x->end))
			break;
		if ((x->flags & R_SACKED) != 0 || seq_lt(x->start, start))
			continue;
		if ((x->flags & R_LOST) != 0)
			c->lost -= x->end - x->start;
		x->flags = (x->flags & ~R_LOST) | R_SACKED;
		c->sacked += x->end - x->start;
		if ((c->flags & F_BBR) != 0)
			bx_tcp_rate_delivered(t, (uint32_t)now_us, c, x, &a->sample);
		bx_tcp_delivered(c, (uint32_t)now_us, x, a);
	}
}

void
bx_tcp_sack(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct segment *s,
    struct acked *a)
{
	for (uint32_t i = 0; i < s->sack_count; i++) {
		uint32_t start = s->sack[i][0], end = s->sack[i][1];

		if (i == 0 && is_duplicate_report(s)) {
			duplicate_report(c, s, a);
			continue;
		}
		/* RFC 2018, 4, and RFC 6675, 4: only what is out can be reported. */
		if (!seq_lt(start, end) || seq_lt(start, c->snd_una) || seq_lt(c->snd_nxt, end))
			continue;
		sack_block(t, now_us, c, start, end, a);
	}
}

void
bx_tcp_mark_lost(struct conn *c, struct record *x)
{
	BX_ASSERT((x->flags & (R_LOST | R_SACKED)) == 0);
	x->flags |= R_LOST;
	c->lost += x->end - x->start;
}

void
bx_tcp_mark_all_lost(struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	struct records r = bx_tcp_records(t, c);
	/* RFC 2018, 8: a peer whose oldest byte was reported and is still missing has given it up. */
	bool reneged = r.count != 0 && (record_at(&r, 0)->flags & R_SACKED) != 0;

	if ((c->flags & F_SACK) == 0)
		c->sacked = 0;
	for (uint32_t i = 0; i < r.count; i++) {
		struct record *x = record_at(&r, i);

		if (reneged && (x->flags & R_SACKED) != 0) {
			x->flags &= ~R_SACKED;
			c->sacked -= x->end - x->start;
		}
		if ((x->flags & (R_SACKED | R_LOST)) == 0)
			bx_tcp_lose(t, now_us, c, x);
	}
}

/* RFC 8985, 6.2, step 4. */
static uint32_t
reordering_window(const struct conn *c)
{
	uint64_t window;

	if ((c->flags & F_REORDERING) == 0 &&
	    ((c->flags & (F_RECOVERY | F_LOSS)) != 0 || c->sacked >= 3u * c->mss))
		return 0;
	if (c->min_rtt_us == UINT32_MAX)
		return 0;
	window = (uint64_t)c->rack_mult * (c->min_rtt_us / 4);
	return (uint32_t)min_u64(window, c->srtt_us);
}

/* RFC 8985, 6.2, step 5: what was sent before something that has arrived, and has had its time. */
uint32_t
bx_tcp_rack_detect(struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	struct records r = bx_tcp_records(t, c);
	uint32_t reach, wait = 0, lost = 0;

	if (c->rack_rtt_us == 0)
		return 0;
	reach = c->rack_rtt_us + reordering_window(c);
	for (uint32_t i = 0; i < r.count; i++) {
		struct record *x = record_at(&r, i);
		uint32_t age = record_age(x, (uint32_t)now_us);

		if ((x->flags & (R_SACKED | R_LOST)) != 0 || seq_lt(c->rack_us, x->sent_us) ||
		    (x->sent_us == c->rack_us && seq_leq(c->rack_end, x->end)))
			continue;
		if (age >= reach) {
			bx_tcp_lose(t, now_us, c, x);
			lost += x->end - x->start;
		} else {
			wait = max_u32(wait, reach - age);
		}
	}
	if (lost != 0)
		bx_tcp_conn_ready(t, c);
	if (wait != 0) {
		c->retransmit_kind = REORDER;
		c->retransmit_us = now_us + wait;
	} else if (c->retransmit_kind == REORDER) {
		c->retransmit_us = NEVER;
		c->retransmit_kind = TIMEOUT;
	}
	return lost;
}

void
bx_tcp_recovery_enter(struct bx_transport *t, struct conn *c)
{
	t->stats.tcp_recoveries++;
	c->recover = c->snd_nxt;
	c->prr_flight = c->snd_nxt - c->snd_una;
	c->prr_delivered = c->prr_out = 0;
	bx_tcp_undo_note(c);
	bx_tcp_congestion_loss(c, 0);
	c->flags = (c->flags & ~F_PROBE_NEW) | F_RECOVERY | F_CWR;
	bx_tcp_conn_ready(t, c);
}

/* Whether a whole segment of new data may go as far as the peer's window is concerned. */
static bool
new_data_fits(const struct bx_transport *t, struct conn *c)
{
	uint32_t waiting = c->snd_end - c->snd_nxt, out = c->snd_nxt - c->snd_una;

	return seq_lt(c->snd_nxt, c->snd_end) && out < c->snd_wnd && min_u32(waiting, c->mss) <= c->snd_wnd - out &&
	    !bx_tcp_records_full(t, c);
}

/* RFC 8985, 7.3: a segment of new data, or the last one once more, to make the peer say what it has. */
void
bx_tcp_probe_fire(struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	struct records r = bx_tcp_records(t, c);

	c->retransmit_kind = TIMEOUT;
	c->retransmit_us = now_us + c->rto_us;
	if (r.count == 0 || (c->flags & (F_RECOVERY | F_LOSS)) != 0)
		return;
	t->stats.tcp_probes++;
	c->probe_end = c->snd_nxt;
	if (new_data_fits(t, c)) {
		/* Whose end is known when it is sent. */
		c->flags |= F_PROBED | F_PROBE_NEW;
		bx_tcp_conn_ready(t, c);
		return;
	}
	c->flags |= F_PROBED | F_PROBE_AGAIN;
	/* As if lost, for the sending; no congestion yet: probe_check decides. */
	if ((record_at(&r, r.count - 1)->flags & (R_LOST | R_SACKED)) == 0)
		bx_tcp_mark_lost(c, record_at(&r, r.count - 1));
	bx_tcp_conn_ready(t, c);
}

/* RFC 8985, 7.2. */
static bool
may_probe(const struct conn *c)
{
	return (c->flags & (F_SACK | F_RECOVERY | F_LOSS | F_PROBED)) == F_SACK && c->sacked == 0 &&
	    c->lost == 0 && c->srtt_us != 0 && c->state >= BX_TCP_ESTABLISHED;
}

void
bx_tcp_probe_run(struct conn *c, uint64_t now_us, uint64_t wait_us, uint64_t probe_us)
{
	c->retransmit_kind = TIMEOUT;
	if (may_probe(c)) {
		c->retransmit_kind = PROBE;
		wait_us = max_u32((uint32_t)probe_us, 10 * MS_US);
	}
	c->retransmit_us = now_us + wait_us;
}

void
bx_tcp_retransmit_arm(uint64_t now_us, struct conn *c)
{
	if (c->snd_una == c->snd_nxt) {
		c->retransmit_us = NEVER;
		c->retransmit_kind = TIMEOUT;
	} else if (c->retransmit_kind != REORDER || c->retransmit_us == NEVER) {
		bx_tcp_timeout_run(c, now_us);
	}
}
