// Watching the kernel while it works.

/**
 * Send pings while busy() is true, so that a dead kernel is noticed and reported in `place`. Return the interval's number.
 *
 * @param {Link} link
 * @param {() => boolean} busy
 * @param {Element} place
 */
function whileBusy(link, busy, place) {
  let open = false;
  link.watch((silent) => setText(place, silent ? link.gone : ""));
  return setInterval(() => {
    if (open || !busy()) return;
    open = true;
    link
      .request("ping")
      .catch(() => {})
      .finally(() => {
        open = false;
      });
  }, PING_EVERY);
}
