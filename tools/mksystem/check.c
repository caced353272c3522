/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * check.c -- what settings say wrong together: names that lead nowhere or twice to the same place,
 * ranges outside their object, rights that their kind has no use for, two owners of one device.
 */
#include <inttypes.h>
#include <string.h>

#include <brainix/cap.h>

#include "mksystem.h"

/* Which rights a capability of each kind can use.  More would be authority nobody means. */
static const struct kind_rule {
	enum bx_sysimage_object_kind kind;
	uint32_t rights;
	bool has_range;
	bool one_holder;		/* at most one program may hold a capability of one object */
} kind_rules[] = {
	{ BX_OBJECT_ENDPOINT, BX_RIGHT_READ | BX_RIGHT_WRITE | BX_RIGHT_GRANT | BX_RIGHT_GRANT_REPLY,
	    false, false },
	{ BX_OBJECT_NOTIFICATION, BX_RIGHT_READ | BX_RIGHT_WRITE, false, false },
	{ BX_OBJECT_MEMORY, BX_RIGHT_READ | BX_RIGHT_WRITE | BX_RIGHT_EXECUTE, true, true },
	{ BX_OBJECT_IRQ, BX_RIGHT_READ, false, true },
	{ BX_OBJECT_IOPORT, BX_RIGHT_READ | BX_RIGHT_WRITE, true, true },
	{ BX_OBJECT_DEVICE, BX_RIGHT_READ | BX_RIGHT_WRITE, false, true },
	{ BX_OBJECT_AUDIT, BX_RIGHT_READ, false, false },
	{ BX_OBJECT_CLOCK, BX_RIGHT_READ, false, false },
	{ BX_OBJECT_SPAWN, BX_RIGHT_READ | BX_RIGHT_WRITE, true, false },
	{ BX_OBJECT_THREAD, BX_RIGHT_READ | BX_RIGHT_WRITE, false, false },
	{ BX_OBJECT_CSPACE, BX_RIGHT_READ | BX_RIGHT_WRITE, false, false },
};

static const struct kind_rule *
rule_of(enum bx_sysimage_object_kind kind)
{
	for (size_t i = 0; i < BX_ARRAY_COUNT(kind_rules); i++)
		if (kind_rules[i].kind == kind)
			return &kind_rules[i];
	return &kind_rules[0];
}

uint32_t
system_kind_rights(enum bx_sysimage_object_kind kind)
{
	return rule_of(kind)->rights;
}

bool
system_kind_has_one_holder(enum bx_sysimage_object_kind kind)
{
	return rule_of(kind)->one_holder;
}

uint32_t
system_program_find(const struct system_model *model, const char *name)
{
	for (uint32_t i = 0; i < model->program_count; i++)
		if (strcmp(model->programs[i].name, name) == 0)
			return i;
	return BX_SYSIMAGE_NONE;
}

uint32_t
system_object_find(const struct system_model *model, const char *name)
{
	for (uint32_t i = 0; i < model->object_count; i++)
		if (strcmp(model->objects[i].name, name) == 0)
			return i;
	return BX_SYSIMAGE_NONE;
}

static void
check_limits(const struct system_model *model, struct diagnostics *diagnostics)
{
	const config_setting_t *programs = config_setting_get_member(model->at, "programs");
	const config_setting_t *objects = config_setting_get_member(model->at, "objects");
	const config_setting_t *records = config_setting_get_member(model->at, "audit_records");
	uint64_t grants = 0, threads = 0;

	for (uint32_t i = 0; i < model->program_count; i++) {
		grants += model->programs[i].capability_count;
		threads += model->programs[i].thread_count;
	}
	if (model->program_count > BX_SYSIMAGE_PROGRAMS_MAX)
		complain(diagnostics, programs, "%u programs, but at most %d are possible",
		    model->program_count, BX_SYSIMAGE_PROGRAMS_MAX);
	if (model->object_count > BX_SYSIMAGE_OBJECTS_MAX)
		complain(diagnostics, objects, "%u objects, but at most %d are possible",
		    model->object_count, BX_SYSIMAGE_OBJECTS_MAX);
	if (grants > BX_SYSIMAGE_GRANTS_MAX)
		complain(diagnostics, programs, "%" PRIu64 " capabilities, but at most %d are possible", grants,
		    BX_SYSIMAGE_GRANTS_MAX);
	if (threads > BX_SYSIMAGE_THREADS_MAX)
		complain(diagnostics, programs, "%" PRIu64 " threads, but at most %d are possible", threads,
		    BX_SYSIMAGE_THREADS_MAX);
	if ((model->audit_records & (model->audit_records - 1)) != 0)
		complain(diagnostics, records, "audit_records is %u, which is no power of two",
		    model->audit_records);
}

