/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * echod.c -- a small server: gives back what it is sent, and counts.
 */
#include <brainix/sys.h>

#include "echo.h"

struct echod {
	uint64_t count;
	struct bx_sys_service service;
	uint8_t string[ECHO_STRING_MAX];
	uint8_t answer_string[ECHO_STRING_MAX];
};

static void
take_message(struct echod *echod, const struct bx_sys_event *event)
{
	struct bx_ipc_message answer;
	struct bx_ipc_reader reader;
	struct bx_ipc_writer writer;
	const char *text = NULL;
	uint32_t length = 0;
	enum bx_err err;

	bx_ipc_read_request(&reader, &event->message, ECHO_ECHO);
	bx_ipc_read_text(&reader, ECHO_TEXT_MAX, &text, &length);
	err = bx_ipc_read_end(&reader);
	if (err == BX_OK) {
		bx_ipc_write_begin(&writer, &answer, bx_ipc_label_answer(ECHO_ECHO, BX_OK),
		    echod->answer_string, sizeof echod->answer_string);
		bx_ipc_write_text(&writer, text, length);
		bx_ipc_write_u64(&writer, ++echod->count);
		err = bx_ipc_write_end(&writer);
	}
	if (err == BX_OK)
		bx_sys_service_answer(&echod->service, event->reply, &answer);
	else
		bx_sys_service_answer_error(&echod->service, event->reply, event->message.label, err);
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
