// Proves that everything doctor can find is explained, and that nothing else pretends to be.

import { expect, test } from "vitest";
import { hostFindingCodes } from "../../src/chat-host/finding.js";
import { findingCodes } from "../../src/doctor/finding.js";
import { checkoutFiles } from "./checkout.js";

const page = checkoutFiles((path) => path === "docs/troubleshooting.md")[0]?.text ?? "";

test("every code of doctor has its section in docs/troubleshooting.md, in the order in which findings are shown", () => {
  expect([...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual([
    ...findingCodes,
    ...hostFindingCodes,
  ]);
});

test("every section says more than its heading", () => {
  const sections = page.split(/^## /m).slice(1);
  expect(sections.filter((text) => text.split("\n").slice(1).join(" ").trim().length < 60)).toEqual([]);
});
