/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * consoled.c -- the console server: one serial port, many writers, one reader at a time.
 *
 * Protocol: <brainix/console.h>.  Capabilities: console (endpoint, read), uart (ports), uart-irq,
 * irq (notification, read and write: the interrupt is signalled on it), ready (notification, write).
 *
 * Requests that cannot be answered at once are kept, with their reply, in a fixed table:
 *
 *	WRITE		until all its bytes are in the output queue
 *	READ		until there is input or Ctrl-C; its deadline
 *	INTERRUPT	until Ctrl-C; its deadline
 *
 * A client's second READ or INTERRUPT takes the place of its first: the first was asked by somebody
 * who has gone.
 */
#include <brainix/console.h>

#include "terminal.h"
#include "uart.h"

#define UART_BASE	0x3f8
#define REQUESTS_MAX	8u

enum request_kind { REQUEST_NONE, REQUEST_WRITE, REQUEST_READ, REQUEST_INTERRUPT };

struct request {
	enum request_kind kind;
	uint32_t reply;
	uint64_t label;
	uint64_t badge;
	uint64_t deadline;			/* READ, INTERRUPT */
	uint32_t length, done;			/* WRITE */
	uint8_t bytes[BX_CONSOLE_WRITE_MAX];
};

struct consoled {
	uint32_t endpoint, notification;
	struct uart uart;
	struct terminal terminal;
	struct bx_sys_service service;
	struct request requests[REQUESTS_MAX];
	uint8_t string[BX_CONSOLE_STRING_MAX];
	uint8_t answer_string[BX_CONSOLE_READ_MAX + 8];
};

static void
answer_error(struct consoled *console, struct request *request, enum bx_err err)
{
	request->kind = REQUEST_NONE;
	bx_sys_service_answer_error(&console->service, request->reply, request->label, err);
}

/* Answers a READ with what has been typed, or with Ctrl-C. */
static void
answer_read(struct consoled *console, struct request *request, bool interrupt)
{
	uint8_t bytes[BX_CONSOLE_READ_MAX];
	struct bx_ipc_message answer;
	struct bx_ipc_writer writer;
	uint32_t length = interrupt ? 0 : terminal_read(&console->terminal, bytes, sizeof bytes);
	enum bx_err err;

	/* The answer before this one has its string in answer_string as well: out with it. */
	bx_sys_service_answer(&console->service, BX_SLOT_NONE, NULL);
	bx_ipc_write_begin(&writer, &answer, bx_ipc_label_answer(request->label, BX_OK),
	    console->answer_string, sizeof console->answer_string);
	bx_ipc_write_bool(&writer, interrupt);
	bx_ipc_write_bytes(&writer, bytes, length);
	err = bx_ipc_write_end(&writer);
	BX_ASSERT(err == BX_OK);
	request->kind = REQUEST_NONE;
	bx_sys_service_answer(&console->service, request->reply, &answer);
}

/* Goes as far as it can with one request. */
static void
request_try(struct consoled *console, struct request *request, uint64_t now)
{
	struct terminal *terminal = &console->terminal;

	switch (request->kind) {
	case REQUEST_NONE:
		return;
	case REQUEST_WRITE:
		request->done += terminal_write(terminal, request->bytes + request->done,
		    request->length - request->done);
		if (request->done == request->length)
			answer_error(console, request, BX_OK);
		return;
	case REQUEST_READ:
		if (terminal->interrupt || !terminal_in_empty(terminal)) {
			bool interrupt = terminal->interrupt;

			terminal->interrupt = false;
			answer_read(console, request, interrupt);
			return;
		}
		break;
	case REQUEST_INTERRUPT:
		if (terminal->interrupt) {
			terminal->interrupt = false;
			answer_error(console, request, BX_OK);
			return;
		}
		break;
	}
	if (now >= request->deadline)
		answer_error(console, request, BX_ERR_TIMEOUT);
}

/* All requests, then the transmitter; returns when the next deadline is. */
static uint64_t
requests_try(struct consoled *console)
{
	uint64_t now = bx_sys_now(), next = now + BX_DEADLINE_FAR;

	for (unsigned i = 0; i < REQUESTS_MAX; i++) {
		struct request *request = &console->requests[i];

		request_try(console, request, now);
		if ((request->kind == REQUEST_READ || request->kind == REQUEST_INTERRUPT) &&
		    request->deadline < next)
			next = request->deadline;
	}
	uart_kick(&console->uart, &console->terminal);
	return next;
}

/* A place in the table for a request of `kind` from `badge`, or NULL.  A client waits once only. */
static struct request *
request_place(struct consoled *console, enum request_kind kind, uint64_t badge)
{
	struct request *place = NULL;

	for (unsigned i = 0; i < REQUESTS_MAX; i++) {
		struct request *request = &console->requests[i];

		if (kind != REQUEST_WRITE && request->kind == kind && request->badge == badge)
			answer_error(console, request, BX_ERR_CANCELLED);
		if (request->kind == REQUEST_NONE)
			place = request;
	}
	return place;
}

