/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sysimage.c -- decodes and validates the compiled manifest.  Pure: bytes in, a view or an error out.
 *
 * Every field of every record is checked before the core looks at any of them, so that the rest of
 * the core may index with what stands in the image.  Bounds of what a system may ask for, beyond
 * those of sysimage.h, are here.  Each refusal names its field in *where (static text).
 */
#include "core.h"

#define MEMORY_PAGES_MAX (1u << 22)	/* of one object: 16 GiB */
#define QUOTA_MAX	(1u << 24)
#define AUDIT_MIN	16u
#define AUDIT_MAX	65536u

static enum bx_err
refuse(const char **where, enum bx_err err, const char *text)
{
	*where = text;
	return err;
}

/* Printable, NUL-terminated, NUL-padded, not empty: a name can be shown on a terminal as it is. */
static bool
name_good(const uint8_t name[BX_NAME_MAX])
{
	size_t length = 0;

	while (length < BX_NAME_MAX && name[length] >= 0x20 && name[length] < 0x7f)
		length++;
	if (length == 0 || length == BX_NAME_MAX)
		return false;
	for (size_t i = length; i < BX_NAME_MAX; i++) {
		if (name[i] != 0)
			return false;
	}
	return true;
}

uint8_t
bx_object_cap_type(uint32_t kind)
{
	static const uint8_t type[] = {
		[BX_OBJECT_ENDPOINT] = BX_CAP_ENDPOINT,
		[BX_OBJECT_NOTIFICATION] = BX_CAP_NOTIFICATION,
		[BX_OBJECT_MEMORY] = BX_CAP_MEMORY,
		[BX_OBJECT_IRQ] = BX_CAP_IRQ,
		[BX_OBJECT_IOPORT] = BX_CAP_IOPORT,
		[BX_OBJECT_DEVICE] = BX_CAP_DEVICE,
		[BX_OBJECT_AUDIT] = BX_CAP_AUDIT_READ,
		[BX_OBJECT_CLOCK] = BX_CAP_CLOCK,
		[BX_OBJECT_SPAWN] = BX_CAP_SPAWN,
		[BX_OBJECT_THREAD] = BX_CAP_THREAD,
		[BX_OBJECT_CSPACE] = BX_CAP_CSPACE,
	};

	return kind < BX_ARRAY_COUNT(type) ? type[kind] : (uint8_t)BX_CAP_NONE;
}

