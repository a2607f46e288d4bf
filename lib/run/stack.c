/* stack.c - see stack.h. */
#include "run/stack.h"
#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {"words", "forward", "backward"};
static const char *const kind_titles[] = {"word vectors", "forward language model", "backward language model"};

static ft_status open_once(struct stack *stack, const char *path, struct backend *backend, const struct model **model,
                           struct ft_error *error)
{
    for (size_t i = 0; i < stack->model_count; i++)
        if (!strcmp(stack->paths[i], path)) {
            *model = &stack->models[i];
            return FT_OK;
        }
    if (stack->model_count == STACK_MAX)
        return ft_fail(error, FT_MODEL, "%s: no more than %d embeddings can be stacked", path, STACK_MAX);
    ft_status status = model_open(path, backend, &stack->models[stack->model_count], error);
    if (status != FT_OK)
        return status;
    stack->paths[stack->model_count] = path;
    *model = &stack->models[stack->model_count++];
    return FT_OK;
}

static bool is_of_kind(const struct member *member, enum stack_kind kind)
{
    if (kind == STACK_WORDS)
        return member->kind == MEMBER_WORDS;
    return member->kind == MEMBER_LM && member->lm.forward == (kind == STACK_FORWARD);
}

static ft_status add(struct stack *stack, const struct member *member, const struct stack_part *part,
                     struct ft_error *error)
{
    size_t i = stack->member_count;
    if (i == STACK_MAX)
        return ft_fail(error, FT_MODEL, "%s: no more than %d embeddings can be stacked", part->path, STACK_MAX);
    snprintf(stack->names[i], sizeof stack->names[i], "%zu-%s", i, kind_names[part->kind]);
    stack->members[i] = *member;
    stack->members[i].name = stack->names[i];
    stack->member_count++;
    return FT_OK;
}

static ft_status add_part(struct stack *stack, const struct stack_part *part, struct backend *backend,
                          struct ft_error *error)
{
    const struct model *model = NULL;
    ft_status status = open_once(stack, part->path, backend, &model, error);
    if (status != FT_OK)
        return status;
    struct member whole = {0};
    size_t before = stack->member_count;
    if (model->kind == MODEL_WORDS) {
        whole = (struct member){.kind = MEMBER_WORDS, .width = model->words->width, .words = model->words};
        if (is_of_kind(&whole, part->kind))
            status = add(stack, &whole, part, error);
    } else if (model->kind == MODEL_LM) {
        whole = (struct member){.kind = MEMBER_LM, .width = model->lm->width, .lm = *model->lm};
        if (is_of_kind(&whole, part->kind))
            status = add(stack, &whole, part, error);
    } else {
        const struct tagger *tagger = model->tagger;
        for (size_t i = 0; status == FT_OK && i < tagger->member_count; i++)
            if (is_of_kind(&tagger->members[i], part->kind))
                status = add(stack, &tagger->members[i], part, error);
    }
    if (status == FT_OK && stack->member_count == before)
        status = ft_fail(error, FT_MODEL, "%s: holds no %s", part->path, kind_titles[part->kind]);
    return status;
}

ft_status stack_open(struct stack *stack, const struct stack_part *parts, size_t count, struct backend *backend,
                     struct ft_error *error)
{
    *stack = (struct stack){0};
    ft_status status = FT_OK;
    for (size_t i = 0; status == FT_OK && i < count; i++)
        status = add_part(stack, &parts[i], backend, error);
    if (status == FT_OK && !stack->member_count)
        status = ft_fail(error, FT_USAGE, "no embeddings to train on: name word vectors or language models");
    if (status == FT_OK)
        status = tagger_assemble(&stack->tagger, stack->members, stack->member_count, NULL, backend, error);
    if (status != FT_OK)
        stack_close(stack);
    return status;
}

void stack_close(struct stack *stack)
{
    tagger_free(stack->tagger);
    for (size_t i = 0; i < stack->model_count; i++)
        model_close(&stack->models[i]);
    *stack = (struct stack){0};
}
