/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_out.c -- what a connection sends (RFC 9293, 3.7, 3.8 and 3.10): first what was lost, then what is new,
 * then, if nothing has carried it, the acknowledgement.
 *
 * A segment is built once, in the batch: its payload is copied out of the ring by the pass that sums it.
 */
#include "transport.h"

#define TIMESTAMPS_LEAD	0x0101080au	/* NOP, NOP, kind 8, length 10 */
#define TIMESTAMPS_LONG	12u
#define SACK_LEAD	0x01010500u	/* NOP, NOP, kind 5, length to be added */
#define STAMP_AHEAD_US	1000u		/* stamps of what was sent at once are spread no further */

/* A word of a header; returns its raw sum.  What was stored in pieces would be waited for when it is loaded to be summed. */
static inline uint64_t
word_put(uint8_t *p, uint32_t number)
{
	uint32_t word = sum_of32(number);

	__builtin_memcpy(p, &word, 4);
	return word;
}

/* The fixed header, but for its last word; adds it to a raw sum. */
static inline uint64_t
head_put(uint8_t *p, const struct tuple *u, uint32_t seq, uint32_t ack, uint32_t lengths_flags_window, uint64_t sum)
{
	uint32_t ports = u->ports << 16 | u->ports >> 16;
	uint64_t w0 = sum_of64((uint64_t)ports << 32 | seq), w1 = sum_of64((uint64_t)ack << 32 | lengths_flags_window);

	__builtin_memcpy(p, &w0, 8);
	__builtin_memcpy(p + 8, &w1, 8);
	return sum_around(sum_around(sum, w0), w1);
}

/* Its last word: the checksum, and no urgent pointer. */
static inline void
head_end(uint8_t *p, uint64_t checksum)
{
	uint32_t word = (uint32_t)checksum;

	__builtin_memcpy(p + 16, &word, 4);
}

/* ---- segments without a connection ---- */

bool
bx_tcp_bare(struct bx_transport *t, const struct bare *bare, struct bx_net_batch *out)
{
	uint32_t head = TCP_HEAD + 4 * bare->option_words;
	const struct tuple *u = bare->who;
	struct bx_net_buf *buf = out == NULL ? NULL : batch_add(out, head);
	uint64_t sum;
	uint8_t *p;

	if (buf == NULL) {
		t->stats.no_room_out++;
		return false;
	}
	buf->kind = BX_NET_SEGMENT;
	buf->protocol = PROTOCOL_TCP;
	buf->flags = BX_NET_F_WHOLE;
	buf->source = u->local;
	buf->destination = u->remote;
	p = bx_net_bytes(out, buf);
	sum = bare->pseudo != 0 ? bare->pseudo : sum_pseudo(&u->local, &u->remote, PROTOCOL_TCP);
	sum = head_put(p, u, bare->seq, bare->ack, head / 4 << 28 | (uint32_t)bare->flags << 16 | bare->window,
	    sum + sum_of32(head));
	for (uint32_t i = 0; i < bare->option_words; i++)
		sum = sum_around(sum, word_put(p + TCP_HEAD + 4 * i, bare->options[i]));
	head_end(p, sum_field(sum));
	t->stats.tcp_out++;
	t->stats.segments_out++;
	return true;
}

/* RFC 9293, 3.10.7.1: so numbered that the peer can believe it. */
void
bx_tcp_reset_reply(struct bx_transport *t, const struct segment *s, struct bx_net_batch *replies)
{
	const struct tuple who = { .local = s->buf->destination, .remote = s->buf->source, .ports = s->ports };
	struct bare bare = { .who = &who, .flags = RST };

	if ((s->flags & ACK) != 0) {
		bare.seq = s->ack;
	} else {
		bare.flags = RST | ACK;
		bare.ack = s->seq + s->length + ((s->flags & SYN) != 0) + ((s->flags & FIN) != 0);
	}
	if (bx_tcp_bare(t, &bare, replies))
		t->stats.tcp_resets_out++;
}

/* ---- options of a connection's segments ---- */

/* How many blocks there are to report, and fit. */
static uint32_t
sack_blocks(const struct bx_transport *t, const struct conn *c)
{
	uint32_t most = (c->flags & F_TIMESTAMPS) != 0 ? 3 : 4, n = (c->flags & F_DSACK) != 0;

	if ((c->flags & F_SACK) == 0)
		return 0;
	if (c->receive_ring != NONE)
		n += receive_ring_of(t, c->receive_ring)->count;
	return min_u32(n, most);
}

