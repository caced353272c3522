/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/net_socket.h -- sockets for several clients over one transport stage: what a transport server serves, and
 * what a program with the stages linked in may use instead of bare handles.
 * Layer 1, above net_transport.h.  Reasons: libnetstack/DESIGN.md, "Sockets".
 *
 * A client is whoever has a quota of its own: a program, a partner of a server.  A socket belongs to one client, and is
 * named by a number that is never zero and does not come back soon; another client's number is refused like one that
 * is not there.  No call blocks.  Who wants to wait registers a wait: for any of several sockets, up to a deadline; it is
 * over when bx_socket_done hands back its token.
 *
 * Protocol of use: bx_sockets_init once; bx_socket_client_open for each client;
 *   the client's wishes             bx_socket_*;
 *   after the stage has received, or been polled, and at bx_sockets_next
 *                                   bx_sockets_poll, then bx_socket_done until it returns false;
 *   after any of these              bx_transport_output, as net_transport.h says.
 * The transport stage's events (bx_tcp_event) are taken by bx_sockets_poll and by nobody else; handles that were opened
 * beside the sockets keep working, but their events are lost.
 */
#ifndef BRAINIX_NET_SOCKET_H
#define BRAINIX_NET_SOCKET_H

#include <brainix/net_transport.h>

#define BX_SOCKET_WAIT_MAX	16u	/* sockets of one wait */
#define BX_SOCKETS_NEVER	UINT64_MAX

struct bx_sockets;			/* pinned, in the memory given to bx_sockets_init */

struct bx_sockets_config {
	uint16_t clients;		/* 1..1024 */
	uint16_t waits;			/* at a time, of all clients, 1..4096 */
	uint32_t sockets;		/* of all clients, 1..2^20 */
	/* As in the transport stage's configuration, whose `accounts` are at least `clients`: it has to have been made
	 * with them, and they are this layer's. */
	uint32_t connections;
	uint16_t listeners, udp_ends;
};

/* What one client may have at a time. */
struct bx_socket_quota {
	/* Accepted ones included, and the connections of closed ones until they are over: a reset when it has been sent. */
	uint32_t sockets;
	uint32_t backlog;		/* the sum of what its listeners let wait */
	uint16_t waits;
	uint64_t buffer_bytes;		/* rings of its sockets in the transport stage, and of closed ones until they have sent all */
};

/* What the layer needs of the stages below. */
struct bx_socket_net {
	void *self;
	/* The way to a destination, as bx_ip_path tells it.  BX_OK or BX_ERR_NET_UNREACHABLE. */
	enum bx_err (*path)(void *self, uint64_t now_us, const struct bx_net_addr *destination,
	    struct bx_net_addr *source, uint16_t *mtu);
	/* Whether it is one of the own addresses, as bx_ip_is_own tells it. */
	bool (*own)(void *self, const struct bx_net_addr *address);
};

enum bx_socket_type { BX_SOCKET_STREAM, BX_SOCKET_DATAGRAM };

/* What a socket is ready for: as long as it is so, not once. */
#define BX_SOCKET_READABLE	0x01u	/* bytes, a datagram, the end of the stream, an error */
#define BX_SOCKET_WRITABLE	0x02u	/* connected, and a byte would be taken */
#define BX_SOCKET_ACCEPTABLE	0x04u
#define BX_SOCKET_ENDED		0x08u	/* closed or broken; always waited for */
#define BX_SOCKET_EVENTS	0x0fu

struct bx_socket_interest {
	uint64_t socket;
	uint32_t events;		/* asked for; after a wait: what is so */
};

/* A wait that is over. */
struct bx_socket_wait_result {
	uint64_t token;			/* as given to bx_socket_wait */
	uint32_t client;
	enum bx_err error;		/* BX_OK, BX_ERR_TIMEOUT, BX_ERR_CANCELLED (a socket of it was closed) */
	uint32_t count;
	struct bx_socket_interest interests[BX_SOCKET_WAIT_MAX];
};

/* The bytes that bx_sockets_init needs, or 0 if the configuration is outside its domain. */
size_t bx_sockets_size(const struct bx_sockets_config *config);

/* BX_OK, BX_ERR_INVALID (configuration, fewer accounts than clients), BX_ERR_ALIGN (memory not at 64), BX_ERR_NO_MEMORY
 * (size).  *net is copied. */
