/* model_folders.h - models by name: the folders that are looked through, and what lies in them.
 *
 * A model NAME is the file NAME.safetensors in the first of these folders that has it: those of $FLAIRTAG_MODELS
 * (separated by ':'), models/ beside the folder of the program, or of the shared library where this is part of it, the
 * user's own ($XDG_DATA_HOME/flairtag/models, ~/.local/share by default), PREFIX/share/flairtag/models. No file is
 * opened here. */
#ifndef IMPORT_MODEL_FOLDERS_H
#define IMPORT_MODEL_FOLDERS_H
#include "base/arena.h"
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

struct installed_model {
    const char *name, *path, *folder;
    bool is_default;         /* what is taken where no model is named */
    const char *shadowed_by; /* the folder whose model has this name; NULL: this one is found */
};
struct installed_models {
    struct installed_model *list; /* folder by folder, names ascending */
    size_t count;
    struct arena arena;
};

/* Every model there is, shadowed ones too. A folder that is named twice is looked through once, one that is not there
 * is passed over. FT_NOMEM. */
ft_status installed_models_init(struct installed_models *models, struct ft_error *error);
void installed_models_release(struct installed_models *models);

/* The folders for a message: "$FLAIRTAG_MODELS=..., A or B". */
const char *model_folders_text(char *text, size_t room);

/* Finds a model by path or name. name: a path where it is one of a file that is there, or holds a '/', or holds a '.'
 * and is no installed model's. NULL: `default` where a model of that name is installed, else `small`; so does the name
 * "default". FT_MODEL when there is none, with the names that there are, or else the folders. */
ft_status model_find(const char *name, char *path, size_t room, struct ft_error *error);

#endif
