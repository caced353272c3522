/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * emit_fuzz.c -- the fuzz target: any label, words, byte string and capability, as request and as answer.
 * It fails when something is accepted whose fields, written again, are not the very same message.
 */
#include "mkipc.h"

/* What a handler does: no field is outside its promise, and the request has one form only. */
static void
emit_handler(FILE *out, struct place *place)
{
	const struct method *method = place->method;

	place->kind = "request";
	put(out, place, "\nstatic enum bx_err\non_@m(void *context, ");
	put(out, place, method->later ? "struct bx_ipc_call *call" : "const struct bx_ipc_call *call");
	if (method->request.count > 0)
		put(out, place, ",\n    const struct @p@i_@m_request *request");
	if (method->answer.count > 0)
		put(out, place, ",\n    struct @p@i_@m_answer *answer");
	put(out, place, ")\n{\n\tstruct given *given = context;\n\tstruct bx_ipc_message again;\n\n");
	for (unsigned i = 0; i < method->request.count; i++) {
		place->field = &method->request.fields[i];
		if (field_has_length(place->field->type)) {
			put(out, place, "\tbx_fuzz_require(request->@f_length <= ");
			fprintf(out, "%uu);\n", place->field->longest);
		}
	}
	if (method->badge != 0)
		fprintf(out, "\tbx_fuzz_require((call->badge & 0x%llxull) == 0x%llxull);\n",
		    (unsigned long long)method->badge, (unsigned long long)method->badge);
	if (!method->send)
		fputs("\tbx_fuzz_require(call->reply != BX_SLOT_NONE);\n", out);
	put(out, place, "\tbx_fuzz_require(@p@i_@m_request_write(&again, given->string, sizeof given->string");
	fputs(method->request.count > 0 ? ", request) == BX_OK);\n" : ") == BX_OK);\n", out);
	fputs("\tbx_fuzz_require(same(&again, given->message));\n\tgiven->called = true;\n", out);
	if (method->answer.count > 0)
		fputs("\tmemset(answer, 0, sizeof *answer);\n", out);
	if (method->later)
		fputs("\tcall->kept = (call->badge & 1) != 0;\n", out);
	else
		fputs("\t(void)call;\n", out);
	fputs("\treturn BX_OK;\n}\n", out);
}

static void
emit_answer(FILE *out, struct place *place)
{
	const struct method *method = place->method;
	bool fields = method->answer.count > 0;

	place->kind = "answer";
	put(out, place, "\nstatic void\nanswer_@m(struct given *given, const struct bx_ipc_message *message)\n{\n"
	    "\tstruct bx_ipc_message again;\n");
	put(out, place, fields ? "\tstruct @p@i_@m_answer answer;\n\n" : "\n");
	put(out, place, "\tif (@p@i_@m_answer_read(message");
	fputs(fields ? ", &answer) != BX_OK)\n\t\treturn;\n" : ") != BX_OK)\n\t\treturn;\n", out);
	put(out, place, "\tbx_fuzz_require(@p@i_@m_answer_write(&again, given->string, sizeof given->string");
	fputs(fields ? ", &answer) == BX_OK);\n" : ") == BX_OK);\n", out);
	fputs("\tbx_fuzz_require(same(&again, message));\n}\n", out);
}

static const char fuzz_top[] =
    "#include <stdlib.h>\n#include <string.h>\n\n"
    "#define bx_fuzz_require(condition)\tdo { if (!(condition)) abort(); } while (0)\n\n"
    "int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);\n\n"
    "void\nbx_panic(const char *where, const char *what)\n{\n\t(void)where;\n\t(void)what;\n\tabort();\n}\n\n"
    "/* The request under test, and room to write it again. */\n"
    "struct given {\n\tconst struct bx_ipc_message *message;\n\tbool called;\n"
    "\tuint8_t string[BX_IPC_STRING_MAX];\n};\n\n"
    "static bool\nsame(const struct bx_ipc_message *a, const struct bx_ipc_message *b)\n{\n"
    "\treturn a->label == b->label && memcmp(a->word, b->word, sizeof a->word) == 0 &&\n"
    "\t    a->string_length == b->string_length && a->cap_slot == b->cap_slot &&\n"
    "\t    (a->string_length == 0 || memcmp(a->string, b->string, a->string_length) == 0);\n}\n";

