/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_dhcp.c -- the DHCP client: its parser, and its state machine against a server that these tests play, on two stacks
 * joined by a wire (pair.h).  Host 0 has no address; host 1, 10.0.0.2, serves.
 */
#include <string.h>

#include <check.h>

#include <brainix/net_dhcp.h>

#include "../../tests/unit/suite.h"
#include "pair.h"

#define S	((uint64_t)1000000)

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
static const struct bx_net_addr any;
static struct pair pair;
static struct bx_dhcp dhcp;
static uint64_t server;
static uint8_t asked[600];		/* the last message of the client */
static uint32_t asked_length;
static struct bx_net_addr asked_to;

/* ---- messages ---- */

struct message {
	uint8_t bytes[800];
	uint32_t length;
};

static void
option(struct message *m, uint8_t code, uint8_t length, const uint8_t *content)
{
	m->bytes[m->length++] = code;
	m->bytes[m->length++] = length;
	memcpy(m->bytes + m->length, content, length);
	m->length += length;
}

static void
number(struct message *m, uint8_t code, uint32_t value)
{
	uint8_t b[4];

	bx_put_be32(b, value);
	option(m, code, 4, b);
}

/* An answer without its end. */
static struct message
reply(uint32_t xid, uint8_t type, uint32_t address)
{
	struct message m = { .length = 240 };

	m.bytes[0] = 2;
	m.bytes[1] = 1;
	m.bytes[2] = 6;
	bx_put_be32(m.bytes + 4, xid);
	bx_put_be32(m.bytes + 16, address);
	memcpy(m.bytes + 28, mac, 6);
	bx_put_be32(m.bytes + 236, 0x63825363);
	option(&m, 53, 1, &type);
	number(&m, 54, 0x0a000002);
	return m;
}

static struct message
lease(uint32_t xid, uint8_t type)
{
	struct message m = reply(xid, type, 0x0a000032);

	number(&m, 51, 1000);
	number(&m, 1, 0xffffff00);
	number(&m, 3, 0x0a000001);
	option(&m, 6, 8, (const uint8_t[8]){ 10, 0, 0, 53, 10, 0, 0, 54 });
	option(&m, 26, 2, (const uint8_t[2]){ 0x05, 0x78 });
	return m;
}

static enum bx_err
parse(const struct message *m, struct bx_dhcp_message *parsed)
{
	return bx_dhcp_message_parse(m->bytes, m->length, 77, mac, parsed);
}

START_TEST(leases)
{
	struct message m = lease(77, 5);
	struct bx_dhcp_message p;

	m.bytes[m.length++] = 255;
	ck_assert_int_eq(parse(&m, &p), BX_OK);
	ck_assert_uint_eq(p.type, BX_DHCP_ACK);
	ck_assert_uint_eq(bx_get_be32(p.lease.address.byte + 12), 0x0a000032);
	ck_assert_uint_eq(bx_get_be32(p.lease.server.byte + 12), 0x0a000002);
	ck_assert_uint_eq(p.lease.prefix, 24);
	ck_assert_uint_eq(p.lease.mtu, 1400);
	ck_assert_uint_eq(p.lease.dns_count, 2);
	ck_assert_uint_eq(bx_get_be32(p.lease.dns[1].byte + 12), 0x0a000036);
	ck_assert_uint_eq(p.lease.route_count, 1);
	ck_assert_uint_eq(p.lease.routes[0].prefix, 0);
	ck_assert_uint_eq(bx_get_be32(p.lease.routes[0].gateway.byte + 12), 0x0a000001);
	ck_assert_uint_eq(p.lease.lifetime_s, 1000);
	ck_assert_uint_eq(p.lease.renew_s, 500);
	ck_assert_uint_eq(p.lease.rebind_s, 875);
	/* Times of the server, if they are in order. */
	m.length--;
	number(&m, 58, 100);
	number(&m, 59, 200);
	ck_assert_int_eq(parse(&m, &p), BX_OK);
	ck_assert_uint_eq(p.lease.renew_s, 100);
	ck_assert_uint_eq(p.lease.rebind_s, 200);
	m = lease(77, 5);
	number(&m, 58, 900);
	number(&m, 59, 2000);
	ck_assert_int_eq(parse(&m, &p), BX_OK);
	ck_assert_uint_eq(p.lease.rebind_s, 875);
	ck_assert_uint_eq(p.lease.renew_s, 437);
	/* RFC 3442: routes in place of the router; bits beyond the prefix are ignored. */
	m = lease(77, 5);
	option(&m, 121, 5 + 8 + 7, (const uint8_t[20]){
	    0, 10, 0, 0, 9, 20, 192, 168, 0xff, 10, 0, 0, 8, 9, 20, 0xff, 0, 0, 0, 0 });
	ck_assert_int_eq(parse(&m, &p), BX_OK);
	ck_assert_uint_eq(p.lease.route_count, 3);
	ck_assert_uint_eq(p.lease.routes[0].gateway.byte[15], 9);
	ck_assert_uint_eq(p.lease.routes[1].prefix, 20);
	ck_assert_uint_eq(bx_get_be32(p.lease.routes[1].network.byte + 12), 0xc0a8f000);
	ck_assert(bx_net_addr_is_any(&p.lease.routes[2].gateway));
	ck_assert_uint_eq(bx_get_be32(p.lease.routes[2].network.byte + 12), 0x14800000);
	/* For ever. */
	m = reply(77, 5, 0x0a000032);
	number(&m, 51, UINT32_MAX);
	ck_assert_int_eq(parse(&m, &p), BX_OK);
	ck_assert_uint_eq(p.lease.renew_s, UINT32_MAX);
	ck_assert_uint_eq(p.lease.prefix, 8);
	ck_assert_uint_eq(p.lease.route_count, 0);
	/* What overflowed into the other fields (RFC 2131, 4.1). */
	m = reply(77, 2, 0x0a000032);
	option(&m, 52, 1, (const uint8_t[1]){ 3 });
	memcpy(m.bytes + 108, ((const uint8_t[7]){ 51, 4, 0, 0, 1, 0, 255 }), 7);
	memcpy(m.bytes + 44, ((const uint8_t[7]){ 1, 4, 255, 255, 0, 0, 255 }), 7);
	ck_assert_int_eq(parse(&m, &p), BX_OK);
	ck_assert_uint_eq(p.lease.lifetime_s, 256);
	ck_assert_uint_eq(p.lease.prefix, 16);
}
END_TEST

