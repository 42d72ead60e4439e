// The file of a row: its preview and its download, below the table.

class OpenedFile {
  /**
   * @param {Link} link
   * @param {Model} model
   * @param {Parts} parts
   * @param {(problem?: string) => void} say
   */
  constructor(link, model, parts, say) {
    this.link = link;
    this.parts = parts;
    this.say = say;
    this.asked = false;
    /** @type {RecordKey | undefined} */
    this.key = undefined;
    this.panel = new FetchedPanel(link);
    const row = make("div", { class: "asimov-storage-row" }, this.panel.cancel);
    this.part = parts.add("File", row, this.panel.element);
    parts.closing.push(() => this.panel.close());
    parts.follow(model, "_shown", () => this.show(model.get("_shown") ?? {}));
  }

  /**
   * The last file that was opened in any view is in the widget's state, but this one shows what was opened here.
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
      part.hidden = false;
      return this.say(`✗ ${this.key?.[2]} is being fetched or downloaded, below. Wait for it, or cancel it.`);
    }
    const before = panel.state.number;
    this.key = key;
    this.asked = true;
    this.say();
    this.parts.unfold(part, part.querySelector("button"));
    const [event, production, file] = key;
    try {
      await this.link.request("fetch/start", { event, production, file });
    } catch (error) {
      panel.refuse(before, error);
    }
    this.asked = false;
  }
}
