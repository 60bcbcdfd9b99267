// Offers the files of a conversation that has ended. It depends on their links and on the server's interface.

import { saveAs } from "./optional.js";

/** Links to a session's files: id of the link -> name of the file. */
const FILES = {
  "download-recording": "recording.wav",
  "download-slots": "slots.jsonl",
  "download-transcript": "transcript.json",
};

export class Downloads {
  #element;
  #api;
  #refused;

  /** `element`: id -> element, `api`: an `Api`, `refused`: is called with a Problem. */
  constructor(element, api, refused) {
    this.#element = element;
    this.#api = api;
    this.#refused = refused;
    for (const id of Object.keys(FILES)) element(id).addEventListener("click", (event) => this.#save(event));
  }

  /** Offer the files of a session that has ended. */
  offer(session) {
    for (const [id, name] of Object.entries(FILES)) {
      Object.assign(this.#element(id), { href: session.file(name), download: `duplex-${session.id}-${name}` });
    }
    this.#element("downloads").hidden = false;
  }

  hide() {
    this.#element("downloads").hidden = true;
  }

  /** With a token, a file is fetched here, because a link carries none. */
  #save(event) {
    if (!this.#api.needsToken) return;
    event.preventDefault();
    const link = event.currentTarget;
    this.#api.read(link.href).then((content) => saveAs(content, link.download), this.#refused);
  }
}
