/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The PROXY protocol, version 2: https://www.haproxy.org/download/1.8/doc/proxy-protocol.txt, section 2.2 */
#ifndef WAYPOINT_PROXY_V2_H
#define WAYPOINT_PROXY_V2_H

#include "address.h"

struct proxy_v2 {
	__u8 signature[12];
	__u8 version_command; /* 0x21: version 2, PROXY */
	__u8 family_protocol; /* 0x11: TCP over IPv4, 0x21: TCP over IPv6 */
	__be16 length;        /* of what follows */
} __attribute__((packed));

struct proxy_v2_ipv4 {
	struct proxy_v2 head;
	__be32 source, destination;
	__be16 source_port, destination_port;
} __attribute__((packed));

struct proxy_v2_ipv6 {
	struct proxy_v2 head;
	struct address source, destination;
	__be16 source_port, destination_port;
} __attribute__((packed));

#define PROXY_V2_SIGNATURE                                                                                   \
	{                                                                                                    \
		0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a                       \
	}

/* Both addresses have one family in a header; when theirs differ, IPv4 travels as ::ffff:a.b.c.d. */
static __always_inline bool proxy_v2_is_ipv4(const struct connection *connection)
{
	return is_ipv4(&connection->source) && is_ipv4(&connection->original);
}

static __always_inline struct proxy_v2_ipv4 proxy_v2_ipv4(const struct connection *connection)
{
	return (struct proxy_v2_ipv4){
	    .head = {.signature = PROXY_V2_SIGNATURE,
	             .version_command = 0x21,
	             .family_protocol = 0x11,
	             .length = bpf_htons(sizeof(struct proxy_v2_ipv4) - sizeof(struct proxy_v2))},
	    .source = connection->source.words[3],
	    .destination = connection->original.words[3],
	    .source_port = connection->source_port,
	    .destination_port = connection->original_port,
	};
}

static __always_inline struct proxy_v2_ipv6 proxy_v2_ipv6(const struct connection *connection)
{
	return (struct proxy_v2_ipv6){
	    .head = {.signature = PROXY_V2_SIGNATURE,
	             .version_command = 0x21,
	             .family_protocol = 0x21,
	             .length = bpf_htons(sizeof(struct proxy_v2_ipv6) - sizeof(struct proxy_v2))},
	    .source = connection->source,
	    .destination = connection->original,
	    .source_port = connection->source_port,
	    .destination_port = connection->original_port,
	};
}

#endif
