/* model_folders.c - see model_folders.h. */
#include "import/model_folders.h"
#include "base/nearest.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef FLAIRTAG_SHARE
#define FLAIRTAG_SHARE "/usr/local/share/flairtag"
#endif

enum { PATH_ROOM = 4096 };
static const char ending[] = ".safetensors", shared[] = FLAIRTAG_SHARE "/models";
/* Without -m the first of these that is installed. */
static const char *const default_names[] = {"default", "small"};

/* The file of the shared library that this code lies in; NULL: it is part of the program. */
static const char *library_path(void)
{
    static const char here = 0;
    Dl_info about;
    struct link_map *object;
    return dladdr1(&here, &about, (void **)&object, RTLD_DL_LINKMAP) && *object->l_name ? object->l_name : NULL;
}

/* models/ in the folder above the program's own, or the shared library's: build/flairtag, build/libflairtag.so and
 * models/ lie side by side in the source tree. Where /proc is not mounted the name that the program was called by tells
 * its folder. */
static void beside_program(char *folder, size_t room)
{
    static const char tail[] = "/../models";
    const char *known = library_path();
    ssize_t length = known ? -1 : readlink("/proc/self/exe", folder, room - sizeof tail);
    if (length < 0) {
        known = known ? known : program_invocation_name;
        length = (ssize_t)strlen(known);
        if ((size_t)length >= room - sizeof tail)
            length = 0;
        memcpy(folder, known, (size_t)length);
    }
    while (length > 0 && folder[length - 1] != '/')
        length--;
    folder[length] = 0;
    if (!length)
        return;
    memcpy(folder + length - 1, tail, sizeof tail);
    char *plain = realpath(folder, NULL);
    if (plain && strlen(plain) < room)
        strcpy(folder, plain);
    free(plain);
}

/* The user's own: $XDG_DATA_HOME/flairtag/models, by the XDG Base Directory Specification ~/.local/share where the
 * variable is unset, empty or relative. Empty where there is no home. */
static void of_user(char *folder, size_t room)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int written = 0;
    if (data && *data == '/')
        written = snprintf(folder, room, "%s/flairtag/models", data);
    else if (home && *home == '/')
        written = snprintf(folder, room, "%s/.local/share/flairtag/models", home);
    if (written <= 0 || (size_t)written >= room)
        *folder = 0;
}

/* The folders one after the other; start with {.own = getenv("FLAIRTAG_MODELS")}. */
struct folders {
    const char *own; /* what is left of the variable */
    int stage;
    char path[PATH_ROOM];
};

static bool next_folder(struct folders *folders)
{
    while (folders->own && *folders->own) {
        size_t length = strcspn(folders->own, ":");
        bool fits = length && length < PATH_ROOM;
        if (fits) {
            memcpy(folders->path, folders->own, length);
            folders->path[length] = 0;
        }
        folders->own += length + (folders->own[length] == ':');
        if (fits)
            return true;
    }
    if (folders->stage == 0) {
        folders->stage++;
        beside_program(folders->path, PATH_ROOM);
        if (*folders->path)
            return true;
    }
    if (folders->stage == 1) {
        folders->stage++;
        of_user(folders->path, PATH_ROOM);
        if (*folders->path)
            return true;
    }
    if (folders->stage == 2) {
        folders->stage++;
        memcpy(folders->path, shared, sizeof shared);
        return true;
    }
    return false;
}

static bool found_in(const char *folder, const char *name, char *path, size_t room)
{
    int written = snprintf(path, room, "%s/%s%s", folder, name, ending);
    return written > 0 && (size_t)written < room && !access(path, R_OK);
}

static bool found_by_name(const char *name, char *path, size_t room)
{
    struct folders folders = {.own = getenv("FLAIRTAG_MODELS")};
    while (next_folder(&folders))
        if (found_in(folders.path, name, path, room))
            return true;
    return false;
}

const char *model_folders_text(char *text, size_t room)
{
    const char *own = getenv("FLAIRTAG_MODELS");
    char folder[PATH_ROOM], home[PATH_ROOM];
    beside_program(folder, sizeof folder);
    of_user(home, sizeof home);
    snprintf(text, room, "$FLAIRTAG_MODELS%s%s, %s%s%s or %s", own ? "=" : "", own ? own : "",
             *folder ? folder : "models/ beside the program", *home ? ", " : "", home, shared);
    return text;
}

