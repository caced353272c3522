/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * read.c -- libconfig's tree to the model.  One table a kind of setting says which keys there are;
 * a key that is in no table is an error, so that a misspelt limit is never silently unlimited.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <brainix/cap.h>

#include "mksystem.h"

#define FREE_SLOTS_DEFAULT	16
#define FREE_SLOTS_MAX		32768
#define RESTARTS_DEFAULT	5
#define RESTART_WITHIN_US_DEFAULT 60000000

void
complain(struct diagnostics *diagnostics, const config_setting_t *at, const char *format, ...)
{
	const char *file = config_setting_source_file(at);
	unsigned line = config_setting_source_line(at);
	va_list arguments;

	/* The whole manifest has no line of its own: what it lacks is said of its first. */
	fprintf(diagnostics->out, "%s:%u: error: ", file != NULL ? file : diagnostics->path,
	    line != 0 ? line : 1);
	va_start(arguments, format);
	vfprintf(diagnostics->out, format, arguments);
	va_end(arguments);
	fputc('\n', diagnostics->out);
	diagnostics->errors++;
}

int
system_parse(config_t *config, const char *tool, struct diagnostics *diagnostics)
{
	const char *manifest = diagnostics->path;
	struct stat status;

	if (stat(manifest, &status) == 0 && S_ISDIR(status.st_mode)) {
		fprintf(stderr, "%s: %s: %s\n", tool, manifest, strerror(EISDIR));
		return 2;
	}
	if (!literals_check(diagnostics))
		return 1;
	if (config_read_file(config, manifest) != CONFIG_FALSE)
		return 0;
	if (config_error_type(config) == CONFIG_ERR_FILE_IO) {
		fprintf(stderr, "%s: %s: %s\n", tool, manifest, strerror(errno));
		return 2;
	}
	fprintf(stderr, "%s:%d: error: %s\n",
	    config_error_file(config) != NULL ? config_error_file(config) : manifest,
	    config_error_line(config), config_error_text(config));
	return 1;
}

/* Where a setting stands, as people say it: "program init", "object uart". */
struct place {
	struct diagnostics *diagnostics;
	const config_setting_t *group;
	const char *what, *name;
};

static bool
is_group(const struct place *place)
{
	if (config_setting_is_group(place->group))
		return true;
	complain(place->diagnostics, place->group, "%s %s is not a group { ... }", place->what,
	    place->name);
	return false;
}

static void
known_keys_only(const struct place *place, const char *const *keys)
{
	for (int i = 0; i < config_setting_length(place->group); i++) {
		const config_setting_t *member = config_setting_get_elem(place->group, (unsigned)i);
		const char *key = config_setting_name(member);
		const char *const *known = keys;

		while (*known != NULL && strcmp(*known, key) != 0)
			known++;
		if (*known == NULL)
			complain(place->diagnostics, member, "%s %s has no setting \"%s\"",
			    place->what, place->name, key);
	}
}

static bool
integer_of(const config_setting_t *setting, uint64_t *value)
{
	int type = config_setting_type(setting);
	long long read;

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
		return false;
	read = config_setting_get_int64(setting);
	if (read < 0)
		return false;
	*value = (uint64_t)read;
	return true;
}

/* The number `key`, in [low, high]; `fallback` when it is absent or wrong. */
static uint64_t
number(const struct place *place, const char *key, uint64_t low, uint64_t high, uint64_t fallback)
{
	const config_setting_t *setting = config_setting_get_member(place->group, key);
	uint64_t value;

	if (setting == NULL)
		return fallback;
	if (!integer_of(setting, &value)) {
		complain(place->diagnostics, setting, "%s of %s %s is not a whole number from 0 up", key,
		    place->what, place->name);
		return fallback;
	}
	if (value < low || value > high) {
		complain(place->diagnostics, setting,
		    "%s of %s %s is %" PRIu64 ", but must lie from %" PRIu64 " to %" PRIu64, key,
		    place->what, place->name, value, low, high);
		return fallback;
	}
	return value;
}

/* The setting `key`, which must be there; its group, after a complaint, when it is not. */
static const config_setting_t *
required(const struct place *place, const char *key)
{
	const config_setting_t *setting = config_setting_get_member(place->group, key);

	if (setting != NULL)
		return setting;
	complain(place->diagnostics, place->group, "%s %s needs a setting \"%s\"", place->what, place->name,
	    key);
	return place->group;
}

