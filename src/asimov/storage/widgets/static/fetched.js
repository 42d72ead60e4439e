// What came of a fetch, and what one does with it then: path, code, preview, Download. The Fetcher shows it below its
// boxes; whoever opens a file can. The kernel's half are Fetches (_fetcher.py) and Downloads (_download.py).

class FetchedPanel {
  // .element is the whole of it but for .cancel, the button; .show(state) takes a state of Fetches; told(busy) hears of work.
  // .refuge is what gets the focus when that which has it is taken away.
  constructor(link, told = () => {}) {
    this.link = link;
    this.told = told;
    this.state = {};
    this.cancel = button("Cancel", () => this.end());
    this.refuge = this.cancel;
    this.verdict = make("p", { class: "asimov-storage-verdict" });
    this.bar = progress("Progress");
    this.silence = make("p", { class: "asimov-storage-problem" });
    const status = make("div", { class: "asimov-storage-status", role: "status" }, this.verdict, this.bar, this.silence);
    this.result = make("div", { class: "asimov-storage-result" });
    this.element = make("div", { class: "asimov-storage-fetched" }, status, this.result);
    this.watch = whileBusy(link, () => this.busy, this.silence);
    this.settle();
  }

  get busy() {
    return this.state.phase === "fetching" || this.aborter !== undefined;
  }

  show(state) {
    const begins = state.number !== this.state.number;
    this.state = state;
    if (begins) this.clear();
    this.settle();
    const where = [state.event, state.production, state.file].join(" / ");
    if (state.phase === "fetching") this.measure(`Verifying ${where}`, state.done, state.total);
    else if (state.phase === "fetched") this.showFetched(state, where);
    else if (state.phase === "failed") this.fail(state.error);
    else if (state.phase === "cancelled") this.say("○ Cancelled. Nothing was fetched.");
  }

  // Take the error of a fetch that was asked for when `before` was the number shown. Once it has begun, it is shown by its
  // states, in all views; but where the connection broke there may come no more of them.
  refuse(before, error) {
    const begun = this.state.number !== before;
    if (begun && !(error.name === "LostRequestError" && this.state.phase === "fetching")) return;
    this.state = { ...this.state, phase: "failed" };
    this.settle();
    this.fail(error.details ?? { type: error.name, message: inWords(error) });
  }

  // Say what went wrong, with what a HashError holds; there is nothing to download then.
  fail(error) {
    this.clear();
    if (error.type !== "HashError") return this.say(`✗ ${error.message}`, "bad");
    this.say("✗ The digest differs, so the file was not handed out.", "bad");
    this.result.append(digestProblem(error));
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

  say(words, how) {
    setVerdict(this.verdict, words, how);
  }

  measure(words, done, total) {
    this.say(words);
    this.bar.set(done, total);
  }

  settle() {
    setOff(this.cancel, !this.busy);
    if (this.downloading !== undefined) setOff(this.downloading, this.busy);
    this.bar.classList.toggle("asimov-storage-away", !this.busy);
    this.told(this.busy);
  }

  showFetched(state, where) {
    this.say(`✓ ${state.copied ? "Verified and copied" : "Verified"}: ${where}, ${inUnits(state.size)}`, "good");
    this.downloading = button("Download", () => this.download(state));
    this.result.replaceChildren(
      make("dl", {}, ...copyable("Path", state.path), ...copyable("Code", state.code), ...described("MD5", make("code", {}, state.hash))),
      make("div", { class: "asimov-storage-row" }, this.downloading),
    );
    this.showPreview(state);
  }

  async showPreview(state) {
    const shown = await this.link.request("fetch/preview", { number: state.number }).then(
      ({ result, buffers }) => previewed(state.file, result, buffers),
      (error) => noPreview(error),
    );
    if (this.state !== state) return shown.discard();
    this.discardPreview();
    this.preview = shown;
    this.result.append(shown);
  }

  discardPreview() {
    this.preview?.discard();
    this.preview = undefined;
  }

  async download(state) {
    if (this.busy) return;
    this.aborter = new AbortController();
    this.bar.restart();
    this.settle();
    const stages = { verifying: `Verifying ${state.file} before the download`, downloading: `Downloading ${state.file}` };
    const heard = [];
    const paced = atMost(PROGRESS_EVERY, () => this.measure(...heard));
    this.say(stages.verifying);
    this.verdict.style.minHeight = `${this.verdict.offsetHeight}px`; // what is said next is shorter, and nothing moves
    try {
      await download(this.link, state, (stage, done, total) => {
        if (stages[stage] !== heard[0]) this.bar.restart();
        heard.splice(0, 3, stages[stage], done, total);
        paced();
      }, this.aborter.signal);
      paced.cancel();
      this.say(`✓ Downloaded: ${state.file}, ${inUnits(state.size)}. The digest of what arrived is the one on record.`, "good");
    } catch (error) {
      paced.cancel();
      this.failDownload(error);
    } finally {
      this.verdict.style.minHeight = "";
      this.aborter = undefined;
      this.settle();
    }
  }

  failDownload(error) {
    if (error instanceof DownloadCancelled) this.say("○ Cancelled. Nothing was saved.");
    else if (error instanceof KernelGone) this.say("✗ Not downloaded: nothing was saved.", "bad"); // the rest is said below
    else if (error.details?.type === "HashError" && error instanceof KernelError) this.fail(error.details);
    else if (error.details?.type === "HashError") this.failArrival(error);
    else this.say(`✗ Not downloaded: ${error instanceof DownloadRefused ? error.message : inWords(error)}`, "bad");
  }

  // The file in the Store was right, and something on the way was not: another try makes sense.
  failArrival(error) {
    this.say(`✗ ${error.message} Expected ${error.details.expected}, found ${error.details.actual}.`, "bad");
  }
}

function digestProblem({ path, expected, actual, advice }) {
  const rows = [
    ...described("Expected", make("code", {}, expected)),
    ...described("Found", make("code", {}, actual)),
    ...described("Path", make("code", {}, path)),
    ...described("What to do", advice[0].toUpperCase() + advice.slice(1)),
  ];
  return make("dl", {}, ...rows);
}

function copyable(term, text) {
  const source = make("code", {}, text);
  return described(term, source, copying(() => text, source, `Copy ${term.toLowerCase()}`));
}
