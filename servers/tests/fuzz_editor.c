/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_editor.c -- fuzz target: any bytes typed into the line editor.  After each of them the
 * terminal must show prompt, line and cursor as the editor has them.
 */
#include "editor_screen.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "help", "hello", "ps", "reboot", "run" };
	struct editor editor;
	struct screen screen = { .rows = 0 };

	editor_init(&editor, "brainix> ");
	screen_begin(&screen, &editor);
	for (size_t i = 0; i < size; i++) {
		char bytes[EDITOR_OUT_MIN + 1];
		struct bx_text out;

		if (data[i] == 0x03) {
			screen_interrupt(&screen, &editor);
		} else {
			enum editor_event event = screen_key(&screen, &editor, data[i]);

			bx_text_init(&out, bytes, sizeof bytes);
			if (event == EDITOR_COMPLETE)
				(void)editor_complete(&editor, names, BX_ARRAY_COUNT(names), &out);
			else if (event == EDITOR_LINE || event == EDITOR_CUT)
				editor_begin(&editor, &out);
			screen_put(&screen, &out);
		}
		if (!screen_shows(&screen, &editor))
			screen_fail("not what the editor has");
	}
	return 0;
}
