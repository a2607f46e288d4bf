#!/usr/bin/env python3
"""flairtag under Apache Spark: as a function on DataFrames (tag, tag_lines), and as a job for spark-submit (--help).

Each partition is given to one flairtag process, which tags it as a stream. Promises: one row out for each row in, in
the same order, every other column as it was; tags, spans and scores are those of `flairtag predict`; what is held of a
partition is bounded (flairtag that is slow, or a consumer that is, holds up whoever feeds it); a process that fails or
is killed, and one that answers too little or too much, fails its task, with its exit status and its last messages, and
Spark runs the task again. What a task gives depends on its rows alone, so a task that ran twice leaves no trace.

Refuses: anything that would make rows come or go (bad input fails the task). Needs PySpark, pyarrow and pandas (Spark
asks for it); all but tag, tag_lines and the job works without.
"""
import argparse
import collections
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading

# What may be on its way through the program: enough for its windows to be full, little beside what a model takes.
MOST_LINES, MOST_BYTES = 16384, 8 << 20
ROWS_AT_A_TIME = 1024
LAST_MESSAGES = 4096  # bytes of standard error that an exception quotes


class ProgramFailed(RuntimeError):
    """The program did not do what was asked: how it ended, and the last it said."""


class Program:
    """A running filter, lines in and lines out.

    A thread writes, and blocks where the program does not read; so feed never waits, and whoever feeds must take before
    much is on its way. close ends the program, whatever it is at."""

    def __init__(self, command):
        self.name = os.path.basename(command[0])
        self.taken = 0
        self.messages = tempfile.TemporaryFile()
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=self.messages, bufsize=1 << 16)
        except OSError:
            self.messages.close()
            raise
        self.waiting = queue.SimpleQueue()
        self.writer = threading.Thread(target=self._write, daemon=True)
        self.writer.start()

    def _write(self):
        try:
            while (block := self.waiting.get()) is not None:
                self.process.stdin.write(block)
                self.process.stdin.flush()
            self.process.stdin.close()
        except OSError:
            pass  # it has gone, which whoever takes learns from the end of its output

    def feed(self, block):
        """Hands over bytes: whole lines."""
        self.waiting.put(block)

    def end(self):
        """No more is fed."""
        self.waiting.put(None)

    def take(self, count):
        """The next `count` lines, without their ends. ProgramFailed where the output ends before."""
        lines = []
        for _ in range(count):
            line = self.process.stdout.readline()
            if not line.endswith(b"\n"):
                self._fail(f"ended its output after {self.taken} lines, before all were there")
            lines.append(line[:-1])
            self.taken += 1
        return lines

    def finish(self):
        """After end: sees to it that nothing is left and that the program is content."""
        if self.process.stdout.read(1):
            self._fail(f"gave more than the {self.taken} lines that were to come")
        if self._status():
            self._fail(f"failed after {self.taken} lines")

    def _status(self):
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:  # it has closed its output and lives on
            self.process.kill()
            return self.process.wait()

    def _fail(self, what):
        self.process.stdout.close()
        status = self._status()
        how = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        self.messages.seek(max(0, self.messages.seek(0, os.SEEK_END) - LAST_MESSAGES))
        said = self.messages.read().decode("utf-8", "replace").strip()
        raise ProgramFailed(f"{self.name} {what} ({how}): {said or 'it said nothing'}")

    def close(self):
        self.process.kill()
        self.process.stdout.close()  # what a script in the program's place has started ends with its pipes
        self.process.wait()
        self.waiting.put(None)
        self.writer.join()
        try:
            self.process.stdin.close()
        except OSError:
            pass  # what was not written is for nobody
        self.messages.close()


