// The function that anywidget calls to show a widget.

/**
 * The part of one widget: it fills `root`, and returns its clean-up.
 *
 * @typedef {(link: Link, root: HTMLElement, model: Model) => (() => void) | void} Mount
 */

/**
 * Return the `render` of anywidget: it makes a root element and a link, and returns the clean-up of both.
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
    style.textContent = sheet; // not by `make`, which would spell out its line ends
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

const TOLD = ["selected_count", "path", "records", "report", "restore_report", "_notes"]; // traits that the kernel sets and the user's cells read

/**
 * Make marimo run the cells that read a widget again when the kernel has changed a trait. marimo does so only when the page
 * has changed one. So the page changes `_heard`. Return a function that ends this.
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
 * Keep the keys that are pressed in `element` from the notebook. JupyterLab takes arrows, letters and digits from any
 * focused element that isn't a text box, and moves, changes or deletes cells with them. Keys with Ctrl, Alt or ⌘, such as
 * Ctrl+S, still reach it. Notebook 7 takes keys before they get here. An attribute keeps it from that, but only on the
 * element that has the focus.
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
  element.addEventListener("keyup", keep); // after Ctrl is released
  return element;
}