static inline uint32_t
option_bytes(const struct bx_transport *t, const struct conn *c)
{
	uint32_t n = (c->flags & F_TIMESTAMPS) != 0 ? TIMESTAMPS_LONG : 0, blocks = sack_blocks(t, c);

	return blocks != 0 ? n + 4 + 8 * blocks : n;
}

static void
sack_put(const struct bx_transport *t, struct conn *c, uint8_t *p, uint32_t blocks)
{
	const struct receive_ring *ring = NULL;
	uint32_t n = 0;

	bx_put_be32(p, SACK_LEAD | (2 + 8 * blocks));
	p += 4;
	/* RFC 2883, 4: a duplicate comes first. */
	if ((c->flags & F_DSACK) != 0) {
		bx_put_be32(p, c->dsack_start);
		bx_put_be32(p + 4, c->dsack_end);
		c->flags &= ~F_DSACK;
		n++;
	}
	if (n < blocks)
		ring = receive_ring_of(t, c->receive_ring);
	/* RFC 2018, 4: then what came last, then the others in turn. */
	for (uint32_t i = 0; n < blocks; i++, n++) {
		const struct range *r = &ring->ranges[(ring->recent + i) % ring->count];

		bx_put_be32(p + 8 * n, r->start);
		bx_put_be32(p + 8 * n + 4, r->end);
	}
}

/* Returns their raw sum. */
static APART uint64_t
options_put(const struct bx_transport *t, uint64_t now_us, struct conn *c, uint8_t *p, uint32_t bytes)
{
	uint32_t at = 0;
	uint64_t sum = 0;

	if ((c->flags & F_TIMESTAMPS) != 0) {
		bx_put_be32(p, TIMESTAMPS_LEAD);
		bx_put_be32(p + 4, ms_of(now_us) + c->ts_offset);
		bx_put_be32(p + 8, c->ts_recent);
		at = TIMESTAMPS_LONG;
	}
	if (at != bytes)
		sack_put(t, c, p + at, (bytes - at - 4) / 8);
	for (uint32_t i = 0; i < bytes; i += 4)
		sum += sum_load32(p + i);
	return sum;
}

/* ---- one segment ---- */

/* What is acknowledged and advertised goes with every segment. */
static IN_LINE uint32_t
window_put(const struct bx_transport *t, struct conn *c)
{
	uint32_t window = bx_tcp_window(t, c);

	c->rcv_adv = c->rcv_nxt + window;
	c->rcv_acked = c->rcv_nxt;
	c->ack_us = NEVER;
	c->flags &= ~F_ACK_NOW;
	return min_u32(window >> c->receive_scale, 0xffff);
}

/* The payload behind a header whose raw sum, with the pseudo header's, is `sum`; and the checksum, or what a device
 * needs to make it. */
static IN_LINE void
payload_put(const struct bx_transport *t, const struct conn *c, struct bx_net_buf *buf, uint8_t *p,
    struct send_ring *ring, uint32_t seq, uint32_t length, uint64_t sum)
{
	uint8_t *data = p + buf->length - length;

	if (BX_LIKELY((t->config.features & BX_TRANSPORT_SUM_LATER) == 0)) {
		if (length != 0)
			sum = bx_tcp_ring_read_sum(ring->bytes, send_bytes_of(ring), seq - ring->base, data, length, sum);
		head_end(p, sum_field(sum));
		return;
	}
	if (length != 0)
		bx_tcp_ring_read(ring->bytes, send_bytes_of(ring), seq - ring->base, data, length);
	head_end(p, sum_fold(c->pseudo + sum_of16(buf->length)));
	buf->flags |= BX_NET_F_SUM_NEEDED;
	buf->sum_offset = 16;
}

/* Puts one segment with so many bytes of options into the batch, to be cut if it has more than `most` of payload; false:
 * it is full.  Data is in the ring. */
