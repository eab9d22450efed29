// Owns the task of the demo: a small project whose test fails, what the model is asked, and whether it was done. Never talks.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const sourceFile = "words.py";
export const testFile = "test_words.py";
export const testCommand = "python3 -m unittest";

/** The words of a text were counted without regard to punctuation. */
const files = {
  [sourceFile]: [
    '"""Counts the words of a text."""',
    "",
    "",
    "def count_words(text):",
    '    """Word in lower case -> how often it occurs. Punctuation at either end is not part of a word."""',
    "    counts = {}",
    "    for word in text.lower().split():",
    "        counts[word] = counts.get(word, 0) + 1",
    "    return counts",
    "",
  ].join("\n"),
  [testFile]: [
    "import unittest",
    "",
    "from words import count_words",
    "",
    "",
    "class CountWords(unittest.TestCase):",
    "    def test_punctuation_is_not_part_of_a_word(self):",
    '        self.assertEqual(count_words("Yes, yes! No?"), {"yes": 2, "no": 1})',
    "",
    "",
    'if __name__ == "__main__":',
    "    unittest.main()",
    "",
  ].join("\n"),
} as const;

export const prompt =
  `The project in /workspace has a failing test. Create a workspace, run \`${testCommand}\` there to see it fail, read the ` +
  `code, fix ${sourceFile}, and run the test again until it passes. Do not change ${testFile}. Then say in one sentence what was wrong.`;

export interface Project extends AsyncDisposable {
  readonly folder: string;
}

/** A folder on the host to seed from, which is removed when it is disposed. */
export async function makeProject(): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), "pyro-demo-"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