/* The header, and where the three tables lie: one behind the other, nothing between. */
static enum bx_err
header_check(const uint8_t *bytes, size_t size, struct bx_sysimage *image, const char **where)
{
	const struct bx_sysimage_header *header = (const struct bx_sysimage_header *)bytes;
	uint64_t at = sizeof(*header);

	if (size < sizeof(*header))
		return refuse(where, BX_ERR_TRUNCATED, "header");
	if (bx_get_le64(header->magic) != BX_SYSIMAGE_MAGIC)
		return refuse(where, BX_ERR_FORMAT, "magic");
	if (bx_get_le32(header->version) != BX_SYSIMAGE_VERSION)
		return refuse(where, BX_ERR_VERSION, "version");
	if (bx_get_le32(header->size) > size)
		return refuse(where, BX_ERR_TRUNCATED, "size");
	if (bx_get_le32(header->size) < size || size > BX_SYSIMAGE_SIZE_MAX)
		return refuse(where, BX_ERR_RANGE, "size");
	if (!name_good(header->name))
		return refuse(where, BX_ERR_FORMAT, "system name");
	if ((bx_get_le32(header->flags) & ~BX_SYSTEM_FLAGS) != 0)
		return refuse(where, BX_ERR_INVALID, "system flags");

	image->bytes = bytes;
	image->header = header;
	image->program_count = bx_get_le32(header->program_count);
	image->object_count = bx_get_le32(header->object_count);
	image->grant_count = bx_get_le32(header->grant_count);
	image->audit_records = bx_get_le32(header->audit_records);
	if (image->program_count == 0 || image->program_count > BX_SYSIMAGE_PROGRAMS_MAX)
		return refuse(where, BX_ERR_RANGE, "program count");
	if (image->object_count > BX_SYSIMAGE_OBJECTS_MAX)
		return refuse(where, BX_ERR_RANGE, "object count");
	if (image->grant_count > BX_SYSIMAGE_GRANTS_MAX)
		return refuse(where, BX_ERR_RANGE, "grant count");
	if (image->audit_records < AUDIT_MIN || image->audit_records > AUDIT_MAX ||
	    (image->audit_records & (image->audit_records - 1)) != 0)
		return refuse(where, BX_ERR_INVALID, "audit records");

	/* No sum below comes near 32 bits: the counts are small now. */
	if (bx_get_le32(header->program_offset) != at)
		return refuse(where, BX_ERR_FORMAT, "program offset");
	image->programs = (const struct bx_sysimage_program *)(bytes + sizeof(*header));
	at += image->program_count * sizeof(*image->programs);
	if (bx_get_le32(header->object_offset) != at)
		return refuse(where, BX_ERR_FORMAT, "object offset");
	if (at > size)
		return refuse(where, BX_ERR_TRUNCATED, "programs");
	image->objects = (const struct bx_sysimage_object *)(bytes + at);
	at += image->object_count * sizeof(*image->objects);
	if (bx_get_le32(header->grant_offset) != at)
		return refuse(where, BX_ERR_FORMAT, "grant offset");
	if (at > size)
		return refuse(where, BX_ERR_TRUNCATED, "objects");
	image->grants = (const struct bx_sysimage_grant *)(bytes + at);
	at += image->grant_count * sizeof(*image->grants);
	if (at > size)
		return refuse(where, BX_ERR_TRUNCATED, "grants");
	return BX_OK;
}

/* Whether `index` is NONE or an object of `kind`. */
static bool
object_or_none(const struct bx_sysimage *image, uint32_t index, uint32_t kind)
{
	if (index == BX_SYSIMAGE_NONE)
		return true;
	return index < image->object_count && bx_get_le32(image->objects[index].kind) == kind;
}

/* Nobody calls the first program at boot: it has time of its own. */
static enum bx_err
budget_check(uint32_t index, uint32_t flags, uint32_t budget, uint32_t period, const char **where)
{
	if ((flags & BX_PROGRAM_PASSIVE) != 0 && (budget != 0 || index == 0))
		return refuse(where, BX_ERR_INVALID, "program passive");
	if (budget == 0 && period == 0)
		return BX_OK;
	if (budget < BX_SYSIMAGE_BUDGET_US_MIN || budget > period ||
	    period < BX_SYSIMAGE_PERIOD_US_MIN || period > BX_SYSIMAGE_PERIOD_US_MAX)
		return refuse(where, BX_ERR_INVALID, "program budget");
	return BX_OK;
}

/* A policy is whole or absent; somebody hears of the end; nobody starts the first program again. */
static enum bx_err
restart_check(const struct bx_sysimage *image, uint32_t index, const char **where)
{
	const struct bx_sysimage_program *program = &image->programs[index];
	uint32_t times = bx_get_le32(program->restart_times);
	uint32_t within = bx_get_le32(program->restart_within_us);
	uint32_t backoff = bx_get_le32(program->restart_backoff_us);
	uint32_t exhausted = bx_get_le32(program->restart_exhausted);

	if ((bx_get_le32(program->flags) & BX_PROGRAM_RESTART) == 0)
		return (times | within | backoff | exhausted) == 0 ? BX_OK :
		    refuse(where, BX_ERR_INVALID, "program restart policy without its flag");
	if (index == 0)
		return refuse(where, BX_ERR_INVALID, "restart policy of the first program");
	if (bx_get_le32(program->exit_object) == BX_SYSIMAGE_NONE)
		return refuse(where, BX_ERR_INVALID, "program restart policy without exit_object");
	if (times > BX_SYSIMAGE_RESTARTS_MAX)
		return refuse(where, BX_ERR_RANGE, "program restart_times");
	if (within < BX_SYSIMAGE_RESTART_US_MIN || within > BX_SYSIMAGE_RESTART_US_MAX)
		return refuse(where, BX_ERR_RANGE, "program restart_within_us");
	if (backoff != 0 && (times > 31 || backoff > within >> times))
		return refuse(where, BX_ERR_RANGE, "program restart_backoff_us");
	return exhausted <= BX_EXHAUSTED_HALT ? BX_OK :
	    refuse(where, BX_ERR_INVALID, "program restart_exhausted");
}

