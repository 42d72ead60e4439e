// What was stored with this widget: the newest, with their digests.

/** @typedef {{ event: string, production: string, file: string, hash: string, uuid: string }} StoredRecord */
/** @typedef {{ count: number, last: StoredRecord[] }} StoredState As the trait `_stored` has it; see _stored.py. */

class StoredList {
  /**
   * @param {Model} model
   * @param {() => void} changed
   */
  constructor(model, changed) {
    this.model = model;
    this.changed = changed;
    this.list = make("ul", { class: "asimov-storage-cards" });
    this.before = make("p", {});
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

  // Touch only what is new, so that no more than that is read out.
  paint() {
    const { count, last } = this.state;
    const uuids = new Set(last.map(({ uuid }) => uuid));
    for (const item of /** @type {HTMLElement[]} */ ([...this.list.children])) {
      if (!uuids.delete(item.dataset.uuid ?? "")) item.remove();
    }
    for (const record of last) {
      if (uuids.has(record.uuid)) this.list.prepend(storedItem(record));
    }
    setText(this.before, count > last.length ? `… and ${count - last.length} before these.` : "");
    this.changed();
  }
}

/** @param {StoredRecord} record */
function storedItem({ event, production, file, hash, uuid }) {
  return make(
    "li",
    { "data-uuid": uuid },
    make("span", { class: "asimov-storage-good" }, "✔ Stored: "),
    `${event} / ${production} / ${file}`,
    make("dl", { class: "asimov-storage-digests" }, digestShown("MD5", hash), digestShown("UUID", uuid)),
  );
}

/**
 * @param {string} term
 * @param {string} hexadecimal
 */
function digestShown(term, hexadecimal) {
  return make("div", {}, ...described(term, make("code", {}, hexadecimal)));
}
