/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * state.c -- the state that each launch will end in, when the lenders of what is lent run: as the bytes that
 * the kernel hashes (struct bx_state_program and bx_state_cap), as text, and as that hash.  It is made from
 * the model, not by the kernel's code: that both agree is a test of both.
 */
#include <inttypes.h>
#include <string.h>

#include <brainix/sha256.h>

#include "authority.h"

/* The capability with this number among all of the manifest, and whose it is, in which slot. */
static const struct system_capability *
capability_at(const struct system_model *model, uint32_t number, uint32_t *program, uint32_t *slot)
{
	for (uint32_t i = 0; i < model->program_count; i++) {
		if (number < model->programs[i].capability_count) {
			*program = i;
			*slot = SYSTEM_FIRST_SLOT + number;
			return &model->programs[i].capabilities[number];
		}
		number -= model->programs[i].capability_count;
	}
	return NULL;
}

static void
program_bytes(const struct system_model *model, uint32_t index, struct bx_state_program *to)
{
	const struct system_program *program = &model->programs[index];
	uint32_t slots = system_slot_count(program);

	memset(to, 0, sizeof *to);
	bx_put_le64(to->magic, BX_STATE_MAGIC);
	bx_put_le32(to->program, index);
	bx_put_le32(to->sealed, (program->flags & BX_PROGRAM_OPEN_SPACE) == 0);
	memcpy(to->name, program->name, strlen(program->name));
	bx_put_le32(to->slot_count, slots);
	bx_put_le32(to->plain_count, slots - program->reply_count);
	bx_put_le32(to->thread_count, program->thread_count);
}

/* What the kernel makes of a range: ports by their number, all of the object when nothing is said. */
static void
range_of(const struct system_model *model, const struct system_capability *capability, uint64_t *first,
    uint64_t *count)
{
	const struct system_object *object = &model->objects[capability->object];
	bool ports = object->kind == BX_OBJECT_IOPORT;
	uint64_t all = ports ? object->b : object->kind == BX_OBJECT_MEMORY ? object->a :
	    object->kind == BX_OBJECT_SPAWN ? model->program_count : 0;

	*first = (ports ? object->a : 0) + capability->first;
	*count = capability->count != 0 ? capability->count : all;
}

static void
cap_bytes(const struct system_model *model, uint32_t program, uint32_t index, struct bx_state_cap *to)
{
	const struct system_capability *capability = &model->programs[program].capabilities[index];
	uint64_t first, count, badge = capability->badge;
	uint32_t parent = BX_SYSIMAGE_NONE;

	if (capability->lender != 0) {
		uint32_t lender = 0, slot = 0;

		badge = capability_at(model, capability->lender - 1, &lender, &slot)->badge;
		parent = lender << 16 | slot;
	}
	range_of(model, capability, &first, &count);
	memset(to, 0, sizeof *to);
	bx_put_le32(to->program, program);
	bx_put_le32(to->slot, SYSTEM_FIRST_SLOT + index);
	bx_put_le32(to->object, capability->object);
	bx_put_le32(to->parent, parent);
	to->type[0] = (uint8_t)object_cap_type(model->objects[capability->object].kind);
	to->rights[0] = (uint8_t)capability->rights;
	bx_put_le16(to->depth, capability->lender != 0 ? 2 : 1);
	bx_put_le32(to->uses, capability->uses);
	bx_put_le64(to->badge, badge);
	bx_put_le64(to->lifetime_us, capability->lifetime_us);
	bx_put_le64(to->first, first);
	bx_put_le64(to->count, count);
}

static void
cap_line(const struct system_model *model, const char *name, const struct bx_state_cap *cap, FILE *out)
{
	const struct system_object *object = &model->objects[bx_get_le32(cap->object)];
	uint32_t parent = bx_get_le32(cap->parent), uses = bx_get_le32(cap->uses);
	uint64_t badge = bx_get_le64(cap->badge), lifetime = bx_get_le64(cap->lifetime_us);
	bool of_program = object->kind == BX_OBJECT_THREAD || object->kind == BX_OBJECT_CSPACE;
	char rights[RIGHTS_TEXT];

	fprintf(out, "%s %" PRIu32 " %s %s %s %s ", model->programs[bx_get_le32(cap->program)].name,
	    bx_get_le32(cap->slot), name, object_kind_name(object->kind), rights_text(cap->rights[0], rights),
	    of_program ? object->program_name : object->name);
	if (bx_get_le64(cap->count) != 0)
		fprintf(out, "%" PRIu64 "+%" PRIu64, bx_get_le64(cap->first), bx_get_le64(cap->count));
	else
		fputs("-", out);
	if (uses != BX_CAP_USES_UNLIMITED)
		fprintf(out, " %" PRIu32, uses);
	else
		fputs(" -", out);
	fprintf(out, badge != 0 ? " 0x%" PRIx64 : " -", badge);
	fprintf(out, lifetime != 0 ? " %" PRIu64 : " -", lifetime);
	if (parent != BX_SYSIMAGE_NONE)
		fprintf(out, " %s/%" PRIu32 "\n", model->programs[parent >> 16].name, parent & 0xffff);
	else
		fputs(" -\n", out);
}

void
show_state(const struct system_model *model, FILE *out)
{
	struct bx_state_cap cap;

	for (uint32_t i = 0; i < model->program_count; i++)
		for (uint32_t j = 0; j < model->programs[i].capability_count; j++) {
			cap_bytes(model, i, j, &cap);
			cap_line(model, model->programs[i].capabilities[j].name, &cap, out);
		}
}

void
show_hash(const struct system_model *model, FILE *out)
{
	for (uint32_t i = 0; i < model->program_count; i++) {
		struct bx_state_program program;
		struct bx_state_cap cap;
		struct bx_sha256 hash;
		uint8_t digest[BX_SHA256_SIZE];

		program_bytes(model, i, &program);
		bx_sha256_begin(&hash);
		bx_sha256_blocks(&hash, program.magic, 1);
		for (uint32_t j = 0; j < model->programs[i].capability_count; j++) {
			cap_bytes(model, i, j, &cap);
			bx_sha256_blocks(&hash, cap.program, 1);
		}
		bx_sha256_end(&hash, NULL, 0, digest);
		fprintf(out, "%s ", model->programs[i].name);
		for (size_t j = 0; j < sizeof digest; j++)
			fprintf(out, "%02x", digest[j]);
		fputc('\n', out);
	}
}
