/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/sysimage.h -- the compiled form of a system manifest.  Layer 0.
 *
 * systems/NAME.system is written by people; tools/mksystem checks and compiles it on the build
 * machine; the bootloader passes the result on as the module "system"; the kernel core validates
 * it again (it trusts no tool) and makes from it every program, object and capability of the
 * running system.  Nothing else grants authority.
 *
 * All numbers are little-endian byte arrays: read them with bx_get_le*().  Names are NUL-padded
 * and NUL-terminated.  Offsets count from the start of the image.  Layout:
 *
 *	header | programs[] | objects[] | grants[] | launch blocks and other bytes
 *
 * The tables follow each other without a gap.  Grants are sorted by program, then slot.  A range
 * counts from the object's beginning: its first page or port is 0.
 *
 * At the end of this file: the state that a launch ends in, as bytes, of which the kernel takes the
 * SHA-256 and which authority(1) predicts from the manifest.
 */
#ifndef BRAINIX_SYSIMAGE_H
#define BRAINIX_SYSIMAGE_H

#include <brainix/base.h>
#include <brainix/abi.h>

#define BX_SYSIMAGE_MAGIC	0x4547414d49535842	/* "BXSIMAGE" as bytes */
#define BX_SYSIMAGE_VERSION	2
#define BX_SYSIMAGE_SIZE_MAX	(1024 * 1024)
#define BX_SYSIMAGE_PROGRAMS_MAX 256
#define BX_SYSIMAGE_OBJECTS_MAX	4096
#define BX_SYSIMAGE_GRANTS_MAX	16384
#define BX_SYSIMAGE_SLOTS_MAX	65536	/* per program */
#define BX_SYSIMAGE_PROGRAM_THREADS_MAX 1024
#define BX_SYSIMAGE_THREADS_MAX	65535	/* of all programs together */
#define BX_SYSIMAGE_FPU_THREADS_MAX 32	/* of all programs with BX_PROGRAM_FPU together */
#define BX_SYSIMAGE_BUDGET_US_MIN 100	/* shorter ones would go into switching */
#define BX_SYSIMAGE_PERIOD_US_MIN 1000
#define BX_SYSIMAGE_PERIOD_US_MAX 10000000
#define BX_SYSIMAGE_RESTARTS_MAX 65535	/* within one span */
#define BX_SYSIMAGE_RESTART_US_MIN 1000	/* length of a span */
#define BX_SYSIMAGE_RESTART_US_MAX 3600000000u
#define BX_SYSIMAGE_NONE	0xffffffff

struct bx_sysimage_header {
	uint8_t magic[8];
	uint8_t version[4];
	uint8_t size[4];		/* of the whole image; bytes after it are an error */
	uint8_t name[BX_NAME_MAX];	/* of the system */
	uint8_t program_offset[4], program_count[4];
	uint8_t object_offset[4], object_count[4];
	uint8_t grant_offset[4], grant_count[4];
	uint8_t audit_records[4];	/* length of the audit ring, a power of two */
	uint8_t flags[4];		/* BX_SYSTEM_* */
};

/* Program 0 is started by the kernel itself; all others by a holder of a spawn capability. */
struct bx_sysimage_program {
	uint8_t name[BX_NAME_MAX];	/* unique */
	uint8_t module[BX_NAME_MAX];	/* boot module that holds its ELF file */
	uint8_t flags[4];		/* BX_PROGRAM_* */
	uint8_t priority[4];		/* 0..BX_PRIORITY_COUNT - 1 */
	uint8_t priority_max[4];	/* >= priority */
	uint8_t slot_count[4];		/* plain and reply slots together */
	uint8_t reply_count[4];		/* of them at the end */
	uint8_t thread_count[4];	/* 1.. : threads it may have, the first included */
	uint8_t frame_quota[4];		/* frames for its pages, stacks and page tables */
	uint8_t stack_pages[4];		/* of the first thread, without the guard page */
	uint8_t fault_object[4];	/* endpoint that gets its faults, or NONE: a fault ends it */
	uint8_t exit_object[4];		/* notification signalled when it ends, or NONE */
	uint8_t exit_bits[8];		/* the bits set there */
	uint8_t budget_us[4], period_us[4]; /* of each thread; 0, 0: no limit, or none of its own
					 * (BX_PROGRAM_PASSIVE) */
	uint8_t launch_offset[4], launch_size[4]; /* its struct bx_launch, <= one page */
	/* What spawnd does when it ends unasked; all 0 without BX_PROGRAM_RESTART. */
	uint8_t restart_times[4];	/* within one span, which begins with the first of them */
	uint8_t restart_within_us[4];	/* the span */
	uint8_t restart_backoff_us[4];	/* before the first; doubles with each; all together < the span:
					 * 0, or times <= 31 and <= within >> times */
	uint8_t restart_exhausted[4];	/* BX_EXHAUSTED_*: when it ends once more within the span */
};

