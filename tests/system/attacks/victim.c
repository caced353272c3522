/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * victim.c -- the program that attacks are made on: holds a secret in memory of its own, looks at it
 * again and again, and answers on the endpoint `echo`: a message comes back as it went, label 7 asks
 * whether the secret is still what it was.
 */
#include "attack.h"

#define SECRET		0x5ec2e75ec2e75ec2ull
#define IS_WHOLE	7u

struct victim {
	uint32_t echo, memory, reply;
	uint8_t string[4096];
};

static bool
whole(void)
{
	volatile const uint64_t *secret = (volatile const uint64_t *)(uintptr_t)VICTIM_ADDRESS;

	for (unsigned i = 0; i < BX_PAGE_SIZE / 8; i++)
		if (secret[i] != SECRET + i)
			return false;
	return true;
}

BX_NORETURN static void
serve(struct victim *victim)
{
	struct bx_ipc_buffers buffers = { .send_slot = BX_SLOT_NONE, .receive_slot = BX_SLOT_NONE,
		.send_address = (uint64_t)(uintptr_t)victim->string,
		.receive_address = (uint64_t)(uintptr_t)victim->string,
		.receive_capacity = sizeof victim->string };
	struct bx_sys_words words = { 0 };
	struct bx_sys_origin origin = { 0 };
	bool asked = false;
	enum bx_err err;

	for (;;) {
		err = bx_sys_trap_buffers(asked ? BX_SYS_REPLY_RECEIVE : BX_SYS_RECEIVE, victim->echo,
		    victim->reply, bx_sys_deadline_far(), &buffers, &words, &origin);
		buffers.send_length = 0;
		if (err != BX_OK) {
			/* A client's mistake is not ours: wait for the next. */
			asked = false;
			continue;
		}
		asked = (origin.info & BX_IPC_INFO_REPLY) != 0;
		buffers.send_length = asked ? bx_sys_origin_length(&origin) : 0;
		if (words.label == IS_WHOLE)
			words.word[0] = whole() ? 1 : 0;
	}
}

int
bx_main(const struct bx_sys *sys)
{
	struct victim victim = { .reply = sys->launch->reply_first };
	volatile uint64_t *secret = (volatile uint64_t *)(uintptr_t)VICTIM_ADDRESS;
	uint32_t ready;

	if (bx_sys_find(sys->launch, "echo", &victim.echo) != BX_OK ||
	    bx_sys_find(sys->launch, "memory", &victim.memory) != BX_OK ||
	    bx_sys_find(sys->launch, "ready", &ready) != BX_OK ||
	    bx_sys_map(victim.memory, VICTIM_ADDRESS, 0, 1, BX_MAP_READ | BX_MAP_WRITE) != BX_OK)
		return 1;
	for (unsigned i = 0; i < BX_PAGE_SIZE / 8; i++)
		secret[i] = SECRET + i;
	if (bx_sys_signal(ready) != BX_OK)
		return 1;
	serve(&victim);
}
