/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * The original destination as a TCP option of the SYN (design D2.1). IPv4: kind 254, length 10, magic,
 * address, port. IPv6: kind 254, length 20, address, port: MSS, SACK, timestamps and window scale leave 20
 * bytes of 40, so there is no room for the magic and the length tells the two apart.
 */
#ifndef WAYPOINT_SYN_OPTION_H
#define WAYPOINT_SYN_OPTION_H

#include "address.h"

#define SYN_OPTION_KIND  254    /* RFC 4727: experiments */
#define SYN_OPTION_MAGIC 0x5750 /* "WP" */

struct syn_option4 {
	__u8 kind;
	__u8 length;
	__be16 magic;
	__be32 addr;
	__be16 port;
} __attribute__((packed));

struct syn_option6 {
	__u8 kind;
	__u8 length;
	struct address addr;
	__be16 port;
} __attribute__((packed));

static __always_inline int syn_option_reserve(struct bpf_sock_ops *ctx, const struct connection *connection)
{
	__u32 length =
	    is_ipv4(&connection->original) ? sizeof(struct syn_option4) : sizeof(struct syn_option6);

	return bpf_reserve_hdr_opt(ctx, length, 0);
}

static __always_inline int syn_option_store(struct bpf_sock_ops *ctx, const struct connection *connection)
{
	if (is_ipv4(&connection->original)) {
		struct syn_option4 option = {
		    .kind = SYN_OPTION_KIND,
		    .length = sizeof(option),
		    .magic = bpf_htons(SYN_OPTION_MAGIC),
		    .addr = connection->original.words[3],
		    .port = connection->original_port,
		};
		return bpf_store_hdr_opt(ctx, &option, sizeof(option), 0);
	}

	struct syn_option6 option = {
	    .kind = SYN_OPTION_KIND,
	    .length = sizeof(option),
	    .addr = connection->original,
	    .port = connection->original_port,
	};
	return bpf_store_hdr_opt(ctx, &option, sizeof(option), 0);
}

#endif
