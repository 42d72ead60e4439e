// Buttons that copy a text.

const SAID_FOR = 4000; // ms that "Copied" stands on a button

/**
 * Return a button that puts a text on the clipboard; where the page may not (plain http), it selects `source`.
 * What came of it stands on the button for a while.
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
