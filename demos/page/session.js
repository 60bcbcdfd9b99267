// One conversation: owns the microphone, the WebRTC connection and the place on the server until it is closed.
// It emits events and does not depend on the DOM.
//
// Events (CustomEvent, `detail` as noted): "message" (a server message), "rtt" (ms), "blocked" (playback needs a tap),
// "over" (a Problem, or null when the user ended it); only after `start` has resolved, and once.

import { Microphone } from "./microphone.js";
import { attempt, playAtOnce } from "./optional.js";
import { endedByServer, lost, microphoneGone, notConnected } from "./problems.js";

const PING_MS = 1000;
const SILENT_MS = 7000;
const CONNECT_MS = 12000;
const GATHER_MS = 2000;
const NO_MICROPHONE_MS = 60000;

export class Session extends EventTarget {
  #api;
  #voice;
  #attempt = randomName();
  #connection = null;
  #channel = null;
  #pings = new Map();
  #nextPing = 0;
  #timer = 0;
  #patience = 0;
  #heardAt = 0;
  #offered = false;
  #started = false;
  #ending = false;
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

  /** Ask for the microphone and make the connection. Rejects, mostly with a Problem, and then leaves nothing open. */
  async start(options) {
    try {
      await this.#open(options);
      this.#started = true;
    } catch (problem) {
      this.close();
      throw problem;
    }
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

  /** The page is closed: release everything without waiting. */
  leave() {
    this.#finish(null);
  }

  /** Send a written turn of the user. */
  write(text) {
    this.#send({ type: "say", text });
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
    attempt("goodbye", () => this.#send({ type: "bye" }));
    if (this.#offered) this.#api.leave(this.#attempt);
    this.#connection?.close();
    this.#voice.srcObject = null;
  }

  async #open(options) {
    this.#connection = new RTCPeerConnection({ iceServers: [] });
    this.#channel = this.#connection.createDataChannel("duplex");
    await this.#unlessGivenUp(this.microphone.open());
    this.#listen();
    this.microphone.feed(this.#connection);
    await this.#unlessGivenUp(this.#connection.setLocalDescription());
    await this.#unlessGivenUp(this.#gathered());
    const answer = await this.#unlessGivenUp(this.#offer(options));
    this.id = answer.session;
    await this.#unlessGivenUp(this.#connection.setRemoteDescription({ type: "answer", sdp: answer.sdp }));
    await this.#unlessGivenUp(this.#connected());
    this.#heardAt = performance.now();
    this.#timer = setInterval(() => this.#beat(), PING_MS);
  }

  async #offer(options) {
    this.#offered = true;
    try {
      return await this.#api.offer(this.#connection.localDescription.sdp, this.#attempt, options);
    } catch (problem) {
      this.#offered = problem.code === "unreachable"; // the offer may have arrived and its answer been lost
      throw problem;
    }
  }

  /** A step of opening; it rejects as soon as the session is closed, so that nothing is opened afterwards. */
  #unlessGivenUp(step) {
    return Promise.race([step, this.#givenUp]);
  }

  #listen() {
    this.#connection.addEventListener("track", ({ track, receiver, streams }) => {
      playAtOnce(receiver);
      this.#voice.srcObject = streams[0] ?? new MediaStream([track]);
      this.#voice.play().catch((error) => error.name === "NotAllowedError" && this.#emit("blocked"));
    });
    this.#connection.addEventListener("connectionstatechange", () => {
      if (this.#connection.connectionState === "failed") this.#fail(this.#started ? lost() : notConnected());
    });
    this.#channel.addEventListener("message", ({ data }) => this.#receive(JSON.parse(data)));
    this.#channel.addEventListener("close", () => this.#fail(this.#started ? lost() : notConnected()));
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
    if (performance.now() - this.#heardAt > SILENT_MS) return this.#fail(lost());
    const id = this.#nextPing++;
    this.#pings.set(id, performance.now());
    for (const old of this.#pings.keys()) if (old < id - 20) this.#pings.delete(old);
    this.#send({ type: "ping", id });
  }

  #send(message) {
    if (this.#channel?.readyState === "open") this.#channel.send(JSON.stringify(message));
  }

  #gathered() {
    const connection = this.#connection;
    return new Promise((resolve) => {
      const check = () => connection.iceGatheringState === "complete" && resolve();
      connection.addEventListener("icegatheringstatechange", check);
      setTimeout(resolve, GATHER_MS);
      check();
    });
  }

  #connected() {
    return new Promise((resolve, reject) => {
      setTimeout(() => reject(notConnected()), CONNECT_MS);
      this.#channel.addEventListener("open", () => resolve(), { once: true });
      if (this.#channel.readyState === "open") resolve();
    });
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
