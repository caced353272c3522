/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_undo.c -- a loss that was none: found by timestamps (RFC 3522), and what was done about it undone (RFC 4015; RFC 9438, 4.9).
 *
 * A retransmission carries a stamp of its own.  When the first acknowledgement of new data after it echoes an earlier one, the
 * original has arrived: the timeout came too early, or the segment was only late.
 */
#include "transport.h"

void
bx_tcp_undo_note(struct conn *c)
{
	c->undo_stage = (c->flags & F_TIMESTAMPS) != 0 ? UNDO_NOTED : UNDO_NONE;
	c->undo.cwnd = c->cwnd;
	c->undo.ssthresh = c->ssthresh;
	c->undo.flight = c->snd_nxt - c->snd_una;
	if ((c->flags & F_BBR) == 0)
		c->cubic_undo = c->cubic;
}

static void
control_restore(const struct bx_transport *t, struct conn *c)
{
	if ((c->flags & F_BBR) != 0)
		bx_tcp_bbr_undo(t, c);
	else
		c->cubic = c->cubic_undo;
}

/* RFC 4015, 3.3 (RESUME): what has not been sent again yet is not lost. */
static void
unmark_lost(struct bx_transport *t, struct conn *c)
{
	struct records r = bx_tcp_records(t, c);

	for (uint32_t i = 0; i < r.count && c->lost != 0; i++) {
		struct record *x = record_at(&r, i);

		if ((x->flags & R_LOST) != 0)
			c->lost -= x->end - x->start;
		x->flags &= ~R_LOST;
	}
}

/* RFC 4015, 3.2: a timeout that came too early. */
static void
undo_timeout(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct segment *s, const struct acked *a)
{
	uint32_t rtt_ms = ms_of(now_us) + c->ts_offset - s->ts_echo;

	unmark_lost(t, c);
	/* (CONG): pipe_prev, and no more at once than a connection begins with; but not less than the timeout had left, which is
	 * a segment: with a window below that nothing could go. */
	c->ssthresh = max_u32(c->undo.flight, c->undo.ssthresh);
	c->cwnd = max_u32(c->cwnd, conn_in_flight(c) + min_u32(a->bytes, bx_tcp_initial_window(c->mss)));
	c->flags &= ~F_LOSS;
	/* (ADAPT): the round trip is measured anew, by the one that took so long. */
	c->srtt_us = 0;
	bx_tcp_rtt_sample(c, min_u32(rtt_ms, 60000) * MS_US);
}

void
bx_tcp_undo_check(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct segment *s,
    const struct acked *a)
{
	c->undo_stage = UNDO_NONE;
	/* RFC 3522, 3.2, (4) and (5); with an echo of congestion the window was to be smaller in any case. */
	if (!s->has_timestamp || !seq_lt(s->ts_echo, c->undo.stamp) || (s->flags & ECE) != 0)
		return;
	if ((c->flags & F_LOSS) != 0) {
		undo_timeout(t, now_us, c, s, a);
	} else if ((c->flags & F_RECOVERY) != 0 && c->lost == 0 && c->sacked == 0) {
		/* RFC 9438, 4.9.2.  More that is missing may be missing indeed. */
		c->ssthresh = c->undo.ssthresh;
		c->cwnd = max_u32(c->cwnd, c->undo.cwnd);
		c->flags &= ~F_RECOVERY;
	} else {
		return;
	}
	control_restore(t, c);
	c->duplicates = 0;
	t->stats.tcp_spurious++;
}
