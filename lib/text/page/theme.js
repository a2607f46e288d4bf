/* theme.js - light or dark, before anything is drawn: as chosen here earlier, else as the system has it. */
"use strict";

const systemTheme = matchMedia("(prefers-color-scheme: dark)");

function chosenTheme() {
    try {
        return localStorage.getItem("flairtag-theme");
    } catch {
        return null; /* a browser that lets pages from files keep nothing */
    }
}

function applyTheme(theme) {
    document.documentElement.dataset.theme = theme || (systemTheme.matches ? "dark" : "light");
    const button = document.getElementById("theme");
    if (button)
        button.setAttribute("aria-pressed", String(document.documentElement.dataset.theme === "dark"));
}

function switchTheme() {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try {
        localStorage.setItem("flairtag-theme", theme);
    } catch {
        /* then it holds for this visit */
    }
    applyTheme(theme);
}

applyTheme(chosenTheme());
systemTheme.addEventListener("change", () => applyTheme(chosenTheme()));
