// Elements that know the time: the server writes what is true whenever it is read, these say what it means here and now.

const DAY = 86_400_000;
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** A moment in the browser's own time zone; the day only where it is another one. */
class LocalTime extends HTMLElement {
  static observedAttributes = ["at"];
  connectedCallback() {
    this.tell();
  }
  attributeChangedCallback() {
    if (this.isConnected) this.tell();
  }
  tell() {
    const time = this.querySelector("time");
    if (!time) return; // the parser has not come to it
    time.dateTime = this.getAttribute("at");
    const moment = new Date(time.dateTime);
    const near = Math.abs(Date.now() - moment) < DAY / 2;
    time.textContent = near ? hour.format(moment) : `${day.format(moment)} ${hour.format(moment)}`;
    time.title = whole.format(moment);
  }
}

/** How long something has been going on, counted every second (every tenth of one in the first minute). */
class RunClock extends HTMLElement {
  static observedAttributes = ["since"];
  connectedCallback() {
    this.tick();
  }
  disconnectedCallback() {
    clearTimeout(this.timer);
  }
  attributeChangedCallback() {
    if (this.isConnected) this.tick();
  }
  tick() {
    clearTimeout(this.timer);
    const seconds = Math.max(0, (Date.now() - new Date(this.getAttribute("since"))) / 1000);
    this.textContent = length(seconds);
    this.timer = setTimeout(() => this.tick(), seconds < 60 ? 100 : 1000);
  }
}

function length(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h ${two((seconds / 60) % 60)}m`;
}

/** Text with a button that copies it. */
class CopyText extends HTMLElement {
  connectedCallback() {
    if (this.querySelector("button")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(this.querySelector("code").textContent);
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
    this.append(button);
  }
}

customElements.define("copy-text", CopyText);
customElements.define("local-time", LocalTime);
customElements.define("run-clock", RunClock);
