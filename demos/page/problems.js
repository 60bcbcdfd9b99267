// What can go wrong, and what the user can do about it. It does not depend on the DOM.

export class Problem extends Error {
  /**
   * `code` for tests and programs, `title` and `fix` for people, `retry`: trying again can help, `needsToken`: the page
   * asks for it, `settings`: the way out is in the settings.
   */
  constructor(code, title, fix, { retry = true, needsToken = false, settings = false } = {}) {
    super(`${title} ${fix}`);
    Object.assign(this, { code, title, fix, retry, needsToken, settings });
  }
}

/** The reason why this browser cannot hold a conversation here, or null. */
export function missingSupport(scope = window) {
  if (!scope.isSecureContext) {
    return new Problem(
      "insecure-origin",
      "The microphone is not available on this address.",
      "Browsers allow it only on https and on this machine. Open http://localhost with the same port, or start the server with --certfile and --keyfile.",
      { retry: false },
    );
  }
  if (typeof scope.RTCPeerConnection !== "function") {
    return new Problem(
      "no-webrtc",
      "This browser has no WebRTC.",
      "Use a current Chrome, Edge, Firefox or Safari, and switch off extensions that block WebRTC.",
      { retry: false },
    );
  }
  if (!scope.navigator.mediaDevices?.getUserMedia) {
    return new Problem("no-audio", "This browser cannot record sound.", "Use a current Chrome, Edge, Firefox or Safari.", {
      retry: false,
    });
  }
  return null;
}

/** getUserMedia's error as a problem. */
export function microphoneProblem(error) {
  switch (error.name) {
    case "NotAllowedError":
    case "SecurityError":
      return new Problem(
        "microphone-denied",
        "The microphone is blocked.",
        "Click the icon next to the address, allow the microphone for this page, and try again. On a phone, look at the browser's permission in the system settings too.",
      );
    case "NotFoundError":
    case "OverconstrainedError":
      return new Problem("no-microphone", "No microphone was found.", "Plug one in or switch it on, and try again.");
    case "NotReadableError":
    case "AbortError":
      return new Problem(
        "microphone-busy",
        "The microphone cannot be opened.",
        "Another program may be using it. Close that one and try again.",
      );
    default:
      return new Problem("microphone", "The microphone cannot be used.", `The browser says: ${error.message || error.name}.`);
  }
}

/** An unsuccessful answer of the server as a problem. */
export function serverProblem(status, detail) {
  // The description of the interface is for programmers; the page shows what the user can do instead.
  const message = (detail?.message ?? `The server answered ${status}.`).replace(/; see \/openapi\.json$/, ".");
  const settings = detail?.code === "bad_options" || (detail?.code === "bad_request" && message.includes("'options."));
  if (settings) {
    return new Problem(detail.code, "The server refuses the settings.", message, { settings });
  }
  switch (detail?.code) {
    case "server_full":
      return new Problem("server_full", "All places are taken.", "Someone else is talking right now. Try again in a moment.");
    case "unknown_session":
      return new Problem("unknown_session", "The conversation is over.", "What was said so far is kept. You can start again.");
    case "unauthorized":
      return new Problem("unauthorized", "This server needs its token.", "Whoever started the server can see it there.", {
        retry: false,
        needsToken: true,
      });
    default:
      return new Problem(detail?.code ?? "server", "The server refused.", message);
  }
}

export const unreachable = () =>
  new Problem("unreachable", "The server does not answer.", "Check that it is still running, then try again.");

export const notConnected = () =>
  new Problem(
    "not-connected",
    "No audio connection could be made.",
    "A firewall or VPN may block UDP between this browser and the server. Try without it.",
  );

export const lost = () =>
  new Problem("lost", "The connection was lost.", "What was said so far is kept. You can start again.");

export const microphoneGone = () =>
  new Problem("microphone-gone", "Your microphone is gone.", "Plug one in or switch it on. You can start again.");

export const endedByServer = (code, message) => new Problem(code, "The server ended the conversation.", message);
