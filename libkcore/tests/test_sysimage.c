/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* test_sysimage.c -- the validator of compiled manifests: every field of every record. */
#include <stdlib.h>

#include "fixture.h"

static uint8_t image[IMAGE_SIZE];
static size_t image_size;

/* Two programs; objects and grants of every kind. */
static void
setup(void)
{
	struct build build = build_start("a system");

	build_program(&build, "first");
	build_program(&build, "second");
	build_object(&build, "endpoint", BX_OBJECT_ENDPOINT, 0, 0);
	build_object(&build, "signals", BX_OBJECT_NOTIFICATION, 0, 0);
	build_object(&build, "memory", BX_OBJECT_MEMORY, 8, 0);
	build_object(&build, "irq", BX_OBJECT_IRQ, 4, BX_IRQ_ISA);
	build_object(&build, "ports", BX_OBJECT_IOPORT, 0x3f8, 8);
	build_object(&build, "power", BX_OBJECT_DEVICE, BX_DEVICE_PLATFORM, 0);
	build_object(&build, "audit", BX_OBJECT_AUDIT, 0, 0);
	build_object(&build, "clock", BX_OBJECT_CLOCK, 0, 0);
	build_object(&build, "spawn", BX_OBJECT_SPAWN, 0, 0);
	build_object(&build, "thread", BX_OBJECT_THREAD, 1, 0);
	build_object(&build, "cspace", BX_OBJECT_CSPACE, 1, 0);
	build_object(&build, "second", BX_OBJECT_ENDPOINT, 0, 0);
	build_grant(&build, 0, 1, 0, BX_RIGHT_READ);
	build_grant(&build, 0, 2, 2, BX_RIGHT_WRITE);
	build_grant(&build, 1, 1, 1, BX_RIGHT_WRITE);
	/* Lent by the first: a part of its memory, and its endpoint. */
	build_grant(&build, 1, 2, 2, BX_RIGHT_WRITE);
	build_grant(&build, 1, 3, 0, BX_RIGHT_READ);
	build.grants[0].badge = 7;
	build.grants[3].first = 3;
	build.grants[3].count = 2;
	build.grants[3].lender = 2;
	build.grants[4].lender = 1;
	build.grants[1].first = 2;
	build.grants[1].count = 6;
	build.programs[1].fault_object = 0;
	build.programs[1].exit_object = 1;
	build.programs[1].exit_bits = 1;
	build.programs[1].flags = BX_PROGRAM_RESTART;
	build.programs[1].restart_times = 2;
	build.programs[1].restart_within_us = 20000;
	build.programs[1].restart_backoff_us = 5000;
	build.programs[1].restart_exhausted = BX_EXHAUSTED_HALT;
	build.programs[1].budget_us = 1000;
	build.programs[1].period_us = 2000;
	image_size = build_image(&build, image);
}

#define HEADER(field)		offsetof(struct bx_sysimage_header, field)
#define PROGRAMS		sizeof(struct bx_sysimage_header)
#define PROGRAM(i, field)	(PROGRAMS + (i) * sizeof(struct bx_sysimage_program) + \
				 offsetof(struct bx_sysimage_program, field))
#define OBJECTS			(PROGRAMS + 2 * sizeof(struct bx_sysimage_program))
#define OBJECT(i, field)	(OBJECTS + (i) * sizeof(struct bx_sysimage_object) + \
				 offsetof(struct bx_sysimage_object, field))
#define GRANTS			(OBJECTS + 12 * sizeof(struct bx_sysimage_object))
#define GRANT(i, field)		(GRANTS + (i) * sizeof(struct bx_sysimage_grant) + \
				 offsetof(struct bx_sysimage_grant, field))
#define LAUNCHES		(GRANTS + 5 * sizeof(struct bx_sysimage_grant))
#define LAUNCH(field)		(LAUNCHES + offsetof(struct bx_launch, field))
#define ENTRY(field)		(LAUNCHES + sizeof(struct bx_launch) + \
				 offsetof(struct bx_launch_entry, field))

