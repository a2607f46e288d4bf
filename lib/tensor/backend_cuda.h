/* backend_cuda.h - finds and opens the plug-in with the CUDA back end, or says what is missing and how to get it.
 *
 * The program is linked to nothing of CUDA's: on a machine without it, only opening the plug-in fails. A plug-in of
 * another build is refused. It stays open until the process ends, since back ends that it makes live on its code. */
#ifndef TENSOR_BACKEND_CUDA_H
#define TENSOR_BACKEND_CUDA_H
#include "tensor/plugin.h"

/* What keeps CUDA from being used, in the order in which it is looked for. */
enum cuda_lack {
    CUDA_LACKS_NOTHING,
    CUDA_LACKS_PLUGIN, /* is not installed, or is of another build */
    CUDA_LACKS_LIBRARIES,
    CUDA_LACKS_DEVICE /* or its driver */
};

/* The plug-in and how many devices there are. Looked for as $FLAIRTAG_CUDA_PLUGIN, a file, where that is set; else
 * beside the executable, then where `make install` puts it. FT_NOMEM, with *lack, and in one line what to do. */
ft_status backend_cuda_find(const struct cuda_plugin **plugin, size_t *devices, enum cuda_lack *lack,
                            struct ft_error *error);

/* Something on this machine shows that it has a device of NVIDIA's and a driver: looking costs nothing, while asking
 * CUDA takes a tenth of a second and more. */
bool backend_cuda_shows(void);

#endif