static enum bx_err
program_check(const struct bx_sysimage *image, uint32_t index, const char **where)
{
	const struct bx_sysimage_program *program = &image->programs[index];
	uint32_t flags = bx_get_le32(program->flags);
	uint32_t priority_max = bx_get_le32(program->priority_max);
	uint32_t slots = bx_get_le32(program->slot_count);
	uint32_t threads = bx_get_le32(program->thread_count);
	uint32_t stack = bx_get_le32(program->stack_pages);
	uint32_t exit_object = bx_get_le32(program->exit_object);
	enum bx_err err;

	if (!name_good(program->name))
		return refuse(where, BX_ERR_FORMAT, "program name");
	for (uint32_t i = 0; i < index; i++) {
		if (memcmp(image->programs[i].name, program->name, BX_NAME_MAX) == 0)
			return refuse(where, BX_ERR_EXISTS, "program name");
	}
	if (!name_good(program->module))
		return refuse(where, BX_ERR_FORMAT, "program module");
	if ((flags & ~BX_PROGRAM_FLAGS) != 0)
		return refuse(where, BX_ERR_INVALID, "program flags");
	if ((flags & BX_PROGRAM_OPEN_SPACE) != 0 &&
	    (bx_get_le32(image->header->flags) & BX_SYSTEM_RESEARCH) == 0)
		return refuse(where, BX_ERR_INVALID, "open space in a system that is not for research");
	if (priority_max >= BX_PRIORITY_COUNT)
		return refuse(where, BX_ERR_RANGE, "program priority_max");
	if (bx_get_le32(program->priority) > priority_max)
		return refuse(where, BX_ERR_RANGE, "program priority");
	if (slots > BX_SYSIMAGE_SLOTS_MAX)
		return refuse(where, BX_ERR_RANGE, "program slot_count");
	if (bx_get_le32(program->reply_count) > slots)
		return refuse(where, BX_ERR_RANGE, "program reply_count");
	if (threads == 0 || threads > BX_SYSIMAGE_PROGRAM_THREADS_MAX)
		return refuse(where, BX_ERR_RANGE, "program thread_count");
	if (bx_get_le32(program->frame_quota) > QUOTA_MAX)
		return refuse(where, BX_ERR_RANGE, "program frame_quota");
	if (stack == 0 || stack > BX_STACK_PAGES_MAX)
		return refuse(where, BX_ERR_RANGE, "program stack_pages");
	if (!object_or_none(image, bx_get_le32(program->fault_object), BX_OBJECT_ENDPOINT))
		return refuse(where, BX_ERR_INVALID, "program fault_object");
	if (!object_or_none(image, exit_object, BX_OBJECT_NOTIFICATION))
		return refuse(where, BX_ERR_INVALID, "program exit_object");
	if ((exit_object != BX_SYSIMAGE_NONE) != (bx_get_le64(program->exit_bits) != 0))
		return refuse(where, BX_ERR_INVALID, "program exit_bits");
	err = restart_check(image, index, where);
	return err != BX_OK ? err : budget_check(index, flags, bx_get_le32(program->budget_us),
	    bx_get_le32(program->period_us), where);
}

