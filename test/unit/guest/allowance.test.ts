// Proves that the bounds of a call leave room for what an honest agent sends.

import { expect, test } from "vitest";
import { allowanceOf, Tally } from "../../../src/guest/allowance.js";
import { FileKind, FileService } from "../../../src/guest/gen/pyro/guest/v1/files_pb.js";

test("an archive may leave out as many things as its agent names, each with its kind", () => {
  const tally = new Tally(allowanceOf(FileService.method.pack, {}));
  const batch = {
    skipped: Array.from({ length: 512 }, () => Buffer.from("pipe")),
    skippedKinds: Array.from({ length: 512 }, () => FileKind.FIFO),
  };
  for (let sent = 0; sent < 195; sent += 1) tally.add(batch);
  expect(() => tally.add(batch)).toThrow("more entries than it was asked for");
});
