// From snapshots as they come to what is shown of them.
const OLD = 5;
const POLL = 2000;
let latest = null;
let received = 0;
let isPaused = false;
let isLost = false;

function take(snapshot) {
  received = performance.now();
  isLost = false;
  latest = snapshot;
  histories.note(snapshot);
  if (!isPaused) show();
}

function show() {
  offerProcesses(latest.processes);
  const shown = chosen();
  tell(news(shown));
  showSummary(shown);
  showSections(shown);
  processes.show(latest.processes.map(one => [String(one.process), one]), latest.at);
  showAge();
}

function chosen() {
  const wanted = byId("process").value;
  return latest.processes.find(one => String(one.process) === wanted) ?? latest;
}

function offerProcesses(all) {
  const ids = all.map(one => String(one.process));
  const select = byId("process");
  const wanted = ids.includes(select.value) ? select.value : "all";
  setChildren(select, ["all", ...ids].map(id => element("option", { value: id }, id)));
  select.value = wanted;
  byId("choice").hidden = ids.length < 2;
}

// What is old must not look like what is now.
function showAge() {
  const seconds = (performance.now() - received) / 1000;
  const isOld = latest !== null && seconds > OLD;
  document.body.classList.toggle("old", isOld || isLost);
  if ((isOld || isLost) && !isPaused) tell(["bad", "No answer from the worker; trying again."]);
  const at = latest === null ? "" : `As of ${clock(latest.at)}`;
  setText(byId("age"), isPaused ? `${at}, paused.` : isOld ? `${at}, ${span(seconds)} ago.` : at && `${at}.`);
}

function lose() {
  isLost = true;
  showAge();
}

function listen() {
  const events = new EventSource("status/events");
  events.onmessage = event => take(JSON.parse(event.data));
  events.onerror = () => {
    // It tries again by itself as long as there may be a stream.
    if (events.readyState === EventSource.CLOSED) poll();
    else lose();
  };
}

async function poll() {
  try {
    const answer = await fetch("status.json", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    take(await answer.json());
  } catch {
    lose();
  }
  setTimeout(poll, POLL);
}

byId("pause").onclick = event => {
  isPaused = !isPaused;
  event.currentTarget.setAttribute("aria-pressed", String(isPaused));
  if (latest !== null && !isPaused) show();
  else showAge();
};
byId("process").onchange = () => latest !== null && show();
setInterval(showAge, 1000);
listen();
