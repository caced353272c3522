/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * emit_page.c -- the reference page: Markdown for people.
 */
#include "mkipc.h"

static void
put_fields(FILE *out, const char *what, const struct message *message)
{
	fprintf(out, "| %s | ", what);
	for (unsigned i = 0; i < message->count; i++) {
		const struct field *field = &message->fields[i];

		fprintf(out, "%s%s `%.*s`", i > 0 ? ", " : "", field_type_name(field->type),
		    (int)field->name.length, field->name.at);
		if (field_has_length(field->type))
			fprintf(out, " (at most %u bytes)", field->longest);
	}
	fputs(message->count > 0 ? " |\n" : "nothing |\n", out);
}

static void
put_rules(FILE *out, const struct interface *interface, const struct method *method)
{
	if (method->badge != 0) {
		fputs("| requires | ", out);
		for (unsigned i = 0, found = 0; i < interface->number_count; i++) {
			const struct number *number = &interface->numbers[i];

			if (number->badge && (number->value & method->badge) == number->value)
				fprintf(out, "%sbadge `%.*s`", found++ > 0 ? ", " : "", (int)number->name.length,
				    number->name.at);
		}
		fputs(", else `BX_ERR_CAP_RIGHTS` |\n", out);
	}
	if (method->later)
		fputs("| answered | now, or later |\n", out);
	fputs(method->send ? "| how | by a call, or sent without waiting |\n" : "| how | by a call |\n", out);
}

void
emit_page(FILE *out, const struct interface *interface, const struct names *names)
{
	(void)names;
	fprintf(out, "# Interface %.*s\n\nProtocol %u, version %u.\n", (int)interface->name.length,
	    interface->name.at, interface->protocol, interface->version);
	if (interface->doc.length > 0) {
		fputs("\n", out);
		put_doc(out, interface->doc, "");
	}
	if (interface->number_count > 0)
		fputs("\n| constant | value | |\n| --- | --- | --- |\n", out);
	for (unsigned i = 0; i < interface->number_count; i++) {
		const struct number *number = &interface->numbers[i];

		fprintf(out, "| %s`%.*s` | %.*s | ", number->badge ? "badge " : "", (int)number->name.length,
		    number->name.at, (int)number->written.length, number->written.at);
		for (unsigned j = 0; j < number->doc.length; j++)
			if (number->doc.at[j] != '#')
				fputc(number->doc.at[j] == '\n' || number->doc.at[j] == '|' ? ' ' :
				    number->doc.at[j], out);
		fputs(" |\n", out);
	}
	for (unsigned i = 0; i < interface->method_count; i++) {
		const struct method *method = &interface->methods[i];

		fprintf(out, "\n## %u. %.*s\n\n", method->number, (int)method->name.length, method->name.at);
		if (method->doc.length > 0) {
			put_doc(out, method->doc, "");
			fputs("\n", out);
		}
		fputs("| | |\n| --- | --- |\n", out);
		put_fields(out, "request", &method->request);
		put_fields(out, "answer", &method->answer);
		put_rules(out, interface, method);
	}
}
