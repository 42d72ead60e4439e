// What all panels say in words: of the kernel, of errors, verdicts and numbers of things.

const GONE = "The kernel is busy or gone. If it was restarted, run this cell again.";
const SAVED = "This is a saved picture: no kernel has answered yet. Run this cell to use it.";
const LOST = "The connection to the kernel broke, and what was asked is lost. Try again.";

/**
 * Return what was thrown, as an Error: JavaScript may throw anything.
 *
 * @param {unknown} thrown
 */
function errorOf(thrown) {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/**
 * Return what went wrong, as a text that stays readable where a cause came with it.
 *
 * @param {unknown} thrown
 */
function inWords(thrown) {
  const { name, message } = errorOf(thrown);
  return thrown instanceof KernelError || thrown instanceof KernelGone ? message : `${name}: ${message}`;
}

/**
 * A verdict is one line: a sign and words, in a colour of its own besides.
 *
 * @param {HTMLElement} element
 * @param {string} words
 * @param {string} how "good", "bad", or nothing.
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
