/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * transport.h -- inside the transport stage: its state, and what its files give one another.
 *
 * One identifier space: connections are [0, C), half-open ones [C, C + H), TIME-WAIT entries [C + H, C + H + T).
 * Hash chains, and for the first two timers, are kept by identifier.
 */
#ifndef NETSTACK_TRANSPORT_H
#define NETSTACK_TRANSPORT_H

#include <brainix/net_transport.h>

#include "../batch.h"
#include "../mem.h"
#include "../sum.h"
#include "bbr.h"

#define PROTOCOL_TCP	6u
#define PROTOCOL_UDP	17u
#define NONE		UINT32_MAX
#define NEVER		UINT64_MAX
#define MS_US		1000u
#define SECOND_US	1000000u
#define DELAY_US	40000u		/* of acknowledgements; RFC 9293, 3.8.6.3: less than 500 ms */
#define RTO_MIN_US	200000u		/* RFC 6298 (2.4) asks for 1 s; RFC 8961, 3, lets measured paths do better */
#define RTO_MAX_US	60000000u	/* (2.5) */
#define ACK_DELAY_MAX_US	200000u	/* RFC 8985, 7.2: TLP.max_ack_delay */

/* TCP header flags (RFC 9293, 3.1). */
#define FIN		0x01u
#define SYN		0x02u
#define RST		0x04u
#define PSH		0x08u
#define ACK		0x10u
#define URG		0x20u
#define ECE		0x40u
#define CWR		0x80u
#define TCP_HEAD	20u
#define TCP_HEAD_MAX	60u
#define UDP_HEAD	8u

/* ECN field of the traffic class (RFC 3168, 5). */
#define ECN_ECT0	2u
#define ECN_CE		3u

#define TICK_SHIFT	10u	/* a tick of the wheel is 1.024 ms */
#define UNARMED		(NEVER >> TICK_SHIFT)

#define LINE		64u	/* of the cache */
#define HOT_LINES	4u	/* of a connection */
#define FETCH_AHEAD	32u	/* segments of a batch whose connections are fetched together */

#define MSS_DEFAULT	536u	/* RFC 9293, 3.7.1 */
#define MSS_MIN		64u	/* smaller offers are taken as this */
#define SCALE_MAX	14u	/* RFC 7323, 2.3 */
#define RANGES		16u	/* out-of-order ranges of a connection */
#define SACK_BLOCKS	4u

/* Sequence numbers (RFC 9293, 3.4): compared modulo 2^32. */
static inline bool
seq_lt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool
seq_leq(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) <= 0;
}

static inline uint32_t
seq_max(uint32_t a, uint32_t b)
{
	return seq_lt(a, b) ? b : a;
}

/* A received TCP segment, parsed.  Length counts data only. */
struct segment {
	const struct bx_net_batch *batch;
	const struct bx_net_buf *buf;
	const uint8_t *head;
	const uint8_t *data;
	uint32_t length;
	uint32_t head_length;
	uint32_t seq, ack;
	uint32_t window;		/* as in the header, unscaled */
	uint32_t ports;			/* as in struct tuple */
	uint32_t bucket;		/* of the four, where there is no connection of theirs */
	const struct time_wait *reused;	/* a SYN: of the connection before it, just removed; else NULL */
	uint8_t flags;
	bool stored;			/* data is in the ring already */
	/* Options. */
	bool has_timestamp, has_scale, sack_permitted;
	uint8_t scale;
	uint8_t sack_count;
	uint16_t mss;			/* 0: not given */
	uint32_t ts_value, ts_echo;
	uint32_t sack[SACK_BLOCKS][2];
};

/* The four that name a connection.  `ports` is both: what bx_get_be32 says of the ports of a header that has come. */
struct tuple {
	struct bx_net_addr local, remote;
	union {
		struct {
			uint16_t local_port, remote_port;
		};
		uint32_t ports;
	};
};
BX_STATIC_ASSERT(sizeof(struct tuple) == 36, "nothing lies between the four");

static inline uint32_t
ports_of(uint16_t local, uint16_t remote)
{
	return (uint32_t)remote << 16 | local;
}

static inline bool
tuple_equal(const struct tuple *a, const struct tuple *b)
{
	return a->ports == b->ports && bx_net_addr_equal(&a->remote, &b->remote) && bx_net_addr_equal(&a->local, &b->local);
}

/* What connections, half-open and TIME-WAIT ones begin with: their place in the hash.  Of a free one, next is the next
 * free one. */
struct entry {
	struct tuple who;
	uint32_t next, bucket;
};

struct timer {
	uint32_t next, prev;
	uint64_t due;			/* tick; 0: not in the wheel */
	uint32_t slot;			/* level * 64 + position */
};

/*
 * A sent piece of the stream that is not acknowledged yet, as long as it was sent.  In flight: neither
 * R_SACKED nor R_LOST.
 *   sent -> R_SACKED (SACK) | R_LOST (RACK, timeout, three duplicates) -> sent again, R_AGAIN | acknowledged: gone
 */
struct record {
	uint32_t start, end;
	uint32_t sent_us;		/* low half of the clock */
	uint32_t flags;
};
#define R_SACKED	0x1u
#define R_LOST		0x2u
#define R_AGAIN		0x4u		/* sent more than once: no round-trip sample (RFC 6298, 3) */
#define R_SYN		0x8u
#define R_FIN		0x10u
#define R_SENT		0x20u		/* of a SYN: it has been sent before */
#define R_MARKED	0x40u		/* BBR: its mark is of its last sending, and that is not reported yet */
#define R_LIMITED	0x80u		/* BBR: sent when the application had not enough to send */

/* In front of the bytes of a ring that sends: the records, oldest at head.  A small ring is one for what few segments
 * bring; it is given back for a whole one when there is more. */
struct send_ring {
	uint16_t head, count;		/* at most a record for 512 bytes of 1 MiB */
	uint16_t capacity;		/* records */
	uint16_t lines;			/* before the bytes */
	uint32_t bytes;			/* a power of two */
	uint32_t base;			/* the number of its first byte: what is short does not go around the end */
	struct record records[];
};
#define SMALL_RECORDS	3u
#define SMALL_STRIDE	((uint32_t)(sizeof(struct send_ring) + SMALL_RECORDS * sizeof(struct record)) + BX_TCP_SMALL_RING)
#define SMALL_LINES	1u		/* before its bytes */
BX_STATIC_ASSERT(SMALL_STRIDE == SMALL_LINES * LINE + BX_TCP_SMALL_RING, "small rings lie in lines of their own");

struct range {
	uint32_t start, end;
};

/* In front of the bytes of a ring that receives: what came out of order, sorted, apart; recent is the
 * index of the one that changed last (RFC 2018, 4: reported first). */
struct receive_ring {
	uint32_t count, recent;
	struct range ranges[RANGES];
};