/* Said once, of the program that is too much. */
static void
check_fpu(const struct system_model *model, struct diagnostics *diagnostics)
{
	uint32_t threads = 0;

	for (uint32_t i = 0; i < model->program_count && threads <= BX_SYSIMAGE_FPU_THREADS_MAX; i++) {
		const struct system_program *program = &model->programs[i];

		if ((program->flags & BX_PROGRAM_FPU) == 0)
			continue;
		threads += program->thread_count;
		if (threads > BX_SYSIMAGE_FPU_THREADS_MAX)
			complain(diagnostics, program->at,
			    "program %s: with it programs with fpu have %u threads, but at most %d are possible",
			    program->name, threads, BX_SYSIMAGE_FPU_THREADS_MAX);
	}
}

static bool
ports_overlap(const struct system_object *one, const struct system_object *other)
{
	return one->a < other->a + other->b && other->a < one->a + one->b;
}

/* Ports of the machine as a whole: the kernel's own, and those by which whoever has them resets the machine,
 * or has devices read and write all of its memory.  Intel 8-series PCH data sheet (328904), table 9-2. */
static const struct port_rule {
	uint64_t first, last;
	const char *of;
} port_rules[] = {
	{ 0x00, 0x1f, "the DMA controller" },
	{ 0x20, 0x3f, "the interrupt controller" },
	{ 0x40, 0x53, "the timer" },
	{ 0x61, 0x61, "the timer" },
	{ 0x64, 0x64, "the keyboard controller, which resets the machine" },
	{ 0x80, 0x91, "the DMA controller" },
	{ 0x92, 0x92, "the fast reset" },
	{ 0x93, 0x9f, "the DMA controller" },
	{ 0xa0, 0xbf, "the interrupt controller" },
	{ 0xc0, 0xdf, "the DMA controller" },
	{ 0x4d0, 0x4d1, "the interrupt controller" },
	{ 0xcf8, 0xcff, "the configuration of PCI" },
};

static const struct port_rule *
port_rule_of(uint64_t first, uint64_t count)
{
	for (size_t i = 0; i < BX_ARRAY_COUNT(port_rules); i++)
		if (first <= port_rules[i].last && first + count > port_rules[i].first)
			return &port_rules[i];
	return NULL;
}

const char *
system_ports_of(uint64_t first, uint64_t count)
{
	const struct port_rule *rule = port_rule_of(first, count);

	return rule != NULL ? rule->of : NULL;
}

static void
check_ports(const struct system_object *object, struct diagnostics *diagnostics)
{
	const struct port_rule *rule = port_rule_of(object->a, object->b);

	if (rule != NULL)
		complain(diagnostics, object->at, "object %s has ports of %s (0x%" PRIx64 " to 0x%" PRIx64 "), "
		    "which no program may have", object->name, rule->of, rule->first, rule->last);
}

/* Where an ISA line arrives, the firmware says when the machine starts. */
static bool
lines_may_be_one(const struct system_object *one, const struct system_object *other)
{
	return ((one->b ^ other->b) & BX_IRQ_ISA) != 0 && one->a < 24 && other->a < 24;
}

