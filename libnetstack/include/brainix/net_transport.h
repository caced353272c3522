/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/net_transport.h -- the transport stage: UDP and TCP.
 * Layer 1: needs base.h, net_buf.h.  Knows nothing of the stages below.
 *
 * Sources: RFC 9293 (TCP), 768 (UDP); which section is implemented, and which test shows it: libnetstack/RFC.md.
 *
 * Protocol of use: bx_transport_init once; then, in any order and as often as there is cause,
 *   segments that came up           bx_transport_receive(segments, replies); replies -> IP stage;
 *   the application's wishes        bx_tcp_*, bx_udp_*;
 *   at bx_transport_next            bx_transport_poll;
 *   after any of these              bx_transport_output(out) until it returns false; out -> IP stage;
 *   what has changed                bx_tcp_event until it returns false.
 * Nothing is sent but by bx_transport_output, the replies of bx_transport_receive, and bx_udp_send.
 *
 * A handle is a number that is never zero, and is refused (BX_ERR_NOT_FOUND) once its object is gone.
 */
#ifndef BRAINIX_NET_TRANSPORT_H
#define BRAINIX_NET_TRANSPORT_H

#include <brainix/net_buf.h>

#define BX_TRANSPORT_NEVER	UINT64_MAX

struct bx_transport;			/* pinned, in the memory given to bx_transport_init */

/* config.features */
#define BX_TCP_SACK		0x01u	/* RFC 2018 */
#define BX_TCP_TIMESTAMPS	0x02u	/* RFC 7323 */
#define BX_TCP_WINDOW_SCALE	0x04u	/* RFC 7323 */
#define BX_TCP_ECN		0x08u	/* RFC 3168: ask for it; always granted */
#define BX_TCP_CUBIC		0x10u	/* RFC 9438; without, NewReno (RFC 5681, 6582) */
#define BX_TRANSPORT_SUM_LATER	0x20u	/* the device adds the checksum (BX_NET_F_SUM_NEEDED) */
/* draft-ietf-ccwg-bbr: connections may choose BBR, for which each ring takes some more memory (its 1/25); without
 * BX_TCP_CUBIC they begin with it. */
#define BX_TCP_BBR		0x40u
#define BX_TRANSPORT_FEATURES	0x7fu

/* A connection that has no more than this to send, in two segments at most, takes a small ring, if there is one; when it
 * has more it takes a whole one instead. */
#define BX_TCP_SMALL_RING	128u

struct bx_transport_config {
	uint32_t connections;		/* TCP, 1..2^20 */
	uint32_t half_open;		/* TCP connections that have not finished their handshake, 1..2^20 */
	uint32_t time_waits;		/* 1..2^20 */
	uint16_t listeners;		/* 0..1024 */
	uint16_t udp_ends;		/* 0..1024 */
	uint32_t rings;			/* buffers that connections and ends share, 1..2^21 */
	uint32_t small_rings;		/* further ones, of BX_TCP_SMALL_RING bytes, for what connections send; 0..2^21 */
	uint16_t accounts;		/* users whose buffers are counted apart, 0..1024 */
	uint32_t ring_bytes;		/* of each; the largest window: a power of two, 4 KiB..1 MiB */
	uint32_t cut_bytes;		/* the longest payload the device cuts (BX_NET_F_CUT), 0 if it does not; at most 65000 */
	uint16_t mtu;			/* of connections that come in, if the packet does not say: 576..9216 */
	uint16_t features;		/* BX_TCP_*, BX_TRANSPORT_* */
	uint64_t seed[2];		/* random and secret: sequence numbers, ports, hash, cookies */
};

/* Every reason why a segment ends here, and what was done.  All only grow. */
struct bx_transport_stats {
	uint64_t segments_in, segments_out;
	uint64_t short_header, bad_checksum, unknown_protocol, bad_address, errors_in, errors_stray;
	uint64_t udp_in, udp_out, udp_bad_length, udp_no_end, udp_full;
	uint64_t tcp_in, tcp_out, tcp_bad_option, tcp_bad_flags, tcp_no_connection, tcp_resets_out, tcp_resets_in;
	uint64_t tcp_opened, tcp_accepted, tcp_failed, tcp_closed;
	uint64_t tcp_out_of_window, tcp_paws, tcp_bad_ack, tcp_challenge, tcp_after_close;
	uint64_t tcp_out_of_order, tcp_duplicate, tcp_ranges_full, tcp_no_ring;
	uint64_t tcp_retransmits, tcp_timeouts, tcp_recoveries, tcp_probes;	/* probes: tail loss probes */
	uint64_t tcp_spurious;		/* timeouts and recoveries without a loss, undone */
	uint64_t tcp_syn_full, tcp_cookies_out, tcp_cookies_in, tcp_cookies_bad, tcp_accept_full;
	uint64_t time_wait_reused, time_wait_evicted;
	uint64_t no_room_out;		/* an answer was dropped: the batch was full */
};

