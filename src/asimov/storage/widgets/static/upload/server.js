// Files on the server's own disk: the box for a path, and the upload of such a file.

class ServerBox {
  /**
   * @param {Link} link
   * @param {string} folder
   * @param {(chosen: Chosen) => void} take Called with each file that is added.
   */
  constructor(link, folder, take) {
    this.link = link;
    this.take = take;
    /** @type {Promise<void> | undefined} There is one while the kernel looks at a path. */
    this.adding = undefined;
    this.input = make("input", { type: "text", name: "path", spellcheck: "false" });
    this.box = field("Path on the server", this.input);
    this.suggest();
    this.input.addEventListener("keydown", (pressed) => {
      if (pressed.key !== "Enter" || pressed.defaultPrevented) return;
      pressed.preventDefault(); // Enter adds the path, and doesn't start the upload
      this.add();
    });
    const add = button("Add", () => this.add());
    const hint = make("span", { class: "asimov-storage-hint", id: freshId() }, `Below ${folder}`);
    this.input.setAttribute("aria-describedby", `${this.input.getAttribute("aria-describedby")} ${hint.id}`);
    this.element = make("div", { class: "asimov-storage-place" }, this.box, add, hint);
  }

  suggest() {
    const { input, box } = this;
    const offered = combobox(input, async (typed) => {
      /** @type {Reply<Suggestions>} */
      const { result } = await this.link.request("server/complete", { typed });
      return result;
    });
    input.addEventListener("input", () => box.problem());
    input.addEventListener("change", () => input.value.endsWith("/") && offered.offer()); // a folder: suggest its files
  }

  add() {
    this.adding ??= this.look();
  }

  async look() {
    const { input, box } = this;
    box.problem();
    try {
      /** @type {Reply<{ name: string, size: number }>} */
      const { result } = await this.link.request("server/size", { path: input.value });
      this.take({ path: input.value, from: `${input.value}, on the server`, ...result });
      input.value = "";
    } catch (error) {
      box.problem(inWords(error));
    }
    this.adding = undefined;
  }
}

// The upload of a file on the server's own disk. It has the same methods as an Upload.
class ServerUpload {
  /**
   * @param {Link} link
   * @param {string} path
   * @param {Order} order
   * @param {UploadTold} tell
   */
  constructor(link, path, order, tell) {
    this.link = link;
    this.path = path;
    this.order = order;
    this.tell = tell;
    this.job = nextJob();
  }

  async run() {
    this.tell("waiting", 0);
    const unheard = this.link.on(`server/progress/${this.job}`, ({ done = 0, total = 0 }) => {
      this.tell(done < total ? "sending" : "storing", done);
    });
    try {
      /** @type {Reply<Added & { cancelled?: string }>} */
      const { result } = await this.link.request("server/add", { ...this.order, path: this.path, job: this.job });
      if (result.cancelled) throw new Cancelled();
      return result;
    } finally {
      unheard();
    }
  }

  cancel() {
    this.link.request("server/cancel", { job: this.job }).catch(() => {});
  }

  leave() {
    // The upload continues, as the kernel doesn't need the page for it.
  }
}
