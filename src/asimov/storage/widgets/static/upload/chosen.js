// The files and folders that the user chooses, or drops from the desktop or from JupyterLab's file browser.

const MOST_FILES = 10_000; // at once, as the kernel checks this many names in one message

/**
 * @typedef {object} Chosen
 * @property {string} name Its name in the Store, unless the user changes that.
 * @property {number} size In bytes.
 * @property {string} from The path that it comes from, as far as it is known.
 * @property {string} [expected] The MD5 that it must have.
 * @property {File} [file] The file, if it is on the user's own disk.
 * @property {FileSystemFileEntry} [entry] Returns the file in its present state.
 * @property {string} [path] The path, if the file is on the server's disk.
 */
/**
 * Dropped files on the server's disk, as the kernel has found them.
 *
 * @typedef {object} DroppedOfServer
 * @property {{ path: string, shown: string, size: number }[]} files `shown` begins with the name that was dropped.
 * @property {number} hidden
 * @property {string[]} problems
 */
/**
 * @typedef {object} ChosenDoes
 * @property {(chosen: Chosen[]) => void} add
 * @property {() => string[]} names Returns the names of all files that are chosen by now.
 */

class ChosenFiles {
  /**
   * @param {Link} link
   * @param {ChosenDoes} does
   */
  constructor(link, does) {
    this.link = link;
    this.does = does;
    /** @type {Promise<void> | undefined} There is one while folders are being read. */
    this.reading = undefined;
    this.input = this.hiddenInput("File", {});
    this.folder = this.hiddenInput("Folder", { webkitdirectory: true });
    this.choose = button("Choose files", () => this.input.click());
    const folder = button("Choose a folder", () => this.folder.click());
    this.element = make("div", { class: "asimov-storage-choose" }, this.choose, folder, this.input, this.folder);
    this.problem = make("p", { class: "asimov-storage-problem" });
    this.note = make("p", { class: "asimov-storage-hint" });
    this.said = make("div", { "aria-live": "polite" }, this.problem, this.note);
  }

  /**
   * @param {string} label
   * @param {Attributes} attributes
   */
  hiddenInput(label, attributes) {
    const input = make("input", { type: "file", multiple: true, hidden: true, "aria-label": label, ...attributes });
    input.addEventListener("change", () => {
      const files = [...(input.files ?? [])];
      input.value = ""; // so that the same file can be chosen again
      const reader = new FolderReader(MOST_FILES);
      reader.take(files);
      this.take(reader.found, reader.hidden);
    });
    return input;
  }

  /** @param {HTMLElement} root */
  acceptDrops(root) {
    /** @param {DragEvent} happened */
    const over = (happened) => {
      const data = happened.dataTransfer;
      if (!data?.types.includes("Files")) return;
      happened.preventDefault();
      happened.stopPropagation();
      const { type } = happened;
      if (type === "dragleave" && root.contains(/** @type {Node | null} */ (happened.relatedTarget))) return;
      markOver(root, type === "dragenter" || type === "dragover");
      if (type === "drop") this.wait(this.dropped(data));
    };
    for (const kind of /** @type {const} */ (["dragenter", "dragover", "dragleave", "drop"])) {
      root.addEventListener(kind, over);
    }
    acceptLabDrops(root, (paths) => this.wait(this.droppedOfServer(paths)));
  }

  /** @param {Promise<void>} reading */
  wait(reading) {
    const before = this.reading;
    const all = Promise.all([before, reading]).then(() => {
      if (this.reading === all) this.reading = undefined;
    });
    this.reading = all;
  }

  /** @param {DataTransfer} data The dropped data. It is empty once the event is over, so all of it is read at once. */
  async dropped(data) {
    const files = [...data.files];
    const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry != null);
    const reader = new FolderReader(MOST_FILES);
    try {
      if (entries.length === 0) reader.take(files);
      else if (entries.some((entry) => entry.isDirectory)) this.say(undefined, "Reading …");
      for (const entry of entries) await reader.read(entry);
      this.take(reader.found, reader.hidden);
    } catch (error) {
      this.say(`What was dropped can't be read: ${errorOf(error).message} Choose it instead.`);
    }
  }

  /** @param {string[]} paths Paths in JupyterLab's file browser. */
  async droppedOfServer(paths) {
    this.say(undefined, "Looking for these files on the server …");
    try {
      /** @type {Reply<DroppedOfServer>} */
      const { result } = await this.link.request("server/dropped", { paths, root: rootOfServer() });
      this.takeAll(
        result.files.map(({ shown }) => shown),
        result.files.map(({ path, size }) => ({ path, size, from: `${path}, on the server` })),
        result.hidden,
      );
      if (result.problems.length > 0) this.say(result.problems.join(" "), this.note.textContent ?? "");
    } catch (error) {
      this.say(inWords(error));
    }
  }

  /**
   * @param {FoundFile[]} found
   * @param {number} hidden
   */
  take(found, hidden) {
    const paths = found.map(({ path }) => path);
    this.takeAll(
      paths,
      found.map(({ path, file, entry }) => ({ file, entry, size: file.size, from: path })),
      hidden,
    );
  }

  /**
   * @param {string[]} paths The paths that the names are made from.
   * @param {Omit<Chosen, "name">[]} files
   * @param {number} hidden
   */
  takeAll(paths, files, hidden) {
    const before = this.does.names();
    if (before.length + files.length > MOST_FILES) {
      const most = `At most ${counted(MOST_FILES)} files can be uploaded at once, and these are more.`;
      const advice = "Choose fewer; files that the kernel can reach, Store.add_files() adds at any number.";
      return this.say(`${most} ${advice}`);
    }
    const names = namesOf(paths, before);
    this.does.add(files.map((file, place) => ({ ...file, name: names[place] })));
    const renamed = names.filter((name, place) => name !== lastPart(paths[place])).length;
    this.say(undefined, noteOf(files.length, hidden, renamed));
  }

  /**
   * @param {string} [problem]
   * @param {string} [note]
   */
  say(problem = "", note = "") {
    setText(this.problem, problem);
    setText(this.note, note);
  }

  /**
   * Ask the user to choose a file, unless files are being uploaded.
   *
   * @param {boolean} busy
   */
  askForFiles(busy) {
    this.say(busy ? undefined : "Choose a file first.");
    if (!busy) this.choose.focus();
  }
}

/**
 * Return a note on the files that were chosen: those left out, and those with another name.
 *
 * @param {number} count
 * @param {number} hidden
 * @param {number} renamed
 */
function noteOf(count, hidden, renamed) {
  const told = [];
  if (count === 0 && hidden === 0) told.push("There are no files in it.");
  if (hidden > 0) told.push(`Left out: ${counted(hidden, "hidden file or folder", "hidden files and folders")}.`);
  const files = counted(renamed, "file has its folder", "files have their folders");
  if (renamed > 0) told.push(`${files} in front of the name, since other files are called the same.`);
  return told.join(" ");
}

/**
 * @param {HTMLElement} root
 * @param {boolean} over Whether the user drags something over it that can be dropped here.
 */
function markOver(root, over) {
  root.classList.toggle("asimov-storage-over", over);
}