/* The bytes that bx_transport_init needs, or 0 if the configuration is outside its domain. */
size_t bx_transport_size(const struct bx_transport_config *config);

/* BX_OK, BX_ERR_INVALID (configuration), BX_ERR_ALIGN (memory not at 64), BX_ERR_NO_MEMORY (size). */
BX_MUST_USE enum bx_err bx_transport_init(void *memory, size_t size,
    const struct bx_transport_config *config, struct bx_transport **transport);

/* Segments and errors from the IP stage; all are consumed.  Answers that belong to no connection go to
 * `replies`.  O(segments), each with a bound. */
void bx_transport_receive(struct bx_transport *transport, uint64_t now_us, struct bx_net_batch *segments,
    struct bx_net_batch *replies);

/* Adds segments that may be sent now.  Returns whether there are more than fitted: then again with an empty
 * batch. */
bool bx_transport_output(struct bx_transport *transport, uint64_t now_us, struct bx_net_batch *out);

/* Lets timers that are due expire.  What they want sent comes with the next bx_transport_output. */
void bx_transport_poll(struct bx_transport *transport, uint64_t now_us);

/* When bx_transport_poll may have something to do next (never too late, at times too early);
 * BX_TRANSPORT_NEVER if no timer runs. */
uint64_t bx_transport_next(const struct bx_transport *transport);

const struct bx_transport_stats *bx_transport_stats(const struct bx_transport *transport);

/* How much of each table is in use: for tests of conservation, and for `bx status`. */
struct bx_transport_usage {
	uint32_t connections, half_open, time_waits, listeners, udp_ends, rings, timers;
};
struct bx_transport_usage bx_transport_usage(const struct bx_transport *transport);

/* Bytes of one idle connection, one half-open one and one in TIME-WAIT, hash and timer included. */
uint32_t bx_tcp_connection_bytes(void);
uint32_t bx_tcp_half_open_bytes(void);
uint32_t bx_tcp_time_wait_bytes(void);

/* ---- TCP ---- */

/* The states of RFC 9293, 3.3.2.  LISTEN is a listener and TIME-WAIT a table entry: a handle sees neither. */
enum bx_tcp_state {
	BX_TCP_CLOSED,			/* over; see the error */
	BX_TCP_SYN_SENT,
	BX_TCP_SYN_RECEIVED,
	BX_TCP_ESTABLISHED,
	BX_TCP_FIN_WAIT_1,
	BX_TCP_FIN_WAIT_2,
	BX_TCP_CLOSE_WAIT,
	BX_TCP_CLOSING,
	BX_TCP_LAST_ACK,
	BX_TCP_STATE_COUNT
};

/* What bx_tcp_event reports. */
#define BX_TCP_CONNECTED	0x01u	/* the handshake of a connect is complete */
#define BX_TCP_READABLE		0x02u	/* data, or the end of the stream, is there */
#define BX_TCP_WRITABLE		0x04u	/* there is room again after a send that found none or left none */
#define BX_TCP_ENDED		0x08u	/* CLOSED: in order or by an error */
#define BX_TCP_ACCEPTABLE	0x10u	/* a listener has a connection to accept */

