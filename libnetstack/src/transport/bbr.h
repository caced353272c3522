/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * bbr.h -- the state of a connection whose congestion control is BBR (draft-ietf-ccwg-bbr; sections are cited by name, for
 * their numbers still move).
 *
 * What outlives an idle phase is in the connection, in the place of what CUBIC remembers there.  What only means something
 * while data is out lies in the sending ring's block, behind the records: `struct flight` once, `struct mark` for each record.
 */
#ifndef NETSTACK_BBR_H
#define NETSTACK_BBR_H

#include <stdbool.h>
#include <stdint.h>

/* Rates are in units of 16 bytes a second: a word reaches 68 Gbyte/s.  RATE_US: bytes are rate * microseconds / RATE_US. */
#define RATE_US		62500u
#define RATE_ANY	UINT32_MAX	/* of what bounds a rate: it does not */
#define VOLUME_ANY	UINT32_MAX	/* of what bounds a volume */

/* In the order of a cycle. */
enum bbr_state {
	BBR_STARTUP,
	BBR_DRAIN,
	BBR_DOWN,
	BBR_CRUISE,
	BBR_REFILL,
	BBR_UP,
	BBR_PROBE_RTT,
	BBR_STATES
};

/* What acknowledgements tell of a probe for bandwidth ("ProbeBW State"). */
enum bbr_phase { BBR_ACKS_INIT, BBR_ACKS_REFILLING, BBR_ACKS_STARTING, BBR_ACKS_FEEDBACK, BBR_ACKS_STOPPING };

/* bbr.flags */
#define B_FULL_ONCE	0x0001u		/* BBR.full_bw_reached */
#define B_FULL_NOW	0x0002u		/* BBR.full_bw_now */
#define B_LOSS_ROUND	0x0004u		/* BBR.is_loss_in_round */
#define B_PROBE_SAMPLE	0x0008u		/* BBR.is_bw_probe_sample */
#define B_TOO_HIGH	0x0010u		/* BBR.prev_probe_too_high */
#define B_CAUTIOUS	0x0020u		/* BBR.prev_probe_precautionary */
#define B_RESTART	0x0040u		/* BBR.idle_restart */
#define B_PROBE_TIMED	0x0080u		/* probe_done_ms is set */
#define B_PROBE_ROUND	0x0100u		/* BBR.probe_rtt_round_done */
#define B_APP_LIMITED	0x0200u		/* until flight.limited_end is delivered */
#define B_CWND_USED	0x0400u		/* the window held something back in this round */
#define B_CWND_USED_OLD	0x0800u		/* and in the one before */
#define B_RATE_KNOWN	0x1000u		/* the first pacing rate was made from a round trip */
#define B_HELD		0x2000u		/* pacing held something back, the last time that something was to be sent */
#define B_REFUSED	0x4000u		/* and has done so in this turn */
#define B_MEASURED	0x8000u		/* there is a sample of the round trip */

struct bbr {
	uint32_t pacing_rate;		/* 0: not made yet */
	uint32_t max_bw[2];		/* of this cycle and of the one before */
	uint32_t bw_short, inflight_short, inflight_long;
	uint32_t full_bw;
	uint32_t min_rtt_us, min_rtt_ms;	/* and when it was so */
	uint32_t probe_rtt_us, probe_rtt_ms;	/* BBR.probe_rtt_min_delay, _min_stamp */
	uint32_t probe_done_ms;
	uint32_t cycle_ms;
	uint32_t up_acked, up_step;	/* BBR.bw_probe_up_acked, BBR.probe_up_acked_per_inc */
	uint32_t extra[2];		/* of these five rounds, and of the five before */
	uint32_t prior_cwnd;
	uint16_t wait_ms, flags;
	uint8_t state, phase, undo_state;
	uint8_t up_rounds, full_rounds, since_up, drain_round, extra_rounds;
	uint8_t rounds;			/* modulo 256 */
	uint8_t gaps;			/* lost in this round, each apart from the one before */
	bool peer_full;			/* what held back last was the peer's window: all that it takes was out */
};

/* The rate estimator's side of a connection, pacing, and what lasts for a round or a recovery.  Amounts are bytes modulo 2^32,
 * times the low half of the clock. */
struct flight {
	uint64_t next_send_us;
	uint32_t delivered, delivered_us, first_sent_us, limited_end, lost;
	uint32_t round_end, loss_round_end;
	uint32_t bw_latest, inflight_latest;
	uint32_t extra_start_us, extra_delivered;
	uint32_t undo_bw, undo_inflight_short, undo_inflight_long;
	uint32_t lost_end;		/* where the last piece marked lost ends */
};

/* How the connection stood when a record was sent ("Per-packet (P) state"). */
struct mark {
	uint32_t delivered, delivered_us, first_sent_us, in_flight, lost;
};

/* What an acknowledgement says of the delivery rate ("Rate Sample (rs) Output"). */
struct sample {
	uint32_t acked;			/* now, all together */
	uint32_t rate;			/* 0: it says nothing */
	uint32_t delivered;		/* over the interval */
	uint32_t prior_delivered, prior_us, send_elapsed_us, newest_end;
	uint32_t in_flight, lost;	/* when the newest was sent; since then */
	uint32_t rtt_us;		/* of the newest; 0: not known */
	bool has, limited;
};

/* The share of the pacing rate and of the window, in hundredths ("Summary of Control Behavior in the State Machine"). */
struct bbr_gain {
	uint16_t pacing, cwnd;
};
extern const struct bbr_gain bx_tcp_bbr_gains[BBR_STATES];

/* One acknowledgement on its way through the model and the states. */
struct bx_transport;
struct conn;
struct turn {
	struct bx_transport *t;
	struct conn *c;
	struct bbr *b;
	struct flight *f;
	const struct sample *s;
	uint64_t now_us;
	bool round;			/* BBR.round_start */
	bool loss_round;		/* BBR.loss_round_start */
	bool probe_expired;		/* BBR.probe_rtt_expired */
};

#endif