/* conn.flags */
#define F_NODELAY	0x00000001u
#define F_SACK		0x00000002u
#define F_TIMESTAMPS	0x00000004u
#define F_SCALE		0x00000008u
#define F_ECN		0x00000010u
#define F_CUBIC		0x00000020u
#define F_ACK_NOW	0x00000040u	/* an acknowledgement is owed at once */
#define F_FIN_QUEUED	0x00000080u	/* the application has ended our stream */
#define F_FIN_RECEIVED	0x00000100u	/* the peer has ended its stream, in order */
#define F_RECOVERY	0x00000200u	/* fast recovery, until `recover` is acknowledged */
#define F_LOSS		0x00000400u	/* after a timeout, until `recover` is acknowledged */
#define F_REORDERING	0x00000800u	/* the path has been seen to reorder (RFC 8985, 6.2) */
#define F_PROBED	0x00001000u	/* a tail loss probe is out (RFC 8985, 7) */
#define F_PROBE_AGAIN	0x00002000u	/* and it was a retransmission */
#define F_WANTS_ROOM	0x00004000u	/* a send found no room, or left none: BX_TCP_WRITABLE is to come */
#define F_ORPHAN	0x00008000u	/* the handle was given back */
#define F_READY		0x00010000u	/* in the list of those with something to send */
#define F_EVENT		0x00020000u	/* in the list of those with something to report */
#define F_HASHED	0x00040000u
#define F_RESET		0x00080000u	/* a reset is to be sent, then it is over */
#define F_FORCE		0x00100000u	/* the override timer has fired: send however little fits */
#define F_PROBE_WINDOW	0x00200000u	/* a window or keepalive probe is to be sent */
#define F_CWND_LIMITED	0x00400000u	/* the congestion window held something back */
#define F_ECE		0x00800000u	/* echo congestion until the peer's CWR (RFC 3168, 6.1.3) */
#define F_CWR		0x01000000u	/* tell that we have reduced (RFC 3168, 6.1.2) */
#define F_QUEUED	0x02000000u	/* waits to be accepted */
#define F_DSACK		0x04000000u	/* report a duplicate (RFC 2883) */
#define F_PROBE_NEW	0x08000000u	/* the probe is one segment of new data, whatever the congestion window says */
#define F_BBR		0x10000000u	/* the control is BBR; neither this nor F_CUBIC: NewReno */

/* The first slow start, round by round (RFC 9406, 4.2).  Round trips: the shortest of a round, 0: none yet. */
struct hystart {
	uint32_t last_us, now_us;	/* of the round before, and of this one */
	uint32_t base_us;		/* at which the window has begun to grow more slowly */
	uint32_t end;			/* acknowledged: the round is over */
	uint8_t samples;		/* of this round */
	uint8_t rounds;			/* of slower growth, this one included; 0: it is not slower */
	bool begun;
};

/* What was so before a loss was answered, in case that it was none (tcp_undo.c). */
struct undo {
	uint32_t cwnd, ssthresh;
	uint32_t flight;		/* then */
	uint32_t stamp;			/* of the first retransmission */
};

/* What CUBIC remembers of its last loss (RFC 9438, 4). */
struct cubic {
	uint64_t epoch_us;		/* 0: none */
	uint32_t max, k_ms, est, prior;
};

/* conn.undo_stage */
enum undo_stage { UNDO_NONE, UNDO_NOTED, UNDO_SENT };

/* What conn.retransmit_us means: one of the four runs at a time. */
enum retransmit_kind { TIMEOUT, PROBE, REORDER, PERSIST };

/*
 * One connection.  Idle: no ring.  Times are microseconds.
 *
 * The first four lines of the cache are all that a usual segment, in or out, and the application's calls for it touch:
 * with many connections what a segment costs is what these cost to fetch (conn_fetch asks for them at once).
 */
struct conn {
	/* Who it is, and what decides which way a segment goes. */
	_Alignas(LINE) struct entry entry;
	uint32_t pseudo;		/* raw sum of the pseudo header without the length */
	uint32_t flags;
	uint32_t generation;
	uint8_t state;			/* enum bx_tcp_state */
	uint8_t send_scale, receive_scale;
	uint8_t retransmit_kind;
	uint16_t mss;			/* payload of our segments, options taken off */
	uint16_t seen_mss;		/* the longest payload of a segment that the peer sent */

	/* Send (RFC 9293, 3.3.1). */
	uint32_t snd_una, snd_nxt;
	uint32_t snd_end;		/* after the last byte that the application gave */
	uint32_t snd_wnd, snd_wl1, snd_wl2;
	uint32_t send_ring;		/* a ring of the pools or NONE */
	uint32_t max_wnd;
	uint32_t sacked, lost;		/* bytes of records so marked */
	/* Receive. */
	uint32_t rcv_nxt, rcv_adv;	/* rcv_adv: right edge last advertised */
	uint32_t rcv_read;		/* the application has taken what is before */
	uint32_t rcv_acked;		/* acknowledgement last sent */
	uint32_t receive_ring;
	uint32_t cwnd;

	uint64_t retransmit_us, ack_us, slow_us;	/* deadlines, or NEVER */
	uint64_t armed;			/* for which tick it lies in the wheel, or UNARMED */
	/* Round trip (RFC 6298) and RACK (RFC 8985). */
	uint32_t srtt_us, rttvar_us, rto_us, min_rtt_us;
	uint32_t rack_us, rack_end, rack_rtt_us, rack_fack;

	uint64_t heard_us;		/* last segment that was accepted */
	uint32_t ready_next, ready_prev;
	uint32_t ssthresh;
	uint32_t duplicates;		/* without SACK: duplicate acknowledgements */
	uint16_t events;
	uint16_t account;		/* that its rings are charged to; 0: none */
	uint8_t backoff;		/* timeouts in a row */
	uint8_t probes;			/* keepalive probes unanswered */
	uint8_t traffic_class, hop_limit;
	uint8_t duplicate_acks;		/* owed: one for each segment out of order */
	uint8_t single_count;		/* records, 0 or 1, where there is no ring */
	uint8_t undo_stage;		/* enum undo_stage */
	uint8_t rack_mult, rack_persist;
	uint32_t ts_recent, ts_offset;
	uint32_t again_us;		/* stamp of the last retransmission */

	/* What comes now is for what is not usual. */
	uint64_t ts_recent_us;
	uint32_t iss;

	/* Congestion. */
	uint32_t recover;
	uint32_t prr_delivered, prr_out, prr_flight;
	uint32_t ecn_high;		/* one reduction in a window (RFC 3168, 6.1.2) */
	/* Of its control. */
	union {
		struct {
			struct cubic cubic, cubic_undo;	/* now; before a loss that may be none */
			uint32_t cubic_acked;		/* NewReno's, too */
			struct hystart hystart;
		};
		struct bbr bbr;
	};

	uint32_t rack_dsack_end;
	uint32_t probe_end;
	uint16_t keepalive_s;
	int16_t error;			/* enum bx_err */
	uint32_t challenge_ms;		/* last challenge acknowledgement */
	uint32_t dsack_start, dsack_end;
	uint8_t retries;		/* R2 (RFC 9293, 3.8.3) that the application has set; 0: none */