START_TEST(refused)
{
	struct bx_dhcp_message p, poison;
	struct message m;

	memset(&poison, 0xee, sizeof poison);
#define REFUSED(start, change, result) do { \
		memcpy(&p, &poison, sizeof p); \
		m = start; \
		change; \
		ck_assert_int_eq(parse(&m, &p), result); \
		ck_assert_mem_eq(&p, &poison, sizeof p); \
	} while (0)
	REFUSED(lease(77, 5), m.length = 239, BX_ERR_FORMAT);
	REFUSED(lease(77, 5), m.bytes[0] = 1, BX_ERR_FORMAT);
	REFUSED(lease(77, 5), m.bytes[239] = 0, BX_ERR_FORMAT);
	REFUSED(lease(77, 5), m.bytes[1] = 6, BX_ERR_NOT_FOUND);
	REFUSED(lease(77, 5), m.bytes[2] = 16, BX_ERR_NOT_FOUND);
	REFUSED(lease(78, 5), (void)0, BX_ERR_NOT_FOUND);
	REFUSED(lease(77, 5), m.bytes[33]++, BX_ERR_NOT_FOUND);
	REFUSED(lease(77, 1), (void)0, BX_ERR_FORMAT);
	REFUSED(lease(77, 5), m.bytes[241] = 2, BX_ERR_FORMAT);		/* a type of two bytes */
	REFUSED(lease(77, 5), m.bytes[243] = 55, BX_ERR_FORMAT);		/* no server */
	REFUSED(lease(77, 5), m.bytes[245] = 127, BX_ERR_FORMAT);		/* a server that is none */
	REFUSED(lease(77, 5), m.bytes[16] = 224, BX_ERR_FORMAT);
	REFUSED(lease(77, 5), m.bytes[16] = 0, BX_ERR_FORMAT);
	REFUSED(lease(77, 5), m.bytes[249] = 60, BX_ERR_FORMAT);		/* no lifetime */
	REFUSED(lease(77, 5), memset(m.bytes + 251, 0, 4), BX_ERR_FORMAT);	/* a lifetime of none */
	REFUSED(lease(77, 5), m.bytes[257] = 0, BX_ERR_FORMAT);		/* a mask with a hole */
	REFUSED(lease(77, 5), m.length -= 1, BX_ERR_FORMAT);		/* an option beyond the end */
	REFUSED(lease(77, 5), option(&m, 121, 5, (const uint8_t[5]){ 33 }), BX_ERR_FORMAT);
	REFUSED(lease(77, 5), option(&m, 121, 4, (const uint8_t[5]){ 0 }), BX_ERR_FORMAT);
	REFUSED(lease(77, 5), option(&m, 52, 2, (const uint8_t[2]){ 1 }), BX_ERR_FORMAT);
	REFUSED(lease(77, 5), (option(&m, 52, 1, (const uint8_t[1]){ 1 }), m.bytes[108] = 1, m.bytes[109] = 200), BX_ERR_FORMAT);
	REFUSED(lease(77, 5), (option(&m, 52, 1, (const uint8_t[1]){ 2 }), m.bytes[44] = 1, m.bytes[45] = 63), BX_ERR_FORMAT);
	REFUSED(reply(77, 5, 0x0a000032), (number(&m, 51, 9), option(&m, 3, 2, (const uint8_t[2]){ 1 })), BX_ERR_FORMAT);
}
END_TEST