static void
check_object(struct system_model *model, uint32_t index, struct diagnostics *diagnostics)
{
	struct system_object *object = &model->objects[index];

	if (object->kind == BX_OBJECT_THREAD || object->kind == BX_OBJECT_CSPACE) {
		uint32_t program = system_program_find(model, object->program_name != NULL ?
		    object->program_name : "");

		if (program == BX_SYSIMAGE_NONE)
			complain(diagnostics, object->at, "object %s: there is no program \"%s\"", object->name,
			    object->program_name != NULL ? object->program_name : "");
		else if (object->b >= model->programs[program].thread_count)
			complain(diagnostics, object->at, "object %s: program %s has threads 0 to %u only",
			    object->name, object->program_name, model->programs[program].thread_count - 1);
		else
			object->a = program;
	}
	if (object->kind == BX_OBJECT_IOPORT)
		check_ports(object, diagnostics);
	for (uint32_t i = 0; i < index; i++) {
		const struct system_object *other = &model->objects[i];

		if (other->kind != object->kind)
			continue;
		if (object->kind == BX_OBJECT_IOPORT && ports_overlap(object, other))
			complain(diagnostics, object->at, "objects %s and %s have ports in common",
			    object->name, other->name);
		if (object->kind == BX_OBJECT_IRQ && object->a == other->a)
			complain(diagnostics, object->at, "objects %s and %s are the same interrupt line",
			    object->name, other->name);
		else if (object->kind == BX_OBJECT_IRQ && lines_may_be_one(object, other))
			complain(diagnostics, object->at, "objects %s and %s may be the same interrupt line: one of "
			    "them is isa", object->name, other->name);
		if (object->kind == BX_OBJECT_DEVICE && object->a == other->a)
			complain(diagnostics, object->at, "objects %s and %s are the same device",
			    object->name, other->name);
	}
}

/* The range of a spawn capability, from the list of its programs. */
static void
resolve_spawn(const struct system_model *model, struct system_capability *capability,
    struct diagnostics *diagnostics)
{
	const config_setting_t *list = capability->programs;

	if (list == NULL)
		return;
	if (capability->count != 0) {
		complain(diagnostics, list, "capability %s has programs, and first and count: one of them",
		    capability->name);
		return;
	}
	if (config_setting_is_aggregate(list) == 0 || config_setting_is_group(list) != 0 ||
	    config_setting_length(list) == 0) {
		complain(diagnostics, list, "capability %s needs programs = [ \"NAME\", ... ]",
		    capability->name);
		return;
	}
	for (int i = 0; i < config_setting_length(list); i++) {
		const char *name = config_setting_get_string_elem(list, i);
		uint32_t program = name != NULL ? system_program_find(model, name) : BX_SYSIMAGE_NONE;

		if (program == BX_SYSIMAGE_NONE) {
			complain(diagnostics, list, "capability %s: there is no program \"%s\"",
			    capability->name, name != NULL ? name : "(not a string)");
			return;
		}
		if (i == 0) {
			capability->first = program;
		} else if (program != capability->first + (unsigned)i) {
			complain(diagnostics, list,
			    "capability %s: its programs must follow each other as the manifest has them, "
			    "but %s does not", capability->name, name);
			return;
		}
	}
	capability->count = (uint64_t)config_setting_length(list);
}

static uint64_t
range_end(const struct system_model *model, const struct system_object *object)
{
	switch (object->kind) {
	case BX_OBJECT_MEMORY:
		return object->a;
	case BX_OBJECT_IOPORT:
		return object->b;
	case BX_OBJECT_SPAWN:
		return model->program_count;
	default:
		return 0;
	}
}

static void
check_range(const struct system_model *model, struct system_capability *capability,
    struct diagnostics *diagnostics)
{
	const struct system_object *object = &model->objects[capability->object];
	const struct kind_rule *rule = rule_of(object->kind);

	if (capability->programs != NULL && object->kind != BX_OBJECT_SPAWN) {
		complain(diagnostics, capability->at, "capability %s: programs are for spawn capabilities",
		    capability->name);
		return;
	}
	resolve_spawn(model, capability, diagnostics);
	if (capability->count == 0)
		return;
	if (!rule->has_range)
		complain(diagnostics, capability->at, "capability %s: %s %s has no range", capability->name,
		    object_kind_name(object->kind), object->name);
	else if (!bx_range_fits(capability->first, capability->count, range_end(model, object)))
		complain(diagnostics, capability->at,
		    "capability %s: first %" PRIu64 ", count %" PRIu64 " is not inside %s %s (0 to %" PRIu64 ")",
		    capability->name, capability->first, capability->count, object_kind_name(object->kind),
		    object->name, range_end(model, object) - 1);
}

/* A badge tells a server its client, and a notification which bits to set.  When the manifest gives
 * none it is made from the program's number: number + 1 for an endpoint, bit number for a
 * notification; so no two clients look alike by accident. */
