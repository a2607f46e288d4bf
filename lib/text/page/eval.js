/* eval.js - an evaluation: F1 by type, confusion of types, and the spans of both sides in their sentences.
 *
 * A line of data is the file's name or a sentence [number, tokens, gold, predicted], spans being [first, last, type].
 * Spans of the two sides are compared to *findings*: right (the same tokens, the same type), type (the same tokens,
 * another type), missed (gold alone) and spurious (predicted alone). Findings that share tokens are one mark. */
"use strict";

const KINDS = new Map([
    ["right", { name: "right", sign: "\u2713", hue: 150 }],
    ["type", { name: "wrong type", sign: "\u2260", hue: 75 }],
    ["missed", { name: "missed", sign: "\u2212", hue: 255 }],
    ["spurious", { name: "spurious", sign: "+", hue: 20 }],
]);
const MIXED_HUE = 315; /* of a mark with several findings */
const AVERAGE_HUE = 255;

let sentences = []; /* {file, number, tokens, marks: [{first, last, findings}], folded} */
let types = [];
let pager, kindChoices;
const state = {};
const NO_FILTERS = { kinds: new Set(), gold: null, predicted: null, overlap: false, query: "" };

/* A side without a span has no type: null. */
function compareSpans(gold, predicted) {
    const place = ([first, last]) => `${first} ${last}`;
    const overlaps = (spans, [first, last]) => spans.some((span) => span[0] <= last && first <= span[1]);
    const predictedAt = new Map(predicted.map((span) => [place(span), span]));
    const goldPlaces = new Set(gold.map(place));
    const findings = gold.map((span) => {
        const [first, last, type] = span;
        const other = predictedAt.get(place(span));
        if (!other)
            return { first, last, gold: type, predicted: null, kind: "missed", overlap: overlaps(predicted, span) };
        const kind = other[2] === type ? "right" : "type";
        return { first, last, gold: type, predicted: other[2], kind, overlap: false };
    });
    for (const span of predicted) {
        const [first, last, type] = span;
        const overlap = overlaps(gold, span);
        if (!goldPlaces.has(place(span)))
            findings.push({ first, last, gold: null, predicted: type, kind: "spurious", overlap });
    }
    return findings.sort((a, b) => a.first - b.first || a.last - b.last);
}

function joinOverlapping(findings) {
    const marks = [];
    for (const finding of findings) {
        const mark = marks[marks.length - 1];
        if (mark && finding.first <= mark.last) {
            mark.last = Math.max(mark.last, finding.last);
            mark.findings.push(finding);
        } else {
            marks.push({ first: finding.first, last: finding.last, findings: [finding] });
        }
    }
    return marks;
}

function loadSentences(lines) {
    let file = "-";
    const seen = new Set();
    for (const line of lines) {
        if (typeof line === "string") {
            file = line;
            continue;
        }
        const [number, tokens, gold, predicted] = line;
        for (const span of gold.concat(predicted))
            seen.add(span[2]);
        sentences.push({ file, number, tokens, marks: joinOverlapping(compareSpans(gold, predicted)), folded: null });
    }
    types = [...seen].sort(byCodePoint);
    const title = fileTitle(file);
    byId("title").textContent = `Evaluation of ${title}`;
    document.title = `${title} \u2013 flairtag eval`;
}

/* Figures */

function scoresRow(name, scores, hue, isAverage) {
    const row = element("tr", isAverage ? { class: "average" } : {}, element("th", { scope: "row" }, name));
    const bar = element("td", { class: "bar" }, (100 * scores.f1).toFixed(2));
    bar.style.setProperty("--hue", hue);
    bar.style.setProperty("--share", scores.f1);
    row.append(bar);
    for (const share of [scores.precision, scores.recall])
        row.append(element("td", {}, (100 * share).toFixed(2)));
    for (const count of [scores.gold, scores.predicted, scores.correct])
        row.append(element("td", {}, count === undefined ? "" : numbers.format(count)));
    return row;
}

