/* extra_corpus.c - see extra_corpus.h. */
#include "run/extra_corpus.h"
#include "run/corpus_files.h"
#include "text/pairs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char OUTSIDE[] = "O", ANYTHING[] = "*";

static const struct extra_rule *find_rule(const struct extra_rules *rules, const char *type)
{
    for (size_t i = 0; i < rules->count; i++)
        if (!strcmp(rules->rules[i].type, type))
            return &rules->rules[i];
    return NULL;
}

static size_t count_parts(const char *text, char separator)
{
    size_t count = 1;
    for (; *text; text++)
        count += *text == separator;
    return count;
}

/* text: a copy, which is cut into its parts. */
static ft_status parse_rule(struct extra_rule *rule, char *text, struct arena *arena, struct ft_error *error)
{
    char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1] || strchr(equals + 1, '='))
        return ft_fail(error, FT_USAGE, "--extra-labels: '%s' is no rule, which are TYPE=TYPE|TYPE or TYPE=*", text);
    *equals = '\0';
    rule->type = text;
    rule->anything = !strcmp(equals + 1, ANYTHING);
    if (rule->anything)
        return FT_OK;
    rule->alternatives = arena_array(arena, count_parts(equals + 1, '|'), sizeof *rule->alternatives);
    if (!rule->alternatives)
        return ft_nomem(error, "the rules for extra labels");
    for (char *at = equals + 1, *end; at; at = end) {
        end = strchr(at, '|');
        if (end)
            *end++ = '\0';
        if (!*at || !strcmp(at, ANYTHING))
            return ft_fail(error, FT_USAGE, "--extra-labels: the rule for '%s' has '%s' beside other types", text, at);
        rule->alternatives[rule->count++] = at;
    }
    return FT_OK;
}

ft_status extra_rules_parse(struct extra_rules *rules, const char *text, struct arena *arena, struct ft_error *error)
{
    *rules = (struct extra_rules){0};
    if (!text)
        return FT_OK;
    char *at = arena_copy(arena, text, strlen(text));
    rules->rules = arena_array(arena, count_parts(text, ','), sizeof *rules->rules);
    if (!at || !rules->rules)
        return ft_nomem(error, "the rules for extra labels");
    for (char *end; at; at = end) {
        struct extra_rule rule = {0};
        end = strchr(at, ',');
        if (end)
            *end++ = '\0';
        ft_status status = parse_rule(&rule, at, arena, error);
        if (status != FT_OK)
            return status;
        if (find_rule(rules, rule.type))
            return ft_fail(error, FT_USAGE, "--extra-labels: there are two rules for '%s'", rule.type);
        rules->rules[rules->count++] = rule;
    }
    return FT_OK;
}

/* What a label of the files means. */
struct meaning {
    const char *name; /* of a tag or choice; NULL: the model has no such tag */
    uint8_t *allowed; /* [tags] */
};

struct translation {
    struct corpus *corpus;
    struct tag_set *tags;
    const struct extra_rules *rules;
    size_t start, stop; /* tags; none has a number as large as tags->count */
    struct map known;   /* labels -> meanings */
    struct meaning *meanings;
    size_t count, room;
    uint8_t *reached[2]; /* [tags] */
    size_t left_out;
    const struct sentence *first_left_out;
};

/* The type that a tag has, O for none. *place: its letter, or 0. */
static const char *type_of(const struct translation *with, const char *tag, char *place)
{
    bool in_span = !with->corpus->token_labels && tag[0] && tag[1] == '-';
    *place = in_span ? tag[0] : '\0';
    return in_span ? tag + 2 : tag;
}

/* Whether a tag of the model is what a label at this place is as a `type`. What has no label may be anywhere in a
 * mention. */
static bool tag_fits(const struct translation *with, size_t number, char place, const char *type)
{
    char tag_place;
    const char *tag_type = type_of(with, with->tags->tags[number].at, &tag_place);
    return tag_set_is_label(with->tags, number) && !strcmp(tag_type, type) &&
           (!place || !tag_place || tag_place == place);
}

static bool model_knows(const struct translation *with, const char *type)
{
    for (size_t j = 0; j < with->tags->count; j++)
        if (tag_fits(with, j, '\0', type))
            return true;
    return false;
}

