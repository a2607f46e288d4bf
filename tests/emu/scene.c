/* scene.c - see scene.h. */
#include "scene.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const orders[] = {
    "EMU_SCHEDULE=sequential EMU_STREAMS=eager",         "EMU_SCHEDULE=reversed EMU_STREAMS=lazy",
    "EMU_SCHEDULE=random EMU_STREAMS=random EMU_SEED=1", "EMU_SCHEDULE=random EMU_STREAMS=random EMU_SEED=2",
    "EMU_SCHEDULE=random EMU_STREAMS=random EMU_SEED=3",
};
enum { ORDERS = sizeof orders / sizeof *orders };

void scene_require(bool holds, const char *what, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    _exit(SCENE_FAILED);
}

float *scene_floats(size_t count, float first)
{
    float *host = malloc(count * sizeof *host), *device = NULL;
    REQUIRE(host != NULL);
    for (size_t i = 0; i < count; i++)
        host[i] = first + (float)i;
    MUST(cudaMalloc((void **)&device, count * sizeof *device));
    MUST(cudaMemcpy(device, host, count * sizeof *host, cudaMemcpyHostToDevice));
    free(host);
    return device;
}

float *scene_values(const float *device, size_t count)
{
    float *host = malloc(count * sizeof *host);
    REQUIRE(host != NULL);
    MUST(cudaDeviceSynchronize());
    MUST(cudaMemcpy(host, device, count * sizeof *host, cudaMemcpyDeviceToHost));
    return host;
}

cudaStream_t scene_stream(void)
{
    cudaStream_t stream;
    MUST(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    return stream;
}

cudaEvent_t scene_event(void)
{
    cudaEvent_t event;
    MUST(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    return event;
}

float *scene_pinned(void)
{
    float *at = NULL;
    MUST(cudaHostAlloc((void **)&at, SCENE_COUNT * sizeof *at, cudaHostAllocDefault));
    return at;
}

void scene_change(float *at, float by, float plus, cudaStream_t stream)
{
    size_t count = SCENE_COUNT;
    MUST(LAUNCH(multiply_add, 4, 32, 0, stream, &at, &count, &by, &plus));
}

bool scene_all_are(const float *values, float first, float step)
{
    for (size_t i = 0; i < SCENE_COUNT; i++)
        if (values[i] != first + (float)i * step)
            return false;
    return true;
}

/* kinds of copies */

/* Nothing that the tests themselves run under may reach a scene. */
static void set_environment(const char *variables)
{
    static const char *const all[] = {"EMU_SCHEDULE", "EMU_STREAMS", "EMU_SEED",  "EMU_CAPACITY",
                                      "EMU_DEVICES",  "EMU_CC",      "EMU_SMS",   "EMU_SECTORS",
                                      "EMU_FAIL_ANY", "EMU_FAIL",    "EMU_REPORT"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        unsetenv(all[i]);
    setenv("EMU_KERNELS", SEEDED_KERNELS, 1);
    char *copy = strdup(variables), *rest = copy;
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        char *equals = strchr(word, '=');
        if (equals != NULL) {
            *equals = '\0';
            setenv(word, equals + 1, 1);
        }
    }
    free(copy);
}

struct ending scene_play(void (*scene)(void), const char *variables)
{
    struct ending ending = {-1, ""};
    FILE *told = tmpfile();
    ck_assert_ptr_nonnull(told);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(fileno(told), STDERR_FILENO);
        set_environment(variables);
        alarm(60);
        scene();
        exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ending.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    rewind(told);
    ending.told[fread(ending.told, 1, sizeof ending.told - 1, told)] = '\0';
    fclose(told);
    return ending;
}

void scene_expect_right(void (*scene)(void), const char *variables, const char *name)
{
    struct ending ending = scene_play(scene, variables);
    ck_assert_msg(ending.status == 0 && ending.told[0] == '\0', "%s with %s ends with status %d: %s", name, variables,
                  ending.status, ending.told);
}

void scene_expect_right_always(void (*scene)(void), const char *variables, const char *name)
{
    char all[512];
    for (int i = 0; i < ORDERS; i++) {
        snprintf(all, sizeof all, "%s %s", orders[i], variables);
        scene_expect_right(scene, all, name);
    }
}

/* All that is told, at least one line, but for the lines that count mistakes. */
static bool each_has(const char *told, const char *words)
{
    static const char end_of_telling[] = "emulated device: that was mistake";
    size_t lines = 0, with = 0;
    char *copy = strdup(told), *rest = copy;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        size_t count;
        char noun[16] = "";
        bool is_sum = sscanf(line, "emulated device: %zu %8s", &count, noun) == 2 && strncmp(noun, "mistake", 7) == 0;
        if (*line == '\0' || is_sum || strncmp(line, end_of_telling, sizeof end_of_telling - 1) == 0)
            continue;
        lines++;
        with += strstr(line, words) != NULL;
    }
    free(copy);
    return lines != 0 && with == lines;
}

void scene_expect_mistake(void (*scene)(void), const char *variables, const char *words, const char *name)
{
    struct ending ending = scene_play(scene, variables);
    ck_assert_msg(ending.status == SCENE_MISTAKE && each_has(ending.told, words),
                  "%s with %s ends with status %d, not with a mistake that says \"%s\": %s", name, variables,
                  ending.status, words, ending.told);
}

void scene_expect_mistake_always(void (*scene)(void), const char *variables, const char *words, const char *name)
{
    char all[512];
    for (int i = 0; i < ORDERS; i++) {
        snprintf(all, sizeof all, "%s %s", orders[i], variables);
        scene_expect_mistake(scene, all, words, name);
    }
}
