/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/net_ip.h -- the IP stage: IPv4 and IPv6, fragments, ICMP and ICMPv6, neighbour discovery, groups;
 * addresses and routes.
 * Layer 1: needs base.h, net_buf.h.  Knows nothing of the stages below and above.
 *
 * Sources: RFC 791, 792, 815 (IPv4, ICMP, reassembly), 1122 section 3 (host rules), 1191 (path MTU), 6864 (the
 * identification field), 1812 4.3.2.8 (rate of errors), 3376 (IGMP); RFC 8200, 4443 (IPv6, ICMPv6), 4861
 * (neighbour discovery), 4862, 7217 (addresses without a server), 3810 (MLD), 8201 (path MTU), 5722, 6946, 7112
 * (fragments), 6724 (choice of addresses).
 *
 * Protocol of use: bx_ip_init once; bx_ip_interface_set, bx_ip_ipv6_start, bx_ip_address_add, bx_ip_route_add;
 *   for packets that came up        bx_ip_receive(packets, replies); packets -> transport, replies -> link;
 *                                   while bx_ip_whole_ready, bx_ip_whole_take(batch, replies): likewise;
 *   for segments that go down       bx_ip_send(segments, extra); both -> link, extra first;
 *   at bx_ip_next                   bx_ip_poll(out); out -> link, and where it says so to transport first.
 * It is a host, not a router: a packet for another address is dropped (RFC 1122, 3.2.1.3).
 */
#ifndef BRAINIX_NET_IP_H
#define BRAINIX_NET_IP_H

#include <brainix/net_buf.h>

#define BX_IP_INTERFACES	4u
#define BX_IP_ADDRESSES		16u	/* in all, those that may be used */
#define BX_IP_TENTATIVE		8u	/* IPv6 addresses under test, or found to be another's */
#define BX_IP_GROUPS		32u	/* groups that are listened to, both families */
#define BX_IP_ROUTERS		4u	/* routers that have told of themselves */
#define BX_IP_NEVER		UINT64_MAX
#define BX_IP_MTU_MIN		576u	/* no path is believed to be narrower (RFC 1191, section 3; RFC 5927) */
#define BX_IP_MTU6_MIN		1280u	/* of IPv6 (RFC 8200, 5) */

struct bx_ip;				/* pinned, in the memory given to bx_ip_init */

struct bx_ip_config {
	uint16_t routes;		/* 1..1024, routes of own networks included */
	uint16_t destinations;		/* remembered paths: a power of two, 4..32768 */
	uint16_t reassemblies;		/* datagrams in the making at a time, 0..1024 */
	uint32_t reassembly_bytes;	/* the longest of them, 576..65528, a multiple of 8 */
	uint16_t neighbours;		/* on IPv6 links: a power of two, 4..32768; 0: no IPv6 */
	uint16_t waiting;		/* packets that may wait for a neighbour, 0..1024 */
	uint16_t waiting_bytes;		/* the longest of them, at most 9216 */
	uint64_t seed;			/* random: hash keys, identification */
	uint64_t stable[2];		/* random and secret, the same after a restart: interface ids (RFC 7217) */
};

/* What the transport stage has to know of the way to a destination. */
struct bx_ip_path {
	struct bx_net_addr source;	/* which own address to speak from */
	uint16_t mtu;			/* the longest packet */
	uint8_t interface;
};

struct bx_ip_stats {
	uint64_t packets_in, packets_out, segments_in, segments_out;
	uint64_t bad_version, bad_header, bad_checksum, bad_length, bad_option, source_routed;
	uint64_t bad_source;		/* martian: a group, loopback, zero, or one of our own */
	uint64_t not_for_us;
	uint64_t fragments_in, fragment_bad, fragment_overlap, fragment_too_big, fragment_no_room;
	uint64_t fragment_ecn;		/* congestion met by one fragment, and another can not say so: dropped (RFC 3168, 5.3) */
	uint64_t reassembled, reassembly_timeout;
	uint64_t icmp_in, icmp_bad, icmp_echo, icmp_error_in, icmp_error_stray, icmp_ignored;
	uint64_t icmp_out, icmp_limited;
	uint64_t no_route;
	uint64_t no_source;		/* a segment from an address that is not ours (0.0.0.0 is DHCP's) */
	uint64_t too_big, no_room_out, no_headroom, fragments_out;
	/* IPv6. */
	uint64_t extension_bad;		/* an extension header malformed, or more of them than we walk */
	uint64_t extension_unknown;	/* a next header, a routing type or an option that we do not know */
	uint64_t fragment_chain;	/* a first fragment without all of the headers (RFC 7112) */
	uint64_t nd_in, nd_bad, nd_out;	/* neighbour discovery; bad: fails a check of RFC 4861, 6.1, 7.1, 8.1 */
	uint64_t duplicates;		/* own addresses that another host has */
	uint64_t waiting_full, unresolved;	/* packets that waited for a neighbour and were dropped */
	uint64_t groups_in, groups_out;	/* messages of IGMP and MLD */
};

