// How a verification goes and what it found; the Verifier is this, and whoever verifies can show it. The kernel's half is
// Verification (_verifier.py).

const STATUS_SIGNS = { ok: "✓", corrupt: "✗", missing: "○", unreadable: "⚠" };

class VerifyingPanel {
  // .element is the whole of it, with the buttons; .show(state, rows) takes what Verification shows.
  constructor(link) {
    this.link = link;
    this.state = {};
    this.verify = button("Verify", () => this.ask("verify/start", !this.busy), { class: "asimov-storage-main" });
    this.cancel = button("Cancel", () => this.ask("verify/cancel", this.busy));
    this.bar = progress("Progress");
    this.verdict = make("p", { class: "asimov-storage-verdict" });
    this.count = Object.fromEntries(Object.keys(STATUS_SIGNS).map((status) => [status, make("span")]));
    this.counts = make("p", { class: "asimov-storage-counts" }, ...Object.values(this.count));
    this.silence = make("p", { class: "asimov-storage-problem" });
    this.found = make("div", { class: "asimov-storage-result" });
    const status = [this.verdict, this.counts, this.bar, this.silence];
    this.element = make(
      "div",
      {},
      make("div", { class: "asimov-storage-row" }, this.verify, this.cancel),
      make("div", { class: "asimov-storage-status", role: "status" }, ...status),
      this.found,
    );
    this.watch = whileBusy(link, () => this.busy, this.silence);
    this.settle();
  }

  get busy() {
    return this.state.phase === "verifying";
  }

  show(state, rows) {
    if (state.phase === "verifying" && !this.busy) this.bar.restart();
    this.state = state;
    this.settle();
    if (state.counts === undefined) return;
    this.bar.set(state.done, state.total);
    this.showCounts(state.counts);
    this.say(...verdictOn(state));
    this.showFound(state, rows);
  }

  close() {
    clearInterval(this.watch);
  }

  ask(kind, sensible) {
    if (sensible) this.link.request(kind).catch((error) => this.say(`✗ ${inWords(error)}`, "bad"));
  }

  say(words, how) {
    setVerdict(this.verdict, words, how);
  }

  settle() {
    setOff(this.verify, this.busy);
    setOff(this.cancel, !this.busy);
    this.bar.classList.toggle("asimov-storage-away", !this.busy);
  }

  showCounts(counts) {
    for (const [status, sign] of Object.entries(STATUS_SIGNS)) {
      this.count[status].className = counts[status] === 0 ? "" : `asimov-storage-${status === "ok" ? "good" : "bad"}`;
      setText(this.count[status], `${sign} ${counts[status].toLocaleString("en")} ${status}`);
    }
  }

  // Touches the page only where something is new: whoever reads or scrolls in the table isn't disturbed five times a second.
  showFound(state, rows) {
    const total = Object.values(state.counts).reduce((sum, count) => sum + count, 0);
    const failed = total - state.counts.ok;
    const listed = state.phase === "done" ? total : failed;
    const found = JSON.stringify([listed, rows, state.problems, state.untracked]);
    if (found === this.foundBefore) return;
    this.foundBefore = found;
    const parts = (state.problems ?? []).map((words) => make("p", { class: "asimov-storage-bad" }, `✗ ${words}`));
    if (rows.length > 0) parts.push(...checksTable(rows, listed, failed));
    if (state.untracked_total > 0) parts.push(untrackedList(state));
    this.found.replaceChildren(...parts);
  }
}

function verdictOn(state) {
  const total = Object.values(state.counts).reduce((sum, count) => sum + count, 0);
  const failed = total - state.counts.ok;
  const files = `${total.toLocaleString("en")} ${total === 1 ? "file" : "files"}`;
  switch (state.phase) {
    case "verifying":
      return ["Verifying"];
    case "done":
      if (state.ok) return [`✓ All well: ${files}, ${inUnits(state.total)}, in ${inTime(state.seconds)}.`, "good"];
      if (failed === 0) return ["✗ The Store as a whole is not as it should be.", "bad"];
      return [`✗ ${failed.toLocaleString("en")} of ${files} failed. Restore them from a copy, then verify again.`, "bad"];
    case "cancelled":
      return [`○ Cancelled after ${files}. There is no report.`];
    default:
      return [`✗ It could not be finished: ${state.error.message}`, "bad"];
  }
}

function checksTable(rows, total, failed) {
  const columns = ["Status", "Event", "Production", "File", "Size", "What was found"];
  const head = make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, name)));
  const more = total - rows.length;
  const order = failed > 0 ? "Failures first" : "Files";
  const title = make("h3", { id: freshId() }, more > 0 ? `${order}: ${rows.length} of ${total.toLocaleString("en")}` : order);
  const attributes = { class: "asimov-storage-checks", "aria-labelledby": title.id };
  const table = make("table", attributes, make("thead", {}, head), make("tbody", {}, ...rows.map(checkRow)));
  return [title, scrolling("What was found", table)];
}

function checkRow(row) {
  const cells = [
    make("td", { class: row.status === "ok" ? "asimov-storage-good" : "asimov-storage-bad" }, `${STATUS_SIGNS[row.status]} ${row.status}`),
    ...[row.event, row.production, row.file].map((name) => make("td", {}, make("bdi", {}, name))),
    make("td", { class: "asimov-storage-number" }, row.size === null ? "" : inUnits(row.size)),
    make("td", {}, ...finding(row)),
  ];
  return make("tr", {}, ...cells);
}

function finding(row) {
  if (row.status === "ok") return [make("code", {}, row.expected)];
  const differs = row.actual !== null && row.actual !== row.expected;
  const digests = ["expected", "found"].map((word, index) => make("div", {}, `${word} `, make("code", {}, [row.expected, row.actual][index])));
  return [...(differs ? digests : [row.reason]), make("div", {}, make("code", {}, row.path))];
}

function untrackedList({ untracked, untracked_total: total }) {
  const more = total - untracked.length;
  const items = untracked.map((path) => make("li", {}, make("code", {}, path)));
  if (more > 0) items.push(make("li", {}, `and ${more.toLocaleString("en")} more`));
  const summary = `${total.toLocaleString("en")} ${total === 1 ? "file that no record names" : "files that no record names"}`;
  return make("details", {}, make("summary", {}, summary), make("ul", {}, ...items));
}
