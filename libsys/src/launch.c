/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * launch.c -- the launch block: who am I, and which capabilities have I got?  Pure.
 */
#include <brainix/sys.h>

static bool
name_is_closed(const char name[BX_NAME_MAX])
{
	for (size_t i = 0; i < BX_NAME_MAX; i++)
		if (name[i] == '\0')
			return true;
	return false;
}

enum bx_err
bx_sys_launch_check(const struct bx_launch *launch, size_t size)
{
	if (size < sizeof *launch)
		return BX_ERR_TRUNCATED;
	if (launch->magic != BX_LAUNCH_MAGIC)
		return BX_ERR_FORMAT;
	if (launch->version != 1)
		return BX_ERR_VERSION;
	if (launch->entry_count > (size - sizeof *launch) / sizeof launch->entries[0])
		return BX_ERR_TRUNCATED;
	if (!name_is_closed(launch->name))
		return BX_ERR_FORMAT;
	for (uint32_t i = 0; i < launch->entry_count; i++)
		if (!name_is_closed(launch->entries[i].name))
			return BX_ERR_FORMAT;
	return BX_OK;
}

static bool
name_is(const char name[BX_NAME_MAX], const char *wanted)
{
	for (size_t i = 0; i < BX_NAME_MAX; i++) {
		if (name[i] != wanted[i])
			return false;
		if (name[i] == '\0')
			return true;
	}
	return false;
}

enum bx_err
bx_sys_find(const struct bx_launch *launch, const char *name, uint32_t *slot)
{
	for (uint32_t i = 0; i < launch->entry_count; i++)
		if (name_is(launch->entries[i].name, name)) {
			*slot = launch->entries[i].slot;
			return BX_OK;
		}
	return BX_ERR_NOT_FOUND;
}