/* One field made wrong: `width` bytes at `at` become `value`. */
static const struct wrong {
	size_t at;
	unsigned width;
	uint64_t value;
	enum bx_err err;
	const char *where;
} wrongs[] = {
	{ HEADER(magic), 1, 'x', BX_ERR_FORMAT, "magic" },
	{ HEADER(version), 4, 1, BX_ERR_VERSION, "version" },
	{ HEADER(version), 4, 3, BX_ERR_VERSION, "version" },
	{ HEADER(size), 4, 1u << 21, BX_ERR_TRUNCATED, "size" },
	{ HEADER(size), 4, 100, BX_ERR_RANGE, "size" },
	{ HEADER(name), 1, 0, BX_ERR_FORMAT, "system name" },
	{ HEADER(name) + 1, 1, 0x1b, BX_ERR_FORMAT, "system name" },
	{ HEADER(name) + 1, 1, 0x7f, BX_ERR_FORMAT, "system name" },
	{ HEADER(name) + 23, 1, 'x', BX_ERR_FORMAT, "system name" },
	{ HEADER(flags), 4, 2, BX_ERR_INVALID, "system flags" },
	{ HEADER(program_count), 4, 0, BX_ERR_RANGE, "program count" },
	{ HEADER(program_count), 4, 257, BX_ERR_RANGE, "program count" },
	{ HEADER(program_count), 4, 3, BX_ERR_FORMAT, "object offset" },
	{ HEADER(object_count), 4, 4097, BX_ERR_RANGE, "object count" },
	{ HEADER(object_count), 4, 11, BX_ERR_FORMAT, "grant offset" },
	{ HEADER(grant_count), 4, 16385, BX_ERR_RANGE, "grant count" },
	{ HEADER(grant_count), 4, 1000, BX_ERR_TRUNCATED, "grants" },
	{ HEADER(program_offset), 4, 80, BX_ERR_FORMAT, "program offset" },
	{ HEADER(audit_records), 4, 8, BX_ERR_INVALID, "audit records" },
	{ HEADER(audit_records), 4, 65, BX_ERR_INVALID, "audit records" },
	{ HEADER(audit_records), 4, 1u << 17, BX_ERR_INVALID, "audit records" },
	{ PROGRAM(0, name), 8, 0, BX_ERR_FORMAT, "program name" },
	{ PROGRAM(0, name) + 23, 1, 'x', BX_ERR_FORMAT, "program name" },
	{ PROGRAM(1, name), 1, '\n', BX_ERR_FORMAT, "program name" },
	{ PROGRAM(0, module) + 23, 1, 'x', BX_ERR_FORMAT, "program module" },
	{ PROGRAM(0, module), 1, 0, BX_ERR_FORMAT, "program module" },
	{ PROGRAM(0, flags), 4, 0x40, BX_ERR_INVALID, "program flags" },
	{ PROGRAM(0, flags), 4, 0x80000000, BX_ERR_INVALID, "program flags" },
	{ PROGRAM(0, flags), 4, BX_PROGRAM_OPEN_SPACE, BX_ERR_INVALID,
	  "open space in a system that is not for research" },
	{ PROGRAM(0, priority), 4, 21, BX_ERR_RANGE, "program priority" },
	{ PROGRAM(0, priority), 4, UINT32_MAX, BX_ERR_RANGE, "program priority" },
	{ PROGRAM(0, priority_max), 4, 9, BX_ERR_RANGE, "program priority" },
	{ PROGRAM(0, priority_max), 4, BX_PRIORITY_COUNT, BX_ERR_RANGE, "program priority_max" },
	{ PROGRAM(0, slot_count), 4, 65537, BX_ERR_RANGE, "program slot_count" },
	{ PROGRAM(0, reply_count), 4, 13, BX_ERR_RANGE, "program reply_count" },
	{ PROGRAM(0, thread_count), 4, 0, BX_ERR_RANGE, "program thread_count" },
	{ PROGRAM(0, thread_count), 4, 1025, BX_ERR_RANGE, "program thread_count" },
	{ PROGRAM(0, frame_quota), 4, (1u << 24) + 1, BX_ERR_RANGE, "program frame_quota" },
	{ PROGRAM(0, frame_quota), 4, UINT32_MAX, BX_ERR_RANGE, "program frame_quota" },
	{ PROGRAM(0, stack_pages), 4, 0, BX_ERR_RANGE, "program stack_pages" },
	{ PROGRAM(0, stack_pages), 4, 4097, BX_ERR_RANGE, "program stack_pages" },
	{ PROGRAM(0, fault_object), 4, 1, BX_ERR_INVALID, "program fault_object" },
	{ PROGRAM(0, fault_object), 4, 12, BX_ERR_INVALID, "program fault_object" },
	{ PROGRAM(1, exit_object), 4, 12, BX_ERR_INVALID, "program exit_object" },
	{ PROGRAM(0, exit_bits), 8, 1ull << 63, BX_ERR_INVALID, "program exit_bits" },
	{ PROGRAM(0, period_us), 4, 1000, BX_ERR_INVALID, "program budget" },
	{ PROGRAM(0, budget_us), 4, 1000, BX_ERR_INVALID, "program budget" },
	{ PROGRAM(1, exit_object), 4, 0, BX_ERR_INVALID, "program exit_object" },
	{ PROGRAM(1, exit_object), 4, UINT32_MAX, BX_ERR_INVALID, "program exit_bits" },
	{ PROGRAM(1, flags), 4, 0, BX_ERR_INVALID, "program restart policy without its flag" },
	{ PROGRAM(0, restart_times), 4, 1, BX_ERR_INVALID, "program restart policy without its flag" },
	{ PROGRAM(0, restart_within_us), 4, 1000, BX_ERR_INVALID,
	  "program restart policy without its flag" },
	{ PROGRAM(0, restart_backoff_us), 4, 1, BX_ERR_INVALID,
	  "program restart policy without its flag" },
	{ PROGRAM(0, restart_exhausted), 4, 1, BX_ERR_INVALID,
	  "program restart policy without its flag" },
	{ PROGRAM(0, flags), 4, BX_PROGRAM_RESTART, BX_ERR_INVALID,
	  "restart policy of the first program" },
	{ PROGRAM(1, restart_times), 4, 65536, BX_ERR_RANGE, "program restart_times" },
	{ PROGRAM(1, restart_within_us), 4, 999, BX_ERR_RANGE, "program restart_within_us" },
	{ PROGRAM(1, restart_within_us), 4, 3600000001u, BX_ERR_RANGE, "program restart_within_us" },
	{ PROGRAM(1, restart_within_us), 4, 19999, BX_ERR_RANGE, "program restart_backoff_us" },
	{ PROGRAM(1, restart_backoff_us), 4, 5001, BX_ERR_RANGE, "program restart_backoff_us" },
	{ PROGRAM(1, restart_times), 4, 3, BX_ERR_RANGE, "program restart_backoff_us" },
	{ PROGRAM(1, restart_times), 4, 32, BX_ERR_RANGE, "program restart_backoff_us" },
	{ PROGRAM(1, restart_exhausted), 4, 2, BX_ERR_INVALID, "program restart_exhausted" },
	{ PROGRAM(1, exit_bits), 8, 0, BX_ERR_INVALID, "program exit_bits" },
	{ PROGRAM(0, flags), 4, BX_PROGRAM_PASSIVE, BX_ERR_INVALID, "program passive" },
	{ PROGRAM(1, flags), 4, BX_PROGRAM_PASSIVE | BX_PROGRAM_RESTART, BX_ERR_INVALID, "program passive" },
	{ PROGRAM(1, budget_us), 4, 2001, BX_ERR_INVALID, "program budget" },
	{ PROGRAM(1, budget_us), 4, 99, BX_ERR_INVALID, "program budget" },
	{ PROGRAM(1, budget_us), 4, 0, BX_ERR_INVALID, "program budget" },
	{ PROGRAM(1, period_us), 4, 0, BX_ERR_INVALID, "program budget" },
	{ PROGRAM(1, period_us), 4, 999, BX_ERR_INVALID, "program budget" },
	{ PROGRAM(1, period_us), 4, 10000001, BX_ERR_INVALID, "program budget" },
	{ PROGRAM(1, launch_size), 4, 55, BX_ERR_RANGE, "launch size" },
	{ PROGRAM(1, launch_size), 4, 4097, BX_ERR_RANGE, "launch size" },
	{ PROGRAM(1, launch_size), 4, 121, BX_ERR_FORMAT, "launch entry_count" },
	{ PROGRAM(1, launch_size), 4, 4096, BX_ERR_TRUNCATED, "launch offset" },
	{ PROGRAM(1, launch_offset), 4, UINT32_MAX, BX_ERR_TRUNCATED, "launch offset" },
	{ PROGRAM(1, launch_offset), 4, LAUNCHES, BX_ERR_INVALID, "launch program" },
	{ OBJECT(0, name), 1, 0, BX_ERR_FORMAT, "object name" },
	{ OBJECT(0, name) + 23, 1, 'x', BX_ERR_FORMAT, "object name" },
	{ OBJECT(11, name), 1, 0x1b, BX_ERR_FORMAT, "object name" },
	{ OBJECT(11, kind), 4, 0, BX_ERR_INVALID, "object kind" },
	{ OBJECT(11, kind), 4, 12, BX_ERR_INVALID, "object kind" },
	{ OBJECT(11, kind), 4, UINT32_MAX, BX_ERR_INVALID, "object kind" },
	{ OBJECT(0, reserved), 4, 1, BX_ERR_FORMAT, "object reserved" },
	{ OBJECT(0, a), 8, 1, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(1, b), 8, 1, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(0, b), 8, 1, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(1, a), 8, 1, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(2, a), 8, (1u << 22) + 1, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(4, a), 8, 65536, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(4, b), 8, 65536, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(5, a), 8, 0, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(5, b), 8, 1, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(6, b), 8, 1, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(7, a), 8, 1, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(8, b), 8, 1, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(2, a), 8, 0, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(2, a), 8, UINT64_MAX, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(2, b), 8, 1, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(3, a), 8, 65536, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(3, b), 8, 8, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(4, a), 8, 65529, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(4, b), 8, 0, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(4, b), 8, UINT64_MAX, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(5, a), 8, 2, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(6, a), 8, 1, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(7, b), 8, 1, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(8, a), 8, 1, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(9, a), 8, 2, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(9, b), 8, 1, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(10, a), 8, 2, BX_ERR_RANGE, "object a, b" },
	{ OBJECT(10, b), 8, 1, BX_ERR_RANGE, "object a, b" },
	{ GRANT(0, program), 4, 2, BX_ERR_RANGE, "grant program" },
	{ GRANT(0, slot), 4, 8, BX_ERR_RANGE, "grant slot" },
	{ GRANT(0, slot), 4, UINT32_MAX, BX_ERR_RANGE, "grant slot" },
	{ GRANT(1, slot), 4, 1, BX_ERR_EXISTS, "grant slot" },
	{ GRANT(1, slot), 4, 0, BX_ERR_EXISTS, "grant slot" },
	{ GRANT(0, program), 4, 1, BX_ERR_FORMAT, "grant order" },
	{ GRANT(0, object), 4, 12, BX_ERR_RANGE, "grant object" },
	{ GRANT(0, rights), 4, 0x20, BX_ERR_INVALID, "grant rights" },
	{ GRANT(0, rights), 4, 0x101, BX_ERR_INVALID, "grant rights" },
	{ GRANT(1, badge), 8, 1, BX_ERR_INVALID, "grant badge" },
	{ GRANT(0, lender), 4, 1, BX_ERR_INVALID, "grant lender" },
	{ GRANT(0, lender), 4, 2, BX_ERR_INVALID, "grant lender" },
	{ GRANT(0, lender), 4, UINT32_MAX, BX_ERR_RANGE, "grant lender" },
	{ GRANT(3, lender), 4, 6, BX_ERR_RANGE, "grant lender" },
	{ GRANT(3, lender), 4, 1, BX_ERR_INVALID, "grant lender" },
	{ GRANT(3, lender), 4, 4, BX_ERR_INVALID, "grant lender" },
	{ GRANT(1, uses), 4, 9, BX_ERR_INVALID, "grant lender" },
	{ GRANT(3, rights), 4, 3, BX_ERR_INVALID, "grant rights beyond the lender's" },
	{ GRANT(3, first), 8, 1, BX_ERR_RANGE, "grant range beyond the lender's" },
	{ GRANT(1, count), 8, 2, BX_ERR_RANGE, "grant range beyond the lender's" },
	{ GRANT(4, badge), 8, 1, BX_ERR_INVALID, "grant badge beside the lender's" },
	{ GRANT(0, first), 8, 1, BX_ERR_RANGE, "grant range" },
	{ GRANT(0, count), 8, 1, BX_ERR_RANGE, "grant range" },
	{ GRANT(1, first), 8, 3, BX_ERR_RANGE, "grant range" },
	{ GRANT(1, count), 8, 7, BX_ERR_RANGE, "grant range" },
	{ GRANT(1, count), 8, 0, BX_ERR_RANGE, "grant range" },
	{ GRANT(1, first), 8, UINT64_MAX, BX_ERR_RANGE, "grant range" },
	{ LAUNCH(magic), 1, 'x', BX_ERR_FORMAT, "launch magic" },
	{ LAUNCH(version), 4, 2, BX_ERR_VERSION, "launch version" },
	{ LAUNCH(program), 4, 1, BX_ERR_INVALID, "launch program" },
	{ LAUNCH(name), 1, 'F', BX_ERR_INVALID, "launch name" },
	{ LAUNCH(reply_first), 4, 9, BX_ERR_INVALID, "launch reply slots" },
	{ LAUNCH(reply_count), 4, 3, BX_ERR_INVALID, "launch reply slots" },
	{ LAUNCH(entry_count), 4, 3, BX_ERR_FORMAT, "launch entry_count" },
	{ LAUNCH(entry_count), 4, 1u << 27, BX_ERR_FORMAT, "launch entry_count" },
	{ LAUNCH(reserved), 4, 1, BX_ERR_FORMAT, "launch reserved" },
	{ ENTRY(name) + 23, 1, 'x', BX_ERR_FORMAT, "launch entry name" },
	{ ENTRY(slot), 4, 3, BX_ERR_NOT_FOUND, "launch entry slot" },
	{ ENTRY(slot), 4, UINT32_MAX, BX_ERR_NOT_FOUND, "launch entry slot" },
	{ ENTRY(type), 4, BX_CAP_MEMORY, BX_ERR_INVALID, "launch entry type" },
};

