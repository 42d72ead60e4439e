// One question at a time, and the newest first.

/**
 * One request is under way; of what is asked meanwhile only the newest is sent, as soon as there is an answer. Every
 * answer is taken, with what it answers and whether nothing newer waits: else who types faster than the kernel answers
 * sees nothing.
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
