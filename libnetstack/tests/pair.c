/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * pair.c -- two stacks and a wire; see pair.h.
 */
#include "pair.h"

#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

static void *
block(size_t size)
{
	return must(aligned_alloc(64, (size + 63) & ~(size_t)63));
}

uint32_t
pair_random(struct pair *pair)
{
	return wire_random(&pair->wire);
}

struct bx_transport_config
pair_transport(void)
{
	return (struct bx_transport_config){
		.connections = 32, .half_open = 8, .time_waits = 16, .listeners = 4, .udp_ends = 4,
		.rings = 64, .accounts = 4, .ring_bytes = 65536, .mtu = PAIR_MTU,
		.features = BX_TCP_SACK | BX_TCP_TIMESTAMPS | BX_TCP_WINDOW_SCALE | BX_TCP_CUBIC,
	};
}

static void
ok(enum bx_err err)
{
	if (err != BX_OK) {
		fprintf(stderr, "pair: %s\n", bx_err_text(err));
		abort();
	}
}

static void
host_init(struct host *h, uint32_t i, uint64_t seed, const struct bx_transport_config *transport)
{
	struct bx_link_config link = {
		.mac = { 2, 0, 0, 0, 0, (uint8_t)(i + 1) }, .mtu = PAIR_MTU, .neighbours = 16, .waiting = 8,
		.seed = seed + i,
	};
	struct bx_ip_config ip = {
		.routes = 8, .destinations = 16, .reassemblies = 4, .reassembly_bytes = 16384,
		.neighbours = 8, .waiting = 8, .waiting_bytes = 1536, .seed = seed + 10 + i,
		.stable = { seed, i },
	};
	struct bx_transport_config t = *transport;

	memset(h, 0, sizeof *h);
	t.seed[0] = seed + 100 + i;
	t.seed[1] = seed * 3 + i;
	memcpy(h->mac, link.mac, 6);
	h->address = bx_net_ipv4(10, 0, 0, (uint8_t)(i + 1));
	h->memory[0] = block(bx_link_size(&link));
	h->memory[1] = block(bx_ip_size(&ip));
	h->memory[2] = block(bx_transport_size(&t));
	ok(bx_link_init(h->memory[0], bx_link_size(&link), &link, &h->stack.link));
	ok(bx_ip_init(h->memory[1], bx_ip_size(&ip), &ip, &h->stack.ip));
	ok(bx_transport_init(h->memory[2], bx_transport_size(&t), &t, &h->stack.transport));
	ok(bx_ip_interface_set(h->stack.ip, 0, PAIR_MTU));
	ok(bx_ip_address_add(h->stack.ip, 0, &h->address, 24));
	ok(bx_link_address_add(h->stack.link, 0, &h->address, false));
	h->out_bytes = must(malloc(PAIR_BATCH * (t.cut_bytes != 0 ? PAIR_WHOLE : PAIR_FRAME)));
	h->whole_bytes = must(malloc(65536 + 4096));
	if (t.cut_bytes != 0)
		bx_net_batch_init(&h->out, h->out_bytes, PAIR_BATCH * PAIR_WHOLE, h->out_bufs, PAIR_BATCH, 0);
	else
		bx_net_batch_init(&h->out, h->out_bytes, PAIR_BATCH * PAIR_FRAME, h->out_bufs, PAIR_BATCH, PAIR_FRAME);
	bx_net_batch_init(&h->whole, h->whole_bytes, 65536 + 4096, h->whole_bufs, 4, 0);
	h->stack.whole = &h->whole;
}

void
pair_init(struct pair *pair, uint64_t seed, const struct bx_transport_config *config)
{
	struct bx_transport_config standard = pair_transport();

	memset(pair, 0, sizeof *pair);
	wire_init(&pair->wire, seed);
	pair->now_us = 1000000;
	for (uint32_t i = 0; i < 2; i++)
		host_init(&pair->host[i], i, seed, config != NULL ? config : &standard);
}

void
pair_ipv6(struct pair *pair)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct host *h = &pair->host[i];

		h->address6 = (struct bx_net_addr){ { 0xfd, [15] = (uint8_t)(i + 1) } };
		ok(bx_ip_ipv6_start(h->stack.ip, pair->now_us, 0, h->mac, BX_IP_IPV6_SURE));
		ok(bx_ip_address_add(h->stack.ip, 0, &h->address6, 64));
		h->address = h->address6;
	}
}