/* ---- the client ---- */

static void
set_up(void)
{
	struct bx_dhcp_config config = { .random = 5 };
	uint16_t port;

	pair_init(&pair, 1, NULL);
	ck_assert_int_eq(bx_ip_address_remove(pair.host[0].stack.ip, &pair.host[0].address), BX_OK);
	bx_link_address_remove(pair.host[0].stack.link, &pair.host[0].address);
	ck_assert_int_eq(bx_udp_open(pair.host[1].stack.transport, &any, 67, &server, &port), BX_OK);
	memcpy(config.mac, mac, 6);
	ck_assert_int_eq(bx_dhcp_start(&dhcp, pair.now_us, &config), BX_OK);
	asked_length = 0;
}

static void
tear_down(void)
{
	pair_free(&pair);
}

/* Puts what the client says on the wire. */
static void
send_off(struct bx_net_batch *out)
{
	bx_stack_down(&pair.host[0].stack, pair.now_us, out);
	for (uint32_t k = 0; k < out->count; k++) {
		if (out->bufs[k].kind == BX_NET_FRAME)
			pair_send(&pair, 0, bx_net_bytes(out, &out->bufs[k]), out->bufs[k].length);
	}
	bx_net_batch_clear(out);
}

static enum bx_dhcp_news
poll_client(void)
{
	static uint8_t bytes[8192];
	struct bx_net_buf bufs[8];
	struct bx_net_batch out;
	enum bx_dhcp_news news;

	bx_net_batch_init(&out, bytes, sizeof bytes, bufs, 8, 0);
	news = bx_dhcp_poll(&dhcp, pair.host[0].stack.transport, pair.now_us, &out);
	send_off(&out);
	return news;
}

/* Lets `us` pass; the last question of the client is kept.  Ends with the first news. */
static enum bx_dhcp_news
run(uint64_t us)
{
	uint64_t end = pair.now_us + us;
	enum bx_dhcp_news news = poll_client();
	struct bx_udp_from from;
	uint8_t bytes[600];
	uint32_t n;

	while (news == BX_DHCP_NOTHING && pair.now_us < end) {
		uint64_t until = bx_dhcp_next(&dhcp) < end ? bx_dhcp_next(&dhcp) : end;

		if (!pair_step(&pair, until) && pair.now_us < until)
			pair.now_us = until;
		while (bx_udp_receive(pair.host[1].stack.transport, server, bytes, sizeof bytes, &n, &from) == BX_OK) {
			memcpy(asked, bytes, n);
			asked_length = n;
			asked_to = from.local;
		}
		news = poll_client();
	}
	return news;
}

static const uint8_t *
asked_option(uint8_t code)
{
	uint32_t at = 240;

	while (at + 1 < asked_length && asked[at] != 255) {
		if (asked[at] == code)
			return asked + at + 2;
		at += asked[at] == 0 ? 1 : 2u + asked[at + 1];
	}
	return NULL;
}

/* The type of the client's last question, once. */
static uint8_t
question(void)
{
	const uint8_t *type = asked_length != 0 ? asked_option(53) : NULL;
	uint8_t t = type != NULL ? *type : 0;

	asked_length = 0;
	return t;
}

static void
serve(const struct message *m, const struct bx_net_addr *to)
{
	const struct bx_net_addr all = bx_net_ipv4(255, 255, 255, 255);
	struct message copy = *m;

	copy.bytes[copy.length++] = 255;
	ck_assert_int_eq(pair_udp_send(&pair, 1, server, to != NULL ? to : &all, 68, copy.bytes, copy.length), BX_OK);
}

