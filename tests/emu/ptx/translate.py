#!/usr/bin/env python3
"""translate.py PTX C - makes C of the PTX that nvcc writes for kernels/*.cu, for the emulated device.

Each register becomes a variable of raw bits, each instruction a statement, each entry a function that registers itself
under its name (emu_register_kernel). Lines of the source (nvcc -lineinfo) go along, so that messages name them. The
result stands on machine.h. Only what these kernels use, and its close relatives, is known: anything else ends the
program with the text that it stumbled over, and status 1.
"""
import os
import re
import sys

BITS = {"pred": "bool", "8": "uint8_t", "16": "uint16_t", "32": "uint32_t", "64": "uint64_t"}
SPECIAL = {
    register + "." + axis: f"{variable}.{axis}"
    for register, variable in (("tid", "emu_thread"), ("ctaid", "emu_block"), ("ntid", "emu_block_size"),
                               ("nctaid", "emu_grid_size"))
    for axis in "xyz"
}
SPECIAL["laneid"] = "((emu_thread.z * emu_block_size.y + emu_thread.y) * emu_block_size.x + emu_thread.x) % 32"


class Unknown(Exception):
    pass


def width(kind):
    return "pred" if kind == "pred" else kind[1:]


def size(kind):
    return int(width(kind)) // 8


def value_type(kind):
    """C's type for a PTX type: floats and signed numbers as such, the rest as unsigned ones."""
    if kind in ("f32", "f64"):
        return "float" if kind == "f32" else "double"
    if kind[0] == "s":
        return BITS[width(kind)][1:]
    if kind[0] in "ub" or kind == "pred":
        return BITS[width(kind)]
    raise Unknown("type " + kind)


def wider(kind):
    return kind[0] + str(2 * int(width(kind)))


# For an opcode with its modifiers but without its type: the result in terms of the operands a, b, c, which have the
# type's C type, of that type t and its bits n. u: unsigned of 64 bits, in which sums and products wrap as they should.
INTEGER = {
    "add": "(u)a + (u)b",
    "sub": "(u)a - (u)b",
    "mul.lo": "(u)a * (u)b",
    "mul.hi": "(__int128)a * b >> n",
    "mad.lo": "(u)a * (u)b + (u)c",
    "div": "b != 0 ? (t)(a / b) : (t)-1",
    "rem": "b != 0 ? a % b : a",
    "min": "a < b ? a : b",
    "max": "a > b ? a : b",
    "neg": "-(u)a",
    "abs": "a < 0 ? -(u)a : (u)a",
    "and": "a & b",
    "or": "a | b",
    "xor": "a ^ b",
    "not": "~a",
    "popc": "__builtin_popcountll(a)",
}
FLOAT = {
    "add": "a + b",
    "sub": "a - b",
    "mul": "a * b",
    "div.rn": "a / b",
    "rcp.rn": "1 / a",
    "neg": "-a",
    "fma.rn": "fma@(a, b, c)",
    "min": "fmin@(a, b)",
    "max": "fmax@(a, b)",
    "abs": "fabs@(a)",
    "copysign": "copysign@(b, a)",
    "sqrt.rn": "sqrt@(a)",
}
FLOAT.update({name + ".rn": FLOAT[name] for name in ("add", "sub", "mul")})
SINGLE = {
    "fma.rm": "ptx_fma_down(a, b, c)",
    "ex2.approx": "exp2f(a)",
    "ex2.approx.ftz": "ptx_flush(exp2f(ptx_flush(a)))",
    "lg2.approx": "log2f(a)",
    "lg2.approx.ftz": "log2f(ptx_flush(a))",
    "rcp.approx.ftz": "ptx_flush(1 / ptx_flush(a))",
    "rsqrt.approx.ftz": "ptx_flush(1 / sqrtf(ptx_flush(a)))",
}
DOUBLE = {"rcp.approx.ftz": "ptx_rough_reciprocal(a)"}
PREDICATE = {"and": "a & b", "or": "a | b", "xor": "a ^ b", "not": "!a"}
COMPARISON = {
    "eq": "a == b", "ne": "a < b || a > b", "lt": "a < b", "le": "a <= b", "gt": "a > b", "ge": "a >= b",
    "lo": "a < b", "ls": "a <= b", "hi": "a > b", "hs": "a >= b",
    "equ": "!(a < b || a > b)", "neu": "!(a == b)", "ltu": "!(a >= b)", "leu": "!(a > b)", "gtu": "!(a <= b)",
    "geu": "!(a < b)", "num": "a == a && b == b", "nan": "a != a || b != b",
}
SHUFFLE = {"bfly": "EMU_SHFL_XOR", "down": "EMU_SHFL_DOWN", "up": "EMU_SHFL_UP", "idx": "EMU_SHFL_IDX"}


