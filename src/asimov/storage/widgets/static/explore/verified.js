// The part beside the table that verifies the selected records.

class VerifiedSelection {
  /**
   * @param {Link} link
   * @param {Model} model
   * @param {Parts} parts
   */
  constructor(link, model, parts) {
    this.parts = parts;
    this.panel = new VerifyingPanel(link);
    this.part = parts.add("Verification", this.panel.row, this.panel.status, this.panel.found);
    parts.closing.push(() => this.panel.close());
    const show = () => this.panel.show(model.get("_verified") ?? {}, model.get("_rows") ?? []);
    parts.follow(model, "_verified", show);
  }

  start() {
    this.parts.unfold(this.part);
    this.panel.ask("verify/start", !this.panel.busy);
  }
}
