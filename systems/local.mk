# SPDX-License-Identifier: Apache-2.0 OR MIT
# systems: the system manifests and the images made of them.
