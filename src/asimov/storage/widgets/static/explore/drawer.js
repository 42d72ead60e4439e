// A part of the tool bar that a button unfolds, such as the further filters or the columns.

class Drawer {
  /**
   * @param {HTMLButtonElement} opener
   * @param {string} name
   * @param {HTMLElement[]} content
   */
  constructor(opener, name, ...content) {
    this.opener = opener;
    this.onopen = () => {}; // called whenever the drawer opens
    const attributes = {
      class: "asimov-storage-drawer",
      role: "group",
      id: freshId(),
      "aria-label": name,
      hidden: true,
    };
    this.element = make("div", attributes, ...content);
    opener.setAttribute("aria-controls", this.element.id);
    opener.addEventListener("click", () => this.show(this.element.hidden === true));
    this.element.addEventListener("keydown", (pressed) => {
      if (pressed.key !== "Escape") return;
      pressed.preventDefault();
      this.show(false);
      opener.focus();
    });
    this.show(false);
  }

  /** @param {boolean} shown */
  show(shown) {
    this.element.hidden = !shown;
    this.opener.setAttribute("aria-expanded", String(shown));
    if (shown) this.onopen();
  }
}
