// Puts the page together: buttons, states, and where each message goes.
// States of the page (body[data-state]): idle, connecting, live, ended, error.

import { Captions } from "./captions.js";
import { Figures } from "./figures.js";
import { LevelMeter } from "./level.js";
import { Problem, missingSupport } from "./problems.js";
import { Session } from "./session.js";
import { Settings } from "./settings.js";
import { Timeline, clockText } from "./timeline.js";

const element = (id) => document.getElementById(id);
const captions = new Captions(element("captions"));
const figures = new Figures(element);
const meter = new LevelMeter(element("level"));
const timeline = new Timeline(element("timeline"));
const settings = new Settings(element("settings"), element("settings-form"));

const query = new URLSearchParams(location.search);
let token = query.get("token") ?? sessionStorage.getItem("duplex.token") ?? "";
let session = null;
let clock = 0;
let userSpokeAt = 0;

const STATUS = {
  idle: "Ready",
  connecting: "Connecting…",
  live: "Listening",
  ended: "Ended",
  error: "Not connected",
};

function setState(state) {
  document.body.dataset.state = state;
  delete document.body.dataset.turn;
  element("status-text").textContent = STATUS[state];
  const seen = state === "live" || state === "ended";
  element("live").hidden = !seen;
  element("start").hidden = seen;
  element("end").hidden = state !== "live";
  element("again").hidden = state !== "ended";
  element("connect").disabled = state === "connecting";
  element("connect-text").textContent = state === "connecting" ? "Connecting…" : "Start talking";
}

async function connect() {
  const missing = missingSupport();
  if (missing) return show(missing);
  hideNotice();
  setState("connecting");
  const starting = new Session(token, element("voice"));
  session = starting;
  listen(starting);
  try {
    await starting.start(settings.options());
    begin(starting);
  } catch (problem) {
    session = null;
    show(problem instanceof Problem ? problem : new Problem("page", "Something went wrong.", String(problem)));
  }
}

/** Before the connection stands: messages can come as soon as the data channel opens. */
function listen(live) {
  live.addEventListener("message", ({ detail }) => take(detail));
  live.addEventListener("rtt", ({ detail }) => figures.rtt(detail));
  live.addEventListener("over", ({ detail }) => finish(live, detail));
  live.addEventListener("blocked", () => {
    notice("Tap to hear the assistant", "The browser plays sound only after a tap.", "info");
    document.addEventListener("pointerdown", () => element("voice").play().then(hideNotice), { once: true });
  });
  captions.clear();
  figures.clear();
  element("examples").hidden = false;
  element("downloads").hidden = true;
}

function begin(live) {
  setState("live");
  element("mute").setAttribute("aria-pressed", "false");
  meter.start(live.microphone);
  const began = performance.now();
  clearInterval(clock);
  const tick = () => (element("elapsed").textContent = clockText((performance.now() - began) / 1000));
  clock = setInterval(tick, 500);
  tick();
}

function take(message) {
  if (message.type === "hello") {
    timeline.start(message.slot_ms);
    element("model").textContent = message.model;
    element("write").hidden = message.patterns.length === 0;
  }
  if (message.type === "slot") {
    timeline.add(message);
    showTurn(message);
    if (message.event === "end") captions.settle();
  }
  if (message.type === "user" || message.type === "planned") element("examples").hidden = true;
  captions.take(message);
  figures.take(message);
}

/** Whose turn it is, for the pill in the bar. */
function showTurn({ state, user_db }) {
  if (document.body.dataset.state !== "live") return;
  if (user_db > -40) userSpokeAt = performance.now();
  const user = performance.now() - userSpokeAt < 500;
  document.body.dataset.turn = state === "SPEAK" ? "assistant" : user ? "user" : "";
  element("status-text").textContent = state === "SPEAK" ? (user ? "Both" : "Speaking") : user ? "Hearing you" : "Listening";
}

function finish(over, problem) {
  if (session !== over || document.body.dataset.state === "connecting") return;
  session = null;
  clearInterval(clock);
  meter.stop();
  timeline.stop();
  captions.settle();
  setState("ended");
  element("write").hidden = true;
  element("downloads").hidden = false;
  for (const [id, name] of [
    ["download-recording", "recording.wav"],
    ["download-slots", "slots.jsonl"],
    ["download-transcript", "transcript.json"],
  ]) {
    element(id).href = over.file(name);
  }
  if (problem) notice(problem.title, problem.mend, "problem", problem);
}

/** A problem before the conversation began. */
function show(problem) {
  setState("error");
  notice(problem.title, problem.mend, "problem", problem);
}

function notice(title, text, kind, problem = null) {
  element("notice").hidden = false;
  element("notice").dataset.kind = kind;
  element("notice").dataset.code = problem?.code ?? "";
  element("notice-title").textContent = title;
  element("notice-text").textContent = text;
  element("retry").hidden = !problem?.retry;
  element("token-form").hidden = !problem?.needsToken;
}

function hideNotice() {
  element("notice").hidden = true;
}

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : root.dataset.theme === "dark";
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("duplex.theme", root.dataset.theme);
  timeline.recolour();
}

function toggleMute() {
  if (!session?.microphone) return;
  session.muted = !session.muted;
  element("mute").setAttribute("aria-pressed", String(session.muted));
}

async function describeServer() {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const response = await fetch("api/status", { headers }).catch(() => null);
  if (!response?.ok) return;
  const { model, patterns } = await response.json();
  element("model").textContent = model;
  settings.offer(patterns);
}

element("connect").addEventListener("click", connect);
element("again").addEventListener("click", connect);
element("retry").addEventListener("click", connect);
element("end").addEventListener("click", () => session?.end());
element("mute").addEventListener("click", toggleMute);
element("theme").addEventListener("click", switchTheme);
element("open-settings").addEventListener("click", () => settings.open());
element("write").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = element("written").value.trim();
  if (text) session?.write(text);
  element("written").value = "";
});
element("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token = element("token").value.trim();
  sessionStorage.setItem("duplex.token", token);
  connect();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => timeline.recolour());
window.addEventListener("pagehide", () => session?.leave());

document.documentElement.dataset.theme = localStorage.getItem("duplex.theme") ?? "auto";
timeline.recolour();
const missing = missingSupport();
if (missing) show(missing);
describeServer();
