/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * packets.c -- runs packet scripts against the transport stage, in virtual time.
 *
 *   packets FILE...          runs these
 *   packets                  runs all of $BX_SRCDIR/libnetstack/tests/packets, and looks whether each event has met each state
 *   packets --matrix         the same, and prints how often
 *
 * A script is one case, a line one step; `#` begins a comment.  `+N` before a step lets N ms pass first.
 *
 *   < FLAGS SEQ:END(LENGTH) [ack N] [win N] [urg N] [<OPTIONS>]   the peer sends; `<!`: with a bad checksum; `<1460`: coalesced by
 *                                                        the device from segments of that
 *   > FLAGS SEQ:END(LENGTH) [ack N] [win N] [cut N] [<OPTIONS>]   we have sent this, next, within the last 10 ms
 *   nothing                                              we have sent nothing that was not named
 *       FLAGS of S F R P . E W U, `.` is ACK; P is compared with `cut` only.  Numbers count from the initial ones of each side.
 *       OPTIONS: mss N  ws N  sackok  ts V E  sack A-B C-D.  In `<`, E may be `e`: our latest stamp, or `e-N`: N ms
 *       before it.  In `>`, `ts` has no numbers.  What is not written is not compared, but `<>` says: no options.
 *       With `cut N` the device cuts up to N bytes of payload: whatever we send must then fit the MTU in its pieces.
 *   features sack,ts,ws,ecn,cubic,bbr   ring N   rings N   half N   connections N   waits N   mtu N   cut N   family ipv6    before all else
 *   listen [BACKLOG]   accept   accept block   unlisten   connect   established   option nodelay|keepalive|control|retries|hops N
 *   send N   send block   send ERROR   recv N   recv block   recv eof   recv ERROR   shutdown [ERROR]   close   abort
 *   hops N   class N   the segment that was named last had this hop limit, this traffic class
 *   skip N             N ms pass, and what is sent meanwhile counts as named
 *   port N             the peer goes on from this port, with new numbers on both sides
 *   back               from the port before that, with the numbers that it had
 *   state NAME   ended ERROR   cwnd N   pace N (bytes a second)   stat NAME N   usage NAME N   icmp port|route|protocol|big [MTU] seq N
 *
 * `established` is the handshake of a passive open with what `features` names, over a round trip of 100 ms.  Every byte of both streams is checked.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <brainix/net_transport.h>

#define PEER_BASE	0xfffff000u	/* the peer's initial number: close to the wrap */
#define PORT		80u
#define SENT_MAX	512u
#define BYTES		(512u * 1024u)

/* A segment, as a script writes it. */
struct packet {
	uint32_t seq, length, ack, window, urgent;
	uint8_t flags, hops, traffic_class;
	bool has_ack, has_window, has_options, has_ts, sackok, has_ws, echo_ours;
	uint32_t cut;			/* what a device cuts it into, or has made it of; 0: it is one segment */
	uint32_t mss, ws, ts_value, ts_echo;
	uint32_t sack[4][2], sacks;
	uint64_t at_us;
	bool bytes_good;
};

struct script {
	const char *name;
	uint32_t line;
	bool failed;
	struct bx_transport_config config;
	struct bx_transport *t;
	void *memory;
	uint64_t now_us;
	uint64_t listener, conn;
	uint32_t our_base;
	bool have_base;
	uint16_t peer_port;
	uint32_t back_base;
	uint16_t back_port;
	uint32_t their_ts;
	uint64_t sent_to, read_to;	/* bytes of our and of their stream so far */
	struct packet sent[SENT_MAX];
	uint32_t sent_count, sent_next;
	struct bx_net_batch out, in;
	struct bx_net_buf out_bufs[256], in_bufs[4];
	uint8_t *out_bytes, *in_bytes;
	struct bx_net_addr local, remote;
};

static void
fail(struct script *s, const char *what)
{
	if (!s->failed)
		printf("%s:%u: %s\n", s->name, s->line, what);
	s->failed = true;
}

static uint8_t
ours(uint32_t n)
{
	return (uint8_t)(n * 7 + (n >> 8));
}

static uint8_t
theirs(uint32_t n)
{
	return (uint8_t)(n * 13 + (n >> 8) + 1);
}

/* ---- what we send ---- */

static void
take_options(struct packet *p, const uint8_t *o, uint32_t n, uint32_t peer_base)
{
	uint32_t at = 0;

	while (at < n && o[at] != 0) {
		uint32_t length = o[at] == 1 ? 1 : o[at + 1];

		switch (o[at]) {
		case 2: p->mss = bx_get_be16(o + at + 2); break;
		case 3: p->has_ws = true; p->ws = o[at + 2]; break;
		case 4: p->sackok = true; break;
		case 5:
			p->sacks = (length - 2) / 8;
			for (uint32_t i = 0; i < p->sacks; i++) {
				p->sack[i][0] = bx_get_be32(o + at + 2 + 8 * i) - peer_base;
				p->sack[i][1] = bx_get_be32(o + at + 6 + 8 * i) - peer_base;
			}
			break;
		case 8:
			p->has_ts = true;
			p->ts_value = bx_get_be32(o + at + 2);
			p->ts_echo = bx_get_be32(o + at + 6);
			break;
		}
		at += length;
	}
	p->has_options = n != 0;
}

