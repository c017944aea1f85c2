// How it stands with a source, by a sign, a word and a color.
const STATES = {
  working: ["●", "good"],
  waiting: ["▲", "bad"],
  starting: ["◌", "warn"],
  paused: ["❚❚", "warn"],
  "standing by": ["○", "good"],
  draining: ["▼", "warn"],
  ended: ["■", "warn"],
};

function state(word) {
  const [sign, kind] = STATES[word] ?? ["●", "warn"];
  return element("span", { class: `state ${kind}` }, element("span", { "aria-hidden": "true" }, `${sign} `), word);
}

function source(one, now) {
  const told = element("li", {});
  if (one.state !== null) told.append(state(one.state), " ");
  told.append(one.name || "(default)");
  if (one.since !== null) told.append(element("span", { class: "quiet" }, ` for ${span(now - one.since)}`));
  if (one.reason !== null) told.append(element("div", { class: one.state === "waiting" ? "wrong" : "quiet" }, one.reason));
  const outcomes = Object.entries(one.outcomes).map(([name, number]) => `${name} ${count(number)}`);
  if (outcomes.length) told.append(element("div", { class: "quiet" }, outcomes.join(" · ")));
  return told;
}

function waits(work) {
  return work.sources.some(one => one.state === "waiting");
}
