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
#define IPV6_HEAD		40u
#define IPV6_FRAGMENT_HEAD	8u
#define PROTOCOL_HOPOPTS	0u
#define PROTOCOL_ICMP		1u
#define PROTOCOL_IGMP		2u
#define PROTOCOL_TCP		6u
#define PROTOCOL_UDP		17u
#define PROTOCOL_ROUTING	43u
#define PROTOCOL_FRAGMENT	44u
#define PROTOCOL_ICMPV6		58u
#define PROTOCOL_NONE		59u
#define PROTOCOL_DSTOPTS	60u
#define HOP_LIMIT		64u	/* RFC 1700; RFC 1122, 3.2.1.7 */
#define SECOND_US		1000000u
#define PATH_WAYS		4u
#define NO_INTERFACE		0xffu
#define NO_SLOT			0xffffu
#define ND_WAYS			4u	/* neighbours that share a hash value */

struct interface {
	uint16_t mtu;			/* 0: not there */
	uint16_t mtu6;			/* of IPv6: a router may narrow it; 0: IPv6 has not begun */
	uint8_t mac[6];
	uint8_t flags;			/* BX_IP_IPV6_* */
	uint8_t hop_limit;		/* of IPv6, as routers say */
	uint8_t solicited;		/* router solicitations sent */
	uint32_t reachable_us;		/* RFC 4861, 6.3.2: chosen around the base */
	uint32_t retrans_us;
	uint32_t base_reachable_ms;
	uint64_t solicit_us;		/* the next router solicitation; BX_IP_NEVER: none */
	uint64_t report_us[2];		/* when a query is answered: IGMP, MLD */
	/* Until when routers of older versions count as there (RFC 3376, 7.2.1; RFC 3810, 8.2.1): IGMP, MLD by group_version. */
	uint64_t older_us[2][2];
};

struct address {
	struct bx_net_addr addr;
	uint32_t ipv4;
	uint32_t broadcast;		/* the directed broadcast of the network, or the limited one */
	uint8_t prefix;			/* in bits of the 16-byte form */
	uint8_t interface;
	/* Of IPv6. */
	bool learnt;
	uint8_t state;			/* enum bx_ip_address_state; PREFERRED also when deprecated by time */
	uint8_t sent;			/* solicitations of the test */
	uint8_t retries;		/* DAD_Counter of RFC 7217, 5 */
	uint64_t when_us;		/* TENTATIVE: the next step */
	uint64_t preferred_us, valid_us;
};

/* Sorted by prefix, longest first: the first that matches is the answer. */
struct route {
	struct bx_net_addr network, gateway;
	uint8_t prefix;			/* in bits of the 16-byte form */
	uint8_t interface;
	bool learnt;
	uint64_t until_us;		/* of a learnt one; else BX_IP_NEVER */
};

/*
 * A neighbour on an IPv6 link (RFC 4861, 7.3.2).
 *
 *           ask                solicited answer         reachable time
 *   ND_FREE ----> ND_INCOMPLETE --------------> ND_REACHABLE ---------> ND_STALE <-- heard of it unasked
 *                  | 3 unanswered       ^              ^                   | used
 *                  +--> ND_FREE         +-- confirmed -+---- ND_PROBE <--- ND_DELAY
 *                                                   3 unanswered --> ND_FREE
 * ask, used: bx_ip_neighbour_resolve.  answer: bx_ip_neighbour_answer.  unanswered: neighbour_step.
 */
enum nd_state { ND_FREE, ND_INCOMPLETE, ND_REACHABLE, ND_STALE, ND_DELAY, ND_PROBE };

struct nd_neighbour {
	struct bx_net_addr addr;
	uint64_t when_us;		/* the end of the state */
	uint64_t used_us;
	uint16_t first, last;		/* the queue of waiting packets, NO_SLOT if empty */
	uint16_t waiting;
	uint8_t mac[6];
	uint8_t state;
	uint8_t tries;
	uint8_t interface;
	bool router;
};

