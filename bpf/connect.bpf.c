// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/* connect(): where a connection really goes. getpeername(): the application sees where it wanted to go. */
#include "lib/maps.h"
#include "lib/address.h"
#include "lib/connection.h"
#include "lib/event.h"
#include "lib/service.h"

char LICENSE[] SEC("license") = "GPL";

#define ENOMEM        12
#define EAFNOSUPPORT  97
#define ECONNREFUSED  111
#define EHOSTUNREACH  113
#define SOCK_STREAM   1
#define IPPROTO_TCP   6
#define CONNECT_ALLOW 1
#define CONNECT_DENY  0

static __always_inline int errno_of(enum counter outcome)
{
	switch (outcome) {
	case COUNTER_REFUSED_NO_WAYPOINT:
	case COUNTER_REFUSED_SOCKMAP_FULL:
		return ECONNREFUSED;
	case COUNTER_REFUSED_FAMILY:
		return EAFNOSUPPORT;
	case COUNTER_REFUSED_NO_MEMORY:
		return ENOMEM;
	default:
		return EHOSTUNREACH;
	}
}

static __always_inline int refuse(enum counter outcome, __u64 cookie, const struct connection *attempt)
{
	struct event *event = event_reserve(EVENT_REFUSED, outcome, cookie, attempt);

	if (event)
		event_submit(event);
	count(outcome);
	/* Before Linux 5.18 connect() says EPERM. */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_set_retval))
		bpf_set_retval(-errno_of(outcome));
	return CONNECT_DENY;
}

static __always_inline int leave(enum counter outcome)
{
	count(outcome);
	return CONNECT_ALLOW;
}

/*
 * Decides on the connection of a TCP socket to `dialled` and keeps the decision in the socket's storage.
 * `rewritten` tells whether `backend` is to be connected to.
 */
static __always_inline int connect_tcp(struct bpf_sock_addr *ctx, const struct frontend_key *dialled,
                                       bool only_ipv4, struct backend *backend, bool *rewritten)
{
	__u64 netns = bpf_get_netns_cookie(ctx), cookie;
	struct connection attempt = {}, *kept;
	struct choice choice = {};
	enum counter outcome;
	struct pod pod;
	bool known;

	/* Before anything else, so that a socket never keeps the destination of an earlier connect(). */
	kept = connection_of(ctx->sk);
	if (kept)
		connection_end(NULL, bpf_get_socket_cookie(ctx), kept);

	known = read_entry(&pods, &netns, &pod);
	if (known && !(pod.flags & POD_WAYPOINT)) {
		outcome = resolve(&pod, dialled, &choice);
	} else {
		enum counter left = known ? COUNTER_GUARD_WAYPOINT_NAMESPACE : COUNTER_NOT_ENROLLED;

		if (!has_setting(SETTING_BALANCE_ALL))
			return leave(left);
		/* Both loop guards hold: this never leads to a waypoint but by the waypoint's own address. */
		outcome = resolve(NULL, dialled, &choice);
		if (outcome == COUNTER_NOT_IN_MESH)
			return leave(left);
		attempt.flags = CONNECTION_UNREPORTED;
	}
	cookie = bpf_get_socket_cookie(ctx);
	attempt.netns = netns;
	attempt.started_ns = bpf_ktime_get_ns();
	attempt.service = choice.service;
	attempt.original = dialled->addr;
	attempt.original_port = dialled->port;
	switch (outcome) {
	case COUNTER_REDIRECTED:
		attempt.flags = CONNECTION_REDIRECTED;
		if (choice.backend.flags & BACKEND_WANTS_PROXY_HEADER)
			attempt.flags |= CONNECTION_WANTS_HEADER;
		break;
	case COUNTER_BALANCED:
		break;
	case COUNTER_NOT_IN_MESH:
	case COUNTER_GUARD_OWN_WAYPOINT:
		return leave(outcome);
	default:
		return refuse(outcome, cookie, &attempt);
	}
	if (only_ipv4 && !is_ipv4(&choice.backend.addr))
		return refuse(COUNTER_REFUSED_FAMILY, cookie, &attempt);

	kept = bpf_sk_storage_get(&sockets, ctx->sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!kept)
		return refuse(COUNTER_REFUSED_NO_MEMORY, cookie, &attempt);
	/*
	 * A place in the sockhash can only be taken once the connection is established, and there is no way
	 * to abort it then. So it is claimed here, where connect() can still be refused.
	 */
	if (attempt.flags & CONNECTION_WANTS_HEADER) {
		__u8 claim = 1;

		if (bpf_map_update_elem(&claims, &cookie, &claim, BPF_ANY))
			return refuse(COUNTER_REFUSED_SOCKMAP_FULL, cookie, &attempt);
	}
	attempt.backend = choice.backend_id;
	attempt.chosen = choice.backend.addr;
	attempt.chosen_port = choice.backend.port;
	*kept = attempt;
	*backend = choice.backend;
	*rewritten = true;
	return leave(outcome);
}

