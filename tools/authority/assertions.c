/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * assertions.c -- what must hold.  In every system: nobody waits, directly or through others, for
 * itself; a run of memory, an interrupt, a range of ports, a device is held by one program at most.
 * And what the manifest says of its own:
 *
 *	{ never = "P"; reaches = "O"; }		with rights = [...]: not with all of these
 *	{ only = [ "P", ... ]; reaches = "O"; }	likewise
 *	{ never = "P"; starts = "Q"; }		and only = [...]; starts = "Q"
 *	{ never = "P"; calls = "Q"; }		not through others either; and only = [...]; calls = "Q"
 */
#include <stdlib.h>
#include <string.h>

#include <brainix/cap.h>

#include "authority.h"

/* ---- in every system ------------------------------------------------------------------------ */

static const char *
program_name(const struct reach *reach, uint32_t program)
{
	return reach->model->programs[program].name;
}

/* Whether `from` may wait for `to`, directly or through others.  `seen` is for its use. */
static bool
calls_far(const struct reach *reach, uint32_t from, uint32_t to, bool *seen)
{
	uint32_t count = reach->model->program_count;
	bool more = true;

	memset(seen, 0, count * sizeof *seen);
	memcpy(seen, &reach->calls[from * count], count * sizeof *seen);
	while (more) {
		more = false;
		for (uint32_t i = 0; i < count; i++)
			for (uint32_t j = 0; seen[i] && j < count; j++)
				if (reach->calls[i * count + j] && !seen[j]) {
					seen[j] = true;
					more = true;
				}
	}
	return seen[to];
}

/* The next on a way from `program` back to itself: the first callee that leads there. */
static uint32_t
cycle_next(const struct reach *reach, uint32_t program, uint32_t home, bool *seen)
{
	uint32_t count = reach->model->program_count;

	if (reach->calls[program * count + home])
		return home;
	for (uint32_t next = 0; next < count; next++)
		if (next != program && reach->calls[program * count + next] &&
		    calls_far(reach, next, home, seen))
			return next;
	return home;
}

static void
check_acyclic(const struct reach *reach, struct diagnostics *diagnostics, bool *seen)
{
	uint32_t count = reach->model->program_count;

	for (uint32_t program = 0; program < count; program++) {
		char way[1024];
		size_t length;
		uint32_t at = program;

		if (!calls_far(reach, program, program, seen))
			continue;
		length = (size_t)snprintf(way, sizeof way, "%s", program_name(reach, program));
		for (uint32_t step = 0; step < count; step++) {
			at = cycle_next(reach, at, program, seen);
			if (length < sizeof way)
				length += (size_t)snprintf(way + length, sizeof way - length, " -> %s",
				    program_name(reach, at));
			if (at == program)
				break;
		}
		complain(diagnostics, reach->model->programs[program].at, "programs may wait for each other: %s",
		    way);
		return;					/* one cycle, once */
	}
}

static const char *
how(const struct reach *reach, uint32_t program, uint32_t object, char *text, size_t size)
{
	const struct reach_way *way = reach_way(reach, program, object);

	switch (way->rule) {
	case REACH_SENT:
		snprintf(text, size, "sent by %s", program_name(reach, way->from));
		break;
	case REACH_REPLIED:
		snprintf(text, size, "in a reply of %s", program_name(reach, way->from));
		break;
	case REACH_CONTROL:
		snprintf(text, size, "by a thread of %s", program_name(reach, way->from));
		break;
	case REACH_DMA:
		snprintf(text, size, "by DMA");
		break;
	default:
		snprintf(text, size, "by its own capability");
		break;
	}
	return text;
}

