/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * closure.c -- who can ever reach what: the least set that is closed under every way in which authority
 * moves in the kernel.  It says what can happen, whatever the programs' code is.
 *
 *	own	A program reaches what its manifest entry grants, with these rights.  A capability with
 *		no uses left counts: a recharge brings it to life.
 *	sent	A message may carry a capability when the sender's endpoint capability has write and
 *		grant.  It arrives in an open space only; a sealed one gains nothing.
 *	replied	A reply may carry one when the server's endpoint capability has read and grant, and the
 *		client's write and grant-reply; the client's space must be open.
 *	control	Who may control a thread (write) can start it anywhere in its program: it reaches all that
 *		the program reaches, though nothing comes into its own space.
 *	DMA	Who may write to ports that can be those of a bus master makes the device read and write memory
 *		anywhere, the kernel's included: it reaches all that there is.  No other device has registers
 *		that a manifest can give.
 *
 * A program may start and end those of its spawn capabilities (write); and so, by the same rules, may
 * who reaches its spawn capability.  Starting one brings no authority: what it gets is the manifest's.
 * A program may wait for every server, present and possible, of each endpoint on which it may send, and of
 * its fault endpoint.
 *
 * What moves no authority: a fault (its message has no capability, and the answer of who handles it can neither bring one
 * nor change a register: libkcore/src/fault.c); a recharge (of what counts already); a reply capability, which
 * cannot be sent on (libkcore/src/ipc.c, plain_slot); a signal, an inspection, an interrupt, the argument of a start.
 */
#include <stdlib.h>

#include <brainix/cap.h>

#include "authority.h"

/* Below are the ports of PC devices that have been there since ISA, none of which does DMA by itself; from there on
 * the firmware puts the registers of PCI devices.  (Ports of the ISA DMA controller check.c refuses.) */
#define PORT_PCI_FIRST	0x400u

static bool
holds(const struct reach *reach, uint32_t program, uint32_t object, uint32_t rights)
{
	return (reach_way(reach, program, object)->held & rights) == rights;
}

static bool
is_open(const struct system_model *model, uint32_t program)
{
	return (model->programs[program].flags & BX_PROGRAM_OPEN_SPACE) != 0;
}

/* `to` reaches all that `from` reaches, or, when it is handed over, holds.  Returns whether that is more
 * than before. */
static bool
flow(struct reach *reach, uint32_t from, uint32_t to, enum reach_rule rule)
{
	const struct system_model *model = reach->model;
	bool more = false;

	if (from == to)
		return false;
	for (uint32_t object = 0; object < model->object_count; object++) {
		const struct reach_way *source = reach_way(reach, from, object);
		struct reach_way *way = &reach->ways[to * model->object_count + object];

		uint8_t rights = rule == REACH_CONTROL ? source->rights : source->held;
		uint8_t held = rule == REACH_CONTROL ? 0 : source->held;

		if ((rights & ~way->rights) == 0 && (held & ~way->held) == 0)
			continue;
		if ((rights & ~way->rights) != 0) {
			way->rule = (uint8_t)rule;
			way->from = (uint16_t)from;
		}
		way->rights |= rights;
		way->held |= held;
		more = true;
	}
	for (uint32_t program = 0; program < model->program_count; program++)
		if (reach->starts[from * model->program_count + program] &&
		    !reach->starts[to * model->program_count + program]) {
			reach->starts[to * model->program_count + program] = true;
			more = true;
		}
	return more;
}

/* One endpoint: what may be sent along to its server, and back with a reply. */
static bool
flow_messages(struct reach *reach, uint32_t object)
{
	const struct system_model *model = reach->model;
	bool more = false;

	for (uint32_t server = 0; server < model->program_count; server++) {
		if (!holds(reach, server, object, BX_RIGHT_READ))
			continue;
		for (uint32_t client = 0; client < model->program_count; client++) {
			if (is_open(model, server) &&
			    holds(reach, client, object, BX_RIGHT_WRITE | BX_RIGHT_GRANT))
				more |= flow(reach, client, server, REACH_SENT);
			if (is_open(model, client) && holds(reach, server, object, BX_RIGHT_GRANT) &&
			    holds(reach, client, object, BX_RIGHT_WRITE | BX_RIGHT_GRANT_REPLY))
				more |= flow(reach, server, client, REACH_REPLIED);
		}
	}
	return more;
}

static bool
flow_control(struct reach *reach, uint32_t object)
{
	bool more = false;

	for (uint32_t program = 0; program < reach->model->program_count; program++)
		if (holds(reach, program, object, BX_RIGHT_WRITE))
			more |= flow(reach, (uint32_t)reach->model->objects[object].a, program, REACH_CONTROL);
	return more;
}

