// The folding part for notes: rows of a key and a value, which are written with each file that is added. The kernel's half
// is Notes (_uploading/notes.py).

/**
 * A note as the kernel sends it.
 *
 * @typedef {object} Note
 * @property {string} key
 * @property {string} text
 * @property {boolean} fixed Whether its value is a list or a mapping, which only Python can change.
 */
/** @typedef {{ number: number, rows: Note[] }} NotesState The trait `_notes`. */
/** @typedef {{ number: number, meta?: string, problem?: string, row?: number | null }} NotesAnswer */

class Notes {
  /**
   * @param {Link} link
   * @param {Model} model
   */
  constructor(link, model) {
    this.link = link;
    this.model = model;
    /** @type {NoteRow[]} */
    this.rows = [];
    this.asked = 0; // requests
    this.answered = 0; // requests
    this.number = 0; // of the state that the last answer has led to
    this.wrong = "";
    this.list = make("ul", { "aria-label": "Notes" });
    this.problem = make("p", { class: "asimov-storage-problem", id: freshId(), "aria-live": "polite" });
    this.more = button("Add a note", () => this.begin());
    this.summary = make("summary", {});
    const hint = make("span", { class: "asimov-storage-hint" }, "Written with each file, and never changed.");
    const row = make("div", { class: "asimov-storage-row" }, this.more, hint);
    const attributes = { class: "asimov-storage-notes", ontoggle: () => this.toggled() };
    this.element = make("details", attributes, this.summary, this.list, this.problem, row);
    this.heard = () => this.hear();
    model.on("change:_notes", this.heard);
    this.hear();
  }

  toggled() {
    if (this.element.open && this.rows.length === 0) this.begin();
    this.summarize();
  }

  close() {
    this.model.off("change:_notes", this.heard);
  }

  /** @returns {NotesState} */
  get state() {
    return this.model.get("_notes");
  }

  get filled() {
    return this.rows.filter((row) => !row.isBlank);
  }

  // Show the kernel's notes, unless the user is changing them, or has changed them and their state is still to come. Rows
  // with the same keys stay.
  hear() {
    const { number, rows: notes } = this.state;
    this.summarize();
    if (this.asked > this.answered || number < this.number) return;
    const { filled } = this;
    const same = filled.length === notes.length && filled.every((row, place) => row.key.value === notes[place].key);
    if (same) for (const [place, row] of filled.entries()) row.take(notes[place]);
    else if (!this.rows.some((row) => row.changed)) this.renew(notes);
  }

  // Make new rows for all notes. Those that are blank stay below them, and the focus stays at its place.
  /** @param {Note[]} notes */
  renew(notes) {
    const place = this.rows.findIndex((row) => row.element.matches(":focus-within"));
    const blank = this.rows.filter((row) => row.isBlank);
    this.rows = [...notes.map((note) => this.made(note)), ...blank];
    this.list.replaceChildren(...this.rows.map(({ element }) => element));
    this.count();
    if (place >= 0) (this.rows[place]?.key ?? this.more).focus();
  }

  /** @param {Note} note */
  made(note) {
    /** @type {NoteRow} */
    const row = new NoteRow(note, this.problem.id, {
      left: () => this.send(),
      remove: () => this.remove(row),
      next: () => this.begin(),
    });
    return row;
  }

  // Move the focus to a blank row.
  begin() {
    if (!this.rows.at(-1)?.isBlank) {
      const row = this.made({ key: "", text: "", fixed: false });
      this.rows.push(row);
      this.list.append(row.element);
      this.count();
    }
    this.rows.at(-1)?.key.focus();
  }

  /** @param {NoteRow} row */
  remove(row) {
    const place = this.rows.indexOf(row);
    this.rows.splice(place, 1);
    row.element.remove();
    this.count();
    (this.rows[place]?.erase ?? this.more).focus();
    this.send().catch(() => {}); // it is sent again before the upload
  }

  count() {
    for (const [place, row] of this.rows.entries()) row.number(place + 1);
  }

  summarize() {
    const keys = this.state.rows.map(({ key }) => key);
    const told = keys.length > 0 ? `${counted(keys.length, "note")}: ${keys.join(", ")}` : "Notes: none";
    const wrong = this.wrong !== "" && !this.element.open; // unfolded, the problem is shown below the rows
    setText(this.summary, wrong ? `✗ Notes: ${this.wrong}` : told);
    this.summary.classList.toggle("asimov-storage-bad", wrong);
  }