	/* Lists. */
	uint32_t event_next, event_prev, accept_next;
	uint32_t listener;		/* while it waits to be accepted */
	struct record single;		/* the record of SYN, FIN, when there is no ring */
	struct undo undo;
};
BX_STATIC_ASSERT(sizeof(struct conn) + sizeof(struct timer) + 8 <= 512,
    "an idle connection, with its timer and its share of the hash");
BX_STATIC_ASSERT(offsetof(struct conn, ts_recent_us) <= HOT_LINES * LINE, "what a usual segment needs of it");

/* SYN-RECEIVED after a listener took a SYN (RFC 9293, 3.10.7.2). */
struct half {
	struct entry entry;
	uint32_t ready_next;
	uint32_t listener;		/* index; NONE: free */
	uint32_t iss, irs;
	uint32_t ts_recent, ts_offset;
	uint32_t sent_us;
	uint16_t mss, mtu;
	uint16_t window;
	uint8_t scale;
	uint8_t flags;			/* H_* */
	uint8_t tries;
	bool ready;
	/* With H_REUSED: the TIME-WAIT that it has ended, in case that its SYN was an old duplicate. */
	uint32_t old_snd_nxt, old_rcv_nxt, old_ts_recent;
};
#define H_SACK		0x1u
#define H_TIMESTAMPS	0x2u
#define H_SCALE		0x4u
#define H_ECN		0x8u
#define H_REUSED	0x10u
#define H_OLD_STAMPS	0x20u		/* and it had timestamps */
BX_STATIC_ASSERT(sizeof(struct half) + sizeof(struct timer) + 8 <= 128, "a half-open connection");

/* TIME-WAIT (RFC 9293, 3.6.1).  In order of expiry. */
struct time_wait {
	struct entry entry;
	uint32_t snd_nxt, rcv_nxt;
	uint32_t ts_recent;
	uint32_t expire_ms;		/* low half */
	uint8_t live;			/* 0: a hole */
	uint8_t timestamps;
};
BX_STATIC_ASSERT(sizeof(struct time_wait) <= 64, "a connection in TIME-WAIT");

struct listener {
	struct bx_net_addr address;
	uint16_t port, backlog;
	uint16_t waiting;		/* half-open and not accepted */
	uint16_t account;		/* of the connections that it takes */
	bool used;
	uint32_t generation;
	uint32_t next;			/* of the same port hash, or of the free ones */
	uint32_t first, last;		/* accept queue */
	uint32_t event_next;
	bool event;
};

struct udp_end {
	struct bx_net_addr address;
	uint16_t port;
	uint16_t account;
	bool used;
	bool event;			/* in the list of those with something to report */
	uint8_t traffic_class, hop_limit;	/* of what is sent */
	int16_t error;			/* enum bx_err, of the network, not taken yet */
	uint32_t event_next;
	uint32_t generation;
	uint32_t next;
	uint32_t ring;			/* NONE: nothing waits */
	uint32_t head, tail;		/* of the ring, in bytes, growing */
};

/* A user of the stage whose rings are counted, in rings, and whose connections that have no handle any more. */
struct account {
	uint32_t limit, used;
	uint32_t orphans;
};

#define BUCKET_KEYS	9u	/* of the hash that gives a connection its place */
#define PORT_HEADS	64u
#define LISTENER_BASE	(1u << 24)	/* handles: where the numbers of each kind begin */
#define UDP_BASE	(1u << 25)
#define WHEEL_LEVELS	4u
#define WHEEL_SLOTS	64u

struct bx_transport {
	struct bx_transport_config config;
	struct bx_transport_stats stats;
	struct conn *conns;
	struct half *halves;
	struct time_wait *time_waits;
	struct listener *listeners;
	struct udp_end *udp_ends;
	struct timer *timers;		/* connections, then half-open ones */
	uint32_t *buckets;
	uint8_t *rings;			/* the whole ones, then the small ones; named by how many lines they lie from here */
	struct account *accounts;	/* 1..config.accounts */
	uint16_t *ring_accounts;	/* whom a ring is charged to; NULL: there are no accounts */
	uint32_t bucket_mask;
	uint32_t ring_lines;		/* of a whole one, head and bytes */
	uint32_t small_first;		/* the first of the small ones */
	uint32_t receive_head;		/* bytes before the data of what receives */
	uint32_t record_count;		/* of a whole ring that sends */
	uint16_t send_lines;		/* before the bytes of one that sends */
	uint32_t flight_at, mark_at;	/* where in its head BBR's part begins, and the marks in it; 0: there is none */
	uint64_t key[2];
	uint64_t bucket_key[BUCKET_KEYS];

	uint32_t conn_free, half_free, ring_free, small_free, listener_free, udp_free;
	uint32_t conn_used, half_used, tw_used, ring_used, small_used, listener_used, udp_used, timer_used;
	uint32_t tw_head, tw_count;	/* the queue, holes included */
	uint32_t ready_first, ready_last;	/* connections with something to send */
	uint32_t half_first, half_last;		/* half-open ones to be answered again */
	uint32_t event_first, event_last;	/* connections with something to report */
	uint32_t listener_event;	/* listeners with something to report */
	uint32_t udp_event;		/* and ends of UDP */
	uint32_t last;			/* the connection that the last segment was for */
	uint32_t port_counter, port_start;
	struct tuple port_for;		/* to whom port_start leads: the last that a port was picked for */
	uint32_t cookie_ms;		/* when cookies were last sent: others are not believed */
	bool cookies;
	uint32_t listener_heads[PORT_HEADS], udp_heads[PORT_HEADS];

	uint64_t tick;			/* the wheel's now */
	uint64_t wheel_map[WHEEL_LEVELS];
	uint32_t wheel[WHEEL_LEVELS * WHEEL_SLOTS];
};

static inline uint32_t
ms_of(uint64_t now_us)
{
	return (uint32_t)(now_us / MS_US);
}

/* ---- hash.c ---- */
uint64_t bx_udp_handle(const struct bx_transport *t, const struct udp_end *e);
uint64_t bx_tcp_siphash(const uint64_t key[2], const struct tuple *tuple, uint64_t extra);
uint32_t bx_tcp_isn(const struct bx_transport *t, uint64_t now_us, const struct tuple *tuple);

/* ---- demux.c ---- */
void bx_tcp_bucket_keys(struct bx_transport *t);
/* A batch is about to be received: what its segments will be looked up by, and found with, is fetched for all at once. */
void bx_tcp_fetch(const struct bx_transport *t, const struct bx_net_batch *segments, uint32_t first, uint32_t end);
/* Who has the four; NONE: nobody.  *bucket is where they belong, unless it is the connection found last. */
uint32_t bx_tcp_find(struct bx_transport *t, const struct tuple *tuple, uint32_t *bucket);
/* Its entry says who it is. */
void bx_tcp_hash_add(struct bx_transport *t, uint32_t id, uint32_t bucket);
void bx_tcp_hash_remove(struct bx_transport *t, uint32_t id);
/* The same four are of another kind from now on. */
void bx_tcp_hash_replace(struct bx_transport *t, uint32_t id, uint32_t by);
struct listener *bx_tcp_listener_find(struct bx_transport *t, const struct bx_net_addr *local,
    uint16_t port);

