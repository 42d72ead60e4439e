// The page's half of the protocol: requests to the kernel, its answers, and its events. See _link/messages.py.

const PING_EVERY = 1000; // ms
const SILENT_AFTER = 3000; // ms without a message while a request is open; then the page says that the kernel is silent

/**
 * The model that anywidget gives a view: the traits of its widget, and the connection to its kernel.
 *
 * @typedef {object} Model
 * @property {<T>(trait: string) => T} get The caller declares the type of the trait.
 * @property {(trait: string, value: unknown) => void} set
 * @property {() => void} save_changes
 * @property {(event: string, listener: Listener) => void} on
 * @property {(event: string, listener: Listener) => void} off
 * @property {(content: object, callbacks: undefined, buffers: ArrayBuffer[]) => void} send
 */
/** @typedef {(content: Received, buffers: Buffer[]) => void} Listener */
/** @typedef {ArrayBuffer | DataView<ArrayBuffer> | Uint8Array<ArrayBuffer>} Buffer JupyterLab gives DataViews. */
/** @typedef {Record<string, unknown>} Fields The values of a request, besides its kind. */

/**
 * The error that the kernel answered instead of a result.
 *
 * @typedef {object} ErrorDetails
 * @property {string} type The Python class.
 * @property {string} message
 * @property {string} [event] The event of the record that an AlreadyPresentException names.
 * @property {string} [production]
 * @property {string} [file]
 * @property {string} [path] The path of the file whose digest differs, in a HashError.
 * @property {string} [expected]
 * @property {string} [actual]
 * @property {string} [advice]
 */

/**
 * A message from the kernel: an answer (`request`, `ok`), or an event with fields of its own.
 *
 * @typedef {object} Received
 * @property {string | null} view The view that the message is for; null for all views.
 * @property {number} [request]
 * @property {boolean} [ok]
 * @property {unknown} [result]
 * @property {ErrorDetails} [error]
 * @property {string} [event]
 * @property {string} [download] The token of the download, in "download/verifying".
 * @property {number} [done] In bytes, in events on progress.
 * @property {number} [total]
 */

/**
 * @template T
 * @typedef {object} Reply
 * @property {T} result
 * @property {Buffer[]} buffers
 */

/**
 * A request, until it is answered.
 *
 * @typedef {object} Asked
 * @property {string} kind
 * @property {Fields} fields
 * @property {ArrayBuffer[]} buffers
 * @property {number} number
 * @property {(reply: Reply<unknown>) => void} resolve
 * @property {(error: Error) => void} reject
 * @property {number} missed The number of answered pings in a row that did not name it.
 * @property {number} rounds The number of times that a ping was due while this one was open.
 */

class KernelError extends Error {
  /** @param {ErrorDetails} details */
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

class Link {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.view = randomId();
    this.count = 0;
    /** @type {Map<number, Asked>} */
    this.open = new Map();
    /** @type {Asked[]} The requests made before the first message of the kernel. */
    this.held = [];
    /** @type {Map<string, Listener[]>} */
    this.listeners = new Map();
    /** @type {((silent: boolean) => void)[]} */
    this.watchers = [];
    /** @type {number | undefined} */
    this.timer = undefined;
    this.heard = performance.now();
    this.reached = false;
    this.silent = false; // whether the kernel has sent nothing for too long
    this.closed = false;
    /** @type {Listener} */
    this.hear = (content, buffers) => this.receive(content, buffers);
    model.on("msg:custom", this.hear);
  }

  /**
   * Send a request to the kernel. Reject with KernelError, or with KernelGone if nothing can be sent.
   *
   * A page that was reloaded shows a widget as the notebook was saved, before it is connected to its kernel. Messages that
   * are sent then are lost without an error. So until the kernel's first message, only pings are sent, and all other
   * requests are held back.
   *
   * @template T The caller declares the type of the answer.
   * @param {string} kind
   * @param {Fields} fields
   * @param {ArrayBuffer[]} buffers
   * @returns {Promise<Reply<T>>}
   */
  request(kind, fields = {}, buffers = []) {
    const answer = new Promise((resolve, reject) => {
      if (this.closed) return reject(new KernelGone());
      const asked = { kind, fields, buffers, resolve, reject, number: 0, missed: 0, rounds: 0 };
      if (this.open.size === 0 && !this.silent) this.heard = performance.now();
      if (this.reached || kind === "ping") this.ask(asked);
      else {
        this.held.push(asked);
        this.ping();
      }
      this.tick();
    });
    return /** @type {Promise<Reply<T>>} */ (answer);
  }