static void
serve_lease(uint8_t type, const struct bx_net_addr *to)
{
	struct message m = lease(dhcp.xid, type);

	serve(&m, to);
}

/* Through the first exchange to a lease, and it is configured. */
static void
get_bound(void)
{
	ck_assert_int_eq(run(S), BX_DHCP_NOTHING);
	ck_assert_uint_eq(question(), BX_DHCP_DISCOVER);
	serve_lease(2, NULL);
	ck_assert_int_eq(run(S), BX_DHCP_NOTHING);
	ck_assert_uint_eq(question(), BX_DHCP_REQUEST);
	serve_lease(5, NULL);
	ck_assert_int_eq(run(S), BX_DHCP_BOUND);
	ck_assert_int_eq(bx_ip_address_add(pair.host[0].stack.ip, 0, &dhcp.lease.address, dhcp.lease.prefix), BX_OK);
	ck_assert_int_eq(bx_link_address_add(pair.host[0].stack.link, pair.now_us, &dhcp.lease.address, false), BX_OK);
}

START_TEST(first_lease)
{
	ck_assert_int_eq(run(S), BX_DHCP_NOTHING);
	/* Table 5: broadcast, from nobody, no server named. */
	ck_assert_uint_ge(asked_length, 300);
	ck_assert_uint_eq(asked[0], 1);
	ck_assert_uint_eq(bx_get_be16(asked + 10), 0x8000);
	ck_assert_uint_eq(bx_get_be32(asked + 12), 0);
	ck_assert_mem_eq(asked + 28, mac, 6);
	ck_assert(asked_option(54) == NULL && asked_option(50) == NULL && asked_option(55) != NULL);
	ck_assert_mem_eq(asked_option(61), ((const uint8_t[7]){ 1, 2, 0, 0, 0, 0, 1 }), 7);
	ck_assert_uint_eq(question(), BX_DHCP_DISCOVER);
	/* An acknowledgement that nobody asked for is passed over. */
	serve_lease(5, NULL);
	ck_assert_int_eq(run(S / 10), BX_DHCP_NOTHING);
	ck_assert_uint_eq(dhcp.state, BX_DHCP_STATE_SELECTING);
	serve_lease(2, NULL);
	ck_assert_int_eq(run(S / 10), BX_DHCP_NOTHING);
	ck_assert_uint_eq(bx_get_be32(asked_option(50)), 0x0a000032);
	ck_assert_uint_eq(bx_get_be32(asked_option(54)), 0x0a000002);
	ck_assert_uint_eq(question(), BX_DHCP_REQUEST);
	/* Another server has no say. */
	{
		struct message m = lease(dhcp.xid, 6);

		m.bytes[248] = 9;
		serve(&m, NULL);
		m = lease(dhcp.xid, 5);
		m.bytes[248] = 9;
		serve(&m, NULL);
	}
	ck_assert_int_eq(run(S / 10), BX_DHCP_NOTHING);
	ck_assert_uint_eq(dhcp.state, BX_DHCP_STATE_REQUESTING);
	serve_lease(5, NULL);
	ck_assert_int_eq(run(S / 10), BX_DHCP_BOUND);
	ck_assert_uint_eq(bx_get_be32(dhcp.lease.address.byte + 12), 0x0a000032);
	ck_assert_uint_ge(bx_dhcp_next(&dhcp), pair.now_us + 499 * S);
	ck_assert_int_eq(dhcp.error, BX_OK);
}
END_TEST

/* RFC 2131, 4.1: 4, 8, 16, 32, 64, 64 seconds, each a second more or less. */
START_TEST(silence)
{
	static const uint64_t waits[] = { 4, 8, 16, 32, 64, 64 };
	uint64_t before = pair.now_us;

	for (uint32_t i = 0; i < BX_ARRAY_COUNT(waits); i++) {
		ck_assert_int_eq(run(2000), BX_DHCP_NOTHING);
		ck_assert_uint_eq(question(), BX_DHCP_DISCOVER);
		ck_assert_uint_ge(bx_dhcp_next(&dhcp) - before, (waits[i] - 1) * S);
		ck_assert_uint_le(bx_dhcp_next(&dhcp) - before, (waits[i] + 1) * S);
		before = bx_dhcp_next(&dhcp);
		ck_assert_int_eq(run(before - pair.now_us), BX_DHCP_NOTHING);
	}
	/* Offered, then silence: four requests, and from the beginning. */
	serve_lease(2, NULL);
	ck_assert_int_eq(run(55 * S), BX_DHCP_NOTHING);
	ck_assert_uint_eq(question(), BX_DHCP_REQUEST);
	ck_assert_int_eq(run(15 * S), BX_DHCP_NOTHING);
	ck_assert_uint_eq(question(), BX_DHCP_DISCOVER);
	ck_assert_uint_eq(dhcp.state, BX_DHCP_STATE_SELECTING);
}
END_TEST

