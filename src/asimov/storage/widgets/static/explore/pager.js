// From page to page of the table.

class Pager {
  /** @param {(by: number) => void} turn */
  constructor(turn) {
    this.pages = 0;
    this.previous = iconButton("previous", "Previous", () => turn(-1));
    this.next = iconButton("next", "Next", () => turn(1));
    this.pageOf = make("span", {});
    this.element = make("div", { class: "asimov-storage-pager" }, this.previous, this.pageOf, this.next);
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
