/* device_backend.h - the CUDA back end of the plug-in that was built, for tests that run on the emulated device. */
#ifndef EMU_DEVICE_BACKEND_H
#define EMU_DEVICE_BACKEND_H
#include "tensor/plugin.h"

/* The plug-in's table. It is opened once and stays open. */
const struct cuda_plugin *device_plugin(void);

struct backend *device_backend_new(const struct cuda_options *options); /* fails the test when it cannot be made */
struct backend *device_backend_try(const struct cuda_options *options, struct ft_error *error); /* NULL then */

#endif
