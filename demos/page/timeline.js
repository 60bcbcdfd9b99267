// Draws the two lanes of the conversation on a canvas, slot by slot, scrolling with time.
// It depends only on slot messages and colours, not on sessions.

import { everyFrame, matches, watchSize } from "./optional.js";

const SECONDS_PER_PIXEL = 1 / 62;
const GROW_MS = 160;
const [FADE_FROM, FADE_TO] = [20, 96];

/**
 * dB relative to full scale -> 0..1 of a lane's height: the square root of the amplitude, roughly the perceived
 * loudness.
 */
const loudness = (db) => Math.min(1, 1.9 * 10 ** (db / 40));

export class Timeline {
  #canvas;
  #context;
  #slots = [];
  #slot = 0.2;
  #offset = null;
  #colours = {};
  #stopDrawing = () => {};
  #stoppedAt = null;
  #still = false;
  #gone;

  /** `gone` is called when it can no longer be drawn. */
  constructor(canvas, gone = () => {}) {
    this.#canvas = canvas;
    this.#gone = gone;
    this.#context = canvas.getContext("2d");
    if (!this.#context) throw new Error("no canvas to draw on");
    watchSize(canvas, () => this.#resize());
    this.#resize();
    this.recolour();
  }

  /** Begin a conversation with slots of `slotMs`, or go on with the one that is shown, if one is. */
  start(slotMs, goesOn = false) {
    if (goesOn && this.#offset !== null && this.#stoppedAt === null) return;
    this.#slots = [];
    this.#slot = slotMs / 1000;
    this.#offset = null;
    this.#stoppedAt = null;
    this.#still = matches("(prefers-reduced-motion: reduce)");
    this.#stopDrawing();
    this.#stopDrawing = everyFrame("timeline", () => this.#draw(), this.#gone);
  }

  /** Stop, and leave the picture as it is. */
  stop() {
    this.#stoppedAt ??= performance.now() / 1000;
    this.#stopDrawing();
    this.#draw();
  }

  /** Take a slot message of the server. */
  add(message) {
    const now = performance.now() / 1000;
    const end = (message.t + 1) * this.#slot;
    const offset = now - end;
    // The fastest message shows the true delay; a slow drift follows a server clock that runs slower.
    this.#offset = this.#offset === null ? offset : Math.min(this.#offset + 0.0005, offset);
    this.#slots.push({ ...message, arrived: now });
    if (this.#slots.length > 1200) this.#slots.splice(0, 200);
  }

  /** Read the colours of the theme again. */
  recolour() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["user", "assistant", "assistant-wash", "curve", "cut", "line", "faint"]) {
      this.#colours[name] = style.getPropertyValue(`--${name}`).trim();
    }
    this.#draw();
  }

  #resize() {
    const ratio = window.devicePixelRatio || 1;
    this.#canvas.width = Math.round(this.#canvas.clientWidth * ratio);
    this.#canvas.height = Math.round(this.#canvas.clientHeight * ratio);
    this.#draw();
  }

  #draw() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [this.#canvas.width / ratio, this.#canvas.height / ratio];
    const context = this.#context;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!width || this.#offset === null) return;
    const now = (this.#stoppedAt ?? performance.now() / 1000) - this.#offset;
    const edge = this.#still ? Math.ceil(now / this.#slot) * this.#slot : now;
    const bottom = height - 18;
    const view = {
      width,
      height,
      bottom,
      user: bottom * 0.22,
      assistant: bottom * 0.78,
      lane: bottom * 0.36,
      strip: [bottom * 0.43, bottom * 0.57],
      x: (seconds) => width - 26 - (edge - seconds) / SECONDS_PER_PIXEL,
    };
    const first = this.#slots.findIndex((slot) => view.x((slot.t + 2) * this.#slot) > 0);
    const seen = first < 0 ? [] : this.#slots.slice(first);
    this.#grid(view, edge);
    this.#band(view, seen);
    this.#lanes(view, seen);
    this.#curve(view, seen);
    this.#markers(view, seen);
    this.#fade(view);
  }

  #grid(view, edge) {
    const context = this.#context;
    context.strokeStyle = this.#colours.line;
    context.fillStyle = this.#colours.faint;
    context.lineWidth = 1;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    context.beginPath();
    for (let second = Math.floor(edge); second >= 0 && view.x(second) > 0; second -= 1) {
      const x = Math.round(view.x(second)) + 0.5;
      context.moveTo(x, 4);
      context.lineTo(x, view.bottom - 4);
      if (second % 2 === 0) context.fillText(clockText(second), x, view.height - 5);
    }
    context.stroke();
  }

