"""What cmd/spark/flairtag_spark.py does without Spark: a program between two pipes, with other filters in flairtag's
place."""
import json
import os
import signal
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "cmd", "spark"))
import flairtag_spark as engine  # noqa: E402

# Answers every line only when all have been read, or 50 lines are there, as flairtag's windows do.
IN_WINDOWS = "import sys\nwindow = []\nfor line in sys.stdin:\n    window.append(line)\n" \
             "    if len(window) == 50: sys.stdout.writelines(window); window = []\nsys.stdout.writelines(window)"


def shell(script):
    return lambda: engine.Program(["sh", "-c", script])


def python(script):
    return lambda: engine.Program([sys.executable, "-c", script])


def pieces(count, lines=10, width=10):
    for i in range(count):
        yield i, b"".join(b"%d.%d%s\n" % (i, n, b"x" * width) for n in range(lines)), lines


def as_they_went(count, lines=10, width=10):
    return [(i, block.decode().splitlines()) for i, block, _ in pieces(count, lines, width)]


def as_text(found):
    return [(carried, [line.decode() for line in lines]) for carried, lines in found]


class Through(unittest.TestCase):
    def test_lines_come_back_with_the_piece_they_belong_to(self):
        self.assertEqual(as_text(engine.through(shell("cat"), pieces(300))), as_they_went(300))

    def test_more_bytes_than_pipes_hold_do_not_block_either_side(self):
        found = as_text(engine.through(shell("cat"), pieces(40, lines=20, width=100_000)))  # 80 MB
        self.assertEqual(found, as_they_went(40, lines=20, width=100_000))

    def test_a_program_that_answers_in_windows_gets_enough_to_go_on(self):
        self.assertEqual(as_text(engine.through(python(IN_WINDOWS), pieces(3, lines=7))), as_they_went(3, lines=7))

    def test_no_program_is_started_for_pieces_without_lines(self):
        def never():
            raise AssertionError("started")
        self.assertEqual(list(engine.through(never, [("a", b"", 0), ("b", b"", 0)])), [("a", []), ("b", [])])
        self.assertEqual(list(engine.through(never, [])), [])

    def test_pieces_without_lines_keep_their_place(self):
        found = list(engine.through(shell("cat"), [(0, b"", 0), (1, b"x\n", 1), (2, b"", 0), (3, b"y\nz\n", 2)]))
        self.assertEqual(found, [(0, []), (1, [b"x"]), (2, []), (3, [b"y", b"z"])])

    def test_what_is_on_its_way_is_bounded(self):
        drawn = 0

        def counted():
            nonlocal drawn
            for piece in pieces(1000, lines=100):
                drawn += 1
                yield piece
        most = 0
        for carried, _ in engine.through(shell("cat"), counted()):
            most = max(most, drawn - carried)
        self.assertLessEqual(most * 100, engine.MOST_LINES + 200)
        self.assertEqual(drawn, 1000)

    def test_a_program_that_does_not_read_holds_up_its_feeder(self):
        drawn = 0

        def counted():
            nonlocal drawn
            for piece in pieces(1000, lines=100, width=10_000):  # 1 MB each
                drawn += 1
                yield piece
        tagged = engine.through(shell("sleep 1; cat"), counted())
        taker = threading.Thread(target=lambda: next(tagged))
        taker.start()
        time.sleep(0.5)
        self.assertLessEqual(drawn * 100 * 10_000, engine.MOST_BYTES + 2_000_000)
        taker.join(30)
        tagged.close()

    def test_a_failure_tells_status_and_the_last_messages(self):
        script = "head -n 5; for i in $(seq 2000); do echo flairtag: message $i >&2; done; exit 4"
        with self.assertRaises(engine.ProgramFailed) as caught:
            list(engine.through(shell(script), pieces(300)))
        text = str(caught.exception)
        self.assertRegex(text, r"^sh ended its output after \d+ lines, before all were there \(exit status 4\): ")
        self.assertTrue(text.endswith("flairtag: message 2000"), text[-100:])
        self.assertLess(len(text), engine.LAST_MESSAGES + 200)

    def test_a_failure_after_the_last_line_counts(self):
        with self.assertRaisesRegex(engine.ProgramFailed, r"^sh failed after 30 lines \(exit status 3\): late$"):
            list(engine.through(shell("cat; echo late >&2; exit 3"), pieces(3)))

    def test_a_killed_program_is_a_failure(self):
        with self.assertRaisesRegex(engine.ProgramFailed, r"killed by signal 9\): it said nothing"):
            list(engine.through(shell("head -n 3; kill -9 $$"), pieces(300)))

    def test_a_line_cut_off_in_the_middle_is_a_failure(self):
        with self.assertRaisesRegex(engine.ProgramFailed, "after 1 lines, before all were there"):
            list(engine.through(shell("printf 'a\\nhal'"), [(0, b"a\nb\n", 2)]))

    def test_lines_too_many_are_a_failure(self):
        with self.assertRaisesRegex(engine.ProgramFailed, "gave more than the 2 lines"):
            list(engine.through(shell("cat; echo more"), [(0, b"a\nb\n", 2)]))

    def test_lines_too_few_are_a_failure(self):
        with self.assertRaisesRegex(engine.ProgramFailed, r"after 29 lines, before all were there \(exit status 0\)"):
            list(engine.through(shell("sed 1d"), pieces(3)))

    def test_a_program_that_cannot_be_started_says_so(self):
        with self.assertRaises(FileNotFoundError):
            list(engine.through(lambda: engine.Program(["/no/such/program"]), pieces(1)))

    def test_leaving_early_ends_the_program(self):
        started = []

        def start():
            started.append(engine.Program(["sh", "-c", "cat; exec sleep 600"]))
            return started[0]
        tagged = engine.through(start, pieces(100_000))
        next(tagged)
        tagged.close()
        self.assertEqual(started[0].process.returncode, -signal.SIGKILL)
        self.assertFalse(started[0].writer.is_alive())

    def test_an_error_of_the_input_ends_the_program(self):
        started = []

        def start():
            started.append(engine.Program(["sleep", "600"]))
            return started[0]

        def breaks():
            yield 0, b"a\n", 1
            raise OSError("no more")
        with self.assertRaisesRegex(OSError, "no more"):
            list(engine.through(start, breaks()))
        self.assertEqual(started[0].process.returncode, -signal.SIGKILL)


