/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * stream.c -- streams: listening, connecting, and what travels on a connection.
 */
#include "socket.h"

/* The connection of a socket, or why there is none. */
static enum bx_err
connection_get(const struct bx_sockets *s, uint32_t client, uint64_t socket, struct sock **k)
{
	*k = bx_socket_get(s, client, socket);
	if (*k == NULL)
		return BX_ERR_NOT_FOUND;
	return (*k)->kind == CONNECTION ? BX_OK : BX_ERR_STATE;
}

void
bx_socket_options_apply(struct bx_sockets *s, uint64_t now_us, const struct sock *k, const struct sock *from)
{
	for (uint32_t i = 0; i < OPTIONS; i++) {
		enum bx_err err;

		if ((from->options_given & 1u << i) == 0)
			continue;
		/* The value was checked when it was given. */
		err = bx_tcp_option_set(s->transport, now_us, k->handle, (enum bx_tcp_option)i, from->options[i]);
		BX_ASSERT(err == BX_OK);
	}
}

/* Whether another client listens where the socket is bound to. */
static bool
port_is_anothers(const struct bx_sockets *s, const struct sock *k, const struct bx_net_addr *address)
{
	return k->port != 0 && !bx_transport_port_is_free(s->transport, BX_TRANSPORT_LISTENER, address, k->port,
	    account_of(k->client));
}

enum bx_err
bx_socket_listen(struct bx_sockets *s, uint32_t client, uint64_t socket, uint16_t backlog)
{
	struct sock *k = bx_socket_get(s, client, socket);
	struct client *c;
	uint64_t handle;
	enum bx_err err;

	if (k == NULL)
		return BX_ERR_NOT_FOUND;
	if (k->kind != STREAM || k->port == 0)
		return BX_ERR_STATE;
	if (backlog == 0)
		return BX_ERR_INVALID;
	c = &s->clients[k->client];
	if (backlog > c->quota.backlog - c->usage.backlog)
		return BX_ERR_QUOTA;
	if (port_is_anothers(s, k, &k->address))
		return BX_ERR_EXISTS;
	err = bx_tcp_listen(s->transport, &k->address, k->port, backlog, &handle);
	if (err != BX_OK)
		return err;
	bx_socket_attach(s, k, handle);
	k->kind = LISTENER;
	k->backlog = backlog;
	c->usage.backlog += backlog;
	return BX_OK;
}

static enum bx_err
stream_connect(struct bx_sockets *s, uint64_t now_us, struct sock *k, const struct bx_net_addr *address,
    uint16_t port)
{
	struct bx_net_addr source;
	uint64_t handle;
	uint16_t mtu;
	enum bx_err err;

	err = s->net.path(s->net.self, now_us, address, &source, &mtu);
	if (err != BX_OK)
		return err;
	if (!sock_may_speak(s, k))
		return BX_ERR_NET_UNREACHABLE;
	if (!bx_net_addr_is_any(&k->address))
		source = k->address;
	if (port_is_anothers(s, k, &source))
		return BX_ERR_EXISTS;
	err = bx_tcp_connect(s->transport, now_us, &source, k->port, address, port, mtu, &handle);
	if (err != BX_OK)
		return err;
	bx_socket_attach(s, k, handle);
	k->kind = CONNECTION;
	bx_socket_options_apply(s, now_us, k, k);
	return BX_OK;
}

enum bx_err
bx_socket_connect(struct bx_sockets *s, uint64_t now_us, uint32_t client, uint64_t socket,
    const struct bx_net_addr *address, uint16_t port)
{
	struct sock *k = bx_socket_get(s, client, socket);

	if (k == NULL)
		return BX_ERR_NOT_FOUND;
	if (k->kind != STREAM && k->kind != DATAGRAM)
		return BX_ERR_STATE;
	if (port == 0 || bx_net_addr_is_any(address))
		return BX_ERR_INVALID;
	if (k->kind == STREAM)
		return stream_connect(s, now_us, k, address, port);
	k->peer = *address;
	k->peer_port = port;
	return BX_OK;
}