/* Of IP and TCP. */
static uint32_t
headers_of(const struct script *s, uint32_t head)
{
	return head + (bx_net_addr_is_ipv4(&s->local) ? 20 : 40);
}

static void
take_sent(struct script *s)
{
	for (uint32_t i = 0; i < s->out.count; i++) {
		const struct bx_net_buf *buf = &s->out.bufs[i];
		const uint8_t *b = bx_net_bytes(&s->out, buf);
		struct packet *p = &s->sent[s->sent_count];
		uint32_t head = (b[12] >> 4) * 4u, sum;

		if (buf->kind != BX_NET_SEGMENT)
			continue;
		if (s->sent_count == SENT_MAX) {
			fail(s, "more segments than the runner holds");
			return;
		}
		memset(p, 0, sizeof *p);
		sum = bx_net_sum_pseudo(&buf->source, &buf->destination, 6, buf->length);
		if (bx_net_sum(b, buf->length, sum) != 0xffff)
			fail(s, "we sent a bad checksum");
		p->flags = b[13];
		if (!s->have_base && (p->flags & 2) != 0) {
			s->have_base = true;
			s->our_base = bx_get_be32(b + 4);
		}
		p->seq = bx_get_be32(b + 4) - s->our_base;
		p->ack = bx_get_be32(b + 8) - PEER_BASE;
		p->has_ack = (p->flags & 0x10) != 0;
		p->window = bx_get_be16(b + 14);
		p->length = buf->length - head;
		p->hops = buf->hop_limit;
		p->traffic_class = buf->traffic_class;
		p->at_us = s->now_us;
		p->bytes_good = true;
		for (uint32_t k = 0; k < p->length; k++)
			p->bytes_good &= b[head + k] == ours(p->seq - 1 + k);
		p->cut = (buf->flags & BX_NET_F_CUT) != 0 ? buf->segment_size : 0;
		if (headers_of(s, head) + (p->cut != 0 ? p->cut : p->length) > s->config.mtu)
			fail(s, "we sent more than the path takes");
		if (p->cut != 0 && p->length > s->config.cut_bytes)
			fail(s, "we sent more than the device cuts");
		take_options(p, b + 20, head - 20, PEER_BASE);
		if (p->has_ts)
			s->their_ts = p->ts_value;
		s->sent_count++;
	}
	bx_net_batch_clear(&s->out);
}

static void
output(struct script *s)
{
	bool more;

	do {
		more = bx_transport_output(s->t, s->now_us, &s->out);
		take_sent(s);
	} while (more);
}

static void
pass_time(struct script *s, uint64_t us)
{
	uint64_t end = s->now_us + us, next;

	while ((next = bx_transport_next(s->t)) <= end) {
		s->now_us = next > s->now_us ? next : s->now_us;
		bx_transport_poll(s->t, s->now_us);
		output(s);
	}
	s->now_us = end;
}

/* ---- starting ---- */

static void
start(struct script *s)
{
	size_t size;

	if (s->t != NULL)
		return;
	size = bx_transport_size(&s->config);
	if (size == 0) {
		fail(s, "this configuration is not possible");
		exit(99);
	}
	s->memory = aligned_alloc(64, size);
	if (s->memory == NULL || bx_transport_init(s->memory, size, &s->config, &s->t) != BX_OK)
		exit(99);
	bx_transport_poll(s->t, s->now_us);
}

/* ---- reading a line ---- */

