/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_dns.c -- DNS messages, and the resolver against a scripted server on the other host of a pair.
 */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include <brainix/net_dns.h>

#include "../../tests/unit/suite.h"
#include "pair.h"

static uint8_t m[2048];
static uint32_t length;
static struct bx_dns_name www;

static void
put(const void *bytes, uint32_t n)
{
	memcpy(m + length, bytes, n);
	length += n;
}

/* A response to www.a. */
static void
begin(uint8_t flags, uint8_t rcode, uint8_t answers, uint8_t authorities)
{
	const uint8_t head[] = { 0, 7, (uint8_t)(0x81 | flags), (uint8_t)(0x80 | rcode), 0, 1, 0, answers, 0, authorities,
		0, 0, 3, 'w', 'W', 'w', 1, 'a', 0, 0, 1, 0, 1 };

	length = 0;
	put(head, sizeof head);
	ck_assert_int_eq(bx_dns_name_set("www.a", 5, &www), BX_OK);
}

static void
record(const void *owner, uint32_t owner_length, uint8_t type, uint8_t lifetime, const void *data, uint8_t n)
{
	const uint8_t fixed[] = { 0, type, 0, 1, 0, 0, 0, lifetime, 0, n };

	put(owner, owner_length);
	put(fixed, sizeof fixed);
	put(data, n);
}

static const uint8_t asked[] = { 0xc0, 12 }, name_b[] = { 1, 'b', 0 }, ten[] = { 10, 0, 0, 9 };
static const uint8_t soa[] = { 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 50 };

static struct bx_dns_answer answer, poison;

static enum bx_err
parse(void)
{
	uint8_t *exact = malloc(length);
	enum bx_err err;

	memset(&poison, 0x5a, sizeof poison);
	answer = poison;
	memcpy(exact, m, length);
	err = bx_dns_message_parse(exact, length, &www, BX_DNS_A, &answer);
	free(exact);
	if (err != BX_OK && err != BX_ERR_AGAIN && err != BX_ERR_NOT_FOUND)
		ck_assert_mem_eq(&answer, &poison, sizeof answer);
	return err;
}

START_TEST(names)
{
	struct bx_dns_name n;
	char text[256];

	ck_assert_int_eq(bx_dns_name_set("A.bC.", 5, &n), BX_OK);
	ck_assert_uint_eq(n.length, 6);
	ck_assert_mem_eq(n.bytes, "\1a\2bc", 6);
	ck_assert_int_eq(bx_dns_name_set("", 0, &n), BX_ERR_FORMAT);
	ck_assert_int_eq(bx_dns_name_set(".", 1, &n), BX_ERR_FORMAT);
	ck_assert_int_eq(bx_dns_name_set("a..b", 4, &n), BX_ERR_FORMAT);
	ck_assert_int_eq(bx_dns_name_set("a b", 3, &n), BX_ERR_FORMAT);
	memset(text, 'x', sizeof text);
	ck_assert_int_eq(bx_dns_name_set(text, 63, &n), BX_OK);
	ck_assert_int_eq(bx_dns_name_set(text, 64, &n), BX_ERR_FORMAT);
	text[63] = text[127] = text[191] = '.';
	ck_assert_int_eq(bx_dns_name_set(text, 253, &n), BX_OK);
	ck_assert_uint_eq(n.length, 255);
	ck_assert_int_eq(bx_dns_name_set(text, 254, &n), BX_ERR_FORMAT);
}
END_TEST

START_TEST(answers_and_aliases)
{
	begin(0, 0, 1, 0);
	record(asked, 2, 1, 30, ten, 4);
	ck_assert_int_eq(parse(), BX_OK);
	ck_assert_uint_eq(answer.count, 1);
	ck_assert_uint_eq(answer.lifetime_s, 30);
	ck_assert_mem_eq(answer.addresses[0].byte + 12, ten, 4);
	ck_assert(bx_dns_message_matches(m, length, 7, &www, BX_DNS_A));
	ck_assert(!bx_dns_message_matches(m, length, 8, &www, BX_DNS_A));
	ck_assert(!bx_dns_message_matches(m, length, 7, &www, BX_DNS_AAAA));
	m[13] = 'x';
	ck_assert(!bx_dns_message_matches(m, length, 7, &www, BX_DNS_A));

	/* The address stands before its alias. */
	begin(0, 0, 2, 0);
	record(name_b, 3, 1, 30, ten, 4);
	record(asked, 2, 5, 20, name_b, 3);
	ck_assert_int_eq(parse(), BX_OK);
	ck_assert_uint_eq(answer.lifetime_s, 20);
	ck_assert_mem_eq(answer.name.bytes, name_b, 3);

	begin(0, 0, 1, 0);
	record(asked, 2, 5, 20, name_b, 3);
	ck_assert_int_eq(parse(), BX_ERR_AGAIN);
	ck_assert_uint_eq(answer.count, 1);
	begin(0, 0, 1, 0);
	record(asked, 2, 5, 20, asked, 2);
	ck_assert_int_eq(parse(), BX_ERR_OVERFLOW);
}
END_TEST

