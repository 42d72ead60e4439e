// The Verifier: a verification below a heading that describes which files are verified, and the line that restores those
// that failed.

/**
 * The initial state of a Verifier.
 *
 * @typedef {object} VerifierInitial
 * @property {string} store
 * @property {string} about
 * @property {boolean} [restores] Whether files can be put back.
 * @property {string | null} [server] The only folder in which copies can be looked for, if there is such a limit.
 */

/** @type {Mount} */
function mountVerifier(link, root, model) {
  const panel = new VerifyingPanel(link);
  /** @type {VerifierInitial} */
  const { store, about, restores = false, server = null } = model.get("_initial");
  const restoring = restores ? new RestoringPanel(link, server, panel.verify) : undefined;
  const show = () => {
    /** @type {RestoringState} */
    const restored = model.get("_restoring") ?? {};
    panel.held = restored.phase === "looking" || restored.phase === "putting";
    panel.show(model.get("_shown") ?? {}, model.get("_rows") ?? []);
    restoring?.show(restored, panel.failures);
  };
  const title = make("h2", {}, `Verify ${store} `, make("small", {}, about));
  root.append(make("div", { class: "asimov-storage-bar" }, title, panel.row), panel.status, panel.found);
  if (restoring) root.append(restoring.element);
  for (const trait of SHOWN_TRAITS) model.on(`change:${trait}`, show);
  show();
  return () => {
    for (const trait of SHOWN_TRAITS) model.off(`change:${trait}`, show);
    restoring?.close();
    panel.close();
  };
}

const SHOWN_TRAITS = ["_shown", "_restoring"];
