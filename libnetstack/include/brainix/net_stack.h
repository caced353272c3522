/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/net_stack.h -- the three stages of one process, composed by direct calls.
 * Layer 1, above net_link.h, net_ip.h and net_transport.h.
 *
 * All answers of all stages go into one batch: each stage on the way down changes what is its own and passes over
 * the rest, so nothing is copied and there is no queue.
 *
 * Protocol of use: make the three stages, fill in struct bx_stack, then
 *   when the device has frames      bx_stack_receive(frames, out); send out; clear both;
 *   after that, and after any call of the application
 *                                   do { more = bx_stack_output(out); send out; clear it } while (more);
 *   at bx_stack_next                bx_stack_poll(out); send out; then bx_stack_output as above.
 */
#ifndef BRAINIX_NET_STACK_H
#define BRAINIX_NET_STACK_H

#include <brainix/net_ip.h>
#include <brainix/net_link.h>
#include <brainix/net_transport.h>

/* Copy by assignment.  `whole` is room for datagrams that came in fragments; NULL: they are dropped. */
struct bx_stack {
	struct bx_link *link;
	struct bx_ip *ip;
	struct bx_transport *transport;
	struct bx_net_batch *whole;
};

/* Frames that the device received go up; what the stages answer at once goes into out, as frames.  Nothing but frames
 * may be in out before. */
void bx_stack_receive(const struct bx_stack *stack, uint64_t now_us, struct bx_net_batch *frames,
    struct bx_net_batch *out);

/* Frames that may be sent now go into out; returns whether there are more. */
bool bx_stack_output(const struct bx_stack *stack, uint64_t now_us, struct bx_net_batch *out);

/* Segments that the application has put into out (bx_udp_send) become frames. */
void bx_stack_down(const struct bx_stack *stack, uint64_t now_us, struct bx_net_batch *out);

/* Lets all timers expire that are due. */
void bx_stack_poll(const struct bx_stack *stack, uint64_t now_us, struct bx_net_batch *out);

/* When bx_stack_poll may have something to do next; UINT64_MAX if never. */
uint64_t bx_stack_next(const struct bx_stack *stack);

#endif
