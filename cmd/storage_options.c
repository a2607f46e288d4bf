/* storage_options.c - see storage_options.h. */
#include "cmd/storage_options.h"

void storage_settle(const struct storage_values *values, const struct machine *machine,
                    struct predictor_options *options)
{
    options->storage = (enum storage_mode)values->storage;
    options->gather =
        values->gather == GATHER_UNSAID ? store_default_gather(options->storage) : (enum gather_mode)values->gather;
    options->lm_output = (enum lm_output)values->lm_output;
    if (options->storage == STORAGE_CPU && machine->has_gpu)
        report_error("--storage cpu moves all embeddings from the GPU to host memory, where nothing reads them: "
                     "--storage none is faster");
    if (options->storage == STORAGE_GPU && !machine->has_gpu)
        report_error("no GPU in use: --storage gpu keeps embeddings in host memory");
}