static IN_LINE bool
segment_put(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out, struct send_ring *ring,
    uint32_t seq, uint32_t length, uint32_t most, uint32_t flags, uint32_t options)
{
	uint32_t head = TCP_HEAD + options;
	struct bx_net_buf *buf = batch_add_as(out, head + length, BX_NET_SEGMENT, BX_NET_F_WHOLE, PROTOCOL_TCP,
	    c->traffic_class, c->hop_limit);
	uint64_t sum;
	uint8_t *p;

	if (buf == NULL)
		return false;
	if (length > most) {
		buf->flags = BX_NET_F_WHOLE | BX_NET_F_CUT;
		buf->segment_size = (uint16_t)most;
	}
	buf->source = c->entry.who.local;
	buf->destination = c->entry.who.remote;
	p = bx_net_bytes(out, buf);
	sum = head_put(p, &c->entry.who, seq, c->rcv_nxt, head / 4 << 28 | flags << 16 | window_put(t, c),
	    (uint64_t)c->pseudo + sum_of32(head + length));
	if (options != 0)
		sum = sum_around(sum, options_put(t, now_us, c, p + TCP_HEAD, options));
	payload_put(t, c, buf, p, ring, seq, length, sum);
	t->stats.tcp_out++;
	t->stats.segments_out++;
	return true;
}

/* The longest payload of one segment on the way with so many bytes of options: c->mss is that without, or with timestamps. */
static inline uint32_t
payload_most(const struct conn *c, uint32_t options)
{
	return c->mss + ((c->flags & F_TIMESTAMPS) != 0 ? TIMESTAMPS_LONG : 0) - options;
}

/* The same for all who are not in a hurry. */
static APART bool
segment_add(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out, uint32_t seq,
    uint32_t length, uint32_t flags, uint32_t options)
{
	struct send_ring *ring = length != 0 ? send_ring_of(t, c->send_ring) : NULL;

	return segment_put(t, now_us, c, out, ring, seq, length, payload_most(c, options), flags, options);
}

/* The same with all options that there is cause for. */
static bool
emit(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out, uint32_t seq,
    uint32_t length, uint32_t flags)
{
	if ((c->flags & F_ECE) != 0)
		flags |= ECE;
	return segment_add(t, now_us, c, out, seq, length, flags, option_bytes(t, c));
}

/* ---- SYN ---- */

/* In SYN-SENT alone, in SYN-RECEIVED with an ACK. */
static bool
send_syn(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out)
{
	struct records r = bx_tcp_records(t, c);
	struct record *x = record_at(&r, 0);
	uint32_t options[OPTIONS_SYN];
	struct bare bare = {
		.who = &c->entry.who, .pseudo = c->pseudo, .seq = c->iss, .flags = SYN, .options = options,
		.window = (uint16_t)min_u32(t->config.ring_bytes, 0xffff),
	};

	if (r.count == 0 || (x->flags & R_LOST) == 0)
		return true;
	if (c->state == BX_TCP_SYN_RECEIVED) {
		bare.flags = SYN | ACK;
		bare.ack = c->rcv_nxt;
		if ((c->flags & F_ECN) != 0)
			bare.flags |= ECE;
	} else if ((c->flags & F_ECN) != 0 && c->backoff == 0) {
		/* RFC 3168, 6.1.1.1: a path that drops ECN-setup SYNs gets a plain one the second time. */
		bare.flags |= ECE | CWR;
	}
	bare.option_words = bx_tcp_options_syn(options, (uint16_t)(c->mss), c->flags, c->receive_scale,
	    ms_of(now_us) + c->ts_offset, c->ts_recent);
	if (!bx_tcp_bare(t, &bare, out))
		return false;
	out->bufs[out->count - 1].hop_limit = c->hop_limit;
	if ((x->flags & R_SENT) != 0) {
		x->flags |= R_AGAIN;
		t->stats.tcp_retransmits++;
	}
	x->flags = (x->flags & ~R_LOST) | R_SENT;
	x->sent_us = (uint32_t)now_us;
	c->sacked = c->lost = 0;
	c->flags &= ~F_ACK_NOW;
	bx_tcp_retransmit_arm(now_us, c);
	return true;
}

/* ---- data ---- */

