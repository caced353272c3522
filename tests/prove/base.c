/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* base.c -- layer 0 is a header; this makes it a module to prove. */
#include <brainix/base.h>