function drawScores(report) {
    const hues = huesOf(report.types.map(({ type }) => type));
    const columns = ["Type", "F1", "Precision", "Recall", "Gold", "Predicted", "Correct"];
    const head = element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, name)));
    byId("f1").replaceChildren(
        element("thead", {}, head),
        element("tbody", {}, ...report.types.map((row) => scoresRow(row.type, row, hues.get(row.type), false))),
        element("tbody", {}, scoresRow("micro average", report.micro, AVERAGE_HUE, true),
            scoresRow("macro average", report.macro, AVERAGE_HUE, true)));
    byId("facts").textContent = `${plural(report.sentences, "sentence")}, ${plural(report.tokens, "token")}; ` +
        `${percent(report.tag_accuracy, 2)} of tags are equal; spans by the rule ${report.rule}.`;
}

function matrixCell(count, most, isRight, description, filters) {
    const cell = element("td", { class: "cell number" });
    if (count === 0) {
        cell.append(element("span", { class: "quiet" }, "0"));
        return cell;
    }
    cell.style.setProperty("--hue", KINDS.get(isRight ? "right" : "spurious").hue);
    cell.style.setProperty("--share", 0.25 + 0.75 * (count / most));
    cell.append(button(numbers.format(count), { class: "link", "aria-label": `${description}: ${count}` }, () => {
        change({ ...NO_FILTERS, ...filters });
        byId("results").focus();
        byId("results").scrollIntoView();
    }));
    return cell;
}

function drawMatrix() {
    const counts = new Map();
    const key = (gold, predicted) => JSON.stringify([gold, predicted]);
    for (const { marks } of sentences)
        for (const { findings } of marks)
            for (const { gold, predicted } of findings)
                counts.set(key(gold, predicted), (counts.get(key(gold, predicted)) || 0) + 1);
    const columns = [...types, null];
    const head = element("tr", {}, element("th", { scope: "col" }, "Gold"),
        ...columns.map((type) => element("th", { scope: "col" }, type ?? "missed")));
    const most = Math.max(1, ...counts.values());
    const rows = [...types, null].map((gold) => {
        const row = element("tr", {}, element("th", { scope: "row" }, gold ?? "spurious"));
        for (const predicted of columns) {
            if (gold === null && predicted === null) {
                row.append(element("td"));
                continue;
            }
            const count = counts.get(key(gold, predicted)) || 0;
            let description = `gold ${gold}, predicted ${predicted}`, filters = { gold, predicted };
            if (gold === null) {
                description = `spurious ${predicted}`;
                filters = { predicted, kinds: new Set(["spurious"]) };
            } else if (predicted === null) {
                description = `missed ${gold}`;
                filters = { gold, kinds: new Set(["missed"]) };
            }
            row.append(matrixCell(count, most, gold === predicted, description, filters));
        }
        return row;
    });
    byId("matrix").replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
}

/* Sentences */

const passesTypes = (finding) => (state.gold === null || finding.gold === state.gold) &&
    (state.predicted === null || finding.predicted === state.predicted) && (!state.overlap || finding.overlap);
const isChosen = (finding) => passesTypes(finding) && (state.kinds.size === 0 || state.kinds.has(finding.kind));

function textOf(sentence) {
    sentence.folded ??= fold(sentence.tokens.join(" "));
    return sentence.folded;
}

function computeView() {
    const query = fold(state.query.trim());
    const view = { listed: [], counts: new Map([...KINDS.keys()].map((kind) => [kind, 0])), chosen: 0 };
    sentences.forEach((sentence, index) => {
        if (query && !textOf(sentence).includes(query))
            return;
        const before = view.chosen;
        for (const { findings } of sentence.marks)
            for (const finding of findings.filter(passesTypes)) {
                view.counts.set(finding.kind, view.counts.get(finding.kind) + 1);
                view.chosen += isChosen(finding);
            }
        if (view.chosen > before)
            view.listed.push(index);
    });
    return view;
}

function drawFinding(sentence, finding, isAlone) {
    const { sign, name, hue } = KINDS.get(finding.kind);
    const text = {
        right: finding.gold,
        type: `gold ${finding.gold}, predicted ${finding.predicted}`,
        missed: `${name} ${finding.gold}`,
        spurious: `${name} ${finding.predicted}`,
    }[finding.kind];
    const note = element("span", { class: "kind" }, element("span", { "aria-hidden": "true" }, sign + " "));
    if (finding.kind === "right")
        note.append(element("span", { class: "unseen" }, "right "));
    note.append(text);
    if (!isAlone)
        note.append(": ", element("bdi", {}, sentence.tokens.slice(finding.first, finding.last + 1).join(" ")));
    note.style.setProperty("--hue", hue);
    return note;
}

