# SPDX-License-Identifier: Apache-2.0 OR MIT
# docs: what is installed or checked of the documents.
EXTRA_DIST += %D%/audit.md %D%/bounds.md %D%/hardening.md %D%/ipc.md
dist_man_MANS += %D%/man/authority.1 %D%/man/mkipc.1 %D%/man/mksystem.1
