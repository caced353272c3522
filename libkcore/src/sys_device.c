/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * sys_device.c -- interrupts, I/O ports, power.
 */
#include "sys.h"

/* Binding lets the line's interrupts come; a line that was another notification's changes hands
 * only by way of a new bind, which needs the capability. */
enum bx_err
bx_sys_irq_bind(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	const struct bx_cap *notification;
	struct bx_irq *irq;
	uint32_t irq_slot, slot;
	enum bx_err err = bx_sys_cap(core, thread, thread->context.value[0], BX_CAP_IRQ,
	    BX_RIGHT_READ, &irq_slot);

	(void)out;
	if (err == BX_OK)
		err = bx_sys_cap(core, thread, thread->context.value[1], BX_CAP_NOTIFICATION,
		    BX_RIGHT_WRITE, &slot);
	if (err != BX_OK)
		return err;
	notification = &core->forest.slots[slot].cap;
	if (notification->badge == 0)
		return BX_ERR_INVALID;			/* no bits to set */
	irq = &core->irqs[core->forest.slots[irq_slot].cap.object.index];
	bx_cap_use(&core->forest, irq_slot);
	bx_cap_use(&core->forest, slot);
	irq->notification = notification->object.index;
	irq->slot = slot;
	irq->binder = thread->program;
	bx_machine_irq_unmask(core->machine, irq->number);
	return BX_OK;
}

enum bx_err
bx_sys_irq_ack(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	const struct bx_irq *irq;
	uint32_t slot;
	enum bx_err err = bx_sys_cap(core, thread, thread->context.value[0], BX_CAP_IRQ,
	    BX_RIGHT_READ, &slot);

	(void)out;
	if (err != BX_OK)
		return err;
	irq = &core->irqs[core->forest.slots[slot].cap.object.index];
	if (irq->notification == BX_NONE)
		return BX_ERR_STATE;			/* nobody would hear it */
	bx_cap_use(&core->forest, slot);
	bx_machine_irq_unmask(core->machine, irq->number);
	return BX_OK;
}

/* The port and the width named by the arguments lie within the capability's range. */
static enum bx_err
port_check(struct bx_kcore *core, const struct bx_thread *thread, uint8_t rights, uint32_t *slot)
{
	uint64_t port = thread->context.value[1], width = thread->context.value[2];
	const struct bx_cap *cap;
	enum bx_err err = bx_sys_cap(core, thread, thread->context.value[0], BX_CAP_IOPORT, rights,
	    slot);

	if (err != BX_OK)
		return err;
	if (width != 1 && width != 2 && width != 4)
		return BX_ERR_INVALID;
	cap = &core->forest.slots[*slot].cap;
	if (port > UINT16_MAX || port < cap->first ||
	    !bx_range_fits(port - cap->first, width, cap->count))
		return BX_ERR_RANGE;
	return BX_OK;
}

enum bx_err
bx_sys_port_in(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	uint32_t slot;
	enum bx_err err = port_check(core, thread, BX_RIGHT_READ, &slot);

	if (err != BX_OK)
		return err;
	bx_cap_use(&core->forest, slot);
	out->value[0] = bx_machine_port_in(core->machine, (uint16_t)thread->context.value[1],
	    (unsigned)thread->context.value[2]);
	return BX_OK;
}

enum bx_err
bx_sys_port_out(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	uint32_t slot;
	enum bx_err err = port_check(core, thread, BX_RIGHT_WRITE, &slot);

	(void)out;
	if (err != BX_OK)
		return err;
	if (thread->context.word[0] >> 8 * thread->context.value[2] != 0)
		return BX_ERR_RANGE;			/* more than the width holds */
	bx_cap_use(&core->forest, slot);
	bx_machine_port_out(core->machine, (uint16_t)thread->context.value[1],
	    (unsigned)thread->context.value[2], (uint32_t)thread->context.word[0]);
	return BX_OK;
}

enum bx_err
bx_sys_power(struct bx_kcore *core, struct bx_thread *thread, struct bx_sys_values *out)
{
	uint64_t how = thread->context.value[1];
	uint32_t slot;
	enum bx_err err = bx_sys_cap(core, thread, thread->context.value[0], BX_CAP_DEVICE,
	    BX_RIGHT_WRITE, &slot);

	(void)out;
	if (err != BX_OK)
		return err;
	if (core->plains[core->forest.slots[slot].cap.object.index].a != BX_DEVICE_PLATFORM)
		return BX_ERR_CAP_TYPE;
	if (how != BX_POWER_OFF && how != BX_POWER_RESET)
		return BX_ERR_INVALID;
	bx_cap_use(&core->forest, slot);
	bx_audit_cap(core, BX_AUDIT_POWER, thread->program, BX_NONE, bx_audit_about(core, slot), how, 0, 0);
	bx_machine_power(core->machine, (unsigned)how);
	return BX_ERR_UNSUPPORTED;			/* it came back */
}
