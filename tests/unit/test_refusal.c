/* What it costs to refuse a model: hostile files of every format, of some megabytes, made here. Each must be refused,
 * and never may more than three times its size and 16 MB be allocated on the way (allocations and anonymous mappings
 * alive at a time, counted here). */
#include "harness.h"
#include "import/model_open.h"
#include "torch_writer.h"
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
int main(void)
{
    puts("refusal: 0 passed, 0 failed, 1 skipped"); /* sanitizers have allocators of their own */
    return 0;
}
#else

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *at);

static atomic_long alive, peak;

static void count_bytes(long bytes)
{
    long now = atomic_fetch_add(&alive, bytes) + bytes, before = peak;
    while (now > before && !atomic_compare_exchange_weak(&peak, &before, now))
        continue;
}

static void *counted(void *at)
{
    if (at)
        count_bytes((long)malloc_usable_size(at) + 16);
    return at;
}

void *malloc(size_t bytes)
{
    return counted(__libc_malloc(bytes));
}

void *calloc(size_t count, size_t bytes)
{
    return counted(__libc_calloc(count, bytes));
}

void *realloc(void *old, size_t bytes)
{
    long before = old ? (long)malloc_usable_size(old) + 16 : 0;
    void *at = __libc_realloc(old, bytes);
    if (at)
        count_bytes((long)malloc_usable_size(at) + 16 - before);
    return at;
}

int posix_memalign(void **at, size_t alignment, size_t bytes)
{
    *at = counted(__libc_memalign(alignment, bytes));
    return *at ? 0 : 12;
}

void free(void *at)
{
    if (at)
        count_bytes(-(long)malloc_usable_size(at) - 16);
    __libc_free(at);
}

void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    void *map = (void *)syscall(SYS_mmap, at, bytes, protection, flags, fd, offset);
    if (map != MAP_FAILED && flags & MAP_ANONYMOUS)
        count_bytes((long)bytes);
    return map;
}

void *mremap(void *at, size_t bytes, size_t wanted, int flags, ...)
{
    void *map = (void *)syscall(SYS_mremap, at, bytes, wanted, flags, 0);
    if (map != MAP_FAILED)
        count_bytes((long)wanted - (long)bytes);
    return map;
}

enum { MEGABYTE = 1000000, SIZE = 4 * MEGABYTE };
static struct backend *backend;

/* Opens the file, which is removed and given back, and tells what it cost. */
static void refuse(struct buffer *file, const char *name)
{
    const char *path = write_file(file, "refused");
    size_t size = file->count;
    buffer_release(file);
    struct model model;
    struct ft_error error = {""};
    long before = alive;
    peak = alive;
    ft_status status = model_open(path, backend, &model, &error);
    long cost = peak - before;
    printf("%-34s %7.1f MB, allocated %7.1f MB (%.2f times): %.90s\n", name, (double)size / 1e6, (double)cost / 1e6,
           (double)cost / (double)size, strrchr(error.text, '/') ? strrchr(error.text, '/') : error.text);
    fflush(stdout);
    unlink(path);
    ck_assert_msg(status == FT_MODEL, "%s: status %d", name, status);
    ck_assert_msg(cost <= 3 * (long)size + 16 * MEGABYTE, "%s: %ld bytes for a file of %zu", name, cost, size);
}

/* `head`, and then `unit` again and again up to about `bytes`. */
static struct buffer repeated(const char *head, size_t head_bytes, const char *unit, size_t unit_bytes, size_t bytes)
{
    struct buffer made = {0};
    buffer_add(&made, head, head_bytes);
    while (made.count < bytes)
        buffer_add(&made, unit, unit_bytes);
    return made;
}
#define REPEATED(head, unit, bytes) repeated(head, sizeof head - 1, unit, sizeof unit - 1, bytes)

