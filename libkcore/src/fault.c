/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fault.c -- a thread did what the CPU does not allow.  The fault is recorded and said to the
 * program's fault endpoint as a call of the thread: a reply lets it go on where it stood.  When
 * nobody takes it the program ends.
 */
#include "thread.h"

static void
unhandled(struct bx_kcore *core, struct bx_thread *thread)
{
	struct bx_program *program = &core->programs[thread->program];

	program->fault_kind = thread->fault_kind;
	program->fault_address = thread->fault_address;
	program->fault_instruction = thread->context.pc;
	bx_program_end(core, thread->program, BX_PROGRAM_FAULTED);
}

void
bx_fault_raise(struct bx_kcore *core, struct bx_thread *thread)
{
	uint32_t handler = core->programs[thread->program].fault_endpoint;

	if (handler == BX_NONE || thread->work != 0) {
		unhandled(core, thread);
		return;
	}
	thread->call_kind = BX_CALL_FAULT;
	thread->has_buffers = 0;
	bx_ipc_send(core, thread, &core->endpoints[handler], 0);
}

/* Records it.  What the thread waits for from now on is no deadline. */
static void
fault_record(struct bx_kcore *core, struct bx_thread *thread)
{
	bx_audit(core, BX_AUDIT_FAULT, thread->program, BX_NONE, thread->fault_kind,
	    thread->fault_address, thread->context.pc);
	thread->work = 0;
	thread->deadline = 0;
}

struct bx_context *
bx_kcore_fault(struct bx_kcore *core, uint32_t kind, uint64_t address, uint64_t error_code)
{
	struct bx_thread *thread = bx_core_current(core);
	struct bx_context *next;

	BX_ASSERT(core->cpu.current != BX_NONE);
	core->cpu.faults++;
	thread->fault_kind = kind;
	thread->fault_address = address;
	thread->fault_code = error_code;
	fault_record(core, thread);
	next = bx_fault_short(core, thread);
	if (next != NULL)
		return next;
	bx_fault_raise(core, thread);
	return bx_sched_dispatch(core);
}
