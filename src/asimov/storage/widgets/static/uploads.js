// The page's half of an upload (see _uploads.py): slices out, digested here too; no elements.

const SLICE = 4 * 2 ** 20; // bytes, at most, a message
const SLICES_UNDER_WAY = 4;
const LEAST = 16 * 1024; // bytes a message on the slowest of lines, and at first
const AHEAD = 2; // seconds' worth of bytes under way, so that other messages don't wait much longer
const BUSY_FOR = 6000; // ms to wait until the kernel has given up the same file's upload of a page that is gone
const TRIES = 5;

class Cancelled extends Error {}

// How many bytes may be under way, of all the files of a view together: what the line carries in AHEAD seconds. It begins
// with little, as the kernel gives up a page that is not heard for long, and a slow line carries nothing else meanwhile;
// a fast one is at its full size after a few answers.
class Line {
  constructor() {
    this.limit = SLICES_UNDER_WAY * LEAST;
    this.underWay = 0;
    this.waiting = [];
    this.answered = 0; // ms, when
  }

  // How large the next slice is to be: always a multiple of the 64 bytes of MD5's blocks.
  get slice() {
    return Math.min(SLICE, 2 ** Math.max(Math.log2(LEAST), Math.floor(Math.log2(this.limit / SLICES_UNDER_WAY))));
  }

  async enter(bytes) {
    while (this.underWay > 0 && this.underWay + bytes > this.limit) {
      await new Promise((resolve) => this.waiting.push(resolve));
    }
    this.underWay += bytes;
    return performance.now();
  }

  leave(bytes) {
    this.underWay -= bytes;
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  // What was under way got lost: it may have been more than the line carries by now.
  lose() {
    this.limit = SLICES_UNDER_WAY * LEAST;
  }

  // `bytes` that were sent at a time have been answered now.
  measure(bytes, sent) {
    const now = performance.now();
    const carries = (bytes / (now - Math.max(sent, this.answered))) * AHEAD * 1000;
    const limit = Math.min(SLICES_UNDER_WAY * SLICE, Math.max(SLICES_UNDER_WAY * LEAST, carries));
    this.answered = now;
    this.limit = (this.limit + 3 * limit) / 4;
  }
}

// One file on its way. `order` is {event, production, name, expected}; `tell(phase, done)` hears how far it is: the phase is
// "waiting", "comparing" (with what is there of an earlier try), "sending" or "storing".
class Upload {
  constructor(link, line, file, order, tell) {
    Object.assign(this, { link, line, file, order, tell, stopped: false });
  }

  // A promise of {hash, uuid}; rejects with Cancelled, KernelError, KernelGone, UnreadableFile.
  async run() {
    try {
      return await this.tries();
    } catch (error) {
      // The kernel keeps what has arrived, and lets anybody go on with it.
      if (this.id !== undefined && !this.stopped) this.ask("upload/leave").catch(() => {});
      throw error;
    }
  }

