// The Uploader: what is to be stored (chosen.js), where (place.js), how far it is (rows.js), and what was stored (stored.js).

/**
 * What an UploaderPanel begins with.
 *
 * @typedef {object} UploaderInitial
 * @property {string} store
 * @property {string} event
 * @property {string} production
 * @property {string | null} server The folder of the server whose files can be stored, too.
 */

/** @type {Mount} */
function mountUploader(link, root, model) {
  const panel = new UploaderPanel(link, root, model);
  return () => panel.close();
}

class UploaderPanel {
  /**
   * @param {Link} link
   * @param {HTMLElement} root
   * @param {Model} model
   */
  constructor(link, root, model) {
    this.link = link;
    /** @type {UploaderInitial} */
    const initial = model.get("_initial");
    this.place = new Place(link, initial);
    this.chosen = new ChosenFiles(this.place, () => this.update());
    this.rows = new UploadRows(link, {
      changed: () => this.update(),
      again: (chosen) => this.chosen.add(chosen).name.focus(),
      leave: () => this.submit.focus(),
    });
    this.stored = new StoredList(model, () => this.update());
    this.submit = button("Upload", undefined, { type: "submit", class: "asimov-storage-main" });
    this.cancel = button("Cancel", () => this.rows.cancelAll());
    this.notice = make("p", { class: "asimov-storage-bad" });
    this.summary = make("p", {});
    this.summarize = atMost(PROGRESS_EVERY, () => this.paintSummary());
    if (initial.server !== null) this.server = new ServerBox(link, initial.server, (chosen) => this.chosen.add(chosen));
    root.append(this.form(initial.store), this.status());
    this.chosen.acceptDrops(root);
    this.stored.paint();
    link.watch(() => this.rows.repaint());
    this.pings = whileBusy(link, () => this.rows.running.size > 0, this.notice);
  }

  close() {
    clearInterval(this.pings);
    this.stored.close();
    this.summarize.cancel();
    this.rows.leave();
    this.link.request("upload/leave").catch(() => {});
  }

  /** @param {string} store */
  form(store) {
    return make(
      "form",
      {
        class: "asimov-storage-upload",
        novalidate: true,
        onsubmit: (/** @type {SubmitEvent} */ happened) => this.start(happened),
        onkeydown: submitOnEnter,
      },
      make("h2", {}, `Upload to ${store}`),
      make("div", { class: "asimov-storage-fields" }, this.place.event.box, this.place.production.box),
      this.chosen.zone,
      this.server?.element,
      this.chosen.list,
      make("div", { class: "asimov-storage-row" }, this.submit, this.cancel),
    );
  }

  status() {
    // The notice comes and goes, so what has buttons stands above it.
    const parts = [this.summary, this.rows.list, this.notice, this.stored.list, this.stored.before];
    const status = statusRegion(...parts);
    status.classList.add("asimov-storage-upload-status");
    status.setAttribute("aria-atomic", "false"); // or all of it would be read out for each file
    return status;
  }

  /** @param {SubmitEvent} happened */
  async start(happened) {
    happened.preventDefault();
    await this.server?.adding; // a file on the server, which the kernel is looking at
    const cards = [...this.chosen.cards];
    if (cards.length === 0) return this.chosen.askForFiles(this.rows.running.size > 0);
    try {
      if (!(await allWell(this.place, cards))) return;
    } catch (error) {
      this.summarize.cancel();
      setText(this.summary, inWords(error));
      return;
    }
    for (const card of cards) {
      if (this.chosen.cards.includes(card)) this.launch(card);
    }
    this.rows.next();
  }

  /**
   * Turn a card of the list into a row with a bar.
   *
   * @param {Card} card
   */
  launch(card) {
    const order = { ...this.place.value, name: card.name.value, expected: card.expected.value.trim() };
    this.chosen.drop(card);
    this.rows.add(card.chosen, order);
  }

  update() {
    setOff(this.cancel, this.rows.open === 0);
    this.summarize();
  }

  paintSummary() {
    const { open, failed } = this.rows;
    const { count } = this.stored;
    const told = [];
    if (open > 0) told.push(`${open} on the way`);
    if (count > 0) told.push(`${count} stored`);
    if (failed > 0) told.push(`${failed} not stored`);
    setText(this.summary, told.length > 0 ? `${told.join(", ")}.` : "Nothing was uploaded yet.");
  }
}

/**
 * Tell whether all can go up; say at each box what is wrong with it, and go to the first of these.
 *
 * @param {Place} place
 * @param {Card[]} cards
 */
async function allWell(place, cards) {
  const found = await place.problems(cards.map(({ name }) => name.value));
  /** @type {HTMLElement[]} */
  const wrong = [];
  /**
   * @param {HTMLElement} input
   * @param {Field} box
   * @param {string | null | undefined} problem
   */
  const say = (input, box, problem) => {
    box.problem(problem);
    if (problem) wrong.push(input);
  };
  say(place.event.input, place.event.box, found.event);
  say(place.production.input, place.production.box, found.production);
  const names = new Set();
  cards.forEach(({ name, nameBox, expected, expectedBox }, position) => {
    const twice = names.has(name.value) ? "Another file of this list has that name." : undefined;
    names.add(name.value);
    say(name, nameBox, found.names[position] ?? twice);
    const isMd5 = /^([0-9a-f]{32})?$/i.test(expected.value.trim());
    say(expected, expectedBox, isMd5 ? undefined : "An MD5 is 32 of the digits 0-9 and a-f.");
  });
  wrong[0]?.focus();
  return wrong.length === 0;
}
