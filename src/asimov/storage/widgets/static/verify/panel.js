// The Verifier: a verification under a heading that says of what.

/** @type {Mount} */
function mountVerifier(link, root, model) {
  const panel = new VerifyingPanel(link);
  const show = () => panel.show(model.get("_shown") ?? {}, model.get("_rows") ?? []);
  /** @type {{ store: string, about: string }} */
  const { store, about } = model.get("_initial");
  root.append(make("h2", {}, `Verify ${store}`), make("p", { class: "asimov-storage-about" }, about), panel.element);
  model.on("change:_shown", show);
  show();
  return () => {
    model.off("change:_shown", show);
    panel.close();
  };
}
