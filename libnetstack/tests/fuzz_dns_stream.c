/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_dns_stream.c -- fuzz target: a hostile server over TCP.  A question was truncated over UDP and has been asked over a
 * connection; the input is what the server says there.  When the connection has failed, the second of two servers is asked
 * over UDP, and says the same.
 *
 * Input: what to make good[1], then the stream.  Bit 0: the length in front; bit 1: the id; bit 2: the question; bit 3: its end
 * is the stream's end, too; the others: how long the segments are.
 */
#include "fuzz.h"

#include <brainix/net_dns.h>

#define PORT_DNS	53u
#define STREAM_BYTES	600u

static _Alignas(64) uint8_t block[65536];
static uint8_t stream[STREAM_BYTES], in_bytes[4096], out_bytes[8192];
static struct bx_net_buf in_bufs[2], out_bufs[8];

static struct world {
	struct bx_transport *t;
	struct bx_dns_query query;
	struct bx_net_batch in, out;
	struct bx_net_addr us, server;
	uint16_t port, udp_port;	/* of ours */
	uint32_t seq, ack;		/* of the server */
} world;
static struct prepared prepared;

/* A segment of the server's, its sum made. */
static void
segment(struct world *w, uint8_t protocol, const uint8_t *bytes, uint32_t length)
{
	struct bx_net_buf *buf;
	uint8_t *p;

	bx_net_batch_clear(&w->in);
	buf = bx_net_batch_add(&w->in, length);
	must(buf != NULL);
	p = bx_net_bytes(&w->in, buf);
	memcpy(p, bytes, length);
	bx_put_be16(p + (protocol == 6 ? 16 : 6), 0);
	bx_put_be16(p + (protocol == 6 ? 16 : 6),
	    bx_net_sum_final(bx_net_sum(p, length, bx_net_sum_pseudo(&w->server, &w->us, protocol, length))));
	buf->kind = BX_NET_SEGMENT;
	buf->protocol = protocol;
	buf->source = w->server;
	buf->destination = w->us;
	bx_transport_receive(w->t, 1, &w->in, &w->out);
}

static void
tcp(struct world *w, uint8_t flags, const uint8_t *bytes, uint32_t length)
{
	uint8_t p[20 + 1500] = { 0 };

	must(length <= 1500);
	bx_put_be16(p, PORT_DNS);
	bx_put_be16(p + 2, w->port);
	bx_put_be32(p + 4, w->seq);
	bx_put_be32(p + 8, w->ack);
	p[12] = 0x50;
	p[13] = flags;
	bx_put_be16(p + 14, 65535);
	if (length != 0)
		memcpy(p + 20, bytes, length);
	segment(w, 6, p, 20 + length);
	w->seq += length + ((flags & 3) != 0);
}

/* What is sent is only looked at for the port and the numbers. */
static void
sent(struct world *w)
{
	(void)bx_transport_output(w->t, 1, &w->out);
	for (uint32_t i = 0; i < w->out.count; i++) {
		const uint8_t *p = bx_net_bytes(&w->out, &w->out.bufs[i]);

		if (w->out.bufs[i].kind != BX_NET_SEGMENT)
			continue;
		if (w->out.bufs[i].protocol == 17) {
			w->udp_port = bx_get_be16(p);
			w->server = w->out.bufs[i].destination;
			continue;
		}
		w->port = bx_get_be16(p);
		w->ack = bx_get_be32(p + 4) + w->out.bufs[i].length - (p[12] >> 4) * 4u + (p[13] & 1) + (p[13] >> 1 & 1);
	}
	bx_net_batch_clear(&w->out);
}

static enum bx_err
poll(struct world *w)
{
	enum bx_err err = bx_dns_poll(&w->query, w->t, 1, &w->us, &w->out);

	sent(w);
	return err;
}

