// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The PROXY header before the first bytes of the connections in `watched` (design D2.2). */
#include "lib/maps.h"
#include "lib/connection.h"
#include "lib/proxy_v2.h"

/* False when there was no memory for it. */
#define push_header(msg, header)                                                                             \
	({                                                                                                   \
		bool pushed_ = !bpf_msg_push_data(msg, 0, sizeof(header), 0);                                \
		void *start_ = (void *)(long)(msg)->data;                                                    \
		if (pushed_ && start_ + sizeof(header) <= (void *)(long)(msg)->data_end)                     \
			__builtin_memcpy(start_, &(header), sizeof(header));                                 \
		else                                                                                         \
			pushed_ = false;                                                                     \
		pushed_;                                                                                     \
	})

/* Runs under the socket's lock, on each part of what a send() brings. */
SEC("sk_msg")
int proxy_header(struct sk_msg_md *msg)
{
	struct bpf_sock *sk = msg->sk;
	struct connection *connection;
	const struct tcp_sock *tcp;
	bool pushed;

	if (!sk)
		return SK_PASS;
	connection = connection_of(sk);
	if (!connection || (connection->flags & (CONNECTION_WANTS_HEADER | CONNECTION_HEADER_DONE)) !=
	                       CONNECTION_WANTS_HEADER)
		return SK_PASS;

	/*
	 * A send() that began before the connection was established (TCP Fast Open, a blocking send on a
	 * socket that is still connecting) does not come by here. A header after its bytes would only corrupt
	 * the stream; a waypoint that insists on one closes, ours has the SYN's option.
	 */
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp || tcp->write_seq != connection->first_seq) {
		connection->flags |= CONNECTION_HEADER_DONE;
		count(COUNTER_PROXY_HEADER_LATE);
		return SK_PASS;
	}

	if (proxy_v2_is_ipv4(connection)) {
		struct proxy_v2_ipv4 header = proxy_v2_ipv4(connection);

		pushed = push_header(msg, header);
		connection->header_bytes = sizeof(header);
	} else {
		struct proxy_v2_ipv6 header = proxy_v2_ipv6(connection);

		pushed = push_header(msg, header);
		connection->header_bytes = sizeof(header);
	}
	if (!pushed) {
		/* The sender gets EACCES and none of its bytes leave. */
		connection->header_bytes = 0;
		count(COUNTER_PROXY_HEADER_FAILED);
		return SK_DROP;
	}
	connection->flags |= CONNECTION_HEADER_DONE;
	count(COUNTER_PROXY_HEADER_SENT);
	return SK_PASS;
}
