// What snapshots held before, and the rates that this makes.
const KEPT = 120;
const SMOOTH = 10;

class History {
  constructor() {
    this.samples = [];
  }

  // total: of what was done so far; it is less after a process was replaced.
  add(at, total) {
    const last = this.samples.at(-1);
    if (last !== undefined && at <= last.at) return;
    const seconds = last === undefined ? 0 : at - last.at;
    const done = last === undefined ? 0 : Math.max(0, total - last.total);
    this.samples.push({ at, total, done, seconds });
    if (this.samples.length > KEPT) this.samples.shift();
  }

  get rates() {
    return this.samples.slice(1).map(({ done, seconds }) => done / seconds);
  }

  // Of the last seconds, as it would not be readable otherwise.
  get rate() {
    const now = this.samples.at(-1)?.at;
    const recent = this.samples.slice(1).filter(({ at }) => at > now - SMOOTH);
    const seconds = recent.reduce((sum, one) => sum + one.seconds, 0);
    return seconds ? recent.reduce((sum, one) => sum + one.done, 0) / seconds : 0;
  }
}

class Histories {
  constructor() {
    this.known = new Map();
  }

  of(key) {
    if (!this.known.has(key)) this.known.set(key, new History());
    return this.known.get(key);
  }

  // Note what all processes did together, and each by itself; forget what is gone.
  note(snapshot) {
    const seen = new Set();
    for (const one of [snapshot, ...snapshot.processes]) {
      for (const [key, work] of keyed(one)) {
        this.of(key).add(one.at, work.handled);
        seen.add(key);
      }
    }
    for (const key of this.known.keys()) if (!seen.has(key)) this.known.delete(key);
  }
}

// A handler may be there more than once, so that its number among those alike tells it apart.
function keyed(snapshot) {
  const numbers = new Map();
  return [...snapshot.routes, ...snapshot.schedules, ...snapshot.publishing].map(work => {
    const name = JSON.stringify([snapshot.process, work.kind, work.name]);
    const number = numbers.get(name) ?? 0;
    numbers.set(name, number + 1);
    return [`${name} ${number}`, work];
  });
}