/* bx_tcp_option_set */
enum bx_tcp_option {
	BX_TCP_OPTION_NODELAY,		/* 0 or 1; 1: no Nagle (RFC 9293, 3.7.4) */
	BX_TCP_OPTION_KEEPALIVE_S,	/* idle seconds before a probe, 0 off (the default), at most 65535 */
	BX_TCP_OPTION_CONTROL,		/* enum bx_tcp_control; BBR only where BX_TCP_BBR is among the features */
	BX_TCP_OPTION_TRAFFIC_CLASS,	/* DSCP in the upper six bits; the lower two must be 0 */
	BX_TCP_OPTION_RETRIES,		/* R2 of RFC 9293, 3.8.3: so often data goes again unanswered before the connection is given
					 * up; at most BX_TCP_RETRIES_FOR_EVER.  0: the default, about nine minutes */
	BX_TCP_OPTION_HOP_LIMIT		/* of its segments, at most 255; 0: the interface's default */
};
#define BX_TCP_RETRIES_FOR_EVER	255u

/* Congestion control. */
enum bx_tcp_control {
	BX_TCP_NEWRENO_CONTROL,		/* RFC 5681, 6582 */
	BX_TCP_CUBIC_CONTROL,		/* RFC 9438 */
	BX_TCP_BBR_CONTROL		/* draft-ietf-ccwg-bbr: paced, by a model of the path instead of by losses */
};

struct bx_tcp_info {
	struct bx_net_addr local, remote;
	uint16_t local_port, remote_port;
	enum bx_tcp_state state;
	enum bx_err error;		/* why it ended */
	uint16_t mss;			/* payload of a full segment */
	uint32_t cwnd, ssthresh, in_flight, unsent, unread;
	uint32_t room;			/* bytes that bx_tcp_send would take now, rings permitting */
	uint32_t send_window, receive_window;
	uint32_t srtt_us, rttvar_us, rto_us;
	bool sack, timestamps, window_scale, ecn, in_recovery;
	bool fin_received;		/* the peer has ended its stream */
	bool fin_queued;		/* we have ended ours */
	bool wants_room;		/* BX_TCP_WRITABLE is to come: a send found no room, or took the last of it */
	enum bx_tcp_control control;
	uint64_t pacing_rate;		/* bytes a second; 0: it does not pace */
};

/*
 * Waits for connections to address (all zero: any own one) and port 1..65535; backlog 1..65535 bounds the
 * connections that wait to be accepted.
 *   BX_OK, BX_ERR_INVALID, BX_ERR_EXISTS (that address and port have a listener), BX_ERR_NO_MEMORY
 */
BX_MUST_USE enum bx_err bx_tcp_listen(struct bx_transport *transport, const struct bx_net_addr *address,
    uint16_t port, uint16_t backlog, uint64_t *listener);

/* The connection that has waited longest.  BX_OK, BX_ERR_WOULD_BLOCK (none), BX_ERR_NOT_FOUND. */
BX_MUST_USE enum bx_err bx_tcp_accept(struct bx_transport *transport, uint64_t listener,
    uint64_t *connection);

/* Whether bx_tcp_accept has one to give. */
bool bx_tcp_acceptable(const struct bx_transport *transport, uint64_t listener);

/* Ends a listener; connections that nobody has accepted are reset. */
BX_MUST_USE enum bx_err bx_tcp_unlisten(struct bx_transport *transport, uint64_t now_us, uint64_t listener);

/*
 * Opens a connection.  local is the address to speak from, mtu the path's (both from bx_ip_path);
 * local_port 0 picks one (RFC 6056, algorithm 3).  To the broadcast address of a network, which only the IP stage knows, it ends
 * as unreachable before anything has left (RFC 9293, 3.9.2.3).
 *   BX_OK, BX_ERR_INVALID (an address that is a group or all zero, a family that differs, port 0, mtu),
 *   BX_ERR_EXISTS (the four are in use), BX_ERR_NO_MEMORY
 */
BX_MUST_USE enum bx_err bx_tcp_connect(struct bx_transport *transport, uint64_t now_us,
    const struct bx_net_addr *local, uint16_t local_port, const struct bx_net_addr *remote,
    uint16_t remote_port, uint16_t mtu, uint64_t *connection);

/*
 * Queues bytes to be sent; copies as many as there is room for.
 *   BX_OK                *sent is 1..length (0 if length is 0); if no room is left, BX_TCP_WRITABLE will come
 *   BX_ERR_WOULD_BLOCK   no room now; BX_TCP_WRITABLE will come
 *   BX_ERR_STATE         after bx_tcp_shutdown
 *   BX_ERR_NOT_FOUND     no such connection
 *   the error it ended with
 */
BX_MUST_USE enum bx_err bx_tcp_send(struct bx_transport *transport, uint64_t connection,
    const uint8_t *bytes, size_t length, size_t *sent);

