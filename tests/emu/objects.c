/* objects.c - see objects.h. */
#include "objects.h"
#include "emulator.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct object {
    struct object *next;
    const char *kind;
    _Alignas(max_align_t) char content[];
};

static struct object *objects;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void say_what_is_left(void)
{
    for (struct object *object = objects; object; object = object->next)
        emu_mistake("a %s is left at the end", object->kind);
}

/* Where the list points to the object; to its end where there is none. */
static struct object **find(const void *at)
{
    struct object **link = &objects;
    while (*link && (*link)->content != at)
        link = &(*link)->next;
    return link;
}

void *object_new(const char *kind, size_t bytes)
{
    static bool begun;
    struct object *object = calloc(1, sizeof *object + bytes);
    if (!object)
        return NULL;
    pthread_mutex_lock(&lock);
    if (!begun)
        atexit(say_what_is_left);
    begun = true;
    object->kind = kind;
    object->next = objects;
    objects = object;
    pthread_mutex_unlock(&lock);
    return object->content;
}

bool object_is(const char *kind, const void *at)
{
    pthread_mutex_lock(&lock);
    struct object *object = *find(at);
    bool is = object && strcmp(object->kind, kind) == 0;
    pthread_mutex_unlock(&lock);
    return is;
}

void object_free(void *at)
{
    pthread_mutex_lock(&lock);
    struct object **link = find(at), *object = *link;
    if (object)
        *link = object->next;
    pthread_mutex_unlock(&lock);
    free(object);
}