/* ---- timer.c ---- */
void bx_tcp_timer_set(struct bx_transport *t, uint32_t id, uint64_t due_us);
void bx_tcp_timer_clear(struct bx_transport *t, uint32_t id);
/* The next identifier whose time has come, NONE if there is none up to now. */
uint32_t bx_tcp_timer_expired(struct bx_transport *t, uint64_t now_us);
uint64_t bx_tcp_timer_next(const struct bx_transport *t);

/* ---- ring.c ---- */
/* Around the end: `first` bytes lie before it, from `at` on. */
void bx_tcp_ring_write_round(uint8_t *ring, uint32_t at, uint32_t first, const uint8_t *bytes, uint32_t length);
void bx_tcp_ring_read_round(const uint8_t *ring, uint32_t at, uint32_t first, uint8_t *bytes, uint32_t length);
uint64_t bx_tcp_ring_write_sum_round(uint8_t *ring, uint32_t at, uint32_t first, const uint8_t *bytes,
    uint32_t length, uint64_t sum);
uint64_t bx_tcp_ring_read_sum_round(const uint8_t *ring, uint32_t at, uint32_t first, uint8_t *bytes,
    uint32_t length, uint64_t sum);

/* ---- account.c ---- */
void bx_tcp_account_charge(struct bx_transport *t, uint32_t ring, uint16_t account);
void bx_tcp_account_release(struct bx_transport *t, uint32_t ring);
#define ACCOUNT_NOBODY	UINT16_MAX	/* above any */
bool bx_udp_port_is_free(const struct bx_transport *t, const struct bx_net_addr *address, uint16_t port, uint16_t account);

static inline uint8_t *
ring_at(const struct bx_transport *t, uint32_t ring)
{
	return t->rings + (size_t)ring * LINE;
}

/* A free ring holds the name of the next free one. */
static inline uint32_t
bx_tcp_ring_take(struct bx_transport *t, uint16_t account)
{
	uint32_t ring = t->ring_free;

	if (BX_UNLIKELY(ring == NONE || (account != 0 && t->accounts[account].used >= t->accounts[account].limit))) {
		t->stats.tcp_no_ring++;
		return NONE;
	}
	__builtin_memcpy(&t->ring_free, ring_at(t, ring), sizeof t->ring_free);
	t->ring_used++;
	if (BX_UNLIKELY(account != 0))
		bx_tcp_account_charge(t, ring, account);
	return ring;
}

/* A whole one, as all that receive are. */
static inline void
bx_tcp_whole_give(struct bx_transport *t, uint32_t ring)
{
	__builtin_memcpy(ring_at(t, ring), &t->ring_free, sizeof t->ring_free);
	t->ring_free = ring;
	t->ring_used--;
	if (BX_UNLIKELY(t->ring_accounts != NULL))
		bx_tcp_account_release(t, ring);
}

static inline void
bx_tcp_ring_give(struct bx_transport *t, uint32_t ring)
{
	if (ring >= t->small_first) {
		__builtin_memcpy(ring_at(t, ring), &t->small_free, sizeof t->small_free);
		t->small_free = ring;
		t->small_used--;
		return;
	}
	bx_tcp_whole_give(t, ring);
}

static inline struct send_ring *
send_ring_of(const struct bx_transport *t, uint32_t ring)
{
	return (struct send_ring *)(void *)ring_at(t, ring);
}

static inline uint8_t *
send_bytes_of(struct send_ring *ring)
{
	return (uint8_t *)ring + ring->lines * LINE;
}

static inline struct receive_ring *
receive_ring_of(const struct bx_transport *t, uint32_t ring)
{
	return (struct receive_ring *)(void *)ring_at(t, ring);
}

/* Of a connection with a sending ring whose control is BBR. */
static inline struct flight *
flight_of(const struct bx_transport *t, const struct conn *c)
{
	return (struct flight *)(void *)(ring_at(t, c->send_ring) + t->flight_at);
}

static inline struct mark *
mark_of(const struct bx_transport *t, const struct conn *c, const struct record *x)
{
	uint8_t *ring = ring_at(t, c->send_ring);

	return (struct mark *)(void *)(ring + t->mark_at) + (x - ((struct send_ring *)(void *)ring)->records);
}

static inline uint8_t *
receive_bytes_of(const struct bx_transport *t, uint32_t ring)
{
	return ring_at(t, ring) + t->receive_head;
}

/* Copies between the caller and a ring of `size` bytes; offset is a sequence number or a counter.  *_sum add to a raw
 * sum. */
static inline void
bx_tcp_ring_write(uint32_t size, uint8_t *ring, uint32_t offset, const uint8_t *bytes,
    uint32_t length)
{
	uint32_t at = offset & (size - 1), first = size - at;

	if (BX_LIKELY(length <= first))
		memcpy(ring + at, bytes, length);
	else
		bx_tcp_ring_write_round(ring, at, first, bytes, length);
}

static inline void
bx_tcp_ring_read(uint32_t size, const uint8_t *ring, uint32_t offset, uint8_t *bytes,
    uint32_t length)
{
	uint32_t at = offset & (size - 1), first = size - at;

	if (BX_LIKELY(length <= first))
		copy_short(bytes, ring + at, length);
	else
		bx_tcp_ring_read_round(ring, at, first, bytes, length);
}

static inline uint64_t
bx_tcp_ring_write_sum(uint32_t size, uint8_t *ring, uint32_t offset, const uint8_t *bytes,
    uint32_t length, uint64_t sum)
{
	uint32_t at = offset & (size - 1), first = size - at;

	if (BX_LIKELY(length <= first))
		return sum_copy(ring + at, bytes, length, sum);
	return bx_tcp_ring_write_sum_round(ring, at, first, bytes, length, sum);
}

static inline uint64_t
bx_tcp_ring_read_sum(uint32_t size, const uint8_t *ring, uint32_t offset, uint8_t *bytes,
    uint32_t length, uint64_t sum)
{
	uint32_t at = offset & (size - 1), first = size - at;

	if (BX_LIKELY(length <= first))
		return sum_copy(bytes, ring + at, length, sum);
	return bx_tcp_ring_read_sum_round(ring, at, first, bytes, length, sum);
}

/* ---- conn.c ---- */
static inline uint32_t
conn_id(const struct bx_transport *t, const struct conn *c)
{
	return (uint32_t)(c - t->conns);
}

/* Its lines are asked for together: one after the other, each would wait for the one before.  The first is here. */
static inline void
conn_fetch_rest(const struct conn *c)
{
	for (uint32_t i = 1; i < HOT_LINES; i++)
		__builtin_prefetch((const uint8_t *)c + i * LINE, 1);
}

