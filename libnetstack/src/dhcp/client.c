/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * client.c -- the client's state machine (RFC 2131, figure 5).
 *
 *   INIT --time--> SELECTING --offer--> REQUESTING --ack--> BOUND --T1--> RENEWING --T2--> REBINDING --end--> INIT
 *     |                                     | nak, silence     ^-- ack ------+----- ack ------+
 *     |                                     +--> INIT          nak --> INIT
 *     +--address known--> REBOOTING --ack--> BOUND;  nak, silence --> INIT
 */
#include "dhcp.h"

#define SECOND_US	((uint64_t)1000000)
#define CLIENT_PORT	68u
#define SERVER_PORT	67u
#define WAIT_S		4u		/* RFC 2131, 4.1: 4, 8, 16, 32, 64 s, each a second more or less */
#define WAIT_MAX_S	64u
#define REQUESTS	4u		/* before it begins again (RFC 2131, 3.1 (5)) */
#define RENEW_MIN_S	60u		/* RFC 2131, 4.4.5 */
#define TAKE_MAX	64u

static uint32_t
draw(struct bx_dhcp *d)
{
	return random_next(&d->random);
}

enum bx_err
bx_dhcp_start(struct bx_dhcp *d, uint64_t now_us, const struct bx_dhcp_config *config)
{
	if ((config->mac[0] & 1) != 0 ||
	    (!bx_net_addr_is_any(&config->address) && !bx_net_addr_is_ipv4(&config->address)))
		return BX_ERR_INVALID;
	*d = (struct bx_dhcp){
		.config = *config, .random = config->random, .state = BX_DHCP_STATE_INIT, .due_us = now_us,
		.renew_us = BX_DHCP_NEVER, .rebind_us = BX_DHCP_NEVER, .expire_us = BX_DHCP_NEVER,
	};
	return BX_OK;
}

/* ---- sending ---- */

static enum bx_err
send(struct bx_dhcp *d, struct bx_transport *t, const struct request *r, const struct bx_net_addr *from,
    const struct bx_net_addr *to, struct bx_net_batch *out)
{
	uint8_t bytes[MESSAGE_MIN];

	bx_dhcp_message_make(r, bytes);
	return bx_udp_send(t, d->end, from, to, SERVER_PORT, bytes, sizeof bytes, out);
}

/* The message that the state asks for (RFC 2131, table 4, and 4.3.2). */
static enum bx_err
ask(struct bx_dhcp *d, struct bx_transport *t, uint64_t now_us, struct bx_net_batch *out)
{
	const struct bx_net_addr all = bx_net_ipv4(255, 255, 255, 255), none = { { 0 } };
	struct request r = {
		.type = BX_DHCP_REQUEST, .xid = d->xid, .mac = d->config.mac, .broadcast = true,
		.secs = (uint16_t)min_u64((now_us - d->begun_us) / SECOND_US, UINT16_MAX),
	};

	switch (d->state) {
	case BX_DHCP_STATE_SELECTING:
		r.type = BX_DHCP_DISCOVER;
		return send(d, t, &r, &none, &all, out);
	case BX_DHCP_STATE_REQUESTING:
		r.requested = &d->offer.address;
		r.server = &d->offer.server;
		return send(d, t, &r, &none, &all, out);
	case BX_DHCP_STATE_REBOOTING:
		r.requested = &d->config.address;
		return send(d, t, &r, &none, &all, out);
	default:
		/* The address is in use: answers come to it. */
		r.broadcast = false;
		r.ciaddr = &d->lease.address;
		return send(d, t, &r, &d->lease.address,
		    d->state == BX_DHCP_STATE_RENEWING ? &d->lease.server : &all, out);
	}
}

static bool
renews(const struct bx_dhcp *d)
{
	return d->state == BX_DHCP_STATE_RENEWING || d->state == BX_DHCP_STATE_REBINDING;
}

/*
 * RFC 2131, 4.4.1, 4.4.5: the lease runs from when it was asked for.  To renew it each try has a number of its own (4.1
 * leaves that open), so an answer is to the last one; else the number is that of the offer (table 5), nothing says which
 * of the tries the server heard, and the first counts, which can not make the lease too long.
 */
static void
ask_begins(struct bx_dhcp *d, uint64_t now_us)
{
	if (renews(d))
		d->xid = draw(d);
	if (renews(d) || d->tries == 0)
		d->asked_us = now_us;
}

