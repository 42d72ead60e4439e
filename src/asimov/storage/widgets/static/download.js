// The page's half of a download (the kernel's is _download.py): slice after slice, several at once, digested as they
// come, into the browser's private file storage, and from there to the user's downloads once the digest is right.

const SLICES_AT_ONCE = 4;
const MOST_IN_MEMORY = 128 * 1024 * 1024; // bytes: a browser keeps few Blobs of more in its memory
const KEPT_FOR = 600_000; // ms: so long the browser may ask where to save, then its private copy goes
const PRIVATE_FOLDER = "asimov-storage-downloads";

class DownloadRefused extends Error {}

class DownloadCancelled extends Error {}

// download(link, {event, production, file, size}, told, signal) saves a file; told(stage, done, total) hears of "verifying"
// and "downloading" in bytes. Rejects with KernelError (also a HashError), DownloadRefused, DownloadCancelled, DigestDiffers.
async function download(link, wanted, told, signal) {
  const sink = await openDownloadSink(wanted.size);
  const token = randomId();
  const end = () => void link.request("download/end", { download: token }).catch(() => {});
  const ended = aborting(signal, end);
  const verifying = ({ download: which, done, total }) => which === token && told("verifying", done, total);
  const unheard = link.on("download/verifying", verifying);
  const digest = await digester();
  try {
    const { event, production, file } = wanted;
    const begun = await Promise.race([ended, link.request("download/begin", { event, production, file, download: token })]);
    await pullSlices(link, token, begun.result, ended, async (bytes, done) => {
      await Promise.all([digest.update(wholeBuffer(bytes)), sink.write(bytes)]);
      told("downloading", done, begun.result.size);
    });
    const found = await digest.hex();
    if (found !== begun.result.hash) throw new DigestDiffers(begun.result.hash, found);
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

class DigestDiffers extends Error {
  constructor(expected, actual) {
    super("What arrived in this page is not what the Store sent, so it was thrown away. Press Download to try again.");
    this.details = { type: "HashError", message: this.message, expected, actual };
  }
}

// A promise that is rejected when somebody cancels: a kernel that is gone answers nothing, and isn't waited for. It is told
// at once, since a view that is taken away can't tell it anything afterwards.
function aborting(signal, end) {
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

async function pullSlices(link, token, { size, slice }, ended, take) {
  const count = Math.ceil(size / slice);
  const asked = [];
  let next = 0;
  let done = 0;
  for (let index = 0; index < count; index++) {
    while (next < count && next - index < SLICES_AT_ONCE) {
      const answer = link.request("download/slice", { download: token, index: next++ });
      answer.catch(() => {}); // it is awaited below, or no longer of interest
      asked.push(answer);
    }
    const { buffers } = await Promise.race([ended, asked.shift()]);
    const bytes = bytesOf(buffers[0]);
    done += bytes.length;
    await take(bytes, done);
  }
}

// JupyterLab hands on DataViews, others ArrayBuffers.
function bytesOf(buffer) {
  return ArrayBuffer.isView(buffer) ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength) : new Uint8Array(buffer);
}

function wholeBuffer(bytes) {
  return bytes.length === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
}

// --- Where the bytes go until they are all there ------------------------------------------------------------------------

async function openDownloadSink(size) {
  const sink = await privateSink(size).catch(() => undefined);
  if (sink !== undefined) return sink;
  if (size > MOST_IN_MEMORY) {
    throw new DownloadRefused(
      `This page can take files of at most ${inUnits(MOST_IN_MEMORY)}: it was not opened over https or on localhost, or the browser ` +
        `keeps no files for it. This one has ${inUnits(size)}. Take it from its path on the server, or with the line of code.`,
    );
  }
  return memorySink();
}

function memorySink() {
  let parts = [];
  return {
    write: async (bytes) => void parts.push(bytes),
    finish: async () => new Blob(parts),
    discard: async () => void (parts = []),
  };
}

// The browser's private file storage (https or localhost only): on disk, seen by this site's pages only.
async function privateSink(size) {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(PRIVATE_FOLDER, { create: true });
  await sweepPrivate(folder);
  const name = randomId();
  const release = await holdLock(name);
  try {
    const handle = await folder.getFileHandle(name, { create: true });
    const writable = await handle.createWritable();
    const refuse = async (error) => {
      throw noRoom(size, await sizeOfOthers(folder, name), error);
    };
    return {
      write: (bytes) => writable.write(bytes).catch(refuse),
      finish: async () => {
        await writable.close().catch(refuse);
        return handle.getFile();
      },
      discard: async () => {
        await writable.abort().catch(() => {});
        await folder.removeEntry(name).catch(() => {});
        release();
      },
    };
  } catch (error) {
    await folder.removeEntry(name).catch(() => {});
    release();
    throw error;
  }
}

// Chromium calls a full storage QuotaExceededError or, in the middle of a slice, AbortError.
function noRoom(size, others, error) {
  const beside = ` beside ${inUnits(others)} of other downloads, each of which it keeps for ${inTime(KEPT_FOR / 1000)} while it may be saving it`;
  return new DownloadRefused(
    `The browser has no room for ${inUnits(size)}${others > 0 ? beside : ""} (${inWords(error)}). ` +
      `${others > 0 ? "Try again then, or close their pages once they are saved" : "Make room on this computer"}; ` +
      "or take it from its path on the server, or with the line of code.",
  );
}

async function sizeOfOthers(folder, name) {
  let bytes = 0;
  for await (const [other, handle] of folder.entries()) {
    if (other !== name) bytes += await handle.getFile().then(({ size }) => size, () => 0);
  }
  return bytes;
}

// Who writes or keeps a private file holds the lock of its name; the browser gives it back when the page has gone.
function lockName(name) {
  return `${PRIVATE_FOLDER}/${name}`;
}

function holdLock(name) {
  return new Promise((resolve, reject) => {
    navigator.locks.request(lockName(name), () => new Promise((release) => resolve(release))).catch(reject);
  });
}

// Remove what pages that are gone have left behind.
async function sweepPrivate(folder) {
  for await (const name of folder.keys()) {
    await navigator.locks.request(lockName(name), { ifAvailable: true }, async (lock) => {
      if (lock !== null) await folder.removeEntry(name).catch(() => {});
    });
  }
}

function saveAs(content, name, discard) {
  const url = URL.createObjectURL(content);
  make("a", { href: url, download: name }).click();
  setTimeout(() => {
    URL.revokeObjectURL(url);
    discard();
  }, KEPT_FOR);
}