/* BX_DNS_CHAIN aliases in one message are followed, one more is not. */
START_TEST(aliases_are_counted)
{
	for (uint32_t aliases = 7; aliases <= 9; aliases++) {
		uint8_t from[3] = { 1, 'c', 0 }, to[3] = { 1, 'c', 0 };

		begin(0, 0, (uint8_t)(aliases + 1), 0);
		for (uint32_t i = 0; i < aliases; i++) {
			from[1] = (uint8_t)('a' + i);
			to[1] = (uint8_t)('b' + i);
			if (i == 0)
				record(asked, 2, 5, 20, to, 3);
			else
				record(from, 3, 5, 20, to, 3);
		}
		record(to, 3, 1, 30, ten, 4);
		ck_assert_int_eq(parse(), aliases <= 8 ? BX_OK : BX_ERR_OVERFLOW);
	}
	ck_assert_uint_eq(BX_DNS_CHAIN, 8);
}
END_TEST

START_TEST(aaaa)
{
	uint8_t six[16] = { 0x20, 1, 0xd, 0xb8 };

	begin(0, 0, 1, 0);
	m[20] = 28;
	record(asked, 2, 28, 9, six, 16);
	ck_assert_int_eq(bx_dns_message_parse(m, length, &www, BX_DNS_AAAA, &answer), BX_OK);
	ck_assert_mem_eq(answer.addresses[0].byte, six, 16);
}
END_TEST

/* RFC 2181, 8: the highest bit set counts as zero; one less is the longest there is. */
START_TEST(long_lifetimes)
{
	begin(0, 0, 1, 0);
	record(asked, 2, 1, 0, ten, 4);
	bx_put_be32(m + length - 10, 0x7fffffff);
	ck_assert_int_eq(parse(), BX_OK);
	ck_assert_uint_eq(answer.lifetime_s, 0x7fffffff);
	bx_put_be32(m + length - 10, 0x80000000);
	ck_assert_int_eq(parse(), BX_OK);
	ck_assert_uint_eq(answer.lifetime_s, 0);
}
END_TEST

START_TEST(negative_answers)
{
	begin(0, 3, 0, 1);
	record(asked, 2, 6, 100, soa, sizeof soa);
	ck_assert_int_eq(parse(), BX_ERR_NOT_FOUND);
	ck_assert_uint_eq(answer.lifetime_s, 50);
	begin(0, 0, 0, 1);
	record(asked, 2, 6, 40, soa, sizeof soa);
	ck_assert_int_eq(parse(), BX_ERR_NOT_FOUND);
	ck_assert_uint_eq(answer.lifetime_s, 40);
	begin(0, 0, 0, 0);
	ck_assert_int_eq(parse(), BX_ERR_NOT_FOUND);
	ck_assert_uint_eq(answer.lifetime_s, 0);
}
END_TEST

START_TEST(refused)
{
	const uint8_t self[] = { 0xc0, 23 }, ahead[] = { 0xc0, 40 };

	begin(2, 0, 1, 0);
	ck_assert_int_eq(parse(), BX_ERR_TRUNCATED);
	begin(0, 2, 0, 0);
	ck_assert_int_eq(parse(), BX_ERR_NET_REFUSED);
	begin(0, 0, 1, 0);
	record(self, 2, 1, 30, ten, 4);
	ck_assert_int_eq(parse(), BX_ERR_FORMAT);
	begin(0, 0, 1, 0);
	record(ahead, 2, 1, 30, ten, 4);
	ck_assert_int_eq(parse(), BX_ERR_FORMAT);
	begin(0, 0, 1, 0);
	record(asked, 2, 1, 30, ten, 3);
	ck_assert_int_eq(parse(), BX_ERR_FORMAT);
	begin(0, 0, 1, 0);
	record(asked, 2, 1, 30, ten, 4);
	for (length--; length > 0; length--)
		ck_assert_int_eq(parse(), BX_ERR_FORMAT);
}
END_TEST