/* A packet that waits for a neighbour; its bytes are in ip->wait_bytes. */
struct nd_waiting {
	uint16_t next;
	uint32_t length;
	uint16_t flags, sum_start;
	uint8_t sum_offset;
	uint16_t segment_size;
};

/* A router that has told of itself (RFC 4861, 6.3.4; RFC 4191, 2.2). */
struct router {
	struct bx_net_addr addr;
	uint64_t until_us;
	uint8_t interface;
	int8_t preference;
	bool silent;			/* does not answer: others come first */
	bool used;
};

/* What the routers of a link speak: IGMPv3 or MLDv2; IGMPv2 or MLDv1; IGMPv1. */
enum group_version { GROUP_SECOND, GROUP_FIRST, GROUP_NEWEST };

/* A group that is listened to.  `reports` counts down the reports of a change (RFC 3376, 5.1; RFC 3810, 6.1). */
struct group {
	struct bx_net_addr addr;
	uint64_t when_us;		/* the next of them */
	uint16_t users;			/* 0: left, and gone when the reports are out */
	uint8_t interface;
	uint8_t reports;
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
	uint8_t protocol;		/* PROTOCOL_FRAGMENT for IPv6: there the first fragment says */
	uint8_t next;			/* of IPv6: what the bytes begin with */
	uint16_t first_length;		/* of the first fragment; 0: not here yet */
	uint8_t traffic_class, hop_limit, interface;
	uint8_t marks;			/* a bit for each ECN codepoint that its fragments carry (RFC 3168, 5.3) */
	uint16_t mtu;
	uint16_t flags;
	bool used, complete;
};

struct bx_ip {
	struct bx_ip_config config;
	struct bx_ip_stats stats;
	struct interface interfaces[BX_IP_INTERFACES];
	struct address addresses[BX_IP_ADDRESSES];
	struct address tentative[BX_IP_TENTATIVE];
	struct router routers[BX_IP_ROUTERS];
	struct group groups[BX_IP_GROUPS];
	struct nd_neighbour *neighbours;
	struct nd_waiting *wait;
	uint8_t *wait_bytes;		/* config.waiting times config.waiting_bytes */
	struct route *routes;
	struct path *paths;
	struct reassembly *reassemblies;
	uint8_t *reassembly_map;	/* a bit for 8 bytes of each */
	uint8_t *reassembly_bytes;
	uint64_t key[2];
	uint64_t tokens_us;		/* the bucket of errors: when it was last filled */
	uint64_t due_us;
	uint64_t random;
	uint32_t generation;		/* of addresses and routes; never 0 */
	uint32_t good_generation;	/* of the tables when `good_pair` was found good; 0: none is */
	uint64_t good_pair;		/* source and destination, as in the header, of a unicast packet that was taken up */
	struct bx_net_addr good[2];	/* and as in the descriptor */
	struct path *last;		/* the path of the last packet of IPv4 out; &none: there is none */
	uint32_t last_source;		/* of the packet that took it, as in the header: one of ours */
	struct path none;		/* always free */
	uint32_t id6;
	uint32_t path_clock;
	uint16_t route_count;
	uint16_t address_count;	/* addresses in use, in front of the free ones */
	uint16_t whole_count;		/* complete datagrams */
	uint16_t tentative_count;
	uint16_t router_next;		/* RFC 4861, 6.3.6: round robin among those that do not answer */
	uint16_t wait_free;
	uint16_t id;
	uint16_t tokens;
};

/* Something is due at when_us. */
static inline void
ip_due(struct bx_ip *ip, uint64_t when_us)
{
	ip->due_us = min_u64(ip->due_us, when_us);
}

static inline bool
addr_is_link_local(const struct bx_net_addr *a)
{
	return a->byte[0] == 0xfe && (a->byte[1] & 0xc0) == 0x80;
}

/* The solicited-node group of an address (RFC 4291, 2.7.1). */
static inline struct bx_net_addr
addr_solicited(const struct bx_net_addr *a)
{
	return (struct bx_net_addr){ { 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff,
	    a->byte[13], a->byte[14], a->byte[15] } };
}

