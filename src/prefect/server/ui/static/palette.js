// Ctrl-K, or /: a dialog that finds any flow, run, deployment or page. What it shows is the list of the page /find.
import { go } from "./go.js";

const WAIT = 120; // milliseconds after the last key
let dialog, input, list, timer, chosen = 0, asked = 0;

export function listen() {
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    const wanted = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey;
    if (!wanted && (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey)) return;
    event.preventDefault();
    open();
  });
}

function open() {
  if (!dialog) make();
  if (dialog.open) return;
  input.value = "";
  dialog.showModal();
  find();
}

function make() {
  dialog = document.createElement("dialog");
  dialog.className = "palette";
  dialog.setAttribute("aria-label", "Find");
  input = Object.assign(document.createElement("input"), { type: "search", placeholder: "Find a flow, run, deployment or page" });
  list = document.createElement("div");
  list.id = "palette-found";
  for (const [name, value] of [["role", "combobox"], ["aria-expanded", "true"], ["aria-controls", list.id], ["aria-label", "Find a flow, run, deployment or page"], ["autocomplete", "off"]]) input.setAttribute(name, value);
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Found");
  dialog.append(input, list);
  document.body.append(dialog);
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, WAIT);
  });
  dialog.addEventListener("keydown", press);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("a")) dialog.close();
  });
}

async function find() {
  const number = ++asked;
  const answer = await fetch(`/find?q=${encodeURIComponent(input.value)}`).catch(() => null);
  if (!answer?.ok || number !== asked) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const links = [...page.querySelectorAll("#found a")];
  links.forEach((one, place) => {
    one.id = `palette-${place}`;
    one.tabIndex = -1;
    one.setAttribute("role", "option");
  });
  list.replaceChildren(...links);
  if (!links.length) list.textContent = "Nothing is called so.";
  choose(0);
}

function choose(place) {
  const links = list.querySelectorAll("a");
  chosen = links.length ? (place + links.length) % links.length : 0;
  links.forEach((one, at) => one.setAttribute("aria-selected", String(at === chosen)));
  links[chosen]?.scrollIntoView({ block: "nearest" });
  if (links[chosen]) input.setAttribute("aria-activedescendant", links[chosen].id);
  else input.removeAttribute("aria-activedescendant");
}

function press(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const link = list.querySelectorAll("a")[chosen];
  if (step) choose(chosen + step);
  else if (event.key === "Enter" && link) {
    dialog.close();
    go(new URL(link.href));
  } else return;
  event.preventDefault();
}