/* A piece of one record again, in segments.  False: the batch is full. */
static bool
send_again(struct bx_transport *t, uint64_t now_us, struct conn *c, const struct record *x, const struct range *piece,
    uint32_t most, struct bx_net_batch *out)
{
	uint32_t fin = (x->flags & R_FIN) != 0 && piece->end == x->end, seq = piece->start, left = piece->end - seq - fin;

	do {
		uint32_t n = min_u32(left, most), flags = ACK;

		left -= n;
		if (left == 0)
			flags |= fin != 0 ? FIN | PSH : PSH;
		if (!emit(t, now_us, c, out, seq, n, flags))
			return false;
		seq += n;
		t->stats.tcp_retransmits++;
	} while (left != 0);
	return true;
}

/*
 * When a retransmission of x goes.  RACK takes of two that were sent at once the one with the higher number for the later
 * (RFC 8985, 6.2, RACK_sent_after): new data that went earlier within the same microsecond, or the same batch, is not to
 * be taken for sent behind it, or its delivery would say that the retransmission is lost.  What goes next is stamped no
 * earlier (stamp_new).
 */
static uint32_t
stamp_again(struct conn *c, const struct records *r, const struct record *x, uint32_t now_us)
{
	const struct record *newest = record_at(r, r->count - 1);
	uint32_t ahead = newest->sent_us - now_us;

	c->again_us = newest != x && ahead <= STAMP_AHEAD_US ? newest->sent_us + 1 : now_us;
	return c->again_us;
}

static uint32_t
stamp_new(const struct conn *c, uint32_t now_us)
{
	return c->again_us - now_us <= STAMP_AHEAD_US ? c->again_us : now_us;
}

/* ---- pacing ---- */

/* Data of BBR.  A FIN without any goes as it may. */
static inline bool
is_paced(const struct conn *c)
{
	return (c->flags & F_BBR) != 0 && c->send_ring != NONE;
}

static void
paced_out(const struct bx_transport *t, uint64_t now_us, struct conn *c, struct record *x)
{
	bx_tcp_rate_sent(t, c, x);
	bx_tcp_pace_sent(t, now_us, c, x->end - x->start);
}

/* ---- data, again and new ---- */

/* The longest payload that goes at once. */
static uint32_t
send_limit(const struct bx_transport *t, const struct conn *c, uint32_t most)
{
	uint32_t cut = t->config.cut_bytes;

	if (cut <= most)
		return most;
	/* What is paced goes in no larger pieces than a quantum. */
	if ((c->flags & F_BBR) != 0)
		cut = max_u32(min_u32(cut, bx_tcp_pace_quantum(c)), most);
	return cut - cut % most;
}

/* A probe of the tail has its own time (RFC 8985, 7.3); in a recovery it is what is lost like all else. */
static inline bool
is_probe(const struct conn *c)
{
	return (c->flags & (F_PROBED | F_RECOVERY | F_LOSS)) == F_PROBED;
}

/*
 * What of a lost record may go now; false: nothing.  It is what went at once, up to all that a device cuts, but goes again as
 * the congestion window has room for whole segments, and for one where nothing is in flight (RFC 5681, 3.1 and 3.2).  A probe is
 * one segment, the last (RFC 8985, 7.3).
 */
static bool
lost_piece(const struct bx_transport *t, const struct conn *c, const struct record *x, uint32_t most, struct range *piece)
{
	uint32_t flight = conn_in_flight(c), room = c->cwnd > flight ? c->cwnd - flight : 0;
	uint32_t fin = (x->flags & R_FIN) != 0, data = x->end - x->start - fin;

	*piece = (struct range){ x->start, x->end };
	if (is_probe(c)) {
		if (data > most)
			piece->start = x->end - fin - ((data - 1) % most + 1);
		return true;
	}
	if (is_paced(c))
		room = min_u32(room, send_limit(t, c, most));
	if (data <= room)
		return true;
	if (data <= most)
		return flight == 0;
	room = room < most && flight == 0 ? most : room - room % most;
	piece->end = x->start + room;
	return room != 0;
}

/* Record i becomes that piece, if there is room for further records; what of it does not go before the piece was not lost. */
static struct record *
lost_apart(const struct bx_transport *t, struct conn *c, uint32_t *i, const struct range *piece)
{
	struct records r = bx_tcp_records(t, c);
	struct record *x = record_at(&r, *i);

	if (x->start == piece->start && x->end == piece->end)
		return x;
	bx_tcp_record_split(t, c, piece->start);
	bx_tcp_record_split(t, c, piece->end);
	if (x->end == piece->start) {
		x->flags &= ~R_LOST;
		c->lost -= x->end - x->start;
		++*i;
	}
	return record_at(&r, *i);
}

