/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sys.h -- the system calls that answer at once: syscall.c and sys_*.c, inspect.c.  Internal.
 *
 * Each has the same shape: arguments from thread->context, all refusals, then the act, which
 * cannot fail, or stops after a bounded step.  Returns
 *   BX_OK		done; up to two values are in *out
 *   BX_ERR_AGAIN	a step is done, its progress is in an object or in thread->work: called again
 *   else		refused, nothing has changed
 */
#ifndef BRAINIX_KCORE_SYS_H
#define BRAINIX_KCORE_SYS_H

#include "thread.h"

struct bx_sys_values {
	uint64_t value[2];
};

/* bx_cap_lookup in the space of the thread, and whether the object still lives.
 * Errors of bx_cap_lookup, and BX_ERR_CAP_STALE. */
BX_MUST_USE enum bx_err bx_sys_cap(struct bx_kcore *core, const struct bx_thread *thread,
    uint64_t index, enum bx_cap_type type, uint8_t rights, uint32_t *slot);
/* Whether the object that a capability names has gone. */
BX_MUST_USE bool bx_cap_stale(const struct bx_kcore *core, const struct bx_cap *cap);

/* Writes an answer to user memory. */
BX_MUST_USE enum bx_err bx_sys_put(struct bx_kcore *core, const struct bx_thread *thread,
    uint64_t address, uint64_t room, const void *from, size_t size, struct bx_sys_values *out);

/* One step of undoing a map of pages that `thread` is in the middle of, if it is.  BX_OK: nothing is
 * left of it; BX_ERR_AGAIN. */
BX_MUST_USE enum bx_err bx_map_give_up(struct bx_kcore *core, struct bx_thread *thread);

#define BX_SYS_HANDLER(name) \
	BX_MUST_USE enum bx_err name(struct bx_kcore *core, struct bx_thread *thread, \
	    struct bx_sys_values *out)

BX_SYS_HANDLER(bx_sys_cap_derive);
BX_SYS_HANDLER(bx_sys_cap_copy);
BX_SYS_HANDLER(bx_sys_cap_move);
BX_SYS_HANDLER(bx_sys_cap_delete);
BX_SYS_HANDLER(bx_sys_cap_revoke);
BX_SYS_HANDLER(bx_sys_cap_recharge);
BX_SYS_HANDLER(bx_sys_cap_info);
BX_SYS_HANDLER(bx_sys_map);
BX_SYS_HANDLER(bx_sys_unmap);
BX_SYS_HANDLER(bx_sys_thread_start);
BX_SYS_HANDLER(bx_sys_thread_stop);
BX_SYS_HANDLER(bx_sys_thread_resume);
BX_SYS_HANDLER(bx_sys_thread_priority);
BX_SYS_HANDLER(bx_sys_signal);
BX_SYS_HANDLER(bx_sys_notification_bind);
BX_SYS_HANDLER(bx_sys_irq_bind);
BX_SYS_HANDLER(bx_sys_irq_ack);
BX_SYS_HANDLER(bx_sys_port_in);
BX_SYS_HANDLER(bx_sys_port_out);
BX_SYS_HANDLER(bx_sys_power);
BX_SYS_HANDLER(bx_sys_spawn);
BX_SYS_HANDLER(bx_sys_kill);
BX_SYS_HANDLER(bx_sys_program_info);
BX_SYS_HANDLER(bx_sys_inspect);
BX_SYS_HANDLER(bx_sys_audit_read);

/* inspect.c: what is shown of a program, to a spawner too.  Its used slots are counted first, in
 * steps, in thread->work: BX_OK, BX_ERR_AGAIN. */
BX_MUST_USE enum bx_err bx_inspect_slots(const struct bx_kcore *core, struct bx_thread *thread,
    uint32_t program);
void bx_inspect_program(const struct bx_kcore *core, const struct bx_thread *thread,
    uint32_t program, struct bx_info_program *info);

#endif
