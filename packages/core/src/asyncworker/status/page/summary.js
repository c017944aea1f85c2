// The whole in a sentence and a few numbers.
function news(snapshot) {
  const failing = snapshot.routes.filter(waits);
  const number = snapshot.routes.length;
  if (failing.length) {
    const names = [...new Set(failing.map(work => work.name))].join(", ");
    return ["bad", `${failing.length} of ${plural(number, "route")} cannot work: ${names}`];
  }
  if (snapshot.phase !== "working") return ["warn", `The worker is ${snapshot.phase}.`];
  return ["good", number ? `${plural(number, "route")} at work.` : "The worker is at work."];
}

function tell([kind, text]) {
  byId("news").className = kind;
  setText(byId("news"), text);
  document.title = `${kind === "good" ? "" : "▲ "}asyncworker: ${text}`;
}

function showSummary(snapshot) {
  const facts = [
    ["Phase", snapshot.phase],
    ["Since", span(snapshot.at - snapshot.since)],
    ["Rate", rate(handledRate(snapshot))],
    ["In flight", count(total(snapshot, "in_flight"))],
    ["Waiting", count(total(snapshot, "waiting"))],
    ["Failures", count(total(snapshot, "failures"))],
    ["Loop lag", duration(snapshot.loop.lag)],
    ["Loop blocked", duration(snapshot.loop.blocked_seconds)],
    snapshot.processes.length ? ["Processes", count(snapshot.processes.length)] : ["Process", String(snapshot.process)],
  ];
  setChildren(byId("summary"), facts.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}
