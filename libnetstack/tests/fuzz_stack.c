/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_stack.c -- fuzz target: hostile frames, packets and segments against a stack that listens on TCP 80, has a
 * connection under way and a UDP end. One input drives one stage or all, by its first byte.
 *
 * Input: what[1], then steps: kind[1] length[2] bytes.  Kinds: bytes as they are; a frame, packet or segment whose
 * checksums are made good (so that the fuzzer gets past them); time; a call of the application.
 */
#include "fuzz_stages.h"

static uint8_t in_bytes[8192], out_bytes[65536], whole_bytes[65536];
static struct bx_net_buf in_bufs[4], out_bufs[32], whole_bufs[4];

static struct world {
	struct bx_stack stack;
	struct bx_net_batch in, out, whole;
	uint64_t now_us, listener, connection, accepted, end;
	struct bx_net_addr me, you;
	uint32_t their_ack;		/* the last number that we sent */
} world;
/* The first call has been made, and its SYN sent: one state for each set of features. */
static struct prepared prepared[32];

/* What goes out must be well formed, whatever came in. */
static void
look_at_output(struct world *w)
{
	for (uint32_t i = 0; i < w->out.count; i++) {
		const struct bx_net_buf *buf = &w->out.bufs[i];
		const uint8_t *p = bx_net_bytes(&w->out, buf);

		if (buf->kind == BX_NET_NONE)
			continue;
		must(buf->kind == BX_NET_FRAME && buf->length >= 42 && buf->length <= 1514);
		if (bx_get_be16(p + 12) == 0x0800) {
			must(bx_net_sum(p + 14, 20, 0) == 0xffff);
			if (p[23] == 6) {
				struct bx_net_addr a = bx_net_ipv4_from(p + 26), b = bx_net_ipv4_from(p + 30);
				uint32_t n = buf->length - 34;

				must(bx_net_sum(p + 34, n, bx_net_sum_pseudo(&a, &b, 6, n)) == 0xffff);
				w->their_ack = bx_get_be32(p + 38);
			}
		}
	}
	must(bx_net_batch_check(&w->out) == BX_OK);
	bx_net_batch_clear(&w->out);
}

static void
output(struct world *w)
{
	bool more = true;

	for (uint32_t i = 0; more && i < 64; i++) {
		more = bx_stack_output(&w->stack, w->now_us, &w->out);
		look_at_output(w);
	}
	must(!more);
}

static void
start(struct world *w, uint32_t features, struct prepared *p)
{
	const struct bx_net_addr any = { { 0 } };
	uint16_t port;

	memset(w, 0, sizeof *w);
	w->now_us = 1000000;
	w->me = bx_net_ipv4(10, 0, 0, 1);
	w->you = bx_net_ipv4(10, 0, 0, 2);
	stages_start(&w->stack, features, w->now_us, &w->me);
	must(bx_link_neighbour_set(w->stack.link, w->now_us, &w->you, (const uint8_t[6]){ 2, 0, 0, 0, 0, 2 }) == BX_OK);
	bx_net_batch_init(&w->in, in_bytes, sizeof in_bytes, in_bufs, 4, 0);
	bx_net_batch_init(&w->out, out_bytes, sizeof out_bytes, out_bufs, 32, 0);
	bx_net_batch_init(&w->whole, whole_bytes, sizeof whole_bytes, whole_bufs, 4, 0);
	w->stack.whole = &w->whole;
	must(bx_tcp_listen(w->stack.transport, &any, 80, 2, &w->listener) == BX_OK);
	must(bx_tcp_connect(w->stack.transport, w->now_us, &w->me, 1000, &w->you, 80, 1500, &w->connection) == BX_OK);
	must(bx_udp_open(w->stack.transport, &any, 53, &w->end, &port) == BX_OK);
	output(w);
	prepared_add(p, w, sizeof *w);
	stages_prepared(p, features);
}

