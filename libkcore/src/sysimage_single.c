/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sysimage_single.c -- what a compiled manifest may have once only: a port, an interrupt line, a
 * device; and one program to hold each of them, or a piece of memory, from the root.  What that program
 * lends on is checked with the grant (lender_check).  Pure, as sysimage.c.
 */
#include "core.h"

#define HOLDERS_AT_ONCE	256u		/* objects that one walk of the grants looks at */
#define ISA_LINES	24u		/* an ISA line arrives at one of the first controller's inputs */

/* Ports of the machine as a whole: the kernel's own, and those by which whoever has them resets the
 * machine, or has devices read and write all of its memory.  Intel 8-series PCH data sheet (328904),
 * table 9-2. */
static const struct {
	uint16_t first, last;
} platform_ports[] = {
	{ 0x00, 0x53 },			/* DMA controller, interrupt controller, timer */
	{ 0x61, 0x61 },			/* timer */
	{ 0x64, 0x64 },			/* keyboard controller: resets */
	{ 0x80, 0xdf },			/* DMA controller, fast reset, interrupt controller */
	{ 0x4d0, 0x4d1 },		/* interrupt controller */
	{ 0xcf8, 0xcff },		/* configuration of PCI, reset */
};

bool
bx_sysimage_ports_of_platform(uint64_t first, uint64_t count)
{
	for (size_t i = 0; i < BX_ARRAY_COUNT(platform_ports); i++) {
		if (first <= platform_ports[i].last && first + count > platform_ports[i].first)
			return true;
	}
	return false;
}

/* Where an ISA line arrives, the firmware says when the machine starts: it may be any of the first. */
static bool
lines_may_be_one(uint64_t a, uint64_t flags, uint64_t other, uint64_t other_flags)
{
	return a == other ||
	    (((flags ^ other_flags) & BX_IRQ_ISA) != 0 && a < ISA_LINES && other < ISA_LINES);
}

/* Whether two objects of one kind, each validated, have something in common. */
static bool
overlap(uint32_t kind, const struct bx_sysimage_object *one, const struct bx_sysimage_object *other)
{
	uint64_t a = bx_get_le64(one->a), b = bx_get_le64(one->b);
	uint64_t other_a = bx_get_le64(other->a), other_b = bx_get_le64(other->b);

	switch (kind) {
	case BX_OBJECT_IOPORT:
		return a < other_a + other_b && other_a < a + b;
	case BX_OBJECT_IRQ:
		return lines_may_be_one(a, b, other_a, other_b);
	case BX_OBJECT_DEVICE:
		return a == other_a;
	default:
		return false;
	}
}

bool
bx_sysimage_object_overlaps(const struct bx_sysimage *image, uint32_t index)
{
	const struct bx_sysimage_object *object = &image->objects[index];
	uint32_t kind = bx_get_le32(object->kind);

	for (uint32_t i = 0; i < index; i++) {
		if (bx_get_le32(image->objects[i].kind) == kind &&
		    overlap(kind, object, &image->objects[i]))
			return true;
	}
	return false;
}

static bool
one_holder(uint32_t kind)
{
	return kind == BX_OBJECT_MEMORY || kind == BX_OBJECT_IRQ || kind == BX_OBJECT_IOPORT ||
	    kind == BX_OBJECT_DEVICE;
}

/* Of objects `from` to `from` + HOLDERS_AT_ONCE.  The table is small enough for the kernel's stack. */
static bool
holders_single(const struct bx_sysimage *image, uint32_t from)
{
	uint16_t holder[HOLDERS_AT_ONCE] = { 0 };	/* 1 + program; 0: none yet */

	for (uint32_t i = 0; i < image->grant_count; i++) {
		const struct bx_sysimage_grant *grant = &image->grants[i];
		uint32_t object = bx_get_le32(grant->object);
		uint16_t program = (uint16_t)(bx_get_le32(grant->program) + 1);

		if (object - from >= HOLDERS_AT_ONCE || bx_get_le32(grant->lender) != 0 ||
		    !one_holder(bx_get_le32(image->objects[object].kind)))
			continue;
		if (holder[object - from] != 0 && holder[object - from] != program)
			return false;
		holder[object - from] = program;
	}
	return true;
}

bool
bx_sysimage_holders_single(const struct bx_sysimage *image)
{
	for (uint32_t from = 0; from < image->object_count; from += HOLDERS_AT_ONCE) {
		if (!holders_single(image, from))
			return false;
	}
	return true;
}
