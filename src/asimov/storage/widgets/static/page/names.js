// Deceptive names: characters that are invisible, or that change the direction of the text after them, are spelled out.
// The kernel's half is printable (_display/text.py), which spells them in the same way.

const INVISIBLE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Co}\u00a0\u115f\u1160\u1680\u2000-\u200a\u202f\u205f\u2800\u3000\u3164\uffa0]|[\ufe00-\ufe0f]|[\u{e0100}-\u{e01ef}]|\u034f/gu;
/** @type {Record<string, string>} */
const SHORT_ESCAPES = { "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/**
 * visible("a\u202eb") is "a\\u202eb". No name in a Store contains a backslash, so different names stay different.
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
 * Return a hint on a name in a text box, or an empty text. A text box doesn't spell out characters, and drops line ends.
 *
 * @param {string} name
 * @param {string} boxed The name as the box has it.
 */
function hintOnName(name, boxed) {
  if (boxed !== name && boxed === name.replace(/[\r\n]/g, ""))
    return `Line ends were dropped: the file is called ${visible(name)}.`;
  return visible(boxed) === boxed ? "" : `Not all of this name can be seen. It is ${visible(boxed)}.`;
}