/* Rules that one field alone cannot break without breaking another before it: two fields made wrong. */
static const struct wrong_pair {
	struct {
		size_t at;
		unsigned width;
		uint64_t value;
	} edits[2];
	enum bx_err err;
	const char *where;
} wrong_pairs[] = {
	/* A table that ends behind the image, though the offsets say where it would. */
	{ { { HEADER(program_count), 4, 200 },
	    { HEADER(object_offset), 4, PROGRAMS + 200 * sizeof(struct bx_sysimage_program) } },
	  BX_ERR_TRUNCATED, "programs" },
	{ { { HEADER(object_count), 4, 4000 },
	    { HEADER(grant_offset), 4, OBJECTS + 4000 * sizeof(struct bx_sysimage_object) } },
	  BX_ERR_TRUNCATED, "objects" },
	/* What lends is lent itself: another's, of the same object, without count. */
	{ { { GRANT(0, lender), 4, 5 }, { GRANT(0, badge), 8, 0 } }, BX_ERR_INVALID, "grant lender" },
	/* Of the same program, of the same object, from the root. */
	{ { { GRANT(4, object), 4, 1 }, { GRANT(4, lender), 4, 3 } }, BX_ERR_INVALID, "grant lender" },
	/* Of another program, but of another object. */
	{ { { GRANT(4, lender), 4, 2 }, { GRANT(4, rights), 4, BX_RIGHT_WRITE } }, BX_ERR_INVALID,
	  "grant lender" },
	/* Of another program and the same object, but counted; and dormant. */
	{ { { GRANT(0, uses), 4, 1 }, { GRANT(3, lender), 4, 2 } }, BX_ERR_INVALID, "grant lender" },
	{ { { GRANT(0, uses), 4, 0 }, { GRANT(3, lender), 4, 2 } }, BX_ERR_INVALID, "grant lender" },
	/* More than what the lender has of the object, from its first page on, and behind its last. */
	{ { { GRANT(3, first), 8, 2 }, { GRANT(3, count), 8, 6 } }, BX_OK, NULL },
	{ { { GRANT(3, first), 8, 0 }, { GRANT(3, count), 8, 8 } }, BX_ERR_RANGE,
	  "grant range beyond the lender's" },
	{ { { GRANT(3, first), 8, 0 }, { GRANT(3, count), 8, 0 } }, BX_ERR_RANGE,
	  "grant range beyond the lender's" },
	/* An object for a program that is not there, and for one that is. */
	{ { { OBJECT(9, a), 8, 0 }, { OBJECT(9, b), 8, 0 } }, BX_OK, NULL },
	{ { { OBJECT(9, a), 8, UINT64_MAX }, { OBJECT(9, b), 8, 0 } }, BX_ERR_RANGE, "object a, b" },
	/* A budget as long as its period, and with nothing to come back. */
	{ { { PROGRAM(1, budget_us), 4, 2000 }, { PROGRAM(1, period_us), 4, 2000 } }, BX_OK, NULL },
	{ { { PROGRAM(1, budget_us), 4, 0 }, { PROGRAM(1, period_us), 4, 0 } }, BX_OK, NULL },
	{ { { PROGRAM(1, flags), 4, BX_PROGRAM_PASSIVE | BX_PROGRAM_RESTART },
	    { PROGRAM(1, budget_us), 4, 0 } },
	  BX_ERR_INVALID, "program budget" },
	/* An open space where the system is for research is none of the kernel's complaints. */
	{ { { HEADER(flags), 4, BX_SYSTEM_RESEARCH }, { PROGRAM(0, flags), 4, BX_PROGRAM_OPEN_SPACE } },
	  BX_OK, NULL },
	/* One line, one device twice, and a line that may be another's when the firmware has said where ISA
	 * lines arrive: object 11 becomes one more. */
	{ { { OBJECT(11, kind), 4, BX_OBJECT_IRQ }, { OBJECT(11, a), 8, 4 } }, BX_ERR_EXISTS,
	  "object ports, line or device" },
	{ { { OBJECT(11, kind), 4, BX_OBJECT_IRQ }, { OBJECT(11, a), 8, 23 } }, BX_ERR_EXISTS,
	  "object ports, line or device" },
	{ { { OBJECT(11, kind), 4, BX_OBJECT_DEVICE }, { OBJECT(11, a), 8, BX_DEVICE_PLATFORM } },
	  BX_ERR_EXISTS, "object ports, line or device" },
	/* The launch block of another: all but its number may be right. */
	{ { { LAUNCH(program), 4, UINT32_MAX }, { LAUNCH(version), 4, 1 } }, BX_ERR_INVALID,
	  "launch program" },
};

