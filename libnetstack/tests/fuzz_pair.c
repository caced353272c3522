/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_pair.c -- fuzz target: two stacks joined by a hostile wire.  The input says what the applications of both do, when time
 * passes, and what the wire does to each frame under way: delivers it in any order, loses it, doubles it, cuts it into fragments,
 * changes its bytes or fields and makes its sums good again, answers it with an ICMP error that quotes it, or says something
 * of its own, with numbers, stamps and SACK blocks next to those in use.
 *
 * Input: mode[1] = features | 0x20 IPv6 | where it begins << 6, then steps of some bytes each (step() has their kinds).
 * It begins with nothing open, with a connection, with data of both directions under way on it, or with that and a FIN.
 *
 * In the end everything is given back; when time has passed, nothing may be left over in either stack.
 */
#include "fuzz.h"

#include <brainix/net_stack.h>

#include "device.h"

#define FRAMES		32u		/* under way at once; what is more is lost */
#define FRAME_MAX	1400u
#define HANDLES		3u		/* connections of each application */
#define STEPS		96u

struct flow {				/* what a host said last, by TCP */
	uint32_t seq, end, ack, stamp;
	uint16_t from, to;
};

struct host {
	struct bx_stack stack;
	struct bx_net_addr address;
	uint64_t listener, connection[HANDLES], end;
	struct flow flow;
	size_t size[3];			/* of its stages */
	uint32_t next;			/* place of the next connection */
};

struct frame {
	uint32_t to, length;
	uint8_t bytes[FRAME_MAX];
};

static _Alignas(64) uint8_t link_block[2][16384], ip_block[2][65536], transport_block[2][131072];
static uint8_t in_bytes[DEVICE_FRAME], out_bytes[65536], whole_bytes[2][16384];
static struct bx_net_buf in_bufs[4], out_bufs[32], whole_bufs[2][4];
static struct bx_net_batch whole[2];
static struct frame frames[FRAMES];

static struct world {
	struct host host[2];
	struct bx_net_batch in, out;
	uint64_t now_us;
	bool ipv6;
	bool packed;			/* stages of a host hand each other byte strings */
	uint32_t features, mtu;
	uint32_t used;			/* frames under way, a bit each */
	uint32_t count;
	uint8_t order[FRAMES];
} world;
/* One for each set of features and family, without and with a connection. */
static struct prepared prepared[128];

/* ---- a frame's parts ---- */

/* Where the segment begins, and its protocol; 0: it is no packet of one. */
static uint32_t
segment_of(const uint8_t *p, uint32_t n, uint32_t *protocol)
{
	uint32_t type = n >= 14 ? bx_get_be16(p + 12) : 0, head;

	if (type == 0x86dd && n >= 54) {
		*protocol = p[20];
		return 54;
	}
	if (type != 0x0800 || n < 34)
		return 0;
	head = (p[14] & 15u) * 4;
	*protocol = p[23];
	if (head < 20 || 14 + head > n || (bx_get_be16(p + 20) & 0x3fff) != 0)
		return 0;
	return 14 + head;
}

static uint32_t
pseudo_of(const uint8_t *p, uint32_t protocol, uint32_t length)
{
	struct bx_net_addr a, b;

	if (bx_get_be16(p + 12) == 0x0800) {
		a = bx_net_ipv4_from(p + 26);
		b = bx_net_ipv4_from(p + 30);
	} else {
		memcpy(a.byte, p + 22, 16);
		memcpy(b.byte, p + 38, 16);
	}
	return bx_net_sum_pseudo(&a, &b, (uint8_t)protocol, length);
}

/* Makes all sums good. */
static void
mend(uint8_t *p, uint32_t n)
{
	uint32_t protocol, at, field, sum = 0;

	if (n >= 34 && bx_get_be16(p + 12) == 0x0800) {
		uint32_t head = (p[14] & 15u) * 4;

		if (head >= 20 && 14 + head <= n) {
			bx_put_be16(p + 24, 0);
			bx_put_be16(p + 24, bx_net_sum_final(bx_net_sum(p + 14, head, 0)));
		}
	}
	at = segment_of(p, n, &protocol);
	field = protocol == 6 ? 16 : protocol == 17 ? 6 : 2;
	if (at == 0 || n - at < field + 2 || (protocol != 1 && protocol != 6 && protocol != 17 && protocol != 58))
		return;
	if (protocol != 1)
		sum = pseudo_of(p, protocol, n - at);
	bx_put_be16(p + at + field, 0);
	bx_put_be16(p + at + field, bx_net_sum_final(bx_net_sum(p + at, n - at, sum)));
}

