"""budgets.py FOLDER [table] <budgets.txt - for budgets.sh: holds FOLDER's NAME.ARCHITECTURE.cubin and .log (what nvcc -Xptxas
-v said) against the table, or prints the table that they would keep to.

A line of the table is a kernel and the most registers a thread may have on any architecture; barriers of a block and
instructions of the unit for special functions (MUFU) that the code for sm_80 and sm_120 has: barriers exactly so many,
of the others at most. Local memory, which arrays and spills go to, is never used.
"""
import glob
import os
import re
import struct
import sys

# Bits 0 to 8 of an instruction of 16 bytes; 9 to 11 tell how it takes its operands. The same from sm_75 to sm_121.
OPCODES = {"barriers": {0x11D}, "special": {0x108}, "local": {0x183, 0x187}}
COUNTED = ("80", "120")


def kernels(path):
    """Each kernel's name and counts of opcodes, of a cubin's sections .text.NAME."""
    with open(path, "rb") as file:
        elf = file.read()
    table, = struct.unpack_from("<Q", elf, 0x28)
    count, names_at = struct.unpack_from("<HH", elf, 0x3C)
    sections = [struct.unpack_from("<IIQQQQIIQQ", elf, table + 64 * i) for i in range(count)]
    names = sections[names_at][4]
    for name, _, _, _, offset, length, *_ in sections:
        title = elf[names + name:elf.index(b"\0", names + name)].decode()
        if title.startswith(".text."):
            code = [struct.unpack_from("<H", elf, at)[0] & 0x1FF for at in range(offset, offset + length, 16)]
            counts = {what: sum(opcode in wanted for opcode in code) for what, wanted in OPCODES.items()}
            yield title[6:], counts


def print_table(found):
    names = sorted({name for name, _ in found})
    for name in names:
        # Registers are given out by eights.
        most = max(registers for (other, _), (registers, _) in found.items() if other == name)
        counts = [found[name, architecture][1][what] for architecture in COUNTED for what in ("barriers", "special")]
        print(f"{name:24}{(most + 7) // 8 * 8:5}", *(f"{number:5}" for number in counts))


def mistakes(name, architecture, registers, counts, table):
    if name not in table:
        yield "is not in tests/emu/budgets.txt"
        return
    most, barriers80, special80, barriers120, special120 = table[name]
    if registers > most:
        yield f"{registers} registers, at most {most} are allowed"
    if counts["local"] != 0:
        yield f"{counts['local']} instructions use local memory"
    if architecture in COUNTED:
        barriers, special = (barriers80, special80) if architecture == "80" else (barriers120, special120)
        if counts["barriers"] != barriers:
            yield f"{counts['barriers']} barriers, not {barriers}"
        if counts["special"] > special:
            yield f"{counts['special']} special functions, at most {special} are allowed"


def main():
    folder, show = sys.argv[1], sys.argv[2:] == ["table"]
    table = {}
    for line in sys.stdin:
        if line.strip() and not line.startswith("#"):
            name, *numbers = line.split()
            table[name] = [int(number) for number in numbers]
    found, passed, failed = {}, 0, 0
    for path in sorted(glob.glob(os.path.join(folder, "*.log"))):
        source, architecture = os.path.basename(path).split(".")[:2]
        with open(path, encoding="utf-8") as file:
            said = file.read()
        bad = [line for line in said.splitlines()
               if re.search(r"warning|error", line) or re.search(r"[1-9]\d* bytes (stack|spill)", line)]
        for line in bad:
            print(f"kernels/{source}.cu for sm_{architecture}: {line.strip()}")
        failed += len(bad)
        cubin = path[:-4] + ".cubin"
        used = dict(re.findall(r"Compiling entry function '(\w+)'.*?Used (\d+) registers", said, re.S))
        for name, counts in kernels(cubin) if os.path.exists(cubin) else ():
            registers = int(used[name])
            found[name, architecture] = registers, counts
            wrong = list(mistakes(name, architecture, registers, counts, table))
            for mistake in () if show else wrong:
                print(f"{name} for sm_{architecture}: {mistake}")
            failed, passed = failed + bool(wrong), passed + (not wrong)
    if show:
        print_table(found)
        return
    for name in sorted(set(table) - {name for name, _ in found}):
        print(f"{name} of tests/emu/budgets.txt: there is no such kernel")
        failed += 1
    print(f"budgets: {passed} passed, {failed} failed, 0 skipped")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
