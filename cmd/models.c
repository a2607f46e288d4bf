/* models.c - which models are installed, and what they are. */
#include "cmd/commands.h"
#include "import/model_folders.h"
#include "cmd/model_options.h"
#include "flairtag.h"
#include "model/model_file.h"
#include "model/quantise.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct models_values {
    bool json, names;
};

static const struct option models_options[] = {
    {0, "json", OPTION_FLAG, offsetof(struct models_values, json), NULL, NULL, "print one JSON array", 0, 0},
    {0, "names", OPTION_FLAG, offsetof(struct models_values, names), NULL, NULL,
     "print only the names, one a line, and open no file", 0, 0},
    OPTION_END,
};

/* "B-person" is of the label "person"; a label of tokens is its own. NULL for a tag that labels nothing. */
static const char *label_of(const struct tagger *tagger, const char *tag)
{
    if (tagger->token_labels)
        return *tag == '<' ? NULL : tag;
    return *tag && tag[1] == '-' ? tag + 2 : NULL;
}

static void add_labels(cJSON *to, const struct tagger *tagger)
{
    cJSON *labels = cJSON_AddArrayToObject(to, "labels");
    for (size_t i = 0; i < tagger->crf.tags; i++) {
        const char *label = label_of(tagger, tagger->tags[i]);
        const cJSON *before = labels ? labels->child : NULL;
        while (label && before && strcmp(before->valuestring, label))
            before = before->next;
        if (label && !before)
            cJSON_AddItemToArray(labels, cJSON_CreateString(label));
    }
}

/* Of its language models, which do most of the work, or of its head where it has none. */
static enum precision tagger_precision(const struct tagger *tagger)
{
    for (size_t i = 0; i < tagger->member_count; i++)
        if (tagger->members[i].kind == MEMBER_LM)
            return lm_precision(&tagger->members[i].lm);
    return tagger_head_precision(tagger);
}

static void add_tagger(cJSON *to, const struct tagger *tagger)
{
    cJSON_AddStringToObject(to, "precision", precision_names[tagger_precision(tagger)]);
    for (size_t i = 0; i < tagger->member_count; i++)
        if (tagger->members[i].kind == MEMBER_WORDS) {
            cJSON_AddStringToObject(to, "words precision", words_type_names[tagger->members[i].words->type]);
            break;
        }
    add_labels(to, tagger);
    if (tagger->description)
        cJSON_AddStringToObject(to, "description", tagger->description);
}

static void add_model(cJSON *to, const struct model *model)
{
    char text[100];
    cJSON_AddNumberToObject(to, "file bytes", (double)model->file_bytes);
    cJSON_AddStringToObject(to, "kind", model_kind_names[model->kind]);
    switch (model->kind) {
    case MODEL_TAGGER: add_tagger(to, model->tagger); break;
    case MODEL_LM:
        cJSON_AddStringToObject(to, "precision", precision_names[lm_precision(model->lm)]);
        snprintf(text, sizeof text, "%s language model of %zu units", model->lm->forward ? "forward" : "backward",
                 model->lm->net.layer[0].hidden);
        cJSON_AddStringToObject(to, "description", text);
        break;
    case MODEL_WORDS:
        cJSON_AddStringToObject(to, "precision", words_type_names[model->words->type]);
        snprintf(text, sizeof text, "%zu words of %zu columns", model->words->count, model->words->width);
        cJSON_AddStringToObject(to, "description", text);
        break;
    }
}

/* NULL when out of memory. A model that cannot be opened has an `error` instead of what is in it. */
static cJSON *facts_of(const struct installed_model *installed, struct backend *backend)
{
    struct model model = {0};
    struct ft_error error = {""};
    cJSON *facts = cJSON_CreateObject();
    cJSON_AddStringToObject(facts, "name", installed->name);
    cJSON_AddStringToObject(facts, "folder", installed->folder);
    cJSON_AddStringToObject(facts, "path", installed->path);
    cJSON_AddBoolToObject(facts, "default", installed->is_default);
    if (installed->shadowed_by)
        cJSON_AddStringToObject(facts, "shadowed by", installed->shadowed_by);
    if (model_open(installed->path, backend, &model, &error) == FT_OK)
        add_model(facts, &model);
    else
        cJSON_AddStringToObject(facts, "error", error.text);
    model_close(&model);
    return facts;
}

static const char *text_of(const cJSON *facts, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(facts, name));
    return text ? text : "";
}

static const char *size_text(double bytes, char text[24])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB"};
    size_t unit = 0;
    for (; unit < 3 && bytes >= 1000; unit++)
        bytes /= 1024;
    snprintf(text, 24, "%.*f %s", unit ? 1 : 0, bytes, units[unit]);
    return text;
}

