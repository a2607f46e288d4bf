/* predictor_group.h - one or several devices that tag windows together: each takes a part of every window's sentences.
 *
 * Parts are runs of sentences, so that results come in order, and as long as each other in characters. What a sentence
 * gets does not depend on who tags it (predictor.h), so neither do results depend on how many devices there are. */
#ifndef RUN_PREDICTOR_GROUP_H
#define RUN_PREDICTOR_GROUP_H
#include "run/predictor.h"

struct predictor_group;

/* backends: [count]. */
ft_status predictor_group_new(struct predictor_group **group, const struct tagger *tagger,
                              struct backend *const *backends, size_t count, const struct predictor_options *options,
                              struct ft_error *error);
void predictor_group_free(struct predictor_group *group); /* NULL is allowed */

/* predictor_run on all of them at once. FT_OK: of every part; else the first part's failure that there was. */
ft_status predictor_group_run(struct predictor_group *group, const struct window *window,
                              const struct tagging **taggings, bool *kept_less, struct ft_error *error);

void predictor_group_keep_nothing(struct predictor_group *group);

/* What the one that keeps least keeps now. */
enum storage_mode predictor_group_storage(const struct predictor_group *group);

/* Of one of them. */
const struct storage_account *predictor_group_account(const struct predictor_group *group, size_t which);

#endif