#define KEYED "cgensim.models.keyedvectors\nKeyedVectors\n"
static const struct abuse {
    const char *name, *head;
    size_t head_bytes;
    const char *unit;
    size_t unit_bytes;
} abuses[] = {
#define ABUSE(name, head, unit)                            \
    {                                                      \
        name, head, sizeof head - 1, unit, sizeof unit - 1 \
    }
    ABUSE("dicts", "", "}"),
    ABUSE("lists", "", "]"),
    ABUSE("sets", "", "\x8f"),
    ABUSE("values", "", "N"),
    ABUSE("copies", "N", "2"),
    ABUSE("marks", "", "("),
    ABUSE("memos", "N", "\x94"),
    ABUSE("a memo far off", "Nr\xf0\xff\x2f\x00", "N"),
    ABUSE("memos of tuples", "N", "\x85\x94"),
    ABUSE("nested tuples", "N", "\x85"),
    ABUSE("a huge tuple", "(", "N"),
    ABUSE("objects", KEYED "q\x01", "h\x01)\x81"),
    ABUSE("objects with states", KEYED "q\x01", "h\x01)\x81}NNsb0"),
    ABUSE("class names", "", KEYED),
    ABUSE("texts", "", "V\xe9\xe9\xe9\xe9\n0"),
    ABUSE("appended lists", "]", "NaNa"),
    ABUSE("a list grown piece by piece", "](N", "e(N"),
    ABUSE("pairs", "}", "NNs"),
    ABUSE("numbers as lines", "(", "I1\n"),
};
enum { ABUSES = sizeof abuses / sizeof *abuses };

static struct buffer abused(size_t which, const char *proto, size_t proto_bytes, size_t bytes)
{
    struct buffer made = {0};
    buffer_add(&made, proto, proto_bytes);
    buffer_add(&made, abuses[which].head, abuses[which].head_bytes);
    while (made.count < bytes)
        buffer_add(&made, abuses[which].unit, abuses[which].unit_bytes);
    return made;
}

static void begin(void)
{
    struct cpu_options options = {.threads = 1, .isa = "auto"};
    struct ft_error error;
    ck_assert_int_eq(backend_cpu_new(&backend, &options, &error), FT_OK);
}

START_TEST(a_hostile_pickle)
{
    static const char magic[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.";
    begin();
    for (size_t i = 0; i < ABUSES; i++) {
        char name[80];
        struct buffer file = abused(i, "\x80\x04", 2, SIZE);
        snprintf(name, sizeof name, "pickle: %s", abuses[i].name);
        refuse(&file, name);
        file = abused(i, magic, sizeof magic - 1, SIZE);
        snprintf(name, sizeof name, "legacy: %s", abuses[i].name);
        refuse(&file, name);
        struct buffer pickle = abused(i, "\x80\x02", 2, SIZE), zip = {0};
        struct zip_part part = {"m/data.pkl", pickle.at, pickle.count, false, false};
        write_zip(&zip, &part, 1, false);
        snprintf(name, sizeof name, "zip: %s", abuses[i].name);
        refuse(&zip, name);
        if (i % 4 == 0) {
            part.deflated = true;
            write_zip(&zip, &part, 1, false);
            snprintf(name, sizeof name, "zip, packed: %s", abuses[i].name);
            refuse(&zip, name);
        }
        buffer_release(&pickle);
    }
}
END_TEST

/* What gensim 3 writes for a word, without the matrix that would explain it. */
START_TEST(a_vocabulary_without_vectors)
{
    begin();
    struct buffer file = REPEATED("\x80\x02" KEYED ")\x81}X\x05\0\0\0vocab}(", "", 0);
    for (uint32_t i = 0; file.count < SIZE; i++) {
        char word[16];
        snprintf(word, sizeof word, "word%06u", i);
        pickle_text(&file, word);
        buffer_add(&file, "r", 1);
        buffer_number(&file, 4 * i, 4);
        buffer_add(&file, KEYED ")\x81r", sizeof KEYED + 2);
        buffer_number(&file, 4 * i + 1, 4);
        buffer_add(&file, "}r", 2);
        buffer_number(&file, 4 * i + 2, 4);
        buffer_add(&file, "(U\5countK\1U\5indexJ", 18);
        buffer_number(&file, i, 4);
        buffer_add(&file, "ub", 2);
    }
    buffer_add(&file, "usb", 3);
    refuse(&file, "a vocabulary without end");
}
END_TEST

START_TEST(a_hostile_zip)
{
    begin();
    char *zeros = calloc(1, 30 * MEGABYTE);
    struct buffer file = {0};
    struct zip_part bomb[] = {{"m/data.pkl", zeros, 30 * MEGABYTE, true, false}};
    write_zip(&file, bomb, 1, false);
    refuse(&file, "zip: a packed bomb");
    bomb[0].name = "m/byteorder";
    write_zip(&file, bomb, 1, false);
    refuse(&file, "zip: a bomb of byte order");
    free(zeros);
    enum { PARTS = 40000 };
    struct zip_part *parts = calloc(PARTS, sizeof *parts);
    char(*names)[8] = calloc(PARTS, sizeof *names);
    for (int i = 0; i < PARTS; i++) {
        snprintf(names[i], sizeof *names, "%x", i);
        parts[i] = (struct zip_part){names[i], "", 0, false, false};
    }
    write_zip(&file, parts, PARTS, true);
    refuse(&file, "zip: many entries");
    free(parts);
    free(names);
}
END_TEST

static struct buffer with_header(struct buffer *header, uint64_t length)
{
    struct buffer file = {0};
    buffer_number(&file, length ? length : header->count, 8);
    buffer_add(&file, header->at, header->count);
    buffer_release(header);
    return file;
}

START_TEST(a_hostile_safetensors)
{
    static const char *const bombs[] = {"[1,", "[[", "{\\\"a\\\":1,", "{\\\"\\\":{"};
    begin();
    struct buffer header = {0}, file;
    buffer_add(&header, "{", 1);
    for (int i = 0; header.count < SIZE; i++) {
        char text[100];
        int bytes = snprintf(text, sizeof text, "\"%x\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},", i);
        buffer_add(&header, text, (size_t)bytes);
    }
    file = with_header(&header, 0);
    refuse(&file, "safetensors: many tensors");
    buffer_add(&header, "{\"__metadata__\":{", 17);
    for (int i = 0; header.count < SIZE; i++) {
        char text[40];
        buffer_add(&header, text, (size_t)snprintf(text, sizeof text, "\"%x\":\"\",", i));
    }
    file = with_header(&header, 0);
    refuse(&file, "safetensors: much metadata");
    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
        static const char first[] = "{\"__metadata__\":{\"flairtag\":\"";
        buffer_add(&header, first, sizeof first - 1);
        while (header.count < SIZE)
            buffer_add(&header, i ? bombs[i] : "1,", i ? strlen(bombs[i]) : 2);
        if (!i)
            header.at[sizeof first - 1] = '[';
        buffer_add(&header, "\"}}", 3);
        file = with_header(&header, 0);
        refuse(&file, "safetensors: a description of little");
    }
    buffer_add(&header, "{", 1);
    file = with_header(&header, 99000000);
    refuse(&file, "safetensors: a header that lies");
}
END_TEST

