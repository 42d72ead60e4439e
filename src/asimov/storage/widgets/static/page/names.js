// Names that deceive: what can't be seen in one, or turns the direction of what follows, is spelled out. The kernel's half
// is printable (_display/text.py), which spells alike.

const INVISIBLE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Co}\u00a0\u115f\u1160\u1680\u2000-\u200a\u202f\u205f\u2800\u3000\u3164\uffa0]|[\ufe00-\ufe0f]|[\u{e0100}-\u{e01ef}]|\u034f/gu;
/** @type {Record<string, string>} */
const SHORT_ESCAPES = { "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/**
 * visible("a\u202eb") is "a\\u202eb". No name in a Store holds a backslash, so different names stay different.
 *
 * @param {string} text
 */
function visible(text) {
  return text.replace(INVISIBLE, (character) => SHORT_ESCAPES[character] ?? escaped(character.codePointAt(0) ?? 0));
}

/** @param {number} code */
function escaped(code) {
  const digits = code.toString(16);
  if (code < 0x100) return `\\x${digits.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
}

/**
 * Return what to know of a name that stands in a text box, which shows it as it is, and drops line ends; or nothing.
 *
 * @param {string} name
 * @param {string} boxed What the box made of it.
 */
function hintOnName(name, boxed) {
  if (boxed !== name && boxed === name.replace(/[\r\n]/g, ""))
    return `Line ends were dropped: the file is called ${visible(name)}.`;
  return visible(boxed) === boxed ? "" : `Not all of this name can be seen. It is ${visible(boxed)}.`;
}