/* How an own IPv6 address stands (RFC 4862, 5.4 and 5.5.4).  An IPv4 one is always preferred here: the link stage
 * looks for conflicts. */
enum bx_ip_address_state {
	BX_IP_ADDRESS_NONE,		/* not ours */
	BX_IP_ADDRESS_TENTATIVE,	/* not to be used yet */
	BX_IP_ADDRESS_PREFERRED,
	BX_IP_ADDRESS_DEPRECATED,	/* for what is under way; new connections use others */
	BX_IP_ADDRESS_DUPLICATE		/* another host has it */
};

/* An own address, as bx_ip_address_at tells it. */
struct bx_ip_address {
	struct bx_net_addr address;
	uint64_t preferred_until_us, valid_until_us;	/* BX_IP_NEVER: no end */
	enum bx_ip_address_state state;
	uint8_t prefix;			/* bits, of its family */
	uint8_t interface;
	bool learnt;			/* made from a router's prefix */
};

/* bx_ip_ipv6_start */
#define BX_IP_IPV6_ROUTERS	0x1u	/* asks for routers, believes them, makes addresses of their prefixes */
#define BX_IP_IPV6_SURE		0x2u	/* no duplicate address detection: own addresses are used at once */

/* The bytes that bx_ip_init needs, or 0 if the configuration is outside its domain. */
size_t bx_ip_size(const struct bx_ip_config *config);

/* BX_OK, BX_ERR_INVALID (configuration), BX_ERR_ALIGN (memory not at 64), BX_ERR_NO_MEMORY (size). */
BX_MUST_USE enum bx_err bx_ip_init(void *memory, size_t size, const struct bx_ip_config *config,
    struct bx_ip **ip);

/* Interface `interface` is there, with this MTU (BX_IP_MTU_MIN..9216).  BX_OK, BX_ERR_INVALID, BX_ERR_RANGE. */
BX_MUST_USE enum bx_err bx_ip_interface_set(struct bx_ip *ip, uint8_t interface, uint16_t mtu);

/*
 * Begins IPv6 on an interface: makes the link-local address (RFC 7217, 5), tests it, and with _ROUTERS asks for
 * routers.  mac: the link's own address, that others are told.
 * BX_OK, BX_ERR_INVALID (flags, a group as mac, MTU below 1280), BX_ERR_RANGE (no such interface), BX_ERR_EXISTS
 * (begun before), BX_ERR_UNSUPPORTED (config.neighbours is 0), BX_ERR_NO_MEMORY.
 */
BX_MUST_USE enum bx_err bx_ip_ipv6_start(struct bx_ip *ip, uint64_t now_us, uint8_t interface,
    const uint8_t mac[6], uint32_t flags);

/*
 * An own unicast address on an interface, and the route of its network.  prefix: 0..32 for IPv4, 0..128 for IPv6. An
 * IPv6 address is tentative until bx_ip_poll has tested it.
 * BX_OK, BX_ERR_INVALID, BX_ERR_RANGE (no such interface), BX_ERR_EXISTS, BX_ERR_NO_MEMORY, BX_ERR_UNSUPPORTED
 * (IPv6 without bx_ip_ipv6_start).
 */
BX_MUST_USE enum bx_err bx_ip_address_add(struct bx_ip *ip, uint8_t interface,
    const struct bx_net_addr *address, uint8_t prefix);

/* BX_OK or BX_ERR_NOT_FOUND. */
BX_MUST_USE enum bx_err bx_ip_address_remove(struct bx_ip *ip, const struct bx_net_addr *address);

/* How an address stands; BX_IP_ADDRESS_NONE if it is not ours. */
enum bx_ip_address_state bx_ip_address_state(const struct bx_ip *ip, uint64_t now_us,
    const struct bx_net_addr *address);

/* Own address number `index` from 0 on, tentative ones last; false: there are not so many.  O(1). */
bool bx_ip_address_at(const struct bx_ip *ip, uint64_t now_us, uint32_t index, struct bx_ip_address *address);

