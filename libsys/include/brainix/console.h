/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/console.h -- a console, for those who write to it and read from it.  Layer 2: needs sys.h.
 *
 * A console is a capability for an endpoint whose server speaks interfaces/console.ipc; libsys does not
 * care who serves it.
 */
#ifndef BRAINIX_CONSOLE_H
#define BRAINIX_CONSOLE_H

#include <brainix/sys.h>

#define BX_CONSOLE_READ_MAX	64u		/* bytes of one read */

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