def through(start, pieces):
    """Sends pieces through one program, which `start` starts when the first line is there.

    pieces: (carried, block, count): bytes that are `count` whole lines, and anything that belongs to them. Yields
    (carried, lines) in the same order. At most MOST_LINES lines and MOST_BYTES bytes are on their way, or one piece."""
    program, held, lines, size = None, collections.deque(), 0, 0
    try:
        for piece in pieces:
            if piece[2] and program is None:
                program = start()
            if piece[2]:
                program.feed(piece[1])
            held.append((piece[0], len(piece[1]), piece[2]))
            lines += piece[2]
            size += len(piece[1])
            while lines > MOST_LINES or size > MOST_BYTES:
                carried, length, count = held.popleft()
                lines -= count
                size -= length
                yield carried, program.take(count)
        if program:
            program.end()
        for carried, _, count in held:
            yield carried, program.take(count) if count else []
        if program:
            program.finish()
    finally:
        if program:
            program.close()


def objects(values, key, first):
    """Texts (key "text") or lists of tokens (key "tokens"), or None, as JSON objects with numbers from `first` on: a
    piece's block and count. No object stands for None."""
    made = []
    for value in values:
        if value is None:
            continue
        if key == "tokens" and None in value:
            raise ValueError(f"token {value.index(None) + 1} of {value} is null")
        made.append(json.dumps({"id": first + len(made), key: value}, ensure_ascii=False) + "\n")
    return "".join(made).encode(), len(made)


def results(values, lines, first):
    """What the program says of `values`, in their order: an object, or None for None. ProgramFailed where an answer is
    not the one to its question."""
    answers = iter(lines)
    number = first
    found = []
    for value in values:
        if value is None:
            found.append(None)
            continue
        answer = json.loads(next(answers))
        if answer.get("id") != number:
            raise ProgramFailed(f"the answer to object {number} has the id {answer.get('id')}")
        found.append(answer)
        number += 1
    return found


def record_lines(record, input_format):
    """A record of column formats (lines without the blank one behind them), or a line of JSON Lines: a piece's block
    and count. A blank line of JSON Lines is nothing."""
    if input_format == "jsonl":
        return (record.encode() + b"\n", 1) if record.strip() else (b"", 0)
    record = record.removesuffix("\n")  # a file that ends with its last line
    return record.encode() + b"\n\n", record.count("\n") + 2


def found_file(name):
    """A file by its path, or among those that came by --files; None."""
    if os.path.isfile(name):
        return os.path.abspath(name)
    from pyspark import SparkFiles
    shipped = SparkFiles.get(os.path.basename(name))
    return shipped if os.path.isfile(shipped) else None


def predict_command(settings, arguments):
    """The command line, as this executor finds the program and the model."""
    program = shutil.which(settings["program"]) or found_file(settings["program"])
    if not program:
        raise FileNotFoundError(f"no program '{settings['program']}' on this executor (install it, or use --files)")
    command = [program, "predict", "--threads", str(settings["threads"]), *arguments]
    model = settings["model"]
    if model is not None:
        command += ["-m", found_file(model) or model]
    for option in ("precision", "scores"):
        if settings[option] is not None:
            command += ["--" + option, settings[option]]
    return [*command, "-"]


def _new_columns(key, settings):
    """Names and pyarrow types of what is added to a row."""
    import pyarrow as pa
    texts = pa.list_(pa.string())
    span = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("first", pa.int32()), ("last", pa.int32()),
                      ("type", pa.string()), ("text", pa.string()), ("score", pa.float64())])
    columns = {"tokens": texts} if key == "text" else {}
    columns["tags"] = texts
    if settings["scores"] not in (None, "none"):
        columns["scores"] = pa.list_(pa.float64())
    columns["spans"] = pa.list_(span)
    return columns