  #band(view, slots) {
    const context = this.#context;
    const top = view.assistant - view.lane / 2 - 6;
    context.fillStyle = this.#colours["assistant-wash"];
    for (const slot of slots) {
      if (slot.state !== "SPEAK") continue;
      const left = view.x((slot.t + 1) * this.#slot);
      context.fillRect(left - 0.5, top, this.#slot / SECONDS_PER_PIXEL + 1, view.bottom - 4 - top);
    }
  }

  #lanes(view, slots) {
    const step = this.#slot / SECONDS_PER_PIXEL;
    const bar = Math.max(3, step * 0.58);
    for (const slot of slots) {
      const grown = this.#grown(slot);
      const left = view.x(slot.t * this.#slot) + (step - bar) / 2;
      this.#bar(left, view.user, bar, loudness(slot.user_db) * view.lane * grown, this.#colours.user);
      const tall = loudness(slot.assistant_db) * view.lane * grown;
      this.#bar(left + step, view.assistant, bar, tall, this.#colours.assistant);
      if (slot.degraded.length) this.#dot(left + bar / 2, view.bottom - 8, 2.5, this.#colours.cut);
    }
  }

  #grown(slot) {
    if (this.#still || this.#stoppedAt !== null) return 1;
    const passed = Math.min(1, ((performance.now() / 1000 - slot.arrived) * 1000) / GROW_MS);
    return 1 - (1 - passed) ** 3;
  }

  #bar(left, centre, width, height, colour) {
    const context = this.#context;
    const tall = Math.max(width * 0.42, height);
    context.fillStyle = colour;
    context.globalAlpha = height < 2.5 ? 0.28 : 1;
    context.beginPath();
    context.roundRect(left, centre - tall / 2, width, tall, Math.min(width, tall) / 2);
    context.fill();
    context.globalAlpha = 1;
  }

  #dot(x, y, radius, colour) {
    const context = this.#context;
    context.fillStyle = colour;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }

  /** p(speak) as a line over a soft area, in the strip between the lanes. */
  #curve(view, slots) {
    if (slots.length < 2) return;
    const context = this.#context;
    const [top, bottom] = view.strip;
    const points = slots.map((slot) => [view.x((slot.t + 1) * this.#slot), bottom - slot.p * (bottom - top)]);
    const line = new Path2D();
    line.moveTo(...points[0]);
    points.slice(1).forEach(([x, y], index) => {
      const [lastX, lastY] = points[index];
      const half = (lastX + x) / 2;
      line.bezierCurveTo(half, lastY, half, y, x, y);
    });
    const area = new Path2D(line);
    area.lineTo(points.at(-1)[0], bottom);
    area.lineTo(points[0][0], bottom);
    context.fillStyle = context.strokeStyle = this.#colours.curve;
    context.lineWidth = 2;
    context.lineJoin = "round";
    context.globalAlpha = 0.16;
    context.fill(area);
    context.globalAlpha = 1;
    context.stroke(line);
    this.#dot(...points.at(-1), 3.5, this.#colours.curve);
  }

  #markers(view, slots) {
    const context = this.#context;
    const middle = view.bottom / 2;
    for (const slot of slots) {
      if (slot.event !== "start" && slot.event !== "cut") continue;
      const x = view.x((slot.t + 1) * this.#slot);
      const cut = slot.event === "cut";
      const colour = cut ? this.#colours.cut : this.#colours.assistant;
      context.strokeStyle = colour;
      context.lineWidth = 1.5;
      context.setLineDash(cut ? [] : [3, 3]);
      context.beginPath();
      context.moveTo(x, cut ? 8 : middle);
      context.lineTo(x, view.bottom - 4);
      context.stroke();
      context.setLineDash([]);
      if (cut) this.#diamond(x, middle, 6, colour);
      else this.#dot(x, middle, 4.5, colour);
    }
  }

  #diamond(x, y, radius, colour) {
    const context = this.#context;
    context.fillStyle = colour;
    context.beginPath();
    context.moveTo(x, y - radius);
    context.lineTo(x + radius, y);
    context.lineTo(x, y + radius);
    context.lineTo(x - radius, y);
    context.fill();
  }

  /** Let the past fade out at the left edge, under the names of the lanes. */
  #fade(view) {
    const context = this.#context;
    const gradient = context.createLinearGradient(FADE_FROM, 0, FADE_TO, 0);
    gradient.addColorStop(0, "rgb(0 0 0 / 100%)");
    gradient.addColorStop(1, "rgb(0 0 0 / 0%)");
    context.globalCompositeOperation = "destination-out";
    context.fillStyle = gradient;
    context.fillRect(0, 0, FADE_TO, view.height);
    context.globalCompositeOperation = "source-over";
  }
}

/** Seconds -> "m:ss". */
export function clockText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
