/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * wait.c -- waiting for any of several sockets.
 *
 * What a socket is ready for is asked of the transport stage each time, never remembered; its events only say when to ask.
 * Each wait has BX_SOCKET_WAIT_MAX entries of its own; the entries of all waits for one socket form a list.
 */
#include "socket.h"

static uint32_t
connection_ready(const struct bx_sockets *s, const struct sock *k)
{
	struct bx_tcp_info info;
	uint32_t ready = 0;

	if (bx_tcp_info(s->transport, k->handle, &info) != BX_OK || info.state == BX_TCP_CLOSED)
		return BX_SOCKET_ENDED | BX_SOCKET_READABLE;
	if (info.unread != 0 || info.fin_received)
		ready |= BX_SOCKET_READABLE;
	if (info.state >= BX_TCP_ESTABLISHED && !info.fin_queued && info.room != 0 && !info.wants_room)
		ready |= BX_SOCKET_WRITABLE;
	return ready;
}

uint32_t
bx_socket_ready_of(const struct bx_sockets *s, const struct sock *k)
{
	switch ((enum kind)k->kind) {
	case CONNECTION:
		return connection_ready(s, k);
	case LISTENER:
		return bx_tcp_acceptable(s->transport, k->handle) ? BX_SOCKET_ACCEPTABLE : 0;
	case DATAGRAM:
		return BX_SOCKET_WRITABLE |
		    (k->handle != 0 && bx_udp_readable(s->transport, k->handle) ? BX_SOCKET_READABLE : 0);
	case FREE:
	case STREAM:
		break;
	}
	return 0;
}

enum bx_err
bx_socket_ready(struct bx_sockets *s, uint32_t client, uint64_t socket, uint32_t *events)
{
	const struct sock *k = bx_socket_get(s, client, socket);

	if (k == NULL)
		return BX_ERR_NOT_FOUND;
	*events = bx_socket_ready_of(s, k);
	return BX_OK;
}

/* ---- entries ---- */

static struct entry *
entry_of(const struct bx_sockets *s, const struct wait *w, uint32_t i)
{
	return &s->entries[(uint32_t)(w - s->waits) * BX_SOCKET_WAIT_MAX + i];
}

static void
entry_link(struct bx_sockets *s, struct entry *e, struct sock *k)
{
	uint32_t index = (uint32_t)(e - s->entries);

	e->socket = sock_index(s, k);
	e->prev = NONE;
	e->next = k->entries;
	if (e->next != NONE)
		s->entries[e->next].prev = index;
	k->entries = index;
}

static void
entry_unlink(struct bx_sockets *s, struct entry *e)
{
	if (e->prev != NONE)
		s->entries[e->prev].next = e->next;
	else
		s->socks[e->socket].entries = e->next;
	if (e->next != NONE)
		s->entries[e->next].prev = e->prev;
	e->socket = NONE;
}

/* ---- waits ---- */

static void
wait_release(struct bx_sockets *s, struct wait *w)
{
	s->clients[w->client].usage.waits--;
	w->state = FREE_WAIT;
	w->next = s->wait_free;
	s->wait_free = (uint32_t)(w - s->waits);
}

/* It is over: what is so now is written down, and it joins those that are to be handed back. */
static void
finish(struct bx_sockets *s, struct wait *w, enum bx_err error)
{
	uint32_t index = (uint32_t)(w - s->waits);

	for (uint32_t i = 0; i < w->count; i++) {
		struct entry *e = entry_of(s, w, i);

		e->interest.events = bx_socket_ready_of(s, &s->socks[e->socket]) &
		    (e->interest.events | BX_SOCKET_ENDED);
		entry_unlink(s, e);
	}
	w->state = DONE;
	w->error = error;
	w->next = NONE;
	if (s->done_first == NONE)
		s->done_first = index;
	else
		s->waits[s->done_last].next = index;
	s->done_last = index;
}

void
bx_socket_wake(struct bx_sockets *s, struct sock *k)
{
	uint32_t ready = bx_socket_ready_of(s, k), at = k->entries;

	while (at != NONE) {
		const struct entry *e = &s->entries[at];

		if ((ready & (e->interest.events | BX_SOCKET_ENDED)) != 0) {
			/* All entries of the wait leave: from the front again. */
			finish(s, &s->waits[at / BX_SOCKET_WAIT_MAX], BX_OK);
			at = k->entries;
		} else {
			at = e->next;
		}
	}
}

void
bx_socket_wait_end(struct bx_sockets *s, struct sock *k, enum bx_err error)
{
	while (k->entries != NONE)
		finish(s, &s->waits[k->entries / BX_SOCKET_WAIT_MAX], error);
}

/* Takes a wait off the list of those that are over. */
static void
done_drop(struct bx_sockets *s, const struct wait *w)
{
	uint32_t index = (uint32_t)(w - s->waits), before = NONE, at = s->done_first;

	while (at != index) {
		before = at;
		at = s->waits[at].next;
	}
	if (before == NONE)
		s->done_first = w->next;
	else
		s->waits[before].next = w->next;
	if (s->done_last == index)
		s->done_last = before;
}

