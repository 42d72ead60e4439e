// The page's half of an upload (see _uploading/uploads.py). It sends a file in slices and digests it. It has no elements.

const BUSY_FOR = 6000; // ms to wait while the kernel still has an upload of the same file, from a page that is gone
const TRIES = 5;

/**
 * @typedef {object} Order
 * @property {string} event
 * @property {string} production
 * @property {string} name
 * @property {string} expected The MD5 that the user gave, or an empty text.
 * @property {string} meta The notes, as the kernel has written them; an empty text for none.
 */
/** @typedef {{ hash: string, uuid: string }} Added */
/**
 * The phase of an upload. In "comparing", the file is compared with the bytes of an earlier attempt.
 *
 * @typedef {"waiting" | "comparing" | "sending" | "storing"} UploadPhase
 */
/** @typedef {(phase: UploadPhase, done: number) => void} UploadTold Called with bytes. */
/**
 * The kernel's answer to "upload/begin".
 *
 * @typedef {object} UploadBegun
 * @property {string} upload The number of the upload, for all later requests.
 * @property {number} offset The number of bytes from an earlier attempt.
 * @property {string} md5 The MD5 of those bytes.
 * @property {Added} [stored] The only value if the file is stored already, as the answer to "upload/end" was lost.
 * @property {string} [cancelled] The only value if the request was cancelled.
 */

class Cancelled extends Error {}

class UnreadableFile extends Error {
  /** @param {string} name */
  constructor(name) {
    super(
      `The browser can't read ${name} (any more): it was changed or moved since it was chosen, or is a folder. Choose it again.`,
    );
    this.name = "UnreadableFile";
  }
}

// The upload of one file.
class Upload {
  /**
   * @param {Link} link
   * @param {Line} line
   * @param {Chosen} chosen
   * @param {Order} order
   * @param {UploadTold} tell
   */
  constructor(link, line, chosen, order, tell) {
    this.link = link;
    this.line = line;
    this.chosen = chosen;
    this.size = chosen.size;
    this.order = order;
    this.tell = tell;
    this.stopped = false;
    this.done = 0; // bytes whose slices were answered
    /** @type {string | undefined} The kernel's number of this upload. */
    this.id = undefined;
    /** @type {number | undefined} The number of the "upload/begin" under way. */
    this.job = undefined;
    /** @type {string | undefined} The MD5 of the whole file, once it was computed. */
    this.md5 = undefined;
    this.prepareAbort();
  }

  prepareAbort() {
    /** @type {(error: Error) => void} */
    this.abort = () => {};
    /** @type {Promise<never>} */
    this.aborted = new Promise((_, reject) => {
      this.abort = reject;
    });
    this.aborted.catch(() => {});
  }

  /**
   * Upload the file. Reject with Cancelled, KernelError, KernelGone or UnreadableFile.
   *
   * @returns {Promise<Added>}
   */
  async run() {
    try {
      return await this.tries();
    } catch (error) {
      // The kernel keeps the bytes that have arrived, and any view may resume the upload.
      if (this.id !== undefined && !this.stopped) this.ask("upload/leave").catch(() => {});
      throw error;
    }
  }

