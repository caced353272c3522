/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/kcore.h -- the kernel core: what a kernel binary, or a Linux process, links.  Layer 2.
 * Needs base.h abi.h cap.h machine.h sysimage.h.  Design: libkcore/DESIGN.md.
 *
 * The core is driven by events.  It never blocks and never runs a thread itself: the machine saves
 * the user's registers into the current context, calls one of the event functions below, and
 * resumes the context that it is told to, or idles until the next interrupt:
 *
 *	bx_kcore_plan      how much memory the pools of this system need
 *	bx_kcore_init      pools, frames, objects and root capabilities of the manifest; program 0
 *	loop:  context = bx_kcore_start / _system_call / _fault / _interrupt / _timer
 *
 * All state is in the memory the caller gives; there is no heap.  One core runs on one CPU at a
 * time; interrupts are off while it runs.
 */
#ifndef BRAINIX_KCORE_H
#define BRAINIX_KCORE_H

#include <brainix/abi.h>
#include <brainix/base.h>
#include <brainix/machine.h>

struct bx_kcore;

/* A run of physical memory whose frames the core may hand out.  Page-aligned. */
struct bx_kcore_region {
	uint64_t base, size;
};

/* A boot module: an ELF file of a program.  Stays readable as long as the core lives. */
struct bx_kcore_module {
	const char *name;
	const uint8_t *bytes;
	size_t size;
};

/* Everything the core is told.  The arrays and what they point to outlive the core. */
struct bx_kcore_config {
	struct bx_machine *machine;
	uint8_t *memory;		/* where physical address 0 is seen (direct map) */
	uint64_t memory_end;		/* first physical address that is not */
	const struct bx_kcore_region *regions;	/* sorted, disjoint, below memory_end */
	size_t region_count;
	const struct bx_kcore_module *modules;
	size_t module_count;
	const uint8_t *system;		/* compiled manifest (sysimage.h), untrusted */
	size_t system_size;
	uint64_t ticks_per_second;	/* > 0 */
	uint64_t boot_ticks;		/* tick at which the bootloader began */
	uint64_t kernel_frames;		/* frames the kernel itself occupies, for the statistics */
};

/* Validates the manifest and says how many bytes of page-aligned, zeroed memory the core wants for
 * it: pools, slots, frame table, audit ring.
 * Returns BX_OK; BX_ERR_FORMAT, _VERSION, _TRUNCATED, _RANGE, _INVALID, _EXISTS, _NOT_FOUND (a
 * module is missing): the manifest is refused, with *where set to a static text that names the field;
 * BX_ERR_NO_MEMORY: the regions are too small for what it promises. */
BX_MUST_USE enum bx_err bx_kcore_plan(const struct bx_kcore_config *config, size_t *bytes,
    const char **where);

/* Builds the system in `memory` (bytes long, page-aligned, zeroed, outside config->regions) and
 * loads program 0, ready to run.  Errors as bx_kcore_plan, and those of loading program 0. */
BX_MUST_USE enum bx_err bx_kcore_init(const struct bx_kcore_config *config, void *memory,
    size_t bytes, struct bx_kcore **core, const char **where);

/* Events.  Each returns the context to resume, or NULL: idle with interrupts on. */
struct bx_context *bx_kcore_start(struct bx_kcore *core);
struct bx_context *bx_kcore_system_call(struct bx_kcore *core);

/*
 * The same in its parts, for a machine that dispatches by itself and keeps words in registers.
 *
 * bx_kcore_call_fast, bx_kcore_reply_receive_fast: the short way of BX_SYS_CALL and BX_SYS_REPLY_RECEIVE
 * without buffers (number exactly that); `current` is the context of the thread that calls, in which
 * all registers are but the number; value[0] and value[2] are the arguments too.  They return
 *   &bx_kcore_declined, which no other context is like in `resume`: nothing has changed;
 *   bx_kcore_system_call_general is to be called
 *   else the context to resume: the machine gives it BX_OK, the badge (of an answer: 0), the label and
 *   the six words of `current`, the info of a call or an answer (BX_IPC_INFO_REPLY, 0), and does what
 *   bx_machine_domain_switch does.
 */
struct bx_exchange {
	const struct bx_context *next;
	uint64_t badge;
};
extern const struct bx_context bx_kcore_declined;
BX_DIRECT struct bx_exchange bx_kcore_call_fast(uint64_t index, struct bx_context *current,
    uint64_t deadline, struct bx_kcore *core);
BX_DIRECT const struct bx_context *bx_kcore_reply_receive_fast(uint64_t index,
    struct bx_context *current, uint64_t deadline, struct bx_kcore *core);
struct bx_context *bx_kcore_system_call_general(struct bx_kcore *core);
struct bx_context *bx_kcore_timer(struct bx_kcore *core);
struct bx_context *bx_kcore_interrupt(struct bx_kcore *core, uint32_t number);

/* The current thread did what the CPU does not allow: BX_FAULT_*. */
struct bx_context *bx_kcore_fault(struct bx_kcore *core, uint32_t kind, uint64_t address,
    uint64_t error_code);

/* For panic messages: the program and thread that run, or BX_SLOT_NONE, and its name or "". */
uint32_t bx_kcore_current_program(const struct bx_kcore *core);
const char *bx_kcore_program_name(const struct bx_kcore *core, uint32_t program);

/* Whether every structural invariant of the core holds; *what names the first that does not.
 * O(everything): tests, BX_VERIFY builds, post-mortem. */
BX_MUST_USE bool bx_kcore_sound(struct bx_kcore *core, const char **what);

#endif