/* When the next try comes. */
static uint64_t
patience(struct bx_dhcp *d, uint64_t now_us)
{
	uint64_t until, left;
	uint32_t wait = WAIT_S;

	if (renews(d)) {
		/* RFC 2131, 4.4.5: half of what is left, at least a minute. */
		until = d->state == BX_DHCP_STATE_RENEWING ? d->rebind_us : d->expire_us;
		left = until > now_us ? (until - now_us) / 2 : 0;
		return min_u64(until, now_us + (left > RENEW_MIN_S * SECOND_US ? left : RENEW_MIN_S * SECOND_US));
	}
	for (uint32_t i = 1; i < d->tries && wait < WAIT_MAX_S; i++)
		wait *= 2;
	return now_us + (wait - 1) * SECOND_US + draw(d) % (2 * SECOND_US);
}

static void
try(struct bx_dhcp *d, struct bx_transport *t, uint64_t now_us, struct bx_net_batch *out)
{
	enum bx_err err = BX_OK;
	uint16_t port;
	static const struct bx_net_addr any;

	ask_begins(d, now_us);
	if (d->end == 0)
		err = bx_udp_open(t, &any, CLIENT_PORT, &d->end, &port);
	if (err == BX_OK)
		err = ask(d, t, now_us, out);
	d->error = err;
	d->tries++;
	/* One that could not be sent counts as lost. */
	d->due_us = patience(d, now_us);
}

static void
enter(struct bx_dhcp *d, enum bx_dhcp_state state)
{
	d->state = state;
	d->tries = 0;
}

/* Back to the beginning, after a while. */
static void
again(struct bx_dhcp *d, uint64_t now_us, uint64_t wait_us)
{
	enter(d, BX_DHCP_STATE_INIT);
	d->config.address = (struct bx_net_addr){ { 0 } };
	d->renew_us = d->rebind_us = d->expire_us = BX_DHCP_NEVER;
	d->due_us = now_us + wait_us;
}

/* ---- what comes ---- */

static uint64_t
after(const struct bx_dhcp *d, uint32_t seconds)
{
	return seconds == UINT32_MAX ? BX_DHCP_NEVER : d->asked_us + seconds * SECOND_US;
}

static enum bx_dhcp_news
bound(struct bx_dhcp *d, const struct bx_dhcp_lease *lease)
{
	bool same = renews(d) && bx_net_addr_equal(&lease->address, &d->lease.address);

	d->lease = *lease;
	enter(d, BX_DHCP_STATE_BOUND);
	d->renew_us = after(d, lease->renew_s);
	d->rebind_us = after(d, lease->rebind_s);
	d->expire_us = after(d, lease->lifetime_s);
	d->due_us = d->renew_us;
	return same ? BX_DHCP_RENEWED : BX_DHCP_BOUND;
}

static bool
has_lease(const struct bx_dhcp *d)
{
	return d->state == BX_DHCP_STATE_BOUND || renews(d);
}

static enum bx_dhcp_news
lose(struct bx_dhcp *d, uint64_t now_us)
{
	bool had = has_lease(d);

	again(d, now_us, had ? 0 : SECOND_US);
	return had ? BX_DHCP_LOST : BX_DHCP_NOTHING;
}

static enum bx_dhcp_news
answer(struct bx_dhcp *d, struct bx_transport *t, uint64_t now_us, const struct bx_dhcp_message *m,
    struct bx_net_batch *out)
{
	bool asked = d->state == BX_DHCP_STATE_REQUESTING || d->state == BX_DHCP_STATE_REBOOTING || renews(d);

	if (d->state == BX_DHCP_STATE_SELECTING && m->type == BX_DHCP_OFFER) {
		/* The first is good enough (RFC 2131, 4.4.1 leaves the choice). */
		d->offer = m->lease;
		enter(d, BX_DHCP_STATE_REQUESTING);
		try(d, t, now_us, out);
		return BX_DHCP_NOTHING;
	}
	if (!asked || m->type == BX_DHCP_OFFER)
		return BX_DHCP_NOTHING;
	/* Only the chosen server has a say. */
	if (d->state == BX_DHCP_STATE_REQUESTING && !bx_net_addr_equal(&m->lease.server, &d->offer.server))
		return BX_DHCP_NOTHING;
	if (m->type == BX_DHCP_NAK)
		return lose(d, now_us);
	return bound(d, &m->lease);
}

