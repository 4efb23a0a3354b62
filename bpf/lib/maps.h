/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/*
 * The maps. Weak, because each source file defines them and bpftool's linker keeps one of each. Sizes are
 * defaults: the loader sets them (KernelMapCapacities). Not preallocated: an empty map costs its buckets
 * only.
 */
#ifndef WAYPOINT_MAPS_H
#define WAYPOINT_MAPS_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "contract.h"

#define contract_map __weak SEC(".maps")

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} settings contract_map;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct pod);
} pods contract_map;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct frontend_key);
	__type(value, struct frontend);
} frontends contract_map;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct service);
} services contract_map;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct slot_key);
	__type(value, struct slot);
} slots contract_map;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, struct backend);
} backends contract_map;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTER_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} counters contract_map;

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct connection);
} sockets contract_map;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 32768);
	__type(key, __u64);
	__type(value, __u8);
} claims contract_map;

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u64);
} watched contract_map;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} events contract_map;

static __always_inline __u32 key_check(const void *key, __u32 bytes)
{
	const __u32 *word = key;
	__u32 hash = 0;

	for (__u32 i = 0; i < bytes / sizeof(*word); i++)
		hash = (hash ^ word[i]) * 0x9e3779b1;
	return hash;
}

/*
 * Copies the value of a key. False when there is none, or when the element was given to another key meanwhile
 * (contract.h says how that can happen).
 */
#define read_entry(map, key, copy)                                                                           \
	({                                                                                                   \
		typeof(copy) found_ = bpf_map_lookup_elem(map, key);                                         \
		bool same_ = false;                                                                          \
		if (found_) {                                                                                \
			*(copy) = *found_;                                                                   \
			barrier();                                                                           \
			same_ = *(volatile __u32 *)&found_->check == key_check(key, sizeof(*(key)));         \
		}                                                                                            \
		same_;                                                                                       \
	})

static __always_inline bool has_setting(enum setting_flags flag)
{
	__u32 zero = 0;
	struct settings *setting = bpf_map_lookup_elem(&settings, &zero);

	return setting && setting->flags & flag;
}

/* Atomic, although per processor: a program may be interrupted by a softirq or another task's program. */
static __always_inline void count(enum counter counter)
{
	__u32 key = counter;
	__u64 *value = bpf_map_lookup_elem(&counters, &key);

	if (value)
		__sync_fetch_and_add(value, 1);
}

#endif
