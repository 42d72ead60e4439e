// The columns of the Explorer's table: their names, their cells, and the drawer in which the user chooses them. The keys
// of the records' notes are columns too.

const DAY = 86_400_000; // ms

/** @type {Record<string, string>} */
const COLUMN_NAMES = {
  event: "Event",
  production: "Production",
  file: "File",
  size: "Size",
  added: "Added",
  verified: "Verified",
  hash: "Hash",
  uuid: "UUID",
};

/**
 * Return the cell of any column but that of the file, which is a button.
 *
 * @param {string} column
 * @param {RecordRow} row
 * @param {string[]} words The words to mark in names and digests.
 */
function columnCell(column, row, words) {
  const [event, production, , hash, uuid, size, added, verified] = row;
  switch (column) {
    case "event":
      return textCell(column, event, make("bdi", {}, ...markedName(event, words)));
    case "production":
      return textCell(column, production, make("bdi", {}, ...markedName(production, words)));
    case "size":
      return size === null
        ? make("td", { class: "asimov-storage-of-size asimov-storage-bad" }, "○ missing")
        : make("td", { class: "asimov-storage-of-size", title: `${counted(size)} bytes` }, inUnits(size));
    case "added":
      return textCell(column, "", added === null ? "" : inDate(added));
    case "verified":
      return verifiedCell(verified);
    case "hash":
      return textCell(column, hash, make("code", {}, ...markedDigest(hash, words)));
    case "uuid":
      return textCell(column, uuid, make("code", {}, ...markedDigest(uuid, words)));
    default: {
      const note = row[8]?.notes?.[column] ?? "";
      return textCell("note", note && `${column}: ${note}`, make("bdi", {}, ...markedName(note, words)));
    }
  }
}

/** @param {string} column */
function columnName(column) {
  return Object.hasOwn(COLUMN_NAMES, column) ? COLUMN_NAMES[column] : column;
}

/** @param {string} column The class of its cells. Any text may be the key of a note. */
function columnClass(column) {
  return `asimov-storage-of-${Object.hasOwn(COLUMN_NAMES, column) ? column : "note"}`;
}

/**
 * @param {string} column
 * @param {string} title
 * @param {Child[]} content
 */
function textCell(column, title, ...content) {
  return make("td", { class: `asimov-storage-of-${column}`, title: title || null }, ...content);
}

/** @param {number | null} seconds Since 1970. 0 means never, a negative time that the file failed, null not known yet. */
function verifiedCell(seconds) {
  const attributes = { class: "asimov-storage-of-verified" };
  if (seconds === null) return make("td", attributes);
  if (seconds === 0) return make("td", attributes, "never");
  const when = Math.abs(seconds) * 1000;
  const title = `${seconds < 0 ? "Failed" : "Found to be sound"}: ${inDate(when)}`;
  const words = `${seconds < 0 ? "✗ " : ""}${inAge(Date.now() - when)}`;
  return make(
    "td",
    { ...attributes, title, class: `${attributes.class}${seconds < 0 ? " asimov-storage-bad" : ""}` },
    words,
  );
}

/**
 * inAge(3 * DAY) is "3 d".
 *
 * @param {number} ms
 */
function inAge(ms) {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h`;
  return `${counted(Math.floor(ms / DAY))} d`;
}

/**
 * inDate(ms since 1970) is "2026-11-22 10:09", in the user's time zone.
 *
 * @param {number} ms
 */
function inDate(ms) {
  const date = new Date(ms);
  const [year, month, day] = [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return `${year}-${two(month)}-${two(day)} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

class ColumnChoice {
  /**
   * @param {(columns: string[]) => void} chosen
   * @param {() => Promise<Choice | undefined>} ask Asks the kernel for the keys of the notes.
   */
  constructor(chosen, ask) {
    this.chose = chosen;
    this.ask = ask;
    this.opener = iconButton("columns", "Columns");
    /** @type {Map<string, HTMLInputElement>} */
    this.boxes = new Map();
    const boxes = Object.entries(COLUMN_NAMES).filter(([column]) => column !== "file");
    this.drawer = new Drawer(this.opener, "Columns", ...boxes.map(([column]) => this.box(column)));
    this.drawer.onopen = () => this.offerKeys();
  }

  /** @param {string} column */
  box(column) {
    const name = columnName(column);
    const attributes = { type: "checkbox", name: column, "aria-label": `Column ${name}` };
    const box = make("input", { ...attributes, onchange: () => this.chose(this.chosen()) });
    this.boxes.set(column, box);
    return make("label", {}, box, " ", make("bdi", {}, name));
  }

  async offerKeys() {
    const keys = await this.ask();
    for (const [key] of keys?.most ?? []) this.offer(key);
  }

  /** @param {string} column */
  offer(column) {
    if (column !== "file" && !this.boxes.has(column)) this.drawer.element.append(this.box(column));
  }

  chosen() {
    return ["file", ...this.boxes.keys()].filter((column) => this.boxes.get(column)?.checked ?? true);
  }

  /** @param {string[]} columns */
  paint(columns) {
    for (const column of columns) this.offer(column);
    for (const [column, box] of this.boxes) box.checked = columns.includes(column);
  }
}
