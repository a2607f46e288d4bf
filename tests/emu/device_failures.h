/* device_failures.h - every call of the CUDA runtime made to fail in turn. */
#ifndef EMU_DEVICE_FAILURES_H
#define EMU_DEVICE_FAILURES_H
#include <stddef.h>

/* How a scene ends: all went well; something failed, was said and was cleaned up. */
enum { SCENE_WELL, SCENE_FAILED = 3 };

/* Plays the scene, which opens the plug-in itself, in a process of its own for the first, second ... call of CUDA or
 * its libraries, as long as there are so many. A scene that fails must end with SCENE_FAILED, without a mistake or a
 * leak that the emulated device would tell; more than `least` failures must end it. The test may not have used the
 * device before. */
void with_every_failure(int (*scene)(void), size_t least);

/* The same for scenes with very many calls: the first `most` calls of each function fail in turn. Some failures must
 * end the scene, some must be made up for. */
void with_first_failures(int (*scene)(void), int most);

#endif
