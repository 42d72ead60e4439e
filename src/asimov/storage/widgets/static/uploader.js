// The Uploader: what is to be stored, where, and how far it is.

const FILES_AT_ONCE = 3;
const CHECK_AFTER = 150; // ms: a pause in typing
const MOST_FILES = 10_000; // at once: what the kernel checks the names of

function mountUploader(link, root, model) {
  const panel = new UploaderPanel(link, root, model);
  return () => panel.close();
}

function digestShown(term, hexadecimal) {
  return make("div", {}, ...described(term, make("code", {}, hexadecimal)));
}

class UploaderPanel {
  constructor(link, root, model) {
    Object.assign(this, { link, root, model, line: new Line(), running: new Set(), rows: [], waiting: [] });
    const { store, event, production, server } = model.get("_initial");
    this.event = this.nameBox("event", event);
    this.production = this.nameBox("production", production);
    this.queue = make("ul", { class: "asimov-storage-cards" });
    this.submit = button("Upload", undefined, { type: "submit", class: "asimov-storage-main" });
    this.cancel = button("Cancel", () => this.cancelAll());
    this.rowsShown = make("ul", { class: "asimov-storage-cards" });
    this.notice = make("p", { class: "asimov-storage-bad" });
    this.summary = make("p", {});
    this.stored = make("ul", { class: "asimov-storage-cards" });
    this.before = make("p", {});
    this.form = make(
      "form",
      { class: "asimov-storage-upload", novalidate: true, onsubmit: (happened) => this.start(happened), onkeydown: submitOnEnter },
      make("h2", {}, `Upload to ${store}`),
      make("div", { class: "asimov-storage-fields" }, this.event.box, this.production.box),
      this.chooser(),
      server === null ? undefined : this.serverBox(server),
      this.queue,
      make("div", { class: "asimov-storage-row" }, this.submit, this.cancel),
    );
    const status = statusRegion();
    status.classList.add("asimov-storage-upload-status");
    status.setAttribute("aria-atomic", "false"); // or all of it would be read out for each file
    // The notice comes and goes, so what has buttons stands above it.
    status.append(this.summary, this.rowsShown, this.notice, this.stored, this.before);
    root.append(this.form, status);
    this.acceptDrops();
    this.summarize = atMost(PROGRESS_EVERY, () => this.paintSummary());
    this.showStored = () => this.paintStored();
    model.on("change:_stored", this.showStored);
    this.showStored();
    this.update();
    link.watch((silent) => this.fallSilent(silent));
    this.pings = whileBusy(link, () => this.running.size > 0, this.notice);
  }

  close() {
    clearInterval(this.pings);
    this.model.off("change:_stored", this.showStored);
    this.summarize.cancel();
    for (const row of this.running) row.upload.stopped = true;
    this.link.request("upload/leave").catch(() => {});
  }

  // --- What is to be stored

  // A box for a name, with what the Store has, and what the core says of a new one as it is typed.
  nameBox(name, value) {
    const input = make("input", { type: "text", name, spellcheck: "false" });
    input.value = value;
    const box = field(name[0].toUpperCase() + name.slice(1), input);
    const hint = hintOf(box, input);
    const suggest = async (typed) => {
      const asked = { field: name, typed, event: name === "event" ? "" : this.event.input.value };
      return (await this.link.request("names/suggest", asked)).result;
    };
    combobox(input, suggest);
    this.checkSoon(input, hint, async () => (await this.problems([]))[name], box.problem);
    return { input, box };
  }

  // What the kernel finds wrong with event, production and names of files; null where nothing is.
  async problems(names) {
    const asked = { event: this.event.input.value, production: this.production.input.value, names };
    return (await this.link.request("upload/check", asked)).result;
  }

  // After a pause in typing: say(await check()), unless more was typed meanwhile. What is still empty is no mistake yet.
  checkSoon(input, hint, check, say) {
    let timer;
    const look = async () => {
      const typed = input.value;
      if (typed === "") return;
      try {
        const found = await check();
        if (input.value === typed) say(found);
      } catch (error) {
        hint(`Not checked: ${inWords(error)}`);
      }
    };
    const begun = () => {
      clearTimeout(timer);
      timer = setTimeout(look, CHECK_AFTER);
    };
    for (const kind of ["input", "change"]) input.addEventListener(kind, begun);
  }

