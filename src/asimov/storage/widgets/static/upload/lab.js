// Drags from JupyterLab's own file browser. They are no drags of the browser: Lumino, which JupyterLab is made of, tells of
// them by events of its own, and the paths are the server's.

const LAB_PATHS = "application/x-jupyter-icontents";

/**
 * What Lumino gives its targets; the action that a target names must be one that the source supports.
 *
 * @typedef {object} LabDrag
 * @property {{ hasData: (kind: string) => boolean, getData: (kind: string) => unknown }} mimeData
 * @property {string} dropAction
 * @property {string} proposedAction
 * @property {string} supportedActions
 */

/**
 * @param {HTMLElement} root
 * @param {(paths: string[]) => void} take
 */
function acceptLabDrops(root, take) {
  /** @param {Event} happened */
  const over = (happened) => {
    const drag = /** @type {Event & LabDrag} */ (happened);
    if (!drag.mimeData?.hasData(LAB_PATHS)) return;
    drag.preventDefault();
    drag.stopPropagation();
    const canCopy = /copy|all/.test(drag.supportedActions);
    drag.dropAction = canCopy ? "copy" : drag.proposedAction; // nothing is moved, whatever it is called
    markOver(root, drag.type === "lm-dragenter" || drag.type === "lm-dragover");
    if (drag.type === "lm-drop") take([.../** @type {string[]} */ (drag.mimeData.getData(LAB_PATHS))].map(String));
  };
  for (const kind of ["lm-dragenter", "lm-dragover", "lm-dragleave", "lm-drop"]) root.addEventListener(kind, over);
}

// The folder that these paths begin at, as JupyterLab's page says.
function rootOfServer() {
  try {
    const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}");
    return String(config.serverRoot ?? "");
  } catch {
    return "";
  }
}
