/* cudart_streams.c - the drop-in CUDA runtime: streams, events, and graphs captured from them.
 *
 * A stream is the ticket of its last piece of work. A stream that is captured is instead a set of a graph's nodes that
 * its next piece must follow; events carry such a set to other streams, which thereby join the capture. */
#include "cudart.h"
#include <stdlib.h>
#include <string.h>

struct node {
    struct emu_work work;       /* function NULL: nothing to do */
    size_t *after, after_count; /* nodes with smaller numbers */
};

struct graph {
    struct node *nodes;
    size_t count, room;
};

struct capture {
    struct graph *graph;
    enum cudaStreamCaptureMode mode;
    struct stream *origin;
    bool spoilt;
};

struct nodes {
    size_t *at, count;
};

struct stream {
    int device;
    bool blocking; /* ordered with the default stream */
    emu_ticket last;
    struct capture *capture; /* NULL: none */
    struct nodes ends;       /* of the capture: what comes next follows these */
    struct stream *next;
};

struct event {
    emu_ticket ticket;
    struct capture *capture;
    struct nodes ends;
};

static struct stream defaults[EMU_MOST_DEVICES];
static struct stream *streams;
static size_t events_left, graphs_left;

static void *room_for(void *array, size_t count, size_t size)
{
    void *grown = realloc(array, (count + 1) * size);
    if (grown == NULL)
        abort();
    return grown;
}

static void nodes_set(struct nodes *nodes, const size_t *at, size_t count)
{
    size_t *copied = room_for(NULL, count, sizeof *copied);
    if (count != 0)
        memcpy(copied, at, count * sizeof *copied);
    free(nodes->at);
    *nodes = (struct nodes){copied, count};
}

static void nodes_add(struct nodes *nodes, size_t node)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->at[i] == node)
            return;
    nodes->at = room_for(nodes->at, nodes->count, sizeof *nodes->at);
    nodes->at[nodes->count++] = node;
}

static struct stream *stream_of(cudaStream_t handle)
{
    if (handle == NULL || handle == cudaStreamLegacy || handle == cudaStreamPerThread) {
        struct stream *stream = &defaults[emu_device()];
        stream->device = emu_device();
        return stream;
    }
    for (struct stream *stream = streams; stream != NULL; stream = stream->next)
        if (stream == (struct stream *)handle)
            return stream;
    emu_mistake("a stream that was destroyed or never made");
    return &defaults[emu_device()];
}

static bool is_default(const struct stream *stream)
{
    return stream == &defaults[stream->device];
}

/* Adds work to the stream that also follows `also` (0: nothing). */
static void add_work(struct stream *stream, const struct emu_work *work, emu_ticket also)
{
    emu_ticket *after = NULL;
    size_t count = 0;
    after = room_for(after, 2, sizeof *after);
    after[count++] = stream->last;
    after[count++] = also;
    if (is_default(stream)) {
        for (const struct stream *other = streams; other != NULL; other = other->next)
            if (other->blocking && other->device == stream->device) {
                after = room_for(after, count, sizeof *after);
                after[count++] = other->last;
            }
    } else if (stream->blocking) {
        after = room_for(after, count, sizeof *after);
        after[count++] = defaults[stream->device].last;
    }
    stream->last = emu_queue_add(work, after, count);
    free(after);
}

static size_t graph_add(struct graph *graph, const struct emu_work *work, const size_t *after, size_t count)
{
    if (graph->count == graph->room) {
        graph->room = 2 * graph->room + 16;
        graph->nodes = room_for(graph->nodes, graph->room, sizeof *graph->nodes);
    }
    struct node *node = &graph->nodes[graph->count];
    *node = (struct node){.work = *work};
    void *argument = room_for(NULL, work->bytes, 1);
    if (work->bytes != 0)
        memcpy(argument, work->argument, work->bytes);
    node->work.argument = argument;
    struct nodes copied = {0};
    nodes_set(&copied, after, count);
    node->after = copied.at;
    node->after_count = count;
    return graph->count++;
}

static void graph_free(struct graph *graph)
{
    for (size_t i = 0; i < graph->count; i++) {
        free((void *)(uintptr_t)graph->nodes[i].work.argument);
        free(graph->nodes[i].after);
    }
    free(graph->nodes);
    free(graph);
}

void emu_enqueue(void *handle, void (*function)(void *argument), const void *argument, size_t bytes)
{
    EMU_LOCKED;
    struct stream *stream = stream_of(handle);
    struct emu_work work = {function, argument, bytes, stream->device};
    if (stream->device != emu_device())
        emu_mistake("work for a stream of device %d while device %d is current", stream->device, emu_device());
    if (stream->capture == NULL) {
        add_work(stream, &work, 0);
        return;
    }
    size_t node = graph_add(stream->capture->graph, &work, stream->ends.at, stream->ends.count);
    nodes_set(&stream->ends, &node, 1);
}

