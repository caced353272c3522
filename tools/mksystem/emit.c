/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * emit.c -- the model as bytes: header, programs, objects, grants, launch blocks.  The same model
 * always gives the same bytes.  Slot 0 of every program stays empty, so that a forgotten
 * initialisation names nothing; capabilities follow in the manifest's order, replies come last.
 */
#include <stdlib.h>
#include <string.h>

#include "mksystem.h"

/* Where each part of the image begins. */
struct layout {
	size_t programs, objects, grants, launches, size;
	uint32_t grant_count;
};

static size_t
launch_size(const struct system_program *program)
{
	return sizeof(struct bx_launch) + program->capability_count * sizeof(struct bx_launch_entry);
}

static struct layout
lay_out(const struct system_model *model)
{
	struct layout layout = { .programs = sizeof(struct bx_sysimage_header) };

	layout.objects = layout.programs + model->program_count * sizeof(struct bx_sysimage_program);
	layout.grants = layout.objects + model->object_count * sizeof(struct bx_sysimage_object);
	for (uint32_t i = 0; i < model->program_count; i++)
		layout.grant_count += model->programs[i].capability_count;
	layout.launches = layout.grants + layout.grant_count * sizeof(struct bx_sysimage_grant);
	layout.launches = (size_t)bx_align_up(layout.launches, 8);
	layout.size = layout.launches;
	for (uint32_t i = 0; i < model->program_count; i++)
		layout.size += launch_size(&model->programs[i]);
	return layout;
}

static void
put_name(uint8_t field[BX_NAME_MAX], const char *name)
{
	memcpy(field, name, strlen(name));	/* checked to be shorter; the rest is zero already */
}

static void
emit_header(uint8_t *image, const struct system_model *model, const struct layout *layout)
{
	struct bx_sysimage_header *header = (struct bx_sysimage_header *)image;

	bx_put_le64(header->magic, BX_SYSIMAGE_MAGIC);
	bx_put_le32(header->version, BX_SYSIMAGE_VERSION);
	bx_put_le32(header->size, (uint32_t)layout->size);
	put_name(header->name, model->name);
	bx_put_le32(header->program_offset, (uint32_t)layout->programs);
	bx_put_le32(header->program_count, model->program_count);
	bx_put_le32(header->object_offset, (uint32_t)layout->objects);
	bx_put_le32(header->object_count, model->object_count);
	bx_put_le32(header->grant_offset, (uint32_t)layout->grants);
	bx_put_le32(header->grant_count, layout->grant_count);
	bx_put_le32(header->audit_records, model->audit_records);
	bx_put_le32(header->flags, model->flags);
}

static void
emit_program(struct bx_sysimage_program *to, const struct system_program *program, uint32_t index,
    size_t launch_offset)
{
	put_name(to->name, program->name);
	put_name(to->module, program->binary);
	bx_put_le32(to->flags, program->flags);
	bx_put_le32(to->priority, program->priority);
	bx_put_le32(to->priority_max, program->priority_max);
	bx_put_le32(to->slot_count, system_slot_count(program));
	bx_put_le32(to->reply_count, program->reply_count);
	bx_put_le32(to->thread_count, program->thread_count);
	bx_put_le32(to->frame_quota, program->frame_quota);
	bx_put_le32(to->stack_pages, program->stack_pages);
	bx_put_le32(to->fault_object, program->fault_object);
	bx_put_le32(to->exit_object, program->exit_object);
	bx_put_le64(to->exit_bits, program->exit_object != BX_SYSIMAGE_NONE ? UINT64_C(1) << index : 0);
	bx_put_le32(to->budget_us, program->budget_us);
	bx_put_le32(to->period_us, program->period_us);
	bx_put_le32(to->restart_times, program->restart_times);
	bx_put_le32(to->restart_within_us, program->restart_within_us);
	bx_put_le32(to->restart_backoff_us, program->restart_backoff_us);
	bx_put_le32(to->restart_exhausted, program->restart_exhausted);
	bx_put_le32(to->launch_offset, (uint32_t)launch_offset);
	bx_put_le32(to->launch_size, (uint32_t)launch_size(program));
}

static void
emit_object(struct bx_sysimage_object *to, const struct system_object *object)
{
	put_name(to->name, object->name);
	bx_put_le32(to->kind, (uint32_t)object->kind);
	bx_put_le64(to->a, object->a);
	bx_put_le64(to->b, object->b);
}

