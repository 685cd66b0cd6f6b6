// The timeline of a flow run, on a canvas: only what is in sight is drawn, so 10,000 task runs cost what fifty do.
// Times are microseconds since the run's beginning; see the endpoint /ui/flow_runs/{id}/timeline for the rows.

const FOLD_FROM = 9; // runs of one task, as on the server
const AXIS = 24;
const WAITS = new Set(["SCHEDULED", "PENDING", "PAUSED"]);
const ENDS = new Set(["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]);
const HINT = "Point at a lane, or choose one with the arrow keys, to read about it and to see what it was given by. Drag to move in time; + and −, Ctrl and the wheel, or two fingers zoom.";
const COLORS = ["ink", "ink-soft", "line", "raised", "sunk", "accent"];

class RunTimeline extends HTMLElement {
  static observedAttributes = ["mark"];

  connectedCallback() {
    if (this.scroller) return this.begin();
    this.innerHTML = `<div class="tl-tools">
      <button type="button" data-do="in">Zoom in</button><button type="button" data-do="out">Zoom out</button>
      <button type="button" data-do="fit">Fit</button><button type="button" data-do="fold"></button>
      <output></output></div>
      <div class="tl-scroll" tabindex="0" role="application"><canvas aria-hidden="true"></canvas><div></div></div>
      <p class="tl-said" aria-live="polite"></p>`;
    this.scroller = this.querySelector(".tl-scroll");
    this.canvas = this.querySelector("canvas");
    this.space = this.scroller.lastElementChild;
    this.said = this.querySelector(".tl-said");
    this.scroller.setAttribute("aria-label", `Timeline of ${this.getAttribute("label")}. Up and down choose a task run, ` +
      "left and right move in time, plus and minus zoom, 0 shows all, Enter opens or unfolds.");
    this.rows = new Map();
    this.unfolded = new Set();
    this.icons = {};
    this.hear();
    this.begin();
  }

  begin() {
    this.watch = new ResizeObserver(() => this.fitSize());
    this.watch.observe(this.scroller);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.draw();
    this.dark.addEventListener("change", this.redraw);
    addEventListener("shown", this.redraw);
    this.loadIcons().then(this.redraw);
    this.load();
  }

  disconnectedCallback() {
    this.watch.disconnect();
    this.dark.removeEventListener("change", this.redraw);
    removeEventListener("shown", this.redraw);
    clearTimeout(this.timer);
  }

  attributeChangedCallback() {
    if (this.scroller) this.load();
  }

  // --- what there is to show

  async load() {
    if (this.loading) return void (this.again = true);
    this.loading = true;
    let data;
    try {
      const answer = await fetch(`${this.getAttribute("src")}?since=${this.until ?? 0}`);
      data = answer.ok ? await answer.json() : undefined;
    } catch { /* the next change asks again */ }
    this.loading = false;
    if (data && this.isConnected) this.take(data);
    if (this.again) {
      this.again = false;
      this.load();
    }
  }

  take(data) {
    this.until = data.until;
    this.ended = data.ended;
    this.skew = performance.now() - data.now / 1000; // when the run began, on this page's clock
    this.types = data.types;
    for (const [id, name, key, changes, state, parents = [], flow] of data.rows)
      this.rows.set(id, { id, name, key: data.keys[key], changes, state, parents, flow });
    this.run = { id: "", name: this.getAttribute("label"), changes: data.states.flatMap(([type, at]) => [type, at]), state: data.states.at(-1)?.[2] ?? "", parents: [], run: true };
    this.groups = new Map();
    this.givenTo = new Map();
    for (const one of this.rows.values()) {
      if (!this.groups.has(one.key)) this.groups.set(one.key, []);
      this.groups.get(one.key).push(one);
      one.start = this.start(one);
      for (const parent of one.parents) {
        if (!this.givenTo.has(parent)) this.givenTo.set(parent, []);
        this.givenTo.get(parent).push(one.id);
      }
    }
    const asked = this.getAttribute("unfold");
    if (asked && !this.wasAsked) this.unfolded.add(this.wasAsked = asked);
    this.arrange();
    this.live();
  }

  /** Draw on while something runs. */
  live() {
    clearTimeout(this.timer);
    if (!this.ended && !document.hidden) this.draw();
    if (!this.ended) this.timer = setTimeout(() => this.live(), 100);
  }

  now() {
    return (performance.now() - this.skew) * 1000;
  }

  type(one) {
    return this.types[one.changes.at(-2)];
  }

  start(one) {
    for (let i = 0; i < one.changes.length; i += 2) if (this.types[one.changes[i]] === "RUNNING") return one.changes[i + 1];
    return one.changes[1];
  }

  end(one) {
    return ENDS.has(this.type(one)) || (this.ended && one.run) ? one.changes.at(-1) : this.ended ? this.last : this.now();
  }

  /** How long it was running, in all. */
  busy(one) {
    let sum = 0;
    for (let i = 0; i < one.changes.length; i += 2)
      if (this.types[one.changes[i]] === "RUNNING") sum += (one.changes[i + 3] ?? this.end(one)) - one.changes[i + 1];
    return sum;
  }

  /** Put all into lanes: each run its own, many of one task in one, unless unfolded. */
  arrange() {
    const narrow = this.narrow = this.scroller.clientWidth < 700;
    const row = narrow ? 38 : 24;
    this.last = 0;
    for (const one of [this.run, ...this.rows.values()]) this.last = Math.max(this.last, one.changes.at(-1) ?? 0);
    const blocks = [];
    for (const [key, some] of this.groups) {
      some.sort((a, b) => a.start - b.start);
      if (some.length < FOLD_FROM) for (const one of some) blocks.push([one.start, [{ one, height: row }]]);
      else {
        const fold = { key, some, height: narrow ? 56 : 44, label: key.replace(/-[0-9a-f]{8}$/, "") };
        const lanes = [fold];
        if (this.unfolded.has(key)) for (const one of some) lanes.push({ one, height: row, within: true });
        blocks.push([some[0].start, lanes]);
      }
    }
    blocks.sort((a, b) => a[0] - b[0]);
    this.lanes = [{ one: this.run, height: row }, ...blocks.flatMap(([, lanes]) => lanes)];
    this.place = new Map();
    let top = AXIS;
    this.lanes.forEach((lane, i) => {
      lane.top = top;
      top += lane.height;
      if (lane.one) this.place.set(lane.one.id, i);
    });
    for (const lane of this.lanes) if (lane.some) for (const one of lane.some) if (!this.place.has(one.id)) this.place.set(one.id, this.lanes.indexOf(lane));
    this.total = top + 8;
    this.chosen = Math.min(this.chosen ?? -1, this.lanes.length - 1);
    const folds = this.lanes.filter((lane) => lane.some).length;
    const fold = this.querySelector('[data-do="fold"]');
    fold.hidden = !folds;
    fold.textContent = this.unfolded.size ? "Fold all" : "Unfold all";
    this.fitSize();
    if (!this.said.textContent) this.tell(this.chosen);
  }

  fitSize() {
    if (!this.lanes) return;
    if (this.narrow !== this.scroller.clientWidth < 700) return this.arrange();
    const ratio = devicePixelRatio || 1;
    const most = Math.round(innerHeight * 0.68);
    this.width = this.scroller.clientWidth;
    this.height = Math.min(this.total, most);
    this.scroller.style.height = `${this.height + 2}px`;
    this.canvas.style.height = `${this.height}px`;
    this.canvas.width = this.width * ratio;
    this.canvas.height = this.height * ratio;
    this.space.style.height = `${Math.max(0, this.total - this.height)}px`;
    this.gutter = this.narrow ? 8 : Math.min(300, Math.max(180, this.width * 0.2));
    this.draw();
  }

  // --- time and place

  get view() {
    if (this.zoomed) return this.zoomed;
    const end = this.ended ? this.last : Math.max(this.last, this.now());
    const first = Math.min(0, this.run.changes[1] ?? 0, this.earliest ?? 0);
    const from = first < -(end || 1) ? -(end || 1) * 0.05 : first; // a run that waited for long: what it did is shown
    return [from, end + Math.max((end - from) * 0.02, 1000)];
  }

  x(time) {
    const [from, to] = this.view;
    return this.gutter + ((time - from) / (to - from)) * (this.width - this.gutter - 8);
  }

  zoom(factor, at = 0.5) {
    const [from, to] = this.view;
    const middle = from + (to - from) * at;
    const length = Math.max(20, (to - from) / factor);
    this.zoomed = [middle - length * at, middle + length * (1 - at)];
    this.draw();
  }

  pan(share) {
    const [from, to] = this.view;
    const by = (to - from) * share;
    this.zoomed = [from + by, to + by];
    this.draw();
  }

  laneAt(y) {
    const wanted = y + this.scroller.scrollTop;
    if (y < AXIS) return -1;
    let low = 0;
    let high = this.lanes.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.lanes[middle].top <= wanted) low = middle;
      else high = middle - 1;
    }
    return wanted < this.lanes[low].top + this.lanes[low].height ? low : -1;
  }

  // --- drawing

  async loadIcons() {
    if (Object.keys(this.icons).length) return;
    const answer = await fetch("/ui/icons.svg");
    const found = new DOMParser().parseFromString(await answer.text(), "image/svg+xml");
    for (const one of found.querySelectorAll('[id^="state-"] path')) this.icons[one.parentNode.id.slice(6).toUpperCase()] = new Path2D(one.getAttribute("d"));
  }

  draw() {
    if (this.due || !this.lanes) return;
    this.due = requestAnimationFrame(() => {
      this.due = 0;
      this.paint();
    });
  }

  paint() {
    const g = this.canvas.getContext("2d");
    const ratio = devicePixelRatio || 1;
    const style = getComputedStyle(this);
    this.color = Object.fromEntries([...COLORS, ...this.types.map((one) => one.toLowerCase())].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.font = style.getPropertyValue("--font");
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.fillStyle = this.color.raised;
    g.fillRect(0, 0, this.width, this.height);
    g.textBaseline = "middle";
    this.ticks(g);
    const top = this.scroller.scrollTop;
    let i = Math.max(0, this.laneAt(AXIS));
    g.save();
    g.beginPath();
    g.rect(0, AXIS, this.width, this.height - AXIS);
    g.clip();
    for (; i < this.lanes.length && this.lanes[i].top - top < this.height; i++) this.lane(g, i, this.lanes[i].top - top);
    const shown = this.hovered ?? -1;
    if (shown > 0 || this.chosen > 0) this.arrows(g, shown > 0 ? shown : this.chosen);
    g.restore();
    const [from, to] = this.view;
    this.querySelector("output").textContent = `${this.rows.size.toLocaleString("en")} task run${this.rows.size === 1 ? "" : "s"} · ${words(to - from)} in sight`;
  }

  ticks(g) {
    const [from, to] = this.view;
    const room = this.narrow ? 70 : 100;
    const least = ((to - from) * room) / Math.max(room, this.width - this.gutter);
    const step = nice(least);
    g.font = `12px ${this.font}`;
    for (let t = Math.ceil(from / step) * step; t < to; t += step) {
      const x = Math.round(this.x(t)) + 0.5;
      if (x > this.width - 30) break;
      g.strokeStyle = this.color.line;
      g.globalAlpha = t === 0 ? 1 : 0.55;
      g.beginPath();
      g.moveTo(x, AXIS - 4);
      g.lineTo(x, this.height);
      g.stroke();
      g.globalAlpha = 1;
      g.fillStyle = this.color["ink-soft"];
      g.fillText(t === 0 ? "0" : words(t, step), x + 4, AXIS / 2);
    }
  }

  lane(g, i, y) {
    const lane = this.lanes[i];
    if (i === this.chosen || i === this.hovered) {
      g.fillStyle = this.color.sunk;
      g.fillRect(0, y, this.width, lane.height);
    }
    if (i === this.chosen) {
      g.fillStyle = this.color.accent;
      g.fillRect(0, y, 3, lane.height);
    }
    this.label(g, lane, y);
    const body = this.narrow ? y + 18 : y;
    const height = this.narrow ? lane.height - 18 : lane.height;
    g.save();
    g.beginPath();
    g.rect(this.gutter, y, this.width, lane.height);
    g.clip();
    if (lane.some) this.many(g, lane, body + 3, height - 7);
    else this.bar(g, lane.one, body + height / 2);
    g.restore();
  }

  label(g, lane, y) {
    const type = lane.some ? lane.worst ??= worst(lane.some.map((one) => this.type(one))) : this.type(lane.one);
    const inset = lane.within ? 24 : 10;
    const line = y + (this.narrow ? 10 : lane.some ? 14 : lane.height / 2);
    g.save();
    g.translate(inset, line - 6);
    g.scale(0.75, 0.75);
    g.fillStyle = this.color[type.toLowerCase()];
    if (this.icons[type]) g.fill(this.icons[type]);
    g.restore();
    g.fillStyle = this.color.ink;
    g.font = `${lane.one?.run || lane.one?.flow ? "600 " : ""}13px ${this.font}`;
    const room = (this.narrow ? this.width : this.gutter) - inset - 26;
    const sign = lane.some ? (this.unfolded.has(lane.key) ? "▾ " : "▸ ") : "";
    g.fillText(clipped(g, sign + (lane.some ? `${lane.label} × ${lane.some.length.toLocaleString("en")}` : lane.one.name), room), inset + 18, line);
    if (!lane.some || this.narrow) return;
    g.fillStyle = this.color["ink-soft"];
    g.font = `11.5px ${this.font}`;
    g.fillText(clipped(g, this.counts(lane), room), inset + 18, y + 31);
  }

  /** One run: waiting is a thin line, each attempt a bar in the colour of what it came to. */
  bar(g, one, middle) {
    const { changes } = one;
    const end = this.end(one);
    for (let i = 0; i < changes.length; i += 2) {
      const type = this.types[changes[i]];
      if (ENDS.has(type)) continue;
      const last = i + 2 >= changes.length;
      const x = this.x(changes[i + 1]);
      const width = this.x(last ? end : changes[i + 3]) - x;
      if (x > this.width || x + width < this.gutter) continue;
      if (WAITS.has(type)) {
        g.fillStyle = this.color[type === "PENDING" ? "ink-soft" : type.toLowerCase()];
        g.globalAlpha = type === "PENDING" ? 0.5 : 1;
        g.fillRect(x, middle - 1, Math.max(width, 0.5), 2);
        g.globalAlpha = 1;
        if (type === "PAUSED") for (let at = Math.max(x, this.gutter); at < Math.min(x + width, this.width); at += 6) g.fillRect(at, middle - 4, 2, 8);
        continue;
      }
      const next = last ? type : this.types[changes[i + 2]];
      const came = next === "SCHEDULED" || (!last && next === "RUNNING") ? "FAILED" : next === "PENDING" || next === "PAUSED" ? "RUNNING" : next;
      g.fillStyle = this.color[came.toLowerCase()];
      g.globalAlpha = one.run ? 0.55 : 1;
      g.beginPath();
      g.roundRect(x, middle - 7, Math.max(width, 2), 14, Math.min(3, Math.max(width, 2) / 2));
      g.fill();
      g.globalAlpha = 1;
      if (one.flow) {
        g.strokeStyle = this.color.ink;
        g.strokeRect(x + 0.5, middle - 6.5, Math.max(width - 1, 1), 13);
      }
      if ((came === "FAILED" || came === "CRASHED") && width > 14) this.cross(g, x + width - 8, middle);
    }
    if (!one.run) this.beside(g, words(this.busy(one)), this.x(changes[1]), this.x(end), middle);
  }

  /** Small text behind a bar, or before it where there is no room. */
  beside(g, text, from, to, y) {
    g.fillStyle = this.color["ink-soft"];
    g.font = `11.5px ${this.font}`;
    const { width } = g.measureText(text);
    if (to + width + 8 < this.width) g.fillText(text, Math.max(to, this.gutter) + 6, y);
    else if (from - width - 6 > this.gutter) g.fillText(text, from - width - 6, y);
  }

  cross(g, x, y) {
    g.strokeStyle = this.color.raised;
    g.lineWidth = 2;
    g.beginPath();
    g.moveTo(x - 3, y - 3);
    g.lineTo(x + 3, y + 3);
    g.moveTo(x + 3, y - 3);
    g.lineTo(x - 3, y + 3);
    g.stroke();
    g.lineWidth = 1;
  }

  /** Many runs: how many were running at each time, those that went wrong on top. */
  many(g, lane, y, height) {
    const sorted = (lane.sorted ??= this.intervals(lane.some));
    const [from, to] = this.view;
    const first = Math.max(this.gutter, Math.floor(this.x(sorted.first)));
    const end = Math.min(this.width - 8, Math.ceil(this.x(sorted.open ? (this.ended ? this.last : this.now()) : sorted.last)) + 1);
    if (end <= first) return;
    const each = (to - from) / (this.width - this.gutter - 8);
    const counts = [];
    let most = 1;
    for (let x = first; x < end; x++) {
      const a = from + (x - this.gutter) * each;
      const good = within(sorted.good, a, a + each);
      const bad = within(sorted.bad, a, a + each);
      const open = within(sorted.running, a, a + each);
      counts.push([good, bad, open]);
      most = Math.max(most, good + bad + open);
    }
    counts.forEach(([good, bad, open], i) => {
      let base = y + height;
      for (const [number, color] of [[good, "completed"], [open, "running"], [bad, "failed"]]) {
        if (!number) continue;
        const tall = Math.max(1, (number / most) * height);
        g.fillStyle = this.color[color];
        g.fillRect(first + i, base - tall, 1, tall);
        base -= tall;
      }
    });
    g.fillStyle = this.color["ink-soft"];
    g.font = `11.5px ${this.font}`;
    this.beside(g, `${sorted.most.toLocaleString("en")} at once`, first, end, y + height / 2);
  }

  intervals(some) {
    const made = { good: [[], []], bad: [[], []], running: [[], []], first: Infinity, last: -Infinity, open: false };
    for (const one of some) {
      const type = this.type(one);
      if (WAITS.has(type) && one.changes.length < 4) continue;
      const kind = ENDS.has(type) ? (type === "COMPLETED" ? "good" : "bad") : "running";
      const end = kind === "running" ? Infinity : one.changes.at(-1);
      if (kind === "running") made.open = true;
      made[kind][0].push(one.start);
      made[kind][1].push(end);
      made.first = Math.min(made.first, one.start);
      if (end < Infinity) made.last = Math.max(made.last, end);
    }
    for (const kind of ["good", "bad", "running"]) for (const list of made[kind]) list.sort((a, b) => a - b);
    const all = [0, 1].map((n) => [...made.good[n], ...made.bad[n], ...made.running[n]].sort((a, b) => a - b));
    made.most = 0;
    for (let i = 0, gone = 0; i < all[0].length; i++) {
      while (all[1][gone] <= all[0][i]) gone++;
      made.most = Math.max(made.most, i + 1 - gone);
    }
    return made;
  }

  /** From what a run was given to it, and on to whom it was given. */
  arrows(g, i) {
    const lane = this.lanes[i];
    const some = lane.some ?? [lane.one];
    const seen = new Set();
    const edge = (from, to, a, b) => {
      const name = `${from}-${to}`;
      if (from === undefined || to === undefined || from === to || seen.has(name) || seen.size > 300) return;
      seen.add(name);
      const top = this.scroller.scrollTop;
      const y = (n) => this.lanes[n].top - top + (this.narrow ? (this.lanes[n].height + 18) / 2 : this.lanes[n].height / 2);
      const x1 = Math.max(this.gutter, this.x(this.end(a)));
      const x2 = Math.max(this.gutter, this.x(b.start));
      const bend = Math.max(16, Math.abs(x2 - x1) / 2);
      g.beginPath();
      g.moveTo(x1, y(from));
      g.bezierCurveTo(x1 + bend, y(from), x2 - bend, y(to), x2 - 5, y(to));
      g.stroke();
      g.beginPath();
      g.moveTo(x2, y(to));
      g.lineTo(x2 - 7, y(to) - 4);
      g.lineTo(x2 - 7, y(to) + 4);
      g.fill();
    };
    g.strokeStyle = g.fillStyle = this.color.accent;
    g.lineWidth = 1.5;
    for (const one of some) {
      for (const id of one.parents ?? []) if (this.rows.has(id)) edge(this.place.get(id), lane.some ? i : this.place.get(one.id), this.rows.get(id), one);
      for (const id of this.givenTo.get(one.id) ?? []) edge(lane.some ? i : this.place.get(one.id), this.place.get(id), one, this.rows.get(id));
      if (seen.size > 300) break;
    }
    g.lineWidth = 1;
  }

  // --- what is said of a lane

  counts(lane) {
    const numbers = {};
    for (const one of lane.some) numbers[this.type(one)] = (numbers[this.type(one)] ?? 0) + 1;
    return Object.entries(numbers).map(([type, number]) => `${number.toLocaleString("en")} ${type.toLowerCase()}`).join(", ");
  }

  tell(i) {
    const lane = this.lanes[i];
    this.said.replaceChildren();
    if (!lane) return void (this.said.textContent = HINT);
    const say = (...parts) => this.said.append(...parts);
    if (lane.some) {
      const spans = lane.some.filter((one) => ENDS.has(this.type(one))).map((one) => this.busy(one)).sort((a, b) => a - b);
      const part = (share) => words(spans[Math.min(spans.length - 1, Math.floor(spans.length * share))]);
      const name = document.createElement("strong");
      name.textContent = `${lane.label} × ${lane.some.length.toLocaleString("en")}`;
      say(name, `: ${this.counts(lane)}. `);
      if (spans.length) say(`Duration: median ${part(0.5)}, 95 % under ${part(0.95)}, longest ${words(spans.at(-1))}. `);
      say("Enter or a click folds and unfolds.");
      return;
    }
    const { one } = lane;
    const link = document.createElement(one.run ? "strong" : "a");
    link.textContent = one.name;
    if (!one.run) link.href = one.flow ? `/runs/flow-run/${one.flow}` : `/runs/task-run/${one.id}`;
    const attempts = one.changes.filter((type, n) => n % 2 === 0 && this.types[type] === "RUNNING").length;
    const waited = this.start(one) - one.changes[1];
    say(link, `: ${one.state}. Running ${words(this.busy(one))}`, attempts > 1 ? ` in ${attempts} attempts` : "", waited > 0 ? `, after waiting ${words(waited)}` : "", `. Begun ${words(this.start(one))} into the run. `);
    const names = one.parents.map((id) => this.rows.get(id)?.name).filter(Boolean);
    if (names.length) say(`Given by ${names.slice(0, 4).join(", ")}${names.length > 4 ? ` and ${names.length - 4} more` : ""}.`);
  }

  choose(i) {
    this.chosen = Math.max(0, Math.min(this.lanes.length - 1, i));
    const { top, height } = this.lanes[this.chosen];
    if (top - AXIS < this.scroller.scrollTop) this.scroller.scrollTop = top - AXIS;
    if (top + height > this.scroller.scrollTop + this.height) this.scroller.scrollTop = top + height - this.height;
    this.tell(this.chosen);
    this.draw();
  }

  fold(lane) {
    if (!this.unfolded.delete(lane.key)) this.unfolded.add(lane.key);
    this.arrange();
    this.choose(this.lanes.findIndex((one) => one.key === lane.key));
  }

  // --- mouse, touch, keys

  hear() {
    const { scroller } = this;
    const fingers = new Map();
    let moved = 0;
    const at = (event) => {
      const box = this.canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    const share = (x) => Math.max(0, (x - this.gutter) / (this.width - this.gutter - 8));
    this.addEventListener("click", (event) => {
      const what = event.target.closest("[data-do]")?.dataset.do;
      if (what === "in") this.zoom(1.6);
      if (what === "out") this.zoom(1 / 1.6);
      if (what === "fit") this.fit();
      if (what === "fold") {
        if (this.unfolded.size) this.unfolded.clear();
        else for (const lane of this.lanes) if (lane.some) this.unfolded.add(lane.key);
        this.arrange();
      }
    });
    scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    scroller.addEventListener("wheel", (event) => {
      if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(-event.deltaY / 300), share(at(event)[0]));
      else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.pan((event.deltaX || event.deltaY) / this.width);
      else return;
      event.preventDefault();
    }, { passive: false });
    scroller.addEventListener("pointerdown", (event) => {
      if (event.button || !this.lanes) return;
      fingers.set(event.pointerId, at(event));
      moved = 0;
    });
    scroller.addEventListener("pointermove", (event) => {
      if (!this.lanes) return;
      const [x, y] = at(event);
      const before = fingers.get(event.pointerId);
      if (!before) return this.hover(event.pointerType === "mouse" ? this.laneAt(y) : -1);
      const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
      if (others.length) {
        const far = (place) => Math.max(20, Math.abs(place[0] - others[0][0]));
        this.zoom(far([x, y]) / far(before), share((x + others[0][0]) / 2));
      } else {
        this.pan((before[0] - x) / (this.width - this.gutter - 8));
        if (event.pointerType === "mouse") scroller.scrollTop += before[1] - y;
      }
      moved += Math.abs(x - before[0]) + Math.abs(y - before[1]);
      if (moved > 4) scroller.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, [x, y]);
    });
    const up = (event) => {
      const was = fingers.delete(event.pointerId);
      if (!was || event.type !== "pointerup" || moved > 4) return;
      const i = this.laneAt(at(event)[1]);
      if (i < 0) return;
      if (this.lanes[i].some) this.fold(this.lanes[i]);
      else this.choose(i);
    };
    scroller.addEventListener("pointerup", up);
    scroller.addEventListener("pointercancel", up);
    scroller.addEventListener("pointerleave", () => this.hover(-1));
    scroller.addEventListener("dblclick", (event) => this.open(this.laneAt(at(event)[1])));
    scroller.addEventListener("keydown", (event) => this.key(event));
  }

  hover(i) {
    if (i === (this.hovered ?? -1)) return;
    this.hovered = i;
    this.tell(i >= 0 ? i : this.chosen);
    this.draw();
  }

  open(i) {
    const lane = this.lanes[i];
    if (!lane) return;
    this.tell(i);
    if (lane.some) this.fold(lane);
    else this.said.querySelector("a")?.click();
  }

  fit() {
    this.zoomed = undefined;
    this.draw();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.lanes) return;
    const page = Math.max(1, Math.floor(this.height / 24) - 2);
    const keys = {
      ArrowDown: () => this.choose(this.chosen + 1), ArrowUp: () => this.choose(this.chosen - 1),
      PageDown: () => this.choose(this.chosen + page), PageUp: () => this.choose(this.chosen - page),
      Home: () => this.choose(0), End: () => this.choose(this.lanes.length - 1),
      ArrowLeft: () => this.pan(-0.1), ArrowRight: () => this.pan(0.1),
      "+": () => this.zoom(1.6), "=": () => this.zoom(1.6), "-": () => this.zoom(1 / 1.6),
      0: () => this.fit(), Enter: () => this.open(this.chosen), " ": () => this.open(this.chosen),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }
}

