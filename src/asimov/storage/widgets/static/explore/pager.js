// The buttons that turn the pages of the table or of the overview.

class Pager {
  /**
   * @param {(by: number) => void} turn
   * @param {string} [what] A text that ends the names of the buttons.
   */
  constructor(turn, what = "") {
    this.pages = 0;
    this.previous = iconButton("previous", `Previous${what}`, () => turn(-1));
    this.next = iconButton("next", `Next${what}`, () => turn(1));
    this.pageOf = make("span", {});
    this.element = make("div", { class: "asimov-storage-pager", hidden: true }, this.previous, this.pageOf, this.next);
  }

  /** @param {{ page: number, pages: number }} page */
  paint({ page, pages }) {
    this.pages = pages;
    this.element.hidden = pages < 2;
    setText(this.pageOf, `Page ${counted(page + 1)} of ${counted(pages)}`);
    setOff(this.previous, page === 0);
    setOff(this.next, page + 1 >= pages);
  }
}
