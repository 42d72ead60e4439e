// One question at a time; of those that wait, only the newest is sent.

/**
 * Sends one request at a time. Of the questions that are asked meanwhile, only the newest is sent, as soon as there is an
 * answer. Every answer is passed to `take`, with its question and whether no newer one waits. Otherwise a user who types
 * faster than the kernel answers would see nothing.
 *
 * @template Question, Answer
 */
class NewestOnly {
  /**
   * @param {(asked: Question) => Promise<Answer>} send
   * @param {(answer: Answer, asked: Question, newest: boolean) => void} take
   * @param {(error: unknown, asked: Question) => void} fail
   */
  constructor(send, take, fail) {
    this.send = send;
    this.take = take;
    this.fail = fail;
    this.busy = false;
    /** @type {Question | undefined} */
    this.waiting = undefined;
  }

  /** @param {Question} question */
  async ask(question) {
    this.waiting = question;
    if (this.busy) return;
    this.busy = true;
    while (this.waiting !== undefined) {
      const asked = this.waiting;
      this.waiting = undefined;
      await this.answer(asked);
    }
    this.busy = false;
  }

  /** @param {Question} asked */
  async answer(asked) {
    try {
      const answer = await this.send(asked);
      this.take(answer, asked, this.waiting === undefined);
    } catch (error) {
      this.fail(error, asked);
    }
  }
}