static int is_model(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return *entry->d_name != '.' && length >= sizeof ending &&
           !strcmp(entry->d_name + length - (sizeof ending - 1), ending);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Where a name is found that stands in the list before. */
static const char *earlier(const struct installed_models *models, const char *name)
{
    for (size_t i = 0; i < models->count; i++)
        if (!strcmp(models->list[i].name, name))
            return models->list[i].folder;
    return NULL;
}

static bool add(struct installed_models *models, const char *folder, const char *file)
{
    char path[PATH_ROOM], *name = arena_copy(&models->arena, file, strlen(file) - (sizeof ending - 1));
    if (!name)
        return false;
    if (!found_in(folder, name, path, sizeof path))
        return true;
    struct installed_model *list = realloc(models->list, (models->count + 1) * sizeof *list);
    if (!list)
        return false;
    models->list = list;
    struct installed_model model = {.name = name,
                                    .path = arena_copy(&models->arena, path, strlen(path)),
                                    .folder = arena_copy(&models->arena, folder, strlen(folder)),
                                    .shadowed_by = earlier(models, name)};
    list[models->count++] = model;
    return model.path && model.folder;
}

static bool add_folder(struct installed_models *models, const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_model, by_name);
    bool whole = count >= 0 || errno != ENOMEM;
    for (int i = 0; i < count; i++) {
        whole = whole && add(models, folder, entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return whole;
}

/* Whether a folder, by whatever name, comes before `until` among the folders. */
static bool is_repeated(const struct folders *until, const struct stat *facts)
{
    struct folders folders = {.own = getenv("FLAIRTAG_MODELS")};
    struct stat other;
    while (next_folder(&folders) && (folders.own != until->own || folders.stage != until->stage))
        if (!stat(folders.path, &other) && other.st_dev == facts->st_dev && other.st_ino == facts->st_ino)
            return true;
    return false;
}

ft_status installed_models_init(struct installed_models *models, struct ft_error *error)
{
    struct folders folders = {.own = getenv("FLAIRTAG_MODELS")};
    struct stat facts;
    bool whole = true;
    *models = (struct installed_models){0};
    arena_init(&models->arena);
    while (whole && next_folder(&folders))
        if (!stat(folders.path, &facts) && !is_repeated(&folders, &facts))
            whole = add_folder(models, folders.path);
    if (!whole) {
        installed_models_release(models);
        return ft_nomem(error, "the list of models");
    }
    struct installed_model *taken = NULL;
    for (size_t d = 0; !taken && d < sizeof default_names / sizeof *default_names; d++)
        for (size_t i = 0; !taken && i < models->count; i++)
            if (!strcmp(models->list[i].name, default_names[d]))
                taken = &models->list[i];
    if (taken)
        taken->is_default = true;
    return FT_OK;
}

void installed_models_release(struct installed_models *models)
{
    free(models->list);
    arena_release(&models->arena);
    *models = (struct installed_models){0};
}

/* "small in /a/models; fast, large in /b/models", cut where there is no room. */
static void list_names(const struct installed_models *models, char *text, size_t room)
{
    const char *folder = NULL;
    size_t used = 0;
    for (size_t i = 0; i <= models->count && used < room; i++) {
        const struct installed_model *model = i < models->count ? &models->list[i] : NULL;
        if (model && model->shadowed_by)
            continue;
        bool ends = folder && (!model || strcmp(folder, model->folder));
        const char *between = !folder || !model ? "" : ends ? "; " : ", ";
        used += (size_t)snprintf(text + used, room - used, "%s%s%s%s", ends ? " in " : "", ends ? folder : "", between,
                                 model ? model->name : "");
        folder = model ? model->folder : NULL;
    }
}

static ft_status not_found(const char *name, struct ft_error *error)
{
    struct installed_models models;
    struct nearest nearest = {.typed = name};
    char text[sizeof error->text];
    ft_status status = installed_models_init(&models, error);
    if (status != FT_OK)
        return status;
    for (size_t i = 0; i < models.count; i++)
        nearest_offer(&nearest, models.list[i].name);
    list_names(&models, text, sizeof text);
    if (!models.count)
        ft_fail(error, FT_MODEL, "no model '%s', and no other in %s", name, model_folders_text(text, sizeof text));
    else if (nearest.name)
        ft_fail(error, FT_MODEL, "no model '%s'; did you mean '%s'? There are: %s", name, nearest.name, text);
    else
        ft_fail(error, FT_MODEL, "no model '%s'; there are: %s", name, text);
    installed_models_release(&models);
    return FT_MODEL;
}

ft_status model_find(const char *name, char *path, size_t room, struct ft_error *error)
{
    bool is_path = name && (strchr(name, '/') || !access(name, F_OK));
    if (!is_path && (!name || !strcmp(name, default_names[0])))
        for (size_t d = 0; d < sizeof default_names / sizeof *default_names; d++) {
            if (found_by_name(default_names[d], path, room))
                return FT_OK;
            name = default_names[d];
        }
    else if (!is_path && found_by_name(name, path, room))
        return FT_OK;
    if (!is_path && !strchr(name, '.'))
        return not_found(name, error);
    if (strlen(name) >= room)
        return ft_fail(error, FT_MODEL, "the model's path is too long");
    strcpy(path, name);
    return FT_OK;
}