static uint64_t
required_number(const struct place *place, const char *key, uint64_t low, uint64_t high)
{
	(void)required(place, key);
	return number(place, key, low, high, low);
}

static bool
boolean(const struct place *place, const char *key)
{
	const config_setting_t *setting = config_setting_get_member(place->group, key);

	if (setting == NULL)
		return false;
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL) {
		complain(place->diagnostics, setting, "%s of %s %s is neither true nor false", key,
		    place->what, place->name);
		return false;
	}
	return config_setting_get_bool(setting) != 0;
}

static const char *
text(const struct place *place, const char *key, const char *fallback)
{
	const config_setting_t *setting = config_setting_get_member(place->group, key);

	if (setting == NULL)
		return fallback;
	if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
		complain(place->diagnostics, setting, "%s of %s %s is not a string", key, place->what,
		    place->name);
		return fallback;
	}
	return config_setting_get_string(setting);
}

/* A name that fits the image: 1..BX_NAME_MAX-1 letters, digits, '-', '_', '.', the first a letter or digit: it may
 * be a file's name, and an argument of tools. */
static void
check_name(struct diagnostics *diagnostics, const config_setting_t *at, const char *what,
    const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= BX_NAME_MAX)
		complain(diagnostics, at, "the name \"%s\" of %s is not 1 to %d characters long", name,
		    what, BX_NAME_MAX - 1);
	else if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") !=
	    length)
		complain(diagnostics, at,
		    "the name \"%s\" of %s has a character other than letters, digits, - _ .", name, what);
	else if (strchr("-_.", name[0]) != NULL)
		complain(diagnostics, at, "the name \"%s\" of %s does not begin with a letter or digit", name,
		    what);
}

/* The name that `key` gives, which must be there and fit the image. */
static const char *
required_name(const struct place *place, const char *key, const char *what)
{
	const config_setting_t *setting = required(place, key);
	const char *name = text(place, key, "");

	if (setting != place->group && config_setting_type(setting) == CONFIG_TYPE_STRING)
		check_name(place->diagnostics, setting, what, name);
	return name;
}

static void *
array_of(uint32_t count, size_t size)
{
	return calloc(count != 0 ? count : 1, size);
}

/* ---- objects --------------------------------------------------------------------------------- */

static const struct object_kind {
	enum bx_sysimage_object_kind kind;
	const char *name;
	const char *const *keys;
} object_kinds[] = {
	{ BX_OBJECT_ENDPOINT, "endpoint", (const char *const[]){ "kind", NULL } },
	{ BX_OBJECT_NOTIFICATION, "notification", (const char *const[]){ "kind", NULL } },
	{ BX_OBJECT_MEMORY, "memory", (const char *const[]){ "kind", "pages", NULL } },
	{ BX_OBJECT_IRQ, "irq",
	    (const char *const[]){ "kind", "line", "isa", "level", "active_low", NULL } },
	{ BX_OBJECT_IOPORT, "ioport", (const char *const[]){ "kind", "first", "count", NULL } },
	{ BX_OBJECT_DEVICE, "device", (const char *const[]){ "kind", "device", NULL } },
	{ BX_OBJECT_AUDIT, "audit", (const char *const[]){ "kind", NULL } },
	{ BX_OBJECT_CLOCK, "clock", (const char *const[]){ "kind", NULL } },
	{ BX_OBJECT_SPAWN, "spawn", (const char *const[]){ "kind", NULL } },
	{ BX_OBJECT_THREAD, "thread", (const char *const[]){ "kind", "program", "number", NULL } },
	{ BX_OBJECT_CSPACE, "cspace", (const char *const[]){ "kind", "program", NULL } },
};

const char *
object_kind_name(enum bx_sysimage_object_kind kind)
{
	for (size_t i = 0; i < BX_ARRAY_COUNT(object_kinds); i++)
		if (object_kinds[i].kind == kind)
			return object_kinds[i].name;
	return "?";
}

enum bx_cap_type
object_cap_type(enum bx_sysimage_object_kind kind)
{
	switch (kind) {
	case BX_OBJECT_ENDPOINT:	return BX_CAP_ENDPOINT;
	case BX_OBJECT_NOTIFICATION:	return BX_CAP_NOTIFICATION;
	case BX_OBJECT_MEMORY:		return BX_CAP_MEMORY;
	case BX_OBJECT_IRQ:		return BX_CAP_IRQ;
	case BX_OBJECT_IOPORT:		return BX_CAP_IOPORT;
	case BX_OBJECT_DEVICE:		return BX_CAP_DEVICE;
	case BX_OBJECT_AUDIT:		return BX_CAP_AUDIT_READ;
	case BX_OBJECT_CLOCK:		return BX_CAP_CLOCK;
	case BX_OBJECT_SPAWN:		return BX_CAP_SPAWN;
	case BX_OBJECT_THREAD:		return BX_CAP_THREAD;
	case BX_OBJECT_CSPACE:		return BX_CAP_CSPACE;
	}
	return BX_CAP_NONE;
}

