/* operands.c - see operands.h. */
#include "operands.h"
#include "emulator.h"

size_t operand_span(const struct operand *operand)
{
    return operand->column && operand->columns ? (operand->columns - 1) * operand->stride + operand->column : 0;
}

bool operand_is_valid(const char *call, const struct operand *operand, size_t alignment)
{
    size_t bytes = operand_span(operand);
    if (bytes == 0)
        return true;
    if (!emu_is_device(operand->at)) {
        emu_mistake("%s: %s (%p) is not memory of the device", call, operand->name, operand->at);
        return false;
    }
    if (!emu_in_allocation(operand->at, bytes)) {
        emu_mistake("%s: %s takes %zu bytes from %p, which do not lie in one allocation", call, operand->name, bytes,
                    operand->at);
        return false;
    }
    if ((uintptr_t)operand->at % alignment != 0) {
        emu_mistake("%s: %s (%p) is not aligned to %zu bytes", call, operand->name, operand->at, alignment);
        return false;
    }
    return true;
}

/* Goes through both columns in ascending order, always on where a column ends first. */
static bool meet(const struct operand *a, const struct operand *b)
{
    uintptr_t a_begin = (uintptr_t)a->at, b_begin = (uintptr_t)b->at;
    size_t a_span = operand_span(a), b_span = operand_span(b), i = 0, j = 0;
    if (a_span == 0 || b_span == 0 || a_begin + a_span <= b_begin || b_begin + b_span <= a_begin)
        return false;
    while (i < a->columns && j < b->columns) {
        uintptr_t a_column = a_begin + i * a->stride, b_column = b_begin + j * b->stride;
        if (a_column < b_column + b->column && b_column < a_column + a->column)
            return true;
        if (a_column < b_column)
            i++;
        else
            j++;
    }
    return false;
}

bool operand_is_apart(const char *call, const struct operand *written, const struct operand *others, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (meet(written, &others[i])) {
            emu_mistake("%s: %s, which is written, overlaps %s", call, written->name, others[i].name);
            return false;
        }
    return true;
}
