/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * init.c -- the first program: starts the others in the manifest's order, tells when boot is
 * complete, starts again what ends unasked, and takes requests to reboot and shut down.
 *
 * Capabilities: spawn (read, write), ready (notification, read), exits (notification, read), console
 * (write, grant-reply), power (device, write), init (endpoint, read).  A program's bit in ready and
 * exits is 1 << its number.
 */
#include <brainix/sys.h>

#include "init.h"

#define PROGRAMS_MAX	64u		/* bits of a notification */
#define READY_US	5000000u	/* a program that signals it must do so within */
#define RESTARTS_MAX	5u
#define POWER_US	200000u		/* for the last words to leave the serial line */

struct managed {
	uint32_t number;
	uint32_t flags;
	uint32_t restarts;
	char name[BX_NAME_MAX];
};

struct init {
	const struct bx_sys *sys;
	uint32_t spawn, ready, exits, power, endpoint;
	uint32_t count;
	uint64_t ready_bits;		/* seen since the program was started */
	struct managed programs[PROGRAMS_MAX];
	struct bx_sys_service service;
};

/* What this spawn capability may start, in order; the range is contiguous. */
static void
programs_find(struct init *init)
{
	struct bx_info_program info;

	for (uint32_t number = 0; number < PROGRAMS_MAX; number++) {
		struct managed *program = &init->programs[init->count];

		if (bx_sys_program_info(init->spawn, number, &info) != BX_OK)
			continue;
		program->number = number;
		program->flags = info.flags;
		program->restarts = 0;
		__builtin_memcpy(program->name, info.name, BX_NAME_MAX);
		init->count++;
	}
}

/* Waits for a program's bit in `ready`. */
static enum bx_err
ready_wait(struct init *init, const struct managed *program)
{
	uint64_t deadline = bx_sys_deadline_in_us(init->sys, READY_US);
	uint64_t wanted = 1ull << program->number;
	enum bx_err err = BX_OK;

	while (err == BX_OK && (init->ready_bits & wanted) == 0) {
		uint64_t bits = 0;

		err = bx_sys_wait(init->ready, deadline, &bits);
		init->ready_bits |= bits;
	}
	return err;
}

static enum bx_err
program_start(struct init *init, struct managed *program)
{
	enum bx_err err;

	init->ready_bits &= ~(1ull << program->number);
	err = bx_sys_spawn(init->spawn, program->number, NULL, 0);
	if (err == BX_OK && (program->flags & BX_PROGRAM_SIGNALS_READY) != 0)
		err = ready_wait(init, program);
	return err;
}

/* One line for a program that has been started, or not. */
static void
program_tell(struct init *init, const struct managed *program, enum bx_err err, uint64_t ticks)
{
	uint64_t us = bx_sys_us_of_ticks(init->sys->ticks_per_second, ticks);
	struct bx_info_program info;

	if (err != BX_OK) {
		bx_sys_print(init->sys, "[!!] %-12s %s\n", program->name, bx_err_text(err));
		return;
	}
	if (bx_sys_program_info(init->spawn, program->number, &info) != BX_OK)
		return;
	bx_sys_print(init->sys, "[ok] %-12s priority %2u  %3u frames  %s after %lu.%03lu ms\n",
	    program->name, info.priority, info.frames_used,
	    (program->flags & BX_PROGRAM_SIGNALS_READY) != 0 ? "ready  " : "started",
	    us / 1000, us % 1000);
}

/* Returns how many of those that boot waits for have not come up. */
static uint32_t
programs_start(struct init *init)
{
	uint32_t failed = 0;

	for (uint32_t i = 0; i < init->count; i++) {
		struct managed *program = &init->programs[i];
		uint64_t began = bx_sys_now();
		enum bx_err err;

		if ((program->flags & BX_PROGRAM_AUTOSTART) == 0)
			continue;
		err = program_start(init, program);
		program_tell(init, program, err, bx_sys_now() - began);
		failed += err != BX_OK;
	}
	return failed;
}

/* How a program ended, for people. */
static const char *
end_text(const struct bx_info_program *info)
{
	switch (info->state) {
	case BX_PROGRAM_EXITED:
		return "ended";
	case BX_PROGRAM_KILLED:
		return "was killed";
	case BX_PROGRAM_FAULTED:
		return "faulted";
	default:
		return NULL;
	}
}

