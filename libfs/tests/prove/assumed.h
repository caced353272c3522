/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* assumed.h -- what the proofs of libfs take for granted.  Put before every module; never compiled. */
#include <stddef.h>
#include <stdint.h>

/*@ requires \valid_read((uint8_t *)a + (0 .. length - 1));
  @ requires \valid_read((uint8_t *)b + (0 .. length - 1));
  @ assigns \nothing; */
int memcmp(const void *a, const void *b, size_t length);