static const struct object_kind *
object_kind_find(const char *name)
{
	for (size_t i = 0; i < BX_ARRAY_COUNT(object_kinds); i++)
		if (strcmp(object_kinds[i].name, name) == 0)
			return &object_kinds[i];
	return NULL;
}

static void
read_device(const struct place *place, struct system_object *object)
{
	const config_setting_t *setting = required(place, "device");
	const char *device = text(place, "device", NULL);

	if (device == NULL)
		return;
	if (strcmp(device, "platform") != 0) {
		complain(place->diagnostics, setting,
		    "object %s: there is no device \"%s\" (there is: platform)", place->name, device);
		return;
	}
	object->a = BX_DEVICE_PLATFORM;
}

static void
read_object_details(const struct place *place, struct system_object *object)
{
	switch (object->kind) {
	case BX_OBJECT_MEMORY:
		object->a = required_number(place, "pages", 1, 65536);
		break;
	case BX_OBJECT_IRQ:
		object->a = required_number(place, "line", 0, 255);
		object->b = (boolean(place, "isa") ? BX_IRQ_ISA : 0u) |
		    (boolean(place, "level") ? BX_IRQ_LEVEL : 0u) |
		    (boolean(place, "active_low") ? BX_IRQ_ACTIVE_LOW : 0u);
		if ((object->b & BX_IRQ_ISA) != 0 && object->a > 15)
			complain(place->diagnostics, place->group,
			    "object %s: ISA lines are 0 to 15", place->name);
		break;
	case BX_OBJECT_IOPORT:
		object->a = required_number(place, "first", 0, 65535);
		object->b = required_number(place, "count", 1, 65536);
		if (!bx_range_fits(object->a, object->b, 65536))
			complain(place->diagnostics, place->group,
			    "object %s: the ports end beyond 0xffff", place->name);
		break;
	case BX_OBJECT_DEVICE:
		read_device(place, object);
		break;
	case BX_OBJECT_THREAD:
	case BX_OBJECT_CSPACE:
		(void)required(place, "program");
		object->program_name = text(place, "program", "");
		object->b = number(place, "number", 0, 255, 0);
		break;
	case BX_OBJECT_ENDPOINT:
	case BX_OBJECT_NOTIFICATION:
	case BX_OBJECT_AUDIT:
	case BX_OBJECT_CLOCK:
	case BX_OBJECT_SPAWN:
		break;
	}
}

static void
read_object(struct diagnostics *diagnostics, const config_setting_t *setting,
    struct system_object *object)
{
	struct place place = { diagnostics, setting, "object", config_setting_name(setting) };
	const config_setting_t *at;
	const struct object_kind *kind;
	const char *kind_name;

	object->at = setting;
	object->name = place.name;
	object->kind = BX_OBJECT_ENDPOINT;
	check_name(diagnostics, setting, "an object", object->name);
	if (!is_group(&place))
		return;
	at = required(&place, "kind");
	kind_name = text(&place, "kind", NULL);
	if (kind_name == NULL)
		return;
	kind = object_kind_find(kind_name);
	if (kind == NULL) {
		complain(diagnostics, at, "object %s is of no known kind: \"%s\"", place.name, kind_name);
		return;
	}
	object->kind = kind->kind;
	known_keys_only(&place, kind->keys);
	read_object_details(&place, object);
}

/* ---- capabilities ---------------------------------------------------------------------------- */

static const struct right_name {
	const char *name;
	uint32_t right;
} right_names[] = {
	{ "read", BX_RIGHT_READ },
	{ "write", BX_RIGHT_WRITE },
	{ "grant", BX_RIGHT_GRANT },
	{ "grant-reply", BX_RIGHT_GRANT_REPLY },
	{ "execute", BX_RIGHT_EXECUTE },
};

static uint32_t
right_find(const char *name)
{
	for (size_t i = 0; i < BX_ARRAY_COUNT(right_names); i++)
		if (strcmp(right_names[i].name, name) == 0)
			return right_names[i].right;
	return 0;
}

