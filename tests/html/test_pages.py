"""The pages of --format html, opened in Chromium: python3 test_pages.py BROWSER [TEST ...]; see tests/html.sh.

Most tests fill a page with data of their own, so that they do not depend on what a model finds: the program writes a
page of no sentences, and lines are put in where its data would be."""
import json
import os
import re
import subprocess
import sys
import tempfile
import traceback

from browser import Browser

FLAIRTAG = os.path.join(os.environ["BUILD"], "flairtag")
SHOTS = os.environ.get("FLAIRTAG_SHOTS")
TYPES = ["person", "location", "corporation", "product", "creative-work", "group"]
CITIES = ["London", "Nairobi", "Port Ellery", "Tamsel"]


class Failed(Exception):
    pass


def same(got, expected, what):
    if got != expected:
        raise Failed(f"{what}: {got!r}, not {expected!r}")


def holds(condition, what):
    if not condition:
        raise Failed(what)


def flairtag(*arguments, text=""):
    done = subprocess.run([FLAIRTAG, *arguments], input=text.encode(), stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


class Pages:
    """Writes pages into a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.empty = flairtag("predict", "--format", "html", "--input-format", "text", "-")
        same(self.empty.count('{"end":true}\n'), 1, "end of an empty page")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return self.path(name)

    def predict(self, name, lines):
        data = "".join(json.dumps(line).replace("<", "\\u003c") + "\n" for line in lines)
        return self.write(name, self.empty.replace('{"end":true}\n', data + '{"end":true}\n'))

    def sample(self, count):
        """Sentence n has a person with a score of n % 100 percent and, where n is even, a city; one in 10 has none."""
        lines = ["corpus.txt"]
        for n in range(1, count + 1):
            if n % 10 == 0:
                lines.append([n, f"Nobody is named in sentence {n}."])
            elif n % 2:
                lines.append([n, ["person", n % 100 / 100, f"Mira {n % 7}"], f" waits, says sentence {n}."])
            else:
                lines.append([n, ["person", n % 100 / 100, f"Mira {n % 7}"], " is in ",
                              ["location", 0.9, CITIES[n // 2 % 4]], f", says sentence {n}."])
        return lines


LISTED = "document.querySelectorAll('#sentences > li').length"
STATUS = "document.querySelector('#status').textContent"


def marks(browser):
    return browser.evaluate("[...document.querySelectorAll('#sentences .type')].map((e) => e.textContent)")


def a_page_holds_fifty_sentences_of_many(browser, pages):
    browser.open(pages.predict("p.html", pages.sample(1000)))
    same(browser.evaluate(LISTED), 50, "sentences in the page")
    same(browser.evaluate(STATUS), "Showing 1 to 50 of 1,000 sentences, 1,300 entities", "status")
    same(browser.evaluate("document.title"), "corpus.txt \u2013 flairtag", "title")
    same(browser.evaluate("document.querySelector('#sentences p').textContent"),
         "Mira 1 person 1\u00a0% waits, says sentence 1.", "the first sentence")


def turning_pages_replaces_the_sentences(browser, pages):
    browser.open(pages.predict("p.html", pages.sample(1000)))
    browser.click("#pages .group:nth-child(3) button:first-child")
    same(browser.evaluate(STATUS), "Showing 51 to 100 of 1,000 sentences, 1,300 entities", "status on page 2")
    same(browser.evaluate("location.hash"), "#page=2", "address on page 2")
    browser.click("#pages .group:nth-child(3) button:last-child")
    same(browser.evaluate("document.querySelector('#page').value"), "20", "number of the last page")
    same(browser.evaluate(LISTED), 50, "sentences on the last page")
    holds(browser.evaluate("document.querySelector('#pages .group:nth-child(3) button').disabled"), "no next page")


def ticking_a_type_lists_its_sentences_alone(browser, pages):
    browser.open(pages.predict("p.html", pages.sample(1000)))
    browser.click("#types input[value=location]")
    same(browser.evaluate(STATUS), "Showing 1 to 50 of 400 sentences (1,000 in all), 400 entities", "status")
    same(set(marks(browser)), {"location"}, "types marked")
    same(browser.evaluate("location.hash"), "#type=location", "address")
    browser.click("#types input[value=person]")
    same(browser.evaluate(STATUS), "Showing 1 to 50 of 900 sentences (1,000 in all), 1,300 entities", "both types")
    browser.click("#reset")
    same(browser.evaluate("location.hash"), "", "address without filters")
    same(browser.evaluate(STATUS), "Showing 1 to 50 of 1,000 sentences, 1,300 entities", "without filters")


def the_address_says_what_is_shown(browser, pages):
    browser.open(pages.predict("p.html", pages.sample(1000)), "#type=location&score=0.5&q=london&page=2")
    # cities follow each other over the even numbers, of which every fifth is a multiple of ten
    count = sum(1 for n in range(2, 1001, 2) if n % 10 and CITIES[n // 2 % 4] == "London")
    same(browser.evaluate(STATUS), f"Showing 51 to {min(100, count)} of {count} sentences (1,000 in all), "
         f"{count} entities", "status")
    same(browser.evaluate("document.querySelector('#query').value"), "london", "search field")
    same(browser.evaluate("document.querySelector('#score').value"), "50", "score")
    holds(browser.evaluate("document.querySelector('#types input[value=location]').checked"), "location ticked")
    browser.evaluate("location.hash = '#q=sentence%20999'")
    browser.wait("document.querySelectorAll('#sentences > li').length === 1")
    same(browser.evaluate(STATUS), "Showing 1 to 1 of 1 sentence (1,000 in all), 1 entity", "another address")
    browser.evaluate("location.hash = '#page=xx&score=7&type=nosuch&size=3'")
    browser.wait(f"{STATUS}.startsWith('Showing 1 to 50 of 1,000')")


def typing_searches_whatever_the_case(browser, pages):
    lines = ["t", [1, "STRASSE und Weg"], [2, "\ufb01ne caf\u00e9"], [3, "cafe\u0301 again"], [4, "Port\n Ellery"]]
    browser.open(pages.predict("p.html", lines))
    browser.click("#query")
    browser.type("CAF\u00c9")
    browser.wait("document.querySelectorAll('#sentences > li').length === 2")
    browser.evaluate("document.querySelector('#query').select()")
    browser.type("fine")
    browser.wait("document.querySelectorAll('#sentences > li').length === 1")
    browser.evaluate("document.querySelector('#query').select()")
    browser.type("port ellery ")
    browser.wait("document.querySelector('#sentences p').textContent === 'Port\\n Ellery'")
    browser.evaluate("document.querySelector('#query').select()")
    browser.type("nowhere")
    browser.wait("!document.querySelector('#nothing').hidden")
    same(browser.evaluate(STATUS), "0 sentences (4 in all), 0 entities", "status of nothing")


def keys_alone_work_every_control(browser, pages):
    browser.open(pages.predict("p.html", pages.sample(1000)))
    seen = []
    for _ in range(60):
        browser.press("Tab")
        seen.append(browser.evaluate("document.activeElement.id || document.activeElement.value ||"
                                     " document.activeElement.textContent"))
        if seen[-1] == "location":
            browser.press(" ")
            same(browser.evaluate("location.hash"), "#type=location", "ticked by the space bar")
        if seen[-1] == "score":
            browser.press("End")
            browser.wait("location.hash.includes('score=1')")
            browser.press("Home")
            browser.wait("!location.hash.includes('score')")
        if seen[-1] == "Next":
            browser.press("Enter")
            same(browser.evaluate("location.hash"), "#type=location&page=2", "turned by Enter")
            break
    for control in ("skip", "theme", "query", "person", "location", "score", "scores", "marked", "page", "Next"):
        holds(control in seen, f"Tab never reaches {control}: {seen}")
    browser.open(pages.path("p.html"), "#type=person")
    browser.press("Tab")
    browser.press("Enter")
    same(browser.evaluate("document.activeElement.id + location.hash"), "results#type=person", "the skip link")


def the_least_score_hides_entities_below_it(browser, pages):
    browser.open(pages.predict("p.html", pages.sample(1000)), "#score=0.9")
    same(browser.evaluate("[...document.querySelectorAll('#types .count')].map((e) => e.textContent)"), ["400", "90"],
         "counts of the types")  # persons from 91 to 99 percent: 9 in a hundred
    holds("person" in marks(browser), "persons above are marked")
    browser.evaluate("location.hash = '#score=0.97&type=person'")
    browser.wait(f"{STATUS}.includes('of 30 sentences')")


def names_are_counted_and_lead_to_their_sentences(browser, pages):
    browser.open(pages.predict("p.html", pages.sample(1000)))
    rows = browser.evaluate("[...document.querySelectorAll('#names tr')].map((r) => [...r.cells].map((c) =>"
                            " c.textContent))")
    counts = {}
    for line in pages.sample(1000)[1:]:
        for piece in line[1:]:
            if isinstance(piece, list):
                counts[piece[2], piece[0]] = counts.get((piece[2], piece[0]), 0) + 1
    expected = sorted(counts.items(), key=lambda item: (-item[1], item[0][0]))[:15]
    same(rows, [[name, kind, str(count)] for (name, kind), count in expected], "most frequent names")
    browser.click("#names tr:first-child button")
    same(browser.evaluate("document.querySelector('#query').value"), expected[0][0][0], "search field")
    same(browser.evaluate("location.hash.startsWith('#type=')"), True, "its type is ticked")


def scores_are_seen_when_asked_for(browser, pages):
    browser.open(pages.predict("p.html", pages.sample(100)))
    shown = "getComputedStyle(document.querySelector('#sentences .score')).display"
    same(browser.evaluate(shown), "none", "scores at first")
    same(browser.evaluate("document.querySelector('#sentences mark').title"), "person, score 1.0\u00a0%", "tooltip")
    browser.click("#scores")
    same(browser.evaluate(shown), "inline", "scores asked for")
    browser.open(pages.predict("p.html", ["t", [1, ["NOUN", None, "Cats"], " ", ["VERB", None, "sleep"]]]))
    holds(browser.evaluate("document.querySelector('#score-controls').hidden"), "no score, no control for it")
    same(browser.evaluate("document.querySelectorAll('#sentences mark').length"), 2, "marks without scores")


LUMINANCE = """(() => {
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const luminance = (layers) => { /* the topmost first; those above the last may let it through */
        for (const color of layers.toReversed()) {
            context.fillStyle = color;
            context.fillRect(0, 0, 1, 1);
        }
        const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => value / 255)
            .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        const layers = [];
        for (let at = element; at; at = at.parentElement) {
            const style = getComputedStyle(at);
            const filled = style.backgroundImage.match(/gradient\\((\\w+\\([^)]*\\))/);
            if (filled)
                layers.push(filled[1]);
            layers.push(style.backgroundColor);
        }
        return layers;
    };
    let least = [100, ""];
    for (const element of document.querySelectorAll("body *")) {
        const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        const seen = element.checkVisibility() && !element.closest(":disabled, .unseen, .skip, select, script");
        if (!hasText || !seen)
            continue;
        const pair = [[getComputedStyle(element).color], behind(element)].map(luminance)
            .sort((a, b) => b - a);
        const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
        if (contrast < least[0])
            least = [contrast, element.outerHTML.slice(0, 200)];
    }
    return least;
})()"""


def text_has_contrast_in_both_themes_for_sixty_types(browser, pages):
    lines = ["t"] + [[n, "The name ", [f"type-{n}", 0.5, f"Name {n}"], " stands here."] for n in range(1, 61)]
    path = pages.predict("p.html", lines)
    for theme in ("light", "dark"):
        browser.prefer(theme)
        browser.open(path, "#size=100&scores=1")
        same(browser.evaluate("document.documentElement.dataset.theme"), theme, "the system's theme")
        contrast, where = browser.evaluate(LUMINANCE)
        holds(4.5 <= contrast < 100, f"{theme}: contrast {contrast:.2f} at {where}")
    browser.prefer("light")


def the_theme_is_switched_by_its_button(browser, pages):
    theme = "document.documentElement.dataset.theme"
    browser.prefer("light")
    browser.open(pages.predict("p.html", pages.sample(10)))
    light = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    browser.click("#theme")
    same(browser.evaluate(theme), "dark", "after the click")
    same(browser.evaluate("document.querySelector('#theme').getAttribute('aria-pressed')"), "true", "pressed")
    holds(browser.evaluate("getComputedStyle(document.body).backgroundColor") != light, "another background")
    browser.open(pages.path("p.html"))
    same(browser.evaluate(theme), "dark", "kept when opened again")
    browser.click("#theme")
    same(browser.evaluate(theme), "light", "after the second click")
    browser.evaluate("localStorage.clear()")


def every_control_has_a_name_and_counts_are_announced(browser, pages):
    evaluation = evaluation_page(pages)
    for path in (pages.predict("p.html", pages.sample(1000)), evaluation):
        browser.open(path)
        controls = browser.controls()
        holds(len(controls) > 15, f"controls: {controls}")
        same([control for control in controls if not control[1].strip()], [], "controls without a name")
        same(browser.evaluate("document.querySelector('#status').getAttribute('role')"), "status", "live region")
        same(browser.evaluate("document.documentElement.lang + document.querySelectorAll('h1, main, nav, header').length"),
             "en4", "landmarks")
        doubled = browser.evaluate("(() => { const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);"
                                   " return ids.filter((id, i) => ids.indexOf(id) !== i); })()")
        same(doubled, [], "ids used twice")


def pages_ask_the_network_for_nothing(browser, pages):
    for path in (pages.predict("p.html", pages.sample(100)), evaluation_page(pages)):
        browser.open(path)
        browser.click("#theme")
        same([url for url in browser.requests if not url.startswith(("file:", "data:"))], [], "requests")
        same(browser.errors, [], "errors")
    browser.evaluate("localStorage.clear()")


def any_text_is_shown_as_it_was_written(browser, pages):
    texts = ["</script><script>document.title = 'taken'</script> & <!-- <b>bold</b>",
             "quotes \" ' ` and \\ and ${document.title}",
             "separators \u2028 and \u2029 and \x7f and \u00a0 between",
             "\u0645\u064a\u0631\u0627 in \u0644\u0646\u062f\u0646 <bdo dir=rtl>", "\U0001f60d e\u0301 \ufeff x \ufffe y",
             "two  blanks\tand a tab"]
    corpus = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    name = "a \"name\" <i> & \u00fc.jsonl"
    pages.write(name, corpus)
    page = flairtag("predict", "--format", "html", pages.path(name))
    browser.open(pages.write("p.html", page))
    same(browser.evaluate("document.querySelector('#title').textContent"), name, "title")
    same(browser.evaluate("document.querySelectorAll('script').length"), 4, "scripts")
    same(browser.errors, [], "errors")
    shown = browser.evaluate("[...document.querySelectorAll('#sentences p')].map((p) => { for (const e of"
                             " p.querySelectorAll('.type, .score')) { e.previousSibling.remove(); e.remove(); }"
                             " return p.textContent; })")
    blank = re.compile(r"\s+")
    same(blank.sub("", "".join(shown)), blank.sub("", "".join(texts)), "texts")
    holds("two  blanks\tand a tab" in shown, "white space is kept")
    same(browser.evaluate("getComputedStyle([...document.querySelectorAll('#sentences p')].find((p) =>"
                          " p.textContent.startsWith('\u0645'))).direction"), "rtl", "direction of Arabic text")


def a_page_that_was_cut_off_shows_what_it_has(browser, pages):
    with open(pages.predict("p.html", pages.sample(1000)), encoding="utf-8") as file:
        page = file.read()
    unfinished = "!document.querySelector('#unfinished').hidden"
    browser.open(pages.path("p.html"))
    same(browser.evaluate(unfinished), False, "a whole page says nothing")
    cut = page.index("says sentence 701.") + 5
    browser.open(pages.write("cut.html", page[:cut]))
    same(browser.evaluate(unfinished), True, "a cut page says so")
    holds("of 700 sentences" in browser.evaluate(STATUS), browser.evaluate(STATUS))
    browser.open(pages.write("cut.html", page[:page.index('["person"')]))
    same(browser.evaluate(unfinished), True, "one that was cut in its first sentence")
    browser.open(pages.write("empty.html", pages.empty))
    same(browser.evaluate("document.title"), "No sentences \u2013 flairtag", "a page of nothing")


def fifty_thousand_sentences_stay_usable(browser, pages):
    seconds = browser.open(pages.predict("p.html", pages.sample(50000)))
    same(browser.evaluate(LISTED), 50, "sentences in the page")
    holds(browser.evaluate("document.querySelectorAll('*').length") < 1500, "elements in the page")
    took = browser.evaluate("(() => { const begin = performance.now(); change({ query: 'london', score: 0.2,"
                            " types: new Set(['person']) }); return performance.now() - begin; })()")
    holds("(50,000 in all)" in browser.evaluate(STATUS), browser.evaluate(STATUS))
    print(f"50,000 sentences: drawn after {seconds:.2f} s; all filters at once, {took:.0f} ms")
    holds(seconds < 20 and took < 3000, f"{seconds} s to open, {took} ms to filter")


GOLD = """Mira B-person
Tolvanen I-person
left O
Port B-location
Ellery I-location
with O
Yuna B-person