/* Control characters as '?', so that every model stays on its lines. */
static void put_text(const char *text)
{
    for (; *text; text++)
        putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

/* "  small (default)  tagger  8.1 MiB  f32, words f16  person location" and the description under the last column */
static void print_model(const cJSON *facts, int name_width)
{
    char size[24], precision[64], line[200];
    const char *shadow = text_of(facts, "shadowed by"), *words = text_of(facts, "words precision");
    bool is_default = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(facts, "default"));
    printf("  %-*s", name_width, text_of(facts, "name"));
    printf("  %-10s", is_default ? "(default)" : *shadow ? "(shadowed)" : "");
    if (*text_of(facts, "error")) {
        printf("  %s\n", text_of(facts, "error"));
        return;
    }
    double bytes = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(facts, "file bytes"));
    snprintf(precision, sizeof precision, "%s%s%s", text_of(facts, "precision"),
             *words && strcmp(words, text_of(facts, "precision")) ? ", words " : "",
             *words && strcmp(words, text_of(facts, "precision")) ? words : "");
    int column =
        name_width + 14 +
        snprintf(line, sizeof line, "  %-6s  %10s  %-16s", text_of(facts, "kind"), size_text(bytes, size), precision);
    fputs(line, stdout);
    const cJSON *label = NULL, *labels = cJSON_GetObjectItemCaseSensitive(facts, "labels");
    cJSON_ArrayForEach(label, labels)
    {
        printf("%s", label == labels->child ? "  " : " ");
        put_text(label->valuestring);
    }
    const char *description = text_of(facts, "description");
    if (*description) {
        if (labels && labels->child)
            printf("\n%*s", column, "");
        fputs("  ", stdout);
        put_text(description);
    }
    putchar('\n');
}

static void print_names(const struct installed_models *models)
{
    for (size_t i = 0; i < models->count; i++)
        if (!models->list[i].shadowed_by)
            printf("%s\n", models->list[i].name);
}

static ft_status print_models(const struct installed_models *models, bool as_json, struct ft_error *error)
{
    struct model_values values = MODEL_DEFAULTS;
    struct backend *backend = NULL;
    int width = 0;
    cJSON *array = cJSON_CreateArray();
    ft_status status = model_backend(&values, &backend, error);
    for (size_t i = 0; status == FT_OK && i < models->count; i++) {
        int length = (int)strlen(models->list[i].name);
        width = length > width ? length : width;
        cJSON *facts = facts_of(&models->list[i], backend);
        if (!facts || !cJSON_AddItemToArray(array, facts))
            status = ft_nomem(error, "the list of models");
    }
    char *text = status == FT_OK && as_json ? cJSON_Print(array) : NULL;
    if (status == FT_OK && (!array || (as_json && !text)))
        status = ft_nomem(error, "the list of models");
    if (text)
        printf("%s\n", text);
    for (const cJSON *facts = status == FT_OK && !as_json ? array->child : NULL; facts; facts = facts->next) {
        const char *folder = text_of(facts, "folder");
        if (facts == array->child || strcmp(folder, text_of(facts->prev, "folder")))
            printf("%s\n", folder);
        print_model(facts, width);
    }
    cJSON_free(text);
    cJSON_Delete(array);
    if (backend)
        backend->ops->free(backend);
    return status;
}

static int run_models(int argc, char **argv, const struct command *self)
{
    struct models_values values = {0};
    int operands = options_parse(self, argc, argv, &values);
    if (operands < 0)
        return operands == -1 ? FT_OK : FT_USAGE;
    if (operands) {
        report_error("models takes no operand ('%s'); flairtag info tells about one model", argv[1]);
        return FT_USAGE;
    }
    struct installed_models models;
    struct ft_error error = {""};
    char folders[1024];
    ft_status status = installed_models_init(&models, &error);
    if (status == FT_OK && !models.count && !values.names)
        report_error("no model in %s", model_folders_text(folders, sizeof folders));
    if (status == FT_OK && values.names)
        print_names(&models);
    else if (status == FT_OK)
        status = print_models(&models, values.json, &error);
    if (status != FT_OK)
        report_error("%s", error.text);
    installed_models_release(&models);
    return (int)status;
}

const struct command command_models = {
    .name = "models",
    .operands = "",
    .summary = "list the models that are installed",
    .description =
        "Every model that -m finds by its name, folder by folder in the order in which they are looked through: those "
        "of $FLAIRTAG_MODELS, models/ beside the folder of the program, the user's own ($XDG_DATA_HOME/flairtag/models, by "
        "default ~/.local/share/flairtag/models), and the one that 'make install' fills. For each model: its name, kind, size, precision, and the labels that it gives; and what its file says of it ('flairtag "
        "convert --description').\n\n"
        "Without -m the model marked (default) is taken: 'default' where a model of that name is installed, else "
        "'small'. Models marked (shadowed) have the name of one in an earlier folder, and can be given by their path.",
    .examples = "flairtag models\n"
                "flairtag models --json | jq -r '.[] | .path'\n"
                "FLAIRTAG_MODELS=~/models flairtag models",
    .options = models_options,
    .run = run_models,
};
