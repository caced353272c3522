/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/net_buf.h -- what passes between the stages of libnetstack: batches of buffers.
 * Layer 1: needs base.h.  Reasons: libnetstack/DESIGN.md, "The seams".  Invariants NET-1..3 there.
 *
 * A batch is a block of bytes and an array of descriptors.  A descriptor names its bytes by offset into
 * the block, never by pointer, so that a batch may be handed on as it is
 *   by a direct call, the stages of one process sharing one batch, headers put before the payload in
 *   place, nothing copied; or
 *   as one byte string, the three stages being three processes (bx_net_batch_pack, _unpack), the
 *   receiver believing nothing that it has not checked (bx_net_batch_check).
 * The block may be the slots of a device's ring: then a segment is built where the device sends it from.
 *
 * Protocol of use.  Owner: bx_net_batch_init over its memory.  Producer: bx_net_batch_add for each buffer,
 * fill it, set its length.  Each stage on the way changes descriptors in place, and takes a buffer
 * out by setting its kind to BX_NET_NONE; who comes after skips those.  Owner: bx_net_batch_clear, and again.
 */
#ifndef BRAINIX_NET_BUF_H
#define BRAINIX_NET_BUF_H

#include <brainix/base.h>

/* Room before the first byte that a producer writes: Ethernet 14, VLAN 4, IPv6 40, rounded up. */
#define BX_NET_HEADROOM		64u
/* The longest content of one buffer, headers included: a 64 KiB segment for a device that cuts. */
#define BX_NET_LENGTH_MAX	65600u

/* An IPv6 address, or an IPv4 address in its mapped form ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), in the
 * byte order of the wire.  All zero: the unspecified address of either family. */
struct bx_net_addr {
	uint8_t byte[16];
};

/* What a descriptor describes, and so who reads it next. */
enum bx_net_kind {
	BX_NET_NONE,		/* nothing: dropped or consumed */
	BX_NET_FRAME,		/* an Ethernet frame without its check sequence */
	BX_NET_IPV4,		/* a packet from its IPv4 header on */
	BX_NET_IPV6,		/* a packet from its IPv6 header on */
	BX_NET_SEGMENT,		/* a transport header and what follows; addresses in the descriptor */
	BX_NET_UNREACHABLE,	/* a segment that could not be delivered: why stands in `error`, the addresses
				 * are the segment's, the content is its first bytes, at least 8.
				 * Upwards: one of ours.  Downwards: one of the peer's, tell it; but TOO_BIG:
				 * one of ours, and whoever sent it believes so: the path narrows */
	BX_NET_KIND_COUNT
};

/* Flags of a descriptor.  Downwards */
#define BX_NET_F_SUM_NEEDED	0x0001u	/* the field at sum_start + sum_offset holds the sum of the pseudo
					 * header: whoever sends adds the bytes from sum_start on */
#define BX_NET_F_CUT		0x0002u	/* a TCP segment with more payload than segment_size: cut before sending.
					 * Upwards: coalesced from segments with payload of segment_size, the last of
					 * at most so much.  "Devices", below */
#define BX_NET_F_WHOLE		0x0004u	/* never fragment (IPv4 DF) */
#define BX_NET_F_LINK_KNOWN	0x0008u	/* source.byte[0..5] is the link address of the next hop */
/* Upwards */
#define BX_NET_F_SUM_GOOD	0x0010u	/* the transport checksum has been verified by the device */
#define BX_NET_F_BROADCAST	0x0020u	/* sent to the link's broadcast address */
#define BX_NET_F_MULTICAST	0x0040u	/* sent to a multicast address of the link */
#define BX_NET_F_ALL		0x007fu

/* Why a segment of ours could not be delivered (BX_NET_UNREACHABLE). */
enum bx_net_error {
	BX_NET_ERROR_NONE,
	BX_NET_ERROR_TOO_BIG,	/* segment_size holds the new path MTU */
	BX_NET_ERROR_PORT,	/* nobody listens there */
	BX_NET_ERROR_PROTOCOL,	/* the host does not speak it */
	BX_NET_ERROR_ROUTE,	/* no route, host down, transit lifetime exceeded: may pass */
	BX_NET_ERROR_PROHIBITED,	/* a filter on the way refuses it */
	BX_NET_ERROR_COUNT
};

/*
 * One buffer.  64 bytes, copy by assignment, no pointer.  All zero: kind BX_NET_NONE.
 * [begin, end) is the buffer's own part of the block, [offset, offset + length) its content.
 */
