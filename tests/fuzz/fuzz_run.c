/* fuzz_run.c - what a training run reads back of its own: loss.tsv of both eras, and the options in run.json (which
 * begin with a brace). */
#include "cmd/commands.h"
#include "cmd/options_json.h"
#include "cmd/train_options.h"
#include "fuzz.h"
#include "run/loss_table.h"
#include <stdlib.h>
#include <string.h>

static void read_table(const char *text, size_t size, enum flair_era era)
{
    struct epoch_record *records = NULL;
    size_t rows;
    struct ft_error error = {""};
    ft_status status = loss_table_read(text, size, era, "loss.tsv", &records, &rows, &error);
    fuzz_check(status, &error);
    free(records);
}

static void read_options(const char *text)
{
    struct train_values values = train_defaults;
    const char *wrong;
    cJSON *object = cJSON_Parse(text);
    if (cJSON_IsObject(object) && options_from_json(&command_train, object, &values, &wrong))
        train_check(&values);
    cJSON_Delete(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    if (*text == '{') {
        read_options(text);
    } else {
        read_table(text, size, LIKE_FLAIR_0_4);
        read_table(text, size, LIKE_FLAIR_0_15);
    }
    free(text);
    return 0;
}
