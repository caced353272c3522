/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * inspect.c -- what a holder of an audit capability may observe: BX_SYS_INSPECT.  Reads only.
 */
#include "sys.h"

#define SLOTS_STEP	128		/* slots counted between two looks at the interrupts */
#define THREADS_STEP	128		/* threads looked at likewise */

enum pool {
	POOL_FRAMES, POOL_SLOTS, POOL_PROGRAMS, POOL_THREADS, POOL_TIMERS, POOL_ENDPOINTS,
	POOL_NOTIFICATIONS, POOL_MEMORIES, POOL_IRQS, POOL_AUDIT, POOL_COUNT
};

static void
name_put(char to[BX_NAME_MAX], const char *from)
{
	size_t i;

	memset(to, 0, BX_NAME_MAX);
	for (i = 0; i < BX_NAME_MAX - 1 && from[i] != '\0'; i++)
		to[i] = from[i];
}

/* Counts the used ones of `count` slots from `first` on, in steps: thread->work is the place of the
 * next one << 32 | used so far. */
static enum bx_err
slots_count(const struct bx_kcore *core, struct bx_thread *thread, uint32_t first, uint32_t count)
{
	for (unsigned n = 0; n < SLOTS_STEP && thread->work >> 32 < count; n++) {
		thread->work += core->forest.slots[first + (thread->work >> 32)].cap.type !=
		    BX_CAP_NONE;
		thread->work += 1ull << 32;
	}
	return thread->work >> 32 < count ? BX_ERR_AGAIN : BX_OK;
}

enum bx_err
bx_inspect_slots(const struct bx_kcore *core, struct bx_thread *thread, uint32_t program)
{
	return slots_count(core, thread, core->programs[program].space.first_slot,
	    core->programs[program].space.slot_count);
}

/* Of up to 1,024 threads at once: each instruction of a turn counts. */
static uint64_t
ticks_of_living(const struct bx_kcore *core, const struct bx_program *program)
{
	const struct bx_thread *thread = &core->threads[program->first_thread];
	const struct bx_thread *end = thread + program->thread_count;
	uint64_t ticks = 0;

	for (; thread != end; thread++)
		ticks += thread->cpu_ticks;
	return ticks;
}

void
bx_inspect_program(const struct bx_kcore *core, const struct bx_thread *thread, uint32_t index,
    struct bx_info_program *info)
{
	const struct bx_program *program = &core->programs[index];

	*info = (struct bx_info_program){
		.state = program->state,
		.flags = program->flags,
		.priority = program->priority,
		.starts = program->starts,
		.cpu_ticks = program->cpu_ticks,
		.frames_used = program->frames_used,
		.frames_quota = program->frame_quota,
		.slots_used = (uint32_t)thread->work,
		.slot_count = program->space.slot_count,
		.threads = program->threads_alive,
		.exit_code = program->exit_code,
		.fault_kind = program->fault_kind,
		.fault_address = program->fault_address,
		.fault_instruction = program->fault_instruction,
		.restart_times = program->restart_times,
		.restart_within_us = program->restart_within_us,
		.restart_backoff_us = program->restart_backoff_us,
		.restart_exhausted = program->restart_exhausted,
		.audit_dropped = program->audit_dropped_ever,
	};
	memcpy(info->state_hash, program->state_hash, sizeof info->state_hash);
	name_put(info->name, program->name);
	info->cpu_ticks += ticks_of_living(core, program);
}

static void
system_info(const struct bx_kcore *core, const struct bx_thread *thread,
    struct bx_info_system *info)
{
	*info = (struct bx_info_system){
		.ticks_per_second = core->ticks_per_second,
		.now = bx_machine_now(core->machine),
		.boot_ticks = core->boot_ticks,
		.frames_total = (uint64_t)core->frames_free_count + core->frames_kernel_count +
		    core->frames_table_count + core->frames_user_count,
		.frames_free = core->frames_free_count,
		.frames_kernel = core->frames_kernel_count,
		.frames_table = core->frames_table_count,
		.frames_user = core->frames_user_count,
		.slots_total = core->forest.slot_count,
		.slots_used = (uint32_t)thread->work,
		.system_calls = core->cpu.system_calls + core->cpu.exchanges,
		.interrupts = core->cpu.interrupts,
		.switches = core->cpu.switches + core->cpu.exchanges,
		.faults = core->cpu.faults,
		.idle_ticks = core->cpu.idle_ticks,
		.audit_next = core->audit_next,
		.audit_lost = core->audit_lost,
		.audit_dropped = core->audit_dropped,
		.program_count = core->program_count,
		.thread_count = core->thread_count,
		.endpoint_count = core->endpoint_count,
		.notification_count = core->notification_count,
		.cpu_features = bx_machine_features(core->machine),
		.flags = core->flags,
	};
	name_put(info->system_name, core->system_name);
	name_put(info->version, BX_VERSION);
}