static uint32_t
read_rights(const struct place *place)
{
	const config_setting_t *setting = config_setting_get_member(place->group, "rights");
	uint32_t rights = 0;

	if (setting == NULL || config_setting_is_aggregate(setting) == 0 ||
	    config_setting_is_group(setting) != 0 || config_setting_length(setting) == 0) {
		complain(place->diagnostics, setting != NULL ? setting : place->group,
		    "%s %s needs rights = [ \"read\", ... ]", place->what, place->name);
		return 0;
	}
	for (int i = 0; i < config_setting_length(setting); i++) {
		const char *name = config_setting_get_string_elem(setting, i);
		uint32_t right = name != NULL ? right_find(name) : 0;

		if (right == 0)
			complain(place->diagnostics, setting, "%s %s: there is no right \"%s\"",
			    place->what, place->name, name != NULL ? name : "(not a string)");
		else if ((rights & right) != 0)
			complain(place->diagnostics, setting, "%s %s: the right \"%s\" is said twice",
			    place->what, place->name, name);
		rights |= right;
	}
	return rights;
}

uint32_t
system_read_rights(const config_setting_t *group, const char *what, const char *name,
    struct diagnostics *diagnostics)
{
	return read_rights(&(struct place){ diagnostics, group, what, name });
}

static void
read_capability(struct diagnostics *diagnostics, const config_setting_t *setting,
    struct system_capability *capability)
{
	static const char *const keys[] = { "object", "rights", "badge", "uses", "lifetime_us", "first",
		"count", "programs", "from", NULL };
	struct place place = { diagnostics, setting, "capability", config_setting_name(setting) };

	capability->at = setting;
	capability->name = place.name;
	capability->object_name = place.name;
	capability->object = BX_SYSIMAGE_NONE;
	check_name(diagnostics, setting, "a capability", capability->name);
	if (!is_group(&place))
		return;
	known_keys_only(&place, keys);
	capability->object_name = text(&place, "object", place.name);
	capability->from = text(&place, "from", NULL);
	capability->rights = read_rights(&place);
	capability->badge_given = config_setting_get_member(setting, "badge") != NULL;
	capability->badge = number(&place, "badge", 0, INT64_MAX, 0);
	capability->uses = (uint32_t)number(&place, "uses", 0, BX_CAP_USES_UNLIMITED - 1,
	    BX_CAP_USES_UNLIMITED);
	capability->lifetime_us = number(&place, "lifetime_us", 1, UINT64_C(1) << 50, 0);
	capability->first = number(&place, "first", 0, INT64_MAX, 0);
	capability->count = number(&place, "count", 1, INT64_MAX, 0);
	if (capability->first != 0 && config_setting_get_member(setting, "count") == NULL)
		complain(diagnostics, setting, "capability %s has first but no count", place.name);
	capability->programs = config_setting_get_member(setting, "programs");
}

static bool
read_capabilities(const struct place *place, struct system_program *program)
{
	const config_setting_t *setting = config_setting_get_member(place->group, "capabilities");

	if (setting == NULL)
		return true;
	if (!config_setting_is_group(setting)) {
		complain(place->diagnostics, setting, "capabilities of program %s is not a group { ... }",
		    place->name);
		return true;
	}
	program->capability_count = (uint32_t)config_setting_length(setting);
	program->capabilities = array_of(program->capability_count, sizeof *program->capabilities);
	if (program->capabilities == NULL)
		return false;
	for (uint32_t i = 0; i < program->capability_count; i++)
		read_capability(place->diagnostics, config_setting_get_elem(setting, i),
		    &program->capabilities[i]);
	return true;
}

/* ---- programs -------------------------------------------------------------------------------- */

/* Sealed is what a space is when nothing is said.  Only an open one has a use for free slots. */
static void
read_space(const struct place *place, struct system_program *program)
{
	const char *space = text(place, "space", "sealed");
	const config_setting_t *slots = config_setting_get_member(place->group, "slots");

	if (strcmp(space, "open") == 0) {
		program->flags |= BX_PROGRAM_OPEN_SPACE;
		program->free_slots = (uint32_t)number(place, "slots", 0, FREE_SLOTS_MAX,
		    FREE_SLOTS_DEFAULT);
		return;
	}
	if (strcmp(space, "sealed") != 0)
		complain(place->diagnostics, place->group, "program %s: space is \"sealed\" or \"open\", "
		    "not \"%s\"", place->name, space);
	if (slots != NULL)
		complain(place->diagnostics, slots, "program %s: slots are for open spaces: nothing ever comes "
		    "into free slots of a sealed one", place->name);
}