/* What was marked lost, as far as the congestion window lets it; true: go on. */
static bool
send_lost(struct bx_transport *t, uint64_t now_us, struct conn *c, uint32_t most, struct bx_net_batch *out)
{
	struct records r = bx_tcp_records(t, c);

	for (uint32_t i = 0; i < r.count && c->lost != 0; i++) {
		struct record *x = record_at(&r, i);
		struct range piece;

		if ((x->flags & R_LOST) == 0)
			continue;
		if (!lost_piece(t, c, x, most, &piece)) {
			c->flags |= F_CWND_LIMITED;
			break;
		}
		if (is_paced(c) && !is_probe(c) && !bx_tcp_pace_open(t, now_us, c))
			break;
		x = lost_apart(t, c, &i, &piece);
		r = bx_tcp_records(t, c);
		if (!send_again(t, now_us, c, x, &piece, most, out))
			return false;
		x->flags = (x->flags & ~R_LOST) | R_AGAIN;
		x->sent_us = stamp_again(c, &r, x, (uint32_t)now_us);
		c->lost -= x->end - x->start;
		c->prr_out += piece.end - piece.start;
		if (is_paced(c))
			paced_out(t, now_us, c, x);
		bx_tcp_undo_sent(c, now_us);
		if (c->retransmit_us == NEVER || c->retransmit_kind == PROBE)
			bx_tcp_retransmit_arm(now_us, c);
	}
	return true;
}

/*
 * How long the next new segment may be; 0: none now.  RFC 9293, 3.8.6.2.1 (silly windows) and 3.7.4 (Nagle).
 */
static uint32_t
next_length(struct conn *c, uint32_t most)
{
	uint32_t waiting = c->snd_end - c->snd_nxt, out = c->snd_nxt - c->snd_una;
	uint32_t window = c->snd_wnd > out ? c->snd_wnd - out : 0;
	uint32_t flight = conn_in_flight(c), room = c->cwnd > flight ? c->cwnd - flight : 0;
	uint32_t n = min_u32(waiting, most);

	/* RFC 8985, 7.3: a probe may be one segment beyond the window. */
	if ((c->flags & F_PROBE_NEW) != 0)
		room = max_u32(room, c->mss);
	if (n > room) {
		c->flags |= F_CWND_LIMITED;
		/* Whole segments only: the congestion window is opened by whole ones. */
		n = room - room % c->mss;
	}
	if (n > window) {
		if (window >= c->mss)
			n = window - window % c->mss;
		else if (window != 0 && (window >= c->max_wnd / 2 || (c->flags & F_FORCE) != 0))
			n = window;
		else
			n = 0;
	}
	if (n != 0 && n < c->mss && n == waiting && out != 0 &&
	    (c->flags & (F_NODELAY | F_FIN_QUEUED | F_FORCE | F_PROBE_NEW)) == 0)
		n = 0;
	return n;
}

/* What is to be cut into pieces that options have made shorter than c->mss leaves no short one but at the end of the data. */
static inline uint32_t
whole_pieces(const struct conn *c, uint32_t length, uint32_t most)
{
	return length > most && length < c->snd_end - c->snd_nxt ? length - length % most : length;
}

/* RFC 9293, 3.10.4: the FIN has gone out. */
static void
fin_gone(struct conn *c)
{
	if (c->state == BX_TCP_ESTABLISHED || c->state == BX_TCP_SYN_RECEIVED)
		c->state = BX_TCP_FIN_WAIT_1;
	else if (c->state == BX_TCP_CLOSE_WAIT)
		c->state = BX_TCP_LAST_ACK;
}