/* ---- the resolver ---- */

static struct pair pair;
static struct bx_dns_query query;
static uint64_t server_end;

static enum bx_err
poll(void)
{
	struct host *h = &pair.host[0];
	static uint8_t bytes[8192];
	struct bx_net_buf bufs[8];
	struct bx_net_batch out;
	enum bx_err err;

	bx_net_batch_init(&out, bytes, sizeof bytes, bufs, 8, 0);
	err = bx_dns_poll(&query, h->stack.transport, pair.now_us, &h->address, &out);
	bx_stack_down(&h->stack, pair.now_us, &out);
	for (uint32_t k = 0; k < out.count; k++) {
		if (out.bufs[k].kind == BX_NET_FRAME)
			pair_send(&pair, 0, bx_net_bytes(&out, &out.bufs[k]), out.bufs[k].length);
	}
	pair_output(&pair, 0);
	return err;
}

static uint8_t stream[1024];
static uint64_t listener, connection;

static void
start_with(uint8_t *room, uint32_t size)
{
	const struct bx_net_addr any = { { 0 } };
	struct bx_dns_config config = { .server_count = 1, .stream = room, .stream_bytes = size };
	uint16_t port;

	pair_init(&pair, 1, NULL);
	config.servers[0] = pair.host[1].address;
	ck_assert_int_eq(bx_udp_open(pair.host[1].stack.transport, &any, 53, &server_end, &port), BX_OK);
	ck_assert_int_eq(bx_dns_start(&query, &config, "www.a", 5, 15, 1), BX_ERR_INVALID);
	config.stream = stream;
	config.stream_bytes = BX_DNS_MESSAGE_MAX - 1;
	ck_assert_int_eq(bx_dns_start(&query, &config, "www.a", 5, BX_DNS_A, 1), BX_ERR_INVALID);
	config.stream = room;
	config.stream_bytes = size;
	ck_assert_int_eq(bx_dns_start(&query, &config, "www.a", 5, BX_DNS_A, 99), BX_OK);
	ck_assert_int_eq(poll(), BX_ERR_WOULD_BLOCK);
	pair_run(&pair, pair.now_us + 100000);
}

static void
start(void)
{
	start_with(NULL, 0);
}

/* The server takes a question and answers with m, its id changed by `wrong`. */
static uint16_t
serve(uint16_t wrong)
{
	struct bx_udp_from from;
	uint8_t question[512];
	uint32_t n;
	uint16_t id;

	ck_assert_int_eq(bx_udp_receive(pair.host[1].stack.transport, server_end, question, 512, &n, &from), BX_OK);
	id = bx_get_be16(question);
	bx_put_be16(m, (uint16_t)(id ^ wrong));
	ck_assert_int_eq(pair_udp_send(&pair, 1, server_end, &from.remote, from.remote_port, m, length), BX_OK);
	pair_run(&pair, pair.now_us + 100000);
	return id;
}

static void
finish(void)
{
	ck_assert_uint_eq(bx_transport_usage(pair.host[0].stack.transport).udp_ends, 0);
	ck_assert(bx_dns_next(&query) == BX_DNS_NEVER);
	pair_free(&pair);
}

START_TEST(resolves)
{
	start();
	begin(0, 0, 1, 0);
	record(asked, 2, 1, 30, ten, 4);
	serve(0);
	ck_assert_int_eq(poll(), BX_OK);
	ck_assert_mem_eq(query.answer.addresses[0].byte + 12, ten, 4);
	ck_assert_int_eq(poll(), BX_OK);
	finish();
}
END_TEST

START_TEST(forged_id_is_passed_over)
{
	start();
	begin(0, 0, 1, 0);
	record(asked, 2, 1, 30, ten, 4);
	serve(1);
	ck_assert_int_eq(poll(), BX_ERR_WOULD_BLOCK);
	bx_dns_cancel(&query, pair.host[0].stack.transport);
	ck_assert_int_eq(poll(), BX_ERR_CANCELLED);
	finish();
}
END_TEST

