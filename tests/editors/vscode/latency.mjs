// From a key to ghost text on the screen: what the page saw, joined with what the tap saw at the server's pipe.

/**
 * Runs in the page: notes each key, and the frame in which ghost text that was not there before it stands in the page. The time is taken in the frame after
 * the change, when it has been painted.
 */
export function watch(selector) {
  const seen = { keys: [], ghosts: [] };
  window.pilotlightSeen = seen;
  const now = () => performance.timeOrigin + performance.now();
  const ghost = () => [...document.querySelectorAll(selector)].some((piece) => (piece.textContent ?? '').trim() !== '');
  let shown = false;
  addEventListener('keydown', (event) => {
    if (event.key.length === 1 || event.key === 'Enter') seen.keys.push({ at: performance.timeOrigin + event.timeStamp, shown: ghost() });
  }, true);
  new MutationObserver(() => {
    const is = ghost();
    if (is && !shown) requestAnimationFrame(() => setTimeout(() => seen.ghosts.push(now())));
    shown = is;
  }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['class', 'style'] });
}

/**
 * Ghost text that came where there was none: the key before it, the answer that brought it, and how long each part took. Where an answer is none's (ghost
 * text that VS Code kept), the server had no share and it is left out.
 */
export function join(seen, answers) {
  const samples = [];
  for (const ghost of seen.ghosts) {
    const key = seen.keys.findLast(({ at }) => at < ghost);
    const answer = answers.findLast(({ answered, items }) => items > 0 && answered < ghost);
    if (!key || !answer || answer.asked < key.at) continue;
    samples.push({ total: ghost - key.at, before: answer.asked - key.at, server: answer.answered - answer.asked, after: ghost - answer.answered });
  }
  return samples;
}

export function quantile(values, q) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

/** p50 and p95 of each part, and the server's part of the whole. */
export function summary(samples) {
  const of = (part) => samples.map((sample) => sample[part]);
  const sum = (part) => of(part).reduce((all, value) => all + value, 0);
  const parts = Object.fromEntries(['total', 'before', 'server', 'after'].map((part) => [part, { p50: quantile(of(part), 0.5), p95: quantile(of(part), 0.95) }]));
  return { samples: samples.length, ...parts, server_share: sum('server') / sum('total') };
}
