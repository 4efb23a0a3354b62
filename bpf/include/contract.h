/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * The map contract: everything that the kernel programs and user space both read or write.
 * node-agent/Engine/Contract.cs is its mirror; bpf/tests/ContractTests.cs compares the two through the
 * object's BTF.
 *
 * Addresses are 16 bytes in network order, IPv4 as ::ffff:a.b.c.d. Ports are in network order. Ids are never
 * 0; 0 means "none".
 *
 * Each value of a hash map begins with `check`: h = (h ^ word) * 0x9e3779b1, from 0, over the 32-bit words of
 * its key. Since Linux 6.1 a hash element is reused at once after its deletion, without waiting for an RCU
 * grace period: a reader that was interrupted between finding a value and reading it may read the value of
 * another key. It copies first, compares `check` afterwards, and looks up again when they differ.
 */
#ifndef WAYPOINT_CONTRACT_H
#define WAYPOINT_CONTRACT_H

#include <linux/types.h>

/* To be raised with any change to a struct, an enum's meaning or a map's type in this file. */
#define LAYOUT_VERSION 1

struct address {
	__be32 words[4];
};

/* map `settings`: array[1] */
enum setting_flags {
	SETTING_EVENTS = 1 << 0,      /* report connections through `events` */
	SETTING_BALANCE_ALL = 1 << 1, /* whoever is not enrolled is served too, as by a kube-proxy */
};

struct settings {
	__u32 layout_version;
	enum setting_flags flags;
};

/* map `pods`: hash, key = network namespace cookie (__u64). A namespace that is not in it is not enrolled. */
enum pod_flags {
	POD_WAYPOINT = 1 << 0, /* loop guard 1: this namespace's connections are treated as those of one that
	                          is not enrolled */
};

struct pod {
	__u32 check;
	enum pod_flags flags;
	__u32 own_waypoint; /* loop guard 2: the service id of the waypoint that this pod is an instance of */
	struct address addr4;
	struct address addr6;
	__u32 own_waypoint6; /* the same waypoint's id where IPv6 is dialled: each family has entries of its
	                        own */
};

/* map `frontends`: hash. Looked up with the dialled port, then with port 0. */
struct frontend_key {
	struct address addr;
	__be16 port;
	__u8 protocol; /* IPPROTO_TCP */
	__u8 pad;
};

struct frontend {
	__u32 check;
	__u32 service;
};

/* map `services`: hash, key = service id. One per service port, one per workload frontend, one per waypoint.
 */
enum service_flags {
	SERVICE_DIRECT = 1 << 0,  /* a single workload: without a waypoint its address is dialled as it is */
	SERVICE_FOR_ALL = 1 << 1, /* a port of a cluster address: whoever is not enrolled picks from its
	                             slots, whatever its waypoint */
};

struct service {
	__u32 check;
	__u32 slots;    /* id of an immutable slot set */
	__u32 count;    /* slots in that set */
	__u32 waypoint; /* service id of the waypoint that its traffic goes through */
	enum service_flags flags;
};

/* map `slots`: hash */
struct slot_key {
	__u32 set;
	__u32 index;
};

struct slot {
	__u32 check;
	__u32 backend;
};

/* map `backends`: hash, key = backend id */
enum backend_flags {
	BACKEND_WANTS_PROXY_HEADER = 1 << 0, /* a PROXY v2 header goes before the client's first bytes */
};

struct backend {
	__u32 check;
	struct address addr;
	__be16 port;
	__u16 flags; /* enum backend_flags */
};

/* map `counters`: per-CPU array of __u64. Each connect() of a TCP socket adds to exactly one of the first
 * group. */