/* The right id and question from another address, then from another port. */
START_TEST(forged_source_is_passed_over)
{
	struct bx_net_addr *address = &pair.host[1].address, right, any = { { 0 } };
	struct bx_udp_from from;
	uint8_t question[512];
	uint64_t other;
	uint32_t n;
	uint16_t port;

	start();
	right = *address;
	begin(0, 0, 1, 0);
	record(asked, 2, 1, 30, ten, 4);
	ck_assert_int_eq(bx_udp_receive(pair.host[1].stack.transport, server_end, question, 512, &n, &from), BX_OK);
	bx_put_be16(m, bx_get_be16(question));
	ck_assert_int_eq(bx_udp_open(pair.host[1].stack.transport, &any, 54, &other, &port), BX_OK);
	*address = bx_net_ipv4(10, 0, 0, 77);
	ck_assert_int_eq(bx_ip_address_add(pair.host[1].stack.ip, 0, address, 24), BX_OK);
	ck_assert_int_eq(pair_udp_send(&pair, 1, server_end, &from.remote, from.remote_port, m, length), BX_OK);
	*address = right;
	ck_assert_int_eq(pair_udp_send(&pair, 1, other, &from.remote, from.remote_port, m, length), BX_OK);
	pair_run(&pair, pair.now_us + 100000);
	ck_assert_uint_eq(bx_transport_stats(pair.host[0].stack.transport)->udp_in, 2);
	ck_assert_int_eq(poll(), BX_ERR_WOULD_BLOCK);
	ck_assert_int_eq(pair_udp_send(&pair, 1, server_end, &from.remote, from.remote_port, m, length), BX_OK);
	pair_run(&pair, pair.now_us + 100000);
	ck_assert_int_eq(poll(), BX_OK);
	finish();
}
END_TEST

START_TEST(refusal_is_tried_again)
{
	uint16_t first;

	start();
	begin(0, 2, 0, 0);
	first = serve(0);
	ck_assert_int_eq(poll(), BX_ERR_WOULD_BLOCK);
	pair_run(&pair, pair.now_us + 100000);
	ck_assert_uint_ne(serve(0), first);
	ck_assert_int_eq(poll(), BX_ERR_WOULD_BLOCK);
	pair_run(&pair, pair.now_us + 100000);
	serve(0);
	ck_assert_int_eq(poll(), BX_ERR_NET_REFUSED);
	finish();
}
END_TEST

/* One host is both servers.  The question, and which of them was asked. */
static const struct bx_net_addr *
asked_of(const struct bx_net_addr servers[2], struct bx_udp_from *from, uint16_t *id)
{
	uint8_t question[512];
	uint32_t n;

	ck_assert_int_eq(bx_udp_receive(pair.host[1].stack.transport, server_end, question, 512, &n, from), BX_OK);
	*id = bx_get_be16(question);
	return bx_net_addr_equal(&from->local, &servers[0]) ? &servers[0] : &servers[1];
}

static void
answer_from(const struct bx_net_addr *server, const struct bx_udp_from *to, uint16_t id)
{
	pair.host[1].address = *server;
	bx_put_be16(m, id);
	ck_assert_int_eq(pair_udp_send(&pair, 1, server_end, &to->remote, to->remote_port, m, length), BX_OK);
	pair_run(&pair, pair.now_us + 100000);
}

/* RFC 1035, 7.2: the second server after the silence of the first, the first again after the refusal of the second; only
 * who was asked is heard. */
