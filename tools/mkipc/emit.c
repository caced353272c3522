/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * emit.c -- what all that is written has in common: names, comments, types.
 */
#include <ctype.h>
#include <string.h>

#include "mkipc.h"

static const struct {
	const char *name, *c;
	unsigned kind;			/* enum bx_ipc_kind of a word */
} types[] = {
	[U8] = { "u8", "uint8_t ", 1 },
	[U16] = { "u16", "uint16_t ", 1 },
	[U32] = { "u32", "uint32_t ", 1 },
	[U64] = { "u64", "uint64_t ", 1 },
	[I64] = { "i64", "int64_t ", 2 },
	[BOOL] = { "bool", "bool ", 3 },
	[BYTES] = { "bytes", "const uint8_t *", 0 },
	[TEXT] = { "text", "const char *", 0 },
	[CAP] = { "cap", "uint32_t ", 0 },
};

const char *
field_c_type(enum field_type type)
{
	return types[type].c;
}

const char *
field_type_name(enum field_type type)
{
	return types[type].name;
}

bool
field_has_length(enum field_type type)
{
	return type == BYTES || type == TEXT;
}

bool
message_in_words(const struct message *message)
{
	return message->string_max == 0 && !message->has_cap;
}

uint64_t
message_kinds(const struct message *message)
{
	uint64_t kinds = 0;
	unsigned words = 0;

	for (unsigned i = 0; i < message->count && words < 6; i++)
		if (types[message->fields[i].type].kind != 0)
			kinds |= (uint64_t)types[message->fields[i].type].kind << (32 + 2 * words++);
	return kinds;
}

static void
put_text(FILE *out, struct text text, bool capitals)
{
	for (unsigned i = 0; i < text.length; i++)
		fputc(capitals ? toupper((unsigned char)text.at[i]) : text.at[i], out);
}

/* What one letter behind @ stands for. */
static void
put_name(FILE *out, const struct place *place, char letter)
{
	struct text prefix = { place->names->prefix, (unsigned)strlen(place->names->prefix) };

	switch (letter) {
	case 'p': case 'P':
		put_text(out, prefix, letter == 'P');
		break;
	case 'i': case 'I':
		put_text(out, place->interface->name, letter == 'I');
		break;
	case 'm': case 'M':
		put_text(out, place->method->name, letter == 'M');
		break;
	case 'k': case 'K':
		put_text(out, (struct text){ place->kind, (unsigned)strlen(place->kind) }, letter == 'K');
		break;
	case 'f':
		put_text(out, place->field->name, false);
		break;
	default:
		fputc(letter, out);
		break;
	}
}

void
put(FILE *out, const struct place *place, const char *format)
{
	for (; *format != '\0'; format++) {
		if (*format == '@')
			put_name(out, place, *++format);
		else
			fputc(*format, out);
	}
}

void
put_doc(FILE *out, struct text doc, const char *before)
{
	const char *at = doc.at, *end = doc.at + doc.length;

	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));

		if (line_end == NULL)
			line_end = end;
		while (at < line_end && (*at == ' ' || *at == '\t'))
			at++;
		while (at < line_end && *at == '#')
			at++;
		if (at < line_end && *at == ' ')
			at++;
		if (at < line_end)
			fputs(before, out);
		else
			fputs(before[0] == ' ' ? " *" : "", out);	/* no blank at a line's end */
		/* "*" and "/" may not meet in a comment of C. */
		for (; at < line_end; at++) {
			fputc(*at, out);
			if ((*at == '*' && at + 1 < line_end && at[1] == '/') ||
			    (*at == '/' && at + 1 < line_end && at[1] == '*'))
				fputc(' ', out);
		}
		fputc('\n', out);
		at = line_end + 1;
	}
}

void
put_top(FILE *out, const struct interface *interface, const char *what)
{
	fprintf(out, "/* SPDX-License-Identifier: Apache-2.0 OR MIT */\n"
	    "/*\n * %s of the interface \"%.*s\", protocol %u version %u.\n"
	    " * Made by mkipc from its .ipc file: change that.\n", what, (int)interface->name.length,
	    interface->name.at, interface->protocol, interface->version);
	if (interface->doc.length > 0) {
		fputs(" *\n", out);
		put_doc(out, interface->doc, " * ");
	}
	fputs(" */\n", out);
}
