/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* witness.c -- asks the victim whether its secret is whole, and says what it answers. */
#include "attack.h"

#define IS_WHOLE 7u

int
bx_main(const struct bx_sys *sys)
{
	struct bx_sys_words words = { .label = IS_WHOLE };
	uint32_t echo;
	enum bx_err err = bx_sys_find(sys->launch, "echo", &echo);

	if (err == BX_OK)
		err = bx_sys_call(echo, bx_sys_deadline_in_us(sys, LONG_US), &words);
	if (err != BX_OK)
		bx_sys_print(sys, "witness: the victim does not answer: %s\n", bx_err_name(err));
	else if (words.word[0] != 1)
		bx_sys_print(sys, "witness: BREACH: the victim's secret has changed\n");
	else
		bx_sys_print(sys, "witness: the victim is whole\n");
	return 0;
}
