// A limit on the bytes that are under way to the kernel at once.

const SLICE = 4 * 2 ** 20; // the largest number of bytes in a message
const SLICES_UNDER_WAY = 4;
const LEAST = 16 * 1024; // bytes per message at first, and on the slowest connection
const AHEAD = 2; // seconds that the bytes under way take, so that other messages don't wait much longer

// The limit holds for all files of a view together. It is the number of bytes that the connection carries in AHEAD seconds.
// It is small at first: a slow connection carries no other messages meanwhile, and the kernel gives up a page that sends
// nothing for too long. On a fast connection it reaches its full size after a few answers.
class Line {
  constructor() {
    this.limit = SLICES_UNDER_WAY * LEAST;
    this.underWay = 0;
    /** @type {(() => void)[]} */
    this.waiting = [];
    this.answered = 0; // the time of the last answer, in ms
  }

  // Return the size of the next slice. It is always a multiple of 64 bytes, the size of MD5's blocks.
  get slice() {
    const power = Math.floor(Math.log2(this.limit / SLICES_UNDER_WAY));
    return Math.min(SLICE, 2 ** Math.max(Math.log2(LEAST), power));
  }

  /**
   * Wait until there is room.
   *
   * @param {number} bytes
   * @returns {Promise<number>} The time when there was room.
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

  // Reset the limit after bytes under way were lost: they may have been more than the connection carries by now.
  lose() {
    this.limit = SLICES_UNDER_WAY * LEAST;
  }

  /**
   * Adapt the limit when bytes have been answered.
   *
   * @param {number} bytes
   * @param {number} sent The time when they were sent.
   * @param {number} [worked] The time that the kernel worked on them before it answered, in ms.
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
