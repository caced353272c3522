/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sockets.c -- the life of the socket layer, of its clients and of sockets.
 */
#include "socket.h"

static bool
config_is_valid(const struct bx_sockets_config *c)
{
	const uint32_t many = 1u << 20;

	return c->clients >= 1 && c->clients <= CLIENTS_MAX && c->waits >= 1 && c->waits <= 4096 &&
	    c->sockets >= 1 && c->sockets <= many && c->connections >= 1 && c->connections <= many &&
	    c->listeners <= 1024 && c->udp_ends <= 1024;
}

/* Lays the layer out in a block; with none it only measures. */
static struct bx_sockets *
sockets_carve(struct carve *c, const struct bx_sockets_config *config)
{
	struct bx_sockets *s = carve_take(c, 1, sizeof *s);
	struct sock *socks = carve_take(c, config->sockets, sizeof *socks);
	struct client *clients = carve_take(c, config->clients, sizeof *clients);
	struct wait *waits = carve_take(c, config->waits, sizeof *waits);
	struct entry *entries = carve_take(c, (size_t)config->waits * BX_SOCKET_WAIT_MAX, sizeof *entries);
	uint32_t *connections = carve_take(c, config->connections, sizeof(uint32_t));
	uint32_t *listeners = carve_take(c, config->listeners, sizeof(uint32_t));
	uint32_t *ends = carve_take(c, config->udp_ends, sizeof(uint32_t));

	if (s != NULL) {
		*s = (struct bx_sockets){
			.config = *config, .socks = socks, .clients = clients, .waits = waits,
			.entries = entries, .of = { connections, listeners, ends },
		};
	}
	return s;
}

size_t
bx_sockets_size(const struct bx_sockets_config *config)
{
	struct carve c = { 0 };

	if (!config_is_valid(config))
		return 0;
	sockets_carve(&c, config);
	return (size_t)bx_align_up(c.used, 64);
}

/* All places free, each list from the first to the last. */
static void
free_lists(struct bx_sockets *s)
{
	const struct bx_sockets_config *c = &s->config;
	const uint32_t counts[3] = { c->connections, c->listeners, c->udp_ends };

	s->sock_free = s->wait_free = s->done_first = s->done_last = NONE;
	for (uint32_t i = c->sockets; i-- > 0;) {
		s->socks[i] = (struct sock){ .client = s->sock_free, .entries = NONE };
		s->sock_free = i;
	}
	for (uint32_t i = 0; i < c->clients; i++)
		s->clients[i] = (struct client){ 0 };
	for (uint32_t i = c->waits; i-- > 0;) {
		s->waits[i] = (struct wait){ .next = s->wait_free };
		s->wait_free = i;
	}
	for (uint32_t i = 0; i < c->waits * BX_SOCKET_WAIT_MAX; i++)
		s->entries[i] = (struct entry){ .socket = NONE };
	for (uint32_t k = 0; k < 3; k++) {
		for (uint32_t i = 0; i < counts[k]; i++)
			s->of[k][i] = NONE;
	}
}

enum bx_err
bx_sockets_init(void *memory, size_t size, const struct bx_sockets_config *config,
    struct bx_transport *transport, const struct bx_socket_net *net, struct bx_sockets **sockets)
{
	struct carve c = { .block = memory };
	enum bx_err e = carve_check(memory, size, bx_sockets_size(config));
	struct bx_sockets *s;

	if (e != BX_OK)
		return e;
	if (bx_transport_account_limit(transport, config->clients, 0) != BX_OK)
		return BX_ERR_INVALID;
	s = sockets_carve(&c, config);
	s->transport = transport;
	s->net = *net;
	s->due_us = NEVER;
	free_lists(s);
	*sockets = s;
	return BX_OK;
}

void
bx_sockets_poll(struct bx_sockets *s, uint64_t now_us)
{
	const uint32_t counts[3] = { s->config.connections, s->config.listeners, s->config.udp_ends };
	uint64_t handle;
	uint32_t events, index, at;

	while (bx_tcp_event(s->transport, &handle, &events)) {
		enum bx_transport_kind kind = bx_transport_handle(handle, &index);

		at = index < counts[kind] ? s->of[kind][index] : NONE;
		if (at == NONE || s->socks[at].handle != handle)
			continue;
		bx_socket_wake(s, &s->socks[at]);
	}
	bx_socket_wait_poll(s, now_us);
}

