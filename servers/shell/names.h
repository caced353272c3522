/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * names.h -- what the numbers of the kernel's interface are called.  Pure.
 */
#ifndef BRAINIX_SHELL_NAMES_H
#define BRAINIX_SHELL_NAMES_H

#include <brainix/abi.h>

/* Each returns static text, "?" for a number without a name. */
const char *name_of_cap_type(uint32_t type);
const char *name_of_program_state(uint32_t state);
const char *name_of_thread_state(uint32_t state);
const char *name_of_fault(uint32_t kind);
const char *name_of_audit_kind(uint32_t kind);
const char *name_of_system_call(uint64_t number);

/* "rwgax" with '-' for each right that is missing: read, write, grant, grant-reply, execute. */
#define NAME_RIGHTS_SIZE	6u
void name_of_rights(uint32_t rights, char text[NAME_RIGHTS_SIZE]);

/* CPU protections, in the order of their bits, or NULL past the last. */
const char *name_of_cpu_feature(uint32_t bit);

#endif