static enum bx_err
thread_info(const struct bx_kcore *core, uint64_t index, struct bx_info_thread *info)
{
	const struct bx_thread *thread;

	if (index >= core->thread_count)
		return BX_ERR_RANGE;
	thread = &core->threads[index];
	if (thread->state == BX_THREAD_FREE)
		return BX_ERR_NOT_FOUND;
	*info = (struct bx_info_thread){
		.program = thread->program,
		.state = thread->state,
		.priority = thread->priority,
		.partner = bx_thread_awaits(thread) ? thread->partner : BX_NONE,
		.object = bx_thread_queued(thread) ? thread->object : BX_NONE,
		.account = thread->account,
		.cpu_ticks = thread->cpu_ticks,
		.deadline = thread->state != BX_THREAD_READY ? thread->deadline : 0,
		.budget_ticks = core->accounts[index].budget,
		.period_ticks = core->accounts[index].period,
		.budget_left = core->accounts[index].budget != 0 ? core->accounts[index].left : 0,
		.throttled = thread->throttled,
		.throttles = core->accounts[index].throttles,
	};
	return BX_OK;
}

static const char *
object_name(const struct bx_kcore *core, const struct bx_cap *cap)
{
	uint32_t index = cap->object.index;

	switch ((enum bx_cap_type)cap->type) {
	case BX_CAP_ENDPOINT:		return core->endpoints[index].name;
	case BX_CAP_NOTIFICATION:	return core->notifications[index].name;
	case BX_CAP_MEMORY:		return core->memories[index].name;
	case BX_CAP_IRQ:		return core->irqs[index].name;
	case BX_CAP_CSPACE:		return core->programs[index].name;
	case BX_CAP_THREAD:
	case BX_CAP_REPLY:		return core->programs[core->threads[index].program].name;
	case BX_CAP_DEVICE:
	case BX_CAP_IOPORT:
	case BX_CAP_SPAWN:
	case BX_CAP_AUDIT_READ:
	case BX_CAP_CLOCK:		return core->plains[index].name;
	case BX_CAP_NONE:
	case BX_CAP_UNTYPED:
	case BX_CAP_TYPE_COUNT:		break;
	}
	return "";
}

/* What the launch block of the program calls the slot. */
static void
slot_name(const struct bx_program *program, uint32_t slot, char name[BX_NAME_MAX])
{
	size_t room = program->launch_size;

	memset(name, 0, BX_NAME_MAX);
	for (size_t at = sizeof(struct bx_launch);
	    at <= room && room - at >= sizeof(struct bx_launch_entry);
	    at += sizeof(struct bx_launch_entry)) {
		struct bx_launch_entry entry;

		memcpy(&entry, program->launch + at, sizeof entry);
		if (entry.slot == slot) {
			memcpy(name, entry.name, BX_NAME_MAX - 1);
			return;
		}
	}
}

enum bx_err
bx_inspect_cap(const struct bx_kcore *core, uint64_t program, uint64_t slot, struct bx_info_cap *info)
{
	const struct bx_cap_space *space;
	const struct bx_cap *cap;

	if (program >= core->program_count)
		return BX_ERR_RANGE;
	space = &core->programs[program].space;
	if (slot >= space->slot_count)
		return BX_ERR_RANGE;
	cap = &core->forest.slots[space->first_slot + slot].cap;
	if (cap->type == BX_CAP_NONE)
		return BX_ERR_NOT_FOUND;
	*info = (struct bx_info_cap){
		.type = cap->type,
		.rights = cap->rights,
		.depth = cap->depth,
		.uses = cap->uses,
		.badge = cap->badge,
		.expiry = cap->expiry,
		.first = cap->first,
		.count = cap->count,
		.object = cap->object.index,
		.stale = bx_cap_stale(core, cap),
		.lifetime_us = bx_state_lifetime(core, (uint32_t)program, space->first_slot +
		    (uint32_t)slot),
	};
	bx_state_parent(core, space->first_slot + (uint32_t)slot, &info->parent_program,
	    &info->parent_slot);
	name_put(info->object_name, object_name(core, cap));
	slot_name(&core->programs[program], (uint32_t)slot, info->name);
	return BX_OK;
}