static void
refuse_bytes(const uint8_t *bytes, size_t size, enum bx_err err, const char *expect)
{
	struct bx_sysimage view, poison;
	const char *where = NULL;

	memset(&poison, 0x5a, sizeof(poison));
	view = poison;
	ck_assert_int_eq(bx_sysimage_open(bytes, size, &view, &where), err);
	ck_assert_str_eq(where, expect);
	ck_assert_mem_eq(&view, &poison, sizeof(view));
}

static void
refuse_check(size_t size, enum bx_err err, const char *expect)
{
	refuse_bytes(image, size, err, expect);
}

START_TEST(opens_a_good_image)
{
	struct bx_sysimage view;
	const char *where = NULL;

	ck_assert_int_eq(bx_sysimage_open(image, image_size, &view, &where), BX_OK);
	ck_assert_uint_eq(view.program_count, 2);
	ck_assert_uint_eq(view.object_count, 12);
	ck_assert_uint_eq(view.grant_count, 5);
	ck_assert_uint_eq(view.audit_records, 64);
	ck_assert_ptr_eq(view.bytes, image);
	ck_assert_uint_eq(bx_get_le32(view.grants[2].object), 1);
}
END_TEST

START_TEST(refuses_each_wrong_field)
{
	const struct wrong *wrong = &wrongs[_i];

	for (unsigned i = 0; i < wrong->width; i++)
		image[wrong->at + i] = (uint8_t)(wrong->value >> (8 * i));
	refuse_check(image_size, wrong->err, wrong->where);
}
END_TEST

