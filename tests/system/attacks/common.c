/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* common.c -- what the hostile programs share: words, odd numbers, system calls of any kind. */
#include "attack.h"

void
say(struct attacker *attacker, const char *format, ...)
{
	char line[160];
	struct bx_text text;
	va_list list;

	bx_text_init(&text, line, sizeof line);
	va_start(list, format);
	bx_text_add_list(&text, format, list);
	va_end(list);
	if (format[0] == 'B' && format[1] == 'R')
		attacker->breaches++;
	bx_sys_print(attacker->sys, "%s\n", line);
}

void
touches(struct attacker *attacker, uint64_t address)
{
	say(attacker, "attack: touches 0x%lx", address);
}

void
breach(struct attacker *attacker, const char *what)
{
	say(attacker, "BREACH: %s", what);
}

uint64_t
random_next(struct attacker *attacker)
{
	/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators". */
	attacker->random ^= attacker->random >> 12;
	attacker->random ^= attacker->random << 25;
	attacker->random ^= attacker->random >> 27;
	return attacker->random * 0x2545f4914f6cdd1dull;
}

uint32_t
slot_of(struct attacker *attacker, const char *name)
{
	uint32_t slot = BX_SLOT_NONE;

	if (bx_sys_find(attacker->sys->launch, name, &slot) != BX_OK)
		say(attacker, "attack: there is no capability %s", name);
	return slot;
}

bool
argument_is(const struct bx_sys *sys, const char *name)
{
	uint32_t i = 0;

	while (i < sys->argument_length && name[i] != '\0' && sys->argument[i] == name[i])
		i++;
	return name[i] == '\0' && (i == sys->argument_length || sys->argument[i] == ' ');
}

uint64_t
argument_number(const struct bx_sys *sys)
{
	uint64_t value = 0;
	uint32_t i = 0;

	while (i < sys->argument_length && sys->argument[i] != ' ')
		i++;
	for (i++; i < sys->argument_length; i++) {
		char c = sys->argument[i];

		if (c >= '0' && c <= '9')
			value = value * 16 + (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value * 16 + (uint64_t)(c - 'a') + 10;
	}
	return value;
}

int64_t
call(struct registers *r)
{
	register uint64_t w0 __asm__("r8") = r->word[0];
	register uint64_t w1 __asm__("r9") = r->word[1];
	register uint64_t w2 __asm__("r10") = r->word[2];
	register uint64_t w3 __asm__("r12") = r->word[3];
	register uint64_t w4 __asm__("r13") = r->word[4];
	register uint64_t w5 __asm__("r14") = r->word[5];
	register uint64_t buffers __asm__("r15") = r->buffers;

	__asm__ volatile("syscall"
	    : "+a" (r->number), "+D" (r->value[0]), "+S" (r->value[1]), "+d" (r->value[2]),
	      "+r" (w0), "+r" (w1), "+r" (w2), "+r" (w3), "+r" (w4), "+r" (w5)
	    : "b" (r->reply), "r" (buffers)
	    : "rcx", "r11", "cc", "memory");
	r->word[0] = w0;
	r->word[1] = w1;
	r->word[2] = w2;
	r->word[3] = w3;
	r->word[4] = w4;
	r->word[5] = w5;
	return (int64_t)r->number;
}

uint64_t
odd_value(struct attacker *attacker)
{
	static const uint64_t odd[] = { 0, 1, 2, 3, 7, 8, 64, 0xff, 0x1000, 0xffff, 0x10000, 0x7fffffff,
		0x80000000, 0xffffffff, 0x100000000, 0x20000000, 0x30000000, 0x400000,
		BX_USER_END - 1, BX_USER_END, 0x7fffffffffff, 0x800000000000, DIRECT_MAP,
		DIRECT_MAP + 0x100000, KERNEL_TEXT, 0xfffffffffffff000, UINT64_MAX - 7, UINT64_MAX };
	uint64_t random = random_next(attacker);

	switch (random & 3) {
	case 0:
		return odd[(random >> 8) % BX_ARRAY_COUNT(odd)];
	case 1:
		return (random >> 8) % 40;
	case 2:
		return random_next(attacker);
	default:
		return odd[(random >> 8) % BX_ARRAY_COUNT(odd)] + ((random >> 16) & 0x1f) - 16;
	}
}

uint64_t
soon(struct attacker *attacker)
{
	uint64_t random = random_next(attacker);

	return (random & 63) == 0 ? bx_sys_now() + (random >> 50) : (random & 1);
}