/* ---- the wire ---- */

static struct frame *
frame_new(struct world *w, uint32_t to, uint32_t length)
{
	uint32_t i = 0;

	if (w->count == FRAMES || length > FRAME_MAX)
		return NULL;
	while ((w->used & 1u << i) != 0)
		i++;
	w->used |= 1u << i;
	w->order[w->count++] = (uint8_t)i;
	frames[i].to = to;
	frames[i].length = length;
	return &frames[i];
}

/* The frame at a place of the order goes; its bytes stay where they are until the next one comes. */
static struct frame *
frame_take(struct world *w, uint32_t place)
{
	uint32_t i = w->order[place];

	w->count--;
	memmove(w->order + place, w->order + place + 1, w->count - place);
	w->used &= ~(1u << i);
	return &frames[i];
}

static void
note_flow(struct flow *f, const uint8_t *p, uint32_t at, uint32_t n)
{
	uint32_t head = (p[at + 12] >> 4) * 4u;

	f->from = bx_get_be16(p + at);
	f->to = bx_get_be16(p + at + 2);
	f->seq = bx_get_be32(p + at + 4);
	f->ack = bx_get_be32(p + at + 8);
	f->end = f->seq + (n - at - head);
	if (head >= 32 && bx_get_be32(p + at + 20) == 0x0101080au)
		f->stamp = bx_get_be32(p + at + 24);
}

/* Who says something, for the device. */
struct speaker {
	struct world *w;
	uint32_t from;
};

/* What goes out must be well formed, whatever came in; then it is under way. */
static void
under_way(void *context, const uint8_t *p, uint32_t length)
{
	const struct speaker *s = context;
	uint32_t at, protocol;
	struct frame *f;

	must(length <= 14 + s->w->mtu);
	if (bx_get_be16(p + 12) == 0x0800)
		must(bx_net_sum(p + 14, (p[14] & 15u) * 4, 0) == 0xffff);
	at = segment_of(p, length, &protocol);
	if (at != 0 && (protocol == 6 || protocol == 58))
		must(bx_net_sum(p + at, length - at, pseudo_of(p, protocol, length - at)) == 0xffff);
	if (at != 0 && protocol == 6)
		note_flow(&s->w->host[s->from].flow, p, at, length);
	f = frame_new(s->w, 1 - s->from, length);
	if (f != NULL)
		memcpy(f->bytes, p, length);
}

static void
take_output(struct world *w, uint32_t from)
{
	struct speaker s = { w, from };

	must(bx_net_batch_check(&w->out) == BX_OK);
	for (uint32_t i = 0; i < w->out.count; i++) {
		const struct bx_net_buf *buf = &w->out.bufs[i];

		if (buf->kind == BX_NET_NONE)
			continue;
		must(buf->kind == BX_NET_FRAME);
		must(device_down(&w->out, buf, w->mtu, under_way, &s) == NULL);
	}
	bx_net_batch_clear(&w->out);
}

static void
output(struct world *w, uint32_t i)
{
	bool more = true;

	for (uint32_t k = 0; more && k < 64; k++) {
		more = bx_stack_output(&w->host[i].stack, w->now_us, &w->out);
		take_output(w, i);
	}
	must(!more);
}

/* A batch as it is when it has crossed a boundary between processes. */
static void
cross(struct bx_net_batch *batch)
{
	static uint8_t bytes[DEVICE_FRAME + 4096];
	uint32_t length;

	must(bx_net_batch_pack(batch, bytes, sizeof bytes, &length) == BX_OK);
	must(bx_net_batch_unpack(batch, bytes, length) == BX_OK);
}

/* As bx_stack_receive, each stage in a process of its own; datagrams in fragments stay below. */
static void
receive_packed(struct world *w, const struct bx_stack *s)
{
	bx_link_receive(s->link, w->now_us, &w->in, &w->out);
	cross(&w->in);
	bx_ip_receive(s->ip, w->now_us, &w->in, &w->out);
	cross(&w->in);
	bx_transport_receive(s->transport, w->now_us, &w->in, &w->out);
	cross(&w->out);
	if (bx_ip_send(s->ip, w->now_us, &w->out, &w->out))
		bx_transport_receive(s->transport, w->now_us, &w->out, &w->out);
	cross(&w->out);
	bx_link_send(s->link, w->now_us, &w->out, &w->out);
}

