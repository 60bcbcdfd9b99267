// One conversation: microphone, WebRTC connection, data channel. Emits events; knows no DOM.
//
// Events (CustomEvent, `detail` as noted): "message" (a server message), "rtt" (ms), "blocked" (playback needs a tap),
// "over" (a Problem, or null when the user ended it).

import { endedByServer, lost, microphoneProblem, notConnected, serverProblem, unreachable } from "./problems.js";

const PING_MS = 1000;
const SILENT_MS = 7000;
const CONNECT_MS = 12000;
const GATHER_MS = 2000;
const MICROPHONE = { audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } };

export class Session extends EventTarget {
  #connection = new RTCPeerConnection({ iceServers: [] });
  #channel = this.#connection.createDataChannel("duplex");
  #pings = new Map();
  #nextPing = 0;
  #timer = 0;
  #heardAt = 0;
  #over = false;

  constructor(token, voice) {
    super();
    this.token = token;
    this.voice = voice;
    this.id = null;
    this.microphone = null;
  }

  /** Ask for the microphone, make the connection. Rejects with a Problem. */
  async start(options) {
    try {
      await this.#open(options);
    } catch (problem) {
      this.#stop();
      throw problem;
    }
  }

  get muted() {
    return !this.microphone.getAudioTracks()[0].enabled;
  }

  set muted(muted) {
    this.microphone.getAudioTracks()[0].enabled = !muted;
  }

  /** Address of one of the session's files. */
  file(name) {
    const query = this.token ? `?token=${encodeURIComponent(this.token)}` : "";
    return `api/sessions/${this.id}/${name}${query}`;
  }

  /** The user ends the conversation; resolves when the files can be downloaded. */
  async end() {
    if (this.#over) return;
    this.#over = true;
    await this.#post(`sessions/${this.id}/close`).catch(() => null);
    this.#stop();
    this.#emit("over", null);
  }

  /** The page goes away: tell the server without waiting. */
  leave() {
    if (this.#channel.readyState === "open") this.#channel.send(JSON.stringify({ type: "bye" }));
  }

  /** A turn of the user in writing. */
  write(text) {
    if (this.#channel.readyState === "open") this.#channel.send(JSON.stringify({ type: "say", text }));
  }

  async #open(options) {
    this.microphone = await navigator.mediaDevices.getUserMedia(MICROPHONE).catch((error) => {
      throw microphoneProblem(error);
    });
    if (this.#over) throw lost();
    this.#listen();
    for (const track of this.microphone.getTracks()) this.#connection.addTrack(track, this.microphone);
    await this.#connection.setLocalDescription();
    await this.#gathered();
    const answer = await this.#post("offer", { sdp: this.#connection.localDescription.sdp, type: "offer", options });
    this.id = answer.session;
    await this.#connection.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    await this.#connected();
    this.#heardAt = performance.now();
    this.#timer = setInterval(() => this.#beat(), PING_MS);
  }

  #listen() {
    this.#connection.addEventListener("track", ({ track, receiver, streams }) => {
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
      this.voice.srcObject = streams[0] ?? new MediaStream([track]);
      this.voice.play().catch(() => this.#emit("blocked"));
    });
    this.#connection.addEventListener("connectionstatechange", () => {
      if (this.#connection.connectionState === "failed") this.#fail(lost());
    });
    this.#channel.addEventListener("message", ({ data }) => this.#receive(JSON.parse(data)));
    this.#channel.addEventListener("close", () => this.#fail(lost()));
  }

  #receive(message) {
    this.#heardAt = performance.now();
    if (message.type === "pong") {
      const sent = this.#pings.get(message.id);
      this.#pings.delete(message.id);
      if (sent !== undefined) this.#emit("rtt", performance.now() - sent);
    } else if (message.type === "ended") {
      this.#fail(endedByServer(message.code, message.message));
    } else {
      this.#emit("message", message);
    }
  }

  #beat() {
    if (performance.now() - this.#heardAt > SILENT_MS) return this.#fail(lost());
    if (this.#channel.readyState !== "open") return;
    const id = this.#nextPing++;
    this.#pings.set(id, performance.now());
    for (const old of this.#pings.keys()) if (old < id - 20) this.#pings.delete(old);
    this.#channel.send(JSON.stringify({ type: "ping", id }));
  }

  async #post(path, body) {
    const headers = { "Content-Type": "application/json" };
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    const response = await fetch(`api/${path}`, {
      method: "POST",
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    }).catch(() => {
      throw unreachable();
    });
    const answer = response.status === 204 ? null : await response.json().catch(() => null);
    if (!response.ok) throw serverProblem(response.status, answer?.error);
    return answer;
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
      const timer = setTimeout(() => reject(notConnected()), CONNECT_MS);
      const done = (finish) => () => {
        clearTimeout(timer);
        finish();
      };
      this.#channel.addEventListener("open", done(resolve), { once: true });
      this.#channel.addEventListener("close", done(() => reject(notConnected())), { once: true });
      if (this.#channel.readyState === "open") done(resolve)();
    });
  }

  #fail(problem) {
    if (this.#over) return;
    this.#over = true;
    this.#stop();
    this.#emit("over", problem);
  }

  #stop() {
    this.#over = true;
    clearInterval(this.#timer);
    for (const track of this.microphone?.getTracks() ?? []) track.stop();
    this.#connection.close();
    this.voice.srcObject = null;
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
