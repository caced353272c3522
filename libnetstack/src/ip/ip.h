/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ip.h -- inside the IP stage: its state, and what its files give one another.
 */
#ifndef NETSTACK_IP_H
#define NETSTACK_IP_H

#include <brainix/net_ip.h>

#include "../mem.h"
#include "../sum.h"

#define IPV4_HEAD		20u
#define IPV4_HEAD_MAX		60u
#define IPV4_MAX		65535u
#define IPV4_DF			0x4000u
#define IPV4_MF			0x2000u
#define IPV4_OFFSET		0x1fffu
#define PROTOCOL_ICMP		1u
#define HOP_LIMIT		64u	/* RFC 1700; RFC 1122, 3.2.1.7 */
#define SECOND_US		1000000u
#define PATH_WAYS		4u
#define NO_INTERFACE		0xffu

struct interface {
	uint16_t mtu;			/* 0: not there */
};

struct address {
	struct bx_net_addr addr;
	uint32_t ipv4;
	uint32_t broadcast;		/* the directed broadcast of the network, or the limited one */
	uint8_t prefix;			/* in bits of the 16-byte form */
	uint8_t interface;
};

/* Sorted by prefix, longest first: the first that matches is the answer. */
struct route {
	struct bx_net_addr network, gateway;
	uint8_t prefix;			/* in bits of the 16-byte form */
	uint8_t interface;
};

/* A remembered path: the answer of the routing table, and the path MTU if one was learnt. */
struct path {
	struct bx_net_addr destination, next_hop, source;
	uint64_t narrow_until_us;	/* when the learnt MTU is forgotten (RFC 1191, 6.3) */
	uint32_t generation;		/* of the tables it was made from; 0 if free */
	uint32_t used;
	uint16_t mtu;
	uint8_t interface;
};

/*
 * A datagram in the making (RFC 791, 3.2; the bitmap of RFC 791's own procedure, a bit for 8 bytes).
 *   all fragments seen: `complete`, waits for bx_ip_whole_take.  Overlap, or too long: forgotten whole.
 */
struct reassembly {
	struct bx_net_addr source, destination;
	uint64_t since_us;
	uint32_t id;
	uint32_t length;		/* of the whole, known with the last fragment; 0 before */
	uint32_t have;			/* bytes so far */
	uint8_t protocol;
	uint8_t traffic_class, hop_limit, interface;
	uint16_t mtu;
	bool used, complete;
};

struct bx_ip {
	struct bx_ip_config config;
	struct bx_ip_stats stats;
	struct interface interfaces[BX_IP_INTERFACES];
	struct address addresses[BX_IP_ADDRESSES];
	struct route *routes;
	struct path *paths;
	struct reassembly *reassemblies;
	uint8_t *reassembly_map;	/* a bit for 8 bytes of each */
	uint8_t *reassembly_bytes;
	uint64_t key[2];
	uint64_t tokens_us;		/* the bucket of errors: when it was last filled */
	uint64_t due_us;
	uint32_t generation;		/* of addresses and routes; never 0 */
	uint32_t path_clock;
	uint16_t route_count;
	uint16_t address_count;	/* addresses in use, in front of the free ones */
	uint16_t whole_count;		/* complete datagrams */
	uint16_t id;
	uint16_t tokens;
};

/* address.c */
const struct address *bx_ip_address_find(const struct bx_ip *ip, const struct bx_net_addr *address);
/* An own address on an interface to speak from, for a destination; NULL if there is none. */
const struct address *bx_ip_address_pick(const struct bx_ip *ip, uint8_t interface,
    const struct bx_net_addr *destination);
/* Whether an IPv4 address is the limited broadcast, or a directed one of ours. */
bool bx_ip_is_broadcast(const struct bx_ip *ip, uint32_t address);

/* route.c */
struct path *bx_ip_path_find(struct bx_ip *ip, uint64_t now_us, const struct bx_net_addr *destination);
bool bx_ip_prefix_equal(const struct bx_net_addr *a, const struct bx_net_addr *b, uint32_t prefix);
/* The path narrows to mtu (RFC 1191, 3; RFC 8201, 4). */
void bx_ip_path_narrow(struct bx_ip *ip, uint64_t now_us, const struct bx_net_addr *destination,
    uint32_t mtu);
enum bx_err bx_ip_route_insert(struct bx_ip *ip, const struct route *route);
enum bx_err bx_ip_route_drop(struct bx_ip *ip, const struct bx_net_addr *network, uint32_t prefix);

/* ipv4_in.c */
void bx_ip_ipv4_receive(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets,
    struct bx_net_buf *buf, struct bx_net_batch *replies);

/* ipv4_out.c */
/* One segment becomes one packet in place, or fragments in `extra`; false: it stays, as BX_NET_UNREACHABLE. */
bool bx_ip_ipv4_send(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *batch,
    struct bx_net_buf *buf, struct bx_net_batch *extra);

/* reassembly.c */
void bx_ip_reassembly_add(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *packets,
    const struct bx_net_buf *buf, uint32_t id, uint32_t offset, bool more);

/* icmpv4.c */
void bx_ip_icmpv4_receive(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets,
    struct bx_net_buf *buf, struct bx_net_batch *replies);
/* Tells the sender of a segment that it could not be delivered. */
void bx_ip_icmpv4_unreachable(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *batch,
    const struct bx_net_buf *buf, struct bx_net_batch *out);

#endif
