"""cmd/spark/flairtag_spark.py under Spark, held against one run of flairtag, also while what works for it is killed.

    spark_jobs.py submit|frames|local|cluster SCRATCH FLAIRTAG

Each is a process of its own, for each starts its own Spark. SCRATCH is an empty folder; FLAIRTAG a path that no other
process is called by, so that none but this test's are killed. Prints "failed: WHAT" and a line "spark: N passed,
N failed"."""
import glob
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
MODULE = os.path.join(ROOT, "cmd", "spark", "flairtag_spark.py")
SMALL = os.path.join(ROOT, "models", "small.safetensors")
TINY = os.path.join(ROOT, "tests", "golden", "tagger", "v0.11.3-zip-fwbw-crf")
TICK = os.sysconf("SC_CLK_TCK")
passed = failed = 0


def check(what, holds, detail=""):
    global passed, failed
    if holds:
        passed += 1
    else:
        failed += 1
        print(f"failed: {what} {detail}", flush=True)


def predict(*arguments):
    return subprocess.run([FLAIRTAG, "predict", *arguments], stdout=subprocess.PIPE, check=True).stdout


def texts(count, seed):
    """Invented sentences, no two alike, so that each has to be worked on."""
    dice = random.Random(seed)
    with open(os.path.join(ROOT, "data", "samples", "demo.txt"), encoding="utf-8") as file:
        words = file.read().split()
    return [" ".join(dice.choices(words, k=dice.randint(3, 20))) + f" {i}." for i in range(count)]


def written(folder, pattern="part-*"):
    """The part files in order, one behind the other."""
    return b"".join(open(name, "rb").read() for name in sorted(glob.glob(os.path.join(folder, pattern))))


def write_lines(path, lines):
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.writelines(line + "\n" for line in lines)


class Processes:
    """What runs now: parents, command lines and the CPU seconds used, from /proc."""

    def __init__(self):
        self.parent, self.words, self.seconds = {}, {}, {}
        for entry in os.listdir("/proc"):
            try:
                pid = int(entry)
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
                with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                    self.words[pid] = file.read().split("\0")
            except (ValueError, OSError):
                continue
            self.parent[pid] = int(fields[1])
            self.seconds[pid] = (int(fields[11]) + int(fields[12])) / TICK

    def taggers(self):
        return [pid for pid, words in self.words.items() if words[0] == FLAIRTAG]

    def above(self, pid, word):
        """The nearest ancestor with that word in its command line."""
        while pid := self.parent.get(pid):
            if any(word in each for each in self.words.get(pid, [])):
                return pid
        return None

    def is_ours(self, pid):
        """It runs for this process. What has lost its parent does not: it belongs to init, or to whoever stands for it."""
        while pid := self.parent.get(pid):
            if pid == os.getpid():
                return True
        return False


def find_tagger(processes, tagger):
    return tagger


def find_worker(processes, tagger):
    parent = processes.parent.get(tagger)
    return parent if any("pyspark" in word for word in processes.words.get(parent, [])) else None


def find_executor(processes, tagger):
    return processes.above(tagger, "CoarseGrainedExecutorBackend")


class Killing(threading.Thread):
    """Kills `times` processes that `find` names, each in the middle of its work: its tagger has used some CPU time."""

    def __init__(self, find, times, after=0.15):
        super().__init__(daemon=True)
        self.find, self.times, self.after, self.killed, self.over = find, times, after, [], False

    def run(self):
        while len(self.killed) < self.times and not self.over:
            time.sleep(0.03)
            now = Processes()
            for tagger in now.taggers():
                victim = self.find(now, tagger)
                if now.seconds[tagger] < self.after or not victim or victim in self.killed or not now.is_ours(victim):
                    continue
                os.kill(victim, signal.SIGKILL)
                self.killed.append(victim)
                time.sleep(0.5)
                break

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *what):
        self.over = True
        self.join()


def none_left():
    for _ in range(100):
        if not Processes().taggers():
            return True
        time.sleep(0.1)
    return False


def session(master, **config):
    from pyspark.sql import SparkSession
    builder = SparkSession.builder.master(master)
    for name, value in {"spark.ui.enabled": "false", "spark.sql.files.maxPartitionBytes": "150k",
                        "spark.sql.files.openCostInBytes": "0", **config}.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def failed_tasks(spark):
    tracker = spark.sparkContext.statusTracker()
    stages = [tracker.getStageInfo(stage) for job in tracker.getJobIdsForGroup(None)
              for stage in tracker.getJobInfo(job).stageIds]
    return sum(stage.numFailedTasks for stage in stages if stage)


def run_job(spark, *words):
    import flairtag_spark
    flairtag_spark.job(spark, flairtag_spark.parse([*words, "--program", FLAIRTAG]))


