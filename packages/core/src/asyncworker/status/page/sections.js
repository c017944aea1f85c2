// What is told of each kind of thing.
const histories = new Histories();

const NUMBERS = [
  ["Rate", (work, now, key) => [rate(histories.of(key).rate), sparkline(histories.of(key).rates)], true],
  ["Mean time", work => (work.batches ? duration(work.seconds / work.batches) : "–"), true],
  ["In flight", work => count(work.in_flight), true],
];
const FAILURES = [
  ["Failures", work => count(work.failures), true],
  ["Last error", (work, now) => lastError(work.last_error, now)],
];

function lastError(error, now) {
  if (error === null) return [];
  return [element("code", {}, error.text), element("div", { class: "quiet" }, `${span(now - error.at)} ago`)];
}

function sources(work, now) {
  return element("ul", {}, ...work.sources.map(one => source(one, now)));
}

function named(work) {
  return [work.name, element("div", { class: "quiet" }, work.kind)];
}

const routes = new Table("Routes", [
  ["Route", named],
  ["Sources", sources],
  ...NUMBERS,
  ["Waiting", work => count(work.waiting), true],
  ["Oldest", work => (work.oldest ? duration(work.oldest) : "–"), true],
  ...FAILURES,
]);
const handlers = new Table("Longest-running handlers", [
  ["Handler", one => [one.route, element("div", { class: "quiet" }, one.kind)]],
  ["Waits at", one => (one.at === null ? "–" : element("code", {}, one.at))],
  ["For", one => duration(one.seconds), true],
  ["Size", one => count(one.size), true],
  ["Process", one => String(one.process), true],
]);
const schedules = new Table("Schedules", [["Schedule", work => work.name], ["Timetable", sources], ...NUMBERS, ...FAILURES]);
const publishing = new Table("Publishing", [["Connection", work => work.name], ["Virtual hosts", sources], ...NUMBERS, ...FAILURES]);
const connections = new Table("Connections", [
  ["Connection", one => one.name],
  ["State", one => element("span", { class: `state ${one.is_open ? "good" : "bad"}` }, one.is_open ? "● open" : "▲ lost")],
  ["Times lost", one => count(one.lost), true],
]);
const problems = new Table("Problems", [["What", one => one.subject], ["Why", one => one.reason]]);
const blocked = new Table("What blocked the event loop", [
  ["Handler", one => one.handler ?? "–"],
  ["At", one => element("code", {}, one.at)],
  ["For", one => duration(one.seconds), true],
  ["Ago", (one, now) => span(now - one.since), true],
  ["Process", one => String(one.process), true],
]);
const processes = new Table("Processes", [
  ["Process", one => String(one.process)],
  ["State", (one, now) => [state(one.phase), element("span", { class: "quiet" }, ` for ${span(now - one.since)}`)]],
  ["Rate", one => rate(handledRate(one)), true],
  ["In flight", one => count(total(one, "in_flight")), true],
  ["Waiting", one => count(total(one, "waiting")), true],
  ["Failures", one => count(total(one, "failures")), true],
]);

function total(snapshot, name) {
  return [...snapshot.routes, ...snapshot.schedules].reduce((sum, work) => sum + work[name], 0);
}

function handledRate(snapshot) {
  const works = keyed(snapshot).filter(([, work]) => work.kind !== "publish");
  return works.reduce((sum, [key]) => sum + histories.of(key).rate, 0);
}

// Most are told with the route that they concern.
function otherProblems(snapshot) {
  const reasons = snapshot.routes.flatMap(work => work.sources).map(one => one.reason).filter(Boolean);
  return snapshot.problems.filter(one => !reasons.some(reason => one.reason.endsWith(reason)));
}

function numbered(items) {
  return items.map((item, index) => [String(index), item]);
}

function showSections(snapshot) {
  const works = keyed(snapshot);
  const of = items => works.filter(([, work]) => items.includes(work));
  problems.show(numbered(otherProblems(snapshot)), snapshot.at);
  routes.show(of(snapshot.routes), snapshot.at);
  handlers.show(numbered(snapshot.handlers), snapshot.at);
  blocked.show(numbered([snapshot.loop.last_blocked].filter(Boolean)), snapshot.at);
  schedules.show(of(snapshot.schedules), snapshot.at);
  publishing.show(of(snapshot.publishing), snapshot.at);
  connections.show(numbered(snapshot.connections), snapshot.at);
}

byId("sections").append(...[routes, problems, handlers, blocked, schedules, publishing, connections, processes].map(one => one.section));
