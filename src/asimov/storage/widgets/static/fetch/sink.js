// The sink keeps the bytes of a download until all have arrived: in the browser's private file storage, or in memory.

const MOST_IN_MEMORY = 128 * 1024 * 1024; // bytes: a browser can keep only few larger Blobs in memory
const PRIVATE_FOLDER = "asimov-storage-downloads";

/**
 * @typedef {object} Sink
 * @property {(bytes: Uint8Array<ArrayBuffer>) => Promise<void>} write
 * @property {() => Promise<Blob>} finish
 * @property {() => Promise<void>} discard
 */

/**
 * @param {number} size
 * @returns {Promise<Sink>}
 */
async function openDownloadSink(size) {
  const sink = await privateSink(size).catch(() => undefined);
  if (sink !== undefined) return sink;
  if (size > MOST_IN_MEMORY) {
    throw new DownloadRefused(
      `This page can take files of at most ${inUnits(MOST_IN_MEMORY)}: it was not opened over https or on localhost, or ` +
        `the browser keeps no files for it. This one has ${inUnits(size)}. Take it from its path on the server, or with ` +
        "the line of code.",
    );
  }
  return memorySink();
}

/** @returns {Sink} */
function memorySink() {
  /** @type {Uint8Array<ArrayBuffer>[]} */
  let parts = [];
  return {
    write: async (bytes) => void parts.push(bytes),
    finish: async () => new Blob(parts),
    discard: async () => {
      parts = [];
    },
  };
}

/**
 * Return a sink in the browser's private file storage. It is on disk, and only pages of this site can read it. Only
 * pages over https or on localhost have it.
 *
 * @param {number} size
 */
async function privateSink(size) {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(PRIVATE_FOLDER, { create: true });
  await sweepPrivate(folder);
  const name = randomId();
  const release = await holdLock(name);
  const remove = async () => {
    await folder.removeEntry(name).catch(() => {});
    release();
  };
  try {
    return await privateFile(folder, name, size, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

/**
 * @param {FileSystemDirectoryHandle} folder
 * @param {string} name
 * @param {number} size
 * @param {() => Promise<void>} remove
 * @returns {Promise<Sink>}
 */
async function privateFile(folder, name, size, remove) {
  const handle = await folder.getFileHandle(name, { create: true });
  const writable = await handle.createWritable();
  /** @param {unknown} error */
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
      await remove();
    },
  };
}

/**
 * Return the error for a full storage. Chromium throws QuotaExceededError, or AbortError in the middle of a slice.
 *
 * @param {number} size
 * @param {number} others
 * @param {unknown} error
 */
function noRoom(size, others, error) {
  const kept = inTime(KEPT_FOR / 1000);
  const beside = ` beside ${inUnits(others)} of other downloads, each of which it keeps for ${kept} while it may be saving it`;
  const advice = others > 0 ? "Try again then, or close their pages once they are saved" : "Make room on this computer";
  return new DownloadRefused(
    `The browser has no room for ${inUnits(size)}${others > 0 ? beside : ""} (${inWords(error)}). ` +
      `${advice}; or take it from its path on the server, or with the line of code.`,
  );
}

/**
 * @param {FileSystemDirectoryHandle} folder
 * @param {string} name
 */
async function sizeOfOthers(folder, name) {
  let bytes = 0;
  for await (const other of folder.keys()) {
    if (other !== name) bytes += await sizeOf(folder, other).catch(() => 0);
  }
  return bytes;
}

/**
 * @param {FileSystemDirectoryHandle} folder
 * @param {string} name
 */
async function sizeOf(folder, name) {
  const handle = await folder.getFileHandle(name);
  return (await handle.getFile()).size;
}

/**
 * Return the name of the lock of a private file. The page that writes or keeps the file holds its lock. The browser
 * releases the lock when the page is closed.
 *
 * @param {string} name
 */
function lockName(name) {
  return `${PRIVATE_FOLDER}/${name}`;
}

/**
 * @param {string} name
 * @returns {Promise<() => void>}
 */
function holdLock(name) {
  return new Promise((resolve, reject) => {
    const hold = () => /** @type {Promise<void>} */ (new Promise((release) => resolve(release)));
    navigator.locks.request(lockName(name), hold).catch(reject);
  });
}

/**
 * Remove the files that closed pages have left behind.
 *
 * @param {FileSystemDirectoryHandle} folder
 */
async function sweepPrivate(folder) {
  for await (const name of folder.keys()) {
    await navigator.locks.request(lockName(name), { ifAvailable: true }, async (lock) => {
      if (lock !== null) await folder.removeEntry(name).catch(() => {});
    });
  }
}
