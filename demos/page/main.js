// Connects the parts of the page: the buttons, the session, and the destination of each message.

import { Api } from "./api.js";
import { Captions } from "./captions.js";
import { Downloads } from "./downloads.js";
import { Figures } from "./figures.js";
import { LevelMeter } from "./level.js";
import { Notice } from "./notice.js";
import { Optional, Store, attempt, cleanAddress, matches, watchQuery } from "./optional.js";
import { Problem, missingSupport } from "./problems.js";
import { Returning } from "./returning.js";
import { Session } from "./session.js";
import { Settings } from "./settings.js";
import { States } from "./states.js";
import { Timeline, clockText } from "./timeline.js";
import { Token } from "./token.js";

const element = (id) => document.getElementById(id);
const withoutTimeline = () => (element("timeline").closest(".card").hidden = true);

const states = new States(element);
const notice = new Notice(element);
const captions = new Captions(element("captions"));
const figures = new Figures(element);
const meter = new LevelMeter(element("level"));
const timeline = new Optional("timeline", () => new Timeline(element("timeline"), withoutTimeline), withoutTimeline);
const settings = new Settings(element("settings"), element("settings-form"));
const themes = new Store("localStorage");
const token = new Token(new Store("sessionStorage"));
const api = new Api(token);
const returning = new Returning();

let session = null;
const downloads = new Downloads(element, api, (problem) => notice.show({ ...problem, text: problem.fix }));
/** Notices of the server during the conversation: `code` of the message -> title. */
const NOTICES = {
  echo: "The assistant hears itself.",
  recording_stopped: "The recording has stopped.",
  language_model: "The language model cannot answer.",
  engine_restarts: "One moment.",
  not_recorded: "There is no recording.",
  server_stops: "The server stops soon.",
};

let chosen = {};
let writes = false;
let clock = 0;
let userSpokeAt = 0;

/** Take the token of the address's fragment, which is then removed, because addresses are seen, kept and passed on. */
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given === null) return;
  token.take(given);
  cleanAddress();
}

/** There is one session at a time, and never one without an owner: a failure on the way closes what was opened. */
async function connect(before = null) {
  if (session) return;
  const missing = missingSupport();
  if (missing) return show(missing);
  let starting = null;
  try {
    session = starting = new Session(api, element("voice"));
    notice.hide();
    states.enter("connecting");
    listen(starting);
    const options = before?.options ?? settings.options();
    returning.begin(before?.said);
    before?.said.forEach(caption);
    await starting.start(options, before?.place);
    begin(starting, options);
  } catch (problem) {
    starting?.close();
    session = null;
    release();
    show(problem instanceof Problem ? problem : new Problem("page", "Something went wrong.", String(problem)));
  }
}

/** A reloaded page goes on with the conversation of the one before. */
function comeBack(before) {
  if (before) connect(before);
}

/** The page is closed or reloaded. */
function leave() {
  if (session?.place) returning.keep(session.place, chosen);
  session?.leave();
}

/** Called before the connection is made, because messages can come as soon as the data channel opens. */
function listen(live) {
  live.addEventListener("message", ({ detail }) => take(detail));
  live.addEventListener("rtt", ({ detail }) => attempt("figures", () => figures.rtt(detail)));
  live.addEventListener("over", ({ detail }) => finish(live, detail));
  live.addEventListener("blocked", askForTap);
  live.addEventListener("reconnecting", () => reconnecting(true));
  live.addEventListener("reconnected", () => reconnecting(false));
  listenToMicrophone(live.microphone);
  captions.clear();
  figures.clear();
  element("examples").hidden = false;
  downloads.hide();
}

function listenToMicrophone(microphone) {
  const gone = (text, action) => notice.show({ code: "microphone-gone", title: "Your microphone is gone.", text, action });
  const ok = { label: "OK", run: dismiss };
  microphone.addEventListener("gone", () => {
    meter.stop();
    gone("Plug one in or switch it on; the conversation then continues with it.");
  });
  microphone.addEventListener("refused", ({ detail: problem }) => {
    if (microphone.gone && problem.code === "no-microphone") return;
    const again = { label: "Try again", run: () => microphone.take() };
    if (microphone.gone) gone(problem.message, again);
    else notice.show({ ...problem, text: problem.fix, retry: false, action: ok });
  });
  microphone.addEventListener("taken", ({ detail: label }) => {
    meter.start(microphone.stream);
    const text = `The conversation continues with ${label || "the one that is there now"}.`;
    notice.show({ code: "microphone-taken", kind: "info", title: "Your microphone has changed.", text, action: ok });
  });
  microphone.addEventListener("offered", ({ detail: label }) => {
    const text = `${label || "A new one"} is now the default on this device.`;
    const use = { label: "Use it", run: () => microphone.take() };
    notice.show({ code: "microphone-offered", kind: "info", title: "There is another microphone.", text, action: use });
  });
  microphone.addEventListener("silenced", () => {
    const text = "The system or a switch on it has turned it off. Turn it on again to be heard.";
    notice.show({ code: "microphone-silenced", title: "Your microphone is off.", text });
  });
  microphone.addEventListener("restored", () => notice.hide("microphone-silenced"));
}

