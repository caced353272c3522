/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * stack.c -- the stages composed by direct calls.  The only file that sees all three.
 */
#include <brainix/net_stack.h>

#include "mem.h"

static IN_LINE void
down(const struct bx_stack *s, uint64_t now_us, struct bx_net_batch *out)
{
	if (out->count == 0)
		return;
	/* What has no way, or is too long for it, comes back to its builder. */
	if (bx_ip_send(s->ip, now_us, out, out))
		bx_transport_receive(s->transport, now_us, out, out);
	bx_link_send(s->link, now_us, out, out);
}

void
bx_stack_down(const struct bx_stack *s, uint64_t now_us, struct bx_net_batch *out)
{
	down(s, now_us, out);
}

/* Datagrams that are whole again go up, too; and what goes down in answer. */
static APART void
receive_more(const struct bx_stack *s, uint64_t now_us, struct bx_net_batch *out, bool up)
{
	while (s->whole != NULL && bx_ip_whole_ready(s->ip)) {
		bx_net_batch_clear(s->whole);
		bx_ip_whole_take(s->ip, now_us, s->whole, out);
		bx_transport_receive(s->transport, now_us, s->whole, out);
		up = true;
	}
	if (up)
		down(s, now_us, out);
	else
		bx_link_send(s->link, now_us, out, out);
}

void
bx_stack_receive(const struct bx_stack *s, uint64_t now_us, struct bx_net_batch *frames,
    struct bx_net_batch *out)
{
	/* What a stage has answered itself needs only those below it. */
	if (!bx_link_receive(s->link, now_us, frames, out))
		return;
	if (bx_ip_receive(s->ip, now_us, frames, out)) {
		bx_transport_receive(s->transport, now_us, frames, out);
		if (s->whole != NULL || out->count != 0)
			receive_more(s, now_us, out, true);
	} else if (s->whole == NULL) {
		bx_link_send(s->link, now_us, out, out);
	} else {
		receive_more(s, now_us, out, false);
	}
}

bool
bx_stack_output(const struct bx_stack *s, uint64_t now_us, struct bx_net_batch *out)
{
	bool more = bx_transport_output(s->transport, now_us, out);

	down(s, now_us, out);
	return more;
}

void
bx_stack_poll(const struct bx_stack *s, uint64_t now_us, struct bx_net_batch *out)
{
	bx_link_poll(s->link, now_us, out);
	if (bx_ip_poll(s->ip, now_us, out))
		bx_transport_receive(s->transport, now_us, out, out);
	bx_link_send(s->link, now_us, out, out);
	bx_transport_poll(s->transport, now_us);
}

uint64_t
bx_stack_next(const struct bx_stack *s)
{
	uint64_t next = min_u64(bx_link_next(s->link), bx_ip_next(s->ip));

	return min_u64(next, bx_transport_next(s->transport));
}