static enum bx_dhcp_news
take(struct bx_dhcp *d, struct bx_transport *t, uint64_t now_us, struct bx_net_batch *out)
{
	enum bx_dhcp_news news = BX_DHCP_NOTHING;
	uint8_t bytes[BX_DHCP_MESSAGE_MAX];
	struct bx_dhcp_message m;
	struct bx_udp_from from;
	uint32_t length;

	for (uint32_t i = 0; i < TAKE_MAX && news == BX_DHCP_NOTHING; i++) {
		enum bx_err err = bx_udp_receive(t, d->end, bytes, sizeof bytes, &length, &from);

		if (err == BX_ERR_WOULD_BLOCK || err == BX_ERR_NOT_FOUND)
			break;
		/* What the network says about a question changes nothing: it is asked again anyhow. */
		if (err != BX_OK)
			continue;
		if (from.length == length && from.remote_port == SERVER_PORT &&
		    bx_dhcp_message_parse(bytes, length, d->xid, d->config.mac, &m) == BX_OK)
			news = answer(d, t, now_us, &m, out);
	}
	return news;
}

/* ---- time ---- */

/* The state's time is over. */
static enum bx_dhcp_news
step(struct bx_dhcp *d, struct bx_transport *t, uint64_t now_us, struct bx_net_batch *out)
{
	switch (d->state) {
	case BX_DHCP_STATE_INIT:
		d->xid = draw(d);
		d->begun_us = now_us;
		enter(d, bx_net_addr_is_any(&d->config.address) ? BX_DHCP_STATE_SELECTING : BX_DHCP_STATE_REBOOTING);
		break;
	case BX_DHCP_STATE_REQUESTING:
	case BX_DHCP_STATE_REBOOTING:
		if (d->tries == REQUESTS) {
			again(d, now_us, 0);
			return BX_DHCP_NOTHING;
		}
		break;
	case BX_DHCP_STATE_BOUND:
		d->begun_us = now_us;
		enter(d, BX_DHCP_STATE_RENEWING);
		break;
	case BX_DHCP_STATE_RENEWING:
		if (now_us >= d->rebind_us)
			enter(d, BX_DHCP_STATE_REBINDING);
		break;
	default:
		break;
	}
	if (now_us >= d->expire_us)
		return lose(d, now_us);
	try(d, t, now_us, out);
	return BX_DHCP_NOTHING;
}

enum bx_dhcp_news
bx_dhcp_poll(struct bx_dhcp *d, struct bx_transport *t, uint64_t now_us, struct bx_net_batch *out)
{
	enum bx_dhcp_news news = BX_DHCP_NOTHING;

	if (d->state == BX_DHCP_STATE_RELEASED)
		return BX_DHCP_NOTHING;
	if (d->end != 0)
		news = take(d, t, now_us, out);
	if (news == BX_DHCP_NOTHING && now_us >= d->due_us)
		news = step(d, t, now_us, out);
	return news;
}

uint64_t
bx_dhcp_next(const struct bx_dhcp *d)
{
	return d->due_us;
}

/* ---- ends ---- */

enum bx_err
bx_dhcp_decline(struct bx_dhcp *d, struct bx_transport *t, uint64_t now_us, struct bx_net_batch *out)
{
	const struct bx_net_addr all = bx_net_ipv4(255, 255, 255, 255), none = { { 0 } };
	struct request r = {
		.type = BX_DHCP_DECLINE, .mac = d->config.mac, .requested = &d->lease.address,
		.server = &d->lease.server,
	};
	enum bx_err err;

	if (!has_lease(d))
		return BX_ERR_STATE;
	r.xid = draw(d);
	err = send(d, t, &r, &none, &all, out);
	again(d, now_us, 10 * SECOND_US);
	return err;
}

enum bx_err
bx_dhcp_release(struct bx_dhcp *d, struct bx_transport *t, struct bx_net_batch *out)
{
	struct request r = {
		.type = BX_DHCP_RELEASE, .mac = d->config.mac, .ciaddr = &d->lease.address,
		.server = &d->lease.server,
	};
	enum bx_err err = BX_OK;

	if (has_lease(d)) {
		r.xid = draw(d);
		err = send(d, t, &r, &d->lease.address, &d->lease.server, out);
	}
	if (d->end != 0)
		(void)!bx_udp_close(t, d->end);
	d->end = 0;
	d->state = BX_DHCP_STATE_RELEASED;
	d->due_us = BX_DHCP_NEVER;
	return err;
}
