/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * dhcp.h -- inside the DHCP client: the layout of messages (RFC 2131, 2) and the options that it knows (RFC 2132).
 *
 *   0 op | 1 htype | 2 hlen | 3 hops | 4 xid | 8 secs | 10 flags | 12 ciaddr | 16 yiaddr | 20 siaddr | 24 giaddr
 *   28 chaddr, 16 | 44 sname, 64 | 108 file, 128 | 236 cookie | 240 options
 */
#ifndef NETSTACK_DHCP_H
#define NETSTACK_DHCP_H

#include <brainix/net_dhcp.h>

#include "../mem.h"

#define HEAD			240u
#define COOKIE			0x63825363u
#define MESSAGE_MIN		300u	/* of BOOTP (RFC 1542, 2.1): some relays drop shorter ones */
#define SNAME_AT		44u
#define SNAME_BYTES		64u
#define FILE_AT			108u
#define FILE_BYTES		128u

#define OPTION_PAD		0u
#define OPTION_MASK		1u
#define OPTION_ROUTER		3u
#define OPTION_DNS		6u
#define OPTION_MTU		26u
#define OPTION_REQUESTED	50u
#define OPTION_LIFETIME		51u
#define OPTION_OVERLOAD		52u
#define OPTION_TYPE		53u
#define OPTION_SERVER		54u
#define OPTION_PARAMETERS	55u
#define OPTION_SIZE		57u
#define OPTION_RENEW		58u
#define OPTION_REBIND		59u
#define OPTION_CLIENT		61u
#define OPTION_ROUTES		121u	/* RFC 3442 */
#define OPTION_END		255u

/* A message from the client in bytes[MESSAGE_MIN]; `requested` and `server` may be NULL. */
struct request {
	uint8_t type;
	uint32_t xid;
	uint16_t secs;
	bool broadcast;			/* answers shall be broadcast */
	const uint8_t *mac;
	const struct bx_net_addr *ciaddr, *requested, *server;
};
void bx_dhcp_message_make(const struct request *request, uint8_t bytes[MESSAGE_MIN]);

#endif