/* Both settings, or none; or a budget of nothing, alone: a passive program. */
static void
read_budget(const struct place *place, struct system_program *program)
{
	bool limited = config_setting_get_member(place->group, "budget_us") != NULL;
	bool periodic = config_setting_get_member(place->group, "period_us") != NULL;
	unsigned errors = place->diagnostics->errors;

	program->budget_us = (uint32_t)number(place, "budget_us", 0, BX_SYSIMAGE_PERIOD_US_MAX, 0);
	program->period_us = (uint32_t)number(place, "period_us", BX_SYSIMAGE_PERIOD_US_MIN,
	    BX_SYSIMAGE_PERIOD_US_MAX, 0);
	if (place->diagnostics->errors != errors)
		return;
	if (limited && !periodic && program->budget_us == 0)
		program->flags |= BX_PROGRAM_PASSIVE;
	else if (limited != periodic)
		complain(place->diagnostics, place->group,
		    "program %s needs both budget_us and period_us, or none, or budget_us = 0 alone",
		    place->name);
	else if (limited && program->budget_us < BX_SYSIMAGE_BUDGET_US_MIN)
		complain(place->diagnostics, place->group, "program %s has a budget below %d us",
		    place->name, BX_SYSIMAGE_BUDGET_US_MIN);
	else if (program->budget_us > program->period_us)
		complain(place->diagnostics, place->group,
		    "program %s has a budget longer than its period", place->name);
}

/* restart = true: the usual policy; restart = { ... }: one of its own; false or nothing: none. */
static void
read_restart(const struct place *place, struct system_program *program)
{
	static const char *const keys[] = { "times", "within_us", "backoff_us", "exhausted", NULL };
	const config_setting_t *setting = config_setting_get_member(place->group, "restart");
	struct place policy = { place->diagnostics, setting, "restart of program", place->name };
	const char *exhausted = "stop";

	if (setting == NULL)
		return;
	program->restart_times = RESTARTS_DEFAULT;
	program->restart_within_us = RESTART_WITHIN_US_DEFAULT;
	if (config_setting_is_group(setting)) {
		known_keys_only(&policy, keys);
		program->restart_times = (uint32_t)number(&policy, "times", 0, BX_SYSIMAGE_RESTARTS_MAX,
		    RESTARTS_DEFAULT);
		program->restart_within_us = (uint32_t)number(&policy, "within_us",
		    BX_SYSIMAGE_RESTART_US_MIN, BX_SYSIMAGE_RESTART_US_MAX, RESTART_WITHIN_US_DEFAULT);
		program->restart_backoff_us = (uint32_t)number(&policy, "backoff_us", 0,
		    BX_SYSIMAGE_RESTART_US_MAX, 0);
		exhausted = text(&policy, "exhausted", "stop");
	} else if (config_setting_type(setting) != CONFIG_TYPE_BOOL) {
		complain(place->diagnostics, setting, "restart of program %s is neither true, false nor a "
		    "group { times = ...; }", place->name);
	} else if (config_setting_get_bool(setting) == 0) {
		program->restart_times = program->restart_within_us = 0;
		return;
	}
	program->flags |= BX_PROGRAM_RESTART;
	program->restart_exhausted = strcmp(exhausted, "halt") == 0 ? BX_EXHAUSTED_HALT : BX_EXHAUSTED_STOP;
	if (program->restart_exhausted == BX_EXHAUSTED_STOP && strcmp(exhausted, "stop") != 0)
		complain(place->diagnostics, setting, "restart of program %s: exhausted is \"stop\" or "
		    "\"halt\", not \"%s\"", place->name, exhausted);
	if (program->restart_backoff_us != 0 && (program->restart_times > 31 ||
	    program->restart_backoff_us > program->restart_within_us >> program->restart_times))
		complain(place->diagnostics, setting, "restart of program %s: backoff_us, doubled times times, "
		    "is longer than within_us, so that its restarts could never be used up", place->name);
}

static bool
read_program(struct diagnostics *diagnostics, const config_setting_t *setting,
    struct system_program *program)
{
	static const char *const keys[] = { "name", "binary", "priority", "priority_max", "replies",
		"threads", "frames", "stack_pages", "budget_us", "period_us", "fault", "exit", "autostart",
		"restart", "fpu", "ready", "space", "slots", "capabilities", NULL };
	struct place place = { diagnostics, setting, "program", "(unnamed)" };

