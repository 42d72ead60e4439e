// How many bytes are under way to the kernel at once.

const SLICE = 4 * 2 ** 20; // bytes, at most, a message
const SLICES_UNDER_WAY = 4;
const LEAST = 16 * 1024; // bytes a message on the slowest of lines, and at first
const AHEAD = 2; // seconds' worth of bytes under way, so that other messages don't wait much longer

// How many bytes may be under way, of all the files of a view together: what the line carries in AHEAD seconds. It begins
// with little, as the kernel gives up a page that is not heard for long, and a slow line carries nothing else meanwhile;
// a fast one is at its full size after a few answers.
class Line {
  constructor() {
    this.limit = SLICES_UNDER_WAY * LEAST;
    this.underWay = 0;
    /** @type {(() => void)[]} */
    this.waiting = [];
    this.answered = 0; // ms, when
  }

  // How large the next slice is to be: always a multiple of the 64 bytes of MD5's blocks.
  get slice() {
    const power = Math.floor(Math.log2(this.limit / SLICES_UNDER_WAY));
    return Math.min(SLICE, 2 ** Math.max(Math.log2(LEAST), power));
  }

  /**
   * Wait until there is room.
   *
   * @param {number} bytes
   * @returns {Promise<number>} When there was.
   */
  async enter(bytes) {
    while (this.underWay > 0 && this.underWay + bytes > this.limit) await this.left();
    this.underWay += bytes;
    return performance.now();
  }

  /** @returns {Promise<void>} */
  left() {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** @param {number} bytes */
  leave(bytes) {
    this.underWay -= bytes;
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  // What was under way got lost: it may have been more than the line carries by now.
  lose() {
    this.limit = SLICES_UNDER_WAY * LEAST;
  }

  /**
   * `bytes` that were sent at a time have been answered now.
   *
   * @param {number} bytes
   * @param {number} sent
   * @param {number} [worked] ms for which the kernel had them, before it answered.
   */
  measure(bytes, sent, worked = 0) {
    const now = performance.now();
    const took = Math.max(1, now - Math.max(sent, this.answered) - worked);
    const carries = (bytes / took) * AHEAD * 1000;
    const limit = Math.min(SLICES_UNDER_WAY * SLICE, Math.max(SLICES_UNDER_WAY * LEAST, carries));
    this.answered = now;
    this.limit = (this.limit + 3 * limit) / 4;
  }
}
