// The page's half of a download (the kernel's is _fetching/downloads.py). It asks for several slices at once, and digests
// each and writes it to a sink (sink.js). If the digest is right, the file goes on to the user's downloads.

const SLICES_AT_ONCE = 4;
const KEPT_FOR = 600_000; // ms: the browser may ask the user where to save, so its private copy is kept this long

/** @typedef {(stage: "verifying" | "downloading", done: number, total: number) => void} DownloadTold Called with bytes. */
/** @typedef {{ size: number, hash: string, slice: number }} DownloadBegun */

class DownloadRefused extends Error {}

class DownloadCancelled extends Error {}

class DigestDiffers extends Error {
  /**
   * @param {string} expected
   * @param {string} actual
   */
  constructor(expected, actual) {
    super("What arrived in this page is not what the Store sent, so it was thrown away. Press Download to try again.");
    this.expected = expected;
    this.actual = actual;
  }
}

/**
 * Save a file. Reject with KernelError (which may be a HashError), DownloadRefused, DownloadCancelled or DigestDiffers.
 *
 * @param {Link} link
 * @param {{ event: string, production: string, file: string, size: number, why: string | null }} wanted
 * @param {DownloadTold} told
 * @param {AbortSignal} signal
 */
async function download(link, { event, production, file, size, why }, told, signal) {
  const sink = await openDownloadSink(size);
  const token = randomId();
  const end = () => void link.request("download/end", { download: token }).catch(() => {});
  const ended = aborting(signal, end);
  const unheard = link.on("download/verifying", ({ download: which, done = 0, total = 0 }) => {
    if (which === token) told("verifying", done, total);
  });
  const digest = await digester();
  try {
    const wanted = { event, production, file, retracted: why !== null, download: token };
    /** @type {Promise<Reply<DownloadBegun>>} */
    const beginning = link.request("download/begin", wanted);
    const begun = (await Promise.race([ended, beginning])).result;
    await pullSlices(link, token, begun, ended, async (bytes, done) => {
      await Promise.all([digest.update(wholeBuffer(bytes)), sink.write(bytes)]);
      told("downloading", done, begun.size);
    });
    const found = await digest.hex();
    if (found !== begun.hash) throw new DigestDiffers(begun.hash, found);
    saveAs(await sink.finish(), file, () => sink.discard());
  } catch (error) {
    await sink.discard();
    throw error;
  } finally {
    unheard();
    digest.close();
    if (!signal.aborted) end();
  }
}

/**
 * Return a promise that is rejected when the user cancels, so that nobody waits for a kernel that is gone. The kernel is
 * told at once, since a view that is removed can't tell it later.
 *
 * @param {AbortSignal} signal
 * @param {() => void} end
 * @returns {Promise<never>}
 */
function aborting(signal, end) {
  /** @type {Promise<never>} */
  const ended = new Promise((_, reject) => {
    const cancel = () => {
      end();
      reject(new DownloadCancelled("Cancelled."));
    };
    signal.addEventListener("abort", cancel, { once: true });
  });
  ended.catch(() => {});
  return ended;
}

/**
 * @param {Link} link
 * @param {string} token
 * @param {DownloadBegun} begun
 * @param {Promise<never>} ended
 * @param {(bytes: Uint8Array<ArrayBuffer>, done: number) => Promise<void>} take
 */
async function pullSlices(link, token, { size, slice }, ended, take) {
  const count = Math.ceil(size / slice);
  /** @type {Promise<Reply<unknown>>[]} */
  const asked = [];
  let next = 0;
  let done = 0;
  for (let index = 0; index < count; index++) {
    while (next < count && next - index < SLICES_AT_ONCE) {
      const answer = link.request("download/slice", { download: token, index: next++ });
      answer.catch(() => {}); // it is awaited below, or not needed any more
      asked.push(answer);
    }
    const first = /** @type {Promise<Reply<unknown>>} */ (asked.shift());
    const { buffers } = await Promise.race([ended, first]);
    const bytes = bytesOf(buffers[0]);
    done += bytes.length;
    await take(bytes, done);
  }
}

/**
 * Return the bytes of a buffer. JupyterLab passes DataViews, other front ends ArrayBuffers.
 *
 * @param {Buffer} buffer
 */
function bytesOf(buffer) {
  if (!ArrayBuffer.isView(buffer)) return new Uint8Array(buffer);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function wholeBuffer(bytes) {
  return bytes.length === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
}

/**
 * @param {Blob} content
 * @param {string} name
 * @param {() => void} discard
 */
function saveAs(content, name, discard) {
  const url = URL.createObjectURL(content);
  make("a", { href: url, download: name }).click();
  setTimeout(() => {
    URL.revokeObjectURL(url);
    discard();
  }, KEPT_FOR);
}