/* Counts the threads that wait in one of two states in a queue of `object`, in steps: a queue is as long as
 * there are threads, and is another after each step.  thread->work is the place of the next one << 32 |
 * those in `second` << 16 | those in `first`. */
static enum bx_err
waiting_count(const struct bx_kcore *core, struct bx_thread *thread, uint64_t object,
    enum bx_thread_state first, enum bx_thread_state second)
{
	BX_STATIC_ASSERT(BX_THREADS_MAX <= UINT16_MAX, "counts of 16 bits");

	for (unsigned n = 0; n < THREADS_STEP && thread->work >> 32 < core->thread_count; n++) {
		const struct bx_thread *other = bx_thread_at(core, (uint32_t)(thread->work >> 32));

		thread->work += 1ull << 32;
		if (other->object != object)
			continue;
		thread->work += other->state == first;
		thread->work += other->state == second ? 1u << 16 : 0;
	}
	return thread->work >> 32 < core->thread_count ? BX_ERR_AGAIN : BX_OK;
}

static enum bx_err
endpoint_info(const struct bx_kcore *core, struct bx_thread *thread, uint64_t index,
    struct bx_info_endpoint *info)
{
	const struct bx_endpoint *endpoint;
	enum bx_err err;

	if (index >= core->endpoint_count)
		return BX_ERR_RANGE;
	err = waiting_count(core, thread, index, BX_THREAD_SENDING, BX_THREAD_RECEIVING);
	if (err != BX_OK)
		return err;
	endpoint = &core->endpoints[index];
	*info = (struct bx_info_endpoint){
		.senders = thread->work & UINT16_MAX,
		.receivers = thread->work >> 16 & UINT16_MAX,
		.server = endpoint->server,
		.messages = endpoint->messages,
		.bytes = endpoint->bytes,
	};
	name_put(info->name, endpoint->name);
	return BX_OK;
}

static enum bx_err
notification_info(const struct bx_kcore *core, struct bx_thread *thread, uint64_t index,
    struct bx_info_endpoint *info)
{
	const struct bx_notification *notification;
	enum bx_err err;

	if (index >= core->notification_count)
		return BX_ERR_RANGE;
	err = waiting_count(core, thread, index, BX_THREAD_WAITING, BX_THREAD_WAITING);
	if (err != BX_OK)
		return err;
	notification = &core->notifications[index];
	*info = (struct bx_info_endpoint){
		.receivers = thread->work & UINT16_MAX,
		.server = notification->bound_thread != BX_NONE ?
		    core->threads[notification->bound_thread].program : BX_NONE,
		.messages = notification->signals,
		.bits = notification->bits,
	};
	name_put(info->name, notification->name);
	return BX_OK;
}

static void
pool_put(struct bx_info_pool *info, const char *name, uint64_t used, uint64_t total, size_t size)
{
	*info = (struct bx_info_pool){
		.used = (uint32_t)used,
		.total = (uint32_t)total,
		.object_size = (uint32_t)size,
	};
	name_put(info->name, name);
}

static enum bx_err
pool_info(const struct bx_kcore *core, struct bx_thread *thread, uint64_t index,
    struct bx_info_pool *info)
{
	uint32_t used = 0;
	enum bx_err err = BX_OK;