/* ff02::n */
static inline struct bx_net_addr
addr_link_group(uint8_t n)
{
	return (struct bx_net_addr){ { 0xff, 2, [15] = n } };
}

static inline struct bx_net_addr
addr_from(const uint8_t *bytes)
{
	struct bx_net_addr a;

	memcpy(a.byte, bytes, 16);
	return a;
}

/* address.c */
const struct address *bx_ip_address_find(const struct bx_ip *ip, const struct bx_net_addr *address);
/* Whether a packet may speak from that address on its path: one of ours, and of the family of its destination. */
static inline bool
bx_ip_source_is_own(const struct bx_ip *ip, const struct bx_net_addr *source, const struct path *path)
{
	if (bx_net_addr_is_any(source))
		return false;
	return bx_net_addr_equal(source, &path->source) || (bx_ip_address_find(ip, source) != NULL &&
	    bx_net_addr_is_ipv4(source) == bx_net_addr_is_ipv4(&path->destination));
}
/* An own address on an interface to speak from, for a destination; NULL if there is none. */
const struct address *bx_ip_address_pick(const struct bx_ip *ip, uint8_t interface,
    const struct bx_net_addr *destination);
/* Whether an IPv4 address is the limited broadcast, or a directed one of ours. */
bool bx_ip_is_broadcast(const struct bx_ip *ip, uint32_t address);
/* The first `bits` bits, the rest zero. */
struct bx_net_addr bx_ip_network_of(const struct bx_net_addr *a, uint32_t bits);
/* Puts an address among those that may be used, with the route of its network unless it is learnt. */
enum bx_err bx_ip_address_insert(struct bx_ip *ip, const struct address *address);

/* autoconf.c */
/* Begins the test of an address; without a test it is used at once. */
enum bx_err bx_ip_tentative_add(struct bx_ip *ip, uint64_t now_us, const struct address *address);
void bx_ip_tentative_drop(struct bx_ip *ip, const struct address *a);
/* The tentative address of that value, or NULL. */
struct address *bx_ip_tentative_find(struct bx_ip *ip, const struct bx_net_addr *address);
/* Another host has it: an address that we made is made again, another stays as DUPLICATE. */
void bx_ip_tentative_conflict(struct bx_ip *ip, uint64_t now_us, struct address *a);
void bx_ip_tentative_poll(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *out);
/* RFC 4862, 5.5.3: a prefix of a router, for addresses. */
void bx_ip_prefix_learn(struct bx_ip *ip, uint64_t now_us, uint8_t interface, const struct bx_net_addr *prefix,
    uint32_t valid_s, uint32_t preferred_s);
/* Lifetimes that have ended. */
void bx_ip_address_expire(struct bx_ip *ip, uint64_t now_us);

/* group.c */
/* Whether packets to the group are taken up. */
bool bx_ip_group_has(const struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *group);
void bx_ip_group_poll(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *out);
/* A query of a router: the answer is due within max_us. */
void bx_ip_group_query(struct bx_ip *ip, uint64_t now_us, uint8_t interface, bool ipv6, uint64_t max_us);
/* One of an older version, about a group or (NULL) all. */
void bx_ip_group_query_old(struct bx_ip *ip, uint64_t now_us, uint8_t interface, const struct bx_net_addr *group, bool ipv6,
    enum group_version version, uint64_t max_us);
/* Another host has reported a group, by an older version. */
void bx_ip_group_heard(struct bx_ip *ip, uint64_t now_us, uint8_t interface, const struct bx_net_addr *group);

/* igmp.c, mld.c: one report of n groups, each of a kind (RFC 3376, 4.2.12; RFC 3810, 5.2.12). */
#define REPORT_IS_EXCLUDE	2u
#define REPORT_TO_INCLUDE	3u
#define REPORT_TO_EXCLUDE	4u
bool bx_ip_igmp_report(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *groups, uint32_t n,
    uint32_t kind, struct bx_net_batch *out);