function begin(live, options) {
  states.enter("live");
  chosen = options;
  writes = /2T$/.test(options.pattern ?? "");
  showMute(false);
  meter.start(live.microphone.stream);
  const began = performance.now();
  clearInterval(clock);
  const tick = () => {
    element("elapsed").textContent = clockText((performance.now() - began) / 1000);
    token.refresh().catch(() => null);
  };
  clock = setInterval(tick, 500);
  tick();
}

function take(message) {
  if (message.type === "hello") {
    timeline.use((picture) => picture.start(message.slot_ms, message.resumed));
    element("model").textContent = message.model;
    element("write").hidden = message.patterns.length === 0;
  }
  if (message.type === "slot") {
    timeline.use((picture) => picture.add(message));
    showTurn(message);
    notice.hide("engine_restarts");
    if (message.event === "end") captions.settle();
  }
  if (message.type === "notice") tell(message);
  if (message.type === "user" || message.type === "planned") element("examples").hidden = true;
  returning.note(message);
  caption(message);
  attempt("figures", () => figures.take(message));
}

function caption(message) {
  attempt("captions", () => captions.take(message));
}

/** The connection is lost for the time being, or there again. */
function reconnecting(lost) {
  states.reconnecting(lost);
  if (!lost) return notice.hide("reconnecting");
  const text = "The connection was interrupted. The conversation continues when it is back.";
  notice.show({ code: "reconnecting", kind: "info", title: "Reconnecting…", text });
}

function tell({ code, message }) {
  const action = { label: "OK", run: dismiss };
  notice.show({ code, kind: "info", title: NOTICES[code] ?? "The server says:", text: message, action });
}

/** Show whose turn it is, in the pill in the bar. */
function showTurn({ state, user_db, thinking }) {
  if (user_db > -40) userSpokeAt = performance.now();
  const user = performance.now() - userSpokeAt < 500;
  states.turn(state === "SPEAK", user, session?.microphone.condition ?? "on", thinking);
}

function finish(over, problem) {
  if (session !== over) return;
  session = null;
  release();
  downloads.offer(over);
  element("write").hidden = true;
  if (problem) notice.show({ ...problem, text: problem.fix });
  else notice.hide();
  states.enter("ended");
}

/** Stop what the page itself started for a session. */
function release() {
  clearInterval(clock);
  meter.stop();
  timeline.use((picture) => picture.stop());
  captions.settle();
  states.announceCaptions(false);
}

/** Show a problem before the conversation has begun. */
function show(problem, { focus = true } = {}) {
  const action = problem.settings ? { label: "Settings", run: () => settings.open() } : null;
  notice.show({ ...problem, text: problem.fix, action });
  states.enter("error", { focus });
}

/** The user has read the notice. */
function dismiss() {
  notice.hide();
  states.focus();
}

/** The browser plays sound only after the user did something on the page. */
function askForTap() {
  const play = () => session && attempt("playback", () => element("voice").play().then(() => notice.hide("blocked")));
  const action = { label: "Play sound", run: play };
  const text = "The browser plays sound only after a tap.";
  notice.show({ code: "blocked", kind: "info", title: "Tap to hear the assistant.", text, action });
  document.addEventListener("pointerdown", play, { once: true });
}

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme === "auto" ? matches("(prefers-color-scheme: dark)") : root.dataset.theme === "dark";
  root.dataset.theme = dark ? "light" : "dark";
  themes.write("duplex.theme", root.dataset.theme);
  timeline.use((picture) => picture.recolour());
}

function toggleMute() {
  if (!session) return;
  session.microphone.muted = !session.microphone.muted;
  showMute(session.microphone.muted);
}

function showMute(muted) {
  element("mute").setAttribute("aria-pressed", String(muted));
  states.announceCaptions(muted && writes);
}

/** A server that needs a token asks for it at once. */
async function describeServer() {
  const ask = (problem) => (session || missing ? null : show(problem, { focus: false }));
  const status = await api.status().catch(ask);
  if (!status) return;
  element("model").textContent = status.model ?? "";
  settings.offer(status.patterns ?? [], status.tools ?? []);
}

for (const id of ["connect", "again", "retry"]) element(id).addEventListener("click", () => connect());
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
  token.take(element("token").value.trim());
  connect();
  describeServer();
});
watchQuery("(prefers-color-scheme: dark)", () => timeline.use((picture) => picture.recolour()));
window.addEventListener("hashchange", () => {
  takeToken();
  notice.hide("unauthorized");
  describeServer();
});
window.addEventListener("pagehide", leave);

document.documentElement.dataset.theme = themes.read("duplex.theme") ?? "auto";
timeline.use((picture) => picture.recolour());
takeToken();
const missing = missingSupport();
if (missing) show(missing, { focus: false });
else comeBack(returning.take());
describeServer();