def undisturbed_and_killed(spark, find, times, what):
    """The big job, whose parts must be those of one run though processes are killed under it."""
    before = failed_tasks(spark)
    start = time.monotonic()
    with Killing(find, times) as killing:
        run_job(spark, "objects.jsonl", "-o", f"killed-{what}", "--input-format", "jsonl")
    seconds = time.monotonic() - start
    lost = failed_tasks(spark) - before
    print(f"{what}: {len(killing.killed)} killed, {lost} tasks lost and run again, {seconds:.0f} s", flush=True)
    check(f"{what}: {times} were killed", len(killing.killed) == times, str(killing.killed))
    check(f"{what}: tasks were run again", lost >= 1)
    check(f"{what}: bytes of one run", written(f"killed-{what}") == open("objects.out", "rb").read())
    check(f"{what}: nothing is left behind", not glob.glob(f"killed-{what}/_temporary"))


def spark_submit():
    """Columns through spark-submit, with the program and the model from --files."""
    with open(os.path.join(TINY, "input.conll"), encoding="utf-8") as file:
        sentences = file.read().rstrip("\n")
    write_lines("columns.conll", [f"{sentences}\nrun X{i}\n" for i in range(300)])
    os.makedirs("shipped")
    subprocess.run(["cp", os.path.join(TINY, "model.pt"), "shipped/ner.pt"], check=True)
    subprocess.run(["cp", FLAIRTAG, "shipped/flairtag-shipped"], check=True)
    submit = os.path.join(os.path.dirname(__import__("pyspark").__file__), "bin", "spark-submit")
    done = subprocess.run(
        [submit, "--master", "local[2]", "--conf", "spark.ui.enabled=false",
         "--conf", "spark.sql.files.maxPartitionBytes=20k", "--files", "shipped/ner.pt,shipped/flairtag-shipped",
         MODULE, "columns.conll", "-o", "columns", "--input-format", "conll", "-m", "ner.pt", "--precision", "int8",
         "--scores", "marginal", "--program", "flairtag-shipped"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    expected = predict("--input-format", "conll", "-m", "shipped/ner.pt", "--precision", "int8", "--scores", "marginal",
                       "columns.conll")
    parts = len(glob.glob("columns/part-*"))
    check("spark-submit: exit status", done.returncode == 0, done.stdout.decode()[-2000:])
    check("spark-submit: bytes of one run", written("columns") == expected)
    check("spark-submit: in several parts", parts > 3, f"{parts} parts")
    print(f"spark-submit: {len(expected)} bytes in {parts} parts")


def frames():
    """Texts and tokens of DataFrames: the fields of predict's objects, every other column as it was."""
    import flairtag_spark
    spark = session("local[2]")
    some = texts(700, 5)
    rows = [(2**60 + i, None if i % 50 == 7 else "" if i % 50 == 8 else text, None if i % 3 else i)
            for i, text in enumerate(some)]
    frame = spark.createDataFrame(rows, "key long, note string, maybe int").repartition(5)
    tagged = flairtag_spark.tag(frame, "note", program=FLAIRTAG, scores="marginal")
    found = {row.key: row for row in tagged.collect()}
    write_lines("notes.jsonl", [json.dumps({"key": key, "text": text}) for key, text, _ in rows if text is not None])
    expected = [json.loads(line) for line in predict("--scores", "marginal", "notes.jsonl").splitlines()]
    check("frame: one row out for each row in",
          sorted(found) == [row[0] for row in rows] and tagged.count() == len(rows))
    check("frame: other columns are as they were", all((found[k].note, found[k].maybe) == (n, m) for k, n, m in rows))
    check("frame: nulls stay nulls",
          all(found[k].tags is None and found[k].spans is None for k, n, _ in rows if n is None))
    check("frame: all texts are answered", len(expected) == sum(n is not None for _, n, _ in rows))
    check("frame: predict's tokens, tags, scores and spans", all(
        (each["tokens"], each["tags"], each["scores"], each["spans"]) ==
        (found[each["key"]].tokens, found[each["key"]].tags, found[each["key"]].scores,
         [span.asDict() for span in found[each["key"]].spans]) for each in expected))

    write_lines("plain.txt", some)
    run_job(spark, "plain.txt", "-o", "plain-parquet", "--input-format", "text", "--format", "parquet")
    run_job(spark, "plain.txt", "-o", "plain-jsonl", "--input-format", "text")
    write_lines("plain.jsonl", [json.dumps({"text": text}, ensure_ascii=False, separators=(",", ":")) for text in some])
    expected = predict("plain.jsonl")
    check("text to jsonl: bytes of one run", written("plain-jsonl") == expected)
    run_job(spark, "plain-parquet", "-o", "tokens-parquet", "--input-format", "parquet")  # now from the tokens
    from_text = {row.text: row for row in spark.read.parquet("plain-parquet").collect()}
    from_tokens = {row.text: row for row in spark.read.parquet("tokens-parquet").collect()}
    expected = {each["text"]: each for each in map(json.loads, expected.splitlines())}
    check("text to parquet: predict's tags and spans", sorted(from_text) == sorted(expected) and all(
        (row.tokens, row.tags, [span.asDict() for span in row.spans]) ==
        (expected[text]["tokens"], expected[text]["tags"], expected[text]["spans"]) for text, row in from_text.items()))
    write_lines("tokens.jsonl", [json.dumps({"tokens": each["tokens"]}) for each in expected.values()])
    of_tokens = [json.loads(line)["tags"] for line in predict("tokens.jsonl").splitlines()]
    check("parquet of tokens to parquet: predict's tags",
          of_tokens == [from_tokens[text].tags for text in expected] and len(from_tokens) == len(some))

    run_job(spark, "plain.jsonl", "-o", "jsonl-parquet", "--input-format", "jsonl", "--format", "parquet")
    check("jsonl to parquet: as text to parquet",
          {row.text: row for row in spark.read.parquet("jsonl-parquet").collect()} == from_text)
    run_job(spark, "plain-parquet", "-o", "parquet-jsonl", "--input-format", "parquet", "--column", "text",
            "--format", "jsonl")
    check("parquet to jsonl: as text to parquet",
          {each["text"]: each for each in map(json.loads, written("parquet-jsonl").splitlines())} == expected)

    many = spark.range(100_000).selectExpr("concat('Mira met Jan ', id) AS text").coalesce(1)
    few = flairtag_spark.tag(many, program=FLAIRTAG)
    check("a consumer that leaves early ends the program", len(few.limit(3).collect()) == 3 and none_left())
    for model, pattern in (("none", r"exit status 4\): flairtag: no model 'none'"), (os.devnull, "exit status 4")):
        try:
            flairtag_spark.tag(frame, "note", program=FLAIRTAG, model=model).collect()
            check("a model that is not there fails the job", False)
        except Exception as error:  # Spark's own kinds differ between its versions
            text = str(error)
            check("a model that is not there fails the job, by its message", re.search(pattern, text), text[-600:])
    try:
        bad = spark.createDataFrame([("a\0b",)], "text string")
        flairtag_spark.tag(bad, program=FLAIRTAG).collect()
        check("bad input fails the job", False)
    except Exception as error:
        check("bad input fails the job, by its message", "exit status 3" in str(error), str(error)[-600:])
    replaced = flairtag_spark.tag(bad, program=FLAIRTAG, on_error="replace").collect()
    check("bad input can be replaced",
          replaced[0].text == "a\0b" and replaced[0].tokens == ["a", "\ufffd", "b"], str(replaced))
    spark.stop()


def big_corpus(count):
    write_lines("objects.jsonl", [json.dumps({"n": i, "text": text}) for i, text in enumerate(texts(count, 3))])
    start = time.monotonic()
    with open("objects.out", "wb") as file:
        file.write(predict("--threads", "1", "objects.jsonl"))
    seconds = time.monotonic() - start
    print(f"one run: {count} objects, {os.path.getsize('objects.jsonl')} bytes, {seconds:.1f} s", flush=True)


def local():
    big_corpus(8000)
    spark = session("local[2,4]")
    start = time.monotonic()
    run_job(spark, "objects.jsonl", "-o", "whole", "--input-format", "jsonl")
    print(f"whole: {time.monotonic() - start:.1f} s, {len(glob.glob('whole/part-*'))} parts", flush=True)
    check("jsonl to jsonl: bytes of one run", written("whole") == open("objects.out", "rb").read())
    undisturbed_and_killed(spark, find_tagger, 3, "flairtag")
    undisturbed_and_killed(spark, find_worker, 2, "worker")
    spark.stop()
    check("no flairtag is left", none_left())


def cluster():
    big_corpus(8000)
    spark = session("local-cluster[2,1,1024]", **{"spark.executor.memory": "512m"})
    undisturbed_and_killed(spark, find_executor, 1, "executor")
    spark.stop()
    check("no flairtag is left", none_left())


if __name__ == "__main__":
    scenario, scratch, FLAIRTAG = sys.argv[1:]
    sys.path.insert(0, os.path.dirname(MODULE))
    os.chdir(scratch)
    {"submit": spark_submit, "frames": frames, "local": local, "cluster": cluster}[scenario]()
    print(f"spark: {passed} passed, {failed} failed")
