/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * state.c -- what the kernel says of the state that its launches ended in, in exactly the words of
 * `authority --state' and `authority --hash': for comparing, by a person or a program.
 */
#include "names.h"
#include "shell.h"

/* "-", or the number. */
static void
add_number(struct shell *shell, const char *format, uint64_t value, bool given)
{
	if (given)
		shell_print(shell, format, value);
	else
		shell_print(shell, " -");
}

static void
cap_line(struct shell *shell, const char *program, uint32_t slot, const struct bx_info_cap *cap)
{
	char rights[NAME_RIGHTS_SIZE];

	name_of_rights(cap->rights, rights);
	shell_print(shell, "%s %u %s %s %s %s", program, slot, cap->name, name_of_cap_type(cap->type), rights,
	    cap->object_name);
	add_number(shell, " %lu", cap->first, cap->count != 0);
	if (cap->count != 0)
		shell_print(shell, "+%lu", cap->count);
	add_number(shell, " %lu", cap->uses, cap->uses != UINT32_MAX);
	add_number(shell, " 0x%lx", cap->badge, cap->badge != 0);
	add_number(shell, " %lu", cap->lifetime_us, cap->lifetime_us != 0);
	if (cap->parent_program != BX_SLOT_NONE)
		shell_print(shell, " %s/%u\n", shell_program_name(shell, cap->parent_program),
		    cap->parent_slot);
	else
		shell_print(shell, " -\n");
}

/* Replies that it holds just now have no name: they are of no manifest. */
static void
caps_of(struct shell *shell, uint32_t program, const struct bx_info_program *info)
{
	struct bx_info_cap cap;

	for (uint32_t slot = 0; slot < info->slot_count; slot++)
		if (bx_sys_inspect(shell->audit, BX_INSPECT_CAP, program, slot, &cap, sizeof cap) ==
		    BX_OK && cap.name[0] != '\0')
			cap_line(shell, info->name, slot, &cap);
}

static void
hash_of(struct shell *shell, uint32_t program, const struct bx_info_program *info)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * sizeof info->state_hash + 1];

	(void)program;
	for (size_t i = 0; i < sizeof info->state_hash; i++) {
		text[2 * i] = digits[info->state_hash[i] >> 4];
		text[2 * i + 1] = digits[info->state_hash[i] & 15];
	}
	text[sizeof text - 1] = '\0';
	shell_print(shell, "%s %s\n", info->name, text);
}

/* Of the program that is named, or of all that have been started. */
static void
each_program(struct shell *shell, const struct words *words,
    void (*show)(struct shell *shell, uint32_t program, const struct bx_info_program *info))
{
	struct bx_info_program info;
	bool found = false;
	enum bx_err err = BX_OK;

	for (uint32_t i = 0; err != BX_ERR_RANGE; i++) {
		err = bx_sys_inspect(shell->audit, BX_INSPECT_PROGRAM, i, 0, &info, sizeof info);
		if (err != BX_OK && err != BX_ERR_RANGE) {
			shell_complain(shell, words->word[0], err);
			return;
		}
		if (err != BX_OK || info.starts == 0 ||
		    (words->count > 1 && !words_equal(info.name, words->word[1])))
			continue;
		show(shell, i, &info);
		found = true;
	}
	if (!found)
		shell_complain(shell, words->count > 1 ? words->word[1] : words->word[0],
		    BX_ERR_NOT_FOUND);
}

void
show_state(struct shell *shell, const struct words *words, const char *line)
{
	(void)line;
	each_program(shell, words, caps_of);
}

void
show_hash(struct shell *shell, const struct words *words, const char *line)
{
	(void)line;
	each_program(shell, words, hash_of);
}
