// One conversation: owns the microphone, the connection and the place on the server until it is closed. A connection
// that is lost is replaced, and the conversation goes on. It emits events and does not depend on the DOM.
//
// Events (CustomEvent, `detail` as noted): "message" (a server message), "rtt" (ms), "blocked" (playback needs a tap),
// "reconnecting" and "reconnected", "over" (a Problem, or null when the user ended it); only after `start` has resolved,
// "over" once.

import { Link } from "./link.js";
import { Microphone } from "./microphone.js";
import { attempt } from "./optional.js";
import { endedByServer, lost, microphoneGone } from "./problems.js";

const PING_MS = 1000;
const SILENT_MS = 3000;
const RESUME_MS = 30000;
const RETRY_MS = 500;
const NO_MICROPHONE_MS = 60000;

/** Answers of the server after which trying again is useless: the conversation is over there. */
const OVER = new Set(["unknown_session", "client_gone"]);

export class Session extends EventTarget {
  #api;
  #voice;
  #attempt = randomName();
  #link = null;
  #secret = "";
  #pings = new Map();
  #nextPing = 0;
  #timer = 0;
  #patience = 0;
  #heardAt = 0;
  #offered = false;
  #started = false;
  #ending = false;
  #reconnecting = false;
  #closed = false;
  #giveUp;
  #givenUp;

  /** `voice`: the audio element that plays the assistant. */
  constructor(api, voice) {
    super();
    this.#api = api;
    this.#voice = voice;
    this.#givenUp = new Promise((_, reject) => (this.#giveUp = reject));
    this.#givenUp.catch(() => {});
    this.id = null;
    this.microphone = new Microphone();
  }

  /**
   * Ask for the microphone and make the connection. `before`: what `place` gave, to come back to that conversation.
   * Rejects, mostly with a Problem, and then leaves nothing open.
   */
  async start(options, before = null) {
    try {
      this.#listen();
      await Promise.race([this.microphone.open(), this.#givenUp]);
      if (before) this.#adopt(before);
      await this.#connect(options);
      this.#started = true;
      this.#timer = setInterval(() => this.#beat(), PING_MS);
    } catch (problem) {
      this.close();
      throw problem;
    }
  }

  /** What a later page needs to come back to this conversation; null before it has begun. */
  get place() {
    return this.#started && !this.#closed ? { session: this.id, secret: this.#secret } : null;
  }

  /** Address of one of the session's files. */
  file(name) {
    return this.#api.file(this.id, name);
  }

  /** The user ends the conversation: the microphone stops at once, then the server finishes the files. */
  async end() {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    this.microphone.close();
    await this.#api.close(this.id).then(() => (this.#offered = false)).catch(() => null);
    this.#finish(null);
  }

  /** The page is closed or reloaded: release everything without waiting; the place is kept for a reloaded page. */
  leave() {
    if (this.#closed) return;
    if (this.#started && !this.#ending) {
      if (this.#offered) this.#api.leave(this.#attempt, true);
      this.#offered = false;
    }
    this.#finish(null);
  }

  /** Send a written turn of the user. */
  write(text) {
    this.#link?.send({ type: "say", text });
  }

  /**
   * Stop the microphone, end the connection, give back the place on the server. May be called at any time, repeatedly.
   */
  close(reason = lost()) {
    if (this.#closed) return;
    this.#closed = true;
    this.#giveUp(reason);
    clearInterval(this.#timer);
    clearTimeout(this.#patience);
    this.microphone.close();
    if (this.#offered) {
      attempt("goodbye", () => this.#link?.send({ type: "bye" }));
      this.#api.leave(this.#attempt);
    }
    this.#link?.close(reason);
    this.#voice.srcObject = null;
  }

  #adopt({ session, secret }) {
    this.id = session;
    this.#secret = secret;
  }

  /** Make a connection: the conversation's first one, or the next one. */
  async #connect(options) {
    if (this.#closed) throw lost();
    const ice = await Promise.race([this.#api.ice(), this.#givenUp]);
    const link = new Link(this.#voice, ice);
    this.#link?.close();
    this.#link = link;
    link.addEventListener("message", ({ detail }) => link === this.#link && this.#receive(detail));
    link.addEventListener("blocked", () => this.#emit("blocked"));
    link.addEventListener("lost", () => link === this.#link && this.#started && this.#reconnect());
    try {
      await link.open(this.microphone, (sdp) => this.#offer(sdp, options));
    } catch (problem) {
      link.close();
      throw problem;
    }
    this.#heardAt = performance.now();
  }

  async #offer(sdp, options) {
    this.#offered = true;
    const place = this.id ? { session: this.id, secret: this.#secret } : { options };
    try {
      const answer = await this.#api.offer({ sdp, attempt: this.#attempt, ...place });
      this.#adopt(answer);
      return answer;
    } catch (problem) {
      this.#offered = problem.code === "unreachable"; // the offer may have arrived and its answer been lost
      throw problem;
    }
  }

  /** The connection is lost, or silent: make another one until the server has given up the conversation. */
  async #reconnect() {
    if (this.#reconnecting || this.#ending || this.#closed) return;
    this.#reconnecting = true;
    this.#emit("reconnecting");
    const until = this.#heardAt + RESUME_MS;
    while (this.#reconnecting && !this.#closed) {
      try {
        await this.#connect();
        this.#reconnecting = false;
        this.#emit("reconnected");
      } catch (problem) {
        if (problem.needsToken) return this.#fail(problem);
        if (OVER.has(problem.code) || performance.now() > until) return this.#fail(lost());
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  #listen() {
    this.microphone.addEventListener("gone", () => {
      this.#patience = setTimeout(() => this.#fail(microphoneGone()), NO_MICROPHONE_MS);
    });
    this.microphone.addEventListener("taken", () => clearTimeout(this.#patience));
  }

  #receive(message) {
    this.#heardAt = performance.now();
    if (message.type === "pong") {
      const sent = this.#pings.get(message.id);
      this.#pings.delete(message.id);
      if (sent !== undefined) this.#emit("rtt", performance.now() - sent);
    } else if (message.type === "ended") {
      this.#offered = false;
      this.#fail(endedByServer(message.code, message.message));
    } else {
      this.#emit("message", message);
    }
  }

  #beat() {
    if (performance.now() - this.#heardAt > SILENT_MS) return this.#reconnect();
    const id = this.#nextPing++;
    this.#pings.set(id, performance.now());
    for (const old of this.#pings.keys()) if (old < id - 20) this.#pings.delete(old);
    this.#link.send({ type: "ping", id });
  }

  /** Something required failed; if the user is already ending the session, that is its end. */
  #fail(problem) {
    if (!this.#ending) this.#finish(problem);
  }

  #finish(problem) {
    if (this.#closed) return;
    this.close(problem ?? lost());
    if (this.#started) this.#emit("over", problem);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** 128 random bits in letters. */
function randomName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
