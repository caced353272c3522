/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * emit_source.c -- what writes and reads the messages, and the dispatch.
 *
 * A message in words only is compared with its whole label first: then one look at each word is
 * enough.  What does not pass is read field by field, which finds the error to name.
 */
#include "mkipc.h"

static void
emit_write(FILE *out, struct place *place, const struct message *message)
{
	bool answer = place->kind[0] == 'a';

	put(out, place, "\nenum bx_err\n@p@i_@m_@k_write(struct bx_ipc_message *message, uint8_t *string,\n"
	    "    uint32_t string_capacity");
	put(out, place, message->count > 0 ? ", const struct @p@i_@m_@k *@k)\n{\n" : ")\n{\n");
	fputs("\tstruct bx_ipc_writer writer;\n\n", out);
	for (unsigned i = 0; i < message->count; i++) {
		const struct field *field = &message->fields[i];

		place->field = field;
		if (field_has_length(field->type)) {
			put(out, place, "\tif (@k->@f_length > ");
			fprintf(out, "%u)\n\t\treturn BX_ERR_MSG_TOO_LONG;\n", field->longest);
		}
	}
	put(out, place, answer ?
	    "\tbx_ipc_write_begin(&writer, message, bx_ipc_label_answer(@P@I_@M, BX_OK), string,\n"
	    "\t    string_capacity);\n" :
	    "\tbx_ipc_write_begin(&writer, message, @P@I_@M, string, string_capacity);\n");
	for (unsigned i = 0; i < message->count; i++) {
		const struct field *field = &message->fields[i];

		place->field = field;
		fprintf(out, "\tbx_ipc_write_%s(&writer, ", field_type_name(field->type));
		put(out, place, field_has_length(field->type) ? "@k->@f, @k->@f_length);\n" : "@k->@f);\n");
	}
	fputs("\treturn bx_ipc_write_end(&writer);\n}\n", out);
}

/* What a word must be below to be of its type, or NULL: anything. */
static const char *
word_limit(enum field_type type)
{
	switch (type) {
	case U8:
		return "UINT8_MAX";
	case U16:
		return "UINT16_MAX";
	case U32:
		return "UINT32_MAX";
	case BOOL:
		return "1";
	default:
		return NULL;
	}
}

/* The short way of a message in words only. */
static void
emit_read_words(FILE *out, struct place *place, const struct message *message)
{
	put(out, place, "\tif (BX_LIKELY(message->label == (@P@I_@M");
	fprintf(out, " | 0x%llxull) &&\n\t    message->string_length == 0 && message->cap_slot == BX_SLOT_NONE",
	    (unsigned long long)message_kinds(message));
	for (unsigned i = 0; i < 6; i++) {
		const char *limit = i < message->count ? word_limit(message->fields[i].type) : "0";

		if (limit != NULL)
			fprintf(out, " &&\n\t    message->word[%u] %s %s", i, i < message->count ? "<=" : "==", limit);
	}
	fputs(")) {\n", out);
	for (unsigned i = 0; i < message->count; i++) {
		enum field_type type = message->fields[i].type;

		place->field = &message->fields[i];
		put(out, place, "\t\t@k->@f = ");
		if (type == BOOL)
			fprintf(out, "message->word[%u] != 0;\n", i);
		else if (type == U64)
			fprintf(out, "message->word[%u];\n", i);
		else
			fprintf(out, "(%.*s)message->word[%u];\n", type == U8 ? 7 : type == I64 ? 7 : 8,
			    field_c_type(type), i);
	}
	fputs("\t\treturn BX_OK;\n\t}\n", out);
}

static void
emit_read(FILE *out, struct place *place, const struct message *message)
{
	bool fields = message->count > 0, words = message_in_words(message);

	put(out, place, "\nenum bx_err\n@p@i_@m_@k_read(const struct bx_ipc_message *message");
	put(out, place, fields ? ",\n    struct @p@i_@m_@k *@k)\n{\n" : ")\n{\n");
	if (fields)
		put(out, place, "\tstruct @p@i_@m_@k found = { 0 };\n");
	fputs("\tstruct bx_ipc_reader reader;\n", out);
	fputs(fields ? "\tenum bx_err err;\n\n" : "\n", out);
	if (words)
		emit_read_words(out, place, message);
	put(out, place, place->kind[0] == 'r' ? "\tbx_ipc_read_request(&reader, message, @P@I_@M);\n" :
	    "\tbx_ipc_read_begin(&reader, message, @P@I_@M);\n");
	for (unsigned i = 0; i < message->count; i++) {
		const struct field *field = &message->fields[i];

		place->field = field;
		fprintf(out, "\tbx_ipc_read_%s(&reader, ", field_type_name(field->type));
		if (field_has_length(field->type))
			fprintf(out, "%u, ", field->longest);
		put(out, place, field_has_length(field->type) ? "&found.@f, &found.@f_length);\n" :
		    "&found.@f);\n");
	}
	if (!fields) {
		fputs("\treturn bx_ipc_read_end(&reader);\n}\n", out);
		return;
	}
	put(out, place, "\terr = bx_ipc_read_end(&reader);\n\tif (err == BX_OK)\n\t\t*@k = found;\n"
	    "\treturn err;\n}\n");
}

