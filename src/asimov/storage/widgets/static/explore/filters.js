// The filters of the Explorer: words, an event, a production, and in a drawer those that are needed less often.

const SEARCH_LIMIT = 1000; // characters, as in the kernel
const MIB = 1 << 20;

/** @typedef {{ most: [name: string, count: number][], total: number }} Choice Some names, and the number of all names. */
/** @typedef {{ of: string, events: Choice, productions: Choice, suffixes: Choice }} Choices */

class Filters {
  /** @param {(changes: Partial<ExplorerState>) => void} changed Called while the user types or chooses. */
  constructor(changed) {
    this.known = ""; // the choices that the boxes offer; the kernel sends choices only if they are different
    this.changed = changed;
    const plain = { spellcheck: "false", autocomplete: "off", maxlength: SEARCH_LIMIT };
    const named = { name: "search", placeholder: "Search", "aria-label": "Search" };
    this.search = make("input", { type: "search", ...named, ...plain });
    this.search.addEventListener("input", () => changed({ search: this.search.value }));
    this.event = make("select", { name: "event", "aria-label": "Event" });
    this.event.addEventListener("change", () => changed({ event: this.event.value, production: "" }));
    this.production = make("select", { name: "production", "aria-label": "Production" });
    this.production.addEventListener("change", () => changed({ production: this.production.value }));
    this.element = make("div", { class: "asimov-storage-filters" }, this.search, this.event, this.production);
    this.more = new MoreFilters(changed);
  }

  /**
   * @param {Choices} choices
   * @param {ExplorerState} state
   */
  fill({ of, events, productions, suffixes }, state) {
    this.known = of;
    fillSelect(this.event, events, ["event", "events"], state.event);
    fillSelect(this.production, productions, ["production", "productions"], state.production);
    this.more.fill(suffixes, state.suffix);
  }

  /** @param {ExplorerState} state */
  paint(state) {
    if (this.search.value !== state.search) this.search.value = state.search;
    choose(this.event, state.event);
    choose(this.production, state.production);
    this.more.paint(state);
  }
}

class MoreFilters {
  /** @param {(changes: Partial<ExplorerState>) => void} changed */
  constructor(changed) {
    this.opener = iconButton("filter", "Filters");
    this.count = make("span", { class: "asimov-storage-count" });
    this.opener.append(this.count);
    this.suffix = make("select", { name: "suffix" });
    this.suffix.addEventListener("change", () => changed({ suffix: suffixOf(this.suffix.value) }));
    this.from = dateBox("added-from", (added_from) => changed({ added_from }));
    this.to = dateBox("added-to", (added_to) => changed({ added_to }));
    this.larger = make("select", { name: "larger-than" });
    const sizes = [1, 10, 100, 1024, 10 * 1024].map((size) => size * MIB);
    this.larger.append(option("", "any size"), ...sizes.map((size) => option(String(size), inUnits(size))));
    this.larger.addEventListener("change", () => changed({ larger_than: numberOf(this.larger.value) }));
    this.verified = make("select", { name: "not-verified" });
    const ages = [7, 30, 90].map((days) => option(String(days), `for ${days} days`));
    this.verified.append(option("", "whenever"), ...ages, option("never", "ever"));
    this.verified.addEventListener("change", () => changed({ not_verified_since: limitOf(this.verified.value) }));
    this.failed = make("input", { type: "checkbox", name: "failed" });
    this.failed.addEventListener("change", () => changed({ failed: this.failed.checked }));
    this.retracted = make("input", { type: "checkbox", name: "retracted" });
    this.retracted.addEventListener("change", () => changed({ retracted: this.retracted.checked }));
    this.clear = button("Clear all", () => changed(unfiltered()));
    this.drawer = new Drawer(
      this.opener,
      "Filters",
      field("Kind of file", this.suffix),
      field("Added from", this.from),
      field("Added before", this.to),
      field("Larger than", this.larger),
      field("Not verified", this.verified),
      make("label", {}, this.failed, " Failed last time"),
      make("label", {}, this.retracted, " Retracted"),
      this.clear,
    );
  }

  /**
   * @param {Choice} suffixes
   * @param {string | null} suffix
   */
  fill({ most }, suffix) {
    const options = most.map(([name, count]) =>
      option(`=${name}`, `${isolated(name) || "no suffix"} · ${counted(count, "file")}`),
    );
    this.suffix.replaceChildren(option("", "any kind"), ...options);
    choose(this.suffix, suffix === null ? "" : `=${suffix}`);
  }

