/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * socket.h -- inside the socket layer: its state, and what its files give one another.
 */
#ifndef NETSTACK_SOCKET_H
#define NETSTACK_SOCKET_H

#include <brainix/net_socket.h>

#include "../mem.h"

#define NONE		UINT32_MAX
#define NEVER		UINT64_MAX
#define CLIENT_BITS	10u		/* of a client's number: its place */
#define CLIENTS_MAX	(1u << CLIENT_BITS)
#define OPTIONS		6u		/* values of enum bx_tcp_option */

/*
 * A socket.
 *   FREE --open--> STREAM --listen--> LISTENER
 *                         --connect--> CONNECTION <--accept-- (of a LISTENER)
 *        --open--> DATAGRAM
 *   any --close--> FREE
 */
enum kind { FREE, STREAM, LISTENER, CONNECTION, DATAGRAM };

struct sock {
	uint64_t handle;		/* of the transport stage; 0: none yet */
	struct bx_net_addr address, peer;
	uint32_t options[OPTIONS];
	uint32_t generation;
	uint32_t client;		/* index; of a free one: the next free one */
	uint32_t entries;		/* waits that want it; NONE */
	uint16_t port, peer_port;	/* peer_port 0: not connected (of a DATAGRAM) */
	uint16_t backlog;
	uint8_t kind;
	uint8_t options_given;		/* a bit for each */
};

/* One socket of one wait.  Entry i belongs to wait i / BX_SOCKET_WAIT_MAX. */
struct entry {
	uint32_t socket;		/* index; NONE: none, or not linked any more */
	uint32_t next, prev;		/* of the same socket */
	struct bx_socket_interest interest;
};

/* FREE_WAIT --bx_socket_wait--> PENDING --ready, deadline, closed--> DONE --bx_socket_done--> FREE_WAIT */
enum wait_state { FREE_WAIT, PENDING, DONE };

struct wait {
	uint64_t token, deadline_us;
	uint32_t client;		/* index */
	uint32_t next;			/* of the free ones, or of those that are done */
	enum bx_err error;
	uint8_t state;
	uint8_t count;
};

struct client {
	struct bx_socket_quota quota, usage;
	uint32_t generation;
	bool used;
};

struct bx_sockets {
	struct bx_sockets_config config;
	struct bx_transport *transport;
	struct bx_socket_net net;
	struct sock *socks;
	struct client *clients;
	struct wait *waits;
	struct entry *entries;
	uint32_t *of[3];		/* enum bx_transport_kind: which socket has that place */
	uint64_t due_us;		/* no deadline is earlier */
	uint32_t sock_free, wait_free;
	uint32_t done_first, done_last;
};

/* sockets.c */
struct client *bx_socket_client_get(const struct bx_sockets *s, uint32_t client);
struct sock *bx_socket_get(const struct bx_sockets *s, uint32_t client, uint64_t socket);
/* A new socket for a client; its number in *socket. */
enum bx_err bx_socket_make(struct bx_sockets *s, uint32_t client, enum kind kind, uint64_t *socket, struct sock **made);
/* The socket has a handle of the transport stage from now on. */
void bx_socket_attach(struct bx_sockets *s, struct sock *k, uint64_t handle);

/* The account of the transport stage that a client's rings are charged to. */
static inline uint16_t
account_of(uint32_t client)
{
	return (uint16_t)(client + 1u);
}

/* Whether what the socket is bound to is still an own address, or none in particular. */
static inline bool
sock_may_speak(const struct bx_sockets *s, const struct sock *k)
{
	return bx_net_addr_is_any(&k->address) || s->net.own(s->net.self, &k->address);
}

static inline uint32_t
sock_index(const struct bx_sockets *s, const struct sock *k)
{
	return (uint32_t)(k - s->socks);
}

/* stream.c */
/* Gives a connection the options that were set before it was there. */
void bx_socket_options_apply(struct bx_sockets *s, uint64_t now_us, const struct sock *k, const struct sock *from);

/* datagram.c */
/* Gives its end the options that were set. */
void bx_socket_datagram_options_apply(struct bx_sockets *s, const struct sock *k);

/* wait.c */
uint32_t bx_socket_ready_of(const struct bx_sockets *s, const struct sock *k);
/* Something may have changed: waits that want it may be over. */
void bx_socket_wake(struct bx_sockets *s, struct sock *k);
/* Waits for it end with an error. */
void bx_socket_wait_end(struct bx_sockets *s, struct sock *k, enum bx_err error);
/* A client's waits go without a result. */
void bx_socket_wait_forget(struct bx_sockets *s, uint32_t client);
void bx_socket_wait_poll(struct bx_sockets *s, uint64_t now_us);

#endif
