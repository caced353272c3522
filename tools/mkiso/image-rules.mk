# SPDX-License-Identifier: Apache-2.0 OR MIT
# image-rules.mk -- GNU make that Automake does not parse: brainix-NAME.iso from NAME.system.
#
# A program of a manifest is the freestanding program of that name, wherever it is built:
# servers/shell/shell.elf or servers/shell/shell is the `shell'.

bx_image_tools = GRUB_LIBDIR='$(GRUB_LIBDIR)' GRUB_MKIMAGE='$(GRUB_MKIMAGE)' XORRISO='$(XORRISO)' \
	MFORMAT='$(MFORMAT)' MCOPY='$(MCOPY)'

brainix-%.bin: systems/%.system tools/mksystem/mksystem
	$(AM_V_GEN)tools/mksystem/mksystem -o $@ $<
brainix-%.bin: tests/system/manifests/%.system tools/mksystem/mksystem
	$(AM_V_GEN)tools/mksystem/mksystem -o $@ $<

# Changes when the command line does.
brainix-%.cmdline: bx-always
	@printf '%s\n' '$(CMDLINE)' | cmp -s - $@ || printf '%s\n' '$(CMDLINE)' >$@

# Symbols are for debuggers and stay outside of the image.
bx_make_iso = set -e; parts=`mktemp -d`; trap 'rm -rf "$$parts"' EXIT; modules=; \
	for name in kernel `tools/mksystem/mksystem --binaries $(bx_manifest)`; do \
		file=; \
		for program in $(FREE_EXECUTABLES); do \
			case $$program in */$$name | */$$name.elf) file=$$program ;; esac; \
		done; \
		test -n "$$file" || { echo "$(bx_manifest): there is no program \`$$name'" >&2; exit 1; }; \
		$(OBJCOPY) --strip-all $$file $$parts/$$name; \
		modules="$$modules $$name=$$parts/$$name"; \
	done; \
	$(bx_image_tools) $(SHELL) $(srcdir)/tools/mkiso/mkiso --loader boot/loader.elf --output $@ \
	    --command-line '$(CMDLINE)' system=$(@:.iso=.bin) $$modules

brainix-%.iso: bx_manifest = $(firstword $(wildcard $(foreach folder,systems tests/system/manifests,\
	$(folder)/$*.system $(srcdir)/$(folder)/$*.system)))
brainix-%.iso: brainix-%.bin brainix-%.cmdline boot/loader.elf $(FREE_EXECUTABLES) tools/mkiso/mkiso
	$(AM_V_GEN)$(bx_make_iso)

.PRECIOUS: brainix-%.bin brainix-%.cmdline
.PHONY: bx-always
