# SPDX-License-Identifier: Apache-2.0 OR MIT
# build-rules.mk -- GNU make that Automake does not parse: the build machine's compiler for every
# hosted program and its objects.  See the top of Makefile.am.

# The name that Automake makes of a path: tools/mk-image -> tools_mk_image.
bx_canonical = $(subst /,_,$(subst -,_,$(subst .,_,$(subst +,_,$(1)))))

define bx_hosted
$(1) $$($$(call bx_canonical,$(1))_OBJECTS): private CC = $$(CC_FOR_BUILD)
$(1) $$($$(call bx_canonical,$(1))_OBJECTS): private CFLAGS = $$(CFLAGS_FOR_BUILD)
$(1) $$($$(call bx_canonical,$(1))_OBJECTS): private CPPFLAGS = $$(CPPFLAGS_FOR_BUILD)
$(1) $$($$(call bx_canonical,$(1))_OBJECTS): private LDFLAGS = $$(LDFLAGS_FOR_BUILD)
endef

$(foreach program,$(HOSTED_EXECUTABLES) $(HOSTED_ARCHIVES),$(eval $(call bx_hosted,$(program:$(EXEEXT)=))))

# The plain line of a check stays the last one.
MAKEFLAGS += --no-print-directory

# What runs seldom is made small: the user's -O2 or -O3 means -Os there.  Other -O flags stay.
bx_small = libkcore/libkcore-seldom.la $(libkcore_libkcore_seldom_la_OBJECTS) \
	kernel/kernel $(kernel_kernel_OBJECTS) kernel/kernel-unnamed $(kernel_kernel_unnamed_OBJECTS)
$(bx_small): private CFLAGS := $(patsubst -O3,-Os,$(patsubst -O2,-Os,$(CFLAGS)))
