/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * label.c -- what a label says besides its method.
 */
#include <brainix/ipc.h>

/* One case for each error there is, so that a number from outside becomes an enumerator only when
 * it is one. */
enum bx_err
bx_ipc_label_error(uint64_t label)
{
	uint16_t bits = (uint16_t)(label >> 48);

	switch (bits < 0x8000 ? (int)bits : (int)bits - 0x10000) {
#define ERROR_CASE(name, value, text) case name: return name;
	BX_ERR_LIST(ERROR_CASE)
#undef ERROR_CASE
	}
	return BX_ERR_FORMAT;
}