static __always_inline bool is_tcp(const struct bpf_sock_addr *ctx)
{
	return ctx->type == SOCK_STREAM && ctx->protocol == IPPROTO_TCP;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	struct frontend_key dialled = {};
	struct backend backend = {};
	bool rewritten = false;
	int verdict;

	if (!is_tcp(ctx))
		return CONNECT_ALLOW;
	dialled.addr = ipv4_address(ctx->user_ip4);
	dialled.port = ctx->user_port;
	dialled.protocol = IPPROTO_TCP;
	verdict = connect_tcp(ctx, &dialled, true, &backend, &rewritten);
	if (rewritten) {
		ctx->user_ip4 = backend.addr.words[3];
		ctx->user_port = backend.port;
	}
	return verdict;
}

/* Also what an IPv6 socket dials as ::ffff:a.b.c.d: the address has the contract's form already. */
SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	struct frontend_key dialled = {};
	struct backend backend = {};
	bool rewritten = false;
	int verdict;

	if (!is_tcp(ctx))
		return CONNECT_ALLOW;
	dialled.addr.words[0] = ctx->user_ip6[0];
	dialled.addr.words[1] = ctx->user_ip6[1];
	dialled.addr.words[2] = ctx->user_ip6[2];
	dialled.addr.words[3] = ctx->user_ip6[3];
	dialled.port = ctx->user_port;
	dialled.protocol = IPPROTO_TCP;
	verdict = connect_tcp(ctx, &dialled, false, &backend, &rewritten);
	if (rewritten) {
		ctx->user_ip6[0] = backend.addr.words[0];
		ctx->user_ip6[1] = backend.addr.words[1];
		ctx->user_ip6[2] = backend.addr.words[2];
		ctx->user_ip6[3] = backend.addr.words[3];
		ctx->user_port = backend.port;
	}
	return verdict;
}

SEC("cgroup/getpeername4")
int getpeername4(struct bpf_sock_addr *ctx)
{
	struct connection *connection = is_tcp(ctx) ? connection_of(ctx->sk) : NULL;

	if (connection) {
		ctx->user_ip4 = connection->original.words[3];
		ctx->user_port = connection->original_port;
	}
	return CONNECT_ALLOW;
}

SEC("cgroup/getpeername6")
int getpeername6(struct bpf_sock_addr *ctx)
{
	struct connection *connection = is_tcp(ctx) ? connection_of(ctx->sk) : NULL;

	if (connection) {
		ctx->user_ip6[0] = connection->original.words[0];
		ctx->user_ip6[1] = connection->original.words[1];
		ctx->user_ip6[2] = connection->original.words[2];
		ctx->user_ip6[3] = connection->original.words[3];
		ctx->user_port = connection->original_port;
	}
	return CONNECT_ALLOW;
}

/*
 * close(): a connection that is established goes on until its last byte, but sends no more. A connect() that
 * failed before its SYN (no route) ends nowhere else.
 */
SEC("cgroup/sock_release")
int sock_release(struct bpf_sock *sk)
{
	struct connection *connection = connection_of(sk);
	__u64 cookie;

	if (!connection)
		return 1;
	cookie = bpf_get_socket_cookie(sk);
	if (!(connection->flags & CONNECTION_ESTABLISHED))
		connection_end(NULL, cookie, connection);
	else if (connection->flags & CONNECTION_WANTS_HEADER)
		bpf_map_delete_elem(&claims, &cookie);
	return 1;
}
