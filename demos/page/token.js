// The page's right to use the server: the server's token is exchanged once for one of the page's own, which holds for a
// limited time, is renewed while it is used, and is the only one that is kept. It does not depend on conversations.

import { serverProblem } from "./problems.js";

const KEY = "duplex.token";
const PATIENCE_MS = 5000;
/** Shortest time between two exchanges. */
const LEAST_MS = 30000;

export class Token {
  #store;
  #renewAt = 0;
  #asked = null;

  /** `store`: a `Store`, for as long as the page's tab lives. */
  constructor(store) {
    this.#store = store;
    this.value = store.read(KEY) ?? "";
  }

  /** Use the server's token, which the user has given; it is not kept. */
  take(given) {
    this.#forget();
    this.value = given;
  }

  /**
   * Exchange the token if it is time to. Without an answer of the server the one at hand remains. Rejects with a Problem
   * if the server refuses it.
   */
  async refresh() {
    if (!this.value || Date.now() < this.#renewAt) return;
    this.#asked ??= this.#exchange().finally(() => (this.#asked = null));
    await this.#asked;
  }

  /** Headers of a request. */
  get headers() {
    return this.value ? { Authorization: `Bearer ${this.value}` } : {};
  }

  async #exchange() {
    const given = this.value;
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
    const request = { method: "POST", headers: this.headers, signal: stop.signal };
    const response = await fetch("api/page-token", request).catch(() => null);
    const answer = await response?.json().catch(() => null);
    clearTimeout(timer);
    if (!answer || given !== this.value) return;
    if (response.status === 401) this.#forget();
    if (!response.ok) throw serverProblem(response.status, answer.error);
    this.value = answer.token ?? "";
    this.#store.write(KEY, this.value);
    this.#renewAt = Date.now() + Math.max(LEAST_MS, (answer.holds_s * 1000) / 2);
  }

  #forget() {
    this.value = "";
    this.#renewAt = 0;
    this.#store.write(KEY, "");
  }
}
