/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* A connection's record in its socket's storage, and its end. */
#ifndef WAYPOINT_CONNECTION_H
#define WAYPOINT_CONNECTION_H

#include <bpf/bpf_core_read.h>

#include "event.h"

/* The kernel's own structs: only the fields that are read, found by CO-RE. */
struct sock_common {
	unsigned long skc_flags;
} __attribute__((preserve_access_index));

enum sock_flags {
	SOCK_DONE = 1, /* the peer's FIN has been received */
};

struct tcp_sock {
	__u32 write_seq;
	__u64 bytes_sent;
	__u64 bytes_retrans;
	__u64 bytes_received;
} __attribute__((preserve_access_index));

/* The socket's connection when it is one of ours. */
static __always_inline struct connection *connection_of(struct bpf_sock *sk)
{
	struct connection *connection = bpf_sk_storage_get(&sockets, sk, NULL, 0);

	return connection && connection->service ? connection : NULL;
}

static __always_inline enum counter reason_of(const struct connection *connection)
{
	return connection->flags & CONNECTION_REDIRECTED ? COUNTER_REDIRECTED : COUNTER_BALANCED;
}

static __always_inline bool fin_received(const struct tcp_sock *tcp)
{
	const struct sock_common *common = (const void *)tcp;

	return common->skc_flags & 1UL << bpf_core_enum_value(enum sock_flags, SOCK_DONE);
}

/*
 * The connection is over, or never came to be: reports it and clears the record, so that nothing of it clings
 * to a socket that is used again. `tcp` may be NULL for one that was never established.
 */
static __always_inline void connection_end(const struct tcp_sock *tcp, __u64 cookie,
                                           struct connection *connection)
{
	bool established = connection->flags & CONNECTION_ESTABLISHED;
	struct event *event;

	event = event_reserve(established ? EVENT_CLOSED : EVENT_FAILED, reason_of(connection), cookie,
	                      connection);
	if (event) {
		if (established && tcp) {
			event->bytes_sent = tcp->bytes_sent - tcp->bytes_retrans - connection->header_bytes;
			/* The kernel counts the FIN, which takes a sequence number, as a byte. */
			event->bytes_received = tcp->bytes_received - fin_received(tcp);
		}
		event_submit(event);
	}
	if (connection->flags & CONNECTION_WANTS_HEADER)
		bpf_map_delete_elem(&claims, &cookie);
	connection->service = 0;
	connection->flags = 0;
}

#endif
