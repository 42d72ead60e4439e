// Drags from JupyterLab's own file browser. The browser's own drag events don't report them: JupyterLab is made with
// Lumino, which has drag events of its own. The paths are those on the server.

const LAB_PATHS = "application/x-jupyter-icontents";

/**
 * The drag that Lumino passes to its targets. A target must name an action that the source supports.
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
    drag.dropAction = canCopy ? "copy" : drag.proposedAction; // files are never moved, even if that is the action's name
    markOver(root, drag.type === "lm-dragenter" || drag.type === "lm-dragover");
    if (drag.type === "lm-drop") take([.../** @type {string[]} */ (drag.mimeData.getData(LAB_PATHS))].map(String));
  };
  for (const kind of ["lm-dragenter", "lm-dragover", "lm-dragleave", "lm-drop"]) root.addEventListener(kind, over);
}

// Return the folder that these paths are relative to, as JupyterLab's page has it.
function rootOfServer() {
  try {
    const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}");
    return String(config.serverRoot ?? "");
  } catch {
    return "";
  }
}