START_TEST(servers_in_turn)
{
	const struct bx_net_addr servers[2] = { bx_net_ipv4(10, 0, 0, 2), bx_net_ipv4(10, 0, 0, 3) };
	struct bx_dns_config config = { .server_count = 2, .servers = { servers[0], servers[1] } };
	struct bx_udp_from from;
	uint16_t id, before;

	start();
	bx_dns_cancel(&query, pair.host[0].stack.transport);
	ck_assert(asked_of(servers, &from, &before) == &servers[0]);
	ck_assert_int_eq(bx_ip_address_add(pair.host[1].stack.ip, 0, &servers[1], 24), BX_OK);
	ck_assert_int_eq(bx_link_address_add(pair.host[1].stack.link, pair.now_us, &servers[1], false), BX_OK);
	ck_assert_int_eq(bx_dns_start(&query, &config, "www.a", 5, BX_DNS_A, 99), BX_OK);
	ck_assert_int_eq(poll(), BX_ERR_WOULD_BLOCK);
	pair_run(&pair, pair.now_us + 100000);
	ck_assert(asked_of(servers, &from, &before) == &servers[0]);
	pair_run(&pair, bx_dns_next(&query));
	pair.now_us = bx_dns_next(&query);
	ck_assert_int_eq(poll(), BX_ERR_WOULD_BLOCK);
	pair_run(&pair, pair.now_us + 100000);
	ck_assert(asked_of(servers, &from, &id) == &servers[1]);
	ck_assert_uint_ne(id, before);
	/* The first says something about what the second was asked: passed over. */
	begin(0, 0, 1, 0);
	record(asked, 2, 1, 30, ten, 4);
	answer_from(&servers[0], &from, id);
	ck_assert_int_eq(poll(), BX_ERR_WOULD_BLOCK);
	begin(0, 2, 0, 0);
	answer_from(&servers[1], &from, id);
	ck_assert_int_eq(poll(), BX_ERR_WOULD_BLOCK);
	pair_run(&pair, pair.now_us + 100000);
	ck_assert(asked_of(servers, &from, &id) == &servers[0]);
	begin(0, 0, 1, 0);
	record(asked, 2, 1, 30, ten, 4);
	answer_from(&servers[0], &from, id);
	ck_assert_int_eq(poll(), BX_OK);
	pair.host[1].address = servers[0];
	finish();
}
END_TEST

START_TEST(silence_is_a_timeout)
{
	uint32_t polls = 0;
	uint64_t asked_us;

	start();
	asked_us = bx_dns_next(&query) - 2000000;
	while (poll() == BX_ERR_WOULD_BLOCK && ++polls < 20)
		pair.now_us = bx_dns_next(&query);
	ck_assert_int_eq(poll(), BX_ERR_TIMEOUT);
	ck_assert_uint_eq(query.messages, BX_DNS_ROUNDS);
	ck_assert_uint_eq(pair.now_us - asked_us, 14000000);
	finish();
}
END_TEST

START_TEST(truncated_is_named)
{
	start();
	begin(2, 0, 0, 0);
	serve(0);
	ck_assert_int_eq(poll(), BX_ERR_TRUNCATED);
	finish();
}
END_TEST

/* ---- over TCP ---- */

/* Truncated over UDP; the server has taken the connection, and the question from it. */
static void
asked_by_stream(void)
{
	struct bx_transport *t = pair.host[1].stack.transport;
	uint8_t question[300];
	size_t n;

	begin(2, 0, 0, 0);
	serve(0);
	ck_assert_int_eq(poll(), BX_ERR_WOULD_BLOCK);
	pair_run(&pair, pair.now_us + 100000);
	ck_assert_int_eq(poll(), BX_ERR_WOULD_BLOCK);
	ck_assert_int_eq(bx_tcp_accept(t, listener, &connection), BX_OK);
	ck_assert_int_eq(bx_tcp_receive(t, connection, question, sizeof question, &n), BX_OK);
	ck_assert_uint_eq(n, 2 + 12 + 7 + 4);
	ck_assert_uint_eq(bx_get_be16(question), n - 2);
	ck_assert_mem_eq(question + 14, www.bytes, 7);
	begin(0, 0, 0, 0);
	bx_put_be16(m, bx_get_be16(question + 2));
}

static void
start_stream(void)
{
	const struct bx_net_addr any = { { 0 } };

	start_with(stream, sizeof stream);
	ck_assert_int_eq(bx_tcp_listen(pair.host[1].stack.transport, &any, 53, 4, &listener), BX_OK);
	asked_by_stream();
}

