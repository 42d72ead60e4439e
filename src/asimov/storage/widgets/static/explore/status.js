// The messages above the Explorer's table: the number of rows, what was done, what is new, and what went wrong.

const NEWS_EVERY = 5000; // ms

/** @typedef {{ changed: boolean, records: number, shown: number }} News */

class ExplorerStatus {
  /** @param {Link} link */
  constructor(link) {
    this.link = link;
    this.summary = make("span", {});
    this.done = make("span", {});
    this.news = make("span", {});
    const line = make("p", {}, this.summary, " ", this.done, " ", this.news);
    const bad = { class: "asimov-storage-bad" };
    this.silence = make("p", bad);
    this.pageProblem = make("p", bad);
    this.problem = make("p", bad);
    this.element = statusRegion(line, this.silence, this.pageProblem, this.problem);
    this.looked = make("span", {});
    const stop = () => link.request("explore/look-cancel").catch(() => {});
    this.stopLooking = button("Cancel", stop, { class: "asimov-storage-link" });
    this.looks = make("p", { "aria-live": "off", hidden: true }, this.looked, " ", this.stopLooking);
    this.element.append(this.looks);
    this.looking = false;
    /** @type {number | undefined} */
    this.timer = undefined;
    link.watch((silent) => setText(this.silence, silent ? link.gone : ""));
  }

  close() {
    clearInterval(this.timer);
  }

  // Show the problem or the result of the last action.
  say(problem = "", done = "") {
    setText(this.problem, problem);
    setText(this.done, done);
  }

  /** @param {string} words */
  sayOfPage(words) {
    setText(this.pageProblem, words);
  }

  /** @param {string} words */
  sayNews(words) {
    setText(this.news, words);
  }

  /**
   * Show the progress of looking at the files, for which the order or a filter waits.
   *
   * @param {number} done
   * @param {number} total 0 if no files are being looked at.
   */
  sayLooking(done, total) {
    setText(this.looked, `Looking at the files: ${counted(done)} of ${counted(total)}.`);
    this.looks.hidden = total === 0;
  }

  /** @param {string} words */
  sum(words) {
    setText(this.summary, words);
  }

  lookForNews() {
    this.timer = setInterval(() => this.look(), NEWS_EVERY);
  }

  // Check whether another process has changed the Store, but not while the page is hidden.
  async look() {
    if (document.hidden || this.looking || this.link.silent) return;
    this.looking = true;
    /** @type {Reply<News> | undefined} */
    const answer = await this.link.request("explore/news").catch(() => undefined);
    this.looking = false;
    if (answer !== undefined) this.sayNews(newsInWords(answer.result));
  }
}

/** @param {News} news */
function newsInWords({ changed, records, shown }) {
  if (!changed) return "";
  const more = records - shown;
  const words = more > 0 ? `${counted(more, "new record")}.` : "The Store has changed.";
  return `${words} Refresh shows ${more === 1 ? "it" : "them"}.`;
}

/**
 * shownOf(page) is "51–100 of 120 records", or "1–5 of 5 that match, of 120 records".
 *
 * @param {Page} page
 */
function shownOf({ rows, page, total, records }) {
  const first = total === 0 ? 0 : page * 50 + 1;
  const last = first === 0 ? 0 : first + rows.length - 1;
  const range = `${counted(first)}–${counted(last)}`;
  const all = counted(records, "record");
  return total === records ? `${range} of ${all}` : `${range} of ${counted(total)} that match, of ${all}`;
}