def _tag_batches(batches, column, key, settings):
    """A partition for tag: record batches in, record batches with the new columns out."""
    import pyarrow as pa
    new = _new_columns(key, settings)

    def pieces():
        number = 0
        for batch in batches:
            for at in range(0, batch.num_rows, ROWS_AT_A_TIME):
                part = batch.slice(at, ROWS_AT_A_TIME)
                block, count = objects(part.column(column).to_pylist(), key, number)
                yield (part, number), block, count
                number += count

    def start():
        return Program(predict_command(settings, ["--input-format", "jsonl", "--on-error", settings["on_error"]]))

    for (part, first), lines in through(start, pieces()):
        found = results(part.column(column).to_pylist(), lines, first)
        columns = {name: values for name, values in zip(part.schema.names, part.columns) if name not in new}
        for name, type_ in new.items():
            columns[name] = pa.array([answer and answer[name] for answer in found], type_)
        yield pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _tag_line_batches(batches, input_format, settings):
    """A partition for tag_lines."""
    import pyarrow as pa

    def pieces():
        for batch in batches:
            for at in range(0, batch.num_rows, ROWS_AT_A_TIME):
                counts, blocks = [], []
                for record in batch.column(0).slice(at, ROWS_AT_A_TIME).to_pylist():
                    block, count = record_lines(record or "", input_format)
                    blocks.append(block)
                    counts.append(count)
                yield counts, b"".join(blocks), sum(counts)

    def start():
        return Program(predict_command(settings, ["--input-format", input_format]))

    for counts, lines in through(start, pieces()):
        records, at = [], 0
        for count in counts:
            # the blank line behind a record of columns is Spark's to write
            last = at + count - (input_format != "jsonl")
            if count:
                records.append(b"\n".join(lines[at:last]).decode())
            at += count
        yield pa.RecordBatch.from_arrays([pa.array(records, pa.string())], names=["value"])


def _settings(model, precision, scores, threads, program, on_error="fail"):
    return {"model": model, "precision": precision, "scores": scores, "threads": threads, "program": program,
            "on_error": on_error}


def _travels_by_value():
    """Lets this module's functions go to executors with the job, so that nobody has to ship the file."""
    from pyspark import cloudpickle
    if __name__ != "__main__":
        cloudpickle.register_pickle_by_value(sys.modules[__name__])


def tag(frame, column=None, *, model=None, precision=None, scores=None, threads=1, on_error="fail", program="flairtag"):
    """The DataFrame with what flairtag says of each row; `column` holds texts, or arrays of tokens (default: the column
    "tokens" where there is one, else "text").

    Adds, or puts in the place of columns of these names: `tokens` (of a text: array<string>), `tags` (array<string>,
    BIOES), `scores` (array<double>, where `scores` is "flair" or "marginal") and `spans` (array<struct<start, end,
    first, last, type, text, score>>: characters and tokens from 0, `last` inside, `end` behind). They are null where
    the column is.

    model: a path on every executor, the name of a file that came by --files or addFile, or of an installed model
    (default: the one `flairtag predict` takes). precision, scores: as for `flairtag predict`. on_error: "fail" or
    "replace" (NUL and empty tokens become U+FFFD). threads: of each process, of which there is one a running task.
    program: a name in PATH, a path, or a file that came by --files."""
    from pyspark.sql import types
    from pyspark.sql.pandas.types import from_arrow_type
    column = column or ("tokens" if "tokens" in frame.columns else "text")
    kind = frame.schema[column].dataType
    if isinstance(kind, types.ArrayType) and isinstance(kind.elementType, types.StringType):
        key = "tokens"
    elif isinstance(kind, types.StringType):
        key = "text"
    else:
        raise TypeError(f"column '{column}' holds {kind.simpleString()}: texts or arrays of tokens are wanted")
    if on_error not in ("fail", "replace"):
        raise ValueError("on_error is 'fail' or 'replace': rows are not left out")
    settings = _settings(model, precision, scores, threads, program, on_error)
    new = _new_columns(key, settings)
    if column in new:
        raise ValueError(f"column '{column}' would be replaced by what is made of it: give it another name")
    fields = [field for field in frame.schema.fields if field.name not in new]
    fields += [types.StructField(name, from_arrow_type(type_)) for name, type_ in new.items()]
    _travels_by_value()
    return frame.mapInArrow(lambda batches: _tag_batches(batches, column, key, settings), types.StructType(fields))


