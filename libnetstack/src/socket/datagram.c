/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * datagram.c -- datagram sockets.
 */
#include "socket.h"

#define PASSED_MAX	64u		/* datagrams of others in one call */

static enum bx_err
datagram_get(const struct bx_sockets *s, uint32_t client, uint64_t socket, struct sock **k)
{
	*k = bx_socket_get(s, client, socket);
	if (*k == NULL)
		return BX_ERR_NOT_FOUND;
	return (*k)->kind == DATAGRAM ? BX_OK : BX_ERR_STATE;
}

enum bx_err
bx_socket_send_to(struct bx_sockets *s, uint64_t now_us, uint32_t client, uint64_t socket,
    const struct bx_net_addr *address, uint16_t port, const uint8_t *bytes, uint32_t length,
    struct bx_net_batch *out)
{
	struct bx_net_addr source;
	struct sock *k;
	uint16_t mtu;
	enum bx_err err = datagram_get(s, client, socket, &k);

	if (err != BX_OK)
		return err;
	if (address == NULL && k->peer_port == 0)
		return BX_ERR_STATE;
	if (address == NULL) {
		address = &k->peer;
		port = k->peer_port;
	}
	if (port == 0 || bx_net_addr_is_any(address))
		return BX_ERR_INVALID;
	err = s->net.path(s->net.self, now_us, address, &source, &mtu);
	if (err != BX_OK)
		return err;
	/* Bound to a group it hears the group, and speaks from the host. */
	if (!bx_net_addr_is_any(&k->address) && !bx_net_addr_is_group(&k->address)) {
		if (!sock_may_speak(s, k))
			return BX_ERR_NET_UNREACHABLE;
		source = k->address;
	}
	if (bx_net_addr_is_ipv4(&source) != bx_net_addr_is_ipv4(address))
		return BX_ERR_INVALID;
	if (k->handle == 0)
		err = bx_socket_bind(s, client, socket, &k->address, 0);
	if (err != BX_OK)
		return err;
	return bx_udp_send(s->transport, k->handle, &source, address, port, bytes, length, out);
}

void
bx_socket_datagram_options_apply(struct bx_sockets *s, const struct sock *k)
{
	for (uint32_t i = 0; i < OPTIONS; i++) {
		enum bx_err err = BX_OK;

		if ((k->options_given & 1u << i) != 0)
			err = bx_udp_option_set(s->transport, k->handle, (enum bx_udp_option)i, k->options[i]);
		BX_ASSERT(err == BX_OK);
	}
}

enum bx_err
bx_socket_datagram_option_set(struct bx_sockets *s, uint32_t client, uint64_t socket, enum bx_udp_option option,
    uint32_t value)
{
	struct sock *k;
	enum bx_err err = datagram_get(s, client, socket, &k);

	if (err != BX_OK)
		return err;
	if (!bx_udp_option_is_valid(option, value))
		return BX_ERR_INVALID;
	k->options[option] = value;
	k->options_given |= (uint8_t)(1u << option);
	if (k->handle != 0)
		bx_socket_datagram_options_apply(s, k);
	return BX_OK;
}

enum bx_err
bx_socket_receive_from(struct bx_sockets *s, uint32_t client, uint64_t socket, uint8_t *bytes, uint32_t size,
    uint32_t *received, struct bx_udp_from *from)
{
	struct bx_udp_from who;
	struct sock *k;
	uint32_t n;
	enum bx_err err = datagram_get(s, client, socket, &k);

	if (err != BX_OK)
		return err;
	if (k->handle == 0)
		return BX_ERR_WOULD_BLOCK;
	for (uint32_t i = 0; i < PASSED_MAX; i++) {
		err = bx_udp_receive(s->transport, k->handle, bytes, size, &n, &who);
		if (err != BX_OK)
			return err;
		if (k->peer_port != 0 &&
		    (who.remote_port != k->peer_port || !bx_net_addr_equal(&who.remote, &k->peer)))
			continue;
		*received = n;
		*from = who;
		return BX_OK;
	}
	return BX_ERR_WOULD_BLOCK;
}
