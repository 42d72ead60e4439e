// A verification: the buttons, the bar, the counts and the verdict. The Verifier shows it, and the Explorer beside its
// table. The kernel's half is Verification (_verifying/verification.py).

/**
 * The state that Verification shows. It is empty before the first verification.
 *
 * @typedef {object} VerifyingState
 * @property {"verifying" | "done" | "cancelled" | "failed"} [phase]
 * @property {number} [done] In bytes.
 * @property {number} [total]
 * @property {number} [seconds]
 * @property {Counts} [counts]
 * @property {boolean} [ok]
 * @property {string[]} [problems] Problems of the Store as a whole.
 * @property {string[]} [untracked] The first paths of files that no record names.
 * @property {number} [untracked_total]
 * @property {ErrorDetails} [error]
 */
/** @typedef {"ok" | "corrupt" | "missing" | "unreadable" | "retracted"} Status */
/** @typedef {Record<Status, number>} Counts */

/** @type {Record<Status, string>} */
const STATUS_SIGNS = { ok: "✓", corrupt: "✗", missing: "○", unreadable: "⚠", retracted: "–" };
const STATUSES = /** @type {Status[]} */ (Object.keys(STATUS_SIGNS));

class VerifyingPanel {
  /** @param {Link} link */
  constructor(link) {
    this.link = link;
    /** @type {VerifyingState} */
    this.state = {};
    this.held = false; // whether other work has to end before a verification
    this.verify = button("Verify", () => this.ask("verify/start", !this.busy && !this.held), {
      class: "asimov-storage-main",
    });
    this.cancel = button("Cancel", () => this.ask("verify/cancel", this.busy));
    this.bar = progress("Progress");
    this.verdict = make("p", { class: "asimov-storage-verdict" });
    this.count = STATUSES.map(() => make("span"));
    this.counts = make("p", { class: "asimov-storage-counts" }, ...this.count);
    this.silence = make("p", { class: "asimov-storage-problem" });
    this.found = make("div", { class: "asimov-storage-body" });
    this.foundBefore = "";
    this.row = make("div", { class: "asimov-storage-row" }, this.verify, this.cancel);
    this.status = statusRegion(this.verdict, this.counts, this.bar, this.silence);
    this.watch = whileBusy(link, () => this.busy, this.silence);
    this.settle();
  }

  get busy() {
    return this.state.phase === "verifying";
  }

  // Return the number of files that failed the last verification, once it is done.
  get failures() {
    const { phase, counts } = this.state;
    return phase === "done" && counts !== undefined ? failuresOf(counts) : 0;
  }

  /**
   * @param {VerifyingState} state
   * @param {CheckRow[]} rows
   */
  show(state, rows) {
    if (state.phase === "verifying" && !this.busy) this.bar.restart();
    this.state = state;
    this.settle();
    const { counts, done = 0, total = 0 } = state;
    if (counts === undefined) return;
    this.bar.set(done, total);
    this.showCounts(counts);
    this.say(...verdictOn(state, counts));
    this.showFound(state, counts, rows);
  }

  close() {
    clearInterval(this.watch);
  }

  /**
   * @param {"verify/start" | "verify/cancel"} kind
   * @param {boolean} sensible
   */
  ask(kind, sensible) {
    if (sensible) this.link.request(kind).catch((error) => this.say(`✗ ${inWords(error)}`, "bad"));
  }

  /**
   * @param {string} words
   * @param {string} [how]
   */
  say(words, how) {
    setVerdict(this.verdict, words, how);
  }

  settle() {
    setOff(this.verify, this.busy || this.held);
    setShown(this.cancel, this.busy, this.verify);
    this.bar.hidden = !this.busy;
    this.counts.hidden = this.state.counts === undefined;
  }

  /** @param {Counts} counts */
  showCounts(counts) {
    for (const [place, status] of STATUSES.entries()) {
      const count = counts[status] ?? 0;
      this.count[place].className = count === 0 ? "" : colourOf(status);
      this.count[place].hidden = status === "retracted" && count === 0;
      setText(this.count[place], `${STATUS_SIGNS[status]} ${counted(count)} ${status}`);
    }
  }

  /**
   * Show the results, but change the page only if they are new. A user who reads or scrolls in the table mustn't be
   * disturbed five times a second.
   *
   * @param {VerifyingState} state
   * @param {Counts} counts
   * @param {CheckRow[]} rows
   */
  showFound(state, counts, rows) {
    const total = totalOf(counts);
    const failed = failuresOf(counts);
    const listed = state.phase === "done" ? total : failed;
    const { problems = [], untracked = [], untracked_total: left = 0 } = state;
    const found = JSON.stringify([listed, rows, problems, untracked]);
    if (found === this.foundBefore) return;
    this.foundBefore = found;
    const parts = problems.map((words) => make("p", { class: "asimov-storage-bad" }, `✗ ${words}`));
    const checks = rows.length > 0 ? checksTable(rows, listed, failed) : [];
    this.found.replaceChildren(...parts, ...checks, ...(left > 0 ? [untrackedList(untracked, left)] : []));
  }
}

/** @param {Counts} counts */
function totalOf(counts) {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** @param {Counts} counts */
function failuresOf({ corrupt, missing, unreadable }) {
  return corrupt + missing + unreadable;
}

/** @param {Status} status */
function colourOf(status) {
  if (status === "retracted") return "";
  return status === "ok" ? "asimov-storage-good" : "asimov-storage-bad";
}

/**
 * Return the words of a verdict, and its look ("good" or "bad").
 *
 * @param {VerifyingState} state
 * @param {Counts} counts
 * @returns {[string, string?]}
 */
function verdictOn({ phase, ok, error, total = 0, seconds = 0 }, counts) {
  const count = totalOf(counts);
  const failed = failuresOf(counts);
  const files = counted(count, "file");
  switch (phase) {
    case "verifying":
      return ["Verifying"];
    case "done":
      if (ok) return [`✓ All well: ${files}, ${inUnits(total)}, in ${inTime(seconds)}.`, "good"];
      if (failed === 0) return ["✗ The Store as a whole is not as it should be.", "bad"];
      return [`✗ ${counted(failed)} of ${files} failed. Restore them from a copy, then verify again.`, "bad"];
    case "cancelled":
      return [`○ Cancelled after ${files}. There is no report.`];
    default:
      return [`✗ It could not be finished: ${error?.message}`, "bad"];
  }
}