static enum bx_err
object_check(const struct bx_sysimage *image, uint32_t index, const char **where)
{
	const struct bx_sysimage_object *object = &image->objects[index];
	uint64_t a = bx_get_le64(object->a), b = bx_get_le64(object->b);
	uint32_t kind = bx_get_le32(object->kind);
	bool good;

	if (!name_good(object->name))
		return refuse(where, BX_ERR_FORMAT, "object name");
	for (uint32_t i = 0; i < index; i++) {
		if (memcmp(image->objects[i].name, object->name, BX_NAME_MAX) == 0 &&
		    bx_get_le32(image->objects[i].kind) == kind)
			return refuse(where, BX_ERR_EXISTS, "object name");
	}
	if (bx_get_le32(object->reserved) != 0)
		return refuse(where, BX_ERR_FORMAT, "object reserved");

	switch (kind) {
	case BX_OBJECT_ENDPOINT:
	case BX_OBJECT_NOTIFICATION:
	case BX_OBJECT_AUDIT:
	case BX_OBJECT_CLOCK:
	case BX_OBJECT_SPAWN:
		good = a == 0 && b == 0;
		break;
	case BX_OBJECT_MEMORY:
		good = a != 0 && a <= MEMORY_PAGES_MAX && b == 0;
		break;
	case BX_OBJECT_IRQ:
		good = a <= UINT16_MAX &&
		    (b & ~(uint64_t)(BX_IRQ_LEVEL | BX_IRQ_ACTIVE_LOW | BX_IRQ_ISA)) == 0;
		break;
	case BX_OBJECT_IOPORT:
		good = b != 0 && bx_range_fits(a, b, 65536);
		break;
	case BX_OBJECT_DEVICE:
		good = a == BX_DEVICE_PLATFORM && b == 0;
		break;
	case BX_OBJECT_THREAD:
		good = a < image->program_count &&
		    b < bx_get_le32(image->programs[a].thread_count);
		break;
	case BX_OBJECT_CSPACE:
		good = a < image->program_count && b == 0;
		break;
	default:
		return refuse(where, BX_ERR_INVALID, "object kind");
	}
	if (!good)
		return refuse(where, BX_ERR_RANGE, "object a, b");
	if (kind == BX_OBJECT_IOPORT && bx_sysimage_ports_of_platform(a, b))
		return refuse(where, BX_ERR_INVALID, "object ports of the platform");
	if (bx_sysimage_object_overlaps(image, index))
		return refuse(where, BX_ERR_EXISTS, "object ports, line or device");
	return BX_OK;
}

/* What the root capability of a validated object covers. */
void
bx_sysimage_object_range(const struct bx_sysimage *image, uint32_t index, uint64_t *first,
    uint64_t *count)
{
	const struct bx_sysimage_object *object = &image->objects[index];

	*first = 0;
	*count = 0;
	switch (bx_get_le32(object->kind)) {
	case BX_OBJECT_MEMORY:
		*count = bx_get_le64(object->a);
		break;
	case BX_OBJECT_IOPORT:
		*first = bx_get_le64(object->a);
		*count = bx_get_le64(object->b);
		break;
	case BX_OBJECT_SPAWN:
		*count = image->program_count;
		break;
	default:
		break;
	}
}

/* A lender has as much itself, from the root and uncounted.  Its own record may not have been looked at
 * yet: nothing here relies on it. */
static enum bx_err
lender_check(const struct bx_sysimage *image, const struct bx_sysimage_grant *grant, uint64_t length,
    const char **where)
{
	uint32_t lender = bx_get_le32(grant->lender);
	uint64_t first = bx_get_le64(grant->first), count = bx_get_le64(grant->count);
	const struct bx_sysimage_grant *above;
	uint64_t from, covered;

	if (lender == 0)
		return BX_OK;
	if (lender > image->grant_count)
		return refuse(where, BX_ERR_RANGE, "grant lender");
	above = &image->grants[lender - 1];
	if (bx_get_le32(above->lender) != 0 ||
	    bx_get_le32(above->program) == bx_get_le32(grant->program) ||
	    bx_get_le32(above->object) != bx_get_le32(grant->object) ||
	    bx_get_le32(above->uses) != BX_CAP_USES_UNLIMITED)
		return refuse(where, BX_ERR_INVALID, "grant lender");
	if ((bx_get_le32(grant->rights) & ~bx_get_le32(above->rights)) != 0)
		return refuse(where, BX_ERR_INVALID, "grant rights beyond the lender's");
	if (bx_get_le64(above->badge) != 0 && bx_get_le64(grant->badge) != 0)
		return refuse(where, BX_ERR_INVALID, "grant badge beside the lender's");
	from = bx_get_le64(above->first);
	covered = bx_get_le64(above->count) != 0 ? bx_get_le64(above->count) : length;
	if (count == 0)
		count = length;
	if (first < from || !bx_range_fits(first - from, count, covered))
		return refuse(where, BX_ERR_RANGE, "grant range beyond the lender's");
	return BX_OK;
}

