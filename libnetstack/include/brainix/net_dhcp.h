/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/net_dhcp.h -- a DHCPv4 client.
 * Layer 1, above net_transport.h.
 *
 * Sources: RFC 2131 (protocol), 2132 (options), 3442 (routes), 6842 (client identifier in answers, not needed).
 *
 * Protocol of use, one object for each transport stage: it holds port 68 (a second one finds it taken, `error` is
 * BX_ERR_EXISTS, and it tries again later); a host of several interfaces with DHCP on each has a stack for each:
 *   bx_dhcp_start; then bx_dhcp_poll at once, whenever datagrams have come up, and at bx_dhcp_next; what it adds to `out`
 *   goes to the IP stage each time; what it returns is for the caller to do.
 *   An address that turns out to be another host's (bx_link_address_state): bx_dhcp_decline.  An end: bx_dhcp_release.
 * Until it has an address the host speaks from 0.0.0.0, and asks for answers by broadcast (RFC 2131, 4.1): a stage below
 * that accepts nothing else is enough.
 */
#ifndef BRAINIX_NET_DHCP_H
#define BRAINIX_NET_DHCP_H

#include <brainix/net_transport.h>

#define BX_DHCP_NEVER		UINT64_MAX
#define BX_DHCP_MESSAGE_MAX	1472u
#define BX_DHCP_SERVERS		3u	/* of DNS */
#define BX_DHCP_ROUTES		4u

struct bx_dhcp_route {
	struct bx_net_addr network, gateway;	/* gateway all zero: on the link (RFC 3442) */
	uint8_t prefix;
};

/* What the server has given.  Addresses that it did not give are all zero. */
struct bx_dhcp_lease {
	struct bx_net_addr address, server;
	struct bx_net_addr dns[BX_DHCP_SERVERS];
	struct bx_dhcp_route routes[BX_DHCP_ROUTES];	/* the default route too */
	uint32_t dns_count, route_count;
	uint32_t lifetime_s, renew_s, rebind_s;		/* UINT32_MAX: for ever */
	uint16_t mtu;			/* 0: not given */
	uint8_t prefix;
};

/* One message, parsed. */
struct bx_dhcp_message {
	struct bx_dhcp_lease lease;
	uint8_t type;			/* BX_DHCP_* */
};
#define BX_DHCP_DISCOVER	1u
#define BX_DHCP_OFFER		2u
#define BX_DHCP_REQUEST		3u
#define BX_DHCP_DECLINE		4u
#define BX_DHCP_ACK		5u
#define BX_DHCP_NAK		6u
#define BX_DHCP_RELEASE		7u

enum bx_dhcp_state {
	BX_DHCP_STATE_INIT,		/* waits before it begins (again) */
	BX_DHCP_STATE_SELECTING,
	BX_DHCP_STATE_REQUESTING,
	BX_DHCP_STATE_REBOOTING,	/* asks for the address it had (RFC 2131, 3.2) */
	BX_DHCP_STATE_BOUND,
	BX_DHCP_STATE_RENEWING,
	BX_DHCP_STATE_REBINDING,
	BX_DHCP_STATE_RELEASED
};

/* What the caller has to do. */
enum bx_dhcp_news {
	BX_DHCP_NOTHING,
	BX_DHCP_BOUND,			/* dhcp->lease is new: configure it */
	BX_DHCP_RENEWED,		/* the same address; dhcp->lease may differ in the rest */
	BX_DHCP_LOST			/* the address is not ours any more: take it away; it begins again */
};

struct bx_dhcp_config {
	uint8_t mac[6];
	struct bx_net_addr address;	/* that it had before, or all zero */
	uint64_t random;		/* new random bits each time */
};

/* Movable; only the client writes.  `lease` may be read from BX_DHCP_BOUND to BX_DHCP_LOST. */
struct bx_dhcp {
	struct bx_dhcp_config config;
	struct bx_dhcp_lease lease, offer;
	enum bx_dhcp_state state;
	uint64_t random;
	uint64_t end;			/* of UDP; 0: none */
	uint64_t begun_us, due_us;
	uint64_t asked_us;		/* when the request was sent that an acknowledgement answers: the lease runs from it */
	uint64_t renew_us, rebind_us, expire_us;	/* BX_DHCP_NEVER: no end */
	uint32_t xid;
	uint32_t tries;
	enum bx_err error;		/* of the transport stage, the last; BX_OK */
};

/*
 * What a message of a server says, for the transaction and hardware address that were asked with.
 *   BX_OK               *message is written whole
 *   BX_ERR_NOT_FOUND    an answer to somebody else
 *   BX_ERR_FORMAT       malformed, or without what its type must have (RFC 2131, table 3)
 * On error *message is untouched.
 */
BX_MUST_USE enum bx_err bx_dhcp_message_parse(const uint8_t *bytes, uint32_t length, uint32_t xid,
    const uint8_t mac[6], struct bx_dhcp_message *message);

/* Begins.  BX_OK, BX_ERR_INVALID (a group as mac, an address that is not IPv4). */
BX_MUST_USE enum bx_err bx_dhcp_start(struct bx_dhcp *dhcp, uint64_t now_us, const struct bx_dhcp_config *config);

/* Takes what has come, asks, asks again, renews.  O(datagrams), at most 64 in one call. */
BX_MUST_USE enum bx_dhcp_news bx_dhcp_poll(struct bx_dhcp *dhcp, struct bx_transport *transport, uint64_t now_us,
    struct bx_net_batch *out);

/* When bx_dhcp_poll has something to do next even if nothing comes. */
uint64_t bx_dhcp_next(const struct bx_dhcp *dhcp);

/* The leased address is another host's: tells the server, and begins again after ten seconds (RFC 2131, 3.1 (5)).  The
 * caller takes the address away.  BX_OK, BX_ERR_STATE (no lease), or why the message could not be sent. */
BX_MUST_USE enum bx_err bx_dhcp_decline(struct bx_dhcp *dhcp, struct bx_transport *transport, uint64_t now_us,
    struct bx_net_batch *out);

/* Gives the lease back, if there is one, and ends.  BX_OK, or why the message could not be sent (it has ended
 * nevertheless). */
enum bx_err bx_dhcp_release(struct bx_dhcp *dhcp, struct bx_transport *transport, struct bx_net_batch *out);

#endif