static void
choose_badge(const struct system_model *model, uint32_t program, struct system_capability *capability,
    struct diagnostics *diagnostics)
{
	enum bx_sysimage_object_kind kind = model->objects[capability->object].kind;

	if (capability->badge_given) {
		if (kind == BX_OBJECT_NOTIFICATION && capability->badge == 0 &&
		    (capability->rights & BX_RIGHT_WRITE) != 0)
			complain(diagnostics, capability->at,
			    "capability %s: with badge 0 its signals would set no bit", capability->name);
		if (kind != BX_OBJECT_NOTIFICATION && kind != BX_OBJECT_ENDPOINT)
			complain(diagnostics, capability->at, "capability %s: a badge is for endpoints and "
			    "notifications", capability->name);
		return;
	}
	if ((capability->rights & BX_RIGHT_WRITE) == 0)
		return;
	if (kind == BX_OBJECT_ENDPOINT)
		capability->badge = (uint64_t)program + 1;
	else if (kind == BX_OBJECT_NOTIFICATION && program < 64)
		capability->badge = UINT64_C(1) << program;
	else if (kind == BX_OBJECT_NOTIFICATION)
		complain(diagnostics, capability->at,
		    "capability %s: program number %u has no bit of its own; give a badge", capability->name,
		    program);
}

/* What is lent has its lender for a holder, who may stand after the borrower. */
static void
check_holders(const struct system_model *model, uint32_t program,
    const struct system_capability *capability, struct diagnostics *diagnostics)
{
	const struct system_object *object = &model->objects[capability->object];

	if (!system_kind_has_one_holder(object->kind))
		return;
	for (uint32_t i = 0; i < program; i++) {
		const struct system_program *other = &model->programs[i];

		for (uint32_t j = 0; j < other->capability_count; j++)
			if (other->capabilities[j].object == capability->object &&
			    other->capabilities[j].lender == 0)
				complain(diagnostics, capability->at,
				    "capability %s: %s %s is held by program %s already, and can have one "
				    "holder only", capability->name, object_kind_name(object->kind), object->name,
				    other->name);
	}
}

/* Its server knows a client by the badge: no two have one. */
static void
check_badge(const struct system_model *model, uint32_t program, const struct system_capability *capability,
    struct diagnostics *diagnostics)
{
	for (uint32_t i = 0; i < program && (capability->rights & BX_RIGHT_WRITE) != 0; i++)
		for (uint32_t j = 0; j < model->programs[i].capability_count; j++) {
			const struct system_capability *other = &model->programs[i].capabilities[j];

			if (other->object == capability->object && other->lender == 0 &&
			    (other->rights & BX_RIGHT_WRITE) != 0 && other->badge == capability->badge)
				complain(diagnostics, capability->at, "capability %s: program %s has the badge 0x%"
				    PRIx64 " on %s already: its server could not tell them apart",
				    capability->name, model->programs[i].name, capability->badge,
				    capability->object_name);
		}
}

/* The capability that lends this one; *number is its own among all.  NULL after a complaint. */
static const struct system_capability *
lender_find(const struct system_model *model, uint32_t program,
    const struct system_capability *capability, uint32_t *number, struct diagnostics *diagnostics)
{
	const char *slash = strchr(capability->from, '/');
	size_t length = slash != NULL ? (size_t)(slash - capability->from) : 0;

	*number = 0;
	for (uint32_t i = 0; slash != NULL && i < model->program_count; i++) {
		const struct system_program *other = &model->programs[i];
		bool named = strlen(other->name) == length && memcmp(other->name, capability->from,
		    length) == 0 && i != program;

		for (uint32_t j = 0; j < other->capability_count; j++, ++*number)
			if (named && strcmp(other->capabilities[j].name, slash + 1) == 0)
				return &other->capabilities[j];
	}
	complain(diagnostics, capability->at, "capability %s: \"%s\" is no capability of another program; "
	    "write from = \"PROGRAM/CAPABILITY\"", capability->name, capability->from);
	return NULL;
}

/* Lent is what the lender has itself, or less, for as long as it has it. */
static bool
resolve_lender(const struct system_model *model, uint32_t program,
    struct system_capability *capability, struct diagnostics *diagnostics)
{
	const struct system_capability *above;
	uint32_t number;