/* Grants are sorted by program and slot, which makes "unique" one comparison with the last. */
static enum bx_err
grant_check(const struct bx_sysimage *image, uint32_t index, const char **where)
{
	const struct bx_sysimage_grant *grant = &image->grants[index];
	uint32_t program = bx_get_le32(grant->program), slot = bx_get_le32(grant->slot);
	uint32_t object = bx_get_le32(grant->object), kind;
	uint64_t first = bx_get_le64(grant->first), count = bx_get_le64(grant->count);
	uint64_t from, length;

	if (program >= image->program_count)
		return refuse(where, BX_ERR_RANGE, "grant program");
	if (slot >= bx_get_le32(image->programs[program].slot_count) -
	    bx_get_le32(image->programs[program].reply_count))
		return refuse(where, BX_ERR_RANGE, "grant slot");
	if (index > 0) {
		uint32_t before = bx_get_le32(grant[-1].program);

		if (program < before)
			return refuse(where, BX_ERR_FORMAT, "grant order");
		if (program == before && slot <= bx_get_le32(grant[-1].slot))
			return refuse(where, BX_ERR_EXISTS, "grant slot");
	}
	if (object >= image->object_count)
		return refuse(where, BX_ERR_RANGE, "grant object");
	if ((bx_get_le32(grant->rights) & ~(uint32_t)BX_RIGHT_ALL) != 0)
		return refuse(where, BX_ERR_INVALID, "grant rights");
	kind = bx_get_le32(image->objects[object].kind);
	if (bx_get_le64(grant->badge) != 0 && kind != BX_OBJECT_ENDPOINT &&
	    kind != BX_OBJECT_NOTIFICATION)
		return refuse(where, BX_ERR_INVALID, "grant badge");
	bx_sysimage_object_range(image, object, &from, &length);
	if ((first != 0 || count != 0) && (count == 0 || !bx_range_fits(first, count, length)))
		return refuse(where, BX_ERR_RANGE, "grant range");
	return lender_check(image, grant, length, where);
}

/* The object that `program` is granted in `slot`, or BX_NONE.  Binary search of sorted grants. */
static uint32_t
granted_object(const struct bx_sysimage *image, uint32_t program, uint32_t slot)
{
	uint32_t low = 0, high = image->grant_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct bx_sysimage_grant *grant = &image->grants[middle];
		uint32_t p = bx_get_le32(grant->program), s = bx_get_le32(grant->slot);

		if (p == program && s == slot)
			return bx_get_le32(grant->object);
		if (p < program || (p == program && s < slot))
			low = middle + 1;
		else
			high = middle;
	}
	return BX_NONE;
}

