/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ipc_reply.c -- endpoints: the calls that answer, by a reply capability: REPLY and REPLY_RECEIVE.
 */
#include "ipc.h"

/* Whether the reply still has somebody to go to.  The program is compared too: a reply kept until
 * the generation came round could only reach a call to its own holder. */
static bool
reply_live(const struct bx_kcore *core, const struct bx_thread *thread, const struct bx_cap *reply)
{
	const struct bx_thread *client = bx_thread_at(core, reply->object.index);

	return client->call_generation == reply->object.generation && bx_thread_awaits(client) &&
	    core->threads[client->partner].program == thread->program;
}

static enum bx_err
reply_check(struct bx_kcore *core, struct bx_thread *thread, uint64_t index, uint32_t *slot)
{
	const struct bx_cap *reply;
	struct bx_thread *client;
	enum bx_err err = bx_ipc_offer_check(core, thread);

	if (err == BX_OK)
		err = bx_sys_cap(core, thread, index, BX_CAP_REPLY, BX_RIGHT_WRITE, slot);
	if (err != BX_OK)
		return err;
	reply = &core->forest.slots[*slot].cap;
	if (bx_ipc_sends(thread) != BX_CAP_SLOT_NONE && (reply->rights & BX_RIGHT_GRANT) == 0)
		return BX_ERR_CAP_RIGHTS;
	if (!reply_live(core, thread, reply))
		return BX_OK;
	client = bx_thread_at(core, reply->object.index);
	if (client->transfer != BX_NONE && client->transfer != thread->index)
		return BX_ERR_BUSY;		/* another thread is giving this answer */
	if (bx_thread_dying(core, client))
		bx_thread_stop(core, client);	/* the reply is stale from here on */
	return BX_OK;
}

/* The commit point of a reply: the call is over. */
static void
answer(struct bx_kcore *core, struct bx_thread *server, struct bx_thread *client, uint32_t slot)
{
	struct bx_thread *taker = bx_thread_at(core, client->partner);

	bx_ipc_disengage(core, server, client);
	(void)bx_cap_leaf_remove(&core->forest, slot);
	if (client->call_kind != BX_CALL_FAULT)
		bx_ipc_message_put(client, server, 0, 0);
	client->call_kind = BX_CALL_NONE;
	client->work = 0;
	client->phase = 0;
	client->has_buffers = 0;
	bx_ipc_client_unlink(core, client);
	bx_timer_cancel(core, client);
	bx_sched_unlend(core, taker);
	if (taker != server)
		bx_sched_unlend(core, server);
	bx_thread_ready_first(core, client);
}

/* OK: the reply is gone, to its caller or to nobody; AGAIN: a copy was interrupted. */
static enum bx_err
reply_send(struct bx_kcore *core, struct bx_thread *server, uint32_t slot)
{
	const struct bx_cap *reply = &core->forest.slots[slot].cap;
	struct bx_thread *client = bx_thread_at(core, reply->object.index);
	struct bx_outcome outcome = { BX_OK, 0 };

	if (client->call_kind != BX_CALL_FAULT)
		outcome = bx_ipc_exchange(core, server, server, client);
	if (outcome.err == BX_OK) {
		answer(core, server, client, slot);
		return BX_OK;
	}
	if (outcome.err == BX_ERR_AGAIN) {
		bx_ipc_engage(core, server, client);
		return BX_ERR_AGAIN;
	}
	bx_ipc_disengage(core, server, client);
	bx_sched_unlend(core, server);
	if ((outcome.tell & BX_TELL_RECEIVER) != 0) {
		(void)bx_cap_leaf_remove(&core->forest, slot);
		bx_ipc_wake_refused(core, client, outcome.err);
	}
	return (outcome.tell & BX_TELL_SENDER) != 0 ? outcome.err : BX_OK;
}

void
bx_sys_reply(struct bx_kcore *core, struct bx_thread *thread)
{
	uint32_t slot;
	enum bx_err err = reply_check(core, thread, thread->context.value[0], &slot);

	if (err == BX_OK) {
		if (reply_live(core, thread, &core->forest.slots[slot].cap)) {
			err = reply_send(core, thread, slot);
			if (err == BX_ERR_AGAIN)
				return;
		} else {
			(void)bx_cap_leaf_remove(&core->forest, slot);
			err = BX_ERR_CAP_STALE;
		}
	}
	bx_ipc_finish(core, thread, err);
}

void
bx_sys_reply_receive(struct bx_kcore *core, struct bx_thread *thread)
{
	struct bx_endpoint *endpoint;
	uint32_t reply, slot;
	enum bx_err err = reply_check(core, thread, thread->context.reply, &reply);

	if (err == BX_OK)
		err = bx_ipc_endpoint_check(core, thread, BX_RIGHT_READ, &slot, &endpoint);
	if (err != BX_OK) {
		bx_ipc_finish(core, thread, err);
		return;
	}
	/* A caller that has gone away is none of the server's business: it goes on to receive. */
	if (!reply_live(core, thread, &core->forest.slots[reply].cap)) {
		(void)bx_cap_leaf_remove(&core->forest, reply);
	} else {
		err = reply_send(core, thread, reply);
		if (err == BX_ERR_AGAIN)
			return;
		if (err != BX_OK) {
			bx_ipc_finish(core, thread, err);
			return;
		}
	}
	/* The reply is made.  What is left, and what begins again, is a receive. */
	thread->context.number = BX_SYS_RECEIVE | (thread->context.number & ~0xffull);
	bx_ipc_reply_offer(thread, reply);
	bx_ipc_receive(core, thread, endpoint, slot);
}
