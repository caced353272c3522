/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * consoled.c -- the console server: one serial port, many writers, one reader at a time.
 *
 * Interface: interfaces/console.ipc.  Capabilities: console (endpoint, read), uart (ports), uart-irq,
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
#include <brainix/sys.h>

#include "console-ipc.h"
#include "terminal.h"
#include "uart.h"

#define UART_BASE	0x3f8
#define REQUESTS_MAX	8u
#define PAUSE_US	50000u		/* within a line that comes at once there is none */

enum request_kind { REQUEST_NONE, REQUEST_WRITE, REQUEST_READ, REQUEST_INTERRUPT };

struct request {
	enum request_kind kind;
	uint32_t reply;
	uint64_t label;
	uint64_t badge;
	uint64_t deadline;			/* READ, INTERRUPT */
	uint32_t length, done;			/* WRITE */
	uint8_t bytes[BX_IF_CONSOLE_WRITE_MAX];
};

struct consoled {
	const struct bx_sys *sys;
	uint64_t quiet_at;			/* a pause, if nothing comes until then */
	uint32_t endpoint, notification;
	struct uart uart;
	struct terminal terminal;
	struct bx_sys_service service;
	struct request requests[REQUESTS_MAX];
	uint8_t string[BX_IF_CONSOLE_REQUEST_STRING_MAX];
	uint8_t answer_string[BX_IF_CONSOLE_ANSWER_STRING_MAX];
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
	uint8_t bytes[BX_IF_CONSOLE_READ_MAX];
	struct bx_if_console_read_answer fields = { .interrupt = interrupt, .data = bytes };
	struct bx_ipc_message answer;
	enum bx_err err;

	if (!interrupt)
		fields.data_length = terminal_read(&console->terminal, bytes, sizeof bytes);
	/* The answer before this one has its string in answer_string as well: out with it. */
	bx_sys_service_answer(&console->service, BX_SLOT_NONE, NULL);
	err = bx_if_console_read_answer_write(&answer, console->answer_string,
	    sizeof console->answer_string, &fields);
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
on_write(void *context, struct bx_ipc_call *call, const struct bx_if_console_write_request *request)
{
	struct consoled *console = context;
	struct request *place;
	uint32_t done;

	/* Earlier writes that wait go first. */
	place = request_place(console, REQUEST_WRITE, call->badge);
	if (place == NULL)
		return BX_ERR_BUSY;
	(void)requests_try(console);
	done = terminal_write(&console->terminal, request->data, request->data_length);
	if (done == request->data_length || call->reply == BX_SLOT_NONE)
		return BX_OK;
	place->kind = REQUEST_WRITE;
	place->reply = call->reply;
	place->label = BX_IF_CONSOLE_WRITE;
	place->badge = call->badge;
	place->length = request->data_length - done;
	place->done = 0;
	__builtin_memcpy(place->bytes, request->data + done, place->length);
	call->kept = true;
	return BX_OK;
}

static enum bx_err
wait_keep(struct consoled *console, struct bx_ipc_call *call, enum request_kind kind,
    uint64_t label, uint64_t deadline)
{
	struct request *place = request_place(console, kind, call->badge);

	if (place == NULL || !bx_sys_service_has_room(&console->service))
		return BX_ERR_BUSY;
	place->kind = kind;
	place->reply = call->reply;
	place->label = label;
	place->badge = call->badge;
	place->deadline = deadline;
	call->kept = true;
	return BX_OK;
}

static enum bx_err
on_read(void *context, struct bx_ipc_call *call, const struct bx_if_console_read_request *request,
    struct bx_if_console_read_answer *answer)
{
	(void)answer;
	return wait_keep(context, call, REQUEST_READ, BX_IF_CONSOLE_READ, request->deadline);
}

static enum bx_err
on_interrupt(void *context, struct bx_ipc_call *call,
    const struct bx_if_console_interrupt_request *request)
{
	return wait_keep(context, call, REQUEST_INTERRUPT, BX_IF_CONSOLE_INTERRUPT, request->deadline);
}

static void
take_message(struct consoled *console, const struct bx_sys_event *event)
{
	const struct bx_if_console_server server = { .write = on_write, .read = on_read,
	    .interrupt = on_interrupt };
	struct bx_ipc_call call = bx_sys_event_call(event);
	struct bx_ipc_message answer;

	/* No answer that is given at once has a byte string. */
	if (bx_if_console_dispatch(&server, console, &call, &event->message, &answer, NULL, 0))
		bx_sys_service_answer(&console->service, event->reply, &answer);
}

/* Moves what the device has and wants.  Returns false: call again soon. */
static bool
device_serve(struct consoled *console)
{
	uint32_t lost = console->terminal.in_lost;
	bool settled = uart_service(&console->uart, &console->terminal);

	if (console->terminal.in_lost != lost)
		console->quiet_at = bx_sys_deadline_in_us(console->sys, PAUSE_US);
	else if (bx_sys_now() >= console->quiet_at)
		terminal_in_pause(&console->terminal);
	return settled;
}

/* Capabilities, device, interrupt.  Returns the name of what is missing, or NULL. */
static const char *
start(struct consoled *console, const struct bx_sys *sys)
{
	const struct bx_launch *launch = sys->launch;
	uint32_t ports, irq, ready;

	if (bx_sys_find(launch, "console", &console->endpoint) != BX_OK)
		return "console";
	if (bx_sys_find(launch, "uart", &ports) != BX_OK)
		return "uart";
	if (bx_sys_find(launch, "uart-irq", &irq) != BX_OK)
		return "uart-irq";
	if (bx_sys_find(launch, "irq", &console->notification) != BX_OK)
		return "irq";
	console->sys = sys;
	for (unsigned i = 0; i < REQUESTS_MAX; i++)
		console->requests[i].kind = REQUEST_NONE;
	bx_sys_service_init(&console->service, launch, console->endpoint, console->string,
	    sizeof console->string);
	if (bx_sys_notification_bind(console->notification) != BX_OK ||
	    bx_sys_irq_bind(irq, console->notification) != BX_OK)
		return "uart-irq";
	uart_init(&console->uart, ports, irq, UART_BASE);
	terminal_init(&console->terminal, console->uart.again);
	console->quiet_at = bx_sys_deadline_in_us(sys, PAUSE_US);
	(void)device_serve(console);
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

	if (start(&console, sys) != NULL)
		return 1;
	while (!console.uart.broken) {
		enum bx_err err;

		deadline = requests_try(&console);
		if (console.terminal.in_unbegun && console.quiet_at < deadline)
			deadline = console.quiet_at;
		err = bx_sys_service_next(&console.service, settled ? deadline : 0, &event);
		if (err == BX_OK && event.kind == BX_SYS_EVENT_MESSAGE)
			take_message(&console, &event);
		else if (err != BX_OK && err != BX_ERR_TIMEOUT && err != BX_ERR_AGAIN)
			return 2;
		if (!settled || (err == BX_OK && event.kind == BX_SYS_EVENT_SIGNAL) ||
		    (console.terminal.in_unbegun && bx_sys_now() >= console.quiet_at))
			settled = device_serve(&console);
	}
	return 3;
}
