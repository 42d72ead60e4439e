// The page's half of uploads of many small files in one message (see _uploading/batches.py). It has no elements.

const SMALL = 256 * 1024; // the largest number of bytes of a file that is sent with others
const BATCH_FILES = 500;

/**
 * @typedef {object} Part
 * @property {Chosen} chosen
 * @property {Order} order
 * @property {UploadTold} tell
 */
/** @typedef {Part & { content: ArrayBuffer, md5: string, place: number }} ReadPart */
/** @typedef {{ added?: Added, error?: unknown }} Verdict */
/** @typedef {{ files: (Added & { error?: ErrorDetails })[], took: number, cancelled?: string }} BatchAnswer */

class Batch {
  /**
   * @param {Link} link
   * @param {Line} line
   * @param {Part[]} parts The files, all for one event and production, with the same notes.
   */
  constructor(link, line, parts) {
    this.link = link;
    this.line = line;
    this.parts = parts;
    this.stopped = false;
    this.job = nextJob();
  }

  /**
   * Send the files, and return the result of each. Reject with Cancelled, KernelError or KernelGone if the whole batch
   * failed.
   *
   * @returns {Promise<Verdict[]>}
   */
  async run() {
    /** @type {Verdict[]} */
    const verdicts = [];
    /** @type {ReadPart[]} */
    const ready = [];
    const read = async (/** @type {Part} */ part, /** @type {number} */ place) => {
      try {
        ready.push(await this.read(part, place));
      } catch (error) {
        verdicts[place] = { error };
      }
    };
    await Promise.all(this.parts.map(read));
    if (this.stopped) throw new Cancelled();
    if (ready.length > 0) await this.send(ready, verdicts);
    return verdicts;
  }

  /**
   * @param {Part} part
   * @param {number} place
   */
  async read(part, place) {
    const content = await contentOf(part.chosen, 0, part.chosen.size);
    await requireUnchanged(part.chosen);
    const md5 = new Md5();
    md5.update(new Uint8Array(content));
    return { ...part, content, md5: md5.hex(), place };
  }

  /**
   * @param {ReadPart[]} ready
   * @param {Verdict[]} verdicts
   */
  async send(ready, verdicts) {
    const bytes = ready.reduce((sum, { content }) => sum + content.byteLength, 0);
    const when = await this.line.enter(bytes);
    try {
      for (const { tell } of ready) tell("sending", 0);
      const { files, took, cancelled } = await this.tries(ready, bytes);
      if (cancelled) throw new Cancelled();
      this.line.measure(bytes, when, took);
      ready.forEach(({ place }, number) => {
        const { error, ...added } = files[number];
        verdicts[place] = error ? { error: new KernelError(error) } : { added };
      });
    } finally {
      this.line.leave(bytes);
    }
  }

  /**
   * @param {ReadPart[]} ready
   * @param {number} bytes
   */
  async tries(ready, bytes) {
    for (let tried = 1; ; tried += 1) {
      if (this.stopped) throw new Cancelled();
      try {
        return await this.ask(ready, bytes, tried > 1);
      } catch (error) {
        if (errorOf(error).name !== "LostRequestError" || tried === TRIES) throw error;
        this.line.lose();
      }
    }
  }

  /**
   * @param {ReadPart[]} ready
   * @param {number} bytes
   * @param {boolean} again
   */
  async ask(ready, bytes, again) {
    const { event, production, meta } = ready[0].order;
    const files = ready.map(({ order, md5, content }) => {
      return { name: order.name, expected: order.expected, size: content.byteLength, md5 };
    });
    const asked = { event, production, meta, files, again, job: this.job };
    /** @type {Reply<BatchAnswer>} */
    const { result } = await this.link.request("upload/batch", asked, bytes > 0 ? [joinedContents(ready, bytes)] : []);
    return result;
  }

  cancel() {
    this.stopped = true;
    this.link.request("upload/batch/cancel", { job: this.job }).catch(() => {});
  }

  leave() {
    this.stopped = true; // files that were sent are stored nevertheless, as the kernel doesn't need the page for it
  }
}

/**
 * @param {ReadPart[]} ready
 * @param {number} bytes
 */
function joinedContents(ready, bytes) {
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const { content } of ready) {
    all.set(new Uint8Array(content), at);
    at += content.byteLength;
  }
  return all.buffer;
}
