/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_ipv6.c -- fuzz target: hostile IPv6 packets against the IP stage: headers, fragments, ICMPv6, neighbour and router
 * discovery, groups; and IGMP.
 *
 * Input: how the interface starts[1], then steps: kind[1] next[1] from[1] to[1] length[2] bytes.  Kinds: a packet, its
 * sum made good or not; time; a segment down; a datagram taken; a group joined or left.
 */
#include "fuzz.h"

#include <brainix/net_ip.h>

static _Alignas(64) uint8_t ip_block[131072];
static uint8_t in_bytes[8192], out_bytes[65536], whole_bytes[16384];
static struct bx_net_buf in_bufs[2], out_bufs[32], whole_bufs[4];

static struct world {
	struct bx_ip *ip;
	struct bx_net_batch in, out, whole;
	uint64_t now_us;
} world;
/* One state for each way that the interface starts. */
static struct prepared prepared[8];

static struct bx_net_addr
address(const struct world *w, uint32_t which)
{
	struct bx_net_addr a = { { 0 } };
	struct bx_ip_address own;

	switch (which % 8) {
	case 0:
	case 1:
		/* One of its own, as it stands now. */
		if (bx_ip_address_at(w->ip, w->now_us, which / 8 % 4, &own))
			return own.address;
		a.byte[0] = 0xfd;
		a.byte[15] = 1;
		return a;
	case 2:
		a.byte[0] = 0xff;
		a.byte[1] = 2;
		a.byte[15] = which / 8 % 2 != 0 ? 1 : 0x16;
		return a;
	case 3:
		if (bx_ip_address_at(w->ip, w->now_us, which / 8 % 4, &own))
			memcpy(a.byte + 13, own.address.byte + 13, 3);
		a.byte[0] = 0xff;
		a.byte[1] = 2;
		a.byte[11] = 1;
		a.byte[12] = 0xff;
		return a;
	case 4:
		return a;
	case 5:
		a.byte[0] = 0xfe;
		a.byte[1] = 0x80;
		break;
	case 6:
		a.byte[0] = 0xfd;
		break;
	default:
		a.byte[0] = 0x20;
		a.byte[1] = 1;
		break;
	}
	a.byte[15] = (uint8_t)(2 + which / 8);
	return a;
}

static void
start(struct world *w, uint32_t flags, struct prepared *p)
{
	struct bx_ip_config config = {
		.routes = 6, .destinations = 4, .reassemblies = 2, .reassembly_bytes = 4096, .neighbours = 4,
		.waiting = 3, .waiting_bytes = 1500, .seed = 1, .stable = { 1, 2 },
	};
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct bx_net_addr own = { { 0xfd, [15] = 1 } }, ipv4 = bx_net_ipv4(10, 0, 0, 1);

	memset(w, 0, sizeof *w);
	w->now_us = 1000000;
	must(bx_ip_init(ip_block, sizeof ip_block, &config, &w->ip) == BX_OK);
	must(bx_ip_interface_set(w->ip, 0, 1500) == BX_OK);
	must(bx_ip_address_add(w->ip, 0, &ipv4, 24) == BX_OK);
	must(bx_ip_ipv6_start(w->ip, w->now_us, 0, mac, flags % 4) == BX_OK);
	must(bx_ip_address_add(w->ip, 0, &own, 64) == BX_OK);
	bx_net_batch_init(&w->in, in_bytes, sizeof in_bytes, in_bufs, 2, 0);
	bx_net_batch_init(&w->out, out_bytes, flags & 4 ? 512 : sizeof out_bytes, out_bufs, 32, 0);
	bx_net_batch_init(&w->whole, whole_bytes, sizeof whole_bytes, whole_bufs, 4, 0);
	prepared_add(p, w, sizeof *w);
	prepared_add(p, ip_block, bx_ip_size(&config));
}

