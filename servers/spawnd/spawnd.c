/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * spawnd.c -- the first program, and the only one that may start others: in the manifest's order at boot, again
 * by each one's restart policy when it ends unasked, and what its clients ask for, as far as the manifest lets
 * it offer that.  It tells when boot is complete, and reboots or shuts down the machine.
 *
 * Interface: interfaces/spawn.ipc.  It waits in one place, for whatever comes: a message, the end of a program, a
 * program that is ready, a time.  So no program that hangs or ends before it is ready keeps anybody waiting but,
 * at boot, the programs after it.
 *
 * Capabilities: spawn (read, write): what it starts; offer (spawn; read, write): what clients may have
 * started, stopped and killed, by which the kernel holds their requests to that; life (notification, read):
 * a program's bit, 1 << its number, when it is ready or has ended; console (write, grant-reply); power
 * (device, write); clients (endpoint, read).
 */
#include "spawnd.h"

#define POWER_US	200000u		/* for the last words to leave the serial line */

/* ---- boot ----------------------------------------------------------------------------------------- */

static void
boot_complete(struct spawnd *spawnd)
{
	const struct bx_sys *sys = spawnd->sys;
	uint64_t us = bx_sys_us_of_ticks(sys->ticks_per_second, bx_sys_now() - sys->boot_ticks);

	spawnd->booted = true;
	bx_sys_print(sys, "     boot took %lu.%03lu ms since the bootloader's first instruction\n", us / 1000,
	    us % 1000);
	if (spawnd->boot_failed == 0)
		bx_sys_print(sys, "[OK] BraiNIX: boot complete.\n");
	else
		bx_sys_print(sys, "[!!] BraiNIX: boot incomplete: %u not started.\n",
		    spawnd->boot_failed);
	while (spawnd->held_count > 0)
		bx_sys_service_answer_error(&spawnd->service, spawnd->held[--spawnd->held_count],
		    BX_IF_SPAWN_BOOTED, BX_OK);
}

/* Starts what boot has still to start, up to the first that is not ready at once. */
static void
boot_go_on(struct spawnd *spawnd)
{
	while (!spawnd->booted) {
		struct program *program = &spawnd->programs[spawnd->boot_next];

		/* Whom boot started last. */
		if (spawnd->boot_next > 0 && program[-1].phase == PHASE_STARTING &&
		    program[-1].by == BY_BOOT)
			return;
		programs_tell(spawnd);
		if (spawnd->boot_next == spawnd->count) {
			boot_complete(spawnd);
			return;
		}
		spawnd->boot_next++;
		/* A client may have been quicker. */
		if ((program->flags & BX_PROGRAM_AUTOSTART) != 0 && program->phase == PHASE_DOWN)
			(void)program_start(spawnd, program, BY_BOOT, NULL, 0);
	}
}

/* ---- requests --------------------------------------------------------------------------------------- */

static enum bx_err
on_booted(void *context, struct bx_ipc_call *call)
{
	struct spawnd *spawnd = context;

	if (spawnd->booted)
		return BX_OK;
	if (!bx_sys_service_has_room(&spawnd->service))
		return BX_ERR_BUSY;			/* one place is kept for the others */
	spawnd->held[spawnd->held_count++] = call->reply;
	call->kept = true;
	return BX_OK;
}

/* The program of that name, and how it is now.  `control`: one that clients may have started and ended only. */
static enum bx_err
look_up(struct spawnd *spawnd, const char *name, uint32_t length, bool control, struct program **program,
    struct bx_info_program *info)
{
	*program = program_named(spawnd, name, length);
	if (*program == NULL || (control && !(*program)->offered))
		return BX_ERR_NOT_FOUND;
	return program_look(spawnd, *program, info);
}

static enum bx_err
on_start(void *context, const struct bx_ipc_call *call, const struct bx_if_spawn_start_request *request)
{
	struct program *program;
	struct bx_info_program info;
	enum bx_err err = look_up(context, request->program, request->program_length, true, &program, &info);

	(void)call;
	if (err != BX_OK)
		return err;
	if (info.state == BX_PROGRAM_RUNNING || info.state == BX_PROGRAM_ENDING)
		return BX_ERR_STATE;
	return program_start(context, program, BY_CLIENT, request->argument, request->argument_length);
}

/* Ends a program, for good when `stop`. */
static enum bx_err
end(struct spawnd *spawnd, const char *name, uint32_t length, bool stop)
{
	struct program *program;
	struct bx_info_program info;
	enum bx_err err = look_up(spawnd, name, length, true, &program, &info);

	return err != BX_OK ? err : program_end(program, &info, stop);
}

static enum bx_err
on_stop(void *context, const struct bx_ipc_call *call, const struct bx_if_spawn_stop_request *request)
{
	(void)call;
	return end(context, request->program, request->program_length, true);
}

static enum bx_err
on_kill(void *context, const struct bx_ipc_call *call, const struct bx_if_spawn_kill_request *request)
{
	(void)call;
	return end(context, request->program, request->program_length, false);
}

