// The result of a fetch: path, code, preview and Download. The Fetcher shows it below its boxes, and the Explorer beside
// its table. The kernel's half are Fetches (_fetching/fetches.py) and Downloads (_fetching/downloads.py).

/**
 * The state that Fetches shows. It is empty before the first fetch.
 *
 * @typedef {object} FetchState
 * @property {number} [number] The number of the fetch. Each fetch has its own.
 * @property {"fetching" | "fetched" | "failed" | "cancelled"} [phase]
 * @property {string} [event]
 * @property {string} [production]
 * @property {string} [file]
 * @property {number} [done] In bytes.
 * @property {number} [total]
 * @property {ErrorDetails} [error]
 */
/**
 * @typedef {object} FetchWanted
 * @property {string} event
 * @property {string} production
 * @property {string} file
 * @property {string} [hash]
 * @property {string} [dest]
 * @property {boolean} [retracted] Whether to fetch the file even if its record was retracted.
 */
/**
 * @typedef {object} Fetched
 * @property {number} number
 * @property {string} event
 * @property {string} production
 * @property {string} file
 * @property {string} path
 * @property {string} code A line of Python that fetches the same file.
 * @property {string} hash
 * @property {number} size In bytes.
 * @property {boolean} copied Whether the file was copied to a folder.
 * @property {string | null} why Why its record was retracted, if it was.
 * @property {[key: string, text: string][]} notes
 */

class FetchedPanel {
  /**
   * @param {Link} link
   * @param {(busy: boolean) => void} told Called with whether a fetch or a download is under way.
   */
  constructor(link, told = () => {}) {
    this.link = link;
    this.told = told;
    /** @type {FetchState} */
    this.state = {};
    /** @type {FetchWanted | undefined} The file that was asked for last in this view. */
    this.wanted = undefined;
    /** @type {AbortController | undefined} Aborts the download under way. */
    this.aborter = undefined;
    /** @type {HTMLElement | undefined} */
    this.downloading = undefined;
    /** @type {Previewed | undefined} */
    this.preview = undefined;
    this.cancel = button("Cancel", () => this.end());
    this.refuge = this.cancel; // gets the focus when the element that has it is removed
    this.verdict = make("p", { class: "asimov-storage-verdict" });
    this.bar = progress("Progress");
    this.silence = make("p", { class: "asimov-storage-problem" });
    this.status = statusRegion(this.verdict, this.bar, this.silence);
    this.result = make("div", { class: "asimov-storage-body" });
    this.watch = whileBusy(link, () => this.busy, this.silence);
    this.settle();
  }

  get busy() {
    return this.state.phase === "fetching" || this.aborter !== undefined;
  }

  /** @param {FetchState} state */
  show(state) {
    const begins = state.number !== this.state.number;
    this.state = state;
    if (begins) this.clear();
    this.settle();
    const { phase, event, production, file, done = 0, total = 0 } = state;
    const where = [event, production, file].join(" / ");
    if (phase === "fetching") this.measure(`Verifying ${where}`, done, total);
    else if (phase === "fetched") this.showFetched(/** @type {FetchState & Fetched} */ (state), where);
    else if (phase === "failed") this.fail(/** @type {ErrorDetails} */ (state.error));
    else if (phase === "cancelled") this.say("○ Cancelled. Nothing was fetched.");
  }

  /** @param {FetchWanted} wanted */
  async fetch(wanted) {
    const before = this.state.number;
    this.wanted = wanted;
    try {
      await this.link.request("fetch/start", { ...wanted });
    } catch (error) {
      this.refuse(before, error);
    }
  }

  /**
   * Show the error of a fetch that was requested when the number `before` was shown. Once a fetch has begun, its states
   * show the error in all views. But after the connection broke there may be no more states.
   *
   * @param {number | undefined} before
   * @param {unknown} thrown
   */
  refuse(before, thrown) {
    const error = errorOf(thrown);
    const begun = this.state.number !== before;
    if (begun && !(error.name === "LostRequestError" && this.state.phase === "fetching")) return;
    this.state = { ...this.state, phase: "failed" };
    this.settle();
    this.fail(error instanceof KernelError ? error.details : { type: error.name, message: inWords(error) });
  }

  /**
   * Show an error, with the details of a HashError. There is nothing to download then.
   *
   * @param {ErrorDetails} error
   */
  fail(error) {
    this.clear();
    if (error.type === "RetractedError") return this.failRetracted(error);
    if (error.type !== "HashError") return this.say(`✗ ${error.message}`, "bad");
    this.say("✗ The digest differs, so the file was not handed out.", "bad");
    this.result.append(digestProblem(error));
  }

  /** @param {ErrorDetails} error */
  failRetracted({ message }) {
    const { event = "", production = "", file = "" } = { ...this.wanted, ...this.state };
    this.say(`⊘ ${message}`, "bad");
    const again = () => this.fetch({ ...this.wanted, event, production, file, retracted: true });
    this.result.append(make("div", { class: "asimov-storage-row" }, button("Fetch it all the same", again)));
  }

  close() {
    this.aborter?.abort();
    clearInterval(this.watch);
    this.discardPreview();
  }

  end() {
    if (this.aborter !== undefined) this.aborter.abort();
    else if (this.busy) this.link.request("fetch/cancel").catch((error) => this.say(`✗ ${inWords(error)}`, "bad"));
  }

