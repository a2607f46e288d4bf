/* predict.js - tagged sentences: filters by type and score, search, counts of what is left.
 *
 * A line of data is a file's name or a sentence [number, piece ...], a piece being text or [type, score or null, text].
 * An entity is *chosen* when its type and score are; with a filter set, only sentences with a chosen one are listed. */
"use strict";

const NAMES_SHOWN = 15;

let sentences = [], fileCount = 0; /* {file, number, pieces, folded} */
let hues = new Map();
let view, pager, typeChoices;
const state = {};
const NO_FILTERS = { types: new Set(), score: 0, query: "", marked: false };

const isEntity = (piece) => typeof piece !== "string";
const passesScore = ([, score]) => score === null || score >= state.score;
const passesType = ([type]) => state.types.size === 0 || state.types.has(type);
const isChosen = (entity) => passesScore(entity) && passesType(entity);

function loadSentences(lines) {
    let file = "-";
    for (const line of lines)
        if (typeof line === "string")
            file = line;
        else
            sentences.push({ file, number: line[0], pieces: line.slice(1), folded: null });
    const types = new Set();
    let scored = false;
    for (const { pieces } of sentences)
        for (const piece of pieces)
            if (isEntity(piece)) {
                types.add(piece[0]);
                scored ||= piece[1] !== null;
            }
    hues = huesOf(types);
    byId("score-controls").hidden = !scored;
    const files = [...new Set(sentences.map((sentence) => sentence.file))];
    fileCount = files.length;
    const others = files.length > 1 ? ` and ${files.length - 1} more` : "";
    const title = files.length === 0 ? "No sentences" : fileTitle(files[0]) + others;
    byId("title").textContent = title;
    document.title = `${title} \u2013 flairtag`;
}

function textOf(sentence) {
    sentence.folded ??= fold(sentence.pieces.map((piece) => (isEntity(piece) ? piece[2] : piece)).join(""));
    return sentence.folded;
}

/* What is listed, and the counts beside it: types as if none were chosen, so that they can be compared; names of the
 * chosen ones. */
function computeView() {
    const query = fold(state.query.trim());
    const mustHaveEntity = state.marked || state.types.size > 0 || state.score > 0;
    const listed = [];
    const counts = new Map([...hues.keys()].map((type) => [type, 0]));
    const names = new Map();
    let chosen = 0;
    sentences.forEach((sentence, index) => {
        if (query && !textOf(sentence).includes(query))
            return;
        let has = false;
        for (const piece of sentence.pieces) {
            if (!isEntity(piece) || !passesScore(piece))
                continue;
            const [type, , text] = piece;
            counts.set(type, counts.get(type) + 1);
            if (!passesType(piece))
                continue;
            has = true;
            chosen++;
            const name = text.replace(/\s+/g, " ");
            const key = `${type}\n${name}`;
            const known = names.get(key);
            if (known)
                known.count++;
            else
                names.set(key, { type, name, count: 1 });
        }
        if (has || !mustHaveEntity)
            listed.push(index);
    });
    return { listed, counts, names, chosen };
}

function drawPiece(piece) {
    if (!isEntity(piece))
        return piece;
    const [type, score, text] = piece;
    if (!isChosen(piece))
        return text;
    const notes = [element("span", { class: "type" }, type)];
    if (score !== null)
        notes.push(element("span", { class: "score" }, percent(score)));
    return entityMark(text, hues.get(type), score === null ? type : `${type}, score ${percent(score, 1)}`, ...notes);
}

