/* operands.h - what the drop-in cuBLAS and cuDNN check of the device memory they are given. What is wrong is a mistake
 * of the program under test (emu_mistake), said with the call's and the operand's name. */
#ifndef EMU_OPERANDS_H
#define EMU_OPERANDS_H
#include <stdbool.h>
#include <stddef.h>

/* Columns of `column` bytes each, `stride` bytes apart. */
struct operand {
    const char *name; /* in the call's documentation */
    const void *at;
    size_t column, columns, stride;
};

/* That all of it lies in one allocation of the device and begins at a multiple of `alignment`. Nothing (0 bytes) lies
 * anywhere. */
bool operand_is_valid(const char *call, const struct operand *operand, size_t alignment);

/* That what is written meets none of `others`. Bytes between columns do not count, so that parts of rows may be written
 * beside others. */
bool operand_is_apart(const char *call, const struct operand *written, const struct operand *others, size_t count);

/* First and last byte's end; columns of nothing span nothing. */
size_t operand_span(const struct operand *operand);

#endif
