# SPDX-License-Identifier: Apache-2.0 OR MIT
# mkiso: makes bootable images.  The rules that use it are in build-rules.mk of this folder.
dist_bin_SCRIPTS += %D%/mkiso
EXTRA_DIST += %D%/image-rules.mk
@am__include@ $(top_srcdir)/%D%/image-rules.mk