static inline void
conn_fetch(const struct conn *c)
{
	__builtin_prefetch(c, 1);
	conn_fetch_rest(c);
}

/* A connection that is not in the hash yet, but marked as if it were; NULL: there is no place. */
struct conn *bx_tcp_conn_make(struct bx_transport *t, uint64_t now_us, const struct tuple *tuple,
    uint16_t mtu);
/* Gives the connection's memory back; its handle is void. */
void bx_tcp_conn_free(struct bx_transport *t, struct conn *c);
/* It is over: out of the hash, timers off, rings that nobody reads given back, the application told. */
void bx_tcp_conn_end(struct bx_transport *t, struct conn *c, enum bx_err error);
/* Over in order: the last state is kept in a TIME-WAIT entry. */
void bx_tcp_conn_time_wait(struct bx_transport *t, uint64_t now_us, struct conn *c);
/* Into the list of those with something to send. */
static inline void
bx_tcp_conn_ready_as(struct bx_transport *t, struct conn *c, uint32_t id)
{
	if ((c->flags & F_READY) != 0)
		return;
	c->flags |= F_READY;
	c->ready_next = NONE;
	c->ready_prev = t->ready_last;
	if (t->ready_first == NONE)
		t->ready_first = id;
	else
		t->conns[t->ready_last].ready_next = id;
	t->ready_last = id;
}

static inline void
bx_tcp_conn_ready(struct bx_transport *t, struct conn *c)
{
	bx_tcp_conn_ready_as(t, c, conn_id(t, c));
}

/* The first of the list, which there is, out of it. */
static inline struct conn *
bx_tcp_conn_unready_first(struct bx_transport *t)
{
	struct conn *c = &t->conns[t->ready_first];

	t->ready_first = c->ready_next;
	if (t->ready_first == NONE)
		t->ready_last = NONE;
	else
		t->conns[t->ready_first].ready_prev = NONE;
	c->flags &= ~F_READY;
	return c;
}

/* The same where it is the only one. */
static inline struct conn *
bx_tcp_conn_unready_only(struct bx_transport *t)
{
	struct conn *c = &t->conns[t->ready_first];

	t->ready_first = t->ready_last = NONE;
	c->flags &= ~F_READY;
	return c;
}

/* And out of it. */
static inline void
bx_tcp_conn_unready(struct bx_transport *t, struct conn *c)
{
	if (c->ready_prev != NONE)
		t->conns[c->ready_prev].ready_next = c->ready_next;
	else
		t->ready_first = c->ready_next;
	if (c->ready_next != NONE)
		t->conns[c->ready_next].ready_prev = c->ready_prev;
	else
		t->ready_last = c->ready_prev;
	c->flags &= ~F_READY;
}

void bx_tcp_conn_uneventful(struct bx_transport *t, struct conn *c);
static inline void
bx_tcp_conn_event(struct bx_transport *t, struct conn *c, uint32_t events)
{
	uint32_t id = conn_id(t, c);

	c->events |= (uint16_t)events;
	if ((c->flags & (F_EVENT | F_ORPHAN | F_QUEUED)) != 0)
		return;
	c->flags |= F_EVENT;
	c->event_next = NONE;
	c->event_prev = t->event_last;
	if (t->event_first == NONE)
		t->event_first = id;
	else
		t->conns[t->event_last].event_next = id;
	t->event_last = id;
}

/* The connection of a handle, or NULL. */
struct listener *bx_tcp_listener_get(const struct bx_transport *t, uint64_t handle);
struct udp_end *bx_udp_end_get(const struct bx_transport *t, uint64_t handle);

static inline struct conn *
bx_tcp_conn_get(const struct bx_transport *t, uint64_t handle)
{
	uint32_t id = (uint32_t)handle - 1u;
	struct conn *c;

	if (id >= t->config.connections)
		return NULL;
	c = &t->conns[id];
	/* An odd generation is a connection in use. */
	if (c->generation != (uint32_t)(handle >> 32) || (c->generation & 1) == 0 ||
	    (c->flags & (F_ORPHAN | F_QUEUED)) != 0)
		return NULL;
	return c;
}

/* The handle is gone: events for it are not wanted any more, and it counts among the orphans of its account until it is freed. */
static inline void
bx_tcp_conn_orphan(struct bx_transport *t, struct conn *c)
{
	c->flags |= F_ORPHAN;
	c->events = 0;
	t->accounts[c->account].orphans++;
}

uint64_t bx_tcp_conn_handle(const struct bx_transport *t, const struct conn *c);
/* tcp_api.c: an orphan is reset, or freed where there is nothing to reset. */
void bx_tcp_conn_reset(struct bx_transport *t, struct conn *c);
void bx_tcp_listener_event(struct bx_transport *t, struct listener *l);
/* The connection's node in the wheel lies too late. */
void bx_tcp_conn_earlier(struct bx_transport *t, struct conn *c, uint64_t due_us);
/* The connection's node in the wheel follows a deadline that has been set; lazily: one that lies earlier stays. */
static inline void
bx_tcp_conn_due(struct bx_transport *t, struct conn *c, uint64_t due_us)
{
	if (BX_UNLIKELY(due_us >> TICK_SHIFT < c->armed))
		bx_tcp_conn_earlier(t, c, due_us);
}

/* The same where several may have been set. */
static inline void
bx_tcp_conn_arm(struct bx_transport *t, struct conn *c)
{
	bx_tcp_conn_due(t, c, min_u64(c->retransmit_us, min_u64(c->ack_us, c->slow_us)));
}
/* The payload of a full segment for an MTU (RFC 9293, 3.7.1; RFC 6691). */
uint16_t bx_tcp_mss_of_mtu(const struct bx_net_addr *local, uint32_t mtu);
/* What holds between any two calls; for BX_VERIFY builds. */
bool bx_tcp_conn_sound(const struct bx_transport *t, const struct conn *c);

static inline uint32_t
conn_in_flight(const struct conn *c)
{
	return c->snd_nxt - c->snd_una - c->sacked - c->lost;
}

/* Whether our FIN has been sent: it follows the last byte. */
static inline bool
conn_fin_sent(const struct conn *c)
{
	return (c->flags & F_FIN_QUEUED) != 0 && c->snd_nxt == c->snd_end + 1;
}

/* ---- records.c ---- */
struct records {
	struct record *at;
	uint32_t head, count, capacity;
};
static inline struct records
bx_tcp_records(const struct bx_transport *t, struct conn *c)
{
	struct send_ring *ring;

	if (c->send_ring == NONE)
		return (struct records){ &c->single, 0, c->single_count, 1 };
	ring = send_ring_of(t, c->send_ring);
	return (struct records){ ring->records, ring->head, ring->count, ring->capacity };
}

static inline struct record *
record_at(const struct records *r, uint32_t i)
{
	uint32_t at = r->head + i;

	return &r->at[at < r->capacity ? at : at - r->capacity];
}

