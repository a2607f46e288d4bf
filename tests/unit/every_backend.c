/* every_backend.c - see every_backend.h. */
#include "every_backend.h"
#include "harness.h"
#include <stdio.h>

static const size_t thread_counts[] = {1, 2, 3}, lane_counts[] = {1, 2, 7, 96};
static const size_t fork_bytes[] = {SIZE_MAX, 0, 700, 3000, 32 << 20}; /* none, one or two, a few, all states */

struct backend *backend_new(size_t threads, size_t lanes, const char *isa)
{
    struct backend *backend = NULL;
    struct ft_error error = {""};
    struct cpu_options options = {threads, lanes, isa};
    ck_assert_msg(backend_cpu_new(&backend, &options, &error) == FT_OK, "%s", error.text);
    return backend;
}

void with_every_backend(void (*compare)(struct backend *backend, void *argument, const char *name), void *argument)
{
    for (size_t t = 0; t < 3; t++)
        for (size_t l = 0; l < 4; l++) {
            char name[64];
            snprintf(name, sizeof name, "%zu threads, %zu lanes", thread_counts[t], lane_counts[l]);
            struct backend *backend = backend_new(thread_counts[t], lane_counts[l], "auto");
            struct cpu_backend *cpu = (struct cpu_backend *)backend;
            if (t + l) { /* the first is left as it comes */
                cpu->fork_bytes = fork_bytes[(t * 4 + l) % 5];
                cpu->split_bytes = 1;
                cpu->split_below = l % 2 ? 1000 : 0; /* all are stepped by a team, or none */
            }
            compare(backend, argument, name);
            backend->ops->free(backend);
        }
    const struct kernels *sets[KERNEL_SETS];
    for (size_t i = 0, count = kernels_available(sets); i < count; i++) {
        struct backend *backend = backend_new(2, 5, sets[i]->name);
        compare(backend, argument, sets[i]->name);
        backend->ops->free(backend);
    }
}