void
pair_free(struct pair *pair)
{
	for (uint32_t i = 0; i < 2; i++) {
		for (uint32_t j = 0; j < 3; j++)
			free(pair->host[i].memory[j]);
		free(pair->host[i].out_bytes);
		free(pair->host[i].whole_bytes);
		/* A test that made no pair of its own may end after one that did, in the same process. */
		pair->host[i] = (struct host){ 0 };
	}
	wire_free(&pair->wire);
	*pair = (struct pair){ 0 };
}

void
pair_send(struct pair *pair, uint32_t i, const uint8_t *frame, uint32_t length)
{
	uint8_t copy[PAIR_FRAME];

	memcpy(copy, frame, length);
	if (pair->tap == NULL || pair->tap(pair, i, copy, length))
		wire_send(&pair->wire, pair->now_us, i, copy, length);
}

/* What a device sends, and for whom. */
struct sender {
	struct pair *pair;
	uint32_t i;
};

static void
device_sends(void *context, const uint8_t *frame, uint32_t length)
{
	const struct sender *s = context;

	pair_send(s->pair, s->i, frame, length);
}

static void
frame_out(struct pair *pair, uint32_t i, const struct bx_net_batch *batch, const struct bx_net_buf *buf)
{
	struct sender s = { pair, i };
	const char *fault;

	if (!pair->device) {
		pair_send(pair, i, bx_net_bytes(batch, buf), buf->length);
		return;
	}
	fault = device_down(batch, buf, PAIR_MTU, device_sends, &s);
	pair->fault = fault != NULL ? fault : pair->fault;
}

static void
flush(struct pair *pair, uint32_t i)
{
	struct host *h = &pair->host[i];

	for (uint32_t k = 0; k < h->out.count; k++) {
		const struct bx_net_buf *buf = &h->out.bufs[k];

		if (buf->kind == BX_NET_FRAME)
			frame_out(pair, i, &h->out, buf);
		else if (buf->kind != BX_NET_NONE)
			abort();
	}
	bx_net_batch_clear(&h->out);
}

void
pair_output(struct pair *pair, uint32_t i)
{
	struct host *h = &pair->host[i];
	bool more;

	do {
		more = bx_stack_output(&h->stack, pair->now_us, &h->out);
		flush(pair, i);
	} while (more);
}

/* A batch as it is when it has crossed a boundary between processes. */
static void
cross(struct bx_net_batch *batch)
{
	static uint8_t bytes[PAIR_BATCH * (PAIR_WHOLE + 64) + 64];
	uint32_t length;

	ok(bx_net_batch_pack(batch, bytes, sizeof bytes, &length));
	ok(bx_net_batch_unpack(batch, bytes, length));
}

/* The same as bx_stack_receive, but each stage in a process of its own. */
static void
receive_packed(struct pair *pair, struct host *h, struct bx_net_batch *frames)
{
	uint64_t now = pair->now_us;

	bx_link_receive(h->stack.link, now, frames, &h->out);
	cross(frames);
	bx_ip_receive(h->stack.ip, now, frames, &h->out);
	cross(frames);
	bx_transport_receive(h->stack.transport, now, frames, &h->out);
	cross(&h->out);
	if (bx_ip_send(h->stack.ip, now, &h->out, &h->out))
		bx_transport_receive(h->stack.transport, now, &h->out, &h->out);
	cross(&h->out);
	bx_link_send(h->stack.link, now, &h->out, &h->out);
}

/* A frame into the batch of what has come, joined to the one before if it may be. */
static void
gather(struct pair *pair, struct bx_net_batch *frames, const struct flying *f)
{
	struct bx_net_buf *last = frames->count != 0 ? &frames->bufs[frames->count - 1] : NULL, *buf;
	uint32_t length, piece;

	if (last != NULL) {
		length = last->length;
		piece = last->segment_size;
		if (device_join(bx_net_bytes(frames, last), &length, &piece, f->bytes, f->length)) {
			last->length = length;
			last->segment_size = (uint16_t)piece;
			last->flags = BX_NET_F_CUT | BX_NET_F_SUM_GOOD;
			return;
		}
	}
	buf = bx_net_batch_add(frames, pair->device ? DEVICE_FRAME - BX_NET_HEADROOM * 8 : f->length);
	memcpy(bx_net_bytes(frames, buf), f->bytes, f->length);
	buf->length = f->length;
	buf->kind = BX_NET_FRAME;
}

