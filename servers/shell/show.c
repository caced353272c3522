/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * show.c -- the kernel's state as tables for people, through the audit capability.
 */
#include "names.h"
#include "shell.h"

/* Whatever BX_INSPECT_* shows; false, with the complaint made, when it shows nothing. */
static bool
inspect_system(struct shell *shell, const char *name, struct bx_info_system *info)
{
	enum bx_err err = bx_sys_inspect(shell->audit, BX_INSPECT_SYSTEM, 0, 0, info, sizeof *info);

	if (err != BX_OK)
		shell_complain(shell, name, err);
	return err == BX_OK;
}

static uint64_t
milliseconds(const struct shell *shell, uint64_t ticks)
{
	return bx_sys_us_of_ticks(shell->sys->ticks_per_second, ticks) / 1000;
}

/* How far what the program holds can change; a column for systems in which it can. */
static const char *
space_of(const struct bx_info_program *info)
{
	return (info->flags & BX_PROGRAM_OPEN_SPACE) != 0 ? "  open" : "  sealed";
}

void
show_ps(struct shell *shell, const struct words *words, const char *line)
{
	struct bx_info_system system;
	struct bx_info_program info;

	(void)line;
	if (!inspect_system(shell, words->word[0], &system))
		return;
	shell_print(shell, "  #  %-12s %-8s %4s %7s %9s %11s %9s %6s%s\n", "PROGRAM", "STATE", "PRIO",
	    "THREADS", "CPU ms", "FRAMES", "SLOTS", "STARTS",
	    (system.flags & BX_SYSTEM_RESEARCH) != 0 ? "  SPACE" : "");
	for (uint32_t i = 0; i < system.program_count; i++) {
		if (bx_sys_inspect(shell->audit, BX_INSPECT_PROGRAM, i, 0, &info, sizeof info) != BX_OK)
			continue;
		shell_print(shell, "%3u  %-12s %-8s %4u %7u %9lu %5u/%-5u %4u/%-4u %6u%s\n", i,
		    info.name, name_of_program_state(info.state), info.priority, info.threads,
		    milliseconds(shell, info.cpu_ticks), info.frames_used, info.frames_quota,
		    info.slots_used, info.slot_count, info.starts,
		    (system.flags & BX_SYSTEM_RESEARCH) == 0 ? "" : space_of(&info));
	}
}

/* A program's last end, for people. */
static void
end_add(struct bx_text *text, const struct bx_if_spawn_status_answer *answer)
{
	switch (answer->ended) {
	case BX_PROGRAM_ABSENT:
		bx_text_add(text, "-");
		break;
	case BX_PROGRAM_EXITED:
		bx_text_add(text, "exit code %ld", answer->code);
		break;
	case BX_PROGRAM_FAULTED:
		bx_text_add(text, "%s at 0x%lx", name_of_fault(answer->fault), answer->address);
		break;
	default:
		bx_text_add(text, "%s", name_of_program_state(answer->ended));
		break;
	}
}

/* What follows the next end, or has followed the last. */
static const char *
watch_text(uint32_t watch)
{
	static const char *const names[] = {
		[BX_IF_SPAWN_WATCH_NONE] = "-", [BX_IF_SPAWN_WATCH_POLICY] = "start again",
		[BX_IF_SPAWN_WATCH_AGAIN] = "starts soon", [BX_IF_SPAWN_WATCH_USED_UP] = "used up",
		[BX_IF_SPAWN_WATCH_STOPPED] = "stopped",
	};

	return watch < BX_ARRAY_COUNT(names) ? names[watch] : "?";
}

static void
status_line(struct shell *shell, const char *name, const struct bx_if_spawn_status_answer *answer)
{
	char restarts[16] = "-", end[64];
	struct bx_text text;

	if (answer->watch != BX_IF_SPAWN_WATCH_NONE)
		(void)bx_sys_format(restarts, sizeof restarts, "%u/%u", answer->restarts, answer->times);
	bx_text_init(&text, end, sizeof end);
	end_add(&text, answer);
	shell_print(shell, "  %-12s %-8s %6u %11s  %-13s  %s\n", name, name_of_program_state(answer->state),
	    answer->starts, restarts, watch_text(answer->watch), end);
}

