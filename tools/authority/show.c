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

/*
 * A program is a box.  In it stand what it serves and hears, and whatever else the manifest gives it alone: so an
 * edge is something between two programs.  An object that several share is a box of its own.
 * Names are letters, digits, - _ . only: nothing in them has to be escaped.
 */
#define GRAPH_CALLS	"#2456a6"
#define GRAPH_SIGNALS	"#6b6b6b"
#define GRAPH_GAINED	"#c00000"

struct kind_style {
	const char *word, *color;
};

static struct kind_style
style_of(enum bx_sysimage_object_kind kind)
{
	switch (kind) {
	case BX_OBJECT_ENDPOINT:
		return (struct kind_style){ "serves", "#dde8fb" };
	case BX_OBJECT_NOTIFICATION:
		return (struct kind_style){ "hears", "#efefef" };
	case BX_OBJECT_SPAWN:
	case BX_OBJECT_AUDIT:
	case BX_OBJECT_THREAD:
	case BX_OBJECT_CSPACE:
		return (struct kind_style){ object_kind_name(kind), "#fbdcdc" };
	default:
		return (struct kind_style){ object_kind_name(kind), "#fdf0cf" };
	}
}

static bool
is_meeting(enum bx_sysimage_object_kind kind)
{
	return kind == BX_OBJECT_ENDPOINT || kind == BX_OBJECT_NOTIFICATION;
}

static bool
has_own(const struct system_program *program, uint32_t object, uint32_t mask)
{
	for (uint32_t i = 0; i < program->capability_count; i++)
		if (program->capabilities[i].object == object && (program->capabilities[i].rights & mask) != 0)
			return true;
	return false;
}

/* The one program in whose box the object stands, by the manifest; BX_SYSIMAGE_NONE: none, or several could. */
static uint32_t
home_of(const struct reach *reach, uint32_t object)
{
	const struct system_model *model = reach->model;
	uint32_t mask = is_meeting(model->objects[object].kind) ? BX_RIGHT_READ : UINT32_MAX;
	uint32_t home = BX_SYSIMAGE_NONE;

	for (uint32_t program = 0; program < model->program_count; program++) {
		if (!has_own(&model->programs[program], object, mask))
			continue;
		if (home != BX_SYSIMAGE_NONE)
			return BX_SYSIMAGE_NONE;
		home = program;
	}
	return home;
}

static void
graph_row(const struct reach *reach, uint32_t program, uint32_t object, FILE *out)
{
	const struct system_object *what = &reach->model->objects[object];
	const struct reach_way *way = reach_way(reach, program, object);
	struct kind_style style = style_of(what->kind);
	char rights[RIGHTS_TEXT];

	fprintf(out, "<TR><TD PORT=\"o%u\" ALIGN=\"LEFT\" BGCOLOR=\"%s\"><FONT COLOR=\"%s\">%s <B>%s</B>", object,
	    style.color, way->rule == REACH_OWN ? "#000000" : GRAPH_GAINED, style.word, what->name);
	if (!is_meeting(what->kind))
		fprintf(out, "  <FONT FACE=\"Courier\">%s</FONT>", rights_text(way->rights, rights));
	fputs("</FONT></TD></TR>", out);
}

/* Whom it may start and end, a few names a line. */
static void
graph_starts(const struct reach *reach, uint32_t program, FILE *out)
{
	uint32_t count = reach->model->program_count, said = 0;

	for (uint32_t other = 0; other < count; other++) {
		if (!reach->starts[program * count + other])
			continue;
		fprintf(out, "%s<B>%s</B>", said == 0 ? "<TR><TD ALIGN=\"LEFT\" BGCOLOR=\"#fbdcdc\">starts " :
		    said % 4 == 0 ? ",<BR ALIGN=\"LEFT\"/>" : ", ", reach->model->programs[other].name);
		said++;
	}
	if (said != 0)
		fputs("<BR ALIGN=\"LEFT\"/></TD></TR>", out);
}

static void
graph_program(const struct reach *reach, uint32_t program, FILE *out)
{
	const struct system_program *what = &reach->model->programs[program];
	bool open = (what->flags & BX_PROGRAM_OPEN_SPACE) != 0;

	fprintf(out, "\tp%u [label=<<TABLE BORDER=\"%d\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"4\" COLOR=\"%s\">"
	    "<TR><TD BGCOLOR=\"#cfe6c4\"><FONT POINT-SIZE=\"15\"><B>%s</B>%s</FONT></TD></TR>", program, open ? 3 : 0,
	    open ? GRAPH_GAINED : "#404040", what->name, open ? " (open space)" : "");
	for (uint32_t object = 0; object < reach->model->object_count; object++)
		if (home_of(reach, object) == program)
			graph_row(reach, program, object, out);
	graph_starts(reach, program, out);
	fputs("</TABLE>>];\n", out);
}

