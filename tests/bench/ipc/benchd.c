/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * benchd.c -- the other side of the benchmark: gives back what it is sent, as fast as it can.
 *
 * Loops of their own, so that the one never pays for the other's buffers: in the first, words and
 * label stay in the registers in which they came; the second has room for a string, or, when that is
 * what the client wants, for a capability.  The client's label says which it wants next.  Signals of the bound notification are taken by both.
 */
#include <brainix/sys.h>

#include "protocol.h"

struct server {
	uint32_t service, bell, reply, free;
	uint64_t deadline;
	struct bx_sys_words words;
	struct bx_sys_origin origin;
	uint8_t string[BX_IPC_STRING_MAX];
};

static bool
has_buffers(uint64_t label)
{
	return label == SERVICE_STRINGS || label == SERVICE_CAPS;
}

/* Serves until asked for strings or capabilities: that call is not answered yet. */
static enum bx_err
serve_words(struct server *server)
{
	struct bx_sys_words words = server->words;
	struct bx_sys_origin origin = server->origin;
	enum bx_err err = BX_OK;

	while (err == BX_OK && !has_buffers(words.label)) {
		if ((origin.info & BX_IPC_INFO_REPLY) != 0)
			err = bx_sys_reply_receive(server->service, server->reply, server->deadline, &words,
			    &origin);
		else
			err = bx_sys_receive(server->service, server->reply, server->deadline, &words,
			    &origin);
	}
	server->words = words;
	server->origin = origin;
	return err;
}

/* Serves until asked for words, likewise. */
static enum bx_err
serve_strings(struct server *server)
{
	struct bx_ipc_buffers buffers = { .send_slot = BX_SLOT_NONE, .receive_slot = BX_SLOT_NONE,
		.send_address = (uint64_t)(uintptr_t)server->string,
		.receive_address = (uint64_t)(uintptr_t)server->string,
		.receive_capacity = sizeof server->string };
	enum bx_err err = BX_OK;

	/* The slot behind the manifest's two capabilities. */
	if (server->words.label == SERVICE_CAPS)
		buffers.receive_slot = server->free;
	while (err == BX_OK && server->words.label != SERVICE_WORDS) {
		buffers.send_length = bx_sys_origin_length(&server->origin);
		err = bx_sys_trap_buffers(BX_SYS_REPLY_RECEIVE, server->service, server->reply,
		    server->deadline, &buffers, &server->words, &server->origin);
	}
	return err;
}

int
bx_main(const struct bx_sys *sys)
{
	struct server server = { .reply = sys->launch->reply_first, .deadline = bx_sys_deadline_far() };
	enum bx_err err;

	if (bx_sys_find(sys->launch, "service", &server.service) != BX_OK ||
	    bx_sys_find(sys->launch, "bell", &server.bell) != BX_OK ||
	    bx_sys_notification_bind(server.bell) != BX_OK)
		return 1;
	server.free = (server.service > server.bell ? server.service : server.bell) + 1;
	err = bx_sys_receive(server.service, server.reply, server.deadline, &server.words,
	    &server.origin);
	while (err == BX_OK) {
		err = serve_words(&server);
		if (err == BX_OK)
			err = serve_strings(&server);
	}
	return 2;
}