/* A bus master: all objects, all programs. */
static bool
flow_dma(struct reach *reach, uint32_t ports)
{
	const struct system_model *model = reach->model;
	bool more = false;

	if (model->objects[ports].a + model->objects[ports].b <= PORT_PCI_FIRST)
		return false;
	for (uint32_t program = 0; program < model->program_count; program++) {
		if ((reach_way(reach, program, ports)->rights & BX_RIGHT_WRITE) == 0)
			continue;
		for (uint32_t object = 0; object < model->object_count; object++) {
			struct reach_way *way = &reach->ways[program * model->object_count + object];
			uint32_t rights = system_kind_rights(model->objects[object].kind);

			if ((rights & ~(uint32_t)way->rights) == 0)
				continue;
			way->rights |= (uint8_t)rights;
			way->rule = REACH_DMA;
			way->from = (uint16_t)program;
			more = true;
		}
		for (uint32_t other = 0; other < model->program_count; other++) {
			more |= !reach->starts[program * model->program_count + other];
			reach->starts[program * model->program_count + other] = true;
		}
	}
	return more;
}

static void
reach_own(struct reach *reach, uint32_t program)
{
	const struct system_model *model = reach->model;

	for (uint32_t i = 0; i < model->programs[program].capability_count; i++) {
		const struct system_capability *capability = &model->programs[program].capabilities[i];
		struct reach_way *way = &reach->ways[program * model->object_count + capability->object];
		uint64_t first = capability->first, count = capability->count;

		way->rights |= (uint8_t)capability->rights;
		way->held = way->rights;
		way->rule = REACH_OWN;
		way->from = (uint16_t)program;
		if (model->objects[capability->object].kind != BX_OBJECT_SPAWN ||
		    (capability->rights & BX_RIGHT_WRITE) == 0)
			continue;
		if (count == 0)
			count = model->program_count;
		for (uint64_t other = first; other < first + count && other < model->program_count; other++)
			reach->starts[program * model->program_count + other] = true;
	}
}

/* Whether the manifest itself makes it a server of the endpoint. */
static bool
serves(const struct system_program *program, uint32_t object)
{
	for (uint32_t i = 0; i < program->capability_count; i++)
		if (program->capabilities[i].object == object &&
		    (program->capabilities[i].rights & BX_RIGHT_READ) != 0)
			return true;
	return false;
}

/* After the closure: an endpoint that a program came to late counts as well, for who calls and for who serves.
 * But for one that might come to serve what it calls itself: it waits for nobody else. */
static void
reach_calls(struct reach *reach)
{
	const struct system_model *model = reach->model;

	for (uint32_t program = 0; program < model->program_count; program++) {
		uint32_t fault = model->programs[program].fault_object;

		for (uint32_t object = 0; object < model->object_count; object++) {
			if (model->objects[object].kind != BX_OBJECT_ENDPOINT ||
			    (object != fault && !holds(reach, program, object, BX_RIGHT_WRITE)))
				continue;
			for (uint32_t server = 0; server < model->program_count; server++)
				if (holds(reach, server, object, BX_RIGHT_READ) &&
				    (server != program || serves(&model->programs[server], object)))
					reach->calls[program * model->program_count + server] = true;
		}
	}
}

bool
reach_compute(struct reach *reach, const struct system_model *model)
{
	size_t programs = model->program_count;
	bool more = true;

	*reach = (struct reach){ .model = model };
	reach->ways = calloc(programs * model->object_count + 1, sizeof *reach->ways);
	reach->starts = calloc(programs * programs, sizeof *reach->starts);
	reach->calls = calloc(programs * programs, sizeof *reach->calls);
	if (reach->ways == NULL || reach->starts == NULL || reach->calls == NULL)
		return false;
	for (uint32_t program = 0; program < programs; program++)
		reach_own(reach, program);
	/* Every round adds something; there is only so much to add. */
	while (more) {
		more = false;
		for (uint32_t object = 0; object < model->object_count; object++) {
			if (model->objects[object].kind == BX_OBJECT_ENDPOINT)
				more |= flow_messages(reach, object);
			if (model->objects[object].kind == BX_OBJECT_THREAD)
				more |= flow_control(reach, object);
			if (model->objects[object].kind == BX_OBJECT_IOPORT)
				more |= flow_dma(reach, object);
		}
	}
	reach_calls(reach);
	return true;
}

void
reach_free(struct reach *reach)
{
	free(reach->ways);
	free(reach->starts);
	free(reach->calls);
}
