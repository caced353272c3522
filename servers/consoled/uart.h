/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * uart.h -- a 16550 serial port, by interrupts, through an I/O port capability.
 * Source: National Semiconductor PC16550D data sheet, June 1995, section 8 (registers).
 */
#ifndef BRAINIX_CONSOLED_UART_H
#define BRAINIX_CONSOLED_UART_H

#include <brainix/sys.h>

#include "terminal.h"

struct uart {
	uint32_t ports;			/* slot: I/O port capability */
	uint32_t irq;			/* slot */
	uint16_t base;			/* first port */
	bool sending;			/* the transmitter's interrupt is on */
	bool overrun;			/* the device has lost input, and nobody was told yet */
	bool broken;			/* a port access was refused */
	bool again;			/* it was served before, since the machine was reset */
};

/* 115,200 baud, 8 bits, no parity, one stop bit; FIFOs on; interrupts for received bytes.  What a device that was not
 * served before has received is thrown away. */
void uart_init(struct uart *uart, uint32_t ports, uint32_t irq, uint16_t base);

/* The interrupt has come: moves bytes both ways until the device wants nothing more.
 * Returns false when it stopped before that, after a bounded number of rounds: call again soon. */
bool uart_service(struct uart *uart, struct terminal *terminal);

/* There may be output now: has the transmitter ask for it. */
void uart_kick(struct uart *uart, const struct terminal *terminal);

#endif