/* A policy for a program of whose end nobody hears. */
START_TEST(refuses_a_restart_policy_without_exit_object)
{
	bx_put_le32(image + PROGRAM(1, exit_object), BX_SYSIMAGE_NONE);
	bx_put_le64(image + PROGRAM(1, exit_bits), 0);
	refuse_check(image_size, BX_ERR_INVALID, "program restart policy without exit_object");
	bx_put_le32(image + PROGRAM(1, flags), 0);
	for (unsigned i = 0; i < 16; i++)
		image[PROGRAM(1, restart_times) + i] = 0;
	ck_assert_int_eq(bx_sysimage_open(image, image_size, &(struct bx_sysimage){ 0 },
	    &(const char *){ NULL }), BX_OK);
}
END_TEST

START_TEST(refuses_each_wrong_pair)
{
	const struct wrong_pair *wrong = &wrong_pairs[_i];
	struct bx_sysimage view;
	const char *where;

	for (unsigned i = 0; i < 2; i++)
		for (unsigned j = 0; j < wrong->edits[i].width; j++)
			image[wrong->edits[i].at + j] = (uint8_t)(wrong->edits[i].value >> (8 * j));
	if (wrong->err != BX_OK)
		refuse_check(image_size, wrong->err, wrong->where);
	else
		ck_assert_int_eq(bx_sysimage_open(image, image_size, &view, &where), BX_OK);
}
END_TEST

