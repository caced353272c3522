/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fixture.h -- a small system in memory, for tests of the kernel core on the hosted machine.
 *
 *	struct build build = build_start("test");
 *	uint32_t init = build_program(&build, "init");		defaults: see build_program
 *	uint32_t port = build_object(&build, "port", BX_OBJECT_ENDPOINT, 0, 0);
 *	build_grant(&build, init, 1, port, BX_RIGHT_READ);
 *	world_make(&world, &build);				the core runs program 0
 *	world_call(&world, BX_SYS_YIELD, 0, 0, 0);		the test is the user code
 *	world_end(&world);					proves conservation
 *
 * world_end ends every program and asserts that each frame and slot has come back, that every
 * frame which came back is zero, and that all invariants hold.  In BX_VERIFY builds they are checked
 * after every event, and an independent walk of all page tables with them.
 */
#ifndef BRAINIX_KCORE_FIXTURE_H
#define BRAINIX_KCORE_FIXTURE_H

#include <check.h>

#include <brainix/kcore-hosted.h>

#include "../src/core.h"

/* As ck_assert, but at no cost when it holds, and outside of Check too: for what runs after every
 * event, and in fuzz targets. */
#define want(condition) \
	((condition) ? (void)0 : bx_panic(BX_WHERE, #condition))
#define want_eq(a, b)	want((a) == (b))
#define want_ne(a, b)	want((a) != (b))
#define want_lt(a, b)	want((a) < (b))
#define want_le(a, b)	want((a) <= (b))
#define want_gt(a, b)	want((a) > (b))
/* The same with a text that says more than the condition. */
#define want_msg(condition, text) \
	((condition) ? (void)0 : bx_panic(BX_WHERE, (text)))

/* One for each test_*.c; test_kcore.c runs them all. */
Suite *suite_budget(void);
Suite *suite_elf(void);
Suite *suite_ipc(void);
Suite *suite_open(void);
Suite *suite_program(void);
Suite *suite_sched(void);
Suite *suite_sound(void);
Suite *suite_steps(void);
Suite *suite_sys(void);
Suite *suite_sysimage(void);
Suite *suite_world(void);

#define BUILD_PROGRAMS_MAX	16
#define BUILD_OBJECTS_MAX	64
#define BUILD_GRANTS_MAX	256
#define IMAGE_SIZE		(128 * 1024)
#define ELF_SIZE		(256 * 1024)
#define WORLD_MEMORY		(2u * 1024 * 1024)
#define WORLD_TICKS		1000000000ull

struct build_program {
	const char *name, *module;
	uint32_t flags, priority, priority_max, slots, replies, threads, quota, stack_pages;
	uint32_t fault_object, exit_object, budget_us, period_us;
	uint32_t restart_times, restart_within_us, restart_backoff_us, restart_exhausted;
	uint64_t exit_bits;
};

struct build_object {
	const char *name;
	uint32_t kind;
	uint64_t a, b;
};

struct build_grant {
	uint32_t program, slot, object, rights, uses;
	uint32_t lender;			/* 1 + its lender's index once they are sorted; 0: none */
	uint64_t badge, lifetime_us, first, count;
};

/* A manifest before it is compiled.  Fields may be changed at will before build_image. */
struct build {
	const char *name;
	uint32_t audit_records;
	uint32_t flags;				/* BX_SYSTEM_* */
	bool many_holders;			/* of memory and devices, which no manifest may have: the core is
						 * made without all but the first and given them at once */
	uint32_t program_count, object_count, grant_count;
	struct build_program programs[BUILD_PROGRAMS_MAX];
	struct build_object objects[BUILD_OBJECTS_MAX];
	struct build_grant grants[BUILD_GRANTS_MAX];
};

struct build build_start(const char *name);
/* Module "m", priority 10 of 20, 12 slots of which 4 for replies, 1 thread, 64 frames, 2 stack
 * pages, no handlers, default slice. */
uint32_t build_program(struct build *build, const char *name);
uint32_t build_object(struct build *build, const char *name, uint32_t kind, uint64_t a,
    uint64_t b);
/* Unlimited uses, no badge, for ever, the whole range.  Returns its index. */
uint32_t build_grant(struct build *build, uint32_t program, uint32_t slot, uint32_t object,
    uint32_t rights);
/* Compiles it; sorts the grants.  Returns the size of the image. */
size_t build_image(struct build *build, uint8_t bytes[IMAGE_SIZE]);

/* Segments of a tiny ELF file; their file content is a pattern: byte i of segment s is s * 16 + i. */
struct elf_spec {
	uint64_t address, file_size, memory_size;
	uint32_t flags;				/* PF_*: X 1, W 2, R 4 */
};
#define ELF_ENTRY	0x400010u
#define ELF_DATA	0x402000u
size_t elf_make(uint8_t bytes[ELF_SIZE], uint64_t entry, const struct elf_spec *specs, unsigned count);
/* Text at 0x400000, constants at 0x401000, data with two pages of zeroes at 0x402000. */
size_t elf_default(uint8_t bytes[ELF_SIZE]);

struct world {
	struct bx_machine machine;
	struct bx_kcore_config config;
	struct bx_kcore_region regions[2];
	struct bx_kcore_module modules[2];
	struct bx_kcore *core;
	struct bx_context *context;		/* what the last event returned */
	uint32_t frames;			/* free ones of an empty system */
	uint8_t *memory;
	void *pools;
	size_t pool_bytes, elf_bytes, image_bytes;
	uint8_t *elf, *image;
	struct build *many;			/* what the core is to be given, if it has many holders */
};

/* Builds a core; program 0 is the current context.  world_try returns the error instead. */
void world_make(struct world *world, struct build *build);
enum bx_err world_try(struct world *world, struct build *build, const char **where);
/* The same for what stands in world->config, image and elf already. */
enum bx_err world_boot(struct world *world, const char **where);
void world_prepare(struct world *world, struct build *build);
void world_end(struct world *world);
/* Gives the memory of a world that did not come to be. */
void world_free(struct world *world);

/* Every invariant, and the page-table walk. */
void world_sound(struct world *world);

/* The current thread makes a system call; returns its error when it is still the current thread
 * afterwards, else what its result register held (its result is in world_result later). */
enum bx_err world_call(struct world *world, uint64_t number, uint64_t a, uint64_t b, uint64_t c);
enum bx_err world_result(const struct world *world, uint32_t thread);
uint32_t world_current(const struct world *world);	/* thread, or BX_NONE */
/* Gives the processor away until `thread` is the current one; every other yields. */
void world_run_until(struct world *world, uint32_t thread);
/* Lets time pass and delivers the timer event. */
void world_pass(struct world *world, uint64_t ticks);

/* Starts and ends a program to the last step without a system call. */
enum bx_err world_start(struct world *world, uint32_t program);
void world_stop(struct world *world, uint32_t program, enum bx_program_state state);

/* Memory of a running program as its code sees it.  Assert that the access is possible. */
void user_put(struct world *world, uint32_t program, uint64_t address, const void *from,
    size_t length);
void user_get(struct world *world, uint32_t program, uint64_t address, void *to, size_t length);

#endif