static const char fuzz_message[] =
    "/* data[0] says what is more likely than chance: bit 0 a known method, bit 1 a capability, bit 2 a reply,\n"
    " * bit 3 all bits of the badge; data[1] chooses the method. */\n"
    "static void\nmessage_make(struct bx_ipc_message *message, const uint8_t *data, uint8_t *string, size_t length)\n"
    "{\n\tmemset(message, 0, sizeof *message);\n"
    "\tmemcpy(&message->label, data + 2, sizeof message->label);\n"
    "\tmemcpy(message->word, data + 10, sizeof message->word);\n"
    "\tif ((data[0] & 1) != 0)\n"
    "\t\tmessage->label = (message->label & BX_IPC_LABEL_KINDS) | heads[data[1] % BX_ARRAY_COUNT(heads)];\n"
    "\tmessage->cap_slot = (data[0] & 2) != 0 ? 1 : BX_SLOT_NONE;\n"
    "\tmessage->string = length > 0 ? string : NULL;\n"
    "\tmessage->string_length = (uint32_t)length;\n}\n";

static const char fuzz_main[] =
    "int\nLLVMFuzzerTestOneInput(const uint8_t *data, size_t size)\n{\n"
    "\tstatic struct given given;\n\tstatic uint8_t answer_string[@P@I_ANSWER_STRING_MAX + 1];\n"
    "\tstruct bx_ipc_message message, answer = { 0 };\n"
    "\tstruct bx_ipc_call call = { 0 };\n\tuint8_t *string;\n\tsize_t length;\n\tbool now;\n\n"
    "\tif (size < 58)\n\t\treturn 0;\n"
    "\tlength = size - 58 < BX_IPC_STRING_MAX ? size - 58 : BX_IPC_STRING_MAX;\n"
    "\tstring = malloc(length + 1);\n\tif (string == NULL)\n\t\treturn 0;\n"
    "\tmemcpy(string, data + 58, length);\n"
    "\tmessage_make(&message, data, string, length);\n"
    "\tcall.badge = (data[0] & 8) != 0 ? UINT64_MAX - (data[1] & 1) : message.word[0];\n"
    "\tcall.reply = (data[0] & 4) != 0 ? 2 : BX_SLOT_NONE;\n"
    "\tgiven.message = &message;\n\tgiven.called = false;\n"
    "\tnow = @p@i_dispatch(&server, &given, &call, &message, &answer, answer_string, sizeof answer_string);\n"
    "\tbx_fuzz_require(now == !call.kept);\n"
    "\tbx_fuzz_require(!now || (answer.label & BX_IPC_LABEL_HEAD) == (message.label & BX_IPC_LABEL_HEAD));\n"
    "\tbx_fuzz_require(!now || given.called == (bx_ipc_label_error(answer.label) == BX_OK));\n";

void
emit_fuzz(FILE *out, const struct interface *interface, const struct names *names)
{
	struct place place = { .interface = interface, .names = names };

	put_top(out, interface, "Fuzz target");
	fprintf(out, "#include \"%s\"\n\n", names->header);
	fputs(fuzz_top, out);
	for (unsigned i = 0; i < interface->method_count; i++) {
		place.method = &interface->methods[i];
		emit_handler(out, &place);
		emit_answer(out, &place);
	}
	put(out, &place, "\nstatic const struct @p@i_server server = {\n");
	for (unsigned i = 0; i < interface->method_count; i++) {
		place.method = &interface->methods[i];
		put(out, &place, "\t.@m = on_@m,\n");
	}
	fputs("};\n\nstatic const uint64_t heads[] = {\n", out);
	for (unsigned i = 0; i < interface->method_count; i++) {
		place.method = &interface->methods[i];
		put(out, &place, "\t@P@I_@M,\n");
	}
	fputs("};\n\n", out);
	fputs(fuzz_message, out);
	fputs("\n", out);
	put(out, &place, fuzz_main);
	for (unsigned i = 0; i < interface->method_count; i++) {
		place.method = &interface->methods[i];
		put(out, &place, "\tanswer_@m(&given, &message);\n");
	}
	fputs("\tfree(string);\n\treturn 0;\n}\n", out);
}
