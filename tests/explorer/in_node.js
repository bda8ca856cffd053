// node in_node.js PAGE: evaluates code from standard input beside the scripts that an explorer page carries and prints
// what it comes to as JSON.  The scripts of the page's controls are among them where `controls` is true, or
// "calm": whoever looks then asks for reduced motion.
"use strict";
const fs = require("node:fs");
const vm = require("node:vm");
const fakeDocument = require("./fake_document.js");

const html = fs.readFileSync(process.argv[2], "utf8");
const { code, given, controls } = JSON.parse(fs.readFileSync(0, "utf8"));
const script = (id) => html.match(new RegExp(`<script [^>]*id="${id}">([^]*?)</script>`))[1];
const pure = ["network", "latents", "kinematics", "figure"];
const around = controls
  ? fakeDocument(html, (id) => (id === "data" ? script(id) : ""), controls === "calm")
  : { data: JSON.parse(script("data")) };
const context = vm.createContext({ atob, given, ...around });
for (const id of controls ? [...pure, "page", "controls"] : pure) vm.runInContext(script(id), context, { filename: id });
const plain = (key, value) => {
  if (ArrayBuffer.isView(value)) return Array.from(value);
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
};
console.log(JSON.stringify(vm.runInContext(code, context, { filename: "test" }), plain));