  async tries() {
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.once();
      } catch (error) {
        const lost = error.name === "LostUploadError" || error.name === "LostRequestError";
        if (!lost || tried === TRIES) throw error;
        this.line.lose();
      }
    }
  }

  cancel() {
    this.stopped = true;
    this.abort?.(new Cancelled());
    if (this.job !== undefined) this.link.request("upload/abandon", { job: this.job }).catch(() => {});
    if (this.id !== undefined) this.ask("upload/cancel").catch(() => {});
  }

  async once() {
    this.aborted = new Promise((_, reject) => (this.abort = reject));
    this.aborted.catch(() => {});
    this.tell("waiting", 0);
    const begun = await this.begin();
    if (begun.cancelled) throw new Cancelled();
    if (begun.stored) return begun.stored; // the answer to "upload/end" was lost
    this.id = begun.upload;
    const { digest, from } = await this.compared(begun.offset, begun.md5);
    try {
      await this.send(from, digest);
      this.tell("storing", this.file.size);
      this.md5 = await digest.hex();
      return (await this.ask("upload/end", { md5: this.md5, expected: this.order.expected })).result;
    } finally {
      digest.close();
    }
  }

  async begin() {
    const until = performance.now() + BUSY_FOR;
    for (;;) {
      if (this.stopped) throw new Cancelled();
      this.job = ++countOfJobs;
      const progress = this.link.on(`upload/progress/${this.job}`, ({ done }) => this.tell("comparing", done));
      try {
        return await this.unlessAborted(this.asked());
      } catch (error) {
        if (error.name !== "BusyUploadError" || performance.now() > until) throw error;
        await this.unlessAborted(new Promise((resolve) => setTimeout(resolve, 500)));
      } finally {
        progress();
        this.job = undefined;
      }
    }
  }

  // What the kernel answers to a begin. An answer that comes after a Cancel is of an upload that nobody wants.
  async asked() {
    const { event, production, name } = this.order;
    const { size, lastModified } = this.file;
    const asked = { event, production, name, size, mtime: lastModified, again: this.id, sent: this.md5, job: this.job };
    const { result } = await this.link.request("upload/begin", asked);
    if (this.stopped && result.upload) this.link.request("upload/cancel", { upload: result.upload }).catch(() => {});
    return result;
  }

  // A digest of what the kernel has of an earlier try, if the same bytes are here; else of nothing, and the kernel has nothing.
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

  // A Worker isn't worth its while for a small file.
  async digester() {
    return this.file.size > SLICE ? digester() : digesterInPage();
  }

  async send(from, digest) {
    const underWay = new Set();
    this.done = from;
    this.tell("sending", from);
    for (let at = from; at < this.file.size; ) {
      const end = Math.min(at + this.line.slice, this.file.size);
      const slice = await this.sent(at, end, digest);
      slice.answer.catch(this.abort).finally(() => underWay.delete(slice));
      underWay.add(slice);
      at = end;
    }
    await this.unlessAborted(Promise.all([...underWay].map((slice) => slice.answer)));
  }

  // Sends one slice as soon as the line is free, and digests it; gives the promise of its answer, in an object.
  async sent(at, end, digest) {
    const size = end - at;
    const entry = this.line.enter(size);
    const free = () => this.line.leave(size);
    try {
      const when = await this.unlessAborted(entry);
      const buffer = await this.read(at, end);
      const asked = this.ask("upload/slice", { offset: at }, [buffer]).then(() => {
        this.line.measure(size, when);
        this.tell("sending", (this.done += size));
      });
      return { answer: Promise.all([asked, digest.update(buffer)]).finally(free) };
    } catch (error) {
      entry.then(free);
      throw error;
    }
  }

  async read(from, to) {
    try {
      const buffer = await this.file.slice(from, to).arrayBuffer();
      if (buffer.byteLength === to - from) return buffer;
    } catch {
      // said below
    }
    throw new UnreadableFile(this.file.name);
  }

  ask(kind, fields = {}, buffers = []) {
    return this.link.request(kind, { ...fields, upload: this.id }, buffers);
  }

  unlessAborted(promise) {
    return Promise.race([promise, this.aborted]);
  }
}

class UnreadableFile extends Error {
  constructor(name) {
    super(`The browser can't read ${name} (any more): it was changed or moved since it was chosen, or is a folder. Choose it again.`);
    this.name = "UnreadableFile";
  }
}

// A file of the server's own disk, with the same face.
class ServerUpload {
  constructor(link, path, order, tell) {
    Object.assign(this, { link, path, order, tell, job: ++countOfJobs });
  }

  async run() {
    this.tell("waiting", 0);
    const progress = this.link.on(`server/progress/${this.job}`, ({ done, total }) => this.tell(done < total ? "sending" : "storing", done));
    const { event, production, name, expected } = this.order;
    const asked = { event, production, name, expected, path: this.path, job: this.job };
    try {
      const { result } = await this.link.request("server/add", asked);
      if (result.cancelled) throw new Cancelled();
      return result;
    } finally {
      progress();
    }
  }

  cancel() {
    this.link.request("server/cancel", { job: this.job }).catch(() => {});
  }
}

let countOfJobs = 0;
