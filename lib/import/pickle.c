/* pickle.c - see pickle.h: the opcodes. Each is checked against the stream, the stack and the memo before it acts. */
#include "import/pickle.h"
#include "import/pickle_machine.h"
#include <stdlib.h>
#include <string.h>

/* Bytes of tree a byte of stream may cost, and what small streams get on top: see pickle.h. */
enum { BYTES_PER_BYTE = 8, BYTES_AT_LEAST = 4 << 20 };

static size_t budget(size_t count, size_t whole)
{
    size_t by_stream = count > SIZE_MAX / 16 ? SIZE_MAX / 2 : BYTES_PER_BYTE * count;
    size_t by_file = whole > SIZE_MAX / 16 ? SIZE_MAX / 2 : whole * 5 / 2;
    return (by_stream < by_file ? by_stream : by_file) + BYTES_AT_LEAST;
}

static bool need(struct machine *machine, size_t bytes)
{
    if (bytes <= machine->count - machine->at)
        return true;
    machine_fail(machine, "a size beyond the end of the file");
    return false;
}

static bool read_number(struct machine *machine, size_t bytes, uint64_t *number)
{
    if (!need(machine, bytes))
        return false;
    *number = 0;
    for (size_t i = 0; i < bytes; i++)
        *number |= (uint64_t)machine->bytes[machine->at + i] << (8 * i);
    machine->at += bytes;
    return true;
}

/* Values below the last MARK are out of reach of ordinary opcodes. */
static size_t reachable(const struct machine *machine)
{
    return machine->depth - (machine->mark_count ? machine->marks[machine->mark_count - 1] : 0);
}

static bool have(struct machine *machine, size_t values)
{
    if (reachable(machine) >= values)
        return true;
    machine_fail(machine, "stack underflow");
    return false;
}

static struct value *top(struct machine *machine)
{
    return &machine->stack[machine->depth - 1];
}

static ft_status push_plain(struct machine *machine, enum value_kind kind, int64_t integer)
{
    return machine_push(machine, (struct value){.kind = kind, .as.integer = integer});
}

/* A string or byte string of the stream, borrowed; its length takes `size_bytes` bytes. */
static ft_status push_text(struct machine *machine, enum value_kind kind, size_t size_bytes)
{
    uint64_t count;
    if (!read_number(machine, size_bytes, &count))
        return FT_MODEL;
    if (count > UINT32_MAX)
        return machine_fail(machine, "a string of more than 4 GiB");
    if (!need(machine, (size_t)count))
        return FT_MODEL;
    const char *text = (const char *)machine->bytes + machine->at;
    machine->at += (size_t)count;
    return machine_push(machine, (struct value){.kind = kind, .count = (uint32_t)count, .as.text = text});
}

static ft_status push_long(struct machine *machine, size_t size_bytes)
{
    ft_status status = push_text(machine, VALUE_BIG, size_bytes);
    if (status)
        return status;
    struct value *value = top(machine);
    if (value->count > 8)
        return FT_OK;
    uint64_t number = 0;
    for (size_t i = 0; i < value->count; i++)
        number |= (uint64_t)(unsigned char)value->as.text[i] << (8 * i);
    if (value->count && value->count < 8 && (unsigned char)value->as.text[value->count - 1] & 0x80)
        number |= UINT64_MAX << (8 * value->count);
    *value = (struct value){.kind = VALUE_INT, .as.integer = (int64_t)number};
    return FT_OK;
}

static ft_status push_float(struct machine *machine)
{
    if (!need(machine, 8))
        return FT_MODEL;
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++)
        bits = bits << 8 | machine->bytes[machine->at + i];
    machine->at += 8;
    struct value value = {.kind = VALUE_FLOAT};
    memcpy(&value.as.number, &bits, sizeof bits);
    return machine_push(machine, value);
}

static ft_status push_mark(struct machine *machine)
{
    if (machine->mark_count == MARKS_MAX)
        return machine_fail(machine, "data nested too deeply");
    machine->marks[machine->mark_count++] = machine->depth;
    return FT_OK;
}

/* The values above the last mark: *values of them, still on the stack, the mark removed. */
static bool pop_mark(struct machine *machine, size_t *values)
{
    if (!machine->mark_count) {
        machine_fail(machine, "no mark on the stack");
        return false;
    }
    *values = machine->depth - machine->marks[--machine->mark_count];
    return true;
}