static void
graph_shared(const struct reach *reach, uint32_t object, FILE *out)
{
	const struct system_object *what = &reach->model->objects[object];
	struct kind_style style = style_of(what->kind);

	fprintf(out, "\to%u [shape=box, style=filled, fillcolor=\"%s\", label=<%s <B>%s</B>>];\n", object, style.color,
	    object_kind_name(what->kind), what->name);
}

/* From who acts to what is acted on.  Colour and line say what it does, and the legend which they are. */
static void
graph_edge(const struct reach *reach, uint32_t program, uint32_t object, uint32_t home, FILE *out)
{
	const struct reach_way *way = reach_way(reach, program, object);
	enum bx_sysimage_object_kind kind = reach->model->objects[object].kind;
	bool calls = kind == BX_OBJECT_ENDPOINT;
	char rights[RIGHTS_TEXT];

	if (home != BX_SYSIMAGE_NONE)
		fprintf(out, kind == BX_OBJECT_NOTIFICATION ? "\tp%u -> p%u:o%u [constraint=false, " :
		    "\tp%u -> p%u:o%u:w [", program, home, object);
	else
		fprintf(out, "\tp%u -> o%u [label=\"%s\", ", program, object, rights_text(way->rights, rights));
	if (calls && (way->rights & BX_RIGHT_WRITE) != 0 && (way->rights & BX_RIGHT_GRANT) != 0)
		fputs("xlabel=\"gives\", ", out);
	fprintf(out, "color=\"%s\", style=%s%s];\n", way->rule != REACH_OWN ? GRAPH_GAINED : calls ? GRAPH_CALLS :
	    GRAPH_SIGNALS, way->rule != REACH_OWN ? "dotted" : kind == BX_OBJECT_NOTIFICATION ? "dashed" : "solid",
	    calls ? ", penwidth=1.6" : ", arrowhead=vee");
}

static void
graph_object(const struct reach *reach, uint32_t object, FILE *out)
{
	uint32_t home = home_of(reach, object);

	if (home == BX_SYSIMAGE_NONE)
		graph_shared(reach, object, out);
	for (uint32_t program = 0; program < reach->model->program_count; program++)
		if (program != home && reach_way(reach, program, object)->rights != 0)
			graph_edge(reach, program, object, home, out);
}

/* Title and legend, above everything. */
static void
graph_head(const struct system_model *model, FILE *out)
{
	fprintf(out, "digraph \"%s\" {\n\trankdir=LR;\n\tranksep=1.3;\n\tnodesep=0.4;\n\tlabelloc=t;\n"
	    "\tfontname=\"Helvetica\";\n\tnode [shape=plain, fontname=\"Helvetica\", fontsize=12];\n"
	    "\tedge [fontname=\"Helvetica\", fontsize=10];\n", model->name);
	fprintf(out, "\tlabel=<<TABLE BORDER=\"0\" CELLSPACING=\"6\" CELLPADDING=\"4\"><TR><TD COLSPAN=\"6\">"
	    "<FONT POINT-SIZE=\"18\">System <B>%s</B>: who can ever reach what</FONT></TD></TR><TR>"
	    "<TD BGCOLOR=\"#cfe6c4\">program</TD><TD BGCOLOR=\"#fdf0cf\">device, memory</TD>"
	    "<TD BGCOLOR=\"#fbdcdc\">authority over the system</TD>"
	    "<TD><FONT COLOR=\"" GRAPH_CALLS "\"><B>&#8212;&#9654;</B> calls, sends</FONT></TD>"
	    "<TD><FONT COLOR=\"" GRAPH_SIGNALS "\"><B>- - &gt;</B> signals</FONT></TD>"
	    "<TD><FONT COLOR=\"" GRAPH_GAINED "\">red: not by the manifest alone</FONT></TD></TR>"
	    "<TR><TD COLSPAN=\"6\"><FONT POINT-SIZE=\"11\">rights: r read, w write, g grant, a grant-reply, x execute"
	    "</FONT></TD></TR></TABLE>>;\n", model->name);
}

void
show_graph(const struct reach *reach, FILE *out)
{
	graph_head(reach->model, out);
	for (uint32_t i = 0; i < reach->model->program_count; i++)
		graph_program(reach, i, out);
	for (uint32_t i = 0; i < reach->model->object_count; i++)
		graph_object(reach, i, out);
	fputs("}\n", out);
}
