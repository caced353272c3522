/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* host.c -- a Linux program that uses libcap as installed: see check-install.sh. */
