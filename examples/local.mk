# SPDX-License-Identifier: Apache-2.0 OR MIT
# examples: programs that use the libraries as their users do.
include %D%/hosted-netstack/local.mk
