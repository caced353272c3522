/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/net_dns.h -- a DNS resolver that asks recursive servers over UDP, and over TCP what does not fit.
 * Layer 1, above net_transport.h.
 *
 * Sources: RFC 1035 (messages), 7766 (TCP), 3596 (AAAA), 2181 section 8 (lifetimes), 2308 (negative answers),
 * 5452 section 9 (what an answer must match).
 *
 * Protocol of use, one object for each question:
 *   bx_dns_start; then bx_dns_poll at once, whenever the transport stage has received, and at bx_dns_next, until it
 *   returns anything but BX_ERR_WOULD_BLOCK; what it adds to `out` goes to the IP stage each time, and with a
 *   stream so does what bx_transport_output has after each call.
 *   A question that is given up before that: bx_dns_cancel.
 * No cache is kept: answers carry their lifetime, for who keeps one.
 */
#ifndef BRAINIX_NET_DNS_H
#define BRAINIX_NET_DNS_H

#include <brainix/net_transport.h>

#define BX_DNS_MESSAGE_MAX	512u	/* RFC 1035, 4.2.1 */
#define BX_DNS_SERVERS		3u
#define BX_DNS_ROUNDS		3u	/* each server is asked so often: 2, 4, 8 seconds */
#define BX_DNS_ADDRESSES	8u	/* of one answer; more are dropped */
#define BX_DNS_CHAIN		8u	/* aliases that are followed */
#define BX_DNS_NEVER		UINT64_MAX

#define BX_DNS_A		1u
#define BX_DNS_AAAA		28u

/* As on the wire, uncompressed and in lower case.  Copy by assignment. */
struct bx_dns_name {
	uint8_t length;
	uint8_t bytes[255];
};

struct bx_dns_answer {
	struct bx_dns_name name;	/* after all aliases */
	struct bx_net_addr addresses[BX_DNS_ADDRESSES];
	uint32_t count;
	uint32_t lifetime_s;		/* of the addresses, or of the fact that there are none; 0: do not keep */
};

struct bx_dns_config {
	struct bx_net_addr servers[BX_DNS_SERVERS];
	uint32_t server_count;		/* 1..BX_DNS_SERVERS */
	/* Where an answer over TCP is put together, the caller's until the question is over; NULL: none, and what does not
	 * fit UDP is BX_ERR_TRUNCATED. */
	uint8_t *stream;
	uint32_t stream_bytes;		/* two more than the longest answer that is taken: BX_DNS_MESSAGE_MAX..65537 */
};

/* Movable; only the resolver writes.  `answer` may be read once bx_dns_poll says so. */
struct bx_dns_query {
	struct bx_dns_config config;
	struct bx_dns_answer answer;
	struct bx_dns_name name;	/* that is asked for now */
	uint64_t random;
	uint64_t end;			/* of UDP, a new one for each message; 0: none */
	uint64_t connection;		/* of TCP; 0: none */
	uint64_t now_us;		/* of the last call */
	uint64_t due_us;
	enum bx_err error;		/* BX_ERR_WOULD_BLOCK until it is over */
	enum bx_err last;		/* why the last try failed */
	uint32_t tries;			/* messages that were sent for the name */
	uint32_t chain;			/* names before this one */
	uint32_t lifetime_s;		/* of the aliases that led to it */
	uint32_t messages;
	uint32_t got;			/* bytes in config.stream */
	uint16_t type;
	uint16_t id;
	uint8_t asked;			/* the question is on the connection */
};

/*
 * A name from text: labels of letters, digits, '-' and '_', parted by dots, one dot at the end allowed.
 *   BX_OK, BX_ERR_FORMAT (*name is untouched)
 */
BX_MUST_USE enum bx_err bx_dns_name_set(const char *text, size_t length, struct bx_dns_name *name);

/* Whether a message answers this very question: id, kind, question. */
bool bx_dns_message_matches(const uint8_t *bytes, uint32_t length, uint16_t id,
    const struct bx_dns_name *name, uint16_t type);

/*
 * What a message that matches says.  The first three write *answer whole, the others leave it untouched.
 *   BX_OK               addresses
 *   BX_ERR_AGAIN        an alias, but not its address: ask for answer->name; count is 1, or more for a chain:
 *                       the aliases that were followed
 *   BX_ERR_NOT_FOUND    no such name, or no such address of it
 *   BX_ERR_TRUNCATED    the answer does not fit UDP
 *   BX_ERR_NET_REFUSED  the server failed or refuses (any RCODE but 0 and 3)
 *   BX_ERR_OVERFLOW     more than BX_DNS_CHAIN aliases
 *   BX_ERR_FORMAT       malformed; compression that does not point backwards is
 */
BX_MUST_USE enum bx_err bx_dns_message_parse(const uint8_t *bytes, uint32_t length,
    const struct bx_dns_name *name, uint16_t type, struct bx_dns_answer *answer);

/*
 * A question in *query.  type is BX_DNS_A or BX_DNS_AAAA; random is 64 secret random bits, new ones each time.
 *   BX_OK, BX_ERR_INVALID (type, servers, stream_bytes), BX_ERR_FORMAT (text); on error *query is untouched.
 */
BX_MUST_USE enum bx_err bx_dns_start(struct bx_dns_query *query, const struct bx_dns_config *config,
    const char *text, size_t length, uint16_t type, uint64_t random);

/*
 * Takes what has come, asks, asks again.  local is the address to speak from.
 *   BX_ERR_WOULD_BLOCK  not over
 *   BX_OK               query->answer has 1..BX_DNS_ADDRESSES addresses
 *   BX_ERR_NOT_FOUND    as above; query->answer.lifetime_s is set
 *   BX_ERR_TRUNCATED    it fits neither UDP nor config.stream
 *   BX_ERR_OVERFLOW     as above
 *   BX_ERR_TIMEOUT, BX_ERR_NET_REFUSED, BX_ERR_FORMAT, and of a connection BX_ERR_NET_RESET and
 *   BX_ERR_NET_UNREACHABLE   how the last of all tries failed
 *   BX_ERR_NO_MEMORY, BX_ERR_INVALID, BX_ERR_EXISTS     from the transport stage
 * Once over it gives the same result again and does nothing.  O(datagrams), at most 64 in one call.
 */
BX_MUST_USE enum bx_err bx_dns_poll(struct bx_dns_query *query, struct bx_transport *transport,
    uint64_t now_us, const struct bx_net_addr *local, struct bx_net_batch *out);

/* When bx_dns_poll has something to do next even if nothing comes; BX_DNS_NEVER once it is over. */
uint64_t bx_dns_next(const struct bx_dns_query *query);

/* Gives a question up: bx_dns_poll then returns BX_ERR_CANCELLED. */
void bx_dns_cancel(struct bx_dns_query *query, struct bx_transport *transport);

#endif