static void
check_holders(const struct reach *reach, struct diagnostics *diagnostics)
{
	const struct system_model *model = reach->model;
	char one[128], other[128];

	for (uint32_t object = 0; object < model->object_count; object++) {
		uint32_t holder = BX_SYSIMAGE_NONE;

		if (!system_kind_has_one_holder(model->objects[object].kind))
			continue;
		for (uint32_t program = 0; program < model->program_count; program++) {
			if (reach_way(reach, program, object)->held == 0)
				continue;
			if (holder != BX_SYSIMAGE_NONE)
				complain(diagnostics, model->objects[object].at,
				    "%s %s can be held by %s (%s) and by %s (%s)",
				    object_kind_name(model->objects[object].kind), model->objects[object].name,
				    program_name(reach, holder), how(reach, holder, object, one, sizeof one),
				    program_name(reach, program),
				    how(reach, program, object, other, sizeof other));
			else
				holder = program;
		}
	}
}

/* ---- what the manifest asserts ---------------------------------------------------------------- */

struct assertion {
	const config_setting_t *at;
	bool *named;			/* [program]: those it names */
	bool only;			/* nobody but these; else none of these */
	const char *verb;		/* "reaches", "starts", "calls" */
	uint32_t target;		/* object, or program */
	uint32_t rights;		/* of "reaches": all of these together; 0: any */
};

static bool
name_program(const struct reach *reach, struct diagnostics *diagnostics, struct assertion *assertion,
    const config_setting_t *at, const char *name)
{
	uint32_t program = name != NULL ? system_program_find(reach->model, name) : BX_SYSIMAGE_NONE;

	if (program == BX_SYSIMAGE_NONE) {
		complain(diagnostics, at, "assertion: there is no program \"%s\"",
		    name != NULL ? name : "(not a string)");
		return false;
	}
	assertion->named[program] = true;
	return true;
}

/* "never" one program, or "only" a list of them, which may be empty: nobody at all. */
static bool
read_subject(const struct reach *reach, struct diagnostics *diagnostics, struct assertion *assertion)
{
	const config_setting_t *never = config_setting_get_member(assertion->at, "never");
	const config_setting_t *only = config_setting_get_member(assertion->at, "only");
	bool good = true;

	if ((never == NULL) == (only == NULL)) {
		complain(diagnostics, assertion->at,
		    "an assertion needs never = \"PROGRAM\" or only = [ \"PROGRAM\", ... ], one of them");
		return false;
	}
	assertion->only = only != NULL;
	if (never != NULL)
		return name_program(reach, diagnostics, assertion, never, config_setting_get_string(never));
	if (config_setting_is_aggregate(only) == 0 || config_setting_is_group(only) != 0) {
		complain(diagnostics, only, "only is not a list [ \"PROGRAM\", ... ]");
		return false;
	}
	for (int i = 0; i < config_setting_length(only); i++)
		good &= name_program(reach, diagnostics, assertion, only,
		    config_setting_get_string_elem(only, i));
	return good;
}

static bool
read_verb(const struct reach *reach, struct diagnostics *diagnostics, struct assertion *assertion)
{
	static const char *const verbs[] = { "reaches", "starts", "calls" };
	const config_setting_t *found = NULL;
	const char *name;

	for (size_t i = 0; i < BX_ARRAY_COUNT(verbs); i++) {
		const config_setting_t *setting = config_setting_get_member(assertion->at, verbs[i]);

		if (setting == NULL)
			continue;
		if (found != NULL) {
			complain(diagnostics, setting, "an assertion says %s or %s, not both", assertion->verb,
			    verbs[i]);
			return false;
		}
		found = setting;
		assertion->verb = verbs[i];
	}
	if (found == NULL) {
		complain(diagnostics, assertion->at,
		    "an assertion needs reaches = \"OBJECT\", starts = \"PROGRAM\" or calls = \"PROGRAM\"");
		return false;
	}
	name = config_setting_get_string(found);
	assertion->target = name == NULL ? BX_SYSIMAGE_NONE : strcmp(assertion->verb, "reaches") == 0 ?
	    system_object_find(reach->model, name) : system_program_find(reach->model, name);
	if (assertion->target == BX_SYSIMAGE_NONE)
		complain(diagnostics, found, "assertion: there is no %s \"%s\"",
		    strcmp(assertion->verb, "reaches") == 0 ? "object" : "program",
		    name != NULL ? name : "(not a string)");
	return assertion->target != BX_SYSIMAGE_NONE;
}

