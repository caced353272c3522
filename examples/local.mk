# SPDX-License-Identifier: Apache-2.0 OR MIT
# examples: programs that use the libraries as their users do.
include examples/hosted-fs/local.mk
include %D%/hosted-netstack/local.mk
