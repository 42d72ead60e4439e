// A progress bar, and the line beside it: bytes, rate and time left.

/**
 * progress("a.txt") is a bar with a line beside it. Both keep their height, so that nothing below them moves.
 *
 * @param {string} name
 */
function progress(name) {
  const bar = make("progress", { max: 1, value: 0, "aria-label": name });
  const line = make("span", { class: "asimov-storage-line" });
  // It is in a status region, but mustn't be read out five times a second.
  const element = make("div", { class: "asimov-storage-progress", "aria-live": "off" }, bar, line);
  const meter = new Rate();
  /** @param {string} text */
  const say = (text) => {
    setText(line, text);
    bar.setAttribute("aria-valuetext", text);
  };
  /**
   * @param {number} done In bytes.
   * @param {number} total
   */
  const set = (done, total) => {
    const [rate, left] = meter.at(done, total);
    bar.value = total > 0 ? done / total : 1;
    const parts = [`${inUnits(done)} of ${inUnits(total)}`];
    if (rate > 0) parts.push(`${inUnits(rate)}/s`);
    if (left !== undefined && done < total) parts.push(`${inTime(left)} left`);
    say(parts.join(", "));
  };
  /** @param {number} done In bytes, of a number that isn't known. */
  const count = (done) => {
    const [rate] = meter.at(done, 0);
    bar.removeAttribute("value");
    say(`${inUnits(done)} read${rate > 0 ? `, ${inUnits(rate)}/s` : ""}`);
  };
  return Object.assign(element, { say, set, count, restart: () => meter.restart() });
}

/** @typedef {ReturnType<typeof progress>} ProgressBar */

// The rate of the last few seconds, computed from the reported bytes.
class Rate {
  constructor() {
    /** @type {{ now: number, done: number }[]} */
    this.seen = [];
  }

  restart() {
    this.seen = [];
  }

  /**
   * Return the bytes per second, and the number of seconds left, if it is known.
   *
   * @param {number} done
   * @param {number} total
   * @returns {[number, number | undefined]}
   */
  at(done, total) {
    const now = performance.now();
    this.seen.push({ now, done });
    while (this.seen.length > 2 && now - this.seen[0].now > 5000) this.seen.shift();
    const first = this.seen[0];
    if (now - first.now < 500) return [0, undefined];
    const rate = Math.max(0, ((done - first.done) / (now - first.now)) * 1000);
    return [rate, rate > 0 ? (total - done) / rate : undefined];
  }
}