  chooser() {
    const input = make("input", { type: "file", multiple: true, onchange: () => this.choose(input) });
    this.zone = field("File", input, "Choose one or more, or drop them here.");
    this.zone.classList.add("asimov-storage-drop");
    return this.zone;
  }

  choose(input) {
    this.addFiles([...input.files]);
    input.value = ""; // so that the same file can be chosen again
  }

  acceptDrops() {
    const over = (happened) => {
      if (![...happened.dataTransfer.types].includes("Files")) return;
      happened.preventDefault();
      happened.stopPropagation();
      if (happened.type === "dragleave" && this.root.contains(happened.relatedTarget)) return;
      this.zone.classList.toggle("asimov-storage-over", happened.type === "dragenter" || happened.type === "dragover");
      if (happened.type === "drop") this.dropped(happened.dataTransfer);
    };
    for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) this.root.addEventListener(kind, over);
  }

  dropped(data) {
    const folders = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry?.isDirectory);
    const names = new Set(folders.map((entry) => entry.name));
    this.addFiles([...data.files].filter((file) => !names.has(file.name)));
    if (names.size > 0) this.zone.problem(`${[...names].join(", ")}: a folder can't be stored. Choose the files in it.`);
  }

  addFiles(files) {
    this.zone.problem();
    const count = this.waiting.length + files.length;
    if (count > MOST_FILES) {
      const most = `At most ${MOST_FILES.toLocaleString("en")} files can be uploaded at once, and these are ${count.toLocaleString("en")}.`;
      return this.zone.problem(`${most} Choose fewer; files that the kernel can reach, Store.add_files() adds at any number.`);
    }
    for (const file of files) this.enqueue({ file, name: file.name, size: file.size });
  }

  serverBox(folder) {
    const input = make("input", { type: "text", name: "path", spellcheck: "false" });
    const box = field("Path on the server", input, `Below ${folder}.`);
    const complete = async (typed) => (await this.link.request("server/complete", { typed })).result;
    const offered = combobox(input, complete);
    input.addEventListener("input", () => box.problem());
    input.addEventListener("change", () => input.value.endsWith("/") && offered.offer()); // a folder: on into it
    const look = async () => {
      box.problem();
      try {
        const { result } = await this.link.request("server/size", { path: input.value });
        this.enqueue({ path: input.value, ...result });
        input.value = "";
      } catch (error) {
        box.problem(inWords(error));
      }
      this.adding = undefined;
    };
    const add = () => (this.adding ??= look());
    input.addEventListener("keydown", (pressed) => {
      if (pressed.key !== "Enter" || pressed.defaultPrevented) return;
      pressed.preventDefault(); // it adds the path, and doesn't upload yet
      add();
    });
    const both = make("div", { class: "asimov-storage-row asimov-storage-spread" });
    input.replaceWith(both);
    both.append(input, button("Add", add));
    return make("fieldset", {}, make("legend", {}, "From the server"), box);
  }

  // A card for something chosen: its name in the Store, and the MD5 that it must have.
  enqueue(chosen) {
    const name = make("input", { type: "text", spellcheck: "false" });
    const expected = make("input", { type: "text", spellcheck: "false", autocomplete: "off" });
    name.value = chosen.name;
    expected.value = chosen.expected ?? "";
    const nameBox = field("Name in the Store", name);
    const expectedBox = field("Expected MD5 (optional)", expected);
    const remove = button("Remove", () => this.drop(item, true));
    const item = { ...chosen, inputs: { name, expected }, boxes: { nameBox, expectedBox } };
    this.checkSoon(name, hintOf(nameBox, name), async () => (await this.problems([name.value])).names[0], nameBox.problem);
    expected.addEventListener("input", () => expectedBox.problem());
    const what = make("span", { class: "asimov-storage-mono", id: freshId() }, `${chosen.path ?? chosen.name}, ${inUnits(chosen.size)}`);
    const parts = make("div", { class: "asimov-storage-fields" }, nameBox, expectedBox);
    const head = make("div", { class: "asimov-storage-row asimov-storage-spread" }, what, remove);
    item.element = make("li", {}, make("div", { role: "group", "aria-labelledby": what.id }, head, parts));
    this.queue.append(item.element);
    this.waiting.push(item);
    this.update();
  }

  drop(item, keepFocus) {
    const place = this.waiting.indexOf(item);
    this.waiting.splice(place, 1);
    item.element.remove();
    if (keepFocus) (this.waiting[place] ?? this.waiting[place - 1])?.element.querySelector("button").focus();
    if (keepFocus && this.waiting.length === 0) this.zone.querySelector("input").focus();
    this.update();
  }

  place() {
    return { event: this.event.input.value, production: this.production.input.value };
  }

  // --- On its way

  async start(happened) {
    happened.preventDefault();
    await this.adding; // a file on the server, which the kernel is looking at
    if (this.waiting.length === 0) {
      this.zone.problem(this.running.size > 0 ? undefined : "Choose a file first.");
      if (this.running.size === 0) this.zone.querySelector("input").focus();
      return;
    }
    const items = [...this.waiting];
    try {
      if (!(await this.allWell(items))) return;
    } catch (error) {
      this.summarize.cancel();
      setText(this.summary, inWords(error));
      return;
    }
    for (const item of items) {
      if (this.waiting.includes(item)) this.launch(item);
    }
    this.next();
  }

  async allWell(items) {
    const found = await this.problems(items.map(({ inputs }) => inputs.name.value));
    const wrong = [];
    const say = (input, box, problem) => {
      box.problem(problem);
      if (problem) wrong.push(input);
    };
    for (const name of ["event", "production"]) say(this[name].input, this[name].box, found[name]);
    const names = new Set();
    items.forEach(({ inputs, boxes }, place) => {
      const twice = names.has(inputs.name.value) ? "Another file of this list has that name." : undefined;
      names.add(inputs.name.value);
      say(inputs.name, boxes.nameBox, found.names[place] ?? twice);
      const isMd5 = /^([0-9a-f]{32})?$/i.test(inputs.expected.value.trim());
      say(inputs.expected, boxes.expectedBox, isMd5 ? undefined : "An MD5 is 32 of the digits 0-9 and a-f.");
    });
    wrong[0]?.focus();
    return wrong.length === 0;
  }

  // Turns a card of the list into a row with a bar.
  launch(item) {
    const order = { ...this.place(), name: item.inputs.name.value, expected: item.inputs.expected.value.trim() };
    this.drop(item, false);
    const bar = progress(order.name);
    const stop = button("Stop", () => this.cancelRow(row), { "aria-describedby": freshId() });
    const title = make("span", { class: "asimov-storage-mono", id: stop.getAttribute("aria-describedby") }, order.name);
    const row = { item, order, bar, stop, phase: "waiting", done: 0 };
    row.element = make("li", {}, make("div", { class: "asimov-storage-row asimov-storage-spread" }, title, stop), bar);
    const paint = atMost(PROGRESS_EVERY, () => this.paint(row));
    row.paint = paint;
    const tell = (phase, done) => {
      if (phase !== row.phase) bar.restart();
      Object.assign(row, { phase, done });
      paint();
    };
    row.upload = item.path === undefined ? new Upload(this.link, this.line, item.file, order, tell) : new ServerUpload(this.link, item.path, order, tell);
    this.rowsShown.append(row.element);
    this.rows.push(row);
    this.paint(row);
  }

  next() {
    while (this.running.size < FILES_AT_ONCE) {
      const row = this.rows.find((one) => one.outcome === undefined && !this.running.has(one));
      if (row === undefined) break;
      this.running.add(row);
      this.run(row);
    }
    this.update();
  }

  async run(row) {
    try {
      await row.upload.run();
      this.finish(row, "stored");
    } catch (error) {
      if (error instanceof Cancelled) this.finish(row, "cancelled", "Cancelled. Nothing was stored.");
      else this.finish(row, "failed", this.failure(row, error));
    }
    this.running.delete(row);
    this.next();
    this.settle();
  }

  failure(row, error) {
    const { type, event, production, file } = error.details ?? {};
    if (type === "AlreadyPresentException" && event !== undefined) {
      return `Already in the Store, as ${event} / ${production} / ${file}. Nothing was stored again.`;
    }
    if (error instanceof KernelGone) return `${GONE} Then choose the same file: it goes on from where it stopped.`;
    return error instanceof UnreadableFile ? error.message : inWords(error);
  }

  // Turns a row into what came of it, at its place and of its height: others' Stop buttons stay under the pointer.
  finish(row, outcome, words) {
    row.outcome = outcome;
    row.paint.cancel();
    row.element.style.height = `${row.element.getBoundingClientRect().height}px`;
    const hadFocus = row.stop === row.stop.getRootNode().activeElement;
    if (outcome === "stored") {
      row.upload = row.item = undefined; // the page may let go of the file
      row.bar.set(1, 1);
      row.bar.say("✔ Stored");
      row.stop.classList.add("asimov-storage-away");
      if (hadFocus) this.focusAfter(row);
      return;
    }
    const again = button("Try again", () => this.tryAgain(row));
    row.stop.replaceWith(again);
    if (hadFocus) again.focus();
    const sign = outcome === "failed" ? "✘ Not stored: " : "– ";
    row.bar.replaceWith(make("p", { class: outcome === "failed" ? "asimov-storage-bad" : "" }, sign + words));
  }

  focusAfter(row) {
    const open = (one) => one.outcome === undefined;
    const next = this.rows.slice(this.rows.indexOf(row)).find(open) ?? this.rows.find(open);
    (next?.stop ?? this.submit).focus();
  }

  // Once nothing is under way: what was stored stands below, and of what was not the words may take their room.
  settle() {
    if (this.rows.some((row) => row.outcome === undefined)) return;
    for (const row of this.rows) {
      if (row.outcome === "stored") row.element.remove();
      row.element.style.height = "";
    }
    this.rows = this.rows.filter((row) => row.outcome !== "stored");
  }

  // Back to the list, where its name and MD5 can be changed.
  tryAgain(row) {
    row.element.remove();
    this.rows.splice(this.rows.indexOf(row), 1);
    this.enqueue({ ...row.item, name: row.order.name, expected: row.order.expected });
    this.waiting.at(-1).inputs.name.focus();
  }

  cancelAll() {
    for (const row of [...this.rows]) {
      if (row.outcome === undefined) this.cancelRow(row);
    }
  }

  cancelRow(row) {
    if (this.running.has(row)) return row.upload.cancel();
    this.finish(row, "cancelled", "Cancelled. Nothing was stored.");
    this.update();
    this.settle();
  }

  fallSilent() {
    for (const row of this.running) {
      row.bar.restart();
      this.paint(row);
    }
  }

  // --- What is shown

  paint(row) {
    if (row.outcome !== undefined) return;
    const total = row.item.size;
    const words = {
      waiting: "Waiting",
      comparing: `Comparing: ${inUnits(row.done)} of ${inUnits(total)}`,
      storing: `${inUnits(total)} are there; being stored`,
    }[row.phase];
    row.bar.set(row.done, total);
    if (words !== undefined) row.bar.say(words);
    if (this.link.silent) row.bar.say(`Stopped at ${inUnits(row.done)}: the kernel doesn't answer`);
    setOff(row.stop, row.phase === "storing");
  }

  // Touches only what is new, so that no more than that is read out.
  paintStored() {
    const { count, last } = this.model.get("_stored");
    const uuids = new Set(last.map(({ uuid }) => uuid));
    for (const item of [...this.stored.children]) {
      if (!uuids.delete(item.dataset.uuid)) item.remove();
    }
    for (const record of last) {
      if (uuids.has(record.uuid)) this.stored.prepend(this.storedItem(record));
    }
    setText(this.before, count > last.length ? `… and ${count - last.length} before these.` : "");
    this.update();
  }

  storedItem({ event, production, file, hash, uuid }) {
    return make(
      "li",
      { "data-uuid": uuid },
      make("span", { class: "asimov-storage-good" }, "✔ Stored: "),
      `${event} / ${production} / ${file}`,
      make("dl", { class: "asimov-storage-digests" }, digestShown("MD5", hash), digestShown("UUID", uuid)),
    );
  }

  update() {
    setOff(this.cancel, this.rows.every((row) => row.outcome !== undefined));
    this.summarize();
  }

  paintSummary() {
    const open = this.rows.filter((row) => row.outcome === undefined).length;
    const failed = this.rows.filter((row) => row.outcome === "failed").length;
    const count = this.model.get("_stored").count;
    const told = [];
    if (open > 0) told.push(`${open} on the way`);
    if (count > 0) told.push(`${count} stored`);
    if (failed > 0) told.push(`${failed} not stored`);
    setText(this.summary, told.length > 0 ? `${told.join(", ")}.` : "Nothing was uploaded yet.");
  }
}

// hintOf(box, input) gives a function that says something about a box that is no mistake of who types, until they go on.
function hintOf(box, input) {
  const hint = make("span", { class: "asimov-storage-hint", id: freshId() });
  input.setAttribute("aria-describedby", `${input.getAttribute("aria-describedby")} ${hint.id}`);
  box.append(hint);
  input.addEventListener("input", () => setText(hint, ""));
  return (words) => setText(hint, words);
}
