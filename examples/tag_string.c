/* tag_string.c - tags a text and prints what was found.
 *
 *     cc tag_string.c -o tag_string $(pkg-config --cflags --libs flairtag)
 *     ./tag_string "Marie Curie was born in Warsaw." [MODEL] */
#include <flairtag.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *text = argc > 1 ? argv[1] : "Marie Curie was born in Warsaw.";
    struct ft_model *model;
    struct ft_result *result = NULL;
    struct ft_error error;
    ft_status status = ft_model_open(&model, argc > 2 ? argv[2] : NULL, NULL, &error);
    if (status == FT_OK)
        status = ft_tag_text(model, text, strlen(text), &result, &error);
    ft_model_close(model);
    if (status != FT_OK) {
        fprintf(stderr, "tag_string: %s\n", error.text);
        return status;
    }
    for (size_t i = 0; i < ft_result_count(result); i++) {
        const struct ft_sentence *sentence = ft_result_sentence(result, i);
        for (size_t s = 0; s < sentence->span_count; s++) {
            const struct ft_span *span = &sentence->spans[s];
            printf("%zu-%zu\t%s\t%s\t%.2f\n", span->start, span->end, span->type, span->text, span->score);
        }
    }
    ft_result_free(result);
    return 0;
}
