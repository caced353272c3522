/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * echod.c -- a small server: gives back what it is sent, and counts.  Interface: interfaces/echo.ipc.
 */
#include <brainix/sys.h>

#include "echo-ipc.h"

struct echod {
	uint64_t count;
	struct bx_sys_service service;
	uint8_t string[BX_IF_ECHO_REQUEST_STRING_MAX];
	uint8_t answer_string[BX_IF_ECHO_ANSWER_STRING_MAX];
};

static enum bx_err
on_echo(void *context, const struct bx_ipc_call *call,
    const struct bx_if_echo_echo_request *request, struct bx_if_echo_echo_answer *answer)
{
	struct echod *echod = context;

	(void)call;
	answer->text = request->text;
	answer->text_length = request->text_length;
	answer->count = ++echod->count;
	return BX_OK;
}

static void
take_message(struct echod *echod, const struct bx_sys_event *event)
{
	const struct bx_if_echo_server server = { .echo = on_echo };
	struct bx_ipc_call call = bx_sys_event_call(event);
	struct bx_ipc_message answer;

	if (bx_if_echo_dispatch(&server, echod, &call, &event->message, &answer,
	    echod->answer_string, sizeof echod->answer_string))
		bx_sys_service_answer(&echod->service, event->reply, &answer);
}

int
bx_main(const struct bx_sys *sys)
{
	struct echod echod = { .count = 0 };
	struct bx_sys_event event;
	uint32_t endpoint;
	enum bx_err err;

	if (bx_sys_find(sys->launch, "echo", &endpoint) != BX_OK)
		return 1;
	bx_sys_service_init(&echod.service, sys->launch, endpoint, echod.string,
	    sizeof echod.string);
	for (;;) {
		err = bx_sys_service_next(&echod.service, bx_sys_deadline_far(), &event);
		if (err == BX_OK && event.kind == BX_SYS_EVENT_MESSAGE)
			take_message(&echod, &event);
		else if (err != BX_OK && err != BX_ERR_TIMEOUT && err != BX_ERR_AGAIN)
			return 2;
	}
}