bool bx_ip_mld_report(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *groups, uint32_t n,
    uint32_t kind, struct bx_net_batch *out);
/* One message of an older version: a group is listened to, or no more. */
bool bx_ip_igmp_old(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *group, bool joined,
    enum group_version version, struct bx_net_batch *out);
bool bx_ip_mld_old(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *group, bool joined, struct bx_net_batch *out);
void bx_ip_igmp_receive(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *packets,
    const struct bx_net_buf *buf);
void bx_ip_mld_receive(struct bx_ip *ip, uint64_t now_us, const uint8_t *icmp, const struct bx_net_buf *buf);

/* route.c */
struct path *bx_ip_path_find(struct bx_ip *ip, uint64_t now_us, const struct bx_net_addr *destination);
/* The path of the last packet, if this one has the same source and destination and nothing has changed; else NULL.  Of the
 * source only what the header says. */
static inline struct path *
bx_ip_path_usual(struct bx_ip *ip, const struct bx_net_addr *destination, const struct bx_net_addr *source)
{
	struct path *p = ip->last;

	if (p->generation != ip->generation || p->narrow_until_us != 0 ||
	    sum_load32(source->byte + 12) != ip->last_source || !bx_net_addr_equal(&p->destination, destination))
		return NULL;
	p->used = ip->path_clock;
	return p;
}
bool bx_ip_prefix_equal(const struct bx_net_addr *a, const struct bx_net_addr *b, uint32_t prefix);
/* The path narrows to mtu (RFC 1191, 3; RFC 8201, 4). */
void bx_ip_path_narrow(struct bx_ip *ip, uint64_t now_us, const struct bx_net_addr *destination,
    uint32_t mtu);
enum bx_err bx_ip_route_insert(struct bx_ip *ip, const struct route *route);
enum bx_err bx_ip_route_drop(struct bx_ip *ip, const struct bx_net_addr *network, uint32_t prefix);
/* A learnt route is set, changed, or with until_us at or before now taken away; a given one stays. */
void bx_ip_route_learn(struct bx_ip *ip, uint64_t now_us, const struct route *route);
void bx_ip_route_expire(struct bx_ip *ip, uint64_t now_us);
/* Packets to destination go by target from now on, if `from` is who they went by (RFC 4861, 8.1, 8.3). */
bool bx_ip_path_redirect(struct bx_ip *ip, uint64_t now_us, const struct bx_net_addr *destination,
    const struct bx_net_addr *from, const struct bx_net_addr *target);

/* ipv4_in.c */
/* The mapped form of the four bytes of the wire. */
static inline void
addr_map(struct bx_net_addr *a, const uint8_t *four)
{
	const uint32_t zero[2] = { 0, 0 };

	__builtin_memcpy(a->byte, zero, 8);
	bx_put_be32(a->byte + 8, 0xffffu);
	__builtin_memcpy(a->byte + 12, four, 4);
}

/* What the header says of the packet, for the stages above. */
static inline void
bx_ip_ipv4_describe(struct bx_net_buf *buf, const uint8_t *p)
{
	addr_map(&buf->source, p + 12);
	addr_map(&buf->destination, p + 16);
	buf->traffic_class = p[1];
	buf->hop_limit = p[8];
	buf->protocol = p[9];
}

/* From and to whom the one before was. */
static inline bool
bx_ip_ipv4_pair_usual(const struct bx_ip *ip, const uint8_t *p, const struct bx_net_buf *buf)
{
	return (sum_load32(p + 12) | (uint64_t)sum_load32(p + 16) << 32) == ip->good_pair && ip->good_generation == ip->generation &&
	    (buf->flags & (BX_NET_F_BROADCAST | BX_NET_F_MULTICAST)) == 0;
}

void bx_ip_ipv4_receive(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets,
    struct bx_net_buf *buf, struct bx_net_batch *replies);