	switch (index) {
	case POOL_FRAMES:
		used = core->frames_kernel_count + core->frames_table_count + core->frames_user_count;
		pool_put(info, "frames", used, (uint64_t)used + core->frames_free_count,
		    BX_PAGE_SIZE);
		break;
	case POOL_SLOTS:
		err = slots_count(core, thread, 0, core->forest.slot_count);
		pool_put(info, "slots", (uint32_t)thread->work, core->forest.slot_count,
		    sizeof(struct bx_cap_slot));
		break;
	case POOL_PROGRAMS:
		for (uint32_t i = 0; i < core->program_count; i++)
			used += core->programs[i].state == BX_PROGRAM_RUNNING ||
			    core->programs[i].state == BX_PROGRAM_ENDING;
		pool_put(info, "programs", used, core->program_count, sizeof(struct bx_program));
		break;
	case POOL_THREADS:
		for (uint32_t i = 0; i < core->program_count; i++)
			used += core->programs[i].threads_alive;
		pool_put(info, "threads", used, core->thread_count, sizeof(struct bx_thread));
		break;
	case POOL_TIMERS:
		pool_put(info, "timers", core->timer_count, core->thread_count, sizeof(uint32_t));
		break;
	case POOL_ENDPOINTS:
		pool_put(info, "endpoints", core->endpoint_count, core->endpoint_count,
		    sizeof(struct bx_endpoint));
		break;
	case POOL_NOTIFICATIONS:
		pool_put(info, "notifications", core->notification_count,
		    core->notification_count, sizeof(struct bx_notification));
		break;
	case POOL_MEMORIES:
		pool_put(info, "memory objects", core->memory_count, core->memory_count,
		    sizeof(struct bx_memory));
		break;
	case POOL_IRQS:
		pool_put(info, "interrupts", core->irq_count, core->irq_count,
		    sizeof(struct bx_irq));
		break;
	case POOL_AUDIT:
		pool_put(info, "audit records", core->audit_next < core->audit_capacity ?
		    core->audit_next : core->audit_capacity, core->audit_capacity,
		    sizeof(struct bx_audit_record));
		break;
	default:
		return BX_ERR_RANGE;
	}
	return err;
}

enum bx_err
bx_sys_inspect(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	uint64_t what = thread->context.value[1], index = thread->context.value[2];
	union {
		struct bx_info_system system;
		struct bx_info_program program;
		struct bx_info_thread thread;
		struct bx_info_cap cap;
		struct bx_info_endpoint endpoint;
		struct bx_info_pool pool;
	} info;
	size_t size;
	uint32_t slot;
	enum bx_err err = bx_sys_cap(core, thread, thread->context.value[0], BX_CAP_AUDIT_READ,
	    BX_RIGHT_READ, &slot);

	if (err != BX_OK)
		return err;
	memset(&info, 0, sizeof info);
	switch (what) {
	case BX_INSPECT_SYSTEM:
		size = sizeof info.system;
		err = index != 0 ? BX_ERR_RANGE :
		    slots_count(core, thread, 0, core->forest.slot_count);
		if (err == BX_OK)
			system_info(core, thread, &info.system);
		break;
	case BX_INSPECT_PROGRAM:
		size = sizeof info.program;
		if (index >= core->program_count)
			return BX_ERR_RANGE;
		err = bx_inspect_slots(core, thread, (uint32_t)index);
		if (err == BX_OK)
			bx_inspect_program(core, thread, (uint32_t)index, &info.program);
		break;
	case BX_INSPECT_THREAD:
		size = sizeof info.thread;
		err = thread_info(core, index, &info.thread);
		break;
	case BX_INSPECT_CAP:
		size = sizeof info.cap;
		err = bx_inspect_cap(core, index, thread->context.word[2], &info.cap);
		break;
	case BX_INSPECT_ENDPOINT:
		size = sizeof info.endpoint;
		err = endpoint_info(core, thread, index, &info.endpoint);
		break;
	case BX_INSPECT_NOTIFICATION:
		size = sizeof info.endpoint;
		err = notification_info(core, thread, index, &info.endpoint);
		break;
	case BX_INSPECT_POOL:
		size = sizeof info.pool;
		err = pool_info(core, thread, index, &info.pool);
		break;
	default:
		return BX_ERR_INVALID;
	}
	if (err != BX_OK)
		return err;
	err = bx_sys_put(core, thread, thread->context.word[0], thread->context.word[1], &info, size,
	    out);
	if (err == BX_OK)
		bx_cap_use(&core->forest, slot);
	return err;
}
