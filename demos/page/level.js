// The microphone's level as a bar. Knows a stream and an element.

const FLOOR_DB = -60;

export class LevelMeter {
  #element;
  #bar;
  #context = null;
  #frame = 0;
  #shown = 0;

  constructor(element) {
    this.#element = element;
    this.#bar = element.firstElementChild;
  }

  start(stream) {
    this.stop();
    this.#context = new AudioContext();
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 1024;
    this.#context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const draw = () => {
      analyser.getFloatTimeDomainData(samples);
      this.#show(samples);
      this.#frame = requestAnimationFrame(draw);
    };
    draw();
  }

  stop() {
    cancelAnimationFrame(this.#frame);
    this.#context?.close();
    this.#context = null;
  }

  #show(samples) {
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    const level = Math.max(0, 1 - (10 * Math.log10(power + 1e-9)) / FLOOR_DB);
    this.#shown = Math.max(level, this.#shown * 0.9);
    this.#bar.style.transform = `scaleX(${Math.min(1, this.#shown).toFixed(3)})`;
    this.#element.setAttribute("aria-valuenow", String(Math.round(Math.min(1, this.#shown) * 100)));
  }
}
