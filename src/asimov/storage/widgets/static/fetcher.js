// The Fetcher: which file, and how; what came of it is FetchedPanel's.

function mountFetcher(link, root, model) {
  const initial = model.get("_initial");
  const boxes = Object.fromEntries(["event", "production", "file"].map((name) => [name, make("input", { type: "text", name })]));
  const hash = make("input", { type: "text", name: "hash", spellcheck: "false", autocomplete: "off" });
  const dest = make("input", { type: "text", name: "dest", spellcheck: "false", autocomplete: "off" });
  for (const [name, box] of Object.entries(boxes)) box.value = initial[name];
  const fields = Object.entries(boxes).map(([name, box]) => nameField(link, name, box, boxes));
  const submit = button("Fetch", undefined, { type: "submit", class: "asimov-storage-main" });
  const panel = new FetchedPanel(link, (busy) => setOff(submit, busy));
  panel.refuge = submit;

  const fetch = (event) => {
    event.preventDefault();
    if (panel.busy || !allFilled(fields, boxes)) return;
    const wanted = Object.fromEntries(Object.entries({ ...boxes, hash, dest }).map(([name, box]) => [name, box.value]));
    const before = panel.state.number;
    link.request("fetch/start", wanted).catch((error) => panel.refuse(before, error));
  };
  const show = () => panel.show(model.get("_shown") ?? {});
  const form = make(
    "form",
    { novalidate: true, onsubmit: fetch, onkeydown: submitOnEnter },
    make("h2", {}, `Fetch from ${initial.store}`),
    make("div", { class: "asimov-storage-fields" }, ...fields),
    make("div", { class: "asimov-storage-fields" }, field("Expected MD5 (optional)", hash), field("Destination folder (optional)", dest)),
    make("div", { class: "asimov-storage-row" }, submit, panel.cancel),
  );
  root.append(form, panel.element);
  model.on("change:_shown", show);
  show();
  return () => {
    model.off("change:_shown", show);
    panel.close();
  };
}

// A box for a name, with suggestions from the manifest, narrowed by what stands in the boxes before it.
function nameField(link, name, box, boxes) {
  const label = name[0].toUpperCase() + name.slice(1);
  const part = field(label, box);
  combobox(box, async (typed) => {
    const narrowing = { event: boxes.event.value, production: boxes.production.value };
    return (await link.request("names/suggest", { field: name, typed, ...narrowing })).result;
  });
  for (const kind of ["input", "change"]) box.addEventListener(kind, () => part.problem());
  return part;
}

function allFilled(fields, boxes) {
  const empty = Object.entries(boxes).filter(([name, box], index) => {
    fields[index].problem(box.value ? undefined : `Which ${name}?`);
    return !box.value;
  });
  empty[0]?.[1].focus();
  return empty.length === 0;
}