uint64_t
bx_sockets_next(const struct bx_sockets *s)
{
	return s->due_us;
}

/* ---- clients ---- */

/* A client's number: its place in the lower bits, how often that was used above. */
struct client *
bx_socket_client_get(const struct bx_sockets *s, uint32_t client)
{
	uint32_t index = client % CLIENTS_MAX;
	struct client *c;

	if (index >= s->config.clients)
		return NULL;
	c = &s->clients[index];
	return c->used && c->generation == client >> CLIENT_BITS ? c : NULL;
}

enum bx_err
bx_socket_client_open(struct bx_sockets *s, const struct bx_socket_quota *quota, uint32_t *client)
{
	enum bx_err e;

	for (uint32_t i = 0; i < s->config.clients; i++) {
		struct client *c = &s->clients[i];

		if (c->used)
			continue;
		c->used = true;
		c->quota = *quota;
		c->usage = (struct bx_socket_quota){ 0 };
		e = bx_transport_account_limit(s->transport, account_of(i), quota->buffer_bytes);
		BX_ASSERT(e == BX_OK);
		*client = c->generation << CLIENT_BITS | i;
		return BX_OK;
	}
	return BX_ERR_NO_MEMORY;
}

enum bx_err
bx_socket_client_usage(const struct bx_sockets *s, uint32_t client, struct bx_socket_quota *usage)
{
	const struct client *c = bx_socket_client_get(s, client);

	if (c == NULL)
		return BX_ERR_NOT_FOUND;
	*usage = c->usage;
	usage->sockets += bx_transport_account_orphans(s->transport, account_of(client % CLIENTS_MAX));
	usage->buffer_bytes = bx_transport_account_used(s->transport, account_of(client % CLIENTS_MAX));
	return BX_OK;
}

/* ---- sockets ---- */

static uint64_t
number_of(const struct bx_sockets *s, const struct sock *k)
{
	return (uint64_t)k->generation << 32 | (sock_index(s, k) + 1u);
}

struct sock *
bx_socket_get(const struct bx_sockets *s, uint32_t client, uint64_t socket)
{
	uint32_t index = (uint32_t)socket - 1u;
	struct sock *k;

	if (bx_socket_client_get(s, client) == NULL || index >= s->config.sockets)
		return NULL;
	k = &s->socks[index];
	if (k->kind == FREE || k->generation != (uint32_t)(socket >> 32) || k->client != client % CLIENTS_MAX)
		return NULL;
	return k;
}

enum bx_err
bx_socket_make(struct bx_sockets *s, uint32_t client, enum kind kind, uint64_t *socket, struct sock **made)
{
	struct client *c = bx_socket_client_get(s, client);
	struct sock *k;

	if (c == NULL)
		return BX_ERR_NOT_FOUND;
	/* A connection outlives its socket; what it takes is its client's until it is over. */
	if (c->usage.sockets + bx_transport_account_orphans(s->transport, account_of(client % CLIENTS_MAX)) >= c->quota.sockets)
		return BX_ERR_QUOTA;
	if (s->sock_free == NONE)
		return BX_ERR_NO_MEMORY;
	k = &s->socks[s->sock_free];
	s->sock_free = k->client;
	*k = (struct sock){
		.generation = k->generation + 1, .client = client % CLIENTS_MAX, .entries = NONE,
		.kind = (uint8_t)kind,
	};
	c->usage.sockets++;
	*socket = number_of(s, k);
	*made = k;
	return BX_OK;
}

void
bx_socket_attach(struct bx_sockets *s, struct sock *k, uint64_t handle)
{
	uint32_t index;
	enum bx_transport_kind kind = bx_transport_handle(handle, &index);
	enum bx_err err = bx_transport_account_set(s->transport, handle, account_of(k->client));

	BX_ASSERT(err == BX_OK);
	k->handle = handle;
	s->of[kind][index] = sock_index(s, k);
}

enum bx_err
bx_socket_open(struct bx_sockets *s, uint32_t client, enum bx_socket_type type, uint64_t *socket)
{
	struct sock *made;

	if (type != BX_SOCKET_STREAM && type != BX_SOCKET_DATAGRAM)
		return BX_ERR_INVALID;
	return bx_socket_make(s, client, type == BX_SOCKET_STREAM ? STREAM : DATAGRAM, socket, &made);
}

