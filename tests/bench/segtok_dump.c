/* segtok_dump.c - prints the token boundaries of every line of stdin, for comparison with other implementations.
 *
 * One line out for each line in: START-END of each token in characters, sentences parted by " | ". With -0 a NUL
 * ends each line, so that line feeds are text. With -s the lines are cut and counted only, and nothing is printed but
 * the number of tokens (for timing). Built by hand, see tests/bench/segtok_compare.py; no part of the program. */
#include "text/segtok.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_window(const struct window *window)
{
    for (size_t i = 0; i < window->count; i++) {
        const struct sentence *sentence = &window->sentences[i];
        for (size_t t = 0; t < sentence->count; t++)
            printf("%s%u-%u", t ? " " : i ? " | " : "", sentence->tokens[t].start, sentence->tokens[t].end);
    }
    putchar('\n');
}

int main(int argc, char **argv)
{
    bool silent = argc > 1 && !strcmp(argv[1], "-s");
    int end = argc > 1 && !strcmp(argv[1], "-0") ? '\0' : '\n';
    struct window window;
    struct ft_error error;
    char *line = NULL;
    size_t room = 0, tokens = 0;
    int status = 0;
    window_init(&window);
    for (ssize_t bytes; !status && (bytes = getdelim(&line, &room, end, stdin)) >= 0;) {
        bytes -= bytes && line[bytes - 1] == end;
        window_clear(&window);
        if (segtok_split(&window, line, (size_t)bytes, &error)) {
            fprintf(stderr, "segtok_dump: %s\n", error.text);
            status = 1;
        }
        tokens += window.tokens;
        if (!silent)
            print_window(&window);
    }
    if (silent)
        printf("%zu\n", tokens);
    free(line);
    window_release(&window);
    return status;
}