/* New data and the FIN; true: all that may go has gone. */
static bool
send_new(struct bx_transport *t, uint64_t now_us, struct conn *c, uint32_t most, struct bx_net_batch *out)
{
	uint32_t limit = send_limit(t, c, most);
	bool sent = false, room = true;

	for (;;) {
		uint32_t length = seq_lt(c->snd_nxt, c->snd_end) ? whole_pieces(c, next_length(c, limit), most) : 0;
		bool fin = (c->flags & F_FIN_QUEUED) != 0 && c->snd_nxt + length == c->snd_end;
		uint32_t flags = ACK | (fin ? FIN : 0);
		struct record record = {
			c->snd_nxt, c->snd_nxt + length + fin, stamp_new(c, (uint32_t)now_us), fin ? R_FIN : 0,
		};

		if ((length == 0 && !fin) || bx_tcp_records_full(t, c))
			break;
		if (length != 0 && is_paced(c) && !bx_tcp_pace_open(t, now_us, c))
			break;
		if (c->snd_nxt + length == c->snd_end)
			flags |= PSH;
		if ((c->flags & (F_CWR | F_ECN)) == (F_CWR | F_ECN) && length != 0)
			flags |= CWR;
		room = emit(t, now_us, c, out, c->snd_nxt, length, flags);
		if (!room)
			break;
		/* RFC 3168, 6.1.5: only new data is marked as able to tell of congestion. */
		if ((c->flags & F_ECN) != 0 && length != 0) {
			out->bufs[out->count - 1].traffic_class |= ECN_ECT0;
			c->flags &= ~F_CWR;
		}
		bx_tcp_record_add(t, c, record);
		c->snd_nxt = record.end;
		c->prr_out += length;
		if (length != 0 && is_paced(c))
			paced_out(t, now_us, c, bx_tcp_record_last(t, c));
		if ((c->flags & F_PROBE_NEW) != 0)
			c->probe_end = c->snd_nxt;
		c->flags &= ~(F_FORCE | F_PROBE_NEW);
		sent = true;
		if (fin)
			fin_gone(c);
	}
	if (sent && (c->retransmit_us == NEVER || c->retransmit_kind == PROBE ||
	    c->retransmit_kind == PERSIST))
		bx_tcp_retransmit_arm(now_us, c);
	return room;
}

/* Data waits, nothing is out to bring an answer, and the window is too small (RFC 9293, 3.8.6.1). */
static void
persist_arm(struct conn *c, uint64_t now_us)
{
	if (c->snd_una != c->snd_nxt || !seq_lt(c->snd_nxt, c->snd_end) || c->retransmit_us != NEVER ||
	    (is_paced(c) && (c->bbr.flags & B_HELD) != 0))
		return;
	c->retransmit_kind = PERSIST;
	c->retransmit_us = now_us + min_u64((uint64_t)c->rto_us << min_u32(c->backoff, 10), 60000000u);
}

/* ---- acknowledgements ---- */

/* Acknowledgements that nothing has carried; to a peer without SACK one for each segment out of order. */
static bool
send_acks(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out)
{
	uint32_t n = (c->flags & F_SACK) == 0 ? max_u32(c->duplicate_acks, 1) : 1;

	if ((c->flags & F_ACK_NOW) == 0)
		return true;
	for (; n > 0; n--) {
		if (!emit(t, now_us, c, out, c->snd_nxt, 0, ACK)) {
			c->flags |= F_ACK_NOW;
			return false;
		}
	}
	c->duplicate_acks = 0;
	return true;
}

bool
bx_tcp_output_ack(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out)
{
	return emit(t, now_us, c, out, c->snd_nxt, 0, ACK);
}

/* A probe of the window or of an idle peer: a number before the window, which must be answered (RFC 9293,
 * 3.8.4 and 3.8.6.1; it asks for an octet at least, but an old one does as well and changes nothing). */
static bool
send_probe(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out)
{
	if ((c->flags & F_PROBE_WINDOW) == 0)
		return true;
	if (!emit(t, now_us, c, out, c->snd_una - 1, 0, ACK))
		return false;
	c->flags &= ~F_PROBE_WINDOW;
	return true;
}

static bool
send_reset(struct bx_transport *t, struct conn *c, struct bx_net_batch *out)
{
	struct bare bare = {
		.who = &c->entry.who, .pseudo = c->pseudo, .seq = c->snd_nxt, .ack = c->rcv_nxt,
		.flags = RST | ACK,
	};

	if (c->state >= BX_TCP_SYN_RECEIVED) {
		if (!bx_tcp_bare(t, &bare, out))
			return false;
		out->bufs[out->count - 1].hop_limit = c->hop_limit;
	}
	t->stats.tcp_resets_out++;
	bx_tcp_conn_end(t, c, BX_ERR_NET_RESET);
	return true;
}

/* ---- the short way ---- */