/* A launch block says what the rest of the image says, no more and no less than it claims. */
static enum bx_err
launch_check(const struct bx_sysimage *image, size_t size, uint32_t index, const char **where)
{
	const struct bx_sysimage_program *program = &image->programs[index];
	uint32_t offset = bx_get_le32(program->launch_offset);
	uint32_t length = bx_get_le32(program->launch_size);
	uint32_t slots = bx_get_le32(program->slot_count);
	uint32_t replies = bx_get_le32(program->reply_count);
	uint32_t entries;
	const uint8_t *launch;

	if (length < sizeof(struct bx_launch) || length > BX_PAGE_SIZE)
		return refuse(where, BX_ERR_RANGE, "launch size");
	if (!bx_range_fits(offset, length, size))
		return refuse(where, BX_ERR_TRUNCATED, "launch offset");
	launch = image->bytes + offset;

#define LAUNCH_AT(field) (launch + offsetof(struct bx_launch, field))
	if (bx_get_le64(LAUNCH_AT(magic)) != BX_LAUNCH_MAGIC)
		return refuse(where, BX_ERR_FORMAT, "launch magic");
	if (bx_get_le32(LAUNCH_AT(version)) != 1)
		return refuse(where, BX_ERR_VERSION, "launch version");
	if (bx_get_le32(LAUNCH_AT(program)) != index)
		return refuse(where, BX_ERR_INVALID, "launch program");
	if (memcmp(LAUNCH_AT(name), program->name, BX_NAME_MAX) != 0)
		return refuse(where, BX_ERR_INVALID, "launch name");
	if (bx_get_le32(LAUNCH_AT(reply_count)) != replies ||
	    bx_get_le32(LAUNCH_AT(reply_first)) != slots - replies)
		return refuse(where, BX_ERR_INVALID, "launch reply slots");
	if (bx_get_le32(LAUNCH_AT(reserved)) != 0)
		return refuse(where, BX_ERR_FORMAT, "launch reserved");
	entries = bx_get_le32(LAUNCH_AT(entry_count));
#undef LAUNCH_AT
	if (entries != (length - sizeof(struct bx_launch)) / sizeof(struct bx_launch_entry) ||
	    (length - sizeof(struct bx_launch)) % sizeof(struct bx_launch_entry) != 0)
		return refuse(where, BX_ERR_FORMAT, "launch entry_count");

	launch += sizeof(struct bx_launch);
	for (uint32_t i = 0; i < entries; i++, launch += sizeof(struct bx_launch_entry)) {
		uint32_t slot = bx_get_le32(launch + offsetof(struct bx_launch_entry, slot));
		uint32_t object = granted_object(image, index, slot);

		if (!name_good(launch))
			return refuse(where, BX_ERR_FORMAT, "launch entry name");
		if (object == BX_NONE)
			return refuse(where, BX_ERR_NOT_FOUND, "launch entry slot");
		if (bx_get_le32(launch + offsetof(struct bx_launch_entry, type)) !=
		    bx_object_cap_type(bx_get_le32(image->objects[object].kind)))
			return refuse(where, BX_ERR_INVALID, "launch entry type");
	}
	return BX_OK;
}

/* The machine has room for the registers of so many threads, whichever programs run; the scheduler
 * counts them in 16 bits. */
static enum bx_err
threads_check(const struct bx_sysimage *image, const char **where)
{
	uint32_t threads = 0, all = 0;

	for (uint32_t i = 0; i < image->program_count; i++) {
		all += bx_get_le32(image->programs[i].thread_count);
		if ((bx_get_le32(image->programs[i].flags) & BX_PROGRAM_FPU) != 0)
			threads += bx_get_le32(image->programs[i].thread_count);
	}
	if (all > BX_THREADS_MAX)
		return refuse(where, BX_ERR_RANGE, "threads of all programs");
	return threads <= BX_SYSIMAGE_FPU_THREADS_MAX ? BX_OK :
	    refuse(where, BX_ERR_RANGE, "threads of programs with fpu");
}

enum bx_err
bx_sysimage_open(const uint8_t *bytes, size_t size, struct bx_sysimage *image, const char **where)
{
	struct bx_sysimage view;
	enum bx_err err = header_check(bytes, size, &view, where);

	/* Objects refer to programs and programs to objects: the tables are in bounds before either
	 * is looked at. */
	for (uint32_t i = 0; err == BX_OK && i < view.program_count; i++)
		err = program_check(&view, i, where);
	if (err == BX_OK)
		err = threads_check(&view, where);
	for (uint32_t i = 0; err == BX_OK && i < view.object_count; i++)
		err = object_check(&view, i, where);
	for (uint32_t i = 0; err == BX_OK && i < view.grant_count; i++)
		err = grant_check(&view, i, where);
	if (err == BX_OK && !bx_sysimage_holders_single(&view))
		err = refuse(where, BX_ERR_EXISTS, "grant of what another program holds");
	for (uint32_t i = 0; err == BX_OK && i < view.program_count; i++)
		err = launch_check(&view, size, i, where);
	if (err == BX_OK)
		*image = view;
	return err;
}
