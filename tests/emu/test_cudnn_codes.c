/* test_cudnn_codes.c - what the drop-in cuDNN answers without a device must be what the real library answers. The
 * program calls itself twice, each time with the path of a library, and compares what the two print. */
#include "harness.h"
#include "library_case.h"
#include <cudnn.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef CUDA_HOME
#define CUDA_HOME "/usr/local/cuda"
#endif

static void *library;

static void *symbol(const char *name)
{
    void *at = dlsym(library, name);
    if (!at) {
        printf("%s is missing\n", name);
        exit(1);
    }
    return at;
}

/* A function of the library that was opened. */
#define CALL(name) (*(__typeof__(name) **)&(void *){symbol(#name)})
#define TELL(what, call) printf("%s: %d\n", what, (int)(call))

/* An RNN descriptor, one of whose parameters differs from what all libraries accept. */
struct rnn_parameters {
    const char *name;
    int algorithm, cell, bias, direction, input_mode, type, precision, math, input, hidden, projection, layers;
    unsigned flags;
};
#define FINE .bias = 2, .cell = 2, .math = 3, .input = 10, .hidden = 8, .projection = 8, .layers = 1
#define BUT(field, value)                               \
    {                                                   \
        .name = #field " " #value, FINE, .field = value \
    }

static void tell_rnn_descriptors(void)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
    static const struct rnn_parameters all[] = {
        {.name = "fine", FINE}, BUT(algorithm, 1),  BUT(algorithm, 3),  BUT(algorithm, 9),  BUT(cell, 0),
        BUT(cell, 3),           BUT(cell, 7),       BUT(cell, -1),      BUT(bias, 0),       BUT(bias, 3),
        BUT(bias, 9),           BUT(direction, 1),  BUT(direction, 5),  BUT(input_mode, 1), BUT(input_mode, 5),
        BUT(type, 2),           BUT(type, 1),       BUT(type, 9),       BUT(type, 3),       BUT(precision, 2),
        BUT(math, 0),           BUT(math, 2),       BUT(math, 9),       BUT(input, 0),      BUT(input, -1),
        BUT(hidden, 0),         BUT(projection, 9), BUT(projection, 4), BUT(projection, 0), BUT(projection, -1),
        BUT(layers, 0),         BUT(layers, -1),    BUT(layers, 5),     BUT(flags, 1),      BUT(flags, 2),
    };
#pragma GCC diagnostic pop
    cudnnRNNDescriptor_t rnn = NULL;
    TELL("cudnnCreateRNNDescriptor", CALL(cudnnCreateRNNDescriptor)(&rnn));
    for (size_t i = 0; i <= sizeof all / sizeof *all; i++) {
        const struct rnn_parameters *p = &all[i % (sizeof all / sizeof *all)];
        char name[80];
        bool none = i == sizeof all / sizeof *all;
        snprintf(name, sizeof name, "cudnnSetRNNDescriptor_v8, %s", none ? "no descriptor" : p->name);
        TELL(name, CALL(cudnnSetRNNDescriptor_v8)(
                       none ? NULL : rnn, (cudnnRNNAlgo_t)p->algorithm, (cudnnRNNMode_t)p->cell,
                       (cudnnRNNBiasMode_t)p->bias, (cudnnDirectionMode_t)p->direction,
                       (cudnnRNNInputMode_t)p->input_mode, (cudnnDataType_t)p->type, (cudnnDataType_t)p->precision,
                       (cudnnMathType_t)p->math, p->input, p->hidden, p->projection, p->layers, NULL, p->flags));
    }
    TELL("cudnnDestroyRNNDescriptor", CALL(cudnnDestroyRNNDescriptor)(rnn));
}

