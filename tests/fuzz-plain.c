/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz-plain.c -- what fuzz-guided.c takes from the address sanitizer, for a target without it: an end by a signal, which
 * is what a trap for undefined behaviour, a broken stack, an abort or an access to nothing is, writes the input first.
 */
#include <malloc.h>
#include <signal.h>
#include <stddef.h>

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

static const int deadly[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT };
static void (*before_death)(void);

static void
die_of(int number)
{
	before_death();
	/* As it would have: SA_RESETHAND. */
	raise(number);
}

void
__sanitizer_set_death_callback(void (*callback)(void))
{
	static unsigned char stack[65536];	/* the other one may be at its end */
	const stack_t own = { .ss_sp = stack, .ss_size = sizeof stack };
	struct sigaction action = { .sa_handler = die_of, .sa_flags = SA_ONSTACK | SA_RESETHAND };

	before_death = callback;
	sigaltstack(&own, NULL);
	for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
		sigaction(deadly[i], &action, NULL);
	/* What one input frees, the next one takes. */
	mallopt(M_TRIM_THRESHOLD, 1 << 28);
	mallopt(M_MMAP_THRESHOLD, 1 << 28);
}

/* Nobody knows. */
void *
__asan_region_is_poisoned(void *begin, size_t length)
{
	(void)begin;
	(void)length;
	return NULL;
}
