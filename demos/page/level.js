// Shows the microphone's level as a bar. The conversation works without it. It depends only on a stream and an element.

import { attempt, everyFrame } from "./optional.js";

const FACILITY = "microphone level";
const FLOOR_DB = -60;
const TELL_MS = 1000;

export class LevelMeter {
  #element;
  #bar;
  #context = null;
  #stopDrawing = () => {};
  #shown = 0;
  #toldAt = 0;

  constructor(element) {
    this.#element = element;
    this.#bar = element.firstElementChild;
  }

  /** Show the level of a stream; hides the bar if the browser cannot measure it. */
  start(stream) {
    this.stop();
    this.#element.hidden = false;
    if (!attempt(FACILITY, () => this.#listen(stream), false)) this.#hide();
  }

  stop() {
    this.#stopDrawing();
    this.#draw(0);
    this.#tell(0);
    const context = this.#context;
    this.#context = null;
    if (context) attempt(FACILITY, () => context.close());
  }

  #listen(stream) {
    this.#context = new AudioContext();
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 1024;
    this.#context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const draw = () => {
      analyser.getFloatTimeDomainData(samples);
      this.#show(samples);
    };
    this.#stopDrawing = everyFrame(FACILITY, draw, () => this.#hide());
    return true;
  }

  #hide() {
    this.stop();
    this.#element.hidden = true;
  }

  #show(samples) {
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    const level = Math.max(0, 1 - (10 * Math.log10(power + 1e-9)) / FLOOR_DB);
    this.#shown = Math.max(level, this.#shown * 0.9);
    const share = Math.min(1, this.#shown);
    this.#draw(share);
    // A value that changes with every frame would be noise for assistive technology.
    if (performance.now() - this.#toldAt >= TELL_MS) this.#tell(share);
  }

  #draw(share) {
    this.#bar.style.transform = `scaleX(${share.toFixed(3)})`;
  }

  #tell(share) {
    this.#toldAt = performance.now();
    this.#element.setAttribute("aria-valuenow", String(Math.round(share * 100)));
  }
}