struct bx_net_buf {
	uint32_t begin, end;
	uint32_t offset, length;
	uint8_t kind;			/* enum bx_net_kind */
	uint8_t interface;		/* which interface it goes out of or came by */
	uint16_t flags;			/* BX_NET_F_* */
	uint16_t segment_size;		/* with F_CUT: payload of a segment; the new MTU with BX_NET_ERROR_TOO_BIG */
	uint16_t mtu;			/* upwards: the MTU of the interface it came by */
	uint16_t sum_start;		/* with F_SUM_NEEDED: from offset on */
	uint8_t sum_offset;		/* from sum_start on */
	uint8_t protocol;		/* of a segment: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6 */
	uint8_t traffic_class;		/* of a segment: DSCP and ECN */
	uint8_t hop_limit;		/* of a segment; 0 downwards: the interface's default */
	uint8_t error;			/* enum bx_net_error, of BX_NET_UNREACHABLE */
	uint8_t zero;
	/* Of a segment: its addresses as the packet has (or shall have) them.
	 * Of a packet going down: destination is the next hop. */
	struct bx_net_addr source, destination;
};
BX_STATIC_ASSERT(sizeof(struct bx_net_buf) == 64, "one cache line, and the layout of the packed form");

/*
 * Devices.  What who sends frames has to do, and what the stack promises him.
 *
 * F_SUM_NEEDED: the field at sum_start + sum_offset holds the sum of the pseudo header, not complemented (RFC 1071; TCP and UDP
 * over IPv4 and IPv6).  Add the 16-bit words from sum_start to the end of the frame, the field with them, and put the complement
 * there; for UDP 0xffff where that is 0 (RFC 768).  Such a frame is no fragment.
 *
 * F_CUT: one TCP segment, no SYN, RST or URG in it, with more payload than segment_size and at most what the transport's
 * cut_bytes names.  It becomes segments with segment_size bytes of payload each, the last with the rest; all headers and that
 * much fit the path's MTU.  Each has the headers of the whole but for
 *   IPv4 total length, header checksum; the identification may be the same or count up, as DF is set (RFC 6864, 4.1);
 *   IPv6 payload length;
 *   the sequence number: that of the first, and the payload before it;
 *   FIN and PSH: on the last only; CWR: on the first only (RFC 3168, 6.1.2: once for a reduction); ECE, ECN and the options,
 *   timestamps with them, on all;
 *   the checksum: made anew for each, with the pseudo header of its own length.  The field holds what it would without F_CUT:
 *   with F_SUM_NEEDED the pseudo header's sum for the whole length, else the finished checksum of the whole.
 *
 * Coalesced (F_CUT upwards): made of TCP segments of one connection over one kind of header, without SYN, RST, URG, CWR or a
 * fragment among them, that follow one another without a gap, each but the last with segment_size bytes of payload, with the same
 * ECN field, ECE, options, acknowledgement and window.  The headers are those of the first, but for the lengths, and FIN and
 * PSH, which are the last's.  The device has verified all sums, and says so: F_SUM_GOOD.  The stack acknowledges and counts
 * such a segment as the segments that it was.
 */

/* A batch.  Pinned while in use; the memory belongs to the owner.  `used` and `count` only grow until
 * bx_net_batch_clear. */
struct bx_net_batch {
	uint8_t *memory;
	struct bx_net_buf *bufs;
	uint32_t size;			/* of memory */
	uint32_t used;			/* bytes given to buffers */
	uint32_t slot;			/* 0: buffers are packed; else each takes exactly so many bytes */
	uint16_t capacity;		/* of bufs */
	uint16_t count;
};

/* An empty batch over `size` bytes at memory and `capacity` descriptors at bufs.  slot: see above; when not
 * 0 at least BX_NET_HEADROOM. */
void bx_net_batch_init(struct bx_net_batch *batch, uint8_t *memory, uint32_t size,
    struct bx_net_buf *bufs, uint16_t capacity, uint32_t slot);

/* Empty again; all its buffers are gone. */
static inline void
bx_net_batch_clear(struct bx_net_batch *batch)
{
	batch->used = 0;
	batch->count = 0;
}

/*
 * Whether a further buffer of `length` content bytes would fit.
 */
static inline bool
bx_net_batch_fits(const struct bx_net_batch *batch, uint32_t length)
{
	uint32_t take = batch->slot;

	if (length > BX_NET_LENGTH_MAX - BX_NET_HEADROOM || batch->count == batch->capacity)
		return false;
	if (take == 0)
		take = (BX_NET_HEADROOM + length + 7u) & ~7u;
	return take >= BX_NET_HEADROOM + length && take <= batch->size - batch->used;
}

/*
 * A further buffer with room for `length` bytes of content after BX_NET_HEADROOM.
 * Returns it with offset behind the headroom, length as given, and all else zero; or NULL when the batch is
 * full.  The bytes are not cleared.  The pointer is good until the batch is cleared.
 */
struct bx_net_buf *bx_net_batch_add(struct bx_net_batch *batch, uint32_t length);

/* Gives the last buffer added back, as if it had not been. */
void bx_net_batch_undo(struct bx_net_batch *batch);

/* The content of a buffer. */
static inline uint8_t *
bx_net_bytes(const struct bx_net_batch *batch, const struct bx_net_buf *buf)
{
	return batch->memory + buf->offset;
}

