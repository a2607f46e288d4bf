/* info.c - what is in a model file. */
#include "cmd/commands.h"
#include "cmd/model_options.h"
#include "base/number_text.h"
#include "flairtag.h"
#include "import/model_facts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct info_values {
    struct model_values model;
    bool json;
};

static const struct option info_options[] = {
    {0, "json", OPTION_FLAG, offsetof(struct info_values, json), NULL, NULL, "print one JSON object", 0, 0},
    OPTION_END,
};

/* Line breaks and the like as \n, so that every fact stays on its line. */
static void print_string(const char *text)
{
    for (; *text; text++)
        if (*text == '\n')
            printf("\\n");
        else if (*text == '\t')
            printf("\\t");
        else
            putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

static void print_text(const cJSON *facts, int depth)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, facts)
    {
        if (item->string)
            printf("%*s%-*s ", depth * 2, "", 18 - depth * 2, item->string);
        if (cJSON_IsArray(item) && cJSON_IsString(item->child)) {
            for (const cJSON *one = item->child; one; one = one->next) {
                print_string(one->valuestring);
                putchar(one->next ? ' ' : '\n');
            }
        } else if (cJSON_IsObject(item) || cJSON_IsArray(item)) {
            if (item->string)
                putchar('\n');
            print_text(item, depth + (item->string ? 1 : 0));
        } else if (cJSON_IsString(item)) {
            print_string(item->valuestring);
            putchar('\n');
        } else if (cJSON_IsNumber(item)) {
            char text[NUMBER_TEXT_BYTES];
            number_rounded(text, item->valuedouble, 6);
            size_t length = strlen(text);
            bool whole = length > 2 && !strcmp(text + length - 2, ".0");
            printf("%.*s\n", (int)(whole ? length - 2 : length), text);
        } else {
            printf("%s\n", cJSON_IsTrue(item) ? "yes" : "no");
        }
    }
}

static int run_info(int argc, char **argv, const struct command *self)
{
    struct info_values values = {.model = MODEL_DEFAULTS};
    int operands = options_parse(self, argc, argv, &values);
    if (operands < 0)
        return operands == -1 ? FT_OK : FT_USAGE;
    if (operands > 1) {
        report_error("info takes one model, not '%s' too", argv[2]);
        return FT_USAGE;
    }
    struct ft_error error = {""};
    struct backend *backend = NULL;
    struct model model = {0};
    char path[4096];
    ft_status status = model_find(operands ? argv[1] : NULL, path, sizeof path, &error);
    if (status == FT_OK)
        status = model_backend(&values.model, &backend, &error);
    if (status == FT_OK)
        status = model_open(path, backend, &model, &error);
    cJSON *facts = status == FT_OK ? model_facts(&model) : NULL;
    char *json = facts && values.json ? cJSON_Print(facts) : NULL;
    if (status == FT_OK && (!facts || (values.json && !json)))
        status = ft_nomem(&error, "the model's facts");
    if (json)
        printf("%s\n", json);
    else if (facts)
        print_text(facts, 0);
    if (status != FT_OK)
        report_error("%s", error.text);
    cJSON_free(json);
    cJSON_Delete(facts);
    model_close(&model);
    if (backend)
        backend->ops->free(backend);
    return (int)status;
}

const struct command command_info = {
    .name = "info",
    .operands = "[MODEL]",
    .summary = "show what is in a model",
    .description =
        "Kind, origin, embeddings with their dimensions, dictionary and tag set of a model file, or of the default model; "
        "and for each part its precision and the bytes that it takes in a flairtag file.",
    .examples = "flairtag info ner-english.pt\n"
                "flairtag info --json small | jq .tags",
    .options = info_options,
    .run = run_info,
};
