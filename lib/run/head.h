/* head.h - a tagger's layers over the token vectors of a batch: reprojection, BiLSTM, and the linear layer that gives
 * emissions.
 *
 * Everything lies in the back end's memory; rows of tables, which are the host's, are brought there first where that is
 * another one. A device keeps the memory for the next batch: giving it back and asking anew would wait for what runs.
 */
#ifndef RUN_HEAD_H
#define RUN_HEAD_H
#include "run/embedder.h"

enum { HEAD_TABLE_ROWS, HEAD_REPROJECTED, HEAD_STATES, HEAD_EMISSIONS, HEAD_BLOCKS };

struct head {
    const struct tagger *tagger;
    struct backend *backend;
    struct head_block {
        float *floats;
        size_t room;
    } blocks[HEAD_BLOCKS];
};

void head_init(struct head *head, const struct tagger *tagger, struct backend *backend);
void head_release(struct head *head); /* its memory; it can be run again */

/* Gives *emissions, [tokens, tags] in the back end's memory, lent until the next call. FT_NOMEM. */
ft_status head_run(struct head *head, const struct embedded *embedded, const float **emissions, struct ft_error *error);

/* Bytes of device memory that a token takes while head_run has it. */
size_t head_token_bytes(const struct tagger *tagger);

#endif
