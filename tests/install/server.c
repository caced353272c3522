/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * server.c -- a server written with nothing but what is installed: see check-install.sh.
 *
 * It answers each message with the sum of its first two words, for whoever the manifest lets call it.
 */
#include <brainix/sys.h>

int
bx_main(const struct bx_sys *sys)
{
	struct bx_sys_service service;
	struct bx_sys_event event;
	uint8_t string[64];
	uint32_t endpoint;
	enum bx_err err;

	if (bx_sys_find(sys->launch, "self", &endpoint) != BX_OK)
		return 1;
	bx_sys_print(sys, "%s adds\n", sys->launch->name);
	bx_sys_service_init(&service, sys->launch, endpoint, string, sizeof string);
	do {
		err = bx_sys_service_next(&service, UINT64_MAX, &event);
		if (err == BX_OK && event.kind == BX_SYS_EVENT_MESSAGE) {
			struct bx_ipc_message sum = {
				.label = event.message.label,
				.word = { event.message.word[0] + event.message.word[1] },
				.cap_slot = BX_SLOT_NONE
			};

			bx_sys_service_answer(&service, event.reply, &sum);
		}
	} while (err == BX_OK || err == BX_ERR_AGAIN || err == BX_ERR_TIMEOUT);
	return 2;
}
