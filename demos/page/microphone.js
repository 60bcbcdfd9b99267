// Opens the microphone, notices when it is gone or muted, and switches to the one that is there now.
// It depends on devices and on the sender of the sound, not on the DOM or the server.
//
// Events (CustomEvent, `detail` as noted): "gone" (there is no other one yet), "taken" (label of the new one),
// "offered" (label of another one that became the default), "refused" (a Problem: another one cannot be opened),
// "silenced" and "restored" (the system or a switch on the device).

import { attempt, listMicrophones, silence, watchDevices } from "./optional.js";
import { lost, microphoneProblem } from "./problems.js";

const WANTED = { audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } };
const FLAPPING_MS = 2000;

const stopTracks = (stream) => stream?.getTracks().forEach((track) => track.stop());

export class Microphone extends EventTarget {
  #sender = null;
  #muted = false;
  #closed = false;
  #taking = false;
  #takenAt = -Infinity;
  #standIn = null;
  #default = null;
  #stopWatching = () => {};

  constructor() {
    super();
    this.stream = null;
    this.gone = false;
  }

  /** Ask for the microphone. Rejects with a Problem. */
  async open() {
    this.#adopt(await this.#ask());
    this.#stopWatching = watchDevices(() => this.#look());
    listMicrophones().then(([first]) => (this.#default = key(first)));
  }

  /** Send the sound over a connection. */
  feed(connection) {
    this.#sender = connection.addTrack(this.#track, this.stream);
  }

  /** on, muted or gone. */
  get condition() {
    return this.gone ? "gone" : this.#muted ? "muted" : "on";
  }

  get muted() {
    return this.#muted;
  }

  set muted(muted) {
    this.#muted = muted;
    if (this.#track) this.#track.enabled = !muted;
  }

  /** Switch to the present default microphone. */
  async take() {
    if (this.#taking || this.#closed) return;
    this.#taking = true;
    try {
      const stream = await this.#ask();
      await this.#sender.replaceTrack(stream.getAudioTracks()[0]).catch((error) => {
        stopTracks(stream);
        throw microphoneProblem(error);
      });
      this.#adopt(stream);
      if (!this.#closed) this.#emit("taken", this.#track.label);
    } catch (problem) {
      this.#emit("refused", problem);
    } finally {
      this.#taking = false;
    }
  }

  /** Release everything, including a microphone that the browser grants only later. */
  close() {
    this.#closed = true;
    this.#stopWatching();
    stopTracks(this.stream);
    this.#dropStandIn();
  }

  get #track() {
    return this.stream?.getAudioTracks()[0];
  }

  async #ask() {
    const stream = await navigator.mediaDevices.getUserMedia(WANTED).catch((error) => {
      throw microphoneProblem(error);
    });
    if (!this.#closed) return stream;
    stopTracks(stream);
    throw lost();
  }

  #adopt(stream) {
    stopTracks(this.stream);
    this.stream = stream;
    if (this.#closed) return stopTracks(stream);
    this.gone = false;
    this.#dropStandIn();
    const track = this.#track;
    const told = (kind, tell) => track.addEventListener(kind, () => track === this.#track && tell());
    track.enabled = !this.#muted;
    told("ended", () => this.#lose());
    told("mute", () => this.#emit("silenced"));
    told("unmute", () => this.#emit("restored"));
  }

  /**
   * The device is gone. Silence is sent in its place, because a server that hears nothing at all ends the conversation.
   */
  #lose() {
    if (this.gone || this.#closed) return;
    this.gone = true;
    this.#standIn = silence();
    if (this.#standIn) attempt("silence", () => this.#sender?.replaceTrack(this.#standIn.track));
    this.#emit("gone");
    // A device that disappears again at once is not requested again before something changes.
    if (performance.now() - this.#takenAt < FLAPPING_MS) return;
    this.#takenAt = performance.now();
    this.take();
  }

  /** Devices came or went. */
  async #look() {
    const devices = await listMicrophones();
    if (this.#closed) return;
    if (this.gone) return this.take();
    const first = devices[0];
    const changed = key(first) !== this.#default;
    this.#default = key(first);
    if (first && changed && !this.#uses(first)) this.#emit("offered", name(first, devices));
  }

  #uses(device) {
    const used = attempt("track settings", () => this.#track.getSettings(), {});
    return used.groupId && device.groupId ? used.groupId === device.groupId : used.deviceId === device.deviceId;
  }

  #dropStandIn() {
    this.#standIn?.stop();
    this.#standIn = null;
  }

  #emit(kind, detail) {
    if (!this.#closed) this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}

/** Identifies a device; the entry "default" can mean different devices over time, but its group cannot. */
const key = (device) => (device ? device.groupId || device.deviceId : null);

/** A device's own name, without the word "default" that some browsers put before it. */
const name = (device, devices) =>
  devices.find((other) => other.groupId === device.groupId && other.deviceId !== "default")?.label || device.label;
