# SPDX-License-Identifier: Apache-2.0 OR MIT
# tests: what spans libraries.
EXTRA_DIST += %D%/summary.sh
