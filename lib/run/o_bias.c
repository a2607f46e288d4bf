/* o_bias.c - see o_bias.h. */
#include "run/o_bias.h"
#include "base/json.h"
#include "base/number_text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ft_status o_bias_find(const struct parameters *parameters, const struct tag_set *tags, size_t *place,
                      struct ft_error *error)
{
    uint32_t outside;
    if (!map_get(&tags->numbers, "O", 1, &outside))
        return ft_fail(error, FT_INPUT, "no tag of the corpus is O: there is nothing that --o-bias could lower");
    *place = parameters_find(parameters, "linear.bias")->offset + outside;
    return FT_OK;
}

float o_bias_lowered(float weight, double by)
{
    return weight - (float)by;
}

ft_status o_bias_lower(struct backend *backend, float *weight, double by, float *was, struct ft_error *error)
{
    ft_status status = backend->ops->download(backend, was, weight, 1, error);
    if (status != FT_OK)
        return status;
    float lowered = o_bias_lowered(*was, by);
    return backend->ops->upload(backend, weight, &lowered, 1, error);
}

ft_status o_bias_restore(struct backend *backend, float *weight, float was, struct ft_error *error)
{
    return backend->ops->upload(backend, weight, &was, 1, error);
}

ft_status o_bias_choose(struct trainer *trainer, enum trainer_vector which, struct o_bias_choice *choice,
                        struct ft_error *error)
{
    *choice = (struct o_bias_choice){.chosen = 0};
    for (size_t i = 0; i < O_BIAS_TRIES; i++) {
        choice->tries[i].bias = 0.25 * (double)i;
        ft_status status = trainer_evaluate_dev(trainer, which, choice->tries[i].bias, &choice->tries[i].dev, error);
        if (status != FT_OK)
            return status;
        if (choice->tries[i].dev.f1 > choice->tries[choice->chosen].dev.f1)
            choice->chosen = i;
    }
    return FT_OK;
}

static char *with_table(const struct o_bias_choice *choice, const char *report)
{
    enum { LINE = 64 };
    size_t room = strlen(report) + (O_BIAS_TRIES + 2) * LINE;
    char *text = malloc(room);
    if (!text)
        return NULL;
    locale_t before = plain_numbers_begin();
    int used = snprintf(text, room, "%s%so-bias, by dev: %.2f\n  o-bias  precision  recall      f1\n", report,
                        *report ? "\n" : "", choice->tries[choice->chosen].bias);
    for (size_t i = 0; i < O_BIAS_TRIES; i++) {
        const struct split_record *dev = &choice->tries[i].dev;
        used += snprintf(text + used, room - (size_t)used, "  %6.2f     %.4f  %.4f  %.4f\n", choice->tries[i].bias,
                         dev->precision, dev->recall, dev->f1);
    }
    plain_numbers_end(before);
    return text;
}

static bool add_choice(const struct o_bias_choice *choice, cJSON *object)
{
    bool whole = true;
    json_number(&whole, object, "o_bias", choice->tries[choice->chosen].bias);
    cJSON *list = json_array(&whole, object, "o_bias_on_dev");
    for (size_t i = 0; i < O_BIAS_TRIES; i++) {
        const struct split_record *dev = &choice->tries[i].dev;
        cJSON *one = cJSON_CreateObject();
        json_number(&whole, one, "o_bias", choice->tries[i].bias);
        json_number(&whole, one, "precision", dev->precision);
        json_number(&whole, one, "recall", dev->recall);
        json_number(&whole, one, "f1", dev->f1);
        json_item(&whole, list, NULL, one);
    }
    return whole;
}

static char *with_members(const struct o_bias_choice *choice, const char *report)
{
    cJSON *object = *report ? cJSON_Parse(report) : cJSON_CreateObject();
    char *printed = add_choice(choice, object) ? cJSON_PrintUnformatted(object) : NULL;
    size_t bytes = printed ? strlen(printed) : 0;
    char *text = printed ? malloc(bytes + 2) : NULL;
    if (text)
        snprintf(text, bytes + 2, "%s\n", printed);
    cJSON_free(printed);
    cJSON_Delete(object);
    return text;
}

ft_status o_bias_report(const struct o_bias_choice *choice, bool json, char **report, struct ft_error *error)
{
    const char *before = *report ? *report : "";
    char *text = json ? with_members(choice, before) : with_table(choice, before);
    if (!text)
        return ft_nomem(error, "a report");
    free(*report);
    *report = text;
    return FT_OK;
}
