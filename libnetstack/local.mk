# SPDX-License-Identifier: Apache-2.0 OR MIT
# libnetstack: layer 1.  May include: base.h.
NETSTACK_INC = -I$(top_srcdir)/%D%/include
