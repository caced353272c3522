/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tcp_parse.c -- the TCP header and its options (RFC 9293, 3.1 and 3.2).
 *
 *   0 source port | 2 target port | 4 sequence | 8 acknowledgement
 *   12 header length in words, reserved | 13 flags | 14 window | 16 checksum | 18 urgent pointer | 20 options
 */
#include "transport.h"

#define OPTION_END		0u
#define OPTION_NOP		1u
#define OPTION_MSS		2u
#define OPTION_SCALE		3u
#define OPTION_SACK_PERMITTED	4u
#define OPTION_SACK		5u
#define OPTION_TIMESTAMPS	8u

/* The layout that every stack sends, two NOPs and the timestamps (RFC 7323, appendix A). */
#define TIMESTAMPS_ALONE	0x0101080au
/* And those of SYNs, which bx_tcp_options_syn sends, too. */
#define MSS_LEAD		0x0204u
#define SACK_PERMITTED_ALONE	0x01010402u
#define SCALE_LEAD		0x010303u

static void
option_sack(struct segment *s, const uint8_t *p, uint32_t length)
{
	uint32_t blocks = min_u32((length - 2) / 8, SACK_BLOCKS);

	for (uint32_t i = 0; i < blocks; i++) {
		s->sack[i][0] = bx_get_be32(p + 2 + 8 * i);
		s->sack[i][1] = bx_get_be32(p + 6 + 8 * i);
	}
	s->sack_count = (uint8_t)blocks;
}

static inline void
mss_take(struct segment *s, uint32_t mss)
{
	s->mss = (uint16_t)max_u32(mss, MSS_MIN);
}

/* RFC 7323, 2.3. */
static inline void
scale_take(struct segment *s, uint32_t scale)
{
	s->has_scale = true;
	s->scale = (uint8_t)min_u32(scale, SCALE_MAX);
}

/* One option of known length.  One with a wrong length for its kind is passed over; so is an unknown kind
 * (RFC 9293, 3.1, MUST-6).  The first of two that are alike counts. */
static void
option_take(struct segment *s, const uint8_t *p, uint32_t length)
{
	switch (p[0]) {
	case OPTION_MSS:
		if (length == 4 && (s->flags & SYN) != 0 && s->mss == 0)
			mss_take(s, bx_get_be16(p + 2));
		break;
	case OPTION_SCALE:
		if (length == 3 && (s->flags & SYN) != 0 && !s->has_scale)
			scale_take(s, p[2]);
		break;
	case OPTION_SACK_PERMITTED:
		if (length == 2 && (s->flags & SYN) != 0)
			s->sack_permitted = true;
		break;
	case OPTION_SACK:
		if (length >= 10 && (length - 2) % 8 == 0 && s->sack_count == 0)
			option_sack(s, p, length);
		break;
	case OPTION_TIMESTAMPS:
		if (length == 10 && !s->has_timestamp) {
			s->has_timestamp = true;
			s->ts_value = bx_get_be32(p + 2);
			s->ts_echo = bx_get_be32(p + 6);
		}
		break;
	default:
		break;
	}
}

/* The words that most SYNs are made of; returns how many bytes they are.  What follows is taken option by option. */
static uint32_t
options_usual(struct segment *s, const uint8_t *p, uint32_t length)
{
	uint32_t at = 0;

	for (; length - at >= 4 && (s->flags & SYN) != 0; at += 4) {
		uint32_t word = bx_get_be32(p + at);

		if (word >> 16 == MSS_LEAD && s->mss == 0) {
			mss_take(s, word & 0xffff);
		} else if (word == SACK_PERMITTED_ALONE) {
			s->sack_permitted = true;
		} else if (word >> 8 == SCALE_LEAD && !s->has_scale) {
			scale_take(s, word & 0xff);
		} else {
			break;
		}
	}
	return at;
}

/* False: a length that leads outside (RFC 9293, 3.1, MUST-7). */
static bool
options_take(struct segment *s, const uint8_t *p, uint32_t length)
{
	uint32_t at = options_usual(s, p, length);

	if (length == 12 && bx_get_be32(p) == TIMESTAMPS_ALONE) {
		option_take(s, p + 2, 10);
		return true;
	}
	while (at < length && p[at] != OPTION_END) {
		if (p[at] == OPTION_NOP) {
			at++;
			continue;
		}
		if (length - at < 2 || p[at + 1] < 2 || p[at + 1] > length - at)
			return false;
		option_take(s, p + at, p[at + 1]);
		at += p[at + 1];
	}
	return true;
}

bool
bx_tcp_parse(struct bx_transport *t, const struct bx_net_batch *batch, const struct bx_net_buf *buf,
    struct segment *s)
{
	const uint8_t *p = bx_net_bytes(batch, buf);
	uint32_t head;

	if (buf->length < TCP_HEAD) {
		t->stats.short_header++;
		return false;
	}
	head = (p[12] >> 4) * 4u;
	if (head < TCP_HEAD || head > buf->length) {
		t->stats.short_header++;
		return false;
	}
	s->batch = batch;
	s->buf = buf;
	s->head = p;
	s->head_length = head;
	s->data = p + head;
	s->length = buf->length - head;
	s->ports = bx_get_be32(p);
	s->seq = bx_get_be32(p + 4);
	s->ack = bx_get_be32(p + 8);
	s->flags = p[13];
	s->window = bx_get_be16(p + 14);
	s->stored = false;
	s->reused = NULL;
	s->has_timestamp = s->has_scale = s->sack_permitted = false;
	s->sack_count = 0;
	s->mss = 0;
	if (s->ports >> 16 == 0 || (uint16_t)s->ports == 0) {
		t->stats.bad_address++;
		return false;
	}
	/* No state accepts these together, and some scanners send them. */
	if ((s->flags & SYN) != 0 && (s->flags & (FIN | RST)) != 0) {
		t->stats.tcp_bad_flags++;
		return false;
	}
	if (head != TCP_HEAD && !options_take(s, p + TCP_HEAD, head - TCP_HEAD)) {
		t->stats.tcp_bad_option++;
		return false;
	}
	return true;
}

/* The options of a SYN or SYN-ACK; flags are F_SACK, F_TIMESTAMPS, F_SCALE. */
uint32_t
bx_tcp_options_syn(uint32_t words[OPTIONS_SYN], uint16_t mss, uint32_t flags, uint8_t scale, uint32_t ts, uint32_t echo)
{
	uint32_t n = 0;

	words[n++] = MSS_LEAD << 16 | mss;
	if ((flags & F_TIMESTAMPS) != 0) {
		uint32_t lead = (flags & F_SACK) != 0 ? (uint32_t)OPTION_SACK_PERMITTED << 24 | 2u << 16 :
		    (uint32_t)OPTION_NOP << 24 | (uint32_t)OPTION_NOP << 16;

		words[n++] = lead | (uint32_t)OPTION_TIMESTAMPS << 8 | 10u;
		words[n++] = ts;
		words[n++] = echo;
	} else if ((flags & F_SACK) != 0) {
		words[n++] = SACK_PERMITTED_ALONE;
	}
	if ((flags & F_SCALE) != 0)
		words[n++] = SCALE_LEAD << 8 | scale;
	return n;
}