/** How many intervals, given by their sorted beginnings and ends, touch a stretch of time. */
function within([starts, ends], from, to) {
  return below(starts, to) - below(ends, from);
}

function below(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

const WORST = ["CRASHED", "FAILED", "RUNNING", "CANCELLING", "PAUSED", "PENDING", "SCHEDULED", "CANCELLED", "COMPLETED"];

function worst(types) {
  const there = new Set(types);
  return WORST.find((one) => there.has(one)) ?? "PENDING";
}

function nice(least) {
  const units = [1, 1e3, 1e6, 6e7, 3.6e9, 8.64e10];
  for (const [i, unit] of units.entries())
    for (const factor of i < 2 ? [1, 2, 5, 10, 20, 50, 100, 200, 500] : [1, 2, 5, 10, 15, 30])
      if (unit * factor >= least) return unit * factor;
  return 8.64e10 * Math.ceil(least / 8.64e10);
}

/** Microseconds as people read them; with a step, no finer than that. */
function words(time, step = 0) {
  const sign = time < 0 ? "−" : "";
  const size = Math.abs(time);
  const plain = (number, most) => String(+number.toFixed(most));
  if (size < 1e3) return `${sign}${Math.round(size)} µs`;
  if (size < 1e6) return `${sign}${plain(size / 1e3, size < 1e4 ? 1 : 0)} ms`;
  if (size < 6e7) return `${sign}${plain(size / 1e6, step >= 1e6 ? 0 : step >= 1e5 ? 1 : 3)} s`;
  const seconds = Math.round(size / 1e6);
  const two = (number) => String(number).padStart(2, "0");
  if (size < 3.6e9) return `${sign}${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  if (size < 8.64e10) return `${sign}${Math.floor(seconds / 3600)}h ${two(Math.floor(seconds / 60) % 60)}m`;
  return `${sign}${Math.floor(seconds / 86400)}d ${two(Math.floor(seconds / 3600) % 24)}h`;
}

function clipped(g, text, room) {
  if (g.measureText(text).width <= room) return text;
  let length = text.length;
  while (length > 1 && g.measureText(`${text.slice(0, length)}…`).width > room) length = Math.min(length - 1, Math.ceil(length * 0.9));
  return `${text.slice(0, length)}…`;
}

customElements.define("run-timeline", RunTimeline);
