// Reads documents, by name, as JSON; writes what is wrong with each of them, a line each.
const { Parser } = require("@asyncapi/parser");

const ERROR = 0;
const WARNING = 1;

async function main() {
  const documents = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
  const parser = new Parser();
  const found = {};
  for (const [name, text] of Object.entries(documents)) {
    const { diagnostics } = await parser.parse(text);
    found[name] = diagnostics
      .filter((one) => one.severity === ERROR || one.severity === WARNING)
      .map((one) => `${one.severity === ERROR ? "error" : "warning"} ${one.code} at ${one.path.join("/")}: ${one.message}`);
  }
  process.stdout.write(JSON.stringify(found));
}

main();
