// The line below the failures of a verification: it has copies looked for in a folder, and puts back what was found. The
// kernel's half is Restoring (_verifying/restoring.py).

/** @typedef {{ event: string, production: string, file: string, copy: string | null }} Wanted Null: no copy was found. */
/**
 * The state that Restoring shows. It is empty before the first search, and after each verification.
 *
 * @typedef {object} RestoringState
 * @property {"looking" | "found" | "putting" | "put" | "cancelled" | "failed"} [phase]
 * @property {boolean} [putting] Whether files are put back, or were; otherwise it is about a search.
 * @property {string} [folder]
 * @property {number} [done] In bytes.
 * @property {number} [total]
 * @property {number} [found] The number of files that were found, and in the end of those that were put back.
 * @property {number} [wanted] The number of files that were looked for.
 * @property {number} [damaged] The number of files that were found, and that go to quarantine.
 * @property {number} [unread] The number of files in the folder that can't be read.
 * @property {Wanted[]} [files] The first of the files that were looked for.
 * @property {number} [sound] The number of files that are sound after they were put back.
 * @property {number} [left] The number of files that are still missing or damaged.
 * @property {ErrorDetails} [error]
 */

class RestoringPanel {
  /**
   * @param {Link} link
   * @param {string | null} within The only folder in which copies can be looked for; null if there is no such limit.
   * @param {HTMLElement} refuge The element that gets the focus when all files are restored.
   */
  constructor(link, within, refuge) {
    this.link = link;
    this.refuge = refuge;
    /** @type {RestoringState} */
    this.state = {};
    this.input = make("input", { type: "text", name: "folder", spellcheck: "false" });
    const where = within === null ? "On the server. It may be another Store." : `Below ${within}`;
    this.box = field("Folder with copies", this.input, where);
    this.suggest();
    this.look = button("Look for them", undefined, { type: "submit" });
    this.cancel = button("Cancel", () => this.ask("restore/cancel"), { hidden: true });
    this.put = button("", () => this.ask("restore/put"), { hidden: true });
    this.bar = progress("Progress of restoring");
    this.verdict = make("p", {});
    this.silence = make("p", { class: "asimov-storage-problem" });
    this.files = make("details", { hidden: true });
    this.line = make("div", { class: "asimov-storage-place" }, this.box, this.look, this.cancel, this.put);
    this.element = make(
      "form",
      {
        class: "asimov-storage-restore",
        novalidate: true,
        onsubmit: (/** @type {SubmitEvent} */ happened) => this.submit(happened),
        onkeydown: submitOnEnter,
      },
      this.line,
      statusRegion(this.verdict, this.bar, this.silence),
      this.files,
    );
    this.watch = whileBusy(link, () => this.busy, this.silence);
  }

  get busy() {
    return this.state.phase === "looking" || this.state.phase === "putting";
  }

  close() {
    clearInterval(this.watch);
  }

  suggest() {
    const { input, box } = this;
    const offered = combobox(input, async (typed) => {
      /** @type {Reply<Suggestions>} */
      const { result } = await this.link.request("restore/complete", { typed });
      return result;
    });
    input.addEventListener("input", () => box.problem());
    input.addEventListener("change", () => input.value.endsWith("/") && offered.offer()); // the folders in it
  }

  /** @param {SubmitEvent} happened */
  submit(happened) {
    happened.preventDefault();
    this.box.problem();
    if (this.busy) return;
    const problem = (/** @type {unknown} */ error) => this.state.phase !== "failed" && this.box.problem(inWords(error));
    this.link.request("restore/look", { folder: this.input.value }).catch(problem);
  }

  /** @param {"restore/put" | "restore/cancel"} kind */
  ask(kind) {
    const said = (/** @type {unknown} */ error) =>
      this.state.phase !== "failed" && this.say(`✗ ${inWords(error)}`, "bad");
    this.link.request(kind).catch(said);
  }

  /**
   * @param {string} words
   * @param {string} [how]
   */
  say(words, how) {
    setVerdict(this.verdict, words, how);
  }

  /**
   * @param {RestoringState} state
   * @param {number} failed The number of files that a verification has found missing or damaged.
   */
  show(state, failed) {
    if (state.phase !== this.state.phase) this.bar.restart();
    this.state = state;
    const { phase, found = 0, done = 0, total = 0 } = state;
    setShown(this.element, failed > 0 || this.busy || phase === "put", this.refuge);
    setShown(this.line, failed > 0, this.refuge);
    setOff(this.look, this.busy);
    setShown(this.cancel, this.busy, this.look);
    setShown(this.put, phase === "found" && found > 0, this.look);
    setText(this.put, `Put back ${counted(found, "file")}`);
    this.bar.hidden = !this.busy;
    // Nobody knows how much there is to read in a folder.
    if (this.busy && done < total) this.bar.set(done, total);
    else if (this.busy) this.bar.count(done);
    this.say(...outcome(state));
    this.list(state);
  }

  /** @param {RestoringState} state */
  list({ phase, files = [], wanted = 0 }) {
    this.files.hidden = phase !== "found";
    if (phase !== "found") return;
    const items = files.map(wantedItem);
    if (wanted > items.length) items.push(make("li", {}, `and ${counted(wanted - items.length)} more`));
    const list = scrolling("Where the copies are", make("ul", {}, ...items));
    this.files.replaceChildren(make("summary", {}, "Where the copies are"), list);
  }
}

/** @param {Wanted} wanted */
function wantedItem({ event, production, file, copy }) {
  const from = copy === null ? "no copy was found" : make("code", {}, copy);
  return make(
    "li",
    {},
    `${copy === null ? "○" : "✓"} `,
    make("bdi", {}, `${event} / ${production} / ${file}`),
    ": ",
    from,
  );
}

/**
 * Return the words of the result, and its look ("good" or "bad").
 *
 * @param {RestoringState} state
 * @returns {[string, string?]}
 */
function outcome(state) {
  const { phase, putting, folder, found = 0, wanted = 0, damaged = 0, unread = 0, error } = state;
  const unreadable = unread > 0 ? ` ${counted(unread, "file")} there can't be read.` : "";
  const kept = damaged > 0 ? ` ${counted(damaged, "damaged file")} will be kept in quarantine.` : "";
  switch (phase) {
    case "looking":
      return [`Looking in ${folder}`];
    case "found":
      if (found === 0) return [`○ None of ${counted(wanted, "file")} was found in ${folder}.${unreadable}`];
      return [`${counted(found)} of ${counted(wanted, "file")} found in ${folder}.${kept}${unreadable}`];
    case "putting":
      return [`Putting back ${counted(found, "file")}`];
    case "put":
      return putBack(state);
    case "cancelled":
      return [`○ Cancelled. ${putting ? HALFWAY : "Nothing was changed."}`];
    case "failed":
      return [`✗ It could not be finished: ${error?.message} ${putting ? HALFWAY : ""}`, "bad"];
    default:
      return [""];
  }
}

const HALFWAY = "Files that were put back by then stay. Verify again.";

/**
 * @param {RestoringState} state
 * @returns {[string, string?]}
 */
function putBack({ found = 0, sound = 0, damaged = 0, left = 0 }) {
  const kept = damaged > 0 ? ` ${counted(damaged, "damaged file")} went to .manifest/quarantine in the Store.` : "";
  const more = left > 0 ? ` ${counted(left, "file")} still failed: look in another folder.` : "";
  if (sound < found)
    return [`✗ ${counted(found, "file")} put back, but only ${counted(sound)} verified.${kept}${more}`, "bad"];
  return [`✓ ${counted(found, "file")} put back and verified.${kept}${more}`, "good"];
}
