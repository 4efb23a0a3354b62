// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* The life of a connection that connect() decided on: the SYN's option, the watch for a PROXY header, the
 * end. */
#include "lib/maps.h"
#include "lib/connection.h"
#include "lib/event.h"
#include "lib/syn_option.h"

#define AF_INET    2
#define TCP_SYN    0x02
#define HEADER_OPT BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG

/* The flags are the socket's and shared with other programs: only ours are changed. */
static __always_inline void callbacks(struct bpf_sock_ops *ctx, __u32 add, __u32 remove)
{
	bpf_sock_ops_cb_flags_set(ctx, (ctx->bpf_sock_ops_cb_flags & ~remove) | add);
}

static __always_inline void before_syn(struct bpf_sock_ops *ctx, struct bpf_sock *sk,
                                       struct connection *connection)
{
	const struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

	/* The SYN itself takes a sequence number. */
	if (tcp)
		connection->first_seq = tcp->write_seq + 1;
	callbacks(ctx,
	          BPF_SOCK_OPS_STATE_CB_FLAG | (connection->flags & CONNECTION_REDIRECTED ? HEADER_OPT : 0),
	          0);
}

static __always_inline void reserve_option(struct bpf_sock_ops *ctx, struct connection *connection)
{
	if (!(ctx->skb_tcp_flags & TCP_SYN))
		return;
	if (syn_option_reserve(ctx, connection))
		count(COUNTER_SYN_OPTION_NO_ROOM);
}

static __always_inline void write_option(struct bpf_sock_ops *ctx, struct connection *connection)
{
	if (!(ctx->skb_tcp_flags & TCP_SYN))
		return;
	count(syn_option_store(ctx, connection) ? COUNTER_SYN_OPTION_NO_ROOM : COUNTER_SYN_OPTION_WRITTEN);
}

static __always_inline void established(struct bpf_sock_ops *ctx, struct connection *connection)
{
	__u64 cookie = bpf_get_socket_cookie(ctx);
	__u32 watch = 0;
	struct event *event;

	if (ctx->family == AF_INET) {
		connection->source = ipv4_address(ctx->local_ip4);
	} else {
		connection->source.words[0] = ctx->local_ip6[0];
		connection->source.words[1] = ctx->local_ip6[1];
		connection->source.words[2] = ctx->local_ip6[2];
		connection->source.words[3] = ctx->local_ip6[3];
	}
	connection->source_port = bpf_htons(ctx->local_port);
	connection->flags |= CONNECTION_ESTABLISHED;

	if (connection->flags & CONNECTION_WANTS_HEADER) {
		/*
		 * The claim keeps a place free: this fails only for lack of memory and for Multipath TCP,
		 * which a sockhash does not take. The SYN's option has told our waypoint all the same; one
		 * that needs the header closes.
		 */
		if (bpf_sock_hash_update(ctx, &watched, &cookie, BPF_ANY)) {
			bpf_map_delete_elem(&claims, &cookie);
			connection->flags &= ~CONNECTION_WANTS_HEADER;
			count(COUNTER_SOCKMAP_FAILED);
		} else {
			watch = BPF_SOCK_OPS_RTT_CB_FLAG;
		}
	}
	callbacks(ctx, watch, HEADER_OPT);

	event = event_reserve(EVENT_OPENED, reason_of(connection), cookie, connection);
	if (event)
		event_submit(event);
}

/*
 * Bytes of ours were acknowledged. Once the header is among them the socket leaves the sockhash, whose send
 * path costs more than the plain one.
 */
static __always_inline void acknowledged(struct bpf_sock_ops *ctx, struct connection *connection)
{
	__u64 cookie = bpf_get_socket_cookie(ctx);

	if (!(connection->flags & CONNECTION_HEADER_DONE))
		return;
	bpf_map_delete_elem(&watched, &cookie);
	bpf_map_delete_elem(&claims, &cookie);
	connection->flags &= ~CONNECTION_WANTS_HEADER;
	callbacks(ctx, 0, BPF_SOCK_OPS_RTT_CB_FLAG);
	count(COUNTER_SOCKMAP_LEFT);
}

SEC("sockops")
int sock_ops(struct bpf_sock_ops *ctx)
{
	struct connection *connection;
	struct bpf_sock *sk;

	switch (ctx->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
	case BPF_SOCK_OPS_HDR_OPT_LEN_CB:
	case BPF_SOCK_OPS_WRITE_HDR_OPT_CB:
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_RTT_CB:
	case BPF_SOCK_OPS_STATE_CB:
		break;
	default:
		return 1;
	}

	sk = ctx->sk;
	if (!sk)
		return 1;
	connection = connection_of(sk);
	if (!connection || connection->flags & CONNECTION_UNREPORTED)
		return 1;

	switch (ctx->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		before_syn(ctx, sk, connection);
		break;
	case BPF_SOCK_OPS_HDR_OPT_LEN_CB:
		reserve_option(ctx, connection);
		break;
	case BPF_SOCK_OPS_WRITE_HDR_OPT_CB:
		write_option(ctx, connection);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		established(ctx, connection);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		acknowledged(ctx, connection);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (ctx->args[1] == BPF_TCP_CLOSE)
			connection_end(bpf_skc_to_tcp_sock(sk), bpf_get_socket_cookie(ctx), connection);
		break;
	}
	return 1;
}