START_TEST(refusal)
{
	ck_assert_int_eq(run(S), BX_DHCP_NOTHING);
	serve_lease(2, NULL);
	ck_assert_int_eq(run(S), BX_DHCP_NOTHING);
	serve_lease(6, NULL);
	ck_assert_int_eq(run(S / 10), BX_DHCP_NOTHING);
	ck_assert_uint_eq(dhcp.state, BX_DHCP_STATE_INIT);
	question();
	ck_assert_int_eq(run(2 * S), BX_DHCP_NOTHING);
	ck_assert_uint_eq(question(), BX_DHCP_DISCOVER);
}
END_TEST

/* T1: by unicast from the address; T2: by broadcast; the end: lost. */
START_TEST(renewing)
{
	uint64_t start;

	get_bound();
	start = pair.now_us;
	question();
	ck_assert_int_eq(run(495 * S), BX_DHCP_NOTHING);
	ck_assert_uint_eq(question(), 0);
	ck_assert_int_eq(run(10 * S), BX_DHCP_NOTHING);
	ck_assert_uint_eq(dhcp.state, BX_DHCP_STATE_RENEWING);
	ck_assert(bx_net_addr_equal(&asked_to, &pair.host[1].address));
	ck_assert_uint_eq(bx_get_be32(asked + 12), 0x0a000032);
	ck_assert(asked_option(50) == NULL && asked_option(54) == NULL);
	ck_assert_uint_eq(question(), BX_DHCP_REQUEST);
	if (_i == 0) {
		serve_lease(5, &dhcp.lease.address);
		ck_assert_int_eq(run(S), BX_DHCP_RENEWED);
		ck_assert_uint_eq(dhcp.state, BX_DHCP_STATE_BOUND);
		ck_assert_uint_ge(bx_dhcp_next(&dhcp), pair.now_us + 498 * S);
		return;
	}
	if (_i == 1) {
		serve_lease(6, &dhcp.lease.address);
		ck_assert_int_eq(run(S), BX_DHCP_LOST);
		ck_assert_int_eq(run(S), BX_DHCP_NOTHING);
		ck_assert_uint_eq(question(), BX_DHCP_DISCOVER);
		return;
	}
	ck_assert_int_eq(run(start + 880 * S - pair.now_us), BX_DHCP_NOTHING);
	ck_assert_uint_eq(dhcp.state, BX_DHCP_STATE_REBINDING);
	ck_assert_uint_eq(asked_to.byte[15], 255);
	ck_assert_uint_eq(question(), BX_DHCP_REQUEST);
	if (_i == 2) {
		serve_lease(5, &dhcp.lease.address);
		ck_assert_int_eq(run(S), BX_DHCP_RENEWED);
		return;
	}
	ck_assert_int_eq(run(200 * S), BX_DHCP_LOST);
	ck_assert_uint_ge(pair.now_us, start + 999 * S);
	ck_assert_uint_le(pair.now_us, start + 1001 * S);
	/* The caller takes the address away, and it begins again. */
	ck_assert_int_eq(bx_ip_address_remove(pair.host[0].stack.ip, &dhcp.lease.address), BX_OK);
	ck_assert_int_eq(run(S), BX_DHCP_NOTHING);
	ck_assert_uint_eq(question(), BX_DHCP_DISCOVER);
}
END_TEST

/* RFC 2131, 3.2: it asks for what it had. */
START_TEST(rebooting)
{
	struct bx_dhcp_config config = { .random = 6, .address = bx_net_ipv4(10, 0, 0, 50) };

	memcpy(config.mac, mac, 6);
	ck_assert_int_eq(bx_dhcp_start(&dhcp, pair.now_us, &config), BX_OK);
	ck_assert_int_eq(run(S), BX_DHCP_NOTHING);
	ck_assert_uint_eq(bx_get_be32(asked_option(50)), 0x0a000032);
	ck_assert(asked_option(54) == NULL);
	ck_assert_uint_eq(question(), BX_DHCP_REQUEST);
	serve_lease(_i == 0 ? 5 : 6, NULL);
	ck_assert_int_eq(run(S / 2), _i == 0 ? BX_DHCP_BOUND : BX_DHCP_NOTHING);
	if (_i == 0)
		return;
	ck_assert_int_eq(run(2 * S), BX_DHCP_NOTHING);
	ck_assert_uint_eq(question(), BX_DHCP_DISCOVER);
}
END_TEST

