/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* lemmas.c -- the lemmas of libcap with all the steps to them, as a module to prove. */
#define BX_PROVE_LEMMAS
#include "../../libcap/src/lemmas.h"
