// What anywidget calls to show a widget.

/**
 * A widget's own part: fills `root`, and returns its clean-up.
 *
 * @typedef {(link: Link, root: HTMLElement, model: Model) => (() => void) | void} Mount
 */

/**
 * Return what anywidget calls `render`: a root element, a link, and the clean-up of both.
 *
 * @param {Mount} mount
 * @param {string} sheet The style sheet. It goes into each view, which may be in a shadow tree.
 */
function rendering(mount, sheet) {
  /** @param {{ model: Model, el: HTMLElement }} view */
  const render = ({ model, el }) => {
    const root = keepKeys(make("div", { class: "asimov-storage asimov-storage-panel" }));
    el.classList.add("asimov-storage-host");
    const style = make("style");
    style.textContent = sheet; // as it is: `make` would show its line ends
    el.append(style, root);
    const link = new Link(model);
    const limit = () => limitHeight(el, root, model.get("height") ?? "");
    model.on("change:height", limit);
    limit();
    const hush = tellMarimo(el, model);
    const cleanUp = mount(link, root, model);
    return () => {
      model.off("change:height", limit);
      hush();
      cleanUp?.();
      link.close();
      style.remove();
      root.remove();
    };
  };
  return render;
}

const TOLD = ["selected_count", "path", "records", "report"]; // traits that the kernel sets and cells of a user read

/**
 * marimo runs the cells that read a widget anew when the page, not the kernel, has changed a trait. So the page does that,
 * when the kernel tells something. Returns how to end it.
 *
 * @param {HTMLElement} element
 * @param {Model} model
 */
function tellMarimo(element, model) {
  const { host } = /** @type {Partial<ShadowRoot>} */ (element.getRootNode());
  if (host?.localName !== "marimo-anywidget") return () => {};
  const told = () => {
    model.set("_heard", (model.get("_heard") ?? 0) + 1);
    model.save_changes();
  };
  for (const name of TOLD) model.on(`change:${name}`, told);
  return () => {
    for (const name of TOLD) model.off(`change:${name}`, told);
  };
}

/**
 * @param {HTMLElement} host
 * @param {HTMLElement} root
 * @param {string} height A CSS length, or "fill".
 */
function limitHeight(host, root, height) {
  const fill = height === "fill";
  for (const element of [host, root]) element.classList.toggle("asimov-storage-fill", fill);
  root.style.setProperty("--as-height", fill ? "100%" : height);
}

/**
 * Keep from a notebook what is pressed in `element`: JupyterLab takes arrows, letters and digits from whatever has the
 * focus and can't be written in, and moves, changes or deletes cells with them. It gets what goes with Ctrl, Alt or ⌘,
 * such as Ctrl+S. Notebook 7 takes keys before they get here, so it is told by an attribute, which it looks for on what
 * has the focus alone.
 *
 * @param {HTMLElement} element
 */
function keepKeys(element) {
  /** @param {FocusEvent | KeyboardEvent} happened */
  const keep = (happened) => {
    const shortcut = "key" in happened && (happened.ctrlKey || happened.metaKey || happened.altKey);
    const focused = /** @type {Element} */ (happened.target);
    focused.toggleAttribute("data-lm-suppress-shortcuts", !shortcut);
  };
  element.addEventListener("focusin", keep);
  element.addEventListener("keydown", keep);
  element.addEventListener("keyup", keep); // Ctrl is pressed before the S
  return element;
}