/*
 * Takes received bytes.
 *   BX_OK                *received is 1..size
 *   BX_ERR_WOULD_BLOCK   none now; BX_TCP_READABLE will come
 *   BX_ERR_NET_CLOSED    the peer has ended its stream, and all of it has been taken
 *   BX_ERR_NOT_FOUND     no such connection
 *   the error it ended with
 */
BX_MUST_USE enum bx_err bx_tcp_receive(struct bx_transport *transport, uint64_t connection,
    uint8_t *bytes, size_t size, size_t *received);

/* Ends our stream when all is sent (FIN).  The handle stays.  BX_OK, BX_ERR_NOT_FOUND, BX_ERR_STATE. */
BX_MUST_USE enum bx_err bx_tcp_shutdown(struct bx_transport *transport, uint64_t now_us,
    uint64_t connection);

/* Gives the handle back.  What is queued is still sent, then FIN; if there is unread data, the peer is told by a
 * reset (RFC 9293, 3.6; RFC 2525, 2.17).  A peer whose window stays shut is probed eight times more, then reset.  BX_OK,
 * BX_ERR_NOT_FOUND. */
BX_MUST_USE enum bx_err bx_tcp_close(struct bx_transport *transport, uint64_t now_us, uint64_t connection);

/* Gives the handle back and resets the connection, unless both ends have said their FIN (RFC 9293, 3.10.5).  BX_OK,
 * BX_ERR_NOT_FOUND. */
BX_MUST_USE enum bx_err bx_tcp_abort(struct bx_transport *transport, uint64_t now_us, uint64_t connection);

/* Whether connections may choose enum bx_tcp_control `control`: BBR needs BX_TCP_BBR among the features. */
bool bx_tcp_control_is_there(const struct bx_transport *transport, uint32_t control);

/* At any time; a control that is changed begins anew, with the window as it is.  BX_OK, BX_ERR_NOT_FOUND, BX_ERR_INVALID
 * (option or value). */
BX_MUST_USE enum bx_err bx_tcp_option_set(struct bx_transport *transport, uint64_t now_us,
    uint64_t connection, enum bx_tcp_option option, uint32_t value);

/* BX_OK, BX_ERR_NOT_FOUND. */
BX_MUST_USE enum bx_err bx_tcp_info(const struct bx_transport *transport, uint64_t connection,
    struct bx_tcp_info *info);

/* The next connection, listener or UDP end with something to report, and what (BX_TCP_*); false: none.  Reported once.
 * A UDP end is BX_TCP_READABLE when a datagram, or an error, has come. */
bool bx_tcp_event(struct bx_transport *transport, uint64_t *handle, uint32_t *events);

/*
 * Accounts.  The rings of a connection, listener or end belong to account 0, which has no limit, or to one of
 * 1..config.accounts.  An account may hold `bytes` of them (whole rings: ring_bytes each; 0 at first).  What it may not have
 * is as if no ring were free: a send finds no room (BX_ERR_WOULD_BLOCK) and is told when there is again, what arrives is
 * dropped, and sent again by its sender.  What is held stays charged until it is given back, after a close too.  Small
 * rings are not counted: a connection has one at most, and where there are none, whole ones are taken.
 */

/* BX_OK, BX_ERR_RANGE (account 0, or none).  What is held beyond a lower limit stays. */
BX_MUST_USE enum bx_err bx_transport_account_limit(struct bx_transport *transport, uint16_t account, uint64_t bytes);

/* Rings that are taken from now on; of a listener, those of connections that it takes from now on.  BX_OK,
 * BX_ERR_NOT_FOUND, BX_ERR_RANGE. */
BX_MUST_USE enum bx_err bx_transport_account_set(struct bx_transport *transport, uint64_t handle, uint16_t account);

/* The bytes that it holds; 0 if there is no such account. */
uint64_t bx_transport_account_used(const struct bx_transport *transport, uint16_t account);

/* How many connections it has whose handles were given back and that are not over yet; account 0 has what nobody else has. */
uint32_t bx_transport_account_orphans(const struct bx_transport *transport, uint16_t account);

/* Resets these, with the next bx_transport_output, and charges nothing of theirs to the account from now on: for who is gone, so
 * that the next of that number begins with nothing.  Nothing happens to account 0.  O(connections). */