	program->at = setting;
	program->name = place.name;
	program->binary = place.name;
	if (!is_group(&place))
		return true;
	program->name = required_name(&place, "name", "a program");
	place.name = program->name;
	known_keys_only(&place, keys);
	program->binary = text(&place, "binary", program->name);
	if (program->binary != program->name)
		check_name(diagnostics, config_setting_get_member(setting, "binary"), "a binary",
		    program->binary);
	program->priority = (uint32_t)required_number(&place, "priority", 0, BX_PRIORITY_COUNT - 1);
	program->priority_max = (uint32_t)number(&place, "priority_max", program->priority,
	    BX_PRIORITY_COUNT - 1, program->priority);
	program->reply_count = (uint32_t)number(&place, "replies", 0, 4096, 0);
	program->thread_count = (uint32_t)number(&place, "threads", 1,
	    BX_SYSIMAGE_PROGRAM_THREADS_MAX, 1);
	program->frame_quota = (uint32_t)required_number(&place, "frames", 8, 1u << 20);
	program->stack_pages = (uint32_t)number(&place, "stack_pages", 1, 1024, 4);
	if (program->stack_pages >= program->frame_quota)
		complain(diagnostics, setting, "program %s has a stack of %u pages, but %u frames altogether: it "
		    "could never be started", place.name, program->stack_pages, program->frame_quota);
	program->fault_name = text(&place, "fault", NULL);
	program->exit_name = text(&place, "exit", NULL);
	program->flags = (boolean(&place, "autostart") ? BX_PROGRAM_AUTOSTART : 0u) |
	    (boolean(&place, "fpu") ? BX_PROGRAM_FPU : 0u) |
	    (boolean(&place, "ready") ? BX_PROGRAM_SIGNALS_READY : 0u);
	read_space(&place, program);
	read_restart(&place, program);
	read_budget(&place, program);
	return read_capabilities(&place, program);
}

bool
system_read(const config_t *config, struct system_model *model, struct diagnostics *diagnostics)
{
	static const char *const keys[] = { "name", "audit_records", "research", "objects", "programs", "assertions", NULL };
	const config_setting_t *root = config_root_setting(config), *objects, *programs;
	struct place place = { diagnostics, root, "the", "system" };

	known_keys_only(&place, keys);
	model->at = root;
	model->name = required_name(&place, "name", "the system");
	model->audit_records = (uint32_t)number(&place, "audit_records", 16, 65536, 1024);
	model->flags = boolean(&place, "research") ? BX_SYSTEM_RESEARCH : 0u;
	objects = config_setting_get_member(root, "objects");
	if (objects != NULL && config_setting_is_group(objects))
		model->object_count = (uint32_t)config_setting_length(objects);
	else
		complain(diagnostics, objects != NULL ? objects : root,
		    "the system needs objects = { NAME = { kind = ...; }; ... }");
	programs = config_setting_get_member(root, "programs");
	model->assertions = config_setting_get_member(root, "assertions");
	if (programs != NULL && config_setting_is_list(programs) && config_setting_length(programs) > 0)
		model->program_count = (uint32_t)config_setting_length(programs);
	else
		complain(diagnostics, programs != NULL ? programs : root,
		    "the system needs programs = ( { name = ...; }, ... ), the first of them started by the kernel");
	model->objects = array_of(model->object_count, sizeof *model->objects);
	model->programs = array_of(model->program_count, sizeof *model->programs);
	if (model->objects == NULL || model->programs == NULL)
		return false;
	for (uint32_t i = 0; i < model->object_count; i++)
		read_object(diagnostics, config_setting_get_elem(objects, i), &model->objects[i]);
	for (uint32_t i = 0; i < model->program_count; i++)
		if (!read_program(diagnostics, config_setting_get_elem(programs, i), &model->programs[i]))
			return false;
	if ((model->programs[0].flags & BX_PROGRAM_PASSIVE) != 0)
		complain(diagnostics, model->programs[0].at,
		    "program %s is started by the kernel: nobody calls it who could pay", model->programs[0].name);
	return true;
}

uint32_t
system_slot_count(const struct system_program *program)
{
	return SYSTEM_FIRST_SLOT + program->capability_count + program->free_slots + program->reply_count;
}

void
system_free(struct system_model *model)
{
	for (uint32_t i = 0; model->programs != NULL && i < model->program_count; i++)
		free(model->programs[i].capabilities);
	free(model->programs);
	free(model->objects);
}
