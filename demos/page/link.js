// One WebRTC connection to the server: made once, used until it fails, never mended. It knows nothing of what is said
// over it.
//
// Events (CustomEvent, `detail` as noted): "message" (a server message), "lost" (it is gone), "blocked" (playback needs
// a tap); "lost" only once.

import { playAtOnce } from "./optional.js";
import { lost, notConnected } from "./problems.js";

const CONNECT_MS = 12000;
const GATHER_MS = 2000;

export class Link extends EventTarget {
  #voice;
  #connection;
  #channel;
  #closed = false;
  #giveUp;
  #givenUp;

  /** `voice`: the audio element that plays the assistant. `ice`: see `Api.ice`. */
  constructor(voice, ice) {
    super();
    this.#voice = voice;
    this.#givenUp = new Promise((_, reject) => (this.#giveUp = reject));
    this.#givenUp.catch(() => {});
    this.#connection = new RTCPeerConnection(ice);
    try {
      this.#channel = this.#connection.createDataChannel("duplex");
    } catch (error) {
      this.#connection.close();
      throw error;
    }
    this.#listen();
  }

  /** Connect `microphone`; `exchange` maps an offer's SDP to the server's answer. Rejects with a Problem. */
  async open(microphone, exchange) {
    microphone.feed(this.#connection);
    await this.#unlessClosed(this.#connection.setLocalDescription());
    await this.#unlessClosed(this.#gathered());
    const answer = await this.#unlessClosed(exchange(this.#connection.localDescription.sdp));
    await this.#unlessClosed(this.#connection.setRemoteDescription({ type: "answer", sdp: answer.sdp }));
    await this.#unlessClosed(this.#connected());
  }

  send(message) {
    if (this.#channel.readyState === "open") this.#channel.send(JSON.stringify(message));
  }

  /** May be called at any time, repeatedly; `open` then rejects with `reason`. */
  close(reason = lost()) {
    if (this.#closed) return;
    this.#closed = true;
    this.#giveUp(reason);
    this.#connection.close();
  }

  /** A step of opening; it rejects as soon as the link is closed, so that nothing is opened afterwards. */
  #unlessClosed(step) {
    return Promise.race([step, this.#givenUp]);
  }

  #listen() {
    this.#connection.addEventListener("track", ({ track, receiver, streams }) => {
      playAtOnce(receiver);
      this.#voice.srcObject = streams[0] ?? new MediaStream([track]);
      this.#voice.play().catch((error) => error.name === "NotAllowedError" && this.#emit("blocked"));
    });
    this.#connection.addEventListener("connectionstatechange", () => {
      if (this.#connection.connectionState === "failed") this.#fail();
    });
    this.#channel.addEventListener("message", ({ data }) => this.#emit("message", JSON.parse(data)));
    this.#channel.addEventListener("close", () => this.#fail());
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

  #fail() {
    if (this.#closed) return;
    this.close(notConnected());
    this.#emit("lost");
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
