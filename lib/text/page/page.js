/* page.js - what the pages share: the data, elements, colours of types, the address that holds the filters, paging.
 *
 * What a page shows is a function of its data and its address (`#type=person&page=2`), so that a
 * view can be linked to. */
"use strict";

const PAGE_SIZES = [25, 50, 100, 200];
const DEFAULT_PAGE_SIZE = 50;

const numbers = new Intl.NumberFormat("en");
const byId = (id) => document.getElementById(id);
const plural = (count, one, many) => `${numbers.format(count)} ${count === 1 ? one : many || one + "s"}`;
const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)}\u00a0%`;
const byCodePoint = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/* The lines of data, and the object that ends them: null where the file was cut off, maybe in the middle of a line. */
function readData() {
    const data = byId("data");
    const text = data.textContent;
    data.textContent = "";
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    const lines = whole.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
    const last = lines[lines.length - 1];
    const end = last && typeof last === "object" && !Array.isArray(last) ? lines.pop() : null;
    byId("unfinished").hidden = end !== null;
    return { lines, end };
}

/* Attributes that are undefined are left out; children are elements or strings. */
function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes))
        if (value !== undefined)
            made.setAttribute(attribute, value);
    made.append(...children);
    return made;
}

function button(text, attributes, onClick) {
    const made = element("button", { type: "button", ...attributes }, text);
    made.addEventListener("click", onClick);
    return made;
}

/* One hue a type: by their names in order, the golden angle apart, so that the first few differ most and any number of
 * them differs. Lightness is the style sheet's, which is what contrast depends on. */
function huesOf(types) {
    const sorted = [...types].sort(byCodePoint);
    return new Map(sorted.map((type, place) => [type, (145 + place * 137.508) % 360]));
}

/* For comparing text: capitals, other code points for the same characters and any white space make no difference. */
const fold = (text) => text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ");

/* Calls `run` once the calls for it have paused, so that typing does not wait. */
function later(run, milliseconds = 120) {
    let timer;
    return () => {
        clearTimeout(timer);
        timer = setTimeout(run, milliseconds);
    };
}

const readAddress = () => new URLSearchParams(location.hash.slice(1));

function writeAddress(parameters) {
    const text = parameters.toString();
    try {
        history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
    } catch {
        /* a frame without an address of its own: nothing to share */
    }
}

const wholeNumber = (text, otherwise) => (/^\d{1,9}$/.test(text || "") ? Number(text) : otherwise);

const fileTitle = (path) => (path === "-" ? "standard input" : path.replace(/.*\//, ""));

function shownRange(begin, end) {
    return end > begin ? `Showing ${numbers.format(begin + 1)} to ${numbers.format(end)} of ` : "";
}

/* A list of boxes to tick, each with a count and a bar that compares the counts. options: [{value, name, hue}];
 * changed is given the set of values that are ticked. */
class Choices {
    constructor(list, options, changed) {
        this.rows = options.map(({ value, name, hue }) => {
            const box = element("input", { type: "checkbox", value });
            const count = element("span", { class: "count" });
            const row = element("li", { class: "bar" },
                element("label", {}, box, " ", element("span", { class: "type" }, name), " ", count));
            row.style.setProperty("--hue", hue);
            box.addEventListener("change", () => {
                changed(new Set(this.rows.filter((other) => other.box.checked).map((other) => other.value)));
            });
            return { value, box, count, row };
        });
        list.replaceChildren(...this.rows.map(({ row }) => row));
    }

    draw(counts, ticked) {
        const most = Math.max(1, ...counts.values());
        for (const { value, box, count, row } of this.rows) {
            box.checked = ticked.has(value);
            count.textContent = numbers.format(counts.get(value));
            row.style.setProperty("--share", counts.get(value) / most);
        }
    }
}

/* The buttons below a list. `state` has page and size; `changed` is called when the reader turned the page. */
class Pager {
    constructor(nav, state, changed) {
        this.state = state;
        this.turnTo = (page) => {
            state.page = page;
            changed();
        };
        const turn = (text, where) => button(text, {}, () => this.turnTo(where()));
        this.first = turn("First", () => 1);
        this.previous = turn("Previous", () => state.page - 1);
        this.next = turn("Next", () => state.page + 1);
        this.last = turn("Last", () => this.count);
        this.input = element("input", { type: "number", min: 1, step: 1, id: "page", autocomplete: "off" });
        this.input.addEventListener("change", () => this.turnTo(Math.max(1, wholeNumber(this.input.value, 1))));
        this.of = element("span");
        this.sizes = element("select", { id: "size" }, ...PAGE_SIZES.map((size) => new Option(size, size)));
        this.sizes.addEventListener("change", () => {
            state.size = Number(this.sizes.value);
            this.turnTo(1);
        });
        nav.replaceChildren(
            element("span", { class: "group" }, this.first, this.previous),
            element("span", { class: "group" }, element("label", { for: "page" }, "Page"), this.input, this.of),
            element("span", { class: "group" }, this.next, this.last),
            element("span", { class: "group" }, this.sizes, element("label", { for: "size" }, "a page")),
        );
    }

    /* Where the page begins and ends in a list of `total`; the page is brought into the range there is. */
    show(total) {
        const { state } = this;
        this.count = Math.max(1, Math.ceil(total / state.size));
        state.page = Math.min(Math.max(1, state.page), this.count);
        this.input.value = state.page;
        this.input.max = this.count;
        this.sizes.value = state.size;
        this.of.textContent = `of ${numbers.format(this.count)}`;
        this.first.disabled = this.previous.disabled = state.page === 1;
        this.next.disabled = this.last.disabled = state.page === this.count;
        const begin = (state.page - 1) * state.size;
        return { begin, end: Math.min(begin + state.size, total) };
    }

    loadFrom(parameters) {
        this.state.page = wholeNumber(parameters.get("page"), 1);
        const size = wholeNumber(parameters.get("size"), DEFAULT_PAGE_SIZE);
        this.state.size = PAGE_SIZES.includes(size) ? size : DEFAULT_PAGE_SIZE;
    }

    addTo(parameters) {
        if (this.state.page > 1)
            parameters.set("page", this.state.page);
        if (this.state.size !== DEFAULT_PAGE_SIZE)
            parameters.set("size", this.state.size);
    }
}

/* A sentence of a list: its place, and its text in `pieces`, written in whatever direction it has. */
function sentenceItem(file, number, pieces) {
    const place = element("span", { class: "place", title: `${fileTitle(file)}, sentence ${numbers.format(number)}` });
    place.append(element("span", { class: "unseen" }, "Sentence "), String(number));
    return element("li", {}, place, element("p", { dir: "auto" }, ...pieces));
}

/* A name in a text, and what is said of it; with blanks between, for whoever reads it aloud or copies it. */
function entityMark(text, hue, title, ...notes) {
    const mark = element("mark", { class: "entity", title }, element("bdi", {}, text));
    mark.style.setProperty("--hue", hue);
    for (const note of notes)
        mark.append(" ", note);
    return mark;
}

/* Narrow windows begin with the filters folded away. */
function preparePage() {
    applyTheme(document.documentElement.dataset.theme);
    byId("theme").addEventListener("click", switchTheme);
    byId("search").addEventListener("submit", (event) => event.preventDefault());
    byId("skip").addEventListener("click", (event) => {
        event.preventDefault(); /* the address holds the filters */
        byId("results").focus();
    });
    byId("controls").open = matchMedia("(min-width: 60rem)").matches;
}