BX_MUST_USE enum bx_err bx_sockets_init(void *memory, size_t size, const struct bx_sockets_config *config,
    struct bx_transport *transport, const struct bx_socket_net *net, struct bx_sockets **sockets);

/* Takes the stage's events, and ends waits whose deadline has passed.  O(events, and waits if one is due). */
void bx_sockets_poll(struct bx_sockets *sockets, uint64_t now_us);

/* When bx_sockets_poll has a deadline to keep; BX_SOCKETS_NEVER if there is none. */
uint64_t bx_sockets_next(const struct bx_sockets *sockets);

/* ---- clients ---- */

/* BX_OK (*client is its number), BX_ERR_NO_MEMORY. */
BX_MUST_USE enum bx_err bx_socket_client_open(struct bx_sockets *sockets, const struct bx_socket_quota *quota,
    uint32_t *client);

/* A client is gone: its connections are reset, those of sockets that it has closed before too, its sockets closed, its waits
 * dropped without a result; nothing of it counts any more.  BX_OK, BX_ERR_NOT_FOUND.  O(sockets + connections + waits). */
BX_MUST_USE enum bx_err bx_socket_client_close(struct bx_sockets *sockets, uint64_t now_us, uint32_t client);

/* What it has now, in the terms of its quota.  BX_OK, BX_ERR_NOT_FOUND. */
BX_MUST_USE enum bx_err bx_socket_client_usage(const struct bx_sockets *sockets, uint32_t client,
    struct bx_socket_quota *usage);

/*
 * ---- sockets ----
 * Every call below returns BX_ERR_NOT_FOUND if the client has no such socket, and BX_ERR_STATE if the socket is not of
 * the kind, or not in the state, that the call is for.  Outputs are untouched on error.
 */

/* BX_OK, BX_ERR_QUOTA, BX_ERR_NO_MEMORY (of all clients together), BX_ERR_NOT_FOUND (client), BX_ERR_INVALID (type). */
BX_MUST_USE enum bx_err bx_socket_open(struct bx_sockets *sockets, uint32_t client, enum bx_socket_type type,
    uint64_t *socket);

/*
 * The own address (all zero: any; a group, for datagrams) and port (0 is picked: at once for datagrams, by connect for a
 * stream).  A port is one client's: another that has it, at that address or any, or at an own one if all are wanted here, keeps
 * it.
 * BX_OK, BX_ERR_EXISTS (a stream: listen and connect say so), BX_ERR_NO_MEMORY, BX_ERR_INVALID (not an own address; a group, for
 * a stream).
 */
BX_MUST_USE enum bx_err bx_socket_bind(struct bx_sockets *sockets, uint32_t client, uint64_t socket,
    const struct bx_net_addr *address, uint16_t port);

/* A bound stream waits for connections.  BX_OK, BX_ERR_INVALID (backlog 0), BX_ERR_QUOTA, BX_ERR_EXISTS,
 * BX_ERR_NO_MEMORY. */
BX_MUST_USE enum bx_err bx_socket_listen(struct bx_sockets *sockets, uint32_t client, uint64_t socket, uint16_t backlog);

/*
 * A stream begins to connect: it is WRITABLE when it has, ENDED when it could not.  A datagram socket hears and speaks to
 * this one peer from now on.
 * BX_OK, BX_ERR_NET_UNREACHABLE (no way; what it is bound to is no own address any more), BX_ERR_INVALID (address, port),
 * BX_ERR_EXISTS (in use, or another client listens there), BX_ERR_NO_MEMORY.
 */
BX_MUST_USE enum bx_err bx_socket_connect(struct bx_sockets *sockets, uint64_t now_us, uint32_t client,
    uint64_t socket, const struct bx_net_addr *address, uint16_t port);

/* A socket for the connection that has waited longest; it has the listener's options.  BX_OK, BX_ERR_WOULD_BLOCK,
 * BX_ERR_QUOTA or BX_ERR_NO_MEMORY (it goes on waiting). */
BX_MUST_USE enum bx_err bx_socket_accept(struct bx_sockets *sockets, uint64_t now_us, uint32_t client,
    uint64_t socket, uint64_t *accepted);

/* As bx_tcp_send and bx_tcp_receive, for a stream. */
BX_MUST_USE enum bx_err bx_socket_send(struct bx_sockets *sockets, uint32_t client, uint64_t socket,
    const uint8_t *bytes, size_t length, size_t *sent);
