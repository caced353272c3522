/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * cue.c -- does on cue what a test has to place to the byte, however fast the host is.  Cues are letters that come by
 * the second serial line; each is answered by itself when it is done:
 *
 *	h	holds: from here on nobody of its priority or less runs, and input of the first line stays in the device
 *	w	waits for a second, by the clock: what was typed before has come as far as it can
 *	c  s	ends the console server, the shell; holds no longer
 *	p	lets a second pass in which the others run
 *	e	ends
 *
 * Capabilities: second (ports of that line), victim (spawn of console server and shell, write).
 */
#include <brainix/sys.h>

#define SECOND		0x2f8u
#define DATA		SECOND		/* registers: National Semiconductor PC16550D data sheet, table II */
#define STATUS		(SECOND + 5u)
#define STATUS_RECEIVED	0x01u
#define STATUS_EMPTY	0x20u

#define SECOND_US	1000000u
#define LOOK_US		2000u
#define CONSOLED	1u		/* their numbers in the manifest */
#define SHELL		2u

struct cue {
	const struct bx_sys *sys;
	uint32_t second, victim;
	bool holds;
	bool broken;			/* a port access was refused */
};

static uint8_t
get(struct cue *cue, uint16_t port)
{
	uint32_t value = 0;

	if (bx_sys_port_in(cue->second, port, 1, &value) != BX_OK)
		cue->broken = true;
	return (uint8_t)value;
}

static uint8_t
hear(struct cue *cue)
{
	while ((get(cue, STATUS) & STATUS_RECEIVED) == 0 && !cue->broken)
		if (!cue->holds)
			bx_sys_sleep(bx_sys_deadline_in_us(cue->sys, LOOK_US));
	return get(cue, DATA);
}

static void
say(struct cue *cue, uint8_t letter)
{
	while ((get(cue, STATUS) & STATUS_EMPTY) == 0 && !cue->broken)
		;
	if (bx_sys_port_out(cue->second, DATA, 1, letter) != BX_OK)
		cue->broken = true;
}

static bool
act(struct cue *cue, uint8_t letter)
{
	uint64_t end = bx_sys_deadline_in_us(cue->sys, SECOND_US);

	switch (letter) {
	case 'h':
		cue->holds = true;
		return true;
	case 'w':
		while (bx_sys_now() < end)
			;
		return true;
	case 'c':
	case 's':
		cue->holds = false;
		return bx_sys_kill(cue->victim, letter == 'c' ? CONSOLED : SHELL) == BX_OK;
	case 'p':
		/* Others that wait until then, or for less, run before the second sleep ends. */
		bx_sys_sleep(end);
		bx_sys_sleep(bx_sys_deadline_in_us(cue->sys, LOOK_US));
		return true;
	default:
		return letter == 'e';
	}
}

int
bx_main(const struct bx_sys *sys)
{
	struct cue cue = { .sys = sys };
	uint8_t letter = 0;

	if (bx_sys_find(sys->launch, "second", &cue.second) != BX_OK ||
	    bx_sys_find(sys->launch, "victim", &cue.victim) != BX_OK)
		return 1;
	while (letter != 'e' && !cue.broken) {
		letter = hear(&cue);
		if (!act(&cue, letter))
			return 2;
		say(&cue, letter);
	}
	return cue.broken ? 3 : 0;
}