static void tell_data_descriptors(void)
{
    static const struct {
        const char *name;
        int type, layout, steps, batch, width;
        bool no_lengths;
        int lengths[3];
    } all[] = {
        {"packed", 0, 1, 5, 3, 4, false, {5, 3, 1}},
        {"by step", 0, 0, 5, 3, 4, false, {5, 3, 1}},
        {"by sequence", 0, 2, 5, 3, 4, false, {5, 3, 1}},
        {"no such layout", 0, 7, 5, 3, 4, false, {5, 3, 1}},
        {"packed, ascending", 0, 1, 5, 3, 4, false, {1, 3, 5}},
        {"by step, ascending", 0, 0, 5, 3, 4, false, {1, 3, 5}},
        {"by sequence, ascending", 0, 2, 5, 3, 4, false, {1, 3, 5}},
        {"packed, too long", 0, 1, 5, 3, 4, false, {6, 3, 1}},
        {"by step, too long", 0, 0, 5, 3, 4, false, {5, 3, 6}},
        {"packed, empty", 0, 1, 5, 3, 4, false, {5, 3, 0}},
        {"by step, empty", 0, 0, 5, 3, 4, false, {5, 0, 3}},
        {"packed, negative", 0, 1, 5, 3, 4, false, {5, 3, -1}},
        {"by step, negative", 0, 0, 5, 3, 4, false, {5, -1, 3}},
        {"packed, none so long", 0, 1, 5, 3, 4, false, {4, 3, 1}},
        {"by step, none so long", 0, 0, 5, 3, 4, false, {4, 3, 1}},
        {"no steps", 0, 1, 0, 3, 4, false, {0, 0, 0}},
        {"no sequences", 0, 1, 5, 0, 4, false, {5, 3, 1}},
        {"no width", 0, 1, 5, 3, 0, false, {5, 3, 1}},
        {"fewer than no sequences", 0, 1, 5, -1, 4, false, {5, 3, 1}},
        {"no lengths", 0, 1, 5, 3, 4, true, {0}},
        {"halves", 2, 1, 5, 3, 4, false, {5, 3, 1}},
        {"doubles", 1, 1, 5, 3, 4, false, {5, 3, 1}},
        {"bytes", 3, 1, 5, 3, 4, false, {5, 3, 1}},
        {"no such type", 99, 1, 5, 3, 4, false, {5, 3, 1}},
    };
    cudnnRNNDataDescriptor_t data = NULL;
    TELL("cudnnCreateRNNDataDescriptor", CALL(cudnnCreateRNNDataDescriptor)(&data));
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char name[80];
        snprintf(name, sizeof name, "cudnnSetRNNDataDescriptor, %s", all[i].name);
        TELL(name, CALL(cudnnSetRNNDataDescriptor)(data, (cudnnDataType_t)all[i].type,
                                                   (cudnnRNNDataLayout_t)all[i].layout, all[i].steps, all[i].batch,
                                                   all[i].width, all[i].no_lengths ? NULL : all[i].lengths, NULL));
    }
    TELL("cudnnDestroyRNNDataDescriptor", CALL(cudnnDestroyRNNDataDescriptor)(data));
}

static void tell_tensor_descriptors(void)
{
    static const struct {
        int type, dimensions, sizes[9], strides[9];
    } all[] = {
        {0, 3, {1, 2, 3}, {6, 3, 1}},
        {0, 2, {1, 2}, {2, 1}},
        {0, 4, {1, 2, 3, 4}, {24, 12, 4, 1}},
        {0, 3, {0, 2, 3}, {6, 3, 1}},
        {0, 3, {-1, 2, 3}, {6, 3, 1}},
        {0, 3, {1, 2, 3}, {0, 0, 0}},
        {0, 3, {1, 2, 3}, {6, 3, -1}},
        {99, 3, {1, 2, 3}, {6, 3, 1}},
        {0, 9, {1, 2, 3}, {6, 3, 1}},
        {0, 1, {1}, {1}},
        {0, 0, {1}, {1}},
        {2, 3, {1, 2, 3}, {6, 3, 1}},
    };
    cudnnTensorDescriptor_t tensor = NULL;
    TELL("cudnnCreateTensorDescriptor", CALL(cudnnCreateTensorDescriptor)(&tensor));
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char name[80];
        snprintf(name, sizeof name, "cudnnSetTensorNdDescriptor, case %zu", i);
        TELL(name, CALL(cudnnSetTensorNdDescriptor)(tensor, (cudnnDataType_t)all[i].type, all[i].dimensions,
                                                    all[i].sizes, all[i].strides));
    }
    cudnnDataType_t type;
    int dimensions = 0, sizes[8] = {0}, strides[8] = {0};
    for (int requested = 0; requested <= 8; requested += 2) {
        TELL("cudnnGetTensorNdDescriptor",
             CALL(cudnnGetTensorNdDescriptor)(tensor, requested, &type, &dimensions, sizes, strides));
        printf("%d dimensions, %d %d %d, %d %d %d\n", dimensions, sizes[0], sizes[1], sizes[2], strides[0], strides[1],
               strides[2]);
    }
    TELL("cudnnDestroyTensorDescriptor", CALL(cudnnDestroyTensorDescriptor)(tensor));
}