void bx_transport_account_drop(struct bx_transport *transport, uint16_t account);

/* What a handle names, and its place among those of its kind: for who keeps a table beside. */
enum bx_transport_kind { BX_TRANSPORT_CONNECTION, BX_TRANSPORT_LISTENER, BX_TRANSPORT_UDP };
enum bx_transport_kind bx_transport_handle(uint64_t handle, uint32_t *index);

/* Whether nobody but who has `account` listens to that port (BX_TRANSPORT_LISTENER), or has an end there (BX_TRANSPORT_UDP), at
 * that address or any; with an address of all zeros, at any of them. */
bool bx_transport_port_is_free(const struct bx_transport *transport, enum bx_transport_kind kind,
    const struct bx_net_addr *address, uint16_t port, uint16_t account);

/* ---- UDP ---- */

/* Receives datagrams to address (all zero: any) and port (0 picks one).
 * BX_OK, BX_ERR_EXISTS, BX_ERR_NO_MEMORY. */
BX_MUST_USE enum bx_err bx_udp_open(struct bx_transport *transport, const struct bx_net_addr *address,
    uint16_t port, uint64_t *end, uint16_t *bound_port);

/* Whether bx_udp_receive has a datagram or an error to give. */
bool bx_udp_readable(const struct bx_transport *transport, uint64_t end);

/* BX_OK, BX_ERR_NOT_FOUND. */
BX_MUST_USE enum bx_err bx_udp_close(struct bx_transport *transport, uint64_t end);

/*
 * Adds a datagram to `out`, for the IP stage.  local is the address to speak from (bx_ip_path); all zero is for a
 * host that has none yet (DHCP).
 *   BX_OK, BX_ERR_NOT_FOUND, BX_ERR_INVALID (port 0, remote all zero), BX_ERR_OVERFLOW (above 65,507 bytes),
 *   BX_ERR_WOULD_BLOCK (no room in the batch)
 */
BX_MUST_USE enum bx_err bx_udp_send(struct bx_transport *transport, uint64_t end,
    const struct bx_net_addr *local, const struct bx_net_addr *remote, uint16_t remote_port,
    const uint8_t *bytes, uint32_t length, struct bx_net_batch *out);

/* bx_udp_option_set: of what the end sends from now on (RFC 1122, 4.1.4).  IP options are not sent. */
enum bx_udp_option {
	BX_UDP_OPTION_TRAFFIC_CLASS,	/* TOS: DSCP and ECN, at most 255 */
	BX_UDP_OPTION_HOP_LIMIT		/* TTL, at most 255; 0: the interface's default */
};

/* BX_OK, BX_ERR_NOT_FOUND, BX_ERR_INVALID (option or value). */
BX_MUST_USE enum bx_err bx_udp_option_set(struct bx_transport *transport, uint64_t end, enum bx_udp_option option,
    uint32_t value);

/* Whether bx_udp_option_set takes it. */
static inline bool
bx_udp_option_is_valid(enum bx_udp_option option, uint32_t value)
{
	return (option == BX_UDP_OPTION_TRAFFIC_CLASS || option == BX_UDP_OPTION_HOP_LIMIT) && value <= UINT8_MAX;
}

/* Who sent a datagram, and to whom. */
struct bx_udp_from {
	struct bx_net_addr remote, local;
	uint16_t remote_port;
	uint16_t length;		/* of the datagram, also when it did not fit */
};

/*
 * Takes the oldest datagram; what does not fit is cut off.
 *   BX_OK (*received bytes are there), BX_ERR_WOULD_BLOCK, BX_ERR_NOT_FOUND
 * and, once, after the network has told of a datagram of this end (RFC 1122, 4.1.3.3; of several the latest):
 *   BX_ERR_NET_REFUSED       nobody has that port, or the host does not speak UDP
 *   BX_ERR_NET_UNREACHABLE   no route, no such host or neighbour, a filter, too many hops
 *   BX_ERR_OVERFLOW          it was too long for the path: the next one of that length goes in fragments
 */
BX_MUST_USE enum bx_err bx_udp_receive(struct bx_transport *transport, uint64_t end, uint8_t *bytes,
    uint32_t size, uint32_t *received, struct bx_udp_from *from);

#endif
