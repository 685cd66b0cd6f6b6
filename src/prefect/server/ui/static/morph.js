// Make a part of the page like another one, and touch nothing that is the same: focus, selection, scrolling, what is
// typed and what is unfolded stay. Children with an id are recognized by it. Custom elements see to their own content.

/** Make `now` like `then`. */
export function morph(now, then) {
  if (now.nodeType !== then.nodeType || now.nodeName !== then.nodeName) return void now.replaceWith(then);
  if (now.nodeType !== Node.ELEMENT_NODE) {
    if (now.data !== then.data) now.data = then.data;
    return;
  }
  if (now.isEqualNode(then)) return;
  attributes(now, then);
  if (!now.localName.includes("-")) children(now, then);
}

function attributes(now, then) {
  const kept = now.localName === "details" || now.localName === "dialog" ? ["open"] : [];
  for (const { name } of [...now.attributes]) if (!then.hasAttribute(name) && !kept.includes(name)) now.removeAttribute(name);
  for (const { name, value } of then.attributes) if (now.getAttribute(name) !== value) now.setAttribute(name, value);
}

function children(now, then) {
  const named = new Map([...now.children].filter((one) => one.id).map((one) => [one.id, one]));
  let place = now.firstChild;
  for (const wanted of [...then.childNodes]) {
    const known = wanted.id ? named.get(wanted.id) : undefined;
    if (known && known !== place) now.insertBefore(known, place);
    const found = known ?? place;
    if (!found || (found.id && !known)) {
      now.insertBefore(wanted, place);
      continue;
    }
    place = found.nextSibling;
    morph(found, wanted);
  }
  while (place) {
    const rest = place.nextSibling;
    place.remove();
    place = rest;
  }
}