/* The server says m, all of it or the first bytes, its length in front. */
static void
say(uint32_t says, uint32_t first)
{
	uint8_t bytes[2048];
	size_t sent;

	bx_put_be16(bytes, (uint16_t)says);
	memcpy(bytes + 2, m, length);
	for (uint32_t at = 0, n = first; at < 2 + length; at += n, n = 2 + length - at) {
		ck_assert_int_eq(bx_tcp_send(pair.host[1].stack.transport, connection, bytes + at, n, &sent), BX_OK);
		ck_assert_uint_eq(sent, n);
		pair_run(&pair, pair.now_us + 100000);
		if (at + n < 2 + length)
			ck_assert_int_eq(poll(), BX_ERR_WOULD_BLOCK);
	}
}

/* Nothing of the connection is left, and nothing was reset unless it had to be. */
static void
finish_stream(bool in_order)
{
	pair_run(&pair, pair.now_us + 100000);
	ck_assert_int_eq(bx_tcp_close(pair.host[1].stack.transport, pair.now_us, connection), BX_OK);
	pair_run(&pair, pair.now_us + 10000000);
	ck_assert_uint_eq(bx_transport_usage(pair.host[0].stack.transport).connections, 0);
	ck_assert_uint_eq(bx_transport_usage(pair.host[0].stack.transport).rings, 0);
	ck_assert((bx_transport_stats(pair.host[1].stack.transport)->tcp_resets_in == 0) == in_order);
	finish();
}

/* 40 addresses, in two pieces that part at every place that matters: the length, its end, the header, the middle. */
START_TEST(truncated_is_asked_by_stream)
{
	static const uint32_t first[5] = { 1, 2, 3, 14, 400 };

	start_stream();
	begin(0, 0, 40, 0);
	bx_put_be16(m, query.id);
	for (uint8_t i = 0; i < 40; i++)
		record(asked, 2, 1, 30, (const uint8_t[4]){ 10, 0, 0, i }, 4);
	ck_assert_uint_gt(length, BX_DNS_MESSAGE_MAX);
	say(length, first[_i]);
	ck_assert_int_eq(poll(), BX_OK);
	ck_assert_uint_eq(query.answer.count, BX_DNS_ADDRESSES);
	ck_assert_uint_eq(query.answer.addresses[7].byte[15], 7);
	finish_stream(true);
}
END_TEST

/* More than there is room for, none at all, and one that is truncated again. */
START_TEST(stream_without_an_answer)
{
	static const struct {
		uint32_t says;
		uint8_t flag;
		enum bx_err err;
	} cases[] = {
		{ sizeof stream - 1, 0, BX_ERR_TRUNCATED }, { 0, 2, BX_ERR_TRUNCATED },
	};

	start_stream();
	begin(cases[_i].flag, 0, 0, 0);
	bx_put_be16(m, query.id);
	say(cases[_i].says != 0 ? cases[_i].says : length, 2 + length);
	ck_assert_int_eq(poll(), cases[_i].err);
	finish_stream(_i == 1);
}
END_TEST

/* Whatever goes wrong with the connection, the question is asked again, with another id. */
START_TEST(stream_fails)
{
	struct bx_transport *t = pair.host[1].stack.transport;
	uint16_t before;

	start_stream();
	t = pair.host[1].stack.transport;
	before = query.id;
	switch (_i) {
	case 0:
		ck_assert_int_eq(bx_tcp_abort(t, pair.now_us, connection), BX_OK);
		break;
	case 1:
		ck_assert_int_eq(bx_tcp_shutdown(t, pair.now_us, connection), BX_OK);
		break;
	case 2:
		bx_put_be16(m, query.id ^ 1);
		say(length, 2 + length);
		break;
	default:
		/* It says nothing. */
		pair_run(&pair, pair.now_us + 9800000);
		ck_assert_int_eq(poll(), BX_ERR_WOULD_BLOCK);
		ck_assert_uint_ne(query.connection, 0);
		ck_assert_uint_le(bx_dns_next(&query) - pair.now_us, 200000);
		pair_run(&pair, bx_dns_next(&query));
		break;
	}
	pair_run(&pair, pair.now_us + 100000);
	ck_assert_int_eq(poll(), BX_ERR_WOULD_BLOCK);
	ck_assert_uint_eq(query.connection, 0);
	ck_assert_int_eq(query.last, BX_ERR_TIMEOUT);
	pair_run(&pair, pair.now_us + 100000);
	begin(0, 0, 1, 0);
	record(asked, 2, 1, 30, ten, 4);
	ck_assert_uint_ne(serve(0), before);
	ck_assert_int_eq(poll(), BX_OK);
	finish();
}
END_TEST