enum bx_err
bx_socket_accept(struct bx_sockets *s, uint64_t now_us, uint32_t client, uint64_t socket, uint64_t *accepted)
{
	struct sock *k = bx_socket_get(s, client, socket), *made;
	uint64_t handle, number;
	enum bx_err err;

	if (k == NULL)
		return BX_ERR_NOT_FOUND;
	if (k->kind != LISTENER)
		return BX_ERR_STATE;
	if (!bx_tcp_acceptable(s->transport, k->handle))
		return BX_ERR_WOULD_BLOCK;
	/* The place first: what cannot be held goes on waiting. */
	err = bx_socket_make(s, client, CONNECTION, &number, &made);
	if (err != BX_OK)
		return err;
	err = bx_tcp_accept(s->transport, k->handle, &handle);
	BX_ASSERT(err == BX_OK);
	bx_socket_attach(s, made, handle);
	made->port = k->port;
	bx_socket_options_apply(s, now_us, made, k);
	*accepted = number;
	return BX_OK;
}

enum bx_err
bx_socket_send(struct bx_sockets *s, uint32_t client, uint64_t socket, const uint8_t *bytes, size_t length,
    size_t *sent)
{
	struct sock *k;
	enum bx_err err = connection_get(s, client, socket, &k);

	if (err != BX_OK)
		return err;
	return err != BX_OK ? err : bx_tcp_send(s->transport, k->handle, bytes, length, sent);
}

enum bx_err
bx_socket_receive(struct bx_sockets *s, uint32_t client, uint64_t socket, uint8_t *bytes, size_t size,
    size_t *received)
{
	struct sock *k;
	enum bx_err err = connection_get(s, client, socket, &k);

	return err != BX_OK ? err : bx_tcp_receive(s->transport, k->handle, bytes, size, received);
}

enum bx_err
bx_socket_shutdown(struct bx_sockets *s, uint64_t now_us, uint32_t client, uint64_t socket)
{
	struct sock *k;
	enum bx_err err = connection_get(s, client, socket, &k);

	return err != BX_OK ? err : bx_tcp_shutdown(s->transport, now_us, k->handle);
}

/* What bx_tcp_option_set takes. */
static bool
option_is_valid(const struct bx_transport *t, enum bx_tcp_option option, uint32_t value)
{
	switch (option) {
	case BX_TCP_OPTION_NODELAY:
		return value <= 1;
	case BX_TCP_OPTION_CONTROL:
		return bx_tcp_control_is_there(t, value);
	case BX_TCP_OPTION_KEEPALIVE_S:
		return value <= UINT16_MAX;
	case BX_TCP_OPTION_TRAFFIC_CLASS:
		return value <= UINT8_MAX && (value & 3) == 0;
	case BX_TCP_OPTION_RETRIES:
		return value <= BX_TCP_RETRIES_FOR_EVER;
	case BX_TCP_OPTION_HOP_LIMIT:
		return value <= UINT8_MAX;
	}
	return false;
}

enum bx_err
bx_socket_option_set(struct bx_sockets *s, uint64_t now_us, uint32_t client, uint64_t socket,
    enum bx_tcp_option option, uint32_t value)
{
	struct sock *k = bx_socket_get(s, client, socket);

	if (k == NULL)
		return BX_ERR_NOT_FOUND;
	if (k->kind == DATAGRAM)
		return BX_ERR_STATE;
	if (!option_is_valid(s->transport, option, value))
		return BX_ERR_INVALID;
	if (k->kind == CONNECTION)
		return bx_tcp_option_set(s->transport, now_us, k->handle, option, value);
	k->options[option] = value;
	k->options_given |= (uint8_t)(1u << option);
	return BX_OK;
}

enum bx_err
bx_socket_info(const struct bx_sockets *s, uint32_t client, uint64_t socket, struct bx_tcp_info *info)
{
	struct sock *k;
	enum bx_err err = connection_get(s, client, socket, &k);

	return err != BX_OK ? err : bx_tcp_info(s->transport, k->handle, info);
}
