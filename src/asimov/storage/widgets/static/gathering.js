// Fetching the Explorer's selection to a folder of the server. The kernel's half is Gathering (_selected.py).

class GatheringPanel {
  // .element is the whole of it, .dest its box; .show(state) takes a state of Gathering.
  constructor(link) {
    this.link = link;
    this.dest = make("input", { type: "text", name: "dest", spellcheck: "false", autocomplete: "off" });
    this.cancel = button("Cancel", () => this.ask("gather/cancel"));
    this.bar = progress("Progress");
    this.verdict = make("p", { class: "asimov-storage-verdict" });
    const submit = button("Fetch", undefined, { type: "submit", class: "asimov-storage-main" });
    this.element = make(
      "form",
      { novalidate: true, onsubmit: (happened) => this.start(happened), onkeydown: submitOnEnter },
      make("div", { class: "asimov-storage-fields" }, field("Folder on the server", this.dest, "It is made if need be. Nothing in it is written over.")),
      make("div", { class: "asimov-storage-row" }, submit, this.cancel),
      make("div", { class: "asimov-storage-status", role: "status" }, this.verdict, this.bar),
    );
  }

  start(happened) {
    happened.preventDefault();
    this.ask("gather/start", { dest: this.dest.value });
  }

  ask(kind, fields = {}) {
    this.link.request(kind, fields).catch((error) => this.say(`✗ ${inWords(error)}`, "bad"));
  }

  say(words, how) {
    setVerdict(this.verdict, words, how);
  }

  show({ phase, count = 0, dest, tree, done, total, error }) {
    const busy = phase === "fetching";
    this.bar.classList.toggle("asimov-storage-away", !busy);
    setOff(this.cancel, !busy);
    const files = `${count.toLocaleString("en")} ${count === 1 ? "file" : "files"}`;
    const where = tree ? ", each in EVENT/PRODUCTION there: some have the same name" : "";
    if (busy) {
      this.say(`Fetching ${files}${where}`);
      this.bar.set(done, total);
    } else if (phase === "fetched") this.say(`✓ Verified and copied ${files} to ${dest}${where}`, "good");
    else if (phase === "cancelled") this.say("○ Cancelled. Nothing was copied.");
    else if (phase === "failed") this.say(`✗ Nothing was copied: ${error.message}`, "bad");
  }
}
