// The list of runs with a script: an area dragged in the chart becomes a filter, and boxes are ticked together.
import { go } from "./go.js";

let drag = null;

function prepare() {
  document.querySelector("#run-chart")?.classList.add("selects");
  const all = document.querySelector(".pick-all");
  if (all) all.hidden = false;
  tell();
}

function boxes() {
  return [...document.querySelectorAll('input[name="run"][form="bulk"]')];
}

function tell() {
  const said = document.querySelector(".bulk-said");
  if (!said) return;
  const some = boxes();
  const chosen = some.filter((one) => one.checked).length;
  const every = document.querySelector('#bulk input[name="all"]').checked;
  said.textContent = every ? "All that match" : chosen ? `${chosen} selected` : "Selected";
  for (const button of document.querySelectorAll("#bulk button")) button.disabled = !chosen && !every;
  const all = document.querySelector(".pick-all");
  all.checked = chosen > 0 && chosen === some.length;
  all.indeterminate = chosen > 0 && chosen < some.length;
}

addEventListener("change", (event) => {
  if (event.target.matches(".pick-all")) for (const one of boxes()) one.checked = event.target.checked;
  tell();
});

addEventListener("pointerdown", (event) => {
  const plot = event.target.closest?.("#run-chart .plot");
  if (!plot || event.button) return;
  drag = { plot, x: event.clientX, y: event.clientY };
  event.preventDefault();
});

addEventListener("pointermove", (event) => {
  if (!drag) return;
  const at = area(event);
  const shown = document.querySelector("#run-chart-selection");
  const { left, top } = drag.plot.getBoundingClientRect();
  const place = { x: at.left - left, y: at.top - top, width: at.right - at.left, height: at.bottom - at.top };
  for (const [name, value] of Object.entries(place)) shown.setAttribute(name, value);
});

addEventListener("pointerup", (event) => {
  if (!drag) return;
  const at = area(event);
  const frame = drag.plot.getBoundingClientRect();
  drag = null;
  const shown = document.querySelector("#run-chart-selection");
  for (const name of ["width", "height"]) shown.setAttribute(name, 0);
  if (at.right - at.left < 4 && at.bottom - at.top < 4) return;
  go(selected(at, frame));
});

function area(event) {
  const frame = drag.plot.getBoundingClientRect();
  const [left, right] = [drag.x, event.clientX].sort((a, b) => a - b);
  const [top, bottom] = [drag.y, event.clientY].sort((a, b) => a - b);
  return { left: Math.max(left, frame.left), right: Math.min(right, frame.right), top: Math.max(top, frame.top), bottom: Math.min(bottom, frame.bottom) };
}

function selected(at, frame) {
  const { start, end, low, high } = document.querySelector("#run-chart").dataset;
  const url = new URL(location.href);
  const query = url.searchParams;
  for (const name of ["after", "before"]) query.delete(name);
  const time = (x) => new Date(+start + ((x - frame.left) / frame.width) * (end - start)).toISOString().replace("Z", "");
  const seconds = (y) => ((low * (high / low) ** (1 - (y - frame.top) / frame.height)) / 1000).toPrecision(4);
  if (at.right - at.left >= 4) {
    query.delete("range");
    query.set("since", time(at.left));
    query.set("until", time(at.right));
  }
  if (at.bottom - at.top >= frame.height * 0.1 && at.bottom - at.top < frame.height * 0.9) {
    query.set("min", Number(seconds(at.bottom)));
    query.set("max", Number(seconds(at.top)));
  }
  return url;
}

addEventListener("shown", prepare);
prepare();
