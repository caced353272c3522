/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * echo.h -- the echo protocol: ECHO text -> text, u64.  The same text, and how many were echoed.
 */
#ifndef BRAINIX_ECHO_H
#define BRAINIX_ECHO_H

#include <brainix/ipc.h>

#define ECHO_PROTOCOL	3
#define ECHO_ECHO	BX_IPC_LABEL(ECHO_PROTOCOL, 1, 1)
#define ECHO_TEXT_MAX	256u
#define ECHO_STRING_MAX	(ECHO_TEXT_MAX + 8)

#endif