static enum bx_err
take_write(struct consoled *console, const struct bx_sys_event *event)
{
	struct bx_ipc_reader reader;
	const uint8_t *bytes = NULL;
	struct request *place;
	uint32_t length = 0, done;
	enum bx_err err;

	bx_ipc_read_request(&reader, &event->message, BX_CONSOLE_WRITE);
	bx_ipc_read_bytes(&reader, BX_CONSOLE_WRITE_MAX, &bytes, &length);
	err = bx_ipc_read_end(&reader);
	if (err != BX_OK)
		return err;
	/* Earlier writes that wait go first. */
	place = request_place(console, REQUEST_WRITE, event->badge);
	if (place == NULL)
		return BX_ERR_BUSY;
	(void)requests_try(console);
	done = terminal_write(&console->terminal, bytes, length);
	if (done == length || event->reply == BX_SLOT_NONE) {
		bx_sys_service_answer_error(&console->service, event->reply, event->message.label,
		    BX_OK);
		return BX_OK;
	}
	place->kind = REQUEST_WRITE;
	place->reply = event->reply;
	place->label = event->message.label;
	place->badge = event->badge;
	place->length = length - done;
	place->done = 0;
	__builtin_memcpy(place->bytes, bytes + done, length - done);
	return BX_OK;
}

static enum bx_err
take_wait(struct consoled *console, const struct bx_sys_event *event, enum request_kind kind,
    uint64_t label)
{
	struct bx_ipc_reader reader;
	struct request *place;
	uint64_t deadline = 0;
	enum bx_err err;

	bx_ipc_read_request(&reader, &event->message, label);
	bx_ipc_read_u64(&reader, &deadline);
	err = bx_ipc_read_end(&reader);
	if (err != BX_OK)
		return err;
	if ((event->badge & BX_CONSOLE_BADGE_INPUT) == 0)
		return BX_ERR_CAP_RIGHTS;
	if (event->reply == BX_SLOT_NONE)
		return BX_ERR_INVALID;
	place = request_place(console, kind, event->badge);
	if (place == NULL || !bx_sys_service_has_room(&console->service))
		return BX_ERR_BUSY;
	place->kind = kind;
	place->reply = event->reply;
	place->label = event->message.label;
	place->badge = event->badge;
	place->deadline = deadline;
	return BX_OK;
}

static void
take_message(struct consoled *console, const struct bx_sys_event *event)
{
	enum bx_err err;

	switch (event->message.label & BX_IPC_LABEL_HEAD) {
	case BX_CONSOLE_WRITE:
		err = take_write(console, event);
		break;
	case BX_CONSOLE_READ:
		err = take_wait(console, event, REQUEST_READ, BX_CONSOLE_READ);
		break;
	case BX_CONSOLE_INTERRUPT:
		err = take_wait(console, event, REQUEST_INTERRUPT, BX_CONSOLE_INTERRUPT);
		break;
	default:
		err = BX_ERR_NOT_FOUND;
		break;
	}
	if (err != BX_OK)
		bx_sys_service_answer_error(&console->service, event->reply, event->message.label, err);
}

/* Capabilities, device, interrupt.  Returns the name of what is missing, or NULL. */
static const char *
start(struct consoled *console, const struct bx_launch *launch)
{
	uint32_t ports, irq, ready;

	if (bx_sys_find(launch, "console", &console->endpoint) != BX_OK)
		return "console";
	if (bx_sys_find(launch, "uart", &ports) != BX_OK)
		return "uart";
	if (bx_sys_find(launch, "uart-irq", &irq) != BX_OK)
		return "uart-irq";
	if (bx_sys_find(launch, "irq", &console->notification) != BX_OK)
		return "irq";
	terminal_init(&console->terminal);
	for (unsigned i = 0; i < REQUESTS_MAX; i++)
		console->requests[i].kind = REQUEST_NONE;
	bx_sys_service_init(&console->service, launch, console->endpoint, console->string,
	    sizeof console->string);
	if (bx_sys_notification_bind(console->notification) != BX_OK ||
	    bx_sys_irq_bind(irq, console->notification) != BX_OK)
		return "uart-irq";
	uart_init(&console->uart, ports, irq, UART_BASE);
	(void)uart_service(&console->uart, &console->terminal);
	if (console->uart.broken)
		return "uart";
	if (bx_sys_find(launch, "ready", &ready) == BX_OK)
		bx_err_ignore(bx_sys_signal(ready));
	return NULL;
}

int
bx_main(const struct bx_sys *sys)
{
	struct consoled console;
	struct bx_sys_event event;
	uint64_t deadline;
	bool settled = true;

	if (start(&console, sys->launch) != NULL)
		return 1;
	while (!console.uart.broken) {
		enum bx_err err;

		deadline = requests_try(&console);
		err = bx_sys_service_next(&console.service, settled ? deadline : 0, &event);
		if (err == BX_OK && event.kind == BX_SYS_EVENT_MESSAGE)
			take_message(&console, &event);
		else if (err != BX_OK && err != BX_ERR_TIMEOUT && err != BX_ERR_AGAIN)
			return 2;
		if (!settled || (err == BX_OK && event.kind == BX_SYS_EVENT_SIGNAL))
			settled = uart_service(&console.uart, &console.terminal);
	}
	return 3;
}
