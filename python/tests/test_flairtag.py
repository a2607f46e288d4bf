"""The Python module: its results beside the program's, its errors, its memory.

Wants the library in $FLAIRTAG_LIBRARY, the program in $FLAIRTAG, and the repository as working folder.
"""
import concurrent.futures
import gc
import gzip
import io
import json
import os
import pathlib
import re
import resource
import subprocess
import tempfile
import unittest

import flairtag

PROGRAM = os.environ.get("FLAIRTAG", "build/flairtag")
MODEL = "models/small.safetensors"
DEMO, CONLL = pathlib.Path("data/samples/demo.txt"), pathlib.Path("data/samples/sample.conll")


def predicted(*arguments, text):
    """What `flairtag predict` says, an object for each line."""
    run = subprocess.run([PROGRAM, "predict", "-m", MODEL, "--scores", "flair", "--format", "jsonl", *arguments],
                         input=text.encode(), capture_output=True, check=True)
    return [json.loads(line) for line in run.stdout.decode().splitlines()]


class Results(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tagger = flairtag.load(MODEL)

    def assert_same(self, sentence, wanted):
        self.assertEqual([token.text for token in sentence.tokens], wanted["tokens"])
        self.assertEqual(sentence.tags, wanted["tags"])
        for token, score in zip(sentence.tokens, wanted["scores"]):
            self.assertAlmostEqual(token.score, score, places=5)
        self.assertEqual([(s.type, s.text) for s in sentence.spans], [(s["type"], s["text"]) for s in wanted["spans"]])

    def test_batches_of_tokens_are_tagged_as_by_the_program(self):
        sentences = [[line.split()[0] for line in block.splitlines()]
                     for block in CONLL.read_text().strip().split("\n\n")]
        text = "".join(json.dumps({"tokens": tokens}) + "\n" for tokens in sentences)
        tagged = self.tagger.tag_batch(sentences)
        self.assertGreater(sum(len(sentence.spans) for sentence in tagged), 5)
        for sentence, wanted in zip(tagged, predicted(text=text)):
            self.assert_same(sentence, wanted)
        self.assertEqual([self.tagger.tag(tokens).tags for tokens in sentences], [s.tags for s in tagged])

    def test_text_is_tagged_as_by_the_program(self):
        text = DEMO.read_text()
        run = subprocess.run([PROGRAM, "predict", "-m", MODEL, "--input-format", "text", str(DEMO)],
                             capture_output=True, check=True)
        rows = [line.split("\t")[1:] for line in run.stdout.decode().splitlines()[1:]]
        found = [[str(x) for x in (s.number, span.first + 1, span.last + 1, span.start, span.end, span.type, span.text,
                                   f"{span.score:.6f}")]
                 for s in self.tagger.tag_text(text) for span in s.spans]
        self.assertEqual(found, rows)
        self.assertGreater(len(rows), 10)

    def test_offsets_count_characters_of_the_text_that_was_given(self):
        text = "\N{SMILING FACE WITH SUNGLASSES} Caf\xe9.\r\n\n\xab Marie Curie \xbb lived in Warsaw. Angela Merkel too."
        spans = 0
        for sentence in self.tagger.tag_text(text):
            self.assertEqual(sentence.text, text)
            for span in sentence.spans:
                self.assertEqual(text[span.start:span.end], span.text)
                self.assertEqual(sentence.tokens[span.first].start, span.start)
                self.assertEqual(sentence.tokens[span.last].end, span.end)
                spans += 1
        self.assertGreaterEqual(spans, 3)

    def test_tokens_may_be_any_text(self):
        sentence = self.tagger.tag(("New York", "\u00e9\U0001f600", "wins"))
        self.assertEqual([token.text for token in sentence.tokens], ["New York", "\u00e9\U0001f600", "wins"])
        self.assertEqual(sentence.text, "New York \u00e9\U0001f600 wins")
        self.assertEqual(sentence.tokens[2].start, 12)
        self.assertEqual(self.tagger.tag([]).tokens, [])
        self.assertEqual(self.tagger.tag_batch([]), [])
        self.assertEqual(self.tagger.tag_text(""), [])

    def test_results_outlive_the_tagger(self):
        with flairtag.load(MODEL) as tagger:
            sentence = tagger.tag(["Marie", "Curie"])
        self.assertEqual(sentence.spans[0].text, "Marie Curie")

    def test_threads_may_share_a_tagger(self):
        lines = DEMO.read_text().splitlines() * 3
        alone = [self.tagger.tag_text(line) for line in lines]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            self.assertEqual(list(pool.map(self.tagger.tag_text, lines)), alone)

    def test_options_change_what_they_say(self):
        tokens = ["Marie", "Curie", "lived", "in", "Warsaw"]
        plain = self.tagger.tag(tokens)
        self.assertEqual(flairtag.load(MODEL, threads=1, isa="scalar").tag(tokens), plain)
        for options in ({"scores": "marginal"}, {"precision": "int8"}):
            other = flairtag.load(MODEL, **options).tag(tokens)
            self.assertEqual(other.tags, plain.tags)
            self.assertNotEqual(other, plain)


class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tagger = flairtag.load(MODEL)

    def test_a_file_is_tagged_as_its_sentences_are(self):
        streamed = list(self.tagger.stream(CONLL))
        self.assertEqual({sentence.file for sentence in streamed}, {str(CONLL)})
        batch = self.tagger.tag_batch([[token.text for token in sentence.tokens] for sentence in streamed])
        self.assertEqual([(s.tokens, s.spans, s.text) for s in streamed], [(s.tokens, s.spans, s.text) for s in batch])

    def test_offsets_of_plain_text_count_in_the_line(self):
        text = DEMO.read_text()
        for sentence in self.tagger.stream(str(DEMO), format="text"):
            begin = sentence.text_start
            self.assertEqual(sentence.text, text[begin:begin + len(sentence.text)])
            self.assertEqual(sentence.text, text.splitlines()[sentence.line - 1])
            for span in sentence.spans:
                self.assertEqual(sentence.text[span.start:span.end], span.text)

    def test_open_files_pipes_and_gz_are_read(self):
        wanted = [sentence.tags for sentence in self.tagger.stream(CONLL)]
        with CONLL.open("rb", buffering=0) as file:
            self.assertEqual([s.tags for s in self.tagger.stream(file, format="conll")], wanted)
            self.assertFalse(file.closed)
        with tempfile.NamedTemporaryFile(suffix=".gz") as file:
            file.write(gzip.compress(CONLL.read_bytes()))
            file.flush()
            self.assertEqual([s.tags for s in self.tagger.stream(file.name, format="conll")], wanted)
        cat = subprocess.Popen(["cat", str(CONLL)], stdout=subprocess.PIPE)
        with cat.stdout:
            self.assertEqual([s.tags for s in self.tagger.stream(cat.stdout.fileno())], wanted)
        cat.wait()

    def test_a_long_line_of_many_sentences_is_decoded_once(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("Hello there. " * 50)
            file.flush()
            texts = [sentence.text for sentence in self.tagger.stream(file.name, format="text")]
        self.assertEqual(len(texts), 50)
        self.assertTrue(all(text is texts[0] for text in texts))

    def test_what_comes_before_a_bad_line_is_given_first(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"One.\nTwo \xff.\nThree.\n")
            file.flush()
            stream = self.tagger.stream(file.name, format="text")
            self.assertEqual(next(stream).text, "One.")
            with self.assertRaisesRegex(flairtag.InputError, r":2:5: invalid UTF-8") as caught:
                next(stream)
            self.assertEqual(caught.exception.status, 3)
            self.assertEqual(list(stream), [])
            for how, texts in (("skip", ["One.", "Three."]), ("replace", ["One.", "Two \ufffd.", "Three."])):
                stream = self.tagger.stream(file.name, format="text", on_error=how)
                self.assertEqual([sentence.text for sentence in stream], texts)

    def test_closing_a_tagger_ends_its_streams(self):
        tagger = flairtag.load(MODEL)
        stream = tagger.stream(CONLL)
        next(stream)
        tagger.close()
        self.assertEqual(list(stream), [])


class Errors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tagger = flairtag.load(MODEL)

    def test_models_that_cannot_be_opened(self):
        with self.assertRaisesRegex(flairtag.ModelError, "no model 'nothing'") as caught:
            flairtag.load("nothing")
        self.assertEqual(caught.exception.status, 4)
        with self.assertRaises(flairtag.ModelError):
            flairtag.load(pathlib.Path("Makefile"))

    def test_options_that_make_no_sense(self):
        for options in ({"precision": "f64"}, {"scores": "none"}, {"isa": "mmx"}, {"threads": -1}, {"threads": 1025}):
            with self.assertRaises(flairtag.UsageError, msg=str(options)):
                flairtag.load(MODEL, **options)
        for options in ({"format": "xml"}, {"token_column": -1}, {"on_error": ""}, {"encoding": "x"}, {"reader": "x"}):
            with self.assertRaises(flairtag.UsageError, msg=str(options)):
                self.tagger.stream(CONLL, **options)

    def test_input_that_cannot_be_tagged(self):
        with self.assertRaisesRegex(flairtag.InputError, "sentence 2: token 1 is empty"):
            self.tagger.tag_batch([["a"], [""]])
        with self.assertRaisesRegex(flairtag.InputError, "NUL"):
            self.tagger.tag(["a\0b"])
        with self.assertRaisesRegex(flairtag.InputError, "text: NUL byte at byte 2"):
            self.tagger.tag_text("a\0b")
        with self.assertRaises(UnicodeEncodeError):
            self.tagger.tag_text("\ud800")
        with self.assertRaisesRegex(flairtag.InputError, "cannot read '/no/such'"):
            self.tagger.stream("/no/such")
        with self.assertRaises(TypeError):
            self.tagger.tag("a string")
        with self.assertRaises(TypeError):
            self.tagger.tag([1])
        with self.assertRaises(io.UnsupportedOperation):
            self.tagger.stream(io.StringIO("a"))

    def test_a_closed_tagger_says_so(self):
        tagger = flairtag.load(MODEL)
        self.assertEqual(tagger.path, MODEL)
        tagger.close()
        tagger.close()
        for use in (lambda: tagger.tag(["a"]), lambda: tagger.tag_text("a"), lambda: tagger.stream(CONLL),
                    lambda: tagger.path):
            with self.assertRaisesRegex(ValueError, "closed"):
                use()

    def test_a_library_that_is_not_there_is_an_import_error(self):
        run = subprocess.run(["python3", "-c", "import flairtag; flairtag._library.NAME = 'libnone.so'; flairtag.load()"],
                             capture_output=True, env={**os.environ, "FLAIRTAG_LIBRARY": ""})
        self.assertRegex(run.stderr.decode(), "ImportError: .*libnone.so.*is flairtag installed")


class Module(unittest.TestCase):
    def test_versions_agree(self):
        program = subprocess.run([PROGRAM, "--version"], capture_output=True, check=True).stdout.decode().split()[1]
        self.assertEqual(flairtag.__version__, program)
        self.assertEqual(flairtag.library_version(), program)

    def test_structs_are_as_the_header_declares_them(self):
        header = pathlib.Path("lib/flairtag.h").read_text()
        header = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
        names = {"ft_error": "Error", "ft_options": "Options", "ft_stream_options": "StreamOptions",
                 "ft_token": "Token", "ft_span": "Span", "ft_sentence": "Sentence", "ft_tokens": "Tokens"}
        declared = dict(re.findall(r"^struct (\w+) \{(.*?)^\};", header, flags=re.S | re.M))
        self.assertEqual(set(declared), set(names))
        for struct, name in names.items():
            members = [re.sub(r"\[.*", "", piece.strip()).split()[-1].lstrip("*") for line in declared[struct].split(";")
                       for piece in line.split(",") if piece.strip()]
            fields = [field[0] for field in getattr(flairtag._library, name)._fields_]
            self.assertEqual(fields, members, struct)

    def test_memory_comes_back(self):
        tagger = flairtag.load(MODEL, threads=1)
        text = DEMO.read_text()

        def work():
            for _ in range(20):
                tagger.tag_text(text)
                list(tagger.stream(CONLL))
                flairtag.load(MODEL, threads=1).tag(["a"])
            gc.collect()
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        work()
        before = work()
        for _ in range(3):
            after = work()
        self.assertLess(after - before, 2048, "KiB in 60 rounds")


if __name__ == "__main__":
    unittest.main()
