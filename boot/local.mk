# SPDX-License-Identifier: Apache-2.0 OR MIT
# boot: the multiboot2 loader.  Freestanding program.