enum counter {
	COUNTER_REDIRECTED,   /* sent to a waypoint */
	COUNTER_BALANCED,     /* sent to a backend */
	COUNTER_NOT_ENROLLED, /* the namespace is not in `pods`, and no SERVICE_FOR_ALL was dialled */
	COUNTER_NOT_IN_MESH,  /* no frontend for the destination, or one that needs no rewriting */
	COUNTER_GUARD_WAYPOINT_NAMESPACE, /* loop guard 1 */
	COUNTER_GUARD_OWN_WAYPOINT,       /* loop guard 2 */
	COUNTER_REFUSED_NO_WAYPOINT,      /* ECONNREFUSED: the waypoint has no instance alive */
	COUNTER_REFUSED_NO_BACKEND,       /* EHOSTUNREACH: the service has no backend alive */
	COUNTER_REFUSED_INCOMPLETE,       /* EHOSTUNREACH: a map entry is missing */
	COUNTER_REFUSED_FAMILY,           /* EAFNOSUPPORT: an IPv4 socket, an IPv6 backend */
	COUNTER_REFUSED_NO_MEMORY,        /* ENOMEM: no socket storage */
	COUNTER_REFUSED_SOCKMAP_FULL,     /* ECONNREFUSED: `claims` is full */

	COUNTER_LOOKUP_REPEATED, /* a map entry changed while it was read */

	COUNTER_SYN_OPTION_WRITTEN, /* SYN segments, retransmissions included */
	COUNTER_SYN_OPTION_NO_ROOM, /* the SYN left without it: TFO or MD5 took the room */

	COUNTER_PROXY_HEADER_SENT,
	COUNTER_PROXY_HEADER_FAILED, /* no memory for it: the send got EACCES */
	COUNTER_PROXY_HEADER_LATE,   /* bytes had left before the socket was watched */
	COUNTER_SOCKMAP_FAILED,      /* the socket cannot be watched: memory, Multipath TCP */
	COUNTER_SOCKMAP_LEFT,        /* header acknowledged, socket back on the plain path */

	COUNTER_EVENT_LOST, /* `events` was full */

	COUNTER_COUNT,
};

/* map `sockets`: sk_storage. What connect() decided for the connection that the socket is on. */
enum connection_flags {
	CONNECTION_REDIRECTED = 1 << 0, /* to a waypoint; else balanced */
	CONNECTION_ESTABLISHED = 1 << 1,
	CONNECTION_WANTS_HEADER = 1 << 2, /* a PROXY header; the socket holds a claim */
	CONNECTION_HEADER_DONE = 1 << 3,  /* sent, or it is too late for it */
	CONNECTION_UNREPORTED = 1 << 4, /* of a namespace that is not enrolled: none of the mesh's business */
};

struct connection {
	__u64 netns;      /* cookie */
	__u64 started_ns; /* CLOCK_MONOTONIC at connect() */
	__u32 service;    /* 0: the socket is on no connection of ours */
	__u32 backend;
	enum connection_flags flags;
	__u32 first_seq;       /* sequence number of the first byte that is sent */
	struct address source; /* once established */
	struct address original;
	struct address chosen;
	__be16 source_port;
	__be16 original_port;
	__be16 chosen_port;
	__u16 header_bytes; /* of the PROXY header that was sent */
};

/*
 * map `claims`: hash, socket cookie -> __u8. A socket that will need a place in `watched` claims it at
 * connect(). map `watched`: sockhash, key = socket cookie. Sockets whose next bytes need a PROXY header
 * before them.
 */

/* map `events`: ring buffer */
enum event_kind {
	EVENT_OPENED = 1, /* established */
	EVENT_CLOSED,     /* an established connection ended */
	EVENT_FAILED,     /* the peer did not accept: reset, unreachable or timed out */
	EVENT_REFUSED,    /* connect() was refused here; `reason` says which counter */
};

/* The consumer is woken when this much is waiting; it polls now and then for less. */
#define EVENTS_WAKEUP_BYTES (32 * 1024)

struct event {
	__u64 time_ns;        /* CLOCK_MONOTONIC */
	__u64 socket;         /* cookie */
	__u64 netns;          /* cookie */
	__u64 duration_ns;    /* since connect() */
	__u64 bytes_sent;     /* payload, without retransmissions and without our header */
	__u64 bytes_received; /* payload */
	enum event_kind kind;
	enum counter reason; /* why it was refused, else COUNTER_REDIRECTED or COUNTER_BALANCED */
	__u32 service;       /* the service that was dialled */
	__u32 backend;       /* chosen backend */
	struct address source;
	struct address original;
	struct address chosen;
	__be16 source_port;
	__be16 original_port;
	__be16 chosen_port;
	__u16 pad;
};

#endif