void cudart_wait_stream(cudaStream_t handle)
{
    emu_queue_run(stream_of(handle)->last);
}

bool cudart_is_capturing(cudaStream_t handle)
{
    return stream_of(handle)->capture != NULL;
}

bool cudart_spoils_capture(void)
{
    bool spoilt = false;
    for (struct stream *stream = streams; stream != NULL; stream = stream->next)
        if (stream->capture != NULL && stream->capture->mode != cudaStreamCaptureModeRelaxed)
            spoilt = stream->capture->spoilt = true;
    return spoilt;
}

void cudart_report_streams_left(void)
{
    size_t streams_left = 0;
    for (const struct stream *stream = streams; stream != NULL; stream = stream->next)
        streams_left++;
    if (streams_left != 0)
        emu_mistake("%zu streams are left at the end", streams_left);
    if (events_left != 0)
        emu_mistake("%zu events are left at the end", events_left);
    if (graphs_left != 0)
        emu_mistake("%zu graphs are left at the end", graphs_left);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *handle, unsigned flags)
{
    CUDART_CALL(cudaErrorMemoryAllocation);
    struct stream *stream = room_for(NULL, 1, sizeof *stream);
    *stream = (struct stream){.device = emu_device(), .blocking = !(flags & cudaStreamNonBlocking), .next = streams};
    streams = stream;
    *handle = (cudaStream_t)stream;
    return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t *handle)
{
    return cudaStreamCreateWithFlags(handle, cudaStreamDefault);
}

/* What is in the stream is still done. */
cudaError_t cudaStreamDestroy(cudaStream_t handle)
{
    EMU_LOCKED;
    struct stream *stream = stream_of(handle);
    if (is_default(stream))
        return cudart_result(cudaErrorInvalidResourceHandle);
    if (!cudart_device_lost())
        emu_queue_run(stream->last);
    struct stream **link = &streams;
    while (*link != stream)
        link = &(*link)->next;
    *link = stream->next;
    free(stream->ends.at);
    free(stream);
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle)
{
    CUDART_CALL(cudaErrorLaunchFailure);
    struct stream *stream = stream_of(handle);
    if (stream->capture != NULL) {
        stream->capture->spoilt = true;
        return cudart_result(cudaErrorStreamCaptureUnsupported);
    }
    emu_queue_run(stream->last);
    return cudart_result(cudart_device_lost() ? cudaErrorIllegalAddress : cudaSuccess);
}

cudaError_t cudaStreamQuery(cudaStream_t handle)
{
    CUDART_CALL(cudaErrorLaunchFailure);
    return emu_queue_done(stream_of(handle)->last) ? cudaSuccess : cudart_result(cudaErrorNotReady);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *handle, unsigned flags)
{
    CUDART_CALL(cudaErrorMemoryAllocation);
    (void)flags;
    struct event *event = room_for(NULL, 1, sizeof *event);
    *event = (struct event){0};
    events_left++;
    *handle = (cudaEvent_t)event;
    return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t *handle)
{
    return cudaEventCreateWithFlags(handle, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t handle)
{
    EMU_LOCKED;
    struct event *event = (struct event *)handle;
    free(event->ends.at);
    free(event);
    events_left--;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t in)
{
    CUDART_CALL(cudaErrorInvalidResourceHandle);
    struct event *event = (struct event *)handle;
    struct stream *stream = stream_of(in);
    event->capture = stream->capture;
    if (stream->capture != NULL) {
        nodes_set(&event->ends, stream->ends.at, stream->ends.count);
        return cudaSuccess;
    }
    add_work(stream, &(struct emu_work){.device = stream->device}, 0);
    event->ticket = stream->last;
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle)
{
    CUDART_CALL(cudaErrorLaunchFailure);
    const struct event *event = (struct event *)handle;
    if (event->capture != NULL)
        return cudart_result(cudaErrorStreamCaptureUnsupported);
    emu_queue_run(event->ticket);
    return cudart_result(cudart_device_lost() ? cudaErrorIllegalAddress : cudaSuccess);
}

cudaError_t cudaEventQuery(cudaEvent_t handle)
{
    CUDART_CALL(cudaErrorLaunchFailure);
    return emu_queue_done(((struct event *)handle)->ticket) ? cudaSuccess : cudart_result(cudaErrorNotReady);
}

/* Time does not pass on the emulated device. */
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end)
{
    (void)start;
    (void)end;
    *milliseconds = 0;
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t in, cudaEvent_t handle, unsigned flags)
{
    CUDART_CALL(cudaErrorInvalidResourceHandle);
    (void)flags;
    struct stream *stream = stream_of(in);
    const struct event *event = (struct event *)handle;
    if (event->capture != NULL) {
        if (stream->capture == NULL) {
            stream->capture = event->capture;
            nodes_set(&stream->ends, NULL, 0);
        }
        for (size_t i = 0; i < event->ends.count; i++)
            nodes_add(&stream->ends, event->ends.at[i]);
        return cudaSuccess;
    }
    if (stream->capture != NULL) { /* outside work cannot be waited for inside a graph */
        if (emu_queue_done(event->ticket))
            return cudaSuccess;
        stream->capture->spoilt = true;
        return cudart_result(cudaErrorStreamCaptureUnsupported);
    }
    add_work(stream, &(struct emu_work){.device = stream->device}, event->ticket);
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t in, enum cudaStreamCaptureMode mode)
{
    CUDART_CALL(cudaErrorInvalidValue);
    struct stream *stream = stream_of(in);
    if (is_default(stream) || stream->capture != NULL)
        return cudart_result(cudaErrorStreamCaptureUnsupported);
    struct capture *capture = room_for(NULL, 1, sizeof *capture);
    *capture = (struct capture){.graph = calloc(1, sizeof *capture->graph), .mode = mode, .origin = stream};
    if (capture->graph == NULL)
        abort();
    stream->capture = capture;
    nodes_set(&stream->ends, NULL, 0);
    return cudaSuccess;
}