/* One method of the dispatch: a function of its own.  It leaves *answer made when it returns BX_OK. */
static void
emit_take(FILE *out, struct place *place)
{
	const struct method *method = place->method;

	put(out, place, "\nstatic enum bx_err\ntake_@m(const struct @p@i_server *server, void *context, struct bx_ipc_call *call,\n"
	    "    const struct bx_ipc_message *message, struct bx_ipc_message *answer, uint8_t *string,\n"
	    "    uint32_t string_capacity)\n{\n");
	if (method->request.count > 0)
		put(out, place, "\tstruct @p@i_@m_request request;\n");
	if (method->answer.count > 0)
		put(out, place, "\tstruct @p@i_@m_answer fields = { 0 };\n");
	put(out, place, "\tenum bx_err err;\n\n\tif (server->@m == NULL)\n\t\treturn BX_ERR_NOT_FOUND;\n"
	    "\terr = @p@i_@m_request_read(message");
	fputs(method->request.count > 0 ? ", &request);\n" : ");\n", out);
	fputs("\tif (err != BX_OK)\n\t\treturn err;\n", out);
	if (method->badge != 0)
		fprintf(out, "\tif ((call->badge & 0x%llxull) != 0x%llxull)\n\t\treturn BX_ERR_CAP_RIGHTS;\n",
		    (unsigned long long)method->badge, (unsigned long long)method->badge);
	if (!method->send)
		fputs("\tif (call->reply == BX_SLOT_NONE)\n\t\treturn BX_ERR_INVALID;\n", out);
	put(out, place, "\terr = server->@m(context, call");
	fputs(method->request.count > 0 ? ", &request" : "", out);
	fputs(method->answer.count > 0 ? ", &fields" : "", out);
	put(out, place, ");\n\tif (err != BX_OK || call->kept)\n\t\treturn err;\n"
	    "\treturn @p@i_@m_answer_write(answer, string, string_capacity");
	fputs(method->answer.count > 0 ? ", &fields);\n}\n" : ");\n}\n", out);
}

static void
emit_dispatch(FILE *out, struct place *place)
{
	const struct interface *interface = place->interface;

	put(out, place, "\nbool\n@p@i_dispatch(const struct @p@i_server *server, void *context, struct bx_ipc_call *call,\n"
	    "    const struct bx_ipc_message *message, struct bx_ipc_message *answer, uint8_t *string,\n"
	    "    uint32_t string_capacity)\n{\n"
	    "\tstruct bx_ipc_message made = { .cap_slot = BX_SLOT_NONE };\n"
	    "\tenum bx_err err = BX_ERR_NOT_FOUND;\n\n\tcall->kept = false;\n"
	    "\tswitch (message->label & BX_IPC_LABEL_HEAD) {\n");
	for (unsigned i = 0; i < interface->method_count; i++) {
		place->method = &interface->methods[i];
		put(out, place, "\tcase @P@I_@M:\n"
		    "\t\terr = take_@m(server, context, call, message, &made, string, string_capacity);\n"
		    "\t\tbreak;\n");
	}
	put(out, place, "\tdefault:\n"
	    "\t\tif (bx_ipc_label_protocol(message->label) != @P@I_PROTOCOL)\n\t\t\terr = BX_ERR_FORMAT;\n"
	    "\t\telse if (bx_ipc_label_version(message->label) != @P@I_VERSION)\n\t\t\terr = BX_ERR_VERSION;\n"
	    "\t\tbreak;\n\t}\n"
	    "\tif (err == BX_OK && call->kept)\n\t\treturn false;\n"
	    "\tcall->kept = false;\n"
	    "\tif (err != BX_OK)\n"
	    "\t\tmade = (struct bx_ipc_message){ .label = bx_ipc_label_answer(message->label, err),\n"
	    "\t\t    .cap_slot = BX_SLOT_NONE };\n"
	    "\t*answer = made;\n\treturn true;\n}\n");
}

void
emit_source(FILE *out, const struct interface *interface, const struct names *names)
{
	struct place place = { .interface = interface, .names = names };

	put_top(out, interface, "Messages and dispatch");
	fprintf(out, "#include \"%s\"\n", names->header);
	for (unsigned i = 0; i < interface->method_count; i++) {
		place.method = &interface->methods[i];
		place.kind = "request";
		emit_write(out, &place, &place.method->request);
		emit_read(out, &place, &place.method->request);
		place.kind = "answer";
		emit_write(out, &place, &place.method->answer);
		emit_read(out, &place, &place.method->answer);
	}
	for (unsigned i = 0; i < interface->method_count; i++) {
		place.method = &interface->methods[i];
		emit_take(out, &place);
	}
	emit_dispatch(out, &place);
}
