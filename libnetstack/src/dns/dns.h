/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * dns.h -- inside the resolver: what its files give one another.
 */
#ifndef NETSTACK_DNS_H
#define NETSTACK_DNS_H

#include <brainix/net_dns.h>

#include "../mem.h"

#define DNS_PORT		53u
#define QUESTION_MAX		(12u + 255u + 4u)

/* resolver.c */
/* The next question, with an id of its own; its length. */
uint32_t bx_dns_question(struct bx_dns_query *q, uint8_t bytes[QUESTION_MAX]);

/* stream.c */
/* Begins to ask a server over TCP.  BX_OK, or an error of bx_tcp_connect. */
enum bx_err bx_dns_stream_begin(struct bx_dns_query *q, struct bx_transport *transport, uint64_t now_us,
    const struct bx_net_addr *local, const struct bx_net_addr *server);
/* Goes on.  BX_ERR_WOULD_BLOCK: not over; else as bx_dns_message_parse, or why the connection failed. */
enum bx_err bx_dns_stream_step(struct bx_dns_query *q, struct bx_transport *transport);
/* Lets go of the connection, if there is one. */
void bx_dns_stream_end(struct bx_dns_query *q, struct bx_transport *transport, uint64_t now_us);

#endif