/* piece: it was coalesced from segments of that, 0: it was not. */
static void
deliver_as(struct world *w, uint32_t to, const uint8_t *bytes, uint32_t length, uint32_t piece)
{
	struct bx_net_buf *buf;

	bx_net_batch_clear(&w->in);
	buf = bx_net_batch_add(&w->in, length);
	memcpy(bx_net_bytes(&w->in, buf), bytes, length);
	buf->kind = BX_NET_FRAME;
	if (piece != 0) {
		buf->flags = BX_NET_F_CUT | BX_NET_F_SUM_GOOD;
		buf->segment_size = (uint16_t)piece;
	}
	if (w->packed)
		receive_packed(w, &w->host[to].stack);
	else
		bx_stack_receive(&w->host[to].stack, w->now_us, &w->in, &w->out);
	must(w->in.count == 0 || w->in.bufs[0].kind == BX_NET_NONE);
	take_output(w, to);
	output(w, to);
}

static void
deliver(struct world *w, uint32_t to, const uint8_t *bytes, uint32_t length)
{
	deliver_as(w, to, bytes, length, 0);
}

/* The device of host 1 coalesces what it can. */
static void
deliver_first(struct world *w, uint32_t most)
{
	static uint8_t bytes[DEVICE_FRAME];

	for (; w->count != 0 && most > 0; most--) {
		const struct frame *f = frame_take(w, 0);
		uint32_t length = f->length, piece = 0, to = f->to;

		memcpy(bytes, f->bytes, f->length);
		for (; to == 1 && w->count != 0 && most > 1 && frames[w->order[0]].to == 1; most--) {
			f = &frames[w->order[0]];
			if (!device_join(bytes, &length, &piece, f->bytes, f->length))
				break;
			frame_take(w, 0);
		}
		deliver_as(w, to, bytes, length, piece);
	}
}

static void
pass(struct world *w, uint64_t us)
{
	w->now_us += us;
	for (uint32_t i = 0; i < 2; i++) {
		bx_stack_poll(&w->host[i].stack, w->now_us, &w->out);
		take_output(w, i);
		output(w, i);
	}
}

/* ---- what the wire says of its own ---- */

/* An empty frame for host `to` from the other, with an IP header for so many bytes of a protocol. */
static uint8_t *
packet_begin(const struct world *w, uint32_t to, uint8_t *p, uint32_t protocol, uint32_t length)
{
	const struct bx_net_addr *source = &w->host[1 - to].address, *target = &w->host[to].address;

	memset(p, 0, 54);
	memcpy(p, (const uint8_t[6]){ 2, 0, 0, 0, 0, (uint8_t)(1 + to) }, 6);
	memcpy(p + 6, (const uint8_t[6]){ 2, 0, 0, 0, 0, (uint8_t)(2 - to) }, 6);
	if (w->ipv6) {
		bx_put_be16(p + 12, 0x86dd);
		p[14] = 0x60;
		bx_put_be16(p + 18, (uint16_t)length);
		p[20] = (uint8_t)protocol;
		p[21] = 255;
		memcpy(p + 22, source->byte, 16);
		memcpy(p + 38, target->byte, 16);
		return p + 54;
	}
	bx_put_be16(p + 12, 0x0800);
	p[14] = 0x45;
	bx_put_be16(p + 16, (uint16_t)(20 + length));
	p[22] = 64;
	p[23] = (uint8_t)protocol;
	memcpy(p + 26, source->byte + 12, 4);
	memcpy(p + 30, target->byte + 12, 4);
	return p + 34;
}

static void
packet_end(struct world *w, uint32_t to, uint8_t *p, uint32_t length)
{
	mend(p, length);
	deliver(w, to, p, length);
}

/* A number near another: by single bytes, by segments, or anywhere. */
static uint32_t
near(struct input *in, uint32_t number)
{
	int32_t by = (int8_t)take(in, 1);

	switch (take(in, 1) % 4) {
	case 0: return number;
	case 1: return number + (uint32_t)by;
	case 2: return number + (uint32_t)(by * 268);
	default: return number + ((uint32_t)by << 24);
	}
}