  /**
   * Make the kernel take the rows, and return its answer. Show the problem at the row.
   *
   * @returns {Promise<NotesAnswer>}
   */
  async send() {
    const { filled } = this;
    const keys = filled.map(({ key }) => key.value);
    const texts = filled.map(({ text }) => text);
    const before = filled.map(({ note }) => note.key);
    for (const row of this.rows) row.changed = false;
    this.asked += 1;
    const { asked } = this;
    try {
      /** @type {Reply<NotesAnswer>} */
      const { result } = await this.link.request("notes/set", { keys, texts, before });
      this.number = result.number;
      if (asked === this.asked) this.show(result, filled);
      return result;
    } catch (error) {
      for (const row of filled) row.changed = true;
      throw error;
    } finally {
      this.answered += 1;
      this.hear();
    }
  }

  /**
   * @param {NotesAnswer} answer
   * @param {NoteRow[]} filled
   */
  show({ problem = "", row = null }, filled) {
    this.wrong = problem;
    setText(this.problem, problem);
    for (const [place, one] of filled.entries()) {
      one.mark(place === row);
      one.changed ||= problem !== "";
    }
  }

  /**
   * Return the kernel's text of the notes, to send with the files. If there is a problem, move the focus to its row, and
   * return undefined.
   *
   * @returns {Promise<string | undefined>}
   */
  async settled() {
    const { filled } = this;
    if (filled.length === 0 && this.state.rows.length === 0) return "";
    const { meta, row } = await this.send();
    if (meta !== undefined) return meta;
    this.element.open = true;
    (filled[row ?? 0] ?? this.rows[0]).key.focus();
    return undefined;
  }
}

/**
 * @typedef {object} NoteDoes
 * @property {() => Promise<unknown>} left Called when the focus leaves a row that was changed.
 * @property {() => void} remove
 * @property {() => void} next Moves the focus to a new row.
 */

class NoteRow {
  /**
   * @param {Note} note
   * @param {string} problem The id of the element that shows a problem.
   * @param {NoteDoes} does
   */
  constructor(note, problem, does) {
    this.note = note;
    this.does = does;
    this.changed = false; // since it was sent
    const attributes = { type: "text", spellcheck: "false", autocomplete: "off", "aria-describedby": problem };
    this.key = make("input", { ...attributes, placeholder: "key" });
    this.value = make("input", { ...attributes, placeholder: "value" });
    this.erase = iconButton("close", "Remove", () => does.remove());
    this.element = make("li", {}, this.key, this.value, this.erase);
    this.element.addEventListener("input", () => {
      this.changed = true;
    });
    this.element.addEventListener("focusout", ({ relatedTarget }) => {
      if (this.changed && !this.element.contains(/** @type {Node | null} */ (relatedTarget))) this.leave();
    });
    this.key.addEventListener("keydown", (pressed) => this.onEnter(pressed, () => this.value.focus()));
    this.value.addEventListener("keydown", (pressed) => this.onEnter(pressed, () => does.next()));
    this.take(note);
  }

  get isBlank() {
    return this.key.value === "" && this.text === "";
  }

  // Return the text of the value. A box drops line ends, so a text that wasn't changed is taken from the note.
  get text() {
    return this.value.value === this.boxed ? this.note.text : this.value.value;
  }

  /** @param {Note} note The note as the kernel has it by now. */
  take(note) {
    this.note = note;
    if (this.changed) return;
    this.key.value = note.key;
    this.value.value = note.text;
    this.boxed = this.value.value;
    this.value.readOnly = note.fixed;
    this.value.title = note.fixed ? "A list or a mapping: set it from Python." : "";
  }

  /** @param {number} number Its place, for screen readers. */
  number(number) {
    this.key.setAttribute("aria-label", `Key of note ${number}`);
    this.value.setAttribute("aria-label", `Value of note ${number}`);
    for (const name of ["aria-label", "title"]) this.erase.setAttribute(name, `Remove note ${number}`);
  }

  /** @param {boolean} wrong */
  mark(wrong) {
    for (const input of [this.key, this.value]) {
      if (wrong) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
  }

  leave() {
    this.does.left().catch(() => {}); // it is sent again before the upload
  }

  /**
   * @param {KeyboardEvent} pressed
   * @param {() => void} act Called when Enter is pressed, which doesn't start the upload then.
   */
  onEnter(pressed, act) {
    if (pressed.key !== "Enter") return;
    pressed.preventDefault();
    act();
  }
}
