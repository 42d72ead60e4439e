// The Verifier: a verification below a heading that describes which files are verified.

/** @type {Mount} */
function mountVerifier(link, root, model) {
  const panel = new VerifyingPanel(link);
  const show = () => panel.show(model.get("_shown") ?? {}, model.get("_rows") ?? []);
  /** @type {{ store: string, about: string }} */
  const { store, about } = model.get("_initial");
  const title = make("h2", {}, `Verify ${store} `, make("small", {}, about));
  root.append(make("div", { class: "asimov-storage-bar" }, title, panel.row), panel.status, panel.found);
  model.on("change:_shown", show);
  show();
  return () => {
    model.off("change:_shown", show);
    panel.close();
  };
}
