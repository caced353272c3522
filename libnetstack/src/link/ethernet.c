/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ethernet.c -- frames in and out (RFC 894, RFC 2464; IEEE 802.1Q for the tag), and the life of the stage.
 */
#include "link.h"

static bool
mac_is_zero(const uint8_t mac[6])
{
	return (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]) == 0;
}

static bool
config_is_valid(const struct bx_link_config *c)
{
	if ((c->mac[0] & 1) != 0 || mac_is_zero(c->mac))
		return false;
	if (c->mtu < 576 || c->mtu > 9216 || c->vlan > 4094)
		return false;
	if (c->neighbours < ARP_WAYS || c->neighbours > 32768 || (c->neighbours & (c->neighbours - 1)) != 0)
		return false;
	return c->waiting >= 1 && c->waiting <= 1024;
}

/* Lays the stage out in a block; with none it only measures. */
static struct bx_link *
link_carve(struct carve *c, const struct bx_link_config *config)
{
	struct bx_link *link = carve_take(c, 1, sizeof *link);
	struct neighbour *neighbours = carve_take(c, config->neighbours, sizeof *neighbours);
	struct waiting *wait = carve_take(c, config->waiting, sizeof *wait);
	uint8_t *bytes = carve_take(c, config->waiting, config->mtu);

	if (link != NULL) {
		*link = (struct bx_link){
			.config = *config, .neighbours = neighbours, .wait = wait, .wait_bytes = bytes,
		};
	}
	return link;
}

size_t
bx_link_size(const struct bx_link_config *config)
{
	struct carve c = { 0 };

	if (!config_is_valid(config))
		return 0;
	link_carve(&c, config);
	return (size_t)bx_align_up(c.used, 64);
}

enum bx_err
bx_link_init(void *memory, size_t size, const struct bx_link_config *config, struct bx_link **link)
{
	struct carve c = { .block = memory };
	enum bx_err e = carve_check(memory, size, bx_link_size(config));
	struct bx_link *l;

	if (e != BX_OK)
		return e;
	l = link_carve(&c, config);
	for (uint16_t i = 0; i < config->neighbours; i++)
		l->neighbours[i] = (struct neighbour){ .first = NO_SLOT, .last = NO_SLOT };
	for (uint16_t i = 0; i < config->waiting; i++) {
		l->wait[i] = (struct waiting){
			.next = i + 1u < config->waiting ? (uint16_t)(i + 1u) : NO_SLOT,
		};
	}
	l->mac = bx_get_le32(config->mac) | (uint64_t)bx_get_le16(config->mac + 4) << 32;
	l->last = &l->none;
	/* No header is both: they overlap. */
	l->good[0] = 0;
	l->good[1] = UINT64_MAX;
	l->due_us = BX_LINK_NEVER;
	l->random = config->seed;
	*link = l;
	return BX_OK;
}

/* There is room for the header, of ETHERNET_HEAD bytes, and a tag if there is one. */
static inline void
frame_put(struct bx_link *link, const struct bx_net_batch *batch, struct bx_net_buf *buf,
    const uint8_t destination[6], uint16_t type, uint16_t vlan)
{
	const uint32_t head = vlan != 0 ? ETHERNET_HEAD + VLAN_TAG : ETHERNET_HEAD;
	uint8_t *p = bx_net_bytes(batch, buf) - head;

	buf->offset -= head;
	buf->length += head;
	__builtin_memcpy(p, destination, 6);
	bx_put_le64(p + 6, link->mac | (uint64_t)sum_of16(vlan != 0 ? TYPE_VLAN : type) << 48);
	if (vlan != 0) {
		bx_put_be16(p + 14, vlan);
		bx_put_be16(p + 16, type);
	}
	buf->kind = BX_NET_FRAME;
	buf->sum_start = (uint16_t)(buf->sum_start + head);
	link->stats.frames_out++;
}

bool
bx_link_frame_put(struct bx_link *link, const struct bx_net_batch *batch, struct bx_net_buf *buf,
    const uint8_t destination[6], uint16_t type)
{
	if (buf->offset - buf->begin < ETHERNET_HEAD + (link->config.vlan != 0 ? VLAN_TAG : 0)) {
		link->stats.no_headroom++;
		buf->kind = BX_NET_NONE;
		return false;
	}
	if (link->config.vlan != 0)
		frame_put(link, batch, buf, destination, type, link->config.vlan);
	else
		frame_put(link, batch, buf, destination, type, 0);
	return true;
}

