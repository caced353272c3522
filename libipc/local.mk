# SPDX-License-Identifier: Apache-2.0 OR MIT
# libipc: layer 1.  May include: base.h.
IPC_INC = -I$(top_srcdir)/%D%/include
