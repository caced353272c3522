/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * print.c -- the few words that the kernel says itself.
 */
#include "kernel.h"

static size_t
length_of(const char *text)
{
	size_t length = 0;

	while (text[length] != '\0')
		length++;
	return length;
}

void
bx_print(const char *text)
{
	bx_machine_console_write(bx_kernel.machine, text, length_of(text));
}

void
bx_print_padded(const char *text, unsigned width)
{
	bx_print(text);
	for (size_t i = length_of(text); i < width; i++)
		bx_print(" ");
}

void
bx_print_decimal(uint64_t value)
{
	char digits[21];
	size_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	bx_print(digits + at);
}

void
bx_print_hex(uint64_t value, unsigned digits)
{
	char text[17];

	BX_ASSERT(digits < sizeof(text));
	for (unsigned i = 0; i < digits; i++)
		text[i] = "0123456789abcdef"[value >> 4 * (digits - 1 - i) & 15];
	text[digits] = '\0';
	bx_print(text);
}
