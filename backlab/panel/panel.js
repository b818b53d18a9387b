// The page of the panel: a card for each server. Python sends `cards`, we send what was pressed.
//
// Elements are made once and only their changed parts are touched, so that focus, a slider in somebody's hand
// and a screen reader's place survive each refresh. Real buttons and sliders carry the server in their names.

// Python asks the servers only while somebody sees the cards: it is told when that changes, and again now and
// then. Seldom, since each message makes the kernel busy for a moment, which a screen reader says aloud.
const BEAT_MS = 120_000;

const STATES = {
  running: ["●", "running"],
  silent: ["◌", "running, but does not answer"],
  paused: ["❚❚", "paused: it keeps its connections and answers nobody"],
  down: ["✕", "down"],
  gone: ["✕", "taken down; run the cell with backlab.up again"],
};

const HELP = {
  pause: "freeze it: it keeps its connections and answers nobody",
  resume: "let it go on",
  kill: "end it at once, as a power cut does; its data stays",
  restart: "stop it politely if it runs, and start it again with its data",
};

const OURS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown", " ", "Enter"]);

// JupyterLab takes the keys that move a slider or press a button for commands of its own, unless they end here.
function keep(event) {
  if (OURS.has(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
}

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// A minute of the number as a line; where nobody answered, it has a gap.
function curve(trace) {
  const top = Math.max(1e-9, ...trace.map((y) => y ?? 0));
  let path = "", pen = "M";
  trace.forEach((y, i) => {
    if (y === null) { pen = "M"; return; }
    path += `${pen}${60 - trace.length + i} ${(19 - (17 * y) / top).toFixed(1)}`;
    pen = "L";
  });
  return path;
}

function button(verb, name, send) {
  const made = make("button", { type: "button" });
  const show = (word) => {
    made.dataset.verb = word;
    say(made, word[0].toUpperCase() + word.slice(1));
    made.setAttribute("aria-label", `${made.textContent} ${name}`);
    made.title = HELP[word];
  };
  show(verb);
  made.addEventListener("click", () => send({ do: made.dataset.verb, server: name }));
  return { made, show };
}

function slider(label, name, control, steps, spell, send) {
  const words = make("span", { class: "value", "aria-hidden": "true" }); // the slider says both itself
  const input = make("input", { type: "range", min: 0, max: steps.length - 1, step: 1 });
  input.setAttribute("aria-label", `${label} of the wire to ${name}`);
  const told = () => {
    const text = spell(steps[input.value]);
    say(words, text);
    input.setAttribute("aria-valuetext", text);
  };
  let sent = null, held = 0; // what we have just sent is not overwritten by a card that left before it
  input.addEventListener("input", () => {
    told();
    held = Date.now();
    if (sent !== input.value) send({ set: control, value: steps[input.value], server: name });
    sent = input.value;
  });
  const show = (value) => {
    if (Date.now() - held < 1500) return;
    input.value = String(steps.indexOf(value));
    sent = input.value;
    told();
  };
  return { made: make("label", {}, make("span", { "aria-hidden": "true" }, label), input, words), show };
}

function wireOf(name, wire, send) {
  const latency = slider("latency", name, "latency_ms", wire.latencies_ms, (ms) => `+ ${ms} ms`, send);
  const rate = slider("bandwidth", name, "rate_kb_s", wire.rates_kb_s, spellRate, send);
  const cut = make("button", { type: "button", "aria-pressed": "false" }, "Cut");
  cut.setAttribute("aria-label", `Cut the wire to ${name}`);
  cut.title = "nothing passes until it is pressed again; nothing is lost";
  cut.addEventListener("click", () =>
    send({ set: "cut", value: cut.getAttribute("aria-pressed") === "true" ? 0 : 1, server: name }));
  const made = make("fieldset", {}, make("legend", {}, "wire"), latency.made, rate.made, cut);
  const show = (now) => {
    latency.show(now.latency_ms);
    rate.show(now.rate_kb_s);
    cut.setAttribute("aria-pressed", now.cut ? "true" : "false");
    made.classList.toggle("faulty", Boolean(now.latency_ms || now.rate_kb_s || now.cut));
  };
  return { made, show };
}

function spellRate(kilobytes) {
  if (kilobytes === 0) return "no limit";
  return kilobytes >= 1000 ? `${kilobytes / 1000} MB/s` : `${kilobytes} kB/s`;
}

function cardOf(name, send) {
  const title = make("h3", {}, name);
  const mark = make("span", { class: "mark", "aria-hidden": "true" });
  const state = make("span");
  const number = make("span", { class: "number" }), unit = make("span", { class: "unit" });
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const chart = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 60 20", preserveAspectRatio: "none", "aria-hidden": "true" }))
    chart.setAttribute(key, value);
  chart.append(line);
  const facts = make("p", { class: "facts" }), said = make("p", { class: "said" });
  // A screen reader says these words when they change, wherever it is: so they name the server.
  const aloud = make("p", { class: "aloud", role: "status" });
  const freeze = button("pause", name, send), kill = button("kill", name, send), again = button("restart", name, send);
  const deeds = make("div", { class: "deeds" }, freeze.made, kill.made, again.made);
  const made = make("article", { "aria-label": name }, make("header", {}, title, make("p", { class: "state" }, mark, state)),
    make("div", { class: "vital" }, make("p", {}, number, " ", unit), chart), facts, deeds, said, aloud);
  let told = null;
  let wire = null;
  const show = (card) => {
    const [sign, words] = STATES[card.state] ?? ["…", card.state];
    made.dataset.state = card.state;
    say(mark, sign);
    say(state, words);
    say(number, card.number || "–");
    say(unit, card.unit);
    line.setAttribute("d", curve(card.trace));
    say(facts, [card.version, card.facts].filter(Boolean).join(", "));
    say(said, card.said);
    const news = [`${name}: ${words}`, card.said].filter(Boolean).join(". ");
    if (told !== null && told !== news) say(aloud, news);
    told = news;
    made.querySelector(".vital").hidden = !card.unit;
    freeze.show(card.state === "paused" ? "resume" : "pause");
    for (const one of deeds.children) one.disabled = card.state === "gone";
    if (card.wire && !wire) deeds.after((wire = wireOf(name, card.wire, send)).made);
    if (wire) wire.made.hidden = !card.wire;
    if (card.wire) wire.show(card.wire);
  };
  return { made, show };
}

function render({ model, el }) {
  const panel = make("section", { class: "backlab-panel", "aria-label": "Servers of this bench" });
  panel.addEventListener("keydown", keep);
  const view = Math.random().toString(36).slice(2);
  const send = (message) => model.send({ view, ...message });
  const cards = new Map();
  const draw = () => {
    for (const card of model.get("cards")) {
      if (!cards.has(card.name)) {
        cards.set(card.name, cardOf(card.name, send));
        panel.append(cards.get(card.name).made);
      }
      cards.get(card.name).show(card);
    }
  };
  let near = false, seen = false;
  const look = () => {
    const sees = near && !document.hidden;
    if (sees !== seen) send({ sees });
    seen = sees;
  };
  const eye = new IntersectionObserver((entries) => { near = entries.at(-1).isIntersecting; look(); });
  const timer = setInterval(() => { if (seen) send({ sees: true }); }, BEAT_MS);
  document.addEventListener("visibilitychange", look);
  model.on("change:cards", draw);
  draw();
  eye.observe(panel);
  el.append(panel);
  return () => {
    clearInterval(timer);
    eye.disconnect();
    document.removeEventListener("visibilitychange", look);
    model.off("change:cards", draw);
    near = false;
    look();
  };
}

export default { render };
