# SPDX-License-Identifier: Apache-2.0 OR MIT
# run: images, and booting them.
#
#	make image SYSTEM=name			build/brainix-name.iso
#	make run SYSTEM=name FIRMWARE=uefi ...	boot it: serial line on the terminal
#	make run-once ...			boot it, wait for "boot complete", exit with a status
#	make authority SYSTEM=name		who can ever reach what: a table, and brainix-name.svg
# Manifests are in systems/ and tests/system/manifests/.  Other variables: run-qemu --help, and
# CMDLINE, the kernel's command line.
dist_bin_SCRIPTS += %D%/run-qemu
SYSTEM = default
CMDLINE =
PHONY += image run run-once authority
CLEANFILES += brainix-*.svg brainix-*.iso brainix-*.bin brainix-*.cmdline tests/system/*.iso

# The environment of a boot.  Each may stand on make's command line.
bx_run_variables = OVMF_CODE='$(OVMF_CODE)' OVMF_VARS='$(OVMF_VARS)' QEMU='$(QEMU)'
bx_run = $(bx_run_variables) FIRMWARE='$(FIRMWARE)' \
	MEDIA='$(MEDIA)' TPM='$(TPM)' NET='$(NET)' IOMMU='$(IOMMU)' CPUS='$(CPUS)' MEM='$(MEM)' \
	DISK='$(DISK)' QEMU_EXTRA='$(QEMU_EXTRA)' TIMEOUT='$(TIMEOUT)' $(SHELL) $(srcdir)/%D%/run-qemu

run: image
	@$(bx_run) brainix-$(SYSTEM).iso
run-once: image
	@$(bx_run) --once brainix-$(SYSTEM).iso

if HAVE_IMAGE_TOOLS
image: brainix-$(SYSTEM).iso
else
image:
	@echo "an image needs$(IMAGE_MISSING): install it and run configure again" >&2; exit 1
endif

DOT = dot
authority: brainix-$(SYSTEM).svg
	@tools/authority/authority --table $(firstword $(wildcard systems/$(SYSTEM).system $(srcdir)/systems/$(SYSTEM).system))

# The same picture for the documents, which says of what it was made (tools/authority/tests/test-authority.sh).
PHONY += authority-document
authority-document: tools/authority/authority
	tools/authority/authority --graph $(srcdir)/systems/default.system >authority-document.dot
	$(DOT) -Tsvg -o $(srcdir)/docs/authority-default.svg authority-document.dot
	echo "<!-- cksum of the graph: `cksum <authority-document.dot` -->" >>$(srcdir)/docs/authority-default.svg
	rm -f authority-document.dot