/* Marks what the node and all before it must follow. */
static void mark_before(const struct graph *graph, const struct nodes *ends, bool *marked)
{
    for (size_t i = 0; i < ends->count; i++)
        marked[ends->at[i]] = true;
    for (size_t n = graph->count; n-- > 0;)
        for (size_t i = 0; marked[n] && i < graph->nodes[n].after_count; i++)
            marked[graph->nodes[n].after[i]] = true;
}

cudaError_t cudaStreamEndCapture(cudaStream_t in, cudaGraph_t *handle)
{
    EMU_LOCKED;
    *handle = NULL;
    int code = cudaErrorStreamCaptureInvalidated;
    bool fails = emu_fails(__func__, &code); /* then, too, the capture is over */
    struct stream *origin = stream_of(in);
    struct capture *capture = origin->capture;
    if (capture == NULL || capture->origin != origin)
        return cudart_result(cudaErrorInvalidValue);
    struct graph *graph = capture->graph;
    bool *joined = calloc(graph->count + 1, sizeof *joined), all = true;
    if (joined == NULL)
        abort();
    mark_before(graph, &origin->ends, joined);
    for (size_t n = 0; n < graph->count; n++)
        all &= joined[n];
    free(joined);
    for (struct stream *stream = streams; stream != NULL; stream = stream->next)
        if (stream->capture == capture)
            stream->capture = NULL;
    bool spoilt = capture->spoilt;
    free(capture);
    if (fails || spoilt || !all) {
        graph_free(graph);
        return cudart_result(fails    ? (cudaError_t)code
                             : spoilt ? cudaErrorStreamCaptureInvalidated
                                      : cudaErrorStreamCaptureUnjoined);
    }
    graphs_left++;
    *handle = (cudaGraph_t)graph;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *handle, cudaGraph_t from, unsigned long long flags)
{
    CUDART_CALL(cudaErrorMemoryAllocation);
    (void)flags;
    const struct graph *graph = (const struct graph *)from;
    struct graph *copy = calloc(1, sizeof *copy);
    if (copy == NULL)
        abort();
    for (size_t n = 0; n < graph->count; n++)
        graph_add(copy, &graph->nodes[n].work, graph->nodes[n].after, graph->nodes[n].after_count);
    graphs_left++;
    *handle = (cudaGraphExec_t)copy;
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t handle, cudaStream_t in)
{
    CUDART_CALL(cudaErrorLaunchFailure);
    const struct graph *graph = (const struct graph *)handle;
    struct stream *stream = stream_of(in);
    if (stream->capture != NULL) {
        emu_mistake("a graph is launched while its stream is captured, which the emulated device does not do");
        return cudart_result(cudaErrorStreamCaptureUnsupported);
    }
    add_work(stream, &(struct emu_work){.device = stream->device}, 0); /* what all begin behind */
    emu_ticket *tickets = room_for(NULL, graph->count, sizeof *tickets);
    for (size_t n = 0; n < graph->count; n++) {
        const struct node *node = &graph->nodes[n];
        emu_ticket *after = room_for(NULL, node->after_count, sizeof *after);
        after[0] = stream->last;
        for (size_t i = 0; i < node->after_count; i++)
            after[i + 1] = tickets[node->after[i]];
        tickets[n] = emu_queue_add(&node->work, after, node->after_count + 1);
        free(after);
    }
    stream->last = emu_queue_add(&(struct emu_work){.device = stream->device}, tickets, graph->count);
    free(tickets);
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t handle)
{
    EMU_LOCKED;
    graph_free((struct graph *)handle);
    graphs_left--;
    return cudaSuccess;
}

/* What was launched keeps copies of its arguments. */
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t handle)
{
    EMU_LOCKED;
    graph_free((struct graph *)handle);
    graphs_left--;
    return cudaSuccess;
}
