/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * resolver.c -- one question, asked until it is answered.
 *
 *   no end -- ask: new port, new id --> waiting -- answer --> over
 *     ^                                   |  | truncated: over TCP (stream.c), where there is room for that
 *     |                                   |  +--> connection -- answer --> over
 *     |                                   |         |
 *     +-----------------------------------+---------+  time, refusal, malformed; an alias (all tries used: over)
 *
 * RFC 5452, 9.1: an answer must come from the server that was asked, to the port and address that asked, with the
 * id and the question.  Anything else is passed over, and the wait goes on.
 */
#include "dns.h"

#define WAIT_US		2000000u	/* RFC 1035, 4.2.1: 2 to 5 seconds; doubled for each round */
#define STREAM_WAIT_US	10000000u	/* for all of a connection */
#define TAKE_MAX	64u
#define FLAG_RD		0x0100u

static void
end_close(struct bx_dns_query *q, struct bx_transport *transport)
{
	bx_dns_stream_end(q, transport, q->now_us);
	if (q->end != 0)
		(void)!bx_udp_close(transport, q->end);
	q->end = 0;
}

static enum bx_err
over(struct bx_dns_query *q, struct bx_transport *transport, enum bx_err error)
{
	end_close(q, transport);
	q->error = error;
	q->due_us = BX_DNS_NEVER;
	return error;
}

static const struct bx_net_addr *
server(const struct bx_dns_query *q)
{
	return &q->config.servers[(q->tries - 1) % q->config.server_count];
}

uint32_t
bx_dns_question(struct bx_dns_query *q, uint8_t bytes[QUESTION_MAX])
{
	uint32_t length = 12u + q->name.length + 4u;

	memset(bytes, 0, length);
	q->id = (uint16_t)mix64(q->random + q->messages);
	bx_put_be16(bytes, q->id);
	bx_put_be16(bytes + 2, FLAG_RD);
	bx_put_be16(bytes + 4, 1);
	memcpy(bytes + 12, q->name.bytes, q->name.length);
	bx_put_be16(bytes + length - 4, q->type);
	bx_put_be16(bytes + length - 2, 1);
	return length;
}

/* The next try.  Without room in the batch everything stays as it was. */
static enum bx_err
ask(struct bx_dns_query *q, struct bx_transport *transport, uint64_t now_us, const struct bx_net_addr *local,
    struct bx_net_batch *out)
{
	uint8_t bytes[QUESTION_MAX];
	uint32_t length;
	uint16_t port;
	enum bx_err err;

	if (q->tries == BX_DNS_ROUNDS * q->config.server_count)
		return over(q, transport, q->last);
	err = bx_udp_open(transport, local, 0, &q->end, &port);
	if (err != BX_OK)
		return over(q, transport, err);
	length = bx_dns_question(q, bytes);
	q->tries++;
	err = bx_udp_send(transport, q->end, local, server(q), DNS_PORT, bytes, length, out);
	if (err == BX_ERR_WOULD_BLOCK) {
		q->tries--;
		q->due_us = now_us;
		end_close(q, transport);
		return BX_ERR_WOULD_BLOCK;
	}
	if (err != BX_OK)
		return over(q, transport, err);
	q->messages++;
	q->last = BX_ERR_TIMEOUT;
	q->due_us = now_us + ((uint64_t)WAIT_US << (q->tries - 1) / q->config.server_count);
	return BX_ERR_WOULD_BLOCK;
}

/* The answer did not fit: the same server over TCP, if there is room for what it says. */
static enum bx_err
ask_stream(struct bx_dns_query *q, struct bx_transport *transport, uint64_t now_us, const struct bx_net_addr *local)
{
	enum bx_err err;

	if (q->config.stream == NULL)
		return over(q, transport, BX_ERR_TRUNCATED);
	end_close(q, transport);
	err = bx_dns_stream_begin(q, transport, now_us, local, server(q));
	if (err != BX_OK)
		return over(q, transport, err);
	q->last = BX_ERR_TIMEOUT;
	q->due_us = now_us + STREAM_WAIT_US;
	err = bx_dns_stream_step(q, transport);
	/* It cannot have an answer yet. */
	return err == BX_ERR_WOULD_BLOCK ? err : over(q, transport, err);
}

