"""libflairtag through ctypes: finding it, its structs and its functions as flairtag.h declares them.

Nothing here knows of Python's side of things; it refuses a library that lacks a function.
"""
import ctypes
import functools
import os
import pathlib
from ctypes import POINTER, Structure, c_char_p, c_double, c_int, c_size_t, c_void_p

NAME = "libflairtag.so.0"

OK, FAILED, USAGE, INPUT, MODEL, NOMEM, INTERRUPTED, END = 0, 1, 2, 3, 4, 5, 130, 256


class Error(Structure):
    _fields_ = [("text", ctypes.c_char * 1024)]


class Options(Structure):
    _fields_ = [("size", c_size_t), ("isa", c_char_p), ("threads", c_size_t), ("precision", c_int), ("scores", c_int)]


class StreamOptions(Structure):
    _fields_ = [("size", c_size_t), ("path", c_char_p), ("descriptor", c_int), ("format", c_int),
                ("token_column", c_int), ("bad_input", c_int), ("encoding", c_int), ("rules", c_int)]


class Token(Structure):
    _fields_ = [("text", c_char_p), ("tag", c_char_p), ("score", c_double), ("start", c_size_t), ("end", c_size_t),
                ("start_byte", c_size_t), ("end_byte", c_size_t)]


class Span(Structure):
    _fields_ = [("type", c_char_p), ("text", c_char_p), ("score", c_double), ("first", c_size_t), ("last", c_size_t),
                ("start", c_size_t), ("end", c_size_t), ("start_byte", c_size_t), ("end_byte", c_size_t)]


class Sentence(Structure):
    # text is an address, not a c_char_p: sentences share it, so that it is copied only where it is a new one
    _fields_ = [("tokens", POINTER(Token)), ("token_count", c_size_t), ("spans", POINTER(Span)),
                ("span_count", c_size_t), ("text", c_void_p), ("text_bytes", c_size_t), ("file", c_char_p),
                ("line", c_size_t), ("number", c_size_t), ("text_start", c_size_t)]


class Tokens(Structure):
    _fields_ = [("tokens", POINTER(c_char_p)), ("count", c_size_t)]


_FUNCTIONS = {
    "ft_version": (c_char_p, []),
    "ft_model_open": (c_int, [POINTER(c_void_p), c_char_p, POINTER(Options), POINTER(Error)]),
    "ft_model_close": (None, [c_void_p]),
    "ft_model_path": (c_char_p, [c_void_p]),
    "ft_result_count": (c_size_t, [c_void_p]),
    "ft_result_sentence": (POINTER(Sentence), [c_void_p, c_size_t]),
    "ft_result_free": (None, [c_void_p]),
    "ft_tag_batch": (c_int, [c_void_p, POINTER(Tokens), c_size_t, POINTER(c_void_p), POINTER(Error)]),
    "ft_tag_text": (c_int, [c_void_p, c_char_p, c_size_t, POINTER(c_void_p), POINTER(Error)]),
    "ft_stream_open": (c_int, [POINTER(c_void_p), c_void_p, POINTER(StreamOptions), POINTER(Error)]),
    "ft_stream_next": (c_int, [c_void_p, POINTER(POINTER(Sentence)), POINTER(Error)]),
    "ft_stream_close": (None, [c_void_p]),
}


def _open() -> ctypes.CDLL:
    named = os.environ.get("FLAIRTAG_LIBRARY")
    if named:
        return ctypes.CDLL(named)
    beside = pathlib.Path(__file__).with_name(NAME)
    try:
        return ctypes.CDLL(str(beside) if beside.exists() else NAME)
    except OSError as error:
        raise ImportError(f"{error}: is flairtag installed (make install)? FLAIRTAG_LIBRARY can name the file") from None


@functools.lru_cache(maxsize=None)
def library() -> ctypes.CDLL:
    """$FLAIRTAG_LIBRARY, else the library beside this file, else the one that the dynamic linker finds."""
    found = _open()
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(found, name)
        function.restype, function.argtypes = result, arguments
    return found