/* Replaces the upper `values` values by one container of them. */
static ft_status collect(struct machine *machine, enum value_kind kind, size_t values)
{
    struct value container = {.kind = kind, .as.items = machine->empty};
    const struct value *from = values ? machine->stack + machine->depth - values : NULL;
    if (kind == VALUE_TUPLE && values) {
        container.as.items = machine_items(machine, from, values);
        if (!container.as.items)
            return FT_MODEL;
    } else if (kind != VALUE_TUPLE) {
        container.as.items = machine_items(machine, NULL, 0);
        if (!container.as.items)
            return FT_MODEL;
        ft_status status = kind == VALUE_DICT ? machine_set(machine, &container, from, values)
                                              : machine_append(machine, &container, from, values);
        if (status)
            return status;
    }
    machine->depth -= values;
    return machine_push(machine, container);
}

static ft_status collect_to_mark(struct machine *machine, enum value_kind kind)
{
    size_t values;
    return pop_mark(machine, &values) ? collect(machine, kind, values) : FT_MODEL;
}

/* The upper `values` values go into the container below them. */
static ft_status fill(struct machine *machine, bool pairs, size_t values)
{
    if (!have(machine, values + 1))
        return FT_MODEL;
    struct value *from = machine->stack + machine->depth - values;
    ft_status status =
        pairs ? machine_set(machine, from - 1, from, values) : machine_append(machine, from - 1, from, values);
    machine->depth -= values;
    return status;
}

static ft_status fill_to_mark(struct machine *machine, bool pairs)
{
    size_t values;
    return pop_mark(machine, &values) ? fill(machine, pairs, values) : FT_MODEL;
}

static ft_status memo_put(struct machine *machine, uint64_t index)
{
    if (!have(machine, 1))
        return FT_MODEL;
    if (index >= machine->count)
        return machine_fail(machine, "a memo entry beyond any that the file could fill");
    if (index >= machine->memo_capacity) {
        size_t capacity = machine->memo_capacity ? machine->memo_capacity * 2 : 1024;
        if (capacity <= index)
            capacity = (size_t)index + 1;
        if (!machine_spend(machine, (capacity - machine->memo_capacity) * sizeof *machine->memo))
            return FT_MODEL;
        struct value *grown = realloc(machine->memo, capacity * sizeof *grown);
        if (!grown)
            return machine_nomem(machine);
        machine->memo = grown;
        machine->memo_capacity = capacity;
    }
    for (; machine->memo_count <= index; machine->memo_count++)
        machine->memo[machine->memo_count].kind = MEMO_UNSET;
    if (machine->memo[index].kind == MEMO_UNSET)
        machine->memo_used++;
    machine->memo[index] = *top(machine);
    return FT_OK;
}

static ft_status memo_get(struct machine *machine, uint64_t index)
{
    if (index >= machine->memo_count || machine->memo[index].kind == MEMO_UNSET)
        return machine_fail(machine, "a memo entry that was never made");
    return machine_push(machine, machine->memo[index]);
}

static ft_status memo_by_number(struct machine *machine, size_t bytes, bool put)
{
    uint64_t index;
    if (!read_number(machine, bytes, &index))
        return FT_MODEL;
    return put ? memo_put(machine, index) : memo_get(machine, index);
}

static ft_status memo_by_text(struct machine *machine, bool put)
{
    struct value number;
    ft_status status = machine_text_number(machine, 'L', &number);
    if (status)
        return status;
    if (number.as.integer < 0)
        return machine_fail(machine, "a negative memo entry");
    return put ? memo_put(machine, (uint64_t)number.as.integer) : memo_get(machine, (uint64_t)number.as.integer);
}

static ft_status class_from_lines(struct machine *machine, struct value *class)
{
    const char *module, *name;
    size_t module_bytes, name_bytes;
    ft_status status = machine_line(machine, &module, &module_bytes);
    if (!status)
        status = machine_line(machine, &name, &name_bytes);
    return status ? status : machine_class(machine, module, module_bytes, name, name_bytes, class);
}

static ft_status op_global(struct machine *machine)
{
    struct value class;
    ft_status status = class_from_lines(machine, &class);
    return status ? status : machine_push(machine, class);
}

static ft_status op_stack_global(struct machine *machine)
{
    if (!have(machine, 2))
        return FT_MODEL;
    struct value name = machine->stack[--machine->depth], module = *top(machine);
    if (name.kind != VALUE_STR || module.kind != VALUE_STR)
        return machine_fail(machine, "a class whose name is no string");
    return machine_class(machine, module.as.text, module.count, name.as.text, name.count, top(machine));
}