/* Takes the Ethernet header off; returns the EtherType, or 0 when the frame ends here (counted). */
static uint16_t
strip(struct bx_link *link, const struct bx_net_batch *batch, struct bx_net_buf *buf)
{
	const uint8_t *p = bx_net_bytes(batch, buf);
	uint16_t type, vlan = 0;
	uint32_t head = ETHERNET_HEAD;
	uint64_t target, source;

	if (buf->length < ETHERNET_HEAD) {
		link->stats.short_frame++;
		return 0;
	}
	target = mac_load(p);
	source = mac_load(p + 6);
	if ((source & MAC_GROUP) != 0 || source == 0 || source == link->mac) {
		link->stats.bad_source++;
		return 0;
	}
	if ((target & MAC_GROUP) != 0) {
		buf->flags |= target == MAC_ALL ? BX_NET_F_BROADCAST : BX_NET_F_MULTICAST;
	} else if (target != link->mac) {
		link->stats.other_host++;
		return 0;
	}
	type = bx_get_be16(p + 12);
	if (type == TYPE_VLAN) {
		if (buf->length < ETHERNET_HEAD + VLAN_TAG) {
			link->stats.short_frame++;
			return 0;
		}
		/* Identifier 0 is a priority and no VLAN (802.1Q, 9.6). */
		vlan = bx_get_be16(p + 14) & 0x0fffu;
		type = bx_get_be16(p + 16);
		head += VLAN_TAG;
	}
	if (vlan != link->config.vlan) {
		link->stats.other_vlan++;
		return 0;
	}
	bx_net_pull(buf, head);
	return type;
}

/* Whether it is left. */
static APART bool
receive_other(struct bx_link *link, uint64_t now_us, struct bx_net_batch *frames, struct bx_net_buf *buf,
    struct bx_net_batch *replies)
{
	uint32_t type;

	link->stats.frames_in++;
	buf->kind = BX_NET_NONE;
	buf->flags &= BX_NET_F_SUM_GOOD | BX_NET_F_CUT;
	type = strip(link, frames, buf);
	switch (type) {
	case 0:
		break;
	case TYPE_IPV4:
	case TYPE_IPV6:
		buf->kind = type == TYPE_IPV4 ? BX_NET_IPV4 : BX_NET_IPV6;
		buf->interface = link->config.interface;
		buf->mtu = link->config.mtu;
		break;
	case TYPE_ARP:
		bx_link_arp_receive(link, now_us, bx_net_bytes(frames, buf), buf->length, replies);
		break;
	default:
		link->stats.unknown_type++;
		break;
	}
	return buf->kind != BX_NET_NONE;
}

/* A frame with a packet of IPv4, from one host to us alone, without tags. */
static inline void
receive_ipv4(struct bx_link *link, struct bx_net_buf *buf)
{
	link->stats.frames_in++;
	buf->kind = BX_NET_IPV4;
	buf->flags &= BX_NET_F_SUM_GOOD | BX_NET_F_CUT;
	buf->interface = link->config.interface;
	buf->mtu = link->config.mtu;
	bx_net_pull(buf, ETHERNET_HEAD);
}

/* Whom a frame is to.  In the pieces in which frame_put stores it: a load over two stores is waited for. */
static inline uint64_t
target_load(const uint8_t *p)
{
	return bx_get_le32(p) | (uint64_t)bx_get_le16(p + 4) << 32;
}

/* The short way: with the same header as the one before.  It calls nothing; so a batch of one, which has a way of its
 * own at each door, needs no register saved. */
static IN_LINE bool
receive_usual(struct bx_link *link, const struct bx_net_batch *frames, struct bx_net_buf *buf)
{
	const uint8_t *p = bx_net_bytes(frames, buf);

	if (buf->kind != BX_NET_FRAME)
		return true;
	if (buf->length < ETHERNET_HEAD || target_load(p) != link->good[0] || bx_get_le64(p + 6) != link->good[1])
		return false;
	receive_ipv4(link, buf);
	return true;
}

