/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* From the dialled destination to the one to connect to. */
#ifndef WAYPOINT_SERVICE_H
#define WAYPOINT_SERVICE_H

#include "maps.h"

/*
 * User space replaces a slot set while connections choose from it (design D5): a reader that holds the old
 * service entry misses its slot and reads again. It would take a whole transaction within each attempt, on a
 * preempted reader, to use these up.
 */
#ifndef RESOLVE_ATTEMPTS
#define RESOLVE_ATTEMPTS 4
#endif

struct choice {
	__u32 service;
	__u32 backend_id;
	struct backend backend;
};

/* An outcome that may only be due to a change in progress. */
#define MISSING 0x100

static __always_inline int choose_backend(const struct service *service, struct choice *choice)
{
	struct slot_key key = {.set = service->slots};
	struct slot slot;

	key.index = (__u64)bpf_get_prandom_u32() * service->count >> 32;
	if (!read_entry(&slots, &key, &slot))
		return -1;
	choice->backend_id = slot.backend;
	return read_entry(&backends, &choice->backend_id, &choice->backend) ? 0 : -1;
}

/* What is left of it for whoever is not enrolled: the endpoints of cluster addresses, never a waypoint. */
static __always_inline int resolve_for_all_once(const struct frontend_key *dialled, struct choice *choice)
{
	struct frontend frontend;
	struct service service;

	if (!read_entry(&frontends, dialled, &frontend))
		return COUNTER_NOT_IN_MESH;
	choice->service = frontend.service;
	if (!read_entry(&services, &choice->service, &service))
		return COUNTER_REFUSED_INCOMPLETE | MISSING;
	if (!(service.flags & SERVICE_FOR_ALL))
		return COUNTER_NOT_IN_MESH;
	if (!service.count)
		return COUNTER_REFUSED_NO_BACKEND;
	return choose_backend(&service, choice) ? COUNTER_REFUSED_INCOMPLETE | MISSING : COUNTER_BALANCED;
}

static __always_inline int resolve_once(const struct pod *pod, const struct frontend_key *dialled,
                                        struct choice *choice)
{
	struct frontend_key any_port = *dialled;
	struct frontend frontend;
	struct service service;

	any_port.port = 0;
	/*
	 * The exact one once more: between the first two looks its frontend may have come and the one for any
	 * port, which it replaces, have gone. A service must not be missed for that.
	 */
	if (!read_entry(&frontends, dialled, &frontend) && !read_entry(&frontends, &any_port, &frontend) &&
	    !read_entry(&frontends, dialled, &frontend))
		return COUNTER_NOT_IN_MESH;
	choice->service = frontend.service;
	if (!read_entry(&services, &choice->service, &service))
		return COUNTER_REFUSED_INCOMPLETE | MISSING;

	if (service.waypoint) {
		__u32 waypoint = service.waypoint;

		if (waypoint == pod->own_waypoint || waypoint == pod->own_waypoint6)
			return COUNTER_GUARD_OWN_WAYPOINT;
		if (!read_entry(&services, &waypoint, &service))
			return COUNTER_REFUSED_NO_WAYPOINT | MISSING;
		if (!service.count)
			return COUNTER_REFUSED_NO_WAYPOINT;
		return choose_backend(&service, choice) ? COUNTER_REFUSED_INCOMPLETE | MISSING
		                                        : COUNTER_REDIRECTED;
	}

	if (service.flags & SERVICE_DIRECT)
		return COUNTER_NOT_IN_MESH;
	if (!service.count)
		return COUNTER_REFUSED_NO_BACKEND;
	return choose_backend(&service, choice) ? COUNTER_REFUSED_INCOMPLETE | MISSING : COUNTER_BALANCED;
}

/*
 * The counter that names the outcome; `choice` is complete when that is REDIRECTED or BALANCED. `pod` is NULL
 * for whoever is not enrolled.
 */
static __always_inline enum counter resolve(const struct pod *pod, const struct frontend_key *dialled,
                                            struct choice *choice)
{
	int outcome = 0;

	for (int attempt = 0; attempt < RESOLVE_ATTEMPTS; attempt++) {
		outcome = pod ? resolve_once(pod, dialled, choice) : resolve_for_all_once(dialled, choice);
		if (!(outcome & MISSING))
			break;
		count(COUNTER_LOOKUP_REPEATED);
	}
	return outcome & ~MISSING;
}

#endif
