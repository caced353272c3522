/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * log.c -- the audit ring, decoded (docs/audit.md): a record a line, in columns
 *
 *	NUMBER SECONDS PROGRAM WHAT OBJECT RIGHTS SLOT DETAILS
 *
 * of which a hyphen stands where the record has nothing to say.
 */
#include <brainix/cap.h>

#include "names.h"
#include "shell.h"

#define LOG_DEFAULT	16u
#define LOG_MOST	65536u
#define LOG_BATCH	8u

/* "endpoint/3": what the record is about, by its type and its number in the manifest. */
static void
log_about(struct shell *shell, const struct bx_audit_record *record)
{
	char rights[NAME_RIGHTS_SIZE], object[32] = "-";

	name_of_rights((uint32_t)(record->d >> 8 & 0xff), rights);
	if (record->d != 0)
		(void)bx_sys_format(object, sizeof object, "%s/%u", name_of_cap_type(record->d & 0xff),
		    record->object);
	shell_print(shell, "%-16s %-6s", object, record->d != 0 ? rights : "-");
}

static void
log_slot(struct shell *shell, const struct bx_audit_record *record)
{
	uint64_t slot;

	switch (record->kind) {
	case BX_AUDIT_REFUSED:
	case BX_AUDIT_QUOTA:
		slot = record->c;
		break;
	case BX_AUDIT_KILL:
	case BX_AUDIT_DERIVE:
	case BX_AUDIT_TRANSFER:
	case BX_AUDIT_REVOKE:
	case BX_AUDIT_GRANT:
	case BX_AUDIT_MOVE:
	case BX_AUDIT_RECHARGE:
	case BX_AUDIT_CONTROL:
		slot = record->a;
		break;
	default:
		shell_print(shell, " %5s  ", "-");
		return;
	}
	/* What no slot can be is shown as it was asked for, but briefly. */
	shell_print(shell, slot < 100000 ? " %5lu  " : " 0x%lx  ", slot);
}

/* What the rest of a record means. */
static void
log_details(struct shell *shell, const struct bx_audit_record *record)
{
	switch (record->kind) {
	case BX_AUDIT_BOOT:
		shell_print(shell, "%lu frames, %lu ticks a second", record->a, record->b);
		break;
	case BX_AUDIT_SPAWN:
		shell_print(shell, "%s, start %lu, entry 0x%lx, state %016lx",
		    shell_program_name(shell, record->other), record->c, record->a, record->b);
		break;
	case BX_AUDIT_EXIT:
		shell_print(shell, "code %ld", (int64_t)(int32_t)(uint32_t)record->a);
		break;
	case BX_AUDIT_KILL:
		shell_print(shell, "%s", shell_program_name(shell, record->other));
		break;
	case BX_AUDIT_FAULT:
		shell_print(shell, "%s at 0x%lx, instruction 0x%lx",
		    name_of_fault((uint32_t)record->a), record->b, record->c);
		break;
	case BX_AUDIT_REFUSED:
	case BX_AUDIT_QUOTA:
		shell_print(shell, "%s: %s", name_of_system_call(record->a),
		    bx_err_text((enum bx_err)(int64_t)record->b));
		break;
	case BX_AUDIT_DERIVE:
	case BX_AUDIT_MOVE:
		shell_print(shell, "to slot %lu", record->b);
		break;
	case BX_AUDIT_TRANSFER:
		shell_print(shell, "to %s, slot %lu", shell_program_name(shell, record->other), record->b);
		break;
	case BX_AUDIT_REVOKE:
		shell_print(shell, "%lu removed", record->b);
		break;
	case BX_AUDIT_POWER:
		shell_print(shell, "%s", record->a == BX_POWER_RESET ? "reset" : "off");
		break;
	case BX_AUDIT_GRANT:
		shell_print(shell, "by %s, badge 0x%lx", record->other == BX_SLOT_NONE ? "the manifest" :
		    shell_program_name(shell, record->other), record->b);
		if (record->c != BX_CAP_USES_UNLIMITED)
			shell_print(shell, ", %lu uses", record->c);
		break;
	case BX_AUDIT_RECHARGE:
		shell_print(shell, "%s, slot %lu, %lu uses", shell_program_name(shell, record->other),
		    record->b, record->c);
		break;
	case BX_AUDIT_CONTROL:
		shell_print(shell, "%s, %s", shell_program_name(shell, record->other),
		    name_of_system_call(record->b));
		if (record->b == BX_SYS_THREAD_START)
			shell_print(shell, ", entry 0x%lx", record->c);
		else if (record->b == BX_SYS_THREAD_PRIORITY)
			shell_print(shell, ", priority %lu", record->c);
		break;
	case BX_AUDIT_SHARE:
		if (record->a != 0)
			shell_print(shell, "%lu records were not kept", record->a);
		else
			shell_print(shell, "full: what follows is counted, not kept");
		break;
	case BX_AUDIT_END:
		shell_print(shell, "%s, %lu capabilities went", name_of_program_state((uint32_t)record->a),
		    record->b);
		break;
	}
}