static void
deliver(struct pair *pair, struct flying *f)
{
	static uint8_t bytes[PAIR_GATHER * PAIR_WHOLE];
	struct host *h = &pair->host[f->to];
	struct bx_net_buf bufs[PAIR_GATHER];
	struct bx_net_batch frames;
	uint64_t until = pair->now_us + pair->gather_us;
	uint32_t to = f->to, n = 1;

	bx_net_batch_init(&frames, bytes, sizeof bytes, bufs, PAIR_GATHER, 0);
	gather(pair, &frames, f);
	/* As a device that says at once what has come within a time. */
	while (pair->device && frames.count < PAIR_GATHER && n++ < 64 && wire_next(&pair->wire) <= until &&
	    pair->wire.flying[0].to == to) {
		wire_take(&pair->wire, f);
		pair->now_us = f->at_us > pair->now_us ? f->at_us : pair->now_us;
		gather(pair, &frames, f);
	}
	if (pair->packed)
		receive_packed(pair, h, &frames);
	else
		bx_stack_receive(&h->stack, pair->now_us, &frames, &h->out);
	flush(pair, to);
	if (pair->reader != NULL)
		pair->reader(pair, to);
	pair_output(pair, to);
}

bool
pair_step(struct pair *pair, uint64_t until_us)
{
	uint64_t next[2], at = UINT64_MAX;

	for (uint32_t i = 0; i < 2; i++) {
		next[i] = bx_stack_next(&pair->host[i].stack);
		at = next[i] < at ? next[i] : at;
	}
	if (wire_next(&pair->wire) != UINT64_MAX && wire_next(&pair->wire) <= at) {
		struct flying f;

		if (wire_next(&pair->wire) > until_us)
			return false;
		wire_take(&pair->wire, &f);
		pair->now_us = f.at_us > pair->now_us ? f.at_us : pair->now_us;
		deliver(pair, &f);
		return true;
	}
	if (at == UINT64_MAX || at > until_us)
		return false;
	pair->now_us = at > pair->now_us ? at : pair->now_us;
	for (uint32_t i = 0; i < 2; i++) {
		bx_stack_poll(&pair->host[i].stack, pair->now_us, &pair->host[i].out);
		flush(pair, i);
		pair_output(pair, i);
	}
	return true;
}

void
pair_run(struct pair *pair, uint64_t until_us)
{
	while (pair_step(pair, until_us))
		;
	if (pair->now_us < until_us)
		pair->now_us = until_us;
}

enum bx_err
pair_udp_send(struct pair *pair, uint32_t i, uint64_t end, const struct bx_net_addr *to, uint16_t port,
    const uint8_t *bytes, uint32_t length)
{
	struct host *h = &pair->host[i];
	struct bx_net_buf bufs[64];
	struct bx_net_batch out;
	static uint8_t big[2 * 65536 + 65536];
	enum bx_err err;

	bx_net_batch_init(&out, big, sizeof big, bufs, 64, 0);
	err = bx_udp_send(h->stack.transport, end, &h->address, to, port, bytes, length, &out);
	if (err != BX_OK)
		return err;
	bx_stack_down(&h->stack, pair->now_us, &out);
	for (uint32_t k = 0; k < out.count; k++) {
		if (out.bufs[k].kind == BX_NET_FRAME)
			frame_out(pair, i, &out, &out.bufs[k]);
	}
	return BX_OK;
}

enum bx_err
pair_connect(struct pair *pair, uint32_t i, uint16_t port, uint64_t *connection)
{
	struct host *h = &pair->host[i];
	struct bx_ip_path path;
	enum bx_err err = bx_ip_path(h->stack.ip, pair->now_us, &pair->host[1 - i].address, &path);

	if (err == BX_OK)
		err = bx_tcp_connect(h->stack.transport, pair->now_us, &path.source, 0,
		    &pair->host[1 - i].address, port, path.mtu, connection);
	if (err == BX_OK)
		pair_output(pair, i);
	return err;
}

static enum bx_err
path(void *self, uint64_t now_us, const struct bx_net_addr *destination, struct bx_net_addr *source, uint16_t *mtu)
{
	struct bx_ip_path p;
	enum bx_err err = bx_ip_path(self, now_us, destination, &p);

	if (err == BX_OK) {
		*source = p.source;
		*mtu = p.mtu;
	}
	return err;
}

static bool
own(void *self, const struct bx_net_addr *address)
{
	return bx_ip_is_own(self, address);
}

struct bx_socket_net
pair_net(struct pair *pair, uint32_t host)
{
	return (struct bx_socket_net){ pair->host[host].stack.ip, path, own };
}
