/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * device.h -- what a device does that makes checksums, cuts and coalesces (net_buf.h, "Devices"), and whether what it is given keeps
 * that contract.  For tests.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <brainix/net_buf.h>

#define DEVICE_FRAME	66000u		/* the longest that a stack may hand it, or take */

/* The frame of buf, finished and cut, to put, each piece of it.  NULL, or what is wrong with it, or with its sums. */
const char *device_down(const struct bx_net_batch *batch, const struct bx_net_buf *buf, uint32_t mtu,
    void (*put)(void *context, const uint8_t *frame, uint32_t length), void *context);

/* Joins a frame to one that it follows, or to what was joined before, of *length bytes from segments with *piece bytes of payload (0:
 * none joined yet).  False: it does not follow, or may not be joined; nothing has changed.  whole has room for DEVICE_FRAME. */
bool device_join(uint8_t *whole, uint32_t *length, uint32_t *piece, const uint8_t *next, uint32_t next_length);

#endif
