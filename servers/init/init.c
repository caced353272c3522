/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * init.c -- the first program: starts the others in the manifest's order, tells when boot is
 * complete, starts again what ends unasked, and takes requests to reboot and shut down.
 *
 * It waits in one place, for whatever comes: a message, the end of a program, a program that is ready,
 * a time.  So no program that hangs or ends before it is ready keeps anybody waiting but, at boot, the
 * programs after it.
 *
 *	a program is	started, waits for its bit in ready	`pending`, until its deadline
 *			ready, or does not signal it		told; at boot the next one is started
 *			ended					started again, if restart says so
 *
 * Capabilities: spawn (read, write), ready (notification, read), exits (notification, read), console
 * (write, grant-reply), power (device, write), init (endpoint, read).  A program's bit in ready and
 * exits is 1 << its number.
 */
#include <brainix/sys.h>

#include "init-ipc.h"

#define PROGRAMS_MAX	64u		/* bits of a notification */
#define READY_US	5000000u	/* a program that signals it must do so within */
#define RESTARTS_MAX	5u
#define FORGIVEN_US	60000000u	/* one that ran so long has its restarts back */
#define LOOK_US		20000u		/* how late the end of a program may be seen while another is pending */
#define POWER_US	200000u		/* for the last words to leave the serial line */

struct managed {
	uint32_t number;
	uint32_t flags;
	uint32_t restarts;
	bool pending;			/* started, not ready yet */
	uint64_t began, deadline;	/* of its last start; when it must be ready */
	const char *how;		/* it ended before that start, or NULL: boot's */
	char name[BX_NAME_MAX];
};

struct init {
	const struct bx_sys *sys;
	uint32_t spawn, ready, exits, power, endpoint;
	uint32_t bound;			/* notification whose signals end the wait for a message */
	uint32_t count, pending_count;
	uint32_t boot_next;		/* place of the one that boot starts next */
	uint32_t boot_failed;
	bool booted;
	uint32_t held_count;		/* replies of those that wait for the end of boot */
	uint32_t held[BX_SYS_REPLIES_MAX];
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
		__builtin_memcpy(program->name, info.name, BX_NAME_MAX);
		init->count++;
	}
}

/* One line for a program that boot has started, or not: `why`. */
static void
program_tell(struct init *init, const struct managed *program, const char *why)
{
	uint64_t us = bx_sys_us_of_ticks(init->sys->ticks_per_second, bx_sys_now() - program->began);
	struct bx_info_program info;

	if (why != NULL) {
		bx_sys_print(init->sys, "[!!] %-12s %s\n", program->name, why);
		return;
	}
	if (bx_sys_program_info(init->spawn, program->number, &info) != BX_OK)
		return;
	bx_sys_print(init->sys, "[ok] %-12s priority %2u  %3u frames  %s after %lu.%03lu ms\n",
	    program->name, info.priority, info.frames_used,
	    (program->flags & BX_PROGRAM_SIGNALS_READY) != 0 ? "ready  " : "started",
	    us / 1000, us % 1000);
}

/* The start of a program has come to its end: well, or not, and `why`. */
static void
program_started(struct init *init, struct managed *program, const char *why)
{
	init->pending_count -= program->pending;
	program->pending = false;
	if (program->how == NULL) {
		program_tell(init, program, why);
		init->boot_failed += why != NULL;
	} else if (why == NULL) {
		bx_sys_print(init->sys, "init: %s %s; started again (%u of %u)\n", program->name,
		    program->how, program->restarts, RESTARTS_MAX);
	} else {
		bx_sys_print(init->sys, "init: %s %s; starting it again failed: %s\n", program->name,
		    program->how, why);
	}
}

static void
programs_ready(struct init *init, uint64_t bits)
{
	for (uint32_t i = 0; i < init->count; i++) {
		struct managed *program = &init->programs[i];

		if (program->pending && (bits >> program->number & 1) != 0)
			program_started(init, program, NULL);
	}
}

