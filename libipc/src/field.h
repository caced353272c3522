/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * field.h -- fields in the byte string (SPEC.md, "Byte string").  Internal to libipc.
 *
 *	number	kind[1] value[8]		little-endian
 *	run	kind[1] length[4] bytes[length]
 */
#ifndef BRAINIX_IPC_FIELD_H
#define BRAINIX_IPC_FIELD_H

#define FIELD_NUMBER_VALUE	1u
#define FIELD_NUMBER_SIZE	9u
#define FIELD_RUN_LENGTH	1u
#define FIELD_RUN_HEAD		5u

#endif
