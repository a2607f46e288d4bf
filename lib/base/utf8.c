/* utf8.c - see utf8.h. Properties and simple case mappings come from utf8proc; the two rules of Python's str.lower that
 * are not one-to-one (U+0130 and the final sigma, Unicode's SpecialCasing.txt) are here. */
#include "base/utf8.h"
#include <string.h>
#include <utf8proc.h>

size_t utf8_decode(const char *s, size_t bytes, uint32_t *code_point)
{
    const unsigned char *u = (const unsigned char *)s;
    if (!bytes)
        return 0;
    if (u[0] < 0x80) {
        *code_point = u[0];
        return 1;
    }
    size_t length = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (u[0] < 0xc2 || u[0] > 0xf4 || bytes < length)
        return 0;
    uint32_t c = u[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((u[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (u[i] & 0x3f);
    }
    if (c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *code_point = c;
    return length;
}

size_t utf8_encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = length; --i > 0; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    static const unsigned char lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[length] | c);
    return length;
}

size_t utf8_count(const char *s, size_t bytes)
{
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++)
        count += ((unsigned char)s[i] & 0xc0) != 0x80;
    return count;
}

bool utf8_valid(const char *s, size_t bytes, size_t *bad)
{
    for (size_t at = 0; at < bytes;) {
        uint32_t c;
        size_t length = (unsigned char)s[at] < 0x80 ? 1 : utf8_decode(s + at, bytes - at, &c);
        if (!length) {
            *bad = at;
            return false;
        }
        at += length;
    }
    return true;
}

bool unicode_is_space(uint32_t c)
{
    if (c < 0x80)
        return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20);
    if (c == 0x85)
        return true;
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

bool unicode_is_decimal(uint32_t c)
{
    if (c < 0x80)
        return c >= '0' && c <= '9';
    return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_ND;
}

uint32_t unicode_lower(uint32_t c)
{
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
}

uint32_t unicode_upper(uint32_t c)
{
    return (uint32_t)utf8proc_toupper((utf8proc_int32_t)c);
}

static bool is_cased(uint32_t c)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL || category == UTF8PROC_CATEGORY_LT ||
           utf8proc_tolower((utf8proc_int32_t)c) != (utf8proc_int32_t)c ||
           utf8proc_toupper((utf8proc_int32_t)c) != (utf8proc_int32_t)c || c == 0xaa || c == 0xba ||
           (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) || (c >= 0x1f170 && c <= 0x1f189);
}

/* Case_Ignorable: marks, modifiers, format characters, and the word-internal punctuation of Word_Break MidLetter,
 * MidNumLet and Single_Quote. */
static bool is_case_ignorable(uint32_t c)
{
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    default:
        return c == '\'' || c == '.' || c == ':' || c == 0xb7 || c == 0x387 || c == 0x55f || c == 0x5f4 ||
               c == 0x2018 || c == 0x2019 || c == 0x2024 || c == 0x2027 || c == 0xfe13 || c == 0xfe52 || c == 0xfe55 ||
               c == 0xff07 || c == 0xff0e || c == 0xff1a;
    }
}

/* Final_Sigma: a cased letter stands before (case-ignorable ones between), none behind. Both looks end at the nearest
 * sigma, so a text of sigmas takes linear time. */
static bool sigma_is_final(const char *s, size_t bytes, size_t at)
{
    bool before = false;
    uint32_t c;
    for (size_t i = at; i > 0;) {
        do
            i--;
        while (i > 0 && ((unsigned char)s[i] & 0xc0) == 0x80);
        if (!utf8_decode(s + i, bytes - i, &c))
            return false;
        if (!is_case_ignorable(c)) {
            before = is_cased(c);
            break;
        }
    }
    if (!before)
        return false;
    for (size_t i = at + 2, length; i < bytes && (length = utf8_decode(s + i, bytes - i, &c)); i += length)
        if (!is_case_ignorable(c))
            return !is_cased(c);
    return true;
}

size_t utf8_lower(const char *s, size_t bytes, char *out, size_t room)
{
    size_t written = 0;
    for (size_t at = 0, length; at < bytes; at += length) {
        char one[4];
        uint32_t c;
        length = utf8_decode(s + at, bytes - at, &c);
        if (!length)
            break;
        const char *piece = one;
        size_t piece_bytes;
        if (c == 0x130) { /* LATIN CAPITAL LETTER I WITH DOT ABOVE */
            piece = "i\xcc\x87";
            piece_bytes = 3;
        } else if (c == 0x3a3 && sigma_is_final(s, bytes, at)) {
            piece = "\xcf\x82";
            piece_bytes = 2;
        } else {
            piece_bytes = utf8_encode((uint32_t)utf8proc_tolower((utf8proc_int32_t)c), one);
        }
        if (written + piece_bytes <= room)
            memcpy(out + written, piece, piece_bytes);
        written += piece_bytes;
    }
    return written;
}
