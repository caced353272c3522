/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * mksystem.h -- the manifest compiler's model of a system, and its passes:
 *
 *	literals.c  what libconfig would misread, found in the text
 *	read.c   libconfig's tree -> struct system_model; everything that one setting can say wrong
 *	check.c  what settings say wrong together
 *	emit.c   struct system_model -> the image of <brainix/sysimage.h>
 *
 * A host tool: it may allocate and print.  Every complaint names file, line and cause; a run
 * reports all it finds, not the first only.
 */
#ifndef MKSYSTEM_H
#define MKSYSTEM_H

#include <libconfig.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <brainix/cap.h>
#include <brainix/sysimage.h>

struct system_object {
	const config_setting_t *at;	/* where the manifest says it: for messages */
	const char *name;
	enum bx_sysimage_object_kind kind;
	uint64_t a, b;
	const char *program_name;	/* of a thread or cspace object, until check.c resolves it */
};

struct system_capability {
	const config_setting_t *at;
	const char *name;		/* by which the program finds it */
	const char *object_name;
	uint32_t object;		/* resolved by check.c */
	const char *from;		/* "PROGRAM/CAPABILITY" that lends it, or NULL */
	uint32_t lender;		/* resolved: 0, or 1 + its number among all capabilities */
	uint32_t rights;
	uint64_t badge;
	bool badge_given;
	uint32_t uses;
	uint64_t lifetime_us;
	uint64_t first, count;
	const config_setting_t *programs;	/* of a spawn capability: list of names */
};

struct system_program {
	const config_setting_t *at;
	const char *name, *binary;
	uint32_t flags, priority, priority_max;
	uint32_t free_slots;		/* plain slots beside its capabilities, in an open space */
	uint32_t reply_count, thread_count, frame_quota, stack_pages;
	uint32_t budget_us, period_us;
	uint32_t restart_times, restart_within_us, restart_backoff_us, restart_exhausted;
	const char *fault_name, *exit_name;
	uint32_t fault_object, exit_object;	/* resolved */
	struct system_capability *capabilities;
	uint32_t capability_count;
};

struct system_model {
	const config_setting_t *at;	/* the whole manifest: for messages */
	const char *name;
	uint32_t flags;			/* BX_SYSTEM_* */
	uint32_t audit_records;
	struct system_object *objects;
	uint32_t object_count;
	struct system_program *programs;
	uint32_t program_count;
	const config_setting_t *assertions;	/* what authority checks; NULL: none */
};

/* The slot of a program's first capability; the others follow in the manifest's order. */
#define SYSTEM_FIRST_SLOT	1u

/* Complaints so far; the compiler writes no image when there is one. */
struct diagnostics {
	FILE *out;
	const char *path;		/* of the manifest, for settings libconfig gives no file for */
	unsigned errors;
};

void complain(struct diagnostics *diagnostics, const config_setting_t *at, const char *format, ...)
    BX_PRINTF(3, 4);

/* Slot 0, the program's capabilities, free slots, slots for replies. */
uint32_t system_slot_count(const struct system_program *program);

/* The number of what has this name; BX_SYSIMAGE_NONE: nothing has. */
uint32_t system_program_find(const struct system_model *model, const char *name);
uint32_t system_object_find(const struct system_model *model, const char *name);

/* Complains of what libconfig would misread, in the manifest and what it includes.  Returns false when it cannot
 * be given to libconfig at all. */
BX_MUST_USE bool literals_check(struct diagnostics *diagnostics);

/* Reads the text of the manifest into `config`, which the caller has initialised.  Returns 0, with what was
 * misread complained about; 1: the text is wrong, said as file:line: error; 2: it cannot be read, said by `tool`. */
int system_parse(config_t *config, const char *tool, struct diagnostics *diagnostics);

/* The member "rights" of a group, said to be of "WHAT NAME"; complains and returns 0 when wrong. */
uint32_t system_read_rights(const config_setting_t *group, const char *what, const char *name,
    struct diagnostics *diagnostics);

/* The model points into `config`, which outlives it.  Returns false when memory ran out. */
bool system_read(const config_t *config, struct system_model *model, struct diagnostics *diagnostics);
void system_check(struct system_model *model, struct diagnostics *diagnostics);
void system_free(struct system_model *model);

/* The image, to be freed by the caller, of *size bytes; NULL when memory ran out or the image would
 * exceed BX_SYSIMAGE_SIZE_MAX (complained about). */
uint8_t *system_emit(const struct system_model *model, size_t *size, struct diagnostics *diagnostics);

/* Whose ports are among these, which no program may have: "the timer", ...; NULL: nobody's.  The kernel has a table
 * of its own (bx_sysimage_ports_of_platform); tests/kernel-says.c compares them. */
const char *system_ports_of(uint64_t first, uint64_t count);

/* "endpoint", ... */
const char *object_kind_name(enum bx_sysimage_object_kind kind);
/* The rights that mean something of a kind: BX_RIGHT_*. */
uint32_t system_kind_rights(enum bx_sysimage_object_kind kind);
/* Whether an object of a kind is held, from the root, by one program at most. */
bool system_kind_has_one_holder(enum bx_sysimage_object_kind kind);
enum bx_cap_type object_cap_type(enum bx_sysimage_object_kind kind);

#endif
