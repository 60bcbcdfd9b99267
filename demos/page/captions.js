// Shows what was said as a conversation, with words that are planned, sounding, heard or never heard.
// It depends only on caption messages and one list element.

/** Characters of the line of a call. */
const LONGEST = 200;

/** Words that follow the previous word without a space. */
const JOINED = /^[.,;:!?…)’”']/;

export class Captions {
  #list;
  #turns = new Map();
  #answers = new Map();
  #calls = new Map();

  constructor(list) {
    this.#list = list;
  }

  clear() {
    this.#list.replaceChildren();
    this.#turns.clear();
    this.#answers.clear();
    this.#calls.clear();
  }

  /** Take a message of the server; those that are not captions are ignored. */
  take(message) {
    const pinned = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 80;
    switch (message.type) {
      case "user":
        this.#user(message);
        break;
      case "planned":
        message.words.forEach((text, place) => this.#word(message.answer, message.first + place, text));
        break;
      case "spoken":
        this.#spoken(message);
        break;
      case "tool":
        this.#tool(message);
        break;
      case "cut":
        this.#cut(message);
        break;
      default:
        return;
    }
    if (pinned) this.#list.scrollTop = this.#list.scrollHeight;
  }

  /** The present answer has ended: no word is the current one any more. */
  settle() {
    for (const word of this.#list.querySelectorAll(".word.now")) word.classList.replace("now", "heard");
  }

  #user({ turn, text }) {
    if (!text) return;
    if (!this.#turns.has(turn)) this.#turns.set(turn, this.#bubble("user", "You: "));
    this.#turns.get(turn).querySelector(".text").textContent = text;
  }

  /** One line for a call of a function: what is called, then what came of it. */
  #tool(message) {
    const { call, name, result, failed } = message;
    if (!this.#calls.has(call)) this.#calls.set(call, this.#bubble("note tool", "Function: "));
    const bubble = this.#calls.get(call);
    const came = result === null ? "…" : `→ ${failed ? reasonOf(result) : result}`;
    bubble.classList.toggle("failed", failed);
    bubble.querySelector(".text").textContent = oneLine(`${name} ${valuesOf(message.arguments)} ${came}`);
  }

  #spoken({ answer, index, text }) {
    const words = this.#answer(answer).words;
    const word = this.#word(answer, index, text);
    for (let place = 0; place < index; place += 1) words[place]?.classList.replace("now", "heard");
    words.slice(0, index).forEach((earlier) => earlier?.classList.add("heard"));
    word.classList.add("now");
  }

  #cut({ answer, heard }) {
    if (!this.#answers.has(answer)) return;
    const { bubble, words } = this.#answer(answer);
    if (!heard) {
      bubble.remove();
      return;
    }
    words.forEach((word, place) => {
      word.classList.remove("now", "heard");
      word.classList.add(place < heard ? "heard" : "unheard");
    });
    words[heard]?.before(part("unseen", "not heard: "));
    bubble.append(" ", part("tag", "interrupted"));
  }

  #word(answer, index, text) {
    const { bubble, words } = this.#answer(answer);
    if (!words[index]) {
      const word = part("word", text);
      const place = bubble.querySelector(".text");
      place.append(index && !JOINED.test(text) ? " " : "", word);
      words[index] = word;
    }
    return words[index];
  }

  #answer(answer) {
    if (!this.#answers.has(answer)) {
      this.#answers.set(answer, { bubble: this.#bubble("assistant", "Assistant: "), words: [] });
    }
    return this.#answers.get(answer);
  }

  /** A name as separate text; a label that replaces the list item's content would hide what was said. */
  #bubble(side, name) {
    const bubble = document.createElement("li");
    bubble.className = `says ${side}`;
    bubble.append(part("unseen", name), part("text"));
    this.#list.append(bubble);
    return bubble;
  }
}

/** The values of a call's arguments, which are a JSON object unless the model made a mistake. */
function valuesOf(text) {
  const values = parsed(text || "{}", (made) => Object.values(made)) ?? [text];
  return values.map((value) => (typeof value === "string" ? value : JSON.stringify(value))).join(", ");
}

function reasonOf(result) {
  return `error: ${parsed(result, (made) => made.error) ?? result}`;
}

/** What `take` makes of JSON that a language model wrote; null if it is none. */
function parsed(text, take) {
  try {
    return take(JSON.parse(text));
  } catch {
    return null;
  }
}

function oneLine(text) {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}

function part(name, text = "") {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = text;
  return element;
}