function drawPieces(sentence) {
    const pieces = [];
    let at = 0;
    for (const { first, last, findings } of sentence.marks) {
        if (first > at)
            pieces.push(sentence.tokens.slice(at, first).join(" ") + " ");
        const hue = findings.length === 1 ? KINDS.get(findings[0].kind).hue : MIXED_HUE;
        const notes = findings.map((finding) => drawFinding(sentence, finding, findings.length === 1));
        const mark = entityMark(sentence.tokens.slice(first, last + 1).join(" "), hue, undefined, ...notes);
        mark.classList.toggle("other", !findings.some(isChosen));
        pieces.push(mark, " ");
        at = last + 1;
    }
    pieces.push(sentence.tokens.slice(at).join(" "));
    return pieces;
}

let view;

function drawSentences() {
    const { begin, end } = pager.show(view.listed.length);
    const items = view.listed.slice(begin, end).map((index) => {
        const sentence = sentences[index];
        return sentenceItem(sentence.file, sentence.number, drawPieces(sentence));
    });
    byId("sentences").replaceChildren(...items);
    byId("nothing").hidden = items.length > 0;
    byId("status").textContent = `${shownRange(begin, end)}${plural(view.listed.length, "sentence")} ` +
        `(${numbers.format(sentences.length)} with spans), ${plural(view.chosen, "span")}`;
}

function saveState() {
    const parameters = new URLSearchParams();
    for (const kind of state.kinds)
        parameters.append("kind", kind);
    for (const side of ["gold", "predicted"])
        if (state[side] !== null)
            parameters.set(side, state[side]);
    if (state.overlap)
        parameters.set("overlap", 1);
    if (state.query)
        parameters.set("q", state.query);
    pager.addTo(parameters);
    writeAddress(parameters);
}

function loadState() {
    const parameters = readAddress();
    const knownType = (type) => (types.includes(type) ? type : null);
    state.kinds = new Set(parameters.getAll("kind").filter((kind) => KINDS.has(kind)));
    state.gold = knownType(parameters.get("gold"));
    state.predicted = knownType(parameters.get("predicted"));
    state.overlap = parameters.has("overlap");
    state.query = parameters.get("q") || "";
    pager.loadFrom(parameters);
}

function drawControls() {
    if (byId("query").value !== state.query)
        byId("query").value = state.query;
    byId("overlap").checked = state.overlap;
    for (const side of ["gold", "predicted"])
        byId(side).selectedIndex = state[side] === null ? 0 : types.indexOf(state[side]) + 1;
    const byType = state.gold !== null || state.predicted !== null || state.overlap;
    byId("reset").disabled = !state.query && !state.kinds.size && !byType;
}

function drawAll() {
    view = computeView();
    drawControls();
    kindChoices.draw(view.counts, state.kinds);
    drawSentences();
}

function change(values) {
    Object.assign(state, values, { page: 1 });
    drawAll();
    saveState();
}

function turnPage() {
    drawSentences();
    saveState();
    byId("results").scrollIntoView();
}

function makeControls() {
    kindChoices = new Choices(byId("kinds"), [...KINDS].map(([value, { name, hue }]) => ({ value, name, hue })),
        (kinds) => change({ kinds }));
    for (const side of ["gold", "predicted"]) {
        byId(side).replaceChildren(new Option("any"), ...types.map((type) => new Option(type)));
        byId(side).addEventListener("change", () => {
            const place = byId(side).selectedIndex;
            change({ [side]: place === 0 ? null : types[place - 1] });
        });
    }
    byId("query").addEventListener("input", later(() => change({ query: byId("query").value })));
    byId("overlap").addEventListener("change", () => change({ overlap: byId("overlap").checked }));
    byId("reset").addEventListener("click", () => change(NO_FILTERS));
}

document.addEventListener("DOMContentLoaded", () => {
    preparePage();
    const { lines, end } = readData();
    loadSentences(lines);
    if (end)
        drawScores(end);
    drawMatrix();
    pager = new Pager(byId("pages"), state, turnPage);
    makeControls();
    loadState();
    drawAll();
    addEventListener("hashchange", () => {
        loadState();
        drawAll();
    });
});