/* ipv4_out.c */
/* Writes a header of 20 bytes and its checksum: a sum of its words, which have the checksum as zero. */
static inline void
bx_ip_ipv4_head(uint8_t *p, const struct bx_net_buf *buf, uint32_t total, uint16_t id, uint16_t fragment)
{
	uint32_t hops = buf->hop_limit != 0 ? buf->hop_limit : HOP_LIMIT;
	uint32_t source = sum_load32(buf->source.byte + 12), destination = sum_load32(buf->destination.byte + 12);
	uint64_t w0 = sum_of64((uint64_t)(0x45000000u | (uint32_t)buf->traffic_class << 16 | total) << 32 |
	    (uint32_t)id << 16 | fragment);
	uint64_t w1 = sum_of32(hops << 24 | (uint32_t)buf->protocol << 16) | (uint64_t)source << 32;

	/* Whole words: what is stored in pieces and loaded as one, by who sums it next, is waited for. */
	w1 |= sum_field(sum_around(sum_around(w0, w1), destination)) << 16;
	__builtin_memcpy(p, &w0, 8);
	__builtin_memcpy(p + 8, &w1, 8);
	__builtin_memcpy(p + 16, &destination, 4);
}

/* A segment has become a packet with a header at p, on that path. */
static inline void
bx_ip_ipv4_packet(struct bx_ip *ip, uint8_t *p, struct bx_net_buf *buf, const struct path *path)
{
	/* RFC 6864, 4.1: an atomic datagram needs no identification. */
	bx_ip_ipv4_head(p, buf, buf->length, 0, IPV4_DF);
	buf->kind = BX_NET_IPV4;
	buf->sum_start = (uint16_t)(buf->sum_start + IPV4_HEAD);
	buf->interface = path->interface;
	buf->destination = path->next_hop;
	ip->stats.packets_out++;
}

/* ---- ip.c ---- */
/* The checksum that was left to the device cannot be made of fragments: it is made here. */
void bx_ip_sum_now(const struct bx_net_batch *batch, struct bx_net_buf *buf);

/* One segment becomes one packet in place, or fragments in `extra`; false: it stays, as BX_NET_UNREACHABLE. */
bool bx_ip_ipv4_send(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *batch,
    struct bx_net_buf *buf, struct bx_net_batch *extra);

/* ipv6_in.c */
void bx_ip_ipv6_receive(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets,
    struct bx_net_buf *buf, struct bx_net_batch *replies);
/* A datagram put together: its headers from `next` on are walked, and it is dealt with. */
void bx_ip_ipv6_whole(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets,
    struct bx_net_buf *buf, uint32_t next, struct bx_net_batch *replies);
/* Passes over one extension header; false if there is none there, or it is not whole. */
bool bx_ip_ipv6_skip(const uint8_t *bytes, uint32_t length, uint32_t *next, uint32_t *size);

/* ipv6_out.c */
bool bx_ip_ipv6_send(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *batch,
    struct bx_net_buf *buf, struct bx_net_batch *extra);
/* Writes a header of 40 bytes. */
void bx_ip_ipv6_head(uint8_t *p, const struct bx_net_addr *source, const struct bx_net_addr *destination,
    uint32_t traffic_class, uint32_t flow, uint32_t length, uint32_t next, uint32_t hop_limit);

/* icmpv6.c */
void bx_ip_icmpv6_receive(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets,
    struct bx_net_buf *buf, struct bx_net_batch *replies);
void bx_ip_icmpv6_unreachable(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *batch,
    const struct bx_net_buf *buf, struct bx_net_batch *out);
/* An error about a packet whose bytes, from the IPv6 header on, are `quote`. */
struct quote {
	const uint8_t *bytes;
	uint32_t length;
	struct bx_net_addr source, destination;
	uint16_t flags;			/* of the descriptor */
};
void bx_ip_icmpv6_error(struct bx_ip *ip, uint64_t now_us, const struct quote *quote, uint32_t type,
    uint32_t code, uint32_t word, struct bx_net_batch *out);
