/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef WAYPOINT_ADDRESS_H
#define WAYPOINT_ADDRESS_H

#include <bpf/bpf_endian.h>

#include "contract.h"

static __always_inline struct address ipv4_address(__be32 ip)
{
	return (struct address){.words = {0, 0, bpf_htonl(0xffff), ip}};
}

static __always_inline bool is_ipv4(const struct address *addr)
{
	return !addr->words[0] && !addr->words[1] && addr->words[2] == bpf_htonl(0xffff);
}

static __always_inline bool same_address(const struct address *one, const struct address *other)
{
	return one->words[0] == other->words[0] && one->words[1] == other->words[1] &&
	       one->words[2] == other->words[2] && one->words[3] == other->words[3];
}

#endif
