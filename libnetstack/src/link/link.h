/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * link.h -- inside the link stage: its state, and what its files give one another.  Names that cross files
 * carry the prefix of the library, since an archive has one name space.
 */
#ifndef NETSTACK_LINK_H
#define NETSTACK_LINK_H

#include <brainix/net_link.h>

#include "../mem.h"
#include "../sum.h"

#define ETHERNET_HEAD	14u
#define VLAN_TAG	4u
#define TYPE_IPV4	0x0800u
#define TYPE_ARP	0x0806u
#define TYPE_VLAN	0x8100u
#define TYPE_IPV6	0x86ddu
#define ARP_BYTES	28u
#define ARP_WAYS	4u		/* entries that share a hash value */
#define WAIT_PER_HOST	8u		/* packets that may wait for one answer */
#define NO_SLOT		0xffffu
#define SECOND_US	1000000u

/*
 * A neighbour.
 *
 *          ask              answer            used when old          3 polls unanswered
 *   FREE ------> ASKING ------------> KNOWN ----------------> POLLING --------------------> FREE
 *                  | 3 requests unanswered  ^------ answer -----|
 *                  +--> FREE                         FIXED: set by the caller, never changes
 * ask: resolve.  answer: bx_link_neighbour_learn.  used when old: neighbour_use.  unanswered: arp_poll_one.
 */
enum neighbour_state { FREE, ASKING, KNOWN, POLLING, FIXED };

struct neighbour {
	uint32_t ip;
	uint8_t mac[6];
	uint8_t state;
	uint8_t tries;			/* requests sent in ASKING and POLLING */
	uint16_t first, last;		/* the queue of waiting packets, NO_SLOT if empty */
	uint16_t waiting;
	uint64_t when_us;		/* ASKING, POLLING: next request; KNOWN: grows old */
	uint64_t used_us;
};

/* A packet that waits for an answer; its bytes are in link->wait_bytes. */
struct waiting {
	uint16_t next;
	uint16_t type;
	uint32_t length;
	uint16_t flags;			/* of its descriptor, and what the device is to do with the rest of it */
	uint16_t segment_size;
	uint16_t sum_start;
	uint8_t sum_offset;
};

/*
 * An own address (RFC 5227).
 *   PROBING (3 probes, then 2 s of silence) -> OURS; any claim by another host -> CONFLICT
 *   OURS: 2 announcements; a claim is answered once in 10 s, the second gives the address up -> CONFLICT
 */
struct own {
	uint32_t ip;
	uint8_t state;			/* enum bx_link_address_state */
	uint8_t sent;			/* probes or announcements so far */
	bool contested;
	uint64_t when_us;		/* the next probe or announcement */
	uint64_t contested_us;		/* the last claim */
};

struct bx_link {
	struct bx_link_config config;
	struct bx_link_stats stats;
	struct own own[BX_LINK_ADDRESSES];
	uint32_t own_used;		/* beyond these none has ever been set */
	struct neighbour *neighbours;
	struct waiting *wait;
	uint8_t *wait_bytes;		/* config.waiting times config.mtu */
	struct neighbour *last;		/* the last packet went to it; &none: none has been sent, or with a tag */
	struct neighbour none;		/* always FREE */
	uint64_t mac;			/* config.mac as mac_load gives it */
	uint64_t good[2];		/* the first 6 and the last 8 bytes of the last header of IPv4 that was found good */
	uint16_t wait_free;
	uint64_t due_us;		/* nothing is due earlier */
	uint64_t random;
};

/* ethernet.c */
/* Puts the Ethernet header before a packet; false if the buffer has no room (counted). */
bool bx_link_frame_put(struct bx_link *link, const struct bx_net_batch *batch, struct bx_net_buf *buf,
    const uint8_t destination[6], uint16_t type);

/* arp.c */
void bx_link_arp_receive(struct bx_link *link, uint64_t now_us, const uint8_t *arp, uint32_t length,
    struct bx_net_batch *replies);
void bx_link_arp_send_request(struct bx_link *link, const struct neighbour *to, struct bx_net_batch *out);
void bx_link_arp_announce(struct bx_link *link, uint32_t sender, uint32_t target, struct bx_net_batch *out);

/* conflict.c */
/* An ARP message names sender/target: checks it against the own addresses.  Returns which of the two are ours and
 * usable, after what the message has changed. */
#define OWN_SENDER	1u
#define OWN_TARGET	2u
uint32_t bx_link_own_check(struct bx_link *link, uint64_t now_us, uint32_t sender, uint32_t target,
    struct bx_net_batch *replies);
/* An own address to ask from, or 0. */
uint32_t bx_link_own_any(const struct bx_link *link);
void bx_link_own_poll(struct bx_link *link, uint64_t now_us, struct bx_net_batch *out);

/* neighbour.c */
struct neighbour *bx_link_neighbour_find(struct bx_link *link, uint32_t ip);
/* The entry for ip, made if need be in place of the longest unused; NULL if all of its set are fixed. */
struct neighbour *bx_link_neighbour_make(struct bx_link *link, uint32_t ip);
void bx_link_neighbour_learn(struct bx_link *link, uint64_t now_us, struct neighbour *n, const uint8_t mac[6],
    struct bx_net_batch *out);
void bx_link_neighbour_wait(struct bx_link *link, struct neighbour *n, uint16_t type, const struct bx_net_batch *packets,
    const struct bx_net_buf *buf);
void bx_link_neighbour_free(struct bx_link *link, struct neighbour *n);
void bx_link_neighbour_poll(struct bx_link *link, uint64_t now_us, struct bx_net_batch *out);

/* The six bytes of an address, of which two more may be read, as a number: the bit of groups, and the address of all. */
#define MAC_GROUP	1u
#define MAC_ALL		0xffffffffffffu

static inline uint64_t
mac_load(const uint8_t *bytes)
{
	return bx_get_le64(bytes) & 0xffffffffffffu;
}

/* Something is due at when_us. */
static inline void
link_due(struct bx_link *link, uint64_t when_us)
{
	link->due_us = min_u64(link->due_us, when_us);
}

#endif
