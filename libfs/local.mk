# SPDX-License-Identifier: Apache-2.0 OR MIT
# libfs: layer 1.  May include: base.h.
FS_INC = -I$(top_srcdir)/%D%/include