/* A segment of the connection that host `to` spoke on last. */
static void
say_segment(struct world *w, struct input *in, uint32_t to)
{
	const struct flow *f = &w->host[to].flow, *other = &w->host[1 - to].flow;
	uint32_t flags = take(in, 1), how = take(in, 1), blocks = how % 5, stamps = how / 8 % 2, head, length;
	uint8_t frame[FRAME_MAX];
	uint8_t *p;

	head = 20 + 12 * stamps + (blocks != 0 ? 4 + 8 * blocks : 0);
	if (head > 60) {
		blocks = 3;
		head = 60;
	}
	length = (how & 16) != 0 ? take(in, 2) % 600 : 0;
	p = packet_begin(w, to, frame, 6, head + length);
	memset(p, 0, head + length);
	bx_put_be16(p, f->to);
	bx_put_be16(p + 2, f->from);
	bx_put_be32(p + 4, near(in, f->ack));
	bx_put_be32(p + 8, near(in, (how & 32) != 0 ? other->ack : f->end));
	p[12] = (uint8_t)(head / 4 << 4);
	p[13] = (uint8_t)flags;
	bx_put_be16(p + 14, (how & 64) != 0 ? (uint16_t)take(in, 2) : 8192);
	if (stamps != 0) {
		bx_put_be32(p + 20, 0x0101080au);
		bx_put_be32(p + 24, near(in, other->stamp));
		bx_put_be32(p + 28, near(in, f->stamp));
	}
	for (uint32_t i = 0; i < blocks; i++) {
		uint8_t *q = p + 20 + 12 * stamps;
		uint32_t start = other->ack + take(in, 1) * 134, end = start + take(in, 1) * 134;

		bx_put_be32(q, 0x01010500u | (2 + 8 * blocks));
		bx_put_be32(q + 4 + 8 * i, start);
		bx_put_be32(q + 8 + 8 * i, end);
	}
	packet_end(w, to, frame, (uint32_t)(p - frame) + head + length);
}

/* An ICMP error about a frame under way, to who sent it. */
static void
say_error(struct world *w, struct input *in)
{
	uint32_t type = take(in, 1), code = take(in, 1) % 16, room = take(in, 2), n, to;
	static const uint8_t types[] = { 3, 3, 3, 11, 12, 4, 5, 3 }, types6[] = { 1, 2, 3, 4, 2, 1, 100, 2 };
	const struct frame *f;
	uint8_t frame[FRAME_MAX];
	uint8_t *p;

	if (w->count == 0)
		return;
	f = &frames[w->order[type / 8 % w->count]];
	if (f->length < 14 + 28)
		return;
	to = 1 - f->to;
	n = f->length - 14 < 100 ? f->length - 14 : 100;
	p = packet_begin(w, to, frame, w->ipv6 ? 58 : 1, 8 + n);
	memset(p, 0, 8);
	p[0] = w->ipv6 ? types6[type % 8] : types[type % 8];
	p[1] = (uint8_t)code;
	if (w->ipv6 || p[0] == 3)
		bx_put_be16(p + 6, (uint16_t)(room % 2048));
	memcpy(p + 8, f->bytes + 14, n);
	packet_end(w, to, frame, (uint32_t)(p - frame) + 8 + n);
}

/* As a router of the link says it to all of its hosts, with hops that only the link can have seen. */
static void
as_router(const struct world *w, uint8_t *frame, uint32_t how)
{
	static const uint8_t router[16] = { 0xfe, 0x80, [15] = 0x99 }, all[16] = { 0xff, 2, [15] = 1 };

	if (!w->ipv6) {
		memcpy(frame, (const uint8_t[6]){ 1, 0, 0x5e, 0, 0, 1 }, 6);
		memcpy(frame + 30, (const uint8_t[4]){ 224, 0, 0, 1 }, 4);
		return;
	}
	memcpy(frame, (const uint8_t[6]){ 0x33, 0x33, 0, 0, 0, 1 }, 6);
	memcpy(frame + 22, router, 16);
	memcpy(frame + 38, all, 16);
	if ((how & 0x40) != 0)
		frame[21] = 1;
}

