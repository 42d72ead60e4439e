// The Fetcher: the boxes for the file and the destination. FetchedPanel shows the result.

/** @typedef {"event" | "production" | "file"} NamePart */
/** @typedef {Record<NamePart, HTMLInputElement>} NameBoxes */

/** @type {Mount} */
function mountFetcher(link, root, model) {
  /** @type {Record<NamePart | "store", string>} */
  const initial = model.get("_initial");
  const panel = new FetcherPanel(link, initial);
  const { fetched } = panel;
  root.append(panel.form(initial.store), fetched.status, fetched.result);
  const show = () => fetched.show(model.get("_shown") ?? {});
  model.on("change:_shown", show);
  show();
  return () => {
    model.off("change:_shown", show);
    fetched.close();
  };
}

class FetcherPanel {
  /**
   * @param {Link} link
   * @param {Record<NamePart, string>} initial
   */
  constructor(link, initial) {
    this.link = link;
    /** @param {NamePart} name */
    const box = (name) => Object.assign(make("input", { type: "text", name }), { value: initial[name] });
    this.boxes = { event: box("event"), production: box("production"), file: box("file") };
    /** @param {NamePart} name */
    const named = (name) => nameField(link, name, this.boxes);
    this.fields = { event: named("event"), production: named("production"), file: named("file") };
    const plain = { type: "text", spellcheck: "false", autocomplete: "off" };
    this.hash = make("input", { ...plain, name: "hash" });
    this.dest = make("input", { ...plain, name: "dest" });
    this.submit = button("Fetch", undefined, { type: "submit", class: "asimov-storage-main" });
    this.fetched = new FetchedPanel(link, (busy) => setOff(this.submit, busy));
    this.fetched.refuge = this.submit;
  }

  /** @param {string} store */
  form(store) {
    const hash = field("Expected MD5 (optional)", this.hash);
    const dest = field("Destination folder (optional)", this.dest);
    const go = make("div", { class: "asimov-storage-row asimov-storage-last" }, this.submit, this.fetched.cancel);
    /** @param {SubmitEvent} happened */
    const fetch = (happened) => {
      happened.preventDefault();
      if (!this.fetched.busy && allFilled(this.fields, this.boxes)) this.fetch();
    };
    return make(
      "form",
      { novalidate: true, onsubmit: fetch, onkeydown: submitOnEnter },
      make("h2", {}, `Fetch from ${store}`),
      make("div", { class: "asimov-storage-fields" }, ...Object.values(this.fields), hash, dest, go),
    );
  }

  fetch() {
    const { event, production, file } = this.boxes;
    const key = { event: event.value, production: production.value, file: file.value };
    const wanted = { ...key, hash: this.hash.value, dest: this.dest.value };
    this.fetched.fetch(wanted);
  }
}

/**
 * Return a box for a name, with suggestions from the manifest. The names in the boxes before it narrow them.
 *
 * @param {Link} link
 * @param {NamePart} name
 * @param {NameBoxes} boxes
 */
function nameField(link, name, boxes) {
  const part = field(name[0].toUpperCase() + name.slice(1), boxes[name]);
  combobox(boxes[name], async (typed) => {
    const narrowing = { event: boxes.event.value, production: boxes.production.value };
    /** @type {Reply<Suggestions>} */
    const { result } = await link.request("names/suggest", { field: name, typed, ...narrowing });
    return result;
  });
  for (const kind of ["input", "change"]) boxes[name].addEventListener(kind, () => part.problem());
  return part;
}

/**
 * Return whether all boxes are filled. Mark the empty ones, and move the focus to the first.
 *
 * @param {Record<NamePart, Field>} fields
 * @param {NameBoxes} boxes
 */
function allFilled(fields, boxes) {
  const names = /** @type {NamePart[]} */ (Object.keys(boxes));
  for (const name of names) fields[name].problem(boxes[name].value ? undefined : `Which ${name}?`);
  const empty = names.filter((name) => !boxes[name].value);
  if (empty.length > 0) boxes[empty[0]].focus();
  return empty.length === 0;
}
