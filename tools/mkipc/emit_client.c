/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * emit_client.c -- the client's side: a header of functions in line, over libsys.
 */
#include "mkipc.h"

static bool
has_string(const struct method *method)
{
	return method->request.string_max > 0 || method->answer.string_max > 0;
}

static void
put_parameters(FILE *out, struct place *place, bool answer)
{
	const struct method *method = place->method;

	fputs("(uint32_t endpoint, uint64_t deadline", out);
	if (method->request.count > 0)
		put(out, place, ",\n    const struct @p@i_@m_request *request");
	if (answer ? has_string(method) : method->request.string_max > 0)
		fputs(", uint8_t *string, uint32_t string_capacity", out);
	if (answer && method->answer.has_cap)
		fputs(",\n    uint32_t cap_slot", out);
	if (answer && method->answer.count > 0)
		put(out, place, ",\n    struct @p@i_@m_answer *answer");
	fputs(")\n{\n", out);
}

static void
put_request(FILE *out, struct place *place)
{
	const struct method *method = place->method;

	put(out, place, "\terr = @p@i_@m_request_write(&message, ");
	fputs(method->request.string_max > 0 ? "string, string_capacity" : "NULL, 0", out);
	fputs(method->request.count > 0 ? ", request);\n" : ");\n", out);
}

static void
emit_call(FILE *out, struct place *place)
{
	const struct method *method = place->method;
	bool words = message_in_words(&method->request) && message_in_words(&method->answer);

	put(out, place, "\nBX_MUST_USE static inline enum bx_err\n@p@i_@m");
	put_parameters(out, place, true);
	fputs("\tstruct bx_ipc_message message;\n", out);
	if (words)
		fputs("\tstruct bx_sys_words words;\n", out);
	fputs("\tenum bx_err err;\n\n", out);
	put_request(out, place);
	if (words) {
		fputs("\tif (err != BX_OK)\n\t\treturn err;\n"
		    "\twords.label = message.label;\n"
		    "\t__builtin_memcpy(words.word, message.word, sizeof words.word);\n"
		    "\terr = bx_sys_call(endpoint, deadline, &words);\n"
		    "\tif (err != BX_OK)\n\t\treturn err;\n"
		    "\tmessage.label = words.label;\n"
		    "\t__builtin_memcpy(message.word, words.word, sizeof words.word);\n", out);
	} else {
		fputs("\tif (err == BX_OK) {\n"
		    "\t\tstruct bx_ipc_message received = { ", out);
		fputs(method->answer.string_max > 0 ? ".string = string,\n\t\t    .string_length = string_capacity, " : "", out);
		fprintf(out, ".cap_slot = %s };\n\n", method->answer.has_cap ? "cap_slot" : "BX_SLOT_NONE");
		fputs("\t\terr = bx_sys_message_call(endpoint, deadline, &message, &received);\n"
		    "\t\tmessage = received;\n\t}\n\tif (err != BX_OK)\n\t\treturn err;\n", out);
	}
	put(out, place, "\treturn @p@i_@m_answer_read(&message");
	fputs(method->answer.count > 0 ? ", answer);\n}\n" : ");\n}\n", out);
}

static void
emit_send(FILE *out, struct place *place)
{
	put(out, place, "\n/* The same without waiting for an answer: only that it was taken. */\n"
	    "BX_MUST_USE static inline enum bx_err\n@p@i_@m_send");
	put_parameters(out, place, false);
	fputs("\tstruct bx_ipc_message message;\n\tenum bx_err err;\n\n", out);
	put_request(out, place);
	fputs("\treturn err == BX_OK ? bx_sys_message_send(endpoint, deadline, &message) : err;\n}\n", out);
}

void
emit_client(FILE *out, const struct interface *interface, const struct names *names)
{
	struct place place = { .interface = interface, .names = names };

	put_top(out, interface, "Client side");
	put(out, &place, "#ifndef @P@I_CLIENT_H\n#define @P@I_CLIENT_H\n\n#include <brainix/sys.h>\n\n");
	fprintf(out, "#include \"%s\"\n\n", names->header);
	fputs("/*\n * One function a method.\n"
	    " *\tendpoint\t\tslot of the server's endpoint\n"
	    " *\tdeadline\t\ttick until which to wait (brainix/sys.h)\n"
	    " *\tstring, string_capacity\tfor the byte strings of request and answer, ..._STRING_MAX of the method is\n"
	    " *\t\t\t\tenough; bytes and text of the answer point into it; may not overlap those of\n"
	    " *\t\t\t\tthe request\n"
	    " *\tcap_slot\t\tempty slot for a capability of the answer\n"
	    " * Errors: of a call (brainix/abi.h), what the server answers, and what writing and reading refuse; then\n"
	    " * *answer is untouched.\n */\n", out);
	for (unsigned i = 0; i < interface->method_count; i++) {
		place.method = &interface->methods[i];
		emit_call(out, &place);
		if (place.method->send)
			emit_send(out, &place);
	}
	fputs("\n#endif\n", out);
}
