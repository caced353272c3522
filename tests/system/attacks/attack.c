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
	attacks_memory, attacks_instructions, attacks_calls, attacks_exhaustion, attacks_ipc,
};

int
bx_main(const struct bx_sys *sys)
{
	struct attacker attacker = { .sys = sys, .random = 0x9e3779b97f4a7c15ull,
		.parameter = argument_number(sys) };

	for (size_t group = 0; group < BX_ARRAY_COUNT(groups); group++)
		for (const struct attack *attack = groups[group]; attack->name != NULL; attack++)
			if (argument_is(sys, attack->name)) {
				say(&attacker, "attack %s: begins", attack->name);
				attack->run(&attacker);
				if (attack->ends != ENDS_REFUSED)
					breach(&attacker, "it went on where it should have faulted");
				if (attacker.breaches == 0)
					say(&attacker, "attack %s: contained", attack->name);
				return attacker.breaches == 0 ? 0 : 1;
			}
	if (argument_is(sys, "list")) {
		for (size_t group = 0; group < BX_ARRAY_COUNT(groups); group++)
			for (const struct attack *attack = groups[group]; attack->name != NULL; attack++)
				say(&attacker, "attack-name %s %s", attack->name,
				    attack->ends == ENDS_REFUSED ? "refused" : "fault");
		say(&attacker, "attack-list ends");
		return 0;
	}
	say(&attacker, "attack: there is no attack of that name; try: run attack list");
	return 2;
}
