// The server tells that something has changed; the page is asked for again, at most so often that it costs the server a
// fifth of its time, and not at all while nobody looks at it.
import { refresh } from "./go.js";

const SOONEST = 200; // milliseconds between two refreshes
let due = false;
let busy = false;

/** Keep this page up to date. */
export function follow() {
  const news = new EventSource("/ui/news");
  news.onmessage = () => {
    due = true;
    look();
  };
  document.addEventListener("visibilitychange", look);
}

async function look() {
  if (!due || busy || document.hidden) return;
  busy = true;
  due = false;
  const began = performance.now();
  await refresh();
  setTimeout(() => {
    busy = false;
    look();
  }, Math.max(SOONEST, 4 * (performance.now() - began)));
}
