/* scratch.c - memory that lasts for one operation, and copies between host and device.
 *
 * Scratch is a list of blocks of device memory, taken from one after the other and kept; an operation that ends puts
 * the mark back. What still runs then was enqueued before whatever uses the memory next.
 *
 * Copies go through pinned segments, so that the host is free as soon as its bytes are in one: a segment is written
 * again when the event behind its last copy has come. */
#include "cuda/context.h"
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 256, LEAST_BLOCK = 1 << 20, LARGEST_GROWTH = 256 << 20 };
enum { SEGMENTS = 4, SEGMENT_BYTES = 1 << 20 };

struct block {
    char *at;
    size_t bytes, used;
};
struct mark {
    size_t block, used;
};
struct segment {
    char *at;
    cudaEvent_t copied;
    bool in_flight; /* `copied` was recorded */
};

struct cuda_scratch {
    struct block *blocks;
    size_t count, capacity, current; /* current: the block taken from; those behind it hold nothing */
    size_t bytes;                    /* of all blocks */
    struct mark *marks;              /* [depth], where operations began */
    size_t depth, deepest;
    struct segment segments[SEGMENTS];
    size_t segment, used; /* the segment written to, and how much of it is taken */
};

ft_status cuda_scratch_new(struct cuda_backend *cuda, struct ft_error *error)
{
    struct cuda_scratch *scratch = cuda->scratch = calloc(1, sizeof *scratch);
    if (!scratch)
        return ft_nomem(error, "the device's scratch memory");
    for (size_t i = 0; i < SEGMENTS; i++) {
        struct segment *segment = &scratch->segments[i];
        ft_status status =
            cuda_check(cudaMallocHost((void **)&segment->at, SEGMENT_BYTES), "allocating pinned memory", error);
        if (status != FT_OK) {
            segment->at = NULL;
            return status;
        }
        cuda->pinned += SEGMENT_BYTES;
        status =
            cuda_check(cudaEventCreateWithFlags(&segment->copied, cudaEventDisableTiming), "making an event", error);
        if (status != FT_OK) {
            segment->copied = NULL;
            return status;
        }
    }
    return FT_OK;
}

void cuda_scratch_free(struct cuda_backend *cuda)
{
    struct cuda_scratch *scratch = cuda->scratch;
    if (!scratch)
        return;
    for (size_t i = 0; i < scratch->count; i++)
        cuda_free(cuda, scratch->blocks[i].at);
    for (size_t i = 0; i < SEGMENTS; i++) {
        if (scratch->segments[i].copied)
            cudaEventDestroy(scratch->segments[i].copied);
        if (scratch->segments[i].at) {
            cudaFreeHost(scratch->segments[i].at);
            cuda->pinned -= SEGMENT_BYTES;
        }
    }
    free(scratch->blocks);
    free(scratch->marks);
    free(scratch);
    cuda->scratch = NULL;
}

bool cuda_scratch_shrink(struct cuda_backend *cuda)
{
    struct cuda_scratch *scratch = cuda->scratch;
    size_t kept = !scratch ? 0 : scratch->depth ? scratch->current + 1 : 0;
    if (!scratch || scratch->count <= kept)
        return false;
    while (scratch->count > kept) {
        scratch->count--;
        scratch->bytes -= scratch->blocks[scratch->count].bytes;
        cuda_free(cuda, scratch->blocks[scratch->count].at);
    }
    return true;
}

ft_status cuda_scratch_begin(struct cuda_backend *cuda, struct ft_error *error)
{
    struct cuda_scratch *scratch = cuda->scratch;
    ft_status status = cuda_check(cudaSetDevice(cuda->device), "choosing the device", error);
    if (status != FT_OK)
        return status;
    if (scratch->depth == scratch->deepest) {
        size_t deepest = scratch->deepest ? scratch->deepest * 2 : 8;
        struct mark *grown = realloc(scratch->marks, deepest * sizeof *grown);
        if (!grown)
            return ft_nomem(error, "an operation of the device");
        scratch->marks = grown;
        scratch->deepest = deepest;
    }
    size_t used = scratch->current < scratch->count ? scratch->blocks[scratch->current].used : 0;
    scratch->marks[scratch->depth++] = (struct mark){scratch->current, used};
    return FT_OK;
}

void cuda_scratch_end(struct cuda_backend *cuda)
{
    struct cuda_scratch *scratch = cuda->scratch;
    struct mark mark = scratch->marks[--scratch->depth];
    for (size_t i = mark.block; i < scratch->count && i <= scratch->current; i++)
        scratch->blocks[i].used = i == mark.block ? mark.used : 0;
    scratch->current = mark.block;
}

static bool add_block(struct cuda_backend *cuda, size_t bytes)
{
    struct cuda_scratch *scratch = cuda->scratch;
    if (scratch->count == scratch->capacity) {
        size_t capacity = scratch->capacity ? scratch->capacity * 2 : 16;
        struct block *grown = realloc(scratch->blocks, capacity * sizeof *grown);
        if (!grown)
            return false;
        scratch->blocks = grown;
        scratch->capacity = capacity;
    }
    /* as much again as there is, so that blocks stay few */
    size_t wished = scratch->bytes < LEAST_BLOCK      ? LEAST_BLOCK
                    : scratch->bytes < LARGEST_GROWTH ? scratch->bytes
                                                      : LARGEST_GROWTH;
    void *at = wished > bytes ? cuda_allocate(cuda, wished) : NULL;
    if (at)
        bytes = wished;
    else if (!(at = cuda_allocate(cuda, bytes)))
        return false;
    scratch->blocks[scratch->count++] = (struct block){at, bytes, 0};
    scratch->bytes += bytes;
    return true;
}

