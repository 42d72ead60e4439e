// A kernel at work.

/**
 * While busy() is true, see to it that a dead kernel is noticed, and say so in `place`. Returns an interval's number.
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