def formula(opcode, kind):
    """The entry of the tables above for an instruction, or None."""
    if kind == "pred":
        return PREDICATE.get(opcode)
    if kind[0] == "f":
        found = (SINGLE if kind == "f32" else DOUBLE).get(opcode) or FLOAT.get(opcode)
        return found and found.replace("@", "f" if kind == "f32" else "")
    return INTEGER.get(opcode)


class Entry:
    """One kernel: its name, parameters and body, and the C of its instructions."""

    def __init__(self, name, parameters, body, shared, source_files):
        self.name, self.shared, self.files = name, dict(shared), source_files
        self.types, self.lines, self.where = {}, [], None
        self.parameters, self.sizes, self.bytes = {}, [], 0
        for parameter in filter(None, (text.strip() for text in parameters.split(","))):
            self.add_parameter(parameter)
        self.occurrences = {}
        for register in re.findall(r"%[a-z]+\d+", body):
            self.occurrences[register] = self.occurrences.get(register, 0) + 1
        body = re.sub(r"^\s*\.shared[^;]*;", "", body, flags=re.M)
        # A block of its own has one register, which takes the half of a number that nobody wants.
        body = re.sub(r"\{\s*\.reg \.b32 (%?\w+);([^{}]*\{[^{}]*\}[^{}]*)\}",
                      lambda block: re.sub(block[1] + r"\b", "_", block[2]), body)
        for text in body.splitlines():
            text = " ".join(text.split())
            if not text:
                continue
            try:
                self.statement(text)
            except (Unknown, AttributeError, IndexError, KeyError, ValueError) as error:
                raise Unknown(f"{name}: cannot translate `{text}` ({error})") from error

    def add_parameter(self, text):
        match = re.fullmatch(r"\.param (?:\.align (\d+) )?\.(\w+)(?: \.ptr)?(?: \.\w+(?: \d+)?)* (\w+)(?:\[(\d+)\])?", text)
        if not match:
            raise Unknown(f"{self.name}: parameter `{text}`")
        alignment, kind, name, count = match.groups()
        bytes_ = size(kind) * int(count or 1)
        alignment = int(alignment or bytes_)
        at = (self.bytes + alignment - 1) // alignment * alignment
        self.parameters[name] = at
        self.sizes.append((at, bytes_))
        self.bytes = at + bytes_

    def statement(self, text):
        if text.startswith(".loc"):
            number, line = map(int, text.split()[1:3])
            if line != 0: # else the compiler's own
                self.where = f'#line {line} "{self.files[number]}"'
            return
        if text.startswith(".reg"):
            kind, prefix, count = re.fullmatch(r"\.reg \.(\w+) %([a-z]+)<(\d+)>;", text).groups()
            self.types.update({f"%{prefix}{i}": kind for i in range(int(count))})
            return
        if text.startswith(".pragma"):
            return
        if text.endswith(":"):
            self.lines.append(f"{text[:-1].lstrip('$')}:;")
            return
        guard, text = re.fullmatch(r"(?:@(!?%p\d+) )?([^;]*);", text).groups()
        code = self.instruction(text)
        if guard:
            code = f"if ({guard.replace('%', '')}) {{ {code} }}"
        if self.where:
            self.lines.append(self.where)
        self.lines.append("    " + code)

    def raw(self, operand, kind):
        """The operand's bits, as an expression of the type's width or more."""
        bits = BITS[width(kind)]
        if operand in self.types:
            return operand[1:]
        if operand[0] == "%":
            return SPECIAL[operand[1:]]
        if operand in self.shared:
            return self.shared[operand]
        if operand in self.parameters:
            return f"((uintptr_t)parameters + {self.parameters[operand]})"
        if re.fullmatch(r"0[fFdD][0-9a-fA-F]+", operand):
            return f"0x{operand[2:]}ull"
        if re.fullmatch(r"-?(0x)?[0-9a-fA-F]+", operand):
            return f"(({bits}){int(operand, 0) & 0xFFFFFFFFFFFFFFFF:#x}ull)" if kind != "pred" else str(int(operand, 0) & 1)
        raise Unknown("operand " + operand)

    def value(self, operand, kind):
        raw = self.raw(operand, kind)
        if kind[0] == "f":
            return f"ptx_{value_type(kind)}({raw})"
        return f"({value_type(kind)}){raw}"

    def set(self, register, kind, expression):
        """Assigns an expression of the C type of `kind`; numbers are extended to wider registers as their type says."""
        if self.types[register] == "pred":
            return f"{register[1:]} = {expression};"
        if kind[0] == "f":
            return f"{register[1:]} = ptx_{kind}_bits({expression});"
        return f"{register[1:]} = ({BITS[width(self.types[register])]})({value_type(kind)})({expression});"

    def address(self, operand, space):
        base, offset = re.fullmatch(r"\[([^+\]]+)(?:\+(-?\d+))?\]", operand).groups()
        if space == "shared":
            return f"ptx_shared((uint32_t)({self.raw(base, 'b32')} + {int(offset or 0) & 0xFFFFFFFF:#x}u))"
        if space not in ("global", "param"):
            raise Unknown("memory ." + space)
        return f"(uintptr_t)({self.raw(base, 'b64')} + {int(offset or 0) & 0xFFFFFFFFFFFFFFFF:#x}ull)"

    def memory(self, parts, operands):
        load, space, kind = parts[0] == "ld", parts[1], parts[-1]
        between = [part for part in parts[2:-1] if part not in ("nc", "v2", "v4")]
        if between or (not load and space == "param"):
            raise Unknown("modifiers")
        at, registers = (operands[1], operands[0]) if load else operands
        if registers[0] == "{":
            registers = [register.strip() for register in registers[1:-1].split(",")]
            accessed = f"ptx_v{len(registers)}_{width(kind)}"
            place = f"*({accessed} *){self.address(at, space)}"
            if load:
                bits = "".join(f"{register[1:]} = v[{i}]; " for i, register in enumerate(registers))
                return f"{{ {accessed} v = {place}; {bits}}}"
            return f"{place} = ({accessed}){{{', '.join(self.raw(register, kind) for register in registers)}}};"
        accessed = value_type(kind) if kind[0] == "s" else BITS[width(kind)]
        place = f"*({accessed} *){self.address(at, space)}"
        if load:
            return f"{registers[1:]} = ({BITS[width(self.types[registers])]}){place};"
        return f"{place} = ({accessed}){self.raw(registers, kind)};"

    def convert(self, modifiers, to, source, operands):
        a = self.value(operands[1], source)
        rounding = [modifier for modifier in modifiers if modifier not in ("sat", "ftz")]
        if "ftz" in modifiers and source == "f32":
            a = f"ptx_flush({a})"
        floats = (to[0] == "f") + (source[0] == "f")
        known = {
            0: [[]],
            1: [["rn"]] if to[0] == "f" else [],
            2: [[], ["rn"]] if to != source else [[], ["rni"], ["rzi"], ["rmi"], ["rpi"]],
        }[floats]
        if rounding not in known or ("sat" in modifiers and (to != "f32" or source != "f32")):
            raise Unknown("modifiers")
        suffix = "f" if source == "f32" else ""
        function = {"rni": "rint", "rzi": "trunc", "rmi": "floor", "rpi": "ceil"}.get("".join(rounding))
        if function:
            a = f"{function}{suffix}({a})"
        if "sat" in modifiers:
            a = f"ptx_saturate({a})"
        return self.set(operands[0], to, f"({value_type(to)})({a})")

    def instruction(self, text):
        opcode, _, rest = text.partition(" ")
        operands = [operand.strip() for operand in re.split(r",(?![^{\[]*[}\]])", rest)] if rest else []
        parts = opcode.split(".")
        name, kind = parts[0], parts[-1]
        if opcode in ("ret", "exit"):
            return "return;"
        if name == "bra":
            return f"goto {operands[0].lstrip('$')};"
        if opcode == "bar.sync" and operands == ["0"]:
            return "emu_syncthreads(__FILE__, __LINE__);"
        if opcode == "bar.warp.sync":
            return f"emu_warp({self.raw(operands[0], 'b32')}, 0, EMU_SYNCWARP, 0, __FILE__, __LINE__);"
        if parts[:2] == ["vote", "sync"] and parts[2:] == ["ballot", "b32"]:
            return self.set(operands[0], kind, f"emu_warp({self.raw(operands[2], kind)}, "
                            f"{self.raw(operands[1], 'pred')}, EMU_BALLOT, 0, __FILE__, __LINE__)")
        if parts[:2] == ["shfl", "sync"]:
            return self.shuffle(parts[2], kind, operands)
        if name in ("ld", "st"):
            return self.memory(parts, operands)
        if opcode == "mov.b64" and operands[0][0] == "{":
            halves = zip(operands[0][1:-1].split(","), ("", " >> 32"))
            return " ".join(f"{half.strip()[1:]} = (uint32_t)({self.raw(operands[1], kind)}{shift});"
                            for half, shift in halves if half.strip() != "_")
        if opcode == "mov.b64" and operands[1][0] == "{":
            low, high = (self.raw(half.strip(), "b32") for half in operands[1][1:-1].split(","))
            return f"{operands[0][1:]} = (uint64_t){high} << 32 | (uint32_t){low};"
        if name == "mov" or opcode == "cvta.to.global.u64":
            return f"{operands[0][1:]} = {self.raw(operands[1], kind)};"
        if name == "cvt":
            return self.convert(parts[1:-2], parts[-2], kind, operands)
        if name == "selp" and len(parts) == 2:
            a, b, chosen = (self.raw(operand, k) for operand, k in zip(operands[1:], (kind, kind, "pred")))
            return f"{operands[0][1:]} = {chosen} ? {a} : {b};"
        return self.arithmetic(parts, operands)

    def arithmetic(self, parts, operands):
        name, kind = parts[0], parts[-1]
        values = {letter: self.value(operand, kind) for letter, operand in zip("abc", operands[1:])}
        result = kind
        if name == "setp" and len(parts) == 3:
            result, expression = "pred", COMPARISON[parts[1]]
        elif name in ("shl", "shr") and len(parts) == 2:
            values["b"] = f"(uint32_t){self.raw(operands[2], 'b32')}"
            if name == "shl":
                expression = "b < n ? (u)a << b : 0"
            else:
                expression = "b < n ? a >> b : a < 0 ? -1 : 0" if kind[0] == "s" else "b < n ? a >> b : 0"
        elif parts[1:2] == ["wide"] and name in ("mul", "mad"):
            result = wider(kind)
            expression = f"({value_type(result)})a * b"
            if name == "mad":
                expression += " + c"
                values["c"] = self.value(operands[3], result)
        else:
            expression = formula(".".join(parts[:-1]), kind)
            if expression is None:
                raise Unknown("instruction")
        if result == "pred" and kind != "pred" and kind[0] == "f" and parts[1] == "ne":
            expression = "a < b || a > b"
        letters = {letter: f"({value})" for letter, value in values.items()}
        letters.update({"u": "uint64_t", "n": width(kind), "t": value_type(kind)})
        return self.set(operands[0], result, re.sub(r"\b[abcunt]\b", lambda found: letters[found[0]], expression))

    def shuffle(self, mode, kind, operands):
        register, _, inside = operands[0].partition("|")
        if inside and self.occurrences[inside] > 1:
            raise Unknown("the predicate of a shuffle is read")
        a, by, limits, mask = (self.raw(operand, kind) for operand in operands[1:])
        # The engine, too, takes the segments' bits as the instruction has them, without the clamp below.
        return self.set(register, kind, f"emu_warp({mask}, {a}, {SHUFFLE[mode]}, "
                        f"(int)(({by} & 31) | ({limits} & 0x1f00)), __FILE__, __LINE__)")

    def text(self):
        used = sorted(register for register in self.occurrences if register in self.types)
        alone = {r for r in used if self.occurrences[r] == 1}
        declared = [f"    {BITS[width(self.types[register])]} {register[1:]} = 0;" for register in used
                    if not (register in alone and self.types[register] == "pred")]
        copies = [f"    memcpy(parameters + {at}, arguments[{i}], {count});" for i, (at, count) in enumerate(self.sizes)]
        sizes = ", ".join(str(count) for _, count in self.sizes)
        return "\n".join([
            f"static void kernel_{self.name}(const char *parameters)", "{", *declared, *self.lines, "}",
            f"UNCHECKED static void run_{self.name}(void *function, void **arguments)", "{",
            f"    _Alignas(16) char parameters[{max(self.bytes, 1)}];", *copies,
            "    ((void (*)(const char *))function)(parameters);", "}",
            f"static const size_t sizes_{self.name}[] = {{{sizes}{', ' if sizes else ''}0}};",
            f"UNCHECKED __attribute__((constructor)) static void register_{self.name}(void)", "{",
            f'    struct emu_kernel kernel = {{"{self.name}", (void *)kernel_{self.name}, run_{self.name}, '
            f"{len(self.sizes)}, sizes_{self.name}, __start_emu_shared, __stop_emu_shared}};",
            "    emu_register_kernel(&kernel);", "}", ""])