/* Of all that spawnd starts; a program's name is known by the audit capability, or is given. */
void
show_status(struct shell *shell, const struct words *words, const char *line)
{
	struct bx_if_spawn_status_answer answer;
	enum bx_err err;

	(void)line;
	if (words->count > 1) {
		err = shell_status(shell, words->word[1], &answer);
		if (err != BX_OK) {
			shell_spawn_complain(shell, words->word[1], err);
			return;
		}
	}
	shell_print(shell, "  %-12s %-8s %6s %11s  %-13s  %s\n", "PROGRAM", "STATE", "STARTS", "RESTARTS",
	    "THEN", "LAST END");
	if (words->count > 1) {
		status_line(shell, words->word[1], &answer);
		return;
	}
	for (uint32_t i = 0; i < shell->program_count; i++) {
		err = shell_status(shell, shell->programs[i], &answer);
		if (err == BX_OK) {
			status_line(shell, shell->programs[i], &answer);
		} else if (err != BX_ERR_NOT_FOUND) {
			shell_spawn_complain(shell, words->word[0], err);
			return;
		}
	}
}

/* On whose time each thread runs, and what is left of it. */
void
show_threads(struct shell *shell, const struct words *words, const char *line)
{
	const uint64_t rate = shell->sys->ticks_per_second, half = rate / 2000000;
	struct bx_info_system system;

	(void)line;
	if (!inspect_system(shell, words->word[0], &system))
		return;
	shell_print(shell, "  #  %-12s %-8s %4s %4s %9s %10s %9s %7s\n", "PROGRAM", "STATE", "PRIO",
	    "ON", "CPU ms", "BUDGET us", "PERIOD us", "STOPPED");
	for (uint32_t i = 0; i < system.thread_count; i++) {
		struct bx_info_program program;
		struct bx_info_thread info;
		char budget[24] = "-", period[24] = "-";

		if (bx_sys_inspect(shell->audit, BX_INSPECT_THREAD, i, 0, &info, sizeof info) != BX_OK ||
		    bx_sys_inspect(shell->audit, BX_INSPECT_PROGRAM, info.program, 0, &program,
		    sizeof program) != BX_OK)
			continue;
		if (info.budget_ticks != UINT64_MAX) {
			(void)bx_sys_format(budget, sizeof budget, "%lu",
			    bx_sys_us_of_ticks(rate, info.budget_ticks + half));
			(void)bx_sys_format(period, sizeof period, "%lu",
			    bx_sys_us_of_ticks(rate, info.period_ticks + half));
		}
		shell_print(shell, "%3u  %-12s %-8s %4u %4u %9lu %10s %9s %7u\n", i, program.name,
		    name_of_thread_state(info.state), info.priority, info.account,
		    milliseconds(shell, info.cpu_ticks), budget, period, info.throttles);
	}
}

static void
cap_line(struct shell *shell, uint32_t slot, const struct bx_info_cap *cap)
{
	char rights[NAME_RIGHTS_SIZE], uses[16] = "-", badge[24] = "-";

	name_of_rights(cap->rights, rights);
	if (cap->uses != UINT32_MAX)
		(void)bx_sys_format(uses, sizeof uses, "%u", cap->uses);
	if (cap->badge != 0)
		(void)bx_sys_format(badge, sizeof badge, "0x%lx", cap->badge);
	shell_print(shell, "  %4u  %-12s %-12s %-6s  %-16s %6s %12s%s\n", slot, cap->name,
	    name_of_cap_type(cap->type), rights, cap->object_name, uses, badge,
	    cap->stale != 0 ? "  stale" : "");
}

static void
caps_of(struct shell *shell, uint32_t program, const struct bx_info_program *info)
{
	struct bx_info_cap cap;

	shell_print(shell, "%s%s\n  %4s  %-12s %-12s %-6s  %-16s %6s %12s\n", info->name,
	    (info->flags & BX_PROGRAM_OPEN_SPACE) != 0 ? " (open space)" : "", "SLOT", "NAME",
	    "TYPE", "RIGHTS", "OBJECT", "USES", "BADGE");
	for (uint32_t slot = 0; slot < info->slot_count; slot++)
		if (bx_sys_inspect(shell->audit, BX_INSPECT_CAP, program, slot, &cap, sizeof cap) ==
		    BX_OK && cap.type != 0)
			cap_line(shell, slot, &cap);
}

void
show_caps(struct shell *shell, const struct words *words, const char *line)
{
	struct bx_info_system system;
	struct bx_info_program info;
	bool found = false;

	(void)line;
	if (!inspect_system(shell, words->word[0], &system))
		return;
	for (uint32_t i = 0; i < system.program_count; i++) {
		if (bx_sys_inspect(shell->audit, BX_INSPECT_PROGRAM, i, 0, &info, sizeof info) != BX_OK)
			continue;
		if (words->count > 1 ? !words_equal(info.name, words->word[1]) : info.slots_used == 0)
			continue;
		caps_of(shell, i, &info);
		found = true;
	}
	if (!found)
		shell_complain(shell, words->count > 1 ? words->word[1] : words->word[0],
		    BX_ERR_NOT_FOUND);
}

