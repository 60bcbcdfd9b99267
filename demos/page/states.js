// States of the page (body[data-state]): idle, connecting, live, ended, error. What is seen, announced and focused in
// each of them. Knows elements; decides nothing.
//
// While the conversation is live nothing that changes by itself is announced: a screen reader's voice would go into the
// open microphone.

import { attempt } from "./optional.js";

const STATUS = {
  idle: "Ready",
  connecting: "Connecting…",
  live: "Listening",
  ended: "Ended",
  error: "Not connected",
};

/** What the page says while nobody speaks. */
const WAITING = { on: STATUS.live, muted: "Muted", gone: "No microphone" };

/** What has the focus next; the first one that is there. */
const FOCUS = {
  connecting: ["connect"],
  live: ["end"],
  ended: ["again"],
  error: ["token", "retry", "notice-action", "connect"],
};

export class States {
  #element;

  /** `element`: id -> element. */
  constructor(element) {
    this.#element = element;
  }

  get current() {
    return document.body.dataset.state;
  }

  /** Go to a state. `focus`: what was focused before is gone or no longer what comes next. */
  enter(state, { focus = true } = {}) {
    const element = this.#element;
    element("status").setAttribute("aria-live", state === "live" ? "off" : "polite");
    document.body.dataset.state = state;
    delete document.body.dataset.turn;
    element("status-text").textContent = STATUS[state];
    const seen = state === "live" || state === "ended";
    element("live").hidden = !seen;
    element("start").hidden = seen;
    element("end").hidden = state !== "live";
    element("again").hidden = state !== "ended";
    // Not `disabled`: a disabled button loses the focus.
    element("connect").setAttribute("aria-disabled", String(state === "connecting"));
    element("connect-text").textContent = state === "connecting" ? "Connecting…" : "Start talking";
    if (focus) this.focus();
  }

  /** Focus what comes next in this state. */
  focus() {
    const there = (id) => this.#element(id).getClientRects().length > 0;
    const next = FOCUS[this.current]?.find(there);
    if (next) attempt("focus", () => this.#element(next).focus());
  }

  /** Whose turn it is; `microphone`: on, muted or gone; `thinking`: the assistant has no words yet. */
  turn(assistant, user, microphone, thinking) {
    if (this.current !== "live") return;
    document.body.dataset.turn = assistant ? "assistant" : user ? "user" : "";
    const waiting = thinking && microphone === "on" ? "Thinking…" : WAITING[microphone];
    const text = assistant ? (user ? "Both" : "Speaking") : user ? "Hearing you" : waiting;
    if (this.#element("status-text").textContent !== text) this.#element("status-text").textContent = text;
  }

  /** Captions are announced only where they are the whole answer and nothing can hear the announcement. */
  announceCaptions(wanted) {
    this.#element("captions").setAttribute("aria-live", wanted && this.current === "live" ? "polite" : "off");
  }
}
