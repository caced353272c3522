/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/console.h -- the console protocol and its client side.  Layer 2: needs sys.h.
 *
 * A console is an endpoint that understands the methods below; libsys does not care who serves it.
 *
 *	WRITE	bytes				Output.  A newline goes out as carriage return, newline.
 *						Answered when the console has taken all of it; may also be
 *						sent without waiting for an answer.
 *	READ	u64 deadline -> bool, bytes	Waits for input.  The first is true when Ctrl-C was
 *						typed: then there are no bytes, and what had been typed
 *						before is gone.  Else raw bytes, at least one.
 *	INTERRUPT u64 deadline ->		Waits for Ctrl-C alone; input stays for a later READ.
 *
 * READ and INTERRUPT need a capability whose badge has BX_CONSOLE_BADGE_INPUT (else
 * BX_ERR_CAP_RIGHTS) and end with BX_ERR_TIMEOUT at their deadline.
 */
#ifndef BRAINIX_CONSOLE_H
#define BRAINIX_CONSOLE_H

#include <brainix/sys.h>

#define BX_CONSOLE_PROTOCOL	1
#define BX_CONSOLE_WRITE	BX_IPC_LABEL(BX_CONSOLE_PROTOCOL, 1, 1)
#define BX_CONSOLE_READ		BX_IPC_LABEL(BX_CONSOLE_PROTOCOL, 1, 2)
#define BX_CONSOLE_INTERRUPT	BX_IPC_LABEL(BX_CONSOLE_PROTOCOL, 1, 3)

#define BX_CONSOLE_WRITE_MAX	512u		/* bytes in one WRITE */
#define BX_CONSOLE_READ_MAX	64u		/* bytes in one answer to READ */
#define BX_CONSOLE_STRING_MAX	(BX_CONSOLE_WRITE_MAX + 8)

#define BX_CONSOLE_BADGE_INPUT	(1ull << 32)

/* Writes all of it, in as many messages as it takes.  Errors of a call. */
BX_MUST_USE enum bx_err bx_console_write(uint32_t console, uint64_t deadline, const char *bytes,
    size_t length);

/* Reads up to BX_CONSOLE_READ_MAX bytes into `bytes`.  *interrupt: Ctrl-C, and *length is 0.
 * Returns BX_OK, BX_ERR_TIMEOUT, BX_ERR_CAP_RIGHTS, or an error of a call. */
BX_MUST_USE enum bx_err bx_console_read(uint32_t console, uint64_t deadline, uint8_t *bytes,
    uint32_t *length, bool *interrupt);

/* Waits for Ctrl-C.  Returns BX_OK when it came; else as bx_console_read. */
BX_MUST_USE enum bx_err bx_console_interrupt(uint32_t console, uint64_t deadline);

#endif
