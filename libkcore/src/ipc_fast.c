/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipc_fast.c -- the short way of a call and of a reply_receive that carry registers only, when the
 * partner waits, nothing stands in between, and the processor goes from one to the other.  Each
 * either does the whole exchange but for the words, which the machine moves, and returns who runs next,
 * or declines and has changed nothing; then the general way is taken.
 */
#include "ipc_fast.h"

const struct bx_context bx_kcore_declined = { .resume = BX_RESUME_NOT };

static __attribute__((noinline)) const struct bx_context *
declined(void)
{
	return &bx_kcore_declined;
}

/* The processor goes to the thread number `next`, on the same account. */
static inline const struct bx_context *
go_to(struct bx_kcore *core, const struct bx_thread *thread, uint32_t next)
{
	core->cpu.current = next;
	core->cpu.exchanges++;
	BX_INVARIANT(core->cpu.account == thread->account);
	BX_INVARIANT(bx_sched_sound(core, &(const char *){ NULL }));
	return &thread->context;
}

void
bx_ipc_call_among_others(struct bx_kcore *core, struct bx_thread *thread,
    struct bx_endpoint *endpoint, struct bx_thread *server)
{
	bx_queue_remove(core, &endpoint->receivers, server);
	if (server->clients != BX_NONE) {
		struct bx_thread *first = bx_thread_at(core, server->clients);

		bx_levels_add(&core->client_levels[server->index], first->priority);
		thread->next = server->clients;
		first->previous = thread->index;
	}
}

/* Apart, so that the other case needs no more registers than a function may spoil. */
static __attribute__((noinline)) struct bx_exchange
call_among_others(struct bx_kcore *core, struct bx_thread *thread, uint64_t deadline,
    const struct bx_cap *cap, struct bx_thread *server)
{
	call_taken(core, thread, &(struct bx_taking){ cap, &core->endpoints[cap->object.index],
	    server, server->index, &core->forest.slots[server->reply_place] });
	call_awaits(thread, deadline, 0);
	return (struct bx_exchange){ go_to(core, server, server->index), cap->badge };
}

BX_DIRECT struct bx_exchange
bx_kcore_call_fast(uint64_t index, struct bx_context *current, uint64_t deadline,
    struct bx_kcore *core)
{
	struct bx_thread *thread = (struct bx_thread *)(void *)current;
	struct bx_taking taking;

	if (BX_UNLIKELY(!call_check(core, thread, index, deadline, &taking)))
		return (struct bx_exchange){ &bx_kcore_declined, 0 };

	/* Nothing below can fail. */
	if (!call_is_alone(taking.server))
		return call_among_others(core, thread, deadline, taking.cap, taking.server);
	call_taken(core, thread, &taking);
	call_awaits(thread, deadline, 0);
	return (struct bx_exchange){ go_to(core, taking.server, taking.first), taking.cap->badge };
}

BX_DIRECT const struct bx_context *
bx_kcore_reply_receive_fast(uint64_t index, struct bx_context *current, uint64_t deadline,
    struct bx_kcore *core)
{
	struct bx_thread *thread = (struct bx_thread *)(void *)current;
	struct bx_answering answering;

	if (BX_UNLIKELY(!answer_check(core, thread, index, deadline, BX_THREAD_AWAITING_REPLY,
	    &answering)))
		return declined();

	/* Nothing below can fail. */
	answer_given(thread, deadline, 0, &answering);
	return go_to(core, answering.caller, answering.caller->index);
}