/* A program's exit bit has come: start it again, a bounded number of times. */
static void
program_ended(struct init *init, struct managed *program)
{
	struct bx_info_program info;
	const char *how;
	enum bx_err err;

	if (bx_sys_program_info(init->spawn, program->number, &info) != BX_OK)
		return;
	how = end_text(&info);
	if (how == NULL || (program->flags & BX_PROGRAM_RESTART) == 0)
		return;
	if (program->restarts == RESTARTS_MAX) {
		bx_sys_print(init->sys, "init: %s %s again and stays down\n", program->name, how);
		return;
	}
	program->restarts++;
	err = program_start(init, program);
	if (err == BX_OK)
		bx_sys_print(init->sys, "init: %s %s; started again (%u of %u)\n", program->name, how,
		    program->restarts, RESTARTS_MAX);
	else
		bx_sys_print(init->sys, "init: %s %s; starting it again failed: %s\n", program->name,
		    how, bx_err_text(err));
}

static void
programs_ended(struct init *init, uint64_t bits)
{
	for (uint32_t i = 0; i < init->count; i++)
		if ((bits >> init->programs[i].number & 1) != 0)
			program_ended(init, &init->programs[i]);
}

/* Answers, lets the last words out, and does not come back if the machine obeys. */
static enum bx_err
power(struct init *init, const struct bx_sys_event *event, unsigned how, const char *words)
{
	bx_sys_service_answer_error(&init->service, event->reply, event->message.label, BX_OK);
	bx_sys_service_answer(&init->service, BX_SLOT_NONE, NULL);
	bx_sys_print(init->sys, "%s\n", words);
	bx_sys_sleep(bx_sys_deadline_in_us(init->sys, POWER_US));
	return bx_sys_power(init->power, how);
}

static void
take_message(struct init *init, const struct bx_sys_event *event)
{
	uint64_t head = event->message.label & BX_IPC_LABEL_HEAD;
	struct bx_ipc_reader reader;
	enum bx_err err;

	bx_ipc_read_request(&reader, &event->message, head);
	err = bx_ipc_read_end(&reader);
	if (err == BX_OK) {
		switch (head) {
		case INIT_BOOTED:
			break;
		case INIT_REBOOT:
			err = power(init, event, BX_POWER_RESET, "Rebooting.");
			break;
		case INIT_SHUTDOWN:
			err = power(init, event, BX_POWER_OFF, "Shutting down.");
			break;
		default:
			err = BX_ERR_NOT_FOUND;
			break;
		}
		if (err != BX_OK && head != INIT_BOOTED)
			bx_sys_print(init->sys, "init: %s\n", bx_err_text(err));
		if (head == INIT_REBOOT || head == INIT_SHUTDOWN)
			return;			/* has been answered */
	}
	bx_sys_service_answer_error(&init->service, event->reply, event->message.label, err);
}

int
bx_main(const struct bx_sys *sys)
{
	struct init init = { .sys = sys };
	struct bx_sys_event event;
	uint32_t failed;
	uint64_t us;
	enum bx_err err;

	if (bx_sys_find(sys->launch, "spawn", &init.spawn) != BX_OK ||
	    bx_sys_find(sys->launch, "ready", &init.ready) != BX_OK ||
	    bx_sys_find(sys->launch, "exits", &init.exits) != BX_OK ||
	    bx_sys_find(sys->launch, "power", &init.power) != BX_OK ||
	    bx_sys_find(sys->launch, "init", &init.endpoint) != BX_OK)
		return 1;
	programs_find(&init);
	failed = programs_start(&init);
	us = bx_sys_us_of_ticks(sys->ticks_per_second, bx_sys_now() - sys->boot_ticks);
	bx_sys_print(sys, "     boot took %lu.%03lu ms since the bootloader's first instruction\n", us / 1000,
	    us % 1000);
	if (failed == 0)
		bx_sys_print(sys, "[OK] BraiNIX: boot complete.\n");
	else
		bx_sys_print(sys, "[!!] BraiNIX: boot incomplete: %u not started.\n", failed);

	bx_sys_service_init(&init.service, sys->launch, init.endpoint, NULL, 0);
	if (bx_sys_notification_bind(init.exits) != BX_OK)
		return 2;
	for (;;) {
		err = bx_sys_service_next(&init.service, bx_sys_deadline_far(), &event);
		if (err == BX_OK && event.kind == BX_SYS_EVENT_SIGNAL)
			programs_ended(&init, event.badge);
		else if (err == BX_OK)
			take_message(&init, &event);
		else if (err != BX_ERR_TIMEOUT && err != BX_ERR_AGAIN)
			return 3;
	}
}
