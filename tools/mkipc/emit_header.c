/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * emit_header.c -- the header: numbers, the fields of each message, what writes and reads them, and
 * the server's side.
 */
#include "mkipc.h"

static void
put_comment(FILE *out, struct text doc)
{
	if (doc.length == 0)
		return;
	fputs("/*\n", out);
	put_doc(out, doc, " * ");
	fputs(" */\n", out);
}

static void
emit_numbers(FILE *out, struct place *place)
{
	const struct interface *interface = place->interface;

	put(out, place, "\n#define @P@I_PROTOCOL\t");
	fprintf(out, "%u\n", interface->protocol);
	put(out, place, "#define @P@I_VERSION\t");
	fprintf(out, "%u\n", interface->version);
	for (unsigned i = 0; i < interface->number_count; i++) {
		const struct number *number = &interface->numbers[i];

		fputs("\n", out);
		put_comment(out, number->doc);
		put(out, place, "#define @P@I_");
		fprintf(out, "%.*s\t%.*s%s\n", (int)number->name.length, number->name.at,
		    (int)number->written.length, number->written.at,
		    number->value > UINT32_MAX ? "ull" : "u");
	}
	fputs("\n/* The label of each method. */\n", out);
	for (unsigned i = 0; i < interface->method_count; i++) {
		place->method = &interface->methods[i];
		put(out, place, "#define @P@I_@M\tBX_IPC_LABEL(@P@I_PROTOCOL, @P@I_VERSION, ");
		fprintf(out, "%u)\n", place->method->number);
	}
}

static uint32_t
larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* How long the byte strings can become. */
static void
emit_lengths(FILE *out, struct place *place)
{
	uint32_t request = 0, answer = 0;

	fputs("\n/* Bytes of the longest byte string: of a method both ways, of all requests, of all answers. */\n",
	    out);
	for (unsigned i = 0; i < place->interface->method_count; i++) {
		const struct method *method = &place->interface->methods[i];
		uint32_t both = larger(method->request.string_max, method->answer.string_max);

		place->method = method;
		request = larger(request, method->request.string_max);
		answer = larger(answer, method->answer.string_max);
		if (both > 0) {
			put(out, place, "#define @P@I_@M_STRING_MAX\t");
			fprintf(out, "%uu\n", both);
		}
	}
	put(out, place, "#define @P@I_REQUEST_STRING_MAX\t");
	fprintf(out, "%uu\n", request);
	put(out, place, "#define @P@I_ANSWER_STRING_MAX\t");
	fprintf(out, "%uu\n", answer);
}

/* One message: its fields, what writes it, what reads it. */
static void
emit_message(FILE *out, struct place *place, const struct message *message)
{
	bool fields = message->count > 0;

	if (fields) {
		put(out, place, "struct @p@i_@m_@k {\n");
		for (unsigned i = 0; i < message->count; i++) {
			const struct field *field = &message->fields[i];

			place->field = field;
			fprintf(out, "\t%s", field_c_type(field->type));
			put(out, place, field->type == CAP ? "@f;\t\t/* slot of the capability */\n" : "@f;\n");
			if (field_has_length(field->type)) {
				put(out, place, "\tuint32_t @f_length;");
				fprintf(out, "\t\t/* at most %u */\n", field->longest);
			}
		}
		fputs("};\n", out);
	}
	put(out, place, "BX_MUST_USE enum bx_err @p@i_@m_@k_write(struct bx_ipc_message *message,\n"
	    "    uint8_t *string, uint32_t string_capacity");
	put(out, place, fields ? ", const struct @p@i_@m_@k *@k);\n" : ");\n");
	put(out, place, "BX_MUST_USE enum bx_err @p@i_@m_@k_read(const struct bx_ipc_message *message");
	put(out, place, fields ? ",\n    struct @p@i_@m_@k *@k);\n" : ");\n");
}

static void
emit_server(FILE *out, struct place *place)
{
	fputs("\n/*\n * The server's side: one function a method; NULL: this server has it not (BX_ERR_NOT_FOUND).\n"
	    " * What it returns is the answer's error; on BX_OK *answer goes with it.\n"
	    " * A function with a call that is not const may keep the reply: it sets call->kept, returns BX_OK,\n"
	    " * and the server answers through call->reply later.\n */\n", out);
	put(out, place, "struct @p@i_server {\n");
	for (unsigned i = 0; i < place->interface->method_count; i++) {
		const struct method *method = &place->interface->methods[i];

		place->method = method;
		put(out, place, "\tenum bx_err (*@m)(void *context, ");
		fputs(method->later ? "struct bx_ipc_call *call" : "const struct bx_ipc_call *call", out);
		if (method->request.count > 0)
			put(out, place, ",\n\t    const struct @p@i_@m_request *request");
		if (method->answer.count > 0)
			put(out, place, ",\n\t    struct @p@i_@m_answer *answer");
		fputs(");\n", out);
	}
	fputs("};\n\n", out);
	fputs("/*\n * Checks one request completely, calls the function of its method, and makes the answer.\n"
	    " * Refused before any function is called: BX_ERR_FORMAT, _VERSION, _NOT_FOUND, another protocol, version,\n"
	    " * method; what reading refuses (brainix/ipc.h); BX_ERR_CAP_RIGHTS, a badge that lacks what the method requires; BX_ERR_INVALID, a\n"
	    " * sender that takes no answer, where there must be one.\n"
	    " *\tstring, string_capacity\tfor the answer's byte string; the answer points into it\n"
	    " * Returns whether *answer is to be given now; if not, *answer is untouched.\n */\n", out);
	put(out, place, "bool @p@i_dispatch(const struct @p@i_server *server, void *context,\n"
	    "    struct bx_ipc_call *call, const struct bx_ipc_message *message,\n"
	    "    struct bx_ipc_message *answer, uint8_t *string, uint32_t string_capacity);\n");
}

void
emit_header(FILE *out, const struct interface *interface, const struct names *names)
{
	struct place place = { .interface = interface, .names = names };

	put_top(out, interface, "Messages and server side");
	put(out, &place, "#ifndef @P@I_IPC_H\n#define @P@I_IPC_H\n\n#include <brainix/ipc.h>\n");
	emit_numbers(out, &place);
	emit_lengths(out, &place);
	fputs("\n/*\n * Of each message: its fields; ..._write makes the message of them, ..._read takes it apart, checks all\n"
	    " * of it, and leaves the fields alone when it refuses.  What is read points into the message's string.\n"
	    " * Errors: those of bx_ipc_write_end and BX_ERR_MSG_TOO_LONG; those of bx_ipc_read_end.\n */\n", out);
	for (unsigned i = 0; i < interface->method_count; i++) {
		place.method = &interface->methods[i];
		fputs("\n", out);
		put_comment(out, place.method->doc);
		place.kind = "request";
		emit_message(out, &place, &place.method->request);
		place.kind = "answer";
		emit_message(out, &place, &place.method->answer);
	}
	emit_server(out, &place);
	fputs("\n#endif\n", out);
}