enum bx_sysimage_object_kind {
	BX_OBJECT_ENDPOINT = 1,
	BX_OBJECT_NOTIFICATION = 2,
	BX_OBJECT_MEMORY = 3,		/* a: pages */
	BX_OBJECT_IRQ = 4,		/* a: ISA/GSI line, b: BX_IRQ_* */
	BX_OBJECT_IOPORT = 5,		/* a: first port, b: count */
	BX_OBJECT_DEVICE = 6,		/* a: BX_DEVICE_* */
	BX_OBJECT_AUDIT = 7,
	BX_OBJECT_CLOCK = 8,
	BX_OBJECT_SPAWN = 9,		/* the programs of this image */
	BX_OBJECT_THREAD = 10,		/* a: program, b: which of its threads (0: the first) */
	BX_OBJECT_CSPACE = 11		/* a: program */
};

#define BX_IRQ_LEVEL		0x1	/* else edge */
#define BX_IRQ_ACTIVE_LOW	0x2	/* else active high */
#define BX_IRQ_ISA		0x4	/* a is an ISA line: the firmware's overrides apply */

#define BX_DEVICE_PLATFORM	1	/* power off, reset */

struct bx_sysimage_object {
	uint8_t name[BX_NAME_MAX];	/* unique within its kind */
	uint8_t kind[4];		/* enum bx_sysimage_object_kind */
	uint8_t reserved[4];		/* 0 */
	uint8_t a[8], b[8];
};

/* One capability of one program, derived at its launch from the object's root capability, or from that
 * of another program, its lender, if that one has it then; else the slot stays empty.  What
 * is lent goes when the lender's goes, and the lender can recharge it: that is how consent works. */
struct bx_sysimage_grant {
	uint8_t program[4];
	uint8_t slot[4];		/* a plain slot; unique within the program */
	uint8_t object[4];
	uint8_t rights[4];		/* BX_RIGHT_* */
	uint8_t badge[8];
	uint8_t uses[4];		/* BX_CAP_USES_UNLIMITED, or a count; 0: dormant */
	uint8_t lender[4];		/* 0: the root; else 1 + index of the lender's grant */
	uint8_t lifetime_us[8];		/* after launch; 0: for ever */
	uint8_t first[8], count[8];	/* range within the object; 0, 0: all of it */
};

/*
 * The state of a program after its launch, before its first instruction: one struct bx_state_program,
 * and one struct bx_state_cap for each slot that holds a capability, in the order of slots.  Both fill a block
 * of SHA-256.  docs/audit.md says how they are used.
 */
#define BX_STATE_MAGIC		0x3145544154535842	/* "BXSTATE1" as bytes */

struct bx_state_program {
	uint8_t magic[8];
	uint8_t program[4];		/* its number in the manifest */
	uint8_t sealed[4];		/* 1: nothing comes into its space but replies */
	uint8_t name[BX_NAME_MAX];
	uint8_t slot_count[4];		/* plain and reply slots together */
	uint8_t plain_count[4];
	uint8_t thread_count[4];
	uint8_t reserved[12];		/* 0 */
};

struct bx_state_cap {
	uint8_t program[4];
	uint8_t slot[4];
	uint8_t object[4];		/* its number in the manifest; NONE: a reply */
	uint8_t parent[4];		/* derived from that slot of another program: program << 16 | slot;
					 * NONE: from the object's root */
	uint8_t type[1];		/* enum bx_cap_type */
	uint8_t rights[1];		/* BX_RIGHT_* */
	uint8_t depth[2];		/* derivations since the root */
	uint8_t uses[4];		/* BX_CAP_USES_UNLIMITED, or a count */
	uint8_t badge[8];
	uint8_t lifetime_us[8];		/* from the launch on, rounded up; 0: as long as its parent */
	uint8_t first[8], count[8];	/* range as the kernel has it: ports by number, pages from 0 */
	uint8_t reserved[8];		/* 0 */
};

BX_STATIC_ASSERT(sizeof(struct bx_state_program) == 64, "a block of SHA-256");
BX_STATIC_ASSERT(sizeof(struct bx_state_cap) == 64, "a block of SHA-256");
BX_STATIC_ASSERT(sizeof(struct bx_sysimage_header) == 72, "image format");
BX_STATIC_ASSERT(sizeof(struct bx_sysimage_program) == 128, "image format");
BX_STATIC_ASSERT(sizeof(struct bx_sysimage_object) == 48, "image format");
BX_STATIC_ASSERT(sizeof(struct bx_sysimage_grant) == 56, "image format");

#endif