/* What is set in a notification now; does not wait. */
static uint64_t
bits_now(uint32_t notification)
{
	uint64_t bits = 0;

	return bx_sys_wait(notification, 0, &bits) == BX_OK ? bits : 0;
}

/* `how`: what the program did before, or NULL.  Without waiting for it to be ready. */
static void
program_start(struct init *init, struct managed *program, const char *how)
{
	enum bx_err err;

	programs_ready(init, bits_now(init->ready));	/* an earlier process may have left its bit */
	program->how = how;
	program->began = bx_sys_now();
	program->deadline = bx_sys_deadline_in_us(init->sys, READY_US);
	err = bx_sys_spawn(init->spawn, program->number, NULL, 0);
	if (err != BX_OK) {
		program_started(init, program, bx_err_text(err));
	} else if ((program->flags & BX_PROGRAM_SIGNALS_READY) != 0) {
		program->pending = true;
		init->pending_count++;
	} else {
		program_started(init, program, NULL);
	}
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
	uint64_t up = bx_sys_now() - program->began;
	struct bx_info_program info;
	const char *how;

	if (bx_sys_program_info(init->spawn, program->number, &info) != BX_OK)
		return;
	how = end_text(&info);
	if (how == NULL)
		return;
	if (program->pending)
		program_started(init, program, "it ended before it was ready");
	if ((program->flags & BX_PROGRAM_RESTART) == 0)
		return;
	if (bx_sys_us_of_ticks(init->sys->ticks_per_second, up) >= FORGIVEN_US)
		program->restarts = 0;
	if (program->restarts == RESTARTS_MAX) {
		bx_sys_print(init->sys, "init: %s %s again and stays down\n", program->name, how);
		return;
	}
	program->restarts++;
	program_start(init, program, how);
}

static void
programs_ended(struct init *init, uint64_t bits)
{
	for (uint32_t i = 0; i < init->count; i++)
		if ((bits >> init->programs[i].number & 1) != 0)
			program_ended(init, &init->programs[i]);
}

/* Those whose time is over are told so; they go on running. */
static void
programs_late(struct init *init)
{
	uint64_t now = bx_sys_now();

	for (uint32_t i = 0; i < init->count; i++)
		if (init->programs[i].pending && now >= init->programs[i].deadline)
			program_started(init, &init->programs[i], bx_err_text(BX_ERR_TIMEOUT));
}

/* Starts what boot has still to start, up to the first that is not ready at once. */
static void
boot_go_on(struct init *init)
{
	const struct bx_sys *sys = init->sys;
	uint64_t us;

	while (!init->booted) {
		struct managed *program = &init->programs[init->boot_next];

		/* Whom boot started last. */
		if (init->boot_next > 0 && program[-1].pending && program[-1].how == NULL)
			return;
		if (init->boot_next == init->count)
			break;
		init->boot_next++;
		if ((program->flags & BX_PROGRAM_AUTOSTART) != 0)
			program_start(init, program, NULL);
	}
	if (init->booted)
		return;
	init->booted = true;
	us = bx_sys_us_of_ticks(sys->ticks_per_second, bx_sys_now() - sys->boot_ticks);
	bx_sys_print(sys, "     boot took %lu.%03lu ms since the bootloader's first instruction\n", us / 1000,
	    us % 1000);
	if (init->boot_failed == 0)
		bx_sys_print(sys, "[OK] BraiNIX: boot complete.\n");
	else
		bx_sys_print(sys, "[!!] BraiNIX: boot incomplete: %u not started.\n",
		    init->boot_failed);
	while (init->held_count > 0)
		bx_sys_service_answer_error(&init->service, init->held[--init->held_count],
		    BX_IF_INIT_BOOTED, BX_OK);
}

