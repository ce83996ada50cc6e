// Zed's edit predictions: what its providers post (crates/edit_prediction and crates/codestral of Zed, read in 2026), to a real `pilotlight serve`; and that the settings
// which editors/zed/README.md gives to paste are those which this holds for.
import { readFileSync } from 'node:fs';
import { serve } from '../../http/serve.mjs';
import { contains, equal } from '../vscode/suite.mjs';

const README = new URL('../../../editors/zed/README.md', import.meta.url);
const PREFIX = 'def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    return ';
const SUFFIX = '\n\n\nprint(subtract(2, 1))\n';
/** What Zed wants a text to end before. */
const STOP = [
  '<|endoftext|>', '<|file_separator|>', '<|fim_pad|>', '<|fim_prefix|>', '<|fim_middle|>', '<|fim_suffix|>', '<fim_prefix>', '<fim_middle>', '<fim_suffix>', '<PRE>', '<SUF>',
  '<MID>', '[PREFIX]', '[SUFFIX]',
];
/** How Zed spells a hole out, by its setting `prompt_format`. */
const FORMATS = {
  code_llama: (prefix, suffix) => `<PRE> ${prefix} <SUF>${suffix} <MID>`,
  star_coder: (prefix, suffix) => `<fim_prefix>${prefix}<fim_suffix>${suffix}<fim_middle>`,
  deepseek_coder: (prefix, suffix) => `<｜fim▁begin｜>${prefix}<｜fim▁hole｜>${suffix}<｜fim▁end｜>`,
  qwen: (prefix, suffix) => `<|fim_prefix|>${prefix}<|fim_suffix|>${suffix}<|fim_middle|>`,
  code_gemma: (prefix, suffix) => `<|fim_prefix|>${prefix}<|fim_suffix|>${suffix}<|fim_middle|>`,
  codestral: (prefix, suffix) => `[SUFFIX]${suffix}[PREFIX]${prefix}`,
};

/** The README's settings blocks, by their provider. */
function blocks() {
  const found = [...readFileSync(README, 'utf8').matchAll(/```json\n([\s\S]*?)```/g)].map(([, text]) => JSON.parse(text));
  return Object.fromEntries(found.filter((block) => block.edit_predictions).map((block) => [block.edit_predictions.provider, block.edit_predictions]));
}

export async function predictions(suite) {
  const { base, stop } = await serve();
  const settings = blocks();
  /** The README's address, which is of the usual port, at this server. */
  const here = (url) => {
    const { origin, pathname } = new URL(url);
    equal(origin, 'http://127.0.0.1:8012', 'the address in the README');
    return base + (pathname === '/' ? '' : pathname);
  };
  const post = async (url, body) => {
    const response = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`);
    return JSON.parse(text);
  };
  // The oracle: the plainest wire, the hole given in two parts.
  const hole = (n_predict) => post(`${base}/infill`, { input_prefix: PREFIX, input_suffix: SUFFIX, n_predict, stop: STOP });

  try {
    await suite.test('open_ai_compatible_api, in each prompt format that Zed has for a model’s family', async () => {
      const { api_url, model, prompt_format, max_output_tokens } = settings.open_ai_compatible_api.open_ai_compatible_api;
      if (!(prompt_format in FORMATS)) throw new Error(`${prompt_format} is none of Zed’s formats`);
      const { content } = await hole(max_output_tokens);
      if (content.trim() === '') throw new Error('the model has nothing to say to this hole');
      for (const [name, spell] of Object.entries(FORMATS)) {
        const answer = await post(here(api_url), { model, prompt: spell(PREFIX, SUFFIX), max_tokens: max_output_tokens, stop: STOP });
        equal(answer.choices[0].text, content, name);
        // What Zed parses the answer into has all of these.
        for (const field of ['id', 'object', 'created', 'model', 'usage']) if (answer[field] === undefined) throw new Error(`${name}: no ${field} in ${JSON.stringify(answer)}`);
        equal(typeof answer.choices[0].finish_reason, 'string', `${name}: finish_reason`);
      }
    });

    await suite.test('ollama', async () => {
      const { api_url, model, max_output_tokens } = settings.ollama.ollama;
      const ask = (temperature) => ({ model, prompt: FORMATS.qwen(PREFIX, SUFFIX), raw: true, stream: false, options: { num_predict: max_output_tokens, ...temperature, stop: STOP } });
      const answer = await post(`${here(api_url)}/api/generate`, ask({}));
      equal(answer.response, (await hole(max_output_tokens)).content, 'the text');
      equal([answer.done, typeof answer.created_at], [true, 'string'], 'the end');
      equal(typeof (await post(`${here(api_url)}/api/generate`, ask({ temperature: 0.2 }))).response, 'string', 'a text at Zed’s temperature');
    });

    await suite.test('codestral', async () => {
      const { api_url, model, max_tokens } = settings.codestral.codestral;
      const body = { model, prompt: PREFIX, suffix: SUFFIX, max_tokens, temperature: 0.2, top_p: 1.0, stream: false };
      const answer = await post(`${here(api_url)}/v1/fim/completions`, body);
      equal(typeof answer.choices[0].message.content, 'string', 'the text');
      equal(answer.choices[0].message.role, 'assistant', 'the role');
      for (const field of ['prompt_tokens', 'completion_tokens', 'total_tokens']) equal(typeof answer.usage[field], 'number', field);
      equal((await post(`${here(api_url)}/v1/fim/completions`, { ...body, temperature: 0, stop: STOP })).choices[0].message.content, (await hole(max_tokens)).content, 'the text, without chance');
    });

    await suite.test('an error comes with words that Zed’s log can show', async () => {
      const response = await fetch(`${base}/v1/completions`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ model: 'x', max_tokens: 4 }) });
      equal(response.ok, false, 'whether it is taken');
      contains((await response.json()).error.message, 'prompt', 'what is told');
    });
  } finally {
    await stop();
  }
}