BX_MUST_USE enum bx_err bx_socket_receive(struct bx_sockets *sockets, uint32_t client, uint64_t socket,
    uint8_t *bytes, size_t size, size_t *received);

/* As bx_udp_send: the datagram is added to `out`, for the IP stage.  address NULL: to the peer of connect.  An end that
 * has no port yet gets one.  Also BX_ERR_NET_UNREACHABLE (as connect), BX_ERR_EXISTS and BX_ERR_NO_MEMORY; BX_ERR_INVALID also for another family
 * than that of the address it is bound to. */
BX_MUST_USE enum bx_err bx_socket_send_to(struct bx_sockets *sockets, uint64_t now_us, uint32_t client,
    uint64_t socket, const struct bx_net_addr *address, uint16_t port, const uint8_t *bytes, uint32_t length,
    struct bx_net_batch *out);

/* As bx_udp_receive.  After connect, what others send is passed over, at most 64 datagrams in one call. */
BX_MUST_USE enum bx_err bx_socket_receive_from(struct bx_sockets *sockets, uint32_t client, uint64_t socket,
    uint8_t *bytes, uint32_t size, uint32_t *received, struct bx_udp_from *from);

/* As bx_tcp_shutdown. */
BX_MUST_USE enum bx_err bx_socket_shutdown(struct bx_sockets *sockets, uint64_t now_us, uint32_t client,
    uint64_t socket);

/* Ends a socket; `abort`: its connection is reset.  Waits for it end with BX_ERR_CANCELLED. */
BX_MUST_USE enum bx_err bx_socket_close(struct bx_sockets *sockets, uint64_t now_us, uint32_t client,
    uint64_t socket, bool abort);

/* As bx_tcp_option_set; before the connection is there the value is kept for it, by a listener for all. */
BX_MUST_USE enum bx_err bx_socket_option_set(struct bx_sockets *sockets, uint64_t now_us, uint32_t client,
    uint64_t socket, enum bx_tcp_option option, uint32_t value);

/* As bx_udp_option_set, at any time in the life of a datagram socket; before its end is there the value is kept for it.
 * BX_ERR_STATE: a stream. */
BX_MUST_USE enum bx_err bx_socket_datagram_option_set(struct bx_sockets *sockets, uint32_t client, uint64_t socket,
    enum bx_udp_option option, uint32_t value);

/* As bx_tcp_info, for a stream that has begun to connect. */
BX_MUST_USE enum bx_err bx_socket_info(const struct bx_sockets *sockets, uint32_t client, uint64_t socket,
    struct bx_tcp_info *info);

/* The own port; 0: none yet. */
BX_MUST_USE enum bx_err bx_socket_port(const struct bx_sockets *sockets, uint32_t client, uint64_t socket,
    uint16_t *port);

/* What it is ready for now (BX_SOCKET_*). */
BX_MUST_USE enum bx_err bx_socket_ready(struct bx_sockets *sockets, uint32_t client, uint64_t socket,
    uint32_t *events);

/* ---- waiting ---- */

/*
 * Waits for any of 1..BX_SOCKET_WAIT_MAX sockets until deadline_us.
 *   BX_OK               one is ready already: interests[].events say what is so, no wait is registered
 *   BX_ERR_WOULD_BLOCK  registered: bx_socket_done will hand back the token
 *   BX_ERR_TIMEOUT      none is ready and the deadline is not after now
 *   BX_ERR_INVALID (count, events), BX_ERR_NOT_FOUND, BX_ERR_QUOTA, BX_ERR_NO_MEMORY; interests are untouched
 */
BX_MUST_USE enum bx_err bx_socket_wait(struct bx_sockets *sockets, uint64_t now_us, uint32_t client,
    struct bx_socket_interest *interests, uint32_t count, uint64_t deadline_us, uint64_t token);

/* Takes a wait back, by its token.  BX_OK, BX_ERR_NOT_FOUND.  O(waits). */
BX_MUST_USE enum bx_err bx_socket_wait_cancel(struct bx_sockets *sockets, uint32_t client, uint64_t token);

/* The next wait that is over; false: none.  In the order in which they ended. */
bool bx_socket_done(struct bx_sockets *sockets, struct bx_socket_wait_result *result);

#endif
