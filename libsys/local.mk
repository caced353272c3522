# SPDX-License-Identifier: Apache-2.0 OR MIT
# libsys: layer 2.  May include: base.h, libipc, and the system-call numbers of libkcore's public header.
SYS_INC = -I$(top_srcdir)/%D%/include