/* Answers, lets the last words out, and does not come back if the machine obeys. */
static enum bx_err
power(struct init *init, struct bx_ipc_call *call, uint64_t label, unsigned how, const char *words)
{
	enum bx_err err;

	bx_sys_service_answer_error(&init->service, call->reply, label, BX_OK);
	bx_sys_service_answer(&init->service, BX_SLOT_NONE, NULL);
	call->kept = true;				/* and answered */
	bx_sys_print(init->sys, "%s\n", words);
	bx_sys_sleep(bx_sys_deadline_in_us(init->sys, POWER_US));
	err = bx_sys_power(init->power, how);
	if (err != BX_OK)
		bx_sys_print(init->sys, "init: %s\n", bx_err_text(err));
	return BX_OK;
}

static enum bx_err
on_booted(void *context, struct bx_ipc_call *call)
{
	struct init *init = context;

	if (init->booted)
		return BX_OK;
	if (!bx_sys_service_has_room(&init->service))
		return BX_ERR_BUSY;			/* one place is kept for the others */
	init->held[init->held_count++] = call->reply;
	call->kept = true;
	return BX_OK;
}

static enum bx_err
on_reboot(void *context, struct bx_ipc_call *call)
{
	return power(context, call, BX_IF_INIT_REBOOT, BX_POWER_RESET, "Rebooting.");
}

static enum bx_err
on_shutdown(void *context, struct bx_ipc_call *call)
{
	return power(context, call, BX_IF_INIT_SHUTDOWN, BX_POWER_OFF, "Shutting down.");
}

static void
take_message(struct init *init, const struct bx_sys_event *event)
{
	const struct bx_if_init_server server = { .booted = on_booted, .reboot = on_reboot,
	    .shutdown = on_shutdown };
	struct bx_ipc_call call = bx_sys_event_call(event);
	struct bx_ipc_message answer;

	if (bx_if_init_dispatch(&server, init, &call, &event->message, &answer, NULL, 0))
		bx_sys_service_answer(&init->service, event->reply, &answer);
}

/* The next message, signal or time, and what it brings. */
static enum bx_err
take_next(struct init *init)
{
	uint32_t wanted = init->pending_count > 0 ? init->ready : init->exits;
	uint64_t deadline = init->pending_count > 0 ?
	    bx_sys_deadline_in_us(init->sys, LOOK_US) : bx_sys_deadline_far();
	struct bx_sys_event event;
	enum bx_err err = BX_OK;

	if (init->bound != wanted)
		err = bx_sys_notification_bind(wanted);
	if (err != BX_OK)
		return err;
	init->bound = wanted;
	err = bx_sys_service_next(&init->service, deadline, &event);
	if (err == BX_OK && event.kind == BX_SYS_EVENT_MESSAGE)
		take_message(init, &event);
	else if (err == BX_OK && init->bound == init->ready)
		programs_ready(init, event.badge);
	else if (err == BX_OK)
		programs_ended(init, event.badge);
	if (init->bound == init->ready)
		programs_ended(init, bits_now(init->exits));
	programs_late(init);
	return err == BX_ERR_TIMEOUT || err == BX_ERR_AGAIN ? BX_OK : err;
}

int
bx_main(const struct bx_sys *sys)
{
	struct init init = { .sys = sys, .bound = BX_SLOT_NONE };

	if (bx_sys_find(sys->launch, "spawn", &init.spawn) != BX_OK ||
	    bx_sys_find(sys->launch, "ready", &init.ready) != BX_OK ||
	    bx_sys_find(sys->launch, "exits", &init.exits) != BX_OK ||
	    bx_sys_find(sys->launch, "power", &init.power) != BX_OK ||
	    bx_sys_find(sys->launch, "init", &init.endpoint) != BX_OK)
		return 1;
	bx_sys_service_init(&init.service, sys->launch, init.endpoint, NULL, 0);
	programs_find(&init);
	do
		boot_go_on(&init);
	while (take_next(&init) == BX_OK);
	return 2;
}
