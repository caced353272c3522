# SPDX-License-Identifier: Apache-2.0 OR MIT
# libkcore: layer 2.  May include: base.h, libcap, libipc.
KCORE_INC = -I$(top_srcdir)/%D%/include