	if (capability->from == NULL)
		return true;
	above = lender_find(model, program, capability, &number, diagnostics);
	if (above == NULL)
		return false;
	if (strcmp(capability->object_name, capability->name) != 0 &&
	    strcmp(capability->object_name, above->object_name) != 0) {
		complain(diagnostics, capability->at, "capability %s: %s is for %s, not for %s",
		    capability->name, capability->from, above->object_name, capability->object_name);
		return false;
	}
	if (above->from != NULL || above->uses != BX_CAP_USES_UNLIMITED) {
		complain(diagnostics, capability->at, "capability %s: %s is lent or counted itself",
		    capability->name, capability->from);
		return false;
	}
	if ((capability->rights & ~above->rights) != 0) {
		complain(diagnostics, capability->at, "capability %s has rights that %s has not",
		    capability->name, capability->from);
		return false;
	}
	if (capability->badge_given) {
		complain(diagnostics, capability->at, "capability %s: what is lent acts under the lender's "
		    "badge", capability->name);
		return false;
	}
	capability->badge_given = true;		/* none of its own */
	capability->object_name = above->object_name;
	capability->lender = number + 1;
	return true;
}

/* When all ranges are known: what is lent lies inside what the lender has, and is all of it when
 * nothing is said. */
static void
check_lent_range(const struct system_model *model, uint32_t program,
    struct system_capability *capability, struct diagnostics *diagnostics)
{
	const struct system_capability *above;
	uint32_t number;

	if (capability->lender == 0)
		return;
	above = lender_find(model, program, capability, &number, diagnostics);
	if (capability->count == 0) {
		capability->first = above->first;
		capability->count = above->count;
	} else if (above->count != 0 && (capability->first < above->first ||
	    !bx_range_fits(capability->first - above->first, capability->count, above->count))) {
		complain(diagnostics, capability->at, "capability %s: its range is not inside that of %s",
		    capability->name, capability->from);
	}
}

static void
check_capability(const struct system_model *model, uint32_t program, uint32_t index,
    struct diagnostics *diagnostics)
{
	struct system_capability *capability = &model->programs[program].capabilities[index];
	uint32_t useless;

	if (!resolve_lender(model, program, capability, diagnostics))
		return;
	capability->object = system_object_find(model, capability->object_name);
	if (capability->object == BX_SYSIMAGE_NONE) {
		complain(diagnostics, capability->at, "capability %s: there is no object \"%s\"",
		    capability->name, capability->object_name);
		return;
	}
	useless = capability->rights & ~rule_of(model->objects[capability->object].kind)->rights;
	if (useless != 0)
		complain(diagnostics, capability->at,
		    "capability %s: a capability of %s %s cannot have the right%s%s%s%s%s", capability->name,
		    object_kind_name(model->objects[capability->object].kind), capability->object_name,
		    (useless & BX_RIGHT_READ) != 0 ? " read" : "",
		    (useless & BX_RIGHT_WRITE) != 0 ? " write" : "",
		    (useless & BX_RIGHT_GRANT) != 0 ? " grant" : "",
		    (useless & BX_RIGHT_GRANT_REPLY) != 0 ? " grant-reply" : "",
		    (useless & BX_RIGHT_EXECUTE) != 0 ? " execute" : "");
	check_range(model, capability, diagnostics);
	if (capability->lender != 0)
		return;
	choose_badge(model, program, capability, diagnostics);
	if (model->objects[capability->object].kind == BX_OBJECT_ENDPOINT)
		check_badge(model, program, capability, diagnostics);
	check_holders(model, program, capability, diagnostics);
}

/* An object of `kind` that a program names, or NONE. */
static uint32_t
resolve(const struct system_model *model, const struct system_program *program, const char *what,
    const char *name, enum bx_sysimage_object_kind kind, struct diagnostics *diagnostics)
{
	uint32_t object;

	if (name == NULL)
		return BX_SYSIMAGE_NONE;
	object = system_object_find(model, name);
	if (object == BX_SYSIMAGE_NONE || model->objects[object].kind != kind) {
		complain(diagnostics, program->at, "program %s: %s \"%s\" is no %s", program->name, what, name,
		    object_kind_name(kind));
		return BX_SYSIMAGE_NONE;
	}
	return object;
}

