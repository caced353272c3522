# SPDX-License-Identifier: Apache-2.0 OR MIT
# libcap: layer 1.  May include: base.h.
CAP_INC = -I$(top_srcdir)/%D%/include
