// The page's only notice: what happened and what the user can do. It shows what it is told and decides nothing.
//
// It is announced at once (role=alert), even while the microphone is open: notices are rare, and users who do not see
// the page must learn that the microphone is gone.

export class Notice {
  #element;
  #action = () => {};

  /** `element`: id -> element. */
  constructor(element) {
    this.#element = element;
    element("notice-action").addEventListener("click", () => this.#action());
  }

  /** `code` for tests and `hide`, `kind`: problem or info, `action`: { label, run } of a button. */
  show({ code = "", kind = "problem", title, text, retry = false, needsToken = false, action = null }) {
    const element = this.#element;
    Object.assign(element("notice").dataset, { kind, code });
    element("notice-title").textContent = title;
    element("notice-text").textContent = text;
    element("retry").hidden = !retry;
    element("token-form").hidden = !needsToken;
    element("notice-action").hidden = !action;
    element("notice-action").textContent = action?.label ?? "";
    this.#action = action?.run ?? (() => {});
    element("notice").hidden = false;
  }

  /** Hide the notice; with a code, only a notice that has it. */
  hide(code = null) {
    const notice = this.#element("notice");
    if (code === null || notice.dataset.code === code) notice.hidden = true;
  }
}
