# SPDX-License-Identifier: Apache-2.0 OR MIT
# tools: host tools.
include tools/authority/local.mk
include tools/mkipc/local.mk
include tools/mksystem/local.mk
include tools/mkiso/local.mk
include tools/run/local.mk
include tools/bxfs/local.mk
include tools/bxfs-fuse/local.mk

EXTRA_DIST += %D%/test-lib.sh
