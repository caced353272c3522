/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * peer.c -- the small programs of the benchmark, one ELF file; each does what its name in
 * bench.system says.
 *
 *	yielder		yields, always
 *	faulter		faults at one place, always: whoever handles the fault lets it go on there
 *	listener	waits for the interrupt of the serial port, says when it saw it
 *	idler		ends
 */
#include <brainix/sys.h>

#include "protocol.h"

BX_NORETURN static void
yielder(void)
{
	for (;;)
		bx_sys_yield();
}

BX_NORETURN static void
faulter(void)
{
	for (;;)
		__asm__ volatile("ud2");
}

static int
listener(const struct bx_sys *sys)
{
	uint32_t irq, line, report;
	uint64_t bits;

	if (bx_sys_find(sys->launch, "irq", &irq) != BX_OK ||
	    bx_sys_find(sys->launch, "line", &line) != BX_OK ||
	    bx_sys_find(sys->launch, "report", &report) != BX_OK ||
	    bx_sys_irq_bind(irq, line) != BX_OK || bx_sys_irq_ack(irq) != BX_OK)
		return 1;
	while (bx_sys_wait(line, bx_sys_deadline_far(), &bits) == BX_OK) {
		struct bx_sys_words words = { .word = { bx_sys_now() } };

		if (bx_sys_irq_ack(irq) != BX_OK || bx_sys_send(report,
		    bx_sys_deadline_far(), &words) != BX_OK)
			return 2;
	}
	return 3;
}

int
bx_main(const struct bx_sys *sys)
{
	switch (sys->launch->name[0]) {
	case 'y':
		yielder();
	case 'f':
		faulter();
	case 'l':
		return listener(sys);
	default:
		return 0;
	}
}
