// The Uploader beside the table. It is made when it is first opened.

class Adding {
  /**
   * @param {Link} link
   * @param {Model} model
   * @param {Parts} parts
   * @param {() => void} refresh
   */
  constructor(link, model, parts, refresh) {
    this.link = link;
    this.model = model;
    this.parts = parts;
    this.refresh = refresh;
    this.box = make("div", { class: "asimov-storage-column" });
    this.part = parts.add("Add files", make("h3", {}, "Add files"), this.box);
    /** @type {UploaderPanel | undefined} */
    this.uploader = undefined;
  }

  open() {
    this.uploader ??= this.begin();
    this.parts.unfold(this.part, this.box.querySelector("input"));
  }

  begin() {
    const uploader = new UploaderPanel(this.link, this.box, this.model);
    this.parts.closing.push(() => uploader.close());
    let stored = uploader.stored.count;
    this.parts.follow(this.model, "_stored", () => {
      const { count } = uploader.stored;
      if (count !== stored) this.refresh();
      stored = count;
    });
    return uploader;
  }
}