static const char *
skip(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* One word of at most 31 letters. */
static const char *
word(const char *p, char *to)
{
	uint32_t n = 0;

	p = skip(p);
	while (*p != 0 && *p != ' ' && *p != '\t' && *p != '\n' && n < 31)
		to[n++] = *p++;
	to[n] = 0;
	return p;
}

static const char *
number(const char *p, uint32_t *n)
{
	char *end;

	p = skip(p);
	*n = (uint32_t)strtoul(p, &end, 0);
	return end;
}

static const char *
read_options(struct packet *p, const char *text)
{
	char w[32];

	p->has_options = true;
	for (;;) {
		text = skip(text);
		if (*text == '>' || *text == 0 || *text == '\n')
			return text;
		if (*text == ',') {
			text++;
			continue;
		}
		if (strncmp(text, "mss", 3) == 0) {
			text = number(text + 3, &p->mss);
		} else if (strncmp(text, "ws", 2) == 0) {
			text = number(text + 2, &p->ws);
			p->has_ws = true;
		} else if (strncmp(text, "sackok", 6) == 0) {
			text += 6;
			p->sackok = true;
		} else if (strncmp(text, "sack", 4) == 0) {
			text = skip(text + 4);
			while (*text >= '0' && *text <= '9' && p->sacks < 4) {
				text = number(text, &p->sack[p->sacks][0]);
				text = skip(number(text + 1, &p->sack[p->sacks][1]));
				p->sacks++;
			}
		} else if (strncmp(text, "ts", 2) == 0) {
			p->has_ts = true;
			text = skip(text + 2);
			if (*text >= '0' && *text <= '9') {
				text = skip(number(text, &p->ts_value));
				p->echo_ours = *text == 'e';
				text += p->echo_ours ? (text[1] == '-' ? 2 : 1) : 0;
				if (*text >= '0' && *text <= '9')
					text = number(text, &p->ts_echo);
			}
		} else {
			text = word(text, w);
		}
	}
}

static bool
read_packet(struct packet *p, const char *text)
{
	static const char letters[] = "FSRP.UEW";
	char w[32];
	uint32_t end;

	memset(p, 0, sizeof *p);
	text = word(text, w);
	for (const char *c = w; *c != 0; c++) {
		const char *at = strchr(letters, *c);

		if (at == NULL)
			return false;
		p->flags |= (uint8_t)(1u << (at - letters));
	}
	text = number(text, &p->seq);
	if (*text != ':')
		return false;
	text = number(text + 1, &end);
	if (*text != '(')
		return false;
	text = number(text + 1, &p->length);
	if (*text != ')' || end - p->seq != p->length)
		return false;
	for (text = skip(text + 1); *text != 0 && *text != '\n'; text = skip(text)) {
		if (strncmp(text, "ack", 3) == 0) {
			text = number(text + 3, &p->ack);
			p->has_ack = true;
		} else if (strncmp(text, "win", 3) == 0) {
			text = number(text + 3, &p->window);
			p->has_window = true;
		} else if (strncmp(text, "urg", 3) == 0) {
			text = number(text + 3, &p->urgent);
		} else if (strncmp(text, "cut", 3) == 0) {
			text = number(text + 3, &p->cut);
		} else if (*text == '<') {
			text = read_options(p, text + 1);
			if (*text != '>')
				return false;
			text++;
		} else {
			return false;
		}
	}
	return true;
}

/* ---- the peer sends ---- */

static uint32_t
put_options(const struct script *s, const struct packet *p, uint8_t *o)
{
	uint32_t n = 0;

	if (p->mss != 0) {
		o[n] = 2;
		o[n + 1] = 4;
		bx_put_be16(o + n + 2, (uint16_t)p->mss);
		n += 4;
	}
	if (p->has_ws) {
		o[n] = 3;
		o[n + 1] = 3;
		o[n + 2] = (uint8_t)p->ws;
		n += 3;
	}
	if (p->sackok) {
		o[n] = 4;
		o[n + 1] = 2;
		n += 2;
	}
	/* RFC 7323, appendix A: aligned, as all hosts send them. */
	if (p->has_ts) {
		o[n] = o[n + 1] = 1;
		n += 2;
		o[n] = 8;
		o[n + 1] = 10;
		bx_put_be32(o + n + 2, p->ts_value);
		bx_put_be32(o + n + 6, p->echo_ours ? s->their_ts - p->ts_echo : p->ts_echo);
		n += 10;
	}
	if (p->sacks != 0) {
		o[n] = 5;
		o[n + 1] = (uint8_t)(2 + 8 * p->sacks);
		for (uint32_t i = 0; i < p->sacks; i++) {
			bx_put_be32(o + n + 2 + 8 * i, p->sack[i][0] + s->our_base);
			bx_put_be32(o + n + 6 + 8 * i, p->sack[i][1] + s->our_base);
		}
		n += 2 + 8 * p->sacks;
	}
	while (n % 4 != 0)
		o[n++] = 1;
	return n;
}

static void
peer_sends(struct script *s, const struct packet *p, bool corrupt)
{
	uint8_t options[64];
	uint32_t n = put_options(s, p, options), head = 20 + n, sum;
	struct bx_net_buf *buf;
	uint8_t *b;

	bx_net_batch_clear(&s->in);
	buf = bx_net_batch_add(&s->in, head + p->length);
	b = bx_net_bytes(&s->in, buf);
	memset(b, 0, 20);
	bx_put_be16(b, s->peer_port);
	bx_put_be16(b + 2, PORT);
	bx_put_be32(b + 4, p->seq + PEER_BASE);
	bx_put_be32(b + 8, p->has_ack ? p->ack + s->our_base : 0);
	b[12] = (uint8_t)(head / 4 << 4);
	b[13] = p->flags;
	bx_put_be16(b + 14, (uint16_t)(p->has_window ? p->window : 65535));
	bx_put_be16(b + 18, (uint16_t)p->urgent);
	memcpy(b + 20, options, n);
	for (uint32_t i = 0; i < p->length; i++)
		b[head + i] = theirs(p->seq - 1 + i);
	sum = bx_net_sum_pseudo(&s->remote, &s->local, 6, head + p->length);
	bx_put_be16(b + 16, bx_net_sum_final(bx_net_sum(b, head + p->length, sum)));
	b[16] ^= corrupt ? 1 : 0;
	buf->kind = BX_NET_SEGMENT;
	buf->protocol = 6;
	buf->mtu = s->config.mtu;
	if (p->cut != 0) {
		buf->flags = BX_NET_F_CUT | BX_NET_F_SUM_GOOD;
		buf->segment_size = (uint16_t)p->cut;
	}
	buf->source = s->remote;
	buf->destination = s->local;
	if ((p->flags & 0xc0) == 0xc0 && (p->flags & 2) == 0)
		buf->traffic_class = 3;		/* EW on data: congestion was met */
	bx_transport_receive(s->t, s->now_us, &s->in, &s->out);
	take_sent(s);
	output(s);
}

/* ---- what is expected ---- */

static void
show(const struct packet *p, const char *what)
{
	printf("  %s: flags %02x %u:%u(%u) ack %u win %u", what, p->flags, p->seq, p->seq + p->length, p->length,
	    p->ack, p->window);
	if (p->mss != 0)
		printf(" mss %u", p->mss);
	if (p->cut != 0)
		printf(" cut %u", p->cut);
	if (p->has_ws)
		printf(" ws %u", p->ws);
	if (p->sackok)
		printf(" sackok");
	if (p->has_ts)
		printf(" ts %u %u", p->ts_value, p->ts_echo);
	for (uint32_t i = 0; i < p->sacks; i++)
		printf(" sack %u-%u", p->sack[i][0], p->sack[i][1]);
	printf(" at %llu ms\n", (unsigned long long)p->at_us / 1000);
}

static bool
options_match(const struct packet *want, const struct packet *got)
{
	if (!want->has_options)
		return true;
	if (want->mss != got->mss || want->has_ws != got->has_ws || want->ws != got->ws ||
	    want->sackok != got->sackok || want->has_ts != got->has_ts || want->sacks != got->sacks)
		return false;
	for (uint32_t i = 0; i < want->sacks; i++) {
		if (want->sack[i][0] != got->sack[i][0] || want->sack[i][1] != got->sack[i][1])
			return false;
	}
	return true;
}

static void
expect(struct script *s, const struct packet *want)
{
	const struct packet *got = &s->sent[s->sent_next];

	if (s->sent_next == s->sent_count) {
		fail(s, "nothing was sent");
		return;
	}
	s->sent_next++;
	if (((want->flags ^ got->flags) & (want->cut != 0 ? 0xff : ~8u)) != 0 || want->seq != got->seq || want->length != got->length ||
	    (want->has_ack && want->ack != got->ack) || (want->has_window && want->window != got->window) ||
	    (want->cut != 0 && want->cut != got->cut) || !options_match(want, got) || !got->bytes_good) {
		fail(s, "another segment was sent");
		show(want, "wanted");
		show(got, "sent  ");
	} else if (s->now_us - got->at_us > 10000) {
		fail(s, "it was sent earlier");
		show(got, "sent  ");
	}
}

/* ---- steps of the application ---- */

static enum bx_err
err_of(const char *name)
{
	static const struct {
		const char *name;
		enum bx_err err;
	} names[] = {
		{ "ok", BX_OK }, { "block", BX_ERR_WOULD_BLOCK }, { "eof", BX_ERR_NET_CLOSED },
		{ "reset", BX_ERR_NET_RESET }, { "refused", BX_ERR_NET_REFUSED },
		{ "unreachable", BX_ERR_NET_UNREACHABLE }, { "timeout", BX_ERR_TIMEOUT },
		{ "state", BX_ERR_STATE }, { "gone", BX_ERR_NOT_FOUND }, { "memory", BX_ERR_NO_MEMORY },
	};

	for (uint32_t i = 0; i < BX_ARRAY_COUNT(names); i++) {
		if (strcmp(names[i].name, name) == 0)
			return names[i].err;
	}
	return BX_ERR_FORMAT;
}

static void
want_err(struct script *s, enum bx_err got, enum bx_err want)
{
	if (got != want) {
		fail(s, "another result");
		printf("  wanted %s, got %s\n", bx_err_name(want), bx_err_name(got));
	}
}

static void
step_send(struct script *s, const char *rest)
{
	static uint8_t bytes[BYTES];
	char w[32];
	uint32_t n;
	size_t sent = 0;
	enum bx_err err;

	word(rest, w);
	if (w[0] < '0' || w[0] > '9') {
		want_err(s, bx_tcp_send(s->t, s->conn, bytes, 1, &sent), err_of(w));
		return;
	}
	number(rest, &n);
	for (uint32_t i = 0; i < n; i++)
		bytes[i] = ours((uint32_t)s->sent_to + i);
	err = bx_tcp_send(s->t, s->conn, bytes, n, &sent);
	want_err(s, err, BX_OK);
	if (err == BX_OK && sent != n)
		fail(s, "not all of it was taken");
	s->sent_to += sent;
	output(s);
}

static void
step_recv(struct script *s, const char *rest)
{
	static uint8_t bytes[BYTES];
	char w[32];
	uint32_t n;
	size_t got = 0;

	word(rest, w);
	if (w[0] < '0' || w[0] > '9') {
		want_err(s, bx_tcp_receive(s->t, s->conn, bytes, sizeof bytes, &got), err_of(w));
		return;
	}
	number(rest, &n);
	want_err(s, bx_tcp_receive(s->t, s->conn, bytes, n, &got), BX_OK);
	if (got != n)
		fail(s, "another number of bytes");
	for (uint32_t i = 0; i < got; i++) {
		if (bytes[i] != theirs((uint32_t)s->read_to + i)) {
			fail(s, "a byte differs");
			break;
		}
	}
	s->read_to += got;
	output(s);
}

static void
step_listen(struct script *s, const char *rest)
{
	const struct bx_net_addr any = { { 0 } };
	uint32_t backlog;

	number(rest, &backlog);
	want_err(s, bx_tcp_listen(s->t, &any, PORT, (uint16_t)(backlog != 0 ? backlog : 8), &s->listener),
	    BX_OK);
}

static void
step_accept(struct script *s, const char *rest)
{
	char w[32];

	word(rest, w);
	want_err(s, bx_tcp_accept(s->t, s->listener, &s->conn), w[0] == 0 ? BX_OK : err_of(w));
	output(s);
}

static void
step_connect(struct script *s)
{
	want_err(s, bx_tcp_connect(s->t, s->now_us, &s->local, PORT, &s->remote, s->peer_port, s->config.mtu,
	    &s->conn), BX_OK);
	output(s);
}

static void
step_option(struct script *s, const char *rest)
{
	char w[32];
	uint32_t n;
	enum bx_tcp_option option;

	rest = word(rest, w);
	number(rest, &n);
	option = strcmp(w, "nodelay") == 0 ? BX_TCP_OPTION_NODELAY :
	    strcmp(w, "keepalive") == 0 ? BX_TCP_OPTION_KEEPALIVE_S :
	    strcmp(w, "retries") == 0 ? BX_TCP_OPTION_RETRIES :
	    strcmp(w, "hops") == 0 ? BX_TCP_OPTION_HOP_LIMIT : BX_TCP_OPTION_CONTROL;
	want_err(s, bx_tcp_option_set(s->t, s->now_us, s->conn, option, n), BX_OK);
}

static void
step_state(struct script *s, const char *rest)
{
	static const char *const names[] = {
		"closed", "syn-sent", "syn-received", "established", "fin-wait-1", "fin-wait-2",
		"close-wait", "closing", "last-ack",
	};
	struct bx_tcp_info info;
	char w[32];

	word(rest, w);
	if (bx_tcp_info(s->t, s->conn, &info) != BX_OK)
		fail(s, "the handle is void");
	else if (strcasecmp(names[info.state], w) != 0) {
		fail(s, "another state");
		printf("  wanted %s, is %s\n", w, names[info.state]);
	}
}

static void
step_ended(struct script *s, const char *rest)
{
	struct bx_tcp_info info;
	char w[32];

	word(rest, w);
	if (bx_tcp_info(s->t, s->conn, &info) != BX_OK || info.state != BX_TCP_CLOSED)
		fail(s, "it has not ended");
	else
		want_err(s, info.error, err_of(w));
}

static void
step_cwnd(struct script *s, const char *rest)
{
	struct bx_tcp_info info = { .cwnd = 0 };
	uint32_t n;

	number(rest, &n);
	want_err(s, bx_tcp_info(s->t, s->conn, &info), BX_OK);
	if (info.cwnd != n) {
		fail(s, "another congestion window");
		printf("  wanted %u, is %u\n", n, info.cwnd);
	}
}

static void
step_pace(struct script *s, const char *rest)
{
	struct bx_tcp_info info;
	uint32_t n;

	number(rest, &n);
	want_err(s, bx_tcp_info(s->t, s->conn, &info), BX_OK);
	if (info.pacing_rate != n) {
		fail(s, "another pace");
		printf("  wanted %u, is %llu\n", n, (unsigned long long)info.pacing_rate);
	}
}

/* What the header of the packet is to say of the segment that was named last. */
static void
step_header(struct script *s, bool hops, const char *rest)
{
	const struct packet *p = &s->sent[s->sent_next != 0 ? s->sent_next - 1 : 0];
	uint32_t n, is = hops ? p->hops : p->traffic_class;

	number(rest, &n);
	if (is != n) {
		fail(s, hops ? "another hop limit" : "another traffic class");
		printf("  wanted %u, is %u\n", n, is);
	}
}

static void
step_stat(struct script *s, const char *rest)
{
	const struct bx_transport_stats *x = bx_transport_stats(s->t);
	const struct {
		const char *name;
		uint64_t value;
	} stats[] = {
		{ "checksum", x->bad_checksum }, { "short", x->short_header }, { "option", x->tcp_bad_option },
		{ "flags", x->tcp_bad_flags }, { "paws", x->tcp_paws }, { "window", x->tcp_out_of_window },
		{ "challenge", x->tcp_challenge }, { "badack", x->tcp_bad_ack },
		{ "cookies", x->tcp_cookies_out }, { "cookies-in", x->tcp_cookies_in },
		{ "accept-full", x->tcp_accept_full }, { "timeouts", x->tcp_timeouts },
		{ "probes", x->tcp_probes }, { "recoveries", x->tcp_recoveries }, { "spurious", x->tcp_spurious },
		{ "retransmits", x->tcp_retransmits }, { "stray", x->errors_stray },
		{ "reused", x->time_wait_reused }, { "resets-in", x->tcp_resets_in },
		{ "ranges", x->tcp_ranges_full }, { "cookies-bad", x->tcp_cookies_bad },
		{ "no-ring", x->tcp_no_ring }, { "nobody", x->tcp_no_connection },
	};
	char w[32];
	uint32_t n;

	rest = word(rest, w);
	number(rest, &n);
	for (uint32_t i = 0; i < BX_ARRAY_COUNT(stats); i++) {
		if (strcmp(stats[i].name, w) != 0)
			continue;
		if (stats[i].value != n) {
			fail(s, "another count");
			printf("  %s is %llu\n", w, (unsigned long long)stats[i].value);
		}
		return;
	}
	fail(s, "no such statistic");
}

static void
step_usage(struct script *s, const char *rest)
{
	struct bx_transport_usage u = bx_transport_usage(s->t);
	char w[32];
	uint32_t n, is;

	rest = word(rest, w);
	number(rest, &n);
	is = strcmp(w, "connections") == 0 ? u.connections : strcmp(w, "half") == 0 ? u.half_open :
	    strcmp(w, "waits") == 0 ? u.time_waits : strcmp(w, "rings") == 0 ? u.rings :
	    strcmp(w, "timers") == 0 ? u.timers : UINT32_MAX;
	if (is != n) {
		fail(s, "another number in use");
		printf("  %s is %u\n", w, is);
	}
}

static void
step_icmp(struct script *s, const char *rest)
{
	struct bx_net_buf *buf;
	uint32_t mtu = 0, seq = 0;
	char w[32];
	uint8_t *b;

	rest = skip(word(rest, w));
	if (strcmp(w, "big") == 0)
		rest = skip(number(rest, &mtu));
	if (strncmp(rest, "seq", 3) == 0)
		number(rest + 3, &seq);
	bx_net_batch_clear(&s->in);
	buf = bx_net_batch_add(&s->in, 8);
	b = bx_net_bytes(&s->in, buf);
	bx_put_be16(b, PORT);
	bx_put_be16(b + 2, s->peer_port);
	bx_put_be32(b + 4, seq + s->our_base);
	buf->kind = BX_NET_UNREACHABLE;
	buf->protocol = 6;
	buf->source = s->local;
	buf->destination = s->remote;
	buf->segment_size = (uint16_t)mtu;
	buf->error = strcmp(w, "big") == 0 ? BX_NET_ERROR_TOO_BIG : strcmp(w, "port") == 0 ?
	    BX_NET_ERROR_PORT : strcmp(w, "protocol") == 0 ? BX_NET_ERROR_PROTOCOL : BX_NET_ERROR_ROUTE;
	bx_transport_receive(s->t, s->now_us, &s->in, &s->out);
	take_sent(s);
	output(s);
}

/* The handshake of a passive open, with what both sides speak. */
static void
step_established(struct script *s)
{
	uint32_t f = s->config.features;
	struct packet p = { .flags = 2, .mss = 1460, .has_options = true };

	step_listen(s, "8");
	p.sackok = (f & BX_TCP_SACK) != 0;
	p.has_ts = (f & BX_TCP_TIMESTAMPS) != 0;
	p.ts_value = 1000;
	p.has_ws = (f & BX_TCP_WINDOW_SCALE) != 0;
	if ((f & BX_TCP_ECN) != 0)
		p.flags |= 0xc0;
	peer_sends(s, &p, false);
	pass_time(s, 100000);
	p = (struct packet){ .flags = 0x10, .seq = 1, .ack = 1, .has_ack = true, .has_ts = p.has_ts,
		.ts_value = 1000, .echo_ours = true };
	peer_sends(s, &p, false);
	step_accept(s, "");
	s->sent_next = s->sent_count;
}

static void
step_config(struct script *s, const char *name, const char *rest)
{
	uint32_t n;

	if (strcmp(name, "features") == 0) {
		s->config.features = 0;
		s->config.features |= strstr(rest, "sack") != NULL ? BX_TCP_SACK : 0;
		s->config.features |= strstr(rest, "ts") != NULL ? BX_TCP_TIMESTAMPS : 0;
		s->config.features |= strstr(rest, "ws") != NULL ? BX_TCP_WINDOW_SCALE : 0;
		s->config.features |= strstr(rest, "ecn") != NULL ? BX_TCP_ECN : 0;
		s->config.features |= strstr(rest, "cubic") != NULL ? BX_TCP_CUBIC : 0;
		s->config.features |= strstr(rest, "bbr") != NULL ? BX_TCP_BBR : 0;
		return;
	}
	if (strcmp(name, "family") == 0) {
		s->local = (struct bx_net_addr){ { 0xfd, [15] = 1 } };
		s->remote = (struct bx_net_addr){ { 0xfd, [15] = 2 } };
		return;
	}
	number(rest, &n);
	if (strcmp(name, "ring") == 0)
		s->config.ring_bytes = n;
	else if (strcmp(name, "rings") == 0)
		s->config.rings = n;
	else if (strcmp(name, "half") == 0)
		s->config.half_open = n;
	else if (strcmp(name, "connections") == 0)
		s->config.connections = n;
	else if (strcmp(name, "waits") == 0)
		s->config.time_waits = n;
	else if (strcmp(name, "mtu") == 0)
		s->config.mtu = (uint16_t)n;
	else if (strcmp(name, "cut") == 0)
		s->config.cut_bytes = n;
	else
		fail(s, "no such step");
}

/* ---- which event has met which state (RFC 9293, 3.10) ---- */

/* As a peer and an application see them: a half-open connection, TIME-WAIT and a listener are no connections here. */
enum { LISTEN = BX_TCP_LAST_ACK + 1, TIME_WAIT, STATES };
enum event {
	EV_SYN, EV_SYN_ACK, EV_RESET, EV_NO_ACK, EV_FIN, EV_DATA, EV_ACK, EV_BAD_SUM, EV_ICMP, EV_TIME,
	EV_SEND, EV_RECEIVE, EV_SHUTDOWN, EV_CLOSE, EV_ABORT, EVENTS
};
static const char *const state_names[STATES] = {
	"CLOSED", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",
	"LAST-ACK", "LISTEN", "TIME-WAIT",
};
static const char *const event_names[EVENTS] = {
	"SYN", "SYN-ACK", "RST", "no ACK", "FIN", "data", "ACK", "bad sum", "ICMP", "time", "send", "receive", "shutdown",
	"close", "abort",
};
static uint32_t met[STATES][EVENTS];

static uint32_t
state_now(const struct script *s)
{
	struct bx_transport_usage u = bx_transport_usage(s->t);
	struct bx_tcp_info info;

	if (s->conn != 0 && bx_tcp_info(s->t, s->conn, &info) == BX_OK && info.state != BX_TCP_CLOSED)
		return info.state;
	if (u.half_open != 0)
		return BX_TCP_SYN_RECEIVED;
	if (u.time_waits != 0)
		return TIME_WAIT;
	/* One that was closed by the application goes on without a handle. */
	if (u.connections != 0)
		return STATES;
	return s->listener != 0 ? LISTEN : BX_TCP_CLOSED;
}

static enum event
event_of_packet(const struct packet *p, bool bad)
{
	bool ack = (p->flags & 0x10) != 0;

	if (bad)
		return EV_BAD_SUM;
	if ((p->flags & 4) != 0)
		return EV_RESET;
	if ((p->flags & 2) != 0)
		return ack ? EV_SYN_ACK : EV_SYN;
	if (!ack)
		return EV_NO_ACK;
	return (p->flags & 1) != 0 ? EV_FIN : p->length != 0 ? EV_DATA : EV_ACK;
}

static enum event
event_of_step(const char *w)
{
	static const struct {
		const char *word;
		enum event event;
	} words[] = {
		{ "icmp", EV_ICMP }, { "send", EV_SEND }, { "recv", EV_RECEIVE }, { "shutdown", EV_SHUTDOWN },
		{ "close", EV_CLOSE }, { "abort", EV_ABORT }, { "unlisten", EV_CLOSE },
	};

	for (uint32_t i = 0; i < BX_ARRAY_COUNT(words); i++) {
		if (strcmp(words[i].word, w) == 0)
			return words[i].event;
	}
	return EVENTS;
}

static void
meet(const struct script *s, enum event event)
{
	uint32_t state = s->t != NULL ? state_now(s) : STATES;

	if (state != STATES && event != EVENTS)
		met[state][event]++;
}

/* Nobody has a handle to call with in these, and a listener has neither bytes nor an end to send. */
static bool
cannot_meet(uint32_t state, uint32_t event)
{
	if (state == LISTEN)
		return (event >= EV_SEND && event != EV_CLOSE) || event == EV_TIME || event == EV_ICMP;
	if (state == TIME_WAIT || state == BX_TCP_CLOSED)
		return event >= EV_SEND || (state == BX_TCP_CLOSED && (event == EV_TIME || event == EV_ICMP));
	return false;
}

/* How many cells are empty that need not be. */
static uint32_t
matrix_show(bool all)
{
	uint32_t empty = 0;

	for (uint32_t e = 0; all && e < EVENTS; e++)
		printf("%s%s", e == 0 ? "             | " : " | ", event_names[e]);
	for (uint32_t i = 0; i < STATES; i++) {
		if (all)
			printf("\n%-12s", state_names[i]);
		for (uint32_t e = 0; e < EVENTS; e++) {
			bool cannot = cannot_meet(i, e);

			if (all && cannot)
				printf(" | %*s", (int)strlen(event_names[e]), "-");
			else if (all)
				printf(" | %*u", (int)strlen(event_names[e]), met[i][e]);
			else if (!cannot && met[i][e] == 0)
				printf("no script: %s in %s\n", event_names[e], state_names[i]);
			empty += !cannot && met[i][e] == 0;
		}
	}
	if (all)
		printf("\n");
	return empty;
}

static void
step(struct script *s, const char *line)
{
	struct packet p;
	char w[32];
	const char *rest;
	uint32_t ms = 0;

	line = skip(line);
	if (*line == '+') {
		line = skip(number(line + 1, &ms));
		start(s);
		meet(s, EV_TIME);
		pass_time(s, (uint64_t)ms * 1000);
	}
	if (*line == 0 || *line == '\n' || *line == '#')
		return;
	rest = word(line, w);
	if (s->t == NULL && strchr("<>", w[0]) == NULL && (strcmp(w, "features") == 0 || strcmp(w, "ring") == 0 ||
	    strcmp(w, "rings") == 0 || strcmp(w, "half") == 0 || strcmp(w, "connections") == 0 ||
	    strcmp(w, "waits") == 0 || strcmp(w, "mtu") == 0 || strcmp(w, "cut") == 0 || strcmp(w, "family") == 0)) {
		step_config(s, w, rest);
		return;
	}
	start(s);
	meet(s, event_of_step(w));
	if (w[0] == '<' || w[0] == '>') {
		if (!read_packet(&p, rest)) {
			fail(s, "this is no segment");
		} else if (w[0] == '<') {
			meet(s, event_of_packet(&p, w[1] == '!'));
			number(w + 1, &p.cut);
			peer_sends(s, &p, w[1] == '!');
		} else {
			expect(s, &p);
		}
	} else if (strcmp(w, "nothing") == 0) {
		if (s->sent_next != s->sent_count) {
			fail(s, "something was sent");
			show(&s->sent[s->sent_next], "sent  ");
		}
	} else if (strcmp(w, "listen") == 0) {
		step_listen(s, rest);
	} else if (strcmp(w, "accept") == 0) {
		step_accept(s, rest);
	} else if (strcmp(w, "connect") == 0) {
		step_connect(s);
	} else if (strcmp(w, "established") == 0) {
		step_established(s);
	} else if (strcmp(w, "send") == 0) {
		step_send(s, rest);
	} else if (strcmp(w, "recv") == 0) {
		step_recv(s, rest);
	} else if (strcmp(w, "option") == 0) {
		step_option(s, rest);
	} else if (strcmp(w, "state") == 0) {
		step_state(s, rest);
	} else if (strcmp(w, "ended") == 0) {
		step_ended(s, rest);
	} else if (strcmp(w, "cwnd") == 0) {
		step_cwnd(s, rest);
	} else if (strcmp(w, "pace") == 0) {
		step_pace(s, rest);
	} else if (strcmp(w, "hops") == 0 || strcmp(w, "class") == 0) {
		step_header(s, w[0] == 'h', rest);
	} else if (strcmp(w, "skip") == 0) {
		number(rest, &ms);
		pass_time(s, (uint64_t)ms * 1000);
		s->sent_next = s->sent_count;
	} else if (strcmp(w, "stat") == 0) {
		step_stat(s, rest);
	} else if (strcmp(w, "usage") == 0) {
		step_usage(s, rest);
	} else if (strcmp(w, "icmp") == 0) {
		step_icmp(s, rest);
	} else if (strcmp(w, "port") == 0) {
		number(rest, &ms);
		s->back_port = s->peer_port;
		s->back_base = s->our_base;
		s->peer_port = (uint16_t)ms;
		s->have_base = false;
	} else if (strcmp(w, "back") == 0) {
		s->peer_port = s->back_port;
		s->our_base = s->back_base;
		s->have_base = true;
	} else if (strcmp(w, "shutdown") == 0) {
		word(rest, w);
		want_err(s, bx_tcp_shutdown(s->t, s->now_us, s->conn), w[0] == 0 ? BX_OK : err_of(w));
		output(s);
	} else if (strcmp(w, "close") == 0) {
		want_err(s, bx_tcp_close(s->t, s->now_us, s->conn), BX_OK);
		output(s);
	} else if (strcmp(w, "abort") == 0) {
		want_err(s, bx_tcp_abort(s->t, s->now_us, s->conn), BX_OK);
		output(s);
	} else if (strcmp(w, "unlisten") == 0) {
		want_err(s, bx_tcp_unlisten(s->t, s->now_us, s->listener), BX_OK);
		output(s);
	} else {
		fail(s, "no such step");
	}
}

static bool
run_file(const char *name)
{
	static struct script s;
	char line[256];
	FILE *file = fopen(name, "r");

	if (file == NULL) {
		perror(name);
		exit(99);
	}
	memset(&s, 0, sizeof s);
	s.name = name;
	s.now_us = 10000000;
	s.local = bx_net_ipv4(10, 0, 0, 1);
	s.remote = bx_net_ipv4(10, 0, 0, 2);
	s.peer_port = 5555;
	s.config = (struct bx_transport_config){
		.connections = 8, .half_open = 4, .time_waits = 4, .listeners = 2, .udp_ends = 1, .rings = 8,
		.small_rings = 8, .ring_bytes = 65536, .mtu = 1500, .seed = { 42, 43 },
	};
	s.out_bytes = malloc(256 * 2048);
	s.in_bytes = malloc(70000);
	if (s.out_bytes == NULL || s.in_bytes == NULL)
		exit(99);
	bx_net_batch_init(&s.out, s.out_bytes, 256 * 2048, s.out_bufs, 256, 0);
	bx_net_batch_init(&s.in, s.in_bytes, 70000, s.in_bufs, 4, 0);
	while (!s.failed && fgets(line, sizeof line, file) != NULL) {
		s.line++;
		step(&s, line);
	}
	if (!s.failed && s.sent_next != s.sent_count) {
		fail(&s, "at the end something was sent that the script does not name");
		show(&s.sent[s.sent_next], "sent  ");
	}
	fclose(file);
	free(s.memory);
	free(s.out_bytes);
	free(s.in_bytes);
	return !s.failed;
}

static int
is_script(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 4 && strcmp(entry->d_name + n - 4, ".pkt") == 0;
}

int
main(int argc, char **argv)
{
	const char *source = getenv("BX_SRCDIR");
	bool all = argc == 2 && strcmp(argv[1], "--matrix") == 0;
	uint32_t passed = 0, failed = 0;
	struct dirent **entries;
	char folder[4096];
	int n;

	for (int i = 1; !all && i < argc; i++)
		run_file(argv[i]) ? passed++ : failed++;
	if (argc == 1 || all) {
		snprintf(folder, sizeof folder, "%s/libnetstack/tests/packets", source != NULL ? source : ".");
		n = scandir(folder, &entries, is_script, alphasort);
		if (n < 0) {
			perror(folder);
			return 99;
		}
		for (int i = 0; i < n; i++) {
			char path[8192];

			snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
			run_file(path) ? passed++ : failed++;
			free(entries[i]);
		}
		free(entries);
		failed += matrix_show(all);
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
