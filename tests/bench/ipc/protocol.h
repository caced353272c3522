/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* protocol.h -- between the benchmark and its server. */
#ifndef BENCH_PROTOCOL_H
#define BENCH_PROTOCOL_H

#define SERVICE_ECHO	1u	/* the answer is the message */
#define SERVICE_STRINGS	2u	/* from now on messages have strings; answered like ECHO */
#define SERVICE_CAPS	4u	/* from now on they carry a capability; answered like ECHO */
#define SERVICE_WORDS	3u	/* from now on they have none; answered like ECHO */

/* Numbers of the programs in bench.system. */
#define BENCH_SERVER	1u
#define BENCH_YIELDER	2u
#define BENCH_FAULTER	3u
#define BENCH_LISTENER	4u
#define BENCH_IDLER	5u

/* PC16550D, 8: what makes it interrupt, and the bit for an empty transmitter. */
#define UART		0x3f8
#define UART_INTERRUPTS	(UART + 1)
#define UART_WHEN_EMPTY	0x02u

#endif
