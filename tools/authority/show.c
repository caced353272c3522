/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * show.c -- the table for people and the graph for Graphviz.
 */
#include <brainix/cap.h>

#include "authority.h"

const char *
rights_text(uint32_t rights, char text[RIGHTS_TEXT])
{
	static const struct {
		uint32_t right;
		char letter;
	} letters[] = { { BX_RIGHT_READ, 'r' }, { BX_RIGHT_WRITE, 'w' }, { BX_RIGHT_GRANT, 'g' },
		{ BX_RIGHT_GRANT_REPLY, 'a' }, { BX_RIGHT_EXECUTE, 'x' } };

	for (size_t i = 0; i < BX_ARRAY_COUNT(letters); i++)
		text[i] = (rights & letters[i].right) != 0 ? letters[i].letter : '-';
	text[BX_ARRAY_COUNT(letters)] = '\0';
	return text;
}

/* ---- table ------------------------------------------------------------------------------------ */

static void
table_row(const struct reach *reach, uint32_t program, uint32_t object, FILE *out)
{
	static const char *const rules[] = { "", "its own", "sent by ", "in a reply of ",
		"by a thread of ", "by DMA" };
	const struct system_model *model = reach->model;
	const struct reach_way *way = reach_way(reach, program, object);
	char rights[RIGHTS_TEXT];

	fprintf(out, "  %-14s %-24s %s   %s%s\n", object_kind_name(model->objects[object].kind),
	    model->objects[object].name, rights_text(way->rights, rights), rules[way->rule],
	    way->rule > REACH_OWN && way->rule != REACH_DMA ? model->programs[way->from].name : "");
}

void
show_table(const struct reach *reach, FILE *out)
{
	const struct system_model *model = reach->model;
	uint32_t count = model->program_count;

	for (uint32_t program = 0; program < count; program++) {
		fprintf(out, "%s%s\n", model->programs[program].name,
		    (model->programs[program].flags & BX_PROGRAM_OPEN_SPACE) != 0 ? " (open space)" : "");
		for (uint32_t object = 0; object < model->object_count; object++)
			if (reach_way(reach, program, object)->rights != 0)
				table_row(reach, program, object, out);
		for (uint32_t other = 0; other < count; other++)
			if (reach->starts[program * count + other])
				fprintf(out, "  starts, ends   %s\n", model->programs[other].name);
	}
}

/* ---- graph ------------------------------------------------------------------------------------ */

/* Programs in the middle, devices and memory as boxes at one side, notifications small. */
static const char *
object_style(enum bx_sysimage_object_kind kind)
{
	switch (kind) {
	case BX_OBJECT_ENDPOINT:
		return "shape=ellipse, style=filled, fillcolor=\"#e8f0fe\"";
	case BX_OBJECT_NOTIFICATION:
		return "shape=ellipse, style=\"filled,dashed\", fillcolor=\"#ffffff\", fontsize=10";
	case BX_OBJECT_SPAWN:
	case BX_OBJECT_AUDIT:
	case BX_OBJECT_THREAD:
	case BX_OBJECT_CSPACE:
		return "shape=octagon, style=filled, fillcolor=\"#fde8e8\"";
	default:
		return "shape=box3d, style=filled, fillcolor=\"#fff4d6\"";
	}
}

/* What a program does with an object, in a word; the rights where there is none. */
static const char *
deed(enum bx_sysimage_object_kind kind, uint32_t rights, char text[RIGHTS_TEXT])
{
	if (kind == BX_OBJECT_ENDPOINT && (rights & BX_RIGHT_GRANT_REPLY) != 0)
		return (rights & BX_RIGHT_GRANT) != 0 ? "calls, gives" : "calls";
	if (kind == BX_OBJECT_ENDPOINT)
		return (rights & BX_RIGHT_GRANT) != 0 ? "sends, gives" : "sends";
	if (kind == BX_OBJECT_NOTIFICATION)
		return "signals";
	return rights_text(rights, text);
}

/* Towards what is acted on: write; from what is read; a reach that is not its own is dotted red. */
static void
graph_edge(const struct reach *reach, uint32_t program, uint32_t object, FILE *out)
{
	const struct reach_way *way = reach_way(reach, program, object);
	enum bx_sysimage_object_kind kind = reach->model->objects[object].kind;
	bool serves = (kind == BX_OBJECT_ENDPOINT || kind == BX_OBJECT_NOTIFICATION) &&
	    (way->rights & BX_RIGHT_READ) != 0;
	bool acts = !serves || (way->rights & BX_RIGHT_WRITE) != 0;
	const char *style = way->rule == REACH_OWN ? "" : ", style=dotted, color=\"#c00000\"";
	char rights[RIGHTS_TEXT];

	if (serves)
		fprintf(out, "\to%u -> p%u [color=\"#3060a0\"%s];\n", object, program, style);
	if (acts)
		fprintf(out, "\tp%u -> o%u [label=\"%s\"%s];\n", program, object,
		    deed(kind, way->rights, rights), style);
}

void
show_graph(const struct reach *reach, FILE *out)
{
	const struct system_model *model = reach->model;
	uint32_t count = model->program_count;

	fprintf(out, "digraph \"%s\" {\n\trankdir=LR;\n\tranksep=0.9;\n\tnodesep=0.25;\n"
	    "\tlabel=\"System %s: who can ever reach what\";\n\tlabelloc=t;\n"
	    "\tnode [fontname=\"Helvetica\"];\n\tedge [fontname=\"Courier\", fontsize=9, color=\"#606060\"];\n",
	    model->name, model->name);
	for (uint32_t i = 0; i < count; i++)
		fprintf(out, "\tp%u [label=\"%s\", shape=box, style=\"filled,rounded%s\", "
		    "fillcolor=\"#d9ead3\"];\n", i, model->programs[i].name,
		    (model->programs[i].flags & BX_PROGRAM_OPEN_SPACE) != 0 ? ",bold" : "");
	for (uint32_t i = 0; i < model->object_count; i++)
		fprintf(out, "\to%u [label=\"%s\\n%s\", %s];\n", i, model->objects[i].name,
		    object_kind_name(model->objects[i].kind), object_style(model->objects[i].kind));
	for (uint32_t program = 0; program < count; program++) {
		for (uint32_t object = 0; object < model->object_count; object++)
			if (reach_way(reach, program, object)->rights != 0)
				graph_edge(reach, program, object, out);
		for (uint32_t other = 0; other < count; other++)
			if (reach->starts[program * count + other])
				fprintf(out, "\tp%u -> p%u [label=\"starts\", style=dashed, color=\"#a06000\", "
				    "constraint=false];\n", program, other);
	}
	fputs("}\n", out);
}