/* The time since a record was sent; at least 1, also where its stamp is ahead of the clock (stamp_again). */
static inline uint32_t
record_age(const struct record *x, uint32_t now_us)
{
	return seq_lt(x->sent_us, now_us) ? now_us - x->sent_us : 1;
}

static inline void
bx_tcp_records_put(const struct bx_transport *t, struct conn *c, const struct records *r)
{
	struct send_ring *ring;

	if (c->send_ring == NONE) {
		c->single_count = (uint8_t)r->count;
		return;
	}
	ring = send_ring_of(t, c->send_ring);
	ring->head = (uint16_t)r->head;
	ring->count = (uint16_t)r->count;
}

/* There is room: see bx_tcp_records_full. */
void bx_tcp_record_add(const struct bx_transport *t, struct conn *c, struct record record);
void bx_tcp_record_pop(const struct bx_transport *t, struct conn *c);
static inline bool
bx_tcp_records_full(const struct bx_transport *t, struct conn *c)
{
	struct records r = bx_tcp_records(t, c);

	return r.count == r.capacity;
}

/* The newest; there is one. */
static inline struct record *
bx_tcp_record_last(const struct bx_transport *t, struct conn *c)
{
	struct records r = bx_tcp_records(t, c);

	return record_at(&r, r.count - 1);
}

/* Cuts the record around seq in two, if there is room. */
void bx_tcp_record_split(const struct bx_transport *t, struct conn *c, uint32_t seq);
/* Whether there is a small ring for one to begin with.  It has no place for what BBR knows of what is out. */
static inline bool
bx_tcp_small_is_there(const struct bx_transport *t)
{
	return t->small_free != NONE && t->mark_at == 0;
}

/* The connection, which has none and no record, begins with it. */
static inline struct send_ring *
bx_tcp_small_begin(struct bx_transport *t, struct conn *c)
{
	uint32_t index = t->small_free;
	struct send_ring *ring = send_ring_of(t, index);

	__builtin_memcpy(&t->small_free, ring, sizeof t->small_free);
	t->small_used++;
	ring->head = ring->count = 0;
	ring->capacity = SMALL_RECORDS;
	ring->lines = SMALL_LINES;
	ring->bytes = BX_TCP_SMALL_RING;
	ring->base = c->snd_end;
	c->send_ring = index;
	return ring;
}

/* Gives the connection a sending ring for so many bytes more, or what room there is; false: the pool is empty. */
bool bx_tcp_send_ring_attach(struct bx_transport *t, struct conn *c, size_t length);

/* ---- tcp_parse.c ---- */
bool bx_tcp_parse(struct bx_transport *t, const struct bx_net_batch *batch, const struct bx_net_buf *buf,
    struct segment *s);
/* At most so many words, as numbers; returns how many. */
#define OPTIONS_SYN	5u
uint32_t bx_tcp_options_syn(uint32_t words[OPTIONS_SYN], uint16_t mss, uint32_t flags, uint8_t scale, uint32_t ts,
    uint32_t echo);

/* ---- tcp_in.c ---- */
/* Whom a segment is for, as bx_tcp_find says it. */
struct place {
	uint32_t id, bucket;
};
void bx_tcp_segment(struct bx_transport *t, uint64_t now_us, const struct bx_net_batch *batch,
    const struct bx_net_buf *buf, struct place place, struct bx_net_batch *replies);
/* Whether it is about a segment that is in flight. */
bool bx_tcp_error(struct bx_transport *t, uint64_t now_us, const struct bx_net_batch *batch,
    const struct bx_net_buf *buf);
/* What an acknowledgement that was taken means for our FIN, and one of the peer that is next; true: the connection is
 * over. */
bool bx_tcp_fins(struct bx_transport *t, uint64_t now_us, struct conn *c, bool fin, struct bx_net_batch *replies);
/* An established connection takes a segment (also the one that established it). */
void bx_tcp_conn_segment(struct bx_transport *t, uint64_t now_us, struct conn *c, struct segment *s);
/* Options of the peer's SYN. */
void bx_tcp_conn_options(struct bx_transport *t, uint64_t now_us, struct conn *c, uint32_t flags,
    uint16_t peer_mss, uint8_t scale, uint32_t ts_value);
/* After them: a SYN or SYN-ACK of ours was lost (RFC 5681, 3.1). */
void bx_tcp_conn_syn_lost(struct conn *c);

/* ---- tcp_usual.c ---- */
/* A segment of TCP: the usual one of a connection is taken, any other goes to bx_tcp_segment. */
void bx_tcp_usual(struct bx_transport *t, uint64_t now_us, const struct bx_net_batch *batch,
    const struct bx_net_buf *buf, struct bx_net_batch *replies);

/* ---- tcp_data.c ---- */
/* Received data is to be acknowledged: every second full segment at once, the rest within the delay (RFC 5681, 4.2). */
static inline void
bx_tcp_acknowledge(struct bx_transport *t, uint64_t now_us, struct conn *c)
{
	if (c->rcv_nxt - c->rcv_acked >= 2u * c->seen_mss || (c->flags & F_ACK_NOW) != 0) {
		c->flags |= F_ACK_NOW;
		bx_tcp_conn_ready(t, c);
	} else if (c->ack_us == NEVER) {
		c->ack_us = now_us + DELAY_US;
	}
}
/* So much payload came at once: the peer's segments are as long, or what a device says that it has coalesced. */
void bx_tcp_seen(struct conn *c, const struct bx_net_buf *buf, uint32_t length);
void bx_tcp_data(struct bx_transport *t, uint64_t now_us, struct conn *c, struct segment *s);
/* The receiving ring of the connection, which is given one if it has none; NULL: the pool is empty. */
static inline struct receive_ring *
bx_tcp_receive_attach(struct bx_transport *t, struct conn *c)
{
	struct receive_ring *ring;
	uint32_t index = c->receive_ring;

	if (index != NONE)
		return receive_ring_of(t, index);
	index = bx_tcp_ring_take(t, c->account);
	if (index == NONE)
		return NULL;
	c->receive_ring = index;
	ring = receive_ring_of(t, index);
	ring->count = ring->recent = 0;
	return ring;
}

/* The window that may be advertised now, right edge never moving left. */
static inline uint32_t
bx_tcp_window(const struct bx_transport *t, const struct conn *c)
{
	uint32_t unread = c->rcv_nxt - c->rcv_read, now = c->rcv_adv - c->rcv_nxt, room;

	if ((c->flags & F_FIN_RECEIVED) != 0)
		return now;
	room = t->config.ring_bytes - unread;
	/* RFC 9293, 3.8.6.2.2: the right edge moves by a useful step or not at all. */
	if (room - now < min_u32(t->config.ring_bytes / 2, c->mss))
		return now;
	/* What the field cannot say is not promised. */
	room = room >> c->receive_scale << c->receive_scale;
	return max_u32(min_u32(room, (uint32_t)0xffff << c->receive_scale), now);
}