/* What goes out must be well formed, whatever came in. */
static void
look_at_output(struct world *w)
{
	must(bx_net_batch_check(&w->out) == BX_OK);
	for (uint32_t i = 0; i < w->out.count; i++) {
		const struct bx_net_buf *buf = &w->out.bufs[i];
		const uint8_t *p = bx_net_bytes(&w->out, buf);
		struct bx_net_addr from, to;
		uint32_t n;

		if (buf->kind == BX_NET_NONE)
			continue;
		must(buf->kind == BX_NET_IPV4 || buf->kind == BX_NET_IPV6 || buf->kind == BX_NET_UNREACHABLE);
		must(buf->length <= 1500);
		if (buf->kind != BX_NET_IPV6)
			continue;
		must(p[0] >> 4 == 6 && buf->length >= 40 && bx_get_be16(p + 4) == buf->length - 40);
		n = buf->length - 40;
		memcpy(from.byte, p + 8, 16);
		memcpy(to.byte, p + 24, 16);
		if (p[6] == 58)
			must(bx_net_sum(p + 40, n, bx_net_sum_pseudo(&from, &to, 58, n)) == 0xffff);
	}
	bx_net_batch_clear(&w->out);
}

static void
packet_step(struct world *w, struct input *in, uint32_t kind)
{
	uint32_t next = take(in, 1), n;
	struct bx_net_addr from = address(w, take(in, 1)), to = address(w, take(in, 1));
	struct bx_net_buf *buf;
	uint8_t bytes[2000];
	uint8_t *p;

	n = take_bytes(in, bytes, sizeof bytes);
	bx_net_batch_clear(&w->in);
	buf = bx_net_batch_add(&w->in, 40 + n);
	p = bx_net_bytes(&w->in, buf);
	memset(p, 0, 40);
	p[0] = 0x60;
	bx_put_be16(p + 4, (uint16_t)n);
	p[6] = (uint8_t)next;
	p[7] = kind & 8 ? 64 : kind & 16 ? 1 : 255;
	memcpy(p + 8, from.byte, 16);
	memcpy(p + 24, to.byte, 16);
	memcpy(p + 40, bytes, n);
	if (next == 58 && n >= 4) {
		bx_put_be16(p + 42, 0);
		bx_put_be16(p + 42, bx_net_sum_final(bx_net_sum(p + 40, n, bx_net_sum_pseudo(&from, &to, 58, n))));
	}
	buf->kind = BX_NET_IPV6;
	if ((kind & 32) != 0) {
		/* The whole packet is the input's, of either family. */
		bx_net_pull(buf, 40);
		buf->kind = kind & 64 ? BX_NET_IPV4 : BX_NET_IPV6;
	}
	buf->flags = bx_net_addr_is_group(&to) ? BX_NET_F_MULTICAST : 0;
	bx_ip_receive(w->ip, w->now_us, &w->in, &w->out);
	must(buf->kind == BX_NET_NONE || buf->kind == BX_NET_SEGMENT || buf->kind == BX_NET_UNREACHABLE);
	must(bx_net_batch_check(&w->in) == BX_OK);
}

static void
send_step(struct world *w, struct input *in)
{
	struct bx_net_addr from = address(w, take(in, 1)), to = address(w, take(in, 1));
	uint32_t n = take(in, 2) % 4000;
	struct bx_net_buf *buf;

	bx_net_batch_clear(&w->in);
	buf = bx_net_batch_add(&w->in, n);
	memset(bx_net_bytes(&w->in, buf), 7, n);
	buf->kind = BX_NET_SEGMENT;
	buf->protocol = 17;
	buf->source = from;
	buf->destination = to;
	bx_ip_send(w->ip, w->now_us, &w->in, &w->out);
	must(bx_net_batch_check(&w->in) == BX_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct world *w = &world;
	uint32_t flags = take(&in, 1) & 7;

	if (prepared[flags].made)
		prepared_restore(&prepared[flags]);
	else
		start(w, flags, &prepared[flags]);
	for (uint32_t i = 0; i < 64 && in.size != 0; i++) {
		uint32_t kind = take(&in, 1);
		struct bx_net_addr a;
		enum bx_err err;

		switch (kind % 8) {
		case 4:
			send_step(w, &in);
			break;
		case 5:
			w->now_us += (uint64_t)take(&in, 2) * 100000;
			bx_ip_poll(w->ip, w->now_us, &w->out);
			break;
		case 6:
			a = address(w, take(&in, 1));
			err = kind & 8 ? bx_ip_group_join(w->ip, w->now_us, 0, &a) :
			    bx_ip_group_leave(w->ip, w->now_us, 0, &a);
			must(err <= BX_OK);
			break;
		default:
			packet_step(w, &in, kind);
			break;
		}
		while (bx_ip_whole_ready(w->ip)) {
			bx_net_batch_clear(&w->whole);
			bx_ip_whole_take(w->ip, w->now_us, &w->whole, &w->out);
		}
		look_at_output(w);
	}
	return 0;
}
