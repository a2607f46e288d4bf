/* tag_stream.c - tags standard input, of any length and in any format that flairtag reads, in bounded memory: a token
 * and its tag a line, an empty line behind each sentence.
 *
 *     cc tag_stream.c -o tag_stream $(pkg-config --cflags --libs flairtag)
 *     zcat news.txt.gz | ./tag_stream [MODEL] */
#include <flairtag.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    struct ft_options options = {.size = sizeof options, .threads = 2};
    struct ft_model *model;
    struct ft_stream *stream = NULL;
    const struct ft_sentence *sentence;
    struct ft_error error;
    ft_status status = ft_model_open(&model, argc > 1 ? argv[1] : NULL, &options, &error);
    if (status == FT_OK)
        status = ft_stream_open(&stream, model, NULL, &error);
    while (status == FT_OK && !ferror(stdout)) {
        status = ft_stream_next(stream, &sentence, &error);
        if (status != FT_OK)
            break;
        for (size_t i = 0; i < sentence->token_count; i++)
            printf("%s\t%s\n", sentence->tokens[i].text, sentence->tokens[i].tag);
        putchar('\n');
    }
    ft_stream_close(stream);
    ft_model_close(model);
    if (status != FT_OK && status != FT_END) {
        fprintf(stderr, "tag_stream: %s\n", error.text);
        return status;
    }
    return fflush(stdout) || ferror(stdout) ? FT_FAILED : FT_OK;
}
