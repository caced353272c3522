/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * print.c -- a server's few words to whoever serves its console.
 */
#include <brainix/console.h>

void
bx_sys_print(const struct bx_sys *sys, const char *format, ...)
{
	char bytes[BX_SYS_PRINT_MAX];
	struct bx_text text;
	uint32_t console;
	va_list list;

	if (bx_sys_find(sys->launch, "console", &console) != BX_OK)
		return;
	bx_text_init(&text, bytes, sizeof bytes);
	va_start(list, format);
	bx_text_add_list(&text, format, list);
	va_end(list);
	bx_err_ignore(bx_console_write(console, bx_sys_deadline_in_us(sys, 1000000), bytes, text.length));
}
