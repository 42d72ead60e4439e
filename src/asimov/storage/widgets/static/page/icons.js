// Icons, drawn with lines in the colour of the text around them. The name of each button tells what its icon means.

const SVG = "http://www.w3.org/2000/svg";

/** Paths on a square of 16 by 16. */
const ICONS = {
  refresh: "M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3",
  close: "M4 4l8 8M12 4l-8 8",
  previous: "M10 3 5 8l5 5",
  next: "M6 3l5 5-5 5",
  filter: "M2 3h12L9.5 8.5V13l-3-1.5v-3z",
  columns: "M2 3h12v10H2zM6 3v10M10 3v10",
};

/** @param {keyof typeof ICONS} name */
function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = { viewBox: "0 0 16 16", width: "16", height: "16", "aria-hidden": "true", focusable: "false" };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * Return a button that shows an icon. Its tip and screen readers show the name `label`.
 *
 * @param {keyof typeof ICONS} name
 * @param {string} label
 * @param {() => void} [onclick]
 */
function iconButton(name, label, onclick) {
  const made = button("", onclick, { class: "asimov-storage-icon", title: label, "aria-label": label });
  made.append(icon(name));
  return made;
}