/* What makes it more than new data and an acknowledgement. */
#define UNUSUAL	(F_BBR | F_RESET | F_ECN | F_ECE | F_RECOVERY | F_LOSS | F_PROBED | F_FORCE | F_DSACK | F_PROBE_WINDOW)

static inline bool
output_is_usual(const struct bx_transport *t, const struct conn *c)
{
	return c->state >= BX_TCP_ESTABLISHED && (c->flags & UNUSUAL) == 0 && c->lost == 0 &&
	    c->duplicate_acks == 0 &&
	    (c->receive_ring == NONE || receive_ring_of(t, c->receive_ring)->count == 0);
}

/* One segment of so much new data, with the FIN if it ends the stream. */
static inline bool
put_usual(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out, struct records *r,
    uint32_t length, uint32_t options)
{
	uint32_t start = c->snd_nxt, end = start + length, flags = ACK;
	bool fin = false;

	if (end == c->snd_end) {
		fin = (c->flags & F_FIN_QUEUED) != 0;
		flags = fin ? ACK | PSH | FIN : ACK | PSH;
	}
	if (!segment_add(t, now_us, c, out, start, length, flags, options))
		return false;
	end += fin;
	*record_at(r, r->count) = (struct record){ start, end, (uint32_t)now_us, fin ? R_FIN : 0 };
	r->count++;
	c->snd_nxt = end;
	if (fin)
		fin_gone(c);
	return true;
}

/* The timer for what has gone out, where none runs or a probe's does. */
static inline void
sent_arm(struct conn *c, uint64_t now_us)
{
	if (c->retransmit_us == NEVER || c->retransmit_kind == PROBE || c->retransmit_kind == PERSIST)
		bx_tcp_timeout_run(c, now_us);
}

/* New data and the FIN, as send_new does it, with nothing but timestamps for options; false: the batch is full. */
static inline bool
send_usual(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out, uint32_t options)
{
	struct records r = bx_tcp_records(t, c);
	uint32_t limit = send_limit(t, c, c->mss), first = c->snd_nxt;
	bool room = true;

	while (room && r.count < r.capacity && seq_lt(c->snd_nxt, c->snd_end)) {
		uint32_t length = next_length(c, limit);

		if (length == 0)
			break;
		room = put_usual(t, now_us, c, out, &r, length, options);
	}
	if (room && r.count < r.capacity && c->snd_nxt == c->snd_end && (c->flags & F_FIN_QUEUED) != 0)
		room = put_usual(t, now_us, c, out, &r, 0, options);
	if (c->snd_nxt == first)
		return room;
	bx_tcp_records_put(t, c, &r);
	sent_arm(c, now_us);
	return room;
}

/* In slow start half a window in flight is enough to double it (RFC 9438, 5.8). */
static inline void
half_window_counts(struct conn *c, uint32_t flight)
{
	if (c->cwnd < c->ssthresh && 2 * flight >= c->cwnd)
		c->flags |= F_CWND_LIMITED;
}

/* What BBR is to know of a turn: whether its window, or its pace, has held something back. */
static void
bbr_turn(struct conn *c)
{
	bx_tcp_pace_turn(c);
	if ((c->flags & F_CWND_LIMITED) != 0)
		c->bbr.flags |= B_CWND_USED;
}

/* Whether data or the FIN waits to be sent for the first time. */
static inline bool
something_new(const struct conn *c)
{
	return seq_lt(c->snd_nxt, c->snd_end + ((c->flags & F_FIN_QUEUED) != 0));
}

/* The batch is full: the others have their turn first. */
static APART bool
more(struct bx_transport *t, struct conn *c)
{
	bx_tcp_conn_ready(t, c);
	return true;
}

/* An acknowledgement, if one is owed. */
static APART bool
output_ack(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out, uint32_t options)
{
	c->flags &= ~F_CWND_LIMITED;
	half_window_counts(c, conn_in_flight(c));
	if ((c->flags & F_ACK_NOW) == 0 || segment_add(t, now_us, c, out, c->snd_nxt, 0, ACK, options))
		return false;
	return more(t, c);
}

