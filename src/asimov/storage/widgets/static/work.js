// What panels share that show work going on in the kernel.

// setOff(button, true) takes a button out of use, but not from under the keyboard: it keeps the focus and stays in the order.
function setOff(element, off) {
  if (off) element.setAttribute("aria-disabled", "true");
  else element.removeAttribute("aria-disabled");
}

// For a form's onkeydown: JupyterLab keeps the browser from doing this by itself.
function submitOnEnter(event) {
  if (event.key !== "Enter" || event.defaultPrevented || !event.target.matches("input:not([type=file])")) return;
  event.preventDefault();
  event.currentTarget.requestSubmit();
}

// While busy() is true, see to it that a dead kernel is noticed, and say so in `place`. Gives an interval's number.
function whileBusy(link, busy, place) {
  let open = false;
  link.watch((silent) => setText(place, silent ? GONE : ""));
  return setInterval(() => {
    if (open || !busy()) return;
    open = true;
    link.request("ping").catch(() => {}).finally(() => (open = false));
  }, PING_EVERY);
}

// A box that the keyboard can scroll.
function scrolling(name, content) {
  const attributes = { class: "asimov-storage-scroll", role: "region", "aria-label": name, tabindex: 0 };
  return make("div", attributes, content);
}

// A verdict is one line: a sign and words, in a colour of its own besides.
function setVerdict(element, words, how = "") {
  element.className = `asimov-storage-verdict${how && ` asimov-storage-${how}`}`;
  setText(element, words);
}

// described("Path", element, ...) is a term and its description, for a <dl>.
function described(term, ...description) {
  return [make("dt", {}, term), make("dd", {}, ...description)];
}