void *cuda_scratch_take(struct cuda_backend *cuda, size_t bytes)
{
    struct cuda_scratch *scratch = cuda->scratch;
    if (bytes > SIZE_MAX - ALIGNMENT)
        return NULL;
    bytes = bytes ? (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
    size_t i = scratch->current;
    while (i < scratch->count && scratch->blocks[i].bytes - scratch->blocks[i].used < bytes)
        i++;
    if (i == scratch->count) {
        if (!add_block(cuda, bytes))
            return NULL;
        i = scratch->count - 1; /* blocks that were too small may be gone */
    }
    struct block *block = &scratch->blocks[i];
    void *at = block->at + block->used;
    block->used += bytes;
    scratch->current = i;
    return at;
}

static ft_status segment_wait(struct segment *segment, struct ft_error *error)
{
    if (!segment->in_flight)
        return FT_OK;
    ft_status status = cuda_check(cudaEventSynchronize(segment->copied), "waiting for a copy", error);
    segment->in_flight = status != FT_OK;
    return status;
}

/* The next segment, when what was copied out of it or into it is there. */
static ft_status segment_next(struct cuda_backend *cuda, struct ft_error *error)
{
    struct cuda_scratch *scratch = cuda->scratch;
    struct segment *segment = &scratch->segments[scratch->segment];
    if (scratch->used) {
        ft_status status = cuda_check(cudaEventRecord(segment->copied, cuda->stream), "marking a copy", error);
        if (status != FT_OK)
            return status;
        segment->in_flight = true;
    }
    scratch->segment = (scratch->segment + 1) % SEGMENTS;
    scratch->used = 0;
    return segment_wait(&scratch->segments[scratch->segment], error);
}

ft_status cuda_upload(struct cuda_backend *cuda, void *to, const void *host, size_t bytes, struct ft_error *error)
{
    struct cuda_scratch *scratch = cuda->scratch;
    for (size_t done = 0; done < bytes;) {
        if (scratch->used == SEGMENT_BYTES) {
            ft_status status = segment_next(cuda, error);
            if (status != FT_OK)
                return status;
        }
        size_t room = SEGMENT_BYTES - scratch->used, part = bytes - done < room ? bytes - done : room;
        char *from = scratch->segments[scratch->segment].at + scratch->used;
        memcpy(from, (const char *)host + done, part);
        scratch->used += part;
        ft_status status =
            cuda_check(cudaMemcpyAsync((char *)to + done, from, part, cudaMemcpyHostToDevice, cuda->stream),
                       "copying to the device", error);
        if (status != FT_OK)
            return status;
        done += part;
    }
    cuda->uploaded += bytes;
    return FT_OK;
}

void *cuda_scratch_upload(struct cuda_backend *cuda, const void *host, size_t bytes, struct ft_error *error)
{
    void *at = cuda_scratch_take(cuda, bytes);
    if (!at)
        cuda_nomem(cuda, "what an operation reads", error);
    return at && cuda_upload(cuda, at, host, bytes, error) == FT_OK ? at : NULL;
}

ft_status cuda_download(struct cuda_backend *cuda, void *host, const void *from, size_t bytes, struct ft_error *error)
{
    struct cuda_scratch *scratch = cuda->scratch;
    size_t pieces = (bytes + SEGMENT_BYTES - 1) / SEGMENT_BYTES, first;
    ft_status status = segment_next(cuda, error);
    first = scratch->segment;
    /* piece i is asked for while the pieces before it are taken out: one segment is left for uploads */
    for (size_t i = 0; status == FT_OK && i < pieces + SEGMENTS - 1; i++) {
        if (i >= SEGMENTS - 1) {
            size_t ready = i - (SEGMENTS - 1), at = ready * SEGMENT_BYTES;
            struct segment *segment = &scratch->segments[(first + ready) % SEGMENTS];
            if (ready < pieces && (status = segment_wait(segment, error)) == FT_OK)
                memcpy((char *)host + at, segment->at, bytes - at < SEGMENT_BYTES ? bytes - at : SEGMENT_BYTES);
        }
        if (status == FT_OK && i < pieces) {
            size_t at = i * SEGMENT_BYTES;
            struct segment *segment = &scratch->segments[scratch->segment];
            scratch->used = bytes - at < SEGMENT_BYTES ? bytes - at : SEGMENT_BYTES;
            status = cuda_check(cudaMemcpyAsync(segment->at, (const char *)from + at, scratch->used,
                                                cudaMemcpyDeviceToHost, cuda->stream),
                                "copying from the device", error);
            if (status == FT_OK)
                status = segment_next(cuda, error);
        }
    }
    if (status == FT_OK && !pieces)
        status = cuda_check(cudaStreamSynchronize(cuda->stream), "waiting for the device", error);
    if (status == FT_OK)
        cuda->downloaded += bytes;
    return status;
}
