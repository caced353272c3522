/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_timer.c -- what happens when a connection's time has come (RFC 9293, 3.8; RFC 6298, 5; RFC 8985, 6.3).
 */
#include "transport.h"

/* RFC 9293, 3.8.3: R2. */
#define RETRIES_SYN	7u	/* MUST-23: at least 3 minutes; 1 + 2 + ... + 32 + 60 + 60 s */
#define RETRIES_DATA	12u	/* at least 100 s (SHOULD); here about 9 minutes */
#define RETRIES_ORPHAN	8u
#define KEEPALIVE_US	((uint64_t)75 * SECOND_US)
#define KEEPALIVE_TRIES	9u
#define ROOM_US		((uint64_t)10 * MS_US)

static uint32_t
retries(const struct conn *c)
{
	if (c->state == BX_TCP_SYN_SENT || c->state == BX_TCP_SYN_RECEIVED)
		return RETRIES_SYN;
	if ((c->flags & F_ORPHAN) != 0)
		return RETRIES_ORPHAN;
	if (c->retries != 0)
		return c->retries != BX_TCP_RETRIES_FOR_EVER ? c->retries : UINT32_MAX;
	return RETRIES_DATA;
}

/* RFC 6298, (5.4) to (5.7); RFC 5681, 3.1; true: the connection is given up. */
static bool
timeout(struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	if (c->backoff >= retries(c)) {
		bx_tcp_conn_end(t, c, BX_ERR_TIMEOUT);
		return true;
	}
	t->stats.tcp_timeouts++;
	if (c->backoff < UINT8_MAX)
		c->backoff++;
	if ((c->flags & F_LOSS) == 0 && c->state >= BX_TCP_ESTABLISHED) {
		/* One that ends a recovery is no error of the clock. */
		bx_tcp_undo_note(c);
		if ((c->flags & F_RECOVERY) != 0)
			c->undo_stage = UNDO_NONE;
		bx_tcp_congestion_loss(c, 0);
	}
	if ((c->flags & F_BBR) != 0)
		bx_tcp_bbr_timeout(t, c);
	bx_tcp_mark_all_lost(t, now_us, c);
	c->cwnd = c->mss;
	c->recover = c->snd_nxt;
	c->duplicates = 0;
	c->flags = (c->flags & ~(F_RECOVERY | F_PROBED | F_PROBE_AGAIN | F_PROBE_NEW)) | F_LOSS | F_CWR;
	bx_tcp_conn_ready(t, c);
	c->retransmit_us = NEVER;
	c->retransmit_kind = TIMEOUT;
	bx_tcp_retransmit_arm(now_us, c);
	return false;
}

/* RFC 9293, 3.8.6.1: the probes go on for as long as they are answered.  An orphan has no user who could give it up (RFC 1122,
 * 4.2.2.17, leaves that to him), so its number of probes is bounded: then a peer that still answers is told by a reset. */
static bool
persist(struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	if (c->backoff >= retries(c) && now_us - c->heard_us > (uint64_t)100 * SECOND_US) {
		bx_tcp_conn_end(t, c, BX_ERR_TIMEOUT);
		return true;
	}
	if (c->backoff >= retries(c) && (c->flags & F_ORPHAN) != 0) {
		c->retransmit_us = NEVER;
		c->flags |= F_RESET;
		bx_tcp_conn_ready(t, c);
		return false;
	}
	if (c->backoff < UINT8_MAX)
		c->backoff++;
	c->flags |= c->snd_wnd == 0 ? F_PROBE_WINDOW : F_FORCE;
	c->retransmit_us = NEVER;	/* armed again by the output, if it still has to be */
	bx_tcp_conn_ready(t, c);
	return false;
}

/* True: the connection is gone. */
static bool
retransmit_due(struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	switch ((enum retransmit_kind)c->retransmit_kind) {
	case TIMEOUT:
		return timeout(t, now_us, c);
	case PROBE:
		bx_tcp_probe_fire(t, now_us, c);
		return false;
	case REORDER:
		c->retransmit_us = NEVER;
		c->retransmit_kind = TIMEOUT;
		if (bx_tcp_rack_detect(t, now_us, c) != 0 && (c->flags & (F_RECOVERY | F_LOSS)) == 0)
			bx_tcp_recovery_enter(t, c);
		if ((c->flags & F_RECOVERY) != 0 && c->cwnd < conn_in_flight(c) + c->mss)
			c->cwnd = conn_in_flight(c) + c->mss;
		if (c->retransmit_us == NEVER)
			bx_tcp_retransmit_arm(now_us, c);
		return false;
	case PERSIST:
		return persist(t, now_us, c);
	}
	return false;
}

/* The slow timer: the end of an orphan's FIN-WAIT-2, room for a writer, keepalive (RFC 9293, 3.8.4).  True: the
 * connection is gone. */
static bool
slow_due(struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	uint64_t idle = (uint64_t)c->keepalive_s * SECOND_US;

	c->slow_us = NEVER;
	if (c->state == BX_TCP_FIN_WAIT_2 && (c->flags & F_ORPHAN) != 0) {
		bx_tcp_conn_end(t, c, BX_OK);
		return true;
	}
	if ((c->flags & F_WANTS_ROOM) != 0)
		bx_tcp_wake_writer(t, c);
	if (idle == 0 || c->state < BX_TCP_ESTABLISHED)
		return false;
	if (now_us - c->heard_us < idle) {
		c->slow_us = c->heard_us + idle;
		return false;
	}
	/* MUST-26: while data is out, its retransmissions ask. */
	if (c->snd_una != c->snd_nxt) {
		c->slow_us = now_us + idle;
		return false;
	}
	if (c->probes >= KEEPALIVE_TRIES) {
		bx_tcp_conn_end(t, c, BX_ERR_TIMEOUT);
		return true;
	}
	c->probes++;
	c->flags |= F_PROBE_WINDOW;
	c->slow_us = now_us + min_u64(KEEPALIVE_US, idle);
	bx_tcp_conn_ready(t, c);
	return false;
}

void
bx_tcp_conn_timer(struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	c->armed = UNARMED;
	if ((c->flags & F_BBR) != 0)
		bx_tcp_pace_timer(t, now_us, c);
	if (now_us >= c->ack_us) {
		c->ack_us = NEVER;
		c->flags |= F_ACK_NOW;
		bx_tcp_conn_ready(t, c);
	}
	if (now_us >= c->retransmit_us && retransmit_due(t, now_us, c))
		return;
	if (now_us >= c->slow_us && slow_due(t, now_us, c))
		return;
	bx_tcp_conn_arm(t, c);
}