/* "person, location, ..." */
static const char *list_types(const struct translation *with, char *text, size_t room)
{
    size_t at = 0;
    text[0] = '\0';
    for (size_t j = 0; j < with->tags->count; j++) {
        char place;
        const char *type = type_of(with, with->tags->tags[j].at, &place);
        bool listed = !tag_set_is_label(with->tags, j) || !strcmp(type, OUTSIDE);
        for (size_t i = 0; i < j && !listed; i++)
            listed = tag_fits(with, i, '\0', type);
        if (listed)
            continue;
        int length = snprintf(text + at, room - at, "%s%s", at ? ", " : "", type);
        if (length < 0 || (size_t)length >= room - at - sizeof ", ...") {
            snprintf(text + at, room - at, ", ...");
            break;
        }
        at += (size_t)length;
    }
    return text;
}

static ft_status check_rules(const struct translation *with, struct ft_error *error)
{
    char types[200];
    for (size_t r = 0; r < with->rules->count; r++) {
        const struct extra_rule *rule = &with->rules->rules[r];
        for (size_t a = 0; a < rule->count; a++)
            if (!model_knows(with, rule->alternatives[a]))
                return ft_fail(error, FT_USAGE, "--extra-labels: %s=%s, but the model's types are %s", rule->type,
                               rule->alternatives[a], list_types(with, types, sizeof types));
    }
    return FT_OK;
}

static bool meanings_grow(struct translation *with)
{
    size_t room = with->room ? with->room * 2 : 64;
    struct meaning *grown = realloc(with->meanings, room * sizeof *grown);
    if (!grown)
        return false;
    with->meanings = grown;
    with->room = room;
    return true;
}

/* Token t of a sentence has this label; its meaning is not known yet. */
static ft_status add_meaning(struct translation *with, const struct sentence *sentence, size_t t, const char *label,
                             struct ft_error *error)
{
    char place, types[200];
    const char *type = type_of(with, label, &place);
    const struct extra_rule *rule = find_rule(with->rules, type);
    const struct extra_rule same = {.type = type, .alternatives = &type, .count = 1};
    struct meaning meaning = {NULL, arena_alloc(&with->corpus->arena, with->tags->count)};
    if (!rule && !model_knows(with, type))
        return ft_fail(
            error, FT_INPUT,
            "%s:%zu: '%s' is none of the model's types, %s: --extra-labels wants a rule for it (%s=TYPE|TYPE, "
            "or %s=* where it can be anything)",
            sentence->file, sentence_token_line(sentence, t), type, list_types(with, types, sizeof types), type, type);
    if (!meaning.allowed || (with->count == with->room && !meanings_grow(with)) ||
        !map_put(&with->known, label, strlen(label), (uint32_t)with->count))
        return ft_nomem(error, "the extra sentences");
    rule = rule ? rule : &same;
    bool any = false;
    for (size_t j = 0; j < with->tags->count; j++) {
        bool fits = rule->anything && tag_set_is_label(with->tags, j);
        for (size_t a = 0; a < rule->count; a++)
            fits |= tag_fits(with, j, place, rule->alternatives[a]);
        meaning.allowed[j] = fits;
        any |= fits;
    }
    ft_status status = any ? tag_set_allow(with->tags, meaning.allowed, &meaning.name, error) : FT_OK;
    with->meanings[with->count++] = meaning;
    return status;
}

/* Whether an allowed path leads through the sentence. meanings: indices, [length]. */
static bool has_path(const struct translation *with, const uint32_t *meanings, size_t length)
{
    size_t n = with->tags->count;
    const uint8_t *follows = with->tags->choices.follows;
    uint8_t *before = with->reached[0], *now = with->reached[1];
    memset(before, 0, n);
    before[with->start] = 1;
    for (size_t t = 0; t <= length; t++) {
        memset(now, 0, n);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; before[i] && j < n; j++)
                if (t == length ? j == with->stop : with->meanings[meanings[t]].allowed[j])
                    now[j] |= follows[j * n + i];
        uint8_t *swap = before;
        before = now;
        now = swap;
    }
    return before[with->stop];
}

/* tags: [count] as the reader gave them; *names: what takes their place, or NULL where the sentence is to be left out.
 */