  async tries() {
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.once();
      } catch (error) {
        const { name } = errorOf(error);
        const lost = name === "LostUploadError" || name === "LostRequestError";
        if (!lost || tried === TRIES) throw error;
        this.line.lose();
      }
    }
  }

  cancel() {
    this.stopped = true;
    this.abort(new Cancelled());
    if (this.job !== undefined) this.link.request("upload/abandon", { job: this.job }).catch(() => {});
    if (this.id !== undefined) this.ask("upload/cancel").catch(() => {});
  }

  // Stop without a message to the kernel, as the page is closing.
  leave() {
    this.stopped = true;
  }

  async once() {
    this.prepareAbort();
    this.tell("waiting", 0);
    const begun = await this.begin();
    if (begun.cancelled) throw new Cancelled();
    if (begun.stored) return begun.stored;
    this.id = begun.upload;
    const { digest, from } = await this.compared(begun.offset, begun.md5);
    try {
      await this.send(from, digest);
      await requireUnchanged(this.chosen);
      this.tell("storing", this.size);
      this.md5 = await digest.hex();
      const { expected, meta } = this.order;
      const end = this.ask("upload/end", { md5: this.md5, expected, meta });
      return /** @type {Reply<Added>} */ (await end).result;
    } finally {
      digest.close();
    }
  }

  async begin() {
    const until = performance.now() + BUSY_FOR;
    for (;;) {
      if (this.stopped) throw new Cancelled();
      this.job = nextJob();
      const unheard = this.link.on(`upload/progress/${this.job}`, ({ done = 0 }) => this.tell("comparing", done));
      try {
        return await this.unlessAborted(this.asked());
      } catch (error) {
        if (errorOf(error).name !== "BusyUploadError" || performance.now() > until) throw error;
        await this.unlessAborted(new Promise((resolve) => setTimeout(resolve, 500)));
      } finally {
        unheard();
        this.job = undefined;
      }
    }
  }

  // Return the kernel's answer to "upload/begin". If it arrives after a Cancel, cancel the upload that it has begun.
  async asked() {
    const { event, production, name } = this.order;
    const mtime = this.chosen.file?.lastModified ?? 0;
    const asked = { event, production, name, size: this.size, mtime, again: this.id, sent: this.md5, job: this.job };
    /** @type {Reply<UploadBegun>} */
    const { result } = await this.link.request("upload/begin", asked);
    if (this.stopped && result.upload) this.link.request("upload/cancel", { upload: result.upload }).catch(() => {});
    return result;
  }

  /**
   * Return a digest of the kernel's bytes from an earlier attempt, if this file begins with the same bytes. Otherwise make
   * the kernel remove them, and return an empty digest.
   *
   * @param {number} offset
   * @param {string} md5
   */
  async compared(offset, md5) {
    const digest = await this.digester();
    try {
      for (let at = 0; at < offset; at += SLICE) {
        const end = Math.min(at + SLICE, offset);
        await this.unlessAborted(digest.update(await this.read(at, end)));
        this.tell("comparing", end);
      }
      if (offset === 0 || (await digest.hex()) === md5) return { digest, from: offset };
    } catch (error) {
      digest.close();
      throw error;
    }
    digest.close();
    await this.unlessAborted(this.ask("upload/restart"));
    return { digest: await this.digester(), from: 0 };
  }

  // Return a digester. A Worker isn't worth its start for a small file.
  async digester() {
    return this.size > SLICE ? digester() : digesterInPage();
  }

  /**
   * @param {number} from
   * @param {Digester} digest
   */
  async send(from, digest) {
    const underWay = new Set();
    this.done = from;
    this.tell("sending", from);
    for (let at = from; at < this.size; ) {
      const end = Math.min(at + this.line.slice, this.size);
      const slice = await this.sent(at, end, digest);
      slice.answer.catch(this.abort).finally(() => underWay.delete(slice));
      underWay.add(slice);
      at = end;
    }
    await this.unlessAborted(Promise.all([...underWay].map((slice) => slice.answer)));
  }

  /**
   * Send one slice as soon as the line has room, and digest it. The promise of its answer is returned in an object, so that
   * the caller doesn't await it with this one.
   *
   * @param {number} at
   * @param {number} end
   * @param {Digester} digest
   */
  async sent(at, end, digest) {
    const size = end - at;
    const entry = this.line.enter(size);
    const free = () => this.line.leave(size);
    try {
      const when = await this.unlessAborted(entry);
      const buffer = await this.read(at, end);
      const asked = this.ask("upload/slice", { offset: at }, [buffer]).then(() => {
        this.line.measure(size, when);
        this.done += size;
        this.tell("sending", this.done);
      });
      return { answer: Promise.all([asked, digest.update(buffer)]).finally(free) };
    } catch (error) {
      entry.then(free);
      throw error;
    }
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  read(from, to) {
    return contentOf(this.chosen, from, to);
  }

  /**
   * @param {string} kind
   * @param {Fields} fields
   * @param {ArrayBuffer[]} buffers
   */
  ask(kind, fields = {}, buffers = []) {
    return this.link.request(kind, { ...fields, upload: this.id }, buffers);
  }

  /**
   * @template T
   * @param {Promise<T>} promise
   */
  unlessAborted(promise) {
    return Promise.race([promise, this.aborted]);
  }
}

/**
 * Return bytes of a chosen file. Reject if the file has changed since it was chosen.
 *
 * @param {Chosen} chosen
 * @param {number} from
 * @param {number} to
 */
async function contentOf({ file, from: where }, from, to) {
  try {
    const buffer = await file?.slice(from, to).arrayBuffer();
    if (buffer?.byteLength === to - from) return buffer;
  } catch {
    // The error is thrown below.
  }
  throw new UnreadableFile(lastPart(where));
}

/**
 * Reject if a file has changed since it was chosen. Browsers refuse to read such a file, but that isn't enough: an empty
 * file needs no reading, so all of it is asked for here, and some browsers read only as far as the file's old end.
 *
 * @param {Chosen} chosen
 */
async function requireUnchanged({ file, entry, from, size }) {
  if (file === undefined) return;
  try {
    const now = entry === undefined ? file : await fileOf(entry);
    const more = size === 0 ? (await file.arrayBuffer()).byteLength : 0;
    if (now.size === size && now.lastModified === file.lastModified && more === 0) return;
  } catch {
    // The error is thrown below.
  }
  throw new UnreadableFile(lastPart(from));
}

/**
 * Return a chosen file in its present state, if the browser can read that. Otherwise reject if the file has changed.
 *
 * @param {Chosen} chosen
 * @returns {Promise<Chosen>}
 */
async function takenAnew(chosen) {
  const { file, entry, from } = chosen;
  if (file === undefined) return chosen;
  if (entry === undefined) {
    await contentOf(chosen, 0, Math.min(1, file.size));
    await requireUnchanged(chosen);
    return chosen;
  }
  try {
    const now = await fileOf(entry);
    return { ...chosen, file: now, size: now.size };
  } catch {
    throw new UnreadableFile(lastPart(from));
  }
}

let countOfJobs = 0;

// Return a number for a request that can be cancelled.
function nextJob() {
  countOfJobs += 1;
  return countOfJobs;
}
