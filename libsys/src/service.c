/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * service.c -- receive, answer, receive; replies kept for later in slots of their own.
 */
#include <brainix/sys.h>

#include "message.h"

#define NO_MESSAGE	((struct bx_ipc_message){ .cap_slot = BX_SLOT_NONE })

void
bx_sys_service_init(struct bx_sys_service *service, const struct bx_launch *launch,
    uint32_t endpoint, uint8_t *string, uint32_t string_capacity)
{
	*service = (struct bx_sys_service){
		.endpoint = endpoint,
		.reply_first = launch->reply_first,
		.reply_count = launch->reply_count < BX_SYS_REPLIES_MAX ? launch->reply_count :
		    BX_SYS_REPLIES_MAX,
		.string = string,
		.string_capacity = string_capacity,
		.answer = NO_MESSAGE,
		.answer_reply = BX_SLOT_NONE,
	};
}

static uint64_t
reply_bit(const struct bx_sys_service *service, uint32_t reply)
{
	BX_ASSERT(reply - service->reply_first < service->reply_count);
	return 1ull << (reply - service->reply_first);
}

/* A reply slot that holds nothing, or BX_SLOT_NONE. */
static uint32_t
reply_free(const struct bx_sys_service *service)
{
	for (uint32_t i = 0; i < service->reply_count; i++)
		if ((service->taken >> i & 1) == 0)
			return service->reply_first + i;
	return BX_SLOT_NONE;
}

bool
bx_sys_service_has_room(const struct bx_sys_service *service)
{
	return service->answer_reply != BX_SLOT_NONE || reply_free(service) != BX_SLOT_NONE;
}

/* Sends the answer that waits, if one does. */
static void
flush(struct bx_sys_service *service)
{
	struct bx_ipc_buffers buffers = buffers_of(&service->answer, NULL, 0, BX_SLOT_NONE);
	struct bx_sys_words words = words_of(&service->answer);
	struct bx_sys_origin origin;
	uint32_t reply = service->answer_reply;
	enum bx_err err;

	if (reply == BX_SLOT_NONE)
		return;
	service->answer_reply = BX_SLOT_NONE;
	service->taken &= ~reply_bit(service, reply);
	err = bx_sys_trap_buffers(BX_SYS_REPLY, reply, 0, 0, &buffers, &words, &origin);
	/* An answer that cannot be given, the caller still there: let it have PEER_DIED. */
	if (err != BX_OK && err != BX_ERR_CAP_STALE)
		bx_err_ignore(bx_sys_cap_delete(reply));
}

void
bx_sys_service_answer(struct bx_sys_service *service, uint32_t reply,
    const struct bx_ipc_message *answer)
{
	flush(service);
	if (reply == BX_SLOT_NONE)
		return;
	BX_ASSERT((service->taken & reply_bit(service, reply)) != 0);
	service->answer = *answer;
	service->answer_reply = reply;
}

void
bx_sys_service_answer_error(struct bx_sys_service *service, uint32_t reply, uint64_t request_label,
    enum bx_err err)
{
	struct bx_ipc_message answer = NO_MESSAGE;

	answer.label = bx_ipc_label_answer(request_label, err);
	bx_sys_service_answer(service, reply, &answer);
}

static void
event_put(struct bx_sys_event *event, const struct bx_sys_words *words,
    const struct bx_sys_origin *origin, const struct bx_ipc_buffers *buffers, uint32_t reply)
{
	event->badge = origin->badge;
	event->reply = (origin->info & BX_IPC_INFO_REPLY) != 0 ? reply : BX_SLOT_NONE;
	event->kind = (origin->info & BX_IPC_INFO_SIGNAL) != 0 ? BX_SYS_EVENT_SIGNAL :
	    (origin->info & BX_IPC_INFO_FAULT) != 0 ? BX_SYS_EVENT_FAULT : BX_SYS_EVENT_MESSAGE;
	if (event->kind == BX_SYS_EVENT_SIGNAL)
		event->message = NO_MESSAGE;
	else
		message_put(&event->message, words, origin, buffers);
}

enum bx_err
bx_sys_service_next(struct bx_sys_service *service, uint64_t deadline, struct bx_sys_event *event)
{
	struct bx_ipc_buffers buffers = buffers_of(&service->answer, service->string,
	    service->string_capacity, BX_SLOT_NONE);
	struct bx_sys_words words = words_of(&service->answer);
	struct bx_sys_origin origin;
	uint32_t reply = service->answer_reply;
	bool answering = reply != BX_SLOT_NONE;
	enum bx_err err;

	if (!answering)
		reply = reply_free(service);
	err = bx_sys_trap_buffers(answering ? BX_SYS_REPLY_RECEIVE : BX_SYS_RECEIVE,
	    service->endpoint, reply, deadline, &buffers, &words, &origin);
	service->answer = NO_MESSAGE;
	service->answer_reply = BX_SLOT_NONE;
	if (answering)
		service->taken &= ~reply_bit(service, reply);
	if (err == BX_OK) {
		if ((origin.info & BX_IPC_INFO_REPLY) != 0)
			service->taken |= reply_bit(service, reply);
		event_put(event, &words, &origin, &buffers, reply);
		return BX_OK;
	}
	/* These two come from the receiving half: the answer, if there was one, is given. */
	if (err == BX_ERR_TIMEOUT || err == BX_ERR_WOULD_BLOCK)
		return BX_ERR_TIMEOUT;
	/* The answer may be what was refused; then its slot still holds the reply. */
	if (answering)
		bx_err_ignore(bx_sys_cap_delete(reply));
	switch (err) {
	case BX_ERR_MSG_TOO_LONG:		/* a client's, or our answer to one */
	case BX_ERR_PEER_DIED:
	case BX_ERR_CANCELLED:
	case BX_ERR_BUSY:
		return BX_ERR_AGAIN;
	default:
		return answering ? BX_ERR_AGAIN : err;
	}
}
