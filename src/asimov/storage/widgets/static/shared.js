// What all widgets share: the page's half of the protocol (see _messages.py), elements, numbers with units.
// Every name that comes from a manifest, a browser or a kernel becomes textContent or an attribute's value, never HTML.

const PING_EVERY = 1000; // ms
const SILENT_AFTER = 3000; // ms without a word from the kernel, while something is asked, until that is said
const PROGRESS_EVERY = 200; // ms: at most 5 updates a second
const SAID_FOR = 4000; // ms that "Copied" stands on a button

// --- The link to the kernel ------------------------------------------------------------------------------------------

class KernelError extends Error {
  // What the kernel answered instead of a result; `.details` holds type, message and what came with them.
  constructor(details) {
    super(details.message);
    this.name = details.type;
    this.details = details;
  }
}

class KernelGone extends Error {
  constructor() {
    super(GONE);
    this.name = "KernelGone";
  }
}

const GONE = "The kernel is busy or gone. If it was restarted, run this cell again.";
const LOST = "The connection to the kernel broke, and what was asked is lost. Try again.";

// connect(model) gives
//   .view                            this view's id
//   .request(kind, fields, buffers)  a promise of {result, buffers}; rejects with KernelError, or KernelGone where nothing can be sent
//   .on(event, listener)             for what the kernel says unasked, to this view or to all; gives what ends that
//   .silent                          whether the kernel said nothing for too long
//   .watch(listener)                 listener(silent: bool) when the kernel falls silent while a request is open, and when it is heard again
//   .close()                         rejects what is open; nothing is heard afterwards
function connect(model) {
  return new Link(model);
}

class Link {
  constructor(model) {
    this.model = model;
    this.view = randomId();
    this.count = 0;
    this.open = new Map(); // request number -> what was asked, its resolve and reject
    this.held = []; // what was asked before the kernel was heard for the first time
    this.listeners = new Map(); // event -> [listener]
    this.watchers = [];
    this.heard = performance.now();
    this.reached = false;
    this.silent = false;
    this.hear = (content, buffers) => this.receive(content, buffers);
    model.on("msg:custom", this.hear);
  }