/* Object 11 becomes ports beside those of object 4, 0x3f8 to 0x3ff. */
static const struct wrong_ports {
	uint16_t first, count;
	enum bx_err err;
	const char *where;
} wrong_ports[] = {
	{ 0x3f0, 8, BX_OK, NULL },
	{ 0x3f1, 8, BX_ERR_EXISTS, "object ports, line or device" },
	{ 0x3ff, 1, BX_ERR_EXISTS, "object ports, line or device" },
	{ 0x3f0, 32, BX_ERR_EXISTS, "object ports, line or device" },
	{ 0x3fa, 2, BX_ERR_EXISTS, "object ports, line or device" },
	{ 0x400, 8, BX_OK, NULL },
	{ 0x53, 1, BX_ERR_INVALID, "object ports of the platform" },
	{ 0x00, 1, BX_ERR_INVALID, "object ports of the platform" },
	{ 0x20, 2, BX_ERR_INVALID, "object ports of the platform" },
	{ 0x40, 4, BX_ERR_INVALID, "object ports of the platform" },
	{ 0x54, 13, BX_OK, NULL },
	{ 0x60, 2, BX_ERR_INVALID, "object ports of the platform" },
	{ 0x62, 2, BX_OK, NULL },
	{ 0x64, 1, BX_ERR_INVALID, "object ports of the platform" },
	{ 0x65, 27, BX_OK, NULL },
	{ 0x80, 1, BX_ERR_INVALID, "object ports of the platform" },
	{ 0x92, 1, BX_ERR_INVALID, "object ports of the platform" },
	{ 0xa0, 2, BX_ERR_INVALID, "object ports of the platform" },
	{ 0xdf, 1, BX_ERR_INVALID, "object ports of the platform" },
	{ 0xe0, 256, BX_OK, NULL },
	{ 0x4d1, 1, BX_ERR_INVALID, "object ports of the platform" },
	{ 0x4d2, 0xcf8 - 0x4d2, BX_OK, NULL },
	{ 0x4d2, 0xcf9 - 0x4d2, BX_ERR_INVALID, "object ports of the platform" },
	{ 0xcf9, 1, BX_ERR_INVALID, "object ports of the platform" },
	{ 0xcff, 1, BX_ERR_INVALID, "object ports of the platform" },
	{ 0xd00, 0xf300, BX_OK, NULL },
};

START_TEST(refuses_ports_of_others)
{
	const struct wrong_ports *wrong = &wrong_ports[_i];
	struct bx_sysimage view;
	const char *where;

	bx_put_le32(image + OBJECT(11, kind), BX_OBJECT_IOPORT);
	bx_put_le64(image + OBJECT(11, a), wrong->first);
	bx_put_le64(image + OBJECT(11, b), wrong->count);
	if (wrong->err != BX_OK)
		refuse_check(image_size, wrong->err, wrong->where);
	else
		ck_assert_int_eq(bx_sysimage_open(image, image_size, &view, &where), BX_OK);
}
END_TEST

/* Lines of which both, or none, are ISA are two when their numbers are; and above 23 there is no ISA. */
START_TEST(takes_different_lines)
{
	struct bx_sysimage view;
	const char *where;

	bx_put_le32(image + OBJECT(11, kind), BX_OBJECT_IRQ);
	bx_put_le64(image + OBJECT(11, a), 24);
	ck_assert_int_eq(bx_sysimage_open(image, image_size, &view, &where), BX_OK);
	bx_put_le64(image + OBJECT(11, a), 5);
	bx_put_le64(image + OBJECT(11, b), BX_IRQ_ISA | BX_IRQ_LEVEL);
	ck_assert_int_eq(bx_sysimage_open(image, image_size, &view, &where), BX_OK);
}
END_TEST

/* What has one holder: lent on it is good (setup), twice in one program too, given to two from the root
 * not; whichever of many objects it is, of every kind that has one holder and no other. */
