// The npm Solidity compiler behind stdin and stdout: standard JSON in, standard JSON out.
// Imports that the input does not carry are read from node_modules.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const solc = require("solc");

function readImport(name) {
  const file = path.join(__dirname, "node_modules", name);
  return fs.existsSync(file)
    ? { contents: fs.readFileSync(file, "utf8") }
    : { error: `not found: ${name}` };
}

const input = fs.readFileSync(0, "utf8");
process.stdout.write(solc.compile(input, { import: readImport }));