static uint8_t
watch_of(const struct program *program)
{
	if (program->phase == PHASE_WAITING)
		return BX_IF_SPAWN_WATCH_AGAIN;
	if (program->phase == PHASE_DOWN && program->exhausted)
		return BX_IF_SPAWN_WATCH_USED_UP;
	if (program->phase == PHASE_DOWN && program->stopped)
		return BX_IF_SPAWN_WATCH_STOPPED;
	return (program->flags & BX_PROGRAM_RESTART) != 0 ? BX_IF_SPAWN_WATCH_POLICY : BX_IF_SPAWN_WATCH_NONE;
}

static enum bx_err
on_status(void *context, const struct bx_ipc_call *call,
    const struct bx_if_spawn_status_request *request, struct bx_if_spawn_status_answer *answer)
{
	struct program *program;
	struct bx_info_program info;
	enum bx_err err = look_up(context, request->program, request->program_length, false, &program, &info);

	(void)call;
	if (err != BX_OK)
		return err;
	answer->state = (uint8_t)info.state;
	answer->ended = (uint8_t)program->last.state;
	answer->code = program->last.exit_code;
	answer->fault = program->last.fault_kind;
	answer->address = program->last.fault_address;
	answer->instruction = program->last.fault_instruction;
	answer->starts = info.starts;
	answer->restarts = program->history.restarts;
	answer->times = program->policy.times;
	answer->watch = watch_of(program);
	return BX_OK;
}

/* Lets the last words out; does not come back if the machine obeys. */
static void
power_off(struct spawnd *spawnd, unsigned how, const char *words)
{
	enum bx_err err;

	bx_sys_print(spawnd->sys, "%s\n", words);
	bx_sys_sleep(bx_sys_deadline_in_us(spawnd->sys, POWER_US));
	err = bx_sys_power(spawnd->power, how);
	if (err != BX_OK)
		bx_sys_print(spawnd->sys, "spawnd: %s\n", bx_err_text(err));
}

/* Answers first: the caller is to know that it was heard. */
static enum bx_err
power_asked(struct spawnd *spawnd, struct bx_ipc_call *call, uint64_t label, unsigned how,
    const char *words)
{
	bx_sys_service_answer_error(&spawnd->service, call->reply, label, BX_OK);
	bx_sys_service_answer(&spawnd->service, BX_SLOT_NONE, NULL);
	call->kept = true;				/* and answered */
	power_off(spawnd, how, words);
	return BX_OK;
}

static enum bx_err
on_reboot(void *context, struct bx_ipc_call *call)
{
	return power_asked(context, call, BX_IF_SPAWN_REBOOT, BX_POWER_RESET, "Rebooting.");
}

static enum bx_err
on_shutdown(void *context, struct bx_ipc_call *call)
{
	return power_asked(context, call, BX_IF_SPAWN_SHUTDOWN, BX_POWER_OFF, "Shutting down.");
}

static void
take_message(struct spawnd *spawnd, const struct bx_sys_event *event)
{
	const struct bx_if_spawn_server server = { .booted = on_booted, .start = on_start,
	    .stop = on_stop, .kill = on_kill, .status = on_status, .reboot = on_reboot,
	    .shutdown = on_shutdown };
	struct bx_ipc_call call = bx_sys_event_call(event);
	struct bx_ipc_message answer;

	if (bx_if_spawn_dispatch(&server, spawnd, &call, &event->message, &answer,
	    spawnd->answer_string, sizeof spawnd->answer_string))
		bx_sys_service_answer(&spawnd->service, event->reply, &answer);
}

/* ---- the one place in which it waits ------------------------------------------------------------------- */

/* The next message, signal or time, and what it brings. */
static enum bx_err
take_next(struct spawnd *spawnd)
{
	struct bx_sys_event event;
	enum bx_err err = bx_sys_service_next(&spawnd->service, programs_next(spawnd), &event);

	if (err == BX_OK && event.kind == BX_SYS_EVENT_MESSAGE)
		take_message(spawnd, &event);
	else if (err == BX_OK)
		programs_heard(spawnd, event.badge);
	programs_tell(spawnd);			/* before another start has something else to tell */
	programs_due(spawnd);
	programs_tell(spawnd);
	if (spawnd->halt) {
		spawnd->halt = false;
		power_off(spawnd, BX_POWER_OFF, "Shutting down.");
	}
	return err == BX_ERR_TIMEOUT || err == BX_ERR_AGAIN ? BX_OK : err;
}

int
bx_main(const struct bx_sys *sys)
{
	struct spawnd spawnd = { .sys = sys };

	if (bx_sys_find(sys->launch, "spawn", &spawnd.spawn) != BX_OK ||
	    bx_sys_find(sys->launch, "life", &spawnd.life) != BX_OK ||
	    bx_sys_find(sys->launch, "power", &spawnd.power) != BX_OK ||
	    bx_sys_find(sys->launch, "clients", &spawnd.endpoint) != BX_OK)
		return 1;
	if (bx_sys_find(sys->launch, "offer", &spawnd.offer) != BX_OK)
		spawnd.offer = BX_SLOT_NONE;
	if (bx_sys_notification_bind(spawnd.life) != BX_OK)
		return 2;
	bx_sys_service_init(&spawnd.service, sys->launch, spawnd.endpoint, spawnd.string,
	    sizeof spawnd.string);
	programs_find(&spawnd);
	do
		boot_go_on(&spawnd);
	while (take_next(&spawnd) == BX_OK);
	return 3;
}