/* More than a segment, the FIN, or less than may go. */
static APART bool
output_several(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out, uint32_t options)
{
	bool all;

	c->flags &= ~F_CWND_LIMITED;
	all = send_usual(t, now_us, c, out, options);
	half_window_counts(c, conn_in_flight(c));
	if (all && (c->flags & F_ACK_NOW) != 0)
		all = segment_add(t, now_us, c, out, c->snd_nxt, 0, ACK, options);
	persist_arm(c, now_us);
	bx_tcp_conn_arm(t, c);
	BX_INVARIANT(bx_tcp_conn_sound(t, c));
	return !all && more(t, c);
}

/*
 * Whether all that waits is data for one segment, both windows have room for it and for all that is out, and nothing is out
 * that it would wait for (Nagle; RFC 9293, 3.7.4).  next_length would say the same.
 */
static inline bool
is_one(const struct conn *c)
{
	uint32_t unacknowledged = c->snd_end - c->snd_una;

	return c->snd_end - c->snd_nxt - 1 < c->mss && unacknowledged <= c->snd_wnd && unacknowledged <= c->cwnd &&
	    (c->flags & F_FIN_QUEUED) == 0 && (c->snd_nxt == c->snd_una || (c->flags & F_NODELAY) != 0);
}

/* The most usual: all new data in one segment.  The acknowledgement goes with it. */
static IN_LINE bool
output_one(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out, struct send_ring *ring,
    uint32_t options)
{
	uint32_t start = c->snd_nxt, length = min_u32(c->snd_end - start, c->mss), end = start + length;
	uint32_t at = (uint32_t)ring->head + ring->count;

	/* It counts when the segment is out. */
	if (at >= ring->capacity)
		at -= ring->capacity;
	ring->records[at] = (struct record){ start, end, (uint32_t)now_us, 0 };
	c->flags &= ~F_CWND_LIMITED;
	if (!segment_put(t, now_us, c, out, ring, start, length, c->mss, ACK | PSH, options))
		return more(t, c);
	ring->count++;
	c->snd_nxt = end;
	/* Nothing is lost. */
	half_window_counts(c, end - c->snd_una - c->sacked);
	sent_arm(c, now_us);
	bx_tcp_conn_due(t, c, c->retransmit_us);
	BX_INVARIANT(bx_tcp_conn_sound(t, c));
	return false;
}

static IN_LINE bool
output_usual(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out)
{
	uint32_t options = BX_UNLIKELY((c->flags & F_TIMESTAMPS) != 0) ? TIMESTAMPS_LONG : 0;

	if (BX_LIKELY(is_one(c))) {
		struct send_ring *ring = send_ring_of(t, c->send_ring);

		if (BX_LIKELY(ring->count != ring->capacity))
			return output_one(t, now_us, c, out, ring, options);
	}
	return something_new(c) ? output_several(t, now_us, c, out, options) : output_ack(t, now_us, c, out, options);
}

/* ---- all ways ---- */

static inline bool
output_any(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out)
{
	uint32_t most;
	bool all = true;

	if ((c->flags & F_RESET) != 0)
		return send_reset(t, c, out);
	if (c->state == BX_TCP_CLOSED)
		return true;
	if (c->state == BX_TCP_SYN_SENT || c->state == BX_TCP_SYN_RECEIVED) {
		all = send_syn(t, now_us, c, out);
		bx_tcp_conn_arm(t, c);
		return all;
	}
	most = payload_most(c, option_bytes(t, c));
	c->flags &= ~F_CWND_LIMITED;
	if (is_paced(c))
		bx_tcp_bbr_transmit(t, now_us, c);
	if (c->lost != 0)
		all = send_lost(t, now_us, c, most, out);
	/* What is lost comes before what is new. */
	if (all && c->lost == 0)
		all = send_new(t, now_us, c, most, out);
	if (is_paced(c))
		bbr_turn(c);
	else
		half_window_counts(c, conn_in_flight(c));
	if (all)
		all = send_probe(t, now_us, c, out) && send_acks(t, now_us, c, out);
	persist_arm(c, now_us);
	bx_tcp_conn_arm(t, c);
	BX_INVARIANT(bx_tcp_conn_sound(t, c));
	return all;
}

static APART bool
output_other(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out)
{
	return !output_any(t, now_us, c, out) && more(t, c);
}

bool
bx_tcp_output(struct bx_transport *t, uint64_t now_us, struct conn *c, struct bx_net_batch *out)
{
	return BX_LIKELY(output_is_usual(t, c)) ? output_usual(t, now_us, c, out) : output_other(t, now_us, c, out);
}
