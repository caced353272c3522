/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipc_wait.c -- endpoints: how a wait ends: the way out of queues, copies and calls, and what the
 * partners of a thread or program that ends are told.
 *
 * A reply is named by (thread, call_generation); every way out of a call bumps the generation, so
 * that a kept reply is stale from then on.
 */
#include "ipc.h"

#define WAKE_STEP	8u		/* threads woken at once */

/* All clients but the first count in the server's levels. */
void
bx_ipc_client_unlink(struct bx_kcore *core, struct bx_thread *client)
{
	struct bx_levels *levels = &core->client_levels[client->partner];

	if (client->next != BX_NONE)
		core->threads[client->next].previous = client->previous;
	if (client->previous != BX_NONE) {
		core->threads[client->previous].next = client->next;
		bx_levels_remove(levels, client->priority);
	} else {
		core->threads[client->partner].clients = client->next;
		if (client->next != BX_NONE)
			bx_levels_remove(levels, core->threads[client->next].priority);
	}
	client->next = BX_NONE;
	client->previous = BX_NONE;
	client->partner = BX_NONE;
	client->call_generation++;
}

/* A sender has left the queue: those that are left lend what they have.  Without this a server would
 * keep the priority of one that has gone for as long as anybody else waits. */
static void
sender_unqueue(struct bx_kcore *core, struct bx_thread *sender, struct bx_endpoint *endpoint)
{
	struct bx_levels *levels = &core->sender_levels[sender->object];

	bx_queue_remove(core, &endpoint->senders, sender);
	bx_levels_remove(levels, sender->priority);
	sender->object = BX_NONE;
	if (endpoint->server_thread != BX_NONE && sender->priority > bx_levels_top(levels))
		bx_sched_unlend(core, bx_thread_at(core, endpoint->server_thread));
}

/* Out of the queue of an endpoint or notification, if it is in one. */
void
bx_ipc_unqueue(struct bx_kcore *core, struct bx_thread *thread)
{
	uint32_t object = thread->object;

	if (!bx_thread_queued(thread) || object == BX_NONE)
		return;
	if (thread->state == BX_THREAD_WAITING)
		bx_queue_remove(core, &core->notifications[object].waiters, thread);
	else if (thread->state == BX_THREAD_RECEIVING)
		bx_queue_remove(core, &core->endpoints[object].receivers, thread);
	else
		sender_unqueue(core, thread, &core->endpoints[object]);
	thread->object = BX_NONE;
	/* What came while it was the first, and dying, is for the next. */
	if (thread->state == BX_THREAD_WAITING)
		bx_notification_deliver(core, object);
}

/* Somebody leaves a copy: the other side begins its system call again. */
static void
copy_leave(struct bx_kcore *core, struct bx_thread *thread)
{
	struct bx_thread *other = bx_thread_at(core, thread->transfer);
	struct bx_thread *active = thread->state == BX_THREAD_READY ? thread : other;

	bx_ipc_disengage(core, thread, other);
	other->copied = 0;
	if (other->state == BX_THREAD_READY)
		other->phase |= BX_PHASE_AGAIN;
	else if (!bx_thread_awaits(other))
		bx_thread_again(core, other);
	bx_sched_unlend(core, active);
}

void
bx_ipc_detach(struct bx_kcore *core, struct bx_thread *thread)
{
	if (thread->transfer != BX_NONE)
		copy_leave(core, thread);
	if (bx_thread_awaits(thread)) {
		if (thread->partner != BX_NONE) {
			struct bx_thread *server = bx_thread_at(core, thread->partner);

			bx_ipc_client_unlink(core, thread);
			bx_sched_unlend(core, server);
		}
	} else {
		bx_ipc_unqueue(core, thread);
	}
	if (thread->helps != BX_NONE)
		bx_sched_help_end(core, thread);
	bx_timer_cancel(core, thread);
}

void
bx_ipc_timeout(struct bx_kcore *core, struct bx_thread *thread)
{
	bx_thread_wake(core, thread,
	    thread->state == BX_THREAD_SLEEPING ? BX_OK : BX_ERR_TIMEOUT);
}

bool
bx_ipc_clients_release(struct bx_kcore *core, struct bx_thread *thread)
{
	for (unsigned n = 0; n < WAKE_STEP && thread->clients != BX_NONE; n++) {
		struct bx_thread *client = bx_thread_at(core, thread->clients);

		bx_ipc_client_unlink(core, client);
		bx_thread_wake(core, client, BX_ERR_PEER_DIED);
	}
	bx_sched_unlend(core, thread);
	return thread->clients == BX_NONE;
}

bool
bx_ipc_senders_release(struct bx_kcore *core, struct bx_endpoint *endpoint)
{
	for (unsigned n = 0; n < WAKE_STEP && endpoint->senders.head != BX_NONE; n++)
		bx_thread_wake(core, bx_thread_at(core, endpoint->senders.head), BX_ERR_PEER_DIED);
	return endpoint->senders.head == BX_NONE;
}

/* The running system call of the current thread is over, without a message. */
void
bx_ipc_finish(struct bx_kcore *core, struct bx_thread *thread, enum bx_err err)
{
	bx_ipc_detach(core, thread);
	if (thread->call_kind == BX_CALL_FAULT) {
		thread->restart = 1;
		thread->work = 1;		/* nobody takes it: fault.c ends the program */
		return;
	}
	thread->call_kind = BX_CALL_NONE;
	thread->phase = 0;
	if (thread->astray != 0)
		bx_thread_astray_set(core, thread);
	bx_thread_result(thread, err);
}
