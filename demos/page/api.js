// The client of the server's HTTP interface: addresses, the token and answers. It does not depend on WebRTC.

import { sendBeacon } from "./optional.js";
import { Problem, serverProblem, unreachable } from "./problems.js";

const OFFER_MS = 15000;
const SHORT_MS = 5000;

export class Api {
  #token;

  /** `token`: a `Token`. */
  constructor(token) {
    this.#token = token;
  }

  /** Whether requests need a token. */
  get needsToken() {
    return Boolean(this.#token.value);
  }

  /** What the server runs; null if it does not say. Rejects with a Problem if it needs another token. */
  status() {
    const unknown = (problem) => (problem.needsToken ? Promise.reject(problem) : null);
    return this.#ask("GET", "status", undefined, SHORT_MS).catch(unknown);
  }

  /** What an RTCPeerConnection that is made now is to be given: STUN and TURN servers. Rejects with a Problem. */
  ice() {
    return this.#ask("GET", "ice", undefined, SHORT_MS);
  }

  /**
   * Open a session with `options`, or come back to the one of `session` and `secret`. `attempt`: a name by which it can
   * be left. Rejects with a Problem.
   */
  offer({ sdp, attempt, options, session, secret }) {
    return this.#ask("POST", "offer", { sdp, type: "offer", attempt, options, session, secret }, OFFER_MS);
  }

  /** End a session; resolves when its files can be downloaded. Rejects with a Problem. */
  close(session) {
    return this.#ask("POST", `sessions/${session}/close`, undefined, SHORT_MS);
  }

  /**
   * Leave the session of an offer, present or future, even while the page is being closed. A beacon has no headers.
   * `returns`: the page may only be reloading.
   */
  leave(attempt, returns = false) {
    return sendBeacon("api/leave", { attempt, token: this.#token.value || null, returns });
  }

  /** Address of one of a session's files; where there is a token, only `read` can read it. */
  file(session, name) {
    return `api/sessions/${session}/${name}`;
  }

  /** The content of one of a session's files. Rejects with a Problem. */
  async read(address) {
    await this.#token.refresh();
    const response = await fetch(address, { headers: this.#token.headers }).catch(() => Promise.reject(unreachable()));
    if (!response.ok) throw serverProblem(response.status, (await response.json().catch(() => null))?.error);
    return response.blob();
  }

  async #ask(method, path, body, patience) {
    await this.#token.refresh();
    const headers = { "Content-Type": "application/json", ...this.#token.headers };
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), patience);
    try {
      const response = await fetch(`api/${path}`, { method, headers, body: JSON.stringify(body), signal: stop.signal });
      const answer = response.status === 204 ? null : await response.json().catch(() => null);
      if (!response.ok) throw serverProblem(response.status, answer?.error);
      return answer;
    } catch (error) {
      throw error instanceof Problem ? error : unreachable();
    } finally {
      clearTimeout(timer);
    }
  }
}
