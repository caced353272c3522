# SPDX-License-Identifier: Apache-2.0 OR MIT
# interfaces: the service interfaces, one .ipc file a protocol.