/* Anything of any protocol; from a router with 0x80, with one hop left with 0x40 as well. */
static void
say_anything(struct world *w, struct input *in, uint32_t to)
{
	uint32_t how = take(in, 1), protocol = how & 0x3f, n;
	uint8_t frame[FRAME_MAX], bytes[600];
	uint8_t *p;

	n = take_bytes(in, bytes, sizeof bytes);
	p = packet_begin(w, to, frame, protocol, n);
	if ((how & 0x80) != 0)
		as_router(w, frame, how);
	memcpy(p, bytes, n);
	packet_end(w, to, frame, (uint32_t)(p - frame) + n);
}

/* ---- what the wire does to a frame ---- */

static void
change_segment(struct input *in, uint8_t *p, uint32_t n)
{
	uint32_t what = take(in, 1), value = take(in, 1), at = 20;

	if (n < 20)
		return;
	switch (what % 8) {
	case 0: p[13] ^= (uint8_t)value; break;
	case 1: bx_put_be32(p + 4, near(in, bx_get_be32(p + 4))); break;
	case 2: bx_put_be32(p + 8, near(in, bx_get_be32(p + 8))); break;
	case 3: bx_put_be16(p + 14, (uint16_t)(value * value)); break;
	case 4: p[12] = (uint8_t)(value << 4); break;
	case 5:
		p[13] |= 0x20;
		bx_put_be16(p + 18, (uint16_t)value);
		break;
	default:
		/* Options, or what lies where they would. */
		for (at += value % 40; at < n && at < 60 && take(in, 1) % 4 != 0; at++)
			p[at] = (uint8_t)take(in, 1);
		break;
	}
}

static void
change(struct input *in, uint8_t *p, uint32_t n)
{
	uint32_t what = take(in, 1), value, at, protocol;

	at = segment_of(p, n, &protocol);
	if (what % 4 != 0 && at != 0 && protocol == 6) {
		change_segment(in, p + at, n - at);
	} else if (what % 8 == 4 && n >= 34) {
		/* Congestion was met. */
		if (bx_get_be16(p + 12) == 0x0800)
			p[15] |= 3;
		else
			p[15] |= 0x30;
	} else {
		value = take(in, 1);
		p[12 + take(in, 1) % (n - 12)] ^= (uint8_t)value;
	}
	if (what % 16 != 8)
		mend(p, n);
}

/* As two fragments, in either order, or one of them only. */
static void
fragment(struct world *w, struct input *in, uint32_t to, uint8_t *p, uint32_t n)
{
	uint32_t how = take(in, 1), head = w->ipv6 ? 54 : 34, extra = w->ipv6 ? 8 : 0, cut = take(in, 1) * 8;
	uint8_t piece[2][FRAME_MAX];
	uint32_t length[2], type = n >= head ? bx_get_be16(p + 12) : 0;

	if (type != (w->ipv6 ? 0x86ddu : 0x0800u) || n + extra > FRAME_MAX || cut == 0 || head + cut >= n) {
		deliver(w, to, p, n);
		return;
	}
	length[0] = head + extra + cut;
	length[1] = n - cut + extra;
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t offset = i == 0 ? 0 : cut, data = length[i] - head - extra;
		/* At times the second overlaps the first. */
		uint32_t said = i == 1 && (how & 8) != 0 ? offset - 8 : offset;

		memcpy(piece[i], p, head);
		memcpy(piece[i] + head + extra, p + head + offset, data);
		if (w->ipv6) {
			bx_put_be16(piece[i] + 18, (uint16_t)(length[i] - 54));
			piece[i][20] = 44;
			piece[i][54] = p[20];
			piece[i][55] = 0;
			bx_put_be16(piece[i] + 56, (uint16_t)(said | (i == 0)));
			bx_put_be32(piece[i] + 58, how / 16);
		} else {
			bx_put_be16(piece[i] + 16, (uint16_t)(length[i] - 14));
			bx_put_be16(piece[i] + 20, (uint16_t)(said / 8 | (i == 0 ? 0x2000 : 0)));
			bx_put_be16(piece[i] + 24, 0);
			bx_put_be16(piece[i] + 24, bx_net_sum_final(bx_net_sum(piece[i] + 14, 20, 0)));
		}
	}
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t k = (how & 1) != 0 ? 1 - i : i;

		if ((how & 6) != 2 + 2 * i)
			deliver(w, to, piece[k], length[k]);
	}
}