static void
start(struct world *w, struct prepared *p)
{
	const struct bx_transport_config config = {
		.connections = 2, .half_open = 1, .time_waits = 1, .udp_ends = 2, .rings = 3, .ring_bytes = 4096, .mtu = 1500,
		.seed = { 1, 2 },
	};
	struct bx_dns_config servers = { .server_count = 2, .stream = stream, .stream_bytes = STREAM_BYTES };
	uint8_t datagram[8 + 23];
	const uint8_t *question;

	memset(w, 0, sizeof *w);
	w->us = bx_net_ipv4(10, 0, 0, 1);
	w->server = servers.servers[0] = bx_net_ipv4(10, 0, 0, 2);
	servers.servers[1] = bx_net_ipv4(10, 0, 0, 3);
	bx_net_batch_init(&w->in, in_bytes, sizeof in_bytes, in_bufs, 2, 0);
	bx_net_batch_init(&w->out, out_bytes, sizeof out_bytes, out_bufs, 8, 0);
	must(bx_transport_init(block, sizeof block, &config, &w->t) == BX_OK);
	must(bx_dns_start(&w->query, &servers, "www.a", 5, BX_DNS_A, 7) == BX_OK);
	must(bx_dns_poll(&w->query, w->t, 1, &w->us, &w->out) == BX_ERR_WOULD_BLOCK);
	question = bx_net_bytes(&w->out, &w->out.bufs[0]);
	memcpy(datagram, question, sizeof datagram);
	bx_put_be16(datagram, PORT_DNS);
	bx_put_be16(datagram + 2, bx_get_be16(question));
	datagram[8 + 2] = 0x82;		/* an answer, truncated */
	bx_net_batch_clear(&w->out);
	segment(w, 17, datagram, sizeof datagram);
	must(poll(w) == BX_ERR_WOULD_BLOCK && w->port != 0);
	tcp(w, 0x12, NULL, 0);
	sent(w);
	must(poll(w) == BX_ERR_WOULD_BLOCK && w->query.asked == 1);
	prepared_add(p, w, sizeof *w);
	prepared_add(p, block, bx_transport_size(&config));
}

/* Who is asked over UDP then, the second server or, for an alias, the first: it says what was said behind the two bytes of
 * length, with the id of the question. */
static enum bx_err
second(struct world *w, const uint8_t *bytes, uint32_t length)
{
	uint8_t datagram[8 + 512] = { 0 };

	must(w->query.end != 0);
	length = length < 512 ? length : 512;
	bx_put_be16(datagram, PORT_DNS);
	bx_put_be16(datagram + 2, w->udp_port);
	bx_put_be16(datagram + 4, (uint16_t)(8 + length));
	if (length != 0)
		memcpy(datagram + 8, bytes, length);
	if (length >= 2)
		bx_put_be16(datagram + 8, w->query.id);
	segment(w, 17, datagram, 8 + length);
	return poll(w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t question[11] = { 3, 'w', 'w', 'w', 1, 'a', 0, 0, 1, 0, 1 };
	struct world *w = &world;
	uint8_t says[3000];
	uint32_t n = 0, how, step;
	enum bx_err err = BX_ERR_WOULD_BLOCK;

	if (size == 0 || size > sizeof says)
		return 0;
	if (prepared.made)
		prepared_restore(&prepared);
	else
		start(w, &prepared);
	how = data[0];
	n = (uint32_t)size - 1;
	memcpy(says, data + 1, n);
	if ((how & 1) != 0 && n >= 2)
		bx_put_be16(says, (uint16_t)(n - 2));
	if ((how & 2) != 0 && n >= 4)
		bx_put_be16(says + 2, w->query.id);
	if ((how & 4) != 0 && n >= 14 + sizeof question) {
		says[4] |= 0x80;
		bx_put_be16(says + 6, 1);
		memcpy(says + 14, question, sizeof question);
	}
	step = 1 + (how >> 4) * 90;
	for (uint32_t at = 0; at < n && err == BX_ERR_WOULD_BLOCK && w->query.connection != 0; at += step) {
		tcp(w, 0x10, says + at, n - at < step ? n - at : step);
		sent(w);
		err = poll(w);
	}
	if ((how & 8) != 0 && err == BX_ERR_WOULD_BLOCK && w->query.connection != 0) {
		tcp(w, 0x11, NULL, 0);
		err = poll(w);
		must(w->query.connection == 0);
	}
	if (w->query.connection == 0 && err == BX_ERR_WOULD_BLOCK && n >= 2)
		err = second(w, says + 2, n - 2);
	must(err == BX_OK || err == BX_ERR_WOULD_BLOCK || err == BX_ERR_NOT_FOUND || err == BX_ERR_TRUNCATED ||
	    err == BX_ERR_OVERFLOW);
	if (err == BX_OK)
		must(w->query.answer.count >= 1 && w->query.answer.count <= BX_DNS_ADDRESSES);
	must(w->query.connection == 0 || err == BX_ERR_WOULD_BLOCK);
	bx_dns_cancel(&w->query, w->t);
	sent(w);
	must(bx_transport_usage(w->t).udp_ends == 0);
	return 0;
}
