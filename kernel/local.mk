# SPDX-License-Identifier: Apache-2.0 OR MIT
# kernel: the kernel binary: libkcore, libcap, libipc and the machine's entry.  Freestanding program.