static void
wait_drop(struct bx_sockets *s, struct wait *w)
{
	if (w->state == DONE) {
		done_drop(s, w);
	} else {
		for (uint32_t i = 0; i < w->count; i++)
			entry_unlink(s, entry_of(s, w, i));
	}
	wait_release(s, w);
}

void
bx_socket_wait_forget(struct bx_sockets *s, uint32_t client)
{
	for (uint32_t i = 0; i < s->config.waits; i++) {
		struct wait *w = &s->waits[i];

		if (w->state != FREE_WAIT && w->client == client)
			wait_drop(s, w);
	}
}

enum bx_err
bx_socket_wait_cancel(struct bx_sockets *s, uint32_t client, uint64_t token)
{
	const struct client *c = bx_socket_client_get(s, client);

	for (uint32_t i = 0; c != NULL && i < s->config.waits; i++) {
		struct wait *w = &s->waits[i];

		if (w->state != FREE_WAIT && w->token == token && &s->clients[w->client] == c) {
			wait_drop(s, w);
			return BX_OK;
		}
	}
	return BX_ERR_NOT_FOUND;
}

/* Whether one is ready already; then interests say what is so. */
static bool
ready_now(const struct bx_sockets *s, uint32_t client, struct bx_socket_interest *interests, uint32_t count)
{
	uint32_t ready[BX_SOCKET_WAIT_MAX], any = 0;

	for (uint32_t i = 0; i < count; i++) {
		ready[i] = bx_socket_ready_of(s, bx_socket_get(s, client, interests[i].socket)) &
		    (interests[i].events | BX_SOCKET_ENDED);
		any |= ready[i];
	}
	for (uint32_t i = 0; any != 0 && i < count; i++)
		interests[i].events = ready[i];
	return any != 0;
}

enum bx_err
bx_socket_wait(struct bx_sockets *s, uint64_t now_us, uint32_t client, struct bx_socket_interest *interests,
    uint32_t count, uint64_t deadline_us, uint64_t token)
{
	struct client *c = bx_socket_client_get(s, client);
	struct wait *w;

	if (c == NULL)
		return BX_ERR_NOT_FOUND;
	if (count == 0 || count > BX_SOCKET_WAIT_MAX)
		return BX_ERR_INVALID;
	for (uint32_t i = 0; i < count; i++) {
		if ((interests[i].events & ~BX_SOCKET_EVENTS) != 0)
			return BX_ERR_INVALID;
		if (bx_socket_get(s, client, interests[i].socket) == NULL)
			return BX_ERR_NOT_FOUND;
	}
	if (ready_now(s, client, interests, count))
		return BX_OK;
	if (deadline_us <= now_us)
		return BX_ERR_TIMEOUT;
	if (c->usage.waits >= c->quota.waits)
		return BX_ERR_QUOTA;
	if (s->wait_free == NONE)
		return BX_ERR_NO_MEMORY;
	w = &s->waits[s->wait_free];
	s->wait_free = w->next;
	c->usage.waits++;
	*w = (struct wait){
		.token = token, .deadline_us = deadline_us, .client = (uint32_t)(c - s->clients),
		.state = PENDING, .count = (uint8_t)count,
	};
	for (uint32_t i = 0; i < count; i++) {
		struct entry *e = entry_of(s, w, i);

		e->interest = interests[i];
		entry_link(s, e, bx_socket_get(s, client, interests[i].socket));
	}
	s->due_us = min_u64(s->due_us, deadline_us);
	return BX_ERR_WOULD_BLOCK;
}

void
bx_socket_wait_poll(struct bx_sockets *s, uint64_t now_us)
{
	if (now_us < s->due_us)
		return;
	s->due_us = NEVER;
	for (uint32_t i = 0; i < s->config.waits; i++) {
		struct wait *w = &s->waits[i];

		if (w->state != PENDING)
			continue;
		if (now_us >= w->deadline_us)
			finish(s, w, BX_ERR_TIMEOUT);
		else
			s->due_us = min_u64(s->due_us, w->deadline_us);
	}
}

/* The number of a client from its place. */
static uint32_t
client_number(const struct bx_sockets *s, uint32_t index)
{
	return s->clients[index].generation << CLIENT_BITS | index;
}

bool
bx_socket_done(struct bx_sockets *s, struct bx_socket_wait_result *result)
{
	struct wait *w;

	if (s->done_first == NONE)
		return false;
	w = &s->waits[s->done_first];
	s->done_first = w->next;
	if (s->done_first == NONE)
		s->done_last = NONE;
	*result = (struct bx_socket_wait_result){
		.token = w->token, .client = client_number(s, w->client), .error = w->error, .count = w->count,
	};
	for (uint32_t i = 0; i < w->count; i++)
		result->interests[i] = entry_of(s, w, i)->interest;
	wait_release(s, w);
	return true;
}