START_TEST(ends)
{
	static uint8_t bytes[8192];
	struct bx_net_buf bufs[8];
	struct bx_net_batch out;

	bx_net_batch_init(&out, bytes, sizeof bytes, bufs, 8, 0);
	ck_assert_int_eq(bx_dhcp_decline(&dhcp, pair.host[0].stack.transport, pair.now_us, &out), BX_ERR_STATE);
	get_bound();
	if (_i == 0) {
		ck_assert_int_eq(bx_dhcp_decline(&dhcp, pair.host[0].stack.transport, pair.now_us, &out), BX_OK);
		ck_assert_int_eq(bx_ip_address_remove(pair.host[0].stack.ip, &dhcp.lease.address), BX_OK);
		send_off(&out);
		ck_assert_int_eq(run(S), BX_DHCP_NOTHING);
		ck_assert_uint_eq(bx_get_be32(asked_option(50)), 0x0a000032);
		ck_assert_uint_eq(bx_get_be32(asked_option(54)), 0x0a000002);
		ck_assert_uint_eq(question(), BX_DHCP_DECLINE);
		ck_assert_int_eq(run(8 * S), BX_DHCP_NOTHING);
		ck_assert_uint_eq(question(), 0);
		ck_assert_int_eq(run(2 * S), BX_DHCP_NOTHING);
		ck_assert_uint_eq(question(), BX_DHCP_DISCOVER);
		return;
	}
	ck_assert_int_eq(bx_dhcp_release(&dhcp, pair.host[0].stack.transport, &out), BX_OK);
	send_off(&out);
	pair_run(&pair, pair.now_us + S);
	{
		struct bx_udp_from from;

		ck_assert_int_eq(bx_udp_receive(pair.host[1].stack.transport, server, asked, sizeof asked, &asked_length,
		    &from), BX_OK);
		ck_assert_uint_eq(bx_get_be32(asked + 12), 0x0a000032);
		ck_assert_uint_eq(question(), BX_DHCP_RELEASE);
	}
	ck_assert_uint_eq(bx_dhcp_next(&dhcp), BX_DHCP_NEVER);
	ck_assert_int_eq(run(100 * S), BX_DHCP_NOTHING);
	ck_assert_uint_eq(bx_transport_usage(pair.host[0].stack.transport).udp_ends, 0);
	ck_assert_int_eq(bx_dhcp_release(&dhcp, pair.host[0].stack.transport, &out), BX_OK);
}
END_TEST

START_TEST(start_refuses)
{
	struct bx_dhcp_config config = { .mac = { 1 } };
	struct bx_dhcp before = dhcp;
	uint64_t end[4];
	uint16_t port;

	ck_assert_int_eq(bx_dhcp_start(&dhcp, 0, &config), BX_ERR_INVALID);
	config.mac[0] = 2;
	config.address.byte[0] = 0xfd;
	ck_assert_int_eq(bx_dhcp_start(&dhcp, 0, &config), BX_ERR_INVALID);
	ck_assert_mem_eq(&dhcp, &before, sizeof dhcp);
	/* No end of UDP to be had: it says so, and tries again. */
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_int_eq(bx_udp_open(pair.host[0].stack.transport, &any, 0, &end[i], &port), BX_OK);
	ck_assert_int_eq(run(S), BX_DHCP_NOTHING);
	ck_assert_int_eq(dhcp.error, BX_ERR_NO_MEMORY);
	ck_assert_int_eq(bx_udp_close(pair.host[0].stack.transport, end[0]), BX_OK);
	ck_assert_int_eq(run(6 * S), BX_DHCP_NOTHING);
	ck_assert_uint_eq(question(), BX_DHCP_DISCOVER);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("net_dhcp");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, leases);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, first_lease);
	tcase_add_test(tc, silence);
	tcase_add_test(tc, refusal);
	tcase_add_loop_test(tc, renewing, 0, 4);
	tcase_add_loop_test(tc, rebooting, 0, 2);
	tcase_add_loop_test(tc, ends, 0, 2);
	tcase_add_test(tc, start_refuses);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
