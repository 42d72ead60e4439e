// The previews that _preview/ describes. The content of a file becomes text or the pixels of an image, and never HTML or
// a script.

/**
 * @typedef {object} Description
 * @property {"empty" | "text" | "json" | "table" | "image" | "tree" | "other"} kind
 * @property {string} type The type of the file, in words.
 * @property {number} size The size of the whole file, in bytes.
 * @property {string} note A sentence on what is left out and why.
 * @property {string} text
 * @property {string[]} columns
 * @property {string[][]} rows
 * @property {number} more The offset in the file where the next row begins; 0 if there is none.
 * @property {boolean} whole Whether `text` is the whole text.
 * @property {TreeNode[]} tree
 * @property {Image} image
 */
/** @typedef {{ depth: number, name: string, detail: string }} TreeNode */
/** @typedef {{ media: string, width: number, height: number }} Image */
/** @typedef {HTMLElement & { discard: () => void }} Previewed An element. Call discard() when it is removed. */

/**
 * Ask the kernel for more of the file that is shown.
 *
 * @typedef {<T>(kind: string, fields?: Fields) => Promise<T>} AskForMore
 */

/**
 * @param {string} file
 * @param {Description} description
 * @param {Buffer[]} buffers
 * @param {AskForMore} ask
 * @returns {Previewed}
 */
function previewed(file, description, buffers, ask) {
  const title = `Preview: ${description.type}, ${inUnits(description.size)}`;
  const attributes = { class: "asimov-storage-preview", "aria-label": `Preview of ${file}` };
  const box = make("section", attributes, make("h3", {}, title));
  const { content, discard = () => {} } = previewContent(file, description, buffers);
  if (content !== undefined) box.append(content);
  const problem = make("p", { class: "asimov-storage-problem" });
  /** @param {Promise<void>} done */
  const told = (done) => done.then(() => setText(problem, "")).catch((error) => setText(problem, inWords(error)));
  if (description.more > 0) box.append(moreRows(box, description.more, ask, told), problem);
  if (!description.whole) box.append(otherEnd(box, ask, told), problem);
  if (description.note) box.append(make("p", { class: "asimov-storage-hint" }, description.note));
  return Object.assign(box, { discard });
}

/**
 * Return an element that shows why there is no preview.
 *
 * @param {unknown} error
 * @returns {Previewed}
 */
function noPreview(error) {
  const words = make("p", { class: "asimov-storage-hint" }, `No preview: ${inWords(error)}`);
  return Object.assign(words, { discard: () => {} });
}

/**
 * @param {string} file
 * @param {Description} description
 * @param {Buffer[]} buffers
 * @returns {{ content?: HTMLElement, discard?: () => void }}
 */
function previewContent(file, description, buffers) {
  switch (description.kind) {
    case "json":
      return { content: scrolling(`Text of ${file}`, jsonTree(description.text)) };
    case "text":
      return { content: scrolling(`Text of ${file}`, make("pre", { dir: "auto" }, description.text)) };
    case "table":
      return { content: scrolling(`Table in ${file}`, previewTable(file, description)) };
    case "tree":
      return { content: scrolling(`Groups and datasets in ${file}`, previewTree(description.tree)) };
    case "image":
      return previewImage(file, description.image, buffers[0]);
    default:
      return {};
  }
}

/**
 * Return a button that shows further rows, to the end of the table.
 *
 * @param {HTMLElement} box
 * @param {number} begin
 * @param {AskForMore} ask
 * @param {(done: Promise<void>) => void} told
 */
function moreRows(box, begin, ask, told) {
  let place = begin;
  const more = button("More rows", () => told(show()));
  const show = async () => {
    /** @type {{ rows: string[][], more: number }} */
    const found = await ask("fetch/rows", { place });
    const rows = found.rows.map((row) => make("tr", {}, ...row.map((text) => make("td", {}, text))));
    box.querySelector("tbody")?.append(...rows);
    place = found.more;
    more.hidden = place === 0;
  };
  return more;
}

/**
 * Return a button that shows the end of a text, and its beginning again.
 *
 * @param {HTMLElement} box
 * @param {AskForMore} ask
 * @param {(done: Promise<void>) => void} told
 */
function otherEnd(box, ask, told) {
  const scrolled = /** @type {HTMLElement} */ (box.querySelector(".asimov-storage-scroll"));
  const beginning = /** @type {HTMLElement} */ (scrolled.firstElementChild);
  const other = button("Show the end", () => told(show()));
  const show = async () => {
    const atEnd = other.textContent === "Show the end";
    if (atEnd) {
      /** @type {{ text: string }} */
      const { text } = await ask("fetch/end");
      scrolled.replaceChildren(make("pre", { dir: "auto" }, text));
    } else scrolled.replaceChildren(beginning);
    scrolled.scrollTop = atEnd ? scrolled.scrollHeight : 0;
    setText(other, atEnd ? "Show the beginning" : "Show the end");
  };
  return other;
}

/**
 * @param {string} file
 * @param {Description} description
 */
function previewTable(file, { columns, rows }) {
  const head = make("tr", {}, ...columns.map((text) => make("th", { scope: "col" }, text)));
  const body = rows.map((row) => make("tr", {}, ...row.map((text) => make("td", {}, text))));
  const label = { "aria-label": `The first rows of ${file}` };
  return make("table", label, make("thead", {}, head), make("tbody", {}, ...body));
}

/**
 * Return a tree as nested lists. The nodes are lines, each with its depth. A list goes into the last item of its parent.
 *
 * @param {TreeNode[]} nodes
 */
function previewTree(nodes) {
  const lists = [make("ul")];
  for (const { depth, name, detail } of nodes) {
    lists.length = Math.min(lists.length, depth + 1);
    if (lists.length <= depth) {
      const deeper = make("ul");
      lists.at(-1)?.lastElementChild?.append(deeper);
      lists.push(deeper);
    }
    const node = [make("code", {}, name), make("span", { class: "asimov-storage-detail" }, detail)];
    lists.at(-1)?.append(make("li", {}, ...node));
  }
  return lists[0];
}

/**
 * Return an image. An <img> doesn't run scripts, and _preview/images.py has recognised its type by its bytes.
 *
 * @param {string} file
 * @param {Image} image
 * @param {Buffer} buffer
 */
function previewImage(file, { media, width, height }, buffer) {
  const url = URL.createObjectURL(new Blob([buffer], { type: media }));
  const content = make("img", { src: url, alt: file, width, height });
  return { content, discard: () => URL.revokeObjectURL(url) };
}
