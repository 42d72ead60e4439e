// Shows what _preview.py describes. Whatever a file holds becomes text, or an image's pixels; never HTML, never a script.

/**
 * @typedef {object} Description
 * @property {"empty" | "text" | "json" | "table" | "image" | "tree" | "other"} kind
 * @property {string} type In words.
 * @property {number} size Of the whole file, in bytes.
 * @property {string} note What is left out and why.
 * @property {string} text
 * @property {string[]} columns
 * @property {string[][]} rows
 * @property {TreeNode[]} tree
 * @property {Image} image
 */
/** @typedef {{ depth: number, name: string, detail: string }} TreeNode */
/** @typedef {{ media: string, width: number, height: number }} Image */
/** @typedef {HTMLElement & { discard: () => void }} Previewed An element; discard() when it is taken away. */

/**
 * @param {string} file
 * @param {Description} description
 * @param {Buffer[]} buffers
 * @returns {Previewed}
 */
function previewed(file, description, buffers) {
  const title = `Preview: ${description.type}, ${inUnits(description.size)}`;
  const attributes = { class: "asimov-storage-preview", "aria-label": `Preview of ${file}` };
  const box = make("section", attributes, make("h3", {}, title));
  const { content, discard = () => {} } = previewContent(file, description, buffers);
  if (content !== undefined) box.append(content);
  if (description.note) box.append(make("p", { class: "asimov-storage-hint" }, description.note));
  return Object.assign(box, { discard });
}

/**
 * Return such an element, too, that says why there is nothing to see.
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
    case "text":
    case "json":
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
 * The nodes come as lines, each with its depth; a list goes into the last item of the list above it.
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
 * An <img> runs nothing, and its type is one of four that _preview.py has recognised by their bytes.
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
