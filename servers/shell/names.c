/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * names.c -- numbers of the kernel's interface as words.  See names.h.
 */
#include <brainix/cap.h>

#include "names.h"

static const char *
lookup(const char *const *names, size_t count, uint64_t number)
{
	return number < count && names[number] != NULL ? names[number] : "?";
}

const char *
name_of_cap_type(uint32_t type)
{
	static const char *const names[] = {
		[BX_CAP_NONE] = "-", [BX_CAP_MEMORY] = "memory", [BX_CAP_ENDPOINT] = "endpoint",
		[BX_CAP_NOTIFICATION] = "notification", [BX_CAP_THREAD] = "thread",
		[BX_CAP_CSPACE] = "cspace", [BX_CAP_IRQ] = "irq", [BX_CAP_DEVICE] = "device",
		[BX_CAP_IOPORT] = "ioport", [BX_CAP_UNTYPED] = "untyped", [BX_CAP_REPLY] = "reply",
		[BX_CAP_SPAWN] = "spawn", [BX_CAP_AUDIT_READ] = "audit", [BX_CAP_CLOCK] = "clock",
	};

	return lookup(names, BX_ARRAY_COUNT(names), type);
}

const char *
name_of_program_state(uint32_t state)
{
	static const char *const names[] = {
		[BX_PROGRAM_ABSENT] = "-", [BX_PROGRAM_RUNNING] = "running",
		[BX_PROGRAM_EXITED] = "exited", [BX_PROGRAM_KILLED] = "killed",
		[BX_PROGRAM_FAULTED] = "faulted", [BX_PROGRAM_ENDING] = "ending",
	};

	return lookup(names, BX_ARRAY_COUNT(names), state);
}

const char *
name_of_thread_state(uint32_t state)
{
	static const char *const names[] = {
		[BX_THREAD_FREE] = "-", [BX_THREAD_STOPPED] = "stopped", [BX_THREAD_READY] = "ready",
		[BX_THREAD_SENDING] = "sends", [BX_THREAD_RECEIVING] = "receives",
		[BX_THREAD_AWAITING_REPLY] = "calls", [BX_THREAD_WAITING] = "waits",
		[BX_THREAD_SLEEPING] = "sleeps", [BX_THREAD_FAULTED] = "faulted",
	};

	return lookup(names, BX_ARRAY_COUNT(names), state);
}

const char *
name_of_fault(uint32_t kind)
{
	static const char *const names[] = {
		[BX_FAULT_PAGE] = "page fault", [BX_FAULT_INSTRUCTION] = "illegal instruction",
		[BX_FAULT_ARITHMETIC] = "arithmetic fault",
		[BX_FAULT_PROTECTION] = "protection fault", [BX_FAULT_FPU] = "no FPU granted",
	};

	return lookup(names, BX_ARRAY_COUNT(names), kind);
}

const char *
name_of_audit_kind(uint32_t kind)
{
	static const char *const names[] = {
		[BX_AUDIT_BOOT] = "boot", [BX_AUDIT_SPAWN] = "spawn", [BX_AUDIT_EXIT] = "exit",
		[BX_AUDIT_KILL] = "kill", [BX_AUDIT_FAULT] = "fault",
		[BX_AUDIT_REFUSED] = "refused", [BX_AUDIT_QUOTA] = "quota",
		[BX_AUDIT_DERIVE] = "derive", [BX_AUDIT_TRANSFER] = "transfer",
		[BX_AUDIT_REVOKE] = "revoke", [BX_AUDIT_POWER] = "power",
		[BX_AUDIT_GRANT] = "grant", [BX_AUDIT_MOVE] = "move",
		[BX_AUDIT_RECHARGE] = "recharge", [BX_AUDIT_SHARE] = "share",
		[BX_AUDIT_END] = "end", [BX_AUDIT_CONTROL] = "control",
	};

	return lookup(names, BX_ARRAY_COUNT(names), kind);
}

const char *
name_of_system_call(uint64_t number)
{
	static const char *const names[BX_SYS_COUNT] = {
		[BX_SYS_NULL] = "null", [BX_SYS_CALL] = "call", [BX_SYS_SEND] = "send",
		[BX_SYS_RECEIVE] = "receive", [BX_SYS_REPLY] = "reply",
		[BX_SYS_REPLY_RECEIVE] = "reply_receive", [BX_SYS_SIGNAL] = "signal",
		[BX_SYS_WAIT] = "wait", [BX_SYS_NOTIFICATION_BIND] = "notification_bind",
		[BX_SYS_YIELD] = "yield", [BX_SYS_EXIT] = "exit", [BX_SYS_SLEEP] = "sleep",
		[BX_SYS_CAP_DERIVE] = "cap_derive", [BX_SYS_CAP_COPY] = "cap_copy",
		[BX_SYS_CAP_MOVE] = "cap_move", [BX_SYS_CAP_DELETE] = "cap_delete",
		[BX_SYS_CAP_REVOKE] = "cap_revoke", [BX_SYS_CAP_RECHARGE] = "cap_recharge",
		[BX_SYS_CAP_INFO] = "cap_info", [BX_SYS_MAP] = "map", [BX_SYS_UNMAP] = "unmap",
		[BX_SYS_THREAD_START] = "thread_start", [BX_SYS_THREAD_STOP] = "thread_stop",
		[BX_SYS_THREAD_RESUME] = "thread_resume",
		[BX_SYS_THREAD_PRIORITY] = "thread_priority", [BX_SYS_IRQ_BIND] = "irq_bind",
		[BX_SYS_IRQ_ACK] = "irq_ack", [BX_SYS_PORT_IN] = "port_in",
		[BX_SYS_PORT_OUT] = "port_out", [BX_SYS_SPAWN] = "spawn", [BX_SYS_KILL] = "kill",
		[BX_SYS_PROGRAM_INFO] = "program_info", [BX_SYS_INSPECT] = "inspect",
		[BX_SYS_AUDIT_READ] = "audit_read", [BX_SYS_CLOCK_INFO] = "clock_info",
		[BX_SYS_POWER] = "power",
	};

	return lookup(names, BX_ARRAY_COUNT(names), number);
}

void
name_of_rights(uint32_t rights, char text[NAME_RIGHTS_SIZE])
{
	static const char letters[] = "rwgax";

	BX_STATIC_ASSERT(BX_RIGHT_READ == 1 && BX_RIGHT_WRITE == 2 && BX_RIGHT_GRANT == 4 &&
	    BX_RIGHT_GRANT_REPLY == 8 && BX_RIGHT_EXECUTE == 16, "letters in the order of the bits");
	for (uint32_t i = 0; i < NAME_RIGHTS_SIZE - 1; i++)
		text[i] = (rights >> i & 1) != 0 ? letters[i] : '-';
	text[NAME_RIGHTS_SIZE - 1] = '\0';
}

const char *
name_of_cpu_feature(uint32_t bit)
{
	static const char *const names[] = { "NX", "WP", "SMEP", "SMAP", "UMIP", "PCID", "CET-IBT",
	    "CET-SS", "KPTI" };

	BX_STATIC_ASSERT(BX_CPU_KPTI == 1u << 8, "names in the order of the bits");
	return bit < BX_ARRAY_COUNT(names) ? names[bit] : NULL;
}