/* One to us alone.  If it is of IPv4, too, the next may have the same header. */
static APART bool
receive_ours(struct bx_link *link, uint64_t now_us, struct bx_net_batch *frames, struct bx_net_buf *buf,
    struct bx_net_batch *replies)
{
	const uint8_t *p = bx_net_bytes(frames, buf);
	/* The source, and where the type is IPv4, nothing above it. */
	uint64_t source = bx_get_le64(p + 6) ^ sum_of16(TYPE_IPV4) << 48;

	if (link->config.vlan != 0 || (bx_get_le64(p) ^ link->mac) << 16 != 0 || source >> 48 != 0 ||
	    (source & MAC_GROUP) != 0 || source == 0 || source == link->mac)
		return receive_other(link, now_us, frames, buf, replies);
	link->good[0] = target_load(p);
	link->good[1] = bx_get_le64(p + 6);
	receive_ipv4(link, buf);
	return true;
}

/* One that has another header than the one before. */
static IN_LINE bool
receive_unlike(struct bx_link *link, uint64_t now_us, struct bx_net_batch *frames, struct bx_net_buf *buf,
    struct bx_net_batch *replies)
{
	if (buf->length >= ETHERNET_HEAD && (bx_net_bytes(frames, buf)[0] & MAC_GROUP) == 0)
		return receive_ours(link, now_us, frames, buf, replies);
	return receive_other(link, now_us, frames, buf, replies);
}

/* From one on that is not usual; whether one of them is left. */
static APART bool
receive_from(struct bx_link *link, uint64_t now_us, struct bx_net_batch *frames, uint32_t first,
    struct bx_net_batch *replies)
{
	bool left = false;

	for (uint32_t i = first; i < frames->count; i++) {
		struct bx_net_buf *buf = &frames->bufs[i];

		left |= (i != first && receive_usual(link, frames, buf)) ||
		    receive_unlike(link, now_us, frames, buf, replies);
	}
	return left;
}

/* The short way for as many as take it. */
static APART bool
receive_many(struct bx_link *link, uint64_t now_us, struct bx_net_batch *frames, struct bx_net_batch *replies)
{
	uint32_t i = 0;

	while (i < frames->count && receive_usual(link, frames, &frames->bufs[i]))
		i++;
	return (i != frames->count && receive_from(link, now_us, frames, i, replies)) || i != 0;
}

bool
bx_link_receive(struct bx_link *link, uint64_t now_us, struct bx_net_batch *frames,
    struct bx_net_batch *replies)
{
	if (frames->count != 1)
		return receive_many(link, now_us, frames, replies);
	return receive_usual(link, frames, frames->bufs) ||
	    receive_unlike(link, now_us, frames, frames->bufs, replies);
}

/* The link address of a group (RFC 1112, 6.4; RFC 2464, 7), or of all (255.255.255.255). */
static void
group_mac(const struct bx_net_addr *a, uint8_t mac[6])
{
	if (!bx_net_addr_is_ipv4(a)) {
		mac[0] = mac[1] = 0x33;
		memcpy(mac + 2, a->byte + 12, 4);
	} else if (a->byte[12] == 255) {
		memset(mac, 0xff, 6);
	} else {
		mac[0] = 0x01;
		mac[1] = 0x00;
		mac[2] = 0x5e;
		mac[3] = a->byte[13] & 0x7f;
		mac[4] = a->byte[14];
		mac[5] = a->byte[15];
	}
}

/* The neighbour was used: an old one is asked again, by unicast (RFC 1122, 2.3.2.1 (2)). */
static void
neighbour_use(struct bx_link *link, uint64_t now_us, struct neighbour *n)
{
	n->used_us = now_us;
	if (n->state == KNOWN && now_us >= n->when_us) {
		n->state = POLLING;
		n->tries = 0;
		n->when_us = now_us;
		link_due(link, now_us);
	}
}

/* Finds who a packet goes to; false if it has to wait or cannot go (then it is consumed). */
static bool
resolve(struct bx_link *link, uint64_t now_us, const struct bx_net_batch *packets,
    struct bx_net_buf *buf, uint8_t mac[6], struct bx_net_batch *extra)
{
	const struct bx_net_addr *to = &buf->destination;
	struct neighbour *n;
	uint32_t ip;