/* Whether the program holds something of a kind, of that object or (NONE) of any, with these rights. */
static bool
holds(const struct system_model *model, const struct system_program *program,
    enum bx_sysimage_object_kind kind, uint32_t object, uint32_t rights)
{
	for (uint32_t i = 0; i < program->capability_count; i++) {
		const struct system_capability *capability = &program->capabilities[i];

		if (capability->object != BX_SYSIMAGE_NONE && model->objects[capability->object].kind == kind &&
		    (object == BX_SYSIMAGE_NONE || capability->object == object) &&
		    (capability->rights & rights) == rights)
			return true;
	}
	return false;
}

static bool
may_start(const struct system_model *model, const struct system_program *program, uint32_t index)
{
	for (uint32_t i = 0; i < program->capability_count; i++) {
		const struct system_capability *capability = &program->capabilities[i];

		if (capability->object != BX_SYSIMAGE_NONE &&
		    model->objects[capability->object].kind == BX_OBJECT_SPAWN &&
		    (capability->rights & BX_RIGHT_WRITE) != 0 && (capability->count == 0 ||
		    (index >= capability->first && index - capability->first < capability->count)))
			return true;
	}
	return false;
}

/* Whether somebody who may start `index` holds that, too.  Kind SPAWN: who may start it does. */
static bool
starter_holds(const struct system_model *model, uint32_t index, enum bx_sysimage_object_kind kind,
    uint32_t object, uint32_t rights)
{
	for (uint32_t i = 0; i < model->program_count; i++)
		if (may_start(model, &model->programs[i], index) &&
		    holds(model, &model->programs[i], kind, object, rights))
			return true;
	return false;
}

/* Whether it has a notification to signal that who may start it waits for. */
static bool
can_tell_ready(const struct system_model *model, uint32_t index)
{
	const struct system_program *program = &model->programs[index];

	for (uint32_t object = 0; object < model->object_count; object++)
		if (model->objects[object].kind == BX_OBJECT_NOTIFICATION &&
		    holds(model, program, BX_OBJECT_NOTIFICATION, object, BX_RIGHT_WRITE) &&
		    starter_holds(model, index, BX_OBJECT_NOTIFICATION, object, BX_RIGHT_READ))
			return true;
	return false;
}

/* What is started at boot is started by somebody, who hears what it has to say. */
static void
check_start(const struct system_model *model, uint32_t index, struct diagnostics *diagnostics)
{
	const struct system_program *program = &model->programs[index];
	const config_setting_t *at = config_setting_get_member(program->at, "autostart");
	const config_setting_t *ready = config_setting_get_member(program->at, "ready");

	if ((program->flags & BX_PROGRAM_AUTOSTART) != 0 &&
	    !starter_holds(model, index, BX_OBJECT_SPAWN, BX_SYSIMAGE_NONE, BX_RIGHT_WRITE))
		complain(diagnostics, at, "program %s is to be started at boot, but nobody may start it",
		    program->name);
	else if ((program->flags & BX_PROGRAM_SIGNALS_READY) != 0 && !can_tell_ready(model, index))
		complain(diagnostics, ready, "program %s is to say that it is ready, but holds no notification "
		    "with write that who may start it holds with read", program->name);
}

/* Said at the policy: it promises what nobody could do. */
static void
check_restart(const struct system_model *model, uint32_t index, struct diagnostics *diagnostics)
{
	const struct system_program *program = &model->programs[index];
	const config_setting_t *at;

	if ((program->flags & BX_PROGRAM_RESTART) == 0)
		return;
	at = config_setting_get_member(program->at, "restart");
	if (index == 0)
		complain(diagnostics, at, "program %s is started by the kernel, once: nobody could start it "
		    "again", program->name);
	if (program->exit_object == BX_SYSIMAGE_NONE)
		complain(diagnostics, at, "program %s has a restart policy, but nobody would hear that it has "
		    "ended: it needs exit = \"NOTIFICATION\"", program->name);
	else if (index != 0 && !starter_holds(model, index, BX_OBJECT_NOTIFICATION, program->exit_object,
	    BX_RIGHT_READ))
		complain(diagnostics, at, "program %s has a restart policy, but nobody who may start it holds %s, "
		    "which tells of its end, with read", program->name, program->exit_name);
	if (program->restart_exhausted == BX_EXHAUSTED_HALT &&
	    !starter_holds(model, index, BX_OBJECT_DEVICE, BX_SYSIMAGE_NONE, BX_RIGHT_WRITE))
		complain(diagnostics, at, "program %s: its end is to halt the machine, but nobody who may start "
		    "it holds a device of kind platform", program->name);
}

