/* scene.h - a short program for the emulated device, played in a process of its own whose end is looked at. The test
 * itself never uses the device. Kernels are those of seeded/. */
#ifndef EMU_SCENE_H
#define EMU_SCENE_H
#include "seeded/seeded.h"
#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdint.h>

/* Inside a scene: ends it with SCENE_FAILED and says why, unless the condition holds. */
enum { SCENE_FAILED = 3, SCENE_MISTAKE = 86 };
#define REQUIRE(condition) scene_require((condition), #condition, __FILE__, __LINE__)
#define MUST(call) REQUIRE((call) == cudaSuccess)
void scene_require(bool holds, const char *what, const char *file, int line);

#define LAUNCH(kernel, blocks, threads, shared, stream, ...)                                             \
    cudaLaunchKernel((const void *)(uintptr_t)(kernel), (dim3){(blocks), 1, 1}, (dim3){(threads), 1, 1}, \
                     (void *[]){__VA_ARGS__}, (shared), (stream))

/* New device memory that holds first, first + 1, ...; what it holds now, after everything is done, for free(). */
float *scene_floats(size_t count, float first);
float *scene_values(const float *device, size_t count);

/* A stream that the default one does not wait for, an event, and pinned memory of SCENE_COUNT floats. SCENE_COUNT is
 * not a multiple of 64 floats, to which device memory is rounded up. */
enum { SCENE_COUNT = 100 };
cudaStream_t scene_stream(void);
cudaEvent_t scene_event(void);
float *scene_pinned(void);

/* at = at * by + plus over SCENE_COUNT elements. */
void scene_change(float *at, float by, float plus, cudaStream_t stream);
/* SCENE_COUNT values are first, first + step, ... */
bool scene_all_are(const float *values, float first, float step);

/* How a process ended that played `scene` with these variables, "EMU_SCHEDULE=random EMU_SEED=3". It has a minute. */
struct ending {
    int status;
    char told[8192]; /* on stderr */
};
struct ending scene_play(void (*scene)(void), const char *variables);

/* The scene ends well and tells nothing. */
#define EXPECT_RIGHT(scene, variables) scene_expect_right((scene), (variables), #scene)
void scene_expect_right(void (*scene)(void), const char *variables, const char *name);

/* The same with threads in sequence, reversed and in some random orders, whichever way streams run. */
#define EXPECT_RIGHT_ALWAYS(scene, variables) scene_expect_right_always((scene), (variables), #scene)
void scene_expect_right_always(void (*scene)(void), const char *variables, const char *name);

/* The scene ends as one with a mistake does; every mistake it tells has these words. */
#define EXPECT_MISTAKE(scene, variables, words) scene_expect_mistake((scene), (variables), (words), #scene)
void scene_expect_mistake(void (*scene)(void), const char *variables, const char *words, const char *name);

/* In all the orders of threads that EXPECT_RIGHT_ALWAYS tries. */
#define EXPECT_MISTAKE_ALWAYS(scene, variables, words) \
    scene_expect_mistake_always((scene), (variables), (words), #scene)
void scene_expect_mistake_always(void (*scene)(void), const char *variables, const char *words, const char *name);

#endif