/* One frame under way: which, and what becomes of it. */
static void
wire_step(struct world *w, struct input *in, uint32_t kind)
{
	uint8_t bytes[FRAME_MAX];
	struct frame *f;
	uint32_t n, to;

	if (w->count == 0)
		return;
	f = frame_take(w, kind / 16 % w->count);
	n = f->length;
	to = f->to;
	memcpy(bytes, f->bytes, n);
	switch (kind % 16) {
	case 4: return;
	case 5: deliver(w, to, bytes, n); break;
	case 6:
	case 7: change(in, bytes, n); break;
	case 8:
		fragment(w, in, to, bytes, n);
		return;
	}
	deliver(w, to, bytes, n);
}

/* ---- the applications ---- */

static void
connect_to(struct world *w, struct host *h, const struct host *peer, uint16_t port)
{
	struct bx_ip_path path;
	uint64_t *place = &h->connection[h->next % HANDLES];

	if (*place != 0 || bx_ip_path(h->stack.ip, w->now_us, &peer->address, &path) != BX_OK)
		return;
	if (bx_tcp_connect(h->stack.transport, w->now_us, &path.source, 0, &peer->address, port, path.mtu, place) == BX_OK)
		h->next++;
	else
		*place = 0;
}

static void
accept_one(struct host *h)
{
	uint64_t *place = &h->connection[h->next % HANDLES];

	if (*place == 0 && bx_tcp_accept(h->stack.transport, h->listener, place) == BX_OK)
		h->next++;
}

static void
datagram(struct world *w, struct host *h, const struct host *peer, uint32_t length)
{
	static uint8_t bytes[4096];

	if (bx_udp_send(h->stack.transport, h->end, &h->address, &peer->address, (uint16_t)(53 + length % 2), bytes,
	    length, &w->out) == BX_OK)
		bx_stack_down(&h->stack, w->now_us, &w->out);
	take_output(w, (uint32_t)(h - w->host));
}

static void
events(struct host *h)
{
	uint64_t handle;
	uint32_t what;

	for (uint32_t i = 0; i < 16 && bx_tcp_event(h->stack.transport, &handle, &what); i++)
		must(what != 0);
}

/* A group joined, or left. */
static void
group(struct world *w, struct host *h, uint32_t value)
{
	struct bx_net_addr a = { { 0xff, 5, [15] = (uint8_t)(value % 4 + 1) } };
	enum bx_err err;

	if (!w->ipv6)
		a = bx_net_ipv4(239, 1, 1, (uint8_t)(value % 4));
	err = (value & 8) != 0 ? bx_ip_group_leave(h->stack.ip, w->now_us, 0, &a) :
	    bx_ip_group_join(h->stack.ip, w->now_us, 0, &a);
	must(err <= BX_OK);
}

static void
listen_again(struct world *w, struct host *h)
{
	const struct bx_net_addr any = { { 0 } };

	if (h->listener != 0) {
		must(bx_tcp_unlisten(h->stack.transport, w->now_us, h->listener) == BX_OK);
		h->listener = 0;
	} else {
		must(bx_tcp_listen(h->stack.transport, &any, 80, 2, &h->listener) == BX_OK);
	}
}

static void
end_connection(struct world *w, struct host *h, uint64_t *c, bool abort_it)
{
	struct bx_transport *t = h->stack.transport;

	if (*c != 0)
		must((abort_it ? bx_tcp_abort(t, w->now_us, *c) : bx_tcp_close(t, w->now_us, *c)) == BX_OK);
	*c = 0;
}

static void
call_step(struct world *w, struct input *in, uint32_t kind)
{
	struct host *h = &w->host[kind / 16 % 2], *peer = &w->host[1 - kind / 16 % 2];
	uint32_t what = take(in, 1), value = take(in, 1), received;
	uint64_t *c = &h->connection[what / 32 % HANDLES];
	struct bx_transport *t = h->stack.transport;
	static uint8_t bytes[8192];
	struct bx_udp_from from;
	struct bx_tcp_info info;
	enum bx_err err = BX_OK;
	size_t n;

	switch (what % 16) {
	case 0: connect_to(w, h, peer, value % 8 == 7 ? 81 : 80); break;
	case 1: accept_one(h); break;
	case 2:
	case 3: err = bx_tcp_send(t, *c, bytes, 1 + value * 33, &n); break;
	case 4:
	case 5: err = bx_tcp_receive(t, *c, bytes, 1 + value * 32, &n); break;
	case 6: err = bx_tcp_shutdown(t, w->now_us, *c); break;
	case 7: end_connection(w, h, c, false); break;
	case 8: end_connection(w, h, c, true); break;
	case 9: err = bx_tcp_option_set(t, w->now_us, *c, (enum bx_tcp_option)(value % 4), value / 4); break;
	case 10:
		err = bx_tcp_info(t, *c, &info);
		w->packed = (value & 1) != 0;
		break;
	case 11: datagram(w, h, peer, value * 16); break;
	case 12: err = bx_udp_receive(t, h->end, bytes, 1 + value * 8, &received, &from); break;
	case 13:
		events(h);
		group(w, h, value);
		break;
	case 14: listen_again(w, h); break;
	case 15:
		must(bx_transport_account_limit(t, 1, (uint64_t)value * 4096) == BX_OK);
		err = bx_transport_account_set(t, *c, value % 2);
		break;
	}
	must(err <= BX_OK);
	output(w, (uint32_t)(h - w->host));
}

