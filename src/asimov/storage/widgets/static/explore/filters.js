// What the Explorer looks for: words, an event, a production.

const SEARCH_LIMIT = 1000; // characters, as in the kernel

/** @typedef {{ most: [name: string, count: number][], total: number }} Choice The names with most records, of so many. */
/** @typedef {{ of: string, events: Choice, productions: Choice }} Choices */

class Filters {
  /** @param {(changes: Partial<View>) => void} changed Is called as one types or chooses. */
  constructor(changed) {
    this.known = ""; // which choices the boxes offer; the kernel sends others only
    const plain = { spellcheck: "false", autocomplete: "off", maxlength: SEARCH_LIMIT };
    this.search = make("input", {
      type: "search",
      name: "search",
      placeholder: "Search",
      "aria-label": "Search",
      ...plain,
    });
    this.search.addEventListener("input", () => changed({ search: this.search.value }));
    this.event = make("select", { name: "event", "aria-label": "Event" });
    this.event.addEventListener("change", () => {
      this.production.value = "";
      changed({ event: this.event.value, production: "" });
    });
    this.production = make("select", { name: "production", "aria-label": "Production" });
    this.production.addEventListener("change", () => changed({ production: this.production.value }));
    this.element = make("div", { class: "asimov-storage-filters" }, this.search, this.event, this.production);
  }

  /**
   * @param {Choices} choices
   * @param {number} records
   * @param {View} view
   */
  fill({ of, events, productions }, records, view) {
    this.known = of;
    fillSelect(this.event, `All events (${counted(records)})`, events, view.event);
    fillSelect(this.production, "All productions", productions, view.production);
  }
}

/**
 * @param {HTMLSelectElement} select
 * @param {string} all
 * @param {Choice} choice
 * @param {string} chosen
 */
function fillSelect(select, all, { most, total }, chosen) {
  /**
   * @param {string} value
   * @param {string} words
   */
  const option = (value, words) => make("option", { value }, words);
  const options = most.map(([name, count]) => option(name, `${isolated(name)} (${counted(count)})`));
  const isOffered = chosen === "" || most.some(([name]) => name === chosen);
  if (!isOffered) options.push(option(chosen, isolated(chosen)));
  const more = total - most.length;
  if (more > 0) options.push(make("option", { disabled: true }, `… and ${counted(more)} more: use Search`));
  select.replaceChildren(option("", all), ...options);
  select.value = chosen;
}

// What is written from right to left, or turns the direction of what follows.
const TURNS =
  /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/**
 * Such a name would draw what stands beside it into its own run, and an option holds no <bdi>. Others stay as they are: a
 * letter that is pressed looks for an option that begins with it.
 *
 * @param {string} name
 */
function isolated(name) {
  return TURNS.test(name) ? `\u2068${name}\u2069` : name;
}