static void tell_calls_without_a_handle(void)
{
    size_t bytes;
    void *at;
    cudnnRNNDescriptor_t rnn = NULL;
    cudnnRNNDataDescriptor_t data = NULL;
    cudnnTensorDescriptor_t tensor = NULL;
    cudnnDropoutDescriptor_t dropout = NULL;
    CALL(cudnnCreateRNNDescriptor)(&rnn);
    CALL(cudnnCreateRNNDataDescriptor)(&data);
    CALL(cudnnCreateTensorDescriptor)(&tensor);
    TELL("cudnnCreateDropoutDescriptor", CALL(cudnnCreateDropoutDescriptor)(&dropout));
    TELL("cudnnSetDropoutDescriptor", CALL(cudnnSetDropoutDescriptor)(dropout, NULL, 0, NULL, 0, 0));
    TELL("cudnnGetRNNWeightSpaceSize", CALL(cudnnGetRNNWeightSpaceSize)(NULL, rnn, &bytes));
    TELL("cudnnGetRNNWeightParams",
         CALL(cudnnGetRNNWeightParams)(NULL, rnn, 0, 4000, NULL, 0, tensor, &at, tensor, &at));
    TELL("cudnnGetRNNTempSpaceSizes",
         CALL(cudnnGetRNNTempSpaceSizes)(NULL, rnn, CUDNN_FWD_MODE_INFERENCE, data, &bytes, &bytes));
    TELL("cudnnRNNForward", CALL(cudnnRNNForward)(NULL, rnn, CUDNN_FWD_MODE_INFERENCE, NULL, data, NULL, data, NULL,
                                                  tensor, NULL, NULL, tensor, NULL, NULL, 0, NULL, 0, NULL, 0, NULL));
    TELL("cudnnRNNBackwardData_v8",
         CALL(cudnnRNNBackwardData_v8)(NULL, rnn, NULL, data, NULL, NULL, data, NULL, tensor, NULL, NULL, NULL, tensor,
                                       NULL, NULL, NULL, 0, NULL, 0, NULL, 0, NULL));
    TELL("cudnnRNNBackwardWeights_v8",
         CALL(cudnnRNNBackwardWeights_v8)(NULL, rnn, CUDNN_WGRAD_MODE_ADD, NULL, data, NULL, tensor, NULL, data, NULL,
                                          0, NULL, 0, NULL, 0, NULL));
    TELL("cudnnSetStream", CALL(cudnnSetStream)(NULL, NULL));
    TELL("cudnnCreate, nowhere", CALL(cudnnCreate)(NULL));
    TELL("cudnnDestroy, nothing", CALL(cudnnDestroy)(NULL));
    TELL("cudnnDropoutGetStatesSize", CALL(cudnnDropoutGetStatesSize)(NULL, &bytes));
    TELL("cudnnCreateRNNDescriptor, nowhere", CALL(cudnnCreateRNNDescriptor)(NULL));
    TELL("cudnnCreateTensorDescriptor, nowhere", CALL(cudnnCreateTensorDescriptor)(NULL));
    TELL("cudnnDestroyRNNDescriptor, nothing", CALL(cudnnDestroyRNNDescriptor)(NULL));
    TELL("cudnnDestroyRNNDataDescriptor, nothing", CALL(cudnnDestroyRNNDataDescriptor)(NULL));
    CALL(cudnnDestroyRNNDescriptor)(rnn);
    CALL(cudnnDestroyRNNDataDescriptor)(data);
    CALL(cudnnDestroyTensorDescriptor)(tensor);
    TELL("cudnnDestroyDropoutDescriptor", CALL(cudnnDestroyDropoutDescriptor)(dropout));
    static const int statuses[] = {0, 1001, 2000, 2002, 2006, 3000, 3002, 4000, 4003, 5000, 5001, 77};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        printf("%d is %s\n", statuses[i], CALL(cudnnGetErrorString)((cudnnStatus_t)statuses[i]));
    printf("version %zu\n", CALL(cudnnGetVersion)());
}

static int tell(const char *path)
{
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        printf("%s\n", dlerror());
        return 1;
    }
    tell_rnn_descriptors();
    tell_data_descriptors();
    tell_tensor_descriptors();
    tell_calls_without_a_handle();
    return 0;
}

static const char real_library[] = CUDA_HOME "/lib64/libcudnn.so.9";

static char *program;

/* What the program prints about a library; `environment` goes before it in the shell's command. */
static char *told_new(const char *environment, const char *path)
{
    char *command = NULL, *text = calloc(1, 1 << 16);
    ck_assert_int_gt(asprintf(&command, "%s '%s' '%s'", environment, program, path), 0);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    ck_assert_uint_gt(fread(text, 1, (1 << 16) - 1, pipe), 0);
    ck_assert_msg(pclose(pipe) == 0, "%s failed: %s", command, text);
    free(command);
    return text;
}

START_TEST(both_libraries_answer_alike)
{
    char *real = told_new("env -u LD_LIBRARY_PATH", real_library), *ours = told_new("", "libcudnn.so.9"),
         *real_rest = real, *ours_rest = ours;
    for (;;) {
        char *real_line = strsep(&real_rest, "\n"), *our_line = strsep(&ours_rest, "\n");
        if (!real_line || !our_line) {
            ck_assert_ptr_eq(real_line, our_line);
            break;
        }
        ck_assert_str_eq(our_line, real_line);
    }
    free(real);
    free(ours);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc == 2)
        return tell(argv[1]);
    program = argv[0];
    test_add(both_libraries_answer_alike, real_library);
    return test_run("cudnn's answers without a device");
}
