// The messages that all panels share: on the kernel, on errors, verdicts and numbers of things.

const GONE = "The kernel is busy or gone. If it was restarted, run this cell again.";
const SAVED = "This is a saved picture: no kernel has answered yet. Run this cell to use it.";
const LOST = "The connection to the kernel broke, and what was asked is lost. Try again.";

/**
 * Return the thrown value as an Error. JavaScript can throw any value.
 *
 * @param {unknown} thrown
 */
function errorOf(thrown) {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/**
 * Return the message of an error. Those that are not ours get their name in front.
 *
 * @param {unknown} thrown
 */
function inWords(thrown) {
  const { name, message } = errorOf(thrown);
  return thrown instanceof KernelError || thrown instanceof KernelGone ? message : `${name}: ${message}`;
}

/**
 * Show a verdict: one line with a sign and words, and in a colour besides.
 *
 * @param {HTMLElement} element
 * @param {string} words
 * @param {string} how "good", "bad" or "".
 */
function setVerdict(element, words, how = "") {
  element.className = `asimov-storage-verdict${how && ` asimov-storage-${how}`}`;
  setText(element, words);
}

/**
 * counted(1000) is "1,000"; counted(1, "file") is "1 file"; counted(2, "hash", "hashes") is "2 hashes".
 *
 * @param {number} number
 * @param {string} [noun]
 * @param {string} [plural]
 */
function counted(number, noun, plural = `${noun}s`) {
  const digits = number.toLocaleString("en");
  return noun === undefined ? digits : `${digits} ${number === 1 ? noun : plural}`;
}
