// A sequence of tests that share one workbench: each failure is told with a screenshot, and the next goes on. $PILOTLIGHT_TEST_ONLY, a regular expression,
// chooses some by their descriptions while one works on them.

export class Suite {
  passed = 0;
  failed = 0;

  constructor(name) {
    this.name = name;
  }

  async test(description, run, bench) {
    if (process.env.PILOTLIGHT_TEST_ONLY && !new RegExp(process.env.PILOTLIGHT_TEST_ONLY).test(description)) return;
    const began = Date.now();
    try {
      await run();
      this.passed += 1;
      console.log(`ok    ${this.name}: ${description} (${Date.now() - began} ms)`);
    } catch (error) {
      this.failed += 1;
      console.log(`FAIL  ${this.name}: ${description}\n      ${String(error?.stack ?? error).split('\n').slice(0, 6).join('\n      ')}`);
      await bench?.screenshot(`failed-${this.name}-${this.failed}`).catch(() => undefined);
    }
  }
}

export function equal(actual, expected, what) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}:\n expected ${b}\n found    ${a}`);
}

export function contains(text, part, what) {
  if (!text.includes(part)) throw new Error(`${what}: expected to find ${JSON.stringify(part)} in ${JSON.stringify(text)}`);
}