/*
 * Listens to a group on an interface, and tells the routers (RFC 3376, 3810).  Each join wants a leave.
 * BX_OK, BX_ERR_INVALID (not a group, or one of this host alone), BX_ERR_RANGE (no such interface), BX_ERR_NO_MEMORY,
 * BX_ERR_UNSUPPORTED (IPv6 without bx_ip_ipv6_start).
 */
BX_MUST_USE enum bx_err bx_ip_group_join(struct bx_ip *ip, uint64_t now_us, uint8_t interface,
    const struct bx_net_addr *group);

/* BX_OK or BX_ERR_NOT_FOUND. */
BX_MUST_USE enum bx_err bx_ip_group_leave(struct bx_ip *ip, uint64_t now_us, uint8_t interface,
    const struct bx_net_addr *group);

/*
 * A route to network/prefix through gateway (all zero: directly on the link).  Longest prefix wins.
 * BX_OK, BX_ERR_INVALID (bits beyond the prefix, a gateway that is a group), BX_ERR_RANGE (no such interface),
 * BX_ERR_EXISTS (the same network and prefix), BX_ERR_NO_MEMORY.
 */
BX_MUST_USE enum bx_err bx_ip_route_add(struct bx_ip *ip, const struct bx_net_addr *network,
    uint8_t prefix, const struct bx_net_addr *gateway, uint8_t interface);

/* BX_OK or BX_ERR_NOT_FOUND. */
BX_MUST_USE enum bx_err bx_ip_route_remove(struct bx_ip *ip, const struct bx_net_addr *network,
    uint8_t prefix);

/*
 * The way to a destination.  A broadcast or multicast destination is reached by the default interface.
 * BX_OK, BX_ERR_NET_UNREACHABLE (no route; no own address to speak from; an own address or one of the loopback, for the
 * stage has no way inside); *path untouched on error.
 */
BX_MUST_USE enum bx_err bx_ip_path(struct bx_ip *ip, uint64_t now_us,
    const struct bx_net_addr *destination, struct bx_ip_path *path);

/* Whether a packet to it may be taken up here: one of the own addresses. */
bool bx_ip_is_own(const struct bx_ip *ip, const struct bx_net_addr *address);

/*
 * Packets become segments and errors, in place; what is not for the transport stage is consumed or dropped.
 * Echo replies and errors are added to `replies`, ready for the link stage.
 * False: there is certainly nothing for the transport stage in the batch, and it need not be called.
 */
bool bx_ip_receive(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets,
    struct bx_net_batch *replies);

/* Whether a datagram put together from fragments waits to be taken. */
bool bx_ip_whole_ready(const struct bx_ip *ip);

/* Moves such datagrams into the batch, as segments; echo requests and errors are dealt with as by bx_ip_receive.  One
 * that fits no empty batch is dropped. */
void bx_ip_whole_take(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *batch,
    struct bx_net_batch *replies);

/*
 * Segments become packets, in place, with the next hop as destination; fragments go to `extra`.
 * BX_NET_UNREACHABLE becomes an ICMP error to its source, in `extra`; but TOO_BIG narrows the path to its destination: who
 * was told of it in bx_ip_receive has found that the segment was his (RFC 5927, 7; RFC 8201, 4).
 * Nothing is sent from an address that is not ours (RFC 1122, 3.2.1.3), but by 0.0.0.0 from port 68 to 67 of
 * 255.255.255.255, which is DHCP's.
 * Returns whether something could not be sent and stays in `segments` as BX_NET_UNREACHABLE with the error
 * ROUTE (also for such a source) or TOO_BIG, for who built it; the link stage skips it.
 */
bool bx_ip_send(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *segments,
    struct bx_net_batch *extra);

/* Does what time asks for: drops what has waited too long for its fragments, tests addresses, asks for neighbours and
 * routers, reports groups, lets lifetimes end.  What is to be sent is added to `out`, ready for the link stage.
 * Returns whether packets that waited for a neighbour were given up: then their first bytes are in `out` too, as
 * BX_NET_UNREACHABLE with the error ROUTE, for who built them (RFC 4861, 7.2.2); the link stage skips them. */
bool bx_ip_poll(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *out);

/* When bx_ip_poll has something to do next; BX_IP_NEVER if nothing is pending. */
uint64_t bx_ip_next(const struct bx_ip *ip);

const struct bx_ip_stats *bx_ip_stats(const struct bx_ip *ip);

#endif
