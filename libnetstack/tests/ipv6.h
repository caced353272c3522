/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipv6.h -- the IP stage between two batches, for the tests of IPv6: what is given to it is written into `in`, what it says
 * is read from `out`.
 */
#ifndef BX_NET_TEST_IPV6_H
#define BX_NET_TEST_IPV6_H

#include <stdlib.h>
#include <string.h>

#include <check.h>

#include <brainix/net_ip.h>

#define S	((uint64_t)1000000)

extern uint8_t block[262144];		/* the stage's memory */
extern uint8_t out_bytes[65536];
extern struct bx_net_buf out_bufs[32];
extern struct bx_net_batch in, out, whole;
extern struct bx_ip *ip;
extern struct bx_net_addr mine, yours, router, all_nodes;
extern const struct bx_net_addr any;
extern const uint8_t my_mac[6], your_mac[6];

/* "fd00::1" and its like: eight groups, "::" once. */
struct bx_net_addr addr(const char *text);

/* A small stage's configuration. */
struct bx_ip_config standard(void);

/* A new stage in `block`, IPv6 started with BX_IP_IPV6_*. */
void make(uint32_t flags);

/* Past the reports that a new address makes. */
void settle(uint64_t now);

/* Before each case: a stage that is sure of its addresses, with `mine`. */
void set_up(void);

/* A packet in the batch `in`. */
struct bx_net_buf *packet(const struct bx_net_addr *from, const struct bx_net_addr *to,
    uint8_t next, uint8_t hops, const uint8_t *content, uint32_t length);

/* A part of what UDP would say, behind a fragment header; offset in bytes. */
struct bx_net_buf *fragment(uint32_t offset, bool more, uint32_t id, const uint8_t *content, uint32_t length);

/* An ICMPv6 message, its sum made. */
struct bx_net_buf *icmp(const struct bx_net_addr *from, const struct bx_net_addr *to, uint8_t hops,
    uint8_t *m, uint32_t length);

/* Gives `in` to the stage: it takes every packet. */
void receive(uint64_t now);

/* Empties `in` and `out`. */
void clear(void);

/* Checks that packet i of `out` is a sound ICMPv6 message, and returns it; `hop`: a hop-by-hop header before it. */
const uint8_t *message(uint32_t i, uint32_t hop, struct bx_net_addr *from, struct bx_net_addr *to);

/* The first message of a type in `out`, or -1. */
int find(uint8_t type);

/* Whether it is the address of that text. */
bool same(const struct bx_net_addr *a, const char *text);

/* The group in which one asks for it (RFC 4291, 2.7.1). */
struct bx_net_addr solicited(const struct bx_net_addr *a);

/* A solicitation of the peer, without its link-layer address when it comes from nobody (RFC 4861, 4.3). */
void solicit(const struct bx_net_addr *from, const struct bx_net_addr *target);

/* An advertisement of a neighbour; mac NULL: without its link-layer address (RFC 4861, 4.4). */
void advertise(const struct bx_net_addr *target, uint32_t flags, const uint8_t *mac,
    const struct bx_net_addr *to);

/* A segment of ours in `in`, on its way down. */
struct bx_net_buf *segment(uint32_t length, const struct bx_net_addr *to);

/* The peer is known from now on. */
void acquaint(uint64_t now);

/* An advertisement: prefix fd01::/64 if valid is not 0, MTU if it is not 0. */
void router_says(const struct bx_net_addr *who, uint8_t flags, uint16_t lifetime, uint32_t valid,
    uint32_t preferred, uint32_t mtu, uint64_t now);

/* The address made from fd01::/64, if there is one. */
bool learnt(uint64_t now, struct bx_ip_address *a);

/* The cases of each file; set_up() before each. */
TCase *cases_icmpv6(void);
TCase *cases_discovery(void);
TCase *cases_addresses(void);
TCase *cases_groups(void);

#endif
