/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * attack.c -- one hostile program, many attacks: `run attack NAME` tries the one of that name.
 *
 * Some take a hexadecimal number: `run attack read-address ffffffff80000000`.
 *
 * An ordinary program of a test manifest.  An attack that the processor must stop ends the program
 * by a fault, which the shell reports; one that the kernel must refuse goes on and says so.  Whatever
 * happens that must not happen is reported by a line that begins with "BREACH", for which the test
 * looks.  The last line of an attack that was refused is "attack NAME: contained".
 */
#include "attack.h"

static const struct attack *const groups[] = {
	attacks_memory, attacks_instructions, attacks_calls, attacks_exhaustion,
};

void
say(struct attacker *attacker, const char *format, ...)
{
	char line[160];
	struct bx_text text;
	va_list list;

	bx_text_init(&text, line, sizeof line);
	va_start(list, format);
	bx_text_add_list(&text, format, list);
	va_end(list);
	bx_sys_print(attacker->sys, "%s\n", line);
}

void
breach(struct attacker *attacker, const char *what)
{
	attacker->breaches++;
	say(attacker, "BREACH: %s", what);
}

uint64_t
random_next(struct attacker *attacker)
{
	/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators". */
	attacker->random ^= attacker->random >> 12;
	attacker->random ^= attacker->random << 25;
	attacker->random ^= attacker->random >> 27;
	return attacker->random * 0x2545f4914f6cdd1dull;
}

uint32_t
slot_of(struct attacker *attacker, const char *name)
{
	uint32_t slot = BX_SLOT_NONE;

	if (bx_sys_find(attacker->sys->launch, name, &slot) != BX_OK)
		say(attacker, "attack: there is no capability %s", name);
	return slot;
}

/* Whether the argument's first word is `name`. */
static bool
name_is(const struct bx_sys *sys, const char *name)
{
	uint32_t i = 0;

	while (i < sys->argument_length && name[i] != '\0' && sys->argument[i] == name[i])
		i++;
	return name[i] == '\0' && (i == sys->argument_length || sys->argument[i] == ' ');
}

/* The hexadecimal number that is the argument's last word. */
static uint64_t
parameter_of(const struct bx_sys *sys)
{
	uint64_t value = 0;
	uint32_t i = 0;

	while (i < sys->argument_length && sys->argument[i] != ' ')
		i++;
	for (i++; i < sys->argument_length; i++) {
		char c = sys->argument[i];

		if (c >= '0' && c <= '9')
			value = value * 16 + (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value * 16 + (uint64_t)(c - 'a') + 10;
	}
	return value;
}

int
bx_main(const struct bx_sys *sys)
{
	struct attacker attacker = { .sys = sys, .random = 0x9e3779b97f4a7c15ull,
		.parameter = parameter_of(sys) };

	for (size_t group = 0; group < BX_ARRAY_COUNT(groups); group++)
		for (const struct attack *attack = groups[group]; attack->name != NULL; attack++)
			if (name_is(sys, attack->name)) {
				say(&attacker, "attack %s: begins", attack->name);
				attack->run(&attacker);
				if (attack->ends == ENDS_BY_FAULT)
					breach(&attacker, "it went on where it should have faulted");
				if (attacker.breaches == 0)
					say(&attacker, "attack %s: contained", attack->name);
				return attacker.breaches == 0 ? 0 : 1;
			}
	if (name_is(sys, "list")) {
		for (size_t group = 0; group < BX_ARRAY_COUNT(groups); group++)
			for (const struct attack *attack = groups[group]; attack->name != NULL; attack++)
				say(&attacker, "attack-name %s %s", attack->name,
				    attack->ends == ENDS_BY_FAULT ? "fault" : "refused");
		say(&attacker, "attack-list ends");
		return 0;
	}
	say(&attacker, "attack: there is no attack of that name; try: run attack list");
	return 2;
}
