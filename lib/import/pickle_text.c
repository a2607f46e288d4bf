/* pickle_text.c - the text forms of protocol 0 (numbers and strings that end with the line), and text made into
 * bytes. */
#include "base/utf8.h"
#include "import/pickle_machine.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

ft_status machine_line(struct machine *machine, const char **text, size_t *count)
{
    const char *from = (const char *)machine->bytes + machine->at;
    const char *end = memchr(from, '\n', machine->count - machine->at);
    if (!end)
        return machine_fail(machine, "a line without an end");
    *text = from;
    *count = (size_t)(end - from);
    machine->at += *count + 1;
    return FT_OK;
}

ft_status machine_text_number(struct machine *machine, int opcode, struct value *result)
{
    const char *text;
    size_t count;
    ft_status status = machine_line(machine, &text, &count);
    if (status)
        return status;
    char copy[64], *end;
    if (count >= sizeof copy)
        return machine_fail(machine, "a number that is too long");
    memcpy(copy, text, count);
    copy[count] = '\0';
    if (opcode == 'I' && (!strcmp(copy, "00") || !strcmp(copy, "01"))) {
        *result = (struct value){.kind = VALUE_BOOL, .as.integer = copy[1] == '1'};
        return FT_OK;
    }
    if (opcode == 'L' && count && copy[count - 1] == 'L')
        copy[--count] = '\0';
    errno = 0;
    if (opcode == 'F')
        *result = (struct value){.kind = VALUE_FLOAT, .as.number = strtod(copy, &end)};
    else
        *result = (struct value){.kind = VALUE_INT, .as.integer = strtoll(copy, &end, 10)};
    if (end == copy || *end || (errno && opcode != 'F'))
        return machine_fail(machine, "a number that is none");
    return FT_OK;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads `digits` hexadecimal digits; false when they are not there. */
static bool read_hex(const char *text, size_t count, size_t digits, uint32_t *code)
{
    *code = 0;
    if (count < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        int digit = hex_digit(text[i]);
        if (digit < 0)
            return false;
        *code = *code << 4 | (uint32_t)digit;
    }
    return true;
}

/* One escape behind a backslash; returns the bytes read, 0 when it is none. */
static size_t unescape(const char *text, size_t count, bool unicode, uint32_t *code)
{
    if (!count)
        return 0;
    if (unicode) {
        size_t digits = text[0] == 'u' ? 4 : text[0] == 'U' ? 8 : 0;
        return digits && read_hex(text + 1, count - 1, digits, code) && *code < 0x110000 ? 1 + digits : 0;
    }
    static const char names[] = "nrtabfv\\'\"", values[] = "\n\r\t\a\b\f\v\\'\"";
    const char *name = memchr(names, text[0], sizeof names - 1);
    if (name) {
        *code = (unsigned char)values[name - names];
        return 1;
    }
    return text[0] == 'x' && read_hex(text + 1, count - 1, 2, code) ? 3 : 0;
}

ft_status machine_text_string(struct machine *machine, bool unicode, struct value *result)
{
    const char *text;
    size_t count;
    ft_status status = machine_line(machine, &text, &count);
    if (status)
        return status;
    if (!unicode) {
        if (count < 2 || text[0] != text[count - 1] || (text[0] != '\'' && text[0] != '"'))
            return machine_fail(machine, "a string without quotes");
        text++;
        count -= 2;
    }
    if (count > UINT32_MAX / 4 || !machine_spend(machine, 2 * count + 1))
        return FT_MODEL;
    char *out = arena_alloc(machine->strings, 2 * count + 1); /* a Latin-1 byte may take two */
    if (!out)
        return machine_nomem(machine);
    size_t bytes = 0;
    for (size_t i = 0; i < count;) {
        uint32_t code = (unsigned char)text[i++];
        if (code == '\\') {
            size_t read = unescape(text + i, count - i, unicode, &code);
            if (!read && !unicode)
                return machine_fail(machine, "a string with a bad escape");
            i += read;
        }
        if (code < 0x80)
            out[bytes++] = (char)code;
        else
            bytes += utf8_encode(code, out + bytes);
    }
    *result = (struct value){.kind = VALUE_STR, .count = (uint32_t)bytes, .as.text = out};
    return FT_OK;
}

ft_status machine_latin1(struct machine *machine, const struct value *text, struct value *result)
{
    if (!machine_spend(machine, text->count + (size_t)1))
        return FT_MODEL;
    unsigned char *out = arena_alloc(machine->strings, text->count + (size_t)1);
    if (!out)
        return machine_nomem(machine);
    const unsigned char *in = (const unsigned char *)text->as.text;
    size_t bytes = 0;
    for (size_t i = 0; i < text->count; i++) {
        if (in[i] < 0x80)
            out[bytes++] = in[i];
        else if ((in[i] == 0xc2 || in[i] == 0xc3) && i + 1 < text->count && (in[i + 1] & 0xc0) == 0x80) {
            out[bytes++] = (unsigned char)(in[i] << 6 | (in[i + 1] & 0x3f));
            i++;
        } else
            return machine_fail(machine, "bytes that are no Latin-1 text");
    }
    *result = (struct value){.kind = VALUE_BYTES, .count = (uint32_t)bytes, .as.text = (const char *)out};
    return FT_OK;
}
