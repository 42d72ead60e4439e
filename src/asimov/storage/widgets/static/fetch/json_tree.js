// Indented JSON that folds: a line opens and closes the deeper lines that follow it.

const JSON_OPEN_LEVELS = 2;
const JSON_SHORT = 8; // lines: a part of at most this length is open on every level

/**
 * Return indented JSON as lines that fold. Numbers and strings are not parsed: each line stays as it is.
 *
 * @param {string} text
 */
function jsonTree(text) {
  const lines = text.split("\n");
  const depths = lines.map((line) => line.search(/\S|$/));
  const box = make("div", { class: "asimov-storage-json asimov-storage-mono", dir: "auto" });
  appendJsonLines(box, lines, depths, 0, lines.length, 0);
  return box;
}

/**
 * @param {HTMLElement} box
 * @param {string[]} lines
 * @param {number[]} depths The indentation of each line.
 * @param {number} start
 * @param {number} end
 * @param {number} level
 */
function appendJsonLines(box, lines, depths, start, end, level) {
  for (let at = start; at < end; at += 1) {
    let last = at + 1;
    while (last < end && depths[last] > depths[at]) last += 1;
    if (last === at + 1) {
      box.append(make("div", {}, lines[at]));
      continue;
    }
    const length = last - at - 1;
    const within = make("div");
    appendJsonLines(within, lines, depths, at + 1, last, level + 1);
    const folded = make("span", { class: "asimov-storage-detail" }, ` … ${counted(length, "line")}`);
    const fold = make("details", {}, make("summary", {}, lines[at], folded), within);
    fold.toggleAttribute("open", level < JSON_OPEN_LEVELS || length <= JSON_SHORT);
    box.append(fold);
    at = last - 1;
  }
}
