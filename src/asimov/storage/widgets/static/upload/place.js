// The boxes for event and production, and the kernel's check of names.

const CHECK_AFTER = 150; // ms: a pause in typing

/** @typedef {{ input: HTMLInputElement, box: Field }} NameBox */
/** @typedef {{ event: string | null, production: string | null, names: (string | null)[] }} NameProblems null means no problem. */

class Place {
  /**
   * @param {Link} link
   * @param {{ event: string, production: string }} initial
   */
  constructor(link, { event, production }) {
    this.link = link;
    this.event = this.nameBox("event", event);
    this.production = this.nameBox("production", production);
  }

  get value() {
    return { event: this.event.input.value, production: this.production.input.value };
  }

  /**
   * Return a box for a name. It suggests the names in the Store, and shows the problems of a new name while it is typed.
   *
   * @param {"event" | "production"} name
   * @param {string} value
   * @returns {NameBox}
   */
  nameBox(name, value) {
    const input = make("input", { type: "text", name, spellcheck: "false" });
    input.value = value;
    const box = field(name[0].toUpperCase() + name.slice(1), input);
    const hint = hintOf(box, input);
    combobox(input, async (typed) => {
      const event = name === "event" ? "" : this.event.input.value;
      /** @type {Reply<Suggestions>} */
      const { result } = await this.link.request("names/suggest", { field: name, typed, event });
      return result;
    });
    checkSoon(input, box, hint, async () => (await this.problems([]))[name]);
    return { input, box };
  }

  /**
   * Return the problems that the kernel finds with event, production and the names of files.
   *
   * @param {string[]} names
   */
  async problems(names) {
    /** @type {Reply<NameProblems>} */
    const { result } = await this.link.request("upload/check", { ...this.value, names });
    return result;
  }
}

/** @typedef {{ problem: (words?: string | null) => void }} Checked An object that shows a problem, as a Field does. */

/**
 * After a pause in typing, show in the box the problem that check() finds, unless the user has typed more meanwhile. An
 * empty box doesn't count as a mistake yet.
 *
 * @param {HTMLInputElement} input
 * @param {Checked} box
 * @param {(words: string) => void} hint
 * @param {() => Promise<string | null>} check
 */
function checkSoon(input, box, hint, check) {
  /** @type {number | undefined} */
  let timer;
  const look = async () => {
    const typed = input.value;
    if (typed === "") return;
    try {
      const found = await check();
      if (input.value === typed) box.problem(found);
    } catch (error) {
      hint(`Not checked: ${inWords(error)}`);
    }
  };
  const begun = () => {
    clearTimeout(timer);
    timer = setTimeout(look, CHECK_AFTER);
  };
  for (const kind of ["input", "change"]) input.addEventListener(kind, begun);
}

/**
 * Return a function that shows a hint at a box, for problems that are not the user's mistake. The hint disappears when
 * the user types.
 *
 * @param {Field} box
 * @param {HTMLInputElement} input
 */
function hintOf(box, input) {
  const hint = make("span", { class: "asimov-storage-hint", id: freshId() });
  input.setAttribute("aria-describedby", `${input.getAttribute("aria-describedby")} ${hint.id}`);
  box.append(hint);
  input.addEventListener("input", () => setText(hint, ""));
  return (/** @type {string} */ words) => setText(hint, words);
}
