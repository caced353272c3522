/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/net_link.h -- the link stage: Ethernet II and ARP under IPv4 and IPv6.
 * Layer 1: needs base.h, net_buf.h.  Knows nothing of the stages above.
 *
 * Sources: Ethernet II framing (RFC 894, RFC 2464, IEEE 802.3 clause 3, 802.1Q clause 9), ARP (RFC 826,
 * RFC 1122 section 2.3.2), address conflict detection (RFC 5227).
 *
 * Protocol of use, one object for each interface:
 *   bx_link_init once; bx_link_address_add for each IPv4 address to be defended;
 *   for what the device received    bx_link_receive(frames, replies); hand `frames` up, give `replies` to the device;
 *   for what the IP stage sends     bx_link_send(packets, extra); give both to the device, `packets` first;
 *   at bx_link_next                 bx_link_poll(frames); give `frames` to the device.
 * All time is microseconds of any steady clock that the caller passes in.
 */
#ifndef BRAINIX_NET_LINK_H
#define BRAINIX_NET_LINK_H

#include <brainix/net_buf.h>

#define BX_LINK_ADDRESSES	8u	/* own IPv4 addresses at most */
#define BX_LINK_NEVER		UINT64_MAX

struct bx_link;				/* pinned, in the memory given to bx_link_init */

struct bx_link_config {
	uint8_t mac[6];			/* unicast, not zero */
	uint16_t mtu;			/* content of a frame: 576..9216; packets above are refused */
	uint16_t vlan;			/* 0: untagged; else frames carry this tag, 1..4094 */
	uint8_t interface;		/* put into every descriptor that goes up */
	uint16_t neighbours;		/* ARP entries: a power of two, 4..32768 */
	uint16_t waiting;		/* packets that may wait for an ARP answer, 1..1024 */
	uint64_t seed;			/* random: for the delays of RFC 5227 */
};

/* How an own address stands (RFC 5227, 2.1 to 2.4). */
enum bx_link_address_state {
	BX_LINK_ADDRESS_NONE,		/* not ours, or given up after a conflict */
	BX_LINK_ADDRESS_PROBING,	/* not to be used yet */
	BX_LINK_ADDRESS_OURS,		/* usable; defended */
	BX_LINK_ADDRESS_CONFLICT	/* another host has it: not to be used */
};

/* Every reason why a frame ends here, and what was done.  All only grow. */
struct bx_link_stats {
	uint64_t frames_in, frames_out;
	uint64_t short_frame;		/* shorter than its headers */
	uint64_t bad_source;		/* source address zero or a group, or our own */
	uint64_t other_host;		/* unicast to another address */
	uint64_t other_vlan;		/* tagged otherwise than configured */
	uint64_t unknown_type;		/* an EtherType that we do not speak, 802.3 length frames too */
	uint64_t arp_in, arp_malformed, arp_not_for_us;
	uint64_t arp_out;		/* requests, replies, probes, announcements */
	uint64_t conflicts;		/* another host used an own address */
	uint64_t no_room_out;		/* a reply or request dropped: the batch was full */
	uint64_t too_big;		/* packet longer than the MTU, and not to be cut */
	uint64_t no_headroom;		/* a buffer without room for the header */
	uint64_t waiting_full;		/* an older waiting packet gave way to a newer one */
	uint64_t unresolved;		/* waiting packets dropped: no answer */
};

/* The bytes that bx_link_init needs, or 0 if the configuration is outside its domain. */
size_t bx_link_size(const struct bx_link_config *config);

/*
 * A link stage in `memory`, 64-byte aligned, kept by the stage until it is no longer used.
 *   BX_OK            *link is ready
 *   BX_ERR_INVALID   the configuration is outside its domain
 *   BX_ERR_ALIGN     memory is not aligned
 *   BX_ERR_NO_MEMORY size is less than bx_link_size
 */
BX_MUST_USE enum bx_err bx_link_init(void *memory, size_t size, const struct bx_link_config *config,
    struct bx_link **link);

/*
 * Claims an IPv4 address.  probe: first make sure that nobody has it (takes 3 to 7 s, RFC 5227, 2.1); without,
 * it is ours at once and is announced.
 *   BX_OK, BX_ERR_INVALID (not a unicast IPv4 address), BX_ERR_EXISTS, BX_ERR_NO_MEMORY (BX_LINK_ADDRESSES)
 */
BX_MUST_USE enum bx_err bx_link_address_add(struct bx_link *link, uint64_t now_us,
    const struct bx_net_addr *address, bool probe);

/* Gives an address up.  One that is not there is no mistake. */
void bx_link_address_remove(struct bx_link *link, const struct bx_net_addr *address);

enum bx_link_address_state bx_link_address_state(const struct bx_link *link,
    const struct bx_net_addr *address);

/*
 * Frames from the device become packets, in place; what is not for the IP stage is consumed.
 * Answers are added to `replies`.  Both batches are the caller's.  O(frames).
 * False: there is certainly nothing for the IP stage, and it need not be called.
 */
bool bx_link_receive(struct bx_link *link, uint64_t now_us, struct bx_net_batch *frames,
    struct bx_net_batch *replies);

/*
 * Packets from the IP stage become frames, in place: kind BX_NET_IPV4 or _IPV6, destination the next hop.
 * A packet whose next hop is not known yet is copied aside and consumed; the request is added to `extra`.
 * Group addresses are mapped (RFC 1112, 6.4; RFC 2464, 7).  An IPv6 unicast next hop needs F_LINK_KNOWN.
 */
void bx_link_send(struct bx_link *link, uint64_t now_us, struct bx_net_batch *packets,
    struct bx_net_batch *extra);

/* Adds what time asks for: probes, announcements, repeated requests, and packets whose answer has come. */
void bx_link_poll(struct bx_link *link, uint64_t now_us, struct bx_net_batch *frames);

/* When bx_link_poll has something to do next; BX_LINK_NEVER if nothing is pending. */
uint64_t bx_link_next(const struct bx_link *link);

/* A fixed neighbour that no ARP message changes.  BX_OK, BX_ERR_INVALID, BX_ERR_NO_MEMORY (its set is full
 * of fixed ones). */
BX_MUST_USE enum bx_err bx_link_neighbour_set(struct bx_link *link, uint64_t now_us,
    const struct bx_net_addr *address, const uint8_t mac[6]);

const struct bx_link_stats *bx_link_stats(const struct bx_link *link);

#endif
