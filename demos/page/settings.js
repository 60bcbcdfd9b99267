// The settings dialog. Done keeps the choices in this browser; Escape discards them.
// Only kept values are sent, never the form's present content, so that they are always within their bounds.

import { Store, attempt } from "./optional.js";

const KEY = "duplex.settings";
const NAMES = ["policy", "pattern", "system_prompt", "temperature", "seed"];

export class Settings {
  #dialog;
  #form;
  #store = new Store("localStorage");
  #patterns = [];
  #tools = [];
  #kept;

  constructor(dialog, form) {
    this.#dialog = dialog;
    this.#form = form;
    form.noValidate = true; // errors are shown as a line of the form, not as a bubble that disappears
    this.#kept = this.#restored();
    this.#fill(this.#kept);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#complain()) return;
      this.#keep();
      dialog.close();
    });
    form.addEventListener("input", () => this.#complaint.hidden || this.#complain({ focus: false }));
    form.addEventListener("reset", () => setTimeout(() => this.#complain()));
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => this.#fill(this.#kept));
  }

  open() {
    attempt("dialogs", () => this.#dialog.showModal());
  }

  /** The options of an offer. */
  options() {
    const { policy, pattern, system_prompt: prompt, temperature, seed } = this.#kept;
    return {
      policy,
      system_prompt: prompt.trim() || null,
      temperature: Number(temperature || 0),
      seed: seed === "" ? null : Number(seed),
      utc_offset_min: -new Date().getTimezoneOffset(),
      pattern: this.#patterns.includes(pattern) ? pattern : null,
      tools: this.#allowed(),
    };
  }

  /** Interaction patterns of the server's model, and functions that it may call; none hides the choice. */
  offer(patterns, tools) {
    this.#list(tools);
    this.#patterns = patterns;
    const field = this.#field("pattern");
    field.disabled = patterns.length === 0;
    field.closest("label").hidden = field.disabled;
    for (const option of field.options) option.hidden = option.value !== "" && !patterns.includes(option.value);
    if (field.selectedOptions[0]?.hidden) field.value = "";
  }

  /** A switch for each function; all are on at first. */
  #list(tools) {
    this.#tools = tools.map((tool) => tool.name);
    const group = this.#form.querySelector("#tools");
    group.hidden = tools.length === 0;
    group.replaceChildren(group.firstElementChild, ...tools.map(choice));
    this.#switch(this.#kept.tools_off);
  }

  /** Names of the functions that may be called; null allows all of them. */
  #allowed() {
    const allowed = this.#tools.filter((name) => !this.#kept.tools_off.includes(name));
    return allowed.length < this.#tools.length ? allowed : null;
  }

  get #switches() {
    return [...this.#form.querySelectorAll("#tools input")];
  }

  #switch(off) {
    for (const one of this.#switches) one.checked = !off.includes(one.value);
  }

  get #complaint() {
    return this.#form.querySelector("#settings-problem");
  }

  #field(name) {
    return this.#form.elements[name];
  }

  #values() {
    return Object.fromEntries(NAMES.map((name) => [name, this.#field(name).value]));
  }

  #fill(values) {
    for (const name of NAMES) this.#field(name).value = values[name];
    this.#switch(values.tools_off);
    this.#complain({ focus: false });
  }

  /** Show what is wrong with the first field that is out of bounds; true if there is one. */
  #complain({ focus = true } = {}) {
    const fields = NAMES.map((name) => this.#field(name)).filter((field) => field.type === "number");
    for (const field of fields) field.setAttribute("aria-invalid", String(complaint(field) !== ""));
    const wrong = fields.find((field) => complaint(field));
    this.#complaint.hidden = !wrong;
    this.#complaint.textContent = wrong ? complaint(wrong) : "";
    if (wrong && focus) wrong.focus();
    return Boolean(wrong);
  }

  #keep() {
    // What was switched off for another server stays off there.
    const elsewhere = this.#kept.tools_off.filter((name) => !this.#tools.includes(name));
    const here = this.#switches.filter((one) => !one.checked).map((one) => one.value);
    this.#kept = { ...this.#values(), tools_off: [...elsewhere, ...here] };
    this.#store.write(KEY, JSON.stringify(this.#kept));
  }

  /** Values that an earlier visit kept, as far as they can still be used. */
  #restored() {
    const standard = this.#values();
    const stored = attempt("kept settings", () => JSON.parse(this.#store.read(KEY)), null) ?? {};
    const values = NAMES.map((name) => [name, this.#usable(name, stored[name]) ?? standard[name]]);
    const off = Array.isArray(stored.tools_off) ? stored.tools_off.filter((name) => typeof name === "string") : [];
    return { ...Object.fromEntries(values), tools_off: off };
  }

  #usable(name, value) {
    const field = this.#field(name);
    const longest = field.maxLength > 0 ? field.maxLength : Infinity;
    if (typeof value !== "string" || value.length > longest) return null;
    field.value = value;
    return field.value === value && !complaint(field) ? value : null;
  }
}

function choice({ name, description }) {
  const label = document.createElement("label");
  const box = Object.assign(document.createElement("input"), { type: "checkbox", value: name, defaultChecked: true });
  const text = document.createElement("span");
  const title = document.createElement("b");
  label.className = "choice";
  title.textContent = name;
  text.append(title, description);
  label.append(box, text);
  return label;
}

/** What is wrong with a number, in one line; empty if it is right. */
function complaint(field) {
  const { badInput, rangeUnderflow, rangeOverflow, stepMismatch, valueMissing } = field.validity ?? {};
  const whole = field.step === "1";
  if (!badInput && !rangeUnderflow && !rangeOverflow && !valueMissing && !(whole && stepMismatch)) return "";
  return `${field.dataset.name} must be a ${whole ? "whole " : ""}number from ${field.min} to ${field.max}.`;
}