function drawSentences() {
    const { begin, end } = pager.show(view.listed.length);
    let file = null;
    const items = [];
    for (const index of view.listed.slice(begin, end)) {
        const sentence = sentences[index];
        const item = sentenceItem(sentence.file, sentence.number, sentence.pieces.map(drawPiece));
        if (sentence.file !== file && fileCount > 1)
            item.prepend(element("span", { class: "file" }, sentence.file));
        file = sentence.file;
        items.push(item);
    }
    byId("sentences").replaceChildren(...items);
    byId("sentences").classList.toggle("with-scores", state.scores);
    byId("nothing").hidden = items.length > 0;
    const all = view.listed.length < sentences.length ? ` (${numbers.format(sentences.length)} in all)` : "";
    byId("status").textContent = `${shownRange(begin, end)}${plural(view.listed.length, "sentence")}${all}, ` +
        plural(view.chosen, "entity", "entities");
}

function drawNames() {
    const sorted = [...view.names.values()].sort((a, b) => b.count - a.count || byCodePoint(a.name, b.name));
    const rows = sorted.slice(0, NAMES_SHOWN).map(({ type, name, count }) => {
        const search = button(element("bdi", {}, name), { class: "link", title: `Search for ${name}` }, () => {
            change({ query: name, types: new Set([type]) });
        });
        const label = element("span", { class: "type" }, type);
        label.style.setProperty("--hue", hues.get(type));
        return element("tr", {}, element("td", {}, search), element("td", {}, label),
            element("td", { class: "number" }, numbers.format(count)));
    });
    byId("names").replaceChildren(...rows);
    byId("names-count").textContent = (sorted.length > NAMES_SHOWN ? `${NAMES_SHOWN} of ` : "") + plural(sorted.length, "name");
}

function drawControls() {
    if (byId("query").value !== state.query)
        byId("query").value = state.query;
    byId("score").value = Math.round(100 * state.score);
    byId("score-value").textContent = percent(state.score);
    byId("marked").checked = state.marked;
    byId("scores").checked = state.scores;
    byId("all-types").disabled = state.types.size === 0;
    byId("reset").disabled = !state.query && !state.types.size && !state.score && !state.marked;
}

function saveState() {
    const parameters = new URLSearchParams();
    for (const type of state.types)
        parameters.append("type", type);
    if (state.score > 0)
        parameters.set("score", state.score);
    if (state.query)
        parameters.set("q", state.query);
    if (state.marked)
        parameters.set("marked", 1);
    if (state.scores)
        parameters.set("scores", 1);
    pager.addTo(parameters);
    writeAddress(parameters);
}

function loadState() {
    const parameters = readAddress();
    const score = Number(parameters.get("score"));
    state.types = new Set(parameters.getAll("type").filter((type) => hues.has(type)));
    state.score = score > 0 && score <= 1 ? score : 0;
    state.query = parameters.get("q") || "";
    state.marked = parameters.has("marked");
    state.scores = parameters.has("scores");
    pager.loadFrom(parameters);
}

function drawAll() {
    view = computeView();
    drawControls();
    typeChoices.draw(view.counts, state.types);
    drawNames();
    drawSentences();
}

/* Other filters: the list begins anew. */
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
    const options = [...hues].map(([type, hue]) => ({ value: type, name: type, hue }));
    typeChoices = new Choices(byId("types"), options, (types) => change({ types }));
    const weigh = later(() => change({ score: byId("score").valueAsNumber / 100 }), 60);
    byId("query").addEventListener("input", later(() => change({ query: byId("query").value })));
    byId("score").addEventListener("input", () => {
        byId("score-value").textContent = percent(byId("score").valueAsNumber / 100);
        weigh();
    });
    byId("marked").addEventListener("change", () => change({ marked: byId("marked").checked }));
    byId("scores").addEventListener("change", () => {
        state.scores = byId("scores").checked;
        drawSentences();
        saveState();
    });
    byId("all-types").addEventListener("click", () => change({ types: new Set() }));
    byId("reset").addEventListener("click", () => change(NO_FILTERS));
}

document.addEventListener("DOMContentLoaded", () => {
    preparePage();
    loadSentences(readData().lines);
    pager = new Pager(byId("pages"), state, turnPage);
    makeControls();
    loadState();
    drawAll();
    addEventListener("hashchange", () => {
        loadState();
        drawAll();
    });
});