def translate(source):
    files = {int(number): os.path.relpath(path) if os.path.isabs(path) else path
             for number, path in re.findall(r'^\s*\.file\s+(\d+) "([^"]*)"', source, re.M)}
    source = re.sub(r"//.*", "", source)
    source = re.sub(r"^\s*\.section\b[^{]*\{.*?^\s*\}", "", source, flags=re.M | re.S)
    shared, arrays = {}, []
    for alignment, name, count in re.findall(r"\.shared \.align (\d+) \.b8 (\w+)\[(\d*)\];", source):
        if count:
            arrays.append(f'static char {name}[{count}] __attribute__((section("emu_shared"), aligned({alignment})));')
        shared[name] = f"ptx_shared_address({name})" if count else "PTX_DYNAMIC"
    entry = r"\.visible \.entry (\w+)\((.*?)\)\s*((?:\.(?:maxntid|minnctapersm|reqntid)[^\n]*\s*)*)\{(.*?)\n\}"
    entries = [Entry(name, parameters, body, shared, files)
               for name, parameters, _, body in re.findall(entry, source, re.S)]
    rest = re.sub(entry, "", source, flags=re.S)
    rest = re.sub(r"^\s*\.(version|target|address_size|file|(extern )?\.?shared)\b[^\n]*", "", rest, flags=re.M)
    if rest.strip():
        raise Unknown(f"cannot translate `{rest.strip().splitlines()[0]}`")
    return "\n".join(['#include "tests/emu/ptx/machine.h"', *arrays, "", *(entry.text() for entry in entries)])


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        source = file.read()
    try:
        result = translate(source)
    except Unknown as error:
        sys.exit(f"{sys.argv[1]}: {error}")
    with open(sys.argv[2], "w", encoding="ascii") as file:
        file.write(result)


if __name__ == "__main__":
    main()
