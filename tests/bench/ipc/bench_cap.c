/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * bench_cap.c -- what it costs to make, move, send, and take back capabilities.  Each operation is
 * measured alone, between two readings of the clock; what makes room for the next is not counted.
 */
#include "bench.h"

#define MANY	10000u		/* free slots in the manifest, and some */

struct caps {
	struct bench *bench;
	uint32_t source;		/* a notification that does nothing here */
	uint32_t carrier;		/* the server's endpoint, with grant */
	uint32_t free;			/* first free slot */
};

static void
bench_make(struct caps *caps)
{
	struct bx_derive derive = { .to = caps->free, .rights = 1, .uses = BX_SLOT_NONE, .expiry = UINT64_MAX };
	uint64_t derived = 0, copied = 0, moved = 0, deleted = 0, start;

	for (unsigned i = 0; i < ROUNDS; i++) {
		start = bx_sys_now();
		need(caps->bench, "derive", bx_sys_cap_derive(caps->source, &derive));
		derived += bx_sys_now() - start;
		need(caps->bench, "delete", bx_sys_cap_delete(caps->free));
		start = bx_sys_now();
		need(caps->bench, "copy", bx_sys_cap_copy(caps->source, caps->free));
		copied += bx_sys_now() - start;
		start = bx_sys_now();
		need(caps->bench, "move", bx_sys_cap_move(caps->free, caps->free + 1));
		moved += bx_sys_now() - start;
		start = bx_sys_now();
		need(caps->bench, "delete", bx_sys_cap_delete(caps->free + 1));
		deleted += bx_sys_now() - start;
	}
	row(caps->bench, "derive", derived, ROUNDS);
	row(caps->bench, "copy", copied, ROUNDS);
	row(caps->bench, "move", moved, ROUNDS);
	row(caps->bench, "delete", deleted, ROUNDS);
}

static void
bench_revoke(struct caps *caps)
{
	static const struct { const char *name; uint32_t count, rounds; } rows[] = {
		{ "revoke_1", 1, 100 }, { "revoke_100", 100, 10 }, { "revoke_256", 256, 10 },
		{ "revoke_10000", MANY, 1 },
	};

	for (unsigned i = 0; i < BX_ARRAY_COUNT(rows); i++) {
		uint64_t ticks = 0, start;

		for (uint32_t round = 0; round < rows[i].rounds; round++) {
			for (uint32_t n = 0; n < rows[i].count; n++)
				need(caps->bench, "copy", bx_sys_cap_copy(caps->source, caps->free + n));
			start = bx_sys_now();
			need(caps->bench, rows[i].name, bx_sys_cap_revoke(caps->source));
			ticks += bx_sys_now() - start;
		}
		row(caps->bench, rows[i].name, ticks, rows[i].rounds);
	}
}

/* A call that carries a capability, and its answer; then it is taken back, so that there is room for
 * the next. */
static void
bench_transfer(struct caps *caps)
{
	struct bx_ipc_buffers buffers = { .send_slot = caps->source, .receive_slot = BX_SLOT_NONE };
	uint64_t ticks = 0, start, deadline = bx_sys_deadline_far();
	struct bx_sys_words words = { .label = SERVICE_ECHO };
	struct bx_sys_origin origin;

	mode(caps->bench, SERVICE_CAPS);
	for (unsigned i = 0; i < ROUNDS; i++) {
		start = bx_sys_now();
		need(caps->bench, "cap_transfer", bx_sys_trap_buffers(BX_SYS_CALL, caps->carrier, 0,
		    deadline, &buffers, &words, &origin));
		ticks += bx_sys_now() - start;
		need(caps->bench, "revoke", bx_sys_cap_revoke(caps->source));
	}
	row(caps->bench, "cap_transfer", ticks, ROUNDS);
	mode(caps->bench, SERVICE_WORDS);
}

void
bench_capabilities(struct bench *bench)
{
	const struct bx_launch *launch = bench->sys->launch;
	struct caps caps = { .bench = bench, .source = bench->answer,
		.free = launch->entries[launch->entry_count - 1].slot + 1 };

	need(bench, "carrier", bx_sys_find(launch, "carrier", &caps.carrier));
	bench_make(&caps);
	bench_revoke(&caps);
	bench_transfer(&caps);
}