def tag_lines(frame, input_format, *, model=None, precision=None, scores=None, threads=1, program="flairtag"):
    """A DataFrame of one text column, as spark.read.text gives it, in the words of `flairtag predict`: its column
    `value` holds what predict writes for each row.

    input_format: "jsonl", an object a row; "conll" or "conllu", a row of lines up to a blank one (read and written with
    lineSep "\\n\\n"). Other arguments: see tag."""
    if input_format not in ("jsonl", "conll", "conllu"):
        raise ValueError(f"'{input_format}' has no lines that are answered one by one (jsonl, conll, conllu)")
    settings = _settings(model, precision, scores, threads, program)
    _travels_by_value()
    return frame.mapInArrow(lambda batches: _tag_line_batches(batches, input_format, settings), "value string")


def job(spark, arguments):
    """Reads, tags and writes as the command line says."""
    how = {name: getattr(arguments, name) for name in ("model", "precision", "scores", "threads", "program")}
    read, columns, lines = spark.read, arguments.input_format in ("conll", "conllu"), False
    kind = arguments.format or ("conll" if columns else "parquet" if arguments.input_format == "parquet" else "jsonl")
    if columns != (kind == "conll"):
        raise SystemExit(f"flairtag_spark: {arguments.input_format} cannot become {kind} here (columns stay columns)")
    if columns:
        tagged = tag_lines(read.text(arguments.inputs, lineSep="\n\n"), arguments.input_format, **how)
    elif arguments.input_format == "jsonl" and kind == "jsonl":
        tagged, lines = tag_lines(read.text(arguments.inputs, lineSep="\n"), "jsonl", **how), True
    elif arguments.input_format == "text" and kind == "jsonl":
        texts = read.text(arguments.inputs).selectExpr("to_json(struct(value AS text)) AS value")
        tagged, lines = tag_lines(texts, "jsonl", **how), True
    else:
        frame = {"parquet": lambda: read.parquet(*arguments.inputs), "jsonl": lambda: read.json(arguments.inputs),
                 "text": lambda: read.text(arguments.inputs).withColumnRenamed("value", "text")}
        tagged = tag(frame[arguments.input_format](), arguments.column, **how)
    write = tagged.write.mode("overwrite" if arguments.overwrite else "errorifexists")
    if arguments.compression:
        write = write.option("compression", arguments.compression)
    if columns:
        write.text(arguments.output, lineSep="\n\n")
    elif lines:
        write.text(arguments.output)
    elif kind == "jsonl":
        write.json(arguments.output)
    else:
        write.parquet(arguments.output)


def parse(words=None):
    """The command line of the job."""
    parser = argparse.ArgumentParser(prog="flairtag_spark.py", description="Tags files with flairtag, under Spark.")
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="files or folders, as Spark takes them")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="receives the part files")
    parser.add_argument("--input-format", required=True, choices=["text", "jsonl", "conll", "conllu", "parquet"],
                        help="text: a document a line; conll and conllu: columns, empty lines between sentences")
    parser.add_argument("--format", choices=["parquet", "jsonl", "conll"],
                        help="default: conll for columns, parquet for parquet, else jsonl")
    parser.add_argument("--column", help="of parquet and of jsonl that becomes parquet: texts, or arrays of tokens "
                        "(default: 'tokens' where there is one, else 'text')")
    parser.add_argument("-m", "--model", help="a path on every executor, a file of --files, or a model's name")
    parser.add_argument("--precision", help="as for flairtag predict")
    parser.add_argument("--scores", help="as for flairtag predict")
    parser.add_argument("--threads", type=int, default=1, help="of each task's flairtag (default 1)")
    parser.add_argument("--program", default="flairtag", help="in PATH, a path, or of --files (default flairtag)")
    parser.add_argument("--compression", help="of what is written, such as gzip or zstd (default: Spark's)")
    parser.add_argument("--overwrite", action="store_true", help="in the place of an output that is there")
    return parser.parse_args(words)


def main():
    arguments = parse()
    from pyspark.sql import SparkSession
    spark = SparkSession.builder.appName("flairtag").getOrCreate()
    job(spark, arguments)
    spark.stop()


if __name__ == "__main__":
    main()
