"""Tags names in text with the models of Flair, through libflairtag; Flair and PyTorch are not needed.

    import flairtag

    tagger = flairtag.load()                                 # or load("small"), load("ner-english.pt")
    for sentence in tagger.tag_text("Marie Curie lived in Warsaw."):
        for span in sentence.spans:
            print(span.type, span.text, span.score)

Results are those of `flairtag predict`, bit for bit. A Tagger may be used by several threads, which take turns; while
the library works other Python threads run. What comes back is plain Python: nothing in it depends on the tagger.
"""
from __future__ import annotations

import ctypes
import dataclasses
import os
import weakref
from typing import Any, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

from . import _library

__version__ = "0.1.0"
__all__ = ["load", "library_version", "Tagger", "Stream", "Sentence", "Token", "Span", "FlairtagError", "UsageError",
           "InputError", "ModelError", "OutOfMemoryError"]

_PRECISIONS = ("model", "f32", "int16", "int8", "int7", "auto")
_SCORES = ("flair", "marginal")
_FORMATS = ("guess", "conll", "conllu", "jsonl", "tokens", "text")
_ON_ERROR = ("fail", "skip", "replace")
_ENCODINGS = ("utf8", "latin1")
_RULES = ("own", "flair")


class FlairtagError(Exception):
    """What the library says went wrong, in one line. `status` is the exit code that the program would have."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class UsageError(FlairtagError, ValueError):
    """An option makes no sense here."""


class InputError(FlairtagError, ValueError):
    """Bad, missing or unreadable input."""


class ModelError(FlairtagError):
    """A bad or missing model."""


class OutOfMemoryError(FlairtagError, MemoryError):
    """Memory has run out."""


_ERRORS = {_library.USAGE: UsageError, _library.INPUT: InputError, _library.MODEL: ModelError,
           _library.NOMEM: OutOfMemoryError}


class Token(NamedTuple):
    """A token. start and end are offsets in the sentence's `text`, as in a slice."""

    text: str  #: as the model read it
    tag: str  #: the model's own, "B-person" or "O"; or a label, where the model gives labels to tokens
    score: float
    start: int
    end: int


class Span(NamedTuple):
    """A name that was found. sentence.text[start:end] is `text`, sentence.tokens[first:last + 1] are its tokens."""

    text: str
    type: str
    score: float  #: the mean of its tokens'
    first: int
    last: int
    start: int
    end: int


@dataclasses.dataclass(frozen=True)
class Sentence:
    """A tagged sentence."""

    text: str  #: what offsets count in; of tag_text the text given, of tokens they joined by blanks
    tokens: List[Token]
    spans: List[Span]
    number: int  #: from 1
    line: int = 0  #: of its first token, from 1, where it has one
    file: Optional[str] = None  #: of streams
    text_start: int = 0  #: of streams of plain text: where `text` begins in the file, in characters

    @property
    def tags(self) -> List[str]:
        """The tags of its tokens."""
        return [token.tag for token in self.tokens]


def library_version() -> str:
    """The version of the library in use, "0.1.0"."""
    return _library.library().ft_version().decode()


def _check(status: int, error: _library.Error) -> None:
    if status != _library.OK:
        text = error.text.decode("utf-8", "replace")
        raise _ERRORS.get(status, FlairtagError)(text, status)


def _choice(what: str, chosen: str, choices: Sequence[str]) -> int:
    if chosen not in choices:
        raise UsageError(f"{what} is one of {', '.join(choices)}, not {chosen!r}", _library.USAGE)
    return choices.index(chosen)


def _at_most(what: str, number: int, most: int) -> int:
    if not 0 <= number <= most:
        raise UsageError(f"{what} is from 0 to {most}, not {number}", _library.USAGE)
    return number


