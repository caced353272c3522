/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_dns.c -- fuzz target: a hostile server.  The input is a message that answers www.a, or not.
 */
#include "fuzz.h"

#include <brainix/net_dns.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bx_dns_answer answer, poison;
	struct bx_dns_name name;
	uint16_t type = size != 0 && (data[0] & 1) != 0 ? BX_DNS_AAAA : BX_DNS_A;
	enum bx_err err;

	if (size > 65535)
		return 0;
	must(bx_dns_name_set("www.a", 5, &name) == BX_OK);
	(void)bx_dns_message_matches(data, (uint32_t)size, 7, &name, type);
	memset(&poison, 0x5a, sizeof poison);
	answer = poison;
	err = bx_dns_message_parse(data, (uint32_t)size, &name, type, &answer);
	if (err == BX_OK)
		must(answer.count >= 1 && answer.count <= BX_DNS_ADDRESSES && answer.lifetime_s <= INT32_MAX);
	else if (err == BX_ERR_AGAIN)
		must(answer.count >= 1 && answer.count <= BX_DNS_CHAIN && answer.name.length != 0);
	else if (err == BX_ERR_NOT_FOUND)
		must(answer.count == 0);
	else
		must(memcmp(&answer, &poison, sizeof answer) == 0);
	return 0;
}
