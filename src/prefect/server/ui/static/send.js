// Forms that change something (data-send) are sent without leaving the page; what was done is said in a toast, which
// goes by itself.
import { PARTS } from "./go.js";
import { morph } from "./morph.js";

const STAYS = 7000; // milliseconds
let timer;

export function listen() {
  addEventListener("submit", send);
  addEventListener("shown", fade);
  fade();
}

async function send(event) {
  const form = event.target;
  if (event.defaultPrevented || !form.hasAttribute("data-send")) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  let answer;
  try {
    answer = await fetch(form.action, { method: "POST", body });
  } catch {
    return say("The server cannot be reached. Nothing was sent.");
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const failed = page.querySelector("#said .toast-failed");
  if (failed) return say(failed.textContent); // what was typed stays, to be mended
  if (form.matches(":popover-open")) form.hidePopover();
  if (answer.redirected && answer.url !== location.href) history.pushState(null, "", answer.url);
  document.title = page.title;
  for (const part of PARTS) morph(document.querySelector(part), page.querySelector(part));
  form.reset();
  dispatchEvent(new CustomEvent("shown"));
}

function say(text) {
  const toast = Object.assign(document.createElement("p"), { className: "toast toast-failed", textContent: text });
  const place = document.querySelector(".over:popover-open") ?? document.querySelector("#said");
  place.querySelector(".toast")?.remove();
  place.append(toast);
  fade();
}

function fade() {
  clearTimeout(timer);
  timer = setTimeout(() => document.querySelectorAll(".toast").forEach((one) => one.remove()), STAYS);
}
