// Everything that a browser may lack or refuse without ending the conversation. Each facility is used through this
// module and guarded: a failure disables this facility and nothing else. Nothing here depends on sessions.

const KEPT_MS = 60000;

/** Facilities that failed, with the reason, for people who look at the console. */
const failures = new Map();

function failed(facility, error) {
  if (failures.has(facility)) return;
  failures.set(facility, error);
  console.info(`Without ${facility}: ${error}`);
}

/** The result of `action`, or `otherwise` if it throws; a promise is guarded too. */
export function attempt(facility, action, otherwise = null) {
  const caught = (error) => {
    failed(facility, error);
    return otherwise;
  };
  try {
    const result = action();
    return typeof result?.then === "function" ? result.then((value) => value, caught) : result;
  } catch (error) {
    return caught(error);
  }
}

/** Something optional that is used while it works: its first failure removes it and calls `gone`. */
export class Optional {
  #facility;
  #thing;
  #gone;

  constructor(facility, make, gone = () => {}) {
    this.#facility = facility;
    this.#gone = gone;
    this.#thing = attempt(facility, make);
    if (!this.#thing) gone();
  }

  use(action) {
    if (!this.#thing) return;
    try {
      action(this.#thing);
    } catch (error) {
      failed(this.#facility, error);
      this.#thing = null;
      this.#gone();
    }
  }
}

/** Calls `draw` with every frame until it fails or the returned function is called; calls `gone` after a failure. */
export function everyFrame(facility, draw, gone = () => {}) {
  let frame = 0;
  const step = () => {
    try {
      draw();
      frame = requestAnimationFrame(step);
    } catch (error) {
      failed(facility, error);
      gone();
    }
  };
  step();
  return () => cancelAnimationFrame(frame);
}

/**
 * Stores values by key in `localStorage` or `sessionStorage`, or, if that is not available, for the life of the page.
 */
export class Store {
  #name;
  #values = new Map();

  constructor(name) {
    this.#name = name;
  }

  read(key) {
    return this.#values.get(key) ?? attempt(this.#name, () => window[this.#name].getItem(key));
  }

  /** Whether the value outlives the page. */
  write(key, value) {
    this.#values.set(key, value);
    return attempt(this.#name, () => (window[this.#name].setItem(key, value), true), false);
  }
}

/** Whether a media query holds; false where there are none. */
export const matches = (query) => attempt("media queries", () => matchMedia(query).matches, false);

/** Calls `changed` when a media query begins or ceases to hold. */
export const watchQuery = (query, changed) =>
  attempt("media queries", () => matchMedia(query).addEventListener("change", changed));

/** Calls `changed` when an element's size changes. */
export const watchSize = (element, changed) =>
  attempt("size observer", () => new ResizeObserver(() => attempt("size observer", changed)).observe(element));

/** Removes the fragment, which holds a token, from the address bar, the history and copied addresses. */
export const cleanAddress = () =>
  attempt("history", () => history.replaceState(null, "", `${location.pathname}${location.search}`));

/** Offers a content to the user as a file. */
export const saveAs = (content, name) =>
  attempt("downloads", () => {
    const address = URL.createObjectURL(content);
    Object.assign(document.createElement("a"), { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
  });

/** Sends a small body even while the page is being closed; true if the browser accepted it. */
export const sendBeacon = (path, body) =>
  attempt("beacons", () => navigator.sendBeacon(path, new Blob([JSON.stringify(body)], { type: "application/json" })), false);

/** Microphones, the default one first; empty if the browser does not list them. */
export async function listMicrophones() {
  const devices = await attempt("device list", () => navigator.mediaDevices.enumerateDevices(), []);
  return devices.filter((device) => device.kind === "audioinput");
}

/** Calls `changed` when devices come or go; returns a function that stops this. */
export function watchDevices(changed) {
  attempt("device changes", () => navigator.mediaDevices.addEventListener("devicechange", changed));
  return () => attempt("device changes", () => navigator.mediaDevices.removeEventListener("devicechange", changed));
}

/** A track of silence and how to stop it, so that the server keeps hearing something; null if it cannot be made. */
export const silence = () =>
  attempt("silence", () => {
    const context = new AudioContext();
    const destination = context.createMediaStreamDestination();
    // Chromium sends nothing at all for a destination without a source.
    const source = new ConstantSourceNode(context, { offset: 0 });
    source.connect(destination);
    source.start();
    const [track] = destination.stream.getAudioTracks();
    return {
      track,
      stop() {
        track.stop();
        attempt("silence", () => context.close());
      },
    };
  });

/** Asks a receiver to hold back as little sound as it can. */
export const playAtOnce = (receiver) =>
  attempt("jitter buffer target", () => {
    if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
  });