  /** @param {Asked} asked */
  ask(asked) {
    asked.number = ++this.count;
    this.open.set(asked.number, asked);
    this.send(asked);
  }

  /** @param {Asked} asked */
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

  // Ask whether the kernel is there. A ping without an answer may have been lost, so it is sent again: every second at
  // first, then twice a minute. More would be too many, as a kernel that is busy for hours answers them all in the end.
  ping() {
    const asked = [...this.open.values()].find(({ kind }) => kind === "ping");
    if (asked === undefined) this.request("ping").catch(() => {});
    else if (++asked.rounds < 5 || asked.rounds % 30 === 0) this.send(asked);
  }

  /**
   * Call a listener for each event that the kernel sends to this view, or to all views.
   *
   * @param {string} event
   * @param {Listener} listener
   * @returns {() => void} A function that removes the listener.
   */
  on(event, listener) {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
    return () => {
      const others = this.listeners.get(event)?.filter((other) => other !== listener) ?? [];
      this.listeners.set(event, others);
    };
  }

  /**
   * Call the listener when the kernel is silent for too long while a request is open, and when it sends messages again.
   *
   * @param {(silent: boolean) => void} listener
   */
  watch(listener) {
    this.watchers.push(listener);
  }

  // Reject all open requests, and stop listening to the kernel.
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

  /**
   * Reject the requests sent before a ping that are neither answered nor under way. They were lost with a connection that
   * broke. A request must be missing from two pings, since its answer may have crossed the first.
   *
   * @param {number} ping
   * @param {number[]} underWay
   */
  miss(ping, underWay) {
    for (const [number, waiting] of [...this.open]) {
      if (number >= ping) continue;
      waiting.missed = underWay.includes(number) ? 0 : waiting.missed + 1;
      if (waiting.missed < 2) continue;
      this.open.delete(number);
      waiting.reject(new KernelError({ type: "LostRequestError", message: LOST }));
    }
  }

  /**
   * @param {Received} content
   * @param {Buffer[] | undefined} buffers
   */
  receive(content, buffers = []) {
    if (content === null || typeof content !== "object") return;
    if (content.view !== this.view && content.view !== null) return;
    this.heard = performance.now();
    this.reached = true;
    this.setSilent(false);
    for (const asked of this.held.splice(0)) this.ask(asked);
    if (content.event === undefined) this.settle(content, buffers);
    else for (const listener of this.listeners.get(content.event) ?? []) listener(content, buffers);
  }

  /**
   * @param {Received} content
   * @param {Buffer[]} buffers
   */
  settle({ request = 0, ok, result, error }, buffers) {
    const waiting = this.open.get(request);
    if (waiting === undefined) return;
    this.open.delete(request);
    if (waiting.kind === "ping" && ok) this.miss(request, /** @type {number[]} */ (result));
    if (ok) waiting.resolve({ result, buffers });
    else waiting.reject(new KernelError(/** @type {ErrorDetails} */ (error)));
  }

  // Send a ping once a second while a request is open, and note when the kernel is silent for too long. The timers of a
  // page in the background are slowed down, so after a late round the time of silence starts again.
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

  // Return the message for a silent kernel.
  get gone() {
    return this.reached ? GONE : SAVED;
  }

  /** @param {boolean} silent */
  setSilent(silent) {
    if (this.silent === silent) return;
    this.silent = silent;
    for (const watcher of this.watchers) watcher(silent);
  }
}

function randomId() {
  // A page over plain http has no crypto.randomUUID.
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
