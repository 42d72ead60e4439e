// The newest files that were stored with this widget, with their digests.

/** @typedef {{ event: string, production: string, file: string, hash: string, uuid: string }} StoredRecord */
/** @typedef {{ count: number, last: StoredRecord[] }} StoredState The trait `_stored`; see _uploading/newest.py. */

class StoredList {
  /**
   * @param {Model} model
   * @param {() => Set<string>} elsewhere Returns the uuids of the files that are shown above.
   * @param {() => void} changed
   */
  constructor(model, elsewhere, changed) {
    this.model = model;
    this.elsewhere = elsewhere;
    this.changed = changed;
    this.list = make("ul", { class: "asimov-storage-files", "aria-label": "Stored" });
    this.before = make("p", { class: "asimov-storage-hint" });
    this.show = () => this.paint();
    model.on("change:_stored", this.show);
  }

  close() {
    this.model.off("change:_stored", this.show);
  }

  /** @returns {StoredState} */
  get state() {
    return this.model.get("_stored");
  }

  get count() {
    return this.state.count;
  }

  // Change only the rows that are new or gone.
  paint() {
    const { count, last } = this.state;
    const elsewhere = this.elsewhere();
    const shown = last.filter(({ uuid }) => !elsewhere.has(uuid));
    const uuids = new Set(shown.map(({ uuid }) => uuid));
    for (const item of /** @type {HTMLElement[]} */ ([...this.list.children])) {
      if (!uuids.delete(item.dataset.uuid ?? "")) item.remove();
    }
    for (const record of shown) {
      if (uuids.has(record.uuid)) this.list.prepend(storedItem(record));
    }
    const before = count - last.length;
    setText(this.before, before > 0 ? `… and ${counted(before)} before these.` : "");
    this.changed();
  }
}

/** @param {StoredRecord} record */
function storedItem({ event, production, file, hash, uuid }) {
  const name = `${event} / ${production} / ${file}`;
  const facts = [...described("MD5", make("code", {}, hash)), ...described("UUID", make("code", {}, uuid))];
  const details = make("div", { class: "asimov-storage-more", hidden: true }, make("dl", {}, ...facts));
  const attributes = { class: "asimov-storage-icon", "aria-expanded": "false", "aria-label": `Details of ${name}` };
  const more = button("", () => toggle(), attributes);
  const toggle = () => {
    details.hidden = !details.hidden;
    more.setAttribute("aria-expanded", String(!details.hidden));
  };
  return make(
    "li",
    { "data-uuid": uuid, class: "asimov-storage-stored" },
    nameShown(file, name, `${event} / ${production}`),
    make("span", { class: "asimov-storage-number" }),
    make("span", { class: "asimov-storage-said" }, "✔ Stored"),
    make("span", { class: "asimov-storage-acts" }, more),
    details,
  );
}