static bool
read_assertion_rights(struct diagnostics *diagnostics, struct assertion *assertion)
{
	const config_setting_t *setting = config_setting_get_member(assertion->at, "rights");

	if (setting == NULL)
		return true;
	if (strcmp(assertion->verb, "reaches") != 0) {
		complain(diagnostics, setting, "assertion: rights are of what is reached");
		return false;
	}
	assertion->rights = system_read_rights(assertion->at, "an", "assertion", diagnostics);
	return assertion->rights != 0;
}

static bool
known_keys(struct diagnostics *diagnostics, const config_setting_t *at)
{
	static const char *const keys[] = { "never", "only", "reaches", "starts", "calls", "rights" };
	bool good = true;

	for (int i = 0; i < config_setting_length(at); i++) {
		const config_setting_t *member = config_setting_get_elem(at, (unsigned)i);
		size_t key = 0;

		while (key < BX_ARRAY_COUNT(keys) && strcmp(keys[key], config_setting_name(member)) != 0)
			key++;
		if (key == BX_ARRAY_COUNT(keys)) {
			complain(diagnostics, member, "an assertion has no setting \"%s\"",
			    config_setting_name(member));
			good = false;
		}
	}
	return good;
}

/* Whether the program does what the assertion speaks of. */
static bool
does(const struct reach *reach, const struct assertion *assertion, uint32_t program, bool *seen)
{
	if (strcmp(assertion->verb, "starts") == 0)
		return reach->starts[program * reach->model->program_count + assertion->target];
	if (strcmp(assertion->verb, "calls") == 0)
		return calls_far(reach, program, assertion->target, seen);
	if (assertion->rights == 0)
		return reach_way(reach, program, assertion->target)->rights != 0;
	return (reach_way(reach, program, assertion->target)->rights & assertion->rights) ==
	    assertion->rights;
}

static void
judge(const struct reach *reach, struct diagnostics *diagnostics, const struct assertion *assertion,
    bool *seen)
{
	const struct system_model *model = reach->model;
	bool object = strcmp(assertion->verb, "reaches") == 0;
	char text[128];

	for (uint32_t program = 0; program < model->program_count; program++) {
		if (assertion->named[program] == assertion->only || !does(reach, assertion, program, seen))
			continue;
		if (object)
			complain(diagnostics, assertion->at, "assertion does not hold: %s reaches %s (%s)",
			    program_name(reach, program), model->objects[assertion->target].name,
			    how(reach, program, assertion->target, text, sizeof text));
		else
			complain(diagnostics, assertion->at, "assertion does not hold: %s %s %s",
			    program_name(reach, program), assertion->verb,
			    program_name(reach, assertion->target));
	}
}

static void
check_assertion(const struct reach *reach, struct diagnostics *diagnostics,
    const config_setting_t *at, bool *named, bool *seen)
{
	struct assertion assertion = { .at = at, .named = named };

	memset(named, 0, reach->model->program_count * sizeof *named);
	if (!config_setting_is_group(at)) {
		complain(diagnostics, at, "an assertion is a group { ... }");
		return;
	}
	if (known_keys(diagnostics, at) && read_subject(reach, diagnostics, &assertion) &&
	    read_verb(reach, diagnostics, &assertion) && read_assertion_rights(diagnostics, &assertion))
		judge(reach, diagnostics, &assertion, seen);
}

bool
assertions_check(const struct reach *reach, struct diagnostics *diagnostics)
{
	const config_setting_t *list = reach->model->assertions;
	bool *named = calloc(2 * (size_t)reach->model->program_count, sizeof *named);
	bool *seen = named + reach->model->program_count;

	if (named == NULL)
		return false;
	check_acyclic(reach, diagnostics, seen);
	check_holders(reach, diagnostics);
	if (list != NULL && !config_setting_is_list(list))
		complain(diagnostics, list, "assertions are a list ( { ... }, ... )");
	else
		for (int i = 0; list != NULL && i < config_setting_length(list); i++)
			check_assertion(reach, diagnostics, config_setting_get_elem(list, (unsigned)i), named, seen);
	free(named);
	return true;
}