static void
mem_line(struct shell *shell, const char *name, uint64_t frames)
{
	char bytes[32];
	struct bx_text size;

	bx_text_init(&size, bytes, sizeof bytes);
	words_add_size(&size, frames << BX_PAGE_SHIFT);
	shell_print(shell, "  %-14s %10lu  %12s\n", name, frames, bytes);
}

void
show_mem(struct shell *shell, const struct words *words, const char *line)
{
	struct bx_info_system system;
	struct bx_info_pool pool;
	enum bx_err err = BX_OK;

	(void)line;
	if (!inspect_system(shell, words->word[0], &system))
		return;
	shell_print(shell, "  %-14s %10s  %12s\n", "MEMORY", "FRAMES", "SIZE");
	mem_line(shell, "total", system.frames_total);
	mem_line(shell, "free", system.frames_free);
	mem_line(shell, "kernel", system.frames_kernel);
	mem_line(shell, "page tables", system.frames_table);
	mem_line(shell, "programs", system.frames_user);
	shell_print(shell, "  %-14s %10s %10s %12s\n", "POOL", "USED", "TOTAL", "BYTES EACH");
	for (uint32_t i = 0; err == BX_OK || err == BX_ERR_NOT_FOUND; i++) {
		err = bx_sys_inspect(shell->audit, BX_INSPECT_POOL, i, 0, &pool, sizeof pool);
		if (err == BX_OK)
			shell_print(shell, "  %-14s %10u %10u %12u\n", pool.name, pool.used,
			    pool.total, pool.object_size);
	}
}

void
show_ipc(struct shell *shell, const struct words *words, const char *line)
{
	struct bx_info_system system;
	struct bx_info_endpoint info;

	(void)line;
	if (!inspect_system(shell, words->word[0], &system))
		return;
	shell_print(shell, "  %-16s %-12s %7s %9s %10s %12s\n", "ENDPOINT", "SERVER", "SENDERS",
	    "RECEIVERS", "MESSAGES", "BYTES");
	for (uint32_t i = 0; i < system.endpoint_count; i++)
		if (bx_sys_inspect(shell->audit, BX_INSPECT_ENDPOINT, i, 0, &info, sizeof info) == BX_OK)
			shell_print(shell, "  %-16s %-12s %7u %9u %10lu %12lu\n", info.name,
			    info.server == BX_SLOT_NONE ? "-" : shell_program_name(shell, info.server),
			    info.senders, info.receivers, info.messages, info.bytes);
	shell_print(shell, "  %-16s %7s %10s %16s\n", "NOTIFICATION", "WAITERS", "SIGNALS",
	    "PENDING BITS");
	for (uint32_t i = 0; i < system.notification_count; i++)
		if (bx_sys_inspect(shell->audit, BX_INSPECT_NOTIFICATION, i, 0, &info, sizeof info) ==
		    BX_OK)
			shell_print(shell, "  %-16s %7u %10lu %16lx\n", info.name, info.receivers,
			    info.messages, info.bits);
}

void
show_uptime(struct shell *shell, const struct words *words, const char *line)
{
	struct bx_info_system system;
	uint64_t ticks, idle;
	char bytes[48];
	struct bx_text text;

	(void)line;
	if (!inspect_system(shell, words->word[0], &system))
		return;
	ticks = system.now - system.boot_ticks;
	idle = ticks >= 1000 ? system.idle_ticks / (ticks / 1000) : 0;
	bx_text_init(&text, bytes, sizeof bytes);
	words_add_duration(&text, bx_sys_us_of_ticks(system.ticks_per_second, ticks));
	shell_print(shell, "  up            %s, idle %lu.%lu %%\n", bytes, idle / 10, idle % 10);
	shell_print(shell, "  system        %s, BraiNIX %s%s\n", system.system_name, system.version,
	    (system.flags & BX_SYSTEM_RESEARCH) != 0 ? ", for research" : "");
	shell_print(shell, "  clock         %lu ticks a second\n", system.ticks_per_second);
	shell_print(shell, "  system calls  %-12lu switches      %lu\n", system.system_calls,
	    system.switches);
	shell_print(shell, "  interrupts    %-12lu faults        %lu\n", system.interrupts,
	    system.faults);
	shell_print(shell, "  protections  ");
	for (uint32_t bit = 0; name_of_cpu_feature(bit) != NULL; bit++)
		if ((system.cpu_features >> bit & 1) != 0)
			shell_print(shell, " %s", name_of_cpu_feature(bit));
	shell_print(shell, "\n");
}