def _convert(raw: _library.Sentence, text: str) -> Sentence:
    tokens = [Token(t.text.decode(), t.tag.decode(), t.score, t.start, t.end) for t in raw.tokens[:raw.token_count]]
    spans = [Span(s.text.decode(), s.type.decode(), s.score, s.first, s.last, s.start, s.end)
             for s in raw.spans[:raw.span_count]]
    file = None if raw.file is None else os.fsdecode(raw.file)
    return Sentence(text, tokens, spans, raw.number, raw.line, file, raw.text_start)


def _text(raw: _library.Sentence) -> str:
    return ctypes.string_at(raw.text, raw.text_bytes).decode()


def _tokens(tokens: Iterable[str]) -> Tuple[Any, int]:
    if isinstance(tokens, (str, bytes)):
        raise TypeError("tokens come as a list of strings; tag_text takes text as it is")
    encoded = []
    for token in tokens:
        if "\0" in token:
            raise InputError(f"token {len(encoded) + 1} holds a NUL character", _library.INPUT)
        encoded.append(token.encode())
    return (ctypes.c_char_p * len(encoded))(*encoded), len(encoded)


class Tagger:
    """An open model. Made by `load`; closed by `close`, at the end of a `with`, or when nobody uses it any more."""

    def __init__(self, model: Union[str, "os.PathLike[str]", None] = None, *, threads: int = 0,
                 precision: str = "model", scores: str = "flair", isa: Optional[str] = None) -> None:
        self._handle: Optional[ctypes.c_void_p] = None
        self._streams: "weakref.WeakSet[Stream]" = weakref.WeakSet()
        self._lib = _library.library()
        error, handle = _library.Error(), ctypes.c_void_p()
        options = _library.Options(ctypes.sizeof(_library.Options), None if isa is None else isa.encode(),
                                   _at_most("threads", threads, 1024), _choice("precision", precision, _PRECISIONS),
                                   _choice("scores", scores, _SCORES))
        name = None if model is None else os.fsencode(model)
        _check(self._lib.ft_model_open(ctypes.byref(handle), name, ctypes.byref(options), ctypes.byref(error)), error)
        self._handle = handle

    def close(self) -> None:
        """Gives the model's memory back, and ends its streams. No other thread may be using it."""
        for stream in list(self._streams):
            stream.close()
        if self._handle is not None:
            self._lib.ft_model_close(self._handle)
            self._handle = None

    def __enter__(self) -> "Tagger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self.close()

    def _open_handle(self) -> ctypes.c_void_p:
        if self._handle is None:
            raise ValueError("the tagger is closed")
        return self._handle

    @property
    def path(self) -> str:
        """The file that the model was opened from."""
        return os.fsdecode(self._lib.ft_model_path(self._open_handle()))

    def _sentences(self, result: ctypes.c_void_p, text: Optional[str]) -> List[Sentence]:
        try:
            sentences = []
            for i in range(self._lib.ft_result_count(result)):
                raw = self._lib.ft_result_sentence(result, i).contents
                sentences.append(_convert(raw, _text(raw) if text is None else text))
            return sentences
        finally:
            self._lib.ft_result_free(result)

    def tag(self, tokens: Iterable[str]) -> Sentence:
        """Tags one sentence that is cut into tokens already. InputError: a token is empty or no text."""
        return self.tag_batch([tokens])[0]

    def tag_batch(self, sentences: Iterable[Iterable[str]]) -> List[Sentence]:
        """Tags many of them, several times faster than one after the other; one Sentence for each, in order."""
        handle = self._open_handle()
        arrays = [_tokens(tokens) for tokens in sentences]
        batch = (_library.Tokens * len(arrays))(*(_library.Tokens(array, count) for array, count in arrays))
        error, result = _library.Error(), ctypes.c_void_p()
        _check(self._lib.ft_tag_batch(handle, batch, len(arrays), ctypes.byref(result), ctypes.byref(error)), error)
        return self._sentences(result, None)

    def tag_text(self, text: str) -> List[Sentence]:
        """Splits plain text into sentences and tokens as Flair does (segtok) and tags them."""
        handle = self._open_handle()
        encoded = text.encode()
        error, result = _library.Error(), ctypes.c_void_p()
        _check(self._lib.ft_tag_text(handle, encoded, len(encoded), ctypes.byref(result), ctypes.byref(error)), error)
        return self._sentences(result, text)

    def stream(self, source: Union[str, "os.PathLike[str]", int, Any], *, format: str = "guess", token_column: int = 0,
               on_error: str = "fail", encoding: str = "utf8", reader: str = "own") -> "Stream":
        """Tags a corpus or text of any length in bounded memory: iterate over what comes back.

        source: a file's name, or a descriptor or open file (then what is left of it; nothing may have been read from
        it through Python's buffer). gz is told by content. The other options are those of `flairtag predict`.
        """
        options = _library.StreamOptions(size=ctypes.sizeof(_library.StreamOptions),
                                         format=_choice("format", format, _FORMATS),
                                         token_column=_at_most("token_column", token_column, 10000),
                                         bad_input=_choice("on_error", on_error, _ON_ERROR),
                                         encoding=_choice("encoding", encoding, _ENCODINGS),
                                         rules=_choice("reader", reader, _RULES))
        return Stream(self, source, options)


