// Shows what _preview.py describes. Whatever a file holds becomes text, or an image's pixels; never HTML, never a script.

// previewed(file, description, buffers) is an element, with .discard() for when it is taken away.
function previewed(file, description, buffers) {
  const title = `Preview: ${description.type}, ${inUnits(description.size)}`;
  const box = make("section", { class: "asimov-storage-preview", "aria-label": `Preview of ${file}` }, make("h3", {}, title));
  const [content, discard] = previewContent(file, description, buffers);
  if (content !== undefined) box.append(content);
  if (description.note) box.append(make("p", { class: "asimov-storage-hint" }, description.note));
  box.discard = discard ?? (() => {});
  return box;
}

// noPreview(error) is such an element, too, that says why there is nothing to see.
function noPreview(error) {
  const words = make("p", { class: "asimov-storage-hint" }, `No preview: ${inWords(error)}`);
  return Object.assign(words, { discard: () => {} });
}

function previewContent(file, description, buffers) {
  switch (description.kind) {
    case "text":
    case "json":
      return [scrolling(`Text of ${file}`, make("pre", { dir: "auto" }, description.text))];
    case "table":
      return [scrolling(`Table in ${file}`, previewTable(file, description))];
    case "tree":
      return [scrolling(`Groups and datasets in ${file}`, previewTree(description.tree))];
    case "image":
      return previewImage(file, description.image, buffers[0]);
    default:
      return [undefined];
  }
}

function previewTable(file, { columns, rows }) {
  const head = make("tr", {}, ...columns.map((text) => make("th", { scope: "col" }, text)));
  const body = rows.map((row) => make("tr", {}, ...row.map((text) => make("td", {}, text))));
  return make("table", { "aria-label": `The first rows of ${file}` }, make("thead", {}, head), make("tbody", {}, ...body));
}

// The nodes come as lines, each with its depth; a list goes into the last item of the list above it.
function previewTree(nodes) {
  const lists = [make("ul")];
  for (const { depth, name, detail } of nodes) {
    lists.length = Math.min(lists.length, depth + 1);
    if (lists.length <= depth) {
      const deeper = make("ul");
      lists.at(-1).lastElementChild.append(deeper);
      lists.push(deeper);
    }
    lists.at(-1).append(make("li", {}, make("code", {}, name), make("span", { class: "asimov-storage-detail" }, detail)));
  }
  return lists[0];
}

// An <img> runs nothing, and its type is one of four that _preview.py has recognised by their bytes.
function previewImage(file, { media, width, height }, buffer) {
  const url = URL.createObjectURL(new Blob([buffer], { type: media }));
  const image = make("img", { src: url, alt: file, width, height });
  return [image, () => URL.revokeObjectURL(url)];
}
