/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
#ifndef WAYPOINT_EVENT_H
#define WAYPOINT_EVENT_H

#include "maps.h"

/* A place in the ring buffer with what is known of the connection in it; to be submitted with event_submit().
 */
static __always_inline struct event *event_reserve(enum event_kind kind, enum counter reason, __u64 socket,
                                                   const struct connection *connection)
{
	struct event *event;

	if (connection->flags & CONNECTION_UNREPORTED || !has_setting(SETTING_EVENTS))
		return NULL;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count(COUNTER_EVENT_LOST);
		return NULL;
	}
	*event = (struct event){
	    .time_ns = bpf_ktime_get_ns(),
	    .socket = socket,
	    .netns = connection->netns,
	    .kind = kind,
	    .reason = reason,
	    .service = connection->service,
	    .backend = connection->backend,
	    .source = connection->source,
	    .original = connection->original,
	    .chosen = connection->chosen,
	    .source_port = connection->source_port,
	    .original_port = connection->original_port,
	    .chosen_port = connection->chosen_port,
	};
	event->duration_ns = event->time_ns - connection->started_ns;
	return event;
}

/*
 * A wake-up costs more than the event itself (an interrupt to the own processor, dear in a virtual machine):
 * one for many, and only as the amount goes past the mark, for there may be no reader. One that is missed in
 * a race is made good by the reader's timer.
 *
 * Not inline, so that the object's BTF, with which user space checks its mirror, knows the struct.
 */
static __noinline void event_submit(struct event *event)
{
	__u64 waiting = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);

	bool at_the_mark =
	    waiting >= EVENTS_WAKEUP_BYTES && waiting < EVENTS_WAKEUP_BYTES + 8 * sizeof(*event);

	bpf_ringbuf_submit(event, at_the_mark ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

#endif