/* Sum and IPv6 header of a message that this stage made, hop limit 255; it leaves the batch if there is no room. */
void bx_ip_icmpv6_finish(struct bx_ip *ip, struct bx_net_batch *out, struct bx_net_buf *buf, uint8_t interface,
    const struct bx_net_addr *source, const struct bx_net_addr *destination);

/* nd.c */
void bx_ip_nd_receive(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *packets,
    const struct bx_net_buf *buf, struct bx_net_batch *replies);
/* A neighbour solicitation to `to`, asking for target; false: no room. */
bool bx_ip_nd_solicit(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *source,
    const struct bx_net_addr *to, const struct bx_net_addr *target, const uint8_t *mac, struct bx_net_batch *out);

/* nd_cache.c */
struct nd_neighbour *bx_ip_neighbour_find(struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *addr);
/* Heard of its link address unasked (RFC 4861, 7.2.3, 6.3.4): made or changed, STALE. */
struct nd_neighbour *bx_ip_neighbour_hear(struct bx_ip *ip, uint64_t now_us, uint8_t interface,
    const struct bx_net_addr *addr, const uint8_t *mac, struct bx_net_batch *out);
/* A neighbour advertisement (RFC 4861, 7.2.5).  mac: NULL if it gives none. */
void bx_ip_neighbour_answer(struct bx_ip *ip, uint64_t now_us, struct nd_neighbour *n, const uint8_t *mac,
    bool router, bool solicited, bool override, struct bx_net_batch *out);
/* Finds who a packet goes to; false if it has to wait or cannot go (then it is consumed). */
bool bx_ip_neighbour_resolve(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *batch,
    struct bx_net_buf *buf, struct bx_net_batch *extra);
bool bx_ip_neighbour_poll(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *out);

/* router.c */
void bx_ip_router_advert(struct bx_ip *ip, uint64_t now_us, const uint8_t *icmp, const struct bx_net_buf *buf);
/* Chooses the default router again: one is gone, or does not answer (RFC 4861, 6.3.6). */
void bx_ip_router_choose(struct bx_ip *ip, uint64_t now_us);
/* It is no router any more (RFC 4861, 7.2.5). */
void bx_ip_router_forget(struct bx_ip *ip, uint64_t now_us, uint8_t interface, const struct bx_net_addr *addr);
void bx_ip_router_poll(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *out);

/* One error message may be sent now (RFC 1812, 4.3.2.8; RFC 4443, 2.4 (f)). */
bool bx_ip_token_take(struct bx_ip *ip, uint64_t now_us);

/* reassembly.c */
void bx_ip_reassembly_poll(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *out);
void bx_ip_reassembly_add(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *packets,
    const struct bx_net_buf *buf, uint32_t id, uint32_t offset, bool more, uint32_t next);

/* icmpv4.c */
void bx_ip_icmpv4_receive(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *packets,
    struct bx_net_buf *buf, struct bx_net_batch *replies);
/* Tells the sender of fragments that the rest did not come (RFC 1122, 3.3.2): `buf` is the first of them. */
void bx_ip_icmpv4_timeout(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *batch,
    const struct bx_net_buf *buf, struct bx_net_batch *out);
/* Tells the sender of a segment that it could not be delivered. */
void bx_ip_icmpv4_unreachable(struct bx_ip *ip, uint64_t now_us, const struct bx_net_batch *batch,
    const struct bx_net_buf *buf, struct bx_net_batch *out);

/* Whether a segment is to be cut by the device, into pieces that fit so many bytes behind the IP header. */
static inline bool
ip_pieces_fit(const struct bx_net_batch *batch, const struct bx_net_buf *buf, uint32_t room)
{
	return (buf->flags & BX_NET_F_CUT) != 0 && buf->protocol == PROTOCOL_TCP && buf->length >= 20 &&
	    (bx_net_bytes(batch, buf)[12] >> 4) * 4u + buf->segment_size <= room;
}

#endif