/* ---- all of it ---- */

static void
start_host(struct world *w, uint32_t i)
{
	struct host *h = &w->host[i];
	const struct bx_link_config link = {
		.mac = { 2, 0, 0, 0, 0, (uint8_t)(i + 1) }, .mtu = 1500, .neighbours = 4, .waiting = 2, .seed = 1,
	};
	const struct bx_ip_config ip = {
		.routes = 4, .destinations = 4, .reassemblies = 2, .reassembly_bytes = 4096, .neighbours = 4,
		.waiting = 2, .waiting_bytes = 1280, .seed = 1, .stable = { 1, i },
	};
	const struct bx_transport_config transport = {
		.connections = 4, .half_open = 2, .time_waits = 2, .listeners = 1, .udp_ends = 1, .rings = 6,
		.small_rings = 2, .accounts = 1, .ring_bytes = 8192, .mtu = (uint16_t)w->mtu,
		/* One of the two asks for ECN, and has not all that the other has. */
		.features = (uint16_t)(i == 0 ? w->features : w->features | BX_TCP_SACK | BX_TCP_TIMESTAMPS | BX_TCP_BBR |
		    BX_TRANSPORT_SUM_LATER),
		.seed = { 1, 2 + i },
		/* The other has a device that makes sums and cuts. */
		.cut_bytes = i == 1 ? 4000 : 0,
	};
	const struct bx_net_addr any = { { 0 } };
	uint16_t port;

	must(bx_link_init(link_block[i], sizeof link_block[i], &link, &h->stack.link) == BX_OK);
	must(bx_ip_init(ip_block[i], sizeof ip_block[i], &ip, &h->stack.ip) == BX_OK);
	must(bx_transport_init(transport_block[i], sizeof transport_block[i], &transport, &h->stack.transport) == BX_OK);
	must(bx_ip_interface_set(h->stack.ip, 0, (uint16_t)w->mtu) == BX_OK);
	if (w->ipv6) {
		h->address = (struct bx_net_addr){ { 0xfd, [15] = (uint8_t)(i + 1) } };
		must(bx_ip_ipv6_start(h->stack.ip, w->now_us, 0, link.mac,
		    BX_IP_IPV6_SURE | (i == 0 ? BX_IP_IPV6_ROUTERS : 0)) == BX_OK);
		must(bx_ip_address_add(h->stack.ip, 0, &h->address, 64) == BX_OK);
	} else {
		h->address = bx_net_ipv4(10, 0, 0, (uint8_t)(i + 1));
		must(bx_link_address_add(h->stack.link, w->now_us, &h->address, false) == BX_OK);
		must(bx_ip_address_add(h->stack.ip, 0, &h->address, 24) == BX_OK);
	}
	bx_net_batch_init(&whole[i], whole_bytes[i], sizeof whole_bytes[i], whole_bufs[i], 4, 0);
	h->stack.whole = &whole[i];
	must(bx_tcp_listen(h->stack.transport, &any, 80, 2, &h->listener) == BX_OK);
	must(bx_udp_open(h->stack.transport, &any, 53, &h->end, &port) == BX_OK);
	h->size[0] = bx_link_size(&link);
	h->size[1] = bx_ip_size(&ip);
	h->size[2] = bx_transport_size(&transport);
}

