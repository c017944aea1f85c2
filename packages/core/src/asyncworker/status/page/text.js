// Numbers, durations and moments as people read them.
const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

function duration(seconds) {
  if (seconds < 0.001) return seconds > 0 ? `${Math.ceil(seconds * 1e6)} µs` : "0 s";
  if (seconds < 1) return `${Number((seconds * 1000).toPrecision(2))} ms`;
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  let rest = Math.round(seconds);
  const parts = [];
  for (const [unit, length] of UNITS) {
    if (rest >= length && parts.length < 2) parts.push(`${Math.floor(rest / length)} ${unit}`);
    rest %= length;
  }
  return parts.join(" ");
}

// The same, for what is told again each second: to the second only while that says something.
function span(seconds) {
  return duration(Math.max(1, seconds < 60 ? Math.floor(seconds) : seconds - (seconds % 60)));
}

function count(number) {
  return number.toLocaleString("en");
}

function rate(number) {
  if (number === 0) return "0/s";
  return `${number < 10 ? number.toFixed(number < 1 ? 2 : 1) : count(Math.round(number))}/s`;
}

function plural(number, noun, nouns = `${noun}s`) {
  return `${count(number)} ${number === 1 ? noun : nouns}`;
}

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString("en-GB");
}