  clear() {
    this.bar.restart();
    this.discardPreview();
    const focused = this.result.matches(":focus-within");
    this.result.replaceChildren();
    if (focused) this.refuge.focus();
  }

  /**
   * @param {string} words
   * @param {string} [how]
   */
  say(words, how) {
    setVerdict(this.verdict, words, how);
  }

  /**
   * @param {string} words
   * @param {number} done
   * @param {number} total
   */
  measure(words, done, total) {
    this.say(words);
    this.bar.set(done, total);
  }

  settle() {
    setShown(this.cancel, this.busy, this.refuge === this.cancel ? this.downloading : this.refuge);
    this.bar.hidden = !this.busy;
    if (this.downloading !== undefined) setOff(this.downloading, this.busy);
    this.told(this.busy);
  }

  /**
   * @param {FetchState & Fetched} state
   * @param {string} where
   */
  showFetched(state, where) {
    const verified = `${state.copied ? "Verified and copied" : "Verified"}: ${where}, ${inUnits(state.size)}`;
    if (state.why === null) this.say(`✓ ${verified}`, "good");
    else this.say(`⊘ Retracted: ${state.why}. ${verified}`, "bad");
    this.downloading = button("Download", () => this.download(state), { class: "asimov-storage-main" });
    const digest = described("MD5", make("code", {}, state.hash));
    const notes = state.notes.flatMap(([key, text]) => described(key, make("bdi", {}, text)));
    const facts = [...copyable("Path", state.path), ...copyable("Code", state.code), ...digest, ...notes];
    this.result.replaceChildren(
      make("div", { class: "asimov-storage-row" }, this.downloading),
      make("dl", { class: "asimov-storage-facts" }, ...facts),
    );
    this.showPreview(state);
  }

  /** @param {FetchState & Fetched} state */
  async showPreview(state) {
    const shown = await this.previewOf(state);
    if (this.state !== state) return shown.discard();
    this.discardPreview();
    this.preview = shown;
    this.result.append(shown);
  }

  /**
   * @param {Fetched} fetched
   * @returns {Promise<Previewed>}
   */
  async previewOf({ number, file }) {
    try {
      /** @type {Reply<Description>} */
      const { result, buffers } = await this.link.request("fetch/preview", { number });
      /** @type {AskForMore} */
      const ask = async (kind, fields = {}) => {
        const reply = await this.link.request(kind, { number, ...fields });
        return /** @type {any} */ (reply.result);
      };
      return previewed(file, result, buffers, ask);
    } catch (error) {
      return noPreview(error);
    }
  }

  discardPreview() {
    this.preview?.discard();
    this.preview = undefined;
  }

  /** @param {Fetched} fetched */
  async download(fetched) {
    if (this.busy) return;
    this.aborter = new AbortController();
    this.bar.restart();
    this.settle();
    const { file, size } = fetched;
    const stages = { verifying: `Verifying ${file} before the download`, downloading: `Downloading ${file}` };
    const heard = { words: "", done: 0, total: 0 };
    const paced = atMost(PROGRESS_EVERY, () => this.measure(heard.words, heard.done, heard.total));
    /** @type {DownloadTold} */
    const told = (stage, done, total) => {
      if (stages[stage] !== heard.words) this.bar.restart();
      Object.assign(heard, { words: stages[stage], done, total });
      paced();
    };
    this.say(stages.verifying);
    this.verdict.style.minHeight = `${this.verdict.offsetHeight}px`; // the next words are shorter, and nothing must move
    try {
      await download(this.link, fetched, told, this.aborter.signal);
      paced.cancel();
      this.say(`✓ Downloaded: ${file}, ${inUnits(size)}. The digest of what arrived is the one on record.`, "good");
    } catch (error) {
      paced.cancel();
      this.failDownload(error);
    } finally {
      this.verdict.style.minHeight = "";
      this.aborter = undefined;
      this.settle();
    }
  }

  /** @param {unknown} error */
  failDownload(error) {
    if (error instanceof DownloadCancelled) this.say("○ Cancelled. Nothing was saved.");
    else if (error instanceof KernelGone)
      this.say("✗ Not downloaded: nothing was saved.", "bad"); // the status shows that the kernel is gone
    else if (error instanceof KernelError && error.details.type === "HashError") this.fail(error.details);
    else if (error instanceof DigestDiffers) this.failArrival(error);
    else this.say(`✗ Not downloaded: ${error instanceof DownloadRefused ? error.message : inWords(error)}`, "bad");
  }

  /**
   * Show that the bytes were damaged on the way. The file in the Store was sound, so another attempt makes sense.
   *
   * @param {DigestDiffers} error
   */
  failArrival({ message, expected, actual }) {
    this.say(`✗ ${message} Expected ${expected}, found ${actual}.`, "bad");
  }
}

/** @param {ErrorDetails} error */
function digestProblem({ path, expected, actual, advice = "" }) {
  const rows = [
    ...described("Expected", make("code", {}, expected)),
    ...described("Found", make("code", {}, actual)),
    ...described("Path", make("code", {}, path)),
    ...described("What to do", advice[0].toUpperCase() + advice.slice(1)),
  ];
  return make("dl", {}, ...rows);
}
