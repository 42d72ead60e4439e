// The results of a verification: the table of files, failures first, and the files that no record names.

/**
 * @typedef {object} CheckRow
 * @property {string} event
 * @property {string} production
 * @property {string} file
 * @property {Status} status
 * @property {number | null} size
 * @property {string} path
 * @property {string} expected
 * @property {string | null} actual
 * @property {string} reason
 */

/**
 * @param {CheckRow[]} rows
 * @param {number} total
 * @param {number} failed
 */
function checksTable(rows, total, failed) {
  const columns = ["Status", "Event", "Production", "File", "Size", "What was found"];
  const head = make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, name)));
  const order = failed > 0 ? "Failures first" : "Files";
  const words = total > rows.length ? `${order}: ${rows.length} of ${counted(total)}` : order;
  const title = make("h3", { id: freshId() }, words);
  const attributes = { class: "asimov-storage-checks", "aria-labelledby": title.id };
  const table = make("table", attributes, make("thead", {}, head), make("tbody", {}, ...rows.map(checkRow)));
  return [title, scrolling("What was found", table)];
}

/** @param {CheckRow} row */
function checkRow(row) {
  const names = [row.event, row.production, row.file];
  return make(
    "tr",
    {},
    make("td", { class: colourOf(row.status) }, `${STATUS_SIGNS[row.status]} ${row.status}`),
    ...names.map((name) => make("td", { title: name }, make("bdi", {}, name))),
    make("td", { class: "asimov-storage-number" }, row.size === null ? "" : inUnits(row.size)),
    make("td", {}, ...finding(row)),
  );
}

/** @param {CheckRow} row */
function finding({ status, expected, actual, reason, path }) {
  if (status === "ok") return [make("code", {}, expected)];
  const what =
    actual === null || actual === expected
      ? [reason]
      : [make("div", {}, "expected ", make("code", {}, expected)), make("div", {}, "found ", make("code", {}, actual))];
  return [...what, make("div", {}, make("code", {}, path))];
}

/**
 * @param {string[]} paths The first of these paths.
 * @param {number} total
 */
function untrackedList(paths, total) {
  const more = total - paths.length;
  const items = paths.map((path) => make("li", {}, make("code", {}, path)));
  if (more > 0) items.push(make("li", {}, `and ${counted(more)} more`));
  const summary = counted(total, "file that no record names", "files that no record names");
  return make("details", {}, make("summary", {}, summary), make("ul", {}, ...items));
}
