// Buttons that copy a text.

const SAID_FOR = 4000; // ms for which a button shows "Copied"

/**
 * Return a button that copies a text to the clipboard. If the page may not do that (plain http), it selects `source`.
 * The button shows the result for a while.
 *
 * @param {string} text
 * @param {Element} source
 * @param {string} label
 */
function copying(text, source, label) {
  /** @type {number | undefined} */
  let timer;
  /** @param {string} words */
  const say = (words) => {
    setText(copy, words);
    clearTimeout(timer);
    timer = setTimeout(() => setText(copy, label), SAID_FOR);
  };
  const copy = button(label, async () => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
    } catch {
      getSelection()?.selectAllChildren(source);
      say(`Selected: press ${keysToCopy()}`);
    }
  });
  return copy;
}

function keysToCopy() {
  return /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘C" : "Ctrl+C";
}

/**
 * Return a term and a text that can be copied, for a <dl>.
 *
 * @param {string} term
 * @param {string} text
 */
function copyable(term, text) {
  const source = make("code", { title: text }, text);
  return described(term, source, copying(text, source, `Copy ${term.toLowerCase()}`));
}