/* REDUCE and NEWOBJ: a callable and a tuple become one value. */
static ft_status op_call(struct machine *machine, bool new_object)
{
    if (!have(machine, 2))
        return FT_MODEL;
    struct value args = machine->stack[--machine->depth], function = *top(machine);
    return new_object ? machine_new(machine, &function, &args, top(machine))
                      : machine_reduce(machine, &function, &args, top(machine));
}

static ft_status op_new_object_with_keywords(struct machine *machine)
{
    if (!have(machine, 3))
        return FT_MODEL;
    machine->depth--; /* the keywords */
    return op_call(machine, true);
}

/* OBJ: mark, class, arguments. INST: the class comes as two lines. */
static ft_status op_old_object(struct machine *machine, bool inst)
{
    struct value class, object;
    size_t values;
    ft_status status = FT_OK;
    if (inst)
        status = class_from_lines(machine, &class);
    if (status || !pop_mark(machine, &values))
        return FT_MODEL;
    if (!inst) {
        if (!values)
            return machine_fail(machine, "stack underflow");
        class = machine->stack[machine->depth - values];
        values--;
    }
    status = collect(machine, VALUE_TUPLE, values);
    if (!status)
        status = machine_new(machine, &class, top(machine), &object);
    machine->depth -= inst ? 1 : 2;
    return status ? status : machine_push(machine, object);
}

static ft_status op_build(struct machine *machine)
{
    if (!have(machine, 2))
        return FT_MODEL;
    struct value state = machine->stack[--machine->depth];
    return machine_build(machine, top(machine), state);
}

static ft_status op_persistent(struct machine *machine)
{
    if (!have(machine, 1))
        return FT_MODEL;
    struct value id = *top(machine);
    return machine_persistent(machine, &id, top(machine));
}

static ft_status op_pop(struct machine *machine)
{
    if (!reachable(machine) && machine->mark_count) {
        machine->mark_count--;
        return FT_OK;
    }
    if (!have(machine, 1))
        return FT_MODEL;
    machine->depth--;
    return FT_OK;
}

static ft_status op_pop_mark(struct machine *machine)
{
    size_t values;
    if (!pop_mark(machine, &values))
        return FT_MODEL;
    machine->depth -= values;
    return FT_OK;
}

static ft_status op_text_value(struct machine *machine, int opcode)
{
    struct value value;
    ft_status status = opcode == 'S' || opcode == 'V' ? machine_text_string(machine, opcode == 'V', &value)
                                                      : machine_text_number(machine, opcode, &value);
    return status ? status : machine_push(machine, value);
}

static ft_status op_integer(struct machine *machine, size_t bytes)
{
    uint64_t number;
    if (!read_number(machine, bytes, &number))
        return FT_MODEL;
    return push_plain(machine, VALUE_INT, bytes == 4 ? (int64_t)(int32_t)(uint32_t)number : (int64_t)number);
}

static ft_status op_header(struct machine *machine, int opcode)
{
    uint64_t number;
    if (!read_number(machine, opcode == 0x80 ? 1 : 8, &number))
        return FT_MODEL;
    if (opcode == 0x80 && number > 5)
        return machine_fail(machine, "a pickle protocol newer than 5");
    return FT_OK; /* the length of a frame says nothing that its opcodes do not */
}

