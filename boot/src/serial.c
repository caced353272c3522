/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * serial.c -- the serial line: a 16550 at COM1, polled (NS16550AF data sheet, section 8).
 * A machine without one loses the text and nothing else.
 */
#include "boot.h"
#include "port.h"

#define DATA			(BX_BOOT_SERIAL_PORT + 0)
#define INTERRUPTS		(BX_BOOT_SERIAL_PORT + 1)
#define FIFO			(BX_BOOT_SERIAL_PORT + 2)
#define LINE_CONTROL		(BX_BOOT_SERIAL_PORT + 3)
#define MODEM_CONTROL		(BX_BOOT_SERIAL_PORT + 4)
#define LINE_STATUS		(BX_BOOT_SERIAL_PORT + 5)

#define LINE_8N1		0x03
#define LINE_DIVISOR		0x80	/* DATA and INTERRUPTS are the divisor latch */
#define FIFO_ON_CLEARED		0x07
#define MODEM_READY		0x03	/* DTR, RTS */
#define STATUS_EMPTY		0x20
#define SPINS_MAX		0x100000

void
bx_boot_serial_init(void)
{
	bx_boot_port_write(INTERRUPTS, 0);
	bx_boot_port_write(LINE_CONTROL, LINE_DIVISOR);
	bx_boot_port_write(DATA, 1);
	bx_boot_port_write(INTERRUPTS, 0);
	bx_boot_port_write(LINE_CONTROL, LINE_8N1);
	bx_boot_port_write(FIFO, FIFO_ON_CLEARED);
	bx_boot_port_write(MODEM_CONTROL, MODEM_READY);
}

static void
put(uint8_t byte)
{
	for (uint32_t spins = 0; spins < SPINS_MAX; spins++)
		if ((bx_boot_port_read(LINE_STATUS) & STATUS_EMPTY) != 0)
			break;
	bx_boot_port_write(DATA, byte);
}

void
bx_boot_print(const char *text)
{
	for (; *text != 0; text++) {
		if (*text == '\n')
			put('\r');
		put((uint8_t)*text);
	}
}

void
bx_boot_print_number(uint64_t value)
{
	char digits[21];
	size_t at = sizeof digits - 1;

	digits[at] = 0;
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	bx_boot_print(digits + at);
}
