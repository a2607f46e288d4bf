/* pickle_class.c - the classes and functions that a pickle may name.
 *
 * Nothing named is ever run, so this list protects no machine: it keeps a file that is no model, or was tampered
 * with, from being taken for one. It holds the packages that Flair's models come from and the plain helpers that
 * pickle itself writes. */
#include "import/pickle.h"
#include <string.h>

enum { LONGEST_NAME = 500 }; /* the check must stay cheap when a file names one class a million times */

static bool equal(const char *text, size_t bytes, const char *word)
{
    return strlen(word) == bytes && !memcmp(text, word, bytes);
}

static bool listed(const char *text, size_t bytes, const char *const *words)
{
    for (; *words; words++)
        if (equal(text, bytes, *words))
            return true;
    return false;
}

/* Packages of which any class may be named. Those behind gensim hold embeddings that are refused later, by their
 * name. */
static const char *const packages[] = {"flair",
                                       "torch",
                                       "collections",
                                       "numpy",
                                       "gensim",
                                       "pathlib",
                                       "datetime",
                                       "bpemb",
                                       "sentencepiece",
                                       "transformers",
                                       "tokenizers",
                                       "allennlp",
                                       "pytorch_pretrained_bert",
                                       "pytorch_transformers",
                                       "huggingface_hub",
                                       "konoha",
                                       "segtok",
                                       "sklearn",
                                       "logging",
                                       "argparse",
                                       "enum",
                                       "typing",
                                       NULL};

static const char *const plain_types[] = {
    "int",     "float", "complex", "bool",      "str",      "bytes",    "bytearray",      "list",
    "tuple",   "dict",  "set",     "frozenset", "object",   "type",     "slice",          "range",
    "getattr", "long",  "unicode", "xrange",    "Ellipsis", "NoneType", "NotImplemented", NULL};

static const char *const helpers[] = {"_codecs.encode",
                                      "copyreg._reconstructor",
                                      "copy_reg._reconstructor",
                                      "copyreg.__newobj__",
                                      "copyreg.__newobj_ex__",
                                      "functools.partial",
                                      "functools._lru_cache_wrapper",
                                      "functools.lru_cache",
                                      "functools.partialmethod",
                                      "types.SimpleNamespace",
                                      "types.MappingProxyType",
                                      "re._compile",
                                      "uuid.UUID",
                                      "decimal.Decimal",
                                      "fractions.Fraction",
                                      "array.array",
                                      "array._array_reconstructor",
                                      "dill._dill._load_type",
                                      "dill._dill._get_attr",
                                      "dill._dill._import_module",
                                      "dill._dill._create_cell",
                                      "dill._dill._create_function",
                                      "dill._dill._create_code",
                                      "dill._dill._create_type",
                                      NULL};

/* "module.Class" at protocol 4 may be "Outer.Inner"; a dotted name that begins with a module ("os.system" looked up
 * in an innocent package) is none. */
static bool plain_name(const char *name, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!letter && (c != '.' || !i || name[0] < 'A' || name[0] > 'Z'))
            return false;
    }
    return bytes > 0;
}

bool pickle_class_allowed(const char *module, size_t module_bytes, const char *name, size_t name_bytes)
{
    if (module_bytes > LONGEST_NAME || name_bytes > LONGEST_NAME || !plain_name(name, name_bytes))
        return false;
    if (equal(module, module_bytes, "builtins") || equal(module, module_bytes, "__builtin__"))
        return listed(name, name_bytes, plain_types);
    for (const char *const *helper = helpers; *helper; helper++) {
        size_t length = strlen(*helper);
        if (length == module_bytes + 1 + name_bytes && !memcmp(*helper, module, module_bytes) &&
            (*helper)[module_bytes] == '.' && !memcmp(*helper + module_bytes + 1, name, name_bytes))
            return true;
    }
    size_t package = 0;
    while (package < module_bytes && module[package] != '.')
        package++;
    for (size_t i = 0; i < module_bytes; i++)
        if ((unsigned char)module[i] <= ' ' || (unsigned char)module[i] >= 0x7f)
            return false;
    return listed(module, package, packages);
}