static ft_status step(struct machine *machine, int opcode)
{
    switch (opcode) {
    case 0x80:
    case 0x95: return op_header(machine, opcode);
    case '(': return push_mark(machine);
    case '0': return op_pop(machine);
    case '1': return op_pop_mark(machine);
    case '2': return have(machine, 1) ? machine_push(machine, *top(machine)) : FT_MODEL;
    case 'N': return push_plain(machine, VALUE_NONE, 0);
    case 0x88: return push_plain(machine, VALUE_BOOL, 1);
    case 0x89: return push_plain(machine, VALUE_BOOL, 0);
    case 'K': return op_integer(machine, 1);
    case 'M': return op_integer(machine, 2);
    case 'J': return op_integer(machine, 4);
    case 0x8a: return push_long(machine, 1);
    case 0x8b: return push_long(machine, 4);
    case 'G': return push_float(machine);
    case 'F':
    case 'I':
    case 'L':
    case 'S':
    case 'V': return op_text_value(machine, opcode);
    case 'U':
    case 0x8c: return push_text(machine, VALUE_STR, 1);
    case 'T':
    case 'X': return push_text(machine, VALUE_STR, 4);
    case 0x8d: return push_text(machine, VALUE_STR, 8);
    case 'C': return push_text(machine, VALUE_BYTES, 1);
    case 'B': return push_text(machine, VALUE_BYTES, 4);
    case 0x8e:
    case 0x96: return push_text(machine, VALUE_BYTES, 8);
    case 0x98: return FT_OK; /* READONLY_BUFFER */
    case ')': return collect(machine, VALUE_TUPLE, 0);
    case 0x85: return have(machine, 1) ? collect(machine, VALUE_TUPLE, 1) : FT_MODEL;
    case 0x86: return have(machine, 2) ? collect(machine, VALUE_TUPLE, 2) : FT_MODEL;
    case 0x87: return have(machine, 3) ? collect(machine, VALUE_TUPLE, 3) : FT_MODEL;
    case 't': return collect_to_mark(machine, VALUE_TUPLE);
    case ']': return collect(machine, VALUE_LIST, 0);
    case 'l': return collect_to_mark(machine, VALUE_LIST);
    case '}': return collect(machine, VALUE_DICT, 0);
    case 'd': return collect_to_mark(machine, VALUE_DICT);
    case 0x8f: return collect(machine, VALUE_SET, 0);
    case 0x91: return collect_to_mark(machine, VALUE_SET);
    case 'a': return fill(machine, false, 1);
    case 's': return fill(machine, true, 2);
    case 'e':
    case 0x90: return fill_to_mark(machine, false);
    case 'u': return fill_to_mark(machine, true);
    case 'p': return memo_by_text(machine, true);
    case 'g': return memo_by_text(machine, false);
    case 'q': return memo_by_number(machine, 1, true);
    case 'r': return memo_by_number(machine, 4, true);
    case 'h': return memo_by_number(machine, 1, false);
    case 'j': return memo_by_number(machine, 4, false);
    case 0x94: return memo_put(machine, machine->memo_used);
    case 'c': return op_global(machine);
    case 0x93: return op_stack_global(machine);
    case 'R': return op_call(machine, false);
    case 0x81: return op_call(machine, true);
    case 0x92: return op_new_object_with_keywords(machine);
    case 'o': return op_old_object(machine, false);
    case 'i': return op_old_object(machine, true);
    case 'b': return op_build(machine);
    case 'Q': return op_persistent(machine);
    case 'P': return machine_fail(machine, "a persistent id written as text");
    case 0x97: return machine_fail(machine, "a buffer that is not in the file");
    case 0x82:
    case 0x83:
    case 0x84: return machine_fail(machine, "an extension code");
    default: return machine_fail(machine, "an unknown opcode");
    }
}

static ft_status run(struct machine *machine)
{
    machine->pickle->storages = machine_items(machine, NULL, 0);
    machine->empty = machine_items(machine, NULL, 0);
    machine->marks = calloc(MARKS_MAX, sizeof *machine->marks);
    if (!machine->marks)
        return machine_nomem(machine);
    if (!machine->pickle->storages || !machine->empty)
        return FT_MODEL;
    for (;;) {
        machine->opcode_at = machine->at;
        if (machine->at == machine->count)
            return machine_fail(machine, "the end of the data in the middle of a pickle");
        int opcode = machine->bytes[machine->at++];
        if (opcode == '.')
            break;
        ft_status status = step(machine, opcode);
        if (status)
            return status;
    }
    if (machine->mark_count || machine->depth != 1)
        return machine_fail(machine, "a pickle that ends with other than one value");
    machine->pickle->root = machine->stack[0];
    machine->pickle->consumed = machine->at;
    return FT_OK;
}

ft_status pickle_read(struct pickle *pickle, const char *bytes, size_t count, size_t offset, size_t whole,
                      const char *path, const char *part, struct arena *strings, struct ft_error *error)
{
    *pickle = (struct pickle){0};
    arena_init(&pickle->arena);
    struct machine machine = {.bytes = (const unsigned char *)bytes,
                              .count = count,
                              .offset = offset,
                              .path = path,
                              .part = part,
                              .pickle = pickle,
                              .strings = strings,
                              .error = error};
    machine.budget = budget(count, whole);
    ft_status status = run(&machine);
    free(machine.stack);
    free(machine.memo);
    free(machine.marks);
    if (status)
        pickle_release(pickle);
    return status && machine.no_memory ? FT_NOMEM : status;
}

void pickle_release(struct pickle *pickle)
{
    for (struct value_items *items = pickle->heap; items; items = items->next_heap)
        free(items->at);
    arena_release(&pickle->arena);
    *pickle = (struct pickle){0};
}