START_TEST(refuses_two_holders)
{
	static const struct {
		uint32_t kind;
		uint64_t a, b;
		enum bx_err err;
	} kinds[] = {
		{ BX_OBJECT_MEMORY, 1, 0, BX_ERR_EXISTS },
		{ BX_OBJECT_IRQ, 4, 0, BX_ERR_EXISTS },
		{ BX_OBJECT_IOPORT, 0x3f8, 8, BX_ERR_EXISTS },
		{ BX_OBJECT_DEVICE, BX_DEVICE_PLATFORM, 0, BX_ERR_EXISTS },
		{ BX_OBJECT_ENDPOINT, 0, 0, BX_OK },
		{ BX_OBJECT_NOTIFICATION, 0, 0, BX_OK },
		{ BX_OBJECT_AUDIT, 0, 0, BX_OK },
		{ BX_OBJECT_CLOCK, 0, 0, BX_OK },
		{ BX_OBJECT_SPAWN, 0, 0, BX_OK },
		{ BX_OBJECT_THREAD, 0, 0, BX_OK },
		{ BX_OBJECT_CSPACE, 0, 0, BX_OK },
	};
	struct build build = build_start("a system");
	struct bx_sysimage view;
	const char *where = NULL;
	uint32_t object;

	(void)build_program(&build, "first");
	(void)build_program(&build, "second");
	object = build_object(&build, "it", kinds[_i].kind, kinds[_i].a, kinds[_i].b);
	(void)build_grant(&build, 0, 1, object, BX_RIGHT_READ);
	(void)build_grant(&build, 0, 2, object, BX_RIGHT_READ);
	image_size = build_image(&build, image);
	ck_assert_int_eq(bx_sysimage_open(image, image_size, &view, &where), BX_OK);
	(void)build_grant(&build, 1, 1, object, BX_RIGHT_READ);
	image_size = build_image(&build, image);
	if (kinds[_i].err == BX_OK)
		ck_assert_int_eq(bx_sysimage_open(image, image_size, &view, &where), BX_OK);
	else
		refuse_check(image_size, kinds[_i].err, "grant of what another program holds");
	build.grants[2].lender = 2;
	image_size = build_image(&build, image);
	ck_assert_int_eq(bx_sysimage_open(image, image_size, &view, &where), BX_OK);
}
END_TEST

START_TEST(refuses_equal_names)
{
	memcpy(image + PROGRAM(1, name), image + PROGRAM(0, name), BX_NAME_MAX);
	refuse_check(image_size, BX_ERR_EXISTS, "program name");
	setup();
	/* Of one kind; another kind may have the name: "second" is a program too. */
	memcpy(image + OBJECT(11, name), image + OBJECT(0, name), BX_NAME_MAX);
	refuse_check(image_size, BX_ERR_EXISTS, "object name");
}
END_TEST

/* The threads of all programs with `fpu` together have an end. */
START_TEST(refuses_too_many_threads_with_fpu)
{
	struct bx_sysimage view;
	const char *where;

	bx_put_le32(image + PROGRAM(0, flags), BX_PROGRAM_FPU);
	bx_put_le32(image + PROGRAM(0, thread_count), 20);
	bx_put_le32(image + PROGRAM(1, thread_count), BX_SYSIMAGE_FPU_THREADS_MAX - 19);
	ck_assert_int_eq(bx_sysimage_open(image, image_size, &view, &where), BX_OK);
	bx_put_le32(image + PROGRAM(1, flags), BX_PROGRAM_FPU | BX_PROGRAM_RESTART);
	refuse_check(image_size, BX_ERR_RANGE, "threads of programs with fpu");
	bx_put_le32(image + PROGRAM(1, thread_count), BX_SYSIMAGE_FPU_THREADS_MAX - 20);
	ck_assert_int_eq(bx_sysimage_open(image, image_size, &view, &where), BX_OK);
}
END_TEST

/* The scheduler counts threads in 16 bits: 64 programs of 1024 are one thread too many. */
START_TEST(refuses_too_many_threads)
{
	const size_t one = sizeof(struct bx_sysimage_program), count = 64, size = PROGRAMS + count * one;
	uint8_t *big = malloc(size);

	ck_assert_ptr_nonnull(big);
	memcpy(big, image, PROGRAMS);
	for (size_t i = 0; i < count; i++) {
		memcpy(big + PROGRAM(i, name), image + PROGRAM(0, name), one);
		big[PROGRAM(i, name)] = (uint8_t)('0' + i);
		bx_put_le32(big + PROGRAM(i, thread_count), 1024);
	}
	bx_put_le32(big + HEADER(size), (uint32_t)size);
	bx_put_le32(big + HEADER(program_count), (uint32_t)count);
	bx_put_le32(big + HEADER(object_count), 0);
	bx_put_le32(big + HEADER(grant_count), 0);
	bx_put_le32(big + HEADER(object_offset), (uint32_t)size);
	bx_put_le32(big + HEADER(grant_offset), (uint32_t)size);
	refuse_bytes(big, size, BX_ERR_RANGE, "threads of all programs");
	bx_put_le32(big + PROGRAM(0, thread_count), 1023);
	/* Then the launch blocks are what is wrong. */
	refuse_bytes(big, size, BX_ERR_FORMAT, "launch magic");
	free(big);
}
END_TEST