/* One datagram.  BX_ERR_WOULD_BLOCK: none; BX_ERR_BUSY: not an answer to this. */
static enum bx_err
take(struct bx_dns_query *q, struct bx_transport *transport)
{
	uint8_t bytes[BX_DNS_MESSAGE_MAX];
	struct bx_udp_from from;
	uint32_t length;
	enum bx_err err = bx_udp_receive(transport, q->end, bytes, sizeof bytes, &length, &from);

	/* Too long for the path: it goes again as if the server had been silent. */
	if (err == BX_ERR_OVERFLOW)
		return BX_ERR_BUSY;
	if (err != BX_OK)
		return err;
	if (from.length != length || from.remote_port != DNS_PORT || !bx_net_addr_equal(&from.remote, server(q)) ||
	    !bx_dns_message_matches(bytes, length, q->id, &q->name, q->type))
		return BX_ERR_BUSY;
	return bx_dns_message_parse(bytes, length, &q->name, q->type, &q->answer);
}

enum bx_err
bx_dns_start(struct bx_dns_query *q, const struct bx_dns_config *config, const char *text, size_t length,
    uint16_t type, uint64_t random)
{
	struct bx_dns_name name;

	if (config->server_count == 0 || config->server_count > BX_DNS_SERVERS ||
	    (type != BX_DNS_A && type != BX_DNS_AAAA) ||
	    (config->stream != NULL && config->stream_bytes < BX_DNS_MESSAGE_MAX))
		return BX_ERR_INVALID;
	if (bx_dns_name_set(text, length, &name) != BX_OK)
		return BX_ERR_FORMAT;
	*q = (struct bx_dns_query){
		.config = *config, .name = name, .random = random, .type = type,
		.error = BX_ERR_WOULD_BLOCK, .last = BX_ERR_TIMEOUT,
		.lifetime_s = INT32_MAX,
	};
	return BX_OK;
}

enum bx_err
bx_dns_poll(struct bx_dns_query *q, struct bx_transport *transport, uint64_t now_us,
    const struct bx_net_addr *local, struct bx_net_batch *out)
{
	enum bx_err err = BX_ERR_BUSY;

	if (q->error != BX_ERR_WOULD_BLOCK)
		return q->error;
	q->now_us = now_us;
	if (q->end == 0 && q->connection == 0)
		return ask(q, transport, now_us, local, out);
	if (q->connection != 0)
		err = bx_dns_stream_step(q, transport);
	for (uint32_t i = 0; q->connection == 0 && i < TAKE_MAX && err == BX_ERR_BUSY; i++)
		err = take(q, transport);
	if (err == BX_ERR_TRUNCATED && q->connection == 0)
		return ask_stream(q, transport, now_us, local);
	switch (err) {
	case BX_ERR_BUSY:
	case BX_ERR_WOULD_BLOCK:
		if (now_us < q->due_us)
			return BX_ERR_WOULD_BLOCK;
		break;
	case BX_ERR_AGAIN:
		q->chain += q->answer.count;
		if (q->chain > BX_DNS_CHAIN)
			return over(q, transport, BX_ERR_OVERFLOW);
		q->name = q->answer.name;
		q->lifetime_s = min_u32(q->lifetime_s, q->answer.lifetime_s);
		q->tries = 0;
		break;
	case BX_ERR_FORMAT:
	case BX_ERR_NET_REFUSED:
	case BX_ERR_NET_RESET:
	case BX_ERR_NET_UNREACHABLE:
	case BX_ERR_TIMEOUT:
		q->last = err;
		break;
	default:
		q->answer.lifetime_s = min_u32(q->answer.lifetime_s, q->lifetime_s);
		return over(q, transport, err);
	}
	end_close(q, transport);
	return ask(q, transport, now_us, local, out);
}

uint64_t
bx_dns_next(const struct bx_dns_query *q)
{
	return q->due_us;
}

void
bx_dns_cancel(struct bx_dns_query *q, struct bx_transport *transport)
{
	if (q->error == BX_ERR_WOULD_BLOCK)
		(void)!over(q, transport, BX_ERR_CANCELLED);
}