static void
log_line(struct shell *shell, const struct bx_audit_record *record)
{
	uint64_t us = bx_sys_us_of_ticks(shell->sys->ticks_per_second,
	    record->when - shell->sys->boot_ticks);

	shell_print(shell, "%6lu %6lu.%06lu  %-12s %-8s  ", record->sequence, us / 1000000,
	    us % 1000000, shell_program_name(shell, record->program),
	    name_of_audit_kind(record->kind));
	log_about(shell, record);
	log_slot(shell, record);
	log_details(shell, record);
	shell_print(shell, "\n");
}

/* From record `next` on, up to those that there are now.  False, with the complaint made, on an error. */
static bool
log_records(struct shell *shell, const char *name, uint64_t next, uint64_t end)
{
	struct bx_audit_record records[LOG_BATCH];
	uint64_t count, from;

	while (next < end) {
		enum bx_err err = bx_sys_audit_read(shell->audit, next, records, LOG_BATCH, &count, &from);

		if (err != BX_OK) {
			shell_complain(shell, name, err);
			return false;
		}
		if (count == 0 || count > LOG_BATCH)
			break;
		for (uint64_t i = 0; i < count && from + i < end; i++)
			log_line(shell, &records[i]);
		next = from + count;
	}
	return true;
}

/* The program's records that its share of the ring had no place for. */
static void
log_dropped(struct shell *shell, uint32_t program_count)
{
	struct bx_info_program info;

	for (uint32_t i = 0; i < program_count; i++)
		if (bx_sys_inspect(shell->audit, BX_INSPECT_PROGRAM, i, 0, &info, sizeof info) == BX_OK &&
		    info.audit_dropped > 0)
			shell_print(shell, "%lu records of %s were not kept\n", info.audit_dropped, info.name);
}

void
show_log(struct shell *shell, const struct words *words, const char *line)
{
	struct bx_info_system system;
	uint64_t wanted = LOG_DEFAULT;
	enum bx_err err;

	(void)line;
	if (words->count > 1 && (words_number(words->word[1], &wanted) != BX_OK || wanted == 0 ||
	    wanted > LOG_MOST)) {
		shell_print(shell, "log: not a number from 1 to %u: %s\n", LOG_MOST, words->word[1]);
		return;
	}
	err = bx_sys_inspect(shell->audit, BX_INSPECT_SYSTEM, 0, 0, &system, sizeof system);
	if (err != BX_OK) {
		shell_complain(shell, words->word[0], err);
		return;
	}
	shell_print(shell, "%6s %13s  %-12s %-8s  %-16s %-6s %5s  %s\n", "NUMBER", "SECONDS", "PROGRAM",
	    "WHAT", "OBJECT", "RIGHTS", "SLOT", "DETAILS");
	if (!log_records(shell, words->word[0], system.audit_next > wanted ? system.audit_next - wanted : 0,
	    system.audit_next))
		return;
	if (system.audit_lost > 0)
		shell_print(shell, "%lu records were overwritten unread\n", system.audit_lost);
	if (system.audit_dropped > 0)
		log_dropped(shell, system.program_count);
}