class Stream(Iterator[Sentence]):
    """Sentences of a stream, tagged as they are asked for; see Tagger.stream."""

    def __init__(self, tagger: Tagger, source: Any, options: _library.StreamOptions) -> None:
        self._handle: Optional[ctypes.c_void_p] = None
        self._tagger, self._source = tagger, source  # both must live as long
        self._lib = _library.library()
        self._last: Tuple[object, str] = (None, "")
        if isinstance(source, (str, bytes, os.PathLike)):
            options.path = os.fsencode(source)
        else:
            options.descriptor = source if isinstance(source, int) else source.fileno()
        error, handle = _library.Error(), ctypes.c_void_p()
        _check(self._lib.ft_stream_open(ctypes.byref(handle), tagger._open_handle(), ctypes.byref(options),
                                        ctypes.byref(error)), error)
        self._handle = handle
        tagger._streams.add(self)

    def __next__(self) -> Sentence:
        if self._handle is None:
            raise StopIteration
        error, raw = _library.Error(), ctypes.POINTER(_library.Sentence)()
        status = self._lib.ft_stream_next(self._handle, ctypes.byref(raw), ctypes.byref(error))
        if status == _library.OK:
            return self._converted(raw.contents)
        self.close()
        if status == _library.END:
            raise StopIteration
        _check(status, error)
        raise AssertionError

    def _converted(self, raw: _library.Sentence) -> Sentence:
        # sentences of one line share its text, which may be long
        source = (raw.text, raw.text_bytes, raw.file, raw.line)
        if not raw.text_bytes or self._last[0] != source:
            self._last = (source, _text(raw))
        return _convert(raw, self._last[1])

    def close(self) -> None:
        """Ends it; what follows is StopIteration. A descriptor stays open."""
        if self._handle is not None:
            self._lib.ft_stream_close(self._handle)
            self._handle = None

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self.close()


def load(model: Union[str, "os.PathLike[str]", None] = None, *, threads: int = 0, precision: str = "model",
         scores: str = "flair", isa: Optional[str] = None) -> Tagger:
    """Opens a model.

    model: a file of flairtag or of Flair, or the name of an installed model; None: `default` where one is installed,
    else `small`. threads: 0 for as many as there are cores. precision: "model" (what its file holds), "f32", "int16",
    "int8", "int7" or "auto" (what is fastest here). scores: "flair" or "marginal". isa: as `flairtag predict --isa`.
    ModelError: it is missing, damaged or no tagger. UsageError: an option makes no sense here.
    """
    return Tagger(model, threads=threads, precision=precision, scores=scores, isa=isa)