  /** @param {ExplorerState} state */
  paint(state) {
    choose(this.suffix, state.suffix === null ? "" : `=${state.suffix}`);
    setDate(this.from, state.added_from);
    setDate(this.to, state.added_to);
    choose(this.larger, state.larger_than === null ? "" : String(state.larger_than), inUnits(state.larger_than ?? 0));
    this.paintVerified(state.not_verified_since);
    this.failed.checked = state.failed;
    this.retracted.checked = state.retracted;
    const plain = unfiltered();
    const names = /** @type {(keyof typeof plain)[]} */ (Object.keys(plain));
    const active = names.filter((name) => state[name] !== plain[name]).length;
    setText(this.count, active === 0 ? "" : String(active));
    this.opener.setAttribute("aria-label", active === 0 ? "Filters" : `Filters: ${active}`);
    setShown(this.clear, active > 0, this.failed);
  }

  /** @param {number | null} since "for 30 days" stays chosen for a day, although the time it stands for moves on. */
  paintVerified(since) {
    if (since === null) choose(this.verified, "");
    else if (since === 0) choose(this.verified, "never");
    else {
      const days = [7, 30, 90].find((age) => Math.abs(Date.now() - age * DAY - since) < DAY);
      if (days === undefined) choose(this.verified, `since ${since}`, `since ${inDate(since)}`);
      else choose(this.verified, String(days));
    }
  }
}

// Return the further filters with none of them set.
function unfiltered() {
  const { suffix, added_from, added_to, larger_than, not_verified_since, failed, retracted } = PLAIN_STATE;
  return { suffix, added_from, added_to, larger_than, not_verified_since, failed, retracted };
}

/** @param {string} value The value of the select: "" for any suffix, "=" for none, "=.h5" for that suffix. */
function suffixOf(value) {
  return value === "" ? null : value.slice(1);
}

/** @param {string} text */
function numberOf(text) {
  return text === "" ? null : Number(text);
}

/** @param {string} value A number of days, "never", "since " with ms since 1970, or "". */
function limitOf(value) {
  if (value === "") return null;
  if (value === "never") return 0;
  return value.startsWith("since ") ? Number(value.slice(6)) : Math.floor(Date.now() - Number(value) * DAY);
}

/**
 * Return a box for a day, in the user's time zone.
 *
 * @param {string} name
 * @param {(ms: number | null) => void} changed
 */
function dateBox(name, changed) {
  const box = make("input", { type: "date", name, min: "1970-01-02", max: "9999-12-31" });
  box.addEventListener("change", () => {
    const ms = box.value === "" ? Number.NaN : new Date(`${box.value}T00:00`).getTime();
    changed(Number.isNaN(ms) ? null : ms);
  });
  return box;
}

/**
 * @param {HTMLInputElement} box
 * @param {number | null} ms
 */
function setDate(box, ms) {
  box.value = ms === null ? "" : inDate(ms).slice(0, 10);
}

/**
 * @param {string} value
 * @param {string} words
 */
function option(value, words) {
  const made = make("option", { value });
  made.textContent = words; // not by `make`, which would spell out the marks of `isolated`
  return made;
}

/**
 * Choose a value. If the select doesn't offer it yet, add it.
 *
 * @param {HTMLSelectElement} select
 * @param {string} value
 * @param {string} [words]
 */
function choose(select, value, words = isolated(value)) {
  if (![...select.options].some((one) => one.value === value)) select.append(option(value, words));
  select.value = value;
}

/**
 * @param {HTMLSelectElement} select
 * @param {Choice} choice
 * @param {[one: string, many: string]} nouns
 * @param {string} chosen
 */
function fillSelect(select, { most, total }, [one, many], chosen) {
  const options = most.map(([name, count]) => option(name, `${isolated(name)} · ${counted(count, "file")}`));
  const more = total - most.length;
  if (more > 0) options.push(make("option", { disabled: true }, `… and ${counted(more)} more: use Search`));
  const all = total === 1 ? `All: 1 ${one}` : `All ${counted(total)} ${many}`;
  select.replaceChildren(option("", all), ...options);
  choose(select, chosen);
}

// Characters that are written from right to left.
const TURNS = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/**
 * Return a name with marks around it if it is written from right to left. Without them, the text after it would be drawn
 * in that direction too, and an option can't hold a <bdi>. Other names get no marks: a letter that is pressed finds the
 * option that begins with it.
 *
 * @param {string} name
 */
function isolated(name) {
  return TURNS.test(name) ? `\u2068${visible(name)}\u2069` : visible(name);
}
