/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* worker.c -- a server that works as long as it is told; it may have no time of its own. */
#include "budgets.h"

int
bx_main(const struct bx_sys *sys)
{
	uint32_t service, reply = sys->launch->reply_first;
	struct bx_sys_words words = { .label = 0 };
	struct bx_sys_origin origin;
	enum bx_err err;

	if (bx_sys_find(sys->launch, "work", &service) != BX_OK)
		return 1;
	err = bx_sys_receive(service, reply, bx_sys_deadline_far(), &words, &origin);
	while (err == BX_OK) {
		struct watch watch = watch_start(sys);

		while (words.label == WORK_FOR && watch.ran < words.word[0])
			(void)watch_look(&watch);
		words.word[0] = watch.ran;
		err = bx_sys_reply_receive(service, reply, bx_sys_deadline_far(), &words, &origin);
	}
	return 2;
}