/* The 300th of many pieces of memory, which is beyond the first walk of the grants. */
START_TEST(refuses_two_holders_of_one_of_many)
{
	const uint32_t count = 320;
	const size_t objects = PROGRAMS + 2 * sizeof(struct bx_sysimage_program);
	const size_t grants = objects + count * sizeof(struct bx_sysimage_object);
	const size_t size = grants + 2 * sizeof(struct bx_sysimage_grant);
	uint8_t *big = calloc(1, size);

	ck_assert_ptr_nonnull(big);
	memcpy(big, image, objects);
	for (uint32_t i = 0; i < count; i++) {
		uint8_t *object = big + objects + i * sizeof(struct bx_sysimage_object);

		memcpy(object, image + OBJECT(2, name), sizeof(struct bx_sysimage_object));
		object[0] = (uint8_t)('0' + i / 64);
		object[1] = (uint8_t)('0' + i % 64);
	}
	/* The endpoint and the notification of the second program. */
	memcpy(big + objects, image + OBJECT(0, name), 2 * sizeof(struct bx_sysimage_object));
	for (uint32_t i = 0; i < 2; i++) {
		uint8_t *grant = big + grants + i * sizeof(struct bx_sysimage_grant);

		memcpy(grant, image + GRANT(1, program), sizeof(struct bx_sysimage_grant));
		bx_put_le32(grant + offsetof(struct bx_sysimage_grant, program), i);
		bx_put_le32(grant + offsetof(struct bx_sysimage_grant, object), 300 + i);
	}
	bx_put_le32(big + HEADER(size), (uint32_t)size);
	bx_put_le32(big + HEADER(object_count), count);
	bx_put_le32(big + HEADER(grant_count), 2);
	bx_put_le32(big + HEADER(grant_offset), (uint32_t)grants);
	/* Two pieces: then the launch blocks are what is wrong. */
	refuse_bytes(big, size, BX_ERR_FORMAT, "launch magic");
	bx_put_le32(big + grants + sizeof(struct bx_sysimage_grant) +
	    offsetof(struct bx_sysimage_grant, object), 300);
	refuse_bytes(big, size, BX_ERR_EXISTS, "grant of what another program holds");
	free(big);
}
END_TEST

/* Larger than any image may be, and honest about it. */
START_TEST(refuses_what_is_too_large)
{
	const size_t size = BX_SYSIMAGE_SIZE_MAX + 1;
	struct bx_sysimage view;
	const char *where = NULL;
	uint8_t *big = calloc(1, size);

	ck_assert_ptr_nonnull(big);
	memcpy(big, image, image_size);
	bx_put_le32(big + HEADER(size), (uint32_t)size);
	refuse_bytes(big, size, BX_ERR_RANGE, "size");
	bx_put_le32(big + HEADER(size), (uint32_t)size - 1);
	ck_assert_int_eq(bx_sysimage_open(big, size - 1, &view, &where), BX_OK);
	free(big);
}
END_TEST

/* Cut at every length, also with a header that admits it; and one byte more. */
START_TEST(refuses_every_truncation)
{
	struct bx_sysimage view;
	const char *where;

	for (size_t size = 0; size < image_size; size++) {
		uint8_t *copy = malloc(size + 1);

		memcpy(copy, image, size);
		ck_assert_int_ne(bx_sysimage_open(copy, size, &view, &where), BX_OK);
		if (size >= sizeof(struct bx_sysimage_header)) {
			bx_put_le32(copy + HEADER(size), (uint32_t)size);
			ck_assert_int_ne(bx_sysimage_open(copy, size, &view, &where), BX_OK);
		}
		free(copy);
	}
	refuse_check(sizeof(struct bx_sysimage_header) - 1, BX_ERR_TRUNCATED, "header");
	refuse_check(image_size + 1, BX_ERR_RANGE, "size");
	bx_put_le32(image + HEADER(size), (uint32_t)(image_size + 1));
	refuse_check(image_size, BX_ERR_TRUNCATED, "size");
}
END_TEST

/* Whatever one byte becomes, an image that is accepted also makes a core that is sound. */
START_TEST(accepted_images_make_sound_cores)
{
	struct build build = build_start("s");
	struct world world;
	unsigned accepted = 0;

	build_program(&build, "first");
	world_prepare(&world, &build);
	for (size_t i = (size_t)_i; i < image_size; i += 16) {
		const char *where;

		setup();
		image[i] = (uint8_t)(image[i] + 1 + i % 5);
		memcpy(world.image, image, image_size);
		world.image_bytes = image_size;
		bx_hosted_init(&world.machine, memset(world.memory, 0, WORLD_MEMORY), WORLD_MEMORY);
		accepted += world_boot(&world, &where) == BX_OK;
		free(world.pools);
		world.pools = NULL;
	}
	ck_assert_uint_gt(accepted, 0);
	world_free(&world);
}
END_TEST

Suite *
suite_sysimage(void)
{
	Suite *suite = suite_create("kcore-sysimage");
	TCase *tcase = tcase_create("sysimage");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, opens_a_good_image);
	tcase_add_loop_test(tcase, refuses_each_wrong_field, 0, (int)BX_ARRAY_COUNT(wrongs));
	tcase_add_test(tcase, refuses_a_restart_policy_without_exit_object);
	tcase_add_loop_test(tcase, refuses_each_wrong_pair, 0, (int)BX_ARRAY_COUNT(wrong_pairs));
	tcase_add_loop_test(tcase, refuses_ports_of_others, 0, (int)BX_ARRAY_COUNT(wrong_ports));
	tcase_add_test(tcase, takes_different_lines);
	tcase_add_loop_test(tcase, refuses_two_holders, 0, 11);
	tcase_add_test(tcase, refuses_two_holders_of_one_of_many);
	tcase_add_test(tcase, refuses_equal_names);
	tcase_add_test(tcase, refuses_too_many_threads);
	tcase_add_test(tcase, refuses_what_is_too_large);
	tcase_add_test(tcase, refuses_too_many_threads_with_fpu);
	tcase_add_test(tcase, refuses_every_truncation);
	tcase_add_loop_test(tcase, accepted_images_make_sound_cores, 0, 16);
	suite_add_tcase(suite, tcase);
	return suite;
}
