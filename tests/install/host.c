/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * host.c -- a Linux program that uses libcap as installed: see check-install.sh.
 *
 * An editor owns a document and lends it to a plug-in for reading, three times at most.  The plug-in
 * cannot widen what it was lent, cannot use it a fourth time, and has nothing after the editor
 * takes it back.
 */
#include <brainix/cap.h>
#include <stdio.h>
#include <stdlib.h>

enum { EDITOR_SLOTS = 4, PLUGIN_SLOTS = 4 };

void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "%s: %s\n", where, what);
	abort();
}

static void
expect(const char *what, enum bx_err got, enum bx_err wanted)
{
	printf("%-40s %s\n", what, bx_err_name(got));
	if (got != wanted) {
		fprintf(stderr, "%s: %s was expected\n", what, bx_err_name(wanted));
		exit(1);
	}
}

int
main(void)
{
	static struct bx_cap_slot slots[EDITOR_SLOTS + PLUGIN_SLOTS];
	struct bx_cap_forest forest;
	struct bx_cap_space editor, plugin;
	const struct bx_cap document = {
		.type = BX_CAP_MEMORY, .rights = BX_RIGHT_READ | BX_RIGHT_WRITE,
		.uses = BX_CAP_USES_UNLIMITED, .expiry = BX_CAP_EXPIRY_NEVER,
		.object = { .index = 7, .generation = 1 }, .count = 100
	};
	const struct bx_cap_place own = { &editor, 0 }, lent = { &plugin, 0 }, wider = { &plugin, 1 };
	struct bx_cap_limits limits = bx_cap_limits_same(&document);
	uint32_t slot, bad_slot;

	bx_cap_forest_init(&forest, slots, BX_ARRAY_COUNT(slots));
	expect("a space for the editor", bx_cap_space_init(&forest, 0, EDITOR_SLOTS, EDITOR_SLOTS, &editor), BX_OK);
	expect("a space for the plug-in",
	    bx_cap_space_init(&forest, EDITOR_SLOTS, PLUGIN_SLOTS, PLUGIN_SLOTS, &plugin), BX_OK);
	expect("the editor owns the document", bx_cap_insert(&forest, own, &document), BX_OK);

	limits.rights = BX_RIGHT_READ;
	limits.uses = 3;
	expect("it lends it for three readings", bx_cap_derive(&forest, own, &limits, lent, 0), BX_OK);
	limits.rights = BX_RIGHT_READ | BX_RIGHT_WRITE;
	expect("the plug-in wants to write as well", bx_cap_derive(&forest, lent, &limits, wider, 0),
	    BX_ERR_CAP_RIGHTS);

	for (int i = 0; i < 3; i++) {
		expect("the plug-in reads", bx_cap_lookup(&forest, lent, BX_CAP_MEMORY, BX_RIGHT_READ, 0, &slot), BX_OK);
		bx_cap_use(&forest, slot);
	}
	expect("and a fourth time", bx_cap_lookup(&forest, lent, BX_CAP_MEMORY, BX_RIGHT_READ, 0, &slot),
	    BX_ERR_CAP_USED_UP);

	expect("the editor takes it back", bx_cap_revoke(&forest, own), BX_OK);
	expect("the plug-in has nothing", bx_cap_lookup(&forest, lent, BX_CAP_MEMORY, BX_RIGHT_READ, 0, &slot),
	    BX_ERR_CAP_EMPTY);
	if (!bx_cap_forest_sound(&forest, &bad_slot)) {
		fprintf(stderr, "slot %u is broken\n", (unsigned)bad_slot);
		return 1;
	}
	return 0;
}