	if ((buf->flags & BX_NET_F_LINK_KNOWN) != 0) {
		memcpy(mac, buf->source.byte, 6);
		return true;
	}
	if (bx_net_addr_is_group(to)) {
		group_mac(to, mac);
		return true;
	}
	ip = bx_get_be32(to->byte + 12);
	n = bx_net_addr_is_ipv4(to) ? bx_link_neighbour_find(link, ip) : NULL;
	if (n != NULL && n->state != ASKING) {
		neighbour_use(link, now_us, n);
		link->last = link->config.vlan == 0 ? n : &link->none;
		memcpy(mac, n->mac, 6);
		return true;
	}
	if (n == NULL && bx_net_addr_is_ipv4(to)) {
		n = bx_link_neighbour_make(link, ip);
		if (n != NULL) {
			n->state = ASKING;
			n->tries = 1;
			n->used_us = now_us;
			n->when_us = now_us + SECOND_US;
			link_due(link, n->when_us);
			bx_link_arp_send_request(link, n, extra);
		}
	}
	if (n == NULL)
		link->stats.unresolved++;
	else
		bx_link_neighbour_wait(link, n, TYPE_IPV4, packets, buf);
	buf->kind = BX_NET_NONE;
	return false;
}

static void
send_other(struct bx_link *link, uint64_t now_us, struct bx_net_batch *packets, struct bx_net_buf *buf,
    struct bx_net_batch *extra)
{
	uint16_t type = buf->kind == BX_NET_IPV6 ? TYPE_IPV6 : TYPE_IPV4;
	uint8_t mac[6] = { 0 };

	if (buf->length > link->config.mtu && (buf->flags & BX_NET_F_CUT) == 0) {
		link->stats.too_big++;
		buf->kind = BX_NET_NONE;
	} else if (resolve(link, now_us, packets, buf, mac, extra)) {
		bx_link_frame_put(link, packets, buf, mac, type);
	}
}

/* The short way: to the neighbour that the last one went to, of whom nothing is to be asked.  It calls nothing. */
static IN_LINE bool
send_usual(struct bx_link *link, uint64_t now_us, const struct bx_net_batch *packets, struct bx_net_buf *buf)
{
	struct neighbour *n = link->last;

	if (buf->kind != BX_NET_IPV4)
		return buf->kind != BX_NET_IPV6;
	if ((buf->flags & BX_NET_F_LINK_KNOWN) != 0 ||
	    buf->length > link->config.mtu || !bx_net_addr_is_ipv4(&buf->destination) ||
	    bx_get_be32(buf->destination.byte + 12) != n->ip || n->state != KNOWN || now_us >= n->when_us ||
	    buf->offset - buf->begin < ETHERNET_HEAD)
		return false;
	n->used_us = now_us;
	frame_put(link, packets, buf, n->mac, TYPE_IPV4, 0);
	return true;
}

static APART void
send_from(struct bx_link *link, uint64_t now_us, struct bx_net_batch *packets, uint32_t first,
    struct bx_net_batch *extra)
{
	for (uint32_t i = first; i < packets->count; i++) {
		struct bx_net_buf *buf = &packets->bufs[i];

		if (i == first || !send_usual(link, now_us, packets, buf))
			send_other(link, now_us, packets, buf, extra);
	}
}

static APART void
send_many(struct bx_link *link, uint64_t now_us, struct bx_net_batch *packets, struct bx_net_batch *extra)
{
	uint32_t i = 0;

	while (i < packets->count && send_usual(link, now_us, packets, &packets->bufs[i]))
		i++;
	if (i != packets->count)
		send_from(link, now_us, packets, i, extra);
}

void
bx_link_send(struct bx_link *link, uint64_t now_us, struct bx_net_batch *packets,
    struct bx_net_batch *extra)
{
	if (packets->count != 1)
		send_many(link, now_us, packets, extra);
	else if (!send_usual(link, now_us, packets, packets->bufs))
		send_from(link, now_us, packets, 0, extra);
}

void
bx_link_poll(struct bx_link *link, uint64_t now_us, struct bx_net_batch *frames)
{
	if (now_us < link->due_us)
		return;
	link->due_us = BX_LINK_NEVER;
	bx_link_own_poll(link, now_us, frames);
	bx_link_neighbour_poll(link, now_us, frames);
}

uint64_t
bx_link_next(const struct bx_link *link)
{
	return link->due_us;
}

const struct bx_link_stats *
bx_link_stats(const struct bx_link *link)
{
	return &link->stats;
}
