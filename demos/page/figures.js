// Shows measured values in the side panel: latencies (last and median), network, model.

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};
const seconds = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`);
const percent = (share) => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;

export class Figures {
  #element;
  #latencies = { response: [], stop: [] };
  #rtts = [];

  /** `element`: id -> element. */
  constructor(element) {
    this.#element = element;
  }

  clear() {
    this.#latencies = { response: [], stop: [] };
    this.#rtts = [];
    for (const id of ["response-last", "stop-last", "rtt", "loss", "step", "missed"]) this.#show(id, "–");
    for (const id of ["response-median", "stop-median"]) this.#show(id, "");
  }

  /** Take a message of the server; those without figures are ignored. */
  take(message) {
    if (message.type === "latency") this.#latency(message);
    if (message.type === "slot") this.#show("step", `${message.step_ms.toFixed(0)} ms`);
    if (message.type === "stats") {
      this.#show("loss", percent(Math.max(message.loss, message.loss_out)));
      this.#show("missed", message.slots ? `${message.missed} of ${message.slots}` : "–");
    }
  }

  /** Take a round-trip time on the data channel, in ms. */
  rtt(ms) {
    this.#rtts = [...this.#rtts.slice(-8), ms];
    const middle = median(this.#rtts);
    this.#show("rtt", middle < 10 ? `${middle.toFixed(1)} ms` : `${middle.toFixed(0)} ms`);
  }

  #latency({ kind, ms }) {
    const all = this.#latencies[kind];
    all.push(ms);
    this.#show(`${kind}-last`, seconds(ms));
    this.#show(`${kind}-median`, `median ${seconds(median(all))}`);
  }

  #show(id, text) {
    this.#element(id).textContent = text;
  }
}
