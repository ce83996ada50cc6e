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
    const told = (error) => String(error?.stack ?? error).split('\n').slice(0, 6).join('\n      ');
    try {
      try {
        await run();
      } catch (error) {
        await this.again(error, description, run, bench, told);
      }
      this.passed += 1;
      console.log(`ok    ${this.name}: ${description} (${Date.now() - began} ms)`);
    } catch (error) {
      this.failed += 1;
      console.log(`FAIL  ${this.name}: ${description}\n      ${told(error)}`);
      await bench?.screenshot(`failed-${this.name}-${this.failed}`).catch(() => undefined);
    }
  }

  /** A workbench on a busy machine loses a key or a focus now and then: once more, with the files as they were, and what failed the first time is told. */
  async again(error, description, run, bench, told) {
    if (!bench) throw error;
    console.log(`again ${this.name}: ${description}\n      ${told(error)}`);
    await bench.screenshot(`again-${this.name}-${description.replaceAll(/[^a-z0-9]+/gi, '-').slice(0, 40)}`).catch(() => undefined);
    await bench.reset();
    await run();
  }
}

export function equal(actual, expected, what) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}:\n expected ${b}\n found    ${a}`);
}

export function contains(text, part, what) {
  if (!text.includes(part)) throw new Error(`${what}: expected to find ${JSON.stringify(part)} in ${JSON.stringify(text)}`);
}
