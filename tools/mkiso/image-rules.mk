# SPDX-License-Identifier: Apache-2.0 OR MIT
# image-rules.mk -- GNU make that Automake does not parse: images from systems/NAME.system and
# tests/system/manifests/NAME.system.
#	brainix-NAME.iso	to run; its kernel's command line is $(CMDLINE)
#	tests/system/NAME.iso	to test: a panic ends the emulator (command line "debug-exit")
#
# A program of a manifest is the freestanding program of that name, wherever it is built:
# servers/shell/shell.elf or servers/shell/shell is the `shell'.

bx_image_tools = GRUB_LIBDIR='$(GRUB_LIBDIR)' GRUB_MKIMAGE='$(GRUB_MKIMAGE)' XORRISO='$(XORRISO)' \
	MFORMAT='$(MFORMAT)' MCOPY='$(MCOPY)'

# What must hold in a system holds, or there is no image of it.
brainix-%.bin: systems/%.system tools/mksystem/mksystem tools/authority/authority
	$(AM_V_GEN)tools/authority/authority --check $< && tools/mksystem/mksystem -o $@ $<
brainix-%.bin: tests/system/manifests/%.system tools/mksystem/mksystem
	$(AM_V_GEN)tools/mksystem/mksystem -o $@ $<

# The graph of who can ever reach what: `make brainix-NAME.svg', or `make authority SYSTEM=NAME'.
brainix-%.svg: systems/%.system tools/authority/authority
	$(AM_V_GEN)tools/authority/authority --graph $< | $(DOT) -Tsvg -o $@

# Changes when the command line does.
brainix-%.cmdline: bx-always
	@printf '%s\n' '$(CMDLINE)' | cmp -s - $@ || printf '%s\n' '$(CMDLINE)' >$@

# Symbols are for debuggers and stay outside of the image.
bx_manifest = $(firstword $(wildcard $(foreach folder,systems tests/system/manifests,\
	$(folder)/$*.system $(srcdir)/$(folder)/$*.system)))
bx_make_iso = set -e; $(MKDIR_P) $(@D); parts=`mktemp -d`; trap 'rm -rf "$$parts"' EXIT; modules=; \
	for name in kernel `tools/mksystem/mksystem --binaries $(bx_manifest)`; do \
		file=; \
		for program in $(FREE_EXECUTABLES); do \
			case $$program in */$$name | */$$name.elf) \
				test -z "$$file" || { echo "$(bx_manifest): \`$$name' is $$file and $$program" >&2; exit 1; }; \
				file=$$program ;; \
			esac; \
		done; \
		test -n "$$file" || { echo "$(bx_manifest): there is no program \`$$name'" >&2; exit 1; }; \
		$(OBJCOPY) --strip-all $$file $$parts/$$name; \
		modules="$$modules $$name=$$parts/$$name"; \
	done; \
	$(bx_image_tools) $(SHELL) $(srcdir)/tools/mkiso/mkiso --loader boot/loader.elf --output $@ \
	    --command-line '$(bx_command_line)' system=brainix-$*.bin $$modules

bx_parts = boot/loader.elf $(FREE_EXECUTABLES) tools/mkiso/mkiso tools/mkiso/image-rules.mk
brainix-%.iso: bx_command_line = $(CMDLINE)
brainix-%.iso: brainix-%.bin brainix-%.cmdline $(bx_parts)
	$(AM_V_GEN)$(bx_make_iso)
tests/system/%.iso: bx_command_line = debug-exit
tests/system/%.iso: brainix-%.bin $(bx_parts)
	$(AM_V_GEN)$(bx_make_iso)

.PRECIOUS: brainix-%.bin brainix-%.cmdline
.PHONY: bx-always
