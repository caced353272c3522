# SPDX-License-Identifier: Apache-2.0 OR MIT
# systems: the system manifests; `make image SYSTEM=name' makes an image of one.
EXTRA_DIST += %D%/default.system
