/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * stream.c -- a question over TCP (RFC 7766), after an answer that did not fit UDP: one connection, one question.
 *
 *   0 length of the message | 2 message		(RFC 1035, 4.2.2)
 *
 * The answer is put together in the caller's buffer, its length in front of it.
 */
#include "dns.h"

#define PREFIX		2u
#define STREAM_MTU	1280u		/* the way is not known here; this one any way takes */

enum bx_err
bx_dns_stream_begin(struct bx_dns_query *q, struct bx_transport *transport, uint64_t now_us,
    const struct bx_net_addr *local, const struct bx_net_addr *server)
{
	enum bx_err err;

	err = bx_tcp_connect(transport, now_us, local, 0, server, DNS_PORT, STREAM_MTU, &q->connection);
	if (err != BX_OK)
		return err;
	q->id = 0;
	q->asked = 0;
	q->got = 0;
	return BX_OK;
}

/* The question goes out in one piece or, while there is no room, later. */
static enum bx_err
ask(struct bx_dns_query *q, struct bx_transport *transport)
{
	uint8_t bytes[PREFIX + QUESTION_MAX];
	uint32_t length;
	size_t sent;
	enum bx_err err;

	if (q->asked != 0)
		return BX_OK;
	length = bx_dns_question(q, bytes + PREFIX);
	bx_put_be16(bytes, (uint16_t)length);
	err = bx_tcp_send(transport, q->connection, bytes, PREFIX + length, &sent);
	if (err != BX_OK)
		return err;
	/* A new connection has room for more than that. */
	BX_ASSERT(sent == PREFIX + length);
	q->asked = 1;
	q->messages++;
	return BX_OK;
}

/* How many bytes belong to what is read now: the length, then the message too. */
static uint32_t
wanted(const struct bx_dns_query *q)
{
	return q->got < PREFIX ? PREFIX : PREFIX + bx_get_be16(q->config.stream);
}

enum bx_err
bx_dns_stream_step(struct bx_dns_query *q, struct bx_transport *transport)
{
	uint8_t *bytes = q->config.stream;
	enum bx_err err = ask(q, transport);
	size_t n;

	/* Twice: the length, and the rest. */
	while (err == BX_OK && q->got < wanted(q)) {
		if (wanted(q) > q->config.stream_bytes)
			return BX_ERR_TRUNCATED;
		err = bx_tcp_receive(transport, q->connection, bytes + q->got, wanted(q) - q->got, &n);
		if (err == BX_OK)
			q->got += (uint32_t)n;
	}
	/* A server that ends too early has failed (RFC 7766, 6.2.4). */
	if (err == BX_ERR_NET_CLOSED)
		return BX_ERR_NET_RESET;
	if (err != BX_OK)
		return err;
	if (!bx_dns_message_matches(bytes + PREFIX, q->got - PREFIX, q->id, &q->name, q->type))
		return BX_ERR_FORMAT;
	return bx_dns_message_parse(bytes + PREFIX, q->got - PREFIX, &q->name, q->type, &q->answer);
}

void
bx_dns_stream_end(struct bx_dns_query *q, struct bx_transport *transport, uint64_t now_us)
{
	enum bx_err err;

	if (q->connection == 0)
		return;
	/* In order after an answer; else nothing that is still under way is of use to anybody. */
	err = q->got > PREFIX && q->got == wanted(q) ? bx_tcp_close(transport, now_us, q->connection) :
	    bx_tcp_abort(transport, now_us, q->connection);
	BX_ASSERT(err == BX_OK);
	q->connection = 0;
}