/* Nobody listens; then it is given up in the middle; then there is no place for a connection. */
START_TEST(stream_cannot_be)
{
	struct bx_transport *t;
	uint64_t c;

	start_with(stream, sizeof stream);
	begin(2, 0, 0, 0);
	for (uint32_t i = 0; i < BX_DNS_ROUNDS; i++) {
		serve(0);
		ck_assert_int_eq(poll(), BX_ERR_WOULD_BLOCK);
		pair_run(&pair, pair.now_us + 100000);
		ck_assert_int_eq(poll(), i + 1 < BX_DNS_ROUNDS ? BX_ERR_WOULD_BLOCK : BX_ERR_NET_REFUSED);
		pair_run(&pair, pair.now_us + 100000);
	}
	finish();
	start_stream();
	bx_dns_cancel(&query, pair.host[0].stack.transport);
	ck_assert_int_eq(poll(), BX_ERR_CANCELLED);
	finish_stream(false);
	start_with(stream, sizeof stream);
	t = pair.host[0].stack.transport;
	while (bx_tcp_connect(t, pair.now_us, &pair.host[0].address, 0, &pair.host[1].address, 9, 1500, &c) == BX_OK)
		continue;
	begin(2, 0, 0, 0);
	serve(0);
	ck_assert_int_eq(poll(), BX_ERR_NO_MEMORY);
	finish();
}
END_TEST

START_TEST(alias_is_asked_for)
{
	struct bx_udp_from from;
	uint8_t question[512];
	uint32_t n;

	start();
	begin(0, 0, 1, 0);
	record(asked, 2, 5, 20, name_b, 3);
	serve(0);
	ck_assert_int_eq(poll(), BX_ERR_WOULD_BLOCK);
	pair_run(&pair, pair.now_us + 100000);
	ck_assert_int_eq(bx_udp_receive(pair.host[1].stack.transport, server_end, question, 512, &n, &from), BX_OK);
	ck_assert_uint_eq(n, 12 + 3 + 4);
	ck_assert_mem_eq(question + 12, name_b, 3);
	bx_dns_cancel(&query, pair.host[0].stack.transport);
	finish();
}
END_TEST

/* The same limit over several messages, an alias in each. */
START_TEST(asked_aliases_are_counted)
{
	uint32_t followed = 0;
	enum bx_err err = BX_ERR_WOULD_BLOCK;

	start();
	while (err == BX_ERR_WOULD_BLOCK && followed < 20) {
		uint8_t to[3] = { 1, (uint8_t)('b' + followed), 0 };
		uint8_t head[12] = { 0, 0, 0x81, 0x80, 0, 1, 0, 1 };

		length = 0;
		put(head, 12);
		put(query.name.bytes, query.name.length);
		put((const uint8_t[4]){ 0, 1, 0, 1 }, 4);
		record(asked, 2, 5, 20, to, 3);
		serve(0);
		err = poll();
		followed += err == BX_ERR_WOULD_BLOCK;
		pair_run(&pair, pair.now_us + 100000);
	}
	ck_assert_int_eq(err, BX_ERR_OVERFLOW);
	ck_assert_uint_eq(followed, 8);
	finish();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("net_dns");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, names);
	tcase_add_test(tc, answers_and_aliases);
	tcase_add_test(tc, aliases_are_counted);
	tcase_add_test(tc, aaaa);
	tcase_add_test(tc, long_lifetimes);
	tcase_add_test(tc, negative_answers);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, resolves);
	tcase_add_test(tc, forged_id_is_passed_over);
	tcase_add_test(tc, forged_source_is_passed_over);
	tcase_add_test(tc, refusal_is_tried_again);
	tcase_add_test(tc, servers_in_turn);
	tcase_add_test(tc, silence_is_a_timeout);
	tcase_add_test(tc, truncated_is_named);
	tcase_add_loop_test(tc, truncated_is_asked_by_stream, 0, 5);
	tcase_add_loop_test(tc, stream_without_an_answer, 0, 2);
	tcase_add_loop_test(tc, stream_fails, 0, 4);
	tcase_add_test(tc, stream_cannot_be);
	tcase_add_test(tc, alias_is_asked_for);
	tcase_add_test(tc, asked_aliases_are_counted);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