/* Makes an IPv4 packet of bytes that are meant as one: version, lengths, addresses, sums. */
static void
mend(struct world *w, uint8_t *p, uint32_t n, uint32_t how)
{
	uint32_t head = (p[0] & 15u) * 4u;
	struct bx_net_addr source;

	if (n < 20)
		return;
	if (head < 20 || head > n || (how & 1) != 0)
		head = 20;
	p[0] = (uint8_t)(0x40 | head / 4);
	bx_put_be16(p + 2, (uint16_t)n);
	memcpy(p + 12, w->you.byte + 12, 4);
	memcpy(p + 16, w->me.byte + 12, 4);
	if ((how & 2) != 0)
		bx_put_be16(p + 6, 0);
	bx_put_be16(p + 10, 0);
	bx_put_be16(p + 10, bx_net_sum_final(bx_net_sum(p, head, 0)));
	p += head;
	n -= head;
	source = w->you;
	if (n >= 20 && (how & 4) != 0) {
		/* A segment for the connection or the listener, with numbers near those in use. */
		bx_put_be16(p, (how & 8) != 0 ? 80 : 5555);
		bx_put_be16(p + 2, (how & 8) != 0 ? 1000 : 80);
		if ((how & 16) != 0)
			bx_put_be32(p + 8, w->their_ack + p[11]);
		if ((how & 32) != 0)
			bx_put_be32(p + 4, p[7]);
		p[-(int)head + 9] = 6;
		bx_put_be16(p - head + 10, 0);
		bx_put_be16(p - head + 10, bx_net_sum_final(bx_net_sum(p - head, head, 0)));
		bx_put_be16(p + 16, 0);
		bx_put_be16(p + 16, bx_net_sum_final(bx_net_sum(p, n, bx_net_sum_pseudo(&source, &w->me, 6, n))));
	} else if (n >= 8 && (how & 64) != 0) {
		bx_put_be16(p + 2, 0);
		bx_put_be16(p + 2, bx_net_sum_final(bx_net_sum(p, n, 0)));
	}
}

static void
frame_step(struct world *w, struct input *in)
{
	uint32_t kind = take(in, 1), how = take(in, 1), n;
	struct bx_net_buf *buf;
	uint8_t bytes[2000];
	uint8_t *p;

	n = take_bytes(in, bytes, sizeof bytes);
	bx_net_batch_clear(&w->in);
	buf = bx_net_batch_add(&w->in, 14 + n);
	p = bx_net_bytes(&w->in, buf);
	memcpy(p, (const uint8_t[6]){ 2, 0, 0, 0, 0, 1 }, 6);
	memcpy(p + 6, (const uint8_t[6]){ 2, 0, 0, 0, 0, 2 }, 6);
	bx_put_be16(p + 12, kind % 4 == 1 ? 0x0806 : 0x0800);
	memcpy(p + 14, bytes, n);
	buf->kind = BX_NET_FRAME;
	if (kind % 4 == 2) {
		/* The whole frame is the input's. */
		bx_net_pull(buf, 14);
	} else if (kind % 4 != 1) {
		mend(w, p + 14, n, how);
	}
	bx_stack_receive(&w->stack, w->now_us, &w->in, &w->out);
	look_at_output(w);
	for (uint32_t i = 0; i < w->in.count; i++)
		must(w->in.bufs[i].kind == BX_NET_NONE);
}

static void
call_step(struct world *w, struct input *in)
{
	struct bx_transport *t = w->stack.transport;
	uint64_t c = take(in, 1) % 2 != 0 ? w->connection : w->accepted;
	uint8_t bytes[1000];
	struct bx_udp_from from;
	struct bx_tcp_info info;
	uint32_t received, what = take(in, 1);
	enum bx_err err = BX_OK;
	size_t n;

	memset(bytes, 'x', sizeof bytes);
	switch (what % 9) {
	case 0: err = bx_tcp_accept(t, w->listener, &w->accepted); break;
	case 1: err = bx_tcp_send(t, c, bytes, 1 + what * 3, &n); break;
	case 2: err = bx_tcp_receive(t, c, bytes, 1 + what * 3, &n); break;
	case 3: err = bx_tcp_shutdown(t, w->now_us, c); break;
	case 4: err = bx_tcp_close(t, w->now_us, c); break;
	case 5: err = bx_tcp_abort(t, w->now_us, c); break;
	case 6: err = bx_udp_receive(t, w->end, bytes, sizeof bytes, &received, &from); break;
	case 7: err = bx_tcp_option_set(t, w->now_us, c, BX_TCP_OPTION_KEEPALIVE_S, what); break;
	case 8: err = bx_tcp_info(t, c, &info); break;
	}
	must(err <= BX_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct world *w = &world;
	uint32_t features = take(&in, 1) & 0x1f;

	if (prepared[features].made)
		prepared_restore(&prepared[features]);
	else
		start(w, features, &prepared[features]);
	for (uint32_t i = 0; i < 64 && in.size != 0; i++) {
		uint32_t kind = take(&in, 1);

		if (kind % 8 < 5) {
			frame_step(w, &in);
		} else if (kind % 8 < 7) {
			call_step(w, &in);
		} else {
			w->now_us += (uint64_t)take(&in, 2) * 1000;
			bx_stack_poll(&w->stack, w->now_us, &w->out);
			look_at_output(w);
		}
		output(w);
	}
	return 0;
}
