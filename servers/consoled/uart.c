/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * uart.c -- a 16550 serial port.  See uart.h.
 */
#include "uart.h"

/* Registers, by offset (data sheet, table II). */
#define UART_DATA	0		/* RBR, THR; with DLAB: divisor, low */
#define UART_IER	1		/* interrupts; with DLAB: divisor, high */
#define UART_IIR	2		/* read: which interrupt */
#define UART_FCR	2		/* write: FIFO control */
#define UART_LCR	3
#define UART_MCR	4
#define UART_LSR	5
#define UART_SCR	7		/* scratch: means nothing to the device (section 8.10) */

#define IER_RECEIVED	0x01
#define IER_EMPTY	0x02
#define IIR_NONE	0x01		/* no interrupt is pending */
#define FCR_ON		0x05		/* on, output cleared; interrupt at one byte */
#define FCR_CLEAR_IN	0x02
#define LCR_8N1		0x03
#define LCR_DLAB	0x80
#define MCR_DTR_RTS_OUT2 0x0b		/* OUT2 gates the interrupt on PCs */
#define LSR_RECEIVED	0x01
#define LSR_OVERRUN	0x02		/* a byte found the FIFO full; cleared by the look */
#define LSR_EMPTY	0x20		/* the transmitter's FIFO is */

#define SCR_SERVED	0xb5		/* what we leave there; a reset changes it */

#define FIFO_BYTES	16u
#define ROUNDS_MAX	64u

static uint8_t
get(struct uart *uart, uint16_t offset)
{
	uint32_t value = 0;

	if (bx_sys_port_in(uart->ports, (uint16_t)(uart->base + offset), 1, &value) != BX_OK)
		uart->broken = true;
	return (uint8_t)value;
}

static void
put(struct uart *uart, uint16_t offset, uint8_t value)
{
	if (bx_sys_port_out(uart->ports, (uint16_t)(uart->base + offset), 1, value) != BX_OK)
		uart->broken = true;
}

void
uart_init(struct uart *uart, uint32_t ports, uint32_t irq, uint16_t base)
{
	*uart = (struct uart){ .ports = ports, .irq = irq, .base = base };
	uart->again = get(uart, UART_SCR) == SCR_SERVED;
	put(uart, UART_SCR, SCR_SERVED);
	put(uart, UART_IER, 0);
	put(uart, UART_LCR, LCR_DLAB);
	put(uart, UART_DATA, 1);		/* 1,843,200 Hz / 16 / 1 */
	put(uart, UART_IER, 0);
	put(uart, UART_LCR, LCR_8N1);
	put(uart, UART_FCR, uart->again ? FCR_ON : FCR_ON | FCR_CLEAR_IN);
	put(uart, UART_MCR, MCR_DTR_RTS_OUT2);
	put(uart, UART_IER, IER_RECEIVED);
}

/* The line's status.  What an overrun has lost came after what is in the FIFO now (section 8.4). */
static uint8_t
status(struct uart *uart)
{
	uint8_t found = get(uart, UART_LSR);

	uart->overrun |= (found & LSR_OVERRUN) != 0;
	return found;
}

static void
receive(struct uart *uart, struct terminal *terminal)
{
	for (unsigned i = 0; i < FIFO_BYTES && (status(uart) & LSR_RECEIVED) != 0; i++)
		terminal_in(terminal, get(uart, UART_DATA));
	if (uart->overrun)
		terminal_in_lost(terminal);
	uart->overrun = false;
}

/* A FIFO full, or the last of it and no more interrupts. */
static void
transmit(struct uart *uart, struct terminal *terminal)
{
	uint8_t byte;

	if ((status(uart) & LSR_EMPTY) == 0)
		return;
	for (unsigned i = 0; i < FIFO_BYTES; i++) {
		if (!terminal_out(terminal, &byte)) {
			uart->sending = false;
			put(uart, UART_IER, IER_RECEIVED);
			return;
		}
		put(uart, UART_DATA, byte);
	}
}

bool
uart_service(struct uart *uart, struct terminal *terminal)
{
	/* Unmasked first: the line is edge-triggered, so what comes from now on is signalled, and
	 * what came before is found below. */
	if (bx_sys_irq_ack(uart->irq) != BX_OK)
		uart->broken = true;
	for (unsigned round = 0; round < ROUNDS_MAX && !uart->broken; round++) {
		if ((get(uart, UART_IIR) & IIR_NONE) != 0)
			return true;
		receive(uart, terminal);
		if (uart->sending)
			transmit(uart, terminal);
	}
	return uart->broken;
}

void
uart_kick(struct uart *uart, const struct terminal *terminal)
{
	if (uart->sending || terminal_out_empty(terminal))
		return;
	uart->sending = true;
	put(uart, UART_IER, IER_RECEIVED | IER_EMPTY);	/* empty already: interrupts at once */
}
