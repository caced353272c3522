/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/net_ip.h -- the IP stage: IPv4 with options, fragments and ICMP; addresses and routes.
 * Layer 1: needs base.h, net_buf.h.  Knows nothing of the stages below and above.
 *
 * Sources: RFC 791, 792, 815 (IPv4, ICMP, reassembly), 1122 section 3 (host rules), 1191 (path MTU), 6864 (the
 * identification field), 1812 4.3.2.8 (rate of errors).
 *
 * Protocol of use: bx_ip_init once; bx_ip_interface_set, bx_ip_address_add, bx_ip_route_add;
 *   for packets that came up        bx_ip_receive(packets, replies); packets -> transport, replies -> link;
 *                                   while bx_ip_whole_ready, bx_ip_whole_take(batch): batch -> transport;
 *   for segments that go down       bx_ip_send(segments, extra); both -> link, extra first;
 *   at bx_ip_next                   bx_ip_poll.
 * It is a host, not a router: a packet for another address is dropped (RFC 1122, 3.2.1.3).
 */
#ifndef BRAINIX_NET_IP_H
#define BRAINIX_NET_IP_H

#include <brainix/net_buf.h>

#define BX_IP_INTERFACES	4u
#define BX_IP_ADDRESSES		16u	/* in all */
#define BX_IP_NEVER		UINT64_MAX
#define BX_IP_MTU_MIN		576u	/* no path is believed to be narrower (RFC 1191, section 3; RFC 5927) */

struct bx_ip;				/* pinned, in the memory given to bx_ip_init */

struct bx_ip_config {
	uint16_t routes;		/* 1..1024, routes of own networks included */
	uint16_t destinations;		/* remembered paths: a power of two, 4..32768 */
	uint16_t reassemblies;		/* datagrams in the making at a time, 0..1024 */
	uint32_t reassembly_bytes;	/* the longest of them, 576..65528, a multiple of 8 */
	uint64_t seed;			/* random: hash keys, identification */
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
	uint64_t reassembled, reassembly_timeout;
	uint64_t icmp_in, icmp_bad, icmp_echo, icmp_error_in, icmp_error_stray, icmp_ignored;
	uint64_t icmp_out, icmp_limited;
	uint64_t no_route, no_source, too_big, no_room_out, no_headroom, fragments_out;
};

/* The bytes that bx_ip_init needs, or 0 if the configuration is outside its domain. */
size_t bx_ip_size(const struct bx_ip_config *config);

/* BX_OK, BX_ERR_INVALID (configuration), BX_ERR_ALIGN (memory not at 64), BX_ERR_NO_MEMORY (size). */
BX_MUST_USE enum bx_err bx_ip_init(void *memory, size_t size, const struct bx_ip_config *config,
    struct bx_ip **ip);

/* Interface `interface` is there, with this MTU (BX_IP_MTU_MIN..9216).  BX_OK, BX_ERR_INVALID, BX_ERR_RANGE. */
BX_MUST_USE enum bx_err bx_ip_interface_set(struct bx_ip *ip, uint8_t interface, uint16_t mtu);

/*
 * An own unicast address on an interface, and the route of its network.  prefix: 0..32 for IPv4.
 * BX_OK, BX_ERR_INVALID, BX_ERR_RANGE (no such interface), BX_ERR_EXISTS, BX_ERR_NO_MEMORY, BX_ERR_UNSUPPORTED
 * (a family that this build does not speak).
 */
BX_MUST_USE enum bx_err bx_ip_address_add(struct bx_ip *ip, uint8_t interface,
    const struct bx_net_addr *address, uint8_t prefix);

/* BX_OK or BX_ERR_NOT_FOUND. */
BX_MUST_USE enum bx_err bx_ip_address_remove(struct bx_ip *ip, const struct bx_net_addr *address);

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
 * BX_OK, BX_ERR_NET_UNREACHABLE (no route, or no own address to speak from); *path untouched on error.
 */
BX_MUST_USE enum bx_err bx_ip_path(struct bx_ip *ip, uint64_t now_us,
    const struct bx_net_addr *destination, struct bx_ip_path *path);

/* Whether a packet to it may be taken up here: one of the own addresses. */
bool bx_ip_is_own(const struct bx_ip *ip, const struct bx_net_addr *address);

/*
 * Packets become segments and errors, in place; what is not for the transport stage is consumed or dropped.
 * Echo replies and errors are added to `replies`, ready for the link stage.
 */
void bx_ip_receive(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets,
    struct bx_net_batch *replies);

/* Whether a datagram put together from fragments waits to be taken. */
bool bx_ip_whole_ready(const struct bx_ip *ip);

/* Moves such datagrams into the batch, as segments.  One that fits no empty batch is dropped. */
void bx_ip_whole_take(struct bx_ip *ip, struct bx_net_batch *batch);

/*
 * Segments become packets, in place, with the next hop as destination; fragments go to `extra`.
 * BX_NET_UNREACHABLE becomes an ICMP error to its source, in `extra`.
 * Returns whether something could not be sent and stays in `segments` as BX_NET_UNREACHABLE with the error
 * ROUTE or TOO_BIG, for who built it; the link stage skips it.
 */
bool bx_ip_send(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *segments,
    struct bx_net_batch *extra);

/* Drops what has waited too long for its fragments. */
void bx_ip_poll(struct bx_ip *ip, uint64_t now_us);

/* When bx_ip_poll has something to do next; BX_IP_NEVER if nothing is pending. */
uint64_t bx_ip_next(const struct bx_ip *ip);

const struct bx_ip_stats *bx_ip_stats(const struct bx_ip *ip);

#endif
