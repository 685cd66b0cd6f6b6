// Going from page to page without loading style and scripts again: the server's page is fetched, and its parts swapped.
import { morph } from "./morph.js";

// What was said stays until another page is shown: a refresh says nothing.
export const PARTS = ["main", ".sections", "#said"];
let latest = 0;

/** Listen to links, to forms that only ask (data-go), and to the browser's buttons. */
export function start() {
  addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!link || !plain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || !isPage(url) || (url.hash && url.pathname === location.pathname)) return;
    event.preventDefault();
    go(url);
  });
  addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "get") return;
    event.preventDefault();
    go(asked(form, event.submitter));
  });
  addEventListener("change", (event) => {
    const form = event.target.closest("form[data-go]");
    if (form) go(asked(form), { replace: true });
  });
  addEventListener("popstate", () => show(new URL(location.href), { swap: true }));
}

/** Show another page, as a new entry of the history. */
export async function go(url, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", url);
  if (await show(url, { swap: !replace }) && !replace) {
    scrollTo(0, 0);
    document.querySelector("main").focus({ preventScroll: true });
  }
}

/** Bring this page up to date. Whether the server could be asked. */
export const refresh = () => show(new URL(location.href), { swap: false });

async function show(url, { swap }) {
  const number = ++latest;
  let answer;
  try {
    answer = await fetch(url, { headers: { Accept: "text/html" } });
  } catch {
    return false;
  }
  if (!answer.headers.get("content-type")?.startsWith("text/html")) return void location.assign(url);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (number !== latest) return false; // something newer was asked for meanwhile
  if (answer.redirected) history.replaceState(null, "", answer.url);
  await needed(page);
  const put = () => {
    document.title = page.title;
    for (const part of PARTS) if (swap || part !== "#said" || page.querySelector(part).childElementCount) morph(document.querySelector(part), page.querySelector(part));
    dispatchEvent(new CustomEvent("shown"));
  };
  if (swap && document.startViewTransition) await document.startViewTransition(put).updateCallbackDone;
  else put();
  return true;
}

/** Load style and scripts that only the new page has, before it is shown. */
function needed(page) {
  const wanted = [...page.head.querySelectorAll('link[rel="stylesheet"], script[src]')].filter((one) => {
    const address = one.getAttribute("href") ?? one.getAttribute("src");
    return !document.head.querySelector(`[href="${address}"], [src="${address}"]`);
  });
  return Promise.all(wanted.map((one) => new Promise((resolve) => {
    const made = document.createElement(one.localName);
    for (const { name, value } of one.attributes) made.setAttribute(name, value);
    made.onload = made.onerror = resolve;
    document.head.append(made);
  })));
}

function asked(form, submitter) {
  const url = new URL(form.action);
  const pairs = [...new FormData(form, submitter)].filter(([, value]) => value !== "");
  url.search = new URLSearchParams(pairs);
  return url;
}

const isPage = (url) => !/^\/(api|docs|metrics|ui|static|openapi\.json)(\/|$)/.test(url.pathname);