  // A page that was reloaded shows a widget as the notebook was saved, before it is joined to its kernel, and what is sent
  // then goes nowhere without an error. So until the kernel is heard, only pings are sent, and all else is held.
  request(kind, fields = {}, buffers = []) {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new KernelGone());
      const asked = { kind, fields, buffers, resolve, reject, missed: 0, rounds: 0 };
      if (this.open.size === 0 && !this.silent) this.heard = performance.now();
      if (this.reached || kind === "ping") this.ask(asked);
      else {
        this.held.push(asked);
        this.ping();
      }
      this.tick();
    });
  }

  ask(asked) {
    asked.number = ++this.count;
    this.open.set(asked.number, asked);
    this.send(asked);
  }

  send({ kind, fields, buffers, number }) {
    try {
      // Plain ArrayBuffers only: VS Code's serializer breaks on large typed arrays.
      this.model.send({ ...fields, kind, view: this.view, request: number }, undefined, buffers);
    } catch {
      // The comm is closed for good: the kernel was restarted, or the widget closed.
      this.setSilent(true);
      this.end();
    }
  }

  // Ask whether the kernel is there. A ping that is not answered may have been lost, so it is sent again: every second at
  // first, then twice a minute, as the kernel may be busy for hours and will answer them all.
  ping() {
    const asked = [...this.open.values()].find(({ kind }) => kind === "ping");
    if (asked === undefined) this.request("ping").catch(() => {});
    else if (++asked.rounds < 5 || asked.rounds % 30 === 0) this.send(asked);
  }

  on(event, listener) {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
    return () => this.listeners.set(event, this.listeners.get(event).filter((other) => other !== listener));
  }

  watch(listener) {
    this.watchers.push(listener);
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.model.off("msg:custom", this.hear);
    this.end();
  }

  end() {
    const asked = [...this.held, ...this.open.values()];
    this.held = [];
    this.open.clear();
    for (const { reject } of asked) reject(new KernelGone());
  }

  // What was sent before a ping, and is neither answered nor under way, was lost with a connection that broke. Twice, since
  // an answer may be on its way, too.
  miss(ping, underWay) {
    for (const [number, waiting] of [...this.open]) {
      if (number >= ping) continue;
      waiting.missed = underWay.includes(number) ? 0 : waiting.missed + 1;
      if (waiting.missed < 2) continue;
      this.open.delete(number);
      waiting.reject(new KernelError({ type: "LostRequestError", message: LOST }));
    }
  }

  receive(content, buffers) {
    if (content === null || typeof content !== "object") return;
    if (content.view !== this.view && content.view !== null) return;
    this.heard = performance.now();
    this.reached = true;
    this.setSilent(false);
    for (const asked of this.held.splice(0)) this.ask(asked);
    if (content.event !== undefined) {
      for (const listener of this.listeners.get(content.event) ?? []) listener(content, buffers ?? []);
      return;
    }
    const waiting = this.open.get(content.request);
    if (waiting === undefined) return;
    this.open.delete(content.request);
    if (waiting.kind === "ping" && content.ok) this.miss(content.request, content.result);
    if (content.ok) waiting.resolve({ result: content.result, buffers: buffers ?? [] });
    else waiting.reject(new KernelError(content.error));
  }

  // Once a second while a request is open: ask whether the kernel is there, and say so when it was silent for too long.
  // A page in the background has its timers slowed down, so what counts is the time since the last round too.
  tick() {
    if (this.timer !== undefined) return;
    let before = performance.now();
    const round = () => {
      this.timer = undefined;
      const now = performance.now();
      if (now - before > 3 * PING_EVERY) this.heard = now;
      before = now;
      if (this.open.size === 0) return;
      if (now - this.heard > SILENT_AFTER) this.setSilent(true);
      this.ping();
      this.timer ??= setTimeout(round, PING_EVERY);
    };
    this.timer = setTimeout(round, PING_EVERY);
  }

  setSilent(silent) {
    if (this.silent === silent) return;
    this.silent = silent;
    for (const watcher of this.watchers) watcher(silent);
  }
}