class Rows(unittest.TestCase):
    def test_objects_are_numbered_and_nulls_are_none(self):
        block, count = engine.objects(["São \"x\"\n\u2028", None, "", "b\0"], "text", 7)
        self.assertEqual(count, 3)
        self.assertEqual([json.loads(line) for line in block.decode().split("\n")[:-1]],
                         [{"id": 7, "text": "São \"x\"\n\u2028"}, {"id": 8, "text": ""}, {"id": 9, "text": "b\0"}])

    def test_a_null_token_is_refused_before_it_is_sent(self):
        with self.assertRaisesRegex(ValueError, "token 2 of .* is null"):
            engine.objects([["a", None]], "tokens", 0)

    def test_results_go_to_their_rows(self):
        lines = [b'{"id": 4, "tags": ["O"]}', b'{"id": 5, "tags": []}']
        found = engine.results([None, "a", None, "b"], lines, 4)
        self.assertEqual(found, [None, {"id": 4, "tags": ["O"]}, None, {"id": 5, "tags": []}])

    def test_an_answer_to_another_question_is_a_failure(self):
        with self.assertRaisesRegex(engine.ProgramFailed, "the answer to object 4 has the id 5"):
            engine.results(["a"], [b'{"id": 5}'], 4)

    def test_records_of_columns_are_counted_by_lines(self):
        self.assertEqual(engine.record_lines("a B\nb O", "conll"), (b"a B\nb O\n\n", 3))
        self.assertEqual(engine.record_lines("\na B", "conll"), (b"\na B\n\n", 3))
        self.assertEqual(engine.record_lines("a B\n", "conll"), (b"a B\n\n", 2))
        self.assertEqual(engine.record_lines("", "conll"), (b"\n\n", 2))

    def test_blank_lines_of_json_lines_are_nothing(self):
        self.assertEqual(engine.record_lines('{"text": "a"}', "jsonl"), (b'{"text": "a"}\n', 1))
        self.assertEqual(engine.record_lines(" \t", "jsonl"), (b"", 0))


if __name__ == "__main__":
    outcome = unittest.main(exit=False, verbosity=0).result
    failed = len(outcome.failures) + len(outcome.errors)
    print(f"engine_rows: {outcome.testsRun - failed} passed, {failed} failed, 0 skipped")
    sys.exit(failed > 0)