static struct buffer packed(struct buffer *plain)
{
    z_stream stream = {0};
    struct buffer made = {0};
    size_t room = plain->count + 1000;
    char *out = malloc(room);
    ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (z_const Bytef *)plain->at;
    stream.avail_in = (uInt)plain->count;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    buffer_add(&made, out, stream.total_out);
    deflateEnd(&stream);
    free(out);
    buffer_release(plain);
    return made;
}

START_TEST(hostile_word_vectors)
{
    static const size_t columns[] = {1, 2, 20, 400};
    begin();
    for (size_t i = 0; i < 4; i++)
        for (int gz = 0; gz < 2; gz++) {
            struct buffer file = {0};
            for (unsigned w = 0; file.count < (gz ? 12 : 4) * MEGABYTE; w++) {
                char word[16];
                buffer_add(&file, word, (size_t)snprintf(word, sizeof word, "w%x", w));
                for (size_t c = 0; c < columns[i]; c++)
                    buffer_add(&file, " 1", 2);
                buffer_add(&file, "\n", 1);
            }
            buffer_add(&file, "x y z", 5);
            char name[80];
            snprintf(name, sizeof name, "words: %zu columns%s", columns[i], gz ? ", packed" : "");
            if (gz)
                file = packed(&file);
            refuse(&file, name);
        }
    struct buffer file = REPEATED("500000000 1000000\nx", " ", 1000);
    refuse(&file, "words: a first line that lies");
    file = (struct buffer){0};
    buffer_add(&file, "a", 1);
    while (file.count < 12 * MEGABYTE)
        buffer_add(&file, "        ", 8);
    file = packed(&file);
    refuse(&file, "words: a long line, packed");
}
END_TEST

int main(void)
{
    test_add(a_hostile_pickle, NULL);
    test_add(a_vocabulary_without_vectors, NULL);
    test_add(a_hostile_zip, NULL);
    test_add(a_hostile_safetensors, NULL);
    test_add(hostile_word_vectors, NULL);
    return test_run("refusal");
}
#endif