/* The transport stage lets go of what the socket had. */
static void
detach(struct bx_sockets *s, uint64_t now_us, struct sock *k, bool abort)
{
	enum bx_transport_kind kind;
	uint32_t index;
	enum bx_err err = BX_OK;

	if (k->handle == 0)
		return;
	kind = bx_transport_handle(k->handle, &index);
	s->of[kind][index] = NONE;
	switch (kind) {
	case BX_TRANSPORT_CONNECTION:
		err = abort ? bx_tcp_abort(s->transport, now_us, k->handle) :
		    bx_tcp_close(s->transport, now_us, k->handle);
		break;
	case BX_TRANSPORT_LISTENER:
		err = bx_tcp_unlisten(s->transport, now_us, k->handle);
		break;
	case BX_TRANSPORT_UDP:
		err = bx_udp_close(s->transport, k->handle);
		break;
	}
	BX_ASSERT(err == BX_OK);
}

static void
sock_end(struct bx_sockets *s, uint64_t now_us, struct sock *k, bool abort)
{
	struct client *c = &s->clients[k->client];

	detach(s, now_us, k, abort);
	c->usage.backlog -= k->backlog;
	c->usage.sockets--;
	k->handle = 0;
	k->kind = FREE;
	k->client = s->sock_free;
	s->sock_free = sock_index(s, k);
}

enum bx_err
bx_socket_close(struct bx_sockets *s, uint64_t now_us, uint32_t client, uint64_t socket, bool abort)
{
	struct sock *k = bx_socket_get(s, client, socket);

	if (k == NULL)
		return BX_ERR_NOT_FOUND;
	bx_socket_wait_end(s, k, BX_ERR_CANCELLED);
	sock_end(s, now_us, k, abort);
	return BX_OK;
}

enum bx_err
bx_socket_client_close(struct bx_sockets *s, uint64_t now_us, uint32_t client)
{
	struct client *c = bx_socket_client_get(s, client);

	if (c == NULL)
		return BX_ERR_NOT_FOUND;
	bx_socket_wait_forget(s, client % CLIENTS_MAX);
	for (uint32_t i = 0; i < s->config.sockets; i++) {
		struct sock *k = &s->socks[i];

		if (k->kind != FREE && k->client == client % CLIENTS_MAX)
			sock_end(s, now_us, k, true);
	}
	bx_transport_account_drop(s->transport, account_of(client % CLIENTS_MAX));
	BX_ASSERT(bx_transport_account_used(s->transport, account_of(client % CLIENTS_MAX)) == 0);
	c->used = false;
	c->generation = (c->generation + 1) & (UINT32_MAX >> CLIENT_BITS);
	return BX_OK;
}

/* A stream is bound to an own address or any, what hears datagrams also to a group. */
static bool
address_is_good(const struct bx_sockets *s, const struct sock *k, const struct bx_net_addr *address)
{
	if (bx_net_addr_is_group(address))
		return k->kind == DATAGRAM;
	return bx_net_addr_is_any(address) || s->net.own(s->net.self, address);
}

/* An own address and port.  A datagram socket gets its end at once. */
enum bx_err
bx_socket_bind(struct bx_sockets *s, uint32_t client, uint64_t socket, const struct bx_net_addr *address,
    uint16_t port)
{
	struct sock *k = bx_socket_get(s, client, socket);
	uint64_t handle;
	enum bx_err err;

	if (k == NULL)
		return BX_ERR_NOT_FOUND;
	if ((k->kind != STREAM && k->kind != DATAGRAM) || k->handle != 0 || k->port != 0)
		return BX_ERR_STATE;
	if (!address_is_good(s, k, address))
		return BX_ERR_INVALID;
	if (k->kind == DATAGRAM) {
		if (port != 0 &&
		    !bx_transport_port_is_free(s->transport, BX_TRANSPORT_UDP, address, port, account_of(k->client)))
			return BX_ERR_EXISTS;
		err = bx_udp_open(s->transport, address, port, &handle, &port);
		if (err != BX_OK)
			return err;
		bx_socket_attach(s, k, handle);
		bx_socket_datagram_options_apply(s, k);
	}
	k->address = *address;
	k->port = port;
	return BX_OK;
}

enum bx_err
bx_socket_port(const struct bx_sockets *s, uint32_t client, uint64_t socket, uint16_t *port)
{
	const struct sock *k = bx_socket_get(s, client, socket);

	if (k == NULL)
		return BX_ERR_NOT_FOUND;
	*port = k->port;
	return BX_OK;
}
