// States of the page (body[data-state]): idle, connecting, live, ended, error. This module sets what is visible,
// announced and focused in each of them; it decides nothing.
//
// During the conversation, nothing that changes by itself is announced, because the open microphone would pick up a
// screen reader's voice.

import { attempt } from "./optional.js";

const STATUS = {
  idle: "Ready",
  connecting: "Connecting…",
  live: "Listening",
  ended: "Ended",
  error: "Not connected",
};

/** The status while nobody speaks. */
const WAITING = { on: STATUS.live, muted: "Muted", gone: "No microphone" };

/** Candidates for the next focus; the first one that is visible gets it. */
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

  /** Go to a state. `focus`: move the focus, because the focused element is gone or no longer the next step. */
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
    const waiting = thinking ? "Thinking…" : WAITING[microphone];
    const text = assistant ? (user ? "Both" : "Speaking") : user ? "Hearing you" : waiting;
    if (this.#element("status-text").textContent !== text) this.#element("status-text").textContent = text;
  }

  /** The connection is lost for the time being, or there again. */
  reconnecting(lost) {
    if (this.current !== "live") return;
    delete document.body.dataset.turn;
    this.#element("status-text").textContent = lost ? "Reconnecting…" : STATUS.live;
  }

  /** Captions are announced only if they are the whole answer and no microphone can hear the announcement. */
  announceCaptions(wanted) {
    this.#element("captions").setAttribute("aria-live", wanted && this.current === "live" ? "polite" : "off");
  }
}
