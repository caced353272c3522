/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* protocol.h -- between the benchmark and its server. */
#ifndef BENCH_PROTOCOL_H
#define BENCH_PROTOCOL_H

#define SERVICE_ECHO	1u	/* the answer is the message */
#define SERVICE_STRINGS	2u	/* from now on messages have strings; answered like ECHO */
#define SERVICE_CAPS	4u	/* from now on they carry a capability; answered like ECHO */
#define SERVICE_WORDS	3u	/* from now on they have none; answered like ECHO */
#define BENCH_SERVER	1u	/* its number in bench.system */

#endif
