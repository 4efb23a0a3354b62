// SPDX-License-Identifier: Apache-2.0
/* Loads an object and prints, for each program, its size and the instructions that the verifier walked. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *program;
	double start;

	if (argc != 2) {
		fprintf(stderr, "usage: %s OBJECT\n", argv[0]);
		return 2;
	}
	object = bpf_object__open(argv[1]);
	if (!object) {
		perror(argv[1]);
		return 1;
	}
	start = milliseconds();
	if (bpf_object__load(object))
		return 1;

	printf("%-16s %12s %12s %10s\n", "program", "instructions", "verified", "machine B");
	bpf_object__for_each_program(program, object)
	{
		struct bpf_prog_info info = {};
		__u32 length = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length))
			return 1;
		printf("%-16s %12u %12u %10u\n", bpf_program__name(program), info.xlated_prog_len / 8,
		       info.verified_insns, info.jited_prog_len);
	}
	printf("loaded in %.1f ms\n", milliseconds() - start);
	bpf_object__close(object);
	return 0;
}