static void
emit_grant(struct bx_sysimage_grant *to, uint32_t program, uint32_t slot,
    const struct system_capability *capability)
{
	bx_put_le32(to->program, program);
	bx_put_le32(to->slot, slot);
	bx_put_le32(to->object, capability->object);
	bx_put_le32(to->rights, capability->rights);
	bx_put_le64(to->badge, capability->badge);
	bx_put_le32(to->uses, capability->uses);
	bx_put_le32(to->lender, capability->lender);
	bx_put_le64(to->lifetime_us, capability->lifetime_us);
	bx_put_le64(to->first, capability->first);
	bx_put_le64(to->count, capability->count);
}

/* The launch block has the machine's own layout (abi.h): little-endian x86-64, like this tool's
 * output on any build machine, because every field is put byte by byte. */
static void
emit_launch(uint8_t *to, const struct system_model *model, uint32_t index)
{
	const struct system_program *program = &model->programs[index];
	uint8_t *entry = to + sizeof(struct bx_launch);

	bx_put_le64(to + offsetof(struct bx_launch, magic), BX_LAUNCH_MAGIC);
	bx_put_le32(to + offsetof(struct bx_launch, version), 1);
	bx_put_le32(to + offsetof(struct bx_launch, program), index);
	put_name(to + offsetof(struct bx_launch, name), program->name);
	bx_put_le32(to + offsetof(struct bx_launch, reply_first), system_slot_count(program) -
	    program->reply_count);
	bx_put_le32(to + offsetof(struct bx_launch, reply_count), program->reply_count);
	bx_put_le32(to + offsetof(struct bx_launch, entry_count), program->capability_count);
	for (uint32_t i = 0; i < program->capability_count; i++) {
		const struct system_capability *capability = &program->capabilities[i];

		put_name(entry + offsetof(struct bx_launch_entry, name), capability->name);
		bx_put_le32(entry + offsetof(struct bx_launch_entry, slot), SYSTEM_FIRST_SLOT + i);
		bx_put_le32(entry + offsetof(struct bx_launch_entry, type),
		    (uint32_t)object_cap_type(model->objects[capability->object].kind));
		entry += sizeof(struct bx_launch_entry);
	}
}

static void
emit_parts(uint8_t *image, const struct system_model *model, const struct layout *layout)
{
	struct bx_sysimage_program *programs = (void *)(image + layout->programs);
	struct bx_sysimage_object *objects = (void *)(image + layout->objects);
	struct bx_sysimage_grant *grants = (void *)(image + layout->grants);
	size_t launch = layout->launches;
	uint32_t grant = 0;

	emit_header(image, model, layout);
	for (uint32_t i = 0; i < model->object_count; i++)
		emit_object(&objects[i], &model->objects[i]);
	for (uint32_t i = 0; i < model->program_count; i++) {
		const struct system_program *program = &model->programs[i];

		emit_program(&programs[i], program, i, launch);
		for (uint32_t j = 0; j < program->capability_count; j++)
			emit_grant(&grants[grant++], i, SYSTEM_FIRST_SLOT + j, &program->capabilities[j]);
		emit_launch(image + launch, model, i);
		launch += launch_size(program);
	}
}

uint8_t *
system_emit(const struct system_model *model, size_t *size, struct diagnostics *diagnostics)
{
	struct layout layout = lay_out(model);
	uint8_t *image;

	for (uint32_t i = 0; i < model->program_count; i++)
		if (launch_size(&model->programs[i]) > BX_PAGE_SIZE)
			complain(diagnostics, model->programs[i].at,
			    "program %s has %u capabilities, too many for its launch block of one page",
			    model->programs[i].name, model->programs[i].capability_count);
	if (layout.size > BX_SYSIMAGE_SIZE_MAX)
		complain(diagnostics, model->at, "the system takes %zu bytes, but at most %d are possible",
		    layout.size, BX_SYSIMAGE_SIZE_MAX);
	if (diagnostics->errors != 0)
		return NULL;
	image = calloc(1, layout.size);
	if (image == NULL)
		return NULL;
	emit_parts(image, model, &layout);
	*size = layout.size;
	return image;
}
