/* convert_words.h - word vectors made smaller on their way into a file. */
#ifndef CMD_CONVERT_WORDS_H
#define CMD_CONVERT_WORDS_H
#include "import/model_open.h"

/* Turns every table of the model. path: of the model, for messages. FT_USAGE: it has none; else words_set_type's. */
ft_status convert_words_type(struct model *model, const char *path, enum words_type type, struct ft_error *error);

/* Keeps the words of a model of word vectors that a list finds (list: a path, "-" for stdin, a word a line, gz or not;
 * empty lines count for nothing), and says on stderr how many did. FT_USAGE: another kind of model. FT_INPUT: the list
 * cannot be read, or is not UTF-8. FT_NOMEM. */
ft_status convert_keep_words(struct model *model, const char *path, const char *list, struct ft_error *error);

#endif
