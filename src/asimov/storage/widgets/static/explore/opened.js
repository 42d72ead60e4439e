// The opened file of a row: its preview and its download, beside the table or below it.

class OpenedFile {
  /**
   * @param {Link} link
   * @param {Model} model
   * @param {Parts} parts
   * @param {{ say: (problem?: string) => void, opened: (key?: RecordKey) => void }} does
   */
  constructor(link, model, parts, { say, opened }) {
    this.link = link;
    this.model = model;
    this.parts = parts;
    this.say = say;
    this.opened = opened;
    this.asked = false;
    /** @type {RecordKey | undefined} */
    this.key = undefined;
    this.panel = new FetchedPanel(link);
    this.part = parts.add("File", this.panel.status, this.panel.cancel, this.panel.result);
    parts.closing.push(() => this.panel.close());
    parts.follow(model, "_shown", () => this.show(model.get("_shown") ?? {}));
  }

  /**
   * Show a state, if it is of the file that was opened in this view. The state is of the last file opened in any view.
   *
   * @param {FetchState} state
   */
  show(state) {
    if (this.key === undefined) return;
    const { event = "", production = "", file = "" } = state;
    if (idOf([event, production, file]) === idOf(this.key)) this.panel.show(state);
  }

  /** @param {RecordKey} key */
  async open(key) {
    const { panel, part } = this;
    if (this.asked || panel.busy) {
      this.parts.unfold(part);
      return this.say(`✗ ${this.key?.[2]} is being fetched or downloaded. Wait for it, or cancel it.`);
    }
    this.key = key;
    this.asked = true;
    this.say();
    this.parts.unfold(part);
    this.opened(key); // after the layout of the parts, so that the row is in view
    const [event, production, file] = key;
    await panel.fetch({ event, production, file });
    this.asked = false;
  }

  closed() {
    this.key = undefined;
    this.opened(undefined);
  }

  /**
   * Open or close a file here too, after another view, Python, or this page before its reload has done so.
   *
   * @param {RecordKey | null} key
   */
  follow(key) {
    if (key === null) {
      if (this.key !== undefined) this.parts.fold(this.part);
      return;
    }
    if (this.key !== undefined && idOf(this.key) === idOf(key)) return;
    /** @type {FetchState} */
    const { phase, event = "", production = "", file = "" } = this.model.get("_shown") ?? {};
    if (phase === undefined || idOf([event, production, file]) !== idOf(key)) this.open(key);
    else this.unfold(key);
  }

  /** @param {RecordKey} key */
  unfold(key) {
    this.key = key;
    this.parts.unfold(this.part);
    this.opened(key); // after the layout of the parts, so that the row is in view
    this.show(this.model.get("_shown") ?? {});
  }
}