/* ---- tcp_ack.c ---- */
/* There is room for the writer that asked for it, if it is worth waking. */
void bx_tcp_wake_writer(struct bx_transport *t, struct conn *c);
void bx_tcp_ack(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct segment *s);
/* RFC 6298, 2: a round trip; a further one, of at least 1; and what both make of the timeout. */
void bx_tcp_rtt_sample(struct conn *c, uint32_t rtt_us);
static inline uint32_t
bx_tcp_rto(const struct conn *c)
{
	/* On a short path the rest makes no difference. */
	if (BX_LIKELY(c->srtt_us + 4 * c->rttvar_us <= RTO_MIN_US - MS_US))
		return RTO_MIN_US;
	return min_u32(max_u32(c->srtt_us + max_u32(4 * c->rttvar_us, MS_US), RTO_MIN_US), RTO_MAX_US);
}

static inline void
bx_tcp_rtt_smooth(struct conn *c, uint32_t rtt_us)
{
	uint32_t difference = c->srtt_us > rtt_us ? c->srtt_us - rtt_us : rtt_us - c->srtt_us;

	c->rttvar_us = c->rttvar_us - c->rttvar_us / 4 + difference / 4;
	/* At least 1, as it was. */
	c->srtt_us = c->srtt_us - c->srtt_us / 8 + rtt_us / 8;
	c->rto_us = bx_tcp_rto(c);
}

/* ---- tcp_recovery.c ---- */
/* What an acknowledgement has brought. */
struct acked {
	uint32_t bytes;			/* cumulatively */
	uint32_t delivered;		/* cumulatively and selectively, new */
	uint32_t rtt_us;		/* of the latest sent, 0: none */
	uint64_t echo_age_us;		/* since the stamp that it echoes, to a millisecond; 0: none */
	bool advanced;			/* RACK has a later delivery */
	bool duplicate_report;		/* a DSACK */
	bool probe_seen_twice;
	struct sample sample;		/* of BBR */
};
void bx_tcp_delivered(struct conn *c, uint32_t now_us, const struct record *r, struct acked *a);
void bx_tcp_sack(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct segment *s,
    struct acked *a);
/* Marks what RACK takes for lost; returns the bytes, and arms the reordering timer. */
uint32_t bx_tcp_rack_detect(struct bx_transport *t, uint64_t now_us, struct conn *c);
void bx_tcp_mark_lost(struct conn *c, struct record *r);
/* The same, and it is a loss that the control is to know. */
static inline void
bx_tcp_lose(struct bx_transport *t, uint64_t now_us, struct conn *c, struct record *x);
void bx_tcp_mark_all_lost(struct bx_transport *t, uint64_t now_us, struct conn *c);
void bx_tcp_recovery_enter(struct bx_transport *t, struct conn *c);
void bx_tcp_probe_fire(struct bx_transport *t, uint64_t now_us, struct conn *c);
/* After anything that was sent or acknowledged: the timer for what is out now. */
void bx_tcp_retransmit_arm(uint64_t now_us, struct conn *c);
/* A probe would come before the timeout (RFC 8985, 7.2): that one, if there may be one, or the timeout. */
void bx_tcp_probe_run(struct conn *c, uint64_t now_us, uint64_t wait_us, uint64_t probe_us);
/* Something is out, and the timer does not wait for what is reordered. */
static inline void
bx_tcp_timeout_run(struct conn *c, uint64_t now_us)
{
	uint64_t wait_us = c->rto_us, probe_us = 2 * (uint64_t)c->srtt_us;

	if (BX_UNLIKELY(c->backoff != 0))
		wait_us = min_u64(wait_us << min_u32(c->backoff, 16), RTO_MAX_US);
	if (c->snd_nxt - c->snd_una <= c->mss)
		probe_us += ACK_DELAY_MAX_US;
	if (probe_us < wait_us) {
		bx_tcp_probe_run(c, now_us, wait_us, probe_us);
		return;
	}
	c->retransmit_kind = TIMEOUT;
	c->retransmit_us = now_us + wait_us;
}

/* ---- tcp_undo.c ---- */
/* A loss is about to be answered. */
void bx_tcp_undo_note(struct conn *c);
/* The first retransmission for it goes out. */
static inline void
bx_tcp_undo_sent(struct conn *c, uint64_t now_us)
{
	if (BX_LIKELY(c->undo_stage != UNDO_NOTED))
		return;
	c->undo_stage = UNDO_SENT;
	c->undo.stamp = ms_of(now_us) + c->ts_offset;
}
/* The first acknowledgement of something new after that. */
void bx_tcp_undo_check(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct segment *s,
    const struct acked *a);

/* ---- tcp_rate.c: of a connection whose control is BBR ---- */
/* It has been given a sending ring. */
void bx_tcp_flight_begin(const struct bx_transport *t, struct conn *c);
/* A record is in flight, newly or again; it is delivered; its front is. */
void bx_tcp_rate_sent(const struct bx_transport *t, struct conn *c, struct record *x);
void bx_tcp_rate_delivered(const struct bx_transport *t, uint32_t now_us, struct conn *c, struct record *x,
    struct sample *s);
void bx_tcp_rate_part(const struct bx_transport *t, uint32_t now_us, struct conn *c, uint32_t bytes, struct sample *s);
/* All that an acknowledgement covers has been said: what it tells. */
void bx_tcp_rate_sample(const struct bx_transport *t, uint32_t now_us, struct conn *c, struct sample *s);
/* Has the application too little to send?  Asked before it sends more, and before an acknowledgement or a timer counts. */
void bx_tcp_rate_look(const struct bx_transport *t, struct conn *c);
/* Is it the peer's window that holds something back?  Asked before an acknowledgement counts. */
void bx_tcp_rate_shut(const struct bx_transport *t, uint64_t now_us, struct conn *c);
/* The rate is the application's, not the path's. */
void bx_tcp_rate_limited(const struct bx_transport *t, struct conn *c);
void bx_tcp_rate_begin(const struct bx_transport *t, struct conn *c);

/* ---- tcp_pace.c: of one with a sending ring ---- */
/* Whether something may go now; the other one, if it may not, sets the timer. */
bool bx_tcp_pace_may(const struct bx_transport *t, uint64_t now_us, const struct conn *c);
bool bx_tcp_pace_open(struct bx_transport *t, uint64_t now_us, struct conn *c);
void bx_tcp_pace_sent(const struct bx_transport *t, uint64_t now_us, struct conn *c, uint32_t bytes);
void bx_tcp_pace_turn(struct conn *c);
void bx_tcp_pace_now(const struct bx_transport *t, struct conn *c);
void bx_tcp_pace_timer(struct bx_transport *t, uint64_t now_us, struct conn *c);
uint32_t bx_tcp_pace_quantum(const struct conn *c);

