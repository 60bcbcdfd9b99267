// Keeps a conversation for the page that follows when this one is reloaded: its place on the server, its settings and
// what was said.

import { Store, attempt } from "./optional.js";

const KEY = "duplex.conversation";
/** How long the server keeps the place of a page that is being reloaded, and a little less. */
const RELOAD_MS = 7000;
const MOST_SAID = 2000;
/** Messages that show what was said. */
const SAID = new Set(["user", "planned", "spoken", "cut", "tool"]);

export class Returning {
  #store = new Store("sessionStorage");
  #said = [];

  /** A conversation begins, after the messages `said` of a former page. */
  begin(said = []) {
    this.#said = [...said];
  }

  /** A message of the server came. */
  note(message) {
    if (SAID.has(message.type)) this.#said.push(message);
  }

  /** The page goes; `place`: what `Session.place` gives. */
  keep(place, options) {
    const kept = { place, options, said: this.#said.slice(-MOST_SAID), left: Date.now() };
    this.#store.write(KEY, JSON.stringify(kept));
  }

  /** The conversation of the page before this one, as `{ place, options, said }`; null if there is none to go on with. */
  take() {
    const text = this.#store.read(KEY);
    if (!text) return null;
    this.#store.write(KEY, "");
    const kept = attempt("kept conversation", () => JSON.parse(text));
    return kept && Date.now() - kept.left < RELOAD_MS ? kept : null;
  }
}
