"""Sizes as people write them: 30M, 1G."""
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def size(text):
    unit = text[-1].upper() if text[-1].isalpha() else ""
    return int(float(text[: len(text) - len(unit)]) * UNITS[unit])
