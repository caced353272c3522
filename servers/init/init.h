/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * init.h -- the protocol of init, and the rules by which it starts programs again.
 *
 *	BOOTED			Answered once boot is complete: a program that wants to be last calls it.
 *	REBOOT, SHUTDOWN	Answered, then done.
 */
#ifndef BRAINIX_INIT_H
#define BRAINIX_INIT_H

#include <brainix/ipc.h>

#define INIT_PROTOCOL	2
#define INIT_BOOTED	BX_IPC_LABEL(INIT_PROTOCOL, 1, 1)
#define INIT_REBOOT	BX_IPC_LABEL(INIT_PROTOCOL, 1, 2)
#define INIT_SHUTDOWN	BX_IPC_LABEL(INIT_PROTOCOL, 1, 3)

#endif