static void
check_program(struct system_model *model, uint32_t index, struct diagnostics *diagnostics)
{
	struct system_program *program = &model->programs[index];

	for (uint32_t i = 0; i < index; i++)
		if (strcmp(model->programs[i].name, program->name) == 0)
			complain(diagnostics, program->at, "there are two programs of the name %s",
			    program->name);
	if ((program->flags & BX_PROGRAM_OPEN_SPACE) != 0 && (model->flags & BX_SYSTEM_RESEARCH) == 0)
		complain(diagnostics, program->at, "program %s has an open capability space, so that what it "
		    "may do does not all stand here; only a system with research = true may have one",
		    program->name);
	program->fault_object = resolve(model, program, "fault", program->fault_name, BX_OBJECT_ENDPOINT,
	    diagnostics);
	program->exit_object = resolve(model, program, "exit", program->exit_name,
	    BX_OBJECT_NOTIFICATION, diagnostics);
	if (program->exit_object != BX_SYSIMAGE_NONE && index >= 64)
		complain(diagnostics, program->at,
		    "program %s: only the first 64 programs have a bit to signal their end", program->name);
	for (uint32_t i = 0; i < program->capability_count; i++)
		check_capability(model, index, i, diagnostics);
}

/* Who calls waits for a reply, which its server needs a slot for. */
static void
check_replies(const struct system_model *model, uint32_t object, const struct system_program *server,
    struct diagnostics *diagnostics)
{
	const uint32_t calls = BX_RIGHT_WRITE | BX_RIGHT_GRANT_REPLY;

	for (uint32_t i = 0; server->reply_count == 0 && i < model->program_count; i++) {
		const struct system_program *client = &model->programs[i];

		for (uint32_t j = 0; j < client->capability_count; j++)
			if (client->capabilities[j].object == object &&
			    (client->capabilities[j].rights & calls) == calls)
				complain(diagnostics, client->capabilities[j].at,
				    "capability %s: program %s may call %s, which has no slots for replies",
				    client->capabilities[j].name, client->name, server->name);
	}
}

/* One endpoint, one server: two programs that receive on it would answer for each other. */
static void
check_servers(const struct system_model *model, struct diagnostics *diagnostics)
{
	for (uint32_t object = 0; object < model->object_count; object++) {
		const struct system_program *server = NULL;

		if (model->objects[object].kind != BX_OBJECT_ENDPOINT)
			continue;
		for (uint32_t i = 0; i < model->program_count; i++) {
			const struct system_program *program = &model->programs[i];

			for (uint32_t j = 0; j < program->capability_count; j++) {
				const struct system_capability *capability = &program->capabilities[j];

				if (capability->object != object || capability->lender != 0 ||
				    (capability->rights & BX_RIGHT_READ) == 0)
					continue;
				if (server != NULL && server != program)
					complain(diagnostics, capability->at,
					    "capability %s: endpoint %s is served by program %s already",
					    capability->name, model->objects[object].name, server->name);
				server = program;
			}
		}
		if (server != NULL)
			check_replies(model, object, server, diagnostics);
		else
			complain(diagnostics, model->objects[object].at, "endpoint %s has no server: no program "
			    "holds it with the right read", model->objects[object].name);
	}
}

void
system_check(struct system_model *model, struct diagnostics *diagnostics)
{
	check_limits(model, diagnostics);
	check_fpu(model, diagnostics);
	for (uint32_t i = 0; i < model->object_count; i++)
		check_object(model, i, diagnostics);
	for (uint32_t i = 0; i < model->program_count; i++)
		check_program(model, i, diagnostics);
	for (uint32_t i = 0; i < model->program_count; i++)
		for (uint32_t j = 0; j < model->programs[i].capability_count; j++)
			check_lent_range(model, i, &model->programs[i].capabilities[j], diagnostics);
	for (uint32_t i = 0; i < model->program_count; i++) {
		check_start(model, i, diagnostics);
		check_restart(model, i, diagnostics);
	}
	check_servers(model, diagnostics);
}