static ft_status translate(struct translation *with, const struct sentence *sentence, const char *const *tags,
                           const char ***names, struct ft_error *error)
{
    size_t count = sentence->count;
    uint32_t *meanings = malloc((count + 1) * sizeof *meanings);
    const char **to = arena_array(&with->corpus->arena, count, sizeof *to);
    ft_status status = meanings && to ? FT_OK : ft_nomem(error, "the extra sentences");
    bool fits = true, certain = true;
    for (size_t t = 0; status == FT_OK && t < count; t++) {
        if (!map_get(&with->known, tags[t], strlen(tags[t]), &meanings[t])) {
            meanings[t] = (uint32_t)with->count;
            status = add_meaning(with, sentence, t, tags[t], error);
            if (status != FT_OK)
                break;
        }
        uint32_t number;
        to[t] = with->meanings[meanings[t]].name;
        fits &= to[t] != NULL;
        certain &= to[t] && map_get(&with->tags->numbers, to[t], strlen(to[t]), &number) && number < with->tags->count;
    }
    if (status == FT_OK && fits && !certain && with->stop < with->tags->count)
        fits = has_path(with, meanings, count);
    *names = fits ? to : NULL;
    free(meanings);
    return status;
}

/* The sentences of a file behind those of train. */
static ft_status append(struct translation *with, const struct split *from, struct ft_error *error)
{
    struct split *train = &with->corpus->splits[SPLIT_TRAIN];
    ft_status status = split_make_room(train, from->window.count, &with->corpus->arena, "the extra sentences", error);
    if (status != FT_OK)
        return status;
    for (size_t i = 0; i < from->window.count; i++) {
        const char **names;
        status = translate(with, &from->window.sentences[i], from->tags[i], &names, error);
        if (status != FT_OK)
            return status;
        if (!names) {
            if (!with->left_out++)
                with->first_left_out = &from->window.sentences[i];
            continue;
        }
        struct sentence *sentence = window_add(&train->window);
        if (!sentence)
            return ft_nomem(error, "the extra sentences");
        *sentence = from->window.sentences[i];
        train->tags[train->window.count - 1] = names;
        train->gold[train->window.count - 1] = from->gold[i];
    }
    return FT_OK;
}

static ft_status add_files(struct translation *with, const struct corpus_options *reading, const char *const *files,
                           size_t file_count, struct ft_error *error)
{
    struct corpus *corpus = with->corpus;
    ft_status status = check_rules(with, error);
    corpus->first_extra = corpus->splits[SPLIT_TRAIN].window.count;
    for (size_t i = 0; status == FT_OK && i < file_count; i++) {
        struct split split = {.file = files[i]};
        window_init(&split.window);
        status = corpus_read_file(corpus, &split, reading, error);
        corpus->others[corpus->other_count++] = split.window; /* lives as long as what points into it */
        if (status == FT_OK)
            status = append(with, &split, error);
    }
    corpus->train_extra = corpus->splits[SPLIT_TRAIN].window.count - corpus->first_extra;
    corpus_count_window(&corpus->splits[SPLIT_TRAIN].window);
    if (status == FT_OK && with->left_out)
        status = corpus_note(corpus, error, "%zu extra sentences are left out: the model has no tags for them (%s:%zu)",
                             with->left_out, with->first_left_out->file, with->first_left_out->line);
    return status;
}

ft_status extra_corpus_add(struct corpus *corpus, struct tag_set *tags, const struct corpus_options *reading,
                           const char *const *files, size_t file_count, const struct extra_rules *rules,
                           struct ft_error *error)
{
    struct translation with = {.corpus = corpus, .tags = tags, .rules = rules};
    with.start = tag_set_number(tags, "<START>");
    with.stop = tag_set_number(tags, "<STOP>");
    map_init(&with.known);
    corpus->others = arena_array(&corpus->arena, file_count, sizeof *corpus->others);
    with.reached[0] = arena_alloc(&corpus->arena, tags->count);
    with.reached[1] = arena_alloc(&corpus->arena, tags->count);
    ft_status status = corpus->others && with.reached[0] && with.reached[1]
                           ? add_files(&with, reading, files, file_count, error)
                           : ft_nomem(error, "the extra sentences");
    free(with.meanings);
    map_release(&with.known);
    return status;
}
