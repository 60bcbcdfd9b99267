// The settings dialog; what was chosen is kept in this browser. Knows one form.

const STORE = "duplex.settings";

export class Settings {
  #dialog;
  #form;

  constructor(dialog, form) {
    this.#dialog = dialog;
    this.#form = form;
    this.#restore();
    form.addEventListener("submit", () => this.#keep());
    form.addEventListener("reset", () => setTimeout(() => this.#keep()));
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => this.#keep());
  }

  open() {
    this.#dialog.showModal();
  }

  /** The options of an offer. */
  options() {
    const values = new FormData(this.#form);
    const seed = values.get("seed");
    return {
      policy: values.get("policy"),
      system_prompt: values.get("system_prompt").trim() || null,
      temperature: Number(values.get("temperature") || 0),
      seed: seed === "" ? null : Number(seed),
      utc_offset_min: -new Date().getTimezoneOffset(),
      pattern: values.get("pattern") || null,
    };
  }

  /** Interaction patterns of the server's model; none hides the choice. */
  offer(patterns) {
    const field = this.#form.elements.pattern;
    field.disabled = patterns.length === 0;
    field.closest("label").hidden = field.disabled;
    for (const option of field.options) option.hidden = option.value !== "" && !patterns.includes(option.value);
  }

  #keep() {
    const pattern = this.#form.elements.pattern.value;
    localStorage.setItem(STORE, JSON.stringify({ ...Object.fromEntries(new FormData(this.#form)), pattern }));
  }

  #restore() {
    let kept = {};
    try {
      kept = JSON.parse(localStorage.getItem(STORE)) ?? {};
    } catch {
      localStorage.removeItem(STORE);
    }
    for (const [name, value] of Object.entries(kept)) {
      const field = this.#form.elements[name];
      if (field) field.value = value;
    }
  }
}