/* Room for a header of n bytes before the content; NULL if the headroom is used up. */
static inline uint8_t *
bx_net_push(const struct bx_net_batch *batch, struct bx_net_buf *buf, uint32_t n)
{
	if (n > buf->offset - buf->begin)
		return NULL;
	buf->offset -= n;
	buf->length += n;
	return batch->memory + buf->offset;
}

/* Takes n bytes of header off the front.  n is at most the length. */
static inline void
bx_net_pull(struct bx_net_buf *buf, uint32_t n)
{
	buf->offset += n;
	buf->length -= n;
}

/*
 * Whether a batch that came from elsewhere may be used: count and used in bounds, and every descriptor
 * with begin <= offset, content inside [begin, end), end inside the memory, its kind, flags and error known.
 *   BX_OK, BX_ERR_RANGE (a bound), BX_ERR_FORMAT (a kind, a flag, an error).  O(count).
 */
BX_MUST_USE enum bx_err bx_net_batch_check(const struct bx_net_batch *batch);

/*
 * The batch as one byte string: an 8-byte head, the descriptors that are not BX_NET_NONE, their contents.
 * Headroom is kept, so that the next stage prepends in place again.
 *   BX_OK            bytes[0..*length) is written
 *   BX_ERR_OVERFLOW  it does not fit `size`; *length is untouched
 */
BX_MUST_USE enum bx_err bx_net_batch_pack(const struct bx_net_batch *batch, uint8_t *bytes,
    uint32_t size, uint32_t *length);

/*
 * The reverse, into an empty batch.  Everything in the string is checked.
 *   BX_OK, BX_ERR_TRUNCATED, BX_ERR_RANGE, BX_ERR_FORMAT, BX_ERR_OVERFLOW (does not fit the batch)
 * On error the batch is empty.
 */
BX_MUST_USE enum bx_err bx_net_batch_unpack(struct bx_net_batch *batch, const uint8_t *bytes,
    uint32_t length);

/* Addresses. */
static inline struct bx_net_addr
bx_net_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct bx_net_addr){ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d } };
}

/* From the four bytes of the wire. */
static inline struct bx_net_addr
bx_net_ipv4_from(const uint8_t b[4])
{
	return bx_net_ipv4(b[0], b[1], b[2], b[3]);
}

static inline bool
bx_net_addr_equal(const struct bx_net_addr *a, const struct bx_net_addr *b)
{
	uint64_t a0, a1, b0, b1;

	__builtin_memcpy(&a0, a->byte, 8);
	__builtin_memcpy(&a1, a->byte + 8, 8);
	__builtin_memcpy(&b0, b->byte, 8);
	__builtin_memcpy(&b1, b->byte + 8, 8);
	return ((a0 ^ b0) | (a1 ^ b1)) == 0;
}

static inline bool
bx_net_addr_is_ipv4(const struct bx_net_addr *a)
{
	return bx_get_be64(a->byte) == 0 && bx_get_be32(a->byte + 8) == 0xffffu;
}

/* All zero, or the mapped 0.0.0.0. */
static inline bool
bx_net_addr_is_any(const struct bx_net_addr *a)
{
	uint32_t tag = bx_get_be32(a->byte + 8);

	return bx_get_be64(a->byte) == 0 && (tag == 0 || tag == 0xffffu) && bx_get_be32(a->byte + 12) == 0;
}

/* 224.0.0.0/4, 255.255.255.255 or ff00::/8. */
static inline bool
bx_net_addr_is_group(const struct bx_net_addr *a)
{
	if (!bx_net_addr_is_ipv4(a))
		return a->byte[0] == 0xff;
	return a->byte[12] >= 224 && (a->byte[12] < 240 || bx_get_be32(a->byte + 12) == 0xffffffffu);
}

/* Internet checksum (RFC 1071), one's complement sum folded to 16 bits, in host order, not complemented.
 * `sum` is an earlier result, or 0; all parts but the last have an even length. */
uint32_t bx_net_sum(const uint8_t *bytes, size_t length, uint32_t sum);

/* The same over source while copying it to target; they do not overlap. */
uint32_t bx_net_sum_copy(uint8_t *target, const uint8_t *source, size_t length, uint32_t sum);

/* Adds two sums. */
static inline uint32_t
bx_net_sum_add(uint32_t a, uint32_t b)
{
	uint32_t s = a + b;

	return (s & 0xffffu) + (s >> 16);
}

/* The pseudo header of TCP, UDP and ICMPv6 (RFC 9293, 3.1; RFC 8200, 8.1). */
uint32_t bx_net_sum_pseudo(const struct bx_net_addr *source, const struct bx_net_addr *destination,
    uint8_t protocol, uint32_t length);

/* A sum as it stands in a header. */
static inline uint16_t
bx_net_sum_final(uint32_t sum)
{
	return (uint16_t)~sum;
}

#endif
