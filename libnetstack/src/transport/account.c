/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * account.c -- rings counted and limited for each of several users of the stage, so that one of them cannot take what the
 * others need.
 */
#include "transport.h"

void
bx_tcp_account_charge(struct bx_transport *t, uint32_t ring, uint16_t account)
{
	t->ring_accounts[ring / t->ring_lines] = account;
	t->accounts[account].used++;
}

void
bx_tcp_account_release(struct bx_transport *t, uint32_t ring)
{
	uint16_t account = t->ring_accounts[ring / t->ring_lines];

	if (account == 0)
		return;
	BX_ASSERT(t->accounts[account].used != 0);
	t->accounts[account].used--;
	t->ring_accounts[ring / t->ring_lines] = 0;
}

enum bx_err
bx_transport_account_limit(struct bx_transport *t, uint16_t account, uint64_t bytes)
{
	if (account == 0 || account > t->config.accounts)
		return BX_ERR_RANGE;
	t->accounts[account].limit = (uint32_t)min_u64(bytes / t->config.ring_bytes, UINT32_MAX);
	return BX_OK;
}

uint64_t
bx_transport_account_used(const struct bx_transport *t, uint16_t account)
{
	if (account == 0 || account > t->config.accounts)
		return 0;
	return (uint64_t)t->accounts[account].used * t->config.ring_bytes;
}

uint32_t
bx_transport_account_orphans(const struct bx_transport *t, uint16_t account)
{
	return account > t->config.accounts ? 0 : t->accounts[account].orphans;
}

/* Nothing that an orphan holds is charged to its account any more. */
static void
disown(struct bx_transport *t, struct conn *c)
{
	const uint32_t rings[2] = { c->send_ring, c->receive_ring };

	for (uint32_t i = 0; i < 2; i++) {
		if (rings[i] < t->small_first)
			bx_tcp_account_release(t, rings[i]);
	}
	t->accounts[c->account].orphans--;
	t->accounts[0].orphans++;
	c->account = 0;
}

void
bx_transport_account_drop(struct bx_transport *t, uint16_t account)
{
	if (account == 0)
		return;
	for (uint32_t i = 0; i < t->config.connections; i++) {
		struct conn *c = &t->conns[i];

		/* An odd generation is a connection in use. */
		if ((c->generation & 1) == 0 || c->account != account || (c->flags & F_ORPHAN) == 0)
			continue;
		disown(t, c);
		bx_tcp_conn_reset(t, c);
	}
}

enum bx_err
bx_transport_account_set(struct bx_transport *t, uint64_t handle, uint16_t account)
{
	enum bx_transport_kind kind;
	struct listener *l;
	struct udp_end *e;
	struct conn *c;
	uint32_t index;

	if (account > t->config.accounts)
		return BX_ERR_RANGE;
	kind = bx_transport_handle(handle, &index);
	switch (kind) {
	case BX_TRANSPORT_CONNECTION:
		c = bx_tcp_conn_get(t, handle);
		if (c == NULL)
			return BX_ERR_NOT_FOUND;
		c->account = account;
		return BX_OK;
	case BX_TRANSPORT_LISTENER:
		l = bx_tcp_listener_get(t, handle);
		if (l == NULL)
			return BX_ERR_NOT_FOUND;
		l->account = account;
		return BX_OK;
	case BX_TRANSPORT_UDP:
		e = bx_udp_end_get(t, handle);
		if (e == NULL)
			return BX_ERR_NOT_FOUND;
		e->account = account;
		return BX_OK;
	}
	return BX_ERR_NOT_FOUND;
}

static bool
overlap(const struct bx_net_addr *a, const struct bx_net_addr *b)
{
	return bx_net_addr_is_any(a) || bx_net_addr_is_any(b) || bx_net_addr_equal(a, b);
}

bool
bx_udp_port_is_free(const struct bx_transport *t, const struct bx_net_addr *address, uint16_t port, uint16_t account)
{
	for (uint32_t i = t->udp_heads[port % PORT_HEADS]; i != NONE; i = t->udp_ends[i].next) {
		const struct udp_end *e = &t->udp_ends[i];

		if (e->port == port && e->account != account && overlap(&e->address, address))
			return false;
	}
	return true;
}

bool
bx_transport_port_is_free(const struct bx_transport *t, enum bx_transport_kind kind, const struct bx_net_addr *address,
    uint16_t port, uint16_t account)
{
	if (kind == BX_TRANSPORT_UDP)
		return bx_udp_port_is_free(t, address, port, account);
	for (uint32_t i = t->listener_heads[port % PORT_HEADS]; i != NONE; i = t->listeners[i].next) {
		const struct listener *l = &t->listeners[i];

		if (l->port == port && l->account != account && overlap(&l->address, address))
			return false;
	}
	return true;
}
