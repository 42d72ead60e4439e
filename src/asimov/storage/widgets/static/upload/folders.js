// The files in folders that are chosen or dropped, and their names in a Store.

/**
 * A file that was chosen or dropped.
 *
 * @typedef {object} FoundFile
 * @property {string} path Its path. In a folder, it begins with the folder's name: "run1/sub/a.txt".
 * @property {File} file
 * @property {FileSystemFileEntry} [entry] Returns the file in its present state, if the file was dropped.
 */

// Collects the files in folders. Hidden files and folders are left out and counted.
class FolderReader {
  /** @param {number} most The number of files after which it stops. */
  constructor(most) {
    this.most = most;
    /** @type {FoundFile[]} */
    this.found = [];
    this.hidden = 0;
  }

  /**
   * Read a file or a folder that was dropped. The browser returns the entries of a folder in parts.
   *
   * @param {FileSystemEntry} entry
   * @param {string} path
   */
  async read(entry, path = entry.name) {
    if (this.found.length > this.most) return;
    if (entry.isFile) {
      const one = /** @type {FileSystemFileEntry} */ (entry);
      this.found.push({ path, entry: one, file: await fileOf(one) });
      return;
    }
    const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
    for (let part = await entriesOf(reader); part.length > 0; part = await entriesOf(reader)) {
      for (const below of part) {
        if (below.name.startsWith(".")) this.hidden += 1;
        else await this.read(below, `${path}/${below.name}`);
      }
    }
  }

  /**
   * Take the files of an input. One for folders returns all files below the folder, including hidden ones.
   *
   * @param {File[]} files
   */
  take(files) {
    const hidden = new Set();
    for (const file of files) {
      const path = file.webkitRelativePath || file.name;
      const parts = path.split("/");
      const first = parts.findIndex((part, place) => place > 0 && part.startsWith("."));
      if (first < 0) this.found.push({ path, file });
      else hidden.add(parts.slice(0, first + 1).join("/"));
    }
    this.hidden += hidden.size;
  }
}

/**
 * @param {FileSystemDirectoryReader} reader
 * @returns {Promise<FileSystemEntry[]>}
 */
function entriesOf(reader) {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

/**
 * @param {FileSystemFileEntry} entry
 * @returns {Promise<File>}
 */
function fileOf(entry) {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/**
 * Return a name for each file. It is the file's own name, unless another file has that too. Then its folders are put in
 * front, with "_" as names can't contain "/": "run1/sub/a.txt" becomes "sub_a.txt", and if that is taken "run1_sub_a.txt".
 *
 * @param {string[]} paths
 * @param {Iterable<string>} taken
 */
function namesOf(paths, taken) {
  const names = paths.map(() => "");
  const others = new Set(taken);
  for (const short of [lastPart, belowFolder, String]) {
    const wanted = paths.map((path, place) => names[place] || short(path).replaceAll("/", "_"));
    const counts = new Map();
    for (const name of wanted) counts.set(name, (counts.get(name) ?? 0) + 1);
    wanted.forEach((name, place) => {
      if (short === String || (counts.get(name) === 1 && !others.has(name))) names[place] = name;
    });
  }
  return names;
}

/** @param {string} path */
function lastPart(path) {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** @param {string} path */
function belowFolder(path) {
  return path.slice(path.indexOf("/") + 1);
}
