/* flair.c - see flair.h: opening and closing files, and telling what is in them. */
#include "import/flair.h"
#include "import/flair_parts.h"
#include "import/numpy_array.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A word of a vocabulary has a vector, which takes more than these bytes of the file. */
enum { ENTRIES_AT_LEAST = 1 << 17, BYTES_AN_ENTRY = 40 };

static ft_status map_file(const char *path, void **map, size_t *bytes, struct ft_error *error)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return ft_fail(error, FT_MODEL, "%s: cannot open model: %s", path, strerror(errno));
    struct stat facts;
    ft_status status = FT_OK;
    if (fstat(file, &facts))
        status = ft_fail(error, FT_MODEL, "%s: cannot read model: %s", path, strerror(errno));
    else if (!S_ISREG(facts.st_mode))
        status = ft_fail(error, FT_MODEL, "%s: not a model: not a regular file", path);
    else if (!facts.st_size)
        status = ft_fail(error, FT_MODEL, "%s: not a model: the file is empty", path);
    if (!status) {
        void *at = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (at == MAP_FAILED)
            status = ft_fail(error, errno == ENOMEM ? FT_NOMEM : FT_MODEL, "%s: cannot map model: %s", path,
                             strerror(errno));
        else {
            *map = at;
            *bytes = (size_t)facts.st_size;
        }
    }
    close(file);
    return status;
}

static ft_status open_lm(struct importer *importer, const struct value *root, struct lm_description *lm)
{
    ft_status status = import_state_dict(importer, value_attribute(root, "state_dict", NULL));
    struct weights weights = {.importer = importer};
    return status ? status : import_lm(importer, root, &weights, lm);
}

static bool is_lm(const struct value *root)
{
    bool direction, dictionary;
    value_attribute(root, "is_forward_lm", &direction);
    value_attribute(root, "dictionary", &dictionary);
    return direction && dictionary;
}

static ft_status open_torch(struct model_source *source, struct importer *importer)
{
    struct torch_file torch;
    ft_status status =
        torch_file_open(&torch, source->map, source->map_bytes, importer->path, &source->arena, importer->error);
    if (status)
        return status;
    importer->torch = &torch;
    importer->entries_left = source->map_bytes / BYTES_AN_ENTRY + ENTRIES_AT_LEAST;
    importer->float_bytes_left = source->map_bytes * 9 / 4 + FLOAT_BYTES_AT_LEAST;
    const struct value *root = &torch.pickle.root;
    if (is_lm(root)) {
        source->kind = MODEL_LM;
        status = open_lm(importer, root, &source->lm);
    } else if (root->kind == VALUE_DICT) {
        source->kind = MODEL_TAGGER;
        status = import_tagger(importer, root, &source->tagger);
    } else if (root->kind == VALUE_OBJECT)
        status = import_fail(importer, "models of class '%s' are not supported", value_class_name(root));
    else
        status = import_fail(importer, "not a Flair model: it holds no dict");
    torch_file_release(&torch);
    return status;
}

/* "PATH.vectors.npy"; the caller's, NULL when out of memory. */
static char *name_beside(const char *path, const char *attribute)
{
    size_t room = strlen(path) + strlen(attribute) + 8;
    char *name = malloc(room);
    if (name)
        snprintf(name, room, "%s.%s.npy", path, attribute);
    return name;
}

/* How large such a file is; 0 where there is none. */
static size_t bytes_beside(const char *path, const char *attribute)
{
    char *name = name_beside(path, attribute);
    struct stat facts;
    int file = name ? open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    bool there = file >= 0 && !fstat(file, &facts) && S_ISREG(facts.st_mode);
    if (file >= 0)
        close(file);
    free(name);
    return there ? (size_t)facts.st_size : 0;
}

/* The matrix of a gensim file that was saved in two. */
static ft_status open_beside(struct model_source *source, const char *path, const char *attribute,
                             struct ft_error *error)
{
    char *name = name_beside(path, attribute);
    if (!name)
        return ft_nomem(error, "a file name");
    ft_status status = map_file(name, &source->more_map, &source->more_map_bytes, error);
    if (!status)
        status = numpy_file(source->more_map, source->more_map_bytes, name, &source->words.vectors, error);
    free(name);
    return status;
}

static ft_status open_gensim(struct model_source *source, struct importer *importer)
{
    struct pickle pickle;
    size_t whole = source->map_bytes + bytes_beside(importer->path, "vectors") + bytes_beside(importer->path, "syn0");
    ft_status status = pickle_read(&pickle, source->map, source->map_bytes, 0, whole, importer->path, NULL,
                                   &source->arena, importer->error);
    if (status)
        return status;
    importer->entries_left = whole / BYTES_AN_ENTRY + ENTRIES_AT_LEAST;
    const char *beside = NULL;
    source->kind = MODEL_WORDS;
    if (import_is_gensim(&pickle.root))
        status = import_gensim(importer, &pickle.root, &source->words, &beside);
    else if (pickle.root.kind == VALUE_OBJECT)
        status = import_fail(importer, "models of class '%s' are not supported", value_class_name(&pickle.root));
    else
        status = import_fail(importer, "not a Flair model, nor gensim's word vectors");
    pickle_release(&pickle);
    if (!status && beside)
        status = open_beside(source, importer->path, beside, importer->error);
    if (!status && beside)
        status = import_check_rows(importer, &source->words);
    /* As Flair 0.10 and later use such a file: see read_words in flair_embeddings.c. */
    source->words.unknown_is_row = !status && source->words.vectors.shape[0] > source->words.count;
    return status;
}

ft_status import_open(const char *path, struct model_source **source, struct ft_error *error)
{
    *source = NULL;
    struct model_source *opened = calloc(1, sizeof *opened);
    if (!opened)
        return ft_nomem(error, "a model");
    arena_init(&opened->arena);
    ft_status status = map_file(path, &opened->map, &opened->map_bytes, error);
    struct importer importer = {.path = path, .arena = &opened->arena, .error = error};
    map_init(&importer.weights);
    if (!status) {
        const char *bytes = opened->map;
        if (torch_file_is(bytes, opened->map_bytes))
            status = open_torch(opened, &importer);
        else if (opened->map_bytes >= 2 && (unsigned char)bytes[0] == 0x80 && (unsigned char)bytes[1] <= 5)
            status = open_gensim(opened, &importer);
        else
            status = ft_fail(error, FT_MODEL, "%s: not a model: neither a torch file nor a pickle", path);
    }
    map_release(&importer.weights);
    if (status)
        import_close(opened);
    else
        *source = opened;
    return status;
}

void import_close(struct model_source *source)
{
    if (!source)
        return;
    if (source->map)
        munmap(source->map, source->map_bytes);
    if (source->more_map)
        munmap(source->more_map, source->more_map_bytes);
    arena_release(&source->arena);
    free(source);
}
