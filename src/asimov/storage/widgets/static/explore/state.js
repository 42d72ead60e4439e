// The state of an Explorer: traits that all views of the widget and Python share. They survive a reload of the page.

const SAVED_AFTER = 300; // ms after the last letter, while each letter is searched for at once

/**
 * @typedef {object} ExplorerState
 * @property {string} search
 * @property {string} event
 * @property {string} production
 * @property {string | null} suffix
 * @property {number | null} added_from In ms since 1970, as is added_to.
 * @property {number | null} added_to
 * @property {number | null} larger_than In bytes.
 * @property {number | null} not_verified_since In ms since 1970; 0 means never.
 * @property {boolean} failed
 * @property {boolean} retracted
 * @property {string} sort A column.
 * @property {boolean} descending
 * @property {number} page
 * @property {string[]} columns
 * @property {RecordKey | null} opened
 * @property {boolean} overview_folded
 */

/** @type {ExplorerState} The default state. */
const PLAIN_STATE = {
  search: "",
  event: "",
  production: "",
  suffix: null,
  added_from: null,
  added_to: null,
  larger_than: null,
  not_verified_since: null,
  failed: false,
  retracted: false,
  sort: "event",
  descending: false,
  page: 0,
  columns: [],
  opened: null,
  overview_folded: false,
};
const STATE_NAMES = /** @type {(keyof ExplorerState)[]} */ (Object.keys(PLAIN_STATE));

class SharedState {
  /**
   * @param {Model} model
   * @param {(names: Set<keyof ExplorerState>) => void} changed Called with the names that others have changed.
   */
  constructor(model, changed) {
    this.model = model;
    this.changed = changed;
    /** @type {number | undefined} */
    this.timer = undefined;
    /** @type {Set<keyof ExplorerState>} */
    this.heardOf = new Set();
    /** @type {ExplorerState} */
    this.now = { ...PLAIN_STATE };
    /** @type {{ name: keyof ExplorerState, listener: () => void }[]} */
    this.listeners = STATE_NAMES.map((name) => ({ name, listener: () => this.heard(name) }));
    for (const { name, listener } of this.listeners) {
      this.take(name);
      model.on(`change:${name}`, listener);
    }
    /** @type {Record<string, string>} The values that the model has, as JSON, by the names of traits. */
    this.saved = Object.fromEntries(STATE_NAMES.map((name) => [name, JSON.stringify(this.now[name])]));
  }

  close() {
    clearTimeout(this.timer);
    for (const { name, listener } of this.listeners) this.model.off(`change:${name}`, listener);
  }

  /**
   * Apply changes and save them. The words of a search are saved when the user pauses.
   *
   * @param {Partial<ExplorerState>} changes
   */
  set(changes) {
    Object.assign(this.now, changes);
    clearTimeout(this.timer);
    if ("search" in changes) this.timer = setTimeout(() => this.save(), SAVED_AFTER);
    else this.save();
  }

  save() {
    clearTimeout(this.timer);
    for (const name of STATE_NAMES) {
      const text = JSON.stringify(this.now[name]);
      if (text === this.saved[name]) continue;
      this.saved[name] = text; // before `set`, which calls `heard`
      this.model.set(name, this.now[name]);
    }
    this.model.save_changes();
  }

  /** @param {keyof ExplorerState} name */
  heard(name) {
    const text = JSON.stringify(this.model.get(name) ?? PLAIN_STATE[name]);
    if (text === this.saved[name]) return; // our own change, which may be older than the words in the box
    this.saved[name] = text;
    this.take(name);
    this.heardOf.add(name);
    queueMicrotask(() => this.tell()); // several traits may change at once
  }

  tell() {
    if (this.heardOf.size === 0) return;
    const names = this.heardOf;
    this.heardOf = new Set();
    this.changed(names);
  }

  /** @param {keyof ExplorerState} name */
  take(name) {
    const value = this.model.get(name) ?? PLAIN_STATE[name];
    Object.assign(this.now, { [name]: value });
  }
}