/* ---- tcp_bbr_model.c ---- */
uint32_t bx_tcp_bbr_max_bw(const struct bbr *b);
uint32_t bx_tcp_bbr_bw(const struct bbr *b);
/* In bytes: the least that keeps a path busy; what a rate needs in flight, and its share; what may be in flight. */
uint32_t bx_tcp_bbr_pipe(const struct conn *c);
uint32_t bx_tcp_bbr_bdp(const struct conn *c, uint32_t bw, uint32_t percent);
uint32_t bx_tcp_bbr_inflight(const struct conn *c, uint32_t bw);
uint32_t bx_tcp_bbr_max_inflight(const struct conn *c);
uint32_t bx_tcp_bbr_target(const struct conn *c);
void bx_tcp_bbr_round(const struct bx_transport *t, struct conn *c);
void bx_tcp_bbr_full_reset(struct bbr *b, uint32_t rate);
void bx_tcp_bbr_short_reset(struct bbr *b);
void bx_tcp_bbr_cycle(struct bbr *b);
void bx_tcp_bbr_save_cwnd(struct conn *c);
void bx_tcp_bbr_note(struct bbr *b, struct flight *f);
bool bx_tcp_bbr_too_high(const struct conn *c, uint32_t lost, uint32_t in_flight);
/* The three parts of an acknowledgement that the states stand between. */
void bx_tcp_bbr_model(struct turn *n);
void bx_tcp_bbr_min_rtt(struct turn *n);
void bx_tcp_bbr_model_end(struct turn *n);
/* x is about to be marked lost. */
void bx_tcp_bbr_lost(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct record *x);

/* ---- tcp_bbr.c ---- */
/* The connection's control is BBR from now on. */
void bx_tcp_bbr_begin(const struct bx_transport *t, uint64_t now_us, struct conn *c);
/* Startup has found too much lost; a probe has, with so much in flight. */
void bx_tcp_bbr_startup_over(const struct bx_transport *t, struct conn *c);
void bx_tcp_bbr_too_much(struct bx_transport *t, uint64_t now_us, struct conn *c, uint32_t in_flight, bool limited);
void bx_tcp_bbr_acked(struct bx_transport *t, uint64_t now_us, struct conn *c, struct sample *s);
void bx_tcp_bbr_transmit(const struct bx_transport *t, uint64_t now_us, struct conn *c);
void bx_tcp_bbr_timeout(const struct bx_transport *t, struct conn *c);
void bx_tcp_bbr_recovered(struct conn *c);
void bx_tcp_bbr_undo(const struct bx_transport *t, struct conn *c);
void bx_tcp_bbr_marked(struct bx_transport *t, uint64_t now_us, struct conn *c);

static inline void
bx_tcp_lose(struct bx_transport *t, uint64_t now_us, struct conn *c, struct record *x)
{
	if ((c->flags & F_BBR) != 0)
		bx_tcp_bbr_lost(t, now_us, c, x);
	bx_tcp_mark_lost(c, x);
}

/* ---- tcp_congestion.c ---- */
uint32_t bx_tcp_initial_window(uint32_t mss);
/* A loss, or a mark: ssthresh, and for CUBIC its epoch.  Not of BBR, which hears of each piece.  acked: bytes that the
 * acknowledgement which tells of it has just covered: they were out when it happened. */
void bx_tcp_congestion_loss(struct conn *c, uint32_t acked);
/* rtt_us: of the latest sent that was acknowledged; 0: not known. */
void bx_tcp_congestion_acked(struct conn *c, uint64_t now_us, uint32_t bytes, uint32_t rtt_us);

/* ---- tcp_out.c ---- */
/* Sends what may be sent; true: the batch is full, there is more, and c is the last of those with something to send. */
bool bx_tcp_output(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out);
/* The acknowledgement that is owed, at once; false: there is no room. */
bool bx_tcp_output_ack(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out);
/* An answer that belongs to no connection (RFC 9293, 3.5.2). */
void bx_tcp_reset_reply(struct bx_transport *t, const struct segment *s, struct bx_net_batch *replies);
/* A bare header from the four, for resets, SYN-ACKs and answers from TIME-WAIT. */
struct bare {
	const struct tuple *who;
	uint32_t pseudo;		/* as in struct conn; 0: not made yet */
	uint32_t seq, ack;
	uint16_t window;
	uint8_t flags;
	const uint32_t *options;	/* words, as numbers */
	uint32_t option_words;
};
bool bx_tcp_bare(struct bx_transport *t, const struct bare *bare, struct bx_net_batch *out);

/* ---- tcp_timer.c ---- */
void bx_tcp_conn_timer(struct bx_transport *t, uint64_t now_us, struct conn *c);

/* ---- tcp_listen.c ---- */
void bx_tcp_listen_segment(struct bx_transport *t, uint64_t now_us, struct listener *l,
    struct segment *s, struct bx_net_batch *replies);
void bx_tcp_half_segment(struct bx_transport *t, uint64_t now_us, uint32_t id, struct segment *s,
    struct bx_net_batch *replies);
void bx_tcp_half_timer(struct bx_transport *t, uint64_t now_us, uint32_t id);
bool bx_tcp_half_output(struct bx_transport *t, uint64_t now_us, struct bx_net_batch *out);
void bx_tcp_half_drop(struct bx_transport *t, uint32_t id);

/* ---- tcp_api.c ---- */
uint8_t bx_tcp_receive_scale(const struct bx_transport *t);

/* ---- tcp_cookie.c ---- */
uint32_t bx_tcp_cookie_make(const struct bx_transport *t, uint64_t now_us, const struct segment *s,
    const struct tuple *tuple);
/* What a cookie says; false: it is none of ours, or too old. */
bool bx_tcp_cookie_read(const struct bx_transport *t, uint64_t now_us, const struct segment *s,
    const struct tuple *tuple, uint16_t *mss);

/* ---- tcp_timewait.c ---- */
/* The entry that stands for c takes its place in the hash. */
void bx_tcp_time_wait_add(struct bx_transport *t, uint64_t now_us, const struct conn *c);
/* A segment for an entry; true: it is a SYN that opens the connection anew (RFC 6191). */
/* What h has ended goes on: h's place in the hash is its. */
void bx_tcp_time_wait_again(struct bx_transport *t, uint64_t now_us, uint32_t id, const struct half *h);
bool bx_tcp_time_wait_segment(struct bx_transport *t, uint64_t now_us, uint32_t id,
    struct segment *s, struct bx_net_batch *replies);
void bx_tcp_time_wait_poll(struct bx_transport *t, uint64_t now_us);
uint64_t bx_tcp_time_wait_next(const struct bx_transport *t);

/* ---- udp.c ---- */
void bx_udp_segment(struct bx_transport *t, const struct bx_net_batch *batch,
    const struct bx_net_buf *buf, struct bx_net_batch *replies);
/* Whether somebody here speaks from where it says. */
bool bx_udp_error(struct bx_transport *t, const struct bx_net_batch *batch, const struct bx_net_buf *buf);
uint32_t bx_udp_find(const struct bx_transport *t, const struct bx_net_addr *local, uint16_t port);

#endif