function randomId() {
  // crypto.randomUUID is not there on plain http.
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Keeps from a notebook what is pressed in `element`: JupyterLab takes arrows, letters and digits from whatever has the focus
// and can't be written in, and moves, changes or deletes cells with them. It gets what goes with Ctrl, Alt or ⌘, such as Ctrl+S.
// Notebook 7 takes keys before they get here, so it is told by an attribute, which it looks for on what has the focus alone.
function keepKeys(element) {
  const keep = ({ target, ctrlKey, metaKey, altKey }) => target.toggleAttribute("data-lm-suppress-shortcuts", !ctrlKey && !metaKey && !altKey);
  for (const kind of ["focusin", "keydown", "keyup"]) element.addEventListener(kind, keep); // Ctrl is pressed before the S
  return element;
}

// rendering(mount) is what anywidget calls render: a root element, a link, and the clean-up of both.
function rendering(mount) {
  return ({ model, el }) => {
    const root = keepKeys(make("div", { class: "asimov-storage asimov-storage-panel" }));
    el.append(root);
    const link = connect(model);
    const cleanUp = mount(link, root, model);
    return () => {
      cleanUp?.();
      link.close();
      root.remove();
    };
  };
}

// --- Elements --------------------------------------------------------------------------------------------------------

let countOfIds = 0;

// An id that is free in the whole page, for `for`, `list` and aria-*.
function freshId() {
  return `asimov-storage-${randomId()}-${++countOfIds}`;
}

// make("button", {type: "button", class: "x", onclick: f, disabled: true}, "text", element, ...): text is only ever text.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

function button(text, onclick, attributes = {}) {
  return make("button", { type: "button", onclick, ...attributes }, text);
}

// field("Event", input) is the label, with the input in it; `.problem` of the result's input shows what is wrong with it.
function field(text, input, hint) {
  input.id ||= freshId();
  const label = make("label", { for: input.id }, text);
  const note = make("span", { class: "asimov-storage-problem", id: freshId() });
  input.setAttribute("aria-describedby", note.id);
  const box = make("div", { class: "asimov-storage-field" }, label, input, hint && make("span", { class: "asimov-storage-hint" }, hint), note);
  box.problem = (words) => {
    note.textContent = words ?? "";
    if (words) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  return box;
}

// The one region of a widget that a screen reader reads out as it changes.
function statusRegion() {
  return make("div", { class: "asimov-storage-status", role: "status" });
}

// setText(element, text): touches the page only where something changed, so that nothing is read out twice.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// atMost(ms, action): calls the action at once, and then at most every `ms`, the last call never lost.
function atMost(ms, action) {
  let last = -Infinity;
  let timer;
  const paced = () => {
    if (timer !== undefined) return;
    const wait = last + ms - performance.now();
    const run = () => {
      timer = undefined;
      last = performance.now();
      action();
    };
    if (wait <= 0) run();
    else timer = setTimeout(run, wait);
  };
  paced.cancel = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return paced;
}

// --- Progress --------------------------------------------------------------------------------------------------------

// progress("a.txt") is a bar, with a line beside it; .set(done, total) in bytes and .say(text).
// Bar and line keep their height, so nothing below them moves.
function progress(name) {
  const bar = make("progress", { max: 1, value: 0, "aria-label": name });
  const line = make("span", { class: "asimov-storage-line" });
  // Within a status region, but not read out five times a second.
  const element = make("div", { class: "asimov-storage-progress", "aria-live": "off" }, bar, line);
  const meter = new Rate();
  element.set = (done, total) => {
    const [rate, left] = meter.at(done, total);
    bar.value = total > 0 ? done / total : 1;
    const parts = [`${inUnits(done)} of ${inUnits(total)}`];
    if (rate > 0) parts.push(`${inUnits(rate)}/s`);
    if (left !== undefined && done < total) parts.push(`${inTime(left)} left`);
    element.say(parts.join(", "));
  };
  element.say = (text) => {
    setText(line, text);
    bar.setAttribute("aria-valuetext", text);
  };
  element.restart = () => meter.restart();
  return element;
}

// Rate of the last few seconds, from what is reported of the bytes done.
class Rate {
  constructor() {
    this.restart();
  }

  restart() {
    this.seen = []; // [ms, bytes]
  }

  at(done, total) {
    const now = performance.now();
    this.seen.push([now, done]);
    while (this.seen.length > 2 && now - this.seen[0][0] > 5000) this.seen.shift();
    const [since, then] = this.seen[0];
    if (now - since < 500) return [0, undefined];
    const rate = Math.max(0, ((done - then) / (now - since)) * 1000);
    return [rate, rate > 0 ? (total - done) / rate : undefined];
  }
}

// --- Numbers with units ----------------------------------------------------------------------------------------------

// inUnits(12897485) is "12.3 MiB".
function inUnits(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  let value = bytes;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${Math.round(value)} B` : `${value.toFixed(1)} ${units[unit]}`;
}

// inTime(250) is "4 min"; inTime(12.2) is "13 s".
function inTime(seconds) {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

// --- Words -----------------------------------------------------------------------------------------------------------

// What went wrong, as a text that stays readable where a cause came with it.
function inWords(error) {
  return error instanceof KernelError || error instanceof KernelGone ? error.message : `${error.name}: ${error.message}`;
}

// copying(text, source) is a button that puts text() on the clipboard; where the page may not (plain http), it selects `source`.
// What came of it stands on the button for a while.
function copying(text, source, label = "Copy") {
  let timer;
  const say = (words) => {
    setText(copy, words);
    clearTimeout(timer);
    timer = setTimeout(() => setText(copy, label), SAID_FOR);
  };
  const copy = button(label, async () => {
    try {
      await navigator.clipboard.writeText(text());
      say("Copied");
    } catch {
      getSelection().selectAllChildren(source);
      say(`Selected: press ${keysToCopy()}`);
    }
  });
  return copy;
}

function keysToCopy() {
  return /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘C" : "Ctrl+C";
}
