# SPDX-License-Identifier: Apache-2.0 OR MIT
# libtrust: layer 1.  May include: base.h.
TRUST_INC = -I$(top_srcdir)/%D%/include
