# SPDX-License-Identifier: Apache-2.0 OR MIT
# servers: the servers, one folder each.  Freestanding programs.