Tamsel B-corporation
sells O
Mesa B-product
and O
<b> O
"""
PREDICTED = ["B-person", "I-person", "O", "B-location", "O", "O", "O",
             "B-location", "O", "B-product", "O", "B-group"]


def evaluation_page(pages):
    rows = iter(PREDICTED)
    both = "\n".join(f"{line} {next(rows)}" if line else "" for line in GOLD.split("\n")[:-1]) + "\n"
    path = pages.write("both.conll", both)
    return pages.write("e.html", flairtag("eval", "--format", "html", path))


MATRIX = """Object.fromEntries([...document.querySelectorAll('#matrix button')].map((b) => [b.ariaLabel.split(':')[0],
    Number(b.textContent)]))"""


def an_evaluation_shows_its_figures_and_its_confusion(browser, pages):
    browser.open(evaluation_page(pages))
    figures = json.loads(flairtag("eval", "--json", pages.path("both.conll")))
    rows = browser.evaluate("[...document.querySelectorAll('#f1 tbody tr')].map((r) => [...r.cells].map((c) =>"
                            " c.textContent))")
    expected = [(row["type"], row) for row in figures["types"]]
    expected += [("micro average", figures["micro"]), ("macro average", figures["macro"])]
    same([row[:4] for row in rows], [[name, *(f"{100 * row[key]:.2f}" for key in ("f1", "precision", "recall"))]
                                     for name, row in expected], "figures")
    same(browser.evaluate(MATRIX), {
        "gold person, predicted person": 1, "missed person": 1, "missed location": 1,
        "gold corporation, predicted location": 1, "gold product, predicted product": 1, "spurious location": 1,
        "spurious group": 1}, "confusion")
    same(browser.evaluate(STATUS), "Showing 1 to 2 of 2 sentences (2 with spans), 7 spans", "status")
    same(browser.evaluate("[...document.querySelectorAll('#sentences p')].map((p) => p.textContent)"), [
        "Mira Tolvanen \u2713 right person left Port Ellery + spurious location: Port \u2212 missed location: Port"
        " Ellery with Yuna \u2212 missed person ",
        "Tamsel \u2260 gold corporation, predicted location sells Mesa \u2713 right product and <b> + spurious group "],
        "sentences")


def a_cell_of_the_confusion_lists_its_sentences(browser, pages):
    browser.open(evaluation_page(pages))
    browser.click("#matrix button[aria-label^='gold corporation']")
    same(browser.evaluate("location.hash"), "#gold=corporation&predicted=location", "address")
    same(browser.evaluate(STATUS), "Showing 1 to 1 of 1 sentence (2 with spans), 1 span", "status")
    same(browser.evaluate("document.activeElement.id"), "results", "focus")
    browser.click("#matrix button[aria-label^='missed person']")
    same(browser.evaluate("location.hash"), "#kind=missed&gold=person", "address of a missed one")
    browser.click("#reset")
    browser.click("#kinds input[value=spurious]")
    same(browser.evaluate(STATUS), "Showing 1 to 2 of 2 sentences (2 with spans), 2 spans", "spurious ones")
    browser.click("#overlap")
    same(browser.evaluate(STATUS), "Showing 1 to 1 of 1 sentence (2 with spans), 1 span", "that overlap")
    browser.open(pages.path("e.html"), "#kind=right&q=mesa")
    same(browser.evaluate(STATUS), "Showing 1 to 1 of 1 sentence (2 with spans), 1 span", "by the address")
    same(browser.evaluate("document.querySelectorAll('#sentences .other').length"), 2, "others are not marked")


def an_evaluation_has_contrast_too(browser, pages):
    path = evaluation_page(pages)
    for theme in ("light", "dark"):
        browser.prefer(theme)
        browser.open(path)
        contrast, where = browser.evaluate(LUMINANCE)
        holds(4.5 <= contrast < 100, f"{theme}: contrast {contrast:.2f} at {where}")
    browser.prefer("light")


def nothing_is_cut_off_in_a_narrow_window(browser, pages):
    for path in (pages.predict("p.html", pages.sample(1000)), evaluation_page(pages)):
        browser.resize(360, 740)
        browser.open(path)
        same(browser.evaluate("document.documentElement.scrollWidth"), 360, "width")
        holds(not browser.evaluate("document.querySelector('#controls').open"), "filters are folded")
        browser.click("#controls summary")
        holds(browser.evaluate("document.querySelector('#controls').open"), "and unfold")
        same(browser.evaluate("document.documentElement.scrollWidth"), 360, "width with filters")
    browser.resize(1280, 900)


def take_pictures(browser, pages):
    """Not a test: pages of real text, to be looked at."""
    sample = "data/samples/sample.conll"
    made = {"predict": flairtag("predict", "--format", "html", "data/samples/demo.txt"),
            "eval": flairtag("eval", "-m", "small", "--format", "html", sample)}
    for name, page in made.items():
        path = pages.write(name + ".html", page)
        for look, width, height, theme in (("light", 1280, 1000, "light"), ("dark", 1280, 1000, "dark"),
                                           ("narrow", 390, 844, "light")):
            browser.resize(width, height)
            browser.prefer(theme)
            browser.open(path, "#scores=1")
            browser.picture(os.path.join(SHOTS, f"{name}-{look}.png"))


TESTS = [a_page_holds_fifty_sentences_of_many, turning_pages_replaces_the_sentences,
         ticking_a_type_lists_its_sentences_alone, the_address_says_what_is_shown, typing_searches_whatever_the_case,
         keys_alone_work_every_control, the_least_score_hides_entities_below_it,
         names_are_counted_and_lead_to_their_sentences, scores_are_seen_when_asked_for,
         text_has_contrast_in_both_themes_for_sixty_types, the_theme_is_switched_by_its_button,
         every_control_has_a_name_and_counts_are_announced, pages_ask_the_network_for_nothing,
         any_text_is_shown_as_it_was_written, a_page_that_was_cut_off_shows_what_it_has,
         fifty_thousand_sentences_stay_usable, an_evaluation_shows_its_figures_and_its_confusion,
         a_cell_of_the_confusion_lists_its_sentences, an_evaluation_has_contrast_too,
         nothing_is_cut_off_in_a_narrow_window]


def main():
    program, wanted = sys.argv[1], sys.argv[2:]
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        browser = Browser(program, os.path.join(folder, "profile"))
        try:
            pages = Pages(folder)
            for test in TESTS:
                if wanted and test.__name__ not in wanted:
                    continue
                try:
                    test(browser, pages)
                    passed += 1
                except Exception as problem:
                    failed += 1
                    detail = str(problem) if isinstance(problem, Failed) else traceback.format_exc()
                    print(f"failed: {test.__name__}: {detail}")
            if SHOTS:
                os.makedirs(SHOTS, exist_ok=True)
                take_pictures(browser, pages)
        finally:
            browser.close()
    print(f"html: {passed} passed, {failed} failed, 0 skipped")
    return failed > 0


sys.exit(main())