static void
start(struct world *w, uint32_t mode, bool connected, struct prepared *p)
{
	memset(w, 0, sizeof *w);
	w->now_us = 1000000;
	/* CUBIC or BBR to begin with; NewReno, and the other one, by an option. */
	w->features = (mode & 0x1f) | ((mode & BX_TCP_CUBIC) != 0 ? 0 : BX_TCP_BBR);
	w->ipv6 = (mode & 0x20) != 0;
	w->mtu = w->ipv6 ? 1280 : 576;
	bx_net_batch_init(&w->in, in_bytes, sizeof in_bytes, in_bufs, 4, 0);
	bx_net_batch_init(&w->out, out_bytes, sizeof out_bytes, out_bufs, 32, 0);
	for (uint32_t i = 0; i < 2; i++)
		start_host(w, i);
	/* Whatever their interfaces say at first; neighbours find each other by the first datagram. */
	for (uint32_t i = 0; i < 4; i++) {
		deliver_first(w, FRAMES);
		pass(w, 1000000);
	}
	datagram(w, &w->host[0], &w->host[1], 1);
	deliver_first(w, FRAMES);
	if (connected) {
		connect_to(w, &w->host[0], &w->host[1], 80);
		output(w, 0);
		deliver_first(w, FRAMES);
		accept_one(&w->host[1]);
		must(w->host[1].connection[0] != 0);
	}
	must(w->count == 0);
	prepared_add(p, w, sizeof *w);
	for (uint32_t i = 0; i < 2; i++) {
		prepared_add(p, link_block[i], w->host[i].size[0]);
		prepared_add(p, ip_block[i], w->host[i].size[1]);
		prepared_add(p, transport_block[i], w->host[i].size[2]);
	}
}

/* What is under way when it begins. */
static void
begin(struct world *w, uint32_t stage)
{
	static const uint8_t bytes[6000];
	size_t n;

	for (uint32_t i = 0; stage >= 2 && i < 2; i++) {
		must(bx_tcp_send(w->host[i].stack.transport, w->host[i].connection[0], bytes, i == 0 ? 5000 : 1000, &n) == BX_OK);
		if (stage == 3 && i == 0)
			must(bx_tcp_shutdown(w->host[0].stack.transport, w->now_us, w->host[0].connection[0]) == BX_OK);
		output(w, i);
	}
}

static void
step(struct world *w, struct input *in)
{
	uint32_t kind = take(in, 1);

	switch (kind % 16) {
	default: wire_step(w, in, kind); break;
	case 0: deliver_first(w, 1 + kind / 16); break;
	case 9: say_segment(w, in, kind / 16 % 2); break;
	case 10: say_error(w, in); break;
	case 11: say_anything(w, in, kind / 16 % 2); break;
	case 12: pass(w, (uint64_t)(1 + take(in, 1)) * (kind / 16 % 4 == 0 ? 1000000 : 5000)); break;
	case 13:
	case 14:
	case 15: call_step(w, in, kind); break;
	}
}

/* Everything is given back; the wire is cut, and time passes until nobody waits for anything. */
static void
finish(struct world *w)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct host *h = &w->host[i];
		struct bx_transport *t = h->stack.transport;
		struct bx_transport_usage u;

		for (uint32_t k = 0; k < HANDLES; k++)
			end_connection(w, h, &h->connection[k], true);
		if (h->listener != 0)
			must(bx_tcp_unlisten(t, w->now_us, h->listener) == BX_OK);
		must(bx_udp_close(t, h->end) == BX_OK);
		for (uint32_t k = 0; k < 1000; k++) {
			output(w, i);
			w->count = w->used = 0;
			if (bx_transport_next(t) == BX_TRANSPORT_NEVER)
				break;
			if (bx_transport_next(t) > w->now_us)
				w->now_us = bx_transport_next(t);
			bx_transport_poll(t, w->now_us);
		}
		u = bx_transport_usage(t);
		must(u.connections == 0 && u.half_open == 0 && u.time_waits == 0 && u.rings == 0 && u.timers == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct world *w = &world;
	uint32_t mode = take(&in, 1), stage = mode >> 6;
	struct prepared *p = &prepared[(mode & 0x3f) | (stage != 0 ? 0x40 : 0)];

	if (!p->made)
		start(w, mode, stage != 0, p);
	prepared_restore(p);
	begin(w, stage);
	for (uint32_t i = 0; i < STEPS && in.size != 0; i++)
		step(w, &in);
	finish(w);
	return 0;
}
