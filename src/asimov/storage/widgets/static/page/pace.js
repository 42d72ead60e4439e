// The pace at which a page is painted while work is under way.

const PROGRESS_EVERY = 200; // ms: at most 5 updates a second

/**
 * Return a function that calls the action at once, and then at most every `ms`. The action always follows the last call.
 *
 * @param {number} ms
 * @param {() => void} action
 */
function atMost(ms, action) {
  let last = -Infinity;
  /** @type {number | undefined} */
  let timer;
  const run = () => {
    timer = undefined;
    last = performance.now();
    action();
  };
  const paced = () => {
    if (timer !== undefined) return;
    const wait = last + ms - performance.now();
    if (wait <= 0) run();
    else timer = setTimeout(run, wait);
  };
  const cancel = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return Object.assign(paced, { cancel });
}

/** @typedef {ReturnType<typeof atMost>} Paced */
