// The words of a search, marked where they occur.

const DIGEST_BEGINNING = /^[0-9a-f]{6,32}$/;

/** @param {string} search */
function wordsOf(search) {
  return search.toLowerCase().split(/\s+/).filter(Boolean);
}

/**
 * Return the parts of a name, with each part that matches a word in a <mark>.
 *
 * @param {string} name
 * @param {string[]} words
 */
function markedName(name, words) {
  const text = name.toLowerCase();
  if (text.length !== name.length || visible(name) !== name) return [name]; // other lengths: positions differ
  /** @type {[from: number, to: number][]} */
  const found = [];
  for (const word of words) {
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length))
      found.push([at, at + word.length]);
  }
  return inMarks(name, found);
}

/**
 * @param {string} digest
 * @param {string[]} words
 */
function markedDigest(digest, words) {
  const found = words.filter((word) => DIGEST_BEGINNING.test(word) && digest.startsWith(word));
  return inMarks(
    digest,
    found.map((word) => [0, word.length]),
  );
}

/**
 * @param {string} text
 * @param {[from: number, to: number][]} spans They may overlap.
 */
function inMarks(text, spans) {
  const parts = [];
  let done = 0;
  for (const [from, to] of spans.sort((one, other) => one[0] - other[0])) {
    if (to <= done) continue;
    const begin = Math.max(from, done);
    parts.push(text.slice(done, begin), make("mark", {}, text.slice(begin, to)));
    done = to;
  }
  return [...parts, text.slice(done)].filter((part) => part !== "");
}
